//! The passes of convolutional networks: convolutions, which a tape may record, and a head on
//! candle's autograd.

use candle_core::{Result, Tensor};
use memdil_kernels::candle::Tape;

use crate::layers::{Pass, check_batch};
use crate::model::Output;

/// A network of convolutions and a head.
pub(crate) trait Trunk {
    /// The output of the last stage.
    fn trunk(&self, batch: &Tensor, pass: &mut Pass) -> Result<Tensor>;
    /// Features and logits of the output of the last stage.
    fn head(&self, x: &Tensor) -> Result<Output>;
}

/// [`Model::forward`](crate::Model::forward).
pub(crate) fn forward(network: &impl Trunk, batch: &Tensor, train: bool) -> Result<Output> {
    check_batch(batch, train)?;
    let x = network.trunk(batch, &mut Pass::new(train))?;
    network.head(&x)
}

/// [`Model::forward_with_tape`](crate::Model::forward_with_tape).
pub(crate) fn forward_with_tape(network: &impl Trunk, batch: &Tensor) -> Result<(Output, Tape)> {
    check_batch(batch, true)?;
    let mut pass = Pass::record(batch.device());
    let x = network.trunk(batch, &mut pass)?;
    let (x, tape) = pass.finish(x)?;
    Ok((network.head(&x)?, tape))
}
