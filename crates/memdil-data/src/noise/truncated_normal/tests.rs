use super::{TruncatedNormal, excess};

/// Mean, standard deviation, location, and quantiles of 0.01, 0.5 and 0.99: computed with mpmath in
/// 60 to 400 digits from the definitions.
const GOLDEN: [(f64, f64, f64, [f64; 3]); 7] = [
    (
        0.2,
        0.1,
        0.193725714887005,
        [0.0139318801405495, 0.197029670799039, 0.427360996717649],
    ),
    (
        0.05,
        0.1,
        -0.11311504076243,
        [0.000615203717191509, 0.0386922994357519, 0.188265668624222],
    ),
    (
        0.01,
        0.1,
        -0.980190740620056,
        [0.000101493837936526, 0.00697580596642316, 0.045473692066438],
    ),
    (
        0.45,
        0.1,
        0.44999841227508,
        [0.21737624398443, 0.449998835762289, 0.682633256640083],
    ),
    (
        0.3,
        1.0,
        -2.26414248541797,
        [0.00366933389865864, 0.238366314175671, 0.946880560922863],
    ),
    (0.2, 0.01, 0.2, [0.176736521259592, 0.2, 0.223263478740408]),
    (
        0.001,
        0.1,
        -9.99800019990008,
        [
            1.00513357351862e-05,
            0.000693192462561759,
            0.00460457055345559,
        ],
    ),
];

#[test]
fn locations_and_quantiles_equal_those_in_high_precision() {
    for (mean, std, location, quantiles) in GOLDEN {
        let found = TruncatedNormal::with_mean(mean, std);
        let error = (-found.alpha * std - location).abs() / location.abs();
        assert!(error < 1e-12, "location for mean {mean}: {error:e}");
        for (v, quantile) in [0.01, 0.5, 0.99].into_iter().zip(quantiles) {
            let error = (found.quantile(v) - quantile).abs();
            assert!(error < 1e-13, "mean {mean}, v {v}: {error:e}");
        }
        // The distribution of mean 1 - m is the mirror image.
        let mirror = TruncatedNormal::with_mean(1.0 - mean, std);
        for v in [0.1, 0.5, 0.8] {
            let sum = found.quantile(v) + mirror.quantile(1.0 - v);
            assert!((sum - 1.0).abs() < 1e-13, "mean {mean}, v {v}: {sum}");
        }
    }
}

#[test]
fn the_mean_of_the_quantiles_is_the_requested_mean() {
    let points = 4_000;
    for std in [1e-6, 1e-3, 0.05, 0.1, 0.3, 1.0] {
        for mean in [0.0, 1e-9, 1e-4, 0.03, 0.2, 0.5, 0.77, 0.99, 1.0 - 1e-6, 1.0] {
            let rates = TruncatedNormal::with_mean(mean, std);
            let quantiles =
                (0..points).map(|i| rates.quantile((f64::from(i) + 0.5) / f64::from(points)));
            let found = quantiles.sum::<f64>() / f64::from(points);
            // The midpoint rule misses part of the tail.
            let tolerance = mean.min(1.0 - mean) / f64::from(points) + 1e-12;
            assert!(
                (found - mean).abs() < tolerance,
                "std {std}, mean {mean}: {found}"
            );
        }
    }
}

#[test]
fn the_ends_have_constant_rates() {
    for v in [1e-16, 0.3, 1.0] {
        let [none, all] = [0.0, 1.0].map(|mean| TruncatedNormal::with_mean(mean, 0.1));
        assert_eq!((none.quantile(v), all.quantile(v)), (0.0, 1.0));
        assert!(!none.is_below_quantile(0.0, v) && all.is_below_quantile(1.0 - f64::EPSILON, v));
    }
}

#[test]
fn both_forms_of_the_excess_agree() {
    for t in [3.0, 3.5, 5.0, 8.0] {
        let direct = super::density(t) / super::upper_tail(t) - t;
        assert!((excess(t) - direct).abs() < 1e-12, "{t}");
    }
}
