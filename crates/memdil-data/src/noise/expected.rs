//! The expected transition matrix of a kind of noise.

use super::kinds::LabelNoise;

impl LabelNoise {
    /// $T_{jk}$, the probability that a label j becomes k: the limit of
    /// [`NoisyLabels::transition`](super::NoisyLabels::transition) for many samples.
    ///
    /// `None` if it depends on the draw, the images or a file (`per_class` with a `range`,
    /// `instance`, `margin`, `from_file`), and for `latent_class`, which doubles the number of
    /// observed classes.
    ///
    /// ```
    /// use memdil_data::noise::LabelNoise;
    ///
    /// let noise = LabelNoise::Uniform { eta: 0.2, exact_count: false };
    /// assert_eq!(noise.expected_transition(2).unwrap(), [[0.9, 0.1], [0.1, 0.9]]);
    /// ```
    pub fn expected_transition(&self, classes: usize) -> Option<Vec<Vec<f64>>> {
        // A label redrawn from all classes may keep its class; an exact count counts changed labels
        // only.
        let others = |exact: bool| if exact { classes - 1 } else { classes } as f64;
        let spread = |class: usize, to_each: f64| {
            let stay = 1.0 - to_each * (classes - 1) as f64;
            let entry = |k| if k == class { stay } else { to_each };
            (0..classes).map(entry).collect()
        };
        let moved = |class: usize, target: usize, eta: f64| {
            let mut row = vec![0.0; classes];
            row[class] = 1.0 - eta;
            row[target] += eta;
            row
        };
        let row = |class: usize| -> Option<Vec<f64>> {
            Some(match self {
                Self::Uniform { eta, exact_count } => spread(class, eta / others(*exact_count)),
                Self::Symmetric { eta, .. } => spread(class, eta / others(true)),
                Self::Asymmetric { eta, map, .. } => {
                    moved(class, *map.targets().get(class)? as usize, *eta)
                }
                Self::Pair { eta, .. } => moved(class, (class + 1) % classes, *eta),
                Self::Transition { matrix, .. } => {
                    let row = matrix.get(class)?;
                    let sum: f64 = row.iter().sum();
                    row.iter().map(|p| p / sum).collect()
                }
                Self::PerClass {
                    etas, exact_count, ..
                } => spread(class, etas.as_ref()?.get(class)? / others(*exact_count)),
                Self::LatentClass { .. }
                | Self::Instance { .. }
                | Self::Margin { .. }
                | Self::FromFile { .. } => return None,
            })
        };
        (0..classes).map(row).collect()
    }
}
