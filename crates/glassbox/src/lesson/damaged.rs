//! G2 and G3: autoencoders that repair what is damaged, and rows that they cannot make again.

use serde::Serialize;

use crate::Error;
use crate::data;
use crate::lesson::{Options, Part, Pictures, Shown, Table, Text, Told, text};
use crate::nn::{Optimizer, Schedule};
use crate::report::fixed;
use crate::train::{Damage, Half, KnownRows, Latent, Trainer};
use crate::zoo::{Autoencoder, Likelihood};

/// Numbers of a digit, and their sides.
const WIDTH: usize = 64;
const SIDE: usize = 8;
const EPOCHS: u64 = 40;
const RATE: f64 = 3e-3;
/// Rows that are repaired, and how many of them are shown.
const ROWS: usize = 200;
const SHOWN: usize = 8;
/// Numbers of the code where digits are left out: few, so that only what was learned passes.
const ODD_CODE: usize = 8;
/// What denoising and masked autoencoders are trained with.
const NOISE: f64 = 0.4;
const MASK: f64 = 0.4;

/// The damages, in words and as such.
const DAMAGES: [(&str, &str, Damage); 5] = [
    ("noise 0.2", "잡음 0.2", Damage::Noise(0.2)),
    ("noise 0.4", "잡음 0.4", Damage::Noise(NOISE)),
    ("noise 0.7", "잡음 0.7", Damage::Noise(0.7)),
    ("40 % of the pixels hidden", "픽셀 40 % 가림", Damage::Share(MASK)),
    ("left half hidden", "왼쪽 절반 가림", Damage::Hidden(Half::Left)),
];

/// Mean squared errors of repaired rows.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Repair {
    /// How rows were damaged.
    pub damage: String,
    /// As they were given.
    pub before: f64,
    /// As plain, denoising and masked autoencoders give them back.
    pub after: [f64; 3],
}

/// What the lesson on repairing found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Repairs {
    /// One for each damage.
    pub repairs: Vec<Repair>,
    #[serde(skip)]
    shown: Vec<(String, Vec<f32>)>,
}

/// How well digits are told that were left out of the training.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Odd {
    /// The digit.
    pub digit: String,
    /// The area under the ROC curve, by the loss.
    pub roc_auc: f64,
    /// The share of its rows above the threshold.
    pub found: f64,
    /// The share of the other rows above it.
    pub false_alarms: f64,
}

fn model(code: usize) -> Autoencoder {
    Autoencoder::new(&[SIDE, SIDE, 1], code).encoder(&[128]).likelihood(Likelihood::Bernoulli)
}

fn learn(
    model: Autoencoder,
    without: &[&str],
    seed: u64,
) -> Result<(Latent, data::Dataset), Error> {
    let digits = data::digits().into_rows(without)?;
    let run = Trainer::new(model.clone())
        .optimizer(Optimizer::ADAM.with_lr(RATE))
        .schedule(Schedule::Cosine)
        .batch(64)
        .epochs(EPOCHS)
        .seed(seed)
        .watch(0)
        .fit(&digits)?;
    Ok((run.latent(model), digits))
}

/// Repairs digits by three autoencoders.
///
/// # Errors
/// None.
pub fn repairs(options: &Options) -> Result<Repairs, Error> {
    let models = [model(32), model(32).noise(NOISE), model(32).mask(MASK, 1)];
    let mut learned = Vec::new();
    for model in models {
        learned.push(learn(model, &[], options.seed)?);
    }
    let Some((_, digits)) = learned.first() else { return Err(Error::new("nothing was learned")) };
    let rows = KnownRows::of(&digits.test, ROWS)?.numbers;
    let mut repairs = Vec::new();
    let mut shown = vec![("whole".to_owned(), rows[..SHOWN * WIDTH].to_vec())];
    for (damage, _, how) in DAMAGES {
        let mut found = Vec::new();
        for (latent, _) in &learned {
            found.push(latent.repair(&rows, None, how, options.seed)?);
        }
        let [plain, denoising, masked] = &found[..] else { continue };
        let best = if how == Damage::Noise(NOISE) { denoising } else { masked };
        if matches!(how, Damage::Share(_)) || how == Damage::Noise(NOISE) {
            shown.push((damage.to_owned(), plain.damaged[..SHOWN * WIDTH].to_vec()));
            shown.push(("plain".to_owned(), plain.repaired[..SHOWN * WIDTH].to_vec()));
            shown.push(("trained for it".to_owned(), best.repaired[..SHOWN * WIDTH].to_vec()));
        }
        repairs.push(Repair {
            damage: damage.to_owned(),
            before: plain.error_before,
            after: [plain.error_after, denoising.error_after, masked.error_after],
        });
    }
    Ok(Repairs { repairs, shown })
}

/// Leaves each digit out of a training and tells it from the others.
///
/// # Errors
/// None.
pub fn odd(options: &Options) -> Result<Vec<Odd>, Error> {
    let digits = (0..10).map(|digit: usize| digit.to_string());
    let of = |digit: String| {
        let (latent, data) = learn(model(ODD_CODE), &[&digit], options.seed)?;
        let rows = KnownRows::of(&data.test, usize::MAX)?;
        let found = latent.anomalies(&data, std::slice::from_ref(&digit), &rows, 0.05)?;
        let share = |left_out: bool| {
            let classes = || found.classes.iter().filter(|class| class.left_out == left_out);
            let rows = classes().map(|class| class.rows).sum::<usize>().max(1);
            classes().map(|class| class.odd).sum::<usize>() as f64 / rows as f64
        };
        let roc_auc = found.roc_auc.unwrap_or(f64::NAN);
        Ok(Odd { digit, roc_auc, found: share(true), false_alarms: share(false) })
    };
    digits.map(of).collect()
}

pub(super) fn repairing(options: &Options) -> Result<Told, Error> {
    let found = repairs(options)?;
    let parts = vec![
        Part::Paragraph(text!(
            "A code that is large enough can learn to pass a row on as it is, damage and all. A denoising \
             autoencoder reads a row with noise ({NOISE}) and is to make the one without; a masked one reads \
             a row of which {MASK} is hidden. Both must learn what rows look like. Errors are mean squared \
             errors against the whole rows of the test part; what is not hidden stays as it is.",
            "코드가 넉넉하면 행을 손상까지 그대로 넘기는 법을 배울 수 있습니다. 잡음 제거 오토인코더는 잡음({NOISE})이 \
             섞인 행을 읽고 잡음 없는 행을 만들어야 하고, 마스크 오토인코더는 {MASK}이 가려진 행을 읽습니다. 둘 다 \
             행이 어떻게 생겼는지 배워야 합니다. 오차는 시험 데이터의 온전한 행에 대한 평균 제곱 오차입니다. 가리지 \
             않은 것은 그대로 둡니다.",
        )),
        Part::Table(errors(&found)),
        Part::Paragraph(text!(
            "Whichever was trained for a damage repairs it best; noise of another strength, or a hidden half \
             that neither was trained with, tells how far that carries.",
            "어떤 손상이든 그것으로 훈련한 모형이 가장 잘 고칩니다. 세기가 다른 잡음이나 아무도 훈련하지 않은 절반 \
             가림은 그것이 어디까지 통하는지 보여 줍니다.",
        )),
        Part::Pictures(pictures(&found)),
    ];
    Told::new(&found, parts)
}

fn errors(found: &Repairs) -> Table {
    let row = |(repair, (english, korean, _)): (&Repair, &(&str, &str, Damage))| {
        let name = Text { english: (*english).to_owned(), korean: (*korean).to_owned() };
        let cells = std::iter::once(repair.before).chain(repair.after);
        let cells = cells.map(|error| Text::same(fixed(error, 4)));
        std::iter::once(name).chain(cells).collect()
    };
    Table {
        title: text!("errors", "오차"),
        columns: vec![
            text!("damage", "손상"),
            text!("damaged", "손상된 그대로"),
            text!("plain", "보통"),
            text!("denoising", "잡음 제거"),
            text!("masked", "마스크"),
        ],
        rows: found.repairs.iter().zip(&DAMAGES).map(row).collect(),
    }
}

fn pictures(found: &Repairs) -> Pictures {
    let images = found.shown.iter().flat_map(|(caption, rows)| {
        rows.chunks_exact(WIDTH).map(move |pixels| Shown {
            caption: caption.clone(),
            shape: [SIDE, SIDE, 1],
            pixels: pixels.iter().map(|x| x.clamp(0.0, 1.0)).collect(),
        })
    });
    Pictures {
        name: "repaired".into(),
        title: "Digits, damaged and repaired".into(),
        columns: SHOWN,
        images: images.collect(),
    }
}

pub(super) fn oddness(options: &Options) -> Result<Told, Error> {
    let found = odd(options)?;
    let parts = vec![
        Part::Paragraph(text!(
            "An autoencoder makes well again what it was trained on. Each line is one training without a \
             digit: rows of the test part that lose more, against one that is made exactly, than 95 % of \
             the usual validation rows are called odd. The area under the ROC curve says how well the loss tells the left-out digit \
             from the others, whatever the threshold: ½ is guessing.",
            "오토인코더는 훈련한 것을 잘 되살립니다. 한 줄은 숫자 하나를 뺀 훈련 한 번입니다. 시험 데이터에서 손실이 \
             정상 검증 행의 95 %보다 큰 행을 이상하다고 합니다. ROC 곡선 아래 면적은 문턱과 상관없이 뺀 숫자를 \
             손실로 얼마나 잘 가려내는지 말합니다. ½은 찍은 것과 같습니다.",
        )),
        Part::Table(areas(&found)),
        Part::Paragraph(text!(
            "Digits whose strokes others have are made better than the rest and found less often. On data of your \
             own: `glassbox train DATA --model autoencoder`, then `glassbox anomaly last FILE`.",
            "획이 다른 숫자와 겹치는 숫자는 더 잘 되살아나서 덜 찾아집니다. 내 데이터로는 `glassbox train 데이터 \
             --model autoencoder` 다음에 `glassbox anomaly last 파일`입니다.",
        )),
    ];
    Told::new(&found, parts)
}

fn areas(found: &[Odd]) -> Table {
    let row = |odd: &Odd| {
        let percent = |share: f64| format!("{:.0} %", 100.0 * share);
        let cells = [
            odd.digit.clone(),
            fixed(odd.roc_auc, 3),
            percent(odd.found),
            percent(odd.false_alarms),
        ];
        cells.map(Text::same).to_vec()
    };
    Table {
        title: text!("digits that were left out", "뺀 숫자"),
        columns: vec![
            text!("digit", "숫자"),
            text!("ROC area", "ROC 면적"),
            text!("found odd", "찾은 비율"),
            text!("others found odd", "다른 숫자의 오경보"),
        ],
        rows: found.iter().map(row).collect(),
    }
}
