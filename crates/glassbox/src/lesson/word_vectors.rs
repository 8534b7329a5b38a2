//! S6: word2vec, and how few of its weights a guess touches.

use glassbox_engine::{DType, Initial, Parameters, Scope, Tensor, grad};
use serde::Serialize;

use crate::Error;
use crate::data::text_of;
use crate::lesson::practice::{array, computed, named};
use crate::lesson::{Options, Part, Places, Table, Text, Told, text};
use crate::nn;
use crate::report::fixed;
use crate::word2vec::{
    Architecture, Corpus, Neighbour, Plane, Settings, Touched, Training, Vocabulary, WordVectors,
    sentences,
};

/// The words and numbers of a vector of which the syllabus speaks.
const WORDS: u64 = 3_000_000;
const DIMENSIONS: u64 = 100;
/// Negatives of a guess.
const NEGATIVES: [u64; 3] = [1, 5, 20];
/// Words of the table whose gradient is counted.
const COUNTED: usize = 1_000;
/// Words whose nearest are shown.
const ASKED: [&str; 5] = ["cat", "sings", "sees", "old", "sea"];
/// Of each so many.
const NEAR: usize = 3;

/// The weights that a guess touches, said and counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Count {
    /// Negatives of a guess.
    pub negative: u64,
    /// Of 3 million words by 100 numbers.
    pub touched: Touched,
    /// Numbers of the gradients of both tables that are not 0, of 1,000 words by 100 numbers.
    pub counted: u64,
}

/// A word of the text.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Word {
    /// The word.
    pub word: String,
    /// Its share of the text.
    pub share: f64,
    /// The chance that one of it is kept.
    pub kept: f64,
    /// Its share of the negatives: of all counts to the power ¾.
    pub negatives: f64,
}

/// What a training found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Trained {
    /// What was guessed from what.
    pub architecture: Architecture,
    /// The mean loss of a guess in the first tenth of the steps and in the last.
    pub losses: [f64; 2],
    /// The nearest words of some.
    pub nearest: Vec<(String, Vec<Neighbour>)>,
    /// The words nearest to kings − king + cat: cats, it is hoped.
    pub analogy: Vec<Neighbour>,
    /// The words in the plane, before and after.
    pub plane: Plane,
}

/// What the lesson found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Found {
    /// By negatives.
    pub counts: Vec<Count>,
    /// Words of the text, and different ones.
    pub text: [u64; 2],
    /// The most frequent word, one in the middle, a rare one.
    pub words: Vec<Word>,
    /// Skip-gram, then CBOW.
    pub trained: Vec<Trained>,
}

/// The cost of a guess of skip-gram: the word in the middle, the one beside it, the negatives.
#[track_caller]
fn guess<'g>(at: Scope<'g>, negative: usize) -> [Tensor<'g>; 2] {
    let normal = Initial::Normal { mean: 0.0, deviation: 0.1 };
    let table =
        |name: &str| at.child(name).parameter("weight", [COUNTED, DIMENSIONS as usize], normal);
    let [input, output] = ["input", "output"].map(table);
    let graph = at.graph();
    let of = |name: &str, count: usize| graph.input(name, DType::I64, [count]);
    let middle = nn::embedding(input, of("middle", 1), None);
    let beside = nn::embedding(output, of("beside", 1), None);
    let others = nn::embedding(output, of("others", negative), None);
    let score = |rows: Tensor<'g>| rows.matmul(middle.transpose());
    let cost = (-score(beside)).softplus().sum() + score(others).softplus().sum();
    let gradients = grad(cost, &[input, output]);
    [gradients[0], gradients[1]]
}

/// How many weights a guess with so many negatives touches.
///
/// # Errors
/// None.
///
/// ```
/// let count = glassbox::lesson::word_vectors::count(1)?;
/// assert_eq!((count.touched.weights, count.touched.by_guess), (600_000_000, 300));
/// assert_eq!(count.counted, 300);
/// # Ok::<(), glassbox::Error>(())
/// ```
pub fn count(negative: u64) -> Result<Count, Error> {
    let others: Vec<i64> = (2..2 + negative as i64).collect();
    let given = named([
        ("middle", array([1], vec![0i64])?),
        ("beside", array([1], vec![1i64])?),
        ("others", array([others.len()], others)?),
    ]);
    let found = computed(&Parameters::new(), &given, |at| guess(at, negative as usize).to_vec())?;
    let counted = found.iter().flatten().filter(|number| **number != 0.0).count() as u64;
    Ok(Count { negative, touched: Touched::of(WORDS, DIMENSIONS, negative), counted })
}

fn settings(architecture: Architecture, seed: u64) -> Settings {
    let usual = Settings::of(architecture);
    // A text of few words is read often, and each of its words is frequent.
    Settings { dimensions: 32, sample: 1e-2, epochs: 30, rate: 2.0 * usual.rate, seed, ..usual }
}

/// Trains on the built-in sentences.
///
/// # Errors
/// None.
pub fn train(architecture: Architecture, corpus: &Corpus, seed: u64) -> Result<Trained, Error> {
    let settings = settings(architecture, seed);
    let mut training = Training::new(corpus, &settings, 1, None)?;
    let vectors = |values| WordVectors::new(corpus.vocabulary.clone(), settings.dimensions, values);
    let before = vectors(training.input())?;
    let mut losses = Vec::new();
    while training.done() < training.steps() {
        losses.push(training.step()?.mean());
    }
    let after = vectors(training.input())?;
    let tenth = losses.len().div_ceil(10);
    let mean = |losses: &[f64]| losses.iter().sum::<f64>() / losses.len().max(1) as f64;
    let near = |word: &&str| Ok(((*word).to_owned(), after.nearest(&[word], NEAR)?));
    Ok(Trained {
        architecture,
        losses: [mean(&losses[..tenth]), mean(&losses[losses.len() - tenth..])],
        nearest: ASKED.iter().map(near).collect::<Result<_, Error>>()?,
        analogy: after.combination(&["kings", "cat"], &["king"], NEAR)?,
        plane: Plane::of(&before, &after, &settings)?,
    })
}

/// The most frequent word, one in the middle and the rarest, and how subsampling and negatives treat them.
fn told(vocabulary: &Vocabulary, settings: &Settings) -> Vec<Word> {
    let counts = vocabulary.counts();
    let sum = |power: f64| counts.iter().map(|&count| (count as f64).powf(power)).sum::<f64>();
    let (all, drawn) = (sum(1.0), sum(0.75));
    let word = |at: usize| {
        let (word, count) = vocabulary.words().get(at).zip(counts.get(at))?;
        let share = *count as f64 / all;
        let negatives = (*count as f64).powf(0.75) / drawn;
        Some(Word { word: word.clone(), share, kept: settings.keeps(share), negatives })
    };
    let last = vocabulary.len().saturating_sub(1);
    [0, last / 4, last].into_iter().filter_map(word).collect()
}

/// Counts, and trains both architectures.
///
/// # Errors
/// None.
pub fn find(options: &Options) -> Result<Found, Error> {
    let corpus = Corpus::of(sentences(&text_of("sentences")?.0), 5)?;
    let train = |architecture: &Architecture| train(*architecture, &corpus, options.seed);
    let usual = settings(Architecture::SkipGram, options.seed);
    Ok(Found {
        counts: NEGATIVES.into_iter().map(count).collect::<Result<_, _>>()?,
        text: [corpus.total, corpus.vocabulary.len() as u64],
        words: told(&corpus.vocabulary, &usual),
        trained: Architecture::ALL.iter().map(train).collect::<Result<_, _>>()?,
    })
}

pub(super) fn lesson(options: &Options) -> Result<Told, Error> {
    let found = find(options)?;
    let [words, different] = found.text.map(|count| fixed(count as f64, 0));
    let mut parts = vec![
        Part::Paragraph(text!(
            "word2vec learns a vector for each word from the words around it. Skip-gram guesses each word \
             around from the one in the middle, CBOW the one in the middle from the mean of those around. \
             To score every word at every guess would touch every weight; with negative sampling a guess \
             is a choice between the word that is there and k that are drawn: it touches the rows of the \
             word in the middle, of the word beside it and of the k, and no other weight.",
            "word2vec은 둘레의 낱말에서 낱말마다의 벡터를 배웁니다. 스킵그램은 가운데 낱말에서 둘레의 낱말을 \
             하나씩, CBOW는 둘레 낱말의 평균에서 가운데 낱말을 맞힙니다. 맞힐 때마다 모든 낱말에 점수를 매기면 \
             모든 가중치를 건드립니다. 음의 표본을 쓰면 거기 있는 낱말과 뽑은 낱말 k개 사이에서 고르는 일이 되어, \
             가운데 낱말, 옆 낱말, k개 낱말의 행만 건드리고 다른 가중치는 그대로 둡니다.",
        )),
        Part::Table(counts(&found)),
        Part::Paragraph(text!(
            "Two more savings: a word that is frequent is left out now and then (subsampling), since \
             \"the\" beside \"cat\" says little; and negatives are drawn by count to the power ¾, so that \
             rare words get their turn. In the built-in text of {words} words, {different} different ones:",
            "두 가지를 더 아낍니다. \"the\"가 \"cat\" 옆에 있다는 것은 별 뜻이 없으므로 잦은 낱말은 때때로 \
             빼고(서브샘플링), 음의 표본은 횟수의 ¾제곱에 따라 뽑아 드문 낱말에도 차례가 오게 합니다. 낱말 \
             {words}개({different}종)의 내장 텍스트에서는 이렇습니다.",
        )),
        Part::Table(sampled(&found)),
    ];
    parts.push(Part::Paragraph(text!(
        "Trained on that text, words that stand in the same places come near each other, though nobody said \
         what is a noun or which word means many.",
        "이 텍스트로 훈련하면 같은 자리에 오는 낱말끼리 가까워집니다. 무엇이 명사인지, 어느 낱말이 여럿을 \
         뜻하는지는 아무도 알려 주지 않았습니다.",
    )));
    parts.push(Part::Table(nearest(&found)));
    for trained in found.trained.iter().take(1) {
        let draw = |name: &str, title: Text, points: &[[f64; 2]]| {
            let Plane { words, before, after, .. } = &trained.plane;
            Part::Places(Places {
                name: name.into(),
                title,
                x: text!("first component", "첫째 성분"),
                y: text!("second component", "둘째 성분"),
                names: words.clone(),
                points: points.to_vec(),
                within: before.iter().chain(after).copied().collect(),
            })
        };
        let (before, after) = (&trained.plane.before, &trained.plane.after);
        parts.push(draw("before", text!("skip-gram before training", "훈련 전 스킵그램"), before));
        parts.push(draw("after", text!("skip-gram after training", "훈련 후 스킵그램"), after));
    }
    Told::new(&found, parts)
}

fn counts(found: &Found) -> Table {
    let row = |count: &Count| {
        let Touched { weights, by_guess } = count.touched;
        let cells = [count.negative, weights, by_guess, count.counted];
        cells.map(|number| Text::same(fixed(number as f64, 0))).to_vec()
    };
    Table {
        title: text!(
            "skip-gram of 3 million words by 100 numbers: 2 · 3,000,000 · 100 weights, a guess touches \
             100 · (2 + k)",
            "낱말 3백만 개, 낱말마다 수 100개인 스킵그램: 가중치 2 · 3,000,000 · 100개, 한 번에 \
             100 · (2 + k)개를 건드림"
        ),
        columns: vec![
            text!("k", "k"),
            text!("weights", "가중치"),
            text!("touched", "건드림"),
            text!("gradient not 0", "0이 아닌 기울기"),
        ],
        rows: found.counts.iter().map(row).collect(),
    }
}

fn sampled(found: &Found) -> Table {
    let percent = |share: f64| Text::same(format!("{:.2} %", 100.0 * share));
    let row = |word: &Word| {
        let shares = [word.share, word.kept, word.negatives].map(percent);
        std::iter::once(Text::same(word.word.clone())).chain(shares).collect()
    };
    Table {
        title: text!("frequent words and rare ones", "잦은 낱말과 드문 낱말"),
        columns: vec![
            text!("word", "낱말"),
            text!("of the text", "텍스트에서"),
            text!("kept", "남김"),
            text!("of the negatives", "음의 표본에서"),
        ],
        rows: found.words.iter().map(row).collect(),
    }
}

fn nearest(found: &Found) -> Table {
    let listed = |near: &[Neighbour]| {
        let one = |near: &Neighbour| format!("{} {:.2}", near.word, near.cosine);
        Text::same(near.iter().map(one).collect::<Vec<_>>().join(", "))
    };
    let mut rows: Vec<Vec<Text>> = Vec::new();
    for (at, word) in ASKED.iter().enumerate() {
        let near = found.trained.iter().filter_map(|trained| trained.nearest.get(at));
        let near = near.map(|(_, near)| listed(near));
        rows.push(std::iter::once(Text::same(*word)).chain(near).collect());
    }
    let analogies = found.trained.iter().map(|trained| listed(&trained.analogy));
    rows.push(std::iter::once(Text::same("kings − king + cat")).chain(analogies).collect());
    let losses = found.trained.iter().map(|trained| {
        let [from, to] = trained.losses.map(|loss| fixed(loss, 2));
        Text::same(format!("{from} → {to}"))
    });
    rows.push(
        std::iter::once(text!("loss of a guess", "한 번 맞히는 손실")).chain(losses).collect(),
    );
    Table {
        title: text!("nearest words, with the cosine", "가장 가까운 낱말과 코사인"),
        columns: vec![text!("word", "낱말"), text!("skip-gram", "스킵그램"), text!("CBOW", "CBOW")],
        rows,
    }
}
