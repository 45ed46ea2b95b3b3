#![allow(clippy::unwrap_used, missing_docs)]

mod faults;
mod slopes;
mod synthetic;
mod verdicts;
