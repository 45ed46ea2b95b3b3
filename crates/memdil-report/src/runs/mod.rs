//! Finished runs: reading them, their values by name, and the groups that figures and claims
//! compare.

mod averages;
mod groups;
mod panel;
mod quantity;
mod read;
mod run;
mod searches;

pub(crate) use averages::{by_loss, compared, mean, mean_of, or_undefined, r_squared, summary};
pub(crate) use groups::{at, by_panel, distinct, largest, levels, losses, select, under};
pub(crate) use panel::{Panel, settings_without};
pub(crate) use quantity::Quantity;
pub(crate) use read::{FolderRuns, read_folder};
pub(crate) use run::{Level, Run};
pub(crate) use searches::label;
