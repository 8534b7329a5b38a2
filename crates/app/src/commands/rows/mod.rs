//! Verbs of models that learn the rows themselves: what they share.

pub mod anomaly;
pub mod decode;
pub mod encode;
pub mod generate;
pub mod interpolate;
pub mod restore;
#[cfg(feature = "image")]
pub mod see;

use std::path::{Path, PathBuf};

use glassbox::Latent;
use glassbox::data::{Dataset, Rows};
use glassbox::io::{FileError, atomic};
use glassbox::train::KnownRows;
use glassbox::train::folder::RunFolder;

use crate::context::Context;
use crate::error::AppError;

/// A run of such a model.
pub struct RowsRun {
    pub path: PathBuf,
    pub folder: RunFolder,
    pub latent: Latent,
}

impl RowsRun {
    pub fn load(run: &str, ctx: &Context) -> Result<Self, AppError> {
        let path = ctx.run_path(run)?;
        let latent = Latent::load(&path)?;
        ctx.warn_of_checkpoints(latent.warnings());
        Ok(RowsRun { folder: RunFolder::view(&path)?, path, latent })
    }

    /// Whether the model of a run is one.
    pub fn is_one(path: &Path) -> Result<bool, AppError> {
        let config = RunFolder::view(path)?.config()?;
        Ok(config.model.learns_rows())
    }

    /// The run's data.
    pub fn data(&self) -> Result<Dataset, AppError> {
        Ok(Latent::data_of(&self.path)?)
    }

    /// The rows of files, or those of the last part of the run's data that has some.
    pub fn rows(&self, files: &[PathBuf], most: usize) -> Result<KnownRows, AppError> {
        if !files.is_empty() {
            return Ok(self.latent.rows_of_files(files)?);
        }
        Ok(KnownRows::of(RowsRun::held_out(&self.data()?), most)?)
    }

    /// The last part of some data that has rows.
    pub fn held_out(data: &Dataset) -> &Rows {
        let parts = [&data.test, &data.valid, &data.train];
        parts.into_iter().find(|part| !part.is_empty()).unwrap_or(&data.train)
    }

    /// The labels of rows, where the model is told of classes.
    pub fn labels(&self, rows: &KnownRows, ctx: &Context) -> Result<Option<Vec<i64>>, AppError> {
        if self.latent.told_classes().is_empty() {
            return Ok(None);
        }
        match rows.all_labels() {
            Some(labels) => Ok(Some(labels)),
            None => Err(AppError::failed(ctx.text.rows_need_classes())),
        }
    }

    /// The label of a class by its name.
    pub fn label(&self, class: &str, ctx: &Context) -> Result<i64, AppError> {
        let classes = self.latent.told_classes();
        match classes.iter().position(|name| name == class) {
            Some(label) => Ok(label as i64),
            None if classes.is_empty() => Err(AppError::usage(ctx.text.not_told_of_classes())),
            None => Err(AppError::usage(ctx.text.no_such_class(class, classes.join(", ")))),
        }
    }

    /// Where a verb writes: where it is told to, else among the run's samples.
    pub fn out(&self, asked: Option<&PathBuf>, name: &str) -> Result<PathBuf, AppError> {
        if let Some(path) = asked {
            return Ok(path.clone());
        }
        let samples = self.folder.file("samples");
        std::fs::create_dir_all(&samples)
            .map_err(|error| FileError::new(&samples, format_args!("cannot create: {error}")))?;
        Ok(samples.join(name))
    }

    /// Whether rows are images that can be drawn.
    pub fn draws(&self) -> bool {
        self.latent.shape().len() == 3 && cfg!(feature = "image")
    }

    /// Writes rows `[rows, …]`: a sheet of pictures where they are images and the file is no table, else a
    /// table in the units of the source.
    pub fn write(
        &self,
        path: &Path,
        title: &str,
        rows: &[f32],
        captions: &[String],
        columns: usize,
    ) -> Result<(), AppError> {
        #[cfg(feature = "image")]
        if path.extension().is_some_and(|ending| ending == "png")
            && let Some(pictures) =
                glassbox::report::RowPictures::of(self.latent.preparation(), columns)
        {
            return Ok(pictures.sheet(title, rows, captions, columns)?.write(path)?);
        }
        let _ = (title, captions, columns);
        let restored = self.latent.preparation().restore(rows);
        let head = csv_line(&restored.names);
        let lines: String = restored.rows.iter().map(|row| csv_line(row)).collect();
        Ok(atomic::write(path, (head + &lines).as_bytes())?)
    }

    /// The ending of files of rows.
    pub fn ending(&self) -> &'static str {
        if self.draws() { "png" } else { "csv" }
    }
}

/// A line of a table.
pub fn csv_line<T: AsRef<str>>(cells: &[T]) -> String {
    let quoted = |cell: &T| {
        let cell = cell.as_ref();
        match cell.contains([',', '"', '\n', '\r']) {
            true => format!("\"{}\"", cell.replace('"', "\"\"")),
            false => cell.to_owned(),
        }
    };
    cells.iter().map(quoted).collect::<Vec<_>>().join(",") + "\n"
}
