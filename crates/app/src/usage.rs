//! Mistakes on the command line, in words and with the nearest valid name.

use clap::Command;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use glassbox::nearest::nearest;

use crate::cli::command;
use crate::error::AppError;
use crate::text::Text;

/// What clap found wrong with `words`, as the program says it.
pub fn in_words(error: &clap::Error, text: Text, words: &[String]) -> AppError {
    let mut command = command(text);
    command.build();
    let verbs: Vec<&str> = command.get_subcommands().map(Command::get_name).collect();
    let verb = words.iter().skip(1).find_map(|word| command.find_subcommand(word));
    let message = describe(error, text, verb.unwrap_or(&command), &verbs);
    let cure = text.see_help(program(verb.unwrap_or(&command)));
    AppError::usage(format!("{message}\n  {cure}"))
}

fn describe(error: &clap::Error, text: Text, verb: &Command, verbs: &[&str]) -> String {
    let argument = context(error, ContextKind::InvalidArg);
    let value = context(error, ContextKind::InvalidValue);
    let mean = |near: Option<&str>| near.map(|near| text.did_you_mean(near)).unwrap_or_default();
    match error.kind() {
        ErrorKind::UnknownArgument if argument.starts_with('-') => {
            let flags: Vec<String> =
                verb.get_arguments().filter_map(|a| Some(format!("--{}", a.get_long()?))).collect();
            let near = nearest(&argument, flags.iter().map(String::as_str));
            text.unknown_flag(&argument, program(verb)) + &mean(near)
        }
        ErrorKind::UnknownArgument => text.unexpected_word(&argument, program(verb)),
        ErrorKind::InvalidSubcommand => {
            let word = context(error, ContextKind::InvalidSubcommand);
            text.unknown_verb(&word) + &mean(nearest(&word, verbs.iter().copied()))
        }
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            text.missing_verb("glassbox train digits")
        }
        ErrorKind::MissingRequiredArgument => text.missing_arguments(argument),
        ErrorKind::InvalidValue if value.is_empty() => text.needs_value(argument),
        ErrorKind::InvalidValue => {
            let valid = context(error, ContextKind::ValidValue);
            text.bad_value(value, argument, text.one_of(valid))
        }
        ErrorKind::ValueValidation => {
            let reason = match () {
                () if argument.contains("ELEMENT") => text.element_form("fc2/bias[3]"),
                () if argument.contains("SECONDS") => text.seconds_of_an_hour(),
                () if argument.contains("COUNT") => text.above_zero(),
                () => text.whole_number(),
            };
            text.bad_value(value, argument, reason)
        }
        ErrorKind::ArgumentConflict if value.is_empty() => {
            let other = context(error, ContextKind::PriorArg);
            match other == argument {
                true => text.given_twice(argument),
                false => text.given_together(argument, other),
            }
        }
        _ => error.to_string().trim_start_matches("error: ").trim_end().to_owned(),
    }
}

/// The program with its verb: `glassbox train`.
fn program(verb: &Command) -> String {
    match verb.get_name() {
        "glassbox" => "glassbox".to_owned(),
        name => format!("glassbox {name}"),
    }
}

fn context(error: &clap::Error, kind: ContextKind) -> String {
    match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.join(", "),
        _ => String::new(),
    }
}
