//! What the runner trains.

use std::fmt::Debug;

use candle_core::{Result, Tensor, Var};

/// What a network says about a batch.
#[derive(Clone, Debug)]
pub struct Output {
    /// Penultimate features after the last activation, (n, d).
    pub features: Tensor,
    /// Logits, (n, K).
    pub logits: Tensor,
}

/// A network with a linear classifier on penultimate features: this crate's, or one of your own.
///
/// Variables are named; names decide what is decayed how (`classifier.` has a weight decay of its
/// own) and what a saved model's tensors are called. Their order is that of
/// [`parameters`](Self::parameters).
pub trait Model: Debug + Send {
    /// Features and logits of a batch; with `train`, statistics of the batch normalise and running
    /// ones move.
    ///
    /// # Shapes
    ///
    /// `batch` (n, values of a sample), a sample channel by channel and row by row; features (n,
    /// d), logits (n, K).
    ///
    /// # Errors
    ///
    /// candle's error when shapes do not fit or the device fails.
    fn forward(&self, batch: &Tensor, train: bool) -> Result<Output>;

    /// Everything that is trained, by name.
    fn parameters(&self) -> &[(String, Var)];

    /// What is saved with the model but never trained or decayed, running statistics for example,
    /// by name.
    fn buffers(&self) -> &[(String, Var)];

    /// Weights of the classifier, (d, K).
    fn classifier_weight(&self) -> &Tensor;

    /// Bias of the classifier, (K).
    fn classifier_bias(&self) -> &Tensor;
}
