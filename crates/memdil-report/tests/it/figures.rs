//! Figures that experiment files name, over synthetic runs with known values.

use std::fs;

use memdil_records::{EpochRecord, LayerRecord, OptimizerSpec, RunRecord, run_id};
use memdil_report::{Page, ReportOptions, write_report};
use tempfile::TempDir;

use crate::common::{MadeUpRun, Values, check_page, claims_of, record, write};

/// A run with the values of its last epoch.
fn run(plan: &MadeUpRun, dilation: f64, accuracy: f64) -> RunRecord {
    let values = Values {
        dilation,
        memorization: 0.9,
        accuracy,
    };
    record(plan, values)
}

/// All epochs up to the last evaluated one, as a run writes them.
fn all_epochs(evaluated: &[EpochRecord]) -> Vec<EpochRecord> {
    let last = evaluated.last().map_or(0, |epoch| epoch.epoch);
    let given = |epoch| evaluated.iter().find(|given| given.epoch == epoch).cloned();
    let skipped = |epoch| EpochRecord {
        epoch,
        ..EpochRecord::default()
    };
    (1..=last)
        .map(|epoch| given(epoch).unwrap_or_else(|| skipped(epoch)))
        .collect()
}

/// The page of an experiment whose file names these figures.
fn page(figures: &str, claims: &str, records: &[RunRecord], epochs: &[Vec<EpochRecord>]) -> String {
    let folder: TempDir = tempfile::tempdir().unwrap();
    let runs = folder.path().join("runs");
    for (index, record) in records.iter().enumerate() {
        let mut record = record.clone();
        let epochs = epochs.get(index).map(|evaluated| all_epochs(evaluated));
        if let (Some(epochs), Some(last)) = (&epochs, &mut record.last) {
            last.epoch = epochs.len();
        }
        let written = write(&runs, &record);
        if let Some(epochs) = epochs {
            let line = |epoch: &EpochRecord| serde_json::to_string(epoch).unwrap() + "\n";
            fs::write(
                written.metrics(),
                epochs.iter().map(line).collect::<String>(),
            )
            .unwrap();
        }
    }
    let mut experiment = claims_of("memorization-dilation", claims, records);
    experiment.page = Page::read(&figures.parse().unwrap()).unwrap();
    let mut options = ReportOptions::new(folder.path().join("out"));
    options.runs = Some(runs);
    options.experiments = vec![experiment];
    let report = write_report(&options).unwrap();
    let html = fs::read_to_string(report.html).unwrap();
    check_page(&html);
    html
}

#[test]
fn named_figures_are_drawn_in_order() {
    let mut records = Vec::new();
    for (seed, eta) in [(0, 0.0), (0, 0.4)] {
        records.push(run(&MadeUpRun::new("CE", eta, seed), 0.1 + eta, 0.9));
    }
    let named = "title = 'Mine'\nfigures = ['by-noise', 'dilation-memorization', 'capacity']";
    let html = page(named, "claim = []", &records, &[]);
    // All runs have the same width, so there is no capacity figure.
    let ids: Vec<&str> = html.split("<figure id=\"").skip(1).collect();
    assert_eq!(ids.len(), 2);
    assert!(ids[0].starts_with("by-noise") && ids[1].starts_with("dilation-memorization"));
    assert!(html.contains("<h2>Mine</h2>"));
    let none = page("figures = []", "claim = []", &records, &[]);
    assert!(!none.contains("<figure"));
}

#[test]
fn dilation_from_test_error_alone_has_an_r_squared_of_one() {
    let formula = |error: f64| 2.0 * error * (1.0 - error) / (1.0 - 2.0 * error).powi(2);
    let records = |factor: fn(f64) -> f64| -> Vec<RunRecord> {
        let errors = [0.02, 0.05, 0.1, 0.15, 0.2, 0.25];
        let of = |(seed, error): (usize, f64)| {
            let dilation = formula(error) * factor(error);
            run(
                &MadeUpRun::new("CE", 0.4, seed as u64),
                dilation,
                1.0 - error,
            )
        };
        errors.into_iter().enumerate().map(of).collect()
    };
    let draw =
        |records: &[RunRecord]| page("figures = ['decomposition']", "claim = []", records, &[]);
    let exact = draw(&records(|_| 1.0));
    assert!(exact.contains("R² = 1.00 over 6 runs"), "{exact}");
    let other = draw(&records(|error| 1.0 / (0.2 + 4.0 * error)));
    assert!(!other.contains("R² = 1.00") && other.contains(" over 6 runs"));
}

#[test]
fn losses_are_compared_by_seed() {
    let mut records = Vec::new();
    for seed in 0..6 {
        // Seeds differ widely, and so does the factor of LS, whose geometric mean is 0.5.
        let (accuracy, dilation) = (0.8 + 0.01 * seed as f64, 0.1 * (seed + 1) as f64);
        let factor = if seed % 2 == 0 { 0.25 } else { 1.0 };
        records.push(run(&MadeUpRun::new("CE", 0.4, seed), dilation, accuracy));
        records.push(run(
            &MadeUpRun::new("LS", 0.4, seed),
            factor * dilation,
            accuracy + 0.02,
        ));
    }
    // A run without a partner would change unpaired means.
    records.push(run(&MadeUpRun::new("LS", 0.4, 6), 50.0, 0.5));
    let expected = "LS +2.00 points of accuracy, −50% dilation (−50% for correct samples).";
    let html = page("figures = ['against-ce']", "claim = []", &records, &[]);
    assert!(html.contains("Against CE at η = 0.4 ("), "{html}");
    assert!(html.contains(expected), "{html}");
    let bars = html.matches("class=\"bar s ls\"").count();
    assert_eq!(bars, 3);
}

#[test]
fn runs_of_one_seed_with_different_parameters_are_averaged() {
    let mut records = Vec::new();
    for seed in 0..3 {
        records.push(run(&MadeUpRun::new("CE", 0.4, seed), 0.2, 0.8));
        for alpha in [0.05, 0.1] {
            let mut smoothed = run(&MadeUpRun::new("LS", 0.4, seed), 0.1, 0.9);
            smoothed.spec.loss = memdil_losses::Loss::LabelSmoothing { alpha };
            smoothed.id = memdil_records::run_id(&smoothed.spec);
            records.push(smoothed);
        }
    }
    let html = page("figures = ['against-ce']", "claim = []", &records, &[]);
    assert!(html.contains("LS +10.00 points of accuracy"), "{html}");
    // Six runs with only three seeds have no interval.
    assert!(!html.contains("class=\"bar s ls\""), "{html}");
}

/// Evaluations in which the memorised share and dilation change linearly between two values.
fn linear_evaluations(
    share: Option<[f64; 2]>,
    dilation: [f64; 2],
    last: &EpochRecord,
) -> Vec<EpochRecord> {
    let at = |step: usize, [from, to]: [f64; 2]| from + (to - from) * step as f64 / 4.0;
    let epoch = |step: usize| {
        let mut test = last.test.clone().unwrap();
        test.dilation = Some(at(step, dilation));
        EpochRecord {
            epoch: 10 * step + 1,
            memorized_as_given: share.map(|share| at(step, share)),
            test: Some(test),
            ..last.clone()
        }
    };
    (0..5).map(epoch).collect()
}

#[test]
fn the_phase_portrait_compares_noisy_and_clean_networks() {
    let (mut records, mut epochs) = (Vec::new(), Vec::new());
    for seed in 0..3 {
        for (eta, share, dilation) in [
            (0.0, None, [0.0625, 0.03125]),
            (0.4, Some([0.1, 0.9]), [0.125, 0.5]),
        ] {
            let record = run(&MadeUpRun::new("CE", eta, seed), 0.5, 0.9);
            epochs.push(linear_evaluations(
                share,
                dilation,
                record.last.as_ref().unwrap(),
            ));
            records.push(record);
        }
    }
    let draw = |records: &[RunRecord], epochs: &[Vec<EpochRecord>]| {
        page(
            "figures = ['phase-portrait']",
            "claim = []",
            records,
            epochs,
        )
    };
    let html = draw(&records, &epochs);
    let expected = "from epoch 1 to 41, the memorised share changes from 10% to 90% and the geometric mean of dilation from \
                    0.125 to 0.500; without noise, dilation changes from 0.0625 to 0.0312";
    assert!(html.contains(expected), "{html}");
    // Without clean networks there is nothing to compare, so the figure is not drawn.
    let noisy = |index: usize| records[index].requested_noise > 0.0;
    let kept: Vec<usize> = (0..records.len()).filter(|index| noisy(*index)).collect();
    let records: Vec<RunRecord> = kept.iter().map(|index| records[*index].clone()).collect();
    let epochs: Vec<_> = kept.iter().map(|index| epochs[*index].clone()).collect();
    assert!(!draw(&records, &epochs).contains("<figure"));
}

#[test]
fn capacity_compares_each_width_with_its_clean_network() {
    let mut records = Vec::new();
    for seed in 0..6 {
        for (width, share, ratio) in [(4, 0.2, 2.0), (16, 0.6, 4.0), (64, 0.9, 8.0)] {
            for eta in [0.0, 0.4] {
                let plan = MadeUpRun {
                    width,
                    ..MadeUpRun::new("CE", eta, seed)
                };
                // Wider networks have less dilation without noise.
                let clean = 1.0 / width as f64;
                let dilation = if eta > 0.0 { ratio * clean } else { clean };
                let mut record = run(&plan, dilation, 0.9);
                let last = record.last.as_mut().unwrap();
                last.memorized_as_given = (eta > 0.0).then_some(share);
                records.push(record);
            }
        }
    }
    let html = page("figures = ['capacity']", "claim = []", &records, &[]);
    let expected = "at width 4, networks memorise 20% of the corrupted samples and their dilation is 2.00 times that of clean \
                    networks; at width 64, they memorise 90% and the factor is 8.00. For correctly classified samples only, \
                    the factors are 2.00 and 8.00.";
    assert!(html.contains(expected), "{html}");
}

#[test]
fn layers_are_compared_by_loss_and_noise() {
    let layer = |index: usize, factor: f64, noisy: bool| LayerRecord {
        name: format!("blocks.{index}"),
        width: 8,
        memorization_over_separation: noisy.then_some(0.25 * (index + 1) as f64),
        corrupted_nearest_given: noisy.then_some(0.2 + 0.3 * index as f64),
        corrupted_nearest_clean: noisy.then_some(0.8 - 0.3 * index as f64),
        test_dilation: Some(factor * if noisy { (index + 2) as f64 } else { 1.0 }),
        ..LayerRecord::default()
    };
    let mut records = Vec::new();
    for seed in 0..6 {
        for (loss, factor) in [("CE", 1.0), ("LS", 0.5)] {
            for eta in [0.0, 0.4] {
                let mut record = run(&MadeUpRun::new(loss, eta, seed), 0.1, 0.9);
                let layers = (0..3).map(|index| layer(index, factor, eta > 0.0));
                record.last.as_mut().unwrap().set_layers(layers.collect());
                records.push(record);
            }
        }
    }
    let html = page("figures = ['layers']", "claim = []", &records, &[]);
    let expected = "At η = 0.4, CE: memorization over separation is 0.250 in the first layer and 0.750 in the last, \
                    20% and 80% of the corrupted samples are nearest to their given class, dilation is 2.00 and 4.00 times \
                    that at η = 0; LS: ";
    assert!(html.contains(expected), "{html}");
    let dilation = "First to last layer: CE, η = 0: 1.00 to 1.00; CE, η = 0.4: 2.00 to 4.00; LS, η = 0: 0.500 to 0.500";
    assert!(html.contains(dilation), "{html}");
    assert_eq!(html.matches("by layer, ").count(), 4);
    for record in &mut records {
        record.last.as_mut().unwrap().layers = None;
    }
    let without = page("figures = ['layers']", "claim = []", &records, &[]);
    assert!(!without.contains("<figure"));
}

#[test]
fn the_model_is_compared_with_its_baselines() {
    const CLAIM: &str = r#"
        [[claim]]
        id = "theory-level"
        statement = "The model predicts rho."
        test = "prediction"
        fit = { "loss.kind" = "cross_entropy", "noise.eta" = [0.0, 0.2] }
    "#;
    let mut records = Vec::new();
    for seed in 0..6 {
        for loss in ["CE", "LS"] {
            for eta in [0.0, 0.2, 0.4] {
                let mut record = run(&MadeUpRun::new(loss, eta, seed), 0.1, 0.9);
                let test = record.last.as_mut().unwrap().test.as_mut().unwrap();
                // Linear in the noise level, so that the first baseline predicts it exactly.
                test.rho_nc1 = Some(0.1 + eta);
                records.push(record);
            }
        }
    }
    let html = page("figures = ['model']", CLAIM, &records, &[]);
    let caption = html.split("R² out of sample: ").nth(1).unwrap();
    assert!(
        caption.contains("1.00 for the line (24 runs)."),
        "{caption}"
    );
    let without = page("figures = ['model']", "claim = []", &records, &[]);
    assert!(!without.contains("<figure"));
}

#[test]
fn networks_in_the_regime_of_the_model_are_drawn_beside_it() {
    const CLAIM: &str = r#"
        [[claim]]
        id = "slope"
        statement = "The slope of rho is that of the model."
        test = "model_slope"
        where = { "noise.eta" = 0.4 }
        quantity = "test.rho_nc1"
        fit = { "loss.kind" = "cross_entropy" }
        margin = 0.05
        largest_gradient_over_decay = 1.0
    "#;
    let mut records = Vec::new();
    for seed in 0..6 {
        for loss in ["CE", "LS"] {
            for lambda in [1e-4, 1e-3, 1e-2, 1e-1] {
                for eta in [0.0, 0.4] {
                    let mut record = run(&MadeUpRun::new(loss, eta, seed), 0.1, 0.9);
                    record.spec.training.feature_decay = 2.0 * lambda;
                    if let OptimizerSpec::Sgd {
                        classifier_weight_decay,
                        ..
                    } = &mut record.spec.optimizer
                    {
                        *classifier_weight_decay = Some(lambda);
                    }
                    record.id = run_id(&record.spec);
                    let last = record.last.as_mut().unwrap();
                    last.gradient_norm = Some(1e-5);
                    last.gradient_over_decay = Some(0.1);
                    last.test.as_mut().unwrap().rho_nc1 = Some(0.1 + eta);
                    records.push(record);
                }
            }
        }
    }
    let html = page("figures = ['lambda']", CLAIM, &records, &[]);
    let expected = "The noisy networks memorise 90.0% of the wrong labels on average, and at least 90.0%. After the last epoch, \
                    the norm of the gradient is at most 1.0e−5.";
    assert!(html.contains(expected), "{html}");
    let measured = "rho, from NC1 against λ_H, fashion-mnist-embedded";
    assert!(html.contains(measured), "{html}");
    assert!(
        html.contains("CE: 0.500 at λ_H = 1.0e−4, 0.500 at λ_H = 0.100"),
        "{html}"
    );
    assert!(html.contains("test error against λ_H"), "{html}");
    let without = page("figures = ['lambda']", "claim = []", &records, &[]);
    assert!(!without.contains("<figure"));
}
