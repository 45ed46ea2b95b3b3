//! Neural collapse: common metrics of the four properties NC1 to NC4 of Papyan et al. 2020.

mod frames;
mod minority;
mod nc1;
mod nc2;
mod nc3;
mod nc4;

pub use minority::minority_angle;
pub use nc1::{cdnv, nc1, nc1_ratio};
pub use nc2::{
    hyperspherical_energy, nc2_equiangle, nc2_equinorm, nc2_equinorm_w, nc2_etf, nc2_etf_means,
    nc2_orthogonal,
};
pub use nc3::{nc3, nc3_dual};
pub use nc4::{bias_collapse, nc4};
