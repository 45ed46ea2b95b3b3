//! The second pass over the outputs of a layer: quantities that require the class means.

use memdil_metrics::{MetricsError, Moments, SecondPass, SecondPassTotals};
use memdil_records::LayerRecord;
use ndarray::ArrayView2;

use super::chunks::{ChunkLabels, TrainLabels};
use super::first::{LayerMeans, add};
use crate::run::evaluation::collector::Collector;

/// Sums over the samples of a layer; the first error of a sum makes its metrics undefined.
pub(super) struct SecondPasses<'m> {
    means: &'m LayerMeans,
    nc1: Sum<SecondPass<'m, f64>>,
    memorization: Sum<SecondPass<'m, f64>>,
    dilation: Sum<SecondPass<'m, f64>>,
    nearest_given: Sum<Share>,
    nearest_clean: Sum<NearestClean>,
    nearest_test: Sum<Share>,
}

type Sum<T> = Result<T, MetricsError>;

/// The number of samples for which a condition holds, and of all samples.
#[derive(Clone, Copy, Default)]
struct Share {
    holds: usize,
    all: usize,
}

/// Shares of the samples that are nearest to a mean of uncorrupted samples.
#[derive(Clone, Copy, Default)]
struct NearestClean {
    as_clean: Share,
    corrupted_as_clean: Share,
    /// Of the corrupted samples without latent labels.
    corrupted_as_given: Share,
}

impl Share {
    fn count(&mut self, holds: bool) {
        self.holds += usize::from(holds);
        self.all += 1;
    }

    /// `None` without samples.
    fn value(self) -> Option<f64> {
        (self.all > 0).then(|| self.holds as f64 / self.all as f64)
    }
}

impl<'m> SecondPasses<'m> {
    pub(super) fn new(means: &'m LayerMeans) -> Self {
        let pass = |moments| SecondPass::new(moments);
        let started = |moments: &'m Sum<_>| moments.as_ref().map(pass).map_err(Clone::clone);
        Self {
            means,
            nc1: started(&means.given).and_then(SecondPass::with_nc1),
            memorization: started(&means.clean).and_then(SecondPass::with_memorization),
            dilation: started(&means.test).and_then(SecondPass::with_nc1),
            nearest_given: Ok(Share::default()),
            nearest_clean: Ok(NearestClean::default()),
            nearest_test: Ok(Share::default()),
        }
    }

    pub(super) fn add(&mut self, features: ArrayView2<'_, f32>, labels: &ChunkLabels) {
        match labels {
            ChunkLabels::Train(train) => self.add_train(features, train),
            ChunkLabels::Test(test) => {
                add(&mut self.dilation, |pass| pass.add(features, test, None));
                let means = &self.means.uncorrupted;
                add(&mut self.nearest_test, |share| {
                    let nearest = nearest(means, features)?;
                    let pairs = nearest.iter().zip(test);
                    pairs.for_each(|(&class, &label)| share.count(class == label as usize));
                    Ok(())
                });
            }
        }
    }

    fn add_train(&mut self, features: ArrayView2<'_, f32>, labels: &TrainLabels) {
        let (means, kept) = (self.means, labels.kept_rows(features));
        add(&mut self.nc1, |pass| {
            pass.add(features, &labels.given, None)
        });
        add(&mut self.memorization, |pass| {
            pass.add(kept.view(), &labels.given_true, Some(&labels.clean))
        });
        add(&mut self.nearest_given, |share| {
            let nearest = nearest(&means.given, features)?;
            let pairs = nearest.iter().zip(&labels.given);
            pairs.for_each(|(&class, &label)| share.count(class == label as usize));
            Ok(())
        });
        add(&mut self.nearest_clean, |shares| {
            shares.add(&nearest(&means.uncorrupted, kept.view())?, labels);
            Ok(())
        });
    }

    /// Fills in the metrics of the layer. The names of undefined metrics start with `prefix`.
    pub(super) fn finish(
        self,
        mut layer: LayerRecord,
        prefix: &str,
        collector: &mut Collector,
    ) -> LayerRecord {
        let name = |metric: &str| format!("{prefix}.{metric}");
        let nc1 = |pass: Sum<SecondPass<'m, f64>>| pass.and_then(|pass| pass.finish().nc1());
        layer.nc1 = collector.value(&name("nc1"), nc1(self.nc1));
        layer.ncm_accuracy_given = collector
            .value(&name("ncm_accuracy_given"), self.nearest_given)
            .and_then(Share::value);
        let names = [
            "ncm_accuracy_clean",
            "corrupted_nearest_given",
            "corrupted_nearest_clean",
        ]
        .map(name);
        let names = names.each_ref().map(String::as_str);
        if let Some(shares) = collector.value_of(&names, self.nearest_clean) {
            layer.ncm_accuracy_clean = shares.as_clean.value();
            layer.corrupted_nearest_given = shares.corrupted_as_given.value();
            layer.corrupted_nearest_clean = shares.corrupted_as_clean.value();
        }
        let memorization = self
            .memorization
            .map(SecondPass::finish)
            .and_then(|totals: SecondPassTotals| totals.memorization());
        layer.memorization_mean = collector
            .value(&name("memorization_mean"), memorization)
            .and_then(|memorization| memorization.mean);
        let separation = self.means.separation.clone();
        layer.separation = collector.value(&name("separation"), separation.clone());
        if let Some(mean) = layer.memorization_mean {
            layer.memorization_over_separation = collector.value(
                &name("memorization_over_separation"),
                separation.map(|separation| mean / separation),
            );
        }
        let test = "test sample";
        layer.test_dilation =
            collector.test_value(&name("test_dilation"), test, nc1(self.dilation));
        layer.test_ncm_accuracy = collector
            .value(&name("test_ncm_accuracy"), self.nearest_test)
            .and_then(Share::value);
        layer
    }
}

/// The class with the nearest mean for each sample.
fn nearest(
    means: &Result<Moments, MetricsError>,
    features: ArrayView2<'_, f32>,
) -> Result<Vec<usize>, MetricsError> {
    let moments = means.as_ref().map_err(Clone::clone)?;
    moments.nearest_means(features)
}

impl NearestClean {
    fn add(&mut self, nearest: &[usize], labels: &TrainLabels) {
        let pairs = labels.given_true.iter().zip(&labels.clean);
        for (&class, (&given, &clean)) in nearest.iter().zip(pairs) {
            self.as_clean.count(class == clean as usize);
            if given != clean {
                self.corrupted_as_clean.count(class == clean as usize);
                // The class that replaces a latent label is arbitrary.
                if !labels.is_latent() {
                    self.corrupted_as_given.count(class == given as usize);
                }
            }
        }
    }
}
