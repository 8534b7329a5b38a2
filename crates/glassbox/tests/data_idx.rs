//! IDX files: what is read, and what every broken file is told.
#![allow(clippy::unwrap_used)] // In tests; clippy exempts only the test functions themselves.

use crate::support;

use std::io::Write;
use std::path::Path;

use glassbox::data::{DataError, Dataset, Idx, Options, TargetsMut, load};
use support::{folder, message};

/// An IDX file of unsigned bytes.
fn idx(shape: &[u32], bytes: &[u8]) -> Vec<u8> {
    let mut file = vec![0, 0, 8, shape.len() as u8];
    file.extend(shape.iter().flat_map(|size| size.to_be_bytes()));
    file.extend(bytes);
    file
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gz.write_all(bytes).unwrap();
    gz.finish().unwrap()
}

/// `n` images of 2 × 3 whose pixels all are 255 × label, labels 0 and 1 in turn.
fn images(n: usize) -> Vec<u8> {
    let pixels: Vec<u8> = (0..n).flat_map(|row| [if row % 2 == 1 { 255 } else { 0 }; 6]).collect();
    idx(&[n as u32, 2, 3], &pixels)
}

fn labels(n: usize) -> Vec<u8> {
    let labels: Vec<u8> = (0..n).map(|row| (row % 2) as u8).collect();
    idx(&[n as u32], &labels)
}

fn write_pair(folder: &Path, images_name: &str, labels_name: &str, n: usize) {
    std::fs::write(folder.join(images_name), images(n)).unwrap();
    std::fs::write(folder.join(labels_name), labels(n)).unwrap();
}

fn sizes(dataset: &Dataset) -> (usize, usize, usize) {
    (dataset.train.len(), dataset.valid.len(), dataset.test.len())
}

fn read(bytes: &[u8]) -> Result<Idx, DataError> {
    Idx::from_bytes("f.idx", bytes)
}

#[test]
fn a_folder_in_the_manner_of_mnist_keeps_its_test_part() {
    let here = folder("idx-mnist");
    write_pair(&here, "train-images-idx3-ubyte", "train-labels-idx1-ubyte", 100);
    write_pair(&here, "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte", 20);
    let dataset = load(&here, &Options::default()).unwrap();
    assert_eq!(dataset.input.shape, [2, 3, 1]);
    assert_eq!(sizes(&dataset), (90, 10, 20));
    assert_eq!(dataset.test.source_rows()[..3], [1, 2, 3]);
    let ones = dataset.valid.labels().unwrap().iter().sum::<i64>();
    assert_eq!(ones, 5, "stratified");
    let by_file = load(here.join("train-images-idx3-ubyte"), &Options::default()).unwrap();
    assert_eq!(sizes(&by_file), (90, 10, 20));
}

#[test]
fn pixels_are_scaled_when_gathered() {
    let here = folder("idx-gather");
    write_pair(&here, "train-images.idx3-ubyte", "train-labels.idx1-ubyte", 40);
    let dataset = load(&here, &Options::default()).unwrap();
    let (mut inputs, mut labels) = (vec![9.0; 2 * 6], vec![9; 2]);
    let all = dataset.train.labels().unwrap();
    let rows =
        [all.iter().position(|l| *l == 1).unwrap(), all.iter().position(|l| *l == 0).unwrap()];
    dataset.train.gather(&rows, &mut inputs, TargetsMut::Classes(&mut labels)).unwrap();
    assert_eq!(labels, [1, 0]);
    assert_eq!(inputs[6..], [0.0; 6]);
    assert!(inputs[..6].iter().all(|x| (x - 1.0).abs() < 1e-6));
}

#[test]
fn gzipped_and_plain_files_are_the_same_data() {
    let (plain, gz) = (folder("idx-plain"), folder("idx-gz"));
    write_pair(&plain, "train-images-idx3-ubyte", "train-labels-idx1-ubyte", 40);
    std::fs::write(gz.join("train-images-idx3-ubyte.gz"), gzipped(&images(40))).unwrap();
    std::fs::write(gz.join("train-labels-idx1-ubyte.gz"), gzipped(&labels(40))).unwrap();
    let load = |folder: &Path| load(folder, &Options::default()).unwrap();
    assert_eq!(load(&plain).fingerprint, load(&gz).fingerprint);
    assert_eq!(sizes(&load(&gz)), (28, 6, 6));
}

#[test]
fn a_pair_of_another_name_is_loaded_by_either_of_its_files() {
    let here = folder("idx-own");
    write_pair(&here, "shapes-images-idx3-ubyte", "shapes-labels-idx1-ubyte", 40);
    for file in ["shapes-images-idx3-ubyte", "shapes-labels-idx1-ubyte", ""] {
        assert_eq!(sizes(&load(here.join(file), &Options::default()).unwrap()), (28, 6, 6));
    }
}

#[test]
fn truncated_and_longer_files_say_what_was_promised_and_found() {
    let whole = images(10);
    let text = message(read(&whole[..whole.len() - 5]));
    assert!(text.contains("promises [10, 2, 3], 60 bytes, but 55 follow it"), "{text}");
    let text = message(read(&[&whole[..], &[0]].concat()));
    assert!(text.contains("60 bytes, but more follow it"), "{text}");
    for end in [0, 1, 3, 4, 9] {
        assert!(message(read(&whole[..end])).contains("ends within its header"), "{end}");
    }
    let gz = gzipped(&whole);
    let text = message(read(&gz[..gz.len() - 4]));
    assert!(text.contains("f.idx: cannot be read to its end"), "{text}");
    let mut damaged = gz.clone();
    let last = damaged.len() - 6;
    damaged[last] ^= 1;
    assert!(read(&damaged).is_err(), "the checksum of gzip is looked at");
}

#[test]
fn other_formats_and_element_types_are_named() {
    let text = message(read(b"\x89PNG\r\n\x1a\n"));
    assert!(text.contains("not with the magic number of IDX"), "{text}");
    let text = message(read(&[0, 0, 0x0D, 1, 0, 0, 0, 0]));
    assert!(text.contains("holds 32-bit floats, not unsigned bytes"), "{text}");
    assert!(message(read(&[0, 0, 0x07, 1])).contains("unknown element type 0x07"));
    assert!(read(&[0, 0, 8, 0]).is_err() && read(&[0, 0, 8, 9]).is_err());
}

#[test]
fn a_header_that_claims_too_much_allocates_nothing() {
    let text = message(read(&idx(&[u32::MAX, u32::MAX, u32::MAX], b"x")));
    assert!(text.contains("more than 16 GiB"), "{text}");
    let text = message(read(&idx(&[u32::MAX, 1, 1], b"x")));
    assert!(text.contains("4294967295 bytes, but 1 follow it"), "{text}");
    assert!(message(read(&gzipped(&idx(&[u32::MAX], b"x")))).contains("but 1 follow"));
}

#[test]
fn labels_must_fit_their_images() {
    let here = folder("idx-mismatch");
    std::fs::write(here.join("train-images-idx3-ubyte"), images(10)).unwrap();
    std::fs::write(here.join("train-labels-idx1-ubyte"), labels(9)).unwrap();
    let text = message(load(&here, &Options::default()));
    assert!(text.contains("train-labels-idx1-ubyte: 9 labels, but"), "{text}");
    assert!(text.contains("train-images-idx3-ubyte holds 10 images"), "{text}");
    // The files exchanged.
    std::fs::write(here.join("train-images-idx3-ubyte"), labels(10)).unwrap();
    let text = message(load(&here, &Options::default()));
    assert!(text.contains("the number of axes is 1; images have 3"), "{text}");
}

#[test]
fn every_broken_or_missing_file_is_listed() {
    let here = folder("idx-missing");
    std::fs::write(here.join("train-images-idx3-ubyte"), b"rubbish!").unwrap();
    std::fs::write(here.join("t10k-labels-idx1-ubyte"), labels(9)).unwrap();
    let text = message(load(&here, &Options::default()));
    assert!(text.contains("train-images-idx3-ubyte: begins with"), "{text}");
    assert!(text.contains("there is no file train-labels-idx1-ubyte (or .gz)"), "{text}");
    assert!(text.contains("there is no file t10k-images-idx3-ubyte (or .gz)"), "{text}");
}

#[test]
fn test_images_must_be_like_those_of_training() {
    let here = folder("idx-unlike");
    write_pair(&here, "train-images-idx3-ubyte", "train-labels-idx1-ubyte", 10);
    std::fs::write(here.join("t10k-images-idx3-ubyte"), idx(&[1, 1, 1], &[0])).unwrap();
    std::fs::write(here.join("t10k-labels-idx1-ubyte"), idx(&[1], &[0])).unwrap();
    let text = message(load(&here, &Options::default()));
    assert!(text.contains("images are [1, 1, 1], those of training [2, 3, 1]"), "{text}");
    std::fs::write(here.join("t10k-images-idx3-ubyte"), images(1)).unwrap();
    std::fs::write(here.join("t10k-labels-idx1-ubyte"), idx(&[1], &[7])).unwrap();
    let text = message(load(&here, &Options::default()));
    assert!(text.contains("image 1 has the label 7, which no training image has"), "{text}");
}

#[test]
fn empty_and_single_class_sets_are_refused() {
    let here = folder("idx-one-class");
    std::fs::write(here.join("train-images-idx3-ubyte"), idx(&[3, 1, 1], &[1, 2, 3])).unwrap();
    std::fs::write(here.join("train-labels-idx1-ubyte"), idx(&[3], &[4, 4, 4])).unwrap();
    let text = message(load(&here, &Options::default()));
    assert!(text.contains("every row has the same target, `4`"), "{text}");
    std::fs::write(here.join("train-images-idx3-ubyte"), idx(&[0, 1, 1], &[])).unwrap();
    std::fs::write(here.join("train-labels-idx1-ubyte"), idx(&[0], &[])).unwrap();
    assert!(message(load(&here, &Options::default())).contains("holds no images"));
}

#[test]
fn options_for_columns_and_standardising_are_refused() {
    let target = Options { target: Some("digit".into()), ..Options::default() };
    assert!(message(load("digits", &target)).contains("there is no column `digit`"));
    let prepare = glassbox::data::Prepare::Standardize;
    let standardize = Options { prepare, ..Options::default() };
    assert!(message(load("digits", &standardize)).contains("images are scaled"));
}
