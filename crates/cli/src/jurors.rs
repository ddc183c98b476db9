//! The jurors that users choose.

use std::sync::Arc;

use anyhow::Result;
use dodge_juror::{ClassicalJuror, HttpJuror, HttpJurorOptions, Juror};

use crate::arguments::JurorChoice;
use crate::surroundings::Surroundings;

/// The juror of `--juror`. One that lives elsewhere is asked whether it is there.
pub(crate) fn chosen(choice: &JurorChoice, surroundings: &Surroundings) -> Result<Arc<dyn Juror>> {
    Ok(match choice {
        JurorChoice::Classical => Arc::new(ClassicalJuror::new()),
        JurorChoice::At(url) => {
            let mut options = HttpJurorOptions::new(url);
            options.token.clone_from(&surroundings.juror_token);
            Arc::new(HttpJuror::new(options)?)
        }
    })
}
