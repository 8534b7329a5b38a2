//! The program's tests, in one program: a program for each file would be linked and started apart.

mod accuracy;
mod augment;
mod bad_data;
mod bad_runs;
mod bench;
mod command_line;
mod data;
mod eval;
mod examples;
mod explain;
mod folds;
mod killed;
mod language;
mod lesson;
mod photos;
mod predict;
mod profile;
mod published;
mod rows;
mod see;
mod see_sequences;
mod series;
mod summary;
mod support;
mod tagged_words;
mod text_classes;
mod train_results;
mod verbs;
mod weights;
mod words;

#[test]
fn every_file_of_tests_is_run() {
    let here = include_str!("all.rs");
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let files = std::fs::read_dir(folder).expect("the folder of the tests");
    for file in files.flatten().map(|file| file.path()) {
        let name = file.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
        let apart = ["all"].contains(&name);
        if file.extension().is_some_and(|ending| ending == "rs") && !apart {
            assert!(here.contains(&format!("mod {name};")), "{name} is not in all.rs");
        }
    }
}
