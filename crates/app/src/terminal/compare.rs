//! Runs side by side.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Screen;
use super::chart::{Curve, chart};
use super::format::{figure, grouped};
use super::line::{Line, Tone, fit, width};
use super::table::{Align, Table};
use super::verdict::kind as kind_in_words;
use crate::commands::compare::{Comparison, Side};
use crate::text::Text;

/// Where the width of the screen is not known.
const PAGE: usize = 80;
const WIDEST_CHART: usize = 120;
/// Longer values are cut, so that every run's column can be seen.
const LONGEST_VALUE: usize = 28;

/// What each run is called in the tables and the chart.
fn label(index: usize) -> String {
    match u8::try_from(index) {
        Ok(index) if index < 26 => char::from(b'A' + index).to_string(),
        _ => (index + 1).to_string(),
    }
}

/// The runs, what differs between their settings, their figures and their curves.
pub fn compare(found: &Comparison, text: Text, screen: Screen) -> String {
    let columns = screen.columns();
    let mut parts = vec![names(found, screen), facts(found, text, columns)];
    parts.push(match found.differences.is_empty() {
        true => fit(&text.same_settings(), columns) + "\n",
        false => differences(found, text, columns),
    });
    parts.extend(figures(found, text, columns));
    parts.extend(curves(found, text, screen));
    parts.join("\n")
}

/// `A  runs/…`, in the colour of its curve.
fn names(found: &Comparison, screen: Screen) -> String {
    let line = |(index, side): (usize, &Side)| {
        let line = Line::new()
            .with(Tone::Series(index), label(index))
            .with(Tone::Plain, format!("  {}", side.run));
        line.render(screen.columns(), screen.colour) + "\n"
    };
    found.runs.iter().enumerate().map(line).collect()
}

fn table(title: String, runs: &[Side]) -> Table {
    let labels = (0..runs.len()).map(|index| (label(index) + " ", Align::Right));
    Table::new(std::iter::once((title, Align::Left)).chain(labels))
}

fn facts(found: &Comparison, text: Text, columns: usize) -> String {
    let mut table = table(String::new(), &found.runs);
    let mut row = |name: String, value: &dyn Fn(&Side) -> String| {
        table.row(std::iter::once(name).chain(found.runs.iter().map(|side| value(side) + " ")));
    };
    row(text.model(), &|side| side.model.clone());
    row(text.fact_data(), &|side| fit(&side.data, LONGEST_VALUE));
    row(text.column_numbers_learned(), &|side| {
        side.parameters.map_or("–".into(), |count| grouped(count as u64))
    });
    row(text.column_state(), &|side| text.state(side.state));
    row(text.column_epochs(), &|side| grouped(side.epoch));
    row(text.column_seconds(), &|side| seconds(side.seconds));
    let judged = |side: &Side| Some(side.outcome.as_ref()?.verdict.as_ref()?.kind);
    if found.runs.iter().any(|side| judged(side).is_some()) {
        row(text.column_verdict(), &|side| {
            judged(side).map_or("–".into(), |kind| kind_in_words(kind, text))
        });
    }
    table.render(columns)
}

fn seconds(seconds: f64) -> String {
    if seconds < 0.95 { figure(seconds) } else { format!("{seconds:.1}") }
}

fn differences(found: &Comparison, text: Text, columns: usize) -> String {
    let mut table = table(text.column_setting(), &found.runs);
    let written = |value: &Value| match value {
        Value::Null => "–".to_owned(),
        Value::String(text) => fit(text, LONGEST_VALUE),
        value => fit(&value.to_string().replace(',', ", "), LONGEST_VALUE),
    };
    for (setting, values) in &found.differences {
        table.row(std::iter::once(setting.clone()).chain(values.iter().map(|v| written(v) + " ")));
    }
    table.render(columns)
}

/// The final figures where all runs ended, else the best of their epochs; the best is marked.
fn figures(found: &Comparison, text: Text, columns: usize) -> Option<String> {
    let ended = found.runs.iter().all(|side| side.outcome.is_some());
    let splits: BTreeSet<String> = match ended {
        true => found.runs.iter().filter_map(|s| Some(s.outcome.as_ref()?.split.clone())).collect(),
        false => ["valid".to_owned()].into(),
    };
    let title = splits.iter().map(|split| text.split(split)).collect::<Vec<_>>().join(", ");
    let title = if ended { title } else { text.best_so_far(title) };
    let of = |side: &Side, name: &str| match (&side.outcome, ended) {
        (Some(outcome), true) => outcome.metrics.get(name).copied(),
        _ => side.best.get(name).copied(),
    };
    let all = |side: &Side| match (&side.outcome, ended) {
        (Some(outcome), true) => outcome.metrics.keys().cloned().collect::<Vec<_>>(),
        _ => side.best.keys().cloned().collect(),
    };
    let names: BTreeSet<String> = found.runs.iter().flat_map(all).collect();
    // The loss first: it is what was trained for.
    let (loss, others): (Vec<_>, Vec<_>) = names.into_iter().partition(|name| name == "loss");
    let mut table = table(title, &found.runs);
    if ended {
        let rows = |side: &Side| side.outcome.as_ref().map_or(0, |outcome| outcome.rows as u64);
        let rows = found.runs.iter().map(|side| grouped(rows(side)));
        table.row(std::iter::once(text.column_rows()).chain(rows.map(|rows| rows + " ")));
    }
    let mut any = false;
    for name in loss.into_iter().chain(others) {
        let best = found.best.get(&name).filter(|_| ended && found.same_rows != Some(false));
        let top = best.and_then(|&at| of(&found.runs[at], &name));
        any |= top.is_some();
        let cell = |side: &Side| {
            let value = of(side, &name);
            let mark = if top.is_some() && value == top { '*' } else { ' ' };
            value.map_or("–".into(), figure) + &mark.to_string()
        };
        table.row(std::iter::once(text.metric_in_full(&name)).chain(found.runs.iter().map(cell)));
    }
    let legend = if any { fit(&text.star_is_best(), columns) + "\n" } else { String::new() };
    Some(table.render(columns) + &legend)
}

fn curves(found: &Comparison, text: Text, screen: Screen) -> Option<String> {
    let curve = |(index, side): (usize, &Side)| Curve {
        label: label(index).chars().next().unwrap_or('?'),
        tone: Tone::Series(index),
        points: side
            .curve
            .iter()
            .filter_map(|(epoch, loss)| Some((*epoch as f64, loss.filter(|l| l.is_finite())?)))
            .collect(),
    };
    let curves: Vec<Curve> = found.runs.iter().enumerate().map(curve).collect();
    let columns = match screen.columns() {
        usize::MAX => PAGE,
        columns => columns.min(WIDEST_CHART),
    };
    let (lines, log) = chart(&curves, columns)?;
    let title = match log {
        true => text.curves_log(),
        false => text.curves(),
    };
    let last = curves.iter().flat_map(|c| c.points.last()).map(|p| p.0).fold(0.0, f64::max);
    let title = fit(&title, columns) + "\n";
    let end = text.epoch_at_the_end(last);
    let space = lines.iter().map(Line::width).max().unwrap_or(0).saturating_sub(width(&end));
    let end = fit(&format!("{}{end}", " ".repeat(space)), columns) + "\n";
    let lines: String =
        lines.iter().map(|line| line.render(columns, screen.colour) + "\n").collect();
    Some(title + &lines + &end)
}
