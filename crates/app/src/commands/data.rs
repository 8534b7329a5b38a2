//! `glassbox data WHAT`

use std::path::{Path, PathBuf};

use clap::{ArgAction, Args};
use glassbox::data::{
    self, Dataset, Description, Frequent, ImageFacts, InputPreparation, Leak, Role,
};
use glassbox::train::config::{RunConfig, TrainConfig};
use serde::Serialize;

use crate::commands::asked::Asked;
use crate::context::Context;
use crate::error::AppError;
use crate::terminal::describe;

#[derive(Args)]
pub struct DataArgs {
    #[arg(value_name = "WHAT")]
    pub what: String,
    #[arg(long, value_name = "COLUMN")]
    pub target: Option<String>,
    #[arg(long, value_name = "COLUMN,…")]
    pub drop: Option<String>,
    #[arg(long)]
    pub strict: bool,
    #[arg(long, value_name = "FILE")]
    pub sheet: Option<PathBuf>,
    #[arg(long, value_name = "WORD,…")]
    pub augment: Option<String>,
    #[arg(long, value_name = "N")]
    pub epochs: Option<usize>,
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub seed: Option<String>,
    #[arg(long, value_name = "K=V", action = ArgAction::Append)]
    pub set: Vec<String>,
}

/// Epochs of a sheet, where nobody says how many.
const EPOCHS: usize = 6;

/// What `--json` prints.
#[derive(Serialize)]
pub struct Described {
    #[serde(flatten)]
    pub what: What,
    /// What would be trained on; none where it cannot be learned from as it is.
    pub training: Option<Training>,
    /// Why it cannot.
    pub problem: Option<String>,
    /// The sheet that was drawn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
    /// The command that would train.
    #[serde(skip)]
    pub next: Vec<String>,
}

/// What there is.
#[derive(Serialize)]
#[serde(untagged)]
pub enum What {
    Table(Box<Description>),
    Other(Box<Other>),
}

/// Images, or arrays of more than two axes.
#[derive(Serialize)]
pub struct Other {
    pub source: String,
    /// Whether its rows are images.
    pub images: bool,
    /// How many different tokens there are, where they are text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<usize>,
    pub rows: usize,
    /// Of a row.
    pub shape: Vec<usize>,
    /// With their rows; empty of numbers.
    pub classes: Vec<Frequent>,
    /// What was found in files of images.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files: Option<ImageFacts>,
}

/// What a model would learn from.
#[derive(Serialize)]
pub struct Training {
    pub train: usize,
    pub valid: usize,
    pub test: usize,
    /// Of a row.
    pub shape: Vec<usize>,
    /// The columns that a model would see; empty of images.
    pub columns: Vec<String>,
    pub notices: Vec<String>,
}

impl Training {
    fn of(data: &Dataset) -> Self {
        // What is odd about files is told with them.
        let odd = data.images.as_ref().map(ImageFacts::notices).unwrap_or_default();
        let notices = data.notices.iter().filter(|notice| !odd.contains(notice)).cloned().collect();
        let columns = data.schema.iter().flat_map(|schema| &schema.columns);
        Training {
            train: data.train.len(),
            valid: data.valid.len(),
            test: data.test.len(),
            shape: data.input.shape.clone(),
            columns: columns
                .filter(|column| column.role == Role::Input)
                .map(|column| column.name.clone())
                .collect(),
            notices,
        }
    }
}

impl Other {
    fn of(data: &Dataset) -> Self {
        let parts = [&data.train, &data.valid, &data.test];
        let rows: usize = parts.iter().map(|rows| rows.len()).sum();
        let mut classes: Vec<Frequent> = Vec::new();
        let target = &data.preparation.target;
        for name in target.classes().or(target.tags()).unwrap_or_default() {
            classes.push(Frequent { value: name.clone(), rows: 0, share: 0.0 });
        }
        for label in parts.iter().flat_map(|rows| rows.labels().unwrap_or_default()) {
            if let Some(class) = classes.get_mut(label as usize) {
                class.rows += 1;
            }
        }
        if target.tags().is_some() {
            for count in parts.iter().filter_map(|rows| rows.tag_counts()) {
                classes.iter_mut().zip(count).for_each(|(class, n)| class.rows += n as usize);
            }
        }
        let all = classes.iter().map(|class| class.rows).sum::<usize>().max(1) as f64;
        classes.iter_mut().for_each(|class| class.share = class.rows as f64 / all);
        let images = matches!(data.preparation.inputs, InputPreparation::Pixels { .. });
        let (source, shape) = (data.source.clone(), data.input.shape.clone());
        let tokens = data.preparation.inputs.text().map(|text| text.tokenizer.vocabulary());
        Other { source, images, tokens, rows, shape, classes, files: data.images.clone() }
    }
}

pub fn run(args: &DataArgs, ctx: &Context) -> Result<(), AppError> {
    let asked = Asked {
        what: args.what.clone(),
        target: args.target.clone(),
        drop: args.drop.clone(),
        strict: args.strict,
        augment: args.augment.clone(),
        seed: args.seed.clone(),
        set: args.set.clone(),
        ..Asked::default()
    };
    let RunConfig { data: config, train, .. } = asked.config()?;
    let (path, options) = (&config.path, config.options());
    let failed = |error: data::DataError| AppError::failed(error);
    let (what, loaded) = match data::is_table(path) {
        true => {
            let table = data::describe(path, &options).map_err(failed)?;
            let loaded = data::load(path, &options);
            match loaded {
                // A target that was asked for by a wrong name is a mistake, not a finding.
                Err(error) if options.target.is_some() && table.target.is_none() => {
                    return Err(failed(error));
                }
                loaded => (What::Table(Box::new(table)), loaded),
            }
        }
        false => {
            let loaded = data::load(path, &options).map_err(failed)?;
            (What::Other(Box::new(Other::of(&loaded))), Ok(loaded))
        }
    };
    let sheet = match (&args.sheet, &loaded) {
        (Some(file), Ok(data)) => {
            draw(file, data, &train, args.epochs.unwrap_or(EPOCHS))?;
            Some(file.display().to_string())
        }
        _ => None,
    };
    let (training, problem) = match loaded {
        Ok(data) => (Some(Training::of(&data)), None),
        Err(error) => (None, Some(error.to_string())),
    };
    let found = Described { training, problem, sheet, next: next(args, &what), what };
    ctx.print(&found, |screen| {
        let sheet = found.sheet.as_ref().map(|file| format!("\n{}\n", ctx.text.wrote_sheet(file)));
        describe(&found, ctx.text, screen) + &sheet.unwrap_or_default()
    })
}

/// Draws what a network would see.
#[cfg(feature = "image")]
fn draw(file: &Path, data: &Dataset, train: &TrainConfig, epochs: usize) -> Result<(), AppError> {
    let picture = glassbox::report::augmented(data, &train.augment, epochs, train.seed)?;
    Ok(picture.write(file)?)
}

#[cfg(not(feature = "image"))]
fn draw(_: &Path, _: &Dataset, _: &TrainConfig, _: usize) -> Result<(), AppError> {
    Err(AppError::failed("this build draws no pictures: build it with the feature `image`"))
}

/// Leaks that a model would see.
pub fn leaks(table: &Description) -> impl Iterator<Item = &Leak> {
    let seen = |leak: &&Leak| {
        let column = table.columns.iter().find(|column| column.name == leak.column);
        column.is_some_and(|column| column.role == Role::Input)
    };
    table.leaks.iter().filter(seen)
}

/// The words that train on what is described, leaks left out.
fn next(args: &DataArgs, what: &What) -> Vec<String> {
    let mut words = vec!["glassbox".to_owned(), "train".to_owned(), args.what.clone()];
    let mut flag = |name: &str, value: String| words.extend([name.to_owned(), value]);
    let mut left_out = args.drop.clone();
    if let What::Table(table) = what {
        let target = table.target.as_ref().map(|target| target.name.clone());
        if let Some(target) = args.target.clone().or(target) {
            flag("--target", target);
        }
        for leak in leaks(table) {
            let known = left_out.as_ref().is_some_and(|l| l.split(',').any(|c| c == leak.column));
            let plain = !leak.column.contains(',');
            left_out = match left_out {
                Some(columns) if plain && !known => Some(format!("{columns},{}", leak.column)),
                None if plain => Some(leak.column.clone()),
                left_out => left_out,
            };
        }
    }
    if let Some(columns) = left_out {
        flag("--drop", columns);
    }
    if let Some(changes) = &args.augment {
        words.extend(["--augment".to_owned(), changes.clone()]);
    }
    let mut flag = |name: &str, value: String| words.extend([name.to_owned(), value]);
    args.set.iter().for_each(|setting| flag("--set", setting.clone()));
    words.extend(args.strict.then(|| "--strict".to_owned()));
    words
}
