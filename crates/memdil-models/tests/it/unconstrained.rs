//! Unconstrained features: initialisation, and values computed by hand of forward pass, gradients
//! and projection.

use candle_core::{Device, Tensor};
use memdil_models::{FeatureShape, UnconstrainedFeatures};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

const SHAPE: FeatureShape = FeatureShape {
    classes: 3,
    samples_per_class: 20,
    dim: 25,
    nonnegative: false,
};

fn model(shape: FeatureShape, seed: u64) -> UnconstrainedFeatures {
    UnconstrainedFeatures::new(shape, &mut ChaCha8Rng::seed_from_u64(seed), &Device::Cpu).unwrap()
}

fn values(tensor: &Tensor) -> Vec<f64> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

#[test]
fn initialisation_is_seeded_and_within_its_bound() {
    let (first, same, other) = (model(SHAPE, 1), model(SHAPE, 1), model(SHAPE, 2));
    for ((_, a), ((_, b), (_, c))) in first
        .parameters()
        .into_iter()
        .zip(same.parameters().into_iter().zip(other.parameters()))
    {
        assert_eq!(values(a), values(b));
        assert_ne!(values(a), values(c));
        assert!(values(a).iter().all(|v| v.abs() <= 0.2) && values(a).iter().any(|v| *v < -0.1));
    }
    let nonnegative = model(
        FeatureShape {
            nonnegative: true,
            ..SHAPE
        },
        1,
    );
    let expected: Vec<f64> = values(first.features()).iter().map(|v| v.abs()).collect();
    assert_eq!(values(nonnegative.features()), expected);
    assert_eq!(values(nonnegative.classifier()), values(first.classifier()));
    let empty = FeatureShape { dim: 0, ..SHAPE };
    assert!(
        UnconstrainedFeatures::new(empty, &mut ChaCha8Rng::seed_from_u64(1), &Device::Cpu).is_err()
    );
}

#[test]
fn both_factors_have_gradients_and_projection_clips_only_features() {
    let shape = FeatureShape {
        classes: 2,
        samples_per_class: 1,
        dim: 2,
        nonnegative: true,
    };
    let model = model(shape, 0);
    let set = |var: &candle_core::Var, v: [[f64; 2]; 2]| {
        var.set(&Tensor::new(&v, &Device::Cpu).unwrap()).unwrap()
    };
    set(model.classifier(), [[1.0, -2.0], [3.0, 4.0]]);
    set(model.features(), [[5.0, 6.0], [7.0, -8.0]]);
    let output = model.forward().unwrap();
    assert_eq!(values(&output.logits), [-7.0, 39.0, 23.0, -11.0]);
    let gradients = output.logits.sum_all().unwrap().backward().unwrap();
    assert_eq!(
        values(gradients.get(model.classifier()).unwrap()),
        [12.0, -2.0, 12.0, -2.0]
    );
    assert_eq!(
        values(gradients.get(model.features()).unwrap()),
        [4.0, 2.0, 4.0, 2.0]
    );
    model.project().unwrap();
    assert_eq!(values(model.features()), [5.0, 6.0, 7.0, 0.0]);
    assert_eq!(values(model.classifier()), [1.0, -2.0, 3.0, 4.0]);
}
