//! The kernels on a CUDA device.

use std::collections::HashMap;
use std::ffi::c_void;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::marker::PhantomData;
use std::path::PathBuf;
use std::sync::Arc;

use cudarc::cublas::{self, CudaBlas};
use cudarc::driver::sys::{CUdevice_attribute, CUgraphInstantiate_flags, CUstreamCaptureMode};
use cudarc::driver::{
    CudaContext, CudaFunction, CudaGraph, CudaSlice, CudaStream, DevicePtr, result,
};
use cudarc::nvrtc::{CompileOptions, Ptx, compile_ptx_with_opts};

use super::machine::{GpuCard, GpuMachine, MatrixProduct, THREADS};
use super::source::{KERNELS, SOURCE};
use crate::error::KernelError;

/// A stream of a CUDA device, with the kernels compiled for it. Two streams work concurrently; a
/// clone shares its stream.
#[derive(Clone)]
pub struct Cuda {
    /// Makes the type neither `Send` nor `Sync`: a recording stream would capture the work of other
    /// threads.
    one_thread: PhantomData<*const ()>,
    stream: Arc<CudaStream>,
    /// The cuBLAS handle and its workspace.
    blas: Arc<(CudaBlas, CudaSlice<u8>)>,
    functions: Arc<HashMap<&'static str, CudaFunction>>,
    processors: u32,
}

impl Cuda {
    /// Opens a device by its number, with a new stream. The kernels are read from the cache, or
    /// compiled if they are not cached.
    ///
    /// # Errors
    ///
    /// [`KernelError::Device`] if the device, its driver, cuBLAS or NVRTC is missing.
    pub fn open(ordinal: usize) -> Result<Self, KernelError> {
        check_libraries()?;
        let context = CudaContext::new(ordinal)
            .map_err(|e| device(format!("cuda:{ordinal} cannot be opened"), e))?;
        let stream = context
            .new_stream()
            .map_err(failed("a stream cannot be created"))?;
        let processors =
            context.attribute(CUdevice_attribute::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT);
        let processors = processors.map_err(failed("the number of processors is unknown"))? as u32;
        let capability = context
            .compute_capability()
            .map_err(failed("the compute capability is unknown"))?;
        let functions = load(&context, capability)?;
        let blas = CudaBlas::new(stream.clone()).map_err(|e| device("cuBLAS cannot be used", e))?;
        // An explicit workspace makes cuBLAS choose the same algorithm whether or not a product is
        // recorded.
        let workspace = stream
            .alloc_zeros::<u8>(WORKSPACE)
            .map_err(failed("no memory for cuBLAS"))?;
        // SAFETY: the workspace lives as long as the handle, and is used only on its own stream.
        let set = unsafe {
            let address = address(&workspace, &stream) as *mut c_void;
            cublas::sys::cublasSetWorkspace_v2(*blas.handle(), address, WORKSPACE)
        };
        set.result()
            .map_err(|e| device("the workspace of cuBLAS cannot be set", e))?;
        let blas = Arc::new((blas, workspace));
        Ok(Self {
            one_thread: PhantomData,
            stream,
            blas,
            functions: Arc::new(functions),
            processors,
        })
    }

    /// Name and properties of the device.
    ///
    /// # Errors
    ///
    /// [`KernelError::Device`] if a property cannot be read.
    pub fn card(&self) -> Result<GpuCard, KernelError> {
        let context = self.stream.context();
        let unknown = || failed("the properties cannot be read");
        let mut version = 0;
        // SAFETY: the version is written to a local variable.
        let status = unsafe { cudarc::driver::sys::cuDriverGetVersion(&raw mut version) };
        status.result().map_err(unknown())?;
        Ok(GpuCard {
            name: context.name().map_err(unknown())?,
            capability: context.compute_capability().map_err(unknown())?,
            memory: context.total_mem().map_err(unknown())?,
            driver: format!("{}.{}", version / 1000, version % 1000 / 10),
            processors: self.processors,
        })
    }

    /// Waits until all queued work is done.
    ///
    /// # Errors
    ///
    /// [`KernelError::Device`] if any queued work has failed.
    pub fn wait(&self) -> Result<(), KernelError> {
        self.stream
            .synchronize()
            .map_err(failed("queued work has failed"))
    }
}

/// Bytes of cuBLAS's workspace: NVIDIA's recommendation for Hopper.
const WORKSPACE: usize = 32 << 20;

fn address(bytes: &CudaSlice<u8>, stream: &CudaStream) -> u64 {
    bytes.device_ptr(stream).0
}

/// Memory of a device.
pub struct CudaMemory {
    bytes: CudaSlice<u8>,
    address: u64,
}

// SAFETY: memory is freed on its own stream, after all work queued before.
unsafe impl GpuMachine for Cuda {
    type Memory = CudaMemory;
    type Recording = CudaGraph;

    fn zeros(&self, bytes: usize) -> Result<CudaMemory, KernelError> {
        let bytes = self
            .stream
            .alloc_zeros::<u8>(bytes)
            .map_err(|e| device(format!("{bytes} bytes of memory cannot be allocated"), e))?;
        let address = address(&bytes, &self.stream);
        Ok(CudaMemory { bytes, address })
    }

    fn address(&self, memory: &CudaMemory) -> u64 {
        memory.address
    }

    fn write(
        &self,
        memory: &mut CudaMemory,
        offset: usize,
        bytes: &[u8],
    ) -> Result<(), KernelError> {
        let end = offset + bytes.len();
        let mut to = memory
            .bytes
            .try_slice_mut(offset..end)
            .ok_or_else(|| beyond(offset, end))?;
        self.stream
            .memcpy_htod(bytes, &mut to)
            .map_err(failed("memory cannot be written"))?;
        // The copy may still read `bytes` until the stream has finished it.
        self.wait()
    }

    fn read(&self, memory: &CudaMemory, offset: usize, out: &mut [u8]) -> Result<(), KernelError> {
        let end = offset + out.len();
        let from = memory
            .bytes
            .try_slice(offset..end)
            .ok_or_else(|| beyond(offset, end))?;
        self.stream
            .memcpy_dtoh(&from, out)
            .map_err(failed("memory cannot be read"))?;
        self.wait()
    }

    unsafe fn launch<A: Copy>(
        &self,
        kernel: &'static str,
        blocks: [u32; 2],
        argument: &A,
    ) -> Result<(), KernelError> {
        let function = self
            .functions
            .get(kernel)
            .ok_or_else(|| KernelError::Unknown(kernel.to_owned()))?;
        let mut parameters = [std::ptr::from_ref(argument).cast_mut().cast::<c_void>()];
        self.stream
            .context()
            .bind_to_thread()
            .map_err(failed("the context cannot be bound to the thread"))?;
        // SAFETY: the kernel takes this structure, and its addresses stay valid; upheld by the
        // caller, see `GpuMachine::launch`.
        let queued = unsafe {
            let (blocks, threads) = ((blocks[0], blocks[1], 1), (THREADS, 1, 1));
            result::launch_kernel(
                function.cu_function(),
                blocks,
                threads,
                0,
                self.stream.cu_stream(),
                &mut parameters,
            )
        };
        queued.map_err(|e| device(format!("kernel {kernel} cannot be queued"), e))
    }

    unsafe fn product(&self, product: &MatrixProduct) -> Result<(), KernelError> {
        use cublas::sys::cublasOperation_t::{CUBLAS_OP_N, CUBLAS_OP_T};
        let operation = |transpose| if transpose { CUBLAS_OP_T } else { CUBLAS_OP_N };
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
        let (one, zero) = (1.0, 0.0);
        self.stream
            .context()
            .bind_to_thread()
            .map_err(failed("the context cannot be bound to the thread"))?;
        // cuBLAS is column-major, so it reads our matrices as their transposes: C' = B' A'.
        // SAFETY: the addresses are valid for the sizes; upheld by the caller, see
        // `GpuMachine::product`.
        let queued = unsafe {
            cublas::result::sgemm(
                *self.blas.0.handle(),
                operation(transpose_b),
                operation(transpose_a),
                n as i32,
                m as i32,
                k as i32,
                &raw const one,
                b.0 as *const f32,
                b.1 as i32,
                a.0 as *const f32,
                a.1 as i32,
                &raw const zero,
                c.0 as *mut f32,
                c.1 as i32,
            )
        };
        queued.map_err(|e| device("a product cannot be queued", e))
    }

    fn record(
        &self,
        work: impl FnOnce() -> Result<(), KernelError>,
    ) -> Result<CudaGraph, KernelError> {
        let cannot = || failed("a step cannot be recorded");
        let mode = CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL;
        self.stream.begin_capture(mode).map_err(cannot())?;
        let done = work();
        let graph = self.stream.end_capture(CUgraphInstantiate_flags(0));
        done?;
        graph
            .map_err(cannot())?
            .ok_or_else(|| KernelError::Device("the recorded step is empty".to_owned()))
    }

    unsafe fn replay(&self, recording: &CudaGraph) -> Result<(), KernelError> {
        recording
            .launch()
            .map_err(failed("a recorded step cannot be queued"))
    }

    fn processors(&self) -> u32 {
        self.processors
    }

    fn queue(&self) -> u64 {
        self.stream.cu_stream() as u64
    }
}

fn device(what: impl Into<String>, error: impl std::fmt::Display) -> KernelError {
    KernelError::Device(format!("{} ({error})", what.into()))
}

fn failed<E: std::fmt::Display>(what: &'static str) -> impl Fn(E) -> KernelError {
    move |error| device(what, error)
}

fn beyond(offset: usize, end: usize) -> KernelError {
    KernelError::Device(format!("bytes {offset}..{end} are beyond the memory"))
}

/// Checks that NVIDIA's libraries are installed, because cudarc panics if one is missing.
fn check_libraries() -> Result<(), KernelError> {
    for name in ["cuda", "cublas", "nvrtc"]
        .into_iter()
        .filter(|_| cfg!(unix))
    {
        let names = ["", ".1", ".11", ".12", ".13"].map(|version| format!("lib{name}.so{version}"));
        // SAFETY: loading NVIDIA's libraries is sound; cudarc loads them again to use them.
        if names
            .iter()
            .all(|name| unsafe { libloading::Library::new(name) }.is_err())
        {
            return Err(KernelError::Device(format!(
                "lib{name}.so is not installed"
            )));
        }
    }
    Ok(())
}

/// Loads the kernels for a device, from the cache or compiled.
fn load(
    context: &Arc<CudaContext>,
    capability: (i32, i32),
) -> Result<HashMap<&'static str, CudaFunction>, KernelError> {
    let architecture = format!(
        "--gpu-architecture=compute_{}{}",
        capability.0, capability.1
    );
    let cache = cache(&architecture);
    let cached = cache
        .as_ref()
        .and_then(|path| fs::read_to_string(path).ok());
    let module = match cached.and_then(|text| context.load_module(Ptx::from_src(text)).ok()) {
        Some(module) => module,
        None => {
            let options = CompileOptions {
                options: vec![architecture, "--std=c++17".to_owned()],
                name: Some("memdil.cu".to_owned()),
                ..CompileOptions::default()
            };
            let compiled = compile_ptx_with_opts(SOURCE, options)
                .map_err(|e| device("NVRTC cannot compile the kernels", e))?;
            let text = compiled.to_src();
            if let Some(path) = cache {
                write_cache(&path, &text);
            }
            context
                .load_module(Ptx::from_src(text))
                .map_err(failed("the kernels cannot be loaded"))?
        }
    };
    let function = |name: &'static str| {
        let function = module
            .load_function(name)
            .map_err(|e| device(format!("kernel {name} does not exist"), e))?;
        Ok((name, function))
    };
    KERNELS.into_iter().map(function).collect()
}

/// The cache file for compiled kernels, in `XDG_CACHE_HOME` or in `.cache` in the home folder.
fn cache(architecture: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute());
    let folder =
        folder.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")))?;
    let mut hasher = DefaultHasher::new();
    (SOURCE, architecture, compiler_version()).hash(&mut hasher);
    Some(
        folder
            .join("memdil")
            .join(format!("kernels-{:016x}.ptx", hasher.finish())),
    )
}

fn compiler_version() -> (i32, i32) {
    let (mut major, mut minor) = (0, 0);
    // SAFETY: the numbers are written to local variables.
    unsafe { cudarc::nvrtc::sys::nvrtcVersion(&raw mut major, &raw mut minor) };
    (major, minor)
}

/// Caches compiled kernels for later processes. After an error, the next process compiles again.
fn write_cache(path: &PathBuf, text: &str) {
    let temporary = path.with_extension(format!("{}.tmp", std::process::id()));
    let written = path.parent().map_or(Ok(()), fs::create_dir_all);
    let written = written
        .and_then(|()| fs::write(&temporary, text))
        .and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
}
