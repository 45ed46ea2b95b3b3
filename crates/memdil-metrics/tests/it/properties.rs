//! The metrics equal their definitions and have the expected invariances.

use memdil_metrics::{
    bias_collapse, ece, memorization, nc1, nc2_etf, nc3, radius, rho, separation,
};
use ndarray::{Array2, ArrayView2, Axis, ShapeBuilder, concatenate, s};
use proptest::prelude::*;

use crate::common::{Random, assert_close, clusters, nc1_naive};

/// Row-major, column-major, reversed and strided views of the same numbers.
fn layouts(matrix: &Array2<f64>) -> [Array2<f64>; 4] {
    let (rows, columns) = matrix.dim();
    let mut by_column = Array2::zeros((rows, columns).f());
    by_column.assign(matrix);
    let mut backwards = Array2::zeros((rows, columns));
    backwards.slice_mut(s![..;-1, ..;-1]).assign(matrix);
    backwards.invert_axis(Axis(0));
    backwards.invert_axis(Axis(1));
    let mut gaps = Array2::from_elem((2 * rows, 3 * columns), f64::NAN);
    gaps.slice_mut(s![..;2, ..;3]).assign(matrix);
    gaps.slice_collapse(s![..;2, ..;3]);
    [matrix.clone(), by_column, backwards, gaps]
}

fn naive(features: ArrayView2<f64>, labels: &[u32], classes: usize) -> f64 {
    nc1_naive(features, labels, classes, 1e-10)
}

proptest! {
    #[test]
    fn nc1_equals_the_definition(seed: u64, classes in 2_usize..9, dim in 1_usize..14, noise in 1e-4..2.0_f64) {
        let (features, labels) = clusters(seed, classes, dim, noise);
        let found = nc1(features.view(), &labels, classes).unwrap();
        assert_close(found, naive(features.view(), &labels, classes), 1e-7);
    }

    #[test]
    fn nc1_of_single_precision_features_equals_the_definition(seed: u64, classes in 2_usize..7, dim in 1_usize..10) {
        let (features, labels) = clusters(seed, classes, dim, 0.5);
        let single = features.mapv(|value| value as f32);
        let found = nc1(single.view(), &labels, classes).unwrap();
        assert_close(found, naive(single.mapv(f64::from).view(), &labels, classes), 1e-7);
    }

    /// Constant features and linear combinations of other features do not change the rank of the
    /// class means.
    #[test]
    fn nc1_handles_dependent_features(seed: u64, classes in 2_usize..9, dim in 1_usize..6, extra in 1_usize..8) {
        let (features, labels) = clusters(seed, classes, dim, 0.3);
        let mixed = features.dot(&Random(!seed).matrix(dim, extra));
        let wide = concatenate![Axis(1), features, mixed, Array2::from_elem((labels.len(), 1), 0.3)];
        let found = nc1(wide.view(), &labels, classes).unwrap();
        assert_close(found, naive(wide.view(), &labels, classes), 1e-7);
    }

    /// Duplicated features scale all distances by the same factor. NC1 is unchanged up to rounding
    /// only if the rank of the class means is determined correctly.
    #[test]
    fn nc1_is_unchanged_by_duplicated_features(seed: u64, classes in 2_usize..9, dim in 1_usize..6, noise in 1e-6..1.0_f64) {
        let (features, labels) = clusters(seed, classes, dim, noise);
        let once = nc1(features.view(), &labels, classes).unwrap();
        let thrice = concatenate![Axis(1), features, features, features.slice(s![.., ..;-1])];
        assert_close(nc1(thrice.view(), &labels, classes).unwrap(), once, 1e-8);
    }

    #[test]
    fn nc1_is_unchanged_by_rotation_scale_and_order(
        seed: u64, classes in 2_usize..8, dim in 1_usize..12, exponent in -100_i32..100, shift in -1e3..1e3_f64,
    ) {
        let (features, labels) = clusters(seed, classes, dim, 0.5);
        let expected = nc1(features.view(), &labels, classes).unwrap();
        let mut random = Random(!seed);

        let turned = features.dot(&random.rotation(dim));
        assert_close(nc1(turned.view(), &labels, classes).unwrap(), expected, 1e-7);
        let scaled = &features * 10.0_f64.powi(exponent);
        assert_close(nc1(scaled.view(), &labels, classes).unwrap(), expected, 1e-9);
        let moved = &features + shift;
        assert_close(nc1(moved.view(), &labels, classes).unwrap(), expected, 1e-7);

        let order = random.permutation(labels.len());
        let shuffled_labels: Vec<u32> = order.iter().map(|&row| labels[row]).collect();
        let shuffled = features.select(Axis(0), &order);
        assert_close(nc1(shuffled.view(), &shuffled_labels, classes).unwrap(), expected, 1e-9);

        let names = random.permutation(classes);
        let renamed: Vec<u32> = labels.iter().map(|&label| names[label as usize] as u32).collect();
        assert_close(nc1(features.view(), &renamed, classes).unwrap(), expected, 1e-9);
    }

    #[test]
    fn all_memory_layouts_agree(seed: u64, classes in 2_usize..6, dim in 1_usize..9) {
        let (features, observed) = clusters(seed, classes, dim, 0.5);
        let mut random = Random(!seed);
        let classifier = random.matrix(classes, dim);
        let bias = random.matrix(1, classes).remove_axis(Axis(0));
        let logits = features.dot(&classifier.t()) + &bias;
        // Corrupt only samples that are preceded by an uncorrupted sample of class 0.
        let mut clean = observed.clone();
        for (row, label) in clean.iter_mut().enumerate() {
            let spare = observed[..row].contains(&0);
            if *label != 0 && spare && random.uniform() < 0.3 {
                *label = 0;
            }
        }
        let measure = |h: ArrayView2<f64>, w: ArrayView2<f64>, z: ArrayView2<f64>| {
            let moved = memorization(h, &observed, &clean, classes).unwrap();
            [
                nc1(h, &observed, classes).unwrap(),
                nc2_etf(w).unwrap(),
                nc3(h, &observed, w).unwrap(),
                bias_collapse(h, w, bias.view()).unwrap(),
                ece(z, &observed).unwrap(),
                rho(h, &observed, classes).unwrap(),
                moved.sum,
            ]
        };
        let expected = measure(features.view(), classifier.view(), logits.view());
        for ((h, w), z) in layouts(&features).iter().zip(&layouts(&classifier)).zip(&layouts(&logits)) {
            for (found, expected) in measure(h.view(), w.view(), z.view()).iter().zip(expected) {
                assert_close(*found, expected, 1e-13);
            }
        }
    }

    #[test]
    fn radius_and_separation_scale_with_the_features(seed: u64, classes in 2_usize..7, dim in 1_usize..9, scale in 1e-3..1e3_f64) {
        let (features, labels) = clusters(seed, classes, dim, 0.5);
        let scaled = &features * scale;
        let found = radius(scaled.view(), &labels, classes).unwrap();
        assert_close(found, scale * radius(features.view(), &labels, classes).unwrap(), 1e-12);
        let found = separation(scaled.view()).unwrap();
        assert_close(found, scale * separation(features.view()).unwrap(), 1e-12);
        let found = rho(scaled.view(), &labels, classes).unwrap();
        assert_close(found, rho(features.view(), &labels, classes).unwrap(), 1e-12);
    }

    #[test]
    fn calibration_error_equals_its_definition(seed: u64, classes in 1_usize..9, rows in 1_usize..60, size in 1e-3..1e2_f64) {
        let mut random = Random(seed);
        let logits = random.matrix(rows, classes) * size;
        let labels: Vec<u32> = (0..rows).map(|_| random.below(classes) as u32).collect();
        let mut bins = vec![(0.0, 0.0); 15];
        for (row, &label) in logits.rows().into_iter().zip(&labels) {
            let exponentials = row.mapv(f64::exp);
            let softmax = &exponentials / exponentials.sum();
            let confidence = softmax.fold(0.0_f64, |a, &b| a.max(b));
            let bin = &mut bins[(15.0 * confidence).ceil() as usize - 1];
            bin.0 += confidence;
            bin.1 += if softmax[label as usize] >= confidence { 1.0 } else { 0.0 };
        }
        let expected = bins.iter().map(|(confidence, right): &(f64, f64)| (confidence - right).abs()).sum::<f64>();
        let found = ece(logits.view(), &labels).unwrap();
        prop_assert!((found - expected / rows as f64).abs() < 1e-12);
        prop_assert!((0.0..=1.0).contains(&found));
    }
}

#[test]
fn nc1_is_accurate_for_collapsed_features_far_from_the_origin() {
    // Collapsed features far from the origin, many more features than classes.
    let (mut features, labels) = clusters(7, 10, 96, 1e-3);
    features += 50.0;
    let single = features.mapv(|value| value as f32);
    let found = nc1(single.view(), &labels, 10).unwrap();
    assert_close(
        found,
        naive(single.mapv(f64::from).view(), &labels, 10),
        1e-6,
    );
    assert!(found > 0.0 && found < 1e-6, "{found}");
}
