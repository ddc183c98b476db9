//! Datasets, models and the registry: what a run uses and makes.

use std::path::Path;

use crate::{
    DatasetInput, Error, LoggedModel, ModelOptions, Run,
    artifact::{Content, Owner},
    entity::{Extra, Model, Version, model_folder},
    files::files_below,
    run::Backend,
    validate,
};

impl Run {
    /// Records that the run uses a dataset.
    ///
    /// # Errors
    /// [`Error::Value`] for a text that MLflow would refuse, [`Error::File`], [`Error::Finished`].
    pub fn log_dataset(&self, dataset: &DatasetInput) -> Result<(), Error> {
        dataset.check()?;
        self.submit_extra(Extra::Dataset(dataset.clone()))
    }

    /// Logs a model that consists of the file at `source`, or of the files in the folder `source` and below. They are
    /// copied before this returns.
    ///
    /// A server of MLflow 3 lists it under *Models* with its params, tags and step; in the local store it is listed once
    /// a server has upgraded the database, and its files are in the run's folder `models/` in any case.
    ///
    /// # Errors
    /// [`Error::Value`] and [`Error::Key`] for what MLflow would refuse; otherwise as [`Run::log_artifact_file`].
    pub fn log_model(&self, options: &ModelOptions, source: &Path) -> Result<LoggedModel, Error> {
        options.check()?;
        let files = if source.is_dir() {
            files_below(source)?
        } else {
            let name = source.file_name().and_then(|name| name.to_str()).ok_or_else(|| Error::ArtifactPath {
                path: source.display().to_string(),
                reason: "has no file name in UTF-8",
            })?;
            vec![(name.to_owned(), source.to_owned())]
        };
        let key = uuid::Uuid::new_v4().simple().to_string();
        let time = self.now_ms();
        self.submit_extra(Extra::Model(Model { key: key.clone(), options: options.clone(), time }))?;
        // A server gives the model a folder of its own; elsewhere it is one of the run's.
        let prefix = match self.backend() {
            Backend::Spooled { artifacts: None, .. } => String::new(),
            _ => format!("{}/", model_folder(&options.name, &key)),
        };
        for (path, file) in &files {
            self.store_artifact(&format!("{prefix}{path}"), &Content::File(file), Owner::Model(&key))?;
        }
        self.submit_extra(Extra::ModelReady { key: key.clone(), step: options.step })?;
        Ok(LoggedModel { key, name: options.name.clone() })
    }

    /// Makes a model that this run logged the next version of the registered model `name`, which is made if it does not
    /// exist, and points `aliases` (for example `champion`) at it.
    ///
    /// # Errors
    /// [`Error::Value`] for a name or alias that MLflow would refuse, [`Error::File`], [`Error::Finished`].
    pub fn register_model(&self, model: &LoggedModel, name: &str, aliases: &[&str]) -> Result<(), Error> {
        validate::model_name(name)?;
        for alias in aliases {
            validate::alias(alias)?;
        }
        self.submit_extra(Extra::Version(Version {
            key: uuid::Uuid::new_v4().simple().to_string(),
            model: model.key.clone(),
            model_name: model.name.clone(),
            name: name.to_owned(),
            aliases: aliases.iter().map(|alias| (*alias).to_owned()).collect(),
            description: String::new(),
            time: self.now_ms(),
        }))
    }
}
