#![allow(clippy::unwrap_used, missing_docs)]

mod faults;
mod synthetic;
mod verdicts;
