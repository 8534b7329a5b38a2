//! Folders of images, from `data` to `predict`.

#![allow(clippy::unwrap_used)] // A test fails by panicking.

use crate::support;

use std::io::Cursor;

use image::{ImageFormat, Rgb, RgbImage};
use support::{Workplace, numbers, shared};

/// A picture of a colour with a darker spot that moves.
fn picture(colour: [u8; 3], number: u32) -> Vec<u8> {
    let mut picture = RgbImage::from_pixel(6, 6, Rgb(colour));
    picture.put_pixel(number % 6, number / 6 % 6, Rgb([20, 20, (number * 3) as u8]));
    let mut out = Cursor::new(Vec::new());
    picture.write_to(&mut out, ImageFormat::Png).unwrap();
    out.into_inner()
}

/// `photos/{train,test}/{blue,red}`, with two files that are no pictures.
fn photos(at: &Workplace) {
    for (part, count) in [("train", 30), ("test", 8)] {
        for (class, colour) in [("blue", [30, 40, 220]), ("red", [220, 40, 30])] {
            let folder = format!("photos/{part}/{class}");
            std::fs::create_dir_all(at.path(&folder)).unwrap();
            for number in 0..count {
                let seed = number + count;
                at.file(&format!("{folder}/{number:02}.png"), picture(colour, seed));
            }
        }
    }
    at.file("photos/train/red/broken.png", b"\x89PNG\r\n\x1a\nand no more");
    at.file("photos/test/blue/notes.jpg", b"bought in May");
}

const TRAIN: &str = "train photos --epochs 40 --lr 0.01 --hidden 8 --quiet";

#[test]
fn a_folder_of_images_is_trained_on_and_photos_are_predicted() {
    let at = Workplace::new();
    photos(&at);
    let trained = at.done(&format!("{TRAIN} --out run"));
    assert!(trained.out.contains("test, 16 rows"), "{}", trained.out);
    let predictions = at.text("run/predictions.csv");
    let lines: Vec<&str> = predictions.lines().collect();
    assert_eq!((lines[0], lines.len()), ("row,observed,predicted,probability,file", 17));
    assert!(lines[1].starts_with("1,blue,blue,") && lines[1].ends_with(",test/blue/00.png"));
    // A photo of another size and format, a folder, a file that is none.
    let large = RgbImage::from_pixel(64, 40, Rgb([210, 30, 30]));
    let mut jpeg = Cursor::new(Vec::new());
    large.write_to(&mut jpeg, ImageFormat::Jpeg).unwrap();
    at.file("large.jpg", jpeg.into_inner());
    let predicted = at.done("predict run large.jpg photos/test");
    let lines: Vec<&str> = predicted.out.lines().collect();
    assert_eq!(lines[0], "file,predicted_class,probability,class_2,probability_2");
    assert_eq!(lines.len(), 18);
    assert!(lines[1].starts_with("large.jpg,red,0.9"), "{}", lines[1]);
    for words in ["photos/test/blue/notes.jpg: is no image", "16 of 16 rows right", "images/s"] {
        assert!(predicted.error.contains(words), "{words}: {}", predicted.error);
    }
    let json = at.json("predict run photos/test --top 1");
    assert_eq!(json["files"][0], "photos/test/blue/00.png");
    assert_eq!(json["rows"][0]["class"], "blue");
    assert_eq!(json["agreement"], serde_json::json!({"rows": 16, "right": 16}));
    assert_eq!(json["skipped"][0]["file"], "photos/test/blue/notes.jpg");
    assert!(json["speed"]["images_per_second"].as_f64().unwrap() > 0.0);
    at.done("predict run large.jpg --out-file out.csv");
    assert_eq!(at.text("out.csv").lines().count(), 2);
    let error = at.refused(1, "predict run photos/test --strict");
    assert!(error.contains("notes.jpg: is no image") && !error.contains("right"), "{error}");
    let error = at.refused(1, "predict run larg.jpg gone");
    assert!(error.contains("did you mean `large.jpg`?") && error.contains("gone: "), "{error}");
    let eval = at.json("eval run");
    assert_eq!((&eval["rows"], &eval["metrics"]["accuracy"]), (&16.into(), &1.0.into()));
}

#[test]
fn photos_are_seen_by_a_residual_network_where_nobody_says_which() {
    let at = Workplace::new();
    photos(&at);
    for (said, kind) in [
        ("--set data.image.size=20", "resnet20"),
        ("--set data.image.size=72", "resnet18"),
        ("--set data.image.size=20 --set data.image.channels=1", "mlp"),
        ("--set data.image.size=20 --model lenet", "lenet"),
        ("--set data.image.size=20 --model mlp", "mlp"),
        ("--set data.image.size=20 --hidden 8", "mlp"),
        ("--seed 1", "mlp"),
    ] {
        at.done(&format!("init photos {said} --out photos.toml --quiet"));
        let (toml, line) = (at.text("photos.toml"), format!("kind = \"{kind}\""));
        assert!(toml.contains(&line), "{said}: {line} is not in {toml}");
        std::fs::remove_file(at.path("photos.toml")).unwrap();
    }
    let begun = at.done("train photos --set data.image.size=20 --epochs 1 --out run");
    assert!(begun.out.contains("resnet20"), "{} {}", begun.out, begun.error);
}

#[test]
fn threads_change_no_bit_of_a_run_on_images() {
    let at = Workplace::new();
    photos(&at);
    at.done(&format!("{TRAIN} --threads 1 --out one"));
    at.done(&format!("{TRAIN} --threads 2 --set data.memory=0 --out two"));
    assert_eq!(numbers(&at, "one"), numbers(&at, "two"));
}

#[test]
fn what_a_folder_of_images_holds_is_told() {
    let at = Workplace::new();
    photos(&at);
    at.file(
        "photos/test/red/again.png",
        std::fs::read(at.path("photos/train/red/05.png")).unwrap(),
    );
    let text = at.done("data photos").out;
    for words in [
        "photos · 77 images of 6 × 6 × 3",
        "2 classes:",
        "formats: PNG 77",
        "2 files left out",
        "train/red/broken.png",
        "1 images are the same file as an earlier one",
        "1 images of the validation or test part are in the training part",
        "images/s",
        "next: glassbox train photos",
    ] {
        assert!(text.contains(words), "{words} is not in {text}");
    }
    let found = at.json("data photos");
    assert_eq!(found["files"]["leaks"][0][0], "test/red/again.png");
    assert_eq!((&found["files"]["leaked"], &found["rows"]), (&1.into(), &77.into()));
    let error = at.refused(1, "data photos --strict");
    assert!(error.contains("train/red/broken.png") && error.contains("notes.jpg"), "{error}");
    let korean = at.done("data photos --lang ko").out;
    assert!(korean.contains("뺀 파일 2개"), "{korean}");
}

#[test]
fn sizes_and_channels_can_be_set() {
    let at = Workplace::new();
    photos(&at);
    let settings =
        "--set data.image.size=[8,4] --set data.image.channels=1 --set data.image.fit=stretch";
    let found = at.json(&format!("data photos {settings}"));
    assert_eq!(found["shape"], serde_json::json!([8, 4, 1]));
    at.done(&format!(
        "init photos {settings} --set data.image.normalize=imagenet --out photos.toml --quiet"
    ));
    let toml = at.text("photos.toml");
    for line in [
        "[data.image]",
        "size = [8, 4]",
        "channels = 1",
        "fit = \"stretch\"",
        "normalize = \"imagenet\"",
    ] {
        assert!(toml.contains(line), "{line} is not in {toml}");
    }
    at.done("train photos.toml --epochs 1 --quiet --out run");
    let error = at.refused(2, "data photos --set data.image.fit=crp");
    assert!(error.contains("did you mean \"crop\"?"), "{error}");
    let error = at.refused(2, "data photos --set data.image.channels=2");
    assert!(error.contains("1 (grey) or 3"), "{error}");
}

#[test]
fn cifar_10_needs_no_option_but_the_model() {
    let Some(archive) = shared("cifar10/cifar10-images.tar.gz") else { return };
    let at = Workplace::new();
    let found = at.json(&format!("data {archive}"));
    assert_eq!((&found["rows"], &found["files"]["images"]), (&60_000.into(), &60_000.into()));
    assert_eq!(found["training"]["test"], 10_000);
}

#[test]
fn images_without_classes_are_learned_themselves() {
    let at = Workplace::new();
    std::fs::create_dir(at.path("photos")).unwrap();
    for number in 0..40 {
        let colour = [[30, 40, 220], [220, 40, 30]][number as usize % 2];
        at.file(&format!("photos/{number:02}.png"), picture(colour, number));
    }
    let line =
        "train photos --model autoencoder --epochs 20 --set data.image.size=[8,8] --augment flip";
    let told = at.json(&format!("{line} --out run"));
    let loss = |of: &str| told[of]["loss"].as_f64().unwrap();
    assert!(loss("metrics") < 0.8 * loss("baseline"), "{told}");
    let odd = at.json("anomaly run photos/03.png photos/04.png");
    assert_eq!(odd["losses"].as_array().unwrap().len(), 2);
    assert!(odd["classes"].is_null(), "{odd}");
    at.done("see run");
    let error = at.refused(1, "train photos");
    assert!(error.contains("40 images, but no class") && error.contains("--model vae"), "{error}");
    let line = "train photos --model vae --set data.image.normalize=standardize";
    let error = at.refused(2, &format!("{line} --set model.likelihood=bernoulli"));
    assert!(error.contains("numbers from 0 to 1"), "{error}");
    let error = at.refused(2, "train photos --model vae --set model.conditional=true");
    assert!(error.contains("a folder for each class"), "{error}");
}
