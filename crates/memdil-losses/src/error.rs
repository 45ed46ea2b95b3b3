//! The error of this crate.

/// An input that a loss cannot be computed for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LossError {
    /// A parameter outside its range.
    #[error("{loss}: {name} = {value} is outside {range}")]
    Parameter {
        /// Name of the loss.
        loss: &'static str,
        /// Name of the parameter.
        name: &'static str,
        /// The offending value.
        value: f64,
        /// The values that are allowed.
        range: &'static str,
    },
    /// A transition matrix that forward correction cannot use.
    #[error("forward_correction: transition {reason}")]
    Transition {
        /// What is wrong with it.
        reason: String,
    },
    /// No samples, or fewer than two classes.
    #[error("logits of shape ({samples}, {classes}): a loss needs at least 1 sample and 2 classes")]
    Shape {
        /// Rows of the logits.
        samples: usize,
        /// Columns of the logits.
        classes: usize,
    },
    /// Logits and labels differ in length.
    #[error("{logits} rows of logits but {labels} labels")]
    Length {
        /// Rows of the logits.
        logits: usize,
        /// Number of labels.
        labels: usize,
    },
    /// A label that is not a class.
    #[error("label {label} at row {row}: must be below the number of classes, {classes}")]
    Label {
        /// Row of the label.
        row: usize,
        /// The offending label.
        label: u32,
        /// Number of classes.
        classes: usize,
    },
    /// A logit that is NaN or infinite.
    #[error("logit at row {row} is not finite")]
    NotFinite {
        /// Row of the logit.
        row: usize,
    },
}
