//! `glassbox see RUN [--text TEXT]` of a network of sequences.

use glassbox::train::folder::RunFolder;
use glassbox::watch::GradientsByDepth;
use glassbox::watch::sequence::{Grid, Layer, Looks, Row, Scatter, Sequences};
use glassbox::watch::vision::data_of_run;
use serde::Serialize;

use super::{Gallery, SeeArgs, What, part};
use crate::context::Context;
use crate::error::AppError;
use crate::terminal::see_sequences;

/// Places that are told of those that the last one looks at.
const LOOKED_AT: usize = 4;

/// What `--json` prints.
#[derive(Serialize)]
pub struct SeenRun {
    pub run: String,
    pub rows: Vec<SeenRow>,
    pub embedding: Option<Scatter>,
    /// The gradient norm by layer at some steps of the training.
    pub gradients: Option<GradientsByDepth>,
    /// Every picture that was written.
    pub files: Vec<String>,
}

/// What was seen of one sequence.
#[derive(Serialize)]
pub struct SeenRow {
    /// Which one, e.g. `row 3 of the test part`, or the text.
    pub row: String,
    #[serde(skip)]
    pub name: RowName,
    /// What stands at each of its places.
    pub places: Vec<String>,
    pub layers: Vec<Layer>,
    pub attention: Vec<Head>,
}

/// Which sequence it is, to be said in words.
pub enum RowName {
    Row(usize, String),
    Text(String),
}

/// How a head looks.
#[derive(Serialize)]
pub struct Head {
    pub layer: String,
    pub head: usize,
    pub looks: Looks,
    /// The last place that looks, and those that it looks at most, with their shares.
    pub last: String,
    pub looks_at: Vec<(String, f32)>,
}

impl Head {
    fn of(grid: &Grid) -> Self {
        let last = grid.queries.len().saturating_sub(1);
        let place =
            |(at, share): (usize, f32)| (grid.keys.get(at).cloned().unwrap_or_default(), share);
        Head {
            layer: grid.layer.clone(),
            head: grid.head,
            looks: grid.looks(),
            last: grid.queries.last().cloned().unwrap_or_default(),
            looks_at: grid.most(last, LOOKED_AT).into_iter().map(place).collect(),
        }
    }
}

pub fn run(args: &SeeArgs, folder: &RunFolder, ctx: &Context) -> Result<(), AppError> {
    if !args.images.is_empty() {
        return Err(AppError::usage(ctx.text.see_no_files()));
    }
    let wanted = match args.what.is_empty() {
        true => What::OF_SEQUENCES.to_vec(),
        false => What::named(&args.what),
    };
    if let Some(other) = wanted.iter().find(|what| !What::OF_SEQUENCES.contains(what)) {
        let word = What::WORDS.get(*other as usize).copied().unwrap_or_default();
        return Err(AppError::usage(ctx.text.see_of_images(word)));
    }
    let has = |what| wanted.contains(&what);
    let mut gallery = Gallery::of(args, folder);
    let net = Sequences::of_run(folder)?;
    ctx.warn_of_checkpoints(net.warnings());
    let mut rows = Vec::new();
    if has(What::Gates) || has(What::Attention) {
        for (name, row) in chosen(args, folder, &net)? {
            let stem = match &name {
                RowName::Row(row, part) => format!("{part}-row-{row}"),
                RowName::Text(text) => text.chars().take(24).collect(),
            };
            let layers = if has(What::Gates) { net.layers(&row)? } else { Vec::new() };
            let layers: Vec<Layer> =
                layers.into_iter().filter(|layer| fits(args, &layer.name)).collect();
            for layer in &layers {
                let picture = layer.picture(&row.places)?;
                gallery.write(&format!("gates-{}-{stem}", layer.name), &picture)?;
            }
            let grids = if has(What::Attention) { net.attention(&row)? } else { Vec::new() };
            let grids: Vec<Grid> =
                grids.into_iter().filter(|grid| fits(args, &grid.layer)).collect();
            for heads in grids.chunk_by(|a, b| a.layer == b.layer) {
                let layer = heads.first().map_or("", |grid| grid.layer.as_str());
                gallery.write(&format!("attention-{layer}-{stem}"), &Sequences::sheet(heads)?)?;
            }
            rows.push(SeenRow {
                row: match &name {
                    RowName::Row(row, part) => format!("{part} row {row}"),
                    RowName::Text(text) => text.clone(),
                },
                name,
                places: row.places,
                layers,
                attention: grids.iter().map(Head::of).collect(),
            });
        }
    }
    let nothing = rows.iter().all(|row| row.layers.is_empty() && row.attention.is_empty());
    if nothing && !args.what.is_empty() && !rows.is_empty() {
        return Err(AppError::failed(ctx.text.see_no_gates()));
    }
    let embedding = if has(What::Embedding) { net.scatter()? } else { None };
    if let Some(scatter) = &embedding {
        gallery.write("embedding", &scatter.picture())?;
    }
    let gradients = match has(What::Gradients) {
        true => GradientsByDepth::of_run(folder)?,
        false => None,
    };
    if let Some(depth) = &gradients {
        gallery.write("gradients", &depth.picture())?;
    }
    let run = folder.path().display().to_string();
    let seen = SeenRun { run, rows, embedding, gradients, files: gallery.files };
    ctx.print(&seen, |screen| see_sequences(&seen, ctx.text, screen))
}

/// The texts that are given, else the rows that are named, else the first row.
fn chosen(
    args: &SeeArgs,
    folder: &RunFolder,
    net: &Sequences,
) -> Result<Vec<(RowName, Row)>, AppError> {
    if !args.text.is_empty() {
        let row = |text: &String| Ok((RowName::Text(text.clone()), net.text(text)?));
        return args.text.iter().map(row).collect();
    }
    let data = data_of_run(folder)?;
    let part = part(args, &data)?;
    let rows = if args.row.is_empty() { vec![0] } else { args.row.clone() };
    let row = |row: usize| Ok((RowName::Row(row, part.name.clone()), net.row(part.rows, row)?));
    rows.into_iter().map(row).collect()
}

/// Whether a layer is the one that is asked for, or lies within it.
fn fits(args: &SeeArgs, layer: &str) -> bool {
    args.layer.as_ref().is_none_or(|wanted| {
        layer
            .strip_prefix(wanted.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}
