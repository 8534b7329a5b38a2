//! `glassbox generate RUN` of a model that learns rows: new rows.

use serde::Serialize;

use super::RowsRun;
use crate::commands::generate::GenerateArgs;
use crate::context::Context;
use crate::error::AppError;
use crate::terminal::grouped;

/// What `--json` prints.
#[derive(Serialize)]
struct Json {
    run: String,
    rows: usize,
    seed: u64,
    file: String,
}

/// Rows, where nobody says how many.
const COUNT: usize = 64;

pub fn run(args: &GenerateArgs, ctx: &Context) -> Result<(), AppError> {
    let run = RowsRun::load(&args.run, ctx)?;
    let label = args.class.as_ref().map(|class| run.label(class, ctx)).transpose()?;
    let count = args.count.unwrap_or(COUNT);
    let rows = run.latent.sample(count, label, args.seed)?;
    let classes = run.latent.told_classes();
    let captions: Vec<String> = run
        .latent
        .labels_in_turn(count, label)
        .unwrap_or_default()
        .into_iter()
        .map(|label| classes.get(label as usize).cloned().unwrap_or_default())
        .collect();
    let name = format!("generated-{}.{}", args.seed, run.ending());
    let path = run.out(args.out_file.as_ref(), &name)?;
    let columns = match classes.len() {
        0 => (count as f64).sqrt().ceil() as usize,
        classes if label.is_none() => classes,
        _ => (count as f64).sqrt().ceil() as usize,
    };
    run.write(&path, &ctx.text.title_generated(args.seed), &rows, &captions, columns)?;
    let file = path.display().to_string();
    let json = Json { run: run.path.display().to_string(), rows: count, seed: args.seed, file };
    ctx.print(&json, |_| ctx.text.wrote_rows(grouped(count as u64), &json.file) + "\n")
}
