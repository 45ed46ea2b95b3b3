//! Measures the memory needed to load a data set:
//! `cargo run -p memdil-data --example memory -- SOURCE DIR`. The option `--make` before the
//! arguments first writes files of CIFAR-10's published size with synthetic content to DIR.
//!
//! Linux only: it reads the high-water mark of resident memory from `/proc`.

use std::error::Error;
use std::fs;
use std::io::Write;
use std::path::Path;

use memdil_data::files::CIFAR_10;
use memdil_data::{DataSpec, load};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--make", dir] => make(Path::new(dir)),
        [source, dir] => measure(source, Path::new(dir)),
        _ => Err("usage: memory --make DIR | memory SOURCE DIR".into()),
    }
}

fn make(dir: &Path) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(dir)?;
    for name in CIFAR_10 {
        let mut file = std::io::BufWriter::new(fs::File::create(dir.join(name))?);
        for i in 0..10_000_u32 {
            let mut record = [0; 3073];
            record[0] = (i % 10) as u8;
            for (j, pixel) in (0..).zip(&mut record[1..]) {
                *pixel = (i.wrapping_mul(2_654_435_761).wrapping_add(j * j) >> 7) as u8;
            }
            file.write_all(&record)?;
        }
        file.flush()?;
    }
    Ok(())
}

fn measure(source: &str, dir: &Path) -> Result<(), Box<dyn Error>> {
    let before = high_water()?;
    let spec: DataSpec = serde_json::from_value(serde_json::json!({ "source": source }))?;
    let data = load(&spec, &[dir.to_owned()])?;
    let values = data.train.images.pixels().len() + data.test.images.pixels().len();
    let peak = high_water()?;
    eprintln!(
        "{source}: {values} pixels; resident at most {peak} bytes, {before} of them before loading"
    );
    eprintln!("ratio {:.3}", peak as f64 / values as f64);
    Ok(())
}

fn high_water() -> Result<u64, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .ok_or("no VmHWM in /proc/self/status")?;
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kilobytes * 1024)
}
