//! The section on a forecast: how far it is off at each step ahead, and how it went along.

use crate::report::chart::{self, Labels, Line};
use crate::report::html::{Head, count, cut, escape, number, table};
use crate::report::page::figure;
use crate::report::words::Words;
use crate::train::{Forecast, Guess, Off, Rolled};

/// Rows at the end of the part that are drawn, in whole horizons.
const DRAWN: usize = 168;
/// Steps ahead that are listed at most.
const LISTED: usize = 12;

/// What is said first: how far the forecast is off, and by how much less than the better guess.
pub(crate) fn lead(w: Words, forecast: &Forecast, rows: &str, part: &str) -> String {
    let guess = better(w, forecast);
    let gain = 100.0 * forecast.gain();
    let by = format!("{:.1}", gain.abs());
    let off = w.off_forecasts(&number(forecast.model.mae), &count(forecast.horizon), rows, part);
    let beside =
        if gain > 0.0 { w.forecast_beats(&by, &guess) } else { w.forecast_loses(&by, &guess) };
    format!("{off} {beside}")
}

/// The better one of the guesses.
fn better(w: Words, forecast: &Forecast) -> String {
    match (forecast.better, forecast.season) {
        (Guess::Seasonal, Some(season)) => w.guess_seasonal(&count(season)),
        _ => w.guess_last(),
    }
}

/// The section's HTML.
pub(crate) fn section(w: Words, forecast: &Forecast) -> String {
    let mut out = format!("<section>\n<h2>{}</h2>\n<div class=\"charts\">\n", w.forecast());
    for (target, rows) in &forecast.rolling {
        out += &rolled(w, &cut(target, 30), rows, forecast);
    }
    if forecast.steps.len() > 1 {
        out += &by_step(w, forecast);
    }
    out += "</div>\n";
    out + &listed(w, forecast) + "</section>\n"
}

/// Observed, forecast and the better guess over time.
fn rolled(w: Words, target: &str, rows: &[Rolled], forecast: &Forecast) -> String {
    let horizon = forecast.horizon.max(1);
    let most = (DRAWN / horizon).max(1) * horizon;
    let rows = &rows[rows.len().saturating_sub(most)..];
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return String::new() };
    let points = |of: &dyn Fn(&Rolled) -> f64| -> Vec<(f64, f64)> {
        rows.iter().enumerate().map(|(at, row)| ((at + 1) as f64, of(row))).collect()
    };
    let of_guess = |row: &Rolled| match forecast.better {
        Guess::Seasonal => row.seasonal.unwrap_or(f64::NAN),
        Guess::Last => row.last,
    };
    let guess = better(w, forecast);
    let lines = [
        Line { name: w.observed(), class: "first", points: points(&|row| row.observed) },
        Line { name: w.forecast_line(), class: "second", points: points(&|row| row.forecast) },
        Line { name: guess, class: "third", points: points(&of_guess) },
    ];
    let heading = w.rolling(target);
    let labels = |_| Labels {
        description: heading.clone(),
        x: w.rolling_x(&first.time, &last.time),
        y: target.to_owned(),
    };
    let (drawn, _) = chart::lines(labels, &lines, None, Some((-1e300, 1e300)));
    figure(&escape(&heading), &drawn, &w.rolling_note(&count(horizon)))
}

/// The mean absolute error at each step ahead.
fn by_step(w: Words, forecast: &Forecast) -> String {
    let mae = |of: &dyn Fn(usize) -> f64| {
        let steps = forecast.steps.iter().enumerate();
        steps.map(|(at, step)| (step.step as f64, of(at))).collect::<Vec<_>>()
    };
    let step = |at: usize| forecast.steps.get(at).copied().unwrap_or_default();
    let mut lines = vec![
        Line { name: w.model(), class: "first", points: mae(&|at| step(at).model.mae) },
        Line { name: w.guess_last(), class: "second", points: mae(&|at| step(at).last.mae) },
    ];
    if let Some(season) = forecast.season {
        let of = |at: usize| step(at).seasonal.map_or(f64::NAN, |off| off.mae);
        let name = w.guess_seasonal(&count(season));
        lines.push(Line { name, class: "third", points: mae(&of) });
    }
    let labels = |_| Labels { description: w.by_step(), x: w.steps_ahead(), y: w.name_mae() };
    let (drawn, _) = chart::lines(labels, &lines, None, Some((0.0, 1e300)));
    figure(&w.by_step(), &drawn, "")
}

/// The same as numbers.
fn listed(w: Words, forecast: &Forecast) -> String {
    let mut heads = vec![Head::text(w.steps_ahead())];
    let mut guesses = vec![w.model(), w.guess_last()];
    guesses.extend(forecast.season.map(|season| w.guess_seasonal(&count(season))));
    for guess in guesses {
        heads.push(Head::number(format!("{guess}, {}", w.name_mae())));
        heads.push(Head::number(w.name_rmse()));
    }
    let cells = |name: String, each: [Option<Off>; 3]| {
        let off = |off: Off| [number(off.mae), number(off.rmse)];
        let mut cells = vec![name];
        cells.extend(each.into_iter().flatten().flat_map(off));
        cells
    };
    let all = forecast.steps.len();
    let mut shown: Vec<usize> = (1..=LISTED).map(|part| (all * part).div_ceil(LISTED)).collect();
    shown.insert(0, 1);
    shown.dedup();
    let steps = forecast.steps.iter().filter(|step| all > 1 && shown.contains(&step.step));
    let mut rows: Vec<Vec<String>> = steps
        .map(|step| cells(count(step.step), [Some(step.model), Some(step.last), step.seasonal]))
        .collect();
    let whole = [Some(forecast.model), Some(forecast.last), forecast.seasonal];
    rows.push(cells(w.all_steps(), whole));
    format!("{}<p class=\"note\">{}</p>\n", table(&heads, &rows), w.forecast_note())
}
