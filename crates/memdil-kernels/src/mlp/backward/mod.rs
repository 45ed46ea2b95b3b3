//! Backpropagation from the gradient of the logits, fused with the update of the parameters.
//!
//! For a batch, layer l computes X_l = H_(l-1) W_l + b_l and H_l = f(X_l), with one sample per row
//! and f the normalisation and activation of a block. With G_l the gradient of the loss with
//! respect to X_l:
//!
//! ```text
//! dW_l    = H_(l-1)^T G_l               the gradient of the weights
//! db_l    = sum over samples of G_l     of the bias
//! dH_(l-1) = G_l W_l^T                  of the layer's input
//! G_(l-1) = f'(X_(l-1)) dH_(l-1)        of the products of the block below
//! ```
//!
//! Row j of W_l belongs to input unit j only, and so do column j of dH_(l-1) and column j of
//! G_(l-1). A task therefore computes the whole list for a few input units:
//!
//! ```text
//!              outputs                        1. dH^T = W G^T for its rows, before they change
//!            +---------+                      2. dW = H^T G, where each tile updates W and its
//!  its rows  | W, v, m |   weights, buffers      buffers directly and is never stored
//!            +---------+                      3. G of the block below for its units, with the
//!                                                updates of scale, shift and bias
//! ```
//!
//! The weights are read from memory once, stay in the L2 cache between 1 and 2, and are written
//! once. Products 1 and 2 read G_l in both orders, so it is also stored transposed. Layer
//! normalisation is the exception: its f' needs sums over all units of a sample, so step 3 is
//! completed for all units after the last task.

mod block;
mod finish;
mod layer;
mod layer_norm;
mod pass;
