//! How like a reference a translation is.

use std::collections::HashMap;

use serde::Serialize;

/// The longest runs of tokens that are compared.
const LONGEST: usize = 4;

/// Corpus BLEU-4 with one reference for each translation (Papineni, Roukos, Ward and Zhu, "BLEU: a method
/// for automatic evaluation of machine translation", 2002): the geometric mean of the shares of runs of
/// 1 to 4 tokens that the reference has too (each as often as there at most), summed over all
/// translations, times e^(1 − reference / translation) where the translations are shorter.
///
/// Where no run of a length is found, its share counts as 1 / (2^k · runs) for the k-th such length, as
/// sacreBLEU (Post, 2018) smooths by default; translations without any run of 4 tokens, or without any
/// right token, score 0. What a token is, the caller says: figures compare only where that is the same.
///
/// ```
/// use glassbox::metrics::Bleu;
/// // 6 of 7 words, 5 of 6 pairs, 4 of 5 triples and 3 of 4 quadruples are in the reference.
/// let bleu = Bleu::of(["the cat sat on the mat today"], ["the cat sat on the mat"], |text| {
///     text.split(' ').collect()
/// });
/// let mean = (6.0 / 7.0 * 5.0 / 6.0 * 4.0 / 5.0 * 3.0 / 4.0_f64).powf(0.25);
/// assert!((bleu.score - 100.0 * mean).abs() < 1e-9);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Bleu {
    /// 0 to 100.
    pub score: f64,
    /// The shares of runs of 1 to 4 tokens that are right, smoothed, in [0, 1].
    pub precisions: [f64; LONGEST],
    /// What is taken off for translations that are too short, in [0, 1].
    pub brevity_penalty: f64,
    /// Tokens of all translations.
    pub tokens: usize,
    /// Tokens of all references.
    pub reference_tokens: usize,
}

impl Bleu {
    /// Compares texts one by one; `cut` gives a text's tokens. Texts without a partner are left out.
    pub fn of<T: AsRef<str>>(
        translations: impl IntoIterator<Item = T>,
        references: impl IntoIterator<Item = T>,
        mut cut: impl for<'t> FnMut(&'t str) -> Vec<&'t str>,
    ) -> Self {
        let (mut right, mut all) = ([0; LONGEST], [0; LONGEST]);
        let (mut tokens, mut reference_tokens) = (0, 0);
        for (translation, reference) in translations.into_iter().zip(references) {
            let (translation, reference) = (cut(translation.as_ref()), cut(reference.as_ref()));
            tokens += translation.len();
            reference_tokens += reference.len();
            for (length, (right, all)) in (1..).zip(right.iter_mut().zip(&mut all)) {
                let there = runs(&reference, length);
                for (run, count) in runs(&translation, length) {
                    *all += count;
                    *right += count.min(there.get(run).copied().unwrap_or(0));
                }
            }
        }
        let brevity_penalty = match tokens {
            0 => 0.0,
            _ => (1.0 - reference_tokens as f64 / tokens as f64).min(0.0).exp(),
        };
        let mut halved = 1.0;
        let mut precisions = [0.0; LONGEST];
        for (precision, (right, all)) in precisions.iter_mut().zip(right.iter().zip(&all)) {
            *precision = match (*right, *all) {
                (_, 0) => 0.0,
                (0, all) => {
                    halved /= 2.0;
                    halved / all as f64
                }
                (right, all) => right as f64 / all as f64,
            };
        }
        let score = match right[0] {
            0 => 0.0,
            _ => 100.0 * brevity_penalty * precisions.iter().product::<f64>().powf(0.25),
        };
        Bleu { score, precisions, brevity_penalty, tokens, reference_tokens }
    }
}

/// How often each run of `length` tokens stands in a text.
fn runs<'r, 't>(tokens: &'r [&'t str], length: usize) -> HashMap<&'r [&'t str], usize> {
    let mut counts = HashMap::new();
    for run in tokens.windows(length) {
        *counts.entry(run).or_default() += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bleu(pairs: &[(&str, &str)]) -> Bleu {
        Bleu::of(
            pairs.iter().map(|(translation, _)| *translation),
            pairs.iter().map(|(_, reference)| *reference),
            |text| text.split_whitespace().collect(),
        )
    }

    #[test]
    fn the_papers_example_clips_repeated_words() {
        // Papineni et al. (2002), section 2.1: "the" seven times has 2 of 7 words right (here against
        // the first reference alone).
        let found = bleu(&[("the the the the the the the", "the cat is on the mat")]);
        assert!((found.precisions[0] - 2.0 / 7.0).abs() < 1e-12);
        assert_eq!(found.brevity_penalty, 1.0);
    }

    #[test]
    fn figures_are_sacrebleus() {
        // sacrebleu 2.6.0, corpus_bleu(translations, [references], tokenize="none").
        let several = bleu(&[
            ("the cat sat on the mat today", "the cat sat on the mat"),
            ("there is a dog in the garden", "there is a big dog in the garden"),
            ("나는 어제 학교에 갔다 .", "나는 어제 친구와 학교에 갔다 ."),
            ("it is warm", "it is very warm now"),
        ]);
        assert!((several.score - 56.001098616422134).abs() < 1e-9, "{several:?}");
        assert!((several.brevity_penalty - 0.8725252928694237).abs() < 1e-12);
        assert_eq!((several.tokens, several.reference_tokens), (22, 25));
        assert_eq!(several.precisions, [21.0 / 22.0, 14.0 / 18.0, 8.0 / 14.0, 4.0 / 10.0]);
        // No run of four is right.
        let smoothed = bleu(&[("a b c x e f g", "a b c d e f g"), ("p q r", "p q s")]);
        assert!((smoothed.score - 37.99178428257963).abs() < 1e-9, "{smoothed:?}");
        assert_eq!(smoothed.precisions[3], 0.125);
        assert_eq!(bleu(&[("the cat", "the cat"), ("hello", "hello")]).score, 0.0);
        assert_eq!(bleu(&[("x y z w", "a b c d")]).score, 0.0);
        assert_eq!(bleu(&[("", "a b")]).score, 0.0);
        assert_eq!(bleu(&[]).score, 0.0);
    }
}
