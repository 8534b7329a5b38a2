//! A Parquet file as a table.

use parquet::basic::Repetition;
use parquet::file::metadata::{
    ParquetMetaData, ParquetMetaDataOptions, ParquetMetaDataReader, ParquetStatisticsPolicy,
};

use super::column::{self, Column};
use super::source::Source;
use super::value::{Kind, NESTED};
use super::{Broken, contained};
use crate::data::builder::Builder;
use crate::data::error::{DataError, Place, Problems};
use crate::data::table::RawTable;

/// The name that pandas gives to the index of a frame that has none.
const INDEX: &str = "__index_level_0__";

/// The rows that are decoded at a time. Few, because a text may be as long as a page.
const ROWS: u64 = 256;

/// Reads a file; `memory` bytes of its cells are kept in memory.
///
/// # Errors
/// Columns that cannot be read, by name, all at once; damage, with its column and row.
pub(super) fn read(name: &str, file: Source, memory: usize) -> Result<RawTable, DataError> {
    let broken = |place: Place, Broken(what)| {
        DataError::new(place, what, "write or download the file again")
    };
    let footer = read_footer(&file).map_err(|what| broken(Place::file(name), what))?;
    // The index of a frame is no column of it.
    let mut columns = columns(name, &footer)?;
    let found = columns.len();
    columns.retain(|(_, title, _)| title != INDEX);
    let mut builder = Builder::new(name, false, memory);
    builder.keep_blank = true;
    if columns.len() < found {
        builder.notice(format!("`{INDEX}` left out: the index of a pandas frame, not a column"));
    }
    builder.header(columns.iter().map(|(_, title, _)| title.clone()).collect(), 0);
    let (mut row, mut texts, mut ends) = (0u64, Vec::new(), Vec::new());
    let groups = if columns.is_empty() { &[] } else { footer.row_groups() };
    for group in groups {
        let wrong = || Broken::new("has a footer that contradicts itself");
        let rows = u64::try_from(group.num_rows()).ok().filter(|_| group.num_columns() == found);
        let rows = rows.ok_or_else(|| broken(Place::file(name), wrong()))?;
        let mut readers: Vec<(&str, Box<dyn Column>)> = Vec::new();
        for (at, title, kind) in &columns {
            let column = column::open(&file, group.column(*at), rows as usize, *kind);
            let column = column.map_err(|what| broken(Place::file(name).column(title), what))?;
            readers.push((title, column));
        }
        let end = row.saturating_add(rows);
        while row < end {
            let some = ROWS.min(end - row);
            for (column, reader) in &mut readers {
                reader.decode(some as usize).map_err(|Broken(what)| {
                    let what = format!("{what}, in rows {} to {}", row + 1, row + some);
                    broken(Place::file(name).column(*column), Broken(what))
                })?;
            }
            for _ in 0..some {
                row += 1;
                texts.clear();
                ends.clear();
                for (column, reader) in &mut readers {
                    reader.write(&mut texts).map_err(|what| {
                        broken(Place::file(name).line(row).column(*column), what)
                    })?;
                    ends.push(texts.len());
                }
                let starts = std::iter::once(&0).chain(&ends);
                let cells = starts.zip(&ends).map(|(start, end)| &texts[*start..*end]);
                builder.row(cells, row)?;
            }
        }
    }
    builder.finish()
}

fn read_footer(file: &Source) -> Result<ParquetMetaData, Broken> {
    let bytes = file.footer()?;
    // What it says about the values is not used, so it need not be right.
    let mut options = ParquetMetaDataOptions::new();
    options.set_column_stats_policy(ParquetStatisticsPolicy::SkipAll);
    options.set_size_stats_policy(ParquetStatisticsPolicy::SkipAll);
    options.set_encoding_stats_policy(ParquetStatisticsPolicy::SkipAll);
    contained("footer", || {
        ParquetMetaDataReader::decode_metadata_with_options(&bytes, Some(&options))
    })
}

/// The place, name and kind of every column.
///
/// # Errors
/// Every column that is nested or of a kind that cannot be read, by name.
fn columns(name: &str, footer: &ParquetMetaData) -> Result<Vec<(usize, String, Kind)>, DataError> {
    let (mut columns, mut problems) = (Vec::new(), Problems::default());
    let schema = footer.file_metadata().schema_descr();
    for (at, column) in schema.root_schema().get_fields().iter().enumerate() {
        let about = column.get_basic_info();
        let repeated = about.has_repetition() && about.repetition() == Repetition::REPEATED;
        let kind = match repeated {
            true => Err(Broken::new(NESTED)),
            false => Kind::read(column),
        };
        match kind {
            Ok(kind) => columns.push((at, column.name().to_string(), kind)),
            Err(Broken(what)) => problems.push(
                Place::file(name).column(column.name()),
                what,
                "write its parts as columns of their own, or leave it out",
            ),
        }
    }
    problems.finish()?;
    Ok(columns)
}
