//! What a page is made of.

use std::collections::BTreeMap;

use serde::Deserialize;

/// What a run left behind, as far as it is known. Nothing in it has to be there.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Record {
    /// What the run is called.
    pub name: String,
    /// What was trained on, and how many photos were in each split.
    pub photos: Option<Photos>,
    /// How it was trained: names and values in the order in which they are shown, such as the algorithm and the seed.
    pub settings: Vec<(String, String)>,
    /// Every hyperparameter by its name, such as `training.seed`.
    pub hyperparameters: Vec<(String, String)>,
    /// Figures on the test split; none of a run that ended before it was evaluated.
    pub results: Option<Results>,
    /// What was recorded while it learnt.
    pub curves: Vec<Curve>,
    /// The environment step at which the model of the run had learnt what it knows.
    pub model_step: Option<u64>,
    /// How a few photos came out as the agent learnt.
    pub timeline: Option<Timeline>,
    /// What became of each test.
    pub tests: Vec<Test>,
    /// What is not there, in words that a user understands: shown at the top of the page.
    pub missing: Vec<String>,
}

/// Where the photos came from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Photos {
    /// The source, such as `synthetic` or the name of a folder.
    pub source: String,
    /// Photos to learn from, to validate on and to test on, where that is known.
    pub splits: Option<[usize; 3]>,
}

/// The figures on the test split, by the names in the `report.json` of a run. A figure that is missing or no number is none.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
pub struct Results {
    /// By which protocol photos were damaged; none of pairs.
    pub damage: Option<String>,
    /// The agent.
    pub test: Summary,
    /// Photographs that were tested on, each perhaps several times.
    pub photographs: Option<usize>,
    /// What holds the mean gain in 95 of 100 such sets of photographs, in decibels.
    pub gain_interval_db: Option<[f64; 2]>,
    /// Gain and harm by what has to be expected before a photo is touched.
    #[serde(default)]
    pub frontier: Vec<FrontierPoint>,
    /// What was expected beside what came.
    #[serde(default)]
    pub calibration: Vec<Calibration>,
    /// What the agent is held against, by name.
    #[serde(default)]
    pub baselines: BTreeMap<String, Summary>,
    /// What it takes to find edits, by the names of the baselines and of `agent`.
    #[serde(default)]
    pub costs: BTreeMap<String, Cost>,
    /// Environment steps trained.
    pub steps: Option<u64>,
    /// Duration of the run in seconds.
    pub wall_seconds: Option<f64>,
}

impl Results {
    /// Whether photos before and after somebody edited them were learnt from.
    pub(crate) fn is_of_pairs(&self) -> bool {
        self.baselines.contains_key("nearest_edits")
    }
}

/// What it takes to find the edits of a photo, in the mean of all photos.
#[derive(Debug, Clone, Copy, PartialEq, Default, Deserialize)]
pub struct Cost {
    /// Photos that the juror is asked about.
    pub juror_calls_per_photo: Option<f64>,
    /// Time, in milliseconds.
    pub milliseconds_per_photo: Option<f64>,
}

/// The figures of one way to retouch. Shares lie between 0 and 1.
#[derive(Debug, Clone, Copy, PartialEq, Default, Deserialize)]
pub struct Summary {
    /// Damaged tests, or pairs that were edited.
    pub photos: Option<usize>,
    /// Mean score of the originals.
    pub mean_original_score: Option<f64>,
    /// Mean score before.
    pub mean_degraded_score: Option<f64>,
    /// Mean score after.
    pub mean_final_score: Option<f64>,
    /// Share of the score lost to damage that came back.
    pub recovered: Option<f64>,
    /// Share whose final score reaches the original's.
    pub success_rate: Option<f64>,
    /// Mean PSNR to the original before, in decibels.
    pub mean_psnr_degraded_db: Option<f64>,
    /// Mean PSNR to the original after, in decibels.
    pub mean_psnr_final_db: Option<f64>,
    /// Mean structural similarity to the original after, up to 1.
    pub mean_ssim_final: Option<f64>,
    /// Mean colour difference to the original after (CIEDE2000).
    pub mean_delta_e_final: Option<f64>,
    /// Share whose PSNR rose noticeably.
    pub improved: Option<f64>,
    /// Share whose PSNR fell noticeably.
    pub worsened: Option<f64>,
    /// Mean number of edits.
    pub mean_steps: Option<f64>,
    /// The photos that needed nothing.
    #[serde(default)]
    pub undamaged: Undamaged,
}

impl Summary {
    /// Mean gain in decibels.
    pub(crate) fn gain_db(&self) -> Option<f64> {
        Some(self.mean_psnr_final_db? - self.mean_psnr_degraded_db?).filter(|gain| gain.is_finite())
    }
}

/// The figures of photos that needed nothing.
#[derive(Debug, Clone, Copy, PartialEq, Default, Deserialize)]
pub struct Undamaged {
    /// How many they are.
    pub photos: Option<usize>,
    /// Mean PSNR of the result to the photo itself, in decibels; 60 is untouched.
    pub mean_psnr_db: Option<f64>,
    /// Share that was left exactly as it was.
    pub left_alone: Option<f64>,
}

/// What an agent would do that touches photos of which it expects more than a least gain.
#[derive(Debug, Clone, Copy, PartialEq, Default, Deserialize)]
pub struct FrontierPoint {
    /// The least gain, in decibels.
    pub least_gain_db: Option<f64>,
    /// Mean gain, in decibels.
    pub mean_gain_db: Option<f64>,
    /// Share that became better.
    pub improved: Option<f64>,
    /// Share that became worse.
    pub worsened: Option<f64>,
    /// Mean PSNR of photos that needed nothing to themselves, in decibels.
    pub undamaged_db: Option<f64>,
    /// Share of these that is left alone.
    pub left_alone: Option<f64>,
}

/// Photos of which about the same was expected.
#[derive(Debug, Clone, Copy, PartialEq, Default, Deserialize)]
pub struct Calibration {
    /// How many they are.
    pub photos: Option<usize>,
    /// Expected of them in the mean, in decibels.
    pub expected_db: Option<f64>,
    /// Gained in the mean, in decibels.
    pub gained_db: Option<f64>,
}

/// A figure that was recorded again and again.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Curve {
    /// Its name in the tracked run, such as `validation/psnr_gain_db`.
    pub name: String,
    /// Environment steps and values, by rising step. A value may be no finite number: the page says so.
    pub points: Vec<(u64, f64)>,
}

/// What became of one test.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Test {
    /// The photo's name.
    pub photo: String,
    /// Whether it was damaged, or of a pair edited.
    pub is_damaged: bool,
    /// The photo as the agent got it.
    pub before: Measure,
    /// What the agent made of it.
    pub after: Measure,
    /// The juror's score of the original.
    pub original_score: Option<f64>,
    /// What the agent expected to gain, in decibels.
    pub expected_gain_db: Option<f64>,
    /// What the agent did, in order.
    pub edits: Vec<Edit>,
    /// How it looks; none where it is not shown.
    pub pictures: Option<Pictures>,
}

/// How good a photo is.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Measure {
    /// The juror's score, 0 to 10.
    pub score: Option<f64>,
    /// PSNR to the original, in decibels.
    pub psnr_db: Option<f64>,
}

/// One edit.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Edit {
    /// What it is called, such as `exposure:0.52`.
    pub label: String,
    /// What it does, in words.
    pub words: String,
    /// How good the photo is after it, where that was measured.
    pub after: Measure,
    /// How the photo looks after it: a JPEG.
    pub picture: Option<Vec<u8>>,
}

/// Small pictures of a test: JPEG files.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pictures {
    /// As the agent got it.
    pub before: Option<Vec<u8>>,
    /// What the agent made of it.
    pub after: Option<Vec<u8>>,
    /// The original, or of a pair the photo after it was edited.
    pub original: Option<Vec<u8>>,
}

/// What the agent made of the same few photos at several validations.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Timeline {
    /// The photos as the agent gets them, beside each other: a JPEG.
    pub before: Option<Vec<u8>>,
    /// What it is to come near to.
    pub goal: Option<Vec<u8>>,
    /// What it made of them, by rising step.
    pub frames: Vec<Frame>,
}

/// What the agent made of photos at one validation.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Frame {
    /// Environment steps taken.
    pub step: u64,
    /// The mean gain on all validation photos, in decibels.
    pub gain_db: f64,
    /// The photos beside each other: a JPEG.
    pub picture: Vec<u8>,
}
