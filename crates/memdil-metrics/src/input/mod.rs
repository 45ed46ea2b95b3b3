//! Checks of function arguments.

mod checks;
mod class_numbers;
mod probabilities;

pub(crate) use checks::{
    check_labels, check_samples, check_two_classes, first_empty_class, first_missing,
    non_finite_row, to_f64, vector_to_f64, why_not_finite,
};
pub use class_numbers::check_class_numbers;
pub(crate) use class_numbers::check_label_range;
pub(crate) use probabilities::check_logits;
pub use probabilities::looks_like_probabilities;
