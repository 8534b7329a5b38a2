//! Writing a configuration: complete, commented, and read back to the same value.

use std::fmt::{Display, Write};

use super::{Activation, Amount, Initial, Kind, Loss, Numbers, Optimizer, Preparation, RunConfig};

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
        out
    }

    fn write_data(&self, out: &mut String) {
        let data = &self.data;
        section(out, "[data]");
        line(out, "path", quoted(&data.path), "built-in data, or a path from the working folder");
        match &data.target {
            Some(target) => line(out, "target", quoted(target), "the column to predict"),
            None => absent(out, "target", "\"…\"", "the column to predict; absent: inferred"),
        }
        let drop = data.drop.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ");
        line(out, "drop", format!("[{drop}]"), "columns that are left out");
        let kind =
            |(name, kind): (&String, &Kind)| format!("{} = {}", quoted(name), quoted(kind.word()));
        let kinds = data.columns.iter().map(kind).collect::<Vec<_>>().join(", ");
        let kinds = if kinds.is_empty() { "{}".to_string() } else { format!("{{ {kinds} }}") };
        line(out, "columns", kinds, "number, boolean or category, where inferred wrongly");
        let split = &data.split;
        let share = |name: &str, share: Option<f64>| {
            share.map(|share| format!("{name} = {}, ", float(share))).unwrap_or_default()
        };
        let (valid, test) = (share("valid", split.valid), share("test", split.test));
        let value = format!("{{ {valid}{test}stratify = {} }}", split.stratify);
        line(out, "split", value, "shares; valid and test absent: 0.15, or the source's own");
        for prepare in &data.prepare {
            section(out, "[[data.prepare]]             # fitted on the training part only");
            let columns = quoted(prepare.columns.word());
            line(out, "columns", columns, "numeric, category or a column's name");
            let offered = words(Preparation::ALL);
            line(out, "with", quoted(prepare.with.word()), offered);
        }
    }

    fn write_model(&self, out: &mut String) {
        let model = &self.model;
        section(out, "[model]");
        line(out, "kind", quoted(model.kind.word()), "");
        let hidden = format!("{:?}", model.hidden);
        line(out, "hidden", hidden, "units of each hidden layer, input side first");
        let activation = quoted(model.activation.word());
        line(out, "activation", activation, words(Activation::ALL));
        let offered = words(Initial::ALL);
        match model.initial {
            Some(initial) => line(out, "initial", quoted(initial.word()), offered),
            None => {
                let chosen = quoted(model.initial().word());
                absent(out, "initial", &chosen, format!("absent: by the activation; {offered}"));
            }
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
        line(out, "batch", amount(train.batch), "rows a step, or \"all\"");
        line(out, "seed", train.seed, "what all randomness follows from");
        line(out, "loss", quoted(train.loss.word()), words(Loss::ALL));
        let offered = "adam, momentum, gradient_descent";
        line(out, "optimizer", optimizer(&train.optimizer), offered);
        let schedule = quoted(train.schedule.word());
        line(out, "schedule", schedule, "of the learning rate: constant, cosine");
        match &train.stop {
            Some(stop) => {
                let metric = quoted(&stop.metric);
                let value = format!("{{ metric = {metric}, patience = {} }}", stop.patience);
                line(out, "stop", value, "patience: epochs without improvement");
            }
            None => line(out, "stop", false, "or { metric = \"valid_loss\", patience = 5 }"),
        }
        let seconds = float(train.checkpoint_every);
        line(out, "checkpoint_every", seconds, "seconds");
        line(out, "threads", amount(train.threads), "or \"all\"; the numbers do not depend on it");
    }
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

fn optimizer(optimizer: &Optimizer) -> String {
    let (kind, lr) = (optimizer.kind(), float(optimizer.lr()));
    let options = match *optimizer {
        Optimizer::Adam { beta1, beta2, epsilon, .. } => {
            let (beta1, beta2, epsilon) = (float(beta1), float(beta2), float(epsilon));
            format!(", beta1 = {beta1}, beta2 = {beta2}, epsilon = {epsilon}")
        }
        Optimizer::Momentum { momentum, nesterov, .. } => {
            format!(", momentum = {}, nesterov = {nesterov}", float(momentum))
        }
        Optimizer::GradientDescent { .. } => String::new(),
    };
    format!("{{ kind = \"{kind}\", lr = {lr}{options} }}")
}
