//! Random numbers with stable values, derived from the output of ChaCha.
//!
//! Libraries of distributions may change their draws between versions, but published runs must be
//! reproducible. Therefore every draw here is a documented function of [`Rng::next_u64`].

use std::f64::consts::TAU;

use rand_chacha::rand_core::SeedableRng;

pub use rand_chacha::ChaCha8Rng;
pub use rand_chacha::rand_core::Rng;

/// The purpose of random numbers; each purpose has its own ChaCha stream. The stream numbers must
/// never change, because published runs depend on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stream {
    /// Label noise.
    Noise = 1,
    /// The validation split.
    Split = 2,
    /// Initial parameters.
    Init = 3,
    /// The order of the training samples.
    Shuffle = 4,
    /// Random crops and flips.
    Augment = 5,
    /// The images of a subset.
    Subset = 6,
    /// The trial values of a hyper-parameter search.
    Search = 7,
    /// Projections of the images, by which instance-dependent noise chooses the new labels.
    Projection = 8,
}

/// Creates the generator for one purpose.
///
/// The ChaCha key is `seed` in little-endian order followed by zeros, and the stream number is that
/// of the purpose. So the number of draws for one purpose never affects another.
///
/// ```
/// use memdil_data::random::{Rng, Stream, stream};
///
/// let first = stream(7, Stream::Noise).next_u64();
/// assert_eq!(first, stream(7, Stream::Noise).next_u64());
/// assert_ne!(first, stream(7, Stream::Split).next_u64());
/// assert_ne!(first, stream(8, Stream::Noise).next_u64());
/// ```
pub fn stream(seed: u64, purpose: Stream) -> ChaCha8Rng {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    let mut rng = ChaCha8Rng::from_seed(key);
    rng.set_stream(purpose as u64);
    rng
}

/// Draws a number in [0, 1): the upper 53 bits of one output, times $2^{-53}$.
///
/// ```
/// use memdil_data::random::{Stream, stream, unit_f64};
///
/// let mut rng = stream(0, Stream::Init);
/// assert!((0.0..1.0).contains(&unit_f64(&mut rng)));
/// ```
pub fn unit_f64(rng: &mut impl Rng) -> f64 {
    (rng.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
}

/// Draws two independent standard normal numbers: the cosine and the sine form of Box and Muller
/// (1958), from the numbers $1 - a$ and $b$ for two draws $a$ and $b$ of [`unit_f64`]. They are the
/// same on every platform.
///
/// ```
/// use memdil_data::random::{Stream, normal_pair, stream};
///
/// let mut rng = stream(0, Stream::Projection);
/// assert!(normal_pair(&mut rng).iter().all(|x| x.abs() < 9.0));
/// ```
pub fn normal_pair(rng: &mut impl Rng) -> [f64; 2] {
    let radius = libm::sqrt(-2.0 * libm::log(1.0 - unit_f64(rng)));
    let (sin, cos) = libm::sincos(TAU * unit_f64(rng));
    [radius * cos, radius * sin]
}

/// Draws an integer in [0, n), each with the same probability (Lemire 2019).
///
/// ```
/// use memdil_data::random::{Stream, below, stream};
///
/// let mut rng = stream(0, Stream::Shuffle);
/// assert!((0..100).all(|_| below(&mut rng, 6) < 6));
/// ```
///
/// # Panics
/// If `n` is 0.
pub fn below(rng: &mut impl Rng, n: usize) -> usize {
    assert!(n > 0, "n must be positive");
    let n = n as u64;
    // The draw is the upper half of output * n. Since 2^64 is not a multiple of n, 2^64 mod n
    // outputs are surplus: those whose lower half is below this remainder are redrawn.
    let surplus = n.wrapping_neg() % n;
    loop {
        let product = u128::from(rng.next_u64()) * u128::from(n);
        if product as u64 >= surplus {
            return (product >> 64) as usize;
        }
    }
}

/// Shuffles the items; each order has the same probability (Fisher-Yates).
///
/// ```
/// use memdil_data::random::{Stream, shuffle, stream};
///
/// let mut order: Vec<usize> = (0..10).collect();
/// shuffle(&mut stream(3, Stream::Shuffle), &mut order);
/// order.sort_unstable();
/// assert_eq!(order, (0..10).collect::<Vec<_>>());
/// ```
pub fn shuffle<T>(rng: &mut impl Rng, items: &mut [T]) {
    for last in (1..items.len()).rev() {
        items.swap(last, below(rng, last + 1));
    }
}
