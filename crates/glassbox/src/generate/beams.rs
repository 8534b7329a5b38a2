use std::cmp::Ordering;

use super::Generator;
use crate::Error;

/// How a text is searched for: of all continuations so far the most probable few are followed at once.
///
/// ```
/// use glassbox::engine::{DType, Graph, Mode, Options};
/// use glassbox::generate::{Beams, Generator};
/// use glassbox::nn::Module;
/// use glassbox::zoo::Seq2Seq;
/// let model = Seq2Seq::new(5, [9, 9]).units(8);
/// let graph = Graph::new();
/// model.forward(graph.root(Mode::Eval), graph.input("ids", DType::I64, [1, 5 + 4]));
/// let mut generator = Generator::new(&model, graph.initial_values(1), Options::default())?;
/// generator.read_source(&[4, 7, 5])?;
/// let how = Beams { width: 3, stop: vec![3], most: 6, ..Beams::default() };
/// let found = generator.search(&[2], &how)?;
/// assert!(found.len() == 3 && found[0].score >= found[1].score);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Beams {
    /// How many are followed (4).
    pub width: usize,
    /// The α of `((5 + length) / 6)^α`, which the logarithm of a text's probability is divided by (Wu et
    /// al. 2016), so that longer ones are not at a disadvantage (0.6); 0 changes nothing.
    pub length_penalty: f64,
    /// How many tokens are written at most (256).
    pub most: usize,
    /// Tokens that end a text; they are not part of it.
    pub stop: Vec<i64>,
    /// Tokens that are never written.
    pub never: Vec<i64>,
}

impl Default for Beams {
    /// Four, up to 256 tokens.
    fn default() -> Self {
        Beams { width: 4, length_penalty: 0.6, most: 256, stop: Vec::new(), never: Vec::new() }
    }
}

/// A text that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Hypothesis {
    /// The tokens, without the prompt and without the one that ended it.
    pub ids: Vec<i64>,
    /// The logarithm of its probability, that of the token that ended it included.
    pub log_probability: f64,
    /// The same, divided for its length: what texts are compared by.
    pub score: f64,
    /// Whether it came to an end by itself.
    pub ended: bool,
}

/// A text that is followed.
#[derive(Clone, Default)]
struct Followed {
    ids: Vec<i64>,
    log_probability: f64,
    /// The row that holds its past.
    row: usize,
}

impl Beams {
    fn found(&self, ids: Vec<i64>, log_probability: f64, ended: bool) -> Hypothesis {
        // The token that ended it counts.
        let length = ids.len() + usize::from(ended);
        let score = log_probability / self.divisor(length);
        Hypothesis { ids, log_probability, score, ended }
    }

    fn divisor(&self, length: usize) -> f64 {
        ((5.0 + length as f64) / 6.0).powf(self.length_penalty)
    }

    /// The best continuations by one token of those followed, best first: which, the token, the
    /// logarithm of the probability.
    fn continuations(&self, followed: &[Followed], scores: &[f32]) -> Vec<(usize, i64, f64)> {
        let vocabulary = scores.len() / self.width.max(1);
        let mut all = Vec::with_capacity(followed.len() * vocabulary);
        for (which, text) in followed.iter().enumerate() {
            let row = scores.get(text.row * vocabulary..(text.row + 1) * vocabulary);
            let row = row.unwrap_or_default();
            let highest = row.iter().fold(f64::NEG_INFINITY, |most, &x| most.max(f64::from(x)));
            let sum: f64 = row.iter().map(|&score| (f64::from(score) - highest).exp()).sum();
            let rest = text.log_probability - highest - sum.ln();
            let each = (0..).zip(row).map(|(id, &score)| (which, id, f64::from(score) + rest));
            all.extend(each.filter(|(_, id, p)| p.is_finite() && !self.never.contains(id)));
        }
        let better = |a: &(usize, i64, f64), b: &(usize, i64, f64)| {
            b.2.partial_cmp(&a.2).unwrap_or(Ordering::Equal).then((a.0, a.1).cmp(&(b.0, b.1)))
        };
        // Of each some may end, the others must be enough.
        let enough = self.width * (1 + self.stop.len());
        if all.len() > enough {
            all.select_nth_unstable_by(enough, better);
            all.truncate(enough);
        }
        all.sort_unstable_by(better);
        all
    }
}

impl Generator<'_> {
    /// Searches for the most probable continuations of a prompt, at least one token; best first, as many
    /// as are followed or fewer. A model with a bounded context ends with it.
    ///
    /// # Errors
    /// As [`stream`](Self::stream); a prompt that fills the context.
    pub fn search(&mut self, prompt: &[i64], how: &Beams) -> Result<Vec<Hypothesis>, Error> {
        let mut problems = Vec::new();
        if how.width == 0 {
            problems.push("no beam is to be followed: choose a width of 1 or more".into());
        }
        if !how.length_penalty.is_finite() {
            let what = how.length_penalty;
            problems.push(format!("the length penalty is {what}: choose a finite number"));
        }
        let room = self.model.context().unwrap_or(usize::MAX);
        if prompt.len() > room {
            let length = prompt.len();
            problems.push(format!(
                "the prompt has {length} tokens, and the model looks at {room}: make it shorter"
            ));
        }
        self.check(prompt, problems)?;
        self.restart(how.width);
        self.begin()?;
        let mut key = self.read_on(prompt)?;
        while self.read < prompt.len() {
            key = self.read_on(prompt)?;
        }
        let (mut followed, mut found) = (vec![Followed::default()], Vec::new());
        for written in 1..=how.most {
            let mut next = Vec::new();
            for (which, id, log_probability) in how.continuations(&followed, self.last_scores(key)?)
            {
                let Followed { ids, row, .. } = &followed[which];
                if how.stop.contains(&id) {
                    found.push(how.found(ids.clone(), log_probability, true));
                } else if next.len() < how.width {
                    let ids = [&ids[..], &[id]].concat();
                    next.push(Followed { ids, log_probability, row: *row });
                }
            }
            followed = next;
            found.sort_by(|a, b| b.score.total_cmp(&a.score));
            found.truncate(how.width);
            // Nothing that is followed can become better than this.
            let best = followed.first().map_or(f64::NEG_INFINITY, |text| {
                let lengths = [written + 1, how.most + 1].map(|length| how.divisor(length));
                lengths.iter().map(|d| text.log_probability / d).fold(f64::NEG_INFINITY, f64::max)
            });
            let enough = found.len() == how.width && found.last().is_some_and(|f| f.score >= best);
            if followed.is_empty() || enough || written == how.most || self.read >= room {
                break;
            }
            let each = (0..how.width).map(|row| followed.get(row).or(followed.first()));
            let (ids, from): (Vec<i64>, Vec<i64>) = each
                .flatten()
                .map(|text| (text.ids.last().copied().unwrap_or_default(), text.row as i64))
                .unzip();
            key = self.go_on(&ids, Some(&from), self.read + 1)?;
            followed.iter_mut().enumerate().for_each(|(row, text)| text.row = row);
        }
        let open =
            followed.into_iter().map(|text| how.found(text.ids, text.log_probability, false));
        found.extend(open);
        found.sort_by(|a, b| b.score.total_cmp(&a.score));
        found.truncate(how.width);
        Ok(found)
    }
}
