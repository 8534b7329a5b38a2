//! From a raw table to windows: put in order, divided in time or by groups, prepared, cut.

use std::ops::Range;
use std::sync::Arc;

use glassbox_engine::random::Stream;

use super::super::dataset::{Dataset, Parts};
use super::super::error::{DataError, Place, Problems, count, quoted};
use super::super::options::Options;
use super::super::prepare::{InputPreparation, Preparation, PreparedColumn};
use super::super::rows::{Inputs, Store, Targets};
use super::super::schema::{Kind, Role, Schema};
use super::super::split::{Split, check_fractions, share};
use super::super::spool::Stored;
use super::super::table::RawTable;
use super::super::tabular::{Understood, fit_inputs};
use super::super::target::{Output, TargetEncoding, TargetPreparation, Task};
use super::lay::{Keys, Laid, lay};
use super::season::season;
use super::windows::{Overlap, Times, begins, class};
use super::{Label, Part, Past, SeriesOptions, SeriesPreparation};
use crate::nearest::listed;

/// Windows are at most so many seasons long where nobody says.
const SEASONS: usize = 14;
/// Rows of a window of classes, where nobody says.
const OF_CLASSES: usize = 100;

/// Why columns are left out that a forecast does not read.
const OWN_PAST: &str = "only the past of what is forecast is read";

/// The part of the data that a row belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Of {
    Train,
    Valid,
    Test,
}

/// A dataset of windows of a table.
///
/// # Errors
/// As [`Dataset::from_table`]; times that are missing, come twice or are uneven; options that do not fit
/// the target; parts too short for a window.
pub(in crate::data) fn dataset(table: &RawTable, options: &Options) -> Result<Dataset, DataError> {
    let series = &options.series;
    check(table, options)?;
    let time: Vec<&str> = names(series.time.as_deref());
    let group = series.group.as_deref();
    let keys = Keys::find(table, &time, group)?;
    let laid = lay(table, &keys, None)?;
    let (understood, fingerprint) = (understand(table, options, &time)?, table.fingerprint()?);
    let Understood { mut schema, targets, assumed, found, .. } = understood;
    for column in &mut schema.columns {
        if time.contains(&column.name.as_str()) {
            column.role = Role::Dropped("tells the time".into());
        } else if group == Some(column.name.as_str()) {
            column.role = Role::Dropped("tells series apart".into());
        }
    }
    let forecast = found.task == Task::Regression;
    let parts = match (forecast, group) {
        (false, Some(group)) => by_group(table, &laid, options, group)?,
        _ => in_time(&laid, options)?,
    };
    let mut notices = table.notices().to_vec();
    notices.extend(assumed);
    let dropped = |notice: &String| !notice.ends_with("dropped");
    notices.extend(found.notices.iter().filter(|n| dropped(n)).cloned());
    notices.extend(laid.notices.iter().cloned());

    let mut train: Vec<u32> = laid
        .rows
        .iter()
        .zip(&parts)
        .filter(|(_, of)| **of == Of::Train)
        .map(|(row, _)| *row)
        .collect();
    train.sort_unstable();
    let columns = fit_columns(table, &mut schema, &targets, &train, forecast, options)?;
    notices.extend(notices_on_columns(&schema));
    let horizon = if forecast { series.horizon.unwrap_or(1) } else { 0 };
    let told = if forecast { places_of(&columns, &schema, &targets) } else { Vec::new() };
    let mut preparation = SeriesPreparation {
        columns,
        time: time.iter().map(|name| (*name).to_string()).collect(),
        clock: laid.clock,
        group: group.map(String::from),
        calendar: calendar(series, &laid, &parts),
        window: 1,
        stride: 1,
        horizon,
        targets: told,
        season: None,
        label: series.label.unwrap_or(Label::Majority),
        from_last: forecast && series.from_last.unwrap_or(true),
    };
    let (numbers, warnings) = matrix(&preparation, table, &laid)?;
    notices.extend(warnings);
    if forecast {
        preparation.season =
            series.season.or_else(|| season_of(&preparation, &numbers, &laid, &parts));
    }
    let longest =
        laid.runs.iter().map(|run| run.clone().filter(|place| parts[*place] == Of::Train).count());
    let longest = longest.max().unwrap_or(0);
    (preparation.window, preparation.stride) = window(series, &preparation, train.len(), longest);
    if let Some(season) = preparation.season.filter(|season| *season > preparation.window) {
        notices.push(format!(
            "the series comes round after {season} rows, more than a window has: no seasonal guess \
             beside the forecast"
        ));
        preparation.season = None;
    }
    let target = target_of(&preparation, &schema, &targets, &understood_target(&found));
    let whole = Preparation { inputs: InputPreparation::Series(Box::new(preparation)), target };
    let InputPreparation::Series(preparation) = &whole.inputs else { return Err(no_series()) };
    let cut = Cut::of(table, preparation, &whole.target, &laid)?;
    let split = cut.divide(preparation, &parts);
    for (of, name, asked) in [
        (&split.train, "training", 1.0),
        (&split.valid, "validation", options.valid.unwrap_or(0.15)),
        (&split.test, "test", options.test.unwrap_or(0.15)),
    ] {
        if of.is_empty() && asked > 0.0 {
            let which = match name {
                "training" => Of::Train,
                "validation" => Of::Valid,
                _ => Of::Test,
            };
            let rows = parts.iter().filter(|of| **of == which).count();
            let what = too_short(preparation, name, rows, longest);
            if which == Of::Train {
                let cure =
                    "choose a shorter window (--window) or horizon (--horizon), or give more rows";
                return Err(DataError::new(Place::file(table.file()), what, cure));
            }
            notices.push(format!("{what}: it is empty"));
        }
    }
    let store = cut.store(preparation, numbers, &laid);
    let parts = Parts::of(store, &whole.target, split);
    Ok(Dataset::assemble(table.file(), whole, parts, Some(schema), notices, &fingerprint))
}

/// Which columns were dropped.
fn notices_on_columns(schema: &Schema) -> Vec<String> {
    let (mut notices, mut unread) = (Vec::new(), Vec::new());
    for column in &schema.columns {
        match &column.role {
            Role::Dropped(reason) if reason == OWN_PAST => unread.push(column.name.as_str()),
            Role::Dropped(reason) => {
                notices.push(format!("column `{}` dropped: {reason}", column.name));
            }
            _ => {}
        }
    }
    if !unread.is_empty() {
        notices
            .push(format!("{OWN_PAST}: data.series.past = \"all\" reads {}, too", listed(&unread)));
    }
    notices
}

/// Names separated by commas.
fn names(text: Option<&str>) -> Vec<&str> {
    text.map(|text| text.split(',').map(str::trim).filter(|name| !name.is_empty()).collect())
        .unwrap_or_default()
}

fn no_series() -> DataError {
    DataError::new(Place::default(), "the preparation is not that of a series", "")
}

fn too_short(preparation: &SeriesPreparation, part: &str, rows: usize, longest: usize) -> String {
    let SeriesPreparation { window, horizon, .. } = *preparation;
    match (part, horizon) {
        ("training", 0) => format!(
            "the training part has {longest} rows that follow each other, fewer than a window of {window}"
        ),
        ("training", _) => format!(
            "the training part has {longest} rows that follow each other, fewer than a window of {window} \
             and a horizon of {horizon}"
        ),
        (_, 0) => format!("the {part} part has {rows} rows, too few for a window of {window}"),
        _ => format!("the {part} part has {rows} rows, too few for a horizon of {horizon}"),
    }
}

/// What cannot be asked of a series.
fn check(table: &RawTable, options: &Options) -> Result<(), DataError> {
    let series = &options.series;
    let mut problems = Problems::default();
    let mut problem = |what: &str, cure: &str| {
        problems.push(Place::file(table.file()), what, cure);
    };
    if options.fold.is_some() {
        problem("a series is not divided into folds by chance", "leave the folds out");
    }
    if options.weight.is_some() {
        problem("windows of a series all count alike", "leave the weight out");
    }
    for (name, number) in [
        ("horizon", series.horizon),
        ("window", series.window),
        ("stride", series.stride),
        ("season", series.season),
    ] {
        if number == Some(0) {
            problem(&format!("a {name} of 0"), "choose 1 or more");
        }
    }
    let known = [series.window, series.horizon].map(Option::unwrap_or_default);
    if known.iter().sum::<usize>() > table.rows() {
        let [window, horizon] = known;
        let what = format!(
            "a window of {window} and a horizon of {horizon} are more than the {}",
            count(table.rows(), "row")
        );
        problem(&what, "choose less of both");
    }
    check_fractions(options.valid.unwrap_or(0.15), options.test.unwrap_or(0.15))?;
    problems.finish()
}

/// The table's columns and target, those of time and group left out.
fn understand(table: &RawTable, options: &Options, time: &[&str]) -> Result<Understood, DataError> {
    let series = &options.series;
    let mut options = options.clone();
    let keys = time.iter().map(ToString::to_string).chain(series.group.clone());
    for key in keys.filter(|key| !options.drop.contains(key)).collect::<Vec<_>>() {
        let is_target =
            options.target.as_deref().is_some_and(|t| names(Some(t)).contains(&key.as_str()));
        if is_target {
            let what = format!(
                "column {} tells the time or the series: it cannot be the target",
                quoted(&key)
            );
            return Err(DataError::new(Place::file(table.file()), what, "choose another target"));
        }
        options.drop.push(key);
    }
    if series.horizon.is_some() {
        // What is forecast is a number, even one of a few values.
        for name in names(options.target.as_deref()) {
            let first = table.column(name).and_then(|column| {
                (0..table.rows())
                    .find(|row| table.value(*row, column).is_some())
                    .map(|row| (row, column))
            });
            if first.is_some_and(|(row, column)| table.number(row, column).is_some()) {
                options.columns.entry(name.to_string()).or_insert(Kind::Number);
            }
        }
    }
    let understood = Understood::of(table, &options)?;
    let of_classes = matches!(understood.found.task, Task::Classification { .. });
    let wrong = |what: &str, cure: &str| {
        let target = understood.targets.first().map(|at| table.names()[*at].clone());
        let place = Place::file(table.file()).column(target.unwrap_or_default());
        Err(DataError::new(place, what, cure))
    };
    if of_classes && series.horizon.is_some() {
        return wrong(
            "a class has no horizon: forecasts are of numbers",
            "leave --horizon out, or choose a target of numbers",
        );
    }
    if !of_classes && series.label.is_some() {
        return wrong(
            "a label is chosen of classes, and the target is a number",
            "leave --label out, or declare the target a category",
        );
    }
    Ok(understood)
}

/// Fits the columns that are inputs on the training rows; of a forecast the targets are among them.
fn fit_columns(
    table: &RawTable,
    schema: &mut Schema,
    targets: &[usize],
    train: &[u32],
    forecast: bool,
    options: &Options,
) -> Result<Vec<PreparedColumn>, DataError> {
    let own = forecast && options.series.past.unwrap_or(Past::Own) == Past::Own;
    let mut inputs = schema.clone();
    for (index, column) in inputs.columns.iter_mut().enumerate() {
        if targets.contains(&index) && forecast {
            column.role = Role::Input;
        } else if own && column.role == Role::Input {
            column.role = Role::Dropped(OWN_PAST.into());
            schema.columns[index].role = column.role.clone();
        }
    }
    match fit_inputs(table, &inputs, train, None, options)?.0 {
        InputPreparation::Table { columns } => Ok(columns),
        _ => Err(no_series()),
    }
}

/// The first feature of each target among the columns.
fn places_of(columns: &[PreparedColumn], schema: &Schema, targets: &[usize]) -> Vec<usize> {
    let place = |target: &usize| {
        let name = &schema.columns.get(*target)?.name;
        let at = columns.iter().position(|column| column.name() == name)?;
        Some(columns[..at].iter().map(PreparedColumn::width).sum())
    };
    targets.iter().filter_map(place).collect()
}

/// The parts of the calendar that come round at least twice in the training part, in several steps.
fn calendar(series: &SeriesOptions, laid: &Laid, parts: &[Of]) -> Vec<Part> {
    let (true, Some(clock)) = (series.calendar, laid.clock) else { return Vec::new() };
    let of_train = laid.times.iter().zip(parts).filter(|(_, of)| **of == Of::Train);
    let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
    for (time, _) in of_train {
        (least, most) = (least.min(*time), most.max(*time));
    }
    let comes_round = |part: &Part| {
        part.round(clock.unit)
            .is_some_and(|round| clock.step <= round / 2.0 && most - least >= 2.0 * round)
    };
    Part::ALL.into_iter().filter(comes_round).collect()
}

/// The season of the first target in the longest stretch of the training part.
fn season_of(
    preparation: &SeriesPreparation,
    numbers: &[f32],
    laid: &Laid,
    parts: &[Of],
) -> Option<usize> {
    let (features, target) = (preparation.features(), *preparation.targets.first()?);
    let stretch = |run: &Range<usize>| {
        let end = run.clone().find(|place| parts[*place] != Of::Train).unwrap_or(run.end);
        run.start..end
    };
    let longest = laid.runs.iter().map(stretch).max_by_key(ExactSizeIterator::len)?;
    let of = |place: usize| f64::from(numbers[place * features + target]);
    season(&longest.map(of).collect::<Vec<f64>>())
}

/// Rows of a window, and from one to the next.
fn window(
    series: &SeriesOptions,
    preparation: &SeriesPreparation,
    train: usize,
    longest: usize,
) -> (usize, usize) {
    let horizon = preparation.horizon;
    let window = series.window.unwrap_or_else(|| match horizon {
        0 => OF_CLASSES.min(longest / 4).max(2),
        _ => {
            let round = preparation.season.unwrap_or(horizon.max(2));
            let wish = (SEASONS * round).min(train / 8).max(2 * round);
            wish.min(longest.saturating_sub(horizon)).max(1)
        }
    });
    let stride = series.stride.unwrap_or(if horizon > 0 { 1 } else { (window / 2).max(1) });
    (window, stride)
}

/// What the target of rows becomes for windows: of a forecast, each target at each step.
fn target_of(
    preparation: &SeriesPreparation,
    schema: &Schema,
    targets: &[usize],
    understood: &TargetEncoding,
) -> TargetPreparation {
    let names: Vec<&str> = targets.iter().map(|at| schema.columns[*at].name.as_str()).collect();
    let scale = |name: &str| {
        let column = preparation.columns.iter().find(|column| column.name() == name);
        match column {
            Some(
                PreparedColumn::Number { offset, scale, .. }
                | PreparedColumn::Pieces { offset, scale, .. },
            ) => (*offset, *scale),
            _ => (0.0, 1.0),
        }
    };
    let encoding = match (preparation.horizon, &names[..]) {
        (0, _) => understood.clone(),
        (1, [only]) => {
            let (mean, std) = scale(only);
            TargetEncoding::Values { mean, std }
        }
        (horizon, names) => {
            let output = |(step, name): (usize, &&str)| {
                let (mean, std) = scale(name);
                Output { name: format!("{name} +{step}"), mean, std }
            };
            let each = (1..=horizon).flat_map(|step| names.iter().map(move |name| (step, name)));
            TargetEncoding::Several { outputs: each.map(output).collect() }
        }
    };
    TargetPreparation { name: names.join(", "), encoding }
}

/// How classes are encoded; of numbers, anything.
fn understood_target(found: &super::super::target::Target) -> TargetEncoding {
    match (&found.task, found.spelling) {
        (Task::Classification { classes }, Some(spelling)) => {
            TargetEncoding::Classes { names: classes.clone(), spelling }
        }
        _ => TargetEncoding::Values { mean: 0.0, std: 1.0 },
    }
}

/// Each group cut in time: the first rows to learn from, the last ones for the end.
fn in_time(laid: &Laid, options: &Options) -> Result<Vec<Of>, DataError> {
    let (valid, test) = (options.valid.unwrap_or(0.15), options.test.unwrap_or(0.15));
    let mut parts = vec![Of::Train; laid.rows.len()];
    for (_, places) in &laid.groups {
        let rows = places.len();
        let tested = places.end - share(rows, test);
        let validated = tested - share(rows, valid).min(tested - places.start);
        parts[validated..tested].fill(Of::Valid);
        parts[tested..places.end].fill(Of::Test);
    }
    Ok(parts)
}

/// Whole groups in each part, by chance: as many as have about the share of the rows.
fn by_group(
    table: &RawTable,
    laid: &Laid,
    options: &Options,
    column: &str,
) -> Result<Vec<Of>, DataError> {
    let (valid, test) = (options.valid.unwrap_or(0.15), options.test.unwrap_or(0.15));
    let wanted = [(Of::Test, test), (Of::Valid, valid)];
    let needed = 1 + wanted.iter().filter(|(_, share)| *share > 0.0).count();
    if laid.groups.len() < needed {
        let names: Vec<&str> = laid.groups.iter().map(|(name, _)| name.as_str()).collect();
        let what =
            format!("{} ({}) for {needed} parts", count(names.len(), "group"), listed(&names));
        let cure = "nobody is to be in two parts: leave --group out to divide in time, or give more \
                    series, or set data.split.valid = 0";
        return Err(DataError::new(Place::file(table.file()).column(column), what, cure));
    }
    let mut order: Vec<usize> = (0..laid.groups.len()).collect();
    Stream::new(options.seed, "groups", 0).shuffle(&mut order);
    let mut parts = vec![Of::Train; laid.rows.len()];
    let mut left = order.len();
    let mut order = order.into_iter();
    for (at, (part, fraction)) in wanted.into_iter().enumerate() {
        let wish = fraction * laid.rows.len() as f64;
        let mut taken = 0.0;
        // One group at least for what comes after.
        let after = 1 + wanted[at + 1..].iter().filter(|(_, share)| *share > 0.0).count();
        while taken < wish && left > after {
            let Some((_, places)) = order.next().and_then(|group| laid.groups.get(group)) else {
                break;
            };
            // The last one only where it brings the share nearer.
            if taken > 0.0 && taken + places.len() as f64 - wish > wish - taken {
                left -= 1;
                continue;
            }
            parts[places.clone()].fill(part);
            taken += places.len() as f64;
            left -= 1;
        }
    }
    Ok(parts)
}

/// The prepared rows in order, what is missing being what stood there before; with warnings.
pub(super) fn matrix(
    preparation: &SeriesPreparation,
    table: &RawTable,
    laid: &Laid,
) -> Result<(Vec<f32>, Vec<String>), DataError> {
    let columns = preparation.columns.clone();
    let width: usize = columns.iter().map(PreparedColumn::width).sum();
    let encoding = TargetEncoding::Values { mean: 0.0, std: 1.0 };
    let of_rows = Preparation {
        inputs: InputPreparation::Table { columns },
        target: TargetPreparation { name: String::new(), encoding },
    };
    let all: Vec<u32> = (0..table.rows() as u32).collect();
    let mut by_row = Vec::with_capacity(all.len() * width);
    let (_, mut warnings) = of_rows.apply_rows(table, &all, &mut |numbers| {
        by_row.extend_from_slice(numbers);
        Ok(())
    })?;
    warnings.clear();
    let features = preparation.features();
    let mut numbers = vec![0.0f32; all.len() * features];
    for (row, out) in laid.rows.iter().zip(numbers.chunks_exact_mut(features.max(1))) {
        let from = *row as usize * width;
        out[..width].copy_from_slice(&by_row[from..from + width]);
    }
    drop(by_row);
    let mut first = 0;
    for column in &preparation.columns {
        // A mark of what is missing stays.
        let carried = match column.width() {
            0 | 1 => first..first + column.width(),
            several => first..first + several - usize::from(column.is_marked()),
        };
        let filled = carry(table, laid, column.name(), carried, features, &mut numbers)?;
        if filled > 0 {
            warnings.push(format!(
                "column `{}`: {} without a value keep the one before",
                column.name(),
                count(filled, "row")
            ));
        }
        first += column.width();
    }
    if let Some(clock) = laid.clock {
        for (time, out) in laid.times.iter().zip(numbers.chunks_exact_mut(features.max(1))) {
            for (part, pair) in preparation.calendar.iter().zip(out[width..].chunks_exact_mut(2)) {
                let angle = super::clock::angle(clock.unit, *part, *time);
                pair.copy_from_slice(&angle.map(|x| x as f32));
            }
        }
    }
    Ok((numbers, warnings))
}

/// Puts into rows without a value of a column what the row before them has; how many there are.
fn carry(
    table: &RawTable,
    laid: &Laid,
    column: &str,
    carried: Range<usize>,
    features: usize,
    numbers: &mut [f32],
) -> Result<usize, DataError> {
    let missing = missing(table, column)?;
    let mut filled = 0;
    for (_, places) in &laid.groups {
        for place in places.clone().skip(1) {
            if missing[laid.rows[place] as usize] {
                let from = (place - 1) * features;
                let to = place * features + carried.start;
                numbers.copy_within(from + carried.start..from + carried.end, to);
                filled += 1;
            }
        }
    }
    Ok(filled)
}

/// Which rows of a table have no value of a column.
fn missing(table: &RawTable, column: &str) -> Result<Vec<bool>, DataError> {
    let mut missing = vec![false; table.rows()];
    if let Some(column) = table.column(column) {
        table.each(column, |row, cell| missing[row] = cell.is_missing())?;
    }
    Ok(missing)
}

/// Where windows begin, and their classes.
pub(super) struct Cut {
    /// The places, ascending.
    pub(super) begins: Vec<u32>,
    /// Of classes, that of the window that begins at each place.
    labels: Vec<i64>,
}

impl Cut {
    /// Every window with what is to be told of it.
    pub(super) fn of(
        table: &RawTable,
        preparation: &SeriesPreparation,
        target: &TargetPreparation,
        laid: &Laid,
    ) -> Result<Self, DataError> {
        let SeriesPreparation { window, stride, horizon, label, .. } = *preparation;
        let each = laid.runs.iter().flat_map(|run| begins(run.clone(), window + horizon, stride));
        if horizon > 0 {
            let mut unknown = vec![false; table.rows()];
            for name in target.name.split(", ") {
                let missing = missing(table, name)?;
                unknown.iter_mut().zip(missing).for_each(|(unknown, missing)| *unknown |= missing);
            }
            let known = |begin: &usize| {
                let told = begin + window..begin + window + horizon;
                laid.rows[told].iter().all(|row| !unknown[*row as usize])
            };
            let begins = each.filter(known).map(|begin| begin as u32).collect();
            return Ok(Cut { begins, labels: Vec::new() });
        }
        let column = table.column(&target.name).unwrap_or_default();
        let mut known: Vec<u32> = Vec::new();
        table.each(column, |row, cell| known.extend((!cell.is_missing()).then_some(row as u32)))?;
        let inputs = InputPreparation::Table { columns: Vec::new() };
        let of_rows = Preparation { inputs, target: target.clone() };
        let mut classes = vec![None; table.rows()];
        if let Targets::Classes(labels) = of_rows.targets_of(table, &[column], &known)? {
            for (row, label) in known.iter().zip(labels) {
                classes[*row as usize] = Some(label);
            }
        }
        let in_order: Vec<Option<i64>> =
            laid.rows.iter().map(|row| classes[*row as usize]).collect();
        let mut labels = vec![0; laid.rows.len()];
        let mut begins = Vec::new();
        for begin in each {
            if let Some(class) = class(&in_order[begin..begin + window], label) {
                labels[begin] = class;
                begins.push(begin as u32);
            }
        }
        Ok(Cut { begins, labels })
    }

    /// The windows of each part: those all of whose rows to be told are in it; of classes, all rows.
    fn divide(&self, preparation: &SeriesPreparation, parts: &[Of]) -> Split {
        let SeriesPreparation { window, horizon, .. } = *preparation;
        let mut split = Split::default();
        for begin in &self.begins {
            let begin = *begin as usize;
            let (first, last) = match horizon {
                0 => (begin, begin + window - 1),
                _ => (begin + window, begin + window + horizon - 1),
            };
            let part = match (parts[first], parts[last]) {
                (Of::Train, Of::Train) => &mut split.train,
                (Of::Valid, Of::Valid) => &mut split.valid,
                (Of::Test, Of::Test) => &mut split.test,
                _ => continue,
            };
            part.push(begin);
        }
        split
    }

    /// The rows in order, to be read by windows.
    pub(super) fn store(
        self,
        preparation: &SeriesPreparation,
        numbers: Vec<f32>,
        laid: &Laid,
    ) -> Store {
        let (window, features) = (preparation.window, preparation.features());
        let targets = match preparation.horizon {
            0 => Targets::Classes(self.labels),
            _ => {
                let row =
                    |row: &[f32]| preparation.targets.iter().map(|at| row[*at]).collect::<Vec<_>>();
                Targets::Values(numbers.chunks_exact(features.max(1)).flat_map(row).collect())
            }
        };
        let last = |place: usize| laid.rows.get(place + window - 1).or(laid.rows.last()).copied();
        let times = laid.clock.map(|clock| Arc::new(Times { times: laid.times.clone(), clock }));
        Store {
            width: window * features,
            targets,
            source_rows: Some((0..laid.rows.len()).filter_map(last).collect()),
            names: None,
            weights: None,
            overlap: Some(Overlap {
                features,
                window,
                targets: preparation.targets.len(),
                season: preparation.season,
                times,
            }),
            inputs: Inputs::Floats(Stored::Memory(numbers)),
        }
    }
}
