//! What users type.

mod prepare;
mod tune;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use dodge_data::Label;
use dodge_hparams::Choice;
use dodge_imaging::{Encoding, Picture, Tolerance};
use dodge_preprocess::DamageProtocol;
use dodge_rl::{Algorithm, BaselineSet};

pub(crate) use self::prepare::PrepareArguments;
pub(crate) use self::tune::{SamplerChoice, TuneArguments};
use crate::many::ManyArguments;

/// Trains an agent to retouch photographs, and lets it retouch yours.
#[derive(Debug, Parser)]
#[command(name = "dodge", version, arg_required_else_help = true, max_term_width = 100)]
pub(crate) struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Train an agent on photos and measure it on photos it never saw
    Train(Box<TrainArguments>),
    /// Prepare photos for a training: fetch, scale, score, damage and split them
    Prepare(Box<PrepareArguments>),
    /// Try hyperparameters: many trainings, of which the best configuration is kept
    Tune(Box<TuneArguments>),
    /// Measure a model on a folder of photos, or on pairs
    Evaluate(EvaluateArguments),
    /// Let a model retouch photos at their full size
    Enhance(EnhanceArguments),
    /// Replay a recipe on photos
    Apply(ApplyArguments),
    /// Write a recipe for other programs: as a table of colours, or as settings of their own
    Export(ExportArguments),
    /// Make the report of a run: one page for a browser, without a server
    Report(ReportArguments),
    /// Print the juror's score of photos
    Score(ScoreArguments),
    /// Train a juror on your good photos, or measure one: whether it tells damaged photos from their originals
    Juror(JurorArguments),
    /// Show the hyperparameters
    Params(ParamsArguments),
    /// Look at recorded runs, deliver them, and check that nothing is missing
    Runs(RunsArguments),
    /// List, fetch and verify datasets that have a name
    Datasets(DatasetsArguments),
    /// Look at photos, correct what the model would do, and teach it, in the browser
    Studio(StudioArguments),
    /// Serve other machines until Ctrl-C
    Serve(ServeArguments),
    /// Look at this machine: devices, tracking, the volume and its cache
    Doctor(DoctorArguments),
    /// Print a script that lets a shell complete commands and options
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page of the program, or of one of its commands, for `man`
    Man {
        /// The command
        command: Option<String>,
    },
}

/// Layers of hyperparameters; later ones win.
#[derive(Debug, Default, Args)]
pub(crate) struct HyperparameterArguments {
    /// Start from a preset
    #[arg(long, value_enum, default_value_t)]
    pub(crate) preset: Preset,
    /// Then read a configuration file; given again, another one on top
    #[arg(long, value_name = "FILE.toml")]
    pub(crate) config: Vec<PathBuf>,
    /// Then, after variables such as DODGE_PPO__DISCOUNT, set single values, for example ppo.discount=0.95
    #[arg(long, value_name = "SECTION.KEY=VALUE")]
    pub(crate) set: Vec<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Preset {
    /// A first look in a minute or two
    Quick,
    /// What the documentation's figures were measured with
    #[default]
    Default,
    /// For a model that goes on learning from lessons: what --lessons begins with
    #[value(skip)]
    Lessons,
    /// Three times the steps of the default
    Long,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Device {
    /// A graphics card if there is one and the networks are large enough, else the processor
    #[default]
    Auto,
    /// The processor
    Cpu,
    /// A graphics card; `cargo xtask train --device gpu` builds for it
    Gpu,
}

/// Who scores photos.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum JurorChoice {
    /// A formula over statistics of the photo.
    Classical,
    /// The aesthetic predictor whose files are in this folder.
    Siglip(PathBuf),
    /// The one of a service.
    At(String),
    /// One that `dodge juror train` made.
    Learned(PathBuf),
}

/// What the folder of an aesthetic predictor follows.
const SIGLIP: &str = "siglip:";

impl FromStr for JurorChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "classical" => Ok(Self::Classical),
            _ if text.len() > SIGLIP.len() && text.starts_with(SIGLIP) => Ok(Self::Siglip(text[SIGLIP.len()..].into())),
            _ if text.starts_with("http://") || text.starts_with("https://") => Ok(Self::At(text.to_owned())),
            _ if text.contains("://") || text.is_empty() || text == SIGLIP => {
                Err("use classical, a file of `dodge juror train`, siglip: and a folder, or the address of a juror service \
                     such as http://127.0.0.1:5010"
                    .into())
            }
            _ => Ok(Self::Learned(PathBuf::from(text))),
        }
    }
}

/// The choices of a hyperparameter, as its declaration has them.
fn choices<T: Choice>() -> impl Iterator<Item = PossibleValue> {
    T::options().iter().map(|option| PossibleValue::new(option.name).help(option.doc.trim_end_matches('.')))
}

/// Those of `training.algorithm`.
fn algorithms() -> PossibleValuesParser {
    PossibleValuesParser::new(choices::<Algorithm>())
}

/// Those of `data.label`.
fn labels() -> PossibleValuesParser {
    PossibleValuesParser::new(choices::<Label>())
}

/// Those of `degrade.damage`.
fn protocols() -> PossibleValuesParser {
    PossibleValuesParser::new(choices::<DamageProtocol>())
}

/// Those of `degrade.damage`, and none.
fn protocols_and_none() -> impl TypedValueParser<Value = DamageChoice> {
    let none = PossibleValue::new("none").help("No damage: shows whether good photos are left alone");
    let choice = |name: String| DamageProtocol::from_name(&name).map_or(DamageChoice::None, DamageChoice::By);
    PossibleValuesParser::new(choices::<DamageProtocol>().chain([none])).map(choice)
}

/// What a training learns from.
#[derive(Debug, Default, Args)]
pub(crate) struct MaterialArguments {
    /// Train on the photos in this folder and below; without it, on synthetic photos
    #[arg(long, value_name = "DIR", conflicts_with_all = ["synthetic", "dataset"])]
    pub(crate) photos: Option<PathBuf>,
    /// Of these, take those that have so many stars or more, from 1 to 5, in a sidecar (XMP) or in the file (data.least_rating)
    #[arg(long, value_name = "STARS", requires = "photos", value_parser = clap::value_parser!(u64).range(1..=5))]
    pub(crate) rating: Option<u64>,
    /// Of these, take those that have this label, likewise (data.label)
    #[arg(long, value_name = "COLOUR", requires = "photos", value_parser = labels())]
    pub(crate) label: Option<String>,
    /// Learn to edit as somebody did: from the photos in one folder before, and in another after; they are matched by name
    #[arg(long, num_args = 2, action = ArgAction::Set, value_names = ["BEFORE", "AFTER"])]
    pub(crate) pairs: Option<Vec<PathBuf>>,
    /// Train on the dataset of this name, fetched if it is not there; `dodge datasets list` shows all
    #[arg(long, value_name = "ID", conflicts_with = "synthetic")]
    pub(crate) dataset: Option<String>,
    /// Train on this many synthetic photos
    #[arg(long, value_name = "N")]
    pub(crate) synthetic: Option<u64>,
}

/// How and where it learns, and where that is recorded.
#[derive(Debug, Args)]
pub(crate) struct LearningArguments {
    /// The algorithm (training.algorithm)
    #[arg(long, value_parser = algorithms())]
    pub(crate) algo: Option<String>,
    /// How photos are damaged; pairs never are (degrade.damage)
    #[arg(long, value_parser = protocols(), conflicts_with = "pairs")]
    pub(crate) damage: Option<String>,
    /// Environment steps to train for (training.steps)
    #[arg(long, value_name = "N")]
    pub(crate) steps: Option<u64>,
    /// Seed of everything random (training.seed)
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Where to compute [env: DODGE_DEVICE]
    #[arg(long, value_enum)]
    pub(crate) device: Option<Device>,
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
}

#[derive(Debug, Args)]
pub(crate) struct TrainArguments {
    #[command(flatten)]
    pub(crate) material: MaterialArguments,
    /// Learn from the photos in this folder that have a recipe beside them, as `dodge studio` keeps them
    #[arg(long, value_name = "DIR", conflicts_with_all = ["photos", "pairs", "synthetic", "dataset", "damage", "algo"])]
    pub(crate) lessons: Option<PathBuf>,
    /// With --lessons: the model that goes on learning; without it, the model in the box
    #[arg(long, value_name = "FILE", requires = "lessons")]
    pub(crate) model: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) hyperparameters: HyperparameterArguments,
    /// Go on with an interrupted run as if it had never stopped: its name, its id or the first digits of it, its folder, or one
    /// of its checkpoint files
    #[arg(long, value_name = "RUN|DIR|FILE", conflicts_with_all = ["photos", "pairs", "lessons", "dataset", "synthetic", "preset", "config", "algo", "damage", "seed", "out", "experiment", "run_name", "rating", "label"])]
    pub(crate) resume: Option<PathBuf>,
    /// With --resume: go on with another juror than the run began with, which scores the photos anew
    #[arg(long, requires = "resume")]
    pub(crate) rescore: bool,
    #[command(flatten)]
    pub(crate) learning: LearningArguments,
    /// The run's folder, empty or new; without it, below the volume
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// The name of the run; without it, one is made up
    #[arg(long, value_name = "NAME")]
    pub(crate) run_name: Option<String>,
    /// Print the result as one JSON object on the last line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DoctorArguments {
    /// Remove the results in the cache that no run on the volume needs; a training that wants one again makes it again
    #[arg(long)]
    pub(crate) prune: bool,
    /// Where runs are recorded: local, or the address of an MLflow server [env: MLFLOW_TRACKING_URI]
    #[arg(long, value_name = "local|console|off|URL")]
    pub(crate) tracking_uri: Option<String>,
    /// Print the result as one JSON object on the last line
    #[arg(long)]
    pub(crate) json: bool,
}

/// A share of an edit.
fn share(text: &str) -> Result<f32, String> {
    let share = text.parse().map_err(|_| "is no number".to_owned())?;
    if (0.0..=1.0).contains(&share) { Ok(share) } else { Err("must lie between 0 and 1".to_owned()) }
}

/// Long enough to change a lens, too short for the light to change much.
const GAP_MINUTES: &str = "5";

/// A time between two photos.
fn minutes(text: &str) -> Result<f64, String> {
    let minutes = text.parse().map_err(|_| "is no number".to_owned())?;
    if (0.0..=1440.0).contains(&minutes) { Ok(minutes) } else { Err("must lie between 0 and 1440, a day".to_owned()) }
}

/// What is done to photos before they are measured on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DamageChoice {
    /// Most are damaged by this protocol, some stay undamaged.
    By(DamageProtocol),
    /// None is.
    None,
}

/// What a model is held against.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum BaselinesChoice {
    /// All that are quick
    #[default]
    Usual,
    /// Beam search with the juror too, and SSIM and colour difference of each: several times as long
    All,
}

impl BaselinesChoice {
    pub(crate) fn set(self) -> BaselineSet {
        match self {
            Self::Usual => BaselineSet::Usual,
            Self::All => BaselineSet::All,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct EvaluateArguments {
    /// The model file; without it, the model in the box
    #[arg(long, value_name = "FILE")]
    pub(crate) model: Option<PathBuf>,
    /// Undamaged photos that the model was not trained on
    #[arg(long, value_name = "DIR", required_unless_present = "pairs")]
    pub(crate) photos: Option<PathBuf>,
    /// Photos before and after somebody edited them, in two folders, that the model was not trained on: how near it comes to
    /// the photos after
    #[arg(long, num_args = 2, action = ArgAction::Set, value_names = ["BEFORE", "AFTER"])]
    pub(crate) pairs: Option<Vec<PathBuf>>,
    /// How most of the photos are damaged before, while some stay as they are; pairs are never damaged
    #[arg(long, value_parser = protocols_and_none(), default_value = DamageProtocol::default().name(), conflicts_with = "pairs")]
    pub(crate) damage: DamageChoice,
    /// Seed of the damage
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    /// What the model is held against
    #[arg(long, value_enum, default_value_t)]
    pub(crate) baselines: BaselinesChoice,
    /// Write what became of each photo as a table of comma-separated values, with SSIM and colour difference (CIEDE2000) beside PSNR
    #[arg(long, value_name = "FILE.csv")]
    pub(crate) table: Option<PathBuf>,
    /// Replace a table that is in the way
    #[arg(long, requires = "table")]
    pub(crate) overwrite: bool,
    /// Print the result as one JSON object on the last line
    #[arg(long)]
    pub(crate) json: bool,
}

/// How photos are read and results written.
#[derive(Debug, Clone, Copy, Default, Args)]
pub(crate) struct FileArguments {
    /// The format of the results; without it, that of the photo, and TIFF of 16 bit for raw files
    #[arg(long, value_enum)]
    pub(crate) format: Option<Format>,
    /// Write results in sRGB, whatever the colour profile of the photo is, which they keep otherwise
    #[arg(long)]
    pub(crate) to_srgb: bool,
    /// Take what can be read of a damaged JPEG or PNG, which is refused otherwise
    #[arg(long)]
    pub(crate) tolerant: bool,
}

impl FileArguments {
    pub(crate) fn tolerance(self) -> Tolerance {
        if self.tolerant { Tolerance::Keep } else { Tolerance::Refuse }
    }

    /// Reads a photo as the flags ask for.
    pub(crate) fn open(self, file: &Path) -> Result<Picture, dodge_imaging::Error> {
        let picture = Picture::open_with(file, self.tolerance())?;
        Ok(if self.to_srgb { picture.into_srgb() } else { picture })
    }
}

/// A format of picture files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// 8 bit, with losses that are hardly seen
    Jpeg,
    /// Without losses
    Png,
    /// Without losses
    Tiff,
    /// 8 bit, without losses
    Webp,
}

impl Format {
    /// The extension of its files.
    pub(crate) fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::Tiff => "tif",
            Self::Webp => "webp",
        }
    }

    /// Whether a file's name says that it has this format.
    pub(crate) fn is_of(self, file: &Path) -> bool {
        matches!(
            (self, Encoding::for_path(file)),
            (Self::Jpeg, Ok(Encoding::Jpeg { .. }))
                | (Self::Png, Ok(Encoding::Png))
                | (Self::Tiff, Ok(Encoding::Tiff))
                | (Self::Webp, Ok(Encoding::WebP))
        )
    }
}

#[derive(Debug, Args)]
pub(crate) struct EnhanceArguments {
    /// Photos, or folders of photos
    #[arg(required_unless_present = "manifest", value_name = "PHOTO|DIR")]
    pub(crate) photos: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) many: ManyArguments,
    /// The model file; without it, the model in the box
    #[arg(long, value_name = "FILE")]
    pub(crate) model: Option<PathBuf>,
    /// Where the results go
    #[arg(short, long, value_name = "DIR", default_value = "enhanced")]
    pub(crate) output: PathBuf,
    /// Say what was done, and why
    #[arg(long)]
    pub(crate) explain: bool,
    /// At most this many edits
    #[arg(long, value_name = "N")]
    pub(crate) max_steps: Option<usize>,
    /// How much of each edit is made, from 0 to 1: 0.5 is half of it
    #[arg(long, value_name = "SHARE", value_parser = share, allow_negative_numbers = true)]
    pub(crate) strength: Option<f32>,
    /// One shoot, one look: give photos that were taken within minutes of each other the same edits, the median of each
    #[arg(long, conflicts_with_all = ["max_steps", "manifest", "shard"])]
    pub(crate) consistent: bool,
    /// How long after another photo, in minutes, the next one of the same shoot is taken at most; fractions are possible
    #[arg(long, value_name = "MINUTES", value_parser = minutes, default_value = GAP_MINUTES, requires = "consistent", allow_negative_numbers = true)]
    pub(crate) gap: f64,
    /// Touch photos of which the model expects so much less than it was set to; below 0, only those of which it expects more
    #[arg(long, value_name = "DB", allow_negative_numbers = true)]
    pub(crate) boldness: Option<f32>,
    /// Make edits also where the juror likes what comes of them less than the photo, which is left as it is otherwise
    #[arg(long)]
    pub(crate) no_veto: bool,
    /// Name so many photos in the end of which the model is least sure whether to touch them: worth a look of your own
    #[arg(long, value_name = "N")]
    pub(crate) least_sure: Option<usize>,
    /// Only say what would be done
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) files: FileArguments,
    /// In place of pictures, write settings that Lightroom and Camera Raw read, as NAME.xmp; those of raw files belong beside them
    #[arg(long, conflicts_with_all = ["format", "to_srgb"])]
    pub(crate) sidecar: bool,
    /// Pass over photos that have a result of the same model and settings, without reading them: a photo that changed since is not noticed
    #[arg(long, conflicts_with_all = ["consistent", "dry_run", "overwrite"])]
    pub(crate) skip_existing: bool,
    /// Replace files that are in the way of a result; never an input
    #[arg(long)]
    pub(crate) overwrite: bool,
    /// Write a picture of before and after beside each other as well
    #[arg(long)]
    pub(crate) preview: bool,
    /// Print the result as one JSON object on the last line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ApplyArguments {
    /// The recipe
    #[arg(value_name = "RECIPE.json")]
    pub(crate) recipe: PathBuf,
    /// Photos, or folders of photos
    #[arg(required = true, value_name = "PHOTO|DIR")]
    pub(crate) photos: Vec<PathBuf>,
    /// Where the results go
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: PathBuf,
    #[command(flatten)]
    pub(crate) files: FileArguments,
    /// Replace files that are in the way of a result; never an input
    #[arg(long)]
    pub(crate) overwrite: bool,
    /// Print the result as one JSON object on the last line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ExportArguments {
    /// The recipe
    #[arg(value_name = "RECIPE.json")]
    pub(crate) recipe: PathBuf,
    /// For which program, or as which table
    #[arg(long, value_enum)]
    pub(crate) to: ExportForm,
    /// The file; without it, the recipe's name with another extension
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Replace a file that is in the way
    #[arg(long)]
    pub(crate) overwrite: bool,
    /// Print the result as one JSON object on the last line
    #[arg(long)]
    pub(crate) json: bool,
}

/// What a recipe is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportForm {
    /// A .cube file: darktable, Photoshop, Premiere, Resolve, ffmpeg
    Cube,
    /// A Hald CLUT, a 16-bit PNG: RawTherapee, G'MIC, ImageMagick, ffmpeg
    Hald,
    /// An XMP file with the fields of Lightroom and Camera Raw that come nearest
    Lightroom,
    /// An XMP file with a history of darktable, and the .cube that it names
    Darktable,
    /// A .pp3 file of RawTherapee, and the Hald CLUT that it names
    Rawtherapee,
}

#[derive(Debug, Args)]
pub(crate) struct ReportArguments {
    /// The run: its name, its id or the first digits of it, or its folder; one that was interrupted, too
    #[arg(value_name = "RUN")]
    pub(crate) run: PathBuf,
    /// The file; without it, report.html in the run's folder
    #[arg(short, long = "out", value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Replace a file that is in the way, such as the report of the same run when less of it was there
    #[arg(long)]
    pub(crate) overwrite: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ScoreArguments {
    /// Photos, or folders of photos
    #[arg(required_unless_present = "manifest", value_name = "PHOTO|DIR")]
    pub(crate) photos: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) many: ManyArguments,
    /// The juror: classical, a file of `dodge juror train`, an aesthetic predictor that is in a folder, or the address of a juror service
    #[arg(long, value_name = "classical|FILE|siglip:DIR|URL", default_value = "classical")]
    pub(crate) juror: JurorChoice,
    /// Show the parts of each score of the classical juror
    #[arg(long)]
    pub(crate) explain: bool,
    /// Print the result as one JSON object on the last line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct JurorArguments {
    #[command(subcommand)]
    pub(crate) command: JurorCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum JurorCommand {
    /// Print how often a juror scores an original above a damaged copy, for each damage of a fixed list
    Check(JurorCheckArguments),
    /// Train a juror on good photos: it learns to tell them from worse versions that it makes of them
    Train(JurorTrainArguments),
}

#[derive(Debug, Args)]
pub(crate) struct JurorTrainArguments {
    /// Good photos, a few hundred if there are
    #[arg(long, value_name = "DIR", required_unless_present = "pairs")]
    pub(crate) photos: Option<PathBuf>,
    /// Photos before and after somebody edited them, in two folders: the one after is preferred to the one before too
    #[arg(long, num_args = 2, action = ArgAction::Set, value_names = ["BEFORE", "AFTER"])]
    pub(crate) pairs: Option<Vec<PathBuf>>,
    /// The file of the juror, for --juror
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// Replace a file that is in the way
    #[arg(long)]
    pub(crate) overwrite: bool,
    /// Seed of everything random: equal seeds give equal jurors
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Print the result as one JSON object on the last line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct JurorCheckArguments {
    /// Good photos that the juror was not made from
    #[arg(long, value_name = "DIR")]
    pub(crate) photos: PathBuf,
    /// The juror: classical, a file of `dodge juror train`, an aesthetic predictor that is in a folder, or the address of a juror service
    #[arg(long, value_name = "classical|FILE|siglip:DIR|URL", default_value = "classical")]
    pub(crate) juror: JurorChoice,
    /// Seed of the damages that are drawn
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Print the result as one JSON object on the last line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RunsArguments {
    #[command(subcommand)]
    pub(crate) command: RunsCommand,
    /// Where the runs are: local, or the address of an MLflow server [env: MLFLOW_TRACKING_URI]
    #[arg(long, global = true, value_name = "local|URL")]
    pub(crate) tracking_uri: Option<String>,
    /// Print the result as one JSON object on the last line
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RunsCommand {
    /// The newest runs
    List {
        /// Only those of this experiment
        #[arg(long, value_name = "NAME")]
        experiment: Option<String>,
        /// Only those of which this holds, for example "metrics.test/recovered > 0.5 and params.algo = 'ppo'"
        #[arg(long, value_name = "CONDITION", default_value = "")]
        filter: String,
        /// At most this many; without it, as many as fit on a screen
        #[arg(long, value_name = "N")]
        limit: Option<usize>,
    },
    /// One run: params, latest metrics, tags, artifacts
    Show {
        /// Its name, its id or the first digits of it, or its folder
        run: PathBuf,
    },
    /// Deliver what waits for the server; with runs of the local store, copy these to it
    Sync {
        /// Runs of the local store: name, id or the first digits of it, or folder
        #[arg(value_name = "RUN")]
        runs: Vec<PathBuf>,
    },
    /// Compare what was logged with what the store or server holds, value by value
    Verify {
        /// Name, id or the first digits of it, or folder; without any, all runs whose records are kept
        #[arg(value_name = "RUN")]
        runs: Vec<PathBuf>,
    },
    /// Write a run into files: run.json, metrics.csv, artifacts/
    Export {
        /// Its name, its id or the first digits of it, or its folder
        run: PathBuf,
        /// The folder, empty or new
        #[arg(short, long, value_name = "DIR")]
        output: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(crate) struct ParamsArguments {
    #[command(subcommand)]
    pub(crate) command: ParamsCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ParamsCommand {
    /// Every hyperparameter with its value and where the value comes from
    List(HyperparameterArguments),
    /// One hyperparameter or section in full
    Show {
        /// A section, or section.key
        name: Option<String>,
        #[command(flatten)]
        hyperparameters: HyperparameterArguments,
    },
    /// A JSON Schema, with which an editor completes configuration files
    Schema,
    /// A configuration file with every default, to edit
    Template,
    /// What differs between two runs
    Diff {
        /// A run: its name, its id or the first digits of it, or its folder; or a configuration file
        #[arg(value_name = "RUN")]
        left: PathBuf,
        /// Another
        #[arg(value_name = "RUN")]
        right: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(crate) struct DatasetsArguments {
    #[command(subcommand)]
    pub(crate) command: DatasetsCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DatasetsCommand {
    /// All datasets that have a name, and which of them are here
    List(RegistryArguments),
    /// Download a dataset, or go on with it, and verify it
    Fetch {
        /// The dataset
        id: String,
        #[command(flatten)]
        registry: RegistryArguments,
    },
    /// Read all of a dataset that is here, and compare its hash
    Verify {
        /// The dataset
        id: String,
        #[command(flatten)]
        registry: RegistryArguments,
    },
}

#[derive(Debug, Args)]
pub(crate) struct StudioArguments {
    /// The folder of the photos
    #[arg(value_name = "DIR", default_value = ".")]
    pub(crate) folder: PathBuf,
    /// The model; given again, another one to compare it with. Without it, the one that was taught last, else the model in the box
    #[arg(long, value_name = "FILE")]
    pub(crate) model: Vec<PathBuf>,
    /// Where exported photos go
    #[arg(short, long, value_name = "DIR", default_value = "enhanced")]
    pub(crate) output: PathBuf,
    /// The port; 0 for any that is free
    #[arg(long, value_name = "PORT", default_value_t = STUDIO_PORT, conflicts_with = "address")]
    pub(crate) port: u16,
    /// Where to listen, without it on 127.0.0.1; other addresses can be reached from other machines, and need --token
    #[arg(long, value_name = "IP:PORT")]
    pub(crate) address: Option<SocketAddr>,
    /// What a browser has to know, at least 16 characters; without it, the program makes up a secret at each start
    #[arg(long, value_name = "SECRET")]
    pub(crate) token: Option<String>,
    /// Do not open the browser
    #[arg(long)]
    pub(crate) no_browser: bool,
}

/// Beside that of the acquisition service.
const STUDIO_PORT: u16 = 5006;

#[derive(Debug, Args)]
pub(crate) struct ServeArguments {
    #[command(subcommand)]
    pub(crate) command: ServeCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ServeCommand {
    /// Fetch datasets onto the volume for whoever asks [token: DODGE_ACQUISITION_TOKEN]
    Acquisition {
        /// Where to listen, without it port 5005 of 127.0.0.1; other addresses can be reached from other machines
        #[arg(long, value_name = "IP:PORT")]
        address: Option<SocketAddr>,
        /// Datasets that are fetched at a time
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
        jobs: Option<u16>,
        /// A list of datasets on top of the built-in one; without it, datasets.toml in the volume [env: DODGE_DATASETS]
        #[arg(long, value_name = "FILE.toml")]
        registry: Option<PathBuf>,
    },
    /// Score photos for whoever asks, in batches [token: DODGE_JUROR_TOKEN]
    Juror {
        /// Where to listen, without it port 5010 of 127.0.0.1; other addresses can be reached from other machines
        #[arg(long, value_name = "IP:PORT")]
        address: Option<SocketAddr>,
        /// The juror: classical, a file of `dodge juror train`, or an aesthetic predictor that is in a folder
        #[arg(long, value_name = "classical|FILE|siglip:DIR", default_value = "classical")]
        juror: JurorChoice,
    },
}

#[derive(Debug, Args)]
pub(crate) struct RegistryArguments {
    /// A list of datasets on top of the built-in one; without it, datasets.toml in the volume [env: DODGE_DATASETS]
    #[arg(long, value_name = "FILE.toml")]
    pub(crate) registry: Option<PathBuf>,
    /// Print the result as one JSON object on the last line
    #[arg(long)]
    pub(crate) json: bool,
}
