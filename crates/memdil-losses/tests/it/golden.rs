//! Values and gradients compared with the paper authors' code (see golden/README.md).

use std::fs::File;

use memdil_losses::Loss;
use ndarray::{Array0, Array1, Array2};
use ndarray_npy::NpzReader;

#[test]
fn agrees_with_the_authors_code() {
    for file in ["a", "b"] {
        let path = format!(
            "{}/tests/golden/losses_{file}.npz",
            env!("CARGO_MANIFEST_DIR")
        );
        let mut npz = NpzReader::new(File::open(path).unwrap()).unwrap();
        let logits: Array2<f64> = npz.by_name("logits").unwrap();
        let labels: Array1<i64> = npz.by_name("labels").unwrap();
        let labels: Vec<u32> = labels.iter().map(|&y| u32::try_from(y).unwrap()).collect();
        for loss in [
            Loss::CrossEntropy {},
            Loss::LabelSmoothing { alpha: 0.1 },
            Loss::LabelRelaxation { alpha: 0.1 },
            Loss::Mse {},
        ] {
            let name = loss.short_name();
            let value: Array0<f64> = npz.by_name(&format!("{name}_loss")).unwrap();
            let gradient: Array2<f64> = npz.by_name(&format!("{name}_grad")).unwrap();
            let (got, slope) = loss.value_and_gradient(logits.view(), &labels).unwrap();
            let value = value.into_scalar();
            assert!(
                (got - value).abs() <= 1e-9 * value.abs(),
                "{name}: {got} against {value}"
            );
            let scale = gradient.iter().fold(0f64, |m, g| m.max(g.abs()));
            for (a, b) in slope.iter().zip(&gradient) {
                assert!(
                    (a - b).abs() <= 1e-9 * scale,
                    "{name} gradient: {a} against {b}"
                );
            }
        }
    }
}
