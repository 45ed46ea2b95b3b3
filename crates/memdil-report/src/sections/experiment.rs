//! The section of one experiment.

use memdil_records::SearchRecord;

use super::inputs::{LAYER_PEELED, SOLVED, SectionInputs};
use super::{classes, provenance, runs, samples, searches};
use crate::claims::{JudgedClaim, card, details, result};
use crate::classes::RunClasses;
use crate::document::{Block, Section, Text};
use crate::error::ReportError;
use crate::experiment::Page;
use crate::figures::{self, FigureSources};
use crate::layer_peeled::{self, Descent};
use crate::runs::Run;
use crate::text::{count, without_only};

/// `None` if the experiment has nothing to show.
pub(super) fn section(
    inputs: &SectionInputs<'_>,
    name: &str,
) -> Result<Option<Section>, ReportError> {
    let unnamed = Page::default();
    let page = inputs.page(name).unwrap_or(&unnamed);
    let mut runs: Vec<&Run> = inputs.sources.trained.runs.iter().collect();
    runs.retain(|run| run.record.spec.experiment == name);
    let mut searches: Vec<&SearchRecord> = inputs.sources.trained.searches.iter().collect();
    searches.retain(|search| search.spec.experiment == name);
    let mut judged: Vec<&JudgedClaim<'_>> = inputs.judged.iter().collect();
    judged.retain(|judged| judged.experiment() == name);
    let descents: &[Descent] = match name {
        LAYER_PEELED => &inputs.sources.descents,
        _ => &[],
    };

    let classes = RunClasses::of(&runs)?;
    let mut shown = Vec::new();
    if !judged.is_empty() {
        let cards = judged.iter().map(|judged| card(judged));
        shown.push(Block::Cards(cards.collect()));
    }
    let compared = inputs.comparisons.get(name);
    let sources = FigureSources {
        runs: &runs,
        searches: &searches,
        predictions: compared.map_or(&[], |compared| &compared.predictions),
        slopes: compared.map_or(&[], |compared| &compared.slopes),
        theory: inputs.theory,
        classes: classes.as_ref().and_then(|of| of.classes.as_ref()),
    };
    shown.extend(figures(inputs, name, page, &sources)?);
    if !descents.is_empty() {
        shown.push(Block::Table(layer_peeled::table(descents)));
    }
    if !searches.is_empty() {
        shown.push(Block::Heading("Searches".to_owned()));
        shown.extend(searches::blocks(&searches));
    }
    if shown.is_empty() && runs.is_empty() {
        return Ok(None);
    }
    let mut blocks = Vec::new();
    blocks.extend(introduction(
        &page.question,
        result(&judged, &runs, &page.shows),
    ));
    blocks.extend(shown);
    if !judged.is_empty() {
        let details = judged.iter().flat_map(|judged| details(judged));
        let heading = "How the claims are tested, panel by panel";
        blocks.push(Block::fold(heading, details.collect()));
    }
    blocks.extend(samples::fold(&runs));
    blocks.extend(classes.as_ref().map(classes::fold));
    if !runs.is_empty() {
        let heading = format!("{}, one per row", count(runs.len(), "run", "runs"));
        blocks.push(Block::fold(heading, runs::blocks(&runs)));
    }
    if !page.differs.is_empty() {
        let lead = "Differences from the paper.";
        blocks.push(Block::note(lead, &page.differs));
    }
    blocks.extend(provenance::note(&runs, descents));
    if let Some(command) = rerun_command(inputs.options.command.as_deref(), name) {
        blocks.push(Block::note("To rerun this experiment:", command));
    }
    Ok(Some(Section {
        id: format!("experiment-{name}"),
        title: page.title.clone().unwrap_or_else(|| name.to_owned()),
        blocks,
    }))
}

/// The figures that the experiment's file names, or the default figures.
fn figures(
    inputs: &SectionInputs<'_>,
    name: &str,
    page: &Page,
    sources: &FigureSources<'_>,
) -> Result<Vec<Block>, ReportError> {
    let names: Vec<&str> = match (&page.figures, name) {
        (Some(names), _) => names.iter().map(String::as_str).collect(),
        (None, SOLVED) => figures::THEORY.to_vec(),
        (None, _) => figures::DEFAULT.to_vec(),
    };
    // With several experiments, the prefix makes the names of figures unique.
    let several =
        inputs.trained().len() > 1 && !(sources.runs.is_empty() && sources.searches.is_empty());
    let (mut blocks, mut missing) = (Vec::new(), Vec::new());
    for figure_name in names {
        if let Some(mut figure) = figures::draw(figure_name, sources)? {
            if several {
                figure.name = format!("{name}-{}", figure.name);
            }
            blocks.push(Block::Figure(figure));
        } else if page.figures.is_some() {
            missing.push(figure_name);
        }
    }
    blocks.extend(samples::not_drawn(&missing, sources.runs));
    Ok(blocks)
}

/// Question and result side by side; `None` if both are empty.
fn introduction(question: &str, result: String) -> Option<Block> {
    let mut texts = Vec::new();
    if !question.is_empty() {
        texts.push(Text::new(question));
    }
    if !result.is_empty() {
        texts.push(Text {
            lead: "Result.".to_owned(),
            ..Text::new(result)
        });
    }
    (!texts.is_empty()).then_some(Block::Columns(texts))
}

/// The command that reruns this experiment only.
fn rerun_command(command: Option<&str>, name: &str) -> Option<String> {
    let command = command.filter(|command| command.contains(" reproduce"))?;
    Some(format!("{} --only {name}", without_only(command)))
}
