//! Folders and archives of images: what is read, whatever the format, and what is told of odd ones.
#![cfg(feature = "image")]
#![allow(clippy::unwrap_used, clippy::panic)] // In tests; clippy exempts only the test functions themselves.

use crate::support;

use std::io::{Cursor, Write};
use std::path::Path;

use glassbox::data::{
    DataError, Dataset, Fit, ImageOptions, InputPreparation, Normalization, Options, Task, load,
};
use image::{
    DynamicImage, ExtendedColorType, GrayImage, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage,
};
use support::{folder, message};

/// A picture of one colour.
fn plain(width: u32, height: u32, colour: [u8; 3]) -> DynamicImage {
    RgbImage::from_pixel(width, height, Rgb(colour)).into()
}

fn bytes(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    picture.write_to(&mut out, format).unwrap();
    out.into_inner()
}

fn png(width: u32, height: u32, colour: [u8; 3]) -> Vec<u8> {
    bytes(&plain(width, height, colour), ImageFormat::Png)
}

/// Red and blue pictures by turns, `count` of each, under these folders.
fn two_classes(parts: &[&str], count: usize) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for part in parts {
        for number in 0..count {
            let shade = (number * 10) as u8;
            // Files that are equal would be told as leaks.
            let mark = part.len() as u8;
            files.push((format!("{part}blue/{number:02}.png"), png(4, 3, [mark, shade, 250])));
            files.push((format!("{part}red/{number:02}.png"), png(4, 3, [250, shade, mark])));
        }
    }
    files
}

fn write(folder: &Path, files: &[(String, Vec<u8>)]) {
    for (name, bytes) in files {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
}

/// A folder of these files.
fn with_files(name: &str, files: &[(String, Vec<u8>)]) -> std::path::PathBuf {
    let folder = folder(name);
    write(&folder, files);
    folder
}

fn tar(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, name, &bytes[..]).unwrap();
    }
    archive.into_inner().unwrap()
}

fn sizes(dataset: &Dataset) -> (usize, usize, usize) {
    (dataset.train.len(), dataset.valid.len(), dataset.test.len())
}

fn with_image(image: ImageOptions) -> Options {
    Options { image, ..Options::default() }
}

/// The options under which numbers are bytes.
fn raw(image: ImageOptions) -> Options {
    Options { prepare: glassbox::data::Prepare::Raw, ..with_image(image) }
}

/// The numbers of a file, from whichever part it is in.
fn numbers(dataset: &Dataset, file: &str) -> Vec<f32> {
    for part in [&dataset.train, &dataset.valid, &dataset.test] {
        if let Some(row) = (0..part.len()).find(|row| part.source_name(*row) == Some(file)) {
            let mut numbers = vec![0.0; part.width()];
            part.gather_inputs(&[row], &mut numbers).unwrap();
            return numbers;
        }
    }
    panic!("no row is {file}: {:?}", dataset.notices)
}

#[test]
fn a_folder_for_each_class_is_a_dataset() {
    let here = with_files("photos-plain", &two_classes(&[""], 10));
    let dataset = load(&here, &Options::default()).unwrap();
    assert_eq!(sizes(&dataset), (14, 3, 3));
    assert_eq!(dataset.input.shape, [3, 4, 3]);
    assert_eq!(dataset.preparation.target.classes().unwrap(), ["blue", "red"]);
    assert_eq!(dataset.valid.source_name(3), None);
    for row in 0..dataset.train.len() {
        let name = dataset.train.source_name(row).unwrap();
        let label = dataset.train.labels().unwrap()[row];
        assert_eq!(label, i64::from(name.starts_with("red/")), "{name}");
    }
    let facts = dataset.images.unwrap();
    assert_eq!((facts.images, facts.sizes, facts.heights, facts.widths), (20, 1, [3; 3], [4; 3]));
    assert_eq!(facts.formats["PNG"], 20);
    assert!(dataset.notices.is_empty(), "{:?}", dataset.notices);
}

#[test]
fn colours_are_standardised_over_the_training_part_alone() {
    let here = with_files("photos-standard", &two_classes(&["train/", "test/"], 10));
    let dataset = load(&here, &Options::default()).unwrap();
    let (train, width) = (&dataset.train, dataset.train.width());
    let rows: Vec<usize> = (0..train.len()).collect();
    let mut all = vec![0.0; rows.len() * width];
    train.gather_inputs(&rows, &mut all).unwrap();
    for channel in 0..3 {
        let values: Vec<f64> = all.iter().skip(channel).step_by(3).map(|x| f64::from(*x)).collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let square = values.iter().map(|x| x * x).sum::<f64>() / values.len() as f64;
        assert!(mean.abs() < 1e-5 && (square - 1.0).abs() < 1e-5, "{channel}: {mean} {square}");
    }
    let image = |normalize| ImageOptions { normalize: Some(normalize), ..ImageOptions::default() };
    let of = |normalize| load(&here, &with_image(image(normalize))).unwrap().preparation.inputs;
    let InputPreparation::Pixels { mean, std, .. } = of(Normalization::Imagenet) else { panic!() };
    assert_eq!((mean[0], std[2]), (0.485, 0.225));
    let InputPreparation::Pixels { mean, .. } = of(Normalization::None) else { panic!() };
    assert!(mean.is_empty());
    let two = Normalization::Given { mean: vec![0.5; 2], std: vec![0.5; 2] };
    let error = message(load(&here, &with_image(image(two))));
    assert!(error.contains("2 means and 2 deviations, but images of 3 channels"), "{error}");
}

#[test]
fn archives_are_the_folder_they_are_of() {
    let files = two_classes(&["train/", "test/"], 12);
    let here = with_files("photos-archives", &files);
    // An archive has any order, and often one folder above everything.
    let mut inside: Vec<(String, Vec<u8>)> =
        files.iter().map(|(name, bytes)| (format!("photos/{name}"), bytes.clone())).collect();
    inside.reverse();
    inside.push(("photos/train/red/._1.png".into(), b"litter".to_vec()));
    let tar = tar(&inside);
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gz.write_all(&tar).unwrap();
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in &inside {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    let archives = folder("photos-archived");
    std::fs::write(archives.join("a.tar"), &tar).unwrap();
    std::fs::write(archives.join("a.tgz"), gz.finish().unwrap()).unwrap();
    std::fs::write(archives.join("a.zip"), zip.finish().unwrap().into_inner()).unwrap();
    let of_folder = load(&here, &Options::default()).unwrap();
    assert_eq!(sizes(&of_folder), (22, 2, 24));
    for name in ["a.tar", "a.tgz", "a.zip"] {
        let dataset = load(archives.join(name), &Options::default()).unwrap();
        assert_eq!(dataset.fingerprint, of_folder.fingerprint, "{name}");
        assert_eq!(dataset.train.labels(), of_folder.train.labels());
        let file = of_folder.valid.source_name(0).unwrap();
        assert_eq!(numbers(&dataset, &format!("photos/{file}")), numbers(&of_folder, file));
    }
    std::fs::write(archives.join("cut.tar"), &tar[..tar.len() / 2 + 700]).unwrap();
    let error = message(load(archives.join("cut.tar"), &Options::default()));
    assert!(error.contains("the archive is broken after"), "{error}");
    std::fs::write(archives.join("cut.zip"), b"PK\x03\x04 and no more").unwrap();
    let error = message(load(archives.join("cut.zip"), &Options::default()));
    assert!(error.contains("the archive is broken"), "{error}");
}

#[test]
fn neither_threads_nor_memory_change_a_bit() {
    let here = with_files("photos-threads", &two_classes(&[""], 30));
    let load = |threads, memory| {
        load(&here, &Options { threads: Some(threads), memory, ..Options::default() }).unwrap()
    };
    let one = load(1, 1 << 20);
    for (threads, memory) in [(4, 1 << 20), (3, 0)] {
        let other = load(threads, memory);
        assert_eq!(other.fingerprint, one.fingerprint);
        assert_eq!(other.preparation, one.preparation);
        for row in 0..one.train.len() {
            let file = one.train.source_name(row).unwrap();
            assert_eq!(other.train.source_name(row), Some(file));
            assert_eq!(numbers(&other, file), numbers(&one, file));
        }
    }
}

/// A picture whose every corner differs: red, green, blue and white.
fn corners() -> RgbImage {
    let mut picture = RgbImage::new(64, 32);
    for (x, y, pixel) in picture.enumerate_pixels_mut() {
        *pixel = match (x < 32, y < 16) {
            (true, true) => Rgb([255, 0, 0]),
            (false, true) => Rgb([0, 255, 0]),
            (true, false) => Rgb([0, 0, 255]),
            (false, false) => Rgb([255, 255, 255]),
        };
    }
    picture
}

/// A JPEG that says how it is to be turned, by EXIF's tag 0x0112.
fn turned(picture: &RgbImage, orientation: u8) -> Vec<u8> {
    let jpeg = bytes(&picture.clone().into(), ImageFormat::Jpeg);
    let mut exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0".to_vec();
    exif.extend([0x12, 0x01, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0, 0, 0, 0, 0]);
    let mut out = vec![0xFF, 0xD8, 0xFF, 0xE1];
    out.extend((exif.len() as u16 + 2).to_be_bytes());
    out.extend(exif);
    out.extend(&jpeg[2..]);
    out
}

#[test]
fn each_of_the_eight_turns_of_exif_is_undone() {
    use image::imageops::{flip_horizontal, flip_vertical, rotate90, rotate180, rotate270};
    let upright = corners();
    // What a camera stores where the picture is to be turned so (EXIF 2.3, tag Orientation).
    let stored = [
        upright.clone(),
        flip_horizontal(&upright),
        rotate180(&upright),
        flip_vertical(&upright),
        rotate90(&flip_vertical(&upright)),
        rotate270(&upright),
        rotate270(&flip_vertical(&upright)),
        rotate90(&upright),
    ];
    let mut files = Vec::new();
    for (at, picture) in stored.iter().enumerate() {
        files.push((format!("a/{at}.jpg"), turned(picture, at as u8 + 1)));
        files.push((format!("b/{at}.png"), png(64, 32, [at as u8, 0, 0])));
    }
    let here = with_files("photos-exif", &files);
    let dataset = load(&here, &raw(ImageOptions::default())).unwrap();
    assert_eq!(dataset.input.shape, [32, 64, 3], "all are 64 × 32 once they are turned");
    for at in 0..8 {
        let numbers = numbers(&dataset, &format!("a/{at}.jpg"));
        for (x, y, pixel) in
            corners().enumerate_pixels().filter(|(x, y, _)| x % 32 == 16 && y % 16 == 8)
        {
            for channel in 0..3 {
                let found = numbers[((y * 64 + x) * 3) as usize + channel];
                let apart = (found - f32::from(pixel[channel])).abs();
                assert!(apart < 12.0, "orientation {}: ({x}, {y}): {found}", at + 1);
            }
        }
    }
}

/// A PNG with a palette: the encoder behind `image` writes none, so its chunks are put together here.
fn palette_png() -> Vec<u8> {
    let crc = |bytes: &[u8]| {
        let mut crc = flate2::Crc::new();
        crc.update(bytes);
        crc.sum()
    };
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut chunk = |kind: &[u8], data: &[u8]| {
        out.extend((data.len() as u32).to_be_bytes());
        let body = [kind, data].concat();
        out.extend(&body);
        out.extend(crc(&body).to_be_bytes());
    };
    chunk(b"IHDR", &[0, 0, 0, 2, 0, 0, 0, 1, 8, 3, 0, 0, 0]);
    chunk(b"PLTE", &[10, 20, 30, 200, 100, 50]);
    let mut lines = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    lines.write_all(&[0, 1, 0]).unwrap();
    chunk(b"IDAT", &lines.finish().unwrap());
    chunk(b"IEND", &[]);
    out
}

#[test]
fn odd_images_are_read_as_they_look() {
    let deep = image::ImageBuffer::<Rgb<u16>, _>::from_pixel(2, 1, Rgb([65535u16, 32896, 257]));
    let clear = RgbaImage::from_fn(2, 1, |x, _| Rgba([0, 100, 200, if x == 0 { 0 } else { 255 }]));
    let mut grey_alpha = Cursor::new(Vec::new());
    image::write_buffer_with_format(
        &mut grey_alpha,
        &[50, 255, 50, 0],
        2,
        1,
        ExtendedColorType::La8,
        ImageFormat::Png,
    )
    .unwrap();
    let grey: DynamicImage = GrayImage::from_pixel(2, 1, image::Luma([77])).into();
    let mut gif = Vec::new();
    let mut encoder = image::codecs::gif::GifEncoder::new(&mut gif);
    let frame = |colour| image::Frame::new(RgbaImage::from_pixel(2, 1, Rgba(colour)));
    encoder.encode_frames([frame([255, 0, 0, 255]), frame([0, 0, 255, 255])]).unwrap();
    drop(encoder);
    let files = vec![
        ("odd/deep.png".to_string(), bytes(&deep.into(), ImageFormat::Png)),
        ("odd/clear.png".into(), bytes(&clear.into(), ImageFormat::Png)),
        ("odd/grey-alpha.png".into(), grey_alpha.into_inner()),
        ("odd/grey.jpg".into(), bytes(&grey, ImageFormat::Jpeg)),
        ("odd/palette.png".into(), palette_png()),
        ("odd/film.gif".into(), gif),
        ("odd/one.webp".into(), bytes(&plain(2, 1, [9, 8, 7]), ImageFormat::WebP)),
        ("odd/one.bmp".into(), bytes(&plain(2, 1, [9, 8, 7]), ImageFormat::Bmp)),
        // By its content, not its name.
        ("odd/called.jpg".into(), png(2, 1, [1, 2, 3])),
        ("odd/called".into(), png(2, 1, [3, 2, 1])),
        ("even/1.png".into(), png(2, 1, [0, 0, 0])),
        ("even/2.png".into(), png(2, 1, [1, 0, 0])),
    ];
    let here = with_files("photos-odd", &files);
    let dataset = load(&here, &raw(ImageOptions::default())).unwrap();
    let of = |file: &str| numbers(&dataset, &format!("odd/{file}"));
    assert_eq!(of("deep.png"), [255.0, 128.0, 1.0, 255.0, 128.0, 1.0]);
    assert_eq!(of("clear.png"), [255.0, 255.0, 255.0, 0.0, 100.0, 200.0], "laid on white");
    assert_eq!(of("grey-alpha.png"), [50.0, 50.0, 50.0, 255.0, 255.0, 255.0]);
    assert!(of("grey.jpg").iter().all(|x| (x - 77.0).abs() <= 1.0));
    assert_eq!(of("palette.png"), [200.0, 100.0, 50.0, 10.0, 20.0, 30.0]);
    assert_eq!(of("film.gif")[..3], [255.0, 0.0, 0.0], "the first picture of a film");
    assert_eq!(
        (of("one.webp"), of("one.bmp")),
        ([9.0, 8.0, 7.0].repeat(2), [9.0, 8.0, 7.0].repeat(2))
    );
    assert_eq!((of("called.jpg")[..3].to_vec(), of("called")[0]), (vec![1.0, 2.0, 3.0], 3.0));
    let facts = dataset.images.unwrap();
    assert_eq!((facts.deep, facts.transparent), (1, 2));
    assert!(dataset.notices.iter().any(|n| n.contains("laid on white")), "{:?}", dataset.notices);
}

#[test]
fn grey_images_stay_grey_and_colours_can_be_made_grey() {
    let grey = |value: u8| {
        bytes(&GrayImage::from_pixel(3, 3, image::Luma([value])).into(), ImageFormat::Png)
    };
    let mut files = Vec::new();
    for at in 0..10u8 {
        files.push((format!("dark/{at}.png"), grey(at)));
        files.push((format!("light/{at}.png"), grey(200 + at)));
    }
    let here = with_files("photos-grey", &files);
    let dataset = load(&here, &Options::default()).unwrap();
    assert_eq!(dataset.input.shape, [3, 3, 1]);
    assert!((numbers(&dataset, "light/3.png")[4] - 203.0 / 255.0).abs() < 1e-6, "from 0 to 1");
    let here = with_files("photos-colour", &two_classes(&[""], 10));
    let one = ImageOptions { channels: Some(1), ..ImageOptions::default() };
    let dataset = load(&here, &raw(one)).unwrap();
    // 0.299 · 250 + 0.587 · 30 + 0.114 · 0, to the nearest.
    assert_eq!(
        (dataset.input.shape.clone(), numbers(&dataset, "red/03.png")[0]),
        (vec![3, 4, 1], 92.0)
    );
}

#[test]
fn sizes_are_chosen_or_asked_for_and_said() {
    let mut files = two_classes(&[""], 10);
    files.push(("red/large.png".into(), png(300, 200, [255, 0, 0])));
    let here = with_files("photos-sizes", &files);
    let dataset = load(&here, &Options::default()).unwrap();
    assert_eq!(dataset.input.shape, [32, 32, 3]);
    assert!(
        dataset.notices[0]
            .starts_with("images of 3 × 4 to 200 × 300 pixels are scaled and cropped to 32 × 32"),
        "{:?}",
        dataset.notices
    );
    let image = ImageOptions { size: Some([6, 10]), fit: Fit::Pad, ..ImageOptions::default() };
    let dataset = load(&here, &raw(image)).unwrap();
    assert_eq!(dataset.input.shape, [6, 10, 3]);
    let padded = numbers(&dataset, "red/00.png");
    assert_eq!((padded[0], padded[3 * 5]), (0.0, 250.0), "black beside the picture");
    let vast = ImageOptions { size: Some([16_384, 16_384]), ..ImageOptions::default() };
    let more: Vec<_> =
        (0..200).map(|at| (format!("red/m{at}.png"), png(1, 1, [at, 1, 1]))).collect();
    write(&here, &more);
    let error = message(load(&here, &with_image(vast)));
    assert!(error.contains("would take 165 GiB in a temporary file"), "{error}");
    let large: Vec<_> =
        (0..4).map(|at| (format!("{}/{at}.png", at % 2), png(200, 150, [at, 0, 0]))).collect();
    let here = with_files("photos-large", &large);
    let split = Options { valid: Some(0.0), test: Some(0.0), ..Options::default() };
    assert_eq!(load(&here, &split).unwrap().input.shape, [128, 128, 3]);
}

/// Files of two classes without their folders.
fn unclassed(folder: &str, count: usize) -> Vec<(String, Vec<u8>)> {
    let of =
        |(name, bytes): (String, Vec<u8>)| (format!("{folder}{}", name.replace('/', "-")), bytes);
    two_classes(&[""], count).into_iter().map(of).collect()
}

fn itself() -> Options {
    Options { itself: true, ..Options::default() }
}

#[test]
fn images_without_classes_are_rows_that_can_be_learned() {
    let files = unclassed("", 10);
    let here = with_files("photos-unclassed", &files);
    std::fs::write(here.join("notes.txt"), "bought in May").unwrap();
    let dataset = load(&here, &itself()).unwrap();
    assert_eq!(sizes(&dataset), (14, 3, 3));
    assert_eq!(dataset.task, Task::Rows { classes: vec![] });
    assert_eq!(
        (dataset.input.shape.clone(), dataset.train.labels()),
        (vec![3, 4, 3], Some(vec![]))
    );
    // Numbers that are made lie from 0 to 1.
    let file = dataset.train.source_name(0).unwrap();
    assert!(numbers(&dataset, file).iter().all(|x| (0.0..=1.0).contains(x)));
    let facts = dataset.images.as_ref().unwrap();
    assert_eq!((facts.images, facts.classes.len(), facts.skipped.len()), (20, 0, 0));
    assert!(dataset.notices.is_empty(), "{:?}", dataset.notices);
    // The same rows as of an archive that has one folder above them, and of a folder in a folder.
    let archives = folder("photos-unclassed-archived");
    std::fs::write(archives.join("a.tar"), tar(&unclassed("holiday/", 10))).unwrap();
    let nested = with_files("photos-unclassed-nested", &unclassed("2024/holiday/", 10));
    for (other, above) in [(archives.join("a.tar"), "holiday"), (nested, "2024/holiday")] {
        let other = load(other, &itself()).unwrap();
        assert_eq!((sizes(&other), &other.task), ((14, 3, 3), &dataset.task));
        let file = dataset.test.source_name(1).unwrap();
        assert_eq!(other.test.source_name(1), Some(&*format!("{above}/{file}")));
        assert_eq!(numbers(&other, &format!("{above}/{file}")), numbers(&dataset, file));
    }
    // Parts without classes.
    let parts = [unclassed("train/", 10), unclassed("test/", 4)].concat();
    let dataset = load(with_files("photos-unclassed-parts", &parts), &itself()).unwrap();
    assert_eq!(sizes(&dataset), (18, 2, 8));
    // To be told apart they need classes.
    let error = message(load(&here, &Options::default()));
    assert!(error.contains("20 images, but no class") && error.contains("--model vae"), "{error}");
    let without = Options { without: vec!["red".into()], ..itself() };
    let error = message(load(&here, &without));
    assert!(error.contains("there is no class `red` to leave out"), "{error}");
}

#[test]
fn classes_of_rows_that_are_learned_are_known_where_each_image_has_one() {
    let here = with_files("photos-known", &two_classes(&[""], 10));
    let dataset = load(&here, &itself()).unwrap();
    assert_eq!(dataset.task, Task::Rows { classes: vec!["blue".into(), "red".into()] });
    assert_eq!(dataset.fingerprint, load(&here, &Options::default()).unwrap().fingerprint);
    // A class may be in the test part alone: the odd ones.
    let mut files = two_classes(&["train/", "test/"], 10);
    files.push(("test/odd/1.png".into(), png(4, 3, [9, 250, 9])));
    let dataset = load(with_files("photos-known-odd", &files), &itself()).unwrap();
    assert!(matches!(&dataset.task, Task::Rows { classes } if classes == &["blue", "odd", "red"]));
    assert_eq!(dataset.test.labels().unwrap().iter().filter(|label| **label == 1).count(), 1);
    // One image without a class: none is known.
    let mut files = two_classes(&[""], 10);
    files.push(("one.png".into(), png(4, 3, [9, 9, 9])));
    let here = with_files("photos-known-mixed", &files);
    let dataset = load(&here, &itself()).unwrap();
    assert_eq!((dataset.task, sizes_of(&here)), (Task::Rows { classes: vec![] }, 21));
    let said = "1 image beside the folders: no class is known of any image";
    assert_eq!(dataset.notices, [said]);
    // All in one folder.
    let one = files.into_iter().filter(|(name, _)| name.starts_with("red/")).collect::<Vec<_>>();
    let here = with_files("photos-known-one", &one);
    assert_eq!(load(&here, &itself()).unwrap().task, Task::Rows { classes: vec![] });
    let error = message(load(&here, &Options::default()));
    assert!(error.contains("of one class, `red`") && error.contains("--model vae"), "{error}");
}

/// How many images a folder has whose rows are learned themselves.
fn sizes_of(folder: &Path) -> usize {
    load(folder, &itself()).unwrap().images.unwrap().images
}

/// What is wrong with images that cannot be read.
fn damaged() -> Vec<(String, Vec<u8>)> {
    let jpeg = bytes(&corners().into(), ImageFormat::Jpeg);
    let mut files = two_classes(&[""], 10);
    files.push(("red/cut.jpg".into(), jpeg[..jpeg.len() - 40].to_vec()));
    files.push(("red/empty.png".into(), Vec::new()));
    files.push(("red/text.png".into(), b"no image at all".to_vec()));
    files.push(("blue/cut.png".into(), png(40, 40, [1, 2, 3])[..60].to_vec()));
    files
}

#[test]
fn damaged_images_are_left_out_listed_and_counted() {
    let here = with_files("photos-damaged", &damaged());
    let dataset = load(&here, &Options::default()).unwrap();
    let facts = dataset.images.as_ref().unwrap();
    assert_eq!(facts.images, 20);
    let skipped: Vec<&str> = facts.skipped.iter().map(|skipped| skipped.file.as_str()).collect();
    assert_eq!(skipped, ["blue/cut.png", "red/cut.jpg", "red/empty.png", "red/text.png"]);
    assert!(facts.skipped[1].problem.contains("cut off"), "{:?}", facts.skipped);
    let notice = dataset.notices.iter().find(|notice| notice.starts_with("4 files left out"));
    assert!(notice.is_some_and(|notice| notice.contains("red/text.png is no image")), "{notice:?}");
    let error = message(load(&here, &Options { strict: true, ..Options::default() }));
    for file in skipped {
        assert!(error.contains(file), "{error}");
    }
    assert!(error.contains("without --strict it is left out"), "{error}");
}

fn refused(name: &str, files: &[(String, Vec<u8>)]) -> String {
    message(load(with_files(name, files), &Options::default()))
}

#[test]
fn what_is_wrong_with_the_folders_is_told_at_once() {
    let one = |name: &str| (name.to_string(), png(2, 2, [1, 2, 3]));
    let error = refused("photos-single", &[one("cat/1.png"), one("cat/2.png")]);
    assert!(error.contains("all images to train on are of one class, `cat`"), "{error}");
    let error = refused("photos-direct", &[one("1.png"), one("2.png")]);
    assert!(error.contains("2 images, but no class"), "{error}");
    let error = refused("photos-none", &[("cat/1.txt".into(), b"meow".to_vec())]);
    assert!(error.contains("cat/1.txt: is no image"), "{error}");
    let mut files = two_classes(&["train/", "test/"], 10);
    files.extend([one("test/Red/1.png"), one("test/green/1.png"), one("val/green/2.png")]);
    let error = refused("photos-unknown", &files);
    for words in [
        "class `Red` has 1 image in the test part, and none to train on",
        "is it `red`?",
        "class `green` has 1 image in the test part",
        "class `green` has 1 image in the validation part",
    ] {
        assert!(error.contains(words), "{words}: {error}");
    }
}

#[test]
fn what_lies_beside_the_images_is_passed_over_and_said() {
    let mut files = two_classes(&["train/", "val/", "test/"], 6);
    files.push(("README.md".into(), b"# photos".to_vec()));
    files.push(("train/Thumbs.db".into(), b"litter".to_vec()));
    files.push((".hidden/red/1.png".into(), png(4, 3, [7, 7, 7])));
    files.push(("train/stray.png".into(), png(4, 3, [8, 8, 8])));
    files.push(("unlabelled/1.png".into(), png(4, 3, [9, 9, 9])));
    // An image that was trained on.
    files.push(("test/red/known.png".into(), files[1].1.clone()));
    let here = with_files("photos-beside", &files);
    std::fs::create_dir_all(here.join("train/green")).unwrap();
    let dataset = load(&here, &Options::default()).unwrap();
    assert_eq!(sizes(&dataset), (12, 12, 13));
    let notices = dataset.notices.join("\n");
    for words in [
        "train/stray.png",
        "`unlabelled/` is neither",
        "train/green",
        "test/red/known.png is train/red/00.png",
    ] {
        assert!(notices.contains(words), "{words}: {notices}");
    }
    let facts = dataset.images.unwrap();
    assert_eq!((facts.skipped.len(), facts.duplicates, facts.leaked), (0, 1, 1));
    assert_eq!(facts.classes[1], ("red".to_string(), [6, 6, 7]));
}

#[cfg(unix)]
#[test]
fn links_in_a_circle_end_and_others_are_followed() {
    use std::os::unix::fs::symlink;
    let here = with_files("photos-links", &two_classes(&["all/"], 8));
    let links = folder("photos-links-in");
    symlink(here.join("all/red"), links.join("red")).unwrap();
    symlink(here.join("all/blue"), links.join("blue")).unwrap();
    symlink(".", links.join("loop")).unwrap();
    symlink(&here, here.join("all/red/up")).unwrap();
    let dataset = load(&links, &Options::default());
    let facts = dataset.unwrap().images.unwrap();
    assert!(facts.images >= 16, "{facts:?}");
}

#[test]
fn the_fingerprint_is_of_contents_and_classes_not_of_settings() {
    let files = two_classes(&[""], 10);
    let here = with_files("photos-print", &files);
    let print = |options: &Options| load(&here, options).unwrap().fingerprint;
    let first = print(&Options::default());
    let large = ImageOptions { size: Some([8, 8]), ..ImageOptions::default() };
    assert_eq!(print(&with_image(large)), first);
    std::fs::rename(here.join("red/00.png"), here.join("blue/new.png")).unwrap();
    assert_ne!(print(&Options::default()), first);
}

/// A file of CIFAR-10: `count` images, of which each has its label in red.
fn batch(count: usize) -> Vec<u8> {
    let image = |at: usize| {
        let label = (at % 4) as u8;
        let plane = |value: u8| std::iter::repeat_n(value, 1024);
        std::iter::once(label).chain(plane(label)).chain(plane(100)).chain(plane(at as u8))
    };
    (0..count).flat_map(image).collect()
}

#[test]
fn the_binary_files_of_cifar_10_are_read_with_their_names() {
    let names = "airplane\nautomobile\nbird\ncat\n\n";
    let files = vec![
        ("data_batch_1.bin".to_string(), batch(40)),
        ("data_batch_2.bin".into(), batch(40)),
        ("test_batch.bin".into(), batch(12)),
        ("batches.meta.txt".into(), names.into()),
    ];
    let here = with_files("cifar-10", &files);
    let dataset = load(&here, &raw(ImageOptions::default())).unwrap();
    assert_eq!((sizes(&dataset), &dataset.input.shape[..]), ((72, 8, 12), &[32, 32, 3][..]));
    let classes = dataset.preparation.target.classes().unwrap();
    assert_eq!(classes, ["airplane", "automobile", "bird", "cat"]);
    let mut numbers = vec![0.0; 3072];
    dataset.test.gather_inputs(&[7], &mut numbers).unwrap();
    assert_eq!(numbers[..6], [3.0, 100.0, 7.0, 3.0, 100.0, 7.0], "colours lie side by side");
    let standard = load(here.join("data_batch_1.bin"), &Options::default()).unwrap();
    let InputPreparation::Pixels { mean, .. } = &standard.preparation.inputs else { panic!() };
    assert!((mean[1] - 100.0 / 255.0).abs() < 1e-7);
    let inside: Vec<_> = files
        .iter()
        .map(|(name, bytes)| (format!("cifar-10-batches-bin/{name}"), bytes.clone()))
        .collect();
    let archive = folder("cifar-10-archive").join("cifar-10-binary.tar");
    std::fs::write(&archive, tar(&inside)).unwrap();
    let archived = load(&archive, &Options::default()).unwrap();
    assert_eq!(archived.fingerprint, standard.fingerprint);
    std::fs::write(here.join("data_batch_2.bin"), &batch(2)[..6000]).unwrap();
    let error = message(load(&here, &Options::default()));
    assert!(error.contains("6000 bytes are not whole images of 3073 bytes"), "{error}");
}

#[test]
fn cifar_100_has_two_targets() {
    let image = |at: usize| {
        let labels = [(at % 2) as u8, (at % 4) as u8 + 50];
        labels.into_iter().chain(std::iter::repeat_n(at as u8, 3072))
    };
    let files = vec![
        ("train.bin".to_string(), (0..40).flat_map(image).collect()),
        ("test.bin".into(), (0..8).flat_map(image).collect()),
        ("coarse_label_names.txt".into(), b"fish\nflowers\n".to_vec()),
    ];
    let here = with_files("cifar-100", &files);
    let of = |target: Option<&str>| -> Result<Dataset, DataError> {
        load(&here, &Options { target: target.map(str::to_owned), ..Options::default() })
    };
    assert_eq!(of(None).unwrap().preparation.target.classes().unwrap(), ["50", "51", "52", "53"]);
    let coarse = of(Some("coarse")).unwrap();
    assert_eq!(coarse.preparation.target.classes().unwrap(), ["fish", "flowers"]);
    assert!(message(of(Some("colour"))).contains("`fine` (100 classes) and `coarse`"));
}

#[test]
fn cifar_10_as_a_folder_of_images_is_what_it_is_known_to_be() {
    let Some(archive) = support::shared("cifar10/cifar10-images.tar.gz") else { return };
    let dataset = load(archive, &Options::default()).unwrap();
    assert_eq!(sizes(&dataset), (45_000, 5_000, 10_000));
    assert_eq!(dataset.input.shape, [32, 32, 3]);
    let facts = dataset.images.unwrap();
    println!("{}", facts.speed());
    assert!(
        facts
            .classes
            .iter()
            .all(|(_, [train, valid, test])| train + valid == 5000 && *test == 1000)
    );
    assert_eq!((facts.images, facts.skipped.len()), (60_000, 0));
    // The means of CIFAR-10's training pixels as they are published: 0.4914, 0.4822, 0.4465.
    let InputPreparation::Pixels { mean, .. } = &dataset.preparation.inputs else { panic!() };
    for (mean, published) in mean.iter().zip([0.4914, 0.4822, 0.4465]) {
        assert!((mean - published).abs() < 0.004, "{mean} {published}");
    }
}
