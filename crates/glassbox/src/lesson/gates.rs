//! S2: one LSTM unit on two companies (fixture F8): every gate at every step, and one weight's slope
//! by the chain rule.

use glassbox_engine::{DType, Parameters, Scope, Tensor};
use serde::Serialize;

use crate::Error;
use crate::data::{self, Dataset, Targets};
use crate::lesson::practice::{array, computed, named};
use crate::lesson::{Bars, Board, Options, Part, Table, Text, Told, text};
use crate::nn::{self, Loss, Module, Optimizer, Recurrence};
use crate::report::fixed;
use crate::train::Trainer;
use crate::watch::{Element, Explanation};

/// Days of a company.
const DAYS: usize = 4;
/// What is asked of the chain rule: the recurrent weight of the forget gate.
const WEIGHT: &str = "lstm/layer1/recurrent/weight[0, 1]";

/// Both companies' values on days 1 to 4; on day 5 A's is 0 and B's is 1. They differ on day 1 alone.
pub const COMPANIES: [(&str, [f32; DAYS], f32); 2] =
    [("A", [0.0, 0.5, 0.25, 1.0], 0.0), ("B", [1.0, 0.5, 0.25, 1.0], 1.0)];

/// One LSTM unit that reads numbers, oldest first, and answers with its last hidden state:
/// `[rows, time, 1]` → `[rows, 1]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unit;

impl Module for Unit {
    fn name(&self) -> &str {
        "lstm-unit"
    }

    #[track_caller]
    fn forward<'g>(&self, at: Scope<'g>, days: Tensor<'g>) -> Tensor<'g> {
        let [hidden, _cell] = nn::lstm(at.child("lstm"), days, 1, Recurrence::default()).last;
        hidden.reshape([days.dim(0), 1])
    }
}

/// The unit's weights (the syllabus' fixture F8): columns are input gate, forget gate, candidate,
/// output gate.
///
/// # Errors
/// None.
pub fn weights() -> Result<Parameters, Error> {
    let row = |numbers: [f32; 4]| array([1, 4], numbers.to_vec());
    let biases = |numbers: [f32; 4]| array([4], numbers.to_vec());
    Ok(named([
        ("lstm/layer1/input/weight", row([1.65, 1.63, 0.94, -0.19])?),
        ("lstm/layer1/input/bias", biases([0.62, 1.62, -0.32, 0.59])?),
        ("lstm/layer1/recurrent/weight", row([2.00, 2.70, 1.41, 4.38])?),
        ("lstm/layer1/recurrent/bias", biases([0.0; 4])?),
    ]))
}

/// One step of the unit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Step {
    /// What is read.
    pub x: f64,
    /// The share of the cell state that is kept.
    pub forget: f64,
    /// The share of the candidate that is let in.
    pub input: f64,
    /// What could be added to the cell state.
    pub candidate: f64,
    /// The share of the cell state, squashed, that is shown.
    pub output: f64,
    /// c ← forget · c + input · candidate.
    pub cell: f64,
    /// h ← output · tanh c.
    pub hidden: f64,
}

/// A company's days, and what the unit answers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Company {
    /// `A` or `B`.
    pub name: &'static str,
    /// Day by day.
    pub steps: Vec<Step>,
    /// The last hidden state.
    pub answer: f64,
    /// What was observed on day 5.
    pub observed: f64,
}

/// What the lesson found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Found {
    /// Both companies through the unit.
    pub companies: Vec<Company>,
    /// The slope of B's answer with respect to one weight, as a sum over the days, one step of training
    /// later.
    pub slope: Explanation,
}

/// Runs sequences of `[rows, time]` through the unit with these weights, each number read from the
/// graph.
///
/// # Errors
/// Weights of other shapes.
///
/// ```
/// use glassbox::lesson::gates::{walk, weights};
/// let steps = &walk(&weights()?, &[vec![1.0, 0.5, 0.25, 1.0]])?[0];
/// assert_eq!(format!("{:.2}", steps[3].hidden), "0.97");
/// # Ok::<(), glassbox::Error>(())
/// ```
pub fn walk(weights: &Parameters, rows: &[Vec<f32>]) -> Result<Vec<Vec<Step>>, Error> {
    let time = rows.first().map_or(0, Vec::len);
    let shape = [rows.len(), time, 1];
    let given = named([("days", array(shape, rows.concat())?)]);
    let gates = ["forget_gate", "input_gate", "candidate", "output_gate", "cell", "hidden"];
    let found = computed(weights, &given, |at| {
        let days = at.graph().input("days", DType::F32, shape);
        Unit.forward(at, days);
        let every = |gate: &str| at.graph().named(&format!("lstm/layer1/{gate}"));
        gates.iter().filter_map(|gate| every(gate)).map(Tensor::every_step).collect()
    })?;
    let step = |row: usize, day: usize, x: f32| {
        // Steps come first: `[time, rows, 1]`.
        let of = |gate: usize| {
            let numbers = found.get(gate).and_then(|all| all.get(day * rows.len() + row));
            numbers.copied().unwrap_or(f64::NAN)
        };
        let [forget, input, candidate, output, cell, hidden] = std::array::from_fn(of);
        Step { x: f64::from(x), forget, input, candidate, output, cell, hidden }
    };
    let walked = |(row, days): (usize, &Vec<f32>)| {
        days.iter().enumerate().map(|(day, x)| step(row, day, *x)).collect()
    };
    Ok(rows.iter().enumerate().map(walked).collect())
}

/// Walks both companies, and asks for the slope.
///
/// # Errors
/// None that the companies cause.
pub fn find() -> Result<Found, Error> {
    let weights = weights()?;
    let rows: Vec<Vec<f32>> = COMPANIES.iter().map(|(_, days, _)| days.to_vec()).collect();
    let walked = walk(&weights, &rows)?;
    let company = |((name, _, observed), steps): (&(&'static str, _, f32), Vec<Step>)| Company {
        name,
        answer: steps.last().map_or(f64::NAN, |step| step.hidden),
        observed: f64::from(*observed),
        steps,
    };
    let companies = COMPANIES.iter().zip(walked).map(company).collect();
    let options = data::Options { valid: Some(0.0), test: Some(0.0), ..Default::default() };
    let observed = Targets::Values(COMPANIES.iter().map(|company| company.2).collect());
    let data = Dataset::from_arrays(array([2, DAYS, 1], rows.concat())?, observed, &options)?;
    let run = Trainer::new(Unit)
        .start_with(weights)
        .loss(Loss::SquaredError)
        .optimizer(Optimizer::GRADIENT_DESCENT.with_lr(0.1))
        .batch(2)
        .epochs(1)
        .watch(0)
        .fit(&data)?;
    let moment = run.moment()?;
    let of_b = moment.row_of(2)?;
    let [answer, weight] = [format!("prediction[{of_b}, 0]"), WEIGHT.to_owned()].map(|name| {
        Element::parse(&name).ok_or_else(|| Error::new(format!("`{name}` is no element")))
    });
    let slope = moment.explain_from(Some(&answer?), &weight?, None)?;
    Ok(Found { companies, slope })
}

pub(super) fn lesson(_options: &Options) -> Result<Told, Error> {
    let found = find()?;
    let mut parts = vec![Part::Paragraph(text!(
        "An LSTM unit carries two numbers from step to step: the cell state c, its long memory, and the \
         hidden state h, which it shows. The forget gate is the share of c that is kept, the input gate \
         the share of the candidate that is added, the output gate the share of tanh c that becomes h. \
         Two companies have the same values on days 2 to 4 and differ on day 1; the unit shall say day \
         5, which is 0 for A and 1 for B: it must remember day 1 for four steps.",
        "LSTM 유닛은 스텝마다 두 수를 넘깁니다. 긴 기억인 셀 상태 c와 밖으로 보이는 은닉 상태 h입니다. \
         망각 게이트는 c를 남기는 비율, 입력 게이트는 후보를 더하는 비율, 출력 게이트는 tanh c를 h로 \
         내보내는 비율입니다. 두 회사의 값은 2~4일째가 같고 첫날만 다릅니다. 유닛은 5일째 값을 맞혀야 \
         합니다. A는 0, B는 1이므로 첫날을 네 스텝 동안 기억해야 합니다.",
    ))];
    for company in &found.companies {
        parts.push(Part::Table(steps(company)));
    }
    parts.push(Part::Bars(shares(&found)));
    let answer = |at: usize| found.companies.get(at).map_or(f64::NAN, |company| company.answer);
    let (a, b) = (fixed(answer(0), 2), fixed(answer(1), 2));
    parts.push(Part::Paragraph(text!(
        "The last h is the answer: {a} for A, {b} for B. On day 1 B's candidate is let in, A's is \
         negative; after that both read the same, and what differs is what the cell kept.",
        "마지막 h가 답입니다. A는 {a}, B는 {b}입니다. 첫날 B의 후보는 셀에 들어가고 A의 후보는 \
         음수입니다. 그 뒤로 둘은 같은 값을 읽으므로, 다른 것은 셀에 남은 것뿐입니다.",
    )));
    let lines = found.slope.to_string().lines().map(str::to_owned).collect();
    let title = text!(
        "how B's answer depends on one weight: upstream × local, day by day, after one step of training",
        "B의 답이 가중치 하나에 얼마나 달려 있는가: 훈련 한 스텝 뒤, 날마다 상류 × 국소 미분"
    );
    parts.push(Part::Board(Board { title, lines }));
    parts.push(Part::Paragraph(text!(
        "The weight is the same on every day, so its slope is a sum over the days; each term is the \
         slope of the answer by what the weight feeds on that day, times what the weight is multiplied \
         with: the hidden state before. On day 1 that is 0.",
        "가중치는 날마다 같은 것이므로 그 기울기는 날들의 합입니다. 각 항은 그날 가중치가 들어가는 곳에 대한 \
         답의 기울기에, 가중치와 곱해지는 수(직전 은닉 상태)를 곱한 것입니다. 첫날 그 수는 0입니다.",
    )));
    Told::new(&found, parts)
}

fn steps(company: &Company) -> Table {
    let row = |(day, step): (usize, &Step)| {
        let numbers =
            [step.forget, step.input, step.candidate, step.output, step.cell, step.hidden];
        let cells = numbers.map(|number| fixed(number, 3));
        let day = [day.to_string(), fixed(step.x, 2)];
        day.into_iter().chain(cells).map(Text::same).collect()
    };
    let name = company.name;
    Table {
        title: text!("company {name}", "회사 {name}"),
        columns: vec![
            text!("day", "날"),
            Text::same("x"),
            text!("forget", "망각"),
            text!("input", "입력"),
            text!("candidate", "후보"),
            text!("output", "출력"),
            Text::same("c"),
            Text::same("h"),
        ],
        rows: (1..).zip(&company.steps).map(row).collect(),
    }
}

fn shares(found: &Found) -> Bars {
    type Share = fn(&Step) -> f64;
    let gates: [(Text, Share); 3] = [
        (text!("forget", "망각"), |step| step.forget),
        (text!("input", "입력"), |step| step.input),
        (text!("output", "출력"), |step| step.output),
    ];
    let rows = found.companies.iter().flat_map(|company| {
        let name = company.name;
        gates.iter().map(move |(gate, share)| {
            let Text { english, korean } = gate;
            let values = company.steps.iter().map(share).collect();
            (text!("{name} {english}", "{name} {korean}"), values)
        })
    });
    Bars {
        name: "gates".into(),
        title: text!("shares of the gates, day by day", "날마다 게이트가 통과시키는 비율"),
        ends: (0.0, 1.0),
        rows: rows.collect(),
    }
}
