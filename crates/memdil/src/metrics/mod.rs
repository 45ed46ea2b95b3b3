//! `memdil metrics`

mod arguments;
mod classes;
mod command;
mod finder;
pub(crate) mod inputs;
mod measure;
mod messages;
mod samples;
pub(crate) mod table;

pub(crate) use arguments::Arguments;
pub(crate) use classes::rankings_text;
pub(crate) use command::run;
pub(crate) use measure::Request;
