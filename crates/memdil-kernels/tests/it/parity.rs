//! Training steps compared with PyTorch's, whose results are in `golden/mlp_parity.json`.

use memdil_kernels::{
    Activation, Architecture, Decay, Element, Instructions, MlpElement, Norm, Optimizer, Step,
};
use serde_json::Value;

use crate::common::{hash, network, train};

fn cases() -> Vec<Value> {
    let file: Value = serde_json::from_str(include_str!("../golden/mlp_parity.json")).unwrap();
    file["cases"].as_array().unwrap().clone()
}

fn size(value: &Value) -> usize {
    value.as_u64().unwrap() as usize
}

fn architecture(case: &Value) -> Architecture {
    let model = &case["model"];
    Architecture {
        inputs: size(&case["inputs"]),
        depth: size(&model["depth"]),
        width: size(&model["width"]),
        features: size(&model["features"]),
        classes: size(&case["classes"]),
        norm: match model["norm"].as_str().unwrap() {
            "batch" => Norm::Batch,
            "layer" => Norm::Layer,
            "none" => Norm::None,
            other => panic!("norm {other}"),
        },
        activation: match model["activation"].as_str().unwrap() {
            "relu" => Activation::Relu,
            "sigmoid" => Activation::Sigmoid,
            other => panic!("activation {other}"),
        },
        fixed_classifier: model["classifier"] == "etf",
    }
}

fn optimizer(case: &Value) -> (Optimizer, Step) {
    let spec = &case["optimizer"];
    let number = |name: &str| spec[name].as_f64().unwrap();
    let optimizer = match spec["kind"].as_str().unwrap() {
        "sgd" => Optimizer::Sgd {
            momentum: number("momentum"),
            nesterov: spec["nesterov"] == true,
        },
        _ => Optimizer::Adam {
            beta1: number("beta1"),
            beta2: number("beta2"),
            epsilon: number("epsilon"),
        },
    };
    let decoupled = spec["kind"] == "adam_w";
    let decay = |name: &str| {
        let name = if decoupled {
            format!("decoupled_{name}")
        } else {
            name.to_owned()
        };
        let value = spec[name.as_str()].as_f64();
        value.map(|value| {
            if decoupled {
                Decay::Decoupled(value)
            } else {
                Decay::Coupled(value)
            }
        })
    };
    let all = decay("weight_decay").unwrap();
    let step = Step {
        learning_rate: number("learning_rate"),
        decay: all,
        classifier_decay: decay("classifier_weight_decay").unwrap_or(all),
        feature_decay: case["feature_decay"].as_f64().unwrap(),
    };
    (optimizer, step)
}

/// The largest relative errors of a tensor, estimated from projections, and of a loss.
fn distances<T: MlpElement>(case: &Value, precision: &str, with: Instructions) -> (f64, f64) {
    let (optimizer, step) = optimizer(case);
    let mut mlp = network::<T>(architecture(case), optimizer, with);
    let expected = &case[precision];
    let sizes = case["batch_sizes"].as_array().unwrap();
    let alpha = case["loss"]["alpha"].as_f64().unwrap_or(0.0);
    let mut worst_loss = 0f64;
    for index in 0..size(&expected["steps"]) {
        let loss = train(
            &mut mlp,
            index,
            size(&sizes[index % sizes.len()]),
            alpha,
            &step,
        );
        let expected = expected["losses"][index].as_f64().unwrap();
        worst_loss = worst_loss.max((loss - expected).abs() / expected);
    }
    let mut worst = 0f64;
    for (index, tensor) in expected["tensors"].as_array().unwrap().iter().enumerate() {
        let name = tensor["name"].as_str().unwrap();
        let values: Vec<f64> = mlp
            .get(name)
            .unwrap()
            .into_iter()
            .map(Element::to_f64)
            .collect();
        let projections = tensor["projections"].as_array().unwrap();
        let squares = projections.iter().enumerate().map(|(j, expected)| {
            let stream = (3000 + 8 * index + j) as u64;
            let sign = |i: usize| {
                if hash(stream, i) >> 63 == 1 {
                    -1.0
                } else {
                    1.0
                }
            };
            let projection: f64 = values.iter().enumerate().map(|(i, v)| v * sign(i)).sum();
            (projection - expected.as_f64().unwrap()).powi(2)
        });
        let norm = tensor["norm"].as_f64().unwrap();
        let distance = (squares.sum::<f64>() / projections.len() as f64).sqrt() / norm;
        worst = worst.max(distance);
    }
    (worst, worst_loss)
}

#[test]
fn fifty_steps_in_f64_agree_to_1e_8() {
    for case in cases() {
        for with in Instructions::available() {
            let (tensors, losses) = distances::<f64>(&case, "f64", with);
            assert!(
                tensors < 1e-8 && losses < 1e-8,
                "{} {with:?}: {tensors:e}, losses {losses:e}",
                case["name"]
            );
        }
    }
}

#[test]
fn five_steps_in_f32_agree_to_1e_3() {
    for case in cases() {
        for with in Instructions::available() {
            let (tensors, losses) = distances::<f32>(&case, "f32", with);
            assert!(
                tensors < 1e-3 && losses < 1e-3,
                "{} {with:?}: {tensors:e}, losses {losses:e}",
                case["name"]
            );
        }
    }
}
