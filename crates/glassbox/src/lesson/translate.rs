//! S7: an encoder–decoder LSTM learns "let's go" → "vamos".

use glassbox_engine::{DType, Graph, Mode, Parameters, Scope, Tensor};
use serde::Serialize;

use crate::Error;
use crate::lesson::practice::{Practice, array, computed, named, parameters};
use crate::lesson::{Options, Part, Table, Text, Told, text};
use crate::nn::{self, Initial, Loss, Recurrence};
use crate::report::fixed;

const SOURCE: [&str; 4] = ["let's", "to", "go", "<eos>"];
const TARGET: [&str; 4] = ["ir", "vamos", "y", "<eos>"];
/// The end of a sentence, which also begins the decoder's.
const EOS: i64 = 3;
/// Ids of the two sentences, and of what they are in Spanish.
const PAIRS: [([i64; 2], i64); 2] = [([0, 2], 1), ([1, 2], 0)];
/// Steps of training, and words that are decoded at most.
const STEPS: usize = 600;
const LONGEST: usize = 4;

/// An encoder–decoder (Sutskever, Vinyals and Le 2014): an LSTM reads the source, and its last states are
/// all that the LSTM of the target starts from. Each side has words of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Translator {
    /// Words of the source.
    pub source: usize,
    /// Words of the target.
    pub target: usize,
    /// Numbers of a word, and units of each layer.
    pub width: usize,
    /// Layers of the encoder and of the decoder.
    pub layers: usize,
}

/// The one that is trained: 220 parameters.
pub const SMALL: Translator = Translator { source: 4, target: 4, width: 2, layers: 2 };
/// That of the paper: 384 million, biases left out.
pub const LARGE: Translator =
    Translator { source: 160_000, target: 80_000, width: 1000, layers: 4 };

impl Translator {
    /// The context vector of `ids [rows, time]`: hidden and cell states of every layer, each
    /// `[layers, rows, width]`.
    #[track_caller]
    fn encode<'g>(&self, at: Scope<'g>, ids: Tensor<'g>) -> [Tensor<'g>; 2] {
        let table = nn::embedding_table(at.child("source"), self.source, self.width);
        let settings = Recurrence { layers: self.layers, ..Recurrence::default() };
        nn::lstm(at.child("encoder"), nn::embedding(table, ids, None), self.width, settings).last
    }

    /// The scores of the word after each of `ids [rows, time]`, `[rows · time, target]`.
    #[track_caller]
    fn decode<'g>(&self, at: Scope<'g>, context: [Tensor<'g>; 2], ids: Tensor<'g>) -> Tensor<'g> {
        let table = nn::embedding_table(at.child("target"), self.target, self.width);
        let x = nn::embedding(table, ids, None);
        let settings =
            Recurrence { layers: self.layers, first: Some(context), ..Recurrence::default() };
        let states = nn::lstm(at.child("decoder"), x, self.width, settings).outputs;
        let flat = states.reshape([ids.elements(), self.width]);
        nn::linear(at.child("output"), flat, self.target, Initial::Xavier)
    }

    /// How many numbers it learns, weights and biases, counted on its graph.
    ///
    /// # Errors
    /// None.
    ///
    /// ```
    /// use glassbox::lesson::translate::{LARGE, SMALL};
    /// assert_eq!(SMALL.count()?, [152, 68]);
    /// assert_eq!(LARGE.count()?[0], 384_000_000);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn count(&self) -> Result<[usize; 2], Error> {
        let record = |at: Scope<'_>| {
            let context = self.encode(at, at.graph().input("source", DType::I64, [1, 2]));
            self.decode(at, context, at.graph().input("target", DType::I64, [1, 2]));
        };
        let all = parameters(record)?;
        let graph = Graph::new();
        record(graph.root(Mode::Eval));
        let paths = graph.parameters();
        let biases = paths.iter().filter(|(path, _)| path.ends_with("bias"));
        let biases = biases.map(|(_, tensor)| tensor.elements()).sum::<usize>();
        Ok([all - biases, biases])
    }
}

/// A sentence and what the decoder says.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Translation {
    /// The source.
    pub source: String,
    /// What it should be.
    pub wanted: String,
    /// The words that were said, up to the end.
    pub said: String,
    /// The probability of each of them, the end's last.
    pub probabilities: Vec<f64>,
    /// What is said from the other sentence's context vector.
    pub from_other_context: String,
    /// The context vector: hidden states of both layers, then cell states.
    pub context: Vec<f64>,
}

/// What the lesson found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Found {
    /// Weights and biases of the small translator.
    pub small: [usize; 2],
    /// Weights and biases of the paper's.
    pub large: [usize; 2],
    /// The loss before the first step and before the last.
    pub losses: [f64; 2],
    /// Both sentences after training.
    pub translations: Vec<Translation>,
}

/// A trained translator.
struct Trained(Parameters);

impl Trained {
    /// The context vector of a source: hidden and cell states.
    fn context(&self, source: [i64; 2]) -> Result<[Vec<f64>; 2], Error> {
        let given = named([("source", array([1, 2], source.to_vec())?)]);
        let found = computed(&self.0, &given, |at| {
            SMALL.encode(at, at.graph().input("source", DType::I64, [1, 2])).to_vec()
        })?;
        let mut found = found.into_iter();
        Ok([found.next().unwrap_or_default(), found.next().unwrap_or_default()])
    }

    /// Words from a context vector, each the likeliest after those before it (greedy), until the end.
    fn say(&self, context: &[Vec<f64>; 2]) -> Result<(String, Vec<f64>), Error> {
        let shape = [SMALL.layers, 1, SMALL.width];
        let state = |at: usize| {
            let numbers = context.get(at).map(Vec::as_slice).unwrap_or_default();
            array(shape, numbers.iter().map(|x| *x as f32).collect::<Vec<f32>>())
        };
        let mut ids = vec![EOS];
        let (mut words, mut probabilities) = (Vec::new(), Vec::new());
        while ids.len() <= LONGEST {
            let time = ids.len();
            let given = named([
                ("hidden", state(0)?),
                ("cell", state(1)?),
                ("target", array([1, time], ids.clone())?),
            ]);
            let found = computed(&self.0, &given, |at| {
                let context =
                    ["hidden", "cell"].map(|name| at.graph().input(name, DType::F32, shape));
                let ids = at.graph().input("target", DType::I64, [1, time]);
                let next = SMALL.decode(at, context, ids).slice(0, time - 1..time);
                vec![nn::softmax(next)]
            })?;
            let shares = found.first().map(Vec::as_slice).unwrap_or_default();
            let likeliest = shares.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
            let Some((id, probability)) = likeliest else { break };
            probabilities.push(*probability);
            if id as i64 == EOS {
                break;
            }
            words.push(TARGET.get(id).copied().unwrap_or_default());
            ids.push(id as i64);
        }
        Ok((words.join(" "), probabilities))
    }
}

/// Counts, trains with the right word before each (teacher forcing), and decodes.
///
/// # Errors
/// None.
pub fn find(options: &Options) -> Result<Found, Error> {
    let sources: Vec<i64> = PAIRS.iter().flat_map(|(source, _)| *source).collect();
    let said: Vec<i64> = PAIRS.iter().flat_map(|(_, word)| [EOS, *word]).collect();
    let next: Vec<i64> = PAIRS.iter().flat_map(|(_, word)| [*word, EOS]).collect();
    let given = named([
        ("source", array([2, 2], sources)?),
        ("target", array([2, 2], said)?),
        ("next", array([4], next)?),
    ]);
    let learned = Practice::adam(0.02, STEPS, options.seed).learn(
        |at| {
            let input = |name, shape: &[usize]| at.graph().input(name, DType::I64, shape);
            let context = SMALL.encode(at, input("source", &[2, 2]));
            let scores = SMALL.decode(at, context, input("target", &[2, 2]));
            Loss::CrossEntropy.of(at.child("loss"), scores, input("next", &[4]))
        },
        |_| Ok(given.clone()),
    )?;
    let losses = [learned.losses.first().copied().unwrap_or(f64::NAN), learned.last_loss()];
    let trained = Trained(learned.weights);
    let contexts = PAIRS.iter().map(|(source, _)| trained.context(*source));
    let contexts = contexts.collect::<Result<Vec<_>, _>>()?;
    let mut translations = Vec::new();
    for (((source, wanted), context), other) in
        PAIRS.iter().zip(&contexts).zip(contexts.iter().rev())
    {
        let words = source.iter().filter_map(|id| SOURCE.get(*id as usize));
        let (said, probabilities) = trained.say(context)?;
        translations.push(Translation {
            source: words.copied().collect::<Vec<_>>().join(" "),
            wanted: TARGET.get(*wanted as usize).copied().unwrap_or_default().to_owned(),
            said,
            probabilities,
            from_other_context: trained.say(other)?.0,
            context: context.concat(),
        });
    }
    Ok(Found { small: SMALL.count()?, large: LARGE.count()?, losses, translations })
}

pub(super) fn lesson(options: &Options) -> Result<Told, Error> {
    let found = find(options)?;
    let [small_weights, small_biases] = found.small;
    let all = small_weights + small_biases;
    let large = fixed(found.large[0] as f64 / 1e6, 0);
    let [first, last] = found.losses.map(|loss| fixed(loss, 4));
    let parts = vec![
        Part::Paragraph(text!(
            "An encoder reads \"let's go\" word by word; what it leaves in its states is the context vector. \
             The decoder starts from that and from <eos>, says a word, reads that word, says the next, \
             until it says <eos>. Each side has its own words and embeddings, so sentences of any two \
             lengths go together.",
            "인코더는 \"let's go\"를 낱말마다 읽고, 상태에 남긴 것이 문맥 벡터입니다. 디코더는 거기서 <eos>와 \
             함께 시작해 낱말을 말하고, 그 낱말을 읽고 다음 낱말을 말하며, <eos>를 말하면 멈춥니다. 양쪽의 \
             낱말과 임베딩이 따로이므로 두 문장의 길이가 달라도 됩니다.",
        )),
        Part::Table(sizes(&found)),
        Part::Paragraph(text!(
            "{all} numbers are learned here: embeddings, two layers of LSTM with two bias vectors each on \
             both sides, and the scores of the words. With 160,000 and 80,000 words, width 1000 and 4 \
             layers it is {large} million, biases left out.",
            "여기서 배우는 수는 {all}개입니다. 임베딩, 양쪽에 편향 벡터가 둘씩인 LSTM 두 층, 낱말 점수입니다. \
             낱말 16만과 8만 개, 너비 1000, 4층이면 편향을 빼고 {large}백만 개입니다.",
        )),
        Part::Table(said(&found)),
        Part::Paragraph(text!(
            "{STEPS} steps took the loss from {first} to {last}; in training the decoder reads the right \
             word, not the one it said (teacher forcing). All that it knows of the sentence is the context \
             vector: given the other sentence's, it says the other's translation.",
            "{STEPS}스텝 훈련으로 손실이 {first}에서 {last}가 되었습니다. 훈련할 때 디코더는 자기가 말한 낱말이 \
             아니라 정답 낱말을 읽습니다(교사 강요). 디코더가 문장에 대해 아는 것은 문맥 벡터뿐이라서, 다른 \
             문장의 것을 주면 그 문장의 번역을 말합니다.",
        )),
    ];
    Told::new(&found, parts)
}

fn sizes(found: &Found) -> Table {
    let row = |net: Translator, [weights, biases]: [usize; 2]| {
        let numbers = [net.source, net.target, net.width, net.layers, weights, biases];
        numbers.map(|number| Text::same(fixed(number as f64, 0))).to_vec()
    };
    Table {
        title: text!("what it takes", "크기"),
        columns: vec![
            text!("source words", "원문 낱말"),
            text!("target words", "번역문 낱말"),
            text!("width", "너비"),
            text!("layers", "층"),
            text!("weights", "가중치"),
            text!("biases", "편향"),
        ],
        rows: vec![row(SMALL, found.small), row(LARGE, found.large)],
    }
}

fn said(found: &Found) -> Table {
    let row = |one: &Translation| {
        let sure = one.probabilities.iter().copied().fold(1.0, |all, p| all * p);
        let cells = [&one.source, &one.said, &fixed(sure, 3), &one.from_other_context];
        cells.map(|cell| Text::same(cell.clone())).to_vec()
    };
    Table {
        title: text!("after training", "훈련 뒤"),
        columns: vec![
            text!("source", "원문"),
            text!("said", "말한 것"),
            text!("probability", "확률"),
            text!("from the other context", "다른 문맥 벡터에서"),
        ],
        rows: found.translations.iter().map(row).collect(),
    }
}
