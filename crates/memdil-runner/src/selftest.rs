//! Whether a device computes what it should, and how fast: everything that a machine has to show before long runs.

use std::time::{Duration, Instant};

use candle_core::{DType, Device, DeviceLocation};
use memdil_kernels::gpu::{Comparison, Cuda, GpuMlp, Loss as DeviceLoss, Numbers, Pixels, Samples, Stored};
use memdil_kernels::{Activation, Architecture, Decay, KernelError, Norm, Optimizer, Step};
use memdil_losses::Loss;
use memdil_records::{EpochRecord, Provenance, RunSpec};
use ndarray::ArrayView2;
use serde::Serialize;

use crate::network::gpu::device_loss;
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
    /// What the step has to move at least, in MB: every weight read twice and written once, its momentum read and written.
    pub least_mb: f64,
    /// Time over that of the least bytes at the speed of the memory; missing for the processor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub over_roof: Option<f64>,
}

/// Kernels in f32 against f64.
const KERNELS: f64 = 5e-4;
/// A few steps in f32 against f64, every layer normalised.
const NETWORKS: f64 = 2e-3;
/// A short training against the processor's: rounding grows from step to step.
const TRAINING: f64 = 5e-2;
/// Time for the steps of a timing.
const TIMED: Duration = Duration::from_millis(700);

/// Checks a device against f64 on the processor, a short training on the embedded images against the processor's, that
/// a training can be repeated and resumed bit for bit, and times training steps. `on_check` hears what is next.
///
/// # Errors
///
/// [`RunnerError::Device`] when the device cannot be opened. What fails after that is in the result.
pub fn selftest(device: &str, mut on_check: impl FnMut(&str)) -> Result<SelfTest, RunnerError> {
    let opened = open_device(device)?;
    let mut checks = Vec::new();
    let mut check = |name: &str, limit: f64, found: &mut dyn FnMut() -> Result<f64, RunnerError>| {
        on_check(name);
        let (deviation, error) = match found() {
            Ok(deviation) => (Some(deviation), None),
            Err(error) => (None, Some(error.to_string())),
        };
        let passed = deviation.is_some_and(|deviation| deviation <= limit);
        let deviation = deviation.filter(|deviation| deviation.is_finite());
        checks.push(Check { name: name.to_owned(), passed, deviation, limit, error });
    };
    if let DeviceLocation::Cuda { gpu_id } = opened.location() {
        let cuda = Cuda::open(gpu_id)?;
        for (name, comparison) in kernels() {
            check(&format!("kernels: {name}"), KERNELS, &mut || compare(&comparison, &cuda));
        }
    }
    for (name, model, batch) in NETWORKS_TO_CHECK {
        check(&format!("network: {name}"), NETWORKS, &mut || network(model, *batch, &opened));
    }
    check("training: against the processor", TRAINING, &mut || training(&opened));
    check("training: repeated", 0.0, &mut || repeated(&opened));
    check("training: resumed", 0.0, &mut || resumed(&opened));
    on_check("timings");
    let (card, timings) = timings(&opened)?;
    let passed = checks.iter().all(|check| check.passed);
    Ok(SelfTest { device: device.to_owned(), card, provenance: provenance(device), passed, checks, timings })
}

/// A step to compare, with what it is.
struct Case {
    architecture: Architecture,
    optimizer: Optimizer,
    step: Step,
    loss: Loss,
    batches: Vec<usize>,
    seed: u64,
}

/// Shapes below, at and above the sizes that the kernels are cut at; every optimiser, loss and part of a network.
fn kernels() -> Vec<(String, Case)> {
    let base = Architecture {
        inputs: 130,
        depth: 3,
        width: 66,
        features: 3,
        classes: 5,
        norm: Norm::Batch,
        activation: Activation::Relu,
        fixed_classifier: false,
    };
    let sgd = Optimizer::Sgd { momentum: 0.9, nesterov: false };
    let coupled = Step {
        learning_rate: 0.05,
        decay: Decay::Coupled(5e-3),
        classifier_decay: Decay::Coupled(2e-3),
        feature_decay: 0.05,
    };
    let decoupled = Step { decay: Decay::Decoupled(0.05), classifier_decay: Decay::Decoupled(0.01), ..coupled };
    let narrow = vec![16, 3, 32, 17];
    let case = |architecture| Case {
        architecture,
        optimizer: sgd,
        step: coupled,
        loss: Loss::CrossEntropy {},
        batches: narrow.clone(),
        seed: 1,
    };
    let mut cases = Vec::new();
    let mut numbers = Numbers(7);
    for _ in 0..12 {
        let [inputs, width] = [1, 1].map(|_| 1 + numbers.below(300));
        let (depth, features, classes) = (1 + numbers.below(4), 1 + numbers.below(70), 2 + numbers.below(11));
        let architecture = Architecture { inputs, depth, width, features, classes, ..base };
        // Fewer samples are normalised by small differences: f32 on the processor is no nearer to f64 then.
        let batches = (0..4).map(|_| 8 + numbers.below(72)).collect::<Vec<_>>();
        let name = format!("{inputs}-{width}x{depth}-{features}-{classes}, batches {batches:?}");
        cases.push((name, Case { batches, ..case(architecture) }));
    }
    let wide = Architecture { inputs: 3072, width: 2048, features: 2, classes: 2, ..base };
    cases.push(("3072-2048x3-2-2".to_owned(), Case { batches: vec![16, 16, 128], ..case(wide) }));
    let adam = Optimizer::Adam { beta1: 0.9, beta2: 0.99, epsilon: 1e-3 };
    let nesterov = Optimizer::Sgd { momentum: 0.8, nesterov: true };
    for (name, optimizer) in
        [("plain", Optimizer::Sgd { momentum: 0.0, nesterov: false }), ("Nesterov", nesterov), ("Adam", adam)]
    {
        for (kind, step) in [("coupled", coupled), ("decoupled", decoupled)] {
            let batches = vec![16, 40, 9];
            cases.push((format!("{name}, decay {kind}"), Case { optimizer, step, batches, ..case(base) }));
        }
    }
    let transition: Vec<Vec<f64>> = (0..5).map(|i| (0..5).map(|j| if i == j { 0.8 } else { 0.05 }).collect()).collect();
    for loss in [
        Loss::LabelSmoothing { alpha: 0.2 },
        Loss::LabelRelaxation { alpha: 0.3 },
        Loss::Mse {},
        Loss::Focal { gamma: 2.0 },
        Loss::GeneralizedCrossEntropy { q: 0.7 },
        Loss::SymmetricCrossEntropy { alpha: 0.5, beta: 0.2 },
        Loss::ForwardCorrection { transition },
    ] {
        cases.push((loss.label(), Case { loss, batches: vec![16, 40], ..case(base) }));
    }
    for norm in [Norm::Batch, Norm::None] {
        for fixed_classifier in [false, true] {
            let features = 7;
            let parts = Architecture { norm, activation: Activation::Sigmoid, fixed_classifier, features, ..base };
            let name = format!("sigmoid, norm {norm:?}, fixed classifier {fixed_classifier}");
            cases.push((name, Case { batches: vec![16, 40], ..case(parts) }));
        }
    }
    cases
}

fn compare(case: &Case, cuda: &Cuda) -> Result<f64, RunnerError> {
    let reference = |logits: &[f64], labels: &[u32]| {
        let rows = ArrayView2::from_shape((labels.len(), case.architecture.classes), logits);
        let found = rows.ok().and_then(|rows| case.loss.value_and_gradient(rows, labels).ok());
        found.map_or((f64::NAN, vec![f64::NAN; logits.len()]), |(value, gradient)| {
            (value, gradient.into_iter().collect())
        })
    };
    let Case { architecture, optimizer, step, ref batches, seed, .. } = *case;
    let loss = device_loss(&case.loss);
    let comparison = Comparison { architecture, optimizer, step, loss: (&loss, &reference), batches, seed };
    Ok(comparison.run(cuda.clone())?.most())
}

/// Name, model in TOML, batch.
const NETWORKS_TO_CHECK: &[(&str, &str, usize)] = &[
    ("perceptron", "{ kind = \"mlp\", depth = 3, width = 40 }", 16),
    ("perceptron, batch 64", "{ kind = \"mlp\", depth = 3, width = 40 }", 64),
    ("perceptron, layer normalisation", "{ kind = \"mlp\", depth = 3, width = 40, norm = \"layer\" }", 16),
    ("ResNet-18", "{ kind = \"resnet\", depth = 18, width = 4 }", 8),
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
    toml::from_str(&text)
        .map_err(|e| RunnerError::Override { setting: model.to_owned(), reason: e.message().to_owned() })
}

/// Three steps of a network on the device in f32 and on candle in f64.
fn network(model: &str, batch: usize, device: &Device) -> Result<f64, RunnerError> {
    let spec = spec(model, batch, 1)?;
    let data = Prepared::new(&spec, None)?;
    let shape = data.train_inputs.shape();
    let mut found = Network::new(&spec, shape, 2, device)?;
    let mut expected = Network::Candle(CandleNetwork::new(&spec, shape, 2, DType::F64, &Device::Cpu)?);
    let mut most: f64 = 0.0;
    for indices in data.train.chunks(batch).take(3) {
        let inputs = data.train_inputs.batch(indices);
        let labels: Vec<u32> = indices.iter().map(|&i| data.labels.observed[i]).collect();
        let losses = [&mut found, &mut expected].map(|network| network.step(&inputs, &labels, &spec.loss, 0.05));
        let [found, expected] = losses;
        most = larger(most, difference(found?, expected?));
    }
    Ok(larger(most, tensors(&state(&found)?, &state(&expected)?)))
}

const MODEL: &str = "{ kind = \"mlp\", depth = 3, width = 48 }";

/// Four epochs on the device and on the processor: losses and what is measured on unseen images.
fn training(device: &Device) -> Result<f64, RunnerError> {
    let spec = spec(MODEL, 16, 4)?;
    let data = Prepared::new(&spec, None)?;
    let values = |device: &Device| -> Result<Vec<f64>, RunnerError> {
        let (_, records) = epochs(&spec, &data, device, 0..4, None)?;
        let of = |record: &EpochRecord| {
            let test = record.test.as_ref();
            [Some(record.loss), test.map(|t| t.accuracy), test.and_then(|t| t.rho)]
        };
        Ok(records.iter().flat_map(of).map(|value| value.unwrap_or(f64::NAN)).collect())
    };
    let pairs = values(device)?.into_iter().zip(values(&Device::Cpu)?);
    Ok(pairs.map(|(found, expected)| difference(found, expected)).fold(0.0, larger))
}

/// The same training twice.
fn repeated(device: &Device) -> Result<f64, RunnerError> {
    let spec = spec(MODEL, 16, 3)?;
    let data = Prepared::new(&spec, None)?;
    let once = || epochs(&spec, &data, device, 0..3, None).map(|(state, _)| state);
    Ok(tensors(&once()?, &once()?))
}

/// A training that goes on from what another has left after two of its four epochs.
fn resumed(device: &Device) -> Result<f64, RunnerError> {
    let spec = spec("{ kind = \"mlp\", depth = 3, width = 48 }", 40, 4)?;
    let data = Prepared::new(&spec, None)?;
    let whole = epochs(&spec, &data, device, 0..4, None)?.0;
    let half = epochs(&spec, &data, device, 0..2, None)?.0;
    Ok(tensors(&epochs(&spec, &data, device, 2..4, Some(&half))?.0, &whole))
}

/// Epochs of a training, the first of them from what is given; the network's and the optimiser's tensors at the end.
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
        let (model, optimizer): (Vec<_>, Vec<_>) =
            state.iter().cloned().partition(|tensor| !tensor.name.starts_with("momentum."));
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
        Some(pairs.map(|(&a, &b)| difference(a.into(), b.into())).fold(0.0, larger))
    };
    if found.len() != expected.len() {
        return f64::INFINITY;
    }
    found.iter().map(|tensor| of(tensor).unwrap_or(f64::INFINITY)).fold(0.0, larger)
}

fn difference(found: f64, expected: f64) -> f64 {
    (found - expected).abs() / (1.0 + expected.abs())
}

/// The larger one, where not a number is larger than all.
fn larger(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::INFINITY } else { a.max(b) }
}

/// Steps of the paper's network and of smaller ones, with what the memory gives on a GPU.
fn timings(device: &Device) -> Result<(Option<Card>, Vec<Timing>), RunnerError> {
    let sizes = [(9, 2048, 16), (4, 512, 128), (4, 64, 16)];
    let DeviceLocation::Cuda { gpu_id } = device.location() else {
        let timed = sizes.iter().map(|&(depth, width, batch)| {
            let model = format!("{{ kind = \"mlp\", depth = {depth}, width = {width} }}");
            let spec = spec(&model, batch, 1)?;
            let data = Prepared::new(&spec, None)?;
            let mut network = Network::new(&spec, data.train_inputs.shape(), 2, device)?;
            let indices = &data.train[..batch];
            let inputs = data.train_inputs.batch(indices);
            let labels: Vec<u32> = indices.iter().map(|&i| data.labels.observed[i]).collect();
            let seconds = timed(|| network.step(&inputs, &labels, &spec.loss, 0.0).map(|_| ()), || Ok(()))?;
            Ok(timing((depth, width, batch), network.parameter_count(), seconds, None))
        });
        return Ok((None, timed.collect::<Result<_, RunnerError>>()?));
    };
    let cuda = Cuda::open(gpu_id)?;
    let (mut found, mut memory) = (Vec::new(), 0.0);
    for (depth, width, batch) in sizes {
        let (mut network, samples) = on_gpu(&cuda, (depth, width, batch))?;
        if depth == 9 {
            let seconds = timed(|| Ok(network.queue_update()?), || Ok(cuda.wait()?))?;
            // Parameters and momentum read and written, gradients read.
            memory = 20.0 * parameters((depth, width)) as f64 / seconds;
        }
        let order: Vec<u32> = (0..samples.len() as u32).collect();
        let step = Step {
            learning_rate: 0.0,
            decay: Decay::Coupled(0.0),
            classifier_decay: Decay::Coupled(0.0),
            feature_decay: 0.0,
        };
        let mut left = 0;
        let seconds = timed(
            || {
                if left < batch {
                    network.begin(&order, (0, 0.0), &DeviceLoss::Smoothed { alpha: 0.0 }, &step)?;
                    left = order.len();
                }
                left -= batch;
                Ok(network.step(&samples, batch)?)
            },
            || Ok(cuda.wait()?),
        )?;
        found.push(timing((depth, width, batch), parameters((depth, width)), seconds, Some(memory)));
    }
    let card = cuda.card()?;
    let card = Card {
        name: card.name,
        capability: format!("{}.{}", card.capability.0, card.capability.1),
        memory_gib: card.memory as f64 / f64::from(1 << 30),
        driver: card.driver,
        processors: card.processors,
        memory_gb_s: memory / 1e9,
    };
    Ok((Some(card), found))
}

/// Values of a sample of the timed networks.
const INPUTS: usize = 3072;

fn parameters((depth, width): (usize, usize)) -> usize {
    INPUTS * width + (depth - 2) * width * width + 3 * (depth - 1) * width + 2 * width + 3 * 2 + 2 * 2 + 2
}

/// The paper's network and random bytes on a GPU.
fn on_gpu(
    cuda: &Cuda,
    (depth, width, batch): (usize, usize, usize),
) -> Result<(GpuMlp<Cuda>, Samples<Cuda>), KernelError> {
    let architecture = Architecture {
        inputs: INPUTS,
        depth,
        width,
        features: 2,
        classes: 2,
        norm: Norm::Batch,
        activation: Activation::Relu,
        fixed_classifier: false,
    };
    let optimizer = Optimizer::Sgd { momentum: 0.9, nesterov: false };
    let mut network = GpuMlp::new(cuda.clone(), architecture, optimizer, batch.max(64))?;
    let mut numbers = Numbers(3);
    for tensor in network.tensors().iter().filter(|tensor| tensor.shape.len() == 2) {
        let scale = (tensor.shape[0] as f32).sqrt().recip();
        let values: Vec<f32> = numbers.values(tensor.shape.iter().product()).iter().map(|v| scale * v).collect();
        network.set(&tensor.name, &values)?;
    }
    let count = 256 * batch.max(16);
    let bytes: Vec<u8> = (0..count * INPUTS / 3).map(|_| numbers.below(256) as u8).collect();
    let labels: Vec<u32> = (0..count as u32).map(|i| i % 2).collect();
    let (pixels, constants) = (Pixels::Bytes(&bytes), [(1.0 / 128.0, -1.0)]);
    let stored = Stored { pixels, plane: INPUTS / 3, constants: &constants, copies: 3, labels: &labels };
    let samples = Samples::new(cuda, &stored)?;
    Ok((network, samples))
}

fn timing(
    (depth, width, batch): (usize, usize, usize),
    parameters: usize,
    seconds: f64,
    memory: Option<f64>,
) -> Timing {
    let least = 20.0 * parameters as f64;
    Timing {
        name: format!("depth {depth}, width {width}, batch {batch}"),
        milliseconds: 1e3 * seconds,
        least_mb: least / 1e6,
        over_roof: memory.map(|memory| seconds * memory / least),
    }
}

/// Mean seconds of a call, over as many as fit the time, after some that are not counted.
fn timed(
    mut call: impl FnMut() -> Result<(), RunnerError>,
    wait: impl Fn() -> Result<(), RunnerError>,
) -> Result<f64, RunnerError> {
    (0..3).try_for_each(|_| call())?;
    wait()?;
    let began = Instant::now();
    let mut calls = 0;
    while calls < 5 || began.elapsed() < TIMED {
        for _ in 0..5 {
            call()?;
        }
        calls += 5;
        // No queue longer than a moment.
        if calls % 100 == 0 {
            wait()?;
        }
    }
    wait()?;
    Ok(began.elapsed().as_secs_f64() / f64::from(calls))
}
