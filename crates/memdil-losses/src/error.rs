//! The error of this crate.

/// An invalid input of a loss.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LossError {
    /// A parameter is outside its range.
    #[error("{loss}: {name} = {value}: must be in {range}")]
    Parameter {
        /// Name of the loss.
        loss: &'static str,
        /// Name of the parameter.
        name: &'static str,
        /// The invalid value.
        value: f64,
        /// The valid range.
        range: &'static str,
    },
    /// The transition matrix of forward correction is invalid.
    #[error("forward_correction: transition {reason}")]
    Transition {
        /// Description of the error.
        reason: String,
    },
    /// There are no samples, or fewer than two classes.
    #[error("logits of shape ({samples}, {classes}): must have at least 1 sample and 2 classes")]
    Shape {
        /// Rows of the logits.
        samples: usize,
        /// Columns of the logits.
        classes: usize,
    },
    /// The number of labels differs from the number of rows of the logits.
    #[error("labels: {labels} values, must be {logits}, the number of rows of the logits")]
    Length {
        /// Rows of the logits.
        logits: usize,
        /// Number of labels.
        labels: usize,
    },
    /// A label is not a class.
    #[error("label {label} at row {row}: must be below the number of classes, {classes}")]
    Label {
        /// Row of the label.
        row: usize,
        /// The invalid label.
        label: u32,
        /// Number of classes.
        classes: usize,
    },
    /// A logit is NaN or infinite.
    #[error("logits, row {row}: must be finite")]
    NotFinite {
        /// Row of the logit.
        row: usize,
    },
}
