//! V6: the weights that squeeze and excitation gives to channels, image by image.

use glassbox_engine::{DType, Graph, Mode, Scope, Session, Tensor};
use serde::Serialize;

use crate::Error;
use crate::lesson::images::Images;
use crate::lesson::{Bars, Options, Part, Pictures, Shown, Table, Text, Told, count, text};
use crate::nn::{self, Conv, Initial, Module, Optimizer};
use crate::report::fixed;
use crate::train::Trainer;

const MOST: [usize; 2] = [2_000, 500];
const EPOCHS: u64 = 12;
const CHANNELS: usize = 32;
const REDUCTION: usize = 4;
/// Images shown of each class.
const EACH: usize = 2;
/// At most so many classes are shown.
const CLASSES: usize = 10;

/// A small convolutional network, with squeeze and excitation behind its second convolution or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Squeezed {
    /// Whether channels are weighed.
    pub weighed: bool,
    /// Outputs.
    pub classes: usize,
}

impl Module for Squeezed {
    fn name(&self) -> &str {
        "squeezed"
    }

    #[track_caller]
    fn forward<'g>(&self, at: Scope<'g>, input: Tensor<'g>) -> Tensor<'g> {
        let conv = |name, x, channels| {
            nn::conv2d(at.child(name), x, channels, Conv::new([3, 3]).same()).relu()
        };
        let x = conv("conv2", conv("conv1", input, CHANNELS / 2), CHANNELS);
        let x = match self.weighed {
            true => nn::squeeze_excite(at.child("se"), x, REDUCTION),
            false => x,
        };
        nn::linear(at.child("out"), nn::global_average_pool(at, x), self.classes, Initial::Xavier)
    }
}

/// What the lesson found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Found {
    /// Parameters without and with squeeze and excitation.
    pub parameters: [usize; 2],
    /// The share of test images named rightly, without and with.
    pub accuracy: [f64; 2],
    /// Channel weights of some test images, class by class.
    pub images: Vec<Weights>,
    /// The mean distance of two images' weights, of one class and of different classes, over all test
    /// images.
    pub distance: [f64; 2],
}

/// An image's channel weights, each in (0, 1).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Weights {
    /// The image's class.
    pub class: String,
    /// One a channel.
    pub weights: Vec<f64>,
    /// The image.
    #[serde(skip)]
    pub image: Shown,
}

/// Trains the networks and reads the weights.
///
/// # Errors
/// Data that cannot be read or holds no images.
pub fn find(options: &Options) -> Result<Found, Error> {
    let [train, test] = Images::load(options, MOST)?;
    let classes = train.classes.len();
    let data = train.dataset(0.1, options.seed)?;
    let rows = test.dataset(0.0, options.seed)?.train;
    let (mut parameters, mut accuracy) = ([0; 2], [f64::NAN; 2]);
    let mut weights = Vec::new();
    for (at, weighed) in [false, true].into_iter().enumerate() {
        let net = Squeezed { weighed, classes };
        parameters[at] = count(&train.shape, |at, x| net.forward(at, x))?.parameters;
        let run = Trainer::new(net)
            .optimizer(Optimizer::ADAM.with_lr(5e-3))
            .epochs(EPOCHS)
            .seed(options.seed)
            .watch(0)
            .fit(&data)?;
        let metrics = run.evaluate(&rows)?.metrics;
        accuracy[at] = metrics.get("accuracy").copied().unwrap_or(f64::NAN);
        if weighed {
            weights = channel_weights(net, run.parameters().clone(), &test)?;
        }
    }
    let mut images = Vec::new();
    for (class, name) in (0i64..).zip(&test.classes).take(CLASSES) {
        let held =
            weights.iter().enumerate().filter(|(at, _)| test.labels.get(*at) == Some(&class));
        let named = held.filter_map(|(at, weights)| {
            let image = test.shown(at, name)?;
            Some(Weights { class: name.clone(), weights: weights.clone(), image })
        });
        images.extend(named.take(EACH));
    }
    let distance = distances(&test.labels, &weights);
    Ok(Found { parameters, accuracy, images, distance })
}

/// The weights of every image's channels.
fn channel_weights(
    net: Squeezed,
    parameters: glassbox_engine::Parameters,
    images: &Images,
) -> Result<Vec<Vec<f64>>, Error> {
    let graph = Graph::new();
    let [height, width, channels] = images.shape;
    let x = graph.input("x", DType::F32, [images.len(), height, width, channels]);
    net.forward(graph.root(Mode::Eval), x);
    graph.check()?;
    let Some(weights) = graph.named("se/channel_weights") else { return Ok(Vec::new()) };
    let mut session = Session::new(glassbox_engine::Options::default())?;
    session.load(parameters);
    let given = [("x".to_owned(), images.array()?)].into_iter().collect();
    let found = session.evaluate(&graph, &given, &[weights])?;
    let numbers = found.first().map(glassbox_engine::Array::to_f64).unwrap_or_default();
    Ok(numbers.chunks(CHANNELS).map(<[f64]>::to_vec).collect())
}

/// The mean distance of two rows' weights: of one class, of different ones.
fn distances(labels: &[i64], weights: &[Vec<f64>]) -> [f64; 2] {
    let (mut sums, mut counts) = ([0.0; 2], [0usize; 2]);
    let rows: Vec<(&i64, &Vec<f64>)> = labels.iter().zip(weights).collect();
    for (at, (label, a)) in rows.iter().enumerate() {
        for (other, b) in rows.iter().take(at) {
            let square: f64 = a.iter().zip(*b).map(|(a, b)| (a - b).powi(2)).sum();
            let which = usize::from(label != other);
            sums[which] += square.sqrt();
            counts[which] += 1;
        }
    }
    [0, 1].map(|which| sums[which] / counts[which] as f64)
}

pub(super) fn lesson(options: &Options) -> Result<Told, Error> {
    let found = find(options)?;
    let row = |image: &Weights| (Text::same(image.class.clone()), image.weights.clone());
    let more = found.parameters[1] - found.parameters[0];
    let [same, other] = found.distance.map(|x| fixed(x, 3));
    let parts = vec![
        Part::Paragraph(text!(
            "Squeeze and excitation takes the mean of each channel over the whole image (squeeze), makes of \
             all means a weight between 0 and 1 for each channel by two small layers (excitation), and \
             multiplies. The weights are not parameters: every image gets its own.",
            "스퀴즈-엑사이테이션은 채널마다 이미지 전체의 평균을 내고(스퀴즈), 모든 평균으로 작은 층 두 개가 \
             채널마다 0과 1 사이의 가중치를 만들어(엑사이테이션) 곱합니다. 이 가중치는 매개변수가 아니라 \
             이미지마다 따로 계산되는 값입니다.",
        )),
        Part::Bars(Bars {
            name: "channels".into(),
            title: text!(
                "weights of {CHANNELS} channels, two test images of each class",
                "채널 {CHANNELS}개의 가중치, 부류마다 시험 이미지 두 장"
            ),
            ends: (0.0, 1.0),
            rows: found.images.iter().map(row).collect(),
        }),
        Part::Pictures(Pictures {
            name: "images".into(),
            title: "the images, in the order of the bars".into(),
            columns: EACH,
            images: found.images.iter().map(|image| image.image.clone()).collect(),
        }),
        Part::Table(Table {
            title: text!("the same network without and with it", "없을 때와 있을 때의 같은 신경망"),
            columns: vec![
                text!("network", "신경망"),
                text!("parameters", "매개변수"),
                text!("test accuracy", "시험 정확도"),
            ],
            rows: [text!("without", "없음"), text!("with", "있음")]
                .into_iter()
                .zip(found.parameters.iter().zip(&found.accuracy))
                .map(|(name, (parameters, accuracy))| {
                    let cells = [fixed(*parameters as f64, 0), fixed(*accuracy, 3)];
                    std::iter::once(name).chain(cells.map(Text::same)).collect()
                })
                .collect(),
        }),
        Part::Paragraph(text!(
            "It adds parameters: {more} here. Two images of one class get weights {same} apart, two of \
             different classes {other}: channels are chosen by what the image is of.",
            "매개변수는 늘어납니다. 여기서는 {more}개입니다. 같은 부류의 두 이미지는 가중치가 평균 {same}만큼, \
             다른 부류의 두 이미지는 {other}만큼 떨어져 있습니다. 무엇을 담은 이미지인지에 따라 채널을 고르는 \
             것입니다.",
        )),
    ];
    Told::new(&found, parts)
}
