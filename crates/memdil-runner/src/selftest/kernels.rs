//! The kernels of a GPU beside the processor.

use memdil_kernels::gpu::{Comparison, Cuda, GpuFeatures, Numbers, difference, larger};
use memdil_kernels::{Activation, Architecture, Decay, Norm, Optimizer, Step};
use memdil_losses::Loss;
use ndarray::ArrayView2;

use crate::RunnerError;
use crate::network::gpu::device_loss;

/// A step to compare, with what it is.
pub(super) struct Case {
    architecture: Architecture,
    optimizer: Optimizer,
    step: Step,
    loss: Loss,
    batches: Vec<usize>,
    seed: u64,
}

/// Shapes below, at and above the sizes that the kernels are cut at; every optimiser, loss and part
/// of a network.
pub(super) fn kernels() -> Vec<(String, Case)> {
    let base = Architecture {
        inputs: 130,
        depth: 3,
        width: 66,
        features: 3,
        classes: 5,
        norm: Norm::Batch,
        activation: Activation::Relu,
        fixed_classifier: false,
    };
    let sgd = Optimizer::Sgd {
        momentum: 0.9,
        nesterov: false,
    };
    let coupled = Step {
        learning_rate: 0.05,
        decay: Decay::Coupled(5e-3),
        classifier_decay: Decay::Coupled(2e-3),
        feature_decay: 0.05,
    };
    let decoupled = Step {
        decay: Decay::Decoupled(0.05),
        classifier_decay: Decay::Decoupled(0.01),
        ..coupled
    };
    // Each three times: the first warms up, the second is recorded.
    let narrow = [16, 32, 17, 5].map(|n| [n; 3]).concat();
    let case = |architecture| Case {
        architecture,
        optimizer: sgd,
        step: coupled,
        loss: Loss::CrossEntropy {},
        batches: narrow.clone(),
        seed: 1,
    };
    let mut cases = vec![("batches of every kind, three times".to_owned(), case(base))];
    let mut numbers = Numbers(7);
    for _ in 0..12 {
        let [inputs, width] = [1, 1].map(|_| 1 + numbers.below(300));
        let (depth, features, classes) = (
            1 + numbers.below(4),
            1 + numbers.below(70),
            2 + numbers.below(11),
        );
        let architecture = Architecture {
            inputs,
            depth,
            width,
            features,
            classes,
            ..base
        };
        // Fewer samples are normalised by small differences: f32 on the processor is no nearer to
        // f64 then.
        let batches = (0..4).map(|_| 8 + numbers.below(72)).collect::<Vec<_>>();
        let name = format!("{inputs}-{width}x{depth}-{features}-{classes}, batches {batches:?}");
        cases.push((
            name,
            Case {
                batches,
                ..case(architecture)
            },
        ));
    }
    let wide = Architecture {
        inputs: 3072,
        width: 2048,
        features: 2,
        classes: 2,
        ..base
    };
    cases.push((
        "3072-2048x3-2-2".to_owned(),
        Case {
            batches: vec![16, 16, 16, 128, 128, 128],
            ..case(wide)
        },
    ));
    let adam = Optimizer::Adam {
        beta1: 0.9,
        beta2: 0.99,
        epsilon: 1e-3,
    };
    let nesterov = Optimizer::Sgd {
        momentum: 0.8,
        nesterov: true,
    };
    for (name, optimizer) in [
        (
            "plain",
            Optimizer::Sgd {
                momentum: 0.0,
                nesterov: false,
            },
        ),
        ("Nesterov", nesterov),
        ("Adam", adam),
    ] {
        for (kind, step) in [("coupled", coupled), ("decoupled", decoupled)] {
            let batches = vec![16, 40, 9];
            cases.push((
                format!("{name}, decay {kind}"),
                Case {
                    optimizer,
                    step,
                    batches,
                    ..case(base)
                },
            ));
        }
    }
    let transition: Vec<Vec<f64>> = (0..5)
        .map(|i| (0..5).map(|j| if i == j { 0.8 } else { 0.05 }).collect())
        .collect();
    for loss in [
        Loss::LabelSmoothing { alpha: 0.2 },
        Loss::LabelRelaxation { alpha: 0.3 },
        Loss::Mse {},
        Loss::Focal { gamma: 2.0 },
        Loss::GeneralizedCrossEntropy { q: 0.7 },
        Loss::SymmetricCrossEntropy {
            alpha: 0.5,
            beta: 0.2,
        },
        Loss::ForwardCorrection { transition },
    ] {
        cases.push((
            loss.label(),
            Case {
                loss,
                batches: vec![16, 40],
                ..case(base)
            },
        ));
    }
    for norm in [Norm::Batch, Norm::None] {
        for fixed_classifier in [false, true] {
            let features = 7;
            let parts = Architecture {
                norm,
                activation: Activation::Sigmoid,
                fixed_classifier,
                features,
                ..base
            };
            let name = format!("sigmoid, norm {norm:?}, fixed classifier {fixed_classifier}");
            cases.push((
                name,
                Case {
                    batches: vec![16, 40],
                    ..case(parts)
                },
            ));
        }
    }
    cases
}

pub(super) fn compare(case: &Case, cuda: &Cuda) -> Result<f64, RunnerError> {
    let reference = |logits: &[f64], labels: &[u32]| {
        let rows = ArrayView2::from_shape((labels.len(), case.architecture.classes), logits);
        let found = rows
            .ok()
            .and_then(|rows| case.loss.value_and_gradient(rows, labels).ok());
        found.map_or(
            (f64::NAN, vec![f64::NAN; logits.len()]),
            |(value, gradient)| (value, gradient.into_iter().collect()),
        )
    };
    let Case {
        architecture,
        optimizer,
        step,
        ref batches,
        seed,
        ..
    } = *case;
    let loss = device_loss(&case.loss);
    let comparison = Comparison {
        architecture,
        optimizer,
        step,
        loss: (&loss, &reference),
        batches,
        seed,
    };
    Ok(comparison.run(cuda.clone())?.most())
}

/// NC1, NC4 and scatter of features that have nearly collapsed, far from the origin.
pub(super) fn collapse(
    cuda: &Cuda,
    (samples, features, classes): (usize, usize, usize),
) -> Result<f64, RunnerError> {
    let mut numbers = Numbers(11);
    let centres: Vec<f32> = numbers
        .values(classes * features)
        .iter()
        .map(|v| 30.0 + v)
        .collect();
    let labels: Vec<u32> = (0..samples).map(|i| if i < classes { i } else { numbers.below(classes) } as u32).collect();
    let mut values = numbers.values(samples * features);
    for (row, &label) in values.chunks_exact_mut(features).zip(&labels) {
        let centre = &centres[label as usize * features..][..features];
        row.iter_mut()
            .zip(centre)
            .for_each(|(value, centre)| *value = centre + 0.01 * *value);
    }
    let h =
        ArrayView2::from_shape((samples, features), &values).map_err(candle_core::Error::wrap)?;
    let weights = numbers.values(classes * features);
    let weights =
        ArrayView2::from_shape((classes, features), &weights).map_err(candle_core::Error::wrap)?;
    let logits: Vec<f32> = h.dot(&weights.t()).into_iter().collect();
    let moments = memdil_metrics::Moments::of(h, &labels, None, classes)?;
    let device = GpuFeatures::new(cuda.clone(), &values, &labels, classes)?;
    let vectors: Vec<f64> = moments.nc1_vectors()?.into_iter().collect();
    let nc1 = device.projected(&vectors)? / samples as f64;
    let nc4 = device.agreeing(&logits)? as f64 / samples as f64;
    let scatter: Vec<f64> = device
        .scatter()
        .iter()
        .zip(device.counts())
        .map(|(sum, &n)| sum / n as f64)
        .collect();
    let bias = ndarray::Array1::<f32>::zeros(classes);
    let mut pairs = vec![(nc1, memdil_metrics::nc1(h, &labels, classes)?)];
    pairs.extend(scatter.into_iter().zip(moments.variances()));
    let relative = pairs
        .into_iter()
        .map(|(found, expected)| (found / expected - 1.0).abs())
        .fold(0.0, larger);
    Ok(larger(
        relative,
        difference(nc4, memdil_metrics::nc4(weights, bias.view(), h, &labels)?),
    ))
}
