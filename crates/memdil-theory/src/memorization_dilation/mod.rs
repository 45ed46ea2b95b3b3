//! The memorization-dilation (M-D) model (Nguyen et al., ICLR 2023): two classes whose noisy labels
//! can be memorised only if unseen features dilate.
//!
//! $h_k$ are the class features, $u_k$ the features of the noisy samples *labelled* $k$, $h_k+v$
//! the unseen features, whose deviation $v$ has the distribution $\mu_r$ of radius $r$
//! ([`FeatureMeasure`](crate::FeatureMeasure)), $W$ is the classifier with the rows $w_k$, $l$ is
//! the loss of the logits, and $\eta$ is the ratio of noisy to clean samples:
//!
//! $$\min \quad \sum_k E_{v\sim\mu_r} \big[l(W(h_k+v),k) + \lambda_H \lVert h_k+v \rVert^2\big] +
//!   \lambda_W \lVert W \rVert_F^2 +
//!   \eta\sum_k\big[l(Wu_k,k)+\lambda_H \lVert u_k \rVert^2\big]$$
//! $$\text{s.t.}\quad \eta \lVert h_1-u_2 \rVert \le \frac{C_{MD} r}{\lVert h_1-h_2 \rVert}, \quad
//!   \eta \lVert h_2-u_1 \rVert \le \frac{C_{MD} r}{\lVert h_1-h_2 \rVert}.$$
//!
//! With [`FeatureMeasure::Jumps`](crate::FeatureMeasure::Jumps), a variant of this project, a share of
//! the unseen features is displaced towards the noisy samples of its class instead
//! ([`Jumps`](crate::Jumps)). The share follows from the memorization, and there is no radius.
//!
//! [`solve()`] minimises an exact reduction to five variables (see the chapter on theory in the
//! book). [`classes`] contains an extension to $N$ classes, which was developed in this project.

mod balance;
pub mod classes;
mod collapse;
mod coordinates;
mod jet;
mod reduced;
mod segment;
mod setting;
mod solution;
mod solve;
mod starts;

pub use collapse::collapsed_separation;
pub use reduced::Reduced;
pub use setting::MdSetting;
pub use solution::{MdOutcome, MdRecord, MdSolution, Plane};
pub use solve::{solve, solve_near};
