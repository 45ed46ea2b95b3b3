//! Neural collapse: the four properties NC1 to NC4 of Papyan et al. 2020 and their common measures.

mod nc1;
mod nc2;
mod nc3;
mod nc4;

pub use nc1::nc1;
pub use nc2::nc2_etf;
pub use nc3::nc3;
pub use nc4::bias_collapse;
