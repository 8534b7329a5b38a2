//! Every example of `--help` does what it says.

#![cfg(unix)] // The examples are lines of a shell.
#![allow(clippy::unwrap_used)] // A test fails by panicking.

use crate::support;

use std::process::Command;

use glassbox_cli::text::help::EXAMPLES;
use support::Workplace;

/// Folders of photos of two classes, and some of none.
fn photos(at: &Workplace) {
    let draw = |path: String, number: u32, tall: bool| {
        let path = at.path(&path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let bright = |x: u32, y: u32| if tall { x / 4 % 2 } else { y / 4 % 2 } as u8 * 200;
        let pixel = |x, y| image::Rgb([bright(x, y), (number * 9) as u8, (x + y) as u8]);
        image::RgbImage::from_fn(32, 32, pixel).save(path).unwrap();
    };
    for number in 0..20 {
        draw(format!("photos/cat/{number}.png"), number, true);
        draw(format!("photos/dog/{number}.png"), number, false);
    }
    draw("photo.png".into(), 21, true);
    draw("holiday/beach.png".into(), 22, false);
}

/// Folders of published models.
fn published(at: &Workplace) {
    let from = concat!(env!("CARGO_MANIFEST_DIR"), "/../glassbox/tests/fixtures/published");
    for model in ["bert", "gpt2"] {
        std::fs::create_dir(at.path(model)).unwrap();
        for file in std::fs::read_dir(format!("{from}/{model}")).unwrap() {
            let file = file.unwrap().path();
            std::fs::copy(&file, at.path(model).join(file.file_name().unwrap())).unwrap();
        }
    }
}

#[test]
fn every_example_of_the_help_succeeds_in_the_order_of_the_help() {
    let at = Workplace::new();
    at.file("iris.csv", include_str!("../../glassbox/data/iris.csv"));
    let program = assert_cmd::cargo::cargo_bin!("glassbox");
    let path =
        format!("{}:{}", program.parent().unwrap().display(), std::env::var("PATH").unwrap());
    photos(&at);
    published(&at);
    for (verb, line, ..) in EXAMPLES {
        if *verb == "init" && at.path("run.toml").exists() {
            std::fs::remove_file(at.path("run.toml")).unwrap();
        }
        let mut shell = Command::new("sh");
        shell.current_dir(at.path(".")).env("PATH", &path).env("LC_ALL", "C");
        let output = shell.args(["-c", line]).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{line}: {error}");
        assert!(!error.contains("error"), "{line}: {error}");
        let shown = at.done(format!("{verb} --help").trim_start()).out;
        assert!(shown.contains(line), "{shown}");
    }
    for file in ["predicted.csv", "glassbox.bash", "glassbox.fish", "digits.toml", "runs/short"] {
        assert!(at.path(file).exists(), "{file}");
    }
}
