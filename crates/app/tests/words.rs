//! A text file becomes vectors of its words.

#![allow(clippy::unwrap_used)] // A test fails by panicking.

use crate::support;

use glassbox::data::sentences;
use serde_json::Value;
use support::Workplace;

const TRAIN: &str = "train book.txt --model word2vec --out run --epochs 8 --set dimensions=24 \
                     --set sample=0.01 --lr 0.05";
const NOUNS: [&str; 12] = [
    "cat", "dog", "bird", "child", "friend", "teacher", "sailor", "farmer", "king", "ship", "tree",
    "star",
];

/// A text in a working folder.
fn with_text(lines: usize) -> Workplace {
    let at = Workplace::new();
    at.file("book.txt", sentences(lines, 1));
    at
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

fn words_of(found: &Value) -> Vec<String> {
    let all = found.as_array().unwrap().iter();
    all.map(|near| near["word"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_training_holds_its_rate_unless_it_is_told_otherwise() {
    let at = with_text(300);
    for (run, told, hold) in [("usual", "", "0.5"), ("told", " --schedule linear", "0.0")] {
        at.done(&format!("train book.txt --model word2vec --epochs 1 --out {run}{told}"));
        let written = at.text(&format!("{run}/run.toml"));
        let wanted = format!("schedule = {{ kind = \"linear\", hold = {hold} }}");
        assert!(written.contains(&wanted), "{written}");
    }
    let error = at.refused(2, "train book.txt --model word2vec --schedule cosine");
    assert!(error.contains("word2vec's rate falls in a line, `linear`"), "{error}");
}

#[test]
fn a_text_becomes_vectors_that_are_asked_drawn_and_exported() {
    let at = with_text(3000);
    let told = at.json(TRAIN);
    assert_eq!(told["split"], "train");
    let (loss, coins) = (number(&told["metrics"]["loss"]), number(&told["baseline"]["loss"]));
    assert!((coins - 6.0 * 2f64.ln()).abs() < 1e-12 && loss < 0.9 * coins, "{told}");
    for file in
        ["run.toml", "status.json", "env.json", "data.json", "vocabulary.tsv", "alerts.jsonl"]
    {
        assert!(at.path("run").join(file).exists(), "{file}");
    }
    assert_eq!(at.metrics("run").len(), 8);
    let report = at.text("run/report.html");
    assert!(report.contains("Words in the plane") && report.contains("Nearest words"));
    assert!(report.contains("class=\"place\"") && !report.contains("<script"));
    // The runs are listed, and `last` is this one.
    let runs = at.json("runs");
    let run = &at.json("compare run run")["runs"][0];
    assert_eq!((&run["model"], &run["state"]), (&"word2vec".into(), &"finished".into()));
    assert!(runs["runs"].as_array().unwrap().is_empty(), "it lies elsewhere");

    let near = at.json("neighbours last cat sings --count 4");
    let nouns = words_of(&near["words"][0]["neighbours"]);
    assert!(nouns.iter().all(|word| NOUNS.contains(&word.as_str())), "{nouns:?}");
    assert!(number(&near["words"][0]["count"]) > 100.0);
    assert_eq!(words_of(&near["words"][1]["neighbours"]).len(), 4);
    let shown = at.done("neighbours run cat --lang ko").out;
    assert!(shown.contains("코사인") && shown.contains(&nouns[0]), "{shown}");

    let answers = at.json("analogy run kings - king + cat --count 3");
    let found = words_of(&answers["answers"]);
    assert!(
        !found.iter().any(|word| ["kings", "king", "cat"].contains(&word.as_str())),
        "{found:?}"
    );
    at.file(
        "questions.txt",
        ": plural\nking kings cat cats\nking kings cat zebras\n: none\na b c xyz\n",
    );
    let asked = at.json("analogy run --questions questions.txt");
    let (plural, none, all) = (&asked["sections"][0], &asked["sections"][1], &asked["all"]);
    assert_eq!((&plural["known"], &plural["unknown"]), (&1.into(), &1.into()));
    assert_eq!((&none["accuracy"], &all["questions"]), (&Value::Null, &3.into()));
    let right = found.first().is_some_and(|word| word == "cats");
    assert_eq!(number(&plural["accuracy"]), f64::from(u8::from(right)), "{asked}");

    // Both formats hold the same vectors, which answer the same.
    for file in ["vectors.txt", "vectors.bin"] {
        at.done(&format!("export run --format word2vec --out-file {file}"));
        let same = at.json(&format!("neighbours {file} cat --count 4"));
        let words = &same["words"][0];
        assert_eq!(words["neighbours"], near["words"][0]["neighbours"], "{file}");
        assert_eq!(words["count"], Value::Null, "a file does not say how often");
        let same = at.json(&format!("analogy {file} kings - king + cat --count 3"));
        assert_eq!(same["answers"], answers["answers"], "{file}");
    }

    let seen = at.json("see run");
    let files = seen["files"].as_array().unwrap();
    assert_eq!(files.len(), 1);
    let picture = image::open(at.path(files[0].as_str().unwrap())).unwrap();
    assert!(picture.width() > 900 && picture.height() > 1400, "two drawings");
    let spread = |points: &Value| {
        let all = points.as_array().unwrap().iter();
        all.map(|point| number(&point[0]).powi(2) + number(&point[1]).powi(2)).sum::<f64>()
    };
    assert!(spread(&seen["plane"]["after"]) > 1.5 * spread(&seen["plane"]["before"]));
}

#[test]
fn a_training_that_was_killed_goes_on_to_the_same_bits_on_any_threads() {
    for more in ["--set architecture=skip_gram", "--set architecture=cbow"] {
        let whole = with_text(2000);
        let told = whole.json(&format!("{TRAIN} --threads 1 {more}"));
        let parts = with_text(2000);
        let line = format!("{TRAIN} --quiet --threads 2 --set train.checkpoint_every=1e-9 {more}");
        let words: Vec<&str> = line.split_whitespace().collect();
        let mut child = parts.command(&words).spawn().unwrap();
        while !parts.path("run/checkpoints/last").exists() {
            assert!(child.try_wait().unwrap().is_none_or(|status| status.success()));
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let again = parts.json("resume run");
        assert_eq!(again["metrics"], told["metrics"], "{more}");
        let tensors = |at: &Workplace| at.last("run", "model.safetensors");
        assert!(tensors(&parts) == tensors(&whole), "{more}");
        assert_eq!(parts.metrics("run"), whole.metrics("run"), "{more}");
        // The same file says the same again.
        let words = whole.json("train run/run.toml --out again");
        assert_eq!(words["metrics"], told["metrics"], "{more}");
    }
}

#[test]
fn korean_is_read_by_words_and_shown() {
    let at = Workplace::new();
    let text = "고양이가 우유를 마신다. 강아지가 물을 마신다.\r\n고양이가 물을 마신다. 강아지가 우유를 마신다.\r\n";
    at.file("글.txt", text.repeat(60));
    let line = "train 글.txt --model word2vec --out run --set dimensions=8 --set sample=0 --window 2 --epochs 20";
    let shown = at.done(&format!("{line} --lang ko")).out;
    for words in ["문장 240개", "스킵그램", "가중치", "초당 낱말", "동전 던지기"]
    {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    assert!(at.text("run/run.toml").contains("window = 2"));
    let near = at.json("neighbours run 고양이가 --count 1");
    assert_eq!(words_of(&near["words"][0]["neighbours"]), ["강아지가"]);
    at.done("see run");
    assert!(at.text("run/report.html").contains("강아지가"));
}

#[test]
fn what_cannot_be_meant_is_told_with_its_cure() {
    let at = with_text(300);
    let train = "train book.txt --model word2vec --quiet --epochs 1";
    let error = at.refused(
        2,
        &format!("{train} --batch 8 --optimizer adam --set target=x --set dimensions=5000 --set watch.every=3"),
    );
    for what in ["train.batch", "gradient_descent", "data.target", "dimensions", "watch.every"] {
        assert!(error.contains(what), "{what}: {error}");
    }
    let error = at.refused(2, &format!("{train} --set architecture=skipgram"));
    assert!(error.contains("skip_gram"), "{error}");
    let error = at.refused(2, "train iris --set model.negative=3");
    assert!(error.contains("word2vec"), "{error}");
    at.file("empty.txt", " \n").file("one.txt", "one one").file("bad.txt", b"abc\n\xff\xfe");
    let cases = [
        ("empty.txt", "no word"),
        ("one.txt", "one word only"),
        ("bad.txt", "UTF-8"),
        ("none.txt", "none.txt"),
    ];
    for (file, what) in cases {
        let error = at.refused(1, &format!("train {file} --model word2vec --out run-{file}"));
        assert!(error.contains(file) && error.contains(what), "{error}");
        assert!(!at.path(&format!("run-{file}")).exists(), "nothing is left");
    }
    at.file("few.txt", "a b c d e f");
    let error = at.refused(1, "train few.txt --model word2vec");
    assert!(error.contains("lower `min_count`"), "{error}");

    at.done(&format!("{train} --out run"));
    let error = at.refused(1, "neighbours run cta dgo");
    assert!(
        error.contains("did you mean `cat`?") && error.contains("did you mean `dog`?"),
        "{error}"
    );
    let error = at.refused(1, "analogy run kings - king + cta");
    assert!(error.contains("did you mean `cat`?"), "{error}");
    for wrong in ["analogy run king queen", "analogy run king -", "analogy run + +"] {
        let error = at.refused(2, wrong);
        assert!(error.contains("king - man + woman"), "{error}");
    }
    at.file("questions.txt", "a b c\n");
    let error = at.refused(1, "analogy run --questions questions.txt");
    assert!(error.contains("questions.txt") && error.contains("line 1"), "{error}");
    // What is for networks says so, and the other way round.
    for verb in
        ["eval run", "predict run x", "generate run", "summary run", "inspect run", "profile run"]
    {
        let error = at.refused(1, verb);
        assert!(error.contains("word vectors") && error.contains("neighbours"), "{verb}: {error}");
    }
    let error = at.refused(1, "explain run --param input/weight[0,0]");
    assert!(error.contains("word vectors"), "{error}");
    let error = at.refused(1, "export run --format safetensors");
    assert!(error.contains("word2vec"), "{error}");
    let error = at.refused(2, "see run --row 1");
    assert!(error.contains("--out"), "{error}");
    let error = at.refused(2, "plan book.txt --model word2vec");
    assert!(error.contains("way of its own"), "{error}");
    at.done("train iris --out run-iris --quiet --epochs 1");
    for verb in [
        "neighbours run-iris cat",
        "analogy run-iris a - b + c",
        "export run-iris --format word2vec",
    ] {
        let error = at.refused(1, verb);
        assert!(error.contains("run-iris") && error.contains("word vectors"), "{verb}: {error}");
    }
    // A text that has changed since.
    at.file("book.txt", sentences(301, 1));
    let error = at.refused(1, "resume run");
    assert!(error.contains("has changed"), "{error}");
}
