//! Writes the files of a report.

use std::io::Write;
use std::path::{Path, PathBuf};

use memdil_records::{RecordError, create_dir, write_atomic};

use crate::document;
use crate::error::ReportError;
use crate::options::ReportOptions;
use crate::report::Report;
use crate::sections::{TITLE, contents};

/// Reports on the finished runs below `options.runs` and on `options.features`: writes
/// `index.html`, `report.md`, `claims.json`, `figures/*.svg` and `figures/*.png` into
/// `options.out`.
///
/// All results are computed before the first file is written, and each file is written atomically.
/// The same inputs always produce the same bytes.
///
/// # Errors
///
/// - [`ReportError::OtherPage`] if the output folder has a file that is not part of a report.
/// - [`ReportError::NoFolder`] or [`ReportError::NoRuns`] if there is nothing to report.
/// - [`ReportError::Reference`] if the reference file cannot be used.
/// - [`ReportError::Records`] if a run is damaged or a file cannot be written.
/// - [`ReportError::Theory`] if a model cannot be solved.
/// - [`ReportError::Figure`] if a figure cannot be rendered.
/// - [`ReportError::Claim`] if a claim cannot be tested.
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
            // A failure is ignored: the new page does not link to this file.
            _ = std::fs::remove_file(folder.join(name));
        }
    }
    Ok(report)
}

/// Refuses a folder whose files another program wrote.
///
/// `claims.json` alone or with `report.md` is accepted: an interrupted report leaves these files.
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
