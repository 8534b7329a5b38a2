//! Word vectors: the same bits on any number of threads and after a break, and what they learn.

use glassbox::word2vec::{Architecture, Corpus, Settings, Training, WordVectors, sentences};

/// A text in which words of one kind stand in the same places, by seeded draws.
fn text() -> String {
    let stream = glassbox::engine::random::Stream::new(5, "text", 0);
    let kinds = [["cat", "dog", "horse"], ["eats", "sees", "wants"], ["bread", "cheese", "rice"]];
    let others =
        [["oak", "elm", "birch"], ["grows", "stands", "falls"], ["slowly", "soon", "often"]];
    let mut text = String::new();
    for line in 0..3000 {
        let [which, a, b, c] = stream.block(line);
        let kinds = if which % 2 == 0 { kinds } else { others };
        let words = [a, b, c].into_iter().zip(kinds).map(|(draw, kind)| kind[draw as usize % 3]);
        text += &words.collect::<Vec<_>>().join(" ");
        text += ".\n";
    }
    text
}

fn settings(architecture: Architecture) -> Settings {
    Settings {
        architecture,
        dimensions: 20,
        sample: 1e-2,
        epochs: 3,
        rate: 0.05,
        ..Settings::default()
    }
}

fn trained(corpus: &Corpus, settings: &Settings, threads: usize) -> (Vec<f32>, Vec<f32>) {
    let mut training = Training::new(corpus, settings, threads, None).expect("a training");
    while training.done() < training.steps() {
        training.step().expect("a step");
    }
    (training.input(), training.output())
}

#[test]
fn any_number_of_threads_and_a_break_give_the_same_bits() {
    let corpus = Corpus::of(sentences(&text()), 1).expect("a corpus");
    for architecture in [Architecture::SkipGram, Architecture::Cbow] {
        let settings = settings(architecture);
        let one = trained(&corpus, &settings, 1);
        assert!(one.0.iter().all(|x| x.is_finite()));
        for threads in [2, 3, 7] {
            assert_eq!(trained(&corpus, &settings, threads), one, "{threads} threads");
        }
        let mut first = Training::new(&corpus, &settings, 2, None).expect("a training");
        while first.done() < first.steps() / 2 + 1 {
            first.step().expect("a step");
        }
        let mut second = Training::new(&corpus, &settings, 3, None).expect("a training");
        second.resume(first.done(), &first.input(), &first.output()).expect("its own state");
        while second.done() < second.steps() {
            second.step().expect("a step");
        }
        assert_eq!((second.input(), second.output()), one);
    }
}

#[test]
fn words_in_the_same_places_come_near_each_other_and_the_loss_falls() {
    let corpus = Corpus::of(sentences(&text()), 1).expect("a corpus");
    for architecture in [Architecture::SkipGram, Architecture::Cbow] {
        let settings = Settings { epochs: 10, ..settings(architecture) };
        let mut training = Training::new(&corpus, &settings, 2, None).expect("a training");
        // A step of few words may have none that is looked at for the loss.
        let steps = (0..training.steps()).map(|_| training.step().expect("a step"));
        let losses: Vec<f64> = steps.filter(|loss| loss.guesses > 0).map(|l| l.mean()).collect();
        let mean = |losses: &[f64]| losses.iter().sum::<f64>() / losses.len() as f64;
        let tenth = losses.len() / 10;
        // The word and five that are not there, each a coin thrown at first; a negative that is the word
        // itself counts for nothing, which is one in eighteen here, more or less by chance.
        let coins = losses[0] / std::f64::consts::LN_2;
        assert!((5.0..6.001).contains(&coins), "{coins}");
        assert!(mean(&losses[losses.len() - tenth..]) < 0.9 * mean(&losses[..tenth]));
        let vectors =
            WordVectors::new(corpus.vocabulary.clone(), 20, training.input()).expect("vectors");
        for (word, kind) in [("cat", ["dog", "horse"]), ("oak", ["elm", "birch"])] {
            let near = vectors.nearest(&[word], 2).expect("a known word");
            assert!(near.iter().all(|near| kind.contains(&near.word.as_str())), "{word}: {near:?}");
        }
    }
}

#[test]
fn the_rate_is_held_and_then_falls() {
    let corpus = Corpus::of(sentences(&text()), 1).expect("a corpus");
    let usual = settings(Architecture::Cbow);
    let constant = Settings { final_rate: usual.rate, ..usual.clone() };
    let held = Settings { hold: 0.5, ..usual };
    let [mut constant, mut held] =
        [&constant, &held].map(|s| Training::new(&corpus, s, 1, None).expect("a training"));
    let first = held.steps_of_epoch(0);
    let half = first + held.steps_of_epoch(1) / 2;
    for _ in 0..half {
        constant.step().expect("a step");
        held.step().expect("a step");
    }
    assert_eq!(held.input(), constant.input(), "the rate is the same for half of three epochs");
    for _ in 0..4 {
        constant.step().expect("a step");
        held.step().expect("a step");
    }
    assert_ne!(held.input(), constant.input(), "then it falls");
}

#[test]
fn another_texts_state_is_refused() {
    let corpus = Corpus::of(sentences(&text()), 1).expect("a corpus");
    let settings = settings(Architecture::Cbow);
    let mut training = Training::new(&corpus, &settings, 1, None).expect("a training");
    let error = training.resume(1, &[0.0; 20], &[0.0; 20]).expect_err("too few vectors");
    assert!(error.to_string().contains("of another text"));
    let wrong = Settings { dimensions: 0, window: 0, ..settings };
    let error = Training::new(&corpus, &wrong, 1, None).err().expect("wrong settings").to_string();
    assert!(error.contains("`dimensions`") && error.contains("`window`"), "{error}");
}
