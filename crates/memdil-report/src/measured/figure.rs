//! The figure of measured features: training and test samples of each network in a common plane.

use std::collections::{BTreeMap, BTreeSet};

use ndarray::Array2;

use super::features::{MeasuredFeatures, Sample};
use super::plane::Plane;
use crate::chart::{
    Axis, CLASSES, Figure, Frame, Group, Key, Picture, Plot, Symbol, class_colour, span,
};
use crate::text::{count, number, percent, when};

/// Maximum number of networks drawn, which limits the size of the page.
const NETWORKS: usize = 12;

/// The figure; `measured` is not empty.
pub(super) fn figure(measured: &[MeasuredFeatures]) -> Figure {
    let drawn = &measured[..measured.len().min(NETWORKS)];
    let mut samples = Vec::new();
    for network in drawn {
        samples.push(&network.train);
        samples.extend(&network.test);
    }
    let labels = samples.iter().flat_map(|sample| &sample.labels);
    let classes: BTreeSet<usize> = labels.copied().collect();
    let (mut groups, mut shares) = (Vec::new(), Vec::new());
    for network in drawn {
        let plane = Plane::of(network.train.features.view());
        if network.train.features.ncols() > 2 {
            shares.push(plane.share);
        }
        groups.push(group(network, &plane));
    }
    let mut legend = Vec::new();
    for &class in classes.iter().take(CLASSES) {
        let symbol = Symbol::Dots(class_colour(class));
        legend.push(Key::new(symbol, format!("class {class}")));
    }
    if samples.iter().any(|sample| sample.corrupted() > 0) {
        let label = "corrupted, in the colour of the given label";
        legend.push(Key::new(Symbol::Crosses("other"), label));
    }
    let many = format!(" Colours repeat after {CLASSES} classes.");
    let most = samples.iter().map(|sample| sample.labels.len()).max();
    let most = most.unwrap_or_default();
    let fewer = format!(" At most {most} samples, chosen at random, are drawn per picture.");
    let left_out = measured.len() - drawn.len();
    let left_out_text = count(left_out, "more network is", "more networks are");
    Figure {
        caption: caption(drawn),
        reading: format!(
            "{} Training samples are coloured by the label trained on, test samples by their class; a number marks \
             the mean of the drawn uncorrupted samples of its class. The pictures of a network share one scale.{}{}{}",
            axes(shares),
            when(classes.len() > CLASSES, many),
            when(samples.iter().any(|sample| sample.all > most), fewer),
            when(left_out > 0, format!(" {left_out_text} not drawn."))
        ),
        legend,
        groups,
        side_by_side: true,
        ..Figure::new("measured-features", "Features")
    }
}

/// The meaning of the axes; `shares` are the shares of variance shown for networks with more than
/// two features.
fn axes(shares: Vec<f64>) -> String {
    let Some(ends) = span(shares) else {
        return "The axes are the features themselves.".to_owned();
    };
    let [low, high] = ends.map(|share| percent(share, 0));
    let shown = if low == high {
        low
    } else {
        format!("{low} to {high}")
    };
    format!(
        "Features with more than two dimensions are projected onto the first two principal components of the drawn training \
         features, which show {shown} of their variance; classes that overlap here may be separated in other directions."
    )
}

/// NC1 and dilation of the networks drawn.
fn caption(drawn: &[MeasuredFeatures]) -> String {
    let mut parts = Vec::new();
    for (path, what) in [
        ("nc1", "NC1 of the training features"),
        ("test.dilation", "Dilation, NC1 of the test features"),
    ] {
        let mut found = Vec::new();
        for network in drawn {
            let value = network.value(path);
            found.extend(value.map(|value| format!("{} {}", network.name, number(value))));
        }
        if !found.is_empty() {
            parts.push(format!("{what}: {}.", found.join(", ")));
        }
    }
    parts.join(" ")
}

/// The pictures of a network, projected onto its plane.
fn group(network: &MeasuredFeatures, plane: &Plane) -> Group {
    let mut placed = vec![("train", &network.train)];
    placed.extend(network.test.as_ref().map(|test| ("test", test)));
    let placed: Vec<_> = placed
        .into_iter()
        .map(|(which, sample)| (which, sample, plane.project(sample.features.view())))
        .collect();
    let square = square(placed.iter().map(|(_, _, points)| points));
    let pictures = placed
        .iter()
        .map(|(which, sample, points)| picture(network, which, sample, points, square));
    Group::titled(&network.name, placed.len(), pictures.collect())
}

/// The ranges of both axes. They have equal lengths, so that angles are preserved.
fn square<'a>(points: impl Iterator<Item = &'a Array2<f64>> + Clone) -> [[f64; 2]; 2] {
    let extents = [0, 1].map(|axis| {
        let along = points
            .clone()
            .flat_map(|points| points.column(axis).to_vec());
        span(along).unwrap_or([0.0, 1.0])
    });
    let widths = extents.iter().map(|[low, high]| high - low);
    let widest = widths.fold(0.0, f64::max);
    let half = if widest > 0.0 { 0.54 * widest } else { 1.0 };
    extents.map(|[low, high]| {
        let middle = f64::midpoint(low, high);
        [middle - half, middle + half]
    })
}

fn picture(
    network: &MeasuredFeatures,
    which: &str,
    sample: &Sample,
    points: &Array2<f64>,
    square: [[f64; 2]; 2],
) -> Picture {
    let axes = square.map(|ends| Axis::exact(ends, ""));
    let mut plot = Plot::new(Frame::compact(262.0, 268.0), which, &axes[0], &axes[1]);
    let mut sums: BTreeMap<usize, ([f64; 2], f64)> = BTreeMap::new();
    let samples = sample.labels.iter().enumerate();
    let samples = samples.map(|(i, class)| {
        (
            *class,
            sample.is_corrupted(i),
            (points[[i, 0]], points[[i, 1]]),
        )
    });
    for (class, _, (a, b)) in samples.clone().filter(|(_, corrupted, _)| !corrupted) {
        let ([x, y], n) = sums.entry(class).or_default();
        (*x, *y, *n) = (*x + plot.x.at(a), *y + plot.y.at(b), *n + 1.0);
    }
    plot.scatter(samples);
    for (class, ([x, y], n)) in sums {
        let (x, y) = (x / n, y / n + 4.0);
        plot.push(&format!(
            r#"<text class="class" x="{x:.1}" y="{y:.1}" text-anchor="middle">{class}</text>"#
        ));
    }
    let corrupted = sample.corrupted();
    plot.picture(
        format!("{which} features of {}", network.name),
        format!(
            "{} of {}, {corrupted} of them with a corrupted label.",
            sample.labels.len(),
            count(sample.all, "sample", "samples")
        ),
    )
}
