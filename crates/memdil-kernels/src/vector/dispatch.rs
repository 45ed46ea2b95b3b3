//! The choice of the vector type for an instruction set, for both element types.

use super::element::private::Dispatch;
use super::element::{Element, VectorKernel, width};
use super::instructions::Instructions;
use super::portable::Portable;
#[cfg(target_arch = "x86_64")]
use super::x86;

macro_rules! element {
    ($scalar:ty, $avx2:ident, $avx512:ident) => {
        impl Element for $scalar {
            fn from_f64(value: f64) -> Self {
                value as $scalar
            }
            fn to_f64(self) -> f64 {
                f64::from(self)
            }
            fn exp(self) -> Self {
                self.exp()
            }
            fn sqrt(self) -> Self {
                self.sqrt()
            }
        }

        impl Dispatch for $scalar {
            fn panel_width(instructions: Instructions) -> usize {
                match instructions {
                    Instructions::Portable => width::<Portable<$scalar>>(),
                    #[cfg(target_arch = "x86_64")]
                    Instructions::Avx2 => width::<x86::$avx2>(),
                    #[cfg(target_arch = "x86_64")]
                    Instructions::Avx512 => width::<x86::$avx512>(),
                    #[cfg(not(target_arch = "x86_64"))]
                    _ => width::<Portable<$scalar>>(),
                }
            }

            fn dispatch<K: VectorKernel<Self>>(instructions: Instructions, kernel: K) {
                #[cfg(target_arch = "x86_64")]
                {
                    #[target_feature(enable = "avx2,fma")]
                    fn avx2<K: VectorKernel<$scalar>>(kernel: K) {
                        kernel.run::<x86::$avx2>()
                    }
                    #[target_feature(enable = "avx512f,avx2,fma")]
                    fn avx512<K: VectorKernel<$scalar>>(kernel: K) {
                        kernel.run::<x86::$avx512>()
                    }
                    // SAFETY: callers pass detected or checked instructions, which this processor
                    // supports.
                    match instructions {
                        Instructions::Portable => kernel.run::<Portable<$scalar>>(),
                        Instructions::Avx2 => unsafe { avx2(kernel) },
                        Instructions::Avx512 => unsafe { avx512(kernel) },
                    }
                }
                #[cfg(not(target_arch = "x86_64"))]
                {
                    let _ = instructions;
                    kernel.run::<Portable<$scalar>>()
                }
            }
        }
    };
}
element!(f32, Avx2F32, Avx512F32);
element!(f64, Avx2F64, Avx512F64);
