//! The interpreter of a pickle's instructions, which never calls a function.

use super::build::{build, reduce};
use super::machine::{Machine, damaged, grow};
use super::node::{Node, Ref};
use super::text;
use super::value::Pickle;

/// Maximum size of a pickle, in bytes: twice the largest batch of CIFAR, and much less than a small
/// compressed file may unpack to.
const MAX_SIZE: usize = 1 << 28;

/// Reads a pickle that takes up all of `bytes`, except for padding with zeros.
///
/// # Errors
/// A message about an unsupported instruction or name, damage, truncation, trailing bytes, or more
/// values than the size justifies.
pub(crate) fn read(bytes: &[u8]) -> Result<Pickle<'_>, String> {
    if bytes.len() > MAX_SIZE {
        return Err(format!(
            "is a pickle of {} bytes, but at most {MAX_SIZE} are supported; load it in Python and save its arrays with np.savez",
            bytes.len()
        ));
    }
    let mut machine = Machine::new(bytes);
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
            "holds {} bytes after its pickle; save one object per file",
            rest.len()
        ));
    }
    Ok(Pickle {
        nodes: machine.nodes,
        root,
    })
}

impl Machine<'_> {
    fn step(&mut self, instruction: u8) -> Result<(), String> {
        match instruction {
            // The protocol and the length of a frame are not needed.
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
                let length = u32::try_from(self.stack.len()).map_err(|_| damaged())?;
                self.marks.push(length);
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
            _ => Err(self.refusal(instruction)),
        }
    }

    /// The message for an unsupported instruction.
    fn refusal(&mut self, instruction: u8) -> String {
        let what = match instruction {
            b'P' | b'Q' => "a reference to something outside the file, as PyTorch writes it",
            // Only this instruction carries the name of the class.
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
            "is a pickle that holds {what}, but only plain values and NumPy arrays are read; load it in Python and save its arrays with np.savez"
        )
    }

    /// Creates a list, tuple or dictionary, empty or from values on the stack.
    fn container(&mut self, instruction: u8) -> Result<(), String> {
        let node = match instruction {
            b')' => return self.push(Ref::EMPTY_TUPLE),
            b']' => Node::List(Vec::new()),
            b'}' => Node::Dict(Vec::new()),
            b't' | b'l' => {
                let items = self.pop_group()?;
                self.charge(size_of_val(&items[..]))?;
                match instruction {
                    b't' => Node::Tuple(items),
                    _ => Node::List(items),
                }
            }
            b'd' => {
                let items = self.pop_group()?;
                Node::Dict(self.pairs(&items)?)
            }
            count => {
                let start = self.stack.len().checked_sub(usize::from(count - 0x84));
                let start = start.filter(|&start| start >= self.floor());
                let items = self.stack.split_off(start.ok_or_else(damaged)?);
                self.charge(size_of_val(&items[..]))?;
                Node::Tuple(items)
            }
        };
        self.push_node(node)
    }

    /// Adds values on the stack to the list or dictionary below them.
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
            // Most lists are filled once, or hold one value, so reserve the exact size.
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
        let pairs = items.chunks_exact(2);
        Ok(pairs.map(|pair| (pair[0], pair[1])).collect())
    }

    /// Stores the top of the stack in the memo, or pushes a value from the memo.
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
        // Python counts from 0, so a valid memo number never exceeds the number of bytes read.
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
            // The supported functions have at most five arguments.
            Some(Node::Tuple(items)) if items.len() < 16 => items.clone(),
            _ => return Err(damaged()),
        };
        let result = reduce(self, symbol, &arguments)?;
        self.push(result)
    }
}
