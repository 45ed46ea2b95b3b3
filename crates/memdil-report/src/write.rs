//! From a folder of runs to the files of a report.

use std::io::Write;
use std::path::{Path, PathBuf};

use memdil_claims::Claim;
use memdil_records::{create_dir, write_atomic};

use crate::claims::terminal_table;
use crate::document;
use crate::error::ReportError;
use crate::options::ReportOptions;
use crate::sections::{Content, TITLE};

/// A report that has been written.
#[derive(Clone, Debug)]
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

/// Reads the finished runs below `options.runs` and writes them and `options.features` as
/// `index.html`, `report.md`, `claims.json`, `figures/*.svg` and `figures/*.png` into
/// `options.out`.
///
/// Everything is read and worked out before the first file is written, and each file appears whole.
/// The same runs give the same bytes.
///
/// # Errors
///
/// [`ReportError::OtherPage`] when the output folder has a page that is no report,
/// [`ReportError::NoFolder`] or
/// [`ReportError::NoRuns`] when there is nothing to report,
/// [`ReportError::Reference`] when the reference file cannot be used, [`ReportError::Records`]
/// when a run is damaged or a file cannot be written, [`ReportError::Theory`] when a model cannot
/// be solved, [`ReportError::Figure`] when a figure cannot be drawn, [`ReportError::Claim`] when a claim cannot be
/// tested.
pub fn write_report(options: &ReportOptions) -> Result<Report, ReportError> {
    refuse_other_files(&options.out)?;
    let page = options.out.join("index.html");
    let former = figures_of(&page);
    let content = Content::new(options)?;
    let html = document::html(&content.document);
    let text = document::markdown(&content.document);
    let mut json =
        serde_json::to_string_pretty(&content.claims).map_err(|e| unwritable(&options.out, e))?;
    json.push('\n');

    let folder = options.out.join("figures");
    let mut drawn = Vec::new();
    for figure in content.document.figures() {
        let png = figure.png().map_err(|source| ReportError::Figure {
            name: figure.name.clone(),
            source,
        })?;
        drawn.push((folder.join(&figure.name), figure.svg(), png));
    }
    create_dir(&folder)?;
    let mut figures = Vec::new();
    for (stem, svg, png) in drawn {
        write(&stem.with_added_extension("png"), &png)?;
        let path = stem.with_added_extension("svg");
        write(&path, svg.as_bytes())?;
        figures.push(path);
    }
    let report = Report {
        runs: content.runs,
        diverged: content.diverged,
        reference_inside: content.reference_inside,
        claims: content.claims,
        html: page,
        markdown: options.out.join("report.md"),
        claims_json: options.out.join("claims.json"),
        figures,
    };
    write(&report.claims_json, json.as_bytes())?;
    write(&report.markdown, text.as_bytes())?;
    write(&report.html, html.as_bytes())?;
    for name in former {
        let is_new = |path: &PathBuf| path.file_stem() == Path::new(&name).file_stem();
        if !report.figures.iter().any(is_new) {
            // A figure that cannot be removed is not in the page either.
            _ = std::fs::remove_file(folder.join(name));
        }
    }
    Ok(report)
}

/// Refuses a folder whose files another program wrote.
///
/// Of a report that was cut off there may be `claims.json` alone, or with `report.md`.
fn refuse_other_files(out: &Path) -> Result<(), ReportError> {
    let starts = |name: &str, with: &str| {
        std::fs::read_to_string(out.join(name)).is_ok_and(|text| text.starts_with(with))
    };
    let markdown = format!("# {}\n", TITLE);
    if out.join("index.html").exists() && !out.join("claims.json").exists() {
        let path = out.join("index.html");
        return Err(ReportError::OtherPage { path });
    }
    for (name, start) in [("claims.json", "["), ("report.md", &markdown)] {
        if out.join(name).exists() && !starts(name, start) {
            let path = out.join(name);
            return Err(ReportError::OtherPage { path });
        }
    }
    Ok(())
}

/// The files of the figures that a page links to.
fn figures_of(page: &Path) -> Vec<String> {
    let html = std::fs::read_to_string(page).unwrap_or_default();
    let links = html.split("href=\"figures/").skip(1);
    let names = links.filter_map(|link| link.split('"').next());
    names
        .filter(|name| !name.contains('/'))
        .map(str::to_owned)
        .collect()
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), ReportError> {
    Ok(write_atomic(path, |writer| writer.write_all(bytes))?)
}

fn unwritable(path: &Path, error: serde_json::Error) -> ReportError {
    memdil_records::RecordError::Write {
        path: path.to_owned(),
        cause: error.into(),
    }
    .into()
}
