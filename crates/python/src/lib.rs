#![doc = include_str!("../README.md")]
#![expect(clippy::needless_pass_by_value, reason = "Python hands over what it made for the call")]

mod enhancer;
mod environment;
mod failure;
mod files;
mod juror;
mod many;
mod pixels;
mod recipe;

use pyo3::prelude::*;

/// What `dodge/__init__.py` and `dodge/gym.py` stand on.
#[pymodule]
mod _dodge {
    #[pymodule_export]
    use crate::enhancer::{Enhanced, Enhancer};
    #[pymodule_export]
    use crate::environment::PhotoEnvironments;
    #[pymodule_export]
    use crate::files::{apply, places};
    #[pymodule_export]
    use crate::juror::Juror;
    #[pymodule_export]
    use crate::recipe::{Recipe, operations};

    #[pymodule_export]
    #[expect(non_upper_case_globals, reason = "Python's name")]
    const __version__: &str = env!("CARGO_PKG_VERSION");
}
