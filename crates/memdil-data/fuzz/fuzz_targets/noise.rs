//! Label-noise files.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = memdil_data::NoisyLabels::read_npz(std::io::Cursor::new(bytes));
});
