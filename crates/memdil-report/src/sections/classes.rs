//! The table of the classes of one run.

use crate::classes::{COLUMNS, RunClasses, table, worst};
use crate::document::Block;

/// The fold with the table, or with the reason why the run cannot be measured.
pub(super) fn fold(of: &RunClasses) -> Block {
    let mut blocks = vec![Block::note("", COLUMNS)];
    if let Some(classes) = &of.classes {
        blocks.extend(worst(classes).map(Block::text));
        blocks.push(Block::Table(table([classes])));
    }
    for line in &of.undefined {
        blocks.push(Block::note("", format!("{}: {line}.", of.network)));
    }
    Block::fold("Classes of one run", blocks)
}
