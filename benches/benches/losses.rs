//! Value and gradient of the f64 reference of the losses.
#![allow(missing_docs)]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use memdil_losses::Loss;
use ndarray::Array2;

fn losses(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("losses");
    for (n, classes) in [(128, 2), (10_000, 10)] {
        let logits =
            Array2::from_shape_fn((n, classes), |(i, j)| ((i * 7 + j * 3) % 13) as f64 - 6.0);
        let labels: Vec<u32> = (0..n).map(|i| (i % classes) as u32).collect();
        group.throughput(Throughput::Elements(n as u64));
        for loss in [
            Loss::CrossEntropy {},
            Loss::LabelSmoothing { alpha: 0.1 },
            Loss::LabelRelaxation { alpha: 0.1 },
            Loss::Mse {},
        ] {
            let id = BenchmarkId::new(loss.short_name(), format!("{n}x{classes}"));
            group.bench_function(id, |b| {
                b.iter(|| loss.value_and_gradient(logits.view(), &labels))
            });
        }
    }
    group.finish();
}

criterion_group!(benches, losses);
criterion_main!(benches);
