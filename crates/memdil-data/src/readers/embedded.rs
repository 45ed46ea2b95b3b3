//! The subset of Fashion-MNIST embedded in this crate.

use crate::error::DataError;
use crate::images::Split;
#[cfg(feature = "embedded")]
use crate::readers::idx;

/// Unpacks the embedded training and test images.
#[cfg(feature = "embedded")]
pub(crate) fn read() -> Result<(Split, Split), DataError> {
    macro_rules! asset {
        ($parse:path, $name:literal) => {
            $parse(
                include_bytes!(concat!("../../assets/", $name)),
                concat!("embedded ", $name),
            )?
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
pub(crate) fn read() -> Result<(Split, Split), DataError> {
    Err(DataError::NotEmbedded)
}
