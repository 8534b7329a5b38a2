//! Reading a configuration: every problem at once, each with its place.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;

use super::overrides::{self, SETTINGS};
use super::source::{Located, Place, Table, Value, parse};
use super::{
    Activation, Amount, Columns, ConfigError, ConfigProblem, DataConfig, Initial, Kind, Loss,
    ModelConfig, ModelKind, Numbers, Optimizer, Preparation, Prepare, RunConfig, Schedule, Split,
    Stop, TrainConfig,
};
use crate::nearest::nearest;

impl RunConfig {
    /// Reads a file, with `NAME=VALUE` overrides on top; reports all problems at once.
    pub fn load(path: &Path, overrides: &[String]) -> Result<RunConfig, ConfigError> {
        RunConfig::new("").load_onto(path, overrides)
    }

    /// As [`load`](Self::load), with this configuration's values for what the file leaves open.
    pub fn load_onto(&self, path: &Path, overrides: &[String]) -> Result<RunConfig, ConfigError> {
        let named = |mut error: ConfigError| {
            error.path = Some(path.to_owned());
            error
        };
        let text = std::fs::read_to_string(path).map_err(|error| {
            let message = match error.kind() {
                std::io::ErrorKind::NotFound => {
                    "there is no such file: `glassbox init DATA` writes one".into()
                }
                _ => format!("cannot read: {error}"),
            };
            named(ConfigError {
                path: None,
                problems: vec![ConfigProblem { place: String::new(), message }],
            })
        })?;
        self.read(&text, overrides).map_err(named)
    }

    /// Reads a configuration's text, with `NAME=VALUE` overrides on top.
    ///
    /// ```
    /// use glassbox::train::config::RunConfig;
    /// let text = "[data]\npath = \"iris.csv\"";
    /// let config = RunConfig::from_toml(text, &["lr=0.03".into(), "hidden=[32, 16]".into()]);
    /// assert_eq!(config.unwrap().model.hidden, [32, 16]);
    /// let error = RunConfig::from_toml("[train]\nepoch = 3", &[]).unwrap_err().to_string();
    /// assert!(error.contains("line 2: there is no setting `train.epoch`; did you mean `epochs`?"));
    /// assert!(error.contains("`data.path` is missing"));
    /// ```
    pub fn from_toml(text: &str, overrides: &[String]) -> Result<RunConfig, ConfigError> {
        RunConfig::new("").read(text, overrides)
    }

    fn read(&self, text: &str, overrides: &[String]) -> Result<RunConfig, ConfigError> {
        let (mut table, mut problems) = parse(text);
        problems.extend(overrides::apply(&mut table, overrides));
        let found = RefCell::new(Vec::new());
        let config = run(table, self, &found);
        let mut found = found.into_inner();
        found.sort_by(|(a, _), (b, _)| a.cmp(b));
        problems.extend(found.into_iter().map(|(place, message)| ConfigProblem {
            place: place.map(|place| place.to_string()).unwrap_or_default(),
            message,
        }));
        match problems.is_empty() {
            true => Ok(config),
            false => Err(ConfigError { path: None, problems }),
        }
    }

    /// This configuration with `NAME=VALUE` overrides on top.
    pub fn set(&self, overrides: &[String]) -> Result<RunConfig, ConfigError> {
        RunConfig::from_toml(&self.to_toml(), overrides)
    }
}

type Found = RefCell<Vec<(Option<Place>, String)>>;

/// A table that is being read: keys are taken out, and what is left at the end is unknown.
struct Section<'a> {
    path: &'static str,
    table: Table,
    keys: Vec<&'static str>,
    found: &'a Found,
}

impl<'a> Section<'a> {
    fn report(&self, place: &Place, message: String) {
        self.found.borrow_mut().push((Some(place.clone()), message));
    }

    /// The value of `key` as `convert` reads it, or `default` where it is absent or wrong.
    fn take<T>(
        &mut self,
        key: &'static str,
        default: T,
        convert: impl FnOnce(&Value) -> Result<T, String>,
    ) -> T {
        self.keys.push(key);
        let Some(Located { place, value }) = self.table.remove(key) else { return default };
        convert(&value).unwrap_or_else(|problem| {
            self.report(&place, format!("`{}.{key}`: {problem}", self.path));
            default
        })
    }

    /// The table under `key`, empty where it is absent or something else.
    fn section(&mut self, key: &'static str, path: &'static str) -> Section<'a> {
        let table = self.take(key, Table::new(), |value| match value {
            Value::Table(table) => Ok(table.clone()),
            other => Err(format!("expected a table, found {}", other.describe())),
        });
        Section { path, table, keys: Vec::new(), found: self.found }
    }

    /// Reports the keys that nobody asked for.
    fn finish(self) {
        for (key, located) in &self.table {
            let full = match self.path {
                "" => key.clone(),
                path => format!("{path}.{key}"),
            };
            let elsewhere = SETTINGS.iter().find(|path| {
                path.strip_suffix(key.as_str()).is_some_and(|rest| rest.ends_with('.'))
            });
            let cure = match (nearest(key, self.keys.iter().copied()), elsewhere) {
                (Some(near), _) => format!("; did you mean `{near}`?"),
                (None, Some(path)) => format!("; it belongs to `{path}`"),
                (None, None) => format!("; there are {}", self.keys.join(", ")),
            };
            self.report(&located.place, format!("there is no setting `{full}`{cure}"));
        }
    }
}

fn run(table: Table, defaults: &RunConfig, found: &Found) -> RunConfig {
    let mut root = Section { path: "", table, keys: Vec::new(), found };
    let config = RunConfig {
        data: data(root.section("data", "data"), &defaults.data),
        model: model(root.section("model", "model"), &defaults.model),
        train: train(root.section("train", "train"), &defaults.train),
    };
    root.finish();
    config
}

fn data(mut section: Section, default: &DataConfig) -> DataConfig {
    if !section.table.contains_key("path") {
        let message = "`data.path` is missing: the file, folder or built-in data to learn from";
        section.found.borrow_mut().push((None, message.into()));
    }
    let path = section.take("path", String::new(), text);
    let target = section.take("target", None, |value| text(value).map(Some));
    let drop = section.take("drop", default.drop.clone(), texts);
    let columns = kinds(&mut section, &default.columns);
    let split = split(&mut section, default.split);
    let prepare = prepare(&mut section);
    section.finish();
    DataConfig { path, target, drop, columns, split, prepare }
}

/// `data.columns`: what columns are, by name.
fn kinds(data: &mut Section, default: &BTreeMap<String, Kind>) -> BTreeMap<String, Kind> {
    if !data.table.contains_key("columns") {
        data.take("columns", (), |_| Ok(()));
        return default.clone();
    }
    let given = data.section("columns", "data.columns");
    let mut kinds = BTreeMap::new();
    for (name, located) in &given.table {
        match word(&located.value, &[Kind::Number, Kind::Boolean, Kind::Category], Kind::word) {
            Ok(kind) => drop(kinds.insert(name.clone(), kind)),
            Err(problem) => {
                given.report(&located.place, format!("`data.columns.\"{name}\"`: {problem}"));
            }
        }
    }
    kinds
}

fn split(data: &mut Section, default: Split) -> Split {
    let mut section = data.section("split", "data.split");
    // A setting given beside the file is the one to name.
    let shares = ["valid", "test"].into_iter().filter_map(|key| section.table.get(key));
    let place = shares.map(|located| located.place.clone()).max();
    let split = Split {
        valid: section.take("valid", default.valid, |value| share(value).map(Some)),
        test: section.take("test", default.test, |value| share(value).map(Some)),
        stratify: section.take("stratify", default.stratify, flag),
    };
    if let (Some(place), true) =
        (place, split.valid.unwrap_or(0.0) + split.test.unwrap_or(0.0) >= 1.0)
    {
        let message = "`data.split`: valid and test together leave nothing to train on";
        section.report(&place, message.into());
    }
    section.finish();
    split
}

fn prepare(data: &mut Section) -> Vec<Prepare> {
    let items = data.take("prepare", Vec::new(), |value| match value {
        Value::List(items) => Ok(items.clone()),
        other => Err(format!("expected [[data.prepare]] tables, found {}", other.describe())),
    });
    let mut list = Vec::new();
    for Located { place, value } in items {
        let Value::Table(table) = value else {
            data.report(
                &place,
                format!("`data.prepare`: expected a table, found {}", value.describe()),
            );
            continue;
        };
        for key in ["columns", "with"] {
            if !table.contains_key(key) {
                data.report(&place, format!("`data.prepare`: `{key}` is missing"));
            }
        }
        let path = "data.prepare";
        let mut section = Section { path, table, keys: Vec::new(), found: data.found };
        list.push(Prepare {
            columns: section
                .take("columns", Columns::Numeric, |value| text(value).map(|t| t.as_str().into())),
            with: section.take("with", Preparation::None, |value| {
                word(value, Preparation::ALL, |w| w.word())
            }),
        });
        section.finish();
    }
    list
}

fn model(mut section: Section, default: &ModelConfig) -> ModelConfig {
    let kind = section.take("kind", default.kind, |v| word(v, ModelKind::ALL, |w| w.word()));
    let hidden = section.take("hidden", default.hidden.clone(), units);
    let activation =
        section.take("activation", default.activation, |v| word(v, Activation::ALL, |w| w.word()));
    let initial =
        section.take("initial", default.initial, |v| word(v, Initial::ALL, |w| w.word()).map(Some));
    let absent = !section.table.contains_key("parameters");
    let given = section.section("parameters", "model.parameters");
    let mut parameters = if absent { default.parameters.clone() } else { BTreeMap::new() };
    for (path, located) in &given.table {
        match starting_values(&located.value) {
            Ok(numbers) => drop(parameters.insert(path.clone(), numbers)),
            Err(problem) => {
                given.report(&located.place, format!("`model.parameters.\"{path}\"`: {problem}"));
            }
        }
    }
    section.finish();
    ModelConfig { kind, hidden, activation, initial, parameters }
}

fn starting_values(value: &Value) -> Result<Numbers, String> {
    let numbers = value.numbers()?;
    let array = numbers.to_array(glassbox_engine::DType::F64)?;
    match array.to_f64().iter().find(|&&number| !(number as f32).is_finite()) {
        None => Ok(numbers),
        Some(number) => {
            Err(format!("{number:?} is not a 32-bit float that a model can start from"))
        }
    }
}

fn train(mut section: Section, default: &TrainConfig) -> TrainConfig {
    let config = TrainConfig {
        epochs: section.take("epochs", default.epochs, |v| whole(v, 1)),
        batch: section.take("batch", default.batch, amount),
        seed: section.take("seed", default.seed, |v| whole(v, 0)),
        loss: section.take("loss", default.loss, |v| word(v, Loss::ALL, |w| w.word())),
        optimizer: optimizer(&mut section, default.optimizer),
        schedule: section
            .take("schedule", default.schedule, |v| word(v, Schedule::ALL, |w| w.word())),
        stop: stop(&mut section, &default.stop),
        checkpoint_every: section.take("checkpoint_every", default.checkpoint_every, positive),
        threads: section.take("threads", default.threads, amount),
    };
    section.finish();
    config
}

fn optimizer(train: &mut Section, default: Optimizer) -> Optimizer {
    if !train.table.contains_key("optimizer") {
        train.take("optimizer", (), |_| Ok(()));
        return default;
    }
    // `optimizer = "adam"` is short for `optimizer = { kind = "adam" }`.
    if let Some(located) = train.table.get_mut("optimizer")
        && matches!(located.value, Value::Text(_))
    {
        let kind = located.clone();
        located.value = Value::Table([("kind".to_owned(), kind)].into());
    }
    let mut section = train.section("optimizer", "train.optimizer");
    let kinds = [Optimizer::ADAM, Optimizer::MOMENTUM, Optimizer::GRADIENT_DESCENT];
    let problems = section.found.borrow().len();
    let mut optimizer =
        section.take("kind", Optimizer::ADAM, |value| word(value, &kinds, optimizer_word));
    let kind = optimizer.kind();
    match &mut optimizer {
        Optimizer::Adam { lr, beta1, beta2, epsilon } => {
            *lr = section.take("lr", *lr, positive);
            *beta1 = section.take("beta1", *beta1, share);
            *beta2 = section.take("beta2", *beta2, share);
            *epsilon = section.take("epsilon", *epsilon, positive);
        }
        Optimizer::Momentum { lr, momentum, nesterov } => {
            *lr = section.take("lr", *lr, positive);
            *momentum = section.take("momentum", *momentum, share);
            *nesterov = section.take("nesterov", *nesterov, flag);
        }
        Optimizer::GradientDescent { lr } => *lr = section.take("lr", *lr, positive),
    }
    let kind_is_wrong = section.found.borrow().len() > problems && optimizer == Optimizer::ADAM;
    for (option, of) in OPTIONS {
        if let Some(located) = section.table.remove(*option)
            && !kind_is_wrong
        {
            let message = format!("`train.optimizer.{option}` is an option of {of}, not of {kind}");
            section.report(&located.place, message);
        }
    }
    section.finish();
    optimizer
}

fn optimizer_word(optimizer: Optimizer) -> &'static str {
    optimizer.kind()
}

/// The options of each kind of optimizer beside `lr`.
const OPTIONS: &[(&str, &str)] = &[
    ("beta1", "adam"),
    ("beta2", "adam"),
    ("epsilon", "adam"),
    ("momentum", "momentum"),
    ("nesterov", "momentum"),
];

fn stop(train: &mut Section, default: &Option<Stop>) -> Option<Stop> {
    // `stop = false` runs every epoch.
    let chosen = match train.table.get("stop") {
        None => Some(default.clone()),
        Some(located) => matches!(located.value, Value::Flag(false)).then_some(None),
    };
    if let Some(chosen) = chosen {
        train.take("stop", (), |_| Ok(()));
        return chosen;
    }
    let mut section = train.section("stop", "train.stop");
    let stop = Stop {
        metric: section.take("metric", "valid_loss".to_owned(), text),
        patience: section.take("patience", 5, |value| whole(value, 1)),
    };
    section.finish();
    Some(stop)
}

fn expected<T>(what: &str, value: &Value) -> Result<T, String> {
    Err(format!("expected {what}, found {}", value.describe()))
}

fn text(value: &Value) -> Result<String, String> {
    match value {
        Value::Text(text) if !text.is_empty() => Ok(text.clone()),
        other => expected("a text", other),
    }
}

fn texts(value: &Value) -> Result<Vec<String>, String> {
    match value {
        Value::List(items) => items.iter().map(|item| text(&item.value)).collect(),
        Value::Text(_) => Ok(vec![text(value)?]),
        other => expected("a list of texts", other),
    }
}

fn flag(value: &Value) -> Result<bool, String> {
    match value {
        Value::Flag(flag) => Ok(*flag),
        other => expected("true or false", other),
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Whole(number) => Some(*number as f64),
        Value::Number(number) => Some(*number),
        _ => None,
    }
}

fn positive(value: &Value) -> Result<f64, String> {
    match number(value) {
        Some(number) if number > 0.0 && number.is_finite() => Ok(number),
        _ => expected("a number above 0", value),
    }
}

fn share(value: &Value) -> Result<f64, String> {
    match number(value) {
        Some(number) if (0.0..1.0).contains(&number) => Ok(number),
        _ => expected("a number from 0 to below 1", value),
    }
}

fn whole(value: &Value, least: u64) -> Result<u64, String> {
    match value {
        Value::Whole(number) if u64::try_from(*number).is_ok_and(|number| number >= least) => {
            Ok(*number as u64)
        }
        other => expected(&format!("a whole number of at least {least}"), other),
    }
}

fn amount(value: &Value) -> Result<Amount, String> {
    match value {
        Value::Text(word) if word == "all" => Ok(Amount::All),
        Value::Whole(number) if *number >= 1 => Ok(Amount::Exactly(*number as usize)),
        other => expected("a whole number of at least 1, or \"all\"", other),
    }
}

fn units(value: &Value) -> Result<Vec<usize>, String> {
    let unit = |value: &Value| whole(value, 1).map(|units| units as usize);
    match value {
        Value::List(items) => items.iter().map(|item| unit(&item.value)).collect(),
        Value::Whole(_) => Ok(vec![unit(value)?]),
        other => expected("a list of units, such as [32, 16]", other),
    }
}

/// One of a closed set of words.
fn word<T: Copy>(value: &Value, all: &[T], word: fn(T) -> &'static str) -> Result<T, String> {
    let words: Vec<&str> = all.iter().map(|&choice| word(choice)).collect();
    let offered = words.join(", ");
    let Value::Text(given) = value else { return expected(&format!("one of {offered}"), value) };
    if let Some(&choice) = all.iter().find(|&&choice| word(choice) == given) {
        return Ok(choice);
    }
    let cure = nearest(given, words).map(|near| format!("; did you mean \"{near}\"?"));
    Err(format!("\"{given}\" is not one of {offered}{}", cure.unwrap_or_default()))
}
