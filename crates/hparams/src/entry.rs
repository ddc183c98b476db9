//! One hyperparameter of a registry, as it stands.

use crate::error::Layer;
use crate::schema::Field;
use crate::value::Value;

/// One hyperparameter of a registry, as it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry<'a> {
    /// Its section.
    pub section: &'static str,
    /// Its name within the section.
    pub key: &'static str,
    /// Its value.
    pub value: Value,
    /// The value it has when nobody sets it.
    pub default: &'static Value,
    /// The layer that set the value.
    pub layer: &'a Layer,
    /// Its declaration.
    pub field: &'static Field,
}
