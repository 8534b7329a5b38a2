//! Measuring a run: on a part of its data, on new rows, column by column.

use std::time::Instant;

use glassbox_engine::Graph;
use serde::Serialize;

use crate::Error;
use crate::data::{InputPreparation, RawTable, Rows, Sentences};
use crate::practice::{Importance, permutation_importance};
use crate::train::evaluate::score;
use crate::train::event::Outcome;
use crate::train::folder::{GraphKind, RunFolder};
use crate::train::job::Job;
use crate::train::trained::Model;

/// A run with its data, to be measured.
///
/// ```no_run
/// use glassbox::train::{Evaluation, folder::RunFolder};
/// let folder = RunFolder::view("runs/last".as_ref())?;
/// let evaluation = Evaluation::of(&folder)?;
/// println!("{:?}", evaluation.on_part("valid")?.metrics);
/// println!("{:?}", evaluation.importance("test", 10, 42)?.columns);
/// # Ok::<(), glassbox::Error>(())
/// ```
pub struct Evaluation<'a> {
    folder: &'a RunFolder,
    job: Job,
    trained: Model,
    positive: Option<String>,
}

/// How much a model goes by each column of its table.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Importances {
    /// Which part was shuffled, e.g. `test`.
    pub split: String,
    /// Rows of that part.
    pub rows: usize,
    /// The figure that drops: `accuracy`, or `r2` of numbers.
    pub figure: &'static str,
    /// The figure with every column as it is.
    pub whole: f64,
    /// Shuffles of each column.
    pub repeats: usize,
    /// The columns, the most important one first.
    pub columns: Vec<Importance>,
}

impl<'a> Evaluation<'a> {
    /// The run in a folder, with its data and its best weights.
    ///
    /// # Errors
    /// A run without a checkpoint, files that are corrupt, data that is gone or has changed since.
    pub fn of(folder: &'a RunFolder) -> Result<Self, Error> {
        let job = Job::of_run(folder)?;
        job.check_data(folder)?;
        let trained = Model::load(folder.path())?;
        Ok(Evaluation { folder, job, trained, positive: None })
    }

    /// See [`Model::warnings`].
    pub fn warnings(&self) -> &[String] {
        self.trained.warnings()
    }

    /// Of two classes the one that is looked for; by default the one with fewer training rows.
    #[must_use]
    pub fn positive(self, class: Option<String>) -> Self {
        Evaluation { positive: class, ..self }
    }

    /// The figures on the part that tells most about new rows: the test part, else the validation
    /// part, else the training part.
    ///
    /// # Errors
    /// A positive class that is not one of two.
    pub fn outcome(&self) -> Result<Outcome, Error> {
        self.on_part(self.job.telling_part().0)
    }

    /// The figures on a part, `train`, `valid` or `test`, and the verdict on the training.
    ///
    /// # Errors
    /// A part of another name or without rows; a positive class that is not one of two.
    pub fn on_part(&self, part: &str) -> Result<Outcome, Error> {
        let started = Instant::now();
        let mut outcome = self.measure(part, self.part(part)?)?;
        let inference: Graph = self.folder.graph(GraphKind::Infer)?;
        outcome.verdict = self.job.verdict(self.folder, &self.trained, &inference)?;
        outcome.seconds = started.elapsed().as_secs_f64();
        Ok(outcome)
    }

    /// The figures on the rows of a table that has the target's column, and what was odd about them.
    ///
    /// # Errors
    /// Columns that are missing, targets that are missing or no class of the model; a positive class
    /// that is not one of two.
    pub fn on_table(&self, table: &RawTable) -> Result<(Outcome, Vec<String>), Error> {
        let started = Instant::now();
        let (rows, warnings) = self.job.data.preparation.rows(table)?;
        let mut outcome = self.measure(table.file(), &rows)?;
        outcome.seconds = started.elapsed().as_secs_f64();
        Ok((outcome, warnings))
    }

    /// The lists of words and of tags that a file to be measured has, where the model tells tags of words.
    pub fn tagged_words(&self) -> Option<[&str; 2]> {
        self.trained.tagged_words()
    }

    /// The figures on sentences whose words have tags, and what was odd about them.
    ///
    /// # Errors
    /// Tags that training never saw, each with its line; a model of something else; a positive class.
    pub fn on_sentences(&self, sentences: &Sentences) -> Result<(Outcome, Vec<String>), Error> {
        let started = Instant::now();
        let (rows, warnings) = self.job.data.preparation.rows_of_sentences(sentences)?;
        let mut outcome = self.measure(sentences.file(), &rows)?;
        outcome.seconds = started.elapsed().as_secs_f64();
        Ok((outcome, warnings))
    }

    /// How much the accuracy (R² of numbers) on a part drops where one column of the table is
    /// shuffled, by [`permutation_importance`]; what a column became (one feature for each category,
    /// a mark for missing values) moves together.
    ///
    /// # Errors
    /// A model that takes no table; a part without rows, or whose numbers are all the same.
    pub fn importance(&self, part: &str, repeats: usize, seed: u64) -> Result<Importances, Error> {
        let InputPreparation::Table { columns } = &self.job.data.preparation.inputs else {
            return Err(Error::new(
                "the model takes no table: importance is told of a table's columns",
            ));
        };
        let rows = self.part(part)?;
        let mut groups = Vec::with_capacity(columns.len());
        let mut first = 0;
        for column in columns {
            let next = first + column.feature_names().len();
            groups.push((column.name().to_owned(), (first..next).collect()));
            first = next;
        }
        let mut matrix = vec![0.0; rows.len() * rows.width()];
        let all: Vec<usize> = (0..rows.len()).collect();
        let figure = match rows.classes() {
            Some(_) => "accuracy",
            None => "r2",
        };
        rows.gather_inputs(&all, &mut matrix)?;
        let mut measure = |matrix: &[f32]| -> Result<f64, Error> {
            let results = self.trained.results_of(matrix)?;
            score(&results, rows, self.job.loss).remove(figure).ok_or_else(|| {
                Error::new("every row of the part has the same number: R² has nothing to explain")
            })
        };
        let whole = measure(&matrix)?;
        let columns =
            permutation_importance(&mut matrix, rows.len(), &groups, repeats, seed, &mut measure)?;
        let split = part.to_owned();
        Ok(Importances { split, rows: rows.len(), figure, whole, repeats, columns })
    }

    /// The name of the part that tells most about new rows.
    pub fn telling_part(&self) -> &'static str {
        self.job.telling_part().0
    }

    fn part(&self, part: &str) -> Result<&Rows, Error> {
        let data = &self.job.data;
        let rows = match part {
            "train" => &data.train,
            "valid" => &data.valid,
            "test" => &data.test,
            other => {
                let hint = crate::nearest::suggestion(other, "parts", &["train", "valid", "test"]);
                return Err(Error::new(format!("there is no part `{other}`: {hint}")));
            }
        };
        match rows.is_empty() {
            true => Err(Error::new(format!("the {part} part of this run has no rows"))),
            false => Ok(rows),
        }
    }

    fn measure(&self, split: &str, rows: &Rows) -> Result<Outcome, Error> {
        let results = self.trained.results(rows)?;
        let positive = self.positive.as_deref();
        self.job.outcome(self.folder, &self.trained, split, (&results, rows), positive)
    }
}
