//! Criterion benches of the workspace: `cargo bench --package memdil-benches`.
//!
//! Inputs are fixed and made outside the timed part; sizes stand in the ids.
