//! Criterion benchmarks of the workspace, run by `cargo xtask bench`.
//!
//! Inputs are fixed and created outside the timed part; benchmark ids contain the sizes.

/// A value of /proc/self/status in MiB, or `None` if it does not exist.
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
