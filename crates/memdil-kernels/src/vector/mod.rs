//! Vector registers of the supported instruction sets, and the choice between them at run time.

mod dispatch;
mod element;
mod instructions;
mod portable;
mod prefetch;
#[cfg(target_arch = "x86_64")]
mod x86;

pub use element::Element;
pub(crate) use element::private::Dispatch;
pub(crate) use element::{Vector, VectorKernel, width};
pub use instructions::Instructions;
pub(crate) use prefetch::{prefetch, prefetch_values};
