//! A text as rows: windows of so many tokens, which follow each other.

use std::ops::Range;

use glassbox_engine::random::Stream;

use super::{Arrangement, Hiding};
use crate::data::error::DataError;
use crate::data::rows::misuse;
use crate::data::spool::Stored;

/// The tokens of a text, of which each row is a window.
#[derive(Debug)]
pub(in crate::data) struct Windows {
    tokens: Stored<u32>,
    /// Tokens of a window.
    context: usize,
    /// The tokens of each part, and the number of its first window.
    parts: Vec<(Range<u64>, u32)>,
    arrangement: Arrangement,
}

/// Which epoch of a training asks; windows begin elsewhere in each, and other tokens are hidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Epoch {
    pub seed: u64,
    pub epoch: u64,
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
        let parts = parts.collect();
        Windows { tokens, context, parts, arrangement }
    }

    /// The windows of a part, by number.
    pub fn of_part(&self, part: usize) -> Range<u32> {
        let Some((tokens, first)) = self.parts.get(part) else { return 0..0 };
        *first..first + windows_of(tokens, self.context, self.arrangement)
    }

    /// Writes the tokens of a window, and what is to be told at each of its places, as asked for.
    pub fn gather(
        &self,
        window: usize,
        epoch: Option<Epoch>,
        inputs: Option<&mut [f32]>,
        targets: Option<&mut [i64]>,
    ) -> Result<(), DataError> {
        let number = u32::try_from(window).map_err(|_| beyond(window))?;
        let part = self.parts.iter().rposition(|(_, first)| *first <= number);
        let part = part.filter(|part| self.of_part(*part).contains(&number));
        let (tokens, first) = &self.parts[part.ok_or_else(|| beyond(window))?];
        let read = read_of(self.context, self.arrangement);
        let mut start = tokens.start + u64::from(number - first) * self.context as u64;
        if let Some(Epoch { seed, epoch }) = epoch {
            let shift = Stream::new(seed, "windows", epoch).uniform(0) * self.context as f64;
            start = (start + shift as u64).min(tokens.end - read as u64);
        }
        let context = self.context;
        match (self.arrangement, inputs, targets) {
            (Arrangement::Masked(hiding), mut inputs, mut targets) => {
                let epoch = epoch.unwrap_or(Epoch { seed: 0, epoch: u64::MAX });
                let stream = Stream::new(epoch.seed, "hidden", epoch.epoch);
                let stream = stream.within(u64::from(number));
                self.each(start, context, |place, id| {
                    let (seen, told) = hiding.hide(stream, place, id);
                    put(&mut inputs, place, seen as f32);
                    put(&mut targets, place, told);
                })
            }
            (_, mut inputs, mut targets) => self.each(start, context + 1, |place, id| {
                if place < context {
                    put(&mut inputs, place, id as f32);
                }
                if let Some(before) = place.checked_sub(1) {
                    put(&mut targets, before, i64::from(id));
                }
            }),
        }
    }

    /// Hands out so many tokens in order. Allocates nothing.
    fn each(
        &self,
        start: u64,
        tokens: usize,
        mut take: impl FnMut(usize, u32),
    ) -> Result<(), DataError> {
        let mut some = [0; 256];
        for first in (0..tokens).step_by(some.len()) {
            let taken = some.len().min(tokens - first);
            self.tokens.read(start + first as u64, &mut some[..taken])?;
            some[..taken].iter().enumerate().for_each(|(at, id)| take(first + at, *id));
        }
        Ok(())
    }
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
