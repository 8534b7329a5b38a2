//! S1: a recurrent net step by step: the same weights at every step, sequences of any length, oldest
//! first.

use glassbox_engine::{DType, Parameters, Scope, Tensor, grad};
use serde::Serialize;

use crate::Error;
use crate::lesson::practice::{array, computed, named, parameters};
use crate::lesson::{Board, Options, Part, Table, Text, Told, text};
use crate::nn::{self, Activation, Initial, Recurrence};
use crate::report::{fixed, scientific};

/// Steps of the sequences that vanish or explode.
pub const FAR: usize = 50;

/// Weights of a recurrent unit: h ← f(input · x + bias + recurrent · h).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Unit {
    /// What a step's value is multiplied with.
    pub input: f32,
    /// What is added.
    pub bias: f32,
    /// What the state of the step before is multiplied with.
    pub recurrent: f32,
}

impl Unit {
    pub(super) fn weights(self) -> Result<Parameters, Error> {
        Ok(named([
            ("rnn/layer1/input/weight", array([1, 1], vec![self.input])?),
            ("rnn/layer1/input/bias", array([1], vec![self.bias])?),
            ("rnn/layer1/recurrent/weight", array([1, 1], vec![self.recurrent])?),
            ("rnn/layer1/recurrent/bias", array([1], vec![0.0f32])?),
        ]))
    }
}

/// The unit that is unrolled.
pub const UNIT: Unit = Unit { input: 1.8, bias: 0.0, recurrent: 0.5 };

/// A step of the unrolled unit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Step {
    /// What is read.
    pub x: f64,
    /// The state before.
    pub before: f64,
    /// The state after.
    pub hidden: f64,
    /// The slope of the last state by this step's copy of the recurrent weight.
    pub slope: f64,
}

/// A sequence through the unit.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Unrolled {
    /// Its numbers, oldest first.
    pub steps: Vec<Step>,
    /// The last state, of the loop.
    pub last: f64,
    /// The same of steps that were written out one by one, with the same weights each time.
    pub last_by_hand: f64,
    /// The slope of the last state by the weight that all steps share.
    pub slope: f64,
}

/// Runs a sequence through the unit, as a loop and written out.
///
/// # Errors
/// None.
///
/// ```
/// use glassbox::lesson::unrolled::{UNIT, unroll};
/// let found = unroll(UNIT, &[0.0, 0.5, 0.25, 1.0])?;
/// assert_eq!(found.last, found.last_by_hand);
/// let sum: f64 = found.steps.iter().map(|step| step.slope).sum();
/// assert!((sum - found.slope).abs() < 1e-6);
/// # Ok::<(), glassbox::Error>(())
/// ```
pub fn unroll(unit: Unit, numbers: &[f32]) -> Result<Unrolled, Error> {
    let time = numbers.len();
    let given = named([("x", array([1, time, 1], numbers.to_vec())?)]);
    let found = computed(&unit.weights()?, &given, |at| {
        let graph = at.graph();
        let x = graph.input("x", DType::F32, [1, time, 1]);
        let activation = Activation::Relu;
        let found = nn::rnn(at.child("rnn"), x, 1, activation, Recurrence::default());
        let of = |name: &str| graph.state(&format!("rnn/layer1/{name}"));
        let states = graph.named("rnn/layer1/hidden").map(Tensor::every_step);
        let (Some(input), Some(bias), Some(shared), Some(states)) =
            (of("input/weight"), of("input/bias"), of("recurrent/weight"), states)
        else {
            return Vec::new();
        };
        // A copy of the recurrent weight for each step, so that each has a slope of its own.
        let copies: Vec<Tensor<'_>> = (0..time).map(|_| shared * 1.0).collect();
        let mut h = x.scalar(0.0).broadcast_to([1, 1]);
        for (step, copy) in copies.iter().enumerate() {
            let now = x.slice(1, step..step + 1).reshape([1, 1]);
            h = activation.of(now.matmul(input) + bias + h.matmul(*copy));
        }
        let slopes = grad(h.sum(), &copies);
        let slope = grad(found.last[0].sum(), &[shared]);
        [vec![states, found.last[0], h], slope, slopes].concat()
    })?;
    let number = |at: usize| found.get(at).and_then(|n| n.first()).copied().unwrap_or(f64::NAN);
    let states = found.first().map(Vec::as_slice).unwrap_or_default();
    let mut before = 0.0;
    let mut steps = Vec::with_capacity(time);
    for ((step, x), &hidden) in numbers.iter().enumerate().zip(states) {
        steps.push(Step { x: f64::from(*x), before, hidden, slope: number(4 + step) });
        before = hidden;
    }
    Ok(Unrolled { steps, last: number(1), last_by_hand: number(2), slope: number(3) })
}

/// A length of sequences, and what a net of 16 units that reads 3 numbers a step takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Length {
    /// Steps.
    pub time: usize,
    /// Parameters of the recurrent net.
    pub recurrent: usize,
    /// Parameters of a dense layer of 16 units that reads all steps at once.
    pub dense: usize,
}

/// One unit over fifty steps, its first state being 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Far {
    /// The recurrent weight.
    pub weight: f32,
    /// The slope of the last state by the first.
    pub slope: f64,
}

/// What the lesson found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Found {
    /// The unit's weights.
    pub unit: Unit,
    /// A sequence, oldest first, and the same numbers newest first.
    pub orders: [Unrolled; 2],
    /// Parameters by length.
    pub lengths: Vec<Length>,
    /// w = 2 and w = 0.5.
    pub far: Vec<Far>,
}

/// The slope of the last state by the first, over so many steps without input, by ReLU.
///
/// # Errors
/// None.
///
/// ```
/// use glassbox::lesson::unrolled::slope_after;
/// assert_eq!(format!("{:.2e}", slope_after(2.0, 50)?), "1.13e15");
/// assert_eq!(format!("{:.1e}", slope_after(0.5, 50)?), "8.9e-16");
/// # Ok::<(), glassbox::Error>(())
/// ```
pub fn slope_after(weight: f32, steps: usize) -> Result<f64, Error> {
    let unit = Unit { input: 1.0, bias: 0.0, recurrent: weight };
    let given = named([
        ("x", array([1, steps, 1], vec![0.0f32; steps])?),
        ("first", array([1, 1, 1], vec![1.0f32])?),
    ]);
    let found = computed(&unit.weights()?, &given, |at| {
        let x = at.graph().input("x", DType::F32, [1, steps, 1]);
        let first = at.graph().input("first", DType::F32, [1, 1, 1]);
        let settings = Recurrence { first: Some([first]), ..Recurrence::default() };
        let found = nn::rnn(at.child("rnn"), x, 1, Activation::Relu, settings);
        grad(found.last[0].sum(), &[first])
    })?;
    Ok(found.first().and_then(|numbers| numbers.first()).copied().unwrap_or(f64::NAN))
}

/// Computes everything.
///
/// # Errors
/// None.
pub fn find() -> Result<Found, Error> {
    let mut numbers = [0.0, 0.5, 0.25, 1.0];
    let oldest_first = unroll(UNIT, &numbers)?;
    numbers.reverse();
    let orders = [oldest_first, unroll(UNIT, &numbers)?];
    let length = |time: usize| {
        let recurrent = parameters(|at: Scope<'_>| {
            let x = at.graph().input("x", DType::F32, [1, time, 3]);
            nn::rnn(at.child("rnn"), x, 16, Activation::Tanh, Recurrence::default());
        })?;
        let dense = parameters(|at: Scope<'_>| {
            let x = at.graph().input("x", DType::F32, [1, time * 3]);
            nn::linear(at.child("dense"), x, 16, Initial::Xavier);
        })?;
        Ok::<_, Error>(Length { time, recurrent, dense })
    };
    let lengths = [4, 50, 1000].into_iter().map(length).collect::<Result<_, _>>()?;
    let far = |weight| Ok::<_, Error>(Far { weight, slope: slope_after(weight, FAR)? });
    let far = [2.0, 0.5].into_iter().map(far).collect::<Result<_, _>>()?;
    Ok(Found { unit: UNIT, orders, lengths, far })
}

pub(super) fn lesson(_options: &Options) -> Result<Told, Error> {
    let found = find()?;
    let [oldest, newest] = &found.orders;
    let (last, by_hand) = (fixed(oldest.last, 4), fixed(oldest.last_by_hand, 4));
    let (sum, reversed) = (fixed(oldest.slope, 4), fixed(newest.last, 4));
    let parts = vec![
        Part::Paragraph(text!(
            "A recurrent net reads a sequence one step at a time, the oldest first, and carries a state h. \
             Unrolled it is a deep net with one layer a step, and every layer has the same weights. Below \
             one unit with ReLU reads four numbers.",
            "순환 신경망은 수열을 오래된 것부터 한 스텝씩 읽으며 상태 h를 넘깁니다. 펼치면 스텝마다 층이 하나인 \
             깊은 신경망이고, 모든 층의 가중치가 같습니다. 아래에서는 ReLU 유닛 하나가 수 네 개를 읽습니다.",
        )),
        Part::Board(board(&found)),
        Part::Paragraph(text!(
            "The loop gives {last}, and so do the four steps written out one after another: {by_hand}. The \
             shared weight's slope, {sum}, is the sum of those of its copies. The same numbers newest first \
             give {reversed}: order counts.",
            "루프의 결과는 {last}이고, 네 스텝을 하나씩 써 내려가도 {by_hand}입니다. 공유하는 가중치의 기울기 \
             {sum}은 스텝마다 둔 사본들의 기울기를 더한 것입니다. 같은 수를 최신 것부터 읽으면 {reversed}가 \
             나옵니다. 순서가 중요합니다.",
        )),
        Part::Table(lengths(&found)),
        Part::Table(far(&found)),
        Part::Paragraph(text!(
            "Over 50 steps the same weight multiplies the slope 50 times: above 1 it explodes, below 1 it \
             vanishes. `glassbox lesson N24` looks at that, and at what helps.",
            "50스텝 동안 같은 가중치가 기울기에 50번 곱해집니다. 1보다 크면 폭발하고 작으면 사라집니다. \
             무엇이 도움이 되는지는 `glassbox lesson N24`에서 다룹니다.",
        )),
    ];
    Told::new(&found, parts)
}

fn board(found: &Found) -> Board {
    let Unit { input, bias: _, recurrent } = found.unit;
    let weight = |weight: f32| fixed(f64::from(weight), 1);
    let (input, recurrent) = (weight(input), weight(recurrent));
    let [oldest, _] = &found.orders;
    let line = |(at, step): (usize, &Step)| {
        let [x, before, hidden, slope] =
            [step.x, step.before, step.hidden, step.slope].map(|number| fixed(number, 4));
        format!(
            "step {at}:  relu({input} · {x:>6}  +  {recurrent} · {before:>6})  =  h{at} = {hidden:>6}      \
             dh/dw{at} = {slope:>7}"
        )
    };
    Board {
        title: text!(
            "the unit unrolled, and the last state's slope by each step's copy of w = {recurrent}",
            "펼친 유닛, 그리고 스텝마다 w = {recurrent}의 사본에 대한 마지막 상태의 기울기"
        ),
        lines: (1..).zip(&oldest.steps).map(line).collect(),
    }
}

fn lengths(found: &Found) -> Table {
    let row = |length: &Length| {
        let numbers = [length.time, length.recurrent, length.dense];
        numbers.map(|number| Text::same(fixed(number as f64, 0))).to_vec()
    };
    Table {
        title: text!(
            "parameters by the length of sequences: 16 units, 3 numbers a step",
            "수열 길이에 따른 매개변수 수: 유닛 16개, 스텝마다 수 3개"
        ),
        columns: vec![
            text!("steps", "스텝"),
            text!("recurrent", "순환"),
            text!("dense over all steps", "모든 스텝을 보는 밀집 층"),
        ],
        rows: found.lengths.iter().map(row).collect(),
    }
}

fn far(found: &Found) -> Table {
    let row = |far: &Far| {
        let weight = fixed(f64::from(far.weight), 1);
        vec![Text::same(weight), Text::same(scientific(far.slope, 2))]
    };
    Table {
        title: text!(
            "the slope of h after {FAR} steps by the first h (ReLU)",
            "{FAR}스텝 뒤 h의, 첫 h에 대한 기울기 (ReLU)"
        ),
        columns: vec![Text::same("w"), text!("slope", "기울기")],
        rows: found.far.iter().map(row).collect(),
    }
}
