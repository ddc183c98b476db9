//! Errors as Python has them.

use std::fmt::Display;

use dodge_rl::Error;
use pyo3::PyErr;
use pyo3::exceptions::{PyFileExistsError, PyOSError, PyRuntimeError, PyValueError};

/// An argument cannot be used.
pub(crate) fn value(error: impl Display) -> PyErr {
    PyValueError::new_err(error.to_string())
}

/// A file cannot be used.
pub(crate) fn file(error: impl Display) -> PyErr {
    PyOSError::new_err(error.to_string())
}

/// Something failed that nobody can do anything about but us.
pub(crate) fn mistake(reason: impl Display) -> PyErr {
    PyRuntimeError::new_err(format!("a mistake in the program ({reason}); please report it with the photo"))
}

/// A photo cannot be enhanced, or a result not be written.
pub(crate) fn of_photo(error: Error) -> PyErr {
    match error {
        Error::InTheWay { .. } | Error::ResultIsInput { .. } => PyFileExistsError::new_err(error.to_string()),
        Error::File { .. } => file(error),
        // It names the photo by itself.
        Error::Part { source, .. } => file(source),
        Error::Model { .. } => file(error),
        other => value(other),
    }
}
