//! Where the files of a data set are looked for.

mod cifar;

use std::collections::HashSet;
use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::cifar::Labels;
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

/// The files of CIFAR-10's version for Python.
pub const CIFAR_10_PYTHON: [&str; 6] = [
    "data_batch_1",
    "data_batch_2",
    "data_batch_3",
    "data_batch_4",
    "data_batch_5",
    "test_batch",
];

/// The files of CIFAR-100's version for Python: training and test set.
pub const CIFAR_100_PYTHON: [&str; 2] = ["train", "test"];

/// The files of SVHN's cropped digits: training and test set.
pub const SVHN: [&str; 2] = ["train_32x32.mat", "test_32x32.mat"];

/// Where Debian puts data sets, each in a folder of its name.
const DEBIAN: &str = "/usr/share/datasets";

/// The environment's own folders of data sets, one or several.
const DATA_DIR: &str = "MEMDIL_DATA_DIR";

/// How the files of a data set may lie in a folder.
struct Layout {
    /// Folders below the one given; the first that holds a complete set wins.
    folders: &'static [&'static str],
    /// All of these, each plain or as `.gz`.
    files: &'static [&'static str],
    /// Or this one instead, plain or as `.gz`.
    archive: Option<&'static str>,
    /// Or its version for Python, where the first is not in any of the folders.
    python: Option<cifar::Version>,
}

fn layout(source: &Source) -> Option<Layout> {
    let plain = Layout {
        folders: &[],
        files: &[],
        archive: None,
        python: None,
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
                "cifar-10/cifar-10-batches-py",
                "cifar-10-batches-py",
                "",
            ],
            files: &CIFAR_10,
            archive: Some("cifar-10-binary.tar"),
            python: Some(cifar::Version {
                files: &CIFAR_10_PYTHON,
                archive: "cifar-10-python.tar",
                labels: Labels::Cifar10,
            }),
        },
        Source::Cifar100 | Source::Cifar100Coarse => Layout {
            folders: &[
                "cifar-100",
                "cifar-100/cifar-100-binary",
                "cifar-100-binary",
                "cifar-100/cifar-100-python",
                "cifar-100-python",
                "",
            ],
            files: &CIFAR_100,
            archive: Some("cifar-100-binary.tar"),
            python: Some(cifar::Version {
                files: &CIFAR_100_PYTHON,
                archive: "cifar-100-python.tar",
                labels: Labels::Fine,
            }),
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
/// `.gz`, and the files of MNIST may have a dot in their names, as 7-Zip writes them, or lie in
/// folders of their names. CIFAR may still be in its archive, and where a folder does not hold the
/// binary version, that for Python is looked for, in folders named after CIFAR too, and then an
/// archive of either version under any name. The folders are those of `data_dirs`, then those of
/// `MEMDIL_DATA_DIR` from the environment (several are separated as those of `PATH`), then `data`
/// and the one of Debian's packages; the first that holds all files is read. A user's own file is
/// looked for under its path as it is, then in `data_dirs` and in `MEMDIL_DATA_DIR`. The embedded
/// images have no file.
///
/// # Errors
/// [`DataError::NotFound`] with the folders searched if none holds all files,
/// [`DataError::NpzNotFound`] for a user's own file.
pub fn find(source: &Source, data_dirs: &[PathBuf]) -> Result<Vec<PathBuf>, DataError> {
    if let Some(path) = source.npz() {
        return find_npz(path, data_dirs, env::var_os(DATA_DIR).as_deref());
    }
    match layout(source) {
        Some(layout) => find_in(source, &layout, &roots(data_dirs)),
        None => Ok(Vec::new()),
    }
}

fn find_npz(
    path: &Path,
    data_dirs: &[PathBuf],
    from_env: Option<&OsStr>,
) -> Result<Vec<PathBuf>, DataError> {
    let mut places = vec![path.to_owned()];
    let folders = data_dirs.iter().cloned().chain(split(from_env));
    // An absolute path is the same in every folder.
    places.extend(folders.map(|folder| folder.join(path)));
    let places = distinct(places);
    match places.iter().find(|place| place.is_file()) {
        Some(place) => Ok(vec![place.clone()]),
        None => Err(DataError::NpzNotFound {
            path: path.to_owned(),
            tried: listed(&places),
        }),
    }
}

/// The folders given, then those known, which hold the folders of the data sets; never none.
pub(crate) fn roots(data_dirs: &[PathBuf]) -> Vec<PathBuf> {
    roots_or(data_dirs, env::var_os(DATA_DIR).as_deref())
}

fn roots_or(data_dirs: &[PathBuf], from_env: Option<&OsStr>) -> Vec<PathBuf> {
    let known = ["data", DEBIAN].map(PathBuf::from);
    let given = data_dirs.iter().cloned().chain(split(from_env));
    distinct(given.chain(known).collect())
}

/// The folders in a variable that names several as `PATH` does.
fn split(variable: Option<&OsStr>) -> Vec<PathBuf> {
    let folders = variable.map(|text| env::split_paths(text).collect::<Vec<_>>());
    let mut folders = folders.unwrap_or_default();
    folders.retain(|folder| !folder.as_os_str().is_empty());
    folders
}

/// The paths without those that were there before.
fn distinct(paths: Vec<PathBuf>) -> Vec<PathBuf> {
    let mut seen = HashSet::new();
    let mut paths = paths;
    paths.retain(|path| seen.insert(path.clone()));
    paths
}

/// The folders in which the files of a data set are looked for, in order; the first that holds all
/// of them is read.
///
/// None for the embedded images and for a user's own file.
pub fn folders(source: &Source, data_dirs: &[PathBuf]) -> Vec<PathBuf> {
    layout(source).map_or_else(Vec::new, |layout| {
        folders_in(source, &layout, &roots(data_dirs))
    })
}

/// What an error says of [`folders`]: `a, data, /usr/share/datasets (or in mnist, MNIST/raw there)`.
pub(crate) fn searched(source: &Source, roots: &[PathBuf]) -> String {
    let below: Vec<&str> = layout(source).map_or_else(Vec::new, |layout| layout.folders.to_vec());
    let below: Vec<&str> = below.into_iter().filter(|name| !name.is_empty()).collect();
    format!("{} (or in {} there)", listed(roots), below.join(", "))
}

fn listed(paths: &[PathBuf]) -> String {
    let paths: Vec<String> = paths
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    paths.join(", ")
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
    for root in roots {
        let folders = folders_in(source, layout, std::slice::from_ref(root));
        if let Some(files) = folders.iter().find_map(|folder| in_folder(folder, layout)) {
            return Ok(files);
        }
        if let Some(version) = &layout.python
            && let Some(files) = cifar::find(root, &folders, version)
        {
            return Ok(files);
        }
    }
    let mut files = layout.files.join(", ");
    if let Some(archive) = layout.archive {
        files = format!("{archive}.gz or {files}");
    } else {
        files += " (each plain or .gz)";
    }
    if let Some(version) = &layout.python {
        files += &format!(", or the version for Python, {}.gz", version.archive);
    }
    Err(not_found(source, files, roots))
}

/// The files that a folder holds, or their archive.
fn in_folder(folder: &Path, layout: &Layout) -> Option<Vec<PathBuf>> {
    let files = layout.files.iter().map(|name| locate(folder, name));
    files.collect::<Option<Vec<PathBuf>>>().or_else(|| {
        let archive = layout.archive?;
        plain_or_gzip(folder, archive).map(|archive| vec![archive])
    })
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

/// Where a file lies in a folder, plain, else as `.gz`; see [`spelled`].
fn locate(folder: &Path, name: &str) -> Option<PathBuf> {
    spelled(folder, name, "").or_else(|| spelled(folder, name, ".gz"))
}

/// Where a file lies in a folder: under its name and ending, under the name that 7-Zip gives the
/// files of MNIST (`train-images.idx3-ubyte`), or in a folder of one of these names, as Kaggle
/// serves them.
pub(crate) fn spelled(folder: &Path, name: &str, ending: &str) -> Option<PathBuf> {
    let names = [name.to_owned(), name.replace("-idx", ".idx")];
    let names = if names[0] == names[1] {
        &names[..1]
    } else {
        &names
    };
    let outer = names.iter().map(|outer| folder.join(outer));
    let folders = std::iter::once(folder.to_owned()).chain(outer);
    folders
        .flat_map(|folder| {
            names
                .iter()
                .map(move |name| folder.join(format!("{name}{ending}")))
        })
        .find(|path| path.is_file())
}

fn not_found(source: &Source, files: String, roots: &[PathBuf]) -> DataError {
    DataError::NotFound {
        name: source.name().to_owned(),
        files,
        searched: searched(source, roots),
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
    fn the_arguments_come_first_then_the_environment_then_the_usual_places() {
        let paths = |paths: &[&str]| paths.iter().map(PathBuf::from).collect::<Vec<_>>();
        let of_env = |text| roots_or(&[], Some(OsStr::new(text)));
        assert_eq!(roots_or(&[], None), paths(&["data", DEBIAN]));
        assert_eq!(of_env(""), paths(&["data", DEBIAN]));
        assert_eq!(of_env("/env"), paths(&["/env", "data", DEBIAN]));
        let several = env::join_paths(["/env", "/other"]).unwrap();
        assert_eq!(
            roots_or(&paths(&["/one", "/two"]), Some(several.as_os_str())),
            paths(&["/one", "/two", "/env", "/other", "data", DEBIAN])
        );
    }

    #[test]
    fn a_folder_given_twice_is_searched_once() {
        let given = ["data", "/one", "/one"].map(PathBuf::from);
        assert_eq!(
            roots_or(&given, Some(OsStr::new("/one"))),
            ["data", "/one", DEBIAN].map(PathBuf::from)
        );
    }

    #[test]
    fn own_images_are_looked_for_as_given_and_in_every_folder() {
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let [first, second] = folders.each_ref().map(|folder| folder.path().to_owned());
        let own = Path::new("sets/mine.npz");
        let find = || find_npz(own, std::slice::from_ref(&first), Some(second.as_os_str()));
        let message = find().unwrap_err().to_string();
        for place in [own.to_owned(), first.join(own), second.join(own)] {
            assert!(message.contains(&place.display().to_string()), "{message}");
        }
        assert!(
            message.starts_with("sets/mine.npz is not there"),
            "{message}"
        );
        assert!(
            message.contains("name its folder with --data-dir"),
            "{message}"
        );
        touch(&second.join(own));
        let found = find().unwrap();
        assert_eq!(found, [second.join(own)]);
        touch(&first.join(own));
        let found = find().unwrap();
        assert_eq!(found, [first.join(own)]);
    }

    #[test]
    fn an_absolute_path_is_tried_once() {
        let own = Path::new("/nowhere/mine.npz");
        let message = find_npz(own, &[PathBuf::from("/data")], None)
            .unwrap_err()
            .to_string();
        assert_eq!(message.matches("mine.npz").count(), 2, "{message}");
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

        let alone = find_in(&source, &layout(&source).unwrap(), &roots[..1]);
        let message = alone.unwrap_err().to_string();
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
