//! Vectors of words: who is near whom, and what is to one as another is to a third.

use serde::Serialize;

use super::corpus::Vocabulary;
use crate::Error;

/// A vector for each word, `[words, dimensions]`.
#[derive(Clone, Debug, PartialEq)]
pub struct WordVectors {
    vocabulary: Vocabulary,
    dimensions: usize,
    values: Vec<f32>,
}

/// A word and how alike it is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Neighbour {
    /// The word.
    pub word: String,
    /// The cosine of the angle between, from -1 to 1.
    pub cosine: f32,
}

impl WordVectors {
    /// Of a vector for each word.
    ///
    /// # Errors
    /// No word, no dimension, or another number of values than words times dimensions.
    pub fn new(vocabulary: Vocabulary, dimensions: usize, values: Vec<f32>) -> Result<Self, Error> {
        if vocabulary.is_empty() || dimensions == 0 {
            return Err(Error::new("there is no vector"));
        }
        if vocabulary.len().checked_mul(dimensions) != Some(values.len()) {
            return Err(Error::new(format!(
                "{} words of {dimensions} dimensions need another number of values than {}",
                vocabulary.len(),
                values.len()
            )));
        }
        Ok(WordVectors { vocabulary, dimensions, values })
    }

    /// The words.
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// Numbers in a vector.
    pub fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// All vectors, one after the other.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The vector of the word of this number.
    pub fn row(&self, word: usize) -> &[f32] {
        &self.values[word * self.dimensions..(word + 1) * self.dimensions]
    }

    /// The vector of a word.
    ///
    /// # Errors
    /// An unknown word, with the nearest spelling.
    pub fn vector(&self, word: &str) -> Result<&[f32], Error> {
        Ok(self.row(self.vocabulary.get(word)?))
    }

    /// The cosine of the angle between the vectors of two words; 0 where one is all zeros.
    pub fn cosine(&self, a: &str, b: &str) -> Result<f32, Error> {
        Ok(cosine(self.vector(a)?, self.vector(b)?))
    }

    /// The words nearest by angle to the mean direction of `words`, these left out, the nearest first.
    ///
    /// # Errors
    /// Unknown words, each with the nearest spelling; or none.
    ///
    /// ```
    /// use glassbox::word2vec::{Vocabulary, WordVectors};
    /// let words = ["up", "above", "left"].map(String::from).to_vec();
    /// let vectors = WordVectors::new(Vocabulary::new(words, vec![0; 3])?, 2, vec![0., 1., 0.1, 0.9, -1., 0.])?;
    /// assert_eq!(vectors.nearest(&["up"], 1)?[0].word, "above");
    /// assert!(vectors.nearest(&["abov"], 1).unwrap_err().to_string().contains("did you mean `above`"));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn nearest(&self, words: &[&str], count: usize) -> Result<Vec<Neighbour>, Error> {
        let plus = self.numbers(words)?;
        Ok(self.near(&plus, &[], count))
    }

    /// What is to `c` as `b` is to `a`: the words nearest to b − a + c (unit vectors), these left out
    /// (Mikolov, Yih, Zweig, "Linguistic regularities in continuous space word representations", 2013).
    ///
    /// # Errors
    /// Unknown words, each with the nearest spelling.
    pub fn analogy(&self, [a, b, c]: [&str; 3], count: usize) -> Result<Vec<Neighbour>, Error> {
        self.combination(&[b, c], &[a], count)
    }

    /// The words nearest to the sum of the unit vectors of `plus` without those of `minus`, all these left
    /// out: `king − man + woman` is the [`analogy`](Self::analogy) of man, king and woman.
    ///
    /// # Errors
    /// Unknown words, each with the nearest spelling; or none.
    ///
    /// ```
    /// use glassbox::word2vec::{Vocabulary, WordVectors};
    /// let words = ["a", "b", "c", "d"].map(String::from).to_vec();
    /// let values = vec![1., 0., 0., 1., 1., 1., -1., 1.];
    /// let vectors = WordVectors::new(Vocabulary::new(words, vec![0; 4])?, 2, values)?;
    /// assert_eq!(vectors.combination(&["b"], &["a"], 1)?[0].word, "d");
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn combination(
        &self,
        plus: &[&str],
        minus: &[&str],
        count: usize,
    ) -> Result<Vec<Neighbour>, Error> {
        let all = self.numbers(&[plus, minus].concat())?;
        let (plus, minus) = all.split_at(plus.len());
        Ok(self.near(plus, minus, count))
    }

    fn numbers(&self, words: &[&str]) -> Result<Vec<usize>, Error> {
        let found: Vec<_> = words.iter().map(|word| self.vocabulary.get(word)).collect();
        let wrong = found.iter().filter_map(|found| found.as_ref().err().map(ToString::to_string));
        let wrong: Vec<String> = wrong.collect();
        match wrong.is_empty() && !words.is_empty() {
            true => Ok(found.into_iter().flatten().collect()),
            false if words.is_empty() => Err(Error::new("name a word")),
            false => Err(Error::new(wrong.join("\n"))),
        }
    }

    /// The words nearest to Σ plus − Σ minus, these left out.
    fn near(&self, plus: &[usize], minus: &[usize], count: usize) -> Vec<Neighbour> {
        let target = self.direction(plus, minus);
        let mut best: Vec<(f32, usize)> = (0..self.vocabulary.len())
            .filter(|word| !plus.contains(word) && !minus.contains(word))
            .map(|word| (cosine(&target, self.row(word)), word))
            .collect();
        let order = |a: &(f32, usize), b: &(f32, usize)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
        if count > 0 && count < best.len() {
            best.select_nth_unstable_by(count - 1, order);
        }
        best.truncate(count);
        best.sort_by(order);
        let named = |(cosine, word): (f32, usize)| Neighbour {
            word: self.vocabulary.words()[word].clone(),
            cosine,
        };
        best.into_iter().map(named).collect()
    }

    fn direction(&self, plus: &[usize], minus: &[usize]) -> Vec<f32> {
        let mut target = vec![0.0; self.dimensions];
        let signed =
            plus.iter().map(|&word| (1.0, word)).chain(minus.iter().map(|&word| (-1.0, word)));
        for (sign, word) in signed {
            let row = self.row(word);
            let length = dot(row, row).sqrt();
            let factor = if length > 0.0 { sign / length } else { 0.0 };
            target.iter_mut().zip(row).for_each(|(to, x)| *to += factor * x);
        }
        target
    }

    /// How many questions of the form "a is to b as c is to …" are answered right, by section: those of
    /// `questions-words.txt` (`: section`, then four words a line), of which all words are known.
    ///
    /// # Errors
    /// A line that has not four words; all such lines.
    pub fn questions(&self, text: &str) -> Result<Vec<Section>, Error> {
        let (mut sections, mut wrong) = (Vec::<Section>::new(), Vec::new());
        let unit = self.unit();
        for (number, line) in text.lines().enumerate() {
            if let Some(name) = line.strip_prefix(':') {
                sections.push(Section { name: name.trim().into(), ..Section::default() });
                continue;
            }
            let words: Vec<&str> = line.split_whitespace().collect();
            let [a, b, c, d] = words[..] else {
                if !words.is_empty() {
                    wrong.push(format!(
                        "line {}: {} words instead of four",
                        number + 1,
                        words.len()
                    ));
                }
                continue;
            };
            if sections.is_empty() {
                sections.push(Section::default());
            }
            let Some(section) = sections.last_mut() else { continue };
            section.questions += 1;
            let known = [a, b, c, d].map(|word| self.vocabulary.find(word));
            let [Some(a), Some(b), Some(c), Some(d)] = known else { continue };
            section.known += 1;
            section.right += u64::from(answer(&unit, self.dimensions, a, b, c) == Some(d));
        }
        match wrong.len() {
            0 => Ok(sections),
            1..=10 => Err(Error::new(wrong.join("\n"))),
            more => {
                Err(Error::new(format!("{}\n… and {} more", wrong[..10].join("\n"), more - 10)))
            }
        }
    }

    /// The vectors, each of length 1 (or 0).
    fn unit(&self) -> Vec<f32> {
        let rows = self.values.chunks_exact(self.dimensions);
        rows.flat_map(|row| {
            let length = dot(row, row).sqrt();
            let factor = if length > 0.0 { 1.0 / length } else { 0.0 };
            row.iter().map(move |x| x * factor)
        })
        .collect()
    }
}

/// Questions of one kind and how many were answered right.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Section {
    /// What they are about.
    pub name: String,
    /// How many there are.
    pub questions: u64,
    /// Of how many all four words are known.
    pub known: u64,
    /// Of how many of these the nearest word is the right one.
    pub right: u64,
}

/// The word nearest to b − a + c, of vectors of length 1.
fn answer(unit: &[f32], dimensions: usize, a: usize, b: usize, c: usize) -> Option<usize> {
    let row = |word: usize| &unit[word * dimensions..(word + 1) * dimensions];
    let target: Vec<f32> =
        row(a).iter().zip(row(b)).zip(row(c)).map(|((a, b), c)| b - a + c).collect();
    let mut best = None;
    for (word, row) in unit.chunks_exact(dimensions).enumerate() {
        let score = dot(&target, row);
        if ![a, b, c].contains(&word) && best.is_none_or(|(most, _)| score > most) {
            best = Some((score, word));
        }
    }
    best.map(|(_, word)| word)
}

/// The sum of products, in eight sums side by side that the compiler makes a vector of.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0f32; 8];
    let (left, right) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f32 = left.remainder().iter().zip(right.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in left.zip(right) {
        for lane in 0..8 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    sums.iter().sum::<f32>() + rest
}

/// The cosine of the angle between two vectors; 0 where one is all zeros.
pub(crate) fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let lengths = (dot(a, a) * dot(b, b)).sqrt();
    if lengths > 0.0 { dot(a, b) / lengths } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A grid: sex to the right, rank upwards.
    fn royal() -> WordVectors {
        let words = ["man", "woman", "king", "queen", "apple"].map(String::from).to_vec();
        let values = vec![1., 0., 0., 1., 1., 0., 1., 0., 1., 1., 1., 1., 0., -1., 0.2];
        let vocabulary = Vocabulary::new(words, vec![0; 5]).expect("words");
        WordVectors::new(vocabulary, 3, values).expect("vectors")
    }

    #[test]
    fn king_is_to_man_as_queen_is_to_woman() {
        let vectors = royal();
        let found = vectors.analogy(["man", "king", "woman"], 2).expect("an answer");
        assert_eq!(found[0].word, "queen");
        assert!(found[0].cosine > found[1].cosine);
        let text = ": royal\nman king woman queen\nMan woman KING queen\nman king woman duke\n";
        let sections = vectors.questions(text).expect("questions");
        let section = Section { name: "royal".into(), questions: 3, known: 2, right: 2 };
        assert_eq!(sections, [section]);
        let wrong = vectors.questions("man king\n").expect_err("two words").to_string();
        assert_eq!(wrong, "line 1: 2 words instead of four");
    }

    #[test]
    fn all_unknown_words_are_named() {
        let error = royal().analogy(["mann", "king", "xyzzy"], 1).expect_err("unknown").to_string();
        assert!(error.contains("did you mean `man`?") && error.contains("`xyzzy` is not among"));
    }
}
