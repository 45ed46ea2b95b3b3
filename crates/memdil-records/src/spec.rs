//! The specification of a run: everything that decides its numbers.

use memdil_data::{DataSpec, LabelNoise};
use memdil_losses::Loss;
use serde::{Deserialize, Serialize};

use crate::{ModelSpec, OptimizerSpec, RecordError, ScheduleSpec};

/// Everything that decides the numbers of a run. Paths, threads and devices are no part of it.
///
/// There are no hidden defaults: what is saved with a run is what ran ([`resolve`](Self::resolve)
/// writes out what a file may leave out).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunSpec {
    /// Experiment the run belongs to; runs of one experiment are compared with each other.
    pub experiment: String,
    /// Seeds noise, split, initialisation and shuffling, each through its own stream.
    pub seed: u64,
    /// Training loss.
    pub loss: Loss,
    /// Images, classes, input form, validation split.
    pub data: DataSpec,
    /// What happens to the training labels.
    pub noise: LabelNoise,
    /// Network.
    pub model: ModelSpec,
    /// Optimiser.
    pub optimizer: OptimizerSpec,
    /// Learning-rate schedule.
    pub schedule: ScheduleSpec,
    /// Length of the training.
    pub training: TrainingSpec,
}

/// Length of the training and how often metrics are taken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingSpec {
    /// Passes over the training set.
    pub epochs: usize,
    /// Samples in a batch; the last, partial batch is kept. Batch normalisation needs two.
    pub batch_size: usize,
    /// Metrics are taken every so many epochs, and after the last.
    pub evaluate_every: usize,
    /// More epochs after which metrics are taken, in increasing order: a claim about the course of
    /// training needs many early ones. Those after the last epoch have no effect. Left out: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evaluate_at: Vec<usize>,
    /// $\lambda_h$ of the penalty $\frac{\lambda_h}{2n} \sum_i \lVert h_i \rVert^2$ that a batch of
    /// n samples with penultimate features $h_i$ adds to the loss, as in the layer-peeled model;
    /// left out: 0.
    #[serde(default)]
    pub feature_decay: f64,
}

impl TrainingSpec {
    /// Whether metrics are taken after this epoch, counted from one.
    pub fn is_evaluated(&self, epoch: usize) -> bool {
        epoch.is_multiple_of(self.evaluate_every)
            || epoch == self.epochs
            || self.evaluate_at.contains(&epoch)
    }

    /// The number of evaluations.
    pub fn evaluations(&self) -> usize {
        (1..=self.epochs)
            .filter(|&epoch| self.is_evaluated(epoch))
            .count()
    }
}

impl RunSpec {
    /// Writes out the settings that follow from others where they are left out: `model.features`,
    /// the classifier's own weight decay and the transition matrix of forward correction, which is
    /// that of the noise.
    pub fn resolve(&mut self) {
        if let Loss::ForwardCorrection { transition } = &mut self.loss
            && transition.is_empty()
        {
            *transition = self
                .noise
                .expected_transition(self.data.classes.len())
                .unwrap_or_default();
        }
        self.model.resolve(self.network_classes());
        self.optimizer.resolve();
    }

    /// Classes that the network tells apart: those of the data, or twice as many where the noise
    /// makes latent ones.
    pub fn network_classes(&self) -> usize {
        let latent = matches!(self.noise, LabelNoise::LatentClass { .. });
        self.data.classes.len() * if latent { 2 } else { 1 }
    }

    /// Checks every value against its range.
    ///
    /// # Errors
    ///
    /// [`RecordError::OutOfRange`] naming the first setting that is out of range, or the error of
    /// the data or loss crate.
    pub fn validate(&self) -> Result<(), RecordError> {
        let known = !self.experiment.is_empty()
            && self
                .experiment
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
        check(
            known,
            "experiment",
            &self.experiment,
            "letters, digits, '-' and '_'",
        )?;
        self.loss.validate()?;
        if let Loss::ForwardCorrection { transition } = &self.loss {
            let fits = transition.len() == self.data.classes.len();
            check(
                fits,
                "loss.transition",
                format!("{} rows", transition.len()),
                "a row for each class of data.classes",
            )?;
        }
        self.data.validate()?;
        self.noise.validate_for(self.data.classes.len())?;
        self.model.validate(self.network_classes())?;
        self.optimizer.validate()?;
        self.schedule.validate(self.optimizer.learning_rate())?;
        let training = &self.training;
        check(
            training.epochs >= 1,
            "training.epochs",
            training.epochs,
            "at least 1",
        )?;
        let smallest = self.model.smallest_batch();
        let range = if smallest == 2 {
            "at least 2"
        } else {
            "at least 1"
        };
        check(
            training.batch_size >= smallest,
            "training.batch_size",
            training.batch_size,
            range,
        )?;
        check(
            training.evaluate_every >= 1,
            "training.evaluate_every",
            training.evaluate_every,
            "at least 1",
        )?;
        let at = &training.evaluate_at;
        check(
            at.is_sorted_by(|a, b| a < b) && at.first() != Some(&0),
            "training.evaluate_at",
            format!("{at:?}"),
            "increasing epochs from 1 on",
        )?;
        let decay = training.feature_decay;
        check(
            decay >= 0.0 && decay.is_finite(),
            "training.feature_decay",
            decay,
            "at least 0 and finite",
        )
    }
}

pub(crate) fn positive(value: f64) -> bool {
    value > 0.0 && value.is_finite()
}

pub(crate) fn check(
    valid: bool,
    name: &'static str,
    value: impl ToString,
    range: &'static str,
) -> Result<(), RecordError> {
    if valid {
        Ok(())
    } else {
        Err(RecordError::OutOfRange {
            name,
            value: value.to_string(),
            range,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A specification as it was written before networks and optimisers had variants.
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
    fn what_is_left_out_is_written_out() {
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
    fn evaluations_are_every_so_many_epochs_and_those_of_the_list() {
        let mut spec = with("training.evaluate_at", serde_json::json!([1, 2, 5, 30])).unwrap();
        spec.training.evaluate_every = 10;
        let evaluated: Vec<usize> = (1..=30)
            .filter(|&epoch| spec.training.is_evaluated(epoch))
            .collect();
        assert_eq!(evaluated, [1, 2, 5, 10, 20, 30]);
        assert_eq!(spec.training.evaluations(), 6);
        // What leaves the list out keeps its name.
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
    fn a_hundred_classes_are_counted_in_the_name_of_a_run() {
        let mut spec: RunSpec = serde_json::from_str(OLD).unwrap();
        assert!(crate::run_id(&spec).starts_with("old_0-1-2_CE_eta0.2_s0_"));
        spec.data.classes = (0..100).collect();
        let id = crate::run_id(&spec);
        assert!(id.starts_with("old_100-classes_CE_eta0.2_s0_"), "{id}");
        spec.data.classes.swap(0, 1);
        assert_ne!(crate::run_id(&spec), id);
    }

    #[test]
    fn forward_correction_takes_the_transition_of_the_noise() {
        let mut spec = with(
            "loss",
            serde_json::json!({"kind": "forward_correction", "transition": [[1]]}),
        )
        .unwrap_err();
        assert!(
            spec.contains("loss.transition = 1 rows: must be a row for each class"),
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
        // A fifth of the labels is drawn again from three classes.
        assert!(
            (transition[1][2] - 0.2 / 3.0).abs() < 1e-15
                && (transition[1][1] - 1.0 + 0.4 / 3.0).abs() < 1e-15
        );
    }

    #[test]
    fn variants_out_of_range_are_named() {
        let adam = |key: &str, value: f64| {
            let mut json =
                serde_json::json!({"kind": "adam", "learning_rate": 0.1, "weight_decay": 0.0});
            json[key] = value.into();
            json
        };
        let etf = serde_json::json!({"kind": "mlp", "depth": 2, "width": 8, "features": 1, "classifier": "etf"});
        let unnormalised =
            serde_json::json!({"kind": "mlp", "depth": 2, "width": 8, "norm": "none"});
        let nesterov = serde_json::json!({"kind": "sgd", "learning_rate": 0.1, "momentum": 0.0, "nesterov": true,
            "weight_decay": 0.0});
        let mixed =
            serde_json::json!({"kind": "adam_w", "learning_rate": 0.1, "weight_decay": 0.0});
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
                "optimizer.nesterov = true: must be false without momentum",
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
}
