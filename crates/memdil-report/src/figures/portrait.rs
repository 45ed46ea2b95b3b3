//! Memorization and dilation along training: noisy networks beside the clean ones of their seeds.

use std::collections::BTreeMap;

use memdil_records::EpochRecord;

use super::lines::{FEWEST_EVALUATIONS, has_course, loss_keys};
use crate::chart::{Axis, Figure, Frame, Glyph, Group, Key, Picture, Plot, Sign, span};
use crate::error::ReportError;
use crate::loss::Loss;
use crate::runs::{Level, Run, at, by_panel, distinct, levels, losses, mean, select, under};
use crate::text::{number, percent};

/// What the networks of a loss and noise level were at an epoch, on average over seeds.
#[derive(Clone, Copy, Debug)]
struct Place {
    epoch: usize,
    /// Memorised share of the noisy networks.
    share: f64,
    /// Geometric means of the dilation of noisy networks, and of the clean ones of the same seeds.
    noisy: f64,
    clean: f64,
}

/// One loss at one noise level.
struct Course {
    loss: Loss,
    level: Level,
    places: Vec<Place>,
}

/// `None` where no noisy run has a clean partner with the same evaluations.
pub(super) fn figure(runs: &[&Run]) -> Result<Option<Figure>, ReportError> {
    let candidates = select(runs, has_course);
    let (mut groups, mut drawn, mut captions) = (Vec::new(), Vec::new(), Vec::new());
    for (panel, here) in by_panel(&candidates) {
        let courses = courses(&here)?;
        let levels = distinct(courses.iter().map(|course| course.level));
        if levels.is_empty() {
            continue;
        }
        let name = panel.to_string();
        let mut pictures = Vec::new();
        for level in &levels {
            let of_level = courses.iter().filter(|course| course.level == *level);
            pictures.extend(picture(&of_level.collect::<Vec<_>>(), *level, &name));
        }
        captions.push((here.len(), caption(&courses, &name)));
        groups.push(Group::titled(name, levels.len().clamp(2, 3), pictures));
        drawn.extend(here);
    }
    let most = captions.into_iter().rev().max_by_key(|(runs, _)| *runs);
    let mut legend = loss_keys(&drawn);
    legend.extend([
        Key::new(Sign::Line, "with noise"),
        Key::new(Sign::Limit, "without noise, same epochs"),
        Key::new(Sign::Shape(Glyph::Star), "last epoch"),
    ]);
    Ok(most.map(|(_, caption)| Figure {
        caption,
        reading: "A line follows the networks of one loss through training; a mark is an evaluation, the star the last \
                  one. Across: the share of corrupted training samples predicted as their given label. Up: dilation \
                  (NC1 of test features), geometric mean over seeds. Dotted: the networks of the same seeds \
                  trained without noise, at the place across of the noisy ones at the same epoch. The gap between the two \
                  lines is what the noise adds."
            .to_owned(),
        legend,
        groups,
        ..Figure::new("phase-portrait", "Memorization and dilation along training")
    }))
}

fn courses(runs: &[&Run]) -> Result<Vec<Course>, ReportError> {
    let mut epochs: BTreeMap<(String, Level, u64), BTreeMap<usize, EpochRecord>> = BTreeMap::new();
    for run in runs {
        let of_run = run.epochs()?.into_iter().map(|epoch| (epoch.epoch, epoch));
        let key = (run.loss_label(), run.level(), run.seed());
        epochs.insert(key, of_run.collect());
    }
    let mut courses = Vec::new();
    for loss in losses(runs) {
        let of_loss = under(runs, loss);
        for level in levels(&of_loss) {
            if level.0 <= 0.0 {
                continue;
            }
            let mut by_epoch: BTreeMap<usize, Vec<[f64; 3]>> = BTreeMap::new();
            for run in at(&of_loss, level) {
                let of = |level| epochs.get(&(run.loss_label(), level, run.seed()));
                for (epoch, noisy) in of(level).into_iter().flatten() {
                    let clean = of(Level(0.0)).and_then(|clean| clean.get(epoch));
                    if let Some(values) = clean.and_then(|clean| values(noisy, clean)) {
                        by_epoch.entry(*epoch).or_default().push(values);
                    }
                }
            }
            let places: Vec<Place> = by_epoch.into_iter().filter_map(place).collect();
            if places.len() >= FEWEST_EVALUATIONS {
                courses.push(Course {
                    loss,
                    level,
                    places,
                });
            }
        }
    }
    Ok(courses)
}

/// Memorised share, and the logarithms of both dilations.
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

fn place((epoch, seeds): (usize, Vec<[f64; 3]>)) -> Option<Place> {
    let of = |index: usize| mean(seeds.iter().map(|values| values[index]));
    Some(Place {
        epoch,
        share: of(0)?,
        noisy: of(1)?.exp(),
        clean: of(2)?.exp(),
    })
}

fn picture(courses: &[&Course], level: Level, panel: &str) -> Option<Picture> {
    let places = || courses.iter().flat_map(|course| &course.places);
    let heights = span(places().flat_map(|place| [place.noisy, place.clean]))?;
    let across = span(places().map(|place| place.share).chain([0.0, 1.0]))?;
    let mut plot = Plot::new(
        Frame::new(400.0, 300.0),
        &format!("η = {level}"),
        &Axis::exact(across, "memorised share"),
        &Axis::log(heights, "dilation (test NC1)").most(7),
    );
    let mut ends = Vec::new();
    for course in courses {
        let colour = course.loss.colour();
        let noisy = course.places.iter().map(|place| (place.share, place.noisy));
        let clean = course.places.iter().map(|place| (place.share, place.clean));
        plot.dashed(&format!("line s {colour}"), "1 4", clean);
        plot.series(colour, noisy.clone());
        for (index, place) in noisy.enumerate() {
            let (glyph, size) = if index + 1 == course.places.len() {
                (Glyph::Star, 6.5)
            } else {
                (Glyph::Circle, 2.6)
            };
            plot.mark(glyph, colour, size, place, 0.0);
        }
        let last = course.places.last()?;
        ends.push(format!(
            "{} ends at share {} and dilation {}, clean {}",
            course.loss,
            number(last.share),
            number(last.noisy),
            number(last.clean)
        ));
    }
    let title = format!("Memorised share and dilation, η = {level}, {panel}");
    Some(plot.picture(title, ends.join("; ") + "."))
}

/// Where the networks of the first loss go at the highest noise level.
fn caption(courses: &[Course], panel: &str) -> String {
    let highest = courses.iter().map(|course| course.level).max();
    let mut highest = courses
        .iter()
        .filter(|course| Some(course.level) == highest);
    let least = |a: &&Place, b: &&Place| a.share.total_cmp(&b.share);
    let Some(course) = highest.next() else {
        return String::new();
    };
    let from = course.places.iter().min_by(least);
    let (Some(from), Some(to)) = (from, course.places.last()) else {
        return String::new();
    };
    format!(
        "{} at η = {} ({panel}): from epoch {} to {} the memorised share goes from {} to {} and the geometric mean of dilation from {} to {}; \
         without noise, dilation goes from {} to {} over the same epochs.",
        course.loss,
        course.level.0,
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
