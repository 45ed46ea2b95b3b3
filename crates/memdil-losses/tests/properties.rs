//! Reference against finite differences, and the candle version against the reference.
#![allow(missing_docs, clippy::unwrap_used)]

use memdil_losses::{Loss, LossError};
use ndarray::{Array2, array};
use proptest::prelude::*;

fn any_loss() -> impl Strategy<Value = Loss> {
    prop_oneof![
        Just(Loss::CrossEntropy {}),
        (0.0..0.9).prop_map(|alpha| Loss::LabelSmoothing { alpha }),
        (0.01..0.6).prop_map(|alpha| Loss::LabelRelaxation { alpha }),
        Just(Loss::Mse {}),
    ]
}

fn batch() -> impl Strategy<Value = (Array2<f64>, Vec<u32>)> {
    (1usize..6, 2usize..6).prop_flat_map(|(n, k)| {
        (prop::collection::vec(-8.0..8.0, n * k), prop::collection::vec(0..k as u32, n))
            .prop_map(move |(z, y)| (Array2::from_shape_vec((n, k), z).unwrap(), y))
    })
}

proptest! {
    #[test]
    fn gradient_is_the_finite_difference(loss in any_loss(), (logits, labels) in batch()) {
        let (_, gradient) = loss.value_and_gradient(logits.view(), &labels).unwrap();
        let step = 1e-5;
        for (index, &slope) in gradient.indexed_iter() {
            let at = |shift: f64| {
                let mut moved = logits.clone();
                moved[index] += shift;
                loss.value(moved.view(), &labels).unwrap()
            };
            // Label relaxation has a kink in its second derivative only: its first is continuous.
            let difference = (at(step) - at(-step)) / (2.0 * step);
            prop_assert!((slope - difference).abs() < 2e-5, "{loss:?} {index:?}: {slope} against {difference}");
        }
    }

    #[test]
    fn a_constant_added_to_all_logits_changes_nothing(
        loss in any_loss(), (logits, labels) in batch(), shift in -500.0..500.0,
    ) {
        prop_assume!(loss != Loss::Mse {});
        let (value, gradient) = loss.value_and_gradient(logits.view(), &labels).unwrap();
        let (shifted, slope) = loss.value_and_gradient(logits.mapv(|z| z + shift).view(), &labels).unwrap();
        prop_assert!((value - shifted).abs() < 1e-9);
        prop_assert!((&gradient - &slope).iter().all(|d| d.abs() < 1e-9));
    }

    #[test]
    fn relaxation_never_exceeds_cross_entropy(alpha in 0.01..0.6, (logits, labels) in batch()) {
        let relaxed = Loss::LabelRelaxation { alpha }.value(logits.view(), &labels).unwrap();
        let plain = Loss::CrossEntropy {}.value(logits.view(), &labels).unwrap();
        prop_assert!(relaxed >= 0.0 && relaxed <= plain);
    }
}

#[test]
fn bad_input_is_named() {
    let z = array![[0.0, 1.0], [2.0, 3.0]];
    let ce = Loss::CrossEntropy {};
    assert!(matches!(ce.value(z.view(), &[0]), Err(LossError::Length { logits: 2, labels: 1 })));
    assert!(matches!(ce.value(z.view(), &[0, 2]), Err(LossError::Label { row: 1, label: 2, classes: 2 })));
    assert!(matches!(ce.value(array![[0.0, f64::NAN]].view(), &[0]), Err(LossError::NotFinite { row: 0 })));
    assert!(matches!(ce.value(Array2::zeros((0, 2)).view(), &[]), Err(LossError::Shape { .. })));
    assert!(matches!(ce.value(array![[1.0]].view(), &[0]), Err(LossError::Shape { classes: 1, .. })));
    for loss in [
        Loss::LabelSmoothing { alpha: 1.0 },
        Loss::LabelSmoothing { alpha: -0.1 },
        Loss::LabelSmoothing { alpha: f64::NAN },
        Loss::LabelRelaxation { alpha: 0.0 },
        Loss::LabelRelaxation { alpha: 1.0 },
    ] {
        assert!(matches!(loss.value(z.view(), &[0, 1]), Err(LossError::Alpha { .. })), "{loss:?}");
    }
}

#[cfg(feature = "candle")]
mod candle {
    use candle_core::{DType, Device, Tensor, Var};

    use super::*;

    fn differentiate(
        loss: Loss,
        logits: &Array2<f64>,
        labels: &[u32],
        dtype: DType,
    ) -> candle_core::Result<(f64, Vec<f64>)> {
        let values: Vec<f64> = logits.iter().copied().collect();
        let z = Tensor::from_vec(values, logits.dim(), &Device::Cpu)?.to_dtype(dtype)?;
        let z = Var::from_tensor(&z)?;
        let y = Tensor::new(labels, &Device::Cpu)?;
        let value = loss.tensor(&z, &y)?;
        let store = value.backward()?;
        // A loss that is constant on the whole batch (label relaxation) may leave no gradient behind.
        let gradient = match store.get(&z) {
            Some(g) => g.to_dtype(DType::F64)?.flatten_all()?.to_vec1()?,
            None => vec![0.0; logits.len()],
        };
        Ok((value.to_dtype(DType::F64)?.to_scalar()?, gradient))
    }

    proptest! {
        #[test]
        fn tensor_version_is_the_reference(loss in any_loss(), (logits, labels) in batch()) {
            let (value, gradient) = loss.value_and_gradient(logits.view(), &labels).unwrap();
            for (dtype, tolerance) in [(DType::F64, 1e-12), (DType::F32, 2e-5)] {
                let (got, slope) = differentiate(loss, &logits, &labels, dtype).unwrap();
                prop_assert!((got - value).abs() <= tolerance * (1.0 + value.abs()), "{loss:?}: {got} against {value}");
                for (a, b) in slope.iter().zip(&gradient) {
                    prop_assert!((a - b).abs() <= tolerance * (1.0 + b.abs()), "{loss:?}: {a} against {b}");
                }
            }
        }
    }

    #[test]
    fn large_gaps_keep_finite_gradients() {
        for (z, label) in [([1000.0, 0.0], 0), ([1000.0, 0.0], 1), ([0.0, 120.0], 0)] {
            for loss in
                [Loss::CrossEntropy {}, Loss::LabelSmoothing { alpha: 0.1 }, Loss::LabelRelaxation { alpha: 0.1 }]
            {
                let logits = Array2::from_shape_vec((1, 2), z.to_vec()).unwrap();
                let (reference, _) = loss.value_and_gradient(logits.view(), &[label]).unwrap();
                let (value, gradient) = differentiate(loss, &logits, &[label], DType::F32).unwrap();
                assert!(
                    (value - reference).abs() <= 1e-5 * (1.0 + reference),
                    "{loss:?} {z:?}: {value} against {reference}"
                );
                assert!(gradient.iter().all(|g| g.is_finite()), "{loss:?} {z:?}: {gradient:?}");
            }
        }
    }
}
