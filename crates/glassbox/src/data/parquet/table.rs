//! A Parquet file as a table.

use std::fs::File;
use std::path::Path;

use super::Broken;
use super::column::Reader;
use super::footer::Footer;
use crate::data::builder::Builder;
use crate::data::error::{DataError, Place, Problems};
use crate::data::source::unreadable;
use crate::data::spool::read_exact_at;
use crate::data::table::RawTable;

/// The name that pandas gives to the index of a frame that has none.
const INDEX: &str = "__index_level_0__";

/// A file's content, to be read in any order.
#[derive(Debug)]
pub(super) enum Bytes<'b> {
    Memory(&'b [u8]),
    File { file: File, length: u64 },
}

impl<'b> Bytes<'b> {
    pub(super) fn open(path: &Path) -> Result<Bytes<'static>, DataError> {
        let name = path.display().to_string();
        let opened = File::open(path).and_then(|file| Ok((file.metadata()?.len(), file)));
        let (length, file) = opened.map_err(|e| unreadable(&name, &e))?;
        Ok(Bytes::File { file, length })
    }

    fn len(&self) -> u64 {
        match self {
            Bytes::Memory(bytes) => bytes.len() as u64,
            Bytes::File { length, .. } => *length,
        }
    }

    /// `length` bytes from `at` on.
    pub(super) fn read(&self, at: u64, length: u64) -> Result<Vec<u8>, Broken> {
        let end = at.checked_add(length).filter(|end| *end <= self.len());
        let end = end.ok_or_else(|| Broken::new("says that it is larger than it is"))?;
        match self {
            Bytes::Memory(bytes) => Ok(bytes[at as usize..end as usize].to_vec()),
            Bytes::File { file, .. } => {
                let mut bytes = vec![0; length as usize];
                read_exact_at(file, &mut bytes, at)
                    .map_err(|e| Broken::new(format!("cannot be read: {e}")))?;
                Ok(bytes)
            }
        }
    }

    /// The bytes of the footer, which the last eight bytes end.
    fn footer(&self) -> Result<Vec<u8>, Broken> {
        let no = || Broken::new("is not a Parquet file, or only the beginning of one");
        let end = self.len().checked_sub(8).ok_or_else(no)?;
        let last = self.read(end, 8)?;
        let (length, magic) = last.split_first_chunk::<4>().ok_or_else(no)?;
        match magic {
            b"PAR1" => {}
            b"PARE" => return Err(Broken::new("is encrypted")),
            _ => return Err(no()),
        }
        let length = u64::from(u32::from_le_bytes(*length));
        self.read(end.checked_sub(length).ok_or_else(no)?, length)
    }
}

/// Reads a file; `memory` bytes of its cells are kept in memory.
///
/// # Errors
/// Columns that cannot be read, by name, all at once; damage, with its column and row.
pub(super) fn read(name: &str, file: Bytes<'_>, memory: usize) -> Result<RawTable, DataError> {
    let broken = |place: Place, Broken(what)| {
        DataError::new(place, what, "write or download the file again")
    };
    let footer = file.footer().map_err(|what| broken(Place::file(name), what))?;
    let footer = Footer::read(&footer).map_err(|wrong| {
        let mut problems = Problems::default();
        for (column, what) in wrong {
            match column {
                Some(column) => problems.push(
                    Place::file(name).column(column),
                    what,
                    "write its parts as columns of their own, or leave it out",
                ),
                None => problems.push(Place::file(name), what, "write or download the file again"),
            }
        }
        problems.finish().err().unwrap_or_else(|| DataError::new(Place::file(name), "", ""))
    })?;
    // The index of a frame is no column of it.
    let kept = |column: &str| column != INDEX;
    let names: Vec<String> = footer.columns.iter().map(|column| column.name.clone()).collect();
    let names: Vec<String> = names.into_iter().filter(|name| kept(name)).collect();
    let mut builder = Builder::new(name, false, memory);
    builder.keep_blank = true;
    if names.len() < footer.columns.len() {
        builder.notice(format!("`{INDEX}` left out: the index of a pandas frame, not a column"));
    }
    let groups = if names.is_empty() { &[] } else { &footer.groups[..] };
    builder.header(names, 0);
    let (mut row, mut texts, mut ends) = (0u64, Vec::new(), Vec::new());
    for group in groups {
        let chunks = footer.columns.iter().zip(&group.chunks);
        let mut readers: Vec<(&str, Reader<'_>)> = chunks
            .filter(|(column, _)| kept(&column.name))
            .map(|(column, chunk)| (column.name.as_str(), Reader::new(&file, column, *chunk)))
            .collect();
        for _ in 0..group.rows {
            row += 1;
            texts.clear();
            ends.clear();
            for (column, reader) in &mut readers {
                reader
                    .next(&mut texts)
                    .map_err(|what| broken(Place::file(name).line(row).column(*column), what))?;
                ends.push(texts.len());
            }
            let starts = std::iter::once(&0).chain(&ends);
            let cells = starts.zip(&ends).map(|(start, end)| &texts[*start..*end]);
            builder.row(cells, row)?;
        }
    }
    builder.finish()
}
