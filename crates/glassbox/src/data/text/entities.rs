//! Made-up sentences with the names of people, places and companies, which look alike: only the words
//! around a name tell what it is.

use glassbox_engine::random::Stream;

use super::sentences::Draw;
use super::tagged::Sentence;

/// The name of the built-in data.
pub(in crate::data) const NAME: &str = "entities";
/// Its sentences.
pub(super) const SENTENCES: usize = 1_500;

/// Names of people that are names of places, too, and others.
const FIRST: [&str; 12] = [
    "Ada", "Alan", "Grace", "Noor", "Jordan", "Paris", "Florence", "Austin", "Sofia", "Victoria",
    "Chelsea", "Devon",
];
const LAST: [&str; 12] = [
    "Stone",
    "Rivers",
    "Hill",
    "Brook",
    "Kim",
    "Okafor",
    "London",
    "Lincoln",
    "Kent",
    "York",
    "Washington",
    "Berlin",
];
const PLACES: [&[&str]; 14] = [
    &["Paris"],
    &["Florence"],
    &["Austin"],
    &["Jordan"],
    &["Sofia"],
    &["Chelsea"],
    &["Lincoln"],
    &["Kent"],
    &["London"],
    &["Berlin"],
    &["Seoul"],
    &["New", "York"],
    &["Lake", "Victoria"],
    &["Mount", "Stone"],
];
const COMPANIES: [&str; 5] = ["Bank", "Press", "Railway", "Foods", "Steel"];

/// What a sentence is made of: `P` a person, `L` a place, `C` a company, else words as they are.
const SENTENCES_OF: [&str; 14] = [
    "P lives in L .",
    "P was born in L and works for C .",
    "C has hired P .",
    "P and P met in L last year .",
    "the old town of L lies by the river .",
    "trains to L are late , says C .",
    "C sold its house in L to P .",
    "the head of C is called P .",
    "does P know the way to L ?",
    "shares of C fell after P had left .",
    "it rained in L and in L .",
    "P , who comes from L , writes books .",
    "C and C will build a bridge near L .",
    "nobody told P that C is closed .",
];

/// `count` sentences, the same for the same seed, each word with its tag: `B-PER`, `B-LOC` or `B-ORG` where
/// a name begins, `I-…` where it goes on, `O` elsewhere.
pub(super) fn entities(count: usize, seed: u64) -> Vec<Sentence> {
    (0..count as u64).zip(1..).map(|(number, line)| sentence(number, line, seed)).collect()
}

fn sentence(number: u64, line: u64, seed: u64) -> Sentence {
    let mut draw = Draw { stream: Stream::new(seed, "entities", number), next: 0 };
    let mut sentence = Sentence { line, ..Sentence::default() };
    let pattern = draw.of(&SENTENCES_OF).unwrap_or_default();
    for part in pattern.split(' ') {
        let (kind, name) = match part {
            "P" => ("PER", person(&mut draw)),
            "L" => ("LOC", draw.of(&PLACES).unwrap_or_default().to_vec()),
            "C" => ("ORG", company(&mut draw)),
            word => ("", vec![word]),
        };
        for (at, word) in name.into_iter().enumerate() {
            sentence.words.push(word.to_owned());
            sentence.tags.push(match (kind, at) {
                ("", _) => "O".to_owned(),
                (kind, 0) => format!("B-{kind}"),
                (kind, _) => format!("I-{kind}"),
            });
        }
    }
    sentence
}

/// A first name, a last name, or both.
fn person(draw: &mut Draw) -> Vec<&'static str> {
    let parts: &[&[&str]] = match draw.of(&[0, 1, 2]) {
        Some(0) => &[&FIRST],
        Some(1) => &[&LAST],
        _ => &[&FIRST, &LAST],
    };
    parts.iter().filter_map(|names| draw.of(names)).collect()
}

/// The name of a place or a person, and what it does, which is not always said.
fn company(draw: &mut Draw) -> Vec<&'static str> {
    let mut name = match draw.of(&[0, 1]) {
        Some(0) => draw.of(&PLACES).unwrap_or_default().to_vec(),
        _ => draw.of(&LAST).into_iter().collect(),
    };
    if draw.of(&[0, 1, 2]) != Some(0) {
        name.extend(draw.of(&COMPANIES));
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_word_is_part_of_names_of_every_kind() {
        let all = entities(600, 1);
        assert_eq!(all, entities(600, 1));
        assert_ne!(all, entities(600, 2));
        let mut kinds = std::collections::BTreeSet::new();
        for sentence in &all {
            assert_eq!(sentence.words.len(), sentence.tags.len());
            for (at, tag) in sentence.tags.iter().enumerate() {
                if let Some(kind) = tag.strip_prefix("I-") {
                    let before = at.checked_sub(1).map(|at| &sentence.tags[at][2..]);
                    assert_eq!(before, Some(kind), "{sentence:?}");
                }
                if sentence.words[at] == "Lincoln" {
                    kinds.insert(tag.clone());
                }
            }
        }
        assert_eq!(kinds.into_iter().collect::<Vec<_>>(), ["B-LOC", "B-ORG", "B-PER", "I-PER"]);
    }
}
