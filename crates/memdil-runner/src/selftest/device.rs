//! All checks of a device, then its timings.

use candle_core::DeviceLocation;
use memdil_kernels::gpu::Cuda;

use super::report::{Card, Check, SelfTest};
use super::{kernels, timings, training};
use crate::device::open_device;
use crate::error::RunnerError;
use crate::run::provenance::provenance;

/// Kernels in f32 against f64.
const KERNELS: f64 = 2e-5;
/// Metrics on the device against those of the processor.
const COLLAPSE: f64 = 1e-5;
/// A few steps in f32 against f64, every layer normalised.
const NETWORKS: f64 = 2e-3;
/// A short training against the processor's: rounding grows from step to step.
const TRAINING: f64 = 5e-2;

/// Checks a device against f64 on the processor, a short training on the embedded images against
/// the processor's, that a training can be repeated and resumed bit for bit, and times training
/// steps. `on_check` gets the name of each check before it begins.
///
/// # Errors
///
/// [`RunnerError::Device`] when the device cannot be opened. What fails after that is in the
/// result.
pub fn selftest(device: &str, mut on_check: impl FnMut(&str)) -> Result<SelfTest, RunnerError> {
    let opened = open_device(device)?;
    let mut checks = Checks {
        on_check: &mut on_check,
        made: Vec::new(),
    };
    let cuda = match opened.location() {
        DeviceLocation::Cuda { gpu_id } => Some(Cuda::open(gpu_id)),
        _ => None,
    };
    match &cuda {
        Some(Ok(cuda)) => check_kernels(&mut checks, cuda),
        Some(Err(error)) => checks.make("kernels: compiled", 0.0, || Err(error.clone().into())),
        None => {}
    }
    for (name, model, batch) in training::NETWORKS {
        checks.make(&format!("network: {name}"), NETWORKS, || {
            training::network(model, *batch, &opened)
        });
    }
    if cuda.is_some() {
        checks.make("training: against the processor", TRAINING, || {
            training::compared(&opened)
        });
    }
    checks.make("training: repeated", 0.0, || training::repeated(&opened));
    checks.make("training: resumed", 0.0, || training::resumed(&opened));
    let mut timings = Vec::new();
    let mut card = None;
    checks.make("timings", 0.0, || {
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
    let checks = checks.made;
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

/// The kernels and the collapse metrics on a GPU, against the processor.
fn check_kernels(checks: &mut Checks<'_>, cuda: &Cuda) {
    for (name, comparison) in kernels::cases() {
        checks.make(&format!("kernels: {name}"), KERNELS, || {
            kernels::compare(&comparison, cuda)
        });
    }
    for (samples, features, classes) in [(5000, 64, 5), (3001, 7, 2), (20_000, 512, 10)] {
        let name = format!("collapse: {samples} samples of {features} features, {classes} classes");
        checks.make(&name, COLLAPSE, || {
            kernels::collapse(cuda, (samples, features, classes))
        });
    }
}

/// The checks made so far.
struct Checks<'a> {
    on_check: &'a mut dyn FnMut(&str),
    made: Vec<Check>,
}

impl Checks<'_> {
    /// Makes a check: the deviation that `find` gives must be at most `limit`.
    fn make(&mut self, name: &str, limit: f64, find: impl FnOnce() -> Result<f64, RunnerError>) {
        (self.on_check)(name);
        let (deviation, error) = match find() {
            Ok(deviation) => (Some(deviation), None),
            Err(error) => (None, Some(error.to_string())),
        };
        let passed = deviation.is_some_and(|deviation| deviation <= limit);
        let deviation = deviation.filter(|deviation| deviation.is_finite());
        self.made.push(Check {
            name: name.to_owned(),
            passed,
            deviation,
            limit,
            error,
        });
    }
}
