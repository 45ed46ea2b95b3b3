//! Gradient descent on unconstrained features against the closed form.

use std::fs;

use memdil_losses::Loss;
use memdil_records::{
    LayerPeeledEnd, LayerPeeledRecord, LayerPeeledSpec, LayerPeeledStatus, layer_peeled_path,
};
use memdil_runner::{Experiment, RunnerError, run_layer_peeled, train_layer_peeled};
use memdil_theory::layer_peeled::{LpmSetting, LpmSolution, closed_form};

const CONFIG: &str = include_str!("../../../../experiments/layer-peeled.toml");

fn spec() -> LayerPeeledSpec {
    LayerPeeledSpec {
        classes: 3,
        samples_per_class: 2,
        dim: 8,
        loss: Loss::LabelSmoothing { alpha: 0.1 },
        lambda_w: 1e-2,
        lambda_h: 2.5e-3,
        nonnegative: true,
        seed: 1,
        learning_rate: 0.5,
        momentum: 0.9,
        steps: 5000,
        tolerance: 1e-8,
    }
}

fn solution(spec: &LayerPeeledSpec) -> LpmSolution {
    let alpha = if let Loss::LabelSmoothing { alpha } = spec.loss {
        alpha
    } else {
        0.0
    };
    let LayerPeeledSpec {
        classes,
        lambda_w,
        lambda_h,
        nonnegative,
        ..
    } = *spec;
    closed_form(
        &LpmSetting::new(classes, lambda_w, lambda_h)
            .alpha(alpha)
            .nonnegative(nonnegative),
    )
    .unwrap()
}

/// The part of a record that is the same for two trainings of one specification.
fn numbers(record: &LayerPeeledRecord) -> String {
    let LayerPeeledRecord {
        spec,
        status,
        steps,
        end,
        ..
    } = record;
    serde_json::to_string(&(spec, status, steps, end)).unwrap()
}

fn reached(record: &LayerPeeledRecord) -> &LayerPeeledEnd {
    assert_eq!(record.status, LayerPeeledStatus::Converged, "{record:?}");
    record.end.as_ref().unwrap()
}

#[test]
fn descent_reaches_the_closed_form() {
    // The two decays differ by a factor of 4 in all cases. Two dimensions are just enough for a
    // triangle. Non-negative features have spare dimensions; without them, some initial values
    // leave a class at zero.
    for (nonnegative, dim, loss) in [
        (true, 8, spec().loss),
        (true, 9, Loss::CrossEntropy {}),
        (false, 2, Loss::CrossEntropy {}),
        (false, 5, spec().loss),
    ] {
        let spec = LayerPeeledSpec {
            nonnegative,
            dim,
            loss,
            ..spec()
        };
        let record = train_layer_peeled(&spec).unwrap();
        let (end, exact) = (reached(&record), solution(&spec));
        for (actual, expected) in [
            (end.objective, exact.objective),
            (end.logit_gap, exact.logit_gap),
            (end.feature_sq_norm, exact.feature_sq_norm),
            (end.weight_row_sq_norm, exact.weight_row_sq_norm),
        ] {
            assert!(
                (actual - expected).abs() < 1e-6 * expected,
                "{spec:?}: {actual} for {expected}"
            );
        }
        assert!(!end.collapsed && end.residual <= spec.tolerance && record.steps > 10);
        let cosine = if nonnegative { 0.0 } else { -0.5 };
        let [low, high] = end.feature_cosines.unwrap();
        assert!((low - cosine).abs() < 1e-6 && (high - cosine).abs() < 1e-6);
        assert!(
            end.nc1.unwrap() < 1e-12
                && end.nc3_plus.unwrap() < 1e-6
                && end.feature_norm_spread.unwrap() < 1e-6
        );
        assert!(end.logit_gap_spread < 1e-6);
    }
}

#[test]
fn weights_and_features_are_zero_above_the_threshold() {
    for nonnegative in [false, true] {
        let spec = LayerPeeledSpec {
            nonnegative,
            lambda_w: 0.5,
            lambda_h: 0.5,
            ..spec()
        };
        assert!(solution(&spec).collapsed);
        let record = train_layer_peeled(&spec).unwrap();
        let end = reached(&record);
        assert!(
            end.collapsed && end.nc1.is_none() && end.feature_cosines.is_none(),
            "{end:?}"
        );
        assert!((end.objective - 3f64.ln()).abs() < 1e-12 && end.logit_gap.abs() < 1e-12);
    }
}

#[test]
fn unconverged_and_diverged_trainings_are_recorded() {
    let short = train_layer_peeled(&LayerPeeledSpec { steps: 7, ..spec() }).unwrap();
    assert_eq!(
        (short.status, short.steps),
        (LayerPeeledStatus::OutOfSteps, 7)
    );
    assert!(short.end.unwrap().residual > 1e-8);
    let wild = train_layer_peeled(&LayerPeeledSpec {
        learning_rate: 1e200,
        ..spec()
    })
    .unwrap();
    assert_eq!(
        (wild.status, &wild.end),
        (LayerPeeledStatus::Diverged, &None)
    );
    assert!(matches!(
        train_layer_peeled(&LayerPeeledSpec {
            momentum: 1.0,
            ..spec()
        }),
        Err(RunnerError::Record(_))
    ));
}

#[test]
fn stored_results_are_reused_and_seeds_are_reproducible() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("runs");
    let specs = [spec(), LayerPeeledSpec { seed: 2, ..spec() }];
    let first = run_layer_peeled(&specs[..1], &out, |_, was_there| assert!(!was_there)).unwrap();
    let written = fs::read(layer_peeled_path(&out)).unwrap();
    let again = run_layer_peeled(&specs[..1], &out, |_, was_there| assert!(was_there)).unwrap();
    assert_eq!(
        (&first, written),
        (&again, fs::read(layer_peeled_path(&out)).unwrap())
    );
    let mut fresh = Vec::new();
    let both = run_layer_peeled(&specs, &out, |_, was_there| fresh.push(!was_there)).unwrap();
    assert_eq!(
        (both.len(), &both[0], fresh),
        (2, &first[0], vec![false, true])
    );
    assert_eq!(memdil_records::read_layer_peeled(&out).unwrap(), both);
    assert_eq!(
        numbers(&train_layer_peeled(&specs[1]).unwrap()),
        numbers(&both[1])
    );
    assert_ne!(numbers(&both[0]), numbers(&both[1]));

    // The results of specifications that are not requested are dropped.
    assert_eq!(
        run_layer_peeled(&specs[1..], &out, |_, was_there| assert!(was_there)).unwrap(),
        both[1..]
    );
    assert_eq!(memdil_records::read_layer_peeled(&out).unwrap(), both[1..]);

    let lock = fs::File::create(out.join(".layer-peeled.lock")).unwrap();
    lock.lock().unwrap();
    let third = [LayerPeeledSpec { seed: 3, ..spec() }];
    assert!(matches!(
        run_layer_peeled(&third, &out, |_, _| {}),
        Err(RunnerError::Busy { .. })
    ));
    fs::write(layer_peeled_path(&out), "{}\n").unwrap();
    let error = run_layer_peeled(&specs, &out, |_, _| {}).unwrap_err();
    assert!(
        error.is_bad_input() && error.to_string().contains("layer-peeled.jsonl line 1"),
        "{error}"
    );
}

fn load(
    text: &str,
    preset: Option<&str>,
    overrides: &[&str],
) -> Result<Vec<LayerPeeledSpec>, RunnerError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    fs::write(&path, text).unwrap();
    let overrides: Vec<String> = overrides.iter().map(|s| (*s).to_owned()).collect();
    Experiment::load(&path, preset, &overrides)?.layer_peeled()
}

#[test]
fn the_experiment_file_has_its_presets() {
    let count = |preset| load(CONFIG, preset, &[]).unwrap().len();
    assert_eq!(
        (count(None), count(Some("quick")), count(Some("smoke"))),
        (12, 12, 2)
    );
    let all = load(CONFIG, None, &[]).unwrap();
    assert!(
        load(CONFIG, Some("smoke"), &[])
            .unwrap()
            .iter()
            .all(|spec| all.contains(spec))
    );
    assert!(all.iter().all(LayerPeeledSpec::frame_fits));
    let tight = load(CONFIG, None, &["dim=3"]).unwrap();
    assert_eq!(tight.iter().filter(|spec| spec.frame_fits()).count(), 6);
}

#[test]
fn errors_name_the_invalid_setting() {
    for (overrides, expected) in [
        (&["classes=1"][..], "classes = 1"),
        (&["samples_per_class=0"], "samples_per_class = 0"),
        (&["dim=0"], "dim = 0"),
        (&["loss={ kind = 'mse' }"], "loss = MSE"),
        (&["loss={ kind = 'label_smoothing', alpha = 1.0 }"], "alpha"),
        (&["lambda_w=0.0"], "lambda_w = 0"),
        (&["lambda_h=nan"], "lambda_h = NaN"),
        (&["learning_rate=-1.0"], "learning_rate = -1"),
        (&["momentum=1.0"], "momentum = 1"),
        (&["steps=0"], "steps = 0"),
        (&["tolerance=0.0"], "tolerance = 0"),
        (&["width=3"], "width"),
        (&["dim=1", "classes=10"], "dim is too small"),
    ] {
        let error = load(CONFIG, None, overrides).unwrap_err();
        let text = error.to_string();
        assert!(
            error.is_bad_input() && text.contains(expected) && !text.contains('\n'),
            "{overrides:?}: {text}"
        );
    }
    let other = load(&CONFIG.replace("command = \"layer-peeled\"", ""), None, &[])
        .unwrap_err()
        .to_string();
    assert!(other.contains("add command = \"layer-peeled\""), "{other}");
    let twice = load(&CONFIG.replace("[2, 4, 10]", "[2, 4, 4]"), None, &[])
        .unwrap_err()
        .to_string();
    assert!(twice.contains("repeats"), "{twice}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("e.toml");
    fs::write(&path, CONFIG).unwrap();
    let experiment = Experiment::load(&path, None, &[]).unwrap();
    for error in [
        experiment.run(&[]).unwrap_err(),
        experiment.runs(&[]).unwrap_err(),
    ] {
        assert!(
            error.to_string().contains("for memdil layer-peeled"),
            "{error}"
        );
    }
}
