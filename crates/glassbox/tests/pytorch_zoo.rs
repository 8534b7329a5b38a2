//! Every family of named models gives the numbers that PyTorch gives, and so do its loss, its gradients
//! and its running statistics. `fixtures/pytorch_zoo.py` made the fixture, in f64; here it is f32.
#![allow(clippy::unwrap_used, clippy::panic)] // In tests; clippy exempts only the test functions themselves.

use std::collections::BTreeMap;
use std::path::Path;

use glassbox::engine::{
    Array, DType, Graph, Kind, Mode, Options, Parameters, Session, Tensor, grad,
};
use glassbox::nn::Loss;
use glassbox::zoo::{Choices, Named, Normalize};
use serde::Deserialize;

/// Of what is compared, beside the largest of it.
const LOGITS: f64 = 1e-4;
const GRADIENTS: f64 = 1e-3;

#[derive(Deserialize)]
struct Fixture {
    classes: usize,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    options: Asked,
    images: [usize; 4],
    logits: Vec<f64>,
    loss: f64,
    /// A hash of all names and shapes, PyTorch's.
    shapes: String,
    parameters: usize,
    /// Of the gradients, by name.
    norms: Vec<f64>,
    /// Elements of gradients by place, of every eighth parameter.
    samples: BTreeMap<String, BTreeMap<usize, f64>>,
    /// Mean and first element of running statistics after the step.
    running: BTreeMap<String, [f64; 2]>,
}

#[derive(Deserialize)]
struct Asked {
    normalize: Option<String>,
    pre_activation: Option<bool>,
    patch: Option<usize>,
    width: Option<f64>,
}

fn fixture() -> Fixture {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/pytorch_zoo.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn fnv1a(text: &str) -> u64 {
    let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    text.bytes().fold(0xcbf2_9ce4_8422_2325, mix)
}

/// The fixture's formula: element `place` of what has this name.
fn element(name: u64, place: usize) -> f64 {
    let i = (place as u64 + 1) % 65_521;
    let drawn = (i * i % 65_521 * 7_919 + name % 65_521 * 104_729) % 65_521;
    drawn as f64 / 65_521.0 * 2.0 - 1.0
}

/// A parameter's shape and order of elements in PyTorch.
struct Layout {
    shape: Vec<usize>,
    /// What each axis of the shape (its first, flattened image's axes apart) steps by in ours.
    sizes: Vec<usize>,
    steps: Vec<usize>,
}

impl Layout {
    fn of(case: &str, name: &str, ours: &[usize]) -> Self {
        // Behind a flattened image PyTorch's inputs go channel by channel.
        let image = match (case, name) {
            ("lenet", "fc1.weight") => Some([5, 5]),
            ("alexnet", "classifier.1.weight") => Some([6, 6]),
            ("vgg11", "classifier.0.weight") => Some([7, 7]),
            ("googlenet", "aux1.fc1.weight" | "aux2.fc1.weight") => Some([4, 4]),
            _ => None,
        };
        match (ours, image) {
            (&[height, width, inputs, outputs], _) => Layout {
                shape: vec![outputs, inputs, height, width],
                sizes: vec![outputs, inputs, height, width],
                steps: vec![1, outputs, width * inputs * outputs, inputs * outputs],
            },
            (&[inputs, outputs], Some([height, width])) => {
                let channels = inputs / (height * width);
                Layout {
                    shape: vec![outputs, inputs],
                    sizes: vec![outputs, channels, height, width],
                    steps: vec![1, outputs, width * channels * outputs, channels * outputs],
                }
            }
            (&[inputs, outputs], None) => Layout {
                shape: vec![outputs, inputs],
                sizes: vec![outputs, inputs],
                steps: vec![1, outputs],
            },
            _ => {
                let count = ours.iter().product();
                let mut shape = ours.to_vec();
                if name.ends_with("layer_scale") {
                    shape.extend([1, 1]);
                }
                Layout { shape, sizes: vec![count], steps: vec![1] }
            }
        }
    }

    /// Where the element that PyTorch has at `place` stands in ours.
    fn place(&self, mut place: usize) -> usize {
        let mut ours = 0;
        for (size, step) in self.sizes.iter().zip(&self.steps).rev() {
            ours += place % size * step;
            place /= size;
        }
        ours
    }

    fn elements(&self) -> usize {
        self.sizes.iter().product()
    }

    /// All numbers of a parameter, in our order.
    fn filled(&self, name: &str, value: impl Fn(f64) -> f64) -> Vec<f32> {
        let mut filled = vec![0.0; self.elements()];
        let hash = fnv1a(name);
        for place in 0..filled.len() {
            filled[self.place(place)] = value(element(hash, place)) as f32;
        }
        filled
    }
}

/// A parameter or running statistic filled as the fixture's are.
fn filled(case: &str, name: &str, layout: &Layout) -> Vec<f32> {
    let fan_in: usize = layout.shape.iter().skip(1).product();
    let matrix = layout.shape.len() >= 2 && fan_in > 1;
    let gain = if ["lenet", "alexnet", "vgg11"].contains(&case) { 6.0 } else { 3.0 };
    let scale = (gain / fan_in.max(1) as f64).sqrt();
    match name.rsplit('.').next().unwrap() {
        "running_var" => layout.filled(name, |x| 1.0 + 0.3 * x),
        "running_mean" => layout.filled(name, |x| 0.1 * x),
        "layer_scale" | "gamma" => layout.filled(name, |x| 0.5 + 0.3 * x),
        "weight" if matrix => layout.filled(name, |x| x * scale),
        "weight" => layout.filled(name, |x| 1.0 + 0.2 * x),
        _ => layout.filled(name, |x| 0.1 * x),
    }
}

fn dotted(path: &str) -> String {
    path.replace('/', ".")
}

/// Images are filled channel by channel.
fn images([rows, height, width, channels]: [usize; 4]) -> Array {
    let layout = Layout {
        shape: vec![],
        sizes: vec![rows, channels, height, width],
        steps: vec![height * width * channels, 1, width * channels, channels],
    };
    Array::new([rows, height, width, channels], layout.filled("images", |x| x)).unwrap()
}

/// The largest difference beside the largest of what is wanted.
fn apart(found: &[f64], wanted: &[f64]) -> f64 {
    assert_eq!(found.len(), wanted.len());
    let largest = wanted.iter().fold(0.0f64, |most, x| most.max(x.abs()));
    let differ = found.iter().zip(wanted).map(|(a, b)| (a - b).abs());
    differ.fold(0.0, f64::max) / largest
}

fn choices(named: Named, asked: &Asked) -> Choices {
    let mut choices = Choices { dropout: 0.0, stochastic_depth: 0.0, ..named.family.defaults };
    if let Some(word) = &asked.normalize {
        choices.normalize = Normalize::from_word(word).unwrap();
    }
    choices.pre_activation = asked.pre_activation.unwrap_or(choices.pre_activation);
    choices.patch = asked.patch.unwrap_or(choices.patch);
    choices.width = asked.width.unwrap_or(choices.width);
    choices
}

/// What differs from the fixture.
fn check(case: &Case, classes: usize) -> Vec<String> {
    let named = Named::from_word(&case.name).unwrap();
    let model = named.build(&choices(named, &case.options), classes);
    let word = case.name.as_str();
    let mut session = Session::new(Options::default()).unwrap();
    let mut inputs: Parameters =
        [("images".to_string(), images(case.images))].into_iter().collect();

    // In training: names and shapes, loss, gradients, running statistics.
    let graph = Graph::new();
    let at = graph.root(Mode::Train);
    let x = graph.input("images", DType::F32, case.images);
    let (scores, heads) = model.forward_with_heads(at, x);
    let labels: Vec<i64> = (0..case.images[0]).map(|row| (row * 3 % classes) as i64).collect();
    let targets = graph.input("labels", DType::I64, [labels.len()]);
    let mut loss = Loss::CrossEntropy.of(at.child("loss"), scores, targets);
    for (number, head) in heads.iter().enumerate() {
        let of_head = Loss::CrossEntropy.of(at.index("head_loss", number), head.scores, targets);
        loss = loss + of_head * head.share;
    }
    let mut parameters: Vec<(String, Tensor<'_>)> = graph.parameters();
    parameters.sort_by_key(|(path, _)| dotted(path));
    let layouts: BTreeMap<String, Layout> = graph
        .declarations()
        .iter()
        .map(|(path, _)| {
            let sizes = graph.state(path).unwrap().shape().sizes().to_vec();
            (path.clone(), Layout::of(word, &dotted(path), &sizes))
        })
        .collect();
    let shape = |(path, _): &(String, Tensor<'_>)| {
        let sizes: Vec<String> = layouts[path].shape.iter().map(usize::to_string).collect();
        format!("{} {}\n", dotted(path), sizes.join("x"))
    };
    let shapes: String = parameters.iter().map(shape).collect();
    assert_eq!(parameters.len(), case.parameters, "{word}");
    assert_eq!(format!("{:016x}", fnv1a(&shapes)), case.shapes, "{word}: {shapes}");
    for (path, layout) in &layouts {
        let sizes = graph.state(path).unwrap().shape();
        session.set(path, &Array::new(sizes, filled(word, &dotted(path), layout)).unwrap());
    }

    // In use.
    let used = Graph::new();
    let x = used.input("images", DType::F32, case.images);
    let logits = model.forward(used.root(Mode::Eval), x);
    used.check().unwrap();
    let found = session.evaluate(&used, &inputs, &[logits]).unwrap()[0].to_f64();
    let of_logits = apart(&found, &case.logits);

    let tensors: Vec<Tensor<'_>> = parameters.iter().map(|(_, tensor)| *tensor).collect();
    let gradients = grad(loss, &tensors);
    let mut asked = vec![loss];
    asked.extend(gradients.iter().map(|gradient| gradient.square().sum().sqrt()));
    let sampled: Vec<usize> = (0..parameters.len()).step_by(8).collect();
    asked.extend(sampled.iter().map(|&at| gradients[at]));
    graph.check().unwrap();
    inputs.insert("labels", Array::vector(labels));
    let found = session.evaluate(&graph, &inputs, &asked).unwrap();
    let first = |array: &Array| array.to_f64()[0];
    let of_loss = (first(&found[0]) - case.loss).abs() / case.loss;
    let norms: Vec<f64> = found[1..=parameters.len()].iter().map(first).collect();
    let largest = case.norms.iter().copied().fold(0.0, f64::max);
    let (mut of_gradients, mut problems) = (0.0f64, Vec::new());
    for ((norm, wanted), (path, _)) in norms.iter().zip(&case.norms).zip(&parameters) {
        // What normalisation takes away again has a gradient of 0, but for rounding.
        let zero = *wanted < 1e-9 && *norm < 1e-5 * largest;
        let apart = if zero { 0.0 } else { (norm - wanted).abs() / wanted };
        if apart >= GRADIENTS {
            problems.push(format!("norm of {path}'s gradient: {norm}, {wanted}"));
        }
        of_gradients = of_gradients.max(apart);
    }
    for (&at, gradient) in sampled.iter().zip(&found[1 + parameters.len()..]) {
        let (path, gradient) = (&parameters[at].0, gradient.to_f64());
        let wanted = &case.samples[&dotted(path)];
        let of = |place: &usize| gradient[layouts[path].place(*place)];
        let (found, wanted): (Vec<f64>, Vec<f64>) =
            wanted.iter().map(|(place, wanted)| (of(place), *wanted)).unzip();
        if case.norms[at] > 1e-9 {
            let apart = apart(&found, &wanted);
            if apart >= GRADIENTS {
                problems.push(format!("gradient of {path}: {found:?}, {wanted:?}"));
            }
            of_gradients = of_gradients.max(apart);
        }
    }
    assert_eq!(case.samples.len(), sampled.len());
    let states = graph.declarations();
    let states = states.iter().filter(|(_, declaration)| declaration.kind == Kind::State);
    let mut compared = 0;
    for (path, _) in states {
        let Some(wanted) = case.running.get(&dotted(path)) else { continue };
        let value = session.value(path).unwrap().to_f64();
        let mean = value.iter().sum::<f64>() / value.len() as f64;
        let apart = (mean - wanted[0]).abs().max((value[0] - wanted[1]).abs());
        let size = wanted[0].abs().max(wanted[1].abs()).max(0.1);
        if apart >= GRADIENTS * size {
            problems.push(format!("{path}: {mean}, {}, {wanted:?}", value[0]));
        }
        compared += 1;
    }
    assert_eq!(compared, case.running.len(), "{word}");
    println!("{word}: logits {of_logits:.1e}, loss {of_loss:.1e}, gradients {of_gradients:.1e}");
    if of_logits >= LOGITS || of_loss >= LOGITS {
        problems.push(format!("logits {of_logits}, loss {of_loss}"));
    }
    problems.iter().map(|problem| format!("{word}: {problem}")).collect()
}

#[test]
fn named_models_compute_what_pytorch_computes() {
    let fixture = fixture();
    let problems: Vec<String> =
        fixture.cases.iter().flat_map(|case| check(case, fixture.classes)).collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert_eq!(fixture.cases.len(), 16);
}
