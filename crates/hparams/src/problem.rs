//! Why a value does not fit.

use crate::suggest::Hint;

/// Why a value does not fit its hyperparameter.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The value has another type.
    #[error("wrong type, expected {expected}, got {got}")]
    WrongType {
        /// What the hyperparameter takes, in words.
        expected: String,
        /// What it got, in words.
        got: String,
    },
    /// The number lies outside of the declared range, or of the range of its type.
    #[error("out of range, expected {range}{}", with_unit(*unit))]
    OutOfRange {
        /// The range, in words.
        range: String,
        /// The unit of the hyperparameter.
        unit: Option<&'static str>,
    },
    /// The number is infinite or not a number.
    #[error("not a finite number")]
    NotFinite,
    /// The list has too many elements, or the text too many characters.
    #[error("too long, expected at most {max_len} {items}, got {len}")]
    TooLong {
        /// The largest length allowed.
        max_len: usize,
        /// The length of the value.
        len: usize,
        /// What the length counts: elements or characters.
        items: &'static str,
    },
    /// The text names none of the choices.
    #[error("no such choice, {hint}")]
    UnknownChoice {
        /// What to write instead.
        hint: Hint,
    },
    /// The text is the word for no value, in an optional text that is to have one.
    #[error("the text `none` stands for no value, choose another")]
    ReservedText,
    /// The choice has no datum of this name.
    #[error("`{choice}` has no `{key}`, {hint}")]
    UnknownDatum {
        /// The choice.
        choice: &'static str,
        /// The name as typed.
        key: String,
        /// What to write instead.
        hint: Hint,
    },
    /// One datum of a choice does not fit.
    #[error("{key}: {problem}")]
    Datum {
        /// Its name.
        key: String,
        /// What is wrong with it.
        problem: Box<Problem>,
    },
    /// One element of a list does not fit.
    #[error("element {number}: {problem}")]
    Element {
        /// The element, counted from 1.
        number: usize,
        /// What is wrong with it.
        problem: Box<Problem>,
    },
}

impl Problem {
    pub(crate) fn datum(key: &str, problem: Problem) -> Self {
        Problem::Datum { key: key.to_owned(), problem: Box::new(problem) }
    }

    pub(crate) fn element(index: usize, problem: Problem) -> Self {
        Problem::Element { number: index + 1, problem: Box::new(problem) }
    }
}

/// `text` on one line of bounded length: what was typed may be a megabyte of control characters.
pub(crate) fn shortened(text: &str) -> String {
    const LONGEST: usize = 80;
    let clean = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    if text.chars().nth(LONGEST).is_none() {
        return text.chars().map(clean).collect();
    }
    let mut out: String = text.chars().take(LONGEST).map(clean).collect();
    out.push_str("...");
    out
}

fn with_unit(unit: Option<&str>) -> String {
    unit.map(|unit| format!(" ({unit})")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::shortened;

    #[test]
    fn long_and_unprintable_text_is_tamed() {
        assert_eq!(shortened("short"), "short");
        assert_eq!(shortened("a\nb"), "a\u{fffd}b");
        assert_eq!(shortened(&"é".repeat(80)), "é".repeat(80));
        assert_eq!(shortened(&"é".repeat(81)), format!("{}...", "é".repeat(80)));
    }
}
