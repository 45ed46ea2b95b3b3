use super::*;

fn spec(space: &str) -> Result<(), String> {
    let text = format!("sampler = 'tpe'\ntrials = 3\nepochs = 0.8\n[space]\n{space}");
    let spec: SearchSpec = toml::from_str(&text).map_err(|e| e.message().to_owned())?;
    spec.validate().map_err(|e| e.to_string())
}

#[test]
fn errors_name_the_invalid_setting_of_the_space() {
    spec("'a.b' = { low = 1, high = 2 }\nc = { values = ['x', 2, 0.5, { kind = 'mse' }] }")
        .unwrap();
    let range = SearchRange::Interval {
        low: 1e-5,
        high: 0.5,
        scale: SearchScale::Log,
    };
    let json = serde_json::to_string(&range).unwrap();
    assert_eq!(serde_json::from_str::<SearchRange>(&json).unwrap(), range);
    for (space, expected) in [
        ("", "search.space = {}: must be at least one setting"),
        (
            "'a.b' = { low = 2.0, high = 1.0 }",
            "'a.b': low = 2 must be below high = 1",
        ),
        (
            "'a.b' = { low = 1, high = 1 }",
            "'a.b': low = 1 must be below",
        ),
        (
            "'a.b' = { low = 0.0, high = 1.0, scale = 'log' }",
            "'a.b': low = 0 must be positive",
        ),
        (
            "'a.b' = { low = nan, high = 1.0 }",
            "'a.b': low = NaN, high = 1: must be finite",
        ),
        ("'a.b' = { low = -1e308, high = 1e308 }", "must be finite"),
        (
            "'a.b' = { low = 0.0, high = inf }",
            "'a.b': low = 0, high = inf: must be finite",
        ),
        ("'a.b' = { values = [] }", "'a.b': values = []"),
        (
            "'a.b' = { values = [0.1, nan] }",
            "'a.b': values must be finite",
        ),
        (
            "'a.b' = { values = [0.1, 1, 0.1] }",
            "'a.b': values contains 0.1 twice",
        ),
        ("'a.b' = { low = 0.0 }", "must be { low = .., high = .. }"),
        (
            "'a.b' = { low = 0.0, high = 1.0, values = [1] }",
            "must be { low = .., high = .. }",
        ),
        ("'a.b' = { low = 0.0, hihg = 1.0 }", "unknown field `hihg`"),
        (
            "'a.b' = { low = 0.1, high = 1.0, scale = 'ln' }",
            "unknown variant `ln`",
        ),
        (
            "seed = { values = [1, 2] }",
            "'seed': cannot be searched over",
        ),
        (
            "'training.epochs' = { values = [1, 2] }",
            "'training.epochs': cannot be searched over",
        ),
        (
            "a = { values = [1, 2] }\n'a.b' = { values = [1, 2] }",
            "'a.b': is a part of 'a'",
        ),
    ] {
        let error = spec(space).unwrap_err();
        assert!(error.contains(expected), "{space}: {error}");
    }
}

#[test]
fn trials_and_epochs_have_ranges() {
    let range = SearchRange::Values {
        values: vec![1.into()],
    };
    let good = SearchSpec {
        sampler: Sampler::Random,
        trials: 1,
        epochs: 1.0,
        space: BTreeMap::from([("a".to_owned(), range)]),
    };
    good.validate().unwrap();
    let error = |spec: SearchSpec| spec.validate().unwrap_err().to_string();
    assert!(
        error(SearchSpec {
            trials: 0,
            ..good.clone()
        })
        .starts_with("search.trials = 0")
    );
    for epochs in [0.0, -0.1, 1.01, f64::NAN] {
        assert!(
            error(SearchSpec {
                epochs,
                ..good.clone()
            })
            .starts_with("search.epochs = "),
            "{epochs}"
        );
    }
    let share = SearchSpec {
        epochs: 0.8,
        ..good
    };
    assert_eq!(
        [200, 30, 3, 1].map(|epochs| share.trial_epochs(epochs)),
        [160, 24, 2, 1]
    );
}
