use std::fmt;

/// What is wrong with some data: every problem at once, each with its place and its cure.
///
/// ```
/// use glassbox::data::{Options, from_csv};
/// let text = "width,kind\n1,a\n2\n3,b,c\n";
/// let error = from_csv("flowers.csv", text.as_bytes(), &Options::default()).unwrap_err();
/// assert_eq!(error.problems().len(), 2);
/// assert_eq!(error.problems()[0].place.line, Some(3));
/// assert!(error.to_string().contains("flowers.csv, line 3: 1 field, but the header has 2"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataError {
    problems: Vec<Problem>,
    more: usize,
}

/// One thing that is wrong: where, what, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where it is.
    pub place: Place,
    /// What was found there, and what was expected.
    pub what: String,
    /// What to do about it.
    pub cure: String,
}

/// Where in the data: as much as is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The file or source, as it was named by the user.
    pub file: Option<String>,
    /// The line in the file, from 1 (the header's line counts).
    pub line: Option<u64>,
    /// The name of the column.
    pub column: Option<String>,
}

impl Place {
    /// Somewhere in a file.
    pub fn file(name: impl Into<String>) -> Self {
        Place { file: Some(name.into()), ..Place::default() }
    }

    /// The same file, at this line (from 1).
    pub fn line(mut self, line: u64) -> Self {
        self.line = Some(line);
        self
    }

    /// The same file, in this column.
    pub fn column(mut self, name: impl Into<String>) -> Self {
        self.column = Some(name.into());
        self
    }

    /// Whether nothing is known of the place.
    fn is_unknown(&self) -> bool {
        self.file.is_none() && self.line.is_none() && self.column.is_none()
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        parts.extend(self.file.clone());
        parts.extend(self.line.map(|line| format!("line {line}")));
        parts.extend(self.column.as_ref().map(|column| format!("column `{column}`")));
        f.write_str(&parts.join(", "))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.place.is_unknown() {
            write!(f, "{}: ", self.place)?;
        }
        f.write_str(&self.what)?;
        if !self.cure.is_empty() {
            write!(f, "\n    {}", self.cure)?;
        }
        Ok(())
    }
}

impl DataError {
    /// An error of one problem.
    pub fn new(place: Place, what: impl Into<String>, cure: impl Into<String>) -> Self {
        let problem = Problem { place, what: what.into(), cure: cure.into() };
        DataError { problems: vec![problem], more: 0 }
    }

    /// The problems, in the order in which they stand in the data (the first 20 of them).
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// How many more problems there are than those listed.
    pub fn more(&self) -> usize {
        self.more
    }
}

impl fmt::Display for DataError {
    /// Each problem on a line, its cure indented below where it differs from the one before.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.problems.iter().enumerate() {
            if i > 0 {
                writeln!(f)?;
            }
            // The cure of a run of like problems is said once, below the last of them.
            let same_below = self.problems.get(i + 1).is_some_and(|next| next.cure == problem.cure);
            if same_below {
                let bare = Problem { cure: String::new(), ..problem.clone() };
                write!(f, "{bare}")?;
            } else {
                write!(f, "{problem}")?;
            }
        }
        if self.more > 0 {
            write!(f, "\nand {} more", self.more)?;
        }
        Ok(())
    }
}

impl std::error::Error for DataError {}

/// Collects problems while reading goes on; keeps the first 20 and counts the others.
#[derive(Default)]
pub(crate) struct Problems {
    listed: Vec<Problem>,
    more: usize,
}

impl Problems {
    /// How many problems an error lists.
    const LISTED: usize = 20;

    pub(crate) fn push(&mut self, place: Place, what: impl Into<String>, cure: impl Into<String>) {
        if self.listed.len() < Self::LISTED {
            self.listed.push(Problem { place, what: what.into(), cure: cure.into() });
        } else {
            self.more += 1;
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.listed.is_empty()
    }

    /// Takes over the problems of another error.
    pub(crate) fn extend(&mut self, error: DataError) {
        self.append(Problems { listed: error.problems, more: error.more });
    }

    /// Takes over problems that were collected apart.
    pub(crate) fn append(&mut self, others: Problems) {
        for problem in others.listed {
            self.push(problem.place, problem.what, problem.cure);
        }
        self.more += others.more;
    }

    /// Ok where there are none, else all of them.
    pub(crate) fn finish(self) -> Result<(), DataError> {
        match self.listed.is_empty() {
            true => Ok(()),
            false => Err(DataError { problems: self.listed, more: self.more }),
        }
    }
}

/// `1 row`, `2 rows`: a count and its noun.
pub(crate) fn count(n: usize, noun: &str) -> String {
    match (n, noun.strip_suffix('y'), noun.ends_with('s')) {
        (1, _, _) => format!("1 {noun}"),
        (_, Some(stem), _) if !stem.ends_with(['a', 'e', 'o']) => format!("{n} {stem}ies"),
        (_, _, true) => format!("{n} {noun}es"),
        _ => format!("{n} {noun}s"),
    }
}

/// A value of a cell for a message: at most 40 characters of it, in backquotes.
pub(crate) fn quoted(value: &str) -> String {
    match value.char_indices().nth(40) {
        Some((end, _)) => format!("`{}…`", &value[..end]),
        None => format!("`{value}`"),
    }
}
