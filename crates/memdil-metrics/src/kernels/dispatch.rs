//! One generic loop, compiled for the instructions of the CPU.

/// A loop to be compiled for several instruction sets.
///
/// `run` and everything it calls in its inner loops must be `#[inline(always)]`: that is what
/// compiles them with the caller's instructions.
pub(crate) trait Kernel {
    type Output;

    /// `FUSED`: whether `mul_add` is one instruction (where it is not, it is a slow library call).
    fn run<const FUSED: bool>(self) -> Self::Output;
}

/// Runs a kernel with the widest instructions that this CPU has and that were found to pay off.
pub(crate) fn dispatch<K: Kernel>(kernel: K) -> K::Output {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
        // SAFETY: both features were just found on this CPU.
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
