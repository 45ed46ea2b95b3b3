//! CIFAR's binary files and archives.
#![no_main]

use memdil_data::cifar::Labels;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    for labels in [Labels::Cifar10, Labels::Fine, Labels::Coarse] {
        let _ = memdil_data::cifar::parse_records(bytes, labels, "data_batch_1.bin");
        let _ = memdil_data::cifar::parse_archive(bytes, labels, "cifar-10-binary.tar.gz");
    }
});
