//! Sentences of words with tags, from the library.
#![allow(clippy::unwrap_used)] // In tests; clippy exempts only the test functions themselves.

use glassbox::data::{self, Dataset, Options, Rows, Sentence, Sentences, from_sentences};
use glassbox::engine::{self, Array, DType, Graph, Mode, Parameters, Session};
use glassbox::metrics::{Classification, Entities};
use glassbox::nn::Module;
use glassbox::train::{Detail, Trainer};
use glassbox::zoo::{Attention, Bert, BertHead, Cell, Convolution, Places, Recurrent, Tokens};

fn data() -> Dataset {
    let all = Sentences::from_path("entities", [None, None]).unwrap();
    let lines: Vec<String> = all.all()[..300]
        .iter()
        .map(|s| serde_json::json!({"tokens": s.words, "tags": s.tags}).to_string())
        .collect();
    let text = lines.join("\n");
    let sentences = Sentences::from_bytes("a.jsonl", text.as_bytes(), [None, None]).unwrap();
    from_sentences(&sentences, &Options::default()).unwrap()
}

fn model() -> impl Module {
    let tokens = Tokens { vocabulary: tokens_of(&data()), width: 16, padding: Some(0) };
    Recurrent::new(Cell::Gru, 16, 7).bidirectional(true).places(Places::Own).tokens(tokens)
}

fn tokens_of(data: &Dataset) -> usize {
    data.preparation.inputs.text().unwrap().tokenizer.vocabulary()
}

/// The sentences of a part, by their numbers.
fn sentences_of(rows: &Rows) -> Vec<Sentence> {
    let all = Sentences::from_path("entities", [None, None]).unwrap();
    rows.source_rows().iter().map(|number| all.all()[number - 1].clone()).collect()
}

#[test]
fn figures_are_those_of_every_word_and_nothing_else() {
    let data = data();
    let run = Trainer::new(model()).epochs(6).batch(16).fit(&data).unwrap();
    let report = run.evaluate(&data.test).unwrap();
    let sentences = sentences_of(&data.test);
    let words: usize = sentences.iter().map(|sentence| sentence.words.len()).sum();
    assert_eq!(report.rows, words);
    let Detail::Classes(detail) = &report.detail else { unreachable!() };
    assert_eq!(detail.sentences, Some(sentences.len()));
    assert_eq!(detail.classes.iter().map(|class| class.rows).sum::<usize>(), words);

    // The same from what is predicted of the same words, one by one.
    let told = run.into_model().predict_words(&sentences).unwrap();
    let tags = data.preparation.target.tags().unwrap();
    let (mut labels, mut probabilities) = (Vec::new(), Vec::new());
    for (told, known) in told.sentences.iter().zip(&sentences) {
        assert_eq!(told.words.len(), known.words.len());
        for (word, tag) in told.words.iter().zip(&known.tags) {
            labels.push(tags.iter().position(|name| name == tag).unwrap());
            probabilities.extend(&word.probabilities);
        }
    }
    let figures = Classification::of(&labels, &probabilities).unwrap();
    assert!((figures.log_loss - report.metrics["loss"]).abs() < 1e-6);
    assert_eq!(figures.confusion.accuracy(), report.metrics["accuracy"]);
    let observed: Vec<Vec<&str>> =
        sentences.iter().map(|s| s.tags.iter().map(String::as_str).collect()).collect();
    let predicted: Vec<Vec<&str>> = told
        .sentences
        .iter()
        .map(|s| s.words.iter().map(|word| word.tag.as_str()).collect())
        .collect();
    let names = Entities::of(&observed, &predicted).unwrap();
    assert_eq!(names.figures().f1, report.metrics["entity_f1"]);
    let (right, all) = told.agreement(&sentences).unwrap();
    assert_eq!(right as f64 / all as f64, report.metrics["accuracy"]);
}

#[test]
fn the_baseline_is_each_words_most_frequent_tag() {
    let text: String = (0..40)
        .map(|i| {
            // `may` is a month one time in four, `new` is seen in every tag once.
            let may = if i % 4 == 0 { "MONTH" } else { "VERB" };
            format!("may {may}\nwe PRON\n\n")
        })
        .collect();
    let sentences = Sentences::from_bytes("a.conll", text.as_bytes(), [None, None]).unwrap();
    let data = from_sentences(&sentences, &Options::default()).unwrap();
    let tokens = Tokens { vocabulary: tokens_of(&data), width: 4, padding: Some(0) };
    let model = Recurrent::new(Cell::Rnn, 4, 3).places(Places::Own).tokens(tokens);
    let run = Trainer::new(model).epochs(1).fit(&data).unwrap();
    let report = run.evaluate(&data.train).unwrap();
    let months = sentences
        .all()
        .iter()
        .enumerate()
        .filter(|(at, s)| s.tags[0] == "MONTH" && data.train.source_rows().contains(&(at + 1)))
        .count();
    let words = 2 * data.train.len();
    let accuracy = (words - months) as f64 / words as f64;
    assert!((report.baseline["accuracy"] - accuracy).abs() < 1e-12, "{report}");
    // Tags of no scheme have no names.
    assert!(!report.metrics.contains_key("entity_f1"));
    // The shares of all words count as one word more, and every tag as one more.
    let (n, m) = (data.train.len() as f64, months as f64);
    let share = |count: f64| (count + 1.0) / (2.0 * n + 3.0);
    let p = |own: f64, all: f64| (own + share(all)) / (n + 1.0);
    let loss = -(m * p(m, m).ln() + (n - m) * p(n - m, n - m).ln() + n * p(n, n).ln()) / (2.0 * n);
    assert!((report.baseline["loss"] - loss).abs() < 1e-9, "{report}");
}

#[test]
fn a_word_is_told_the_same_whatever_stands_beside_its_sentence() {
    let data = data();
    let vocabulary = tokens_of(&data);
    let tokens = Tokens { vocabulary, width: 12, padding: Some(0) };
    let models: [Box<dyn Module>; 4] = [
        Box::new(
            Recurrent::new(Cell::Lstm, 12, 7)
                .bidirectional(true)
                .places(Places::Own)
                .tokens(tokens),
        ),
        Box::new(Convolution::new(12, 7).layers(3).places(Places::Own).tokens(tokens)),
        Box::new(Attention::new(12, 7).places(Places::Own).tokens(tokens)),
        Box::new(
            Bert::new(vocabulary, BertHead::Places(7)).context(32).layers(1).heads(2).units(12),
        ),
    ];
    for model in models {
        let name = model.name().to_owned();
        let graph_of = |time: usize| {
            let graph = Graph::new();
            let ids = graph.input("ids", DType::I64, [1, time]);
            model.forward(graph.root(Mode::Eval), ids).named("scores");
            graph
        };
        let scores = |mut ids: Vec<i64>, time: usize| {
            let graph = graph_of(time);
            let mut session = Session::new(engine::Options::default()).unwrap();
            session.load(graph_of(20).initial_values(3));
            ids.resize(time, 0);
            let mut given = Parameters::new();
            given.insert("ids", Array::new([1, time], ids).unwrap());
            let wanted = graph.named("scores").unwrap();
            session.evaluate(&graph, &given, &[wanted]).unwrap()[0].to_f64()
        };
        let ids = vec![2, 9, 14, 7, 11, 3];
        let (short, long) = (scores(ids.clone(), 6), scores(ids, 20));
        for (a, b) in short.iter().zip(&long) {
            assert!((a - b).abs() < 1e-5, "{name}: {a} {b}");
        }
        // The first word is told by the last one, too.
        let changed = scores(vec![2, 9, 14, 7, 12, 3], 6);
        assert!(short[7..14] != changed[7..14], "{name}");
    }
}

#[test]
fn the_built_in_sentences_are_data_like_any_other() {
    let data = data::builtin("entities").unwrap();
    assert_eq!(data.train.len() + data.valid.len() + data.test.len(), 1_500);
    assert_eq!(data.preparation.target.tags().unwrap().len(), 7);
}
