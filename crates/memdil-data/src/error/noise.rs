//! What can be wrong with label noise.

/// Settings of label noise that make no sense, or labels that they cannot be used with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NoiseError {
    /// A class without a clean label has no row in the transition matrix.
    #[error("class {class} has no clean label, so its row of the transition matrix is undefined")]
    EmptyClass {
        /// The class.
        class: usize,
    },
    /// A setting of label noise that is not a probability.
    #[error("{entry} = {value} is no probability: 0 to 1 is needed")]
    NoProbability {
        /// The setting, with its place in a list.
        entry: String,
        /// Its value.
        value: f64,
    },
    /// The lower end of a range of noise rates is above the upper one.
    #[error("range = [{low}, {high}] goes down: give the lower rate first")]
    Range {
        /// The first rate.
        low: f64,
        /// The second rate.
        high: f64,
    },
    /// `per_class` noise with no rates, or with two sorts of them.
    #[error(
        "noise per_class needs one of `etas`, a rate for each class, and `range`, a lower and an upper rate"
    )]
    PerClassRates,
    /// A row of a transition matrix is longer or shorter than the matrix is high.
    #[error(
        "row {row} of the transition matrix has {found} entries, {rows} are needed: as many as rows"
    )]
    TransitionShape {
        /// The row, counted from 0.
        row: usize,
        /// Its entries.
        found: usize,
        /// Rows of the matrix.
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
        "the columns of matrix sum to 1 and the rows do not: each row must belong to one clean class, so give the transposed matrix (T.T)"
    )]
    TransitionTransposed,
    /// A map of asymmetric noise leads out of the classes.
    #[error("`map` moves class {class} to {target}: classes are below {classes}")]
    MapTarget {
        /// The class that moves.
        class: usize,
        /// Where to.
        target: u32,
        /// Number of classes in the map.
        classes: usize,
    },
    /// A map of asymmetric noise that leaves all labels as they are.
    #[error("`map` leaves every class where it is: at least one must move")]
    MapMovesNothing,
    /// Label noise for another number of classes.
    #[error("`{what}` is for {found} classes, but there are {classes}")]
    Classes {
        /// The setting.
        what: &'static str,
        /// Number of classes it is for.
        found: usize,
        /// Number of classes of the data.
        classes: usize,
    },
    /// Rebalancing would cut every class to nothing.
    #[error(
        "class {class} has no label after noise, so rebalancing to the smallest class would leave nothing"
    )]
    NothingToRebalance {
        /// The class.
        class: usize,
    },
}
