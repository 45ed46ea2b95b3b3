//! A report for its caller.

use std::path::PathBuf;

use memdil_claims::Claim;

use crate::claims::terminal_table;

/// A report that has been written.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report {
    /// Every claim with its verdict.
    pub claims: Vec<Claim>,
    /// Finished runs, the diverged ones among them.
    pub runs: usize,
    /// Runs that diverged.
    pub diverged: usize,
    /// Cells inside our prediction interval, and cells that have an interval; `None` without a
    /// reference.
    pub reference_inside: Option<(usize, usize)>,
    /// The page.
    pub html: PathBuf,
    /// The same as Markdown.
    pub markdown: PathBuf,
    /// The claims as JSON.
    pub claims_json: PathBuf,
    /// The figures as SVG files; beside each is a PNG of the same name.
    pub figures: Vec<PathBuf>,
}

impl Report {
    /// The claims for a terminal: claim, verdict, n, effect, interval, p.
    pub fn terminal_table(&self) -> String {
        terminal_table(&self.claims)
    }
}
