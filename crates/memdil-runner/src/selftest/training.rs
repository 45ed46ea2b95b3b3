//! Compares networks and short trainings on a device with the processor.

use candle_core::{DType, Device};
use memdil_kernels::gpu::{difference, larger};
use memdil_records::{EpochRecord, RunSpec};

use crate::error::{RunnerError, override_error};
use crate::network::build::{build_for_run, build_network};
use crate::network::candle::CandleNetwork;
use crate::network::interface::Network;
use crate::network::state::NamedTensor;
use crate::prepare::Prepared;
use crate::run::training::{EpochOutcome, Training};

const MLP: &str = "{ kind = \"mlp\", depth = 3, width = 40 }";
const LAYER_NORM: &str = "{ kind = \"mlp\", depth = 3, width = 40, norm = \"layer\" }";
const RESNET: &str = "{ kind = \"resnet\", depth = 18, width = 4 }";
const VGG: &str = "{ kind = \"vgg\", depth = 11, width = 4 }";

/// Name, model in TOML, and batch size of the compared networks.
pub(crate) const NETWORKS: &[(&str, &str, usize)] = &[
    ("perceptron", MLP, 16),
    ("perceptron, batch 64", MLP, 64),
    ("perceptron, layer normalisation", LAYER_NORM, 16),
    ("ResNet-18", RESNET, 8),
    ("VGG-11", VGG, 8),
];

/// The specification of a run on two classes of the embedded images.
pub(crate) fn spec(model: &str, batch: usize, epochs: usize) -> Result<RunSpec, RunnerError> {
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
    toml::from_str(&text).map_err(|e| override_error(model, e.message()))
}

/// Compares three steps of a network on the device in f32 with candle in f64.
pub(crate) fn network(model: &str, batch: usize, device: &Device) -> Result<f64, RunnerError> {
    let spec = spec(model, batch, 1)?;
    let data = Prepared::new(&spec, &[])?;
    let shape = data.train_inputs.shape();
    let mut found = build_network(&spec, shape, 2, device)?;
    let mut expected = CandleNetwork::new(&spec, shape, 2, DType::F64, &Device::Cpu)?;
    let mut most: f64 = 0.0;
    for indices in data.train.chunks(batch).take(3) {
        let inputs = data.train_inputs.batch(indices);
        let labels = data.observed(indices);
        let found = found.step(&inputs, &labels, &spec.loss, 0.05)?;
        let expected = expected.step(&inputs, &labels, &spec.loss, 0.05)?;
        most = larger(most, difference(found.loss, expected.loss));
    }
    let after = tensors(&state(found.as_ref())?, &state(&expected)?);
    Ok(larger(most, after))
}

const MODEL: &str = "{ kind = \"mlp\", depth = 3, width = 48 }";

/// Compares the losses and test metrics of four epochs on the device and on the processor.
pub(crate) fn compared(device: &Device) -> Result<f64, RunnerError> {
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
        let values = records.iter().flat_map(of);
        Ok(values.map(|value| value.unwrap_or(f64::NAN)).collect())
    };
    let pairs = values(device)?.into_iter().zip(values(&Device::Cpu)?);
    Ok(pairs
        .map(|(found, expected)| difference(found, expected))
        .fold(0.0, larger))
}

/// Compares two identical trainings.
pub(crate) fn repeated(device: &Device) -> Result<f64, RunnerError> {
    let spec = spec(MODEL, 16, 3)?;
    let data = Prepared::new(&spec, &[])?;
    let once = || epochs(&spec, &data, device, 0..3, None).map(|(state, _)| state);
    Ok(tensors(&once()?, &once()?))
}

/// Compares a training of four epochs with one that is resumed after two.
pub(crate) fn resumed(device: &Device) -> Result<f64, RunnerError> {
    let spec = spec(MODEL, 40, 4)?;
    let data = Prepared::new(&spec, &[])?;
    let whole = epochs(&spec, &data, device, 0..4, None)?.0;
    let half = epochs(&spec, &data, device, 0..2, None)?.0;
    let resumed = epochs(&spec, &data, device, 2..4, Some(&half))?.0;
    Ok(tensors(&resumed, &whole))
}

/// Trains the epochs of `range`, starting from the state `from` if it is given. Returns the final
/// tensors of network and optimiser, and the records.
fn epochs(
    spec: &RunSpec,
    data: &Prepared,
    device: &Device,
    range: std::ops::Range<usize>,
    from: Option<&[NamedTensor]>,
) -> Result<(Vec<NamedTensor>, Vec<EpochRecord>), RunnerError> {
    let network = build_for_run(spec, data, device, None)?;
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
            EpochOutcome::Finished(epoch) => records.push(epoch.record),
            EpochOutcome::Diverged(reason) => return Err(candle_core::Error::msg(reason).into()),
        }
    }
    Ok((state(training.network.as_ref())?, records))
}

fn state(network: &dyn Network) -> Result<Vec<NamedTensor>, RunnerError> {
    Ok([network.model_state()?, network.optimizer_state()?].concat())
}

/// The largest difference between tensors with the same names.
fn tensors(found: &[NamedTensor], expected: &[NamedTensor]) -> f64 {
    if found.len() != expected.len() {
        return f64::INFINITY;
    }
    let mut most = 0.0;
    for tensor in found {
        let Some(other) = expected.iter().find(|other| other.name == tensor.name) else {
            return f64::INFINITY;
        };
        for (&a, &b) in tensor.values.iter().zip(&other.values) {
            most = larger(most, difference(a.into(), b.into()));
        }
    }
    most
}
