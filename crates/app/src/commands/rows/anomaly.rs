//! `glassbox anomaly RUN [FILE…]`

use std::path::PathBuf;

use clap::Args;
use glassbox::io::atomic;
use glassbox::train::{Anomalies, KnownRows};
use serde::Serialize;

use super::{RowsRun, csv_line};
use crate::context::Context;
use crate::error::AppError;
use crate::terminal::{Align, Table, figure, grouped, percent};
use crate::text::Text;

#[derive(Args)]
pub struct AnomalyArgs {
    #[arg(value_name = "RUN")]
    pub run: String,
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    #[arg(long, value_name = "SHARE", default_value_t = 0.05)]
    pub share: f64,
    #[arg(long, value_name = "FILE")]
    pub out_file: Option<PathBuf>,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Json<'a> {
    run: String,
    rows: usize,
    /// The rows in their order.
    names: &'a [String],
    #[serde(flatten)]
    found: &'a Anomalies,
}

/// How many of the oddest rows are listed.
const LISTED: usize = 10;
/// Bars of the histogram, and how long the longest is.
const BARS: usize = 16;
const LONGEST: usize = 40;

pub fn run(args: &AnomalyArgs, ctx: &Context) -> Result<(), AppError> {
    if !(args.share > 0.0 && args.share < 1.0) {
        return Err(AppError::usage(ctx.text.share_between()));
    }
    let run = RowsRun::load(&args.run, ctx)?;
    let data = run.data()?;
    let rows = match args.files.is_empty() {
        true => {
            let part = if data.test.is_empty() { &data.valid } else { &data.test };
            KnownRows::of(part, usize::MAX)?
        }
        false => run.latent.rows_of_files(&args.files)?,
    };
    let without = run.folder.config()?.data.without;
    let found = run.latent.anomalies(&data, &without, &rows, args.share)?;
    let mut table = csv_line(&["row", "loss", "odd"]);
    for (name, loss) in rows.names.iter().zip(&found.losses) {
        let odd = f64::from(*loss) > found.threshold;
        table += &csv_line(&[name.clone(), loss.to_string(), odd.to_string()]);
    }
    let path = run.out(args.out_file.as_ref(), "anomalies.csv")?;
    atomic::write(&path, table.as_bytes())?;
    let json = Json {
        run: run.path.display().to_string(),
        rows: rows.len(),
        names: &rows.names,
        found: &found,
    };
    ctx.print(&json, |screen| {
        let mut out = histogram(&found, ctx.text);
        out += &classes(&found, ctx.text, screen.columns());
        out += &oddest(&found, &rows, ctx.text);
        let (share, all) = (percent(found.share), grouped(found.fitted_on.0 as u64));
        let part = ctx.text.split(&found.fitted_on.1);
        out += &ctx.text.odd_threshold(figure(found.threshold), share, all, part);
        out.push('\n');
        let odd = grouped(found.odd as u64);
        let ratio = percent(found.odd as f64 / rows.len().max(1) as f64);
        out += &ctx.text.odd_rows(odd, grouped(rows.len() as u64), ratio);
        out.push('\n');
        if let Some(area) = found.roc_auc {
            out += &ctx.text.odd_area(without.join(", "), format!("{area:.3}"));
            out.push('\n');
        }
        out + &format!("{}\n", path.display())
    })
}

/// How many rows have which loss; those above the threshold are drawn otherwise.
fn histogram(found: &Anomalies, text: Text) -> String {
    let losses: Vec<f64> = found.losses.iter().map(|loss| f64::from(*loss)).collect();
    let mut sorted = losses.clone();
    sorted.sort_by(f64::total_cmp);
    let (Some(least), Some(most)) = (sorted.first(), sorted.get(sorted.len() * 995 / 1000)) else {
        return String::new();
    };
    let most = most.max(found.threshold * 1.2).max(least + f64::MIN_POSITIVE);
    let step = (most - least) / BARS as f64;
    let mut counts = [0usize; BARS];
    for loss in &losses {
        let bar = ((loss - least) / step).floor().clamp(0.0, (BARS - 1) as f64) as usize;
        counts[bar] += 1;
    }
    let longest = counts.iter().max().copied().unwrap_or(1).max(1);
    let mut out = text.odd_losses() + "\n";
    for (bar, count) in counts.iter().enumerate() {
        let from = least + bar as f64 * step;
        let odd = from + step / 2.0 > found.threshold;
        let long = (count * LONGEST).div_ceil(longest);
        let drawn = (if odd { "▓" } else { "█" }).repeat(long);
        out += &format!("{:>10}  {drawn} {}\n", figure(from), grouped(*count as u64));
    }
    out + "\n"
}

/// Which classes are odd how often.
fn classes(found: &Anomalies, text: Text, columns: usize) -> String {
    if found.classes.is_empty() {
        return String::new();
    }
    let titles =
        [text.odd_class_name(), text.odd_class_rows(), text.odd_class_odd(), text.odd_class_loss()];
    let mut headers = titles.each_ref().map(|title| (title.as_str(), Align::Right));
    headers[0].1 = Align::Left;
    let mut table = Table::new(headers);
    for class in &found.classes {
        let name = match class.left_out {
            true => format!("{} ({})", class.name, text.left_out_of_training()),
            false => class.name.clone(),
        };
        let share = percent(class.odd as f64 / class.rows.max(1) as f64);
        table.row([name, grouped(class.rows as u64), share, figure(class.loss)]);
    }
    table.render(columns) + "\n"
}

/// The rows with the largest losses.
fn oddest(found: &Anomalies, rows: &KnownRows, text: Text) -> String {
    let mut order: Vec<usize> = (0..found.losses.len()).collect();
    order.sort_by(|a, b| found.losses[*b].total_cmp(&found.losses[*a]));
    let listed = order
        .iter()
        .take(LISTED)
        .map(|row| format!("{} ({})", rows.names[*row], figure(f64::from(found.losses[*row]))));
    text.oddest(listed.collect::<Vec<_>>().join(", ")) + "\n"
}
