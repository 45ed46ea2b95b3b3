//! The stack machine: its input, its values and their memory budget.
//!
//! # Memory
//!
//! One byte of a pickle can create a value of 32 bytes, or copy a string of a megabyte. Therefore
//! every value, every entry of a list and every copy is charged to a budget of ten times the file
//! size plus 64 KiB. Among the arrays, labels and names that Python writes, lists of one small
//! integer each come closest to the limit, with nine times the file size. Growing vectors
//! temporarily take twice the budget.

use super::node::{Array, Node, Ref};

/// The memory budget: bytes per byte of the file, and a constant.
const BUDGET: (usize, usize) = (10, 1 << 16);

const TRUNCATED: &str = "ends in the middle of its pickle; download or save it again";

/// Grows the capacity by a quarter if the vector is full; doubling would temporarily take three
/// times the memory.
pub(super) fn grow<T>(values: &mut Vec<T>) {
    if values.len() == values.capacity() {
        values.reserve_exact(values.len() / 4 + 16);
    }
}

pub(super) fn damaged() -> String {
    "is a damaged pickle; download or save it again".to_owned()
}

#[derive(Default)]
pub(super) struct Machine<'a> {
    pub(super) input: &'a [u8],
    pub(super) at: usize,
    pub(super) nodes: Vec<Node<'a>>,
    pub(super) stack: Vec<Ref>,
    /// Stack lengths at which groups of values begin.
    pub(super) marks: Vec<u32>,
    /// Values by memo number, for repeated references; [`Ref::UNSET`] if unused.
    pub(super) memo: Vec<Ref>,
    /// Bytes left in the memory budget.
    pub(super) left: usize,
}

impl<'a> Machine<'a> {
    pub(super) fn new(input: &'a [u8]) -> Self {
        let (times, more) = BUDGET;
        Self {
            input,
            nodes: Node::shared(),
            left: input.len().saturating_mul(times).saturating_add(more),
            ..Self::default()
        }
    }

    /// Subtracts bytes from the budget.
    pub(super) fn charge(&mut self, bytes: usize) -> Result<(), String> {
        self.left = self.left.checked_sub(bytes).ok_or_else(|| {
            "is a pickle that holds more values than its size justifies: it is damaged or malicious; download or save it again".to_owned()
        })?;
        Ok(())
    }

    pub(super) fn node(&self, reference: Ref) -> Option<&Node<'a>> {
        self.nodes.get(reference.index()?)
    }

    /// The value of an integer that fits into `i64`.
    pub(super) fn integer(&self, reference: Ref) -> Option<i64> {
        match self.node(reference) {
            Some(Node::Integer(value)) => Some(*value),
            _ => reference.as_integer(),
        }
    }

    pub(super) fn add(&mut self, node: Node<'a>) -> Result<Ref, String> {
        self.charge(size_of::<Node<'a>>())?;
        let reference = Ref::node(self.nodes.len()).ok_or_else(damaged)?;
        grow(&mut self.nodes);
        self.nodes.push(node);
        Ok(reference)
    }

    pub(super) fn add_integer(&mut self, value: i128) -> Result<Ref, String> {
        match i64::try_from(value) {
            Ok(value) => match Ref::integer(value) {
                Some(inline) => Ok(inline),
                None => self.add(Node::Integer(value)),
            },
            Err(_) => self.add(u64::try_from(value).map_or(Node::Huge, Node::Unsigned)),
        }
    }

    pub(super) fn push_array(&mut self, array: Array) -> Result<Ref, String> {
        self.charge(size_of::<Array>() + size_of_val(&array.shape[..]))?;
        self.add(Node::Array(Box::new(array)))
    }

    /// Replaces a value; existing references then refer to the new value.
    pub(super) fn replace(&mut self, reference: Ref, node: Node<'a>) -> Result<(), String> {
        if let Node::Array(array) = &node {
            self.charge(size_of_val(&array.shape[..]))?;
        }
        let index = reference.index().ok_or_else(damaged)?;
        *self.nodes.get_mut(index).ok_or_else(damaged)? = node;
        Ok(())
    }

    pub(super) fn push(&mut self, reference: Ref) -> Result<(), String> {
        self.charge(size_of::<Ref>())?;
        grow(&mut self.stack);
        self.stack.push(reference);
        Ok(())
    }

    pub(super) fn push_node(&mut self, node: Node<'a>) -> Result<(), String> {
        let reference = self.add(node)?;
        self.push(reference)
    }

    /// The stack length at which the innermost group begins.
    pub(super) fn floor(&self) -> usize {
        self.marks.last().map_or(0, |&mark| mark as usize)
    }

    pub(super) fn pop(&mut self) -> Result<Ref, String> {
        if self.stack.len() <= self.floor() {
            return Err(damaged());
        }
        let top = self.stack.pop().ok_or_else(damaged)?;
        self.left += size_of::<Ref>();
        Ok(top)
    }

    /// Discards the top of the stack, which may be a mark.
    pub(super) fn discard(&mut self) -> Result<(), String> {
        if self.stack.len() <= self.floor() {
            self.marks.pop().ok_or_else(damaged)?;
            self.left += size_of::<u32>();
            return Ok(());
        }
        self.pop().map(drop)
    }

    /// Removes the last mark and returns the values above it.
    pub(super) fn pop_group(&mut self) -> Result<Vec<Ref>, String> {
        let mark = self.marks.pop().ok_or_else(damaged)? as usize;
        let items = self.stack.split_off(mark.min(self.stack.len()));
        self.left += size_of::<u32>() + size_of_val(&items[..]);
        Ok(items)
    }

    pub(super) fn byte(&mut self) -> Result<u8, String> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        self.take(N)?.try_into().map_err(|_| damaged())
    }

    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], String> {
        let end = self.at.checked_add(length);
        let bytes = end.and_then(|end| self.input.get(self.at..end));
        let bytes = bytes.ok_or(TRUNCATED)?;
        self.at += length;
        Ok(bytes)
    }

    /// Reads the rest of a line and skips the newline.
    pub(super) fn line(&mut self) -> Result<&'a [u8], String> {
        let rest = &self.input[self.at..];
        let length = rest
            .iter()
            .position(|&byte| byte == b'\n')
            .ok_or(TRUNCATED)?;
        self.at += length + 1;
        Ok(&rest[..length])
    }
}
