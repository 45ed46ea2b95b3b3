//! Computation of all metrics in two passes over the features.

mod builder;
mod explain;
mod logits;
mod metrics;
mod per_class;
mod predictions;
mod run;
mod second;
mod test_set;
mod undefined;

pub use builder::Measure;
pub use logits::measure_logits;
pub use metrics::{Metrics, TestMetrics};
pub use per_class::{ClassMetrics, PerClass};
