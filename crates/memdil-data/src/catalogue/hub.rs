//! MNIST and Fashion-MNIST from the Hugging Face hub (feature `hub`).
//!
//! The hub stores the images as encoded pictures in tables whose content may change. Therefore the
//! published IDX files are reconstructed byte by byte, and only files with the published SHA-256
//! are written, into a folder that [`load`](crate::load()) searches.
//!
//! The other data sets are not supported. candle-datasets has neither CIFAR-100 nor SVHN. The only
//! published checksum of CIFAR-10 is that of the archive, which cannot be reconstructed from pixels
//! and labels, so neither the pixels nor the order of the images could be verified; also,
//! `cifar::load` of candle-datasets 0.11 swaps rows and columns.

use std::fs::{self, File};
use std::io::Write;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::slice;

use candle_core::Tensor;
use candle_datasets::vision::{self, fashion_mnist, mnist};
use sha2::{Digest, Sha256};

use super::fetch::{FetchEvent, lock, put_in_place, set_aside};
use super::files::IDX;
use super::places::download_folder;
use super::published::Published;
use super::published_file::{PublishedFile, Unpacked};
use super::verify::{hex, verify_files};
use crate::error::DataError;
use crate::readers::idx;

/// Rows and columns of an image.
const SIDE: u32 = 28;

/// Writes the four unpacked IDX files of MNIST or Fashion-MNIST into [`download_folder`] and
/// returns that folder.
///
/// Correct files, compressed or not, are kept; if all files are correct, the hub is not contacted.
/// Downloads are cached in `HF_HOME` (default `~/.cache/huggingface`). The events are
/// [`AlreadyThere`](FetchEvent::AlreadyThere), [`Waiting`](FetchEvent::Waiting),
/// [`SetAside`](FetchEvent::SetAside) and [`Done`](FetchEvent::Done).
///
/// # Errors
/// [`DataError::NotOnHub`] for another data set; [`DataError::Hub`] if the hub cannot be reached or
/// does not have the published bytes, in which case nothing is written; and an error if the folder
/// cannot be read or written.
///
/// ```no_run
/// use memdil_data::catalogue::Published;
///
/// let folder = memdil_data::hub::fetch(Published::Mnist, &[], &mut |event| eprintln!("{event:?}"))?;
/// assert!(folder.ends_with("mnist"));
/// # Ok::<(), memdil_data::DataError>(())
/// ```
pub fn fetch(
    published: Published,
    data_dirs: &[PathBuf],
    on_event: &mut dyn FnMut(FetchEvent<'_>),
) -> Result<PathBuf, DataError> {
    let load = match published {
        Published::Mnist => mnist::load,
        Published::FashionMnist => fashion_mnist::load,
        Published::Cifar10 | Published::Cifar100 | Published::Svhn => {
            return Err(DataError::NotOnHub {
                name: published.name(),
            });
        }
    };
    let folder = download_folder(published, data_dirs);
    fetch_files(published.name(), published.files(), &folder, load, on_event)?;
    Ok(folder)
}

/// Writes the described IDX files, with the content that `load` returns, into a folder; see
/// [`fetch`].
///
/// The files are identified by the names in [`IDX`]; each must have a checksum of its unpacked
/// form.
///
/// # Shapes
/// Images are floats of shape (n, 784), bytes divided by 255; labels are bytes of shape (n).
///
/// # Errors
/// As for [`fetch`]; a panic in `load` is reported as [`DataError::Hub`].
///
/// ```
/// use candle_core::{Device, Error, Tensor};
/// use candle_datasets::vision::Dataset;
/// use memdil_data::catalogue::{PublishedFile, Unpacked};
///
/// let published = PublishedFile {
///     name: "t10k-labels-idx1-ubyte.gz",
///     bytes: 0,
///     sha256: "",
///     unpacked: &[Unpacked {
///         name: "t10k-labels-idx1-ubyte",
///         bytes: 11,
///         sha256: Some("e10ef6244367a3de9d78e7174bfb1f9fab743509b5c56243b2dd7b87e6aabb9a"),
///     }],
///     urls: &[],
/// };
/// let labels = Tensor::new(&[7_u8, 2, 1], &Device::Cpu)?;
/// let images = Tensor::zeros((3, 784), candle_core::DType::F32, &Device::Cpu)?;
/// let load = || {
///     let (train_images, train_labels) = (images.clone(), labels.clone());
///     Ok(Dataset { train_images, train_labels, test_images: images, test_labels: labels, labels: 10 })
/// };
/// let folder = tempfile::tempdir()?;
/// memdil_data::hub::fetch_files("three", &[published], folder.path(), load, &mut |_| ())?;
/// let file = std::fs::read(folder.path().join("t10k-labels-idx1-ubyte"))?;
/// assert_eq!(file, [0, 0, 8, 1, 0, 0, 0, 3, 7, 2, 1]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn fetch_files(
    name: &str,
    files: &[PublishedFile<'_>],
    folder: &Path,
    load: impl FnOnce() -> candle_core::Result<vision::Dataset>,
    on_event: &mut dyn FnMut(FetchEvent<'_>),
) -> Result<(), DataError> {
    let reports = verify_files(files, folder, &mut |_, _, _| ())?;
    if reports.iter().all(|report| report.state.is_ok()) {
        for file in files {
            on_event(FetchEvent::AlreadyThere { file: file.name });
        }
        return Ok(());
    }
    let contents = checked_contents(files, load).map_err(|cause| DataError::Hub {
        name: name.to_owned(),
        cause,
        by_hand: {
            let names: Vec<&str> = files.iter().map(|file| file.name).collect();
            format!("put {} into {} by hand", names.join(", "), folder.display())
        },
    })?;
    fs::create_dir_all(folder).map_err(DataError::unwritable(folder))?;
    let _lock = lock(folder, on_event)?;
    for (file, (name, bytes)) in files.iter().zip(contents) {
        let reports = verify_files(slice::from_ref(file), folder, &mut |_, _, _| ())?;
        for report in reports.iter().filter(|report| !report.state.is_ok()) {
            if let Some(path) = &report.path {
                set_aside(&report.name, path, on_event)?;
            }
        }
        if reports.iter().any(|report| report.state.is_ok()) {
            on_event(FetchEvent::AlreadyThere { file: file.name });
            continue;
        }
        let part = folder.join(format!("{name}.part"));
        let written = File::create(&part)
            .and_then(|mut out| out.write_all(&bytes).and_then(|()| out.sync_all()));
        written.map_err(|cause| {
            // A second error while removing the partial file would not add information.
            let _ = fs::remove_file(&part);
            DataError::unwritable(&part)(cause)
        })?;
        put_in_place(&part, &folder.join(name))?;
        on_event(FetchEvent::Done { file: name });
    }
    Ok(())
}

/// The name and bytes of each file, all verified; otherwise a one-line message.
fn checked_contents<'a>(
    files: &[PublishedFile<'a>],
    load: impl FnOnce() -> candle_core::Result<vision::Dataset>,
) -> Result<Vec<(&'a str, Vec<u8>)>, String> {
    // candle-datasets panics if a picture cannot be decoded. The closure is consumed, so unwinding
    // cannot expose a broken state.
    let loaded = panic::catch_unwind(AssertUnwindSafe(load))
        .map_err(|_| "the received data is damaged".to_owned())?
        .map_err(|cause| first_line(&cause))?;
    let checked = |file: &PublishedFile<'a>| {
        let &[
            Unpacked {
                name,
                bytes: size,
                sha256: Some(expected),
            },
        ] = file.unpacked
        else {
            return Err(format!("the checksum of {} unpacked is unknown", file.name));
        };
        let content = idx_file(&loaded, name)?;
        if content.len() as u64 != size {
            let found = content.len();
            return Err(format!("its {name} has {found} bytes, not {size}"));
        }
        let found = hex(&Sha256::digest(&content));
        if found != expected {
            return Err(format!("its {name} has SHA-256 {found}, not {expected}"));
        }
        Ok((name, content))
    };
    files.iter().map(checked).collect()
}

/// The bytes of one of the four files.
fn idx_file(loaded: &vision::Dataset, name: &str) -> Result<Vec<u8>, String> {
    let file = match IDX.iter().position(|&known| known == name) {
        Some(0) => images_file(&loaded.train_images),
        Some(1) => labels_file(&loaded.train_labels),
        Some(2) => images_file(&loaded.test_images),
        Some(3) => labels_file(&loaded.test_labels),
        _ => return Err(format!("it has no {name}")),
    };
    file.map_err(|cause| first_line(&cause))
}

fn images_file(images: &Tensor) -> candle_core::Result<Vec<u8>> {
    let (n, _) = images.dims2()?;
    let mut file = header(&[idx::IMAGES, n as u32, SIDE, SIDE]);
    // A byte divided by 255 has an error below a millionth, so rounding recovers it. Other
    // values become arbitrary bytes, which the checksum detects.
    file.extend(
        images
            .flatten_all()?
            .to_vec1::<f32>()?
            .into_iter()
            .map(|value| (value * 255.0).round() as u8),
    );
    Ok(file)
}

fn labels_file(labels: &Tensor) -> candle_core::Result<Vec<u8>> {
    let mut file = header(&[idx::LABELS, labels.dims1()? as u32]);
    file.extend(labels.to_vec1::<u8>()?);
    Ok(file)
}

fn header(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().copied().flat_map(u32::to_be_bytes).collect()
}

/// The first line of an error, which a backtrace may follow.
fn first_line(cause: &candle_core::Error) -> String {
    cause
        .to_string()
        .lines()
        .next()
        .unwrap_or_default()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::*;

    #[test]
    fn every_byte_is_recovered_from_its_float() {
        let bytes: Vec<u8> = (0..=255).collect();
        let tensor = Tensor::from_vec(bytes.clone(), (1, 256), &Device::Cpu).unwrap();
        // candle multiplies by the inverse, which differs from a division.
        let theirs = (tensor.to_dtype(DType::F32).unwrap() / 255.0).unwrap();
        let divided: Vec<f32> = bytes.iter().map(|&byte| f32::from(byte) / 255.0).collect();
        let divided = Tensor::from_vec(divided, (1, 256), &Device::Cpu).unwrap();
        for floats in [theirs, divided] {
            let file = images_file(&floats).unwrap();
            assert_eq!(
                file[..16],
                [0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 28, 0, 0, 0, 28]
            );
            assert_eq!(file[16..], bytes);
        }
    }

    #[test]
    fn an_error_is_one_line() {
        let error = candle_core::Error::Msg("no route\n   0: a backtrace".to_owned());
        assert_eq!(first_line(&error), "no route");
    }
}
