//! The section on predicted numbers: how they lie to what was observed.

use crate::report::chart::{self, Labels};
use crate::report::facts::ToldNumber;
use crate::report::html::{Head, count, cut, escape, name, number, percent, table};
use crate::report::page::figure;
use crate::report::words::Words;
use crate::train::NumberDetail;

/// More rows than this are sampled for the chart.
const MOST_POINTS: usize = 1_500;
const MOST_MISSES: usize = 10;

/// The section's HTML.
pub(crate) fn section(w: Words, told: &[ToldNumber], target: &str, several: bool) -> String {
    let target = cut(target, 30);
    let finite = |row: &&ToldNumber| row.residual().is_finite();
    let told: (Vec<&ToldNumber>, Vec<&ToldNumber>) = told.iter().partition(finite);
    let (told, omitted) = told;
    let mut misses: Vec<usize> = (0..told.len()).collect();
    misses.sort_by(|&a, &b| {
        told[b].residual().abs().total_cmp(&told[a].residual().abs()).then(a.cmp(&b))
    });
    misses.truncate(MOST_MISSES);

    let heading = if several { w.numbers_of(&escape(&target)) } else { w.numbers() };
    let mut out = format!("<section>\n<h2>{heading}</h2>\n");
    if !omitted.is_empty() {
        out += &format!("<p class=\"caution\">{}</p>\n", w.omitted(&count(omitted.len())));
    }
    let shown = sample(told.len(), &misses);
    let points: Vec<(f64, f64)> =
        shown.iter().map(|&i| (told[i].observed, told[i].predicted)).collect();
    let all = count(told.len());
    let sampled = shown.len() < told.len();
    let rows = match sampled {
        true => w.scatter_sample(&count(shown.len()), &all),
        false => w.scatter_rows(&all),
    };
    let labels = Labels {
        description: w.scatter(&target),
        x: w.scatter_x(&target),
        y: w.scatter_y(&target),
    };
    let scatter = chart::scatter(&labels, &points, &w.scatter_diagonal(), &rows);
    let note = if sampled { w.scatter_note() } else { String::new() };
    out += "<div class=\"charts\">\n";
    out += &figure(&escape(&w.scatter(&target)), &scatter, &note);

    let residuals: Vec<f64> = told.iter().map(|row| row.residual()).collect();
    let n = residuals.len().max(1) as f64;
    let mean = residuals.iter().map(|r| r / n).sum::<f64>();
    let deviation = residuals.iter().map(|r| (r - mean).powi(2) / n).sum::<f64>().sqrt();
    let labels =
        Labels { description: w.residuals(), x: w.residual_x(&target), y: w.residual_rows() };
    let bars = chart::histogram(&labels, &residuals, &w.residual_zero(), &w.residual_rows());
    out += &figure(&w.residuals(), &bars, &w.residual_note(&number(mean), &number(deviation)));
    out += "</div>\n";

    let heads = [
        Head::number(w.row()),
        Head::number(w.observed()),
        Head::number(w.predicted()),
        Head::number(w.residual()),
    ];
    let rows: Vec<Vec<String>> = misses
        .iter()
        .map(|&miss| {
            let ToldNumber { row, observed, predicted } = told[miss];
            let residual = number(told[miss].residual());
            vec![row.to_string(), number(*observed), number(*predicted), residual]
        })
        .collect();
    out += &format!(
        "<h3>{}</h3>\n{}<p class=\"note\">{}</p>\n</section>\n",
        w.misses(),
        table(&heads, &rows),
        w.rows_note()
    );
    out
}

/// Of several targets each one's figures, in its own unit; of a model that tells how sure it is, how
/// right it is about that.
pub(crate) fn by_target(w: Words, outputs: &[NumberDetail]) -> String {
    let mut out = String::new();
    if outputs.len() > 1 {
        let heads = [
            Head::text(w.target()),
            Head::number(w.name_mae()),
            Head::number(w.name_rmse()),
            Head::number(w.name_r2()),
        ];
        let row = |output: &NumberDetail| {
            let r2 = output.r2.map_or("–".into(), number);
            vec![name(&output.name, 60), number(output.mae), number(output.rmse), r2]
        };
        let rows: Vec<Vec<String>> = outputs.iter().map(row).collect();
        out += &format!("{}<p class=\"note\">{}</p>\n", table(&heads, &rows), w.mean_of_targets());
    }
    for coverage in outputs.iter().filter_map(|output| output.coverage) {
        let [one, two] = coverage.shares().map(percent);
        let mean = number(coverage.mean_deviation);
        out += &format!("<p>{}</p>\n", w.coverage(&one, &two, &mean));
    }
    out
}

/// Which of `rows` rows are drawn: all of them, or an even sample and the largest misses.
fn sample(rows: usize, misses: &[usize]) -> Vec<usize> {
    if rows <= MOST_POINTS {
        return (0..rows).collect();
    }
    let even = (0..MOST_POINTS).map(|k| k * rows / MOST_POINTS);
    let mut shown: Vec<usize> = even.chain(misses.iter().copied()).collect();
    shown.sort_unstable();
    shown.dedup();
    shown
}
