//! Errors, whose messages state the location of the problem and the remedy.

mod metrics_error;
mod occurring;
mod subject;

pub use metrics_error::MetricsError;
pub(crate) use metrics_error::finite;
pub(crate) use occurring::Problem;
pub use occurring::{OccurringLabels, SharedClasses};
pub use subject::{Counted, Subject};
