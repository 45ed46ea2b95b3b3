//! The metrics of the layers of a network.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

/// The metrics of a layer, from its output in evaluation mode. The output of a convolutional layer
/// is averaged over its pixels, so its features are one value per channel.
///
/// Distances are Euclidean, and the nearest of several equally distant class means is that of the
/// lowest class. A metric that is not defined is omitted; `undefined` of the [`EpochRecord`](crate::EpochRecord)
/// then has the reason under `layers.INDEX.NAME`.
///
/// Sources: Ben-Shaul and Dekel 2022 (nearest class means of intermediate layers), Parker et al.
/// 2023 (collapse of intermediate layers), Stephenson et al. 2021 (the depth of memorization).
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerRecord {
    /// Name of the layer: `blocks.0`, `stem`, `stages.0` and so on.
    pub name: String,
    /// Number of features d of the layer.
    pub width: usize,
    /// NC1 of the training samples with the given labels.
    pub nc1: Option<f64>,
    /// Share of training samples whose nearest class mean, over the means of the samples with each
    /// given label, is that of their given label.
    pub ncm_accuracy_given: Option<f64>,
    /// Share of training samples whose nearest class mean, over the means of the uncorrupted
    /// samples of each class, is that of their clean label.
    pub ncm_accuracy_clean: Option<f64>,
    /// Share of the corrupted training samples whose nearest mean of the uncorrupted samples of a
    /// class is that of their given, wrong label; omitted if no sample is corrupted, and for latent
    /// labels, which have no uncorrupted samples.
    pub corrupted_nearest_given: Option<f64>,
    /// Share of the corrupted training samples whose nearest mean of the uncorrupted samples of a
    /// class is that of their clean label; omitted if no sample is corrupted.
    pub corrupted_nearest_clean: Option<f64>,
    /// Mean distance of the corrupted training samples to the mean of the uncorrupted samples of
    /// their true class; omitted if no sample is corrupted.
    pub memorization_mean: Option<f64>,
    /// Mean distance between the class means of the uncorrupted training samples.
    pub separation: Option<f64>,
    /// `memorization_mean` divided by `separation`, which is comparable between layers; omitted if
    /// no sample is corrupted.
    pub memorization_over_separation: Option<f64>,
    /// Dilation: NC1 of the test features.
    pub test_dilation: Option<f64>,
    /// Share of test samples whose nearest mean of the uncorrupted training samples of a class is
    /// that of their label.
    pub test_ncm_accuracy: Option<f64>,
}

/// The value of the last layer divided by that of the first; `None` with fewer than two layers, or
/// if the ratio is not finite.
pub(super) fn last_over_first(
    layers: &[LayerRecord],
    value: impl Fn(&LayerRecord) -> Option<f64>,
) -> Option<f64> {
    let [first, .., last] = layers else {
        return None;
    };
    let ratio = value(last)? / value(first)?;
    ratio.is_finite().then_some(ratio)
}

/// The relative depth i / L of the first of the layers i = 1, ..., L from which up to the last layer
/// more corrupted samples are nearest to the mean of their given class than to that of their clean
/// class; `None` if the last layer is not among them.
pub(super) fn memorization_depth(layers: &[LayerRecord]) -> Option<f64> {
    let as_given = |layer: &LayerRecord| {
        let shares = layer
            .corrupted_nearest_given
            .zip(layer.corrupted_nearest_clean);
        shares.is_some_and(|(given, clean)| given > clean)
    };
    let count = layers
        .iter()
        .rev()
        .take_while(|layer| as_given(layer))
        .count();
    let first = layers.len() - count + 1;
    (count > 0).then(|| first as f64 / layers.len() as f64)
}

#[cfg(test)]
#[allow(clippy::float_cmp)]
mod tests {
    use super::*;

    fn layer(dilation: f64, shares: [f64; 2]) -> LayerRecord {
        LayerRecord {
            test_dilation: Some(dilation),
            corrupted_nearest_given: Some(shares[0]),
            corrupted_nearest_clean: Some(shares[1]),
            ..LayerRecord::default()
        }
    }

    fn ratio(dilations: &[f64]) -> Option<f64> {
        let layers = dilations.iter().map(|&dilation| layer(dilation, [0.0; 2]));
        last_over_first(&layers.collect::<Vec<_>>(), |layer| layer.test_dilation)
    }

    fn depth(shares: &[[f64; 2]]) -> Option<f64> {
        let layers = shares.iter().map(|&shares| layer(1.0, shares));
        memorization_depth(&layers.collect::<Vec<_>>())
    }

    #[test]
    fn ratios_compare_the_last_layer_with_the_first() {
        assert_eq!(ratio(&[8.0, 5.0, 2.0]), Some(0.25));
        assert_eq!(ratio(&[8.0]), None);
        assert_eq!(ratio(&[0.0, 1.0]), None);
        let layers = [LayerRecord::default(), layer(1.0, [0.0; 2])];
        assert_eq!(last_over_first(&layers, |layer| layer.test_dilation), None);
    }

    #[test]
    fn memorization_depth_is_the_start_of_the_last_layers_that_follow_the_given_labels() {
        let (given, clean) = ([0.6, 0.3], [0.3, 0.6]);
        assert_eq!(depth(&[clean, clean, given, given]), Some(0.75));
        assert_eq!(depth(&[given, clean, clean, given]), Some(1.0));
        assert_eq!(depth(&[given, given]), Some(0.5));
        assert_eq!(depth(&[given, clean]), None);
        assert_eq!(depth(&[given, [0.5, 0.5]]), None);
        assert_eq!(depth(&[]), None);
    }
}
