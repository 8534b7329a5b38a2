//! The figures that `train` and `eval` end with.

use std::collections::BTreeSet;

use glassbox::train::event::Outcome;
use glassbox::train::{AtThreshold, Detail, EntityResult, Forecast, Guess, NumberDetail, Off};

use super::classes::classes;
use super::format::{figure, grouped};
use super::line::fit;
use super::table::{Align, Table};
use super::verdict::{lines, verdict};
use crate::text::Text;

/// How many of the rows that are furthest off are shown.
const WORST: usize = 5;

/// What the figures do not tell, the figures beside the baseline's, the verdict, and the run's
/// folder: what matters most stands last, where the eye is.
///
/// `weighted`: its classes have weights in training already.
pub fn outcome(outcome: &Outcome, weighted: bool, text: Text, columns: usize) -> String {
    let mut out = match &outcome.detail {
        Detail::Classes(detail) => {
            classes(detail, text, columns) + "\n" + &names(&detail.entities, text, columns)
        }
        Detail::Numbers { outputs } => numbers(outputs, text, columns) + "\n",
        Detail::Forecast { forecast } => steps_ahead(forecast, text, columns) + "\n",
        Detail::None => String::new(),
    };
    out += &figures(outcome, text, columns);
    if let (Some(of), Some(guess)) =
        (outcome.metrics.get("accuracy"), outcome.baseline.get("accuracy"))
        && !outcome.metrics.contains_key("perplexity")
        && sentences(outcome).is_none()
        && of - guess < 2.0 * (of * (1.0 - of) / outcome.rows.max(1) as f64).sqrt()
    {
        let mut misleads = text.accuracy_misleads(figure(*guess), figure(*of));
        if !weighted {
            misleads = format!("{misleads} {}", text.cure_class_weights());
        }
        out += &lines(&misleads, columns);
    }
    for name in outcome.undefined.keys() {
        let why = match outcome.undefined.get(name) {
            Some(glassbox::train::Undefined::Constant) => text.undefined_constant(),
            _ => text.undefined_one_class(),
        };
        out += &lines(&format!("{}: {why}", text.metric_in_full(name)), columns);
    }
    if let Some(judged) = &outcome.verdict {
        out += &format!("\n{}\n", verdict(judged, text, columns));
    }
    let digits = if outcome.seconds < 0.95 { 2 } else { 1 };
    let seconds = format!("{:.digits$}", outcome.seconds);
    out + &fit(&text.run_and_time(&outcome.run, seconds), columns) + "\n"
}

/// Where rows are words that have tags, of how many sentences they are.
fn sentences(outcome: &Outcome) -> Option<usize> {
    match &outcome.detail {
        Detail::Classes(detail) => detail.sentences,
        _ => None,
    }
}

/// The model's figures beside the baseline's, where there is one.
fn figures(outcome: &Outcome, text: Text, columns: usize) -> String {
    let (split, rows) = (text.split(&outcome.split), grouped(outcome.rows as u64));
    let title = match sentences(outcome) {
        Some(sentences) => text.words_of_split(split, rows, grouped(sentences as u64)),
        None => text.rows_of_split(split, rows),
    };
    let (model, baseline) = (text.model(), text.baseline());
    let last = if outcome.baseline.is_empty() { "" } else { &baseline };
    let headers =
        [(title.as_str(), Align::Left), (model.as_str(), Align::Right), (last, Align::Right)];
    let mut table = Table::new(headers);
    let names: BTreeSet<&String> = outcome.metrics.keys().chain(outcome.baseline.keys()).collect();
    // The loss first: it is what was trained for.
    let (loss, others): (Vec<_>, Vec<_>) = names.into_iter().partition(|name| *name == "loss");
    for name in loss.into_iter().chain(others) {
        let of = |value: Option<&f64>, absent: &str| value.map_or(absent.into(), |v| figure(*v));
        let absent = if last.is_empty() { "" } else { "–" };
        table.row([
            text.metric_in_full(name),
            of(outcome.metrics.get(name), "–"),
            of(outcome.baseline.get(name), absent),
        ]);
    }
    table.render(columns)
}

/// How well names of each kind are found, where tags are of names.
fn names(found: &[EntityResult], text: Text, columns: usize) -> String {
    if found.is_empty() {
        return String::new();
    }
    let right = |name: String| (name, Align::Right);
    let mut table = Table::new([
        (text.column_kind_of_name(), Align::Left),
        right(text.column_precision()),
        right(text.column_recall()),
        right(text.column_f1()),
        right(text.column_names()),
    ]);
    for EntityResult { name, figures } in found {
        let shares = [figures.precision, figures.recall, figures.f1].map(|x| format!("{x:.3}"));
        let [precision, recall, f1] = shares;
        let names = grouped(figures.entities as u64);
        table.row([name.clone(), precision, recall, f1, names]);
    }
    table.render(columns) + "\n"
}

/// How far numbers are off; of several, each one's figures.
fn numbers(outputs: &[NumberDetail], text: Text, columns: usize) -> String {
    if let [only] = outputs {
        return residuals(only, text, columns);
    }
    let right = |name: String| (name, Align::Right);
    let names = ["rmse", "mae", "r2"].map(|name| right(text.metric_in_full(name)));
    let mut table = Table::new([(text.column_target(), Align::Left)].into_iter().chain(names));
    for output in outputs {
        let r2 = output.r2.map_or("–".into(), figure);
        table.row([output.name.clone(), figure(output.rmse), figure(output.mae), r2]);
    }
    table.render(columns)
}

/// Steps ahead that are shown at most.
const STEPS: usize = 8;

/// How far a forecast is off, by the steps ahead, beside the simplest guesses.
fn steps_ahead(forecast: &Forecast, text: Text, columns: usize) -> String {
    let right = |name: String| (name, Align::Right);
    let last = text.guess_last();
    let seasonal = forecast.season.map(|season| text.guess_seasonal(season));
    let mut headers = vec![
        (text.column_ahead(), Align::Left),
        right(text.column_mae_of_model()),
        right(last.clone()),
    ];
    headers.extend(seasonal.clone().map(right));
    let mut table = Table::new(headers);
    let mut row = |name: String, model: Off, last: Off, seasonal: Option<Off>| {
        let mut cells = vec![name, figure(model.mae), figure(last.mae)];
        cells.extend(seasonal.map(|off| figure(off.mae)));
        table.row(cells);
    };
    let all = forecast.steps.len();
    let mut shown: Vec<usize> = (1..=STEPS).map(|part| (all * part).div_ceil(STEPS)).collect();
    shown.insert(0, 1);
    shown.dedup();
    for step in forecast.steps.iter().filter(|step| all > 1 && shown.contains(&step.step)) {
        row(step.step.to_string(), step.model, step.last, step.seasonal);
    }
    row(text.all_steps(), forecast.model, forecast.last, forecast.seasonal);
    let guess = match (forecast.better, seasonal) {
        (Guess::Seasonal, Some(seasonal)) => seasonal,
        _ => last,
    };
    let gain = 100.0 * forecast.gain();
    let said = match gain > 0.0 {
        true => text.forecast_beats(format!("{gain:.1}"), guess),
        false => text.forecast_loses(format!("{:.1}", -gain), guess),
    };
    format!("{}\n{}", table.render(columns), lines(&said, columns))
}

/// How far a number is off, and the rows that are furthest off.
fn residuals(detail: &NumberDetail, text: Text, columns: usize) -> String {
    let r = &detail.residuals;
    let right = |name: &str| (name.to_owned(), Align::Right);
    let quantiles = ["5 %", "25 %", "50 %", "75 %", "95 %"].map(right);
    let mut headers = vec![(text.column_residual(), Align::Left), right(&text.column_mean())];
    headers.push(right(&text.column_least()));
    headers.extend(quantiles);
    headers.push(right(&text.column_greatest()));
    let mut spread = Table::new(headers);
    let values = [r.mean, r.min, r.q05, r.q25, r.median, r.q75, r.q95, r.max].map(figure);
    spread.row(std::iter::once(String::new()).chain(values));
    let mut worst = Table::new([
        right(&text.column_worst_row()),
        right(&text.column_observed_number()),
        right(&text.column_predicted_number()),
        right(&text.column_residual()),
    ]);
    for row in detail.worst.iter().take(WORST) {
        let off = figure(row.observed - row.predicted);
        worst.row([grouped(row.row as u64), figure(row.observed), figure(row.predicted), off]);
    }
    let mut out = spread.render(columns) + "\n" + &worst.render(columns);
    if let Some(coverage) = &detail.coverage {
        let [one, two] = coverage.shares().map(|share| format!("{:.0}", 100.0 * share));
        let mean = figure(coverage.mean_deviation);
        let rows = grouped(coverage.rows as u64);
        out += &format!("\n{}", lines(&text.coverage(rows, one, two, mean), columns));
    }
    out
}

/// Of two classes, another threshold than the most probable class, and what it costs.
pub fn threshold(outcome: &Outcome, text: Text, columns: usize) -> String {
    let Detail::Classes(detail) = &outcome.detail else { return String::new() };
    let (Some(positive), Some(chosen)) = (&detail.positive, &detail.threshold) else {
        return String::new();
    };
    let known = |x: Option<f64>| x.map_or("–".into(), |x| format!("{x:.3}"));
    let right = |name: String| (name, Align::Right);
    let mut table = Table::new([
        (text.column_threshold(), Align::Left),
        right(text.column_precision()),
        right(text.column_recall()),
        right(text.column_f1()),
        right(text.metric_in_full("accuracy")),
        right(text.column_false_positives()),
        right(text.column_false_negatives()),
    ]);
    let mut row = |name: String, at: &AtThreshold| {
        table.row([
            name,
            known(at.precision),
            known(at.recall),
            known(at.f1),
            known(Some(at.accuracy)),
            grouped(at.false_positives as u64),
            grouped(at.false_negatives as u64),
        ]);
    };
    row("0.500".into(), &chosen.usual);
    row(format!("{:.3}", chosen.threshold), &chosen.here);
    let why =
        text.threshold_chosen(positive, format!("{:.3}", chosen.threshold), known(chosen.valid.f1));
    format!("{}{}\n", table.render(columns), lines(&why, columns))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Lang;

    #[test]
    fn the_baseline_stands_beside_the_model_where_there_is_one() {
        let mut result = Outcome {
            run: "runs/x".into(),
            split: "test".into(),
            rows: 30,
            seconds: 1.9,
            metrics: [("loss".to_owned(), 0.11), ("accuracy".to_owned(), 0.967)].into(),
            baseline: [("accuracy".to_owned(), 1.0 / 3.0)].into(),
            ..Outcome::default()
        };
        assert_eq!(
            outcome(&result, false, Text::new(Lang::English), 80),
            "test, 30 rows  model  baseline\n\
             loss           0.110         –\n\
             accuracy       0.967     0.333\n\
             runs/x  1.9 s\n"
        );
        result.baseline.clear();
        assert_eq!(
            outcome(&result, false, Text::new(Lang::Korean), 80),
            "시험, 30행   모형\n손실        0.110\n정확도      0.967\nruns/x  1.9초\n"
        );
    }

    #[test]
    fn an_accuracy_that_the_largest_class_has_too_is_said_to_tell_nothing() {
        let mut result = Outcome {
            rows: 130,
            metrics: [("accuracy".to_owned(), 110.0 / 130.0)].into(),
            baseline: [("accuracy".to_owned(), 110.0 / 130.0)].into(),
            ..Outcome::default()
        };
        let text = Text::new(Lang::English);
        let cure = "train.class_weights=balanced";
        let shown = outcome(&result, false, text, 80);
        assert!(shown.contains("balanced accuracy") && shown.contains(cure), "{shown}");
        assert!(!outcome(&result, true, text, 80).contains(cure), "it is taken already");
        result.metrics.insert("accuracy".into(), 0.95);
        assert!(!outcome(&result, false, text, 80).contains("balanced accuracy"));
    }
}
