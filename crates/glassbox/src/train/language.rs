//! A trained model of text with its values: of a run, or as it was published.

use std::path::Path;

use glassbox_engine::Parameters;

use crate::Error;
use crate::data::TextPreparation;
use crate::data::text::{Arrangement, Hiding, Tokenizer};
use crate::io::FileError;
use crate::io::published::{Pretrained, Published, is_published};
use crate::nn::Module;
use crate::train::folder::RunFolder;
use crate::train::job::model_of_run;
use crate::train::pretrained::check_learned;
use crate::train::run::DataRecord;
use crate::train::trained::resolve;
use crate::zoo::BertHead;

/// A trained model of text.
pub(crate) struct Language {
    pub model: Box<dyn Module>,
    pub values: Parameters,
    pub text: TextPreparation,
    /// Checkpoints that could not be read.
    pub warnings: Vec<String>,
}

impl Language {
    /// The model of a run, with its best weights, or of a published folder; none where it is not one of
    /// text that was arranged as wanted. `runs/last` is the newest run in `runs`.
    pub fn of(path: &Path, wanted: fn(Arrangement) -> bool) -> Result<Option<Self>, Error> {
        if is_published(path) {
            let model = Pretrained::of_folder(path, None)?;
            return match learned(&model).filter(|learned| wanted(*learned)) {
                Some(learned) => Language::published(path, &model, learned).map(Some),
                None => Ok(None),
            };
        }
        let run = &resolve(path)?;
        let folder = RunFolder::view(run)?;
        let record = DataRecord::read(&folder)?;
        let text = record.preparation.inputs.text();
        let Some(text) = text.filter(|text| wanted(text.arrangement)) else { return Ok(None) };
        let model = model_of_run(&folder.config()?, &record.preparation)?;
        let Some((checkpoint, warnings)) = folder.checkpoints().best()? else {
            return Err(Error::new(format!(
                "{} has no checkpoint yet: let it train until its first one",
                run.display()
            )));
        };
        let text = text.clone();
        Ok(Some(Language { model, values: checkpoint.weights(), text, warnings }))
    }

    fn published(
        folder: &Path,
        described: &Pretrained,
        learned: Arrangement,
    ) -> Result<Self, Error> {
        let [known, context] = described.tokens();
        let tokenizer = tokenizer_of(folder, known)?;
        let arrangement = learned.of(&tokenizer).map_err(|error| FileError::new(folder, error))?;
        let text = TextPreparation {
            tokenizer,
            second: None,
            context,
            source: 0,
            arrangement,
            documents: false,
            column: None,
        };
        let published = Published::load(folder)?;
        check_learned(folder, &published)?;
        let Published { model, values, .. } = published;
        let model: Box<dyn Module> = match model {
            Pretrained::Gpt(model) => Box::new(model),
            Pretrained::Bert(model) => Box::new(model),
        };
        Ok(Language { model, values, text, warnings: Vec::new() })
    }

    /// The words or characters of a text that the model does not know, each once.
    pub fn foreign(&self, text: &str) -> Vec<String> {
        let tokenizer = &self.text.tokenizer;
        let unknown = |piece: &String| tokenizer.encode_into(piece, &mut Vec::new()) > 0;
        let pieces: Vec<String> = match tokenizer.kind() {
            "character" => text.chars().map(String::from).collect(),
            _ => text.split_whitespace().map(str::to_owned).collect(),
        };
        let mut foreign: Vec<String> = pieces.into_iter().filter(unknown).collect();
        foreign.sort_unstable();
        foreign.dedup();
        foreign
    }
}

/// The tokeniser of a published folder, which must have no more tokens than the model knows.
pub(crate) fn tokenizer_of(folder: &Path, known: usize) -> Result<Tokenizer, Error> {
    let tokenizer = Tokenizer::load(folder)?;
    let tokens = tokenizer.vocabulary();
    if tokens > known {
        let what = format!(
            "the tokenizer has {tokens} tokens, and the model knows {known}: they do not belong together"
        );
        return Err(FileError::new(folder, what).into());
    }
    Ok(tokenizer)
}

/// What a published model learned of texts; none where it tells no tokens.
fn learned(model: &Pretrained) -> Option<Arrangement> {
    match model {
        Pretrained::Gpt(_) => Some(Arrangement::Next),
        Pretrained::Bert(model) if model.asked() == BertHead::Tokens => {
            Some(Arrangement::Masked(Hiding::default()))
        }
        Pretrained::Bert(_) => None,
    }
}
