//! Metrics of each class of a network, and the angles between its class means.

mod angles;
mod of_run;
mod table;
mod values;

pub(crate) use angles::figure;
pub(crate) use of_run::RunClasses;
pub(crate) use table::{COLUMNS, table, worst};
pub(crate) use values::{Classes, NamedClasses};
