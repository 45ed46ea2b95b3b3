//! The metrics by their names.

use std::collections::BTreeMap;

/// Declares a record whose fields may be missing, and serialises those that are not.
macro_rules! record {
    ($(#[$outer:meta])* $name:ident { $($(#[$inner:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$outer])*
        #[derive(Clone, Debug, Default, PartialEq)]
        #[non_exhaustive]
        pub struct $name {
            $($(#[$inner])* pub $field: Option<$type>,)*
        }

        #[cfg(feature = "serde")]
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeMap;
                let mut map = serializer.serialize_map(None)?;
                $(if let Some(value) = &self.$field {
                    map.serialize_entry(stringify!($field), value)?;
                })*
                map.end()
            }
        }
    };
}

record! {
    /// Every metric by its name. Missing is what the inputs do not give, or leave undefined:
    /// [`undefined`](Self::undefined) has the reason.
    ///
    /// With the feature `serde` it serialises to these names, without what is missing.
    Metrics {
        /// Samples $n$.
        samples: usize,
        /// Features $d$.
        dim: usize,
        /// Classes $K$.
        classes: usize,
        /// [`nc1`](crate::nc1())
        nc1: f64,
        /// [`nc1_ratio`](crate::nc1_ratio)
        nc1_ratio: f64,
        /// [`cdnv`](crate::cdnv)
        cdnv: f64,
        /// [`nc2_etf`](crate::nc2_etf), with a classifier.
        nc2_etf: f64,
        /// [`nc2_etf_means`](crate::nc2_etf_means)
        nc2_etf_means: f64,
        /// [`nc2_equinorm`](crate::nc2_equinorm)
        nc2_equinorm: f64,
        /// [`nc2_equinorm_w`](crate::nc2_equinorm_w), with a classifier.
        nc2_equinorm_w: f64,
        /// [`nc2_equiangle`](crate::nc2_equiangle)
        nc2_equiangle: f64,
        /// [`nc2_orthogonal`](crate::nc2_orthogonal)
        nc2_orthogonal: f64,
        /// [`nc3`](crate::nc3()), with a classifier.
        nc3: f64,
        /// [`nc3_dual`](crate::nc3_dual), with a classifier.
        nc3_dual: f64,
        /// [`nc4`](crate::nc4()), with classifier and bias.
        nc4: f64,
        /// [`bias_collapse`](crate::bias_collapse), with classifier and bias.
        bias_collapse: f64,
        /// [`hyperspherical_energy`](crate::hyperspherical_energy)
        hyperspherical_energy: f64,
        /// [`accuracy`](crate::accuracy()) against the labels trained on, with classifier and bias or logits
        /// (as the next four).
        accuracy: f64,
        /// [`ece`](crate::ece)
        ece: f64,
        /// [`adaptive_ece`](crate::adaptive_ece)
        adaptive_ece: f64,
        /// [`brier`](crate::brier)
        brier: f64,
        /// [`nll`](crate::nll)
        nll: f64,
        /// [`memorization`](crate::memorization()): sum of distances, with clean labels (as all
        /// that follow).
        memorization_sum: f64,
        /// Mean of distances; missing without corrupted samples.
        memorization_mean: f64,
        /// Sum of distances by clean class.
        memorization_per_class: Vec<f64>,
        /// [`memorized_fraction`](crate::memorized_fraction): share predicted as the given label,
        /// with classifier and bias or logits.
        memorized_as_given: f64,
        /// Share predicted as the clean label.
        memorized_as_clean: f64,
        /// Share predicted as another label.
        memorized_as_other: f64,
        /// [`corruption_bias`](crate::corruption_bias()), row by row.
        corruption_bias: Vec<Vec<f64>>,
        /// What was measured on the test set, where one was given.
        test: TestMetrics,
        /// Metric and reason, for each metric that these inputs leave undefined; missing where all
        /// are defined.
        undefined: BTreeMap<String, String>,
    }
}

record! {
    /// Metrics of the test set, missing as in [`Metrics`].
    TestMetrics {
        /// Samples.
        samples: usize,
        /// [`dilation`](crate::dilation())
        dilation: f64,
        /// [`rho`](crate::rho)
        rho: f64,
        /// [`rho_nc1`](crate::rho_nc1), for two classes.
        rho_nc1: f64,
        /// [`radius`](crate::radius)
        radius: f64,
        /// [`separation`](crate::separation)
        separation: f64,
        /// [`nc1_ratio`](crate::nc1_ratio)
        nc1_ratio: f64,
        /// [`cdnv`](crate::cdnv)
        cdnv: f64,
        /// [`accuracy`](crate::accuracy()), with classifier and bias or logits (as the next four).
        accuracy: f64,
        /// [`ece`](crate::ece)
        ece: f64,
        /// [`adaptive_ece`](crate::adaptive_ece)
        adaptive_ece: f64,
        /// [`brier`](crate::brier)
        brier: f64,
        /// [`nll`](crate::nll)
        nll: f64,
        /// [`memorization_test`](crate::memorization_test): sum of distances, with clean labels (as
        /// the next two).
        memorization_test_sum: f64,
        /// Mean of distances; missing without corrupted samples.
        memorization_test_mean: f64,
        /// Sum of distances by clean class.
        memorization_test_per_class: Vec<f64>,
    }
}
