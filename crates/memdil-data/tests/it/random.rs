//! Pinned random values, on which published runs depend, and validation splits.

use std::collections::{BTreeSet, VecDeque};
use std::convert::Infallible;

use memdil_data::random::{Rng, Stream, below, shuffle, stream, unit_f64};
use memdil_data::split::validation_split;
use memdil_data::{DataError, LabelNoise};
use proptest::prelude::*;
use rand_chacha::rand_core::TryRng;

const PURPOSES: [Stream; 5] = [
    Stream::Noise,
    Stream::Split,
    Stream::Init,
    Stream::Shuffle,
    Stream::Subset,
];

/// The values were computed by a ChaCha8 written in Python from its definition: key = seed, nonce =
/// stream.
#[test]
fn the_streams_are_chacha8_under_seed_and_purpose() {
    let first = PURPOSES.map(|purpose| stream(42, purpose).next_u64());
    assert_eq!(
        first[..4],
        [
            14_330_608_400_789_313_726,
            4_190_838_053_710_333_181,
            8_425_774_088_358_092_366,
            14_168_772_435_857_450_947
        ]
    );
    let mut rng = stream(42, Stream::Noise);
    let noise = [rng.next_u64(), rng.next_u64(), rng.next_u64()];
    assert_eq!(
        noise[1..],
        [3_725_791_316_648_749_897, 11_660_917_453_643_443_194]
    );

    let mut rng = stream(42, Stream::Init);
    let units = [unit_f64(&mut rng), unit_f64(&mut rng)];
    assert_eq!(units, [0.456_762_128_573_495_63, 0.671_962_289_661_031_9]);
    let mut rng = stream(42, Stream::Init);
    let digits: Vec<usize> = (0..8).map(|_| below(&mut rng, 10)).collect();
    assert_eq!(digits, [4, 6, 8, 9, 1, 4, 9, 6]);
}

#[test]
fn derived_values_are_pinned() {
    let mut order: Vec<usize> = (0..10).collect();
    shuffle(&mut stream(42, Stream::Shuffle), &mut order);
    assert_eq!(order, [8, 9, 4, 1, 3, 2, 0, 6, 5, 7]);

    let split = validation_split(10, 0.3, 42).unwrap();
    assert_eq!(split, (vec![0, 1, 3, 5, 6, 7, 9], vec![2, 4, 8]));

    let clean = [0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3];
    let noisy = LabelNoise::Uniform {
        eta: 0.5,
        exact_count: false,
    }
    .inject(&clean, 4, 42)
    .unwrap();
    assert_eq!(noisy.observed(), [0, 1, 2, 3, 0, 2, 1, 3, 0, 1, 1, 0]);
}

#[test]
fn purposes_have_independent_streams() {
    let mut seen = BTreeSet::new();
    for seed in [0, 1, u64::MAX] {
        for purpose in PURPOSES {
            let mut rng = stream(seed, purpose);
            seen.extend((0..1000).map(|_| rng.next_u64()));
        }
    }
    assert_eq!(seen.len(), 3 * 5 * 1000);
}

#[test]
fn the_split_does_not_depend_on_noise() {
    let split = validation_split(200, 0.2, 5).unwrap();
    let clean: Vec<u32> = (0..200).map(|i| i % 3).collect();
    let observed = |eta, seed| {
        LabelNoise::Uniform {
            eta,
            exact_count: false,
        }
        .inject(&clean, 3, seed)
        .unwrap()
        .observed()
        .to_vec()
    };
    assert_ne!(observed(0.4, 5), observed(0.4, 6));
    assert_ne!(observed(0.4, 5), observed(0.8, 5));
    assert_eq!(validation_split(200, 0.2, 5).unwrap(), split);
    assert_ne!(validation_split(200, 0.2, 6).unwrap(), split);
}

/// A generator of predefined numbers.
struct Scripted(VecDeque<u64>);

impl TryRng for Scripted {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.try_next_u64().map(|number| number as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.0.pop_front().unwrap())
    }

    fn try_fill_bytes(&mut self, _: &mut [u8]) -> Result<(), Infallible> {
        unreachable!("nothing here asks for bytes")
    }
}

#[test]
fn surplus_outputs_are_redrawn() {
    let mut rng = Scripted([0, u64::MAX].into());
    assert_eq!(unit_f64(&mut rng), 0.0);
    assert_eq!(unit_f64(&mut rng), 1.0 - 2.0_f64.powi(-53));

    // 2^64 = 3 * 6148914691236517205 + 1: for three values, one of the 2^64 outputs is surplus.
    let third = 6_148_914_691_236_517_205;
    let mut rng = Scripted([0, 1, third, third + 1, 2 * third + 1, u64::MAX].into());
    let draws: Vec<usize> = (0..5).map(|_| below(&mut rng, 3)).collect();
    assert_eq!(draws, [0, 0, 1, 2, 2]);
    assert!(rng.0.is_empty());
    assert_eq!(below(&mut Scripted([u64::MAX].into()), 1), 0);
}

#[test]
fn every_order_of_three_is_equally_likely() {
    let mut rng = stream(9, Stream::Shuffle);
    let mut counts = std::collections::BTreeMap::new();
    for _ in 0..6000 {
        let mut order = [0, 1, 2];
        shuffle(&mut rng, &mut order);
        *counts.entry(order).or_insert(0_i32) += 1;
    }
    assert_eq!(counts.len(), 6);
    // Standard deviation 28.9.
    assert!(
        counts.values().all(|count| (count - 1000).abs() < 150),
        "{counts:?}"
    );
}

#[test]
fn invalid_splits_are_errors() {
    assert_eq!(
        validation_split(5, 0.0, 1).unwrap(),
        ((0..5).collect(), vec![])
    );
    assert_eq!(validation_split(5, 0.5, 1).unwrap().1.len(), 3);
    for (n, fraction) in [(3, 0.9), (1, 0.5), (0, 0.0)] {
        let error = validation_split(n, fraction, 1).unwrap_err();
        assert!(matches!(error, DataError::EmptySplit { .. }), "{error}");
    }
    for fraction in [-0.1, 1.0, f64::NAN] {
        let error = validation_split(10, fraction, 1).unwrap_err();
        assert!(matches!(error, DataError::OutOfRange { .. }), "{error}");
    }
}

proptest! {
    #[test]
    fn a_split_is_a_partition_and_grows_with_the_fraction(
        n in 10_usize..400, fraction in 0.0..0.45, seed: u64,
    ) {
        let (train, validation) = validation_split(n, fraction, seed).unwrap();
        prop_assert_eq!(validation.len(), (fraction * n as f64).round() as usize);
        prop_assert!(train.is_sorted() && validation.is_sorted());
        let both: BTreeSet<usize> = train.iter().chain(&validation).copied().collect();
        prop_assert_eq!(both.len(), n);
        prop_assert_eq!(train.len() + validation.len(), n);
        prop_assert!(both.iter().all(|&i| i < n));

        let (_, larger) = validation_split(n, 2.0 * fraction, seed).unwrap();
        prop_assert!(validation.iter().all(|i| larger.contains(i)));
    }
}
