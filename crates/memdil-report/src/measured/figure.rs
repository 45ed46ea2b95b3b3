//! Pictures of measured features: training and test samples of every network in one plane.

use std::collections::BTreeSet;

use crate::chart::{
    Axis, CLASSES, Figure, Frame, Group, Key, Picture, Plot, class_colour, cross, span,
};
use crate::text::{count, number, percent};

use super::plane::Plane;
use super::{MeasuredFeatures, Sample};

/// Networks drawn, so that the page stays small.
const NETWORKS: usize = 12;

/// `None` of no network.
pub(super) fn figure(measured: &[MeasuredFeatures]) -> Option<Figure> {
    let drawn = &measured[..measured.len().min(NETWORKS)];
    let samples = || {
        drawn
            .iter()
            .flat_map(|network| [Some(&network.train), network.test.as_ref()])
            .flatten()
    };
    let classes = samples()
        .flat_map(|sample| sample.labels.iter().copied())
        .collect::<BTreeSet<_>>();
    let corrupted =
        samples().any(|sample| (0..sample.labels.len()).any(|i| sample.is_corrupted(i)));
    let (planes, groups): (Vec<_>, Vec<_>) = drawn.iter().map(group).unzip();

    let mut legend: Vec<Key> = classes
        .iter()
        .take(CLASSES)
        .map(|&class| Key::Dots(class_colour(class), format!("class {class}")))
        .collect();
    if corrupted {
        legend.push(Key::Crosses(
            "other",
            "corrupted, in the colour of the given label".to_owned(),
        ));
    }
    let many = if classes.len() > CLASSES {
        format!(" Colours repeat after {CLASSES} classes.")
    } else {
        String::new()
    };
    let most = samples()
        .map(|sample| sample.labels.len())
        .max()
        .filter(|most| samples().any(|s| s.all > *most));
    let fewer = most.map_or_else(String::new, |most| {
        format!(" At most {most} samples, chosen at random, are drawn in a picture.")
    });
    let more = measured.len() - drawn.len();
    let left_out = if more > 0 {
        format!(
            " {} not drawn.",
            count(more, "more network is", "more networks are")
        )
    } else {
        String::new()
    };
    let mut shares = planes
        .iter()
        .filter(|(_, reduced)| *reduced)
        .map(|(share, _)| *share)
        .peekable();
    let reading = if shares.peek().is_some() {
        let [low, high] = span(shares).unwrap_or([1.0, 1.0]);
        let shown = if percent(low, 0) == percent(high, 0) {
            percent(low, 0)
        } else {
            format!("{} to {}", percent(low, 0), percent(high, 0))
        };
        format!(
            "Features of more than two dimensions are drawn in the plane of the first two principal components of the training features drawn, which shows {shown} of \
             their variance: classes that lie over each other here may be apart in the other directions."
        )
    } else {
        "The axes are the features themselves.".to_owned()
    };
    Some(Figure {
        name: "measured-features".to_owned(),
        heading: "Features".to_owned(),
        caption: caption(measured),
        reading: format!(
            "{reading} Training samples are coloured by the label trained on, test samples by their class; a number \
             marks the mean of its uncorrupted samples drawn. The pictures of a network have one scale.{many}{fewer}{left_out}"
        ),
        legend,
        groups,
        side_by_side: true,
    })
    .filter(|_| !measured.is_empty())
}

/// What the numbers say of the first and the last by NC1 and dilation.
fn caption(measured: &[MeasuredFeatures]) -> String {
    let values = |path: &[&str], what: &str| {
        let of = |network: &MeasuredFeatures| {
            network
                .value(path)
                .map(|value| format!("{} {}", network.name, number(value)))
        };
        let found: Vec<String> = measured.iter().take(NETWORKS).filter_map(of).collect();
        (!found.is_empty()).then(|| format!("{what}: {}.", found.join(", ")))
    };
    let parts = [
        values(&["nc1"], "NC1 of the training features"),
        values(&["test", "dilation"], "Dilation, NC1 of the test features"),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// The pictures of a network; share of variance shown, and whether that is less than there is to
/// see.
fn group(network: &MeasuredFeatures) -> ((f64, bool), Group) {
    let plane = Plane::of(network.train.features.view());
    let parts = [
        ("train", Some(&network.train)),
        ("test", network.test.as_ref()),
    ];
    let placed: Vec<_> = parts
        .into_iter()
        .filter_map(|(which, sample)| {
            sample.map(|sample| (which, sample, plane.project(sample.features.view())))
        })
        .collect();
    let [low, high] = span(
        placed
            .iter()
            .flat_map(|(_, _, points)| points.iter().copied()),
    )
    .unwrap_or([0.0, 1.0]);
    // A square, so that angles are true: each axis has room for the wider of the two.
    let extents = [0, 1].map(|axis| {
        let along = placed
            .iter()
            .flat_map(|(_, _, points)| points.column(axis).to_vec());
        span(along).unwrap_or([low, high])
    });
    let widest = extents
        .iter()
        .map(|[low, high]| high - low)
        .fold(0.0, f64::max);
    let half = if widest > 0.0 { 0.54 * widest } else { 1.0 };
    let square = extents.map(|[low, high]| {
        [
            f64::midpoint(low, high) - half,
            f64::midpoint(low, high) + half,
        ]
    });
    let pictures = placed
        .iter()
        .map(|(which, sample, points)| picture(network, which, sample, points, square))
        .collect::<Vec<_>>();
    let reduced = network.train.features.ncols() > 2;
    (
        (plane.share, reduced),
        Group {
            title: Some(network.name.clone()),
            columns: pictures.len(),
            pictures,
        },
    )
}

fn picture(
    network: &MeasuredFeatures,
    which: &str,
    sample: &Sample,
    points: &ndarray::Array2<f64>,
    square: [[f64; 2]; 2],
) -> Picture {
    let axes = square.map(|ends| Axis::exact(ends, ""));
    let mut plot = Plot::new(Frame::compact(262.0, 268.0), which, &axes[0], &axes[1]);
    let (x, y) = (plot.x, plot.y);
    let classes: BTreeSet<usize> = sample.labels.iter().copied().collect();
    let (mut dots, mut crosses, mut means) = (String::new(), String::new(), String::new());
    for &class in &classes {
        let (mut dot, mut corrupted, mut sum, mut n) =
            (String::new(), String::new(), [0.0, 0.0], 0.0);
        for i in (0..sample.labels.len()).filter(|&i| sample.labels[i] == class) {
            let (a, b) = (x.at(points[[i, 0]]), y.at(points[[i, 1]]));
            if sample.is_corrupted(i) {
                corrupted += &cross(a, b);
            } else {
                dot += &format!("M{a:.1} {b:.1}h0");
                sum = [sum[0] + a, sum[1] + b];
                n += 1.0;
            }
        }
        let colour = class_colour(class);
        if !dot.is_empty() {
            dots += &format!(r#"<path class="dots s {colour}" d="{dot}"/>"#);
            let (a, b) = (sum[0] / n, sum[1] / n + 4.0);
            means += &format!(
                r#"<text class="class" x="{a:.1}" y="{b:.1}" text-anchor="middle">{class}</text>"#
            );
        }
        if !corrupted.is_empty() {
            crosses += &format!(r#"<path class="crosses s {colour}" d="{corrupted}"/>"#);
        }
    }
    plot.push(&(dots + &crosses + &means));
    let corrupted = (0..sample.labels.len())
        .filter(|&i| sample.is_corrupted(i))
        .count();
    plot.picture(
        format!("{which} features of {}", network.name),
        format!(
            "{} of {}, {corrupted} of them with a corrupted label.",
            sample.labels.len(),
            count(sample.all, "sample", "samples")
        ),
    )
}
