//! From a text to numbered words: sentences, the vocabulary, the corpus.

use std::collections::HashMap;
use std::path::Path;

use crate::Error;
use crate::data::read_text;
use crate::io::FileError;
use crate::nearest::nearest;

/// The words of a line, lower-cased: runs of letters, digits and apostrophes inside of words; a full
/// stop, question mark, exclamation mark, semicolon or colon ends a sentence.
///
/// ```
/// use glassbox::word2vec::sentences;
/// let all: Vec<Vec<String>> = sentences("Troll 2 is great! Don't you think so?\n오늘은 좋다。").collect();
/// assert_eq!(all, [vec!["troll", "2", "is", "great"], vec!["don't", "you", "think", "so"], vec!["오늘은", "좋다"]]);
/// ```
pub fn sentences(text: &str) -> impl Iterator<Item = Vec<String>> + '_ {
    const ENDS: [char; 9] = ['.', '?', '!', ';', ':', '。', '？', '！', '\n'];
    // A number's point (3.14) or a name's (e.g) stands between letters and ends nothing.
    let is_end = move |(at, letter): (usize, char)| {
        let next = text[at + letter.len_utf8()..].chars().next();
        ENDS.contains(&letter)
            && (letter != '.' && letter != ':' || next.is_none_or(|next| !next.is_alphanumeric()))
    };
    let mut from = 0;
    let ends = text
        .char_indices()
        .filter(move |&at| is_end(at))
        .map(|(at, letter)| (at, letter.len_utf8()));
    let ends = ends.chain(std::iter::once((text.len(), 0)));
    ends.map(move |(at, length)| {
        let sentence = &text[from..at];
        from = at + length;
        words(sentence)
    })
    .filter(|words| !words.is_empty())
}

fn words(sentence: &str) -> Vec<String> {
    let inside = |letter: char| letter.is_alphanumeric() || letter == '\'' || letter == '’';
    let word = |part: &str| {
        let word = part.trim_matches(['\'', '’']).to_lowercase().replace('’', "'");
        (!word.is_empty()).then_some(word)
    };
    sentence.split(|letter| !inside(letter)).filter_map(word).collect()
}

/// The words of a corpus with how often they occur, the most frequent first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vocabulary {
    words: Vec<String>,
    counts: Vec<u64>,
    places: HashMap<String, u32>,
}

impl Vocabulary {
    /// Of these words, in this order.
    ///
    /// # Errors
    /// A word that stands twice.
    pub fn new(words: Vec<String>, counts: Vec<u64>) -> Result<Self, Error> {
        let mut places = HashMap::with_capacity(words.len());
        for (place, word) in words.iter().enumerate() {
            if places.insert(word.clone(), place as u32).is_some() {
                return Err(Error::new(format!("the word `{word}` stands twice")));
            }
        }
        Ok(Vocabulary { words, counts, places })
    }

    /// How many words there are.
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// The words.
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// How often each word occurs; 0 where that is not known.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// The number of a word, as it is spelt or in lower case.
    pub fn find(&self, word: &str) -> Option<usize> {
        let place = self.places.get(word).or_else(|| self.places.get(&word.to_lowercase()));
        place.map(|&place| place as usize)
    }

    /// The number of a word.
    ///
    /// # Errors
    /// An unknown word, with the nearest spelling.
    pub fn get(&self, word: &str) -> Result<usize, Error> {
        self.find(word).ok_or_else(|| {
            let known = self.words.iter().map(String::as_str);
            let near = match nearest(word, known) {
                Some(near) => format!("; did you mean `{near}`?"),
                None => String::new(),
            };
            let count = self.len();
            Error::new(format!("`{word}` is not among the {count} words of these vectors{near}"))
        })
    }
}

/// A text as numbers of words, sentence after sentence, without the words that are too rare.
#[derive(Clone, Debug)]
pub struct Corpus {
    /// Which words there are.
    pub vocabulary: Vocabulary,
    /// The words' numbers, sentence after sentence.
    pub(super) words: Vec<u32>,
    /// Where each sentence ends.
    pub(super) ends: Vec<usize>,
    /// Words of the text, the rare ones included.
    pub total: u64,
}

impl Corpus {
    /// Reads a text file, gzipped or not; sentences as [`sentences`] says.
    ///
    /// # Errors
    /// An unreadable file, a text that is not UTF-8, or fewer than two words that occur `min_count` times.
    pub fn read(path: &Path, min_count: u64) -> Result<Self, Error> {
        Corpus::of_text(&read_text(path)?, path, min_count)
    }

    /// Of the text of a file.
    pub(super) fn of_text(text: &str, path: &Path, min_count: u64) -> Result<Self, Error> {
        Corpus::of(sentences(text), min_count)
            .map_err(|error| FileError::new(path, error.to_string()).into())
    }

    /// Of sentences.
    ///
    /// # Errors
    /// Fewer than two words that occur `min_count` times.
    pub fn of<S: AsRef<str>>(
        sentences: impl Iterator<Item = Vec<S>>,
        min_count: u64,
    ) -> Result<Self, Error> {
        // Numbers in the order of first sight; the order by frequency follows.
        let mut seen: HashMap<String, u32> = HashMap::new();
        let (mut counts, mut words, mut ends) = (Vec::<u64>::new(), Vec::<u32>::new(), Vec::new());
        for sentence in sentences {
            for word in &sentence {
                let word = word.as_ref();
                let id = match seen.get(word) {
                    Some(&id) => id,
                    None => {
                        let id = counts.len() as u32;
                        seen.insert(word.to_owned(), id);
                        counts.push(0);
                        id
                    }
                };
                counts[id as usize] += 1;
                words.push(id);
            }
            ends.push(words.len());
        }
        let (total, distinct) = (words.len() as u64, counts.len());
        let mut names = vec![String::new(); distinct];
        for (word, id) in seen {
            names[id as usize] = word;
        }
        let mut order: Vec<usize> = (0..distinct).filter(|&id| counts[id] >= min_count).collect();
        // Of equally frequent words the one that is seen first comes first.
        order.sort_by_key(|&id| (std::cmp::Reverse(counts[id]), id));
        if order.len() < 2 {
            return Err(too_few(total, distinct, order.len(), &counts, min_count));
        }
        let mut new = vec![u32::MAX; distinct];
        for (place, &id) in order.iter().enumerate() {
            new[id] = place as u32;
        }
        let vocabulary = Vocabulary::new(
            order.iter().map(|&id| std::mem::take(&mut names[id])).collect(),
            order.iter().map(|&id| counts[id]).collect(),
        )?;
        let (mut kept, mut kept_ends) = (Vec::with_capacity(words.len()), Vec::new());
        let mut from = 0;
        for end in ends {
            let start = kept.len();
            let sentence = words[from..end].iter().map(|&id| new[id as usize]);
            kept.extend(sentence.filter(|&id| id != u32::MAX));
            from = end;
            if kept.len() > start {
                kept_ends.push(kept.len());
            }
        }
        Ok(Corpus { vocabulary, words: kept, ends: kept_ends, total })
    }

    /// Words that are learned from, in one pass, before frequent ones are left out by chance.
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Sentences that have such words.
    pub fn sentences(&self) -> usize {
        self.ends.len()
    }
}

fn too_few(total: u64, distinct: usize, left: usize, counts: &[u64], min_count: u64) -> Error {
    let most = counts.iter().max().copied().unwrap_or(0);
    Error::new(match (total, distinct) {
        (0, _) => "there is no word in it: name a file with text".to_owned(),
        (_, 1) => "there is one word only: vectors are learned from words beside each other".into(),
        _ => format!(
            "of {distinct} different words {left} occur at least {min_count} times, and two are needed; \
             the most frequent occurs {most} times: lower `min_count`"
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_numbered_by_frequency_and_rare_ones_leave_no_gap() {
        let text = "a b a c. b a\n\nd a b";
        let corpus = Corpus::of(sentences(text), 2).expect("a corpus");
        assert_eq!(corpus.vocabulary.words(), ["a", "b"]);
        assert_eq!(corpus.vocabulary.counts(), [4, 3]);
        assert_eq!(corpus.words, [0, 1, 0, 1, 0, 0, 1]);
        assert_eq!(corpus.ends, [3, 5, 7]);
        assert_eq!(corpus.total, 9);
    }

    #[test]
    fn too_few_words_say_what_to_do() {
        let of = |text: &str, least| {
            Corpus::of(sentences(text), least).expect_err("too few").to_string()
        };
        assert_eq!(of("  \n", 1), "there is no word in it: name a file with text");
        assert!(of("one one one", 1).contains("one word only"));
        let message = of("a b a", 5);
        assert!(message.contains("most frequent occurs 2 times: lower `min_count`"), "{message}");
    }

    #[test]
    fn points_inside_numbers_end_no_sentence() {
        let all: Vec<_> = sentences("Pi is 3.14. 'Tis the gods' will…").collect();
        assert_eq!(all, [vec!["pi", "is", "3", "14"], vec!["tis", "the", "gods", "will"]]);
    }
}
