//! The folders in which published files are looked for, and the one they are downloaded to.

use std::path::{Path, PathBuf};

use crate::catalogue::{Published, PublishedFile};
use crate::{Source, files};

/// The folders searched, in order: those in which [`load`](crate::load()) looks for the same data
/// set.
pub fn folders(published: Published, data_dirs: &[PathBuf]) -> Vec<PathBuf> {
    files::folders(&source(published), data_dirs)
}

/// The [`folders`] as an error names them: those that hold folders of data sets, and where in them.
pub fn searched(published: Published, data_dirs: &[PathBuf]) -> String {
    files::searched(&source(published), &files::roots(data_dirs))
}

fn source(published: Published) -> Source {
    match published {
        Published::Mnist => Source::Mnist,
        Published::FashionMnist => Source::FashionMnist,
        Published::Cifar10 => Source::Cifar10,
        Published::Cifar100 => Source::Cifar100,
        Published::Svhn => Source::Svhn,
    }
}

/// The folder that downloads go to: the one of the set's name in the first of `data_dirs`, else of
/// `MEMDIL_DATA_DIR` from the environment, else in `data`.
pub fn download_folder(published: Published, data_dirs: &[PathBuf]) -> PathBuf {
    files::roots(data_dirs)
        .swap_remove(0)
        .join(published.name())
}

/// The folder that holds all files, packed or unpacked; if there is none, the one that holds most.
///
/// Nothing if none of the files is in any of the folders.
pub fn find<'a>(files: &[PublishedFile<'_>], folders: &'a [PathBuf]) -> Option<&'a Path> {
    let count = |folder: &Path| files.iter().filter(|file| file.is_in(folder)).count();
    let mut best: Option<(usize, &Path)> = None;
    for folder in folders {
        let there = count(folder);
        if there > best.map_or(0, |(most, _)| most) {
            best = Some((there, folder));
        }
    }
    best.map(|(_, folder)| folder)
}

impl PublishedFile<'_> {
    /// Whether it is in a folder, as published or wholly unpacked.
    pub fn is_in(&self, folder: &Path) -> bool {
        let unpacked = || {
            !self.unpacked.is_empty()
                && self
                    .unpacked
                    .iter()
                    .all(|file| unpacked_path(folder, file.name).is_some())
        };
        self.packed_path(folder).is_some() || unpacked()
    }

    /// Where it lies in a folder as published; see [`files::find`] for other names of it.
    pub(crate) fn packed_path(&self, folder: &Path) -> Option<PathBuf> {
        match self.name.strip_suffix(".gz") {
            Some(name) => files::spelled(folder, name, ".gz"),
            None => files::spelled(folder, self.name, ""),
        }
    }
}

/// Where an unpacked file lies in a folder: under its name with the archive's folders, or without
/// them.
pub(crate) fn unpacked_path(folder: &Path, name: &str) -> Option<PathBuf> {
    let base = Path::new(name).file_name()?.to_str()?;
    files::spelled(folder, name, "").or_else(|| files::spelled(folder, base, ""))
}

/// The files of CIFAR that [`load`](crate::load()) would read, if they are not the published ones of
/// the binary version: those of the version for Python, or an archive of either under another name.
///
/// None where there are neither, and for the other data sets.
pub fn other_form(published: Published, data_dirs: &[PathBuf]) -> Option<Vec<PathBuf>> {
    let source = match published {
        Published::Cifar10 => Source::Cifar10,
        Published::Cifar100 => Source::Cifar100,
        Published::Mnist | Published::FashionMnist | Published::Svhn => return None,
    };
    let files = files::find(&source, data_dirs).ok()?;
    let is_published = |file: &PublishedFile<'_>| {
        let folder = files.first().and_then(|path| path.parent());
        folder.is_some_and(|folder| file.is_in(folder))
    };
    (!published.files().iter().any(is_published)).then_some(files)
}
