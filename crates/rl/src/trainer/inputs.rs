//! The photos of a run as datasets of its record, which MLflow shows beside its figures.

use std::path::{Path, PathBuf};

use dodge_data::{ContentHash, Dataset};
use dodge_preprocess::{SplitPhotos, Splits};
use dodge_tracking::{DatasetInput, Run};
use serde_json::json;

use crate::error::Error;

/// Longest digest that MLflow takes, in characters; it is the beginning of a SHA-256.
const DIGEST: usize = 36;

/// Longest name of a dataset that is recorded, in characters: half of what MLflow takes.
const NAME: usize = 250;

/// What MLflow shows as the columns of a split.
const SCHEMA: &str = r#"{"mlflow_colspec": [
    {"name": "degraded", "type": "string", "required": true}, {"name": "original", "type": "string", "required": true},
    {"name": "damage", "type": "string", "required": true}, {"name": "degraded_score", "type": "double", "required": true},
    {"name": "original_score", "type": "double", "required": true}]}"#;

/// The name of a dataset in the record: that of the folder of its photos.
pub(crate) fn name_of(dataset: &Dataset) -> String {
    let folder = std::path::absolute(dataset.root()).unwrap_or_else(|_| dataset.root().to_owned());
    let name = folder.file_name().unwrap_or(folder.as_os_str()).to_string_lossy();
    name.chars().take(NAME).collect()
}

/// Records each split as a dataset of the run: named as the folder of the photos, with a digest of what is in it, how many photos there
/// are and what they are for.
///
/// # Errors
/// [`Error::Part`] where the record cannot be written, or the annotation file of a split cannot be read.
pub(crate) fn log_splits(run: &Run, dataset: &Dataset, splits: &Splits) -> Result<(), Error> {
    let absolute = |folder: &Path| std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let mut source = json!({"uri": absolute(dataset.root()).to_string_lossy()});
    if let Some(after) = dataset.after_root() {
        source["after"] = absolute(after).to_string_lossy().into();
    }
    for (context, split) in [("training", &splits.train), ("validation", &splits.validation), ("test", &splits.test)] {
        let input = DatasetInput::new(name_of(dataset), digest(split)?, "local", source.to_string())
            .with_context(context)
            .with_schema(SCHEMA)
            .with_profile(profile(split).to_string());
        run.log_dataset(&input)?;
    }
    Ok(())
}

/// Of the annotation file: it names the photos, by a folder that is called after their contents, what was done to them, and their scores.
fn digest(split: &SplitPhotos) -> Result<String, Error> {
    let (folder, name) = (split.path.parent().unwrap_or(Path::new("")), split.path.file_name().unwrap_or_default());
    let mut digest = ContentHash::of_files(folder, &[PathBuf::from(name)])?.to_string();
    digest.truncate(DIGEST);
    Ok(digest)
}

/// `num_rows` is what MLflow's page shows.
fn profile(split: &SplitPhotos) -> serde_json::Value {
    let damaged = split.photos.iter().filter(|photo| photo.is_damaged()).count();
    let photos = split.photos.len();
    json!({"num_rows": photos, "damaged": damaged, "undamaged": photos - damaged, "left_out": split.left_out})
}
