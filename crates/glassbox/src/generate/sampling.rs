use std::cmp::Ordering;

use glassbox_engine::random::Stream;

/// How the next token follows from scores, and where writing ends.
///
/// In this order: the scores of tokens that are there already are lowered, all are divided by the
/// temperature, the highest `top_k` stay, of these the most probable that together have `top_p` (Holtzman
/// et al. 2020), and one is drawn. Draws are counted, not kept: with the same seed the same model writes
/// the same text.
///
/// ```
/// use glassbox::generate::Sampling;
/// let scores = [0.5, 2.0, 1.0, -1.0];
/// assert_eq!(Sampling::greedy(10).choose(&scores, &[], 0), Some(1));
/// // Two thirds of its score are left of a token that is there already.
/// let how = Sampling { repetition_penalty: 3.0, ..Sampling::greedy(10) };
/// assert_eq!(how.choose(&scores, &[1], 0), Some(2));
/// let two = Sampling { top_k: Some(2), ..Sampling::default() };
/// assert!((0..100).all(|step| [Some(1), Some(2)].contains(&two.choose(&scores, &[], step))));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Sampling {
    /// What scores are divided by before they become probabilities, at least 0; at 0 the highest scored
    /// is taken (1).
    pub temperature: f64,
    /// How many of the highest scored are drawn from; none: all.
    pub top_k: Option<usize>,
    /// The probability that the tokens drawn from have together, in (0, 1]; none: 1.
    pub top_p: Option<f64>,
    /// What the score of a token that is there already is divided by where it is positive and multiplied
    /// with where it is negative (Keskar et al. 2019); 1 changes nothing.
    pub repetition_penalty: f64,
    /// What the draws follow from (0).
    pub seed: u64,
    /// How many tokens are written at most (256).
    pub most: usize,
    /// Tokens that end the text; they are not part of it.
    pub stop: Vec<i64>,
    /// Tokens that are never written: padding, unknown words.
    pub never: Vec<i64>,
}

impl Default for Sampling {
    /// As probable as the model says, up to 256 tokens.
    fn default() -> Self {
        Sampling {
            temperature: 1.0,
            top_k: None,
            top_p: None,
            repetition_penalty: 1.0,
            seed: 0,
            most: 256,
            stop: Vec::new(),
            never: Vec::new(),
        }
    }
}

impl Sampling {
    /// Always the highest scored token, up to so many.
    pub fn greedy(most: usize) -> Self {
        Sampling { temperature: 0.0, most, ..Sampling::default() }
    }

    /// Every setting that makes no sense, with the cure.
    pub(super) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if !(self.temperature.is_finite() && self.temperature >= 0.0) {
            let what = self.temperature;
            problems.push(format!("the temperature is {what}: choose a number from 0 on"));
        }
        if self.top_k == Some(0) {
            problems.push("top_k is 0, so that no token is left: choose 1 or more".into());
        }
        if let Some(p) = self.top_p
            && !(p > 0.0 && p <= 1.0)
        {
            problems.push(format!("top_p is {p}: choose a probability in (0, 1]"));
        }
        if !(self.repetition_penalty.is_finite() && self.repetition_penalty > 0.0) {
            let what = self.repetition_penalty;
            problems.push(format!("the repetition penalty is {what}: choose a number above 0"));
        }
        problems
    }

    /// The tokens that are drawn from after those that are there, the most probable first, with their
    /// probabilities.
    ///
    /// ```
    /// use glassbox::generate::Sampling;
    /// let scores = [1f32.ln(), 3f32.ln(), 2f32.ln()]; // 1 : 3 : 2
    /// let two = Sampling { top_k: Some(2), ..Sampling::default() };
    /// let [(first, p), (second, q)] = two.probabilities(&scores, &[])[..] else { panic!() };
    /// assert_eq!((first, second), (1, 2));
    /// assert!((p - 0.6).abs() < 1e-6 && (q - 0.4).abs() < 1e-6);
    /// ```
    pub fn probabilities(&self, scores: &[f32], there: &[i64]) -> Vec<(i64, f64)> {
        let left = self.weights(scores, there);
        let sum: f64 = left.iter().map(|(_, weight)| weight).sum();
        left.into_iter().map(|(id, weight)| (id as i64, weight / sum)).collect()
    }

    /// The token that follows those that are there, number `step` of what is written; none where no
    /// token is left to choose.
    pub fn choose(&self, scores: &[f32], there: &[i64], step: u64) -> Option<i64> {
        let left = self.weights(scores, there);
        let sum: f64 = left.iter().map(|(_, weight)| weight).sum();
        let mut rest = Stream::new(self.seed, "generate", 0).at_step(step).uniform(0) * sum;
        let last = left.last()?.0;
        let chosen = left.iter().find(|(_, weight)| {
            rest -= weight;
            rest < 0.0
        });
        Some(chosen.map_or(last, |(id, _)| *id) as i64)
    }

    /// The tokens that are drawn from and what each counts, the highest scored first.
    fn weights(&self, scores: &[f32], there: &[i64]) -> Vec<(usize, f64)> {
        let mut scores: Vec<f64> = scores.iter().map(|&score| f64::from(score)).collect();
        let mut met = vec![false; scores.len()];
        for id in there.iter().filter_map(|&id| usize::try_from(id).ok()) {
            if let (Some(score), Some(met)) = (scores.get_mut(id), met.get_mut(id))
                && !std::mem::replace(met, true)
            {
                let penalty = self.repetition_penalty;
                *score = if *score > 0.0 { *score / penalty } else { *score * penalty };
            }
        }
        for id in self.never.iter().filter_map(|&id| usize::try_from(id).ok()) {
            if let Some(score) = scores.get_mut(id) {
                *score = f64::NEG_INFINITY;
            }
        }
        let mut left: Vec<(usize, f64)> = scores
            .into_iter()
            .enumerate()
            .filter(|(_, score)| *score > f64::NEG_INFINITY)
            .collect();
        let higher = |a: &(usize, f64), b: &(usize, f64)| {
            b.1.partial_cmp(&a.1).unwrap_or(Ordering::Equal).then(a.0.cmp(&b.0))
        };
        if self.temperature == 0.0 {
            return left.into_iter().min_by(higher).map(|(id, _)| (id, 1.0)).into_iter().collect();
        }
        left.sort_by(higher);
        left.truncate(self.top_k.unwrap_or(usize::MAX));
        let highest = left.first().map_or(0.0, |(_, score)| *score);
        for (_, score) in &mut left {
            *score = ((*score - highest) / self.temperature).exp();
        }
        if let Some(p) = self.top_p {
            let sum: f64 = left.iter().map(|(_, weight)| weight).sum();
            let mut before = 0.0;
            left.retain(|(_, weight)| {
                let stays = before < p * sum;
                before += weight;
                stays
            });
        }
        left
    }
}

#[cfg(test)]
mod tests {
    use std::f32::consts::LN_2;

    use super::*;

    /// ln of 0.5, 0.25, 0.125, 0.125.
    const SCORES: [f32; 4] = [-LN_2, -2.0 * LN_2, -3.0 * LN_2, -3.0 * LN_2];

    fn frequencies(how: &Sampling) -> [f64; 4] {
        let mut counts = [0.0; 4];
        for step in 0..20_000 {
            counts[how.choose(&SCORES, &[], step).unwrap() as usize] += 1.0 / 20_000.0;
        }
        counts
    }

    #[test]
    fn tokens_are_drawn_as_often_as_they_are_probable() {
        // Deviations below four standard ones, √(0.25 / 20000) at most.
        let near = |a: [f64; 4], b: [f64; 4]| {
            assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 0.015), "{a:?} {b:?}");
        };
        near(frequencies(&Sampling::default()), [0.5, 0.25, 0.125, 0.125]);
        // At temperature ½ probabilities are squared: 16, 4, 1, 1 of 22.
        let half = Sampling { temperature: 0.5, ..Sampling::default() };
        near(frequencies(&half), [16.0 / 22.0, 4.0 / 22.0, 1.0 / 22.0, 1.0 / 22.0]);
        let two = Sampling { top_k: Some(2), ..Sampling::default() };
        near(frequencies(&two), [2.0 / 3.0, 1.0 / 3.0, 0.0, 0.0]);
        // 0.5 + 0.25 is less than 0.8: the third is needed, the fourth not.
        let nucleus = Sampling { top_p: Some(0.8), ..Sampling::default() };
        near(frequencies(&nucleus), [4.0 / 7.0, 2.0 / 7.0, 1.0 / 7.0, 0.0]);
        let never = Sampling { never: vec![0, 9, -1], ..Sampling::default() };
        near(frequencies(&never), [0.0, 0.5, 0.25, 0.25]);
    }

    #[test]
    fn what_is_there_is_less_likely_to_come_again() {
        let how = Sampling { repetition_penalty: 2.0, ..Sampling::greedy(1) };
        assert_eq!(how.choose(&[3.0, 2.0, -1.0], &[0, 0], 0), Some(1)); // 3 / 2, once
        assert_eq!(how.choose(&[-3.0, -2.0, -3.5], &[0, 1], 0), Some(2)); // -4 of -2
        assert_eq!(how.choose(&[], &[], 0), None);
    }

    #[test]
    fn senseless_settings_are_all_told() {
        let how = Sampling {
            temperature: -1.0,
            top_k: Some(0),
            top_p: Some(f64::NAN),
            repetition_penalty: 0.0,
            ..Sampling::default()
        };
        assert_eq!(how.problems().len(), 4);
    }
}
