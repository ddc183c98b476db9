//! The juror that comes with the program.

use dodge_imaging::Photo;
use dodge_juror::{ClassicalJuror, Juror as _};
use dodge_preprocess::ResizeParams;
use pyo3::prelude::*;
use rayon::prelude::*;

use crate::failure::value;
use crate::pixels::photo_of;

/// Scores photos from 0 to 10, by rules: brightness, contrast, colour.
#[pyclass(module = "dodge", frozen)]
#[derive(Debug)]
pub(crate) struct Juror(ClassicalJuror);

#[pymethods]
impl Juror {
    #[new]
    fn new() -> Self {
        Self(ClassicalJuror::new())
    }

    /// The scores of photos, in their order; they are looked at as `dodge score` does, on all cores.
    fn scores(&self, py: Python<'_>, photos: Vec<Bound<'_, PyAny>>) -> PyResult<Vec<f64>> {
        let photos = photos.iter().map(photo_of).collect::<PyResult<Vec<_>>>()?;
        let side = ResizeParams::default().max_size;
        py.detach(|| {
            let small: Vec<Photo> = photos.par_iter().map(|photo| photo.thumbnail(side)).collect();
            self.0.score(&small.iter().collect::<Vec<_>>())
        })
        .map_err(value)
    }
}
