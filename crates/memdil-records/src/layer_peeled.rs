//! The layer-peeled experiment: unconstrained features trained by gradient descent.

use std::fs;
use std::path::{Path, PathBuf};

use memdil_losses::Loss;
use serde::{Deserialize, Serialize};

use crate::spec::{check, positive};
use crate::{Provenance, RecordError, write_atomic};

/// Everything that decides the numbers of one training of unconstrained features.
///
/// With $N$ classes of $n$ samples, $W$ the classifier and $H$ the features, full-batch gradient
/// descent with momentum on
/// $$\frac{1}{Nn}\sum_{k,i} l(Wh_{k,i}, k) + \lambda_W\|W\|_F^2 + \frac{\lambda_H}{Nn}\|H\|_F^2.$$
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerPeeledSpec {
    /// Classes $N$, at least 2.
    pub classes: usize,
    /// Samples a class $n$, at least 1.
    pub samples_per_class: usize,
    /// Feature dimension $P$, at least 1.
    pub dim: usize,
    /// Cross-entropy or label smoothing.
    pub loss: Loss,
    /// Weight decay of the classifier, positive.
    pub lambda_w: f64,
    /// Weight decay of the features, positive.
    pub lambda_h: f64,
    /// Whether features are non-negative.
    pub nonnegative: bool,
    /// Seeds the initial weights and features.
    pub seed: u64,
    /// Learning rate in balanced variables: $\sqrt{\lambda_H/\lambda_W}$ times as large for
    /// weights, $Nn\sqrt{\lambda_W/\lambda_H}$ times for features.
    pub learning_rate: f64,
    /// Momentum, in `[0, 1)`.
    pub momentum: f64,
    /// Steps at most.
    pub steps: usize,
    /// Training ends when [`LayerPeeledEnd::residual`] is at most this.
    pub tolerance: f64,
}

/// How a training of unconstrained features ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LayerPeeledStatus {
    /// The residual fell to the tolerance.
    Converged,
    /// All steps were taken before that.
    OutOfSteps,
    /// The objective became NaN or infinite.
    Diverged,
}

/// Weights and features at the end. What has no meaning at zero is left out there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerPeeledEnd {
    /// Largest entry of the projected gradient in balanced variables, over
    /// $\sqrt{\lambda_W\lambda_H}$.
    pub residual: f64,
    /// Value of the objective.
    pub objective: f64,
    /// Whether weights and features are all zero ([`LayerPeeledEnd::ZERO`]).
    pub collapsed: bool,
    /// Mean over samples and wrong classes of (true logit) - (wrong logit).
    pub logit_gap: f64,
    /// Largest minus smallest of these gaps.
    pub logit_gap_spread: f64,
    /// Mean of $\|h_{k,i}\|^2$.
    pub feature_sq_norm: f64,
    /// Mean of $\|w_k\|^2$.
    pub weight_row_sq_norm: f64,
    /// NC1 of the features.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub nc1: Option<f64>,
    /// Smallest and largest cosine between the feature means of two classes.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub feature_cosines: Option<[f64; 2]>,
    /// Largest minus smallest norm of the feature means, over their mean norm.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub feature_norm_spread: Option<f64>,
    /// Largest distance between $w_k$ and $h_k - h_G$, both scaled to length one; $h_G$ is the
    /// global mean.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub nc3_plus: Option<f64>,
}

/// One finished training of unconstrained features.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerPeeledRecord {
    /// Version of this format; readers refuse what they do not know.
    pub format: u32,
    /// What was run.
    pub spec: LayerPeeledSpec,
    /// How it ended.
    pub status: LayerPeeledStatus,
    /// Steps taken.
    pub steps: usize,
    /// What was reached; left out when the training diverged.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub end: Option<LayerPeeledEnd>,
    /// Wall-clock seconds.
    pub seconds: f64,
    /// Where and with what.
    pub provenance: Provenance,
}

impl LayerPeeledSpec {
    /// Checks every value against its range.
    ///
    /// # Errors
    ///
    /// [`RecordError::OutOfRange`] naming the first setting that is out of range, or the error of
    /// the loss crate.
    pub fn validate(&self) -> Result<(), RecordError> {
        check(self.classes >= 2, "classes", self.classes, "at least 2")?;
        check(
            self.samples_per_class >= 1,
            "samples_per_class",
            self.samples_per_class,
            "at least 1",
        )?;
        check(self.dim >= 1, "dim", self.dim, "at least 1")?;
        let known = matches!(
            self.loss,
            Loss::CrossEntropy {} | Loss::LabelSmoothing { .. }
        );
        let range = "cross_entropy or label_smoothing, the losses whose minimum is known";
        check(known, "loss", self.loss.short_name(), range)?;
        self.loss.validate()?;
        check(
            positive(self.lambda_w),
            "lambda_w",
            self.lambda_w,
            "positive and finite",
        )?;
        check(
            positive(self.lambda_h),
            "lambda_h",
            self.lambda_h,
            "positive and finite",
        )?;
        check(
            positive(self.learning_rate),
            "learning_rate",
            self.learning_rate,
            "positive and finite",
        )?;
        check(
            (0.0..1.0).contains(&self.momentum),
            "momentum",
            self.momentum,
            "in [0, 1)",
        )?;
        check(self.steps >= 1, "steps", self.steps, "at least 1")?;
        check(
            positive(self.tolerance),
            "tolerance",
            self.tolerance,
            "positive and finite",
        )
    }

    /// Whether the minimiser fits into the dimension, so that a closed form is there to compare
    /// with: $P \ge N$ for the orthogonal frame of non-negative features, $P \ge N - 1$ for the
    /// simplex of signed ones.
    pub fn frame_fits(&self) -> bool {
        self.dim
            >= if self.nonnegative {
                self.classes
            } else {
                self.classes - 1
            }
    }
}

impl LayerPeeledEnd {
    /// Mean squared norms up to this count as zero.
    pub const ZERO: f64 = 1e-12;
}

impl LayerPeeledRecord {
    /// The format this crate writes and reads.
    pub const FORMAT: u32 = 1;
}

/// Where the results of the layer-peeled experiment are in a folder of runs: `layer-peeled.jsonl`.
pub fn layer_peeled_path(folder: &Path) -> PathBuf {
    folder.join("layer-peeled.jsonl")
}

/// Reads the results in a folder of runs; none where there is no such file.
///
/// # Errors
///
/// [`RecordError::Read`], or [`RecordError::Malformed`] naming the line that is no result.
pub fn read_layer_peeled(folder: &Path) -> Result<Vec<LayerPeeledRecord>, RecordError> {
    let path = layer_peeled_path(folder);
    if !path.exists() {
        return Ok(Vec::new());
    }
    let text = fs::read_to_string(&path).map_err(|cause| RecordError::Read {
        path: path.clone(),
        cause,
    })?;
    let parse = |(index, line): (usize, &str)| {
        let malformed = |reason| RecordError::Malformed {
            path: path.clone(),
            line: Some(index + 1),
            reason,
        };
        let record: LayerPeeledRecord =
            serde_json::from_str(line).map_err(|e| malformed(e.to_string()))?;
        if record.format != LayerPeeledRecord::FORMAT {
            let known = LayerPeeledRecord::FORMAT;
            return Err(malformed(format!(
                "format {} is not the one known here, {known}",
                record.format
            )));
        }
        record
            .spec
            .validate()
            .map_err(|e| malformed(e.to_string()))?;
        Ok(record)
    };
    text.lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(parse)
        .collect()
}

/// Writes the results atomically, one a line.
///
/// # Errors
///
/// [`RecordError::Write`].
pub fn write_layer_peeled(folder: &Path, records: &[LayerPeeledRecord]) -> Result<(), RecordError> {
    write_atomic(&layer_peeled_path(folder), |writer| {
        for record in records {
            serde_json::to_writer(&mut *writer, record)?;
            std::io::Write::write_all(writer, b"\n")?;
        }
        Ok(())
    })
}
