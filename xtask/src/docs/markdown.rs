//! A minimal Markdown parser, sufficient for the checks.

/// The lines with their numbers. All lines of a code block, and its fences, have its language.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str, Option<&str>)> {
    let mut language = None;
    text.lines().enumerate().map(move |(index, line)| {
        let trimmed = line.trim();
        let mark = trimmed.trim_start_matches('`');
        let inside = language;
        if trimmed.len() - mark.len() >= 3 && !mark.contains('`') {
            // A fence with a language does not close a block.
            language = if mark.is_empty() && inside.is_some() {
                None
            } else {
                inside.or(Some(mark))
            };
        }
        (index + 1, line, inside.or(language))
    })
}

/// The code blocks of a language, as numbered lines.
pub(super) fn blocks<'a>(text: &'a str, language: &str) -> Vec<Vec<(usize, &'a str)>> {
    let mut blocks: Vec<Vec<(usize, &str)>> = Vec::new();
    for (number, line, _) in lines(text).filter(|(_, _, inside)| *inside == Some(language)) {
        match blocks.last_mut() {
            _ if line.trim_start().starts_with("```") && line.trim().len() > 3 => {
                blocks.push(Vec::new())
            }
            Some(block) if !line.trim_start().starts_with("```") => block.push((number, line)),
            _ => {}
        }
    }
    blocks
}

/// The text with all code replaced by blanks. Lines keep their numbers.
pub(super) fn prose(text: &str) -> String {
    let outside: Vec<&str> = lines(text)
        .map(|(_, line, inside)| if inside.is_some() { "" } else { line })
        .collect();
    // Inline code may span lines, but not paragraphs.
    let mut paragraphs = Vec::new();
    for paragraph in outside.join("\n").split("\n\n") {
        let mut out = String::new();
        let mut rest = paragraph;
        while let Some(start) = rest.find('`') {
            let after = rest[start..].trim_start_matches('`');
            let ticks = &rest[start..rest.len() - after.len()];
            out.push_str(&rest[..start]);
            rest = match closing(after, ticks.len()) {
                Some(end) => {
                    out.extend(
                        after[..end]
                            .chars()
                            .map(|c| if c == '\n' { c } else { ' ' }),
                    );
                    &after[end + ticks.len()..]
                }
                None => after,
            };
        }
        out.push_str(rest);
        paragraphs.push(out);
    }
    paragraphs.join("\n\n")
}

/// The position of the next run of exactly `ticks` backticks.
fn closing(text: &str, ticks: usize) -> Option<usize> {
    let mut at = 0;
    while let Some(found) = text[at..].find('`') {
        let start = at + found;
        at = text.len() - text[start..].trim_start_matches('`').len();
        if at - start == ticks {
            return Some(start);
        }
    }
    None
}

/// The targets of the links and images of a page, with their line numbers.
pub(super) fn links(text: &str) -> Vec<(usize, String)> {
    let prose = prose(text);
    let mut found = Vec::new();
    for (at, _) in prose.match_indices("](") {
        let rest = &prose[at + 2..];
        let mut depth = 1;
        let end = rest.find(|c| {
            depth += i32::from(c == '(') - i32::from(c == ')');
            depth == 0
        });
        if let Some(end) = end
            && !prose[..at].ends_with('\\')
        {
            // A title may follow the target.
            let target = rest[..end].split_whitespace().next().unwrap_or_default();
            found.push((
                prose[..at].matches('\n').count() + 1,
                target.trim_matches(['<', '>']).to_owned(),
            ));
        }
    }
    for (index, line) in prose.lines().enumerate() {
        // `[label]: target`
        if let Some((_, target)) = line
            .split_once("]: ")
            .filter(|_| line.trim_start().starts_with('['))
        {
            let target = target.split_whitespace().next().unwrap_or_default();
            found.push((index + 1, target.trim_matches(['<', '>']).to_owned()));
        }
    }
    found
}

/// The anchors that GitHub generates from the headings of a page.
pub(super) fn anchors(text: &str) -> Vec<String> {
    let mut anchors: Vec<String> = Vec::new();
    let headings =
        lines(text).filter(|(_, line, inside)| inside.is_none() && line.starts_with('#'));
    for (_, line, _) in
        headings.filter(|(_, line, _)| line.trim_start_matches('#').starts_with(' '))
    {
        // Only the text of a link is part of the anchor.
        let parts = line.trim_start_matches('#').split("](").enumerate();
        let heading: String = parts
            .map(|(i, part)| {
                if i == 0 {
                    part
                } else {
                    part.split_once(')').map_or("", |(_, rest)| rest)
                }
            })
            .collect();
        let kept = heading.trim().to_lowercase();
        let kept = kept
            .chars()
            .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        let slug: String = kept.map(|c| if c == ' ' { '-' } else { c }).collect();
        let again = (1..).map(|n| format!("{slug}-{n}"));
        let anchor = std::iter::once(slug.clone())
            .chain(again)
            .find(|anchor| !anchors.contains(anchor));
        anchors.extend(anchor);
    }
    anchors
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_not_prose() {
        let text =
            "a `b\nc` [d](e.md)\n\n```console\n$ f `\n```\n``g ` h`` `i\n\nj` [k](l) \\[m\\](n)\n";
        assert_eq!(prose(text).lines().count(), text.lines().count());
        assert_eq!(links(text), [(2, "e.md".to_owned()), (9, "l".to_owned())]);
        assert_eq!(blocks(text, "console"), [[(5, "$ f `")]]);
    }

    #[test]
    fn titles_and_labels_of_links_are_parsed() {
        let text = "![a](b(c).svg \"d\")\n\n[e]: <f.md>\n";
        assert_eq!(
            links(text),
            [(1, "b(c).svg".to_owned()), (3, "f.md".to_owned())]
        );
    }

    #[test]
    fn headings_have_unique_anchors() {
        let text = "# A `b_c`, [d](e)!\n```toml\n# f\n```\n## Twice\n## Twice\n#no\n";
        assert_eq!(anchors(text), ["a-b_c-d", "twice", "twice-1"]);
    }
}
