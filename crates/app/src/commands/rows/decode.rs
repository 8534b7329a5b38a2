//! `glassbox decode RUN CODES`

use std::path::PathBuf;

use clap::Args;
use glassbox::data::RawTable;
use serde::Serialize;

use super::RowsRun;
use crate::context::Context;
use crate::error::AppError;
use crate::terminal::grouped;

#[derive(Args)]
pub struct DecodeArgs {
    #[arg(value_name = "RUN")]
    pub run: String,
    #[arg(value_name = "CODES")]
    pub codes: PathBuf,
    #[arg(long, value_name = "FILE")]
    pub out_file: Option<PathBuf>,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Json {
    run: String,
    rows: usize,
    file: String,
}

pub fn run(args: &DecodeArgs, ctx: &Context) -> Result<(), AppError> {
    let run = RowsRun::load(&args.run, ctx)?;
    let table = RawTable::from_path(&args.codes).map_err(glassbox::Error::from)?;
    let code = run.latent.code();
    let columns: Vec<Option<usize>> =
        (1..=code).map(|number| table.column(&format!("z{number}"))).collect();
    let file = args.codes.display();
    let missing: Vec<String> = (1..)
        .zip(&columns)
        .filter(|(_, column)| column.is_none())
        .map(|(number, _)| format!("z{number}"))
        .collect();
    if !missing.is_empty() {
        let missing = missing.join(", ");
        return Err(AppError::failed(ctx.text.columns_of_codes(file, missing, code)));
    }
    let mut codes = Vec::with_capacity(table.rows() * code);
    for row in 0..table.rows() {
        for column in columns.iter().flatten() {
            let number = table.number(row, *column).ok_or_else(|| {
                AppError::failed(ctx.text.code_is_no_number(file.to_string(), row + 1))
            })?;
            codes.push(number as f32);
        }
    }
    let classes = run.latent.told_classes();
    let labels: Option<Vec<i64>> = match (classes.is_empty(), table.column("class")) {
        (true, _) => None,
        (false, None) => return Err(AppError::failed(ctx.text.rows_need_classes())),
        (false, Some(column)) => {
            let label = |row: usize| run.label(&table.value(row, column).unwrap_or_default(), ctx);
            Some((0..table.rows()).map(label).collect::<Result<_, _>>()?)
        }
    };
    let rows = run.latent.decode(&codes, labels.as_deref())?;
    let path = run.out(args.out_file.as_ref(), &format!("decoded.{}", run.ending()))?;
    run.write(&path, &ctx.text.title_decoded(), &rows, &[], 10)?;
    let file = path.display().to_string();
    let json = Json { run: run.path.display().to_string(), rows: table.rows(), file };
    ctx.print(&json, |_| ctx.text.wrote_rows(grouped(json.rows as u64), &json.file) + "\n")
}
