//! Tokens as rows: windows over a text that follow each other, stretches of documents, pairs.

mod kept;

use std::collections::HashMap;
use std::ops::Range;

use glassbox_engine::random::Stream;

use super::{Arrangement, Hiding};
use crate::data::error::DataError;
use crate::data::rows::misuse;
use crate::data::spool::Stored;

/// Tokens, and which of them each row has.
#[derive(Debug)]
pub(in crate::data) struct Windows {
    tokens: Stored<u32>,
    /// Tokens of a row: of a source, and of what is read and told place by place.
    sizes: [usize; 2],
    layout: Layout,
    arrangement: Arrangement,
    tagged: Option<Box<Tagged>>,
    /// Of tokens that can be kept in a file: what they follow from.
    key: Option<String>,
    was_kept: bool,
}

/// Of tokens that are of words which have tags.
#[derive(Debug)]
pub(in crate::data) struct Tagged {
    /// For each token the tag of the word that it begins, or [`NO_TAG`].
    pub tags: Stored<u32>,
    /// The words of each row.
    pub words: Words,
}

/// Stands for the tag of a token that begins no word.
pub(in crate::data) const NO_TAG: u32 = u32::MAX;

/// The words of rows, each different one held once.
#[derive(Debug, Default)]
pub(in crate::data) struct Words {
    different: Vec<Box<str>>,
    known: HashMap<Box<str>, u32>,
    /// Those of all rows in order, and where those of each row end.
    all: Vec<u32>,
    ends: Vec<usize>,
}

impl Words {
    /// Adds the words of the next row.
    pub fn push<'w>(&mut self, words: impl IntoIterator<Item = &'w str>) {
        for word in words {
            let id = match self.known.get(word) {
                Some(id) => *id,
                None => {
                    let id = u32::try_from(self.different.len()).unwrap_or(u32::MAX);
                    self.different.push(word.into());
                    self.known.insert(word.into(), id);
                    id
                }
            };
            self.all.push(id);
        }
        self.ends.push(self.all.len());
    }

    fn of_row(&self, row: usize) -> impl Iterator<Item = &str> {
        let start = row.checked_sub(1).and_then(|before| self.ends.get(before));
        let start = start.copied().unwrap_or(0);
        let ids = self.ends.get(row).and_then(|end| self.all.get(start..*end)).unwrap_or_default();
        ids.iter().filter_map(|id| self.different.get(*id as usize)).map(|word| &**word)
    }
}

#[derive(Debug)]
enum Layout {
    /// The tokens of each part of a text, and the number of its first window.
    Running(Vec<(Range<u64>, u32)>),
    /// Where rows of their own begin, and where the last of them ends; each has as many tokens as it has.
    /// A pair has two beginnings. Places without a token have the one that fills.
    Apart { starts: Stored<u64>, fill: u32 },
}

/// Which epoch of a training asks; windows begin elsewhere in each, and other tokens are hidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Epoch {
    pub seed: u64,
    pub epoch: u64,
}

/// Where a row's tokens lie: those of its source, and those that are read and told.
struct Lie {
    source: Range<u64>,
    told: Range<u64>,
}

impl Windows {
    /// Windows of `context` tokens over parts of the text. A part of fewer tokens has none.
    pub fn new(
        tokens: Stored<u32>,
        context: usize,
        parts: &[Range<u64>],
        arrangement: Arrangement,
    ) -> Self {
        let mut first = 0;
        let parts = parts.iter().map(|part| {
            let at = first;
            first += windows_of(part, context, arrangement);
            (part.clone(), at)
        });
        let layout = Layout::Running(parts.collect());
        Windows::of(tokens, [0, context], layout, arrangement)
    }

    /// Rows of at most so many tokens that begin at `starts`, the end of the last behind them.
    pub fn apart(
        tokens: Stored<u32>,
        sizes: [usize; 2],
        starts: Stored<u64>,
        fill: u32,
        arrangement: Arrangement,
    ) -> Self {
        Windows::of(tokens, sizes, Layout::Apart { starts, fill }, arrangement)
    }

    fn of(
        tokens: Stored<u32>,
        sizes: [usize; 2],
        layout: Layout,
        arrangement: Arrangement,
    ) -> Self {
        let (tagged, key, was_kept) = (None, None, false);
        Windows { tokens, sizes, layout, arrangement, tagged, key, was_kept }
    }

    /// The same tokens, which follow from what the key says and can be kept.
    pub fn with_key(self, key: String) -> Self {
        Windows { key: Some(key), ..self }
    }

    /// Whether they were read from a file of kept tokens, or can be written to none.
    pub fn are_kept(&self) -> bool {
        self.was_kept || self.key.is_none()
    }

    /// Of one text, how many tokens there are to learn from.
    pub fn learned(&self) -> Option<u64> {
        let Layout::Running(parts) = &self.layout else { return None };
        parts.first().map(|(part, _)| part.end - part.start)
    }

    /// As [`apart`](Self::apart), of tokens of which some begin words that have tags.
    pub fn tagged(
        tokens: Stored<u32>,
        context: usize,
        starts: Stored<u64>,
        fill: u32,
        tagged: Tagged,
    ) -> Self {
        let windows = Windows::apart(tokens, [0, context], starts, fill, Arrangement::Tags);
        Windows { tagged: Some(Box::new(tagged)), ..windows }
    }

    /// The same rows with room for so many tokens.
    pub fn with_context(self, context: usize) -> Self {
        Windows { sizes: [0, context], ..self }
    }

    /// The words of a row; none of tokens that are of no words which have tags.
    pub fn words(&self, row: usize) -> Option<impl Iterator<Item = &str>> {
        self.tagged.as_ref().map(|tagged| tagged.words.of_row(row))
    }

    /// The windows of a part, by number; of a text alone.
    pub fn of_part(&self, part: usize) -> Range<u32> {
        let Layout::Running(parts) = &self.layout else { return 0..0 };
        let Some((tokens, first)) = parts.get(part) else { return 0..0 };
        *first..first + windows_of(tokens, self.sizes[1], self.arrangement)
    }

    /// Tokens of a row at most: of a source, and of what is told.
    pub fn sizes(&self) -> [usize; 2] {
        self.sizes
    }

    /// Tokens of a row, where rows have different numbers of them.
    pub fn lengths(&self, row: usize) -> Result<Option<[usize; 2]>, DataError> {
        if matches!(self.layout, Layout::Running(_)) {
            return Ok(None);
        }
        let Lie { source, told } = self.lies(row, None)?;
        Ok(Some([source, told].map(|range| (range.end - range.start) as usize)))
    }

    /// Where the tokens of a row lie.
    fn lies(&self, row: usize, epoch: Option<Epoch>) -> Result<Lie, DataError> {
        let context = self.sizes[1];
        let parts = match &self.layout {
            Layout::Running(parts) => parts,
            Layout::Apart { starts, .. } if self.arrangement == Arrangement::Pairs => {
                let mut at = [0; 3];
                starts.read(2 * row as u64, &mut at)?;
                // The token that begins what is told is read, the one that ends it is not.
                return Ok(Lie { source: at[0]..at[1], told: at[1]..at[2].saturating_sub(1) });
            }
            Layout::Apart { starts, .. } => {
                let mut at = [0; 2];
                starts.read(row as u64, &mut at)?;
                return Ok(Lie { source: 0..0, told: at[0]..at[1] });
            }
        };
        let number = u32::try_from(row).map_err(|_| beyond(row))?;
        let part = parts.iter().rposition(|(_, first)| *first <= number);
        let part = part.filter(|part| self.of_part(*part).contains(&number));
        let (tokens, first) = parts.get(part.unwrap_or(usize::MAX)).ok_or_else(|| beyond(row))?;
        let read = read_of(context, self.arrangement);
        let mut start = tokens.start + u64::from(number - first) * context as u64;
        if let Some(Epoch { seed, epoch }) = epoch {
            let shift = Stream::new(seed, "windows", epoch).uniform(0) * context as f64;
            start = (start + shift as u64).min(tokens.end - read as u64);
        }
        Ok(Lie { source: 0..0, told: start..start + context as u64 })
    }

    /// Writes the tokens of a row, and what is to be told at each of its places, as asked for.
    pub fn gather(
        &self,
        row: usize,
        epoch: Option<Epoch>,
        mut inputs: Option<&mut [f32]>,
        mut targets: Option<&mut [i64]>,
    ) -> Result<(), DataError> {
        let Lie { source, told } = self.lies(row, epoch)?;
        if let Layout::Apart { fill, .. } = &self.layout {
            inputs.iter_mut().for_each(|inputs| inputs.fill(*fill as f32));
            targets.iter_mut().for_each(|targets| targets.fill(-1));
        }
        each(&self.tokens, source, |place, id| put(&mut inputs, place, id as f32))?;
        let first = self.sizes[0];
        if let Some(tagged) = &self.tagged {
            each(&self.tokens, told.clone(), |place, id| put(&mut inputs, place, id as f32))?;
            return each(&tagged.tags, told, |place, tag| {
                put(&mut targets, place, if tag == NO_TAG { -1 } else { i64::from(tag) });
            });
        }
        if let Arrangement::Masked(hiding) = self.arrangement {
            let epoch = epoch.unwrap_or(Epoch { seed: 0, epoch: u64::MAX });
            let stream = Stream::new(epoch.seed, "hidden", epoch.epoch).within(row as u64);
            return each(&self.tokens, told, |place, id| {
                let (seen, told) = hiding.hide(stream, place, id);
                put(&mut inputs, first + place, seen as f32);
                put(&mut targets, place, told);
            });
        }
        // Each place tells the token that comes after its own.
        let read = (told.end - told.start) as usize;
        each(&self.tokens, told.start..told.end + 1, |place, id| {
            if place < read {
                put(&mut inputs, first + place, id as f32);
            }
            if let Some(before) = place.checked_sub(1) {
                put(&mut targets, before, i64::from(id));
            }
        })
    }
}

/// Hands out tokens in order. Allocates nothing.
fn each(
    tokens: &Stored<u32>,
    range: Range<u64>,
    mut take: impl FnMut(usize, u32),
) -> Result<(), DataError> {
    let mut some = [0; 256];
    let count = (range.end - range.start) as usize;
    for first in (0..count).step_by(some.len()) {
        let taken = some.len().min(count - first);
        tokens.read(range.start + first as u64, &mut some[..taken])?;
        some[..taken].iter().enumerate().for_each(|(at, id)| take(first + at, *id));
    }
    Ok(())
}

/// Tokens that a window needs: where the next one is to be told, one more.
fn read_of(context: usize, arrangement: Arrangement) -> usize {
    match arrangement {
        Arrangement::Masked(_) => context,
        _ => context + 1,
    }
}

fn windows_of(part: &Range<u64>, context: usize, arrangement: Arrangement) -> u32 {
    let more = (read_of(context, arrangement) - context) as u64;
    let windows = (part.end - part.start).saturating_sub(more) / context.max(1) as u64;
    u32::try_from(windows).unwrap_or(u32::MAX)
}

fn beyond(window: usize) -> DataError {
    misuse(format!("window {window} was asked for, which is beyond the last"))
}

impl Hiding {
    /// What stands at a place, and what is to be told there. Of the places that are drawn, four fifths
    /// are hidden, a tenth gets a token by chance, a tenth stays; each is to be told, the others are not
    /// (Devlin et al. 2019, section 3.1).
    pub(crate) fn hide(self, stream: Stream, place: usize, id: u32) -> (u32, i64) {
        let draw = |which: u64| stream.uniform(3 * place as u64 + which);
        if draw(0) >= self.share {
            return (id, -1);
        }
        let seen = match draw(1) {
            how if how < 0.8 => self.mask,
            how if how < 0.9 => (draw(2) * self.vocabulary as f64) as u32,
            _ => id,
        };
        (seen, i64::from(id))
    }
}

fn put<T>(out: &mut Option<&mut [T]>, place: usize, value: T) {
    if let Some(at) = out.as_deref_mut().and_then(|out| out.get_mut(place)) {
        *at = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn windows(arrangement: Arrangement) -> Windows {
        Windows::new(Stored::Memory((0..20).collect()), 4, &[0..13, 13..20], arrangement)
    }

    fn of(windows: &Windows, number: usize, epoch: Option<Epoch>) -> (Vec<f32>, Vec<i64>) {
        let (mut inputs, mut targets) = (vec![0.0; 4], vec![0; 4]);
        windows.gather(number, epoch, Some(&mut inputs), Some(&mut targets)).unwrap();
        (inputs, targets)
    }

    #[test]
    fn windows_follow_each_other_and_stay_in_their_part() {
        let windows = windows(Arrangement::Next);
        assert_eq!((windows.of_part(0), windows.of_part(1)), (0..3, 3..4));
        assert_eq!(of(&windows, 2, None), (vec![8.0, 9.0, 10.0, 11.0], vec![9, 10, 11, 12]));
        assert_eq!(of(&windows, 3, None).0, [13.0, 14.0, 15.0, 16.0]);
        assert!(windows.gather(4, None, None, None).is_err());
        let mut begins = Vec::new();
        for epoch in 0..40 {
            for number in 0..3 {
                let (inputs, targets) = of(&windows, number, Some(Epoch { seed: 1, epoch }));
                assert!(targets.iter().all(|target| *target < 13), "of another part");
                begins.push(inputs[0] as u32);
            }
        }
        begins.sort_unstable();
        begins.dedup();
        assert_eq!(begins, (0..9).collect::<Vec<u32>>(), "every place begins a window at times");
    }

    #[test]
    fn a_share_of_the_places_is_hidden_and_to_be_told() {
        let hiding = Hiding { share: 0.15, mask: 999, vocabulary: 1000 };
        let tokens: Vec<u32> = (0..40_000).map(|i| i % 500).collect();
        let part = 0..tokens.len() as u64;
        let windows =
            Windows::new(Stored::Memory(tokens.clone()), 100, &[part], Arrangement::Masked(hiding));
        let (mut told, mut hidden, mut kept) = (0, 0, 0);
        for window in 0..400 {
            let (mut inputs, mut targets) = (vec![0.0; 100], vec![0; 100]);
            windows.gather(window, None, Some(&mut inputs), Some(&mut targets)).unwrap();
            for (place, (x, target)) in inputs.iter().zip(&targets).enumerate() {
                let own = tokens[window * 100 + place];
                match target {
                    -1 => assert_eq!(*x, own as f32),
                    told_id => {
                        assert_eq!(*told_id, i64::from(own));
                        told += 1;
                        hidden += usize::from(*x == 999.0);
                        kept += usize::from(*x == own as f32);
                    }
                }
            }
        }
        let share = |n: usize, of: usize| n as f64 / of as f64;
        assert!((share(told, 40_000) - 0.15).abs() < 0.01);
        assert!((share(hidden, told) - 0.8).abs() < 0.02 && (share(kept, told) - 0.1).abs() < 0.02);
    }
}
