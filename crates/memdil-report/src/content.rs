//! From records to the document of the report.

use std::collections::{BTreeMap, BTreeSet};

use memdil_claims::{Claim, PanelPredictions};
use memdil_records::{Provenance, SearchRecord};

use crate::block::{Block, Document, Section, Text, Tone};
use crate::cards::{self, Judged, judged};
use crate::experiment::{Page, ReportedExperiment};
use crate::figures::{self, Material};
use crate::layer_peeled::{self, Descent};
use crate::options::ReportOptions;
use crate::reference::{self, Comparison};
use crate::runs::{Run, distinct};
use crate::sources::{Sources, made};
use crate::text::{count, date, seconds};
use crate::theory::Theory;
use crate::verdicts::{missing, result, rules, tally};
use crate::{ReportError, measured, search, tables};

pub(crate) const TITLE: &str = "Memorization and dilation";

const PURPOSE: &str = "Does memorising noisy labels spread out the features of unseen samples, and do label smoothing and \
     label relaxation spread them less than cross-entropy? What these runs say about the claims of \
     “Memorization-Dilation: Modeling Neural Collapse Under Noise” (Nguyen, Levie, Lienen, Hüllermeier, Kutyniok, ICLR 2023).";

const MEASURED_PURPOSE: &str = "How far have the features of these networks collapsed, how far do unseen samples spread, \
     and what did wrong labels do to them?";

const DEVIATIONS: &str = "Metrics and label noise follow the definitions of the metrics chapter, not every line of the \
     authors’ code; docs/src/deviations.md lists each departure with its reason.";

const RUNS: &str = "Values after the last epoch. realised: share of wrong training labels; test %: test accuracy; of correct: \
     dilation of the test samples that are classified correctly; mem.: distance of corrupted training samples to the mean of \
     their true class; as given: share of them predicted as the wrong label they were given; s: seconds.";

/// The experiment whose section shows free features beside the closed form.
const LAYER_PEELED: &str = "layer-peeled";
/// The section of the solved models where no experiment file names one.
const SOLVED: &str = "md-theory";

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
        let reference = options.reference.as_deref();
        let comparison = reference
            .map(|path| reference::compare(path, &sources.runs))
            .transpose()?;
        let needs_theory = |experiment: &ReportedExperiment| experiment.needs_theory();
        let theory = (options.theory || options.experiments.iter().any(needs_theory))
            .then(Theory::solve)
            .transpose()?;
        let (mut claims, mut predictions) = (Vec::new(), BTreeMap::new());
        let mut experiments: Vec<&ReportedExperiment> = options.experiments.iter().collect();
        experiments.sort_by_key(|one| (one.page.place.unwrap_or(u32::MAX), &one.name));
        for experiment in experiments {
            let (new, predicted) =
                experiment.judge(&sources.runs, &sources.descents, theory.as_ref())?;
            claims.extend(new);
            predictions.insert(experiment.name.as_str(), predicted);
        }
        let report = Report {
            sources: &sources,
            options,
            theory: theory.as_ref(),
            predictions,
            judged: judged(&claims),
        };
        let document = report.document(comparison.as_ref())?;
        Ok(Self {
            document,
            runs: sources.runs.len(),
            diverged: sources.diverged(),
            reference_inside: comparison.map(|c| (c.inside(), c.judged())),
            claims,
        })
    }
}

/// The sources of the document.
struct Report<'a> {
    sources: &'a Sources,
    options: &'a ReportOptions,
    theory: Option<&'a Theory>,
    /// By experiment.
    predictions: BTreeMap<&'a str, Vec<PanelPredictions>>,
    judged: Vec<Judged<'a>>,
}

impl Report<'_> {
    fn document(&self, comparison: Option<&Comparison>) -> Result<Document, ReportError> {
        // Nothing but features of other programs.
        let measured_only = self.sources.made().is_empty()
            && self.sources.searches.is_empty()
            && self.judged.is_empty()
            && !self.options.features.is_empty();
        let mut sections = Vec::new();
        if !measured_only {
            sections.push(self.verdicts());
        }
        for name in self.experiments() {
            sections.extend(self.experiment(name)?);
        }
        sections.extend(measured::section(&self.options.features));
        sections.extend(comparison.map(compared));
        sections.push(self.provenance());
        name_apart(&mut sections);
        Ok(Document {
            title: TITLE,
            purpose: if measured_only {
                MEASURED_PURPOSE
            } else {
                PURPOSE
            },
            facts: self.sources.facts(self.options.features.len()),
            sections,
        })
    }

    /// Every verdict in one table, before anything else.
    fn verdicts(&self) -> Section {
        let mut blocks = Vec::new();
        if !self.judged.is_empty() {
            blocks.push(Block::Text(Text {
                lead: tally(&self.judged),
                tone: Tone::Muted,
                ..Text::new(rules(&self.judged))
            }));
            blocks.push(Block::Table(cards::verdicts(&self.judged)));
        }
        blocks.extend(missing(&self.sources.missing));
        blocks.extend(self.unjudged().map(Block::text));
        Section {
            id: "claims".to_owned(),
            title: "Verdicts".to_owned(),
            blocks,
        }
    }

    /// Why an experiment has no verdict.
    fn unjudged(&self) -> Option<String> {
        let judged: BTreeSet<&str> = self.judged.iter().map(Judged::experiment).collect();
        let runs = &self.sources.runs;
        let mut names = distinct(runs, |run| run.record.spec.experiment.as_str());
        names.retain(|name| !judged.contains(name));
        if !names.is_empty() {
            return Some(format!(
                "No claim is tested on {}: its file was not given, or declares none for this preset.",
                names.join(", ")
            ));
        }
        judged.is_empty().then(|| {
            let reason = if self.options.experiments.is_empty() {
                "no experiment file was given"
            } else {
                "no run has finished, or the files declare none"
            };
            format!("No claim is tested: {reason}.")
        })
    }

    /// The names of the experiments in the order of their sections.
    fn experiments(&self) -> Vec<&str> {
        let mut names: BTreeSet<&str> = self.judged.iter().map(Judged::experiment).collect();
        let Sources {
            runs,
            searches,
            descents,
            ..
        } = self.sources;
        names.extend(runs.iter().map(|run| run.record.spec.experiment.as_str()));
        names.extend(
            searches
                .iter()
                .map(|search| search.spec.experiment.as_str()),
        );
        if !descents.is_empty() {
            names.insert(LAYER_PEELED);
        }
        if self.options.theory {
            names.insert(SOLVED);
        }
        let mut names: Vec<&str> = names.into_iter().collect();
        names.sort_by_key(|name| {
            self.page(name)
                .and_then(|page| page.place)
                .unwrap_or(u32::MAX)
        });
        names
    }

    fn page(&self, experiment: &str) -> Option<&Page> {
        let mut all = self.options.experiments.iter();
        all.find(|one| one.name == experiment).map(|one| &one.page)
    }

    /// The section of an experiment; `None` where it has nothing to show.
    fn experiment(&self, name: &str) -> Result<Option<Section>, ReportError> {
        let unnamed = Page::default();
        let page = self.page(name).unwrap_or(&unnamed);
        let Sources {
            runs,
            searches,
            descents,
            ..
        } = self.sources;
        let of_runs = |run: &&Run| run.record.spec.experiment == name;
        let runs: Vec<Run> = runs.iter().filter(of_runs).cloned().collect();
        let of_searches = |search: &&SearchRecord| search.spec.experiment == name;
        let searches: Vec<SearchRecord> = searches.iter().filter(of_searches).cloned().collect();
        let judged = self
            .judged
            .iter()
            .filter(|judged| judged.experiment() == name);
        let judged: Vec<&Judged<'_>> = judged.collect();
        let descents: &[Descent] = if name == LAYER_PEELED { descents } else { &[] };

        let mut blocks = Vec::new();
        if !judged.is_empty() {
            let cards = judged.iter().map(|judged| judged.card());
            blocks.push(Block::Cards(cards.collect()));
        }
        blocks.extend(self.figures(name, page, &runs, &searches)?);
        if !descents.is_empty() {
            blocks.push(Block::Table(layer_peeled::table(descents)));
        }
        if !searches.is_empty() {
            blocks.push(Block::Heading("Searches".to_owned()));
            blocks.extend(search::blocks(&searches));
        }
        if blocks.is_empty() && runs.is_empty() {
            return Ok(None);
        }
        let intro = introduction(&page.question, result(&judged, page, &runs));
        blocks.splice(..0, intro);
        blocks.extend(details(&judged, &runs));
        if !page.differs.is_empty() {
            let lead = "Where it differs from the paper.";
            blocks.push(Block::note(lead, &page.differs));
        }
        blocks.extend(provenance(&runs, descents));
        if let Some(command) = again(self.options.command.as_deref(), name) {
            blocks.push(Block::note("To run it again:", command));
        }
        Ok(Some(Section {
            id: format!("experiment-{name}"),
            title: page.title.clone().unwrap_or_else(|| name.to_owned()),
            blocks,
        }))
    }

    fn figures(
        &self,
        name: &str,
        page: &Page,
        runs: &[Run],
        searches: &[SearchRecord],
    ) -> Result<Vec<Block>, ReportError> {
        let default: &[&str] = if name == SOLVED {
            &figures::THEORY
        } else {
            &figures::DEFAULT
        };
        let default = default.iter().map(|name| (*name).to_owned()).collect();
        let names: Vec<String> = page.figures.clone().unwrap_or(default);
        let material = Material {
            runs,
            searches,
            predictions: self.predictions.get(name).map_or(&[], Vec::as_slice),
            theory: self.theory,
        };
        let mut blocks = Vec::new();
        for figure in names {
            let Some(mut figure) = figures::draw(&figure, &material)? else {
                continue;
            };
            if self.has_several() && !(runs.is_empty() && searches.is_empty()) {
                figure.name = format!("{name}-{}", figure.name);
            }
            blocks.push(Block::Figure(figure));
        }
        Ok(blocks)
    }

    /// True when figures of several experiments need names of their own.
    fn has_several(&self) -> bool {
        let Sources { runs, searches, .. } = self.sources;
        let trained = runs.iter().map(|run| &run.record.spec.experiment);
        let searched = searches.iter().map(|search| &search.spec.experiment);
        trained.chain(searched).collect::<BTreeSet<_>>().len() > 1
    }

    fn provenance(&self) -> Section {
        let mut blocks = vec![Block::text(DEVIATIONS)];
        let table = tables::provenance(&self.sources.made());
        if !table.rows.is_empty() {
            blocks.push(Block::Table(table));
        }
        if let Some(command) = &self.options.command {
            blocks.push(Block::Heading("To run it again".to_owned()));
            blocks.push(Block::Code(command.clone()));
        }
        Section {
            id: "provenance".to_owned(),
            title: "Deviations and provenance".to_owned(),
            blocks,
        }
    }
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

/// Question and result side by side; `None` without either.
fn introduction(question: &str, result: String) -> Option<Block> {
    let question = (!question.is_empty()).then(|| Text::new(question));
    let result = (!result.is_empty()).then(|| Text {
        lead: "Result.".to_owned(),
        ..Text::new(result)
    });
    let texts: Vec<Text> = question.into_iter().chain(result).collect();
    (!texts.is_empty()).then_some(Block::Columns(texts))
}

/// Folded: how claims were tested, and the runs.
fn details(judged: &[&Judged<'_>], runs: &[Run]) -> Vec<Block> {
    let fold = |heading: String, blocks: Vec<Block>| Block::Fold {
        heading,
        open: false,
        blocks,
    };
    let mut folds = Vec::new();
    if !judged.is_empty() {
        let details = judged.iter().flat_map(|judged| judged.details());
        let heading = "How the claims are tested, panel by panel";
        folds.push(fold(heading.to_owned(), details.collect()));
    }
    if !runs.is_empty() {
        let heading = format!("{}, one per row", count(runs.len(), "run", "runs"));
        let table = Block::Table(tables::runs(runs));
        folds.push(fold(heading, vec![Block::note("", RUNS), table]));
    }
    folds
}

/// Number of runs, their time, when and from which code; `None` where nothing was trained.
fn provenance(runs: &[Run], descents: &[Descent]) -> Option<Block> {
    let made = made(runs, descents);
    let newest = made
        .iter()
        .map(|(provenance, _)| provenance.started_unix)
        .max()?;
    let list = |value: fn(&Provenance) -> &str| {
        let values: BTreeSet<&str> = made
            .iter()
            .map(|(provenance, _)| value(provenance))
            .collect();
        values.into_iter().collect::<Vec<_>>().join(", ")
    };
    let seeds = match distinct(runs, Run::seed).len() {
        0 => String::new(),
        n => format!(", {}", count(n, "seed", "seeds")),
    };
    let text = format!(
        "{} on {}{seeds}, {} s of one thread in all, {}, commit {}.",
        count(made.len(), "run", "runs"),
        list(|p| &p.device),
        seconds(made.iter().map(|(_, s)| s).sum()),
        date(newest),
        list(|p| p.commit.get(..12).unwrap_or(&p.commit)),
    );
    Some(Block::note("Made from", text))
}

/// The command for this experiment alone.
fn again(command: Option<&str>, name: &str) -> Option<String> {
    let command = command.filter(|command| command.contains(" reproduce"))?;
    Some(if command.contains("--only") {
        command.to_owned()
    } else {
        format!("{command} --only {name}")
    })
}

/// Reference values beside ours.
fn compared(comparison: &Comparison) -> Section {
    Section {
        id: "reference".to_owned(),
        title: "Beside the reference".to_owned(),
        blocks: vec![
            Block::Text(Text {
                lead: comparison.headline(),
                ..Text::new(comparison.explanation())
            }),
            Block::Table(tables::comparison(comparison)),
        ],
    }
}
