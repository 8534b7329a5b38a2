//! S9: why attention divides by √d_k, by width; and what the heads of a small attention learn to look
//! at.

use glassbox_engine::random::Stream;
use glassbox_engine::{DType, Parameters, Scope, Tensor, grad};
use serde::Serialize;

use crate::Error;
use crate::lesson::practice::{Practice, array, computed, named};
use crate::lesson::{Board, Chart, Curve, Options, Part, Pictures, Shown, Table, Text, Told, text};
use crate::nn::{self, Initial, Loss, Mask};
use crate::report::{fixed, scientific};

/// Queries that are averaged over, and keys that each looks at.
const QUERIES: usize = 256;
const KEYS: usize = 32;
/// The widths d_k.
const WIDTHS: [usize; 6] = [1, 4, 16, 64, 256, 1024];

/// The task of the heads: symbols, steps of a sequence, width and heads of the attention.
const SYMBOLS: usize = 6;
const TIME: usize = 8;
const WIDTH: usize = 32;
const HEADS: usize = 2;

/// Softmax over the scores of random queries and keys.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Softened {
    /// The variance of the scores.
    pub variance: f64,
    /// The mean of each query's largest share (1/32 where it looks at all keys alike).
    pub largest: f64,
    /// The norm of the slope of a query's result by its scores: that of half of the queries is smaller.
    pub gradient: f64,
}

/// A width, with the scores as they are and divided by √d_k.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Width {
    /// d_k: numbers of a query and of a key, each drawn from N(0, 1).
    pub width: usize,
    /// Of q·k.
    pub plain: Softened,
    /// Of q·k / √d_k.
    pub scaled: Softened,
}

/// Measures softmax over `q·k` and over `q·k / √d_k` of random vectors of this width.
///
/// # Errors
/// None.
///
/// ```
/// let found = glassbox::lesson::scaled::measure(1024, 42)?;
/// assert!(found.plain.variance > 900.0 && found.scaled.variance < 1.3);
/// assert!(found.scaled.gradient > 3.0 * found.plain.gradient);
/// # Ok::<(), glassbox::Error>(())
/// ```
pub fn measure(width: usize, seed: u64) -> Result<Width, Error> {
    let draw = |name: &str, rows: usize| {
        let stream = Stream::new(seed, name, 0);
        let numbers: Vec<f32> = (0..rows * width).map(|i| stream.normal(i as u64) as f32).collect();
        array([rows, width], numbers)
    };
    let values = Stream::new(seed, "lesson/scaled/values", 0);
    let values: Vec<f32> = (0..KEYS).map(|i| values.normal(i as u64) as f32).collect();
    let given = named([
        ("q", draw("lesson/scaled/queries", QUERIES)?),
        ("k", draw("lesson/scaled/keys", KEYS)?),
        ("v", array([KEYS, 1], values)?),
    ]);
    let found = computed(&Parameters::new(), &given, |at| {
        let graph = at.graph();
        let q = graph.input("q", DType::F32, [QUERIES, width]);
        let k = graph.input("k", DType::F32, [KEYS, width]);
        let v = graph.input("v", DType::F32, [KEYS, 1]);
        let scores = q.matmul(k.transpose());
        let root = (width as f64).sqrt();
        [scores, scores * (1.0 / root)].into_iter().flat_map(|scores| softened(scores, v)).collect()
    })?;
    let mut numbers = found.iter().map(|numbers| median(numbers));
    let mut next = || numbers.next().unwrap_or(f64::NAN);
    let mut one = || Softened { variance: next(), largest: next(), gradient: next() };
    Ok(Width { width, plain: one(), scaled: one() })
}

/// The number in the middle; of one number itself.
fn median(numbers: &[f64]) -> f64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Variance of the scores, mean of the largest share, size of each query's slope.
#[track_caller]
fn softened<'g>(scores: Tensor<'g>, v: Tensor<'g>) -> [Tensor<'g>; 3] {
    let variance = (scores - scores.mean()).square().mean();
    let shares = nn::softmax(scores);
    let slope = grad(shares.matmul(v).sum(), &[scores])[0];
    [variance, shares.max_axis(-1).mean(), slope.square().sum_axis(-1).sqrt()]
}

/// What the heads of a trained attention look at in one sequence.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Heads {
    /// The symbols.
    pub sequence: Vec<i64>,
    /// For each head, for each place, the share of every place.
    pub shares: Vec<Vec<Vec<f64>>>,
    /// For each head, the mean share (places 1 and on) of the place before, and of the first place.
    pub looks: Vec<[f64; 2]>,
    /// The loss after training; 2 · ln 6 = 3.58 is guessing.
    pub loss: f64,
}

/// What the lesson found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Found {
    /// Queries and keys.
    pub drawn: [usize; 2],
    /// By width.
    pub widths: Vec<Width>,
    /// A trained attention of two heads.
    pub heads: Heads,
}

/// One attention of two heads on symbols with positions: scores of the symbol before and of the first.
#[track_caller]
fn answers<'g>(at: Scope<'g>, ids: Tensor<'g>) -> [Tensor<'g>; 2] {
    let table = nn::embedding_table(at.child("symbols"), SYMBOLS, WIDTH);
    let x = nn::embedding(table, ids, None);
    let x = x + nn::sinusoidal_positions(at.graph(), TIME, WIDTH);
    let y = nn::multi_head_attention(at.child("heads"), x, x, HEADS, Mask::CAUSAL);
    let flat = y.reshape([ids.elements(), WIDTH]);
    ["before", "first"].map(|name| nn::linear(at.child(name), flat, SYMBOLS, Initial::Xavier))
}

/// Trains the attention to tell, at each place, which symbol stood before it and which at the start.
///
/// # Errors
/// None.
pub fn learn_heads(seed: u64) -> Result<Heads, Error> {
    const ROWS: usize = 32;
    let draw = |step: u64, rows: usize| -> Result<(Vec<i64>, Parameters), Error> {
        let stream = Stream::new(seed, "lesson/scaled/symbols", 0).at_step(step);
        let ids: Vec<i64> =
            (0..rows * TIME).map(|i| (stream.uniform(i as u64) * SYMBOLS as f64) as i64).collect();
        let at = |i: usize| ids.get(i).copied().unwrap_or(0);
        let first = |i: usize| i - i % TIME;
        let before: Vec<i64> =
            (0..ids.len()).map(|i| at(if i % TIME > 0 { i - 1 } else { i })).collect();
        let firsts: Vec<i64> = (0..ids.len()).map(|i| at(first(i))).collect();
        let given = named([
            ("ids", array([rows, TIME], ids.clone())?),
            ("before", array([rows * TIME], before)?),
            ("first", array([rows * TIME], firsts)?),
        ]);
        Ok((ids, given))
    };
    let learned = Practice::adam(0.01, 400, seed).learn(
        |at| {
            let ids = at.graph().input("ids", DType::I64, [ROWS, TIME]);
            let [before, first] = answers(at, ids);
            let of = |name: &str, scores| {
                let labels = at.graph().input(name, DType::I64, [ROWS * TIME]);
                Loss::CrossEntropy.of(at.child(&format!("loss_{name}")), scores, labels)
            };
            of("before", before) + of("first", first)
        },
        |step| Ok(draw(step as u64, ROWS)?.1),
    )?;
    let (sequence, given) = draw(0, 1)?;
    let found = computed(&learned.weights, &given, |at| {
        answers(at, at.graph().input("ids", DType::I64, [1, TIME]));
        at.graph().named("heads/attention").into_iter().collect()
    })?;
    let numbers = found.first().map(Vec::as_slice).unwrap_or_default();
    let shares: Vec<Vec<Vec<f64>>> = numbers
        .chunks(TIME * TIME)
        .map(|head| head.chunks(TIME).map(<[f64]>::to_vec).collect())
        .collect();
    let looks = shares.iter().map(|head| {
        let mean = |place: fn(usize) -> usize| {
            let shares = (1..TIME).filter_map(|at| head.get(at)?.get(place(at)));
            shares.sum::<f64>() / (TIME - 1) as f64
        };
        [mean(|at| at - 1), mean(|_| 0)]
    });
    Ok(Heads { sequence, looks: looks.collect(), shares, loss: learned.last_loss() })
}

/// Measures the widths and trains the heads.
///
/// # Errors
/// None.
pub fn find(options: &Options) -> Result<Found, Error> {
    let widths = WIDTHS.into_iter().map(|width| measure(width, options.seed));
    let widths = widths.collect::<Result<_, _>>()?;
    Ok(Found { drawn: [QUERIES, KEYS], widths, heads: learn_heads(options.seed)? })
}

pub(super) fn lesson(options: &Options) -> Result<Told, Error> {
    let found = find(options)?;
    let loss = fixed(found.heads.loss, 2);
    let mut parts = vec![
        Part::Paragraph(text!(
            "Attention's shares are softmax(q·k). The product is a sum of d_k terms; with numbers of mean 0 \
             and variance 1 its variance is d_k. The wider, the farther apart the scores, until softmax \
             gives all to one key: it saturates, and no slope is left to learn by. Divided by √d_k the \
             variance is 1 at every width. Below, {QUERIES} random queries look at {KEYS} random keys.",
            "어텐션의 몫은 softmax(q·k)입니다. 내적은 항 d_k개의 합이므로, 평균 0 분산 1인 수라면 분산이 \
             d_k입니다. 넓을수록 점수가 벌어지고, 마침내 softmax는 키 하나에 모두를 줍니다. 포화되어 배울 \
             기울기가 남지 않습니다. √d_k로 나누면 너비와 상관없이 분산이 1입니다. 아래에서는 무작위 쿼리 \
             {QUERIES}개가 무작위 키 {KEYS}개를 봅니다.",
        )),
        Part::Table(widths(&found)),
        Part::Chart(slopes(&found)),
        Part::Paragraph(text!(
            "Several heads are several subspaces, each with shares of its own. This attention of {HEADS} \
             heads was trained to tell, at each place, the symbol before it and the first symbol (loss \
             {loss}; 3.58 is guessing). A row is a place that looks, a column a place that is looked at; it \
             sees nothing ahead.",
            "여러 헤드는 여러 부분 공간이며 몫을 저마다 따로 매깁니다. 헤드 {HEADS}개인 이 어텐션은 자리마다 바로 \
             앞 기호와 맨 처음 기호를 맞히도록 훈련했습니다(손실 {loss}, 찍으면 3.58). 행은 보는 자리, 열은 \
             보이는 자리이고, 앞날은 보지 못합니다.",
        )),
    ];
    for (number, head) in (1..).zip(&found.heads.shares) {
        parts.push(Part::Board(grid(number, &found.heads.sequence, head)));
    }
    parts.push(Part::Table(looks(&found)));
    parts.push(Part::Pictures(pictures(&found)));
    Told::new(&found, parts)
}

fn widths(found: &Found) -> Table {
    let row = |width: &Width| {
        let of = |soft: Softened| {
            [fixed(soft.variance, 2), fixed(soft.largest, 3), scientific(soft.gradient, 2)]
        };
        let name = std::iter::once(width.width.to_string());
        name.chain(of(width.plain)).chain(of(width.scaled)).map(Text::same).collect()
    };
    Table {
        title: text!("softmax by width", "너비에 따른 softmax"),
        columns: vec![
            Text::same("d_k"),
            text!("variance of q·k", "q·k의 분산"),
            text!("largest share", "가장 큰 몫"),
            text!("slope", "기울기"),
            text!("variance / √d_k", "√d_k로 나눈 분산"),
            text!("largest share", "가장 큰 몫"),
            text!("slope", "기울기"),
        ],
        rows: found.widths.iter().map(row).collect(),
    }
}

fn slopes(found: &Found) -> Chart {
    let curve = |name: Text, of: fn(&Width) -> f64| Curve {
        name,
        points: found.widths.iter().map(|w| ((w.width as f64).log2(), of(w))).collect(),
    };
    Chart {
        name: "slopes".into(),
        title: text!(
            "the slope of a query's result by its scores",
            "점수에 대한 쿼리 결과의 기울기"
        ),
        x: text!("log₂ d_k", "log₂ d_k"),
        y: text!("norm, median of the queries", "크기, 쿼리들의 중앙값"),
        curves: vec![
            curve(text!("q·k", "q·k"), |width| width.plain.gradient),
            curve(text!("q·k / √d_k", "q·k / √d_k"), |width| width.scaled.gradient),
        ],
        within: None,
    }
}

fn symbol(id: i64) -> char {
    u8::try_from(id).map_or('?', |id| char::from(b'a' + id.min(25)))
}

fn grid(number: usize, sequence: &[i64], head: &[Vec<f64>]) -> Board {
    let letters = || sequence.iter().map(|id| symbol(*id));
    let columns: String = letters().map(|letter| format!("    {letter}")).collect();
    let row = |(letter, shares): (char, &Vec<f64>)| {
        let cells = shares.iter().enumerate().map(|(at, share)| match *share > 0.0 {
            true => format!(" {share:.2}"),
            false if at == 0 => " 0.00".to_owned(),
            false => "    ·".to_owned(),
        });
        format!("{letter} {}", cells.collect::<String>())
    };
    let lines = std::iter::once(format!("  {columns}")).chain(letters().zip(head).map(row));
    Board {
        title: text!("head {number}: who looks at whom", "헤드 {number}: 누가 누구를 보는가"),
        lines: lines.collect(),
    }
}

fn looks(found: &Found) -> Table {
    let row = |(number, looks): (usize, &[f64; 2])| {
        let cells = looks.map(|share| Text::same(fixed(share, 3)));
        std::iter::once(text!("head {number}", "헤드 {number}")).chain(cells).collect()
    };
    Table {
        title: text!("mean share, from the second place on", "둘째 자리부터의 평균 몫"),
        columns: vec![
            text!("head", "헤드"),
            text!("the place before", "바로 앞 자리"),
            text!("the first place", "첫 자리"),
        ],
        rows: (1..).zip(&found.heads.looks).map(row).collect(),
    }
}

fn pictures(found: &Found) -> Pictures {
    let shown = |(number, head): (usize, &Vec<Vec<f64>>)| Shown {
        caption: format!("head {number}"),
        shape: [TIME, TIME, 1],
        pixels: head.iter().flatten().map(|share| *share as f32).collect(),
    };
    Pictures {
        name: "heads".into(),
        title: "Shares: who looks (row) at whom (column)".into(),
        columns: HEADS,
        images: (1..).zip(&found.heads.shares).map(shown).collect(),
    }
}
