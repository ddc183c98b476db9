//! A study: what `dodge tune` has tried so far. It is written down whole whenever something is known, so that the same command goes on
//! with it, whatever ended the program.

pub(crate) mod judge;
pub(crate) mod space;
pub(crate) mod words;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::failure::usage;
use crate::{output, text};

/// The file in a study's folder.
const FILE: &str = "study.json";
/// The version of its format.
const FORMAT: u32 = 1;
/// The most that is read of it, in bytes.
const MOST_BYTES: u64 = 64 << 20;
/// Digits of the hash that names a study.
const DIGITS: usize = 8;

/// What makes a study the same study: all that its trials depend on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// The source of the photos, with whole paths.
    pub(crate) photos: String,
    /// What a trial is judged by.
    pub(crate) metric: String,
    /// How values are chosen.
    pub(crate) sampler: String,
    /// One of so many trials goes on at each rung.
    pub(crate) halving: u64,
    /// The seed of sampler and trainings.
    pub(crate) seed: u64,
    /// What is varied.
    pub(crate) space: Vec<String>,
    /// Every hyperparameter as it stands, by `section/key`.
    pub(crate) settings: BTreeMap<String, String>,
}

impl Plan {
    /// The name of the study.
    pub(crate) fn name(&self) -> String {
        let text = serde_json::to_string(self).expect("text and numbers are always JSON");
        format!("tune-{}", &output::hash(text.as_bytes())[..DIGITS])
    }

    /// The first thing in which two plans differ.
    fn difference(&self, other: &Self) -> Option<String> {
        let fields = [
            ("photos", self.photos == other.photos),
            ("--metric", self.metric == other.metric),
            ("--sampler", self.sampler == other.sampler),
            ("--halving", self.halving == other.halving),
            ("--seed", self.seed == other.seed),
            ("what is varied", self.space == other.space),
        ];
        let setting = || {
            let changed = self.settings.iter().find(|(key, value)| other.settings.get(*key) != Some(*value));
            changed.or_else(|| other.settings.iter().find(|(key, _)| !self.settings.contains_key(*key)))
        };
        let field = fields.iter().find(|(_, is_same)| !is_same).map(|(name, _)| (*name).to_owned());
        field.or_else(|| setting().map(|(key, _)| key.replace('/', ".")))
    }
}

/// How far a trial has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// It is being trained, or was when the program ended.
    Running,
    /// It was trained to its end.
    Complete,
    /// It was ended early, because others were better.
    Pruned,
    /// It could not be trained with these values.
    Failed,
}

impl State {
    /// What it is called.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Complete => "complete",
            Self::Pruned => "pruned",
            Self::Failed => "failed",
        }
    }
}

/// A training with values that were tried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Trial {
    pub(crate) number: usize,
    pub(crate) state: State,
    /// What was tried, as `--set` takes it.
    pub(crate) values: BTreeMap<String, String>,
    /// The metric when it was last measured.
    pub(crate) value: Option<f64>,
    /// The environment step of that.
    pub(crate) steps: u64,
    /// The metric at each rung.
    pub(crate) rungs: BTreeMap<u64, f64>,
    /// How long it was trained, in seconds.
    pub(crate) seconds: f64,
    /// The tracked run.
    pub(crate) run_id: Option<String>,
    /// The run's folder, below that of the study.
    pub(crate) folder: Option<String>,
    /// Why it failed.
    pub(crate) reason: Option<String>,
}

/// What is tried, and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Study {
    dodge_study_format: u32,
    #[serde(flatten)]
    pub(crate) plan: Plan,
    /// The tracked run of which those of the trials are parts.
    pub(crate) run_id: Option<String>,
    /// The hash of all photos, once they were read.
    pub(crate) content_hash: Option<String>,
    pub(crate) trials: Vec<Trial>,
    #[serde(skip)]
    path: PathBuf,
}

impl Study {
    /// The study in a folder: the one that is there, or a new one. The folder has to be held.
    pub(crate) fn open(folder: &Path, plan: Plan) -> Result<Self> {
        let path = folder.join(FILE);
        if !path.exists() {
            let study =
                Self { dodge_study_format: FORMAT, plan, run_id: None, content_hash: None, trials: Vec::new(), path };
            study.save()?;
            return Ok(study);
        }
        let cannot = || format!("cannot read {}", text::shown(&path));
        let written = text::read(&path, MOST_BYTES).with_context(cannot)?;
        let header: Header = serde_json::from_str(&written).with_context(cannot)?;
        if header.dodge_study_format != FORMAT {
            let (found, shown) = (header.dodge_study_format, text::shown(&path));
            return Err(usage(format!(
                "{shown} has format {found}, and this program reads format {FORMAT}: choose another folder with --out"
            )));
        }
        let mut study: Self = serde_json::from_str(&written).with_context(cannot)?;
        if let Some(difference) = study.plan.difference(&plan) {
            let folder = text::shown(folder);
            return Err(usage(format!(
                "{folder} holds a study that differs in {difference}: choose another folder with --out, or give the same options"
            )));
        }
        for trial in &mut study.trials {
            trial.value = trial.value.map(rounded);
            trial.rungs.values_mut().for_each(|value| *value = rounded(*value));
        }
        study.path = path;
        Ok(study)
    }

    /// Writes the study down, whole or not at all.
    pub(crate) fn save(&self) -> Result<()> {
        let text = serde_json::to_string_pretty(self).context("cannot write the study as JSON")?;
        dodge_imaging::write_whole(&self.path, format!("{text}\n").as_bytes())
            .with_context(|| format!("cannot write {}", text::shown(&self.path)))
    }

    /// The folder of the study.
    pub(crate) fn folder(&self) -> &Path {
        dodge_imaging::folder_of(&self.path)
    }

    /// The file of the study.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The best of the trials that were trained to their end, the first of equal ones.
    pub(crate) fn best(&self) -> Option<&Trial> {
        let complete = self.trials.iter().filter(|trial| trial.state == State::Complete && trial.value.is_some());
        complete.rev().max_by(|a, b| a.value.unwrap_or(f64::NAN).total_cmp(&b.value.unwrap_or(f64::NAN)))
    }
}

#[derive(Deserialize)]
struct Header {
    dodge_study_format: u32,
}

/// A figure as it is judged by: to a millionth, so that what is read back is what was written, and chance in the last digit decides nothing.
pub(crate) fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn plan() -> Plan {
        Plan {
            photos: "synthetic".to_owned(),
            metric: "validation/psnr_gain_db".to_owned(),
            sampler: "tpe".to_owned(),
            halving: 3,
            seed: 1,
            space: vec!["apg.dropout".to_owned()],
            settings: BTreeMap::from([("training/steps".to_owned(), "100".to_owned())]),
        }
    }

    pub(crate) fn trial(number: usize, state: State, value: Option<f64>) -> Trial {
        let values = BTreeMap::from([("apg.dropout".to_owned(), "0.1".to_owned())]);
        let (rungs, folder) = (BTreeMap::from([(50, 1.0 / 3.0)]), Some("trials/000".to_owned()));
        Trial { number, state, values, value, steps: 7, rungs, seconds: 0.5, run_id: None, folder, reason: None }
    }

    #[test]
    fn a_study_is_read_back_by_the_same_plan_only() {
        let folder = tempfile::tempdir().unwrap();
        let mut study = Study::open(folder.path(), plan()).unwrap();
        study.trials = vec![
            trial(0, State::Complete, Some(1.0)),
            trial(1, State::Pruned, Some(9.0)),
            trial(2, State::Complete, Some(rounded(2.0 / 3.0 + 1.0))),
            trial(3, State::Failed, None),
            trial(4, State::Running, None),
        ];
        study.trials.iter_mut().for_each(|trial| trial.rungs = BTreeMap::from([(50, rounded(1.0 / 3.0))]));
        study.save().unwrap();
        assert_eq!(Study::open(folder.path(), plan()).unwrap(), study);
        assert_eq!(study.best().unwrap().number, 2);

        let with = |change: &dyn Fn(&mut Plan)| {
            let mut other = plan();
            change(&mut other);
            other
        };
        for (name, other) in [
            ("--seed", with(&|plan| plan.seed = 2)),
            ("photos", with(&|plan| "folder".clone_into(&mut plan.photos))),
            ("training.steps", with(&|plan| _ = plan.settings.insert("training/steps".to_owned(), "200".to_owned()))),
        ] {
            assert_ne!(other.name(), plan().name());
            let error = Study::open(folder.path(), other).unwrap_err().to_string();
            assert!(error.contains(&format!("differs in {name}: ")), "{error}");
        }
        std::fs::write(folder.path().join(FILE), "{\"dodge_study_format\": 2}").unwrap();
        assert!(Study::open(folder.path(), plan()).unwrap_err().to_string().contains("has format 2"));
        std::fs::write(folder.path().join(FILE), "{\"dodge_stu").unwrap();
        assert!(Study::open(folder.path(), plan()).unwrap_err().to_string().contains("cannot read"));
    }
}
