//! Sentences of which every word may have a tag: lists in JSON lines, or CoNLL's columns.

use std::collections::BTreeSet;
use std::path::Path;

use super::entities;
use crate::data::error::{DataError, Place, Problems, count, quoted};
use crate::data::fingerprint::Fingerprint;
use crate::data::jsonl::{self, Cell, Object};
use crate::data::source::Source;
use crate::nearest::suggestion;

/// The longest line, in bytes: 16 MiB.
const LONGEST: usize = 16 << 20;
/// Names under which words and tags are expected when none are given.
const WORDS: [&str; 3] = ["tokens", "words", "sentence"];
const TAGS: [&str; 6] = ["tags", "ner_tags", "labels", "ner", "pos_tags", "pos"];
/// What stands between the documents of a CoNLL file.
const DOCUMENT: &str = "-DOCSTART-";

const OF_LISTS: &str = "each line is one object with a list of words and one of as many tags, such as \
                        {\"tokens\": [\"in\", \"Rome\"], \"tags\": [\"O\", \"B-LOC\"]}";
const OF_COLUMNS: &str = "each line is a word, white space and its tag, as in `Rome B-LOC`; an empty line \
                          ends a sentence";

/// Sentences, their words cut, each word with a tag where these are known.
///
/// ```
/// use glassbox::data::Sentences;
/// let text = "Ada NNP B-PER\nlives VBZ O\n\nin IN O\nRome NNP B-LOC\n";
/// let sentences = Sentences::from_bytes("two.conll", text.as_bytes(), [None, None])?;
/// assert_eq!(sentences.all().len(), 2);
/// assert_eq!(sentences.all()[1].words, ["in", "Rome"]);
/// assert_eq!(sentences.all()[1].tags, ["O", "B-LOC"]);
/// # Ok::<(), glassbox::data::DataError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentences {
    file: String,
    /// What the words and the tags are called.
    names: [String; 2],
    all: Vec<Sentence>,
    tagged: bool,
    /// Whether each word has a line of its own, not each sentence.
    by_word: bool,
}

/// A sentence, its words cut.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sentence {
    /// Where it stands in its file, or begins: the line, from 1.
    pub line: u64,
    /// Its words, none of them empty.
    pub words: Vec<String>,
    /// The tag of each; nothing where tags are not known.
    pub tags: Vec<String>,
}

/// Whether what a path or a built-in's name stands for are sentences of tagged words: a file of CoNLL's
/// (`.conll`), JSON lines whose first line has two lists, both also gzipped, or the built-in `entities`.
///
/// ```
/// use glassbox::data::is_tagged;
/// assert!(is_tagged("entities") && is_tagged("train.conll.gz") && !is_tagged("table.csv"));
/// ```
pub fn is_tagged(path: impl AsRef<Path>) -> bool {
    let path = path.as_ref();
    let name = path.to_string_lossy();
    name == entities::NAME
        || is_conll(&name)
        || jsonl::is_jsonl(&name)
            && first_object(path).is_some_and(|first| lists(&first).count() > 1)
}

fn is_conll(name: &str) -> bool {
    let name = name.to_lowercase();
    name.strip_suffix(".gz").unwrap_or(&name).ends_with(".conll")
}

/// The first line of a file of JSON lines, where it can be read.
fn first_object(path: &Path) -> Option<Object> {
    let (mut source, mut line) = (Source::open(path).ok()?, Vec::new());
    while source.line(&mut line, LONGEST).ok()? {
        let text = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&line);
        if !text.trim_ascii().is_empty() {
            return serde_json::from_slice(text).ok();
        }
    }
    None
}

/// The keys of an object whose values are lists.
fn lists(object: &Object) -> impl Iterator<Item = &str> {
    let is_list = |(_, cell): &&(String, Cell)| matches!(cell, Cell::List(_));
    object.0.iter().filter(is_list).map(|(name, _)| name.as_str())
}

impl Sentences {
    /// Reads a file, gzipped or not, or the built-in `entities`: JSON lines whose rows hold a list of words
    /// and a list of tags (`names` are their keys; none: by usual names, such as `tokens` and `tags`, else
    /// the first two lists), or of any other name CoNLL's columns, the first of which is the word and the
    /// last its tag. Words may stand alone, without tags.
    ///
    /// # Errors
    /// Lists that are missing, no lists, empty or of different lengths, words without a tag, each with its
    /// line, all at once; a file that cannot be read or has no sentence.
    pub fn from_path(path: impl AsRef<Path>, names: [Option<&str>; 2]) -> Result<Self, DataError> {
        let path = path.as_ref();
        let shown = path.display().to_string();
        if shown == entities::NAME {
            return Ok(Sentences::made());
        }
        Sentences::read(&shown, &|| Source::open(path), names, false)
    }

    /// As [`from_path`](Self::from_path), of a file that is like one that a model was trained on: lists of
    /// other names are taken where these are not there, and words may have no tags.
    ///
    /// # Errors
    /// As [`from_path`](Self::from_path).
    pub fn like(path: impl AsRef<Path>, names: [&str; 2]) -> Result<Self, DataError> {
        let path = path.as_ref();
        let shown = path.display().to_string();
        Sentences::read(&shown, &|| Source::open(path), names.map(Some), true)
    }

    /// Whether a file's name says that it holds sentences whose words are cut: `.conll`, `.jsonl`.
    ///
    /// ```
    /// use glassbox::data::Sentences;
    /// assert!(Sentences::are_in("new.jsonl") && !Sentences::are_in("new.txt"));
    /// ```
    pub fn are_in(path: impl AsRef<Path>) -> bool {
        let name = path.as_ref().to_string_lossy();
        is_conll(&name) || jsonl::is_jsonl(&name)
    }

    /// As [`from_path`](Self::from_path), of a text that is already in memory; `file` says which of the two
    /// it is, and is for messages.
    ///
    /// # Errors
    /// As [`from_path`](Self::from_path).
    pub fn from_bytes(
        file: &str,
        bytes: &[u8],
        names: [Option<&str>; 2],
    ) -> Result<Self, DataError> {
        Sentences::read(file, &|| Ok(Source::bytes(file, bytes)), names, false)
    }

    /// The built-in ones.
    fn made() -> Self {
        let all = entities::entities(entities::SENTENCES, 42);
        let names = ["tokens", "tags"].map(String::from);
        Sentences { file: entities::NAME.into(), names, all, tagged: true, by_word: false }
    }

    fn read<'s>(
        file: &str,
        open: &dyn Fn() -> Result<Source<'s>, DataError>,
        names: [Option<&str>; 2],
        lenient: bool,
    ) -> Result<Self, DataError> {
        let found = match jsonl::is_jsonl(file) {
            true => of_lists(file, open()?, names, lenient)?,
            false => of_columns(file, open()?, if lenient { [None; 2] } else { names })?,
        };
        if found.all.is_empty() {
            let cure = if found.by_word { OF_COLUMNS } else { OF_LISTS };
            return Err(DataError::new(Place::file(file), "there is no sentence in it", cure));
        }
        Ok(found)
    }

    /// The sentences, in order.
    pub fn all(&self) -> &[Sentence] {
        &self.all
    }

    /// The name of the file, as it was given.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Whether every word has a tag; else none has.
    pub fn are_tagged(&self) -> bool {
        self.tagged
    }

    /// What the words, and the tags, are called in the file.
    pub(super) fn names(&self) -> [&str; 2] {
        [&self.names[0], &self.names[1]]
    }

    /// Every tag that comes, sorted.
    pub(super) fn tags(&self) -> Vec<String> {
        let all: BTreeSet<&String> = self.all.iter().flat_map(|sentence| &sentence.tags).collect();
        all.into_iter().cloned().collect()
    }

    /// Where a word of a sentence stands.
    pub(super) fn place(&self, sentence: usize, word: usize) -> Place {
        let line = self.all.get(sentence).map_or(0, |sentence| sentence.line);
        Place::file(&self.file).line(if self.by_word { line + word as u64 } else { line })
    }

    /// The same words and tags have the same one, however they were written.
    pub(super) fn fingerprint(&self) -> Fingerprint {
        let mut hash = Fingerprint::new();
        hash.sizes(&[self.all.len()]);
        for sentence in &self.all {
            hash.sizes(&[sentence.words.len()]);
            // No text contains the byte 0xFF in UTF-8.
            for text in sentence.words.iter().chain(&sentence.tags) {
                hash.bytes(text.bytes().chain([0xFF]));
            }
        }
        hash
    }
}

impl Sentence {
    /// The words, spaces between them.
    pub fn text(&self) -> String {
        self.words.join(" ")
    }

    /// The words of a text as a person writes it: what stands between white space, the signs at its ends
    /// being words of their own (but for a point behind letters that have points between them, such as
    /// `U.S.`).
    ///
    /// ```
    /// use glassbox::data::Sentence;
    /// let sentence = Sentence::of_text("Ada (of \"the U.S.\") left, 안녕…");
    /// let words = ["Ada", "(", "of", "\"", "the", "U.S.", "\"", ")", "left", ",", "안녕", "…"];
    /// assert_eq!(sentence.words, words);
    /// ```
    pub fn of_text(text: &str) -> Self {
        let mut words = Vec::new();
        for piece in text.split_whitespace() {
            let inner = piece.trim_start_matches(|c: char| !c.is_alphanumeric());
            if inner.is_empty() {
                words.push(piece.to_owned());
                continue;
            }
            let (before, _) = piece.split_at(piece.len() - inner.len());
            words.extend(before.chars().map(String::from));
            let mut word = inner.trim_end_matches(|c: char| !c.is_alphanumeric());
            let with_point = inner.get(..word.len() + 1).filter(|word| word.ends_with('.'));
            if let Some(with_point) = with_point.filter(|_| word.contains('.')) {
                word = with_point;
            }
            words.push(word.to_owned());
            words.extend(inner[word.len()..].chars().map(String::from));
        }
        Sentence { words, ..Sentence::default() }
    }
}

/// What words and tags are called: as asked for, else by usual names, else the first lists.
fn names_of(
    file: &str,
    first: &Object,
    mut asked: [Option<&str>; 2],
    lenient: bool,
) -> Result<[Option<String>; 2], DataError> {
    let keys: Vec<&str> = first.0.iter().map(|(name, _)| name.as_str()).collect();
    if lenient {
        asked = asked.map(|name| name.filter(|name| keys.contains(name)));
    }
    let mut problems = Problems::default();
    for (name, what) in asked.into_iter().zip(["words", "tags"]) {
        if let Some(name) = name.filter(|name| !keys.contains(name)) {
            let what = format!("there is no {}, the list of {what}", quoted(name));
            problems.push(Place::file(file), what, suggestion(name, "keys", &keys));
        }
    }
    let [words, tags] = asked;
    if words.is_some() && words == tags {
        let what = "the words cannot be their own tags";
        problems.push(Place::file(file), what, "name two different lists");
    }
    problems.finish()?;
    let lists: Vec<&str> = lists(first).collect();
    let usual = |names: &[&'static str], other: Option<&str>| {
        let free = |name: &&str| lists.contains(name) && other != Some(*name);
        names.iter().copied().find(free)
    };
    let another = |other: Option<&str>| lists.iter().copied().find(|name| other != Some(*name));
    let known_tags = tags.or(usual(&TAGS, words));
    let words = words.or_else(|| usual(&WORDS, known_tags)).or_else(|| another(known_tags));
    let tags = known_tags.or_else(|| another(words).filter(|_| !lenient));
    Ok([words, tags].map(|name| name.map(str::to_owned)))
}

fn of_lists(
    file: &str,
    source: Source<'_>,
    asked: [Option<&str>; 2],
    lenient: bool,
) -> Result<Sentences, DataError> {
    let mut names: Option<[Option<String>; 2]> = None;
    let (mut all, mut problems) = (Vec::new(), Problems::default());
    jsonl::each_line(source, |line, text| {
        let place = Place::file(file).line(line);
        let mut object = match serde_json::from_slice::<Object>(text) {
            Ok(object) => object,
            Err(error) => {
                problems.push(place, jsonl::words_of(&error), OF_LISTS);
                return Ok(());
            }
        };
        let found = match names.take() {
            Some(found) => found,
            None => names_of(file, &object, asked, lenient)?,
        };
        let [of_words, of_tags] = &*names.insert(found);
        let mut take = |name: &Option<String>, otherwise: &str| {
            let name = name.as_deref().unwrap_or(otherwise);
            let at = object.0.iter().position(|(key, _)| key == name);
            let cell = at.map(|at| object.0.swap_remove(at).1);
            list(cell, name, &place, &mut problems)
        };
        let words = take(of_words, WORDS[0]);
        let tags = match of_tags {
            Some(_) => take(of_tags, TAGS[0]),
            None => Some(Vec::new()),
        };
        let (Some(words), Some(tags)) = (words, tags) else { return Ok(()) };
        if of_tags.is_some() && words.len() != tags.len() {
            let (words, tags) = (count(words.len(), "word"), count(tags.len(), "tag"));
            problems.push(place, format!("{words}, but {tags}"), OF_LISTS);
            return Ok(());
        }
        all.push(Sentence { line, words, tags });
        Ok(())
    })?;
    problems.finish()?;
    let [words, tags] = names.unwrap_or_default();
    let tagged = tags.is_some();
    let names = [words.unwrap_or(WORDS[0].into()), tags.unwrap_or(TAGS[0].into())];
    Ok(Sentences { file: file.into(), names, all, tagged, by_word: false })
}

/// The texts of a list, none of which is empty.
fn list(
    cell: Option<Cell>,
    name: &str,
    place: &Place,
    problems: &mut Problems,
) -> Option<Vec<String>> {
    let at = place.clone().column(name);
    let list = match cell {
        Some(Cell::List(list)) if list.is_empty() => {
            problems.push(at, "is an empty list", "leave the line out");
            return None;
        }
        Some(Cell::List(list)) => list,
        Some(Cell::Value(_) | Cell::Nested) => {
            problems.push(at, "is not a list", OF_LISTS);
            return None;
        }
        None => {
            problems.push(place.clone(), format!("there is no list {}", quoted(name)), OF_LISTS);
            return None;
        }
    };
    let mut texts = Vec::with_capacity(list.len());
    let mut sound = true;
    for (value, number) in list.into_iter().zip(1..) {
        let what = match value {
            Some(text) if !text.trim().is_empty() => {
                texts.push(text);
                continue;
            }
            Some(_) => format!("value {number} of the list is empty"),
            None => format!("value {number} of the list is a list or an object itself"),
        };
        sound = false;
        problems.push(at.clone(), what, OF_LISTS);
    }
    sound.then_some(texts)
}

fn of_columns(
    file: &str,
    mut source: Source<'_>,
    asked: [Option<&str>; 2],
) -> Result<Sentences, DataError> {
    let mut problems = Problems::default();
    for name in asked.into_iter().flatten() {
        let what = format!("the columns have no names: there is no {}", quoted(name));
        problems.push(Place::file(file), what, "leave it out: the word comes first, its tag last");
    }
    let (mut all, mut sentence) = (Vec::new(), Sentence::default());
    let mut tagged = None;
    let (mut line, mut number) = (Vec::new(), 0);
    let mut end = |sentence: &mut Sentence| {
        if !sentence.words.is_empty() {
            all.push(std::mem::take(sentence));
        }
    };
    while source.line(&mut line, LONGEST)? {
        number += 1;
        let place = || Place::file(file).line(number);
        let bytes = line.strip_prefix(b"\xEF\xBB\xBF").filter(|_| number == 1).unwrap_or(&line);
        let Ok(text) = std::str::from_utf8(bytes) else {
            problems.push(place(), "is not UTF-8 text", "save the file as UTF-8");
            continue;
        };
        let text = text.trim_end_matches(['\n', '\r']);
        if text.trim().is_empty() {
            end(&mut sentence);
            continue;
        }
        // Where there are tabs, words may hold spaces.
        let cells: Vec<&str> = match text.contains('\t') {
            true => text.split('\t').map(str::trim).collect(),
            false => text.split_whitespace().collect(),
        };
        let (word, tag) = match cells[..] {
            [DOCUMENT, ..] => continue,
            [word] => (word, None),
            [word, .., tag] => (word, Some(tag)),
            [] => continue,
        };
        let has_tag = tag.is_some();
        let what = match (*tagged.get_or_insert(has_tag), has_tag) {
            _ if word.is_empty() || tag.is_some_and(str::is_empty) => {
                "the word, or its tag, is empty"
            }
            (true, false) => "a word without a tag",
            (false, true) => "a word with a tag, and those before it have none",
            _ => "",
        };
        if !what.is_empty() {
            problems.push(place(), what, OF_COLUMNS);
        }
        if sentence.words.is_empty() {
            sentence.line = number;
        }
        sentence.words.push(word.to_owned());
        sentence.tags.extend(tag.map(str::to_owned));
    }
    end(&mut sentence);
    problems.finish()?;
    let names = ["words", "tags"].map(String::from);
    let tagged = tagged.unwrap_or_default();
    Ok(Sentences { file: file.into(), names, all, tagged, by_word: true })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(file: &str, text: &str) -> Vec<(Option<u64>, String)> {
        let error = Sentences::from_bytes(file, text.as_bytes(), [None, None]).unwrap_err();
        error.problems().iter().map(|p| (p.place.line, p.what.clone())).collect()
    }

    #[test]
    fn lists_are_found_by_their_names_or_by_being_there() {
        for (text, names) in [
            (r#"{"id": 1, "tags": ["O"], "tokens": ["a"]}"#, ["tokens", "tags"]),
            (r#"{"words": ["a"], "ner_tags": [3]}"#, ["words", "ner_tags"]),
            (r#"{"satz": ["a"], "art": ["O"]}"#, ["satz", "art"]),
            (r#"{"labels": ["O"], "satz": ["a"]}"#, ["satz", "labels"]),
        ] {
            let found = Sentences::from_bytes("a.jsonl", text.as_bytes(), [None, None]).unwrap();
            assert_eq!(found.names(), names, "{text}");
            assert_eq!((found.all().len(), &found.all()[0].words[..]), (1, &["a".to_owned()][..]));
            assert!(found.are_tagged());
        }
        let asked = [Some("b"), Some("c")];
        let text = br#"{"a": ["x"], "b": ["y"], "c": ["z"]}"#;
        let found = Sentences::from_bytes("a.jsonl", text, asked).unwrap();
        assert_eq!((&found.all()[0].words[0][..], &found.all()[0].tags[0][..]), ("y", "z"));
        let alone =
            Sentences::from_bytes("a.jsonl", br#"{"tokens": ["y"]}"#, [None, None]).unwrap();
        assert!(!alone.are_tagged() && alone.all()[0].tags.is_empty());
        let error = Sentences::from_bytes("a.jsonl", text, [Some("bb"), None]).unwrap_err();
        assert!(error.to_string().contains("did you mean `b`?"), "{error}");
    }

    #[test]
    fn every_problem_of_lists_is_told_with_its_line() {
        let text = r#"{"tokens": ["a", "b"], "tags": ["O", "O"]}
{"tokens": ["a", "b"], "tags": ["O"]}
{"tokens": [], "tags": []}
{"tokens": "a b", "tags": ["O", "O"]}
{"tokens": ["a", ""], "tags": ["O", null]}
{"tags": ["O"]}

{"tokens": [["a"]], "tags": ["O"]}
{"tokens":
"#;
        let found = problems("a.jsonl", text);
        let lines: Vec<u64> = found.iter().filter_map(|(line, _)| *line).collect();
        assert_eq!(lines, [2, 3, 3, 4, 5, 5, 6, 8, 9], "{found:?}");
        assert_eq!(found[0].1, "2 words, but 1 tag");
        assert_eq!((&found[1].1[..], &found[3].1[..]), ("is an empty list", "is not a list"));
        assert_eq!(found[4].1, "value 2 of the list is empty");
        assert_eq!(found[6].1, "there is no list `tokens`");
    }

    #[test]
    fn columns_are_the_word_first_and_its_tag_last() {
        let text = "-DOCSTART- -X- O O\n\nEU NNP I-NP B-ORG\nrejects VBZ I-VP O\n\n\n\
                    New York\tNNP\tB-LOC\r\n";
        let found = Sentences::from_bytes("a.conll", text.as_bytes(), [None, None]).unwrap();
        fn of(texts: &[String]) -> Vec<&str> {
            texts.iter().map(String::as_str).collect()
        }
        let all: Vec<(u64, Vec<&str>, Vec<&str>)> =
            found.all().iter().map(|s| (s.line, of(&s.words), of(&s.tags))).collect();
        assert_eq!(
            all,
            [(3, vec!["EU", "rejects"], vec!["B-ORG", "O"]), (7, vec!["New York"], vec!["B-LOC"])]
        );
        assert_eq!(found.place(0, 1).line, Some(4));
        let found = problems("a.conll", "EU B-ORG\nrejects\n\ta\n");
        assert_eq!(found[0], (Some(2), "a word without a tag".to_owned()));
        assert_eq!(found[1], (Some(3), "the word, or its tag, is empty".to_owned()));
        assert_eq!(problems("a.conll", "\n\n")[0].1, "there is no sentence in it");
    }

    #[test]
    fn the_same_sentences_have_the_same_fingerprint_however_they_are_written() {
        let of = |file: &str, text: &str| {
            Sentences::from_bytes(file, text.as_bytes(), [None, None]).unwrap().fingerprint().hex()
        };
        let lists = of("a.jsonl", r#"{"tokens": ["a", "b"], "tags": ["X", "O"]}"#);
        assert_eq!(lists, of("a.conll", "a X\nb O\n"));
        assert_ne!(lists, of("a.conll", "a X\n\nb O\n"));
        assert_ne!(lists, of("a.conll", "a X\nb X\n"));
    }
}
