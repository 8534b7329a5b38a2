//! From a raw table to a dataset: columns understood, target chosen, rows split, values prepared.

use std::collections::HashSet;
use std::ops::Range;

use super::dataset::{Dataset, Parts, empty_parts};
use super::date::DateOrder;
use super::effects::{self, Wanted};
use super::error::{DataError, Place, Problems, count, quoted};
use super::fingerprint::Fingerprint;
use super::fit::{Scaling, fit, quantile};
use super::folds::{Fold, Folding, NthFold, k_fold, time_series_folds};
use super::options::{Options, Prepare};
use super::prepare::{InputPreparation, Preparation, PreparedColumn};
use super::rows::{Inputs, Rows, Store, Targets};
use super::rules::{self, Impute, Method};
use super::schema::{self, Kind, Role, Schema};
use super::series;
use super::split::{Part, Split, check_fractions, hold_out, share, split, stream};
use super::spool::{Spool, Stored};
use super::table::RawTable;
use super::target::{self, Output, Spelling, TargetEncoding, TargetPreparation, Task};
use super::text;

impl Dataset {
    /// A dataset of a table: column kinds, target and task are inferred where `options` do not say
    /// them.
    ///
    /// # Errors
    /// No such target or column, a target that cannot be learned (one value only, a class with one
    /// row), a column of numbers with some text in it, no column left as input.
    ///
    /// ```
    /// use glassbox::data::{Dataset, Options, RawTable};
    /// let names = ["size", "price"];
    /// let rows: Vec<Vec<String>> =
    ///     (0..40).map(|i| vec![format!("{}", 30 + i), format!("{}.5", 100 + 3 * i)]).collect();
    /// let table = RawTable::from_rows(&names.map(String::from), &rows)?;
    /// let homes = Dataset::from_table(&table, &Options::default())?;
    /// assert_eq!(homes.notices[0], "no target given: assumed `price`, the last column");
    /// # Ok::<(), glassbox::data::DataError>(())
    /// ```
    pub fn from_table(table: &RawTable, options: &Options) -> Result<Self, DataError> {
        if options.series.is_asked() {
            return series::dataset(table, options);
        }
        if let Some(NthFold { fold, of }) = options.fold {
            let folding = Folding::ByChance { k: of };
            let none = || {
                let what = format!("there is no fold {fold} of {of}");
                DataError::new(Place::file(table.file()), what, "count folds from 1")
            };
            let before = fold.checked_sub(1).ok_or_else(none)?;
            let mut from = Dataset::folds_from(table, options, folding, before)?;
            return from.next().unwrap_or_else(|| Err(none()));
        }
        // The hash takes a pass of its own over everything: beside the others, where it is long.
        let (understood, hash) = std::thread::scope(|scope| {
            let long = table.rows().saturating_mul(table.columns()) > 1 << 20;
            let hash = long.then(|| scope.spawn(|| table.fingerprint()));
            let understood = Understood::of(table, options);
            let hash = hash.and_then(|thread| thread.join().ok());
            (understood, hash.unwrap_or_else(|| table.fingerprint()))
        });
        understood?
            .dataset(table, options, &hash?, &mut |targets, rows| divide(targets, rows, options))
    }

    /// A dataset for each fold of a table, one after the other: its test part is what the fold holds
    /// out, and everything that is fitted (scales, categories, fillings) is fitted without it. Of the
    /// other rows the fraction `options.valid` steers the training, chosen by chance; in time, it is
    /// the last of them.
    ///
    /// # Errors
    /// As [`Dataset::from_table`], [`k_fold`] and [`time_series_folds`].
    ///
    /// ```
    /// use glassbox::data::{Dataset, Folding, Options, RawTable};
    /// let rows: Vec<Vec<String>> =
    ///     (0..60).map(|i| vec![format!("{i}.5"), format!("{}", i % 2)]).collect();
    /// let table = RawTable::from_rows(&["x".to_string(), "y".to_string()], &rows)?;
    /// let mut held_out = Vec::new();
    /// for fold in Dataset::folds(&table, &Options::default(), Folding::ByChance { k: 5 })? {
    ///     held_out.extend(fold?.test.source_rows());
    /// }
    /// held_out.sort();
    /// assert_eq!(held_out, (1..=60).collect::<Vec<_>>());
    /// # Ok::<(), glassbox::data::DataError>(())
    /// ```
    pub fn folds<'t>(
        table: &'t RawTable,
        options: &'t Options,
        folding: Folding,
    ) -> Result<impl Iterator<Item = Result<Dataset, DataError>> + use<'t>, DataError> {
        Dataset::folds_from(table, options, folding, 0)
    }

    /// The folds without the first ones.
    fn folds_from<'t>(
        table: &'t RawTable,
        options: &'t Options,
        folding: Folding,
        first: usize,
    ) -> Result<impl Iterator<Item = Result<Dataset, DataError>> + use<'t>, DataError> {
        if options.series.is_asked() {
            let what = "a series is not divided into folds";
            return Err(DataError::new(Place::file(table.file()), what, "leave the folds out"));
        }
        let understood = Understood::of(table, options)?;
        let hash = table.fingerprint()?;
        let folds = match folding {
            Folding::InTime { k } => time_series_folds(understood.found.rows.len(), k)?,
            Folding::ByChance { k } => {
                let (target, columns) = (understood.unscaled_target(), &understood.targets);
                let target =
                    Preparation { inputs: InputPreparation::Table { columns: vec![] }, target };
                let targets = target.targets_of(table, columns, &understood.found.rows)?;
                let labels = match &targets {
                    Targets::Classes(labels) => Some(&labels[..]),
                    Targets::Values(_) => None,
                };
                let rows = understood.found.rows.len();
                k_fold(rows, labels, k, options.stratify, options.seed)?
            }
        };
        let valid = options.valid.unwrap_or(0.15);
        check_fractions(valid, 0.0)?;
        Ok(folds.into_iter().skip(first).map(move |fold| {
            let mut fold = Some(fold);
            understood.clone().dataset(table, options, &hash, &mut |targets, rows| {
                let Fold { train: rest, test } = fold.take().unwrap_or_default();
                let held = share(rest.len(), valid).min(rest.len() - 1);
                let (train, valid) = match (folding, targets) {
                    (Folding::InTime { .. }, _) => {
                        let (train, valid) = rest.split_at(rest.len() - held);
                        (train.to_vec(), valid.to_vec())
                    }
                    (_, targets) => {
                        let labels = match targets {
                            Targets::Classes(labels) if labels.len() == rows => Some(&labels[..]),
                            _ => None,
                        };
                        let stream = stream(options.seed, Part::Valid);
                        hold_out(&rest, labels, options.stratify, held, stream)
                    }
                };
                Ok(Split { train, valid, test })
            })
        }))
    }
}

/// Divides rows, of which there are so many, by their targets.
type Divide<'d> = dyn FnMut(&Targets, usize) -> Result<Split, DataError> + 'd;

/// A table whose columns are understood and whose target is chosen.
#[derive(Clone)]
pub(super) struct Understood {
    pub(super) schema: Schema,
    counting: Vec<bool>,
    /// The target's column, or its columns.
    pub(super) targets: Vec<usize>,
    pub(super) assumed: Option<String>,
    pub(super) found: target::Target,
}

impl Understood {
    pub(super) fn of(table: &RawTable, options: &Options) -> Result<Self, DataError> {
        let (mut schema, counting) = schema::infer(table, &options.columns, &options.drop)?;
        let text = text::column_asked(options).map(|name| column_of(table, name, "text"));
        let text = text.transpose()?;
        let weight = options.weight.as_deref().map(|name| column_of(table, name, "weight"));
        if let Some(weight) = weight.transpose()? {
            schema.columns[weight].role = Role::Weight;
        }
        let (targets, assumed) = target::choose(table, &schema, options)?;
        let mut found = match targets[..] {
            [] => target::nothing(table),
            [index] => {
                let declared = options.columns.get(&schema.columns[index].name).copied();
                target::infer(table, &schema, index, declared)?
            }
            _ => target::infer_several(table, &schema, &targets)?,
        };
        for index in &targets {
            if schema.columns[*index].role == Role::Weight {
                let place = Place::file(table.file()).column(&table.names()[*index]);
                let what = "the weight of a row cannot be its target";
                return Err(DataError::new(place, what, "choose another column"));
            }
            if text == Some(*index) {
                let place = Place::file(table.file()).column(&table.names()[*index]);
                let what = "the text cannot be what is to be told of it";
                return Err(DataError::new(place, what, "choose another target, or another text"));
            }
            schema.columns[*index].role = Role::Target;
            if found.spelling == Some(Spelling::Number) {
                schema.columns[*index].kind = Kind::Category;
            }
        }
        if let Some(text) = text {
            for (index, column) in schema.columns.iter_mut().enumerate() {
                match (index == text, &column.role) {
                    (true, _) => (column.role, column.kind) = (Role::Input, Kind::Text),
                    (false, Role::Input | Role::Dropped(_)) => {
                        column.role = Role::Dropped("only the text is read".into());
                    }
                    (false, _) => {}
                }
            }
            drop_missing(table, text, &mut found)?;
        }
        rules::check(&options.rules, &schema, table.file())?;
        for (index, column) in schema.columns.iter().enumerate() {
            let said = rules::said(&options.rules, column);
            if said.impute == Some(Impute::Drop) && column.role == Role::Input {
                drop_missing(table, index, &mut found)?;
            }
        }
        Ok(Understood { schema, counting, targets, assumed, found })
    }

    fn unscaled_target(&self) -> TargetPreparation {
        unscaled_target(&self.schema, &self.targets, &self.found)
    }

    fn dataset(
        self,
        table: &RawTable,
        options: &Options,
        hash: &Fingerprint,
        divide: &mut Divide<'_>,
    ) -> Result<Dataset, DataError> {
        let mut preparation = Preparation {
            inputs: InputPreparation::Table { columns: Vec::new() },
            target: self.unscaled_target(),
        };
        let Understood { schema, counting, targets: columns, assumed, found } = self;
        let mut targets = preparation.targets_of(table, &columns, &found.rows)?;
        let mut parts = divide(&targets, found.rows.len())?;
        let outliers = leave_out_outliers(table, &schema, &found.rows, options, &mut parts.train)?;
        let split_notices =
            empty_parts(&parts, options.valid.unwrap_or(0.15), options.test.unwrap_or(0.15));
        let train: Vec<u32> = parts.train.iter().map(|at| found.rows[*at]).collect();

        if fit_target(table, &schema, &columns, &train, options, &mut preparation.target)? {
            drop(targets);
            targets = preparation.targets_of(table, &columns, &found.rows)?;
        }
        let weight = schema.columns.iter().position(|column| column.role == Role::Weight);
        let weights = weight.map(|column| weights(table, column, &found.rows)).transpose()?;
        let told = options.rules.iter().any(|rule| rule.with == Some(Method::Target));
        let wanted = told.then(|| Wanted::new(&preparation.target, &targets, &parts.train));
        let mut notices = table.notices().to_vec();
        let text = text::column_asked(options).and_then(|name| table.column(name));
        let (matrix, width) = match text {
            Some(column) => {
                let found = text::labelled(table, column, &train, &found.rows, options)?;
                let text::Labelled { preparation: text, rows, notices: of_texts } = found;
                notices.extend(of_texts);
                let width = text.context;
                preparation.inputs = InputPreparation::Text(Box::new(text));
                (rows, width)
            }
            None => {
                let (inputs, own) = fit_inputs(table, &schema, &train, wanted.as_ref(), options)?;
                preparation.inputs = inputs;
                let width = preparation.input_shape().iter().product();
                drop((train, wanted));
                let mut matrix = Spool::new(options.memory);
                let mut own = OwnEffects::new(own, width, &parts.train, found.rows.len());
                preparation.apply_rows(table, &found.rows, &mut |numbers| {
                    matrix.push(own.replace(numbers))
                })?;
                (matrix.finish()?, width)
            }
        };

        notices.extend(assumed);
        notices.extend(found.notices);
        notices.extend(notices_on_columns(table, &schema, &preparation, options)?);
        notices.extend(schema::suspicious_counters(&schema, &counting));
        notices.extend(outliers);
        notices.extend(split_notices);
        let inputs = Inputs::Floats(matrix);
        let source_rows = (found.rows.len() < table.rows()).then_some(found.rows);
        let store =
            Store { inputs, width, targets, source_rows, names: None, weights, overlap: None };
        let parts = Parts::of(store, &preparation.target, parts);
        Ok(Dataset::assemble(table.file(), preparation, parts, Some(schema), notices, hash))
    }
}

/// Where a column stands that an option names.
fn column_of(table: &RawTable, name: &str, meant: &str) -> Result<usize, DataError> {
    table.column(name).ok_or_else(|| {
        let names: Vec<&str> = table.names().iter().map(String::as_str).collect();
        DataError::new(
            Place::file(table.file()),
            format!("there is no column {} to be the {meant}", quoted(name)),
            crate::nearest::suggestion(name, "columns", &names),
        )
    })
}

/// Leaves rows out that have no value in a column.
fn drop_missing(
    table: &RawTable,
    column: usize,
    found: &mut target::Target,
) -> Result<(), DataError> {
    let before = found.rows.len();
    let mut known = vec![false; table.rows()];
    table.each(column, |row, cell| known[row] = !cell.is_missing())?;
    found.rows.retain(|row| known[*row as usize]);
    let name = &table.names()[column];
    if found.rows.is_empty() {
        let what = "no row is left: none has a value here and in the target";
        let cure = "let missing values become something else than `drop`";
        return Err(DataError::new(Place::file(table.file()).column(name), what, cure));
    }
    if found.rows.len() < before {
        let without = count(before - found.rows.len(), "row");
        found.notices.push(format!("{without} without a value of `{name}` dropped"));
    }
    Ok(())
}

/// How much each row counts.
fn weights(table: &RawTable, column: usize, rows: &[u32]) -> Result<Vec<f32>, DataError> {
    let mut weights = Vec::with_capacity(rows.len());
    let mut problems = Problems::default();
    table.each_of(column, rows, |row, cell| match cell.number() {
        Some(weight) if weight >= 0.0 => weights.push(weight as f32),
        _ => {
            let what = format!("{} is not a weight", quoted(&cell.text()));
            problems.push(table.place(row, column), what, "give every row a number of at least 0");
        }
    })?;
    if problems.is_empty() && weights.iter().all(|weight| *weight == 0.0) {
        let place = Place::file(table.file()).column(&table.names()[column]);
        problems.push(place, "every weight is 0: no row counts", "give some rows a larger one");
    }
    problems.finish()?;
    Ok(weights)
}

impl Preparation {
    /// Prepares a raw table that has the target's column, to evaluate a model on it.
    ///
    /// # Errors
    /// As [`Preparation::apply`] and [`Preparation::targets`].
    ///
    /// ```
    /// use glassbox::data::{self, RawTable};
    /// let iris = data::iris();
    /// let text = "sepal_length,sepal_width,petal_length,petal_width,species\n5,3,1,0,setosa\n";
    /// let (rows, warnings) = iris.preparation.rows(&RawTable::from_bytes("a", text.as_bytes())?)?;
    /// assert_eq!((rows.labels(), warnings.len()), (Some(vec![0]), 0));
    /// # Ok::<(), data::DataError>(())
    /// ```
    pub fn rows(&self, table: &RawTable) -> Result<(Rows, Vec<String>), DataError> {
        if let InputPreparation::Series(series) = &self.inputs {
            return series.rows(table, &self.target);
        }
        let prepared = self.apply(table)?;
        let targets = self.targets(table)?;
        let inputs = Inputs::Floats(Stored::Memory(prepared.matrix));
        let width = prepared.features;
        let store = Store {
            inputs,
            width,
            targets,
            source_rows: None,
            names: None,
            weights: None,
            overlap: None,
        };
        let all = Split { train: (0..prepared.rows).collect(), ..Split::default() };
        let parts = Parts::of(store, &self.target, all);
        Ok((parts.train, prepared.warnings))
    }
}

fn unscaled_target(
    schema: &Schema,
    columns: &[usize],
    found: &target::Target,
) -> TargetPreparation {
    let names: Vec<&str> = columns.iter().map(|at| schema.columns[*at].name.as_str()).collect();
    let encoding = match (&found.task, found.spelling) {
        (Task::Classification { classes }, spelling) => TargetEncoding::Classes {
            names: classes.clone(),
            spelling: spelling.unwrap_or(Spelling::Text),
        },
        (Task::Regression, _) if columns.len() > 1 => {
            let output = |name: &&str| Output { name: name.to_string(), mean: 0.0, std: 1.0 };
            TargetEncoding::Several { outputs: names.iter().map(output).collect() }
        }
        (Task::Rows { .. }, _) => {
            TargetEncoding::Itself { names: Vec::new(), spelling: Spelling::Text }
        }
        (Task::Regression | Task::Tags { .. } | Task::Language { .. }, _) => {
            TargetEncoding::Values { mean: 0.0, std: 1.0 }
        }
    };
    TargetPreparation { name: names.join(", "), encoding }
}

/// Fits the scale of the numbers to be told; whether it is another one than their own.
fn fit_target(
    table: &RawTable,
    schema: &Schema,
    columns: &[usize],
    train: &[u32],
    options: &Options,
    target: &mut TargetPreparation,
) -> Result<bool, DataError> {
    let mut scaled = false;
    let mut fit = |index: usize, mean: &mut f64, std: &mut f64| {
        let usual =
            if options.prepare == Prepare::Raw { Method::None } else { Method::Standardize };
        let said = rules::said(&options.rules, &schema.columns[index]);
        let mut values: Vec<f64> = Vec::with_capacity(train.len());
        table.each_of(index, train, |_, cell| values.extend(cell.number()))?;
        let scaling = Scaling::fit(&mut values, said.with.unwrap_or(usual), None);
        (*mean, *std) = (scaling.offset, scaling.scale);
        scaled |= (*mean, *std) != (0.0, 1.0);
        Ok::<_, DataError>(())
    };
    match &mut target.encoding {
        TargetEncoding::Classes { .. }
        | TargetEncoding::Tokens(_)
        | TargetEncoding::Tags { .. }
        | TargetEncoding::Itself { .. } => {}
        TargetEncoding::Values { mean, std } => fit(columns[0], mean, std)?,
        TargetEncoding::Several { outputs } => {
            for (index, output) in columns.iter().zip(outputs) {
                fit(*index, &mut output.mean, &mut output.std)?;
            }
        }
    }
    Ok(scaled)
}

fn divide(targets: &Targets, rows: usize, options: &Options) -> Result<Split, DataError> {
    let labels = match targets {
        Targets::Classes(labels) if labels.len() == rows => Some(&labels[..]),
        _ => None,
    };
    let (valid, test) = (options.valid.unwrap_or(0.15), options.test.unwrap_or(0.15));
    split(rows, labels, options.stratify, valid, test, options.seed)
}

/// Leaves out of the training rows (places among `rows`) those whose number lies far outside, as rules
/// say; gives what was left out in words.
fn leave_out_outliers(
    table: &RawTable,
    schema: &Schema,
    rows: &[u32],
    options: &Options,
    train: &mut Vec<usize>,
) -> Result<Vec<String>, DataError> {
    let mut notices = Vec::new();
    let mut far: HashSet<u32> = HashSet::new();
    let held: Vec<u32> = train.iter().map(|at| rows[*at]).collect();
    for (index, column) in schema.columns.iter().enumerate() {
        let Some(ranges) = rules::said(&options.rules, column).outliers else { continue };
        if column.role != Role::Input {
            continue;
        }
        let mut values: Vec<f64> = Vec::with_capacity(held.len());
        table.each_of(index, &held, |_, cell| values.extend(cell.number()))?;
        values.sort_unstable_by(f64::total_cmp);
        let (low, high) = (quantile(&values, 0.25), quantile(&values, 0.75));
        let reach = ranges * (high - low);
        let mut left_out = 0;
        table.each_of(index, &held, |row, cell| {
            let outside = |x: f64| x < low - reach || x > high + reach;
            // Where most rows are the same number, any other would be far from it.
            if reach > 0.0 && cell.number().is_some_and(outside) {
                left_out += 1;
                far.insert(row as u32);
            }
        })?;
        if left_out > 0 {
            notices.push(format!(
                "column `{}`: {} of the training part outside {} to {} left out",
                column.name,
                count(left_out, "row"),
                low - reach,
                high + reach
            ));
        }
    }
    train.retain(|at| !far.contains(&rows[*at]));
    if train.is_empty() {
        let what = "every row of the training part has an outlying number";
        let cure = "give `outliers` a larger number of interquartile ranges";
        return Err(DataError::new(Place::file(table.file()), what, cure));
    }
    Ok(notices)
}

/// What columns told by the target are in each training row: which features they are, and the numbers
/// `[training rows, features]`.
type Own = Vec<(Range<usize>, Vec<f32>)>;

/// Puts in the place of a column's mean in each training row that without the row's own target.
struct OwnEffects {
    own: Own,
    /// Features of a row.
    width: usize,
    /// For each row its place among the training rows.
    place: Vec<Option<u32>>,
    next: usize,
    numbers: Vec<f32>,
}

impl OwnEffects {
    fn new(own: Own, width: usize, train: &[usize], rows: usize) -> Self {
        let mut place = vec![None; if own.is_empty() { 0 } else { rows }];
        if !own.is_empty() {
            for (at, row) in train.iter().enumerate() {
                place[*row] = Some(at as u32);
            }
        }
        OwnEffects { own, width, place, next: 0, numbers: Vec::new() }
    }

    /// The next whole rows, of which there are as many as places that follow.
    fn replace<'n>(&'n mut self, numbers: &'n [f32]) -> &'n [f32] {
        if self.own.is_empty() {
            return numbers;
        }
        self.numbers.clear();
        self.numbers.extend_from_slice(numbers);
        for row in self.numbers.chunks_exact_mut(self.width) {
            if let Some(at) = self.place.get(self.next).copied().flatten() {
                for (features, own) in &self.own {
                    let from = at as usize * features.len();
                    row[features.clone()].copy_from_slice(&own[from..from + features.len()]);
                }
            }
            self.next += 1;
        }
        &self.numbers
    }
}

/// Fits every input column on the training rows; with what those told by the target are in them.
pub(super) fn fit_inputs(
    table: &RawTable,
    schema: &Schema,
    train: &[u32],
    wanted: Option<&Wanted>,
    options: &Options,
) -> Result<(InputPreparation, Own), DataError> {
    let raw = options.prepare == Prepare::Raw;
    let (mut columns, mut own, mut first) = (Vec::new(), Vec::new(), 0);
    let inputs = schema.columns.iter().enumerate().filter(|(_, c)| c.role == Role::Input);
    for (index, column) in inputs {
        let said = rules::said(&options.rules, column);
        let fitted = match (said.with, wanted) {
            (Some(Method::Target), Some(wanted)) => {
                let (name, fill) = (column.name.clone(), said.impute.is_some());
                let (fitted, numbers) = effects::fit(table, index, name, train, wanted, fill)?;
                own.push((first..first + fitted.width(), numbers));
                fitted
            }
            _ => fit(table, index, column, train, said, raw)?,
        };
        first += fitted.width();
        columns.push(fitted);
    }
    if columns.is_empty() {
        let reasons = schema.columns.iter().filter_map(|column| match &column.role {
            Role::Dropped(reason) => Some(format!("`{}` ({reason})", column.name)),
            _ => None,
        });
        let reasons: Vec<String> = reasons.take(12).collect();
        let what = match reasons.is_empty() {
            true => "the target is the only column: there is nothing to learn from".into(),
            false => format!("no column is left to learn from: dropped {}", reasons.join(", ")),
        };
        let cure = "add a column, choose another target, or declare what a dropped column is";
        let texts = schema
            .columns
            .iter()
            .find(|column| column.kind == Kind::Text && matches!(column.role, Role::Dropped(_)));
        let cure = texts.map_or(cure.to_owned(), |column| {
            let name = &column.name;
            format!("{cure}; where `{name}` holds texts to be read, say so with `--text {name}`")
        });
        return Err(DataError::new(Place::file(table.file()), what, cure));
    }
    Ok((InputPreparation::Table { columns }, own))
}

/// Which columns were dropped or filled in, and what is to be known about dates.
fn notices_on_columns(
    table: &RawTable,
    schema: &Schema,
    fitted: &Preparation,
    options: &Options,
) -> Result<Vec<String>, DataError> {
    let mut notices = Vec::new();
    for column in &schema.columns {
        if let Role::Dropped(reason) = &column.role {
            notices.push(format!("column `{}` dropped: {reason}", column.name));
        }
    }
    let InputPreparation::Table { columns } = &fitted.inputs else { return Ok(notices) };
    for column in columns {
        let name = column.name();
        let rows = schema.column(name).map_or(0, |c| c.missing);
        if let Some(filled) = column.filled_with().filter(|_| rows > 0) {
            let rows = count(rows, "row");
            let impute = schema.column(name).and_then(|c| rules::said(&options.rules, c).impute);
            let usual = match (column, impute) {
                (
                    PreparedColumn::Number { .. } | PreparedColumn::Pieces { .. },
                    None | Some(Impute::Median),
                ) => "the median ",
                (
                    PreparedColumn::Number { .. } | PreparedColumn::Pieces { .. },
                    Some(Impute::Mean),
                ) => "the mean ",
                _ => "",
            };
            notices.push(format!("column `{name}`: {rows} without a value get {usual}{filled}"));
        }
        let ambiguous = match (column, table.column(name)) {
            (PreparedColumn::Date { .. }, Some(index)) => schema::date_order(table, index)?,
            _ => None,
        };
        if let Some((DateOrder::DayFirst, true)) = ambiguous {
            notices.push(format!(
                "column `{name}`: day and month could be either way round in every date; taken as \
                 day first (write dates as 2024-05-01 where that is wrong)"
            ));
        }
    }
    Ok(notices)
}
