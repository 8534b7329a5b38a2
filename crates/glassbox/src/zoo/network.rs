use glassbox_engine::op::{Convolution, Pooling};
use glassbox_engine::{Scope, Tensor};
use serde::Serialize;

use crate::nearest::suggestion;
use crate::nn::{self, Activation, Conv, Initial, Module};

/// The name by which layers read what goes into a network.
const INPUT: &str = "input";
/// The name of the layer that is appended to give the outputs.
const OUT: &str = "out";

/// What a layer of a [`Network`] does with each row.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum LayerKind {
    /// Weighted sums of all inputs: [`nn::linear`].
    Linear {
        /// How many.
        units: usize,
        /// How weights are drawn; none suits the activation that follows.
        initial: Option<Initial>,
    },
    /// Filters over images: [`nn::conv2d`].
    Conv {
        /// Channels of the result.
        channels: usize,
        /// Height and width of the filters.
        size: usize,
        /// How far they move.
        stride: usize,
        /// Zeros around the image; none keeps its size at a stride of 1.
        padding: Option<usize>,
        /// Into how many parts the channels are cut.
        groups: usize,
        /// How weights are drawn; none suits the activation that follows.
        initial: Option<Initial>,
    },
    /// The largest of each window of images: [`nn::max_pool2d`].
    MaxPool {
        /// Height and width of the windows.
        size: usize,
        /// How far they move; none puts them side by side.
        stride: Option<usize>,
        /// Around the image.
        padding: usize,
    },
    /// The mean of each window of images: [`nn::average_pool2d`].
    AveragePool {
        /// Height and width of the windows.
        size: usize,
        /// How far they move; none puts them side by side.
        stride: Option<usize>,
        /// Zeros around the image.
        padding: usize,
    },
    /// The mean of each channel over its image: [`nn::global_average_pool`].
    GlobalAveragePool,
    /// A function of each number.
    Activation {
        /// Which.
        activation: Activation,
    },
    /// Leaves numbers out in training: [`nn::dropout`].
    Dropout {
        /// The share, in [0, 1).
        rate: f64,
    },
    /// [`nn::batch_norm`].
    BatchNorm,
    /// [`nn::layer_norm`].
    LayerNorm,
    /// The same numbers in another shape.
    Reshape {
        /// The shape of one row.
        shape: Vec<usize>,
    },
    /// The same numbers in one row.
    Flatten,
    /// The sum of layers of one shape.
    Add,
    /// Layers one after another along the last axis.
    Concatenate,
}

impl LayerKind {
    /// The word for it in a configuration.
    pub fn word(&self) -> &'static str {
        match self {
            LayerKind::Linear { .. } => "linear",
            LayerKind::Conv { .. } => "conv",
            LayerKind::MaxPool { .. } => "max_pool",
            LayerKind::AveragePool { .. } => "average_pool",
            LayerKind::GlobalAveragePool => "global_average_pool",
            LayerKind::Activation { .. } => "activation",
            LayerKind::Dropout { .. } => "dropout",
            LayerKind::BatchNorm => "batch_norm",
            LayerKind::LayerNorm => "layer_norm",
            LayerKind::Reshape { .. } => "reshape",
            LayerKind::Flatten => "flatten",
            LayerKind::Add => "add",
            LayerKind::Concatenate => "concatenate",
        }
    }

    /// How a convolution goes over images.
    fn convolution(&self) -> Option<Conv> {
        let LayerKind::Conv { size, stride, padding, groups, .. } = *self else { return None };
        let conv = Conv::new([size; 2]).stride([stride; 2]).groups(groups);
        Some(match padding {
            Some(zeros) => conv.padding([zeros; 2]),
            None => conv.same(),
        })
    }

    /// The windows of pooling.
    fn windows(&self) -> Option<Pooling> {
        let (LayerKind::MaxPool { size, stride, padding }
        | LayerKind::AveragePool { size, stride, padding }) = *self
        else {
            return None;
        };
        Some(Pooling::new([size; 2]).stride([stride.unwrap_or(size); 2]).padding([padding; 2]))
    }

    /// Whether it puts several layers together.
    fn joins(&self) -> bool {
        matches!(self, LayerKind::Add | LayerKind::Concatenate)
    }
}

/// One layer of a [`Network`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Layer {
    /// What it does.
    #[serde(flatten)]
    pub kind: LayerKind,
    /// Its name; none numbers it within its kind: `fc1`, `fc2`, `dropout1`.
    pub name: Option<String>,
    /// The layers that it reads, by name (`input` is what goes into the network); empty: the one
    /// above.
    pub from: Vec<String>,
}

impl Layer {
    /// A layer that reads the one above.
    pub fn new(kind: LayerKind) -> Self {
        Layer { kind, name: None, from: Vec::new() }
    }

    /// The same with a name.
    pub fn named(self, name: &str) -> Self {
        Layer { name: Some(name.into()), ..self }
    }

    /// The same, reading these layers.
    pub fn from<const N: usize>(self, names: [&str; N]) -> Self {
        Layer { from: names.map(str::to_string).to_vec(), ..self }
    }
}

impl From<LayerKind> for Layer {
    fn from(kind: LayerKind) -> Self {
        Layer::new(kind)
    }
}

/// A network of layers in a list, each reading the one above or others by name; plain data, as
/// `[[model.layer]]` writes it.
///
/// The last layer must give the outputs; where it is no linear layer with as many units, one called
/// `out` is appended (with a flattening in front where rows have several axes).
///
/// ```
/// use glassbox::engine::{DType, Graph, Mode};
/// use glassbox::nn::{Activation, Module};
/// use glassbox::zoo::{Layer, LayerKind, Network};
/// let relu = LayerKind::Activation { activation: Activation::Relu };
/// let layers = vec![
///     LayerKind::Linear { units: 16, initial: None }.into(),
///     Layer::new(relu.clone()).named("wide"),
///     LayerKind::Linear { units: 16, initial: None }.into(),
///     Layer::new(LayerKind::Add).from(["fc2", "wide"]),
/// ];
/// let network = Network::new(layers, &[4], 3).map_err(|problems| problems[0].to_string())?;
/// let graph = Graph::new();
/// let y = network.forward(graph.root(Mode::Train), graph.input("x", DType::F32, [8, 4]));
/// assert_eq!(y.shape().sizes(), &[8, 3]);
/// assert!(graph.declaration("out/weight").is_some());
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    layers: Vec<Placed>,
}

/// A layer whose name is known and whose sources are found.
#[derive(Clone, Debug, PartialEq)]
struct Placed {
    name: String,
    kind: LayerKind,
    /// Positions in the list, from 1; 0 is the input.
    from: Vec<usize>,
}

/// What is wrong with a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerProblem {
    /// Which layer, from 0.
    pub layer: usize,
    /// What is wrong, and the cure.
    pub message: String,
}

impl std::fmt::Display for LayerProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "layer {}: {}", self.layer + 1, self.message)
    }
}

impl Network {
    /// A network for rows of the shape `input` that gives `outputs` numbers a row.
    ///
    /// # Errors
    /// Every layer that reads what does not exist (or comes later), has another's name, or whose
    /// inputs have shapes that it cannot take.
    pub fn new(
        layers: Vec<Layer>,
        input: &[usize],
        outputs: usize,
    ) -> Result<Self, Vec<LayerProblem>> {
        let mut placed = place(&layers)?;
        let shapes = shapes(&placed, input)?;
        let gives = shapes.last().map_or(input, Vec::as_slice);
        let written = matches!(
            placed.last(),
            Some(Placed { kind: LayerKind::Linear { units, .. }, .. }) if *units == outputs
        );
        if !written {
            let mut append = |name: &str, kind| {
                let from = vec![placed.len()];
                placed.push(Placed { name: name.to_string(), kind, from });
            };
            if gives.len() > 1 {
                append("out_flatten", LayerKind::Flatten);
            }
            append(OUT, LayerKind::Linear { units: outputs, initial: None });
        }
        Ok(Network { layers: placed })
    }

    /// What is wrong with the names and sources of layers, whatever goes into them.
    pub fn check_names(layers: &[Layer]) -> Vec<LayerProblem> {
        place(layers).err().unwrap_or_default()
    }

    /// How weights into layer `position` (from 1) are drawn: to suit the activation that follows it.
    fn initial_of(&self, position: usize) -> Initial {
        let next = self.layers.iter().position(|layer| layer.from.contains(&position));
        match next.map(|at| (&self.layers[at].kind, at + 1)) {
            Some((LayerKind::Activation { activation }, _)) => activation.initial(),
            Some((
                LayerKind::BatchNorm
                | LayerKind::LayerNorm
                | LayerKind::Dropout { .. }
                | LayerKind::MaxPool { .. }
                | LayerKind::AveragePool { .. }
                | LayerKind::GlobalAveragePool,
                position,
            )) => self.initial_of(position),
            _ => Initial::Xavier,
        }
    }
}

impl Module for Network {
    fn name(&self) -> &str {
        "network"
    }

    #[track_caller]
    fn forward<'g>(&self, at: Scope<'g>, input: Tensor<'g>) -> Tensor<'g> {
        let rows = input.dim(0);
        let mut values = vec![input];
        for (layer, position) in self.layers.iter().zip(1..) {
            let mut read = layer.from.iter().filter_map(|&from| values.get(from).copied());
            let x = read.next().unwrap_or(input);
            let scope = at.child(&layer.name);
            let result = match &layer.kind {
                LayerKind::Linear { units, initial } => {
                    let initial = initial.unwrap_or_else(|| self.initial_of(position));
                    nn::linear(scope, x, *units, initial)
                }
                LayerKind::Conv { channels, initial, .. } => {
                    let initial = initial.unwrap_or_else(|| self.initial_of(position));
                    let conv = layer.kind.convolution().unwrap_or_else(|| Conv::new([1, 1]));
                    nn::conv2d(scope, x, *channels, conv.initial(initial))
                }
                LayerKind::MaxPool { .. } => {
                    nn::max_pool2d(scope, x, layer.kind.windows().unwrap_or(Pooling::new([1, 1])))
                }
                LayerKind::AveragePool { .. } => nn::average_pool2d(
                    scope,
                    x,
                    layer.kind.windows().unwrap_or(Pooling::new([1, 1])),
                ),
                LayerKind::GlobalAveragePool => nn::global_average_pool(scope, x),
                LayerKind::Activation { activation } => {
                    let _inside = scope.enter();
                    activation.of(x).named(activation.word())
                }
                LayerKind::Dropout { rate } => nn::dropout(scope, x, *rate),
                LayerKind::BatchNorm => nn::batch_norm(scope, x),
                LayerKind::LayerNorm => nn::layer_norm(scope, x),
                LayerKind::Reshape { shape } => x.reshape([&[rows], &shape[..]].concat()),
                LayerKind::Flatten => x.reshape([rows, x.elements() / rows.max(1)]),
                LayerKind::Add => {
                    let _inside = scope.enter();
                    read.fold(x, |sum, other| sum + other).named("add")
                }
                LayerKind::Concatenate => {
                    let _inside = scope.enter();
                    x.concatenate(&read.collect::<Vec<_>>(), -1).named("concatenate")
                }
            };
            values.push(result);
        }
        values.last().copied().unwrap_or(input)
    }
}

/// Names every layer and finds its sources.
fn place(layers: &[Layer]) -> Result<Vec<Placed>, Vec<LayerProblem>> {
    let names = names(layers);
    let mut problems = Vec::new();
    let mut placed = Vec::with_capacity(layers.len());
    for (index, (layer, name)) in layers.iter().zip(&names).enumerate() {
        let mut problem = |message: String| problems.push(LayerProblem { layer: index, message });
        if [INPUT, OUT].contains(&name.as_str()) || name.is_empty() || name.contains('/') {
            problem(format!(
                "a layer cannot be called `{name}`: choose a name without `/` that is neither \
                 `{INPUT}` nor `{OUT}`"
            ));
        }
        if let Some(first) = names[..index].iter().position(|other| other == name) {
            problem(format!("layer {} is called `{name}` already", first + 1));
        }
        let mut from = Vec::new();
        for wanted in &layer.from {
            match names[..index].iter().position(|known| known == wanted) {
                _ if wanted == INPUT => from.push(0),
                Some(position) => from.push(position + 1),
                None if names[index..].contains(wanted) => problem(format!(
                    "`{name}` reads `{wanted}`, which does not come before it: a layer reads layers \
                     above it"
                )),
                None => {
                    let known: Vec<&str> = [INPUT]
                        .into_iter()
                        .chain(names[..index].iter().map(String::as_str))
                        .collect();
                    let hint = suggestion(wanted, "layers above it", &known);
                    problem(format!("`{name}` reads `{wanted}`, which does not exist: {hint}"));
                }
            }
        }
        match (layer.kind.joins(), layer.from.len()) {
            (true, 0 | 1) => problem(format!(
                "`{name}` puts layers together: say which, such as from = [\"input\", \"fc1\"]"
            )),
            (false, 2..) => problem(format!(
                "`{name}` reads one layer: put several together by add or concatenate first"
            )),
            (false, 0) => from.push(index),
            _ => {}
        }
        placed.push(Placed { name: name.clone(), kind: layer.kind.clone(), from });
    }
    if problems.is_empty() { Ok(placed) } else { Err(problems) }
}

/// Every layer's name: its own, or its kind and how many of this kind there were.
fn names(layers: &[Layer]) -> Vec<String> {
    let mut counts = std::collections::BTreeMap::new();
    let mut name = |layer: &Layer| {
        let word = match layer.kind.word() {
            "linear" => "fc",
            word => word,
        };
        let count: &mut usize = counts.entry(word).or_default();
        *count += 1;
        layer.name.clone().unwrap_or_else(|| format!("{word}{count}"))
    };
    layers.iter().map(&mut name).collect()
}

/// The shape of a row after each layer.
fn shapes(layers: &[Placed], input: &[usize]) -> Result<Vec<Vec<usize>>, Vec<LayerProblem>> {
    let mut problems = Vec::new();
    let mut shapes: Vec<Vec<usize>> = vec![input.to_vec()];
    for (index, layer) in layers.iter().enumerate() {
        let read: Vec<&[usize]> =
            layer.from.iter().filter_map(|&at| shapes.get(at).map(Vec::as_slice)).collect();
        let shape = after(layer, &read).unwrap_or_else(|(what, guess)| {
            problems.push(LayerProblem { layer: index, message: what });
            guess
        });
        shapes.push(shape);
    }
    shapes.remove(0);
    if problems.is_empty() { Ok(shapes) } else { Err(problems) }
}

/// The numbers of a row of this shape; as many as can be counted where they are more.
fn numbers_of(shape: &[usize]) -> usize {
    shape.iter().fold(1, |product, &size| product.saturating_mul(size))
}

/// The shape of a row after one layer; after a mistake, the likeliest beside it.
fn after(layer: &Placed, read: &[&[usize]]) -> Result<Vec<usize>, (String, Vec<usize>)> {
    let name = &layer.name;
    let first = read.first().copied().unwrap_or_default().to_vec();
    let numbers = numbers_of(&first);
    match &layer.kind {
        LayerKind::Linear { units, .. } if first.len() == 1 => Ok(vec![*units]),
        LayerKind::Linear { units, .. } => {
            let what =
                format!("`{name}` reads rows of shape {first:?}: put a flatten in front of it");
            Err((what, vec![*units]))
        }
        kind @ (LayerKind::Conv { .. }
        | LayerKind::MaxPool { .. }
        | LayerKind::AveragePool { .. }
        | LayerKind::GlobalAveragePool) => image(kind, name, &first),
        LayerKind::Reshape { shape } if numbers_of(shape) == numbers => Ok(shape.clone()),
        LayerKind::Reshape { shape } => {
            let what = format!(
                "`{name}` cannot give {} numbers of shape {first:?} the shape {shape:?}, which has {}",
                numbers,
                numbers_of(shape)
            );
            Err((what, shape.clone()))
        }
        LayerKind::Flatten => Ok(vec![numbers]),
        LayerKind::Add => match read.iter().find(|other| **other != first) {
            Some(other) => {
                let what = format!(
                    "`{name}` adds rows of different shapes, {first:?} and {other:?}: give them the \
                     same number of units"
                );
                Err((what, first))
            }
            None => Ok(first),
        },
        LayerKind::Concatenate => {
            let front = |shape: &[usize]| shape.split_last().map(|(_, front)| front.to_vec());
            if let Some(other) = read.iter().find(|other| front(other) != front(&first)) {
                let what = format!(
                    "`{name}` puts rows of shapes {first:?} and {other:?} side by side: all axes but \
                     the last must be equal (or flatten them first)"
                );
                return Err((what, first));
            }
            let mut shape = first;
            if let Some(last) = shape.last_mut() {
                *last = read.iter().filter_map(|shape| shape.last()).sum();
            }
            Ok(shape)
        }
        LayerKind::Activation { .. }
        | LayerKind::Dropout { .. }
        | LayerKind::BatchNorm
        | LayerKind::LayerNorm => Ok(first),
    }
}

/// The shape of one image after a convolution or pooling; after a mistake, the likeliest beside it.
fn image(
    kind: &LayerKind,
    name: &str,
    first: &[usize],
) -> Result<Vec<usize>, (String, Vec<usize>)> {
    let &[height, width, channels] = first else {
        let numbers = numbers_of(first);
        let side = numbers.isqrt();
        let hint = match side * side == numbers {
            true => format!(", such as shape = [{side}, {side}, 1]"),
            false => String::new(),
        };
        let what = format!(
            "`{name}` reads images [height, width, channels], not rows of shape {first:?}: put a \
             reshape in front of it{hint}"
        );
        let guess = match kind {
            LayerKind::Conv { channels, .. } => vec![1, 1, *channels],
            _ => first.to_vec(),
        };
        return Err((what, guess));
    };
    // What the layer records for one image says what it gives, and what is wrong.
    let graph = glassbox_engine::Graph::new();
    let x = graph.input("x", glassbox_engine::DType::F32, [1, height, width, channels]);
    let y = match (kind, kind.convolution(), kind.windows()) {
        (LayerKind::Conv { channels: gives, .. }, Some(conv), _) => {
            let Convolution { groups, .. } = conv.how;
            let filter = [conv.size[0], conv.size[1], channels / groups.max(1), *gives];
            x.conv2d(graph.input("w", glassbox_engine::DType::F32, filter), conv.how)
        }
        (_, _, Some(windows)) => x.max_pool2d(windows).0,
        _ => x.global_average_pool(),
    };
    let shape = y.shape().sizes()[1..].to_vec();
    match graph.check() {
        Ok(()) => Ok(shape),
        Err(mistakes) => {
            let what = mistakes.0.first().map_or("does not fit", |mistake| mistake.what.as_str());
            let what = what.split_once(": ").map_or(what, |(_, rest)| rest);
            let guess = match kind {
                LayerKind::Conv { channels, .. } => vec![height, width, *channels],
                _ => first.to_vec(),
            };
            Err((format!("`{name}`, which reads images of shape {first:?}: {what}"), guess))
        }
    }
}
