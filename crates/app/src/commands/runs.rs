//! `glassbox runs`

use clap::Args;
use glassbox::train::folder::{RunFolder, RunState};
use serde::Serialize;

use crate::commands::compare::{Figure, Side};
use crate::context::Context;
use crate::error::AppError;
use crate::terminal::{Align, Table, figure, fit, grouped};

#[derive(Args)]
pub struct RunsArgs {}

/// What `--json` prints.
#[derive(Serialize)]
struct Json {
    runs: Vec<Listed>,
}

#[derive(Serialize)]
struct Listed {
    name: String,
    /// Whether `last` means this run.
    last: bool,
    data: String,
    model: String,
    state: RunState,
    epoch: u64,
    /// The figure by which to judge it: of the test part where it has ended.
    figure: Option<Figure>,
}

pub fn run(_: &RunsArgs, ctx: &Context) -> Result<(), AppError> {
    let last = RunFolder::resolve(ctx.runs(), "last").ok();
    let mut found = Vec::new();
    for path in RunFolder::all(ctx.runs()) {
        match Side::of(&path) {
            Ok(side) => found.push(Listed {
                last: last.as_ref() == Some(&path),
                name: RunFolder::name_in(ctx.runs(), &path),
                data: side.data.clone(),
                model: side.model.clone(),
                state: side.state,
                epoch: side.epoch,
                figure: side.figure(),
            }),
            // One that cannot be read does not hide the others.
            Err(error) => ctx.warn(format_args!("{}: {error}", path.display())),
        }
    }
    let json = Json { runs: found };
    ctx.print(&json, |screen| {
        let columns = screen.columns();
        if json.runs.is_empty() {
            return fit(&ctx.text.no_runs(), columns) + "\n";
        }
        use Align::{Left, Right};
        let mut table = Table::new([
            (ctx.text.column_run(), Left),
            (ctx.text.column_figure(), Right),
            (String::new(), Left),
            (ctx.text.column_state(), Left),
            (ctx.text.column_epochs(), Right),
            (ctx.text.model(), Left),
            (ctx.text.fact_data(), Left),
        ]);
        for run in &json.runs {
            let name = if run.last { format!("{} ←", run.name) } else { run.name.clone() };
            let of = |figure: &Figure| ctx.text.metric_in_full(&figure.name);
            table.row([
                name,
                run.figure.as_ref().map_or("–".into(), |held| figure(held.value)),
                run.figure.as_ref().map(of).unwrap_or_default(),
                ctx.text.state(run.state),
                grouped(run.epoch),
                run.model.clone(),
                run.data.clone(),
            ]);
        }
        table.render(columns) + &fit(&ctx.text.arrow_is_last(), columns) + "\n"
    })
}
