//! The section of hyper-parameter searches over synthetic histories.

use std::fs;
use std::path::Path;

use memdil_records::{
    RetrainedRecord, SearchFolder, SearchRecord, SearchSpec, Status, TrialRecord, create_dir,
    run_id,
};
use memdil_report::{ReportOptions, write_report};
use serde_json::json;

use crate::common::{MadeUpRun, Values, check_page, record, spec, write};

/// A search of `trials` trials, of which the first have run with these accuracies; `None` is a
/// diverged trial.
fn search(plan: &MadeUpRun, trials: usize, accuracies: &[Option<f64>]) -> SearchRecord {
    let space = json!({"optimizer.learning_rate": {"low": 1e-5, "high": 0.5, "scale": "log"},
        "training.batch_size": {"values": [16, 32]}});
    let search = json!({"sampler": "tpe", "trials": trials, "epochs": 0.8, "space": space});
    let search: SearchSpec = serde_json::from_value(search).unwrap();
    let spec = spec(plan);
    let trial = |(index, accuracy): (usize, &Option<f64>)| TrialRecord {
        trial: index + 1,
        values: serde_json::from_value(
            json!({"optimizer.learning_rate": 1.234e-5 * (index + 1) as f64,
            "training.batch_size": 16}),
        )
        .unwrap(),
        run: format!("trial<{index}>"),
        status: if accuracy.is_some() {
            Status::Completed
        } else {
            Status::Diverged
        },
        validation_accuracy: *accuracy,
        best_so_far: None,
    };
    let settings = search.space.keys().cloned().collect();
    let trials = accuracies.iter().enumerate().map(trial).collect();
    let id = run_id(&spec);
    let mut record = SearchRecord {
        format: 1,
        id,
        search,
        spec,
        settings,
        trials,
        best_trial: None,
        retrained: None,
    };
    record.settle();
    record
}

fn report(runs: &Path, out: &Path) -> (String, String) {
    let mut options = ReportOptions::new(out);
    options.runs = Some(runs.to_owned());
    let report = write_report(&options).unwrap();
    (
        fs::read_to_string(report.html).unwrap(),
        fs::read_to_string(report.markdown).unwrap(),
    )
}

#[test]
fn searches_have_tables_and_a_figure() {
    let folder = tempfile::tempdir().unwrap();
    let runs = folder.path().join("runs");
    let searches = SearchFolder::new(&runs);
    create_dir(&searches.path()).unwrap();
    let accuracies = [0.5, 0.75, 0.7, 0.8, 0.8, 0.1, 0.3, 0.79, 0.5].map(Some);
    let mut rates = [0.01, 0.02].into_iter();
    for loss in ["CE", "LS"] {
        let plan = MadeUpRun {
            experiment: "generalization",
            ..MadeUpRun::new(loss, 0.2, 3)
        };
        let mut whole = search(&plan, 10, &[&accuracies[..], &[None]].concat());
        assert_eq!(whole.best_trial, Some(4));
        // The retrained runs differ only in a searched setting, so they belong to one panel.
        let mut run = record(
            &plan,
            Values {
                dilation: 0.3,
                memorization: 0.9,
                accuracy: 0.9321,
            },
        );
        let mut json = serde_json::to_value(&run.spec).unwrap();
        json["optimizer"]["learning_rate"] = rates.next().unwrap().into();
        run.spec = serde_json::from_value(json).unwrap();
        run.id = run_id(&run.spec);
        write(&runs, &run);
        let (status, test_accuracy) = (Status::Completed, Some(0.9321));
        whole.retrained = Some(RetrainedRecord {
            run: run.id.clone(),
            status,
            test_accuracy,
        });
        searches.write(&whole).unwrap();
    }
    // A search that was stopped after two trials, and one in which every trial diverged.
    searches
        .write(&search(
            &MadeUpRun::new("LR", 0.2, 0),
            5,
            &[Some(0.61), Some(0.62)],
        ))
        .unwrap();
    searches
        .write(&search(&MadeUpRun::new("MSE", 0.0, 0), 2, &[None, None]))
        .unwrap();
    let (page, markdown) = report(&runs, &folder.path().join("out"));
    check_page(&page);
    // Searches are in the section of their experiment.
    let section = &page[page.find("<section id=\"experiment-").unwrap()
        ..page.find("<section id=\"provenance\"").unwrap()];
    assert_eq!(section.matches("<details open").count(), 2);
    assert_eq!(section.matches("✓ best").count(), 2);
    assert_eq!(section.matches("✗ diverged").count(), 4);
    for expected in [
        "93.21",
        "trial&lt;3&gt;",
        "2 of 5",
        "4.9e−5",
        "LR, η = 0.2, seed 0",
        "training.batch_size",
        "2 trials diverged",
    ] {
        assert!(section.contains(expected), "{expected} not in {section}");
    }
    assert!(page.contains("1 seed") && page.contains("settings searched"));
    assert_eq!(
        page.matches("class=\"group\"><td").count(),
        1,
        "one panel for both retrained runs"
    );
    assert!(
        markdown.contains("## Search")
            && markdown.contains("search-history.svg")
            && markdown.contains("✓ best")
    );
    let svg = fs::read_to_string(
        folder
            .path()
            .join("out/figures/generalization-search-history.svg"),
    )
    .unwrap();
    assert!(svg.contains("best trial") && svg.contains("diverged") && !svg.contains("NaN"));
    assert_eq!(
        svg.matches("class=\"crosses s other\"").count(),
        3,
        "two panels and the legend"
    );
    let again = report(&runs, &folder.path().join("again"));
    assert_eq!(again, (page, markdown));
}

#[test]
fn a_search_in_progress_is_reported_without_runs() {
    let folder = tempfile::tempdir().unwrap();
    let searches = SearchFolder::new(folder.path().join("runs"));
    create_dir(&searches.path()).unwrap();
    searches
        .write(&search(&MadeUpRun::new("CE", 0.2, 0), 5, &[None]))
        .unwrap();
    let (page, markdown) = report(searches.runs(), &folder.path().join("out"));
    check_page(&page);
    assert!(
        page.contains("1 of 5")
            && page.contains("1 search in progress")
            && markdown.contains("1 of 5"),
        "{page}"
    );
    assert!(!page.contains("1970") && !page.contains("<figure"));
}

#[test]
fn a_damaged_history_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let searches = SearchFolder::new(folder.path());
    create_dir(&searches.path()).unwrap();
    let record = search(&MadeUpRun::new("CE", 0.2, 0), 5, &[Some(0.5)]);
    searches.write(&record).unwrap();
    let path = searches.history(&record.id);
    let text = fs::read_to_string(&path).unwrap();
    for (damaged, expected) in [
        (text[..text.len() / 2].to_owned(), "damaged"),
        (
            text.replacen("\"format\": 1", "\"format\": 2", 1),
            "format 2",
        ),
        (
            text.replacen("\"id\": \"", "\"id\": \"x", 1),
            "holds the search x",
        ),
    ] {
        fs::write(&path, damaged).unwrap();
        let error = searches.find().unwrap_err().to_string();
        assert!(
            error.contains(expected) && error.contains(".json"),
            "{error}"
        );
    }
}
