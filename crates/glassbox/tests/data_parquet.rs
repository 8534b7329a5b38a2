//! Parquet files as pyarrow, pandas and polars write them; `fixtures/parquet.py` wrote these.
#![allow(clippy::unwrap_used, clippy::panic)] // In tests; clippy exempts only the test functions themselves.

use crate::support;

use std::path::PathBuf;

use glassbox::data::RawTable;
use support::message;

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/parquet").join(name)
}

#[cfg(not(feature = "parquet"))]
#[test]
fn a_build_without_the_feature_says_how_to_get_it() {
    let text = message(RawTable::from_path(fixture("snappy.parquet")));
    assert!(text.contains("snappy.parquet: is a Parquet file, which this build"), "{text}");
    assert!(text.contains("--features parquet"), "{text}");
    assert!(RawTable::from_bytes("t", b"PAR1\x15\x00PAR1").is_err());
}

#[cfg(feature = "parquet")]
mod with_the_feature {
    use glassbox::data::{Dataset, Options, RawRows, load};
    use glassbox::train::Trainer;
    use glassbox::zoo::Mlp;

    use super::*;

    fn table(name: &str) -> RawTable {
        RawTable::from_path(fixture(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Compares every cell with what Python says; numbers with a fraction by their value.
    fn assert_holds_what_python_wrote(name: &str) {
        let (expected, found) = (table("expected.csv"), table(name));
        assert_eq!(found.rows(), expected.rows(), "{name}");
        for (column, title) in found.names().iter().enumerate() {
            let own = expected.column(title).unwrap();
            for row in 0..expected.rows() {
                let (mut cell, found) = (expected.cell(row, own), found.cell(row, column));
                // The older moments do not say that they are UTC.
                if name == "int96.parquet" {
                    cell = cell.trim_end_matches('Z').to_string().into();
                }
                let same = match title.as_str() {
                    "half" | "float" | "double" => {
                        cell.parse::<f64>().ok() == found.parse::<f64>().ok()
                            && cell.is_empty() == found.is_empty()
                    }
                    _ => cell == found,
                };
                assert!(same, "{name}, row {row}, column {title}: {found:?} is not {cell:?}");
            }
        }
    }

    #[test]
    fn every_type_codec_and_encoding_gives_the_cells_that_were_written() {
        for name in [
            "snappy",
            "gzip_v2",
            "zstd_plain",
            "lz4_v2",
            "plain_v2",
            "delta",
            "delta_zstd_v2",
            "split",
        ] {
            let name = format!("{name}.parquet");
            assert_eq!(table(&name).columns(), 22);
            assert_holds_what_python_wrote(&name);
        }
        assert_holds_what_python_wrote("int96.parquet");
        assert_holds_what_python_wrote("polars.parquet");
        assert_holds_what_python_wrote("brotli.parquet");
    }

    #[test]
    fn bytes_and_a_table_in_a_file_are_the_same_data() {
        let bytes = std::fs::read(fixture("snappy.parquet")).unwrap();
        let from_bytes = RawTable::from_bytes("snappy", &bytes).unwrap();
        let options =
            |memory| Options { memory, target: Some("bool".into()), ..Options::default() };
        let in_memory = Dataset::from_table(&from_bytes, &options(usize::MAX)).unwrap();
        let in_a_file = load(fixture("snappy.parquet"), &options(0)).unwrap();
        assert_eq!(in_memory.fingerprint, in_a_file.fingerprint);
        assert_eq!(in_memory.preparation, in_a_file.preparation);
    }

    #[test]
    fn a_frame_of_pandas_comes_without_its_index() {
        let table = table("pandas.parquet");
        assert_eq!(table.names(), ["size", "kind", "at"]);
        let row = |row| (0..3).map(|at| table.cell(row, at).into_owned()).collect::<Vec<_>>();
        assert_eq!(row(0), ["1.5", "oak", "2024-05-01 00:00:00"]);
        assert_eq!(row(1), ["", "elm", "2024-05-02 12:30:00"]);
        assert!(table.notices()[0].contains("the index of a pandas frame"));
        assert_eq!(table.line(2), 3);
    }

    /// The file that is compressed by Brotli, with the number of another codec in its footer.
    fn brotli_as(codec: u8) -> Vec<u8> {
        let mut bytes = std::fs::read(fixture("brotli.parquet")).unwrap();
        let said = b"\x19\x18\x04int8\x15\x08";
        let at = bytes.windows(said.len()).position(|window| window == said).unwrap();
        bytes[at + said.len() - 1] = codec * 2;
        bytes
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let text = message(RawTable::from_path(fixture("nested.parquet")));
        for column in ["tags", "place"] {
            let expected = format!("column `{column}`: is nested (a list, a map or a structure)");
            assert!(text.contains(&expected), "{text}");
        }
        assert!(!text.contains("column `id`") && !text.contains("column `name`"), "{text}");
        let text = message(RawTable::from_bytes("t.parquet", &brotli_as(3)));
        assert!(text.contains("t.parquet, column `int8`: is compressed by LZO"), "{text}");
        let text = message(RawTable::from_bytes("t.parquet", &brotli_as(9)));
        assert!(text.contains("compressed by an unknown codec (number 9)"), "{text}");
        let text = message(RawTable::from_path(fixture("binary.parquet")));
        assert!(text.contains("column `raw`: holds bytes that are no text"), "{text}");
    }

    #[test]
    fn a_damaged_file_is_an_error_wherever_it_is_cut_or_changed() {
        for name in ["gzip_v2", "delta", "polars", "lz4_v2"] {
            let whole = std::fs::read(fixture(&format!("{name}.parquet"))).unwrap();
            for length in (0..whole.len()).step_by(997) {
                let text = message(RawTable::from_bytes("t.parquet", &whole[..length]));
                assert!(text.contains("is not a Parquet file, or only the beginning"), "{text}");
            }
            // A changed byte gives other cells or an error, never a panic.
            for at in (4..whole.len()).step_by(61) {
                let mut changed = whole.clone();
                changed[at] ^= 1 << (at % 8);
                let _ = RawTable::from_bytes("t.parquet", &changed);
            }
        }
    }

    /// A file that is a footer alone: `parts`, one after the other.
    fn footer_of(parts: &[&[u8]]) -> Vec<u8> {
        let footer = parts.concat();
        let length = (footer.len() as u32).to_le_bytes();
        [b"PAR1", &footer[..], &length, b"PAR1"].concat()
    }

    #[test]
    fn a_footer_is_not_believed() {
        // A schema of no columns, and a group of 2⁶² rows.
        let schema = [0x15, 2, 0x19, 0x1C, 0x48, 1, b'r', 0x15, 0, 0];
        let rows = [0x16, 0, 0x19, 0x1C, 0x19, 0x0C, 0x26];
        let count = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1, 0, 0];
        let mut file = footer_of(&[&schema, &rows, &count]);
        assert!(RawTable::from_bytes("t.parquet", &file).is_err());
        let length = file.len() - 8;
        file[length..length + 4].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(RawTable::from_bytes("t.parquet", &file).is_err());
        // 2³¹ − 1 columns.
        let root = [0x15, 2, 0x19, 0x1C, 0x48, 1, b'r', 0x15, 0xFE, 0xFF, 0xFF, 0xFF, 0x0F, 0];
        let text = message(RawTable::from_bytes("t.parquet", &footer_of(&[&root, &[0]])));
        assert!(text.contains("t.parquet: has a footer that contradicts itself"), "{text}");
        // 100 000 groups of columns, each within the one before.
        let start = [0x15, 2, 0x19, 0xFC, 0xA0, 0x8D, 0x06];
        let groups = [0x35, 0, 0x18, 1, b'g', 0x15, 2, 0].repeat(100_000);
        let text = message(RawTable::from_bytes("t.parquet", &footer_of(&[&start, &groups, &[0]])));
        assert!(text.contains("has more than 256 nested columns"), "{text}");
    }

    #[test]
    fn a_page_is_not_believed() {
        let mut file = std::fs::read(fixture("snappy.parquet")).unwrap();
        // The header of the first page: its type, then its size when decompressed, of two bytes.
        assert_eq!((file[4], file[6], file[7] < 128), (0x15, 0x15, true));
        file.splice(7..8, [0x80, 0x80, 0x80, 0x80, 0x04]);
        let text = message(RawTable::from_bytes("t.parquet", &file));
        assert!(text.contains("t.parquet, column `bool`: has a page of"), "{text}");
        assert!(text.contains("claims to hold 536870912, in rows 1 to 64"), "{text}");
    }

    #[test]
    fn a_model_of_parquet_predicts_parquet() {
        let data = load(
            fixture("polars.parquet"),
            &Options { target: Some("bool".into()), ..Options::default() },
        )
        .unwrap();
        let model = Mlp::new([data.train.width(), 4, 2]);
        let run = Trainer::new(model).epochs(1).fit(&data).unwrap();
        let RawRows::Table(rows) = RawRows::from_path(fixture("polars.parquet")).unwrap() else {
            panic!("it is a table")
        };
        assert_eq!(run.predict(&rows).unwrap().rows.len(), rows.rows());
    }
}
