//! `memdil theory` against reference solutions, through the command line.

use std::process::{Command, Output};

use serde_json::Value;

fn theory(arguments: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_memdil"))
        .arg("theory")
        .args(arguments.split_whitespace())
        .output()
        .unwrap()
}

fn solve(arguments: &str) -> Value {
    let output = theory(&format!("{arguments} --json"));
    assert!(
        output.status.success(),
        "{arguments}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Compares every number of `expected` that is not a parameter; zeros have an absolute tolerance.
fn agree(expected: &Value, found: &Value, parameters: &[&str], tolerance: impl Fn(&str) -> f64) {
    for (key, value) in expected.as_object().unwrap() {
        let Some(value) = value
            .as_f64()
            .filter(|_| !parameters.contains(&key.as_str()))
        else {
            continue;
        };
        let got = found[key]
            .as_f64()
            .unwrap_or_else(|| panic!("{key} is missing in {found}"));
        let scale = if value == 0.0 { 1e-6 } else { value.abs() };
        assert!(
            (got - value).abs() <= tolerance(key) * scale,
            "{key}: {got} against {value} in {expected}"
        );
    }
}

const PARAMETERS: [&str; 7] = [
    "classes", "alpha", "lambda_w", "lambda_h", "eta", "c_md", "dim",
];

#[test]
fn golden_solutions() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../memdil-theory/tests/golden/theory.json"
    );
    let golden: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let list = |name: &str| golden[name].as_array().unwrap().clone();
    let option = |case: &Value, key: &str| {
        format!(
            " --{} {}",
            key.replace('_', "-"),
            case[key].to_string().replace('"', "")
        )
    };
    let options = |case: &Value, keys: &[&str]| {
        let mut text: String = keys.iter().map(|key| option(case, key)).collect();
        if case["nonnegative"] == true {
            text += " --nonnegative";
        }
        text
    };
    for case in list("lpm") {
        let arguments = format!(
            "lpm{}",
            options(&case, &["classes", "alpha", "lambda_w", "lambda_h"])
        );
        agree(&case, &solve(&arguments), &PARAMETERS, |_| 1e-9);
        agree(
            &case,
            &solve(&format!("{arguments} --numeric")),
            &PARAMETERS,
            |_| 1e-6,
        );
    }
    let keys = [
        "alpha", "lambda_w", "lambda_h", "eta", "c_md", "measure", "dim",
    ];
    for case in list("md") {
        let arguments = format!(
            "md --loss {}{}",
            case["loss"].as_str().unwrap(),
            options(&case, &keys)
        );
        agree(&case, &solve(&arguments), &PARAMETERS, |key| {
            if key == "risk" { 1e-6 } else { 1e-3 }
        });
    }
    for case in list("md_n") {
        let loss = if case["alpha"] == 0.0 { "ce" } else { "ls" };
        let arguments = format!(
            "md --loss {loss}{}{}",
            option(&case, "classes"),
            options(&case, &keys)
        );
        agree(&case, &solve(&arguments), &PARAMETERS, |key| {
            if key == "risk" { 1e-3 } else { 5e-3 }
        });
    }
}

#[test]
fn collapse_is_a_result() {
    let md = solve(
        "md --loss ls --alpha 0.1 --lambda-w 5 --lambda-h 5 --eta 0.1 --c-md 0.5 --measure sphere --dim 2",
    );
    assert!(md["collapsed"] == true && md.get("rho").is_none(), "{md}");
    let lpm = solve("lpm --classes 3 --alpha 0.1 --lambda-w 0.5 --lambda-h 0.5");
    assert!(lpm["collapsed"] == true && lpm["logit_gap"] == 0.0, "{lpm}");
}

#[test]
fn limits_and_phase() {
    let space = "--c-md 0.5 --measure sphere --dim 2 --nonnegative";
    let limits = solve(&format!(
        "limits --alpha 0.1 --lambda-w 1e-8 --lambda-h 1e-8 --eta 0.1 {space}"
    ));
    assert!((limits["rho_ce"].as_f64().unwrap() - (1.0 - 0.5f64.sqrt())).abs() < 1e-12);
    assert!((limits["rho_lr"].as_f64().unwrap() - 0.2496).abs() < 1e-4);
    let map = solve(&format!("phase --cells 5 --lambdas 1e-7 1e-3 {space}"));
    assert_eq!(
        (map["cells"].as_u64(), map["cells_below_ce"].as_u64()),
        (Some(25), Some(25))
    );
    assert_eq!(map["ratio"].as_array().unwrap().len(), 5);
}

#[test]
fn bad_parameters_are_named_with_their_range() {
    let md = |changed: &str| {
        let keys = [
            "loss", "alpha", "lambda-w", "lambda-h", "eta", "c-md", "measure", "dim",
        ];
        let values = ["ls", "0.1", "1e-4", "1e-4", "0.1", "0.5", "sphere", "2"];
        let kept = keys
            .iter()
            .zip(values)
            .filter(|(key, _)| !changed.contains(&format!("--{key} ")));
        let kept: Vec<String> = kept
            .map(|(key, value)| format!("--{key} {value}"))
            .collect();
        format!("md {} {changed}", kept.join(" "))
    };
    for (arguments, expected) in [
        (md("--lambda-w 0"), "lambda_w"),
        (md("--lambda-h -1"), "lambda_h"),
        (md("--lambda-h NaN"), "lambda_h"),
        (md("--eta 0"), "(0, 1)"),
        (md("--eta 1"), "(0, 1)"),
        (md("--eta nan"), "eta"),
        (md("--alpha 1"), "alpha"),
        (md("--alpha -0.1"), "alpha"),
        (md("--c-md 0"), "c_md"),
        (md("--dim 0"), "dim"),
        (md("--measure ball --classes 3"), "sphere"),
        (md("--loss ce"), "cross-entropy"),
        (
            "lpm --classes 1 --lambda-w 1 --lambda-h 1".to_owned(),
            "classes",
        ),
        (
            "phase --cells 1 --c-md 1 --measure sphere --dim 2".to_owned(),
            "count",
        ),
    ] {
        let output = theory(&arguments);
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments}: {text}");
        assert!(
            text.lines().count() == 1 && text.contains(expected),
            "{arguments}: {text}"
        );
    }
}

#[test]
fn numeric_minimisation_reaches_the_closed_form_for_many_classes() {
    for (classes, decay) in [(20, "1e-3"), (30, "1e-4")] {
        let found = solve(&format!(
            "lpm --classes {classes} --alpha 0.1 --lambda-w {decay} --lambda-h {decay} --nonnegative --numeric"
        ));
        let above = found["above_closed_form"].as_f64().unwrap();
        assert!(above.abs() < 1e-8, "{classes} classes: {above:e}");
    }
}
