//! Where the files of a data set are looked for.

use std::env;
use std::path::{Path, PathBuf};

use crate::{DataError, Source};

/// The IDX files of MNIST and of Fashion-MNIST: training images, training labels, test images, test
/// labels.
pub const IDX: [&str; 4] = [
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
];

/// The files of CIFAR-10's binary version: five training batches and the test batch.
pub const CIFAR_10: [&str; 6] = [
    "data_batch_1.bin",
    "data_batch_2.bin",
    "data_batch_3.bin",
    "data_batch_4.bin",
    "data_batch_5.bin",
    "test_batch.bin",
];

/// The files of CIFAR-100's binary version: training and test set.
pub const CIFAR_100: [&str; 2] = ["train.bin", "test.bin"];

/// The files of SVHN's cropped digits: training and test set.
pub const SVHN: [&str; 2] = ["train_32x32.mat", "test_32x32.mat"];

/// Where Debian puts data sets, each in a folder of its name.
const DEBIAN: &str = "/usr/share/datasets";

/// How the files of a data set may lie in a folder.
struct Layout {
    /// Folders below the one given; the first that holds a complete set wins.
    folders: &'static [&'static str],
    /// All of these, each plain or as `.gz`.
    files: &'static [&'static str],
    /// Or this one instead, plain or as `.gz`.
    archive: Option<&'static str>,
    /// A version of the data set that is not read here, as torchvision leaves it behind.
    pickled: Option<&'static str>,
}

fn layout(source: &Source) -> Option<Layout> {
    let plain = Layout {
        folders: &[],
        files: &[],
        archive: None,
        pickled: None,
    };
    Some(match source {
        Source::Mnist => Layout {
            folders: &["mnist", "MNIST/raw", ""],
            files: &IDX,
            ..plain
        },
        Source::FashionMnist => Layout {
            folders: &["fashion-mnist", "FashionMNIST/raw", ""],
            files: &IDX,
            ..plain
        },
        Source::Cifar10 => Layout {
            folders: &[
                "cifar-10",
                "cifar-10/cifar-10-batches-bin",
                "cifar-10-batches-bin",
                "",
            ],
            files: &CIFAR_10,
            archive: Some("cifar-10-binary.tar"),
            pickled: Some("cifar-10-batches-py"),
        },
        Source::Cifar100 | Source::Cifar100Coarse => Layout {
            folders: &[
                "cifar-100",
                "cifar-100/cifar-100-binary",
                "cifar-100-binary",
                "",
            ],
            files: &CIFAR_100,
            archive: Some("cifar-100-binary.tar"),
            pickled: Some("cifar-100-python"),
        },
        Source::Svhn => Layout {
            folders: &["svhn", "SVHN", ""],
            files: &SVHN,
            ..plain
        },
        Source::FashionMnistEmbedded | Source::Npz(_) => return None,
    })
}

/// Finds the files of a data set, in the order in which they are read.
///
/// A folder may hold them in a folder of the data set's name (CIFAR-100's is `cifar-100` for both
/// kinds of label), as torchvision lays them out, or itself; each file may be plain or end in
/// `.gz`, and CIFAR may still be in its archive. Without `data_dir` the folders are
/// `MEMDIL_DATA_DIR` from the environment, `data`, and the one of Debian's packages. A user's own
/// file is looked for under its path as it is, then in `data_dir`. The embedded images have no
/// file.
///
/// # Errors
/// [`DataError::NotFound`] with the folders searched if none holds all files,
/// [`DataError::Pickled`] if there is only the version of CIFAR for Python.
pub fn find(source: &Source, data_dir: Option<&Path>) -> Result<Vec<PathBuf>, DataError> {
    if let Some(path) = source.npz() {
        return find_npz(source, path, data_dir);
    }
    match layout(source) {
        Some(layout) => find_in(source, &layout, &roots(data_dir)),
        None => Ok(Vec::new()),
    }
}

fn find_npz(
    source: &Source,
    path: &Path,
    data_dir: Option<&Path>,
) -> Result<Vec<PathBuf>, DataError> {
    let places: Vec<PathBuf> = [path.to_owned()]
        .into_iter()
        .chain(data_dir.map(|dir| dir.join(path)))
        .collect();
    match places.iter().find(|path| path.is_file()) {
        Some(path) => Ok(vec![path.clone()]),
        None => Err(not_found(source, path.display().to_string(), &places)),
    }
}

/// The folders given, or else those known, which hold the folders of the data sets; never none.
pub(crate) fn roots(data_dir: Option<&Path>) -> Vec<PathBuf> {
    roots_or(data_dir, env::var_os("MEMDIL_DATA_DIR").map(PathBuf::from))
}

fn roots_or(data_dir: Option<&Path>, from_env: Option<PathBuf>) -> Vec<PathBuf> {
    match data_dir {
        Some(dir) => vec![dir.to_owned()],
        None => from_env
            .into_iter()
            .filter(|dir| !dir.as_os_str().is_empty())
            .chain([PathBuf::from("data"), PathBuf::from(DEBIAN)])
            .collect(),
    }
}

/// The folders in which the files of a data set are looked for, in order; the first that holds all
/// of them is read.
///
/// None for the embedded images and for a user's own file.
pub fn folders(source: &Source, data_dir: Option<&Path>) -> Vec<PathBuf> {
    layout(source).map_or_else(Vec::new, |layout| {
        folders_in(source, &layout, &roots(data_dir))
    })
}

fn folders_in(source: &Source, layout: &Layout, roots: &[PathBuf]) -> Vec<PathBuf> {
    let mut folders = Vec::new();
    for root in roots {
        let own = layout
            .folders
            .iter()
            .filter(|folder| !(folder.is_empty() && is_of_another(root, source)));
        folders.extend(own.map(|folder| {
            if folder.is_empty() {
                root.clone()
            } else {
                root.join(folder)
            }
        }));
    }
    folders
}

fn find_in(source: &Source, layout: &Layout, roots: &[PathBuf]) -> Result<Vec<PathBuf>, DataError> {
    let searched = folders_in(source, layout, roots);
    for folder in &searched {
        if let Some(files) = layout
            .files
            .iter()
            .map(|name| plain_or_gzip(folder, name))
            .collect()
        {
            return Ok(files);
        }
        if let Some(archive) = layout.archive.and_then(|name| plain_or_gzip(folder, name)) {
            return Ok(vec![archive]);
        }
    }
    if let Some(pickled) = layout.pickled
        && let Some(folder) = searched
            .iter()
            .map(|folder| folder.join(pickled))
            .find(|folder| folder.is_dir())
    {
        return Err(DataError::Pickled {
            folder,
            wanted: archive_name(layout),
        });
    }
    let files = match layout.archive {
        Some(_) => format!("{} or {}", archive_name(layout), layout.files.join(", ")),
        None => format!("{} (each plain or .gz)", layout.files.join(", ")),
    };
    Err(not_found(source, files, &searched))
}

/// MNIST and Fashion-MNIST name their files alike, so the one's folder is not searched for the
/// other.
fn is_of_another(root: &Path, source: &Source) -> bool {
    let other: &[&str] = match source {
        Source::Mnist => &["fashion-mnist", "FashionMNIST/raw"],
        Source::FashionMnist => &["mnist", "MNIST/raw"],
        _ => &[],
    };
    other.iter().any(|folder| root.ends_with(folder))
}

fn plain_or_gzip(folder: &Path, name: &str) -> Option<PathBuf> {
    [folder.join(name), folder.join(format!("{name}.gz"))]
        .into_iter()
        .find(|path| path.is_file())
}

fn archive_name(layout: &Layout) -> String {
    layout
        .archive
        .map(|name| format!("{name}.gz"))
        .unwrap_or_default()
}

fn not_found(source: &Source, files: String, searched: &[PathBuf]) -> DataError {
    let searched: Vec<String> = searched
        .iter()
        .map(|folder| folder.display().to_string())
        .collect();
    DataError::NotFound {
        name: source.name().to_owned(),
        files,
        searched: searched.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touch(path: &Path) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, []).unwrap();
    }

    #[test]
    fn the_argument_is_the_only_folder_and_the_environment_comes_before_the_defaults() {
        let from_env = Some(PathBuf::from("/env"));
        assert_eq!(
            roots_or(Some(Path::new("/argument")), from_env.clone()),
            [PathBuf::from("/argument")]
        );
        let defaults = ["data", DEBIAN].map(PathBuf::from);
        assert_eq!(roots_or(None, None), defaults);
        assert_eq!(roots_or(None, Some(PathBuf::new())), defaults);
        assert_eq!(roots_or(None, from_env)[0], PathBuf::from("/env"));
    }

    #[test]
    fn the_later_root_is_used_when_the_first_is_incomplete() {
        let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let raw = second.path().join("FashionMNIST/raw");
        touch(&first.path().join(IDX[0]));
        for (i, name) in IDX.iter().enumerate() {
            touch(&raw.join(format!("{name}{}", if i % 2 == 0 { "" } else { ".gz" })));
        }
        let source = Source::FashionMnist;
        let roots = [first.path().to_owned(), second.path().to_owned()];
        let found = find_in(&source, &layout(&source).unwrap(), &roots).unwrap();
        assert_eq!(found[0], raw.join("train-images-idx3-ubyte"));
        assert_eq!(found[3], raw.join("t10k-labels-idx1-ubyte.gz"));

        let message = find(&source, Some(first.path())).unwrap_err().to_string();
        assert!(
            message.contains(first.path().to_str().unwrap()),
            "{message}"
        );
        assert!(
            message.contains("FashionMNIST/raw") && message.contains(IDX[3]),
            "{message}"
        );
        assert!(!message.contains('\n'), "{message}");
    }
}
