//! MATLAB files of SVHN.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = memdil_data::svhn::parse(bytes, "train_32x32.mat");
});
