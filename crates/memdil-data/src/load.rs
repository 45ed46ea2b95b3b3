//! Loading the images and labels that a specification describes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::augment::Augmentation;
use crate::catalogue::files;
use crate::catalogue::source::Source;
use crate::error::DataError;
use crate::images::{Dataset, Split};
use crate::readers::npz::Contents;
use crate::readers::{cifar, embedded, idx, npz, svhn};
use crate::spec::DataSpec;

/// Reads a data set, checks it, and keeps the classes and images that `spec` selects.
///
/// Labels are renumbered 0..K in the order of `spec.classes`, or in the order of the source if the
/// list is empty. Images keep the order of the file. `images_per_class` truncates the training set
/// and `test_images_per_class` the test set; `imbalance` truncates the classes of the training set
/// differently. A validation set is not held out here; see
/// [`validation_split`](crate::split::validation_split). The pixels are stored in memory once, or
/// temporarily twice while floats are unpacked or channels are moved to the front.
///
/// # Errors
/// Errors of [`DataSpec::resolve`], [`files::find`] and of reading the files, and if
///
/// - the numbers of images and labels differ
/// - the image size differs from that of the data set or between the splits
/// - a label is out of range
/// - a class has no images in a split, or fewer than requested
/// - the imbalance leaves a class without images
///
/// ```
/// # #[cfg(feature = "embedded")] {
/// use memdil_data::{DataSpec, Source, load};
///
/// let mut spec = DataSpec::new(Source::FashionMnistEmbedded);
/// spec.classes = vec![9, 5];
/// spec.images_per_class = Some(50);
/// let data = load(&spec, &[])?;
/// assert_eq!(data.class_names, ["Ankle boot", "Sandal"]);
/// assert_eq!((data.train.labels.len(), data.test.labels.len()), (100, 200));
/// # }
/// # Ok::<(), memdil_data::DataError>(())
/// ```
pub fn load(spec: &DataSpec, data_dirs: &[PathBuf]) -> Result<Dataset, DataError> {
    let mut spec = spec.clone();
    spec.resolve(data_dirs)?;
    let mut contents = read(&spec.source, &files::find(&spec.source, data_dirs)?)?;
    let (train, test) = (&mut contents.train, &mut contents.test);
    let (size, test_size) = (train.images.size(), test.images.size());
    if size != test_size {
        let message = format!(
            "training images are {size:?} but test images {test_size:?} (channels, rows, columns)"
        );
        return Err(DataError::malformed(place(&spec.source), message));
    }
    let [_, height, width] = size;
    if let Some(Augmentation { crop, .. }) = spec.augment {
        let (range, fits) = (
            "must be less than the height and width of the images",
            crop < height.min(width),
        );
        DataError::check_range("augment.crop", crop as f64, range, fits)?;
    }
    let limits = training_limits(&spec, &train.labels)?;
    select(train, &spec, "training", limits)?;
    select(
        test,
        &spec,
        "test",
        equal(&spec, spec.test_images_per_class),
    )?;
    let class_name = |&class| spec.source.class_name(class);
    Ok(Dataset {
        name: spec.source.name().to_owned(),
        class_names: spec.classes.iter().map(class_name).collect(),
        mean: contents.mean,
        std: contents.std,
        train: contents.train,
        test: contents.test,
    })
}

/// Reads a complete data set.
fn read(source: &Source, files: &[PathBuf]) -> Result<Contents, DataError> {
    let (train, test) = match (source, files) {
        (
            Source::Mnist | Source::FashionMnist,
            [train_images, train_labels, test_images, test_labels],
        ) => (
            read_idx(source, train_images, train_labels)?,
            read_idx(source, test_images, test_labels)?,
        ),
        (Source::FashionMnistEmbedded, _) => embedded::read()?,
        (Source::Cifar10, files) => cifar::read(files, cifar::Labels::Cifar10)?,
        (Source::Cifar100, files) => cifar::read(files, cifar::Labels::Fine)?,
        (Source::Cifar100Coarse, files) => cifar::read(files, cifar::Labels::Coarse)?,
        (Source::Svhn, [train, test]) => (svhn::read_split(train)?, svhn::read_split(test)?),
        (Source::Npz(_), [path]) => return npz::read(path),
        (_, files) => {
            return Err(DataError::NotFound {
                name: source.name().to_owned(),
                files: "the right number of files".to_owned(),
                searched: format!("{files:?}"),
            });
        }
    };
    let (mean, std) = source.normalisation().unwrap_or_default();
    Ok(Contents {
        train,
        test,
        mean: mean.to_vec(),
        std: std.to_vec(),
    })
}

/// Reads one split of MNIST or Fashion-MNIST. The labels are read first, since they are checked
/// quickly.
fn read_idx(source: &Source, images_path: &Path, labels_path: &Path) -> Result<Split, DataError> {
    let labels = idx::read_labels(labels_path)?;
    let classes = source.class_names().len();
    if let Some(row) = labels.iter().position(|&label| label as usize >= classes) {
        let label = labels[row];
        let message =
            format!("label {label} in row {row} is out of range: labels must be below {classes}");
        return Err(DataError::malformed(labels_path, message));
    }
    let images = idx::read_images(images_path)?;
    if images.len() != labels.len() {
        let (found, n, path) = (labels.len(), images.len(), images_path.display());
        let message =
            format!("holds {found} labels for the {n} images of {path}; use files of the same set");
        return Err(DataError::malformed(labels_path, message));
    }
    match source.image_size() {
        Some(expected) if images.size() != expected => Err(DataError::WrongImageSize {
            path: images_path.to_owned(),
            name: source.name().into(),
            found: images.size(),
            expected,
        }),
        _ => Ok(Split { images, labels }),
    }
}

/// The number of training images to keep of each class in `spec`; `None` for all.
fn training_limits(spec: &DataSpec, labels: &[u32]) -> Result<Vec<Option<usize>>, DataError> {
    let Some(imbalance) = spec.imbalance else {
        return Ok(equal(spec, spec.images_per_class));
    };
    let available = |class| labels.iter().filter(|&label| label == class).count();
    let smallest = spec.classes.iter().map(available).min();
    let n_max = spec.images_per_class.or(smallest).unwrap_or_default();
    if n_max == 0 {
        // `select` returns the error that names the class.
        return Ok(equal(spec, None));
    }
    let counts = imbalance.positive_counts(n_max, spec.classes.len())?;
    Ok(counts.into_iter().map(Some).collect())
}

/// The same limit for each class.
fn equal(spec: &DataSpec, limit: Option<usize>) -> Vec<Option<usize>> {
    vec![limit; spec.classes.len()]
}

/// Checks a split and keeps the first images of each class in `spec`, up to its limit.
fn select(
    split: &mut Split,
    spec: &DataSpec,
    which: &'static str,
    limits: Vec<Option<usize>>,
) -> Result<(), DataError> {
    let name = place(&spec.source);
    if split.images.len() != split.labels.len() {
        return Err(DataError::LabelCount {
            name,
            split: which,
            images: split.images.len(),
            labels: split.labels.len(),
        });
    }
    let numbers: BTreeMap<u32, usize> = spec.classes.iter().copied().zip(0..).collect();
    let mut kept = vec![0; spec.classes.len()];
    let (mut indices, mut labels) = (Vec::new(), Vec::new());
    for (i, label) in split.labels.iter().enumerate() {
        if let Some(&k) = numbers.get(label)
            && limits[k].is_none_or(|limit| kept[k] < limit)
        {
            kept[k] += 1;
            indices.push(i);
            labels.push(k as u32);
        }
    }
    for ((&class, &found), limit) in spec.classes.iter().zip(&kept).zip(limits) {
        let wanted = limit.unwrap_or(1);
        if found < wanted {
            return Err(DataError::TooFewImages {
                class,
                name,
                split: which,
                wanted,
                found,
            });
        }
    }
    split.images.retain(&indices);
    split.labels = labels;
    Ok(())
}

/// The source in error messages: the name of a published data set, or the path of the user's own
/// file.
fn place(source: &Source) -> String {
    source.npz().map_or_else(
        || source.name().to_owned(),
        |path| path.display().to_string(),
    )
}
