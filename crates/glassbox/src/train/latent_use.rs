//! What a model that has learned rows is good for: rows to give it, repairing rows, telling odd ones.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::Error;
use crate::data::{Dataset, Photos, RawRows, Rows, is_photos};
use crate::metrics::{Ranking, quantile};
use crate::train::folder::RunFolder;
use crate::train::job::Job;
use crate::train::latent::{Latent, draws};
use crate::train::photos::class_of;

/// Rows as a model reads them, and what is known of each.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KnownRows {
    /// `[rows, …]`, row-major.
    pub numbers: Vec<f32>,
    /// What each row is called: its number in its source, or its file.
    pub names: Vec<String>,
    /// The class of each row, where it is known: a position among the classes of the run.
    pub labels: Vec<Option<i64>>,
}

impl KnownRows {
    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The label of each row, where each has one.
    pub fn all_labels(&self) -> Option<Vec<i64>> {
        self.labels.iter().copied().collect()
    }

    /// Some of the rows, in this order; those beyond the last are left out.
    pub fn select(&self, rows: &[usize]) -> Self {
        let width = self.numbers.len() / self.len().max(1);
        let rows = || rows.iter().copied().filter(|row| *row < self.len());
        KnownRows {
            numbers: rows()
                .flat_map(|row| &self.numbers[row * width..][..width])
                .copied()
                .collect(),
            names: rows().map(|row| self.names[row].clone()).collect(),
            labels: rows().map(|row| self.labels[row]).collect(),
        }
    }

    /// Those of a part of a dataset, up to `most`.
    ///
    /// # Errors
    /// Rows that cannot be read.
    pub fn of(part: &Rows, most: usize) -> Result<Self, Error> {
        let rows: Vec<usize> = (0..part.len().min(most)).collect();
        let mut numbers = vec![0.0; rows.len() * part.width()];
        part.gather_inputs(&rows, &mut numbers)?;
        let labels = part.labels().unwrap_or_default();
        let name = |row: &usize| {
            let file = part.source_name(*row).map(str::to_owned);
            file.unwrap_or_else(|| part.source_row(*row).unwrap_or(0).to_string())
        };
        Ok(KnownRows {
            numbers,
            names: rows.iter().map(name).collect(),
            labels: rows.iter().map(|row| labels.get(*row).copied()).collect(),
        })
    }
}

impl Latent {
    /// The data of the run in a folder, as it was divided.
    ///
    /// # Errors
    /// Data that is gone, or has changed since.
    pub fn data_of(run: impl AsRef<Path>) -> Result<Dataset, Error> {
        let folder = RunFolder::view(run.as_ref())?;
        let job = Job::of_run(&folder)?;
        job.check_data(&folder)?;
        Ok(job.data)
    }

    /// The rows of files: a table, IDX images, or images in files, folders and archives.
    ///
    /// # Errors
    /// Files that are not there or hold rows of another kind; no row at all.
    pub fn rows_of_files(&self, files: &[PathBuf]) -> Result<KnownRows, Error> {
        let preparation = self.preparation();
        let classes = preparation.target.known_classes().unwrap_or_default();
        let found = if files.iter().any(is_photos) {
            let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
            let photos = Photos::read(files, &preparation.inputs, threads)?;
            let width = self.width();
            let mut numbers = vec![0.0; photos.files.len() * width];
            for (row, numbers) in numbers.chunks_exact_mut(width.max(1)).enumerate() {
                photos.gather(row, numbers)?;
            }
            let label = |file: &String| {
                let class = class_of(file, classes)?;
                classes.iter().position(|known| *known == class).map(|at| at as i64)
            };
            let labels = photos.files.iter().map(label).collect();
            KnownRows { numbers, labels, names: photos.files }
        } else {
            let [file] = files else {
                return Err(Error::new("give one file of rows, or images"));
            };
            let (prepared, observed) = match RawRows::from_path(file)? {
                RawRows::Table(table) => (preparation.apply(&table)?, preparation.observed(&table)),
                RawRows::Images(images) => (preparation.apply_pixels(&images.bytes)?, None),
            };
            let observed = observed.unwrap_or_default();
            let label = |row: usize| {
                let class = observed.get(row)?.as_ref()?;
                classes.iter().position(|known| known == class).map(|at| at as i64)
            };
            KnownRows {
                labels: (0..prepared.rows).map(label).collect(),
                names: (1..=prepared.rows).map(|row| row.to_string()).collect(),
                numbers: prepared.matrix,
            }
        };
        match found.is_empty() {
            true => Err(Error::new("there is no row in these files")),
            false => Ok(found),
        }
    }
}

/// What is done to rows before a model repairs them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Damage {
    /// Normal noise of this standard deviation is added.
    Noise(f64),
    /// A part is hidden: of images their half, of other rows half of their numbers.
    Hidden(Half),
    /// This share of the numbers (of images: of the pixels) is hidden, by chance.
    Share(f64),
}

/// Half of an image; of a row of numbers, `Left` and `Top` are its first half.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Half {
    /// The left half.
    Left,
    /// The right half.
    Right,
    /// The upper half.
    Top,
    /// The lower half.
    Bottom,
}

/// Rows that were damaged and repaired.
#[derive(Clone, Debug, PartialEq)]
pub struct Repaired {
    /// What the model was given.
    pub damaged: Vec<f32>,
    /// What it made of it.
    pub repaired: Vec<f32>,
    /// The mean squared error of what it was given, against the whole rows.
    pub error_before: f64,
    /// That of what it made.
    pub error_after: f64,
}

/// How often what is hidden is made again from what the model made the last time.
const ROUNDS: usize = 20;

impl Latent {
    /// Damages rows and lets the model repair them. What is hidden begins as 0 and is taken from what the
    /// model makes, again and again; what is not hidden stays as it is (Rezende, Mohamed and Wierstra 2014,
    /// appendix F, by means in place of draws).
    ///
    /// # Errors
    /// As [`Latent::encode`].
    pub fn repair(
        &self,
        rows: &[f32],
        labels: Option<&[i64]>,
        damage: Damage,
        seed: u64,
    ) -> Result<Repaired, Error> {
        let width = self.width().max(1);
        let known = self.known(rows.len() / width, damage, seed)?;
        let made_of = |rows: &[f32]| -> Result<Vec<f32>, Error> {
            self.decode(&self.encode(rows, labels)?.means, labels)
        };
        let noise = match damage {
            Damage::Noise(deviation) => {
                let drawn = draws(rows.len() / width, width, seed)?;
                drawn.into_iter().map(|x| x * deviation as f32).collect()
            }
            _ => vec![0.0; rows.len()],
        };
        let spoil =
            |((x, noise), known): ((&f32, &f32), &bool)| if *known { x + noise } else { 0.0 };
        let damaged: Vec<f32> = rows.iter().zip(&noise).zip(&known).map(spoil).collect();
        let mut repaired = made_of(&damaged)?;
        if known.iter().any(|known| !known) {
            let put_back = |repaired: &mut Vec<f32>| {
                let known = repaired.iter_mut().zip(rows).zip(&known).filter(|(_, known)| **known);
                known.for_each(|((x, whole), _)| *x = *whole);
            };
            for _ in 1..ROUNDS {
                put_back(&mut repaired);
                repaired = made_of(&repaired)?;
            }
            put_back(&mut repaired);
        }
        let error = |other: &[f32]| {
            let squares = rows.iter().zip(other).map(|(a, b)| f64::from(a - b).powi(2));
            squares.sum::<f64>() / rows.len().max(1) as f64
        };
        let (error_before, error_after) = (error(&damaged), error(&repaired));
        Ok(Repaired { damaged, repaired, error_before, error_after })
    }

    /// Which numbers of so many rows are not hidden.
    fn known(&self, rows: usize, damage: Damage, seed: u64) -> Result<Vec<bool>, Error> {
        let shape = self.shape();
        let width = self.width();
        let (height, across, channels) = match shape[..] {
            [height, across, channels] => (height, across, channels),
            _ => (1, width, 1),
        };
        let place = |at: usize| (at / channels / across.max(1), at / channels % across.max(1));
        let image = shape.len() == 3;
        Ok(match damage {
            Damage::Noise(_) => vec![true; rows * width],
            Damage::Hidden(half) => {
                let hidden = |at: usize| {
                    let (y, x) = place(at);
                    match half {
                        Half::Left => x < across / 2,
                        Half::Right => x >= across / 2,
                        Half::Top if image => y < height / 2,
                        Half::Bottom if image => y >= height / 2,
                        Half::Top => x < across / 2,
                        Half::Bottom => x >= across / 2,
                    }
                };
                (0..rows * width).map(|at| !hidden(at % width.max(1))).collect()
            }
            Damage::Share(share) => {
                let pixels = rows * width / channels.max(1);
                // A normal number lies below the quantile of the share as often as the share says.
                let drawn = draws(pixels, 1, seed)?;
                let mut sorted: Vec<f64> = drawn.iter().map(|x| f64::from(*x)).collect();
                sorted.sort_by(f64::total_cmp);
                let border = quantile(&sorted, share.clamp(0.0, 1.0)).unwrap_or(f64::NEG_INFINITY);
                let pixel = |at: usize| f64::from(drawn[at / channels.max(1)]) > border;
                (0..rows * width).map(pixel).collect()
            }
        })
    }
}

/// Which rows are odd: those that the model makes worse than it makes nearly all rows of its own kind.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Anomalies {
    /// Rows whose loss is above it are odd.
    pub threshold: f64,
    /// The share of usual rows that lie above it.
    pub share: f64,
    /// How many usual rows it was fitted on, and of which part they are.
    pub fitted_on: (usize, String),
    /// The loss of each row, above that of one which is made exactly ([`Latent::excess`]).
    pub losses: Vec<f32>,
    /// How many rows are odd.
    pub odd: usize,
    /// Where classes were left out of the training: the area under the ROC curve of telling their rows from
    /// the others by the loss.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roc_auc: Option<f64>,
    /// Class by class, where classes are known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<OddClass>,
}

/// The rows of a class.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OddClass {
    /// Its name.
    pub name: String,
    /// Whether it was left out of the training.
    pub left_out: bool,
    /// Its rows.
    pub rows: usize,
    /// How many of them are odd.
    pub odd: usize,
    /// Their mean loss.
    pub loss: f64,
}

impl Latent {
    /// Tells which rows are odd. The threshold is fitted on the validation part of the run's data (on the
    /// training part where there is none), so that `share` of it lies above; `without` are the classes that
    /// were left out of the training.
    ///
    /// # Errors
    /// As [`Latent::encode`]; no rows to fit on.
    pub fn anomalies(
        &self,
        data: &Dataset,
        without: &[String],
        rows: &KnownRows,
        share: f64,
    ) -> Result<Anomalies, Error> {
        let (part, usual) = match data.valid.is_empty() {
            false => ("valid", &data.valid),
            true => ("train", &data.train),
        };
        let usual = KnownRows::of(usual, MOST_USUAL)?;
        let told = |rows: &KnownRows| rows.all_labels().filter(|_| !self.told_classes().is_empty());
        let losses = |rows: &KnownRows| self.excess(&rows.numbers, told(rows).as_deref(), 0);
        let mut sorted: Vec<f64> = losses(&usual)?.into_iter().map(f64::from).collect();
        sorted.sort_by(f64::total_cmp);
        let threshold = quantile(&sorted, 1.0 - share)
            .ok_or_else(|| Error::new("there are no usual rows to fit a threshold on"))?;
        let losses = losses(rows)?;
        let is_odd = |loss: f32| f64::from(loss) > threshold;
        let names = self.preparation().target.known_classes().unwrap_or_default();
        let left_out =
            |label: i64| names.get(label as usize).is_some_and(|name| without.contains(name));
        let of_class = |(label, name): (usize, &String)| {
            let own: Vec<f32> = losses
                .iter()
                .zip(&rows.labels)
                .filter(|(_, known)| **known == Some(label as i64))
                .map(|(loss, _)| *loss)
                .collect();
            let mean =
                own.iter().map(|loss| f64::from(*loss)).sum::<f64>() / own.len().max(1) as f64;
            let odd = own.iter().filter(|loss| is_odd(**loss)).count();
            let left_out = left_out(label as i64);
            let class = OddClass { name: name.clone(), left_out, rows: own.len(), odd, loss: mean };
            (!own.is_empty()).then_some(class)
        };
        let roc_auc = match rows.all_labels().filter(|_| !without.is_empty()) {
            Some(labels) => {
                let positive: Vec<bool> = labels.iter().map(|label| left_out(*label)).collect();
                let scores: Vec<f64> = losses.iter().map(|loss| f64::from(*loss)).collect();
                Ranking::of(&positive, &scores)?.roc_auc()
            }
            None => None,
        };
        Ok(Anomalies {
            threshold,
            share,
            fitted_on: (usual.len(), part.to_owned()),
            odd: losses.iter().filter(|loss| is_odd(**loss)).count(),
            roc_auc,
            classes: names.iter().enumerate().filter_map(of_class).collect(),
            losses,
        })
    }
}

/// Usual rows that a threshold is fitted on, at most.
const MOST_USUAL: usize = 20_000;
