//! Rules of preparation: which columns, what is done to them, and what missing values become.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::error::{DataError, Place, Problems, quoted};
use super::schema::{ColumnSchema, Kind, Role, Schema};
use crate::words::words;

words! {
    /// What is fitted on the training part and applied to a column.
    Method {
        /// (x − mean) / standard deviation.
        Standardize = "standardize",
        /// (x − median) / interquartile range: extreme values do not move it.
        Robust = "robust",
        /// (x − min) / (max − min): the training part lies in 0 to 1.
        MinMax = "min_max",
        /// Standardised, and up to 16 inputs more, one for each part between two quantiles of the
        /// training part: 0 below it, 1 above it, and in between how far through it the number is. A
        /// layer behind them can bend at every quantile (piecewise linear encoding, Gorishniy,
        /// Rubachev and Babenko 2022).
        Piecewise = "piecewise",
        /// One input for each category.
        OneHot = "one_hot",
        /// One input: the place of the category among the sorted ones, from 0 to 1.
        Ordinal = "ordinal",
        /// What the target is on average where the category stands: the share of each class (of the
        /// second, of two), or the mean of the number, the fewer rows the nearer to the overall one
        /// (Micci-Barreca 2001). For categories of many values.
        Target = "target",
        /// As it is.
        None = "none",
    }
}

impl<'de> Deserialize<'de> for Method {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let word = String::deserialize(from)?;
        Method::from_word(&word).ok_or_else(|| serde::de::Error::custom(format!("`{word}`")))
    }
}

/// What becomes of missing values; all but `Drop` and `Constant` are fitted on the training part.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Impute {
    /// The median: of numbers and dates.
    Median,
    /// The mean: of numbers and dates.
    Mean,
    /// The most frequent value, of equally frequent ones the first: of everything.
    MostFrequent,
    /// Rows without a value are left out of the data. A row to be predicted gets the median, or the
    /// most frequent value.
    Drop,
    /// This number: of numbers.
    Constant(f64),
}

impl Impute {
    /// The choices that are words.
    pub const WORDS: [Impute; 4] =
        [Impute::Median, Impute::Mean, Impute::MostFrequent, Impute::Drop];

    /// The word for it; a constant has none.
    pub fn word(self) -> &'static str {
        match self {
            Impute::Median => "median",
            Impute::Mean => "mean",
            Impute::MostFrequent => "most_frequent",
            Impute::Drop => "drop",
            Impute::Constant(_) => "",
        }
    }
}

impl Serialize for Impute {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Impute::Constant(number) => to.serialize_f64(*number),
            word => to.serialize_str(word.word()),
        }
    }
}

impl<'de> Deserialize<'de> for Impute {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Number(f64),
            Word(String),
        }
        match Written::deserialize(from)? {
            Written::Number(number) => Ok(Impute::Constant(number)),
            Written::Word(word) => {
                let known = Impute::WORDS.into_iter().find(|impute| impute.word() == word);
                known.ok_or_else(|| serde::de::Error::custom(format!("`{word}`")))
            }
        }
    }
}

/// The columns that a rule applies to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", from = "String")]
pub enum Columns {
    /// Every column of numbers (the target excepted).
    Numeric,
    /// Every column of categories (the target excepted).
    Category,
    /// The column of this name.
    Named(String),
}

impl Columns {
    /// The word or column name in a configuration.
    pub fn word(&self) -> &str {
        match self {
            Columns::Numeric => "numeric",
            Columns::Category => "category",
            Columns::Named(name) => name,
        }
    }
}

impl From<Columns> for String {
    fn from(columns: Columns) -> String {
        columns.word().to_owned()
    }
}

impl From<String> for Columns {
    fn from(word: String) -> Columns {
        word.as_str().into()
    }
}

impl From<&str> for Columns {
    fn from(word: &str) -> Columns {
        match word {
            "numeric" => Columns::Numeric,
            "category" => Columns::Category,
            name => Columns::Named(name.to_owned()),
        }
    }
}

/// One rule; of several that apply to a column the last one that says something holds.
///
/// ```
/// use glassbox::data::{self, Impute, Method, Options, Rule};
/// let rules = vec![
///     Rule { impute: Some(Impute::Mean), ..Rule::new("numeric", Method::Robust) },
///     Rule::new("petal_width", Method::MinMax),
/// ];
/// let iris = data::load("iris", &Options { rules, ..Options::default() })?;
/// # Ok::<(), data::DataError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// Which columns.
    pub columns: Columns,
    /// What is done to them. None: nothing is said about it.
    pub with: Option<Method>,
    /// What their missing values become. None: nothing is said about it.
    pub impute: Option<Impute>,
    /// Training rows whose number lies more than so many interquartile ranges below the first or above
    /// the third quartile are left out (Tukey 1977 took 1.5, and 3 for what is far out). Rows of the
    /// other parts stay. None: nothing is said about it.
    pub outliers: Option<f64>,
}

impl Rule {
    /// Prepares columns by a method, and says nothing else about them.
    pub fn new(columns: &str, with: Method) -> Self {
        Rule { columns: columns.into(), with: Some(with), impute: None, outliers: None }
    }
}

/// What rules say of one column.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Said {
    pub(super) with: Option<Method>,
    pub(super) impute: Option<Impute>,
    pub(super) outliers: Option<f64>,
}

/// What the rules say of a column.
pub(super) fn said(rules: &[Rule], column: &ColumnSchema) -> Said {
    let mut said = Said::default();
    for rule in rules {
        let applies = match &rule.columns {
            Columns::Numeric => column.kind == Kind::Number && column.role == Role::Input,
            Columns::Category => column.kind == Kind::Category && column.role == Role::Input,
            Columns::Named(name) => *name == column.name,
        };
        if applies {
            said.with = rule.with.or(said.with);
            said.impute = rule.impute.or(said.impute);
            said.outliers = rule.outliers.or(said.outliers);
        }
    }
    said
}

/// Reports rules that name no column, or ask of a column what its kind does not take.
pub(super) fn check(rules: &[Rule], schema: &Schema, file: &str) -> Result<(), DataError> {
    let mut problems = Problems::default();
    let names: Vec<&str> = schema.columns.iter().map(|column| column.name.as_str()).collect();
    for rule in rules {
        let Columns::Named(name) = &rule.columns else { continue };
        if schema.column(name).is_none() {
            let what = format!("`data.prepare`: there is no column {}", quoted(name));
            let cure = crate::nearest::suggestion(name, "columns", &names);
            problems.push(Place::file(file), what, cure);
        }
    }
    for column in &schema.columns {
        if !matches!(column.role, Role::Input | Role::Target) {
            continue;
        }
        let said = said(rules, column);
        let kind = column.kind;
        let (methods, imputes): (&[Method], &[&str]) = match kind {
            Kind::Number if column.role == Role::Input => (
                &[
                    Method::Standardize,
                    Method::Robust,
                    Method::MinMax,
                    Method::Piecewise,
                    Method::None,
                ],
                &["median", "mean", "most_frequent", "drop", "a number"],
            ),
            Kind::Number => (
                &[Method::Standardize, Method::Robust, Method::MinMax, Method::None],
                &["median", "mean", "most_frequent", "drop", "a number"],
            ),
            Kind::Date => (
                &[Method::Standardize, Method::Robust, Method::MinMax, Method::None],
                &["median", "mean", "drop"],
            ),
            Kind::Boolean => (&[Method::None], &["most_frequent", "drop"]),
            _ => (&[Method::OneHot, Method::Ordinal, Method::Target], &["most_frequent", "drop"]),
        };
        let place = || Place::file(file).column(&column.name);
        if let Some(with) = said.with.filter(|with| !methods.contains(with)) {
            let words: Vec<&str> = methods.iter().map(|method| method.word()).collect();
            let what = format!("`{with}` does not suit a {}", kind.word());
            let cure = format!(
                "a {} takes {}; `data.columns` can declare another kind",
                kind.word(),
                words.join(", ")
            );
            problems.push(place(), what, cure);
        }
        let word = said.impute.map(|impute| match impute {
            Impute::Constant(_) => "a number",
            word => word.word(),
        });
        if let Some(word) = word.filter(|word| !imputes.contains(word)) {
            let what = format!("missing values of a {} cannot become {word}", kind.word());
            let cure = format!("`impute` of a {} takes {}", kind.word(), imputes.join(", "));
            problems.push(place(), what, cure);
        }
    }
    problems.finish()
}
