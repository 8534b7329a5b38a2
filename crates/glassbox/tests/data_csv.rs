//! Reading CSV: what is accepted silently, and what every refusal says.
#![allow(clippy::unwrap_used)] // In tests; clippy exempts only the test functions themselves.

use crate::support;

use std::borrow::Cow;
use std::io::Write;

use glassbox::data::{DataError, RawTable};
use support::message;

fn read(text: &str) -> Result<RawTable, DataError> {
    RawTable::from_bytes("t.csv", text.as_bytes())
}

fn cells(table: &RawTable) -> Vec<Vec<Cow<'_, str>>> {
    (0..table.rows())
        .map(|row| (0..table.columns()).map(|column| table.cell(row, column)).collect())
        .collect()
}

#[test]
fn quoted_cells_may_hold_delimiters_quotes_and_line_ends() {
    let table =
        read("name,note\n\"Braund, Mr. Owen\",\"said \"\"hi\"\"\"\n\"two\nlines\",x\n").unwrap();
    assert_eq!(cells(&table), [["Braund, Mr. Owen", "said \"hi\""], ["two\nlines", "x"]]);
    assert_eq!((table.line(0), table.line(1)), (2, 3));
}

#[test]
fn semicolons_tabs_and_bars_are_sniffed_from_the_header() {
    for delimiter in [",", ";", "\t", "|"] {
        let table = read(&format!("a{delimiter}b c\n1{delimiter}2\n")).unwrap();
        assert_eq!(table.names(), ["a", "b c"], "{delimiter:?}");
        assert_eq!(cells(&table), [["1", "2"]], "{delimiter:?}");
    }
}

#[test]
fn decimal_commas_are_numbers_where_semicolons_separate() {
    let table = read("weight;name\n3,5;a\n4.5;b\n").unwrap();
    assert_eq!((table.number(0, 0), table.number(1, 0)), (Some(3.5), Some(4.5)));
    let table = read("weight,name\n\"3,5\",a\n").unwrap();
    assert_eq!(table.number(0, 0), None);
}

#[test]
fn a_byte_order_mark_crlf_blank_lines_and_spaces_change_nothing() {
    let plain = read("a,b\n1,2\n3,4\n").unwrap();
    for text in [
        "\u{FEFF}a,b\r\n1,2\r\n3,4\r\n",
        "\n\na,b\n\n1,2\n\n\n3,4",
        "  \n a , b \n 1 ,2\n\t\n3, 4 \n,\n",
        "a,b\r1,2\r3,4\r",
    ] {
        let table = read(text).unwrap();
        assert_eq!(table.names(), plain.names(), "{text:?}");
        assert_eq!(cells(&table), cells(&plain), "{text:?}");
    }
    assert_eq!(read("a,b\n,\n1,2\n").unwrap().notices(), ["1 blank row skipped"]);
}

#[test]
fn every_ragged_row_is_listed_with_its_line() {
    let error = read("a,b\n1,2\n\n1\n1,2,3\n4,5\n").err().unwrap();
    let lines: Vec<_> = error.problems().iter().map(|p| p.place.line).collect();
    assert_eq!(lines, [Some(4), Some(5)]);
    let text = error.to_string();
    assert!(text.contains("t.csv, line 4: 1 field, but the header has 2"), "{text}");
    assert!(text.contains("t.csv, line 5: 3 fields, but the header has 2"), "{text}");
    assert!(text.contains("quote"), "{text}");
}

#[test]
fn twenty_problems_are_listed_and_the_others_counted() {
    let error = read(&format!("a,b\n{}", "1\n".repeat(30))).err().unwrap();
    assert_eq!((error.problems().len(), error.more()), (20, 10));
    assert!(error.to_string().ends_with("and 10 more"));
}

#[test]
fn an_open_quote_is_reported_where_it_opens() {
    for text in ["a,b\n1,2\n3,\"oops\n5,6\n7,8\n", "a,b\n1,2\n\"oops,3\n5,6\n"] {
        let text = message(read(text));
        assert!(text.contains("line 3: a quote (\") is opened here and never closed"), "{text}");
    }
    // A quote within an unquoted cell is just a character.
    assert_eq!(cells(&read("size,n\n5\" pipe,1\n").unwrap()), [["5\" pipe", "1"]]);
}

#[test]
fn files_without_rows_or_names_say_what_is_missing() {
    for text in ["", "\n\r\n", "\u{FEFF}", "   \n"] {
        assert!(message(read(text)).contains("the file is empty"), "{text:?}");
    }
    for text in ["a,b\n", "a,b", "a,b\n\n,\n"] {
        let text = message(read(text));
        assert!(text.contains("a header (`a`, `b`), but no rows"), "{text}");
    }
}

#[test]
fn a_file_without_a_header_is_noticed() {
    let text = message(read("5.1,3.5,setosa\n4.9,3.0,setosa\n"));
    assert!(text.contains("the first line holds values (5.1, 3.5, setosa), not names"), "{text}");
}

#[test]
fn equal_names_are_refused_and_empty_ones_made_up() {
    let text = message(read("a,b,a\n1,2,3\n"));
    assert!(text.contains("column `a`: columns 1 and 3 have the same name"), "{text}");
    let table = read(",b\n0,2\n").unwrap();
    assert_eq!(table.names(), ["column_1", "b"]);
    assert_eq!(table.notices(), ["column 1 has no name; called `column_1`"]);
}

#[test]
fn other_encodings_are_named_with_their_line() {
    let read = |bytes: &[u8]| message(RawTable::from_bytes("t.csv", bytes));
    let latin = read(b"name,n\nAnna,1\nJos\xE9,2\n");
    assert!(latin.contains("line 3: the text is not UTF-8 (byte 0xE9)"), "{latin}");
    assert!(latin.contains("save the file as CSV in UTF-8"), "{latin}");
    assert!(read(b"\xFF\xFEa\0,\0").contains("UTF-16"));
    assert!(read(b"PK\x03\x04\0\0").contains("this is not a text file"));
}

#[test]
fn gzipped_tables_are_read_and_broken_ones_named() {
    let folder = support::folder("csv-gz");
    let path = folder.join("t.csv.gz");
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gz.write_all(b"a,b\n1,2\n").unwrap();
    let bytes = gz.finish().unwrap();
    std::fs::write(&path, &bytes).unwrap();
    assert_eq!(cells(&RawTable::from_path(&path).unwrap()), [["1", "2"]]);
    std::fs::write(&path, &bytes[..bytes.len() - 6]).unwrap();
    let text = message(RawTable::from_path(&path));
    assert!(text.contains("t.csv.gz: is gzipped, but broken"), "{text}");
}

#[test]
fn a_table_in_memory_is_checked_as_a_file_is() {
    let text = message(RawTable::from_rows(&["a", "b"], &[vec!["1"], vec!["1", "2"]]));
    assert!(text.contains("1 field, but the header has 2"), "{text}");
    assert!(RawTable::from_rows::<&str>(&[], &[]).is_err());
}
