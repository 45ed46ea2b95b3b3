//! What can go wrong between a file and a batch.

mod noise;

use std::io;
use std::path::{Path, PathBuf};

pub use noise::NoiseError;

/// An error of this crate: one line that says what was found, where, and what would be right.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// A file could not be read.
    #[error("cannot read {}: {cause}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// A gzip stream ends early or fails its checksum.
    #[error("{} is a damaged gzip file ({cause}): get it again", path.display())]
    DamagedGzip {
        /// The file.
        path: PathBuf,
        /// What the decoder said.
        #[source]
        cause: io::Error,
    },
    /// An IDX file begins with another number than its kind demands.
    #[error("{} is not an IDX file of {kind}: it begins with {found}{}, not with {expected}", path.display(), swapped(*found))]
    WrongMagic {
        /// The file.
        path: PathBuf,
        /// "images" or "labels".
        kind: &'static str,
        /// 2051 for images, 2049 for labels.
        expected: u32,
        /// The number at the beginning of the file.
        found: u32,
    },
    /// An IDX file is shorter or longer than its header says.
    #[error("{} should hold {expected} bytes by its header but holds {found}: get it again", path.display())]
    WrongLength {
        /// The file.
        path: PathBuf,
        /// Bytes that header and body should have, unpacked.
        expected: u128,
        /// Bytes that are there, unpacked.
        found: u64,
    },
    /// Images without pixels, or pixels that do not fill whole images.
    #[error("{pixel_count} pixel values do not fill whole images of {} x {} x {}", size[0], size[1], size[2])]
    WrongShape {
        /// Channels, rows and columns of an image.
        size: [usize; 3],
        /// Pixel values that are there.
        pixel_count: usize,
    },
    /// Images and labels of a split differ in number.
    #[error("{name}: {images} images but {labels} labels in the {split} set")]
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
    /// A label is no class of the data set.
    #[error("label {label} in row {row} is out of range: labels must be below {classes}")]
    LabelOutOfRange {
        /// Row of the label, counted from 0.
        row: usize,
        /// The label.
        label: u32,
        /// Number of classes.
        classes: usize,
    },
    /// The files of a data set are in none of the folders searched.
    #[error(
        "{name} not found in {searched}: put {files} into one of them, or name their folder with --data-dir or MEMDIL_DATA_DIR"
    )]
    NotFound {
        /// The data set.
        name: String,
        /// The files looked for.
        files: String,
        /// The folders, separated by commas, and where in them.
        searched: String,
    },
    /// A user's own images are in none of the places searched.
    #[error(
        "{} is not there (tried {tried}): name its folder with --data-dir, or correct the path",
        .path.display()
    )]
    NpzNotFound {
        /// The file as the settings name it.
        path: PathBuf,
        /// The paths tried, separated by commas.
        tried: String,
    },
    /// The embedded images were left out when the crate was built.
    #[error(
        "no embedded images in this build: build with memdil-data's feature `embedded`, or use the source fashion-mnist"
    )]
    NotEmbedded,
    /// Fewer than two classes are listed.
    #[error("`classes` lists {found}: at least 2 are needed")]
    TooFewClasses {
        /// Number of classes.
        found: usize,
    },
    /// A class is listed twice.
    #[error("class {class} is listed twice in `classes`")]
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
    /// A class has no image, or fewer than requested.
    #[error("class {class} has {found} images in the {split} set of {name}, {wanted} are needed")]
    TooFewImages {
        /// The class, by its number in the file.
        class: u32,
        /// The data set.
        name: String,
        /// "training" or "test".
        split: &'static str,
        /// Images needed.
        wanted: usize,
        /// Images there.
        found: usize,
    },
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
    /// A validation split that leaves nothing to train on.
    #[error("validation = {fraction} of {n} samples leaves none to train on")]
    EmptySplit {
        /// The fraction held out.
        fraction: f64,
        /// Number of samples.
        n: usize,
    },
    /// Mean or deviation do not go with the channels.
    #[error(
        "normalisation needs one mean and one std > 0 for each of {channels} channels, found mean {mean:?} and std {std:?}"
    )]
    Normalisation {
        /// Channels of the images.
        channels: usize,
        /// The means given.
        mean: Vec<f32>,
        /// The deviations given.
        std: Vec<f32>,
    },
    /// Images that the input form `authors` is not defined for.
    #[error(
        "input `authors` takes square grey images, or colour images of 32 x 32: these are {} x {} x {}; use `native`",
        size[0], size[1], size[2]
    )]
    NoAuthorsInput {
        /// Channels, rows and columns of an image.
        size: [usize; 3],
    },
    /// No labels at all.
    #[error("no labels: at least one is needed")]
    NoLabels,
    /// A file whose content is not what its format or its data set demands, or a label-noise file
    /// that cannot be written, contradicts itself, or belongs to other labels.
    #[error("{}: {message}", path.display())]
    Malformed {
        /// The file; "label-noise file.npz" where only its bytes are known.
        path: PathBuf,
        /// What is wrong with it, where, and what to do.
        message: String,
    },
    /// An array, or the file that should hold it, is not what is needed.
    #[error("{place}: {message}")]
    Array {
        /// The file, and the array in it: `h.npy`, or `run.npz: features`.
        place: String,
        /// What is wrong with it, and what to do.
        message: String,
    },
    /// A file claims, or unpacks to, more than any data set known here.
    #[error("{} claims more than {ceiling} bytes, which no data set read here has: get it again", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The most that is unpacked.
        ceiling: u64,
    },
    /// Images of another size than the published data set has.
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
    /// A configuration with two sources of images, or none.
    #[error(
        "give exactly one of `source` (a published data set) and `npz` (a file of your own): {found} is there"
    )]
    OneSource {
        /// "both" or "neither".
        found: &'static str,
    },
    /// Floats where only bytes can be resized.
    #[error(
        "input `authors` resizes bytes only: these float images are {height} x {width}, not 32 x 32; use `native`, or save them as uint8"
    )]
    FloatResize {
        /// Rows of an image.
        height: usize,
        /// Columns of an image.
        width: usize,
    },
    /// Label noise that makes no sense.
    #[error(transparent)]
    Noise(#[from] NoiseError),
    /// A name that is no published data set.
    #[error("{name} is no published data set: the names are {known}")]
    UnknownDataSet {
        /// The name given.
        name: String,
        /// The names there are, separated by commas.
        known: String,
    },
    /// A published data set with more or fewer labels than published.
    #[error(
        "{name}: {found} labels in the {split} set, {expected} are published: get the files again"
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
    /// A published data set whose labels begin otherwise.
    #[error(
        "{name}: the labels of the {split} set begin with {found:?}, the published ones with {expected:?}: the files are put in another order or are not those of {name}; get them again"
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
        "; make room and try again: a download goes on where it stopped"
    } else {
        ""
    })]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// The address of a mirror that is none.
    #[error(
        "{url} is no address to download from: it must begin with http:// or https:// and name a host"
    )]
    BadUrl {
        /// The address.
        url: String,
    },
    /// No source gave the file.
    #[error("cannot download {file}: {causes}; try again, name a mirror with --url, or {by_hand}")]
    Download {
        /// The file.
        file: String,
        /// Each host and what went wrong with it.
        causes: String,
        /// What to put where without this program.
        by_hand: String,
    },
    /// A data set that is not taken from the Hugging Face hub.
    #[error(
        "{name} is not taken from the hub, where only mnist and fashion-mnist can be checked: use `memdil data fetch {name}`"
    )]
    NotOnHub {
        /// The data set.
        name: &'static str,
    },
    /// The Hugging Face hub did not give the published data set.
    #[error(
        "cannot get {name} from the hub: {cause}; use `memdil data fetch {name}`, or {by_hand}"
    )]
    Hub {
        /// The data set.
        name: String,
        /// What went wrong.
        cause: String,
        /// What to put where without this program.
        by_hand: String,
    },
}

impl DataError {
    /// The error of a file that could not be read.
    pub(crate) fn unreadable(path: &Path) -> impl Fn(io::Error) -> Self + Copy {
        |cause| Self::Io {
            path: path.to_owned(),
            cause,
        }
    }

    /// The error of a file or folder that could not be written.
    pub(crate) fn unwritable(path: &Path) -> impl Fn(io::Error) -> Self + Copy {
        |cause| Self::Write {
            path: path.to_owned(),
            cause,
        }
    }

    /// [`DataError::OutOfRange`] unless the value `fits` the range.
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

    /// The error of a file whose content is not what it should be.
    pub(crate) fn malformed(path: impl AsRef<Path>, message: impl Into<String>) -> Self {
        Self::Malformed {
            path: path.as_ref().to_owned(),
            message: message.into(),
        }
    }

    /// Whether the input is to blame, and not the network, a disk or the program.
    pub fn is_bad_input(&self) -> bool {
        !matches!(
            self,
            Self::Write { .. } | Self::Download { .. } | Self::Hub { .. }
        )
    }
}

/// Says so if the file is of the other kind: the two are easily swapped.
fn swapped(magic: u32) -> &'static str {
    match magic {
        2049 => " (labels)",
        2051 => " (images)",
        _ => "",
    }
}
