//! Learns the merges of byte-pair encoding from counted pieces of text.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use super::bpe::byte_order;

/// A pair of neighbouring tokens.
type Pair = (u32, u32);

/// A piece of text as the tokens that it consists of so far.
struct Piece {
    tokens: Vec<u32>,
    count: u64,
}

/// How often a pair comes, and in which pieces.
#[derive(Default)]
struct Seen {
    count: i64,
    pieces: Vec<u32>,
}

/// The merges that `pieces` (and how often each came) teach, at most `most`: again and again the
/// most frequent pair of neighbours becomes a token (Sennrich, Haddow and Birch, 2016, "Neural
/// machine translation of rare words with subword units", algorithm 1, on bytes).
///
/// Of pairs that come equally often the one with the smaller ids is taken. A pair that comes only
/// once is not learned, and none that would join a part of a character with anything but the rest
/// of that character. Ids are those of [`super::bpe::Bpe`], from `first` on.
///
/// Counts are kept up to date merge by merge, and the next pair comes from a heap, so that the
/// time grows with the pieces that a merge touches.
pub(super) fn learn(pieces: &[(String, u64)], most: usize, first: u32) -> Vec<Pair> {
    let mut ids = [0; 256];
    let mut bytes: Vec<Vec<u8>> = Vec::new();
    for (byte, id) in byte_order().zip(first..) {
        ids[usize::from(byte)] = id;
        bytes.push(vec![byte]);
    }
    let mut pieces: Vec<Piece> = pieces
        .iter()
        .map(|(text, count)| {
            let tokens = text.bytes().map(|byte| ids[usize::from(byte)]).collect();
            Piece { tokens, count: *count }
        })
        .collect();
    let mut pairs: HashMap<Pair, Seen> = HashMap::new();
    for (at, piece) in (0..).zip(&pieces) {
        for pair in piece.tokens.windows(2) {
            let seen = pairs.entry((pair[0], pair[1])).or_default();
            seen.count += piece.count as i64;
            if seen.pieces.last() != Some(&at) {
                seen.pieces.push(at);
            }
        }
    }
    let mut heap: BinaryHeap<(i64, Reverse<Pair>)> =
        pairs.iter().map(|(pair, seen)| (seen.count, Reverse(*pair))).collect();
    let mut merges = Vec::new();
    let mut changes: Vec<(Pair, i64)> = Vec::new();
    let mut grown: Vec<Pair> = Vec::new();
    while merges.len() < most {
        let Some((count, Reverse(pair))) = heap.pop() else { break };
        let Some(seen) = pairs.get(&pair) else { continue };
        // What the heap says of a pair may be of long ago.
        if seen.count != count {
            heap.push((seen.count, Reverse(pair)));
            continue;
        }
        if count < 2 {
            break;
        }
        let at = |id: u32| (id - first) as usize;
        let joined = [bytes[at(pair.0)].as_slice(), &bytes[at(pair.1)]].concat();
        let Some(seen) = pairs.remove(&pair) else { continue };
        if !whole_or_beginning(&joined) {
            continue;
        }
        let new = first + bytes.len() as u32;
        bytes.push(joined);
        merges.push(pair);
        let mut touched = seen.pieces;
        touched.sort_unstable();
        touched.dedup();
        grown.clear();
        for index in touched {
            let piece = &mut pieces[index as usize];
            changes.clear();
            merge(&mut piece.tokens, pair, new, &mut changes);
            for (changed, by) in &changes {
                // The merged pair itself is gone; so are those that are never merged.
                let seen = match by {
                    1 => Some(pairs.entry(*changed).or_default()),
                    _ => pairs.get_mut(changed),
                };
                let Some(seen) = seen else { continue };
                seen.count += by * piece.count as i64;
                if *by > 0 {
                    if seen.pieces.last() != Some(&index) {
                        seen.pieces.push(index);
                    }
                    grown.push(*changed);
                }
            }
        }
        grown.sort_unstable();
        grown.dedup();
        for pair in &grown {
            if let Some(seen) = pairs.get(pair) {
                heap.push((seen.count, Reverse(*pair)));
            }
        }
    }
    merges
}

/// Puts `new` in the place of every `pair`, from the left; notes which pairs of neighbours come
/// once more or once less by it.
fn merge(tokens: &mut Vec<u32>, pair: Pair, new: u32, changes: &mut Vec<(Pair, i64)>) {
    let (mut from, mut to) = (0, 0);
    while from < tokens.len() {
        let next = tokens.get(from + 1).copied();
        if tokens[from] != pair.0 || next != Some(pair.1) {
            tokens[to] = tokens[from];
            (from, to) = (from + 1, to + 1);
            continue;
        }
        if to > 0 {
            let before = tokens[to - 1];
            changes.extend([((before, pair.0), -1), ((before, new), 1)]);
        }
        if let Some(after) = tokens.get(from + 2) {
            changes.extend([((pair.1, *after), -1), ((new, *after), 1)]);
        }
        tokens[to] = new;
        (from, to) = (from + 2, to + 1);
    }
    tokens.truncate(to);
}

/// Whether bytes are whole characters or the beginning of one.
fn whole_or_beginning(bytes: &[u8]) -> bool {
    match std::str::from_utf8(bytes) {
        Ok(_) => true,
        Err(error) => error.valid_up_to() == 0 && error.error_len().is_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learned(pieces: &[(&str, u64)], most: usize) -> Vec<String> {
        let pieces: Vec<_> = pieces.iter().map(|(text, n)| (text.to_string(), *n)).collect();
        let merges = learn(&pieces, most, 0);
        let bpe = super::super::bpe::Bpe::new(merges, 0).unwrap();
        (256..bpe.len() as u32)
            .map(|id| String::from_utf8_lossy(bpe.bytes(id).unwrap()).into_owned())
            .collect()
    }

    #[test]
    fn the_most_frequent_pair_is_merged_first() {
        // The example of Sennrich et al. (2016), without its end-of-word sign: es and st come 9
        // times, then (l, o) and (o, w) 7 times; equal counts go by the smaller ids.
        let corpus = [("low", 5), ("lower", 2), ("newest", 6), ("widest", 3)];
        assert_eq!(learned(&corpus, 4), ["es", "est", "lo", "low"]);
    }

    #[test]
    fn counts_hold_where_pairs_overlap() {
        // aaaa holds the pair (a, a) three times; afterwards X X, whose pair comes 10 times.
        assert_eq!(learned(&[("aaaa", 10), ("aaa", 1)], 8), ["aa", "aaaa"]);
    }

    #[test]
    fn pairs_that_come_once_are_not_learned() {
        assert!(learned(&[("abc", 1)], 10).is_empty());
    }

    #[test]
    fn incremental_counts_are_those_counted_anew() {
        // The same by the definition: count every pair anew before each merge.
        let mut state = 1u64;
        let mut pieces = Vec::new();
        for _ in 0..200 {
            let text: String = (0..12)
                .map(|_| {
                    state = state.wrapping_mul(6364136223846793005).wrapping_add(1);
                    ["a", "b", "c", "가", "각"][(state >> 33) as usize % 5]
                })
                .collect();
            pieces.push((text, 1 + (state >> 60)));
        }
        let fast = learn(&pieces, 150, 3);
        assert_eq!(fast.len(), 150);
        let mut slow: Vec<Pair> = Vec::new();
        while slow.len() < 150 {
            let bpe = super::super::bpe::Bpe::new(slow.clone(), 3).unwrap();
            let mut counts: HashMap<Pair, i64> = HashMap::new();
            for (text, count) in &pieces {
                let mut tokens = Vec::new();
                bpe.encode(text, &mut tokens);
                let mut at = 0;
                while at + 1 < tokens.len() {
                    *counts.entry((tokens[at], tokens[at + 1])).or_default() += *count as i64;
                    at += 1;
                }
            }
            let allowed = |pair: &Pair| {
                let bytes = [bpe.bytes(pair.0).unwrap(), bpe.bytes(pair.1).unwrap()].concat();
                whole_or_beginning(&bytes)
            };
            let best = counts.into_iter().filter(|(pair, _)| allowed(pair));
            slow.push(best.max_by_key(|(pair, n)| (*n, Reverse(*pair))).unwrap().0);
        }
        assert_eq!(fast, slow);
    }
}
