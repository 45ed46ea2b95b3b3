//! Complete runs on the embedded images, which take a few seconds each.

use std::fs;
use std::path::Path;

use memdil_data::NoisyLabels;
use memdil_records::{RunFolder, RunSpec, SampleScore, Status};
use memdil_runner::{Experiment, Outcome, Prepared, RunOptions, RunnerError, evaluate_run, train};

const CONFIG: &str = r#"
experiment = "test"
seed = 3
loss = { kind = "label_smoothing", alpha = 0.1 }

[data]
source = "fashion-mnist-embedded"
classes = [0, 1]
input = "native"
validation = 0.25
images_per_class = 80

[noise]
kind = "uniform"
eta = 0.4

[model]
kind = "mlp"
depth = 3
width = 32

[optimizer]
kind = "sgd"
learning_rate = 0.05
momentum = 0.9
weight_decay = 5e-4

[schedule]
kind = "step"
patience = 4
gamma = 0.1

[training]
epochs = 6
batch_size = 16
evaluate_every = 3

[sweep]
"noise.eta" = [0.0, 0.4]
seed = [0, 1, 2]

[preset.tiny]
run = { "training.epochs" = 1 }
sweep = { seed = [7] }
"#;

fn experiment(overrides: &[&str]) -> Result<Experiment, RunnerError> {
    load(None, overrides)
}

fn load(preset: Option<&str>, overrides: &[&str]) -> Result<Experiment, RunnerError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    fs::write(&path, CONFIG).unwrap();
    Experiment::load(
        &path,
        preset,
        &overrides
            .iter()
            .map(|s| (*s).to_owned())
            .collect::<Vec<_>>(),
    )
}

fn spec(overrides: &[&str]) -> RunSpec {
    experiment(overrides).unwrap().run(&[]).unwrap()
}

fn run(spec: &RunSpec, folder: &Path) -> Result<Outcome, RunnerError> {
    train(spec, folder, &RunOptions::new("cpu"), |_| {})
}

/// The metrics of a run without the seconds.
fn metrics(folder: &Path) -> String {
    let text = fs::read_to_string(folder.join("metrics.jsonl")).unwrap();
    let cut = |line: &str| line.split_once(",\"seconds\":").unwrap().0.to_owned();
    text.lines().map(cut).collect::<Vec<_>>().join("\n")
}

#[test]
fn equal_specifications_give_identical_files() {
    let folder = tempfile::tempdir().unwrap();
    let [a, b, c] = ["a", "b", "c"].map(|name| folder.path().join(name));
    run(&spec(&[]), &a).unwrap();
    run(&spec(&[]), &b).unwrap();
    run(&spec(&["seed=4"]), &c).unwrap();
    assert_eq!(metrics(&a), metrics(&b));
    assert_ne!(metrics(&a), metrics(&c));
    for file in [
        "noise.npz",
        "features.npz",
        "model.safetensors",
        "config.toml",
    ] {
        assert_eq!(
            fs::read(a.join(file)).unwrap(),
            fs::read(b.join(file)).unwrap(),
            "{file}"
        );
    }
    assert_eq!(metrics(&a).lines().count(), 6);
}

#[test]
fn a_run_learns_and_its_folder_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let spec = spec(&[
        "noise.eta=0.0",
        "training.epochs=12",
        "data.images_per_class=300",
    ]);
    let outcome = run(&spec, folder.path()).unwrap();
    let record = outcome.record();
    assert_eq!(record.status, Status::Completed);
    assert_eq!(record.samples, [450, 150, 200]);
    let test = record.last.as_ref().unwrap().test.as_ref().unwrap();
    assert!(test.accuracy > 0.9, "{}", test.accuracy);
    let run = RunFolder::new(folder.path());
    assert_eq!(run.record().unwrap().as_ref(), Some(record));
    assert_eq!(run.begun_with().unwrap().as_ref(), Some(&spec));
    let epochs = run.epochs().unwrap();
    assert_eq!(epochs.last(), record.last.as_ref());
    assert!(epochs.first().unwrap().test.is_none() && epochs[2].test.is_some());
    assert!(epochs[0].loss > epochs[11].loss);
    assert!(
        (epochs[4].learning_rate - 0.005).abs() < 1e-12
            && (epochs[3].learning_rate - 0.05).abs() < 1e-12
    );
    // The metrics of the record were computed from the stored features.
    let snapshot = run.snapshot().unwrap().unwrap();
    let dilation = memdil_metrics::dilation(
        snapshot.test.features.view(),
        snapshot.test.labels.as_slice().unwrap(),
        snapshot.bias.len(),
    );
    assert!((dilation.unwrap() - test.dilation.unwrap()).abs() < 1e-12);
    let logits = snapshot.test.features.dot(&snapshot.classifier.t()) + &snapshot.bias;
    assert!(
        logits
            .iter()
            .zip(&snapshot.test.logits)
            .all(|(a, b)| (a - b).abs() < 1e-4)
    );
}

/// With a learning rate that changes no parameter and without batch normalisation, the logits of
/// all steps are those of the snapshot.
#[test]
fn scores_of_a_constant_network_follow_from_its_logits() {
    let constant = [
        "optimizer.learning_rate=1e-30",
        "model.norm='none'",
        "noise.eta=0.4",
        "training.epochs=3",
    ];
    let (spec, folder) = (spec(&constant), tempfile::tempdir().unwrap());
    run(&spec, folder.path()).unwrap();
    let folder = RunFolder::new(folder.path());
    let (scores, snapshot) = (
        folder.samples().unwrap().unwrap(),
        folder.snapshot().unwrap().unwrap(),
    );
    assert_eq!(scores.labels, snapshot.train.labels);
    let rows = snapshot.train.logits.rows().into_iter();
    for (i, logits) in rows.enumerate() {
        let given = scores.labels[i] as usize;
        let margin = f64::from(logits[given] - logits[1 - given]);
        assert!((scores.mean_margin[i] - margin).abs() < 1e-5);
        assert!((scores.mean_loss[i] - (-margin).exp().ln_1p()).abs() < 1e-5);
        assert_eq!(scores.forgetting_events[i], 0);
        if margin.abs() > 1e-5 {
            assert_eq!(scores.given_since[i], u32::from(margin > 0.0));
            assert_eq!(scores.learned[i], margin > 0.0);
        }
    }
    let epochs = folder.epochs().unwrap();
    let ranking = epochs.last().unwrap().ranking.clone().unwrap();
    let corrupted = scores.corrupted(2);
    for score in SampleScore::ALL {
        let values = scores.suspicion(score).unwrap();
        let path = format!("ranking.{}.auroc", score.name());
        let found = epochs.last().unwrap().quantity(&path).unwrap();
        assert!(
            (found - pairs_in_order(&values, &corrupted)).abs() < 1e-12,
            "{path}"
        );
    }
    assert!(ranking.mean_loss.unwrap().average_precision > 0.0);
}

/// The share of pairs of a corrupted and an uncorrupted sample in which the corrupted one has the
/// larger score; ties count one half.
fn pairs_in_order(scores: &[f64], corrupted: &[bool]) -> f64 {
    let (mut sum, mut pairs) = (0.0, 0.0);
    for i in (0..scores.len()).filter(|&i| corrupted[i]) {
        for j in (0..scores.len()).filter(|&j| !corrupted[j]) {
            pairs += 1.0;
            sum += match scores[i].total_cmp(&scores[j]) {
                std::cmp::Ordering::Greater => 1.0,
                std::cmp::Ordering::Equal => 0.5,
                std::cmp::Ordering::Less => 0.0,
            };
        }
    }
    sum / pairs
}

#[test]
fn a_finished_run_is_unchanged_and_another_run_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(
        run(&spec(&[]), folder.path()).unwrap(),
        Outcome::Ran(_)
    ));
    let before = fs::metadata(folder.path().join("summary.json"))
        .unwrap()
        .modified()
        .unwrap();
    assert!(matches!(
        run(&spec(&[]), folder.path()).unwrap(),
        Outcome::AlreadyComplete(_)
    ));
    assert_eq!(
        fs::metadata(folder.path().join("summary.json"))
            .unwrap()
            .modified()
            .unwrap(),
        before
    );
    assert!(matches!(
        run(&spec(&["seed=9"]), folder.path()),
        Err(RunnerError::OtherRun { .. })
    ));
    // An unfinished run with other settings is refused too; with the same settings it starts again.
    fs::remove_file(folder.path().join("summary.json")).unwrap();
    assert!(matches!(
        run(&spec(&["seed=9"]), folder.path()),
        Err(RunnerError::OtherRun { .. })
    ));
    assert!(matches!(
        run(&spec(&[]), folder.path()).unwrap(),
        Outcome::Ran(_)
    ));
}

#[test]
fn a_run_in_progress_is_busy() {
    let folder = tempfile::tempdir().unwrap();
    let held = fs::File::create(folder.path().join(".lock")).unwrap();
    held.lock().unwrap();
    assert!(matches!(
        run(&spec(&[]), folder.path()),
        Err(RunnerError::Busy { .. })
    ));
}

#[test]
fn a_run_with_a_nonfinite_loss_is_diverged() {
    let folder = tempfile::tempdir().unwrap();
    let spec = spec(&["optimizer.learning_rate=1e30", "loss={ kind = 'mse' }"]);
    let outcome = run(&spec, folder.path()).unwrap();
    assert_eq!(outcome.record().status, Status::Diverged);
    assert!(
        outcome
            .record()
            .reason
            .as_ref()
            .unwrap()
            .contains("epoch 1"),
        "{:?}",
        outcome.record().reason
    );
    assert!(!folder.path().join("features.npz").exists());
    // The diverged run is recorded and not repeated.
    assert!(matches!(
        run(&spec, folder.path()).unwrap(),
        Outcome::AlreadyComplete(_)
    ));
}

#[test]
fn random_streams_are_independent() {
    let clean = Prepared::new(&spec(&["noise.eta=0"]), &[]).unwrap();
    let noisy = Prepared::new(&spec(&["noise.eta=0.4"]), &[]).unwrap();
    assert_eq!(clean.train, noisy.train);
    assert_eq!(clean.labels.clean(), noisy.labels.clean());
    assert_ne!(clean.labels.observed(), noisy.labels.observed());
    assert_eq!(clean.train.len() + clean.validation.len(), 160);
}

#[test]
fn samples_dropped_by_rebalancing_are_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let spec = spec(&["noise={ kind = 'per_class', etas = [0.0, 0.6], rebalance = true }"]);
    let data = Prepared::new(&spec, &[]).unwrap();
    let mut used = [&data.train[..], &data.validation].concat();
    used.sort_unstable();
    assert_eq!(Some(&used[..]), data.labels.kept());
    let of = |class| {
        used.iter()
            .filter(|&&i| data.labels.observed()[i] == class)
            .count()
    };
    assert!(
        of(0) == of(1) && used.len() < 160,
        "{} and {}",
        of(0),
        of(1)
    );
    let outcome = run(&spec, folder.path()).unwrap();
    assert_eq!(
        outcome.record().samples[..2],
        [data.train.len(), data.validation.len()]
    );
    assert_eq!(
        RunFolder::new(folder.path()).begun_with().unwrap(),
        Some(spec)
    );
}

#[test]
fn labels_from_a_file_give_the_same_run() {
    let folder = tempfile::tempdir().unwrap();
    let [drawn, read] = ["drawn", "read"].map(|name| folder.path().join(name));
    run(&spec(&[]), &drawn).unwrap();
    let file = drawn.join("noise.npz");
    let setting = format!(
        "noise={{ kind = 'from_file', path = '{}' }}",
        file.display()
    );
    let outcome = run(&spec(&[&setting]), &read).unwrap();
    assert_eq!(metrics(&drawn), metrics(&read));
    assert_eq!(
        fs::read(&file).unwrap(),
        fs::read(read.join("noise.npz")).unwrap()
    );
    assert!((outcome.record().requested_noise - 0.4).abs() < 1e-12);
    // Labels of other images are an error before anything is written.
    let other = folder.path().join("other");
    let error = run(
        &spec(&[&setting, "data.classes=[2, 3]", "data.images_per_class=81"]),
        &other,
    )
    .unwrap_err();
    assert!(
        error.is_bad_input() && error.to_string().contains("noise.npz: holds 160 labels"),
        "{error}"
    );
    assert!(!other.exists());
}

#[test]
fn noise_and_class_sizes_that_depend_on_the_data_reach_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let [by_image, again, by_margin] = ["image", "again", "margin"].map(|n| folder.path().join(n));
    let common = [
        "data.classes=[4, 2, 6]",
        "data.imbalance={ kind = 'exponential', ratio = 4 }",
        "data.validation=0.0",
        "training.epochs=1",
    ];
    let instance = "noise={ kind = 'instance', eta = 0.3, exact_count = true }";
    let spec_with = |noise: &str| spec(&[&common[..], &[noise]].concat());
    let outcome = run(&spec_with(instance), &by_image).unwrap();
    // 80, 40 and 20 images.
    assert_eq!(outcome.record().samples[..2], [140, 0]);
    assert!((outcome.record().requested_noise - 0.3).abs() < 1e-12);
    let noise = |folder: &Path| NoisyLabels::read(&folder.join("noise.npz")).unwrap();
    let noisy = noise(&by_image);
    let count = |class| noisy.clean().iter().filter(|&&c| c == class).count();
    assert_eq!([0, 1, 2].map(count), [80, 40, 20]);
    assert_eq!(noisy.corrupted(), 42);
    assert_eq!(noisy.flip_probabilities().map(<[f64]>::len), Some(140));
    run(&spec_with(instance), &again).unwrap();
    assert_eq!(metrics(&by_image), metrics(&again));
    evaluate_run(&by_image, &RunOptions::new("cpu"), |_, _| {}).unwrap();

    // The logits that a run saves are those of its training samples, in their order.
    let features = by_image.join("features.npz");
    let margin = format!(
        "noise={{ kind = 'margin', eta = 0.25, logits = '{}' }}",
        features.display()
    );
    run(&spec_with(&margin), &by_margin).unwrap();
    let p = noise(&by_margin).flip_probabilities().unwrap().to_vec();
    assert!((p.iter().sum::<f64>() / 140.0 - 0.25).abs() < 1e-12);

    let fails = |settings: &[&str], part: &str| {
        let error = run(&spec(settings), &folder.path().join("none")).unwrap_err();
        assert!(
            error.is_bad_input() && error.to_string().contains(part),
            "{error}"
        );
    };
    fails(
        &[&margin],
        "holds logits of 140 samples, but the training set has 160",
    );
    let refused = |settings: &[&str], part: &str| {
        let error = experiment(settings).and_then(|e| e.run(&[])).unwrap_err();
        assert!(
            error.is_bad_input() && error.to_string().contains(part),
            "{error}"
        );
    };
    refused(&[instance], "at least 3 classes, but there are 2");
    refused(
        &["data.imbalance={ kind = 'step', ratio = 0 }"],
        "data.imbalance.ratio = 0",
    );
    refused(
        &["data.imbalance={ kind = 'step', ratio = 200 }"],
        "ratio = 200 leaves none of class 1",
    );
    let correction = "loss={ kind = 'forward_correction' }";
    let settings = [&common[..], &[instance, correction]].concat();
    refused(&settings, "forward_correction: transition is missing");
}

#[test]
fn latent_classes_are_trained_and_merged_in_metrics() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let latent = "noise={ kind = 'latent_class', eta = 0.4, split = 0.5 }";
    let spec = spec(&[
        latent,
        "training.epochs=40",
        "schedule.patience=30",
        "data.validation=0.0",
    ]);
    assert_eq!(spec.network_classes(), 4);
    let record = run(&spec, &out).unwrap().record().clone();
    let last = record.last.unwrap();
    // Labels 2 and 3 are the latent classes of 0 and 1, so the network has four logits. Test labels
    // have two classes.
    let snapshot = RunFolder::new(&out).snapshot().unwrap().unwrap();
    assert_eq!(
        (snapshot.classifier.nrows(), snapshot.test.logits.ncols()),
        (4, 4)
    );
    assert_eq!(
        (
            snapshot.train.labels.iter().max(),
            snapshot.test.labels.iter().max()
        ),
        (Some(&3), Some(&1))
    );
    // Expected accuracy: the probabilities of a class and its latent class are added.
    let right = snapshot
        .test
        .logits
        .rows()
        .into_iter()
        .zip(&snapshot.test.labels)
        .filter(|(z, label)| {
            let p: Vec<f64> = z.iter().map(|z| f64::from(*z).exp()).collect();
            (p[1] + p[3] > p[0] + p[2]) == (**label == 1)
        });
    let (right, test) = (right.count() as f64 / 200.0, last.test.unwrap());
    assert_eq!(test.accuracy, right);
    assert!(right > 0.7, "{right}");
    let shares = [
        last.memorized_as_given,
        last.memorized_as_clean,
        last.memorized_as_other,
    ]
    .map(Option::unwrap);
    // After merging the latent classes there are two classes, so no third label can be predicted.
    assert!(
        shares[2] == 0.0 && (shares[0] + shares[1] - 1.0).abs() < 1e-12,
        "{shares:?}"
    );
    assert!(test.dilation.unwrap() > 0.0 && last.memorization_per_class.unwrap().len() == 2);
    // An evaluation of the run reads the labels that it was trained on.
    let again = evaluate_run(&out, &RunOptions::new("cpu"), |_, _| ())
        .unwrap()
        .record
        .test
        .unwrap();
    assert_eq!(again.accuracy, right);
    // The specification of labels from a file does not include latent classes, so the network would
    // have too few logits.
    let file = out.join("noise.npz");
    let setting = format!(
        "noise={{ kind = 'from_file', path = '{}' }}",
        file.display()
    );
    let error = run(
        &self::spec(&[&setting, "data.validation=0.0"]),
        &folder.path().join("other"),
    )
    .unwrap_err();
    assert!(
        error.is_bad_input()
            && matches!(
                error,
                RunnerError::LatentClasses {
                    observed: 4,
                    classes: 2
                }
            ),
        "{error}"
    );
    assert!(!folder.path().join("other").exists());
}

#[test]
fn a_last_batch_of_one_is_an_error_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let spec = spec(&["data.validation=0.0", "training.batch_size=53"]);
    assert!(matches!(
        run(&spec, &out),
        Err(RunnerError::BatchOfOne {
            samples: 160,
            batch_size: 53
        })
    ));
    assert!(!out.exists());
}

#[test]
fn variants_train_and_are_saved_with_their_defaults() {
    let folder = tempfile::tempdir().unwrap();
    // Without batch normalisation, a last batch of one is allowed.
    let spec = spec(&[
        "data.validation=0.0",
        "training.batch_size=53",
        "training.feature_decay=1e-3",
        "model={ kind = 'mlp', depth = 3, width = 32, features = 4, norm = 'layer', classifier = 'etf' }",
        "optimizer={ kind = 'adam_w', learning_rate = 0.01, decoupled_weight_decay = 1e-2 }",
        "schedule={ kind = 'cosine', minimum_learning_rate = 0.0 }",
    ]);
    let record = run(&spec, folder.path()).unwrap().record().clone();
    let config = fs::read_to_string(folder.path().join("config.toml")).unwrap();
    for written in [
        "activation = \"relu\"",
        "beta2 = 0.999",
        "decoupled_classifier_weight_decay = 0.01",
    ] {
        assert!(config.contains(written), "{written} is not in {config}");
    }
    // Linear layers 784x32, 32x32, 32x4 with biases, and two normalisation parameters per unit. The
    // fixed classifier is not counted.
    assert_eq!(
        record.parameters,
        785 * 32 + 33 * 32 + 33 * 4 + 2 * (32 + 32 + 4)
    );
    let last = record.last.unwrap();
    assert!(
        (last.learning_rate - 0.01 * (1.0 + (std::f64::consts::PI * 5.0 / 6.0).cos()) / 2.0).abs()
            < 1e-15
    );
    let snapshot = RunFolder::new(folder.path()).snapshot().unwrap().unwrap();
    assert_eq!(snapshot.test.features.ncols(), 4);
    let s = 0.5f32.sqrt();
    assert!(
        snapshot
            .classifier
            .iter()
            .zip([s, -s, 0.0, 0.0, -s, s, 0.0, 0.0])
            .all(|(a, b)| (a - b).abs() < 1e-6)
    );
    assert!(last.nc2_etf.unwrap() < 1e-6);
}

#[test]
fn sweeps_are_products_and_presets_replace_settings() {
    let lines = experiment(&[]).unwrap().runs(&[]).unwrap();
    let described: Vec<(f64, u64)> = lines
        .iter()
        .map(|l| (l.spec.noise.requested(), l.spec.seed))
        .collect();
    assert_eq!(
        described,
        [(0.0, 0), (0.0, 1), (0.0, 2), (0.4, 0), (0.4, 1), (0.4, 2)]
    );
    let tiny = load(Some("tiny"), &["noise.eta=0.3"])
        .unwrap()
        .runs(&[])
        .unwrap();
    assert_eq!(tiny.len(), 1);
    assert_eq!((tiny[0].spec.seed, tiny[0].spec.training.epochs), (7, 1));
    assert!((tiny[0].spec.noise.requested() - 0.3).abs() < 1e-12);
}

#[test]
fn errors_name_the_invalid_setting() {
    for (overrides, expected) in [
        (&["model.widht=3"][..], "widht"),
        (&["noise.eta=1.5"], "1.5"),
        (
            &["noise={ kind = 'per_class', etas = [0.1, 0.2, 0.3] }"],
            "`etas` is for 3 classes, but there are 2",
        ),
        (
            &["noise={ kind = 'asymmetric', eta = 0.1, map = 'cifar' }"],
            "cifar10",
        ),
        (&["training.epochs=0"], "training.epochs = 0"),
        (&["training.batch_size=1"], "training.batch_size = 1"),
        (&["optimizer.learning_rate=nan"], "optimizer.learning_rate"),
        (&["loss.alpha=1.0"], "alpha"),
        (&["loss={ kind = 'hinge' }"], "hinge"),
        (&["model.depth='deep'"], "deep"),
        (&["seed.x=3"], "seed"),
        (&["seed=-1"], "seed"),
        (&["model.width=1000000000"], "65536"),
        (&["nonsense"], "key=value"),
        (&["training..epochs=3"], "empty"),
        (&["experiment=a b"], "experiment"),
    ] {
        let error = experiment(overrides).and_then(|e| e.run(&[])).unwrap_err();
        let text = error.to_string();
        assert!(
            error.is_bad_input() && text.contains(expected) && !text.contains('\n'),
            "{overrides:?}: {text}"
        );
    }
    // A list in [sweep] would replace an override of the table that contains it.
    let undone = experiment(&["noise={ kind = 'uniform', eta = 0.7 }"]).unwrap();
    assert!(
        undone.run(&[]).is_ok() && matches!(undone.runs(&[]), Err(RunnerError::Override { .. }))
    );
    assert!(
        load(Some("huge"), &[])
            .unwrap_err()
            .to_string()
            .contains("tiny")
    );
    let device = RunOptions::new("tpu");
    let folder = tempfile::tempdir().unwrap();
    let error = train(&spec(&[]), &folder.path().join("x"), &device, |_| {}).unwrap_err();
    assert!(matches!(error, RunnerError::Device { .. }) && !folder.path().join("x").exists());
}
