//! Errors of label noise.

/// Invalid settings of label noise, or labels that the settings do not fit.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NoiseError {
    /// The row of a class without clean labels is undefined in the transition matrix.
    #[error("class {class} has no clean label, so its row of the transition matrix is undefined")]
    EmptyClass {
        /// The class.
        class: usize,
    },
    /// A setting of label noise that is not a probability.
    #[error("{entry} = {value} is not a probability: must be in [0, 1]")]
    NoProbability {
        /// The setting, with its index if it is in a list.
        entry: String,
        /// Its value.
        value: f64,
    },
    /// The lower end of a range of noise rates is above the upper one.
    #[error("range = [{low}, {high}] is descending; give the lower rate first")]
    Range {
        /// The first rate.
        low: f64,
        /// The second rate.
        high: f64,
    },
    /// `per_class` noise without rates, or with both `etas` and `range`.
    #[error(
        "noise per_class needs exactly one of `etas` (a rate for each class) and `range` (a lower and an upper rate)"
    )]
    PerClassRates,
    /// A transition matrix is not square.
    #[error(
        "row {row} of the transition matrix has {found} entries, but needs {rows}: the matrix must be square"
    )]
    TransitionShape {
        /// The row, counted from 0.
        row: usize,
        /// Number of entries in the row.
        found: usize,
        /// Number of rows of the matrix.
        rows: usize,
    },
    /// The probabilities of a class do not sum to 1.
    #[error("row {row} of the transition matrix sums to {sum}, not to 1")]
    TransitionRow {
        /// The row, counted from 0.
        row: usize,
        /// Its sum.
        sum: f64,
    },
    /// The probabilities of the classes sum to 1 along the columns instead of the rows.
    #[error(
        "the columns of the matrix sum to 1 but its rows do not: each row must belong to one clean class; give the transposed matrix (T.T)"
    )]
    TransitionTransposed,
    /// A map of asymmetric noise has a target that is not a class.
    #[error("`map` moves class {class} to {target}, but classes are below {classes}")]
    MapTarget {
        /// The class that moves.
        class: usize,
        /// Its target.
        target: u32,
        /// Number of classes in the map.
        classes: usize,
    },
    /// A map of asymmetric noise that maps every class to itself.
    #[error("`map` maps every class to itself; at least one class must change")]
    MapMovesNothing,
    /// The number of classes of a setting differs from that of the data.
    #[error("`{what}` is for {found} classes, but there are {classes}")]
    Classes {
        /// The setting.
        what: &'static str,
        /// Number of classes of the setting.
        found: usize,
        /// Number of classes of the data.
        classes: usize,
    },
    /// Rebalancing would remove all samples.
    #[error(
        "class {class} has no label after noise, so rebalancing to the smallest class would remove all samples; omit `rebalance`"
    )]
    NothingToRebalance {
        /// The class.
        class: usize,
    },
    /// Noise that depends on the images, with fewer than three classes.
    #[error(
        "noise instance needs at least 3 classes, but there are {classes}: with two, flips do not depend on the image; use symmetric"
    )]
    InstanceClasses {
        /// Number of classes.
        classes: usize,
    },
    /// Noise that depends on the images, without images.
    #[error("noise instance needs the images of the samples, but only labels are given")]
    NoImages,
    /// The number of images differs from that of the labels.
    #[error("noise instance needs one image per label, found {images} images for {labels} labels")]
    ImageCount {
        /// Number of images.
        images: usize,
        /// Number of labels.
        labels: usize,
    },
    /// A projection of an image is not finite.
    #[error(
        "image {row} cannot be projected: a value is not finite, or too large; check the image"
    )]
    ImageNotFinite {
        /// The image, counted from 0.
        row: usize,
    },
    /// Too many samples have margin 1 and therefore flip probability 0.
    #[error(
        "eta = {eta} cannot be reached: the network is certain of {certain} of {n} samples (margin 1), which never flip; the largest reachable eta is {reachable}"
    )]
    Unreachable {
        /// The requested mean flip probability.
        eta: f64,
        /// Number of samples with margin 1.
        certain: usize,
        /// Number of samples.
        n: usize,
        /// The largest mean flip probability.
        reachable: f64,
    },
}
