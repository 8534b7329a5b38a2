//! Texts of a table's column, of each of which something is to be told: its class, or a number.

use super::load::{Arrangement, TextOptions, TextPreparation, kind_of};
use super::tags::unknown;
use super::tokenizer::{Special, Tokenizer, TokenizerKind};
use crate::data::error::{DataError, Place, count, quoted};
use crate::data::options::Options;
use crate::data::prepare::Prepared;
use crate::data::spool::{Spool, Stored};
use crate::data::table::RawTable;
use crate::nearest::suggestion;

/// Tokens of a row at most where nobody says, among them those that begin and end it.
pub(super) const CONTEXT: usize = 256;
/// Different tokens at most where nobody says.
const VOCABULARY: usize = 8_192;
/// What the vocabulary begins with.
const SPECIALS: [&str; 4] = ["<pad>", "<unk>", "<cls>", "<sep>"];

/// Texts as rows of tokens, how they became so, and what is to be known of them.
pub(in crate::data) struct Labelled {
    pub preparation: TextPreparation,
    pub rows: Stored<f32>,
    pub notices: Vec<String>,
}

/// The column of texts, where a table is to be read for them.
pub(in crate::data) fn column_asked(options: &Options) -> Option<&str> {
    let asked = options.text.arrangement == Arrangement::Label;
    options.text.column.as_deref().filter(|_| asked)
}

/// The texts of these rows of a column, tokens being learned from those to `train` on.
pub(in crate::data) fn labelled(
    table: &RawTable,
    column: usize,
    train: &[u32],
    rows: &[u32],
    options: &Options,
) -> Result<Labelled, DataError> {
    let text = &options.text;
    let name = table.names().get(column).cloned().unwrap_or_default();
    let mut learned = Vec::with_capacity(train.len());
    table.each_of(column, train, |_, cell| learned.push(cell.text().into_owned()))?;
    let tokenizer = tokenizer_for(text, &learned)?;
    drop(learned);
    let mut ids = Vec::with_capacity(rows.len());
    let mut encoder = tokenizer.encoder();
    table.each_of(column, rows, |_, cell| {
        let mut row = Vec::new();
        encoder.encode(&cell.text(), &mut row);
        ids.push(row);
    })?;
    let frame = [Special::Class, Special::Separator]
        .map(|special| usize::from(tokenizer.special(special).is_some()));
    let longest = ids.iter().map(Vec::len).max().unwrap_or(0) + frame.iter().sum::<usize>();
    let context = longest.min(text.context.unwrap_or(CONTEXT)).max(frame[0] + frame[1] + 1);
    let arrangement = Arrangement::Label;
    let preparation = TextPreparation {
        tokenizer,
        second: None,
        context,
        source: 0,
        arrangement,
        documents: false,
        column: Some(name.clone()),
    };
    let mut notices = Vec::new();
    let (cut, empty) = (
        ids.iter().filter(|ids| ids.len() + frame[0] + frame[1] > context).count(),
        ids.iter().filter(|ids| ids.is_empty()).count(),
    );
    if cut > 0 {
        let texts = count(cut, "text");
        notices.push(format!("column `{name}`: of {texts} the first {context} tokens are read"));
    }
    if empty > 0 {
        let texts = count(empty, "text");
        notices.push(format!("column `{name}`: {texts} without a token"));
    }
    let mut spool = Spool::new(options.memory);
    let mut row = Vec::with_capacity(context);
    for ids in &ids {
        row.clear();
        preparation.lay(ids, &mut row)?;
        spool.push(&row)?;
    }
    Ok(Labelled { preparation, rows: spool.finish()?, notices })
}

/// The tokeniser that is asked for, learned from these texts; words where nobody says.
pub(super) fn tokenizer_for<T: AsRef<str>>(
    options: &TextOptions,
    texts: impl IntoIterator<Item = T>,
) -> Result<Tokenizer, DataError> {
    if let Some(known) = &options.known {
        return Ok(known.tokenizer.clone());
    }
    let Some(kind) = kind_of(options, "word")? else {
        return Tokenizer::load(options.tokenizer.as_deref().unwrap_or_default());
    };
    let most = match kind {
        TokenizerKind::Character { .. } => usize::MAX,
        _ => options.vocabulary.unwrap_or(VOCABULARY),
    };
    Tokenizer::train(&kind, texts, most, &SPECIALS)
}

impl TextPreparation {
    /// Appends a row of so many tokens as the model reads: what begins a text, the text (its end is cut off
    /// where it is too long), what ends it, and padding.
    pub(crate) fn lay(&self, ids: &[u32], row: &mut Vec<f32>) -> Result<(), DataError> {
        let [first, last] =
            [Special::Class, Special::Separator].map(|special| self.tokenizer.special(special));
        let frame = usize::from(first.is_some()) + usize::from(last.is_some());
        let own = ids.iter().take(self.context.saturating_sub(frame)).copied();
        let framed: Vec<u32> = first.into_iter().chain(own).chain(last).collect();
        self.fill(&framed, row)
    }

    /// Appends a row of these tokens, and padding behind them.
    pub(crate) fn fill(&self, ids: &[u32], row: &mut Vec<f32>) -> Result<(), DataError> {
        let (begin, padding) = (row.len(), self.padding()? as f32);
        row.extend(ids.iter().take(self.context).map(|id| *id as f32));
        row.resize(begin + self.context, padding);
        Ok(())
    }

    /// Texts of which each is to be told something, prepared.
    pub(crate) fn texts<T: AsRef<str>>(&self, texts: &[T]) -> Result<Prepared, DataError> {
        if self.arrangement != Arrangement::Label {
            let what = match self.arrangement {
                Arrangement::Tags => "the model tells the tags of words, no class of texts",
                _ => "the model tells tokens of texts, no class of them",
            };
            return Err(DataError::new(Place::default(), what, ""));
        }
        let (mut matrix, mut encoder) = (Vec::new(), self.tokenizer.encoder());
        let mut ids = Vec::new();
        for text in texts {
            ids.clear();
            encoder.encode(text.as_ref().trim(), &mut ids);
            self.lay(&ids, &mut matrix)?;
        }
        let warnings = unknown(encoder.unknown());
        let (rows, features, stretches) = (texts.len(), self.context, Vec::new());
        Ok(Prepared { matrix, rows, features, warnings, stretches })
    }

    /// The texts of a table, prepared.
    pub(in crate::data) fn apply(&self, table: &RawTable) -> Result<Prepared, DataError> {
        let name = self.column.as_deref().unwrap_or_default();
        let Some(column) = table.column(name) else {
            let names: Vec<&str> = table.names().iter().map(String::as_str).collect();
            let what = format!("there is no column {}, the texts", quoted(name));
            let cure = suggestion(name, "columns", &names);
            return Err(DataError::new(Place::file(table.file()), what, cure));
        };
        let mut texts = Vec::with_capacity(table.rows());
        table.each(column, |_, cell| texts.push(cell.text().into_owned()))?;
        self.texts(&texts)
    }
}
