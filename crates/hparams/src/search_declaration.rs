//! Which values of a hyperparameter are worth trying, as its declaration says.

use serde::Serialize;

use crate::range::NumberRange;
use crate::value::Value;

/// Which values of one hyperparameter a search tries: its attribute `search`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Search {
    pub(crate) values: Values,
    /// The hyperparameter, of this section or in full, and the value that it must have.
    pub(crate) when: Option<(&'static str, &'static str)>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) enum Values {
    All,
    Range(NumberRange),
    List(Vec<Value>),
}

impl Search {
    /// All that is accepted: the whole range of a number, every choice, true and false.
    #[must_use]
    pub fn all() -> Self {
        Self { values: Values::All, when: None }
    }

    /// Numbers in this range, which is closed and lies in the accepted one.
    #[must_use]
    pub fn range(range: NumberRange) -> Self {
        Self { values: Values::Range(range), when: None }
    }

    /// Only where the hyperparameter `name` (a key of the same section, or `section.key`) has the value that is written
    /// as `value`; of a choice with data the name counts.
    #[must_use]
    pub fn when(self, name: &'static str, value: &'static str) -> Self {
        Self { when: Some((name, value)), ..self }
    }
}
