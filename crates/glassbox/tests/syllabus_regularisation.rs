//! Syllabus N23: L1, L2, dropout, early stopping, batch and layer normalisation, label smoothing and
//! augmentation, each on and off on the same data under the same seed, and the effect that each is
//! known for. Everything is trained by the library's trainer.
#![allow(clippy::unwrap_used)] // In tests; clippy exempts only the test functions themselves.

use crate::support;

use glassbox::data::{Rows, TargetsMut};
use glassbox::engine::{DType, Distribution, Parameters};
use glassbox::prelude::*;
use glassbox::zoo::Normalize;
use support::steps::{InSession, Steps, values};

/// Data and training follow from it.
const SEEDS: std::ops::RangeInclusive<u64> = 1..=6;

/// Two half circles, each point off by normal noise of deviation 0.3: 60 points to learn from and 220
/// to validate.
fn moons(seed: u64) -> Dataset {
    let mut data = data::moons(400, 0.3, seed).unwrap();
    let all: Vec<usize> = (0..280).collect();
    let [train, valid] = [&all[..60], &all[60..]].map(|rows| data.train.select(rows).unwrap());
    (data.train, data.valid) = (train, valid);
    data
}

/// A net with much more room than 60 points need.
fn roomy() -> Mlp {
    Mlp::new([2, 32, 32, 2])
}

fn trainer<M: Module>(model: M, seed: u64) -> Trainer<M> {
    let adam = Optimizer::ADAM.with_lr(0.01);
    let trainer = Trainer::new(model).optimizer(adam).schedule(Schedule::Constant);
    trainer.batch(20).epochs(150).seed(seed).threads(1)
}

/// A model after its last step, as it is used: nothing is left out, jittered or smoothed.
#[derive(Debug, PartialEq)]
struct Figures {
    /// Mean cross entropy on the rows that were learned from.
    train: f64,
    /// Mean cross entropy on the rows that were not.
    valid: f64,
    /// The largest raw score of a training row, either sign.
    largest: f64,
    /// √Σw² over the weights of all layers.
    norm: f64,
    /// The share of weights within 0.01 of 0.
    zeros: f64,
}

impl Figures {
    fn gap(&self) -> f64 {
        self.valid - self.train
    }
}

/// Trains, and gives the figures of what was learned in `model`.
fn ends<M: Module>(trainer: Trainer<M>, model: &Mlp, data: &Dataset) -> Figures {
    let run = trainer.fit(data).unwrap();
    let weights = run.parameters();
    let [(scores, train), (_, valid)] =
        [&data.train, &data.valid].map(|rows| used(model, weights, rows));
    let matrices = weights.iter().filter(|(_, array)| array.shape().rank() == 2);
    let all: Vec<f64> = matrices.flat_map(|(_, array)| array.to_f64()).collect();
    let near_zero = all.iter().filter(|w| w.abs() < 0.01).count();
    Figures {
        train,
        valid,
        largest: scores.iter().fold(0.0, |largest, score| score.abs().max(largest)),
        norm: all.iter().map(|w| w * w).sum::<f64>().sqrt(),
        zeros: near_zero as f64 / all.len() as f64,
    }
}

/// Raw scores and mean cross entropy of a model in use.
fn used(model: &Mlp, weights: &Parameters, rows: &Rows) -> (Vec<f64>, f64) {
    let n = rows.len();
    let graph = Graph::new();
    let at = graph.root(Mode::Eval);
    let (x, labels) =
        (graph.input("x", DType::F32, [n, 2]), graph.input("labels", DType::I64, [n]));
    let scores = model.forward(at, x);
    let loss = Loss::CrossEntropy.of(at.child("loss"), scores, labels);
    let (mut inputs, mut told) = (vec![0.0; n * 2], vec![0; n]);
    let all: Vec<usize> = (0..n).collect();
    rows.gather(&all, &mut inputs, TargetsMut::Classes(&mut told)).unwrap();
    let inputs: Vec<f64> = inputs.into_iter().map(f64::from).collect();
    let told: Vec<f64> = told.into_iter().map(|label| label as f64).collect();
    let given = values(&[("x", &[n, 2], &inputs), ("labels", &[n], &told)]);
    let mut run = InSession::new(&graph, &given, weights, &[scores, loss]).step();
    (run.swap_remove(0), run[0][0])
}

/// The roomy net's figures without anything against overfitting, and with something, on the same
/// data under the same seed, for each seed.
struct OffAndOn(Vec<(Figures, Figures)>);

impl OffAndOn {
    /// `on` trains the other way.
    fn with(on: impl Fn(u64, &Dataset) -> Figures) -> Self {
        let pair = |seed| {
            let data = moons(seed);
            (ends(trainer(roomy(), seed), &roomy(), &data), on(seed, &data))
        };
        OffAndOn(SEEDS.map(pair).collect())
    }

    /// `on` changes the trainer.
    fn by(on: impl Fn(Trainer<Mlp>) -> Trainer<Mlp>) -> Self {
        OffAndOn::with(|seed, data| ends(on(trainer(roomy(), seed)), &roomy(), data))
    }

    /// Another net takes the roomy one's place.
    fn of(net: &Mlp) -> Self {
        OffAndOn::with(|seed, data| ends(trainer(net.clone(), seed), net, data))
    }

    /// The mean of a figure over the seeds, off and on.
    fn mean(&self, of: fn(&Figures) -> f64) -> (f64, f64) {
        let n = self.0.len() as f64;
        let sum =
            |sum: (f64, f64), (off, on): &(Figures, Figures)| (sum.0 + of(off), sum.1 + of(on));
        let (off, on) = self.0.iter().fold((0.0, 0.0), sum);
        (off / n, on / n)
    }

    /// Fails unless what is learned by heart is much less: the gap between training and validation.
    #[track_caller]
    fn assert_narrower_gap(&self) {
        let (off, on) = self.mean(Figures::gap);
        assert!(on < 0.7 * off, "mean gap {on}, without {off}: {:#?}", self.0);
        let (off, on) = self.mean(|figures| figures.valid);
        assert!(on < 0.9 * off, "mean validation loss {on}, without {off}: {:#?}", self.0);
    }
}

#[test]
fn n23_off_the_net_learns_its_rows_by_heart() {
    let plain = OffAndOn::by(|trainer| trainer);
    for (off, again) in &plain.0 {
        assert_eq!(off, again, "the same training twice");
    }
    let (train, valid) = (plain.mean(|f| f.train).0, plain.mean(|f| f.valid).0);
    assert!(train < 0.1 && valid > 0.5, "{train} {valid}");
}

#[test]
fn n23_l1_draws_most_weights_to_0() {
    let runs = OffAndOn::by(|trainer| trainer.l1(0.003));
    for (off, on) in &runs.0 {
        assert!(off.zeros < 0.1 && on.zeros > 0.75, "{off:?} {on:?}");
    }
    runs.assert_narrower_gap();
}

#[test]
fn n23_l2_makes_the_weights_small_and_not_0() {
    let runs = OffAndOn::by(|trainer| trainer.l2(0.003));
    for (off, on) in &runs.0 {
        assert!(on.norm < 0.6 * off.norm, "{off:?} {on:?}");
        assert!(on.zeros < 0.65, "fewer zeros than L1 makes: {on:?}");
    }
    runs.assert_narrower_gap();
}

#[test]
fn n23_dropout_narrows_the_gap_between_training_and_validation() {
    OffAndOn::of(&roomy().dropout(0.5)).assert_narrower_gap();
}

#[test]
fn n23_early_stopping_ends_before_the_rows_are_learned_by_heart() {
    let runs = OffAndOn::by(|trainer| trainer.patience(10));
    runs.assert_narrower_gap();
    let (off, on) = runs.mean(|figures| figures.train);
    assert!(on > 2.0 * off, "fewer rows are learned by heart: {on}, without {off}");
    for seed in SEEDS {
        let run = trainer(roomy(), seed).patience(10).fit(&moons(seed)).unwrap();
        let losses: Vec<f64> = run.history().iter().map(|e| e.valid_loss.unwrap()).collect();
        assert!(losses.len() < 150, "seed {seed}: it stops early");
        let best = losses.iter().copied().fold(f64::INFINITY, f64::min);
        assert_eq!(losses[losses.len() - 11], best, "ten epochs without a better one");
    }
}

#[test]
fn n23_label_smoothing_keeps_the_scores_small() {
    // Of two classes a smoothed target asks for scores that are ln(0.95/0.05) = 2.9 apart; a target of
    // 1 is never reached.
    let runs = OffAndOn::by(|trainer| trainer.label_smoothing(0.1));
    for (off, on) in &runs.0 {
        assert!(on.largest < 0.5 * off.largest, "{off:?} {on:?}");
    }
    runs.assert_narrower_gap();
}

#[test]
fn n23_batch_normalisation_narrows_the_gap_too() {
    // What a row becomes depends on the other rows of its batch: that is noise.
    OffAndOn::of(&roomy().normalize(Normalize::Batch)).assert_narrower_gap();
}

#[test]
fn n23_normalisation_lets_a_deep_net_learn_from_weights_too_small_and_too_large() {
    // The loss of the last of 60 epochs of plain descent; none where it left the scale.
    let end = |seed, normalize, (activation, deviation): (Activation, f64)| {
        let model = Mlp::new([2, 16, 16, 16, 16, 16, 2]).activation(activation);
        let model = model.initial(Initial::Normal { deviation }).normalize(normalize);
        let descent = Optimizer::GRADIENT_DESCENT.with_lr(0.1);
        match trainer(model, seed).optimizer(descent).epochs(60).fit(&moons(seed)) {
            Ok(run) => run.history().last().map(|epoch| epoch.train_loss),
            Err(error) => {
                let said = error.to_string();
                assert!(said.contains("the loss became") || said.contains("finite"), "{said}");
                None
            }
        }
    };
    let (small, large) = ((Activation::Tanh, 0.05), (Activation::Relu, 3.0));
    for seed in SEEDS {
        let nothing = end(seed, Normalize::None, small).unwrap();
        assert!((nothing - 2f64.ln()).abs() < 0.01, "too small, it learns nothing: {nothing}");
        // Too large, the first steps throw it off the scale or to where every unit is silent.
        let thrown = end(seed, Normalize::None, large);
        assert!(thrown.is_none_or(|loss| loss > 0.65), "seed {seed}: {thrown:?}");
    }
    for normalize in [Normalize::Batch, Normalize::Layer] {
        for start in [small, large] {
            let losses: Vec<f64> = SEEDS.map(|seed| end(seed, normalize, start).unwrap()).collect();
            let mean = losses.iter().sum::<f64>() / losses.len() as f64;
            assert!(mean < 0.55, "{normalize} from {start:?}: {losses:?}");
        }
    }
}

/// The roomy net, which in training sees each point moved by fresh normal noise of deviation 0.2.
struct Jittered(Mlp);

impl Module for Jittered {
    fn name(&self) -> &str {
        "jittered"
    }

    fn forward<'g>(&self, at: Scope<'g>, x: Tensor<'g>) -> Tensor<'g> {
        if !at.training() {
            return self.0.forward(at, x);
        }
        let (graph, jitter) = (at.graph(), at.child("jitter"));
        let (seed, step) = (nn::seed(graph), nn::step(graph));
        let noise = jitter.random(Distribution::Normal, x.shape(), seed, step);
        self.0.forward(at, x + noise * 0.2)
    }
}

#[test]
fn n23_augmentation_by_jitter_narrows_the_gap() {
    let jittered = |seed, data: &Dataset| ends(trainer(Jittered(roomy()), seed), &roomy(), data);
    OffAndOn::with(jittered).assert_narrower_gap();
}
