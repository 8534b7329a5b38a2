//! What a training of word vectors can be told.

use serde::Serialize;

use crate::Error;
use crate::nn::Schedule;
use crate::train::config::RunConfig;
use crate::words::words;

words! {
    /// Which of a window's words are guessed from which.
    Architecture {
        /// Each word around from the one in the middle (skip-gram): better for rare words.
        SkipGram = "skip_gram",
        /// The word in the middle from the mean of those around (continuous bag of words): faster.
        Cbow = "cbow",
    }
}

impl Architecture {
    /// The rate of the first program.
    pub fn rate(self) -> f64 {
        match self {
            Architecture::SkipGram => 0.025,
            Architecture::Cbow => 0.05,
        }
    }
}

/// The choices of Mikolov, Chen, Corrado, Dean, "Efficient estimation of word representations in
/// vector space" and Mikolov, Sutskever, Chen, Corrado, Dean, "Distributed representations of words
/// and phrases and their compositionality" (both 2013), with their usual values.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Settings {
    /// What is guessed from what.
    pub architecture: Architecture,
    /// Numbers in a vector.
    pub dimensions: usize,
    /// Words around that are looked at on each side, at most: each word draws from 1 to this many.
    pub window: usize,
    /// Words that are not there, drawn for each that is.
    pub negative: usize,
    /// Words rarer than this are left out.
    pub min_count: u64,
    /// A word whose share f of the text is larger is kept with chance √(sample/f) + sample/f; 0 keeps all.
    pub sample: f64,
    /// Times through the text.
    pub epochs: u64,
    /// The rate of the first steps, from which it falls in a line; see [`rate_for`](Self::rate_for).
    pub rate: f64,
    /// The share of the training before it falls.
    pub hold: f64,
    /// The rate of the last step.
    pub final_rate: f64,
    /// What all draws follow from.
    pub seed: u64,
}

impl Default for Settings {
    /// Those of skip-gram.
    fn default() -> Self {
        Settings::of(Architecture::SkipGram)
    }
}

impl Settings {
    /// The usual ones.
    ///
    /// ```
    /// use glassbox::word2vec::{Architecture, Settings};
    /// assert_eq!(Settings::of(Architecture::Cbow).rate, 2.0 * Settings::default().rate);
    /// ```
    pub fn of(architecture: Architecture) -> Self {
        Settings {
            architecture,
            dimensions: 100,
            window: 5,
            negative: 5,
            min_count: 5,
            sample: 1e-3,
            epochs: 5,
            rate: architecture.rate(),
            hold: 0.5,
            final_rate: 1e-4,
            seed: 42,
        }
    }

    /// The chance with which a word of this share of the text is kept: √(sample/share) + sample/share, as
    /// word2vec's program has it.
    ///
    /// ```
    /// use glassbox::word2vec::Settings;
    /// let settings = Settings { sample: 1e-3, ..Settings::default() };
    /// assert_eq!(settings.keeps(1e-3), 1.0);
    /// assert!((settings.keeps(0.1) - 0.11).abs() < 1e-9);
    /// ```
    pub fn keeps(&self, share: f64) -> f64 {
        let ratio = self.sample / share.max(f64::MIN_POSITIVE);
        if self.sample > 0.0 { (ratio.sqrt() + ratio).min(1.0) } else { 1.0 }
    }

    /// The rate that a training on a text of so many words is best begun with: [`Architecture::rate`], but
    /// 0.018 for skip-gram where it makes 30 million guesses or more, one for each word around. Where the
    /// change lies was found on what was held out of plays and of documentation (`docs/benchmarks.md`).
    ///
    /// ```
    /// use glassbox::word2vec::Settings;
    /// let usual = Settings::default();
    /// assert_eq!([200_000, 2_000_000].map(|words| usual.rate_for(words)), [0.025, 0.018]);
    /// ```
    pub fn rate_for(&self, words: u64) -> f64 {
        const MANY: u64 = 30_000_000;
        let around = self.window as u64 + 1;
        let guesses = words.saturating_mul(self.epochs).saturating_mul(around);
        match self.architecture {
            Architecture::SkipGram if guesses >= MANY => 0.018,
            architecture => architecture.rate(),
        }
    }

    /// What a configuration says.
    pub(crate) fn from_config(config: &RunConfig) -> Self {
        let (choices, train) = (&config.model.choices, &config.train);
        let rate = train.optimizer.lr();
        let usual = Settings::of(choices.architecture);
        Settings {
            architecture: choices.architecture,
            dimensions: choices.dimensions,
            window: choices.window,
            negative: choices.negative,
            min_count: choices.min_count,
            sample: choices.sample,
            epochs: train.epochs,
            rate,
            hold: match train.schedule {
                Schedule::Linear { hold } => hold,
                _ => usual.hold,
            },
            final_rate: usual.final_rate.min(rate),
            seed: train.seed,
        }
    }

    /// Everything that cannot be meant.
    ///
    /// # Errors
    /// All problems at once, each with its setting.
    pub fn check(&self) -> Result<(), Error> {
        let mut problems = Vec::new();
        let mut want = |holds: bool, what: &str| {
            if !holds {
                problems.push(what.to_owned());
            }
        };
        want(
            (1..=4096).contains(&self.dimensions),
            "`dimensions` is a whole number from 1 to 4096",
        );
        want((1..=1000).contains(&self.window), "`window` is a whole number from 1 to 1000");
        want((1..=100).contains(&self.negative), "`negative` is a whole number from 1 to 100");
        want(self.sample >= 0.0 && self.sample.is_finite(), "`sample` is 0 or more, such as 1e-3");
        want((1..=1_000_000).contains(&self.epochs), "`epochs` is a whole number, at least 1");
        want(self.rate > 0.0 && self.rate <= 1.0, "`rate` is above 0 and at most 1, such as 0.025");
        want((0.0..1.0).contains(&self.hold), "`hold` is a share from 0 to below 1");
        want(
            self.final_rate >= 0.0 && self.final_rate <= self.rate,
            "`final_rate` is 0 or more and at most `rate`",
        );
        if problems.is_empty() { Ok(()) } else { Err(Error::new(problems.join("\n"))) }
    }
}
