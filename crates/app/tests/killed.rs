//! A run that is killed or interrupted at any moment goes on to the same bits.

#![cfg(unix)]
#![allow(clippy::unwrap_used)] // A test fails by panicking.

use crate::support;

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use support::{Workplace, numbers};

/// Six hidden units, a partial last batch, a look every third step, and a checkpoint after every
/// step, so that most moments fall into a save.
const TRAINING: &str =
    "train digits --hidden 6 --epochs 2 --set watch.every=3 --set checkpoint_every=1e-9";
/// A run that is killed more often than this is left to finish.
const PATIENCE: usize = 60;

/// Random numbers in [0, 1): Steele, Lea and Flood's SplitMix64.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) as f64 / u64::MAX as f64
    }
}

fn start(at: &Workplace, line: &str) -> Child {
    let words: Vec<&str> = line.split(' ').collect();
    at.command(&words).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Whether the child ended by itself within this time; it must have succeeded.
fn ends_within(child: &mut Child, time: Duration) -> bool {
    let deadline = Instant::now() + time;
    loop {
        match child.try_wait().unwrap() {
            Some(status) => {
                let mut error = String::new();
                std::io::Read::read_to_string(child.stderr.as_mut().unwrap(), &mut error).unwrap();
                assert!(status.success(), "{error}");
                return true;
            }
            None if Instant::now() >= deadline => return false,
            None => std::thread::sleep(Duration::from_micros(300)),
        }
    }
}

/// Trains into `run`, killed again and again at random moments until it gets through; gives how
/// often it was killed.
fn train_and_kill(
    at: &Workplace,
    training: &str,
    run: &str,
    chance: &mut Chance,
    most: f64,
) -> usize {
    let mut kills = 0;
    let mut child = start(at, &format!("{training} --out {run}"));
    loop {
        let calm = kills >= PATIENCE;
        let moment = if calm { 600.0 } else { most * chance.next() };
        if ends_within(&mut child, Duration::from_secs_f64(moment)) {
            return kills;
        }
        assert!(!calm, "hangs");
        child.kill().unwrap(); // SIGKILL
        child.wait().unwrap();
        kills += 1;
        // Killed before its configuration was written, there is nothing to go on with.
        child = match at.path(run).join("run.toml").exists() {
            true => start(at, &format!("resume {run}")),
            false => start(at, &format!("{training} --out {run}")),
        };
    }
}

/// Files that a killed process left half-written.
fn left_over(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        if entry.path().is_dir() {
            found.extend(left_over(&entry.path()));
        }
        if name.starts_with('.') && name != ".lock" {
            found.push(name);
        }
    }
    found
}

fn killed_at_random_moments(threads: usize) {
    let at = Workplace::new();
    let training = format!("{TRAINING} --threads {threads}");
    at.done(&format!("{training} --set checkpoint_every=600 --out calm"));
    let began = Instant::now();
    at.done(&format!("{training} --out busy"));
    let most = began.elapsed().as_secs_f64() / 4.0;
    let wanted = numbers(&at, "calm");
    assert_eq!(wanted, numbers(&at, "busy"), "how often it is saved changes nothing");
    let mut chance = Chance(threads as u64);
    let (mut kills, mut round) = (0, 0);
    while kills < 20 {
        round += 1;
        let run = format!("killed-{round}");
        kills += train_and_kill(&at, &training, &run, &mut chance, most);
        let found = numbers(&at, &run);
        for (name, bytes) in &wanted {
            assert!(*bytes == found[name], "{name} differs after {kills} kills");
        }
        assert_eq!(left_over(&at.path(&run)), [""; 0]);
        let status: Value = serde_json::from_str(&at.text(&format!("{run}/status.json"))).unwrap();
        assert_eq!(status["state"], "finished");
    }
    println!("killed {kills} times in {round} runs");
}

#[test]
fn killed_at_random_moments_a_run_on_one_thread_ends_with_the_same_bits() {
    killed_at_random_moments(1);
}

#[test]
fn killed_at_random_moments_a_run_on_two_threads_ends_with_the_same_bits() {
    killed_at_random_moments(2);
}

#[test]
fn an_interrupted_run_saves_says_how_to_go_on_and_ends_with_the_same_bits() {
    let at = Workplace::new();
    // Long enough to be met at work, without early stopping.
    let training = "train digits --hidden 6 --epochs 250 --set stop=false";
    at.done(&format!("{training} --out calm"));
    let mut child = start(&at, &format!("{training} --out run"));
    for signal in ["-INT", "-TERM"] {
        let before = std::fs::read(at.path("run/metrics.jsonl")).map_or(0, |log| log.len());
        let deadline = Instant::now() + Duration::from_secs(60);
        while std::fs::read(at.path("run/metrics.jsonl")).map_or(0, |log| log.len()) <= before {
            assert!(Instant::now() < deadline, "never began");
            assert!(child.try_wait().unwrap().is_none(), "ended before it was interrupted");
            std::thread::sleep(Duration::from_millis(1));
        }
        let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        let output = child.wait_with_output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{error}");
        assert!(error.contains("and saved; go on with `glassbox resume run`"), "{error}");
        let status: Value = serde_json::from_str(&at.text("run/status.json")).unwrap();
        assert_eq!(status["state"], "interrupted");
        assert_eq!(at.json("summary run")["training"]["step"], status["step"]);
        at.json("eval run");
        child = start(&at, "resume run");
    }
    assert!(ends_within(&mut child, Duration::from_secs(60)), "hangs");
    assert_eq!(numbers(&at, "calm"), numbers(&at, "run"));
}
