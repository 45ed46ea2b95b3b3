use candle_core::Device;

use super::*;
use crate::network::build::build_network;

const CONFIG: &str = r#"
    experiment = "gradient"
    seed = 3
    loss = { kind = "label_smoothing", alpha = 0.1 }
    data = { source = "fashion-mnist-embedded", classes = [0, 1, 2], input = "native", validation = 0.1, images_per_class = 250 }
    noise = { kind = "uniform", eta = 0.3 }
    model = { kind = "mlp", depth = 3, width = 10, features = 4, norm = "none" }
    optimizer = { kind = "sgd", learning_rate = 0.05, momentum = 0.9, weight_decay = 0.0, classifier_weight_decay = 0.05 }
    schedule = { kind = "step", patience = 10, gamma = 0.1 }
    training = { epochs = 1, batch_size = 16, evaluate_every = 1, feature_decay = 0.1, evaluate_gradient = true }
"#;

/// The training objective over all samples trained on, from features, logits and classifier.
fn objective(network: &mut dyn Network, spec: &RunSpec, data: &Prepared) -> f64 {
    let inputs = data.train_inputs.batch(&data.train);
    let (features, logits) = network.forward(&inputs).unwrap();
    let n = data.train.len();
    let logits = ndarray::Array2::from_shape_vec((n, 3), logits).unwrap();
    let labels = data.observed(&data.train);
    let loss = spec
        .loss
        .value(logits.mapv(f64::from).view(), &labels)
        .unwrap();
    let squares = |values: &[f32]| values.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>();
    let (weights, bias) = network.classifier().unwrap();
    let classifier: f64 = squares(weights.as_slice().unwrap()) + squares(bias.as_slice().unwrap());
    loss + 0.5 * 0.1 * squares(&features) / n as f64 + 0.5 * 0.05 * classifier
}

#[test]
fn the_objective_falls_by_the_square_of_the_norm() {
    let spec: RunSpec = toml::from_str(CONFIG).unwrap();
    spec.validate().unwrap();
    let data = Prepared::new(&spec, &[]).unwrap();
    let shape = data.train_inputs.shape();
    let mut network = build_network(&spec, shape, 3, &Device::Cpu).unwrap();
    let inputs = data.train_inputs.batch(&data.train);
    let labels = data.observed(&data.train);
    // Momentum that the measurement must leave out and restore.
    for _ in 0..3 {
        network.step(&inputs, &labels, &spec.loss, 0.1).unwrap();
    }
    let (model, buffers) = (
        network.model_state().unwrap(),
        network.optimizer_state().unwrap(),
    );
    let mut record = EpochRecord::default();
    measure_gradient(network.as_mut(), &spec, &data, &mut record).unwrap();
    assert_eq!(network.model_state().unwrap(), model);
    assert_eq!(network.optimizer_state().unwrap(), buffers);

    let mut at_rest = buffers.clone();
    at_rest
        .iter_mut()
        .for_each(|buffer| buffer.values.fill(0.0));
    network.load_optimizer_state(&at_rest).unwrap();
    let before = objective(network.as_mut(), &spec, &data);
    let rate = 1e-3;
    network.step(&inputs, &labels, &spec.loss, rate).unwrap();
    let fall = before - objective(network.as_mut(), &spec, &data);
    let norm = record.gradient_norm.unwrap();
    let ratio = fall / (rate * norm * norm);
    assert!((ratio - 1.0).abs() < 0.01, "{ratio}, norm {norm}");
    let (weights, _) = network.classifier().unwrap();
    let weights = weights.mapv(f64::from);
    let decay = 0.05 * weights.iter().map(|w| w * w).sum::<f64>().sqrt();
    let over = record.gradient_over_decay.unwrap();
    assert!((over * decay / norm - 1.0).abs() < 0.01, "{over}");
}

#[test]
fn a_gradient_needs_independent_samples() {
    for (from, to) in [
        ("norm = \"none\"", "norm = \"batch\""),
        ("momentum = 0.9", "momentum = 0.9, nesterov = true"),
    ] {
        let spec: RunSpec = toml::from_str(&CONFIG.replace(from, to)).unwrap();
        let error = spec.validate().unwrap_err().to_string();
        let expected = "training.evaluate_gradient = true: must be false unless";
        assert!(error.contains(expected), "{error}");
    }
}
