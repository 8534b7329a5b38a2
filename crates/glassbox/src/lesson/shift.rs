//! V2: dense against convolutional layers as the test images move.

use std::sync::atomic::AtomicBool;

use glassbox_engine::random::Stream;
use glassbox_engine::{DType, Graph, Mode, Session, Tensor};
use serde::Serialize;

use crate::Error;
use crate::lesson::images::{Images, Small};
use crate::lesson::{Chart, Curve, Options, Part, Pictures, Shown, Table, Text, Told, count, text};
use crate::nn::{self, Initial, Module, Optimizer};
use crate::report::fixed;
use crate::train::{Run, Trainer};

/// At most so many images to learn from and to test with.
const MOST: [usize; 2] = [2_000, 500];
const EPOCHS: u64 = 30;

/// What the lesson found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Found {
    /// The images' height, width and channels on their canvas.
    pub shape: [usize; 3],
    /// Images learned from.
    pub images: usize,
    /// The networks, dense first.
    pub nets: Vec<Net>,
    /// The weights of one dense unit over a grey image of 100 × 100, and of a unit behind a 3 × 3
    /// filter.
    pub weights_of_a_unit: [usize; 2],
    /// How far the numbers of the averaging network change when its images move one pixel to the right,
    /// layer by layer.
    pub one_pixel: Vec<Change>,
    /// Some test images, each moved by every distance.
    #[serde(skip)]
    pub pictures: Vec<Shown>,
}

/// A network and how it takes shifts.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Net {
    /// `dense`, `flattened` or `averaged`.
    pub name: String,
    /// Numbers that are learned.
    pub parameters: usize,
    /// The share of test images named rightly, moved by 0, 1, 2 … pixels (the mean of the four
    /// directions); images to learn from stood in the middle.
    pub centred: Vec<f64>,
    /// The same where images to learn from were moved at random.
    pub moved: Vec<f64>,
}

/// How a layer's numbers change with a shift.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// The layer.
    pub layer: &'static str,
    /// ‖f(moved image) − f(image)‖ / ‖f(image)‖: 0 where the layer is invariant.
    pub stays: f64,
    /// ‖f(moved image) − moved f(image)‖ / ‖f(image)‖: 0 where it is equivariant; none where the layer
    /// has no places one pixel apart. Without the places by the edge, where zeros moved in.
    pub moves_along: Option<f64>,
}

/// Trains the networks and moves the test images.
///
/// # Errors
/// Data that cannot be read or holds no images.
pub fn find(options: &Options) -> Result<Found, Error> {
    let [train, test] = Images::load(options, MOST)?;
    let margin = (train.shape[0].min(train.shape[1]) / 4).max(4);
    let (train, test) = (train.on_canvas(margin), test.on_canvas(margin));
    let most = margin as isize;
    let stream = Stream::new(options.seed, "lesson/shift", 0);
    let place = |at: usize| (stream.uniform(at as u64) * (2 * most + 1) as f64) as isize - most;
    let moved = train.moved(|number| [place(2 * number), place(2 * number + 1)]);
    let shifted: Vec<Vec<Images>> = (0..=most)
        .map(|by| {
            let ways = [[0, by], [0, -by], [by, 0], [-by, 0]];
            let ways = if by == 0 { &ways[..1] } else { &ways[..] };
            ways.iter().map(|way| test.moved(|_| *way)).collect()
        })
        .collect();
    let accuracies = |net: Small, images: &Images| {
        let run = learned(net, images, options.seed)?;
        let share = |images: &Images| -> Result<f64, Error> {
            let rows = images.dataset(0.0, options.seed)?.train;
            Ok(run.evaluate(&rows)?.metrics.get("accuracy").copied().unwrap_or(f64::NAN))
        };
        let mut curve = Vec::new();
        for ways in &shifted {
            let shares = ways.iter().map(share).collect::<Result<Vec<f64>, Error>>()?;
            curve.push(shares.iter().sum::<f64>() / shares.len().max(1) as f64);
        }
        Ok::<_, Error>((curve, run))
    };
    let mut nets = Vec::new();
    let mut one_pixel = Vec::new();
    for net in nets_for(&train)? {
        let parameters = count(&train.shape, |at, x| net.forward(at, x))?.parameters;
        let (centred, run) = accuracies(net, &train)?;
        let (moved, _) = accuracies(net, &train.clone().with(&moved))?;
        if let Small::Averaged { .. } = net {
            one_pixel = changes(net, &run, &test)?;
        }
        nets.push(Net { name: net.name().to_owned(), parameters, centred, moved });
    }
    let dense = count(&[100 * 100], |at, x| nn::linear(at, x, 1, Initial::He))?;
    let filter = count(&[100, 100, 1], |at, x| nn::conv2d(at, x, 1, nn::Conv::new([3, 3])))?;
    // Each has a bias beside its weights.
    let weights_of_a_unit = [dense.parameters - 1, filter.parameters - 1];
    let (shape, images) = (train.shape, train.len());
    let pictures = (0..4).flat_map(|number| {
        let by = shifted.iter().filter_map(|ways| ways.first()).enumerate();
        by.filter_map(move |(by, moved)| moved.shown(number, by.to_string()))
    });
    let pictures = pictures.collect();
    Ok(Found { shape, images, nets, weights_of_a_unit, one_pixel, pictures })
}

/// The three networks; the dense one has at least as many parameters as the others.
fn nets_for(images: &Images) -> Result<[Small; 3], Error> {
    let classes = images.classes.len();
    let flattened = Small::Flattened { channels: [8, 16], classes };
    let averaged = Small::Averaged { channels: [16, 32], classes };
    let parameters =
        |net: Small| Ok::<_, Error>(count(&images.shape, |at, x| net.forward(at, x))?.parameters);
    let most = parameters(flattened)?.max(parameters(averaged)?);
    let hidden = most.saturating_sub(classes).div_ceil(images.width() + 1 + classes);
    Ok([Small::Dense { hidden: hidden.max(32), classes }, flattened, averaged])
}

fn learned(net: Small, images: &Images, seed: u64) -> Result<Run, Error> {
    Trainer::new(net)
        .optimizer(Optimizer::ADAM.with_lr(3e-3))
        .epochs(EPOCHS)
        .seed(seed)
        .watch(0)
        .fit_watched(&images.dataset(0.1, seed)?, &mut |_| {}, &AtomicBool::new(false))
}

/// Layer by layer, how the averaging network's numbers change as images move one pixel to the right.
fn changes(net: Small, run: &Run, images: &Images) -> Result<Vec<Change>, Error> {
    let images = images.select(&(0..images.len().min(100)).collect::<Vec<_>>());
    let graph = Graph::new();
    let [height, width, channels] = images.shape;
    let x = graph.input("x", DType::F32, [images.len(), height, width, channels]);
    net.forward(graph.root(Mode::Eval), x);
    graph.check()?;
    let layers = [
        ("pixels", Some(x)),
        ("conv1", graph.named("conv1/relu")),
        ("pool1", graph.named("pool1/max_pool")),
        ("conv2", graph.named("conv2/relu")),
        ("mean", graph.named("mean/global_average_pool")),
    ];
    let (names, layers): (Vec<&str>, Vec<Tensor<'_>>) =
        layers.into_iter().filter_map(|(name, tensor)| Some((name, tensor?))).unzip();
    let mut session = Session::new(glassbox_engine::Options::default())?;
    session.load(run.parameters().clone());
    let mut of = |images: &Images| -> Result<Vec<Images>, Error> {
        let given = [("x".to_owned(), images.array()?)].into_iter().collect();
        let found = session.evaluate(&graph, &given, &layers)?;
        let shaped = |array: &glassbox_engine::Array| {
            let shape = match array.shape().sizes() {
                &[_, height, width, channels] => [height, width, channels],
                sizes => [1, 1, sizes.iter().skip(1).product()],
            };
            let pixels = array.as_f32().unwrap_or_default().to_vec();
            Images { shape, pixels, ..images.clone() }
        };
        Ok(found.iter().map(shaped).collect())
    };
    let (before, after) = (of(&images)?, of(&images.moved(|_| [0, 1]))?);
    let layer = |((layer, before), after): ((&&'static str, &Images), &Images)| {
        let same_places = before.shape[..2] == images.shape[..2];
        Change {
            layer,
            stays: apart(after, before),
            moves_along: same_places.then(|| {
                let along = before.moved(|_| [0, 1]);
                apart(&after.without_edge(2), &along.without_edge(2))
            }),
        }
    };
    Ok(names.iter().zip(&before).zip(&after).map(layer).collect())
}

/// ‖a − b‖ / ‖b‖.
fn apart(a: &Images, b: &Images) -> f64 {
    let square = |x: f32| f64::from(x) * f64::from(x);
    let difference: f64 = a.pixels.iter().zip(&b.pixels).map(|(a, b)| square(a - b)).sum();
    (difference / b.pixels.iter().map(|b| square(*b)).sum::<f64>()).sqrt()
}

/// What a network is called.
fn title(name: &str) -> Text {
    match name {
        "dense" => text!("dense", "밀집"),
        "flattened" => text!("convolution", "합성곱"),
        _ => text!("convolution, averaged", "합성곱, 평균"),
    }
}

pub(super) fn lesson(options: &Options) -> Result<Told, Error> {
    let found = find(options)?;
    let [height, width, _] = found.shape;
    let images = fixed(found.images as f64, 0);
    let [dense, filter] = found.weights_of_a_unit;
    let dense = fixed(dense as f64, 0);
    let mut parts = vec![Part::Paragraph(text!(
        "A dense unit has a weight of its own for every pixel: {dense} on a grey image of 100 × 100, where \
         a 3 × 3 filter has {filter}. What it learned in one place it does not know in another. Three \
         networks learn from {images} images that stand in the middle of a {height} × {width} canvas; \
         then the test images move.",
        "밀집 유닛은 픽셀마다 가중치가 따로 있습니다. 100 × 100 흑백 이미지라면 {dense}개이고, 3 × 3 필터는 \
         {filter}개입니다. 그래서 한 자리에서 배운 것을 다른 자리에서는 모릅니다. 신경망 셋이 {height} × \
         {width} 바탕 한가운데 놓인 이미지 {images}장으로 배운 뒤, 시험 이미지를 옮겨 봅니다.",
    ))];
    let plots = [
        (
            "centred",
            text!("learned from centred images", "가운데 놓인 이미지로 배움"),
            curves(&found, |net| &net.centred),
        ),
        (
            "moved",
            text!("learned from moved images as well", "옮긴 이미지도 함께 배움"),
            curves(&found, |net| &net.moved),
        ),
    ];
    for (name, title, curves) in plots {
        parts.push(Part::Table(shifts(&title, &found, name == "moved")));
        parts.push(Part::Chart(Chart {
            name: name.to_owned(),
            title,
            x: text!("pixels moved", "옮긴 픽셀"),
            y: text!("accuracy", "정확도"),
            curves,
            within: Some((0.0, 1.0)),
        }));
    }
    parts.push(Part::Table(layers(&found)));
    parts.push(Part::Pictures(Pictures {
        name: "images".into(),
        title: "test images, moved by so many pixels".into(),
        columns: found.nets.first().map_or(1, |net| net.centred.len()),
        images: found.pictures.clone(),
    }));
    parts.push(Part::Paragraph(text!(
        "Convolution is equivariant to shifts: its feature map moves along with the image, so no number \
         changes but its place. Pooling is locally invariant: what moves within a block changes little. \
         With blocks of 2 × 2 side by side, odd shifts change more than even ones. Neither makes a network \
         invariant by itself: where the last layer reads every place, it learns places again. The mean \
         over the whole feature map forgets them. Learning from moved images teaches every network \
         shifts, but the dense one place by place.",
        "합성곱은 이동에 등변입니다. 특징 맵이 이미지와 함께 옮겨질 뿐 값은 그대로입니다. 풀링은 국소적으로 \
         불변입니다. 칸 안에서 움직이면 값이 별로 바뀌지 않습니다. 2 × 2 칸이 나란히 있으므로 홀수 픽셀 이동이 \
         짝수 픽셀 이동보다 값을 더 바꿉니다. 그러나 둘 다 그것만으로 신경망을 이동에 \
         불변으로 만들지는 못합니다. 마지막 층이 모든 자리를 읽으면 다시 자리를 외웁니다. 특징 맵 전체의 \
         평균은 자리를 잊습니다. 옮긴 이미지로 배우면 어떤 신경망이든 이동을 배우지만, 밀집 신경망은 자리마다 \
         따로 배워야 합니다.",
    )));
    Told::new(&found, parts)
}

fn curves(found: &Found, of: impl Fn(&Net) -> &Vec<f64>) -> Vec<Curve> {
    let curve = |net: &Net| Curve {
        name: title(&net.name),
        points: of(net).iter().enumerate().map(|(by, share)| (by as f64, *share)).collect(),
    };
    found.nets.iter().map(curve).collect()
}

fn shifts(title: &Text, found: &Found, moved: bool) -> Table {
    let title = Text {
        english: format!("accuracy, {}", title.english),
        korean: format!("정확도, {}", title.korean),
    };
    let curve = |net: &Net| if moved { net.moved.clone() } else { net.centred.clone() };
    let curves: Vec<Vec<f64>> = found.nets.iter().map(curve).collect();
    let row = |by: usize| {
        let share = |curve: &Vec<f64>| curve.get(by).map_or(String::new(), |x| fixed(*x, 3));
        let cells = curves.iter().map(share).map(Text::same);
        std::iter::once(Text::same(by.to_string())).chain(cells).collect()
    };
    let name = |net: &Net| {
        let (name, parameters) = (self::title(&net.name), fixed(net.parameters as f64, 0));
        Text {
            english: format!("{} ({parameters})", name.english),
            korean: format!("{} ({parameters})", name.korean),
        }
    };
    let first = text!("pixels moved (parameters)", "옮긴 픽셀 (매개변수)");
    Table {
        title,
        columns: std::iter::once(first).chain(found.nets.iter().map(name)).collect(),
        rows: (0..curves.first().map_or(0, Vec::len)).map(row).collect(),
    }
}

fn layers(found: &Found) -> Table {
    let row = |change: &Change| {
        let name = match change.layer {
            "pixels" => text!("pixels", "픽셀"),
            "pool1" => text!("2 × 2 max pooling", "2 × 2 최대 풀링"),
            "mean" => text!("mean over the image", "이미지 전체의 평균"),
            _ => text!("3 × 3 convolution, ReLU", "3 × 3 합성곱, ReLU"),
        };
        let along = change.moves_along.map_or("–".to_owned(), |x| fixed(x, 3));
        vec![name, Text::same(fixed(change.stays, 3)), Text::same(along)]
    };
    Table {
        title: text!(
            "how much the averaging network's numbers change as images move one pixel",
            "이미지가 한 픽셀 움직일 때 평균 신경망의 값이 바뀌는 정도"
        ),
        columns: vec![
            text!("layer", "층"),
            text!("in place", "제자리에서"),
            text!("moved along", "함께 옮겨서"),
        ],
        rows: found.one_pixel.iter().map(row).collect(),
    }
}
