//! Alarms: what goes wrong in a training, found while it happens, each told once.
//!
//! What is known of a step is its loss; at a look ([`Statistics`](crate::watch::Statistics)) also gradients, updates and
//! activations. All that alarms remember goes into checkpoints, so that a resumed run raises the same
//! ones at the same steps.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::metrics::ModesCovered;
use crate::train::state::Exact;
use crate::watch::alarm::{Alarm, Collapse};
use crate::watch::course::Course;
use crate::watch::look::Look;
use crate::watch::statistics::layer_of;

/// Looks in a row after which a state of gradients or activations is no accident. At 50 steps a look,
/// it has then lasted 150 steps.
const PERSISTENT: u32 = 4;
/// A layer whose gradient is less than this of the output layer's stands still beside it: where the
/// output learns in 100 steps, it needs a million. Well-scaled layers lie within a factor of 100 of
/// each other (Glorot and Bengio 2010).
const VANISHING: f64 = 1e-4;
/// Inputs and targets are scaled and losses are means over rows, so that a healthy gradient has a
/// norm of about 10 at most, at the start, and less later. Where it is clipped, it is clipped at 1 to
/// 10 (Pascanu, Mikolov and Bengio 2013).
const EXPLODING: f64 = 100.0;
/// Also exploding: a norm that grows by this factor from look to look, [`PERSISTENT`] times.
const GROWTH: f64 = 3.0;
/// A ReLU unit that is 0 for every row of a window gets no gradient from any of them. Some such units
/// are usual and harmless; from this share on the layer has lost most of what it could learn with.
const DEAD: f64 = 0.5;
/// Rows that such a window has at least: a unit that fires for one row in 20 is silent over 100
/// rows with a chance of 0.6 %.
const DEAD_ROWS: u64 = 100;
/// The share of a layer's outputs on the flat ends of tanh or sigmoid from which on hardly any
/// gradient passes. Trained nets have about half there.
const SATURATED: f64 = 0.8;
/// Steps of healthy training move weights by about 10⁻³ of their norm; below this share, rounding
/// and noise are of the same size (Karpathy, CS231n).
const SMALL_UPDATE: f64 = 1e-4;
/// A loss that is not below this share of the simplest guess's has learned nothing.
const LEARNED: f64 = 0.98;
/// Rounds of steps, and a third of the training, after which it should have learned something.
const PATIENCE: u64 = 5;
/// A round's mean loss above this many times the best round's, …
const RISEN: f64 = 2.0;
/// … so many rounds in a row, has risen for good.
const RISEN_ROUNDS: u32 = 3;
/// A batch's loss is a spike where it is above the untrained model's by this factor, …
const SPIKE_START: f64 = 1.5;
/// … above the usual loss by this factor, …
const SPIKE_USUAL: f64 = 5.0;
/// … and by so many of its standard deviations.
const SPIKE_DEVIATIONS: f64 = 8.0;
/// A generator that covers less than this share of the modes, after half of the training and
/// in a tenth of its epochs in a row ([`PERSISTENT`] at least), has collapsed: two of eight are missing where one is left out by chance.
const COLLAPSED: f64 = 0.8;
/// A discriminator that tells more than this share apart is sure of itself: it has no use for most rows.
const SURE: f64 = 0.9;
/// Modes that have less than this share of an even one are rare.
const RARE: f64 = 0.25;
/// A number of a variational code that diverges by fewer nats than this is the same whatever the row.
const DEAD_CODE: f64 = 0.01;
/// Epochs, and a fifth of the training, after which codes should carry something: in the beginning none do.
const CODE_EPOCHS: u64 = 3;
/// The share of a new batch in the usual loss: it remembers about 20 batches.
const USUAL: f64 = 0.05;
/// Watches for everything that an [`Alarm`] tells. What it remembers is plain data.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Alarms {
    /// The kinds that were told.
    told: BTreeSet<String>,
    /// Looks in a row, by what they found.
    streaks: BTreeMap<String, u32>,
    /// For each ReLU, the window in which its units are watched.
    windows: BTreeMap<String, Window>,
    looks: u64,
    /// Looks after which the batch's loss had risen though it should have fallen.
    overshoots: u64,
    largest_update: Exact,
    first_norm: Option<Exact>,
    last_norm: Exact,
    rounds: u64,
    round_steps: u64,
    round_rows: u64,
    round_sum: Exact,
    first: Exact,
    best: Exact,
    risen: u32,
    /// Mean and variance of recent losses.
    usual: Option<[Exact; 2]>,
}

/// Which units were 0 in every row of some looks in a row.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
struct Window {
    looks: u32,
    rows: u64,
    /// A letter a unit: `0` for silent, `1` for not.
    units: String,
}

impl Alarms {
    /// What the loss of a step says.
    pub(crate) fn step(
        &mut self,
        course: &Course,
        step: u64,
        loss: f64,
        rows: usize,
    ) -> Option<Alarm> {
        if course.loss.is_adversarial() {
            return None;
        }
        let loss = course.per_row(loss, rows);
        let spike = self.spike(course, loss, rows);
        let [mean, variance] = self.usual.get_or_insert([Exact(loss), Exact(0.0)]);
        let away = loss - mean.0;
        mean.0 += USUAL * away;
        variance.0 = (1.0 - USUAL) * (variance.0 + USUAL * away * away);
        self.round_sum.0 += loss * rows as f64;
        self.round_rows += rows as u64;
        self.round_steps += 1;
        let round = match self.round_steps == course.round {
            true => self.end_round(course, step),
            false => None,
        };
        spike.or(round).filter(|alarm| self.tell(alarm))
    }

    /// What a look says: places and alarms.
    pub(crate) fn look(
        &mut self,
        course: &Course,
        look: &Look,
        rows: usize,
    ) -> Vec<(String, Alarm)> {
        let statistics = &look.statistics;
        self.looks += 1;
        self.largest_update.0 = self.largest_update.0.max(statistics.update_ratio);
        let should_fall = statistics.predicted_change < 0.0;
        self.overshoots += u64::from(should_fall && statistics.actual_change > 0.0);
        let mut found = Vec::new();
        // In this order: what comes later may only follow from what was told.
        type Finds = fn(&mut Alarms, &Course, &Look, usize) -> Option<(String, Alarm)>;
        let all: [Finds; 4] =
            [Alarms::dead, Alarms::saturated, Alarms::exploding, Alarms::vanishing];
        for finds in all {
            let alarm = finds(self, course, look, rows);
            found.extend(alarm.filter(|(_, alarm)| self.tell(alarm)));
        }
        found
    }

    /// What samples say of a generator after an epoch: which modes they are of, how frequent the missing ones
    /// are, and which shares of rows and of what is made the discriminator tells.
    pub(crate) fn modes(
        &mut self,
        course: &Course,
        step: u64,
        found: &ModesCovered,
        missing: Option<f64>,
        told: Option<(f64, f64)>,
    ) -> Option<Alarm> {
        let ModesCovered { covered, modes, .. } = *found;
        // In the beginning nothing is covered.
        let few = step >= course.steps / 2 && (covered as f64) < COLLAPSED * modes as f64;
        let enough = u32::try_from(course.epochs / 10).unwrap_or(u32::MAX);
        if !self.persists("few modes", few, PERSISTENT.max(enough)) {
            return None;
        }
        let told = told.map(|(real, fake)| 0.5 * (real + fake));
        let cause = match (missing, told) {
            (Some(frequency), _) if frequency < RARE => Collapse::BiasedData { frequency },
            (_, Some(told)) if told > SURE => Collapse::VanishingGradient { told },
            _ => Collapse::Settings { rate: course.rate },
        };
        Some(Alarm::ModeCollapse { covered, modes, cause }).filter(|alarm| self.tell(alarm))
    }

    /// What the divergences of a code's numbers say after an epoch of so many.
    pub(crate) fn code(&mut self, divergences: &[f64], epoch: u64, epochs: u64) -> Option<Alarm> {
        if divergences.is_empty() || epoch < CODE_EPOCHS.max(epochs / 5) {
            return None;
        }
        let dead = divergences.iter().filter(|nats| **nats < DEAD_CODE).count();
        let alarm = Alarm::PosteriorCollapse {
            dead: dead as u64,
            code: divergences.len() as u64,
            kl: divergences.iter().sum(),
        };
        let most = dead as f64 >= DEAD * divergences.len() as f64;
        Some(alarm).filter(|alarm| most && self.tell(alarm))
    }

    /// Whether an alarm is new; it is not afterwards.
    fn tell(&mut self, alarm: &Alarm) -> bool {
        self.told.insert(alarm.kind().to_owned())
    }

    fn is_told(&self, kinds: &[&str]) -> bool {
        kinds.iter().any(|kind| self.told.contains(*kind))
    }

    /// Counts looks in a row that found something; whether they are enough.
    fn persists(&mut self, what: &str, found: bool, enough: u32) -> bool {
        let streak = self.streaks.entry(what.to_owned()).or_default();
        *streak = if found { streak.saturating_add(1) } else { 0 };
        *streak >= enough
    }

    fn spike(&self, course: &Course, loss: f64, rows: usize) -> Option<Alarm> {
        let [Exact(usual), Exact(variance)] = self.usual?;
        // The rest of an epoch has few rows: one of them alone may be far out.
        let share = (rows as f64 / course.batch as f64).min(1.0);
        let far = loss * share > SPIKE_START * self.first.0
            && loss > SPIKE_USUAL * usual
            && loss > usual + SPIKE_DEVIATIONS * variance.sqrt();
        (self.rounds > 0 && far).then_some(Alarm::LossSpike { loss, usual })
    }

    fn end_round(&mut self, course: &Course, step: u64) -> Option<Alarm> {
        let mean = self.round_sum.0 / self.round_rows.max(1) as f64;
        (self.round_steps, self.round_rows, self.round_sum) = (0, 0, Exact(0.0));
        self.rounds += 1;
        if self.rounds == 1 {
            (self.first, self.best) = (Exact(mean), Exact(mean));
            return None;
        }
        let risen = mean > RISEN * self.best.0 && mean > self.first.0;
        self.risen = if risen { self.risen + 1 } else { 0 };
        if self.risen >= RISEN_ROUNDS {
            let against = self.best.0;
            return Some(Alarm::RateTooHigh { loss: mean, against, rate: course.rate });
        }
        self.best.0 = self.best.0.min(mean);
        let judged = step >= (PATIENCE * course.round).max(course.steps / 3);
        let guess = course.guess.filter(|guess| judged && self.best.0 >= LEARNED * guess)?;
        // Where gradients or units say why, that was told.
        let causes = ["vanishing_gradient", "exploding_gradient", "dead_units", "saturated_units"];
        if self.is_told(&causes) || self.is_told(&["rate_too_high", "rate_too_low"]) {
            return None;
        }
        let update_ratio = self.largest_update.0;
        let looked = self.looks >= u64::from(PERSISTENT) - 1;
        Some(if mean > 1.5 * guess || looked && 2 * self.overshoots >= self.looks {
            Alarm::RateTooHigh { loss: mean, against: guess, rate: course.rate }
        } else if looked && update_ratio < SMALL_UPDATE {
            Alarm::RateTooLow { update_ratio, rate: course.rate }
        } else {
            Alarm::NotLearning { loss: mean, guess }
        })
    }

    fn dead(&mut self, _: &Course, look: &Look, rows: usize) -> Option<(String, Alarm)> {
        let mut found: Vec<(f64, String, Alarm)> = Vec::new();
        for (path, silent) in &look.silent {
            let window = self.windows.entry(path.clone()).or_default();
            if window.units.len() != silent.len() {
                *window = Window { units: "0".repeat(silent.len()), ..Window::default() };
            }
            let both = |(held, &now): (char, &bool)| if now { held } else { '1' };
            window.units = window.units.chars().zip(silent).map(both).collect();
            window.looks += 1;
            window.rows += rows as u64;
            if window.looks < PERSISTENT || window.rows < DEAD_ROWS {
                continue;
            }
            let units = silent.len() as u64;
            let dead = window.units.chars().filter(|&unit| unit == '0').count() as u64;
            let share = dead as f64 / units.max(1) as f64;
            if share >= DEAD {
                let alarm = Alarm::DeadUnits { dead, units, rows: window.rows };
                found.push((share, layer_of(path).to_owned(), alarm));
            }
            *window = Window::default();
        }
        worst(found)
    }

    fn saturated(&mut self, _: &Course, look: &Look, _: usize) -> Option<(String, Alarm)> {
        let mut found = Vec::new();
        for activation in &look.statistics.activations {
            let Some(share) = activation.saturated else { continue };
            let what = format!("saturated {}", activation.path);
            if self.persists(&what, share > SATURATED, PERSISTENT) {
                let place = layer_of(&activation.path).to_owned();
                found.push((share, place, Alarm::SaturatedUnits { share }));
            }
        }
        worst(found)
    }

    fn exploding(&mut self, course: &Course, look: &Look, rows: usize) -> Option<(String, Alarm)> {
        let norm = course.per_row(look.statistics.gradient_norm, rows);
        let first = self.first_norm.get_or_insert(Exact(norm)).0;
        let grown = norm > GROWTH * self.last_norm.0 && norm > 10.0 * first;
        self.last_norm = Exact(norm);
        // One look may be the very first, from which training recovers. Where nets work against each other
        // both begin with large gradients.
        let large = norm > EXPLODING && !course.loss.is_adversarial();
        let large = self.persists("large gradient", large, 2);
        let growing = self.persists("growing gradient", grown, PERSISTENT);
        let most = look.layers.iter().max_by(|a, b| a.1.total_cmp(&b.1));
        (large || growing).then(|| {
            (most.map_or(String::new(), |l| l.0.clone()), Alarm::ExplodingGradient { norm })
        })
    }

    fn vanishing(&mut self, _: &Course, look: &Look, _: usize) -> Option<(String, Alarm)> {
        let (_, output) = look.layers.last().filter(|(_, norm)| *norm > 0.0)?;
        let least = look.layers.iter().min_by(|a, b| a.1.total_cmp(&b.1))?;
        let ratio = least.1 / output;
        let persists = self.persists("vanishing gradient", ratio < VANISHING, PERSISTENT);
        // Behind a layer of dead units there is no gradient at all: that is told as dead units.
        let layer_is_silent = look.silent.iter().any(|(_, units)| units.iter().all(|&unit| unit));
        let dead = ratio == 0.0 && (layer_is_silent || self.is_told(&["dead_units"]));
        (persists && !dead).then(|| (least.0.clone(), Alarm::VanishingGradient { ratio }))
    }
}

/// The alarm of the greatest share.
fn worst(found: Vec<(f64, String, Alarm)>) -> Option<(String, Alarm)> {
    let worst = found.into_iter().reduce(|a, b| if b.0 > a.0 { b } else { a })?;
    Some((worst.1, worst.2))
}

#[cfg(test)]
mod tests {
    use crate::nn::{Loss, Measures};
    use crate::watch::Statistics;

    use super::*;

    /// The steps at which exploding is told of a training whose gradients have these norms.
    fn explodes(loss: Loss, norms: &[f64]) -> Vec<usize> {
        let course =
            Course { round: 20, steps: 100, epochs: 1, batch: 8, guess: None, loss, rate: 0.1 };
        let (mut alarms, mut told) = (Alarms::default(), Vec::new());
        for (step, &gradient_norm) in norms.iter().enumerate() {
            let statistics = Statistics {
                step: 0,
                epoch: 1,
                loss: 1.0,
                rate: 0.1,
                gradient_norm,
                update_ratio: 0.0,
                predicted_change: 0.0,
                actual_change: 0.0,
                parameters: Vec::new(),
                activations: Vec::new(),
            };
            let look = Look { statistics, layers: Vec::new(), silent: Vec::new() };
            let found = alarms.look(&course, &look, 8);
            assert!(found.iter().all(|(_, alarm)| alarm.kind() == "exploding_gradient"));
            told.extend(found.iter().map(|_| step));
        }
        told
    }

    #[test]
    fn nets_against_each_other_may_begin_with_large_gradients_and_not_grow() {
        static AGAINST: Measures = Measures { names: &["loss"], guess: None, adversarial: true };
        let large = [500.0, 400.0, 300.0, 200.0];
        let growing = [1.0, 4.0, 16.0, 64.0, 256.0, 1024.0];
        assert_eq!(explodes(Loss::SquaredError, &large), [1]);
        assert_eq!(explodes(Loss::OfModel(&AGAINST), &large), Vec::<usize>::new());
        assert_eq!(explodes(Loss::OfModel(&AGAINST), &growing).len(), 1);
    }
}
