//! Folders of published language models as Hugging Face's `transformers` saves them: `config.json`,
//! `model.safetensors` and the tokeniser's files. Those of GPT-2 and BERT are read, run, trained on and
//! written back so that `transformers` loads them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use glassbox_engine::{Array, DType, Graph, Mode, Parameters};
use serde_json::{Map, Value, json};

use super::safetensors::{self, Metadata};
use super::{FileError, atomic, pytorch};
use crate::nn::{Activation, Module};
use crate::zoo::{Bert, BertHead, Choices, Gpt, Named};

const CONFIG: &str = "config.json";
const WEIGHTS: &str = "model.safetensors";
/// Names the files of weights that are cut in several.
const INDEX: &str = "model.safetensors.index.json";
/// What tokenisers consist of.
const TOKENIZER: [&str; 7] = [
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "vocab.json",
    "merges.txt",
    "vocab.txt",
    "added_tokens.json",
];

/// A model that such a folder describes.
#[derive(Clone, Debug, PartialEq)]
pub enum Pretrained {
    /// `"model_type": "gpt2"`.
    Gpt(Gpt),
    /// `"model_type": "bert"`.
    Bert(Bert),
}

/// What a folder holds.
///
/// ```no_run
/// use glassbox::engine::Options;
/// use glassbox::generate::{Generator, Sampling};
/// use glassbox::io::published::Published;
/// let published = Published::load("gpt2".as_ref())?;
/// let model = published.model.module().decoder().ok_or("bert does not write")?;
/// let mut generator = Generator::new(model, published.values.clone(), Options::default())?;
/// let written = generator.write(&[15496, 11], &Sampling::greedy(20))?; // "Hello,"
/// published.save("copy".as_ref(), &published.values)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Published {
    /// The model.
    pub model: Pretrained,
    /// Its values, by path.
    pub values: Parameters,
    /// Paths of parameters that the folder does not have, or has for other classes: they are drawn, and
    /// have to be learned.
    pub drawn: Vec<String>,
    /// The configuration as it was read.
    pub config: Map<String, Value>,
    /// Arrays that the model has no place for, as they were read; they are written back.
    pub rest: Parameters,
    /// Where it was read from.
    folder: PathBuf,
}

/// Whether a folder says that it holds a published model: it has a `config.json`, and is no run.
pub fn is_published(folder: impl AsRef<Path>) -> bool {
    let has = |name: &str| folder.as_ref().join(name).is_file();
    has(CONFIG) && !has("run.toml")
}

impl Pretrained {
    /// The model that a folder's `config.json` describes, without its values; of BERT with this head, where
    /// one is asked for.
    ///
    /// # Errors
    /// A folder without that file, one that is no JSON, models of other types, settings that are not
    /// supported; all problems at once.
    pub fn of_folder(folder: &Path, head: Option<BertHead>) -> Result<Self, FileError> {
        Ok(described(folder, head)?.0)
    }

    /// The name by which a configuration calls models of its family; none where no family is called so.
    pub fn named(&self) -> Option<Named> {
        Named::from_word(self.module().name())
    }

    /// Its sizes, as a configuration says them.
    pub fn choices(&self) -> Choices {
        match self {
            Pretrained::Gpt(model) => model.choices(),
            Pretrained::Bert(model) => model.choices(),
        }
    }

    /// The same with another share left out in training.
    #[must_use]
    pub fn dropout(self, rate: f64) -> Self {
        match self {
            Pretrained::Gpt(model) => Pretrained::Gpt(model.dropout(rate)),
            Pretrained::Bert(model) => Pretrained::Bert(model.dropout(rate)),
        }
    }

    /// The same with another head; GPT has but one.
    #[must_use]
    pub fn head(self, head: BertHead) -> Self {
        match self {
            Pretrained::Bert(model) => Pretrained::Bert(model.head(head)),
            gpt @ Pretrained::Gpt(_) => gpt,
        }
    }

    /// How many different tokens it knows, and how many it looks at.
    pub fn tokens(&self) -> [usize; 2] {
        match self {
            Pretrained::Gpt(model) => [model.vocabulary(), model.longest()],
            Pretrained::Bert(model) => [model.vocabulary(), model.longest()],
        }
    }

    /// What Hugging Face calls it, e.g. `GPT2LMHeadModel`.
    pub fn class(&self) -> &'static str {
        self.names().0
    }

    /// The model.
    pub fn module(&self) -> &dyn Module {
        match self {
            Pretrained::Gpt(model) => model,
            Pretrained::Bert(model) => model,
        }
    }

    /// What Hugging Face calls it: the class, and what stands before all names but those that begin with
    /// the last.
    fn names(&self) -> (&'static str, &'static str, &'static str) {
        match self {
            Pretrained::Gpt(_) => ("GPT2LMHeadModel", "transformer.", "lm_head."),
            Pretrained::Bert(model) => match model.asked() {
                BertHead::None => ("BertModel", "", ""),
                BertHead::Tokens => ("BertForMaskedLM", "bert.", "cls."),
                BertHead::Sequence(_) => ("BertForSequenceClassification", "bert.", "classifier."),
                BertHead::Places(_) => ("BertForTokenClassification", "bert.", "classifier."),
            },
        }
    }

    /// The model in use, its result called `prediction`.
    fn graph(&self) -> Graph {
        let graph = Graph::new();
        let ids = graph.input("ids", DType::I64, [1, 1]);
        self.module().forward(graph.root(Mode::Eval), ids).named("prediction");
        graph
    }
}

/// Settings of a configuration, and what is wrong with them.
struct Settings<'a> {
    config: &'a Map<String, Value>,
    problems: Vec<String>,
}

impl Settings<'_> {
    fn number(&mut self, name: &str, otherwise: Option<f64>) -> f64 {
        let found = self.config.get(name).filter(|value| !value.is_null());
        match (found.map(|value| value.as_f64()), otherwise) {
            (Some(Some(number)), _) if number.is_finite() && number >= 0.0 => number,
            (None, Some(number)) => number,
            (None, None) => {
                self.problems.push(format!("`{name}` is missing"));
                1.0
            }
            (Some(_), _) => {
                let value = &self.config[name];
                self.problems.push(format!("`{name}` = {value} is no number from 0 on"));
                1.0
            }
        }
    }

    fn count(&mut self, name: &str, otherwise: Option<usize>) -> usize {
        let number = self.number(name, otherwise.map(|count| count as f64));
        if number.fract() != 0.0 || number > 1e9 {
            self.problems.push(format!("`{name}` = {number} is no count"));
            return 1;
        }
        number as usize
    }

    fn flag(&self, name: &str, otherwise: bool) -> bool {
        self.config.get(name).and_then(Value::as_bool).unwrap_or(otherwise)
    }

    /// A setting that changes what a model computes in a way that is not known here.
    fn unless(&mut self, name: &str, usual: bool) {
        if self.flag(name, usual) != usual {
            self.problems.push(format!("`{name}` = {} is not supported", !usual));
        }
    }

    fn activation(&mut self, name: &str, otherwise: &str) -> Activation {
        let word = self.config.get(name).and_then(Value::as_str).unwrap_or(otherwise);
        match ACTIVATIONS.iter().find(|(known, _)| *known == word) {
            Some((_, activation)) => *activation,
            None => {
                let known: Vec<&str> = ACTIVATIONS.iter().map(|(word, _)| *word).collect();
                let hint = crate::nearest::suggestion(word, "activations", &known);
                self.problems.push(format!("`{name}` = \"{word}\": {hint}"));
                Activation::Identity
            }
        }
    }
}

/// Hugging Face's words.
const ACTIVATIONS: [(&str, Activation); 8] = [
    ("gelu_new", Activation::Gelu { approximate: true }),
    ("gelu_pytorch_tanh", Activation::Gelu { approximate: true }),
    ("gelu", Activation::Gelu { approximate: false }),
    ("relu", Activation::Relu),
    ("silu", Activation::Silu),
    ("swish", Activation::Silu),
    ("tanh", Activation::Tanh),
    ("sigmoid", Activation::Sigmoid),
];

/// The model of a configuration; of BERT with this head, where one is asked for.
fn model(config: &Map<String, Value>, head: Option<BertHead>) -> Result<Pretrained, String> {
    let mut settings = Settings { config, problems: Vec::new() };
    let vocabulary = settings.count("vocab_size", None);
    let model = match config.get("model_type").and_then(Value::as_str) {
        Some("gpt2") => {
            settings.unless("scale_attn_weights", true);
            settings.unless("scale_attn_by_inverse_layer_idx", false);
            settings.unless("add_cross_attention", false);
            let units = settings.count("n_embd", Some(768));
            let hidden = settings.count("n_inner", Some(4 * units));
            Pretrained::Gpt(
                Gpt::new(vocabulary)
                    .context(settings.count("n_positions", Some(1024)))
                    .layers(settings.count("n_layer", Some(12)))
                    .heads(settings.count("n_head", Some(12)))
                    .units(units)
                    .hidden(hidden)
                    .dropout(settings.number("resid_pdrop", Some(0.1)))
                    .epsilon(settings.number("layer_norm_epsilon", Some(1e-5)))
                    .activation(settings.activation("activation_function", "gelu_new"))
                    .tied(settings.flag("tie_word_embeddings", true)),
            )
        }
        Some("bert") => {
            settings.unless("is_decoder", false);
            settings.unless("tie_word_embeddings", true);
            let positions = config.get("position_embedding_type").and_then(Value::as_str);
            if let Some(other) = positions.filter(|word| *word != "absolute") {
                let what = format!("`position_embedding_type` = \"{other}\" is not supported");
                settings.problems.push(what);
            }
            let named = config.get("id2label").and_then(Value::as_object).map_or(2, Map::len);
            let classes = settings.count("num_labels", Some(named));
            let class = config.get("architectures").and_then(|names| names.get(0)?.as_str());
            let own = match class {
                Some("BertForMaskedLM" | "BertForPreTraining") => BertHead::Tokens,
                Some("BertForSequenceClassification") => BertHead::Sequence(classes),
                Some("BertForTokenClassification") => BertHead::Places(classes),
                _ => BertHead::None,
            };
            let units = settings.count("hidden_size", Some(768));
            Pretrained::Bert(
                Bert::new(vocabulary, head.unwrap_or(own))
                    .context(settings.count("max_position_embeddings", Some(512)))
                    .types(settings.count("type_vocab_size", Some(2)))
                    .layers(settings.count("num_hidden_layers", Some(12)))
                    .heads(settings.count("num_attention_heads", Some(12)))
                    .units(units)
                    .hidden(settings.count("intermediate_size", Some(4 * units)))
                    .dropout(settings.number("hidden_dropout_prob", Some(0.1)))
                    .epsilon(settings.number("layer_norm_eps", Some(1e-12)))
                    .activation(settings.activation("hidden_act", "gelu"))
                    .padding(settings.count("pad_token_id", Some(0)) as i64),
            )
        }
        other => {
            return Err(format!(
                "`model_type` = {}: models of the types gpt2 and bert are known",
                other.map_or("missing".into(), |word| format!("\"{word}\""))
            ));
        }
    };
    if settings.problems.is_empty() { Ok(model) } else { Err(settings.problems.join("; ")) }
}

fn json_file(path: &Path) -> Result<Map<String, Value>, FileError> {
    let text = std::fs::read_to_string(path).map_err(FileError::at(path, "cannot read"))?;
    serde_json::from_str(&text)
        .map_err(|what| FileError::new(path, format_args!("no JSON: {what}")))
}

/// The model of a folder, and its configuration as it was read.
fn described(
    folder: &Path,
    head: Option<BertHead>,
) -> Result<(Pretrained, Map<String, Value>), FileError> {
    let at = folder.join(CONFIG);
    if folder.is_dir() && !at.exists() {
        let what = "has no config.json, which says what model it holds: name a folder as \
                    `model.save_pretrained(folder)` writes it";
        return Err(FileError::new(folder, what));
    }
    let config = json_file(&at)?;
    let model = model(&config, head).map_err(|what| FileError::new(&at, what))?;
    Ok((model, config))
}

/// Parts of a model that are learned anew where a file lacks them, as classifiers are.
const ADDED: [&str; 2] = ["cls/", "pooler/"];

/// What a file's arrays give a model; heads that it lacks are to be drawn.
pub(crate) fn values_of(
    graph: &Graph,
    file: &mut Parameters,
) -> Result<pytorch::Read, Vec<String>> {
    let lacks = |part: &&str| {
        let name = part.replace('/', ".");
        let has = |found: &str| {
            [*part, &name]
                .into_iter()
                .any(|p| found.starts_with(p) || found.contains(&format!(".{p}")))
        };
        !file.iter().any(|(found, _)| has(found))
    };
    let lacking: Vec<&str> = ADDED.into_iter().filter(lacks).collect();
    let anew = |path: &str| lacking.iter().any(|part| path.starts_with(part));
    let mut added = Vec::new();
    if graph.declarations().iter().any(|(path, _)| anew(path)) {
        for (path, array) in graph.initial_values(0).iter().filter(|(path, _)| anew(path)) {
            file.insert(path, array.clone());
            added.push(path.to_owned());
        }
    }
    let mut read = pytorch::read(graph, file)?;
    added.iter().for_each(|path| drop(read.values.remove(path)));
    read.drawn.extend(added);
    Ok(read)
}

/// Puts the rows of a file's classifier into the order of these classes, where it is of the same ones.
pub(crate) fn reorder(folder: &Path, file: &mut Parameters, classes: &[String]) {
    let Ok(own) = self::classes(folder, classes.len()) else { return };
    let places: Option<Vec<usize>> =
        classes.iter().map(|class| own.iter().position(|own| own == class)).collect();
    let Some(places) = places.filter(|places| !places.is_sorted()) else { return };
    for name in ["classifier.weight", "classifier.bias"] {
        let Some(array) = file.get(name) else { continue };
        let (sizes, Some(numbers)) = (array.shape().sizes().to_vec(), array.as_f32()) else {
            continue;
        };
        let row = numbers.len() / classes.len().max(1);
        if sizes.first() != Some(&classes.len()) {
            continue;
        }
        let rows = places.iter().filter_map(|at| numbers.get(at * row..(at + 1) * row));
        let moved: Vec<f32> = rows.flatten().copied().collect();
        if let Ok(moved) = Array::new(sizes, moved) {
            file.insert(name, moved);
        }
    }
}

/// All arrays of a folder, from one file or several.
pub(crate) fn arrays(folder: &Path) -> Result<Parameters, FileError> {
    let (whole, index) = (folder.join(WEIGHTS), folder.join(INDEX));
    if !index.exists() || whole.exists() {
        if !whole.exists() && folder.join("pytorch_model.bin").exists() {
            let cure = "its weights are in PyTorch's own format, which can run programs: save them \
                        as safetensors, `model.save_pretrained(folder)`";
            return Err(FileError::new(folder, cure));
        }
        return Ok(safetensors::read(&whole)?.0);
    }
    let map = json_file(&index)?;
    let map = map.get("weight_map").and_then(Value::as_object);
    let wrong = || FileError::new(&index, "`weight_map` does not name files of this folder");
    let files: BTreeSet<&str> = map
        .ok_or_else(wrong)?
        .values()
        .map(|name| name.as_str().filter(|name| !name.contains(['/', '\\'])))
        .collect::<Option<_>>()
        .ok_or_else(wrong)?;
    let mut all = Parameters::new();
    for file in files {
        let (part, _) = safetensors::read(&folder.join(file))?;
        part.iter().for_each(|(name, array)| drop(all.insert(name, array.clone())));
    }
    Ok(all)
}

impl Published {
    /// Reads a folder with the head that its configuration names.
    ///
    /// # Errors
    /// Files that are missing or corrupt, models of other types, settings that are not supported, arrays
    /// that are missing or have another shape; all problems of a file at once.
    pub fn load(folder: &Path) -> Result<Self, FileError> {
        Self::read(folder, None)
    }

    /// Reads a folder of BERT with another head, to be learned: see [`drawn`](Self::drawn).
    ///
    /// # Errors
    /// As [`load`](Self::load); a folder of another model.
    pub fn load_with_head(folder: &Path, head: BertHead) -> Result<Self, FileError> {
        let published = Self::read(folder, Some(head))?;
        match published.model {
            Pretrained::Bert(_) => Ok(published),
            Pretrained::Gpt(_) => {
                Err(FileError::new(folder, "only models of the type bert have another head"))
            }
        }
    }

    fn read(folder: &Path, head: Option<BertHead>) -> Result<Self, FileError> {
        let (model, config) = described(folder, head)?;
        let mut file = arrays(folder)?;
        let graph = model.graph();
        graph.check().map_err(|what| FileError::new(folder.join(CONFIG), what))?;
        let read = values_of(&graph, &mut file)
            .map_err(|problems| FileError::new(folder, problems.join("\n")))?;
        let mut values = read.values;
        if !read.drawn.is_empty() {
            let drawn = graph.initial_values(0);
            for path in &read.drawn {
                if let Some(array) = drawn.get(path) {
                    values.insert(path.clone(), array.clone());
                }
            }
        }
        let rest =
            read.unused.iter().filter_map(|name| Some((name.clone(), file.get(name)?.clone())));
        let rest = rest.collect();
        let drawn = read.drawn;
        Ok(Published { model, values, drawn, config, rest, folder: folder.to_owned() })
    }

    /// The folder's `tokenizer.json`, where it has one.
    pub fn tokenizer(&self) -> Option<PathBuf> {
        Some(self.folder.join("tokenizer.json")).filter(|path| path.is_file())
    }

    /// Writes a folder with these values, such as they are after training: the names, layouts and
    /// settings that it was read with, and the tokeniser's files beside.
    ///
    /// # Errors
    /// Values of another model; files that cannot be written.
    pub fn save(&self, folder: &Path, values: &Parameters) -> Result<(), FileError> {
        let (model, config) = (&self.model, self.config.clone());
        write(folder, model, config, values, &self.rest, &[])?;
        copy(&self.folder, folder, &TOKENIZER)
    }
}

/// The names of a folder's classes, in their order: its `id2label`, or `LABEL_0` … where it has none.
pub(crate) fn classes(folder: &Path, count: usize) -> Result<Vec<String>, FileError> {
    let config = json_file(&folder.join(CONFIG))?;
    let names = config.get("id2label").and_then(Value::as_object);
    let name = |class: usize| {
        let name = names.and_then(|names| names.get(&class.to_string())?.as_str());
        name.map_or_else(|| format!("LABEL_{class}"), str::to_owned)
    };
    Ok((0..count).map(name).collect())
}

/// Copies what says which model a folder holds and how its text becomes tokens; not its weights.
pub(crate) fn copy_description(from: &Path, to: &Path) -> Result<(), FileError> {
    std::fs::create_dir_all(to).map_err(FileError::at(to, "cannot create"))?;
    copy(from, to, &[&[CONFIG], &TOKENIZER[..]].concat())
}

/// Writes a folder of a model whose description is in another: with this head, these values, and the names
/// of its classes, where it has some. Gives the arrays that were written.
///
/// # Errors
/// A description that is corrupt, values of another model, files that cannot be written.
pub(crate) fn export(
    described_in: &Path,
    folder: &Path,
    head: Option<BertHead>,
    values: &Parameters,
    classes: &[String],
) -> Result<Parameters, FileError> {
    let (model, config) = described(described_in, head)?;
    let written = write(folder, &model, config, values, &Parameters::new(), classes)?;
    copy(described_in, folder, &TOKENIZER)?;
    Ok(written)
}

/// Those of these files that are there.
fn copy(from: &Path, to: &Path, names: &[&str]) -> Result<(), FileError> {
    for name in names {
        if let Ok(bytes) = std::fs::read(from.join(name)) {
            atomic::write(&to.join(name), &bytes)?;
        }
    }
    Ok(())
}

/// Writes configuration and weights of a model; `rest` are arrays that it has no place for.
fn write(
    folder: &Path,
    model: &Pretrained,
    mut config: Map<String, Value>,
    values: &Parameters,
    rest: &Parameters,
    classes: &[String],
) -> Result<Parameters, FileError> {
    let (class, prefix, head) = model.names();
    let written =
        pytorch::write(&model.graph(), values).map_err(|what| FileError::new(folder, what))?;
    let of_head = |name: &str| !head.is_empty() && name.starts_with(head);
    // What is not written is left as it was, but for another head.
    let mut all: Parameters = rest
        .iter()
        .filter(|(name, _)| !name.starts_with("cls.") && !name.starts_with("classifier."))
        .map(|(name, array)| (name.to_owned(), array.clone()))
        .collect();
    for (name, array) in written.iter() {
        let name = if of_head(name) { name.into() } else { format!("{prefix}{name}") };
        all.insert(name, array.clone());
    }
    config.insert("architectures".into(), json!([class]));
    if let Pretrained::Bert(model) = model
        && let BertHead::Sequence(count) | BertHead::Places(count) = model.asked()
        && (!classes.is_empty()
            || config.get("id2label").and_then(Value::as_object).map(Map::len) != Some(count))
    {
        let name = |class| classes.get(class).cloned().unwrap_or(format!("LABEL_{class}"));
        let names = (0..count).map(|class| (class.to_string(), json!(name(class))));
        config.insert("id2label".into(), Value::Object(names.collect()));
        let numbers = (0..count).map(|class| (name(class), json!(class)));
        config.insert("label2id".into(), Value::Object(numbers.collect()));
    }
    std::fs::create_dir_all(folder).map_err(FileError::at(folder, "cannot create"))?;
    let text = format!("{:#}\n", Value::Object(config));
    atomic::write(&folder.join(CONFIG), text.as_bytes())?;
    let metadata = Metadata::from([("format".to_owned(), "pt".to_owned())]);
    safetensors::write(&folder.join(WEIGHTS), &all, &metadata)?;
    Ok(all)
}
