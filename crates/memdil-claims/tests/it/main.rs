#![allow(clippy::unwrap_used, missing_docs)]

mod faults;
mod made;
mod verdicts;
