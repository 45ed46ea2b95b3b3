//! Compares the losses on samples that a network is more and more certain of.
//!
//! `cargo run -p memdil-losses --no-default-features --example compare` prints, for each loss and
//! each probability of the label, the value and the derivative by the logit of the label.
//! Cross-entropy and focal loss keep pushing correct samples; label relaxation stops once the label
//! has probability `1 - alpha`; label smoothing pushes back beyond its target.

#![allow(clippy::print_stdout)]

use memdil_losses::{Loss, LossError};
use ndarray::array;

fn main() -> Result<(), LossError> {
    let losses = [
        Loss::CrossEntropy {},
        Loss::LabelSmoothing { alpha: 0.1 },
        Loss::LabelRelaxation { alpha: 0.1 },
        Loss::Focal { gamma: 2.0 },
        Loss::GeneralizedCrossEntropy { q: 0.7 },
    ];
    println!(
        "{:<10} {:>8} {:>10} {:>12}",
        "loss", "p(label)", "value", "derivative"
    );
    for loss in &losses {
        for probability in [0.01_f64, 0.5, 0.9, 0.99] {
            // Two classes: the logits differ by the log odds.
            let logits = array![[(probability / (1.0 - probability)).ln(), 0.0]];
            let (value, gradient) = loss.value_and_gradient(logits.view(), &[0])?;
            let (name, derivative) = (loss.label(), gradient[[0, 0]]);
            println!("{name:<10} {probability:>8} {value:>10.4} {derivative:>12.4}");
        }
    }
    Ok(())
}
