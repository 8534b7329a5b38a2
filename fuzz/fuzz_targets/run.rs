//! Any JSON in the files of a run's folder: what it says or an error in words, never a panic; what
//! is read is written and read as the same.
//!
//! Run with `cargo +nightly fuzz run run`.
#![no_main]

mod json;

use std::cell::RefCell;

use glassbox::data::{Schema, Task};
use glassbox::practice::Verdict;
use glassbox::train::config::RunConfig;
use glassbox::train::event::EndFigures;
use glassbox::train::folder::{Environment, RunFolder, Status};
use glassbox::train::state::TrainState;
use glassbox::train::summary::Summary;
use glassbox::watch::{Alarms, Statistics};
use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use serde::{Serialize, de::DeserializeOwned};

thread_local! {
    static FOLDER: RefCell<Option<tempfile::TempDir>> = const { RefCell::new(None) };
}

fuzz_target!(|bytes: &[u8]| {
    comes_back::<TrainState>(bytes);
    comes_back::<EndFigures>(bytes);
    comes_back::<Status>(bytes);
    comes_back::<Environment>(bytes);
    comes_back::<Schema>(bytes);
    comes_back::<Task>(bytes);
    comes_back::<Verdict>(bytes);
    comes_back::<Alarms>(bytes);
    comes_back::<Statistics>(bytes);
    FOLDER.with_borrow_mut(|folder| {
        let path = folder.get_or_insert_with(|| {
            let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
            let folder = folder.expect("a folder");
            let config = RunConfig::new("iris").to_toml();
            std::fs::write(folder.path().join("run.toml"), config).expect("a file");
            folder
        });
        let path = path.path();
        let files = ["status.json", "outcome.json", "env.json", "data.json"];
        files.iter().for_each(|name| std::fs::write(path.join(name), bytes).expect("a file"));
        let run = RunFolder::view(path).expect("a run");
        let errors = [
            run.status().map(drop).err().map(|error| error.to_string()),
            run.outcome().map(drop).err().map(|error| error.to_string()),
            run.environment().map(drop).err().map(|error| error.to_string()),
            run.data().map(drop).err().map(|error| error.to_string()),
            Summary::of(&run).map(drop).err().map(|error| error.to_string()),
        ];
        assert!(errors.iter().flatten().all(|words| !words.is_empty()));
    });
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    json::mutate(data, size, max_size, seed)
});

/// Compares texts, since figures that are no numbers do not equal themselves.
fn comes_back<T: Serialize + DeserializeOwned>(bytes: &[u8]) {
    let Ok(value) = serde_json::from_slice::<T>(bytes) else { return };
    let text = serde_json::to_string(&value).expect("it can be written");
    let back: T = serde_json::from_str(&text).expect("it was just written");
    assert_eq!(serde_json::to_string(&back).unwrap(), text);
}
