//! Checkpoints are whole or absent, whatever happens while they are written.

#![allow(clippy::unwrap_used)] // A test fails by panicking.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use glassbox::engine::{Array, Parameters};
use glassbox::train::checkpoint::{Checkpoints, check_same_model};
use glassbox::train::state::{Best, Exact, TrainState};

/// Values that all tell the step, so that a mixture of two saves would show.
fn values(step: u64, elements: usize) -> Parameters {
    let array = |path: &str| (path.to_owned(), Array::vector(vec![step as f32; elements]));
    ["fc1/weight", "fc1/bias"].map(array).into_iter().collect()
}

fn state(step: u64, best: u64) -> TrainState {
    TrainState { step, best: Some(Best { metric: Exact(0.5), step: best }), ..Default::default() }
}

fn save(checkpoints: &Checkpoints, step: u64, best: u64) {
    checkpoints.save(&state(step, best), &values(step, 4), &values(step, 2)).unwrap();
}

fn names(folder: &Path) -> Vec<String> {
    let name = |entry: fs::DirEntry| entry.file_name().into_string().unwrap();
    let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(|e| name(e.unwrap())).collect();
    names.sort();
    names
}

#[test]
fn the_last_two_and_the_best_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let checkpoints = Checkpoints::open(folder.path()).unwrap();
    for (step, best) in [(10, 10), (20, 20), (30, 20), (40, 20), (50, 20)] {
        save(&checkpoints, step, best);
    }
    assert_eq!(names(folder.path()), ["best", "last", "step-20", "step-40", "step-50"]);
    assert_eq!(fs::read_to_string(folder.path().join("last")).unwrap(), "step-50\n");
    assert_eq!(fs::read_to_string(folder.path().join("best")).unwrap(), "step-20\n");
    let (last, warnings) = checkpoints.last().unwrap().unwrap();
    assert_eq!((last.state, last.model), (state(50, 20), values(50, 4)));
    assert!(warnings.is_empty());
    assert_eq!(checkpoints.best().unwrap().unwrap().0.state.step, 20);
    assert_eq!(
        names(&checkpoints.at(50)),
        ["model.safetensors", "optimizer.safetensors", "state.json"]
    );
}

#[test]
fn equal_states_give_equal_bytes() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let bytes = |folder: &Path| {
        save(&Checkpoints::open(folder).unwrap(), 10, 10);
        let step = folder.join("step-10");
        names(&step).iter().map(|name| fs::read(step.join(name)).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(bytes(one.path()), bytes(two.path()));
}

#[test]
fn a_corrupt_newest_checkpoint_gives_way_to_the_one_before_with_a_warning() {
    for (file, damage) in [
        ("model.safetensors", "truncated"),
        ("optimizer.safetensors", "changed"),
        ("state.json", "truncated"),
        ("model.safetensors", "removed"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let checkpoints = Checkpoints::open(folder.path()).unwrap();
        save(&checkpoints, 10, 10);
        save(&checkpoints, 20, 20);
        let path = checkpoints.at(20).join(file);
        let mut bytes = fs::read(&path).unwrap();
        match damage {
            "truncated" => fs::write(&path, &bytes[..bytes.len() - 3]).unwrap(),
            "changed" => {
                *bytes.last_mut().unwrap() ^= 1;
                fs::write(&path, &bytes).unwrap();
            }
            _ => fs::remove_file(&path).unwrap(),
        }
        let (checkpoint, warnings) = checkpoints.last().unwrap().unwrap();
        assert_eq!(checkpoint.state.step, 10);
        assert_eq!(warnings.len(), 1);
        assert!(warnings[0].contains(file), "{warnings:?}");
        // Going on from 10, the damaged future goes away.
        save(&checkpoints, 15, 10);
        assert_eq!(checkpoints.steps().unwrap(), [10, 15]);
    }
}

#[test]
fn a_best_checkpoint_that_cannot_be_read_gives_way_to_the_last_with_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let checkpoints = Checkpoints::open(folder.path()).unwrap();
    save(&checkpoints, 10, 10);
    save(&checkpoints, 20, 10);
    fs::write(checkpoints.at(10).join("model.safetensors"), "").unwrap();
    let (checkpoint, warnings) = checkpoints.best().unwrap().unwrap();
    assert_eq!((checkpoint.state.step, warnings.len()), (20, 1));
}

#[test]
fn where_no_checkpoint_can_be_read_every_reason_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let checkpoints = Checkpoints::open(folder.path().join("checkpoints")).unwrap();
    assert!(checkpoints.last().unwrap().is_none());
    save(&checkpoints, 10, 10);
    fs::write(checkpoints.at(10).join("state.json"), "{").unwrap();
    let error = checkpoints.last().unwrap_err().to_string();
    assert!(error.contains("no checkpoint can be read") && error.contains("state.json"), "{error}");
}

#[test]
fn saving_a_step_again_replaces_it_and_leftovers_are_cleared() {
    let folder = tempfile::tempdir().unwrap();
    let checkpoints = Checkpoints::open(folder.path()).unwrap();
    save(&checkpoints, 10, 10);
    save(&checkpoints, 10, 10);
    assert_eq!(names(folder.path()), ["best", "last", "step-10"]);
    // What a kill leaves: an unfinished folder, and a replaced one whose successor never came.
    fs::create_dir(folder.path().join(".tmp-step-20-1-1")).unwrap();
    fs::write(folder.path().join(".tmp-last-1-1"), "step-9").unwrap();
    fs::rename(checkpoints.at(10), folder.path().join(".old-step-10")).unwrap();
    let checkpoints = Checkpoints::open(folder.path()).unwrap();
    assert_eq!(names(folder.path()), ["best", "last", "step-10"]);
    assert_eq!(checkpoints.last().unwrap().unwrap().0.state.step, 10);
}

#[test]
fn a_checkpoint_of_another_model_lists_every_difference() {
    let array = |sizes: &[usize]| Array::zeros(glassbox::engine::DType::F32, sizes);
    let model: Parameters = [("fc1/weight", &[4, 16][..]), ("fc2/weight", &[16, 3]), ("a", &[])]
        .map(|(path, sizes)| (path.to_owned(), array(sizes)))
        .into_iter()
        .collect();
    let other: Parameters = [("fc1/weight", &[4, 8][..]), ("a", &[]), ("out/bias", &[3])]
        .map(|(path, sizes)| (path.to_owned(), array(sizes)))
        .into_iter()
        .collect();
    assert_eq!(check_same_model(&model, &model), Ok(()));
    let text = check_same_model(&model, &other).unwrap_err().to_string();
    assert_eq!(
        text,
        "the checkpoint is of another model\
         \n  missing from the checkpoint: fc2/weight\
         \n  not in the model: out/bias\
         \n  fc1/weight: the model has f32 [4, 16], the checkpoint f32 [4, 8]"
    );
}

const SAVE_IN: &str = "GLASSBOX_TEST_SAVE_IN";

/// Not a test of its own: what the killed process runs. Does nothing unless told where to save.
#[test]
fn child_that_saves_without_end() {
    let Ok(folder) = std::env::var(SAVE_IN) else { return };
    let checkpoints = Checkpoints::open(folder).unwrap();
    let first = checkpoints.last().unwrap().map_or(1, |(last, _)| last.state.step);
    // Beginning with the step it already has, so that replacing is killed too.
    for step in first.. {
        let values = values(step, 20_000);
        checkpoints.save(&state(step, step - step % 5), &values, &values).unwrap();
    }
}

#[test]
fn killed_at_any_moment_of_a_save_a_whole_checkpoint_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let mut reached = 0;
    for round in 0..40u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "checkpoints::child_that_saves_without_end"])
            .env(SAVE_IN, folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Once it saves, a moment spread over a few saves, in tenths of a millisecond.
        let deadline = Instant::now() + Duration::from_secs(60);
        while Checkpoints::view(folder.path()).steps().unwrap().last() <= Some(&reached) {
            assert!(child.try_wait().unwrap().is_none(), "the child stopped by itself");
            assert!(Instant::now() < deadline, "the child saves nothing");
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_micros(100 * (round * 7919 % 200)));
        child.kill().unwrap();
        child.wait().unwrap();

        let checkpoints = match round % 2 {
            0 => Checkpoints::view(folder.path()),
            _ => Checkpoints::open(folder.path()).unwrap(),
        };
        // A kill while a step is being replaced leaves the older one until the folder is opened.
        let steps = checkpoints.steps().unwrap();
        let (checkpoint, warnings) = checkpoints.last().unwrap().expect("a checkpoint");
        assert!(warnings.is_empty(), "round {round}: {warnings:?}");
        let step = checkpoint.state.step;
        assert_eq!(Some(&step), steps.last());
        assert_eq!(checkpoint.model, values(step, 20_000));
        assert_eq!(checkpoint.optimizer, values(step, 20_000));
        assert!(step >= reached.max(2) - 1, "round {round}: {step} after {reached}");
        reached = step;
    }
}
