//! Every text that the program prints, in English and Korean side by side.
//!
//! A text is a method of [`Text`] that takes its placeholders; the compiler checks that both
//! languages use exactly those.

mod alarm;
pub mod help;
mod messages;
pub mod models;

pub use messages::CATALOGUE;

use glassbox::lesson::Language;
use glassbox::train::folder::RunState;

/// A language that the program speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Lang {
    /// English
    #[default]
    English,
    /// 한국어
    Korean,
}

impl Lang {
    /// The codes that `--lang` takes.
    pub const CODES: [&'static str; 2] = ["en", "ko"];

    /// The language of a code, or of a locale such as `ko_KR.UTF-8`.
    pub fn from_code(code: &str) -> Option<Lang> {
        match code.split(['_', '-', '.']).next() {
            Some("en") => Some(Lang::English),
            Some("ko") => Some(Lang::Korean),
            _ => None,
        }
    }

    /// The language as lessons name it.
    pub fn of_lessons(self) -> Language {
        match self {
            Lang::English => Language::English,
            Lang::Korean => Language::Korean,
        }
    }

    /// The language that the arguments name, else the environment's, else English. Needed before
    /// the arguments are understood, because their errors are printed in it.
    pub fn choose(arguments: &[String], environment: impl Fn(&str) -> Option<String>) -> Lang {
        let named = arguments.iter().enumerate().find_map(|(index, argument)| {
            let code = match argument.strip_prefix("--lang") {
                Some("") => arguments.get(index + 1)?,
                Some(rest) => rest.strip_prefix('=')?,
                None => return None,
            };
            Lang::from_code(code)
        });
        let locale = || {
            let variables = ["LC_ALL", "LC_MESSAGES", "LANG"];
            let set = variables.iter().find_map(|name| environment(name).filter(|v| !v.is_empty()));
            Lang::from_code(&set?)
        };
        named.or_else(locale).unwrap_or_default()
    }
}

/// The texts in one language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Text {
    /// The language.
    pub lang: Lang,
}

impl Text {
    /// The texts in `lang`.
    pub fn new(lang: Lang) -> Self {
        Text { lang }
    }

    /// The name of a figure, short enough for the progress line; its own name where it is unknown.
    pub fn metric(self, name: &str) -> String {
        match name {
            "loss" => self.metric_loss(),
            "accuracy" => self.metric_accuracy(),
            "balanced_accuracy" => self.metric_balanced_accuracy(),
            "f1_macro" => self.metric_f1_macro(),
            "entity_f1" => self.metric_entity_f1(),
            "entity_precision" => self.metric_entity_precision(),
            "entity_recall" => self.metric_entity_recall(),
            "roc_auc" => self.metric_roc_auc(),
            "average_precision" => self.metric_average_precision(),
            "top_5_accuracy" => self.metric_top_5_accuracy(),
            "median_ae" => self.metric_median_ae(),
            other => other.to_owned(),
        }
    }

    /// The full name of a figure, for tables.
    pub fn metric_in_full(self, name: &str) -> String {
        match (self.lang, name) {
            // In English it is the name that the JSON has too.
            (Lang::English, name) => name.to_owned(),
            (Lang::Korean, name) => self.metric(name),
        }
    }

    /// What is made small, by the loss's symbol.
    pub fn loss(self, symbol: &str) -> String {
        match symbol {
            "CE" => self.loss_cross_entropy(),
            "BCE" => self.loss_binary_cross_entropy(),
            "MSE" => self.loss_squared_error(),
            "SSR" => self.loss_sum_of_squares(),
            "MAE" => self.loss_absolute_error(),
            "Huber" => self.loss_huber(),
            "NLL" => self.loss_gaussian_nll(),
            "loss" => self.loss_own(),
            "L" => self.loss_of_model(),
            other => other.to_owned(),
        }
    }

    /// What a run is doing.
    pub fn state(self, state: RunState) -> String {
        match state {
            RunState::Running => self.state_running(),
            RunState::Interrupted => self.state_interrupted(),
            RunState::Finished => self.state_finished(),
            RunState::Failed => self.state_failed(),
        }
    }

    /// The name of a part of the data.
    pub fn split(self, name: &str) -> String {
        match name {
            "train" => self.split_train(),
            "valid" => self.split_valid(),
            "test" => self.split_test(),
            other => other.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The `{placeholders}` of a text, sorted.
    fn placeholders(text: &str) -> Vec<&str> {
        let mut names: Vec<&str> = text
            .split('{')
            .skip(1)
            .filter_map(|rest| rest.split_once('}').map(|(n, _)| n))
            .collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn every_text_is_in_both_languages_with_the_same_placeholders() {
        assert!(CATALOGUE.concat().len() > 20);
        for (key, english, korean) in CATALOGUE.concat() {
            assert!(!english.is_empty() && !korean.is_empty(), "{key}");
            assert_eq!(placeholders(english), placeholders(korean), "{key}");
        }
        for (key, english, korean) in help::HELP {
            assert!(!english.is_empty() && !korean.is_empty(), "{key}");
            let korean_letters = korean.chars().any(|c| ('가'..='힣').contains(&c));
            assert!(korean_letters, "{key} is not Korean: {korean}");
        }
    }

    #[test]
    fn keys_are_unique() {
        let texts = CATALOGUE.concat();
        let keys = texts.iter().chain(help::HELP).map(|(key, _, _)| key);
        let unique: std::collections::BTreeSet<_> = keys.clone().collect();
        assert_eq!(unique.len(), keys.count());
    }

    #[test]
    fn the_flag_decides_the_language_and_else_the_locale() {
        let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let korean = |name: &str| (name == "LANG").then(|| "ko_KR.UTF-8".to_owned());
        assert_eq!(Lang::choose(&words("train iris.csv"), korean), Lang::Korean);
        assert_eq!(Lang::choose(&words("train --lang en"), korean), Lang::English);
        assert_eq!(Lang::choose(&words("--lang=ko train"), |_| None), Lang::Korean);
        assert_eq!(Lang::choose(&words("train"), |_| Some("C".into())), Lang::English);
    }
}
