//! Which labels of a file are read, and what they are.

/// Labels of one file, row by row.
pub(super) struct Columns {
    pub(super) clean: Option<Vec<u32>>,
    pub(super) observed: Vec<u32>,
    /// Whether they come from a pickled dictionary, as CIFAR-N's do.
    pub(super) pickled: bool,
}

/// Which label set of a file with several is read.
#[derive(Debug, Clone, Copy)]
pub(super) enum Wanted<'a> {
    /// There may be one only, and nothing can name it.
    Alone,
    /// There may be one only, but it could be named.
    Any,
    /// The one of this name.
    Named(&'a str),
}
