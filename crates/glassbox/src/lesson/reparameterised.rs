//! G4: why a plain sample passes no gradient, and μ + σ·ε does.

use serde::Serialize;

use crate::Error;
use crate::lesson::{Options, Part, Table, Text, Told, text};
use crate::nn;
use crate::report::fixed;
use glassbox_engine::{Array, DType, Graph, Mode, Options as Running, Parameters, Session, grad};

/// Draws of the estimates.
const DRAWS: usize = 1_000_000;
/// The distributions that are measured: μ and ln σ².
const DISTRIBUTIONS: [[f64; 2]; 4] = [[0.0, 0.0], [1.0, 0.0], [0.5, -1.0], [-1.5, 0.7]];

/// The divergence of a normal distribution from the standard normal one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Divergence {
    /// The mean.
    pub mean: f64,
    /// The logarithm of the variance.
    pub log_variance: f64,
    /// −½ (1 + ln σ² − μ² − σ²).
    pub closed: f64,
    /// The mean of ln q(z) − ln p(z) over draws from it.
    pub sampled: f64,
}

/// Gradients of z² by the mean and the logarithm of the variance that z was drawn with.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Gradients {
    /// What was drawn.
    pub epsilon: f64,
    /// z = μ + σ·ε.
    pub z: f64,
    /// By way of μ + σ·ε: to μ and to ln σ².
    pub through: [f64; 2],
    /// From a z that is only a number that was drawn.
    pub stopped: [f64; 2],
}

/// What the lesson found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Found {
    /// How many numbers were drawn for each estimate.
    pub draws: usize,
    /// One for each distribution.
    pub divergences: Vec<Divergence>,
    /// For μ = 0.5, ln σ² = −1.
    pub gradients: Gradients,
}

fn drawn_by(seed: u64) -> Result<Parameters, Error> {
    let mut inputs = Parameters::new();
    for (name, number) in [("seed", seed as i64), ("step", 1)] {
        let number = Array::new([0usize; 0], vec![number]).map_err(Error::new)?;
        inputs.insert(name, number);
    }
    Ok(inputs)
}

fn divergence([mean, log_variance]: [f64; 2], seed: u64) -> Result<Divergence, Error> {
    let graph = Graph::new();
    let noise = nn::normal(graph.root(Mode::Eval).child("draws"), &[DRAWS, 1]);
    let (m, s) = (noise.full_like(mean), noise.full_like(log_variance));
    let z = m + noise * (s * 0.5).exp();
    let sampled = ((z.square() - noise.square() - s) * 0.5).mean();
    let closed = nn::divergence(m, s).mean();
    let mut session = Session::new(Running::default())?;
    let found = session.evaluate(&graph, &drawn_by(seed)?, &[closed, sampled])?;
    let number = |at: usize| {
        let first = found.get(at).and_then(|array| array.as_f32()?.first().copied());
        first.map_or(f64::NAN, f64::from)
    };
    Ok(Divergence { mean, log_variance, closed: number(0), sampled: number(1) })
}

fn gradients(seed: u64) -> Result<Gradients, Error> {
    let graph = Graph::new();
    let [mean, s] = ["mean", "log_variance"].map(|name| graph.input(name, DType::F32, [1]));
    let noise = nn::normal(graph.root(Mode::Train).child("draws"), &[1]);
    let z = mean + noise * (s * 0.5).exp();
    let through = grad(z.square().sum(), &[mean, s]);
    // A draw is a number: the graph does not know that it came from μ and σ.
    let stopped = grad(z.detach().square().sum(), &[mean, s]);
    let mut inputs = drawn_by(seed)?;
    inputs.insert("mean", Array::vector(vec![0.5f32]));
    inputs.insert("log_variance", Array::vector(vec![-1.0f32]));
    let wanted: Vec<_> = [noise, z].into_iter().chain(through).chain(stopped).collect();
    let found = Session::new(Running::default())?.evaluate(&graph, &inputs, &wanted)?;
    let number = |at: usize| {
        let first = found.get(at).and_then(|array| array.as_f32()?.first().copied());
        first.map_or(f64::NAN, f64::from)
    };
    Ok(Gradients {
        epsilon: number(0),
        z: number(1),
        through: [number(2), number(3)],
        stopped: [number(4), number(5)],
    })
}

/// Measures divergences and gradients.
///
/// # Errors
/// None.
pub fn find(options: &Options) -> Result<Found, Error> {
    let of = |distribution: &[f64; 2]| divergence(*distribution, options.seed);
    Ok(Found {
        draws: DRAWS,
        divergences: DISTRIBUTIONS.iter().map(of).collect::<Result<_, _>>()?,
        gradients: gradients(options.seed)?,
    })
}

pub(super) fn lesson(options: &Options) -> Result<Told, Error> {
    let found = find(options)?;
    let Gradients { epsilon, z, through, .. } = found.gradients;
    let [e, z] = [epsilon, z].map(|x| fixed(x, 3));
    let [to_mean, to_s] = through.map(|x| fixed(x, 3));
    let parts = vec![
        Part::Paragraph(text!(
            "A variational autoencoder gives a row not a code but a normal distribution of codes, μ and \
             ln σ², and draws z from it. A draw is a number: no derivative leads from it back to μ and σ, \
             and the encoder would learn nothing. Drawn as z = μ + σ·ε with ε from the standard normal \
             distribution, chance stands beside the way and the way is smooth: dz/dμ = 1, \
             dz/d ln σ² = σ·ε/2.",
            "변분 오토인코더는 행에 코드 하나가 아니라 코드의 정규분포, 곧 μ와 ln σ²를 주고 거기서 z를 뽑습니다. \
             뽑은 것은 그냥 수입니다. 거기서 μ와 σ로 되돌아가는 미분이 없어 인코더는 아무것도 배우지 못합니다. \
             표준정규분포의 ε으로 z = μ + σ·ε이라고 뽑으면 우연은 길옆에 서고 길은 매끄럽습니다: dz/dμ = 1, \
             dz/d ln σ² = σ·ε/2.",
        )),
        Part::Table(passed(&found.gradients)),
        Part::Paragraph(text!(
            "Here μ = 0.5, ln σ² = −1, ε = {e}, so z = {z}; of z² upstream × local is 2z · 1 = {to_mean} and \
             2z · σε/2 = {to_s}. The second part of the loss holds the distributions near the standard \
             normal one, so that new codes can be drawn from that. Its closed form, \
             −½ (1 + ln σ² − μ² − σ²), is what a million draws say:",
            "여기서 μ = 0.5, ln σ² = −1, ε = {e}이므로 z = {z}입니다. z²의 위쪽 × 국소는 2z · 1 = {to_mean}, \
             2z · σε/2 = {to_s}입니다. 손실의 둘째 부분은 분포들을 표준정규분포 가까이에 붙들어, 거기서 새 \
             코드를 뽑을 수 있게 합니다. 닫힌 꼴 −½ (1 + ln σ² − μ² − σ²)은 백만 번 뽑아 본 값과 같습니다:",
        )),
        Part::Table(divergences(&found)),
    ];
    Told::new(&found, parts)
}

fn passed(gradients: &Gradients) -> Table {
    let row = |name: Text, of: [f64; 2]| {
        std::iter::once(name).chain(of.map(|x| Text::same(fixed(x, 3)))).collect()
    };
    Table {
        title: text!("gradients of z²", "z²의 기울기"),
        columns: vec![Text::same(""), text!("to μ", "μ로"), text!("to ln σ²", "ln σ²로")],
        rows: vec![
            row(text!("z as it was drawn", "뽑은 그대로의 z"), gradients.stopped),
            row(text!("z = μ + σ·ε", "z = μ + σ·ε"), gradients.through),
        ],
    }
}

fn divergences(found: &Found) -> Table {
    let row = |of: &Divergence| {
        let apart = match of.closed.abs() > 1e-9 {
            true => format!("{:.2} %", 100.0 * (of.sampled / of.closed - 1.0).abs()),
            false => "–".to_owned(),
        };
        let numbers = [of.mean, of.log_variance].map(|x| fixed(x, 1));
        let both = [of.closed, of.sampled].map(|x| fixed(x, 4));
        let cells = numbers.into_iter().chain(both).chain([apart]);
        cells.map(Text::same).collect()
    };
    Table {
        title: text!("divergence in nats", "쿨백-라이블러 발산(나트)"),
        columns: vec![
            Text::same("μ"),
            Text::same("ln σ²"),
            text!("closed form", "닫힌 꼴"),
            text!("{DRAWS} draws", "{DRAWS}번 뽑기"),
            text!("apart", "차이"),
        ],
        rows: found.divergences.iter().map(row).collect(),
    }
}
