//! The model for $N$ classes: this project's extension; two classes give the model of the paper.
//!
//! $u_{kj}$ are the features of noisy samples of true class $k$ labelled $j$, each ordered pair
//! with noise weight $\eta/(N-1)$:
//! $$\min\; \sum_k E_v\big[l(W(h_k+v),k)+\lambda_H\|h_k+v\|^2\big] + \lambda_W\|W\|_F^2 +
//!   \frac{\eta}{N-1}\sum_{k\ne j}\big[l(Wu_{kj},j)+\lambda_H\|u_{kj}\|^2\big]$$
//! $$\text{s.t. for every } k:\quad \frac{\eta}{N-1}\sum_{j\ne k}\|h_k-u_{kj}\|
//!   \le \frac{C_{MD}\,r}{\frac1{N-1}\sum_{j\ne k}\|h_k-h_j\|}.$$
//! Solved among symmetric configurations, $v$ uniform on the sphere of radius $r$ in $R^P$,
//! $P \ge N$.

mod cloud;
mod objective;
mod outcome;
mod solve;

pub use outcome::{ClassesOutcome, ClassesSolution};
pub use solve::solve;
