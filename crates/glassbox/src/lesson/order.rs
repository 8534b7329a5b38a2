//! S10: attention alone does not know order; positions tell it.

use glassbox_engine::{DType, Parameters, Scope, Tensor};
use serde::Serialize;

use crate::Error;
use crate::lesson::practice::{Practice, array, computed, named};
use crate::lesson::{Options, Part, Table, Text, Told, text};
use crate::nn::{self, Initial, Loss, Mask};
use crate::report::{fixed, scientific};

const WORDS: [&str; 3] = ["나", "너", "돈줘"];
/// The two sentences, of the same words: I … you give money, you … me give money.
const SENTENCES: [[i64; 3]; 2] = [[0, 1, 2], [1, 0, 2]];
const TIME: usize = 3;
const WIDTH: usize = 16;

/// How attention is told where words stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Positions {
    /// Not at all.
    None,
    /// Waves are added to the words.
    Sinusoidal,
    /// Learned vectors are added to the words.
    Learned,
    /// Queries and keys are turned by an angle that grows with the place.
    Rotary,
}

impl Positions {
    /// All of them.
    pub const ALL: [Positions; 4] =
        [Positions::None, Positions::Sinusoidal, Positions::Learned, Positions::Rotary];

    fn name(self) -> Text {
        match self {
            Positions::None => text!("none", "없음"),
            Positions::Sinusoidal => text!("sinusoidal", "사인파"),
            Positions::Learned => text!("learned", "학습"),
            Positions::Rotary => text!("rotary", "회전"),
        }
    }

    /// One head of self-attention over `ids [rows, 3]`: what it gives at each place, `[rows, 3, 16]`.
    #[track_caller]
    fn attend<'g>(self, at: Scope<'g>, ids: Tensor<'g>) -> Tensor<'g> {
        let table = nn::embedding_table(at.child("words"), WORDS.len(), WIDTH);
        let x = nn::embedding(table, ids, None);
        let x = match self {
            Positions::None | Positions::Rotary => x,
            Positions::Sinusoidal => x + nn::sinusoidal_positions(at.graph(), TIME, WIDTH),
            // Drawn larger than usual, so that the lesson is short.
            Positions::Learned => {
                let normal = glassbox_engine::Initial::Normal { mean: 0.0, deviation: 1.0 };
                x + at.child("places").parameter("weight", [TIME, WIDTH], normal)
            }
        };
        let [q, k, v] =
            ["q", "k", "v"].map(|name| nn::linear(at.child(name), x, WIDTH, Initial::Xavier));
        let (q, k) = match self {
            Positions::Rotary => (nn::rotary(q), nn::rotary(k)),
            _ => (q, k),
        };
        nn::attention(q, k, v, Mask::ALL)
    }
}

/// What a way of telling positions does.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Order {
    /// Which one.
    pub positions: Positions,
    /// The largest difference, as drawn, between what a word gets in one sentence and in the other.
    pub words_apart: f64,
    /// The same of the mean over the sentence.
    pub means_apart: f64,
    /// The loss after training to tell the sentences apart; ln 2 = 0.693 is guessing.
    pub loss: f64,
}

/// Compares the two sentences as the weights are drawn, and after training to tell them apart.
///
/// # Errors
/// None.
///
/// ```
/// use glassbox::lesson::order::{Positions, compare};
/// let none = compare(Positions::None, 42)?;
/// assert!(none.words_apart < 1e-6 && none.loss > 0.69);
/// # Ok::<(), glassbox::Error>(())
/// ```
pub fn compare(positions: Positions, seed: u64) -> Result<Order, Error> {
    let ids = named([("ids", array([2, TIME], SENTENCES.concat())?)]);
    let drawn: Parameters = {
        let graph = glassbox_engine::Graph::new();
        let at = graph.root(glassbox_engine::Mode::Eval);
        positions.attend(at, graph.input("ids", DType::I64, [2, TIME]));
        graph.check()?;
        graph.initial_values(seed)
    };
    let found = computed(&drawn, &ids, |at| {
        vec![positions.attend(at, at.graph().input("ids", DType::I64, [2, TIME]))]
    })?;
    let numbers = found.first().map(Vec::as_slice).unwrap_or_default();
    let at = |sentence: usize, place: usize| {
        let from = (sentence * TIME + place) * WIDTH;
        numbers.get(from..from + WIDTH).unwrap_or_default()
    };
    let apart =
        |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0f64, f64::max);
    // The same word's places in both sentences.
    let words = (0..TIME).map(|place| {
        let word = SENTENCES[0][place];
        let other = SENTENCES[1].iter().position(|id| *id == word).unwrap_or(place);
        apart(at(0, place), at(1, other))
    });
    let words_apart = words.fold(0.0, f64::max);
    let mean = |sentence: usize| -> Vec<f64> {
        let sum = |i: usize| (0..TIME).filter_map(|place| at(sentence, place).get(i)).sum::<f64>();
        (0..WIDTH).map(|i| sum(i) / TIME as f64).collect()
    };
    let means_apart = apart(&mean(0), &mean(1));
    let mut given = ids;
    given.insert("labels", array([2], vec![0i64, 1])?);
    let learned = Practice::adam(0.01, 200, seed).learn(
        |at| {
            let ids = at.graph().input("ids", DType::I64, [2, TIME]);
            let labels = at.graph().input("labels", DType::I64, [2]);
            let mean = positions.attend(at, ids).mean_axis(1).reshape([2, WIDTH]);
            let scores = nn::linear(at.child("output"), mean, 2, Initial::Xavier);
            Loss::CrossEntropy.of(at.child("loss"), scores, labels)
        },
        |_| Ok(given.clone()),
    )?;
    Ok(Order { positions, words_apart, means_apart, loss: learned.last_loss() })
}

/// Every way.
///
/// # Errors
/// None.
pub fn find(options: &Options) -> Result<Vec<Order>, Error> {
    Positions::ALL.into_iter().map(|positions| compare(positions, options.seed)).collect()
}

pub(super) fn lesson(options: &Options) -> Result<Told, Error> {
    let found = find(options)?;
    let [first, second] =
        SENTENCES.map(|ids| ids.map(|id| WORDS.get(id as usize).copied().unwrap_or("")).join(" "));
    let row = |order: &Order| {
        let apart = [order.words_apart, order.means_apart].map(|x| scientific(x, 1));
        let cells = apart.into_iter().chain([fixed(order.loss, 4)]).map(Text::same);
        std::iter::once(order.positions.name()).chain(cells).collect()
    };
    let table = Table {
        title: text!("{first} / {second}", "{first} / {second}"),
        columns: vec![
            text!("positions", "위치"),
            text!("a word in both, apart", "같은 낱말의 차이"),
            text!("means, apart", "평균의 차이"),
            text!("loss after training", "훈련 뒤 손실"),
        ],
        rows: found.iter().map(row).collect(),
    };
    let parts = vec![
        Part::Paragraph(text!(
            "A recurrent net reads in order. Attention looks at all words at once: what a word gets is a \
             mix of the values of all of them, weighed by products of queries and keys, and nothing in it \
             says where a word stands. \"{first}\" (I, to you: give money) and \"{second}\" (you, to me) are \
             the same words in another order.",
            "순환 신경망은 차례로 읽습니다. 어텐션은 모든 낱말을 한꺼번에 봅니다. 낱말이 받는 것은 쿼리와 키의 \
             내적으로 가중한 값들의 합이고, 그 안에 낱말이 어디 있는지는 없습니다. \"{first}\"와 \"{second}\"는 \
             같은 낱말을 순서만 바꾼 말입니다.",
        )),
        Part::Table(table),
        Part::Paragraph(text!(
            "Without positions every word gets the same in both sentences, wherever it stands: the output \
             is permuted with the input, the mean is the same, and no training tells the two apart (ln 2 = \
             0.6931 is guessing). With waves or learned vectors added to the words, or queries and keys \
             turned by their place, other order gives other output, and the two are learned.",
            "위치가 없으면 낱말은 어디 있든 두 문장에서 같은 것을 받습니다. 출력은 입력을 따라 자리만 바뀌고 \
             평균은 같아서, 아무리 훈련해도 둘을 가르지 못합니다(찍으면 ln 2 = 0.6931). 낱말에 사인파나 \
             학습한 벡터를 더하거나 쿼리와 키를 자리만큼 돌리면, 순서가 다를 때 출력도 달라지고 둘을 가르는 \
             법을 배웁니다.",
        )),
    ];
    Told::new(&found, parts)
}
