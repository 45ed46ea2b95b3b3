//! From a specification to the images and labels of a run.

use std::path::Path;

use crate::{DataError, DataSpec, Dataset, Source, Split, fashion_mnist};

/// Reads a data set, checks it, and keeps the classes and images that `spec` names.
///
/// Labels are renumbered 0..K in the order of `spec.classes`; images stay in the order of the file.
/// `images_per_class` shortens the training set only. Nothing is held out here: see
/// [`validation_split`](crate::split::validation_split).
///
/// # Errors
/// Those of [`DataSpec::validate`] and [`fashion_mnist::find`](crate::fashion_mnist::find), of reading
/// the files, images and labels that differ in number, training and test images that differ in size, a label out of range, and a class with no image
/// in a split or fewer training images than asked for.
///
/// ```
/// # #[cfg(feature = "embedded")] {
/// use memdil_data::{DataSpec, Input, Source, load};
///
/// let spec = DataSpec {
///     source: Source::FashionMnistEmbedded,
///     classes: vec![9, 5],
///     input: Input::Native,
///     validation: 0.0,
///     images_per_class: Some(50),
/// };
/// let data = load(&spec, None)?;
/// assert_eq!(data.class_names, ["Ankle boot", "Sandal"]);
/// assert_eq!((data.train.labels.len(), data.test.labels.len()), (100, 200));
/// # }
/// # Ok::<(), memdil_data::DataError>(())
/// ```
pub fn load(spec: &DataSpec, data_dir: Option<&Path>) -> Result<Dataset, DataError> {
    spec.validate()?;
    let (train, test) = match spec.source {
        Source::FashionMnist => fashion_mnist::read(data_dir)?,
        Source::FashionMnistEmbedded => fashion_mnist::embedded()?,
    };
    let size = |split: &Split| {
        let images = &split.images;
        [images.channels, images.height, images.width]
    };
    if size(&train) != size(&test) {
        return Err(DataError::ImageSize {
            name: spec.source.name().to_owned(),
            train: size(&train),
            test: size(&test),
        });
    }
    let names = spec.source.class_names();
    Ok(Dataset {
        name: spec.source.name().to_owned(),
        class_names: spec.classes.iter().map(|&class| names[class as usize].to_owned()).collect(),
        mean: vec![fashion_mnist::MEAN],
        std: vec![fashion_mnist::STD],
        train: select(train, spec, "training", spec.images_per_class)?,
        test: select(test, spec, "test", None)?,
    })
}

/// Checks a split and keeps the first `limit` images of each class that `spec` names.
fn select(split: Split, spec: &DataSpec, which: &'static str, limit: Option<usize>) -> Result<Split, DataError> {
    let name = spec.source.name();
    if split.images.len() != split.labels.len() {
        return Err(DataError::LabelCount {
            name: name.to_owned(),
            split: which,
            images: split.images.len(),
            labels: split.labels.len(),
        });
    }
    check_labels(&split.labels, spec.source.class_names().len())?;

    let mut kept = vec![0; spec.classes.len()];
    let (mut indices, mut labels) = (Vec::new(), Vec::new());
    for (i, label) in split.labels.iter().enumerate() {
        if let Some(k) = spec.classes.iter().position(|class| class == label)
            && limit.is_none_or(|limit| kept[k] < limit)
        {
            kept[k] += 1;
            indices.push(i);
            labels.push(k as u32);
        }
    }
    let wanted = limit.unwrap_or(1);
    for (&class, &found) in spec.classes.iter().zip(&kept) {
        if found < wanted {
            return Err(DataError::TooFewImages { class, name: name.to_owned(), split: which, wanted, found });
        }
    }
    Ok(Split { images: split.images.select(&indices), labels })
}

/// Refuses a label that is not below `classes`, naming its row.
pub(crate) fn check_labels(labels: &[u32], classes: usize) -> Result<(), DataError> {
    match labels.iter().position(|&label| label as usize >= classes) {
        None => Ok(()),
        Some(row) => Err(DataError::LabelOutOfRange { row, label: labels[row], classes }),
    }
}
