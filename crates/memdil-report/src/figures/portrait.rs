//! Memorization and dilation during training, for noisy networks and clean ones of the same seeds.

use std::collections::BTreeMap;

use memdil_records::EpochRecord;

use super::lines::{FEWEST_EVALUATIONS, has_epoch_curve, loss_keys};
use crate::chart::{Axis, Figure, Frame, Glyph, Group, Key, Picture, Plot, Symbol, span};
use crate::error::ReportError;
use crate::loss::Loss;
use crate::runs::{
    Level, Run, at_level, by_panel, distinct, levels, losses, mean, select, with_loss,
};
use crate::text::{number, percent};

/// Means over the seeds of a loss and noise level at one epoch.
#[derive(Clone, Copy, Debug)]
struct TrajectoryPoint {
    epoch: usize,
    /// Memorised share of the noisy networks.
    share: f64,
    /// Geometric means of the dilation of noisy networks, and of clean ones of the same seeds.
    noisy: f64,
    clean: f64,
}

/// The training of a loss at a noise level.
struct Trajectory {
    loss: Loss,
    level: Level,
    points: Vec<TrajectoryPoint>,
}

/// `None` if no noisy run has a clean partner with the same evaluations.
pub(super) fn figure(runs: &[&Run]) -> Result<Option<Figure>, ReportError> {
    let candidates = select(runs, has_epoch_curve);
    let (mut groups, mut drawn, mut captions) = (Vec::new(), Vec::new(), Vec::new());
    for (panel, here) in by_panel(&candidates) {
        let trajectories = trajectories(&here)?;
        let levels = distinct(trajectories.iter().map(|trajectory| trajectory.level));
        if levels.is_empty() {
            continue;
        }
        let name = panel.to_string();
        let mut pictures = Vec::new();
        for level in &levels {
            let of_level = trajectories.iter().filter(|one| one.level == *level);
            pictures.extend(picture(&of_level.collect::<Vec<_>>(), *level, &name));
        }
        captions.push((here.len(), caption(&trajectories, &name)));
        groups.push(Group::titled(name, levels.len().clamp(2, 3), pictures));
        drawn.extend(here);
    }
    let most = captions.into_iter().rev().max_by_key(|(runs, _)| *runs);
    let mut legend = loss_keys(&drawn);
    legend.extend([
        Key::new(Symbol::Line, "with noise"),
        Key::new(Symbol::Limit, "without noise, same epochs"),
        Key::new(Symbol::Shape(Glyph::Star), "last epoch"),
    ]);
    Ok(most.map(|(_, caption)| Figure {
        caption,
        reading: "Each line follows the networks of one loss through training; marks are evaluations, the star is the last \
                  one. Horizontal axis: share of corrupted training samples predicted as their given label. Vertical axis: \
                  dilation (NC1 of the test features), geometric mean over seeds. Dotted: networks of the same seeds \
                  trained without noise, at the horizontal position of the noisy networks at the same epoch. The gap \
                  between the two lines is the dilation added by the noise."
            .to_owned(),
        legend,
        groups,
        ..Figure::new("phase-portrait", "Memorization and dilation during training")
    }))
}

fn trajectories(runs: &[&Run]) -> Result<Vec<Trajectory>, ReportError> {
    let mut epochs: BTreeMap<(String, Level, u64), BTreeMap<usize, EpochRecord>> = BTreeMap::new();
    for run in runs {
        let of_run = run.epochs()?.into_iter().map(|epoch| (epoch.epoch, epoch));
        let key = (run.loss_label(), run.level(), run.seed());
        epochs.insert(key, of_run.collect());
    }
    let mut trajectories = Vec::new();
    for loss in losses(runs) {
        let of_loss = with_loss(runs, loss);
        for level in levels(&of_loss) {
            if level.0 <= 0.0 {
                continue;
            }
            let mut by_epoch: BTreeMap<usize, Vec<[f64; 3]>> = BTreeMap::new();
            for run in at_level(&of_loss, level) {
                let of = |level| epochs.get(&(run.loss_label(), level, run.seed()));
                for (epoch, noisy) in of(level).into_iter().flatten() {
                    let clean = of(Level(0.0)).and_then(|clean| clean.get(epoch));
                    if let Some(values) = clean.and_then(|clean| values(noisy, clean)) {
                        by_epoch.entry(*epoch).or_default().push(values);
                    }
                }
            }
            let points: Vec<TrajectoryPoint> = by_epoch.into_iter().filter_map(point).collect();
            if points.len() >= FEWEST_EVALUATIONS {
                trajectories.push(Trajectory {
                    loss,
                    level,
                    points,
                });
            }
        }
    }
    Ok(trajectories)
}

/// The memorised share, and the logarithms of both dilations.
fn values(noisy: &EpochRecord, clean: &EpochRecord) -> Option<[f64; 3]> {
    let dilation = |epoch: &EpochRecord| {
        let dilation = epoch.quantity("test.dilation")?;
        (dilation > 0.0).then(|| dilation.ln())
    };
    Some([
        noisy.memorized_as_given?,
        dilation(noisy)?,
        dilation(clean)?,
    ])
}

fn point((epoch, seeds): (usize, Vec<[f64; 3]>)) -> Option<TrajectoryPoint> {
    let of = |index: usize| mean(seeds.iter().map(|values| values[index]));
    Some(TrajectoryPoint {
        epoch,
        share: of(0)?,
        noisy: of(1)?.exp(),
        clean: of(2)?.exp(),
    })
}

fn picture(trajectories: &[&Trajectory], level: Level, panel: &str) -> Option<Picture> {
    let points = || trajectories.iter().flat_map(|one| &one.points);
    let heights = span(points().flat_map(|point| [point.noisy, point.clean]))?;
    let across = span(points().map(|point| point.share).chain([0.0, 1.0]))?;
    let mut plot = Plot::new(
        Frame::new(400.0, 300.0),
        &format!("η = {level}"),
        &Axis::exact(across, "memorised share"),
        &Axis::log(heights, "dilation (test NC1)").max_ticks(7),
    );
    let mut ends = Vec::new();
    for trajectory in trajectories {
        let colour = trajectory.loss.colour();
        let points = trajectory.points.iter();
        let noisy = points.clone().map(|point| (point.share, point.noisy));
        let clean = points.map(|point| (point.share, point.clean));
        plot.dashed(&format!("line s {colour}"), "1 4", clean);
        plot.series(colour, noisy.clone());
        for (index, point) in noisy.enumerate() {
            let (glyph, size) = if index + 1 == trajectory.points.len() {
                (Glyph::Star, 6.5)
            } else {
                (Glyph::Circle, 2.6)
            };
            plot.mark(glyph, colour, size, point, 0.0);
        }
        let last = trajectory.points.last()?;
        ends.push(format!(
            "{} ends at share {} and dilation {}, clean {}",
            trajectory.loss,
            number(last.share),
            number(last.noisy),
            number(last.clean)
        ));
    }
    let title = format!("Memorised share and dilation, η = {level}, {panel}");
    Some(plot.picture(title, ends.join("; ") + "."))
}

/// Describes the trajectory of the first loss at the highest noise level.
fn caption(trajectories: &[Trajectory], panel: &str) -> String {
    // `rev` selects the first loss among the trajectories at the highest level.
    let highest = trajectories.iter().rev().max_by_key(|one| one.level);
    let least = |a: &&TrajectoryPoint, b: &&TrajectoryPoint| a.share.total_cmp(&b.share);
    let Some(trajectory) = highest else {
        return String::new();
    };
    let from = trajectory.points.iter().min_by(least);
    let (Some(from), Some(to)) = (from, trajectory.points.last()) else {
        return String::new();
    };
    format!(
        "{} at η = {} ({panel}): from epoch {} to {}, the memorised share changes from {} to {} and the geometric mean of \
         dilation from {} to {}; without noise, dilation changes from {} to {} over the same epochs.",
        trajectory.loss,
        trajectory.level.0,
        from.epoch,
        to.epoch,
        percent(from.share, 0),
        percent(to.share, 0),
        number(from.noisy),
        number(to.noisy),
        number(from.clean),
        number(to.clean)
    )
}
