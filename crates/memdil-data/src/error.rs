//! What can go wrong between a file and a batch.

use std::io;
use std::path::PathBuf;

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
        cause: io::Error,
    },
    /// A gzip stream ends early or fails its checksum.
    #[error("{} is a damaged gzip file ({cause}): get it again", path.display())]
    DamagedGzip {
        /// The file.
        path: PathBuf,
        /// What the decoder said.
        cause: io::Error,
    },
    /// An IDX file begins with another number than its kind demands.
    #[error("{} is not an IDX file of {kind}: it begins with {found}, not with {expected}", path.display())]
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
    #[error("{pixels} pixel values do not fill whole images of {channels} x {height} x {width}")]
    WrongShape {
        /// Channels of an image.
        channels: usize,
        /// Rows of an image.
        height: usize,
        /// Columns of an image.
        width: usize,
        /// Number of pixel values.
        pixels: usize,
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
    /// Training and test images differ in size.
    #[error("{name}: training images are {train:?} but test images {test:?} (channels, rows, columns)")]
    ImageSize {
        /// The data set.
        name: String,
        /// Channels, rows and columns of a training image.
        train: [usize; 3],
        /// Channels, rows and columns of a test image.
        test: [usize; 3],
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
        "{name} not found in {searched}: put its four IDX files (gzip or not) into one of them, or name their folder with --data-dir or MEMDIL_DATA_DIR"
    )]
    NotFound {
        /// The data set.
        name: String,
        /// The folders, separated by commas.
        searched: String,
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
        /// The class asked for.
        class: u32,
        /// The data set.
        name: String,
        /// Number of its classes.
        known: usize,
    },
    /// A class has no image, or fewer than asked for.
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
        "input `authors` takes square grey images, or colour images of 32 x 32: these are {channels} x {height} x {width}; use `native`"
    )]
    NoAuthorsInput {
        /// Channels of an image.
        channels: usize,
        /// Rows of an image.
        height: usize,
        /// Columns of an image.
        width: usize,
    },
    /// No labels at all.
    #[error("no labels: at least one is needed")]
    NoLabels,
    /// A class without a clean label has no row in the transition matrix.
    #[error("class {class} has no clean label, so its row of the transition matrix is undefined")]
    EmptyClass {
        /// The class.
        class: usize,
    },
    /// A label-noise file that cannot be written or read, or that contradicts itself.
    #[error("label-noise file: {message}")]
    NoiseFile {
        /// What is wrong with it.
        message: String,
    },
    /// A name that is no published data set.
    #[error("{name} is no published data set: the names are {known}")]
    UnknownDataSet {
        /// The name given.
        name: String,
        /// The names there are, separated by commas.
        known: String,
    },
    /// A published data set with more or fewer labels than published.
    #[error("{name}: {found} labels in the {split} set, {expected} are published: get the files again")]
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
        cause: io::Error,
    },
    /// The address of a mirror that is none.
    #[error("{url} is no address to download from: it must begin with http:// or https:// and name a host")]
    BadUrl {
        /// The address.
        url: String,
    },
    /// No source gave the file.
    #[error("cannot download {file}: {causes}; try again, name a mirror with --url, or put {url} into {} by hand", folder.display())]
    Download {
        /// The file.
        file: String,
        /// Each host and what went wrong with it.
        causes: String,
        /// The first choice of a source.
        url: String,
        /// The folder that the file belongs to.
        folder: PathBuf,
    },
}

impl DataError {
    /// Whether the input is to blame, and not the network, a disk or the program.
    pub fn is_bad_input(&self) -> bool {
        !matches!(self, Self::Write { .. } | Self::Download { .. })
    }
}
