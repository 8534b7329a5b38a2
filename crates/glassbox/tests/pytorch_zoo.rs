//! Every family of named models gives the numbers that PyTorch gives, and so do its loss, its gradients
//! and its running statistics. `fixtures/pytorch_zoo.py` made the fixture, in f64. Here scores and loss are
//! compared in f32 and f64; each gradient in f64, where no rounding moves an input of relu to the other
//! side of 0, and the gradients of f32 as a whole.
#![allow(clippy::unwrap_used, clippy::panic)] // In tests; clippy exempts only the test functions themselves.

use std::collections::BTreeMap;
use std::path::Path;

use glassbox::engine::{
    Array, DType, Graph, Mode, Options, Parameters, Session, Tensor, Value, grad,
};
use glassbox::nn::Loss;
use glassbox::zoo::{Choices, Named, Normalize};
use serde::Deserialize;

/// Differences beside the largest of what is compared, in f32 and in f64.
const ROUNDED: f64 = 1e-4;
const EXACT: f64 = 1e-7;
/// The middle one of the differences between the gradients' norms, in f32.
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
    fn filled(&self, name: &str, value: impl Fn(f64) -> f64) -> Vec<f64> {
        let mut filled = vec![0.0; self.elements()];
        let hash = fnv1a(name);
        for place in 0..filled.len() {
            filled[self.place(place)] = value(element(hash, place));
        }
        filled
    }
}

/// A parameter or running statistic filled as the fixture's are.
fn filled(case: &str, name: &str, layout: &Layout) -> Vec<f64> {
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
fn images([rows, height, width, channels]: [usize; 4]) -> Vec<f64> {
    let layout = Layout {
        shape: vec![],
        sizes: vec![rows, channels, height, width],
        steps: vec![height * width * channels, 1, width * channels, channels],
    };
    layout.filled("images", |x| x)
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

/// What a session finds.
struct Found {
    logits: Vec<f64>,
    loss: f64,
    norms: Vec<f64>,
    sampled: Vec<Vec<f64>>,
    states: Parameters,
}

/// A model in use and in training, recorded and laid out.
struct Model {
    used: Graph,
    logits: Value,
    training: Graph,
    /// The loss, norms of gradients, gradients.
    asked: Vec<Value>,
    /// Parameters by PyTorch's names and in their order.
    paths: Vec<String>,
    layouts: BTreeMap<String, Layout>,
    images: [usize; 4],
    labels: Vec<i64>,
}

/// Every so many parameters have elements in the fixture.
const SAMPLED: usize = 8;

impl Model {
    fn of(case: &Case, classes: usize) -> Self {
        let named = Named::from_word(&case.name).unwrap();
        let model = named.build(&choices(named, &case.options), classes);
        let used = Graph::new();
        let x = used.input("images", DType::F32, case.images);
        let logits = model.forward(used.root(Mode::Eval), x).value();
        used.check().unwrap();

        let training = Graph::new();
        let at = training.root(Mode::Train);
        let x = training.input("images", DType::F32, case.images);
        let (scores, heads) = model.forward_with_heads(at, x);
        let labels: Vec<i64> = (0..case.images[0]).map(|row| (row * 3 % classes) as i64).collect();
        let targets = training.input("labels", DType::I64, [labels.len()]);
        let mut loss = Loss::CrossEntropy.of(at.child("loss"), scores, targets);
        for (number, head) in heads.iter().enumerate() {
            let at = at.index("head_loss", number);
            loss = loss + Loss::CrossEntropy.of(at, head.scores, targets) * head.share;
        }
        let mut parameters: Vec<(String, Tensor<'_>)> = training.parameters();
        parameters.sort_by_key(|(path, _)| dotted(path));
        let tensors: Vec<Tensor<'_>> = parameters.iter().map(|(_, tensor)| *tensor).collect();
        let gradients = grad(loss, &tensors);
        let norms = gradients.iter().map(|gradient| gradient.square().sum().sqrt());
        let asked: Vec<Tensor<'_>> = [loss]
            .into_iter()
            .chain(norms)
            .chain(gradients.iter().step_by(SAMPLED).copied())
            .collect();
        training.check().unwrap();
        let layout = |(path, _): &(String, _)| {
            let sizes = training.state(path).unwrap().shape().sizes().to_vec();
            (path.clone(), Layout::of(&case.name, &dotted(path), &sizes))
        };
        let layouts = training.declarations().iter().map(layout).collect();
        let asked = asked.iter().map(|tensor| tensor.value()).collect();
        let paths = parameters.into_iter().map(|(path, _)| path).collect();
        let images = case.images;
        Model { used, logits, training, asked, paths, layouts, images, labels }
    }

    /// PyTorch's names and shapes.
    fn shapes(&self) -> String {
        let shape = |path: &String| {
            let sizes: Vec<String> =
                self.layouts[path].shape.iter().map(usize::to_string).collect();
            format!("{} {}\n", dotted(path), sizes.join("x"))
        };
        self.paths.iter().map(shape).collect()
    }

    fn run(&self, case: &str, dtype: DType) -> Found {
        let mut session = Session::new(Options::default()).unwrap();
        for (path, layout) in &self.layouts {
            let sizes = self.training.state(path).unwrap().shape();
            let values = filled(case, &dotted(path), layout);
            session.set(path, &Array::from_f64(dtype, sizes, &values).unwrap());
        }
        let in_type = |graph: &Graph| match dtype {
            DType::F64 => graph.in_f64(),
            _ => graph.clone(),
        };
        let images = Array::from_f64(dtype, self.images, &images(self.images)).unwrap();
        let mut inputs: Parameters = [("images".to_string(), images)].into_iter().collect();
        let mut evaluate = |graph: &Graph, asked: &[Value], inputs: &Parameters| {
            let graph = in_type(graph);
            let asked: Vec<Tensor<'_>> = asked.iter().map(|&v| graph.tensor(v).unwrap()).collect();
            session.evaluate(&graph, inputs, &asked).unwrap()
        };
        let logits = evaluate(&self.used, &[self.logits], &inputs)[0].to_f64();
        inputs.insert("labels", Array::vector(self.labels.clone()));
        let found = evaluate(&self.training, &self.asked, &inputs);
        let (norms, sampled) = found[1..].split_at(self.paths.len());
        let first = |array: &Array| array.to_f64()[0];
        Found {
            logits,
            loss: first(&found[0]),
            norms: norms.iter().map(first).collect(),
            sampled: sampled.iter().map(Array::to_f64).collect(),
            states: session.values(),
        }
    }
}

/// What differs from the fixture.
fn check(case: &Case, classes: usize) -> Vec<String> {
    let word = case.name.as_str();
    let model = Model::of(case, classes);
    let shapes = model.shapes();
    assert_eq!(model.paths.len(), case.parameters, "{word}");
    assert_eq!(format!("{:016x}", fnv1a(&shapes)), case.shapes, "{word}: {shapes}");
    let mut problems = Vec::new();
    let mut compare = |what: &str, apart: f64, most: f64| {
        if apart.is_nan() || apart >= most {
            problems.push(format!("{word}: {what}: {apart:.1e}"));
        }
        apart
    };
    let largest = case.norms.iter().copied().fold(0.0, f64::max);
    // What normalisation takes away again has a gradient of 0, but for rounding.
    let learns = |at: usize| case.norms[at] > 1e-9 * largest;
    let of_norm = |found: &Found, at: usize| {
        (found.norms[at] - case.norms[at]).abs() / if learns(at) { case.norms[at] } else { largest }
    };

    let found = model.run(word, DType::F32);
    let mut of_norms: Vec<f64> = (0..model.paths.len()).map(|at| of_norm(&found, at)).collect();
    of_norms.sort_by(f64::total_cmp);
    let rounded = [
        compare("f32 scores", apart(&found.logits, &case.logits), ROUNDED),
        compare("f32 loss", apart(&[found.loss], &[case.loss]), ROUNDED),
        compare("f32 gradients", of_norms[of_norms.len() / 2], GRADIENTS),
    ];

    let found = model.run(word, DType::F64);
    let scores = compare("scores", apart(&found.logits, &case.logits), EXACT);
    let loss = compare("loss", apart(&[found.loss], &[case.loss]), EXACT);
    let mut gradients = 0.0f64;
    for (at, path) in model.paths.iter().enumerate() {
        gradients = gradients.max(compare(path, of_norm(&found, at), EXACT));
        if at % SAMPLED > 0 || !learns(at) {
            continue;
        }
        let wanted = &case.samples[&dotted(path)];
        let of = |place: &usize| found.sampled[at / SAMPLED][model.layouts[path].place(*place)];
        let (found, wanted): (Vec<f64>, Vec<f64>) =
            wanted.iter().map(|(place, wanted)| (of(place), *wanted)).unzip();
        gradients = gradients.max(compare(path, apart(&found, &wanted), EXACT));
    }
    assert_eq!(case.samples.len(), model.paths.len().div_ceil(SAMPLED));
    let mut compared = 0;
    for path in model.layouts.keys() {
        let Some(wanted) = case.running.get(&dotted(path)) else { continue };
        let value = found.states.get(path).unwrap().to_f64();
        let mean = value.iter().sum::<f64>() / value.len() as f64;
        compare(path, (mean - wanted[0]).abs().max((value[0] - wanted[1]).abs()), EXACT);
        compared += 1;
    }
    assert_eq!(compared, case.running.len(), "{word}");
    println!(
        "{word}: f32 scores {:.1e}, loss {:.1e}, gradients {:.1e}; f64 scores {scores:.1e}, loss \
         {loss:.1e}, gradients {gradients:.1e}",
        rounded[0], rounded[1], rounded[2]
    );
    problems
}

#[test]
fn named_models_compute_what_pytorch_computes() {
    let fixture = fixture();
    let problems: Vec<String> =
        fixture.cases.iter().flat_map(|case| check(case, fixture.classes)).collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert_eq!(fixture.cases.len(), 16);
}
