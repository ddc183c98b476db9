//! The sections that the tests register.

use std::{path::PathBuf, time::Duration};

use dodge_hparams::{Choice, HParams, Registry};

/// How the learning rate changes over the training.
#[derive(Debug, Clone, Copy, PartialEq, Choice)]
pub(crate) enum Schedule {
    /// It keeps its value.
    Constant,
    /// It falls linearly to zero.
    Linear,
    /// It falls along a half wave.
    CosineDecay,
}

/// Proximal policy optimisation.
#[derive(Debug, Clone, PartialEq, HParams)]
#[hparams(section = "ppo", check = "batch_divides_rollout")]
pub(crate) struct PpoParams {
    /// Discount of future rewards.
    #[hparam(default = 0.97, range = 0.0..=1.0)]
    pub(crate) discount: f64,
    /// Optimiser step size.
    ///
    /// Too large and the policy collapses.
    #[hparam(default = 5e-4, range = 1e-8..=1.0, unit = "per gradient step", scale = "log")]
    pub(crate) learning_rate: f64,
    /// Environments stepped together.
    #[hparam(default = 64, range = 1..=65536, unit = "environments")]
    pub(crate) environments: usize,
    /// Environment steps per rollout.
    #[hparam(default = 256, range = 1.., unit = "environment steps")]
    pub(crate) rollout: u64,
    /// Environment steps per batch; must divide the rollout.
    #[hparam(default = 64, range = 1.., unit = "environment steps")]
    pub(crate) batch: u64,
    /// Hidden layer widths.
    #[hparam(default = [256, 256], range = 1..=8192, max_len = 8)]
    pub(crate) hidden: Vec<usize>,
    /// Stop an update early above this KL divergence.
    #[hparam(default = none, range = 0.0..=10.0)]
    pub(crate) target_kl: Option<f64>,
    /// How the learning rate changes.
    #[hparam(default = Schedule::Linear)]
    pub(crate) schedule: Schedule,
}

fn batch_divides_rollout(params: &PpoParams) -> Result<(), String> {
    if params.rollout.is_multiple_of(params.batch) {
        return Ok(());
    }
    Err(format!("batch = {} does not divide rollout = {}", params.batch, params.rollout))
}

/// A value of every type.
#[derive(Debug, Clone, PartialEq, HParams)]
#[hparams(section = "every-type")]
pub(crate) struct EveryType {
    /// A flag.
    #[hparam(default = true)]
    pub(crate) flag: bool,
    /// A small count.
    #[hparam(default = 3)]
    pub(crate) small: u32,
    /// A large count.
    #[hparam(default = 3)]
    pub(crate) large: u64,
    /// A size.
    #[hparam(default = 3)]
    pub(crate) size: usize,
    /// A signed number.
    #[hparam(default = -3)]
    pub(crate) signed: i64,
    /// A number in single precision, written as an integer and below its upper end.
    #[hparam(default = 0, range = -1..1)]
    pub(crate) single: f32,
    /// A number in double precision.
    #[hparam(default = 1)]
    pub(crate) double: f64,
    /// A text; its name is a word of the language.
    #[hparam(default = "plain", max_len = 40)]
    pub(crate) r#type: String,
    /// A text that may be missing.
    #[hparam(default = "here")]
    pub(crate) maybe_text: Option<String>,
    /// A count that may be missing.
    #[hparam(default = 7)]
    pub(crate) maybe_count: Option<u32>,
    /// A choice that may be missing.
    #[hparam(default = none)]
    pub(crate) maybe_choice: Option<Schedule>,
    /// Numbers.
    #[hparam(default = [0, 0.5, -1e-3])]
    pub(crate) numbers: Vec<f64>,
    /// Texts.
    #[hparam(default = ["a", "b c"])]
    pub(crate) texts: Vec<String>,
    /// Choices.
    #[hparam(default = [])]
    pub(crate) choices: Vec<Schedule>,
    /// Flags.
    #[hparam(default = [true, false])]
    pub(crate) flags: Vec<bool>,
}

/// Both sections, at their defaults.
pub(crate) fn registry() -> Registry {
    let mut registry = Registry::new();
    registry.register::<PpoParams>().unwrap();
    registry.register::<EveryType>().unwrap();
    registry
}

/// How a quantity changes, with numbers of its own.
#[derive(Debug, Clone, PartialEq, Choice)]
pub(crate) enum Decay {
    /// It keeps its value.
    Constant,
    /// It falls linearly.
    Linear {
        /// What is left at the end, as a share of the start.
        #[hparam(default = 0.0, range = 0.0..=1.0)]
        end: f64,
    },
    /// It falls by the same ratio again and again.
    Exponential {
        /// What is left at the end, as a share of the start.
        #[hparam(default = 0.1, range = 1e-6..=1.0, scale = "log", search = 0.01..=0.5)]
        end: f64,
        /// How often it falls.
        #[hparam(default = 10, range = 1..=1000, unit = "stairs")]
        stairs: u32,
    },
}

/// What takes the steps.
#[derive(Debug, Clone, PartialEq, HParams)]
#[hparams(nested, check = "Optimizer::check_betas")]
pub(crate) struct Optimizer {
    /// Step size.
    #[hparam(default = 1e-3, range = 1e-6..=1.0, scale = "log", search = 1e-4..=1e-2)]
    pub(crate) rate: f64,
    /// Memory of the mean.
    #[hparam(default = 0.9, range = 0.0..1.0)]
    pub(crate) beta1: f64,
    /// Memory of the variance.
    #[hparam(default = 0.999, range = 0.0..1.0)]
    pub(crate) beta2: f64,
    /// An earlier name.
    #[hparam(deprecated = "rate")]
    pub(crate) lr: (),
}

impl Optimizer {
    fn check_betas(&self) -> Result<(), String> {
        if self.beta1 <= self.beta2 { Ok(()) } else { Err("beta1 is above beta2".to_owned()) }
    }
}

/// Every further feature of a declaration.
#[derive(Debug, Clone, PartialEq, HParams)]
#[hparams(section = "features")]
pub(crate) struct Features {
    /// How the size falls.
    #[hparam(default = Decay::Linear { end: 0.0 }, search)]
    pub(crate) decay: Decay,
    /// The optimiser.
    #[hparam(nested)]
    pub(crate) optimizer: Optimizer,
    /// How long to wait.
    #[hparam(default = Duration::from_secs(90), range = 1..=86400)]
    pub(crate) timeout: Duration,
    /// How long to rest.
    #[hparam(default = none, range = 0..=60)]
    pub(crate) pause: Option<Duration>,
    /// Where to look.
    #[hparam(default = "a/b")]
    pub(crate) folder: PathBuf,
    /// What to look at.
    #[hparam(default = ["x.txt"], max_len = 3)]
    pub(crate) files: Vec<PathBuf>,
    /// Whether to look twice.
    #[hparam(default = false, search)]
    pub(crate) twice: bool,
    /// How often to look again.
    #[hparam(default = 2, range = 1..=8, search, search_when = "twice = true")]
    pub(crate) again: u32,
    /// Samples at once.
    #[hparam(default = 64, range = 1..=4096, search = [32, 64, 128])]
    pub(crate) batch: usize,
    /// What opens the door.
    #[hparam(default = none, secret, max_len = 20)]
    pub(crate) token: Option<String>,
    /// An earlier name.
    #[hparam(deprecated = "timeout")]
    pub(crate) time_limit: (),
}

/// A registry of [`Features`].
pub(crate) fn features() -> Registry {
    let mut registry = Registry::new();
    registry.register::<Features>().unwrap();
    registry
}
