//! What the models are, in a sentence each.

use super::Lang;
use super::help::in_lang;

/// A kind of model.
pub struct Model {
    /// Its word in a configuration.
    pub word: &'static str,
    /// What it is, and for what.
    about: [&'static str; 2],
    /// Settings beside the kind that it is drawn with, where its defaults draw nothing.
    pub example: &'static [&'static str],
}

/// Every kind of model, in the order in which they are offered.
pub const MODELS: &[Model] = &[
    Model {
        word: "mlp",
        about: [
            "fully connected layers (multi-layer perceptron); tables, small images",
            "완전 연결 층 (다층 퍼셉트론). 표와 작은 이미지용",
        ],
        example: &[],
    },
    Model {
        word: "network",
        about: [
            "layers of your own, with branches and skips, from [[model.layer]]",
            "[[model.layer]]로 직접 쌓는 층. 갈래와 건너뛰기도 가능",
        ],
        example: &[r#"model.layer=[
  { kind = "linear", units = 32 },
  { kind = "activation", activation = "relu", name = "first" },
  { kind = "linear", units = 32 },
  { kind = "activation", activation = "relu" },
  { kind = "add", from = ["first", "activation2"] },
]"#],
    },
];

impl Model {
    /// What it is, and for what.
    pub fn about(&self, lang: Lang) -> &'static str {
        in_lang(lang, self.about[0], self.about[1])
    }
}

#[cfg(test)]
mod tests {
    use glassbox::train::config::ModelKind;

    use super::*;

    #[test]
    fn every_kind_of_model_is_described() {
        let known: Vec<&str> = MODELS.iter().map(|model| model.word).collect();
        let kinds: Vec<&str> = ModelKind::ALL.iter().map(|kind| kind.word()).collect();
        assert_eq!(known, kinds);
    }
}
