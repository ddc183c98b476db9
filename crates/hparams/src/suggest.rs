//! What to offer someone who typed a name that does not exist.

use std::fmt;

/// Advice that ends an error about an unknown name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hint {
    /// One known name is close to what was typed.
    DidYouMean(String),
    /// No known name is close: all of them, in the order of declaration.
    Available(Vec<String>),
}

impl Hint {
    /// The closest of `known` to `typed`, or all of them where none is close.
    pub(crate) fn new<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        let known: Vec<&str> = known.into_iter().collect();
        match closest(typed, known.iter().copied()) {
            Some(name) => Hint::DidYouMean(name.to_owned()),
            None => Hint::Available(known.into_iter().map(str::to_owned).collect()),
        }
    }
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Hint::DidYouMean(name) => write!(f, "did you mean `{name}`?"),
            Hint::Available(names) if names.is_empty() => f.write_str("there are none"),
            Hint::Available(names) => write!(f, "available: {}", names.join(", ")),
        }
    }
}

/// Names longer than this are no typing mistakes, and comparing them would cost time that
/// grows with the square of what a hostile file contains.
const LONGEST_TYPED_NAME: usize = 64;

/// The one of `known` that `typed` was probably meant to be: at most one mistake in three letters, where neither case nor `-` for `_`
/// is one.
#[must_use]
pub fn closest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if typed.len() > LONGEST_TYPED_NAME {
        return None;
    }
    let plain = |name: &str| name.to_lowercase().replace('-', "_");
    let typed = plain(typed);
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&typed, &plain(name)), name))
        // One mistake in three letters is a typing mistake; more is another word.
        .filter(|(distance, name)| *distance <= name.len().max(3) / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::Hint;

    #[track_caller]
    fn check(typed: &str, expected: &str) {
        let known = ["discount", "learning_rate", "hidden"];
        assert_eq!(Hint::new(typed, known).to_string(), expected);
    }

    #[test]
    fn close_names_are_offered_and_far_ones_listed() {
        check("discont", "did you mean `discount`?");
        check("DISCOUNT", "did you mean `discount`?");
        check("learning-rate", "did you mean `learning_rate`?");
        check("zzz", "available: discount, learning_rate, hidden");
        check(&"discount".repeat(1000), "available: discount, learning_rate, hidden");
        assert_eq!(Hint::new("a", []).to_string(), "there are none");
    }
}
