//! Fashion-MNIST (Xiao et al. 2017): its names, its files, and the part embedded in this crate.

use std::env;
use std::path::{Path, PathBuf};

use crate::{DataError, Split, idx};

/// The ten classes, by label.
pub const CLASS_NAMES: [&str; 10] =
    ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"];

/// Mean that the pixels are normalised with; MNIST's, as in the paper's experiments.
pub const MEAN: f32 = 0.1307;

/// Standard deviation that the pixels are normalised with; MNIST's, as in the paper's experiments.
pub const STD: f32 = 0.3081;

/// The four files without `.gz`: training images, training labels, test images, test labels.
pub const FILES: [&str; 4] =
    ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"];

/// Where Debian's package dataset-fashion-mnist puts the files.
const DEBIAN: &str = "/usr/share/datasets/fashion-mnist";

/// Finds the four files, each plain or as `.gz`, in the order of [`FILES`].
///
/// A folder may hold them itself, in `fashion-mnist`, or in `FashionMNIST/raw` (torchvision's layout).
/// Without `data_dir` the folders are `MEMDIL_DATA_DIR` from the environment, `data`, and the one of
/// Debian's package.
///
/// # Errors
/// [`DataError::NotFound`] with the folders searched if none holds all four.
pub fn find(data_dir: Option<&Path>) -> Result<[PathBuf; 4], DataError> {
    find_in(&roots(data_dir, env::var_os("MEMDIL_DATA_DIR").map(PathBuf::from)))
}

fn roots(data_dir: Option<&Path>, from_env: Option<PathBuf>) -> Vec<PathBuf> {
    match data_dir {
        Some(dir) => vec![dir.to_owned()],
        None => from_env
            .into_iter()
            .filter(|dir| !dir.as_os_str().is_empty())
            .chain([PathBuf::from("data"), PathBuf::from(DEBIAN)])
            .collect(),
    }
}

fn find_in(roots: &[PathBuf]) -> Result<[PathBuf; 4], DataError> {
    let mut searched = Vec::new();
    for root in roots {
        for layout in ["", "fashion-mnist", "FashionMNIST/raw"] {
            let folder = if layout.is_empty() { root.clone() } else { root.join(layout) };
            let found = FILES.map(|name| {
                [folder.join(name), folder.join(format!("{name}.gz"))].into_iter().find(|path| path.is_file())
            });
            if let [Some(a), Some(b), Some(c), Some(d)] = found {
                return Ok([a, b, c, d]);
            }
            searched.push(folder.display().to_string());
        }
    }
    Err(DataError::NotFound { name: "fashion-mnist".to_owned(), searched: searched.join(", ") })
}

/// Reads training and test set from files.
pub(crate) fn read(data_dir: Option<&Path>) -> Result<(Split, Split), DataError> {
    let [train_images, train_labels, test_images, test_labels] = find(data_dir)?;
    Ok((
        Split { images: idx::read_images(&train_images)?, labels: idx::read_labels(&train_labels)? },
        Split { images: idx::read_images(&test_images)?, labels: idx::read_labels(&test_labels)? },
    ))
}

/// Unpacks the training and test images inside this crate.
#[cfg(feature = "embedded")]
pub(crate) fn embedded() -> Result<(Split, Split), DataError> {
    macro_rules! asset {
        ($parse:path, $name:literal) => {
            $parse(include_bytes!(concat!("../assets/", $name)), concat!("embedded ", $name))?
        };
    }
    Ok((
        Split {
            images: asset!(idx::parse_images, "train-images-idx3-ubyte.gz"),
            labels: asset!(idx::parse_labels, "train-labels-idx1-ubyte.gz"),
        },
        Split {
            images: asset!(idx::parse_images, "t10k-images-idx3-ubyte.gz"),
            labels: asset!(idx::parse_labels, "t10k-labels-idx1-ubyte.gz"),
        },
    ))
}

#[cfg(not(feature = "embedded"))]
pub(crate) fn embedded() -> Result<(Split, Split), DataError> {
    Err(DataError::NotEmbedded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_argument_is_the_only_folder_and_the_environment_comes_before_the_defaults() {
        let from_env = Some(PathBuf::from("/env"));
        assert_eq!(roots(Some(Path::new("/argument")), from_env.clone()), [PathBuf::from("/argument")]);
        let defaults = ["data", DEBIAN].map(PathBuf::from);
        assert_eq!(roots(None, None), defaults);
        assert_eq!(roots(None, Some(PathBuf::new())), defaults);
        assert_eq!(roots(None, from_env)[0], PathBuf::from("/env"));
    }

    #[test]
    fn the_later_root_is_used_when_the_first_is_incomplete() {
        let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let raw = second.path().join("FashionMNIST/raw");
        std::fs::create_dir_all(&raw).unwrap();
        std::fs::write(first.path().join(FILES[0]), []).unwrap();
        for (i, name) in FILES.iter().enumerate() {
            let ending = if i % 2 == 0 { "" } else { ".gz" };
            std::fs::write(raw.join(format!("{name}{ending}")), []).unwrap();
        }
        let roots = [first.path().to_owned(), second.path().to_owned()];
        let found = find_in(&roots).unwrap();
        assert_eq!(found[0], raw.join("train-images-idx3-ubyte"));
        assert_eq!(found[3], raw.join("t10k-labels-idx1-ubyte.gz"));

        let message = find_in(&roots[..1]).unwrap_err().to_string();
        assert!(message.contains(first.path().to_str().unwrap()), "{message}");
        assert!(message.contains("FashionMNIST/raw"), "{message}");
        assert!(!message.contains('\n'), "{message}");
    }
}
