//! Measures neural collapse in the features of any model.
//!
//! `cargo run -p memdil-metrics --example measure -- features.npy labels.npy`: the features are
//! float32, samples x features; the labels are int64, one per sample, from 0.

#![allow(clippy::print_stdout)]

use std::error::Error;

use memdil_metrics::Measure;
use ndarray::{Array1, Array2};
use ndarray_npy::read_npy;

fn main() -> Result<(), Box<dyn Error>> {
    let paths: Vec<String> = std::env::args().skip(1).collect();
    let [features, labels] = paths.as_slice() else {
        return Err("usage: measure FEATURES.npy LABELS.npy".into());
    };
    let features: Array2<f32> = read_npy(features)?;
    let labels: Array1<i64> = read_npy(labels)?;
    let labels = labels.to_vec();
    let classes = labels.iter().max().map_or(0, |&largest| largest + 1);

    // The type of the logits is `f32`, although there are none.
    let measure = Measure::<_, f32, _>::new(features.view(), &labels, usize::try_from(classes)?);
    let metrics = measure.run()?;
    println!("samples                   {:?}", features.dim());
    println!("NC1                       {:?}", metrics.nc1);
    println!("NC2, equal norms          {:?}", metrics.nc2_equinorm);
    println!("NC2, equal angles         {:?}", metrics.nc2_equiangle);
    for (name, reason) in metrics.undefined.iter().flatten() {
        println!("{name} is undefined: {reason}");
    }
    Ok(())
}
