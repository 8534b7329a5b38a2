//! Tables of other formats than CSV, and tables that do not fit in memory: the same data.
#![allow(clippy::unwrap_used)] // In tests; clippy exempts only the test functions themselves.

use crate::support;

use std::io::Write;

use glassbox::data::{Dataset, Options, RawTable, Targets, TargetsMut, from_csv, load};
use support::{csv, folder, message};

fn everything_of(dataset: &Dataset) -> (Vec<f32>, Targets, Vec<usize>) {
    let rows = &dataset.train;
    let all: Vec<usize> = (0..rows.len()).collect();
    let mut inputs = vec![0.0; rows.len() * rows.width()];
    let targets = rows.targets();
    match rows.classes() {
        Some(_) => rows.gather(&all, &mut inputs, TargetsMut::Classes(&mut vec![0; rows.len()])),
        None => rows.gather(&all, &mut inputs, TargetsMut::Values(&mut vec![0.0; rows.len()])),
    }
    .unwrap();
    (inputs, targets, rows.source_rows())
}

#[test]
fn a_table_in_a_temporary_file_is_the_same_data() {
    // Numbers of every spelling, categories, many long texts, missing cells and targets.
    let line = |row: usize| {
        let number = ["1.50", "-7", "2e-3", "+4", "", "0.1000000000000000055"][row % 6];
        let colour = ["red", "green", "NA", "blue"][row % 4];
        let note = format!("{}{row}", "long ".repeat(60));
        let target = if row % 11 == 3 { String::new() } else { format!("{}", row * row % 97) };
        format!("{number},{colour},{note},{row}.25,{target}")
    };
    let text = csv("a,colour,note,c,y", 3000, line);
    let load = |memory| {
        let options = Options { memory, target: Some("y".into()), ..Options::default() };
        from_csv("t.csv", text.as_bytes(), &options).unwrap()
    };
    let (memory, file) = (load(usize::MAX), load(0));
    assert_eq!(everything_of(&memory), everything_of(&file));
    assert_eq!(memory.preparation, file.preparation);
    assert_eq!((memory.schema, memory.notices), (file.schema, file.notices));
    assert_eq!(memory.fingerprint, file.fingerprint);
}

#[test]
fn the_fingerprint_is_the_hash_of_sizes_names_and_cells() {
    // FNV-1a as its authors describe it, over the cells as they stand: runs of earlier builds stay
    // valid.
    let cell =
        |row: usize| ["1.50", "-0", "2\n3", "1e5", "+4", "", "a long \"word\"", "0.30"][row % 8];
    let quoted = |row| format!("\"{}\"", cell(row).replace('"', "\"\""));
    let text = csv("p;q", 24, |row| format!("{};{}", quoted(row), ["u", "v"][row % 2]));
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    let mut add = |bytes: &[u8]| {
        for byte in bytes {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    };
    add(&24u64.to_le_bytes());
    add(&2u64.to_le_bytes());
    let cells = (0..24).flat_map(|row| [cell(row), ["u", "v"][row % 2]]);
    for cell in ["p", "q"].into_iter().chain(cells) {
        add(cell.as_bytes());
        add(&[0xFF]);
    }
    let options = Options { target: Some("q".into()), ..Options::default() };
    let dataset = from_csv("t.csv", text.as_bytes(), &options).unwrap();
    assert_eq!(dataset.fingerprint, format!("{hash:016x}"));
}

#[test]
fn ten_thousand_columns_are_a_table() {
    let names: Vec<String> = (0..10_000).map(|i| format!("c{i}")).collect();
    let line = |row: usize| {
        let cells: Vec<String> =
            (0..10_000).map(|i| ((row * 7919 + i * 31) % 97).to_string()).collect();
        cells.join(",")
    };
    let text = csv(&names.join(","), 120, line);
    let options = Options { memory: 1 << 20, target: Some("c9999".into()), ..Options::default() };
    let dataset = from_csv("wide.csv", text.as_bytes(), &options).unwrap();
    assert_eq!((dataset.train.width(), dataset.train.len()), (9_999, 84));
}

#[test]
fn json_lines_are_rows_whose_keys_may_come_late() {
    let text = "{\"size\": 1.5, \"kind\": \"oak\", \"tall\": true}\n\n\
                {\"kind\": \"elm, old\", \"size\": -2, \"note\": \"NA\"}\n{\"size\": null, \"tall\": false}\n";
    let table = RawTable::from_bytes("trees.jsonl", text.as_bytes()).unwrap();
    assert_eq!(table.names(), ["size", "kind", "tall", "note"]);
    let row = |row| (0..4).map(|column| table.cell(row, column).into_owned()).collect::<Vec<_>>();
    assert_eq!(row(0), ["1.5", "oak", "true", ""]);
    assert_eq!(row(1), ["-2", "elm, old", "", "NA"]);
    assert_eq!((row(2), table.line(2)), (vec!["".into(), "".into(), "false".into(), "".into()], 4));
    assert_eq!(table.number(1, 0), Some(-2.0));
}

#[test]
fn everything_wrong_with_json_lines_is_listed_by_line() {
    let text =
        "{\"a\": 1}\n{\"a\": [1, 2], \"b\": {\"c\": 1}}\n[1]\n{\"a\": 1, \"a\": 2}\n{\"a\": \n";
    let error = RawTable::from_bytes("t.ndjson", text.as_bytes()).err().unwrap();
    let lines: Vec<_> = error.problems().iter().map(|p| p.place.line.unwrap()).collect();
    assert_eq!(lines, [2, 2, 3, 4, 5], "{error}");
    let text = error.to_string();
    assert!(text.contains("column `a`: is a list or an object"), "{text}");
    assert!(text.contains("line 4: the key `a` comes twice"), "{text}");
    assert!(RawTable::from_bytes("t.jsonl", b"").is_err());
}

#[test]
fn json_lines_and_csv_of_the_same_cells_are_the_same_data() {
    let here = folder("formats-jsonl");
    let text = csv("x,y", 40, |row| format!("{row}.5,{}", ["a", "b"][row % 2]));
    let lines: String = (0..40)
        .map(|row| format!("{{\"x\": {row}.5, \"y\": \"{}\"}}\n", ["a", "b"][row % 2]))
        .collect();
    std::fs::write(here.join("t.csv"), &text).unwrap();
    let gz = std::fs::File::create(here.join("t.jsonl.gz")).unwrap();
    let mut gz = flate2::write::GzEncoder::new(gz, flate2::Compression::fast());
    gz.write_all(lines.as_bytes()).unwrap();
    gz.finish().unwrap();
    let load = |name: &str| load(here.join(name), &Options::default()).unwrap();
    assert_eq!(load("t.csv").fingerprint, load("t.jsonl.gz").fingerprint);
}

/// An NPY file as numpy.save writes it.
fn npy(descr: &str, fortran: bool, shape: &str, bytes: &[u8]) -> Vec<u8> {
    let order = if fortran { "True" } else { "False" };
    let mut header =
        format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}");
    while (header.len() + 11) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((header.len() as u16).to_le_bytes());
    file.extend(header.as_bytes());
    file.extend(bytes);
    file
}

#[test]
fn arrays_of_numpy_are_tables_in_either_order_of_axes() {
    let c: Vec<u8> =
        [1.5f32, 2.0, 3.0, f32::NAN, -5.25, 6.0].iter().flat_map(|x| x.to_le_bytes()).collect();
    let table = RawTable::from_bytes("a.npy", &npy("<f4", false, "(2, 3)", &c)).unwrap();
    assert_eq!((table.names(), table.rows()), (&["x1", "x2", "y"].map(String::from)[..], 2));
    let row = |table: &RawTable, row| {
        (0..3).map(|column| table.cell(row, column).into_owned()).collect::<Vec<_>>()
    };
    assert_eq!(
        (row(&table, 0), row(&table, 1)),
        (vec!["1.5".into(), "2".into(), "3".into()], vec!["".into(), "-5.25".into(), "6".into()])
    );
    // Big-endian whole numbers, the first axis fastest.
    let f: Vec<u8> = [1i16, 2, 3, 4, 5, -6].iter().flat_map(|x| x.to_be_bytes()).collect();
    let table = RawTable::from_bytes("a.npy", &npy(">i2", true, "(2, 3)", &f)).unwrap();
    assert_eq!(
        (row(&table, 0), row(&table, 1)),
        (vec!["1".into(), "3".into(), "5".into()], vec!["2".into(), "4".into(), "-6".into()])
    );
    let flags = RawTable::from_bytes("a.npy", &npy("|b1", false, "(3,)", &[1, 0, 1])).unwrap();
    assert_eq!((flags.columns(), flags.cell(1, 0).as_ref()), (1, "0"));
}

#[test]
fn inputs_and_targets_of_numpy_stand_in_two_files() {
    let here = folder("formats-npy");
    let x: Vec<u8> = (0..80).flat_map(|i| (f64::from(i) / 2.0).to_le_bytes()).collect();
    let y: Vec<u8> = (0..40).flat_map(|i| (i64::from(i % 2)).to_le_bytes()).collect();
    std::fs::write(here.join("X_train.npy"), npy("<f8", false, "(40, 2)", &x)).unwrap();
    std::fs::write(here.join("y_train.npy"), npy("<i8", false, "(40,)", &y)).unwrap();
    for path in [here.join("X_train.npy"), here.clone()] {
        let dataset = load(path, &Options::default()).unwrap();
        assert_eq!(dataset.input.features, ["x1", "x2"]);
        assert_eq!(dataset.preparation.target.classes().unwrap(), ["0", "1"]);
    }
    // Images have more axes.
    std::fs::write(here.join("X_train.npy"), npy("<f8", false, "(40, 2, 1, 1)", &x)).unwrap();
    let dataset = load(&here, &Options::default()).unwrap();
    assert_eq!(dataset.input.shape, [2, 1, 1]);
    assert_eq!(dataset.name, "X_train");
    std::fs::write(here.join("y_train.npy"), npy("<i8", false, "(39,)", &y[8..])).unwrap();
    assert!(message(load(&here, &Options::default())).contains("39 targets for 40 rows"));
}

#[test]
fn arrays_that_were_cut_or_claim_too_much_are_refused() {
    let read = |bytes: &[u8]| message(RawTable::from_bytes("a.npy", bytes));
    let whole = npy("<f4", false, "(2, 3)", &[0; 24]);
    for cut in [6, 9, 20, whole.len() - 1] {
        assert!(!read(&whole[..cut]).is_empty());
    }
    assert!(read(&npy("<f4", false, "(2, 3)", &[0; 25])).contains("does not hold"));
    assert!(read(&npy("<f4", true, "(2, 3)", &[0; 23])).contains("does not hold"));
    for shape in [
        "(1000000000000, 3)",
        "(3, 1000000000)",
        "(99999999999, 99999999999)",
        "(1000000000000000, 0)",
    ] {
        for fortran in [false, true] {
            assert!(!read(&npy("<f4", fortran, shape, &[0; 24])).is_empty(), "{shape}");
        }
    }
    assert!(read(&npy("<c8", false, "(2, 3)", &[0; 48])).contains("the element type `<c8`"));
    assert!(
        read(&npy("<f4", false, "(2, 3, 1)", &[0; 24])).contains("a table has rows and columns")
    );
    let mut huge = b"\x93NUMPY\x02\x00".to_vec();
    huge.extend(u32::MAX.to_le_bytes());
    assert!(read(&huge).contains("claims a header of 4294967295 bytes"));
}
