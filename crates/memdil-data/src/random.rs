//! Random numbers whose values this crate itself pins: ChaCha's output and a few lines on top.
//!
//! Libraries of distributions may change what they draw from one version to the next; a published
//! run must not. So everything drawn here is a documented function of [`Rng::next_u64`].

use rand_chacha::rand_core::SeedableRng;

pub use rand_chacha::ChaCha8Rng;
pub use rand_chacha::rand_core::Rng;

/// What random numbers are used for; each purpose has a ChaCha stream of its own, whose number no
/// change of this list may change: published runs depend on it.
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
    /// The values that a hyper-parameter search tries.
    Search = 7,
}

/// The generator for one purpose.
///
/// The ChaCha key is `seed` in little-endian order followed by zeros, the stream number is the
/// purpose's. So drawing more or fewer numbers for one purpose never changes another.
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

/// A number in [0, 1): the upper 53 bits of one output, times $2^{-53}$.
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

/// An integer in [0, n), each with the same probability (Lemire 2019).
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
    assert!(n > 0, "no integer is below 0");
    let n = n as u64;
    // The upper half of output * n is the draw. Of the 2^64 outputs, 2^64 mod n too many would fall
    // on some values: those are the ones whose lower half is below that remainder, and are redrawn.
    let surplus = n.wrapping_neg() % n;
    loop {
        let product = u128::from(rng.next_u64()) * u128::from(n);
        if product as u64 >= surplus {
            return (product >> 64) as usize;
        }
    }
}

/// Puts the items into a random order, each order with the same probability (Fisher-Yates).
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
