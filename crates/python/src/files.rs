//! Photos as files: what a recipe makes of one, and where results of many go.

use std::path::{Path, PathBuf};

use dodge_imaging::{Picture, Recipe as Inner, Tolerance};
use dodge_rl::{
    Existing, RECIPE_EXTENSION, Source, Written, keep_inputs, read_manifest, result_extension, result_places,
    write_results,
};
use pyo3::prelude::*;

use crate::failure::{file, of_photo};
use crate::many::guarded;
use crate::recipe::Recipe;

/// A recipe, or the path of its file.
#[derive(FromPyObject)]
pub(crate) enum RecipeOrFile {
    Recipe(Recipe),
    File(PathBuf),
}

/// Replays a recipe on a photo at its full size, with its profile and metadata, and writes the result, as `dodge apply` does. Returns whether
/// it was written now: False where it was there already, the same to the byte.
#[pyfunction]
#[pyo3(signature = (recipe, photo, output, *, to_srgb=false, tolerant=false, overwrite=false))]
pub(crate) fn apply(
    py: Python<'_>,
    recipe: RecipeOrFile,
    photo: PathBuf,
    output: PathBuf,
    to_srgb: bool,
    tolerant: bool,
    overwrite: bool,
) -> PyResult<bool> {
    py.detach(|| {
        guarded(|| {
            let recipe = match recipe {
                RecipeOrFile::Recipe(recipe) => recipe.0,
                RecipeOrFile::File(path) => Inner::load(&path).map_err(file)?,
            };
            keep_input(&photo, &output, &[])?;
            let picture = Picture::open_with(&photo, tolerance(tolerant)).map_err(file)?;
            let picture = if to_srgb { picture.into_srgb() } else { picture };
            let (bytes, _) = recipe.result_for(&picture, &output).map_err(file)?;
            let written = write_results(&[(output, bytes)], existing(overwrite)).map_err(of_photo)?;
            Ok(written == Written::Now)
        })
    })
}

/// The photos of a list, a path on each line, each with the place of its result below a folder: those of `dodge enhance --manifest`.
#[pyfunction]
pub(crate) fn places(py: Python<'_>, manifest: PathBuf, folder: PathBuf) -> PyResult<Vec<(PathBuf, PathBuf)>> {
    py.detach(|| {
        let photos = read_manifest(&manifest)?;
        let places = result_places(&photos, &folder, &[RECIPE_EXTENSION], result_extension)?;
        Ok(photos.into_iter().map(|photo| photo.path).zip(places).collect())
    })
    .map_err(of_photo)
}

/// Whether what is in the way of a result is replaced.
pub(crate) fn existing(overwrite: bool) -> Existing {
    if overwrite { Existing::Replace } else { Existing::Keep }
}

/// What becomes of damaged files.
pub(crate) fn tolerance(tolerant: bool) -> Tolerance {
    if tolerant { Tolerance::Keep } else { Tolerance::Refuse }
}

/// A result never takes the place of its photo.
pub(crate) fn keep_input(photo: &Path, output: &Path, companions: &[&str]) -> PyResult<()> {
    let source = Source { path: photo.to_owned(), below: PathBuf::new() };
    keep_inputs(&[source], &[output.to_owned()], companions).map_err(of_photo)
}
