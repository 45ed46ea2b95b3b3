//! A minimal Rust lexer, sufficient to find modules, imports and functions.

use std::ops::Range;

/// A word or a punctuation mark of a source file, outside comments and strings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    pub(crate) text: &'a str,
    /// From 1.
    pub(crate) line: usize,
}

/// A function with a body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Function<'a> {
    pub(crate) name: &'a str,
    /// From 1.
    pub(crate) line: usize,
    /// From the word `fn` to the closing brace.
    pub(crate) lines: usize,
}

/// The code of a file: comments and items under `#[cfg(test)]` are replaced by spaces, strings by
/// quotation marks. Lines keep their numbers.
pub(crate) fn code(text: &str) -> String {
    let mut code = without_comments(text);
    while let Some(item) = next_test(&code) {
        let blank: String = code[item.clone()]
            .chars()
            .map(|c| if c == '\n' { c } else { ' ' })
            .collect();
        code.replace_range(item, &blank);
    }
    code
}

/// The range of the next item under `#[cfg(test)]`, including its attributes.
fn next_test(code: &str) -> Option<Range<usize>> {
    const TEST: &str = "#[cfg(test)]";
    let start = code.find(TEST)?;
    let mut depth = 0;
    for (offset, byte) in code[start + TEST.len()..].bytes().enumerate() {
        match byte {
            b'{' | b'(' | b'[' => depth += 1,
            b'}' | b')' | b']' => depth -= 1,
            _ => {}
        }
        // `]` only ends an attribute; a brace or a semicolon ends the item.
        if depth == 0 && matches!(byte, b'}' | b';') {
            return Some(start..start + TEST.len() + offset + 1);
        }
    }
    Some(start..code.len())
}

/// The file without comments, its strings as quotation marks.
fn without_comments(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    for (skipped, kind) in skipped(text) {
        code.push_str(&text[at..skipped.start]);
        let fill = match kind {
            Skipped::Comment => ' ',
            Skipped::Literal => '"',
        };
        at = skipped.end;
        // Byte for byte, so that positions stay.
        let bytes = text[skipped].bytes();
        code.extend(bytes.map(|byte| if byte == b'\n' { '\n' } else { fill }));
    }
    code + &text[at..]
}

/// The positions of the string literals of a file.
pub(crate) fn strings(text: &str) -> Vec<Range<usize>> {
    let literals = skipped(text).into_iter();
    let is_string = |range: &Range<usize>| {
        !text[range.clone()].contains('\'') || text[range.clone()].contains('"')
    };
    literals
        .filter(|(_, kind)| *kind == Skipped::Literal)
        .map(|(range, _)| range)
        .filter(is_string)
        .collect()
}

/// A part of a file that is not code.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Skipped {
    Comment,
    Literal,
}

/// The comments, strings and characters of a file, in order.
fn skipped(text: &str) -> Vec<(Range<usize>, Skipped)> {
    let mut found = Vec::new();
    let (mut at, mut before) = (0, None);
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        let (length, kind) = if rest.starts_with("//") {
            (rest.find('\n').unwrap_or(rest.len()), Skipped::Comment)
        } else if rest.starts_with("/*") {
            (block_comment(rest), Skipped::Comment)
        } else if let Some(length) = literal(rest, before) {
            (length, Skipped::Literal)
        } else {
            (at, before) = (at + first.len_utf8(), Some(first));
            continue;
        };
        found.push((at..at + length, kind));
        (at, before) = (at + length, None);
    }
    found
}

/// The length of the block comment at the start of a text; comments nest.
fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < text.len() {
        if text[at..].starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if text[at..].starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return at;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// The length of the string or character literal at the start of a text. `before` is the character
/// before the text.
fn literal(text: &str, before: Option<char>) -> Option<usize> {
    let in_word = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let unprefixed = if in_word {
        text
    } else {
        text.trim_start_matches(['b', 'c'])
    };
    let prefix = text.len() - unprefixed.len();
    if let Some(raw) = unprefixed.strip_prefix('r').filter(|_| !in_word) {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        if raw[hashes..].starts_with('"') {
            let end = format!("\"{}", "#".repeat(hashes));
            let body = prefix + 1 + hashes + 1;
            return Some(
                text[body..]
                    .find(&end)
                    .map_or(text.len(), |n| body + n + end.len()),
            );
        }
    }
    match unprefixed.chars().next()? {
        '"' => Some(prefix + quoted(unprefixed, '"')),
        // Unlike a character literal, a lifetime has no quotation mark after its first character.
        '\'' if unprefixed[1..].starts_with('\\')
            || unprefixed[1..].chars().nth(1) == Some('\'') =>
        {
            Some(prefix + quoted(unprefixed, '\''))
        }
        _ => None,
    }
}

/// The length of a quoted literal at the start of a text, including both quotation marks.
fn quoted(text: &str, mark: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == mark => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Splits code into words, `::`, and single characters.
pub(crate) fn tokens(code: &str) -> Vec<Token<'_>> {
    let (mut tokens, mut line, mut rest) = (Vec::new(), 1, code);
    while let Some(first) = rest.chars().next() {
        let word = rest
            .find(|c: char| !c.is_alphanumeric() && c != '_')
            .unwrap_or(rest.len());
        let length = match word {
            0 if rest.starts_with("::") => 2,
            0 => first.len_utf8(),
            word => word,
        };
        if first == '\n' {
            line += 1;
        } else if !first.is_whitespace() && first != '"' {
            let text = &rest[..length];
            tokens.push(Token { text, line });
        }
        rest = &rest[length..];
    }
    tokens
}

/// The functions with a body, including nested ones.
pub(crate) fn functions<'a>(tokens: &[Token<'a>]) -> Vec<Function<'a>> {
    let mut functions = Vec::new();
    for (at, pair) in tokens.windows(2).enumerate() {
        let [keyword, name] = pair else { continue };
        // `fn(u8)` is a type, not a function.
        if keyword.text == "fn"
            && name.text != "("
            && let Some(end) = end_of_body(&tokens[at..])
        {
            functions.push(Function {
                name: name.text,
                line: keyword.line,
                lines: end - keyword.line + 1,
            });
        }
    }
    functions
}

/// The line of the brace that ends the first item of the tokens.
fn end_of_body(tokens: &[Token<'_>]) -> Option<usize> {
    let mut depth = 0;
    for token in tokens {
        match token.text {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" => depth -= 1,
            "}" => {
                depth -= 1;
                if depth == 0 {
                    return Some(token.line);
                }
            }
            ";" if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_strings_and_tests_are_not_code() {
        let text = "fn a<'x>() { '\\'' ; \"fn b() {\" } // fn c() {}\n/* fn d() /* */ {} */\n\
                    r#\"fn e() \" {}\"#;\n#[cfg(test)]\n#[allow(x)]\nmod tests {\n fn f() {}\n}\nfn g() {}\n";
        let code = code(text);
        let tokens = tokens(&code);
        let names: Vec<&str> = functions(&tokens).iter().map(|f| f.name).collect();
        assert_eq!(names, ["a", "g"]);
        assert_eq!(code.lines().count(), text.lines().count());
    }

    #[test]
    fn lines_of_a_function_are_counted() {
        let code = code("trait T { fn a(x: [u8; 2]); }\nfn b(\n    x: u8,\n) {\n    { }\n}\n");
        let functions = functions(&tokens(&code));
        assert_eq!(
            functions,
            [Function {
                name: "b",
                line: 2,
                lines: 5
            }]
        );
    }
}
