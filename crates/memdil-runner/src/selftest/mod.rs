//! Whether a device computes what it should, and how fast: everything that a machine has to show
//! before long runs.

mod kernels;
mod timings;

use candle_core::{DType, Device, DeviceLocation};
use memdil_kernels::gpu::{Cuda, difference, larger};
use memdil_records::{EpochRecord, Provenance, RunSpec};
use serde::Serialize;

use crate::training::Training;
use crate::{CandleNetwork, NamedTensor, Network, Prepared, RunnerError, open_device, provenance};

/// What [`selftest`] found.
#[derive(Clone, Debug, Serialize)]
pub struct SelfTest {
    /// `cpu` or `cuda:N`.
    pub device: String,
    /// What the GPU is; missing for the processor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub card: Option<Card>,
    /// Program and machine.
    pub provenance: Provenance,
    /// Whether all checks passed.
    pub passed: bool,
    /// What was checked.
    pub checks: Vec<Check>,
    /// What was timed.
    pub timings: Vec<Timing>,
}

/// A GPU.
#[derive(Clone, Debug, Serialize)]
pub struct Card {
    /// Its name.
    pub name: String,
    /// Compute capability.
    pub capability: String,
    /// Memory in GiB.
    pub memory_gib: f64,
    /// The newest CUDA that its driver knows.
    pub driver: String,
    /// Processors that run blocks side by side.
    pub processors: u32,
    /// What its memory gives to the update of all parameters, in GB/s: the roof of a step.
    pub memory_gb_s: f64,
}

impl Card {
    fn of(card: &memdil_kernels::gpu::Card) -> Self {
        Self {
            name: card.name.clone(),
            capability: format!("{}.{}", card.capability.0, card.capability.1),
            memory_gib: card.memory as f64 / f64::from(1 << 30),
            driver: card.driver.clone(),
            processors: card.processors,
            memory_gb_s: 0.0,
        }
    }
}

/// Something that was computed in two ways.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    /// What.
    pub name: String,
    /// Whether the deviation is within the limit.
    pub passed: bool,
    /// The largest deviation, |found - expected| / (1 + |expected|); missing where it failed.
    pub deviation: Option<f64>,
    /// How large it may be.
    pub limit: f64,
    /// Why it could not be computed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// How long something takes.
#[derive(Clone, Debug, Serialize)]
pub struct Timing {
    /// A training step of a multilayer perceptron, by its depth, width and batch.
    pub name: String,
    /// Mean milliseconds.
    pub milliseconds: f64,
    /// What the step has to move at least, in MB: every weight read twice and written once, its
    /// momentum read and written.
    pub least_mb: f64,
    /// Time over that of the least bytes at the speed of the memory; missing for the processor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub over_roof: Option<f64>,
}

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
/// steps. `on_check` hears what is next.
///
/// # Errors
///
/// [`RunnerError::Device`] when the device cannot be opened. What fails after that is in the
/// result.
pub fn selftest(device: &str, mut on_check: impl FnMut(&str)) -> Result<SelfTest, RunnerError> {
    let opened = open_device(device)?;
    let mut checks = Vec::new();
    let mut check =
        |name: &str, limit: f64, found: &mut dyn FnMut() -> Result<f64, RunnerError>| {
            on_check(name);
            let (deviation, error) = match found() {
                Ok(deviation) => (Some(deviation), None),
                Err(error) => (None, Some(error.to_string())),
            };
            let passed = deviation.is_some_and(|deviation| deviation <= limit);
            let deviation = deviation.filter(|deviation| deviation.is_finite());
            checks.push(Check {
                name: name.to_owned(),
                passed,
                deviation,
                limit,
                error,
            });
        };
    let cuda = match opened.location() {
        DeviceLocation::Cuda { gpu_id } => Some(Cuda::open(gpu_id)),
        _ => None,
    };
    match &cuda {
        Some(Ok(cuda)) => {
            for (name, comparison) in kernels::kernels() {
                check(&format!("kernels: {name}"), KERNELS, &mut || {
                    kernels::compare(&comparison, cuda)
                });
            }
            for (samples, features, classes) in [(5000, 64, 5), (3001, 7, 2), (20_000, 512, 10)] {
                let name = format!(
                    "collapse: {samples} samples of {features} features, {classes} classes"
                );
                check(&name, COLLAPSE, &mut || {
                    kernels::collapse(cuda, (samples, features, classes))
                });
            }
        }
        Some(Err(error)) => check("kernels: compiled", 0.0, &mut || Err(error.clone().into())),
        None => {}
    }
    for (name, model, batch) in NETWORKS_TO_CHECK {
        check(&format!("network: {name}"), NETWORKS, &mut || {
            network(model, *batch, &opened)
        });
    }
    if cuda.is_some() {
        check("training: against the processor", TRAINING, &mut || {
            training(&opened)
        });
    }
    check("training: repeated", 0.0, &mut || repeated(&opened));
    check("training: resumed", 0.0, &mut || resumed(&opened));
    let mut timings = Vec::new();
    let mut card = None;
    check("timings", 0.0, &mut || {
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

/// Name, model in TOML, batch.
const NETWORKS_TO_CHECK: &[(&str, &str, usize)] = &[
    (
        "perceptron",
        "{ kind = \"mlp\", depth = 3, width = 40 }",
        16,
    ),
    (
        "perceptron, batch 64",
        "{ kind = \"mlp\", depth = 3, width = 40 }",
        64,
    ),
    (
        "perceptron, layer normalisation",
        "{ kind = \"mlp\", depth = 3, width = 40, norm = \"layer\" }",
        16,
    ),
    (
        "ResNet-18",
        "{ kind = \"resnet\", depth = 18, width = 4 }",
        8,
    ),
    ("VGG-11", "{ kind = \"vgg\", depth = 11, width = 4 }", 8),
];

/// A run of two classes of the embedded images.
fn spec(model: &str, batch: usize, epochs: usize) -> Result<RunSpec, RunnerError> {
    let text = format!(
        r#"
        experiment = "selftest"
        seed = 1
        loss = {{ kind = "label_smoothing", alpha = 0.1 }}
        data = {{ source = "fashion-mnist-embedded", classes = [0, 1], input = "authors", validation = 0.0, images_per_class = 150 }}
        noise = {{ kind = "uniform", eta = 0.2 }}
        model = {model}
        optimizer = {{ kind = "sgd", learning_rate = 0.05, momentum = 0.9, weight_decay = 1e-3 }}
        schedule = {{ kind = "step", patience = 10, gamma = 0.1 }}
        training = {{ epochs = {epochs}, batch_size = {batch}, evaluate_every = 1 }}
        "#
    );
    toml::from_str(&text).map_err(|e| RunnerError::Override {
        setting: model.to_owned(),
        reason: e.message().to_owned(),
    })
}

/// Three steps of a network on the device in f32 and on candle in f64.
fn network(model: &str, batch: usize, device: &Device) -> Result<f64, RunnerError> {
    let spec = spec(model, batch, 1)?;
    let data = Prepared::new(&spec, &[])?;
    let shape = data.train_inputs.shape();
    let mut found = Network::new(&spec, shape, 2, device)?;
    let mut expected = Network::Candle(CandleNetwork::new(
        &spec,
        shape,
        2,
        DType::F64,
        &Device::Cpu,
    )?);
    let mut most: f64 = 0.0;
    for indices in data.train.chunks(batch).take(3) {
        let inputs = data.train_inputs.batch(indices);
        let labels: Vec<u32> = indices.iter().map(|&i| data.labels.observed()[i]).collect();
        let losses = [&mut found, &mut expected]
            .map(|network| network.step(&inputs, &labels, &spec.loss, 0.05));
        let [found, expected] = losses;
        most = larger(most, difference(found?, expected?));
    }
    Ok(larger(most, tensors(&state(&found)?, &state(&expected)?)))
}

const MODEL: &str = "{ kind = \"mlp\", depth = 3, width = 48 }";

/// Four epochs on the device and on the processor: losses and what is measured on unseen images.
fn training(device: &Device) -> Result<f64, RunnerError> {
    let spec = spec(MODEL, 16, 4)?;
    let data = Prepared::new(&spec, &[])?;
    let values = |device: &Device| -> Result<Vec<f64>, RunnerError> {
        let (_, records) = epochs(&spec, &data, device, 0..4, None)?;
        let of = |record: &EpochRecord| {
            let test = record.test.as_ref();
            [
                Some(record.loss),
                test.map(|t| t.accuracy),
                test.and_then(|t| t.rho),
            ]
        };
        Ok(records
            .iter()
            .flat_map(of)
            .map(|value| value.unwrap_or(f64::NAN))
            .collect())
    };
    let pairs = values(device)?.into_iter().zip(values(&Device::Cpu)?);
    Ok(pairs
        .map(|(found, expected)| difference(found, expected))
        .fold(0.0, larger))
}

/// The same training twice.
fn repeated(device: &Device) -> Result<f64, RunnerError> {
    let spec = spec(MODEL, 16, 3)?;
    let data = Prepared::new(&spec, &[])?;
    let once = || epochs(&spec, &data, device, 0..3, None).map(|(state, _)| state);
    Ok(tensors(&once()?, &once()?))
}

/// A training that goes on from what another has left after two of its four epochs.
fn resumed(device: &Device) -> Result<f64, RunnerError> {
    let spec = spec("{ kind = \"mlp\", depth = 3, width = 48 }", 40, 4)?;
    let data = Prepared::new(&spec, &[])?;
    let whole = epochs(&spec, &data, device, 0..4, None)?.0;
    let half = epochs(&spec, &data, device, 0..2, None)?.0;
    Ok(tensors(
        &epochs(&spec, &data, device, 2..4, Some(&half))?.0,
        &whole,
    ))
}

/// Epochs of a training, the first of them from what is given; the network's and the optimiser's
/// tensors at the end.
fn epochs(
    spec: &RunSpec,
    data: &Prepared,
    device: &Device,
    range: std::ops::Range<usize>,
    from: Option<&[NamedTensor]>,
) -> Result<(Vec<NamedTensor>, Vec<EpochRecord>), RunnerError> {
    let network = Network::build(spec, data.train_inputs.shape(), device, None)?;
    let mut training = Training::new(spec, data, network);
    if let Some(state) = from {
        let (model, optimizer): (Vec<_>, Vec<_>) = state
            .iter()
            .cloned()
            .partition(|tensor| !tensor.name.starts_with("momentum."));
        training.network.load_model_state(&model)?;
        training.network.load_optimizer_state(&optimizer)?;
        training.skip(range.start);
    }
    let mut records = Vec::new();
    for _ in range {
        match training.epoch(|_| Ok(()))? {
            Ok((record, _)) => records.push(record),
            Err(reason) => return Err(candle_core::Error::msg(reason).into()),
        }
    }
    Ok((state(&training.network)?, records))
}

fn state(network: &Network) -> Result<Vec<NamedTensor>, RunnerError> {
    Ok([network.model_state()?, network.optimizer_state()?].concat())
}

/// The largest difference of tensors with the same names.
fn tensors(found: &[NamedTensor], expected: &[NamedTensor]) -> f64 {
    let of = |tensor: &NamedTensor| {
        let other = expected.iter().find(|other| other.name == tensor.name)?;
        let pairs = tensor.values.iter().zip(&other.values);
        Some(
            pairs
                .map(|(&a, &b)| difference(a.into(), b.into()))
                .fold(0.0, larger),
        )
    };
    if found.len() != expected.len() {
        return f64::INFINITY;
    }
    found
        .iter()
        .map(|tensor| of(tensor).unwrap_or(f64::INFINITY))
        .fold(0.0, larger)
}
