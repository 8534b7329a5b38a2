//! What a path or name is taken for, and what is said where it is nothing.
#![allow(clippy::unwrap_used)] // In tests; clippy exempts only the test functions themselves.

use crate::support;

use glassbox::data::{BUILTINS, Options, load};
use support::{csv, folder, message};

fn text_of(path: impl AsRef<std::path::Path>) -> String {
    message(load(path, &Options::default()))
}

#[test]
fn a_table_is_known_by_its_extension() {
    let here = folder("load-table");
    let text = csv("x,y", 40, |row| format!("{row}.5,{}", row % 2));
    std::fs::write(here.join("t.csv"), &text).unwrap();
    std::fs::write(here.join("T.TSV"), text.replace(',', "\t")).unwrap();
    let load = |name: &str| load(here.join(name), &Options::default()).unwrap();
    let (comma, tab) = (load("t.csv"), load("T.TSV"));
    assert_eq!(comma.name, "t");
    assert_eq!(comma.fingerprint, tab.fingerprint, "the same content has the same fingerprint");
}

#[test]
fn other_content_has_another_fingerprint() {
    let load = |text: &str| support::table(text).unwrap().fingerprint;
    let plain = load("x,y\n1,1.5\n2,2.5\n");
    assert_eq!(plain, load("x;y\r\n1;1,5\r\n2;2,5\r\n".replace(",", ".").as_str()));
    assert_ne!(plain, load("x,y\n1,1.5\n2,2.6\n"));
    assert_ne!(plain, load("z,y\n1,1.5\n2,2.5\n"));
}

#[test]
fn a_path_that_is_not_there_offers_the_nearest() {
    assert!(text_of("digit").contains("did you mean `digits`?"));
    let here = folder("load-nearest");
    std::fs::write(here.join("flowers.csv"), "a,b\n").unwrap();
    let text = text_of(here.join("flower.csv"));
    assert!(text.contains("there is no such file or folder"), "{text}");
    assert!(text.contains("flowers.csv`?"), "{text}");
    assert!(text_of(here.join("nowhere/x.csv")).contains("there is no folder"));
    assert!(text_of("zzzzzz").contains("what can be loaded: a table"));
}

#[test]
fn unknown_kinds_say_what_can_be_loaded() {
    let here = folder("load-unknown");
    assert!(text_of(&here).contains("the folder is empty"));
    std::fs::write(here.join("model.bin"), [1, 2, 3]).unwrap();
    let text = text_of(here.join("model.bin"));
    assert!(text.contains("is not of a kind that can be loaded"), "{text}");
    assert!(text.contains(".csv or .tsv"), "{text}");
    let text = text_of(&here);
    assert!(text.contains("no images in this folder; it holds `model.bin`"), "{text}");
    std::fs::write(here.join("a.csv"), "a,b\n").unwrap();
    assert!(text_of(&here).contains("for a table, name its file, e.g."));
    std::fs::write(here.join("images"), [0, 0, 8, 1, 0, 0, 0, 0]).unwrap();
    assert!(text_of(here.join("images")).contains("its name does not say of what"));
}

#[test]
fn a_name_of_a_built_in_means_the_built_in() {
    for name in BUILTINS {
        assert_eq!(load(name, &Options::default()).unwrap().name, name);
    }
}
