//! Batches of 128 from 60,000 grayscale images of 28 x 28, compared with the training step that
//! they feed, that of the paper's smallest network.
#![allow(missing_docs)]

use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use memdil_data::random::{Stream, shuffle, stream};
use memdil_data::{Images, Input, Inputs};
use memdil_kernels::{Activation, Architecture, Decay, Mlp, Norm, Optimizer, Step};

const IMAGES: usize = 60_000;
const BATCH: usize = 128;

fn feeding(criterion: &mut Criterion) {
    let mut rng = stream(1, Stream::Shuffle);
    let pixels: Vec<u8> = (0..IMAGES * 784)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    let images = Images::new(1, 28, 28, pixels).expect("whole images");
    let mut order: Vec<usize> = (0..IMAGES).collect();
    shuffle(&mut rng, &mut order);

    let mut group = criterion.benchmark_group("feeding");
    group
        .throughput(Throughput::Elements(BATCH as u64))
        .sample_size(20);
    for (name, input) in [("native", Input::Native), ("authors", Input::Authors)] {
        let inputs = Inputs::new(images.clone(), &[0.1307], &[0.3081], input).expect("one channel");
        let mut batches = order.chunks_exact(BATCH).cycle();
        // Training also reuses the memory of a batch.
        let mut batch = vec![0.0; BATCH * inputs.values_per_sample()];
        group.bench_function(format!("batch/{name}"), |bencher| {
            bencher.iter(|| inputs.fill(batches.next().expect("an endless cycle"), &mut batch));
        });

        let architecture = Architecture {
            inputs: inputs.values_per_sample(),
            depth: 4,
            width: 64,
            features: 10,
            classes: 10,
            norm: Norm::Batch,
            activation: Activation::Relu,
            fixed_classifier: false,
        };
        // The values of the weights do not matter for the time, so they stay zero.
        let mut network = Mlp::<f32>::new(
            architecture,
            Optimizer::Sgd {
                momentum: 0.9,
                nesterov: false,
            },
        )
        .expect("a network");
        let decay = Decay::Coupled(5e-4);
        let step = Step {
            learning_rate: 1e-6,
            decay,
            classifier_decay: decay,
            feature_decay: 0.0,
        };
        group.bench_function(format!("step/{name}"), |bencher| {
            // The time of the step excludes the filling of the batch.
            bencher.iter_custom(|count| {
                (0..count).fold(Duration::ZERO, |total, _| {
                    inputs.fill(batches.next().expect("an endless cycle"), &mut batch);
                    let started = Instant::now();
                    let logits = network.forward(&batch).expect("logits");
                    network.backward(&logits, &step).expect("a gradient");
                    total + started.elapsed()
                })
            });
        });
    }
    group.finish();
}

criterion_group!(benches, feeding);
criterion_main!(benches);
