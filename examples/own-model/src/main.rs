//! A custom network in memdil: implement `Model` and pass the runner a function that builds it.
//! Data, label noise, losses, checkpoints and resume, metrics and the report need no further code.
//!
//! `cargo run -p own-model -- examples/own-model/experiment.toml runs/own`

use std::path::Path;

use anyhow::{Context, Result};
use candle_core::{DType, Device, Tensor, Var};
use memdil_data::random::{Stream, stream};
use memdil_models::{ImageShape, Model, Output, Variables};
use memdil_records::{ModelSpec, RunRecord, RunSpec};
use memdil_runner::{Experiment, RunOptions, TrainEvent, train_model};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;

/// Two hidden layers, the second on top of the first: h = relu(x A), f = relu(h + relu(h B)) C, a
/// classifier on relu(f).
#[derive(Debug)]
struct Skip {
    variables: Variables,
}

impl Skip {
    fn new(spec: &RunSpec, image: ImageShape, device: &Device) -> candle_core::Result<Self> {
        let inputs = image.channels * image.height * image.width;
        let (width, features) = (setting(spec, "width")?, setting(spec, "features")?);
        // candle's generator cannot be seeded on the CPU; this one makes the run reproducible.
        let mut rng = stream(spec.seed, Stream::Init);
        let mut parameters = Vec::new();
        let layers = [
            ("first", inputs, width),
            ("second", width, width),
            ("third", width, features),
        ];
        for (name, from, to) in
            layers
                .into_iter()
                .chain([("classifier", features, spec.data.classes.len())])
        {
            parameters.push((
                format!("{name}.weight"),
                uniform(&mut rng, (from, to), device)?,
            ));
            parameters.push((format!("{name}.bias"), Var::zeros(to, DType::F32, device)?));
        }
        let last = parameters.len() - 2;
        let classifier = [0, 1].map(|at| parameters[last + at].1.as_tensor().clone());
        let variables = Variables {
            parameters,
            buffers: Vec::new(),
            classifier,
        };
        Ok(Self { variables })
    }

    fn layer(&self, index: usize, x: &Tensor) -> candle_core::Result<Tensor> {
        let parameters = &self.variables.parameters;
        let [weight, bias] = [&parameters[2 * index].1, &parameters[2 * index + 1].1];
        x.matmul(weight)?.broadcast_add(bias)
    }
}

impl Skip {
    /// The outputs of the three layers before the classifier.
    fn outputs(&self, batch: &Tensor) -> candle_core::Result<[Tensor; 3]> {
        let first = self.layer(0, batch)?.relu()?;
        let second = (&first + self.layer(1, &first)?.relu()?)?.relu()?;
        let features = self.layer(2, &second)?.relu()?;
        Ok([first, second, features])
    }
}

impl Model for Skip {
    fn forward(&self, batch: &Tensor, _train: bool) -> candle_core::Result<Output> {
        let [.., features] = self.outputs(batch)?;
        let logits = self.layer(3, &features)?;
        Ok(Output { features, logits })
    }

    /// Needed only for `training.evaluate_layers`, which measures these outputs.
    fn forward_layers(&self, batch: &Tensor) -> candle_core::Result<Option<Vec<(String, Tensor)>>> {
        let names = ["first", "second", "third"].map(str::to_owned);
        Ok(Some(names.into_iter().zip(self.outputs(batch)?).collect()))
    }

    fn variables(&self) -> &Variables {
        &self.variables
    }
}

/// Reads a positive whole number from the model's settings.
fn setting(spec: &RunSpec, name: &str) -> candle_core::Result<usize> {
    let ModelSpec::Custom(custom) = &spec.model else {
        candle_core::bail!("model.kind must be \"custom\"")
    };
    match custom.settings.get(name).and_then(|value| value.as_u64()) {
        Some(value) if value > 0 => Ok(value as usize),
        _ => candle_core::bail!("model.settings.{name} must be a positive whole number"),
    }
}

/// Samples uniformly from ±sqrt(6 / inputs), which preserves the scale of values through a ReLU
/// (He et al. 2015).
fn uniform(
    rng: &mut ChaCha8Rng,
    (inputs, outputs): (usize, usize),
    device: &Device,
) -> candle_core::Result<Var> {
    let bound = (6.0 / inputs as f32).sqrt();
    let mut draw = || ((rng.next_u64() >> 40) as f32 / (1u64 << 23) as f32 - 1.0) * bound;
    let values: Vec<f32> = (0..inputs * outputs).map(|_| draw()).collect();
    Var::from_tensor(&Tensor::from_vec(values, (inputs, outputs), device)?)
}

/// Trains with the settings of a file and `key=value` overrides, or resumes an interrupted run.
fn run(config: &Path, overrides: &[String], out: &Path) -> Result<RunRecord> {
    let spec = Experiment::load(config, None, overrides)?.run(&[])?;
    let options = RunOptions::new("cpu").tensorboard(true);
    let build = |spec: &RunSpec,
                 image: ImageShape,
                 device: &Device|
     -> candle_core::Result<Box<dyn Model>> {
        Ok(Box::new(Skip::new(spec, image, device)?))
    };
    let outcome = train_model(&spec, out, &options, &build, |event| {
        if let TrainEvent::Epoch(record) = event {
            eprintln!("epoch {}: loss {:.4}", record.epoch, record.loss);
        }
    })?;
    Ok(outcome.record().clone())
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let config = arguments
        .next()
        .context("usage: own-model CONFIG.toml OUT [KEY=VALUE]..")?;
    let out = arguments
        .next()
        .context("usage: own-model CONFIG.toml OUT [KEY=VALUE]..")?;
    let record = run(
        Path::new(&config),
        &arguments.collect::<Vec<_>>(),
        Path::new(&out),
    )?;
    if let Some(test) = record.last.as_ref().and_then(|last| last.test.as_ref()) {
        let dilation = test.dilation.map_or_else(
            || "not defined".to_owned(),
            |dilation| format!("{dilation:.4}"),
        );
        eprintln!("test accuracy {:.4}, dilation {dilation}", test.accuracy);
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn train(overrides: &[&str], out: &Path) -> Result<RunRecord> {
        let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiment.toml");
        // Only the epochs are reduced, so that the settings of the file are tested.
        let overrides: Vec<String> = ["training.epochs=10"]
            .iter()
            .chain(overrides)
            .map(|&text| text.to_owned())
            .collect();
        run(&config, &overrides, out)
    }

    #[test]
    fn a_custom_network_learns_and_is_measured() {
        let folder = tempfile::tempdir().unwrap();
        let record = train(&[], &folder.path().join("a")).unwrap();
        assert_eq!(record.last.clone().unwrap().layers, None);
        let test = record.last.clone().unwrap().test.unwrap();
        assert!(test.accuracy > 0.9 && test.dilation.is_some(), "{test:?}");
        let again = train(&[], &folder.path().join("b")).unwrap();
        assert_eq!(
            again.last.unwrap().loss.to_bits(),
            record.last.unwrap().loss.to_bits()
        );
        let layered = train(
            &["training.evaluate_layers=true"],
            &folder.path().join("layers"),
        );
        let layers = layered.unwrap().last.unwrap().layers.unwrap();
        let names: Vec<&str> = layers.iter().map(|layer| layer.name.as_str()).collect();
        assert_eq!(names, ["first", "second", "third"]);
        assert_eq!(layers[2].test_dilation.is_some(), test.dilation.is_some());
        let error = train(&["model.settings.features=0"], &folder.path().join("c"))
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("model.settings.features must be a positive whole number"),
            "{error}"
        );
    }
}
