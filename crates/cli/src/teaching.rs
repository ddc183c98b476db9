//! How a studio's model is taught: by what `dodge train --lessons` does.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use dodge_data::LessonLoader;
use dodge_juror::ClassicalJuror;
use dodge_rl::{PhotoTrainer, Session, Trainer as _};
use dodge_studio::{KnownModel, Lessons, Teach};
use dodge_tracking::RunOptions;

use crate::arguments::HyperparameterArguments;
use crate::command::{self, train};
use crate::configuration;
use crate::surroundings::Surroundings;
use crate::{output, text};

/// The experiment of models that a studio taught.
const EXPERIMENT: &str = "studio";

/// Teaches with the settings of this machine.
pub(crate) struct Teacher {
    surroundings: Surroundings,
}

impl Teacher {
    pub(crate) fn new(surroundings: &Surroundings) -> Self {
        Self { surroundings: surroundings.clone() }
    }

    fn taught(&self, lessons: Lessons) -> Result<KnownModel> {
        let Lessons { folder, photos, present, progress, interrupted } = lessons;
        let (surroundings, count) = (&self.surroundings, photos.len());
        let arguments = HyperparameterArguments::default();
        let registry = configuration::of_lessons(&present.model, &arguments, &surroundings.hyperparameters)?;
        configuration::validate(&registry)?;
        let hashing = train::shown_hashing(surroundings, &progress, &interrupted);
        let loader = Box::new(LessonLoader::new(folder).of(photos).with_hashing(hashing));
        let trainer = PhotoTrainer::of_lessons(loader, Arc::new(ClassicalJuror::new()), present.model.as_ref().clone());
        let session = Session {
            tracking: train::tracking(surroundings.tracking_uri.as_ref(), surroundings, &registry.get()?)?,
            run_options: RunOptions::new(EXPERIMENT)
                .with_source_name("dodge studio")
                .with_tag("dodge.version", env!("CARGO_PKG_VERSION")),
            volume: surroundings.volume(),
            run_dir: None,
            resume: false,
            registry,
            device: dodge_learn::cpu(),
            progress,
            interrupted,
        };
        let report = trainer.run(session)?;
        known(&report.model, format!("taught by {count} lessons"))
    }
}

impl Teach for Teacher {
    fn teach(&self, lessons: Lessons) -> Result<KnownModel, String> {
        let in_words = |error: anyhow::Error| format!("{error:#}");
        self.taught(lessons).map_err(in_words)
    }
}

/// The model of a file.
pub(crate) fn known(file: &Path, name: String) -> Result<KnownModel> {
    let bytes = fs::read(file).with_context(|| format!("cannot read {}", text::shown(file)))?;
    let model = Arc::new(command::model(Some(file))?);
    Ok(KnownModel { name, file: Some(file.to_owned()), sha256: output::hash(&bytes), model })
}
