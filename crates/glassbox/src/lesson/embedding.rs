//! S5: words as numbers that are learned from what comes next, beside arbitrary codes.

use glassbox_engine::random::Stream;
use glassbox_engine::{DType, Initial, Parameters, Scope, Tensor};
use serde::Serialize;

use crate::Error;
use crate::lesson::practice::{Learned, Practice, array, computed, named, parameters};
use crate::lesson::{Chart, Curve, Options, Part, Places, Table, Text, Told, text};
use crate::nn::{self, Loss, Optimizer};
use crate::report::fixed;

/// The tokens of "Troll 2 is great!" and "Gymkata is great!".
pub const TOKENS: [&str; 4] = ["Troll 2", "is", "great!", "Gymkata"];
/// What is read and what comes next, through both sentences.
const READ: [i64; 4] = [0, 1, 2, 3];
const NEXT: [i64; 4] = [1, 2, 3, 1];
/// A number for each token that nobody learned.
pub const CODES: [f32; 4] = [4.2, -7.7, -20.4, -32.1];
/// The two names.
const NAMES: [usize; 2] = [0, 3];
/// Identity units: numbers of a token.
const UNITS: usize = 2;
const STEPS: usize = 1000;
const RATE: f64 = 0.05;
/// What a step takes away of each weight, times the rate: what no next token needs fades. Without it weights
/// only grow, and the names stop on the way to each other.
const DECAY: f64 = 0.1;

/// Where the tokens lie, and how far the names are apart.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Lie {
    /// A place for each token: the weights from it to the two units.
    pub points: Vec<[f64; 2]>,
    /// The cosine of the angle between the two names.
    pub cosine: f64,
    /// The distance of the two names.
    pub distance: f64,
}

impl Lie {
    fn of(numbers: &[f64]) -> Self {
        let points: Vec<[f64; 2]> = numbers.chunks(UNITS).map(|at| [at[0], at[1]]).collect();
        let [a, b] = NAMES.map(|name| points.get(name).copied().unwrap_or_default());
        let length = |point: [f64; 2]| point[0].hypot(point[1]);
        let cosine = (a[0] * b[0] + a[1] * b[1]) / (length(a) * length(b));
        Lie { cosine, distance: length([a[0] - b[0], a[1] - b[1]]), points }
    }
}

/// What a net says comes next.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Says {
    /// Weights and biases that are learned.
    pub parameters: usize,
    /// The loss before each step.
    pub losses: Vec<f64>,
    /// For each token, the probability that it gives to what does come next.
    pub right: [f64; 4],
    /// Of how many tokens it tells the right one.
    pub told: usize,
}

/// What the lesson found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Found {
    /// The tokens' places as drawn.
    pub before: Lie,
    /// After training.
    pub after: Lie,
    /// The net that learns them.
    pub embedding: Says,
    /// A net that reads a code in place of the token.
    pub codes: Says,
}

/// Four tokens, two identity units, a score for each token: what comes next.
#[track_caller]
fn from_tokens<'g>(at: Scope<'g>) -> Tensor<'g> {
    let ids = at.graph().input("read", DType::I64, [READ.len()]);
    let table = nn::embedding_table(at.child("units"), TOKENS.len(), UNITS);
    let output = at.child("scores");
    let normal = Initial::Normal { mean: 0.0, deviation: 1.0 };
    let weights = output.parameter("weight", [UNITS, TOKENS.len()], normal);
    nn::embedding(table, ids, None).matmul(weights)
}

/// The same from a code: one number.
#[track_caller]
fn from_codes<'g>(at: Scope<'g>) -> Tensor<'g> {
    let codes = at.graph().input("codes", DType::F32, [READ.len(), 1]);
    nn::linear(at.child("scores"), codes, TOKENS.len(), nn::Initial::Xavier)
}

fn given() -> Result<Parameters, Error> {
    Ok(named([
        ("read", array([READ.len()], READ.to_vec())?),
        ("codes", array([READ.len(), 1], CODES.to_vec())?),
        ("next", array([NEXT.len()], NEXT.to_vec())?),
    ]))
}

/// Places to begin at: the first that are drawn with more than a right angle between the names.
fn drawn(seed: u64) -> Vec<f32> {
    let draw = |number: u64| -> Vec<f32> {
        let stream = Stream::new(seed, "lesson/embedding", number);
        (0..(TOKENS.len() * UNITS) as u64).map(|at| stream.normal(at) as f32).collect()
    };
    let apart = |numbers: &Vec<f32>| {
        let numbers: Vec<f64> = numbers.iter().copied().map(f64::from).collect();
        Lie::of(&numbers).cosine < 0.0
    };
    (0..64).map(draw).find(apart).unwrap_or_else(|| draw(0))
}

fn learn(
    net: for<'g> fn(Scope<'g>) -> Tensor<'g>,
    start: Parameters,
    seed: u64,
) -> Result<(Learned, Says), Error> {
    let all = given()?;
    let optimizer = Optimizer::ADAMW.with_lr(RATE).with_weight_decay(DECAY);
    let practice = Practice { optimizer, start, ..Practice::adam(RATE, STEPS, seed) };
    let learned = practice.learn(
        |at| {
            let scores = net(at);
            let next = at.graph().input("next", DType::I64, [NEXT.len()]);
            Loss::CrossEntropy.of(at.child("loss"), scores, next)
        },
        |_| Ok(all.clone()),
    )?;
    let found = computed(&learned.weights, &all, |at| vec![nn::softmax(net(at))])?;
    let shares = found.first().map(Vec::as_slice).unwrap_or_default();
    let (mut right, mut told) = ([0.0; 4], 0);
    for ((shares, next), right) in shares.chunks(TOKENS.len()).zip(NEXT).zip(&mut right) {
        *right = shares.get(next as usize).copied().unwrap_or(f64::NAN);
        told += usize::from(shares.iter().all(|share| share <= right));
    }
    let losses = learned.losses.clone();
    Ok((learned, Says { parameters: parameters(|at| _ = net(at))?, losses, right, told }))
}

/// Trains both nets.
///
/// # Errors
/// None.
///
/// ```
/// use glassbox::lesson::{Options, embedding};
/// let found = embedding::find(&Options::default())?;
/// assert!(found.after.cosine > 0.95 && found.after.cosine > found.before.cosine);
/// # Ok::<(), glassbox::Error>(())
/// ```
pub fn find(options: &Options) -> Result<Found, Error> {
    let before = drawn(options.seed);
    let start = named([("units/weight", array([TOKENS.len(), UNITS], before.clone())?)]);
    let (learned, embedding) = learn(from_tokens, start, options.seed)?;
    let after = learned.weights.get("units/weight").map(|t| t.to_f64()).unwrap_or_default();
    let before: Vec<f64> = before.into_iter().map(f64::from).collect();
    let (_, codes) = learn(from_codes, Parameters::new(), options.seed)?;
    Ok(Found { before: Lie::of(&before), after: Lie::of(&after), embedding, codes })
}

pub(super) fn lesson(options: &Options) -> Result<Told, Error> {
    let found = find(options)?;
    let [troll, gymkata] = NAMES.map(|name| CODES[name]);
    let apart = fixed(f64::from(troll - gymkata), 1);
    let [troll, gymkata] = [troll, gymkata].map(|code| fixed(f64::from(code), 1));
    let (codes, embedding) = (found.codes.told, found.embedding.told);
    let [from, to] = [&found.before, &found.after].map(|lie| fixed(lie.cosine, 3));
    let parameters = found.embedding.parameters;
    let parts = vec![
        Part::Paragraph(text!(
            "A net needs numbers for words. Codes that nobody learned, such as {troll} for Troll 2 and \
             {gymkata} for Gymkata, put words that are used alike {apart} apart: what is learned of one \
             says nothing of the other. Here the numbers are weights. Each of four tokens leads to two \
             identity units, and these to a score for each token; trained to tell the next token of \
             \"Troll 2 is great!\" and \"Gymkata is great!\", {parameters} weights in all.",
            "신경망이 낱말을 읽으려면 수가 필요합니다. Troll 2에 {troll}, Gymkata에 {gymkata}처럼 아무렇게나 \
             매긴 수는 똑같이 쓰이는 두 낱말을 {apart}만큼 떼어 놓습니다. 하나에 대해 배운 것이 다른 하나에는 \
             쓸모가 없습니다. 여기서는 그 수가 가중치입니다. 토큰 네 개가 저마다 항등 유닛 두 개로, 유닛들은 \
             토큰마다의 점수로 이어지고, \"Troll 2 is great!\"와 \"Gymkata is great!\"의 다음 토큰을 맞히도록 \
             훈련합니다. 가중치는 모두 {parameters}개입니다.",
        )),
        Part::Places(places("before", text!("before training", "훈련 전"), &found.before, &found)),
        Part::Places(places("after", text!("after training", "훈련 후"), &found.after, &found)),
        Part::Table(table(&found)),
        Part::Paragraph(text!(
            "Both names are followed by \"is\", so the same scores suit both, and the cosine between them \
             goes from {from} to {to}; each step also takes a little of every weight away, so that what no \
             next token needs fades. The net that reads codes tells {codes} of 4 next tokens, the one \
             that learned its numbers {embedding}: with one number, scores are lines over it, and no line \
             is the highest at both ends and not between.",
            "두 이름 뒤에는 모두 \"is\"가 오므로 둘에 맞는 점수가 같고, 둘 사이의 코사인은 {from}에서 {to}로 갑니다. \
             스텝마다 모든 가중치를 조금씩 줄이므로 다음 토큰에 필요 없는 부분은 사라집니다. \
             아무렇게나 매긴 수를 읽는 망은 다음 토큰 4개 가운데 {codes}개를, 수를 스스로 배운 망은 {embedding}개를 \
             맞힙니다. 수 하나를 읽으면 점수는 그 위의 직선이고, 양 끝에서는 가장 높으면서 가운데에서는 그렇지 \
             않은 직선은 없습니다.",
        )),
        Part::Chart(losses(&found)),
    ];
    Told::new(&found, parts)
}

fn places(name: &str, title: Text, lie: &Lie, found: &Found) -> Places {
    let all = found.before.points.iter().chain(&found.after.points);
    Places {
        name: name.into(),
        title,
        x: text!("first unit", "첫째 유닛"),
        y: text!("second unit", "둘째 유닛"),
        names: TOKENS.map(str::to_owned).to_vec(),
        points: lie.points.clone(),
        within: all.copied().collect(),
    }
}

fn table(found: &Found) -> Table {
    let cell = |x: f64, decimals| Text::same(fixed(x, decimals));
    let code = |from: usize, to: usize| f64::from((CODES[from] - CODES[to]).abs());
    let apart = |lie: &Lie, to: usize| {
        let [a, b] = [NAMES[0], to].map(|at| lie.points.get(at).copied().unwrap_or_default());
        (a[0] - b[0]).hypot(a[1] - b[1])
    };
    let row = |to: usize| {
        let distances = [code(NAMES[0], to), apart(&found.before, to), apart(&found.after, to)];
        let name = Text::same(format!("Troll 2 – {}", TOKENS[to]));
        std::iter::once(name).chain(distances.map(|x| cell(x, 2))).collect()
    };
    let cosine = [&found.before, &found.after].map(|lie| cell(lie.cosine, 3));
    let [before, after] = cosine;
    let mut rows: Vec<Vec<Text>> = [3, 1, 2].map(row).to_vec();
    rows.push(vec![
        text!("cosine of the names", "두 이름의 코사인"),
        Text::same("–"),
        before,
        after,
    ]);
    Table {
        title: text!("how far apart", "얼마나 떨어져 있나"),
        columns: vec![
            text!("between", "사이"),
            text!("codes", "매긴 수"),
            text!("before", "훈련 전"),
            text!("after", "훈련 후"),
        ],
        rows,
    }
}

fn losses(found: &Found) -> Chart {
    let curve = |name: Text, says: &Says| Curve {
        name,
        points: (1..).zip(&says.losses).map(|(step, loss)| (f64::from(step), *loss)).collect(),
    };
    Chart {
        name: "loss".into(),
        title: text!("the next token's loss", "다음 토큰의 손실"),
        x: text!("step", "스텝"),
        y: text!("cross entropy", "교차 엔트로피"),
        curves: vec![
            curve(text!("learned numbers", "배운 수"), &found.embedding),
            curve(text!("codes", "매긴 수"), &found.codes),
        ],
        within: None,
    }
}
