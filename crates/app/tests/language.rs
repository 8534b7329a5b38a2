//! A text file becomes a model that writes.

#![allow(clippy::unwrap_used)] // A test fails by panicking.

use crate::support;

use glassbox::data::sentences;
use serde_json::Value;
use support::Workplace;

/// A small model of made-up sentences, in a folder `run`.
fn trained(at: &Workplace, more: &str) -> Value {
    at.file("book.txt", sentences(400, 1));
    let line = format!(
        "train book.txt --out run --json --quiet --epochs 8 --set data.text.context=32 {more}"
    );
    serde_json::from_str(&at.done(&line).out).unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

#[test]
fn a_text_file_needs_no_further_word_to_become_a_model_that_writes() {
    let at = Workplace::new();
    let told = trained(&at, "--set model.units=32 --set model.layers=1 --lr 0.01");
    let (model, guess) = (&told["metrics"], &told["baseline"]);
    assert_eq!(told["split"], "valid");
    assert!(number(&model["loss"]) < 0.9 * number(&guess["loss"]), "{told}");
    assert!(number(&model["accuracy"]) > number(&guess["accuracy"]));
    assert!((number(&model["perplexity"]) - number(&model["loss"]).exp()).abs() < 1e-6);
    // What it writes is text of the characters that it knows, the same for the same seed.
    let write = |more: &str| {
        let line = format!("generate run --tokens 60 --json {more}");
        serde_json::from_str::<Value>(&at.done(line.trim_end()).out).unwrap()
    };
    let text = write("--prompt the");
    assert_eq!(text["text"].as_str().unwrap().chars().count(), 60);
    assert!(text["text"].as_str().unwrap().chars().all(|c| " .\n".contains(c) || c.is_lowercase()));
    assert_eq!(text["text"], write("--prompt the")["text"]);
    assert_ne!(text["text"], write("--prompt the --seed 7")["text"]);
    let most_probable = write("--prompt the --temperature 0");
    let without_cache = write("--prompt the --temperature 0 --no-cache");
    assert_eq!(most_probable["text"], without_cache["text"]);
    // The text itself on standard output, what it took beside it.
    let plain = at.done("generate run --tokens 60 --prompt the");
    assert_eq!(
        plain.out.trim_end_matches('\n'),
        format!("the{}", text["text"].as_str().unwrap()).trim_end_matches('\n')
    );
    assert!(plain.error.contains("60 tokens in"), "{}", plain.error);
}

#[test]
fn hidden_tokens_are_told_whatever_tokens_are() {
    for (tokenizer, epochs, asked, place) in [
        ("character", 8, "the c[MASK]t sleeps.", Some(6)),
        ("word", 20, "the old [MASK] at night.", Some(3)),
        ("bpe", 40, "the old <mask> at night.", None),
    ] {
        let at = Workplace::new();
        at.file("book.txt", sentences(600, 1) + "서울은 한국의 수도이다.\n");
        let sizes = "--set model.units=32 --set model.layers=2 --set data.text.vocabulary=400";
        let line = format!(
            "train book.txt --model bert --out run --json --quiet --epochs {epochs} --batch 8 --lr 0.005 --set \
             data.text.context=32 --set data.text.tokenizer={tokenizer} {sizes}"
        );
        let told: Value = serde_json::from_str(&at.done(&line).out).unwrap();
        let better = number(&told["metrics"]["loss"]) < 0.8 * number(&told["baseline"]["loss"]);
        assert!(better, "{tokenizer}: {told}");
        let printed = at.run(&["predict", "run", asked, "--json", "--top", "4"]);
        let said: Value = serde_json::from_str(&printed.out).unwrap();
        let hidden = &said["texts"][0]["places"][0];
        assert!(place.is_none_or(|place| hidden["token"] == place), "{said}");
        let candidates = hidden["candidates"].as_array().unwrap();
        let p: Vec<f64> = candidates.iter().map(|c| number(&c["probability"])).collect();
        assert!(p.len() == 4 && p.is_sorted_by(|a, b| a >= b) && p[0] > 0.02, "{said}");
        let best = candidates[0]["token"].as_str().unwrap().trim();
        assert!(said["texts"][0]["filled"].as_str().unwrap().contains(best), "{said}");
        at.done("explain run --param cls/predictions/bias[4] --quiet");
    }
}

#[test]
fn every_model_of_text_learns_and_can_be_looked_into() {
    for model in ["rnn", "lstm", "gru"] {
        let at = Workplace::new();
        let told = trained(&at, &format!("--model {model} --set model.units=24 --lr 0.01"));
        let better = number(&told["metrics"]["loss"]) < number(&told["baseline"]["loss"]);
        assert!(better, "{model}: {told}");
        let again: Value = serde_json::from_str(&at.done("eval run --json").out).unwrap();
        assert_eq!(again["metrics"], told["metrics"], "{model}");
        assert!(at.done("summary run").out.contains("the next of"), "{model}");
        assert!(at.done("inspect run").out.contains("output/weight"), "{model}");
        assert!(at.done("explain run --param output/bias[3]").out.contains('✓'), "{model}");
        assert!(at.text("run/report.html").contains("perplexity"), "{model}");
        assert!(!at.done("generate run --tokens 5 --prompt cat").out.is_empty(), "{model}");
    }
}

#[test]
fn a_training_that_was_interrupted_or_has_other_threads_ends_with_the_same_bits() {
    let whole = Workplace::new();
    let told = trained(&whole, "--model gpt --set model.units=16 --set model.layers=1 --threads 1");
    let parts = Workplace::new();
    parts.file("book.txt", sentences(400, 1));
    let line = "train book.txt --out run --quiet --epochs 8 --set data.text.context=32 --model gpt \
                --set model.units=16 --set model.layers=1 --threads 2 --set train.checkpoint_every=0.01";
    let mut child = parts.command(&line.split_whitespace().collect::<Vec<_>>()).spawn().unwrap();
    while !parts.path("run/checkpoints/last").exists() {
        assert!(child.try_wait().unwrap().is_none_or(|status| status.success()));
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let again: Value = serde_json::from_str(&parts.done("resume run --json --quiet").out).unwrap();
    assert_eq!(again["metrics"], told["metrics"]);
}

#[test]
fn odd_texts_and_prompts_work_or_are_told() {
    let at = Workplace::new();
    let train = |file: &str, more: &str| {
        format!(
            "train {file} --out run-{file} --quiet --epochs 1 --set model.units=8 --set model.layers=1 {more}"
        )
    };
    at.file("empty.txt", "").file("one.txt", "a").file("bad.txt", b"abc\n\xff\xfe");
    for (file, what) in [("empty.txt", "token"), ("one.txt", "token"), ("bad.txt", "UTF-8")] {
        let error = at.refused(1, train(file, "").trim_end());
        assert!(error.contains(file) && error.contains(what), "{error}");
    }
    // Shorter than a row is long.
    at.file("short.txt", "to be or not to be");
    at.done(train("short.txt", "").trim_end());
    // Korean, emoji, empty lines, Windows' line ends and a byte order mark.
    let text = "\u{feff}나 너 돈줘\r\n\r\n너 나 돈줘 🙂👩‍👩‍👧\r\n".repeat(40);
    at.file("korean.txt", text);
    at.done(train("korean.txt", "--set data.text.context=16").trim_end());
    assert!(!at.done("generate run-korean.txt --prompt 나 --tokens 5").out.is_empty());
    let error = at.refused(1, "generate run-korean.txt --prompt xyz");
    assert!(error.contains("never saw") && error.contains('x'), "{error}");
    let error = at.refused(1, "generate run-korean.txt --prompt 나 --temperature=-1");
    assert!(error.contains("temperature"), "{error}");
    let error = at.refused(2, "train korean.txt --model mlp");
    assert!(error.contains("reads numbers"), "{error}");
    let error =
        at.refused(2, "train korean.txt --model gpt --set model.units=10 --set model.heads=4");
    assert!(error.contains("heads"), "{error}");
    at.done("train iris --out run-iris --quiet --epochs 1");
    let error = at.refused(1, "generate run-iris");
    assert!(error.contains("does not write"), "{error}");
}

#[test]
fn names_a_line_become_a_model_that_writes_names() {
    let at = Workplace::new();
    let names = ["anna", "emma", "liam", "noah", "mina", "민준", "서연", "지우", "하은", "🙂"];
    let lines: String = (0..40).map(|row| format!("{}\n\n", names[row % names.len()])).collect();
    at.file("names.txt", lines);
    let train = |run: &str, more: &str| {
        format!(
            "train names.txt --set data.text.documents=lines --model lstm --set model.units=24 \
             --set model.layers=1 --lr 0.02 --epochs 40 --quiet --out {run}{more}"
        )
    };
    let told: Value = serde_json::from_str(&at.done(&train("run", " --json")).out).unwrap();
    assert!(number(&told["metrics"]["loss"]) < 0.5 * number(&told["baseline"]["loss"]), "{told}");
    let several = at.json("generate run --count 6 --tokens 20");
    let texts = several["texts"].as_array().unwrap();
    assert_eq!(texts.len(), 6);
    for text in texts {
        assert_eq!(text["ended"], true, "{text}");
        assert!(text["text"].as_str().unwrap().chars().count() <= 6, "{text}");
    }
    // A text is that of its own seed, and begins with the prompt.
    let third = at.json("generate run --tokens 20 --seed 44");
    assert_eq!(third["text"], texts[2]["text"]);
    let plain = at.done("generate run --count 3 --tokens 20 --prompt 서 --quiet").out;
    assert_eq!(plain.lines().count(), 3, "{plain}");
    assert!(plain.lines().all(|line| line.starts_with('서')), "{plain}");
    assert!(at.refused(2, "generate run --count 0").contains("--count"));
    // The report shows what it writes.
    let report = at.text("run/report.html");
    let sample = at.text("run/samples/text.txt");
    assert!(report.contains("What it writes") && report.contains(&sample), "{sample}");
    // The same bits with other threads, and from the middle.
    at.done(&train("again", " --threads 1"));
    assert_eq!(at.last("again", "model.safetensors"), at.last("run", "model.safetensors"));
    let again = at.json("eval run");
    assert_eq!(again["metrics"], told["metrics"]);
}

#[test]
fn every_model_of_text_learns_as_it_is_suggested() {
    let at = Workplace::new();
    let lines = (0..120).map(|line| format!("The {line}th line says that it is line {line}.\n"));
    at.file("lines.txt", lines.collect::<String>());
    for model in ["rnn", "lstm", "gru", "gpt", "bert", "word2vec"] {
        at.done(&format!("train lines.txt --model {model} --quiet --epochs 1 --out {model}"));
    }
}

#[test]
fn rows_of_a_column_are_documents_and_two_columns_are_pairs() {
    let at = Workplace::new();
    let mut table = String::from("id\tkorean\tenglish\n");
    for row in 0..60 {
        let (korean, english) =
            [("가자.", "Let's go."), ("먹자, 지금.", "Let's eat now."), ("안녕! 👋", "Hi!")]
                [row % 3];
        table += &format!("{row}\t{korean} {}\t{english} {}\n", row / 3, row / 3);
    }
    at.file("phrases.tsv", &table);
    let small = "--quiet --epochs 2 --set model.units=16 --set model.layers=1";
    at.done(&format!("train phrases.tsv --text korean --model gpt --out gpt {small}"));
    assert!(!at.done("generate gpt --prompt 가 --tokens 5").out.is_empty());
    for model in ["seq2seq", "transformer"] {
        at.done(&format!(
            "train phrases.tsv --text english --target korean --model {model} --out {model} {small}"
        ));
        let said = at.run(&["predict", model, "Let's go. 3", "--json"]);
        assert!(said.out.contains("\"source\":\"Let's go. 3\""), "{}{}", said.out, said.error);
    }
    let said = at.refused(1, &format!("train phrases.tsv --text korea --model gpt {small}"));
    assert!(said.contains("no column `korea`") && said.contains("korean"), "{said}");
    let said = at.refused(1, &format!("train phrases.tsv --text english --model seq2seq {small}"));
    assert!(said.contains("--target"), "{said}");
    let said = at.refused(
        1,
        &format!(
            "train phrases.tsv --text korean --model gpt --set data.text.documents=lines {small}"
        ),
    );
    assert!(said.contains("each row of a table is a document"), "{said}");
    let said = at.refused(
        2,
        &format!("train phrases.tsv --text korean --set data.text.documents=line {small}"),
    );
    assert!(said.contains("file, lines"), "{said}");
}

#[test]
fn byte_pairs_are_told_by_the_character_and_inputs_have_no_slopes() {
    let at = Workplace::new();
    let told = trained(
        &at,
        "--set data.text.tokenizer=bpe --set data.text.vocabulary=300 --set model.units=16 --model gru",
    );
    let metrics = &told["metrics"];
    let by_character = number(&metrics["nats_per_character"]);
    assert!(0.1 < by_character && by_character < number(&metrics["loss"]), "{told}");
    for line in ["explain run --prediction", "explain run --input all", "explain run --input 3"] {
        let said = at.refused(1, line);
        assert!(said.contains("tokens, which have no slopes"), "{line}: {said}");
    }
}

#[test]
fn a_setting_of_the_models_own_optimizer_needs_no_name_of_it() {
    let at = Workplace::new();
    at.done("init digits --model resnet20 --set train.optimizer.nesterov=true --out resnet.toml");
    let toml = at.text("resnet.toml");
    assert!(toml.contains("nesterov = true"), "{toml}");
    let said =
        at.refused(2, "init digits --model resnet20 --set train.optimizer.beta1=0.8 --out b.toml");
    assert!(said.contains("of momentum"), "{said}");
}

#[test]
fn tokens_are_kept_and_made_again_where_they_do_not_fit() {
    for more in [
        "--set data.text.tokenizer=bpe --set data.text.vocabulary=300",
        "--set data.text.documents=lines",
    ] {
        let at = Workplace::new();
        let told = trained(&at, &format!("--model gru --set model.units=12 {more}"));
        let path = at.path("run/tokens.bin");
        let whole = std::fs::read(&path).unwrap();
        let measured = || {
            let printed = at.done("eval run --json --quiet").out;
            serde_json::from_str::<Value>(&printed).unwrap()["metrics"].clone()
        };
        assert_eq!(measured(), told["metrics"], "{more}");
        let mut flipped = whole.clone();
        flipped[7] ^= 64;
        for damaged in [&whole[..whole.len() / 2], b"tokens", &flipped] {
            std::fs::write(&path, damaged).unwrap();
            assert_eq!(measured(), told["metrics"], "{more}");
            assert!(std::fs::read(&path).unwrap() == whole, "{more}: not made again");
        }
        std::fs::remove_file(&path).unwrap();
        assert_eq!(measured(), told["metrics"], "{more}");
        assert!(path.exists());
        // Another text is another text, whatever was kept.
        at.file("book.txt", sentences(401, 1));
        let error = at.refused(1, "eval run");
        assert!(error.contains("is not what this run was trained on"), "{error}");
    }
}
