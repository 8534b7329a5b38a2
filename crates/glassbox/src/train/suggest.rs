//! The choices that suit the data, where nobody made them.

use crate::data::{Augment, Dataset, InputPreparation, PreparedColumn, Task};
use crate::nn::{Activation, Optimizer};
use crate::train::config::{
    Amount, Choices, Clip, ConfigError, Initial, Loss, ModelConfig, ModelKind, Numbers, RunConfig,
    Schedule, Stop,
};
use crate::zoo::{Likelihood, Named, Normalize, Sizes, Takes, Training};

/// Rows from which on numbers of a table are told a net in pieces: fewer do not say where to bend.
const PIECES_FROM: usize = 4_000;
/// The most numbers that a table in pieces may have: 256 MiB.
const PIECES_UP_TO: usize = 1 << 26;

/// Whether numbers of the table should be told a net in pieces: nobody said how to prepare them, and
/// there are enough rows, but not so many that all pieces together are too large.
pub(super) fn gains_by_pieces(data: &Dataset, config: &RunConfig) -> bool {
    let InputPreparation::Table { columns } = &data.preparation.inputs else { return false };
    let number = |column: &&PreparedColumn| matches!(column, PreparedColumn::Number { .. });
    let numbers = columns.iter().filter(number).count();
    let rows = data.train.len() + data.valid.len() + data.test.len();
    let pieces = numbers.saturating_mul(16).saturating_mul(rows);
    config.data.prepare.is_empty()
        && data.train.len() >= PIECES_FROM
        && (1..=PIECES_UP_TO).contains(&pieces)
}

/// How a named model is trained: in one cycle, as its family says, in smaller steps where batches are
/// smaller (Goyal et al. 2017).
fn suggest_named(data: &Dataset, named: Named, config: &mut RunConfig) {
    let Training { optimizer, epochs, label_smoothing } = named.family.training;
    let pixels = data.input.shape.iter().take(2).product::<usize>();
    let most = match pixels {
        0..=4_096 => 128,
        4_097..=16_384 => 64,
        _ => 32,
    };
    // Some steps an epoch at least.
    let batch = (data.train.len() / 16).next_power_of_two().clamp(8, most);
    let share = batch as f64 / 128.0;
    let share = if matches!(optimizer, Optimizer::Momentum { .. }) { share } else { share.sqrt() };
    let train = &mut config.train;
    train.batch = Amount::Exactly(batch);
    // What has learned already moves by less.
    let share = if train.weights.is_some() { share / 10.0 } else { share };
    train.optimizer = optimizer.with_lr(optimizer.lr() * share);
    train.schedule = Schedule::OneCycle { rise: 0.3 };
    train.epochs = epochs;
    if matches!(data.task, Task::Classification { .. }) {
        train.label_smoothing = label_smoothing;
        if data.valid.len() >= 2_000 {
            // Never stops a cycle, but says by what the best epoch is known.
            train.stop = Some(Stop { metric: "valid_accuracy".into(), patience: epochs });
        }
    }
}

/// How a model of text is trained: in one cycle, about as many steps whatever the text's length.
fn suggest_text(data: &Dataset, named: Named, config: &mut RunConfig) {
    let Training { optimizer, epochs, label_smoothing } = named.family.training;
    let train = &mut config.train;
    let rows = data.train.len();
    // About so many tokens a step, and some steps an epoch.
    let most = (TEXT_TOKENS / data.train.width().max(1)).next_power_of_two().clamp(4, 128);
    let labelled = !matches!(data.task, Task::Language { .. });
    let each = if labelled { 32 } else { 16 };
    let batch = (rows / each).next_power_of_two().clamp(4, most);
    train.batch = Amount::Exactly(batch);
    let share = if train.weights.is_some() { 0.1 } else { 1.0 };
    train.optimizer = optimizer.with_lr(optimizer.lr() * share);
    train.schedule = Schedule::OneCycle { rise: 0.1 };
    train.clip = Some(Clip::Norm(1.0));
    let steps = rows.div_ceil(batch).max(1) as u64;
    let pairs = named.family.takes == Takes::Pairs;
    let most = if pairs || labelled { epochs } else { epochs.min(TEXT_EPOCHS) };
    let enough = if labelled { LABELLED_STEPS } else { TEXT_STEPS };
    train.epochs = (enough / steps).clamp(1, most);
    if labelled && !data.valid.is_empty() {
        let patience = (train.epochs / 4).max(3);
        train.stop = Some(Stop { metric: "valid_loss".into(), patience });
    }
    if pairs && !data.valid.is_empty() {
        // On few pairs the loss of what is held back rises long before the words that are told right
        // become fewer.
        train.stop = Some(Stop { metric: "valid_accuracy".into(), patience: train.epochs });
    }
    train.label_smoothing = label_smoothing;
    if let Task::Tags { .. } = data.task {
        // What stands behind a word says as much of it as what stands before.
        config.model.choices.bidirectional = named.family.options.contains(&"bidirectional");
    }
}

/// About so many steps teach a model a text.
const TEXT_STEPS: u64 = 5_000;
/// About so many steps teach a model what texts are called.
const LABELLED_STEPS: u64 = 2_000;
/// A text is read so often at most.
const TEXT_EPOCHS: u64 = 20;
/// Tokens of a step.
const TEXT_TOKENS: usize = 4_096;

/// Numbers of an image up to which a weight for each of them is no waste: 32 × 32 in grey.
const DENSE_UP_TO: usize = 1_024;
/// Pixels up to which an image is seen by the small form of a residual network: 64 × 64.
const SMALL_UP_TO: usize = 4_096;

/// The word of the model that suits the data better than the one for tables: filters over time, of windows
/// and of texts that have a class; a recurrent one, of words that have tags; a residual network, of photos,
/// where what is seen may stand anywhere.
fn suited(data: &Dataset, config: &RunConfig) -> Option<&'static str> {
    if config.model.published.is_some() {
        return None;
    }
    let inputs = &data.preparation.inputs;
    let windows = inputs.series().is_some_and(|series| series.horizon == 0);
    let texts = inputs.text().is_some_and(|text| text.column.is_some());
    match (&data.task, inputs) {
        (Task::Tags { .. }, _) => Some("lstm"),
        _ if windows || texts => Some("convolution"),
        (Task::Rows { .. }, _) => None,
        (_, InputPreparation::Pixels { shape: [height, width, channels], .. })
            if height * width * channels > DENSE_UP_TO =>
        {
            Some(if height * width <= SMALL_UP_TO { "resnet20" } else { "resnet18" })
        }
        _ => None,
    }
}

/// The model, where nobody said which.
pub(super) fn suggest_model(
    data: &Dataset,
    config: &RunConfig,
    configure: &impl Fn(&RunConfig) -> Result<RunConfig, ConfigError>,
) -> ModelConfig {
    let Some(named) = suited(data, config).and_then(Named::from_word) else {
        return config.model.clone();
    };
    let kind = ModelKind::Named(named);
    let choices = named.family.defaults;
    let asked = RunConfig {
        model: ModelConfig { kind, choices, ..config.model.clone() },
        ..config.clone()
    };
    // Who says how many units layers have means the model that has them.
    configure(&asked).map_or_else(|_| config.model.clone(), |config| config.model)
}

/// How a model of windows is trained. A forecast by an mlp without hidden layers is a weighted sum of the
/// past, which begins as "the last value goes on"; it is hard to beat (Zeng et al. 2023).
fn suggest_series(data: &Dataset, forecast: bool, config: &mut RunConfig) {
    let rows = data.train.len();
    let (model, train) = (&mut config.model, &mut config.train);
    let batch = (rows / 8).next_power_of_two().clamp(8, 64);
    train.batch = Amount::Exactly(batch);
    train.schedule = Schedule::Cosine;
    let steps = rows.div_ceil(batch).max(1) as u64;
    let (enough, most, lr) = match model.kind {
        ModelKind::Named(_) => {
            let choices = Choices { units: 32, layers: 1, dropout: 0.0, ..model.choices };
            model.choices = match model.kind.word() {
                "convolution" => Choices { layers: 4, ..choices },
                _ => choices,
            };
            train.clip = Some(Clip::Norm(1.0));
            (SERIES_STEPS, 200, 3e-3)
        }
        ModelKind::Mlp if forecast => {
            model.hidden = Vec::new();
            model.initial = Some(Initial::Zeros);
            (3 * SERIES_STEPS, 2_000, 1e-3)
        }
        ModelKind::Mlp => {
            model.hidden = vec![64, 32];
            (SERIES_STEPS, 200, 1e-3)
        }
        ModelKind::Network => (SERIES_STEPS, 200, 1e-3),
    };
    train.optimizer = Optimizer::ADAM.with_lr(lr);
    train.epochs = (enough / steps).clamp(3, most);
    if !data.valid.is_empty() {
        let patience = (train.epochs / 4).max(3);
        train.stop = Some(Stop { metric: "valid_loss".into(), patience });
    }
}

/// About so many steps teach a model what windows of a series tell.
const SERIES_STEPS: u64 = 3_000;

/// How a model that learns the rows themselves is trained: pixels are taken for probabilities; of a table
/// the code has a third of its numbers.
fn suggest_rows(data: &Dataset, config: &mut RunConfig) {
    let ModelKind::Named(named) = config.model.kind else { return };
    let Training { optimizer, epochs, .. } = named.family.training;
    if named.is_adversarial() {
        return suggest_adversaries(data, named, config);
    }
    let (choices, width) = (&mut config.model.choices, data.train.width());
    if data.preparation.inputs.is_scaled_to_one() {
        choices.likelihood = Likelihood::Bernoulli;
    } else if !matches!(data.preparation.inputs, InputPreparation::Pixels { .. }) {
        let hidden = (2 * width).next_power_of_two().clamp(16, 256);
        choices.encoder = Sizes::of(&[hidden, (hidden / 2).max(8)]);
        choices.code = width.div_ceil(3).clamp(1, 16);
    }
    if named.word().starts_with("conv-") {
        choices.encoder = Sizes::of(&[32, 64]);
    }
    let rows = data.train.len();
    let train = &mut config.train;
    let batch = (rows / 16).next_power_of_two().clamp(8, 128);
    train.batch = Amount::Exactly(batch);
    train.optimizer = optimizer;
    train.schedule = Schedule::Cosine;
    let steps = rows.div_ceil(batch).max(1) as u64;
    train.epochs = (ROWS_STEPS / steps).clamp(epochs, 300);
    if !data.valid.is_empty() {
        let patience = (train.epochs / 5).max(5);
        train.stop = Some(Stop { metric: "valid_loss".into(), patience });
    }
}

/// How adversaries are trained: without an end but the last step.
fn suggest_adversaries(data: &Dataset, named: Named, config: &mut RunConfig) {
    let Training { optimizer, epochs, .. } = named.family.training;
    let (choices, train) = (&mut config.model.choices, &mut config.train);
    let shape = &data.input.shape;
    choices.bounded = data.preparation.inputs.is_scaled_to_one();
    if named.is_convolutional(shape) {
        choices.encoder = Sizes::of(&[64, 128]);
        choices.normalize = Normalize::Batch;
    } else if data.train.width() < 64 {
        choices.encoder = Sizes::of(&[128, 128]);
        choices.code = data.train.width().max(2);
    }
    let rows = data.train.len();
    // A critic learns on parts of a batch.
    let parts = if named.word() == "wgan-gp" { choices.critic_steps } else { 1 };
    let batch = (rows / 16).next_power_of_two().clamp(8, 64) * parts;
    train.batch = Amount::Exactly(batch);
    train.optimizer = optimizer;
    if data.train.width() < 64 {
        // A code of as many numbers, no momentum and a rate that ends at 0 cover points best.
        train.optimizer = Optimizer::Adam {
            lr: 1e-3,
            beta1: 0.0,
            beta2: 0.999,
            epsilon: 1e-8,
            weight_decay: 0.0,
        };
        train.schedule = Schedule::Cosine;
    }
    train.stop = None;
    let steps = rows.div_ceil(batch).max(1) as u64;
    train.epochs = (ADVERSARIES_STEPS / steps).clamp(epochs, 400);
}

/// About so many steps teach adversaries, at least.
const ADVERSARIES_STEPS: u64 = 10_000;

/// About so many steps teach a model what rows look like, at least.
const ROWS_STEPS: u64 = 6_000;

/// The choices that suit the data.
pub(super) fn suggest(data: &Dataset, base: &RunConfig) -> RunConfig {
    let mut config = base.clone();
    let rows = data.train.len();
    if data.source == "dosage" {
        // The textbook's net: one input, two softplus units, one output.
        config.model.hidden = vec![2];
        config.model.activation = Activation::Softplus;
        let row = |values: [f64; 2]| Numbers::Many(values.map(Numbers::One).to_vec());
        let column = |values: [f64; 2]| {
            Numbers::Many(values.map(|v| Numbers::Many(vec![Numbers::One(v)])).to_vec())
        };
        config.model.parameters = [
            ("fc1/weight".to_string(), Numbers::Many(vec![row([2.74, -1.13])])),
            ("fc2/weight".to_string(), column([0.36, 0.63])),
        ]
        .into();
        config.train.epochs = 450;
        config.train.batch = Amount::All;
        config.train.loss = Loss::SumOfSquares;
        config.train.optimizer = Optimizer::GRADIENT_DESCENT.with_lr(0.1);
        return config;
    }
    if let (ModelKind::Named(named), true) =
        (config.model.kind, data.preparation.inputs.text().is_some())
    {
        suggest_text(data, named, &mut config);
        return config;
    }
    if let Some(series) = data.preparation.inputs.series() {
        suggest_series(data, series.horizon > 0, &mut config);
        return config;
    }
    if let Task::Rows { .. } = data.task {
        suggest_rows(data, &mut config);
        return config;
    }
    config.train.augment = suggested(data, config.model.kind);
    if let ModelKind::Named(named) = config.model.kind {
        suggest_named(data, named, &mut config);
        return config;
    }
    let image = matches!(data.preparation.inputs, InputPreparation::Pixels { .. });
    let table = matches!(data.preparation.inputs, InputPreparation::Table { .. });
    config.model.hidden = match rows {
        0..20_000 if image => vec![512, 256],
        _ if image => vec![256, 128],
        PIECES_FROM.. if table => vec![256, 256],
        _ => vec![64, 32],
    };
    if table && (PIECES_FROM..50_000).contains(&rows) {
        // So many weights would learn so few rows by heart.
        config.model.dropout = 0.1;
        config.train.optimizer = Optimizer::ADAMW.with_weight_decay(0.3);
    }
    config.train.batch = Amount::Exactly(match rows {
        0..4_000 => 32,
        4_000..20_000 => 64,
        _ => 128,
    });
    // About ten thousand steps.
    let steps = rows.div_ceil(config.train.batch.of(rows)).max(1) as u64;
    let most = if table { 200 } else { 100 };
    config.train.epochs = (10_000 / steps).clamp(15, most);
    config.train.schedule = Schedule::Cosine;
    if !data.valid.is_empty() {
        // On few rows accuracy is too coarse to choose by.
        let metric = match data.task {
            Task::Classification { .. } if data.valid.len() >= 2_000 => "valid_accuracy",
            _ => "valid_loss",
        };
        let patience = (config.train.epochs / 4).max(8);
        config.train.stop = Some(Stop { metric: metric.into(), patience });
    }
    config
}

/// The augmentation that suits images that a model with convolutions sees: photos in colour are mirrored
/// and moved by an eighth (He et al. 2015, section 4.2), those in grey moved by a fourteenth (two pixels
/// of MNIST's). Digits and letters must not be mirrored, and a dense net does not look for the same thing
/// elsewhere.
fn suggested(data: &Dataset, model: ModelKind) -> Vec<Augment> {
    let InputPreparation::Pixels { shape: [height, width, channels], .. } = data.preparation.inputs
    else {
        return Vec::new();
    };
    let side = height.min(width) as u64;
    let (flip, padding) = match channels {
        _ if model == ModelKind::Mlp => return Vec::new(),
        3 => (Some(Augment::Flip { share: 0.5 }), side / 8),
        _ => (None, side / 14),
    };
    let crop = (padding > 0).then_some(Augment::Crop { padding });
    flip.into_iter().chain(crop).collect()
}
