//! The figures of a model on some rows, beside those of the simplest guess.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::Error;
use crate::data::{Baseline, Rows, TargetPreparation, Targets};
use crate::metrics::{
    Average, Averaged, Classification, Confusion, Cut, Ranking, Regression, quantile,
};
use crate::nn::{Loss, Measures};
use crate::train::evaluate::{deviations, predictions, probabilities, regression, score};
use crate::train::event::Metrics;
use crate::train::forecast::{Forecast, forecast};
use crate::train::tags::{EntityResult, Told};

/// More classes than this have no table of all pairs.
const MOST_IN_MATRIX: usize = 100;
/// How many of the pairs that are confused most, and of the worst rows, are listed.
const MOST_PAIRS: usize = 20;
const MOST_WORST: usize = 10;
/// From this many classes on it is told how often the right one is among five.
const MANY: usize = 11;

/// Figures of a model on some rows; prints as a table.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Report {
    /// How many rows.
    pub rows: usize,
    /// The model's figures by name.
    pub metrics: Metrics,
    /// The same figures of the simplest guess: the most frequent class, or the mean.
    pub baseline: Metrics,
    /// Figures that these rows cannot tell, and why.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub undefined: BTreeMap<String, Undefined>,
    /// What the figures do not tell.
    #[serde(flatten)]
    pub detail: Detail,
}

/// Why a figure cannot be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Undefined {
    /// All rows are of one class.
    OneClass,
    /// All rows have the same number.
    Constant,
}

/// What the figures do not tell, by the kind of target.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Detail {
    /// Of classes.
    Classes(Box<ClassDetail>),
    /// Of numbers.
    Numbers {
        /// One for each number that is predicted.
        outputs: Vec<NumberDetail>,
    },
    /// Of a series that is forecast.
    Forecast {
        /// Step by step, beside the simplest forecasts.
        forecast: Box<Forecast>,
    },
    /// Nothing.
    #[default]
    None,
}

/// Which classes are told well, and which are taken for which.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ClassDetail {
    /// Every class.
    pub classes: Vec<ClassResult>,
    /// Precision, recall and F1 averaged over the classes, by the name of the average: `macro`,
    /// `weighted`, `micro`.
    pub averages: BTreeMap<&'static str, Averaged>,
    /// Rows of each class (outer) that are predicted as each class (inner); none of more than 100
    /// classes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confusion: Option<Vec<Vec<usize>>>,
    /// The wrong pairs that come most often, at most 20.
    pub confused: Vec<Confused>,
    /// Of two classes, the one that is looked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub positive: Option<String>,
    /// Of two classes, another threshold than the most probable class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold: Option<Threshold>,
    /// Where what is told are tags of words, and rows are words: of how many sentences.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sentences: Option<usize>,
    /// Where tags are of names: how well each kind of them is found.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub entities: Vec<EntityResult>,
}

/// How well one class is told; see [`ClassFigures`](crate::metrics::ClassFigures).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassResult {
    /// Its name.
    pub name: String,
    /// Of the rows predicted as the class, the share that is; none where it is never predicted.
    pub precision: Option<f64>,
    /// Of the rows of the class, the share that is found; none where it has no rows.
    pub recall: Option<f64>,
    /// 2 · precision · recall / (precision + recall); none where the class does not come at all.
    pub f1: Option<f64>,
    /// Rows of the class.
    pub rows: usize,
    /// Area under the ROC curve, the class against the rest; none where there is only one of them.
    pub roc_auc: Option<f64>,
    /// Area under the precision–recall curve; none where the class has no rows.
    pub average_precision: Option<f64>,
}

/// A class that is taken for another.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Confused {
    /// What the rows are.
    pub observed: String,
    /// What they are taken for.
    pub predicted: String,
    /// How many.
    pub rows: usize,
    /// Of the rows of the observed class.
    pub share: f64,
}

/// The threshold on the probability of the positive class that has the highest F1 on the validation
/// part, and what it gives.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Threshold {
    /// Rows with at least this probability are called positive.
    pub threshold: f64,
    /// What it gives on the validation part, where it was chosen.
    pub valid: AtThreshold,
    /// What it gives on the rows of this report.
    pub here: AtThreshold,
    /// What ½ gives on the rows of this report: the most probable class.
    pub usual: AtThreshold,
}

/// What a threshold gives.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct AtThreshold {
    /// Of the rows called positive, the share that is; none where none is called so.
    pub precision: Option<f64>,
    /// Of the positive rows, the share called so; none where there are none.
    pub recall: Option<f64>,
    /// 2 · precision · recall / (precision + recall).
    pub f1: Option<f64>,
    /// The share of rows that are called what they are.
    pub accuracy: f64,
    /// Rows wrongly called positive.
    pub false_positives: usize,
    /// Positive rows that are missed.
    pub false_negatives: usize,
}

/// How far predictions are off, in the target's own unit.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct NumberDetail {
    /// What it is called.
    pub name: String,
    /// Root of the mean squared error.
    pub rmse: f64,
    /// Mean absolute error.
    pub mae: f64,
    /// The share of the spread that is explained; none where every row has the same number.
    pub r2: Option<f64>,
    /// Observed − predicted.
    pub residuals: Residuals,
    /// The rows that are furthest off, at most 10.
    pub worst: Vec<Worst>,
    /// How right the model's own deviations are, where it tells them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coverage: Option<Coverage>,
}

/// How many rows lie within the standard deviations σ that a model tells of them. Of a model that is
/// right, in the long run, 68.3 % lie within ± σ and 95.4 % within ± 2 σ; fewer do where it is too
/// sure, more where it is not sure enough.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Coverage {
    /// All rows.
    pub rows: usize,
    /// Rows with |observed − predicted| ≤ σ.
    pub within_one: usize,
    /// Rows with |observed − predicted| ≤ 2 σ.
    pub within_two: usize,
    /// The mean of σ, in the target's own unit.
    pub mean_deviation: f64,
}

impl Coverage {
    fn of(pairs: &[(f64, f64)], deviations: &[f64]) -> Self {
        let within = |times: f64| {
            let off = |((o, p), sigma): (&(f64, f64), &f64)| (o - p).abs() <= times * sigma;
            pairs.iter().zip(deviations).filter(|&(pair, sigma)| off((pair, sigma))).count()
        };
        Coverage {
            rows: pairs.len(),
            within_one: within(1.0),
            within_two: within(2.0),
            mean_deviation: deviations.iter().sum::<f64>() / deviations.len().max(1) as f64,
        }
    }

    /// The share of rows within ± σ, and within ± 2 σ.
    pub fn shares(&self) -> [f64; 2] {
        [self.within_one, self.within_two].map(|rows| rows as f64 / self.rows.max(1) as f64)
    }
}

/// How observed − predicted is spread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Residuals {
    /// The mean: above 0 where predictions are too low on the whole.
    pub mean: f64,
    /// The least.
    pub min: f64,
    /// A twentieth of the rows lie below.
    pub q05: f64,
    /// A quarter of the rows lies below.
    pub q25: f64,
    /// Half of the rows lie below.
    pub median: f64,
    /// A quarter of the rows lies above.
    pub q75: f64,
    /// A twentieth of the rows lie above.
    pub q95: f64,
    /// The greatest.
    pub max: f64,
}

/// A row that is far off.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Worst {
    /// Its number in its source, from 1.
    pub row: usize,
    /// What it is.
    pub observed: f64,
    /// What the model says.
    pub predicted: f64,
}

/// The figures of `results` on `rows`; the simplest guess is fitted to `train`.
///
/// # Errors
/// No rows; results that are not finite.
pub(crate) fn report(
    results: &[f32],
    rows: &Rows,
    train: &Rows,
    loss: Loss,
) -> Result<Report, Error> {
    if rows.is_empty() {
        return Err(Error::new("there are no rows to measure"));
    }
    let mut report =
        Report { rows: rows.len(), metrics: score(results, rows, loss), ..Report::default() };
    if let Some(told) = Told::of(results, rows)? {
        return words(report, results, &told, train);
    }
    if rows.target().tokens().is_some() {
        tokens(&mut report, rows, train);
        return Ok(report);
    }
    if let Loss::OfModel(measures) = loss {
        report.baseline.extend(guess_of_rows(measures, rows, train)?.map(|x| ("loss".into(), x)));
        return Ok(report);
    }
    match rows.labels() {
        Some(labels) => {
            let labels: Vec<usize> = labels.iter().map(|&label| label as usize).collect();
            let Some(simplest) = Simplest::of(&labels, rows, train) else { return Ok(report) };
            let names = rows.target().classes().unwrap_or_default();
            classes(&mut report, results, &labels, names, simplest)?;
        }
        None => numbers(&mut report, results, rows, train, loss)?,
    }
    Ok(report)
}

/// The loss of whoever always answers with the mean of the training rows; none where nobody can.
pub(crate) fn guess_of_rows(
    measures: &Measures,
    rows: &Rows,
    train: &Rows,
) -> Result<Option<f64>, Error> {
    let Some(guess) = measures.guess else { return Ok(None) };
    let mut row = vec![0.0; rows.width()];
    let mut mean = vec![0.0; rows.width()];
    for at in 0..train.len() {
        train.gather_inputs(&[at], &mut row)?;
        mean.iter_mut().zip(&row).for_each(|(mean, x)| *mean += f64::from(*x));
    }
    mean.iter_mut().for_each(|mean| *mean /= train.len().max(1) as f64);
    let mut sum = 0.0;
    for at in 0..rows.len() {
        rows.gather_inputs(&[at], &mut row)?;
        sum += guess(&row, &mean);
    }
    Ok(Some(sum / rows.len().max(1) as f64))
}

/// Probabilities `[rows, classes]` of raw results.
fn all_probabilities(results: &[f32], classes: usize) -> Vec<f64> {
    results.chunks_exact(classes.max(1)).flat_map(probabilities).collect()
}

/// Beside the model: whoever knows how often each token comes in training, but not what stands before.
fn tokens(report: &mut Report, rows: &Rows, train: &Rows) {
    let (Some(known), Some(here)) = (train.token_counts(), rows.token_counts()) else { return };
    // One more of each, so that a token that training lacks is not impossible.
    let of = |count: u64| count as f64 + 1.0;
    let all: f64 = known.iter().map(|&count| of(count)).sum();
    let places = here.iter().sum::<u64>().max(1) as f64;
    let each = known.iter().zip(&here);
    let loss: f64 = each.map(|(&known, &here)| here as f64 * (all / of(known)).ln()).sum();
    let most = known.iter().max().and_then(|most| known.iter().position(|count| count == most));
    let right = most.and_then(|token| here.get(token)).copied().unwrap_or(0) as f64;
    let (loss, right) = (loss / places, right / places);
    let figures = [("loss", loss), ("accuracy", right), ("perplexity", loss.exp())];
    report.baseline.extend(figures.map(|(name, figure)| (name.to_owned(), figure)));
}

/// Whoever does not look at the rows, or at the words around a word.
pub(crate) struct Simplest {
    /// The class that is said of each.
    pub labels: Vec<usize>,
    /// The mean of −ln p.
    pub loss: Option<f64>,
    /// Of two classes, the one that is looked for.
    pub positive: Option<usize>,
}

impl Simplest {
    /// The most frequent class of training.
    fn of(labels: &[usize], rows: &Rows, train: &Rows) -> Option<Self> {
        let fitted = Baseline::fit(train);
        let Baseline::MajorityClass { class, .. } = fitted else { return None };
        Some(Simplest {
            labels: vec![class as usize; labels.len()],
            loss: fitted.score(rows).and_then(|score| score.log_loss),
            positive: (train.classes() == Some(2)).then(|| rarer(train)),
        })
    }
}

/// Of words that have tags: each word is what a row is elsewhere.
fn words(
    mut report: Report,
    results: &[f32],
    told: &Told<'_>,
    train: &Rows,
) -> Result<Report, Error> {
    report.rows = told.labels.len();
    let (simplest, of_names) = told.simplest(train)?;
    classes(&mut report, results, &told.labels, told.names, simplest)?;
    report.baseline.extend(of_names);
    if let Detail::Classes(detail) = &mut report.detail {
        detail.sentences = Some(told.count());
        detail.entities = told.kinds();
    }
    Ok(report)
}

fn classes(
    report: &mut Report,
    results: &[f32],
    labels: &[usize],
    names: &[String],
    simplest: Simplest,
) -> Result<(), Error> {
    let figures = Classification::of(labels, &all_probabilities(results, names.len()))?;
    let Simplest { labels: guess, loss, positive } = simplest;
    let guess = Confusion::of(labels, &guess, names.len())?;
    let mut add = |name: &str, model: Option<f64>, guess: Option<f64>| match model {
        Some(model) => {
            report.metrics.insert(name.into(), model);
            report.baseline.extend(guess.map(|guess| (name.to_owned(), guess)));
        }
        None => {
            report.undefined.insert(name.into(), Undefined::OneClass);
        }
    };
    let confusion = &figures.confusion;
    add("accuracy", Some(confusion.accuracy()), Some(guess.accuracy()));
    add("balanced_accuracy", Some(confusion.balanced_accuracy()), Some(guess.balanced_accuracy()));
    let of = |confusion: &Confusion| Some(confusion.average(Average::Macro).f1);
    add("f1_macro", of(confusion), of(&guess));
    // Scores that say nothing give ½, and as precision the share of the class.
    add("roc_auc", figures.roc_auc(), Some(0.5));
    let share = |class: usize| confusion.observed(class) / confusion.rows();
    match positive {
        Some(class) => {
            let ranking = figures.rankings.get(class);
            let area = ranking.and_then(Ranking::average_precision);
            add("average_precision", area, Some(share(class)));
        }
        None => {
            let shares: Vec<f64> =
                (0..names.len()).map(share).filter(|share| *share > 0.0).collect();
            let mean = shares.iter().sum::<f64>() / shares.len() as f64;
            add("average_precision", figures.average_precision(), Some(mean));
        }
    }
    if names.len() >= MANY {
        add("top_5_accuracy", Some(figures.top_k(5)), None);
    }
    report.baseline.extend(loss.map(|loss| ("loss".to_owned(), loss)));
    let name = |class: usize| names.get(class).cloned().unwrap_or_default();
    let result = |(class, ranking): (usize, &Ranking)| {
        let found = confusion.class(class);
        ClassResult {
            name: name(class),
            precision: found.precision,
            recall: found.recall,
            f1: found.f1,
            rows: found.rows as usize,
            roc_auc: ranking.roc_auc(),
            average_precision: ranking.average_precision(),
        }
    };
    let count = |row: Vec<f64>| row.into_iter().map(|times| times as usize).collect();
    let pair = |(observed, predicted, times): (usize, usize, f64)| Confused {
        observed: name(observed),
        predicted: name(predicted),
        rows: times as usize,
        share: times / confusion.observed(observed),
    };
    let averages =
        [("macro", Average::Macro), ("weighted", Average::Weighted), ("micro", Average::Micro)];
    report.detail = Detail::Classes(Box::new(ClassDetail {
        classes: figures.rankings.iter().enumerate().map(result).collect(),
        averages: averages.map(|(name, average)| (name, confusion.average(average))).into(),
        confusion: (names.len() <= MOST_IN_MATRIX)
            .then(|| confusion.matrix().into_iter().map(count).collect()),
        confused: confusion.confused().into_iter().take(MOST_PAIRS).map(pair).collect(),
        positive: positive.map(name),
        ..ClassDetail::default()
    }));
    Ok(())
}

/// Of two classes the one with fewer training rows, the second of equal ones: what one usually
/// looks for is rare.
fn rarer(train: &Rows) -> usize {
    match Baseline::fit(train) {
        Baseline::MajorityClass { frequencies, .. } => match frequencies[..] {
            [first, second] => usize::from(second <= first),
            _ => 1,
        },
        Baseline::Mean { .. } | Baseline::Means { .. } => 1,
    }
}

fn numbers(
    report: &mut Report,
    results: &[f32],
    rows: &Rows,
    train: &Rows,
    loss: Loss,
) -> Result<(), Error> {
    let outputs = rows.outputs();
    let told = predictions(results, rows);
    let unscaled = |(i, &x): (usize, &f32)| rows.target().unscale_output(i % outputs, f64::from(x));
    if let Some(found) = forecast(&told.iter().enumerate().map(unscaled).collect::<Vec<_>>(), rows)
    {
        return of_forecast(report, found?, &told, rows, loss);
    }
    let guess = Baseline::fit(train);
    let means = scaled_means(&guess, rows.target());
    let constant: Vec<f32> = match loss {
        // The guess of a Gaussian: mean and variance of the training rows.
        Loss::GaussianNll => [means[0], variance(train).ln()].map(|x| x as f32).to_vec(),
        _ => means.iter().map(|&mean| mean as f32).collect(),
    };
    report.baseline = score(&constant.repeat(rows.len()), rows, loss);
    let observed = rows.values().unwrap_or_default();
    let guess = Regression::of(&observed, &guess.means().repeat(rows.len()), outputs)?;
    let model = regression(&told, rows)?;
    for (metrics, figures) in [(&mut report.metrics, &model), (&mut report.baseline, &guess)] {
        let figures = figures.mean();
        metrics.insert("mse".into(), figures.mse);
        metrics.insert("rmse".into(), figures.rmse);
        metrics.insert("mae".into(), figures.mae);
        metrics.insert("median_ae".into(), figures.median_ae);
        metrics.extend(figures.r2.map(|r2| ("r2".into(), r2)));
    }
    if model.mean().r2.is_none() {
        report.metrics.remove("r2");
        report.baseline.remove("r2");
        report.undefined.insert("r2".into(), Undefined::Constant);
    }
    let names = rows.target().output_names();
    let deviations = deviations(results, rows);
    let detail = |(output, name): (usize, &&str)| {
        let of = |i: usize, x: f64| (x, rows.target().unscale_output(output, f64::from(told[i])));
        let pairs = observed.iter().enumerate().skip(output).step_by(outputs);
        let pairs: Vec<(f64, f64)> = pairs.map(|(i, &x)| of(i, x)).collect();
        let sure = deviations.as_ref().map(|deviations| Coverage::of(&pairs, deviations));
        NumberDetail {
            coverage: sure,
            name: (*name).to_owned(),
            rmse: model.outputs[output].rmse,
            mae: model.outputs[output].mae,
            r2: model.outputs[output].r2,
            ..number_detail(&pairs, rows)
        }
    };
    report.detail = Detail::Numbers { outputs: names.iter().enumerate().map(detail).collect() };
    Ok(())
}

/// The figures of a forecast; the baseline's are those of the better one of the simplest forecasts.
fn of_forecast(
    report: &mut Report,
    (found, guess): (Forecast, Vec<f64>),
    told: &[f32],
    rows: &Rows,
    loss: Loss,
) -> Result<(), Error> {
    let outputs = rows.outputs();
    let scale = |(i, &x): (usize, &f64)| rows.target().scale_output(i % outputs, x) as f32;
    let scaled: Vec<f32> = guess.iter().enumerate().map(scale).collect();
    if loss != Loss::GaussianNll {
        report.baseline = score(&scaled, rows, loss);
    }
    let observed = rows.values().unwrap_or_default();
    let (model, guess) = (regression(told, rows)?, Regression::of(&observed, &guess, outputs)?);
    for (metrics, figures) in [(&mut report.metrics, &model), (&mut report.baseline, &guess)] {
        let figures = figures.mean();
        metrics.insert("mse".into(), figures.mse);
        metrics.insert("rmse".into(), figures.rmse);
        metrics.insert("mae".into(), figures.mae);
        metrics.insert("median_ae".into(), figures.median_ae);
        metrics.extend(figures.r2.map(|r2| ("r2".into(), r2)));
    }
    report.detail = Detail::Forecast { forecast: Box::new(found) };
    Ok(())
}

/// The means of a guess on the scale of training.
pub(crate) fn scaled_means(guess: &Baseline, target: &TargetPreparation) -> Vec<f64> {
    let scaled = |(output, &mean): (usize, &f64)| target.scale_output(output, mean);
    guess.means().iter().enumerate().map(scaled).collect()
}

/// The variance of the first output on the scale of training.
fn variance(train: &Rows) -> f64 {
    let Targets::Values(values) = train.targets() else { return 1.0 };
    let n = values.len().max(1) as f64;
    let mean = values.iter().map(|&x| f64::from(x)).sum::<f64>() / n;
    let variance = values.iter().map(|&x| (f64::from(x) - mean).powi(2)).sum::<f64>() / n;
    variance.max(f64::MIN_POSITIVE)
}

/// How far pairs of observed and predicted are apart, one for each of the rows.
fn number_detail(pairs: &[(f64, f64)], rows: &Rows) -> NumberDetail {
    let worst = |(row, &(observed, predicted))| Worst { row, observed, predicted };
    let mut worst: Vec<Worst> = rows.source_rows().into_iter().zip(pairs).map(worst).collect();
    worst.sort_by(|a, b| {
        (b.observed - b.predicted).abs().total_cmp(&(a.observed - a.predicted).abs())
    });
    worst.truncate(MOST_WORST);
    let mut residuals: Vec<f64> = pairs.iter().map(|(o, p)| o - p).collect();
    residuals.sort_by(f64::total_cmp);
    let at = |q: f64| quantile(&residuals, q).unwrap_or_default();
    let residuals = Residuals {
        mean: residuals.iter().sum::<f64>() / residuals.len() as f64,
        min: at(0.0),
        q05: at(0.05),
        q25: at(0.25),
        median: at(0.5),
        q75: at(0.75),
        q95: at(0.95),
        max: at(1.0),
    };
    NumberDetail { residuals, worst, ..NumberDetail::default() }
}

impl Report {
    /// Chooses a threshold for the positive one of two classes (the rarer one, or `wanted`) on the
    /// validation part's results; without that part only the positive class is noted.
    pub(crate) fn choose_threshold(
        &mut self,
        wanted: Option<&str>,
        valid: (&[f32], &Rows),
        here: (&[f32], &Rows),
    ) -> Result<(), Error> {
        if valid.1.target().tags().is_some() {
            return match wanted {
                Some(_) => Err(Error::new("words have tags: no class of them is the positive one")),
                None => Ok(()),
            };
        }
        let Detail::Classes(detail) = &mut self.detail else {
            return match wanted {
                Some(_) => Err(Error::new("the target is a number: it has no positive class")),
                None => Ok(()),
            };
        };
        let names: Vec<&str> = detail.classes.iter().map(|class| class.name.as_str()).collect();
        if let Some(wanted) = wanted {
            if names.len() != 2 {
                return Err(Error::new(format!(
                    "one class is positive where there are two; here are {}",
                    names.len()
                )));
            }
            if !names.contains(&wanted) {
                let hint = crate::nearest::suggestion(wanted, "classes", &names);
                return Err(Error::new(format!("there is no class `{wanted}`: {hint}")));
            }
        }
        let Some(positive) = wanted.map(String::from).or(detail.positive.clone()) else {
            return Ok(());
        };
        let Some(class) = names.iter().position(|name| *name == positive) else { return Ok(()) };
        let result = detail.classes.get(class);
        if let Some(area) = result.and_then(|result| result.average_precision) {
            let share = result.map_or(0, |result| result.rows) as f64 / self.rows as f64;
            self.metrics.insert("average_precision".into(), area);
            self.baseline.insert("average_precision".into(), share);
        }
        detail.positive = Some(positive);
        if valid.1.is_empty() {
            return Ok(());
        }
        let (valid, here) = (ranking(valid, class)?, ranking(here, class)?);
        detail.threshold = valid.best_f1().map(|best| Threshold {
            threshold: best.threshold,
            valid: at(&valid, &best),
            here: at(&here, &here.at(best.threshold)),
            usual: at(&here, &here.at(0.5)),
        });
        Ok(())
    }
}

fn ranking((results, rows): (&[f32], &Rows), class: usize) -> Result<Ranking, Error> {
    let scores: Vec<f64> = results
        .chunks_exact(2)
        .map(|scores| probabilities(scores).get(class).copied().unwrap_or(f64::NAN))
        .collect();
    let labels = rows.labels().unwrap_or_default();
    let positive: Vec<bool> = labels.iter().map(|&label| label == class as i64).collect();
    Ranking::of(&positive, &scores)
}

fn at(ranking: &Ranking, cut: &Cut) -> AtThreshold {
    AtThreshold {
        precision: ranking.precision(cut),
        recall: ranking.recall(cut),
        f1: ranking.f1(cut),
        accuracy: ranking.accuracy(cut),
        false_positives: cut.false_positives as usize,
        false_negatives: (ranking.positives() - cut.true_positives) as usize,
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:17} {:>10} {:>10}", format!("{} rows", self.rows), "model", "baseline")?;
        for (name, value) in &self.metrics {
            let baseline = self.baseline.get(name).map(|b| format!("{b:.4}")).unwrap_or_default();
            writeln!(f, "{name:17} {value:>10.4} {baseline:>10}")?;
        }
        Ok(())
    }
}
