//! The memorization-dilation (M-D) model (Nguyen et al., ICLR 2023): two classes whose noisy labels
//! can be memorised only at the price of spreading what lies nearby.
//!
//! $h_k$ are class features, $u_k$ the features of the noisy samples *labelled* $k$, $r$ the radius
//! of unseen features around $h_k$, and $\eta$ the ratio of noisy to clean samples:
//! $$\min\; \sum_k E_{v\sim\mu_r}\big[l(W(h_k+v),k) + \lambda_H\|h_k+v\|^2\big] +
//! \lambda_W\|W\|_F^2 + \eta\sum_k\big[l(Wu_k,k)+\lambda_H\|u_k\|^2\big]$$
//! $$\text{s.t.}\quad \eta\|h_1-u_2\| \le \frac{C_{MD}\,r}{\|h_1-h_2\|},\quad
//!   \eta\|h_2-u_1\| \le \frac{C_{MD}\,r}{\|h_1-h_2\|}.$$
//! [`solve()`] works on the exact reduction to five variables (see the book chapter on theory);
//! [`classes`] holds this project's extension to $N$ classes.

mod balance;
pub mod classes;
mod reduced;
mod setting;
mod solution;
mod solve;

pub use reduced::Reduced;
pub use setting::MdSetting;
pub use solution::{MdOutcome, MdRecord, MdSolution, Plane};
pub use solve::{solve, solve_near};
