//! Runs the checks of a device, then its timings.

use candle_core::DeviceLocation;
use memdil_kernels::gpu::Cuda;

use super::report::{Card, Check, SelfTest};
use super::{kernels, timings, training};
use crate::device::open_device;
use crate::error::RunnerError;
use crate::run::provenance::provenance;

/// Tolerance for kernels in f32 against f64.
const KERNEL_LIMIT: f64 = 2e-5;
/// Tolerance for metrics on the device against those on the processor.
const COLLAPSE_LIMIT: f64 = 1e-5;
/// Tolerance for a few steps in f32 against f64, with normalisation in every layer.
const NETWORK_LIMIT: f64 = 2e-3;
/// Tolerance for a short training against the processor's; rounding errors grow with every step.
const TRAINING_LIMIT: f64 = 5e-2;

/// Checks and times a device. The checks compare the kernels with f64 on the processor and a short
/// training on the embedded images with the processor's, and verify that a training can be repeated
/// and resumed bit for bit. `on_check` is called with the name of each check before it starts.
///
/// # Errors
///
/// [`RunnerError::Device`] if the device cannot be opened. Later failures are part of the result.
pub fn selftest(device: &str, mut on_check: impl FnMut(&str)) -> Result<SelfTest, RunnerError> {
    let opened = open_device(device)?;
    let mut checks = Checks {
        on_check: &mut on_check,
        results: Vec::new(),
    };
    let cuda = match opened.location() {
        DeviceLocation::Cuda { gpu_id } => Some(Cuda::open(gpu_id)),
        _ => None,
    };
    match &cuda {
        Some(Ok(cuda)) => check_kernels(&mut checks, cuda),
        Some(Err(error)) => checks.run("kernels: compiled", 0.0, || Err(error.clone().into())),
        None => {}
    }
    for (name, model, batch) in training::NETWORKS {
        checks.run(&format!("network: {name}"), NETWORK_LIMIT, || {
            training::network(model, *batch, &opened)
        });
    }
    if cuda.is_some() {
        checks.run("training: against the processor", TRAINING_LIMIT, || {
            training::compared(&opened)
        });
    }
    checks.run("training: repeated", 0.0, || training::repeated(&opened));
    checks.run("training: resumed", 0.0, || training::resumed(&opened));
    let mut timings = Vec::new();
    let mut card = None;
    checks.run("timings", 0.0, || {
        match &cuda {
            Some(Ok(cuda)) => {
                let described = card.insert(Card::of(&cuda.card()?));
                (described.memory_gb_s, timings) = timings::on_gpu(cuda)?;
            }
            Some(Err(error)) => return Err(error.clone().into()),
            None => timings = timings::on_processor()?,
        }
        Ok(0.0)
    });
    let checks = checks.results;
    let passed = checks.iter().all(|check| check.passed);
    Ok(SelfTest {
        device: device.to_owned(),
        card,
        provenance: provenance(device),
        passed,
        checks,
        timings,
    })
}

/// Compares the kernels and the collapse metrics on a GPU with the processor.
fn check_kernels(checks: &mut Checks<'_>, cuda: &Cuda) {
    for (name, comparison) in kernels::cases() {
        checks.run(&format!("kernels: {name}"), KERNEL_LIMIT, || {
            kernels::compare(&comparison, cuda)
        });
    }
    for (samples, features, classes) in [(5000, 64, 5), (3001, 7, 2), (20_000, 512, 10)] {
        let name = format!("collapse: {samples} samples of {features} features, {classes} classes");
        checks.run(&name, COLLAPSE_LIMIT, || {
            kernels::collapse(cuda, (samples, features, classes))
        });
    }
}

/// Runs checks and collects their results.
struct Checks<'a> {
    on_check: &'a mut dyn FnMut(&str),
    results: Vec<Check>,
}

impl Checks<'_> {
    /// Runs a check: the deviation that `find` returns must be at most `limit`.
    fn run(&mut self, name: &str, limit: f64, find: impl FnOnce() -> Result<f64, RunnerError>) {
        (self.on_check)(name);
        let (deviation, error) = match find() {
            Ok(deviation) => (Some(deviation), None),
            Err(error) => (None, Some(error.to_string())),
        };
        let passed = deviation.is_some_and(|deviation| deviation <= limit);
        let deviation = deviation.filter(|deviation| deviation.is_finite());
        self.results.push(Check {
            name: name.to_owned(),
            passed,
            deviation,
            limit,
            error,
        });
    }
}
