//! The figure of angles between class means.

use super::values::NamedClasses;
use crate::chart::{Figure, Group, HeatMap};
use crate::text::{count, joined, number, when};

/// Maximum number of networks drawn, which limits the size of the page.
const NETWORKS: usize = 12;

/// `None` if no network has angles between at least three classes.
pub(crate) fn figure<'a>(networks: impl IntoIterator<Item = &'a NamedClasses>) -> Option<Figure> {
    let networks = networks.into_iter();
    let networks: Vec<_> = networks.filter(|of| of.angles().is_some()).collect();
    let drawn = &networks[..networks.len().min(NETWORKS)];
    let groups: Vec<Group> = drawn.iter().filter_map(|network| group(network)).collect();
    if groups.is_empty() {
        return None;
    }
    let left_out = networks.len() - drawn.len();
    let left_out_text = count(left_out, "more network is", "more networks are");
    Some(Figure {
        caption: joined(drawn.iter().filter_map(|network| caption(network)), " "),
        reading: format!(
            "Angles in degrees between the centred class means of the training samples. Blue: larger than in a simplex frame, \
             in which all angles are equal and as large as possible; orange: smaller.{}",
            when(left_out > 0, format!(" {left_out_text} not drawn."))
        ),
        groups,
        ..Figure::new("class-angles", "Angles between class means")
    })
}

/// The angle between any two of `classes` vectors in a simplex equiangular tight frame.
fn simplex(classes: usize) -> f64 {
    (-1.0 / (classes as f64 - 1.0)).acos().to_degrees()
}

/// The defined angles between different classes, with their classes.
fn pairs(angles: &[Vec<Option<f64>>]) -> Vec<(f64, usize, usize)> {
    let mut pairs = Vec::new();
    for (a, row) in angles.iter().enumerate() {
        for (b, angle) in row.iter().enumerate().take(a) {
            pairs.extend(angle.map(|angle| (angle, b, a)));
        }
    }
    pairs
}

fn group(network: &NamedClasses) -> Option<Group> {
    let angles = network.angles()?;
    let label = |class| network.label(class);
    let mut values = angles.to_vec();
    for (class, row) in values.iter_mut().enumerate() {
        // The angle of a class with itself is zero.
        row[class] = None;
    }
    let map = HeatMap {
        labels: (0..angles.len()).map(label).collect(),
        values,
        middle: simplex(angles.len()),
        unit: "°",
        range: [0.0, 180.0],
    };
    let title = format!("Angles between the class means of {}", network.network);
    let picture = map.picture(title, caption(network)?);
    Some(Group::titled(&network.network, 1, vec![picture]))
}

/// The smallest angle, and that of a simplex frame.
fn caption(network: &NamedClasses) -> Option<String> {
    let angles = network.angles()?;
    let pairs = pairs(angles);
    let (angle, a, b) = pairs.iter().min_by(|a, b| a.0.total_cmp(&b.0))?;
    let (largest, ..) = pairs.iter().max_by(|a, b| a.0.total_cmp(&b.0))?;
    Some(format!(
        "{}: the smallest angle, {}°, is between {} and {}; the largest is {}°, and those of a simplex frame are {}°.",
        network.network,
        number(*angle),
        network.label(*a),
        network.label(*b),
        number(*largest),
        number(simplex(angles.len()))
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn angles_of_a_simplex_frame() {
        for (classes, angle) in [(2, 180.0), (3, 120.0), (4, 109.471_220_634_490_69)] {
            assert!((simplex(classes) - angle).abs() < 1e-9, "{classes}");
        }
    }
}
