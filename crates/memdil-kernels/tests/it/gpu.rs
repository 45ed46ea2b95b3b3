//! The GPU kernels, emulated on the CPU, compared with the CPU's training step in f64.

mod emulator;

use memdil_kernels::gpu::{
    Cuda, DeviceLoss, GpuFeatures, GpuMlp, Numbers, Progress, Samples, StepComparison,
    StoredPixels, StoredSamples,
};
use memdil_kernels::{Activation, Architecture, Decay, KernelError, Mlp, Norm, Optimizer, Step};
use ndarray::{Array2, ArrayView2};

use self::emulator::Emulator;

const SGD: Optimizer = Optimizer::Sgd {
    momentum: 0.9,
    nesterov: false,
};

fn architecture(
    inputs: usize,
    depth: usize,
    width: usize,
    features: usize,
    classes: usize,
) -> Architecture {
    Architecture {
        inputs,
        depth,
        width,
        features,
        classes,
        norm: Norm::Batch,
        activation: Activation::Relu,
        fixed_classifier: false,
    }
}

fn step(rate: f64) -> Step {
    Step {
        learning_rate: rate,
        decay: Decay::Coupled(5e-3),
        classifier_decay: Decay::Coupled(2e-3),
        feature_decay: 0.0,
    }
}

/// The same network on the emulated device and, in f64, on the CPU.
fn both(architecture: Architecture, batch: usize, seed: u64) -> (GpuMlp<Emulator>, Mlp<f64>) {
    let (loss, reference) = cross_entropy();
    let reference = |logits: &[f64], labels: &[u32]| value_and_gradient(&reference, logits, labels);
    let (optimizer, step, batches) = (SGD, step(0.1), &[batch][..]);
    let comparison = StepComparison {
        architecture,
        optimizer,
        step,
        loss: (&loss, &reference),
        batches,
        seed,
    };
    comparison.networks(Emulator::default()).unwrap()
}

fn value_and_gradient(
    loss: &memdil_losses::Loss,
    logits: &[f64],
    labels: &[u32],
) -> (f64, Vec<f64>) {
    let logits =
        ArrayView2::from_shape((labels.len(), logits.len() / labels.len()), logits).unwrap();
    let (value, gradient) = loss.value_and_gradient(logits, labels).unwrap();
    (value, gradient.into_iter().collect())
}

fn assert_close(what: &str, found: f64, expected: f64, tolerance: f64) {
    assert!(
        (found - expected).abs() <= tolerance * (1.0 + expected.abs()),
        "{what}: {found}, expected {expected}"
    );
}

/// Compares steps with changing batch sizes on the emulated device and on the CPU.
fn check(
    architecture: Architecture,
    optimizer: Optimizer,
    batches: &[usize],
    (loss, reference): (&DeviceLoss, &memdil_losses::Loss),
    step: Step,
    seed: u64,
) {
    let reference = |logits: &[f64], labels: &[u32]| value_and_gradient(reference, logits, labels);
    let comparison = StepComparison {
        architecture,
        optimizer,
        step,
        loss: (loss, &reference),
        batches,
        seed,
    };
    let found = comparison.run(Emulator::default()).unwrap();
    // Two or three samples are normalised by their differences, in which rounding errors may be
    // large.
    let limit = if batches.iter().any(|&n| n < 5) {
        3e-4
    } else {
        1e-5
    };
    assert!(
        found.most() < limit,
        "{architecture:?} {batches:?} {found:?}"
    );
}

fn cross_entropy() -> (DeviceLoss, memdil_losses::Loss) {
    (
        DeviceLoss::Smoothed { alpha: 0.0 },
        memdil_losses::Loss::CrossEntropy {},
    )
}

#[test]
fn narrow_and_wide_batches_match_the_cpu() {
    let (loss, reference) = cross_entropy();
    // Sizes below, at and above multiples of the kernels' block sizes 4, 64 and 128.
    for (shape, seed) in [
        (architecture(5, 1, 1, 2, 2), 1),
        (architecture(130, 3, 66, 3, 5), 2),
        (architecture(64, 2, 64, 64, 4), 3),
        (architecture(259, 2, 9, 7, 11), 4),
        (architecture(7, 4, 130, 6, 3), 5),
    ] {
        for batches in [
            &[16, 3, 13][..],
            &[32, 32, 32, 17, 16],
            &[33, 5, 40, 40, 40],
        ] {
            check(shape, SGD, batches, (&loss, &reference), step(0.05), seed);
        }
    }
}

/// Two samples are normalised by their difference. The network has one block, because every further
/// block would amplify rounding errors.
#[test]
fn batches_of_two_match_the_cpu() {
    let (loss, reference) = cross_entropy();
    check(
        architecture(9, 1, 1, 6, 3),
        SGD,
        &[2, 16, 2],
        (&loss, &reference),
        step(0.05),
        3,
    );
}

#[test]
fn every_optimizer_matches_the_cpu() {
    let (loss, reference) = cross_entropy();
    let shape = architecture(21, 2, 10, 4, 3);
    let adam = Optimizer::Adam {
        beta1: 0.9,
        beta2: 0.99,
        epsilon: 1e-3,
    };
    for optimizer in [
        Optimizer::Sgd {
            momentum: 0.0,
            nesterov: false,
        },
        SGD,
        Optimizer::Sgd {
            momentum: 0.8,
            nesterov: true,
        },
        adam,
    ] {
        for batches in [&[9, 16, 12][..], &[35, 35]] {
            check(
                shape,
                optimizer,
                batches,
                (&loss, &reference),
                step(0.02),
                7,
            );
            let decay = Decay::Decoupled(0.05);
            let decoupled = Step {
                decay,
                classifier_decay: Decay::Decoupled(0.01),
                ..step(0.02)
            };
            check(shape, optimizer, batches, (&loss, &reference), decoupled, 8);
        }
    }
}

#[test]
fn every_loss_matches_the_cpu() {
    use memdil_losses::Loss;
    let transition = vec![
        vec![0.8, 0.1, 0.1],
        vec![0.2, 0.7, 0.1],
        vec![0.0, 0.3, 0.7],
    ];
    let losses = [
        cross_entropy(),
        (
            DeviceLoss::Smoothed { alpha: 0.2 },
            Loss::LabelSmoothing { alpha: 0.2 },
        ),
        (
            DeviceLoss::Relaxed { alpha: 0.3 },
            Loss::LabelRelaxation { alpha: 0.3 },
        ),
        (DeviceLoss::Squared, Loss::Mse {}),
        (DeviceLoss::Focal { gamma: 2.0 }, Loss::Focal { gamma: 2.0 }),
        (
            DeviceLoss::Generalized { q: 0.7 },
            Loss::GeneralizedCrossEntropy { q: 0.7 },
        ),
        (
            DeviceLoss::Symmetric {
                alpha: 0.5,
                beta: 0.2,
            },
            Loss::SymmetricCrossEntropy {
                alpha: 0.5,
                beta: 0.2,
            },
        ),
        (
            DeviceLoss::Forward {
                transition: transition.concat(),
            },
            Loss::ForwardCorrection { transition },
        ),
    ];
    for (loss, reference) in &losses {
        for batches in [&[8, 8][..], &[34, 34]] {
            check(
                architecture(12, 2, 8, 3, 3),
                SGD,
                batches,
                (loss, reference),
                step(0.05),
                9,
            );
        }
    }
}

#[test]
fn every_architecture_matches_the_cpu() {
    let (loss, reference) = cross_entropy();
    let shape = architecture(18, 3, 12, 5, 3);
    let decayed = Step {
        feature_decay: 0.1,
        ..step(0.05)
    };
    for batches in [&[10, 16][..], &[36, 36]] {
        for norm in [Norm::Batch, Norm::None] {
            for activation in [Activation::Relu, Activation::Sigmoid] {
                for fixed_classifier in [false, true] {
                    let shape = Architecture {
                        norm,
                        activation,
                        fixed_classifier,
                        ..shape
                    };
                    check(shape, SGD, batches, (&loss, &reference), decayed, 11);
                }
            }
        }
    }
}

/// Epochs from bytes on the device, with a smaller last batch, compared with the same batches on
/// the CPU.
#[test]
fn epochs_from_bytes_match_the_cpu() {
    let (count, plane, copies, n) = (23, 6, 2, 8);
    let mut numbers = Numbers(5);
    let bytes: Vec<u8> = (0..count * plane * 2)
        .map(|_| numbers.below(256) as u8)
        .collect();
    let labels: Vec<u32> = (0..count).map(|_| numbers.below(3) as u32).collect();
    let constants = [(0.01_f32, -1.0_f32), (0.02, 0.5)];
    let shape = architecture(plane * 2 * copies, 2, 9, 4, 3);
    let (loss, reference_loss) = cross_entropy();
    let (mut gpu, mut cpu) = both(shape, n, 6);
    let stored = StoredSamples {
        pixels: StoredPixels::Bytes(&bytes),
        plane,
        constants: &constants,
        copies,
        labels: &labels,
    };
    let samples = Samples::new(gpu.machine(), &stored).unwrap();
    let input = |sample: usize| {
        let image = &bytes[sample * plane * 2..][..plane * 2];
        let value = |(i, &byte): (usize, &u8)| {
            f32::from(byte) * constants[i / plane].0 + constants[i / plane].1
        };
        let once: Vec<f32> = image.iter().enumerate().map(value).collect();
        once.repeat(copies)
    };

    let all: Vec<u32> = (0..count as u32).rev().collect();
    let (features, logits) = gpu.evaluate(&samples, &all).unwrap();
    let inputs: Vec<f32> = all.iter().flat_map(|&i| input(i as usize)).collect();
    assert_eq!((features, logits), gpu.evaluate_on(&inputs).unwrap());

    let order: Vec<u32> = (0..count as u32).map(|i| i * 5 % count as u32).collect();
    for epoch in 0..3 {
        gpu.begin(&order, (0, 0.0), &loss, &step(0.05)).unwrap();
        let mut expected = 0.0;
        for (index, batch) in order.chunks(n).enumerate() {
            if index == 1 && epoch == 1 {
                // Interrupt and resume the epoch.
                let Progress { total, .. } = gpu.progress().unwrap();
                gpu.begin(&order, (n, total), &loss, &step(0.05)).unwrap();
            }
            gpu.step(&samples, batch.len()).unwrap();
            let inputs: Vec<f32> = batch.iter().flat_map(|&i| input(i as usize)).collect();
            let labels: Vec<u32> = batch.iter().map(|&i| labels[i as usize]).collect();
            let logits = cpu
                .forward(&inputs.iter().map(|&v| v.into()).collect::<Vec<_>>())
                .unwrap();
            let (value, gradient) = value_and_gradient(&reference_loss, &logits, &labels);
            cpu.backward(&gradient, &step(0.05)).unwrap();
            expected += value * batch.len() as f64;
        }
        let Progress {
            total,
            steps,
            stopped,
        } = gpu.progress().unwrap();
        assert_close("epoch", total, expected, 2e-5);
        assert_eq!((steps, stopped), (3 * (epoch + 1), None));
    }
    for tensor in gpu.tensors() {
        for (found, expected) in gpu
            .get(&tensor.name)
            .unwrap()
            .iter()
            .zip(cpu.get(&tensor.name).unwrap())
        {
            assert_close(&tensor.name, f64::from(*found), expected, 1e-4);
        }
    }
}

/// Neither the step with the loss nor later steps of the epoch change anything.
#[test]
fn a_loss_that_is_not_finite_changes_nothing() {
    let (loss, _) = cross_entropy();
    for n in [6, 40] {
        let (mut gpu, _) = both(architecture(10, 2, 8, 4, 3), n, 12);
        let mut numbers = Numbers(1);
        let labels: Vec<u32> = (0..n as u32).map(|i| i % 3).collect();
        let good = numbers.values(10 * n);
        gpu.step_on(&good, &labels, &loss, &step(0.1)).unwrap();
        let state = |gpu: &GpuMlp<Emulator>| {
            let values = |t: memdil_kernels::TensorInfo| {
                gpu.get(&t.name)
                    .unwrap()
                    .iter()
                    .map(|v| v.to_bits())
                    .collect()
            };
            gpu.tensors()
                .into_iter()
                .map(values)
                .collect::<Vec<Vec<u32>>>()
        };
        let before = state(&gpu);
        let mut bad = good.clone();
        bad[13] = f32::INFINITY;
        assert!(
            !gpu.step_on(&bad, &labels, &loss, &step(0.1))
                .unwrap()
                .is_finite()
        );
        assert_eq!(state(&gpu), before);

        // In the middle of an epoch, the batches after it are not trained on either.
        let pixels = [good.clone(), bad, good.clone()].concat();
        let labels = labels.repeat(3);
        let stored = StoredSamples {
            pixels: StoredPixels::Floats(&pixels),
            plane: 10,
            constants: &[(1.0, 0.0)],
            copies: 1,
            labels: &labels,
        };
        let samples = Samples::new(gpu.machine(), &stored).unwrap();
        gpu.begin(
            &(0..3 * n as u32).collect::<Vec<_>>(),
            (0, 0.0),
            &loss,
            &step(0.1),
        )
        .unwrap();
        gpu.step(&samples, n).unwrap();
        let (total, after_one) = (gpu.progress().unwrap().total, state(&gpu));
        assert_ne!(after_one, before);
        gpu.step(&samples, n).unwrap();
        gpu.step(&samples, n).unwrap();
        let progress = gpu.progress().unwrap();
        assert!(
            progress.stopped.is_some_and(|loss| !loss.is_finite()),
            "{progress:?}"
        );
        assert_eq!((progress.total, progress.steps), (total, 2));
        assert_eq!(state(&gpu), after_one);
    }
}

#[test]
fn results_are_reproducible_bit_for_bit() {
    let (loss, _) = cross_entropy();
    let run = || {
        let (mut gpu, _) = both(architecture(70, 3, 68, 4, 3), 40, 3);
        let mut numbers = Numbers(2);
        for n in [16, 40, 30] {
            let inputs = numbers.values(70 * n);
            let labels: Vec<u32> = (0..n as u32).map(|i| i % 3).collect();
            gpu.step_on(&inputs, &labels, &loss, &step(0.1)).unwrap();
        }
        gpu.tensors()
            .iter()
            .flat_map(|t| gpu.get(&t.name).unwrap())
            .map(f32::to_bits)
            .collect::<Vec<_>>()
    };
    assert_eq!(run(), run());
}

#[test]
fn invalid_calls_are_errors() {
    let shape = architecture(4, 2, 3, 2, 2);
    let new = |shape, batch| GpuMlp::new(Emulator::default(), shape, SGD, batch).map(|_| ());
    assert_eq!(
        new(
            Architecture {
                norm: Norm::Layer,
                ..shape
            },
            4
        ),
        Err(KernelError::Unsupported("layer normalisation"))
    );
    assert_eq!(
        new(shape, 0),
        Err(KernelError::Size {
            name: "batch",
            value: 0,
            least: 1
        })
    );
    assert_eq!(
        new(Architecture { width: 0, ..shape }, 4),
        Err(KernelError::Size {
            name: "width",
            value: 0,
            least: 1
        })
    );

    let mut gpu = GpuMlp::new(Emulator::default(), shape, SGD, 4).unwrap();
    let (loss, _) = cross_entropy();
    assert_eq!(
        gpu.step_on(&[0.0; 4], &[0], &loss, &step(0.1)),
        Err(KernelError::BatchOfOne)
    );
    assert_eq!(
        gpu.step_on(&[0.0; 7], &[0, 1], &loss, &step(0.1)),
        Err(KernelError::Batch {
            found: 7,
            inputs: 4
        })
    );
    assert_eq!(
        gpu.step_on(&[0.0; 20], &[0, 1, 0, 1, 0], &loss, &step(0.1)),
        Err(KernelError::Size {
            name: "batch",
            value: 5,
            least: 1
        })
    );
    let loss = DeviceLoss::Forward {
        transition: vec![1.0; 9],
    };
    let error = gpu
        .step_on(&[0.0; 8], &[0, 1], &loss, &step(0.1))
        .unwrap_err();
    assert_eq!(
        error,
        KernelError::Length {
            name: "transition".to_owned(),
            found: 9,
            expected: 4
        }
    );
    let index = |name, value, count| Err(KernelError::Index { name, value, count });
    let (loss, _) = cross_entropy();
    assert_eq!(
        gpu.step_on(&[0.0; 8], &[0, 2], &loss, &step(0.1))
            .map(|_| ()),
        index("label", 2, 2)
    );
    let constants = [(1.0, 0.0)];
    let stored = StoredSamples {
        pixels: StoredPixels::Bytes(&[0; 12]),
        plane: 4,
        constants: &constants,
        copies: 1,
        labels: &[0, 1, 0],
    };
    let samples = Samples::new(gpu.machine(), &stored).unwrap();
    gpu.begin(&[0, 3, 1], (0, 0.0), &loss, &step(0.1)).unwrap();
    assert_eq!(gpu.step(&samples, 2), index("sample of the order", 3, 3));
    gpu.begin(&[0, 2, 1], (0, 0.0), &loss, &step(0.1)).unwrap();
    gpu.step(&samples, 2).unwrap();
    assert_eq!(gpu.step(&samples, 2), index("position in the order", 3, 3));
    assert_eq!(
        gpu.evaluate(&samples, &[1, 5]).map(|_| ()),
        index("sample", 5, 3)
    );
    assert_eq!(
        gpu.get("nonsense"),
        Err(KernelError::Unknown("nonsense".to_owned()))
    );
    let constants = [(1.0, 0.0)];
    let stored = StoredSamples {
        pixels: StoredPixels::Bytes(&[0; 5]),
        plane: 4,
        constants: &constants,
        copies: 1,
        labels: &[0, 1],
    };
    let error = Samples::new(gpu.machine(), &stored)
        .map(|_| ())
        .unwrap_err();
    assert_eq!(
        error,
        KernelError::Length {
            name: "pixels".to_owned(),
            found: 5,
            expected: 8
        }
    );
}

/// NC1, scatter, means and NC4, including features that have collapsed far from the origin.
#[test]
fn collapse_matches_memdil_metrics() {
    for (rows, columns, classes, spread) in
        [(50, 5, 3, 0.5), (2300, 66, 2, 1e-3), (130, 3, 7, 1e-2)]
    {
        let mut numbers = Numbers(rows as u64);
        let centres: Vec<f32> = numbers
            .values(classes * columns)
            .iter()
            .map(|v| 30.0 + v)
            .collect();
        let labels: Vec<u32> = (0..rows).map(|i| if i < classes { i } else { numbers.below(classes) } as u32).collect();
        let mut features = numbers.values(rows * columns);
        for (row, &label) in features.chunks_exact_mut(columns).zip(&labels) {
            let centre = &centres[label as usize * columns..][..columns];
            row.iter_mut()
                .zip(centre)
                .for_each(|(value, centre)| *value = centre + spread * *value);
        }
        let weights =
            Array2::from_shape_vec((classes, columns), numbers.values(classes * columns)).unwrap();
        let bias = ndarray::Array1::from(numbers.values(classes));
        let h = ArrayView2::from_shape((rows, columns), &features).unwrap();
        let logits: Vec<f32> = (h.dot(&weights.t()) + &bias).into_iter().collect();

        let device = GpuFeatures::new(Emulator::default(), &features, &labels, classes).unwrap();
        let means = memdil_metrics::class_means(h, &labels, classes).unwrap();
        assert_eq!(device.counts(), means.counts);
        for (found, expected) in device.means().iter().zip(&means.means) {
            assert_close("mean", *found, *expected, 1e-12);
        }
        let moments = memdil_metrics::Moments::of(h, &labels, None, classes).unwrap();
        let variances = device
            .scatter()
            .iter()
            .zip(device.counts())
            .map(|(sum, &n)| sum / n as f64);
        for (found, expected) in variances.zip(moments.variances()) {
            assert!(
                (found / expected - 1.0).abs() < 1e-5,
                "{found}, expected {expected}"
            );
        }
        let nc1 = device
            .projected(
                &moments
                    .nc1_vectors()
                    .unwrap()
                    .into_iter()
                    .collect::<Vec<_>>(),
            )
            .unwrap()
            / rows as f64;
        let expected = memdil_metrics::nc1(h, &labels, classes).unwrap();
        assert!(
            (nc1 / expected - 1.0).abs() < 1e-5,
            "NC1 {nc1}, expected {expected}"
        );
        let nc4 = device.agreeing(&logits).unwrap() as f64 / rows as f64;
        let expected = memdil_metrics::nc4(h, &labels, weights.view(), bias.view()).unwrap();
        assert!(
            (nc4 - expected).abs() < 1e-12,
            "NC4 {nc4}, expected {expected}"
        );
    }
}

/// Compares the steps on a CUDA card if there is one; otherwise the error must be a single line.
#[test]
fn a_card_matches_the_cpu_if_there_is_one() {
    match Cuda::open(0) {
        Err(KernelError::Device(reason)) => {
            assert!(!reason.is_empty() && !reason.contains('\n'), "{reason}")
        }
        Err(other) => panic!("{other}"),
        Ok(cuda) => {
            let (loss, reference) = cross_entropy();
            let reference =
                |logits: &[f64], labels: &[u32]| value_and_gradient(&reference, logits, labels);
            let (architecture, step, batches) =
                (architecture(130, 3, 66, 3, 5), step(0.05), &[16, 33, 5][..]);
            let comparison = StepComparison {
                architecture,
                optimizer: SGD,
                step,
                loss: (&loss, &reference),
                batches,
                seed: 2,
            };
            let found = comparison.run(cuda).unwrap();
            assert!(found.most() < 3e-4, "{found:?}");
        }
    }
}
