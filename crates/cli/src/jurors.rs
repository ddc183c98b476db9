//! The jurors that users choose.

use std::sync::Arc;

use anyhow::Result;
use dodge_juror::{ClassicalJuror, Ensemble, HttpJuror, HttpJurorOptions, Juror, LearnedJuror};

use crate::arguments::JurorChoice;
use crate::surroundings::Surroundings;

/// A choice in words that tell it from any other: of a file what is in it, which may be another juror tomorrow.
pub(crate) fn described(choice: &JurorChoice) -> Result<String> {
    Ok(match choice {
        JurorChoice::Learned(file) => LearnedJuror::load(file)?.name(),
        other => format!("{other:?}"),
    })
}

/// How far a learned juror may go above the classical one. These two do not mean the same by a number: a good photo
/// of an unusual kind may get so much more, and no more.
const CLASSICAL_SLACK: f64 = 3.0;

/// The juror of `--juror`. One that lives elsewhere is asked whether it is there. A learned one never stands alone: what it was not
/// shown it may take for good, and an agent finds that; the classical juror limits its scores.
pub(crate) fn chosen(choice: &JurorChoice, surroundings: &Surroundings) -> Result<Arc<dyn Juror>> {
    Ok(match choice {
        JurorChoice::Classical => Arc::new(ClassicalJuror::new()),
        JurorChoice::At(url) => {
            let mut options = HttpJurorOptions::new(url);
            options.token.clone_from(&surroundings.juror_token);
            Arc::new(HttpJuror::new(options)?)
        }
        JurorChoice::Learned(file) => {
            let learned = Arc::new(LearnedJuror::load(file)?);
            Arc::new(Ensemble::new(learned, 1.0).limited_by(Arc::new(ClassicalJuror::new()), CLASSICAL_SLACK))
        }
    })
}
