//! `glassbox models [NAME]`

use clap::Args;
use glassbox::Error;
use glassbox::nearest::nearest;
use glassbox::train::Job;
use glassbox::train::config::{ModelKind, RunConfig};
use glassbox::train::summary::Structure;
use glassbox::word2vec;
use glassbox::zoo::Takes;
use serde::Serialize;

use crate::context::Context;
use crate::error::AppError;
use crate::terminal::{Align, Table, fit, grouped, quoted, structure as structure_of, width, wrap};
use crate::text::models::{about, example};

/// Data to draw a model on where none is named: the first that suits it.
const EXAMPLES: [&str; 3] = ["iris", "digits", "sentences"];

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
    /// Of a named model, as published.
    parameters: Option<usize>,
}

/// What `--json` prints with NAME.
#[derive(Serialize)]
struct Described<'a> {
    name: &'static str,
    about: &'static str,
    /// What the structure is that of the model on; none: on images as it was published for.
    data: Option<&'a str>,
    structure: Structure,
    /// The section `[model]` of a configuration with every option.
    toml: String,
    /// Of a named model.
    published: Option<Published>,
}

/// How a named model was published.
#[derive(Serialize)]
struct Published {
    family: &'static str,
    source: &'static str,
    parameters: usize,
    classes: usize,
    image: [usize; 3],
}

pub fn run(args: &ModelsArgs, ctx: &Context) -> Result<(), AppError> {
    match &args.name {
        None => list(ctx),
        Some(name) => describe(name, args.on.as_deref(), ctx),
    }
}

fn list(ctx: &Context) -> Result<(), AppError> {
    let lang = ctx.text.lang;
    let parameters = |kind| match kind {
        ModelKind::Named(named) => named.member.published.map(|published| published.parameters),
        ModelKind::Mlp | ModelKind::Network => None,
    };
    let known = |kind: ModelKind| Known {
        name: kind.word(),
        about: about(kind, lang),
        parameters: parameters(kind),
    };
    let list = List { models: ModelKind::all().into_iter().map(known).collect() };
    ctx.print(&list, |screen| {
        let columns = screen.columns();
        let mut table = Table::new([
            (ctx.text.column_model(), Align::Left),
            (ctx.text.column_numbers(), Align::Right),
            (String::new(), Align::Left),
        ]);
        let mut last = "";
        for model in &list.models {
            let parameters = model.parameters.map(|count| grouped(count as u64));
            // What is said of a family is said once.
            let about = if model.about == last { "" } else { model.about };
            last = model.about;
            table.row([model.name.to_owned(), parameters.unwrap_or_default(), about.to_owned()]);
        }
        let more = ctx.text.describe_model("resnet18");
        format!("{}{}\n", table.render(columns), fit(&more, columns))
    })
}

fn describe(name: &str, on: Option<&str>, ctx: &Context) -> Result<(), AppError> {
    let Some(kind) = ModelKind::from_word(name) else {
        let near = nearest(name, ModelKind::all().into_iter().map(ModelKind::word));
        let near = near.map(|near| ctx.text.did_you_mean(near)).unwrap_or_default();
        let unknown = ctx.text.unknown_model(name) + &near;
        return Err(AppError::usage(format!(
            "{unknown}\n  {}",
            ctx.text.see_also("glassbox models")
        )));
    };
    let given = format!("model.kind={:?}", kind.word());
    let example = example(kind).iter().map(|s| (*s).to_owned());
    let settings: Vec<String> = std::iter::once(given).chain(example.clone()).collect();
    let job = |data: &str| Job::new(data, |defaults| defaults.set(&settings));
    let suited = || EXAMPLES.iter().copied().find(|data| job(data).is_ok());
    let named = match kind {
        ModelKind::Named(named) => Some(named),
        ModelKind::Mlp | ModelKind::Network => None,
    };
    let published = named.and_then(|named| Some((named, named.member.published?)));
    // A named model is drawn as it was published where nobody names data.
    let (data, structure, config) = match (on, published) {
        (_, None) if named.is_some_and(|named| named.family.takes == Takes::Words) => {
            let data = on.unwrap_or("sentences");
            let job = word2vec::Job::new(data, |defaults| defaults.set(&settings))?;
            (Some(data), Some(job.structure()?), job.config)
        }
        (None, Some((named, published))) => {
            let model = named.build(&named.family.defaults, published.classes);
            let image = [published.side, published.side, published.channels];
            let structure = Structure::of_model(&*model, &image)?;
            (None, Some(structure), RunConfig::new("photos").set(&settings).map_err(Error::from)?)
        }
        _ => {
            let data = on.or_else(suited).unwrap_or(EXAMPLES[0]);
            let job = job(data)?;
            (Some(data), Some(Structure::of(&job)?), job.config)
        }
    };
    let Some(structure) = structure else { return Ok(()) };
    let found = Described {
        name: kind.word(),
        about: about(kind, ctx.text.lang),
        data,
        structure,
        toml: section(&config.to_toml()),
        published: published.map(|(named, published)| Published {
            family: named.family.name,
            source: named.family.source,
            parameters: published.parameters,
            classes: published.classes,
            image: [published.side, published.side, published.channels],
        }),
    };
    ctx.print(&found, |screen| {
        let columns = screen.columns();
        let drawn = structure_of(&found.structure, ctx.text, columns);
        let set: String = example.map(|s| format!(" --set {}", quoted(&s))).collect();
        let mut parts = vec![fit(&format!("{} · {}", found.name, found.about), columns)];
        if let Some(published) = &found.published {
            let [height, width, channels] = published.image;
            let image = format!("{height} × {width} × {channels}");
            let counts = grouped(published.parameters as u64);
            let mut facts = vec![
                published.source.to_owned(),
                ctx.text.published_for(&image, published.classes, &counts),
            ];
            if height > 64 {
                facts.push(ctx.text.poor_for_small_images());
            }
            let lines = facts.iter().flat_map(|fact| wrap(fact, columns));
            parts.push(lines.collect::<Vec<_>>().join("\n"));
        }
        let on = found.data.map(quoted);
        let shown = on.as_ref().map(|data| fit(&ctx.text.model_on(data), columns) + "\n");
        parts.push(shown.unwrap_or_default() + drawn.trim_end());
        parts.push(ctx.text.model_options() + "\n" + &indented(&found.toml, columns));
        // A command is never cut: it is there to be copied.
        parts.push(format!(
            "{}\n  glassbox train {} --model {}{set}",
            ctx.text.model_example(),
            on.as_deref().unwrap_or("photos/"),
            found.name
        ));
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
