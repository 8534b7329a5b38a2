//! Batches of training rows, gathered by a thread of their own while steps run.

use std::ops::Range;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use crate::Error;
use crate::data::{DataError, Rows, Targets, TargetsMut};

/// Fewer numbers than this lie near the processor, where gathering costs less than a thread.
const FAR: usize = 1 << 22;
/// Numbers that are gathered at once: a thread is woken for as many batches as hold them.
const AT_ONCE: usize = 1 << 17;

/// Gathers batches: the same numbers with a thread and without.
pub(crate) struct Loader<'a> {
    train: &'a Rows,
    ahead: Option<Ahead>,
}

/// A thread that gathers what comes next, and what it gathered.
struct Ahead {
    asked: Option<SyncSender<Chunk>>,
    filled: Receiver<Result<Chunk, DataError>>,
    thread: Option<JoinHandle<()>>,
    /// Rows of a chunk: whole batches.
    rows: usize,
    current: Chunk,
    /// The other chunk, while the thread does not have it.
    other: Option<Chunk>,
}

/// Some rows that follow each other in the order of an epoch.
struct Chunk {
    /// Where in that order they begin.
    start: usize,
    rows: Vec<usize>,
    inputs: Vec<f32>,
    targets: Targets,
}

impl<'a> Loader<'a> {
    /// A loader of batches of so many rows; a thread helps where there is more than one, and more
    /// numbers than lie near.
    pub fn new(train: &'a Rows, batch: usize, threads: usize) -> Self {
        let far = train.len().saturating_mul(train.width()) >= FAR;
        let several = batch.saturating_mul(2) <= train.len();
        let ahead = (far && several && threads > 1).then(|| Ahead::new(train, batch)).flatten();
        Loader { train, ahead }
    }

    /// Writes the batch that stands at `batch` in the order of the epoch. Allocates nothing once
    /// each chunk was filled.
    ///
    /// # Errors
    /// As [`Rows::gather`], here or in the thread.
    pub fn gather(
        &mut self,
        order: &[usize],
        batch: Range<usize>,
        inputs: &mut [f32],
        targets: TargetsMut<'_>,
    ) -> Result<(), Error> {
        let Some(ahead) = &mut self.ahead else {
            return Ok(self.train.gather(&order[batch], inputs, targets)?);
        };
        let places = ahead.find(self.train, order, batch)?;
        let (width, chunk) = (self.train.width(), &ahead.current);
        inputs.copy_from_slice(&chunk.inputs[places.start * width..places.end * width]);
        match (targets, &chunk.targets) {
            (TargetsMut::Classes(out), Targets::Classes(all)) => out.copy_from_slice(&all[places]),
            (TargetsMut::Values(out), Targets::Values(all)) => {
                let outputs = self.train.outputs();
                out.copy_from_slice(&all[places.start * outputs..places.end * outputs]);
            }
            _ => return Err(Error::new("the training graph's targets are of another kind")),
        }
        Ok(())
    }
}

impl Ahead {
    fn new(train: &Rows, batch: usize) -> Option<Self> {
        let (asked, requests) = sync_channel::<Chunk>(1);
        let (done, filled) = sync_channel(1);
        let own = train.clone();
        let work = move || {
            while let Ok(mut chunk) = requests.recv() {
                let result = chunk.fill(&own).map(|()| chunk);
                let failed = result.is_err();
                if done.send(result).is_err() || failed {
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new().name("loader".into()).spawn(work).ok()?;
        let batches = (AT_ONCE / (batch * train.width()).max(1)).max(1);
        let empty = || Chunk {
            start: 0,
            rows: Vec::new(),
            inputs: Vec::new(),
            targets: match train.classes() {
                Some(_) => Targets::Classes(Vec::new()),
                None => Targets::Values(Vec::new()),
            },
        };
        Some(Ahead {
            asked: Some(asked),
            filled,
            thread: Some(thread),
            rows: batches * batch,
            current: empty(),
            other: Some(empty()),
        })
    }

    /// Makes the current chunk one that holds a batch, and has the next one gathered; gives where
    /// the batch stands in it.
    fn find(
        &mut self,
        train: &Rows,
        order: &[usize],
        batch: Range<usize>,
    ) -> Result<Range<usize>, Error> {
        if let Some(places) = self.current.places(order, &batch) {
            return Ok(places);
        }
        let stopped = || Error::new("the thread that gathers batches stopped");
        let next = match self.other.take() {
            Some(chunk) => chunk,
            None => self.filled.recv().map_err(|_| stopped())??,
        };
        let mut other = std::mem::replace(&mut self.current, next);
        if self.current.places(order, &batch).is_none() {
            // The first of an epoch, or of a training that goes on.
            self.current.ask(order, batch.start, self.rows);
            self.current.fill(train)?;
        }
        let end = self.current.start + self.current.rows.len();
        if end < order.len() {
            other.ask(order, end, self.rows);
            let asked = self.asked.as_ref().ok_or_else(stopped)?;
            asked.send(other).map_err(|_| stopped())?;
        } else {
            self.other = Some(other);
        }
        self.current.places(order, &batch).ok_or_else(stopped)
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        // The thread ends where nothing more can be asked.
        self.asked = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Chunk {
    /// Where a batch stands, if these are its rows.
    fn places(&self, order: &[usize], batch: &Range<usize>) -> Option<Range<usize>> {
        let first = batch.start.checked_sub(self.start)?;
        let places = first..first + batch.len();
        let same = self.rows.get(places.clone())? == order.get(batch.clone())?;
        same.then_some(places)
    }

    /// Says which rows it is to hold: at most so many, from `start` on.
    fn ask(&mut self, order: &[usize], start: usize, most: usize) {
        let end = start.saturating_add(most).min(order.len());
        self.start = start;
        self.rows.clear();
        self.rows.extend_from_slice(&order[start..end]);
    }

    fn fill(&mut self, train: &Rows) -> Result<(), DataError> {
        let rows = self.rows.len();
        self.inputs.resize(rows * train.width(), 0.0);
        let targets = match &mut self.targets {
            Targets::Classes(labels) => {
                labels.resize(rows, 0);
                TargetsMut::Classes(labels)
            }
            Targets::Values(values) => {
                values.resize(rows * train.outputs(), 0.0);
                TargetsMut::Values(values)
            }
        };
        train.gather(&self.rows, &mut self.inputs, targets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Dataset, Options, epoch_order_into, from_csv};

    /// 3,000 rows of 1,500 numbers, in memory or in a file.
    fn dataset(memory: usize) -> Dataset {
        use std::fmt::Write;
        let names: Vec<String> = (0..1500).map(|i| format!("x{i}")).collect();
        let mut text = format!("{},y\n", names.join(","));
        for row in 0..3000u32 {
            for column in 0..1500u32 {
                let _ = write!(text, "{},", (row * 31 + column * 17) % 101);
            }
            let _ = writeln!(text, "{}", ["a", "b"][row as usize % 2]);
        }
        let options = Options { memory, valid: Some(0.0), test: Some(0.0), ..Options::default() };
        from_csv("t.csv", text.as_bytes(), &options).unwrap()
    }

    #[test]
    fn a_thread_gives_the_same_batches_in_every_order() {
        let data = dataset(0);
        let mut with = Loader::new(&data.train, 32, 2);
        let mut without = Loader::new(&data.train, 32, 1);
        assert!(with.ahead.is_some() && without.ahead.is_none());
        let mut order: Vec<usize> = (0..3000).collect();
        let mut batch = |order: &[usize], at: Range<usize>| {
            let mut results = [&mut with, &mut without].map(|loader| {
                let (mut inputs, mut labels) = (vec![0.0; at.len() * 1500], vec![0; at.len()]);
                let targets = TargetsMut::Classes(&mut labels);
                loader.gather(order, at.clone(), &mut inputs, targets).unwrap();
                (inputs, labels)
            });
            let [a, b] = &mut results;
            assert!(a == b, "{at:?}");
        };
        for epoch in 0..2 {
            epoch_order_into(&mut order, 7, epoch);
            (0..3000).step_by(32).for_each(|at| batch(&order, at..(at + 32).min(3000)));
        }
        // A training that goes on elsewhere, and again from the start.
        for at in [1600, 1632, 0, 32, 2976, 64] {
            batch(&order, at..(at + 32).min(3000));
        }
    }

    #[test]
    fn what_goes_wrong_in_the_thread_is_an_error_of_the_batch() {
        let data = dataset(usize::MAX);
        let mut loader = Loader::new(&data.train, 512, 2);
        let mut order: Vec<usize> = (0..3000).collect();
        // Beyond the last row, in a chunk that the thread gathers.
        order[700] = 3000;
        let mut batch = |at: Range<usize>| {
            let (mut inputs, mut labels) = (vec![0.0; at.len() * 1500], vec![0; at.len()]);
            loader.gather(&order, at, &mut inputs, TargetsMut::Classes(&mut labels))
        };
        batch(0..512).unwrap();
        let error = batch(512..1024).unwrap_err().to_string();
        assert!(error.contains("row 3000 was asked for"), "{error}");
        assert!(batch(512..1024).is_err());
    }
}
