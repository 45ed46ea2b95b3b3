//! Out-of-sample errors of all models and baselines.

use std::collections::BTreeMap;

use memdil_claims::PanelPredictions;

use crate::chart::{Axis, Figure, Frame, Glyph, Group, Picture, Plot, span};
use crate::runs::{distinct, mean, summary};
use crate::text::{count, joined, number};

/// The log error ratios of each model by seed, averaged over the panels of a data set.
type Errors<'a> = Vec<(&'a str, Vec<(u64, f64)>)>;

/// `None` without predictions.
pub(super) fn figure(predictions: &[PanelPredictions]) -> Option<Figure> {
    let sources = distinct(predictions.iter().map(|panel| panel.source.as_str()));
    let errors: Vec<(&str, Errors<'_>)> = sources
        .into_iter()
        .map(|source| (source, errors(source, predictions)))
        .collect();
    let names = errors.first()?.1.iter().enumerate();
    let names = names.map(|(index, (name, _))| format!("{} {name}", index + 1));
    let pictures: Vec<Picture> = errors.iter().filter_map(picture).collect();
    let best = joined(errors.iter().filter_map(best), "; ");
    let columns = pictures.len().min(3);
    (!pictures.is_empty()).then(|| Figure {
        caption: format!("The smallest error without test labels: {best}."),
        reading: format!(
            "Mean squared error of rho (from NC1) of the runs that are not fitted to, over that of a line in the noise level \
             (horizontal), averaged geometrically over class selections and seeds; bars are 95% intervals. All are \
             fitted to the same runs of the other seeds. {}. The last is no prediction: it needs the labels of the test \
             samples. A model without a value on a seed is left out for this seed.",
            joined(names, ", ")
        ),
        groups: vec![Group::untitled(columns, pictures)],
        ..Figure::new("model-errors", "Out-of-sample errors of models and baselines")
    })
}

fn errors<'a>(source: &str, predictions: &'a [PanelPredictions]) -> Errors<'a> {
    // Several claims may be about the same panel.
    let mut panels: Vec<&PanelPredictions> = Vec::new();
    for panel in predictions.iter().filter(|panel| panel.source == source) {
        if panels.iter().all(|other| other.panel != panel.panel) {
            panels.push(panel);
        }
    }
    let mut errors = Errors::new();
    for (index, competitor) in panels
        .first()
        .into_iter()
        .flat_map(|p| p.competitors.iter().enumerate())
    {
        let mut by_seed: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
        for (seed, error) in panels
            .iter()
            .flat_map(|panel| &panel.competitors[index].over_line)
        {
            by_seed.entry(*seed).or_default().push(*error);
        }
        // A seed counts if every panel has it.
        let whole = by_seed
            .into_iter()
            .filter(|(_, values)| values.len() == panels.len());
        let means = whole.filter_map(|(seed, values)| Some((seed, mean(values)?)));
        errors.push((competitor.name, means.collect()));
    }
    errors
}

fn picture((source, errors): &(&str, Errors<'_>)) -> Option<Picture> {
    let mut points = Vec::new();
    let mut described = Vec::new();
    for (index, (name, errors)) in errors.iter().enumerate() {
        if let Some((mean, interval)) = summary(errors.iter().copied()) {
            let shown = interval.map(|ends| ends.map(f64::exp));
            let ends = shown.map(|[low, high]| format!(" [{}, {}]", number(low), number(high)));
            let ends = ends.unwrap_or_default();
            let seeds = count(errors.len(), "seed", "seeds");
            described.push(format!("{name} {}{ends}, {seeds}", number(mean.exp())));
            points.push(((index + 1) as f64, mean.exp(), shown));
        }
    }
    let heights = points
        .iter()
        .flat_map(|(_, mean, ends)| ends.unwrap_or([*mean; 2]));
    let heights = span(heights.chain([1.0]))?;
    let ticks = points.iter().map(|(x, ..)| (*x, x.to_string())).collect();
    let x = Axis::exact([0.4, errors.len() as f64 + 0.6], "model or baseline").ticks(ticks);
    let y = Axis::log(heights, "error over the line’s").max_ticks(6);
    let mut plot = Plot::new(Frame::new(330.0, 280.0), source, &x, &y);
    plot.level("zero", 1.0);
    for (x, mean, ends) in points {
        if let Some(ends) = ends {
            plot.bar("other", x, ends, 0.0);
        }
        plot.mark(Glyph::Circle, "other", 4.2, (x, mean), 0.0);
    }
    let title = format!("Errors over the line’s, {source}");
    Some(plot.picture(title, joined(described, "; ") + "."))
}

/// The model with the smallest mean error of a data set, as a sentence.
fn best((source, errors): &(&str, Errors<'_>)) -> Option<String> {
    let of = |(name, errors): &(&str, Vec<(u64, f64)>)| {
        Some((summary(errors.iter().copied())?.0.exp(), (*name).to_owned()))
    };
    // The measured test error is no prediction.
    let models = errors.iter().take(errors.len().saturating_sub(1));
    let (error, name) = models.filter_map(of).min_by(|a, b| a.0.total_cmp(&b.0))?;
    Some(format!("{source}: {name}, {} of the line’s", number(error)))
}
