//! G1 and G8: autoencoders beside principal components, and what their codes are good for.

use serde::Serialize;

use crate::Error;
use crate::data::{self, Dataset, Options as DataOptions, Targets};
use crate::lesson::{Options, Part, Pictures, Shown, Table, Text, Told, text};
use crate::nn::{Activation, Optimizer, Schedule};
use crate::report::fixed;
use crate::train::{Latent, Trainer};
use crate::zoo::{Autoencoder, Likelihood, Mlp};
use glassbox_engine::Array;

/// Numbers of a digit, and their sides.
const WIDTH: usize = 64;
const SIDE: usize = 8;
/// Sizes of codes that are compared.
const CODES: [usize; 3] = [2, 8, 16];
const EPOCHS: u64 = 120;
/// Of a net without activations, and of one with.
const RATES: [f64; 2] = [1e-2, 3e-3];
/// Rows with a label, of those that a head is trained on.
const LABELLED: usize = 100;
/// Digits that are shown.
const SHOWN: usize = 8;

/// Errors of what is made of codes, over all numbers of the test part.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Errors {
    /// Mean squared error.
    pub mse: f64,
    /// Mean absolute error.
    pub mae: f64,
    /// Root of the mean squared error.
    pub rmse: f64,
}

/// The ways to squeeze a digit into so many numbers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Squeezed {
    /// Numbers of a code.
    pub code: usize,
    /// By the principal components.
    pub components: Errors,
    /// By an autoencoder without activations.
    pub linear: Errors,
    /// By one with hidden layers and ReLU.
    pub deep: Errors,
    /// Cosines of the principal angles between the linear one's plane and the components', the largest
    /// angle last; 1 is the same direction.
    pub cosines: Vec<f64>,
    /// Accuracy of a head on the code of the deep one, from few labelled rows.
    pub head: f64,
}

/// What the lessons found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Found {
    /// One for each size of codes.
    pub squeezed: Vec<Squeezed>,
    /// Accuracy of the same head on the pixels themselves, from as many labelled rows.
    pub head_on_pixels: f64,
    /// Rows with a label.
    pub labelled: usize,
    /// Numbers that the nets 8-4-2-2-4-8 and 16-8-4-6-12-16 learn.
    pub parameters: [usize; 2],
    #[serde(skip)]
    shown: Vec<Vec<f32>>,
}

/// Centred rows, and their mean.
struct Digits {
    data: Dataset,
    mean: Vec<f64>,
    train: Vec<f32>,
    test: Vec<f32>,
    labels: [Vec<i64>; 2],
}

impl Digits {
    fn load() -> Result<Self, Error> {
        let digits = data::digits();
        let gather = |part: &data::Rows| -> Result<Vec<f32>, Error> {
            let mut numbers = vec![0.0; part.len() * WIDTH];
            part.gather_inputs(&(0..part.len()).collect::<Vec<_>>(), &mut numbers)?;
            Ok(numbers)
        };
        let (mut train, mut test) = (gather(&digits.train)?, gather(&digits.test)?);
        let rows = (train.len() / WIDTH).max(1) as f64;
        let of =
            |at: usize| train.iter().skip(at).step_by(WIDTH).map(|x| f64::from(*x)).sum::<f64>();
        let mean: Vec<f64> = (0..WIDTH).map(|at| of(at) / rows).collect();
        for numbers in [&mut train, &mut test] {
            let means = mean.iter().cycle();
            numbers.iter_mut().zip(means).for_each(|(x, mean)| *x -= *mean as f32);
        }
        let rows = train.len() / WIDTH;
        let array = Array::new([rows, WIDTH], train.clone()).map_err(Error::new)?;
        let options = DataOptions { valid: Some(0.0), test: Some(0.0), ..DataOptions::default() };
        let nothing = Targets::Values((0..rows).map(|row| row as f32).collect());
        let data = Dataset::from_arrays(array, nothing, &options)?.into_rows::<&str>(&[])?;
        let labels = [&digits.train, &digits.test].map(|part| part.labels().unwrap_or_default());
        Ok(Digits { data, mean, train, test, labels })
    }
}

/// The first principal directions `[count, width]` of centred rows, by orthogonal iteration.
///
/// ```
/// use glassbox::lesson::components::principal;
/// let rows = [3.0, 0.1, -3.0, 0.1, 2.0, -0.1, -2.0, -0.1];
/// let first = principal(&rows, 2, 1);
/// assert!(first[0][0].abs() > 0.999);
/// ```
pub fn principal(rows: &[f32], width: usize, count: usize) -> Vec<Vec<f64>> {
    let mut covariance = vec![0.0; width * width];
    for row in rows.chunks_exact(width.max(1)) {
        for (line, x) in covariance.chunks_exact_mut(width).zip(row) {
            line.iter_mut().zip(row).for_each(|(sum, y)| *sum += f64::from(*x) * f64::from(*y));
        }
    }
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    // Any start will do that is not orthogonal to what is looked for; no two are alike.
    let start = |number: usize| {
        let of = |at: usize| (((at + 1) * (number + 1)) as f64).sqrt().sin();
        (0..width).map(of).collect::<Vec<f64>>()
    };
    let mut found: Vec<Vec<f64>> = (0..count.min(width)).map(start).collect();
    for _ in 0..300 {
        for number in 0..found.len() {
            let (before, rest) = found.split_at_mut(number);
            let Some(own) = rest.first_mut() else { continue };
            let mut next: Vec<f64> =
                covariance.chunks_exact(width).map(|line| dot(line, own)).collect();
            for other in before.iter() {
                let along = dot(&next, other);
                next.iter_mut().zip(other).for_each(|(x, other)| *x -= along * other);
            }
            let length = dot(&next, &next).sqrt().max(f64::MIN_POSITIVE);
            next.iter_mut().for_each(|x| *x /= length);
            *own = next;
        }
    }
    found
}

/// Cosines of the principal angles between the planes that two lists of directions span, largest first:
/// the singular values of the product of their orthogonal bases.
fn cosines(one: &[Vec<f64>], other: &[Vec<f64>]) -> Vec<f64> {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let basis = |directions: &[Vec<f64>]| {
        let mut basis: Vec<Vec<f64>> = Vec::new();
        for direction in directions {
            let mut next = direction.clone();
            // Twice is enough (Giraud, Langou and Rozložník 2005).
            for _ in 0..2 {
                for known in &basis {
                    let along = dot(&next, known);
                    next.iter_mut().zip(known).for_each(|(x, known)| *x -= along * known);
                }
            }
            let length = dot(&next, &next).sqrt().max(f64::MIN_POSITIVE);
            basis.push(next.into_iter().map(|x| x / length).collect());
        }
        basis
    };
    let (one, other) = (basis(one), basis(other));
    let rows: Vec<f32> = one
        .iter()
        .flat_map(|a| other.iter().map(|b| dot(a, b) as f32).collect::<Vec<_>>())
        .collect();
    let width = other.len();
    let product = |v: &[f64]| -> f64 {
        let line = |row: &[f32]| row.iter().zip(v).map(|(x, v)| f64::from(*x) * v).sum::<f64>();
        rows.chunks_exact(width.max(1)).map(|row| line(row).powi(2)).sum::<f64>().sqrt()
    };
    principal(&rows, width, width).iter().map(|v| product(v).min(1.0)).collect()
}

fn errors(rows: &[f32], made: &[f32]) -> Errors {
    let apart = || rows.iter().zip(made).map(|(a, b)| f64::from(a - b));
    let n = rows.len().max(1) as f64;
    let mse = apart().map(|x| x * x).sum::<f64>() / n;
    Errors { mse, mae: apart().map(f64::abs).sum::<f64>() / n, rmse: mse.sqrt() }
}

/// What is made of rows by their shadows on some directions.
fn projected(rows: &[f32], directions: &[Vec<f64>]) -> Vec<f32> {
    let row = |row: &[f32]| {
        let mut made = vec![0.0; row.len()];
        for direction in directions {
            let along: f64 = row.iter().zip(direction).map(|(x, d)| f64::from(*x) * d).sum();
            made.iter_mut().zip(direction).for_each(|(x, d)| *x += along * d);
        }
        made.into_iter().map(|x| x as f32).collect::<Vec<_>>()
    };
    rows.chunks_exact(WIDTH).flat_map(row).collect()
}

fn learn(digits: &Digits, model: Autoencoder, rate: f64, seed: u64) -> Result<Latent, Error> {
    let run = Trainer::new(model.clone())
        .optimizer(Optimizer::ADAM.with_lr(rate))
        .schedule(Schedule::Cosine)
        .batch(64)
        .epochs(EPOCHS)
        .seed(seed)
        .watch(0)
        .fit(&digits.data)?;
    Ok(run.latent(model))
}

fn remade(latent: &Latent, rows: &[f32]) -> Result<Vec<f32>, Error> {
    latent.decode(&latent.encode(rows, None)?.means, None)
}

/// The accuracy of a head on some numbers of each row, trained on the first rows that have a label.
fn head(train: &[f32], test: &[f32], labels: &[Vec<i64>; 2], seed: u64) -> Result<f64, Error> {
    let width = (train.len() / labels[0].len().max(1)).max(1);
    let few = LABELLED.min(labels[0].len());
    // All numbers on one scale, that of the rows with a label.
    let largest = train[..few * width].iter().fold(1e-6f32, |most, x| most.max(x.abs()));
    let scaled = |numbers: &[f32]| numbers.iter().map(|x| x / largest).collect::<Vec<f32>>();
    let whole = DataOptions { valid: Some(0.0), test: Some(0.0), ..DataOptions::default() };
    let dataset = |numbers: &[f32], labels: &[i64]| -> Result<Dataset, Error> {
        let array = Array::new([labels.len(), width], scaled(numbers)).map_err(Error::new)?;
        Ok(Dataset::from_arrays(array, Targets::Classes(labels.to_vec()), &whole)?)
    };
    let learned = dataset(&train[..few * width], &labels[0][..few])?;
    let run = Trainer::new(Mlp::new([width, 32, 10]))
        .optimizer(Optimizer::ADAM.with_lr(3e-3))
        .epochs(300)
        .seed(seed)
        .watch(0)
        .fit(&learned)?;
    let report = run.evaluate(&dataset(test, &labels[1])?.train)?;
    Ok(report.metrics.get("accuracy").copied().unwrap_or(f64::NAN))
}

/// Squeezes digits in all ways.
///
/// # Errors
/// None.
pub fn find(options: &Options) -> Result<Found, Error> {
    let digits = Digits::load()?;
    let mut squeezed = Vec::new();
    let mut shown = vec![digits.test[..SHOWN * WIDTH].to_vec()];
    for code in CODES {
        let directions = principal(&digits.train, WIDTH, code);
        let linear = learn(&digits, Autoencoder::new(&[WIDTH], code), RATES[0], options.seed)?;
        let model = Autoencoder::new(&[WIDTH], code)
            .encoder(&[128, 64])
            .activation(Activation::Relu)
            .likelihood(Likelihood::Gaussian);
        let deep = learn(&digits, model, RATES[1], options.seed)?;
        // What a unit of each number of the code adds, in the space of rows.
        let mut codes = vec![0.0; (code + 1) * code];
        (0..code).for_each(|at| codes[(at + 1) * code + at] = 1.0);
        let made = linear.decode(&codes, None)?;
        let (origin, moved) = made.split_at(WIDTH);
        let plane: Vec<Vec<f64>> = moved
            .chunks_exact(WIDTH)
            .map(|row| row.iter().zip(origin).map(|(a, b)| f64::from(a - b)).collect())
            .collect();
        let by_components = projected(&digits.test, &directions);
        let (by_linear, by_deep) = (remade(&linear, &digits.test)?, remade(&deep, &digits.test)?);
        if code == CODES[1] {
            for made in [&by_components, &by_linear, &by_deep] {
                shown.push(made[..SHOWN * WIDTH].to_vec());
            }
        }
        let codes = [&digits.train, &digits.test].map(|rows| deep.encode(rows, None));
        let [train, test] = codes;
        squeezed.push(Squeezed {
            code,
            components: errors(&digits.test, &by_components),
            linear: errors(&digits.test, &by_linear),
            deep: errors(&digits.test, &by_deep),
            cosines: cosines(&directions, &plane),
            head: head(&train?.means, &test?.means, &digits.labels, options.seed)?,
        });
    }
    for row in shown.iter_mut().flat_map(|rows| rows.chunks_exact_mut(WIDTH)) {
        row.iter_mut()
            .zip(&digits.mean)
            .for_each(|(x, mean)| *x = (*x + *mean as f32).clamp(0.0, 1.0));
    }
    let dense = |sizes: &[usize]| sizes.windows(2).map(|pair| (pair[0] + 1) * pair[1]).sum();
    Ok(Found {
        squeezed,
        head_on_pixels: head(&digits.train, &digits.test, &digits.labels, options.seed)?,
        labelled: LABELLED,
        parameters: [dense(&[8, 4, 2, 2, 4, 8]), dense(&[16, 8, 4, 6, 12, 16])],
        shown,
    })
}

pub(super) fn linear(options: &Options) -> Result<Told, Error> {
    let found = find(options)?;
    let [symmetric, other] = found.parameters;
    let parts = vec![
        Part::Paragraph(text!(
            "An autoencoder squeezes a row through a few numbers, its code, and makes the row again from \
             them. It is told nothing but the rows. Its layers may mirror each other (8-4-2-2-4-8: \
             {symmetric} parameters) or not (16-8-4-6-12-16: {other}). Without activations all it can do is \
             lay a plane through the rows; trained by the squared error on centred rows, it finds the plane \
             of the principal components, though not their axes.",
            "오토인코더는 행을 몇 개의 수, 곧 코드로 줄였다가 그 코드에서 행을 다시 만듭니다. 아는 것은 행뿐입니다. \
             층은 서로 대칭일 수도(8-4-2-2-4-8: 매개변수 {symmetric}개), 아닐 수도(16-8-4-6-12-16: {other}개) \
             있습니다. 활성화가 없으면 행들 사이에 평면 하나를 놓는 일만 할 수 있습니다. 중심을 맞춘 행에서 제곱 \
             오차로 훈련하면 주성분의 평면을 찾습니다. 다만 축까지 같지는 않습니다.",
        )),
        Part::Table(angles(&found)),
        Part::Pictures(pictures(&found)),
    ];
    Told::new(&found, parts)
}

fn angles(found: &Found) -> Table {
    let row = |of: &Squeezed| {
        let degrees = |cosine: f64| fixed(cosine.clamp(-1.0, 1.0).acos().to_degrees(), 2);
        let first = of.cosines.first().copied().unwrap_or(f64::NAN);
        let last = of.cosines.last().copied().unwrap_or(f64::NAN);
        let cells = [
            of.code.to_string(),
            fixed(of.components.mse, 5),
            fixed(of.linear.mse, 5),
            degrees(first),
            degrees(last),
        ];
        cells.map(Text::same).to_vec()
    };
    Table {
        title: text!("digits of 8 × 8 pixels", "8 × 8 픽셀 숫자"),
        columns: vec![
            text!("numbers of the code", "코드의 수"),
            text!("error, components", "오차, 주성분"),
            text!("error, linear autoencoder", "오차, 선형 오토인코더"),
            text!("least angle, °", "가장 작은 각, °"),
            text!("greatest angle, °", "가장 큰 각, °"),
        ],
        rows: found.squeezed.iter().map(row).collect(),
    }
}

pub(super) fn reused(options: &Options) -> Result<Told, Error> {
    let found = find(options)?;
    let labelled = found.labelled;
    let pixels = fixed(found.head_on_pixels, 3);
    let parts = vec![
        Part::Paragraph(text!(
            "The same number of numbers for each digit, in three ways: principal components, an autoencoder \
             without activations, and one with hidden layers (64-128-64-code and back). Errors are those of \
             the test part, which none of them has seen.",
            "숫자마다 같은 개수의 수로 줄이는 세 가지 방법: 주성분, 활성화 없는 오토인코더, 은닉층이 있는 \
             오토인코더(64-128-64-코드와 그 반대). 오차는 아무도 보지 못한 시험 데이터의 것입니다.",
        )),
        Part::Table(compared(&found)),
        Part::Paragraph(text!(
            "The encoder was never told a class. A head of two dense layers on its code learns them from \
             {labelled} labelled rows; on the pixels themselves the same head reaches {pixels}.",
            "인코더는 부류를 들은 적이 없습니다. 그 코드 위의 밀집층 두 개가 부류 이름이 있는 행 {labelled}개로 \
             배웁니다. 픽셀 위에 바로 놓으면 {pixels}입니다.",
        )),
        Part::Pictures(pictures(&found)),
    ];
    Told::new(&found, parts)
}

fn compared(found: &Found) -> Table {
    let row = |of: &Squeezed| {
        let each =
            |errors: Errors| format!("{:.5} / {:.4} / {:.4}", errors.mse, errors.mae, errors.rmse);
        let cells = [
            of.code.to_string(),
            each(of.components),
            each(of.linear),
            each(of.deep),
            fixed(of.head, 3),
        ];
        cells.map(Text::same).to_vec()
    };
    Table {
        title: text!("MSE / MAE / RMSE by size of the code", "코드 크기에 따른 MSE / MAE / RMSE"),
        columns: vec![
            text!("numbers", "수"),
            text!("components", "주성분"),
            text!("linear", "선형"),
            text!("with hidden layers", "은닉층 있음"),
            text!("head on its code", "코드 위의 분류"),
        ],
        rows: found.squeezed.iter().map(row).collect(),
    }
}

fn pictures(found: &Found) -> Pictures {
    let names = ["row", "components", "linear", "deep"];
    let images = found.shown.iter().zip(names).flat_map(|(rows, name)| {
        rows.chunks_exact(WIDTH).map(move |pixels| Shown {
            caption: name.to_owned(),
            shape: [SIDE, SIDE, 1],
            pixels: pixels.to_vec(),
        })
    });
    Pictures {
        name: "remade".into(),
        title: format!("Digits, and what is made of {} numbers", CODES[1]),
        columns: SHOWN,
        images: images.collect(),
    }
}
