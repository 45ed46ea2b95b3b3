use candle_core::{DType, Device, Tensor, Var};
use memdil_data::arrays::{ArrayFile, Role};
use memdil_models::{Model, Output, Variables};
use ndarray::{Array2, Axis};

use super::*;
use crate::network::build::build_network;
use crate::network::candle::CandleNetwork;
use crate::network::interface::LayerOutput;
use crate::run::evaluation::Evaluation;

/// More samples than a chunk has.
const CONFIG: &str = r#"
    experiment = "layers"
    seed = 3
    loss = { kind = "cross_entropy" }
    data = { source = "fashion-mnist-embedded", classes = [0, 1, 2], input = "native", validation = 0.1, images_per_class = 250 }
    noise = { kind = "uniform", eta = 0.3 }
    model = { kind = "mlp", depth = 3, width = 10, features = 4 }
    optimizer = { kind = "sgd", learning_rate = 0.05, momentum = 0.9, weight_decay = 5e-4 }
    schedule = { kind = "step", patience = 10, gamma = 0.1 }
    training = { epochs = 1, batch_size = 16, evaluate_every = 1, evaluate_layers = true }
"#;
const LATENT: &str = r#"kind = "latent_class", split = 0.4"#;

fn scene(config: &str) -> (RunSpec, Prepared, Box<dyn Network>) {
    let spec: RunSpec = toml::from_str(config).unwrap();
    spec.validate().unwrap();
    let data = Prepared::new(&spec, &[]).unwrap();
    let shape = data.train_inputs.shape();
    let network = build_network(&spec, shape, spec.network_classes(), &Device::Cpu).unwrap();
    (spec, data, network)
}

fn measured((spec, data, network): &mut (RunSpec, Prepared, Box<dyn Network>)) -> EpochRecord {
    let mut record = EpochRecord::default();
    measure_layers(network.as_mut(), spec, data, &mut record).unwrap();
    record
}

/// The outputs of all layers for all samples at once.
fn outputs(network: &mut dyn Network, data: &Prepared, set: ImageSet) -> Vec<LayerOutput> {
    let (inputs, samples) = match set {
        ImageSet::Train => (&data.train_inputs, data.train.clone()),
        ImageSet::Test => (&data.test_inputs, (0..data.test_labels.len()).collect()),
    };
    let mut batch = vec![0.0; samples.len() * inputs.values_per_sample()];
    inputs.fill(&samples, &mut batch);
    network.forward_layers(&batch).unwrap().unwrap()
}

/// The nearest of the means of the samples of each label that are chosen.
fn nearest(features: &Array2<f32>, train: &Array2<f32>, groups: &[Vec<usize>]) -> Vec<u32> {
    let means: Vec<_> = groups
        .iter()
        .map(|rows| {
            let rows = train.select(Axis(0), rows).mapv(f64::from);
            rows.mean_axis(Axis(0)).unwrap()
        })
        .collect();
    let class = |row: ndarray::ArrayView1<'_, f32>| {
        let distances = means
            .iter()
            .map(|mean| (&row.mapv(f64::from) - mean).mapv(|v| v * v).sum());
        let distances: Vec<f64> = distances.collect();
        let least = distances.iter().copied().fold(f64::INFINITY, f64::min);
        distances.iter().position(|&d| d == least).unwrap() as u32
    };
    features.rows().into_iter().map(class).collect()
}

fn share(found: &[u32], wanted: &[u32], rows: &[usize]) -> f64 {
    let hits = rows.iter().filter(|&&row| found[row] == wanted[row]);
    hits.count() as f64 / rows.len() as f64
}

fn assert_close(name: &str, found: Option<f64>, expected: f64) {
    let found = found.expect(name);
    let close = (found - expected).abs() <= 1e-11 * expected.abs();
    assert!(close, "{name}: {found}, expected {expected}");
}

#[test]
fn layers_have_the_metrics_of_all_their_outputs() {
    let mut scene = scene(CONFIG);
    let record = measured(&mut scene);
    let (_, data, network) = &mut scene;
    assert!(data.train.len() > 600, "several chunks");
    let pick = |labels: &[u32]| data.train.iter().map(|&i| labels[i]).collect::<Vec<_>>();
    let (given, clean) = (pick(data.labels.observed()), pick(data.labels.clean()));
    let all: Vec<usize> = (0..given.len()).collect();
    let (right, wrong): (Vec<usize>, Vec<usize>) = all.iter().partition(|&&i| given[i] == clean[i]);
    let of_class = |rows: &[usize], class| {
        let rows = rows.iter().copied();
        rows.filter(|&i| given[i] == class).collect::<Vec<_>>()
    };
    let by_given: Vec<_> = (0..3).map(|class| of_class(&all, class)).collect();
    let by_clean: Vec<_> = (0..3).map(|class| of_class(&right, class)).collect();
    let [train, test] =
        [ImageSet::Train, ImageSet::Test].map(|set| outputs(network.as_mut(), data, set));
    let layers = record.layers.as_ref().unwrap();
    assert_eq!((layers.len(), train.len()), (3, 3));
    for (layer, (train, test)) in layers.iter().zip(train.iter().zip(&test)) {
        assert_eq!(
            (&layer.name, layer.width),
            (&train.name, train.features.ncols())
        );
        let (h, t) = (&train.features, &test.features);
        let y = &data.test_labels;
        let expected = memdil_metrics::nc1(h.view(), &given, 3).unwrap();
        assert_close("nc1", layer.nc1, expected);
        let memorization = memdil_metrics::memorization(h.view(), &given, &clean, 3).unwrap();
        assert_close("mean", layer.memorization_mean, memorization.mean.unwrap());
        let means = memdil_metrics::uncorrupted_class_means(h.view(), &given, &clean, 3).unwrap();
        let separation = memdil_metrics::separation(means.means.view()).unwrap();
        assert_close("separation", layer.separation, separation);
        let relative = memorization.mean.unwrap() / separation;
        assert_close("relative", layer.memorization_over_separation, relative);
        let dilation = memdil_metrics::dilation(t.view(), y, 3).unwrap();
        assert_close("dilation", layer.test_dilation, dilation);
        let near = nearest(h, h, &by_given);
        assert_close(
            "given",
            layer.ncm_accuracy_given,
            share(&near, &given, &all),
        );
        let near = nearest(h, h, &by_clean);
        assert_close(
            "clean",
            layer.ncm_accuracy_clean,
            share(&near, &clean, &all),
        );
        let wrong_as = |labels| share(&near, labels, &wrong);
        assert_close("to given", layer.corrupted_nearest_given, wrong_as(&given));
        assert_close("to clean", layer.corrupted_nearest_clean, wrong_as(&clean));
        let tests: Vec<usize> = (0..y.len()).collect();
        let near = nearest(t, h, &by_clean);
        assert_close("test", layer.test_ncm_accuracy, share(&near, y, &tests));
    }
    assert!(record.undefined.is_empty(), "{:?}", record.undefined);
    let ratio = layers[2].test_dilation.unwrap() / layers[0].test_dilation.unwrap();
    assert_eq!(record.layers_dilation_ratio, Some(ratio));
    assert!(record.layers_memorization_ratio.is_some());
}

/// The last layer of a perceptron is the penultimate features, also with latent classes.
#[test]
fn the_last_layer_has_the_metrics_of_the_epoch() {
    for config in [
        CONFIG.to_owned(),
        CONFIG.replace("kind = \"uniform\"", LATENT),
    ] {
        let mut scene = scene(&config);
        let record = measured(&mut scene);
        let (spec, data, network) = &mut scene;
        let mut epoch = EpochRecord::default();
        let evaluation = Evaluation::new(network.as_mut(), data).unwrap();
        evaluation.measure(&spec.loss, None, &mut epoch).unwrap();
        let layers = record.layers.unwrap();
        let last = layers.last().unwrap();
        for (name, found, expected) in [
            ("nc1", last.nc1, epoch.nc1),
            ("mean", last.memorization_mean, epoch.memorization_mean),
            ("separation", last.separation, epoch.separation),
            ("dilation", last.test_dilation, epoch.test.unwrap().dilation),
        ] {
            assert_close(name, found, expected.unwrap());
        }
        let is_latent = spec.network_classes() > 3;
        assert_eq!(last.corrupted_nearest_given.is_none(), is_latent);
        assert!(last.corrupted_nearest_clean.is_some());
    }
}

#[test]
fn engines_agree_on_the_layers() {
    let (spec, data, mut fused) = scene(CONFIG);
    let shape = data.train_inputs.shape();
    let mut candle = CandleNetwork::new(&spec, shape, 3, DType::F32, &Device::Cpu).unwrap();
    let [ours, theirs] = [fused.as_mut(), &mut candle as &mut dyn Network]
        .map(|network| outputs(network, &data, ImageSet::Test));
    assert_eq!(ours.len(), 3);
    for (a, b) in ours.iter().zip(&theirs) {
        assert_eq!((&a.name, a.features.dim()), (&b.name, b.features.dim()));
        let difference = (&a.features - &b.features).mapv(f32::abs);
        assert!(difference.iter().all(|&d| d < 1e-5), "{}", a.name);
    }
}

#[test]
fn undefined_metrics_of_a_layer_have_reasons() {
    let mut scene = scene(CONFIG);
    let mut state = scene.2.model_state().unwrap();
    let scale = state.iter_mut().find(|t| t.name == "blocks.0.norm.weight");
    scale.unwrap().values.fill(0.0);
    scene.2.load_model_state(&state).unwrap();
    let record = measured(&mut scene);
    let layers = record.layers.unwrap();
    assert_eq!((layers[0].nc1, layers[0].test_dilation), (None, None));
    for name in [
        "layers.0.nc1",
        "layers.0.ncm_accuracy_given",
        "layers.0.corrupted_nearest_clean",
        "layers.0.test_ncm_accuracy",
        "layers.0.separation",
        "layers.0.memorization_over_separation",
        "layers.0.test_dilation",
        "layers_dilation_ratio",
        "layers_memorization_ratio",
    ] {
        let reason = &record.undefined[name];
        assert!(reason.contains("class means coincide"), "{name}: {reason}");
    }
}

#[test]
fn a_class_without_uncorrupted_samples_has_no_clean_mean() {
    let noise = r#"kind = "transition", matrix = [[0, 1, 0], [0, 1, 0], [0, 0, 1]]"#;
    let mut scene = scene(&CONFIG.replace(r#"kind = "uniform", eta = 0.3"#, noise));
    let record = measured(&mut scene);
    let layer = &record.layers.unwrap()[0];
    assert_eq!((layer.memorization_mean, layer.separation), (None, None));
    let reason = &record.undefined["layers.0.test_ncm_accuracy"];
    assert!(
        reason.starts_with("class 0 has no uncorrupted sample"),
        "{reason}"
    );
    assert_eq!(record.undefined["layers.0.memorization_mean"], *reason);
    // No label is 0, so the means of the given labels are not defined either.
    assert!(record.undefined["layers.0.nc1"].starts_with("class 0 of 3 has no sample"));
    assert!(layer.test_dilation.is_some());
}

#[test]
fn a_layer_without_corrupted_samples_has_no_memorization() {
    let record = measured(&mut scene(&CONFIG.replace("eta = 0.3", "eta = 0.0")));
    assert!(record.undefined.is_empty(), "{:?}", record.undefined);
    let layers = record.layers.unwrap();
    assert_eq!(layers[0].memorization_mean, None);
    assert_eq!(layers[0].corrupted_nearest_clean, None);
    assert_eq!(layers[0].ncm_accuracy_given, layers[0].ncm_accuracy_clean);
    assert_eq!(record.layers_memorization_depth, None);
}

/// A network whose layers are given by a function of the number of samples.
#[derive(Debug)]
struct Own(Variables, fn(usize) -> Option<usize>);

impl Model for Own {
    fn forward(&self, batch: &Tensor, _train: bool) -> candle_core::Result<Output> {
        let logits = batch.narrow(1, 0, 3)?;
        let features = logits.clone();
        Ok(Output { features, logits })
    }

    fn forward_layers(&self, batch: &Tensor) -> candle_core::Result<Option<Vec<(String, Tensor)>>> {
        let Some(width) = self.1(batch.dim(0)?) else {
            return Ok(None);
        };
        Ok(Some(vec![("first".to_owned(), batch.narrow(1, 0, width)?)]))
    }

    fn variables(&self) -> &Variables {
        &self.0
    }
}

fn own(layers: fn(usize) -> Option<usize>) -> (RunSpec, Prepared, Box<dyn Network>) {
    let (mut spec, data, _) = scene(CONFIG);
    spec.model = toml::from_str("kind = \"custom\"\nname = \"mine\"").unwrap();
    let weight = Var::zeros((3, 3), DType::F32, &Device::Cpu).unwrap();
    let bias = Var::zeros(3, DType::F32, &Device::Cpu).unwrap();
    let classifier = [&weight, &bias].map(|var| var.as_tensor().clone());
    let parameters = vec![("classifier.weight".to_owned(), weight)];
    let variables = Variables {
        parameters,
        buffers: Vec::new(),
        classifier,
    };
    let model = Box::new(Own(variables, layers));
    let inputs = data.train_inputs.values_per_sample();
    let network = CandleNetwork::from_model(&spec, model, inputs, DType::F32, &Device::Cpu);
    (spec, data, Box::new(network.unwrap()))
}

#[test]
fn layers_of_a_network_that_has_none_are_an_error() {
    let (spec, data, mut network) = own(|_| None);
    let error = check_layers(network.as_mut(), &spec, &data).unwrap_err();
    assert!(error.is_bad_input());
    let message = error.to_string();
    let expected =
        "model 'mine': the network has no layers to measure; implement Model::forward_layers";
    assert!(message.starts_with(expected), "{message}");
}

#[test]
fn layers_that_change_between_batches_are_an_error() {
    let (spec, data, mut network) = own(|samples| Some(if samples > 1 { 4 } else { 5 }));
    check_layers(network.as_mut(), &spec, &data).unwrap();
    let mut record = EpochRecord::default();
    let error = measure_layers(network.as_mut(), &spec, &data, &mut record).unwrap_err();
    let message = error.to_string();
    let expected = "returned first (512, 4) for 512 samples; it must return the same layers";
    assert!(message.contains(expected), "{message}");
}

#[test]
fn archives_hold_the_outputs_of_each_layer() {
    let (spec, data, mut network) = scene(CONFIG);
    let folder = tempfile::tempdir().unwrap();
    write_layers(network.as_mut(), &spec, &data, folder.path()).unwrap();
    let expected = outputs(network.as_mut(), &data, ImageSet::Train);
    for (index, layer) in expected.iter().enumerate() {
        let path = folder.path().join(format!("{index:02}-blocks.{index}.npz"));
        let archive = ArrayFile::open(&path).unwrap();
        let features = archive.find(Role::Features).unwrap().unwrap();
        let features = features.matrix::<f32>().unwrap();
        let close = (&features - &layer.features).mapv(f32::abs);
        assert!(close.iter().all(|&d| d < 1e-5));
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3);
}
