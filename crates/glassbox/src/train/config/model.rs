//! Reading `[model]`.

use std::collections::BTreeMap;

use super::load::{
    Section, bounded, expected, flag, not_negative, portion, positive, share, whole, word,
};
use super::source::{Place, Value};
use super::{
    Alignment, Choices, Likelihood, ModelConfig, ModelKind, Named, Normalize, Numbers, Positions,
    RunConfig, Sizes, layers,
};
use crate::choices::Bound;
use crate::nearest::listed;
use crate::nn::Initial;
use crate::word2vec::Architecture;

pub(super) fn read(mut section: Section, default: &ModelConfig) -> ModelConfig {
    let place = |section: &Section, key: &str| section.table.get(key).map(|at| at.place.clone());
    let (kind_at, layers_at) = (place(&section, "kind"), place(&section, "layer"));
    let layers = layers::read(&mut section, &default.layers);
    let kind =
        section.take("kind", None, |v| word(v, &ModelKind::all(), ModelKind::word).map(Some));
    // Of a file and a setting beside it the setting holds.
    let outdone = matches!((&kind_at, &layers_at), (Some(Place::Line(_)), Some(Place::Setting(_))));
    let kind = match kind.filter(|_| !outdone) {
        Some(kind) => kind,
        None if !layers.is_empty() => ModelKind::Network,
        None => default.kind,
    };
    match (kind, &kind_at, &layers_at) {
        (ModelKind::Network, Some(place), _) if layers.is_empty() => {
            let message = "`model.kind = \"network\"` needs layers: [[model.layer]] tables";
            section.report(place, message.into());
        }
        (ModelKind::Mlp | ModelKind::Named(_), Some(place @ Place::Line(_)), Some(_)) => {
            let message = format!(
                "`model.kind = \"{kind}\"` has no [[model.layer]]: leave `kind` out, or say \
                 \"network\""
            );
            section.report(place, message);
        }
        _ => {}
    }
    if let ModelKind::Named(named) = kind {
        return read_named(section, named, default);
    }
    only_of_named(&mut section, kind);
    let plain = RunConfig::new("").model;
    let network = kind == ModelKind::Network;
    if network && let Some(Place::Line(_)) = layers_at {
        for key in OF_MLP {
            if let Some(place @ Place::Line(_)) = place(&section, key) {
                let message = format!(
                    "`model.{key}` is an option of mlp: a network's layers stand in [[model.layer]]"
                );
                section.report(&place, message);
            }
        }
    }
    let default = if network {
        &ModelConfig { parameters: default.parameters.clone(), ..plain }
    } else {
        default
    };
    let read = ModelConfig {
        kind,
        hidden: section.take("hidden", default.hidden.clone(), units),
        activation: section.choice("activation", "model.activation", default.activation),
        initial: match section.table.contains_key("initial") {
            true => {
                let default = default.initial.unwrap_or(Initial::He);
                Some(section.choice("initial", "model.initial", default))
            }
            false => section.take("initial", default.initial, |_| Ok(default.initial)),
        },
        normalize: section
            .take("normalize", default.normalize, |v| word(v, Normalize::ALL, |w| w.word())),
        dropout: section.take("dropout", default.dropout, share),
        skip: section.take("skip", default.skip, flag),
        choices: plain.choices,
        published: None,
        layers: if network { layers } else { Vec::new() },
        parameters: parameters(&mut section, default),
    };
    section.finish();
    match network {
        true => ModelConfig {
            kind,
            layers: read.layers,
            parameters: read.parameters,
            ..default.clone()
        },
        false => read,
    }
}

/// A named model, with the choices that its family understands.
fn read_named(mut section: Section, named: Named, default: &ModelConfig) -> ModelConfig {
    let family = named.family;
    for key in OF_MLP.into_iter().chain(Choices::NAMES) {
        let foreign = !family.options.contains(&key);
        let Some(located) = foreign.then(|| section.table.remove(key)).flatten() else { continue };
        let (word, options) = (named.word(), listed(family.options));
        let message = format!("`model.{key}` is no option of {word}, which has {options}");
        section.report(&located.place, message);
    }
    let plain = RunConfig::new("").model;
    let same = default.kind == ModelKind::Named(named);
    let begin = if same { default.choices } else { family.defaults };
    let read = ModelConfig {
        kind: ModelKind::Named(named),
        choices: choices(&mut section, family.options, begin),
        published: default.published.clone(),
        parameters: parameters(&mut section, default),
        ..plain
    };
    section.finish();
    read
}

/// These choices, the others as they were.
fn choices(section: &mut Section, options: &[&str], begin: Choices) -> Choices {
    let mut read = begin;
    for option in options {
        match *option {
            "activation" => {
                read.activation = section.choice("activation", "model.activation", read.activation);
            }
            "normalize" => {
                let of = |value: &Value| word(value, Normalize::ALL, Normalize::word);
                read.normalize = section.take("normalize", read.normalize, of);
            }
            "dropout" => read.dropout = section.take("dropout", read.dropout, share),
            "skip" => read.skip = section.take("skip", read.skip, flag),
            "pre_activation" => {
                read.pre_activation = section.take("pre_activation", read.pre_activation, flag);
            }
            "auxiliary" => read.auxiliary = section.take("auxiliary", read.auxiliary, flag),
            "stochastic_depth" => {
                let rate = section.take("stochastic_depth", read.stochastic_depth, share);
                read.stochastic_depth = rate;
            }
            "width" => read.width = section.take("width", read.width, positive),
            "patch" => {
                let of = |value: &Value| whole(value, 1).map(|pixels| pixels as usize);
                read.patch = section.take("patch", read.patch, of);
            }
            "units" => read.units = section.take("units", read.units, count),
            "layers" => read.layers = section.take("layers", read.layers, count),
            "heads" => read.heads = section.take("heads", read.heads, count),
            "bidirectional" => {
                read.bidirectional = section.take("bidirectional", read.bidirectional, flag);
            }
            "positions" => {
                let of = |value: &Value| word(value, Positions::ALL, Positions::word);
                read.positions = section.take("positions", read.positions, of);
            }
            "tied" => read.tied = section.take("tied", read.tied, flag),
            "attention" => {
                let of = |value: &Value| word(value, Alignment::ALL, Alignment::word);
                read.attention = section.take("attention", read.attention, of);
            }
            "teacher_forcing" => {
                read.teacher_forcing =
                    section.take("teacher_forcing", read.teacher_forcing, portion);
            }
            "encoder" => read.encoder = section.take("encoder", read.encoder, sizes),
            "decoder" => read.decoder = section.take("decoder", read.decoder, sizes),
            "code" => read.code = section.take("code", read.code, count),
            "likelihood" => {
                let of = |value: &Value| word(value, Likelihood::ALL, Likelihood::word);
                read.likelihood = section.take("likelihood", read.likelihood, of);
            }
            "beta" => read.beta = section.take("beta", read.beta, not_negative),
            "kl_warmup" => {
                let of = |value: &Value| whole(value, 0).map(|steps| steps as usize);
                read.kl_warmup = section.take("kl_warmup", read.kl_warmup, of);
            }
            "free_bits" => {
                read.free_bits = section.take("free_bits", read.free_bits, not_negative);
            }
            "conditional" => {
                read.conditional = section.take("conditional", read.conditional, flag);
            }
            "noise" => read.noise = section.take("noise", read.noise, not_negative),
            "mask" => read.mask = section.take("mask", read.mask, share),
            "sparsity" => read.sparsity = section.take("sparsity", read.sparsity, not_negative),
            "bounded" => read.bounded = section.take("bounded", read.bounded, flag),
            "smoothing" => read.smoothing = section.take("smoothing", read.smoothing, share),
            "spectral" => read.spectral = section.take("spectral", read.spectral, flag),
            "critic_steps" => {
                read.critic_steps = section.take("critic_steps", read.critic_steps, count);
            }
            "penalty" => read.penalty = section.take("penalty", read.penalty, not_negative),
            "architecture" => {
                let of = |value: &Value| word(value, Architecture::ALL, Architecture::word);
                read.architecture = section.take("architecture", read.architecture, of);
            }
            "dimensions" => {
                read.dimensions = section.take("dimensions", read.dimensions, count);
            }
            "window" => read.window = section.take("window", read.window, count),
            "negative" => read.negative = section.take("negative", read.negative, count),
            "min_count" => {
                read.min_count = section.take("min_count", read.min_count, |v| whole(v, 1));
            }
            "sample" => {
                let of = |value: &Value| bounded(value, Bound::NotNegative);
                read.sample = section.take("sample", read.sample, of);
            }
            _ => {}
        }
    }
    read
}

fn sizes(value: &Value) -> Result<Sizes, String> {
    Sizes::from_list(&units(value)?)
}

fn count(value: &Value) -> Result<usize, String> {
    whole(value, 1).map(|count| count as usize)
}

/// Reports choices that only named models have, of another kind.
fn only_of_named(section: &mut Section, kind: ModelKind) {
    for key in Choices::NAMES.into_iter().filter(|key| !OF_MLP.contains(key)) {
        if let Some(located) = section.table.remove(key) {
            let has = |named: &Named| named.family.options.contains(&key);
            let owners: Vec<&str> = Named::all().filter(has).map(Named::word).collect();
            let owners = listed(&owners);
            let message = format!("`model.{key}` is an option of {owners}, not of {kind}");
            section.report(&located.place, message);
        }
    }
}

/// The settings that only an MLP has, or a named model that says so.
pub(super) const OF_MLP: [&str; 6] =
    ["hidden", "activation", "initial", "normalize", "dropout", "skip"];

fn parameters(model: &mut Section, default: &ModelConfig) -> BTreeMap<String, Numbers> {
    let absent = !model.table.contains_key("parameters");
    let given = model.section("parameters", "model.parameters");
    let mut parameters = if absent { default.parameters.clone() } else { BTreeMap::new() };
    for (path, located) in &given.table {
        match starting_values(&located.value) {
            Ok(numbers) => drop(parameters.insert(path.clone(), numbers)),
            Err(problem) => {
                given.report(&located.place, format!("`model.parameters.\"{path}\"`: {problem}"));
            }
        }
    }
    parameters
}

fn starting_values(value: &Value) -> Result<Numbers, String> {
    let numbers = value.numbers()?;
    let array = numbers.to_array(glassbox_engine::DType::F64)?;
    match array.to_f64().iter().find(|&&number| !(number as f32).is_finite()) {
        None => Ok(numbers),
        Some(number) => {
            Err(format!("{number:?} is not a 32-bit float that a model can start from"))
        }
    }
}

pub(super) fn units(value: &Value) -> Result<Vec<usize>, String> {
    let unit = |value: &Value| whole(value, 1).map(|units| units as usize);
    match value {
        Value::List(items) => items.iter().map(|item| unit(&item.value)).collect(),
        Value::Whole(_) => Ok(vec![unit(value)?]),
        other => expected("a list of units, such as [32, 16]", other),
    }
}
