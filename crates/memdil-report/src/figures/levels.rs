//! The axis and the shapes of noise levels.

use crate::chart::{Axis, Glyph, Key, SHAPES, Symbol};
use crate::runs::Level;

/// The axis of noise levels. Ticks too close to the previous one are omitted.
pub(super) fn level_axis(levels: &[Level]) -> Axis<'static> {
    let (low, high) = (levels.first(), levels.last());
    let [low, high] = [low, high].map(|level| level.map_or(0.0, |level| level.0));
    let mut ticks: Vec<(f64, String)> = Vec::new();
    for level in levels {
        if ticks
            .last()
            .is_none_or(|(before, _)| level.0 - before > high / 8.0)
        {
            ticks.push((level.0, level.to_string()));
        }
    }
    let room = 0.08 * (high - low).max(1e-9);
    Axis::exact([low - room, high + room], "noise level η").ticks(ticks)
}

/// The legend of noise levels.
pub(super) fn level_keys(levels: &[Level]) -> impl Iterator<Item = Key> {
    let key =
        |level: &Level| Key::new(Symbol::Shape(shape(*level, levels)), format!("η = {level}"));
    levels.iter().map(key)
}

/// The shape of a noise level among all levels.
pub(super) fn shape(level: Level, levels: &[Level]) -> Glyph {
    let index = levels.iter().position(|known| *known == level).unwrap_or(0);
    SHAPES[index % SHAPES.len()]
}
