//! Whatever bytes come, reading answers with data or an error, never with a panic.
#![allow(clippy::unwrap_used)] // In tests; clippy exempts only the test functions themselves.

use std::io::Write;

use glassbox::data::{Dataset, Idx, Options, RawTable, from_csv};
use proptest::prelude::*;

/// Text of what tables are made of, so that most of it gets beyond the first check.
fn table_like() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        ",", ",", ";", "\t", "\n", "\n", "\r\n", "\r", "\"", "\"\"", " ", "a", "b", "id", "y",
        "NA", "?", "-", "0", "1", "2.5", "1,5", "1e400", "inf", "yes", "no", "é", "\u{FEFF}",
        "\u{0}",
    ]);
    prop::collection::vec(piece, 0..120).prop_map(|pieces| pieces.concat())
}

/// What holds of every dataset that was loaded.
fn check(dataset: &Dataset, table: &RawTable) {
    let mut rows: Vec<usize> = Vec::new();
    for part in [&dataset.train, &dataset.valid, &dataset.test] {
        rows.extend(part.source_rows());
        assert_eq!(part.width(), dataset.input.features.len());
    }
    rows.sort_unstable();
    rows.dedup();
    assert_eq!(rows.len(), dataset.train.len() + dataset.valid.len() + dataset.test.len());
    assert!(rows.iter().all(|row| (1..=table.rows()).contains(row)));
    // Rows without a target were left out, and may hold what cannot be prepared.
    match dataset.preparation.apply(table) {
        Ok(prepared) => assert!(prepared.matrix.iter().all(|x| x.is_finite())),
        Err(error) => assert!(rows.len() < table.rows(), "{error}"),
    }
    dataset.schema.as_ref().unwrap().describe();
}

fn load(bytes: &[u8]) {
    let loaded = from_csv("t.csv", bytes, &Options::default());
    match loaded {
        Ok(dataset) => check(&dataset, &RawTable::from_bytes("t.csv", bytes).unwrap()),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_bytes_as_csv(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        load(&bytes);
    }

    #[test]
    fn any_table_like_text_as_csv(text in table_like()) {
        load(text.as_bytes());
    }

    #[test]
    fn any_cells_in_a_whole_table(
        cells in prop::collection::vec(prop::sample::select(vec![
            "", "NA", "0", "1", "2", "-7.25", "3e38", "-3e38", "1e-300", "yes", "no", "red", "blue",
        ]), 2..150),
        columns in 1usize..4,
    ) {
        let names: Vec<String> = (0..columns).map(|i| format!("c{i}")).collect();
        let rows: String =
            cells.chunks_exact(columns).map(|row| row.join(",") + "\n").collect();
        load(format!("{}\n{rows}", names.join(",")).as_bytes());
    }

    #[test]
    fn any_bytes_as_json_lines_and_arrays(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        for (name, start) in [("t.jsonl", &b""[..]), ("t.npy", b"\x93NUMPY\x01\x00"), ("t.npy", b"")] {
            let bytes = [start, &bytes].concat();
            if let Err(error) = RawTable::from_bytes(name, &bytes) {
                prop_assert!(!error.to_string().is_empty());
            }
        }
    }

    #[test]
    fn any_json_like_lines(
        pieces in prop::collection::vec(prop::sample::select(vec![
            "{", "}", "\"a\"", "\"b\"", ":", ",", "1", "-2.5", "1e400", "null", "true", "[", "]", "\n",
            "{\"a\": 1, \"b\": \"x\"}\n", "{\"b\": \"2024-01-05\"}\n", "{\"a\": 2}\n",
        ]), 0..60),
    ) {
        let text = pieces.concat();
        if let Ok(table) = RawTable::from_bytes("t.jsonl", text.as_bytes())
            && let Ok(dataset) = Dataset::from_table(&table, &Options { memory: 0, ..Options::default() })
        {
            check(&dataset, &table);
        }
    }

    #[test]
    fn any_header_as_an_array(
        descr in prop::sample::select(vec!["<f4", ">f8", "|b1", "<i2", "<f2", "|u1", "<c8", ""]),
        fortran: bool,
        sizes in prop::collection::vec(prop::sample::select(vec![0usize, 1, 2, 3, 7, 1 << 40, usize::MAX]), 0..4),
        bytes in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let shape: String = sizes.iter().map(|n| format!("{n}, ")).collect();
        let order = if fortran { "True" } else { "False" };
        let header = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': ({shape}), }}");
        let mut file = b"\x93NUMPY\x01\x00".to_vec();
        file.extend((header.len() as u16).to_le_bytes());
        file.extend(header.as_bytes());
        file.extend(&bytes);
        if let Ok(table) = RawTable::from_bytes("t.npy", &file) {
            prop_assert_eq!(table.rows(), sizes[0]);
        }
    }

    #[test]
    fn any_bytes_as_idx(mut bytes in prop::collection::vec(any::<u8>(), 0..100), header: bool, gz: bool) {
        if header {
            bytes.splice(0..0, [0, 0, 8]);
        }
        if gz {
            let mut encoder =
                flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(&bytes).unwrap();
            bytes = encoder.finish().unwrap();
        }
        if let Ok(idx) = Idx::from_bytes("f.idx", &bytes) {
            prop_assert_eq!(idx.shape.iter().product::<usize>(), idx.bytes.len());
        }
    }

    #[test]
    fn cells_are_read_as_they_were_written(
        rows in prop::collection::vec(prop::collection::vec("[a-z,;\"\n é]{0,6}", 3), 1..20),
    ) {
        let quoted = |cell: &String| format!("\"{}\"", cell.replace('"', "\"\""));
        let line = |row: &Vec<String>| row.iter().map(quoted).collect::<Vec<_>>().join(",") + "\n";
        let text = format!("a,b,c\n{}", rows.iter().map(line).collect::<String>());
        let kept: Vec<&Vec<String>> =
            rows.iter().filter(|row| row.iter().any(|cell| !cell.trim().is_empty())).collect();
        match RawTable::from_bytes("t.csv", text.as_bytes()) {
            Ok(table) => {
                prop_assert_eq!(table.rows(), kept.len());
                for (i, row) in kept.iter().enumerate() {
                    for (j, cell) in row.iter().enumerate() {
                        prop_assert_eq!(table.cell(i, j), cell.trim());
                    }
                }
            }
            Err(_) => prop_assert!(kept.is_empty()),
        }
    }
}
