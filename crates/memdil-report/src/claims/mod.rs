//! Claims with their verdicts as cards, tables and sentences, and the claims about solved models.

mod cards;
mod exact;
mod judged;
mod summary;
mod tables;
mod terminal;
mod words;

pub(crate) use cards::card;
pub(crate) use exact::{
    cross_entropy_limit, exact_claim, quarter_power, smoothing_below_cross_entropy,
    with_declaration,
};
pub(crate) use judged::{JudgedClaim, judged};
pub(crate) use summary::summary;
pub(crate) use tables::{details, verdicts};
pub(crate) use terminal::terminal_table;
pub(crate) use words::{result, tally, verdict_rules};
