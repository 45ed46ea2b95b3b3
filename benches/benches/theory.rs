//! One memorization-dilation solve per loss, and a phase map.
#![allow(missing_docs)]

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use memdil_theory::memorization_dilation::solve;
use memdil_theory::phase::{geometric, phase_map};
use memdil_theory::{FeatureMeasure, LossKind, MarginLoss, MdSetting, TheoryError};

const BASE: MdSetting = MdSetting::new(1e-4, 1e-4).noise(0.1, 0.5);

fn theory(criterion: &mut Criterion) {
    if let Err(error) = benches(criterion) {
        panic!("the settings of the benchmark are invalid: {error}");
    }
}

fn benches(criterion: &mut Criterion) -> Result<(), TheoryError> {
    let mut group = criterion.benchmark_group("theory");
    for (name, loss) in [
        ("CE", MarginLoss::cross_entropy()),
        ("LS", MarginLoss::new(LossKind::Ls, 0.1)?),
        ("LR", MarginLoss::new(LossKind::Lr, 0.1)?),
    ] {
        group.bench_function(BenchmarkId::new("md-solve", name), |b| {
            b.iter(|| solve(&BASE, &loss))
        });
        let jumps = BASE.measure(FeatureMeasure::Jumps);
        group.bench_function(BenchmarkId::new("md-solve-jumps", name), |b| {
            b.iter(|| solve(&jumps, &loss))
        });
    }
    let etas: Vec<f64> = (0..60).map(|i| 0.01 + 0.44 * f64::from(i) / 59.0).collect();
    let lambdas = geometric(1e-7, 1e-2, 60)?;
    let smoothing = MarginLoss::new(LossKind::Ls, 0.1)?;
    group.sample_size(10);
    group.bench_function("phase-map/60x60", |b| {
        b.iter(|| phase_map(&BASE, &smoothing, &etas, &lambdas))
    });
    group.finish();
    Ok(())
}

criterion_group!(all, theory);
criterion_main!(all);
