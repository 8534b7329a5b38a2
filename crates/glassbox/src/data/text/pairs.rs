//! Pairs of texts: the second says in its way what the first says.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use super::Windows;
use super::load::{Arrangement, TextOptions, TextPreparation, kind_of, of_windows};
use super::stream::Open;
use super::texts::{column_of, each_line};
use super::tokenizer::{Special, Tokenizer};
use crate::data::dataset::Dataset;
use crate::data::error::{DataError, Place, Problems, count, quoted};
use crate::data::fingerprint::Fingerprint;
use crate::data::options::Options;
use crate::data::prepare::{InputPreparation, Preparation};
use crate::data::source::Source;
use crate::data::split::{Split, split};
use crate::data::spool::Spool;
use crate::data::table::RawTable;
use crate::data::target::{TargetEncoding, TargetPreparation, Tokens};

/// Pairs of texts of a file, in its order, each pair once.
///
/// The file has a pair a line, tabs between its cells: the first cell is the source, the second what it
/// is to become; further cells are not read. Lines without anything are passed over.
///
/// ```
/// use glassbox::data::text::Pairs;
/// let pairs = Pairs::of("phrases.tsv", "Go.\t가.\nGo.\t어서 가.\nGo.\t가.\n".as_bytes())?;
/// assert_eq!(pairs.pairs, [["Go.", "가."], ["Go.", "어서 가."]]);
/// assert_eq!((pairs.repeated, pairs.sources()), (1, 1));
/// # Ok::<(), glassbox::data::DataError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Pairs {
    /// Source and target, white space taken off both ends.
    pub pairs: Vec<[String; 2]>,
    /// How many lines repeat a pair that came before; they are left out.
    pub repeated: usize,
}

/// What to do about a cell of a pair that is empty.
const FILL: &str = "fill in both texts, or leave the row out";
/// Tokens of a side where nobody says: pairs of more are left out.
const CONTEXT: usize = 32;
/// Different tokens of a side at most where nobody says.
const VOCABULARY: usize = 4_000;
/// What the vocabulary of a side begins with.
const SPECIALS: [&str; 4] = ["<pad>", "<unk>", "<sos>", "<eos>"];

impl Pairs {
    /// Reads a file, gzipped or not.
    ///
    /// # Errors
    /// Every line that has no second cell or an empty one; text that is not UTF-8; no pair at all.
    pub fn from_path(path: impl AsRef<Path>) -> Result<Self, DataError> {
        Pairs::read(&|| Source::open(path.as_ref()), &mut Fingerprint::new())
    }

    /// Reads bytes in memory; `name` is for messages.
    ///
    /// # Errors
    /// As [`from_path`](Self::from_path).
    pub fn of(name: &str, bytes: &[u8]) -> Result<Self, DataError> {
        Pairs::read(&|| Ok(Source::bytes(name, bytes)), &mut Fingerprint::new())
    }

    /// The pairs of two columns of a table.
    ///
    /// # Errors
    /// Columns that are not there; every row in which one of the texts is empty.
    ///
    /// ```
    /// use glassbox::data::RawTable;
    /// use glassbox::data::text::Pairs;
    /// let table = RawTable::from_bytes("p.csv", "id,korean,english\n1,가.,Go.\n".as_bytes())?;
    /// assert_eq!(Pairs::of_columns(&table, "english", "korean")?.pairs, [["Go.", "가."]]);
    /// # Ok::<(), glassbox::data::DataError>(())
    /// ```
    pub fn of_columns(table: &RawTable, source: &str, target: &str) -> Result<Self, DataError> {
        let columns = [column_of(table, source)?, column_of(table, target)?];
        let mut found = Found::default();
        for row in 0..table.rows() {
            let [source, target] = columns.map(|column| table.cell(row, column));
            found.add(|| table.place(row, columns[0]), [&source, &target], FILL);
        }
        found.finish(table.file(), FILL)
    }

    fn read(open: &Open<'_>, fingerprint: &mut Fingerprint) -> Result<Self, DataError> {
        let cure = "each line is a text, a tab, and what it becomes: Go.\t가.";
        let (mut found, mut number) = (Found::default(), 0);
        let file = open()?.name;
        each_line(open, Some(fingerprint), &mut |line| {
            number += 1;
            let place = || Place::file(&file).line(number);
            match line {
                Err((place, what)) => {
                    found.problems.push(place, what, "save the file as UTF-8");
                }
                Ok(line) if line.trim().is_empty() => {}
                Ok(line) => match line.split_once('\t') {
                    None => {
                        let what = "there is no tab: a pair needs two texts";
                        found.problems.push(place(), what, cure);
                    }
                    Some((source, rest)) => {
                        let target = rest.split('\t').next().unwrap_or_default();
                        found.add(place, [source, target], cure);
                    }
                },
            }
            Ok(())
        })?;
        found.finish(&file, cure)
    }

    /// How many different sources there are, upper and lower case being the same.
    pub fn sources(&self) -> usize {
        self.by_source().1
    }

    /// Parts of the pairs by chance: all pairs of one source (upper and lower case being the same) are
    /// in one part, so that what is kept was never seen. `valid` and `test` are fractions of the
    /// sources.
    ///
    /// # Errors
    /// Fractions that leave nothing to train on.
    pub fn split(&self, valid: f64, test: f64, seed: u64) -> Result<Split, DataError> {
        let (of_pair, sources) = self.by_source();
        let parts = split(sources, None, false, valid, test, seed)?;
        let mut part_of = vec![0; sources];
        for (part, sources) in [(1, &parts.valid), (2, &parts.test)] {
            for source in sources {
                if let Some(place) = part_of.get_mut(*source) {
                    *place = part;
                }
            }
        }
        let of_part = |part: usize| {
            let own = |source: &usize| part_of.get(*source) == Some(&part);
            let rows = of_pair.iter().enumerate().filter(|(_, source)| own(source));
            rows.map(|(row, _)| row).collect()
        };
        Ok(Split { train: of_part(0), valid: of_part(1), test: of_part(2) })
    }

    /// The number of each pair's source, and how many sources there are.
    fn by_source(&self) -> (Vec<usize>, usize) {
        let mut numbers: HashMap<String, usize> = HashMap::new();
        let of_pair = self.pairs.iter().map(|[source, _]| {
            let next = numbers.len();
            *numbers.entry(source.to_lowercase()).or_insert(next)
        });
        let of_pair = of_pair.collect();
        (of_pair, numbers.len())
    }
}

/// Pairs that were found so far, and what is wrong with others.
#[derive(Default)]
struct Found {
    pairs: Vec<[String; 2]>,
    seen: HashSet<[String; 2]>,
    repeated: usize,
    problems: Problems,
}

impl Found {
    fn add(&mut self, place: impl FnOnce() -> Place, texts: [&str; 2], cure: &str) {
        let pair = texts.map(|text| text.trim().to_string());
        if pair.iter().any(String::is_empty) {
            self.problems.push(place(), "one of the two texts is empty", cure);
        } else if self.seen.insert(pair.clone()) {
            self.pairs.push(pair);
        } else {
            self.repeated += 1;
        }
    }

    fn finish(self, file: &str, cure: &str) -> Result<Pairs, DataError> {
        self.problems.finish()?;
        if self.pairs.is_empty() {
            return Err(DataError::new(Place::file(file), "there is no pair of texts", cure));
        }
        Ok(Pairs { pairs: self.pairs, repeated: self.repeated })
    }
}

/// A file of pairs as rows: the ids of the source, then what the decoder reads; what it is to say are
/// the targets. Where columns are named, it is a table.
pub(in crate::data) fn load(path: &Path, options: &Options) -> Result<Dataset, DataError> {
    let shown = path.display().to_string();
    let mut fingerprint = Fingerprint::new();
    let pairs = match (&options.text.column, &options.target) {
        (Some(source), Some(target)) => {
            Options { target: None, ..options.clone() }.refuse_columns("pairs of texts")?;
            let table = RawTable::open(path, options.memory)?;
            fingerprint = table.fingerprint()?;
            Pairs::of_columns(&table, source, target)?
        }
        (Some(source), None) => {
            let what = format!(
                "the texts of {} are to become others, and nobody says which",
                quoted(source)
            );
            let cure = "name the column of those, too: --target COLUMN";
            return Err(DataError::new(Place::file(&shown), what, cure));
        }
        (None, _) => {
            options.refuse_columns("pairs of texts")?;
            Pairs::read(&|| Source::open(path), &mut fingerprint)?
        }
    };
    let mut notices = Vec::new();
    if pairs.repeated > 0 {
        notices.push(format!("{} repeated and left out", count(pairs.repeated, "pair")));
    }
    let (valid, test) = (options.valid.unwrap_or(0.1), options.test.unwrap_or(0.1));
    let parts = pairs.split(valid, test, options.seed)?;
    let of_side = |side: usize| {
        let texts = parts.train.iter().filter_map(|row| pairs.pairs.get(*row)?.get(side));
        tokenizer_for(&options.text, texts)
    };
    let (tokenizer, second) = match &options.text.known {
        Some(known) => (known.tokenizer.clone(), known.written().clone()),
        None => (of_side(0)?, of_side(1)?),
    };
    let [start, end] = [Special::Start, Special::End].map(|special| second.special(special));
    let (Some(start), Some(end), Some(0)) = (start, end, second.special(Special::Pad)) else {
        let what = "the tokenizer has no tokens that pad (as number 0), start and end a text";
        return Err(DataError::new(Place::file(&shown), what, "take character, word or bpe"));
    };
    let mut ids: Vec<[Vec<u32>; 2]> = pairs
        .pairs
        .iter()
        .map(|[source, target]| [tokenizer.encode(source), second.encode(target)])
        .collect();
    let most = options.text.context.unwrap_or(CONTEXT);
    let fits = |[source, target]: &[Vec<u32>; 2]| {
        !source.is_empty() && source.len() <= most && target.len() < most
    };
    let keeps: Vec<bool> = ids.iter().map(fits).collect();
    let too_long = keeps.iter().filter(|kept| !**kept).count();
    if too_long > 0 {
        let left_out = count(too_long, "pair");
        notices.push(format!("{left_out} of more than {most} tokens on a side left out"));
    }
    // Rows keep their order; the parts are told by their new numbers.
    let numbers = keeps.iter().scan(0, |next, kept| {
        let number = kept.then_some(*next);
        *next += usize::from(*kept);
        Some(number)
    });
    let numbers: Vec<Option<usize>> = numbers.collect();
    let renumbered = |rows: Vec<usize>| -> Vec<usize> {
        rows.into_iter().filter_map(|row| numbers.get(row).copied().flatten()).collect()
    };
    let parts = Split {
        train: renumbered(parts.train),
        valid: renumbered(parts.valid),
        test: renumbered(parts.test),
    };
    let mut kept = keeps.iter();
    ids.retain(|_| kept.next().is_some_and(|kept| *kept));
    if parts.train.is_empty() {
        let what = format!("no pair has at most {most} tokens on each side");
        let cure = "give a larger context: --set data.text.context=128";
        return Err(DataError::new(Place::file(&shown), what, cure));
    }
    let width = |side: usize| ids.iter().filter_map(|pair| pair.get(side)).map(Vec::len).max();
    let (source, places) = (width(0).unwrap_or(1), width(1).unwrap_or(0) + 1);
    let (mut tokens, mut starts) = (Spool::new(options.memory / 2), Spool::new(options.memory / 8));
    for [first, then] in &ids {
        starts.push(&[tokens.len(), tokens.len() + first.len() as u64])?;
        [first, &[start][..], then, &[end][..]].iter().try_for_each(|part| tokens.push(part))?;
    }
    starts.push(&[tokens.len()])?;
    let sizes = [source, places];
    let (tokens, starts) = (tokens.finish()?, starts.finish()?);
    let windows = Windows::apart(tokens, sizes, starts, 0, Arrangement::Pairs);
    let vocabulary = second.vocabulary();
    let encoding = TargetEncoding::Tokens(Tokens { places, vocabulary, some: true });
    let target = TargetPreparation { name: "translation".into(), encoding };
    let text = TextPreparation {
        tokenizer,
        second: Some(second),
        context: source + places,
        source,
        arrangement: Arrangement::Pairs,
        documents: false,
        column: None,
    };
    let preparation = Preparation { inputs: InputPreparation::Text(Box::new(text)), target };
    Ok(of_windows(&shown, preparation, windows, parts, notices, &fingerprint))
}

/// The tokeniser of a side: trained on the training part, or a published one.
fn tokenizer_for<'t>(
    options: &TextOptions,
    texts: impl Iterator<Item = &'t String>,
) -> Result<Tokenizer, DataError> {
    match kind_of(options, "bpe")? {
        Some(kind) => {
            let most = options.vocabulary.unwrap_or(VOCABULARY);
            Tokenizer::train(&kind, texts, most, &SPECIALS)
        }
        None => Tokenizer::load(options.tokenizer.as_deref().unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(sources: usize, each: usize) -> Pairs {
        let pairs = (0..sources * each)
            .map(|row| [format!("Say {}", row / each), format!("말 {row}")])
            .collect();
        Pairs { pairs, repeated: 0 }
    }

    #[test]
    fn one_source_is_never_on_both_sides() {
        let mut pairs = numbered(50, 3);
        pairs.pairs.push(["SAY 7".into(), "말해".into()]);
        let parts = pairs.split(0.1, 0.2, 42).unwrap();
        let sources = |rows: &[usize]| -> HashSet<String> {
            rows.iter().map(|row| pairs.pairs[*row][0].to_lowercase()).collect()
        };
        let [train, valid, test] =
            [&parts.train, &parts.valid, &parts.test].map(|rows| sources(rows));
        assert_eq!((train.len(), valid.len(), test.len()), (35, 5, 10));
        assert!(train.is_disjoint(&valid) && train.is_disjoint(&test) && valid.is_disjoint(&test));
        assert_eq!(parts.train.len() + parts.valid.len() + parts.test.len(), 151);
        assert_eq!(parts, pairs.split(0.1, 0.2, 42).unwrap());
        assert_ne!(parts, pairs.split(0.1, 0.2, 43).unwrap());
    }

    #[test]
    fn every_bad_line_is_named() {
        let bytes = b"a\tb\nalone\n\n\tb\r\nc\xFF\td\n";
        let error = Pairs::of("p.tsv", bytes).unwrap_err();
        let lines: Vec<_> = error.problems().iter().map(|p| p.place.line).collect();
        assert_eq!(lines, [Some(2), Some(4), Some(5)]);
        assert!(error.to_string().contains("line 5: is not UTF-8 text: byte 2 of the line"));
        let empty = Pairs::of("p.tsv", b"\n \n").unwrap_err();
        assert!(empty.to_string().contains("there is no pair of texts"));
    }

    #[test]
    fn marks_and_line_ends_are_not_part_of_texts() {
        let text = "\u{FEFF}\"Hi,\" he said.\t안녕\tCC-BY\r\n 👋 \t 안녕 \r\n";
        let pairs = Pairs::of("p.tsv", text.as_bytes()).unwrap().pairs;
        assert_eq!(pairs, [["\"Hi,\" he said.", "안녕"], ["👋", "안녕"]]);
    }
}
