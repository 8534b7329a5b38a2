//! S11: a small GPT learns a short text; what temperature, top-k and top-p make of one of its
//! distributions, and perplexity.

use glassbox_engine::random::Stream;
use glassbox_engine::{Array, DType, Graph, Mode, Parameters, Scope, Session, Tensor};
use serde::Serialize;

use crate::Error;
use crate::generate::Sampling;
use crate::lesson::practice::{Practice, array, computed, named};
use crate::lesson::{Options, Part, Table, Text, Told, text};
use crate::nn::{Loss, Module};
use crate::report::fixed;
use crate::zoo::Gpt;

/// Shakespeare, Hamlet, act 3, scene 1.
const TEXT: &str = "To be, or not to be, that is the question:
Whether 'tis nobler in the mind to suffer
The slings and arrows of outrageous fortune,
Or to take arms against a sea of troubles,
And by opposing end them. To die, to sleep;
No more; and by a sleep to say we end
The heart-ache and the thousand natural shocks
That flesh is heir to: 'tis a consummation
Devoutly to be wish'd. To die, to sleep;
To sleep, perchance to dream: ay, there's the rub:
For in that sleep of death what dreams may come,
When we have shuffled off this mortal coil,
Must give us pause: there's the respect
That makes calamity of so long life.
";
/// What the text is asked to go on with.
const PROMPT: &str = "To ";
/// Characters that the net sees, sequences a step, steps, and the share that is not learned from.
const CONTEXT: usize = 32;
const ROWS: usize = 16;
const STEPS: usize = 150;
const HELD_BACK: usize = 10;
/// Characters that are written, and candidates that are told.
const WRITTEN: usize = 48;
const TOLD: usize = 8;

/// How the next token is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Drawn {
    /// By softmax of the scores over a temperature: below 1 sharper, above 1 flatter.
    Temperature(f64),
    /// Of the likeliest so many.
    TopK(usize),
    /// Of the fewest that have at least this share together (Holtzman et al. 2020).
    TopP(f64),
}

impl Drawn {
    /// Each way of the lesson.
    pub const ALL: [Drawn; 5] = [
        Drawn::Temperature(1.0),
        Drawn::Temperature(0.5),
        Drawn::Temperature(2.0),
        Drawn::TopK(3),
        Drawn::TopP(0.8),
    ];

    fn name(self) -> Text {
        match self {
            Drawn::Temperature(t) => text!("temperature {t}", "온도 {t}"),
            Drawn::TopK(k) => text!("top-k {k}", "top-k {k}"),
            Drawn::TopP(p) => text!("top-p {p}", "top-p {p}"),
        }
    }

    /// The same as settings of a generator.
    pub fn sampling(self, seed: u64) -> Sampling {
        let plain = Sampling { seed, most: WRITTEN, ..Sampling::default() };
        match self {
            Drawn::Temperature(temperature) => Sampling { temperature, ..plain },
            Drawn::TopK(k) => Sampling { top_k: Some(k), ..plain },
            Drawn::TopP(p) => Sampling { top_p: Some(p), ..plain },
        }
    }

    /// The probabilities of all tokens, of which these are the scores.
    ///
    /// ```
    /// use glassbox::lesson::sampling::Drawn;
    /// let scores = [3f32.ln(), 2f32.ln(), 1f32.ln()]; // 3 : 2 : 1
    /// let near = |a: Vec<f64>, b: [f64; 3]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-6);
    /// assert!(near(Drawn::Temperature(1.0).of(&scores), [3.0 / 6.0, 2.0 / 6.0, 1.0 / 6.0]));
    /// assert!(near(Drawn::Temperature(0.5).of(&scores), [9.0 / 14.0, 4.0 / 14.0, 1.0 / 14.0]));
    /// assert!(near(Drawn::TopK(2).of(&scores), [0.6, 0.4, 0.0]));
    /// assert!(near(Drawn::TopP(0.4).of(&scores), [1.0, 0.0, 0.0]));
    /// ```
    pub fn of(self, scores: &[f32]) -> Vec<f64> {
        let mut shares = vec![0.0; scores.len()];
        for (id, share) in self.sampling(0).probabilities(scores, &[]) {
            if let Some(held) = usize::try_from(id).ok().and_then(|id| shares.get_mut(id)) {
                *held = share;
            }
        }
        shares
    }
}

/// A token and its probability.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Candidate {
    /// The character.
    pub token: char,
    /// For each way of drawing.
    pub shares: Vec<f64>,
}

/// What a way of drawing writes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Written {
    /// The way.
    pub drawn: Drawn,
    /// Tokens that can come at all.
    pub possible: usize,
    /// −Σ p ln p, in nats.
    pub entropy: f64,
    /// What was written after the prompt.
    pub text: String,
}

/// What the lesson found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Found {
    /// Different characters.
    pub vocabulary: usize,
    /// Numbers that were learned.
    pub parameters: usize,
    /// Nats a character: before training, of what was learned from, of what was held back.
    pub losses: [f64; 3],
    /// e to the power of each of them.
    pub perplexities: [f64; 3],
    /// The same of the last, as the geometric mean of 1 / p over the characters.
    pub mean_of_inverse: f64,
    /// The likeliest characters after the prompt.
    pub candidates: Vec<Candidate>,
    /// What each way of drawing writes.
    pub written: Vec<Written>,
}

fn model(vocabulary: usize) -> Gpt {
    Gpt::new(vocabulary).context(CONTEXT).layers(2).heads(2).units(48).dropout(0.0)
}

/// The text as ids, and the characters that they stand for.
fn ids() -> (Vec<i64>, Vec<char>) {
    let mut characters: Vec<char> = TEXT.chars().collect();
    characters.sort_unstable();
    characters.dedup();
    (of_text(TEXT, &characters), characters)
}

fn of_text(text: &str, characters: &[char]) -> Vec<i64> {
    text.chars().filter_map(|c| characters.binary_search(&c).ok()).map(|id| id as i64).collect()
}

/// The mean of −ln p over all places, each the scores' row of its next token.
#[track_caller]
fn loss<'g>(at: Scope<'g>, rows: usize, vocabulary: usize) -> (Tensor<'g>, Tensor<'g>) {
    let ids = at.graph().input("ids", DType::I64, [rows, CONTEXT]);
    let next = at.graph().input("next", DType::I64, [rows * CONTEXT]);
    let scores = model(vocabulary).forward(at, ids).reshape([rows * CONTEXT, vocabulary]);
    (Loss::CrossEntropy.of(at.child("loss"), scores, next), scores)
}

/// Rows of ids and the ids after them.
fn windows(ids: &[i64], starts: &[usize]) -> Result<Parameters, Error> {
    let window = |from: usize| ids.get(from..from + CONTEXT).unwrap_or_default().to_vec();
    let rows: Vec<i64> = starts.iter().flat_map(|&start| window(start)).collect();
    let next: Vec<i64> = starts.iter().flat_map(|&start| window(start + 1)).collect();
    Ok(named([
        ("ids", array([starts.len(), CONTEXT], rows)?),
        ("next", array([starts.len() * CONTEXT], next)?),
    ]))
}

/// Nats a token of a part, in windows beside each other, and the mean of ln p.
fn nats(weights: &Parameters, part: &[i64], vocabulary: usize) -> Result<[f64; 2], Error> {
    let rows = part.len().saturating_sub(1) / CONTEXT;
    let starts: Vec<usize> = (0..rows).map(|row| row * CONTEXT).collect();
    let found = computed(weights, &windows(part, &starts)?, |at| {
        let (loss, scores) = loss(at, rows, vocabulary);
        vec![loss, crate::nn::log_softmax(scores)]
    })?;
    let number = found.first().and_then(|n| n.first()).copied().unwrap_or(f64::NAN);
    let logs = found.get(1).map(Vec::as_slice).unwrap_or_default();
    let of_next = |(place, row): (usize, &[f64])| {
        let next = part.get(place + 1).and_then(|id| usize::try_from(*id).ok());
        next.and_then(|id| row.get(id)).copied().unwrap_or(f64::NAN)
    };
    let logs: Vec<f64> = logs.chunks(vocabulary).enumerate().map(of_next).collect();
    Ok([number, logs.iter().sum::<f64>() / logs.len().max(1) as f64])
}

/// Asks a trained net for the scores after texts of any length.
struct Writer<'g> {
    graph: &'g Graph,
    scores: Tensor<'g>,
    session: Session,
}

impl<'g> Writer<'g> {
    fn new(graph: &'g Graph, weights: &Parameters, vocabulary: usize) -> Result<Self, Error> {
        let ids = graph.input("ids", DType::I64, [1, CONTEXT]);
        let scores = model(vocabulary).forward(graph.root(Mode::Eval), ids);
        graph.check()?;
        let one = glassbox_engine::Options { threads: 1, ..Default::default() };
        let mut session = Session::new(one)?;
        session.load(weights.clone());
        Ok(Writer { graph, scores, session })
    }

    /// The scores of what comes after the last characters that fit. What stands behind them is not
    /// seen.
    fn after(&mut self, ids: &[i64]) -> Result<Vec<f32>, Error> {
        let seen = ids.get(ids.len().saturating_sub(CONTEXT)..).unwrap_or_default();
        let mut row = seen.to_vec();
        row.resize(CONTEXT, 0);
        let given = named([("ids", array([1, CONTEXT], row)?)]);
        let found = self.session.evaluate(self.graph, &given, &[self.scores])?;
        let numbers = found.first().and_then(Array::as_f32).unwrap_or_default();
        let vocabulary = self.scores.dim(-1);
        let place = seen.len().saturating_sub(1);
        Ok(numbers.chunks(vocabulary).nth(place).unwrap_or_default().to_vec())
    }

    fn write(&mut self, prompt: &[i64], drawn: Drawn, seed: u64) -> Result<Vec<i64>, Error> {
        let how = drawn.sampling(seed);
        let mut ids = prompt.to_vec();
        for number in 0..WRITTEN as u64 {
            ids.extend(how.choose(&self.after(&ids)?, &ids, number));
        }
        Ok(ids.split_off(prompt.len()))
    }
}

/// Trains, measures and writes.
///
/// # Errors
/// None.
pub fn find(options: &Options) -> Result<Found, Error> {
    let (ids, characters) = ids();
    let vocabulary = characters.len();
    let (learned_from, held_back) = ids.split_at(ids.len() - ids.len() / HELD_BACK);
    let stream = Stream::new(options.seed, "lesson/sampling/windows", 0);
    let places = learned_from.len().saturating_sub(CONTEXT);
    let learned = Practice::adam(3e-3, STEPS, options.seed).learn(
        |at| loss(at, ROWS, vocabulary).0,
        |step| {
            let start = |row| (stream.at_step(step as u64).uniform(row) * places as f64) as usize;
            windows(learned_from, &(0..ROWS as u64).map(start).collect::<Vec<_>>())
        },
    )?;
    let weights = &learned.weights;
    let [known, _] = nats(weights, learned_from, vocabulary)?;
    let [unknown, log] = nats(weights, held_back, vocabulary)?;
    let first = learned.losses.first().copied().unwrap_or(f64::NAN);
    let losses = [first, known, unknown];
    let graph = Graph::new();
    let mut writer = Writer::new(&graph, weights, vocabulary)?;
    let prompt = of_text(PROMPT, &characters);
    let scores = writer.after(&prompt)?;
    let shares: Vec<Vec<f64>> = Drawn::ALL.iter().map(|drawn| drawn.of(&scores)).collect();
    let mut order: Vec<usize> = (0..vocabulary).collect();
    let score = |at: &usize| scores.get(*at).copied().unwrap_or(f32::NAN);
    order.sort_by(|a, b| score(b).total_cmp(&score(a)));
    let candidate = |at: usize| {
        let of_way = |shares: &Vec<f64>| shares.get(at).copied().unwrap_or(f64::NAN);
        let token = characters.get(at).copied()?;
        Some(Candidate { token, shares: shares.iter().map(of_way).collect() })
    };
    let candidates = order.into_iter().take(TOLD).filter_map(candidate).collect();
    let mut written = Vec::new();
    for (drawn, shares) in Drawn::ALL.into_iter().zip(&shares) {
        let ids = writer.write(&prompt, drawn, options.seed)?;
        let entropy = |p: &&f64| **p > 0.0;
        written.push(Written {
            drawn,
            possible: shares.iter().filter(entropy).count(),
            entropy: -shares.iter().filter(entropy).map(|p| p * p.ln()).sum::<f64>(),
            text: ids.iter().filter_map(|id| characters.get(*id as usize)).collect(),
        });
    }
    Ok(Found {
        vocabulary,
        parameters: model(vocabulary).parameters(),
        losses,
        perplexities: losses.map(f64::exp),
        mean_of_inverse: (-log).exp(),
        candidates,
        written,
    })
}

pub(super) fn lesson(options: &Options) -> Result<Told, Error> {
    let found = find(options)?;
    let Found { vocabulary, parameters, .. } = found;
    let count = fixed(parameters as f64, 0);
    let parts = vec![
        Part::Paragraph(text!(
            "A GPT of {count} parameters read a speech of Hamlet {STEPS} times {ROWS} pieces, and tells at \
             every place which of {vocabulary} characters comes next. Its loss is the mean of −ln p, in nats \
             a character; perplexity is e to that power: among how many equally likely characters it \
             chooses. A tenth of the text was held back; so short a text is learned by heart, and the rest \
             stays strange.",
            "매개변수 {count}개인 GPT가 햄릿의 대사를 {ROWS}토막씩 {STEPS}번 읽고, 자리마다 글자 {vocabulary}개 \
             가운데 무엇이 오는지 말합니다. 손실은 글자마다 −ln p의 평균(nat)이고, 퍼플렉시티는 e의 그 \
             제곱입니다. 똑같이 그럴듯한 글자 몇 개 가운데 고르는 셈인지를 뜻합니다. 글의 10분의 1은 남겨 \
             두었습니다. 글이 짧아 외워 버리므로 남긴 부분은 낯섭니다.",
        )),
        Part::Table(perplexities(&found)),
        Part::Table(candidates(&found)),
        Part::Paragraph(text!(
            "Temperature divides the scores: below 1 the likely become likelier, above 1 all come nearer to \
             each other. Top-k keeps the k likeliest; top-p keeps as few as have the share p together, so \
             few where the net is sure and many where it is not. What is left is shared out anew, and drawn \
             from.",
            "온도는 점수를 나눕니다. 1보다 작으면 그럴듯한 것이 더 그럴듯해지고, 크면 서로 가까워집니다. \
             top-k는 가장 그럴듯한 k개를, top-p는 합이 p가 되는 가장 적은 수를 남깁니다. 그래서 확신하면 조금, \
             아니면 많이 남깁니다. 남은 것으로 확률을 다시 나누어 뽑습니다.",
        )),
        Part::Table(written(&found)),
    ];
    Told::new(&found, parts)
}

fn perplexities(found: &Found) -> Table {
    let names = [
        text!("before training", "훈련 전"),
        text!("what was learned from", "배운 부분"),
        text!("what was held back", "남긴 부분"),
    ];
    let row = |(name, (loss, perplexity)): (Text, (&f64, &f64))| {
        vec![name, Text::same(fixed(*loss, 3)), Text::same(fixed(*perplexity, 2))]
    };
    let numbers = found.losses.iter().zip(&found.perplexities);
    Table {
        title: text!("loss and perplexity", "손실과 퍼플렉시티"),
        columns: vec![
            text!("text", "글"),
            text!("nats a character", "글자당 nat"),
            text!("perplexity", "퍼플렉시티"),
        ],
        rows: names.into_iter().zip(numbers).map(row).collect(),
    }
}

/// A character that is seen.
fn visible(character: char) -> String {
    match character {
        '\n' => "⏎".to_owned(),
        ' ' => "␣".to_owned(),
        other => other.to_string(),
    }
}

fn candidates(found: &Found) -> Table {
    let share =
        |share: &f64| Text::same(if *share > 0.0 { fixed(*share, 3) } else { "–".into() });
    let row = |candidate: &Candidate| {
        let name = Text::same(visible(candidate.token));
        std::iter::once(name).chain(candidate.shares.iter().map(share)).collect()
    };
    let first = std::iter::once(text!("next", "다음"));
    let prompt = PROMPT.replace(' ', "␣");
    Table {
        title: text!("the likeliest after \"{prompt}\"", "\"{prompt}\" 다음에 가장 그럴듯한 글자"),
        columns: first.chain(Drawn::ALL.map(Drawn::name)).collect(),
        rows: found.candidates.iter().map(row).collect(),
    }
}

fn written(found: &Found) -> Table {
    let row = |written: &Written| {
        let text: String = written.text.chars().map(|c| if c == '\n' { '⏎' } else { c }).collect();
        let cells =
            [written.possible.to_string(), fixed(written.entropy, 2), PROMPT.to_owned() + &text];
        std::iter::once(written.drawn.name()).chain(cells.map(Text::same)).collect()
    };
    Table {
        title: text!("what it writes", "쓰는 글"),
        columns: vec![
            text!("drawn by", "뽑는 법"),
            text!("possible", "가능한 글자"),
            text!("entropy", "엔트로피"),
            text!("text", "글"),
        ],
        rows: found.written.iter().map(row).collect(),
    }
}
