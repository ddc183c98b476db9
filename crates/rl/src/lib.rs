#![doc = include_str!("../README.md")]

mod error;
mod naming;
mod photo;
mod result;
mod trainer;
mod whole_file;

pub use error::Error;
pub use naming::folder_name;
pub use photo::actions::ActionSet;
pub use photo::agent::{Found, Retouched, Rules, VIEWS, retouch_all};
pub use photo::baselines::{BaselineSet, Baselines, Cost};
pub use photo::environment::{EnvironmentParams, Material, PhotoEnv, PhotoTask, TaskKind, TrainingPhoto};
pub use photo::evaluation::{Evaluation, EvaluationPlan, evaluate};
pub use photo::expectation::Expectation;
pub use photo::frontier::{Calibration, FrontierPoint};
pub use photo::known_edits::KnownEdits;
pub use photo::model::{HOUSE_MODEL, MODEL_FORMAT, Model, ModelConfiguration};
pub use photo::mosaic::mosaic;
pub use photo::observation::{Observe, Observer};
pub use photo::reward::{Bonus, Reward, RewardParams, RewardStrategy, Standing};
pub use photo::shoot::{common_edits, shoots};
pub use photo::shown::{AfterEdit, Shown};
pub use photo::summary::{Likeness, Outcome, Summary, UndamagedSummary, measure_likeness, outcomes, summarize};
pub use photo::test_photo::TestPhoto;
pub use photo::validation::Fidelity;
pub use result::files::{Existing, Written, write_results};
pub use result::instructor::{Explained, explain, shown_to_juror};
pub use result::places::{Source, keep_inputs, result_extension, result_places};
pub use trainer::context::{Session, TrainContext};
pub use trainer::fitting::{Trained, train_agent};
pub use trainer::params::{Algorithm, TrainingParams};
pub use trainer::photo_trainer::{FIRST_MODEL, PhotoTrainer};
pub use trainer::run_page::{RunPage, page_of_run};
pub use trainer::skeleton::{Evaluated, Report, Trainer, UsedPhotos, photos_of_run};
