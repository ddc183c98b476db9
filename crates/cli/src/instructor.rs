//! What was done to a photo, and why, as lines.

use dodge_rl::Explained;

/// One line per edit.
pub(crate) fn in_words(edits: &[Explained]) -> String {
    if edits.is_empty() {
        return "  nothing: no edit promised to bring the photo closer to how it should look\n".to_owned();
    }
    let line = |(number, edit): (usize, &Explained)| format!("  {number}. {}: {}\n", edit.what, edit.why);
    (1..).zip(edits).map(line).collect()
}
