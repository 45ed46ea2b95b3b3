//! Compares the fused step with candle's autograd as the reference.

use candle_core::{DType, Device};
use memdil_losses::Loss;
use memdil_records::RunSpec;
use memdil_runner::{CandleNetwork, FusedMlp, Network, NetworkState, build_network};
use proptest::prelude::*;

/// A specification with a network, optimiser and feature decay.
fn spec(seed: u64, model: &str, optimizer: &str, feature_decay: f64) -> RunSpec {
    let text = format!(
        r#"
        experiment = "engines"
        seed = {seed}
        loss = {{ kind = "cross_entropy" }}
        data = {{ source = "fashion-mnist-embedded", classes = [0, 1], input = "native", validation = 0.0 }}
        noise = {{ kind = "uniform", eta = 0.0 }}
        model = {{ kind = "mlp", {model} }}
        optimizer = {{ {optimizer} }}
        schedule = {{ kind = "step", patience = 10, gamma = 0.1 }}
        training = {{ epochs = 1, batch_size = 4, evaluate_every = 1, feature_decay = {feature_decay:?} }}
        "#
    );
    toml::from_str(&text).unwrap()
}

fn losses() -> impl Strategy<Value = Loss> {
    prop::sample::select(vec![
        Loss::CrossEntropy {},
        Loss::LabelSmoothing { alpha: 0.1 },
        Loss::LabelRelaxation { alpha: 0.1 },
        Loss::Mse {},
    ])
}

fn models() -> impl Strategy<Value = String> {
    let norm = prop::sample::select(vec!["batch", "layer", "none"]);
    let activation = prop::sample::select(vec!["relu", "sigmoid"]);
    let classifier = prop::sample::select(vec!["learned", "etf"]);
    // At least two units: a single one, normalised over itself, is at the kink of the ReLU, where
    // the slope is 1 in candle and 0 in PyTorch.
    (2..4usize, 2..40usize, 3..20usize, norm, activation, classifier).prop_map(
        |(depth, width, features, norm, activation, classifier)| {
            format!(
                r#"depth = {depth}, width = {width}, features = {features}, norm = "{norm}", activation = "{activation}", classifier = "{classifier}""#
            )
        },
    )
}

fn optimizers() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        r#"kind = "sgd", learning_rate = 0.05, momentum = 0.9, weight_decay = 5e-4"#,
        r#"kind = "sgd", learning_rate = 0.05, momentum = 0.0, weight_decay = 5e-4"#,
        r#"kind = "sgd", learning_rate = 0.05, momentum = 0.9, nesterov = true, weight_decay = 1e-3, classifier_weight_decay = 1e-2"#,
        r#"kind = "adam", learning_rate = 1e-3, epsilon = 1e-4, weight_decay = 1e-3"#,
        r#"kind = "adam_w", learning_rate = 1e-3, epsilon = 1e-4, decoupled_weight_decay = 1e-2"#,
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// One step from the same state has the same loss, and afterwards the same tensors, features
    /// and logits.
    #[test]
    fn a_fused_step_agrees_with_candle(
        model in models(),
        optimizer in optimizers(),
        loss in losses(),
        seed in 0..1000u64,
        samples in 8..40usize,
        feature_decay in prop::sample::select(vec![0.0, 1e-2]),
    ) {
        let (inputs, classes) = (13, 4);
        let spec = spec(seed, &model, optimizer, feature_decay);
        let mut candle = CandleNetwork::new(&spec, (1, 1, inputs), classes, DType::F32, &Device::Cpu).unwrap();
        let mut fused = FusedMlp::new(&spec, inputs, classes).unwrap();
        prop_assert_eq!(fused.parameter_count(), candle.parameter_count());
        // Adam divides by the size of a gradient and amplifies the rounding of small gradients, so
        // its learning rate is small.
        let rate = spec.optimizer.learning_rate();
        let value = |i: usize| ((i as f32 + seed as f32) * 0.7).sin() * 2.0;
        let batch: Vec<f32> = (0..samples * inputs).map(value).collect();
        let labels: Vec<u32> = (0..samples).map(|i| (i % classes) as u32).collect();
        let expected = candle.step(&batch, &labels, &loss, rate).unwrap();
        let found = fused.step(&batch, &labels, &loss, rate).unwrap();
        for (found, expected) in found.logits.iter().zip(&expected.logits) {
            prop_assert!((found - expected).abs() <= 1e-4, "{} {}", found, expected);
        }
        let (found, expected) = (found.loss, expected.loss);
        prop_assert!((found - expected).abs() <= 1e-5 * expected.abs().max(1e-3), "{} {}", found, expected);

        let states = |network: &dyn Network| [network.model_state().unwrap(), network.optimizer_state().unwrap()].concat();
        let found = states(&fused);
        for expected in states(&candle) {
            let Some(found) = found.iter().find(|tensor| tensor.name == expected.name) else {
                // Without momentum the fused optimiser has no state.
                prop_assert!(optimizer.contains("momentum = 0.0"), "{}", expected.name);
                continue;
            };
            // Batch normalisation removes the mean, so the gradient of a bias before it is pure
            // rounding. Adam amplifies the rounding of small gradients in the parameters, but its
            // moments are as accurate as the gradients.
            let rounding = model.contains("\"batch\"") && expected.name.ends_with("linear.bias");
            prop_assert_eq!(&found.shape, &expected.shape);
            let moment = expected.name.contains("moment");
            let tolerance = match () {
                () if optimizer.contains("adam") && !moment => 1e-3,
                () if rounding => 1e-2,
                () if moment => 1e-4,
                () => 1e-5,
            };
            let close = distance(&found.values, &expected.values) <= tolerance * norm(&expected.values).max(0.1);
            prop_assert!(close, "{}: {:?} {:?}", expected.name, found.values, expected.values);
        }
        let (features, logits) = fused.forward(&batch).unwrap();
        let (expected_features, expected_logits) = candle.forward(&batch).unwrap();
        prop_assert!(distance(&features, &expected_features) <= 1e-4 * norm(&expected_features).max(1e-2));
        prop_assert!(distance(&logits, &expected_logits) <= 1e-4 * norm(&expected_logits).max(1e-2));
    }
}

fn norm(values: &[f32]) -> f64 {
    values
        .iter()
        .map(|v| f64::from(*v).powi(2))
        .sum::<f64>()
        .sqrt()
}

fn distance(a: &[f32], b: &[f32]) -> f64 {
    a.iter()
        .zip(b)
        .map(|(a, b)| f64::from(a - b).powi(2))
        .sum::<f64>()
        .sqrt()
}

/// Each engine can load the state of the other.
#[test]
fn states_are_interchangeable_between_engines() {
    let spec = spec(
        3,
        "depth = 2, width = 9",
        r#"kind = "adam", learning_rate = 0.01, weight_decay = 1e-3"#,
        0.0,
    );
    let (batch, labels) = ([0.5, -1.0, 2.0, 0.1, 0.7, -0.3], [0, 1]);
    let mut fused = FusedMlp::new(&spec, 3, 2).unwrap();
    for _ in 0..3 {
        fused
            .step(&batch, &labels, &Loss::CrossEntropy {}, 0.01)
            .unwrap();
    }
    let mut candle = CandleNetwork::new(&spec, (1, 1, 3), 2, DType::F32, &Device::Cpu).unwrap();
    candle
        .load_model_state(&fused.model_state().unwrap())
        .unwrap();
    candle
        .load_optimizer_state(&fused.optimizer_state().unwrap())
        .unwrap();
    let mut again = FusedMlp::new(&spec, 3, 2).unwrap();
    again
        .load_model_state(&candle.model_state().unwrap())
        .unwrap();
    again
        .load_optimizer_state(&candle.optimizer_state().unwrap())
        .unwrap();
    assert_eq!(again.model_state().unwrap(), fused.model_state().unwrap());
    assert_eq!(
        again.optimizer_state().unwrap(),
        fused.optimizer_state().unwrap()
    );
    let error = again
        .load_model_state(&fused.optimizer_state().unwrap())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("first_moment.blocks.0.linear.weight"),
        "{error}"
    );
}

#[test]
fn a_step_with_a_nonfinite_loss_changes_nothing() {
    let spec = spec(
        3,
        "depth = 2, width = 9",
        r#"kind = "sgd", learning_rate = 0.1, momentum = 0.9, weight_decay = 0.0"#,
        0.0,
    );
    let mut network = build_network(&spec, (1, 1, 2), 2, &Device::Cpu).unwrap();
    assert!(format!("{network:?}").starts_with("FusedMlp"));
    let before = (
        network.model_state().unwrap(),
        network.optimizer_state().unwrap(),
    );
    let loss = network
        .step(
            &[f32::NAN, 1.0, 0.5, 2.0],
            &[0, 1],
            &Loss::CrossEntropy {},
            0.1,
        )
        .unwrap();
    assert!(!loss.loss.is_finite());
    assert_eq!(
        (
            network.model_state().unwrap(),
            network.optimizer_state().unwrap()
        ),
        before
    );
}
