//! G9: a masked autoencoder learns what images look like, then a classifier learns from few labels.

use glassbox_engine::Parameters;
use glassbox_engine::random::Stream;
use serde::Serialize;

use crate::Error;
use crate::data::Dataset;
use crate::lesson::images::Images;
use crate::lesson::{Chart, Curve, Options, Part, Table, Text, Told, text};
use crate::nn::{Optimizer, Schedule};
use crate::report::fixed;
use crate::train::Trainer;
use crate::zoo::{Autoencoder, Likelihood, Mlp};

/// At most so many images to learn from and to test with.
const MOST: [usize; 2] = [12_000, 2_000];
/// How many images have a label.
const LABELS: [usize; 4] = [50, 100, 200, 500];
/// Hidden units of the encoder, which are those of the classifier.
const HIDDEN: [usize; 2] = [256, 128];
/// Numbers of the code.
const CODE: usize = 64;
/// The share that is hidden of what the encoder reads, in squares of so many pixels a side.
const MASK: (f64, usize) = (0.5, 2);
/// Steps of the autoencoder and of each classifier.
const STEPS: [usize; 2] = [4_000, 400];
const BATCHES: [usize; 2] = [64, 32];
/// Rates of Adam where all layers learn, and where the last one learns alone: as few weights need larger
/// steps.
const RATES: [f64; 2] = [1e-3, 1e-2];
/// How often everything is repeated, with other images that have labels and other draws.
const SEEDS: u64 = 5;

/// Mean and standard deviation over the repetitions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Spread {
    /// The mean.
    pub mean: f64,
    /// The standard deviation.
    pub deviation: f64,
}

impl Spread {
    fn of(values: &[f64]) -> Self {
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count.max(1.0);
        let squares: f64 = values.iter().map(|x| (x - mean).powi(2)).sum();
        Spread { mean, deviation: (squares / (count - 1.0).max(1.0)).sqrt() }
    }
}

/// Accuracies on the test images of classifiers that learned from so many labels.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Size {
    /// Images with a label, of each class as many.
    pub labels: usize,
    /// All weights drawn.
    pub scratch: Spread,
    /// The encoder's layers as they are, only the last layer learning.
    pub frozen: Spread,
    /// The encoder's layers learn on.
    pub tuned: Spread,
}

/// What the lesson found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Found {
    /// Images that the autoencoder learned from, without their labels.
    pub images: usize,
    /// Test images.
    pub test_images: usize,
    /// Repetitions.
    pub seeds: u64,
    /// One for each number of labels.
    pub sizes: Vec<Size>,
}

/// How a classifier begins, and what of it learns.
#[derive(Clone, Copy)]
enum Way {
    Scratch,
    Frozen,
    Tuned,
}

/// Learns what images look like, then their classes from few labels, in three ways; all of it so many times.
///
/// # Errors
/// Data that cannot be read, or holds no images with classes.
pub fn find(options: &Options, repetitions: u64) -> Result<Found, Error> {
    let [train, test] = Images::load(options, MOST)?;
    let rows = train.dataset(0.0, options.seed)?.into_rows::<&str>(&[])?;
    let tested = test.dataset(0.0, options.seed)?.train;
    let least = (0..train.classes.len()).map(|class| of_class(&train, class).len()).min();
    let available = least.unwrap_or(0) * train.classes.len();
    let sizes: Vec<usize> = LABELS.into_iter().filter(|labels| *labels <= available).collect();
    let mut all = vec![[const { Vec::new() }; 3]; sizes.len()];
    for repetition in 0..repetitions {
        let seed = options.seed.wrapping_add(repetition);
        let encoder = learn_rows(&train, &rows, seed)?;
        for (labels, found) in sizes.iter().zip(&mut all) {
            let few = chosen(&train, *labels, seed).dataset(0.0, seed)?;
            for (way, found) in [Way::Scratch, Way::Frozen, Way::Tuned].into_iter().zip(found) {
                let layers = [&[train.width()], &HIDDEN[..], &[train.classes.len()]].concat();
                let rate = RATES[usize::from(matches!(way, Way::Frozen))];
                let trainer = Trainer::new(Mlp::new(layers))
                    .optimizer(Optimizer::ADAM.with_lr(rate))
                    .schedule(Schedule::Cosine)
                    .batch(BATCHES[1].min(few.train.len()))
                    .epochs(epochs(1, few.train.len()))
                    .seed(seed)
                    .watch(0);
                let trainer = match way {
                    Way::Scratch => trainer,
                    Way::Tuned => trainer.start_with(encoder.clone()),
                    Way::Frozen => {
                        let paths = encoder.iter().map(|(path, _)| path.to_owned());
                        trainer.start_with(encoder.clone()).freeze(paths.collect::<Vec<_>>())
                    }
                };
                let report = trainer.fit(&few)?.evaluate(&tested)?;
                found.push(report.metrics.get("accuracy").copied().unwrap_or(f64::NAN));
            }
        }
    }
    let size = |(labels, found): (&usize, &[Vec<f64>; 3])| {
        let [scratch, frozen, tuned] = found.each_ref().map(|values| Spread::of(values));
        Size { labels: *labels, scratch, frozen, tuned }
    };
    Ok(Found {
        images: train.len(),
        test_images: test.len(),
        seeds: repetitions,
        sizes: sizes.iter().zip(&all).map(size).collect(),
    })
}

/// As many epochs of so many images as make the steps of the autoencoder (0) or of a classifier (1).
fn epochs(of: usize, images: usize) -> u64 {
    (STEPS[of] * BATCHES[of].min(images)).div_ceil(images.max(1)) as u64
}

/// The weights of the encoder of a masked autoencoder that was told no class.
fn learn_rows(images: &Images, rows: &Dataset, seed: u64) -> Result<Parameters, Error> {
    let (share, patch) = MASK;
    // Colours are standardised: they are no probabilities.
    let likelihood = match images.pixels.iter().all(|x| (0.0..=1.0).contains(x)) {
        true => Likelihood::Bernoulli,
        false => Likelihood::Gaussian,
    };
    let model = Autoencoder::new(&images.shape, CODE)
        .encoder(&HIDDEN)
        .likelihood(likelihood)
        .mask(share, patch);
    let run = Trainer::new(model.clone())
        .optimizer(Optimizer::ADAM)
        .schedule(Schedule::Cosine)
        .batch(BATCHES[0].min(images.len()))
        .epochs(epochs(0, images.len()))
        .seed(seed)
        .watch(0)
        .fit(rows)?;
    Ok(run.latent(model).encoder())
}

/// The numbers of the images of a class.
fn of_class(images: &Images, class: usize) -> Vec<usize> {
    (0..images.len()).filter(|at| images.labels[*at] == class as i64).collect()
}

/// So many images, of each class as many, chosen by the seed.
fn chosen(images: &Images, labels: usize, seed: u64) -> Images {
    let classes = images.classes.len();
    let of = |class: usize| {
        let mut all = of_class(images, class);
        Stream::new(seed, "lesson/labels", class as u64).shuffle(&mut all);
        all.truncate(labels / classes.max(1));
        all
    };
    images.select(&(0..classes).flat_map(of).collect::<Vec<_>>())
}

pub(super) fn lesson(options: &Options) -> Result<Told, Error> {
    let found = find(options, SEEDS)?;
    let Found { images, test_images, seeds, .. } = found;
    let percent = fixed(100.0 * MASK.0, 0);
    let (patch, steps) = (MASK.1, STEPS[1]);
    let names = [
        text!("from scratch", "처음부터"),
        text!("frozen", "고정"),
        text!("fine-tuned", "미세 조정"),
    ];
    let ways = |size: &Size| [size.scratch, size.frozen, size.tuned];
    let curve = |(way, name): (usize, &Text)| Curve {
        name: name.clone(),
        points: found
            .sizes
            .iter()
            .map(|size| ((size.labels as f64).log10(), ways(size)[way].mean))
            .collect(),
    };
    let row = |size: &Size| {
        let cell =
            |of: Spread| Text::same(format!("{} ± {}", fixed(of.mean, 3), fixed(of.deviation, 3)));
        let cells = ways(size).map(cell);
        std::iter::once(Text::same(size.labels.to_string())).chain(cells).collect()
    };
    let title =
        text!("accuracy on {test_images} test images", "시험 이미지 {test_images}장의 정확도");
    let mut parts = vec![
        Part::Paragraph(text!(
            "Labels cost work, images often do not. A masked autoencoder reads {images} images of which \
             {percent} % is hidden, in squares of {patch} × {patch} pixels, and is to make the whole ones: it \
             must learn what goes with what, and is told no class. Then a classifier with the encoder's \
             layers learns from few labels: with all weights drawn (from scratch), with the encoder as it is \
             (frozen, only the last layer learns), or learning on from it (fine-tuned). All take {steps} steps \
             of Adam; mean and standard deviation over {seeds} repetitions, each with other draws and other \
             images that have a label.",
            "이름표는 품이 들지만 이미지는 흔히 그냥 있습니다. 마스크 오토인코더는 {patch} × {patch} 픽셀 조각으로 \
             {percent} %를 가린 이미지 {images}장을 읽고 온전한 이미지를 만들어야 합니다. 무엇이 무엇과 함께 \
             나타나는지 배우지만 부류는 듣지 않습니다. 그다음 인코더와 같은 층을 가진 분류기가 적은 이름표로 \
             배웁니다. 모든 가중치를 새로 뽑거나(처음부터), 인코더를 그대로 두고 마지막 층만 배우거나(고정), 거기서 \
             이어서 배웁니다(미세 조정). 모두 Adam {steps}스텝이고, 뽑기와 이름표 붙은 이미지를 바꿔 가며 {seeds}번 \
             되풀이한 평균과 표준 편차입니다.",
        )),
        Part::Table(Table {
            title: title.clone(),
            columns: std::iter::once(text!("labels", "이름표"))
                .chain(names.iter().cloned())
                .collect(),
            rows: found.sizes.iter().map(row).collect(),
        }),
        Part::Chart(Chart {
            name: "few-labels".into(),
            title,
            x: text!("labels, as a power of ten", "이름표 수, 10의 거듭제곱"),
            y: text!("accuracy", "정확도"),
            curves: names.iter().enumerate().map(curve).collect(),
            within: None,
        }),
    ];
    if let [fewest, .., most] = &found.sizes[..] {
        parts.push(Part::Paragraph(worth(fewest, most)));
    }
    Told::new(&found, parts)
}

/// What learning the rows first was worth, as it was measured.
fn worth(fewest: &Size, most: &Size) -> Text {
    let points = |size: &Size| format!("{:+.1}", 100.0 * (size.tuned.mean - size.scratch.mean));
    let (first, last) = (points(fewest), points(most));
    let (few, many) = (fewest.labels, most.labels);
    text!(
        "With {few} labels, fine-tuning is {first} points of accuracy from learning from scratch; with \
         {many}, {last}. On images of your own: `glassbox train DATA --model autoencoder --set model.mask=0.5`, \
         then `glassbox train DATA --weights last --set split.train=100`.",
        "이름표가 {few}개일 때 미세 조정은 처음부터 배우는 것과 정확도로 {first}점, {many}개일 때 {last}점 차이가 \
         납니다. 내 이미지로는 `glassbox train 데이터 --model autoencoder --set model.mask=0.5` 다음에 `glassbox \
         train 데이터 --weights last --set split.train=100`입니다.",
    )
}
