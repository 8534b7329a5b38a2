//! What a model says of words that have tags: figures, beside each word's most frequent tag, and tables.

use std::collections::HashMap;

use serde::Serialize;

use crate::Error;
use crate::data::{Rows, Sentence, unknown_tokens};
use crate::metrics::{Entities, Entity, EntityFigures};
use crate::train::evaluate::{largest, probabilities};
use crate::train::event::Metrics;
use crate::train::figures::Simplest;
use crate::train::trained::{Model, best_of, cell};

/// The tags of the words of some rows, and what was said of them.
pub(crate) struct Told<'r> {
    rows: &'r Rows,
    pub names: &'r [String],
    /// Scores of every tag, for each word.
    scores: &'r [f32],
    /// The tag of each word, and the place in `labels` behind each row's last.
    pub labels: Vec<usize>,
    ends: Vec<usize>,
}

impl<'r> Told<'r> {
    /// Of the scores `[words, tags]` of all words of the rows; none where words have no tags.
    pub fn of(scores: &'r [f32], rows: &'r Rows) -> Result<Option<Self>, Error> {
        let Some(names) = rows.target().tags() else { return Ok(None) };
        let (mut labels, mut ends) = (Vec::new(), Vec::with_capacity(rows.len()));
        for row in 0..rows.len() {
            labels.extend(rows.word_tags(row)?);
            ends.push(labels.len());
        }
        if scores.len() != labels.len() * names.len() {
            return Err(Error::new("another number of scores than words have tags"));
        }
        Ok(Some(Told { rows, names, scores, labels, ends }))
    }

    fn each(&self) -> impl Iterator<Item = (&'r [f32], usize)> {
        self.scores.chunks_exact(self.names.len().max(1)).zip(self.labels.iter().copied())
    }

    /// The most probable tag of each word.
    fn best(&self) -> Vec<usize> {
        self.each().map(|(scores, _)| largest(scores)).collect()
    }

    /// −ln p of each word's tag.
    fn losses(&self) -> impl Iterator<Item = f64> {
        self.each().map(|(scores, label)| {
            let p = probabilities(scores).get(label).copied().unwrap_or(0.0);
            -p.max(f64::MIN_POSITIVE).ln()
        })
    }

    /// The mean loss of each row's words.
    pub fn row_losses(&self) -> Vec<f64> {
        let losses: Vec<f64> = self.losses().collect();
        let mut start = 0;
        let mean = |end: &usize| {
            let words = losses.get(start..*end).unwrap_or_default();
            start = *end;
            words.iter().sum::<f64>() / words.len().max(1) as f64
        };
        self.ends.iter().map(mean).collect()
    }

    /// `loss` (mean of −ln p over the words, nats), `accuracy`, and how well names are found where tags are
    /// of names.
    pub fn score(&self) -> Metrics {
        let words = self.labels.len().max(1) as f64;
        let best = self.best();
        let right = best.iter().zip(&self.labels).filter(|(said, is)| said == is).count();
        let mut metrics = Metrics::new();
        metrics.insert("loss".into(), self.losses().sum::<f64>() / words);
        metrics.insert("accuracy".into(), right as f64 / words);
        if let Some(found) = self.entities(&best) {
            metrics.extend(of_entities(&found));
        }
        metrics
    }

    /// Sentences of the same number, cut into several rows, as one.
    fn sentences(&self, labels: &[usize]) -> Vec<Vec<&'r str>> {
        let mut sentences: Vec<Vec<&str>> = Vec::new();
        let (mut start, mut before) = (0, None);
        for (row, end) in self.ends.iter().enumerate() {
            let number = self.rows.source_row(row);
            if before != number || sentences.is_empty() {
                sentences.push(Vec::new());
            }
            let name = |label: &usize| self.names.get(*label).map_or("", String::as_str);
            let own = labels.get(start..*end).unwrap_or_default().iter().map(name);
            if let Some(sentence) = sentences.last_mut() {
                sentence.extend(own);
            }
            (start, before) = (*end, number);
        }
        sentences
    }

    /// How many sentences the rows are.
    pub fn count(&self) -> usize {
        self.sentences(&self.labels).len()
    }

    /// How well names are found; none where tags are of no names.
    pub fn entities(&self, told: &[usize]) -> Option<Entities> {
        if !Entities::are_of(self.names) {
            return None;
        }
        Entities::of(&self.sentences(&self.labels), &self.sentences(told)).ok()
    }

    /// How well the model finds names, kind by kind.
    pub fn kinds(&self) -> Vec<EntityResult> {
        let found = self.entities(&self.best()).unwrap_or_default();
        let result = |(name, figures): (&str, EntityFigures)| EntityResult {
            name: name.to_owned(),
            figures,
        };
        found.kinds().into_iter().map(result).collect()
    }

    /// `predictions.csv`: for each word the number of its sentence, its tag, what is predicted and how sure
    /// that is, and the word.
    pub fn table(&self) -> String {
        let mut out = String::from("row,observed,predicted,probability,word\n");
        let mut each = self.each();
        for row in 0..self.rows.len() {
            let number = self.rows.source_row(row).unwrap_or(0);
            for (word, (scores, label)) in
                self.rows.words(row).unwrap_or_default().iter().zip(&mut each)
            {
                let best = largest(scores);
                let name = |label: usize| self.names.get(label).map_or("", String::as_str);
                let probability = probabilities(scores).get(best).copied().unwrap_or(f64::NAN);
                let [observed, predicted, word] = [name(label), name(best), word].map(cell);
                out += &format!("{number},{observed},{predicted},{probability},{word}\n");
            }
        }
        out
    }

    /// What whoever knows how often each word has each tag in training says of these words: the most
    /// frequent one, of a word that training lacks the most frequent of all. Beside them come the figures
    /// of names.
    pub fn simplest(&self, train: &Rows) -> Result<(Simplest, Metrics), Error> {
        let mut shares = vec![0.0; self.names.len()];
        let mut of_word: HashMap<&str, Vec<f64>> = HashMap::new();
        for row in 0..train.len() {
            let words = train.words(row).unwrap_or_default();
            for (word, label) in words.into_iter().zip(train.word_tags(row)?) {
                let counts = of_word.entry(word).or_insert_with(|| vec![0.0; self.names.len()]);
                for counts in [counts, &mut shares] {
                    if let Some(count) = counts.get_mut(label) {
                        *count += 1.0;
                    }
                }
            }
        }
        // A tag that training lacks is not impossible.
        let all = shares.iter().sum::<f64>() + shares.len() as f64;
        shares.iter_mut().for_each(|count| *count = (*count + 1.0) / all);
        let most = |of: &dyn Fn(usize) -> f64| {
            (0..shares.len()).fold(0, |best, tag| if of(tag) > of(best) { tag } else { best })
        };
        let (mut said, mut loss) = (Vec::with_capacity(self.labels.len()), 0.0);
        let mut labels = self.labels.iter();
        for row in 0..self.rows.len() {
            for (word, label) in self.rows.words(row).unwrap_or_default().iter().zip(&mut labels) {
                let counts = of_word.get(word);
                let times = counts.map_or(0.0, |counts| counts.iter().sum::<f64>());
                // The shares of all words count as one word more.
                let p = |tag: usize| {
                    let own = counts.and_then(|counts| counts.get(tag)).copied().unwrap_or(0.0);
                    (own + shares.get(tag).copied().unwrap_or(0.0)) / (times + 1.0)
                };
                said.push(most(&p));
                loss -= p(*label).ln();
            }
        }
        let names = self.entities(&said).map(|found| of_entities(&found));
        let loss = Some(loss / self.labels.len().max(1) as f64);
        Ok((Simplest { labels: said, loss, positive: None }, names.into_iter().flatten().collect()))
    }
}

fn of_entities(found: &Entities) -> [(String, f64); 3] {
    let EntityFigures { precision, recall, f1, .. } = found.figures();
    let figures = [("entity_precision", precision), ("entity_recall", recall), ("entity_f1", f1)];
    figures.map(|(name, figure)| (name.to_owned(), figure))
}

/// How well names of one kind are found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EntityResult {
    /// The kind, such as `PER`.
    pub name: String,
    /// The figures.
    #[serde(flatten)]
    pub figures: EntityFigures,
}

/// What a model says of the words of sentences.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Tagging {
    /// The name of what is told of each word.
    pub target: String,
    /// The tags.
    pub tags: Vec<String>,
    /// The sentences, in order.
    pub sentences: Vec<TaggedSentence>,
    /// What was odd about the words, e.g. tokens that training never saw.
    pub warnings: Vec<String>,
}

/// What a model says of the words of a sentence.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TaggedSentence {
    /// Its words.
    pub words: Vec<TaggedWord>,
    /// The names that the tags say, where they are of the BIO scheme.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub entities: Vec<Entity>,
}

/// What a model says of a word.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TaggedWord {
    /// The word.
    pub word: String,
    /// Its most probable tag.
    pub tag: String,
    /// The probability of that.
    pub probability: f64,
    /// The probability of every tag, in the order of [`Tagging::tags`].
    pub probabilities: Vec<f64>,
}

impl TaggedWord {
    /// The `most` most probable tags with their probabilities, the best first; `tags` are
    /// [`Tagging::tags`].
    pub fn top<'t>(&self, most: usize, tags: &'t [String]) -> Vec<(&'t str, f64)> {
        best_of(most, tags, &self.probabilities)
    }
}

impl TaggedSentence {
    /// The text of a name that is in it.
    pub fn text(&self, entity: &Entity) -> String {
        let words = self.words.get(entity.words()).unwrap_or_default();
        words.iter().map(|word| word.word.as_str()).collect::<Vec<_>>().join(" ")
    }
}

impl Tagging {
    /// How many of the words that have a tag are told right, and how many there are; none where none has.
    pub fn agreement(&self, observed: &[Sentence]) -> Option<(usize, usize)> {
        let known = self.sentences.iter().zip(observed).flat_map(|(told, observed)| {
            told.words.iter().zip(&observed.tags).map(|(word, tag)| word.tag == *tag)
        });
        let (right, words) =
            known.fold((0, 0), |(right, words), is| (right + usize::from(is), words + 1));
        (words > 0).then_some((right, words))
    }
}

/// Rows of words that are predicted at a time.
const AT_ONCE: usize = 256;

impl Model {
    /// Where the model tells tags of words, what the lists of words and of tags were called in its
    /// training; none of other models.
    pub fn tagged_words(&self) -> Option<[&str; 2]> {
        let preparation = self.preparation();
        preparation.target.tags()?;
        let words = preparation.inputs.text()?.column.as_deref();
        Some([words.unwrap_or_default(), &preparation.target.name])
    }

    /// Tells the tag of every word of some sentences.
    ///
    /// # Errors
    /// A model of something else.
    ///
    /// ```
    /// use glassbox::data::{self, Sentence};
    /// use glassbox::prelude::*;
    /// use glassbox::zoo::{Cell, Places, Recurrent, Tokens};
    /// let data = data::builtin("entities").ok_or("it is built in")?;
    /// let text = data.preparation.inputs.text().ok_or("of text")?;
    /// let tokens = Tokens { vocabulary: text.tokenizer.vocabulary(), width: 16, padding: Some(0) };
    /// let model = Recurrent::new(Cell::Gru, 16, 7).bidirectional(true).places(Places::Own).tokens(tokens);
    /// let model = Trainer::new(model).epochs(2).batch(32).fit(&data)?.into_model();
    /// let told = model.predict_words(&[Sentence::of_text("Grace Kim lives in Paris.")])?;
    /// assert_eq!(told.sentences[0].words.len(), 6);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn predict_words(&self, sentences: &[Sentence]) -> Result<Tagging, Error> {
        let preparation = self.preparation();
        let (Some(text), Some(tags)) = (preparation.inputs.text(), preparation.target.tags())
        else {
            return Err(Error::new("the model tells no tags of words"));
        };
        let mut encoder = text.tokenizer.encoder();
        let (mut rows, mut of_row) = (Vec::new(), Vec::new());
        for (number, sentence) in sentences.iter().enumerate() {
            text.rows_of_words(&mut encoder, &sentence.words, &mut |row| {
                rows.push(row);
                of_row.push(number);
                Ok(())
            })?;
        }
        let mut told: Vec<TaggedSentence> = Vec::with_capacity(sentences.len());
        told.resize(sentences.len(), TaggedSentence { words: Vec::new(), entities: Vec::new() });
        let width = tags.len().max(1);
        for (rows, numbers) in rows.chunks(AT_ONCE).zip(of_row.chunks(AT_ONCE)) {
            let mut matrix = Vec::with_capacity(rows.len() * text.context);
            for row in rows {
                text.fill(&row.ids, &mut matrix)?;
            }
            let results = self.results_of(&matrix)?;
            let each = results.chunks_exact((text.context * width).max(1));
            for ((row, number), results) in rows.iter().zip(numbers).zip(each) {
                let places: Vec<&[f32]> = results.chunks_exact(width).collect();
                let (Some(told), Some(sentence)) = (told.get_mut(*number), sentences.get(*number))
                else {
                    continue;
                };
                for (word, place) in row.words.clone().zip(&row.places) {
                    let scores = places.get(*place).copied().unwrap_or_default();
                    let (probabilities, best) = (probabilities(scores), largest(scores));
                    told.words.push(TaggedWord {
                        word: sentence.words.get(word).cloned().unwrap_or_default(),
                        tag: tags.get(best).cloned().unwrap_or_default(),
                        probability: probabilities.get(best).copied().unwrap_or(f64::NAN),
                        probabilities,
                    });
                }
            }
        }
        if Entities::are_of(tags) {
            for sentence in &mut told {
                let own: Vec<&str> = sentence.words.iter().map(|word| word.tag.as_str()).collect();
                sentence.entities = Entities::spans(&own);
            }
        }
        Ok(Tagging {
            target: preparation.target.name.clone(),
            tags: tags.to_vec(),
            sentences: told,
            warnings: unknown_tokens(encoder.unknown()),
        })
    }
}
