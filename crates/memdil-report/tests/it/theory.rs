//! The theory section over made-up run folders.

use std::fs;
use std::path::Path;

use memdil_claims::{Claim, Counted, Verdict};
use memdil_records::RunRecord;
use memdil_report::{Report, ReportOptions, write_report};

use crate::common::{Noise, Plan, Values, check_page, claims_of, record, write};

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
    "theory-classes",
    "theory-practice",
];

/// Networks that follow rho = 0.1 + eta nu / 0.8, with rho ordered by the factors.
fn follows(width: usize, seeds: u64, losses: &[(&'static str, f64)]) -> Vec<RunRecord> {
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
                let mut record = record(
                    &Plan {
                        width,
                        ..Plan::new(loss, eta, seed)
                    },
                    values,
                );
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

fn report(records: &[RunRecord], out: &Path) -> Report {
    let runs = out.join("runs");
    let _ = fs::remove_dir_all(out);
    for record in records {
        write(&runs, record);
    }
    let options = ReportOptions {
        runs: Some(runs),
        features: Vec::new(),
        out: out.join("report"),
        manifests: Vec::new(),
        experiments: vec![claims_of("md-theory", CLAIMS, &[])],
        reference: None,
        theory: true,
        command: None,
    };
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
fn the_section_is_whole_reproducible_and_judged() {
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("theory");
    let mut records = follows(256, 9, &[("CE", 1.0), ("LR", 0.8), ("LS", 0.5)]);
    // Smoothing dilates most, which the model never predicts here.
    records.extend(follows(128, 9, &[("CE", 0.6), ("LS", 1.2)]));
    // Dilation that falls with noise has no C_MD.
    let mut falling = follows(64, 7, &[("CE", 1.0), ("LS", 0.5)]);
    for record in &mut falling {
        record.last.as_mut().unwrap().test.as_mut().unwrap().radius =
            Some(1.0 - record.realised_noise);
    }
    records.extend(falling);
    // Two seeds beside panels of more: fitted, and not judged.
    records.extend(follows(32, 2, &[("CE", 1.0), ("LS", 0.5)]));
    // A picture of runs that another experiment makes is not fitted.
    let picture = Plan {
        experiment: "features-2d",
        ..Plan::new("CE", 0.2, 0)
    };
    for eta in [0.1, 0.2, 0.3] {
        let values = Values {
            dilation: eta,
            memorization: 1.0,
            accuracy: 0.9,
        };
        let mut record = record(
            &Plan {
                eta,
                ..picture.clone()
            },
            values,
        );
        record.last.as_mut().unwrap().test.as_mut().unwrap().radius = Some(2.0 * eta);
        records.push(record);
    }
    let first = report(&records, &out);

    let html = fs::read_to_string(&first.html).unwrap();
    check_page(&html);
    assert!(html.len() < 1_000_000, "{} bytes", html.len());
    let places = [
        "id=\"claims\"",
        "memorization-dilation\"",
        "features-2d\"",
        "theory-vs-practice\"",
        "md-theory\"",
    ]
    .map(|id| {
        if id.starts_with("id") {
            id.to_owned()
        } else {
            format!("id=\"experiment-{id}")
        }
    });
    let found: Vec<usize> = places
        .iter()
        .map(|place| html.find(place.as_str()).unwrap())
        .collect();
    assert!(found.is_sorted(), "{found:?}");
    let section = &html[found[3]..];
    for name in FIGURES {
        assert_eq!(
            section.matches(&format!("<figure id=\"{name}\">")).count(),
            1,
            "{name}"
        );
        let path = first
            .figures
            .iter()
            .find(|path| path.ends_with(format!("{name}.svg")))
            .unwrap();
        let svg = fs::read_to_string(path).unwrap();
        check_page(&svg);
        assert!(svg.contains("prefers-color-scheme: dark"));
    }
    let text = fs::read_to_string(&first.markdown).unwrap();
    assert!(!text.contains("NaN") && text.contains("\n## Theory\n"));

    // The solved models: points, not seeds; no p, and no part in Holm's correction.
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
    let cards = &html[found[4]..];
    let card = cards
        .split("<article")
        .find(|card| card.contains("In the solved model"))
        .unwrap();
    assert!(
        card.contains(&format!("<dt>points</dt><dd>{}</dd>", worst.n))
            && !card.contains("seeds")
            && !card.contains("<dt>p<")
    );

    assert!(
        section.contains("The predicted order of the losses is the measured one in 2 of 3 panels")
    );
    assert!(section.contains("No line could be fitted to 1 other panel."));
    // The table has every panel, and says why one has no fit.
    let table = &section[section.find("R²</th>").unwrap()..];
    let row = |network: &str| {
        table
            .split("<tr>")
            .find(|row| row.contains(network))
            .unwrap()
    };
    for (network, text) in [
        ("4×256", "✓ yes"),
        ("4×128", "✗ no"),
        ("4×64", "no fit: cannot fit C_MD"),
        ("4×32", "<td class=\"num\">2</td>"),
    ] {
        assert!(row(network).contains(text), "{}", row(network));
    }
    assert!(!table[..table.find("</table>").unwrap()].contains("features"));
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
