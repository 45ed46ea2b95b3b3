//! From the gradient of the logits to changed parameters: backpropagation with the update fused in.
//!
//! A layer l of a batch is X_l = H_(l-1) W_l + b_l, H_l = f(X_l), with a sample per row and f the
//! normalisation and activation of a block. With G_l the gradient of the loss by X_l:
//!
//! ```text
//! dW_l    = H_(l-1)^T G_l               the gradient of the weights
//! db_l    = sum over samples of G_l     of the bias
//! dH_(l-1) = G_l W_l^T                  of the layer's input
//! G_(l-1) = f'(X_(l-1)) dH_(l-1)        of the products of the block below
//! ```
//!
//! Row j of W_l belongs to input unit j alone, as do column j of dH_(l-1) and of all that is below
//! up to X_(l-1). So a task takes some input units from the top of this list to its end:
//!
//! ```text
//!              outputs                        1. dH^T = W G^T for its rows, before they change
//!            +---------+                      2. dW = H^T G, each tile straight into the update
//!  its rows  | W, v, m |   weights, buffers      of W and its buffers: never stored
//!            +---------+                      3. G of the block below for its units, with the
//!                                                updates of scale, shift and bias
//! ```
//!
//! The weights are read from memory once, stay in the second-level cache between 1 and 2, and are
//! written once. Products 1 and 2 need G_l in both orders, so that G is kept transposed as well.
//! Layer normalisation is the exception: its f' needs sums over all units of a sample, so that step
//! 3 ends for all units after the last task.

mod block;
mod finish;
mod layer;
mod layer_norm;
mod pass;
