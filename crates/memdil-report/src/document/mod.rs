//! The report as a document of blocks, with writers for HTML and Markdown.

mod blocks;
mod html;
mod markdown;

pub(crate) use blocks::{Block, Card, Document, Row, Section, Table, Text, Tone};
pub(crate) use html::html;
pub(crate) use markdown::markdown;
