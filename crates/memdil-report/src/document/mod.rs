//! The report as one document of blocks, and its two writers, HTML and Markdown.

mod blocks;
mod html;
mod markdown;

pub(crate) use blocks::{Block, Card, Document, Row, Section, Table, Text, Tone};
pub(crate) use html::html;
pub(crate) use markdown::markdown;
