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

/// The variables of a network.
///
/// Their names decide what is decayed how (`classifier.` has a weight decay of its own) and what a
/// saved model's tensors are called; a saved model has them in this order.
#[derive(Clone, Debug)]
pub struct Variables {
    /// Everything that is trained, by name.
    pub parameters: Vec<(String, Var)>,
    /// What is saved with the model but never trained or decayed, by name: running statistics, a
    /// fixed classifier.
    pub buffers: Vec<(String, Var)>,
    /// Weights (d, K) and bias (K) of the classifier.
    pub classifier: [Tensor; 2],
}

/// A network with a linear classifier on penultimate features: this crate's, or one of your own.
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

    /// The variables of the network.
    fn variables(&self) -> &Variables;
}
