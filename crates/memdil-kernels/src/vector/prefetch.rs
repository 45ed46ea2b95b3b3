//! Prefetch hints.

/// Fetches a cache line ahead of its use.
#[inline(always)]
pub(crate) fn prefetch<T>(address: *const T) {
    // SAFETY: a prefetch has no observable effect, even for an invalid address.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(address.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}

/// Fetches the cache lines of consecutive values ahead of their use.
#[inline(always)]
pub(crate) fn prefetch_values<T>(start: *const T, values: usize) {
    for line in (0..values * size_of::<T>()).step_by(64) {
        prefetch(start.wrapping_byte_add(line));
    }
}
