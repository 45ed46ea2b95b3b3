//! CIFAR's records and tar archives, written from their format descriptions.

/// A record: its labels, then the planes; pixel j is `seed + j` modulo 251.
pub(crate) fn record(labels: &[u8], seed: u8) -> Vec<u8> {
    let mut record = labels.to_vec();
    record.extend((0..3072).map(|j| ((usize::from(seed) + j) % 251) as u8));
    record
}

/// A tar archive (POSIX ustar): for each entry a header of 512 bytes and the content, padded to a
/// multiple of 512 bytes, and finally two empty blocks.
pub(crate) fn tar(entries: &[(&str, u8, &[u8])]) -> Vec<u8> {
    let mut file = Vec::new();
    for (name, kind, content) in entries {
        let mut head = [0; 512];
        head[..name.len()].copy_from_slice(name.as_bytes());
        head[100..108].copy_from_slice(b"0000644\0");
        head[108..116].copy_from_slice(b"0000000\0");
        head[116..124].copy_from_slice(b"0000000\0");
        head[124..136].copy_from_slice(format!("{:011o}\0", content.len()).as_bytes());
        head[136..148].copy_from_slice(b"00000000000\0");
        head[148..156].copy_from_slice(b"        ");
        head[156] = *kind;
        head[257..265].copy_from_slice(b"ustar\x0000");
        let sum: u32 = head.iter().map(|&byte| u32::from(byte)).sum();
        head[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        file.extend(head);
        file.extend(*content);
        file.resize(file.len().next_multiple_of(512), 0);
    }
    file.resize(file.len() + 1024, 0);
    file
}
