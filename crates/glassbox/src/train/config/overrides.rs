//! `--set optimizer.lr=0.03`: values given beside a configuration file.

use super::model::OF_MLP;
use super::source::{Located, Place, Table, Value, parse_setting};
use super::{Choices, ConfigProblem};
use crate::nearest::nearest;

/// Every setting, by its full path.
pub(super) const SETTINGS: &[&str] = &[
    "data.path",
    "data.target",
    "data.weight",
    "data.memory",
    "data.strict",
    "data.image",
    "data.image.size",
    "data.image.channels",
    "data.image.fit",
    "data.image.normalize",
    "data.text",
    "data.text.tokenizer",
    "data.text.vocabulary",
    "data.text.context",
    "data.text.lower",
    "data.text.documents",
    "data.text.column",
    "data.series",
    "data.series.time",
    "data.series.group",
    "data.series.horizon",
    "data.series.window",
    "data.series.stride",
    "data.series.season",
    "data.series.label",
    "data.series.past",
    "data.series.from_last",
    "data.series.calendar",
    "data.drop",
    "data.without",
    "data.columns",
    "data.split",
    "data.split.valid",
    "data.split.test",
    "data.split.train",
    "data.split.stratify",
    "data.split.fold",
    "data.prepare",
    "model.kind",
    "model.hidden",
    "model.activation",
    "model.activation.kind",
    "model.activation.slope",
    "model.activation.alpha",
    "model.activation.approximate",
    "model.initial",
    "model.initial.kind",
    "model.initial.gain",
    "model.initial.deviation",
    "model.initial.bound",
    "model.initial.value",
    "model.normalize",
    "model.dropout",
    "model.skip",
    "model.pre_activation",
    "model.auxiliary",
    "model.stochastic_depth",
    "model.width",
    "model.patch",
    "model.units",
    "model.layers",
    "model.heads",
    "model.bidirectional",
    "model.positions",
    "model.tied",
    "model.attention",
    "model.teacher_forcing",
    "model.encoder",
    "model.decoder",
    "model.code",
    "model.likelihood",
    "model.beta",
    "model.kl_warmup",
    "model.free_bits",
    "model.conditional",
    "model.noise",
    "model.mask",
    "model.sparsity",
    "model.bounded",
    "model.smoothing",
    "model.spectral",
    "model.critic_steps",
    "model.penalty",
    "model.architecture",
    "model.dimensions",
    "model.window",
    "model.negative",
    "model.min_count",
    "model.sample",
    "model.layer",
    "model.parameters",
    "train.epochs",
    "train.batch",
    "train.seed",
    "train.loss",
    "train.loss.kind",
    "train.loss.delta",
    "train.label_smoothing",
    "train.class_weights",
    "train.resample",
    "train.augment",
    "train.l1",
    "train.l2",
    "train.optimizer",
    "train.optimizer.kind",
    "train.optimizer.lr",
    "train.optimizer.beta1",
    "train.optimizer.beta2",
    "train.optimizer.epsilon",
    "train.optimizer.momentum",
    "train.optimizer.nesterov",
    "train.optimizer.weight_decay",
    "train.optimizer.lr_decay",
    "train.optimizer.alpha",
    "train.optimizer.centered",
    "train.optimizers",
    "train.schedule",
    "train.schedule.kind",
    "train.schedule.every",
    "train.schedule.factor",
    "train.schedule.rise",
    "train.schedule.patience",
    "train.schedule.hold",
    "train.warmup",
    "train.clip",
    "train.clip.norm",
    "train.clip.value",
    "train.accumulate",
    "train.weights",
    "train.freeze",
    "train.recompute",
    "train.average",
    "train.stop",
    "train.stop.metric",
    "train.stop.patience",
    "train.checkpoint_every",
    "train.threads",
    "train.instructions",
    "train.exact",
    "watch.every",
    "watch.what",
];

/// Puts the overrides into the table, and reports those that name no setting or several.
pub(super) fn apply(table: &mut Table, overrides: &[String]) -> Vec<ConfigProblem> {
    let mut problems = Vec::new();
    for setting in overrides {
        let place = Place::Setting(setting.clone());
        let resolved = match setting.split_once('=') {
            Some((name, text)) => resolve(name.trim()).map(|path| (path, text.trim())),
            None => Err("expected NAME=VALUE, such as optimizer.lr=0.03".to_owned()),
        };
        match resolved {
            Ok((path, text)) => {
                let value = parse_setting(text, setting);
                put(table, &path, Located { place, value });
            }
            Err(message) => problems.push(ConfigProblem { place: place.to_string(), message }),
        }
    }
    problems
}

/// The segments of the one setting that a full or short path names.
fn resolve(name: &str) -> Result<Vec<&str>, String> {
    if let Some((_, parameter)) =
        name.split_once("parameters.").filter(|(before, _)| ["", "model."].contains(before))
    {
        return Ok(vec!["model", "parameters", parameter.trim_matches('"')]);
    }
    let ends = |path: &str| path.strip_suffix(name).is_some_and(|rest| rest.ends_with('.'));
    let matching: Vec<&'static str> = match SETTINGS.iter().find(|path| **path == name) {
        Some(path) => vec![path],
        None => SETTINGS.iter().copied().filter(|path| ends(path)).collect(),
    };
    // `normalize` is the model's, though images have one further in.
    let depth = |path: &&&str| path.matches('.').count();
    let least = matching.iter().map(|path| depth(&path)).min();
    let nearest: Vec<&'static str> =
        matching.iter().copied().filter(|path| Some(depth(&path)) == least).collect();
    match nearest[..] {
        [path] => Ok(path.split('.').collect()),
        [] => Err(unknown(name)),
        _ => Err(format!("`{name}` could be {}: say which", nearest.join(" or "))),
    }
}

fn unknown(name: &str) -> String {
    let tails = |path: &'static str| {
        let segments = name.matches('.').count();
        let start = path.rmatch_indices('.').nth(segments).map_or(0, |(at, _)| at + 1);
        &path[start..]
    };
    match nearest(name, SETTINGS.iter().map(|path| tails(path))) {
        Some(near) => format!("there is no setting `{name}`; did you mean `{near}`?"),
        None => format!("there is no setting `{name}`"),
    }
}

/// Sets a value, making the tables on the way.
fn put(table: &mut Table, path: &[&str], value: Located) {
    match path {
        [] => {}
        [key] => {
            table.insert((*key).to_owned(), value);
        }
        [key, inner @ ..] => {
            let place = value.place.clone();
            let entry = table
                .entry((*key).to_owned())
                .or_insert_with(|| Located { place, value: Value::Table(Table::new()) });
            // A word (`optimizer = "adam"`) or `stop = false` gives way to a table.
            if let Value::Text(kind) = &entry.value {
                let kind = Located { place: entry.place.clone(), value: Value::Text(kind.clone()) };
                entry.value = Value::Table([("kind".to_owned(), kind)].into());
            } else if !matches!(entry.value, Value::Table(_)) {
                entry.value = Value::Table(Table::new());
            }
            if let Value::Table(inside) = &mut entry.value {
                if inner == ["kind"] {
                    // The model's kind stands beside settings that are not its own.
                    let of_model =
                        |name: &str| Choices::NAMES.contains(&name) || OF_MLP.contains(&name);
                    forget_old_kind(inside, &value, |name| *key != "model" || of_model(name));
                }
                // One way of clipping at a time.
                if *key == "clip" {
                    inside.retain(|_, value| matches!(value.place, Place::Setting(_)));
                }
                put(inside, inner, value);
            }
        }
    }
}

/// Another kind of optimizer, schedule … begins from its own defaults: what the file says is for the old one.
fn forget_old_kind(table: &mut Table, kind: &Located, is_of_kind: impl Fn(&str) -> bool) {
    let same = |old: &Located| match (&old.value, &kind.value) {
        (Value::Text(old), Value::Text(new)) => old == new,
        _ => false,
    };
    if !table.get("kind").is_some_and(same) {
        table.retain(|name, value| matches!(value.place, Place::Setting(_)) || !is_of_kind(name));
    }
}

#[cfg(test)]
mod tests {
    use super::{Choices, SETTINGS};
    use crate::choices::Choice;
    use crate::train::config::{Activation, Initial, Loss, Optimizer, Schedule};

    fn check<C: Choice>(path: &str) {
        for &choice in C::ALL {
            for (name, _) in { choice }.settings() {
                let setting = format!("{path}.{name}");
                assert!(SETTINGS.contains(&setting.as_str()), "{setting}");
            }
        }
    }

    #[test]
    fn every_setting_of_every_choice_can_be_set() {
        check::<Activation>("model.activation");
        check::<Initial>("model.initial");
        check::<Loss>("train.loss");
        check::<Optimizer>("train.optimizer");
        check::<Schedule>("train.schedule");
        for name in Choices::NAMES {
            assert!(SETTINGS.contains(&format!("model.{name}").as_str()), "{name}");
        }
    }
}
