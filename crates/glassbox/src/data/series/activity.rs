//! Made-up sensor data: what an accelerometer on people's hips might say.

use std::f64::consts::TAU;

use glassbox_engine::random::Stream;

use super::super::dataset::Dataset;
use super::super::error::{DataError, Place};
use super::super::options::Options;
use super::super::table::RawTable;
use super::SeriesOptions;

/// The name of the built-in, and its people and seed.
pub(in crate::data) const NAME: &str = "activity";
const BY_NAME: (usize, u64) = (12, 42);

/// What people do.
const DOING: [&str; 5] = ["rest", "walk", "run", "up", "down"];
/// How often each does each, and how long.
const BOUTS: usize = 2;
const SECONDS: usize = 6;
/// Rows a second.
const RATE: usize = 20;

/// People who rest, walk, run and go up and down stairs with an accelerometer: columns `time` (seconds, 20
/// rows each), `person`, `x`, `y`, `z` and `activity`, in windows of 2 seconds that overlap by half; nobody
/// is in two parts. All numbers are drawn.
///
/// People differ in pace, in strength and in how they wear the sensor. Going up and going down are the
/// same wave, one read backwards: only the order of its rows tells them apart.
///
/// # Errors
/// Fewer than 3 people, or more than 1,000.
///
/// ```
/// let data = glassbox::data::activity(6, 7)?;
/// assert_eq!(data.input.shape, [40, 3]);
/// assert_eq!(data.preparation.target.classes().map(<[String]>::len), Some(5));
/// # Ok::<(), glassbox::data::DataError>(())
/// ```
pub fn activity(people: usize, seed: u64) -> Result<Dataset, DataError> {
    dataset(&table(people, seed)?, &Options::default())
}

/// The built-in, as options say.
pub(in crate::data) fn by_name(options: &Options) -> Result<Dataset, DataError> {
    dataset(&table_by_name()?, options)
}

pub(in crate::data) fn table_by_name() -> Result<RawTable, DataError> {
    let (people, seed) = BY_NAME;
    table(people, seed)
}

fn dataset(table: &RawTable, options: &Options) -> Result<Dataset, DataError> {
    let mut options = options.clone();
    let said = options.series.clone();
    options.series = SeriesOptions {
        time: said.time.or(Some("time".into())),
        group: said.group.or(Some("person".into())),
        window: said.window.or(Some(2 * RATE)),
        ..said
    };
    options.target = options.target.or(Some("activity".into()));
    Dataset::from_table(table, &options)
}

fn table(people: usize, seed: u64) -> Result<RawTable, DataError> {
    if !(3..=1000).contains(&people) {
        let cure = "take 3 to 1,000";
        return Err(DataError::new(Place::file(NAME), format!("{people} people"), cure));
    }
    let mut rows = Vec::with_capacity(people * BOUTS * DOING.len() * SECONDS * RATE);
    for person in 0..people {
        let of_person = Stream::new(seed, "activity/person", person as u64);
        let between = |at: u64, low: f64, high: f64| low + (high - low) * of_person.uniform(at);
        let (pace, strength) = (between(0, 0.85, 1.15), between(1, 0.7, 1.3));
        let tilt = between(2, -0.4, 0.4);
        let mut order: Vec<usize> = (0..BOUTS * DOING.len()).collect();
        Stream::new(seed, "activity/order", person as u64).shuffle(&mut order);
        let noise = Stream::new(seed, "activity/noise", person as u64);
        for (place, bout) in order.into_iter().enumerate() {
            let doing = bout % DOING.len();
            let begin = of_person.uniform(10 + bout as u64);
            for row in 0..SECONDS * RATE {
                let index = place * SECONDS * RATE + row;
                let seconds = row as f64 / RATE as f64;
                let [x, z] = wave(doing, begin + pace * seconds * frequency(doing));
                let noisy = |axis: u64, value: f64| {
                    strength * value + 0.15 * noise.normal(index as u64 * 4 + axis)
                };
                let (side, up) = (noisy(0, x), 1.0 + noisy(2, z));
                let number = |value: f64| (value as f32).to_string();
                rows.push(vec![
                    number(index as f64 / RATE as f64),
                    format!("p{:02}", person + 1),
                    number(side * tilt.cos() - up * tilt.sin()),
                    number(noisy(1, 0.3 * x)),
                    number(side * tilt.sin() + up * tilt.cos()),
                    DOING[doing].to_owned(),
                ]);
            }
        }
    }
    let names = ["time", "person", "x", "y", "z", "activity"].map(String::from);
    let mut table = RawTable::from_rows(&names, &rows)?;
    table.file = NAME.into();
    Ok(table)
}

/// Steps a second.
fn frequency(doing: usize) -> f64 {
    match DOING[doing] {
        "run" => 2.6,
        "rest" => 0.0,
        _ => 1.7,
    }
}

/// What the sensor says sideways and upwards, so many steps after the first.
fn wave(doing: usize, steps: f64) -> [f64; 2] {
    let turn = steps.fract();
    // A slow rise and a fast fall, of mean 0.
    let saw = |turn: f64| if turn < 0.8 { turn / 0.8 - 0.5 } else { (1.0 - turn) / 0.2 - 0.5 };
    let sway = 0.4 * (TAU * steps / 2.0).sin();
    match DOING[doing] {
        "walk" => [sway, 0.5 * (TAU * steps).sin()],
        "run" => [sway, 0.6 * (TAU * steps).sin()],
        "up" => [sway, saw(turn)],
        "down" => [sway, saw(1.0 - turn)],
        _ => [0.0; 2],
    }
}
