//! N24 over time: how large the gradient is by how far a step lies back; ReLU against tanh, the LSTM
//! beside both; and clipping.

use glassbox_engine::{Array, DType, Initial, Parameters, Scope, Tensor, grad};
use serde::Serialize;

use crate::Error;
use crate::lesson::practice::{Practice, array, computed, named};
use crate::lesson::unrolled::{FAR, Unit};
use crate::lesson::{Chart, Curve, Options, Part, Table, Text, Told, text};
use crate::nn::{self, Activation, Clip, Loss, Optimizer, Recurrence};
use crate::report::{fixed, scientific};

/// Units of the nets that are drawn.
const UNITS: usize = 16;

/// The gradient of a net's end by its inputs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Norms {
    /// What net it is.
    pub net: Net,
    /// ‖∂end/∂x‖ of the step 0, 1, 2 … before the last.
    pub by_distance: Vec<f64>,
    /// The largest state on the way.
    pub largest_state: f64,
}

/// A recurrent net that is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Net {
    /// One unit h ← f(x + w · h), its first state 1.
    Unit {
        /// f.
        activation: Activation,
        /// w.
        weight: f32,
    },
    /// Sixteen units whose recurrent matrix makes every vector `gain` times as long.
    Many {
        /// The activation.
        activation: Activation,
        /// How many times.
        gain: f64,
    },
    /// An LSTM of sixteen units as it is drawn, this number added to its forget gates' biases.
    Lstm {
        /// 0: as drawn; 1 is the usual start; 4 holds on to 98 % a step.
        forget_bias: f32,
    },
}

impl Net {
    fn name(self) -> Text {
        match self {
            Net::Unit { activation, weight } => {
                text!("{activation}, w = {weight}", "{activation}, w = {weight}")
            }
            Net::Many { activation, gain } => {
                text!("16 {activation}, × {gain}", "{activation} 16개, × {gain}")
            }
            Net::Lstm { forget_bias } => {
                text!("LSTM, forget bias {forget_bias}", "LSTM, 망각 편향 {forget_bias}")
            }
        }
    }

    /// The states of all steps, `[1, time, units]`.
    #[track_caller]
    fn record<'g>(self, at: Scope<'g>, x: Tensor<'g>) -> Tensor<'g> {
        match self {
            Net::Unit { activation, .. } => {
                let first = x.scalar(1.0).broadcast_to([1, 1, 1]);
                let settings = Recurrence { first: Some([first]), ..Recurrence::default() };
                nn::rnn(at.child("rnn"), x, 1, activation, settings).outputs
            }
            Net::Many { activation, gain } => {
                let recurrent =
                    at.parameter("recurrent", [UNITS, UNITS], Initial::Orthogonal { gain });
                let first = x.scalar(0.0).broadcast_to([1, UNITS]);
                let (_, all) =
                    at.graph().scan(x.dim(1), first, x.permute(&[1, 0, 2]), |h, x, _| {
                        let h = activation.of(x + h.matmul(recurrent));
                        (h, h)
                    });
                all.permute(&[1, 0, 2])
            }
            Net::Lstm { .. } => nn::lstm(at.child("lstm"), x, UNITS, Recurrence::default()).outputs,
        }
    }

    /// What is not as it is drawn.
    fn weights(self, seed: u64) -> Result<Parameters, Error> {
        let Net::Lstm { forget_bias } = self else {
            return match self {
                Net::Unit { weight, .. } => {
                    Unit { input: 1.0, bias: 0.0, recurrent: weight }.weights()
                }
                _ => self.drawn(seed),
            };
        };
        let mut weights = self.drawn(seed)?;
        let path = "lstm/layer1/input/bias";
        let mut bias = weights.get(path).map(Array::to_f64).unwrap_or_default();
        for forget in bias.iter_mut().skip(UNITS).take(UNITS) {
            *forget += f64::from(forget_bias);
        }
        weights.insert(path, Array::from_f64(DType::F32, [4 * UNITS], &bias).map_err(Error::new)?);
        Ok(weights)
    }

    fn drawn(self, seed: u64) -> Result<Parameters, Error> {
        let graph = glassbox_engine::Graph::new();
        let x = graph.input("x", DType::F32, [1, FAR, self.features()]);
        self.record(graph.root(glassbox_engine::Mode::Eval), x);
        graph.check()?;
        Ok(graph.initial_values(seed))
    }

    fn features(self) -> usize {
        if matches!(self, Net::Unit { .. }) { 1 } else { UNITS }
    }

    /// The gradient of a mix of the last states by the input of each step.
    ///
    /// # Errors
    /// None.
    ///
    /// ```
    /// use glassbox::lesson::through_time::Net;
    /// use glassbox::nn::Activation;
    /// let norms = Net::Unit { activation: Activation::Relu, weight: 2.0 }.norms(42)?;
    /// assert_eq!(norms.by_distance[10], 1024.0);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn norms(self, seed: u64) -> Result<Norms, Error> {
        let features = self.features();
        let numbers: Vec<f32> = match self {
            Net::Unit { .. } => vec![0.0; FAR],
            _ => (0..FAR * features).map(|i| 0.3 * (i as f32 * 1.7).sin()).collect(),
        };
        let given = named([("x", array([1, FAR, features], numbers)?)]);
        let found = computed(&self.weights(seed)?, &given, |at| {
            let x = at.graph().input("x", DType::F32, [1, FAR, features]);
            let states = self.record(at, x);
            let last = states.slice(1, FAR - 1..FAR);
            let mix = at.graph().iota([1, 1, features], 2).cast(DType::F32).cos();
            let by_step = grad((last * mix).sum(), &[x])[0];
            vec![by_step.square().sum_axis(-1).sqrt(), states.abs().max()]
        })?;
        let mut found = found.into_iter();
        let mut by_distance = found.next().unwrap_or_default();
        by_distance.reverse();
        let largest = found.next().and_then(|numbers| numbers.first().copied());
        Ok(Norms { net: self, by_distance, largest_state: largest.unwrap_or(f64::NAN) })
    }
}

/// A unit that explodes, shall learn the mean of fifty numbers, and is clipped or not.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Clipped {
    /// How gradients are clipped, if they are.
    pub clip: Option<Clip>,
    /// The squared error before each step.
    pub losses: Vec<f64>,
}

/// Learns, from a recurrent weight of 1.4, the mean of fifty numbers (weight 1 and input 1/50 give it).
///
/// # Errors
/// None.
pub fn learn_the_mean(clip: Option<Clip>, steps: usize) -> Result<Clipped, Error> {
    const SEQUENCES: usize = 8;
    let practice = Practice {
        optimizer: Optimizer::GRADIENT_DESCENT.with_lr(0.002),
        clip,
        steps,
        seed: 0,
        start: Parameters::new(),
    };
    let numbers: Vec<f32> =
        (0..FAR * SEQUENCES).map(|i| (i as f64 * 0.618).fract() as f32).collect();
    let x = array([FAR, SEQUENCES], numbers)?;
    let learned = practice.learn(
        |at| {
            // h ← relu(w · h + u · x), without biases.
            let (w, u) = (at.parameter("w", [], 1.4), at.parameter("u", [], 0.5));
            let x = at.graph().input("x", DType::F32, [FAR, SEQUENCES]);
            let first = x.scalar(0.0).broadcast_to([SEQUENCES]);
            let (last, ()) = at.graph().scan(FAR, first, x, |h, x, _| ((h * w + x * u).relu(), ()));
            let mean = x.mean_axis(0).reshape([SEQUENCES, 1]);
            Loss::SquaredError.of(at.child("loss"), last.reshape([SEQUENCES, 1]), mean)
        },
        |_| Ok(named([("x", x.clone())])),
    )?;
    Ok(Clipped { clip, losses: learned.losses })
}

/// What the lesson found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Found {
    /// Each net's gradient by distance in time.
    pub norms: Vec<Norms>,
    /// Without clipping, clipped by norm and by value.
    pub clipped: Vec<Clipped>,
}

/// Computes the gradients, and trains with and without clipping.
///
/// # Errors
/// None.
pub fn find(options: &Options) -> Result<Found, Error> {
    use Activation::{Relu, Tanh};
    let nets = [
        Net::Unit { activation: Relu, weight: 2.0 },
        Net::Unit { activation: Relu, weight: 0.5 },
        Net::Unit { activation: Tanh, weight: 2.0 },
        Net::Many { activation: Relu, gain: 2.5 },
        Net::Many { activation: Tanh, gain: 2.5 },
        Net::Lstm { forget_bias: 0.0 },
        Net::Lstm { forget_bias: 1.0 },
        Net::Lstm { forget_bias: 4.0 },
    ];
    let norms = nets.into_iter().map(|net| net.norms(options.seed)).collect::<Result<_, _>>()?;
    let clips = [None, Some(Clip::Norm(1.0)), Some(Clip::Value(1.0))];
    let learned = |clip| learn_the_mean(clip, 600);
    Ok(Found { norms, clipped: clips.into_iter().map(learned).collect::<Result<_, _>>()? })
}

pub(super) fn lesson(options: &Options) -> Result<Told, Error> {
    let found = find(options)?;
    let loss = |at: usize| found.clipped.get(at).and_then(|c| c.losses.last()).copied();
    let [thrown, by_norm, by_value] = [0, 1, 2].map(|at| fixed(loss(at).unwrap_or(f64::NAN), 4));
    let parts = vec![
        Part::Paragraph(text!(
            "Unrolled over {FAR} steps a recurrent net is {FAR} layers deep with the same weights in each. \
             On its way back the gradient is multiplied by the same factor at every step. For one unit \
             with ReLU that is w: above 1 the gradient explodes, below 1 it vanishes. An LSTM carries its \
             cell state over by the forget gate, a factor between 0 and 1 that it learns: the nearer to 1, \
             the farther the gradient reaches. It eases the vanishing, it does not end it.",
            "{FAR}스텝으로 펼친 순환 신경망은 가중치가 같은 층이 {FAR}개인 깊은 신경망입니다. 기울기는 거꾸로 \
             가면서 스텝마다 같은 수와 곱해집니다. ReLU 유닛 하나라면 그 수는 w입니다. 1보다 크면 폭발하고 \
             작으면 사라집니다. LSTM은 망각 게이트, 곧 학습되는 0과 1 사이의 수를 곱해 셀 상태를 넘깁니다. \
             1에 가까울수록 기울기가 멀리 갑니다. 소실을 덜어 줄 뿐 없애지는 못합니다.",
        )),
        Part::Chart(chart("by-distance", &found, &[0, 1, 7])),
        Part::Table(table(&found)),
        Part::Paragraph(text!(
            "Tanh keeps states within −1 and 1, ReLU does not; so where the recurrent matrix stretches, \
             ReLU's gradient explodes, and tanh's grows far less or dies where its units saturate. (ReLU is \
             an activation, not an optimiser.) For matrices, largest singular value below 1 is enough to \
             vanish, above 1 is needed to explode.",
            "tanh는 상태를 −1과 1 사이에 묶고 ReLU는 묶지 않습니다. 그래서 순환 행렬이 벡터를 늘리면 ReLU의 \
             기울기는 폭발하고, tanh의 기울기는 훨씬 덜 커지거나 유닛이 포화되어 사라집니다. (ReLU는 활성화 \
             함수이지 옵티마이저가 아닙니다.) 행렬에서는 가장 큰 특잇값이 1보다 작으면 반드시 사라지고, \
             1보다 커야 폭발할 수 있습니다.",
        )),
        Part::Chart(chart("relu-and-tanh", &found, &[3, 4])),
        Part::Chart(losses(&found)),
        Part::Paragraph(text!(
            "One unit that starts at w = 1.4 shall learn the mean of {FAR} numbers. Its first gradient is so \
             large that one step of plain descent throws it where ReLU is silent: the loss stays {thrown}. \
             Clipped by norm it comes to {by_norm}, by value to {by_value}. Clipping cures exploding only; \
             against vanishing help gates, skips and a start near 1.",
            "w = 1.4에서 시작하는 유닛 하나가 수 {FAR}개의 평균을 배웁니다. 첫 기울기가 너무 커서 경사 하강 한 \
             번에 ReLU가 침묵하는 곳으로 튕겨 나가고, 손실은 {thrown}에 머뭅니다. 크기로 자르면 {by_norm}, \
             값마다 자르면 {by_value}까지 내려갑니다. 자르기는 폭발만 고칩니다. 소실에는 게이트, 건너뛰기 \
             연결, 1에 가까운 시작이 도움이 됩니다.",
        )),
    ];
    Told::new(&found, parts)
}

fn chart(name: &str, found: &Found, which: &[usize]) -> Chart {
    let points = |norms: &Norms| (0..).map(f64::from).zip(norms.by_distance.clone()).collect();
    let curve = |norms: &Norms| Curve { name: norms.net.name(), points: points(norms) };
    Chart {
        name: name.to_owned(),
        title: text!("gradient by distance in time", "시간 거리에 따른 기울기"),
        x: text!("steps back", "거슬러 간 스텝"),
        y: text!("gradient norm by that step's input", "그 스텝의 입력에 대한 기울기 크기"),
        curves: which.iter().filter_map(|&at| found.norms.get(at)).map(curve).collect(),
        within: None,
    }
}

fn table(found: &Found) -> Table {
    let row = |norms: &Norms| {
        let at = |distance: usize| norms.by_distance.get(distance).copied().unwrap_or(f64::NAN);
        let cells = [at(0), at(10), at(FAR - 1), norms.largest_state].map(|x| scientific(x, 2));
        std::iter::once(norms.net.name()).chain(cells.map(Text::same)).collect()
    };
    let far = FAR - 1;
    Table {
        title: text!(
            "gradient norm by how far a step lies back",
            "거슬러 간 스텝에 따른 기울기 크기"
        ),
        columns: vec![
            text!("net", "신경망"),
            Text::same("0"),
            Text::same("10"),
            Text::same(far.to_string()),
            text!("largest state", "가장 큰 상태"),
        ],
        rows: found.norms.iter().map(row).collect(),
    }
}

fn losses(found: &Found) -> Chart {
    let curve = |clipped: &Clipped| Curve {
        name: match clipped.clip {
            None => text!("not clipped", "자르지 않음"),
            Some(Clip::Norm(_)) => text!("clipped by norm", "크기로 자름"),
            Some(Clip::Value(_)) => text!("clipped by value", "값마다 자름"),
        },
        points: (1..).map(f64::from).zip(clipped.losses.iter().copied()).collect(),
    };
    Chart {
        name: "clipping".into(),
        title: text!("an exploding unit, clipped and not", "폭발하는 유닛, 자를 때와 그냥 둘 때"),
        x: text!("step", "스텝"),
        y: text!("squared error", "제곱 오차"),
        curves: found.clipped.iter().map(curve).collect(),
        within: None,
    }
}
