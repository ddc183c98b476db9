//! A profile of RawTherapee: a key file of GLib with the sections that differ from neutral.

use super::{Counterpart, exact, no_table};
use crate::Operation;

/// The section that looks colours up in a Hald CLUT.
pub(super) const TABLE: &str = "Film Simulation";

pub(super) fn counterpart(operation: &Operation) -> Counterpart {
    match operation.kind() {
        kind if kind.maps_colours() => exact(TABLE, "a Hald CLUT of 64 points on each side, in encoded sRGB"),
        kind => no_table(kind),
    }
}

/// The profile that names a Hald CLUT by its absolute path; a relative one is looked for in a folder of the program's own.
pub(super) fn profile(table: &str) -> Result<String, String> {
    if table.is_empty() || table.chars().any(char::is_control) {
        return Err(format!("its profile has no place for the table's name {table:?}: choose another one"));
    }
    // In a key file a backslash begins an escape, and blanks in front are passed over.
    let escaped = table.replace('\\', "\\\\");
    let blanks = escaped.len() - escaped.trim_start_matches(' ').len();
    let escaped = "\\s".repeat(blanks) + &escaped[blanks..];
    Ok(format!(
        "[Version]\nAppVersion=5.9\nVersion=349\n\n[{TABLE}]\nEnabled=true\nClutFilename={escaped}\nStrength=100\n"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_escaped_as_key_files_are() {
        let line = |table: &str| profile(table).unwrap().lines().nth(6).unwrap().to_owned();
        assert_eq!(line("/a/my photo.hald.png"), "ClutFilename=/a/my photo.hald.png");
        assert_eq!(line("C:\\new\\a.png"), "ClutFilename=C:\\\\new\\\\a.png");
        assert_eq!(line("  a.png"), "ClutFilename=\\s\\sa.png");
        assert!(profile("a\n[Exposure].png").is_err());
    }
}
