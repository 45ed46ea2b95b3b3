//! Compares the kernels of a GPU with the processor.

use memdil_kernels::gpu::{Cuda, GpuFeatures, Numbers, StepComparison, difference, larger};
use memdil_kernels::{Activation, Architecture, Decay, Norm, Optimizer, Step};
use memdil_losses::Loss;
use ndarray::ArrayView2;

use crate::error::RunnerError;
use crate::network::gpu::device_loss;

/// A sequence of training steps that is compared.
pub(super) struct Case {
    architecture: Architecture,
    optimizer: Optimizer,
    step: Step,
    loss: Loss,
    batches: Vec<usize>,
    seed: u64,
}

impl Case {
    /// A case with the default optimiser, step, loss and seed.
    fn of(architecture: Architecture, batches: &[usize]) -> Self {
        Self {
            architecture,
            optimizer: SGD,
            step: COUPLED,
            loss: Loss::CrossEntropy {},
            batches: batches.to_vec(),
            seed: 1,
        }
    }
}

/// The network of most cases.
pub(super) const BASE: Architecture = Architecture {
    inputs: 130,
    depth: 3,
    width: 66,
    features: 3,
    classes: 5,
    norm: Norm::Batch,
    activation: Activation::Relu,
    fixed_classifier: false,
};

/// The optimiser of most cases.
pub(super) const SGD: Optimizer = Optimizer::Sgd {
    momentum: 0.9,
    nesterov: false,
};

const COUPLED: Step = Step {
    learning_rate: 0.05,
    decay: Decay::Coupled(5e-3),
    classifier_decay: Decay::Coupled(2e-3),
    feature_decay: 0.05,
};

const DECOUPLED: Step = Step {
    decay: Decay::Decoupled(0.05),
    classifier_decay: Decay::Decoupled(0.01),
    ..COUPLED
};

/// All cases: shapes below, at and above the tile sizes of the kernels, and every optimiser, loss
/// and variant of a network.
pub(super) fn cases() -> Vec<(String, Case)> {
    let all = [shapes(), optimizers(), losses(), variants()];
    all.into_iter().flatten().collect()
}

fn shapes() -> Vec<(String, Case)> {
    // Each batch size three times: the first step warms up, the second is recorded as a graph.
    let narrow = [16, 32, 17, 5].map(|n| [n; 3]).concat();
    let name = "batches of every kind, three times".to_owned();
    let mut cases = vec![(name, Case::of(BASE, &narrow))];
    let mut numbers = Numbers(7);
    for _ in 0..12 {
        let [inputs, width] = [1, 1].map(|_| 1 + numbers.below(300));
        let depth = 1 + numbers.below(4);
        let features = 1 + numbers.below(70);
        let classes = 2 + numbers.below(11);
        let architecture = Architecture {
            inputs,
            depth,
            width,
            features,
            classes,
            ..BASE
        };
        // Batch statistics of fewer samples amplify rounding until f32 on the processor
        // deviates from f64 as well.
        let batches = (0..4).map(|_| 8 + numbers.below(72)).collect::<Vec<_>>();
        let name = format!("{inputs}-{width}x{depth}-{features}-{classes}, batches {batches:?}");
        cases.push((name, Case::of(architecture, &batches)));
    }
    let wide = Architecture {
        inputs: 3072,
        width: 2048,
        features: 2,
        classes: 2,
        ..BASE
    };
    let case = Case::of(wide, &[16, 16, 16, 128, 128, 128]);
    cases.push(("3072-2048x3-2-2".to_owned(), case));
    cases
}

fn optimizers() -> Vec<(String, Case)> {
    let sgd = |momentum, nesterov| Optimizer::Sgd { momentum, nesterov };
    let adam = Optimizer::Adam {
        beta1: 0.9,
        beta2: 0.99,
        epsilon: 1e-3,
    };
    let mut cases = Vec::new();
    for (name, optimizer) in [
        ("plain", sgd(0.0, false)),
        ("Nesterov", sgd(0.8, true)),
        ("Adam", adam),
    ] {
        for (kind, step) in [("coupled", COUPLED), ("decoupled", DECOUPLED)] {
            let case = Case {
                optimizer,
                step,
                ..Case::of(BASE, &[16, 40, 9])
            };
            cases.push((format!("{name}, decay {kind}"), case));
        }
    }
    cases
}

fn losses() -> Vec<(String, Case)> {
    let entry = |i, j| if i == j { 0.8 } else { 0.05 };
    let transition: Vec<Vec<f64>> = (0..5)
        .map(|i| (0..5).map(|j| entry(i, j)).collect())
        .collect();
    let losses = [
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
    ];
    losses
        .into_iter()
        .map(|loss| {
            let name = loss.label();
            let base = Case::of(BASE, &[16, 40]);
            (name, Case { loss, ..base })
        })
        .collect()
}

fn variants() -> Vec<(String, Case)> {
    let mut cases = Vec::new();
    for norm in [Norm::Batch, Norm::None] {
        for fixed_classifier in [false, true] {
            let architecture = Architecture {
                norm,
                activation: Activation::Sigmoid,
                fixed_classifier,
                features: 7,
                ..BASE
            };
            let name = format!("sigmoid, norm {norm:?}, fixed classifier {fixed_classifier}");
            cases.push((name, Case::of(architecture, &[16, 40])));
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
    let comparison = StepComparison {
        architecture: case.architecture,
        optimizer: case.optimizer,
        step: case.step,
        loss: (&device_loss(&case.loss), &reference),
        batches: &case.batches,
        seed: case.seed,
    };
    Ok(comparison.run(cuda.clone())?.most())
}

/// Compares NC1, NC4 and scatter of nearly collapsed features far from the origin.
pub(super) fn collapse(
    cuda: &Cuda,
    (samples, features, classes): (usize, usize, usize),
) -> Result<f64, RunnerError> {
    let mut numbers = Numbers(11);
    let centres = numbers.values(classes * features);
    let centres: Vec<f32> = centres.iter().map(|v| 30.0 + v).collect();
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
    let scatter = device.scatter().iter().zip(device.counts());
    let scatter = scatter.map(|(sum, &n)| sum / n as f64);
    let bias = ndarray::Array1::<f32>::zeros(classes);
    let mut pairs = vec![(nc1, memdil_metrics::nc1(h, &labels, classes)?)];
    pairs.extend(scatter.zip(moments.variances()));
    let relative = pairs
        .into_iter()
        .map(|(found, expected)| (found / expected - 1.0).abs())
        .fold(0.0, larger);
    let expected = memdil_metrics::nc4(h, &labels, weights, bias.view())?;
    Ok(larger(relative, difference(nc4, expected)))
}
