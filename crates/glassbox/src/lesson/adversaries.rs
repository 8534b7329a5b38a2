//! G6 and G7: two networks against each other on a ring of eight clouds; how a generator collapses, and why.

use serde::Serialize;

use crate::Error;
use crate::data::{self, Dataset};
use crate::lesson::{Options, Part, Table, Text, Told, text};
use crate::nn::{Chosen, Optimizer, Schedule};
use crate::report::fixed;
use crate::train::Trainer;
use crate::watch::{Alarm, Collapse};
use crate::zoo::Gan;

/// Clouds of the ring.
const MODES: usize = 8;
/// Rows that are left of each rare cloud, where the data is biased.
const FEW: usize = 3;

/// Where the two networks stand after an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Stand {
    /// The epoch.
    pub epoch: u64,
    /// The generator's loss, and the discriminator's.
    pub losses: [f64; 2],
    /// How often the discriminator is right about rows, and about what is made.
    pub told: [f64; 2],
    /// Clouds that something made lies in.
    pub covered: usize,
    /// The share of what is made that lies in one.
    pub good: f64,
}

/// A training and how it went.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Course {
    /// Where it stood after some epochs, the last one last.
    pub stands: Vec<Stand>,
    /// The alarm of a collapse.
    pub alarm: Option<Alarm>,
}

/// A way to train on the ring.
#[derive(Clone, Copy, Debug)]
struct Recipe {
    code: usize,
    /// Of the discriminator, and of the generator.
    rates: [f64; 2],
    beta1: f64,
    epochs: u64,
    biased: bool,
}

/// Covers all eight clouds.
const CURED: Recipe =
    Recipe { code: 2, rates: [1e-3, 1e-3], beta1: 0.0, epochs: 400, biased: false };

/// The ring; biased, three of the clouds keep but a few rows.
fn ring(biased: bool) -> Result<Dataset, Error> {
    let mut data = data::ring(1_000, 0.02, 42)?.into_rows::<&str>(&[])?;
    if biased {
        let labels = data.train.labels().unwrap_or_default();
        let mut left = [FEW; 3];
        let kept = labels.iter().enumerate().filter(|(_, label)| {
            match usize::try_from(**label).ok().and_then(|label| left.get_mut(label)) {
                Some(left) => {
                    *left = left.saturating_sub(1);
                    *left > 0
                }
                None => true,
            }
        });
        let kept: Vec<usize> = kept.map(|(row, _)| row).collect();
        data.train = data.train.select(&kept)?;
    }
    Ok(data)
}

fn train(recipe: Recipe, seed: u64) -> Result<Course, Error> {
    let data = ring(recipe.biased)?;
    let adam = |lr| Optimizer::Adam {
        lr,
        beta1: recipe.beta1,
        beta2: 0.999,
        epsilon: 1e-8,
        weight_decay: 0.0,
    };
    let run = Trainer::new(Gan::new(&[2], recipe.code).discriminator(&[128, 128]))
        .optimizer(adam(recipe.rates[1]))
        .optimizer_for(Chosen::new("discriminator/*", adam(recipe.rates[0])))
        .schedule(Schedule::Cosine)
        .batch(64)
        .epochs(recipe.epochs)
        .seed(seed)
        .fit(&data)?;
    let last = recipe.epochs;
    let shown = [1, last / 10, last / 4, last / 2, last];
    let epochs = run.history().iter().filter(|epoch| shown.contains(&epoch.epoch));
    let stands = epochs.map(|epoch| {
        let figure = |name: &str| epoch.metrics.get(name).copied().unwrap_or(f64::NAN);
        Stand {
            epoch: epoch.epoch,
            losses: [epoch.valid_loss.unwrap_or(f64::NAN), figure("discriminator_loss")],
            told: [figure("real_accuracy"), figure("fake_accuracy")],
            covered: figure("modes_covered") as usize,
            good: figure("good_samples"),
        }
    });
    let collapse = |alarm: &Alarm| matches!(alarm, Alarm::ModeCollapse { .. });
    let alarms = run.alerts().iter().filter_map(|alert| alert.alarm.clone());
    Ok(Course { stands: stands.collect(), alarm: { alarms }.find(collapse) })
}

/// What lesson G6 found: a training that covers the ring.
///
/// # Errors
/// None.
pub fn covering(options: &Options) -> Result<Course, Error> {
    train(CURED, options.seed)
}

/// What lesson G7 found: three ways to collapse.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Collapsed {
    /// A discriminator that learns three times as fast.
    pub fast: Course,
    /// Three clouds have but a few rows.
    pub biased: Course,
    /// A rate that is too high for both.
    pub hasty: Course,
}

/// Provokes collapses.
///
/// # Errors
/// None.
pub fn collapses(options: &Options) -> Result<Collapsed, Error> {
    let of = |recipe| train(recipe, options.seed);
    Ok(Collapsed {
        fast: of(Recipe { code: 16, rates: [3e-3, 1e-3], beta1: 0.5, epochs: 150, ..CURED })?,
        biased: of(Recipe { biased: true, epochs: 200, ..CURED })?,
        hasty: of(Recipe { code: 16, rates: [1e-2, 1e-2], beta1: 0.9, epochs: 150, ..CURED })?,
    })
}

pub(super) fn against(options: &Options) -> Result<Told, Error> {
    let found = covering(options)?;
    let row = |stand: &Stand| {
        let numbers = [stand.losses[0], stand.losses[1], stand.told[0], stand.told[1]];
        let cells = [stand.epoch.to_string()]
            .into_iter()
            .chain(numbers.map(|x| fixed(x, 2)))
            .chain([format!("{} / {MODES}", stand.covered), percent(stand.good)]);
        cells.map(Text::same).collect()
    };
    let table = Table {
        title: text!("eight clouds on a ring", "고리 위의 구름 여덟"),
        columns: vec![
            text!("epoch", "에포크"),
            text!("generator's loss", "생성자 손실"),
            text!("discriminator's", "판별자 손실"),
            text!("rows told", "가려낸 행"),
            text!("made ones told", "가려낸 만든 것"),
            text!("clouds", "구름"),
            text!("in a cloud", "구름 안"),
        ],
        rows: found.stands.iter().map(row).collect(),
    };
    let parts = vec![
        Part::Paragraph(text!(
            "A generator makes points of two numbers that are drawn. A discriminator learns to tell them from \
             points of the data, by −ln D(x) − ln(1 − D(G(z))); then the generator moves so that the moved \
             discriminator is taken in, by −ln D(G(z)). One step is one graph in this order. No loss says how \
             good the points are: where the discriminator cannot tell, its loss is 2 ln 2 = 1.39 and the \
             generator's 0.69, whatever is made. So it is counted which clouds are covered.",
            "생성자는 뽑은 수 두 개로 점을 만듭니다. 판별자는 −ln D(x) − ln(1 − D(G(z)))로 그 점과 데이터의 점을 \
             가려내기를 배우고, 이어서 생성자가 −ln D(G(z))로 방금 움직인 판별자를 속이도록 움직입니다. 한 \
             걸음은 이 순서대로 한 그래프입니다. 어떤 손실도 점이 얼마나 좋은지 말하지 않습니다. 판별자가 가려내지 \
             못하면 무엇을 만들든 그 손실은 2 ln 2 = 1.39, 생성자 손실은 0.69입니다. 그래서 덮인 구름을 셉니다.",
        )),
        Part::Table(table),
    ];
    Told::new(&found, parts)
}

pub(super) fn collapsing(options: &Options) -> Result<Told, Error> {
    let found = collapses(options)?;
    let cause = |course: &Course| match course.alarm {
        Some(Alarm::ModeCollapse { cause: Collapse::VanishingGradient { told }, .. }) => {
            let told = percent(told);
            text!("tells {told} apart: vanishing gradient", "{told}를 가려냄: 기울기 소실")
        }
        Some(Alarm::ModeCollapse { cause: Collapse::BiasedData { frequency }, .. }) => {
            let frequency = fixed(frequency, 2);
            text!(
                "the missing have {frequency} of an even share: biased data",
                "빠진 구름은 고른 몫의 {frequency}배: 치우친 데이터"
            )
        }
        Some(_) => text!("settings", "설정"),
        None => text!("no collapse", "붕괴 없음"),
    };
    let row = |name: Text, course: &Course| {
        let last = course.stands.last();
        let covered = last.map_or(0, |stand| stand.covered);
        let good = percent(last.map_or(f64::NAN, |stand| stand.good));
        vec![name, Text::same(format!("{covered} / {MODES}")), Text::same(good), cause(course)]
    };
    let table = Table {
        title: text!("three ways to collapse", "붕괴하는 세 가지 길"),
        columns: vec![
            Text::same(""),
            text!("clouds", "구름"),
            text!("in a cloud", "구름 안"),
            text!("what the alarm says", "경보의 말"),
        ],
        rows: vec![
            row(text!("a discriminator three times as fast", "세 배 빠른 판별자"), &found.fast),
            row(text!("three clouds of few rows", "행이 몇 개뿐인 구름 셋"), &found.biased),
            row(
                text!("a rate ten times as high, momentum 0.9", "열 배의 학습률, 관성 0.9"),
                &found.hasty,
            ),
        ],
    };
    let parts = vec![
        Part::Paragraph(text!(
            "The generator needs to take in the discriminator, not to make everything: a few clouds are \
             enough while it is behind. What is made is counted cloud by cloud, and the alarm names the \
             likely cause from what it measures: the share that the discriminator tells apart, and how \
             frequent the missing clouds are. Lesson G6 is the cure: one rate for both, no momentum, a code of \
             as many numbers as a point has.",
            "생성자는 판별자를 속이면 될 뿐, 모든 것을 만들 필요는 없습니다. 판별자가 못 따라오는 동안은 구름 몇 \
             개로 충분합니다. 만든 것을 구름마다 세고, 경보는 판별자가 가려내는 몫과 빠진 구름의 빈도를 재어 \
             있을 법한 원인을 말합니다. G6이 처방입니다: 둘에게 같은 학습률, 관성 없음, 점의 수만큼의 코드.",
        )),
        Part::Table(table),
    ];
    Told::new(&found, parts)
}

fn percent(share: f64) -> String {
    format!("{:.0} %", 100.0 * share)
}
