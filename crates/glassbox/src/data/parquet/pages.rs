//! The pages of a column, checked once more when they are decompressed: what they say of themselves
//! is what the decoders allocate.

use bytes::Bytes;
use parquet::basic::{Encoding, Type};
use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::errors::ParquetError;
use parquet::file::serialized_reader::SerializedPageReader;

use super::Broken;
use super::source::Chunk;

/// The most values of a page; fuzzing takes fewer, since a few bytes can say many nulls.
const MOST_VALUES: u32 = if cfg!(fuzzing) { 1 << 10 } else { 1 << 26 };

/// Pages that can be decoded.
pub(super) struct Pages {
    pub(super) pages: SerializedPageReader<Chunk>,
    pub(super) physical: Type,
    /// Whether rows may have no value.
    pub(super) optional: bool,
}

impl Pages {
    fn check(&self, page: &Page) -> Result<(), Broken> {
        let short = || Broken::new("has a page that ends too early");
        let (buffer, count, encoding, at) = match page {
            Page::DictionaryPage { buf, num_values, .. } => {
                let (count, size) = (*num_values, buf.len());
                return match count as usize > size {
                    true => Err(Broken::new(format!(
                        "has a dictionary of {count} values in {size} bytes"
                    ))),
                    false => Ok(()),
                };
            }
            Page::DataPage { buf, num_values, encoding, def_level_encoding, .. } => {
                if self.optional && *def_level_encoding != Encoding::RLE {
                    return Err(Broken::new("has levels in an encoding that is not read"));
                }
                let levels = || Some(u32::from_le_bytes(*buf.first_chunk()?) as usize + 4);
                let at = if self.optional { levels().ok_or_else(short)? } else { 0 };
                (buf, *num_values, *encoding, at)
            }
            Page::DataPageV2 {
                buf,
                num_values,
                encoding,
                def_levels_byte_len,
                rep_levels_byte_len,
                ..
            } => {
                let at = *def_levels_byte_len as usize + *rep_levels_byte_len as usize;
                (buf, *num_values, *encoding, at)
            }
        };
        if count > MOST_VALUES {
            return Err(Broken::new(format!("claims a page of {count} values")));
        }
        let lists = match encoding {
            Encoding::DELTA_LENGTH_BYTE_ARRAY if self.physical != Type::BYTE_ARRAY => {
                return Err(Broken::new("has an encoding that its type does not have"));
            }
            Encoding::DELTA_LENGTH_BYTE_ARRAY => 1,
            Encoding::DELTA_BYTE_ARRAY => 2,
            _ => 0,
        };
        let mut at = at;
        for _ in 0..lists {
            at = end_of_lengths(buffer, at, u64::from(count)).ok_or_else(|| {
                Broken::new(format!("has lengths that do not fit its {count} values"))
            })?;
        }
        Ok(())
    }
}

impl Iterator for Pages {
    type Item = Result<Page, ParquetError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl PageReader for Pages {
    fn get_next_page(&mut self) -> Result<Option<Page>, ParquetError> {
        loop {
            let page = self.pages.get_next_page()?;
            match &page {
                // The decoder takes a page without values for the end.
                Some(data) if data.is_data_page() && data.num_values() == 0 => {}
                Some(page) => {
                    self.check(page)?;
                    break Ok(Some(page.clone()));
                }
                None => break Ok(None),
            }
        }
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>, ParquetError> {
        self.pages.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<(), ParquetError> {
        self.pages.skip_next_page()
    }
}

/// Where a list of lengths ends that begins at `at`: differences, packed in blocks of so many
/// miniblocks (DELTA_BINARY_PACKED). Nothing where there are more than `most`, or where it goes on
/// beyond the page.
fn end_of_lengths(page: &Bytes, mut at: usize, most: u64) -> Option<usize> {
    let (block, minis) = (varint(page, &mut at)?, varint(page, &mut at)?);
    let count = varint(page, &mut at).filter(|count| *count <= most)?;
    varint(page, &mut at)?;
    // The format asks for 128 and 4; more than these sizes nobody writes.
    let fits = (1..=1 << 20).contains(&block) && (1..=1 << 10).contains(&minis);
    if !fits || block % minis != 0 {
        return None;
    }
    let (numbers, minis) = ((block / minis) as usize, minis as usize);
    let mut left = (count as usize).saturating_sub(1);
    while left > 0 {
        varint(page, &mut at)?;
        let widths = page.get(at..at.checked_add(minis)?)?;
        at += minis;
        for width in widths.iter().take(left.div_ceil(numbers)) {
            at += numbers / 8 * usize::from(*width);
            left = left.saturating_sub(numbers);
        }
    }
    (at <= page.len()).then_some(at)
}

fn varint(page: &Bytes, at: &mut usize) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = *page.get(*at)?;
        *at += 1;
        value |= u64::from(byte & 127) << shift;
        if byte < 128 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_lengths_is_found_before_they_are_decoded() {
        // The format's example: 1 to 5, in blocks of 128 of 4 miniblocks; every difference is 1.
        let page =
            |count: &[u8]| Bytes::from([&[0x80, 1, 4], count, &[2, 2, 0, 0, 0, 0, 7, 7]].concat());
        assert_eq!(end_of_lengths(&page(&[5]), 0, 5), Some(10));
        assert_eq!(end_of_lengths(&page(&[5]), 0, 4), None);
        // A single length has no block.
        assert_eq!(end_of_lengths(&page(&[1]), 0, 5), Some(5));
        // 2³⁵ lengths, and lengths that go on beyond the page.
        assert_eq!(end_of_lengths(&page(&[0x80, 0x80, 0x80, 0x80, 0x80, 1]), 0, 1 << 26), None);
        assert_eq!(end_of_lengths(&page(&[0x80, 2]), 0, 1 << 26), None);
    }
}
