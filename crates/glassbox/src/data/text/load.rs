//! From a file of text to rows of tokens.

use std::borrow::Cow;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Windows;
use super::{Special, Tokenizer, TokenizerKind};
use crate::data::dataset::{Dataset, Parts};
use crate::data::error::{DataError, Place, count, quoted};
use crate::data::fingerprint::Fingerprint;
use crate::data::options::Options;
use crate::data::prepare::{InputPreparation, Preparation};
use crate::data::rows::{Inputs, Store, Targets};
use crate::data::source::Source;
use crate::data::split::{Split, check_fractions};
use crate::data::spool::Spool;
use crate::data::target::{TargetEncoding, TargetPreparation, Tokens};
use crate::nearest::suggestion;

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
    /// The column of a table that holds the texts.
    pub column: Option<String>,
    /// What is to be learned of the text: it follows from the model.
    #[serde(skip)]
    pub arrangement: Arrangement,
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
    fn specials(self) -> &'static [&'static str] {
        match self {
            Arrangement::Next | Arrangement::Label => &[],
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

/// The tokeniser that is asked for, learned from the training part alone; one that is published is read.
/// Where the `later` parts have characters that training lacks, there is a token for the unknown.
fn tokenizer_for(options: &TextOptions, train: &str, later: &str) -> Result<Tokenizer, DataError> {
    let word = options.tokenizer.as_deref().unwrap_or("character");
    let Some(kind) = TokenizerKind::from_word(word) else {
        if Path::new(word).exists() {
            return Tokenizer::load(word);
        }
        let near = suggestion(word, "tokenizers", &TokenizerKind::WORDS);
        let what = format!("there is no tokenizer {}", quoted(word));
        return Err(DataError::new(
            Place::default(),
            what,
            format!("{near}; or name a tokenizer.json"),
        ));
    };
    let mut specials = options.arrangement.specials().to_vec();
    let most = match kind {
        TokenizerKind::Character => usize::MAX,
        _ => options.vocabulary.unwrap_or(VOCABULARY),
    };
    if matches!(kind, TokenizerKind::Word { .. }) && !specials.contains(&UNKNOWN) {
        specials.push(UNKNOWN);
    }
    let tokenizer = Tokenizer::train(&kind, [train], most, &specials)?;
    let mut encoder = tokenizer.encoder();
    encoder.encode(later, &mut Vec::new());
    if encoder.unknown() == 0 || specials.contains(&UNKNOWN) {
        return Ok(tokenizer);
    }
    specials.push(UNKNOWN);
    Tokenizer::train(&kind, [train], most, &specials)
}

/// What stands for characters and words that training lacks.
const UNKNOWN: &str = "<unk>";

/// The endings of the names of files of text.
const TEXTS: [&str; 3] = [".txt", ".text", ".md"];

/// Tokens of a row where nobody says.
const CONTEXT: usize = 256;
/// Different tokens at most where nobody says.
const VOCABULARY: usize = 8_192;
/// The largest text, in bytes.
const MOST: u64 = 64 << 30;

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

/// A text as windows of tokens: the first part of it to learn from, the next to choose by, the last to
/// be kept for the end.
pub(in crate::data) fn load(path: &Path, options: &Options) -> Result<Dataset, DataError> {
    let shown = path.display().to_string();
    let bytes = Source::open(path)?.rest(MOST)?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = 1 + error.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count();
        let what = format!("is not UTF-8 text: byte {} (line {line}) does not belong", at + 1);
        DataError::new(Place::file(&shown), what, "save it as UTF-8")
    })?;
    from_text(&shown, &text, options)
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
    let (valid, test) = (options.valid.unwrap_or(0.1), options.test.unwrap_or(0.0));
    check_fractions(valid, test)?;
    let mut fingerprint = Fingerprint::new();
    fingerprint.bytes(text.bytes());
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n");
    let cut = |share: f64| {
        let at = (text.len() as f64 * share).round() as usize;
        (at..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len())
    };
    let (first, second) = (cut(1.0 - valid - test), cut(1.0 - test));
    let too_short = |tokens: usize| {
        let what = format!("has {} to learn from", count(tokens, "token"));
        let cure = "a text needs two tokens at least, one to follow the other";
        DataError::new(Place::file(shown), what, cure)
    };
    if first == 0 {
        return Err(too_short(0));
    }
    let text_options = &options.text;
    let tokenizer = tokenizer_for(text_options, &text[..first], &text[first..])?;
    let mut spool = Spool::new(options.memory);
    let mut parts = Vec::new();
    for part in [&text[..first], &text[first..second], &text[second..]] {
        let from = spool.len();
        spool.push(&tokenizer.encode(part))?;
        parts.push(from..spool.len());
    }
    let learned = parts[0].end - parts[0].start;
    if learned < 2 {
        return Err(too_short(learned as usize));
    }
    let mut notices = Vec::new();
    let wanted = text_options.context.unwrap_or(CONTEXT);
    let context = wanted.min(usize::try_from(learned - 1).unwrap_or(wanted));
    if context < wanted {
        notices.push(format!(
            "the text has {learned} tokens to learn from: rows have {context} of them, not {wanted}"
        ));
    }
    let arrangement = text_options.arrangement.of(&tokenizer)?;
    let windows = Windows::new(spool.finish()?, context, &parts, arrangement);
    let [train, held, kept] = [0, 1, 2].map(|part| windows.of_part(part));
    for (part, share, rows) in [("validation", valid, &held), ("test", test, &kept)] {
        if share > 0.0 && rows.is_empty() {
            notices.push(format!(
                "too few tokens for a {part} part of rows of {context}: it is empty"
            ));
        }
    }
    let vocabulary = tokenizer.vocabulary();
    let some = matches!(arrangement, Arrangement::Masked(_));
    let told = if some { "hidden token" } else { "next token" };
    let encoding = TargetEncoding::Tokens(Tokens { places: context, vocabulary, some });
    let target = TargetPreparation { name: told.into(), encoding };
    let text =
        TextPreparation { tokenizer, second: None, context, source: 0, arrangement, column: None };
    let preparation = Preparation { inputs: InputPreparation::Text(Box::new(text)), target };
    let store = Store {
        inputs: Inputs::Windows(windows),
        width: context,
        targets: Targets::Classes(Vec::new()),
        source_rows: None,
        names: None,
        weights: None,
        overlap: None,
    };
    let positions = |rows: std::ops::Range<u32>| rows.map(|row| row as usize).collect();
    let split = Split { train: positions(train), valid: positions(held), test: positions(kept) };
    let parts = Parts::of(store, &preparation.target, split);
    Ok(Dataset::assemble(shown, preparation, parts, None, notices, &fingerprint))
}
