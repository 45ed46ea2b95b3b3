//! Errors of reading, checking, downloading and preparing data.

mod imbalance;
mod noise;

use std::io;
use std::path::{Path, PathBuf};

pub use imbalance::ImbalancedAway;
pub use noise::NoiseError;

/// An error of this crate. Its message is one line: where, what is wrong, and the remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// A file could not be read.
    #[error("cannot read {}: {cause}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        #[source]
        cause: io::Error,
    },
    /// A gzip stream ends early or fails its checksum.
    #[error("{} is a damaged gzip file ({cause}); download it again", path.display())]
    DamagedGzip {
        /// The file.
        path: PathBuf,
        /// The error of the decoder.
        #[source]
        cause: io::Error,
    },
    /// An IDX file does not begin with the magic number of its kind.
    #[error("{} is not an IDX file of {kind}: its magic number is {found}{}, not {expected}; replace the file", path.display(), kind_of_magic(*found))]
    WrongMagic {
        /// The file.
        path: PathBuf,
        /// "images" or "labels".
        kind: &'static str,
        /// 2051 for images, 2049 for labels.
        expected: u32,
        /// The magic number in the file.
        found: u32,
    },
    /// An IDX file is shorter or longer than its header claims.
    #[error("{} holds {found} bytes, but {expected} according to its header; download it again", path.display())]
    WrongLength {
        /// The file.
        path: PathBuf,
        /// Expected number of unpacked bytes, header and body together.
        expected: u128,
        /// Actual number of unpacked bytes.
        found: u64,
    },
    /// Images without pixels, or pixels that do not fill whole images.
    #[error("{pixel_count} pixel values do not fill whole images of {} x {} x {}", size[0], size[1], size[2])]
    WrongShape {
        /// Channels, rows and columns of an image.
        size: [usize; 3],
        /// Number of pixel values found.
        pixel_count: usize,
    },
    /// The numbers of images and labels of a split differ.
    #[error(
        "{name}: {images} images but {labels} labels in the {split} set; give one label per image"
    )]
    LabelCount {
        /// The data set.
        name: String,
        /// "training" or "test".
        split: &'static str,
        /// Number of images.
        images: usize,
        /// Number of labels.
        labels: usize,
    },
    /// A label is not a class of the data set.
    #[error("label {label} in row {row} is out of range: labels must be below {classes}")]
    LabelOutOfRange {
        /// Row of the label, counted from 0.
        row: usize,
        /// The label.
        label: u32,
        /// Number of classes.
        classes: usize,
    },
    /// The files of a data set are not in any of the folders searched.
    #[error(
        "{name} not found in {searched}: put {files} into one of them, or name their folder with --data-dir or MEMDIL_DATA_DIR"
    )]
    NotFound {
        /// The data set.
        name: String,
        /// The files that were searched for.
        files: String,
        /// The folders and the paths tried in them, separated by commas.
        searched: String,
    },
    /// The user's own image file is not at any of the paths searched.
    #[error(
        "{} not found (tried {tried}); name its folder with --data-dir, or correct the path",
        .path.display()
    )]
    NpzNotFound {
        /// The path in the settings.
        path: PathBuf,
        /// The paths tried, separated by commas.
        tried: String,
    },
    /// The crate was built without the embedded images.
    #[error(
        "no embedded images in this build; build with memdil-data's feature `embedded`, or use the source fashion-mnist"
    )]
    NotEmbedded,
    /// Fewer than two classes are listed.
    #[error("`classes` lists {found}, but at least 2 are needed")]
    TooFewClasses {
        /// Number of classes.
        found: usize,
    },
    /// A class is listed twice.
    #[error("class {class} is listed twice in `classes`; remove one of them")]
    DuplicateClass {
        /// The class.
        class: u32,
    },
    /// A class that the data set does not have.
    #[error("class {class} in `classes` is unknown: classes of {name} are below {known}")]
    UnknownClass {
        /// The class requested.
        class: u32,
        /// The data set.
        name: String,
        /// Number of its classes.
        known: usize,
    },
    /// A class has no images, or fewer than requested.
    #[error(
        "class {class} has {found} images in the {split} set of {name}, but {wanted} are needed; omit the class or request fewer"
    )]
    TooFewImages {
        /// The class number in the file.
        class: u32,
        /// The data set.
        name: String,
        /// "training" or "test".
        split: &'static str,
        /// Number of images needed.
        wanted: usize,
        /// Number of images found.
        found: usize,
    },
    /// An imbalance that leaves a class without training images.
    #[error(transparent)]
    ImbalancedAway(#[from] ImbalancedAway),
    /// A number outside its range.
    #[error("{what} = {value} is out of range: {range}")]
    OutOfRange {
        /// The name of the number.
        what: &'static str,
        /// The number.
        value: f64,
        /// The range allowed.
        range: &'static str,
    },
    /// A validation split that leaves no training samples.
    #[error("validation = {fraction} of {n} samples leaves no training samples")]
    EmptySplit {
        /// The fraction held out.
        fraction: f64,
        /// Number of samples.
        n: usize,
    },
    /// The means or standard deviations do not match the channels.
    #[error(
        "normalisation needs one mean and one std > 0 for each of {channels} channels, found mean {mean:?} and std {std:?}"
    )]
    Normalisation {
        /// Channels of the images.
        channels: usize,
        /// The means given.
        mean: Vec<f32>,
        /// The standard deviations given.
        std: Vec<f32>,
    },
    /// Images for which the input form `authors` is undefined.
    #[error(
        "input `authors` takes square grey images, or colour images of 32 x 32, but these are {} x {} x {}; use `native`",
        size[0], size[1], size[2]
    )]
    NoAuthorsInput {
        /// Channels, rows and columns of an image.
        size: [usize; 3],
    },
    /// An empty list of labels.
    #[error("no labels: at least one is needed")]
    NoLabels,
    /// A file whose content violates its format or does not fit its data set, or a label-noise file
    /// that cannot be written, contradicts itself, or belongs to other labels.
    #[error("{}: {message}", path.display())]
    Malformed {
        /// The file; "label-noise file.npz" if only its bytes are known.
        path: PathBuf,
        /// The fault, its position in the file, and the remedy.
        message: String,
    },
    /// An array, or the file that should hold it, cannot be used as requested.
    #[error("{place}: {message}")]
    Array {
        /// The file and the array in it: `h.npy`, or `run.npz: features`.
        place: String,
        /// The fault and the remedy.
        message: String,
    },
    /// A file claims, or unpacks to, more bytes than any known data set has.
    #[error("{} claims more than {ceiling} bytes, more than any known data set has; download it again", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit in bytes.
        ceiling: u64,
    },
    /// The images do not have the size of the published data set.
    #[error("{} holds images of {found:?} but {name} has {expected:?} (channels, rows, columns)", path.display())]
    WrongImageSize {
        /// The file.
        path: PathBuf,
        /// The data set.
        name: Box<str>,
        /// Channels, rows and columns found.
        found: [usize; 3],
        /// Channels, rows and columns of the data set.
        expected: [usize; 3],
    },
    /// A configuration with two sources of images, or without a source.
    #[error(
        "give exactly one of `source` (a published data set) and `npz` (your own file); {found} is set"
    )]
    OneSource {
        /// "both" or "neither".
        found: &'static str,
    },
    /// Float images that would have to be resized, which only byte images can be.
    #[error(
        "input `authors` resizes bytes only, but these float images are {height} x {width}, not 32 x 32; use `native`, or save them as uint8"
    )]
    FloatResize {
        /// Rows of an image.
        height: usize,
        /// Columns of an image.
        width: usize,
    },
    /// Invalid settings of label noise.
    #[error(transparent)]
    Noise(#[from] NoiseError),
    /// A name that is not a published data set.
    #[error("{name} is not a published data set; choose one of {known}")]
    UnknownDataSet {
        /// The name given.
        name: String,
        /// The known names, separated by commas.
        known: String,
    },
    /// The number of labels differs from the published one.
    #[error(
        "{name}: {found} labels in the {split} set, but {expected} are published; download the files again"
    )]
    WrongCount {
        /// The data set.
        name: &'static str,
        /// "training" or "test".
        split: &'static str,
        /// Number of labels.
        found: usize,
        /// Number published.
        expected: usize,
    },
    /// The first labels differ from the published ones.
    #[error(
        "{name}: the labels of the {split} set begin with {found:?}, the published ones with {expected:?}, so the files are in another order or are not those of {name}; download them again"
    )]
    WrongOrder {
        /// The data set.
        name: &'static str,
        /// "training" or "test".
        split: &'static str,
        /// The first labels.
        found: Vec<u32>,
        /// The first labels published.
        expected: Vec<u32>,
    },
    /// A file or folder could not be written.
    #[error("cannot write {}: {cause}{}", path.display(), if cause.kind() == io::ErrorKind::StorageFull {
        "; free some space and try again: an interrupted download resumes"
    } else {
        ""
    })]
    Write {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        #[source]
        cause: io::Error,
    },
    /// An invalid address of a mirror.
    #[error(
        "{url} is not a download address; it must begin with http:// or https:// and name a host"
    )]
    BadUrl {
        /// The address.
        url: String,
    },
    /// All sources of a file failed.
    #[error("cannot download {file}: {causes}; try again, name a mirror with --url, or {by_hand}")]
    Download {
        /// The file.
        file: String,
        /// Each host and its error.
        causes: String,
        /// How to place the files by hand.
        by_hand: String,
    },
    /// A data set that this crate does not read from the Hugging Face hub.
    #[error(
        "{name} is not read from the hub, where only mnist and fashion-mnist can be checked; use `memdil data fetch {name}`"
    )]
    NotOnHub {
        /// The data set.
        name: &'static str,
    },
    /// The published data set could not be read from the Hugging Face hub.
    #[error(
        "cannot get {name} from the hub: {cause}; use `memdil data fetch {name}`, or {by_hand}"
    )]
    Hub {
        /// The data set.
        name: String,
        /// The error.
        cause: String,
        /// How to place the files by hand.
        by_hand: String,
    },
}

impl DataError {
    /// Creates [`DataError::Io`] for a file that could not be read.
    pub(crate) fn unreadable(path: &Path) -> impl Fn(io::Error) -> Self + Copy {
        |cause| Self::Io {
            path: path.to_owned(),
            cause,
        }
    }

    /// Creates [`DataError::Write`] for a file or folder that could not be written.
    pub(crate) fn unwritable(path: &Path) -> impl Fn(io::Error) -> Self + Copy {
        |cause| Self::Write {
            path: path.to_owned(),
            cause,
        }
    }

    /// Returns [`DataError::OutOfRange`] unless the value `fits` the range.
    pub(crate) fn check_range(
        what: &'static str,
        value: f64,
        range: &'static str,
        fits: bool,
    ) -> Result<(), Self> {
        match fits {
            true => Ok(()),
            false => Err(Self::OutOfRange { what, value, range }),
        }
    }

    /// Creates [`DataError::Malformed`] for a file with invalid content.
    pub(crate) fn malformed(path: impl AsRef<Path>, message: impl Into<String>) -> Self {
        Self::Malformed {
            path: path.as_ref().to_owned(),
            message: message.into(),
        }
    }

    /// Whether the input caused the error, rather than the network, a disk or the program.
    pub fn is_bad_input(&self) -> bool {
        !matches!(
            self,
            Self::Write { .. } | Self::Download { .. } | Self::Hub { .. }
        )
    }
}

/// Names the kind of a known magic number, since files of images and labels are easily swapped.
fn kind_of_magic(magic: u32) -> &'static str {
    match magic {
        2049 => " (labels)",
        2051 => " (images)",
        _ => "",
    }
}
