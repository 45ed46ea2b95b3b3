//! The sections of the report with their tables, and the document of all sections.

mod classes;
mod content;
mod experiment;
mod inputs;
mod provenance;
mod reference;
mod runs;
mod samples;
mod searches;
mod verdicts;

pub(crate) use content::{TITLE, contents};
