//! The theory section over synthetic run folders.

use std::fs;
use std::path::Path;

use memdil_claims::{Claim, Counted, Verdict};
use memdil_records::RunRecord;
use memdil_report::{Report, ReportOptions, fit_runs, write_report};

use crate::common::{MadeUpRun, Noise, Values, check_page, claims_of, record, write};

const CLAIMS: &str = r#"
    [[claim]]
    id = "ls-below-ce"
    statement = "In the solved model, LS dilates less than CE."
    test = "exact"
    rule = "ls_below_ce"
    bound = 0.1

    [[claim]]
    id = "ls-slope"
    statement = "rho falls like the fourth root."
    test = "exact"
    rule = "ls_slope"
    bound = 0.01

    [[claim]]
    id = "ce-limit"
    statement = "rho tends to 0.2929."
    test = "exact"
    rule = "ce_limit"
    bound = 0.005
"#;

const FIGURES: [&str; 5] = [
    "theory-decay",
    "theory-noise",
    "theory-phase",
    "theory-jumps",
    "theory-classes",
];

/// Runs that satisfy rho = 0.1 + eta nu / 0.8 exactly.
fn exact_runs(width: usize, seeds: u64, losses: &[(&'static str, f64)]) -> Vec<RunRecord> {
    let mut noise = Noise(5);
    let mut records = Vec::new();
    for seed in 0..seeds {
        for eta in [0.0, 0.2, 0.4] {
            for (loss, factor) in losses {
                let values = Values {
                    dilation: 1.0,
                    memorization: factor + 0.05 * noise.next(),
                    accuracy: 0.9,
                };
                let plan = MadeUpRun {
                    width,
                    ..MadeUpRun::new(loss, eta, seed)
                };
                let mut record = record(&plan, values);
                let last = record.last.as_mut().unwrap();
                let ratio = record.realised_noise / (1.0 - record.realised_noise);
                let test = last.test.as_mut().unwrap();
                let rho = 0.1 + ratio * last.memorization_mean.unwrap_or(0.0) / 0.8;
                (test.separation, test.radius, test.rho) = (Some(2.0), Some(2.0 * rho), Some(rho));
                records.push(record);
            }
        }
    }
    records
}

#[test]
fn c_md_is_fitted_to_every_panel() {
    let folder = tempfile::tempdir().unwrap();
    let mut records = exact_runs(256, 9, &[("CE", 1.0), ("LR", 0.8), ("LS", 0.5)]);
    // C_MD cannot be fitted if dilation decreases with noise.
    let mut falling = exact_runs(64, 7, &[("CE", 1.0), ("LS", 0.5)]);
    for record in &mut falling {
        record.last.as_mut().unwrap().test.as_mut().unwrap().radius =
            Some(1.0 - record.realised_noise);
    }
    records.extend(falling);
    // Losses that the model does not support are excluded.
    records.extend(exact_runs(32, 2, &[("MSE", 1.0)]));
    for record in &records {
        write(folder.path(), record);
    }
    let fits = fit_runs(folder.path()).unwrap();
    assert_eq!(fits.len(), 2);
    let of = |network: &str| fits.iter().find(|fit| fit.panel.contains(network)).unwrap();
    let fit = of("4×256").fit.unwrap();
    assert!((fit.c_md - 0.8).abs() < 1e-6, "{fit:?}");
    assert!((fit.rho_0 - 0.1).abs() < 1e-6, "{fit:?}");
    assert_eq!((fit.rows, fit.units), (81, 9));
    // Two levels and three losses.
    let predicted = &of("4×256").predicted;
    assert_eq!(predicted.len(), 6);
    assert!(
        predicted.iter().all(|one| one.rho > fit.rho_0),
        "{predicted:?}"
    );
    let without = of("4×64");
    assert!(without.reason.as_ref().unwrap().contains("cannot fit C_MD"));
    assert!(without.fit.is_none() && without.predicted.is_empty());
}

fn report(records: &[RunRecord], out: &Path) -> Report {
    let runs = out.join("runs");
    let _ = fs::remove_dir_all(out);
    for record in records {
        write(&runs, record);
    }
    let mut options = ReportOptions::new(out.join("report"));
    options.runs = Some(runs);
    options.experiments = vec![claims_of("md-theory", CLAIMS, &[])];
    options.theory = true;
    write_report(&options).unwrap()
}

fn claim<'a>(report: &'a Report, part: &str) -> &'a Claim {
    report
        .claims
        .iter()
        .find(|claim| claim.id.contains(part))
        .unwrap()
}

#[test]
fn the_theory_section_is_complete_and_reproducible() {
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("theory");
    let records = exact_runs(256, 2, &[("CE", 1.0), ("LS", 0.5)]);
    let first = report(&records, &out);

    let html = fs::read_to_string(&first.html).unwrap();
    check_page(&html);
    assert!(html.len() < 1_000_000, "{} bytes", html.len());
    let section = &html[html.find("id=\"experiment-md-theory\"").unwrap()..];
    for name in FIGURES {
        assert_eq!(
            section.matches(&format!("<figure id=\"{name}\"")).count(),
            1,
            "{name}"
        );
        let file = format!("{name}.svg");
        let path = first
            .figures
            .iter()
            .find(|path| path.ends_with(&file))
            .unwrap();
        let svg = fs::read_to_string(path).unwrap();
        check_page(&svg);
        assert!(svg.contains("prefers-color-scheme: dark"));
    }
    let text = fs::read_to_string(&first.markdown).unwrap();
    assert!(!text.contains("NaN") && text.contains("\n## md-theory\n"));

    // Claims about solved models count points instead of seeds, and have no p.
    for (id, n) in [
        ("md-theory/ls-below-ce", 1000),
        ("md-theory/ls-slope", 2),
        ("md-theory/ce-limit", 7),
    ] {
        let claim = claim(&first, id);
        assert_eq!(
            (claim.verdict, claim.counted),
            (Verdict::Supported, Counted::Points),
            "{claim:?}"
        );
        assert!(claim.n >= n, "{claim:?}");
        assert_eq!(
            (claim.interval, claim.p, claim.p_holm, claim.p_sign),
            (None, None, None, None)
        );
    }
    let worst = claim(&first, "ls-below-ce");
    assert!(
        worst.effect.unwrap() < 0.0 && worst.notes[0].starts_with("The largest ratio is 0."),
        "{worst:?}"
    );
    assert!((claim(&first, "ls-slope").effect.unwrap() - 0.25).abs() < 1e-3);
    let card = section
        .split("<article")
        .find(|card| card.contains("In the solved model"))
        .unwrap();
    let points = format!("<dt>points</dt><dd>{}</dd>", worst.n);
    assert!(card.contains(&points) && !card.contains("seeds") && !card.contains("<dt>p ("));
    assert!(card.contains("Refuted if the rule fails at any point."));

    let again = report(
        &records,
        &Path::new(env!("CARGO_TARGET_TMPDIR")).join("theory-again"),
    );
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
