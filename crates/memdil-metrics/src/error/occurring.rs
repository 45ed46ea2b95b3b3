//! Diagnosis of class numbers that do not match the number of classes.

use std::collections::BTreeMap;
use std::fmt;

use crate::label::Label;

/// The class numbers that occur in labels that do not match the number of classes.
///
/// The [`Display`](fmt::Display) output describes the problem and the remedy on one line. It covers
/// class numbers that start at 1, values that mark ignored samples, and gaps. It is part of
/// [`MetricsError::ClassNumbers`](crate::MetricsError::ClassNumbers).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OccurringLabels {
    /// Each class number that occurs and its number of samples, in ascending order.
    pub counts: Vec<(i128, usize)>,
    /// The number of classes; valid class numbers are 0 to `classes - 1`.
    pub classes: usize,
    /// Other arrays with the same class numbers, which must be renumbered as well.
    pub shared: SharedClasses,
}

/// Other arrays that use the class numbers of the labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SharedClasses {
    /// No other array: the labels can be renumbered alone.
    Nowhere,
    /// Other label arrays, which must be renumbered in the same way.
    Labels,
    /// The rows of a last layer, or the columns of logits.
    LastLayer,
}

/// A problem with class numbers.
pub(crate) enum Problem {
    /// A value that PyTorch or segmentation data sets reserve for ignored samples, and its count.
    Ignored(i128, usize),
    /// A single negative value among non-negative ones, and its count.
    Negative(i128, usize),
    /// Several values below 0.
    BelowZero,
    /// The classes are numbered from 1.
    FromOne,
    /// Only one class number occurs.
    OneClass(i128),
    /// The first classes occur but the last ones do not.
    LastMissing,
    Gaps,
}

impl OccurringLabels {
    /// Counts the samples per label.
    pub fn of<L: Label>(labels: &[L], classes: usize, shared: SharedClasses) -> Self {
        let mut counts = BTreeMap::new();
        for label in labels {
            *counts.entry(label.wide()).or_insert(0) += 1;
        }
        Self {
            counts: counts.into_iter().collect(),
            classes,
            shared,
        }
    }

    pub(crate) fn largest(&self) -> i128 {
        self.counts.last().map_or(0, |&(label, _)| label)
    }

    pub(crate) fn problem(&self) -> Problem {
        let (Some(&(least, least_count)), Some(&(largest, largest_count))) =
            (self.counts.first(), self.counts.last())
        else {
            return Problem::Gaps;
        };
        // Binary masks contain 0 and 255 as their two classes, so a marker for ignored samples is
        // only assumed if at least two other values occur.
        let several = self.counts.len() > 2;
        let label = |entry: Option<&(i128, usize)>| entry.map_or(0, |&(label, _)| label);
        let second_least = label(self.counts.get(1));
        let second_largest = label(self.counts.iter().rev().nth(1));
        let markers = [u8::MAX.into(), u16::MAX.into(), u32::MAX.into()];
        if several && least == -100 && second_least >= 0 {
            Problem::Ignored(least, least_count)
        } else if several && markers.contains(&largest) && second_largest < largest / 2 {
            Problem::Ignored(largest, largest_count)
        } else if several && least < 0 && second_least >= 0 {
            Problem::Negative(least, least_count)
        } else if least < 0 {
            Problem::BelowZero
        } else if self.counts.len() == 1 {
            Problem::OneClass(least)
        } else if least == 1 && self.counts_from_one(largest) {
            Problem::FromOne
        } else if least == 0 && self.is_contiguous() && largest < self.classes as i128 {
            Problem::LastMissing
        } else {
            Problem::Gaps
        }
    }

    /// True if the classes are numbered from 1. With a last layer, class 0 may also just have no
    /// samples, so the label `classes` must occur.
    fn counts_from_one(&self, largest: i128) -> bool {
        let is_last = largest == self.classes as i128;
        is_last || self.is_contiguous() && self.shared != SharedClasses::LastLayer
    }

    /// True if every number from the smallest to the largest occurs.
    fn is_contiguous(&self) -> bool {
        let mut pairs = self.counts.windows(2);
        pairs.all(|pair| pair[1].0 == pair[0].0 + 1)
    }
}

impl fmt::Display for OccurringLabels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let last = self.classes.saturating_sub(1);
        let occurring = list(self.counts.iter().map(|&(label, _)| label));
        match self.problem() {
            Problem::Ignored(label, count) => {
                let custom = match label {
                    ..0 => "PyTorch",
                    _ => "segmentation data",
                };
                write!(
                    f,
                    "{label} occurs {} and marks ignored samples in {custom}; keep only the rows \
                     y != {label} of every array",
                    times(count)
                )
            }
            Problem::Negative(label, count) => write!(
                f,
                "{label} occurs {}; if it marks samples without a label, keep only the rows y != \
                 {label} of every array, otherwise {}",
                times(count),
                self.renumber()
            ),
            Problem::BelowZero => {
                let remedy = self.renumber();
                write!(
                    f,
                    "the class numbers are {occurring}, but must start at 0; {remedy}"
                )
            }
            Problem::FromOne => write!(
                f,
                "the class numbers start at 1 (1 to {}); subtract 1",
                self.largest()
            ),
            Problem::OneClass(label) => write!(
                f,
                "every label is {label}; give samples of at least 2 classes, numbered from 0"
            ),
            Problem::LastMissing => write!(
                f,
                "no sample has class number {} of 0 to {last}; add samples, or reduce the number \
                 of classes{}",
                run(self.largest() + 1, self.classes as i128 - 1),
                match self.shared {
                    SharedClasses::Nowhere => "",
                    SharedClasses::Labels => " in the other arrays as well",
                    SharedClasses::LastLayer => " in the last layer and the other arrays as well",
                }
            ),
            Problem::Gaps => write!(
                f,
                "only {occurring} of the class numbers 0 to {last} occur; {}",
                self.renumber()
            ),
        }
    }
}

impl OccurringLabels {
    /// Instructions to renumber the classes that occur from 0 without gaps.
    fn renumber(&self) -> &'static str {
        match self.shared {
            SharedClasses::Nowhere => "renumber them with np.unique(y, return_inverse=True)[1]",
            SharedClasses::Labels => {
                "renumber each array a of class numbers with np.searchsorted(np.unique(y), a)"
            }
            SharedClasses::LastLayer => {
                "renumber each array a of class numbers with np.searchsorted(np.unique(y), a), \
                 and keep only the classes np.unique(y) of the last layer"
            }
        }
    }
}

fn times(count: usize) -> String {
    match count {
        1 => "once".to_owned(),
        count => format!("{count} times"),
    }
}

/// `5`, or `5 to 7`.
fn run(first: i128, last: i128) -> String {
    if first == last {
        first.to_string()
    } else {
        format!("{first} to {last}")
    }
}

/// Number of runs that a list shows before it is abbreviated with `..`.
const MAX_RUNS: usize = 5;

/// Formats ascending numbers, such as `0 to 2, 5 and 7`. Long lists are abbreviated.
pub(super) fn list(numbers: impl Iterator<Item = i128>) -> String {
    let mut runs: Vec<(i128, i128)> = Vec::new();
    let mut more = None;
    for number in numbers {
        let end = runs.last().map(|&(_, end)| end);
        if more.is_none()
            && end.is_some_and(|end| end + 1 == number)
            && let Some((_, end)) = runs.last_mut()
        {
            *end = number;
        } else if runs.len() < MAX_RUNS {
            runs.push((number, number));
        } else {
            more = Some(number);
        }
    }
    let words: Vec<String> = runs.iter().map(|&(first, last)| run(first, last)).collect();
    if let Some(last) = more {
        return format!("{} .. {last}", words.join(", "));
    }
    match words.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        Some((last, _)) => last.clone(),
        None => String::new(),
    }
}
