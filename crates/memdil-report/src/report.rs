//! The result of writing a report.

use std::path::PathBuf;

use memdil_claims::Claim;

use crate::claims::terminal_table;

/// A report that has been written.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report {
    /// Every claim with its verdict.
    pub claims: Vec<Claim>,
    /// Number of finished runs, including diverged ones.
    pub runs: usize,
    /// Number of runs that diverged.
    pub diverged: usize,
    /// Number of reference values inside our prediction interval, and number of reference values
    /// that have such an interval; `None` without a reference.
    pub reference_inside: Option<(usize, usize)>,
    /// Path of the HTML page.
    pub html: PathBuf,
    /// Path of the same document as Markdown.
    pub markdown: PathBuf,
    /// Path of the claims as JSON.
    pub claims_json: PathBuf,
    /// Paths of the figures as SVG; each has a PNG of the same name next to it.
    pub figures: Vec<PathBuf>,
}

impl Report {
    /// The claims as a table for the terminal: claim, verdict, n, effect, interval, p.
    pub fn terminal_table(&self) -> String {
        terminal_table(&self.claims)
    }
}
