//! Creates the images embedded in this crate from the full Fashion-MNIST files:
//! `cargo run -p memdil-data --no-default-features --example embed -- --from DIR --out DIR`.
//!
//! The output is deterministic, and files whose content differs from the published one are
//! rejected.

mod subset;

use std::error::Error;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use memdil_data::catalogue::Published;
use memdil_data::{Source, files, idx};

/// Number of images per class in the embedded training and test set.
const TRAIN_PER_CLASS: usize = 600;
const TEST_PER_CLASS: usize = 100;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let (from, out) = arguments()?;
    let paths = files::find(&Source::FashionMnist, &[from])?;
    let mut contents = Vec::new();
    let published = Published::FashionMnist
        .files()
        .iter()
        .flat_map(|file| file.unpacked)
        .flat_map(|file| file.sha256);
    for (path, published) in paths.iter().zip(published) {
        let bytes = unpacked(path)?;
        let found = subset::sha256_hex(&bytes);
        if found != published {
            let path = path.display();
            return Err(format!(
                "{path}: SHA-256 of the unpacked content is {found}, not {published}"
            )
            .into());
        }
        contents.push(bytes);
    }

    fs::create_dir_all(&out)?;
    let mut sums = String::new();
    for (split, per_class) in [(0, TRAIN_PER_CLASS), (1, TEST_PER_CLASS)] {
        let images = idx::parse_images(&contents[2 * split], files::IDX[2 * split])?;
        let labels = idx::parse_labels(&contents[2 * split + 1], files::IDX[2 * split + 1])?;
        let kept = subset::first_per_class(&labels, per_class);
        let assets = [
            subset::images_file(&images.select(&kept)),
            subset::labels_file(kept.iter().map(|&i| labels[i] as u8)),
        ];
        for (asset, name) in assets.iter().zip(&files::IDX[2 * split..]) {
            let name = format!("{name}.gz");
            let packed = subset::gzip(asset);
            write_atomically(&out, &name, &packed)?;
            eprintln!("{name}: {} bytes", packed.len());
            sums.push_str(&format!("{}  {name}\n", subset::sha256_hex(&packed)));
        }
    }
    write_atomically(&out, "SHA256SUMS", sums.as_bytes())
}

fn arguments() -> Result<(PathBuf, PathBuf)> {
    let (mut from, mut out) = (None, None);
    let mut arguments = std::env::args_os().skip(1);
    while let Some(name) = arguments.next() {
        let slot = match name.to_str() {
            Some("--from") => &mut from,
            Some("--out") => &mut out,
            _ => return Err(format!("unknown argument {}", name.display()).into()),
        };
        *slot = arguments.next().map(PathBuf::from);
    }
    match (from, out) {
        (Some(from), Some(out)) => Ok((from, out)),
        _ => Err("usage: embed --from DIR --out DIR".into()),
    }
}

fn unpacked(path: &Path) -> Result<Vec<u8>> {
    let bytes = fs::read(path)?;
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(bytes);
    }
    let mut unpacked = Vec::new();
    MultiGzDecoder::new(&bytes[..]).read_to_end(&mut unpacked)?;
    Ok(unpacked)
}

/// Writes a temporary file and renames it, so that an interruption does not leave an incomplete
/// file.
fn write_atomically(folder: &Path, name: &str, bytes: &[u8]) -> Result<()> {
    let draft = folder.join(format!(".{name}.tmp"));
    let mut file = File::create(&draft)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&draft, folder.join(name))?;
    Ok(())
}
