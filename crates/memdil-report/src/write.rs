//! From a folder of runs to the files of a report.

use std::io::Write;
use std::path::{Path, PathBuf};

use memdil_records::{RecordError, create_dir, write_atomic};

use crate::document;
use crate::error::ReportError;
use crate::options::ReportOptions;
use crate::report::Report;
use crate::sections::{TITLE, contents};

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
    let former = figures_of(&options.out.join("index.html"));
    let (document, report) = contents(options)?;
    let html = document::html(&document);
    let text = document::markdown(&document);
    let unwritable = |error: serde_json::Error| RecordError::Write {
        path: options.out.clone(),
        cause: error.into(),
    };
    let json = serde_json::to_string_pretty(&report.claims).map_err(unwritable)? + "\n";
    let mut drawn = Vec::new();
    for figure in document.figures() {
        let png = figure.png().map_err(|source| ReportError::Figure {
            name: figure.name.clone(),
            source,
        })?;
        drawn.push((figure.svg(), png));
    }

    let folder = options.out.join("figures");
    create_dir(&folder)?;
    for (path, (svg, png)) in report.figures.iter().zip(drawn) {
        write(&path.with_extension("png"), &png)?;
        write(path, svg.as_bytes())?;
    }
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
    let exists = |name: &str| out.join(name).exists();
    let markdown = format!("# {TITLE}\n");
    let mut texts = [("claims.json", "["), ("report.md", &markdown)].into_iter();
    let other = if exists("index.html") && !exists("claims.json") {
        Some("index.html")
    } else {
        let other = texts.find(|(name, start)| exists(name) && !starts(name, start));
        other.map(|(name, _)| name)
    };
    match other.map(|name| out.join(name)) {
        Some(path) => Err(ReportError::OtherPage { path }),
        None => Ok(()),
    }
}

/// The files of the figures that a page links to.
fn figures_of(page: &Path) -> Vec<String> {
    let html = std::fs::read_to_string(page).unwrap_or_default();
    let links = html.split("href=\"figures/").skip(1);
    let names = links.filter_map(|link| link.split('"').next());
    let names = names.filter(|name| !name.contains('/'));
    names.map(str::to_owned).collect()
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), ReportError> {
    Ok(write_atomic(path, |writer| writer.write_all(bytes))?)
}
