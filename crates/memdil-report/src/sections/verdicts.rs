//! The section of all verdicts.

use super::inputs::SectionInputs;
use crate::claims::{JudgedClaim, summary, tally, verdict_rules, verdicts};
use crate::document::{Block, Section, Text, Tone};
use crate::text::{count, when};

/// The first section: every verdict in one table.
pub(super) fn section(inputs: &SectionInputs<'_>) -> Section {
    let judged: Vec<&JudgedClaim<'_>> = inputs.judged.iter().collect();
    let mut blocks = Vec::new();
    if !judged.is_empty() {
        blocks.push(Block::note(&tally(&judged), verdict_rules(&judged)));
        for (heading, names) in summary(&inputs.judged) {
            blocks.push(Block::Text(Text {
                lead: heading,
                ..Text::new(names)
            }));
        }
        blocks.push(Block::Table(verdicts(&inputs.judged)));
    }
    if !inputs.sources.trained.missing.is_empty() {
        blocks.push(missing(&inputs.sources.trained.missing));
    }
    blocks.extend(unjudged(inputs).map(Block::text));
    Section {
        id: "claims".to_owned(),
        title: "Verdicts".to_owned(),
        blocks,
    }
}

/// The planned runs without a record.
fn missing(ids: &[String]) -> Block {
    const NAMED: usize = 10;
    let more = ids.len().saturating_sub(NAMED);
    let text = format!(
        "{} missing (failed or not run yet): {}{}.",
        count(ids.len(), "planned run is", "planned runs are"),
        ids[..ids.len() - more].join(", "),
        when(more > 0, format!(" and {more} more"))
    );
    Block::Text(Text {
        tone: Tone::Warning,
        ..Text::new(text)
    })
}

/// Why an experiment has no verdict.
fn unjudged(inputs: &SectionInputs<'_>) -> Option<String> {
    let names = inputs.unjudged();
    if !names.is_empty() {
        return Some(format!(
            "No claim is tested on {}: its experiment file was not given, declares no claim for this preset, or none of these runs has the settings \
             that its claims name.",
            names.join(", ")
        ));
    }
    let reason = if inputs.options.experiments.is_empty() {
        "no experiment file was given"
    } else {
        "no run has finished, or the experiment files declare no claim"
    };
    let none = inputs.judged.is_empty();
    none.then(|| format!("No claim is tested: {reason}."))
}
