//! `glassbox see`: pictures of what a network of images looks at.

#![allow(clippy::unwrap_used)] // A test fails by panicking.

use crate::support;

use std::path::Path;

use support::{Workplace, shared};

/// A convolution over the built-in digits, trained for an epoch.
fn trained() -> Workplace {
    let at = Workplace::new();
    at.file(
        "net.toml",
        "[data]\npath = \"digits\"\n[model]\nkind = \"network\"\n\
         [[model.layer]]\nkind = \"conv\"\nname = \"conv1\"\nchannels = 6\nsize = 3\n\
         [[model.layer]]\nkind = \"activation\"\nname = \"act1\"\nactivation = \"relu\"\n\
         [[model.layer]]\nkind = \"max_pool\"\nname = \"pool1\"\nsize = 2\n\
         [[model.layer]]\nkind = \"flatten\"\n[train]\nepochs = 2\n",
    );
    at.done("train net.toml --out run");
    at
}

/// Width and height that a PNG's header says.
fn size(path: &Path) -> (u32, u32) {
    let bytes = std::fs::read(path).unwrap();
    assert_eq!(&bytes[..8], b"\x89PNG\r\n\x1a\n", "{}", path.display());
    let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
    (number(16), number(20))
}

#[test]
fn by_itself_it_shows_rows_mistakes_filters_and_maps() {
    let at = trained();
    let seen = at.json("see run");
    let files: Vec<&str> =
        seen["files"].as_array().unwrap().iter().map(|file| file.as_str().unwrap()).collect();
    let names: Vec<&str> = files.iter().map(|file| file.rsplit('/').next().unwrap()).collect();
    assert_eq!(
        names,
        [
            "filters-conv1.png",
            "features-conv1-conv-test-row-0.png",
            "images.png",
            "mistakes.png",
            "gradients.png"
        ]
    );
    for file in &files {
        assert!(file.starts_with("run/samples/see/"), "{file}");
        let (width, height) = size(&at.path(file));
        assert!(width >= 200 && height >= 100, "{file}: {width} × {height}");
    }
    assert_eq!(seen["filters"]["shape"], serde_json::json!([3, 3, 1, 6]));
    let images = seen["images"].as_array().unwrap();
    assert_eq!(images.len(), 6, "four rows and two mistakes");
    for image in images {
        let found = &image["integrated"];
        let number = |name: &str| found[name].as_f64().unwrap();
        assert_eq!(found["complete"], true, "{image}");
        let difference = number("score") - number("baseline");
        assert!((number("sum") - difference).abs() <= 0.01 * difference.abs() + 1e-6);
        assert!(
            image["occlusion"]["score_covered"].as_f64() < image["occlusion"]["score"].as_f64()
        );
        assert_eq!(image["gradcam"]["layer"], "pool1/max_pool");
    }
    let wrong = |image: &serde_json::Value| image["predicted"] != image["observed"];
    assert_eq!(images.iter().map(wrong).collect::<Vec<_>>()[4..], [true, true]);
    let surest = seen["mistakes"]["surest"].as_array().unwrap();
    let sure: Vec<f64> = surest.iter().map(|one| one["probability"].as_f64().unwrap()).collect();
    assert!(sure.windows(2).all(|pair| pair[0] >= pair[1]));
    // Mistakes are those of the run's own predictions.
    let told = at.text("run/predictions.csv");
    let wrong = told.lines().skip(1).filter(|line| {
        let cells: Vec<&str> = line.split(',').collect();
        cells[1] != cells[2]
    });
    assert_eq!(seen["mistakes"]["wrong"], wrong.count());
}

#[test]
fn rows_classes_layers_and_folders_are_chosen() {
    let at = trained();
    let told =
        at.done("see run --row 3 --what gradcam,features --layer conv1 --class 7 --out seen");
    let other = at.json("see run --row 3 --what saliency --class 7 --out other");
    assert_eq!(other["images"][0]["class"], "7");
    assert!(told.out.contains("maps of conv1/conv: 6"), "{}", told.out);
    assert!(told.out.contains("  seen/test-row-3.png\n"), "{}", told.out);
    assert!(size(&at.path("seen/features-conv1-conv-test-row-3.png")).0 > 200);
    let korean = at.done("see run --row 3 --what saliency --lang ko").out;
    assert!(korean.contains("시험 행 3") && korean.contains("현저성"), "{korean}");
    let part = at.json("see run --row 0 --part train --what occlusion --patch 2 --stride 2");
    assert_eq!(
        (&part["images"][0]["image"], &part["images"][0]["occlusion"]["places"]),
        (&serde_json::json!("train row 0"), &serde_json::json!(16))
    );
}

#[test]
fn looking_twice_gives_the_same_bytes() {
    let at = trained();
    for folder in ["one", "two"] {
        at.done(&format!("see run --row 1 --what saliency,smooth,integrated --out {folder}"));
    }
    let bytes = |folder: &str| std::fs::read(at.path(folder).join("test-row-1.png")).unwrap();
    assert_eq!(bytes("one"), bytes("two"));
}

#[test]
fn what_cannot_be_seen_is_refused_with_the_cure() {
    let at = trained();
    let error = at.refused(1, "see run --row 3 --layer conv2 --class 17");
    assert!(
        error.contains("there is no layer `conv2`") && error.contains("`conv1/conv`"),
        "{error}"
    );
    assert!(error.contains("there is no class `17`"), "all problems at once: {error}");
    assert!(at.refused(1, "see run --row 30000").contains("the part has rows 0 to "));
    assert!(at.refused(1, "see run --row 1 --patch 9").contains("take a patch of 1 to 8"));
    assert!(at.refused(2, "see run --what gradcma").contains("gradcam"));
    assert!(at.refused(1, "see run nowhere.png").contains("nowhere.png"));
    assert!(at.refused(1, "see run --what channels --row 1").contains("squeeze-and-excitation"));
    assert!(!at.path("run/samples/see/test-row-1.png").exists());
    at.done("train iris --epochs 1 --out table");
    assert!(at.refused(1, "see table").contains("columns of a table, not images"));
    at.done("train digits --epochs 1 --out flat");
    assert!(at.refused(1, "see flat --what filters").contains("no convolution"));
    // By itself it shows what there is.
    assert!(at.json("see flat --row 2")["images"][0]["saliency"].is_object());
}

#[test]
fn images_of_an_idx_file_are_looked_at_without_the_runs_data() {
    let Some(mnist) = shared("mnist/t10k-images-idx3-ubyte.gz") else { return };
    let at = trained();
    let error = at.refused(1, &format!("see run {mnist}"));
    assert!(error.contains("scale them"), "{error}");
}
