//! S3: the GRU, one gate fewer than the LSTM; stacked and bidirectional layers.

use glassbox_engine::random::Stream;
use glassbox_engine::{DType, Scope, Tensor};
use serde::Serialize;

use crate::Error;
use crate::lesson::practice::{Practice, array, computed, named, parameters};
use crate::lesson::{Options, Part, Table, Text, Told, text};
use crate::nn::{self, Activation, Initial, Loss, Recurrence};
use crate::report::fixed;

/// Numbers a step and units of the layers that are counted.
const COUNTED: [usize; 2] = [8, 16];
/// Sequences and steps of the task, and units of the nets that learn it.
const SEQUENCES: usize = 64;
const TIME: usize = 8;
const UNITS: usize = 12;

/// A kind of recurrent layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cell {
    /// One sum.
    Rnn,
    /// Reset and update gate, candidate.
    Gru,
    /// Input, forget and output gate, candidate.
    Lstm,
}

impl Cell {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Cell::Rnn => "RNN",
            Cell::Gru => "GRU",
            Cell::Lstm => "LSTM",
        }
    }

    /// Sums of `x·W + b + h·R + d` a unit.
    pub fn sums(self) -> usize {
        match self {
            Cell::Rnn => 1,
            Cell::Gru => 3,
            Cell::Lstm => 4,
        }
    }

    /// The states of the uppermost layer, `[rows, time, directions · units]`.
    #[track_caller]
    pub fn record<'g>(self, at: Scope<'g>, x: Tensor<'g>, units: usize, net: Net) -> Tensor<'g> {
        let Net { layers, bidirectional, .. } = net;
        match self {
            Cell::Rnn => {
                let settings = Recurrence { layers, bidirectional, ..Recurrence::default() };
                nn::rnn(at, x, units, Activation::Tanh, settings).outputs
            }
            Cell::Gru => {
                let settings = Recurrence { layers, bidirectional, ..Recurrence::default() };
                nn::gru(at, x, units, settings).outputs
            }
            Cell::Lstm => {
                let settings = Recurrence { layers, bidirectional, ..Recurrence::default() };
                nn::lstm(at, x, units, settings).outputs
            }
        }
    }
}

/// A recurrent net.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Net {
    /// Its layers' kind.
    pub cell: Cell,
    /// How many stand on each other.
    pub layers: usize,
    /// Whether each also goes from the last step to the first.
    pub bidirectional: bool,
}

impl Net {
    fn name(self) -> Text {
        let Net { cell, layers, bidirectional } = self;
        let name = cell.name();
        match (layers, bidirectional) {
            (1, false) => Text::same(name),
            (1, true) => text!("{name}, both ways", "양방향 {name}"),
            (_, false) => text!("{name}, {layers} layers", "{name} {layers}층"),
            (_, true) => text!("{name}, {layers} layers, both ways", "양방향 {name} {layers}층"),
        }
    }
}

/// What a net takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Size {
    /// Which one.
    #[serde(flatten)]
    pub net: Net,
    /// Numbers that are learned.
    pub parameters: usize,
    /// Numbers that are carried from step to step for a sequence.
    pub states: usize,
    /// Numbers that come out at each step.
    pub outputs: usize,
}

/// What a net has learned of a task that asks at each step for the step before and the step after.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Score {
    /// Which one.
    #[serde(flatten)]
    pub net: Net,
    /// How often it tells the number of the step before.
    pub before: f64,
    /// How often it tells the number of the step after.
    pub after: f64,
}

/// What the lesson found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Found {
    /// Numbers a step and units.
    pub counted: [usize; 2],
    /// Parameters and states.
    pub sizes: Vec<Size>,
    /// Trained nets.
    pub scores: Vec<Score>,
}

/// Counts a net of 8 numbers a step and 16 units on its graph.
///
/// # Errors
/// None.
///
/// ```
/// use glassbox::lesson::cells::{Cell, Net, size};
/// let net = |cell| Net { cell, layers: 1, bidirectional: false };
/// let [gru, lstm] = [Cell::Gru, Cell::Lstm].map(|cell| size(net(cell)).unwrap().parameters);
/// assert_eq!(4 * gru, 3 * lstm);
/// ```
pub fn size(net: Net) -> Result<Size, Error> {
    let [features, units] = COUNTED;
    let parameters = parameters(|at| {
        let x = at.graph().input("x", DType::F32, [1, 4, features]);
        net.cell.record(at.child("net"), x, units, net);
    })?;
    let directions = if net.bidirectional { 2 } else { 1 };
    let states = net.layers * directions * units * if net.cell == Cell::Lstm { 2 } else { 1 };
    Ok(Size { net, parameters, states, outputs: directions * units })
}

/// Scores of both questions at every step, `[rows · time, 2]` each: was the step before above 0, is the
/// step after.
#[track_caller]
fn answers<'g>(at: Scope<'g>, x: Tensor<'g>, net: Net) -> [Tensor<'g>; 2] {
    let states = net.cell.record(at.child("net"), x, UNITS, net);
    let flat = states.reshape([x.dim(0) * x.dim(1), states.dim(2)]);
    ["before", "after"].map(|name| nn::linear(at.child(name), flat, 2, Initial::Xavier))
}

/// Trains a net to tell, at each step, the sign of the step before and of the step after; at the ends of
/// a sequence, where there is none, the sign of the step itself.
///
/// # Errors
/// None.
pub fn score(net: Net, seed: u64) -> Result<Score, Error> {
    let draw = |name: &str| -> Result<_, Error> {
        let stream = Stream::new(seed, name, 0);
        let sign = |i: usize| if stream.uniform(i as u64) < 0.5 { -1.0f32 } else { 1.0 };
        let x: Vec<f32> = (0..SEQUENCES * TIME).map(sign).collect();
        let label = |i: usize, by: isize| {
            let (row, step) = (i / TIME, i % TIME);
            let step = step.checked_add_signed(by).filter(|step| *step < TIME).unwrap_or(step);
            i64::from(x.get(row * TIME + step).is_some_and(|x| *x > 0.0))
        };
        let labels =
            [-1, 1].map(|by| (0..SEQUENCES * TIME).map(|i| label(i, by)).collect::<Vec<_>>());
        Ok((array([SEQUENCES, TIME, 1], x)?, labels))
    };
    let (x, [before, after]) = draw("lesson/cells")?;
    let given = named([
        ("x", x),
        ("before", array([SEQUENCES * TIME], before)?),
        ("after", array([SEQUENCES * TIME], after)?),
    ]);
    let learned = Practice::adam(0.02, 300, seed).learn(
        |at| {
            let x = at.graph().input("x", DType::F32, [SEQUENCES, TIME, 1]);
            let [before, after] = answers(at, x, net);
            let labels =
                ["before", "after"].map(|n| at.graph().input(n, DType::I64, [SEQUENCES * TIME]));
            let loss = |name, scores, labels| Loss::CrossEntropy.of(at.child(name), scores, labels);
            loss("loss1", before, labels[0]) + loss("loss2", after, labels[1])
        },
        |_| Ok(given.clone()),
    )?;
    // Sequences that were not learned from.
    let (x, observed) = draw("lesson/cells/test")?;
    let told = computed(&learned.weights, &named([("x", x)]), |at| {
        let x = at.graph().input("x", DType::F32, [SEQUENCES, TIME, 1]);
        answers(at, x, net).map(|scores| scores.argmax(-1)).to_vec()
    })?;
    let right = |told: &Vec<f64>, observed: &Vec<i64>| {
        let hits = told.iter().zip(observed).filter(|(told, is)| **told == **is as f64).count();
        hits as f64 / observed.len().max(1) as f64
    };
    let mut shares = told.iter().zip(&observed).map(|(told, is)| right(told, is));
    let mut next = || shares.next().unwrap_or(f64::NAN);
    Ok(Score { net, before: next(), after: next() })
}

/// Counts and trains.
///
/// # Errors
/// None.
pub fn find(options: &Options) -> Result<Found, Error> {
    let net = |cell, layers, bidirectional| Net { cell, layers, bidirectional };
    let shapes = [(1, false), (2, false), (1, true), (2, true)];
    let sizes = [Cell::Rnn, Cell::Gru, Cell::Lstm].into_iter().flat_map(|cell| {
        shapes.map(|(layers, bidirectional)| size(net(cell, layers, bidirectional)))
    });
    let learners = [
        net(Cell::Rnn, 1, false),
        net(Cell::Gru, 1, false),
        net(Cell::Lstm, 1, false),
        net(Cell::Gru, 2, false),
        net(Cell::Gru, 1, true),
    ];
    let scores = learners.into_iter().map(|net| score(net, options.seed));
    Ok(Found {
        counted: COUNTED,
        sizes: sizes.collect::<Result<_, _>>()?,
        scores: scores.collect::<Result<_, _>>()?,
    })
}

pub(super) fn lesson(options: &Options) -> Result<Told, Error> {
    let found = find(options)?;
    let parts = vec![
        Part::Paragraph(text!(
            "A GRU has one gate and one state fewer than an LSTM: the update gate z decides both what is \
             kept and what is added, h ← (1 − z) · n + z · h, and the reset gate how much of the old state \
             the candidate n sees. Each unit takes three sums of inputs and states in place of four.",
            "GRU는 LSTM보다 게이트도 상태도 하나 적습니다. 갱신 게이트 z가 남길 것과 더할 것을 함께 정하고, \
             h ← (1 − z) · n + z · h, 리셋 게이트는 후보 n이 옛 상태를 얼마나 볼지 정합니다. 유닛마다 입력과 \
             상태의 합이 네 개가 아니라 세 개입니다.",
        )),
        Part::Table(sizes(&found)),
        Part::Paragraph(text!(
            "Parameters of a layer: sums · (numbers + units + 2 biases) · units. A layer that stands on \
             another reads that one's outputs; a bidirectional one has weights of its own for the way back, \
             and its outputs of both ways lie side by side.",
            "한 층의 매개변수 수는 합의 수 · (입력 수 + 유닛 수 + 편향 2) · 유닛 수입니다. 위층은 아래층의 \
             출력을 읽습니다. 양방향 층은 거꾸로 가는 가중치를 따로 가지며 두 방향의 출력을 나란히 둡니다.",
        )),
        Part::Table(scores(&found)),
        Part::Paragraph(text!(
            "All of them were trained to tell, at each step, the sign of the number before and of the \
             number after it. The past is in the state. The future is not: only the net that also reads \
             backwards can do better than a guess (one end in {TIME} is told by the step itself).",
            "모두 스텝마다 바로 앞 수와 바로 뒤 수의 부호를 맞히도록 훈련했습니다. 과거는 상태에 있지만 미래는 \
             없습니다. 거꾸로도 읽는 신경망만 찍기보다 잘합니다. ({TIME}개 중 끝 하나는 그 스텝 자신으로 \
             알 수 있습니다.)",
        )),
    ];
    Told::new(&found, parts)
}

fn sizes(found: &Found) -> Table {
    let row = |size: &Size| {
        let numbers = [size.parameters, size.states, size.outputs];
        let cells = numbers.map(|number| Text::same(fixed(number as f64, 0)));
        std::iter::once(size.net.name()).chain(cells).collect()
    };
    let [features, units] = found.counted;
    Table {
        title: text!(
            "{features} numbers a step, {units} units",
            "스텝마다 수 {features}개, 유닛 {units}개"
        ),
        columns: vec![
            text!("net", "신경망"),
            text!("parameters", "매개변수"),
            text!("states", "상태"),
            text!("outputs a step", "스텝마다 출력"),
        ],
        rows: found.sizes.iter().map(row).collect(),
    }
}

fn scores(found: &Found) -> Table {
    let percent = |share: f64| Text::same(format!("{} %", fixed(100.0 * share, 1)));
    let row = |score: &Score| vec![score.net.name(), percent(score.before), percent(score.after)];
    Table {
        title: text!("new sequences, told right", "새 수열에서 맞힌 비율"),
        columns: vec![
            text!("net", "신경망"),
            text!("number before", "앞의 수"),
            text!("number after", "뒤의 수"),
        ],
        rows: found.scores.iter().map(row).collect(),
    }
}
