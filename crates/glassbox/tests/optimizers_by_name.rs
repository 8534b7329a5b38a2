//! Parameters that move in a way of their own, chosen by name; tables of which only the rows move that
//! were looked up.
#![allow(clippy::unwrap_used, clippy::panic)] // A test fails by panicking.

use std::path::Path;

use glassbox::engine::{Array, DType, Graph, Mode, Options, Session};
use glassbox::nn::{self, Chosen, Optimizer, Optimizers};
use glassbox::prelude::*;
use glassbox::train::Job;
use glassbox::train::config::RunConfig;
use glassbox::watch::Element;
use serde_json::Value;

fn fixture() -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/pytorch_rows.json");
    serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

/// The table after the fixture's steps, by this optimiser, by rows or as a whole.
fn trained(found: &Value, optimizer: Optimizer, by_rows: bool) -> Vec<f64> {
    let shape: Vec<usize> = numbers(&found["shape"]).iter().map(|&size| size as usize).collect();
    let (ids, targets) = (found["ids"].as_array().unwrap(), found["targets"].as_array().unwrap());
    let each = ids[0].as_array().unwrap().len();
    let graph = Graph::new();
    let at = graph.root(Mode::Train);
    let table = at.parameter_of(DType::F64, "words/weight", shape.as_slice(), 0.0);
    let looked_up = nn::embedding(table, graph.input("ids", DType::I64, [each]), None);
    let target = graph.input("target", DType::F64, [each, shape[1]]);
    let loss = (looked_up - target).square().sum();
    let (rate, step) = (graph.input("rate", DType::F64, []), graph.input("step", DType::I64, []));
    let how = match by_rows {
        // Everything is by the chosen one: the other is another kind with another rate.
        true => Optimizers::from(Optimizer::MOMENTUM.with_lr(optimizer.lr() * 4.0))
            .with(Chosen::new("words/*", optimizer).rows()),
        false => optimizer.into(),
    };
    how.update(at.child("optimizer"), loss, graph.parameters(), rate, step);
    let mut session = Session::new(Options { threads: 1, ..Options::default() }).unwrap();
    let mut start = graph.initial_values(0);
    start.insert("words/weight", Array::new(shape, numbers(&found["start"])).unwrap());
    session.load(start);
    let plan = session.prepare(&graph, &[loss]).unwrap();
    let (mut inputs, mut outputs) = (plan.inputs(), plan.outputs());
    let slot = |name: &str| plan.input(name).unwrap();
    let rate = optimizer.lr() * if by_rows { 4.0 } else { 1.0 };
    for (number, (ids, target)) in ids.iter().zip(targets).enumerate() {
        let ids = numbers(ids).iter().map(|&id| id as i64).collect::<Vec<_>>();
        inputs[slot("ids")].as_slice_mut::<i64>().unwrap().copy_from_slice(&ids);
        inputs[slot("target")].as_slice_mut::<f64>().unwrap().copy_from_slice(&numbers(target));
        inputs[slot("rate")].as_slice_mut::<f64>().unwrap()[0] = rate;
        inputs[slot("step")].as_slice_mut::<i64>().unwrap()[0] = number as i64 + 1;
        session.run(&plan, &mut inputs, &mut outputs).unwrap();
    }
    session.values().get("words/weight").unwrap().to_f64().to_vec()
}

#[track_caller]
fn close(ours: &[f64], theirs: &[f64], what: &str) {
    assert_eq!(ours.len(), theirs.len());
    for (at, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
        assert!((ours - theirs).abs() < 1e-12, "{what}, element {at}: {ours} against {theirs}");
    }
}

#[test]
fn rows_move_as_pytorch_s_sparse_optimisers_move_them() {
    let found = fixture();
    assert!(found["torch"].is_string());
    let rate = found["rate"].as_f64().unwrap();
    for (name, table) in found["tables"].as_object().unwrap() {
        let mut optimizer = Optimizer::from_word(name).unwrap().with_lr(rate);
        if let Optimizer::Adam { epsilon, .. } = &mut optimizer {
            *epsilon = 1e-20;
        }
        close(&trained(&found, optimizer, true), &numbers(table), name);
        // Adam moves rows that do not come by what it remembers of them; the others do not.
        let whole = trained(&found, optimizer, false);
        match optimizer {
            Optimizer::Adam { .. } => assert!(
                whole.iter().zip(numbers(table)).any(|(a, b)| (a - b).abs() > 1e-3),
                "{name}"
            ),
            _ => close(&whole, &numbers(table), name),
        }
    }
}

#[test]
fn a_step_by_rows_costs_what_its_rows_cost() {
    let (rows, width, count) = (100_000, 16, 32);
    let bytes = |by_rows: bool| {
        let graph = Graph::new();
        let at = graph.root(Mode::Train);
        let table = nn::embedding_table(at.child("words"), rows, width);
        let looked_up = nn::embedding(table, graph.input("ids", DType::I64, [count]), None);
        let loss = looked_up.square().mean();
        let (rate, step) =
            (graph.input("rate", DType::F32, []), graph.input("step", DType::I64, []));
        let chosen = Chosen::new("words/weight", Optimizer::ADAM);
        let chosen = if by_rows { chosen.rows() } else { chosen };
        let how = Optimizers::from(Optimizer::ADAM).with(chosen);
        how.update(at.child("optimizer"), loss, graph.parameters(), rate, step);
        let mut session = Session::new(Options::default()).unwrap();
        session.load(graph.initial_values(0));
        let cost = session.prepare(&graph, &[loss]).unwrap().plan().cost();
        (cost.bytes_read + cost.bytes_written, cost.arena_bytes)
    };
    let ((few, arena), (all, _)) = (bytes(true), bytes(false));
    // Six passes over the table, and its gradient; by rows the numbers of their places alone.
    assert!(all > 6 * 4 * rows * width, "{all}");
    assert!(few < 40 * rows && arena < 20 * rows, "{few}, {arena}");
}

#[test]
fn what_cannot_move_by_rows_is_told() {
    let graph = Graph::new();
    let at = graph.root(Mode::Train);
    let words = nn::embedding_table(at.child("words"), 10, 4);
    let looked_up = nn::embedding(words, graph.input("ids", DType::I64, [3]), None);
    // The same table gives the scores: its gradient has two parts.
    let loss = looked_up.matmul(words.transpose()).square().mean();
    let (rate, step) = (graph.input("rate", DType::F32, []), graph.input("step", DType::I64, []));
    let how = Optimizers::from(Optimizer::ADAM).with(Chosen::new("*", Optimizer::ADAM).rows());
    how.update(at.child("optimizer"), loss, graph.parameters(), rate, step);
    let told = graph.check().unwrap_err().to_string();
    assert!(told.contains("`words/weight` cannot move by rows"), "{told}");
    assert!(told.contains("optimizers_by_name.rs"), "{told}");
}

fn config(settings: &str) -> Result<RunConfig, String> {
    let text = format!("[data]\npath = \"iris\"\n[train]\nepochs = 2\n{settings}");
    RunConfig::from_toml(&text, &[]).map_err(|error| error.to_string())
}

#[test]
fn a_configuration_chooses_by_name_and_is_written_back() {
    let chosen = "[[train.optimizers]]\npaths = \"fc1/*\"\nkind = \"momentum\"\nlr = 1e-30";
    let found = config(chosen).unwrap();
    let expected = Optimizer::MOMENTUM.with_lr(1e-30);
    assert_eq!(found.train.optimizers, [Chosen::new("fc1/*", expected)]);
    assert_eq!(RunConfig::from_toml(&found.to_toml(), &[]).unwrap(), found);
    // What is left open is as for the others.
    let found = config("optimizer = { lr = 0.5 }\noptimizers = [{ paths = \"*\" }]").unwrap();
    assert_eq!(found.train.optimizers[0].optimizer, found.train.optimizer);
    let told = config("[[train.optimizers]]\nlr = 0\nrow = true").unwrap_err();
    for part in ["`paths` is missing", "above 0", "did you mean `rows`?"] {
        assert!(told.contains(part), "{told}");
    }
    for (settings, part) in [
        ("optimizers = [{ paths = \"fc9/*\" }]", "no parameter that learns matches `fc9/*`"),
        ("optimizers = [{ paths = \"fc1/*\" }, { paths = \"*/bias\" }]", "`fc1/bias` is chosen by"),
        ("optimizers = [{ paths = \"fc1/weight\", rows = true }]", "cannot move by rows"),
    ] {
        let told = Job::from_config(config(settings).unwrap()).err().unwrap().to_string();
        assert!(told.contains(part), "{told}");
    }
}

#[test]
fn the_chosen_parameters_move_by_their_own_rate() {
    let iris = data::iris();
    let first = |trainer: Trainer<Mlp>| {
        let run = trainer.epochs(1).seed(3).fit(&iris).unwrap();
        let of = |path: &str| run.parameters().get(path).unwrap().to_f64().to_vec();
        (of("fc1/weight"), of("fc2/weight"))
    };
    let trainer = || Trainer::new(Mlp::new([4, 8, 3])).optimizer(Optimizer::MOMENTUM);
    let still = Chosen::new("fc1/*", Optimizer::GRADIENT_DESCENT.with_lr(1e-30));
    let start = Mlp::new([4, 8, 3]);
    let graph = Graph::new();
    start.forward(graph.root(Mode::Train), graph.input("x", DType::F32, [1, 4]));
    let start = graph.initial_values(3);
    let (fc1, fc2) = first(trainer().optimizer_for(still));
    assert_eq!(fc1, start.get("fc1/weight").unwrap().to_f64().to_vec());
    assert_ne!(fc2, start.get("fc2/weight").unwrap().to_f64().to_vec());
    assert_ne!(first(trainer()).0, fc1);
}

#[test]
fn explanations_tell_how_each_parameter_moves() {
    let quick = Chosen::new("fc1/*", Optimizer::MOMENTUM.with_lr(0.5));
    let run = Trainer::new(Mlp::new([4, 8, 3]))
        .optimizer(Optimizer::GRADIENT_DESCENT.with_lr(0.25))
        .optimizer_for(quick)
        .epochs(1)
        .fit(&data::iris())
        .unwrap();
    let moment = run.moment().unwrap();
    for (path, kind, rate) in
        [("fc1/weight", "momentum", 0.5), ("fc2/weight", "gradient_descent", 0.25)]
    {
        let of = Element::parse(&format!("{path}[0, 0]")).unwrap();
        let movement = moment.why(&of).unwrap();
        assert_eq!((movement.optimizer.as_str(), movement.rate), (kind, rate), "{path}");
        assert!(movement.adds_up, "{movement}");
    }
}
