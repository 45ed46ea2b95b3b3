//! The report over synthetic run folders.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use memdil_claims::{Claim, Verdict};
use memdil_records::RunRecord;
use memdil_report::{Report, ReportError, ReportOptions, write_report};
use tempfile::TempDir;

use crate::common::{
    self, MadeUpRun, Values, check_page, design, diverged, experiment, record, snapshot, write,
};

const LOSSES: [(&str, f64); 3] = [("CE", 1.0), ("LS", 0.6), ("LR", 0.75)];
const ETAS: [f64; 3] = [0.0, 0.2, 0.4];

fn options(runs: &Path, out: &Path) -> ReportOptions {
    let command = Some("cargo xtask reproduce --preset \"quick\" && echo <done>".to_owned());
    let mut options = ReportOptions::new(out);
    options.runs = Some(runs.to_owned());
    options.command = command;
    options
}

fn report(records: &[RunRecord]) -> (TempDir, Report) {
    let folder = tempfile::tempdir().unwrap();
    for record in records {
        write(&folder.path().join("runs"), record);
    }
    let mut options = options(&folder.path().join("runs"), &folder.path().join("out"));
    // The claims need noiseless runs.
    if records.iter().any(|record| record.requested_noise <= 0.0) {
        options.experiments.push(experiment(records));
    }
    let report = write_report(&options).unwrap();
    (folder, report)
}

fn claim<'a>(report: &'a Report, ending: &str) -> &'a Claim {
    report
        .claims
        .iter()
        .find(|claim| claim.id.ends_with(ending))
        .unwrap()
}

#[test]
fn verdicts_are_on_the_page() {
    let (_folder, report) = report(&design(9, &LOSSES, &ETAS));
    assert_eq!(report.claims.len(), 2);
    for claim in &report.claims {
        assert_eq!(claim.verdict, Verdict::Supported, "{claim:?}");
        assert_eq!((claim.n, claim.family), (9, Some(2)));
    }
    let smoothing = claim(&report, "/ls-dilation");
    let (effect, [low, high]) = (smoothing.effect.unwrap(), smoothing.interval.unwrap());
    assert!(low < effect && effect < high && high < 0.0);
    assert!((effect + 40.0).abs() < 4.0, "{effect}");
    // One cell for each noise level above zero.
    let counts: Vec<usize> = smoothing.cells.iter().map(|cell| cell.n).collect();
    assert_eq!(counts, [9, 9]);
    assert!(report.terminal_table().contains("✓ supported"));
    let page = fs::read_to_string(&report.html).unwrap();
    assert!(page.contains("At equal noise, LS dilates less than CE."));
    assert!(page.contains(&smoothing.refuted_if));
}

#[test]
fn diverged_and_missing_runs_are_counted() {
    let mut records = design(7, &LOSSES, &ETAS);
    let planned = experiment(&records);
    let index_of = |records: &[RunRecord], loss, eta, seed| {
        let values = Values {
            dilation: 1.0,
            memorization: 1.0,
            accuracy: 1.0,
        };
        let id = record(&MadeUpRun::new(loss, eta, seed), values).id;
        records.iter().position(|record| record.id == id).unwrap()
    };
    let index = index_of(&records, "CE", 0.4, 0);
    records[index] = diverged(
        &MadeUpRun::new("CE", 0.4, 0),
        "loss became NaN in epoch 3 & <ended>",
    );
    let index = index_of(&records, "LS", 0.2, 1);
    records.remove(index);
    let folder = tempfile::tempdir().unwrap();
    for record in &records {
        write(&folder.path().join("runs"), record);
    }
    let mut options = options(&folder.path().join("runs"), &folder.path().join("out"));
    options.experiments.push(planned);
    let report = write_report(&options).unwrap();
    assert_eq!((report.runs, report.diverged), (62, 1));
    let smoothing = claim(&report, "/ls-dilation");
    // Two seeds lack a cell each; the other five are too few for a verdict.
    assert_eq!((smoothing.n, smoothing.verdict), (5, Verdict::Inconclusive));
    for note in [
        "1 value is missing: diverged.",
        "1 value is missing: not run.",
    ] {
        assert!(
            smoothing.notes.iter().any(|found| found == note),
            "{:?}",
            smoothing.notes
        );
    }
    let html = fs::read_to_string(&report.html).unwrap();
    assert!(html.contains("✗ diverged: loss became NaN in epoch 3 &amp; &lt;ended&gt;"));
    assert!(html.contains("<span>1 diverged</span>"));
    let text = fs::read_to_string(&report.markdown).unwrap();
    assert!(text.contains("✗ diverged: loss became NaN in epoch 3"));
}

#[test]
fn experiments_without_a_claim_have_no_verdict() {
    let mut records = Vec::new();
    for seed in 0..3 {
        let plan = MadeUpRun {
            experiment: "fashion-mnist-reference",
            ..MadeUpRun::new("CE", 0.2, seed)
        };
        records.push(record(
            &plan,
            Values {
                dilation: 0.03,
                memorization: 0.3,
                accuracy: 0.99,
            },
        ));
    }
    let (_folder, report) = report(&records);
    assert!(report.claims.is_empty());
    assert!(
        fs::read_to_string(&report.html)
            .unwrap()
            .contains("No claim is tested on fashion-mnist-reference")
    );
    assert_eq!(fs::read_to_string(&report.claims_json).unwrap(), "[]\n");
}

#[test]
fn diverged_runs_alone_are_reported() {
    let (_folder, report) = report(&[diverged(&MadeUpRun::new("CE", 0.2, 0), "loss is NaN")]);
    assert_eq!(
        (report.runs, report.diverged, report.figures.len()),
        (1, 1, 0)
    );
    assert!(
        report
            .claims
            .iter()
            .all(|claim| claim.verdict == Verdict::Inconclusive && claim.effect.is_none())
    );
    check_page(&fs::read_to_string(&report.html).unwrap());
}

/// Eighteen runs with features on each of two pairs of classes, and a diverged run. The folder is
/// kept for inspection.
fn sample(out: &Path) -> PathBuf {
    let runs = out.join("runs");
    let _ = fs::remove_dir_all(out);
    for (index, record) in design(2, &LOSSES, &ETAS).iter().enumerate() {
        let spec = &record.spec;
        let plan = MadeUpRun::new(LOSSES[index % 3].0, record.requested_noise, spec.seed);
        let dilation = record
            .last
            .as_ref()
            .unwrap()
            .test
            .as_ref()
            .unwrap()
            .dilation
            .unwrap();
        write(&runs, record)
            .write_snapshot(&snapshot(&plan, dilation.sqrt()))
            .unwrap();
        // The second pair of classes has a wider spread.
        let plan = MadeUpRun {
            classes: [2, 4],
            ..plan
        };
        let values = Values {
            dilation: 0.2 + 1.2 * dilation,
            memorization: 0.5 + 0.4 * dilation,
            accuracy: 0.9 - 0.2 * dilation,
        };
        let second = common::record(&plan, values);
        write(&runs, &second)
            .write_snapshot(&snapshot(&plan, (0.2 + dilation).sqrt()))
            .unwrap();
    }
    write(
        &runs,
        &diverged(&MadeUpRun::new("MSE", 0.4, 0), "loss became NaN in epoch 3"),
    );
    runs
}

#[test]
fn the_report_is_well_formed_self_contained_and_reproducible() {
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("sample");
    let runs = sample(&out);
    let mut options = options(&runs, &out.join("report"));
    options.reference = Some(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference.toml"));
    let mut declared = experiment(&design(2, &LOSSES, &ETAS));
    declared.page.differs = "Made up.".to_owned();
    options.experiments.push(declared);
    let first = write_report(&options).unwrap();
    assert_eq!(first.figures.len(), 3);

    let html = fs::read_to_string(&first.html).unwrap();
    check_page(&html);
    assert!(html.len() < 1_000_000, "{} bytes", html.len());
    for text in [
        "2026-11-23",
        "37 runs",
        "Some &lt;b&gt;CPU&lt;/b&gt; &amp; co",
        "&lt;done&gt;",
        "Figure 3",
        "decision line",
    ] {
        assert!(html.contains(text), "no {text:?}");
    }
    // The solved models were not requested.
    assert!(
        !html.contains("id=\"theory")
            && !html.contains("md-theory")
            && !html.contains("points</dt>")
    );
    // Verdicts come first, then an experiment with its claims, figures and runs.
    let places = [
        "id=\"claims\"",
        "id=\"experiment-memorization-dilation\"",
        "class=\"cards\"",
        "id=\"dilation-memorization\"",
        "id=\"features\"",
        "id=\"by-noise\"",
        "How the claims are tested",
        "37 runs, one per row",
        "Differences from the paper",
        "To rerun this experiment",
        "id=\"reference\"",
        "id=\"provenance\"",
    ];
    let found: Vec<usize> = places
        .iter()
        .map(|place| html.find(place).unwrap())
        .collect();
    assert!(found.is_sorted(), "{found:?}");
    // Each completed run has a mark in the first figure.
    let figure = &html[found[3]..found[4]];
    let marks = figure.matches("class=\"mark f ").count();
    assert_eq!(marks, 36);

    for path in &first.figures {
        let svg = fs::read_to_string(path).unwrap();
        check_page(&svg);
        assert!(svg.contains("prefers-color-scheme: dark"));
        // The PNG has twice the resolution and is not blank.
        let png = fs::read(path.with_extension("png")).unwrap();
        let side = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
        let attribute = |name: &str| {
            let value = svg.split_once(&format!(" {name}=\"")).unwrap().1;
            value.split_once('"').unwrap().0.parse::<u32>().unwrap()
        };
        assert_eq!(
            (&png[1..4], side(16), side(20)),
            (&b"PNG"[..], 2 * attribute("width"), 2 * attribute("height"))
        );
        assert!(
            png.len() > 20_000,
            "{} bytes in {}",
            png.len(),
            path.display()
        );
    }
    let json: Vec<BTreeMap<String, serde_json::Value>> =
        serde_json::from_slice(&fs::read(&first.claims_json).unwrap()).unwrap();
    assert_eq!(json.len(), 2);

    options.out = out.join("again");
    let again = write_report(&options).unwrap();
    let files = |report: &Report| {
        let all =
            report
                .figures
                .iter()
                .chain([&report.html, &report.markdown, &report.claims_json]);
        all.map(|path| fs::read(path).unwrap()).collect::<Vec<_>>()
    };
    assert!(files(&first) == files(&again));
}

#[test]
fn a_reference_is_compared_cell_by_cell() {
    let folder = tempfile::tempdir().unwrap();
    let runs = folder.path().join("runs");
    for seed in 0..5 {
        let plan = MadeUpRun {
            experiment: "mine",
            ..MadeUpRun::new("CE", 0.2, seed)
        };
        // 0.02, 0.04, ..., 0.1: mean 0.06, s = 0.0316, half width 2.776 * 0.0316 * sqrt(1/5 + 1/2)
        // = 0.0735.
        write(
            &runs,
            &record(
                &plan,
                Values {
                    dilation: 0.02 * (seed + 1) as f64,
                    memorization: 0.3,
                    accuracy: 0.99,
                },
            ),
        );
    }
    for (seed, loss) in [(0, "LS"), (1, "LS")] {
        let plan = MadeUpRun {
            experiment: "mine",
            ..MadeUpRun::new(loss, 0.2, seed)
        };
        write(
            &runs,
            &record(
                &plan,
                Values {
                    dilation: 0.02,
                    memorization: 0.3,
                    accuracy: 0.99,
                },
            ),
        );
    }
    // Runs of the same experiment on other classes are excluded.
    let other = MadeUpRun {
        experiment: "mine",
        classes: [2, 4],
        ..MadeUpRun::new("CE", 0.2, 0)
    };
    write(
        &runs,
        &record(
            &other,
            Values {
                dilation: 50.0,
                memorization: 0.3,
                accuracy: 0.5,
            },
        ),
    );
    let reference = folder.path().join("theirs.toml");
    let text = |ce: &str| {
        format!(
            "title = \"Theirs.\"\nexperiment = \"mine\"\nsource = \"fashion-mnist-embedded\"\n\
             classes = [0, 1]\nwidth = 256\nseeds = [1, 2]\n\
             [[cell]]\neta = 0.2\nloss = \"CE\"\nvalues = {{ dilation = {ce} }}\n\
             [[cell]]\neta = 0.2\nloss = \"LS\"\nvalues = {{ dilation = [0.1, 0.1], accuracy = [99.0, 98.0] }}\n"
        )
    };
    let with = |content: &str| {
        fs::write(&reference, content).unwrap();
        let mut options = options(&runs, &folder.path().join("out"));
        options.reference = Some(reference.clone());
        write_report(&options)
    };
    let inside = with(&text("[0.13, 0.135]")).unwrap();
    assert_eq!(inside.reference_inside, Some((1, 1)));
    let page = fs::read_to_string(&inside.html).unwrap();
    assert!(page.contains("1 of 1 reference means inside") && page.contains("fewer than 3 seeds"));
    let outside = with(&text("[0.133, 0.135]")).unwrap();
    assert_eq!(outside.reference_inside, Some((0, 1)));
    assert!(
        fs::read_to_string(&outside.html)
            .unwrap()
            .contains("✗ outside")
    );

    for (content, expected) in [
        (text("[0.1]"), "CE, eta 0.2, dilation (test NC1): 1 values for 2 seeds"),
        (text("[0.1, nan]"), "NaN is not finite"),
        (text("[0.1, 0.1]").replace("dilation", "dilatation"), "line 10"),
        ("seeds = [".to_owned(), "line 1"),
        (
            "title = \"\"\nexperiment = \"x\"\nsource = \"y\"\nclasses = []\nwidth = 1\nseeds = []\ncell = []\n"
                .to_owned(),
            "at least one seed",
        ),
    ] {
        let error = with(&content).unwrap_err();
        assert!(matches!(error, ReportError::Reference { .. }) && error.is_bad_input());
        let message = error.to_string();
        assert!(message.contains(expected) && message.lines().count() == 1, "{message}");
    }
}

#[test]
fn the_authors_reference_values_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let runs = folder.path().join("runs");
    let plan = MadeUpRun {
        experiment: "fashion-mnist-reference",
        ..MadeUpRun::new("CE", 0.2, 0)
    };
    write(
        &runs,
        &record(
            &plan,
            Values {
                dilation: 0.02,
                memorization: 0.3,
                accuracy: 0.99,
            },
        ),
    );
    let mut options = options(&runs, &folder.path().join("out"));
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    options.reference = Some(root.join("experiments/reference/authors-fashion-mnist.toml"));
    let page = fs::read_to_string(write_report(&options).unwrap().html).unwrap();
    // Nine cells with eight quantities each, except memorization in the three noiseless cells.
    assert_eq!(page.matches("○ no runs").count(), 69);
    assert!(page.contains("No run has the settings of fashion-mnist-reference."));
}

#[test]
fn nothing_is_written_for_bad_input() {
    let folder = tempfile::tempdir().unwrap();
    let (runs, out) = (folder.path().join("runs"), folder.path().join("out"));
    let error = write_report(&options(&runs, &out)).unwrap_err();
    assert!(matches!(error, ReportError::NoFolder { .. }) && error.is_bad_input());

    fs::create_dir(&runs).unwrap();
    assert!(matches!(
        write_report(&options(&runs, &out)),
        Err(ReportError::NoRuns { .. })
    ));

    let run = write(&runs, &design(1, &LOSSES, &[0.2])[0]);
    fs::write(run.path().join("features.npz"), b"not an archive").unwrap();
    let error = write_report(&options(&runs, &out)).unwrap_err();
    assert!(
        matches!(error, ReportError::Records(_)) && error.to_string().contains("features.npz"),
        "{error}"
    );

    fs::write(run.path().join("summary.json"), b"{").unwrap();
    let error = write_report(&options(&runs, &out)).unwrap_err();
    assert!(
        matches!(error, ReportError::Records(_)) && error.to_string().contains("summary.json"),
        "{error}"
    );
    assert!(!out.exists());
}

#[test]
fn an_unwritable_output_folder_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let runs = folder.path().join("runs");
    write(&runs, &design(1, &LOSSES, &[0.2])[0]);
    let out = folder.path().join("file");
    fs::write(&out, b"kept").unwrap();
    let error = write_report(&options(&runs, &out)).unwrap_err();
    assert!(
        error.to_string().starts_with("cannot write") && error.is_bad_input(),
        "{error}"
    );
    assert_eq!(fs::read(&out).unwrap(), b"kept");
}

#[test]
fn files_of_other_programs_are_kept_and_old_figures_removed() {
    let folder = tempfile::tempdir().unwrap();
    let (runs, out) = (folder.path().join("runs"), folder.path().join("out"));
    for record in design(2, &LOSSES, &ETAS) {
        write(&runs, &record);
    }
    fs::create_dir(&out).unwrap();
    for (name, text) in [
        ("index.html", "<html>mine</html>"),
        ("report.md", "# My report\n"),
        ("claims.json", "{}"),
    ] {
        fs::write(out.join(name), text).unwrap();
        let error = write_report(&options(&runs, &out)).unwrap_err();
        assert!(matches!(error, ReportError::OtherPage { .. }) && error.to_string().contains(name));
        assert_eq!(fs::read_to_string(out.join(name)).unwrap(), text);
        assert_eq!(fs::read_dir(&out).unwrap().count(), 1);
        fs::remove_file(out.join(name)).unwrap();
    }
    let mut options = options(&runs, &out);
    options
        .experiments
        .push(experiment(&design(2, &LOSSES, &ETAS)));
    let first = write_report(&options).unwrap();
    assert_eq!(first.figures.len(), 2);
    fs::write(out.join("figures/mine.svg"), "kept").unwrap();
    options.experiments[0].page.figures = Some(vec!["by-noise".to_owned()]);
    let second = write_report(&options).unwrap();
    assert_eq!(second.figures.len(), 1);
    let mut left: Vec<String> = fs::read_dir(out.join("figures"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    left.sort();
    assert_eq!(left, ["by-noise.png", "by-noise.svg", "mine.svg"]);
}
