use std::path::Path;
use std::sync::Arc;

use glassbox_engine::{Array, Data};

use super::error::{DataError, Place, Problems, count, quoted};
use super::fingerprint::Fingerprint;
use super::fit::mean_and_std;
use super::options::{Options, Prepare};
use super::photos::ImageFacts;
use super::prepare::{InputPreparation, Preparation};
use super::rows::{Inputs, Rows, Store, Targets};
use super::rules::{Columns, Method};
use super::schema::Schema;
use super::split::{Part, Split, hold_out, split, stream};
use super::spool::Stored;
use super::target::{Spelling, TargetEncoding, TargetPreparation, Task, classes_of, counted};
use crate::io::FileError;

/// Data ready to learn from, and all that was decided about it.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// A short name: a built-in's, or the file's without its extension.
    pub name: String,
    /// Where it came from, as the user said it.
    pub source: String,
    /// What there is to learn.
    pub task: Task,
    /// What a row of inputs is.
    pub input: Input,
    /// Learned from.
    pub train: Rows,
    /// Looked at while training, to stop and to choose.
    pub valid: Rows,
    /// Kept for the end.
    pub test: Rows,
    /// How raw rows become inputs and targets; fitted on `train`.
    pub preparation: Preparation,
    /// What was understood of each column, where the source is a table.
    pub schema: Option<Schema>,
    /// What was assumed, dropped or skipped: to be shown to the user.
    pub notices: Vec<String>,
    /// What was found in the files of images, where the source is a folder or an archive of them.
    pub images: Option<ImageFacts>,
    /// A hash of the content, 16 hexadecimal digits: the same data has the same one, whatever its
    /// file is called.
    pub fingerprint: String,
}

/// What a row of inputs is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// `[features]`, `[height, width, channels]`, or the shape of one's own arrays.
    pub shape: Vec<usize>,
    /// A name for each feature of a table; empty for images and arrays.
    pub features: Vec<String>,
}

/// What every source hands over once its rows are split.
pub(super) struct Parts {
    pub(super) train: Rows,
    pub(super) valid: Rows,
    pub(super) test: Rows,
}

impl Parts {
    /// The parts of one store.
    pub(super) fn of(store: Store, target: &TargetPreparation, split: Split) -> Self {
        let (store, target) = (Arc::new(store), Arc::new(target.clone()));
        let rows = |positions: Vec<usize>| {
            Rows::new(&store, &target, positions.iter().map(|at| *at as u32).collect())
        };
        Parts { train: rows(split.train), valid: rows(split.valid), test: rows(split.test) }
    }
}

impl Dataset {
    /// Puts a dataset together; task and input shape follow from the preparation.
    pub(super) fn assemble(
        source: &str,
        preparation: Preparation,
        parts: Parts,
        schema: Option<Schema>,
        notices: Vec<String>,
        fingerprint: &Fingerprint,
    ) -> Self {
        let target = &preparation.target;
        let task = match (target.classes().or(target.tags()), target.tokens()) {
            (Some(tags), Some(_)) => Task::Tags { tags: tags.to_vec() },
            (Some(classes), None) => Task::Classification { classes: classes.to_vec() },
            (None, Some(tokens)) => Task::Language { vocabulary: tokens.vocabulary },
            _ => match target.known_classes() {
                Some(classes) => Task::Rows { classes: classes.to_vec() },
                None => Task::Regression,
            },
        };
        let input =
            Input { shape: preparation.input_shape(), features: preparation.feature_names() };
        let Parts { train, valid, test } = parts;
        let fingerprint = fingerprint.hex();
        let (name, source) = (short_name(source), source.to_string());
        Dataset {
            name,
            source,
            task,
            input,
            train,
            valid,
            test,
            preparation,
            schema,
            notices,
            images: None,
            fingerprint,
        }
    }

    /// A dataset of one's own arrays: `inputs` are f32 `[rows, …]`, images `[rows, height, width,
    /// channels]`; labels count from 0 without gaps.
    ///
    /// Numbers stay as they are, unless `options` ask to standardise (inputs along their last axis,
    /// over all other axes of the training part; and the targets of a regression).
    ///
    /// # Errors
    /// Inputs that are not f32, another number of targets than rows, values that are not finite
    /// (with their rows), labels that are negative, a class without rows or with one row, one class
    /// only; options that name columns.
    ///
    /// ```
    /// use glassbox::data::{Dataset, Options, Targets};
    /// use glassbox::engine::Array;
    /// let inputs = Array::new([4, 2], vec![0.0f32, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0]).unwrap();
    /// let options = Options { valid: Some(0.0), test: Some(0.0), ..Options::default() };
    /// let xor = Dataset::from_arrays(inputs, Targets::Classes(vec![0, 1, 1, 0]), &options)?;
    /// assert_eq!((xor.train.len(), &xor.input.shape[..]), (4, &[2][..]));
    /// # Ok::<(), glassbox::data::DataError>(())
    /// ```
    pub fn from_arrays(
        inputs: Array,
        targets: Targets,
        options: &Options,
    ) -> Result<Self, DataError> {
        options.refuse_columns("arrays")?;
        let (rows, shape) = check_arrays(&inputs, &targets)?;
        let width: usize = shape.iter().product();
        let Data::F32(mut numbers) = inputs.data().clone() else {
            let what = format!("inputs are {}, not f32", inputs.dtype());
            return Err(DataError::new(Place::default(), what, "convert them to f32"));
        };
        let mut fingerprint = Fingerprint::new();
        fingerprint.sizes(inputs.shape().sizes());
        fingerprint.bytes(numbers.iter().flat_map(|x| x.to_le_bytes()));
        let labels = match &targets {
            Targets::Classes(labels) => {
                fingerprint.bytes(labels.iter().flat_map(|x| x.to_le_bytes()));
                Some(&labels[..])
            }
            Targets::Values(values) => {
                fingerprint.bytes(values.iter().flat_map(|x| x.to_le_bytes()));
                None
            }
        };
        let (valid, test) = (options.valid.unwrap_or(0.15), options.test.unwrap_or(0.15));
        let parts = split(rows, labels, options.stratify, valid, test, options.seed)?;
        let notices = empty_parts(&parts, valid, test);

        let standardize = options.prepare == Prepare::Standardize;
        let inputs = match standardize {
            true => standardized(shape, &numbers, &parts.train),
            false => InputPreparation::Array { shape, mean: Vec::new(), std: Vec::new() },
        };
        inputs.scale_in_place(&mut numbers);
        let (encoding, targets) = encode(targets, &parts.train, standardize)?;
        let target = TargetPreparation { name: "target".into(), encoding };
        let preparation = Preparation { inputs, target };
        let inputs = Inputs::Floats(Stored::Memory(numbers));
        let store = Store {
            inputs,
            width,
            targets,
            source_rows: None,
            names: None,
            weights: None,
            overlap: None,
        };
        let parts = Parts::of(store, &preparation.target, parts);
        Ok(Self::assemble("arrays", preparation, parts, None, notices, &fingerprint))
    }

    /// The same data, its classes called by `names`, in the order of their labels.
    ///
    /// # Errors
    /// Another number of names than classes, a name twice, a regression.
    ///
    /// ```
    /// use glassbox::data;
    /// let words = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
    /// let digits = data::digits().with_class_names(&words)?;
    /// assert_eq!(digits.preparation.target.classes().unwrap()[3], "three");
    /// # Ok::<(), data::DataError>(())
    /// ```
    pub fn with_class_names<S: AsRef<str>>(mut self, names: &[S]) -> Result<Self, DataError> {
        let names: Vec<String> = names.iter().map(|name| name.as_ref().to_string()).collect();
        let refuse = |what: String| Err(DataError::new(Place::file(&self.source), what, ""));
        let Some(classes) = self.preparation.target.classes() else {
            return refuse("the target is a number: there are no classes to name".into());
        };
        if classes.len() != names.len() {
            return refuse(format!("{} for {} classes", count(names.len(), "name"), classes.len()));
        }
        if let Some(name) = names.iter().enumerate().find(|(i, n)| names[..*i].contains(n)) {
            return refuse(format!("two classes are called {}", quoted(name.1)));
        }
        self.task = Task::Classification { classes: names.clone() };
        self.preparation.target.encoding =
            TargetEncoding::Classes { names, spelling: Spelling::Text };
        let target = Arc::new(self.preparation.target.clone());
        self.train = self.train.with_target(&target);
        self.valid = self.valid.with_target(&target);
        self.test = self.test.with_target(&target);
        Ok(self)
    }
}

impl Dataset {
    /// Keeps the tokens of a text in a file, from which the same text is read without being encoded
    /// ([`TextOptions::kept`](super::TextOptions::kept)), unless it was read from there; of other data nothing.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub(crate) fn keep_tokens(&self, path: &Path) -> Result<(), FileError> {
        let Some((windows, _)) = self.train.of_tokens().filter(|(windows, _)| !windows.are_kept())
        else {
            return Ok(());
        };
        let parts = [&self.train, &self.valid, &self.test];
        let mut part_of_row = vec![0; parts.iter().map(|part| part.len()).sum()];
        for (number, part) in (0..).zip(parts) {
            for row in part.of_tokens().map_or(&[][..], |(_, rows)| rows) {
                if let Some(part) = part_of_row.get_mut(*row as usize) {
                    *part = number;
                }
            }
        }
        windows.keep(path, &part_of_row)
    }

    /// The same data, of which the rows themselves are learned; the classes of a classification are known
    /// beside them. Rows of the classes `without` are left out of the training and validation parts.
    ///
    /// # Errors
    /// A class that is not there; classes that leave nothing to learn from; text.
    ///
    /// ```
    /// use glassbox::data::{self, Task};
    /// let digits = data::digits().into_rows(&["7"])?;
    /// assert!(matches!(&digits.task, Task::Rows { classes } if classes.len() == 10));
    /// assert!(!digits.train.labels().unwrap().contains(&7));
    /// assert!(digits.test.labels().unwrap().contains(&7));
    /// # Ok::<(), data::DataError>(())
    /// ```
    pub fn into_rows<S: AsRef<str>>(mut self, without: &[S]) -> Result<Self, DataError> {
        let place = || Place::file(&self.source);
        let target = &self.preparation.target;
        if target.tokens().is_some() {
            let what = "is text, whose rows cannot be learned as they are";
            let cure = "take a model of language, such as gpt; or give numbers or images";
            return Err(DataError::new(place(), what, cure));
        }
        let (names, spelling) = match &target.encoding {
            TargetEncoding::Classes { names, spelling }
            | TargetEncoding::Itself { names, spelling } => (names.clone(), *spelling),
            _ => (Vec::new(), Spelling::Text),
        };
        let mut problems = Problems::default();
        let mut left_out = Vec::new();
        for class in without.iter().map(AsRef::as_ref) {
            match names.iter().position(|name| name == class) {
                Some(label) => left_out.push(label as i64),
                None => {
                    let known: Vec<&str> = names.iter().map(String::as_str).collect();
                    let what = format!("there is no class {} to leave out", quoted(class));
                    let cure = match known.is_empty() {
                        true => {
                            "no classes are known here: name the column that holds them as target"
                                .into()
                        }
                        false => crate::nearest::suggestion(class, "classes", &known),
                    };
                    problems.push(place(), what, cure);
                }
            }
        }
        problems.finish()?;
        if !left_out.is_empty() {
            for part in [&mut self.train, &mut self.valid] {
                let labels = part.labels().unwrap_or_default();
                let kept: Vec<usize> =
                    (0..labels.len()).filter(|row| !left_out.contains(&labels[*row])).collect();
                *part = part.select(&kept)?;
            }
            if self.train.is_empty() {
                let what = "without these classes no row is left to learn from";
                return Err(DataError::new(Place::file(&self.source), what, "leave fewer out"));
            }
        }
        self.task = Task::Rows { classes: names.clone() };
        self.preparation.target.encoding = TargetEncoding::Itself { names, spelling };
        let target = Arc::new(self.preparation.target.clone());
        self.train = self.train.with_target(&target);
        self.valid = self.valid.with_target(&target);
        self.test = self.test.with_target(&target);
        Ok(self)
    }
}

impl Dataset {
    /// The same data, of whose training part no more than `rows` are learned from, chosen by chance; with
    /// `stratify` of each class its share of them. Every class keeps a row. What is done to numbers stays as
    /// it was fitted on the whole part: rows without a label are often there.
    ///
    /// # Errors
    /// No row; text whose tokens are told, of which windows are learned.
    ///
    /// ```
    /// use glassbox::data;
    /// let digits = data::digits();
    /// let (valid, test) = (digits.valid.len(), digits.test.len());
    /// let few = digits.learn_from(50, true, 42)?;
    /// let labels = few.train.labels().unwrap();
    /// assert!((0..10).all(|digit| labels.iter().filter(|label| **label == digit).count() == 5));
    /// assert_eq!((few.valid.len(), few.test.len()), (valid, test));
    /// # Ok::<(), data::DataError>(())
    /// ```
    pub fn learn_from(mut self, rows: usize, stratify: bool, seed: u64) -> Result<Self, DataError> {
        let all = self.train.len();
        let refuse = |what: &str, cure: &str| {
            Err(DataError::new(Place::file(&self.source), what.to_owned(), cure))
        };
        if rows == 0 {
            return refuse("no row would be learned from", "`data.split.train` is 1 at least");
        }
        if self.preparation.target.tokens().is_some() {
            let cure = "leave `data.split.train` out, or give a shorter text";
            return refuse("is text, of which windows are learned, not rows", cure);
        }
        if rows >= all {
            return Ok(self);
        }
        let labels = self.train.labels().filter(|labels| labels.len() == all);
        let positions: Vec<usize> = (0..all).collect();
        let stream = stream(seed, Part::Train);
        let (kept, _) = hold_out(&positions, labels.as_deref(), stratify, all - rows, stream);
        self.train = self.train.select(&kept)?;
        self.notices
            .push(format!("{} of {all} rows of the training part are learned from", kept.len()));
        Ok(self)
    }
}

impl Options {
    /// Refuses what is said about columns where there are none.
    pub(super) fn refuse_columns(&self, what: &str) -> Result<(), DataError> {
        let mut problems = Problems::default();
        let cure = "leave it out";
        if let Some(target) = &self.target {
            let what = format!("{what} have one target: there is no column {}", quoted(target));
            problems.push(Place::default(), what, cure);
        }
        if let Some(fold) = self.fold {
            let what = format!("fold {fold}: only the rows of a table are divided into folds");
            problems.push(Place::default(), what, "leave the folds out, or give a table");
        }
        let named = self.rules.iter().filter_map(|rule| match &rule.columns {
            Columns::Named(name) => Some(name),
            _ => None,
        });
        let names = self.columns.keys().chain(&self.drop).chain(&self.weight).chain(named);
        if let Some(name) = { names }.next() {
            let what = format!("{what} have no columns: there is no column {}", quoted(name));
            problems.push(Place::default(), what, cure);
        }
        let usual = [None, Some(Method::Standardize), Some(Method::None), Some(Method::OneHot)];
        for rule in &self.rules {
            if !usual.contains(&rule.with) || rule.impute.is_some() {
                let what = format!("{what} have no columns to prepare one by one");
                problems.push(Place::default(), what, "leave the rule out");
            }
        }
        problems.finish()
    }
}

/// The name of a source without folders and extensions.
pub(super) fn short_name(source: &str) -> String {
    let path = std::path::Path::new(source);
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    match name.split('.').find(|part| !part.is_empty()) {
        Some(stem) => stem.to_string(),
        None => "data".into(),
    }
}

/// What to say of parts that were asked for and got no row.
pub(super) fn empty_parts(split: &Split, valid: f64, test: f64) -> Vec<String> {
    [("validation", valid, split.valid.len()), ("test", test, split.test.len())]
        .iter()
        .filter(|(_, fraction, rows)| *fraction > 0.0 && *rows == 0)
        .map(|(part, ..)| format!("too few rows for a {part} part: it is empty"))
        .collect()
}

/// The number of rows and the shape of one, of arrays that fit together.
fn check_arrays(inputs: &Array, targets: &Targets) -> Result<(usize, Vec<usize>), DataError> {
    let mut problems = Problems::default();
    let mut problem = |what: String, cure: &str| problems.push(Place::default(), what, cure);
    let (rows, shape) = match inputs.shape().sizes() {
        [] => (1, vec![1]),
        [rows] => (*rows, vec![1]),
        [rows, shape @ ..] => (*rows, shape.to_vec()),
    };
    let width: usize = shape.iter().product();
    if rows == 0 || width == 0 {
        problem(format!("inputs of shape {} hold nothing", inputs.shape()), "");
    }
    if targets.len() != rows {
        problem(
            format!("{} for {}", count(targets.len(), "target"), count(rows, "row")),
            "give one target for each row; the first axis of the inputs counts rows",
        );
    }
    let finite = "leave the row out, or fill in a value";
    for (i, x) in inputs.as_f32().unwrap_or(&[]).iter().enumerate().filter(|(_, x)| !x.is_finite())
    {
        problem(format!("row {}, number {}: {x}", i / width + 1, i % width + 1), finite);
    }
    match targets {
        Targets::Values(values) => {
            for (i, x) in values.iter().enumerate().filter(|(_, x)| !x.is_finite()) {
                problem(format!("row {}: the target is {x}", i + 1), finite);
            }
        }
        Targets::Classes(labels) => {
            for (i, label) in labels.iter().enumerate().filter(|(_, label)| **label < 0) {
                problem(format!("row {}: the label is {label}", i + 1), "count classes from 0");
            }
        }
    }
    problems.finish()?;
    Ok((rows, shape))
}

/// Standardises along the last axis, fitted on the training rows.
fn standardized(shape: Vec<usize>, numbers: &[f32], train: &[usize]) -> InputPreparation {
    let width: usize = shape.iter().product();
    let axis = shape.last().copied().unwrap_or(1);
    let (mut mean, mut std) = (Vec::new(), Vec::new());
    let mut values: Vec<f64> = Vec::new();
    for element in 0..axis {
        values.clear();
        for row in train {
            let row = &numbers[row * width..(row + 1) * width];
            values.extend(row.iter().skip(element).step_by(axis).map(|x| f64::from(*x)));
        }
        let (m, s) = mean_and_std(&values);
        mean.push(m);
        std.push(s);
    }
    InputPreparation::Array { shape, mean, std }
}

/// How targets are encoded, and the targets on the scale of training.
fn encode(
    targets: Targets,
    train: &[usize],
    standardize: bool,
) -> Result<(TargetEncoding, Targets), DataError> {
    match targets {
        Targets::Classes(labels) => {
            let place = Place::default().column("target");
            let names = labels.iter().map(|label| label.to_string());
            let names = classes_of(counted(names), Spelling::Number, &place)?;
            // Sorted, different and not negative: without gaps, the i-th is called i.
            if let Some(gap) = names.iter().enumerate().find(|(i, name)| **name != i.to_string()) {
                let what = format!("no row has the label {}, but some are above", gap.0);
                return Err(DataError::new(place, what, "count classes from 0 without gaps"));
            }
            Ok((
                TargetEncoding::Classes { names, spelling: Spelling::Number },
                Targets::Classes(labels),
            ))
        }
        Targets::Values(mut values) => {
            let of_train: Vec<f64> = train.iter().map(|row| f64::from(values[*row])).collect();
            let (mean, std) = if standardize { mean_and_std(&of_train) } else { (0.0, 1.0) };
            for x in &mut values {
                *x = ((f64::from(*x) - mean) / std) as f32;
            }
            Ok((TargetEncoding::Values { mean, std }, Targets::Values(values)))
        }
    }
}
