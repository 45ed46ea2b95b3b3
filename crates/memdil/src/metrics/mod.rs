//! `memdil metrics`

mod arguments;
mod command;
mod finder;
pub(crate) mod inputs;
mod measure;
mod messages;
pub(crate) mod table;

pub(crate) use arguments::Arguments;
pub(crate) use command::run;
