//! Files of a run.

use std::{fs, path::Path};

use crate::{
    Error, Run,
    files::{copy_whole, files_below, write_whole},
    record::{Artifact, Fingerprint, Record},
    run::Backend,
    validate,
};

/// The folder that the page's image grid shows. One file in it whose name the page cannot parse hides all
/// images of the run (mlflow/mlflow#24789), so nothing else may be put there.
pub(crate) const IMAGE_FOLDER: &str = "images/";

/// To what a file belongs.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Owner<'a> {
    Run,
    /// The logged model of this key.
    Model(&'a str),
}

impl Run {
    /// Copies the file at `path` into the run, into its folder `folder` (`""`: the top).
    ///
    /// The copy is made before this returns: changing or deleting the file later does no harm.
    ///
    /// # Errors
    /// [`Error::ArtifactPath`] if the place in the run is not allowed, [`Error::File`] if the file
    /// cannot be read or copied, [`Error::Finished`].
    pub fn log_artifact_file(&self, path: &Path, folder: &str) -> Result<(), Error> {
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.ok_or_else(|| Error::ArtifactPath {
            path: path.display().to_string(),
            reason: "has no file name in UTF-8",
        })?;
        let inside = match folder.trim_end_matches('/') {
            "" => name.to_owned(),
            folder => format!("{folder}/{name}"),
        };
        self.log_artifact(&inside, &Content::File(path))
    }

    /// Writes `bytes` as the artifact `path` of the run, for example `reports/summary.json`.
    ///
    /// # Errors
    /// As [`Run::log_artifact_file`].
    pub fn log_artifact_bytes(&self, bytes: &[u8], path: &str) -> Result<(), Error> {
        self.log_artifact(path, &Content::Bytes(bytes))
    }

    /// Copies the files in the folder `source` and below into the run, into its folder `folder` (`""`: the top), and
    /// says how many they were. Links to folders are not followed.
    ///
    /// # Errors
    /// As [`Run::log_artifact_file`]; files copied before the error stay.
    pub fn log_artifact_folder(&self, source: &Path, folder: &str) -> Result<usize, Error> {
        let prefix = match folder.trim_end_matches('/') {
            "" => String::new(),
            folder => format!("{folder}/"),
        };
        let files = files_below(source)?;
        for (inside, path) in &files {
            self.log_artifact(&format!("{prefix}{inside}"), &Content::File(path))?;
        }
        Ok(files.len())
    }

    /// Stores a file whose name the image grid can parse; see [`Run::log_image`].
    pub(crate) fn log_in_image_folder(&self, path: &str, bytes: &[u8]) -> Result<(), Error> {
        self.store_artifact(path, &Content::Bytes(bytes), Owner::Run)
    }

    fn log_artifact(&self, path: &str, content: &Content<'_>) -> Result<(), Error> {
        if path.starts_with(IMAGE_FOLDER) {
            return Err(Error::ArtifactPath {
                path: path.to_owned(),
                reason: "is in the folder of the image grid, which any other file would break: use `log_image` or another folder",
            });
        }
        self.store_artifact(path, content, Owner::Run)
    }

    pub(crate) fn store_artifact(&self, path: &str, content: &Content<'_>, owner: Owner<'_>) -> Result<(), Error> {
        validate::artifact_path(path)?;
        drop(self.open_log()?);
        let (file, fingerprint) = match self.backend() {
            Backend::Off => return content.check(),
            Backend::Console => {
                content.check()?;
                tracing::info!(target: "dodge::metrics", "artifact {path}");
                return Ok(());
            }
            Backend::Memory { memory, index } => {
                memory.artifact(*index, path, content.read()?);
                return Ok(());
            }
            Backend::Spooled { artifacts: Some(folder), .. } => {
                let target = folder.join(path);
                if let Some(parent) = target.parent() {
                    fs::create_dir_all(parent).map_err(Error::file("create", parent))?;
                }
                (String::new(), content.write(&target)?)
            }
            Backend::Spooled { outbox, artifacts: None } => {
                let file = uuid::Uuid::new_v4().simple().to_string();
                let fingerprint = content.write(&outbox.folder.file(&file))?;
                (file, fingerprint)
            }
        };
        let model = match owner {
            Owner::Run => String::new(),
            Owner::Model(key) => key.to_owned(),
        };
        let log = self.open_log()?;
        self.submit(&log, Record::Artifact(Artifact { path: path.to_owned(), file, model, content: Some(fingerprint) }))
    }
}

/// What an artifact is made from.
pub(crate) enum Content<'a> {
    File(&'a Path),
    Bytes(&'a [u8]),
}

impl Content<'_> {
    fn check(&self) -> Result<(), Error> {
        match self {
            Self::File(path) => fs::File::open(path).map(drop).map_err(Error::file("read", *path)),
            Self::Bytes(_) => Ok(()),
        }
    }

    fn read(&self) -> Result<Vec<u8>, Error> {
        match self {
            Self::File(path) => fs::read(path).map_err(Error::file("read", *path)),
            Self::Bytes(bytes) => Ok(bytes.to_vec()),
        }
    }

    fn write(&self, target: &Path) -> Result<Fingerprint, Error> {
        match self {
            Self::File(path) => copy_whole(path, target),
            Self::Bytes(bytes) => write_whole(target, bytes).map(|()| Fingerprint::of(bytes)),
        }
    }
}
