//! Files that hold arrays: one in a .npy, several by name in a .npz or .safetensors.

use std::fs::File;
use std::io::{Cursor, Read};
use std::path::Path;
use std::rc::Rc;

use safetensors::SafeTensors;
use zip::ZipArchive;

use super::npy::Header;
use super::{Array, BadInput, Bytes, Dtype, Kind};

/// An opened file.
pub(crate) struct Source {
    path: String,
    format: Format,
}

enum Format {
    Npy(Bytes),
    Npz(ZipArchive<Cursor<Bytes>>),
    Safetensors(Bytes),
}

impl Source {
    /// Maps a file, whose ending says what it is.
    pub(crate) fn open(path: &Path) -> Result<Self, BadInput> {
        let ending = ending(path)?;
        let bytes = map(path).map_err(|what| BadInput(format!("{}: {what}", path.display())))?;
        Self::new(path.display().to_string(), &ending, bytes)
    }

    fn new(path: String, ending: &str, bytes: Bytes) -> Result<Self, BadInput> {
        let refuse = |what: String| BadInput(format!("{path}: {what}"));
        let format = match ending {
            "npy" => Format::Npy(bytes),
            "npz" => Format::Npz(
                ZipArchive::new(Cursor::new(bytes)).map_err(|e| refuse(damaged("npz", e)))?,
            ),
            _ => {
                SafeTensors::deserialize(bytes.as_ref())
                    .map_err(|e| refuse(damaged("safetensors", e)))?;
                Format::Safetensors(bytes)
            }
        };
        Ok(Self { path, format })
    }

    /// Whether arrays have names in this file.
    pub(crate) fn is_archive(&self) -> bool {
        !matches!(self.format, Format::Npy(_))
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// The names of the arrays, sorted; none in a .npy.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = match &self.format {
            Format::Npy(_) => Vec::new(),
            Format::Npz(archive) => archive
                .file_names()
                .filter_map(|name| name.strip_suffix(".npy"))
                .map(str::to_owned)
                .collect(),
            Format::Safetensors(bytes) => SafeTensors::deserialize(bytes.as_ref())
                .map(|tensors| tensors.names().into_iter().map(str::to_owned).collect())
                .unwrap_or_default(),
        };
        names.sort();
        names
    }

    /// The array of this name, or the only one of a .npy; `None` if an archive has none of that
    /// name.
    pub(crate) fn array(&mut self, name: &str, kind: Kind) -> Result<Option<Array>, BadInput> {
        let path = &self.path;
        let refuse = |what: String| BadInput(format!("{path}: {what}"));
        match &mut self.format {
            Format::Npy(bytes) => npy(path.clone(), kind, bytes.clone()).map(Some),
            Format::Npz(archive) => {
                let member = format!("{name}.npy");
                let Some(index) = archive.index_for_name(&member) else {
                    return Ok(None);
                };
                let place = format!("{path}: {name}");
                let refuse = |what: String| BadInput(format!("{place}: {what}"));
                let mut member = archive
                    .by_index(index)
                    .map_err(|e| refuse(damaged("npz", e)))?;
                let bytes = unpack(&mut member).map_err(|e| refuse(damaged("npz", e)))?;
                npy(place, kind, bytes).map(Some)
            }
            Format::Safetensors(bytes) => {
                let tensors = SafeTensors::deserialize(bytes.as_ref())
                    .map_err(|e| refuse(damaged("safetensors", e)))?;
                let Ok(tensor) = tensors.tensor(name) else {
                    return Ok(None);
                };
                let start = tensor.data().as_ptr().addr() - bytes.as_ref().as_ptr().addr();
                let range = start..start + tensor.data().len();
                let (dtype, shape) = (dtype(tensor.dtype()), tensor.shape().to_vec());
                Array::new(
                    format!("{path}: {name}"),
                    kind,
                    dtype,
                    shape,
                    bytes.clone(),
                    range,
                )
                .map(Some)
            }
        }
    }
}

fn ending(path: &Path) -> Result<String, BadInput> {
    let ending = path
        .extension()
        .unwrap_or_default()
        .to_string_lossy()
        .to_ascii_lowercase();
    if matches!(&*ending, "npy" | "npz" | "safetensors") {
        return Ok(ending);
    }
    let path = path.display();
    Err(BadInput(format!(
        "{path}: is named neither .npy nor .npz nor .safetensors; rename it to what it is"
    )))
}

fn damaged(format: &str, cause: impl std::fmt::Display) -> String {
    let cause = cause.to_string();
    let cause: Vec<&str> = cause.split_whitespace().collect();
    format!(
        "is no whole .{format} file ({}); save it again",
        cause.join(" ")
    )
}

fn map(path: &Path) -> Result<Bytes, String> {
    let unreadable = |e: std::io::Error| format!("cannot be read ({e}); check the path");
    let file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return Err("is not a plain file, which arrays are mapped from; save one".to_owned());
    }
    if metadata.len() == 0 {
        return Err("is empty, 0 bytes; save the array again".to_owned());
    }
    // SAFETY: the map is read-only and private to this program, which writes no file while it
    // measures. As with every mapped file, another process must not change it meanwhile;
    // `memdil metrics --help` says so.
    #[allow(unsafe_code)]
    let map = unsafe { memmap2::Mmap::map(&file) }.map_err(unreadable)?;
    Ok(Bytes::Mapped(Rc::new(map)))
}

/// All bytes of a member. Memory grows with what arrives, not with what the archive claims; reading
/// to the end checks the checksum.
fn unpack(member: &mut impl Read) -> std::io::Result<Bytes> {
    const STEP: usize = 1 << 12;
    let mut words: Vec<u64> = Vec::new();
    let mut length = 0;
    loop {
        if length == size_of_val(&*words) {
            words.try_reserve(STEP).map_err(std::io::Error::other)?;
            words.resize(words.len() + STEP, 0);
        }
        let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut words);
        match member.read(&mut bytes[length..]) {
            Ok(0) => return Ok(Bytes::Read(Rc::new(words), length)),
            Ok(read) => length += read,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}

/// The array of a whole .npy file.
fn npy(place: String, kind: Kind, bytes: Bytes) -> Result<Array, BadInput> {
    let refuse = |what: &str| BadInput(format!("{place}: {what}"));
    let header = Header::read(bytes.as_ref()).map_err(|what| refuse(&what))?;
    if header.column_order {
        return Err(refuse(
            "lies column by column (Fortran order); save numpy.ascontiguousarray(a)",
        ));
    }
    let range = header.start..bytes.as_ref().len();
    Array::new(place, kind, header.dtype, header.shape, bytes, range)
}

fn dtype(dtype: safetensors::Dtype) -> Dtype {
    match dtype {
        safetensors::Dtype::F32 => Dtype::F32,
        safetensors::Dtype::F64 => Dtype::F64,
        safetensors::Dtype::I8 => Dtype::I8,
        safetensors::Dtype::I16 => Dtype::I16,
        safetensors::Dtype::I32 => Dtype::I32,
        safetensors::Dtype::I64 => Dtype::I64,
        safetensors::Dtype::U8 => Dtype::U8,
        safetensors::Dtype::U16 => Dtype::U16,
        safetensors::Dtype::U32 => Dtype::U32,
        safetensors::Dtype::U64 => Dtype::U64,
        safetensors::Dtype::F16 => Dtype::Other("float16".to_owned()),
        safetensors::Dtype::BF16 => Dtype::Other("bfloat16".to_owned()),
        safetensors::Dtype::BOOL => Dtype::Other("booleans".to_owned()),
        other => Dtype::Other(format!("elements of type {other:?}")),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn npy(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
        let literal = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
        let literal = format!("{literal:<117}\n");
        [
            b"\x93NUMPY\x01\x00",
            &(literal.len() as u16).to_le_bytes()[..],
            literal.as_bytes(),
            data,
        ]
        .concat()
    }

    fn files() -> [(&'static str, Vec<u8>); 4] {
        let features: Vec<u8> = (0..12)
            .flat_map(|value| (value as f32).to_le_bytes())
            .collect();
        let labels: Vec<u8> = (0..4_i64).flat_map(i64::to_le_bytes).collect();
        let members = [
            ("features.npy", npy("<f4", "(4, 3)", &features)),
            ("labels.npy", npy("<i8", "(4,)", &labels)),
        ];
        let npz = |method| {
            let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
            for (name, bytes) in &members {
                let options = zip::write::SimpleFileOptions::default().compression_method(method);
                zip.start_file(*name, options).unwrap();
                zip.write_all(bytes).unwrap();
            }
            zip.finish().unwrap().into_inner()
        };
        let tensor = |dtype, shape: &[usize], data| {
            safetensors::tensor::TensorView::new(dtype, shape.to_vec(), data).unwrap()
        };
        let tensors = [
            (
                "features",
                tensor(safetensors::Dtype::F32, &[4, 3], &features),
            ),
            ("labels", tensor(safetensors::Dtype::I64, &[4], &labels)),
        ];
        [
            ("a.npy", members[0].1.clone()),
            ("stored.npz", npz(zip::CompressionMethod::Stored)),
            ("deflated.npz", npz(zip::CompressionMethod::Deflated)),
            (
                "a.safetensors",
                safetensors::serialize(tensors, None).unwrap(),
            ),
        ]
    }

    /// Both arrays of a file that is in memory.
    fn load(name: &str, file: &[u8]) -> Result<(Option<Array>, Option<Array>), BadInput> {
        let bytes = unpack(&mut &file[..]).unwrap();
        let mut source = Source::new(name.to_owned(), &ending(Path::new(name))?, bytes)?;
        let features = source.array("features", Kind::Matrix)?;
        let labels = if source.is_archive() {
            source.array("labels", Kind::Labels)?
        } else {
            None
        };
        Ok((features, labels))
    }

    #[test]
    fn the_same_numbers_from_every_format() {
        for (name, bytes) in files() {
            let (features, labels) = load(name, &bytes).unwrap();
            let features = features.unwrap();
            assert_eq!(features.rows(), 4);
            let expected: Vec<f32> = (0..12).map(|value| value as f32).collect();
            assert_eq!(*features.floats::<f32>(), expected, "{name}");
            assert_eq!(features.floats::<f64>()[11].to_bits(), 11.0_f64.to_bits());
            assert_eq!(
                labels.map(|labels| labels.labels().unwrap().to_vec()),
                (name != "a.npy").then(|| vec![0, 1, 2, 3])
            );
        }
    }

    #[test]
    fn views_are_aligned_even_where_the_file_is_not() {
        // NumPy pads its headers; other writers need not.
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("odd.npy");
        let literal = b"{'descr':'<f8','fortran_order':False,'shape':(2,1)}\n";
        let values: Vec<u8> = [1.5_f64, -2.5]
            .into_iter()
            .flat_map(f64::to_le_bytes)
            .collect();
        let bytes = [
            b"\x93NUMPY\x01\x00",
            &(literal.len() as u16).to_le_bytes()[..],
            literal,
            &values,
        ]
        .concat();
        assert_ne!((bytes.len() - values.len()) % 8, 0);
        std::fs::write(&path, bytes).unwrap();
        let array = Source::open(&path)
            .unwrap()
            .array("features", Kind::Matrix)
            .unwrap()
            .unwrap();
        assert_eq!(
            array
                .floats::<f64>()
                .iter()
                .map(|value| value.to_bits())
                .collect::<Vec<_>>(),
            [1.5_f64, -2.5].map(f64::to_bits)
        );
    }

    #[test]
    fn damaged_files_are_told_in_one_line_and_never_panic() {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut random = |below: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state % below as u64) as usize
        };
        for (name, whole) in files() {
            let mut refused = 0;
            for round in 0..5000 {
                let mut bytes = whole.clone();
                match round % 3 {
                    0 => bytes.truncate(random(whole.len())),
                    1 => bytes[random(whole.len())] ^= 1 << random(8),
                    _ => {
                        for _ in 0..4 {
                            let at = random(whole.len());
                            bytes[at] = random(256) as u8;
                        }
                    }
                }
                match load(name, &bytes) {
                    Ok((features, _)) => {
                        if let Some(features) = features {
                            assert_eq!(
                                features.floats::<f64>().len(),
                                features.rows() * features.shape[1]
                            );
                        }
                        assert_ne!(
                            round % 3,
                            0,
                            "{name}: {} of {} bytes were enough",
                            bytes.len(),
                            whole.len()
                        );
                    }
                    Err(error) => {
                        refused += 1;
                        let text = error.to_string();
                        assert!(
                            text.contains(name) && text.contains("; ") && text.lines().count() == 1,
                            "{text}"
                        );
                    }
                }
            }
            assert!(refused > 2000, "{name}: {refused}");
        }
    }
}
