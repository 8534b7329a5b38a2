//! From a file of text to rows of tokens.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::stream::{Cutter, Open};
use super::texts::{Piece, Texts, nothing_to_learn};
use super::{Special, Tokenizer, TokenizerKind, TokenizerTrainer, Windows};
use crate::data::builtin::SENTENCES;
use crate::data::dataset::{Dataset, Parts};
use crate::data::error::{DataError, Place, quoted};
use crate::data::fingerprint::Fingerprint;
use crate::data::options::Options;
use crate::data::prepare::{InputPreparation, Preparation};
use crate::data::rows::{Inputs, Store, Targets};
use crate::data::source::Source;
use crate::data::split::{Split, check_fractions};
use crate::data::spool::Spool;
use crate::data::table::RawTable;
use crate::data::target::{TargetEncoding, TargetPreparation, Tokens};
use crate::nearest::suggestion;
use crate::words::words;

/// How text becomes rows of tokens.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TextOptions {
    /// What tokens are: `character`, `word` or `bpe` (trained on the training part), or the path of a
    /// published `tokenizer.json`. None: characters.
    pub tokenizer: Option<String>,
    /// How many different tokens there are at most, of words and of byte pairs. None: 8,192.
    pub vocabulary: Option<usize>,
    /// How many tokens a row has. None: 256.
    pub context: Option<usize>,
    /// Whether upper-case letters become lower-case ones, of characters and words.
    pub lower: bool,
    /// What a document of a file of text is.
    pub documents: Documents,
    /// Of a table: the column of texts, of which each is a document; of pairs, that of the first texts.
    pub column: Option<String>,
    /// What is to be learned of the text: it follows from the model.
    #[serde(skip)]
    pub arrangement: Arrangement,
    /// The file that keeps the tokens of this text, so that it is not encoded again; one that does not fit
    /// is passed over.
    #[serde(skip)]
    pub kept: Option<PathBuf>,
    /// Tokenisers that were learned from this text before: they are not learned again.
    #[serde(skip)]
    pub known: Option<Box<TextPreparation>>,
}

words! {
    /// What a document of a file of text is.
    #[derive(Default)]
    Documents {
        /// The whole file is one text.
        #[default]
        File = "file",
        /// Each line is one.
        Lines = "lines",
    }
}

impl<'de> Deserialize<'de> for Documents {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let word = String::deserialize(from)?;
        let unknown = || serde::de::Error::custom(format!("unknown word `{word}`"));
        Documents::from_word(&word).ok_or_else(unknown)
    }
}

/// What is to be learned of a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Arrangement {
    /// At every place the token that comes next.
    #[default]
    Next,
    /// The tokens that are hidden.
    Masked(Hiding),
    /// The second text of a pair, of which the first is shown.
    Pairs,
    /// What the target's column says of the text.
    Label,
    /// The tag of each word.
    Tags,
}

/// Which tokens of a text are hidden.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Hiding {
    /// How many of all, in [0, 1].
    pub share: f64,
    /// The token that stands for a hidden one.
    pub mask: u32,
    /// How many tokens there are.
    pub vocabulary: usize,
}

/// How text becomes the rows that a model sees.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TextPreparation {
    /// How text becomes tokens.
    pub tokenizer: Tokenizer,
    /// Of a pair, how the second text becomes tokens, where that is not the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second: Option<Tokenizer>,
    /// How many tokens a row has.
    pub context: usize,
    /// Of a pair, how many of them are the first text's.
    #[serde(default)]
    pub source: usize,
    /// What was to be learned.
    #[serde(default)]
    pub arrangement: Arrangement,
    /// Whether rows are documents, or stretches of them, that end with a token of their own; the same
    /// token stands in front of each.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub documents: bool,
    /// The column of a table that holds the texts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
}

impl Arrangement {
    /// The same for the tokens of a tokeniser.
    pub(crate) fn of(self, tokenizer: &Tokenizer) -> Result<Self, DataError> {
        let Arrangement::Masked(hiding) = self else { return Ok(self) };
        let mask = tokenizer.special(Special::Mask).ok_or_else(|| {
            let what = "the tokenizer has no token for what is hidden, such as <mask> or [MASK]";
            DataError::new(
                Place::default(),
                what,
                "take character, word or bpe, or one that has it",
            )
        })?;
        let vocabulary = tokenizer.vocabulary();
        Ok(Arrangement::Masked(Hiding { mask, vocabulary, ..hiding }))
    }

    /// The tokens beside those of the text.
    fn specials(self, documents: bool) -> &'static [&'static str] {
        match self {
            Arrangement::Next if documents => &["<eos>"],
            Arrangement::Next | Arrangement::Label | Arrangement::Tags => &[],
            Arrangement::Masked(_) => &["<pad>", "<unk>", "<mask>"],
            Arrangement::Pairs => &["<pad>", "<unk>", "<sos>", "<eos>"],
        }
    }
}

impl TextPreparation {
    /// How what the model tells becomes text: of a pair, the second text's tokeniser.
    pub(crate) fn written(&self) -> &Tokenizer {
        self.second.as_ref().unwrap_or(&self.tokenizer)
    }

    /// What stands at a place of a row.
    pub(crate) fn token(&self, place: usize, id: u32) -> Cow<'_, str> {
        match place < self.source {
            true => self.tokenizer.token(id),
            false => self.written().token(id),
        }
    }

    /// The tokens that a text begins with: of documents the one that ends the one before.
    pub(crate) fn begin(&self) -> Vec<i64> {
        if self.documents { self.end().collect() } else { Vec::new() }
    }

    /// The token that begins a text, where there is one.
    pub(crate) fn start(&self) -> Option<i64> {
        self.written().special(Special::Start).map(i64::from)
    }

    /// The tokens that stand for no text, which are never to be written.
    pub(crate) fn silent(&self) -> Vec<i64> {
        let silent = [
            Special::Pad,
            Special::Unknown,
            Special::Start,
            Special::Mask,
            Special::Separator,
            Special::Class,
        ];
        let found = silent.into_iter().filter_map(|special| self.written().special(special));
        let ends: Vec<i64> = self.end().collect();
        found.map(i64::from).filter(|id| !ends.contains(id)).collect()
    }

    /// The token that ends a text, where there is one.
    pub(crate) fn end(&self) -> impl Iterator<Item = i64> {
        self.written().special(Special::End).map(i64::from).into_iter()
    }
}

/// The kind of tokeniser that is asked for; none where it is a published one.
pub(super) fn kind_of(
    options: &TextOptions,
    usual: &str,
) -> Result<Option<TokenizerKind>, DataError> {
    let word = options.tokenizer.as_deref().unwrap_or(usual);
    let wrong = |what, cure: String| Err(DataError::new(Place::default(), what, cure));
    let kind = TokenizerKind::from_word(word);
    if kind.is_none() && !Path::new(word).exists() {
        let near = suggestion(word, "tokenizers", &TokenizerKind::WORDS);
        let what = format!("there is no tokenizer {}", quoted(word));
        return wrong(what, format!("{near}; or name a tokenizer.json"));
    }
    let lowercase = options.lower;
    Ok(match kind {
        Some(TokenizerKind::Character { .. }) => Some(TokenizerKind::Character { lowercase }),
        Some(TokenizerKind::Word { .. }) => Some(TokenizerKind::Word { lowercase }),
        _ if lowercase => {
            let what = "`data.text.lower` is of characters and words".to_string();
            return wrong(what, "leave it out, or take the tokenizer character or word".into());
        }
        kind => kind,
    })
}

/// The tokeniser that is asked for, learned from the training part alone; one that is published is read.
/// Where later parts have characters that training lacks, there is a token for the unknown.
fn tokenizer_for(options: &TextOptions, texts: &Texts<'_>) -> Result<Tokenizer, DataError> {
    if let Some(known) = &options.known {
        return Ok(known.tokenizer.clone());
    }
    let Some(kind) = kind_of(options, "character")? else {
        return Tokenizer::load(options.tokenizer.as_deref().unwrap_or_default());
    };
    let most = match kind {
        TokenizerKind::Character { .. } => usize::MAX,
        _ => options.vocabulary.unwrap_or(VOCABULARY),
    };
    let specials = options.arrangement.specials(texts.are_documents());
    let mut trainer = TokenizerTrainer::new(kind.clone(), specials)?;
    let mut cutter = Cutter::new(trainer.seams());
    texts.each(&mut |Piece { part, text, ends }| {
        if part > 0 {
            return Ok(());
        }
        let mut add = |text: &str| {
            trainer.add(text);
            Ok(())
        };
        cutter.push(text, &mut add)?;
        if ends { cutter.finish(&mut add) } else { Ok(()) }
    })?;
    let mut lacks = false;
    match kind {
        TokenizerKind::Character { .. } => texts.each(&mut |Piece { part, text, ends }| {
            if part == 0 || lacks {
                return Ok(());
            }
            let mut look = |text: &str| {
                lacks |= trainer.lacks(text);
                Ok(())
            };
            cutter.push(text, &mut look)?;
            if ends { cutter.finish(&mut look) } else { Ok(()) }
        })?,
        TokenizerKind::Word { .. } => lacks = true,
        TokenizerKind::Bpe => {}
    }
    if lacks {
        trainer.add_special(UNKNOWN);
    }
    trainer.finish(most)
}

/// What stands for characters and words that training lacks.
const UNKNOWN: &str = "<unk>";

/// The endings of the names of files of text.
const TEXTS: [&str; 3] = [".txt", ".text", ".md"];

/// Tokens of a row where nobody says.
const CONTEXT: usize = 256;
/// Different tokens at most where nobody says.
const VOCABULARY: usize = 8_192;
/// Whether a file's name says that it is text.
///
/// ```
/// use glassbox::data::is_text;
/// assert!(is_text("book.txt") && is_text("book.txt.gz") && !is_text("table.csv"));
/// ```
pub fn is_text(path: impl AsRef<Path>) -> bool {
    let name = path.as_ref().to_string_lossy().to_lowercase();
    let plain = name.strip_suffix(".gz").unwrap_or(&name);
    plain == "sentences" || TEXTS.iter().any(|ending| plain.ends_with(ending))
}

/// A file of text as rows of tokens. It is read piece by piece, so that it may be larger than memory.
pub(in crate::data) fn load(path: &Path, options: &Options) -> Result<Dataset, DataError> {
    options.refuse_columns("texts")?;
    if let Some(column) = &options.text.column {
        let what = format!("texts have no columns: there is no column {}", quoted(column));
        let cure = "leave it out, or give a table: .csv, .tsv, .jsonl or .parquet";
        return Err(DataError::new(Place::file(path.display().to_string()), what, cure));
    }
    read(&path.display().to_string(), &|| Source::open(path), options)
}

/// A table's column of texts as rows of tokens, each cell a document.
pub(in crate::data) fn load_column(path: &Path, options: &Options) -> Result<Dataset, DataError> {
    let column = options.text.column.as_deref().unwrap_or_default();
    options.refuse_columns("texts")?;
    if options.text.documents != Documents::File {
        let what = "`data.text.documents` is of files of text: each row of a table is a document";
        return Err(DataError::new(Place::default(), what, "leave it out"));
    }
    let table = RawTable::open(path, options.memory / 2)?;
    let texts = Texts::cells(&table, column, options.text_shares(), options.seed)?;
    rows_of(&path.display().to_string(), &texts, options, &table.fingerprint()?)
}

/// The text that a path means, a built-in one too, and its fingerprint.
pub(crate) fn text_of(path: &str) -> Result<(String, String), DataError> {
    let text = match path {
        "sentences" => super::sentences(SENTENCES, 42),
        path => whole(Path::new(path))?,
    };
    let mut fingerprint = Fingerprint::new();
    fingerprint.bytes(text.bytes());
    Ok((text, fingerprint.hex()))
}

/// Bytes of a text that is held as a whole, at most.
const MOST: u64 = 64 << 30;

/// The text of a file, gzipped or not.
pub(crate) fn whole(path: &Path) -> Result<String, DataError> {
    let shown = path.display().to_string();
    let bytes = Source::open(path)?.rest(MOST)?;
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = 1 + error.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count();
        let what = format!("is not UTF-8 text: byte {} (line {line}) does not belong", at + 1);
        DataError::new(Place::file(&shown), what, "save it as UTF-8")
    })
}

/// A text that is already in memory; `name` is for messages.
///
/// # Errors
/// A text without two tokens to learn from; options that name columns.
///
/// ```
/// use glassbox::data::{Options, Task, from_text};
/// let text = "to be or not to be, that is the question. ".repeat(50);
/// let data = from_text("hamlet", &text, &Options::default())?;
/// assert_eq!(data.task, Task::Language { vocabulary: 15 });
/// assert_eq!((data.input.shape[0], data.train.len()), (256, 7));
/// # Ok::<(), glassbox::data::DataError>(())
/// ```
pub fn from_text(shown: &str, text: &str, options: &Options) -> Result<Dataset, DataError> {
    options.refuse_columns("texts")?;
    read(shown, &|| Ok(Source::bytes(shown, text.as_bytes())), options)
}

fn read<'s>(shown: &str, open: &'s Open<'s>, options: &Options) -> Result<Dataset, DataError> {
    let shares = options.text_shares();
    check_fractions(shares[0], shares[1])?;
    let mut fingerprint = Fingerprint::new();
    let texts = match options.text.documents {
        Documents::File => Texts::whole(open, shares, &mut fingerprint)?,
        Documents::Lines => Texts::lines(open, shares, options.seed, &mut fingerprint)?,
    };
    rows_of(shown, &texts, options, &fingerprint)
}

/// Rows of tokens: windows over one text, or stretches of documents.
fn rows_of(
    shown: &str,
    texts: &Texts<'_>,
    options: &Options,
    fingerprint: &Fingerprint,
) -> Result<Dataset, DataError> {
    if texts.has_no_training_part() {
        return Err(nothing_to_learn(shown, texts.are_documents(), 0));
    }
    let tokenizer = tokenizer_for(&options.text, texts)?;
    let arrangement = options.text.arrangement.of(&tokenizer)?;
    let mut notices = Vec::new();
    let key = key_of(&tokenizer, arrangement, options, fingerprint);
    let kept = options.text.kept.as_deref();
    let kept = kept.and_then(|path| Windows::kept(path, &key, arrangement, options.memory / 2));
    let (windows, split) = match kept {
        Some(kept) => kept,
        None => {
            let (windows, split) = match texts.are_documents() {
                false => windows(shown, texts, &tokenizer, arrangement, options)?,
                true => stretches(shown, texts, &tokenizer, arrangement, options)?,
            };
            (windows.with_key(key), split)
        }
    };
    let [_, context] = windows.sizes();
    let wanted = options.text.context.unwrap_or(CONTEXT);
    if let Some(learned) = windows.learned().filter(|_| context < wanted) {
        notices.push(format!(
            "the text has {learned} tokens to learn from: rows have {context} of them, not {wanted}"
        ));
    }
    let shares = options.text_shares();
    for (part, share, rows) in
        [("validation", shares[0], &split.valid), ("test", shares[1], &split.test)]
    {
        if share > 0.0 && rows.is_empty() {
            notices.push(match texts.are_documents() {
                false => {
                    format!("too few tokens for a {part} part of rows of {context}: it is empty")
                }
                true => format!("too few documents for a {part} part: it is empty"),
            });
        }
    }
    let (vocabulary, documents) = (tokenizer.vocabulary(), texts.are_documents());
    let masked = matches!(arrangement, Arrangement::Masked(_));
    let told = if masked { "hidden token" } else { "next token" };
    let encoding =
        TargetEncoding::Tokens(Tokens { places: context, vocabulary, some: documents || masked });
    let target = TargetPreparation { name: told.into(), encoding };
    let text = TextPreparation {
        tokenizer,
        second: None,
        context,
        source: 0,
        arrangement,
        documents,
        column: None,
    };
    let preparation = Preparation { inputs: InputPreparation::Text(Box::new(text)), target };
    Ok(of_windows(shown, preparation, windows, split, notices, fingerprint))
}

/// What the tokens of a text follow from: its content, the tokeniser, and how it is divided and cut.
fn key_of(
    tokenizer: &Tokenizer,
    arrangement: Arrangement,
    options: &Options,
    text: &Fingerprint,
) -> String {
    let TextOptions { context, documents, .. } = &options.text;
    let asked = (context, documents.word(), options.text_shares(), options.seed);
    let said = serde_json::to_vec(&(tokenizer, arrangement, asked)).unwrap_or_default();
    let mut hash = Fingerprint::new();
    hash.bytes(said);
    format!("{}-{}", text.hex(), hash.hex())
}

/// A dataset of rows of tokens.
pub(super) fn of_windows(
    shown: &str,
    preparation: Preparation,
    windows: Windows,
    split: Split,
    notices: Vec<String>,
    fingerprint: &Fingerprint,
) -> Dataset {
    let width = windows.sizes().iter().sum();
    let store = Store {
        inputs: Inputs::Windows(windows),
        width,
        targets: Targets::Classes(Vec::new()),
        source_rows: None,
        names: None,
        weights: None,
        overlap: None,
    };
    let parts = Parts::of(store, &preparation.target, split);
    Dataset::assemble(shown, preparation, parts, None, notices, fingerprint)
}

/// Shows the tokens of each piece of text in order, its part, and whether that or the document ends.
fn encode(
    texts: &Texts<'_>,
    tokenizer: &Tokenizer,
    mut see: impl FnMut(usize, &[u32], bool) -> Result<(), DataError>,
) -> Result<(), DataError> {
    let (mut encoder, mut cutter) = (tokenizer.encoder(), Cutter::new(tokenizer.seams()));
    let mut ids = Vec::new();
    texts.each(&mut |Piece { part, text, ends }| {
        ids.clear();
        let mut add = |text: &str| {
            encoder.encode(text, &mut ids);
            Ok(())
        };
        cutter.push(text, &mut add)?;
        if ends {
            cutter.finish(&mut add)?;
        }
        see(part, &ids, ends)
    })
}

/// Windows that follow each other.
fn windows(
    shown: &str,
    texts: &Texts<'_>,
    tokenizer: &Tokenizer,
    arrangement: Arrangement,
    options: &Options,
) -> Result<(Windows, Split), DataError> {
    let mut spool = Spool::new(options.memory / 2);
    let (mut parts, mut from) = (Vec::new(), 0);
    encode(texts, tokenizer, |_, ids, ends| {
        spool.push(ids)?;
        if ends {
            parts.push(from..spool.len());
            from = spool.len();
        }
        Ok(())
    })?;
    let learned = parts.first().map_or(0, |part| part.end - part.start);
    if learned < 2 {
        return Err(nothing_to_learn(shown, false, learned));
    }
    let wanted = options.text.context.unwrap_or(CONTEXT);
    let context = wanted.min(usize::try_from(learned - 1).unwrap_or(wanted));
    let windows = Windows::new(spool.finish()?, context, &parts, arrangement);
    let [train, valid, test] =
        [0, 1, 2].map(|part| windows.of_part(part).map(|row| row as usize).collect());
    Ok((windows, Split { train, valid, test }))
}

/// A row for each document, or for each stretch of a longer one. Before the first and behind each stands
/// the token that ends a document, where what comes next is told.
fn stretches(
    shown: &str,
    texts: &Texts<'_>,
    tokenizer: &Tokenizer,
    arrangement: Arrangement,
    options: &Options,
) -> Result<(Windows, Split), DataError> {
    let next = arrangement == Arrangement::Next;
    let end = tokenizer.special(Special::End).filter(|_| next);
    if next && end.is_none() {
        let what = "the tokenizer has no token that ends a document, such as <eos>";
        return Err(DataError::new(
            Place::file(shown),
            what,
            "take character, word or bpe, or one that has it",
        ));
    }
    let ends: Vec<u32> = end.into_iter().collect();
    let wanted = options.text.context.unwrap_or(CONTEXT);
    let (mut spool, mut starts) = (Spool::new(options.memory / 2), Spool::new(options.memory / 8));
    let mut parts: [Vec<usize>; 3] = Default::default();
    let (mut document, mut rows, mut longest) = (Vec::new(), 0, 0);
    spool.push(&ends)?;
    encode(texts, tokenizer, |part, ids, over| {
        document.extend_from_slice(ids);
        if !over || document.is_empty() {
            return Ok(());
        }
        let from = spool.len() - ends.len() as u64;
        spool.push(&document)?;
        spool.push(&ends)?;
        let length = document.len() + ends.len();
        document.clear();
        for first in (0..length).step_by(wanted) {
            starts.push(&[from + first as u64])?;
            longest = longest.max(wanted.min(length - first));
            if let Some(of_part) = parts.get_mut(part) {
                of_part.push(rows);
            }
            rows += 1;
        }
        Ok(())
    })?;
    starts.push(&[spool.len() - ends.len() as u64])?;
    let [train, valid, test] = parts;
    if train.is_empty() {
        return Err(nothing_to_learn(shown, true, 0));
    }
    let fill = end.or(tokenizer.special(Special::Pad)).unwrap_or(0);
    let sizes = [0, longest];
    let windows = Windows::apart(spool.finish()?, sizes, starts.finish()?, fill, arrangement);
    Ok((windows, Split { train, valid, test }))
}
