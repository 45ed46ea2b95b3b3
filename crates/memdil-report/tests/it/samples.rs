//! Figures and the table of the scores of training samples, over synthetic runs.

use std::fs;
use std::path::Path;

use memdil_records::{EpochRecord, Ranking, RankingRecord, RunFolder, RunRecord, SampleScores};
use memdil_report::{Page, ReportOptions, write_report};
use ndarray::Array1;

use crate::common::{MadeUpRun, Values, check_page, claims_of, record, write};

const FIGURES: &str = "figures = ['sample-ranking', 'sample-scores']";

fn ranking(auroc: f64) -> Option<Ranking> {
    let average_precision = auroc / 2.0;
    Some(Ranking {
        auroc,
        average_precision,
    })
}

/// A run in whose epochs the mean loss has these AUROCs, and the distance has 0.6.
fn run(plan: &MadeUpRun, aurocs: &[f64]) -> (RunRecord, Vec<EpochRecord>) {
    let values = Values {
        dilation: 0.1,
        memorization: 0.9,
        accuracy: 0.9,
    };
    let mut record = record(plan, values);
    let last = record.last.clone().unwrap();
    let epoch = |(index, &auroc): (usize, &f64)| EpochRecord {
        epoch: index + 1,
        ranking: (plan.eta > 0.0).then(|| RankingRecord {
            mean_loss: ranking(auroc),
            distance_given: ranking(0.6),
            ..RankingRecord::default()
        }),
        ..last.clone()
    };
    let epochs: Vec<EpochRecord> = aurocs.iter().enumerate().map(epoch).collect();
    record.last = epochs.last().cloned();
    (record, epochs)
}

fn write_run(runs: &Path, (record, epochs): &(RunRecord, Vec<EpochRecord>)) -> RunFolder {
    let folder = write(runs, record);
    let line = |epoch: &EpochRecord| serde_json::to_string(epoch).unwrap() + "\n";
    let lines: String = epochs.iter().map(line).collect();
    fs::write(folder.metrics(), lines).unwrap();
    folder
}

/// Scores of ten samples, of which the last two are corrupted and have the largest losses.
fn scores() -> SampleScores {
    let each = |of: fn(f64) -> f64| Array1::from_iter((0..10).map(|i| of(f64::from(i))));
    SampleScores {
        epochs: 4,
        index: Array1::from_iter(0..10),
        labels: Array1::from_elem(10, 0),
        clean_labels: Array1::from_iter((0..10).map(|i| u32::from(i >= 8))),
        mean_loss: each(|i| i),
        mean_margin: each(|i| 5.0 - i),
        forgetting_events: Array1::zeros(10),
        learned: Array1::from_elem(10, true),
        given_since: Array1::from_elem(10, 1),
        clean_since: Array1::from_elem(10, 1),
        distance_given: None,
        distance_clean: None,
        alignment_given: None,
        alignment_clean: None,
    }
}

/// The page and the Markdown text of the experiment with both figures.
fn report(folder: &Path, records: &[RunRecord]) -> (String, String) {
    let mut experiment = claims_of("memorization-dilation", "claim = []", records);
    experiment.page = Page::read(&FIGURES.parse().unwrap()).unwrap();
    let mut options = ReportOptions::new(folder.join("out"));
    options.runs = Some(folder.join("runs"));
    options.experiments = vec![experiment];
    let report = write_report(&options).unwrap();
    let page = fs::read_to_string(&report.html).unwrap();
    check_page(&page);
    (page, fs::read_to_string(&report.markdown).unwrap())
}

#[test]
fn scores_are_ranked_and_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let mut records = Vec::new();
    for seed in 0..6 {
        for (loss, last) in [("CE", 0.7), ("LS", 0.8)] {
            let shift = 0.01 * (seed as f64 - 2.5);
            let aurocs = [0.8, 0.95, 0.9, last + shift];
            let run = run(&MadeUpRun::new(loss, 0.4, seed), &aurocs);
            let written = write_run(&folder.path().join("runs"), &run);
            // The first two seeds did not keep their scores.
            if seed >= 2 {
                written.write_samples(&scores()).unwrap();
            }
            records.push(run.0);
        }
    }
    let clean = run(&MadeUpRun::new("CE", 0.0, 0), &[0.5; 4]);
    write_run(&folder.path().join("runs"), &clean);
    records.push(clean.0);
    let (page, text) = report(folder.path(), &records);
    let best = "CE: 0.950 for mean loss at epoch 2; after the last epoch 0.700 for mean loss. LS: 0.950 for mean loss at \
                epoch 2; after the last epoch 0.800 for mean loss.";
    assert!(page.contains(best), "{page}");
    // Means over six seeds, with the interval of Student's t for a standard deviation of 0.0187.
    let row = "| mean loss | 0.700 \\[0.680, 0.720\\] | 0.350 \\[0.340, 0.360\\] | 0.800 \\[0.780, 0.820\\] |";
    assert!(text.contains(row), "{text}");
    assert!(text.contains("| forgetting events | – | – | – | – |"));
    let drawn = "2 of 10 training samples (20.0%) have a wrong label.";
    assert!(page.contains(drawn), "{page}");
    assert!(page.contains("CE, η = 0.4, seed 2"), "{page}");
    assert!(page.contains("2 runs with lower seeds have no samples.npz"));
    assert!(!page.contains("Not drawn"));
}

#[test]
fn runs_of_versions_without_scores_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let mut records = Vec::new();
    for (seed, eta) in [(0, 0.4), (1, 0.4), (0, 0.0)] {
        let (mut record, _) = run(&MadeUpRun::new("CE", eta, seed), &[0.5; 4]);
        record.last.as_mut().unwrap().ranking = None;
        write(&folder.path().join("runs"), &record);
        records.push(record);
    }
    let (page, _) = report(folder.path(), &records);
    assert!(!page.contains("<figure") && !page.contains("Scores of the training samples"));
    let note = "Not drawn: sample-ranking, sample-scores; 2 runs with corrupted samples recorded no scores";
    assert_eq!(page.matches(note).count(), 1, "{page}");
    // One run with scores, but without its files.
    let (record, _) = run(&MadeUpRun::new("CE", 0.4, 2), &[0.9; 4]);
    write(&folder.path().join("runs"), &record);
    records.push(record);
    let (page, _) = report(folder.path(), &records);
    assert!(page.contains("Not included: 2 runs with corrupted samples recorded no scores"));
    assert!(page.contains("Not drawn: sample-ranking; the runs were evaluated in too few epochs."));
    let note =
        "Not drawn: sample-scores; the runs with the highest noise level have no samples.npz.";
    assert!(page.contains(note), "{page}");
}
