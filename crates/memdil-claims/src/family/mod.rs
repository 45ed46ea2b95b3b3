//! The claims of one experiment and data set, tested together.

mod measured;
mod member;
pub(crate) mod tests_of;
