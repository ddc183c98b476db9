//! Photos that cannot be decoded: a step leaves them out, keeps their list with its result, and the user is told of them whenever the
//! result is used.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use dodge_data::{Dataset, PhotoFile, SkipReason, Skipped};
use dodge_imaging::Photo;
use serde::{Deserialize, Serialize};

use crate::error::{Error, file_error};
use crate::whole_file::write_whole;

/// Name of the list in the folder of a result.
pub(crate) const UNUSABLE: &str = "unusable.json";

/// Files that are told one by one; where there are more, all are counted by reason.
const TOLD: usize = 5;

/// A photo that cannot be decoded. It is called by its name, because one result is for all folders of the same content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Unusable {
    name: String,
    side: Side,
    reason: String,
}

/// Which file of a photo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Side {
    /// The photo; of a pair the *before*.
    Before,
    /// The *after* of a pair.
    After,
}

impl Side {
    fn of(self, photo: &PhotoFile) -> &Path {
        match self {
            Self::Before => photo.path(),
            // Without another side it is as it should be.
            Self::After => photo.after().unwrap_or(photo.path()),
        }
    }
}

/// Decodes one file of a photo, or says why nobody can. A file that cannot be read may be readable the next time, so that it is an
/// error.
pub(crate) fn decoded(photo: &PhotoFile, side: Side) -> Result<Result<Photo, Unusable>, Error> {
    match Photo::open(side.of(photo)) {
        Ok(photo) => Ok(Ok(photo)),
        Err(error @ dodge_imaging::Error::Read { .. }) => Err(error.into()),
        Err(error) => {
            let reason = SkipReason::of(&error).to_string();
            Ok(Err(Unusable { name: photo.name().to_owned(), side, reason }))
        }
    }
}

/// Writes the list into the folder of a result, in the order of the dataset.
pub(crate) fn save(unusable: &[Unusable], folder: &Path) -> Result<(), Error> {
    let text = serde_json::to_vec_pretty(unusable).expect("names and reasons are always JSON");
    write_whole(&folder.join(UNUSABLE), &text)
}

/// Reads the list of a result, with the files of this dataset.
pub(crate) fn load(folder: &Path, dataset: &Dataset) -> Result<Vec<Skipped>, Error> {
    let path = folder.join(UNUSABLE);
    let text = fs::read(&path).map_err(|source| file_error("read", &path, source))?;
    let unusable: Vec<Unusable> = serde_json::from_slice(&text)
        .map_err(|error| Error::Annotations { path, reason: format!("{error}: delete its folder to remake it") })?;
    Ok(skipped(&unusable, dataset))
}

/// The files of this dataset that are in the list.
pub(crate) fn skipped(unusable: &[Unusable], dataset: &Dataset) -> Vec<Skipped> {
    let by_name: HashMap<&str, &PhotoFile> = dataset.photos().iter().map(|photo| (photo.name(), photo)).collect();
    let skipped = |it: &Unusable| {
        let path = it.side.of(by_name.get(it.name.as_str())?).to_owned();
        Some(Skipped { path, reason: SkipReason::Other(it.reason.clone()) })
    };
    unusable.iter().filter_map(skipped).collect()
}

/// Tells the user of files that were left out: the first ones with their reasons; where there are more, all are counted by reason.
pub fn tell_of_skipped(skipped: &[Skipped]) {
    for Skipped { path, reason } in skipped.iter().take(TOLD) {
        tracing::warn!("skipped {}: {reason}", path.display());
    }
    if skipped.len() > TOLD {
        tracing::warn!("skipped {} files in all: {}", skipped.len(), Skipped::in_words(skipped));
    }
}
