//! One column of a group of rows, some rows at a time.

use std::sync::Arc;

use parquet::basic::{Compression, Type};
use parquet::column::reader::ColumnReaderImpl;
use parquet::data_type as stored;
use parquet::errors::ParquetError;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::serialized_reader::SerializedPageReader;

use super::pages::Pages;
use super::source::{Chunk, Source};
use super::value::{Kind, Raw};
use super::{Broken, contained};

/// A column whose values are one a row.
pub(super) trait Column {
    /// Decodes the next `rows` rows, of which there must be as many.
    fn decode(&mut self, rows: usize) -> Result<(), Broken>;

    /// Adds the text of the next of these rows to `out`: nothing where it has no value.
    fn write(&mut self, out: &mut Vec<u8>) -> Result<(), Broken>;
}

/// The column of a group of rows that `about` is about; `kind` is what its values mean.
pub(super) fn open(
    source: &Source,
    about: &ColumnChunkMetaData,
    rows: usize,
    kind: Kind,
) -> Result<Box<dyn Column>, Broken> {
    let codec = about.compression();
    if codec == Compression::LZO {
        let read = "uncompressed, snappy, gzip, zstd, brotli and lz4 are read";
        return Err(Broken::new(format!("is compressed by LZO; {read}")));
    }
    let physical = about.column_type();
    let optional = about.column_descr().max_def_level() > 0;
    let (pages, about) = contained("footer", || {
        // Some writers say 0 where there is no dictionary.
        let about = match about.dictionary_page_offset() {
            Some(0) => about.clone().into_builder().set_dictionary_page_offset(None).build()?,
            _ => about.clone(),
        };
        let (start, length) = about.byte_range();
        let end = start.saturating_add(length);
        let chunk = Arc::new(Chunk::new(source.clone(), end, codec));
        Ok((SerializedPageReader::new(chunk, &about, rows, None)?, about))
    })?;
    let pages = Pages { pages, physical, optional };
    Ok(match physical {
        Type::BOOLEAN => Values::<stored::BoolType>::boxed(&about, pages, kind),
        Type::INT32 => Values::<stored::Int32Type>::boxed(&about, pages, kind),
        Type::INT64 => Values::<stored::Int64Type>::boxed(&about, pages, kind),
        Type::INT96 => Values::<stored::Int96Type>::boxed(&about, pages, kind),
        Type::FLOAT => Values::<stored::FloatType>::boxed(&about, pages, kind),
        Type::DOUBLE => Values::<stored::DoubleType>::boxed(&about, pages, kind),
        Type::BYTE_ARRAY => Values::<stored::ByteArrayType>::boxed(&about, pages, kind),
        Type::FIXED_LEN_BYTE_ARRAY => {
            Values::<stored::FixedLenByteArrayType>::boxed(&about, pages, kind)
        }
    })
}

/// A column of values that are stored as `T`.
struct Values<T: stored::DataType> {
    reader: ColumnReaderImpl<T>,
    kind: Kind,
    /// The rows that are decoded: their values, and for each row whether it has one (1), if any row
    /// may have none.
    values: Vec<T::T>,
    levels: Option<Vec<i16>>,
    /// The next row, and the next value.
    row: usize,
    value: usize,
}

impl<T: stored::DataType> Values<T>
where
    T::T: AsRaw,
{
    fn boxed(about: &ColumnChunkMetaData, pages: Pages, kind: Kind) -> Box<dyn Column> {
        let levels = pages.optional.then(Vec::new);
        let reader = ColumnReaderImpl::new(about.column_descr_ptr(), Box::new(pages));
        Box::new(Values::<T> { reader, kind, values: Vec::new(), levels, row: 0, value: 0 })
    }
}

impl<T: stored::DataType> Column for Values<T>
where
    T::T: AsRaw,
{
    fn decode(&mut self, rows: usize) -> Result<(), Broken> {
        (self.row, self.value) = (0, 0);
        self.values.clear();
        if let Some(levels) = &mut self.levels {
            levels.clear();
        }
        let (reader, levels, values) = (&mut self.reader, self.levels.as_mut(), &mut self.values);
        let (read, ..) = contained("page", || reader.read_records(rows, levels, None, values))?;
        match read == rows {
            true => Ok(()),
            false => Err(Broken::new("has fewer values than rows")),
        }
    }

    fn write(&mut self, out: &mut Vec<u8>) -> Result<(), Broken> {
        let present = match &self.levels {
            Some(levels) => levels.get(self.row) == Some(&1),
            None => true,
        };
        self.row += 1;
        if !present {
            return Ok(());
        }
        self.value += 1;
        match self.values.get(self.value - 1) {
            Some(value) => self.kind.write(value.as_raw(), out),
            None => Err(Broken::new("has fewer values than rows")),
        }
    }
}

/// A value as it is stored, whatever its type.
trait AsRaw {
    fn as_raw(&self) -> Raw<'_>;
}

/// Says how each type becomes a [`Raw`].
macro_rules! as_raw {
    ($($type:ty: $value:ident => $raw:expr;)*) => {
        $(impl AsRaw for $type {
            fn as_raw(&self) -> Raw<'_> {
                let $value = self;
                $raw
            }
        })*
    };
}

as_raw! {
    bool: value => Raw::Bool(*value);
    i32: value => Raw::Int(i64::from(*value));
    i64: value => Raw::Int(*value);
    f32: value => Raw::Float(*value);
    f64: value => Raw::Double(*value);
    stored::Int96: value => Raw::Wide(value.data());
    stored::ByteArray: value => Raw::Bytes(value.data());
    stored::FixedLenByteArray: value => Raw::Bytes(value.data());
}

impl From<Broken> for ParquetError {
    fn from(broken: Broken) -> Self {
        ParquetError::External(Box::new(broken))
    }
}
