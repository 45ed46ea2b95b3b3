//! The report over made-up run folders.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use memdil_records::RunRecord;
use memdil_report::{Claim, Report, ReportError, ReportOptions, Verdict, write_report};
use tempfile::TempDir;

use crate::common::{self, Plan, Values, check_page, design, diverged, record, snapshot, write};

const LOSSES: [(&str, f64); 3] = [("CE", 1.0), ("LS", 0.6), ("LR", 0.75)];
const ETAS: [f64; 3] = [0.0, 0.2, 0.4];

fn options(runs: &Path, out: &Path) -> ReportOptions {
    let command = Some("cargo xtask reproduce --preset \"quick\" && echo <done>".to_owned());
    ReportOptions {
        runs: Some(runs.to_owned()),
        features: Vec::new(),
        out: out.to_owned(),
        manifests: Vec::new(),
        reference: None,
        theory: false,
        command,
    }
}

fn report(records: &[RunRecord]) -> (TempDir, Report) {
    let folder = tempfile::tempdir().unwrap();
    for record in records {
        write(&folder.path().join("runs"), record);
    }
    let report = write_report(&options(
        &folder.path().join("runs"),
        &folder.path().join("out"),
    ))
    .unwrap();
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
fn clear_effects_in_enough_seeds_are_supported() {
    let (_folder, report) = report(&design(9, &LOSSES, &ETAS));
    assert_eq!(report.claims.len(), 3);
    for claim in &report.claims {
        assert_eq!(claim.verdict, Verdict::Supported, "{claim:?}");
        assert_eq!((claim.n, &claim.reason), (9, &None));
        // Nine of nine on one side: 2 / 2^9, times the three claims.
        assert_eq!(
            (claim.p, claim.p_holm, claim.p_sign.map(|p| p < 0.004)),
            (Some(1.0 / 256.0), Some(3.0 / 256.0), Some(true))
        );
    }
    let smoothing = claim(&report, "/b-ls");
    let (effect, [low, high]) = (smoothing.effect.unwrap(), smoothing.interval.unwrap());
    assert!(low < effect && effect < high && high < 0.0);
    assert!((effect + 40.0).abs() < 4.0, "{effect}");
    // One cell a noise level above zero.
    assert_eq!(
        smoothing
            .cells
            .iter()
            .map(|cell| cell.n)
            .collect::<Vec<_>>(),
        [9, 9]
    );
    assert!(report.terminal_table().contains("✓ supported"));
}

#[test]
fn effects_the_other_way_are_refuted() {
    let (_folder, report) = report(&design(9, &[("CE", 1.0), ("LS", 1.5), ("LR", 1.4)], &ETAS));
    assert_eq!(claim(&report, "/b-ls").verdict, Verdict::Refuted);
    assert_eq!(claim(&report, "/b-lr").verdict, Verdict::Refuted);
    assert_eq!(claim(&report, "/a").verdict, Verdict::Supported);
    // Dilation that shrinks while memorization grows refutes (a).
    let mut records = design(9, &LOSSES, &ETAS);
    for record in &mut records {
        let test = record.last.as_mut().unwrap().test.as_mut().unwrap();
        test.dilation = test.dilation.map(|dilation| 1.0 / dilation);
    }
    let (_folder, report) = self::report(&records);
    assert_eq!(claim(&report, "/a").verdict, Verdict::Refuted);
}

#[test]
fn two_seeds_are_inconclusive_but_still_show_effect_and_interval() {
    let (_folder, report) = report(&design(2, &LOSSES, &ETAS));
    for claim in &report.claims {
        assert_eq!(claim.verdict, Verdict::Inconclusive);
        assert_eq!(
            claim.reason.as_deref(),
            Some("2 of the 6 seeds that a verdict needs")
        );
        assert!(
            claim.effect.is_some() && claim.interval.is_some(),
            "{claim:?}"
        );
    }
    assert!(report.terminal_table().contains("2 of the 6 seeds"));
}

#[test]
fn no_effect_is_inconclusive_because_the_interval_crosses_zero() {
    let (_folder, report) = report(&design(8, &[("CE", 1.0), ("LS", 1.0), ("LR", 1.0)], &ETAS));
    let claim = claim(&report, "/b-ls");
    assert_eq!(claim.verdict, Verdict::Inconclusive);
    assert_eq!(claim.reason.as_deref(), Some("the interval crosses zero"));
}

#[test]
fn holm_s_correction_has_the_last_word() {
    // Six of six is p = 1/32; with three claims 3/32 remains.
    let (_folder, report) = report(&design(6, &LOSSES, &ETAS));
    let claim = claim(&report, "/b-ls");
    assert_eq!(
        (claim.verdict, claim.p, claim.p_holm),
        (Verdict::Inconclusive, Some(1.0 / 32.0), Some(3.0 / 32.0))
    );
    assert!(
        claim.reason.as_deref().unwrap().contains("Holm"),
        "{claim:?}"
    );
    // With LS alone two claims are tested: 2/32.
    let (_folder, report) = self::report(&design(6, &[("CE", 1.0), ("LS", 0.6)], &ETAS));
    assert_eq!(self::claim(&report, "/b-ls").p_holm, Some(2.0 / 32.0));
}

#[test]
fn missing_cells_and_values_are_left_out_and_said() {
    let mut records = design(7, &LOSSES, &ETAS);
    // CE at eta 0.4, seed 0 diverged; LS at eta 0.2, seed 1 is not there; LR at eta 0.2, seed 2 has
    // no dilation.
    let find = |records: &[RunRecord], loss, eta, seed| {
        let id = record(
            &Plan::new(loss, eta, seed),
            Values {
                dilation: 1.0,
                memorization: 1.0,
                accuracy: 1.0,
            },
        )
        .id;
        records.iter().position(|record| record.id == id).unwrap()
    };
    let index = find(&records, "CE", 0.4, 0);
    records[index] = diverged(
        &Plan::new("CE", 0.4, 0),
        "loss became NaN in epoch 3 & <ended>",
    );
    let index = find(&records, "LR", 0.2, 2);
    records[index]
        .last
        .as_mut()
        .unwrap()
        .test
        .as_mut()
        .unwrap()
        .dilation = None;
    let index = find(&records, "LS", 0.2, 1);
    records.remove(index);
    let (_folder, report) = report(&records);
    assert_eq!((report.runs, report.diverged), (62, 1));
    let smoothing = claim(&report, "/b-ls");
    assert_eq!(smoothing.n, 7);
    assert_eq!(
        smoothing
            .cells
            .iter()
            .map(|cell| cell.n)
            .collect::<Vec<_>>(),
        [6, 6]
    );
    assert!(
        smoothing
            .notes
            .iter()
            .any(|note| note.starts_with("2 runs have no partner")),
        "{:?}",
        smoothing.notes
    );
    assert_eq!(
        claim(&report, "/b-lr")
            .cells
            .iter()
            .map(|cell| cell.n)
            .collect::<Vec<_>>(),
        [6, 6]
    );

    let html = fs::read_to_string(&report.html).unwrap();
    assert!(html.contains("✗ diverged: loss became NaN in epoch 3 &amp; &lt;ended&gt;"));
    assert!(html.contains("1 of them diverged"));
    let text = fs::read_to_string(&report.markdown).unwrap();
    assert!(text.contains("✗ diverged: loss became NaN in epoch 3"));
}

#[test]
fn a_loss_that_was_not_run_is_said_to_be_missing() {
    let (_folder, report) = report(&design(7, &[("CE", 1.0), ("LS", 0.5)], &ETAS));
    let relaxation = claim(&report, "/b-lr");
    assert_eq!(
        (relaxation.n, relaxation.effect, relaxation.p),
        (0, None, None)
    );
    assert_eq!(
        relaxation.reason.as_deref(),
        Some("no completed LR run beside a CE run with η > 0")
    );
    let json: serde_json::Value =
        serde_json::from_slice(&fs::read(&report.claims_json).unwrap()).unwrap();
    let written = json
        .as_array()
        .unwrap()
        .iter()
        .find(|c| c["id"] == relaxation.id)
        .unwrap();
    assert!(
        written.get("effect").is_none()
            && written.get("p").is_none()
            && written["cells"] == serde_json::json!([])
    );
}

#[test]
fn experiments_without_a_claim_get_none() {
    let mut records = Vec::new();
    for seed in 0..3 {
        let plan = Plan {
            experiment: "fashion-mnist-reference",
            ..Plan::new("CE", 0.2, seed)
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
fn only_diverged_runs_still_make_a_report() {
    let (_folder, report) = report(&[diverged(&Plan::new("CE", 0.2, 0), "loss is NaN")]);
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

/// Eighteen runs with features, one of a second pair, and one that diverged; kept where it can be
/// looked at.
fn sample(out: &Path) -> PathBuf {
    let runs = out.join("runs");
    let _ = fs::remove_dir_all(out);
    for (index, record) in design(2, &LOSSES, &ETAS).iter().enumerate() {
        let spec = &record.spec;
        let plan = Plan::new(LOSSES[index % 3].0, record.requested_noise, spec.seed);
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
        // The second pair: spread wider from the start.
        let plan = Plan {
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
        &diverged(&Plan::new("MSE", 0.4, 0), "loss became NaN in epoch 3"),
    );
    runs
}

#[test]
fn the_whole_report_is_well_formed_self_contained_and_reproducible() {
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("sample");
    let runs = sample(&out);
    let mut options = options(&runs, &out.join("report"));
    options.reference = Some(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference.toml"));
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
    // The solved models were not asked for.
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
        "37 runs, one a row",
        "Where it differs from the paper",
        "To run it again",
        "id=\"reference\"",
        "id=\"provenance\"",
    ];
    let found: Vec<usize> = places
        .iter()
        .map(|place| html.find(place).unwrap())
        .collect();
    assert!(found.is_sorted(), "{found:?}");
    // Every run that completed is a mark of its own in the first figure.
    let figure = &html[found[3]..found[4]];
    let marks = figure.matches("class=\"mark f ").count();
    assert_eq!(marks, 36);

    for path in &first.figures {
        let svg = fs::read_to_string(path).unwrap();
        check_page(&svg);
        assert!(svg.contains("prefers-color-scheme: dark"));
        // The PNG beside it has its size, twice as fine, and is no blank sheet.
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
    assert_eq!(json.len(), 3);

    let again = write_report(&ReportOptions {
        out: out.join("again"),
        ..options
    })
    .unwrap();
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
        let plan = Plan {
            experiment: "mine",
            ..Plan::new("CE", 0.2, seed)
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
        let plan = Plan {
            experiment: "mine",
            ..Plan::new(loss, 0.2, seed)
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
    // Runs of the same experiment on other classes stay out.
    let other = Plan {
        experiment: "mine",
        classes: [2, 4],
        ..Plan::new("CE", 0.2, 0)
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
    assert!(page.contains("1 of 1 cells inside") && page.contains("fewer than 3 seeds"));
    let outside = with(&text("[0.133, 0.135]")).unwrap();
    assert_eq!(outside.reference_inside, Some((0, 1)));
    assert!(
        fs::read_to_string(&outside.html)
            .unwrap()
            .contains("✗ outside")
    );

    for (content, expected) in [
        (text("[0.1]"), "CE, eta 0.2, dilation (test NC1): 1 values for 2 seeds"),
        (text("[0.1, nan]"), "is no finite number"),
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
fn the_authors_numbers_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let runs = folder.path().join("runs");
    let plan = Plan {
        experiment: "fashion-mnist-reference",
        ..Plan::new("CE", 0.2, 0)
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
    // Nine cells of eight quantities, less memorization where nothing is corrupted.
    assert!(page.contains("69 more have no interval"));
}

#[test]
fn bad_input_is_an_error_and_writes_nothing() {
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
    fs::write(run.path().join("features.npz"), b"no archive").unwrap();
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
fn an_unwritable_folder_is_named() {
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
