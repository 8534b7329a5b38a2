//! Made-up text: sentences of a small grammar, which a model can learn to the end.

use glassbox_engine::random::Stream;

/// Numbers drawn in order.
pub(super) struct Draw {
    pub stream: Stream,
    pub next: u64,
}

impl Draw {
    pub fn of<T: Copy>(&mut self, all: &[T]) -> Option<T> {
        let at = self.stream.uniform(self.next) * all.len() as f64;
        self.next += 1;
        all.get(at as usize).copied()
    }

    fn chance(&mut self, share: f64) -> bool {
        self.next += 1;
        self.stream.uniform(self.next - 1) < share
    }
}

const NOUNS: [[&str; 2]; 12] = [
    ["cat", "cats"],
    ["dog", "dogs"],
    ["bird", "birds"],
    ["child", "children"],
    ["friend", "friends"],
    ["teacher", "teachers"],
    ["sailor", "sailors"],
    ["farmer", "farmers"],
    ["king", "kings"],
    ["ship", "ships"],
    ["tree", "trees"],
    ["star", "stars"],
];
const DOES: [[&str; 2]; 8] = [
    ["sleeps", "sleep"],
    ["sings", "sing"],
    ["waits", "wait"],
    ["laughs", "laugh"],
    ["falls", "fall"],
    ["shines", "shine"],
    ["turns", "turn"],
    ["returns", "return"],
];
const DOES_TO: [[&str; 2]; 8] = [
    ["sees", "see"],
    ["loves", "love"],
    ["follows", "follow"],
    ["finds", "find"],
    ["knows", "know"],
    ["calls", "call"],
    ["paints", "paint"],
    ["remembers", "remember"],
];
const KINDS: [&str; 8] = ["old", "small", "quiet", "golden", "brave", "lost", "young", "gentle"];
const WHERE: [&str; 6] =
    ["in the garden", "by the sea", "under the moon", "at night", "in the snow", "near the river"];

/// `count` sentences, one a line, the same for the same seed. Verbs agree with their nouns, however
/// many words stand between them.
///
/// ```
/// let text = glassbox::data::sentences(3, 42);
/// assert_eq!(text.lines().count(), 3);
/// assert!(text.lines().all(|line| line.ends_with('.')));
/// ```
pub fn sentences(count: usize, seed: u64) -> String {
    let mut text = String::new();
    for number in 0..count {
        let stream = Stream::new(seed, "sentences", number as u64);
        let mut draw = Draw { stream, next: 0 };
        let mut words = Vec::new();
        clause(&mut draw, &mut words, 0);
        if draw.chance(0.3) {
            words.push("and");
            clause(&mut draw, &mut words, 0);
        }
        text += &words.join(" ");
        text += ".\n";
    }
    text
}

fn clause(draw: &mut Draw, words: &mut Vec<&'static str>, depth: usize) {
    let Some(many) = noun(draw, words, depth) else { return };
    verb(draw, words, many, depth);
    if draw.chance(0.3) {
        words.extend(draw.of(&WHERE));
    }
}

/// A noun with what is said of it; whether it is many (1) or one (0).
fn noun(draw: &mut Draw, words: &mut Vec<&'static str>, depth: usize) -> Option<usize> {
    let many = usize::from(draw.chance(0.5));
    words.push(if many == 1 {
        draw.of(&["the", "some", "many"])?
    } else {
        draw.of(&["the", "a"])?
    });
    // No kind of word begins with a vowel after "a".
    let a = words.last() == Some(&"a");
    if draw.chance(0.4) {
        words.push(if a { draw.of(&KINDS[1..])? } else { draw.of(&KINDS)? });
    }
    words.push(draw.of(&NOUNS)?[many]);
    if depth < 2 && draw.chance(0.25) {
        words.push("that");
        verb(draw, words, many, depth + 1);
    }
    Some(many)
}

fn verb(draw: &mut Draw, words: &mut Vec<&'static str>, many: usize, depth: usize) {
    if draw.chance(0.5) {
        words.extend(draw.of(&DOES).map(|forms| forms[many]));
    } else {
        words.extend(draw.of(&DOES_TO).map(|forms| forms[many]));
        noun(draw, words, depth + 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verb_agrees_with_the_noun_in_front_of_it() {
        let text = sentences(2_000, 1);
        assert_eq!(text, sentences(2_000, 1));
        assert_ne!(text, sentences(2_000, 2));
        let mut seen = 0;
        for line in text.lines() {
            let words: Vec<&str> = line.trim_end_matches('.').split(' ').collect();
            for pair in words.windows(2) {
                let of = |all: &[[&str; 2]], word: &str| {
                    all.iter().find_map(|forms| forms.iter().position(|form| *form == word))
                };
                let noun = of(&NOUNS, pair[0]);
                let verb = of(&DOES, pair[1]).or_else(|| of(&DOES_TO, pair[1]));
                // Behind "that …" the noun in front may be another one's; these are of the first.
                if let (Some(noun), Some(verb), false) = (noun, verb, line.contains("that")) {
                    assert_eq!(noun, verb, "{line}");
                    seen += 1;
                }
            }
        }
        assert!(seen > 1_000);
    }
}
