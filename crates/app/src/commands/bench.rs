//! `glassbox bench NAME`

use std::path::PathBuf;

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use glassbox::engine::{Isa, Options};
use glassbox::nearest::nearest;
use serde::Serialize;

use crate::bench::{self, Agreement, Apart, Checked, Kind, Workload};
use crate::commands::profile::{Profiled, seconds};
use crate::context::Context;
use crate::error::AppError;
use crate::terminal::{self, Align, Table, figure, fit};

/// Gradients that are shown where all agree: those furthest apart.
const SHOWN: usize = 3;

#[derive(Args)]
pub struct BenchArgs {
    #[arg(value_name = "NAME", required_unless_present = "list")]
    pub name: Option<String>,
    #[arg(long, conflicts_with = "name")]
    pub list: bool,
    #[arg(long, value_name = "SECONDS", default_value = "3", value_parser = seconds)]
    pub seconds: f64,
    #[arg(long, value_name = "COUNT", value_parser = super::above_zero)]
    pub threads: Option<usize>,
    #[arg(long, value_name = "COUNT", value_parser = super::above_zero, conflicts_with_all = ["start", "plan"])]
    pub steps: Option<usize>,
    #[arg(long, value_name = "DIR", conflicts_with = "plan")]
    pub start: Option<PathBuf>,
    #[arg(long, requires = "start")]
    pub f64: bool,
    #[arg(long)]
    pub plan: bool,
    #[arg(long, conflicts_with_all = ["start", "plan", "steps"])]
    pub profile: bool,
    #[arg(long, value_name = "SET", value_parser = instruction_sets(), hide_possible_values = true)]
    pub instructions: Option<Isa>,
    #[arg(long)]
    pub exact: bool,
}

fn instruction_sets() -> impl TypedValueParser<Value = Isa> {
    let names = Isa::ALL.map(|set| PossibleValue::new(set.to_string()));
    PossibleValuesParser::new(names).try_map(|word| word.parse::<Isa>())
}

/// What `--list --json` prints.
#[derive(Serialize)]
struct List {
    workloads: Vec<Listed>,
}

#[derive(Serialize)]
struct Listed {
    name: &'static str,
    unit: &'static str,
}

/// What `--plan --json` prints.
#[derive(Serialize)]
struct Planned {
    workload: &'static str,
    plan: String,
}

pub fn run(args: &BenchArgs, ctx: &Context) -> Result<(), AppError> {
    let workloads = bench::all();
    let Some(name) = &args.name else { return list(&workloads, ctx) };
    let Some(workload) = workloads.iter().find(|workload| workload.name == name) else {
        let near = nearest(name, workloads.iter().map(|workload| workload.name));
        let near = near.map(|near| ctx.text.did_you_mean(near)).unwrap_or_default();
        let unknown = ctx.text.unknown_workload(name) + &near;
        let list = ctx.text.see_also("glassbox bench --list");
        return Err(AppError::usage(format!("{unknown}\n  {list}")));
    };
    let default = Options::default();
    let options = Options {
        threads: args.threads.unwrap_or(default.threads),
        isa: args.instructions,
        exact: args.exact,
        ..default
    };
    let steps = || match &workload.kind {
        Kind::Steps(work) => Ok(work),
        Kind::Processes => Err(AppError::usage(ctx.text.no_steps(workload.name))),
    };
    if let Some(folder) = &args.start {
        let folder = folder.join(workload.name);
        return told(&bench::agreement(workload.name, steps()?, &folder, options, args.f64)?, ctx);
    }
    if args.plan {
        let ready =
            steps()?.prepared(options, Checked::default(), |graph| Ok(graph.initial_values(0)));
        let plan = ready?.plan.plan().to_string();
        let planned = Planned { workload: workload.name, plan };
        return ctx.print(&planned, |_| format!("{}\n", planned.plan.trim_end()));
    }
    if args.profile {
        let step = bench::profile(workload, steps()?, args.seconds, options)?;
        let found = Profiled { run: workload.name.to_owned(), step, trace: None, flame: None };
        return ctx.print(&found, |screen| terminal::profile(&found, ctx.text, screen.columns()));
    }
    // Always the one line that is compared with the other side's.
    let line = match args.steps {
        Some(count) => {
            steps()?;
            serde_json::to_value(bench::taken(workload, count, options)?)
        }
        None => serde_json::to_value(bench::measure(workload, args.seconds, options)?),
    };
    let line = line.map_err(AppError::failed)?;
    ctx.print(&line, |_| format!("{line}\n"))
}

fn list(workloads: &[Workload], ctx: &Context) -> Result<(), AppError> {
    let listed = |workload: &Workload| Listed { name: workload.name, unit: workload.unit };
    let list = List { workloads: workloads.iter().map(listed).collect() };
    ctx.print(&list, |screen| {
        let headers = [ctx.text.column_workload(), ctx.text.column_unit()];
        let mut table = Table::new(headers.map(|header| (header, Align::Left)));
        for workload in &list.workloads {
            table.row([workload.name.to_owned(), workload.unit.to_owned()]);
        }
        table.render(screen.columns())
    })
}

/// Shows how far both sides are apart; an error where they are not the same work.
fn told(found: &Agreement, ctx: &Context) -> Result<(), AppError> {
    let text = ctx.text;
    let limit = match found.curve.is_empty() {
        true => figure(found.limit),
        false => text.limits_apart(figure(found.limit), figure(found.curve_limit)),
    };
    ctx.print(found, |screen| {
        let columns = screen.columns();
        let mut furthest: Vec<&Apart> = found.gradients.iter().collect();
        furthest.sort_by(|a, b| b.apart.total_cmp(&a.apart));
        let too_far = furthest.iter().filter(|apart| apart.too_far).count();
        let gradients = furthest.into_iter().take(too_far.max(SHOWN));
        let gradients = table(text.column_gradient(), gradients, found.exact, ctx);
        let losses = table(text.column_step(), found.losses.iter(), found.exact, ctx);
        let line = |words: String| fit(&words, columns) + "\n";
        let mut parts = Vec::new();
        if !found.gradients.is_empty() {
            let count = text.gradients_apart(found.gradients.len());
            parts.push(line(count) + &gradients.render(columns));
        }
        parts.push(line(text.losses_apart()) + &losses.render(columns));
        let furthest = found.curve.iter().max_by(|a, b| a.apart.total_cmp(&b.apart));
        if let Some(furthest) = furthest {
            let (steps, apart) = (found.losses.len() + found.curve.len(), figure(furthest.apart));
            parts.push(line(text.curve_apart(steps, &apart, &furthest.what)));
        }
        if let Some([losses, gradients]) = found.recorded {
            parts.push(line(text.recorded_apart(figure(gradients), figure(losses))));
        }
        if found.agrees {
            parts.push(line(text.same_work(found.workload, &limit)));
        }
        parts.join("\n")
    })?;
    match found.agrees {
        true => Ok(()),
        false => {
            let message = text.other_work(found.workload, &limit);
            Err(AppError::failed(message))
        }
    }
}

fn table<'a>(
    first: String,
    rows: impl Iterator<Item = &'a Apart>,
    exact: bool,
    ctx: &Context,
) -> Table {
    let text = ctx.text;
    let theirs = if exact { text.column_exact() } else { text.column_theirs() };
    let mut table = Table::new([
        (first, Align::Left),
        (text.column_ours(), Align::Right),
        (theirs, Align::Right),
        (text.column_apart(), Align::Right),
        (String::new(), Align::Left),
    ]);
    for row in rows {
        let shown = |value: f64| match row.theirs.abs() < 0.01 {
            true => format!("{value:.5e}"),
            false => format!("{value:.7}"),
        };
        let mark = if row.too_far { "!" } else { "" };
        let apart = format!("{:.1e}", row.apart);
        table.row([row.what.clone(), shown(row.ours), shown(row.theirs), apart, mark.to_owned()]);
    }
    table
}
