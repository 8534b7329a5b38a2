use std::collections::BTreeMap;
use std::ops::ControlFlow;

use glassbox_engine::{
    Array, Buffer, DType, Data, Graph, Kind, Mode, Options, Parameters, Prepared, Session, Tensor,
};

use super::Sampling;
use crate::Error;
use crate::nn::{Decoder, Past};

/// Why a text ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// With a token of [`Sampling::stop`].
    Stop,
    /// It has as many tokens as were asked for.
    Full,
    /// Whoever watched had enough, or no token was left to choose.
    Enough,
}

/// What was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    /// The tokens, without the prompt and without the one that ended it.
    pub ids: Vec<i64>,
    /// Why it ends there.
    pub ending: Ending,
}

/// A model that writes, with its values and what it keeps of the tokens that it has read.
///
/// What is kept has room for a power of two of tokens; for each there is a plan of its own, and the
/// position is an input of it. Texts that outgrow the model's context slide: the older half is
/// forgotten, the newer read again.
pub struct Generator<'m> {
    pub(super) model: &'m dyn Decoder,
    session: Session,
    cached: bool,
    plans: BTreeMap<Key, Ready>,
    /// The shapes of what is kept, by path.
    kept: BTreeMap<String, (DType, Vec<usize>)>,
    source: Option<Vec<i64>>,
    /// The tokens that were read since it began, and the place of the first of them in the text.
    pub(super) read: usize,
    from: usize,
    rows: usize,
}

/// What a plan is recorded for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    /// A source, read by so many rows.
    Begin { rows: usize },
    /// So many tokens of so many rows, after at most `room`; whether rows change places.
    GoOn { rows: usize, time: usize, room: usize, moved: bool },
    /// A text of so many tokens, as a whole.
    Whole { time: usize },
}

struct Ready {
    prepared: Prepared,
    states: Vec<(String, DType, Vec<usize>)>,
    inputs: Vec<Buffer>,
    outputs: Vec<Buffer>,
}

/// Tokens that are read at once, at most.
const MOST_AT_ONCE: usize = 256;
/// Room for tokens, at least.
const LEAST_ROOM: usize = 32;

impl<'m> Generator<'m> {
    /// A generator for a model (or what [`Module::decoder`](crate::nn::Module::decoder) gives) with these
    /// values by path.
    ///
    /// # Errors
    /// A session that cannot be had with these options.
    pub fn new(
        model: &'m dyn Decoder,
        values: Parameters,
        options: Options,
    ) -> Result<Self, Error> {
        let mut session = Session::new(options)?;
        session.load(values);
        Ok(Generator {
            model,
            session,
            cached: true,
            plans: BTreeMap::new(),
            kept: BTreeMap::new(),
            source: None,
            read: 0,
            from: 0,
            rows: 1,
        })
    }

    /// Whether it keeps what it has read (it does, unless this says otherwise), in place of reading
    /// all of it again for each token: the same scores, but for rounding, only slower.
    pub fn cached(self, cached: bool) -> Self {
        Generator { cached, ..self }
    }

    /// How many tokens the model scores.
    pub fn vocabulary(&self) -> usize {
        self.model.vocabulary()
    }

    /// The source of what is written next, for an encoder and a decoder: its tokens without padding.
    ///
    /// # Errors
    /// A source that is longer than the model's, or for a model without one.
    pub fn read_source(&mut self, ids: &[i64]) -> Result<(), Error> {
        let Some(width) = self.model.source() else {
            return Err(Error::new("this model has no source: give it a prompt alone"));
        };
        if ids.len() > width {
            return Err(Error::new(format!(
                "the source has {} tokens, and the model reads {width} at most: make it shorter",
                ids.len()
            )));
        }
        let mut padded = ids.to_vec();
        padded.resize(width, 0);
        self.source = Some(padded);
        Ok(())
    }

    /// Goes on from a prompt, at least one token, and tells each token as it comes; it goes on as long
    /// as the answer is to continue.
    ///
    /// # Errors
    /// An empty prompt, tokens that the model does not know, senseless settings; values that do not fit
    /// the model.
    pub fn stream(
        &mut self,
        prompt: &[i64],
        how: &Sampling,
        mut tell: impl FnMut(i64) -> ControlFlow<()>,
    ) -> Result<Written, Error> {
        self.check(prompt, how.problems())?;
        let mut text = prompt.to_vec();
        self.restart(1);
        let ended =
            |text: &[i64], ending| Ok(Written { ids: text[prompt.len()..].to_vec(), ending });
        for step in 0..how.most as u64 {
            let start = self.start(text.len());
            let scores = self.scores_of(&text)?;
            let Some(id) = how.choose(scores, &text[start..], step) else {
                return ended(&text, Ending::Enough);
            };
            if how.stop.contains(&id) {
                return ended(&text, Ending::Stop);
            }
            text.push(id);
            if tell(id).is_break() {
                return ended(&text, Ending::Enough);
            }
        }
        ended(&text, Ending::Full)
    }

    /// As [`stream`](Self::stream), to the end.
    ///
    /// # Errors
    /// As there.
    pub fn write(&mut self, prompt: &[i64], how: &Sampling) -> Result<Written, Error> {
        self.stream(prompt, how, |_| ControlFlow::Continue(()))
    }

    /// The score of every token after a text.
    ///
    /// # Errors
    /// As [`stream`](Self::stream).
    pub fn scores(&mut self, text: &[i64]) -> Result<Vec<f32>, Error> {
        self.check(text, Vec::new())?;
        self.restart(1);
        Ok(self.scores_of(text)?.to_vec())
    }

    /// Every reason why it cannot go on from a prompt.
    pub(super) fn check(&self, prompt: &[i64], mut problems: Vec<String>) -> Result<(), Error> {
        if prompt.is_empty() {
            problems.push("the prompt has no token: give it one to begin with".into());
        }
        let known = 0..self.vocabulary() as i64;
        if let Some(id) = prompt.iter().find(|id| !known.contains(id)) {
            let last = known.end - 1;
            problems
                .push(format!("the prompt has the token {id}, and the model knows 0 to {last}"));
        }
        if self.model.source().is_some() && self.source.is_none() {
            problems.push("the model has a source to read first: `read_source`".into());
        }
        if problems.is_empty() { Ok(()) } else { Err(Error::new(problems.join("; "))) }
    }

    /// Forgets what was read.
    pub(super) fn restart(&mut self, rows: usize) {
        (self.read, self.from, self.rows) = (0, 0, rows);
    }

    /// The first place of a text of so many tokens that the model still sees: all of it where it has
    /// room; else half of what there is room for is forgotten at a time.
    fn start(&self, length: usize) -> usize {
        let Some(context) = self.model.context().filter(|&context| length > context) else {
            return 0;
        };
        let half = (context / 2).max(1);
        (length - context).div_ceil(half) * half
    }

    /// The scores after the last token of a text that begins with what was read before.
    fn scores_of(&mut self, text: &[i64]) -> Result<&[f32], Error> {
        if !self.cached {
            return self.scores_of_whole(text);
        }
        let from = self.start(text.len());
        if from != self.from || self.read == 0 {
            (self.from, self.read) = (from, 0);
            self.begin()?;
        }
        let seen = &text[from..];
        let mut last = None;
        while self.read < seen.len() {
            last = Some(self.read_on(seen)?);
        }
        self.last_scores(last.ok_or_else(|| Error::new("nothing was left to read"))?)
    }

    /// Reads the next part of a text, the same for every row.
    pub(super) fn read_on(&mut self, text: &[i64]) -> Result<Key, Error> {
        let left = text.len().saturating_sub(self.read);
        // 1, 4, 16, 64 or 256 tokens: few plans.
        let mut time = 1;
        while time * 4 <= left.min(MOST_AT_ONCE) {
            time *= 4;
        }
        let part = text.get(self.read..self.read + time).unwrap_or_default();
        let ids: Vec<i64> = (0..self.rows).flat_map(|_| part.iter().copied()).collect();
        self.go_on(&ids, None, text.len())
    }

    /// Reads ids `[rows, time]` after what was read before; `from` says by row whose past it goes on
    /// from. There is room for `whole` tokens.
    pub(super) fn go_on(
        &mut self,
        ids: &[i64],
        from: Option<&[i64]>,
        whole: usize,
    ) -> Result<Key, Error> {
        let rows = self.rows;
        let time = ids.len() / rows.max(1);
        let room = self.room(whole.max(self.read + time));
        let key = Key::GoOn { rows, time, room, moved: from.is_some() };
        let model = self.model;
        self.ready(key, |graph| {
            let ids = graph.input("ids", DType::I64, [rows, time]);
            let past = Past::inputs(graph, room, from.map(|_| rows));
            Some(model.go_on(graph.root(Mode::Eval), ids, &past))
        })?;
        let position = self.read as i64;
        let mut given = vec![("ids", ids), ("position", std::slice::from_ref(&position))];
        given.extend(from.map(|from| ("from", from)));
        self.run(key, &given)?;
        self.read += time;
        Ok(key)
    }

    /// Room for so many tokens: a power of two, or the whole context.
    fn room(&self, tokens: usize) -> usize {
        let room = tokens.next_power_of_two().max(LEAST_ROOM);
        self.model.context().map_or(room, |context| room.min(context))
    }

    /// Begins anew: nothing is kept, and the source is read.
    pub(super) fn begin(&mut self) -> Result<(), Error> {
        for (path, (dtype, sizes)) in &self.kept {
            self.session.set(path, &Array::zeros(*dtype, sizes.clone()));
        }
        let (Some(source), rows) = (&self.source, self.rows) else { return Ok(()) };
        let ids: Vec<i64> = (0..rows).flat_map(|_| source.iter().copied()).collect();
        let (key, model, width) = (Key::Begin { rows }, self.model, source.len());
        self.ready(key, |graph| {
            let ids = graph.input("source", DType::I64, [rows, width]);
            model.begin(graph.root(Mode::Eval), ids);
            None
        })?;
        self.run(key, &[("source", &ids)])
    }

    /// As [`scores_of`](Self::scores_of), by reading everything again.
    fn scores_of_whole(&mut self, text: &[i64]) -> Result<&[f32], Error> {
        let seen = &text[self.start(text.len())..];
        let time = self.room(seen.len());
        let source = self.source.clone().unwrap_or_default();
        let (key, width, model) = (Key::Whole { time }, source.len(), self.model);
        self.ready(key, |graph| {
            let ids = graph.input("ids", DType::I64, [1, width + time]);
            let last = graph.input("position", DType::I64, []);
            let scores = model.forward(graph.root(Mode::Eval), ids);
            Some(scores.slice_at(last, 1, 1).drop_axis(1))
        })?;
        // What stands behind the last is not seen.
        let mut ids = [source.as_slice(), seen].concat();
        ids.resize(width + time, 0);
        let last = seen.len() as i64 - 1;
        self.run(key, &[("ids", &ids), ("position", &[last])])?;
        self.last_scores(key)
    }

    /// Records and prepares what a key says, once, and gives what is kept the room it needs.
    fn ready(
        &mut self,
        key: Key,
        record: impl for<'g> FnOnce(&'g Graph) -> Option<Tensor<'g>>,
    ) -> Result<(), Error> {
        if let Some(ready) = self.plans.get(&key) {
            for (path, dtype, sizes) in &ready.states {
                hold(&mut self.session, &mut self.kept, path, *dtype, sizes);
            }
            return Ok(());
        }
        let graph = Graph::new();
        let outputs: Vec<Tensor<'_>> = record(&graph).into_iter().collect();
        graph.check()?;
        let states: Vec<_> = graph
            .declarations()
            .into_iter()
            .filter(|(_, declared)| declared.kind == Kind::State)
            .filter_map(|(path, _)| {
                let state = graph.state(&path)?;
                Some((path, state.dtype(), state.shape().sizes().to_vec()))
            })
            .collect();
        for (path, dtype, sizes) in &states {
            hold(&mut self.session, &mut self.kept, path, *dtype, sizes);
        }
        let prepared = self.session.prepare(&graph, &outputs)?;
        let (inputs, outputs) = (prepared.inputs(), prepared.outputs());
        self.plans.insert(key, Ready { prepared, inputs, outputs, states });
        Ok(())
    }

    fn run(&mut self, key: Key, given: &[(&str, &[i64])]) -> Result<(), Error> {
        let Some(ready) = self.plans.get_mut(&key) else { return Ok(()) };
        for (name, values) in given {
            let slot = ready.prepared.input(name).and_then(|slot| ready.inputs.get_mut(slot));
            if let Some(to) = slot.and_then(|buffer| buffer.as_slice_mut::<i64>()) {
                to.copy_from_slice(values);
            }
        }
        Ok(self.session.run(&ready.prepared, &mut ready.inputs, &mut ready.outputs)?)
    }

    /// What a plan has given, `[rows, vocabulary]`.
    pub(super) fn last_scores(&self, key: Key) -> Result<&[f32], Error> {
        let given = self.plans.get(&key).and_then(|ready| ready.outputs.first());
        given
            .and_then(|buffer| buffer.as_slice::<f32>())
            .ok_or_else(|| Error::new("the model gives no scores of f32"))
    }
}

/// Gives what is kept at a path this shape: along its second axis the beginning stays.
fn hold(
    session: &mut Session,
    kept: &mut BTreeMap<String, (DType, Vec<usize>)>,
    path: &str,
    dtype: DType,
    sizes: &[usize],
) {
    let held = kept.insert(path.to_owned(), (dtype, sizes.to_vec()));
    let mut array = Array::zeros(dtype, sizes.to_vec());
    match (held, sizes) {
        (Some((_, held)), sizes) if held == sizes => return,
        (Some((_, held)), &[rows, room, features]) => {
            let old = session.value(path);
            if let (&[same, before, alike], Data::F32(to), Some(Data::F32(from))) =
                (&held[..], array.data_mut(), old.as_ref().map(Array::data))
                && (same, alike) == (rows, features)
            {
                let stays = before.min(room) * features;
                let each = to.chunks_mut((room * features).max(1));
                for (to, from) in each.zip(from.chunks((before * features).max(1))) {
                    to[..stays].copy_from_slice(&from[..stays]);
                }
            }
        }
        _ => {}
    }
    session.set(path, &array);
}
