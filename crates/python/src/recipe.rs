//! Recipes: lists of operations that can be stored and replayed.

use std::path::PathBuf;

use dodge_imaging::{Operation, OperationKind, Recipe as Inner};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::failure::{file, value};
use crate::pixels::{array_of_photo, photo_of};

/// Operations in their order, each as it is written: `contrast:1.2`.
#[pyclass(module = "dodge", frozen, eq, from_py_object)]
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Recipe(pub(crate) Inner);

#[pymethods]
impl Recipe {
    /// A recipe of these operations. Strengths in pixels were chosen on a photo with this longer side, where one is named.
    #[new]
    #[pyo3(signature = (operations, longer_side=None))]
    fn new(operations: Vec<String>, longer_side: Option<u32>) -> PyResult<Self> {
        let operations =
            operations.iter().map(|text| text.parse::<Operation>().map_err(value)).collect::<PyResult<_>>()?;
        let recipe = Inner::new(operations);
        Ok(Self(longer_side.map_or(recipe.clone(), |side| recipe.with_longer_side(side))))
    }

    /// Reads a recipe file.
    #[staticmethod]
    fn load(path: PathBuf) -> PyResult<Self> {
        Inner::load(&path).map(Self).map_err(file)
    }

    /// Writes a recipe file, whole or not at all.
    fn save(&self, path: PathBuf) -> PyResult<()> {
        self.0.save(&path).map_err(file)
    }

    #[getter]
    fn operations(&self) -> Vec<String> {
        self.0.operations().iter().map(ToString::to_string).collect()
    }

    #[getter]
    fn longer_side(&self) -> Option<u32> {
        self.0.longer_side()
    }

    /// What comes of a photo, as a new array.
    fn apply<'py>(&self, py: Python<'py>, photo: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let photo = photo_of(photo)?;
        let result = py.detach(|| self.0.apply(&photo));
        array_of_photo(py, &result)
    }

    /// The same with a share of each edit, from 0 to 1.
    fn scaled(&self, share: f32) -> PyResult<Self> {
        if (0.0..=1.0).contains(&share) {
            Ok(Self(self.0.scaled(share)))
        } else {
            Err(value("the share must lie between 0 and 1"))
        }
    }

    /// For `pickle` and `copy`.
    fn __getnewargs__(&self) -> (Vec<String>, Option<u32>) {
        (self.operations(), self.longer_side())
    }

    fn __repr__(&self) -> String {
        format!("Recipe({:?})", self.operations())
    }

    fn __len__(&self) -> usize {
        self.0.operations().len()
    }
}

/// All kinds of operations: `name`, `about`, and `range`, the least strength, the one that does nothing, and the greatest, or None for a kind
/// that takes a word.
#[pyfunction]
pub(crate) fn operations(py: Python<'_>) -> PyResult<Vec<Bound<'_, PyDict>>> {
    let described = |&kind: &OperationKind| {
        let described = PyDict::new(py);
        described.set_item("name", kind.name())?;
        described.set_item("about", kind.description())?;
        let (low, neutral, high) = kind.range();
        described.set_item("range", kind.has_strength().then(|| (written(low), written(neutral), written(high))))?;
        Ok(described)
    };
    OperationKind::ALL.iter().map(described).collect()
}

/// The number that a person would write: 0.1, and not what the nearest float is in more digits.
fn written(number: f32) -> f64 {
    number.to_string().parse().unwrap_or_default()
}
