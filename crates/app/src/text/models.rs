//! What the models are, in a sentence each.

use super::Lang;

/// The model's word in a configuration, English, Korean.
pub const MODELS: &[(&str, &str, &str)] = &[(
    "mlp",
    "fully connected layers (multi-layer perceptron); tables, small images",
    "완전 연결 층 (다층 퍼셉트론). 표와 작은 이미지용",
)];

/// What a model is; nothing where it is not described yet.
pub fn about(lang: Lang, word: &str) -> &'static str {
    let found = MODELS.iter().find(|(known, _, _)| *known == word);
    found.map_or("", |&(_, english, korean)| match lang {
        Lang::English => english,
        Lang::Korean => korean,
    })
}

#[cfg(test)]
mod tests {
    use glassbox::train::config::ModelKind;

    use super::*;

    #[test]
    fn every_model_is_described_in_both_languages() {
        let known: Vec<&str> = MODELS.iter().map(|(word, _, _)| *word).collect();
        let kinds: Vec<&str> = ModelKind::ALL.iter().map(|kind| kind.word()).collect();
        assert_eq!(known, kinds);
    }
}
