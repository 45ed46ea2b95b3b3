//! Comparison of all metrics with their written-out definitions, and of the three interfaces with
//! each other, for data of various shapes.

use memdil_metrics::*;
use ndarray::{Array1, Array2, ArrayView2, Axis, s};
use proptest::prelude::*;

use crate::common::{Random, assert_close, clusters};

/// A training set with corrupted labels, a last layer and a test set.
struct Problem {
    features: Array2<f64>,
    labels: Vec<u32>,
    clean: Vec<u32>,
    classifier: Array2<f64>,
    bias: Array1<f64>,
    test: (Array2<f64>, Vec<u32>),
    classes: usize,
}

impl Problem {
    /// Creates a problem in which each class has uncorrupted samples and samples corrupted into it.
    fn new(seed: u64, classes: usize, dim: usize) -> Self {
        let mut random = Random(seed);
        let (mut features, mut clean) = clusters(seed, classes, dim, 0.7);
        let mut labels = clean.clone();
        for class in 0..classes as u32 {
            let other = (class + 1 + random.below(classes - 1) as u32) % classes as u32;
            for _ in 0..1 + random.below(3) {
                let row = random.matrix(1, dim) * 3.0;
                features.append(Axis(0), row.view()).unwrap();
                clean.push(other);
                labels.push(class);
            }
        }
        let classifier = random.matrix(classes, dim);
        let bias = random.matrix(1, classes).remove_axis(Axis(0));
        Self {
            features,
            labels,
            clean,
            classifier,
            bias,
            test: clusters(!seed, classes, dim, 0.9),
            classes,
        }
    }

    fn inputs(&self) -> Measure<'_, f64, f64, u32> {
        Measure::new(self.features.view(), &self.labels, self.classes)
            .clean_labels(&self.clean)
            .classifier(self.classifier.view())
            .bias(self.bias.view())
            .test(self.test.0.view(), &self.test.1)
    }

    fn logits(&self) -> Array2<f64> {
        self.features.dot(&self.classifier.t()) + &self.bias
    }
}

fn mean_of(features: ArrayView2<f64>, chosen: impl Fn(usize) -> bool) -> Array1<f64> {
    let rows: Vec<usize> = (0..features.nrows()).filter(|&row| chosen(row)).collect();
    features.select(Axis(0), &rows).mean_axis(Axis(0)).unwrap()
}

fn length(vector: &Array1<f64>) -> f64 {
    vector.dot(vector).sqrt()
}

fn argbest(values: &[f64]) -> usize {
    (0..values.len())
        .rev()
        .max_by(|&a, &b| values[a].total_cmp(&values[b]))
        .unwrap()
}

/// Mean over ordered pairs of different classes.
fn over_pairs(classes: usize, value: impl Fn(usize, usize) -> f64) -> f64 {
    let pairs = (0..classes)
        .flat_map(|i| (0..classes).map(move |j| (i, j)))
        .filter(|(i, j)| i != j);
    pairs.map(|(i, j)| value(i, j)).sum::<f64>() / (classes * (classes - 1)) as f64
}

/// All metrics computed from their definitions, except NC1, which is tested separately.
fn by_definition(p: &Problem) -> Vec<(&'static str, f64)> {
    let (h, y, c, k) = (p.features.view(), &p.labels, &p.clean, p.classes);
    let n = y.len() as f64;
    let means: Vec<Array1<f64>> = (0..k)
        .map(|class| mean_of(h, |i| y[i] as usize == class))
        .collect();
    let global = mean_of(h, |_| true);
    let m: Vec<Array1<f64>> = means.iter().map(|mean| mean - &global).collect();
    let squares = |i: usize, mean: &Array1<f64>| (&h.row(i) - mean).mapv(|x| x * x).sum();
    let variance = |class: usize| {
        let rows: Vec<usize> = (0..y.len()).filter(|&i| y[i] as usize == class).collect();
        rows.iter().map(|&i| squares(i, &means[class])).sum::<f64>() / rows.len() as f64
    };
    let within = (0..y.len())
        .map(|i| squares(i, &means[y[i] as usize]))
        .sum::<f64>()
        / n;
    let between = m.iter().map(|m| m.dot(m)).sum::<f64>() / k as f64;
    let spread = |lengths: Vec<f64>| {
        let mean = lengths.iter().sum::<f64>() / k as f64;
        (lengths.iter().map(|l| (l - mean).powi(2)).sum::<f64>() / k as f64).sqrt() / mean
    };
    let table =
        |value: &dyn Fn(usize, usize) -> f64| Array2::from_shape_fn((k, k), |(i, j)| value(i, j));
    let frobenius = |a: &Array2<f64>| a.mapv(|x| x * x).sum().sqrt();
    let scaled = |a: Array2<f64>| &a / frobenius(&a);
    let etf = scaled(table(&|i, j| {
        if i == j {
            1.0 - 1.0 / k as f64
        } else {
            -1.0 / k as f64
        }
    }));
    let w = |i: usize| p.classifier.row(i).to_owned();
    let unit = |v: &Array1<f64>| v / length(v);
    let dual = |i: usize, j: usize| {
        let (norm_w, norm_m) = (
            frobenius(&p.classifier),
            m.iter().map(|m| m.dot(m)).sum::<f64>().sqrt(),
        );
        p.classifier[[i, j]] / norm_w - m[i][j] / norm_m
    };
    let dim = h.ncols();
    let logits = p.logits();
    let nearest = |i: usize| {
        argbest(
            &means
                .iter()
                .map(|mean| -squares(i, mean))
                .collect::<Vec<_>>(),
        )
    };
    let chosen = |i: usize| argbest(&logits.row(i).to_vec());
    let softmax = |i: usize| {
        let e = logits.row(i).mapv(f64::exp);
        &e / e.sum()
    };
    let nu: Vec<Array1<f64>> = (0..k)
        .map(|class| mean_of(h, |i| y[i] as usize == class && c[i] as usize == class))
        .collect();
    let corrupted: Vec<usize> = (0..y.len()).filter(|&i| y[i] != c[i]).collect();
    let memorized = corrupted
        .iter()
        .map(|&i| squares(i, &nu[c[i] as usize]).sqrt())
        .sum::<f64>();
    let share = |of: &dyn Fn(usize) -> bool| {
        corrupted.iter().filter(|&&i| of(i)).count() as f64 / corrupted.len() as f64
    };
    let (t, ty) = (p.test.0.view(), &p.test.1);
    let test_means: Vec<Array1<f64>> = (0..k)
        .map(|class| mean_of(t, |i| ty[i] as usize == class))
        .collect();
    let test_memorized = corrupted
        .iter()
        .map(|&i| squares(i, &test_means[c[i] as usize]).sqrt())
        .sum::<f64>();
    let radius = (0..ty.len())
        .map(|i| {
            (&t.row(i) - &test_means[ty[i] as usize])
                .mapv(|x| x * x)
                .sum()
        })
        .sum::<f64>();
    let radius = (radius / ty.len() as f64).sqrt();
    let separation = over_pairs(k, |i, j| length(&(&test_means[i] - &test_means[j])));

    let mut order: Vec<usize> = (0..y.len()).collect();
    let confidence = |i: usize| softmax(i).fold(0.0_f64, |a, &b| a.max(b));
    order.sort_by(|&a, &b| confidence(a).total_cmp(&confidence(b)));
    let mut adaptive = 0.0;
    let mut from = 0;
    for bin in 0..15 {
        let to = from + y.len() / 15 + usize::from(bin < y.len() % 15);
        let gap = |&i: &usize| f64::from(u8::from(chosen(i) == y[i] as usize)) - confidence(i);
        adaptive += order[from..to].iter().map(gap).sum::<f64>().abs() / n;
        from = to;
    }
    vec![
        ("nc1_ratio", within / between),
        (
            "cdnv",
            over_pairs(k, |i, j| {
                (variance(i) + variance(j)) / 2.0 / length(&(&means[i] - &means[j])).powi(2)
            }),
        ),
        (
            "nc2_etf",
            frobenius(&(scaled(table(&|i, j| w(i).dot(&w(j)))) - &etf)),
        ),
        (
            "nc2_etf_means",
            frobenius(&(scaled(table(&|i, j| m[i].dot(&m[j]))) - &etf)),
        ),
        ("nc2_equinorm", spread(m.iter().map(length).collect())),
        (
            "nc2_equinorm_w",
            spread((0..k).map(|i| length(&w(i))).collect()),
        ),
        (
            "nc2_equiangle",
            over_pairs(k, |i, j| {
                (unit(&m[i]).dot(&unit(&m[j])) + 1.0 / (k as f64 - 1.0)).abs()
            }),
        ),
        ("nc2_orthogonal", {
            let gram = scaled(table(&|i, j| means[i].dot(&means[j])));
            frobenius(&(gram - Array2::<f64>::eye(k) / (k as f64).sqrt()))
        }),
        (
            "nc3",
            frobenius(&(scaled(table(&|i, j| w(i).dot(&m[j]))) - &etf)),
        ),
        (
            "nc3_dual",
            (0..k)
                .flat_map(|i| (0..dim).map(move |j| (i, j)))
                .map(|(i, j)| dual(i, j).powi(2))
                .sum(),
        ),
        (
            "nc4",
            (0..y.len()).filter(|&i| nearest(i) == chosen(i)).count() as f64 / n,
        ),
        (
            "bias_collapse",
            length(&(p.classifier.dot(&global) + &p.bias)),
        ),
        (
            "hyperspherical_energy",
            over_pairs(k, |i, j| -length(&(unit(&m[i]) - unit(&m[j]))).ln()),
        ),
        (
            "accuracy",
            (0..y.len()).filter(|&i| chosen(i) == y[i] as usize).count() as f64 / n,
        ),
        ("adaptive_ece", adaptive),
        ("brier", {
            let off = |i: usize, j: usize| softmax(i)[j] - f64::from(u8::from(j == y[i] as usize));
            (0..y.len())
                .map(|i| (0..k).map(|j| off(i, j).powi(2)).sum::<f64>())
                .sum::<f64>()
                / n
        }),
        (
            "nll",
            -(0..y.len())
                .map(|i| softmax(i)[y[i] as usize].ln())
                .sum::<f64>()
                / n,
        ),
        ("memorization_sum", memorized),
        ("memorization_mean", memorized / corrupted.len() as f64),
        ("memorized_as_given", share(&|i| chosen(i) == y[i] as usize)),
        ("memorized_as_clean", share(&|i| chosen(i) == c[i] as usize)),
        (
            "memorized_as_other",
            share(&|i| chosen(i) != y[i] as usize && chosen(i) != c[i] as usize),
        ),
        ("corruption_bias", {
            let drawn = |k: usize| mean_of(h, |i| y[i] as usize == k && c[i] != y[i]) - &means[k];
            (0..k * k)
                .filter(|i| i / k != i % k)
                .map(|i| drawn(i / k).dot(&unit(&(&means[i % k] - &means[i / k]))))
                .sum()
        }),
        ("test.rho", radius / separation),
        ("test.radius", radius),
        ("test.separation", separation),
        ("test.memorization_test_sum", test_memorized),
    ]
}

/// The value of a metric by name; the sum for a table.
fn value(metrics: &Metrics, name: &str) -> f64 {
    let json = serde_json::to_value(metrics).unwrap();
    let found = name.split('.').fold(&json, |json, part| &json[part]);
    match found {
        serde_json::Value::Array(rows) => rows
            .iter()
            .flat_map(|row| row.as_array().unwrap())
            .filter_map(|v| v.as_f64())
            .sum(),
        found => found
            .as_f64()
            .unwrap_or_else(|| panic!("{name} is {found}")),
    }
}

/// The moments and totals of the same features, divided into batches with separate collectors that
/// are merged in random order.
fn streamed(p: &Problem, seed: u64) -> (Moments, SecondPassTotals) {
    let mut random = Random(seed);
    let order = random.permutation(p.labels.len());
    let h = p.features.select(Axis(0), &order);
    let take = |labels: &[u32]| order.iter().map(|&row| labels[row]).collect::<Vec<_>>();
    let (y, c) = (take(&p.labels), take(&p.clean));
    let mut cuts: Vec<usize> = (0..random.below(5))
        .map(|_| random.below(y.len()))
        .collect();
    cuts.extend([0, y.len()]);
    cuts.sort_unstable();
    let batches: Vec<(usize, usize)> = cuts.windows(2).map(|cut| (cut[0], cut[1])).collect();

    let mut first = FirstPass::new(p.classes, h.ncols()).unwrap();
    for index in random.permutation(batches.len()) {
        let (from, to) = batches[index];
        let mut part = FirstPass::new(p.classes, h.ncols()).unwrap();
        part.add(h.slice(s![from..to, ..]), &y[from..to], Some(&c[from..to]))
            .unwrap();
        first.merge(&part).unwrap();
    }
    let moments = first.finish().unwrap();
    let test = Moments::of(p.test.0.view(), &p.test.1, None, p.classes).unwrap();
    let empty = SecondPass::<f64>::new(&moments)
        .with_nc1()
        .and_then(|pass| pass.with_classifier(p.classifier.view(), p.bias.view()))
        .and_then(SecondPass::with_memorization)
        .and_then(|pass| pass.with_test_means(&test))
        .unwrap();
    let mut second = empty.clone();
    for index in random.permutation(batches.len()) {
        let (from, to) = batches[index];
        let mut part = empty.clone();
        part.add(h.slice(s![from..to, ..]), &y[from..to], Some(&c[from..to]))
            .unwrap();
        second.merge(&part).unwrap();
    }
    let totals = second.finish();
    (moments, totals)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn all_metrics_equal_their_definitions(seed: u64, classes in 2_usize..7, dim in 2_usize..12) {
        let p = Problem::new(seed, classes, dim);
        let found = p.inputs().run().unwrap();
        prop_assert_eq!(&found.undefined.as_ref().map_or(0, |u| u.len()), &0, "{:?}", found.undefined);
        for (name, expected) in by_definition(&p) {
            let error = (value(&found, name) - expected).abs();
            prop_assert!(error <= 1e-9 * expected.abs() + 1e-11, "{}: {} for {}", name, value(&found, name), expected);
        }
        assert_close(found.nc1.unwrap(), nc1(p.features.view(), &p.labels, classes).unwrap(), 1e-12);
        let expected = ece(p.logits().view(), &p.labels).unwrap();
        prop_assert!((found.ece.unwrap() - expected).abs() <= 1e-12);
        let dilation = dilation(p.test.0.view(), &p.test.1, classes).unwrap();
        assert_close(found.test.unwrap().dilation.unwrap(), dilation, 1e-12);
    }

    #[test]
    fn batches_and_views_give_the_same_metrics(seed: u64, classes in 2_usize..7, dim in 2_usize..12) {
        let p = Problem::new(seed, classes, dim);
        let whole = p.inputs().run().unwrap();
        let (moments, totals) = streamed(&p, !seed);
        let predictions = totals.predictions().unwrap();
        let found = [
            ("nc1", totals.nc1()), ("nc4", totals.nc4()), ("nc1_ratio", moments.nc1_ratio()), ("cdnv", moments.cdnv()),
            ("nc2_etf_means", moments.nc2_etf_means()), ("nc2_equinorm", moments.nc2_equinorm()),
            ("nc2_equiangle", moments.nc2_equiangle()), ("nc2_orthogonal", moments.nc2_orthogonal()),
            ("nc3", moments.nc3(p.classifier.view())), ("nc3_dual", moments.nc3_dual(p.classifier.view())),
            ("bias_collapse", moments.bias_collapse(p.classifier.view(), p.bias.view())),
            ("hyperspherical_energy", moments.hyperspherical_energy()),
            ("memorization_sum", totals.memorization().map(|m| m.sum)),
            ("memorization_mean", totals.memorization().map(|m| m.mean.unwrap())),
            ("test.memorization_test_sum", totals.memorization_test().map(|m| m.sum)),
            ("corruption_bias", moments.corruption_bias().map(|table| table.sum())),
            ("accuracy", predictions.accuracy()), ("ece", predictions.ece()), ("adaptive_ece", predictions.adaptive_ece()),
            ("brier", predictions.brier()), ("nll", predictions.nll()),
            ("memorized_as_given", Ok(predictions.memorized_fraction().unwrap().as_given)),
        ];
        for (name, found) in found {
            let (found, expected) = (found.unwrap(), value(&whole, name));
            prop_assert!((found - expected).abs() <= 1e-11 * expected.abs() + 1e-12, "{}: {} for {}", name, found, expected);
        }
    }

    #[test]
    fn metrics_are_invariant_under_rotation_shift_and_scale(
        seed: u64, classes in 2_usize..7, dim in 2_usize..12, shift in -1e2..1e2_f64, exponent in -30_i32..30,
    ) {
        let p = Problem::new(seed, classes, dim);
        let rotation = Random(!seed).rotation(dim);
        let same = |changed: Array2<f64>, names: &[&str]| {
            let inputs = Measure::<_, f64, _>::new(changed.view(), &p.labels, classes).clean_labels(&p.clean);
            let (expected, found) = (p.inputs().run().unwrap(), inputs.run().unwrap());
            for name in names {
                let (expected, found) = (value(&expected, name), value(&found, name));
                assert!((found - expected).abs() <= 1e-7 * expected.abs() + 1e-9, "{name}: {found} for {expected}");
            }
        };
        let free = ["nc1", "nc1_ratio", "cdnv", "nc2_etf_means", "nc2_equinorm", "nc2_equiangle", "hyperspherical_energy"];
        same(p.features.dot(&rotation), &[&free[..], &["nc2_orthogonal", "memorization_mean", "corruption_bias"]].concat());
        same(&p.features + shift, &[&free[..], &["memorization_mean", "corruption_bias"]].concat());
        same(&p.features * 10_f64.powi(exponent), &[&free[..], &["nc2_orthogonal"]].concat());
    }
}

/// A problem that is large enough to be divided among threads and projected in single precision.
fn large() -> (Array2<f32>, [Vec<u32>; 2], Array2<f32>, Array1<f32>) {
    let (n, dim, classes) = (20_000, 300, 12);
    let mut random = Random(5);
    let means = random.matrix(classes, dim);
    let labels: Vec<u32> = (0..n).map(|_| random.below(classes) as u32).collect();
    let clean = labels
        .iter()
        .map(|&y| {
            if random.uniform() < 0.2 {
                (y + 1) % classes as u32
            } else {
                y
            }
        })
        .collect();
    let features = Array2::from_shape_fn((n, dim), |(i, j)| {
        (means[[labels[i] as usize, j]] + random.uniform()) as f32
    });
    let classifier = means.mapv(|value| value as f32 * 0.05);
    (
        features,
        [labels, clean],
        classifier,
        Array1::linspace(-0.1, 0.1, classes),
    )
}

#[test]
fn single_precision_agrees_with_double_for_any_number_of_threads() {
    let (features, [labels, clean], classifier, bias) = large();
    let wide = features.mapv(f64::from);
    let inputs = Measure::new(wide.view(), &labels, 12)
        .clean_labels(&clean)
        .classifier(classifier.view())
        .bias(bias.view())
        .test(wide.slice(s![..8000, ..]), &labels[..8000]);
    let exact = inputs.run().unwrap();
    let single = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            let inputs = Measure::new(features.view(), &labels, 12)
                .clean_labels(&clean)
                .classifier(classifier.view())
                .bias(bias.view())
                .test(features.slice(s![..8000, ..]), &labels[..8000]);
            inputs.run().unwrap()
        })
    };
    let found = single(1);
    let json = serde_json::to_value(&found).unwrap();
    let names = json
        .as_object()
        .unwrap()
        .iter()
        .filter(|(_, value)| value.is_f64())
        .map(|(name, _)| name.as_str());
    let mut compared = 0;
    for name in names.chain(["corruption_bias", "test.dilation", "test.rho", "test.nll"]) {
        let (expected, found) = (value(&exact, name), value(&found, name));
        assert!(
            (found - expected).abs() <= 1e-6 * expected.abs() + 1e-9,
            "{name}: {found} for {expected}"
        );
        compared += 1;
    }
    assert_eq!(compared, 28);
    // Decisions that are ambiguous in single precision are made in double precision.
    assert_eq!((found.nc4, found.accuracy), (exact.nc4, exact.accuracy));
    for threads in [2, 3, 8] {
        assert_eq!(single(threads), found, "{threads} threads");
    }
}

#[test]
fn single_precision_is_accurate_far_from_the_origin() {
    // Class means of norm 100, about 70 apart, and a spread for which NC1 is about 1e-6.
    let (n, dim, classes) = (30_000, 256, 10);
    let mut random = Random(11);
    let offset = random.matrix(1, dim);
    let offset = &offset * (100.0 / offset.mapv(|x| x * x).sum().sqrt());
    let means = random.matrix(classes, dim) * 3.0 + offset;
    let labels: Vec<usize> = (0..n).map(|i| i % classes).collect();
    let noise = 1.6e-2;
    let features = Array2::from_shape_fn((n, dim), |(i, j)| {
        (means[[labels[i], j]] + noise * random.normal()) as f32
    });
    let found = nc1(features.view(), &labels, classes).unwrap();
    let expected = nc1(features.mapv(f64::from).view(), &labels, classes).unwrap();
    assert!((3e-7..3e-6).contains(&expected), "{expected}");
    assert_close(found, expected, 1e-6);
}

#[test]
fn ties_are_resolved_in_favour_of_the_lowest_class() {
    // With integers, all products are exact. A third of the samples are midway between two means.
    let mut rows = Vec::new();
    let mut labels = Vec::new();
    for i in 0..3000_i32 {
        let side = if i % 2 == 0 { 1.0 } else { -1.0 };
        let shift = f64::from(i % 3 - 1) * 8.0;
        rows.push([
            side * 8.0 + if i % 3 == 2 { -side * 8.0 } else { side * 4.0 },
            shift * 0.0,
        ]);
        labels.push(u8::from(i % 2 == 1));
    }
    let features = Array2::from(rows);
    let means = class_means(features.view(), &labels, 2).unwrap().means;
    assert_eq!(means.column(0).to_vec(), [8.0, -8.0]);
    let classifier = ndarray::array![[1.0, 0.0], [-1.0, 0.0]];
    let found = nc4(
        features.view(),
        &labels,
        classifier.view(),
        ndarray::array![0.0, 0.0].view(),
    )
    .unwrap();
    assert_eq!(found, 1.0);
    let bias = ndarray::array![0.0, 0.0];
    let inputs = Measure::new(features.view(), &labels, 2)
        .classifier(classifier.view())
        .bias(bias.view());
    let right = inputs.run();
    // Midway samples are predicted as class 0, which is wrong for half of them, a sixth of all.
    assert_close(right.unwrap().accuracy.unwrap(), 1.0 - 1.0 / 6.0, 1e-12);
}
