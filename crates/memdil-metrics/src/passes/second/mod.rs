//! The second pass: quantities that require the class means.
//!
//! All quantities of a sample $h$ of class $y$ are computed from its residual $r = h - \mu_y$,
//! which is precise even if the features are far from the origin. A single product with a few
//! vectors, packed side by side, is sufficient for all metrics:
//!
//! ```text
//!                directions q_j      classifier rows w_k
//!              +-----------------+  +--------------------+
//! residual r ->|      r . q_j    |  |      r . w_k       |
//!              +-----------------+  +--------------------+
//!                 |           |               |
//!                 v           v               v
//!                NC1     nearest mean    logits, predictions
//!                             |               |
//!                             +-----> NC4 <---+
//! ```
//!
//! - NC1: the $q_j$ are unit vectors with $K \Sigma_B = \sum_j \lambda_j q_j q_j^T$, so
//!   $\mathrm{tr}(\Sigma_W \Sigma_B^+) / K = \frac1n \sum_i \sum_j (r_i^T q_j)^2 / \lambda_j$.
//! - Logits: $W h + b = W r + (W \mu_y + b)$; the second term is one row of a table.
//! - Nearest mean: with $m_k = \mu_k - \mu_G$,
//!   $\Vert h - \mu_k \Vert^2 = \Vert r \Vert^2 + 2 r^T (m_y - m_k) + \Vert m_y - m_k \Vert^2$; the
//!   $m_k$ are in the span of the $q_j$, so $r^T m_k$ follows from the products $r^T q_j$, and
//!   $\Vert r \Vert^2$ is the same for all $k$.
//!
//! Decisions that rounding errors could change are recomputed from the sample itself ([`head`]).
//! The distances of corrupted samples from the means of their clean classes are computed
//! separately.

mod batch;
mod head;
mod in_memory;
mod pass;
mod rows;
mod totals;

pub(crate) use in_memory::{Wanted, WantedPart, in_memory};
pub use pass::SecondPass;
pub use totals::SecondPassTotals;
