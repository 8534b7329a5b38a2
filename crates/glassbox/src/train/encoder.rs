//! Classifiers that begin with the encoder of a model that learned the rows themselves.

use std::path::Path;

use glassbox_engine::{Graph, Parameters};

use crate::data::{InputPreparation, Normalization};
use crate::train::config::{Layer, LayerKind, ModelKind, RunConfig};
use crate::train::folder::RunFolder;
use crate::train::latent::Latent;
use crate::train::run::DataRecord;

/// The scope of an encoder in the models of [`zoo::Autoencoder`](crate::zoo::Autoencoder).
const ENCODER: &str = "encoder/";

/// The run whose model learned the rows themselves, and its configuration; none of other weights.
fn learned(weights: &Path) -> Option<(RunFolder, RunConfig)> {
    if !weights.join("run.toml").is_file() {
        return None;
    }
    let folder = RunFolder::view(weights).ok()?;
    let config = folder.config().ok()?;
    config.model.learns_rows().then_some((folder, config))
}

/// The defaults for data at a path where weights are of a run that has an encoder, and nobody names another
/// model: hidden layers as the encoder has them, by the same names. None of other weights.
pub(crate) fn defaults(path: &str, asked: &RunConfig) -> Option<RunConfig> {
    let weights = asked.train.weights.as_deref().filter(|_| asked.model.kind == ModelKind::Mlp)?;
    let (folder, learned) = learned(weights.as_ref())?;
    let (word, choices) = (learned.model.kind.word(), learned.model.choices);
    let mut config = RunConfig::new(path);
    if let InputPreparation::Pixels { .. } = DataRecord::read(&folder).ok()?.preparation.inputs {
        // Images as the encoder read them.
        config.data.image = learned.data.image;
        config.data.image.normalize.get_or_insert(Normalization::None);
    }
    let model = &mut config.model;
    let asked_for_layers = asked.model.hidden != model.hidden;
    match word {
        "autoencoder" | "vae" => {
            model.hidden = choices.encoder.as_slice().to_vec();
            model.activation = choices.activation;
        }
        "conv-autoencoder" | "conv-vae" if !asked_for_layers => {
            model.kind = ModelKind::Network;
            let half = |&channels: &usize| LayerKind::Conv {
                channels,
                size: 3,
                stride: 2,
                padding: Some(1),
                groups: 1,
                initial: None,
            };
            let activation = LayerKind::Activation { activation: choices.activation };
            let both = |size| [half(size), activation.clone()].map(Layer::new);
            model.layers = choices.encoder.as_slice().iter().flat_map(both).collect();
        }
        _ => return None,
    }
    Some(config)
}

/// The weights of a run by the names that a model has for them: of one that learned the rows themselves, the
/// encoder's are those of a model that has no encoder but the same layers.
pub(crate) fn as_named_by(graph: &Graph, run: &Path, weights: Parameters) -> Parameters {
    let known: Vec<String> = graph.declarations().into_iter().map(|(path, _)| path).collect();
    if known.iter().any(|path| path.starts_with(ENCODER)) || learned(run).is_none() {
        return weights;
    }
    let named = |(path, array): (&str, &glassbox_engine::Array)| {
        let inside = path.strip_prefix(ENCODER).filter(|inside| known.iter().any(|p| p == inside));
        (inside.unwrap_or(path).to_owned(), array.clone())
    };
    weights.iter().map(named).collect()
}

impl Latent {
    /// The weights of the encoder's hidden layers by the names that they have in a model of the same layers
    /// alone (`fc1/weight`, `conv1/bias` …): a classifier may begin with them.
    ///
    /// ```
    /// use glassbox::prelude::*;
    /// use glassbox::zoo::{Autoencoder, Likelihood};
    /// let digits = data::digits();
    /// let model = Autoencoder::new(&[8, 8, 1], 16)
    ///     .encoder(&[64])
    ///     .likelihood(Likelihood::Bernoulli)
    ///     .mask(0.5, 2);
    /// let rows = digits.clone().into_rows::<&str>(&[])?;
    /// let run = Trainer::new(model.clone()).epochs(2).fit(&rows)?;
    /// let encoder = run.latent(model).encoder();
    /// assert_eq!(encoder.iter().map(|(path, _)| path).collect::<Vec<_>>(), ["fc1/bias", "fc1/weight"]);
    /// // From a hundred labels.
    /// let few = digits.learn_from(100, true, 7)?;
    /// let run = Trainer::new(Mlp::new([64, 64, 10])).start_with(encoder).epochs(2).fit(&few)?;
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn encoder(&self) -> Parameters {
        let hidden = |path: &str| path.starts_with("fc") || path.starts_with("conv");
        let of = |(path, array): (&str, &glassbox_engine::Array)| {
            let inside = path.strip_prefix(ENCODER).filter(|inside| hidden(inside))?;
            Some((inside.to_owned(), array.clone()))
        };
        self.values.iter().filter_map(of).collect()
    }
}
