//! `glassbox encode RUN [FILE…]`

use std::path::PathBuf;

use clap::Args;
use glassbox::io::atomic;
use serde::Serialize;

use super::{RowsRun, csv_line};
use crate::context::Context;
use crate::error::AppError;
use crate::terminal::grouped;

#[derive(Args)]
pub struct EncodeArgs {
    #[arg(value_name = "RUN")]
    pub run: String,
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    #[arg(long, value_name = "FILE")]
    pub out_file: Option<PathBuf>,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Json {
    run: String,
    rows: usize,
    /// Numbers of a code.
    code: usize,
    file: String,
}

pub fn run(args: &EncodeArgs, ctx: &Context) -> Result<(), AppError> {
    let run = RowsRun::load(&args.run, ctx)?;
    let rows = run.rows(&args.files, usize::MAX)?;
    let labels = run.labels(&rows, ctx)?;
    let code = run.latent.code();
    let codes = run.latent.encode(&rows.numbers, labels.as_deref())?.means;
    let classes = run.latent.preparation().target.known_classes().unwrap_or_default();
    let known = rows.labels.iter().any(Option::is_some);
    let mut names = vec!["row".to_owned()];
    names.extend(known.then(|| "class".to_owned()));
    names.extend((1..=code).map(|number| format!("z{number}")));
    let mut table = csv_line(&names);
    for ((name, label), code) in rows.names.iter().zip(&rows.labels).zip(codes.chunks(code.max(1)))
    {
        let class = label.and_then(|label| classes.get(label as usize)).cloned();
        let mut cells = vec![name.clone()];
        cells.extend(known.then(|| class.unwrap_or_default()));
        cells.extend(code.iter().map(f32::to_string));
        table += &csv_line(&cells);
    }
    let path = run.out(args.out_file.as_ref(), "codes.csv")?;
    atomic::write(&path, table.as_bytes())?;
    let file = path.display().to_string();
    let json = Json { run: run.path.display().to_string(), rows: rows.len(), code, file };
    ctx.print(&json, |_| ctx.text.wrote_codes(grouped(rows.len() as u64), code, &json.file) + "\n")
}
