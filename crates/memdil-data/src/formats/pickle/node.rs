//! The values of a pickle as nodes that refer to each other by index.

use std::borrow::Cow;

use super::element::Type;
use super::symbol::Symbol;

/// A reference to a value: an index into [`Pickle::nodes`](super::value::Pickle), or an inline
/// small integer. Label lists are long, and a node per entry would take 16 times the file size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ref(u32);

/// Marks a reference that holds an integer of 31 bits.
const INLINE: u32 = 1 << 31;

impl Ref {
    /// Indices of the values that every pickle shares, in the order of [`Node::shared`].
    pub(super) const NONE: Self = Self(0);
    pub(super) const TRUE: Self = Self(1);
    pub(super) const FALSE: Self = Self(2);
    pub(super) const EMPTY_TUPLE: Self = Self(3);

    /// Marks an unused memo entry.
    pub(super) const UNSET: Self = Self(INLINE - 1);

    pub(super) fn node(index: usize) -> Option<Self> {
        u32::try_from(index)
            .ok()
            .map(Self)
            .filter(|reference| reference.0 < Self::UNSET.0)
    }

    /// An inline integer, if it fits into 31 bits.
    pub(super) fn integer(value: i64) -> Option<Self> {
        let fits = (-(1 << 30)..1 << 30).contains(&value);
        fits.then_some(Self(value as u32 & !INLINE | INLINE))
    }

    pub(super) fn as_integer(self) -> Option<i64> {
        // Shifting the mark out and back extends the sign of the 31 bits.
        (self.0 & INLINE != 0).then_some(i64::from((self.0 << 1).cast_signed() >> 1))
    }

    pub(super) fn index(self) -> Option<usize> {
        (self.0 & INLINE == 0).then_some(self.0 as usize)
    }
}

/// A value that is not a small integer.
#[derive(Debug)]
pub(super) enum Node<'a> {
    None,
    Bool(bool),
    Integer(i64),
    Unsigned(u64),
    /// An integer of more than 64 bits, whose value is not stored.
    Huge,
    Float(f64),
    Text(Cow<'a, str>),
    Bytes(Cow<'a, [u8]>),
    List(Vec<Ref>),
    Tuple(Vec<Ref>),
    Dict(Vec<(Ref, Ref)>),
    Type(Type),
    Array(Box<Array>),
    Symbol(Symbol),
}

impl Node<'_> {
    pub(super) fn shared() -> Vec<Self> {
        vec![
            Self::None,
            Self::Bool(true),
            Self::Bool(false),
            Self::Tuple(Vec::new()),
        ]
    }
}

/// An array, whose elements are stored as bytes, or as values for type `O`.
#[derive(Debug)]
pub(super) struct Array {
    pub(super) kind: Type,
    pub(super) shape: Vec<u64>,
    pub(super) fortran: bool,
    /// Bytes that fill the shape, or a list.
    pub(super) data: Ref,
}
