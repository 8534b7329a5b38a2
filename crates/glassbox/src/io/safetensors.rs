//! The safetensors format: named arrays and a little text in one file.
//!
//! Eight bytes of header length (little endian), a JSON header, then the arrays' bytes (little
//! endian, row-major) with no gaps: <https://github.com/huggingface/safetensors#format>. Written
//! here rather than borrowed because equal values must give equal bytes: arrays and metadata are
//! sorted by name, which the published crate, keeping metadata in a hash map, does not promise.
//! Numbers of half precision (F16, BF16) are read in single precision, which holds them exactly.

use std::collections::BTreeMap;
use std::path::Path;

use glassbox_engine::{Array, Data, Parameters};
use serde::{Deserialize, Serialize};

use super::{FileError, atomic};

/// Text that travels with the arrays.
pub type Metadata = BTreeMap<String, String>;

/// The format's own limit on the header.
const HEADER_LIMIT: u64 = 100_000_000;
const METADATA: &str = "__metadata__";

#[derive(Serialize, Deserialize)]
struct Entry {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: [usize; 2],
}

/// The bytes of a safetensors file; equal values give equal bytes.
pub fn to_bytes(parameters: &Parameters, metadata: &Metadata) -> Vec<u8> {
    let mut header = serde_json::Map::new();
    if !metadata.is_empty() {
        header.insert(METADATA.into(), serde_json::json!(metadata));
    }
    let mut body = Vec::new();
    for (path, array) in parameters.iter() {
        let begin = body.len();
        let dtype = append(&mut body, array.data());
        let (shape, data_offsets) = (array.shape().sizes(), [begin, body.len()]);
        let entry =
            serde_json::json!({ "dtype": dtype, "shape": shape, "data_offsets": data_offsets });
        header.insert(path.to_owned(), entry);
    }
    let mut text = serde_json::Value::Object(header).to_string().into_bytes();
    // Spaces up to a multiple of eight, so that the arrays lie aligned in a mapped file.
    text.resize(text.len().next_multiple_of(8), b' ');
    let mut bytes = (text.len() as u64).to_le_bytes().to_vec();
    bytes.append(&mut text);
    bytes.append(&mut body);
    bytes
}

/// The arrays and the metadata in the bytes of a safetensors file, or what is wrong with them.
pub fn from_bytes(bytes: &[u8]) -> Result<(Parameters, Metadata), String> {
    let (length, rest) = bytes.split_first_chunk::<8>().ok_or_else(|| {
        format!("truncated: a safetensors file has at least 8 bytes, this one {}", bytes.len())
    })?;
    let length = u64::from_le_bytes(*length);
    if length > HEADER_LIMIT {
        return Err(format!("not a safetensors file: its header would have {length} bytes"));
    }
    let (header, body) = rest.split_at_checked(length as usize).ok_or_else(|| {
        format!("truncated: the header has {length} bytes, the file only {} more", rest.len())
    })?;
    let mut header: BTreeMap<String, serde_json::Value> = serde_json::from_slice(header)
        .map_err(|error| format!("corrupt header (not a safetensors file?): {error}"))?;
    let metadata = match header.remove(METADATA) {
        Some(value) => serde_json::from_value(value)
            .map_err(|error| format!("corrupt header: the metadata is not text: {error}"))?,
        None => Metadata::new(),
    };
    let mut parameters = Parameters::new();
    let mut spans = Vec::new();
    for (path, value) in header {
        let entry: Entry = serde_json::from_value(value)
            .map_err(|error| format!("corrupt header: array `{path}`: {error}"))?;
        spans.push((entry.data_offsets, path.clone()));
        let array = array(&entry, body).map_err(|problem| format!("array `{path}`: {problem}"))?;
        parameters.insert(path, array);
    }
    check_no_gaps(spans, body.len())?;
    Ok((parameters, metadata))
}

/// Writes a file atomically (see [`atomic`]).
pub fn write(path: &Path, values: &Parameters, metadata: &Metadata) -> Result<(), FileError> {
    atomic::write(path, &to_bytes(values, metadata))
}

/// Reads a file.
pub fn read(path: &Path) -> Result<(Parameters, Metadata), FileError> {
    let bytes = std::fs::read(path).map_err(FileError::at(path, "cannot read"))?;
    from_bytes(&bytes).map_err(|problem| FileError::new(path, problem))
}

/// Appends the elements, little endian, and gives back the format's name of their type.
fn append(bytes: &mut Vec<u8>, data: &Data) -> &'static str {
    match data {
        Data::F32(v) => v.iter().for_each(|x| bytes.extend(x.to_le_bytes())),
        Data::F64(v) => v.iter().for_each(|x| bytes.extend(x.to_le_bytes())),
        Data::I64(v) => v.iter().for_each(|x| bytes.extend(x.to_le_bytes())),
        Data::Bool(v) => bytes.extend(v.iter().map(|&x| u8::from(x))),
    }
    match data {
        Data::F32(_) => "F32",
        Data::F64(_) => "F64",
        Data::I64(_) => "I64",
        Data::Bool(_) => "BOOL",
    }
}

fn array(entry: &Entry, body: &[u8]) -> Result<Array, String> {
    let [begin, end] = entry.data_offsets;
    let bytes = body.get(begin..end).ok_or_else(|| {
        format!("truncated: its bytes are {begin}..{end}, the file has {}", body.len())
    })?;
    let data = match entry.dtype.as_str() {
        "F32" => Data::F32(elements(bytes, f32::from_le_bytes)?),
        "F64" => Data::F64(elements(bytes, f64::from_le_bytes)?),
        "F16" => Data::F32(elements(bytes, half)?),
        "BF16" => Data::F32(elements(bytes, brain)?),
        "I64" => Data::I64(elements(bytes, i64::from_le_bytes)?),
        "BOOL" => match bytes.iter().find(|&&byte| byte > 1) {
            Some(byte) => return Err(format!("corrupt: the byte {byte} is no truth value")),
            None => Data::Bool(bytes.iter().map(|&byte| byte == 1).collect()),
        },
        other => {
            let read = "F32, F64, F16, BF16, I64, BOOL";
            return Err(format!("its type {other} is not one of {read}"));
        }
    };
    Array::new(entry.shape.as_slice(), data)
}

/// A number of IEEE 754's half precision, in single precision.
fn half(bytes: [u8; 2]) -> f32 {
    let bits = u16::from_le_bytes(bytes);
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f32::from(bits & 1023));
    let size = match exponent {
        0 => fraction * 2f32.powi(-24),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        _ => (1024.0 + fraction) * 2f32.powi(exponent - 25),
    };
    if bits >> 15 == 1 { -size } else { size }
}

/// The upper half of a number in single precision.
fn brain([low, high]: [u8; 2]) -> f32 {
    f32::from_le_bytes([0, 0, low, high])
}

fn elements<T, const N: usize>(bytes: &[u8], of: fn([u8; N]) -> T) -> Result<Vec<T>, String> {
    match bytes.as_chunks::<N>() {
        (chunks, []) => Ok(chunks.iter().map(|&chunk| of(chunk)).collect()),
        _ => Err(format!("corrupt: {} bytes do not divide into elements of {N}", bytes.len())),
    }
}

/// The format wants every byte to belong to exactly one array.
fn check_no_gaps(mut spans: Vec<([usize; 2], String)>, length: usize) -> Result<(), String> {
    spans.sort();
    let mut at = 0;
    for ([begin, end], path) in spans {
        if begin != at {
            return Err(format!("corrupt: array `{path}` begins at byte {begin}, not at {at}"));
        }
        at = end;
    }
    match length - at.min(length) {
        0 => Ok(()),
        extra => Err(format!("corrupt: {extra} bytes at the end belong to no array")),
    }
}
