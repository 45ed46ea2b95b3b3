//! The values of a pickle.

use super::element::element_count;
use super::node::{Array, Node, Ref};
use crate::formats::numbers::whole;

/// All values of one pickle, which borrow from the bytes of the file where possible.
#[derive(Debug)]
pub(crate) struct Pickle<'a> {
    pub(super) nodes: Vec<Node<'a>>,
    pub(super) root: Ref,
}

/// One value of a [`Pickle`].
#[derive(Debug, Clone, Copy)]
pub(crate) enum Value<'p> {
    None,
    Bool(bool),
    /// An integer that fits into 64 bits, signed or unsigned.
    Integer(i128),
    /// An integer of more than 64 bits.
    Huge,
    Float(f64),
    Text(&'p str),
    /// `bytes`, `bytearray` or a `str` of Python 2.
    Bytes(&'p [u8]),
    List(Items<'p>),
    Tuple(Items<'p>),
    Dict(Entries<'p>),
    Array(ArrayView<'p>),
    /// A NumPy type, or the name of a function.
    Other,
}

/// The values of a list or a tuple.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Items<'p> {
    pickle: &'p Pickle<'p>,
    refs: &'p [Ref],
}

/// The keys and values of a dictionary.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entries<'p> {
    pickle: &'p Pickle<'p>,
    refs: &'p [(Ref, Ref)],
}

impl Pickle<'_> {
    /// The pickled object.
    pub(crate) fn root(&self) -> Value<'_> {
        self.value(self.root)
    }

    fn value(&self, reference: Ref) -> Value<'_> {
        if let Some(integer) = reference.as_integer() {
            return Value::Integer(integer.into());
        }
        match reference.index().and_then(|index| self.nodes.get(index)) {
            None | Some(Node::None) => Value::None,
            Some(Node::Bool(value)) => Value::Bool(*value),
            Some(Node::Integer(value)) => Value::Integer((*value).into()),
            Some(Node::Unsigned(value)) => Value::Integer((*value).into()),
            Some(Node::Huge) => Value::Huge,
            Some(Node::Float(value)) => Value::Float(*value),
            Some(Node::Text(text)) => Value::Text(text),
            Some(Node::Bytes(bytes)) => Value::Bytes(bytes),
            Some(Node::List(refs)) => Value::List(Items { pickle: self, refs }),
            Some(Node::Tuple(refs)) => Value::Tuple(Items { pickle: self, refs }),
            Some(Node::Dict(refs)) => Value::Dict(Entries { pickle: self, refs }),
            Some(Node::Array(array)) => Value::Array(ArrayView {
                pickle: self,
                array,
            }),
            Some(Node::Type(_) | Node::Symbol(_)) => Value::Other,
        }
    }
}

impl<'p> Items<'p> {
    pub(crate) fn len(&self) -> usize {
        self.refs.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Value<'p>> + use<'p> {
        let Self { pickle, refs } = *self;
        refs.iter().map(|&reference| pickle.value(reference))
    }
}

impl<'p> Entries<'p> {
    pub(crate) fn len(&self) -> usize {
        self.refs.len()
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (Value<'p>, Value<'p>)> + use<'p> {
        let Self { pickle, refs } = *self;
        let entry = |&(key, value)| (pickle.value(key), pickle.value(value));
        refs.iter().map(entry)
    }
}

impl<'p> Value<'p> {
    /// The content of a string, which Python 2 writes as bytes.
    pub(crate) fn text(self) -> Option<&'p str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Bytes(bytes) => std::str::from_utf8(bytes).ok(),
            _ => None,
        }
    }

    /// The value of this key in a dictionary. The last one wins, as in Python.
    pub(crate) fn get(self, name: &str) -> Option<Value<'p>> {
        let Self::Dict(entries) = self else {
            return None;
        };
        let mut entries = entries.iter().rev();
        let (_, value) = entries.find(|(key, _)| key.text() == Some(name))?;
        Some(value)
    }

    /// The value in an object array without dimensions, into which `np.save` wraps a dictionary;
    /// any other value is returned unchanged.
    pub(crate) fn unwrapped(self) -> Value<'p> {
        match self {
            Self::Array(array) if array.shape().is_empty() => array
                .objects()
                .and_then(|objects| objects.iter().next())
                .unwrap_or(self),
            _ => self,
        }
    }

    /// The integers of a list, a tuple, or an array with at most one dimension longer than 1;
    /// `None` if it holds other values. Whole-number floats count as integers.
    pub(crate) fn integers(self) -> Option<Vec<i128>> {
        match self {
            Self::List(items) | Self::Tuple(items) => items.iter().map(Self::whole).collect(),
            Self::Array(array) => array.integers(),
            _ => None,
        }
    }

    /// An integer or whole-number float, alone or in a list of one, which `y.tolist()` creates for
    /// an (n, 1) array.
    fn whole(self) -> Option<i128> {
        match self {
            Self::List(items) if items.len() == 1 => items.iter().next()?.number(),
            _ => self.number(),
        }
    }

    fn number(self) -> Option<i128> {
        match self {
            Self::Integer(value) => Some(value),
            Self::Float(value) => whole(value).map(i128::from),
            _ => None,
        }
    }

    /// Describes the value in words, for messages.
    pub(crate) fn describe(self) -> String {
        match self {
            Self::None => "None".to_owned(),
            Self::Bool(true) => "True".to_owned(),
            Self::Bool(false) => "False".to_owned(),
            Self::Integer(_) | Self::Huge => "one integer".to_owned(),
            Self::Float(_) => "one float".to_owned(),
            Self::Text(_) => "a string".to_owned(),
            Self::Bytes(_) => "bytes".to_owned(),
            Self::List(items) => format!("a list of {}", items.len()),
            Self::Tuple(items) => format!("a tuple of {}", items.len()),
            Self::Dict(entries) => format!("a dictionary of {}", entries.refs.len()),
            Self::Array(array) if array.array.kind.compound => {
                format!("an array of records {:?}", array.shape())
            }
            Self::Array(array) => {
                format!("an array of {} {:?}", array.descr(), array.shape())
            }
            Self::Other => "a name".to_owned(),
        }
    }
}

/// An array of a [`Pickle`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct ArrayView<'p> {
    pickle: &'p Pickle<'p>,
    array: &'p Array,
}

impl<'p> ArrayView<'p> {
    /// The type as written in a `.npy` header, for instance `<i8`.
    pub(crate) fn descr(&self) -> String {
        self.array.kind.descr()
    }

    pub(crate) fn shape(&self) -> &'p [u64] {
        &self.array.shape
    }

    /// Whether the first index varies fastest.
    pub(crate) fn fortran(&self) -> bool {
        self.array.fortran
    }

    /// The bytes of all elements, which fill the shape; `None` for objects.
    pub(crate) fn bytes(&self) -> Option<&'p [u8]> {
        match self.pickle.value(self.array.data) {
            Value::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The elements of type `O`, if their number matches the shape.
    pub(crate) fn objects(&self) -> Option<Items<'p>> {
        let claimed = element_count(self.shape()).filter(|_| self.array.kind.is_object())?;
        match self.pickle.value(self.array.data) {
            Value::List(items) | Value::Tuple(items) if items.len() as u64 == claimed => {
                Some(items)
            }
            _ => None,
        }
    }

    /// The elements, if they are integers along one dimension.
    fn integers(&self) -> Option<Vec<i128>> {
        if self.shape().is_empty() || self.shape().iter().filter(|&&size| size != 1).count() > 1 {
            return None;
        }
        if let Some(objects) = self.objects() {
            return objects.iter().map(Value::whole).collect();
        }
        let kind = self.array.kind;
        let width = usize::try_from(kind.size())
            .ok()
            .filter(|&width| width > 0)?;
        self.bytes()?
            .chunks_exact(width)
            .map(|element| kind.integer(element))
            .collect()
    }
}
