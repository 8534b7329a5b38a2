use std::fmt;

use crate::graph::{Output, SourceLine};

/// A value that takes part in a mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Party {
    /// What it is called here: `left`, `right`, `input` …
    pub role: &'static str,
    /// Its shape and type.
    pub output: Output,
    /// What it is, e.g. "parameter `mlp/fc1/weight`".
    pub what: String,
    /// Where it was made.
    pub at: SourceLine,
}

/// One mistake in a model, found while it was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The kind of mistake: `shape`, `type`, `scope`, `state`, `graph`.
    pub kind: &'static str,
    /// What is wrong and, where it is known, the cure.
    pub what: String,
    /// The values concerned, with where they came from.
    pub parties: Vec<Party>,
    /// The line that asked for the impossible.
    pub at: SourceLine,
    /// The scopes around it, innermost first: path, and the line that entered it.
    pub scopes: Vec<(String, SourceLine)>,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "error[{}]: {}", self.kind, self.what)?;
        writeln!(f, "  --> {}", self.at)?;
        let shape = |p: &Party| format!("{} {}", p.output.dtype, p.output.shape);
        let width = self.parties.iter().map(|p| shape(p).len()).max().unwrap_or(0);
        // As wide as `right`, or as what is longer.
        let role = self.parties.iter().map(|p| p.role.len()).max().unwrap_or(0).max(5);
        for party in &self.parties {
            writeln!(
                f,
                "   {:>role$}  {:width$}  {} ({})",
                party.role,
                shape(party),
                party.what,
                party.at
            )?;
        }
        for (depth, (path, entered_at)) in self.scopes.iter().enumerate() {
            let preposition = if depth == 0 { "in" } else { "of" };
            writeln!(f, "   {preposition:>role$}  scope `{path}`, entered at {entered_at}")?;
        }
        Ok(())
    }
}

/// All mistakes of a model, collected like a compiler's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for diagnostic in &self.0 {
            writeln!(f, "{diagnostic}")?;
        }
        match self.0.len() {
            1 => write!(f, "1 mistake in the model"),
            n => write!(f, "{n} mistakes in the model"),
        }
    }
}

impl std::error::Error for Diagnostics {}
