//! Times memdil-metrics on the arrays that other programs are timed on. Run by
//! `cargo xtask bench --peers`.
//!
//! `sizes` lists the cases, and `write SIZE DIR` writes the arrays of a case. `time DIR RUNS`
//! prints one JSON object: medians after a warm-up in milliseconds, the value of NC1, and the peak
//! of additional memory in MiB.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use memdil_benches::memory;
use memdil_metrics::{Measure, nc1};
use ndarray::{Array1, Array2, s};
use ndarray_npy::{read_npy, write_npy};

/// Samples, features, classes.
const SIZES: [(usize, usize, usize); 4] = [
    (12_000, 2, 2),
    (50_000, 512, 10),
    (50_000, 2048, 100),
    (1_000_000, 64, 10),
];

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["sizes"] => SIZES.iter().for_each(|&size| println!("{}", name(size))),
        ["write", size, folder] => {
            let known = SIZES.into_iter().find(|&known| name(known) == size);
            write(
                known.ok_or("SIZE: unknown; see `peer_metrics sizes`")?,
                Path::new(folder),
            )?;
        }
        ["time", folder, runs] => time(Path::new(folder), runs.parse()?)?,
        _ => return Err("usage: peer_metrics sizes | write SIZE DIR | time DIR RUNS".into()),
    }
    Ok(())
}

fn name((samples, features, classes): (usize, usize, usize)) -> String {
    format!("{samples}x{features}x{classes}")
}

/// A pseudorandom generator (SplitMix64).
struct Words(u64);

impl Words {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    /// An approximately normal number with variance 1, the sum of four uniform numbers.
    fn normal(&mut self) -> f32 {
        let word = self.next();
        let sum: u64 = (0..4).map(|part| (word >> (16 * part)) & 0xffff).sum();
        (sum as f32 / 65_535.0 - 2.0) * 3.0_f32.sqrt()
    }
}

/// Writes features that are class means plus noise, with a fifth of the labels drawn at random.
fn write(
    (samples, features, classes): (usize, usize, usize),
    folder: &Path,
) -> Result<(), Box<dyn Error>> {
    let mut words = Words(1);
    let means = Array2::from_shape_simple_fn((classes, features), || 2.0 * words.normal());
    let clean = Array1::from_shape_simple_fn(samples, || words.below(classes) as u32);
    let labels = clean.mapv(|label| {
        if words.below(5) == 0 {
            words.below(classes) as u32
        } else {
            label
        }
    });
    let h = Array2::from_shape_fn((samples, features), |(i, j)| {
        means[[labels[i] as usize, j]] + words.normal()
    });
    write_npy(folder.join("h.npy"), &h)?;
    write_npy(folder.join("y.npy"), &labels)?;
    write_npy(folder.join("c.npy"), &clean)?;
    write_npy(folder.join("W.npy"), &(means / (features as f32).sqrt()))?;
    write_npy(
        folder.join("b.npy"),
        &Array1::from_shape_simple_fn(classes, || words.normal()),
    )?;
    Ok(())
}

fn time(folder: &Path, runs: usize) -> Result<(), Box<dyn Error>> {
    let features: Array2<f32> = read_npy(folder.join("h.npy"))?;
    let labels: Vec<u32> = read_npy::<_, Array1<u32>>(folder.join("y.npy"))?.to_vec();
    let clean_labels: Vec<u32> = read_npy::<_, Array1<u32>>(folder.join("c.npy"))?.to_vec();
    let classifier: Array2<f32> = read_npy(folder.join("W.npy"))?;
    let bias: Array1<f32> = read_npy(folder.join("b.npy"))?;
    let classes = bias.len();
    // All metrics, with a fifth of the samples also used as test samples.
    let unseen = labels.len() / 5;
    let inputs = Measure::new(features.view(), &labels, classes)
        .clean_labels(&clean_labels)
        .classifier(classifier.view())
        .bias(bias.view())
        .test(features.slice(s![..unseen, ..]), &clean_labels[..unseen]);
    // Resets the peak of memory, so that it excludes the loading of the arrays.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    let loaded = memory("VmRSS");
    let value = nc1(features.view(), &labels, classes)?;
    let nc1_ms = median(runs, || nc1(features.view(), &labels, classes).map(drop))?;
    inputs.run()?;
    let measure_ms = median(runs, || inputs.run().map(drop))?;
    let extra = loaded
        .zip(memory("VmHWM"))
        .map(|(loaded, peak)| peak - loaded);
    let extra = extra.map_or("null".to_owned(), |extra| extra.to_string());
    println!(
        r#"{{"nc1_ms": {nc1_ms}, "measure_ms": {measure_ms}, "nc1": {value}, "extra_mib": {extra}}}"#
    );
    Ok(())
}

fn median<E>(runs: usize, mut run: impl FnMut() -> Result<(), E>) -> Result<f64, E> {
    let mut times = Vec::new();
    for _ in 0..runs.max(1) {
        let start = Instant::now();
        run()?;
        times.push(start.elapsed().as_secs_f64() * 1000.0);
    }
    times.sort_by(f64::total_cmp);
    Ok(f64::midpoint(
        times[(times.len() - 1) / 2],
        times[times.len() / 2],
    ))
}
