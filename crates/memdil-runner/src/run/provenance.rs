//! Determines the program and machine of a run.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use memdil_records::Provenance;

/// The provenance of a run that starts now on `device`.
pub fn provenance(device: &str) -> Provenance {
    Provenance {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        commit: env!("MEMDIL_COMMIT").to_owned(),
        lockfile_sha256: env!("MEMDIL_LOCKFILE").to_owned(),
        rustc: env!("MEMDIL_RUSTC").to_owned(),
        platform: format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH),
        cpu: cpu(),
        cpu_features: cpu_features(),
        threads: candle_core::utils::get_num_threads(),
        device: device.to_owned(),
        started_unix: SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |d| d.as_secs()),
    }
}

fn cpu() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find_map(|l| l.strip_prefix("model name"));
    name.map_or_else(
        || "unknown".to_owned(),
        |n| n.trim_start_matches([' ', '\t', ':']).to_owned(),
    )
}

#[cfg(target_arch = "x86_64")]
fn cpu_features() -> Vec<String> {
    let found = [
        ("avx2", std::arch::is_x86_feature_detected!("avx2")),
        ("fma", std::arch::is_x86_feature_detected!("fma")),
        ("avx512f", std::arch::is_x86_feature_detected!("avx512f")),
    ];
    found
        .into_iter()
        .filter(|(_, has)| *has)
        .map(|(name, _)| name.to_owned())
        .collect()
}

#[cfg(not(target_arch = "x86_64"))]
fn cpu_features() -> Vec<String> {
    Vec::new()
}
