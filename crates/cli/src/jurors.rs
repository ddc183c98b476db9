//! The jurors that users choose.

use std::sync::Arc;

use anyhow::Result;
use dodge_juror::{
    CacheOptions, CachedJuror, ClassicalJuror, HttpJuror, HttpJurorOptions, Juror, LearnedJuror, SiglipJuror,
};

use crate::arguments::{Device, JurorChoice};
use crate::devices;
use crate::surroundings::Surroundings;

/// The file of the volume in which the scores of jurors are kept that take longer than looking them up.
const SCORES: &str = "cache/scores/scores-1.bin";

/// A choice in words that tell it from any other: of a file what is in it, which may be another juror tomorrow.
pub(crate) fn described(choice: &JurorChoice) -> Result<String> {
    Ok(match choice {
        JurorChoice::Learned(file) => LearnedJuror::load(file)?.name(),
        other => format!("{other:?}"),
    })
}

/// The juror of `--juror`. One that lives elsewhere is asked whether it is there, and of no photo twice; an aesthetic predictor is loaded
/// onto the device of `--device` or `DODGE_DEVICE`. A learned one never stands alone: the classical juror
/// limits its scores.
pub(crate) fn chosen(
    choice: &JurorChoice,
    device: Option<Device>,
    surroundings: &Surroundings,
) -> Result<Arc<dyn Juror>> {
    Ok(match choice {
        JurorChoice::Classical => Arc::new(ClassicalJuror::new()),
        JurorChoice::Siglip(folder) => {
            // Any graphics card is faster than the processor with a network of this size.
            let device = devices::chosen(device, Device::Gpu, surroundings)?;
            kept(Arc::new(SiglipJuror::open(folder, &device)?), surroundings)
        }
        JurorChoice::At(url) => {
            let mut options = HttpJurorOptions::new(url);
            options.token.clone_from(&surroundings.juror_token);
            kept(Arc::new(HttpJuror::new(options)?), surroundings)
        }
        JurorChoice::Learned(file) => Arc::new(LearnedJuror::load(file)?.limited()),
    })
}

/// A juror whose scores are kept in the volume.
fn kept(juror: Arc<dyn Juror>, surroundings: &Surroundings) -> Arc<dyn Juror> {
    Arc::new(CachedJuror::new(juror, &CacheOptions::with_store(surroundings.volume().join(SCORES))))
}
