//! Parquet files as pyarrow, pandas and polars write them; `fixtures/parquet.py` wrote these.
#![allow(clippy::unwrap_used, clippy::panic)] // In tests; clippy exempts only the test functions themselves.

mod support;

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

    #[test]
    fn what_cannot_be_read_is_named() {
        let text = message(RawTable::from_path(fixture("nested.parquet")));
        for column in ["tags", "place"] {
            let expected = format!("column `{column}`: is nested (a list, a map or a structure)");
            assert!(text.contains(&expected), "{text}");
        }
        assert!(!text.contains("column `id`") && !text.contains("column `name`"), "{text}");
        let text = message(RawTable::from_path(fixture("brotli.parquet")));
        assert!(text.contains("column `int8`: is compressed by Brotli"), "{text}");
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

    #[test]
    fn a_footer_is_not_believed() {
        // A schema of no columns, and a group of 2⁶² rows.
        let footer =
            [0x15, 2, 0x19, 0x1C, 0x48, 1, b'r', 0x15, 0, 0, 0x16, 0, 0x19, 0x1C, 0x19, 0x0C];
        let rows = [0x26, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1, 0, 0];
        let mut file = b"PAR1".to_vec();
        file.extend(footer.iter().chain(&rows));
        file.extend(((footer.len() + rows.len()) as u32).to_le_bytes());
        file.extend(b"PAR1");
        assert!(RawTable::from_bytes("t.parquet", &file).is_err());
        let length = file.len() - 8;
        file[length..length + 4].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(RawTable::from_bytes("t.parquet", &file).is_err());
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
