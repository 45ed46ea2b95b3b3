//! The stack machine: one instruction after another, none of which calls anything.
//!
//! # Memory
//!
//! One byte of a pickle may make a value of 32 bytes, or copy a text of a megabyte. So every value,
//! every entry of a list and every copy is charged to a budget of ten times the size of the file and
//! 64 KiB. Of what Python writes of arrays, labels and names, lists of one small integer each come
//! nearest, with nine times. Vectors that grow take twice that for a moment.

use super::array::Array;
use super::symbols::{build, reduce};
use super::text;
use super::value::{Node, Pickle, Ref};

/// The largest pickle that is read: twice the largest batch of CIFAR, and much less than a small
/// packed file may unpack to.
const LARGEST: usize = 1 << 28;

/// What values may take for each byte of the file, and in any file.
const BUDGET: (usize, usize) = (10, 1 << 16);

/// Reads a pickle, all of which must be `bytes`.
///
/// # Errors
/// What is wrong with it: an instruction or a name that is not read here, damage, an end before the
/// last instruction or bytes behind it, or more values than its size justifies.
pub(crate) fn read(bytes: &[u8]) -> Result<Pickle<'_>, String> {
    if bytes.len() > LARGEST {
        return Err(format!(
            "is a pickle of {} bytes, of which at most {LARGEST} are read: load it in Python and save its arrays with np.savez",
            bytes.len()
        ));
    }
    let mut machine = Machine {
        input: bytes,
        at: 0,
        nodes: Node::shared(),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: Vec::new(),
        left: bytes
            .len()
            .saturating_mul(BUDGET.0)
            .saturating_add(BUDGET.1),
    };
    loop {
        let instruction = machine.byte()?;
        if instruction == b'.' {
            break;
        }
        machine.step(instruction)?;
    }
    let root = machine.pop()?;
    let rest = &bytes[machine.at..];
    if rest.iter().any(|&byte| byte != 0) {
        return Err(format!(
            "holds {} bytes behind its pickle: save one object in a file",
            rest.len()
        ));
    }
    Ok(Pickle {
        nodes: machine.nodes,
        root,
    })
}

/// Makes room for one more by a quarter: doubling would take three times the bytes for a moment.
fn grow<T>(values: &mut Vec<T>) {
    if values.len() == values.capacity() {
        values.reserve_exact(values.len() / 4 + 16);
    }
}

pub(super) fn damaged() -> String {
    "is a damaged pickle: get it again".to_owned()
}

pub(super) struct Machine<'a> {
    input: &'a [u8],
    at: usize,
    nodes: Vec<Node<'a>>,
    stack: Vec<Ref>,
    /// Lengths of the stack at which a group of values begins.
    marks: Vec<u32>,
    /// Values by the number under which the file refers to them again, or [`Ref::UNSET`].
    memo: Vec<Ref>,
    /// Bytes that values may still take.
    left: usize,
}

impl<'a> Machine<'a> {
    fn step(&mut self, instruction: u8) -> Result<(), String> {
        match instruction {
            // The protocol and the length of a frame say nothing that is needed.
            0x80 => self.take(1).map(drop),
            0x95 => self.take(8).map(drop),
            b'0' => self.discard(),
            b'1' => self.pop_group().map(drop),
            b'2' => {
                let top = *self.stack.last().ok_or_else(damaged)?;
                self.push(top)
            }
            b'(' => {
                self.charge(size_of::<u32>())?;
                self.marks
                    .push(u32::try_from(self.stack.len()).map_err(|_| damaged())?);
                Ok(())
            }
            b'N' => self.push(Ref::NONE),
            0x88 => self.push(Ref::TRUE),
            0x89 => self.push(Ref::FALSE),
            b'I' | b'L' | b'J' | b'K' | b'M' | 0x8a | 0x8b | b'F' | b'G' => {
                let number = self.number(instruction)?;
                self.push(number)
            }
            b'S' | b'T' | b'U' | b'V' | b'X' | b'B' | b'C' | 0x8c | 0x8d | 0x8e | 0x96 => {
                let node = self.string(instruction)?;
                self.push_node(node)
            }
            b')' | b't' | 0x85 | 0x86 | 0x87 | b']' | b'l' | b'}' | b'd' => {
                self.container(instruction)
            }
            b'a' | b'e' | b's' | b'u' => self.fill(instruction),
            b'p' | b'q' | b'r' | 0x94 | b'g' | b'h' | b'j' => self.remember(instruction),
            b'c' | 0x93 => {
                let symbol = self.symbol(instruction)?;
                self.push_node(Node::Symbol(symbol))
            }
            b'R' => self.reduce(),
            b'b' => {
                let state = self.pop()?;
                let target = *self.stack.last().ok_or_else(damaged)?;
                build(self, target, state)
            }
            _ => Err(self.refuse(instruction)),
        }
    }

    /// The message for an instruction that is not read.
    fn refuse(&mut self, instruction: u8) -> String {
        let what = match instruction {
            b'P' | b'Q' => "a reference to something outside the file, as PyTorch writes it",
            // The one such instruction that carries a name.
            b'i' => match self.symbol(b'c') {
                Ok(_) => "an instance of a Python class",
                Err(message) => return message,
            },
            b'o' | 0x81 | 0x92 => "an instance of a Python class",
            0x82..=0x84 => "a class registered with copyreg",
            0x8f..=0x91 => "a set",
            0x97 | 0x98 => "an array whose bytes were saved elsewhere",
            _ => return damaged(),
        };
        format!(
            "is a pickle that holds {what}: only plain values and NumPy arrays are read; load it in Python and save its arrays with np.savez"
        )
    }

    /// Lists, tuples and dictionaries, empty or of what is on the stack.
    fn container(&mut self, instruction: u8) -> Result<(), String> {
        let node = match instruction {
            b')' => return self.push(Ref::EMPTY_TUPLE),
            b']' => Node::List(Vec::new()),
            b'}' => Node::Dict(Vec::new()),
            b't' | b'l' => {
                let items = self.pop_group()?;
                self.charge(size_of_val(&items[..]))?;
                if instruction == b't' {
                    Node::Tuple(items)
                } else {
                    Node::List(items)
                }
            }
            b'd' => {
                let items = self.pop_group()?;
                Node::Dict(self.pairs(&items)?)
            }
            count => {
                let start = self
                    .stack
                    .len()
                    .checked_sub(usize::from(count - 0x84))
                    .filter(|&start| start >= self.floor())
                    .ok_or_else(damaged)?;
                let items = self.stack.split_off(start);
                self.charge(size_of_val(&items[..]))?;
                Node::Tuple(items)
            }
        };
        self.push_node(node)
    }

    /// Adds what is on the stack to the list or dictionary below it.
    fn fill(&mut self, instruction: u8) -> Result<(), String> {
        let items = match instruction {
            b'a' => vec![self.pop()?],
            b's' => {
                let value = self.pop()?;
                vec![self.pop()?, value]
            }
            _ => self.pop_group()?,
        };
        self.charge(size_of_val(&items[..]))?;
        let target = *self.stack.last().ok_or_else(damaged)?;
        let index = target.index().ok_or_else(damaged)?;
        if matches!(instruction, b'a' | b'e') {
            let Some(Node::List(list)) = self.nodes.get_mut(index) else {
                return Err(damaged());
            };
            // Most lists are filled once, or hold one value.
            if list.is_empty() {
                list.reserve_exact(items.len());
            }
            list.extend_from_slice(&items);
            return Ok(());
        }
        let pairs = self.pairs(&items)?;
        let Some(Node::Dict(dict)) = self.nodes.get_mut(index) else {
            return Err(damaged());
        };
        dict.extend(pairs);
        Ok(())
    }

    fn pairs(&mut self, items: &[Ref]) -> Result<Vec<(Ref, Ref)>, String> {
        if !items.len().is_multiple_of(2) {
            return Err(damaged());
        }
        self.charge(size_of_val(items))?;
        Ok(items
            .chunks_exact(2)
            .map(|pair| (pair[0], pair[1]))
            .collect())
    }

    /// Writes the top of the stack into the memo, or pushes what is there.
    fn remember(&mut self, instruction: u8) -> Result<(), String> {
        let number = match instruction {
            0x94 => self.memo.len(),
            b'q' | b'h' => self.byte()?.into(),
            b'r' | b'j' => u32::from_le_bytes(self.array()?) as usize,
            _ => text::parse(self.line()?).ok_or_else(damaged)?,
        };
        if matches!(instruction, b'g' | b'h' | b'j') {
            let value = self.memo.get(number).copied();
            let value = value.filter(|&value| value != Ref::UNSET);
            return self.push(value.ok_or_else(damaged)?);
        }
        // Python counts from 0, so that a number is never above that of the bytes read.
        if number > self.at {
            return Err(damaged());
        }
        if number >= self.memo.len() {
            self.charge((number + 1 - self.memo.len()) * size_of::<Ref>())?;
            grow(&mut self.memo);
            self.memo.resize(number + 1, Ref::UNSET);
        }
        self.memo[number] = *self.stack.last().ok_or_else(damaged)?;
        Ok(())
    }

    fn reduce(&mut self) -> Result<(), String> {
        let (arguments, function) = (self.pop()?, self.pop()?);
        let Some(&Node::Symbol(symbol)) = self.node(function) else {
            return Err(damaged());
        };
        let arguments = match self.node(arguments) {
            // No function that is read has more than five.
            Some(Node::Tuple(items)) if items.len() < 16 => items.clone(),
            _ => return Err(damaged()),
        };
        let result = reduce(self, symbol, &arguments)?;
        self.push(result)
    }

    /// Takes bytes off the budget.
    pub(super) fn charge(&mut self, bytes: usize) -> Result<(), String> {
        self.left = self.left.checked_sub(bytes).ok_or_else(|| {
            "is a pickle that holds more values than its size justifies: it is damaged or made to exhaust memory; get it again".to_owned()
        })?;
        Ok(())
    }

    pub(super) fn node(&self, reference: Ref) -> Option<&Node<'a>> {
        self.nodes.get(reference.index()?)
    }

    /// An integer of at most 63 bits.
    pub(super) fn integer(&self, reference: Ref) -> Option<i64> {
        reference
            .as_integer()
            .or_else(|| match self.node(reference) {
                Some(Node::Integer(value)) => Some(*value),
                _ => None,
            })
    }

    pub(super) fn add(&mut self, node: Node<'a>) -> Result<Ref, String> {
        self.charge(size_of::<Node<'a>>())?;
        let reference = Ref::node(self.nodes.len()).ok_or_else(damaged)?;
        grow(&mut self.nodes);
        self.nodes.push(node);
        Ok(reference)
    }

    pub(super) fn add_integer(&mut self, value: i64) -> Result<Ref, String> {
        match Ref::integer(value) {
            Some(inline) => Ok(inline),
            None => self.add(Node::Integer(value)),
        }
    }

    pub(super) fn push_array(&mut self, array: Array) -> Result<Ref, String> {
        self.charge(size_of::<Array>() + size_of_val(&array.shape[..]))?;
        self.add(Node::Array(Box::new(array)))
    }

    /// Puts a value in the place of another, for all who refer to it.
    pub(super) fn replace(&mut self, reference: Ref, node: Node<'a>) -> Result<(), String> {
        if let Node::Array(array) = &node {
            self.charge(size_of_val(&array.shape[..]))?;
        }
        let place = reference
            .index()
            .and_then(|index| self.nodes.get_mut(index));
        *place.ok_or_else(damaged)? = node;
        Ok(())
    }

    fn push(&mut self, reference: Ref) -> Result<(), String> {
        self.charge(size_of::<Ref>())?;
        grow(&mut self.stack);
        self.stack.push(reference);
        Ok(())
    }

    fn push_node(&mut self, node: Node<'a>) -> Result<(), String> {
        let reference = self.add(node)?;
        self.push(reference)
    }

    /// Where the innermost group begins: what lies below belongs to another.
    fn floor(&self) -> usize {
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

    /// Takes the top off, which may be a mark.
    fn discard(&mut self) -> Result<(), String> {
        if self.stack.len() <= self.floor() {
            self.marks.pop().ok_or_else(damaged)?;
            self.left += size_of::<u32>();
            return Ok(());
        }
        self.pop().map(drop)
    }

    /// Everything down to the last mark, which goes too.
    fn pop_group(&mut self) -> Result<Vec<Ref>, String> {
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
        let bytes = bytes.ok_or("ends in the middle of its pickle: get it again")?;
        self.at += length;
        Ok(bytes)
    }

    /// The bytes up to the end of a line, which is passed.
    pub(super) fn line(&mut self) -> Result<&'a [u8], String> {
        let rest = &self.input[self.at..];
        let length = rest
            .iter()
            .position(|&byte| byte == b'\n')
            .ok_or("ends in the middle of its pickle: get it again")?;
        self.at += length + 1;
        Ok(&rest[..length])
    }
}
