//! Tests of all errors: causes, fields and messages. No input leads to NaN or a panic.

use memdil_metrics::*;
use ndarray::{Array1, Array2, array};

fn message<T: std::fmt::Debug>(result: Result<T, MetricsError>) -> String {
    result.unwrap_err().to_string()
}

/// Features, observed labels, clean labels of a small valid problem with two classes.
fn valid() -> (Array2<f64>, Vec<u32>, Vec<u32>) {
    (
        array![[0.0, 1.0], [0.0, 2.0], [3.0, 1.0], [3.0, 2.0], [2.0, 2.0]],
        vec![0, 0, 1, 1, 1],
        vec![0, 0, 1, 1, 0],
    )
}

/// The functions that take features, labels and a number of classes.
fn labelled(h: &Array2<f64>, y: &[u32], classes: usize) -> Vec<Result<f64, MetricsError>> {
    let mut found = of_all_classes(h, y, classes).to_vec();
    found.push(radius(h.view(), y, classes));
    found
}

/// The functions that also require a sample of every class.
fn of_all_classes(h: &Array2<f64>, y: &[u32], classes: usize) -> [Result<f64, MetricsError>; 4] {
    [
        nc1(h.view(), y, classes),
        dilation(h.view(), y, classes),
        rho(h.view(), y, classes),
        class_means(h.view(), y, classes).map(|found| found.means.sum()),
    ]
}

/// The functions that take observed and clean labels.
fn noisy(
    h: &Array2<f64>,
    observed: &[u32],
    clean: &[u32],
    classes: usize,
) -> [Result<f64, MetricsError>; 2] {
    [
        memorization(h.view(), observed, clean, classes).map(|found| found.sum),
        uncorrupted_class_means(h.view(), observed, clean, classes).map(|found| found.means.sum()),
    ]
}

#[test]
fn valid_input_is_accepted() {
    let (h, observed, clean) = valid();
    assert!(labelled(&h, &observed, 2).iter().all(Result::is_ok));
    assert!(noisy(&h, &observed, &clean, 2).iter().all(Result::is_ok));
}

#[test]
fn an_array_without_samples_is_an_error() {
    let none = Array2::<f64>::zeros((0, 2));
    let expected = |array| Err(MetricsError::NoSamples { array });
    for found in labelled(&none, &[], 2)
        .into_iter()
        .chain(noisy(&none, &[], &[], 2))
    {
        assert_eq!(found, expected(Subject::Features));
    }
    let w = Array2::<f64>::ones((2, 2));
    assert_eq!(
        nc3(none.view(), &[0_u32; 0], w.view()),
        expected(Subject::Features)
    );
    assert_eq!(
        bias_collapse(none.view(), w.view(), array![0.0, 0.0].view()),
        expected(Subject::Features)
    );
    let nothing = Array1::<f64>::zeros(0);
    assert_eq!(
        bias_collapse(w.view(), none.view(), nothing.view()),
        expected(Subject::Classifier)
    );
    assert_eq!(
        accuracy(none.view(), &[0_u32; 0]),
        expected(Subject::Logits)
    );
    assert_eq!(ece(none.view(), &[0_u32; 0]), expected(Subject::Logits));
    assert_eq!(
        memorized_fraction(none.view(), &[0_u32; 0], &[]).map(|_| 0.0),
        expected(Subject::Logits)
    );
    assert_eq!(
        message(ece(none.view(), &[0_u32; 0])),
        "logits has no rows; at least one sample is required"
    );
}

#[test]
fn fewer_than_two_classes_are_an_error() {
    let h = array![[1.0], [2.0]];
    for classes in [0, 1] {
        let expected = Err(MetricsError::TooFewClasses { classes });
        assert_eq!(nc1(h.view(), &[0, 0], classes), expected);
        assert_eq!(dilation(h.view(), &[0, 0], classes), expected);
        assert_eq!(rho(h.view(), &[0, 0], classes), expected);
        let w = Array2::<f64>::ones((classes, 1));
        assert_eq!(nc2_etf(w.view()), expected);
        assert_eq!(nc3(h.view(), &[0, 0], w.view()), expected);
        assert_eq!(separation(w.view()), expected);
    }
    assert_eq!(
        message(nc1(h.view(), &[0, 0], 1)),
        "classes = 1 is too small; must be at least 2 to compare classes"
    );
}

#[test]
fn an_empty_class_is_an_error() {
    let (h, mut observed, _) = valid();
    observed[4] = 3;
    for found in of_all_classes(&h, &observed, 4) {
        assert_eq!(
            found,
            Err(MetricsError::EmptyClass {
                class: 2,
                classes: 4
            })
        );
    }
    let w = Array2::<f64>::eye(4);
    assert_eq!(
        nc3(h.view(), &observed, w.slice(ndarray::s![.., ..2])),
        Err(MetricsError::EmptyClass {
            class: 2,
            classes: 4
        })
    );
    assert_eq!(
        message(nc1(h.view(), &observed, 4)),
        "class 2 of 4 has no sample: add some, or renumber the classes that do occur"
    );
    // A mistyped number of classes must not lead to a huge allocation.
    for found in of_all_classes(&h, &observed, usize::MAX) {
        assert_eq!(
            found,
            Err(MetricsError::EmptyClass {
                class: 2,
                classes: usize::MAX
            })
        );
    }
    assert!(matches!(
        radius(h.view(), &observed, usize::MAX),
        Err(MetricsError::OutOfRange { .. })
    ));
}

#[test]
fn a_class_without_uncorrupted_samples_is_an_error() {
    let h = array![[0.0], [1.0], [2.0]];
    let found = noisy(&h, &[0, 0, 0], &[0, 1, 1], 2);
    for found in found {
        assert_eq!(found, Err(MetricsError::NoCleanSample { class: 1 }));
    }
    assert_eq!(
        message(memorization(h.view(), &[0, 0, 0], &[0, 1, 1], 2)),
        "class 1 has no uncorrupted sample (observed = clean), so its clean mean is not defined"
    );
}

#[test]
fn labels_out_of_range_are_an_error() {
    let (h, mut observed, clean) = valid();
    observed[3] = 2;
    let expected = |array| {
        Err(MetricsError::LabelOutOfRange {
            array,
            row: 3,
            label: 2,
            classes: 2,
        })
    };
    for found in labelled(&h, &observed, 2) {
        assert_eq!(found, expected(Subject::Labels));
    }
    for found in noisy(&h, &observed, &clean, 2) {
        assert_eq!(found, expected(Subject::Labels));
    }
    for found in noisy(&h, &clean, &observed, 2) {
        assert_eq!(found, expected(Subject::CleanLabels));
    }
    assert_eq!(
        nc3(h.view(), &observed, array![[1.0, 0.0], [0.0, 1.0]].view()),
        expected(Subject::Labels)
    );
    assert_eq!(accuracy(h.view(), &observed), expected(Subject::Labels));
    assert_eq!(ece(h.view(), &observed), expected(Subject::Labels));
    assert_eq!(
        memorized_fraction(h.view(), &observed, &clean).map(|_| 0.0),
        expected(Subject::Labels)
    );
    assert_eq!(
        memorized_fraction(h.view(), &clean, &observed).map(|_| 0.0),
        expected(Subject::CleanLabels)
    );
    assert_eq!(
        message(ece(h.view(), &observed)),
        "labels: label 2 in row 3 is not a class number; must be in [0, 1]"
    );
}

#[test]
fn mismatched_lengths_are_an_error() {
    let (h, observed, clean) = valid();
    let short = &observed[..3];
    let expected = |array, reference| {
        Err(MetricsError::LengthMismatch {
            array,
            unit: Counted::Entries,
            found: 3,
            reference,
            expected: 5,
        })
    };
    for found in labelled(&h, short, 2) {
        assert_eq!(found, expected(Subject::Labels, Subject::Features));
    }
    for found in noisy(&h, short, &clean, 2) {
        assert_eq!(found, expected(Subject::Labels, Subject::Features));
    }
    for found in noisy(&h, &observed, short, 2) {
        assert_eq!(found, expected(Subject::CleanLabels, Subject::Features));
    }
    assert_eq!(
        accuracy(h.view(), short),
        expected(Subject::Labels, Subject::Logits)
    );
    assert_eq!(
        ece(h.view(), short),
        expected(Subject::Labels, Subject::Logits)
    );
    assert_eq!(
        memorized_fraction(h.view(), short, &clean).map(|_| 0.0),
        expected(Subject::Labels, Subject::Logits)
    );
    assert_eq!(
        memorized_fraction(h.view(), &observed, short).map(|_| 0.0),
        expected(Subject::CleanLabels, Subject::Logits)
    );

    let wide = Array2::<f64>::ones((2, 3));
    let columns = MetricsError::LengthMismatch {
        array: Subject::Features,
        unit: Counted::Columns,
        found: 2,
        reference: Subject::Classifier,
        expected: 3,
    };
    assert_eq!(nc3(h.view(), &observed, wide.view()), Err(columns.clone()));
    assert_eq!(
        bias_collapse(h.view(), wide.view(), array![0.0, 0.0].view()),
        Err(columns)
    );
    let square = Array2::<f64>::ones((2, 2));
    assert_eq!(
        message(bias_collapse(h.view(), square.view(), array![0.0].view())),
        "bias has 1 entries, but classifier needs 2"
    );
}

#[test]
fn non_finite_numbers_are_an_error() {
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let (h, observed, clean) = valid();
        let mut broken = h.clone();
        broken[[2, 1]] = bad;
        let expected = |array, row| Err(MetricsError::NonFinite { array, row });
        for found in labelled(&broken, &observed, 2)
            .into_iter()
            .chain(noisy(&broken, &observed, &clean, 2))
        {
            assert_eq!(found, expected(Subject::Features, 2));
        }
        assert_eq!(
            accuracy(broken.view(), &observed),
            expected(Subject::Logits, 2)
        );
        assert_eq!(ece(broken.view(), &observed), expected(Subject::Logits, 2));
        assert_eq!(
            memorized_fraction(broken.view(), &observed, &clean).map(|_| 0.0),
            expected(Subject::Logits, 2)
        );
        assert_eq!(nc2_etf(broken.view()), expected(Subject::Classifier, 2));
        assert_eq!(separation(broken.view()), expected(Subject::Means, 2));

        let (w, b) = (array![[1.0, 0.0], [0.0, bad]], array![0.0, 1.0]);
        assert_eq!(
            nc3(h.view(), &observed, w.view()),
            expected(Subject::Classifier, 1)
        );
        assert_eq!(
            bias_collapse(h.view(), w.view(), b.view()),
            expected(Subject::Classifier, 1)
        );
        let w = Array2::<f64>::eye(2);
        assert_eq!(
            nc3(broken.view(), &observed, w.view()),
            expected(Subject::Features, 2)
        );
        assert_eq!(
            bias_collapse(broken.view(), w.view(), b.view()),
            expected(Subject::Features, 2)
        );
        assert_eq!(
            bias_collapse(h.view(), w.view(), array![bad, 0.0].view()),
            expected(Subject::Bias, 0)
        );
        assert_eq!(
            message(nc2_etf(broken.view())),
            "classifier: row 2 holds a NaN or an infinity"
        );
        assert!(matches!(
            rho_nc1(bad, 2),
            Err(MetricsError::OutOfRange {
                name: "dilation",
                ..
            })
        ));
    }
    // The same holds for single precision.
    assert_eq!(
        nc2_etf(array![[f32::NAN], [1.0]].view()),
        Err(MetricsError::NonFinite {
            array: Subject::Classifier,
            row: 0
        })
    );
}

#[test]
fn coinciding_class_means_are_an_error() {
    // Constant features, equal means of different samples, equal means up to rounding, no features.
    let constant = Array2::from_elem((6, 3), 0.1);
    let symmetric = array![[1.0], [-1.0], [0.0], [2.0], [-2.0], [0.0]];
    let same = array![[0.1], [0.7], [0.4], [0.7], [0.4], [0.1]];
    let nothing = Array2::<f64>::zeros((6, 0));
    let labels = [0, 0, 0, 1, 1, 1];
    let w = |dim| Array2::<f64>::ones((2, dim));
    for h in [constant, symmetric, same, nothing] {
        assert_eq!(
            nc1(h.view(), &labels, 2),
            Err(MetricsError::ZeroScatter),
            "{h}"
        );
        assert_eq!(
            dilation(h.view(), &labels, 2),
            Err(MetricsError::ZeroScatter)
        );
        assert_eq!(rho(h.view(), &labels, 2), Err(MetricsError::ZeroScatter));
        if h.ncols() > 0 {
            assert_eq!(
                nc3(h.view(), &labels, w(h.ncols()).view()),
                Err(MetricsError::ZeroScatter)
            );
        }
        let means = class_means(h.view(), &labels, 2).unwrap().means;
        assert_eq!(separation(means.view()), Err(MetricsError::ZeroScatter));
        assert!(radius(h.view(), &labels, 2).is_ok());
    }
    assert_eq!(
        message(separation(w(1).view())),
        "the class means coincide up to rounding, so the between-class scatter is zero"
    );
}

#[test]
fn zero_matrices_are_an_error() {
    let (h, observed, _) = valid();
    let zero = Array2::<f64>::zeros((2, 2));
    assert_eq!(
        nc2_etf(zero.view()),
        Err(MetricsError::ZeroNorm {
            array: Subject::Classifier
        })
    );
    assert_eq!(
        nc3(h.view(), &observed, zero.view()),
        Err(MetricsError::ZeroNorm {
            array: Subject::Classifier
        })
    );
    // The means differ only along x, and the classifier rows only along y.
    let (h, across) = (
        array![[1.0, 5.0], [-1.0, 5.0]],
        array![[0.0, 1.0], [0.0, -1.0]],
    );
    let expected = MetricsError::ZeroNorm {
        array: Subject::ClassifierTimesMeans,
    };
    assert_eq!(nc3(h.view(), &[0, 1], across.view()), Err(expected));
    // The same after a rotation by 0.3 radians, when the product is not exactly zero due to
    // rounding.
    let (sine, cosine) = 0.3_f64.sin_cos();
    let turn = array![[cosine, -sine], [sine, cosine]];
    let expected = MetricsError::ZeroNorm {
        array: Subject::ClassifierTimesMeans,
    };
    assert_eq!(
        nc3(h.dot(&turn).view(), &[0, 1], across.dot(&turn).view()),
        Err(expected)
    );
    assert_eq!(
        message(nc2_etf(zero.view())),
        "the norm of classifier is zero up to rounding, so it cannot be normalised"
    );
}

#[test]
fn arguments_out_of_range_are_an_error() {
    assert_eq!(
        message(rho_nc1(-1.0, 2)),
        "dilation = -1 is out of range; must be in [0, infinity)"
    );
    assert_eq!(
        message(rho_nc1(1.0, 0)),
        "features = 0 is out of range; must be in [1, infinity)"
    );
}

#[test]
fn values_outside_the_range_of_f64_are_an_error() {
    let huge = array![[1e308], [-1e308], [1e308], [1e308]];
    let labels = [0, 0, 1, 1];
    let expected = |quantity| MetricsError::Overflow { quantity };
    let squares = MetricsError::SumOverflow {
        sum: "the sum of squared",
        array: Subject::Features,
    };
    assert_eq!(nc1(huge.view(), &labels, 2), Err(squares.clone()));
    let (large, tiny) = (
        array![[1e200], [3e200], [5e200], [9e200]],
        array![[1e-200], [3e-200], [5e-200], [9e-200]],
    );
    for features in [large.view(), tiny.view()] {
        assert_eq!(nc1(features, &labels, 2), Err(squares.clone()));
        assert_eq!(radius(features, &labels, 2), Err(squares.clone()));
        let found = memorization(features, &labels, &[0, 0, 1, 0], 2);
        assert_eq!(found, Err(squares.clone()));
    }
    assert!(
        nc1((&large * 1e-60).view(), &labels, 2).is_ok()
            && nc1((&tiny * 1e60).view(), &labels, 2).is_ok()
    );
    // Some of the squares may underflow.
    let beside = array![[0.0, 1.0], [1e-150, 1.0], [0.0, -1.0], [0.0, -1.0]];
    assert!(nc1(beside.view(), &labels, 2).unwrap() < 1e-290);
    assert_eq!(separation(large.view()), Err(expected("separation")));
    let w = array![[1e200], [1e200]];
    assert_eq!(
        bias_collapse((&large * 1e-60).view(), w.view(), array![0.0, 0.0].view()),
        Err(expected("bias_collapse"))
    );
    assert_eq!(
        message(nc1(large.view(), &labels, 2)),
        "the sum of squared features leaves the range of f64; rescale the inputs"
    );
}

#[test]
fn errors_in_the_test_set_name_its_arrays() {
    let (h, observed, clean) = valid();
    let found = |features: &Array2<f64>, labels: &[u32]| {
        let inputs = Measure::<_, f64, _>::new(h.view(), &observed, 2)
            .clean_labels(&clean)
            .test(features.view(), labels);
        message(inputs.run())
    };
    assert_eq!(
        found(&Array2::zeros((0, 2)), &[]),
        "test_features has no rows; at least one sample is required"
    );
    assert_eq!(
        found(&array![[1.0, 2.0], [1.0, f64::NAN]], &[0, 1]),
        "test_features: row 1 holds a NaN or an infinity"
    );
    assert_eq!(
        found(&array![[1.0, 2.0], [1.0, 0.0]], &[0, 7]),
        "test_labels: label 7 in row 1 is not a class number; must be in [0, 1]"
    );
    assert_eq!(
        found(&array![[1.0], [2.0]], &[0, 1]),
        "test_features has 1 columns, but features needs 2"
    );
}

#[test]
fn undefined_geometric_metrics_are_an_error() {
    // Class means 0, 1, -1 and the global mean 0.
    let (h, y) = (array![[0.0], [1.0], [-1.0]], [0, 1, 2]);
    let expected = Err(MetricsError::MeanAtCentre { class: 0 });
    assert_eq!(nc2_equiangle(h.view(), &y, 3), expected);
    assert_eq!(hyperspherical_energy(h.view(), &y, 3), expected);
    let aligned = array![[1.0], [2.0], [-9.0]];
    assert_eq!(
        hyperspherical_energy(aligned.view(), &y, 3),
        Err(MetricsError::SameDirection {
            first: 0,
            second: 1
        })
    );
    let twice = array![[1.0], [1.0], [-9.0]];
    assert_eq!(
        cdnv(twice.view(), &y, 3),
        Err(MetricsError::SameMean {
            first: 0,
            second: 1
        })
    );
    assert_eq!(
        corruption_bias(h.view(), &y, &[0, 1, 1], 3),
        Err(MetricsError::NoCorruptedSample { class: 0 })
    );
    assert_eq!(
        nc2_orthogonal(Array2::<f64>::zeros((2, 2)).view(), &[0, 1], 2),
        Err(MetricsError::ZeroNorm {
            array: Subject::ClassMeans
        })
    );
    // `Measure` omits these metrics and records the reasons.
    let zero = Array2::<f64>::zeros((3, 1));
    let inputs = Measure::new(h.view(), &y, 3).classifier(zero.view());
    let found = inputs.run().unwrap();
    assert_eq!(
        (found.nc1, found.nc2_equiangle, found.nc3),
        (Some(0.0), None, None)
    );
    let undefined = found.undefined.unwrap();
    let names: Vec<&str> = undefined.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "hyperspherical_energy",
            "nc2_equiangle",
            "nc2_equinorm_w",
            "nc2_etf",
            "nc3",
            "nc3_dual"
        ]
    );
}

#[test]
fn incompatible_passes_are_an_error() {
    let (h, observed, clean) = valid();
    let mut first = FirstPass::new(2, 2).unwrap();
    assert!(matches!(
        first.clone().finish(),
        Err(MetricsError::NoSamples { .. })
    ));
    first.add(h.view(), &observed, Some(&clean)).unwrap();
    assert_eq!(
        first.add(h.view(), &observed, None),
        Err(MetricsError::SomeCleanLabels)
    );
    let before = format!("{first:?}");
    let mut bad = h.clone();
    bad[[3, 1]] = f64::INFINITY;
    let expected = Err(MetricsError::NonFinite {
        array: Subject::Features,
        row: 3,
    });
    assert_eq!(first.add(bad.view(), &observed, Some(&clean)), expected);
    assert_eq!(format!("{first:?}"), before);
    assert!(FirstPass::new(3, 2).unwrap().merge(&first).is_err());
    for (classes, dim) in [(usize::MAX, 2), (usize::MAX, 0), (1 << 30, 1)] {
        assert!(FirstPass::new(classes, dim).is_err());
    }
    let nothing = Array2::<f64>::zeros((2, 0));
    assert!(memorization(nothing.view(), &[0, 1], &[0, 1], usize::MAX).is_err());
    // An empty batch does not determine whether clean labels are given.
    let mut empty = FirstPass::new(2, 2).unwrap();
    empty
        .add(Array2::<f64>::zeros((0, 2)).view(), &[0_u32; 0], None)
        .unwrap();
    assert_eq!(empty.add(h.view(), &observed, Some(&clean)), Ok(()));

    let moments = first.finish().unwrap();
    let other = Moments::of(h.view(), &observed, None, 2).unwrap();
    assert_eq!(
        SecondPass::<f64>::new(&other).with_memorization().err(),
        Some(MetricsError::NoCleanLabels)
    );
    let mut second = SecondPass::<f64>::new(&moments).with_nc1().unwrap();
    assert_eq!(
        second.merge(&SecondPass::new(&other)),
        Err(MetricsError::OtherPass)
    );
    assert_eq!(
        second.merge(&SecondPass::new(&moments)),
        Err(MetricsError::OtherPass)
    );
    second
        .add(h.view().slice(ndarray::s![..2, ..]), &observed[..2], None)
        .unwrap();
    assert_eq!(
        second.clone().with_memorization().err(),
        Some(MetricsError::AskedLate)
    );
    let totals = second.finish();
    assert_eq!(
        totals.nc1(),
        Err(MetricsError::OtherSamples {
            found: 2,
            expected: 5
        })
    );
    assert_eq!(
        totals.nc4(),
        Err(MetricsError::NotCollected { quantity: "nc4" })
    );
}

#[test]
fn negative_labels_are_an_error() {
    let h = array![[0.0], [1.0]];
    assert_eq!(
        message(nc1(h.view(), &[0, -1], 2)),
        "labels: label -1 in row 1 is not a class number; must be in [0, 1]"
    );
    assert!(nc1(h.view(), &[0_u8, 1], 2).is_ok() && nc1(h.view(), &[0_usize, 1], 2).is_ok());
}
