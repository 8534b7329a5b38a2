//! Made-up data: small problems whose shape is known, to see what a model can and cannot learn.

use std::f64::consts::{PI, TAU};

use glassbox_engine::random::Stream;

use super::dataset::Dataset;
use super::error::{DataError, Place};
use super::options::Options;
use super::table::RawTable;

/// Two half circles that reach into each other, classes `upper` and `lower` (as scikit-learn's
/// `make_moons`). `noise` is the standard deviation of what is added to each coordinate.
///
/// ```
/// let moons = glassbox::data::moons(200, 0.1, 7)?;
/// assert_eq!(moons.input.features, ["x1", "x2"]);
/// # Ok::<(), glassbox::data::DataError>(())
/// ```
///
/// # Errors
/// Fewer than 10 rows, noise that is negative or not finite (as every function here).
pub fn moons(rows: usize, noise: f64, seed: u64) -> Result<Dataset, DataError> {
    Shape::Moons.dataset(rows, noise, seed, &Options::default())
}

/// A circle within a circle, of half its radius: classes `outer` and `inner`.
///
/// # Errors
/// As [`moons`].
pub fn circles(rows: usize, noise: f64, seed: u64) -> Result<Dataset, DataError> {
    Shape::Circles.dataset(rows, noise, seed, &Options::default())
}

/// Arms that turn once around each other (Lang and Witbrock 1988 had two): classes `arm 1` …
///
/// # Errors
/// As [`moons`]; fewer than 2 or more than 26 classes.
pub fn spirals(rows: usize, classes: usize, noise: f64, seed: u64) -> Result<Dataset, DataError> {
    Shape::Spirals { arms: classes }.dataset(rows, noise, seed, &Options::default())
}

/// Two inputs between −1 and 1; the class says whether their signs are the `same` or `different`: a
/// line cannot part them (Minsky and Papert 1969).
///
/// # Errors
/// As [`moons`].
pub fn xor(rows: usize, noise: f64, seed: u64) -> Result<Dataset, DataError> {
    Shape::Xor.dataset(rows, noise, seed, &Options::default())
}

/// Round clouds whose centres stand on a circle of radius 1; `noise` is their width.
///
/// # Errors
/// As [`spirals`].
pub fn blobs(rows: usize, classes: usize, noise: f64, seed: u64) -> Result<Dataset, DataError> {
    Shape::Blobs { clouds: classes }.dataset(rows, noise, seed, &Options::default())
}

/// One input between −1 and 1 and a number to tell: y = 1.5 x + 0.5, and noise.
///
/// # Errors
/// As [`moons`].
pub fn lines(rows: usize, noise: f64, seed: u64) -> Result<Dataset, DataError> {
    Shape::Lines.dataset(rows, noise, seed, &Options::default())
}

/// Eight small round clouds on a circle of radius 2, for models that learn rows themselves: which of the
/// modes `mode 1` … `mode 8` do they make? `noise` is the clouds' standard deviation.
///
/// ```
/// let ring = glassbox::data::ring(800, 0.02, 7)?;
/// assert_eq!(ring.train.classes(), Some(8));
/// # Ok::<(), glassbox::data::DataError>(())
/// ```
///
/// # Errors
/// As [`moons`].
pub fn ring(rows: usize, noise: f64, seed: u64) -> Result<Dataset, DataError> {
    Shape::Ring.dataset(rows, noise, seed, &Options::default())
}

/// As [`ring`]: 25 small round clouds, five by five, 2 apart.
///
/// # Errors
/// As [`moons`].
pub fn grid(rows: usize, noise: f64, seed: u64) -> Result<Dataset, DataError> {
    Shape::Grid.dataset(rows, noise, seed, &Options::default())
}

/// The rows that are made when a generator is loaded by its name, always the same ones.
const BY_NAME: (usize, u64) = (1000, 42);

/// The generator of this name, and its noise when it is loaded by name.
fn named(name: &str) -> Option<(Shape, f64)> {
    Some(match name {
        "moons" => (Shape::Moons, 0.15),
        "circles" => (Shape::Circles, 0.08),
        "spirals" => (Shape::Spirals { arms: 2 }, 0.03),
        "xor" => (Shape::Xor, 0.05),
        "blobs" => (Shape::Blobs { clouds: 3 }, 0.25),
        "lines" => (Shape::Lines, 0.2),
        "ring" => (Shape::Ring, 0.02),
        "grid" => (Shape::Grid, 0.05),
        _ => return None,
    })
}

/// The generator of this name, as it is when it is loaded by name: 1,000 rows, always the same.
pub(super) fn by_name(name: &str, options: &Options) -> Option<Result<Dataset, DataError>> {
    let ((shape, noise), (rows, seed)) = (named(name)?, BY_NAME);
    Some(shape.dataset(rows, noise, seed, options))
}

/// The table of a generator, as it is when it is loaded by name.
pub(super) fn table_by_name(name: &str) -> Option<Result<RawTable, DataError>> {
    let ((shape, noise), (rows, seed)) = (named(name)?, BY_NAME);
    Some(shape.table(rows, noise, seed))
}

/// What is made up.
#[derive(Clone, Copy)]
enum Shape {
    Moons,
    Circles,
    Spirals { arms: usize },
    Xor,
    Blobs { clouds: usize },
    Lines,
    Ring,
    Grid,
}

/// Modes of [`ring`].
const RING: usize = 8;
/// Modes of [`grid`], along each side.
const GRID: usize = 5;

impl Shape {
    fn name(self) -> &'static str {
        match self {
            Shape::Moons => "moons",
            Shape::Circles => "circles",
            Shape::Spirals { .. } => "spirals",
            Shape::Xor => "xor",
            Shape::Blobs { .. } => "blobs",
            Shape::Lines => "lines",
            Shape::Ring => "ring",
            Shape::Grid => "grid",
        }
    }

    /// The names of the classes; none of numbers.
    fn classes(self) -> Vec<String> {
        let numbered = |noun, n: usize| (1..=n).map(|i| format!("{noun} {i}")).collect();
        match self {
            Shape::Moons => vec!["upper".into(), "lower".into()],
            Shape::Circles => vec!["outer".into(), "inner".into()],
            Shape::Spirals { arms } => numbered("arm", arms),
            Shape::Xor => vec!["same".into(), "different".into()],
            Shape::Blobs { clouds } => numbered("blob", clouds),
            Shape::Lines => Vec::new(),
            Shape::Ring => numbered("mode", RING),
            Shape::Grid => numbered("mode", GRID * GRID),
        }
    }

    /// Where a point of a class is without noise, from two uniforms in [0, 1).
    fn place(self, class: usize, u: f64, v: f64) -> [f64; 2] {
        let polar = |radius: f64, angle: f64| [radius * angle.cos(), radius * angle.sin()];
        match self {
            Shape::Moons if class == 0 => polar(1.0, PI * u),
            Shape::Moons => [1.0 - (PI * u).cos(), 0.5 - (PI * u).sin()],
            Shape::Circles => polar(if class == 0 { 1.0 } else { 0.5 }, TAU * u),
            Shape::Spirals { arms } => {
                let along = 0.1 + 0.9 * u;
                polar(along, TAU * (along + class as f64 / arms as f64))
            }
            Shape::Xor => {
                let x = 2.0 * u - 1.0;
                let same_side = if x < 0.0 { -v } else { v };
                [x, if class == 0 { same_side } else { -same_side }]
            }
            Shape::Blobs { clouds } => polar(1.0, TAU * class as f64 / clouds as f64),
            Shape::Lines => [2.0 * u - 1.0, 1.5 * (2.0 * u - 1.0) + 0.5],
            Shape::Ring => polar(2.0, TAU * class as f64 / RING as f64),
            Shape::Grid => {
                [class / GRID, class % GRID].map(|at| 2.0 * at as f64 - (GRID - 1) as f64)
            }
        }
    }

    fn dataset(
        self,
        rows: usize,
        noise: f64,
        seed: u64,
        options: &Options,
    ) -> Result<Dataset, DataError> {
        let table = self.table(rows, noise, seed)?;
        let mut options = options.clone();
        options.target = options.target.or_else(|| table.names.last().cloned());
        Dataset::from_table(&table, &options)
    }

    fn table(self, rows: usize, noise: f64, seed: u64) -> Result<RawTable, DataError> {
        let classes = self.classes();
        let wrong =
            |what: String, cure: &str| Err(DataError::new(Place::file(self.name()), what, cure));
        if !(10..=100_000_000).contains(&rows) {
            return wrong(format!("{rows} rows"), "take 10 to 100,000,000 rows");
        }
        if !(0.0..=1e6).contains(&noise) {
            return wrong(format!("a noise of {noise}"), "take a number from 0 to 1,000,000");
        }
        let regression = matches!(self, Shape::Lines);
        if !regression && !(2..=26).contains(&classes.len()) {
            return wrong(format!("{} classes", classes.len()), "take 2 to 26 classes");
        }
        let stream = Stream::new(seed, self.name(), 0);
        let row = |i: usize| {
            // Two uniforms and two normals a row, from blocks of its own.
            let at = i as u64 * 8;
            let class = i % classes.len().max(1);
            let [x, y] = self.place(class, stream.uniform(at), stream.uniform(at + 1));
            let (a, b) = (noise * stream.normal(at + 4), noise * stream.normal(at + 5));
            match classes.get(class) {
                Some(name) => vec![text(x + a), text(y + b), name.clone()],
                None => vec![text(x), text(y + b)],
            }
        };
        let names: &[&str] = if regression { &["x", "y"] } else { &["x1", "x2", "label"] };
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let rows: Vec<Vec<String>> = (0..rows).map(row).collect();
        let mut table = RawTable::from_rows(&names, &rows)?;
        table.file = self.name().into();
        Ok(table)
    }
}

/// In the precision of training, so that a file of it is no other data.
fn text(x: f64) -> String {
    (x as f32).to_string()
}
