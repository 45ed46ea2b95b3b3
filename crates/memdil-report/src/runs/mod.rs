//! Finished runs: reads them, gives access to their values by name, and groups and averages them.

mod averages;
mod groups;
mod panel;
mod quantity;
mod read;
mod run;
mod searches;

pub(crate) use averages::{
    compared, mean, mean_of, means_by_loss, or_undefined, r_squared, summary,
};
pub(crate) use groups::{
    at_level, by_panel, distinct, largest_panel, levels, losses, select, with_loss,
};
pub(crate) use panel::{Panel, settings_without};
pub(crate) use quantity::Quantity;
pub(crate) use read::{FolderRuns, read_folder};
pub(crate) use run::{Level, Run};
pub(crate) use searches::label;
