//! What users type for `dodge tune`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{HyperparameterArguments, LearningArguments, MaterialArguments};

/// Some for the sampler to learn from, and some to try what it learnt.
const TRIALS: u64 = 12;
/// Of few trials, enough go on.
const HALVING: u64 = 3;

#[derive(Debug, Args)]
pub(crate) struct TuneArguments {
    #[command(flatten)]
    pub(crate) material: MaterialArguments,
    #[command(flatten)]
    pub(crate) hyperparameters: HyperparameterArguments,
    #[command(flatten)]
    pub(crate) learning: LearningArguments,
    /// Trainings to try, the first of them with the values as they stand
    #[arg(long, value_name = "N", default_value_t = TRIALS, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    pub(crate) trials: u64,
    /// What a trial is judged by, the higher the better: a figure of the validation photos
    #[arg(long, value_name = "validation/NAME", default_value = "validation/psnr_gain_db")]
    pub(crate) metric: String,
    /// How values are chosen
    #[arg(long, value_enum, default_value_t)]
    pub(crate) sampler: SamplerChoice,
    /// End all but the best of N trials after the 1/N of the steps, and 1/N² and so on; 1 trains all to their end
    #[arg(long, value_name = "N", default_value_t = HALVING, value_parser = clap::value_parser!(u64).range(1..=100))]
    pub(crate) halving: u64,
    /// Vary this hyperparameter, or section; given again, another one. Without it, all that are worth it, but those of --set
    #[arg(long, value_name = "SECTION.KEY")]
    pub(crate) vary: Vec<String>,
    /// The study's folder, empty, new or of the same study; without it, below the volume
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Only print what would be varied
    #[arg(long, conflicts_with = "out")]
    pub(crate) space: bool,
    /// Print the result as one JSON object on the last line
    #[arg(long)]
    pub(crate) json: bool,
}

/// How a study chooses values.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum SamplerChoice {
    /// After five trials, where the best so far lie (a tree of Parzen estimators)
    #[default]
    Tpe,
    /// Independently of each other
    Random,
}

impl SamplerChoice {
    /// What it is called.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Tpe => "tpe",
            Self::Random => "random",
        }
    }
}
