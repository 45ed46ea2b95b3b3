//! Opens devices by name.

use candle_core::Device;

use crate::error::RunnerError;

/// Opens `cpu` or `cuda:N`, without a fallback from one to the other.
///
/// # Errors
///
/// [`RunnerError::Device`] if the name is invalid or the device cannot be opened.
pub fn open_device(name: &str) -> Result<Device, RunnerError> {
    let failed = |reason: String| RunnerError::Device {
        device: name.to_owned(),
        reason,
    };
    if name == "cpu" {
        return Ok(Device::Cpu);
    }
    let ordinal = name
        .strip_prefix("cuda:")
        .and_then(|n| n.parse().ok())
        .ok_or_else(|| failed("must be cpu or cuda:N".to_owned()))?;
    Device::new_cuda(ordinal).map_err(|e| {
        let cause = e.to_string();
        let cause = cause.lines().next().unwrap_or_default();
        if !candle_core::utils::cuda_is_available() {
            let reason =
                "this program was built without CUDA support; build it with --features cuda";
            return failed(reason.to_owned());
        }
        failed(format!(
            "cannot be opened ({cause}); check the NVIDIA driver and the number of the GPU"
        ))
    })
}
