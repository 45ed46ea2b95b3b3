//! Initialisation, normalisation and gradients of the MLP, compared with direct computation in f64.

use candle_core::{DType, Device, Tensor, Var};
use memdil_models::{Activation, Classifier, Mlp, MlpShape, MlpVariant, Model, Norm};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

const SHAPE: MlpShape = MlpShape {
    inputs: 5,
    depth: 3,
    width: 7,
    features: 2,
    classes: 2,
};

fn network(seed: u64) -> Mlp {
    variant(seed, MlpVariant::default())
}

fn variant(seed: u64, variant: MlpVariant) -> Mlp {
    Mlp::new(
        SHAPE,
        variant,
        &mut ChaCha8Rng::seed_from_u64(seed),
        DType::F64,
        &Device::Cpu,
    )
    .unwrap()
}

fn batch(n: usize) -> Tensor {
    let values: Vec<f64> = (0..n * SHAPE.inputs)
        .map(|i| ((i * i + 3 * i) % 17) as f64 / 8.0 - 1.0)
        .collect();
    Tensor::from_vec(values, (n, SHAPE.inputs), &Device::Cpu).unwrap()
}

fn values(tensor: &Tensor) -> Vec<f64> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

fn parameter<'a>(network: &'a Mlp, name: &str) -> &'a Var {
    &network
        .variables()
        .parameters
        .iter()
        .find(|(n, _)| n == name)
        .unwrap()
        .1
}

#[test]
fn initialisation_is_seeded_and_matches_pytorch() {
    let shape = MlpShape {
        inputs: 400,
        depth: 2,
        width: 300,
        features: 2,
        classes: 2,
    };
    let create = |seed| {
        Mlp::new(
            shape,
            MlpVariant::default(),
            &mut ChaCha8Rng::seed_from_u64(seed),
            DType::F64,
            &Device::Cpu,
        )
        .unwrap()
    };
    let (network, same, other) = (create(1), create(1), create(2));
    let first = values(parameter(&network, "blocks.0.linear.weight"));
    assert_eq!(first, values(parameter(&same, "blocks.0.linear.weight")));
    assert_ne!(first, values(parameter(&other, "blocks.0.linear.weight")));
    // Uniform on +-1/sqrt(400): 120,000 draws fill the interval, with mean 0 and variance 1/(3 *
    // 400).
    let bound = 1.0 / 20.0;
    assert!(first.iter().all(|w| w.abs() <= bound));
    assert!(first.iter().any(|w| *w > 0.999 * bound) && first.iter().any(|w| *w < -0.999 * bound));
    let mean = first.iter().sum::<f64>() / first.len() as f64;
    let variance = first.iter().map(|w| w * w).sum::<f64>() / first.len() as f64;
    assert!(
        mean.abs() < 5.0 * bound / (3.0 * 120_000f64).sqrt(),
        "{mean}"
    );
    assert!((variance * 1200.0 - 1.0).abs() < 0.02, "{variance}");
    // The bias shares the weight's bound: fan-in 300 for the second block.
    let bias = values(parameter(&network, "blocks.1.linear.bias"));
    assert!(
        bias.iter()
            .all(|b| b.abs() <= 1.0 / 300f64.sqrt() && *b != 0.0)
    );
}

#[test]
fn a_training_pass_updates_the_running_statistics() {
    let n = 6;
    let network = network(3);
    let x = values(&batch(n));
    let weight = values(parameter(&network, "blocks.0.linear.weight"));
    let bias = values(parameter(&network, "blocks.0.linear.bias"));
    network.forward(&batch(n), true).unwrap();
    let running = |name: &str| {
        values(
            &network
                .variables()
                .buffers
                .iter()
                .find(|(s, _)| s == name)
                .unwrap()
                .1,
        )
    };
    let (means, variances) = (
        running("blocks.0.norm.running_mean"),
        running("blocks.0.norm.running_var"),
    );
    for unit in 0..SHAPE.width {
        let z: Vec<f64> = (0..n)
            .map(|i| {
                let inputs = (0..SHAPE.inputs)
                    .map(|j| x[i * SHAPE.inputs + j] * weight[j * SHAPE.width + unit]);
                bias[unit] + inputs.sum::<f64>()
            })
            .collect();
        let mean = z.iter().sum::<f64>() / n as f64;
        let unbiased = z.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1) as f64;
        assert!((means[unit] - 0.1 * mean).abs() < 1e-12);
        assert!((variances[unit] - (0.9 + 0.1 * unbiased)).abs() < 1e-12);
    }
}

#[test]
fn a_training_pass_standardises_the_features_before_the_relu() {
    // With gamma = 1 and beta = 0, a unit's values before the ReLU have mean 0 and variance just
    // below 1. Beta = 100 makes all of them positive, so that the ReLU leaves them unchanged.
    let network = network(4);
    let beta = parameter(&network, "blocks.2.norm.bias");
    beta.set(&Tensor::new(&[100f64, 100.0], &Device::Cpu).unwrap())
        .unwrap();
    let features = values(&network.forward(&batch(8), true).unwrap().features);
    for unit in 0..2 {
        let z: Vec<f64> = (0..8).map(|i| features[2 * i + unit] - 100.0).collect();
        let mean = z.iter().sum::<f64>() / 8.0;
        let variance = z.iter().map(|v| v * v).sum::<f64>() / 8.0;
        assert!(
            mean.abs() < 1e-9 && variance < 1.0 && variance > 0.99,
            "{mean} {variance}"
        );
    }
}

#[test]
fn evaluation_treats_samples_independently() {
    let network = network(5);
    network.forward(&batch(8), true).unwrap();
    let before: Vec<Vec<f64>> = network
        .variables()
        .buffers
        .iter()
        .map(|(_, s)| values(s))
        .collect();
    let together = values(&network.forward(&batch(8), false).unwrap().logits);
    let alone = values(
        &network
            .forward(&batch(8).narrow(0, 3, 1).unwrap(), false)
            .unwrap()
            .logits,
    );
    assert!(
        alone
            .iter()
            .zip(&together[6..8])
            .all(|(a, b)| (a - b).abs() < 1e-12)
    );
    let after: Vec<Vec<f64>> = network
        .variables()
        .buffers
        .iter()
        .map(|(_, s)| values(s))
        .collect();
    assert_eq!(before, after);
}

#[test]
fn gradients_match_finite_differences() {
    for norm in [Norm::Batch, Norm::Layer, Norm::None] {
        for activation in [Activation::Relu, Activation::Sigmoid] {
            for classifier in [Classifier::Learned, Classifier::Etf] {
                check_gradients(MlpVariant {
                    norm,
                    activation,
                    classifier,
                });
            }
        }
    }
}

fn check_gradients(kind: MlpVariant) {
    let network = variant(6, kind);
    let x = batch(9);
    let objective = || {
        network
            .forward(&x, true)
            .unwrap()
            .logits
            .sqr()
            .unwrap()
            .mean_all()
            .unwrap()
    };
    let gradients = objective().backward().unwrap();
    for (name, parameter) in &network.variables().parameters {
        let slope = gradients
            .get(parameter)
            .map_or_else(|| vec![0.0; parameter.elem_count()], values);
        let original = values(parameter);
        let dims = parameter.dims().to_vec();
        for index in [0, original.len() / 2, original.len() - 1] {
            let at = |shift: f64| {
                let mut moved = original.clone();
                moved[index] += shift;
                parameter
                    .set(&Tensor::from_vec(moved, dims.as_slice(), &Device::Cpu).unwrap())
                    .unwrap();
                objective().to_scalar::<f64>().unwrap()
            };
            let difference = (at(1e-6) - at(-1e-6)) / 2e-6;
            at(0.0);
            let near = (slope[index] - difference).abs() < 1e-6;
            assert!(
                near,
                "{kind:?} {name}[{index}]: {} against {difference}",
                slope[index]
            );
        }
    }
}

#[test]
fn variants_list_the_parameters_that_they_train() {
    let names = |network: &Mlp| {
        network
            .variables()
            .parameters
            .iter()
            .map(|(name, _)| name.clone())
            .collect::<Vec<_>>()
    };
    let plain = variant(
        1,
        MlpVariant {
            norm: Norm::None,
            classifier: Classifier::Etf,
            ..MlpVariant::default()
        },
    );
    assert_eq!(names(&plain).len(), 6);
    assert_eq!(
        plain
            .variables()
            .buffers
            .iter()
            .map(|(name, _)| name.as_str())
            .collect::<Vec<_>>(),
        ["classifier.weight", "classifier.bias"]
    );
    let layer = variant(
        1,
        MlpVariant {
            norm: Norm::Layer,
            ..MlpVariant::default()
        },
    );
    assert_eq!(names(&layer), names(&network(1)));
    assert!(layer.variables().buffers.is_empty());
    // The logits of a fixed classifier of two classes depend only on the features' difference.
    let output = plain.forward(&batch(4), false).unwrap();
    let (h, z) = (values(&output.features), values(&output.logits));
    for (h, z) in h.chunks(2).zip(z.chunks(2)) {
        let expected = (h[0] - h[1]) / 2f64.sqrt();
        assert!((z[0] - expected).abs() < 1e-12 && (z[1] + expected).abs() < 1e-12);
    }
}

#[test]
fn layer_normalisation_standardises_each_sample() {
    let network = variant(
        4,
        MlpVariant {
            norm: Norm::Layer,
            ..MlpVariant::default()
        },
    );
    let last = SHAPE.depth - 1;
    let beta = parameter(&network, &format!("blocks.{last}.norm.bias"));
    beta.set(&Tensor::new(&[100f64, 100.0], &Device::Cpu).unwrap())
        .unwrap();
    let train = values(&network.forward(&batch(1), true).unwrap().features);
    // Two standardised values are +1 and -1 up to eps, for a single sample and in evaluation mode.
    assert!(
        (train[0] + train[1] - 200.0).abs() < 1e-9 && ((train[0] - 100.0).abs() - 1.0).abs() < 0.01,
        "{train:?}"
    );
    let together = values(&network.forward(&batch(3), false).unwrap().features);
    assert!(
        train
            .iter()
            .zip(&together)
            .all(|(a, b)| (a - b).abs() < 1e-12)
    );
}

#[test]
fn invalid_batches_and_sizes_are_errors() {
    assert!(network(7).forward(&batch(1), true).is_err());
    assert!(network(7).forward(&batch(1), false).is_ok());
    let empty = MlpShape { width: 0, ..SHAPE };
    assert!(
        Mlp::new(
            empty,
            MlpVariant::default(),
            &mut ChaCha8Rng::seed_from_u64(0),
            DType::F32,
            &Device::Cpu
        )
        .is_err()
    );
}
