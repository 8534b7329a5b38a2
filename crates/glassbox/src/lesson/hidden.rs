//! S12: BERT learns a language by telling words that are hidden from it.

use glassbox_engine::random::Stream;
use glassbox_engine::{DType, Parameters, Scope, Tensor};
use serde::Serialize;

use crate::Error;
use crate::data::sentences;
use crate::data::text::{Hiding, Special, Tokenizer, TokenizerKind};
use crate::generate::fill;
use crate::lesson::practice::{Practice, array, named};
use crate::lesson::{Chart, Curve, Options, Part, Table, Text, Told, text};
use crate::nn::{Loss, Module, Objective, Positions};
use crate::report::fixed;
use crate::zoo::{Bert, BertHead};

/// Sentences to learn from.
const SENTENCES: usize = 2_000;
/// Tokens of a row; longer sentences are left out.
const TIME: usize = 16;
const ROWS: usize = 32;
const STEPS: usize = 1_000;
/// The share of the words that are to be told.
const SHARE: f64 = 0.15;
/// Words by which it is counted what is done with them.
const COUNTED: usize = 100_000;
/// One word of a sentence is hidden, then another.
const ASKED: [&str; 2] = ["the old cat <mask> at night.", "the old <mask> sleeps at night."];
/// Candidates that are told.
const TOP: usize = 4;

/// What is done with a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Done {
    /// It is not to be told.
    Nothing,
    /// The mask stands for it.
    Masked,
    /// Another word, by chance, stands for it.
    Replaced,
    /// It stands as it is, and is to be told all the same.
    Kept,
}

impl Done {
    fn name(self) -> Text {
        match self {
            Done::Nothing => text!("–", "–"),
            Done::Masked => text!("hidden", "가림"),
            Done::Replaced => text!("another word", "다른 낱말"),
            Done::Kept => text!("kept", "그대로"),
        }
    }
}

/// A word of a sentence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Word {
    /// What it is.
    pub word: String,
    /// What the model sees in its place.
    pub seen: String,
    /// What was done.
    pub done: Done,
}

/// A sentence with a hidden word, and what may stand there.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Asked {
    /// The sentence.
    pub text: String,
    /// Candidates and their probabilities, the most probable first.
    pub candidates: Vec<(String, f64)>,
    /// The probability of all verbs together, and of all nouns.
    pub verbs_and_nouns: [f64; 2],
}

/// What the lesson found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Found {
    /// A sentence, word by word.
    pub sentence: Vec<Word>,
    /// Of many words, the share that is to be told; and of those, the shares that were masked, replaced and
    /// kept.
    pub shares: [f64; 4],
    /// Numbers that the model learns.
    pub parameters: usize,
    /// What who knows only how often each word comes loses by a hidden word, in nats.
    pub guess: f64,
    /// The loss by a hidden word, before every step.
    pub losses: Vec<f64>,
    /// The mean of the last fifty.
    pub last: f64,
    /// A sentence, and what may stand at two of its places.
    pub asked: Vec<Asked>,
}

/// Sentences as rows, and how they became so.
struct Rows {
    tokenizer: Tokenizer,
    hiding: Hiding,
    rows: Vec<Vec<u32>>,
}

impl Rows {
    fn new(seed: u64) -> Result<Self, Error> {
        let text = sentences(SENTENCES, seed);
        let kind = TokenizerKind::Word { lowercase: false };
        let specials = ["<pad>", "<unk>", "<mask>"];
        let tokenizer = Tokenizer::train(&kind, [&text], usize::MAX, &specials)?;
        let mask = tokenizer.special(Special::Mask).ok_or_else(|| Error::new("no mask"))?;
        let hiding = Hiding { share: SHARE, mask, vocabulary: tokenizer.vocabulary() };
        let rows = text.lines().map(|line| tokenizer.encode(line));
        let rows = rows.filter(|row| row.len() <= TIME).collect();
        Ok(Rows { tokenizer, hiding, rows })
    }

    fn model(&self) -> Bert {
        let model = Bert::new(self.tokenizer.vocabulary(), BertHead::Tokens).context(TIME);
        model.positions(Positions::Rotary).layers(2).heads(4).units(32).dropout(0.0)
    }

    /// What is seen of a row and what is to be told of it, with padding behind.
    fn hidden(&self, row: usize, stream: Stream) -> impl Iterator<Item = (u32, i64)> + '_ {
        let ids = self.rows.get(row % self.rows.len().max(1)).map(Vec::as_slice);
        let ids = ids.unwrap_or_default().iter().enumerate();
        let own = ids.map(move |(place, id)| self.hiding.hide(stream, place, *id));
        own.chain(std::iter::repeat((0, -1))).take(TIME)
    }

    /// The inputs of a step.
    fn batch(&self, step: usize, seed: u64) -> Result<Parameters, Error> {
        let drawn = Stream::new(seed, "rows", step as u64);
        let (mut ids, mut targets) = (Vec::new(), Vec::new());
        for row in 0..ROWS {
            let which = (drawn.uniform(row as u64) * self.rows.len() as f64) as usize;
            let stream = Stream::new(seed, "hidden", step as u64).within(row as u64);
            for (seen, told) in self.hidden(which, stream) {
                ids.push(i64::from(seen));
                targets.push(told);
            }
        }
        let counted: Vec<f32> =
            targets.iter().map(|told| f32::from(u8::from(*told >= 0))).collect();
        Ok(named([
            ("ids", array([ROWS, TIME], ids)?),
            ("targets", array([ROWS * TIME], targets)?),
            ("counted", array([ROWS * TIME], counted)?),
        ]))
    }

    /// A sentence and the draw by which every way of hiding is in it.
    fn shown(&self, seed: u64) -> Vec<Word> {
        let of = |number: usize| -> Vec<Word> {
            let row = self.rows.get(number % self.rows.len().max(1));
            let ids = row.map(Vec::as_slice).unwrap_or_default();
            let stream = Stream::new(seed, "shown", number as u64);
            let word = |(id, (seen, told)): (&u32, (u32, i64))| Word {
                word: self.tokenizer.token(*id).into_owned(),
                seen: self.tokenizer.token(seen).into_owned(),
                done: match told {
                    -1 => Done::Nothing,
                    _ if seen == self.hiding.mask => Done::Masked,
                    _ if seen == *id => Done::Kept,
                    _ => Done::Replaced,
                },
            };
            ids.iter().zip(self.hidden(number, stream)).map(word).collect()
        };
        let every = |words: &Vec<Word>| {
            let has = |done| words.iter().any(|word| word.done == done);
            has(Done::Masked) && has(Done::Replaced) && has(Done::Kept)
        };
        (0..100_000).map(of).find(every).unwrap_or_default()
    }

    /// The shares of what is drawn, and of what is done with it.
    fn shares(&self, seed: u64) -> [f64; 4] {
        let stream = Stream::new(seed, "counted", 0);
        let (id, mut counts) = (self.hiding.mask + 1, [0usize; 4]);
        for place in 0..COUNTED {
            let (seen, told) = self.hiding.hide(stream, place, id);
            if told >= 0 {
                counts[0] += 1;
                counts[match seen {
                    seen if seen == self.hiding.mask => 1,
                    seen if seen == id => 3,
                    _ => 2,
                }] += 1;
            }
        }
        let [told, rest @ ..] = counts.map(|count| count as f64);
        let of_told = rest.map(|count| count / told.max(1.0));
        [told / COUNTED as f64, of_told[0], of_told[1], of_told[2]]
    }

    /// −Σ p ln p of how often each word comes.
    fn guess(&self) -> f64 {
        let mut counts = vec![0.0f64; self.tokenizer.vocabulary()];
        for id in self.rows.iter().flatten() {
            if let Some(count) = counts.get_mut(*id as usize) {
                *count += 1.0;
            }
        }
        let all: f64 = counts.iter().sum();
        let shares = counts.iter().map(|count| count / all).filter(|share| *share > 0.0);
        shares.map(|share| -share * share.ln()).sum()
    }

    fn ask(&self, text: &str, weights: &Parameters) -> Result<Asked, Error> {
        let ids: Vec<i64> = self.tokenizer.encode_marked(text).into_iter().map(i64::from).collect();
        let (mask, most) = (i64::from(self.hiding.mask), self.tokenizer.vocabulary());
        let options = glassbox_engine::Options { threads: 1, ..Default::default() };
        let found = fill(&self.model(), weights.clone(), &ids, mask, most, options)?;
        let tokens = found.first().map(|found| found.tokens.as_slice()).unwrap_or_default();
        let word = |id: i64| self.tokenizer.token(u32::try_from(id).unwrap_or(0)).into_owned();
        let all: Vec<(String, f64)> = tokens.iter().map(|(id, p)| (word(*id), *p)).collect();
        let sum = |verbs: &[&str]| -> f64 {
            all.iter().filter(|(word, _)| verbs.contains(&word.as_str())).map(|(_, p)| p).sum()
        };
        let verbs_and_nouns = [sum(VERBS.as_flattened()), sum(NOUNS.as_flattened())];
        let candidates = all.iter().take(TOP).cloned().collect();
        Ok(Asked { text: text.to_owned(), candidates, verbs_and_nouns })
    }
}

/// The nouns of the sentences, of one and of many.
const NOUNS: [[&str; 2]; 12] = [
    ["cat", "cats"],
    ["dog", "dogs"],
    ["bird", "birds"],
    ["child", "children"],
    ["friend", "friends"],
    ["teacher", "teachers"],
    ["sailor", "sailors"],
    ["farmer", "farmers"],
    ["king", "kings"],
    ["ship", "ships"],
    ["tree", "trees"],
    ["star", "stars"],
];
/// The verbs of the sentences, of one and of many.
const VERBS: [[&str; 2]; 16] = [
    ["sleeps", "sleep"],
    ["sings", "sing"],
    ["waits", "wait"],
    ["laughs", "laugh"],
    ["falls", "fall"],
    ["shines", "shine"],
    ["turns", "turn"],
    ["returns", "return"],
    ["sees", "see"],
    ["loves", "love"],
    ["follows", "follow"],
    ["finds", "find"],
    ["knows", "know"],
    ["calls", "call"],
    ["paints", "paint"],
    ["remembers", "remember"],
];

/// The loss by a word that is to be told.
#[track_caller]
fn loss<'g>(model: &Bert, at: Scope<'g>) -> Tensor<'g> {
    let graph = at.graph();
    let scores = model.forward(at, graph.input("ids", DType::I64, [ROWS, TIME]));
    let targets = graph.input("targets", DType::I64, [ROWS * TIME]);
    let counted = graph.input("counted", DType::F32, [ROWS * TIME]);
    let scores = scores.reshape([ROWS * TIME, scores.dim(-1)]);
    let objective =
        Objective { loss: Loss::CrossEntropy, label_smoothing: 0.0, class_weights: Vec::new() };
    objective.record(at.child("loss"), scores, targets, Some(counted)).loss
}

/// Hides words, learns to tell them, and asks for two words of a sentence.
///
/// # Errors
/// None.
///
/// ```
/// use glassbox::lesson::{Options, hidden};
/// let found = hidden::find(&Options::default())?;
/// // Who knows how often words come, and nothing else, loses more.
/// assert!(found.last < 0.7 * found.guess, "{} of {}", found.last, found.guess);
/// # Ok::<(), glassbox::Error>(())
/// ```
pub fn find(options: &Options) -> Result<Found, Error> {
    let seed = options.seed;
    let rows = Rows::new(seed)?;
    let model = rows.model();
    let practice = Practice::adam(5e-3, STEPS, seed);
    let learned = practice.learn(|at| loss(&model, at), |step| rows.batch(step, seed))?;
    let asked = ASKED.map(|text| rows.ask(text, &learned.weights));
    let asked = asked.into_iter().collect::<Result<_, _>>()?;
    let end = learned.losses.get(STEPS - 50..).unwrap_or_default();
    Ok(Found {
        sentence: rows.shown(seed),
        shares: rows.shares(seed),
        parameters: model.parameters(),
        guess: rows.guess(),
        last: end.iter().sum::<f64>() / 50.0,
        losses: learned.losses,
        asked,
    })
}

pub(super) fn lesson(options: &Options) -> Result<Told, Error> {
    let found = find(options)?;
    let words = Table {
        title: text!("a sentence, as the model gets it", "모형이 받는 문장"),
        columns: vec![
            text!("word", "낱말"),
            text!("seen", "보이는 것"),
            text!("what is done", "한 일"),
        ],
        rows: found
            .sentence
            .iter()
            .map(|word| vec![Text::same(&*word.word), Text::same(&*word.seen), word.done.name()])
            .collect(),
    };
    let percent = |share: f64| Text::same(format!("{:.1} %", 100.0 * share));
    let [told, masked, replaced, kept] = found.shares;
    let shares = Table {
        title: text!("of a hundred thousand words", "낱말 10만 개 가운데"),
        columns: vec![
            text!("to be told", "알아맞힐 것"),
            text!("of those hidden", "그중 가림"),
            text!("another word", "다른 낱말"),
            text!("kept", "그대로"),
        ],
        rows: vec![[told, masked, replaced, kept].map(percent).to_vec()],
    };
    let asked = Table {
        title: text!("what may stand there", "그 자리에 올 수 있는 것"),
        columns: vec![
            text!("sentence", "문장"),
            text!("candidates", "후보"),
            text!("a verb", "동사"),
            text!("a noun", "명사"),
        ],
        rows: found
            .asked
            .iter()
            .map(|asked| {
                let candidate = |(word, p): &(String, f64)| format!("{word} {}", fixed(*p, 2));
                let candidates: Vec<String> = asked.candidates.iter().map(candidate).collect();
                let [verb, noun] = asked.verbs_and_nouns.map(|p| Text::same(fixed(p, 3)));
                vec![Text::same(&*asked.text), Text::same(candidates.join(", ")), verb, noun]
            })
            .collect(),
    };
    let point = |(step, loss): (usize, &f64)| (step as f64, *loss);
    let chart = Chart {
        name: "hidden".into(),
        title: text!("the loss by a hidden word", "가린 낱말 하나의 손실"),
        x: text!("step", "스텝"),
        y: text!("nats", "내트"),
        curves: vec![
            Curve {
                name: text!("BERT", "BERT"),
                points: found.losses.iter().enumerate().step_by(8).map(point).collect(),
            },
            Curve {
                name: text!("how often words come", "낱말의 빈도만 알 때"),
                points: (0..STEPS).step_by(100).map(|step| (step as f64, found.guess)).collect(),
            },
        ],
        within: None,
    };
    let (parameters, guess, last) = (found.parameters, fixed(found.guess, 2), fixed(found.last, 2));
    let parts = vec![
        Part::Paragraph(text!(
            "A GPT reads from left to right and tells what comes next. BERT (Devlin et al. 2019) sees the whole \
             sentence, so the next word is no riddle: it would look. Instead some words are hidden, and it tells \
             these from what stands before and after them.",
            "GPT는 왼쪽에서 오른쪽으로 읽으며 다음 낱말을 알아맞힙니다. BERT(Devlin 외 2019)는 문장 전체를 보므로 \
             다음 낱말은 문제가 되지 않습니다. 보면 되니까요. 대신 낱말 몇 개를 가리고, 앞뒤에 있는 것으로 \
             알아맞히게 합니다."
        )),
        Part::Table(words),
        Part::Table(shares),
        Part::Paragraph(text!(
            "Of every hundred words fifteen are to be told. Four fifths of them are hidden; a tenth become \
             another word, so that the model must doubt what it sees; a tenth stay, so that what it makes of a \
             word that is not hidden is of use too. Other words are drawn in every step.",
            "낱말 백 개에 열다섯 개를 알아맞혀야 합니다. 그 가운데 5분의 4는 가리고, 10분의 1은 다른 낱말로 바꿔서 \
             보이는 것도 의심하게 하고, 10분의 1은 그대로 두어 가리지 않은 낱말에서 만든 것도 쓸모 있게 합니다. \
             어느 낱말인지는 스텝마다 새로 뽑습니다."
        )),
        Part::Chart(chart),
        Part::Paragraph(text!(
            "A BERT of {parameters} numbers begins like someone who knows no word, is soon where the words' \
             frequencies lead ({guess} nats), and goes below once it looks at the neighbours: {last} at \
             the end. What is left cannot be known: a cat may sleep or sing.",
            "수 {parameters}개짜리 BERT는 낱말을 하나도 모르는 상태에서 시작해 금세 낱말의 빈도만 아는 수준({guess} \
             내트)에 이르고, 이웃을 보기 시작하면 더 내려가 {last}에서 끝납니다. 남은 손실은 알 수 없는 \
             것입니다. 고양이는 잘 수도, 노래할 수도 있으니까요."
        )),
        Part::Table(asked),
        Part::Paragraph(text!(
            "Nobody said what verbs and nouns are: what stands around a place tells which kind of word \
             belongs there. Published BERTs tell more: \
             `glassbox predict FOLDER \"Paris is the [MASK] of France.\"`.",
            "동사와 명사가 무엇인지 아무도 알려 주지 않았습니다. 자리의 앞뒤가 어떤 낱말이 올지 말해 줍니다. 공개된 \
             BERT는 더 많이 압니다: \
             `glassbox predict FOLDER \"Paris is the [MASK] of France.\"`."
        )),
    ];
    Told::new(&found, parts)
}
