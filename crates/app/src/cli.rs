//! The command line: verbs, flags, help in two languages, exit codes.

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use clap::{ArgAction, Args, Command, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::commands::{eval, explain, predict, resume, summary, train};
use crate::context::Context;
use crate::error::AppError;
use crate::text::{Lang, Text, help};
use crate::usage;

// The help of every flag stands in `text/help.rs`, in both languages; doc comments on fields would
// be a second, English-only copy, so there are none.

#[derive(Parser)]
#[command(name = "glassbox", version, disable_help_subcommand = true)]
#[command(disable_help_flag = true, disable_version_flag = true)]
pub struct Cli {
    #[command(flatten)]
    pub global: GlobalArgs,
    #[command(subcommand)]
    pub verb: Verb,
}

#[derive(Args, Clone, Debug)]
pub struct GlobalArgs {
    #[arg(long, global = true)]
    pub json: bool,
    #[arg(long, global = true)]
    pub quiet: bool,
    #[arg(long, global = true, value_name = "LANG", value_parser = Lang::CODES, hide_possible_values = true)]
    pub lang: Option<String>,
    #[arg(long, short = 'h', global = true, action = ArgAction::Help)]
    pub help: Option<bool>,
    #[arg(long, short = 'V', action = ArgAction::Version)]
    pub version: Option<bool>,
}

#[derive(Subcommand)]
pub enum Verb {
    Train(train::TrainArgs),
    Resume(resume::ResumeArgs),
    Eval(eval::EvalArgs),
    Predict(predict::PredictArgs),
    Summary(summary::SummaryArgs),
    Explain(explain::ExplainArgs),
}

/// Runs the program on the process's arguments and gives its exit code: 0 done, 1 failed, 2 wrong
/// usage.
pub fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let words: Vec<String> = arguments.iter().map(|a| a.to_string_lossy().into_owned()).collect();
    let text = Text::new(Lang::choose(&words, |name| std::env::var(name).ok()));
    let done = match command(text).try_get_matches_from(arguments) {
        Ok(matches) => Cli::from_arg_matches(&matches)
            .map_err(|error| AppError::usage(error.to_string()))
            .and_then(|cli| run(cli, text)),
        Err(error) if !error.use_stderr() => {
            let _ = error.print(); // Help or version; a closed pipe is no failure.
            Ok(())
        }
        Err(error) => Err(usage::in_words(&error, text, &words)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            print_error(&error, text);
            error.exit_code()
        }
    }
}

/// Each problem on a line of its own; what is indented belongs to the line above.
fn print_error(error: &AppError, text: Text) {
    for line in error.to_string().lines() {
        let line = if line.starts_with(' ') { line.to_owned() } else { text.error(line) };
        let _ = writeln!(std::io::stderr(), "{line}");
    }
}

fn run(cli: Cli, text: Text) -> Result<(), AppError> {
    let context = Context { text, global: cli.global };
    match &cli.verb {
        Verb::Train(args) => train::run(args, &context),
        Verb::Resume(args) => resume::run(args, &context),
        Verb::Eval(args) => eval::run(args, &context),
        Verb::Predict(args) => predict::run(args, &context),
        Verb::Summary(args) => summary::run(args, &context),
        Verb::Explain(args) => explain::run(args, &context),
    }
}

/// The command line with its help in the language of `text`.
pub fn command(text: Text) -> Command {
    let mut command = in_language(Cli::command(), "", text);
    let verbs: Vec<String> =
        command.get_subcommands().map(|verb| verb.get_name().to_owned()).collect();
    for name in verbs {
        command = command.mut_subcommand(&name, |verb| in_language(verb, &name, text));
    }
    command.subcommand_help_heading(text.heading_verbs())
}

fn in_language(command: Command, verb: &str, text: Text) -> Command {
    let words = |key: &str| help::help(text.lang, key).unwrap_or_default();
    let global = verb.is_empty();
    let (usage, heading) = (text.heading_usage(), text.heading_flags());
    // A verb's own flags come first in its help, then those of all verbs.
    let mut order = if global { 100 } else { 0 };
    let command = command.about(words(verb)).mut_args(|arg| {
        order += 1;
        let key = format!("{verb}.{}", arg.get_id());
        let heading = if arg.is_positional() { text.heading_arguments() } else { heading.clone() };
        arg.help(words(&key)).help_heading(heading).display_order(order)
    });
    let form = "{about}\n\n".to_owned() + &usage + ": {usage}\n\n{all-args}\n";
    match global {
        true => command.subcommand_required(true).subcommand_value_name("VERB").help_template(form),
        false => command.help_template(form),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verb_and_flag_has_its_help_and_no_help_is_left_over() {
        let cli = Cli::command();
        for lang in [Lang::English, Lang::Korean] {
            command(Text::new(lang)).debug_assert();
        }
        let ids = |command: &Command, verb: &str| {
            let key = |arg: &clap::Arg| format!("{verb}.{}", arg.get_id());
            command.get_arguments().map(key).collect::<Vec<_>>()
        };
        let mut keys = ids(&cli, "");
        keys.push(String::new());
        for verb in cli.get_subcommands() {
            keys.push(verb.get_name().to_owned());
            keys.extend(ids(verb, verb.get_name()));
        }
        keys.sort();
        let mut known: Vec<String> = help::HELP.iter().map(|(key, _, _)| (*key).into()).collect();
        known.sort();
        assert_eq!(keys, known);
    }
}
