//! Distributions of the scores of corrupted and uncorrupted samples of one run.

use memdil_records::{SampleScore, SampleScores};

use crate::chart::{Axis, Figure, Frame, Group, Key, Picture, Plot, Symbol, span};
use crate::error::ReportError;
use crate::runs::{Run, at_level, largest_panel, levels, losses, mean, select, with_loss};
use crate::scores::{SCORES, ShownScore};
use crate::text::{count, joined, number, percent, when};

/// Number of bins of a histogram.
const BINS: usize = 40;

const DRAWN: [SampleScore; 3] = [
    SampleScore::MeanLoss,
    SampleScore::MeanMargin,
    SampleScore::DistanceGiven,
];

/// The kinds of samples: name and colour.
const KINDS: [(&str, &str); 2] = [("uncorrupted", "class4"), ("corrupted", "class5")];

/// `None` if no run with corrupted samples has a file of scores.
pub(super) fn figure(runs: &[&Run]) -> Result<Option<Figure>, ReportError> {
    let Some((run, scores, skipped)) = representative(runs)? else {
        return Ok(None);
    };
    let corrupted = scores.corrupted(run.record.spec.data.classes.len());
    let shown = SCORES.iter().filter(|shown| DRAWN.contains(&shown.score));
    let mut pictures = Vec::new();
    for shown in shown {
        let values = match shown.score {
            // The margin itself, not its opposite, by which samples are ranked.
            SampleScore::MeanMargin => Some(scores.mean_margin.to_vec()),
            score => scores.suspicion(score),
        };
        pictures.extend(values.and_then(|values| picture(shown, &values, &corrupted)));
    }
    if pictures.is_empty() {
        return Ok(None);
    }
    let (loss, eta, seed) = (run.loss_label(), run.eta(), run.seed());
    let wrong = corrupted.iter().filter(|wrong| **wrong).count();
    let share = percent(wrong as f64 / corrupted.len() as f64, 1);
    let skipped_text = count(
        skipped,
        "run with a lower seed has",
        "runs with lower seeds have",
    );
    Ok(Some(Figure {
        caption: caption(run, wrong, corrupted.len(), &share),
        reading: format!(
            "Share of the samples of each kind per bin, after {}. Mean loss and mean margin are means over all epochs; the \
             margin is the logit of the given label minus the largest other logit. The distance is that of the features to \
             the mean of the given class after the last epoch.{}",
            count(scores.epochs as usize, "epoch", "epochs"),
            when(skipped > 0, format!(" {skipped_text} no samples.npz."))
        ),
        legend: KINDS
            .map(|(kind, colour)| Key::new(Symbol::Colour(colour), kind))
            .into(),
        groups: vec![Group::titled(
            format!("{}, {loss}, η = {eta}, seed {seed}", run.panel()),
            3,
            pictures,
        )],
        ..Figure::new(
            "sample-scores",
            "Scores of samples with right and wrong labels",
        )
    }))
}

/// A run of the panel with the most runs, at its highest noise level and with its first loss: the
/// one with the lowest seed among those with a file of scores. Also the number of runs with lower
/// seeds that have no such file.
fn representative<'a>(
    runs: &[&'a Run],
) -> Result<Option<(&'a Run, SampleScores, usize)>, ReportError> {
    let ranked = |run: &Run| run.last().is_some_and(|last| last.ranking.is_some());
    let (runs, _) = largest_panel(&select(runs, ranked));
    let runs = match levels(&runs).last() {
        Some(&level) => at_level(&runs, level),
        None => return Ok(None),
    };
    let Some(&loss) = losses(&runs).first() else {
        return Ok(None);
    };
    for (skipped, run) in with_loss(&runs, loss).into_iter().enumerate() {
        if let Some(scores) = run.folder.samples()? {
            return Ok(Some((run, scores, skipped)));
        }
    }
    Ok(None)
}

/// The histograms of both kinds of samples; `None` if all values are equal or one is not finite.
fn picture(shown: &ShownScore, values: &[f64], corrupted: &[bool]) -> Option<Picture> {
    if !values.iter().all(|value| value.is_finite()) {
        return None;
    }
    let ends = span(values.iter().copied()).filter(|[low, high]| high > low)?;
    let of_kind = |wrong: bool| {
        let pairs = values.iter().zip(corrupted);
        let of_kind = pairs.filter(|(_, is_wrong)| **is_wrong == wrong);
        of_kind.map(|(value, _)| *value).collect::<Vec<f64>>()
    };
    let kinds = [false, true].map(of_kind);
    let shares = kinds.each_ref().map(|values| histogram(values, ends));
    let highest = shares.iter().flatten().copied().fold(0.0, f64::max);
    let x = Axis::exact(ends, shown.label);
    let y = Axis::linear([0.0, highest], "share of samples").max_ticks(4);
    let mut plot = Plot::new(Frame::new(370.0, 250.0), shown.label, &x, &y);
    let mut means = Vec::new();
    for (((kind, colour), shares), values) in KINDS.into_iter().zip(shares).zip(kinds) {
        let steps = plot.path(outline(&shares, ends));
        plot.push(&format!(
            r#"<path class="f {colour}" fill-opacity="0.3" d="{steps}Z"/>"#
        ));
        plot.push(&format!(r#"<path class="line s {colour}" d="{steps}"/>"#));
        if let Some(mean) = mean(values) {
            means.push(format!("{kind} samples have the mean {}", number(mean)));
        }
    }
    let title = format!(
        "Distribution of the {} of the training samples",
        shown.label
    );
    Some(plot.picture(title, joined(means, ", ") + "."))
}

/// The share of the values in each bin.
fn histogram(values: &[f64], [low, high]: [f64; 2]) -> [f64; BINS] {
    let mut counts = [0_usize; BINS];
    for value in values {
        let bin = (value - low) / (high - low) * BINS as f64;
        // The largest value belongs to the last bin.
        counts[(bin as usize).min(BINS - 1)] += 1;
    }
    counts.map(|count| count as f64 / values.len() as f64)
}

/// The corners of the steps, from the axis to the axis.
fn outline(shares: &[f64; BINS], [low, high]: [f64; 2]) -> Vec<(f64, f64)> {
    let at = |bin: usize| low + (high - low) * bin as f64 / BINS as f64;
    let mut corners = vec![(low, 0.0)];
    for (bin, &share) in shares.iter().enumerate() {
        corners.extend([(at(bin), share), (at(bin + 1), share)]);
    }
    corners.push((high, 0.0));
    corners
}

fn caption(run: &Run, wrong: usize, all: usize, share: &str) -> String {
    let aurocs = SCORES.iter().filter(|shown| DRAWN.contains(&shown.score));
    let aurocs = aurocs.filter_map(|shown| {
        let ranking = shown.ranking(run.last()?)?;
        Some(format!("{} for {}", number(ranking.auroc), shown.label))
    });
    format!(
        "{wrong} of {all} training samples ({share}) have a wrong label. AUROC in this run: {}.",
        joined(aurocs, ", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shares_of_a_histogram_sum_to_one() {
        let values: Vec<f64> = (0..=80).map(f64::from).collect();
        let shares = histogram(&values, [0.0, 80.0]);
        assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        let counts = shares.map(|share| (81.0 * share).round() as usize);
        // The largest value belongs to the last bin.
        assert_eq!(counts[..39], [2; 39]);
        assert_eq!(counts[39], 3);
    }
}
