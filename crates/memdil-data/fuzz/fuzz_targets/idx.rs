//! IDX files of images and of labels, plain or gzip.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = memdil_data::idx::parse_images(bytes, "images");
    let _ = memdil_data::idx::parse_labels(bytes, "labels");
});
