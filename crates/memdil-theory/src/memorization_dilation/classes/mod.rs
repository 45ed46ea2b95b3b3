//! An extension of the model to $N$ classes, developed in this project. For two classes it equals
//! the model of the paper.
//!
//! $u_{kj}$ are the features of noisy samples of true class $k$ with the label $j$. Each ordered
//! pair has the noise weight $\eta/(N-1)$:
//!
//! $$\min \quad \sum_k E_v\big[l(W(h_k+v),k)+\lambda_H \lVert h_k+v \rVert^2\big] +
//!   \lambda_W \lVert W \rVert_F^2 +
//!   \frac{\eta}{N-1}\sum_{k\ne j}\big[l(Wu_{kj},j)+\lambda_H \lVert u_{kj} \rVert^2\big]$$
//! $$\text{s.t. for each } k: \quad \frac{\eta}{N-1}\sum_{j\ne k} \lVert h_k-u_{kj} \rVert
//!   \le \frac{C_{MD} r}{\frac1{N-1}\sum_{j\ne k} \lVert h_k-h_j \rVert}.$$
//!
//! The problem is solved among symmetric configurations, where $v$ is uniform on the sphere of
//! radius $r$ in $R^P$ and $P \ge N$.

mod cloud;
mod objective;
mod outcome;
mod solve;

pub use outcome::{ClassesOutcome, ClassesSolution};
pub use solve::solve;
