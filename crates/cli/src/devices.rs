//! The device that users choose; burn's own default depends on the features of the build.

use anyhow::Result;

use crate::arguments::Device;
use crate::surroundings::Surroundings;

/// The device of `--device`, else of `DODGE_DEVICE`.
///
/// `auto` is what that means for the networks at hand: the processor, or a graphics card if there is one, but never a driver that
/// computes on the processor.
pub(crate) fn chosen(choice: Option<Device>, auto: Device, surroundings: &Surroundings) -> Result<dodge_learn::Device> {
    let chosen = match choice.or(surroundings.device).unwrap_or_default() {
        Device::Cpu => None,
        Device::Gpu => Some(dodge_learn::gpu()?),
        Device::Auto if auto == Device::Gpu => dodge_learn::gpu().ok().filter(|gpu| !gpu.in_software),
        Device::Auto => None,
    };
    if let Some(gpu) = &chosen
        && gpu.in_software
    {
        tracing::warn!("{} is no graphics card: it computes on the processor, slower than --device cpu", gpu.name);
    }
    Ok(chosen.map_or_else(dodge_learn::cpu, |gpu| gpu.device))
}
