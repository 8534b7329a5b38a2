//! Patterns over the paths of a model: what is frozen, computed again, or moved by an optimiser of its own.

use glassbox_engine::Graph;

use crate::io::pytorch;
use crate::nearest::{listed, suggestion};
use crate::nn::fits;
use crate::train::graphs::Recipe;

impl Recipe<'_> {
    /// Each pattern to compute again must mean a scope of the model.
    pub fn check_recompute(&self, inference: &Graph) -> Result<(), Vec<String>> {
        let scopes = inference.scopes();
        let scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
        let unknown = |pattern: &&String| !scopes.iter().any(|path| fits(pattern, path));
        let problem = |pattern: &String| {
            let hint = suggestion(pattern, "layers", &scopes);
            format!("no layer matches `{pattern}`: {hint}")
        };
        let problems: Vec<String> =
            self.config.recompute.iter().filter(unknown).map(problem).collect();
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    /// Each pattern that chooses parameters must mean one that learns, and no parameter is chosen twice.
    pub fn check_optimizers(&self, training: &Graph) -> Result<(), Vec<String>> {
        let parameters = training.parameters();
        let learning = parameters.iter().map(|(path, _)| path.as_str());
        let paths: Vec<&str> =
            learning.filter(|path| !is_frozen(&self.config.freeze, path)).collect();
        let chosen = &self.config.optimizers;
        let mut problems = Vec::new();
        for chosen in chosen.iter().filter(|chosen| !paths.iter().any(|path| chosen.chooses(path)))
        {
            let hint = suggestion(&chosen.paths, "parameters", &paths);
            problems.push(format!("no parameter that learns matches `{}`: {hint}", chosen.paths));
        }
        for path in paths {
            let of: Vec<&str> =
                chosen.iter().filter(|c| c.chooses(path)).map(|c| c.paths.as_str()).collect();
            if of.len() > 1 {
                problems.push(format!("`{path}` is chosen by {}: leave one out", listed(&of)));
            }
        }
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    /// Each pattern to freeze, or not to, must mean a parameter, and something must be left to learn.
    pub fn check_freeze(&self, training: &Graph) -> Result<(), Vec<String>> {
        let parameters: Vec<String> =
            training.parameters().into_iter().map(|(path, _)| path).collect();
        let paths: Vec<&str> = parameters.iter().map(String::as_str).collect();
        let mut problems = Vec::new();
        for pattern in &self.config.freeze {
            let pattern = meant(pattern);
            if !paths.iter().any(|path| fits(pattern, path)) {
                let hint = suggestion(pattern, "parameters", &paths);
                problems.push(format!("no parameter matches `{pattern}`: {hint}"));
            }
        }
        if !paths.is_empty() && paths.iter().all(|path| is_frozen(&self.config.freeze, path)) {
            problems.push(format!("nothing is left to learn of {}", listed(&paths)));
        }
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }
}

/// The word for every layer but the one that gives the results.
const BODY: &str = "body";
/// Where BERT tells hidden tokens.
const TOLD_BY: &str = "cls/";

/// Patterns in which `body` is written out for a model; where no layer gives its results, `body` is left, which
/// no parameter matches.
pub(crate) fn spelled_out(patterns: &[String], inference: &Graph) -> Vec<String> {
    // Scores by the table that tokens are read from are no layer, but what stands before them may be one.
    let declared = || inference.declarations().into_iter();
    let before =
        || declared().any(|(path, _)| path.starts_with(TOLD_BY)).then(|| TOLD_BY.to_owned());
    let head = pytorch::head_of(inference).or_else(before);
    let written = |pattern: &String| match (pattern.as_str(), &head) {
        (BODY, Some(head)) => vec!["*".to_owned(), format!("!{head}*")],
        _ => vec![pattern.clone()],
    };
    patterns.iter().flat_map(written).collect()
}

/// Whether patterns freeze a path: the last that fits says.
pub(crate) fn is_frozen(patterns: &[String], path: &str) -> bool {
    let last = patterns.iter().rev().find(|pattern| fits(meant(pattern), path));
    last.is_some_and(|pattern| !pattern.starts_with('!'))
}

/// A pattern without the `!` that turns it round.
fn meant(pattern: &str) -> &str {
    pattern.strip_prefix('!').unwrap_or(pattern)
}
