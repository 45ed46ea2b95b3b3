//! Dilation in the memorization-dilation model as weight decay vanishes.
//!
//! `cargo run -p memdil-theory --example dilation` prints rho, the radius of unseen features over
//! the distance between the classes, for three losses. With cross-entropy it tends to a constant,
//! with label smoothing to zero.

#![allow(clippy::print_stdout)]

use memdil_theory::memorization_dilation::solve;
use memdil_theory::{LossKind, MarginLoss, MdSetting, TheoryError};

fn main() -> Result<(), TheoryError> {
    let losses = [
        MarginLoss::cross_entropy(),
        MarginLoss::new(LossKind::Ls, 0.1)?,
        MarginLoss::new(LossKind::Lr, 0.1)?,
    ];
    println!(
        "{:>12} {:>10} {:>10} {:>10}",
        "weight decay", "CE", "LS", "LR"
    );
    for exponent in 2..=7 {
        let decay = 10.0_f64.powi(-exponent);
        let setting = MdSetting::new(decay, decay).noise(0.1, 0.5);
        let mut row = format!("{decay:>12.0e}");
        for loss in &losses {
            row += &match solve(&setting, loss)?.rho() {
                Some(rho) => format!(" {rho:>10.6}"),
                None => format!(" {:>10}", "collapsed"),
            };
        }
        println!("{row}");
    }
    Ok(())
}
