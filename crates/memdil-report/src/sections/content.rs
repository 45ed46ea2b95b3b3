//! From the sources to the document of the report.

use std::collections::{BTreeMap, BTreeSet};

use memdil_claims::Claim;

use super::inputs::SectionInputs;
use super::reference::Comparison;
use super::{experiment, provenance, reference, verdicts};
use crate::claims::judged;
use crate::document::{Block, Document, Section};
use crate::error::ReportError;
use crate::experiment::ReportedExperiment;
use crate::measured;
use crate::options::ReportOptions;
use crate::sources::Sources;
use crate::theory::Theory;

pub(crate) const TITLE: &str = "Memorization and dilation";

const PURPOSE: &str = "Does memorising noisy labels spread out the features of unseen samples, and do label smoothing and \
     label relaxation spread them less than cross-entropy? What these runs say about the claims of \
     “Memorization-Dilation: Modeling Neural Collapse Under Noise” (Nguyen, Levie, Lienen, Hüllermeier, Kutyniok, ICLR 2023).";

const MEASURED_PURPOSE: &str = "How far have the features of these networks collapsed, how far do unseen samples spread, \
     and what did wrong labels do to them?";

/// The document, and the facts that the caller of the report gets.
pub(crate) struct Content {
    pub(crate) document: Document,
    pub(crate) claims: Vec<Claim>,
    pub(crate) runs: usize,
    pub(crate) diverged: usize,
    /// Cells inside our prediction interval, and cells that have one.
    pub(crate) reference_inside: Option<(usize, usize)>,
}

impl Content {
    /// Reads runs, tests claims and draws figures.
    pub(crate) fn new(options: &ReportOptions) -> Result<Self, ReportError> {
        let sources = Sources::read(options)?;
        let comparison = match &options.reference {
            Some(path) => Some(reference::compare(path, &sources.trained.runs)?),
            None => None,
        };
        let mut experiments: Vec<&ReportedExperiment> = options.experiments.iter().collect();
        experiments.sort_by_key(|one| (one.page.place.unwrap_or(u32::MAX), &one.name));
        let theory = if options.theory || experiments.iter().any(|one| one.needs_theory()) {
            Some(Theory::solve()?)
        } else {
            None
        };
        let (mut claims, mut predictions) = (Vec::new(), BTreeMap::new());
        for experiment in experiments {
            let (new, predicted) =
                experiment.judge(&sources.trained.runs, &sources.descents, theory.as_ref())?;
            claims.extend(new);
            predictions.insert(experiment.name.as_str(), predicted);
        }
        let inputs = SectionInputs {
            sources: &sources,
            options,
            theory: theory.as_ref(),
            predictions,
            judged: judged(&claims),
        };
        let document = document(&inputs, comparison.as_ref())?;
        Ok(Self {
            document,
            runs: sources.trained.runs.len(),
            diverged: sources.diverged(),
            reference_inside: comparison.map(|c| (c.inside(), c.judged())),
            claims,
        })
    }
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
    let made = inputs.sources.made();
    sections.push(provenance::section(
        &made,
        inputs.options.command.as_deref(),
    ));
    name_apart(&mut sections);
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

/// Gives a figure whose name is taken the name of its section too.
fn name_apart(sections: &mut [Section]) {
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
