//! Builds the document of the report from its sources.

use std::collections::{BTreeMap, BTreeSet};

use super::inputs::SectionInputs;
use super::reference::Comparison;
use super::{experiment, provenance, reference, verdicts};
use crate::chart::Figure;
use crate::claims::judged;
use crate::document::{Block, Document, Section};
use crate::error::ReportError;
use crate::experiment::ReportedExperiment;
use crate::measured;
use crate::options::ReportOptions;
use crate::report::Report;
use crate::sources::Sources;
use crate::theory::Theory;

pub(crate) const TITLE: &str = "Memorization and dilation";

const PURPOSE: &str = "Does memorising noisy labels spread the features of unseen samples, and do label smoothing and \
     label relaxation spread them less than cross-entropy does? These runs test the claims of \
     “Memorization-Dilation: Modeling Neural Collapse Under Noise” (Nguyen, Levie, Lienen, Hüllermeier, Kutyniok, ICLR 2023).";

const MEASURED_PURPOSE: &str = "This report shows how far the features of these networks have collapsed, how widely the \
     features of unseen samples spread, and how wrong labels change both.";

/// Reads runs, tests claims and draws figures. The files that the returned report names are not
/// written yet.
pub(crate) fn contents(options: &ReportOptions) -> Result<(Document, Report), ReportError> {
    let sources = Sources::read(options)?;
    let runs = &sources.trained.runs;
    let comparison = options.reference.as_ref();
    let comparison = comparison.map(|path| reference::compare(path, runs));
    let comparison = comparison.transpose()?;
    let mut experiments: Vec<&ReportedExperiment> = options.experiments.iter().collect();
    experiments.sort_by_key(|one| (one.page.place.unwrap_or(u32::MAX), &one.name));
    let needed = options.theory || experiments.iter().any(|one| one.needs_theory());
    let theory = needed.then(Theory::solve).transpose()?;
    let (mut claims, mut comparisons) = (Vec::new(), BTreeMap::new());
    for experiment in experiments {
        let (new, compared) = experiment.judge(runs, &sources.descents, theory.as_ref())?;
        claims.extend(new);
        comparisons.insert(experiment.name.as_str(), compared);
    }
    let inputs = SectionInputs {
        sources: &sources,
        options,
        theory: theory.as_ref(),
        comparisons,
        judged: judged(&claims),
    };
    let document = document(&inputs, comparison.as_ref())?;
    let path = |figure: &Figure| options.out.join(format!("figures/{}.svg", figure.name));
    let report = Report {
        runs: runs.len(),
        diverged: sources.diverged(),
        reference_inside: comparison.map(|c| (c.inside(), c.judged())),
        html: options.out.join("index.html"),
        markdown: options.out.join("report.md"),
        claims_json: options.out.join("claims.json"),
        figures: document.figures().map(path).collect(),
        claims,
    };
    Ok((document, report))
}

fn document(
    inputs: &SectionInputs<'_>,
    comparison: Option<&Comparison>,
) -> Result<Document, ReportError> {
    let mut sections = Vec::new();
    if !inputs.is_measured_only() {
        sections.push(verdicts::section(inputs));
    }
    for name in inputs.experiments() {
        sections.extend(experiment::section(inputs, name)?);
    }
    sections.extend(measured::section(&inputs.options.features));
    sections.extend(comparison.map(Comparison::section));
    sections.push(provenance::section(
        &inputs.sources.provenance(),
        inputs.options.command.as_deref(),
    ));
    make_figure_names_unique(&mut sections);
    Ok(Document {
        title: TITLE,
        purpose: if inputs.is_measured_only() {
            MEASURED_PURPOSE
        } else {
            PURPOSE
        },
        facts: inputs.sources.facts(inputs.options.features.len()),
        sections,
    })
}

/// Adds the section's id to the name of a figure if an earlier figure has the same name.
fn make_figure_names_unique(sections: &mut [Section]) {
    let mut taken = BTreeSet::new();
    for Section { id, blocks, .. } in sections {
        for block in blocks {
            if let Block::Figure(figure) = block
                && !taken.insert(figure.name.clone())
            {
                figure.name = format!("{id}-{}", figure.name);
            }
        }
    }
}
