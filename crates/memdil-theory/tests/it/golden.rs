//! Comparison with all solutions in `golden/theory.json`, using the records that the program prints
//! as JSON.

use memdil_losses::Loss;
use memdil_theory::layer_peeled::numeric::{DescentOptions, LpmProblem, minimize};
use memdil_theory::layer_peeled::{LpmSetting, closed_form};
use memdil_theory::memorization_dilation::{classes, solve};
use memdil_theory::{LossKind, MarginLoss, MdRecord, MdSetting};
use serde_json::{Map, Value};

fn golden(list: &str) -> Vec<Map<String, Value>> {
    let all: Value = serde_json::from_str(include_str!("../golden/theory.json")).unwrap();
    all[list]
        .as_array()
        .unwrap()
        .iter()
        .map(|case| case.as_object().unwrap().clone())
        .collect()
}

fn number(case: &Map<String, Value>, key: &str) -> f64 {
    case[key].as_f64().unwrap()
}

fn setting(case: &Map<String, Value>) -> MdSetting {
    let keys = [
        "lambda_w",
        "lambda_h",
        "eta",
        "c_md",
        "measure",
        "dim",
        "nonnegative",
    ];
    let part: Map<_, _> = keys
        .iter()
        .map(|k| ((*k).to_owned(), case[*k].clone()))
        .collect();
    serde_json::from_value(Value::Object(part)).unwrap()
}

/// Checks that every golden key is present, that numbers agree within `tolerance(key)`, and that
/// other values are equal.
fn compare(found: &Value, case: &Map<String, Value>, tolerance: impl Fn(&str) -> f64) {
    for (key, expected) in case {
        let found = found
            .get(key)
            .unwrap_or_else(|| panic!("{key} missing in {found}"));
        match (found.as_f64(), expected.as_f64()) {
            (Some(a), Some(b)) => {
                let scale = if b.abs() > 0.0 { b.abs() } else { 1.0 };
                assert!(
                    (a - b).abs() <= tolerance(key) * scale,
                    "{key}: {a} not {b} in {case:?}"
                );
            }
            _ => assert_eq!(found, expected, "{key}"),
        }
    }
}

#[test]
fn layer_peeled_closed_form() {
    for case in golden("lpm") {
        let setting = LpmSetting::new(
            number(&case, "classes") as usize,
            number(&case, "lambda_w"),
            number(&case, "lambda_h"),
        )
        .alpha(number(&case, "alpha"))
        .nonnegative(case["nonnegative"].as_bool().unwrap());
        let found = serde_json::to_value(closed_form(&setting).unwrap()).unwrap();
        compare(&found, &case, |_| 1e-9);
    }
}

#[test]
fn layer_peeled_by_descent() {
    for case in golden("lpm") {
        let classes = number(&case, "classes") as usize;
        let problem = LpmProblem::new(
            &LpmSetting::new(
                classes,
                number(&case, "lambda_w"),
                number(&case, "lambda_h"),
            )
            .nonnegative(case["nonnegative"].as_bool().unwrap()),
            2,
            classes + 1,
        );
        let loss = Loss::LabelSmoothing {
            alpha: number(&case, "alpha"),
        };
        let found = minimize(&problem, &loss, DescentOptions::default()).unwrap();
        for (key, value) in [
            ("objective", found.objective),
            ("logit_gap", found.logit_gap),
            ("feature_sq_norm", found.feature_sq_norm),
            ("weight_row_sq_norm", found.weight_row_sq_norm),
        ] {
            let expected = number(&case, key);
            let scale = if expected.abs() > 0.0 { expected } else { 1.0 };
            assert!(
                (value - expected).abs() <= 1e-6 * scale,
                "{key}: {value} not {expected}"
            );
        }
    }
}

#[test]
fn memorization_dilation() {
    for case in golden("md") {
        let kind: LossKind = serde_json::from_value(case["loss"].clone()).unwrap();
        let loss = MarginLoss::new(kind, number(&case, "alpha")).unwrap();
        let setting = setting(&case);
        let record = MdRecord::new(loss, setting, solve(&setting, &loss).unwrap());
        let found = serde_json::to_value(record).unwrap();
        compare(&found, &case, |key| if key == "risk" { 1e-6 } else { 1e-3 });
        assert_eq!(found["collapsed"], false);
        assert!(found["constraint_residual"].as_f64().unwrap() <= 1e-8);
    }
}

#[test]
fn memorization_dilation_with_jumps() {
    let cases: Vec<Map<String, Value>> =
        serde_json::from_str(include_str!("../golden/jumps.json")).unwrap();
    assert!(cases.len() >= 20);
    for case in cases {
        let kind: LossKind = serde_json::from_value(case["loss"].clone()).unwrap();
        let loss = MarginLoss::new(kind, number(&case, "alpha")).unwrap();
        let setting = setting(&case);
        let record = MdRecord::new(loss, setting, solve(&setting, &loss).unwrap());
        let found = serde_json::to_value(record).unwrap();
        compare(&found, &case, |_| 1e-6);
    }
}

#[test]
fn memorization_dilation_of_several_classes() {
    for case in golden("md_n") {
        let alpha = number(&case, "alpha");
        let kind = if alpha > 0.0 {
            LossKind::Ls
        } else {
            LossKind::Ce
        };
        let loss = MarginLoss::new(kind, alpha).unwrap();
        let (setting, count) = (setting(&case), number(&case, "classes") as usize);
        let outcome = classes::solve(&setting, &loss, count).unwrap();
        let record = MdRecord::of_classes(loss, setting, count, outcome);
        let found = serde_json::to_value(record).unwrap();
        compare(&found, &case, |key| if key == "risk" { 1e-3 } else { 5e-3 });
    }
}
