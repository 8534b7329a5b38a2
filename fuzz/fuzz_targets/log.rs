//! Any bytes as a run's logs: their whole lines or an error that names a line, never a panic; a log
//! cut back to what was read goes on as it was.
//!
//! Run with `cargo +nightly fuzz run log`.
#![no_main]

use std::cell::RefCell;

use glassbox::train::config::RunConfig;
use glassbox::train::folder::RunFolder;
use glassbox::train::log::{Log, read};
use glassbox::watch::Statistics;
use libfuzzer_sys::fuzz_target;

thread_local! {
    static FOLDER: RefCell<Option<tempfile::TempDir>> = const { RefCell::new(None) };
}

fuzz_target!(|bytes: &[u8]| {
    FOLDER.with_borrow_mut(|folder| {
        let folder = folder.get_or_insert_with(|| {
            let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
            let folder = folder.expect("a folder");
            let config = RunConfig::new("iris").to_toml();
            std::fs::write(folder.path().join("run.toml"), config).expect("a file");
            folder
        });
        let run = RunFolder::view(folder.path()).expect("a run");
        let path = run.file("watch.jsonl");
        std::fs::write(&path, bytes).expect("a file");
        if let Err(error) = Statistics::read(&run) {
            assert!(!error.to_string().is_empty());
        }
        match read(&path) {
            Ok(lines) => {
                let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
                let mut log = Log::open(&path, whole as u64).expect("it is long enough");
                log.append(&serde_json::json!({"more": 1})).expect("a line");
                drop(log);
                let more = read(&path).expect("it was read before");
                assert_eq!(more.len(), lines.len() + 1);
                assert_eq!(&more[..lines.len()], &lines[..]);
            }
            Err(error) => assert!(error.to_string().contains("watch.jsonl")),
        }
    });
});
