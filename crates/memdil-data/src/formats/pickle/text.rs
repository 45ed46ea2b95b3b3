//! The text encodings of protocols 0 and 1.

use std::borrow::Cow;
use std::str::FromStr;

use super::node::Node;

/// Parses a decimal number.
pub(super) fn parse<T: FromStr>(line: &[u8]) -> Option<T> {
    std::str::from_utf8(line).ok()?.trim().parse().ok()
}

/// Parses an integer that does not fit into `i64`.
pub(super) fn large_integer(digits: &[u8]) -> Option<Node<'static>> {
    if let Some(value) = parse(digits) {
        return Some(Node::Unsigned(value));
    }
    let unsigned = digits.strip_prefix(b"-").unwrap_or(digits);
    let is_integer = !unsigned.is_empty() && unsigned.iter().all(u8::is_ascii_digit);
    is_integer.then_some(Node::Huge)
}

/// Decodes a Python 2 string as written by `repr`: quoted, with escapes.
pub(super) fn unquote(line: &[u8]) -> Option<Cow<'_, [u8]>> {
    let line = line.trim_ascii();
    let quoted = match line {
        [b'\'', inner @ .., b'\''] | [b'"', inner @ .., b'"'] => inner,
        _ => return None,
    };
    if !quoted.contains(&b'\\') {
        return Some(Cow::Borrowed(quoted));
    }
    let mut bytes = Vec::with_capacity(quoted.len());
    let mut rest = quoted;
    while let [byte, after @ ..] = rest {
        rest = after;
        if *byte != b'\\' {
            bytes.push(*byte);
            continue;
        }
        let [escape, after @ ..] = rest else {
            return None;
        };
        rest = after;
        bytes.push(match escape {
            b'\\' | b'\'' | b'"' => *escape,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'a' => 7,
            b'b' => 8,
            b'v' => 11,
            b'f' => 12,
            b'x' => u8::try_from(hexadecimal(&mut rest, 2)?).ok()?,
            b'0'..=b'7' => {
                let mut value = u32::from(escape - b'0');
                for _ in 0..2 {
                    if let [digit @ b'0'..=b'7', after @ ..] = rest {
                        value = 8 * value + u32::from(digit - b'0');
                        rest = after;
                    }
                }
                u8::try_from(value).ok()?
            }
            _ => return None,
        });
    }
    Some(Cow::Owned(bytes))
}

/// Decodes the codec `raw-unicode-escape`: Latin-1, and `\u` or `\U` for other characters.
pub(super) fn unescape(line: &[u8]) -> Option<Cow<'_, str>> {
    if line.is_ascii() && !line.contains(&b'\\') {
        return std::str::from_utf8(line).ok().map(Cow::Borrowed);
    }
    let mut text = String::with_capacity(2 * line.len());
    let mut rest = line;
    while let [byte, after @ ..] = rest {
        rest = after;
        let digits = match (byte, rest.first()) {
            (b'\\', Some(b'u')) => 4,
            (b'\\', Some(b'U')) => 8,
            _ => {
                text.push(char::from(*byte));
                continue;
            }
        };
        rest = &rest[1..];
        text.push(char::from_u32(hexadecimal(&mut rest, digits)?)?);
    }
    Some(Cow::Owned(text))
}

/// Splits `count` hexadecimal digits off the front.
fn hexadecimal(rest: &mut &[u8], count: usize) -> Option<u32> {
    let (digits, after) = rest.split_at_checked(count)?;
    *rest = after;
    let text = std::str::from_utf8(digits).ok()?;
    let plain = digits.iter().all(u8::is_ascii_hexdigit);
    u32::from_str_radix(text, 16).ok().filter(|_| plain)
}
