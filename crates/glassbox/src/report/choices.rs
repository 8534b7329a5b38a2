//! What the choices of a run mean, each beside its word.

use crate::choices::{Choice, Setting};
use crate::nn::{Activation, Clip, Initial, Optimizer, Schedule};
use crate::report::html::{count, escape, plain};
use crate::report::words::Words;
use crate::train::config::{ClassWeights, Loss, ModelConfig, TrainConfig};
use crate::zoo::Normalize;

/// A value, and below it what it means.
pub(crate) fn noted(value: String, meaning: &str) -> String {
    format!("{value}<span class=\"note\">{meaning}</span>")
}

/// The word of a choice, with the settings that are not its usual ones (but `left_out`).
fn told<C: Choice>(choice: C, left_out: &str) -> String {
    let (mut choice, word) = (choice, choice.word());
    let usual = C::ALL.iter().copied().find(|usual| usual.word() == word);
    let mut usual = usual.unwrap_or(choice);
    let text = |setting: Setting<'_>| match setting {
        Setting::Number(number, _) => plain(*number),
        Setting::Whole(number) => number.to_string(),
        Setting::Flag(flag) => flag.to_string(),
    };
    let own = choice.settings().into_iter().map(|(name, setting)| (name, text(setting)));
    let other: Vec<String> = usual.settings().into_iter().map(|(_, s)| text(s)).collect();
    let differ = own.zip(other).filter(|((name, a), b)| a != b && *name != left_out);
    let settings: Vec<String> =
        differ.map(|((name, value), _)| format!("{} {value}", name.replace('_', " "))).collect();
    let word = word.replace('_', " ");
    match settings.is_empty() {
        true => word,
        false => format!("{word} ({})", settings.join(", ")),
    }
}

/// What a loss measures.
pub(crate) fn meaning_of_loss(w: Words, loss: Loss) -> String {
    match loss {
        Loss::Auto => String::new(),
        Loss::CrossEntropy => w.meaning_loss_cross_entropy(),
        Loss::BinaryCrossEntropy => w.meaning_loss_binary_cross_entropy(),
        Loss::SquaredError => w.meaning_loss_squared_error(),
        Loss::SumOfSquares => w.meaning_loss_sum_of_squares(),
        Loss::AbsoluteError => w.meaning_loss_absolute_error(),
        Loss::Huber { delta } => w.meaning_loss_huber(&plain(delta)),
        Loss::GaussianNll => w.meaning_loss_gaussian_nll(),
        Loss::OfModel => w.meaning_loss_of_model(),
    }
}

fn optimizer(w: Words, optimizer: Optimizer) -> String {
    match optimizer {
        Optimizer::Adam { .. } => w.meaning_adam(),
        Optimizer::AdamW { .. } => w.meaning_adamw(),
        Optimizer::Momentum { .. } => w.meaning_momentum(),
        Optimizer::GradientDescent { .. } => w.meaning_gradient_descent(),
        Optimizer::Adagrad { .. } => w.meaning_adagrad(),
        Optimizer::RmsProp { .. } => w.meaning_rmsprop(),
    }
}

fn schedule(w: Words, schedule: Schedule) -> String {
    match schedule {
        Schedule::Constant => w.meaning_constant(),
        Schedule::Cosine => w.meaning_cosine(),
        Schedule::Linear { hold: 0.0 } => w.meaning_linear(),
        Schedule::Linear { hold } => w.meaning_held(&plain(100.0 * hold)),
        Schedule::Step { every, factor } => w.meaning_step(&every.to_string(), &plain(factor)),
        Schedule::Exponential { factor } => w.meaning_exponential(&plain(factor)),
        Schedule::OneCycle { .. } => w.meaning_one_cycle(),
        Schedule::Plateau { factor, patience } => {
            w.meaning_plateau(&plain(factor), &patience.to_string())
        }
    }
}

fn activation(w: Words, activation: Activation) -> String {
    match activation {
        Activation::Relu => w.meaning_relu(),
        Activation::Relu6 => w.meaning_relu6(),
        Activation::Tanh => w.meaning_tanh(),
        Activation::Sigmoid => w.meaning_sigmoid(),
        Activation::Softplus => w.meaning_softplus(),
        Activation::LeakyRelu { slope } => w.meaning_leaky_relu(&plain(slope)),
        Activation::Elu { alpha } => w.meaning_elu(&plain(alpha)),
        Activation::Selu => w.meaning_selu(),
        Activation::Gelu { .. } => w.meaning_gelu(),
        Activation::Silu => w.meaning_silu(),
        Activation::Step => w.meaning_threshold(),
        Activation::Identity => w.meaning_identity(),
    }
}

fn initial(w: Words, initial: Initial) -> String {
    match initial {
        Initial::He | Initial::HeUniform => w.meaning_he(),
        Initial::HeOut => w.meaning_he_out(),
        Initial::Xavier | Initial::XavierNormal => w.meaning_xavier(),
        Initial::Lecun | Initial::LecunUniform => w.meaning_lecun(),
        Initial::Pytorch => w.meaning_pytorch(),
        Initial::Normal { .. } | Initial::Uniform { .. } => w.meaning_given_width(),
        Initial::Orthogonal { .. } => w.meaning_orthogonal(),
        Initial::Constant { .. } | Initial::Zeros => w.meaning_all_the_same(),
    }
}

/// Loss, optimiser and schedule.
pub(crate) fn of_training(w: Words, train: &TrainConfig) -> Vec<(String, String)> {
    let by = format!("{}, {}", told(train.optimizer, "lr"), w.rate(&plain(train.optimizer.lr())));
    let mut facts = vec![
        (w.name_loss(), noted(told(train.loss, ""), &meaning_of_loss(w, train.loss))),
        (w.optimizer(), noted(by, &optimizer(w, train.optimizer))),
        (w.schedule(), noted(told(train.schedule, ""), &schedule(w, train.schedule))),
    ];
    let chosen = train.optimizers.iter().map(|chosen| {
        let how = told(chosen.optimizer, "lr");
        let by = format!("{how}, {}", w.rate(&plain(chosen.optimizer.lr())));
        (w.optimizer_of(&escape(&chosen.paths)), noted(by, &optimizer(w, chosen.optimizer)))
    });
    facts.splice(2..2, chosen);
    facts
}

/// What else acts on the training; only what was asked for.
pub(crate) fn of_care(
    w: Words,
    train: &TrainConfig,
    model: &ModelConfig,
    weight: Option<&str>,
) -> Vec<(String, String)> {
    let mut facts = Vec::new();
    let mut say = |name: String, value: String, meaning: String| {
        facts.push((name, noted(value, &meaning)));
    };
    if train.l1 > 0.0 {
        say(w.l1(), plain(train.l1), w.meaning_l1());
    }
    if train.l2 > 0.0 {
        say(w.l2(), plain(train.l2), w.meaning_l2());
    }
    if model.dropout > 0.0 {
        say(w.dropout(), plain(model.dropout), w.meaning_dropout());
    }
    match model.normalize {
        Normalize::None => {}
        Normalize::Batch => say(w.normalize(), "batch".into(), w.meaning_batch_norm()),
        Normalize::Layer => say(w.normalize(), "layer".into(), w.meaning_layer_norm()),
    }
    if model.skip {
        say(w.skip(), w.yes(), w.meaning_skip());
    }
    if train.label_smoothing > 0.0 {
        say(w.label_smoothing(), plain(train.label_smoothing), w.meaning_label_smoothing());
    }
    match &train.class_weights {
        ClassWeights::None => {}
        ClassWeights::Balanced => {
            say(w.class_weights(), w.balanced(), w.meaning_balanced());
        }
        ClassWeights::Given(weights) => {
            let weights: Vec<String> = weights.iter().map(|weight| plain(*weight)).collect();
            say(w.class_weights(), weights.join(", "), w.meaning_class_weights());
        }
    }
    if let Some(column) = weight {
        say(w.row_weights(), escape(column), w.meaning_row_weights());
    }
    match train.clip {
        None => {}
        Some(Clip::Norm(most)) => say(w.clip(), w.norm(&plain(most)), w.meaning_clip_norm()),
        Some(Clip::Value(most)) => say(w.clip(), w.value(&plain(most)), w.meaning_clip_value()),
    }
    if train.accumulate > 1 {
        say(w.accumulate(), count(train.accumulate as usize), w.meaning_accumulate());
    }
    if let Some(decay) = train.average {
        say(w.average(), plain(decay), w.meaning_average());
    }
    if train.warmup > 0 {
        say(w.warmup(), count(train.warmup as usize), w.meaning_warmup());
    }
    if !train.freeze.is_empty() {
        say(w.freeze(), escape(&train.freeze.join(", ")), w.meaning_freeze());
    }
    facts
}

/// Activation and starting weights of a perceptron.
pub(crate) fn of_units(w: Words, model: &ModelConfig) -> Vec<(String, String)> {
    let start = model.initial();
    vec![
        (w.activation(), noted(told(model.activation, ""), &activation(w, model.activation))),
        (w.initial(), noted(told(start, ""), &initial(w, start))),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No two kinds may share a meaning, and none may lack it.
    fn all_differ(texts: impl Iterator<Item = String>, how_many: usize) {
        let texts: std::collections::BTreeSet<String> = texts.filter(|t| !t.is_empty()).collect();
        assert_eq!(texts.len(), how_many, "{texts:?}");
    }

    #[test]
    fn every_kind_has_a_meaning_of_its_own() {
        let w = Words::English;
        all_differ(Loss::ALL.iter().map(|loss| meaning_of_loss(w, *loss)), Loss::ALL.len() - 1);
        all_differ(Optimizer::ALL.iter().map(|o| optimizer(w, *o)), Optimizer::ALL.len());
        all_differ(Schedule::ALL.iter().map(|s| schedule(w, *s)), Schedule::ALL.len());
        all_differ(Activation::ALL.iter().map(|a| activation(w, *a)), Activation::ALL.len());
        assert!(Initial::ALL.iter().all(|i| !initial(w, *i).is_empty()));
    }

    #[test]
    fn settings_that_are_not_the_usual_ones_are_told() {
        assert_eq!(told(Activation::Elu { alpha: 1.0 }, ""), "elu");
        assert_eq!(told(Activation::LeakyRelu { slope: 0.3 }, ""), "leaky relu (slope 0.3)");
        let adam = Optimizer::ADAM.with_lr(0.1).with_weight_decay(0.01);
        assert_eq!(told(adam, "lr"), "adam (weight decay 0.01)");
    }
}
