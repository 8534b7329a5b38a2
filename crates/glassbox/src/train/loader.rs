//! Batches of training rows, gathered and augmented by threads of their own while steps run.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::Error;
use crate::data::{
    Augmenter, BatchMut, DataError, Epoch, Place, Rows, Scratch, Targets, TargetsMut,
};
use crate::train::event::Loading;

/// Fewer numbers than this lie near the processor, where gathering costs less than a thread.
const FAR: usize = 1 << 22;
/// Numbers that are gathered at once: a thread is woken for as many batches as hold them.
const AT_ONCE: usize = 1 << 17;

/// Gathers batches: the same numbers with threads and without.
pub(crate) struct Loader<'a> {
    work: Work,
    train: &'a Rows,
    scratch: Scratch,
    /// Whole rows, where batches are of shorter ones.
    whole: (Vec<f32>, Vec<i64>),
    ahead: Option<Ahead>,
    spent: Spent,
}

/// Where rows come from and what is done to them.
#[derive(Clone)]
struct Work {
    rows: Rows,
    seed: u64,
    augmenter: Option<Augmenter>,
}

/// How much was loaded, and what it took.
#[derive(Clone, Copy, Default)]
struct Spent {
    rows: usize,
    /// In which they were gathered, of all threads together.
    busy: Duration,
    /// In which steps waited for their batches.
    waited: Duration,
}

/// Threads that gather what comes next, and what they gathered.
struct Ahead {
    asked: Option<SyncSender<Chunk>>,
    filled: Receiver<Chunk>,
    threads: Vec<JoinHandle<()>>,
    /// Rows of a chunk: whole batches.
    rows: usize,
    /// Where in the order of the epoch the next chunk to be asked for begins.
    next: usize,
    /// Chunks that the threads have.
    under_way: usize,
    current: Chunk,
    ready: Vec<Chunk>,
    free: Vec<Chunk>,
}

/// Some rows that follow each other in the order of an epoch.
struct Chunk {
    epoch: u64,
    /// Where in that order they begin.
    start: usize,
    rows: Vec<usize>,
    inputs: Vec<f32>,
    targets: Targets,
    /// Of mixed images the partners' labels and how much they count.
    partners: Vec<i64>,
    shares: Vec<f32>,
    /// How gathering them went.
    outcome: Result<(), DataError>,
    took: Duration,
}

impl<'a> Loader<'a> {
    /// A loader of batches of so many rows. Threads help where there is more than one, and rows are
    /// changed or more numbers than lie near.
    pub fn new(
        train: &'a Rows,
        batch: usize,
        threads: usize,
        seed: u64,
        augmenter: Option<Augmenter>,
    ) -> Self {
        let far = train.len().saturating_mul(train.width()) >= FAR;
        let several = batch.saturating_mul(2) <= train.len();
        let helpers = match &augmenter {
            _ if threads < 2 || !several => 0,
            Some(_) => threads,
            None => usize::from(far),
        };
        let work = Work { rows: train.clone(), seed, augmenter };
        let ahead = (helpers > 0).then(|| Ahead::new(&work, batch, helpers)).flatten();
        let (scratch, whole, spent) = Default::default();
        Loader { work, train, scratch, whole, ahead, spent }
    }

    /// Writes the batch that stands at `batch` in the order of the epoch. Its rows may be shorter than
    /// the longest: of so many tokens of a source and of what is told. Allocates nothing once each chunk
    /// was filled.
    ///
    /// # Errors
    /// As [`Rows::gather`], here or in a thread.
    pub fn gather(
        &mut self,
        order: &[usize],
        epoch: u64,
        batch: Range<usize>,
        sizes: Option<[usize; 2]>,
        out: BatchMut<'_>,
    ) -> Result<(), Error> {
        let began = Instant::now();
        let whole = [self.train.width(), self.train.outputs()];
        let Some(ahead) = &mut self.ahead else {
            let rows = &order[batch];
            if let Some(sizes) = sizes {
                let (inputs, targets) = &mut self.whole;
                inputs.resize(rows.len() * whole[0], 0.0);
                targets.resize(rows.len() * whole[1], 0);
                let all = BatchMut { inputs, targets: TargetsMut::Classes(targets), mixed: None };
                self.work.gather(rows, epoch, all, &mut self.scratch)?;
                shorten(&self.whole.0, &self.whole.1, whole, sizes, out)?;
            } else {
                self.work.gather(rows, epoch, out, &mut self.scratch)?;
            }
            let took = began.elapsed();
            self.spent.add(rows.len(), took);
            self.spent.waited += took;
            return Ok(());
        };
        let places = ahead.find(order, epoch, batch, &mut self.spent)?;
        self.spent.waited += began.elapsed();
        let (width, chunk) = (whole[0], &ahead.current);
        if let Some(sizes) = sizes {
            let Targets::Classes(targets) = &chunk.targets else { return Err(other_kind()) };
            let inputs = &chunk.inputs[places.start * width..places.end * width];
            let targets = &targets[places.start * whole[1]..places.end * whole[1]];
            return shorten(inputs, targets, whole, sizes, out);
        }
        out.inputs.copy_from_slice(&chunk.inputs[places.start * width..places.end * width]);
        if let Some((partners, shares)) = out.mixed {
            partners.copy_from_slice(&chunk.partners[places.clone()]);
            shares.copy_from_slice(&chunk.shares[places.clone()]);
        }
        match (out.targets, &chunk.targets) {
            (TargetsMut::Classes(out), Targets::Classes(all)) => {
                let outputs = self.train.outputs();
                out.copy_from_slice(&all[places.start * outputs..places.end * outputs]);
            }
            (TargetsMut::Values(out), Targets::Values(all)) => {
                let outputs = self.train.outputs();
                out.copy_from_slice(&all[places.start * outputs..places.end * outputs]);
            }
            (TargetsMut::None, _) => {}
            _ => return Err(other_kind()),
        }
        Ok(())
    }

    /// How fast rows come, and how much of `seconds` was spent in waiting for them.
    pub fn loading(&self, seconds: f64) -> Loading {
        let Spent { rows, busy, waited } = self.spent;
        Loading {
            threads: self.ahead.as_ref().map_or(0, |ahead| ahead.threads.len()),
            rows_per_second: rows as f64 / busy.as_secs_f64().max(1e-9),
            waited: (waited.as_secs_f64() / seconds.max(1e-9)).min(1.0),
        }
    }
}

fn other_kind() -> Error {
    Error::new("the training graph's targets are of another kind")
}

/// Copies the beginnings of rows: of their sources, and of what is told.
fn shorten(
    inputs: &[f32],
    targets: &[i64],
    [width, places]: [usize; 2],
    [source, told]: [usize; 2],
    out: BatchMut<'_>,
) -> Result<(), Error> {
    let TargetsMut::Classes(short) = out.targets else { return Err(other_kind()) };
    let first = width - places;
    let rows = inputs.chunks_exact(width).zip(targets.chunks_exact(places));
    let to = out.inputs.chunks_exact_mut(source + told).zip(short.chunks_exact_mut(told));
    for ((inputs, targets), (to, short)) in rows.zip(to) {
        to[..source].copy_from_slice(&inputs[..source]);
        to[source..].copy_from_slice(&inputs[first..first + told]);
        short.copy_from_slice(&targets[..told]);
    }
    Ok(())
}

impl Spent {
    fn add(&mut self, rows: usize, took: Duration) {
        self.rows += rows;
        self.busy += took;
    }
}

impl Work {
    fn gather(
        &self,
        rows: &[usize],
        epoch: u64,
        out: BatchMut<'_>,
        scratch: &mut Scratch,
    ) -> Result<(), DataError> {
        match &self.augmenter {
            Some(augmenter) => augmenter.gather(&self.rows, rows, epoch, out, scratch),
            None => {
                let epoch = Epoch { seed: self.seed, epoch };
                self.rows.gather_in(epoch, rows, out.inputs, out.targets)
            }
        }
    }
}

impl Ahead {
    fn new(work: &Work, batch: usize, helpers: usize) -> Option<Self> {
        // Each thread has one chunk, and one lies ready beside the current one.
        let chunks = helpers + 1;
        let (asked, requests) = sync_channel::<Chunk>(chunks);
        let (done, filled) = sync_channel(chunks);
        let requests = Arc::new(Mutex::new(requests));
        let mut threads = Vec::with_capacity(helpers);
        for _ in 0..helpers {
            let (work, requests, done) = (work.clone(), Arc::clone(&requests), done.clone());
            let mut scratch = Scratch::default();
            let next = move || requests.lock().ok()?.recv().ok();
            let run = move || {
                while let Some(mut chunk) = next() {
                    chunk.fill(&work, &mut scratch);
                    if done.send(chunk).is_err() {
                        return;
                    }
                }
            };
            threads.push(std::thread::Builder::new().name("loader".into()).spawn(run).ok()?);
        }
        let rows = &work.rows;
        let batches = (AT_ONCE / (batch * rows.width()).max(1)).max(1);
        let empty = || Chunk {
            epoch: 0,
            start: 0,
            rows: Vec::new(),
            inputs: Vec::new(),
            targets: match rows.are_numbers_told() {
                true => Targets::Values(Vec::new()),
                false => Targets::Classes(Vec::new()),
            },
            partners: Vec::new(),
            shares: Vec::new(),
            outcome: Ok(()),
            took: Duration::ZERO,
        };
        Some(Ahead {
            asked: Some(asked),
            filled,
            threads,
            rows: batches * batch,
            next: 0,
            under_way: 0,
            current: empty(),
            ready: Vec::with_capacity(chunks),
            free: (0..chunks).map(|_| empty()).collect(),
        })
    }

    /// Makes the current chunk one that holds a batch, and has the next ones gathered; gives where
    /// the batch stands in it.
    fn find(
        &mut self,
        order: &[usize],
        epoch: u64,
        batch: Range<usize>,
        spent: &mut Spent,
    ) -> Result<Range<usize>, Error> {
        let stopped = || Error::new("the threads that gather batches stopped");
        loop {
            if let Some(places) = self.current.places(order, epoch, &batch) {
                return Ok(places);
            }
            let holds = |chunk: &Chunk| chunk.places(order, epoch, &batch).is_some();
            if let Some(at) = self.ready.iter().position(holds) {
                let chunk = self.ready.swap_remove(at);
                self.free.push(std::mem::replace(&mut self.current, chunk));
                if let Err(error) = std::mem::replace(&mut self.current.outcome, Ok(())) {
                    // Asked for again, it is gathered again.
                    self.current.rows.clear();
                    return Err(error.into());
                }
                self.ask(order, epoch).ok_or_else(stopped)?;
            } else if self.under_way > 0 {
                let chunk = self.filled.recv().map_err(|_| stopped())?;
                self.under_way -= 1;
                spent.add(chunk.rows.len(), chunk.took);
                self.ready.push(chunk);
            } else {
                // The first of an epoch, or of a training that goes on.
                self.free.append(&mut self.ready);
                self.next = batch.start;
                self.ask(order, epoch).ok_or_else(stopped)?;
            }
        }
    }

    /// Has as many chunks gathered as there is room for, up to the end of the epoch.
    fn ask(&mut self, order: &[usize], epoch: u64) -> Option<()> {
        while self.next < order.len()
            && let Some(mut chunk) = self.free.pop()
        {
            let end = self.next.saturating_add(self.rows).min(order.len());
            (chunk.epoch, chunk.start) = (epoch, self.next);
            chunk.rows.clear();
            chunk.rows.extend_from_slice(&order[self.next..end]);
            self.asked.as_ref()?.send(chunk).ok()?;
            (self.under_way, self.next) = (self.under_way + 1, end);
        }
        Some(())
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        // The threads end where nothing more can be asked.
        self.asked = None;
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Chunk {
    /// Where a batch stands, if these are its rows.
    fn places(&self, order: &[usize], epoch: u64, batch: &Range<usize>) -> Option<Range<usize>> {
        let first = batch.start.checked_sub(self.start)?;
        let places = first..first + batch.len();
        let same = self.rows.get(places.clone())? == order.get(batch.clone())?;
        (same && self.epoch == epoch).then_some(places)
    }

    /// Gathers its rows; a panic is an error like any other.
    fn fill(&mut self, work: &Work, scratch: &mut Scratch) {
        let began = Instant::now();
        let rows = self.rows.len();
        self.inputs.resize(rows * work.rows.width(), 0.0);
        self.partners.resize(rows, 0);
        self.shares.resize(rows, 0.0);
        let targets = match &mut self.targets {
            Targets::Classes(labels) => {
                labels.resize(rows * work.rows.outputs(), 0);
                TargetsMut::Classes(labels)
            }
            Targets::Values(values) => {
                values.resize(rows * work.rows.outputs(), 0.0);
                TargetsMut::Values(values)
            }
        };
        let mixed = Some((&mut self.partners[..], &mut self.shares[..]));
        let out = BatchMut { inputs: &mut self.inputs, targets, mixed };
        let gather = || work.gather(&self.rows, self.epoch, out, scratch);
        self.outcome = catch_unwind(AssertUnwindSafe(gather)).unwrap_or_else(|_| {
            let what = "a thread that gathers batches panicked";
            Err(DataError::new(Place::default(), what, ""))
        });
        self.took = began.elapsed();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Augment, Dataset, Options, epoch_order_into, from_csv};

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
        let mut with = Loader::new(&data.train, 32, 2, 42, None);
        let mut without = Loader::new(&data.train, 32, 1, 42, None);
        assert!(with.ahead.is_some() && without.ahead.is_none());
        let mut order: Vec<usize> = (0..3000).collect();
        let mut batch = |order: &[usize], at: Range<usize>| {
            let mut results = [&mut with, &mut without].map(|loader| {
                let (mut inputs, mut labels) = (vec![0.0; at.len() * 1500], vec![0; at.len()]);
                let targets = TargetsMut::Classes(&mut labels);
                let out = BatchMut { inputs: &mut inputs, targets, mixed: None };
                loader.gather(order, 0, at.clone(), None, out).unwrap();
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
    fn changed_rows_are_the_same_for_any_batch_and_number_of_threads() {
        let data = crate::data::digits();
        let list = [Augment::Crop { padding: 1 }, Augment::Mixup { alpha: 1.0, share: 0.5 }];
        let augmenter = Augmenter::new(&list, &data, 3).unwrap();
        let order: Vec<usize> = (0..500).rev().collect();
        let all = |batch: usize, threads| {
            let mut loader = Loader::new(&data.train, batch, threads, 42, Some(augmenter.clone()));
            let mut all = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
            // A second epoch, and the first half of it again.
            for (epoch, rows) in [(0, 500), (1, 500), (1, 250)] {
                for start in (0..rows).step_by(batch) {
                    let at = start..(start + batch).min(rows);
                    let rows = at.len();
                    let (mut inputs, mut labels) = (vec![0.0; rows * 64], vec![0; rows]);
                    let (mut partners, mut shares) = (vec![0; rows], vec![0.0; rows]);
                    let targets = TargetsMut::Classes(&mut labels);
                    let mixed = Some((&mut partners[..], &mut shares[..]));
                    let out = BatchMut { inputs: &mut inputs, targets, mixed };
                    loader.gather(&order, epoch, at, None, out).unwrap();
                    all.0.extend(inputs);
                    all.1.extend(labels);
                    all.2.extend(partners);
                    all.3.extend(shares);
                }
            }
            all
        };
        let one = all(50, 1);
        assert!(one.3.iter().any(|share| *share > 0.0) && one.3.contains(&0.0));
        for (batch, threads) in [(50, 2), (7, 2), (125, 4), (500, 1)] {
            assert!(one == all(batch, threads), "{batch} {threads}");
        }
        assert_ne!(one.0[..64], one.0[500 * 64..501 * 64], "another epoch");
        assert_eq!(one.0[500 * 64..750 * 64], one.0[1000 * 64..], "the same epoch again");
    }

    #[test]
    fn what_goes_wrong_in_the_thread_is_an_error_of_the_batch() {
        let data = dataset(usize::MAX);
        let mut loader = Loader::new(&data.train, 512, 2, 42, None);
        let mut order: Vec<usize> = (0..3000).collect();
        // Beyond the last row, in a chunk that the thread gathers.
        order[700] = 3000;
        let mut batch = |at: Range<usize>| {
            let (mut inputs, mut labels) = (vec![0.0; at.len() * 1500], vec![0; at.len()]);
            let targets = TargetsMut::Classes(&mut labels);
            loader.gather(
                &order,
                0,
                at,
                None,
                BatchMut { inputs: &mut inputs, targets, mixed: None },
            )
        };
        batch(0..512).unwrap();
        let error = batch(512..1024).unwrap_err().to_string();
        assert!(error.contains("row 3000 was asked for"), "{error}");
        assert!(batch(512..1024).is_err());
    }
}
