//! Estimates the false-positive rate of claims on real runs by permuting the memorised shares.
//!
//! ```sh
//! cargo run -p memdil-claims --example permutations -- experiments/memorization-dilation.toml quick m.jsonl runs seeds
//! cargo run -p memdil-claims --example permutations -- experiments/capacity.toml quick c.jsonl runs widths
//! ```
//!
//! `seeds` exchanges whole courses of the memorised share between seeds of the same loss, noise
//! level and network; `widths` exchanges the memorised shares between widths of the same seed, loss
//! and noise level. A claim that is still supported after the exchange owes its support to
//! something other than memorization.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use memdil_claims::{Declaration, Family, Finished, Test, Verdict};
use memdil_records::{EpochRecord, RunFolder, RunRecord, read_manifest};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

const PERMUTATIONS: usize = 200;

struct Run {
    record: RunRecord,
    epochs: Vec<EpochRecord>,
}

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, preset, manifest, runs, across] = &arguments[..] else {
        return Err("arguments: FILE.toml PRESET MANIFEST RUNS seeds|widths".into());
    };
    let table: toml::Table = fs::read_to_string(file)?.parse()?;
    let claims = table
        .get("claim")
        .and_then(toml::Value::as_array)
        .into_iter()
        .flatten();
    let claims: Vec<toml::Table> = claims
        .filter_map(|claim| claim.as_table().cloned())
        .collect();
    let mut declarations = Declaration::read(&claims)?;
    // The other kinds of tests do not use memorised shares.
    declarations.retain(|claim| matches!(claim.test, Test::WithinRun(_) | Test::Dose(_)));
    let mut planned = Vec::new();
    let mut all = Vec::new();
    for line in read_manifest(Path::new(manifest))? {
        let folder = RunFolder::new(Path::new(runs).join(&line.id));
        if let Some(record) = folder.record()? {
            all.push(Run {
                record,
                epochs: folder.epochs()?,
            });
        }
        planned.push(line.spec);
    }
    let families = Family::of(&declarations, Some(preset), &planned)?;
    let groups = groups(&all, across)?;
    let out = std::env::temp_dir().join(format!("memdil-permutations-{}", std::process::id()));
    let mut supported: BTreeMap<String, usize> = BTreeMap::new();
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for permutation in 0..=PERMUTATIONS {
        let mut from: Vec<usize> = (0..all.len()).collect();
        // Permutation 0 is the identity: the verdicts on the original runs.
        for group in groups.iter().filter(|_| permutation > 0) {
            let mut shuffled = group.clone();
            for last in (1..shuffled.len()).rev() {
                shuffled.swap(last, (rng.next_u64() % (last as u64 + 1)) as usize);
            }
            group
                .iter()
                .zip(shuffled)
                .for_each(|(&to, other)| from[to] = other);
        }
        let folders = write(&all, &from, &out)?;
        let finished: Vec<Finished<'_>> = folders
            .iter()
            .map(|(record, folder)| Finished {
                planned: &record.spec,
                record,
                folder,
            })
            .collect();
        for family in &families {
            for claim in family.judge(&finished)? {
                if permutation == 0 {
                    eprintln!(
                        "{} without permutation: {} {:?}",
                        claim.id, claim.verdict, claim.effect
                    );
                } else if claim.verdict == Verdict::Supported {
                    *supported.entry(claim.id).or_default() += 1;
                } else {
                    supported.entry(claim.id).or_default();
                }
            }
        }
    }
    fs::remove_dir_all(&out)?;
    for (id, count) in supported {
        eprintln!("{id}: supported in {count} of {PERMUTATIONS} permutations");
    }
    Ok(())
}

/// Groups of runs within which memorised shares are exchanged.
fn groups(runs: &[Run], across: &str) -> Result<Vec<Vec<usize>>, Failure> {
    let mut groups: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (index, run) in runs.iter().enumerate() {
        let mut spec = serde_json::to_value(&run.record.spec)?;
        match across {
            "seeds" => spec["seed"] = 0.into(),
            "widths" => spec["model"]["width"] = 0.into(),
            _ => return Err("the last argument must be seeds or widths".into()),
        }
        groups.entry(spec.to_string()).or_default().push(index);
    }
    Ok(groups.into_values().collect())
}

/// Writes every run to `out`; run `i` has the memorised shares of run `from[i]`.
fn write(runs: &[Run], from: &[usize], out: &Path) -> Result<Vec<(RunRecord, RunFolder)>, Failure> {
    let exchange = |epochs: &mut [EpochRecord], other: &Run| {
        for epoch in epochs {
            let same = other.epochs.iter().find(|known| known.epoch == epoch.epoch);
            epoch.memorized_as_given = same.and_then(|known| known.memorized_as_given);
        }
    };
    let mut written = Vec::new();
    for (index, run) in runs.iter().enumerate() {
        let path: PathBuf = out.join(index.to_string());
        fs::create_dir_all(&path)?;
        let mut epochs = run.epochs.clone();
        exchange(&mut epochs, &runs[from[index]]);
        let lines: Result<Vec<String>, _> = epochs.iter().map(serde_json::to_string).collect();
        let folder = RunFolder::new(path);
        fs::write(folder.metrics(), lines?.join("\n") + "\n")?;
        let mut record = run.record.clone();
        record.last = epochs.last().cloned();
        written.push((record, folder));
    }
    Ok(written)
}
