//! Writing class-balanced subsets of a data set to files.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use ndarray::{ArrayView1, ArrayView4};
use ndarray_npy::{NpzWriter, WritableElement};

use crate::error::DataError;
use crate::images::{Dataset, Images, Pixels, Split};
use crate::random::{Stream, shuffle, stream};

/// The number of images per class in a subset, and their selection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subset {
    /// Training images per class.
    pub train_per_class: usize,
    /// Test images per class.
    pub test_per_class: usize,
    /// Seed of a random selection, where a larger number of images selects a superset; if absent,
    /// the first images of each class are selected.
    pub seed: Option<u64>,
}

/// Writes a class-balanced subset of a data set as a `.npz` file for
/// [`Source::Npz`](crate::Source::Npz).
///
/// The labels are those of `data`, so the file's classes are 0..K; mean and standard deviation are
/// included. The output is deterministic, and an interrupted call does not leave an incomplete file
/// at `path`.
///
/// # Errors
/// [`DataError::OutOfRange`] if 0 images are requested, [`DataError::TooFewImages`] if a class has
/// fewer than requested, or [`DataError::Write`] if the file cannot be written.
///
/// ```
/// # #[cfg(feature = "embedded")] {
/// use memdil_data::subset::{Subset, write_subset};
/// use memdil_data::{DataSpec, Source, load};
///
/// let mut spec: DataSpec = serde_json::from_str(r#"{"source": "fashion-mnist-embedded", "classes": [3, 8]}"#)?;
/// let data = load(&spec, &[])?;
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("small.npz");
/// write_subset(&data, Subset { train_per_class: 20, test_per_class: 10, seed: Some(1) }, &path)?;
///
/// spec = serde_json::from_value(serde_json::json!({"npz": path}))?;
/// let small = load(&spec, &[])?;
/// assert_eq!((small.train.labels.len(), small.test.labels.len()), (40, 20));
/// assert_eq!((small.classes(), small.mean), (2, data.mean));
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write_subset(data: &Dataset, subset: Subset, path: &Path) -> Result<(), DataError> {
    let [train_n, test_n] = [subset.train_per_class, subset.test_per_class];
    let train = choose(data, &data.train, "training", train_n, subset.seed)?;
    let test = choose(data, &data.test, "test", test_n, subset.seed)?;

    let mut draft = path.to_owned().into_os_string();
    draft.push(".partial");
    let io_error = DataError::unwritable(path);
    let file = File::create(&draft).map_err(io_error)?;
    write(file, data, &train, &test)
        .and_then(|()| fs::rename(&draft, path))
        .map_err(|cause| {
            // A second error while removing the draft would not add information.
            let _ = fs::remove_file(&draft);
            io_error(cause)
        })
}

/// The first or randomly selected images of each class, in the order of `split`.
fn choose(
    data: &Dataset,
    split: &Split,
    which: &'static str,
    per_class: usize,
    seed: Option<u64>,
) -> Result<Split, DataError> {
    DataError::check_range("images per class", 0.0, "must be at least 1", per_class > 0)?;
    let mut of_class = vec![Vec::new(); data.classes()];
    for (i, &label) in split.labels.iter().enumerate() {
        if let Some(indices) = of_class.get_mut(label as usize) {
            indices.push(i);
        }
    }
    let mut rng = seed.map(|seed| stream(seed, Stream::Subset));
    let mut chosen = Vec::new();
    for (class, mut indices) in (0..).zip(of_class) {
        if indices.len() < per_class {
            return Err(DataError::TooFewImages {
                class,
                name: data.name.clone(),
                split: which,
                wanted: per_class,
                found: indices.len(),
            });
        }
        if let Some(rng) = &mut rng {
            shuffle(rng, &mut indices);
        }
        chosen.extend_from_slice(&indices[..per_class]);
    }
    chosen.sort_unstable();
    Ok(Split {
        images: split.images.select(&chosen),
        labels: chosen.iter().map(|&i| split.labels[i]).collect(),
    })
}

fn write(file: File, data: &Dataset, train: &Split, test: &Split) -> io::Result<()> {
    let mut npz = NpzWriter::new_compressed(io::BufWriter::new(file));
    for (prefix, split) in [("", train), ("test_", test)] {
        let images = format!("{prefix}images");
        match split.images.pixels() {
            Pixels::Bytes(values) => write_pixels(&mut npz, &images, &split.images, values)?,
            Pixels::Floats(values) => write_pixels(&mut npz, &images, &split.images, values)?,
        }
        let labels = ArrayView1::from(&split.labels);
        npz.add_array(format!("{prefix}labels"), &labels)
            .map_err(io::Error::other)?;
    }
    for (name, constants) in [("mean", &data.mean), ("std", &data.std)] {
        npz.add_array(name, &ArrayView1::from(constants))
            .map_err(io::Error::other)?;
    }
    let file = npz.finish().map_err(io::Error::other)?;
    file.into_inner().map_err(io::Error::other)?.sync_all()
}

fn write_pixels<T: WritableElement>(
    npz: &mut NpzWriter<io::BufWriter<File>>,
    name: &str,
    images: &Images,
    values: &[T],
) -> io::Result<()> {
    let [channels, height, width] = images.size();
    let shape = (images.len(), channels, height, width);
    let view = ArrayView4::from_shape(shape, values).map_err(io::Error::other)?;
    npz.add_array(name, &view).map_err(io::Error::other)
}
