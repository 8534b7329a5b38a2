//! V11: a network that learned other classes before, on few images.

use glassbox_engine::Parameters;
use serde::Serialize;

use crate::Error;
use crate::lesson::images::{Images, Small};
use crate::lesson::{Chart, Curve, Options, Part, Table, Text, Told, text};
use crate::nn::Optimizer;
use crate::report::fixed;
use crate::train::{Run, Trainer};

/// At most so many images to learn from and to test with.
const MOST: [usize; 2] = [12_000, 2_000];
/// Images of each class that are learned from, where there are as many.
const SIZES: [usize; 6] = [5, 10, 30, 100, 300, 1000];
const BATCH: usize = 32;
/// Steps of each training, however many images there are.
const STEPS: usize = 400;
/// What is kept of what was learned before: everything but the last layer.
const BODY: [&str; 2] = ["conv1/*", "conv2/*"];

/// What the lesson found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Found {
    /// Classes learned before.
    pub known: Vec<String>,
    /// Images of them.
    pub known_images: usize,
    /// Classes to be learned.
    pub new: Vec<String>,
    /// Test images of these.
    pub test_images: usize,
    /// One for each number of images a class.
    pub sizes: Vec<Size>,
}

/// Accuracies on new classes with so many images of each.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Size {
    /// Images of each class.
    pub images: usize,
    /// All weights drawn.
    pub scratch: f64,
    /// The convolutions as they were learned before, only the last layer learning.
    pub frozen: f64,
    /// The convolutions begin as they were learned before, and learn on.
    pub tuned: f64,
    /// Whether the frozen convolutions are the same to the bit after training.
    pub frozen_unchanged: bool,
}

impl Size {
    /// From scratch, frozen, fine-tuned.
    fn ways(&self) -> [f64; 3] {
        [self.scratch, self.frozen, self.tuned]
    }
}

/// Learns the first half of the classes, then the second from few images, in three ways.
///
/// # Errors
/// Data that cannot be read, holds no images, or has fewer than four classes.
pub fn find(options: &Options) -> Result<Found, Error> {
    let [train, test] = Images::load(options, MOST)?;
    let half = train.classes.len() / 2;
    if half < 2 {
        return Err(Error::new(format!(
            "{} classes: half of them are learned before the others, so there must be four at least",
            train.classes.len()
        )));
    }
    let (before, after) = (0..half, half..2 * half);
    let known = of_classes(&train, before.clone(), usize::MAX);
    let rows = of_classes(&test, after.clone(), usize::MAX).dataset(0.0, options.seed)?.train;
    let net = Small::Averaged { channels: [16, 32], classes: half };
    let learn = |images: &Images, start: &Parameters, freeze: bool| -> Result<Run, Error> {
        let trainer = Trainer::new(net)
            .optimizer(Optimizer::ADAM.with_lr(3e-3))
            .batch(BATCH)
            .epochs((STEPS * BATCH).div_ceil(images.len().max(1)) as u64)
            .seed(options.seed)
            .watch(0)
            .start_with(start.clone());
        let trainer = if freeze { trainer.freeze(BODY) } else { trainer };
        trainer.fit(&images.dataset(0.0, options.seed)?)
    };
    let drawn = Parameters::new();
    let mut body = learn(&known, &drawn, false)?.parameters().clone();
    for path in ["out/weight", "out/bias"] {
        body.remove(path);
    }
    let share = |run: &Run| -> Result<f64, Error> {
        Ok(run.evaluate(&rows)?.metrics.get("accuracy").copied().unwrap_or(f64::NAN))
    };
    let available =
        after.clone().map(|class| of_classes(&train, class..class + 1, usize::MAX).len());
    let most = available.min().unwrap_or(0);
    let mut sizes = Vec::new();
    for images in SIZES.into_iter().filter(|size| *size <= most) {
        let few = of_classes(&train, after.clone(), images);
        let frozen = learn(&few, &body, true)?;
        let same = |(path, value): (&str, &glassbox_engine::Array)| {
            frozen.parameters().get(path) == Some(value)
        };
        sizes.push(Size {
            images,
            scratch: share(&learn(&few, &drawn, false)?)?,
            frozen: share(&frozen)?,
            tuned: share(&learn(&few, &body, false)?)?,
            frozen_unchanged: body.iter().all(same),
        });
    }
    let names = |classes: std::ops::Range<usize>| train.classes[classes].to_vec();
    Ok(Found {
        known_images: known.len(),
        known: names(before),
        new: names(after),
        test_images: rows.len(),
        sizes,
    })
}

/// At most so many images of each of some classes, which are counted from 0.
fn of_classes(images: &Images, classes: std::ops::Range<usize>, most: usize) -> Images {
    let mut chosen = Vec::new();
    for class in classes.clone() {
        let held = (0..images.len()).filter(|&at| images.labels[at] == class as i64);
        chosen.extend(held.take(most));
    }
    let mut chosen = images.select(&chosen);
    chosen.labels.iter_mut().for_each(|label| *label -= classes.start as i64);
    chosen.classes = images.classes[classes].to_vec();
    chosen
}

pub(super) fn lesson(options: &Options) -> Result<Told, Error> {
    let found = find(options)?;
    let (known, new) = (found.known.join(", "), found.new.join(", "));
    let (images, test) = (found.known_images, found.test_images);
    let names = [
        text!("from scratch", "처음부터"),
        text!("frozen", "고정"),
        text!("fine-tuned", "미세 조정"),
    ];
    let curve = |(way, name): (usize, &Text)| Curve {
        name: name.clone(),
        points: found.sizes.iter().map(|s| ((s.images as f64).log10(), s.ways()[way])).collect(),
    };
    let row = |size: &Size| {
        let cells = size.ways().map(|share| Text::same(fixed(share, 3)));
        std::iter::once(Text::same(size.images.to_string())).chain(cells).collect()
    };
    let title = text!("accuracy on {test} test images", "시험 이미지 {test}장의 정확도");
    let columns = names.iter().cloned();
    let parts = vec![
        Part::Paragraph(text!(
            "A small convolutional network learns the classes {known} from {images} images. Then it learns \
             {new} from few images of each: with its convolutions drawn anew (from scratch), kept as they \
             are (frozen, only the last layer learns), or learning on from there (fine-tuned).",
            "작은 합성곱 신경망이 이미지 {images}장으로 {known} 부류를 배웁니다. 그다음 {new} 부류를 몇 장 \
             안 되는 이미지로 배웁니다. 합성곱을 새로 뽑거나(처음부터), 그대로 두고 마지막 층만 배우거나(고정), \
             거기서 이어서 배웁니다(미세 조정).",
        )),
        Part::Table(Table {
            title: title.clone(),
            columns: std::iter::once(text!("images a class", "부류마다 이미지"))
                .chain(columns)
                .collect(),
            rows: found.sizes.iter().map(row).collect(),
        }),
        Part::Chart(Chart {
            name: "accuracy".into(),
            title,
            x: text!("images a class, as a power of ten", "부류마다 이미지 수, 10의 거듭제곱"),
            y: text!("accuracy", "정확도"),
            curves: names.iter().enumerate().map(curve).collect(),
            within: Some((0.0, 1.0)),
        }),
        Part::Paragraph(text!(
            "What is frozen keeps its bits and needs no gradient, so a step is cheaper; it can only be as \
             good as what the old classes taught. Fine-tuning starts there and learns on. The larger and the \
             nearer the old data and the fewer the new images, the more there is to gain; between two halves \
             of the built-in digits it is little, and the table says how little.",
            "고정한 층은 비트 하나 바뀌지 않고 기울기도 필요 없어 한 스텝이 더 가볍지만, 옛 부류가 가르쳐 준 \
             만큼만 할 수 있습니다. 미세 조정은 거기서 시작해 더 배웁니다. 옛 데이터가 많고 비슷할수록, 새 \
             이미지가 적을수록 얻는 것이 큽니다. 작은 숫자 열 가지를 반씩 나눈 내장 데이터에서는 얻는 것이 \
             적고, 얼마나 적은지는 표에 있습니다.",
        )),
    ];
    Told::new(&found, parts)
}
