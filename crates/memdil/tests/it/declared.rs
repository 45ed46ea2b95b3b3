//! The claims of every experiment and preset in the repository: they can be planned, effects of the
//! planned size are detected, and absent effects are not.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use memdil_claims::{Declaration, Family, Verdict};
use memdil_data::files;
use memdil_records::RunSpec;
use memdil_runner::Experiment;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::common::Scene;

const DRAWS: usize = 100;
/// Larger than every seed in the files.
const SEEDS: usize = 64;

struct Planned {
    name: String,
    preset: String,
    declarations: Vec<Declaration>,
    specs: Vec<RunSpec>,
}

/// Every preset of every file in `experiments/` that trains networks.
fn planned() -> Vec<Planned> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../experiments");
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.retain(|path| path.extension().is_some_and(|ending| ending == "toml"));
    files.sort();
    let data = data_sets();
    let mut all = Vec::new();
    for path in files {
        let table: toml::Table = fs::read_to_string(&path).unwrap().parse().unwrap();
        let presets = table.get("preset").and_then(toml::Value::as_table);
        for preset in presets.into_iter().flat_map(|presets| presets.keys()) {
            let experiment = Experiment::load(&path, Some(preset), &[]).unwrap();
            let specs = match experiment.command() {
                None => {
                    let lines = experiment.runs(&[data.path().to_owned()]).unwrap();
                    lines.into_iter().map(|line| line.spec).collect()
                }
                Some("search") => {
                    let plan = experiment.searches(&[data.path().to_owned()]).unwrap();
                    plan.searches
                        .into_iter()
                        .map(|search| search.spec)
                        .collect()
                }
                Some(_) => continue,
            };
            let declarations = Declaration::read(experiment.claims()).unwrap();
            all.push(Planned {
                name: experiment.name(),
                preset: preset.clone(),
                declarations,
                specs,
            });
        }
    }
    all
}

/// A folder with empty files in place of every data set, since planning does not open them.
fn data_sets() -> tempfile::TempDir {
    let folder = tempfile::TempDir::new().unwrap();
    let sets: [(&str, &[&str]); 4] = [
        ("mnist", &files::IDX),
        ("fashion-mnist", &files::IDX),
        ("cifar-10", &files::CIFAR_10),
        ("svhn", &files::SVHN),
    ];
    for (set, names) in sets {
        fs::create_dir_all(folder.path().join(set)).unwrap();
        for name in names {
            fs::write(folder.path().join(set).join(name), b"").unwrap();
        }
    }
    folder
}

/// Standard normal numbers (Box and Muller).
fn normal(rng: &mut ChaCha8Rng) -> f64 {
    let mut uniform = || ((rng.next_u64() >> 11) as f64 + 0.5) * (-53.0_f64).exp2();
    (-2.0 * uniform().ln()).sqrt() * (std::f64::consts::TAU * uniform()).cos()
}

#[test]
fn planned_effects_are_detected_and_absent_ones_are_not() {
    let mut tests = 0;
    for Planned {
        name,
        preset,
        declarations,
        specs,
    } in planned()
    {
        let families = Family::of(&declarations, Some(&preset), &specs).unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(24);
        // The families of a preset have the same design, so the first one suffices.
        for family in families.into_iter().take(1) {
            let promised = family.planned();
            let conditions = family.conditions();
            let mut count = |with_effect: bool| -> Vec<usize> {
                let mut supported = vec![0; promised.len()];
                for _ in 0..DRAWS {
                    let mut drawn: BTreeMap<&str, Vec<Vec<f64>>> = BTreeMap::new();
                    for test in &promised {
                        let effect = test.detectable.filter(|_| with_effect).unwrap_or(0.0);
                        for _ in 0..SEEDS {
                            let sides = conditions[&test.id].iter();
                            let values = sides.map(|(expect, bound)| {
                                bound + expect.sign() * effect + normal(&mut rng)
                            });
                            drawn.entry(&test.id).or_default().push(values.collect());
                        }
                    }
                    let claims =
                        family.judge_values(|id, _, seed| drawn[id].get(seed as usize).cloned());
                    for (index, claim) in claims.iter().enumerate() {
                        supported[index] += usize::from(claim.verdict == Verdict::Supported);
                    }
                }
                supported
            };
            let (found, alarms) = (count(true), count(false));
            for (index, test) in promised.iter().enumerate() {
                if test.detectable.is_none() {
                    assert_eq!(
                        (found[index], alarms[index]),
                        (0, 0),
                        "{preset}: {}",
                        test.id
                    );
                    continue;
                }
                tests += 1;
                assert!(
                    found[index] >= 80,
                    "{name}, {preset}: {} of {DRAWS} for {}",
                    found[index],
                    test.id
                );
                assert!(
                    alarms[index] <= 5,
                    "{name}, {preset}: {} of {DRAWS} for {}",
                    alarms[index],
                    test.id
                );
            }
        }
    }
    assert!(tests > 100, "{tests} tests in all presets");
}

#[test]
fn every_preset_but_smoke_has_enough_seeds() {
    for Planned {
        name,
        preset,
        declarations,
        specs,
    } in planned()
    {
        if preset == "smoke" {
            continue;
        }
        for family in Family::of(&declarations, Some(&preset), &specs).unwrap() {
            for test in family.planned() {
                assert!(
                    test.seeds >= 8,
                    "{name}, {preset}: {} has {} seeds",
                    test.id,
                    test.seeds
                );
            }
        }
    }
}

/// The claims of an experiment in the claims.json of a report.
fn claims(scene: &Scene, report: &str, experiment: &str) -> Vec<serde_json::Value> {
    let text = fs::read_to_string(scene.path(report).join("claims.json")).unwrap();
    let all: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
    let prefix = format!("{experiment}/");
    let own = |claim: &serde_json::Value| claim["id"].as_str().unwrap().starts_with(&prefix);
    all.into_iter().filter(own).collect()
}

fn example() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    fs::read_to_string(root.join("examples/own-claims/widths.toml")).unwrap()
}

#[test]
fn claims_depend_only_on_their_experiment_file() {
    let scene = Scene::new("");
    fs::write(scene.path("widths.toml"), example()).unwrap();
    let short =
        "--set training.epochs=2 --set training.evaluate_every=2 --set data.images_per_class=40";
    let plan = scene.succeed(&format!(
        "sweep plan --config widths.toml {short} --out m.jsonl"
    ));
    assert!(
        plan.contains("claims of own-widths on fashion-mnist-embedded: 2 tests"),
        "{plan}"
    );
    assert!(
        plan.contains("wide-dilates-less") && plan.contains("6 seeds"),
        "{plan}"
    );
    scene.succeed("sweep run --manifest m.jsonl --out runs --all");
    let report = format!("report --runs runs --config widths.toml {short}");
    let table = scene.succeed(&format!("{report} --out alone"));
    assert!(
        table.contains("wide dilates less") && table.contains("wide classifies as well"),
        "{table}"
    );
    let alone = claims(&scene, "alone", "own-widths");
    let ids: Vec<&str> = alone
        .iter()
        .map(|claim| claim["id"].as_str().unwrap())
        .collect();
    let prefix = "own-widths/fashion-mnist-embedded";
    assert_eq!(
        ids,
        [
            format!("{prefix}/wide-dilates-less"),
            format!("{prefix}/wide-classifies-as-well")
        ]
    );
    assert!(alone.iter().all(|claim| claim["n"] == 6), "{alone:?}");
    let page = fs::read_to_string(scene.path("alone/index.html")).unwrap();
    assert!(page.contains("networks of width 64 dilate less than networks of width 16"));

    // Another experiment in the same folder, with the same claims, and the solved models.
    let other = example()
        .replace("own-widths", "other")
        .replace("[16, 64]", "[16, 64, 24]");
    fs::write(scene.path("other.toml"), other).unwrap();
    scene.succeed(&format!(
        "sweep plan --config other.toml {short} --out o.jsonl"
    ));
    scene.succeed("sweep run --manifest o.jsonl --out runs --all");
    scene.succeed(&format!(
        "{report} --config other.toml --theory --out beside"
    ));
    assert_eq!(claims(&scene, "beside", "own-widths"), alone);
    assert_eq!(claims(&scene, "beside", "other").len(), 2);
    // Without an experiment file, no claim is tested.
    let table = scene.succeed("report --runs runs --out none");
    assert!(table.contains("No claim is tested"), "{table}");
}

#[test]
fn untestable_claims_are_one_line() {
    let scene = Scene::new("");
    let cases = [
        (
            "\"test.dilation\"",
            "\"test.dilaton\"",
            "did you mean 'test.dilation'",
        ),
        (
            "of = { \"model.width\" = 64 }",
            "of = { \"model.width\" = 65 }",
            "no run has model.width = 65",
        ),
        (
            "expect = \"below\"",
            "expect = \"lower\"",
            "unknown variant `lower`",
        ),
        (
            "id = \"wide-dilates-less\"\n",
            "",
            "claim 'number 1': id is missing",
        ),
        (
            "test = \"paired\"",
            "test = \"pared\"",
            "unknown variant `pared`",
        ),
        (
            "against = { \"model.width\" = 16 }",
            "against = { \"model.width\" = 16, \"noise.eta\" = { above = 0.5 } }",
            "in this range",
        ),
        (
            "[[claim]]",
            "[report]\nfigures = [\"capacty\"]\n\n[[claim]]",
            "[report]: unknown figure 'capacty'; must be one of phase-portrait",
        ),
        (
            "[[claim]]",
            "[report]\nheading = \"Widths\"\n\n[[claim]]",
            "[report]: unknown field `heading`",
        ),
    ];
    for (from, to, expected) in cases {
        fs::write(scene.path("bad.toml"), example().replacen(from, to, 1)).unwrap();
        scene.refuse(
            "sweep plan --config bad.toml --out m.jsonl",
            &["bad.toml", expected],
        );
        assert!(!scene.path("m.jsonl").exists());
        scene.refuse(
            "report --config bad.toml --out report",
            &["bad.toml", expected],
        );
    }
    for name in ["first.toml", "second.toml"] {
        fs::write(scene.path(name), example()).unwrap();
    }
    scene.refuse(
        "report --config first.toml --config second.toml --out report",
        &["first.toml and second.toml: both define the experiment 'own-widths'"],
    );
    let one = example().replace("seed = [0, 1, 2, 3, 4, 5]", "seed = [0]");
    fs::write(scene.path("one.toml"), one).unwrap();
    scene.refuse(
        "sweep plan --config one.toml --out m.jsonl",
        &["one seed is planned", "needs 6"],
    );
    // Too few seeds for a verdict are not an error, as the runs may serve for figures.
    let few = example().replace("seed = [0, 1, 2, 3, 4, 5]", "seed = [0, 1]");
    fs::write(scene.path("few.toml"), few).unwrap();
    let plan = scene.succeed("sweep plan --config few.toml --out m.jsonl");
    assert!(
        plan.contains("too few seeds for a verdict; at least 6 are needed"),
        "{plan}"
    );
}
