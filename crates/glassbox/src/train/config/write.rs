//! Writing a configuration: complete, commented, and read back to the same value.

use std::fmt::{Display, Write};

use glassbox_engine::Isa;

use super::{
    Activation, Alignment, Amount, Augment, Choices, ClassWeights, Clip, Documents, Fit,
    ImageOptions, Impute, Initial, Kind, Label, Layer, LayerKind, Likelihood, Loss, ModelKind,
    Normalization, Normalize, Numbers, Optimizer, Past, Positions, Preparation, RunConfig,
    Schedule, SeriesOptions, Sizes, TextOptions,
};
use crate::choices::{Choice, Setting};
use crate::nn::Chosen;
use crate::word2vec::Architecture;

impl RunConfig {
    /// The complete configuration as a commented file; [`RunConfig::from_toml`] reads it back to
    /// the same value.
    pub fn to_toml(&self) -> String {
        let mut out = String::from(
            "# Everything that decides this run: train with this file and get the same bits.\n",
        );
        self.write_data(&mut out);
        self.write_model(&mut out);
        self.write_train(&mut out);
        if !self.is_of_words() {
            self.write_watch(&mut out);
        }
        out
    }

    fn write_data(&self, out: &mut String) {
        let data = &self.data;
        section(out, "[data]");
        line(out, "path", quoted(&data.path), "built-in data, or a path from the working folder");
        if self.is_of_words() {
            return;
        }
        match &data.target {
            Some(target) => line(out, "target", quoted(target), "the column to predict"),
            None => absent(out, "target", "\"…\"", "the column to predict; absent: inferred"),
        }
        if let Some(weight) = &data.weight {
            line(out, "weight", quoted(weight), "how much each row counts");
        }
        line(out, "memory", data.memory, "MiB of data in memory; the rest in temporary files");
        line(out, "strict", data.strict, "true: an image that cannot be read is an error");
        let drop = data.drop.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ");
        line(out, "drop", format!("[{drop}]"), "columns that are left out");
        if !data.without.is_empty() {
            let without: Vec<String> = data.without.iter().map(|name| quoted(name)).collect();
            let comment = "classes that are tested but not learned";
            line(out, "without", format!("[{}]", without.join(", ")), comment);
        }
        let kind =
            |(name, kind): (&String, &Kind)| format!("{} = {}", quoted(name), quoted(kind.word()));
        let kinds = data.columns.iter().map(kind).collect::<Vec<_>>().join(", ");
        let kinds = if kinds.is_empty() { "{}".to_string() } else { format!("{{ {kinds} }}") };
        line(out, "columns", kinds, "number, boolean, date or category, where inferred wrongly");
        let split = &data.split;
        let share = |name: &str, share: Option<f64>| {
            share.map(|share| format!("{name} = {}, ", float(share))).unwrap_or_default()
        };
        let (valid, test) = (share("valid", split.valid), share("test", split.test));
        let train = split.train.map(|rows| format!("train = {rows}, ")).unwrap_or_default();
        let fold = split.fold.map(|fold| format!(", fold = \"{fold}\"")).unwrap_or_default();
        let value = format!("{{ {valid}{test}{train}stratify = {}{fold} }}", split.stratify);
        line(out, "split", value, "shares; valid and test absent: 0.15, or the source's own");
        write_image(out, &data.image);
        write_text(out, &data.text);
        write_series(out, &data.series);
        for prepare in &data.prepare {
            section(out, "[[data.prepare]]             # fitted on the training part only");
            let columns = quoted(prepare.columns.word());
            line(out, "columns", columns, "numeric, category or a column's name");
            if let Some(with) = prepare.with {
                line(out, "with", quoted(with.word()), words(Preparation::ALL));
            }
            if let Some(ranges) = prepare.outliers {
                let comment = "training rows so many interquartile ranges outside are left out";
                line(out, "outliers", float(ranges), comment);
            }
            let offered = "median, mean, most_frequent, drop or a number";
            match prepare.impute {
                Some(Impute::Constant(number)) => line(out, "impute", float(number), offered),
                Some(word) => line(out, "impute", quoted(word.word()), offered),
                None => {}
            }
        }
    }

    fn write_model(&self, out: &mut String) {
        let model = &self.model;
        section(out, "[model]");
        let offered = "mlp, network with [[model.layer]] tables, or another of `glassbox models`";
        line(out, "kind", quoted(model.kind.word()), offered);
        if model.kind == ModelKind::Mlp {
            let hidden = format!("{:?}", model.hidden);
            line(out, "hidden", hidden, "units of each hidden layer, input side first");
            line(out, "activation", choice(model.activation), words(Activation::ALL));
            let offered = words(Initial::ALL);
            match model.initial {
                Some(initial) => line(out, "initial", choice(initial), offered),
                None => {
                    let chosen = choice(model.initial());
                    let comment = format!("absent: by the activation; {offered}");
                    absent(out, "initial", &chosen, comment);
                }
            }
            let normalize = quoted(model.normalize.word());
            line(out, "normalize", normalize, words(Normalize::ALL));
            let comment = "share of hidden numbers that training leaves out";
            line(out, "dropout", float(model.dropout), comment);
            line(
                out,
                "skip",
                model.skip,
                "x + f(x) around hidden layers of as many units as inputs",
            );
        }
        if let ModelKind::Named(named) = model.kind {
            named
                .family
                .options
                .iter()
                .for_each(|option| write_choice(out, option, &model.choices));
        }
        for layer in &model.layers {
            section(out, "[[model.layer]]");
            write_layer(out, layer);
        }
        if !model.parameters.is_empty() {
            section(out, "[model.parameters]           # starting values; the others are drawn");
            for (path, values) in &model.parameters {
                line(out, &key(path), numbers(values), "");
            }
        }
    }

    fn write_train(&self, out: &mut String) {
        let train = &self.train;
        section(out, "[train]");
        line(out, "epochs", train.epochs, "passes over the training part");
        if self.is_of_words() {
            line(out, "seed", train.seed, "what all randomness follows from");
            let what = "the rate falls in a line after a share of the training";
            line(
                out,
                "optimizer",
                choice(train.optimizer),
                "of whose settings the rate alone counts",
            );
            line(out, "schedule", choice(train.schedule), what);
            return self.write_machine(out);
        }
        line(out, "batch", amount(train.batch), "rows a step, or \"all\"");
        line(out, "seed", train.seed, "what all randomness follows from");
        line(out, "loss", choice(train.loss), words(Loss::ALL));
        let comment = "share of each target that is spread over all classes";
        line(out, "label_smoothing", float(train.label_smoothing), comment);
        let weights = match &train.class_weights {
            ClassWeights::None => quoted("none"),
            ClassWeights::Balanced => quoted("balanced"),
            ClassWeights::Given(weights) => format!("{weights:?}"),
        };
        line(out, "class_weights", weights, "none, balanced, or a number for each class");
        let comment =
            "rows of rare classes more often, or of frequent ones less: none, over, under";
        line(out, "resample", quoted(train.resample.word()), comment);
        if train.augment.is_empty() {
            let comment = "changes of training images, such as [\"flip\", \"crop\"]";
            line(out, "augment", "[]", comment);
        }
        line(out, "l1", float(train.l1), "added to the loss: l1 · Σ|w|, biases left out");
        line(out, "l2", float(train.l2), "added to the loss: l2 · Σw², biases left out");
        line(out, "optimizer", choice(train.optimizer), words(Optimizer::ALL));
        let chosen: Vec<String> = train.optimizers.iter().map(chosen).collect();
        let chosen = format!("[{}]", chosen.join(", "));
        line(out, "optimizers", chosen, "of parameters by name: { paths = \"fc1/*\", lr = 0.01 }");
        let offered = format!("of the learning rate: {}", words(Schedule::ALL));
        line(out, "schedule", choice(train.schedule), offered);
        line(out, "warmup", train.warmup, "steps through which the rate rises from 0");
        let clip = match train.clip {
            None => "false".to_string(),
            Some(Clip::Norm(most)) => format!("{{ norm = {} }}", float(most)),
            Some(Clip::Value(most)) => format!("{{ value = {} }}", float(most)),
        };
        line(out, "clip", clip, "gradients: false, { norm = 1.0 } or { value = 0.5 }");
        line(out, "accumulate", train.accumulate, "batches whose gradients make one step");
        let comment =
            "where weights start: a file of safetensors, a run, or a folder with config.json";
        match &train.weights {
            Some(path) => line(out, "weights", quoted(path), comment),
            None => absent(out, "weights", "\"…\"", format!("{comment}; absent: they are drawn")),
        }
        let freeze = list(&train.freeze);
        let comment = "parameters that do not learn: [\"*\", \"!fc/*\"] leaves fc to learn, \"body\" the last layer";
        line(out, "freeze", freeze, comment);
        let again = list(&train.recompute);
        line(
            out,
            "recompute",
            again,
            "layers computed again for gradients: less memory, more time",
        );
        let average = train.average.map_or("false".to_string(), float);
        line(out, "average", average, "decay of the weights' moving average, such as 0.999");
        match &train.stop {
            Some(stop) => {
                let metric = quoted(&stop.metric);
                let value = format!("{{ metric = {metric}, patience = {} }}", stop.patience);
                line(out, "stop", value, "patience: epochs without improvement");
            }
            None => line(out, "stop", false, "or { metric = \"valid_loss\", patience = 5 }"),
        }
        self.write_machine(out);
        line(out, "exact", train.exact, "true: convolutions summed term by term, slower");
        for change in &train.augment {
            section(out, "[[train.augment]]            # changes of training images, in order");
            line(out, "kind", quoted(change.word()), words(Augment::ALL));
            for (name, setting) in { *change }.settings() {
                line(out, name, written(setting), "");
            }
        }
    }

    /// How it runs.
    fn write_machine(&self, out: &mut String) {
        let train = &self.train;
        let seconds = float(train.checkpoint_every);
        line(out, "checkpoint_every", seconds, "seconds");
        line(out, "threads", amount(train.threads), "or \"all\"; the numbers do not depend on it");
        let set = train.instructions.map_or("auto".to_owned(), |isa| isa.to_string());
        let sets = Isa::ALL.map(|isa| quoted(&isa.to_string())).join(", ");
        line(out, "instructions", quoted(&set), format!("the widest there are, or {sets}"));
    }

    fn write_watch(&self, out: &mut String) {
        section(out, "[watch]                      # changes no number of the training");
        line(out, "every", self.watch.every, "steps from look to look; 0: never");
        let what = self.watch.what.iter().map(|p| quoted(p)).collect::<Vec<_>>().join(", ");
        line(out, "what", format!("[{what}]"), "paths; * stands for any text: \"fc1/*\"");
    }
}

fn write_image(out: &mut String, image: &ImageOptions) {
    let ImageOptions { size, channels, fit, normalize } = image;
    if *image == ImageOptions::default() {
        let value = "{ size = 64, channels = 3 }";
        return absent(out, "image", value, "also fit, normalize; absent: by the images");
    }
    section(out, "[data.image]");
    match size {
        Some(size) => line(out, "size", format!("{size:?}"), "height and width"),
        None => absent(out, "size", "64", "or [height, width]; absent: by the images"),
    }
    match channels {
        Some(channels) => line(out, "channels", channels, "1 (grey) or 3 (red, green, blue)"),
        None => absent(out, "channels", "3", "1 (grey) or 3; absent: by the images"),
    }
    line(out, "fit", quoted(fit.word()), words(Fit::ALL));
    let offered = "none, standardize, imagenet or { mean = […], std = […] }";
    let normalize = match normalize {
        None => return absent(out, "normalize", "\"standardize\"", offered),
        Some(Normalization::None) => quoted("none"),
        Some(Normalization::Standardize) => quoted("standardize"),
        Some(Normalization::Imagenet) => quoted("imagenet"),
        Some(Normalization::Given { mean, std }) => format!("{{ mean = {mean:?}, std = {std:?} }}"),
    };
    line(out, "normalize", normalize, offered);
}

fn write_text(out: &mut String, text: &TextOptions) {
    let TextOptions { tokenizer, vocabulary, context, lower, documents, column, .. } = text;
    let asked = tokenizer.is_some() || vocabulary.is_some() || context.is_some();
    if !asked && !lower && *documents == Documents::File && column.is_none() {
        let value = "{ tokenizer = \"bpe\" }";
        let also =
            "also vocabulary, context, lower, documents, column; absent: characters, 256 a row";
        return absent(out, "text", value, also);
    }
    section(out, "[data.text]");
    let meant = "the column of a table that holds the texts";
    match column {
        Some(column) => line(out, "column", quoted(column), meant),
        None => absent(out, "column", "\"review\"", meant),
    }
    let offered = "character, word, bpe, or a tokenizer.json";
    match tokenizer {
        Some(tokenizer) => line(out, "tokenizer", quoted(tokenizer), offered),
        None => absent(out, "tokenizer", "\"character\"", offered),
    }
    let offered = "different tokens at most, of words and byte pairs";
    match vocabulary {
        Some(vocabulary) => line(out, "vocabulary", vocabulary, offered),
        None => absent(out, "vocabulary", "8192", offered),
    }
    match context {
        Some(context) => line(out, "context", context, "tokens of a row"),
        None => absent(out, "context", "256", "tokens of a row"),
    }
    line(out, "lower", lower, "whether upper-case letters become lower-case ones");
    line(out, "documents", quoted(documents.word()), "file: one text; lines: each line is one");
}

fn write_series(out: &mut String, series: &SeriesOptions) {
    if !series.is_asked() {
        let value = "{ time = \"date\", horizon = 24 }";
        return absent(out, "series", value, "rows that follow each other in time");
    }
    section(out, "[data.series]");
    let mut text = |name: &str, value: &Option<String>, example: &str, comment: &str| match value {
        Some(value) => line(out, name, quoted(value), comment),
        None => absent(out, name, example, comment),
    };
    text("time", &series.time, "\"date\"", "the column (or columns) that tell the time");
    text("group", &series.group, "\"person\"", "the column that tells several series apart");
    let mut number = |name: &str, value: Option<usize>, example: &str, comment: &str| match value {
        Some(value) => line(out, name, value, comment),
        None => absent(out, name, example, comment),
    };
    number("horizon", series.horizon, "1", "steps ahead that are told, of numbers");
    number("window", series.window, "96", "rows of a window; absent: by the season");
    number("stride", series.stride, "1", "rows from one window to the next");
    number("season", series.season, "24", "rows until it comes round; absent: found");
    let mut chosen = |name: &str, value: Option<&str>, example: &str, comment: String| match value {
        Some(value) => line(out, name, quoted(value), comment),
        None => absent(out, name, example, comment),
    };
    let of_classes = format!("of a window that has several classes: {}", words(Label::ALL));
    chosen("label", series.label.map(Label::word), "\"majority\"", of_classes);
    let read = format!("what a forecast is made from: {}", words(Past::ALL));
    chosen("past", series.past.map(Past::word), "\"own\"", read);
    let comment = "false: levels are read and told, not changes from the last row";
    match series.from_last {
        Some(from_last) => line(out, "from_last", from_last, comment),
        None => absent(out, "from_last", "true", comment),
    }
    line(out, "calendar", series.calendar, "true: hour, weekday and time of the year are read");
}

/// What is chosen of a named model.
fn write_choice(out: &mut String, option: &str, choices: &Choices) {
    let (value, comment) = match option {
        "activation" => (choice(choices.activation), words(Activation::ALL)),
        "normalize" => (quoted(choices.normalize.word()), words(Normalize::ALL)),
        "dropout" => (float(choices.dropout), "share of numbers that training leaves out".into()),
        "skip" => (choices.skip.to_string(), "false: without skip connections".into()),
        "pre_activation" => {
            let what = "true: normalisation and activation before the convolutions";
            (choices.pre_activation.to_string(), what.into())
        }
        "auxiliary" => {
            (choices.auxiliary.to_string(), "heads in the middle, in training alone".into())
        }
        "stochastic_depth" => {
            let what = "share of rows for which training leaves out the last block, less before it";
            (float(choices.stochastic_depth), what.into())
        }
        "width" => (float(choices.width), "what the number of channels is multiplied by".into()),
        "patch" => (choices.patch.to_string(), "height and width of the parts of images".into()),
        "units" => (choices.units.to_string(), "numbers that stand for a place".into()),
        "layers" => (choices.layers.to_string(), "how many stand on each other".into()),
        "heads" => (choices.heads.to_string(), "of attention; they share the units".into()),
        "bidirectional" => (
            choices.bidirectional.to_string(),
            "true: sequences are also read from their end".into(),
        ),
        "positions" => (quoted(choices.positions.word()), words(Positions::ALL)),
        "tied" => {
            let what = "true: scores come from the table that tokens are read from";
            (choices.tied.to_string(), what.into())
        }
        "attention" => (quoted(choices.attention.word()), words(Alignment::ALL)),
        "teacher_forcing" => {
            let what = "how often training shows the decoder the right token before, not its own";
            (float(choices.teacher_forcing), what.into())
        }
        "encoder" => (sizes(choices.encoder), "hidden layers, input side first".into()),
        "decoder" => {
            let what = "hidden layers, code side first; []: the encoder's, reversed";
            (sizes(choices.decoder), what.into())
        }
        "code" => (choices.code.to_string(), "numbers that stand for a row".into()),
        "likelihood" => (quoted(choices.likelihood.word()), words(Likelihood::ALL)),
        "beta" => (float(choices.beta), "what the code's divergence counts".into()),
        "kl_warmup" => (choices.kl_warmup.to_string(), "steps until it counts so much".into()),
        "free_bits" => {
            let what = "nats that each number of the code may diverge by at no cost";
            (float(choices.free_bits), what.into())
        }
        "conditional" => {
            (choices.conditional.to_string(), "true: the model is told of a row's class".into())
        }
        "noise" => (float(choices.noise), "standard deviation of noise that is read".into()),
        "mask" => (float(choices.mask), "share of a row that is hidden from it".into()),
        "sparsity" => (float(choices.sparsity), "what the size of codes counts".into()),
        "bounded" => (choices.bounded.to_string(), "true: numbers made lie between 0 and 1".into()),
        "smoothing" => {
            let what = "how far below 1 the probability of rows of the data is to be";
            (float(choices.smoothing), what.into())
        }
        "spectral" => {
            let what =
                "true: the discriminator's weights are divided by their largest singular value";
            (choices.spectral.to_string(), what.into())
        }
        "critic_steps" => {
            let what = "how often the critic learns in a step, on parts of the batch";
            (choices.critic_steps.to_string(), what.into())
        }
        "penalty" => {
            let what = "what a discriminator's slope counts; of a critic: where it is not 1";
            (float(choices.penalty), what.into())
        }
        "architecture" => (quoted(choices.architecture.word()), words(Architecture::ALL)),
        "dimensions" => (choices.dimensions.to_string(), "numbers in a vector".into()),
        "window" => {
            (choices.window.to_string(), "words around that are looked at on each side".into())
        }
        "negative" => {
            let what = "words that are not there, drawn for each that is";
            (choices.negative.to_string(), what.into())
        }
        "min_count" => (choices.min_count.to_string(), "words rarer than this are left out".into()),
        "sample" => {
            let what = "words of a larger share of the text are left out now and then; 0: never";
            (float(choices.sample), what.into())
        }
        _ => return,
    };
    line(out, option, value, comment);
}

fn sizes(sizes: Sizes) -> String {
    format!("{:?}", sizes.as_slice())
}

fn section(out: &mut String, header: &str) {
    let _ = write!(out, "\n{header}\n");
}

/// `key = value`, and the comment in a column of its own.
fn line(out: &mut String, key: &str, value: impl Display, comment: impl Display) {
    let (setting, comment) = (format!("{key} = {value}"), comment.to_string());
    let _ = match comment.is_empty() {
        true => writeln!(out, "{setting}"),
        false => writeln!(out, "{setting:<28} # {comment}"),
    };
}

/// A setting that is not set, with what it could look like.
fn absent(out: &mut String, key: &str, value: &str, comment: impl Display) {
    line(out, &format!("# {key}"), value, comment);
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// A name as a key: on one line, which the text of a value need not be. TOML's escapes are JSON's,
/// and one more.
fn key(name: &str) -> String {
    serde_json::Value::from(name).to_string().replace('\u{7f}', "\\u007F")
}

/// A float that reads back to the same bits, and as a float.
fn float(number: f64) -> String {
    format!("{number:?}")
}

fn amount(amount: Amount) -> String {
    match amount {
        Amount::All => quoted("all"),
        Amount::Exactly(number) => number.to_string(),
    }
}

fn words<T: Display>(all: &[T]) -> String {
    all.iter().map(T::to_string).collect::<Vec<_>>().join(", ")
}

fn numbers(values: &Numbers) -> String {
    match values {
        Numbers::One(number) => float(*number),
        Numbers::Many(items) => {
            format!("[{}]", items.iter().map(numbers).collect::<Vec<_>>().join(", "))
        }
    }
}

fn list(names: &[String]) -> String {
    format!("[{}]", names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", "))
}

/// What is to move in a way of its own, as a table.
fn chosen(chosen: &Chosen) -> String {
    let how = choice(chosen.optimizer);
    let settings = how.trim_start_matches("{ ").trim_end_matches(" }");
    format!("{{ paths = {}, rows = {}, {settings} }}", quoted(&chosen.paths), chosen.rows)
}

fn written(setting: Setting<'_>) -> String {
    match setting {
        Setting::Number(number, _) => float(*number),
        Setting::Whole(number) => number.to_string(),
        Setting::Flag(flag) => flag.to_string(),
    }
}

/// A kind as a word, or with its settings as a table.
fn choice<C: Choice>(mut choice: C) -> String {
    let kind = quoted(choice.word());
    let setting = |(name, setting)| format!(", {name} = {}", written(setting));
    let settings: String = choice.settings().into_iter().map(setting).collect();
    match settings.is_empty() {
        true => kind,
        false => format!("{{ kind = {kind}{settings} }}"),
    }
}

fn write_layer(out: &mut String, layer: &Layer) {
    line(out, "kind", quoted(layer.kind.word()), "");
    match &layer.kind {
        LayerKind::Linear { units, initial } => {
            line(out, "units", units, "");
            if let Some(initial) = initial {
                line(out, "initial", choice(*initial), "");
            }
        }
        LayerKind::Conv { channels, size, stride, padding, groups, initial } => {
            line(out, "channels", channels, "of the result");
            line(out, "size", size, "height and width of the filters");
            line(out, "stride", stride, "");
            match padding {
                Some(zeros) => line(out, "padding", zeros, "zeros around the image"),
                None => absent(out, "padding", "0", "absent: keeps the size at a stride of 1"),
            }
            line(out, "groups", groups, "parts that the channels are cut into");
            if let Some(initial) = initial {
                line(out, "initial", choice(*initial), "");
            }
        }
        LayerKind::MaxPool { size, stride, padding }
        | LayerKind::AveragePool { size, stride, padding } => {
            line(out, "size", size, "height and width of the windows");
            match stride {
                Some(stride) => line(out, "stride", stride, ""),
                None => absent(out, "stride", "1", "absent: windows side by side"),
            }
            line(out, "padding", padding, "around the image");
        }
        LayerKind::Activation { activation } => line(out, "activation", choice(*activation), ""),
        LayerKind::Dropout { rate } => line(out, "rate", float(*rate), ""),
        LayerKind::Reshape { shape } => line(out, "shape", format!("{shape:?}"), "of one row"),
        LayerKind::GlobalAveragePool
        | LayerKind::BatchNorm
        | LayerKind::LayerNorm
        | LayerKind::Flatten
        | LayerKind::Add
        | LayerKind::Concatenate => {}
    }
    if let Some(name) = &layer.name {
        line(out, "name", quoted(name), "");
    }
    if !layer.from.is_empty() {
        line(out, "from", list(&layer.from), "");
    }
}
