//! V4: how large gradients are by depth, with skip connections and without.

use glassbox_engine::{Array, DType, Graph, Mode, Session, grad};
use serde::Serialize;

use crate::Error;
use crate::lesson::images::Images;
use crate::lesson::{Chart, Curve, Options, Part, Table, Text, Told, text};
use crate::nn::{Loss, Module};
use crate::report::{fixed, scientific};
use crate::zoo::{Choices, Named};

const ROWS: usize = 64;

/// What the lesson found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Found {
    /// The images' height, width and channels.
    pub shape: [usize; 3],
    /// Rows of the batch.
    pub rows: usize,
    /// One a network: residual and plain of each depth.
    pub nets: Vec<Net>,
}

/// A network before its first step.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Net {
    /// Its word: `resnet20` …
    pub name: &'static str,
    /// Whether it has skip connections.
    pub skip: bool,
    /// The 3 × 3 convolutions, from the input on.
    pub layers: Vec<Layer>,
}

/// A convolution's gradient.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Layer {
    /// The path of its weights.
    pub weights: String,
    /// ‖∂loss/∂weights‖.
    pub gradient: f64,
    /// The same over the weights' own norm: a step changes the layer by this share of it, at rate 1.
    pub relative: f64,
}

impl Found {
    /// How many times larger the first layer's gradient, relative to its weights, is in the deepest
    /// network than in the shallowest.
    pub fn growth(&self, skip: bool) -> f64 {
        let mut nets = self.nets.iter().filter(|net| net.skip == skip);
        let first = |net: Option<&Net>| {
            net.and_then(|net| net.layers.first()).map_or(f64::NAN, |layer| layer.relative)
        };
        let shallow = first(nets.next());
        first(nets.next_back()) / shallow
    }
}

impl Net {
    /// The first layer's gradient norm over the last one's, each relative to its weights: 1 where all
    /// layers learn alike.
    pub fn first_over_last(&self) -> f64 {
        let relative = |layer: Option<&Layer>| layer.map_or(f64::NAN, |layer| layer.relative);
        relative(self.layers.first()) / relative(self.layers.last())
    }
}

/// Gradients of one batch in each network, as it is drawn.
///
/// # Errors
/// Data that cannot be read or holds no images.
pub fn find(options: &Options) -> Result<Found, Error> {
    let [images, _] = Images::load(options, [ROWS, 1])?;
    // The networks halve the image twice.
    let margin = 16usize.saturating_sub(images.shape[0].min(images.shape[1])).div_ceil(2);
    let images = images.on_canvas(margin);
    let mut nets = Vec::new();
    for name in ["resnet20", "resnet56"] {
        for skip in [true, false] {
            nets.push(gradients(name, skip, &images, options.seed)?);
        }
    }
    Ok(Found { shape: images.shape, rows: images.len(), nets })
}

fn gradients(name: &'static str, skip: bool, images: &Images, seed: u64) -> Result<Net, Error> {
    let named = Named::from_word(name).ok_or_else(|| Error::new(format!("no model {name}")))?;
    let model = named.build(&Choices { skip, ..named.family.defaults }, images.classes.len());
    let graph = Graph::new();
    let at = graph.root(Mode::Train);
    let [height, width, channels] = images.shape;
    let x = graph.input("x", DType::F32, [images.len(), height, width, channels]);
    let labels = graph.input("labels", DType::I64, [images.len()]);
    let loss = Loss::CrossEntropy.of(at.child("loss"), model.forward(at, x), labels);
    let filters: Vec<_> = graph
        .parameters()
        .into_iter()
        .filter(|(_, tensor)| tensor.rank() == 4 && tensor.dim(0) == 3)
        .collect();
    let weights: Vec<_> = filters.iter().map(|(_, tensor)| *tensor).collect();
    let norms = grad(loss, &weights).into_iter().map(|slope| slope.square().sum().sqrt());
    let sizes = weights.iter().map(|weight| weight.square().sum().sqrt());
    let asked: Vec<_> = norms.chain(sizes).collect();
    graph.check()?;
    let mut session = Session::new(glassbox_engine::Options::default())?;
    session.load(graph.initial_values(seed));
    let labels = Array::new([images.len()], images.labels.clone()).map_err(Error::new)?;
    let given = [("x".to_owned(), images.array()?), ("labels".to_owned(), labels)];
    let found = session.evaluate(&graph, &given.into_iter().collect(), &asked)?;
    let number = |array: &Array| array.to_f64().first().copied().unwrap_or(f64::NAN);
    let (norms, sizes) = found.split_at(filters.len());
    let layer = |((path, _), (norm, size)): (&(String, _), (&Array, &Array))| Layer {
        weights: path.clone(),
        gradient: number(norm),
        relative: number(norm) / number(size),
    };
    Ok(Net { name, skip, layers: filters.iter().zip(norms.iter().zip(sizes)).map(layer).collect() })
}

fn title(net: &Net) -> Text {
    match net.skip {
        true => text!("with skip connections", "건너뛰기 연결 있음"),
        false => text!("without", "없음"),
    }
}

pub(super) fn lesson(options: &Options) -> Result<Told, Error> {
    let found = find(options)?;
    let rows = found.rows;
    let mut parts = vec![Part::Paragraph(text!(
        "A residual block gives x + f(x): backwards, the sum hands the gradient on unchanged beside the \
         layers. Here is ‖∂loss/∂weights‖ / ‖weights‖ of every 3 × 3 convolution, from the first to the \
         last, for one batch of {rows} images before the first step; once with the skip connections and \
         once without.",
        "잔차 블록은 x + f(x)를 냅니다. 거꾸로 갈 때 덧셈은 층들 옆으로 기울기를 그대로 넘겨 줍니다. 첫 스텝 \
         전에 이미지 {rows}장 한 배치로 잰 모든 3 × 3 합성곱의 ‖∂손실/∂가중치‖ / ‖가중치‖를 첫 층부터 마지막 \
         층까지, 건너뛰기 연결이 있을 때와 없을 때로 나누어 보여 줍니다.",
    ))];
    for pair in found.nets.chunks(2) {
        let name = pair.first().map_or("", |net| net.name);
        let curve = |net: &Net| Curve {
            name: title(net),
            points: (1..).zip(&net.layers).map(|(at, l)| (f64::from(at), l.relative)).collect(),
        };
        parts.push(Part::Chart(Chart {
            name: name.to_owned(),
            title: Text::same(name),
            x: text!("layer", "층"),
            y: text!("gradient norm / weight norm", "기울기 크기 / 가중치 크기"),
            curves: pair.iter().map(curve).collect(),
            within: None,
        }));
    }
    parts.push(Part::Table(ends(&found)));
    let [residual, plain] = [true, false].map(|skip| fixed(found.growth(skip), 1));
    parts.push(Part::Paragraph(text!(
        "From 20 to 56 layers the first layer's gradient grows {plain} times without skips, and {residual} \
         times with them. Without, every layer multiplies it on its way back, because each batch \
         normalisation divides by a spread: it explodes towards the input (Yang et al. 2019), and no \
         learning rate suits all layers. Without normalisation it would grow or vanish with the scale of \
         the weights.",
        "20층에서 56층이 되면 첫 층의 기울기는 건너뛰기 연결이 없을 때 {plain}배, 있을 때 {residual}배가 \
         됩니다. 연결이 없으면 배치 정규화가 매번 퍼진 정도로 나누므로 거꾸로 가면서 층마다 기울기가 \
         곱해져 입력 쪽에서 폭발하고(Yang et al. 2019), 어떤 학습률도 모든 층에 맞지 않습니다. 정규화가 \
         없으면 가중치의 크기에 따라 폭발하거나 사라집니다.",
    )));
    Told::new(&found, parts)
}

fn ends(found: &Found) -> Table {
    let row = |net: &Net| {
        let name = title(net);
        let name = Text {
            english: format!("{} {}", net.name, name.english),
            korean: format!("{} {}", net.name, name.korean),
        };
        let at = |layer: Option<&Layer>| layer.map_or("–".into(), |l| scientific(l.relative, 2));
        let ratio = fixed(net.first_over_last(), 1);
        let cells = [at(net.layers.first()), at(net.layers.last()), ratio];
        std::iter::once(name).chain(cells.map(Text::same)).collect()
    };
    Table {
        title: text!("gradient norm / weight norm", "기울기 크기 / 가중치 크기"),
        columns: vec![
            text!("network", "신경망"),
            text!("first layer", "첫 층"),
            text!("last layer", "마지막 층"),
            text!("first / last", "첫 층 / 마지막 층"),
        ],
        rows: found.nets.iter().map(row).collect(),
    }
}
