//! Every variant of network, optimiser and loss against PyTorch. The formulas are in the READMEs of
//! the fixtures.

use std::path::Path;

use memdil_records::RunSpec;
use serde_json::{Value, json};

use super::*;

fn state(tensors: Tensors<'_>) -> Vec<NamedTensor> {
    tensors.collect::<Result<_, _>>().unwrap()
}

const CONVOLUTIONAL: &str = "tests/golden/convolutional_parity.json";

fn cases() -> Vec<Value> {
    cases_of("../memdil-kernels/tests/golden/mlp_parity.json")
}

fn cases_of(path: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let fixture: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    fixture["cases"].as_array().unwrap().clone()
}

fn mix(z: u64) -> u64 {
    let z = z.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

fn hash(stream: usize, index: usize) -> u64 {
    mix(mix(stream as u64).wrapping_add(index as u64))
}

fn uniform(stream: usize, index: usize) -> f64 {
    (hash(stream, index) >> 40) as f64 * 2f64.powi(-23) - 1.0
}

fn spec(case: &Value) -> RunSpec {
    let classes: Vec<u64> = (0..case["classes"].as_u64().unwrap()).collect();
    let spec = json!({
        "experiment": "parity", "seed": 0, "loss": case["loss"],
        "data": {"source": "fashion-mnist", "classes": classes, "input": "native", "validation": 0.0},
        "noise": {"kind": "uniform", "eta": 0.0}, "model": case["model"], "optimizer": case["optimizer"],
        "schedule": {"kind": "step", "patience": 100, "gamma": 0.1},
        "training": {"epochs": 1, "batch_size": 20, "evaluate_every": 1, "feature_decay": case["feature_decay"]},
    });
    let spec: RunSpec = serde_json::from_value(spec).unwrap();
    spec.validate().unwrap();
    spec
}

/// The channels, rows and columns of a sample.
fn shape(case: &Value) -> (usize, usize, usize) {
    let number = |value: &Value| value.as_u64().unwrap() as usize;
    match case["image"].as_array() {
        Some(image) => (number(&image[0]), number(&image[1]), number(&image[2])),
        None => (1, 1, number(&case["inputs"])),
    }
}

fn start(case: &Value, spec: &RunSpec, dtype: DType) -> CandleNetwork {
    let classes = case["classes"].as_u64().unwrap() as usize;
    let model = CandleNetwork::new(spec, shape(case), classes, dtype, &Device::Cpu).unwrap();
    let parameters = &model.network.variables().parameters;
    for (stream, (name, parameter)) in parameters.iter().enumerate() {
        let scale = || {
            let weight = format!("{}.weight", name.rsplit_once('.').unwrap().0);
            let weight = &parameters
                .iter()
                .find(|(name, _)| *name == weight)
                .unwrap()
                .1;
            let fan_in: usize = weight.dims().split_last().unwrap().1.iter().product();
            1.0 / (fan_in as f64).sqrt()
        };
        let value = |i| match name.rsplit_once('.').unwrap() {
            (layer, "weight") if layer.ends_with(".norm") => 1.0 + uniform(stream, i) / 4.0,
            (layer, _) if layer.ends_with(".norm") => uniform(stream, i) / 4.0,
            _ => uniform(stream, i) * scale(),
        };
        let values = (0..parameter.elem_count())
            .map(|i| value(i) as f32)
            .collect();
        let tensor = NamedTensor {
            name: name.clone(),
            shape: parameter.dims().to_vec(),
            values,
        };
        parameter.set(&model.tensor(&tensor).unwrap()).unwrap();
    }
    model
}

/// The estimated distance to the stored tensor, relative to its norm.
fn relative_distance(values: &[f64], index: usize, stored: &Value) -> f64 {
    let projections = stored["projections"].as_array().unwrap();
    let squares = projections.iter().enumerate().map(|(j, stored)| {
        let sign = |i| {
            if hash(3000 + projections.len() * index + j, i) >> 63 == 1 {
                -1.0
            } else {
                1.0
            }
        };
        let projection: f64 = values
            .iter()
            .enumerate()
            .map(|(i, value)| sign(i) * value)
            .sum();
        (projection - stored.as_f64().unwrap()).powi(2)
    });
    (squares.sum::<f64>() / projections.len() as f64).sqrt() / stored["norm"].as_f64().unwrap()
}

fn check(cases: Vec<Value>, dtype: DType, key: &str, bound: f64) {
    for case in cases.into_iter().filter(|case| !case[key].is_null()) {
        let name = case["name"].as_str().unwrap();
        let spec = spec(&case);
        let mut model = start(&case, &spec, dtype);
        let sizes = case["batch_sizes"].as_array().unwrap();
        let (channels, rows, columns) = shape(&case);
        let (inputs, classes) = (channels * rows * columns, case["classes"].as_u64().unwrap());
        let rate = spec.optimizer.learning_rate();
        for (step, loss) in case[key]["losses"].as_array().unwrap().iter().enumerate() {
            let n = sizes[step % sizes.len()].as_u64().unwrap() as usize;
            let batch: Vec<f32> = (0..n * inputs)
                .map(|i| uniform(1000 + step, i) as f32)
                .collect();
            let labels: Vec<u32> = (0..n)
                .map(|i| (hash(2000 + step, i) % classes) as u32)
                .collect();
            let (found, loss) = (
                model.step(&batch, &labels, &spec.loss, rate).unwrap().loss,
                loss.as_f64().unwrap(),
            );
            assert!(
                (found - loss).abs() <= bound * loss,
                "{name} {key}, step {step}: loss {found}, not {loss}"
            );
        }
        let running = model
            .network
            .variables()
            .buffers
            .iter()
            .filter(|(name, _)| name.contains(".running_"));
        let tensors: Vec<_> = model
            .network
            .variables()
            .parameters
            .iter()
            .chain(running)
            .collect();
        let stored = case[key]["tensors"].as_array().unwrap();
        assert_eq!(tensors.len(), stored.len(), "{name}");
        for (index, ((tensor_name, tensor), stored)) in tensors.into_iter().zip(stored).enumerate()
        {
            if let Some(name) = stored["name"].as_str() {
                assert_eq!(tensor_name, name);
            }
            let values = tensor
                .to_dtype(DType::F64)
                .unwrap()
                .flatten_all()
                .unwrap()
                .to_vec1::<f64>()
                .unwrap();
            let distance = relative_distance(&values, index, stored);
            assert!(
                distance <= bound,
                "{name} {key}, {tensor_name}: {distance:e}"
            );
        }
    }
}

#[test]
fn fifty_steps_in_f64_agree_with_pytorch() {
    check(cases(), DType::F64, "f64", 1e-8);
}

#[test]
fn five_steps_in_f32_agree_with_pytorch() {
    check(cases(), DType::F32, "f32", 1e-3);
}

#[test]
fn ten_convolutional_steps_in_f64_agree_with_pytorch() {
    check(cases_of(CONVOLUTIONAL), DType::F64, "f64", 1e-8);
}

/// The cases with three steps in f32, with direct sums.
fn direct_cases() -> Vec<Value> {
    let mut cases = cases_of(CONVOLUTIONAL);
    for case in &mut cases {
        case["model"]["convolution"] = json!("direct");
    }
    cases
}

#[test]
fn three_direct_convolutional_steps_in_f32_agree_with_pytorch() {
    check(direct_cases(), DType::F32, "f32", 1e-3);
}

#[test]
fn three_convolutional_steps_in_f32_agree_with_pytorch() {
    // At its larger rate, ResNet-18 amplifies rounding too much for Winograd's algorithm (README of
    // the fixture).
    let cases = cases_of(CONVOLUTIONAL).into_iter();
    let cases = cases.filter(|case| {
        case["model"]["kind"] == "vgg" || case["optimizer"]["learning_rate"] == 0.002
    });
    check(cases.collect(), DType::F32, "f32", 1e-3);
}

#[test]
fn a_restored_state_continues_bit_for_bit() {
    for case in cases() {
        let spec = spec(&case);
        let inputs: Vec<f32> = (0..20 * 48).map(|i| uniform(1, i) as f32).collect();
        let labels: Vec<u32> = (0..20).map(|i| i % 3).collect();
        let step = |model: &mut CandleNetwork| {
            model.step(&inputs, &labels, &spec.loss, 0.05).unwrap().loss
        };
        let mut model = CandleNetwork::new(&spec, (1, 1, 48), 3, DType::F32, &Device::Cpu).unwrap();
        for _ in 0..3 {
            step(&mut model);
        }
        let (mut network, optimizer) = (
            state(model.model_tensors()),
            state(model.optimizer_tensors().unwrap()),
        );
        network.reverse();
        let other = RunSpec {
            seed: 9,
            ..spec.clone()
        };
        let mut again =
            CandleNetwork::new(&other, (1, 1, 48), 3, DType::F32, &Device::Cpu).unwrap();
        again.load_model_state(&network).unwrap();
        again.load_optimizer_state(&optimizer).unwrap();
        for _ in 0..3 {
            assert_eq!(step(&mut model).to_bits(), step(&mut again).to_bits());
        }
        assert_eq!(state(model.model_tensors()), state(again.model_tensors()));
        assert_eq!(
            state(model.optimizer_tensors().unwrap()),
            state(again.optimizer_tensors().unwrap())
        );
    }
}

#[test]
fn a_step_with_a_nonfinite_loss_changes_nothing() {
    let case = &cases()[0];
    let spec = spec(case);
    let mut model = start(case, &spec, DType::F32);
    model.step(&[0.5; 96], &[0, 1], &spec.loss, 0.05).unwrap();
    // All blocks are finite, so the running statistics are updated before the loss is computed.
    let (_, bias) = model.network.variables().parameters.last().unwrap();
    bias.set(&Tensor::new(&[f32::INFINITY, 0.0, 0.0], &Device::Cpu).unwrap())
        .unwrap();
    let before = (
        state(model.model_tensors()),
        state(model.optimizer_tensors().unwrap()),
    );
    assert!(
        !model
            .step(&[0.25; 96], &[0, 1], &spec.loss, 0.05)
            .unwrap()
            .loss
            .is_finite()
    );
    assert_eq!(
        before,
        (
            state(model.model_tensors()),
            state(model.optimizer_tensors().unwrap())
        )
    );
}

#[test]
fn mismatched_states_are_errors_and_change_nothing() {
    let case = &cases()[2];
    let mut model = start(case, &spec(case), DType::F32);
    let (network, optimizer) = (
        state(model.model_tensors()),
        state(model.optimizer_tensors().unwrap()),
    );
    assert_eq!(
        (optimizer[0].name.as_str(), network[0].shape.as_slice()),
        ("first_moment.blocks.0.linear.weight", &[48, 32][..])
    );
    assert_eq!(
        optimizer
            .last()
            .map(|t| (t.name.as_str(), t.values.as_slice())),
        Some(("step", &[0.0][..]))
    );
    let mut changed = network.clone();
    changed[0].values.fill(7.0);
    let refused = |state: &[NamedTensor], model: &mut CandleNetwork| {
        model.load_model_state(state).unwrap_err().to_string()
    };
    let missing = refused(&changed[..changed.len() - 1], &mut model);
    assert!(
        missing.starts_with("tensor 'classifier.bias' is missing"),
        "{missing}"
    );
    changed[1].shape = vec![4, 8];
    let shape = refused(&changed, &mut model);
    assert!(
        shape.starts_with("tensor 'blocks.0.linear.bias' has shape [4, 8], expected [32]"),
        "{shape}"
    );
    changed[1].name = "weight".to_owned();
    let unknown = refused(&changed, &mut model);
    assert!(
        unknown.starts_with("tensor 'weight' is unknown") && !unknown.contains('\n'),
        "{unknown}"
    );
    assert_eq!(state(model.model_tensors()), network);
    let error = model.load_optimizer_state(&network).unwrap_err();
    assert!(error.is_bad_input());
}
