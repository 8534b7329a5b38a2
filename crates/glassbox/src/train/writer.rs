//! A trained language model that goes on writing.

use std::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;

use glassbox_engine::Options;
use serde::Serialize;

use crate::Error;
use crate::generate::{Ending, Generator, Sampling};
use crate::io::published::{Pretrained, is_published};
use crate::train::folder::RunFolder;
use crate::train::language::Language;
use crate::train::trained::resolve;

/// A trained language model of a run, which goes on from a text.
///
/// ```no_run
/// use std::ops::ControlFlow;
/// use glassbox::Writer;
/// use glassbox::generate::Sampling;
/// let mut writer = Writer::load("runs/last")?;
/// let how = Sampling { temperature: 0.8, top_k: Some(20), ..Sampling::default() };
/// let text = writer.write("ROMEO:", &how, |piece| {
///     print!("{piece}");
///     ControlFlow::Continue(())
/// })?;
/// println!("\n{} tokens a second", text.tokens_per_second());
/// # Ok::<(), glassbox::Error>(())
/// ```
pub struct Writer {
    language: Language,
    cached: bool,
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Text {
    /// Without the prompt.
    pub text: String,
    /// How many tokens it has.
    pub tokens: usize,
    /// How many the prompt has.
    pub prompt_tokens: usize,
    /// How long it took, reading the prompt and planning among it.
    pub seconds: f64,
    /// Whether it ends by itself, not because it has as many tokens as were asked for.
    pub ended: bool,
}

impl Text {
    /// Written tokens a second.
    pub fn tokens_per_second(&self) -> f64 {
        self.tokens as f64 / self.seconds.max(1e-9)
    }
}

impl Writer {
    /// The model of a run folder, with its best weights, or of a published folder. `runs/last` is the
    /// newest run in `runs`.
    ///
    /// # Errors
    /// A folder that is neither, or has no checkpoint yet; a model that does not write; files that are
    /// corrupt or do not belong together.
    pub fn load(folder: impl AsRef<Path>) -> Result<Self, Error> {
        let folder = folder.as_ref();
        let found = Language::of(folder, |_| true)?;
        let found = found.filter(|language| language.model.decoder().is_some());
        let Some(language) = found else {
            let kind = match is_published(folder) {
                true => Pretrained::of_folder(folder, None)?.class().to_owned(),
                false => RunFolder::view(&resolve(folder)?)?.config()?.model.kind.to_string(),
            };
            return Err(Error::new(format!(
                "the model of {} is a {kind}, which does not write: train one that does, such as gpt, \
                 on text",
                folder.display()
            )));
        };
        Ok(Writer { language, cached: true })
    }

    /// Whether it keeps what it has read, in place of reading all of it again for each token.
    pub fn cached(self, cached: bool) -> Self {
        Writer { cached, ..self }
    }

    /// Checkpoints that could not be read, one of the others being taken in their place.
    pub fn warnings(&self) -> &[String] {
        &self.language.warnings
    }

    /// Goes on from a prompt and tells each piece of text as it comes: whole characters only. An empty
    /// prompt stands for the beginning of a line. Tokens that stand for no text are never written.
    ///
    /// # Errors
    /// A prompt with characters or words that the model does not know; senseless settings.
    pub fn write(
        &mut self,
        prompt: &str,
        how: &Sampling,
        mut tell: impl FnMut(&str) -> ControlFlow<()>,
    ) -> Result<Text, Error> {
        let began = Instant::now();
        let Language { model, values, text: prepared, .. } = &self.language;
        let tokenizer = &prepared.tokenizer;
        let ids = self.ids_of(prompt)?;
        let model = model.decoder().ok_or_else(|| Error::new("the model does not write"))?;
        let options = Options::default();
        let mut generator = Generator::new(model, values.clone(), options)?.cached(self.cached);
        let mut how = how.clone();
        how.never.extend(prepared.silent());
        // Published tables have rows beyond the last token.
        how.never.extend((tokenizer.vocabulary()..model.vocabulary()).map(|id| id as i64));
        how.stop.extend(prepared.end());
        let (mut text, mut decoder) = (String::new(), tokenizer.decoder());
        let written = generator.stream(&ids, &how, |id| {
            let piece = u32::try_from(id).ok().and_then(|id| decoder.push(id));
            match piece {
                None => ControlFlow::Continue(()),
                Some(piece) => {
                    text += &piece;
                    tell(&piece)
                }
            }
        })?;
        let rest = decoder.finish();
        if !rest.is_empty() {
            text += &rest;
            // It has ended either way.
            let _ = tell(&rest);
        }
        Ok(Text {
            text,
            tokens: written.ids.len(),
            prompt_tokens: ids.len(),
            seconds: began.elapsed().as_secs_f64(),
            ended: written.ending == Ending::Stop,
        })
    }

    /// The tokens of a prompt, behind what a document begins with; of none, what begins a text.
    fn ids_of(&self, prompt: &str) -> Result<Vec<i64>, Error> {
        let text = &self.language.text;
        let begin = text.begin();
        if let Some(start) = text.start().filter(|_| prompt.is_empty() && begin.is_empty()) {
            return Ok(vec![start]);
        }
        let prompt = if prompt.is_empty() && begin.is_empty() { "\n" } else { prompt };
        let mut ids = Vec::new();
        if text.tokenizer.encode_into(prompt, &mut ids) > 0 {
            let foreign = self.language.foreign(prompt);
            let foreign: Vec<&str> = foreign.iter().map(String::as_str).collect();
            return Err(Error::new(format!(
                "the model never saw {}: leave it out of the prompt, or train on text that has it",
                crate::nearest::listed(&foreign)
            )));
        }
        let ids: Vec<i64> = begin.into_iter().chain(ids.into_iter().map(i64::from)).collect();
        if ids.is_empty() {
            return Err(Error::new(
                "the prompt has no token that the model knows: give it another",
            ));
        }
        Ok(ids)
    }
}
