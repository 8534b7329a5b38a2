//! `glassbox generate RUN` of a model that learns rows: new rows.

use glassbox::Model;
use glassbox::metrics::{Features, Likeness};
use glassbox::train::{ClassesMade, KnownRows};
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

/// What a classifier takes the rows for, and rows of the data; and how like these they are.
#[derive(Serialize)]
struct Classified {
    made: ClassesMade,
    data: ClassesMade,
    /// Features by which rows are compared.
    features: usize,
    /// Of the rows that were made.
    likeness: Likeness,
    /// Of as many rows of the training part, where rows were held out.
    #[serde(skip_serializing_if = "Option::is_none")]
    likeness_of_training_rows: Option<Likeness>,
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
        let tables = found.map(|found| {
            let columns = screen.columns();
            histogram(found, ctx.text, columns) + &likeness(found, ctx.text, columns)
        });
        let wrote = ctx.text.wrote_rows(grouped(count as u64), &json.file);
        tables.unwrap_or_default() + &wrote + "\n"
    })
}

/// What a classifier takes rows for that were made, and rows of the data; how like these they are.
fn classify(
    run: &RowsRun,
    classifier: &str,
    made: &[f32],
    ctx: &Context,
) -> Result<Classified, AppError> {
    let classifier = Model::load(ctx.run_path(classifier)?)?;
    ctx.warn_of_checkpoints(classifier.warnings());
    let all = run.data()?;
    let held_out = RowsRun::held_out(&all);
    let data = KnownRows::of(held_out, usize::MAX)?.numbers;
    let features = |rows: &[f32]| run.latent.features(rows, &classifier);
    let of_data = features(&data)?;
    let likeness = |rows: &Features| Likeness::of(&of_data, rows);
    let of_made = features(made)?;
    // As many rows as were made, from all over the training part: the figures depend on their number.
    let count = of_made.rows().min(all.train.len());
    let some: Vec<usize> = (0..count).map(|row| row * all.train.len() / count).collect();
    let likeness_of_training_rows = match std::ptr::eq(held_out, &all.train) {
        true => None,
        false => {
            let known = KnownRows::of(
                &all.train.select(&some).map_err(glassbox::Error::from)?,
                usize::MAX,
            )?;
            Some(likeness(&features(&known.numbers)?)?)
        }
    };
    Ok(Classified {
        made: run.latent.classify(made, &classifier)?,
        data: run.latent.classify(&data, &classifier)?,
        features: of_data.width,
        likeness: likeness(&of_made)?,
        likeness_of_training_rows,
    })
}

/// How like rows of the data those are that were made.
fn likeness(found: &Classified, text: Text, columns: usize) -> String {
    let titles = [
        text.likeness_of(),
        text.likeness_rows(),
        text.frechet(),
        text.column_precision(),
        text.column_recall(),
    ];
    let mut headers = titles.each_ref().map(|title| (title.as_str(), Align::Right));
    headers[0].1 = Align::Left;
    let mut table = Table::new(headers);
    let both = [
        (text.points_made(), Some(found.likeness)),
        (text.training_rows(), found.likeness_of_training_rows),
    ];
    let shown = |x: Option<f64>| x.map_or_else(|| "–".to_owned(), figure);
    for (name, of) in both.into_iter().filter_map(|(name, of)| Some((name, of?))) {
        let rows = grouped(of.rows as u64);
        let figures = [of.frechet_distance, of.precision, of.recall].map(shown);
        table.row([name, rows].into_iter().chain(figures));
    }
    let data: usize = found.data.rows.iter().sum();
    let [data, features] = [data, found.features].map(|n| grouped(n as u64));
    let mut out = table.render(columns) + &text.likeness_against(data, &features) + "\n";
    if found.likeness.frechet_distance.is_none() {
        out += &(text.too_few_for_features(features) + "\n");
    }
    out
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
