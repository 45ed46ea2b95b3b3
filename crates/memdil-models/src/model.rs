//! The interface of a network that the runner trains.

use std::fmt::Debug;

use candle_core::{Result, Tensor, Var};
use memdil_kernels::candle::Tape;

/// The output of a network for a batch.
#[derive(Clone, Debug)]
pub struct Output {
    /// Penultimate features after the last activation, (n, d).
    pub features: Tensor,
    /// Logits, (n, K).
    pub logits: Tensor,
}

/// The variables of a network.
///
/// Their names determine the weight decay (names that start with `classifier.` have a separate one)
/// and the names of the tensors in a saved model, which has them in this order.
#[derive(Clone, Debug)]
pub struct Variables {
    /// All trained variables, by name.
    pub parameters: Vec<(String, Var)>,
    /// Variables that are saved with the model but neither trained nor decayed, by name: running
    /// statistics and a fixed classifier.
    pub buffers: Vec<(String, Var)>,
    /// Weights (d, K) and bias (K) of the classifier.
    pub classifier: [Tensor; 2],
}

/// A network with a linear classifier on penultimate features, from this crate or your own.
pub trait Model: Debug + Send {
    /// Features and logits of a batch. With `train`, layers normalise by the statistics of the
    /// batch and update the running statistics.
    ///
    /// # Shapes
    ///
    /// `batch` (n, values per sample), where a sample is stored channel by channel, row-major;
    /// features (n, d), logits (n, K).
    ///
    /// # Errors
    ///
    /// candle's error if shapes do not match or the device fails.
    fn forward(&self, batch: &Tensor, train: bool) -> Result<Output>;

    /// [`forward`](Self::forward) with `train` for a training step, and a [`Tape`] that adds the
    /// gradients which candle's backward pass does not compute. The default tape is empty: candle
    /// computes all gradients. [`ResNet`](crate::ResNet) and [`Vgg`](crate::Vgg) record their
    /// convolutions on the CPU.
    ///
    /// # Errors
    ///
    /// As in [`forward`](Self::forward).
    fn forward_with_tape(&self, batch: &Tensor) -> Result<(Output, Tape)> {
        Ok((self.forward(batch, true)?, Tape::default()))
    }

    /// The features of every layer that is measured, with the layer's name, for a batch in
    /// evaluation mode. They are listed from the input to the last layer, in the same order and
    /// sizes for every batch. The default is `None`: the network has no layers to measure.
    ///
    /// The networks of this crate return the output of every block ([`Mlp`](crate::Mlp)), of the
    /// stem and every stage ([`ResNet`](crate::ResNet)) or of every stage ([`Vgg`](crate::Vgg)).
    /// Outputs of convolutions are averaged over the pixels.
    ///
    /// # Shapes
    ///
    /// `batch` as in [`forward`](Self::forward); features of a layer (n, width of the layer).
    ///
    /// # Errors
    ///
    /// candle's error if shapes do not match or the device fails.
    fn forward_layers(&self, _batch: &Tensor) -> Result<Option<Vec<(String, Tensor)>>> {
        Ok(None)
    }

    /// The variables of the network.
    fn variables(&self) -> &Variables;
}
