//! Reading `[[model.layer]]`: a network of one's own.

use super::load::{Section, expected, share, text, texts, whole, word};
use super::model::units;
use super::source::{Located, Place, Value};
use super::{Activation, Layer, LayerKind};
use crate::nn::Initial;
use crate::zoo::Network;

/// Every kind of layer, with what its settings begin with.
fn kinds() -> Vec<LayerKind> {
    vec![
        LayerKind::Linear { units: 1, initial: None },
        LayerKind::Conv {
            channels: 1,
            size: 3,
            stride: 1,
            padding: None,
            groups: 1,
            initial: None,
        },
        LayerKind::MaxPool { size: 2, stride: None, padding: 0 },
        LayerKind::AveragePool { size: 2, stride: None, padding: 0 },
        LayerKind::GlobalAveragePool,
        LayerKind::Activation { activation: Activation::Relu },
        LayerKind::Dropout { rate: 0.5 },
        LayerKind::BatchNorm,
        LayerKind::LayerNorm,
        LayerKind::Reshape { shape: Vec::new() },
        LayerKind::Flatten,
        LayerKind::Add,
        LayerKind::Concatenate,
    ]
}

pub(super) fn read(model: &mut Section, default: &[Layer]) -> Vec<Layer> {
    let absent = !model.table.contains_key("layer");
    let tables = model.take("layer", Vec::new(), |value| match value {
        Value::List(items) => Ok(items.clone()),
        other => expected("[[model.layer]] tables", other),
    });
    if absent {
        return default.to_vec();
    }
    let mut layers = Vec::new();
    let mut places: Vec<Place> = Vec::new();
    let problems = model.found.borrow().len();
    for Located { place, value } in tables {
        let Value::Table(table) = value else {
            let message = format!("`model.layer`: expected a table, found {}", value.describe());
            model.report(&place, message);
            continue;
        };
        let path = "model.layer";
        let section = Section { path, table, keys: Vec::new(), found: model.found };
        layers.extend(layer(section, &place));
        places.push(place);
    }
    // Names are only worth checking where every layer was read.
    if model.found.borrow().len() == problems {
        for problem in Network::check_names(&layers) {
            let message = format!("`model.layer`: {}", problem.message);
            model.report(&places[problem.layer], message);
        }
    }
    layers
}

/// A whole number of at least `least`.
fn number_of(section: &mut Section, key: &'static str, default: usize, least: u64) -> usize {
    section.take(key, default, |value| whole(value, least).map(|n| n as usize))
}

fn layer(mut section: Section, place: &Place) -> Option<Layer> {
    let kinds = kinds();
    let words: Vec<&'static str> = kinds.iter().map(LayerKind::word).collect();
    let problems = section.found.borrow().len();
    if !section.table.contains_key("kind") {
        let message = format!("`model.layer`: `kind` is missing: one of {}", words.join(", "));
        section.report(place, message);
        return None;
    }
    let chosen = section.take("kind", words[0], |value| word(value, &words, |word| word));
    if section.found.borrow().len() > problems {
        // The other settings cannot be judged.
        return None;
    }
    let need = |section: &Section, key: &str| {
        if !section.table.contains_key(key) {
            let message = format!("`model.layer`: a {chosen} layer needs `{key}`");
            section.report(place, message);
        }
    };
    let mut kind = kinds.into_iter().find(|kind| kind.word() == chosen)?;
    match &mut kind {
        LayerKind::Linear { units, initial } => {
            need(&section, "units");
            *units = section.take("units", *units, |value| whole(value, 1).map(|n| n as usize));
            if section.table.contains_key("initial") {
                *initial = Some(section.choice("initial", "model.layer.initial", Initial::He));
            }
            section.keys.push("initial");
        }
        LayerKind::Conv { channels, size, stride, padding, groups, initial } => {
            need(&section, "channels");
            need(&section, "size");
            for (key, number) in
                [("channels", channels), ("size", size), ("stride", stride), ("groups", groups)]
            {
                *number = number_of(&mut section, key, *number, 1);
            }
            if section.table.contains_key("padding") {
                *padding = Some(number_of(&mut section, "padding", 0, 0));
            }
            if section.table.contains_key("initial") {
                *initial = Some(section.choice("initial", "model.layer.initial", Initial::He));
            }
            section.keys.extend(["padding", "initial"]);
        }
        LayerKind::MaxPool { size, stride, padding }
        | LayerKind::AveragePool { size, stride, padding } => {
            need(&section, "size");
            *size = number_of(&mut section, "size", *size, 1);
            if section.table.contains_key("stride") {
                *stride = Some(number_of(&mut section, "stride", 1, 1));
            }
            *padding = number_of(&mut section, "padding", 0, 0);
            section.keys.push("stride");
        }
        LayerKind::Activation { activation } => {
            need(&section, "activation");
            *activation = section.choice("activation", "model.layer.activation", *activation);
        }
        LayerKind::Dropout { rate } => {
            need(&section, "rate");
            *rate = section.take("rate", *rate, share);
        }
        LayerKind::Reshape { shape } => {
            need(&section, "shape");
            *shape = section.take("shape", Vec::new(), units);
        }
        LayerKind::GlobalAveragePool
        | LayerKind::BatchNorm
        | LayerKind::LayerNorm
        | LayerKind::Flatten
        | LayerKind::Add
        | LayerKind::Concatenate => {}
    }
    let name = section.take("name", None, |value| text(value).map(Some));
    let from = section.take("from", Vec::new(), texts);
    section.finish();
    Some(Layer { kind, name, from })
}
