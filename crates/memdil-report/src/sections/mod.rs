//! The sections of the report, each with its tables, and the document that they make.

mod content;
mod experiment;
mod inputs;
mod provenance;
mod reference;
mod runs;
mod searches;
mod verdicts;

pub(crate) use content::{TITLE, contents};
