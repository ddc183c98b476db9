//! What users type for `dodge prepare`.

use std::path::PathBuf;

use clap::Args;

use super::{HyperparameterArguments, JurorChoice, LearningArguments, MaterialArguments, protocols};

#[derive(Debug, Args)]
pub(crate) struct PrepareArguments {
    #[command(flatten)]
    pub(crate) material: MaterialArguments,
    /// Prepare the photos in this folder that have a recipe beside them, as `dodge studio` keeps them
    #[arg(long, value_name = "DIR", conflicts_with_all = ["photos", "pairs", "synthetic", "dataset", "damage"])]
    pub(crate) lessons: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) hyperparameters: HyperparameterArguments,
    /// How photos are damaged; pairs never are (degrade.damage)
    #[arg(long, value_parser = protocols(), conflicts_with = "pairs")]
    pub(crate) damage: Option<String>,
    /// Seed of everything random (training.seed)
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// The juror: classical, a file of `dodge juror train`, an aesthetic predictor that is in a folder, or the address of a juror service
    #[arg(long, value_name = "classical|FILE|siglip:DIR|URL", default_value = "classical")]
    pub(crate) juror: JurorChoice,
    /// Threads to use; without it, one per core [env: DODGE_THREADS]
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<usize>,
    /// The experiment that the run belongs to [env: MLFLOW_EXPERIMENT_NAME]
    #[arg(long, value_name = "NAME")]
    pub(crate) experiment: Option<String>,
    /// Where to record: local, console, off, or the address of an MLflow server [env: MLFLOW_TRACKING_URI]
    #[arg(long, value_name = "local|console|off|URL")]
    pub(crate) tracking_uri: Option<String>,
    /// The name of the run; without it, one is made up
    #[arg(long, value_name = "NAME")]
    pub(crate) run_name: Option<String>,
    /// Print the result as one JSON object on the last line
    #[arg(long)]
    pub(crate) json: bool,
}

impl PrepareArguments {
    /// What of it a training has, too.
    pub(crate) fn learning(&self) -> LearningArguments {
        LearningArguments {
            algo: None,
            damage: self.damage.clone(),
            steps: None,
            seed: self.seed,
            device: None,
            juror: self.juror.clone(),
            threads: self.threads,
            experiment: self.experiment.clone(),
            tracking_uri: self.tracking_uri.clone(),
        }
    }
}
