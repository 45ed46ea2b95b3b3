//! Where each class moves to in asymmetric noise.

use serde::{Deserialize, Serialize};

use crate::catalogue::class_names::CIFAR_100_SUPERCLASS;

/// Where each class moves to in asymmetric noise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "`map` must list a class for each class, or be \"cifar10\" or \"cifar100\""
)]
pub enum ClassMap {
    /// The k-th entry is the class that k moves to; a class may stay where it is.
    Classes(Vec<u32>),
    /// A map known by its name.
    Named(NamedMap),
}

/// Maps known by their name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum NamedMap {
    /// Truck to automobile, bird to airplane, deer to horse, cat and dog to each other; the other
    /// five classes of CIFAR-10 stay (Patrini et al. 2017).
    Cifar10,
    /// Each of the 100 classes of CIFAR-100 to the next one of its superclass, by number; the last
    /// of the five to the first (Patrini et al. 2017).
    ///
    /// This is what the paper describes. The code published with it counts blocks of five class
    /// numbers as superclasses, which they are not.
    Cifar100,
}

/// The class that each class of CIFAR-10 moves to.
const CIFAR_10: [u32; 10] = [0, 1, 0, 5, 7, 3, 6, 7, 8, 1];

/// The class that each class of CIFAR-100 moves to.
const CIFAR_100: [u32; 100] = next_in_group(&CIFAR_100_SUPERCLASS);

/// The next class of the same group, the first one after the last.
const fn next_in_group<const N: usize>(groups: &[u32; N]) -> [u32; N] {
    let mut next = [0; N];
    let mut class = 0;
    while class < N {
        let mut other = (class + 1) % N;
        while groups[other] != groups[class] {
            other = (other + 1) % N;
        }
        next[class] = other as u32;
        class += 1;
    }
    next
}

impl ClassMap {
    /// The class that each class moves to.
    ///
    /// ```
    /// use memdil_data::noise::{ClassMap, NamedMap};
    ///
    /// assert_eq!(ClassMap::Named(NamedMap::Cifar10).targets(), [0, 1, 0, 5, 7, 3, 6, 7, 8, 1]);
    /// ```
    pub fn targets(&self) -> &[u32] {
        match self {
            Self::Classes(targets) => targets,
            Self::Named(NamedMap::Cifar10) => &CIFAR_10,
            Self::Named(NamedMap::Cifar100) => &CIFAR_100,
        }
    }
}
