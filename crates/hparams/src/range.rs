//! Where numbers must lie.

use std::fmt;

use serde::Serialize;

use crate::value::Value;

/// Where a number must lie.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NumberRange {
    min: Option<Value>,
    max: Option<Value>,
    max_excluded: bool,
}

impl NumberRange {
    pub(crate) fn new(min: Option<Value>, max: Option<Value>, max_excluded: bool) -> Self {
        Self { min, max, max_excluded }
    }

    /// The smallest number allowed.
    #[must_use]
    pub fn min(&self) -> Option<&Value> {
        self.min.as_ref()
    }

    /// The largest number allowed, or where [`NumberRange::excludes_max`], the first that is not.
    #[must_use]
    pub fn max(&self) -> Option<&Value> {
        self.max.as_ref()
    }

    /// Whether the maximum itself lies outside.
    #[must_use]
    pub fn excludes_max(&self) -> bool {
        self.max_excluded
    }

    /// Whether the number `value` lies inside; false for anything else than a number.
    #[must_use]
    pub fn contains(&self, value: &Value) -> bool {
        let above = self.min.as_ref().is_none_or(|min| compare(value, min).is_some_and(|o| o.is_ge()));
        let below = self
            .max
            .as_ref()
            .is_none_or(|max| compare(value, max).is_some_and(|o| o.is_lt() || (o.is_eq() && !self.max_excluded)));
        matches!(value, Value::Integer(_) | Value::Float(_)) && above && below
    }

    pub(crate) fn check_declaration(&self) -> Result<(), String> {
        let finite = |end: &Option<Value>| end.as_ref().is_none_or(|end| to_f64(end).is_finite());
        if !finite(&self.min) || !finite(&self.max) {
            return Err("its range has an end that is not finite".to_owned());
        }
        match (&self.min, &self.max) {
            (Some(min), Some(_)) if !self.contains(min) => Err("its range is empty".to_owned()),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for NumberRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let below = if self.max_excluded { "below " } else { "" };
        match (&self.min, &self.max) {
            (Some(min), Some(max)) => write!(f, "{min} to {below}{max}"),
            (Some(min), None) => write!(f, "at least {min}"),
            (None, Some(max)) if self.max_excluded => write!(f, "below {max}"),
            (None, Some(max)) => write!(f, "at most {max}"),
            (None, None) => f.write_str("any number"),
        }
    }
}

/// Integers are compared as such, since a 64-bit one may not be exact as a float.
pub(crate) fn compare(left: &Value, right: &Value) -> Option<std::cmp::Ordering> {
    match (left, right) {
        (Value::Integer(left), Value::Integer(right)) => Some(left.cmp(right)),
        _ => to_f64(left).partial_cmp(&to_f64(right)),
    }
}

pub(crate) fn to_f64(value: &Value) -> f64 {
    match value {
        Value::Integer(value) => *value as f64,
        Value::Float(value) => *value,
        _ => f64::NAN,
    }
}
