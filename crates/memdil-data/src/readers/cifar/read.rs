//! Reading plain files and archives of CIFAR.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::labels::Labels;
use super::records::Records;
use crate::error::DataError;
use crate::formats::unpack::{self, Fault, Unpacked};
use crate::images::Split;

/// Reads the training and test set from the files that [`find`](crate::catalogue::files::find)
/// returns: either all files in order, with the test set last, or a single archive.
///
/// # Shapes
/// Images are 3 x 32 x 32.
///
/// # Errors
/// If a file cannot be read, is damaged or truncated, is a pickle of other content, or is missing
/// from the archive; and with file and row if a label is out of range.
pub fn read(files: &[PathBuf], labels: Labels) -> Result<(Split, Split), DataError> {
    match files {
        [archive] => decode_archive(unpack::open(archive)?, labels),
        [train @ .., test] => Ok((
            read_records(train, labels)?,
            read_records(std::slice::from_ref(test), labels)?,
        )),
        [] => Err(DataError::NotFound {
            name: "CIFAR".to_owned(),
            files: labels.files().join(", "),
            searched: "an empty list of files".to_owned(),
        }),
    }
}

/// Reads one file of either version from bytes in memory, plain or gzip; errors use `name` as the
/// path.
///
/// # Errors
/// As for [`read`].
///
/// ```
/// use memdil_data::cifar::{Labels, parse_records};
///
/// let mut record = vec![7];
/// record.extend([50; 3072]);
/// let split = parse_records(&record, Labels::Cifar10, "one record")?;
/// assert_eq!((split.labels, split.images.size()), (vec![7], [3, 32, 32]));
/// # Ok::<(), memdil_data::DataError>(())
/// ```
pub fn parse_records(bytes: &[u8], labels: Labels, name: &str) -> Result<Split, DataError> {
    decode_records(vec![unpack::from_bytes(bytes, name)?], labels)
}

/// Reads an archive from bytes in memory, plain or gzip; errors use `name` as the path.
///
/// # Errors
/// As for [`read`].
pub fn parse_archive(
    bytes: &[u8],
    labels: Labels,
    name: &str,
) -> Result<(Split, Split), DataError> {
    decode_archive(unpack::from_bytes(bytes, name)?, labels)
}

fn read_records(files: &[PathBuf], labels: Labels) -> Result<Split, DataError> {
    let opened: Result<Vec<_>, _> = files.iter().map(|path| unpack::open(path)).collect();
    decode_records(opened?, labels)
}

fn decode_records(files: Vec<Unpacked>, labels: Labels) -> Result<Split, DataError> {
    let mut records = Records::new(labels);
    records.expected = files.iter().map(|file| file.origin.reserve(u64::MAX)).sum();
    for mut file in files {
        records
            .append(&mut file.reader, &file.origin.path)
            .map_err(|fault| file.origin.error(fault))?;
    }
    records.split()
}

fn decode_archive(file: Unpacked, labels: Labels) -> Result<(Split, Split), DataError> {
    let Unpacked { mut reader, origin } = file;
    let unpacked = read_entries(&mut reader, &origin.path, labels);
    let (train, test) = unpacked.map_err(|fault| origin.error(fault))?;
    Ok((train.split()?, test.split()?))
}

/// Reads the entries of a tar archive in stored order and sorts the training batches.
fn read_entries(
    reader: &mut dyn Read,
    path: &Path,
    labels: Labels,
) -> Result<(Records, Records), Fault> {
    let names = labels.files();
    let mut python = false;
    let test_file = names.len() - 1;
    let (mut train, mut test) = (Records::new(labels), Records::new(labels));
    // The number of each file read so far, and its number of images.
    let mut seen: Vec<(usize, usize)> = Vec::new();
    let mut archive = tar::Archive::new(&mut *reader);
    // Raw entries: extension records are untrusted input and must not be kept in memory.
    for entry in archive.entries()?.raw(true) {
        let mut entry = entry?;
        let entry_path = entry.path()?.into_owned();
        let name = entry_path.file_name();
        let Some(number) = name.and_then(|name| labels.number_of(name)) else {
            continue;
        };
        python |= entry_path.extension().is_none();
        if !entry.header().entry_type().is_file() {
            continue;
        }
        if seen.iter().any(|&(other, _)| other == number) {
            return Err(format!("holds {} twice", names[number]).into());
        }
        let target = match number == test_file {
            true => &mut test,
            false => &mut train,
        };
        let (size, before) = (entry.size(), target.labels.len());
        let read = target.append(&mut entry, &path.join(&entry_path))?;
        if read < size {
            return Err(
                format!("ends in the middle of {}; download it again", names[number]).into(),
            );
        }
        seen.push((number, target.labels.len() - before));
        if number != test_file {
            let is_later = |&&(other, _): &&(usize, usize)| number < other && other != test_file;
            let later = seen.iter().filter(is_later).map(|&(_, images)| images);
            train.move_last(before, later.sum());
        }
    }
    let is_missing = |number: &usize| seen.iter().all(|(other, _)| other != number);
    if let Some(missing) = (0..names.len()).find(is_missing) {
        let name = names[missing];
        return Err(match name.strip_suffix(".bin").filter(|_| python) {
            Some(name) => format!("does not contain {name}; download it again").into(),
            None => format!(
                "does not contain {name}; check that it is the data set, in the binary or the Python version"
            )
            .into(),
        });
    }
    // The gzip decoder compares the checksum at the end of the stream.
    io::copy(reader, &mut io::sink())?;
    Ok((train, test))
}
