//! Sentences as rows of tokens, of which those that begin a word carry its tag.

use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;

use super::labelled::{CONTEXT, tokenizer_for};
use super::load::{Arrangement, TextPreparation};
use super::tagged::{Sentence, Sentences};
use super::tokenizer::{Encoder, Special};
use super::windows::{NO_TAG, Tagged, Windows, Words};
use crate::data::dataset::{Dataset, Parts, empty_parts};
use crate::data::error::{DataError, Place, Problems, count, quoted};
use crate::data::options::Options;
use crate::data::prepare::{InputPreparation, Preparation};
use crate::data::rows::{Inputs, Rows, Store, Targets};
use crate::data::split::{Split, split};
use crate::data::spool::Spool;
use crate::data::table::MEMORY;
use crate::data::target::{TargetEncoding, TargetPreparation};
use crate::nearest::listed;

/// Some words of a sentence, as many as a row takes: its tokens, and where each word's first one stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct WordRow {
    pub words: Range<usize>,
    pub ids: Vec<u32>,
    pub places: Vec<usize>,
}

impl TextPreparation {
    /// The words of a sentence as rows between the tokens that begin and end a text. Before each word but
    /// the first stands a space; a word that alone is too long for a row loses its end.
    pub(crate) fn rows_of_words(
        &self,
        encoder: &mut Encoder<'_>,
        words: &[String],
        take: &mut dyn FnMut(WordRow) -> Result<(), DataError>,
    ) -> Result<(), DataError> {
        let special = |special| self.tokenizer.special(special);
        let (first, last) = (special(Special::Class), special(Special::Separator));
        let frame = usize::from(first.is_some()) + usize::from(last.is_some());
        let room = self.context.saturating_sub(frame).max(1);
        let begin = || -> Vec<u32> { first.into_iter().collect() };
        let mut row = WordRow { words: 0..0, ids: begin(), places: Vec::new() };
        let (mut text, mut piece) = (String::new(), Vec::new());
        for (at, word) in words.iter().enumerate() {
            text.clear();
            text.push_str(if at > 0 { " " } else { "" });
            text.push_str(word);
            piece.clear();
            encoder.encode(&text, &mut piece);
            if piece.is_empty() {
                // A word of signs that the tokeniser leaves out.
                piece.push(special(Special::Unknown).unwrap_or_default());
            }
            piece.truncate(room);
            let used = row.ids.len() - usize::from(first.is_some());
            if used + piece.len() > room && !row.places.is_empty() {
                row.ids.extend(last);
                let next = WordRow { words: at..at, ids: begin(), places: Vec::new() };
                take(std::mem::replace(&mut row, next))?;
            }
            row.places.push(row.ids.len());
            row.ids.extend_from_slice(&piece);
            row.words.end = at + 1;
        }
        if row.places.is_empty() {
            return Ok(());
        }
        row.ids.extend(last);
        take(row)
    }

    /// The token that stands behind the end of shorter rows.
    pub(super) fn padding(&self) -> Result<u32, DataError> {
        self.tokenizer.special(Special::Pad).ok_or_else(|| {
            let what = "the tokenizer has no token that fills short rows, such as <pad> or [PAD]";
            let cure = "take character, word or bpe, or one that has it";
            DataError::new(Place::default(), what, cure)
        })
    }
}

/// Sentences as rows.
struct Laid {
    windows: Windows,
    /// The sentence that each row is of.
    sentences: Vec<u32>,
    /// Words of tokens that the vocabulary does not have.
    unknown: u64,
}

impl Laid {
    /// Lays rows of sentences whose tags are among `names`; gives the longest row.
    fn of(
        text: &TextPreparation,
        sentences: &Sentences,
        names: &[String],
        memory: usize,
    ) -> Result<(Self, usize), DataError> {
        let fill = text.padding()?;
        let labels: HashMap<&str, u32> = names.iter().map(String::as_str).zip(0..).collect();
        let (mut ids, mut tags) = (Spool::new(memory / 2), Spool::new(memory / 2));
        let mut starts = Spool::new(memory / 8);
        let (mut words, mut of_row) = (Words::default(), Vec::new());
        let mut encoder = text.tokenizer.encoder();
        let (mut longest, mut told) = (1, Vec::new());
        for (number, sentence) in (0..).zip(sentences.all()) {
            let Sentence { words: own, tags: named, .. } = sentence;
            text.rows_of_words(&mut encoder, own, &mut |row: WordRow| {
                told.clear();
                told.resize(row.ids.len(), NO_TAG);
                for (word, place) in row.words.clone().zip(&row.places) {
                    let label = named.get(word).and_then(|tag| labels.get(tag.as_str()));
                    if let (Some(label), Some(at)) = (label, told.get_mut(*place)) {
                        *at = *label;
                    }
                }
                starts.push(&[ids.len()])?;
                ids.push(&row.ids)?;
                tags.push(&told)?;
                words.push(own.get(row.words).unwrap_or_default().iter().map(String::as_str));
                longest = longest.max(row.ids.len());
                of_row.push(number);
                Ok(())
            })?;
        }
        starts.push(&[ids.len()])?;
        let unknown = encoder.unknown();
        let tagged = Tagged { tags: tags.finish()?, words };
        let context = text.context.min(longest);
        let windows = Windows::tagged(ids.finish()?, context, starts.finish()?, fill, tagged);
        Ok((Laid { windows, sentences: of_row, unknown }, context))
    }

    /// All rows, of which each part has those of its sentences.
    fn store(self, width: usize) -> Store {
        Store {
            inputs: Inputs::Windows(self.windows),
            width,
            targets: Targets::Classes(Vec::new()),
            source_rows: Some(self.sentences),
            names: None,
            weights: None,
            overlap: None,
        }
    }
}

/// The sentences of a file, or the built-in ones.
pub(in crate::data) fn load(path: &Path, options: &Options) -> Result<Dataset, DataError> {
    let names = [options.text.column.as_deref(), options.target.as_deref()];
    from_sentences(&Sentences::from_path(path, names)?, options)
}

/// Sentences whose words have tags as rows of tokens, of which those that begin a word carry its tag.
/// Sentences are divided by chance; one of more tokens than `options.text.context` (256) is several rows.
///
/// # Errors
/// Sentences without tags, one tag only; options that name columns.
///
/// ```
/// use glassbox::data::{Options, Sentences, Task, from_sentences};
/// let text = "Ada B-PER\nlives O\nin O\nRome B-LOC\n\n".repeat(20);
/// let sentences = Sentences::from_bytes("a.conll", text.as_bytes(), [None, None])?;
/// let data = from_sentences(&sentences, &Options::default())?;
/// let Task::Tags { tags } = &data.task else { unreachable!() };
/// assert_eq!(tags, &["B-LOC", "B-PER", "O"]);
/// assert_eq!((data.train.len(), data.input.shape[0]), (14, 6)); // <cls>, four words, <sep>
/// # Ok::<(), glassbox::data::DataError>(())
/// ```
pub fn from_sentences(sentences: &Sentences, options: &Options) -> Result<Dataset, DataError> {
    Options { target: None, ..options.clone() }.refuse_columns("sentences")?;
    let place = || Place::file(sentences.file());
    let [of_words, of_tags] = sentences.names();
    if !sentences.are_tagged() {
        let what = format!("there is no list of tags beside {}", quoted(of_words));
        return Err(DataError::new(place(), what, "give each word a tag to learn"));
    }
    let names = sentences.tags();
    if let [only] = &names[..] {
        let what = format!("every word has the same tag, {}", quoted(only));
        return Err(DataError::new(place(), what, "there is nothing to tell apart"));
    }
    let all = sentences.all();
    let (valid, test) = (options.valid.unwrap_or(0.15), options.test.unwrap_or(0.15));
    let parts = split(all.len(), None, false, valid, test, options.seed)?;
    let mut notices = empty_parts(&parts, valid, test);
    let learned = parts.train.iter().filter_map(|at| all.get(*at));
    let absent: Vec<&str> = {
        let mut absent: Vec<&str> = names.iter().map(String::as_str).collect();
        let seen: std::collections::HashSet<&str> =
            learned.clone().flat_map(|sentence| &sentence.tags).map(String::as_str).collect();
        absent.retain(|name| !seen.contains(name));
        absent
    };
    if !absent.is_empty() {
        let absent = listed(&absent);
        notices.push(format!("no word of the training part has the tag {absent}"));
    }
    let tokenizer = tokenizer_for(&options.text, learned.map(Sentence::text))?;
    let mut text = TextPreparation {
        tokenizer,
        second: None,
        context: options.text.context.unwrap_or(CONTEXT),
        source: 0,
        arrangement: Arrangement::Tags,
        documents: false,
        column: Some(of_words.to_owned()),
    };
    let (laid, context) = Laid::of(&text, sentences, &names, options.memory)?;
    text.context = context;
    let more = laid.sentences.len().saturating_sub(all.len());
    if more > 0 {
        let rows = count(more, "more row");
        notices.push(format!("sentences of more than {context} tokens are cut: {rows}"));
    }
    let encoding = TargetEncoding::Tags { names, places: context };
    let target = TargetPreparation { name: of_tags.to_owned(), encoding };
    let preparation = Preparation { inputs: InputPreparation::Text(Box::new(text)), target };
    let rows_of = |part: &[usize]| -> Vec<usize> {
        let wanted: std::collections::HashSet<usize> = part.iter().copied().collect();
        let own = |(_, sentence): &(usize, &u32)| wanted.contains(&(**sentence as usize));
        laid.sentences.iter().enumerate().filter(own).map(|(row, _)| row).collect()
    };
    let split = Split {
        train: rows_of(&parts.train),
        valid: rows_of(&parts.valid),
        test: rows_of(&parts.test),
    };
    let parts = Parts::of(laid.store(context), &preparation.target, split);
    let fingerprint = sentences.fingerprint();
    Ok(Dataset::assemble(sentences.file(), preparation, parts, None, notices, &fingerprint))
}

impl Preparation {
    /// Prepares sentences whose words have tags, to evaluate a model on them; with what was odd about them.
    ///
    /// # Errors
    /// A model of something else, sentences without tags, tags that training never saw, each with its line.
    ///
    /// ```
    /// use glassbox::data::{self, Sentences};
    /// let data = data::builtin("entities").unwrap();
    /// let of = |text: &str| Sentences::from_bytes("a.conll", text.as_bytes(), [None, None]);
    /// let (rows, _) = data.preparation.rows_of_sentences(&of("Ada B-PER\nlives O\n")?)?;
    /// assert_eq!(rows.len(), 1);
    /// let error = data.preparation.rows_of_sentences(&of("Ada O\nsings B-SONG\n")?).unwrap_err();
    /// assert!(error.to_string().starts_with("a.conll, line 2: `B-SONG` is no tag"));
    /// # Ok::<(), data::DataError>(())
    /// ```
    pub fn rows_of_sentences(
        &self,
        sentences: &Sentences,
    ) -> Result<(Rows, Vec<String>), DataError> {
        let (Some(text), Some(names)) = (self.inputs.text(), self.target.tags()) else {
            let what = "these are sentences whose words have tags, which the model does not tell";
            return Err(DataError::new(Place::file(sentences.file()), what, ""));
        };
        if !sentences.are_tagged() {
            let what = "the words have no tags to compare with";
            let cure = "`glassbox predict` tells tags of words alone";
            return Err(DataError::new(Place::file(sentences.file()), what, cure));
        }
        let mut problems = Problems::default();
        let known: Vec<&str> = names.iter().map(String::as_str).collect();
        for (number, sentence) in sentences.all().iter().enumerate() {
            for (word, tag) in sentence.tags.iter().enumerate() {
                if !known.contains(&tag.as_str()) {
                    let what = format!("{} is no tag of the training", quoted(tag));
                    let cure = format!("the tags: {}", listed(&known));
                    problems.push(sentences.place(number, word), what, cure);
                }
            }
        }
        problems.finish()?;
        let (laid, _) = Laid::of(text, sentences, names, MEMORY)?;
        let warnings = unknown(laid.unknown);
        let all = Split { train: (0..laid.sentences.len()).collect(), ..Split::default() };
        let laid = Laid { windows: laid.windows.with_context(text.context), ..laid };
        Ok((Parts::of(laid.store(text.context), &self.target, all).train, warnings))
    }
}

/// Says how many tokens training never saw, where there are some.
pub(crate) fn unknown(tokens: u64) -> Vec<String> {
    let tokens = usize::try_from(tokens).unwrap_or(usize::MAX);
    match tokens {
        0 => Vec::new(),
        _ => vec![format!("{} that training never saw", count(tokens, "token"))],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::rows::TargetsMut;
    use crate::data::text::{Tokenizer, TokenizerKind};

    fn preparation(kind: TokenizerKind, context: usize) -> TextPreparation {
        let specials = ["<pad>", "<unk>", "<cls>", "<sep>"];
        let texts = ["the lowest lower low newest newer new"];
        TextPreparation {
            tokenizer: Tokenizer::train(&kind, texts, 280, &specials).unwrap(),
            second: None,
            context,
            source: 0,
            arrangement: Arrangement::Tags,
            documents: false,
            column: None,
        }
    }

    fn rows(text: &TextPreparation, words: &[&str]) -> Vec<WordRow> {
        let words: Vec<String> = words.iter().map(ToString::to_string).collect();
        let (mut all, mut encoder) = (Vec::new(), text.tokenizer.encoder());
        text.rows_of_words(&mut encoder, &words, &mut |row| {
            all.push(row);
            Ok(())
        })
        .unwrap();
        all
    }

    #[test]
    fn the_first_token_of_each_word_is_known_and_nothing_is_lost() {
        let words = ["the", "lowest", "zebra", "new", "\u{200b}", "newer"];
        for kind in [
            TokenizerKind::Bpe,
            TokenizerKind::Word { lowercase: false },
            TokenizerKind::Character { lowercase: false },
        ] {
            for context in [3, 4, 5, 9, 16, 64] {
                let text = preparation(kind.clone(), context);
                let found = rows(&text, &words);
                let mut next = 0;
                for row in &found {
                    assert!(row.ids.len() <= context, "{context}: {row:?}");
                    assert_eq!((row.words.start, row.places.len()), (next, row.words.len()));
                    next = row.words.end;
                    assert_eq!((row.ids[0], row.ids[row.ids.len() - 1]), (2, 3));
                    assert!(row.places.is_sorted_by(|a, b| a < b));
                    assert!(row.places.iter().all(|place| (1..row.ids.len() - 1).contains(place)));
                }
                assert_eq!(next, words.len());
            }
        }
        let text = preparation(TokenizerKind::Bpe, 64);
        let whole = &rows(&text, &["the", "lowest", "new"])[0];
        assert_eq!(whole.ids[1..whole.ids.len() - 1], text.tokenizer.encode("the lowest new"));
    }

    #[test]
    fn tags_stand_at_first_tokens_and_nowhere_else() {
        let lines = r#"{"tokens": ["the", "lowest", "newer"], "tags": ["A", "B", "A"]}"#;
        let lines = format!("{lines}\n").repeat(10);
        let sentences = Sentences::from_bytes("a.jsonl", lines.as_bytes(), [None, None]).unwrap();
        let mut options = Options::default();
        options.text.tokenizer = Some("character".into());
        let data = from_sentences(&sentences, &options).unwrap();
        let mut inputs = vec![0.0; data.train.width()];
        let mut labels = vec![7; data.train.outputs()];
        let targets = TargetsMut::Classes(&mut labels);
        data.train.gather(&[0], &mut inputs, targets).unwrap();
        // <cls> t h e ␣ l o w e s t ␣ n e w e r <sep>
        let mut wanted = vec![-1; 18];
        (wanted[1], wanted[4], wanted[11]) = (0, 1, 0);
        assert_eq!(labels, wanted);
        assert_eq!(data.train.words(0).unwrap(), ["the", "lowest", "newer"]);
    }

    #[test]
    fn a_long_sentence_is_several_rows_of_one_part() {
        let words = vec!["\"the\""; 50].join(", ");
        let tags =
            ["\"A\"", "\"B\""].iter().cycle().take(50).copied().collect::<Vec<_>>().join(", ");
        let line = format!("{{\"tokens\": [{words}], \"tags\": [{tags}]}}\n").repeat(20);
        let sentences = Sentences::from_bytes("a.jsonl", line.as_bytes(), [None, None]).unwrap();
        let mut options = Options::default();
        options.text.context = Some(12);
        let data = from_sentences(&sentences, &options).unwrap();
        assert_eq!((data.train.len(), data.test.len(), data.input.shape[0]), (70, 15, 12));
        let of_test = data.test.source_rows();
        assert!(data.train.source_rows().iter().all(|row| !of_test.contains(row)));
        assert_eq!(data.train.words(0).unwrap().len(), 10);
    }
}
