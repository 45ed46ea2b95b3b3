//! The metrics of each class, from a run or from the output of `memdil metrics --json`.

use memdil_metrics::{ClassMetrics, PerClass};
use serde::Deserialize;

/// The metrics of all classes, with the keys of `memdil metrics --per-class --json`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Classes {
    pub(super) classes: Vec<Class>,
    /// Angles in degrees between the centred class means.
    pub(super) angles: Option<Vec<Vec<Option<f64>>>>,
    pub(super) worst: Option<usize>,
}

/// The metrics of one class.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Class {
    pub(super) class: usize,
    pub(super) samples: usize,
    pub(super) variance: f64,
    pub(super) mean_norm: f64,
    pub(super) nearest_mean: Option<f64>,
    pub(super) classifier_alignment: Option<f64>,
    pub(super) corrupted: Option<usize>,
    pub(super) memorization_mean: Option<f64>,
}

/// The metrics of all classes of one network, with its name and the names of the classes.
#[derive(Clone, Debug)]
pub(crate) struct NamedClasses {
    pub(crate) network: String,
    /// The name of each class; its number if it has no name.
    pub(crate) names: Vec<String>,
    pub(crate) classes: Classes,
}

impl From<&PerClass> for Classes {
    fn from(found: &PerClass) -> Self {
        Self {
            classes: found.classes.iter().map(Class::from).collect(),
            angles: found.angles.clone(),
            worst: found.worst,
        }
    }
}

impl From<&ClassMetrics> for Class {
    fn from(found: &ClassMetrics) -> Self {
        Self {
            class: found.class,
            samples: found.samples,
            variance: found.variance,
            mean_norm: found.mean_norm,
            nearest_mean: found.nearest_mean,
            classifier_alignment: found.classifier_alignment,
            corrupted: found.corrupted,
            memorization_mean: found.memorization_mean,
        }
    }
}

impl NamedClasses {
    /// `6 Shirt`, or `6` for a class without a name.
    pub(super) fn label(&self, class: usize) -> String {
        match self.names.get(class) {
            Some(name) if *name != class.to_string() => format!("{class} {name}"),
            _ => class.to_string(),
        }
    }

    /// The angles between the classes, if there are at least three: two class means are always
    /// opposite each other.
    pub(super) fn angles(&self) -> Option<&[Vec<Option<f64>>]> {
        let angles = self.classes.angles.as_deref();
        angles.filter(|angles| angles.len() >= 3)
    }
}
