//! Results do not depend on instructions or threads; invalid calls are errors.

use memdil_kernels::{
    Activation, Architecture, Decay, Instructions, KernelError, Mlp, Norm, Optimizer, Step,
    TensorRole,
};
use proptest::prelude::*;

use crate::common::{architecture, network, train};

const SGD: Optimizer = Optimizer::Sgd {
    momentum: 0.9,
    nesterov: false,
};
const STEP: Step = Step {
    learning_rate: 0.05,
    decay: Decay::Coupled(5e-4),
    classifier_decay: Decay::Coupled(5e-4),
    feature_decay: 0.0,
};

fn architectures() -> impl Strategy<Value = Architecture> {
    let sizes = (1..70usize, 1..4usize, 1..70usize, 1..40usize, 2..35usize);
    let norm = prop::sample::select(vec![Norm::Batch, Norm::Layer, Norm::None]);
    let activation = prop::sample::select(vec![Activation::Relu, Activation::Sigmoid]);
    (sizes, norm, activation).prop_map(
        |((inputs, depth, width, features, classes), norm, activation)| Architecture {
            norm,
            activation,
            ..architecture(inputs, depth, width, features, classes)
        },
    )
}

fn trained_bits(architecture: Architecture, batches: &[usize], threads: usize) -> Vec<u32> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .unwrap();
    pool.install(|| {
        let mut mlp = network::<f32>(architecture, SGD, Instructions::detect());
        for (index, &samples) in batches.iter().enumerate() {
            train(&mut mlp, index, samples, 0.0, &STEP);
        }
        let values = mlp
            .tensors()
            .into_iter()
            .flat_map(|tensor| mlp.get(&tensor.name).unwrap());
        values.map(f32::to_bits).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// In f64, so that differences are errors and not rounding. The sizes cover the widths of
    /// panels and the heights of tiles, and batches change their size between steps.
    #[test]
    fn instruction_sets_agree(architecture in architectures(), batches in prop::collection::vec(2..40usize, 1..4)) {
        let mut reference = network::<f64>(architecture, SGD, Instructions::Portable);
        for with in Instructions::available() {
            let mut mlp = network::<f64>(architecture, SGD, with);
            for (index, &samples) in batches.iter().enumerate() {
                let loss = train(&mut mlp, index, samples, 0.0, &STEP);
                if with == Instructions::Portable {
                    train(&mut reference, index, samples, 0.0, &STEP);
                }
                prop_assert!(loss.is_finite());
            }
            for tensor in mlp.tensors() {
                let (found, expected) = (mlp.get(&tensor.name).unwrap(), reference.get(&tensor.name).unwrap());
                for (found, expected) in found.into_iter().zip(expected) {
                    let close = (found - expected).abs() <= 1e-9 * (1.0 + expected.abs());
                    prop_assert!(close, "{} {with:?}: {found} {expected}", tensor.name);
                }
            }
        }
    }
}

#[test]
fn bits_do_not_depend_on_the_number_of_threads() {
    // Large enough for layers to be distributed over threads.
    let wide = architecture(700, 4, 130, 20, 12);
    for architecture in [
        wide,
        Architecture {
            norm: Norm::Layer,
            ..wide
        },
    ] {
        let alone = trained_bits(architecture, &[64, 64, 33], 1);
        for threads in [2, 3, 5] {
            assert!(
                trained_bits(architecture, &[64, 64, 33], threads) == alone,
                "{threads} threads"
            );
        }
    }
}

#[test]
fn evaluation_normalises_by_the_running_statistics() {
    let mut mlp = network::<f64>(architecture(5, 2, 9, 3, 2), SGD, Instructions::detect());
    mlp.set("blocks.1.norm.running_mean", &[0.5, -0.25, 0.0])
        .unwrap();
    mlp.set("blocks.1.norm.running_var", &[4.0, 1.0, 0.25])
        .unwrap();
    let input = [0.3, -1.0, 0.5, 2.0, 0.1];
    let (features, logits) = mlp.evaluate(&input).unwrap();
    // The expected values: for one sample, every sum is a dot product.
    let layer = |index: usize, x: &[f64], units: usize| -> Vec<f64> {
        let get = |name: &str| mlp.get(&format!("blocks.{index}.{name}")).unwrap();
        let (weight, bias) = (get("linear.weight"), get("linear.bias"));
        let (scale, shift) = (get("norm.weight"), get("norm.bias"));
        let (mean, var) = (get("norm.running_mean"), get("norm.running_var"));
        let unit = |j: usize| {
            let product: f64 = x
                .iter()
                .enumerate()
                .map(|(i, x)| x * weight[i * units + j])
                .sum();
            ((product + bias[j] - mean[j]) / (var[j] + 1e-5).sqrt() * scale[j] + shift[j]).max(0.0)
        };
        (0..units).map(unit).collect()
    };
    let first = layer(0, &input, 9);
    let expected = layer(1, &first, 3);
    let blocks = mlp.block_outputs();
    assert_eq!(blocks[1], features);
    for (found, expected) in blocks.iter().zip([&first, &expected]) {
        assert_eq!(found.len(), expected.len());
        for (value, wanted) in found.iter().zip(expected) {
            assert!((value - wanted).abs() < 1e-12, "{found:?} {expected:?}");
        }
    }
    let (weight, bias) = (
        mlp.get("classifier.weight").unwrap(),
        mlp.get("classifier.bias").unwrap(),
    );
    for class in 0..2 {
        let logit: f64 = (0..3)
            .map(|j| expected[j] * weight[j * 2 + class])
            .sum::<f64>()
            + bias[class];
        assert!((logits[class] - logit).abs() < 1e-12);
    }
}

#[test]
fn a_forward_pass_changes_no_tensor() {
    let mut mlp = network::<f32>(architecture(5, 2, 9, 3, 2), SGD, Instructions::detect());
    let all = |mlp: &Mlp<f32>| -> Vec<Vec<f32>> {
        mlp.tensors()
            .iter()
            .map(|t| mlp.get(&t.name).unwrap())
            .collect()
    };
    let before = all(&mlp);
    mlp.forward(&[0.5; 20]).unwrap();
    assert_eq!(all(&mlp), before);
    mlp.backward(&[0.25; 8], &STEP).unwrap();
    assert_ne!(all(&mlp), before);
}

#[test]
fn nan_propagates_to_the_logits() {
    let mut mlp = network::<f32>(architecture(4, 2, 8, 3, 2), SGD, Instructions::detect());
    let logits = mlp
        .forward(&[f32::NAN, 0.0, 1.0, 2.0, 0.5, 1.0, 0.0, 1.0])
        .unwrap();
    assert!(logits.iter().any(|z| z.is_nan()), "{logits:?}");
}

#[test]
fn a_fixed_classifier_is_not_trained() {
    let fixed = Architecture {
        fixed_classifier: true,
        ..architecture(6, 2, 8, 4, 3)
    };
    let mut mlp = network::<f32>(fixed, SGD, Instructions::detect());
    let before = mlp.get("classifier.weight").unwrap();
    train(&mut mlp, 0, 10, 0.0, &STEP);
    assert_eq!(mlp.get("classifier.weight").unwrap(), before);
    assert!(
        mlp.tensors()
            .iter()
            .all(|t| t.role != TensorRole::Buffer || !t.name.contains("classifier"))
    );
}

#[test]
fn invalid_calls_are_errors_and_change_nothing() {
    let good = architecture(3, 2, 4, 2, 2);
    let none = Mlp::<f32>::new(Architecture { width: 0, ..good }, SGD).unwrap_err();
    assert_eq!(none.to_string(), "width = 0: must be at least 1");
    let mut mlp = network::<f32>(good, SGD, Instructions::detect());
    assert_eq!(mlp.backward(&[0.0; 4], &STEP), Err(KernelError::NoForward));
    assert_eq!(mlp.forward(&[0.0; 3]), Err(KernelError::BatchOfOne));
    assert_eq!(
        mlp.forward(&[]),
        Err(KernelError::Batch {
            found: 0,
            inputs: 3
        })
    );
    assert_eq!(
        mlp.forward(&[0.0; 7]),
        Err(KernelError::Batch {
            found: 7,
            inputs: 3
        })
    );
    mlp.forward(&[0.5; 6]).unwrap();
    let error = mlp.backward(&[0.0; 3], &STEP).unwrap_err();
    assert_eq!(
        error.to_string(),
        "gradient of the logits: 3 values, expected 4"
    );
    mlp.backward(&[0.0; 4], &STEP).unwrap();
    assert_eq!(mlp.backward(&[0.0; 4], &STEP), Err(KernelError::NoForward));
    assert_eq!(mlp.set("x", &[]), Err(KernelError::Unknown("x".to_owned())));
    assert!(matches!(
        mlp.set("classifier.bias", &[0.0]),
        Err(KernelError::Length {
            found: 1,
            expected: 2,
            ..
        })
    ));
}
