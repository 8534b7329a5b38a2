//! Text as it comes: files larger than memory, documents, columns of tables.

#![allow(clippy::unwrap_used)] // A test fails by panicking.

use glassbox::data::text::Pairs;
use glassbox::data::{
    Arrangement, Dataset, Documents, Hiding, Options, RawTable, Rows, TargetsMut, TextOptions,
    from_text, load, sentences,
};

use crate::support;
use support::{folder, message};

/// Every row of a part: what is read and what is told.
fn all(rows: &Rows) -> Vec<(Vec<f32>, Vec<i64>)> {
    let mut found = Vec::new();
    for row in 0..rows.len() {
        let (mut inputs, mut targets) = (vec![0.0; rows.width()], vec![0; rows.outputs()]);
        rows.gather(&[row], &mut inputs, TargetsMut::Classes(&mut targets)).unwrap();
        found.push((inputs, targets));
    }
    found
}

/// What a row reads and tells, as text.
fn texts(data: &Dataset, rows: &Rows) -> Vec<(String, String)> {
    let tokenizer = &data.preparation.inputs.text().unwrap().tokenizer;
    let shown = |id: u32| tokenizer.token(id).into_owned();
    let each = all(rows).into_iter().map(|(inputs, targets)| {
        let told = targets.iter().filter_map(|id| u32::try_from(*id).ok());
        (inputs.iter().map(|id| shown(*id as u32)).collect(), told.map(shown).collect())
    });
    each.collect()
}

fn with(text: TextOptions) -> Options {
    Options { text, ..Options::default() }
}

#[test]
fn a_file_that_is_streamed_gives_what_a_text_in_memory_gives() {
    let text = "나 너 돈줘, 안녕! \r\n".repeat(40) + &sentences(20_000, 7) + "끝 👩‍👩‍👧";
    assert!(text.len() > 3 << 18, "several pieces");
    let file = folder("text_streamed").join("book.txt");
    std::fs::write(&file, &text).unwrap();
    for tokenizer in ["character", "word", "bpe"] {
        let options = |memory| Options {
            memory,
            test: Some(0.05),
            ..with(TextOptions {
                tokenizer: Some(tokenizer.into()),
                vocabulary: Some(400),
                context: Some(64),
                ..TextOptions::default()
            })
        };
        let held = from_text("book", &text, &options(64 << 20)).unwrap();
        // Nothing is kept in memory.
        let streamed = load(&file, &options(0)).unwrap();
        assert_eq!(held.preparation, streamed.preparation);
        assert_eq!(held.fingerprint, streamed.fingerprint);
        for (held, streamed) in [
            (&held.train, &streamed.train),
            (&held.valid, &streamed.valid),
            (&held.test, &streamed.test),
        ] {
            assert!(!held.is_empty() && all(held) == all(streamed), "{tokenizer}");
        }
        // The tokens are those of each part as a whole.
        let plain = text.replace("\r\n", "\n");
        let at = (plain.len() as f64 * 0.85).round() as usize;
        let at = (at..).find(|at| plain.is_char_boundary(*at)).unwrap();
        let whole = held.preparation.inputs.text().unwrap().tokenizer.encode(&plain[..at]);
        let rows: Vec<f32> = all(&streamed.train).into_iter().flat_map(|(row, _)| row).collect();
        let same = rows.iter().zip(&whole).all(|(a, b)| *a == *b as f32);
        assert!(same && whole.len() - rows.len() <= 64, "{tokenizer}");
    }
}

#[test]
fn a_document_is_a_row_that_ends() {
    let file = folder("text_lines").join("names.txt");
    std::fs::write(&file, "\u{feff}emma\r\n\r\n안나\r\n  \r\nleo\r\nexceptionally").unwrap();
    let options = |context| Options {
        valid: Some(0.0),
        ..with(TextOptions {
            documents: Documents::Lines,
            context: Some(context),
            ..TextOptions::default()
        })
    };
    let data = load(&file, &options(256)).unwrap();
    let fill = |row: &str, to: usize| row.to_owned() + &"<eos>".repeat(to - row.chars().count());
    // As wide as the longest, and the token in front of each.
    assert_eq!(data.input.shape, [14]);
    let told = texts(&data, &data.train);
    assert_eq!(told[0], (format!("<eos>{}", fill("emma", 13)), "emma<eos>".into()));
    assert_eq!(told[1], (format!("<eos>{}", fill("안나", 13)), "안나<eos>".into()));
    assert_eq!(told[3], ("<eos>exceptionally".into(), "exceptionally<eos>".into()));
    // A longer one has several rows; none tells what another document begins with.
    let short = load(&file, &options(6)).unwrap();
    let told: Vec<String> = texts(&short, &short.train).into_iter().map(|(_, told)| told).collect();
    assert_eq!(told, ["emma<eos>", "안나<eos>", "leo<eos>", "except", "ionall", "y<eos>"]);
    let read: Vec<String> = texts(&short, &short.train).into_iter().map(|(read, _)| read).collect();
    assert_eq!(read[4], "tional");
}

#[test]
fn a_column_of_a_table_is_documents_whatever_the_format() {
    let place = folder("text_columns");
    let reviews = ["좋아요, 또 올게요", "said \"no\"\nand left", "fine", "so so", "never again"];
    let rows = |join: &dyn Fn(usize, &str) -> String| -> String {
        reviews.iter().enumerate().map(|(at, review)| join(at, review)).collect()
    };
    let quoted = |review: &str| format!("\"{}\"", review.replace('"', "\"\""));
    std::fs::write(
        place.join("a.csv"),
        format!("id,review\n{}", rows(&|at, r| format!("{at},{}\n", quoted(r)))),
    )
    .unwrap();
    std::fs::write(
        place.join("a.tsv"),
        format!("review\tid\n{}", rows(&|at, r| format!("{}\t{at}\n", quoted(r)))),
    )
    .unwrap();
    std::fs::write(
        place.join("a.jsonl"),
        rows(&|at, r| serde_json::json!({ "id": at, "review": r }).to_string() + "\n"),
    )
    .unwrap();
    let options = with(TextOptions { column: Some("review".into()), ..TextOptions::default() });
    let whole = Options { valid: Some(0.0), ..options.clone() };
    let [csv, tsv, jsonl] =
        ["a.csv", "a.tsv", "a.jsonl"].map(|name| load(place.join(name), &whole).unwrap());
    let told: Vec<String> = texts(&csv, &csv.train).into_iter().map(|(_, told)| told).collect();
    let wanted: Vec<String> = reviews.iter().map(|review| format!("{review}<eos>")).collect();
    assert_eq!(told, wanted);
    for other in [tsv, jsonl] {
        assert!(all(&other.train) == all(&csv.train));
    }
    let error = message(load(
        place.join("a.csv"),
        &with(TextOptions { column: Some("reviw".into()), ..TextOptions::default() }),
    ));
    assert!(error.contains("no column `reviw`") && error.contains("`review`"), "{error}");
    let text = place.join("a.txt");
    std::fs::write(&text, "plain").unwrap();
    let error = message(load(&text, &options));
    assert!(error.contains("texts have no columns"), "{error}");
    let lines = TextOptions { documents: Documents::Lines, ..options.text.clone() };
    let error = message(load(place.join("a.csv"), &with(lines)));
    assert!(error.contains("each row of a table is a document"), "{error}");
}

#[test]
fn hidden_tokens_of_documents_stay_in_their_row() {
    let file = folder("text_masked").join("lines.txt");
    std::fs::write(&file, sentences(50, 3)).unwrap();
    let data = load(
        &file,
        &Options {
            valid: Some(0.0),
            ..with(TextOptions {
                documents: Documents::Lines,
                arrangement: Arrangement::Masked(Hiding { share: 0.5, ..Hiding::default() }),
                ..TextOptions::default()
            })
        },
    )
    .unwrap();
    let tokenizer = &data.preparation.inputs.text().unwrap().tokenizer;
    let lines = sentences(50, 3);
    for ((read, told), line) in all(&data.train).into_iter().zip(lines.lines()) {
        let own = tokenizer.encode(line);
        for (place, told) in told.into_iter().enumerate() {
            match own.get(place) {
                Some(id) => assert!(told == -1 || told == i64::from(*id)),
                None => assert_eq!((read[place], told), (0.0, -1), "padding"),
            }
        }
    }
}

#[test]
fn pairs_come_from_two_columns() {
    let csv = "id,korean,english\n1,가.,Go.\n2,\"어서, 가.\",Go.\n3,가.,Go.\n";
    let table = RawTable::from_bytes("p.csv", csv.as_bytes()).unwrap();
    let pairs = Pairs::of_columns(&table, "english", "korean").unwrap();
    assert_eq!(pairs.pairs, [["Go.", "가."], ["Go.", "어서, 가."]]);
    assert_eq!(pairs.repeated, 1);
    let table = RawTable::from_bytes("p.csv", "a,b\nx,y\n,z\nw,\n".as_bytes()).unwrap();
    let error = Pairs::of_columns(&table, "a", "b").unwrap_err();
    let lines: Vec<_> = error.problems().iter().map(|problem| problem.place.line).collect();
    assert_eq!(lines, [Some(3), Some(4)]);
    let file = folder("text_pairs").join("p.csv");
    std::fs::write(&file, csv).unwrap();
    let options = |target: Option<&str>| Options {
        target: target.map(Into::into),
        valid: Some(0.0),
        test: Some(0.0),
        ..with(TextOptions {
            arrangement: Arrangement::Pairs,
            column: Some("english".into()),
            tokenizer: Some("word".into()),
            ..TextOptions::default()
        })
    };
    assert_eq!(load(&file, &options(Some("korean"))).unwrap().train.len(), 2);
    let error = message(load(&file, &options(None)));
    assert!(error.contains("--target"), "{error}");
}

#[test]
fn upper_case_is_lower_case_where_that_is_asked_for() {
    let lower = |tokenizer: &str| TextOptions {
        tokenizer: Some(tokenizer.into()),
        lower: true,
        ..TextOptions::default()
    };
    let data = from_text("t", &"Ab İ ab. ".repeat(30), &with(lower("character"))).unwrap();
    let tokenizer = &data.preparation.inputs.text().unwrap().tokenizer;
    assert_eq!(tokenizer.encode("ABBA"), tokenizer.encode("abba"));
    let json = serde_json::to_string(tokenizer).unwrap();
    assert_eq!(&serde_json::from_str::<glassbox::data::Tokenizer>(&json).unwrap(), tokenizer);
    let error = message(from_text("t", "Ab ab", &with(lower("bpe"))));
    assert!(error.contains("`data.text.lower` is of characters and words"), "{error}");
}

#[test]
fn what_cannot_be_documents_is_told() {
    let place = folder("text_bad");
    let lines = |name: &str, bytes: &[u8]| {
        let file = place.join(name);
        std::fs::write(&file, bytes).unwrap();
        let documents = Documents::Lines;
        message(load(&file, &with(TextOptions { documents, ..TextOptions::default() })))
    };
    let error = lines("empty.txt", b"\n  \n");
    assert!(error.contains("has no document to learn from"), "{error}");
    let error = lines("bad.txt", b"fine\nb\xFFd\nfine\n\xC3\n");
    assert!(
        error.contains("line 2: is not UTF-8 text: byte 2") && error.contains("line 4"),
        "{error}"
    );
}
