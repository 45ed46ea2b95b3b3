//! Pickled batches of CIFAR, with any first bytes.
#![no_main]

use memdil_data::cifar::{Labels, parse_records};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    // The reader treats any file that begins like this as a pickle.
    let pickle = [b"\x80\x05", bytes].concat();
    for labels in [Labels::Cifar10, Labels::Fine] {
        let _ = parse_records(&pickle, labels, "data_batch_1");
    }
});
