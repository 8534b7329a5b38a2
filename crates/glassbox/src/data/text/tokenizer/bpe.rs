//! Byte-pair encoding: its learned merges, and how they are used.

use std::collections::HashMap;

/// The bytes in GPT-2's order: the printable ones first.
pub(super) fn byte_order() -> impl Iterator<Item = u8> {
    let printable = |byte: &u8| matches!(byte, 33..=126 | 161..=172 | 174..=255);
    (0..=255).filter(printable).chain((0..=255).filter(move |byte| !printable(byte)))
}

/// Byte pairs: 256 tokens of one byte, then a token for each merge of two tokens before it.
///
/// Every token is either whole characters or the beginning of one.
#[derive(Clone, Debug)]
pub(super) struct Bpe {
    /// The two tokens of each merge, in the order in which they were learned.
    pub(super) merges: Vec<(u32, u32)>,
    /// The id of the first byte's token.
    first: u32,
    bytes: Vec<Box<[u8]>>,
    /// The token of each byte, by its value.
    byte_ids: Vec<u32>,
    merged: HashMap<(u32, u32), u32>,
}

impl PartialEq for Bpe {
    fn eq(&self, other: &Self) -> bool {
        // All else follows from these.
        self.merges == other.merges && self.first == other.first
    }
}

impl Bpe {
    /// Ids from `first` on; none where a merge names a token that comes later.
    pub(super) fn new(merges: Vec<(u32, u32)>, first: u32) -> Option<Self> {
        let mut byte_ids = vec![0; 256];
        let mut bytes: Vec<Box<[u8]>> = Vec::with_capacity(256 + merges.len());
        for (byte, id) in byte_order().zip(first..) {
            *byte_ids.get_mut(usize::from(byte))? = id;
            bytes.push([byte].into());
        }
        let mut merged = HashMap::with_capacity(merges.len());
        for (a, b) in &merges {
            let part = |id: &u32| bytes.get(usize::try_from(id.checked_sub(first)?).ok()?);
            let whole = [part(a)?.as_ref(), part(b)?.as_ref()].concat();
            merged.insert((*a, *b), first + u32::try_from(bytes.len()).ok()?);
            bytes.push(whole.into());
        }
        Some(Bpe { merges, first, bytes, byte_ids, merged })
    }

    /// The number of tokens.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The bytes of a token.
    pub(super) fn bytes(&self, id: u32) -> Option<&[u8]> {
        let at = usize::try_from(id.checked_sub(self.first)?).ok()?;
        self.bytes.get(at).map(AsRef::as_ref)
    }

    /// The tokens of a piece of text: always the earliest learned merge first.
    pub(super) fn encode(&self, piece: &str, out: &mut Vec<u32>) {
        let start = out.len();
        let id = |byte: u8| self.byte_ids.get(usize::from(byte)).copied().unwrap_or(self.first);
        out.extend(piece.bytes().map(id));
        loop {
            let tokens = out.get(start..).unwrap_or(&[]);
            let pairs = tokens.windows(2).enumerate().filter_map(|(at, pair)| match pair {
                [a, b] => self.merged.get(&(*a, *b)).map(|id| (*id, at)),
                _ => None,
            });
            let Some((id, at)) = pairs.min() else { return };
            if let Some(token) = out.get_mut(start + at) {
                *token = id;
            }
            out.remove(start + at + 1);
        }
    }
}
