//! The jurors that users choose.

use std::sync::Arc;

use anyhow::Result;
use dodge_juror::{ClassicalJuror, HttpJuror, HttpJurorOptions, Juror, SiglipJuror};

use crate::arguments::{Device, JurorChoice};
use crate::devices;
use crate::surroundings::Surroundings;

/// The juror of `--juror`. One that lives elsewhere is asked whether it is there, one in files is loaded onto the device of
/// `--device` or `DODGE_DEVICE`.
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
            Arc::new(SiglipJuror::open(folder, &device)?)
        }
        JurorChoice::At(url) => {
            let mut options = HttpJurorOptions::new(url);
            options.token.clone_from(&surroundings.juror_token);
            Arc::new(HttpJuror::new(options)?)
        }
    })
}
