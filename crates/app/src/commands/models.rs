//! `glassbox models [NAME]`

use clap::Args;
use glassbox::nearest::nearest;
use glassbox::train::Job;
use glassbox::train::config::ModelKind;
use glassbox::train::summary::Structure;
use serde::Serialize;

use crate::context::Context;
use crate::error::AppError;
use crate::terminal::{Align, Table, fit, structure, width, wrap};
use crate::text::models;

/// Data to draw a model on where none is named: the first that suits it.
const EXAMPLES: [&str; 2] = ["iris", "digits"];

#[derive(Args)]
pub struct ModelsArgs {
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
    #[arg(long, value_name = "DATA", requires = "name")]
    pub on: Option<String>,
}

/// What `--json` prints without NAME.
#[derive(Serialize)]
struct List {
    models: Vec<Known>,
}

#[derive(Serialize)]
struct Known {
    name: &'static str,
    about: &'static str,
}

/// What `--json` prints with NAME.
#[derive(Serialize)]
struct Described<'a> {
    name: &'static str,
    about: &'static str,
    /// What the structure is that of the model on.
    data: &'a str,
    structure: Structure,
    /// The section `[model]` of a configuration with every option.
    toml: String,
}

pub fn run(args: &ModelsArgs, ctx: &Context) -> Result<(), AppError> {
    match &args.name {
        None => list(ctx),
        Some(name) => describe(name, args.on.as_deref(), ctx),
    }
}

fn list(ctx: &Context) -> Result<(), AppError> {
    let about = |kind: &ModelKind| models::about(ctx.text.lang, kind.word());
    let known = |kind: &ModelKind| Known { name: kind.word(), about: about(kind) };
    let list = List { models: ModelKind::ALL.iter().map(known).collect() };
    ctx.print(&list, |screen| {
        let columns = screen.columns();
        let headers = [(ctx.text.column_model(), Align::Left), (String::new(), Align::Left)];
        let mut table = Table::new(headers);
        for model in &list.models {
            table.row([model.name.to_owned(), model.about.to_owned()]);
        }
        let more = ctx.text.describe_model(list.models[0].name);
        format!("{}{}\n", table.render(columns), fit(&more, columns))
    })
}

fn describe(name: &str, on: Option<&str>, ctx: &Context) -> Result<(), AppError> {
    let Some(kind) = ModelKind::from_word(name) else {
        let names = ModelKind::ALL.iter().map(|kind| kind.word());
        let near = nearest(name, names).map(|near| ctx.text.did_you_mean(near));
        let unknown = ctx.text.unknown_model(name) + &near.unwrap_or_default();
        return Err(AppError::usage(format!("{unknown}\n  {}", ctx.text.see("glassbox models"))));
    };
    let setting = [format!("model.kind={:?}", kind.word())];
    let job = |data: &str| Job::new(data, |defaults| defaults.set(&setting));
    let (data, job) = match on {
        Some(data) => (data, job(data)),
        None => {
            let first = EXAMPLES[0];
            let suited = EXAMPLES.iter().find_map(|data| Some((*data, job(data).ok()?)));
            suited.map_or_else(|| (first, job(first)), |(data, found)| (data, Ok(found)))
        }
    };
    let job = job?;
    let structure_of = Structure::of(&job)?;
    let about = models::about(ctx.text.lang, kind.word());
    let toml = section(&job.config.to_toml());
    let found = Described { name: kind.word(), about, data, structure: structure_of, toml };
    ctx.print(&found, |screen| {
        let columns = screen.columns();
        let drawn = structure(&found.structure, ctx.text, columns);
        let try_it = format!("  glassbox train {data} --model {}", found.name);
        let parts = [
            fit(&format!("{} · {}", found.name, found.about), columns),
            fit(&ctx.text.model_on(data), columns) + "\n" + drawn.trim_end(),
            ctx.text.model_options() + "\n" + &indented(&found.toml, columns),
            ctx.text.model_example() + "\n" + &fit(&try_it, columns),
        ];
        parts.join("\n\n") + "\n"
    })
}

/// The section `[model]` of a configuration.
fn section(toml: &str) -> String {
    let from = toml.lines().skip_while(|line| !line.starts_with("[model]"));
    let lines: Vec<&str> = from.take_while(|line| !line.starts_with("[train]")).collect();
    lines.join("\n").trim_end().to_owned()
}

/// Indented by two columns; a comment that does not fit goes on in lines of its own.
fn indented(toml: &str, columns: usize) -> String {
    let lines = toml.lines().flat_map(|line| {
        let line = format!("  {line}");
        match line.split_once(" # ").filter(|_| width(&line) > columns) {
            Some((setting, comment)) => {
                let offset = width(setting);
                let room = columns.saturating_sub(offset + 3).max(20);
                let part = |(index, part): (usize, String)| {
                    let before = if index == 0 { setting.to_owned() } else { " ".repeat(offset) };
                    format!("{before} # {part}")
                };
                wrap(comment, room).into_iter().enumerate().map(part).collect()
            }
            None => vec![line],
        }
    });
    lines.map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}
