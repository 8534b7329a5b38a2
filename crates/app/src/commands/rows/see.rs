//! `glassbox see RUN` of a model that learns rows: what it makes again, and where codes lie.

use glassbox::report::RowPictures;
use glassbox::report::picture::{Picture, points};
use glassbox::train::KnownRows;
use serde::Serialize;

use super::RowsRun;
use crate::context::Context;
use crate::error::AppError;
use crate::terminal::figure;

/// Rows that are shown beside what is made of them.
const SHOWN: usize = 10;
/// Rows whose codes are drawn.
const MAPPED: usize = 5_000;
/// Places of the grid of codes in each direction.
const PLACES: usize = 20;
/// Nats that a number of a code carries at least where it is in use.
const IN_USE: f64 = 0.01;

/// What `--json` prints.
#[derive(Serialize)]
struct Json {
    run: String,
    /// Numbers of a code.
    code: usize,
    /// Of a variational model: the divergence of each number of the code in the mean, in nats.
    divergences: Vec<f64>,
    /// How many of them carry anything.
    in_use: Option<usize>,
    files: Vec<String>,
}

pub fn run(run: &str, ctx: &Context) -> Result<(), AppError> {
    let run = RowsRun::load(run, ctx)?;
    if !run.latent.has_encoder() {
        return made(&run, ctx);
    }
    let rows = run.rows(&[], MAPPED)?;
    let labels = run.labels(&rows, ctx)?;
    let codes = run.latent.encode(&rows.numbers, labels.as_deref())?;
    let code = run.latent.code();
    let divergences = codes.divergences(code);
    let mut files = Vec::new();
    let mut write = |name: &str, picture: Picture| -> Result<(), AppError> {
        let path = run.out(None, name)?;
        picture.write(&path)?;
        files.push(path.display().to_string());
        Ok(())
    };
    // The numbers that carry most; of equal ones the first.
    let spread = match divergences.is_empty() {
        true => codes.variances(code),
        false => divergences.clone(),
    };
    let mut order: Vec<usize> = (0..code).collect();
    order.sort_by(|a, b| spread[*b].total_cmp(&spread[*a]));
    let axes = [order[0], order.get(1).copied().unwrap_or(order[0])];
    if let Some(pictures) = RowPictures::of(run.latent.preparation(), SHOWN) {
        let some = rows.select(&(0..rows.len().min(SHOWN)).collect::<Vec<_>>());
        let labels = run.labels(&some, ctx)?;
        let made = run.latent.decode(
            &run.latent.encode(&some.numbers, labels.as_deref())?.means,
            labels.as_deref(),
        )?;
        let both = [&some.numbers[..], &made].concat();
        let title = ctx.text.title_remade();
        write("remade.png", pictures.sheet(&title, &both, &[], some.len())?)?;
        if let Some(pictures) = RowPictures::of(run.latent.preparation(), PLACES) {
            let grid = grid(&codes.means, code, axes);
            let count = grid.len() / code.max(1);
            let labels = run.latent.labels_in_turn(count, Some(0));
            let made = run.latent.decode(&grid, labels.as_deref())?;
            let title = ctx.text.title_grid(axes[0] + 1, axes[1] + 1);
            write("latent-grid.png", pictures.grid(&title, &made, PLACES)?)?;
        }
    }
    let classes = run.latent.preparation().target.known_classes().unwrap_or_default();
    let map = map(&codes.means, code, axes, &rows);
    let title = ctx.text.title_map(axes[0] + 1, axes[1] + 1);
    write("latent-map.png", points(&title, &map, classes))?;
    let in_use = (!divergences.is_empty())
        .then(|| divergences.iter().filter(|nats| **nats > IN_USE).count());
    let json = Json { run: run.path.display().to_string(), code, divergences, in_use, files };
    ctx.print(&json, |_| {
        let mut out = String::new();
        if let Some(in_use) = json.in_use {
            let all: f64 = json.divergences.iter().sum();
            out += &(ctx.text.code_in_use(in_use, code, figure(all)) + "\n");
        }
        json.files.iter().for_each(|file| out += &format!("{file}\n"));
        out
    })
}

/// Of a model without an encoder: new rows, beside those of the data where they are points.
fn made(run: &RowsRun, ctx: &Context) -> Result<(), AppError> {
    let code = run.latent.code();
    let mut files = Vec::new();
    let title = ctx.text.title_generated(SEED);
    let picture = match RowPictures::of(run.latent.preparation(), SHOWN) {
        Some(pictures) => {
            let made = run.latent.sample(SHOWN * SHOWN, None, SEED)?;
            Some(pictures.sheet(&title, &made, &[], SHOWN)?)
        }
        None if run.latent.width() == 2 => {
            let rows = run.rows(&[], MAPPED)?;
            let made = run.latent.sample(rows.len(), None, SEED)?;
            let place = |numbers: &[f32], kind| {
                let restored = run.latent.preparation().restore(numbers).rows;
                let number = |text: &String| text.parse().unwrap_or(f64::NAN);
                let each = restored.into_iter().map(move |row| match &row[..] {
                    [x, y] => ([number(x), number(y)], Some(kind)),
                    _ => ([f64::NAN; 2], Some(kind)),
                });
                each.collect::<Vec<_>>()
            };
            let both = [place(&rows.numbers, 0), place(&made, 1)].concat();
            Some(points(&title, &both, &[ctx.text.points_of_data(), ctx.text.points_made()]))
        }
        None => None,
    };
    if let Some(picture) = picture {
        let path = run.out(None, "made.png")?;
        picture.write(&path)?;
        files.push(path.display().to_string());
    }
    let over_time = run.folder.file("samples/over-time.png");
    if over_time.exists() {
        files.push(over_time.display().to_string());
    }
    if files.is_empty() {
        return Err(AppError::failed(ctx.text.rows_no_picture()));
    }
    let (divergences, in_use) = (Vec::new(), None);
    let json = Json { run: run.path.display().to_string(), code, divergences, in_use, files };
    ctx.print(&json, |_| json.files.iter().map(|file| format!("{file}\n")).collect())
}

/// The seed of codes that are drawn to be looked at.
const SEED: u64 = 42;

/// Codes of a grid, its two axes being those numbers, from the 2 % to the 98 % quantile of what rows have;
/// the others at their means.
fn grid(codes: &[f32], code: usize, axes: [usize; 2]) -> Vec<f32> {
    let rows = (codes.len() / code.max(1)).max(1);
    let of = |number: usize| codes.iter().skip(number).step_by(code.max(1)).copied();
    let mut base: Vec<f32> = (0..code).map(|n| of(n).sum::<f32>() / rows as f32).collect();
    let ends = axes.map(|axis| {
        let mut sorted: Vec<f32> = of(axis).collect();
        sorted.sort_by(f32::total_cmp);
        let at = |share: usize| sorted.get(rows * share / 100).copied().unwrap_or_default();
        (at(2), at(98))
    });
    let place =
        |(low, high): (f32, f32), at: usize| low + (high - low) * at as f32 / (PLACES - 1) as f32;
    let mut all = Vec::with_capacity(PLACES * PLACES * code);
    for line in 0..PLACES {
        for column in 0..PLACES {
            base[axes[1]] = place(ends[1], PLACES - 1 - line);
            base[axes[0]] = place(ends[0], column);
            all.extend_from_slice(&base);
        }
    }
    all
}

/// Where rows lie by two numbers of their codes.
fn map(
    codes: &[f32],
    code: usize,
    axes: [usize; 2],
    rows: &KnownRows,
) -> Vec<([f64; 2], Option<usize>)> {
    let places = codes.chunks_exact(code.max(1)).map(|code| axes.map(|axis| f64::from(code[axis])));
    let kinds = rows.labels.iter().map(|label| label.map(|label| label as usize));
    places.zip(kinds).collect()
}
