//! Reading `[train]`.

use super::load::{
    Section, amount, bounded, expected, flag, number, positive, share, text, texts, whole, word,
};
use super::source::{Located, Table, Value};
use super::{Augment, ClassWeights, Clip, Resample, Stop, TrainConfig};
use glassbox_engine::Isa;

use crate::choices::Bound;
use crate::nn::{Chosen, Optimizer};

pub(super) fn read(mut section: Section, default: &TrainConfig) -> TrainConfig {
    let not_negative = |value: &Value| bounded(value, Bound::NotNegative);
    let optimizer = section.choice("optimizer", "train.optimizer", default.optimizer);
    let config = TrainConfig {
        epochs: section.take("epochs", default.epochs, |v| whole(v, 1)),
        batch: section.take("batch", default.batch, amount),
        seed: section.take("seed", default.seed, |v| whole(v, 0)),
        loss: section.choice("loss", "train.loss", default.loss),
        label_smoothing: section.take("label_smoothing", default.label_smoothing, share),
        class_weights: section.take("class_weights", default.class_weights.clone(), class_weights),
        resample: section
            .take("resample", default.resample, |v| word(v, Resample::ALL, |w| w.word())),
        augment: augment(&mut section, &default.augment),
        l1: section.take("l1", default.l1, not_negative),
        l2: section.take("l2", default.l2, not_negative),
        optimizer,
        optimizers: optimizers(&mut section, optimizer, &default.optimizers),
        schedule: section.choice("schedule", "train.schedule", default.schedule),
        warmup: section.take("warmup", default.warmup, |v| whole(v, 0)),
        clip: clip(&mut section, default.clip),
        accumulate: section.take("accumulate", default.accumulate, |v| whole(v, 1)),
        weights: section.take("weights", default.weights.clone(), |v| text(v).map(Some)),
        freeze: section.take("freeze", default.freeze.clone(), texts),
        recompute: section.take("recompute", default.recompute.clone(), texts),
        average: section.take("average", default.average, |value| match value {
            Value::Flag(false) => Ok(None),
            value => share(value).map(Some),
        }),
        stop: stop(&mut section, &default.stop),
        checkpoint_every: section.take("checkpoint_every", default.checkpoint_every, positive),
        threads: section.take("threads", default.threads, amount),
        instructions: section.take("instructions", default.instructions, instructions),
        exact: section.take("exact", default.exact, flag),
    };
    section.finish();
    config
}

/// `[[train.optimizers]]`: what is left open is as for the other parameters.
fn optimizers(train: &mut Section, all: Optimizer, default: &[Chosen]) -> Vec<Chosen> {
    if !train.table.contains_key("optimizers") {
        train.take("optimizers", (), |_| Ok(()));
        return default.to_vec();
    }
    train.each("optimizers", "train.optimizers", |section, place| {
        if !section.table.contains_key("paths") {
            section.report(place, "`train.optimizers`: `paths` is missing".into());
        }
        let paths = section.take("paths", String::new(), text);
        let rows = section.take("rows", false, flag);
        Chosen { paths, optimizer: section.chosen(all), rows }
    })
}

/// `augment`: words, or `[[train.augment]]` tables with settings, in order.
fn augment(train: &mut Section, default: &[Augment]) -> Vec<Augment> {
    let items = train.take("augment", None, |value| match value {
        Value::List(items) => Ok(Some(items.clone())),
        Value::Text(word) if word == "none" => Ok(Some(Vec::new())),
        other => {
            expected("a list such as [\"flip\", \"crop\"], or [[train.augment]] tables", other)
        }
    });
    let Some(items) = items else { return default.to_vec() };
    let one = |Located { place, value }: Located| {
        // A word is a table of nothing but its kind.
        let table = match value {
            Value::Table(table) => table,
            value => Table::from([("kind".to_owned(), Located { place: place.clone(), value })]),
        };
        let path = "train.augment";
        let mut section = Section { path, table, keys: Vec::new(), found: train.found };
        if !section.table.contains_key("kind") {
            let kinds = Augment::ALL.iter().map(|kind| kind.word()).collect::<Vec<_>>().join(", ");
            section.report(&place, format!("`{path}`: `kind` is missing: one of {kinds}"));
        }
        let chosen = section.chosen(Augment::ALL[0]);
        section.finish();
        chosen
    };
    items.into_iter().map(one).collect()
}

fn instructions(value: &Value) -> Result<Option<Isa>, String> {
    let known = Isa::ALL.map(|isa| format!("\"{isa}\"")).join(", ");
    match value {
        Value::Text(word) if word == "auto" => Ok(None),
        Value::Text(word) if word.parse::<Isa>().is_ok() => Ok(word.parse().ok()),
        other => expected(&format!("\"auto\" or one of {known}"), other),
    }
}

fn class_weights(value: &Value) -> Result<ClassWeights, String> {
    let wanted = "\"balanced\", \"none\" or a list of numbers above 0, one for each class";
    match value {
        Value::Text(word) if word == "balanced" => Ok(ClassWeights::Balanced),
        Value::Text(word) if word == "none" => Ok(ClassWeights::None),
        Value::List(items) => {
            let weight = |value: &Value| number(value).filter(|w| *w > 0.0 && w.is_finite());
            let weights: Option<Vec<f64>> = items.iter().map(|item| weight(&item.value)).collect();
            match weights {
                Some(weights) if weights.len() >= 2 => Ok(ClassWeights::Given(weights)),
                _ => Err(format!("expected {wanted}")),
            }
        }
        other => expected(wanted, other),
    }
}

/// `clip = false` leaves gradients as they are.
fn clip(train: &mut Section, default: Option<Clip>) -> Option<Clip> {
    let place = match train.table.get("clip") {
        Some(located) if matches!(located.value, Value::Table(_)) => located.place.clone(),
        _ => {
            return train.take("clip", default, |value| match value {
                Value::Flag(false) => Ok(None),
                other => expected("{ norm = 1.0 } or { value = 0.5 }", other),
            });
        }
    };
    let mut section = train.section("clip", "train.clip");
    let norm = section.take("norm", None, |value| positive(value).map(Some));
    let value = section.take("value", None, |value| positive(value).map(Some));
    if norm.is_some() && value.is_some() {
        let message = "`train.clip` takes either `norm` or `value`: leave one out";
        section.report(&place, message.into());
    }
    section.finish();
    norm.map(Clip::Norm).or(value.map(Clip::Value))
}

fn stop(train: &mut Section, default: &Option<Stop>) -> Option<Stop> {
    // `stop = false` runs every epoch.
    let chosen = match train.table.get("stop") {
        None => Some(default.clone()),
        Some(located) => matches!(located.value, Value::Flag(false)).then_some(None),
    };
    if let Some(chosen) = chosen {
        train.take("stop", (), |_| Ok(()));
        return chosen;
    }
    let mut section = train.section("stop", "train.stop");
    let stop = Stop {
        metric: section.take("metric", "valid_loss".to_owned(), text),
        patience: section.take("patience", 5, |value| whole(value, 1)),
    };
    section.finish();
    Some(stop)
}
