//! Decoding of numbers, strings and names in a pickle.

use std::borrow::Cow;

use super::machine::{Machine, damaged};
use super::node::{Node, Ref};
use super::symbol::Symbol;
use super::text;

impl<'a> Machine<'a> {
    pub(super) fn number(&mut self, instruction: u8) -> Result<Ref, String> {
        let value = match instruction {
            b'K' => self.byte()?.into(),
            b'M' => i128::from(u16::from_le_bytes(self.array()?)),
            b'J' => i128::from(i32::from_le_bytes(self.array()?)),
            0x8a | 0x8b => {
                let length = if instruction == 0x8a {
                    self.byte()?.into()
                } else {
                    u32::from_le_bytes(self.array()?) as usize
                };
                return self.long(length);
            }
            b'G' => {
                let value = f64::from_be_bytes(self.array()?);
                return self.add(Node::Float(value));
            }
            b'F' => {
                let value = text::parse(self.line()?).ok_or_else(damaged)?;
                return self.add(Node::Float(value));
            }
            // Protocols 0 and 1 write booleans as integers of two digits.
            _ => match self.line()? {
                b"00" if instruction == b'I' => return Ok(Ref::FALSE),
                b"01" if instruction == b'I' => return Ok(Ref::TRUE),
                line => {
                    let digits = line.strip_suffix(b"L").unwrap_or(line);
                    match text::parse::<i64>(digits) {
                        Some(value) => value.into(),
                        None => return self.add(text::large_integer(digits).ok_or_else(damaged)?),
                    }
                }
            },
        };
        self.add_integer(value)
    }

    /// A two's-complement integer of any length in little-endian order.
    fn long(&mut self, length: usize) -> Result<Ref, String> {
        let bytes = self.take(length)?;
        if length > 9 || (length == 9 && bytes[8] != 0) {
            return self.add(Node::Huge);
        }
        let negative = bytes.last().is_some_and(|&byte| byte >= 0x80);
        let mut wide = [if negative { 0xff } else { 0 }; 16];
        wide[..length].copy_from_slice(bytes);
        self.add_integer(i128::from_le_bytes(wide))
    }

    pub(super) fn string(&mut self, instruction: u8) -> Result<Node<'a>, String> {
        match instruction {
            b'S' => {
                let line = self.line()?;
                self.charge(line.len())?;
                return text::unquote(line).map(Node::Bytes).ok_or_else(damaged);
            }
            b'V' => {
                let line = self.line()?;
                // A byte beyond ASCII takes two bytes in UTF-8.
                self.charge(2 * line.len())?;
                return text::unescape(line).map(Node::Text).ok_or_else(damaged);
            }
            _ => {}
        }
        let length = match instruction {
            b'U' | b'C' | 0x8c => self.byte()?.into(),
            b'T' | b'X' | b'B' => u32::from_le_bytes(self.array()?).into(),
            _ => u64::from_le_bytes(self.array()?),
        };
        let bytes = self.take(usize::try_from(length).map_err(|_| damaged())?)?;
        if matches!(instruction, b'X' | 0x8c | 0x8d) {
            let text = std::str::from_utf8(bytes).map_err(|_| damaged())?;
            return Ok(Node::Text(Cow::Borrowed(text)));
        }
        Ok(Node::Bytes(Cow::Borrowed(bytes)))
    }

    pub(super) fn symbol(&mut self, instruction: u8) -> Result<Symbol, String> {
        if instruction == b'c' {
            let (module, name) = (self.line()?, self.line()?);
            return Symbol::find(
                &String::from_utf8_lossy(&module[..module.len().min(100)]),
                &String::from_utf8_lossy(&name[..name.len().min(100)]),
            );
        }
        let (name, module) = (self.pop()?, self.pop()?);
        match (self.node(module), self.node(name)) {
            (Some(Node::Text(module)), Some(Node::Text(name))) => Symbol::find(module, name),
            _ => Err(damaged()),
        }
    }
}
