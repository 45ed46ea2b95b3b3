//! Features of networks with two features, with class means and decision lines.

use memdil_records::{Snapshot, SnapshotPart};
use ndarray::ArrayView1;

use crate::chart::{Axis, Figure, Frame, Glyph, Group, Key, Picture, Plot, Symbol, mark, span};
use crate::error::ReportError;
use crate::loss::Loss;
use crate::runs::{Level, Panel, Quantity, Run, at_level, distinct, levels, means_by_loss, select};
use crate::text::{number, percent, when};

/// Maximum number of points per picture.
const POINTS: usize = 400;
/// Maximum number of rows of pictures, which limits the size of the page.
const ROWS: usize = 12;
/// The losses that are preferably drawn side by side.
const PAIR: [Loss; 2] = [Loss::CrossEntropy, Loss::LabelSmoothing];

/// The runs of one seed at one noise level of a panel, which differ in loss.
struct LevelRow<'a> {
    panel: &'a Panel,
    level: Level,
    runs: Vec<(&'a Run, Snapshot)>,
}

/// `None` if no run has a snapshot of two features.
pub(super) fn figure(runs: &[&Run]) -> Result<Option<Figure>, ReportError> {
    let two = |run: &Run| run.last().is_some() && run.record.spec.data.classes.len() == 2;
    let candidates = select(runs, two);
    let cells = distinct(candidates.iter().map(|run| (run.panel(), run.level())));
    let (mut rows, mut left_out) = (Vec::new(), 0);
    for (panel, level) in cells {
        if rows.len() == ROWS {
            left_out += 1;
            continue;
        }
        let here = at_level(&select(&candidates, |run| run.panel() == panel), level);
        let runs = choose(&here)?;
        if !runs.is_empty() {
            rows.push(LevelRow { panel, level, runs });
        }
    }
    let (mut most, mut drawn) = (0, Vec::new());
    for (run, snapshot) in rows.iter().flat_map(|row| &row.runs) {
        let (train, test) = (snapshot.train.labels.len(), snapshot.test.labels.len());
        most = most.max(train).max(test);
        drawn.push(*run);
    }
    if drawn.is_empty() {
        return Ok(None);
    }
    let fewer =
        format!(" Each picture shows at most {POINTS} evenly spaced points of up to {most}.");
    let fewer = when(most > POINTS, fewer);
    let more = format!(" {left_out} more noise levels or networks are not drawn.");
    let more = when(left_out > 0, more);
    Ok(Some(Figure {
        caption: caption(&drawn),
        reading: format!(
            "Training features are coloured by their given label, test features by their class. The axes are the two \
             features; all pictures of a noise level share one scale. Decision lines separate the two predicted \
             classes.{fewer}{more}"
        ),
        legend: legend(&drawn),
        groups: rows.iter().map(group).collect(),
        side_by_side: true,
        ..Figure::new("features", "Two-dimensional features")
    }))
}

/// The CE and LS runs of the lowest seed that has both with two features; without such a seed, the
/// first runs of the lowest seed that has any.
fn choose<'a>(runs: &[&'a Run]) -> Result<Vec<(&'a Run, Snapshot)>, ReportError> {
    let mut kept: Vec<(&'a Run, Snapshot)> = Vec::new();
    for seed in distinct(runs.iter().map(|run| run.seed())) {
        let mut of_seed: Vec<(&'a Run, Snapshot)> = Vec::new();
        for run in select(runs, |run| run.seed() == seed) {
            let of_pair = PAIR.contains(&run.loss());
            let known = of_seed.iter().any(|(other, _)| other.loss() == run.loss());
            if known || (!of_pair && of_seed.len() >= PAIR.len()) {
                continue;
            }
            if let Some(snapshot) = run.folder.snapshot()?
                && snapshot.train.features.ncols() == 2
                && snapshot.classifier.dim() == (2, 2)
            {
                of_seed.push((run, snapshot));
            }
        }
        let has = |loss: &Loss| of_seed.iter().any(|(run, _)| run.loss() == *loss);
        if PAIR.iter().all(has) {
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

/// Describes the runs at the highest noise level.
fn caption(all: &[&Run]) -> String {
    let Some(highest) = levels(all).pop() else {
        return String::new();
    };
    let runs = at_level(all, highest);
    let rho = means_by_loss(&runs, Quantity::Rho, number);
    let dilation = means_by_loss(&runs, Quantity::Dilation, number);
    let share = means_by_loss(&runs, Quantity::MemorizedAsGiven, |v| percent(v, 0));
    let memorised = format!(
        " the share of corrupted training samples (crosses) predicted as the given label is {share};"
    );
    format!(
        "At η = {highest},{} test features spread around their class means by rho = {rho} of the distance between the \
         means (dilation {dilation}).",
        when(highest.0 > 0.0, memorised)
    )
}

/// The names of a run's classes.
fn class_names(run: &Run) -> Vec<String> {
    let data = &run.record.spec.data;
    let name = |&class: &u32| match data.source.class_name(class) {
        name if name == class.to_string() => format!("class {name}"),
        name => format!("class {class} ({name})"),
    };
    data.classes.iter().map(name).collect()
}

fn legend(drawn: &[&Run]) -> Vec<Key> {
    // The names of the classes if all rows show the same ones.
    let names = match &distinct(drawn.iter().map(|run| class_names(run)))[..] {
        [names] => [names[0].clone(), names[1].clone()],
        _ => ["first class", "second class"].map(str::to_owned),
    };
    let corrupted = |name: &String| format!("corrupted, given {}", short(name));
    let [first, second] = names.each_ref().map(corrupted);
    let [first_name, second_name] = names;
    vec![
        Key::new(Symbol::Dots("class0"), first_name),
        Key::new(Symbol::Dots("class1"), second_name),
        Key::new(Symbol::Crosses("class0"), first),
        Key::new(Symbol::Crosses("class1"), second),
        Key::new(Symbol::Mean, "class mean (of uncorrupted samples)"),
        Key::new(Symbol::Decision, "decision line"),
    ]
}

/// `class 0` of `class 0 (T-shirt)`.
fn short(name: &str) -> &str {
    name.split(" (").next().unwrap_or(name)
}

fn group(row: &LevelRow<'_>) -> Group {
    let seed = row.runs.first().map_or(0, |(run, _)| run.seed());
    // A shared scale makes the spreads of a row comparable.
    let ends = row.runs.iter().flat_map(|(_, snapshot)| extent(snapshot));
    let shared = span(ends).unwrap_or([0.0, 1.0]);
    let (mut pictures, mut test) = (Vec::new(), Vec::new());
    for (run, snapshot) in &row.runs {
        pictures.push(picture(run, snapshot, &snapshot.train, "train", shared));
        test.push(picture(run, snapshot, &snapshot.test, "test", shared));
    }
    pictures.extend(test);
    let title = format!("{}, η = {}, seed {seed}", row.panel, row.level);
    Group::titled(title, row.runs.len(), pictures)
}

/// Evenly spaced indices of the points drawn of `n`.
fn drawn(n: usize) -> impl Iterator<Item = usize> {
    let count = n.min(POINTS);
    (0..count).map(move |k| k * n / count)
}

/// The common range of both features over the drawn points; equal ranges preserve angles.
fn extent(snapshot: &Snapshot) -> [f64; 2] {
    let mut values = vec![0.0];
    for part in [&snapshot.train, &snapshot.test] {
        for i in drawn(part.labels.len()) {
            values.extend(part.features.row(i).iter().map(|v| f64::from(*v)));
        }
    }
    values.retain(|value| value.is_finite());
    let [low, high] = span(values).unwrap_or([0.0, 1.0]);
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
    plot.scatter(drawn(part.labels.len()).filter_map(|i| {
        let corrupted = part.labels[i] != part.clean_labels[i];
        let class = part.labels[i].min(1) as usize;
        Some((class, corrupted, point(part.features.row(i))?))
    }));
    let line = decision_line(snapshot, extent);
    plot.line("decision", line.into_iter().flatten());
    for class in 0..2 {
        if let Some((a, b)) = class_mean(part, class) {
            let classes = format!("mean f class{class}");
            plot.push(&mark(Glyph::Diamond, x.at(a), y.at(b), 5.6, &classes));
        }
    }
    let pairs = part.labels.iter().zip(&part.clean_labels);
    let corrupted = pairs.filter(|(given, clean)| given != clean).count();
    let (loss, eta, seed) = (run.loss_label(), run.eta(), run.seed());
    plot.picture(
        format!("{which} features, {loss}, η = {eta}, seed {seed}"),
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

/// The mean over all uncorrupted samples of a class, including those that are not drawn.
fn class_mean(part: &SnapshotPart, class: u32) -> Option<(f64, f64)> {
    let (mut sum, mut n) = ((0.0, 0.0), 0.0);
    for i in 0..part.labels.len() {
        if part.labels[i] == class
            && part.clean_labels[i] == class
            && let Some((a, b)) = point(part.features.row(i))
        {
            sum = (sum.0 + a, sum.1 + b);
            n += 1.0;
        }
    }
    (n > 0.0).then(|| (sum.0 / n, sum.1 / n))
}

/// The line on which the two logits are equal, clipped to the square `[low, high]`².
fn decision_line(snapshot: &Snapshot, [low, high]: [f64; 2]) -> Option<[(f64, f64); 2]> {
    let (w, bias) = (&snapshot.classifier, &snapshot.bias);
    let difference = |j: usize| f64::from(w[[0, j]]) - f64::from(w[[1, j]]);
    let (a, b) = (difference(0), difference(1));
    let c = f64::from(bias[0]) - f64::from(bias[1]);
    // The segment is bounded by the two intersections of a x + b y + c = 0 with the sides of the
    // square that are farthest apart.
    let inside = |v: f64| v.is_finite() && v >= low - 1e-9 && v <= high + 1e-9;
    let mut ends: Vec<(f64, f64)> = Vec::new();
    for side in [low, high] {
        let (x, y) = (-(b * side + c) / a, -(a * side + c) / b);
        if inside(y) {
            ends.push((side, y));
        }
        if inside(x) {
            ends.push((x, side));
        }
    }
    let apart = |p: &(f64, f64), q: &(f64, f64)| (p.0 - q.0).abs() + (p.1 - q.1).abs();
    let first = *ends.first()?;
    let nearer = |p: &&_, q: &&_| apart(p, &first).total_cmp(&apart(q, &first));
    let farthest = ends.iter().max_by(nearer)?;
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
    fn logits_are_equal_on_the_decision_line() {
        // x - y = 0: the diagonal.
        let line = decision_line(
            &with_classifier(array![[1.0, 0.0], [0.0, 1.0]], array![0.0, 0.0]),
            [0.0, 2.0],
        );
        assert_eq!(line, Some([(0.0, 0.0), (2.0, 2.0)]));
        // x = 0.5: a vertical line, because the weight of y is zero.
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
    fn drawn_points_are_evenly_spaced() {
        assert_eq!(drawn(3).collect::<Vec<_>>(), [0, 1, 2]);
        let indices: Vec<usize> = drawn(1200).collect();
        assert_eq!(
            (indices.len(), indices[0], indices[1], indices[399]),
            (400, 0, 3, 1197)
        );
        assert_eq!(drawn(0).count(), 0);
    }
}
