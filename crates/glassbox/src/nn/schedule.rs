use crate::choices::choices;

choices! {
    /// How the learning rate changes over a training, after the warm-up if there is one.
    Schedule {
        /// It stays.
        Constant = "constant",
        /// It falls to 0 along half a cosine (Loshchilov and Hutter 2017, without restarts).
        Cosine = "cosine",
        /// It stays for a share of the steps, of which there are none unless said, then falls to 0 along a
        /// straight line.
        Linear = "linear" {
            /// The share of the steps in which it stays.
            hold: share = 0.0,
        },
        /// It is multiplied by the factor after every so many epochs.
        Step = "step" {
            /// Epochs at one rate.
            every: whole = 10,
            /// What the rate is multiplied by.
            factor: share = 0.5,
        },
        /// It is multiplied by the factor after every epoch.
        Exponential = "exponential" {
            /// What the rate is multiplied by.
            factor: share = 0.95,
        },
        /// It rises from a 25th of the rate to the rate and falls to a 250,000th, both along half a
        /// cosine (Smith and Topin 2018; PyTorch's numbers, without cycling the momentum).
        OneCycle = "one_cycle" {
            /// The share of the steps in which it rises.
            rise: share = 0.3,
        },
        /// It is multiplied by the factor when the figure that is watched (that of `train.stop`, else
        /// the validation loss) has not improved by a ten-thousandth for more than so many epochs.
        Plateau = "plateau" {
            /// What the rate is multiplied by.
            factor: share = 0.1,
            /// Epochs without improvement that are forgiven.
            patience: whole = 10,
        },
    }
}

/// How long a training is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Steps in all.
    pub steps: u64,
    /// Steps of an epoch.
    pub steps_an_epoch: u64,
}

impl Schedule {
    /// The learning rate of step `step` (from 1) of a training, where it begins with `rate`.
    /// That of [`Plateau`](Self::Plateau) depends on figures as well: see [`Plateau`].
    ///
    /// ```
    /// use glassbox::nn::{Schedule, Span};
    /// let span = Span { steps: 10, steps_an_epoch: 2 };
    /// assert_eq!(Schedule::Constant.rate(0.1, 7, span), 0.1);
    /// assert_eq!(Schedule::Cosine.rate(0.1, 1, span), 0.1);
    /// assert!((Schedule::Cosine.rate(0.1, 6, span) - 0.05).abs() < 1e-12);
    /// let linear = Schedule::Linear { hold: 0.5 };
    /// assert_eq!([1, 6].map(|at| linear.rate(0.1, at, span)), [0.1; 2]);
    /// assert!((linear.rate(0.1, 9, span) - 0.04).abs() < 1e-12);
    /// let step = Schedule::Step { every: 2, factor: 0.5 };
    /// assert_eq!([4, 5].map(|at| step.rate(0.1, at, span)), [0.1, 0.05]);
    /// ```
    pub fn rate(self, rate: f64, step: u64, span: Span) -> f64 {
        let before = step.saturating_sub(1);
        let steps = span.steps.max(1) as f64;
        let done = before as f64 / steps;
        let epochs = before / span.steps_an_epoch.max(1);
        match self {
            Schedule::Constant | Schedule::Plateau { .. } => rate,
            Schedule::Cosine => rate * half_cosine(done),
            Schedule::Linear { hold } => rate * (1.0 - ((done - hold) / (1.0 - hold)).max(0.0)),
            Schedule::Step { every, factor } => rate * factor.powi(times(epochs / every.max(1))),
            Schedule::Exponential { factor } => rate * factor.powi(times(epochs)),
            Schedule::OneCycle { rise } => {
                let (low, last) = (rate / 25.0, rate / 250_000.0);
                let (at, top, end) = (before as f64, rise * steps - 1.0, steps - 1.0);
                let between = |from: f64, to: f64, share: f64| {
                    to + (from - to) * half_cosine(share.clamp(0.0, 1.0))
                };
                match at <= top {
                    true => between(low, rate, at / top.max(1.0)),
                    false => between(rate, last, (at - top) / (end - top).max(1.0)),
                }
            }
        }
    }

    /// The rate of step `step` with `warmup` steps in front: through these it rises along a straight
    /// line, `rate · step / warmup` (Goyal et al. 2017), and the schedule covers the others.
    pub fn warmed(self, rate: f64, step: u64, warmup: u64, span: Span) -> f64 {
        match step <= warmup {
            true => rate * step as f64 / warmup as f64,
            false => {
                let span = Span { steps: span.steps.saturating_sub(warmup), ..span };
                self.rate(rate, step - warmup, span)
            }
        }
    }
}

/// From 1 to 0 along half a cosine.
fn half_cosine(share: f64) -> f64 {
    0.5 * (1.0 + (std::f64::consts::PI * share).cos())
}

fn times(number: u64) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// What a plateau schedule remembers of the figures it has seen; PyTorch's `ReduceLROnPlateau` with
/// its relative threshold of 1e-4 and no cooldown.
///
/// ```
/// use glassbox::nn::Plateau;
/// let mut plateau = Plateau::default();
/// for (step, loss) in [(10, 1.0), (20, 0.8), (30, 0.9), (40, 0.81), (50, 0.7)] {
///     plateau.hear(loss, false, step, 1);
/// }
/// assert_eq!(plateau.drops, [40]); // The second epoch without improvement.
/// assert_eq!(plateau.drops_before(41), 1);
/// ```
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Plateau {
    /// The best figure so far.
    pub best: Option<f64>,
    /// Epochs since it improved or the rate fell.
    pub waited: u64,
    /// The steps after which the rate fell.
    pub drops: Vec<u64>,
}

impl Plateau {
    /// Hears the figure of the epoch that ended with step `step`; a figure that is not finite is no
    /// improvement.
    pub fn hear(&mut self, figure: f64, more_is_better: bool, step: u64, patience: u64) {
        const THRESHOLD: f64 = 1e-4;
        let better = match self.best {
            _ if !figure.is_finite() => false,
            None => true,
            Some(best) if more_is_better => figure > best * (1.0 + THRESHOLD),
            Some(best) => figure < best * (1.0 - THRESHOLD),
        };
        match better {
            true => (self.best, self.waited) = (Some(figure), 0),
            false => self.waited += 1,
        }
        if self.waited > patience {
            self.drops.push(step);
            self.waited = 0;
        }
    }

    /// How often the rate fell before step `step`.
    pub fn drops_before(&self, step: u64) -> u64 {
        self.drops.iter().filter(|&&drop| drop < step).count() as u64
    }
}
