//! Writes metrics as an event file for TensorBoard.

use serde_json::Value;

use super::epoch::EpochRecord;

/// The content of an event file, with one scalar per number and epoch. A scalar has the name of the
/// number in `metrics.jsonl`, with `/` between the levels of nested values (`test/dilation`,
/// `memorization_per_class/0`). Its step is the epoch. Its time is the end of the epoch:
/// `started_unix` plus the seconds of the epochs so far.
///
/// The file for fewer epochs is a prefix of the file for more epochs, so TensorBoard can continue
/// to read a file that grows.
///
/// The file is a sequence of records, each of length, checksum, message, checksum (the masked
/// CRC-32C of TFRecord). The messages are protocol buffers:
/// `Event { wall_time = 1, step = 2, file_version = 3, summary = 5 }`, `Summary { value = 1 }`,
/// `Value { tag = 1, simple_value = 2 }`. Scalars are stored as f32.
///
/// ```
/// use memdil_records::{EpochRecord, event_file};
///
/// let records = [EpochRecord { epoch: 1, loss: 0.5, ..EpochRecord::default() }];
/// let bytes = event_file(&records, 1_700_000_000);
/// assert!(bytes.windows(4).any(|part| part == b"loss"));
/// assert!(bytes.starts_with(&event_file(&[], 1_700_000_000)));
/// ```
pub fn event_file(records: &[EpochRecord], started_unix: u64) -> Vec<u8> {
    let mut file = Vec::new();
    let mut time = started_unix as f64;
    let mut version = event(time, 0);
    bytes_field(&mut version, 3, b"brain.Event:2");
    record(&mut file, &version);
    for epoch in records {
        time += epoch.seconds;
        let mut summary = Vec::new();
        // Cannot fail: a record contains only numbers, strings, lists and maps.
        let values = serde_json::to_value(epoch).unwrap_or_default();
        scalars("", &values, &mut |name, value| {
            if name != "epoch" {
                let mut scalar = Vec::new();
                bytes_field(&mut scalar, 1, name.as_bytes());
                scalar.push(2 << 3 | 5);
                scalar.extend((value as f32).to_le_bytes());
                bytes_field(&mut summary, 1, &scalar);
            }
        });
        let mut message = event(time, epoch.epoch as u64);
        bytes_field(&mut message, 5, &summary);
        record(&mut file, &message);
    }
    file
}

/// Calls `scalar` for every number with its name; the reasons of undefined metrics are skipped.
fn scalars(name: &str, value: &Value, scalar: &mut impl FnMut(&str, f64)) {
    let inner = |key: &str| {
        if name.is_empty() {
            key.to_owned()
        } else {
            format!("{name}/{key}")
        }
    };
    match value {
        Value::Number(number) => scalar(name, number.as_f64().unwrap_or_default()),
        Value::Array(values) => {
            values
                .iter()
                .enumerate()
                .for_each(|(at, value)| scalars(&inner(&at.to_string()), value, scalar));
        }
        Value::Object(values) => values
            .iter()
            .for_each(|(key, value)| scalars(&inner(key), value, scalar)),
        _ => (),
    }
}

/// An `Event` message with its first two fields.
fn event(time: f64, step: u64) -> Vec<u8> {
    let mut message = vec![1 << 3 | 1];
    message.extend(time.to_le_bytes());
    message.push(2 << 3);
    varint(&mut message, step);
    message
}

fn bytes_field(message: &mut Vec<u8>, number: u8, bytes: &[u8]) {
    message.push(number << 3 | 2);
    varint(message, bytes.len() as u64);
    message.extend(bytes);
}

fn varint(message: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        message.push(value as u8 | 0x80);
        value >>= 7;
    }
    message.push(value as u8);
}

fn record(file: &mut Vec<u8>, message: &[u8]) {
    let length = (message.len() as u64).to_le_bytes();
    for part in [&length[..], message] {
        file.extend(part);
        let masked = crc32c(part).rotate_right(15).wrapping_add(0xA282_EAD8);
        file.extend(masked.to_le_bytes());
    }
}

/// CRC-32C (Castagnoli), computed bit by bit, which is fast enough for small event files.
fn crc32c(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| {
        if crc & 1 == 1 {
            crc >> 1 ^ 0x82F6_3B78
        } else {
            crc >> 1
        }
    };
    !bytes
        .iter()
        .fold(!0, |crc, &byte| (0..8).fold(crc ^ u32::from(byte), step))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::epoch::TestRecord;

    #[test]
    fn crc32c_agrees_with_rfc_3720() {
        // RFC 3720, appendix B.4.
        assert_eq!(crc32c(&[0; 32]), 0x8A91_36AA);
        assert_eq!(crc32c(&(0..32).collect::<Vec<u8>>()), 0x46DD_794E);
        assert_eq!(crc32c(b"123456789"), 0xE306_9283);
    }

    #[test]
    fn every_number_is_a_scalar_with_its_name() {
        let test = TestRecord {
            loss: 0.25,
            accuracy: 0.5,
            dilation: Some(3.0),
            ..TestRecord::default()
        };
        let per_class = Some(vec![1.0, 2.0]);
        let epoch = EpochRecord {
            epoch: 300,
            test: Some(test),
            memorization_per_class: per_class,
            ..EpochRecord::default()
        };
        let mut names = Vec::new();
        scalars(
            "",
            &serde_json::to_value(&epoch).unwrap(),
            &mut |name, value| names.push((name.to_owned(), value)),
        );
        for expected in [
            ("test/dilation", 3.0),
            ("test/loss", 0.25),
            ("memorization_per_class/1", 2.0),
            ("epoch", 300.0),
        ] {
            assert!(
                names.contains(&(expected.0.to_owned(), expected.1)),
                "{names:?}"
            );
        }
        // The second record: length, checksum, time, step 300 as a varint.
        let one = event_file(&[], 7).len();
        let bytes = event_file(
            &[EpochRecord {
                seconds: 0.5,
                ..epoch
            }],
            7,
        );
        assert_eq!(
            bytes[one + 12..one + 24],
            [&[9][..], &7.5f64.to_le_bytes(), &[16, 0xAC, 0x02]].concat()
        );
        let length = u64::from_le_bytes(bytes[one..one + 8].try_into().unwrap()) as usize;
        assert_eq!(bytes.len(), one + 8 + 4 + length + 4);
    }
}
