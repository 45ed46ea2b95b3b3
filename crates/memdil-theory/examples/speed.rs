//! Solves a second for each loss, and the time of a 60 x 60 phase map.
//!
//! `cargo run --release -p memdil-theory --example speed`
#![allow(clippy::print_stdout)]

use memdil_theory::memorization_dilation::solve;
use memdil_theory::phase::{geometric, phase_map};
use memdil_theory::{LossKind, MarginLoss, MdSetting, Measure, TheoryError};
use std::time::Instant;

fn main() -> Result<(), TheoryError> {
    let base = MdSetting {
        lambda_w: 1e-3,
        lambda_h: 1e-3,
        eta: 0.1,
        c_md: 0.5,
        measure: Measure::Sphere,
        dim: 2,
        nonnegative: true,
    };
    let smoothing = MarginLoss::new(LossKind::Ls, 0.1)?;
    let losses = [("ce", MarginLoss::cross_entropy()), ("ls", smoothing), ("lr", MarginLoss::new(LossKind::Lr, 0.1)?)];
    let lambdas = geometric(1e-7, 1e-2, 200)?;
    for (name, loss) in losses {
        solve(&base, &loss)?; // computes the quadrature
        let start = Instant::now();
        for &lambda in &lambdas {
            let setting = MdSetting { lambda_w: lambda, lambda_h: lambda, ..base };
            solve(&setting, &loss)?;
        }
        let rate = lambdas.len() as f64 / start.elapsed().as_secs_f64();
        println!("{name}: {rate:.0} solves a second");
    }
    let etas: Vec<f64> = (0..60).map(|i| 0.01 + 0.44 * f64::from(i) / 59.0).collect();
    for threads in [1, 2] {
        let start = Instant::now();
        let map = phase_map(&base, &smoothing, &etas, &geometric(1e-7, 1e-1, 60)?, threads)?;
        let cells = map.ratio.iter().flatten().filter(|cell| cell.is_some()).count();
        println!("60 x 60 map, {threads} threads: {:?}, {cells} cells", start.elapsed());
    }
    Ok(())
}
