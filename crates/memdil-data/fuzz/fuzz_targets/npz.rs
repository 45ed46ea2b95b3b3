//! The user's own images.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = memdil_data::npz::parse(bytes, "mine.npz");
});
