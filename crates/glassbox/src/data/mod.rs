//! Data: from people's own files to rows of numbers, in three parts.
//!
//! [`load`] takes a table, a folder or an archive of images, IDX files or the name of a built-in; what it inferred is
//! in the [`Dataset`]: its [`Schema`], [`Task`] and notices. What is learned from data (scaling,
//! imputation, categories) is fitted on the training part only and is a [`Preparation`], which
//! travels with the model and takes raw rows again.
//!
//! ```
//! use glassbox::data::{self, Options, Task};
//! let iris = data::load("iris", &Options::default())?;
//! assert_eq!(iris.input.shape, [4]);
//! let Task::Classification { classes } = &iris.task else { unreachable!() };
//! assert_eq!(classes, &["setosa", "versicolor", "virginica"]);
//! assert_eq!(iris.train.len() + iris.valid.len() + iris.test.len(), 150);
//! # Ok::<(), data::DataError>(())
//! ```

mod augment;
mod baseline;
mod builder;
mod builtin;
mod cell;
mod cifar;
#[cfg(any(feature = "parquet", feature = "image"))]
mod contained;
mod csv;
mod dataset;
mod date;
mod describe;
mod effects;
mod error;
mod fingerprint;
mod fit;
mod folds;
mod generate;
mod idx;
mod images;
mod jsonl;
mod load;
mod npy;
mod options;
mod parquet;
mod photos;
mod pixels;
mod prepare;
mod raw;
mod records;
mod restore;
mod rows;
mod rules;
mod schema;
mod series;
mod source;
mod split;
mod spool;
mod table;
mod tabular;
mod target;
pub mod text;
mod write;

pub(crate) use augment::BatchMut;
pub use augment::{Augment, Augmenter, Mixed, Scratch, Tones, augment_problems};
pub use baseline::{Baseline, BaselineScore};
pub use builtin::{BUILTINS, builtin, digits, dosage, iris};
pub use dataset::{Dataset, Input};
pub use date::{Cycle, DateOrder};
pub use describe::{
    Bin, ColumnDescription, Description, Duplicates, Frequent, Leak, LeakKind, Numbers,
    TargetDescription, describe,
};
pub use error::{DataError, Place, Problem};
pub use folds::{Fold, Folding, NthFold, k_fold, time_series_folds};
pub use generate::{blobs, circles, grid, lines, moons, ring, spirals, xor};
pub use idx::Idx;
pub use load::{from_csv, is_table, load};
pub use options::{Options, Prepare};
pub(crate) use photos::Photos;
pub use photos::{ImageFacts, Skipped, is_photos};
pub use pixels::{Fit, ImageOptions, Normalization};
pub use prepare::{InputPreparation, Preparation, Prepared, PreparedColumn, Stretch};
pub use raw::RawRows;
pub use restore::Restored;
pub use rows::{Rows, Targets, TargetsMut};
pub use rules::{Columns, Impute, Method, Rule};
pub use schema::{ColumnSchema, Kind, Range, Role, Schema};
pub use series::{Clock, Label, Part, Past, SeriesOptions, SeriesPreparation, Unit, activity};
pub use split::{Split, epoch_order, epoch_order_into, split};
pub use table::{MEMORY, RawTable, is_missing};
pub use target::{Output, Spelling, TargetEncoding, TargetPreparation, Task, Tokens};
pub(crate) use text::Epoch;
pub use text::{
    Arrangement, Documents, Hiding, Sentence, Sentences, TextOptions, TextPreparation, Tokenizer,
    from_sentences, from_text, is_tagged, is_text, sentences,
};
pub(crate) use text::{text_of, unknown as unknown_tokens, whole as read_text};
