//! Criterion benches of the workspace: `cargo xtask bench`.
//!
//! Inputs are fixed and made outside the timed part; sizes stand in the ids.

/// A line of /proc/self/status in MiB, where there is one.
pub fn memory(key: &str) -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
    line.split_whitespace()
        .next()?
        .parse::<f64>()
        .ok()
        .map(|kib| kib / 1024.0)
}
