//! The histories of hyper-parameter searches: tables and the figure of accuracy over trials.

use std::collections::{BTreeMap, BTreeSet};

use memdil_records::{RunSpec, SearchRecord, TrialRecord};
use serde_json::Value;

use crate::chart::{Figure, Frame, Glyph, Group, Key, Picture, Scale, cross, loss_class, mark};
use crate::figures::span;
use crate::runs::loss_rank;
use crate::table::{Row, Table, heads};
use crate::text::{classes, count, escape, or_dash, percent, setting};

/// What the section says first.
pub(crate) const SEARCH: &str = "Each trial trains with sampled settings for a share of the epochs. The one with the \
     highest accuracy on held-out training samples, whose labels are as noisy as the others, is the best; its settings are \
     trained again on all training data for all epochs, and only that run is tested and counted. A diverged trial counts as \
     worst.";

/// Searches drawn: those of the first seeds.
const DRAWN: usize = 12;
/// Tables with more rows are folded.
const SHORT: usize = 8;

/// The searches in the order of the tables: experiment, data, noise level, loss, seed.
pub(crate) fn sort(searches: &mut [SearchRecord]) {
    searches.sort_by_cached_key(|record| {
        let spec = &record.spec;
        let noise = (spec.noise.requested() * 1e9) as u64;
        let data = (
            spec.data.source.name().to_owned(),
            spec.data.classes.clone(),
        );
        (
            spec.experiment.clone(),
            data,
            noise,
            loss_rank(spec.loss.short_name()),
            spec.seed,
            record.id.clone(),
        )
    });
}

/// What a retrained run was searched around.
pub(crate) struct Searched {
    /// The specification of the search.
    pub(crate) spec: RunSpec,
    /// The names of the settings that were searched over.
    pub(crate) settings: Vec<String>,
}

/// What was searched, by retrained run.
pub(crate) fn searched(searches: &[SearchRecord]) -> BTreeMap<String, Searched> {
    let of = |record: &SearchRecord| {
        let searched = Searched {
            spec: record.spec.clone(),
            settings: record.settings.clone(),
        };
        Some((record.retrained.as_ref()?.run.clone(), searched))
    };
    searches.iter().filter_map(of).collect()
}

/// `LS, η = 0.2, seed 3`, after the experiment where there are several.
fn label(record: &SearchRecord, all: &[SearchRecord]) -> String {
    let spec = &record.spec;
    let data = |record: &SearchRecord| {
        let data = &record.spec.data;
        format!(
            "{}: {} {}",
            record.spec.experiment,
            data.source.name(),
            classes(&data.classes)
        )
    };
    let several = all.iter().map(data).collect::<BTreeSet<_>>().len() > 1;
    let before = if several {
        data(record) + ", "
    } else {
        String::new()
    };
    let (loss, seed) = (spec.loss.short_name(), spec.seed);
    format!(
        "{before}{loss}, η = {}, seed {seed}",
        setting_or_zero(spec.noise.requested())
    )
}

fn setting_or_zero(value: f64) -> String {
    if value.abs() < 1e-300 {
        "0".to_owned()
    } else {
        setting(value)
    }
}

/// A value as tables show it: numbers short, all else as in a configuration.
fn value(value: &Value) -> String {
    match value {
        Value::Number(number) if number.is_f64() => or_dash(number.as_f64(), setting_or_zero),
        Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}

/// All searches, one a row.
pub(crate) fn summary(searches: &[SearchRecord]) -> Table {
    let columns = [
        ("search", false),
        ("sampler", false),
        ("trials", true),
        ("best", true),
        ("validation %", true),
        ("its settings", false),
        ("test % of the retrained", true),
        ("retrained run", false),
    ];
    let rows = searches.iter().map(|record| {
        let (made, all, best) = (record.trials.len(), record.search.trials, record.best());
        let settings = |best: &TrialRecord| {
            best.values
                .iter()
                .map(|(name, v)| format!("{name} = {}", value(v)))
                .collect::<Vec<_>>()
                .join(", ")
        };
        let retrained = record.retrained.as_ref();
        let cells = vec![
            label(record, searches),
            record.search.sampler.name().to_owned(),
            if made < all {
                format!("{made} of {all}")
            } else {
                made.to_string()
            },
            best.map_or_else(|| "–".to_owned(), |best| best.trial.to_string()),
            or_dash(best.and_then(|best| best.validation_accuracy), accuracy),
            best.map_or_else(|| "–".to_owned(), settings),
            or_dash(
                retrained.and_then(|retrained| retrained.test_accuracy),
                accuracy,
            ),
            retrained.map_or_else(|| "–".to_owned(), |retrained| retrained.run.clone()),
        ];
        Row {
            cells,
            ..Row::default()
        }
    });
    Table {
        columns: heads(&columns),
        rows: rows.collect(),
    }
}

fn accuracy(share: f64) -> String {
    format!("{:.2}", 100.0 * share)
}

/// The trials of a search, the best one marked.
fn trials(record: &SearchRecord) -> Table {
    let mut columns = vec![("trial".to_owned(), true)];
    columns.extend(record.settings.iter().map(|name| (name.clone(), true)));
    columns.extend([
        ("validation %".to_owned(), true),
        ("best so far %".to_owned(), true),
    ]);
    columns.extend([(String::new(), false), ("run".to_owned(), false)]);
    let rows = record.trials.iter().map(|trial| {
        let is_best = record.best_trial == Some(trial.trial);
        let remark = match trial.validation_accuracy {
            None => "✗ diverged",
            Some(_) if is_best => "✓ best",
            Some(_) => "",
        };
        let mut cells = vec![trial.trial.to_string()];
        cells.extend(
            record
                .settings
                .iter()
                .map(|name| trial.values.get(name).map_or_else(|| "–".to_owned(), value)),
        );
        cells.extend([
            or_dash(trial.validation_accuracy, accuracy),
            or_dash(trial.best_so_far, accuracy),
        ]);
        cells.extend([remark.to_owned(), trial.run.clone()]);
        let class = if trial.validation_accuracy.is_none() {
            "diverged"
        } else {
            ""
        };
        Row {
            cells,
            class,
            ..Row::default()
        }
    });
    Table {
        columns,
        rows: rows.collect(),
    }
}

/// The tables on the page.
pub(crate) fn html(searches: &[SearchRecord]) -> String {
    let mut html = format!("<p>{}</p>{}", escape(SEARCH), summary(searches).html());
    for record in searches {
        let open = if record.trials.len() > SHORT {
            ""
        } else {
            " open=\"open\""
        };
        html += &format!(
            "<details{open}><summary>{}: {}</summary>{}</details>\n",
            escape(&label(record, searches)),
            count(record.trials.len(), "trial", "trials"),
            trials(record).html()
        );
    }
    html
}

/// The tables in Markdown, each with its heading.
pub(crate) fn markdown_trials(searches: &[SearchRecord]) -> impl Iterator<Item = (String, String)> {
    searches
        .iter()
        .map(|record| (label(record, searches), trials(record).markdown()))
}

/// Validation accuracy over the trials of every search; none before the first trial that ended
/// well.
pub(crate) fn figure(searches: &[SearchRecord]) -> Option<Figure> {
    let accuracies = |record: &SearchRecord| -> Vec<f64> {
        record
            .trials
            .iter()
            .filter_map(|trial| trial.validation_accuracy)
            .collect()
    };
    let [low, high] = span(searches.iter().flat_map(accuracies))?;
    let all: Vec<&SearchRecord> = searches
        .iter()
        .filter(|record| !accuracies(record).is_empty())
        .collect();
    let mut seeds: Vec<u64> = all.iter().map(|record| record.spec.seed).collect();
    seeds.sort_unstable();
    let last = seeds[DRAWN.min(seeds.len()) - 1];
    let mut drawn: Vec<&SearchRecord> = all
        .iter()
        .copied()
        .filter(|record| record.spec.seed <= last)
        .collect();
    drawn.truncate(DRAWN);
    let more = match all.len() - drawn.len() {
        0 => String::new(),
        n => format!(
            " {} are in the table only.",
            count(n, "more search", "more searches")
        ),
    };
    let pictures = drawn
        .iter()
        .map(|record| picture(record, &label(record, searches), [low, high]))
        .collect();
    let mut legend: Vec<Key> = Vec::new();
    let mut losses: Vec<&'static str> = drawn
        .iter()
        .map(|record| record.spec.loss.short_name())
        .collect();
    losses.sort_by_key(|loss| loss_rank(loss));
    losses.dedup();
    legend.extend(
        losses
            .iter()
            .map(|loss| Key::Colour(loss_class(loss), Some(Glyph::Circle), (*loss).to_owned())),
    );
    legend.push(Key::Shape(Glyph::Star, "best trial".to_owned()));
    let diverged: usize = all
        .iter()
        .flat_map(|r| &r.trials)
        .filter(|t| t.validation_accuracy.is_none())
        .count();
    if diverged > 0 {
        legend.push(Key::Crosses("other", "diverged".to_owned()));
    }
    let made: usize = all.iter().map(|record| record.trials.len()).sum();
    let lost = if diverged > 0 {
        format!(" {} diverged.", count(diverged, "trial", "trials"))
    } else {
        String::new()
    };
    Some(Figure {
        name: "search-history".to_owned(),
        heading: "What the searches found".to_owned(),
        caption: format!(
            "Validation accuracy of {} in {} lies between {} and {}.{lost}",
            count(made, "trial", "trials"),
            count(all.len(), "search", "searches"),
            percent(low, 1),
            percent(high, 1)
        ),
        reading: format!(
            "A mark is a trial; the line steps up to the best so far. Held-out labels are noisy: even a network that \
             knows every true label does not reach 100%.{more}"
        ),
        legend,
        groups: vec![Group {
            title: None,
            columns: 3,
            pictures,
        }],
        side_by_side: false,
    })
}

fn picture(record: &SearchRecord, label: &str, [low, high]: [f64; 2]) -> Picture {
    let frame = Frame::new(300.0, 220.0);
    let class = loss_class(record.spec.loss.short_name());
    let x = Scale::exact([0.5, record.search.trials as f64 + 0.5], frame.x_range());
    let y = Scale::linear([100.0 * low, 100.0 * high], frame.y_range(), 4);
    let every = record.search.trials.div_ceil(6).max(1);
    let x_ticks: Vec<(f64, String)> = (1..=record.search.trials)
        .step_by(every)
        .map(|trial| (trial as f64, trial.to_string()))
        .collect();
    let mut body = frame.axes(
        label,
        (&x, &x_ticks, "trial"),
        (&y, &y.ticks(5), "validation accuracy, %"),
    );
    let (mut line, mut marks, mut crosses) = (String::new(), String::new(), String::new());
    for trial in &record.trials {
        let at = x.at(trial.trial as f64);
        if let Some(best) = trial.best_so_far {
            let height = y.at(100.0 * best);
            line += &if line.is_empty() {
                format!("M{at:.1} {height:.1}")
            } else {
                format!("H{at:.1}V{height:.1}")
            };
        }
        match trial.validation_accuracy {
            Some(accuracy) => {
                let (glyph, size) = if record.best_trial == Some(trial.trial) {
                    (Glyph::Star, 6.5)
                } else {
                    (Glyph::Circle, 3.6)
                };
                marks += &mark(
                    glyph,
                    at,
                    y.at(100.0 * accuracy),
                    size,
                    &format!("mark f {class}"),
                );
            }
            None => crosses += &cross(at, frame.y_range()[0] - 6.0),
        }
    }
    body += &format!(r#"<path class="line s {class}" d="{line}"/>"#);
    if !crosses.is_empty() {
        body += &format!(r#"<path class="crosses s other" d="{crosses}"/>"#);
    }
    body += &marks;
    let best = record
        .trials
        .iter()
        .filter_map(|trial| trial.best_so_far)
        .fold(0.0, f64::max);
    Picture {
        width: frame.width,
        height: frame.height,
        title: format!("Validation accuracy over trials, {label}"),
        desc: format!(
            "{} made, the best has {}.",
            count(record.trials.len(), "trial", "trials"),
            percent(best, 1)
        ),
        body,
    }
}
