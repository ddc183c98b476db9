//! What belongs to a run beside its values: datasets that it used, models that it made, versions in
//! the registry.

use serde::{Deserialize, Serialize};

use crate::{Error, validate};

/// Longest text of a dataset or model, in bytes, so that its record stays far below the spool's limit. (A server
/// takes a schema of a mebibyte and a profile of sixteen.)
const MAX_TEXT: usize = 200_000;

/// Most params or tags of a model, for the same reason.
const MAX_PAIRS: usize = 50;

/// A record that is written rarely.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Extra {
    Dataset(DatasetInput),
    Model(Model),
    /// The model of this key is complete.
    ModelReady {
        key: String,
        step: i64,
    },
    Version(Version),
}

/// A logged model, before its files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Model {
    /// Minted here; on the server it is a tag of the model.
    pub(crate) key: String,
    pub(crate) options: ModelOptions,
    pub(crate) time: i64,
}

/// A new version of a registered model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Version {
    /// Minted here; on the server it is a tag of the version.
    pub(crate) key: String,
    /// Our key of the logged model that it is.
    pub(crate) model: String,
    pub(crate) model_name: String,
    /// The name of the registered model.
    pub(crate) name: String,
    pub(crate) aliases: Vec<String>,
    pub(crate) description: String,
    pub(crate) time: i64,
}

/// Where in the artifacts of the run the files of a model are, in the local store.
pub(crate) fn model_folder(name: &str, key: &str) -> String {
    format!("models/{name}-{}", key.get(..8).unwrap_or(key))
}

/// A dataset that a run used ([`Run::log_dataset`](crate::Run::log_dataset)).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DatasetInput {
    /// Its name.
    pub name: String,
    /// What tells its contents from others, at most 36 characters.
    pub digest: String,
    /// Where it comes from, for example `local`, `http`, `kaggle`.
    pub source_type: String,
    /// How to find it again, as JSON text, for example `{"uri": "photos/"}`.
    pub source: String,
    /// Its columns, as JSON text.
    pub schema: Option<String>,
    /// Its statistics, as JSON text.
    pub profile: Option<String>,
    /// What it was used for, for example `training`.
    pub context: Option<String>,
}

impl DatasetInput {
    /// A dataset of this name and digest, and where it comes from (`source` is JSON text).
    pub fn new(
        name: impl Into<String>,
        digest: impl Into<String>,
        source_type: impl Into<String>,
        source: impl Into<String>,
    ) -> Self {
        Self {
            name: name.into(),
            digest: digest.into(),
            source_type: source_type.into(),
            source: source.into(),
            schema: None,
            profile: None,
            context: None,
        }
    }

    /// Says what it was used for.
    #[must_use]
    pub fn with_context(mut self, context: impl Into<String>) -> Self {
        self.context = Some(context.into());
        self
    }

    /// Says what its columns are, as JSON text.
    #[must_use]
    pub fn with_schema(mut self, schema: impl Into<String>) -> Self {
        self.schema = Some(schema.into());
        self
    }

    /// Adds statistics, as JSON text.
    #[must_use]
    pub fn with_profile(mut self, profile: impl Into<String>) -> Self {
        self.profile = Some(profile.into());
        self
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        validate::text("dataset", &self.name, "name", &self.name, 1, 500)?;
        validate::text("dataset", &self.name, "digest", &self.digest, 1, 36)?;
        validate::text("dataset", &self.name, "source type", &self.source_type, 1, 36)?;
        validate::text("dataset", &self.name, "source", &self.source, 0, 65_535)?;
        validate::text("dataset", &self.name, "schema", self.schema.as_deref().unwrap_or_default(), 0, MAX_TEXT)?;
        validate::text("dataset", &self.name, "profile", self.profile.as_deref().unwrap_or_default(), 0, MAX_TEXT)?;
        validate::text("dataset", &self.name, "context", self.context.as_deref().unwrap_or_default(), 0, 500)
    }
}

/// What a logged model is ([`Run::log_model`](crate::Run::log_model)).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ModelOptions {
    /// Its name.
    pub name: String,
    /// What kind of model it is, for example `agent`.
    pub model_type: String,
    /// The step at which it was made.
    pub step: i64,
    /// How it was made.
    pub params: Vec<(String, String)>,
    /// More about it.
    pub tags: Vec<(String, String)>,
}

impl ModelOptions {
    /// A model of this name.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), model_type: String::new(), step: 0, params: Vec::new(), tags: Vec::new() }
    }

    /// Says what kind of model it is.
    #[must_use]
    pub fn with_type(mut self, model_type: impl Into<String>) -> Self {
        self.model_type = model_type.into();
        self
    }

    /// Says at which step it was made.
    #[must_use]
    pub fn with_step(mut self, step: i64) -> Self {
        self.step = step;
        self
    }

    /// Adds a param.
    #[must_use]
    pub fn with_param(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.params.push((key.into(), value.into()));
        self
    }

    /// Adds a tag.
    #[must_use]
    pub fn with_tag(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.tags.push((key.into(), value.into()));
        self
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        validate::model_name(&self.name)?;
        validate::text("model", &self.name, "type", &self.model_type, 0, 500)?;
        for (kind, pairs, most) in [("param", &self.params, 6000), ("tag", &self.tags, 8000)] {
            if pairs.len() > MAX_PAIRS {
                let reason = format!("has {} {kind}s: at most {MAX_PAIRS} are taken", pairs.len());
                return Err(Error::Value { kind: "model", key: self.name.clone(), reason });
            }
            for (key, value) in pairs {
                validate::key(kind, key)?;
                validate::text(kind, key, "value", value, 0, most)?;
            }
        }
        Ok(())
    }
}

/// A model that was logged.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoggedModel {
    /// Our key of it, 32 hexadecimal digits; the tag `dodge.client_model_id` of the model on a server.
    pub key: String,
    /// Its name.
    pub name: String,
}
