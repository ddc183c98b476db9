//! Errors as Python has them.

use std::fmt::Display;

use pyo3::PyErr;
use pyo3::exceptions::{PyOSError, PyValueError};

/// An argument cannot be used.
pub(crate) fn value(error: impl Display) -> PyErr {
    PyValueError::new_err(error.to_string())
}

/// A file cannot be used.
pub(crate) fn file(error: impl Display) -> PyErr {
    PyOSError::new_err(error.to_string())
}
