//! Runs that begin with a published model of text: what follows from its folder, and how it is written back.

use std::path::{Path, PathBuf};

use glassbox_engine::Parameters;

use crate::Error;
use crate::data::{
    Arrangement, InputPreparation, Preparation, Spelling, TargetEncoding, TargetPreparation,
    TextPreparation,
};
use crate::io::FileError;
use crate::io::published::{self, Pretrained, Published, is_published};
use crate::nearest::listed;
use crate::nn::Module;
use crate::train::config::{Choices, ConfigError, ConfigProblem, ModelKind, RunConfig};
use crate::train::folder::RunFolder;
use crate::train::job::inference_of;
use crate::train::language::tokenizer_of;
use crate::train::run::DataRecord;
use crate::train::trained::{Model, resolve};
use crate::zoo::{BertHead, Wanted};

/// What a run keeps of the folder that its model is from.
pub(crate) const KEPT: &str = "published";
/// Tokens of a row, where nobody says and the model reads as many.
const CONTEXT: usize = 256;

/// The folder that says which published model weights are of: itself, or what a run kept of its own; none
/// of other weights.
fn description(weights: &str) -> Option<PathBuf> {
    let weights = Path::new(weights);
    [weights.to_owned(), weights.join(KEPT)].into_iter().find(|folder| is_published(folder))
}

/// The defaults for data at a path where weights are of a published model, which decides the model, its
/// sizes and the tokeniser; none of other weights.
pub(crate) fn defaults(path: &str, asked: &RunConfig) -> Result<Option<RunConfig>, Error> {
    let Some(folder) = asked.train.weights.as_deref().and_then(description) else {
        return Ok(None);
    };
    let published = Pretrained::of_folder(&folder, None)?;
    let [known, longest] = published.tokens();
    tokenizer_of(&folder, known)?;
    let mut config = RunConfig::new(path);
    if let Some(named) = published.named() {
        config.model.kind = ModelKind::Named(named);
    }
    config.model.choices = published.choices();
    config.model.published = Some(published);
    config.data.text.tokenizer = Some(folder.display().to_string());
    config.data.text.context = Some(CONTEXT.min(longest));
    Ok(Some(config))
}

/// Sets the model that a configuration's weights are of; what else it says of the model must agree.
pub(crate) fn settle(config: &mut RunConfig) -> Result<(), Error> {
    let weights = config.train.weights.clone().unwrap_or_default();
    if config.model.published.is_none() {
        let folder = description(&weights);
        let found = folder.map(|folder| Pretrained::of_folder(&folder, None)).transpose()?;
        config.model.published = found;
    }
    let Some(published) = &config.model.published else { return Ok(()) };
    let (word, own) = (published.module().name(), published.choices());
    let asked = Choices { dropout: own.dropout, ..config.model.choices };
    let folder = description(&weights).map(|folder| folder.display().to_string());
    let what = if config.model.kind.word() != word {
        format!(
            "`model.kind = \"{}\"`, but {weights} holds a {word}: leave it out",
            config.model.kind
        )
    } else if asked != own {
        format!(
            "{weights} says what sizes the model has: of `[model]`, only `dropout` can be set beside it"
        )
    } else if folder.is_some() && config.data.text.tokenizer != folder {
        format!(
            "the tokenizer comes with the weights: leave `data.text.tokenizer` out, or name {weights}"
        )
    } else {
        return Ok(());
    };
    let problems = vec![ConfigProblem { place: String::new(), message: what }];
    Err(Error::Config(ConfigError { path: None, problems }))
}

/// Keeps in a run's folder what its model's folder says of the model and of its tokens, so that the run
/// needs no other.
pub(crate) fn keep(config: &RunConfig, folder: &RunFolder) -> Result<(), FileError> {
    let from = config.train.weights.as_deref().and_then(description);
    let from = from.filter(|_| config.model.published.is_some());
    from.map_or(Ok(()), |from| published::copy_description(&from, &folder.file(KEPT)))
}

/// A run's configuration by which its data is read again: what was learned of texts, which follows from the
/// model, and the tokeniser that the run keeps, as the one that is named may be gone.
pub(crate) fn as_trained(config: &RunConfig, folder: &RunFolder) -> RunConfig {
    let kept = folder.file(KEPT);
    let mut config = config.clone();
    if is_published(&kept) {
        config.data.text.tokenizer = Some(kept.display().to_string());
    }
    let record = DataRecord::read(folder).ok();
    if let Some(text) = record.as_ref().and_then(|record| record.preparation.inputs.text()) {
        config.data.text.arrangement = text.arrangement;
    }
    config
}

/// A published model for rows as wanted, with this share left out in training.
///
/// # Errors
/// Rows that are no text, that are longer than what the model reads, or of tokens that it does not know.
pub(crate) fn module(
    published: &Pretrained,
    dropout: f64,
    wanted: &Wanted<'_>,
) -> Result<Box<dyn Module>, String> {
    let (word, [known, longest]) = (published.module().name(), published.tokens());
    let (Some(tokens), &[places]) = (wanted.tokens, wanted.row) else {
        return Err(format!("{word} reads text, not rows of shape {:?}", wanted.row));
    };
    if places > longest {
        return Err(format!(
            "rows have {places} tokens, and the model reads {longest} at most: --set \
             data.text.context={longest}"
        ));
    }
    if tokens > known {
        return Err(format!(
            "the tokenizer has {tokens} tokens, and the model knows {known}: take the one that was \
             published with it"
        ));
    }
    match published.clone().dropout(dropout).head(BertHead::of(wanted)) {
        Pretrained::Gpt(_) if wanted.own_places => {
            Err("gpt tells the next token, no tag of a word: take a bert".into())
        }
        Pretrained::Gpt(_) if !wanted.every_place => {
            Err("gpt tells the next token, no class of a text: take a bert".into())
        }
        Pretrained::Gpt(model) => Ok(Box::new(model)),
        Pretrained::Bert(model) => Ok(Box::new(model)),
    }
}

/// A published model that tells classes of texts, or tags of words, to be used as it is; none of a folder
/// that holds another.
pub(crate) fn classifier(folder: &Path) -> Result<Option<Model>, Error> {
    if !is_published(folder) {
        return Ok(None);
    }
    let described = Pretrained::of_folder(folder, None)?;
    let (count, of_words) = match &described {
        Pretrained::Bert(model) => match model.asked() {
            BertHead::Sequence(count) => (count, false),
            BertHead::Places(count) => (count, true),
            BertHead::None | BertHead::Tokens => return Ok(None),
        },
        Pretrained::Gpt(_) => return Ok(None),
    };
    let [known, context] = described.tokens();
    let published = Published::load(folder)?;
    check_learned(folder, &published)?;
    let names = published::classes(folder, count)?;
    let (arrangement, column, name, encoding) = match of_words {
        true => {
            let encoding = TargetEncoding::Tags { names, places: context };
            (Arrangement::Tags, "tokens", "tags", encoding)
        }
        false => {
            let encoding = TargetEncoding::Classes { names, spelling: Spelling::Text };
            (Arrangement::Label, "text", "label", encoding)
        }
    };
    let text = TextPreparation {
        tokenizer: tokenizer_of(folder, known)?,
        second: None,
        context,
        source: 0,
        arrangement,
        documents: false,
        column: Some(column.to_owned()),
    };
    let preparation = Preparation {
        inputs: InputPreparation::Text(Box::new(text)),
        target: TargetPreparation { name: name.to_owned(), encoding },
    };
    let mut config = RunConfig::new("");
    if let Some(named) = described.named() {
        config.model.kind = ModelKind::Named(named);
    }
    config.model.choices = described.choices();
    config.model.published = Some(described);
    let graph = inference_of(&config, &preparation, AT_ONCE)?;
    let one = inference_of(&config, &preparation, 1)?;
    let record = DataRecord::of_preparation(folder, preparation);
    Model::of(&graph, published.values, record)?.with_one(&one).map(Some)
}

/// Texts that a published model tells of at once.
const AT_ONCE: usize = 8;

/// A model whose head was never learned cannot be used.
pub(crate) fn check_learned(folder: &Path, published: &Published) -> Result<(), FileError> {
    if published.drawn.is_empty() {
        return Ok(());
    }
    let drawn: Vec<&str> = published.drawn.iter().map(String::as_str).collect();
    let what = format!(
        "lacks {}: the model has to learn before it can be used, `glassbox train FILE --weights {}`",
        listed(&drawn),
        folder.display()
    );
    Err(FileError::new(folder, what))
}

/// Writes the model of a run that began with a published one as a folder that Hugging Face's `transformers`
/// loads: `config.json`, `model.safetensors` in its names and the tokeniser's files. Gives the arrays that
/// were written.
///
/// ```no_run
/// let written = glassbox::train::publish("runs/last", "my-bert")?;
/// println!("{} arrays", written.len());
/// # Ok::<(), glassbox::Error>(())
/// ```
///
/// # Errors
/// A folder that is not a run, has no checkpoint yet or began with no published model; a folder to write
/// to that is not empty.
pub fn publish(run: impl AsRef<Path>, folder: impl AsRef<Path>) -> Result<Parameters, Error> {
    let (run, folder) = (&resolve(run.as_ref())?, folder.as_ref());
    let view = RunFolder::view(run)?;
    let kept = view.file(KEPT);
    if !is_published(&kept) {
        let what = "began with no published model, whose configuration it would have: `--format \
                    safetensors` writes its weights";
        return Err(FileError::new(run, what).into());
    }
    let holds = |folder: &Path| std::fs::read_dir(folder).is_ok_and(|mut all| all.next().is_some());
    if holds(folder) {
        let what = "is not empty: name an empty or new folder";
        return Err(FileError::new(folder, what).into());
    }
    let target = DataRecord::read(&view)?.preparation.target;
    let (head, classes) = match (&target.encoding, target.classes()) {
        (_, Some(classes)) => (BertHead::Sequence(classes.len()), classes),
        (TargetEncoding::Tags { names, .. }, _) => (BertHead::Places(names.len()), &names[..]),
        (TargetEncoding::Tokens(_), None) => (BertHead::Tokens, &[][..]),
        _ => (BertHead::None, &[][..]),
    };
    let Some((checkpoint, _)) = view.checkpoints().best()? else {
        return Err(FileError::new(run, "has no checkpoint yet: let it train first").into());
    };
    Ok(published::export(&kept, folder, Some(head), &checkpoint.weights(), classes)?)
}
