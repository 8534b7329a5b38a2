//! S7: an encoder–decoder LSTM learns "let's go" → "vamos".

use glassbox_engine::{DType, Graph, Mode, Parameters, Tensor};
use serde::Serialize;

use crate::Error;
use crate::lesson::practice::{Practice, array, computed, named};
use crate::lesson::{Options, Part, Table, Text, Told, text};
use crate::nn::{self, Loss, Module};
use crate::report::fixed;
use crate::zoo::Seq2Seq;

const SOURCE: [&str; 4] = ["let's", "to", "go", "<eos>"];
const TARGET: [&str; 4] = ["ir", "vamos", "y", "<eos>"];
/// The end of a sentence, which also begins the decoder's.
const EOS: i64 = 3;
/// Ids of the two sentences, and of what they are in Spanish.
const PAIRS: [([i64; 2], i64); 2] = [([0, 2], 1), ([1, 2], 0)];
/// Steps of training, and words that are decoded at most.
const STEPS: usize = 600;
const LONGEST: usize = 4;

/// Words of each side, numbers of a word and units of a layer, layers on each side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Size {
    /// Words of the source and of the target.
    pub words: [usize; 2],
    /// Numbers of a word, and units of each layer.
    pub units: usize,
    /// Layers of the encoder and of the decoder.
    pub layers: usize,
}

/// The one that is trained: 220 parameters.
pub const SMALL: Size = Size { words: [4, 4], units: 2, layers: 2 };
/// That of Sutskever, Vinyals and Le (2014): 384 million, biases left out.
pub const LARGE: Size = Size { words: [160_000, 80_000], units: 1000, layers: 4 };

impl Size {
    /// The translator of this size, for sources of two words. Every id is a word.
    pub fn model(&self) -> Seq2Seq {
        Seq2Seq::new(2, self.words).units(self.units).layers(self.layers).padding(-1)
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
        let graph = Graph::new();
        self.model().forward(graph.root(Mode::Eval), graph.input("ids", DType::I64, [1, 4]));
        graph.check()?;
        let all = graph.parameters();
        let of = |biases: bool| {
            let chosen = all.iter().filter(|(path, _)| path.ends_with("bias") == biases);
            chosen.map(|(_, tensor)| tensor.elements()).sum::<usize>()
        };
        Ok([of(false), of(true)])
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
    /// The context vector: the encoder's last hidden states of both layers, then its cell states.
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

/// The context vector of a source.
fn context(weights: &Parameters, source: [i64; 2]) -> Result<Vec<f64>, Error> {
    let row = [source, [EOS, EOS]].concat();
    let found = computed(weights, &named([("ids", array([1, 4], row)?)]), |at| {
        SMALL.model().forward(at, at.graph().input("ids", DType::I64, [1, 4]));
        let state = |state: &str, layer: usize| {
            at.graph().named(&format!("encoder/lstm/layer{layer}/{state}"))
        };
        let layers = (1..=SMALL.layers).map(|layer| state("hidden", layer));
        let layers = layers.chain((1..=SMALL.layers).map(|layer| state("cell", layer)));
        layers.flatten().map(Tensor::every_step).collect()
    })?;
    // Of each the last of the two steps.
    Ok(found.iter().flat_map(|steps| steps.iter().skip(SMALL.units)).copied().collect())
}

/// Words after a source, each the likeliest after those before it (greedy), until the end.
fn say(weights: &Parameters, source: [i64; 2]) -> Result<(String, Vec<f64>), Error> {
    let mut row = [&source[..], &[EOS]].concat();
    let (mut words, mut probabilities) = (Vec::new(), Vec::new());
    while words.len() < LONGEST {
        let shape = [1, row.len()];
        let found = computed(weights, &named([("ids", array(shape, row.clone())?)]), |at| {
            let ids = at.graph().input("ids", DType::I64, shape);
            let scores = SMALL.model().forward(at, ids);
            vec![nn::softmax(scores.slice(1, scores.dim(1) - 1..scores.dim(1)))]
        })?;
        let shares = found.first().map(Vec::as_slice).unwrap_or_default();
        let likeliest = shares.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
        let Some((id, probability)) = likeliest else { break };
        probabilities.push(*probability);
        if id as i64 == EOS {
            break;
        }
        words.push(TARGET.get(id).copied().unwrap_or_default());
        row.push(id as i64);
    }
    Ok((words.join(" "), probabilities))
}

/// Counts, trains with the right word before each (teacher forcing), and decodes.
///
/// # Errors
/// None.
pub fn find(options: &Options) -> Result<Found, Error> {
    let rows: Vec<i64> =
        PAIRS.iter().flat_map(|(source, word)| [source[0], source[1], EOS, *word]).collect();
    let next: Vec<i64> = PAIRS.iter().flat_map(|(_, word)| [*word, EOS]).collect();
    let given = named([("ids", array([2, 4], rows)?), ("next", array([4], next)?)]);
    let learned = Practice::adam(0.02, STEPS, options.seed).learn(
        |at| {
            let ids = at.graph().input("ids", DType::I64, [2, 4]);
            let next = at.graph().input("next", DType::I64, [4]);
            let scores = SMALL.model().forward(at, ids).reshape([4, TARGET.len()]);
            Loss::CrossEntropy.of(at.child("loss"), scores, next)
        },
        |_| Ok(given.clone()),
    )?;
    let losses = [learned.losses.first().copied().unwrap_or(f64::NAN), learned.last_loss()];
    let mut translations = Vec::new();
    for (source, wanted) in PAIRS {
        let words = source.iter().filter_map(|id| SOURCE.get(*id as usize));
        let (said, probabilities) = say(&learned.weights, source)?;
        translations.push(Translation {
            source: words.copied().collect::<Vec<_>>().join(" "),
            wanted: TARGET.get(wanted as usize).copied().unwrap_or_default().to_owned(),
            said,
            probabilities,
            context: context(&learned.weights, source)?,
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
             word, not the one it said (teacher forcing). All that the decoder knows of the sentence is the \
             context vector: both sentences end in \"go\", and what differs is what the states kept of the \
             word before.",
            "{STEPS}스텝 훈련으로 손실이 {first}에서 {last}가 되었습니다. 훈련할 때 디코더는 자기가 말한 낱말이 \
             아니라 정답 낱말을 읽습니다(교사 강요). 디코더가 문장에 대해 아는 것은 문맥 벡터뿐입니다. 두 \
             문장은 모두 \"go\"로 끝나므로, 다른 것은 앞 낱말이 상태에 남긴 것뿐입니다.",
        )),
    ];
    Told::new(&found, parts)
}

fn sizes(found: &Found) -> Table {
    let row = |net: Size, [weights, biases]: [usize; 2]| {
        let [source, target] = net.words;
        let numbers = [source, target, net.units, net.layers, weights, biases];
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
        let vector: Vec<String> = one.context.iter().map(|x| fixed(*x, 2)).collect();
        let cells = [one.source.clone(), one.said.clone(), fixed(sure, 3), vector.join(" ")];
        cells.map(Text::same).to_vec()
    };
    Table {
        title: text!("after training", "훈련 뒤"),
        columns: vec![
            text!("source", "원문"),
            text!("said", "말한 것"),
            text!("probability", "확률"),
            text!("context vector", "문맥 벡터"),
        ],
        rows: found.translations.iter().map(row).collect(),
    }
}
