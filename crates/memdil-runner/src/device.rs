//! Opens devices by name.

use candle_core::Device;

use crate::error::RunnerError;

/// Opens `cpu` or `cuda:N`, without a fallback from one to the other.
///
/// # Errors
///
/// Those of [`check_device`], and [`RunnerError::Device`] if the device cannot be opened.
pub fn open_device(name: &str) -> Result<Device, RunnerError> {
    let Some(ordinal) = gpu_number(name)? else {
        return Ok(Device::Cpu);
    };
    Device::new_cuda(ordinal).map_err(|error| {
        let cause = error.to_string();
        let cause = cause.lines().next().unwrap_or_default();
        failed(
            name,
            format!(
                "cannot be opened ({cause}); check the NVIDIA driver and the number of the GPU"
            ),
        )
    })
}

/// Checks the name of a device, without opening it: the device may belong to another machine.
///
/// # Errors
///
/// [`RunnerError::Device`] if the name is invalid, or names a GPU and this program has no CUDA
/// support.
pub fn check_device(name: &str) -> Result<(), RunnerError> {
    gpu_number(name).map(|_| ())
}

/// The number of a GPU; `None` for the CPU.
fn gpu_number(name: &str) -> Result<Option<usize>, RunnerError> {
    if name == "cpu" {
        return Ok(None);
    }
    let number = name.strip_prefix("cuda:").and_then(|n| n.parse().ok());
    let number = number.ok_or_else(|| failed(name, "must be cpu or cuda:N".to_owned()))?;
    if !candle_core::utils::cuda_is_available() {
        let reason = "this program was built without CUDA support; build it with --features cuda";
        return Err(failed(name, reason.to_owned()));
    }
    Ok(Some(number))
}

fn failed(name: &str, reason: String) -> RunnerError {
    RunnerError::Device {
        device: name.to_owned(),
        reason,
    }
}
