//! `glassbox generate RUN` of a model that learns rows: new rows.

use glassbox::Model;
use glassbox::train::ClassesMade;
use serde::Serialize;

use super::RowsRun;
use crate::commands::generate::GenerateArgs;
use crate::context::Context;
use crate::error::AppError;
use crate::terminal::{Align, Table, figure, grouped, percent};
use crate::text::Text;

/// What `--json` prints.
#[derive(Serialize)]
struct Json {
    run: String,
    rows: usize,
    seed: u64,
    file: String,
    /// What a classifier takes the rows for.
    #[serde(skip_serializing_if = "Option::is_none")]
    classified: Option<Classified>,
}

/// What a classifier takes the rows for, and as many rows of the data.
#[derive(Serialize)]
struct Classified {
    made: ClassesMade,
    data: ClassesMade,
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
    let classified = args.classifier.as_ref().map(|other| classify(&run, other, &rows, ctx));
    let classified = classified.transpose()?;
    let run = run.path.display().to_string();
    let json = Json { run, rows: count, seed: args.seed, file, classified };
    ctx.print(&json, |screen| {
        let found = json.classified.as_ref();
        let table = found.map(|found| histogram(found, ctx.text, screen.columns()));
        let wrote = ctx.text.wrote_rows(grouped(count as u64), &json.file);
        table.unwrap_or_default() + &wrote + "\n"
    })
}

/// What a classifier takes rows for that were made, and rows of the data.
fn classify(
    run: &RowsRun,
    classifier: &str,
    made: &[f32],
    ctx: &Context,
) -> Result<Classified, AppError> {
    let classifier = Model::load(ctx.run_path(classifier)?)?;
    ctx.warn_of_checkpoints(classifier.warnings());
    let rows = run.rows(&[], usize::MAX)?;
    Ok(Classified {
        made: run.latent.classify(made, &classifier)?,
        data: run.latent.classify(&rows.numbers, &classifier)?,
    })
}

/// How often each class comes, and the entropy of it.
fn histogram(found: &Classified, text: Text, columns: usize) -> String {
    let titles = [text.odd_class_name(), text.points_made(), text.points_of_data()];
    let mut headers = titles.each_ref().map(|title| (title.as_str(), Align::Right));
    headers[0].1 = Align::Left;
    let mut table = Table::new(headers);
    let both = [&found.made, &found.data];
    for (at, class) in found.made.classes.iter().enumerate() {
        let share = |of: &ClassesMade| {
            let all = of.rows.iter().sum::<usize>().max(1) as f64;
            percent(of.rows.get(at).copied().unwrap_or(0) as f64 / all)
        };
        let [made, data] = both.map(share);
        table.row([class.clone(), made, data]);
    }
    let [made, data] = both.map(|of| figure(of.entropy));
    let most = figure(found.made.most());
    table.render(columns) + &text.class_entropy(made, data, most) + "\n"
}
