//! The hyperparameters of a whole training.

use dodge_hparams::{Choice, HParams};
use dodge_imaging::{DamageKind, Sliders};
use dodge_preprocess::DamageProtocol;

use crate::photo::actions::FIXED;
use crate::photo::environment::Material;

/// What learns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
pub enum Algorithm {
    /// Analytic policy gradient: moves all sliders at once, along the gradient through the edits; the default.
    Apg,
    /// Proximal policy optimisation: learns from any reward, step by step.
    Ppo,
    /// Deep Q-learning: learns each experience many times.
    Dqn,
}

impl Algorithm {
    /// What the agent may do with such photos where nobody said.
    #[must_use]
    pub fn actions(self, material: Material) -> Vec<String> {
        match (self, material) {
            // Sliders that nothing needs are only one more thing to learn by heart.
            (Self::Apg, Material::Damaged(DamageProtocol::Standard)) => {
                DamageKind::STANDARD.iter().map(|kind| kind.name().to_owned()).collect()
            }
            (Self::Apg, _) => Sliders::available().iter().map(|kind| kind.name().to_owned()).collect(),
            (Self::Ppo | Self::Dqn, _) => FIXED.map(str::to_owned).to_vec(),
        }
    }
}

/// The training as a whole.
#[derive(Debug, Clone, PartialEq, HParams)]
#[hparams(section = "training")]
pub struct TrainingParams {
    /// What learns; its own hyperparameters are in the section of its name.
    #[hparam(default = Algorithm::Apg)]
    pub algorithm: Algorithm,
    /// How long to train; rounded up to whole rounds. `apg` looks at a photo at each step; `ppo` and `dqn` make an edit, and gain a little
    /// more from a million.
    #[hparam(default = 300_000, range = 1..=10_000_000_000, unit = "environment steps")]
    pub steps: u64,
    /// Pictures of dead leaves, painted by the program, that are learnt from beside all photos, never validated or tested on: things of all sizes in
    /// the colours and tones of photographs, of no kind. Each takes about 80 kB of memory. Pairs are not mixed with any.
    #[hparam(default = 2000, range = 0..=100_000, unit = "pictures")]
    pub synthetic_photos: usize,
    /// Whether to go on from what the model in the box has learnt, in place of from nothing: of `apg`, with its edits and its networks. Another training
    /// of fewer steps then keeps what it knows of photographs of all kinds.
    #[hparam(default = false)]
    pub from_the_box: bool,
    /// How often the policy is validated, and kept if it is as good as the best so far, but for chance.
    #[hparam(default = 20_480, range = 1..=10_000_000_000, unit = "environment steps")]
    pub validation_interval: u64,
    /// Damages of each validation photo: its stored one and fresh ones.
    #[hparam(default = 4, range = 1..=100, unit = "damages")]
    pub validation_damages: usize,
    /// Damages of each test photo: its stored one and fresh ones; fewer where there are many photos. Beside them each is tested as it
    /// is, undamaged.
    #[hparam(default = 4, range = 1..=100, unit = "damages")]
    pub test_damages: usize,
    /// The model of a training is the latest of those that gain most PSNR on damaged validation photos, but for chance, among those that
    /// leave undamaged ones at this PSNR or more; 60 is untouched.
    #[hparam(default = 48.0, range = 0.0..=60.0, unit = "dB")]
    pub least_undamaged_db: f64,
    /// Where fewer photos than this are learnt from, the model that validation chose is fitted once more, for as many steps, from training and
    /// validation photos together.
    #[hparam(default = 100, range = 0..=1_000_000, unit = "photos")]
    pub refit_below: usize,
    /// How often a checkpoint is written, to go on from after an interruption.
    #[hparam(default = 81_920, range = 1..=10_000_000_000, unit = "environment steps")]
    pub checkpoint_interval: u64,
    /// Periodic checkpoints kept beside the latest and the best one.
    #[hparam(default = 2, range = 0..=1000, unit = "checkpoints")]
    pub checkpoints_kept: usize,
    /// Whether the latest checkpoint is among the run's artifacts too, renewed whenever it is written.
    #[hparam(default = true)]
    pub upload_checkpoints: bool,
    /// Validations without a better model after which the training ends early; 0 never ends it.
    #[hparam(default = 0, range = 0..=1_000_000, unit = "validations")]
    pub early_stop_patience: u64,
    /// Seed of split, damage, networks and exploration.
    #[hparam(default = 42)]
    pub seed: u64,
    /// Rows of the mosaic of before, after and original.
    #[hparam(default = 12, range = 1..=200, unit = "photos")]
    pub mosaic_rows: usize,
}
