//! The layer-peeled model: classifier and features as free variables under weight decay.
//!
//! $$\min_{W,H} \quad \frac{1}{Nn}\sum_{k,i} l(Wh_{k,i}, k) + \lambda_W \lVert W \rVert_F^2 +
//!   \frac{\lambda_H}{Nn} \lVert H \rVert_F^2,
//!   \qquad H \ge 0 \text{ in the non-negative variant.}$$
//!
//! for $N$ classes of $n$ samples with $P$ features. $W$ is the classifier (N, P), $h_{k,i}$ are
//! the columns of the features $H$ (P, N n), and $l$ is the loss of the logits.
//!
//! [`closed_form()`] gives the global minimiser for cross-entropy and label smoothing.
//! [`numeric::minimize`] minimises the objective numerically, also for other losses.

mod closed_form;
pub mod numeric;

pub use closed_form::{LpmSetting, LpmSolution, closed_form};
