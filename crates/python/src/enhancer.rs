//! A model that enhances photos.

use std::path::{Path, PathBuf};

use dodge_imaging::Recipe as Inner;
use dodge_rl::{EnhanceOptions, RECIPE_EXTENSION, Task, Written};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyDict;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::failure::{of_photo, value};
use crate::files::{existing, keep_input, tolerance};
use crate::many::{for_each, guarded};
use crate::recipe::Recipe;

/// A photo: the path of its file, or what that holds.
#[derive(FromPyObject)]
pub(crate) enum PathOrBytes {
    Bytes(PyBackedBytes),
    Path(PathBuf),
}

/// Enhances photos as `dodge enhance` does: the same photo, model and settings give the same files to the byte. Can be sent to other
/// processes, where it reads its model again.
#[pyclass(module = "dodge", frozen)]
pub(crate) struct Enhancer {
    /// Behind a pointer: Python aligns objects less than tensors are.
    inner: Box<dodge_rl::Enhancer>,
    model: Option<PathBuf>,
    threads: Option<usize>,
    pool: ThreadPool,
}

/// What was done to one photo.
#[pyclass(module = "dodge", frozen, get_all)]
pub(crate) struct Enhanced {
    /// Where the result is; None where none was to be written.
    output: Option<PathBuf>,
    /// The edits that were made.
    recipe: Recipe,
    /// What the model expected of all that it wanted to do, in decibels, or would have expected.
    expected_gain_db: Option<f32>,
    /// The juror's score of the photo, from 0 to 10.
    score_before: f64,
    /// That of the result.
    score_after: f64,
    /// Edits that the model wanted, and the juror did not.
    vetoed: Option<Recipe>,
    /// Whether the result was there already.
    passed_over: bool,
    /// What a person should know, though nothing failed.
    notes: Vec<String>,
}

#[pymethods]
impl Enhancer {
    /// With the model of a file, or with the one in the box.
    #[new]
    #[pyo3(signature = (model=None, *, strength=None, max_steps=None, boldness=None, veto=true, to_srgb=false, tolerant=false, threads=None))]
    #[expect(clippy::too_many_arguments, reason = "they have names in Python")]
    fn new(
        py: Python<'_>,
        model: Option<PathBuf>,
        strength: Option<f32>,
        max_steps: Option<usize>,
        boldness: Option<f32>,
        veto: bool,
        to_srgb: bool,
        tolerant: bool,
        threads: Option<usize>,
    ) -> PyResult<Self> {
        if threads.is_some_and(|threads| !(1..=1024).contains(&threads)) {
            return Err(value("there can be 1 to 1024 threads"));
        }
        // Another process may have another working folder.
        let model = model.map(std::path::absolute).transpose()?;
        let tolerance = tolerance(tolerant);
        let options = EnhanceOptions { strength, max_steps, boldness, no_veto: !veto, to_srgb, tolerance };
        let pool = ThreadPoolBuilder::new().num_threads(threads.unwrap_or(0)).build().map_err(value)?;
        let loaded = py.detach(|| dodge_rl::Enhancer::load(model.as_deref(), &dodge_learn::cpu(), options));
        Ok(Self { inner: Box::new(loaded.map_err(of_photo)?), model, threads, pool })
    }

    /// The model's file, or None for the model in the box.
    #[getter]
    fn model(&self) -> Option<&Path> {
        self.model.as_deref()
    }

    /// Enhances one photo, a path or what a file holds; with an `output` the result is written there, and its recipe beside it.
    #[pyo3(signature = (photo, output=None, *, skip_existing=false, overwrite=false))]
    fn enhance(
        &self,
        py: Python<'_>,
        photo: PathOrBytes,
        output: Option<PathBuf>,
        skip_existing: bool,
        overwrite: bool,
    ) -> PyResult<Enhanced> {
        let writing = Writing { skip_existing, overwrite };
        py.detach(|| guarded(|| self.pool.install(|| self.work(&photo, output.as_deref(), writing))))
    }

    /// The same for many, several at a time. Returns what was done to each, or for a photo that failed its exception, which is not raised.
    #[pyo3(signature = (photos, outputs=None, *, skip_existing=false, overwrite=false))]
    fn enhance_all<'py>(
        &self,
        py: Python<'py>,
        photos: Vec<PathOrBytes>,
        outputs: Option<Vec<PathBuf>>,
        skip_existing: bool,
        overwrite: bool,
    ) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let (writing, threads) = (Writing { skip_existing, overwrite }, self.pool.current_num_threads());
        if let Some(outputs) = &outputs
            && outputs.len() != photos.len()
        {
            return Err(value(format!("{} outputs for {} photos", outputs.len(), photos.len())));
        }
        let output = |index: usize| outputs.as_ref().map(|outputs| &*outputs[index]);
        let work = |index: usize| self.pool.install(|| self.work(&photos[index], output(index), writing));
        let done = py.detach(|| for_each(photos.len(), threads, work))?;
        let object = |done: PyResult<Enhanced>| match done {
            Ok(done) => Ok(Bound::new(py, done)?.into_any()),
            Err(error) => Ok(error.into_value(py).into_bound(py).into_any()),
        };
        done.into_iter().map(object).collect()
    }

    /// For `pickle` and `copy`: a model in a file is read there again.
    fn __getnewargs_ex__<'py>(&self, py: Python<'py>) -> PyResult<((Option<PathBuf>,), Bound<'py, PyDict>)> {
        let (options, named) = (self.inner.options(), PyDict::new(py));
        named.set_item("strength", options.strength)?;
        named.set_item("max_steps", options.max_steps)?;
        named.set_item("boldness", options.boldness)?;
        named.set_item("veto", !options.no_veto)?;
        named.set_item("to_srgb", options.to_srgb)?;
        named.set_item("tolerant", options.tolerance != tolerance(false))?;
        named.set_item("threads", self.threads)?;
        Ok(((self.model.clone(),), named))
    }
}

/// What is done about files that are there.
#[derive(Clone, Copy)]
struct Writing {
    skip_existing: bool,
    overwrite: bool,
}

impl Enhancer {
    fn work(&self, photo: &PathOrBytes, output: Option<&Path>, writing: Writing) -> PyResult<Enhanced> {
        let nowhere = Path::new("");
        let mut task = Task::at(output.unwrap_or(nowhere));
        task.dry_run = output.is_none();
        task.skip_existing = writing.skip_existing && output.is_some();
        task.existing = existing(writing.overwrite);
        let done = match photo {
            PathOrBytes::Bytes(bytes) => self.inner.enhance_bytes(bytes, &task),
            PathOrBytes::Path(path) => {
                if let Some(output) = output {
                    keep_input(path, output, &[RECIPE_EXTENSION])?;
                }
                self.inner.enhance(path, &task)
            }
        };
        let done = done.map_err(of_photo)?;
        Ok(Enhanced {
            output: output.map(Path::to_owned),
            recipe: Recipe(done.recipe),
            expected_gain_db: done.expected_gain_db,
            score_before: done.score_before,
            score_after: done.score_after,
            vetoed: done.vetoed.map(|vetoed| Recipe(Inner::new(vetoed.operations))),
            passed_over: done.written == Some(Written::Before),
            notes: done.notes,
        })
    }
}

#[pymethods]
impl Enhanced {
    fn __repr__(&self) -> String {
        let operations: Vec<String> = self.recipe.0.operations().iter().map(ToString::to_string).collect();
        format!("Enhanced({operations:?}, score {:.2} -> {:.2})", self.score_before, self.score_after)
    }
}
