//! The writers: one document as HTML and as Markdown.

mod html;
mod markdown;

pub(crate) use html::html;
pub(crate) use markdown::markdown;
