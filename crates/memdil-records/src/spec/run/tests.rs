use super::*;

/// A specification in the form used before networks and optimisers had variants.
const OLD: &str = r#"{
    "experiment": "old", "seed": 0, "loss": {"kind": "cross_entropy"},
    "data": {"source": "fashion-mnist", "classes": [0, 1, 2], "input": "authors", "validation": 0.2},
    "noise": {"kind": "uniform", "eta": 0.2}, "model": {"kind": "mlp", "depth": 4, "width": 64},
    "optimizer": {"kind": "sgd", "learning_rate": 0.05, "momentum": 0.9, "weight_decay": 0.0005},
    "schedule": {"kind": "step", "patience": 6, "gamma": 0.1},
    "training": {"epochs": 30, "batch_size": 128, "evaluate_every": 30}
}"#;

fn with(pointer: &str, value: serde_json::Value) -> Result<RunSpec, String> {
    let mut json: serde_json::Value = serde_json::from_str(OLD).unwrap();
    let (table, key) = pointer.rsplit_once('.').unwrap_or(("", pointer));
    let table = if table.is_empty() {
        &mut json
    } else {
        &mut json[table]
    };
    table[key] = value;
    let spec: RunSpec = serde_json::from_value(json).map_err(|e| e.to_string())?;
    spec.validate().map(|()| spec).map_err(|e| e.to_string())
}

#[test]
fn resolve_fills_in_omitted_settings() {
    let mut spec: RunSpec = serde_json::from_str(OLD).unwrap();
    spec.resolve();
    spec.validate().unwrap();
    let json = serde_json::to_value(&spec).unwrap();
    let model = serde_json::json!({"kind": "mlp", "depth": 4, "width": 64, "features": 3, "norm": "batch",
        "activation": "relu", "classifier": "learned"});
    assert_eq!(json["model"], model);
    let optimizer = serde_json::json!({"kind": "sgd", "learning_rate": 0.05, "momentum": 0.9, "nesterov": false,
        "weight_decay": 0.0005, "classifier_weight_decay": 0.0005});
    assert_eq!(json["optimizer"], optimizer);
    assert_eq!(json["training"]["feature_decay"], 0.0);
    let text = toml::to_string(&spec).unwrap();
    assert_eq!(toml::from_str::<RunSpec>(&text).unwrap(), spec);
    let mut adam = with(
        "optimizer",
        serde_json::json!({"kind": "adam_w", "learning_rate": 0.1,
        "decoupled_weight_decay": 0.01}),
    )
    .unwrap();
    adam.resolve();
    let expected = serde_json::json!({"kind": "adam_w", "learning_rate": 0.1, "beta1": 0.9, "beta2": 0.999,
        "epsilon": 1e-8, "decoupled_weight_decay": 0.01, "decoupled_classifier_weight_decay": 0.01});
    assert_eq!(serde_json::to_value(&adam).unwrap()["optimizer"], expected);
}

#[test]
fn evaluations_are_the_interval_and_the_list() {
    let mut spec = with("training.evaluate_at", serde_json::json!([1, 2, 5, 30])).unwrap();
    spec.training.evaluate_every = 10;
    let evaluated: Vec<usize> = (1..=30)
        .filter(|&epoch| spec.training.is_evaluated(epoch))
        .collect();
    assert_eq!(evaluated, [1, 2, 5, 10, 20, 30]);
    assert_eq!(spec.training.evaluations(), 6);
    // A specification without the list keeps its run id, because the list is not serialised.
    let old: RunSpec = serde_json::from_str(OLD).unwrap();
    let json = serde_json::to_value(&old).unwrap();
    assert!(json["training"].get("evaluate_at").is_none());
    // A shorter training keeps the list.
    let mut short = with("training.evaluate_at", serde_json::json!([1, 2, 5, 30])).unwrap();
    short.training.epochs = 3;
    assert!(short.validate().is_ok());
    assert_eq!(short.training.evaluations(), 3);
    for wrong in [
        serde_json::json!([2, 1]),
        serde_json::json!([1, 1]),
        serde_json::json!([0]),
    ] {
        let error = with("training.evaluate_at", wrong).unwrap_err();
        assert!(error.contains("training.evaluate_at"), "{error}");
    }
}

#[test]
fn a_run_id_has_the_count_of_a_hundred_classes() {
    let mut spec: RunSpec = serde_json::from_str(OLD).unwrap();
    assert!(crate::folder::manifest::run_id(&spec).starts_with("old_0-1-2_CE_eta0.2_s0_"));
    spec.data.classes = (0..100).collect();
    let id = crate::folder::manifest::run_id(&spec);
    assert!(id.starts_with("old_100-classes_CE_eta0.2_s0_"), "{id}");
    spec.data.classes.swap(0, 1);
    assert_ne!(crate::folder::manifest::run_id(&spec), id);
}

#[test]
fn forward_correction_uses_the_transition_of_the_noise() {
    let mut spec = with(
        "loss",
        serde_json::json!({"kind": "forward_correction", "transition": [[1]]}),
    )
    .unwrap_err();
    assert!(
        spec.contains("loss.transition = 1 rows: must be one row per class"),
        "{spec}"
    );
    spec = with("loss", serde_json::json!({"kind": "forward_correction"})).unwrap_err();
    assert!(spec.contains("transition is missing"), "{spec}");
    let mut json: serde_json::Value = serde_json::from_str(OLD).unwrap();
    json["loss"] = serde_json::json!({"kind": "forward_correction"});
    let mut spec: RunSpec = serde_json::from_value(json).unwrap();
    spec.resolve();
    spec.validate().unwrap();
    let Loss::ForwardCorrection { transition } = &spec.loss else {
        panic!("{:?}", spec.loss)
    };
    // A fifth of the labels is redrawn uniformly from three classes.
    assert!(
        (transition[1][2] - 0.2 / 3.0).abs() < 1e-15
            && (transition[1][1] - 1.0 + 0.4 / 3.0).abs() < 1e-15
    );
}

#[test]
fn errors_name_the_setting_out_of_range() {
    let adam = |key: &str, value: f64| {
        let mut json =
            serde_json::json!({"kind": "adam", "learning_rate": 0.1, "weight_decay": 0.0});
        json[key] = value.into();
        json
    };
    let etf = serde_json::json!({"kind": "mlp", "depth": 2, "width": 8, "features": 1, "classifier": "etf"});
    let unnormalised = serde_json::json!({"kind": "mlp", "depth": 2, "width": 8, "norm": "none"});
    let nesterov = serde_json::json!({"kind": "sgd", "learning_rate": 0.1, "momentum": 0.0, "nesterov": true,
        "weight_decay": 0.0});
    let mixed = serde_json::json!({"kind": "adam_w", "learning_rate": 0.1, "weight_decay": 0.0});
    for (pointer, value, expected) in [
        ("model.features", 0.into(), "model.features = 0"),
        ("model.norm", "group".into(), "unknown variant `group`"),
        ("model.activation", "tanh".into(), "unknown variant `tanh`"),
        (
            "model",
            etf,
            "model.features = 1: must be at least the number of classes",
        ),
        ("optimizer", adam("beta1", 1.0), "optimizer.beta1 = 1"),
        ("optimizer", adam("beta2", -0.1), "optimizer.beta2 = -0.1"),
        ("optimizer", adam("epsilon", 0.0), "optimizer.epsilon = 0"),
        (
            "optimizer",
            adam("classifier_weight_decay", -1.0),
            "optimizer.classifier_weight_decay = -1",
        ),
        (
            "optimizer",
            nesterov,
            "optimizer.nesterov = true: must be false if momentum is 0",
        ),
        ("optimizer", mixed, "unknown field `weight_decay`"),
        (
            "training.feature_decay",
            (-1.0).into(),
            "training.feature_decay = -1",
        ),
        (
            "training.batch_size",
            1.into(),
            "training.batch_size = 1: must be at least 2",
        ),
    ] {
        let error = with(pointer, value).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
    assert!(with("model", unnormalised).is_ok());
}
