//! An emulated device: the kernels' source, compiled by a C++ compiler and run thread by thread.

use std::cell::RefCell;
use std::ffi::{CString, c_char, c_int, c_uint, c_void};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use memdil_kernels::KernelError;
use memdil_kernels::gpu::{GpuMachine, MatrixProduct, THREADS};

type Launch =
    unsafe extern "C" fn(*const c_char, c_uint, c_uint, c_uint, *mut c_void, usize) -> c_int;

/// Runs kernels in sequence.
#[derive(Default)]
pub(crate) struct Emulator {
    recording: RefCell<Option<Vec<Call>>>,
}

/// A queued call.
#[derive(Clone)]
pub(crate) enum Call {
    Kernel(&'static str, [u32; 2], Vec<u64>, usize),
    Product(MatrixProduct),
}

impl Emulator {
    fn call(&self, call: Call) -> Result<(), KernelError> {
        if let Some(recording) = &mut *self.recording.borrow_mut() {
            recording.push(call);
            return Ok(());
        }
        match call {
            Call::Kernel(name, blocks, mut argument, size) => {
                let text = CString::new(name).expect("a name");
                let argument = argument.as_mut_ptr().cast();
                // SAFETY: the caller of `GpuMachine::launch` ensures that the argument is valid,
                // and the lock that only one launch uses the library's state.
                let code = {
                    let launch = library()
                        .lock()
                        .unwrap_or_else(std::sync::PoisonError::into_inner);
                    unsafe { launch(text.as_ptr(), blocks[0], blocks[1], THREADS, argument, size) }
                };
                match code {
                    0 => Ok(()),
                    1 => Err(KernelError::Device(format!("kernel {name} does not exist"))),
                    2 => Err(KernelError::Device(format!("kernel {name}: deadlock"))),
                    _ => Err(KernelError::Device(format!(
                        "kernel {name}: the argument has the wrong size"
                    ))),
                }
            }
            Call::Product(product) => {
                multiply(&product);
                Ok(())
            }
        }
    }
}

// SAFETY: the heap memory of a vector does not move, and all work is done when a call returns.
unsafe impl GpuMachine for Emulator {
    type Memory = Vec<u128>;
    type Recording = Vec<Call>;

    fn zeros(&self, bytes: usize) -> Result<Self::Memory, KernelError> {
        Ok(vec![0; bytes.div_ceil(16)])
    }

    fn address(&self, memory: &Self::Memory) -> u64 {
        memory.as_ptr() as u64
    }

    fn write(
        &self,
        memory: &mut Self::Memory,
        offset: usize,
        bytes: &[u8],
    ) -> Result<(), KernelError> {
        assert!(
            offset + bytes.len() <= 16 * memory.len(),
            "beyond the memory"
        );
        // SAFETY: the range is within the memory, as asserted above.
        let to = unsafe {
            std::slice::from_raw_parts_mut(
                memory.as_mut_ptr().cast::<u8>().add(offset),
                bytes.len(),
            )
        };
        to.copy_from_slice(bytes);
        Ok(())
    }

    fn read(
        &self,
        memory: &Self::Memory,
        offset: usize,
        out: &mut [u8],
    ) -> Result<(), KernelError> {
        assert!(offset + out.len() <= 16 * memory.len(), "beyond the memory");
        // SAFETY: the range is within the memory, as asserted above.
        out.copy_from_slice(unsafe {
            std::slice::from_raw_parts(memory.as_ptr().cast::<u8>().add(offset), out.len())
        });
        Ok(())
    }

    unsafe fn launch<A: Copy>(
        &self,
        kernel: &'static str,
        blocks: [u32; 2],
        argument: &A,
    ) -> Result<(), KernelError> {
        let mut words = vec![0_u64; size_of::<A>().div_ceil(8)];
        // SAFETY: the words have room for the argument, which consists of plain numbers.
        unsafe { words.as_mut_ptr().cast::<A>().write_unaligned(*argument) };
        self.call(Call::Kernel(kernel, blocks, words, size_of::<A>()))
    }

    unsafe fn product(&self, product: &MatrixProduct) -> Result<(), KernelError> {
        self.call(Call::Product(*product))
    }

    fn record(
        &self,
        work: impl FnOnce() -> Result<(), KernelError>,
    ) -> Result<Vec<Call>, KernelError> {
        *self.recording.borrow_mut() = Some(Vec::new());
        let done = work();
        let recorded = self.recording.borrow_mut().take();
        done.map(|()| recorded.unwrap_or_default())
    }

    unsafe fn replay(&self, recording: &Vec<Call>) -> Result<(), KernelError> {
        recording
            .iter()
            .try_for_each(|call| self.call(call.clone()))
    }

    fn processors(&self) -> u32 {
        // More than one, so that small layers have several splits.
        3
    }

    fn queue(&self) -> u64 {
        0
    }
}

/// Computes a product by its definition.
fn multiply(product: &MatrixProduct) {
    let MatrixProduct {
        m,
        n,
        k,
        a,
        b,
        c,
        transpose_a,
        transpose_b,
    } = *product;
    let at = |matrix: (u64, usize), row: usize, column: usize| {
        (matrix.0 as *mut f32).wrapping_add(row * matrix.1 + column)
    };
    for i in 0..m {
        for j in 0..n {
            let sum: f64 = (0..k)
                .map(|l| {
                    let a = if transpose_a {
                        at(a, l, i)
                    } else {
                        at(a, i, l)
                    };
                    let b = if transpose_b {
                        at(b, j, l)
                    } else {
                        at(b, l, j)
                    };
                    // SAFETY: the caller of `GpuMachine::product` ensures valid addresses.
                    unsafe { f64::from(*a) * f64::from(*b) }
                })
                .sum();
            // SAFETY: as above.
            unsafe { *at(c, i, j) = sum as f32 };
        }
    }
}

/// The compiled kernels, behind a lock because the emulator supports one launch at a time.
fn library() -> &'static std::sync::Mutex<libloading::Symbol<'static, Launch>> {
    static LIBRARY: OnceLock<std::sync::Mutex<libloading::Symbol<'static, Launch>>> =
        OnceLock::new();
    LIBRARY.get_or_init(|| {
        let path = compile();
        // SAFETY: the library is compiled from our source, and stays open until the process ends.
        let symbol = unsafe {
            let library = libloading::Library::new(path.to_str().expect("UTF-8"))
                .expect("the kernels' library");
            let library = Box::leak(Box::new(library));
            // The library stays loaded without its file.
            let _ = std::fs::remove_file(&path);
            library.get(b"launch").expect("its function")
        };
        std::sync::Mutex::new(symbol)
    })
}

fn compile() -> PathBuf {
    let kernels = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../memdil-kernels"));
    let out = std::env::temp_dir().join(format!("memdil-kernels-{}.so", std::process::id()));
    let compiler = std::env::var("CXX").unwrap_or_else(|_| "c++".to_owned());
    let output = Command::new(&compiler)
        .args([
            "-std=c++17",
            "-O1",
            "-ffp-contract=off",
            "-shared",
            "-fPIC",
            "-w",
            // The fortified longjmp rejects jumps between fibers.
            "-U_FORTIFY_SOURCE",
        ])
        .arg(format!(
            "-DKERNELS=\"{}\"",
            kernels.join("src/gpu/kernels.cu").display()
        ))
        .args([
            kernels.join("tests/it/gpu/emulator.cpp").as_os_str(),
            "-o".as_ref(),
            out.as_os_str(),
        ])
        .output();
    let output = output.unwrap_or_else(|e| {
        panic!("{compiler} cannot be started ({e}); install a C++ compiler or set CXX")
    });
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    out
}
