//! Features of two-feature networks, with class means and decision line.

use memdil_records::{Snapshot, SnapshotPart};
use ndarray::ArrayView1;

use crate::ReportError;
use crate::chart::{Axis, Figure, Frame, Glyph, Group, Key, Picture, Plot, cross, mark, span};
use crate::loss::Loss;
use crate::runs::{Level, Panel, Quantity, Run, distinct};
use crate::text::{number, percent};

use super::by_loss;

/// Points drawn in one picture.
const POINTS: usize = 400;
/// Rows of pictures drawn, so that the page stays small.
const ROWS: usize = 12;
/// Losses drawn side by side.
const PAIR: [Loss; 2] = [Loss::CrossEntropy, Loss::LabelSmoothing];

/// One noise level of one panel: runs of one seed that differ in loss.
struct Row<'a> {
    panel: &'a Panel,
    level: Level,
    runs: Vec<(&'a Run, Snapshot)>,
}

/// `None` when no run kept two features.
pub(super) fn figure(runs: &[Run]) -> Result<Option<Figure>, ReportError> {
    let two = |run: &&Run| run.last().is_some() && run.record.spec.data.classes.len() == 2;
    let candidates: Vec<&Run> = runs.iter().filter(two).collect();
    let cells = distinct(candidates.iter().copied(), |run| {
        (run.panel(), Level::of(run))
    });
    let (mut rows, mut left_out) = (Vec::new(), 0);
    for (panel, level) in cells {
        if rows.len() == ROWS {
            left_out += 1;
            continue;
        }
        let here: Vec<&Run> = candidates
            .iter()
            .copied()
            .filter(|run| run.panel() == panel && Level::of(run) == level)
            .collect();
        let runs = choose(&here)?;
        if !runs.is_empty() {
            rows.push(Row { panel, level, runs });
        }
    }
    if rows.is_empty() {
        return Ok(None);
    }
    let most = rows
        .iter()
        .flat_map(|b| &b.runs)
        .map(|(_, s)| s.train.labels.len().max(s.test.labels.len()))
        .max();
    let mut reading = "Training features are coloured by the label they were given, test features by their class; \
     axes are the two features, with one scale for all pictures of a noise level. Decision lines separate the two predicted \
     classes."
        .to_owned();
    if let Some(most) = most.filter(|most| *most > POINTS) {
        reading += &format!(
            " At most {POINTS} evenly chosen points of up to {most} are drawn in a picture."
        );
    }
    if left_out > 0 {
        reading += &format!(" {left_out} more noise levels or networks are not drawn.");
    }
    let drawn: Vec<&Run> = rows
        .iter()
        .flat_map(|row| row.runs.iter().map(|(run, _)| *run))
        .collect();
    Ok(Some(Figure {
        name: "features".to_owned(),
        heading: "Two-dimensional features".to_owned(),
        caption: caption(&drawn),
        reading,
        legend: legend(&rows),
        groups: rows.iter().map(group).collect(),
        side_by_side: true,
    }))
}

/// CE and LS of the lowest seed that has both with two features; else of the lowest seed that has
/// any loss.
fn choose<'a>(runs: &[&'a Run]) -> Result<Vec<(&'a Run, Snapshot)>, ReportError> {
    let mut kept: Vec<(&'a Run, Snapshot)> = Vec::new();
    for seed in distinct(runs.iter().copied(), Run::seed) {
        let mut of_seed: Vec<(&'a Run, Snapshot)> = Vec::new();
        for run in runs.iter().filter(|run| run.seed() == seed) {
            let new = of_seed.iter().all(|(other, _)| other.loss() != run.loss());
            if !new || (!PAIR.contains(&run.loss()) && of_seed.len() >= PAIR.len()) {
                continue;
            }
            let fits = |s: &Snapshot| s.train.features.ncols() == 2 && s.classifier.dim() == (2, 2);
            if let Some(snapshot) = run.folder.snapshot()?.filter(fits) {
                of_seed.push((run, snapshot));
            }
        }
        if PAIR
            .iter()
            .all(|loss| of_seed.iter().any(|(run, _)| run.loss() == *loss))
        {
            of_seed.retain(|(run, _)| PAIR.contains(&run.loss()));
            return Ok(of_seed);
        }
        if kept.is_empty() {
            of_seed.truncate(PAIR.len());
            kept = of_seed;
        }
    }
    Ok(kept)
}

/// Over the highest noise level.
fn caption(all: &[&Run]) -> String {
    let Some(highest) = distinct(all.iter().copied(), Level::of).pop() else {
        return String::new();
    };
    let runs = crate::runs::at(all, highest);
    let rho = by_loss(&runs, Quantity::Rho, number);
    let dilation = by_loss(&runs, Quantity::Dilation, number);
    let memorised = if highest.0 > 0.0 {
        let share = by_loss(&runs, Quantity::MemorizedAsGiven, |v| percent(v, 0));
        format!(
            " of their corrupted training samples (crosses) these networks predict as the given label {share};"
        )
    } else {
        String::new()
    };
    format!(
        "At η = {}{memorised} test features spread around their class means by rho = {rho} of the distance between the \
         means (dilation {dilation}).",
        highest.0
    )
}

fn legend(rows: &[Row]) -> Vec<Key> {
    // Names when all rows show the same classes, else first and second.
    let panels = distinct(
        rows.iter().flat_map(|b| b.runs.iter().map(|(run, _)| *run)),
        |run| {
            let spec = &run.record.spec.data;
            let name = |&class: &u32| match spec.source.class_name(class) {
                name if name == class.to_string() => name,
                name => format!("{class} ({name})"),
            };
            spec.classes.iter().map(name).collect::<Vec<_>>()
        },
    );
    let names = match panels.as_slice() {
        [names] if names.len() == 2 => names.iter().map(|name| format!("class {name}")).collect(),
        _ => vec!["first class".to_owned(), "second class".to_owned()],
    };
    vec![
        Key::Dots("class0", names[0].clone()),
        Key::Dots("class1", names[1].clone()),
        Key::Crosses("class0", format!("corrupted, given {}", short(&names[0]))),
        Key::Crosses("class1", format!("corrupted, given {}", short(&names[1]))),
        Key::Mean("class mean (of uncorrupted samples)".to_owned()),
        Key::Decision("decision line".to_owned()),
    ]
}

/// `class 0` of `class 0 (T-shirt)`.
fn short(name: &str) -> &str {
    name.split(" (").next().unwrap_or(name)
}

fn group(row: &Row) -> Group {
    let seed = row.runs.first().map_or(0, |(run, _)| run.seed());
    // One scale for all pictures of a row, so that spreads can be compared by eye.
    let frames = row.runs.iter().map(|(_, snapshot)| extent(snapshot));
    let shared = frames
        .reduce(|a, b| [a[0].min(b[0]), a[1].max(b[1])])
        .unwrap_or([0.0, 1.0]);
    let part = |train: bool| {
        row.runs.iter().map(move |(run, snapshot)| {
            let (sample, which) = if train {
                (&snapshot.train, "train")
            } else {
                (&snapshot.test, "test")
            };
            picture(run, snapshot, sample, which, shared)
        })
    };
    Group {
        title: Some(format!("{}, η = {}, seed {seed}", row.panel, row.level.0)),
        columns: row.runs.len(),
        pictures: part(true).chain(part(false)).collect(),
    }
}

/// Indices of the points drawn of `n`, evenly spread.
fn drawn(n: usize) -> impl Iterator<Item = usize> {
    let count = n.min(POINTS);
    (0..count).map(move |k| k * n / count)
}

/// The common range of both features over the points drawn, so that angles are true.
fn extent(snapshot: &Snapshot) -> [f64; 2] {
    let values = [&snapshot.train, &snapshot.test]
        .into_iter()
        .flat_map(|part| {
            drawn(part.labels.len()).flat_map(|i| {
                part.features
                    .row(i)
                    .iter()
                    .map(|v| f64::from(*v))
                    .collect::<Vec<_>>()
            })
        });
    let [low, high] = span(values.filter(|v| v.is_finite()).chain([0.0])).unwrap_or([0.0, 1.0]);
    let room = 0.04 * (high - low).max(1e-6);
    [low - room, high + room]
}

fn picture(
    run: &Run,
    snapshot: &Snapshot,
    part: &SnapshotPart,
    which: &str,
    extent: [f64; 2],
) -> Picture {
    let heading = format!("{}, {which}", run.loss_label());
    let axis = Axis::exact(extent, "");
    let mut plot = Plot::new(Frame::compact(230.0, 236.0), &heading, &axis, &axis);
    let (x, y) = (plot.x, plot.y);
    let (mut dots, mut crosses) = (
        [String::new(), String::new()],
        [String::new(), String::new()],
    );
    for i in drawn(part.labels.len()) {
        let Some((a, b)) = point(part.features.row(i)) else {
            continue;
        };
        let label = part.labels[i].min(1) as usize;
        let (a, b) = (x.at(a), y.at(b));
        if part.labels[i] == part.clean_labels[i] {
            dots[label] += &format!("M{a:.1} {b:.1}h0");
        } else {
            crosses[label] += &cross(a, b);
        }
    }
    for (kind, paths) in [("dots", &dots), ("crosses", &crosses)] {
        for (label, path) in paths
            .iter()
            .enumerate()
            .filter(|(_, path)| !path.is_empty())
        {
            plot.push(&format!(
                r#"<path class="{kind} s class{label}" d="{path}"/>"#
            ));
        }
    }
    plot.line(
        "decision",
        decision_line(snapshot, extent).into_iter().flatten(),
    );
    for class in 0..2 {
        if let Some((a, b)) = class_mean(part, class) {
            let classes = format!("mean f class{class}");
            plot.push(&mark(Glyph::Diamond, x.at(a), y.at(b), 5.6, &classes));
        }
    }
    let corrupted = part
        .labels
        .iter()
        .zip(&part.clean_labels)
        .filter(|(a, b)| a != b)
        .count();
    plot.picture(
        format!(
            "{which} features, {}, η = {}, seed {}",
            run.loss_label(),
            run.eta(),
            run.seed()
        ),
        format!(
            "{} samples in two dimensions, {corrupted} of them with a corrupted label.",
            part.labels.len()
        ),
    )
}

fn point(row: ArrayView1<f32>) -> Option<(f64, f64)> {
    let (a, b) = (f64::from(row[0]), f64::from(row[1]));
    (a.is_finite() && b.is_finite()).then_some((a, b))
}

/// The mean over all uncorrupted samples of a class, drawn or not.
fn class_mean(part: &SnapshotPart, class: u32) -> Option<(f64, f64)> {
    let of_class = |i: &usize| part.labels[*i] == class && part.clean_labels[*i] == class;
    let points: Vec<(f64, f64)> = (0..part.labels.len())
        .filter(of_class)
        .filter_map(|i| point(part.features.row(i)))
        .collect();
    let n = points.len() as f64;
    let sum = points
        .iter()
        .fold((0.0, 0.0), |sum, p| (sum.0 + p.0, sum.1 + p.1));
    (!points.is_empty()).then(|| (sum.0 / n, sum.1 / n))
}

/// Where the two logits are equal, clipped to the square `[low, high]`².
fn decision_line(snapshot: &Snapshot, [low, high]: [f64; 2]) -> Option<[(f64, f64); 2]> {
    let (w, bias) = (&snapshot.classifier, &snapshot.bias);
    let difference = |j: usize| f64::from(w[[0, j]]) - f64::from(w[[1, j]]);
    let (a, b, c) = (
        difference(0),
        difference(1),
        f64::from(bias[0]) - f64::from(bias[1]),
    );
    // a x + b y + c = 0 meets the four sides of the square; two of the meeting points bound the
    // segment.
    let inside = |v: f64| v.is_finite() && v >= low - 1e-9 && v <= high + 1e-9;
    let mut ends: Vec<(f64, f64)> = Vec::new();
    for side in [low, high] {
        ends.extend(
            [-(a * side + c) / b]
                .into_iter()
                .filter(|y| inside(*y))
                .map(|y| (side, y)),
        );
        ends.extend(
            [-(b * side + c) / a]
                .into_iter()
                .filter(|x| inside(*x))
                .map(|x| (x, side)),
        );
    }
    let apart = |p: &(f64, f64), q: &(f64, f64)| (p.0 - q.0).abs() + (p.1 - q.1).abs();
    let first = *ends.first()?;
    let farthest = ends
        .iter()
        .max_by(|p, q| apart(p, &first).total_cmp(&apart(q, &first)))?;
    (apart(farthest, &first) > 1e-9).then_some([first, *farthest])
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array1, Array2, array};

    fn with_classifier(classifier: Array2<f32>, bias: Array1<f32>) -> Snapshot {
        let part = SnapshotPart {
            features: Array2::zeros((0, 2)),
            logits: Array2::zeros((0, 2)),
            labels: Array1::zeros(0),
            clean_labels: Array1::zeros(0),
        };
        Snapshot {
            train: part.clone(),
            test: part,
            classifier,
            bias,
        }
    }

    #[test]
    fn the_decision_line_is_where_the_logits_are_equal() {
        // x - y = 0: the diagonal.
        let line = decision_line(
            &with_classifier(array![[1.0, 0.0], [0.0, 1.0]], array![0.0, 0.0]),
            [0.0, 2.0],
        );
        assert_eq!(line, Some([(0.0, 0.0), (2.0, 2.0)]));
        // x = 0.5: a vertical line; y has no weight.
        let line = decision_line(
            &with_classifier(array![[2.0, 0.0], [0.0, 0.0]], array![-1.0, 0.0]),
            [0.0, 2.0],
        );
        assert_eq!(line, Some([(0.5, 0.0), (0.5, 2.0)]));
        // x + y = 9 misses the square; a classifier of zeros has no line.
        let line = decision_line(
            &with_classifier(array![[1.0, 1.0], [0.0, 0.0]], array![-9.0, 0.0]),
            [0.0, 2.0],
        );
        assert_eq!(line, None);
        assert_eq!(
            decision_line(
                &with_classifier(Array2::zeros((2, 2)), Array1::zeros(2)),
                [0.0, 2.0]
            ),
            None
        );
    }

    #[test]
    fn drawn_points_are_spread_evenly() {
        assert_eq!(drawn(3).collect::<Vec<_>>(), [0, 1, 2]);
        let indices: Vec<usize> = drawn(1200).collect();
        assert_eq!(
            (indices.len(), indices[0], indices[1], indices[399]),
            (400, 0, 3, 1197)
        );
        assert_eq!(drawn(0).count(), 0);
    }
}
