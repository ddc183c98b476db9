//! What a step of preprocessing is, and how every step is run.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use dodge_data::Skipped;

use crate::cache::{Cached, cached};
use crate::context::{Context, UsedResult};
use crate::error::{Error, file_error};
use crate::key::KeyBuilder;
use crate::unusable::tell_of_skipped;

/// One step of preprocessing: a small value that turns a typed input into a typed result on disk.
///
/// Open for implementation. A step says what its result depends on, fills a folder, and reads a result back from it; all
/// else is done by [`Preprocessor::run`], for every step alike: the cache, the lock between processes, the files that are
/// there whole or not at all, the word on what was left out, the duration, the figures and the artifacts of the run.
///
/// A step is pure: the same input, parameters and version give the same files.
pub trait Preprocessor {
    /// What the step works on.
    type Input;
    /// What it leaves behind.
    type Output;

    /// Name of the step, in small letters, digits and `_`: the folder under `cache/` and the middle of
    /// `perf/<name>_duration_seconds`.
    fn name(&self) -> &'static str;

    /// Version of the step: raise it when the same input and parameters give other files than before.
    fn version(&self) -> u32;

    /// Adds to the key all that the result depends on besides name and version: the key of the input, each parameter, the
    /// seed, the versions of other crates' parts that are used.
    fn key(&self, input: &Self::Input, key: KeyBuilder) -> KeyBuilder;

    /// Looks for what makes the work hopeless, before any of it.
    ///
    /// # Errors
    /// [`Error`], saying what to do.
    fn check(&self, input: &Self::Input) -> Result<(), Error> {
        let _ = input;
        Ok(())
    }

    /// Does the work: writes the result into the folder `folder`, which is there and empty. Not called where the result
    /// is in the cache.
    ///
    /// # Errors
    /// [`Error`], naming the file; nothing of the folder is kept then.
    fn make(&self, input: &Self::Input, folder: &Path, context: &Context) -> Result<(), Error>;

    /// Reads a result that [`Preprocessor::make`] wrote, in this run or an earlier one.
    ///
    /// # Errors
    /// [`Error`], naming the file.
    fn load(&self, input: &Self::Input, result: &StepResult) -> Result<Self::Output, Error>;

    /// Files of the input that the step left out because they cannot be decoded. [`Preprocessor::run`] tells the user of them, also
    /// where the result is an earlier one.
    fn left_out<'a>(&self, output: &'a Self::Output) -> &'a [Skipped] {
        let _ = output;
        &[]
    }

    /// Figures of the result that are recorded as metrics of the run: name and value.
    fn figures(&self, output: &Self::Output) -> Vec<(String, f64)> {
        let _ = output;
        Vec::new()
    }

    /// Files of the result that are recorded as artifacts of the run.
    fn artifacts(&self) -> Vec<StepArtifact> {
        Vec::new()
    }

    /// Runs the step, or finds its earlier result. Not to be implemented: this is what all steps have in common.
    ///
    /// # Errors
    /// [`Error`], naming the file; nothing half-done stays in the cache.
    fn run(&self, input: &Self::Input, context: &Context) -> Result<Self::Output, Error> {
        run(self, input, context)
    }
}

/// Where the result of a step is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepResult {
    /// The folder that the step filled.
    pub folder: PathBuf,
    /// What the result depends on; part of the key of the next step.
    pub key: String,
}

/// A file of a result that is recorded with the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepArtifact {
    /// The file, in the folder of the result.
    pub file: PathBuf,
    /// Its path among the artifacts of the run, `/` between parts.
    pub name: String,
}

impl StepArtifact {
    /// The file `file` of the result as the artifact `preprocess/<name>`.
    pub fn new(file: impl Into<PathBuf>, name: &str) -> Self {
        Self { file: file.into(), name: format!("preprocess/{name}") }
    }
}

fn run<P: Preprocessor + ?Sized>(step: &P, input: &P::Input, context: &Context) -> Result<P::Output, Error> {
    let (timer, started) = (context.run().time_stage(step.name()), Instant::now());
    context.check_interrupted()?;
    step.check(input)?;
    let key = step.key(input, KeyBuilder::new(step.name(), step.version())).build();
    let Cached { folder, reused, lock } =
        cached(context, step.name(), &key, |folder| step.make(input, folder, context))?;
    let output = step.load(input, &StepResult { folder: folder.clone(), key })?;
    tell_of_skipped(step.left_out(&output));
    let figures = step.figures(&output);
    if !figures.is_empty() {
        context.run().log_metrics(&figures, 0)?;
    }
    for artifact in step.artifacts() {
        let path = folder.join(&artifact.file);
        let bytes = fs::read(&path).map_err(|source| file_error("read", &path, source))?;
        context.run().log_artifact_bytes(&bytes, &artifact.name)?;
    }
    let (seconds, left_out) = (started.elapsed().as_secs_f64(), step.left_out(&output).len());
    context.note_use(UsedResult { step: step.name(), folder, reused, seconds, left_out }, lock);
    timer.finish()?;
    Ok(output)
}
