//! A training of word vectors, before its first step and after its last.

use glassbox::train::event::{Outcome, Words};

use super::format::{figure, grouped};
use super::line::fit;
use super::table::{Align, Table};
use crate::text::Text;

/// One line each: the text, how it is learned from, and how few weights a guess touches.
pub fn facts(words: &Words, epochs: u64, text: Text) -> Vec<String> {
    let Words { dimensions, window, negative, touched, .. } = words;
    let how = match words.cbow {
        true => text.words_cbow(dimensions, window, negative),
        false => text.words_skip_gram(dimensions, window, negative),
    };
    let [all, kept, vocabulary] = [words.words, words.kept, words.vocabulary].map(grouped);
    let sentences = grouped(words.sentences);
    let [weights, by_guess] = [touched.weights, touched.by_guess].map(grouped);
    vec![
        text.words_of_text(all, sentences, kept, vocabulary),
        how,
        text.words_training(figure(words.rate), epochs),
        text.words_touched(by_guess, weights),
    ]
}

/// The loss beside a coin's, and the run's folder.
pub fn words_learned(outcome: &Outcome, text: Text, columns: usize) -> String {
    let mut table = Table::new([
        (text.words_read(grouped(outcome.rows as u64)), Align::Left),
        (text.model(), Align::Right),
        (text.words_coin(), Align::Right),
    ]);
    let of = |value: Option<&f64>| value.map_or("–".into(), |value| figure(*value));
    let (model, coin) = (outcome.metrics.get("loss"), outcome.baseline.get("loss"));
    table.row([text.metric_loss(), of(model), of(coin)]);
    let digits = if outcome.seconds < 0.95 { 2 } else { 1 };
    let seconds = format!("{:.digits$}", outcome.seconds);
    let run = fit(&text.run_and_time(&outcome.run, seconds), columns);
    let next = text.words_next("glassbox neighbours last");
    format!("{}{run}\n{}\n", table.render(columns), fit(&next, columns))
}
