//! Where tensors live. burn's default device is never asked for: it changes with the features of the build, with those
//! that another crate turns on too, and with the variable `BURN_DEVICE`.

use crate::error::Error;

/// Where tensors live; burn's type, so that a caller need not depend on burn.
pub use burn::tensor::Device;

/// The processor, through burn's `flex` backend.
#[must_use]
pub fn cpu() -> Device {
    Device::flex()
}

/// A graphics card, or a driver that computes like one.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Gpu {
    /// Where its tensors live.
    pub device: Device,
    /// What the driver calls it, and the interface that it is reached through.
    pub name: String,
    /// The driver only pretends: it computes on the processor, as Mesa's `llvmpipe` does, and slower than [`cpu`].
    pub in_software: bool,
}

/// The best graphics card of this machine, through burn's `wgpu` backend, after it has computed something.
///
/// The driver is asked once; later calls, from any thread, get the same answer.
///
/// # Errors
///
/// [`Error::Device`] when the build is without the feature `wgpu`, when there is no driver, or when what there is cannot
/// compute.
pub fn gpu() -> Result<Gpu, Error> {
    found().clone().map_err(|reason| Error::Device { reason })
}

/// What a device is called in reports: `cpu`, or `gpu: ` and the name of the graphics card.
#[must_use]
pub fn device_name(device: &Device) -> String {
    if *device == cpu() {
        return "cpu".to_owned();
    }
    match gpu() {
        Ok(gpu) if gpu.device == *device => format!("gpu: {}", gpu.name),
        _ => format!("{device:?}"),
    }
}

#[cfg(not(feature = "wgpu"))]
fn found() -> &'static Result<Gpu, String> {
    static NONE: std::sync::LazyLock<Result<Gpu, String>> =
        std::sync::LazyLock::new(|| Err("this build has no GPU support: the feature `wgpu` is off".to_owned()));
    &NONE
}

#[cfg(feature = "wgpu")]
fn found() -> &'static Result<Gpu, String> {
    // A second initialisation of the same card is an error of burn's.
    static FOUND: std::sync::OnceLock<Result<Gpu, String>> = std::sync::OnceLock::new();
    FOUND.get_or_init(|| probe().map_err(|reason| format!("no GPU can be used: {reason}")))
}

#[cfg(feature = "wgpu")]
fn probe() -> Result<Gpu, String> {
    use burn::tensor::Tensor;
    use burn::tensor::wgpu::WgpuInitError;
    use burn::tensor::wgpu::wgpu::DeviceType;

    let (device, setup) = Device::wgpu_options().init_with_setup().map_err(|error| match error {
        WgpuInitError::AdapterUnavailable { message, .. } => message,
        other => other.to_string(),
    })?;
    let adapter = setup.adapter.get_info();
    let name = format!("{}, {:?}", adapter.name, adapter.backend);
    // A driver that compiles no compute shader says so at the first use only.
    let matrix_ij = Tensor::<2>::from_data([[1.0_f32, 2.0], [3.0, 4.0]], &device);
    match matrix_ij.clone().matmul(matrix_ij).try_into_vec_as::<f32>() {
        Ok(product) if product == [7.0, 10.0, 15.0, 22.0] => {
            Ok(Gpu { device, name, in_software: adapter.device_type == DeviceType::Cpu })
        }
        Ok(product) => Err(format!("{name} computes {product:?} where [7.0, 10.0, 15.0, 22.0] is right")),
        Err(error) => Err(format!("{name} cannot compute: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_stays_the_processor_whatever_is_built_in() {
        assert_eq!(device_name(&cpu()), "cpu");
        assert_eq!(device_name(&cpu().autodiff()), "cpu");
    }

    #[cfg(not(feature = "wgpu"))]
    #[test]
    fn a_build_without_the_feature_names_it() {
        assert!(gpu().unwrap_err().to_string().contains("the feature `wgpu` is off"));
    }
}
