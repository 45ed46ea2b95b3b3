//! Claims that cannot be tested on the planned runs are refused with a one-line message.

use memdil_claims::Family;
use serde_json::json;

use crate::synthetic::{declarations, record, run};

const CLAIM: &str = r#"
    [[claim]]
    id = "ls"
    statement = "LS dilates less than CE."
    where = { "noise.eta" = 0.2 }
    test = "paired"
    quantity = "test.dilation"
    scale = "ratio"
    of = { "loss.kind" = "label_smoothing" }
    against = { "loss.kind" = "cross_entropy" }
    expect = "below"
"#;

/// The error for a claim on runs under CE and LS; empty if it can be tested.
fn fault(text: &str) -> String {
    let mut specs = Vec::new();
    for seed in 0..8 {
        for loss in [
            json!({"kind": "cross_entropy"}),
            json!({"kind": "label_smoothing", "alpha": 0.1}),
        ] {
            specs.push(run(&[("loss", loss)], seed, record(0.5, 0.9, 0.9)).spec);
        }
    }
    let declarations = declarations(text).unwrap();
    let outcome = Family::of(&declarations, None, &specs).map(|_| ());
    outcome.map_or_else(|error| error.to_string(), |()| String::new())
}

#[test]
fn errors_name_the_claim_and_the_fault() {
    assert_eq!(fault(CLAIM), "");
    let cases = [
        (
            "\"test.dilation\"",
            "\"test.dilatoin\"",
            "quantity: no record has a quantity 'test.dilatoin'; did you mean 'test.dilation'?",
        ),
        (
            "0.2",
            "0.3",
            "where: no run has noise.eta = 0.3; planned: 0.2",
        ),
        (
            "\"noise.eta\"",
            "\"noise.eat\"",
            "where: no run has a setting 'noise.eat'; known: noise.eta",
        ),
        (
            "\"label_smoothing\"",
            "\"label_smooth\"",
            "of: no run has loss.kind = label_smooth",
        ),
        (
            "{ \"loss.kind\" = \"cross_entropy\" }",
            "{ \"loss.kind\" = \"label_smoothing\" }",
            "no planned run has a partner",
        ),
        (
            "where = { \"noise.eta\" = 0.2 }",
            "where = { \"noise.eta\" = { above = 0.5 } }",
            "no run has noise.eta in this range",
        ),
        (
            "where = { \"noise.eta\" = 0.2 }",
            "panels = [{ \"model.width\" = 99 }]",
            "panels: no run has model.width = 99",
        ),
    ];
    for (from, to, expected) in cases {
        let found = fault(&CLAIM.replace(from, to));
        assert!(
            found.starts_with("claim 'ls': ") && found.contains(expected),
            "{found}"
        );
        assert!(!found.contains('\n'), "{found}");
    }
}

#[test]
fn too_few_evaluations_or_levels_are_errors() {
    let within = r#"
        [[claim]]
        id = "within"
        statement = "As a network memorises, it dilates."
        test = "within_run"
        dose = "memorized_as_given"
        response = "test.dilation"
        reference = { "loss.kind" = "cross_entropy" }
        expect = "above"
    "#;
    assert_eq!(fault(within), "");
    let dose = within.replace("\"within_run\"", "\"dose\"\n over = \"model.width\"");
    assert!(
        fault(&dose).contains("model.width has 1 values"),
        "{}",
        fault(&dose)
    );
    let declarations = declarations(within).unwrap();
    let mut specs = Vec::new();
    for seed in 0..8 {
        for loss in [json!({"kind": "cross_entropy"}), json!({"kind": "mse"})] {
            let settings = [("loss", loss), ("training.evaluate_every", json!(5))];
            specs.push(run(&settings, seed, record(0.5, 0.9, 0.9)).spec);
        }
    }
    let error = Family::of(&declarations, None, &specs)
        .map(|_| ())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("needs 13 evaluations per run, but 4 are planned"),
        "{error}"
    );
    assert!(Family::of(&declarations, None, &[]).is_err());
    let slope = r#"
        [[claim]]
        id = "slope"
        statement = "Rho depends on lambda as in the model."
        test = "model_slope"
        quantity = "test.rho_nc1"
        fit = { "loss.kind" = "cross_entropy" }
        margin = 0.05
        largest_gradient_over_decay = 1.0
    "#;
    let few = "1 value of training.feature_decay and optimizer.classifier_weight_decay planned; a slope needs 4";
    assert!(fault(slope).contains(few), "{}", fault(slope));
    let wrong = fault(&slope.replace("test.rho_nc1", "test.dilation"));
    assert!(
        wrong.contains("test.dilation is not a relative dilation"),
        "{wrong}"
    );
    let wrong = fault(&slope.replace("1.0", "0.0"));
    assert!(
        wrong.contains("largest_gradient_over_decay = 0: must be above 0"),
        "{wrong}"
    );
}

#[test]
fn a_plan_has_the_smallest_detectable_effect() {
    let mut specs = Vec::new();
    for seed in 0..10 {
        for loss in [
            json!({"kind": "cross_entropy"}),
            json!({"kind": "label_smoothing", "alpha": 0.1}),
        ] {
            specs.push(run(&[("loss", loss)], seed, record(0.5, 0.9, 0.9)).spec);
        }
    }
    let declarations = declarations(CLAIM).unwrap();
    let families = Family::of(&declarations, None, &specs).unwrap();
    let planned = families[0].planned();
    assert_eq!((planned.len(), planned[0].seeds), (1, 10));
    // Ten values at the 5% level detect 1.00 standard deviations with 80% power.
    assert_eq!(planned[0].detectable, Some(1.0));
}
