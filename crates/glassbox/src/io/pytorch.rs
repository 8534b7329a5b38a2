//! Weights in PyTorch's names and layouts: published ones go into a model, a model's go back.
//!
//! A path is a name with points: `layer1/0/conv1/weight` is `layer1.0.conv1.weight`. Layouts follow
//! from what the graph does with a value: filters are `[height, width, inputs, outputs]` here and
//! `[outputs, inputs, height, width]` there, a layer's weights are turned over, and a layer that reads
//! a flattened image reads its channels last here and first there. Weights of GPT-2's layers lie there as
//! they lie here.
//!
//! ```
//! use glassbox::engine::{Array, DType, Graph, Mode, Parameters};
//! use glassbox::io::pytorch;
//! use glassbox::nn::{Initial, linear};
//! let graph = Graph::new();
//! let x = graph.input("x", DType::F32, [1, 2]);
//! linear(graph.root(Mode::Eval).child("fc"), x, 3, Initial::He).named("prediction");
//! let mut file = Parameters::new();
//! file.insert("fc.weight", Array::new([3, 2], vec![1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0])?);
//! file.insert("fc.bias", Array::new([3], vec![0.0f32; 3])?);
//! let read = pytorch::read(&graph, &file).map_err(|problems| problems.join("\n"))?;
//! assert_eq!(read.values.get("fc/weight").unwrap().to_f64(), [1.0, 3.0, 5.0, 2.0, 4.0, 6.0]);
//! assert_eq!(pytorch::write(&graph, &read.values)?.get("fc.weight"), file.get("fc.weight"));
//! # Ok::<(), String>(())
//! ```

use std::collections::{BTreeMap, BTreeSet, HashSet};

use glassbox_engine::graph::{Declaration, Node};
use glassbox_engine::op::{Convolved, Op};
use glassbox_engine::{Array, DType, Data, Graph, Kind, Parameters, Shape, Tensor, Value};

use crate::nearest::{listed, suggestion};

/// The result whose layer is a model's head.
const PREDICTION: &str = "prediction";
/// PyTorch counts the batches that a normalisation saw; nothing depends on it.
const COUNTER: &str = "num_batches_tracked";
/// Layers of GPT-2, whose weights are `[inputs, outputs]` there too (Hugging Face's `Conv1D`).
const AS_HERE: [&str; 3] = ["c_attn", "c_proj", "c_fc"];
/// Problems that are written out; the others are counted.
const TOLD: usize = 12;

/// What a file gives a model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Read {
    /// Values by path, as they lie here.
    pub values: Parameters,
    /// Parameters of the head that the file does not have, or has for other classes: they are drawn.
    pub drawn: Vec<String>,
    /// Arrays of the file that the model has no place for.
    pub unused: Vec<String>,
}

/// PyTorch's name of a parameter or state: points between its parts. Those of recurrent layers are
/// `weight_ih_l0` and their like.
///
/// ```
/// use glassbox::io::pytorch::name;
/// assert_eq!(name("layer1/0/bn1/running_var"), "layer1.0.bn1.running_var");
/// assert_eq!(name("rnn/layer1/input/weight"), "rnn.weight_ih_l0");
/// assert_eq!(name("rnn/layer2/recurrent/bias"), "rnn.bias_hh_l1");
/// ```
pub fn name(path: &str) -> String {
    let parts: Vec<&str> = path.split('/').collect();
    if let [before @ .., layer, side @ ("input" | "recurrent"), kind] = &parts[..]
        && let Some(number) = layer.strip_prefix("layer").and_then(|n| n.parse::<usize>().ok())
        && number > 0
    {
        let side = if *side == "input" { "ih" } else { "hh" };
        return format!("{}.{kind}_{side}_l{}", before.join("."), number - 1);
    }
    parts.join(".")
}

/// The values that a model takes from the arrays of a file: by PyTorch's names and in its layouts, or
/// by paths and as they lie here. A prefix that most names have (`module.`, `bert.`) is left out. Weights
/// and biases of normalisations may be called `gamma` and `beta`.
///
/// `graph` is the model in use, its result called `prediction`. The layer that gives it is the head: if
/// the file has it for another number of classes, or not at all, it is left to be drawn.
///
/// # Errors
/// Every other parameter and state that the file does not have or has in another shape.
pub fn read(graph: &Graph, file: &Parameters) -> Result<Read, Vec<String>> {
    let lying = Lying::of(graph);
    let names: Vec<&str> = file.iter().map(|(name, _)| name).collect();
    let prefix = lying.prefix(&names);
    let mut read = Read::default();
    let (mut problems, mut misshapen, mut used) = (Vec::new(), 0, HashSet::new());
    for place in &lying.places {
        let plain = name(&place.path);
        let mut in_file = vec![format!("{prefix}{plain}"), place.path.clone(), plain];
        for (ours, theirs) in [(".weight", ".gamma"), (".bias", ".beta")] {
            in_file.extend(in_file[0].strip_suffix(ours).map(|layer| format!("{layer}{theirs}")));
        }
        let Some((found, array)) = in_file.iter().find_map(|name| Some((name, file.get(name)?)))
        else {
            match lying.heads(&place.path) {
                true => read.drawn.push(place.path.clone()),
                false => problems.push(missing(place, &in_file[0], &names)),
            }
            continue;
        };
        used.insert(found.as_str().to_owned());
        let own = *found == place.path && found.contains('/');
        match place.read(array, own) {
            Ok(array) => drop(read.values.insert(place.path.clone(), array)),
            Err(_) if lying.heads(&place.path) => read.drawn.push(place.path.clone()),
            Err(what) => {
                misshapen += 1;
                problems.push(format!("`{found}` {what}"));
            }
        }
    }
    if !read.drawn.is_empty() {
        // Half of a head is none.
        let head: Vec<&Place> = lying.places.iter().filter(|p| lying.heads(&p.path)).collect();
        read.drawn = head.iter().map(|place| place.path.clone()).collect();
        head.iter().for_each(|place| drop(read.values.remove(&place.path)));
    }
    let left = |name: &&&str| !used.contains(**name) && !name.ends_with(COUNTER);
    read.unused = names.iter().filter(left).map(|name| name.to_string()).collect();
    if read.values.is_empty() && misshapen == 0 {
        let ours: Vec<String> = lying.places.iter().map(|place| name(&place.path)).collect();
        let ours: Vec<&str> = ours.iter().map(String::as_str).collect();
        return Err(vec![format!(
            "none of its {} arrays is of this model: it holds {}, the model has {}: take the weights \
             of the same architecture",
            names.len(),
            listed(&names),
            listed(&ours)
        )]);
    }
    if problems.len() > TOLD {
        let more = problems.len() - TOLD;
        problems.truncate(TOLD);
        problems.push(format!("and {more} more"));
    }
    if problems.is_empty() { Ok(read) } else { Err(problems) }
}

/// A model's values in PyTorch's names and layouts. What the graph does not declare is left out.
///
/// # Errors
/// A value of another shape than the graph declares.
pub fn write(graph: &Graph, values: &Parameters) -> Result<Parameters, String> {
    let places = Lying::of(graph).places;
    let of = |place: &Place| {
        let array = values.get(&place.path)?;
        Some(place.written(array).map(|array| (name(&place.path), array)))
    };
    places.iter().filter_map(of).collect()
}

fn missing(place: &Place, wanted: &str, names: &[&str]) -> String {
    let what = match place.kind {
        Kind::Parameter => "parameter",
        Kind::State => "state",
    };
    let hint = suggestion(wanted, "arrays", names);
    format!("there is no `{wanted}` for the {what} `{}`: {hint}", place.path)
}

/// The scope, with its `/`, of the layer that gives the result called `prediction`: a model's head.
pub(crate) fn head_of(graph: &Graph) -> Option<String> {
    let nodes: Vec<Node> = (0..graph.len()).filter_map(|index| graph.node(index)).collect();
    head(&nodes, graph.named(PREDICTION)?.value()).map(|head| head.scope)
}

/// What a model's head reads.
pub(crate) fn read_by_head(graph: &Graph) -> Option<Tensor<'_>> {
    let nodes: Vec<Node> = (0..graph.len()).filter_map(|index| graph.node(index)).collect();
    graph.tensor(head(&nodes, graph.named(PREDICTION)?.value())?.reads)
}

/// How the values of a graph lie in a file of PyTorch's.
struct Lying {
    places: Vec<Place>,
    /// The scope of the last layer, with its `/`.
    head: Option<String>,
}

/// How one value lies there.
struct Place {
    path: String,
    kind: Kind,
    shape: Shape,
    dtype: DType,
    turn: Turn,
}

/// An array's axes as they lie there (one that stands for a flattened image is cut into three), and
/// for each of ours which of those it is. `joined` says which of them make one axis there.
struct Turn {
    sizes: Vec<usize>,
    axes: Vec<usize>,
    joined: Vec<usize>,
}

impl Lying {
    fn of(graph: &Graph) -> Self {
        let nodes: Vec<Node> = (0..graph.len()).filter_map(|index| graph.node(index)).collect();
        let mut uses: BTreeMap<String, Use> = BTreeMap::new();
        for node in &nodes {
            let (Op::Matmul | Op::Convolution { gives: Convolved::Output | Convolved::Input, .. }) =
                node.op
            else {
                continue;
            };
            let Some(path) = node.args.get(1).and_then(|weight| state_of(&nodes, *weight)) else {
                continue;
            };
            let used = match node.op {
                Op::Matmul => Use::Weights(node.args.first().and_then(|x| image(&nodes, *x))),
                _ => Use::Filter,
            };
            uses.entry(path).or_insert(used);
        }
        let place = |(path, declared): (String, Declaration)| {
            let tensor = graph.state(&path)?;
            let layer = path.rsplit('/').nth(1);
            let used = uses.get(&path).filter(|_| !layer.is_some_and(|l| AS_HERE.contains(&l)));
            let turn = Turn::of(tensor.shape().sizes(), used);
            let (shape, dtype) = (tensor.shape(), tensor.dtype());
            Some(Place { path, kind: declared.kind, shape, dtype, turn })
        };
        let places = graph.declarations().into_iter().filter_map(place).collect();
        let head = graph.named(PREDICTION).and_then(|last| head(&nodes, last.value()));
        Lying { places, head: head.map(|head| head.scope) }
    }

    /// Whether a value belongs to the head.
    fn heads(&self, path: &str) -> bool {
        self.head.as_ref().is_some_and(|scope| path.starts_with(scope))
    }

    /// What stands before the names of a file, where that is the same before all that matter.
    fn prefix(&self, names: &[&str]) -> String {
        let wanted: Vec<String> = self.places.iter().map(|place| name(&place.path)).collect();
        let before = |file: &&str| {
            let fits = |wanted: &&String| {
                let before = file.strip_suffix(wanted.as_str());
                before.is_some_and(|before| before.is_empty() || before.ends_with('.'))
            };
            let longest = wanted.iter().filter(fits).max_by_key(|name| name.len())?;
            Some(file[..file.len() - longest.len()].to_owned())
        };
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        names.iter().filter_map(before).for_each(|prefix| *counts.entry(prefix).or_default() += 1);
        // Of equally many the shortest.
        let most = counts.into_iter().rev().max_by_key(|(_, count)| *count);
        most.map(|(prefix, _)| prefix).unwrap_or_default()
    }
}

impl Place {
    /// An array of a file as it lies here. `own` ones lie so already.
    fn read(&self, array: &Array, own: bool) -> Result<Array, String> {
        let theirs = if own { self.shape.sizes().to_vec() } else { self.turn.theirs() };
        let given = array.shape().sizes();
        // Axes of size 1 hold nothing apart: a class token is [1, 1, width] in some files.
        let held = |sizes: &[usize]| -> Vec<usize> {
            sizes.iter().copied().filter(|&size| size != 1).collect()
        };
        if held(given) != held(&theirs) {
            return Err(format!(
                "has the shape {:?}; `{}` of this model has {theirs:?}",
                given, self.path
            ));
        }
        match (array.data(), self.dtype) {
            (Data::F32(values), DType::F32) => {
                let turned = if own { values.clone() } else { self.turn.ours_of(values) };
                Array::new(self.shape.clone(), turned)
            }
            _ => {
                let values = array.to_f64();
                let turned = if own { values } else { self.turn.ours_of(&values) };
                Array::from_f64(self.dtype, self.shape.clone(), &turned)
            }
        }
    }

    /// An array of ours as it lies there.
    fn written(&self, array: &Array) -> Result<Array, String> {
        if array.shape() != &self.shape {
            let (path, shape) = (&self.path, array.shape());
            return Err(format!("`{path}` has the shape {shape}, not {}", self.shape));
        }
        match array.data() {
            Data::F32(values) => Array::new(self.turn.theirs(), self.turn.theirs_of(values)),
            _ => {
                let values = self.turn.theirs_of(&array.to_f64());
                Array::from_f64(self.dtype, self.turn.theirs(), &values)
            }
        }
    }
}

/// What a value is used for.
enum Use {
    /// The filter of a convolution.
    Filter,
    /// The right side of a product; where the left is a flattened image, its height, width and
    /// channels.
    Weights(Option<[usize; 3]>),
}

impl Turn {
    fn of(ours: &[usize], used: Option<&Use>) -> Self {
        match (used, ours) {
            (Some(Use::Filter), &[height, width, inputs, outputs]) => Turn {
                sizes: vec![outputs, inputs, height, width],
                axes: vec![2, 3, 1, 0],
                joined: vec![1; 4],
            },
            (Some(Use::Weights(Some([height, width, channels]))), &[inputs, outputs])
                if height * width * channels == inputs =>
            {
                Turn {
                    sizes: vec![outputs, *channels, *height, *width],
                    axes: vec![2, 3, 1, 0],
                    joined: vec![1, 3],
                }
            }
            (Some(Use::Weights(_)), &[inputs, outputs]) => {
                Turn { sizes: vec![outputs, inputs], axes: vec![1, 0], joined: vec![1; 2] }
            }
            _ => {
                let axes = (0..ours.len()).collect();
                Turn { sizes: ours.to_vec(), axes, joined: vec![1; ours.len()] }
            }
        }
    }

    /// The shape there.
    fn theirs(&self) -> Vec<usize> {
        let mut sizes = self.sizes.iter();
        let product = |&axes: &usize| sizes.by_ref().take(axes).product();
        self.joined.iter().map(product).collect()
    }

    /// The elements in the order in which they lie here.
    fn ours_of<T: Copy>(&self, theirs: &[T]) -> Vec<T> {
        let mut ours = Vec::with_capacity(theirs.len());
        self.each(|from| ours.extend(theirs.get(from)));
        ours
    }

    /// The elements in the order in which they lie there.
    fn theirs_of<T: Copy>(&self, ours: &[T]) -> Vec<T> {
        let (mut theirs, mut values) = (ours.to_vec(), ours.iter());
        self.each(|to| {
            if let (Some(place), Some(value)) = (theirs.get_mut(to), values.next()) {
                *place = *value;
            }
        });
        theirs
    }

    /// For each element as it lies here, where it lies there.
    fn each(&self, mut visit: impl FnMut(usize)) {
        let mut strides = vec![1; self.sizes.len()];
        for axis in (1..self.sizes.len()).rev() {
            strides[axis - 1] = strides[axis] * self.sizes[axis];
        }
        let Some((&last, outer)) = self.axes.split_last() else { return visit(0) };
        let rows: usize = outer.iter().map(|&axis| self.sizes[axis]).product();
        for row in 0..rows {
            let (mut left, mut from) = (row, 0);
            for &axis in outer.iter().rev() {
                from += left % self.sizes[axis] * strides[axis];
                left /= self.sizes[axis];
            }
            (0..self.sizes[last]).for_each(|i| visit(from + i * strides[last]));
        }
    }
}

/// The path of the state that a value is, whatever its shape.
fn state_of(nodes: &[Node], value: Value) -> Option<String> {
    let node = nodes.get(value.node as usize)?;
    match &node.op {
        Op::State { path } => Some(path.clone()),
        Op::Reshape | Op::Broadcast | Op::Detach | Op::Slice { .. } => {
            state_of(nodes, *node.args.first()?)
        }
        _ => None,
    }
}

/// The height, width and channels of the image that a value is the flattened rows of.
fn image(nodes: &[Node], value: Value) -> Option<[usize; 3]> {
    let mut seen = BTreeSet::new();
    let mut next = vec![value];
    while let Some(value) = next.pop().filter(|value| seen.insert(*value)) {
        let node = nodes.get(value.node as usize)?;
        let sizes = |value: &Value| {
            let output = nodes.get(value.node as usize)?.outputs.get(usize::from(value.output))?;
            Some(output.shape.sizes())
        };
        let here = sizes(&value)?;
        match &node.op {
            Op::Reshape => {
                let before = sizes(node.args.first()?)?;
                match (before, here) {
                    (&[rows, height, width, channels], &[same, _]) if rows == same => {
                        return (height * width > 1).then_some([height, width, channels]);
                    }
                    (before, here) if before == here => next.extend(node.args.first()),
                    _ => {}
                }
            }
            // What is done to each number changes no order.
            Op::Unary(_) | Op::Binary(_) | Op::Select | Op::Detach => {
                let alike = node.args.iter().rev().filter(|arg| sizes(arg) == Some(here));
                next.extend(alike);
            }
            _ => {}
        }
    }
    None
}

/// A model's last layer.
struct Head {
    /// Its scope, with the `/`.
    scope: String,
    /// What it multiplies by its weights.
    reads: Value,
}

/// The layer whose weights are nearest to a result.
fn head(nodes: &[Node], result: Value) -> Option<Head> {
    let mut seen = BTreeSet::new();
    let mut next = std::collections::VecDeque::from([result]);
    while let Some(value) = next.pop_front() {
        if !seen.insert(value) {
            continue;
        }
        let node = nodes.get(value.node as usize)?;
        if let (Op::Matmul | Op::Convolution { .. }, [reads, weights, ..]) =
            (&node.op, &node.args[..])
        {
            if let Some(path) = state_of(nodes, *weights) {
                let scope = format!("{}/", path.rsplit_once('/')?.0);
                return Some(Head { scope, reads: *reads });
            }
            let turned = nodes.get(weights.node as usize);
            if let Some(Node { op: Op::Permute { .. }, args, .. }) = turned
                && args.first().and_then(|table| state_of(nodes, *table)).is_some()
            {
                // Scores by the table that tokens are read from: it has no weights of its own.
                return None;
            }
        }
        next.extend(&node.args);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::{self, Conv, Initial};
    use glassbox_engine::op::Pooling;
    use glassbox_engine::{Mode, Scope};

    /// A convolution, a normalisation, a flattening and two layers.
    fn model<'g>(at: Scope<'g>, x: Tensor<'g>, classes: usize) -> Tensor<'g> {
        let x = nn::conv2d(at.child("conv1"), x, 3, Conv::new([2, 3]));
        let x = nn::batch_norm(at.child("bn1"), x).relu();
        let x = nn::max_pool2d(at.child("pool"), x, Pooling::new([1, 1]));
        let x = x.reshape([x.dim(0), x.elements() / x.dim(0)]).relu();
        let x = nn::linear(at.child("fc1"), x, 4, Initial::He).relu();
        nn::linear(at.child("fc2"), x, classes, Initial::Xavier).named(PREDICTION)
    }

    fn recorded(classes: usize) -> Graph {
        let graph = Graph::new();
        let x = graph.input("x", DType::F32, [2, 3, 4, 2]);
        model(graph.root(Mode::Eval), x, classes);
        graph.check().unwrap();
        graph
    }

    #[test]
    fn what_is_written_is_read_back_and_lies_as_pytorch_has_it() {
        let graph = recorded(5);
        let values = graph.initial_values(7);
        let file = write(&graph, &values).unwrap();
        let shape = |name: &str| file.get(name).unwrap().shape().sizes().to_vec();
        assert_eq!(shape("conv1.weight"), [3, 2, 2, 3]);
        assert_eq!(shape("fc1.weight"), [4, 3 * 2 * 2]);
        assert_eq!(shape("bn1.running_mean"), [3]);
        // Filter [height 1, width 2, input 1, output 2], and the unit 3 that reads row 1, column 0 of
        // channel 2.
        let at = |array: &Array, index: usize| array.to_f64()[index];
        let (ours, theirs) = (values.get("conv1/weight"), file.get("conv1.weight"));
        let index = ((3 + 2) * 2 + 1) * 3 + 2;
        let there = ((2 * 2 + 1) * 2 + 1) * 3 + 2;
        assert_eq!(at(ours.unwrap(), index), at(theirs.unwrap(), there));
        let (ours, theirs) = (values.get("fc1/weight"), file.get("fc1.weight"));
        assert_eq!(at(ours.unwrap(), (2 * 3 + 2) * 4 + 3), at(theirs.unwrap(), 3 * 12 + 2 * 4 + 2));
        let read = read(&graph, &file).unwrap();
        assert_eq!((read.values, read.drawn, read.unused), (values, vec![], vec![]));
    }

    #[test]
    fn own_files_and_prefixes_are_read_too() {
        let graph = recorded(5);
        let values = graph.initial_values(7);
        assert_eq!(read(&graph, &values).unwrap().values, values);
        let prefixed: Parameters = write(&graph, &values)
            .unwrap()
            .iter()
            .map(|(name, array)| (format!("module.net.{name}"), array.clone()))
            .collect();
        assert_eq!(read(&graph, &prefixed).unwrap().values, values);
    }

    #[test]
    fn another_head_is_drawn_and_all_else_that_does_not_fit_is_told() {
        let (thousand, graph) = (recorded(7), recorded(5));
        let mut file = write(&thousand, &thousand.initial_values(1)).unwrap();
        file.insert("aux.weight", Array::scalar(1.0));
        file.insert("bn1.num_batches_tracked", Array::vector(vec![3i64]));
        let found = read(&graph, &file).unwrap();
        assert_eq!(found.drawn, ["fc2/bias", "fc2/weight"]);
        assert_eq!(found.unused, ["aux.weight"]);
        assert!(found.values.get("fc1/weight").is_some() && found.values.get("fc2/bias").is_none());
        file.remove("bn1.running_var");
        file.insert("conv1.weight", Array::zeros(DType::F32, [3, 1, 2, 3]));
        let problems = read(&graph, &file).unwrap_err();
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert!(problems[0].contains("no `bn1.running_var` for the state"), "{problems:?}");
        assert!(problems[1].contains("has the shape [3, 1, 2, 3]"), "{problems:?}");
        let mut other = Parameters::new();
        other.insert("encoder.weight", Array::scalar(1.0));
        let problems = read(&graph, &other).unwrap_err();
        assert!(problems[0].starts_with("none of its 1 arrays"), "{problems:?}");
    }
}
