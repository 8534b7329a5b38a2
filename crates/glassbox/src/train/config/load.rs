//! Reading a configuration: every problem at once, each with its place.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;

use super::overrides::{self, SETTINGS};
use super::source::{Located, Place, Table, Value, parse};
use super::{
    Amount, Columns, ConfigError, ConfigProblem, DataConfig, Documents, Fit, ImageOptions, Impute,
    Kind, Label, ModelKind, Normalization, Past, Preparation, Prepare, RunConfig, SeriesOptions,
    Split, TextOptions, WatchConfig,
};
use crate::choices::{Bound, Choice, Setting};
use crate::io::FileError;
use crate::nearest::nearest;

impl RunConfig {
    /// Reads a file, with `NAME=VALUE` overrides on top; reports all problems at once.
    pub fn load(path: &Path, overrides: &[String]) -> Result<RunConfig, ConfigError> {
        RunConfig::new("").load_onto(path, overrides)
    }

    /// As [`load`](Self::load), with this configuration's values for what the file leaves open.
    pub fn load_onto(&self, path: &Path, overrides: &[String]) -> Result<RunConfig, ConfigError> {
        self.read_file(path, overrides, |_| {})
    }

    fn read_file(
        &self,
        path: &Path,
        overrides: &[String],
        prepare: impl FnOnce(&mut Table),
    ) -> Result<RunConfig, ConfigError> {
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
        self.read(&text, overrides, prepare).map_err(named)
    }

    /// What the steps of a run follow from: its data, its starting values and how it is trained.
    /// The model and whatever else this build may not know is passed over.
    pub(crate) fn load_steps(path: &Path) -> Result<RunConfig, FileError> {
        let config = RunConfig::new("").read_file(path, &[], |table| {
            table.retain(|key, _| ["data", "model", "train"].contains(&key.as_str()));
            if let Some(Located { value: Value::Table(model), .. }) = table.get_mut("model") {
                model.retain(|key, _| key == "parameters");
            }
        });
        Ok(config?)
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
        RunConfig::new("").read(text, overrides, |_| {})
    }

    fn read(
        &self,
        text: &str,
        overrides: &[String],
        prepare: impl FnOnce(&mut Table),
    ) -> Result<RunConfig, ConfigError> {
        let (mut table, mut problems) = parse(text);
        prepare(&mut table);
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
        // What the optimizer is may follow from the model that an override names.
        RunConfig { data: RunConfig::new("").data, ..self.clone() }.read(
            &self.to_toml(),
            overrides,
            |table| {
                if let Some(Located { value: Value::Table(train), .. }) = table.get_mut("train") {
                    train.remove("optimizer");
                }
            },
        )
    }
}

pub(super) type Found = RefCell<Vec<(Option<Place>, String)>>;

/// A table that is being read: keys are taken out, and what is left at the end is unknown.
pub(super) struct Section<'a> {
    pub path: &'static str,
    pub table: Table,
    pub keys: Vec<&'static str>,
    pub found: &'a Found,
}

impl<'a> Section<'a> {
    pub fn report(&self, place: &Place, message: String) {
        self.found.borrow_mut().push((Some(place.clone()), message));
    }

    /// The value of `key` as `convert` reads it, or `default` where it is absent or wrong.
    pub fn take<T>(
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
    pub fn section(&mut self, key: &'static str, path: &'static str) -> Section<'a> {
        let table = self.take(key, Table::new(), |value| match value {
            Value::Table(table) => Ok(table.clone()),
            other => Err(format!("expected a table, found {}", other.describe())),
        });
        Section { path, table, keys: Vec::new(), found: self.found }
    }

    /// A kind with its settings: a word, or a table with `kind` and what differs from its defaults.
    /// Without a `kind` the table changes settings of `default`.
    pub fn choice<C: Choice>(&mut self, key: &'static str, path: &'static str, default: C) -> C {
        let Some(located) = self.table.get_mut(key) else {
            return self.take(key, default, |_| Ok(default));
        };
        if !matches!(located.value, Value::Table(_)) {
            return self.take(key, default, |value| word(value, C::ALL, C::word));
        }
        let mut section = self.section(key, path);
        let chosen = section.chosen(default);
        section.finish();
        chosen
    }

    /// `kind` and its settings, of this table; without a `kind` the settings of `default`.
    pub fn chosen<C: Choice>(&mut self, default: C) -> C {
        let path = self.path;
        let section = self;
        let problems = section.found.borrow().len();
        let mut chosen = section.take("kind", default, |value| word(value, C::ALL, C::word));
        let kind_is_wrong = section.found.borrow().len() > problems;
        for (name, setting) in chosen.settings() {
            match setting {
                Setting::Number(number, bound) => {
                    *number = section.take(name, *number, |value| bounded(value, bound));
                }
                Setting::Whole(number) => {
                    *number = section.take(name, *number, |value| whole(value, 1));
                }
                Setting::Flag(set) => *set = section.take(name, *set, flag),
            }
        }
        let has = |mut choice: C, option: &str| choice.settings().iter().any(|(n, _)| *n == option);
        let options: Vec<String> = section.table.keys().cloned().collect();
        for option in options {
            let owners: Vec<&str> =
                C::ALL.iter().filter(|c| has(**c, &option)).map(|c| c.word()).collect();
            let Some(located) = (!owners.is_empty()).then(|| section.table.remove(&option)) else {
                continue;
            };
            if let (Some(located), false) = (located, kind_is_wrong) {
                let (of, kind) = (owners.join(", "), chosen.word());
                let message = format!("`{path}.{option}` is an option of {of}, not of {kind}");
                section.report(&located.place, message);
            }
        }
        chosen
    }

    /// What `read` makes of each table of a list of tables.
    pub fn each<T>(
        &mut self,
        key: &'static str,
        path: &'static str,
        mut read: impl FnMut(&mut Section, &Place) -> T,
    ) -> Vec<T> {
        let items = self.take(key, Vec::new(), |value| match value {
            Value::List(items) => Ok(items.clone()),
            other => Err(format!("expected [[{path}]] tables, found {}", other.describe())),
        });
        let mut list = Vec::new();
        for Located { place, value } in items {
            let Value::Table(table) = value else {
                let what = value.describe();
                self.report(&place, format!("`{path}`: expected a table, found {what}"));
                continue;
            };
            let mut section = Section { path, table, keys: Vec::new(), found: self.found };
            list.push(read(&mut section, &place));
            section.finish();
        }
        list
    }

    /// Reports the keys that nobody asked for.
    pub fn finish(self) {
        for (key, located) in &self.table {
            let full = match self.path {
                "" => key.clone(),
                path => format!("{path}.{key}"),
            };
            let elsewhere = SETTINGS.iter().find(|path| {
                path.strip_suffix(key.as_str()).is_some_and(|rest| rest.ends_with('.'))
            });
            let cure = match (nearest(key, self.keys.iter().copied()), elsewhere) {
                // Spelt as a setting of another section, it is no slip.
                (_, Some(path)) => format!("; it belongs to `{path}`"),
                (Some(near), None) => format!("; did you mean `{near}`?"),
                (None, None) => format!("; there are {}", self.keys.join(", ")),
            };
            self.report(&located.place, format!("there is no setting `{full}`{cure}"));
        }
    }
}

fn run(table: Table, defaults: &RunConfig, found: &Found) -> RunConfig {
    let mut root = Section { path: "", table, keys: Vec::new(), found };
    let of_data = data(root.section("data", "data"), &defaults.data);
    let model = super::model::read(root.section("model", "model"), &defaults.model);
    let mut train = defaults.train.clone();
    if let ModelKind::Named(named) = model.kind
        && model.kind != defaults.model.kind
    {
        // It comes with an optimizer of its own, whose settings may be changed without its name.
        train.optimizer = named.family.training.optimizer;
    }
    let config = RunConfig {
        data: of_data,
        model,
        train: super::training::read(root.section("train", "train"), &train),
        watch: watch(root.section("watch", "watch"), &defaults.watch),
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
    let target = section.take("target", None, |value| Ok(Some(texts(value)?.join(", "))));
    let weight = section.take("weight", default.weight.clone(), |value| text(value).map(Some));
    let memory = section.take("memory", default.memory as u64, |value| whole(value, 0)) as usize;
    let strict = section.take("strict", default.strict, flag);
    let image = image(&mut section, &default.image);
    let of_text = of_text(&mut section, &default.text);
    let series = series(&mut section, &default.series);
    let drop = section.take("drop", default.drop.clone(), texts);
    let without = section.take("without", default.without.clone(), texts);
    let columns = kinds(&mut section, &default.columns);
    let split = split(&mut section, default.split);
    let prepare = prepare(&mut section);
    section.finish();
    DataConfig {
        path,
        target,
        weight,
        memory,
        strict,
        image,
        text: of_text,
        series,
        drop,
        without,
        columns,
        split,
        prepare,
    }
}

/// `data.text`: how text is read.
fn of_text(data: &mut Section, default: &TextOptions) -> TextOptions {
    let mut section = data.section("text", "data.text");
    let some = |value: &Value| whole(value, 1).map(|count| Some(count as usize));
    let options = TextOptions {
        tokenizer: section
            .take("tokenizer", default.tokenizer.clone(), |value| text(value).map(Some)),
        vocabulary: section.take("vocabulary", default.vocabulary, some),
        context: section.take("context", default.context, some),
        lower: section.take("lower", default.lower, flag),
        documents: section.take("documents", default.documents, |value| {
            word(value, Documents::ALL, Documents::word)
        }),
        column: section.take("column", default.column.clone(), |value| text(value).map(Some)),
        arrangement: default.arrangement,
        kept: None,
        known: None,
    };
    section.finish();
    options
}

/// `data.series`: how rows that follow each other in time become windows.
fn series(data: &mut Section, default: &SeriesOptions) -> SeriesOptions {
    let mut section = data.section("series", "data.series");
    let some = |value: &Value| whole(value, 1).map(|count| Some(count as usize));
    let named = |value: &Value| Ok(Some(texts(value)?.join(", ")));
    let options = SeriesOptions {
        time: section.take("time", default.time.clone(), named),
        group: section.take("group", default.group.clone(), |value| text(value).map(Some)),
        horizon: section.take("horizon", default.horizon, some),
        window: section.take("window", default.window, some),
        stride: section.take("stride", default.stride, some),
        season: section.take("season", default.season, some),
        label: section
            .take("label", default.label, |value| word(value, Label::ALL, Label::word).map(Some)),
        past: section
            .take("past", default.past, |value| word(value, Past::ALL, Past::word).map(Some)),
        from_last: section.take("from_last", default.from_last, |value| flag(value).map(Some)),
        calendar: section.take("calendar", default.calendar, flag),
    };
    section.finish();
    options
}

/// `data.image`: how images are read.
fn image(data: &mut Section, default: &ImageOptions) -> ImageOptions {
    let mut section = data.section("image", "data.image");
    let options = ImageOptions {
        size: section.take("size", default.size, |value| size(value).map(Some)),
        channels: section.take("channels", default.channels, |value| match value {
            Value::Whole(1) => Ok(Some(1)),
            Value::Whole(3) => Ok(Some(3)),
            other => expected("1 (grey) or 3 (red, green, blue)", other),
        }),
        fit: section.take("fit", default.fit, |value| word(value, Fit::ALL, Fit::word)),
        normalize: section
            .take("normalize", default.normalize.clone(), |value| normalization(value).map(Some)),
    };
    section.finish();
    options
}

/// `[height, width]`, or one number for both.
fn size(value: &Value) -> Result<[usize; 2], String> {
    let side = |value: &Value| match value {
        Value::Whole(side @ 1..=16_384) => Ok(*side as usize),
        other => expected("pixels from 1 to 16384, or [height, width]", other),
    };
    match value {
        Value::List(sides) => match &sides[..] {
            [height, width] => Ok([side(&height.value)?, side(&width.value)?]),
            _ => Err(format!("expected [height, width], found {} numbers", sides.len())),
        },
        value => side(value).map(|side| [side; 2]),
    }
}

/// A word, or `{ mean = […], std = […] }`.
fn normalization(value: &Value) -> Result<Normalization, String> {
    let Value::Table(table) = value else {
        let chosen = word(value, &Normalization::WORDS, |word| word)
            .map_err(|problem| format!("{problem}, or {{ mean = […], std = […] }}"))?;
        return Ok(Normalization::from_word(chosen).unwrap_or(Normalization::None));
    };
    if let Some(key) = table.keys().find(|key| !["mean", "std"].contains(&key.as_str())) {
        return Err(format!("there is no `{key}`; there are mean, std"));
    }
    let numbers = |key: &str| match table.get(key).map(|located| &located.value) {
        Some(Value::List(items)) => {
            items.iter().map(|item| number(&item.value).filter(|x| x.is_finite())).collect()
        }
        Some(value) => number(value).map(|number| vec![number]),
        None => None,
    };
    let expected =
        |key: &str| format!("`{key}` is a list of a number for each channel, from 0 to 1");
    let mean: Vec<f64> = numbers("mean").ok_or_else(|| expected("mean"))?;
    let std: Vec<f64> = numbers("std").ok_or_else(|| expected("std"))?;
    match mean.len() == std.len() && !mean.is_empty() && std.iter().all(|std| *std > 0.0) {
        true => Ok(Normalization::Given { mean, std }),
        false => Err("mean and std have a number for each channel, those of std above 0".into()),
    }
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
        match word(
            &located.value,
            &[Kind::Number, Kind::Boolean, Kind::Date, Kind::Category],
            Kind::word,
        ) {
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
    let shares = ["valid", "test", "fold"].into_iter().filter_map(|key| section.table.get(key));
    let place = shares.map(|located| located.place.clone()).max();
    let split = Split {
        valid: section.take("valid", default.valid, |value| share(value).map(Some)),
        test: section.take("test", default.test, |value| share(value).map(Some)),
        train: section.take("train", default.train, |value| Ok(Some(whole(value, 1)? as usize))),
        stratify: section.take("stratify", default.stratify, flag),
        fold: section.take("fold", default.fold, |value| text(value)?.parse().map(Some)),
    };
    if split.test.is_some()
        && split.fold.is_some()
        && let Some(place) = &place
    {
        let message = "`data.split`: the fold is the test part: leave `test` out";
        section.report(place, message.into());
    }
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
    data.each("prepare", "data.prepare", |section, place| {
        if !section.table.contains_key("columns") {
            section.report(place, "`data.prepare`: `columns` is missing".into());
        }
        if !["with", "impute", "outliers"].iter().any(|key| section.table.contains_key(*key)) {
            let what = "`data.prepare`: `with`, `impute` or `outliers` is missing";
            section.report(place, what.into());
        }
        Prepare {
            columns: section
                .take("columns", Columns::Numeric, |value| text(value).map(|t| t.as_str().into())),
            with: section
                .take("with", None, |value| word(value, Preparation::ALL, |w| w.word()).map(Some)),
            impute: section.take("impute", None, |value| impute(value).map(Some)),
            outliers: section.take("outliers", None, |value| positive(value).map(Some)),
        }
    })
}

fn impute(value: &Value) -> Result<Impute, String> {
    match number(value) {
        Some(number) if number.abs() <= f64::from(f32::MAX) => Ok(Impute::Constant(number)),
        Some(number) => Err(format!("{number:?} is beyond 32-bit floats")),
        None => word(value, &Impute::WORDS, Impute::word)
            .map_err(|problem| format!("{problem}, or a number")),
    }
}

fn watch(mut section: Section, default: &WatchConfig) -> WatchConfig {
    let config = WatchConfig {
        every: section.take("every", default.every, |v| whole(v, 0)),
        what: section.take("what", default.what.clone(), texts),
    };
    section.finish();
    config
}

pub(super) fn expected<T>(what: &str, value: &Value) -> Result<T, String> {
    Err(format!("expected {what}, found {}", value.describe()))
}

pub(super) fn text(value: &Value) -> Result<String, String> {
    match value {
        Value::Text(text) if !text.is_empty() => Ok(text.clone()),
        other => expected("a text", other),
    }
}

pub(super) fn texts(value: &Value) -> Result<Vec<String>, String> {
    match value {
        Value::List(items) => items.iter().map(|item| text(&item.value)).collect(),
        Value::Text(_) => Ok(vec![text(value)?]),
        other => expected("a list of texts", other),
    }
}

pub(super) fn flag(value: &Value) -> Result<bool, String> {
    match value {
        Value::Flag(flag) => Ok(*flag),
        other => expected("true or false", other),
    }
}

pub(super) fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Whole(number) => Some(*number as f64),
        Value::Number(number) => Some(*number),
        _ => None,
    }
}

pub(super) fn positive(value: &Value) -> Result<f64, String> {
    match number(value) {
        Some(number) if number > 0.0 && number.is_finite() => Ok(number),
        _ => expected("a number above 0", value),
    }
}

pub(super) fn not_negative(value: &Value) -> Result<f64, String> {
    bounded(value, Bound::NotNegative)
}

pub(super) fn share(value: &Value) -> Result<f64, String> {
    match number(value) {
        Some(number) if (0.0..1.0).contains(&number) => Ok(number),
        _ => expected("a number from 0 to below 1", value),
    }
}

pub(super) fn portion(value: &Value) -> Result<f64, String> {
    bounded(value, Bound::Portion)
}

/// A number in its bounds.
pub(super) fn bounded(value: &Value, bound: Bound) -> Result<f64, String> {
    match (bound, number(value)) {
        (Bound::Positive, _) => positive(value),
        (Bound::Share, _) => share(value),
        (Bound::Any, Some(number)) if number.is_finite() => Ok(number),
        (Bound::NotNegative, Some(number)) if number >= 0.0 && number.is_finite() => Ok(number),
        (Bound::Portion, Some(number)) if (0.0..=1.0).contains(&number) => Ok(number),
        (Bound::Portion, _) => expected("a number from 0 to 1", value),
        (Bound::Any, _) => expected("a number", value),
        (Bound::NotNegative, _) => expected("a number of at least 0", value),
    }
}

pub(super) fn whole(value: &Value, least: u64) -> Result<u64, String> {
    match value {
        Value::Whole(number) if u64::try_from(*number).is_ok_and(|number| number >= least) => {
            Ok(*number as u64)
        }
        other => expected(&format!("a whole number of at least {least}"), other),
    }
}

pub(super) fn amount(value: &Value) -> Result<Amount, String> {
    match value {
        Value::Text(word) if word == "all" => Ok(Amount::All),
        Value::Whole(number) if *number >= 1 => Ok(Amount::Exactly(*number as usize)),
        other => expected("a whole number of at least 1, or \"all\"", other),
    }
}

/// One of a closed set of words.
pub(super) fn word<T: Copy>(
    value: &Value,
    all: &[T],
    word: fn(T) -> &'static str,
) -> Result<T, String> {
    let words: Vec<&str> = all.iter().map(|&choice| word(choice)).collect();
    let offered = words.join(", ");
    let Value::Text(given) = value else { return expected(&format!("one of {offered}"), value) };
    if let Some(&choice) = all.iter().find(|&&choice| word(choice) == given) {
        return Ok(choice);
    }
    let cure = nearest(given, words).map(|near| format!("; did you mean \"{near}\"?"));
    Err(format!("\"{given}\" is not one of {offered}{}", cure.unwrap_or_default()))
}
