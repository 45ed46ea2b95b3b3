//! Groups of runs that are drawn in one panel.

use std::fmt;

use memdil_records::RunSpec;
use serde_json::Value;

use crate::text;

/// The settings shared by the runs of a panel, which differ only in loss, noise level and seed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Panel {
    pub(crate) experiment: String,
    pub(crate) source: String,
    pub(crate) classes: Vec<u32>,
    pub(crate) width: Option<usize>,
    /// `MLP 4×64`.
    pub(crate) network: String,
    /// Description of further settings of training, data and noise.
    extra: String,
    /// All settings except loss, noise level and seed, which keep runs of different settings in
    /// different panels.
    settings: String,
}

impl Panel {
    /// Settings that a search varied are excluded from the shared settings.
    pub(super) fn new(spec: &RunSpec, searched: &[String]) -> Self {
        let (data, noise) = (&spec.data, spec.noise.kind());
        let mut extra = format!(", {} epochs", spec.training.epochs);
        if !searched.is_empty() {
            extra += ", settings searched";
        }
        if let Some(images) = data.images_per_class {
            extra += &format!(", {images} images per class");
        }
        if let Some(images) = data.test_images_per_class {
            extra += &format!(", {images} test images per class");
        }
        if let Some(imbalance) = data.imbalance {
            let (kind, ratio) = (imbalance.kind(), imbalance.ratio());
            extra += &format!(", {kind} imbalance of ratio {ratio}");
        }
        if spec.model.has_direct_convolutions() {
            extra += ", direct convolutions";
        }
        if noise != "uniform" {
            extra += &format!(", {} noise", noise.replace('_', " "));
        }
        // With latent classes the noise level is the split, and the requested noise is a setting.
        let eta = spec.noise.split().map(|_| spec.noise.requested());
        let searched = searched.iter().map(String::as_str);
        let varied = ["loss", "noise", "seed"].into_iter().chain(searched);
        let shared = settings_without(spec, varied);
        Self {
            experiment: spec.experiment.clone(),
            source: data.source.name().to_owned(),
            classes: data.classes.clone(),
            width: spec.model.width(),
            network: spec.model.to_string(),
            extra,
            settings: format!("{shared} {noise} {eta:?}"),
        }
    }
}

/// The settings of a run without those of the given names, such as `noise` or `optimizer.momentum`.
pub(crate) fn settings_without<'a>(
    spec: &RunSpec,
    names: impl IntoIterator<Item = &'a str>,
) -> Value {
    let mut settings = serde_json::to_value(spec).unwrap_or_default();
    for name in names {
        let (tables, key) = name.rsplit_once('.').unwrap_or(("", name));
        let mut table = Some(&mut settings);
        for name in tables.split('.').filter(|name| !name.is_empty()) {
            table = table.and_then(|table| table.get_mut(name));
        }
        if let Some(table) = table.and_then(Value::as_object_mut) {
            table.remove(key);
        }
    }
    settings
}

impl fmt::Display for Panel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let classes = text::classes(&self.classes);
        write!(
            f,
            "{} {classes}, {}{}",
            self.source, self.network, self.extra
        )
    }
}
