//! S14: the same sequences read by five models.

use std::sync::atomic::AtomicBool;
use std::time::Instant;

use serde::Serialize;

use crate::Error;
use crate::data::{self, Baseline, Dataset, RawTable, SeriesOptions, is_table};
use crate::lesson::{Options, Part, Table, Text, Told, count, text};
use crate::nn::{Clip, Module, Optimizer, Schedule};
use crate::report::fixed;
use crate::train::Trainer;
use crate::zoo::{Attention, Cell, Convolution, FromLast, Mlp, Places, Recurrent};

const EPOCHS: u64 = 30;
const UNITS: usize = 32;

/// What the lesson found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Found {
    /// Windows to learn from, to validate with and to test with.
    pub windows: [usize; 3],
    /// Rows of a window, and numbers of a row.
    pub shape: [usize; 2],
    /// The classes; none where numbers are forecast.
    pub classes: Vec<String>,
    /// The figure that is compared: `accuracy`, or `mae` of forecasts.
    pub figure: &'static str,
    /// That of the simplest guess on the test part: the most frequent class, or the last value.
    pub guess: f64,
    /// The five models.
    pub models: Vec<Net>,
}

/// A model and how it did.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Net {
    /// `dense`, `convolution`, `rnn`, `lstm` or `attention`.
    pub name: &'static str,
    /// Numbers that are learned.
    pub parameters: usize,
    /// The figure on the training part.
    pub train: f64,
    /// The figure on the test part.
    pub test: f64,
    /// Seconds of training.
    pub seconds: f64,
}

/// Trains the five models on the same windows in the same order.
///
/// # Errors
/// Data that cannot be read, or that is no table.
pub fn find(options: &Options) -> Result<Found, Error> {
    let data = windows(options)?;
    let &[window, features] = &data.input.shape[..] else {
        return Err(Error::new("the lesson reads windows of a table"));
    };
    let series = data.preparation.inputs.series();
    let forecast = series.is_some_and(|series| series.horizon > 0);
    let classes = data.preparation.target.classes().unwrap_or_default().to_vec();
    let outputs = if forecast { data.train.outputs() } else { classes.len() };
    let places = if forecast { Places::Last } else { Places::Mean };
    let nets: [(&'static str, Box<dyn Module>); 5] = [
        ("dense", Box::new(Mlp::new([window * features, UNITS, outputs]))),
        ("convolution", Box::new(Convolution::new(UNITS, outputs).layers(3).places(places))),
        ("rnn", Box::new(Recurrent::new(Cell::Rnn, 2 * UNITS, outputs))),
        ("lstm", Box::new(Recurrent::new(Cell::Lstm, UNITS, outputs))),
        ("attention", Box::new(Attention::new(UNITS, outputs).places(places))),
    ];
    let figure = if forecast { "mae" } else { "accuracy" };
    let test = if data.test.is_empty() { &data.valid } else { &data.test };
    let mut models = Vec::new();
    for (name, net) in nets {
        let net: Box<dyn Module> = match series.filter(|series| series.from_last) {
            Some(series) => Box::new(FromLast::new(net, series.levels(), series.targets.clone())),
            None => net,
        };
        let parameters = count(&data.input.shape, |at, x| net.forward(at, x))?.parameters;
        let began = Instant::now();
        let run = Trainer::new(net)
            .optimizer(Optimizer::ADAM.with_lr(3e-3))
            .schedule(Schedule::Cosine)
            .clip(Clip::Norm(1.0))
            .epochs(EPOCHS)
            .seed(options.seed)
            .watch(0)
            .fit_watched(&data, &mut |_| {}, &AtomicBool::new(false))?;
        let seconds = began.elapsed().as_secs_f64();
        let of = |rows| -> Result<f64, Error> {
            Ok(run.evaluate(rows)?.metrics.get(figure).copied().unwrap_or(f64::NAN))
        };
        models.push(Net { name, parameters, train: of(&data.train)?, test: of(test)?, seconds });
    }
    let guess = match test.simplest_forecasts() {
        Some((last, _)) => {
            let observed = test.values().unwrap_or_default();
            let off = last.iter().zip(&observed).map(|(a, b)| (a - b).abs());
            off.sum::<f64>() / observed.len().max(1) as f64
        }
        None => {
            let score = Baseline::fit(&data.train).score(test);
            score.and_then(|score| score.accuracy).unwrap_or(f64::NAN)
        }
    };
    let windows = [data.train.len(), data.valid.len(), data.test.len()];
    Ok(Found { windows, shape: [window, features], classes, figure, guess, models })
}

/// The built-in data of sensors, or the windows of one's own table: the columns of time and of persons
/// are known by their names.
fn windows(options: &Options) -> Result<Dataset, Error> {
    let Some(path) = &options.data else { return Ok(data::activity(12, options.seed)?) };
    if !is_table(path) {
        return Err(Error::new(format!(
            "{path}: the lesson reads windows of a table, such as a CSV"
        )));
    }
    let table = RawTable::from_path(path)?;
    let named = |names: &[&str]| {
        let fits = |column: &&String| names.iter().any(|name| column.eq_ignore_ascii_case(name));
        table.names().iter().find(fits).cloned()
    };
    let mut series = SeriesOptions {
        time: named(&["time", "date", "datetime", "timestamp", "t"]),
        group: named(&["person", "subject", "user", "group", "id"]),
        ..SeriesOptions::default()
    };
    if !series.is_asked() {
        // The rows stand in order.
        series.window = Some((table.rows() / 10).clamp(2, 50));
    }
    let options = data::Options { series, seed: options.seed, ..data::Options::default() };
    Ok(Dataset::from_table(&table, &options)?)
}

fn title(name: &str) -> Text {
    match name {
        "dense" => text!("dense", "밀집"),
        "convolution" => text!("convolution", "합성곱"),
        "rnn" => text!("RNN", "RNN"),
        "lstm" => text!("LSTM", "LSTM"),
        _ => text!("attention", "어텐션"),
    }
}

pub(super) fn lesson(options: &Options) -> Result<Told, Error> {
    let found = find(options)?;
    let [train, _, test] = found.windows.map(|windows| fixed(windows as f64, 0));
    let [window, features] = found.shape;
    let guess = fixed(found.guess, 3);
    let of_classes = found.figure == "accuracy";
    let mut parts = vec![match (options.data.is_some(), of_classes) {
        (false, _) => Part::Paragraph(text!(
            "People wear an accelerometer (the numbers are made up): {features} numbers, 20 times a second. \
             A window of {window} rows is to be told rest, walk, run, up or down. Five models learn from the \
             same {train} windows in the same order, and are tested on {test} windows of people whom none \
             has seen. Going up and going down stairs are the same wave, one read backwards: what forgets \
             the order cannot tell them apart. Always the most frequent class would be right in {guess}.",
            "사람들이 가속도계를 달고 있습니다(지어낸 데이터). 1초에 20번, 수 {features}개씩입니다. {window}행짜리 \
             구간이 휴식, 걷기, 뛰기, 오르기, 내려가기 가운데 무엇인지 맞힙니다. 다섯 모형이 같은 구간 {train}개로 \
             같은 순서로 배우고, 아무도 본 적 없는 사람들의 구간 {test}개로 시험합니다. 계단 오르기와 내려가기는 \
             한쪽을 거꾸로 읽은 같은 물결이라, 순서를 잊는 모형은 둘을 구별하지 못합니다. 늘 가장 흔한 부류라고 \
             하면 정확도가 {guess}입니다.",
        )),
        (true, true) => Part::Paragraph(text!(
            "Five models learn the class of windows of {window} rows of {features} numbers from the same \
             {train} windows, and are tested on {test} others. Always the most frequent class would be right \
             in {guess}.",
            "다섯 모형이 수 {features}개짜리 행 {window}개로 된 구간의 부류를 같은 구간 {train}개로 배우고, 다른 \
             {test}개로 시험합니다. 늘 가장 흔한 부류라고 하면 정확도가 {guess}입니다.",
        )),
        (true, false) => Part::Paragraph(text!(
            "Five models forecast from windows of {window} rows of {features} numbers. They learn from the \
             same {train} windows and are tested on {test} later ones. The last value, going on, is off by \
             {guess}.",
            "다섯 모형이 수 {features}개짜리 행 {window}개로 된 구간에서 앞을 예측합니다. 같은 구간 {train}개로 \
             배우고 더 나중의 {test}개로 시험합니다. 마지막 값이 이어진다고 하면 {guess}만큼 틀립니다.",
        )),
    }];
    parts.push(Part::Table(compared(&found, of_classes)));
    parts.push(Part::Paragraph(text!(
        "The dense net has a weight for each place: a wave that begins a little later is another input to \
         it. Filters look for the same shape everywhere. The recurrent nets read row by row with the same \
         weights, so the number of these does not grow with the window; the LSTM keeps what it read longer \
         than the RNN. Attention lets each row look at all others at once, and knows of the order by the \
         waves that are added to the rows.",
        "밀집 신경망은 자리마다 가중치가 따로 있어, 조금 늦게 시작한 물결도 전혀 다른 입력입니다. 합성곱 필터는 \
         어디서나 같은 모양을 찾습니다. 순환 신경망은 같은 가중치로 한 행씩 읽으므로 구간이 길어져도 가중치 수가 \
         늘지 않고, LSTM은 RNN보다 읽은 것을 오래 간직합니다. 어텐션은 행마다 다른 모든 행을 한꺼번에 보며, \
         순서는 행에 더한 위치 물결로 압니다.",
    )));
    Told::new(&found, parts)
}

fn compared(found: &Found, of_classes: bool) -> Table {
    let row = |net: &Net| {
        let numbers = [
            fixed(net.parameters as f64, 0),
            fixed(net.train, 3),
            fixed(net.test, 3),
            fixed(net.seconds, 1),
        ];
        std::iter::once(title(net.name)).chain(numbers.map(Text::same)).collect()
    };
    let figure = if of_classes {
        [text!("accuracy, training", "정확도, 훈련"), text!("accuracy, test", "정확도, 시험")]
    } else {
        [text!("MAE, training", "MAE, 훈련"), text!("MAE, test", "MAE, 시험")]
    };
    let [train, test] = figure;
    Table {
        title: text!("one task, five models", "한 과제, 다섯 모형"),
        columns: vec![
            text!("model", "모형"),
            text!("parameters", "매개변수"),
            train,
            test,
            text!("seconds", "초"),
        ],
        rows: found.models.iter().map(row).collect(),
    }
}
