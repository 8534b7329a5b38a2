//! Overfitting, underfitting or neither: a verdict with its reason and the cures to try.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Neighbours;

/// A gap or rise below this share of the simplest guess's loss is no reason to worry: a model that
/// removes 90 % of that loss on the rows it learned from and 81 % on others has lost a tenth of what
/// there was to gain.
const SHARE: f64 = 0.1;
/// How many standard errors a difference needs to count: by chance alone one in twenty is larger.
const ERRORS: f64 = 2.0;
/// A model that removes less than this share of the simplest guess's loss on its own training rows
/// has learned nothing to speak of.
const NOTHING: f64 = 0.05;
/// A model that removes more than this share of it there does not underfit.
const LEARNED: f64 = 0.95;
/// A model that loses so many times what the simplest guess loses, and does not get better, has run
/// away: one that has hardly begun loses less.
const LOST: f64 = 2.0;
/// From so many times on it has, even while it gets better.
const FAR: f64 = 10.0;
/// A loss that fell by this share of its highest value, or of the simplest guess's if that is higher,
/// within the last quarter of the epochs is still falling.
const FALLING: f64 = 0.02;

/// What a verdict is based on. Losses are of one row each, by the model as it is used (evaluation
/// mode), all of one kind: −ln(probability of the observed class), or the squared error.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evidence {
    /// The mean loss of the simplest guess, fitted to the training part, on that part: the scale on
    /// which losses are judged.
    pub baseline: f64,
    /// Of the rows of the training part, by the weights that are kept.
    pub train: Vec<f64>,
    /// Of the rows of the validation part (else of the test part), by the same weights; empty where
    /// nothing was held out.
    pub held_out: Vec<f64>,
    /// Of the same rows as `held_out`, by the weights at the end of training, where those of another
    /// epoch are kept.
    pub at_the_end: Option<Vec<f64>>,
    /// Training and validation loss by epoch, as they were logged.
    pub curve: Vec<(f64, Option<f64>)>,
    /// Whether the training ended because the validation part's figure no longer improved.
    pub stopped_early: bool,
    /// The model beside the nearest neighbours, where that was measured.
    pub neighbours: Option<Neighbours>,
}

/// The verdict on a training.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// It learned what it learned for new rows too, and no sign says that it could learn more.
    Healthy,
    /// It is much better on the rows it learned from than on others.
    Overfitting,
    /// It is not even good on the rows that it learned from.
    Underfitting,
    /// The rows do not suffice to tell.
    Unclear,
}

/// Why the verdict is what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Overfitting: the loss on held-out rows is far above that on the training rows.
    Gap,
    /// Overfitting: the loss on held-out rows rose again while training went on. The weights that
    /// are kept are from before.
    Rise,
    /// Overfitting: on held-out rows hardly better than the simplest guess, whatever was learned.
    NothingHolds,
    /// Underfitting: hardly better than the simplest guess, even on the training rows.
    NothingLearned,
    /// Underfitting: far worse than the simplest guess, even on the training rows.
    Diverged,
    /// Underfitting: five neighbours tell the training rows better than the model does.
    Neighbours,
    /// Underfitting: the losses were still falling when the training ended.
    StillFalling,
    /// Healthy: held-out rows are told about as well as training rows.
    SmallGap,
    /// Healthy: the loss on held-out rows began to rise, the training stopped for it, and the weights
    /// that are kept are from before.
    StoppedInTime,
    /// Unclear: no rows were held out.
    NothingHeldOut,
    /// Unclear: the difference between the parts is within the noise of so few rows.
    TooFewRows,
}

/// What to try.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cure {
    /// More rows, or cleaner ones. It does not cure underfitting.
    MoreData,
    /// Fewer layers or units.
    LessCapacity,
    /// L1 or L2.
    Penalty,
    /// Dropout.
    Dropout,
    /// Stop once the validation part's figure no longer improves.
    EarlyStopping,
    /// More layers or units.
    MoreCapacity,
    /// Less L1, L2 or dropout.
    LessPenalty,
    /// More epochs.
    Longer,
    /// A higher learning rate.
    HigherRate,
    /// A lower learning rate.
    LowerRate,
    /// Clipped gradients.
    Clip,
    /// Other inputs: these may not say what is asked.
    BetterInputs,
    /// A larger validation part.
    MoreHeldOut,
}

/// Overfitting, underfitting or neither, with the numbers it follows from and the cures to try.
///
/// The rules, in this order; losses are shares of the simplest guess's, and a difference counts only
/// where it is at least 0.1 and 2 standard errors:
///
/// 1. *Underfitting*: training rows lose more than twice what the simplest guess does and the losses
///    do not fall, or more than ten times.
/// 2. *Overfitting*: less than 0.05 of the simplest guess's loss is gone on held-out rows, and at
///    least that much more on the training rows, with no sign that there was more to learn (or the
///    held-out loss rose again); or held-out rows lose more than training rows by the kept weights;
///    or the held-out loss rose from the kept weights to those at the end, and nothing stopped the
///    training for it.
/// 3. *Underfitting*, unless 0.95 of the simplest guess's loss is gone on the training rows: both
///    losses fell by 0.02 from the second last to the last quarter of the epochs; or less than 0.05
///    of the simplest guess's loss is gone, there or on held-out rows; or five neighbours, each row
///    told without itself, tell the training rows better.
/// 4. *Unclear*: nothing was held out, or the standard error is too large for either answer.
/// 5. *Healthy* otherwise: nothing points to over- or underfitting. A model that is too small for
///    what larger ones find in noisy data can look healthy; comparing runs tells.
///
/// ```
/// use glassbox::practice::{Evidence, Kind, Verdict};
/// let evidence = Evidence {
///     baseline: 1.0,
///     train: vec![0.01; 500],
///     held_out: (0..100).map(|row| if row % 4 == 0 { 2.0 } else { 0.1 }).collect(),
///     ..Evidence::default()
/// };
/// let verdict = Verdict::of(&evidence);
/// assert_eq!(verdict.kind, Kind::Overfitting);
/// println!("{verdict}");
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The verdict.
    pub kind: Kind,
    /// Its reason.
    pub reason: Reason,
    /// Mean loss on the training part, by the kept weights in evaluation mode.
    pub train_loss: f64,
    /// Mean loss on the held-out part, by the same weights.
    pub held_out_loss: Option<f64>,
    /// The same by the weights at the end of training, where others are kept.
    pub end_loss: Option<f64>,
    /// Mean loss of the simplest guess on the training part.
    pub baseline_loss: f64,
    /// The standard error of `held_out_loss − train_loss`.
    pub gap_error: Option<f64>,
    /// How many training rows there are.
    pub train_rows: usize,
    /// How many held-out rows there are.
    pub held_out_rows: usize,
    /// The model beside the nearest neighbours, where that was measured.
    pub neighbours: Option<Neighbours>,
    /// What to try, in this order.
    pub cures: Vec<Cure>,
}

impl Verdict {
    /// `held_out_loss − train_loss` as a share of the simplest guess's loss.
    pub fn gap(&self) -> Option<f64> {
        Some((self.held_out_loss? - self.train_loss) / self.baseline_loss.max(f64::MIN_POSITIVE))
    }

    /// The error to expect of [`gap`](Self::gap): two standard errors.
    pub fn gap_margin(&self) -> Option<f64> {
        Some(ERRORS * self.gap_error? / self.baseline_loss.max(f64::MIN_POSITIVE))
    }

    /// About how many held-out rows would bring [`gap_margin`](Self::gap_margin) down to the gap, or
    /// to 0.1 where that is larger.
    pub fn rows_wanted(&self) -> Option<usize> {
        let ratio = self.gap_margin()? / self.gap()?.abs().max(SHARE);
        let rows = (self.held_out_rows as f64 * ratio * ratio).ceil();
        (rows.is_finite() && rows > self.held_out_rows as f64).then_some(rows as usize)
    }
}

/// A difference and its standard error, in shares of the simplest guess's loss.
#[derive(Clone, Copy)]
struct Difference {
    mean: f64,
    error: f64,
}

impl Difference {
    fn counts(self) -> bool {
        self.mean > SHARE && self.mean > ERRORS * self.error
    }

    /// Neither surely small nor surely not.
    fn is_unclear(self) -> bool {
        self.error > SHARE || (self.mean > SHARE && !self.counts())
    }
}

impl Verdict {
    /// Judges a training.
    pub fn of(evidence: &Evidence) -> Self {
        let (train, train_error) = mean_and_error(&evidence.train);
        let held_out = (!evidence.held_out.is_empty()).then(|| mean_and_error(&evidence.held_out));
        let end = evidence.at_the_end.as_ref().filter(|end| !end.is_empty());
        let share = |mean: f64, error: f64| Difference {
            mean: mean / evidence.baseline.max(f64::MIN_POSITIVE),
            error: error / evidence.baseline.max(f64::MIN_POSITIVE),
        };
        let gap = held_out.map(|(mean, error)| share(mean - train, error.hypot(train_error)));
        // Row by row, so that what makes a row hard for both does not count as noise.
        let rise = end.map(|end| {
            let pairs = end.iter().zip(&evidence.held_out);
            let (mean, error) = mean_and_error(&pairs.map(|(a, b)| a - b).collect::<Vec<_>>());
            share(mean, error)
        });
        let rises = rise.is_some_and(Difference::counts);
        // Whoever rises has learned more than holds for others: that is no lack of capacity.
        let may_rise = rise.is_some_and(|rise| rise.mean > SHARE);
        let lost = share(train, 0.0).mean;
        let learned = 1.0 - lost;
        let outdone = evidence.neighbours.is_some_and(|beside| {
            let by = beside.model - beside.neighbours;
            by > SHARE * beside.baseline && by > ERRORS * beside.standard_error
        });
        let falling = !evidence.stopped_early && still_falling(evidence);
        let useless = held_out.is_some_and(|(mean, _)| share(mean, 0.0).mean > 1.0 - NOTHING);
        // Neither the curve nor the neighbours say that there was more to learn.
        let idle = !falling && !outdone;
        let lacking = match () {
            () if may_rise || learned > LEARNED => None,
            () if falling => Some(Reason::StillFalling),
            () if learned < NOTHING || useless => Some(Reason::NothingLearned),
            () if outdone => Some(Reason::Neighbours),
            () => None,
        };
        let (kind, reason) = match (gap, lacking) {
            _ if lost > if falling { FAR } else { LOST } => (Kind::Underfitting, Reason::Diverged),
            (Some(gap), _) if useless && (may_rise || idle && learned.min(gap.mean) > NOTHING) => {
                (Kind::Overfitting, Reason::NothingHolds)
            }
            (Some(gap), _) if gap.counts() => (Kind::Overfitting, Reason::Gap),
            _ if rises && !evidence.stopped_early => (Kind::Overfitting, Reason::Rise),
            (_, Some(reason)) => (Kind::Underfitting, reason),
            (None, _) => (Kind::Unclear, Reason::NothingHeldOut),
            (Some(gap), _) if gap.is_unclear() => (Kind::Unclear, Reason::TooFewRows),
            _ if rises => (Kind::Healthy, Reason::StoppedInTime),
            _ if may_rise && !evidence.stopped_early => (Kind::Unclear, Reason::TooFewRows),
            _ => (Kind::Healthy, Reason::SmallGap),
        };
        let known = |x: f64| x.is_finite().then_some(x);
        Verdict {
            kind,
            reason,
            train_loss: train,
            held_out_loss: held_out.map(|(mean, _)| mean),
            end_loss: end.map(|end| mean_and_error(end).0),
            baseline_loss: evidence.baseline,
            gap_error: held_out.and_then(|(_, error)| known(error.hypot(train_error))),
            train_rows: evidence.train.len(),
            held_out_rows: evidence.held_out.len(),
            neighbours: evidence.neighbours,
            cures: cures(reason, evidence.neighbours),
        }
    }
}

fn cures(reason: Reason, neighbours: Option<Neighbours>) -> Vec<Cure> {
    use Cure::*;
    // Where the neighbours find nothing either, the inputs are to blame before the model is.
    let silent = neighbours.is_some_and(|n| n.neighbours > (1.0 - SHARE) * n.baseline);
    match reason {
        Reason::NothingHolds => vec![BetterInputs, MoreData, LessCapacity, Penalty],
        Reason::NothingLearned if silent => vec![BetterInputs, HigherRate, Longer, MoreCapacity],
        Reason::Gap => vec![MoreData, LessCapacity, Penalty, Dropout, EarlyStopping],
        Reason::Rise => vec![EarlyStopping, LessCapacity, Penalty, Dropout, MoreData],
        Reason::NothingLearned => vec![HigherRate, Longer, MoreCapacity, LessPenalty],
        Reason::Diverged => vec![LowerRate, Clip],
        Reason::Neighbours => vec![MoreCapacity, LessPenalty, Longer, HigherRate],
        Reason::StillFalling => vec![Longer, HigherRate],
        Reason::NothingHeldOut | Reason::TooFewRows => vec![MoreHeldOut],
        Reason::SmallGap | Reason::StoppedInTime => Vec::new(),
    }
}

/// Mean and standard error of the mean; the error of fewer than two values is infinite.
fn mean_and_error(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n.max(1.0);
    let squares: f64 = values.iter().map(|x| (x - mean).powi(2)).sum();
    let error = if values.len() < 2 { f64::INFINITY } else { (squares / (n - 1.0) / n).sqrt() };
    (mean, error)
}

/// Whether training and validation loss still fell in the last quarter of the epochs.
fn still_falling(Evidence { curve, baseline, .. }: &Evidence) -> bool {
    let falls = |losses: Vec<f64>| {
        let quarter = (losses.len() / 4).max(1);
        let Some(before) = losses.len().checked_sub(2 * quarter) else { return false };
        let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len() as f64;
        let (earlier, last) = losses[before..].split_at(quarter);
        let highest = losses.iter().copied().fold(*baseline, f64::max);
        mean(earlier) - mean(last) > FALLING * highest
    };
    let valid: Option<Vec<f64>> = curve.iter().map(|(_, valid)| *valid).collect();
    falls(curve.iter().map(|(train, _)| *train).collect()) && valid.is_none_or(falls)
}

impl Cure {
    /// The cure in English.
    pub fn words(self) -> &'static str {
        match self {
            Cure::MoreData => "more or cleaner data",
            Cure::LessCapacity => "fewer layers or units",
            Cure::Penalty => "L1 or L2",
            Cure::Dropout => "dropout",
            Cure::EarlyStopping => "early stopping",
            Cure::MoreCapacity => "more layers or units",
            Cure::LessPenalty => "less L1, L2 or dropout",
            Cure::Longer => "more epochs",
            Cure::HigherRate => "a higher learning rate",
            Cure::LowerRate => "a lower learning rate",
            Cure::Clip => "clipped gradients",
            Cure::BetterInputs => "inputs that say more about the target",
            Cure::MoreHeldOut => "a larger validation part, or folds",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (train, guess) = (figure(self.train_loss), figure(self.baseline_loss));
        let known = |x: Option<f64>| x.map_or("–".into(), figure);
        let (held_out, end) = (known(self.held_out_loss), known(self.end_loss));
        // Adding 0 turns −0 into 0.
        let percent =
            |x: Option<f64>| x.map_or("–".into(), |x| format!("{} %", (100.0 * x).round() + 0.0));
        let (gap, margin) = (percent(self.gap()), percent(self.gap_margin()));
        let rows = self.held_out_rows;
        let kind = match self.kind {
            Kind::Healthy => "healthy",
            Kind::Overfitting => "overfitting",
            Kind::Underfitting => "underfitting",
            Kind::Unclear => "unclear",
        };
        write!(f, "{kind}: ")?;
        match self.reason {
            Reason::Gap => write!(
                f,
                "the loss is {train} on the training part and {held_out} on {rows} held-out rows; \
                 the gap is {gap} ± {margin} of what the simplest guess loses ({guess})"
            ),
            Reason::Rise => write!(
                f,
                "on held-out rows the loss rose from {held_out} to {end} as training went on; the \
                 weights that are kept are from before"
            ),
            Reason::NothingHolds => write!(
                f,
                "what was learned does not hold for other rows: the loss is {train} on the training \
                 part and {held_out} on {rows} held-out rows; the simplest guess has {guess}"
            ),
            Reason::Diverged => write!(
                f,
                "training ran away: even on the training part the loss is {train}; the simplest guess \
                 has {guess}"
            ),
            Reason::NothingLearned => write!(
                f,
                "even on the training part the loss is {train}; the simplest guess has {guess}"
            ),
            Reason::Neighbours => {
                let beside =
                    self.neighbours.map(|n| (n.model / n.baseline, n.neighbours / n.baseline));
                let (model, neighbours) =
                    (percent(beside.map(|b| b.0)), percent(beside.map(|b| b.1)));
                write!(
                    f,
                    "on the training part the model makes {model} of the simplest guess's errors, \
                     five nearest neighbours {neighbours}: there is more to learn in these rows"
                )
            }
            Reason::StillFalling => {
                write!(f, "the loss was still falling when training ended ({train} on its rows)")
            }
            Reason::SmallGap => write!(
                f,
                "the loss is {train} on the training part and {held_out} on {rows} held-out rows; \
                 the gap is {gap} ± {margin} of what the simplest guess loses ({guess})"
            ),
            Reason::StoppedInTime => write!(
                f,
                "training stopped in time: the loss on held-out rows had risen from {held_out} to \
                 {end}, and the weights that are kept are from before"
            ),
            Reason::NothingHeldOut => {
                f.write_str("no rows were held out, so overfitting cannot be seen")
            }
            Reason::TooFewRows => {
                write!(f, "{rows} held-out rows are too few to tell: the gap is {gap} ± {margin}")?;
                match self.rows_wanted() {
                    Some(wanted) => write!(f, "; about {wanted} would do"),
                    None => Ok(()),
                }
            }
        }?;
        if self.cures.is_empty() {
            return Ok(());
        }
        let cures: Vec<&str> = self.cures.iter().map(|cure| cure.words()).collect();
        write!(f, ". Try {}", cures.join(", "))?;
        match self.kind {
            Kind::Underfitting => f.write_str(". More data does not cure underfitting"),
            _ => Ok(()),
        }
    }
}

/// Three significant digits.
fn figure(x: f64) -> String {
    let digits = (2 - x.abs().max(1e-9).log10().floor() as i32).clamp(0, 9) as usize;
    format!("{x:.digits$}")
}
