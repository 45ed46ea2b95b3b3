//! The blocks of a document, independent of the output format.

use memdil_claims::Verdict;

use crate::chart::{Figure, Picture};

/// A whole report.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    pub(crate) title: &'static str,
    /// The purpose of the report, printed below the title.
    pub(crate) purpose: &'static str,
    /// Date, number of runs, number of seeds, data sets.
    pub(crate) facts: Vec<String>,
    pub(crate) sections: Vec<Section>,
}

impl Document {
    /// The figures in the order of their numbers.
    pub(crate) fn figures(&self) -> impl Iterator<Item = &Figure> {
        let blocks = self.sections.iter().flat_map(|section| &section.blocks);
        blocks.filter_map(|block| match block {
            Block::Figure(figure) => Some(figure),
            _ => None,
        })
    }
}

/// A part of the report with a heading.
#[derive(Clone, Debug)]
pub(crate) struct Section {
    /// Anchor on the page.
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) blocks: Vec<Block>,
}

/// A part of a section.
#[derive(Clone, Debug)]
pub(crate) enum Block {
    Heading(String),
    Text(Text),
    /// Paragraphs side by side if the screen is wide enough.
    Columns(Vec<Text>),
    Cards(Vec<Card>),
    /// The writer numbers figures. A figure is never inside a fold.
    Figure(Figure),
    Table(Table),
    /// A collapsible block; `open` is its initial state.
    Fold {
        heading: String,
        open: bool,
        blocks: Vec<Block>,
    },
    /// A shell command.
    Code(String),
}

impl Block {
    /// A paragraph.
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text(Text::new(text))
    }

    /// A muted paragraph, with `lead` in bold.
    pub(crate) fn note(lead: &str, text: impl Into<String>) -> Self {
        Self::Text(Text {
            lead: lead.to_owned(),
            text: text.into(),
            tone: Tone::Muted,
        })
    }

    /// A collapsible block that is initially closed.
    pub(crate) fn fold(heading: impl Into<String>, blocks: Vec<Self>) -> Self {
        Self::Fold {
            heading: heading.into(),
            open: false,
            blocks,
        }
    }
}

/// A paragraph, which starts with `lead` in bold.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    pub(crate) lead: String,
    pub(crate) text: String,
    pub(crate) tone: Tone,
}

impl Text {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self {
            lead: String::new(),
            text: text.into(),
            tone: Tone::Plain,
        }
    }
}

/// The emphasis of a paragraph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Plain,
    Muted,
    Warning,
}

/// A claim with its outcome over all panels.
#[derive(Clone, Debug)]
pub(crate) struct Card {
    pub(crate) verdict: Verdict,
    pub(crate) statement: String,
    pub(crate) id: String,
    /// Names and values.
    pub(crate) facts: Vec<(String, String)>,
    /// Effects and intervals of the panels.
    pub(crate) plot: Option<Picture>,
    /// Why the claim is inconclusive, or which result would refute it.
    pub(crate) remark: String,
}

/// A table with columns of text or numbers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    /// CSS class.
    pub(crate) class: &'static str,
    /// Heading and whether the column holds numbers.
    pub(crate) columns: Vec<(String, bool)>,
    pub(crate) rows: Vec<Row>,
}

impl Table {
    /// `headings` are separated by ` | `; a leading `#` marks a column of numbers.
    pub(crate) fn new(headings: &str, rows: impl IntoIterator<Item = Row>) -> Self {
        let mut columns = Vec::new();
        for heading in headings.split(" | ") {
            let number = heading.strip_prefix('#');
            columns.push((number.unwrap_or(heading).to_owned(), number.is_some()));
        }
        Self {
            columns,
            rows: rows.into_iter().collect(),
            class: "",
        }
    }
}

/// A row of cells. A remark replaces the missing cells at its end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Row {
    pub(crate) cells: Vec<String>,
    pub(crate) remark: Option<String>,
    /// CSS class.
    pub(crate) class: &'static str,
}

impl Row {
    pub(crate) fn of(cells: Vec<String>) -> Self {
        Self {
            cells,
            ..Self::default()
        }
    }

    /// A heading across the whole table.
    pub(crate) fn group(heading: String) -> Self {
        Self {
            remark: Some(heading),
            class: "group",
            ..Self::default()
        }
    }
}
