//! The command line: verbs, flags, help in two languages, exit codes.

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use clap::{ArgAction, Args, Command, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::commands::rows::{anomaly, decode, encode, interpolate, restore};
#[cfg(feature = "image")]
use crate::commands::see;
use crate::commands::{
    analogy, bench, compare, completions, data, eval, explain, export, generate, init, inspect,
    lesson, models, neighbours, plan, predict, profile, resume, runs, summary, train,
};
use crate::context::Context;
use crate::error::AppError;
use crate::terminal::width;
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
    Data(data::DataArgs),
    Init(init::InitArgs),
    Resume(resume::ResumeArgs),
    Eval(eval::EvalArgs),
    Predict(predict::PredictArgs),
    Generate(generate::GenerateArgs),
    Encode(encode::EncodeArgs),
    Decode(decode::DecodeArgs),
    Interpolate(interpolate::InterpolateArgs),
    Restore(restore::RestoreArgs),
    Anomaly(anomaly::AnomalyArgs),
    Neighbours(neighbours::NeighboursArgs),
    Analogy(analogy::AnalogyArgs),
    Export(export::ExportArgs),
    Summary(summary::SummaryArgs),
    Explain(explain::ExplainArgs),
    #[cfg(feature = "image")]
    See(see::SeeArgs),
    Inspect(inspect::InspectArgs),
    Lesson(lesson::LessonArgs),
    Plan(plan::PlanArgs),
    Profile(profile::ProfileArgs),
    Compare(compare::CompareArgs),
    Models(models::ModelsArgs),
    Runs(runs::RunsArgs),
    Bench(bench::BenchArgs),
    Completions(completions::CompletionsArgs),
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

/// Each problem on a line of its own; what is indented belongs to the line above. A mistake in a
/// model says itself what it is: `error[shape]: …`.
fn print_error(error: &AppError, text: Text) {
    for line in error.to_string().lines().filter(|line| !line.is_empty()) {
        let whole = line.starts_with(' ') || line.starts_with("error[");
        let line = if whole { line.to_owned() } else { text.error(line) };
        let _ = writeln!(std::io::stderr(), "{line}");
    }
}

fn run(cli: Cli, text: Text) -> Result<(), AppError> {
    let context = Context { text, global: cli.global };
    match &cli.verb {
        Verb::Train(args) => train::run(args, &context),
        Verb::Data(args) => data::run(args, &context),
        Verb::Init(args) => init::run(args, &context),
        Verb::Resume(args) => resume::run(args, &context),
        Verb::Eval(args) => eval::run(args, &context),
        Verb::Predict(args) => predict::run(args, &context),
        Verb::Generate(args) => generate::run(args, &context),
        Verb::Encode(args) => encode::run(args, &context),
        Verb::Decode(args) => decode::run(args, &context),
        Verb::Interpolate(args) => interpolate::run(args, &context),
        Verb::Restore(args) => restore::run(args, &context),
        Verb::Anomaly(args) => anomaly::run(args, &context),
        Verb::Neighbours(args) => neighbours::run(args, &context),
        Verb::Analogy(args) => analogy::run(args, &context),
        Verb::Export(args) => export::run(args, &context),
        Verb::Summary(args) => summary::run(args, &context),
        Verb::Explain(args) => explain::run(args, &context),
        #[cfg(feature = "image")]
        Verb::See(args) => see::run(args, &context),
        Verb::Inspect(args) => inspect::run(args, &context),
        Verb::Lesson(args) => lesson::run(args, &context),
        Verb::Plan(args) => plan::run(args, &context),
        Verb::Profile(args) => profile::run(args, &context),
        Verb::Compare(args) => compare::run(args, &context),
        Verb::Models(args) => models::run(args, &context),
        Verb::Runs(args) => runs::run(args, &context),
        Verb::Bench(args) => bench::run(args, &context),
        Verb::Completions(args) => completions::run(args, &context),
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
    command
}

fn in_language(command: Command, verb: &str, text: Text) -> Command {
    let words = |argument: &str| help::help(text.lang, verb, argument).unwrap_or_default();
    let global = verb.is_empty();
    let (usage, flags) = (text.heading_usage(), text.heading_flags());
    let globals: Vec<_> = GlobalArgs::augment_args(Command::new(""))
        .get_arguments()
        .map(|arg| arg.get_id().clone())
        .collect();
    // Only where there is a model to be chosen are the flags so many that they want headings.
    let many = command.get_arguments().any(|arg| arg.get_id() == "model");
    // A verb's own flags come first in its help, then those of all verbs.
    let mut order = if global { 100 } else { 0 };
    let command = command.about(words("")).mut_args(|arg| {
        order += 1;
        let help = words(arg.get_id().as_str());
        let heading = match help::heading(text.lang, arg.get_id().as_str()) {
            _ if arg.is_positional() => text.heading_arguments(),
            _ if globals.contains(arg.get_id()) => text.heading_every_verb(),
            Some(heading) if many => heading.to_owned(),
            _ => flags.clone(),
        };
        let help = help.replace("{words}", &help::words(arg.get_id().as_str()));
        arg.help(help).help_heading(heading).display_order(order)
    });
    let examples = examples(verb, text);
    if global {
        let (verbs, every) = (verbs(text), text.heading_every_verb());
        let end = text.help_of_a_verb();
        let form = format!(
            "{{about}}\n\n{examples}{verbs}{every}:\n{{options}}\n\n{usage}: {{usage}}\n{end}\n"
        );
        return command.subcommand_required(true).subcommand_value_name("VERB").help_template(form);
    }
    command.help_template(format!("{{about}}\n\n{examples}{usage}: {{usage}}\n\n{{all-args}}\n"))
}

/// The verb's command lines that do what they say.
fn examples(verb: &str, text: Text) -> String {
    let of_verb = help::EXAMPLES.iter().filter(|(of, ..)| *of == verb);
    let rows: Vec<_> = of_verb
        .map(|&(_, line, english, korean)| (line, help::in_lang(text.lang, english, korean)))
        .collect();
    format!("{}:\n{}\n", text.heading_examples(), two_columns(&rows))
}

/// The verbs by what one wants to do, each with its sentence.
fn verbs(text: Text) -> String {
    let about = |verb: &&'static str| (*verb, help::help(text.lang, verb, "").unwrap_or_default());
    let all = || help::VERBS.iter().flat_map(|(_, _, verbs)| verbs.iter());
    let lines = two_columns(&all().map(about).collect::<Vec<_>>());
    let mut lines = lines.lines();
    let group = |(english, korean, verbs): &(&'static str, &'static str, &[&str])| {
        let heading = help::in_lang(text.lang, english, korean);
        let lines: String =
            lines.by_ref().take(verbs.len()).map(|line| format!("{line}\n")).collect();
        format!("{heading}:\n{lines}\n")
    };
    help::VERBS.iter().map(group).collect()
}

/// Lines of two texts, the second in a column of its own.
fn two_columns(rows: &[(&str, &str)]) -> String {
    let commented = rows.iter().filter(|(_, comment)| !comment.is_empty());
    let widest = commented.map(|(line, _)| width(line)).max().unwrap_or(0);
    let line = |(line, comment): &(&str, &str)| {
        let space = " ".repeat(widest.saturating_sub(width(line)));
        format!("{}\n", format!("  {line}{space}  {comment}").trim_end())
    };
    rows.iter().map(line).collect()
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
        let mut used = std::collections::BTreeSet::new();
        let commands = std::iter::once(&cli).chain(cli.get_subcommands());
        for (verb, command) in
            commands.map(|c| (if c.get_name() == "glassbox" { "" } else { c.get_name() }, c))
        {
            used.insert(verb.to_owned());
            assert!(help::help(Lang::English, verb, "").is_some(), "{verb}");
            for arg in command.get_arguments() {
                let id = arg.get_id().as_str();
                assert!(help::help(Lang::English, verb, id).is_some(), "{verb}.{id}");
                let own = format!("{verb}.{id}");
                let has_own = help::HELP.iter().any(|(key, _, _)| *key == own);
                used.insert(if has_own { own } else { format!(".{id}") });
            }
        }
        let known: std::collections::BTreeSet<String> =
            help::HELP.iter().map(|(key, _, _)| (*key).into()).collect();
        assert_eq!(known, used);
    }

    #[test]
    fn every_verb_has_examples_and_one_place_in_the_help() {
        let cli = Cli::command();
        let mut verbs: Vec<&str> = cli.get_subcommands().map(Command::get_name).collect();
        let mut placed: Vec<&str> =
            help::VERBS.iter().flat_map(|(_, _, verbs)| verbs.iter().copied()).collect();
        verbs.sort_unstable();
        placed.sort_unstable();
        assert_eq!(verbs, placed);
        for verb in verbs {
            let count = help::EXAMPLES.iter().filter(|(of, ..)| *of == verb).count();
            assert!((1..=5).contains(&count), "{verb}: {count} examples");
        }
        for (verb, line, ..) in help::EXAMPLES {
            assert!(line.starts_with(&format!("glassbox {verb}")), "{line}");
        }
    }
}
