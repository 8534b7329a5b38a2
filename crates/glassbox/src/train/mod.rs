//! Training: the configuration, the run folder, checkpoints and events.

pub mod checkpoint;
pub mod config;
pub mod event;
pub mod folder;
pub mod log;
pub mod state;
pub mod summary;

mod buckets;
mod classified;
mod cost;
mod encoder;
pub(crate) mod evaluate;
mod evaluation;
mod figures;
mod filler;
mod fit;
mod forecast;
pub(crate) mod graphs;
pub(crate) mod job;
mod judge;
pub(crate) mod language;
mod latent;
mod latent_use;
mod loader;
mod outcome;
pub(crate) mod patterns;
pub(crate) mod photos;
pub(crate) mod pretrained;
mod resample;
pub(crate) mod run;
pub(crate) mod samples;
mod start;
pub(crate) mod steps;
mod suggest;
mod tags;
mod trained;
mod trainer;
pub(crate) mod translator;
mod writer;

pub use classified::ClassesMade;
pub use evaluation::{Evaluation, Importances};
pub use figures::{
    AtThreshold, ClassDetail, ClassResult, Confused, Coverage, Detail, NumberDetail, Report,
    Residuals, Threshold, Undefined, Worst,
};
pub use filler::{Candidate, Filled, Filler, Hidden};
pub use forecast::{Forecast, Guess, Off, Rolled, StepAhead};
pub use job::Job;
pub use latent::{Codes, Latent, Remade, between};
pub use latent_use::{Anomalies, Damage, Half, KnownRows, OddClass, Repaired};
pub use photos::PhotoPredictions;
pub use pretrained::publish;
pub use resample::Resample;
pub use run::Ended;
pub(crate) use run::{DataRecord, check_weights, graphs_of};
pub use tags::{EntityResult, TaggedSentence, TaggedWord, Tagging};
pub use trained::{Agreement, Model, Prediction, Predictions};
pub use trainer::{Run, Trainer};
pub use translator::{Translation, Translator};
pub use writer::{Text, Writer};
