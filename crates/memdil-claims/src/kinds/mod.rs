//! The kinds of tests, one per file: its declaration, its units and their values.

mod constants;
pub(crate) mod dose;
pub(crate) mod exact;
pub(crate) mod interaction;
pub(crate) mod kind;
pub(crate) mod paired;
pub(crate) mod prediction;
mod sides;
pub(crate) mod slope;
pub(crate) mod test;
pub(crate) mod trend;
pub(crate) mod within_run;
