//! The folders in which published files are looked for, and the one they are downloaded to.

use std::env;
use std::path::{Path, PathBuf};

use crate::catalogue::{Published, PublishedFile};

const ENVIRONMENT: &str = "MEMDIL_DATA_DIR";

/// Where Debian puts data sets, each in a folder of its name.
const DEBIAN: &str = "/usr/share/datasets";

/// The folders searched, in order: the one of the set's name in the data folder, torchvision's, the data
/// folder itself.
///
/// Without `data_dir` the data folders are `MEMDIL_DATA_DIR` from the environment, `data`, and the one of
/// Debian's packages.
pub fn folders(published: Published, data_dir: Option<&Path>) -> Vec<PathBuf> {
    let (torchvision, alike): (Option<&str>, &[&str]) = match published {
        Published::Mnist => (Some("MNIST/raw"), &["fashion-mnist", "FashionMNIST/raw"]),
        Published::FashionMnist => (Some("FashionMNIST/raw"), &["mnist", "MNIST/raw"]),
        Published::Svhn => (Some("SVHN"), &[]),
        // torchvision keeps CIFAR in a form that is not read here.
        Published::Cifar10 | Published::Cifar100 => (None, &[]),
    };
    let roots = match data_dir {
        Some(dir) => vec![dir.to_owned()],
        None => from_environment().into_iter().chain(["data", DEBIAN].map(PathBuf::from)).collect(),
    };
    let mut folders = Vec::new();
    for root in roots {
        folders.push(root.join(published.name()));
        folders.extend(torchvision.map(|folder| root.join(folder)));
        // MNIST and Fashion-MNIST name their files alike, so the one's folder is not searched for the other.
        if !alike.iter().any(|folder| root.ends_with(folder)) {
            folders.push(root);
        }
    }
    folders
}

/// The folder that downloads go to: the one of the set's name in `data_dir`, else in `MEMDIL_DATA_DIR`
/// from the environment, else in `data`.
pub fn download_folder(published: Published, data_dir: Option<&Path>) -> PathBuf {
    let root = data_dir.map(Path::to_owned).or_else(from_environment).unwrap_or_else(|| PathBuf::from("data"));
    root.join(published.name())
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
        let unpacked =
            || !self.unpacked.is_empty() && self.unpacked.iter().all(|file| unpacked_path(folder, file.name).is_some());
        folder.join(self.name).is_file() || unpacked()
    }
}

/// Where an unpacked file lies in a folder: under its name with the archive's folders, or without them.
pub(crate) fn unpacked_path(folder: &Path, name: &str) -> Option<PathBuf> {
    let base = Path::new(name).file_name()?;
    [folder.join(name), folder.join(base)].into_iter().find(|path| path.is_file())
}

fn from_environment() -> Option<PathBuf> {
    env::var_os(ENVIRONMENT).map(PathBuf::from).filter(|dir| !dir.as_os_str().is_empty())
}
