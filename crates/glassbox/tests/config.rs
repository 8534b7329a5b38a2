//! A run's configuration is read with every problem at once, and written out complete.

#![allow(clippy::unwrap_used)] // A test fails by panicking.

use glassbox::engine::{Array, DType};
use glassbox::train::config::{
    Activation, Amount, ClassWeights, Clip, Columns, Impute, Initial, Layer, LayerKind, Loss,
    ModelKind, Normalize, NthFold, Numbers, Optimizer, Preparation, Prepare, RunConfig, Schedule,
    Split, Stop,
};

/// The example of the specification.
const IRIS: &str = r#"
[data]
path = "iris.csv"
target = "species"
split = { valid = 0.15, test = 0.15, stratify = true }
[[data.prepare]]             # fitted on the training part only
columns = "numeric"
with = "standardize"
[model]
kind = "mlp"
hidden = [16]
activation = "relu"
[train]
epochs = 50
batch = 32
seed = 42
optimizer = { kind = "adam", lr = 1e-3 }
stop = { metric = "valid_loss", patience = 5 }
"#;

fn load(text: &str, overrides: &[&str]) -> Result<RunConfig, Vec<String>> {
    let overrides: Vec<String> = overrides.iter().map(|&text| text.to_owned()).collect();
    RunConfig::from_toml(text, &overrides).map_err(|error| {
        error.problems.iter().map(|p| format!("{}: {}", p.place, p.message)).collect()
    })
}

fn problems(text: &str, overrides: &[&str]) -> Vec<String> {
    load(text, overrides).unwrap_err()
}

#[test]
fn the_example_is_read_as_it_says() {
    let config = load(IRIS, &[]).unwrap();
    let mut expected = RunConfig::new("iris.csv");
    expected.data.target = Some("species".into());
    expected.data.split =
        Split { valid: Some(0.15), test: Some(0.15), train: None, stratify: true, fold: None };
    expected.data.prepare = vec![Prepare {
        columns: Columns::Numeric,
        with: Some(Preparation::Standardize),
        impute: None,
        outliers: None,
    }];
    expected.train.stop = Some(Stop { metric: "valid_loss".into(), patience: 5 });
    assert_eq!(config, expected);
    assert_eq!(config.train.optimizer.lr(), 1e-3);
    assert_eq!(config.model.initial(), Initial::He);
}

#[test]
fn columns_can_be_named_and_left_out() {
    let text = r#"
        [data]
        path = "cars.csv"
        drop = ["name", "id"]
        columns = { cylinders = "category" }
    "#;
    let config = load(text, &[]).unwrap();
    assert_eq!(config.data.drop, ["name", "id"]);
    assert_eq!(config.data.columns["cylinders"], glassbox::data::Kind::Category);
    assert_eq!(load(&config.to_toml(), &[]).unwrap(), config);
    let found = problems(text, &["columns.year=\"integer\""]);
    assert_eq!(found.len(), 1, "{found:?}");
    let text = text.replace("category", "integer").replace("\"id\"", "3");
    let found = problems(&text, &[]);
    assert!(found[0].contains("`data.drop`") && found[0].starts_with("line 4"), "{found:?}");
    assert!(found[1].contains("is not one of number, boolean, date, category"), "{found:?}");
}

#[test]
fn what_is_watched_is_read_and_every_mistake_in_it_told() {
    let text = "data.path = \"iris\"\n[watch]\nevery = 0\nwhat = [\"fc1/*\", \"*/weight\"]\n";
    let config = load(text, &[]).unwrap();
    assert_eq!(
        (config.watch.every, &config.watch.what[..]),
        (0, &["fc1/*".into(), "*/weight".to_string()][..])
    );
    assert_eq!(load(&config.to_toml(), &[]).unwrap(), config);
    assert_eq!(
        load(text, &["watch.every=7", "watch.what=fc2/bias"]).unwrap().watch.what,
        ["fc2/bias"]
    );
    assert_eq!(RunConfig::new("iris").watch.every, 50);
    let found = problems("data.path = \"iris\"\n[watch]\nevery = -1\nwaht = 3\nwhat = 4\n", &[]);
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found[0].starts_with("line 3: `watch.every`: expected a whole number"), "{found:?}");
    assert!(found[1].contains("did you mean `what`?"), "{found:?}");
    assert!(found[2].contains("`watch.what`: expected a list of texts"), "{found:?}");
}

#[test]
fn the_dosage_network_starts_from_given_numbers() {
    let text = r#"
        data = { path = "dosage", split = { valid = 0, test = 0 } }
        [model]
        hidden = 2
        activation = "softplus"
        [model.parameters]
        "fc1/weight" = [[3.34, -3.53]]
        "fc2/bias" = [0]
        [train]
        batch = "all"
        loss = "sum_of_squares"
        optimizer = { kind = "gradient_descent", lr = 0.1 }
    "#;
    let config = load(text, &[]).unwrap();
    assert_eq!(config.model.hidden, [2]);
    assert_eq!(config.train.batch, Amount::All);
    assert_eq!(config.train.batch.of(3), 3);
    assert_eq!(config.data.split.valid, Some(0.0));
    let weight = config.model.parameters["fc1/weight"].to_array(DType::F32).unwrap();
    assert_eq!(weight, Array::new([1, 2], vec![3.34f32, -3.53]).unwrap());
}

#[test]
fn a_fold_is_the_test_part_and_reads_back() {
    let config = RunConfig::new("a.csv").set(&["split.fold=2/5".into()]).unwrap();
    assert_eq!(config.data.split.fold, Some(NthFold { fold: 2, of: 5 }));
    assert_eq!(RunConfig::from_toml(&config.to_toml(), &[]).unwrap(), config);
    let wrong = |settings: &[&str]| {
        let settings: Vec<String> = settings.iter().map(ToString::to_string).collect();
        RunConfig::new("a.csv").set(&settings).unwrap_err().to_string()
    };
    assert!(wrong(&["split.fold=0/5"]).contains("such as 2/5, found `0/5`"));
    assert!(wrong(&["split.fold=2/5", "split.test=0.2"]).contains("leave `test` out"));
}

#[test]
fn a_written_configuration_is_complete_and_reads_back_the_same() {
    let mut full = RunConfig::new("my \"odd\"\\path\n.csv");
    full.data.target = Some("종".into());
    full.data.split = Split {
        valid: Some(0.1 + 0.2),
        test: Some(1e-300),
        train: Some(120),
        stratify: false,
        fold: None,
    };
    full.data.prepare = vec![
        Prepare {
            columns: Columns::Category,
            with: Some(Preparation::OneHot),
            impute: Some(Impute::MostFrequent),
            outliers: None,
        },
        Prepare {
            columns: Columns::Named("petal width".into()),
            with: Some(Preparation::None),
            impute: Some(Impute::Constant(-1.5)),
            outliers: Some(1.5),
        },
    ];
    full.model.initial = Some(Initial::Zeros);
    full.model.activation = Activation::Tanh;
    full.model.hidden = vec![];
    let many = |values: &[f64]| Numbers::Many(values.iter().map(|&x| Numbers::One(x)).collect());
    full.model.parameters = [
        ("fc1/weight".to_owned(), Numbers::Many(vec![many(&[0.1, -0.0]), many(&[1e21, 5e-324])])),
        ("b3".to_owned(), Numbers::One(-16.0)),
    ]
    .into();
    full.train.stop = Some(Stop { metric: "valid_accuracy".into(), patience: 3 });
    full.train.optimizer =
        Optimizer::Momentum { lr: 2.0, momentum: 0.0, nesterov: true, weight_decay: 0.1 };
    full.train.threads = Amount::Exactly(2);
    full.train.seed = i64::MAX as u64;
    full.train.loss = Loss::SumOfSquares;
    full.train.checkpoint_every = 0.5;
    let mut plain = RunConfig::new("digits");
    plain.train.optimizer = Optimizer::GRADIENT_DESCENT;
    for config in [full, plain, RunConfig::new("iris.csv"), load(IRIS, &[]).unwrap()] {
        let text = config.to_toml();
        assert_eq!(RunConfig::from_toml(&text, &[]), Ok(config), "{text}");
    }
}

#[test]
fn any_text_as_a_path_or_name_is_written_and_read_back() {
    let odd = "line\nbreak\t\r\n\u{0}\u{7f}\u{1b} \"quoted\" 'single' \\ # é ]=\u{2028}";
    let mut config = RunConfig::new(odd);
    config.data.target = Some(odd.into());
    config.data.prepare = vec![Prepare {
        columns: Columns::Named(odd.into()),
        with: Some(Preparation::None),
        impute: Some(Impute::Constant(-1.5)),
        outliers: None,
    }];
    config.train.stop = Some(Stop { metric: odd.into(), patience: 1 });
    config.model.parameters = [(odd.to_owned(), Numbers::One(1.0))].into();
    assert_eq!(RunConfig::from_toml(&config.to_toml(), &[]).unwrap(), config);
}

#[test]
fn every_problem_is_reported_at_once_with_its_line() {
    let text = r#"
[data]
path = 3
taget = "species"
split = { valid = 0.6, test = 0.5 }
[[data.prepare]]
columns = "numeric"
with = "standardise"
[model]
hidden = [16, 0]
activation = "rleu"
epochs = 3
[train]
epochs = 0
batch = 0
seed = "forty-two"
optimizer = { kind = "momentum", lr = 0, beta1 = 0.9 }
stop = { patience = 0 }
[trian]
every = 50
"#;
    let expected = [
        "line 3: `data.path`: expected a text, found the number 3",
        "line 4: there is no setting `data.taget`; did you mean `target`?",
        "line 5: `data.split`: valid and test together leave nothing to train on",
        "line 8: `data.prepare.with`: \"standardise\" is not one of standardize, robust, min_max, piecewise, one_hot, ordinal, target, none; did you mean \"standardize\"?",
        "line 10: `model.hidden`: expected a whole number of at least 1, found the number 0",
        "line 11: `model.activation`: \"rleu\" is not one of relu, relu6, tanh, sigmoid, softplus, leaky_relu, elu, selu, gelu, silu, step, identity; did you mean \"relu\"?",
        "line 12: there is no setting `model.epochs`; it belongs to `train.epochs`",
        "line 14: `train.epochs`: expected a whole number of at least 1, found the number 0",
        "line 15: `train.batch`: expected a whole number of at least 1, or \"all\", found the number 0",
        "line 16: `train.seed`: expected a whole number of at least 0, found the text \"forty-two\"",
        "line 17: `train.optimizer.lr`: expected a number above 0, found the number 0",
        "line 17: `train.optimizer.beta1` is an option of adam, adamw, not of momentum",
        "line 18: `train.stop.patience`: expected a whole number of at least 1, found the number 0",
        "line 19: there is no setting `trian`; did you mean `train`?",
    ];
    assert_eq!(problems(text, &[]), expected);
}

#[test]
fn starting_values_are_finite_32_bit_floats() {
    for wrong in ["nan", "-inf", "1e39", "[[0, inf]]"] {
        let found = problems(&format!("data.path = \"x\"\nmodel.parameters.w = {wrong}"), &[]);
        assert!(found[0].starts_with("line 2: `model.parameters.\"w\"`: "), "{found:?}");
        assert!(
            found[0].ends_with("is not a 32-bit float that a model can start from"),
            "{found:?}"
        );
    }
    assert!(load("data.path = \"x\"", &["parameters.w=[nan]"]).is_err());
    load("data.path = \"x\"", &["parameters.w=[3.4e38, 1e-300]"]).unwrap();
}

#[test]
fn a_mistake_of_syntax_has_its_line_and_a_missing_path_is_said() {
    let found = problems("[model]\nhidden = [16\n[train]\nepochs = 3\n", &[]);
    assert!(found[0].starts_with("line "), "{found:?}");
    assert!(problems("", &[])[0].contains("`data.path` is missing"));
    let ragged = "data.path = \"x\"\n[model.parameters]\nw = [[1, 2], [3]]";
    assert!(problems(ragged, &[])[0].contains("rows must be equally long"));
    assert!(problems("data.path = \"x\"\ntrain.optimizer.lr = nan", &[])[0].contains("above 0"));
}

#[test]
fn overrides_take_short_paths_and_bare_words() {
    let config = load(
        IRIS,
        &["optimizer.lr=0.03", "epochs = 3", "hidden=[32,16]", "activation=tanh", "batch=all"],
    )
    .unwrap();
    assert_eq!(config.train.optimizer.lr(), 0.03);
    assert_eq!((config.train.epochs, config.train.batch), (3, Amount::All));
    assert_eq!(
        (&config.model.hidden[..], config.model.activation),
        (&[32, 16][..], Activation::Tanh)
    );
    let config = load(IRIS, &["parameters.fc1/bias=[1, 2]", "stop=false"]).unwrap();
    assert_eq!(
        config.model.parameters["fc1/bias"].to_array(DType::F64).unwrap().to_f64(),
        [1., 2.]
    );
    assert_eq!(config.train.stop, None);
}

#[test]
fn another_kind_of_optimizer_begins_from_its_own_defaults() {
    let written = load(IRIS, &[]).unwrap();
    let momentum = written.set(&["optimizer.kind=momentum".into()]).unwrap();
    assert_eq!(momentum.train.optimizer, Optimizer::MOMENTUM);
    let both = ["lr=0.5", "optimizer.kind=gradient_descent"].map(str::to_owned);
    let expected = Optimizer::GRADIENT_DESCENT.with_lr(0.5);
    assert_eq!(written.set(&both).unwrap().train.optimizer, expected);
    let short = load(IRIS, &["optimizer=momentum", "lr=0.2"]).unwrap();
    assert_eq!(short.train.optimizer.lr(), 0.2);
    assert_eq!(short.train.optimizer.kind(), "momentum");
}

#[test]
fn overrides_that_name_nothing_or_two_things_are_refused() {
    let found =
        problems(IRIS, &["optimiser.lr=1", "patience=3", "epoch=3", "zebra=1", "lr", "lr=-1"]);
    assert_eq!(
        found,
        [
            "--set optimiser.lr=1: there is no setting `optimiser.lr`; did you mean `optimizer.lr`?",
            "--set patience=3: `patience` could be train.schedule.patience or train.stop.patience: say which",
            "--set epoch=3: there is no setting `epoch`; did you mean `epochs`?",
            "--set zebra=1: there is no setting `zebra`",
            "--set lr: expected NAME=VALUE, such as optimizer.lr=0.03",
            "--set lr=-1: `train.optimizer.lr`: expected a number above 0, found the number -1",
        ]
    );
}

#[test]
fn shares_that_leave_nothing_are_named_where_they_were_given() {
    let base = RunConfig::new("iris");
    let error = base.set(&["split.test=0.6".into(), "split.valid=0.5".into()]).unwrap_err();
    assert!(error.problems[0].place.starts_with("--set split."), "{error}");
    let text = "[data]\npath = \"iris\"\nsplit = { valid = 0.5, test = 0.5 }\n";
    let error = RunConfig::from_toml(text, &[]).unwrap_err();
    assert_eq!(error.problems[0].place, "line 3");
}

#[test]
fn problems_of_a_file_name_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.toml");
    let error = RunConfig::load(&path, &[]).unwrap_err().to_string();
    assert!(error.contains("run.toml: there is no such file: `glassbox init DATA`"), "{error}");
    let error = RunConfig::load(folder.path(), &[]).unwrap_err().to_string();
    assert!(error.contains(": cannot read: "), "{error}");
    std::fs::write(&path, "[data]\npath = 1\n").unwrap();
    let error = RunConfig::load(&path, &["x=1".into()]).unwrap_err().to_string();
    assert!(error.contains("run.toml: line 2: `data.path`"), "{error}");
    assert!(error.lines().any(|line| line.starts_with("--set x=1: ")), "{error}");
}

/// Every setting of models and training, none at its default.
const FULL: &str = r#"
[data]
path = "iris"
[model]
hidden = [8, 8]
activation = { kind = "leaky_relu", slope = 0.2 }
initial = { kind = "normal", deviation = 0.02 }
normalize = "layer"
dropout = 0.25
skip = true
[train]
loss = { kind = "huber", delta = 0.5 }
label_smoothing = 0.1
class_weights = [1, 2.5, 0.5]
l1 = 1e-5
l2 = 1e-4
optimizer = { kind = "rmsprop", momentum = 0.5, centered = true, weight_decay = 0.01 }
schedule = { kind = "step", every = 3, factor = 0.25 }
warmup = 100
clip = { norm = 1.0 }
accumulate = 4
freeze = ["fc1/*", "*/bias"]
average = 0.999
"#;

#[test]
fn every_setting_of_training_is_read_and_written() {
    let config = load(FULL, &[]).unwrap();
    let (model, train) = (&config.model, &config.train);
    assert_eq!(model.activation, Activation::LeakyRelu { slope: 0.2 });
    assert_eq!(model.initial, Some(Initial::Normal { deviation: 0.02 }));
    assert_eq!((model.normalize, model.dropout, model.skip), (Normalize::Layer, 0.25, true));
    assert_eq!((train.loss, train.label_smoothing), (Loss::Huber { delta: 0.5 }, 0.1));
    assert_eq!(train.class_weights, ClassWeights::Given(vec![1.0, 2.5, 0.5]));
    assert_eq!((train.l1, train.l2), (1e-5, 1e-4));
    assert!(matches!(
        train.optimizer,
        Optimizer::RmsProp { lr: 0.01, alpha: 0.99, momentum: 0.5, centered: true, .. }
    ));
    assert_eq!(train.schedule, Schedule::Step { every: 3, factor: 0.25 });
    assert_eq!((train.warmup, train.accumulate), (100, 4));
    assert_eq!((train.clip, train.average), (Some(Clip::Norm(1.0)), Some(0.999)));
    assert_eq!(train.freeze, ["fc1/*", "*/bias"]);
    assert_eq!(load(&config.to_toml(), &[]).unwrap(), config, "{}", config.to_toml());
    // As flat settings too, over what a file says.
    let set = load(
        FULL,
        &[
            "clip.value=0.5",
            "average=false",
            "schedule.factor=0.5",
            "model.activation.slope=0.3",
            "class_weights=balanced",
            "loss=cross_entropy",
            "freeze=fc2/*",
            "initial.deviation=1",
        ],
    );
    let set = set.unwrap();
    assert_eq!((set.train.clip, set.train.average), (Some(Clip::Value(0.5)), None));
    assert_eq!(set.train.schedule, Schedule::Step { every: 3, factor: 0.5 });
    assert_eq!(set.model.activation, Activation::LeakyRelu { slope: 0.3 });
    assert_eq!(set.train.class_weights, ClassWeights::Balanced);
    assert_eq!(
        (set.train.loss, &set.train.freeze[..]),
        (Loss::CrossEntropy, &["fc2/*".into()][..])
    );
    let plateau = config.set(&["schedule.kind=plateau".into(), "schedule.patience=3".into()]);
    assert_eq!(plateau.unwrap().train.schedule, Schedule::Plateau { factor: 0.1, patience: 3 });
}

#[test]
fn every_choice_is_written_and_read_back_with_its_settings() {
    let mut config = RunConfig::new("iris");
    let check = |config: &RunConfig| {
        let text = config.to_toml();
        assert_eq!(&load(&text, &[]).unwrap(), config, "{text}");
    };
    for &optimizer in Optimizer::ALL {
        config.train.optimizer = optimizer;
        check(&config);
    }
    for &schedule in Schedule::ALL {
        config.train.schedule = schedule;
        check(&config);
    }
    for &loss in Loss::ALL {
        config.train.loss = loss;
        check(&config);
    }
    for &activation in Activation::ALL {
        config.model.activation = activation;
        check(&config);
    }
    for &initial in Initial::ALL {
        config.model.initial = Some(initial);
        check(&config);
    }
}

#[test]
fn problems_of_the_new_settings_are_all_reported() {
    let text = r#"
data.path = "x"
[model]
activation = { kind = "relu", slope = 0.1 }
initial = { kind = "orthogonall" }
dropout = 1.0
normalize = "bach"
[train]
loss = { kind = "huber", delta = 0 }
class_weights = [1, 0]
l2 = -1
schedule = { kind = "step", every = 0, patience = 3 }
clip = { norm = 1, value = 2 }
accumulate = 0
freeze = 3
average = 1.5
warm_up = 3
"#;
    let found = problems(text, &[]);
    let expected = [
        "line 4: `model.activation.slope` is an option of leaky_relu, not of relu",
        "line 5: `model.initial.kind`: \"orthogonall\" is not one of ",
        "line 6: `model.dropout`: expected a number from 0 to below 1, found the number 1",
        "line 7: `model.normalize`: \"bach\" is not one of none, batch, layer; did you mean \"batch\"?",
        "line 9: `train.loss.delta`: expected a number above 0, found the number 0",
        "line 10: `train.class_weights`: expected \"balanced\", \"none\" or a list of numbers above 0, one for each class",
        "line 11: `train.l2`: expected a number of at least 0, found the number -1",
        "line 12: `train.schedule.every`: expected a whole number of at least 1, found the number 0",
        "line 12: `train.schedule.patience` is an option of plateau, not of step",
        "line 13: `train.clip` takes either `norm` or `value`: leave one out",
        "line 14: `train.accumulate`: expected a whole number of at least 1, found the number 0",
        "line 15: `train.freeze`: expected a list of texts, found the number 3",
        "line 16: `train.average`: expected a number from 0 to below 1, found the number 1.5",
        "line 17: there is no setting `train.warm_up`; did you mean `warmup`?",
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(expected), "{found}\n{expected}");
    }
}

/// A network of layers, as one would write it.
const NETWORK: &str = r#"
[data]
path = "iris"
[[model.layer]]
kind = "linear"
units = 16
initial = "lecun"
[[model.layer]]
kind = "activation"
activation = "selu"
name = "first"
[[model.layer]]
kind = "dropout"
rate = 0.2
[[model.layer]]
kind = "linear"
units = 16
[[model.layer]]
kind = "add"
from = ["first", "fc2"]
[[model.layer]]
kind = "batch_norm"
[[model.layer]]
kind = "reshape"
shape = [4, 4]
[[model.layer]]
kind = "flatten"
"#;

#[test]
fn a_network_is_read_layer_by_layer_and_written_back() {
    let config = load(NETWORK, &[]).unwrap();
    assert_eq!(config.model.kind, ModelKind::Network);
    let layers = &config.model.layers;
    assert_eq!(layers.len(), 8);
    let initial = Some(Initial::Lecun);
    assert_eq!(layers[0], LayerKind::Linear { units: 16, initial }.into());
    let selu = LayerKind::Activation { activation: Activation::Selu };
    assert_eq!(layers[1], Layer::new(selu).named("first"));
    assert_eq!(layers[4], Layer::new(LayerKind::Add).from(["first", "fc2"]));
    let text = config.to_toml();
    assert_eq!(load(&text, &[]).unwrap(), config, "{text}");
    assert!(text.contains("kind = \"network\"") && !text.contains("hidden"), "{text}");
    // Layers can be given beside a file, which then need not say `network`.
    let inline = load(IRIS, &["model.layer=[{kind=\"linear\", units=4}]"]).unwrap();
    assert_eq!((inline.model.kind, inline.model.layers.len()), (ModelKind::Network, 1));
    assert_eq!(load(NETWORK, &["model.kind=mlp"]).unwrap().model.layers, []);
}

#[test]
fn layers_over_images_are_read_and_written_back() {
    let text = r#"
data.path = "digits"
[[model.layer]]
kind = "conv"
channels = 8
size = 3
[[model.layer]]
kind = "conv"
channels = 8
size = 5
stride = 2
padding = 0
groups = 4
initial = "pytorch"
[[model.layer]]
kind = "max_pool"
size = 2
[[model.layer]]
kind = "average_pool"
size = 3
stride = 1
padding = 1
[[model.layer]]
kind = "global_average_pool"
"#;
    let config = load(text, &[]).unwrap();
    let layers: Vec<&LayerKind> = config.model.layers.iter().map(|layer| &layer.kind).collect();
    let conv = |size, stride, padding, groups, initial| LayerKind::Conv {
        channels: 8,
        size,
        stride,
        padding,
        groups,
        initial,
    };
    assert_eq!(
        layers,
        [
            &conv(3, 1, None, 1, None),
            &conv(5, 2, Some(0), 4, Some(Initial::Pytorch)),
            &LayerKind::MaxPool { size: 2, stride: None, padding: 0 },
            &LayerKind::AveragePool { size: 3, stride: Some(1), padding: 1 },
            &LayerKind::GlobalAveragePool,
        ]
    );
    let written = config.to_toml();
    assert_eq!(load(&written, &[]).unwrap(), config, "{written}");
    let found = problems(&text.replace("channels = 8\nsize = 3\n", "size = 0\nstrides = 2\n"), &[]);
    let expected = [
        "line 3: `model.layer`: a conv layer needs `channels`",
        "line 5: `model.layer.size`: expected a whole number of at least 1",
        "line 6: there is no setting `model.layer.strides`",
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for expected in expected {
        assert!(found.iter().any(|found| found.starts_with(expected)), "{expected}: {found:#?}");
    }
}

#[test]
fn mistakes_in_layers_have_their_lines() {
    let text = r#"
data.path = "iris"
[model]
kind = "mlp"
hidden = [3]
[[model.layer]]
kind = "linera"
units = 3
[[model.layer]]
units = 3
[[model.layer]]
kind = "linear"
[[model.layer]]
kind = "dropout"
rate = 2
unit = 3
"#;
    let found = problems(text, &[]);
    let expected = [
        "line 4: `model.kind = \"mlp\"` has no [[model.layer]]",
        "line 7: `model.layer.kind`: \"linera\" is not one of linear, conv, max_pool, average_pool, global_average_pool, activation, dropout, batch_norm, layer_norm, reshape, flatten, add, concatenate; did you mean \"linear\"?",
        "line 9: `model.layer`: `kind` is missing: one of linear, ",
        "line 11: `model.layer`: a linear layer needs `units`",
        "line 15: `model.layer.rate`: expected a number from 0 to below 1, found the number 2",
        "line 16: there is no setting `model.layer.unit`; there are kind, rate, name, from",
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(expected), "{found}\n{expected}");
    }
    let found = problems(&NETWORK.replace("\"first\", \"fc2\"", "\"frist\", \"fc3\""), &[]);
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(found[0].starts_with("line 18: `model.layer`: `add1` reads `frist`"), "{found:?}");
    assert!(found[0].contains("did you mean `first`?"), "{found:?}");
    assert!(
        problems("data.path = \"x\"\nmodel.kind = \"network\"", &[])[0].contains("needs layers")
    );
    let found = problems(
        &NETWORK.replace("[[model.layer]]\nkind = \"flatten\"", "[model]\nhidden=[3]"),
        &[],
    );
    assert!(!found.is_empty());
}

#[test]
fn shapes_of_more_numbers_than_can_be_counted_are_mistakes_not_panics() {
    use glassbox::zoo::Network;
    let layers = |shape: &str| {
        let text = format!(
            "data.path = \"iris\"\n[model]\nkind = \"network\"\n[[model.layer]]\nkind = \"linear\"\n\
             units = 9223372036854775807\n[[model.layer]]\nkind = \"reshape\"\nshape = {shape}\n\
             [[model.layer]]\nkind = \"conv\"\nchannels = 3\nsize = 3\n"
        );
        load(&text, &[]).unwrap().model.layers
    };
    for shape in
        ["[4294967296, 4294967296, 60]", "[4294967296, 429496792, 60]", "[9223372036854775807]"]
    {
        assert!(Network::new(layers(shape), &[4], 3).is_err(), "{shape}");
    }
}

#[test]
fn a_named_model_has_the_options_of_its_family_and_no_others() {
    let read = |text: &str, set: &[&str]| {
        let set: Vec<String> = set.iter().map(|s| (*s).to_owned()).collect();
        RunConfig::from_toml(&format!("[data]\npath = \"photos\"\n[model]\n{text}"), &set)
    };
    let config = read("kind = \"resnet18\"\nskip = false\nwidth = 0.5", &[]).unwrap();
    assert_eq!(config.model.kind.word(), "resnet18");
    assert!(!config.model.choices.skip && config.model.choices.width == 0.5);
    assert_eq!(RunConfig::from_toml(&config.to_toml(), &[]).unwrap(), config);
    // A family's own defaults, and what stands beside the file for another kind does not count.
    assert_eq!(read("kind = \"vgg11\"", &[]).unwrap().model.choices.dropout, 0.5);
    let changed = read("hidden = [3]\ndropout = 0.1", &["model.kind=vgg11"]).unwrap();
    assert_eq!(changed.model.choices.dropout, 0.5);
    let error = read("kind = \"resnet18\"\npatch = 4\nhidden = [3]", &[]).unwrap_err().to_string();
    assert!(error.contains("`model.patch` is no option of resnet18, which has `skip`"), "{error}");
    assert!(error.contains("`model.hidden` is no option of resnet18"), "{error}");
    let error = read("patch = 4", &[]).unwrap_err().to_string();
    assert!(
        error.contains("an option of `vit_tiny`, `vit_small`, `vit_base`, `autoencoder`, `conv-autoencoder`, not of mlp"),
        "{error}"
    );
    let error = read("kind = \"resnet19\"", &[]).unwrap_err().to_string();
    assert!(error.contains("did you mean \"resnet18\"?"), "{error}");
}
