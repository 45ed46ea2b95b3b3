//! Files of arrays; the first byte selects the extension.
#![no_main]

use memdil_data::arrays::{ArrayFile, Role};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((&first, bytes)) = bytes.split_first() else {
        return;
    };
    let names = ["a.npy", "a.npz", "a.safetensors", "a.csv", "a.pkl"];
    let Ok(file) = ArrayFile::parse(bytes, names[usize::from(first) % names.len()]) else {
        return;
    };
    for role in [Role::Features, Role::Labels] {
        if let Ok(Some(array)) = file.find(role) {
            let _ = array.matrix::<f32>();
            let _ = array.labels();
        }
    }
});
