//! The rows of one part of a dataset, ready to be gathered into batches.

use std::sync::Arc;

use super::error::{DataError, Place};
use super::pixels::Scaling;
use super::series::Overlap;
use super::spool::Stored;
use super::target::{TargetEncoding, TargetPreparation};
use super::text::{Epoch, Windows};

/// Rows of numbers and their targets: one part (train, valid or test) of a dataset.
///
/// Cloning and selecting share the numbers. Images stay bytes until they are gathered.
///
/// ```
/// use glassbox::data::{self, TargetsMut};
/// let iris = data::iris();
/// let mut inputs = vec![0.0; 2 * iris.train.width()];
/// let mut labels = vec![0; 2];
/// iris.train.gather(&[7, 3], &mut inputs, TargetsMut::Classes(&mut labels))?;
/// # Ok::<(), glassbox::data::DataError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Rows {
    store: Arc<Store>,
    target: Arc<TargetPreparation>,
    /// Where in the store each row is.
    positions: Arc<Vec<u32>>,
}

/// All rows of a source, of which each part has some.
#[derive(Debug)]
pub(super) struct Store {
    pub(super) inputs: Inputs,
    /// Numbers a row.
    pub(super) width: usize,
    pub(super) targets: Targets,
    /// The row of each position in its source, from 0, where that is another number.
    pub(super) source_rows: Option<Vec<u32>>,
    /// The file of each position inside its source, where rows are files.
    pub(super) names: Option<Vec<Box<str>>>,
    /// How much each row counts, where rows do not all count alike.
    pub(super) weights: Option<Vec<f32>>,
    /// Of a series, how rows overlap: each is a window over `inputs`, and `targets` are those of the rows
    /// within it.
    pub(super) overlap: Option<Overlap>,
}

impl Store {
    /// Where the numbers to be told of the row at a position begin.
    fn told_at(&self, position: usize, outputs: usize) -> usize {
        self.overlap.as_ref().map_or(position * outputs, |overlap| overlap.told_at(position))
    }
}

/// Numbers of all rows, row-major.
#[derive(Debug)]
pub(super) enum Inputs {
    Floats(Stored<f32>),
    Pixels {
        bytes: Stored<u8>,
        scaling: Scaling,
    },
    /// Of which the targets follow, too.
    Windows(Windows),
}

/// A target for each row.
#[derive(Clone, Debug, PartialEq)]
pub enum Targets {
    /// Labels of classes, from 0.
    Classes(Vec<i64>),
    /// Numbers; of several outputs `[rows, outputs]`, row-major.
    Values(Vec<f32>),
}

impl Targets {
    /// The number of labels or numbers.
    pub fn len(&self) -> usize {
        match self {
            Targets::Classes(labels) => labels.len(),
            Targets::Values(values) => values.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Where [`Rows::gather`] writes targets, one a row (as many as there are outputs, of numbers).
#[derive(Debug)]
pub enum TargetsMut<'a> {
    /// Labels of classes.
    Classes(&'a mut [i64]),
    /// Numbers on the scale of training.
    Values(&'a mut [f32]),
    /// Nowhere: the rows alone are wanted.
    None,
}

/// How many tokens each row has, of a source and of what is told, and how many a row has at most.
pub(crate) type TokenLengths = (Vec<[usize; 2]>, [usize; 2]);

impl Rows {
    /// The rows at `positions` of a store.
    pub(super) fn new(
        store: &Arc<Store>,
        target: &Arc<TargetPreparation>,
        positions: Vec<u32>,
    ) -> Self {
        let positions = Arc::new(positions);
        Rows { store: Arc::clone(store), target: Arc::clone(target), positions }
    }

    /// The same rows, their targets named anew.
    pub(super) fn with_target(mut self, target: &Arc<TargetPreparation>) -> Self {
        self.target = Arc::clone(target);
        self
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.positions.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.positions.is_empty()
    }

    /// How many numbers a row has: the product of the input's shape.
    pub fn width(&self) -> usize {
        self.store.width
    }

    /// The number of classes; none where targets are numbers.
    pub fn classes(&self) -> Option<usize> {
        self.target.classes().map(<[String]>::len)
    }

    /// Whether rows are learned themselves, and no class of them is known.
    fn are_without_classes(&self) -> bool {
        self.target.known_classes().is_some_and(<[String]>::is_empty)
    }

    /// Whether targets are numbers, not labels or tokens.
    pub(crate) fn are_numbers_told(&self) -> bool {
        let of = &self.target.encoding;
        matches!(of, TargetEncoding::Values { .. } | TargetEncoding::Several { .. })
    }

    /// How many numbers a row's target is: 1, or as many as there are outputs.
    pub fn outputs(&self) -> usize {
        self.target.outputs()
    }

    /// Whether rows count differently.
    pub fn is_weighted(&self) -> bool {
        self.store.weights.is_some()
    }

    /// How much each row counts, in order; none where all count alike.
    pub fn weights(&self) -> Option<Vec<f32>> {
        let all = self.store.weights.as_ref()?;
        Some(self.positions.iter().map(|at| all[*at as usize]).collect())
    }

    /// Writes how much each of `rows` counts to `weights`: 1 where all count alike. Allocates
    /// nothing.
    ///
    /// # Errors
    /// A row beyond the last, another number of weights than rows.
    pub fn gather_weights(&self, rows: &[usize], weights: &mut [f32]) -> Result<(), DataError> {
        if rows.len() != weights.len() {
            return Err(misuse("a batch needs as many weights as rows".into()));
        }
        for (row, weight) in rows.iter().zip(weights) {
            let position = self.position(*row)?;
            let all = self.store.weights.as_ref();
            *weight = all.and_then(|all| all.get(position)).copied().unwrap_or(1.0);
        }
        Ok(())
    }

    /// What the targets mean, and how numbers were scaled.
    pub fn target(&self) -> &TargetPreparation {
        &self.target
    }

    /// Each row's number in its source, from 1 (a file's header does not count).
    pub fn source_rows(&self) -> Vec<usize> {
        self.positions.iter().map(|at| self.source_of(*at)).collect()
    }

    /// A row's number in its source, from 1 (a file's header does not count); none beyond the last.
    pub fn source_row(&self, row: usize) -> Option<usize> {
        self.positions.get(row).map(|at| self.source_of(*at))
    }

    /// The file that a row is, as it is called inside its source, e.g. `train/cat/0001.jpg`; none where
    /// rows are no files.
    pub fn source_name(&self, row: usize) -> Option<&str> {
        let position = *self.positions.get(row)? as usize;
        self.store.names.as_ref()?.get(position).map(|name| &**name)
    }

    fn source_of(&self, position: u32) -> usize {
        let own = |rows: &Vec<u32>| rows.get(position as usize).copied();
        let row = self.store.source_rows.as_ref().and_then(own).unwrap_or(position);
        row as usize + 1
    }

    /// Writes a batch: row `rows[i]` goes to `inputs[i * width ..][.. width]`, its target to
    /// `targets[i]`. Allocates nothing.
    ///
    /// # Errors
    /// A row beyond the last, slices of another length than `rows` asks for, labels asked of a
    /// regression or numbers of a classification.
    pub fn gather(
        &self,
        rows: &[usize],
        inputs: &mut [f32],
        mut targets: TargetsMut<'_>,
    ) -> Result<(), DataError> {
        self.gather_inputs(rows, inputs)?;
        self.gather_targets(rows, &mut targets)
    }

    /// As [`gather`](Self::gather), the targets alone.
    pub(crate) fn gather_targets(
        &self,
        rows: &[usize],
        targets: &mut TargetsMut<'_>,
    ) -> Result<(), DataError> {
        if let Inputs::Windows(windows) = &self.store.inputs {
            return self.windows(windows, rows, None, None, Some(targets));
        }
        let outputs = self.target.tokens().map_or(1, |tokens| tokens.places);
        match (targets, &self.store.targets) {
            (TargetsMut::None, _) => {}
            (TargetsMut::Classes(out), _) if self.are_without_classes() => out.fill(-1),
            (TargetsMut::Classes(out), Targets::Classes(all))
                if outputs > 1 && out.len() == rows.len() * outputs =>
            {
                for (labels, row) in out.chunks_exact_mut(outputs).zip(rows) {
                    let start = self.position(*row)? * outputs;
                    labels.copy_from_slice(&all[start..start + outputs]);
                }
            }
            (TargetsMut::Classes(out), Targets::Classes(all)) if out.len() == rows.len() => {
                for (label, row) in out.iter_mut().zip(rows) {
                    *label = all[self.position(*row)?];
                }
            }
            (TargetsMut::Values(out), Targets::Values(all))
                if out.len() == rows.len() * self.outputs() =>
            {
                let outputs = self.outputs();
                for (values, row) in out.chunks_exact_mut(outputs).zip(rows) {
                    let start = self.store.told_at(self.position(*row)?, outputs);
                    values.copy_from_slice(&all[start..start + outputs]);
                }
            }
            (TargetsMut::Classes(_), Targets::Values(_)) => {
                return Err(misuse("labels were asked for, but the targets are numbers".into()));
            }
            (TargetsMut::Values(_), Targets::Classes(_)) => {
                return Err(misuse("numbers were asked for, but the targets are classes".into()));
            }
            _ => return Err(misuse("a batch needs as many targets as rows".into())),
        }
        Ok(())
    }

    /// Mixes numbers to be told with those of a row, which count by `share`.
    pub(crate) fn mix_values(
        &self,
        row: usize,
        share: f32,
        values: &mut [f32],
    ) -> Result<(), DataError> {
        let Targets::Values(all) = &self.store.targets else { return Ok(()) };
        let start = self.store.told_at(self.position(row)?, self.outputs());
        for (own, other) in values.iter_mut().zip(&all[start..start + self.outputs()]) {
            *own = (1.0 - share) * *own + share * other;
        }
        Ok(())
    }

    /// As [`gather`](Self::gather), without the targets.
    ///
    /// # Errors
    /// A row beyond the last, a slice of another length than `rows` asks for.
    pub fn gather_inputs(&self, rows: &[usize], inputs: &mut [f32]) -> Result<(), DataError> {
        let width = self.width();
        if Some(inputs.len()) != rows.len().checked_mul(width) {
            return Err(misuse(format!(
                "a batch of {} rows needs {} × {width} inputs, not {}",
                rows.len(),
                rows.len(),
                inputs.len()
            )));
        }
        if let Inputs::Windows(windows) = &self.store.inputs {
            return self.windows(windows, rows, None, Some(inputs), None);
        }
        let apart = self.store.overlap.as_ref().map_or(width, |overlap| overlap.features);
        // Width 0 cannot be chunked; there is nothing to write then either.
        for (row, out) in rows.iter().zip(inputs.chunks_exact_mut(width.max(1))) {
            let start = self.position(*row)? * apart;
            match &self.store.inputs {
                Inputs::Floats(all) => all.read(start as u64, out)?,
                Inputs::Pixels { bytes, scaling } => scaling.gather(bytes, start as u64, out)?,
                Inputs::Windows(_) => {}
            }
        }
        Ok(())
    }

    /// As [`gather`](Self::gather), as an epoch of a training sees the rows: windows of text begin
    /// elsewhere in each, and other tokens are hidden.
    pub(crate) fn gather_in(
        &self,
        epoch: Epoch,
        rows: &[usize],
        inputs: &mut [f32],
        mut targets: TargetsMut<'_>,
    ) -> Result<(), DataError> {
        match &self.store.inputs {
            Inputs::Windows(windows) => {
                self.windows(windows, rows, Some(epoch), Some(inputs), Some(&mut targets))
            }
            _ => self.gather(rows, inputs, targets),
        }
    }

    /// Writes windows of a text, and what is to be told of them.
    fn windows(
        &self,
        windows: &Windows,
        rows: &[usize],
        epoch: Option<Epoch>,
        mut inputs: Option<&mut [f32]>,
        targets: Option<&mut TargetsMut<'_>>,
    ) -> Result<(), DataError> {
        let mut targets = match targets {
            None => None,
            Some(TargetsMut::Classes(out)) => Some(&mut **out),
            Some(TargetsMut::None) => None,
            Some(TargetsMut::Values(_)) => {
                return Err(misuse("numbers were asked for, but the targets are tokens".into()));
            }
        };
        let (width, places) = (self.width(), self.outputs());
        let fits = |len: Option<usize>, each| len.is_none_or(|len| len == rows.len() * each);
        if !fits(inputs.as_ref().map(|x| x.len()), width)
            || !fits(targets.as_ref().map(|x| x.len()), places)
        {
            let what =
                format!("a batch needs {width} tokens for each row, and {places} to be told");
            return Err(misuse(what));
        }
        for (at, row) in rows.iter().enumerate() {
            let window = self.position(*row)?;
            let of_row = |each: usize| at * each..(at + 1) * each;
            let inputs = inputs.as_deref_mut().and_then(|all| all.get_mut(of_row(width)));
            let targets = targets.as_deref_mut().and_then(|all| all.get_mut(of_row(places)));
            windows.gather(window, epoch, inputs, targets)?;
        }
        Ok(())
    }

    /// How often each token stands in the text that the rows are windows of, or is to be told in them;
    /// none where no tokens are told.
    pub(crate) fn token_counts(&self) -> Option<Vec<u64>> {
        let vocabulary = self.target.tokens()?.vocabulary;
        let mut counts = vec![0; vocabulary];
        let places = self.outputs();
        let mut labels = vec![0; places];
        for row in 0..self.len() {
            self.gather_targets(&[row], &mut TargetsMut::Classes(&mut labels)).ok()?;
            for label in &labels {
                if let Some(count) = usize::try_from(*label).ok().and_then(|at| counts.get_mut(at))
                {
                    *count += 1;
                }
            }
        }
        Some(counts)
    }

    /// The loss of whoever knows how often each token comes, and nothing else, in nats; none where no
    /// tokens are told.
    pub(crate) fn token_entropy(&self) -> Option<f64> {
        let counts = self.token_counts()?;
        let all = counts.iter().sum::<u64>().max(1) as f64;
        let shares = counts.iter().map(|&count| count as f64 / all);
        Some(shares.filter(|share| *share > 0.0).map(|share| -share * share.ln()).sum())
    }

    /// The windows that the rows are of, where they are of tokens; and which of them each row is.
    pub(super) fn of_tokens(&self) -> Option<(&Windows, &[u32])> {
        match &self.store.inputs {
            Inputs::Windows(windows) => Some((windows, &self.positions)),
            _ => None,
        }
    }

    /// The words of a row whose tags are to be told; none of other rows.
    pub(crate) fn words(&self, row: usize) -> Option<Vec<&str>> {
        let Inputs::Windows(windows) = &self.store.inputs else { return None };
        Some(windows.words(*self.positions.get(row)? as usize)?.collect())
    }

    /// How often each tag comes; none where words have no tags.
    pub fn tag_counts(&self) -> Option<Vec<u64>> {
        self.target.tags()?;
        self.token_counts()
    }

    /// The tags of a row's words, in order; nothing of other rows.
    pub(crate) fn word_tags(&self, row: usize) -> Result<Vec<usize>, DataError> {
        if self.target.tags().is_none() {
            return Ok(Vec::new());
        }
        let mut labels = vec![-1; self.outputs()];
        self.gather_targets(&[row], &mut TargetsMut::Classes(&mut labels))?;
        Ok(labels.into_iter().filter_map(|label| usize::try_from(label).ok()).collect())
    }

    /// How many tokens each row has, of a source and of what is told, and how many it has at most; none
    /// where all rows have the same.
    pub(crate) fn token_lengths(&self) -> Result<Option<TokenLengths>, DataError> {
        let Inputs::Windows(windows) = &self.store.inputs else { return Ok(None) };
        let lengths = self.positions.iter().map(|at| windows.lengths(*at as usize));
        let lengths: Option<Vec<[usize; 2]>> = lengths.collect::<Result<_, _>>()?;
        Ok(lengths.map(|lengths| (lengths, windows.sizes())))
    }

    /// Where a row lies in the store.
    fn position(&self, row: usize) -> Result<usize, DataError> {
        self.positions.get(row).map(|at| *at as usize).ok_or_else(|| {
            misuse(format!("row {row} was asked for, but there are {} rows", self.len()))
        })
    }

    /// The targets of all rows in order: labels, or numbers on the scale of training.
    pub fn targets(&self) -> Targets {
        match &self.store.targets {
            // Too many to be put together: they are gathered with their rows.
            Targets::Classes(_) if self.target.tokens().is_some() => Targets::Classes(Vec::new()),
            _ if self.are_without_classes() => Targets::Classes(Vec::new()),
            Targets::Classes(all) => {
                Targets::Classes(self.positions.iter().map(|at| all[*at as usize]).collect())
            }
            Targets::Values(all) => {
                let outputs = self.outputs();
                let start = |at: &u32| self.store.told_at(*at as usize, outputs);
                let row = |at: &u32| &all[start(at)..][..outputs];
                Targets::Values(self.positions.iter().flat_map(row).copied().collect())
            }
        }
    }

    /// The labels of all rows in order; none where the targets are numbers or tokens.
    pub fn labels(&self) -> Option<Vec<i64>> {
        match self.targets() {
            Targets::Classes(labels) if self.target.tokens().is_none() => Some(labels),
            _ => None,
        }
    }

    /// The targets of all rows in their own unit, `[rows, outputs]`; none where they are classes.
    pub fn values(&self) -> Option<Vec<f64>> {
        match (self.targets(), &self.target.encoding) {
            (Targets::Classes(_), _) => None,
            (Targets::Values(scaled), _) => {
                let outputs = self.outputs();
                let unscale =
                    |(i, x): (usize, &f32)| self.target.unscale_output(i % outputs, f64::from(*x));
                Some(scaled.iter().enumerate().map(unscale).collect())
            }
        }
    }

    /// Of a series that is forecast, what the simplest guesses say of every row, `[rows, outputs]` in the
    /// targets' own units: the last value goes on; and what stood there a season before, where the series
    /// has one. None of other rows.
    ///
    /// ```
    /// use glassbox::data::{self, Options, SeriesOptions};
    /// let rows: String = (0..60).map(|t| format!("{},{t}\n", [10, 20, 30][t % 3])).collect();
    /// let series = SeriesOptions {
    ///     horizon: Some(2), window: Some(3), season: Some(3), ..SeriesOptions::default()
    /// };
    /// let options = Options { target: Some("y".into()), series, ..Options::default() };
    /// let data = data::from_csv("y.csv", format!("y,t\n{rows}").as_bytes(), &options)?;
    /// let (last, seasonal) = data.train.simplest_forecasts().ok_or_else(|| unreachable!())?;
    /// // 10, 20, 30 go on with 10 and 20.
    /// let same = |a: &[f64], b: [f64; 2]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-4);
    /// assert!(same(&last[..2], [30.0, 30.0]));
    /// assert!(same(&seasonal.unwrap()[..2], [10.0, 20.0]));
    /// # Ok::<(), data::DataError>(())
    /// ```
    pub fn simplest_forecasts(&self) -> Option<(Vec<f64>, Option<Vec<f64>>)> {
        let overlap = self.store.overlap.as_ref().filter(|overlap| overlap.targets > 0)?;
        let Targets::Values(all) = &self.store.targets else { return None };
        let (outputs, targets) = (self.outputs(), overlap.targets);
        // How many numbers before its first one to be told the guess of one stands.
        let of = |back: &dyn Fn(usize) -> usize| -> Vec<f64> {
            let mut guesses = Vec::with_capacity(self.len() * outputs);
            for position in self.positions.iter() {
                let start = overlap.told_at(*position as usize);
                guesses.extend((0..outputs).map(|output| {
                    let at =
                        (start + output % targets).checked_sub(back(output / targets) * targets);
                    let scaled = at.and_then(|at| all.get(at)).copied().unwrap_or(f32::NAN);
                    self.target.unscale_output(output, f64::from(scaled))
                }));
            }
            guesses
        };
        let seasonal = overlap.season.map(|season| of(&|step| season - step % season));
        Some((of(&|_| 1), seasonal))
    }

    /// Of a series, the time of a row's window: that of its last row, or of the one `ahead` rows later. None
    /// of other rows, and where no column tells the time.
    pub(crate) fn time(&self, row: usize, ahead: usize) -> Option<String> {
        let overlap = self.store.overlap.as_ref()?;
        let position = *self.positions.get(row)? as usize;
        overlap.time(position + overlap.window - 1 + ahead)
    }

    /// Of a series, after how many rows it comes round, where it does.
    pub(crate) fn season(&self) -> Option<usize> {
        self.store.overlap.as_ref()?.season
    }

    /// Of a series, the place of each row's last row in the order of time; nothing of other rows.
    pub(crate) fn window_ends(&self) -> Vec<usize> {
        let Some(overlap) = &self.store.overlap else { return Vec::new() };
        self.positions.iter().map(|position| *position as usize + overlap.window).collect()
    }

    /// Of a series that is forecast, how many numbers each step of it has; none of other rows.
    pub(crate) fn forecasts(&self) -> Option<usize> {
        let targets = self.store.overlap.as_ref()?.targets;
        (targets > 0).then_some(targets)
    }

    /// Some of the rows, in the order given; the numbers are shared, not copied.
    ///
    /// # Errors
    /// A row beyond the last.
    pub fn select(&self, rows: &[usize]) -> Result<Rows, DataError> {
        if let Some(row) = rows.iter().find(|row| **row >= self.len()) {
            return Err(misuse(format!("row {row} was asked for, but there are {}", self.len())));
        }
        Ok(Rows {
            store: Arc::clone(&self.store),
            target: Arc::clone(&self.target),
            positions: Arc::new(rows.iter().map(|row| self.positions[*row]).collect()),
        })
    }
}

pub(super) fn misuse(what: String) -> DataError {
    DataError::new(Place::default(), what, "")
}
