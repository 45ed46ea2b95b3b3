//! Class-balanced pieces of a data set as a file of their own.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use ndarray::{ArrayView1, ArrayView4, ShapeError};
use ndarray_npy::{NpzWriter, WritableElement, WriteNpzError};

use crate::error::DataError;
use crate::images::Dataset;
use crate::images::Images;
use crate::images::Pixels;
use crate::images::Split;
use crate::random::{Stream, shuffle, stream};

/// How many images of each class a subset has, and which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subset {
    /// Training images of each class.
    pub train_per_class: usize,
    /// Test images of each class.
    pub test_per_class: usize,
    /// The first images of each class if absent; else drawn with this seed, where a larger number
    /// draws a superset.
    pub seed: Option<u64>,
}

/// Indices of `per_class` samples of each of the classes 0..`classes`, ascending.
///
/// # Errors
/// The class that has fewer, with the number it has.
fn choose(
    labels: &[u32],
    classes: usize,
    per_class: usize,
    seed: Option<u64>,
) -> Result<Vec<usize>, (u32, usize)> {
    let mut of_class = vec![Vec::new(); classes];
    for (i, &label) in labels.iter().enumerate() {
        if let Some(indices) = of_class.get_mut(label as usize) {
            indices.push(i);
        }
    }
    let mut rng = seed.map(|seed| stream(seed, Stream::Subset));
    let mut chosen = Vec::new();
    for (class, mut indices) in (0..).zip(of_class) {
        if indices.len() < per_class {
            return Err((class, indices.len()));
        }
        if let Some(rng) = &mut rng {
            shuffle(rng, &mut indices);
        }
        chosen.extend_from_slice(&indices[..per_class]);
    }
    chosen.sort_unstable();
    Ok(chosen)
}

/// Writes a class-balanced part of a data set as the `.npz` file that
/// [`Source::Npz`](crate::Source::Npz) reads.
///
/// Labels are those of `data`, so the file's classes are 0..K; mean and standard deviation go with
/// it. The same call writes the same bytes, and a break leaves no half file under the name.
///
/// # Errors
/// [`DataError::OutOfRange`] if no image is asked for, [`DataError::TooFewImages`] if a class has
/// fewer than asked for, [`DataError::Write`] if the file cannot be written.
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
    let part = |split: &Split, which, per_class| {
        if per_class == 0 {
            return Err(DataError::out_of_range(
                "images per class",
                0.0,
                "1 or more",
            ));
        }
        match choose(&split.labels, data.classes(), per_class, subset.seed) {
            Err((class, found)) => Err(DataError::TooFewImages {
                class,
                name: data.name.clone(),
                split: which,
                wanted: per_class,
                found,
            }),
            Ok(indices) => {
                let labels = indices.iter().map(|&i| split.labels[i]).collect();
                Ok(Split {
                    images: split.images.select(&indices),
                    labels,
                })
            }
        }
    };
    let train = part(&data.train, "training", subset.train_per_class)?;
    let test = part(&data.test, "test", subset.test_per_class)?;

    let mut draft = path.to_owned().into_os_string();
    draft.push(".partial");
    let io_error = |cause| DataError::Write {
        path: path.to_owned(),
        cause,
    };
    let file = File::create(&draft).map_err(io_error)?;
    write(file, data, &train, &test)
        .and_then(|()| fs::rename(&draft, path))
        .map_err(|cause| {
            // The draft is of no use; that it cannot be removed either adds nothing to the cause.
            let _ = fs::remove_file(&draft);
            io_error(cause)
        })
}

fn write(file: File, data: &Dataset, train: &Split, test: &Split) -> io::Result<()> {
    let mut npz = NpzWriter::new_compressed(io::BufWriter::new(file));
    for (prefix, split) in [("", train), ("test_", test)] {
        write_images(&mut npz, &format!("{prefix}images"), &split.images)?;
        npz.add_array(format!("{prefix}labels"), &ArrayView1::from(&split.labels))
            .map_err(npz_error)?;
    }
    npz.add_array("mean", &ArrayView1::from(&data.mean))
        .map_err(npz_error)?;
    npz.add_array("std", &ArrayView1::from(&data.std))
        .map_err(npz_error)?;
    let file = npz
        .finish()
        .map_err(npz_error)?
        .into_inner()
        .map_err(io::Error::other)?;
    file.sync_all()
}

type Writer = NpzWriter<io::BufWriter<File>>;

fn write_images(npz: &mut Writer, name: &str, images: &Images) -> io::Result<()> {
    match images.pixels() {
        Pixels::Bytes(values) => write_pixels(npz, name, images, values),
        Pixels::Floats(values) => write_pixels(npz, name, images, values),
    }
}

fn write_pixels<T: WritableElement>(
    npz: &mut Writer,
    name: &str,
    images: &Images,
    values: &[T],
) -> io::Result<()> {
    let [channels, height, width] = images.size();
    let shape = (images.len(), channels, height, width);
    let view = ArrayView4::from_shape(shape, values)
        .map_err(|cause: ShapeError| io::Error::other(cause))?;
    npz.add_array(name, &view).map_err(npz_error)
}

fn npz_error(cause: WriteNpzError) -> io::Error {
    io::Error::other(cause)
}
