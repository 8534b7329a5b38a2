//! Named arrays survive a safetensors file bit for bit, and broken files are refused in words.

#![allow(clippy::unwrap_used)] // A test fails by panicking.

use glassbox::engine::{Array, Parameters};
use glassbox::io::safetensors::{Metadata, from_bytes, read, to_bytes, write};

fn values() -> Parameters {
    let mut values = Parameters::new();
    values.insert("fc1/weight", Array::new([2, 2], vec![1.5f32, -0.0, f32::NAN, 1e-45]).unwrap());
    values.insert("fc1/bias", Array::new([2], vec![f64::MIN_POSITIVE, 0.1]).unwrap());
    values.insert("classes", Array::vector(vec![i64::MIN, -1, i64::MAX]));
    values.insert("mask", Array::vector(vec![true, false, true]));
    values.insert("empty", Array::new([0, 3], Vec::<f32>::new()).unwrap());
    values.insert("scalar", Array::scalar(7.0));
    values
}

fn metadata() -> Metadata {
    [("kind", "mlp"), ("note", "한글 \"quoted\"\n")].map(|(k, v)| (k.into(), v.into())).into()
}

#[test]
fn everything_written_is_read_back_bit_for_bit() {
    let bytes = to_bytes(&values(), &metadata());
    let (read, text) = from_bytes(&bytes).unwrap();
    assert_eq!(text, metadata());
    assert_eq!(read.len(), 6);
    // NaN differs from itself, so the comparison is of the bytes.
    assert_eq!(to_bytes(&read, &text), bytes);
    assert_eq!(read.get("fc1/bias"), values().get("fc1/bias"));
    assert_eq!(read.get("empty"), values().get("empty"));
}

#[test]
fn the_published_reader_reads_our_files() {
    let bytes = to_bytes(&values(), &metadata());
    let theirs = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(theirs.len(), 6);
    let weight = theirs.tensor("fc1/weight").unwrap();
    assert_eq!((weight.dtype(), weight.shape()), (safetensors::Dtype::F32, &[2usize, 2][..]));
    assert_eq!(weight.data()[..4], 1.5f32.to_le_bytes());
    let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    assert_eq!(header.metadata().as_ref().unwrap()["kind"], "mlp");
}

#[test]
fn we_read_files_of_the_published_writer() {
    let bytes: Vec<u8> = [1.0f32, 2.0].iter().flat_map(|x| x.to_le_bytes()).collect();
    let view = safetensors::tensor::TensorView::new(safetensors::Dtype::F32, vec![2, 1], &bytes);
    let file = safetensors::serialize([("w", view.unwrap())], None).unwrap();
    let (read, metadata) = from_bytes(&file).unwrap();
    assert_eq!(read.get("w"), Some(&Array::new([2, 1], vec![1.0f32, 2.0]).unwrap()));
    assert!(metadata.is_empty());
}

#[test]
fn a_file_cut_anywhere_is_refused_and_never_a_panic() {
    let bytes = to_bytes(&values(), &metadata());
    for length in 0..bytes.len() {
        let problem = from_bytes(&bytes[..length]).unwrap_err();
        assert!(problem.contains("truncated"), "cut at {length}: {problem}");
    }
}

#[test]
fn numbers_of_half_precision_are_read_exactly() {
    let file = |dtype: &str, bits: [u16; 8]| {
        let text = format!(r#"{{"w":{{"dtype":"{dtype}","shape":[8],"data_offsets":[0,16]}}}}"#);
        let mut file = (text.len() as u64).to_le_bytes().to_vec();
        file.extend(text.as_bytes());
        file.extend(bits.iter().flat_map(|bits| bits.to_le_bytes()));
        from_bytes(&file).unwrap().0.get("w").unwrap().to_f64()
    };
    // IEEE 754: zero, the least, the largest below 1's successor, largest, infinite.
    let half = file("F16", [0x8000, 0x0001, 0x03ff, 0x0400, 0x3c00, 0xc000, 0x7bff, 0xfc00]);
    let least = 2f64.powi(-24);
    let expected = [0.0, least, 1023.0 * least, 1024.0 * least, 1.0, -2.0, 65504.0, -f64::INFINITY];
    assert_eq!(half, expected);
    let brain = file("BF16", [0x0000, 0x3f80, 0xbf80, 0x4049, 0x7f80, 0x0080, 0x3f81, 0x4000]);
    assert_eq!(brain[..4], [0.0, 1.0, -1.0, 3.140625]);
    assert_eq!(brain[4..], [f64::INFINITY, 2f64.powi(-126), 1.0078125, 2.0]);
}

#[test]
fn a_file_of_another_kind_and_a_changed_header_are_refused_in_words() {
    let says = |bytes: &[u8]| from_bytes(bytes).unwrap_err();
    assert!(says(b"species,petal\nsetosa,1\n").contains("not a safetensors file"));
    let header = |text: &str| {
        let mut file = (text.len() as u64).to_le_bytes().to_vec();
        file.extend(text.as_bytes());
        file.extend([0; 8]);
        file
    };
    let entry = |dtype: &str, shape: &str, offsets: &str| {
        says(&header(&format!(
            r#"{{"w":{{"dtype":"{dtype}","shape":{shape},"data_offsets":{offsets}}}}}"#
        )))
    };
    assert!(entry("F32", "[3]", "[0,8]").contains("do not fill the shape [3]"));
    assert!(entry("F8_E4M3", "[8]", "[0,8]").contains("F8_E4M3 is not one of"));
    assert!(entry("F32", "[1]", "[0,4]").contains("4 bytes at the end belong to no array"));
    assert!(entry("F32", "[1]", "[4,8]").contains("begins at byte 4, not at 0"));
    assert!(entry("F32", "[1]", "[8,4]").contains("`w`"));
    assert!(entry("F64", "[1]", "[0,7]").contains("7 bytes do not divide"));
    assert!(entry("F32", "[4611686018427387904,8]", "[0,8]").contains("do not fill"));
}

#[test]
fn a_changed_byte_never_panics() {
    let bytes = to_bytes(&values(), &metadata());
    for at in 0..bytes.len() {
        for flip in [1, 0x20, 0xff] {
            let mut broken = bytes.clone();
            broken[at] ^= flip;
            let _ = from_bytes(&broken);
        }
    }
}

#[test]
fn errors_of_files_name_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    assert!(read(&path).unwrap_err().to_string().contains("model.safetensors: cannot read"));
    write(&path, &values(), &metadata()).unwrap();
    assert_eq!(read(&path).unwrap().1, metadata());
    std::fs::write(&path, b"short").unwrap();
    assert!(read(&path).unwrap_err().to_string().contains("model.safetensors: truncated"));
}
