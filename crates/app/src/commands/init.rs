//! `glassbox init WHAT`

use std::path::PathBuf;

use clap::Args;
use glassbox::io::atomic;
use glassbox::train::summary::{Structure, Total};
use serde::Serialize;

use crate::commands::asked::{Asked, Training};
use crate::context::Context;
use crate::error::AppError;
use crate::terminal::{grouped, quoted};

#[derive(Args)]
pub struct InitArgs {
    #[command(flatten)]
    pub asked: Asked,
    #[arg(long, value_name = "FILE", default_value = "run.toml", hide_default_value = true)]
    pub out: PathBuf,
    #[arg(long)]
    pub force: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Json<'a> {
    file: String,
    model: &'a str,
    parameters: Total,
    /// What is predicted; none of word vectors, which predict nothing.
    target: Option<String>,
    rows: Rows,
}

#[derive(Serialize)]
struct Rows {
    train: usize,
    valid: usize,
    test: usize,
}

pub fn run(args: &InitArgs, ctx: &Context) -> Result<(), AppError> {
    let file = args.out.display().to_string();
    if args.out.is_dir() {
        return Err(AppError::failed(ctx.text.is_a_folder(&file)));
    }
    if args.out.exists() && !args.force {
        return Err(AppError::failed(ctx.text.there_already(&file)));
    }
    let (config, model, target, rows) = match args.asked.training()? {
        Training::Network(job) => {
            let data = &job.data;
            let rows =
                Rows { train: data.train.len(), valid: data.valid.len(), test: data.test.len() };
            let target = data.preparation.target.name.clone();
            let mut config = job.config.clone();
            if data.schema.is_some() {
                // What was inferred is written down, to be seen and changed.
                config.data.target.get_or_insert_with(|| target.clone());
            }
            (config, Structure::of(&job)?, Some(target), rows)
        }
        Training::Words(job) => {
            let rows = Rows { train: job.corpus.total as usize, valid: 0, test: 0 };
            (job.config.clone(), job.structure()?, None, rows)
        }
    };
    atomic::write(&args.out, config.to_toml().as_bytes())?;
    let train = grouped(rows.train as u64);
    let words = config.is_of_words();
    let json = Json { file, model: &model.model, parameters: model.total, target, rows };
    ctx.print(&json, |_| {
        let parameters = ctx.text.parameters(grouped(model.total.count as u64));
        let written = match words {
            true => ctx.text.wrote_config_of_words(&json.file, json.model, parameters, train),
            false => ctx.text.wrote_config(&json.file, json.model, parameters, train),
        };
        // The path may hold what a shell would take apart.
        let next = ctx.text.train_with(quoted(&json.file));
        format!("{written}\n{next}\n")
    })
}
