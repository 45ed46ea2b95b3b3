//! Trainings with the GPU network, whose kernels run on the processor in an emulator.

#[allow(unsafe_code, dead_code, unreachable_pub)]
#[path = "../../../../memdil-kernels/tests/it/gpu/emulator.rs"]
mod emulator;

use candle_core::Device;
use emulator::Emulator;
use memdil_records::{EpochRecord, SampleScores};

use super::*;
use crate::network::build::build_network;
use crate::run::training::{EpochOutcome, Training};

const CONFIG: &str = r#"
    experiment = "gpu"
    seed = 3
    loss = { kind = "label_smoothing", alpha = 0.1 }
    data = { source = "fashion-mnist-embedded", classes = [0, 1], input = "native", validation = 0.2, images_per_class = 30 }
    noise = { kind = "uniform", eta = 0.2 }
    model = { kind = "mlp", depth = 2, width = 10 }
    optimizer = { kind = "adam", learning_rate = 0.01, weight_decay = 1e-3 }
    schedule = { kind = "step", patience = 1, gamma = 0.5 }
    training = { epochs = 3, batch_size = 13, evaluate_every = 1 }
"#;

fn scene(config: &str) -> (RunSpec, Prepared) {
    let spec: RunSpec = toml::from_str(config).expect("a run");
    let data = Prepared::new(&spec, &[]).expect("embedded images");
    (spec, data)
}

fn emulated(spec: &RunSpec, data: &Prepared) -> Box<dyn Network> {
    let inputs = data.train_inputs.values_per_sample();
    let network = GpuNetwork::new(spec, inputs, 2, Emulator::default());
    Box::new(network.expect("a network"))
}

/// Trains an epoch and returns its record.
fn finished(training: &mut Training<'_>) -> EpochRecord {
    match training.epoch(|_| Ok(())).expect("an epoch") {
        EpochOutcome::Finished(epoch) => epoch.record,
        EpochOutcome::Diverged(reason) => panic!("diverged: {reason}"),
    }
}

/// The scores of the samples after three epochs.
fn scores(training: &Training<'_>, data: &Prepared) -> SampleScores {
    let position = training.position().expect("no failure");
    let scores = position.expect("a training that did not diverge").scores;
    scores.of(&data.train, 3, &data.labels)
}

/// Compares the loop of epochs with that of the processor. The batches come from the device's copy
/// of the data.
#[test]
fn epochs_agree_with_the_processor() {
    let (spec, data) = scene(CONFIG);
    let cpu = build_network(&spec, data.train_inputs.shape(), 2, &Device::Cpu).expect("a network");
    let mut ours = Training::new(&spec, &data, emulated(&spec, &data));
    let mut theirs = Training::new(&spec, &data, cpu);
    for _ in 0..3 {
        let [found, expected] = [&mut ours, &mut theirs].map(finished);
        assert!(
            (found.loss - expected.loss).abs() < 1e-5,
            "{} {}",
            found.loss,
            expected.loss
        );
        let test = |record: &EpochRecord| record.test.clone().expect("test images");
        assert!((test(&found).loss - test(&expected).loss).abs() < 1e-4);
        assert!((test(&found).accuracy - test(&expected).accuracy).abs() < 1e-9);
        assert_eq!(found.undefined, expected.undefined);
    }
    let [found, expected] = [&ours, &theirs].map(|training| scores(training, &data));
    for (found, expected) in found.mean_loss.iter().zip(&expected.mean_loss) {
        assert!((found - expected).abs() < 1e-4, "{found} {expected}");
    }
    for (found, expected) in found.mean_margin.iter().zip(&expected.mean_margin) {
        assert!((found - expected).abs() < 1e-4, "{found} {expected}");
    }
    assert_eq!(found.given_since, expected.given_since);
}

/// More samples than the device evaluates at once.
#[test]
fn layers_agree_with_the_processor() {
    let (spec, data) = scene(&CONFIG.replace("images_per_class = 30", "images_per_class = 300"));
    let inputs = &data.train_inputs;
    let mut cpu = build_network(&spec, inputs.shape(), 2, &Device::Cpu).expect("a network");
    let mut batch = vec![0.0; 600 * inputs.values_per_sample()];
    inputs.fill(&(0..600).collect::<Vec<_>>(), &mut batch);
    let expected = cpu.forward_layers(&batch).expect("layers").expect("blocks");
    let found = emulated(&spec, &data).forward_layers(&batch);
    let found = found.expect("layers").expect("blocks");
    assert_eq!((found.len(), expected.len()), (2, 2));
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found.name, expected.name);
        assert_eq!(found.features.dim(), expected.features.dim());
        let difference = (&found.features - &expected.features).mapv(f32::abs);
        assert!(difference.iter().all(|&d| d < 1e-4), "{}", found.name);
    }
}

/// A training that is interrupted in the middle of an epoch resumes with the same bits.
#[test]
fn a_queued_epoch_is_resumed() {
    let (spec, data) = scene(CONFIG);
    let state = |network: &dyn Network| {
        let tensors = [
            network.model_state().expect("tensors"),
            network.optimizer_state().expect("tensors"),
        ];
        tensors.concat()
    };
    let mut kept = None;
    let mut whole = Training::new(&spec, &data, emulated(&spec, &data));
    for _ in 0..2 {
        let keep = |training: &Training<'_>| {
            let position = training
                .position()?
                .expect("a training that did not diverge");
            if position.samples == 26 {
                let optimizer = training.network.optimizer_state()?;
                kept = Some((position, training.network.model_state()?, optimizer));
            }
            Ok(())
        };
        let outcome = whole.epoch(keep).expect("an epoch");
        assert!(matches!(outcome, EpochOutcome::Finished(..)));
    }
    let (position, model, optimizer) = kept.expect("the second epoch was kept");
    assert_eq!(position.epoch, 2);
    let mut rest = Training::new(&spec, &data, emulated(&spec, &data));
    rest.network
        .load_model_state(&model)
        .expect("the same network");
    rest.network
        .load_optimizer_state(&optimizer)
        .expect("the same optimiser");
    rest.restore_position(&position);
    finished(&mut rest);
    assert_eq!(state(rest.network.as_ref()), state(whole.network.as_ref()));
    assert_eq!(scores(&rest, &data), scores(&whole, &data));
}

/// A training that diverges is detected at the end of its epoch and has no position to resume from.
#[test]
fn a_queued_training_diverges() {
    let config = CONFIG
        .replace("label_smoothing\", alpha = 0.1", "mse\"")
        .replace("0.01, weight", "1e30, weight");
    let (spec, data) = scene(
        &config
            .replace("\"adam\"", "\"sgd\"")
            .replace("weight_decay", "momentum = 0.0, weight_decay"),
    );
    let mut training = Training::new(&spec, &data, emulated(&spec, &data));
    let mut last = true;
    let keep = |training: &Training<'_>| {
        last = training.position()?.is_some();
        Ok(())
    };
    let EpochOutcome::Diverged(reason) = training.epoch(keep).expect("an epoch") else {
        panic!("no finite loss");
    };
    assert!(reason.starts_with("the training loss is"), "{reason}");
    assert!(!last);
}
