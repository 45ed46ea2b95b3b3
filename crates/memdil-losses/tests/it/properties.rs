//! The reference compared with finite differences, and the candle version with the reference.

use memdil_losses::{Loss, LossError};
use ndarray::{Array2, array};
use proptest::prelude::*;

fn any_loss() -> impl Strategy<Value = Loss> {
    prop_oneof![
        Just(Loss::CrossEntropy {}),
        (0.0..0.9).prop_map(|alpha| Loss::LabelSmoothing { alpha }),
        (0.01..0.6).prop_map(|alpha| Loss::LabelRelaxation { alpha }),
        Just(Loss::Mse {}),
        (0.0..5.0).prop_map(|gamma| Loss::Focal { gamma }),
        (0.05..=1.0).prop_map(|q| Loss::GeneralizedCrossEntropy { q }),
        (0.0..6.0, 0.01..2.0).prop_map(|(alpha, beta)| Loss::SymmetricCrossEntropy { alpha, beta }),
    ]
}

/// The loss, and forward correction for this number of classes with the transition matrix of
/// symmetric noise in which class 0 is never corrupted.
fn with_corrections(loss: Loss, classes: usize, eta: f64) -> Vec<Loss> {
    let row = |i: usize| {
        let stay = if i == 0 { 1.0 } else { 1.0 - eta };
        (0..classes)
            .map(|j| {
                if i == j {
                    stay
                } else {
                    (1.0 - stay) / (classes - 1) as f64
                }
            })
            .collect()
    };
    vec![
        loss,
        Loss::ForwardCorrection {
            transition: (0..classes).map(row).collect(),
        },
    ]
}

fn batch() -> impl Strategy<Value = (Array2<f64>, Vec<u32>)> {
    (1usize..6, 2usize..6).prop_flat_map(|(n, k)| {
        (
            prop::collection::vec(-8.0..8.0, n * k),
            prop::collection::vec(0..k as u32, n),
        )
            .prop_map(move |(z, y)| (Array2::from_shape_vec((n, k), z).unwrap(), y))
    })
}

proptest! {
    #[test]
    fn gradients_match_finite_differences(loss in any_loss(), (logits, labels) in batch(), eta in 0.0..0.8) {
        for loss in with_corrections(loss, logits.ncols(), eta) {
        let (_, gradient) = loss.value_and_gradient(logits.view(), &labels).unwrap();
        let step = 1e-5;
        for (index, &slope) in gradient.indexed_iter() {
            let at = |shift: f64| {
                let mut moved = logits.clone();
                moved[index] += shift;
                loss.value(moved.view(), &labels).unwrap()
            };
            // Label relaxation has a continuous first derivative; only its second one jumps.
            let difference = (at(step) - at(-step)) / (2.0 * step);
            prop_assert!((slope - difference).abs() < 2e-5, "{loss:?} {index:?}: {slope} against {difference}");
        }
        }
    }

    #[test]
    fn a_constant_added_to_all_logits_changes_nothing(
        loss in any_loss(), (logits, labels) in batch(), shift in -500.0..500.0,
    ) {
        prop_assume!(loss != Loss::Mse {});
        for loss in with_corrections(loss, logits.ncols(), 0.3) {
        let (value, gradient) = loss.value_and_gradient(logits.view(), &labels).unwrap();
        let (shifted, slope) = loss.value_and_gradient(logits.mapv(|z| z + shift).view(), &labels).unwrap();
        prop_assert!((value - shifted).abs() < 1e-9);
        prop_assert!((&gradient - &slope).iter().all(|d| d.abs() < 1e-9));
        }
    }

    #[test]
    fn special_cases_reduce_to_other_losses((logits, labels) in batch(), alpha in 0.1..3.0) {
        let k = logits.ncols();
        let value = |loss: Loss| loss.value(logits.view(), &labels).unwrap();
        let cross_entropy = value(Loss::CrossEntropy {});
        let near = |a: f64, b: f64| (a - b).abs() <= 1e-12 * (1.0 + b.abs());
        let identity: Vec<Vec<f64>> = (0..k).map(|i| (0..k).map(|j| f64::from(i == j)).collect()).collect();
        assert!(near(value(Loss::Focal { gamma: 0.0 }), cross_entropy));
        assert!(near(value(Loss::ForwardCorrection { transition: identity }), cross_entropy));
        assert!(near(value(Loss::SymmetricCrossEntropy { alpha, beta: 0.0 }), alpha * cross_entropy));
        // 1 - p_y is half of the absolute error of p.
        let absolute = value(Loss::GeneralizedCrossEntropy { q: 1.0 });
        assert!(near(value(Loss::SymmetricCrossEntropy { alpha: 0.0, beta: 0.25 }), absolute));
        assert!((value(Loss::GeneralizedCrossEntropy { q: 1e-9 }) - cross_entropy).abs() < 1e-6);
        // With uninformative labels, the loss is that of chance for every prediction.
        let chance = vec![vec![1.0 / k as f64; k]; k];
        assert!(near(value(Loss::ForwardCorrection { transition: chance }), (k as f64).ln()));
    }

    #[test]
    fn relaxation_never_exceeds_cross_entropy(alpha in 0.01..0.6, (logits, labels) in batch()) {
        let relaxed = Loss::LabelRelaxation { alpha }.value(logits.view(), &labels).unwrap();
        let plain = Loss::CrossEntropy {}.value(logits.view(), &labels).unwrap();
        prop_assert!(relaxed >= 0.0 && relaxed <= plain);
    }
}

#[test]
fn invalid_inputs_are_errors() {
    let z = array![[0.0, 1.0], [2.0, 3.0]];
    let ce = Loss::CrossEntropy {};
    assert!(matches!(
        ce.value(z.view(), &[0]),
        Err(LossError::Length {
            logits: 2,
            labels: 1
        })
    ));
    assert!(matches!(
        ce.value(z.view(), &[0, 2]),
        Err(LossError::Label {
            row: 1,
            label: 2,
            classes: 2
        })
    ));
    assert!(matches!(
        ce.value(array![[0.0, f64::NAN]].view(), &[0]),
        Err(LossError::NotFinite { row: 0 })
    ));
    assert!(matches!(
        ce.value(Array2::zeros((0, 2)).view(), &[]),
        Err(LossError::Shape { .. })
    ));
    assert!(matches!(
        ce.value(array![[1.0]].view(), &[0]),
        Err(LossError::Shape { classes: 1, .. })
    ));
    for loss in [
        Loss::LabelSmoothing { alpha: 1.0 },
        Loss::LabelSmoothing { alpha: -0.1 },
        Loss::LabelSmoothing { alpha: f64::NAN },
        Loss::LabelRelaxation { alpha: 0.0 },
        Loss::LabelRelaxation { alpha: 1.0 },
        Loss::Focal { gamma: -0.1 },
        Loss::Focal {
            gamma: f64::INFINITY,
        },
        Loss::GeneralizedCrossEntropy { q: 0.0 },
        Loss::GeneralizedCrossEntropy { q: 1.1 },
        Loss::SymmetricCrossEntropy {
            alpha: -1.0,
            beta: 1.0,
        },
        Loss::SymmetricCrossEntropy {
            alpha: 1.0,
            beta: f64::NAN,
        },
        Loss::SymmetricCrossEntropy {
            alpha: 0.0,
            beta: 0.0,
        },
    ] {
        assert!(
            matches!(
                loss.value(z.view(), &[0, 1]),
                Err(LossError::Parameter { .. })
            ),
            "{loss:?}"
        );
    }
    for (transition, expected) in [
        (vec![], "transition is missing"),
        (vec![vec![1.0, 0.0]], "row 0 has 2 entries, must be 1"),
        (
            vec![vec![1.0, 0.0], vec![0.5, 0.4]],
            "row 1 is not a distribution",
        ),
        (
            vec![vec![1.0, 0.0], vec![1.5, -0.5]],
            "row 1 is not a distribution",
        ),
        (
            vec![vec![f64::NAN, 0.0], vec![0.0, 1.0]],
            "row 0 is not a distribution",
        ),
        (
            vec![vec![1.0, 0.0], vec![1.0, 0.0]],
            "no class is labelled 1",
        ),
        (
            vec![
                vec![1.0, 0.0, 0.0],
                vec![0.0, 1.0, 0.0],
                vec![0.0, 0.0, 1.0],
            ],
            "has 3 classes, but the logits have 2",
        ),
    ] {
        let error = Loss::ForwardCorrection { transition }
            .value(z.view(), &[0, 1])
            .unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[cfg(feature = "candle")]
mod candle {
    use candle_core::{DType, Device, Tensor, Var};

    use super::*;

    fn differentiate(
        loss: &Loss,
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
        // Label relaxation may be constant on the whole batch; candle then stores no gradient.
        let gradient = match store.get(&z) {
            Some(g) => g.to_dtype(DType::F64)?.flatten_all()?.to_vec1()?,
            None => vec![0.0; logits.len()],
        };
        Ok((value.to_dtype(DType::F64)?.to_scalar()?, gradient))
    }

    proptest! {
        #[test]
        fn tensor_version_matches_the_reference(loss in any_loss(), (logits, labels) in batch(), eta in 0.0..0.8) {
            for loss in with_corrections(loss, logits.ncols(), eta) {
            let (value, gradient) = loss.value_and_gradient(logits.view(), &labels).unwrap();
            for (dtype, tolerance) in [(DType::F64, 1e-12), (DType::F32, 2e-5)] {
                let (got, slope) = differentiate(&loss, &logits, &labels, dtype).unwrap();
                prop_assert!((got - value).abs() <= tolerance * (1.0 + value.abs()), "{loss:?}: {got} against {value}");
                for (a, b) in slope.iter().zip(&gradient) {
                    prop_assert!((a - b).abs() <= tolerance * (1.0 + b.abs()), "{loss:?}: {a} against {b}");
                }
            }
            }
        }
    }

    #[test]
    fn gradients_are_finite_for_large_gaps_of_logits() {
        for (z, label) in [([1000.0, 0.0], 0), ([1000.0, 0.0], 1), ([0.0, 120.0], 0)] {
            let flips = vec![vec![0.9, 0.1], vec![0.0, 1.0]];
            for loss in [
                Loss::CrossEntropy {},
                Loss::LabelSmoothing { alpha: 0.1 },
                Loss::LabelRelaxation { alpha: 0.1 },
                Loss::Focal { gamma: 0.5 },
                Loss::Focal { gamma: 2.0 },
                Loss::GeneralizedCrossEntropy { q: 0.7 },
                Loss::SymmetricCrossEntropy {
                    alpha: 0.1,
                    beta: 1.0,
                },
                Loss::ForwardCorrection { transition: flips },
            ] {
                let logits = Array2::from_shape_vec((1, 2), z.to_vec()).unwrap();
                let (reference, slope) = loss.value_and_gradient(logits.view(), &[label]).unwrap();
                assert!(
                    reference.is_finite() && slope.iter().all(|g| g.is_finite()),
                    "{loss:?} {z:?}: {slope}"
                );
                let (value, gradient) =
                    differentiate(&loss, &logits, &[label], DType::F32).unwrap();
                assert!(
                    (value - reference).abs() <= 1e-5 * (1.0 + reference),
                    "{loss:?} {z:?}: {value} against {reference}"
                );
                assert!(
                    gradient.iter().all(|g| g.is_finite()),
                    "{loss:?} {z:?}: {gradient:?}"
                );
            }
        }
    }
}
