//! Published weights go into a model and back; what is frozen stays, to the bit.
//! `fixtures/pytorch_weights.py` made the file.
#![allow(clippy::unwrap_used, clippy::panic)] // In tests; clippy exempts only the test functions themselves.

use std::path::{Path, PathBuf};

use glassbox::data::Targets;
use glassbox::engine::graph::Role;
use glassbox::engine::{Array, DType, Graph, Mode, Options, Parameters, Scope, Session, Tensor};
use glassbox::io::{pytorch, safetensors};
use glassbox::nn::{self, Conv, Initial, Module};
use glassbox::prelude::*;
use glassbox::train::event::Event;

/// The net of the fixture.
struct Small;

impl Module for Small {
    fn name(&self) -> &str {
        "small"
    }

    fn forward<'g>(&self, at: Scope<'g>, x: Tensor<'g>) -> Tensor<'g> {
        let x = nn::conv2d(at.child("conv1"), x, 6, Conv::new([3, 2]).padding([1, 1]));
        let x = nn::batch_norm(at.child("bn1"), x).relu();
        let conv = Conv::new([3, 3]).stride([2, 2]).groups(2).without_bias();
        let x = nn::conv2d(at.child("conv2"), x, 4, conv);
        let x = x.reshape([x.dim(0), x.elements() / x.dim(0)]);
        let x = nn::linear(at.child("fc1"), x, 5, Initial::He).relu();
        nn::linear(at.child("fc2"), x, 3, Initial::Xavier)
    }
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

#[test]
fn a_file_that_pytorch_saved_gives_its_scores_and_goes_back_as_it_was() {
    let text = std::fs::read_to_string(fixture("pytorch_weights.json")).unwrap();
    let told: serde_json::Value = serde_json::from_str(&text).unwrap();
    let (file, _) = safetensors::read(&fixture("pytorch_weights.safetensors")).unwrap();
    let graph = Graph::new();
    let images = graph.input("images", DType::F32, [2, 6, 6, 2]);
    let scores = Small.forward(graph.root(Mode::Eval), images).named("prediction");
    let read = pytorch::read(&graph, &file).unwrap();
    assert_eq!((read.drawn.len(), read.unused.len()), (0, 0));
    let numbers: Vec<f32> = serde_json::from_value(told["images"].clone()).unwrap();
    let mut given = Parameters::new();
    given.insert("images", Array::new([2, 6, 6, 2], numbers).unwrap());
    let mut session = Session::new(Options::default()).unwrap();
    session.load(read.values.clone());
    let ours = session.evaluate(&graph, &given, &[scores]).unwrap()[0].to_f64();
    let theirs: Vec<[f64; 3]> = serde_json::from_value(told["scores"].clone()).unwrap();
    // The weights were saved in half precision, the scores computed before.
    for (ours, theirs) in ours.iter().zip(theirs.concat()) {
        assert!((ours - theirs).abs() < 3e-3, "{ours} {theirs}");
    }
    let back = pytorch::write(&graph, &read.values).unwrap();
    for (name, array) in file.iter().filter(|(name, _)| !name.ends_with("num_batches_tracked")) {
        assert_eq!(back.get(name.trim_start_matches("module.")), Some(array), "{name}");
    }
    let shapes: std::collections::BTreeMap<String, Vec<usize>> =
        serde_json::from_value(told["shapes"].clone()).unwrap();
    assert!(back.iter().all(|(name, array)| shapes[name] == array.shape().sizes()));
}

/// Images of two channels whose class is where they are bright.
fn images() -> Dataset {
    let (rows, mut pixels, mut labels) = (60, Vec::new(), Vec::new());
    for row in 0..rows {
        let class = row % 3;
        labels.push(class as i64);
        for place in 0..36 {
            let bright = place / 12 == class;
            let noise = ((row * 36 + place) as f32 * 0.7).sin() * 0.3;
            pixels.extend([f32::from(u8::from(bright)) + noise, noise]);
        }
    }
    let inputs = Array::new([rows, 6, 6, 2], pixels).unwrap();
    Dataset::from_arrays(inputs, Targets::Classes(labels), &data::Options::default()).unwrap()
}

#[test]
fn frozen_parameters_and_statistics_do_not_change_by_a_bit() {
    let images = images();
    let first = Trainer::new(Small).epochs(2).seed(3).fit(&images).unwrap();
    let folder = std::env::temp_dir().join(format!("glassbox-weights-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("first.safetensors");
    let before = first.into_model().export(&file).unwrap();
    let heard = std::sync::Arc::new(std::sync::Mutex::new(None));
    let hear = heard.clone();
    let second = Trainer::new(Small)
        .start_from(&file)
        .freeze(["*", "!fc2/*"])
        .epochs(2)
        .seed(4)
        .on_event(move |event| {
            if let Event::Started(started) = event {
                *hear.lock().unwrap() = Some(started.choices.clone());
            }
            std::ops::ControlFlow::Continue(())
        })
        .fit(&images)
        .unwrap();
    let choices = heard.lock().unwrap().clone().flatten().unwrap();
    let weights = choices.weights.unwrap();
    assert_eq!((weights.taken, weights.drawn.len()), (before.len(), 0));
    assert!(choices.frozen.contains(&"bn1/weight".to_string()), "{:?}", choices.frozen);
    let again = folder.join("second.safetensors");
    let after = second.into_model().export(&again).unwrap();
    std::fs::remove_dir_all(&folder).ok();
    for (name, array) in before.iter() {
        let same = after.get(name) == Some(array);
        assert_eq!(same, !name.starts_with("fc2."), "{name}");
    }
}

#[test]
fn a_frozen_normalisation_is_the_one_in_use() {
    // With everything but the head frozen, what training computes is what the model gives.
    let graph = Graph::new();
    graph.hold(["bn1"]);
    let x = graph.input("x", DType::F32, [4, 6, 6, 2]);
    let y = Small.forward(graph.root(Mode::Train), x);
    let in_use = Graph::new();
    let other = in_use.input("x", DType::F32, [4, 6, 6, 2]);
    let expected = Small.forward(in_use.root(Mode::Eval), other);
    let mut given = Parameters::new();
    let numbers: Vec<f32> = (0..288).map(|i| (i as f32 * 0.3).sin()).collect();
    given.insert("x", Array::new([4, 6, 6, 2], numbers).unwrap());
    let mut session = Session::new(Options::default()).unwrap();
    session.load(graph.initial_values(1));
    let ours = session.evaluate(&graph, &given, &[y]).unwrap();
    assert_eq!(ours, session.evaluate(&in_use, &given, &[expected]).unwrap());
}

#[test]
fn a_head_of_other_classes_is_drawn_and_files_that_do_not_fit_are_errors() {
    let images = images();
    let folder = std::env::temp_dir().join(format!("glassbox-head-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = |name: &str| folder.join(name);
    let (mut file, _) = safetensors::read(&fixture("pytorch_weights.safetensors")).unwrap();
    file.insert("module.fc2.weight", Array::zeros(DType::F32, [7, 5]));
    file.insert("module.fc2.bias", Array::zeros(DType::F32, [7]));
    safetensors::write(&path("seven.safetensors"), &file, &Default::default()).unwrap();
    let from = |name: &str| Trainer::new(Small).start_from(path(name)).epochs(1).fit(&images);
    assert!(from("seven.safetensors").is_ok());
    file.remove("module.bn1.running_var");
    file.insert("module.fc1.weight", Array::zeros(DType::F32, [5, 25]));
    safetensors::write(&path("damaged.safetensors"), &file, &Default::default()).unwrap();
    let error = from("damaged.safetensors").err().unwrap().to_string();
    assert!(error.contains("no `module.bn1.running_var` for the state"), "{error}");
    assert!(error.contains("`module.fc1.weight` has the shape [5, 25]"), "{error}");
    std::fs::write(path("net.pth"), b"PK\x03\x04 and so on").unwrap();
    let error = from("net.pth").err().unwrap().to_string();
    assert!(error.contains("save_file(model.state_dict()"), "{error}");
    assert!(from("nowhere.safetensors").err().unwrap().to_string().contains("cannot read"));
    std::fs::remove_dir_all(&folder).ok();
}

#[test]
fn gradients_of_what_is_frozen_are_not_computed() {
    let images = images();
    let steps = |freeze: &[&str]| {
        let run = Trainer::new(Small).freeze(freeze.to_vec()).epochs(1).fit(&images).unwrap();
        let moment = run.moment().unwrap();
        let graph = moment.graph();
        let scope = |index: u32| graph.node(index as usize).map(|n| n.origin.scope);
        let nodes: Vec<_> = (0..graph.len()).filter_map(|index| graph.node(index)).collect();
        let derived = nodes.iter().filter_map(|node| match node.origin.role {
            Role::Adjoint { of } => Some(graph.scope_path(scope(of)?)),
            _ => None,
        });
        let of: std::collections::BTreeSet<String> = derived.collect();
        let loss = graph.named("loss").unwrap();
        let mut session = Session::new(Options::default()).unwrap();
        session.load(graph.initial_values(0));
        let prepared = session.prepare(graph, &[loss]).unwrap();
        let plan = prepared.plan().to_string();
        (of, plan.matches(" convolution").count())
    };
    let (all, convolutions) = steps(&[]);
    assert!(["conv2", "bn1", "fc1"].iter().all(|scope| all.contains(*scope)), "{all:?}");
    // Two forth; of the first its filter's derivative, of the second both.
    assert_eq!(convolutions, 5);
    let (head, convolutions) = steps(&["*", "!fc2/*"]);
    assert!(!["conv1", "conv2", "bn1", "fc1"].iter().any(|s| head.contains(*s)), "{head:?}");
    assert!(head.contains("fc2"), "{head:?}");
    assert_eq!(convolutions, 2);
}
