//! A trained model of masked tokens, which says what may stand at hidden places.

use std::path::Path;

use glassbox_engine::Options;
use serde::Serialize;

use crate::Error;
use crate::data::text::{Arrangement, Special};
use crate::generate::fill;
use crate::train::language::Language;

/// A model of masked tokens, of a run or of a published folder, which fills what is hidden in a text.
///
/// ```no_run
/// use glassbox::Filler;
/// let filler = Filler::load("runs/last")?;
/// for hidden in filler.fill("Paris is the [MASK] of France.", 5)?.places {
///     for candidate in hidden.candidates {
///         println!("{} {:.3}", candidate.token, candidate.probability);
///     }
/// }
/// # Ok::<(), glassbox::Error>(())
/// ```
pub struct Filler {
    language: Language,
}

/// A text whose hidden tokens were told.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Filled {
    /// The text as it was given.
    pub text: String,
    /// With the most probable token at every hidden place.
    pub filled: String,
    /// What may stand at each hidden place, in the order of the text.
    pub places: Vec<Hidden>,
    /// How many words or characters of the text the model does not know.
    pub unknown: u64,
}

/// A hidden place of a text.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Hidden {
    /// Which token of the text it is, from 1.
    pub token: usize,
    /// What may stand there, the most probable first.
    pub candidates: Vec<Candidate>,
}

/// What may stand at a hidden place.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Candidate {
    /// The token, as a person reads it.
    pub token: String,
    /// Its probability.
    pub probability: f64,
}

impl Filler {
    /// The model of a run folder, with its best weights, or of a published folder; none where it is not
    /// one of masked tokens. `runs/last` is the newest run in `runs`.
    ///
    /// # Errors
    /// A folder that is neither, or has no checkpoint yet; files that are corrupt or do not belong
    /// together.
    pub fn of(folder: impl AsRef<Path>) -> Result<Option<Self>, Error> {
        let masked = |arrangement| matches!(arrangement, Arrangement::Masked(_));
        Ok(Language::of(folder.as_ref(), masked)?.map(|language| Filler { language }))
    }

    /// As [`of`](Self::of), where it must be a model of masked tokens.
    ///
    /// # Errors
    /// As [`of`](Self::of), and another model.
    pub fn load(folder: impl AsRef<Path>) -> Result<Self, Error> {
        let folder = folder.as_ref();
        let other = || {
            Error::new(format!(
                "the model of {} does not tell hidden tokens: train one that does, such as bert, on text",
                folder.display()
            ))
        };
        Filler::of(folder)?.ok_or_else(other)
    }

    /// Checkpoints that could not be read, one of the others being taken in their place.
    pub fn warnings(&self) -> &[String] {
        &self.language.warnings
    }

    /// What may stand where a text has `[MASK]` or `<mask>`: the `most` most probable tokens for each. A
    /// place is one token: a character, a word or a part of one, as the model's tokeniser cuts text.
    ///
    /// # Errors
    /// A text in which nothing is hidden, or that is longer than what the model reads.
    pub fn fill(&self, text: &str, most: usize) -> Result<Filled, Error> {
        let Language { model, values, text: prepared, .. } = &self.language;
        let tokenizer = &prepared.tokenizer;
        let special = |special| tokenizer.special(special);
        let mask = special(Special::Mask).ok_or_else(|| Error::new("no token hides another"))?;
        let name = tokenizer.token(mask).into_owned();
        let mut marked = text.to_owned();
        for other in Special::Mask.names() {
            marked = marked.replace(other, &name);
        }
        if tokenizer.kind() == "bpe" {
            // A token that stands for a word has the space before it in it.
            marked = marked.replace(&format!(" {name}"), &name);
        }
        let own = tokenizer.encode_marked(&marked);
        let unknown = marked.split(&name).map(|part| tokenizer.encode_into(part, &mut Vec::new()));
        let unknown = unknown.sum();
        if !own.contains(&mask) {
            return Err(Error::new(
                "nothing is hidden in the text: write [MASK] where a token is to be told",
            ));
        }
        let first = special(Special::Class);
        let ids: Vec<u32> =
            first.into_iter().chain(own).chain(special(Special::Separator)).collect();
        if ids.len() > prepared.context {
            return Err(Error::new(format!(
                "the text has {} tokens, and the model reads {} at most: give it less of it",
                ids.len(),
                prepared.context
            )));
        }
        let known = tokenizer.vocabulary();
        let wide: Vec<i64> = ids.iter().map(|id| i64::from(*id)).collect();
        let options = Options::default();
        let mask = i64::from(mask);
        // Tokens that stand for no text are no candidates.
        let silent = prepared.silent();
        let asked = most.saturating_add(silent.len());
        let found = fill(&**model, values.clone(), &wide, mask, asked, options)?;
        let mut filled = ids;
        let mut places = Vec::new();
        for found in found {
            let text_of = |id: i64| u32::try_from(id).ok().filter(|id| (*id as usize) < known);
            let candidates = found.tokens.iter().filter(|(id, _)| !silent.contains(id));
            let candidates: Vec<(u32, f64)> =
                candidates.filter_map(|(id, p)| Some((text_of(*id)?, *p))).take(most).collect();
            if let (Some(place), Some((best, _))) =
                (filled.get_mut(found.place), candidates.first())
            {
                *place = *best;
            }
            let told = |(id, probability): (u32, f64)| Candidate {
                token: tokenizer.token(id).into_owned(),
                probability,
            };
            let token = found.place + 1 - usize::from(first.is_some());
            places.push(Hidden { token, candidates: candidates.into_iter().map(told).collect() });
        }
        let filled = tokenizer.decode(&filled).trim().to_owned();
        Ok(Filled { text: text.to_owned(), filled, places, unknown })
    }
}
