//! The instruction sets that kernels are compiled for.

use crate::error::KernelError;

/// The instruction set that a kernel uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instructions {
    /// The baseline of the architecture.
    Portable,
    /// AVX2 and fused multiply-add.
    Avx2,
    /// AVX-512.
    Avx512,
}

impl Instructions {
    /// The widest instruction set that this processor supports.
    pub fn detect() -> Self {
        Self::available().last().copied().unwrap_or(Self::Portable)
    }

    /// All instruction sets that this processor supports, the widest last.
    pub fn available() -> Vec<Self> {
        let mut found = vec![Self::Portable];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                found.push(Self::Avx2);
            }
            if is_x86_feature_detected!("avx512f") {
                found.push(Self::Avx512);
            }
        }
        found
    }

    /// Rejects instructions that this processor does not support.
    pub(crate) fn check(self) -> Result<(), KernelError> {
        match self {
            _ if Self::available().contains(&self) => Ok(()),
            Self::Avx512 => Err(KernelError::Instructions("AVX-512")),
            _ => Err(KernelError::Instructions("AVX2")),
        }
    }
}
