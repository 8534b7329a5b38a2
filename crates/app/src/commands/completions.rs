//! `glassbox completions SHELL`

use clap::Args;
use clap_complete::{Shell, generate};
use serde::Serialize;

use crate::cli::command;
use crate::context::Context;
use crate::error::AppError;

#[derive(Args)]
pub struct CompletionsArgs {
    #[arg(value_name = "SHELL", hide_possible_values = true)]
    pub shell: Shell,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Json {
    shell: String,
    script: String,
}

pub fn run(args: &CompletionsArgs, ctx: &Context) -> Result<(), AppError> {
    let mut script = Vec::new();
    generate(args.shell, &mut command(ctx.text), "glassbox", &mut script);
    let script = String::from_utf8(script).map_err(AppError::failed)?;
    let json = Json { shell: args.shell.to_string(), script };
    ctx.print(&json, |_| json.script.clone())
}
