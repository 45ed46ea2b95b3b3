//! Target classes of asymmetric noise.

use serde::{Deserialize, Serialize};

use crate::catalogue::class_names::CIFAR_100_SUPERCLASS;

/// The target class of each class in asymmetric noise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "`map` must list a target for each class, or be \"cifar10\" or \"cifar100\""
)]
pub enum ClassMap {
    /// The k-th entry is the target of class k; a class may be mapped to itself.
    Classes(Vec<u32>),
    /// A predefined map.
    Named(NamedMap),
}

/// Predefined maps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum NamedMap {
    /// CIFAR-10: truck to automobile, bird to airplane, deer to horse, cat and dog to each other;
    /// the other five classes to themselves (Patrini et al. 2017).
    Cifar10,
    /// CIFAR-100: each of the 100 classes to the next class of its superclass, in numerical order
    /// and cyclically (Patrini et al. 2017).
    ///
    /// This follows the paper. The code published with it incorrectly treats blocks of five
    /// consecutive class numbers as superclasses.
    Cifar100,
}

/// The target of each class of CIFAR-10.
const CIFAR_10: [u32; 10] = [0, 1, 0, 5, 7, 3, 6, 7, 8, 1];

/// The target of each class of CIFAR-100.
const CIFAR_100: [u32; 100] = next_in_group(&CIFAR_100_SUPERCLASS);

/// The next class of the same group, cyclically.
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
    /// The target of each class.
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
