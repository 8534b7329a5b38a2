//! The steps of a training: gradients by segment, updates by row.
//!
//! A step takes some hundred words of the text, cut in segments. Workers compute the gradients of
//! whole segments, all from the values before the step; then every worker adds up the gradients of
//! the rows that it owns, in the order of the text. So nobody writes what another reads, and the sums
//! are the same on any number of threads.
//!
//! Within a segment a few rows go together and share their negatives (Ji, Satish, Li, Dubey,
//! "Parallelizing word2vec in shared and distributed memory", 2016), so that the work is products of
//! small matrices. They share more than `negative` of them, each of which counts for less: in the
//! mean the gradient is that of drawing for each row alone.

use std::ops::Range;

use glassbox_engine::random::Stream;
use glassbox_engine::vectors::Rows;
use glassbox_engine::{Isa, Pool};

use super::corpus::Corpus;
use super::negatives::Alias;
use super::settings::{Architecture, Settings};
use crate::Error;

/// Segments of a step.
const SEGMENTS: usize = 16;
/// How often the most frequent word is expected in a step, at most: its gradients are all taken at the
/// same place, so many of them would step too far.
const MOST_OFTEN: f64 = 8.0;
/// Of so many segments one is looked at for the loss.
const LOSS_EVERY: usize = 8;

/// Words of a step, at most: of longer ones words that come often in one place of the text alone would step
/// too far, and where the rate is held some trainings end far from where others do.
const WORDS: f64 = 128.0;
/// Words of a step in the first pass through the text, at most. Vectors begin near 0, from where each gradient
/// makes the next one larger: whole steps of many words would come away from there later.
const FIRST_WORDS: usize = 64;

/// How negatives are shared, which differs by what costs most.
struct Shape {
    /// Rows that share their negatives, at least.
    group: usize,
    /// Negatives of a group.
    shared: usize,
}

impl Shape {
    fn of(settings: &Settings) -> Shape {
        let group = match settings.architecture {
            Architecture::Cbow => 4,
            Architecture::SkipGram => 8,
        };
        Shape { group, shared: settings.negative.next_multiple_of(4).max(8) }
    }
}

/// A training of word vectors, one step after the other.
///
/// ```
/// use glassbox::word2vec::{Corpus, Settings, Training, sentences};
/// let text = "the cat sat. the dog sat. the cat ran. the dog ran.";
/// let corpus = Corpus::of(sentences(text), 1)?;
/// let settings = Settings { dimensions: 8, sample: 0.0, ..Settings::default() };
/// let mut training = Training::new(&corpus, &settings, 2, None)?;
/// while training.done() < training.steps() {
///     training.step()?;
/// }
/// assert_eq!(training.input().len(), 5 * 8);
/// # Ok::<(), glassbox::Error>(())
/// ```
pub struct Training<'a> {
    corpus: &'a Corpus,
    settings: &'a Settings,
    pool: Pool,
    rows: Rows,
    /// Where the rows of each word lie in `weights`: that of its input; its output is `between` on.
    places: Vec<u32>,
    between: u32,
    /// The rows of one owner after those of the other.
    weights: Vec<f32>,
    owned: usize,
    /// Chances of 2³² to keep a word.
    keep: Vec<u64>,
    negatives: Alias,
    shape: Shape,
    words_of_step: usize,
    tasks: Vec<Task>,
    step: u64,
}

impl<'a> Training<'a> {
    /// A training before its first step: inputs are drawn from ±1/dimensions, outputs are 0.
    ///
    /// # Errors
    /// Settings that cannot be meant, or more rows than 32 bits can number.
    pub fn new(
        corpus: &'a Corpus,
        settings: &'a Settings,
        threads: usize,
        isa: Option<Isa>,
    ) -> Result<Self, Error> {
        settings.check()?;
        let pool = Pool::new(threads);
        let rows = Rows::new(isa.unwrap_or_else(Isa::detect), settings.dimensions);
        let (words, owners) = (corpus.vocabulary.len(), pool.threads());
        let each = words.div_ceil(owners);
        // Neighbours by frequency have different owners, so that each has as much to do.
        let place = |word: usize| (word % owners) * 2 * each + word / owners;
        let table = 2 * each * owners;
        if u32::try_from(table).is_err() {
            return Err(Error::new(format!("{words} words are too many: raise `min_count`")));
        }
        let counts = corpus.vocabulary.counts();
        let keep = keep(settings, counts);
        let kept = |(count, keep): (&u64, &u64)| *count as f64 * *keep as f64;
        let all: f64 = counts.iter().zip(&keep).map(kept).sum();
        let most = counts.iter().zip(&keep).map(kept).fold(0.0, f64::max);
        let shape = Shape::of(settings);
        // In words of the text, of which only some are kept.
        let share = all / corpus.len() as f64 / 4_294_967_296.0;
        let words_of_step = (MOST_OFTEN * all / most / share).min(WORDS) as usize;
        let negatives: Vec<f64> = counts.iter().map(|&c| (c.max(1) as f64).powf(0.75)).collect();
        let mut training = Training {
            corpus,
            settings,
            pool,
            rows,
            places: (0..words).map(|word| place(word) as u32).collect(),
            between: each as u32,
            weights: vec![0.0; table * rows.width()],
            owned: 2 * each * rows.width(),
            keep,
            negatives: Alias::new(&negatives),
            shape,
            words_of_step: words_of_step.max(SEGMENTS),
            tasks: (0..SEGMENTS).map(|_| Task::default()).collect(),
            step: 0,
        };
        let drawn = first_values(settings.seed, words, settings.dimensions);
        training.write(&drawn, 0);
        Ok(training)
    }

    /// Steps of the whole training.
    pub fn steps(&self) -> u64 {
        let later = self.settings.epochs.saturating_sub(1);
        self.steps_of_epoch(0) + later * self.steps_of_epoch(1)
    }

    /// Steps of one pass through the text; epochs count from 0.
    pub fn steps_of_epoch(&self, epoch: u64) -> u64 {
        self.corpus.len().div_ceil(self.words_of_step(epoch)) as u64
    }

    /// Steps that are done.
    pub fn done(&self) -> u64 {
        self.step
    }

    /// Words of a step: of the first epoch, which is 0, at most 64.
    pub fn words_of_step(&self, epoch: u64) -> usize {
        match epoch {
            0 => self.words_of_step.min(FIRST_WORDS),
            _ => self.words_of_step,
        }
    }

    /// Bytes of both tables.
    pub fn bytes(&self) -> u64 {
        size_of_val(&self.weights[..]) as u64
    }

    /// Threads that compute.
    pub fn threads(&self) -> usize {
        self.pool.threads()
    }

    /// One step. What is to be guessed of some of its words and what it cost: their number and the
    /// sum of −ln σ(positive) − Σ ln σ(−negative).
    ///
    /// # Errors
    /// A worker that panicked.
    pub fn step(&mut self) -> Result<Loss, Error> {
        let (first, later) = (self.steps_of_epoch(0), self.steps_of_epoch(1));
        let (epoch, within) = match self.step.checked_sub(first) {
            None => (0, self.step),
            Some(step) => (1 + step / later, step % later),
        };
        let words_of_step = self.words_of_step(epoch);
        let from = within as usize * words_of_step;
        let to = (from + words_of_step).min(self.corpus.len());
        let all = self.corpus.len() as f64 * self.settings.epochs as f64;
        let passed = (epoch as f64 * self.corpus.len() as f64 + from as f64) / all;
        let Settings { rate: first, final_rate: last, hold, .. } = *self.settings;
        let fallen = ((passed - hold) / (1.0 - hold)).max(0.0);
        let rate = (first - (first - last) * fallen) as f32;
        let length = words_of_step.div_ceil(SEGMENTS);
        let count = (to - from).div_ceil(length);
        let mut tasks = std::mem::take(&mut self.tasks);
        let training = &*self;
        let ran = self.pool.for_each_chunk_mut(&mut tasks[..count], 1, &|index, tasks| {
            let start = from + index * length;
            let range = start..to.min(start + length);
            let segment = Segment { training, epoch, range, rate };
            tasks.iter_mut().for_each(|task| task.run(&segment, index % LOSS_EVERY == 0));
        });
        ran.map_err(|panic| Error::new(panic.to_string()))?;
        let (rows, owned, width) = (self.rows, self.owned, self.rows.width());
        let ran = self.pool.for_each_chunk_mut(&mut self.weights, owned, &|start, weights| {
            let (first, own) = ((start / width) as u32, (owned / width) as u32);
            for task in &tasks[..count] {
                add_own(&rows, &task.inputs, first, own, weights);
                add_own(&rows, &task.outputs, first, own, weights);
            }
        });
        let loss = tasks[..count].iter().fold(Loss::default(), |sum, task| sum.plus(task.loss));
        self.tasks = tasks;
        ran.map_err(|panic| Error::new(panic.to_string()))?;
        self.step += 1;
        Ok(loss)
    }

    /// The vectors of the words as they are used, `[words, dimensions]`.
    pub fn input(&self) -> Vec<f32> {
        self.read(0)
    }

    /// The vectors of the words as they are guessed, `[words, dimensions]`.
    pub fn output(&self) -> Vec<f32> {
        self.read(self.between)
    }

    /// Goes on, with the same bits, after `step` steps, with what [`input`](Self::input) and [`output`](Self::output) were then.
    ///
    /// # Errors
    /// Vectors of another number of words or dimensions, or a step after the last.
    pub fn resume(&mut self, step: u64, input: &[f32], output: &[f32]) -> Result<(), Error> {
        let wanted = self.places.len() * self.settings.dimensions;
        if [input.len(), output.len()] != [wanted; 2] || step > self.steps() {
            return Err(Error::new(
                "the saved state is of another text or other settings: train anew".to_owned(),
            ));
        }
        self.write(input, 0);
        self.write(output, self.between);
        self.step = step;
        Ok(())
    }

    fn read(&self, after: u32) -> Vec<f32> {
        let row = |place: &u32| {
            let at = (place + after) as usize * self.rows.width();
            &self.weights[at..at + self.settings.dimensions]
        };
        self.places.iter().flat_map(row).copied().collect()
    }

    fn write(&mut self, values: &[f32], after: u32) {
        for (place, row) in self.places.iter().zip(values.chunks_exact(self.settings.dimensions)) {
            let at = (place + after) as usize * self.rows.width();
            self.weights[at..at + row.len()].copy_from_slice(row);
        }
    }
}

/// What some guesses cost.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Loss {
    /// The sum.
    pub sum: f64,
    /// Of how many guesses.
    pub guesses: u64,
}

impl Loss {
    /// Both together.
    pub fn plus(self, other: Loss) -> Loss {
        Loss { sum: self.sum + other.sum, guesses: self.guesses + other.guesses }
    }

    /// Of one guess.
    pub fn mean(self) -> f64 {
        self.sum / self.guesses.max(1) as f64
    }
}

/// For each word the chance of 2³² that one of it is kept.
fn keep(settings: &Settings, counts: &[u64]) -> Vec<u64> {
    let total = counts.iter().sum::<u64>() as f64;
    let chance =
        |&count: &u64| (settings.keeps(count.max(1) as f64 / total) * 4_294_967_296.0) as u64;
    counts.iter().map(chance).collect()
}

/// Uniform in ±1/dimensions, by word and dimension: gensim's, twice as far as the first program's, with
/// which a short training gets away from 0 sooner.
pub(super) fn first_values(seed: u64, words: usize, dimensions: usize) -> Vec<f32> {
    let drawn = Stream::new(seed, "word2vec/input", 0).uniforms();
    drawn.take(words * dimensions).map(|x| ((2.0 * x - 1.0) / dimensions as f64) as f32).collect()
}

/// Gradients of rows: which rows of the table get which of these.
#[derive(Default)]
struct Gradients {
    rows: Vec<f32>,
    count: usize,
    pairs: Vec<(u32, u32)>,
}

impl Gradients {
    fn clear(&mut self) {
        self.count = 0;
        self.pairs.clear();
    }

    /// Room for so many more rows, and the number of the first.
    fn take(&mut self, count: usize, width: usize) -> (u32, &mut [f32]) {
        let first = self.count;
        self.count += count;
        if self.rows.len() < self.count * width {
            self.rows.resize(self.count * width, 0.0);
        }
        (first as u32, &mut self.rows[first * width..self.count * width])
    }
}

/// Adds those gradients whose rows are among the `count` rows `weights` from `first` on.
fn add_own(rows: &Rows, gradients: &Gradients, first: u32, count: u32, weights: &mut [f32]) {
    const ROOM: usize = 256;
    let (mut own, mut found) = ([(0, 0); ROOM], 0);
    for &(row, from) in &gradients.pairs {
        let row = row.wrapping_sub(first);
        own[found] = (row, from);
        found += usize::from(row < count);
        if found == ROOM {
            rows.scatter(&own, &gradients.rows, weights);
            found = 0;
        }
    }
    rows.scatter(&own[..found], &gradients.rows, weights);
}

/// Some words of the text in one step.
struct Segment<'a> {
    training: &'a Training<'a>,
    epoch: u64,
    range: Range<usize>,
    rate: f32,
}

/// Memory for the gradients of a segment.
#[derive(Default)]
struct Task {
    /// Of the stretch at hand: the places of the words that are kept, and how far each looks (0 for
    /// those that are only looked at).
    kept: Vec<(u32, u32)>,
    /// Of the group at hand: the rows' words, where each row's end, and whom each row guesses.
    sources: Vec<u32>,
    ends: Vec<usize>,
    targets: Vec<u32>,
    /// Numbers of the group at hand.
    inputs_of_group: Vec<f32>,
    drawn: Vec<u32>,
    negatives: Vec<f32>,
    scores: Vec<f32>,
    chances: Vec<f32>,
    /// How many negatives the segment has drawn.
    draws: u64,
    inputs: Gradients,
    outputs: Gradients,
    loss: Loss,
}

impl Task {
    fn run(&mut self, segment: &Segment<'_>, looks: bool) {
        let Segment { training, epoch, ref range, .. } = *segment;
        let (corpus, settings) = (training.corpus, training.settings);
        self.inputs.clear();
        self.outputs.clear();
        (self.draws, self.loss) = (0, Loss::default());
        let draws = Stream::new(settings.seed, "word2vec/words", 0).at_step(epoch);
        // Words around may belong to the segments before and after: as many as should do even where
        // most are left out.
        let around = 4 * settings.window;
        let mut sentence = corpus.ends.partition_point(|&end| end <= range.start);
        let mut at = range.start;
        while at < range.end {
            let start = if sentence == 0 { 0 } else { corpus.ends[sentence - 1] };
            let end = corpus.ends[sentence];
            let from = start.max(at.saturating_sub(around));
            let to = end.min(range.end + around);
            self.kept.clear();
            for place in from..to {
                let word = corpus.words[place] as usize;
                let [chance, radius, ..] = draws.block(place as u64);
                if u64::from(chance) < training.keep[word] {
                    let radius = 1 + ((u64::from(radius) * settings.window as u64) >> 32) as u32;
                    let looks = if range.contains(&place) { radius } else { 0 };
                    self.kept.push((training.places[word], looks));
                }
            }
            self.windows(segment, looks);
            at = end;
            sentence += 1;
        }
        self.group(segment, looks);
    }

    /// The rows of each word of the stretch.
    fn windows(&mut self, segment: &Segment<'_>, looks: bool) {
        let Segment { training, .. } = *segment;
        let kept = std::mem::take(&mut self.kept);
        for (at, &(word, radius)) in kept.iter().enumerate().filter(|(_, (_, r))| *r > 0) {
            let radius = radius as usize;
            let before = &kept[at.saturating_sub(radius)..at];
            let after = &kept[at + 1..kept.len().min(at + 1 + radius)];
            let target = word + training.between;
            match training.settings.architecture {
                Architecture::Cbow if before.len() + after.len() == 0 => {}
                Architecture::Cbow => {
                    self.sources.extend(before.iter().chain(after).map(|(word, _)| word));
                    self.ends.push(self.sources.len());
                    self.targets.push(target);
                }
                Architecture::SkipGram => {
                    for (word, _) in before.iter().chain(after) {
                        self.sources.push(*word);
                        self.ends.push(self.sources.len());
                        self.targets.push(target);
                    }
                }
            }
            if self.targets.len() >= training.shape.group {
                self.group(segment, looks && self.loss.guesses == 0);
            }
        }
        self.kept = kept;
    }

    /// The gradients of the group at hand, of which there is none afterwards.
    fn group(&mut self, segment: &Segment<'_>, looks: bool) {
        let Segment { training, epoch, ref range, rate } = *segment;
        let (rows, weights, width) = (&training.rows, &training.weights, training.rows.width());
        let (count, shared) = (self.targets.len(), training.shape.shared);
        if count == 0 {
            return;
        }
        let row = |place: u32| &weights[place as usize * width..(place as usize + 1) * width];

        // Whom each row is: a word, or the mean of those around.
        fit(&mut self.inputs_of_group, count * width);
        let mut from = 0;
        for (&end, to) in self.ends.iter().zip(self.inputs_of_group.chunks_exact_mut(width)) {
            rows.sum(weights, &self.sources[from..end], 1.0 / (end - from) as f32, to);
            from = end;
        }
        let inputs = &self.inputs_of_group[..count * width];

        let stream = Stream::new(training.settings.seed, "word2vec/negatives", epoch);
        let stream = stream.at_step(range.start as u64);
        self.drawn.clear();
        self.negatives.clear();
        while self.drawn.len() < shared {
            let [a, b, c, d] = stream.block(self.draws);
            self.draws += 1;
            for (slot, share) in [(a, b), (c, d)] {
                let word = training.negatives.draw(slot, share) as usize;
                self.drawn.push(training.places[word] + training.between);
            }
        }
        self.drawn.truncate(shared);
        self.drawn.iter().for_each(|&place| self.negatives.extend_from_slice(row(place)));

        // Scores: those of the negatives, row after row, then those of the positives.
        let of_negatives = count * shared;
        fit(&mut self.scores, of_negatives + count);
        fit(&mut self.chances, of_negatives + count);
        let (scores, positive) = self.scores[..of_negatives + count].split_at_mut(of_negatives);
        rows.dots(inputs, &self.negatives, scores);
        for run in runs(&self.targets) {
            let of_run = &inputs[run.start * width..run.end * width];
            rows.dots(of_run, row(self.targets[run.start]), &mut positive[run]);
        }
        let chances = &mut self.chances[..of_negatives + count];
        rows.sigmoid(&self.scores[..of_negatives + count], chances);
        let (chances, positive) = chances.split_at_mut(of_negatives);
        let weight = training.settings.negative as f32 / shared as f32;
        if looks {
            self.loss = cost(chances, positive, weight, &self.targets, &self.drawn);
        }

        // What each score owes, times the rate: 1 − σ for who is there, −σ for who is not. A negative
        // that is the word itself counts for nothing.
        for (chances, &target) in chances.chunks_exact_mut(shared).zip(&self.targets) {
            for (chance, &drawn) in chances.iter_mut().zip(&self.drawn) {
                *chance = if drawn == target { 0.0 } else { -rate * weight * *chance };
            }
        }
        positive.iter_mut().for_each(|chance| *chance = rate * (1.0 - *chance));

        let (first, to) = self.inputs.take(count, width);
        rows.combine(chances, [shared, 1], &self.negatives, to);
        let each = to.chunks_exact_mut(width).zip(&*positive).zip(&self.targets);
        each.for_each(|((to, &factor), &target)| rows.add(factor, row(target), to));
        let mut from = 0;
        for (&end, number) in self.ends.iter().zip(first..) {
            self.inputs.pairs.extend(self.sources[from..end].iter().map(|&word| (word, number)));
            from = end;
        }

        let (first, to) = self.outputs.take(shared, width);
        rows.combine(chances, [1, shared], inputs, to);
        self.outputs.pairs.extend(self.drawn.iter().copied().zip(first..));
        for run in runs(&self.targets) {
            let (number, to) = self.outputs.take(1, width);
            let of_run = &inputs[run.start * width..run.end * width];
            rows.combine(&positive[run.clone()], [0, 1], of_run, to);
            self.outputs.pairs.push((self.targets[run.start], number));
        }
        self.sources.clear();
        self.ends.clear();
        self.targets.clear();
    }
}

/// At least so many numbers, whatever they are.
fn fit(numbers: &mut Vec<f32>, count: usize) {
    if numbers.len() < count {
        numbers.resize(count, 0.0);
    }
}

/// Stretches of equal neighbours.
fn runs(targets: &[u32]) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut from = 0;
    targets.chunk_by(|a, b| a == b).map(move |run| {
        let range = from..from + run.len();
        from = range.end;
        range
    })
}

/// What the guesses of a group cost.
fn cost(chances: &[f32], positive: &[f32], weight: f32, targets: &[u32], drawn: &[u32]) -> Loss {
    let least = f64::from(f32::MIN_POSITIVE);
    let mut loss = Loss { sum: 0.0, guesses: targets.len() as u64 };
    for (chances, &target) in chances.chunks_exact(drawn.len()).zip(targets) {
        let others = chances.iter().zip(drawn).filter(|(_, drawn)| **drawn != target);
        let sum: f64 = others.map(|(&p, _)| -(1.0 - f64::from(p)).max(least).ln()).sum();
        loss.sum += sum * f64::from(weight);
    }
    loss.sum += positive.iter().map(|&p| -f64::from(p).max(least).ln()).sum::<f64>();
    loss
}
