//! `glassbox models [NAME]`

use clap::Args;
use glassbox::nearest::nearest;
use glassbox::train::Job;
use glassbox::train::summary::Structure;
use serde::Serialize;

use crate::context::Context;
use crate::error::AppError;
use crate::terminal::{Align, Table, fit, quoted, structure, width, wrap};
use crate::text::models::{MODELS, Model};

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
    let known = |model: &Model| Known { name: model.word, about: model.about(ctx.text.lang) };
    let list = List { models: MODELS.iter().map(known).collect() };
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
    let Some(model) = MODELS.iter().find(|model| model.word == name) else {
        let near = nearest(name, MODELS.iter().map(|model| model.word));
        let near = near.map(|near| ctx.text.did_you_mean(near)).unwrap_or_default();
        let unknown = ctx.text.unknown_model(name) + &near;
        return Err(AppError::usage(format!("{unknown}\n  {}", ctx.text.see("glassbox models"))));
    };
    let kind = format!("model.kind={:?}", model.word);
    let settings: Vec<String> =
        std::iter::once(kind).chain(model.example.iter().map(|s| (*s).to_owned())).collect();
    let job = |data: &str| Job::new(data, |defaults| defaults.set(&settings));
    let suited = || EXAMPLES.iter().copied().find(|data| job(data).is_ok());
    let data = on.or_else(suited).unwrap_or(EXAMPLES[0]);
    let job = job(data)?;
    let found = Described {
        name: model.word,
        about: model.about(ctx.text.lang),
        data,
        structure: Structure::of(&job)?,
        toml: section(&job.config.to_toml()),
    };
    ctx.print(&found, |screen| {
        let columns = screen.columns();
        let drawn = structure(&found.structure, ctx.text, columns);
        let set: String = model.example.iter().map(|s| format!(" --set {}", quoted(s))).collect();
        let data = quoted(data);
        let parts = [
            fit(&format!("{} · {}", found.name, found.about), columns),
            fit(&ctx.text.model_on(&data), columns) + "\n" + drawn.trim_end(),
            ctx.text.model_options() + "\n" + &indented(&found.toml, columns),
            // A command is never cut: it is there to be copied.
            format!(
                "{}\n  glassbox train {data} --model {}{set}",
                ctx.text.model_example(),
                found.name
            ),
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
    let line = |line: &str| -> Vec<String> {
        let line = format!("  {line}");
        let Some((setting, comment)) = line.rsplit_once(" # ").filter(|_| width(&line) > columns)
        else {
            return vec![line];
        };
        // Beside the setting where there is room for some words, else below it.
        let beside = columns >= width(setting) + 20;
        let offset = if beside { width(setting) } else { 4 };
        let mut lines = if beside { vec![] } else { vec![setting.to_owned()] };
        for part in wrap(comment, columns.saturating_sub(offset + 3)) {
            let before = match beside && lines.is_empty() {
                true => setting.to_owned(),
                false => " ".repeat(offset),
            };
            lines.push(format!("{before} # {part}"));
        }
        lines
    };
    let lines = toml.lines().flat_map(line).map(|line| line.trim_end().to_owned());
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_that_does_not_fit_goes_on_below() {
        let line = "# initial = \"he\"   # absent: by the activation";
        assert_eq!(indented(line, 80), format!("  {line}"));
        assert_eq!(
            indented(line, 44),
            "  # initial = \"he\"   # absent: by the\n                     # activation"
        );
        assert_eq!(
            indented(line, 30),
            "  # initial = \"he\"\n     # absent: by the\n     # activation"
        );
    }
}
