//! Run-time selection between versions of a loop for different instruction sets.

/// A loop that is compiled for several instruction sets.
///
/// `run` and all functions that it calls in inner loops must be `#[inline(always)]`, so that they
/// are compiled with the instruction set of the caller.
pub(crate) trait Kernel {
    type Output;

    /// Runs the loop. `FUSED` is true if `mul_add` is a single instruction; otherwise it is a slow
    /// library call.
    fn run<const FUSED: bool>(self) -> Self::Output;
}

/// Runs a kernel with the fastest instruction set that this CPU supports.
pub(crate) fn dispatch<K: Kernel>(kernel: K) -> K::Output {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
        // SAFETY: this CPU supports both features, as checked above.
        #[allow(unsafe_code)]
        return unsafe { run_avx2(kernel) };
    }
    kernel.run::<{ cfg!(target_arch = "aarch64") }>()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn run_avx2<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<true>()
}
