//! From numbers to places on an axis, and the ticks beside it.

use crate::report::html::{fixed, scientific};

/// Beyond this, sums and differences of numbers on an axis would not be finite.
const LARGEST: f64 = 1e300;

/// Whether a number can be shown on an axis.
pub fn is_shown(x: f64) -> bool {
    x.abs() <= LARGEST
}

/// A range of numbers laid out along an axis. Every position on it is finite, whatever the numbers.
#[derive(Clone, Debug)]
pub struct Scale {
    low: f64,
    high: f64,
    logarithmic: bool,
    ticks: Vec<(f64, String)>,
}

impl Scale {
    /// A linear axis around `values`, from tick to tick, never beyond `within`.
    pub fn linear(values: impl Iterator<Item = f64>, within: Option<(f64, f64)>) -> Self {
        let (mut low, mut high) = extent(values).unwrap_or((0.0, 1.0));
        let size = low.abs().max(high.abs());
        if high - low <= size * 1e-9 {
            // One value: some room on either side of it.
            let room = if size > 1e-290 { size * 0.1 } else { 1.0 };
            (low, high) = (low - room, high + room);
        }
        if let Some((least, most)) = within {
            (low, high) = (low.max(least), high.min(most));
            if high <= low {
                (low, high) = (least, most);
            }
        }
        let step = nice_step((high - low) / 5.0);
        let (first, last) = ((low / step).floor(), (high / step).ceil());
        let count = (last - first).clamp(1.0, 20.0) as usize;
        let ticks: Vec<f64> = (0..=count).map(|k| (first + k as f64) * step).collect();
        let (low, high) = (ticks[0], ticks[count]);
        let text = |&tick: &f64| (tick, label(tick, step, low.abs().max(high.abs())));
        Scale { low, high, logarithmic: false, ticks: ticks.iter().map(text).collect() }
    }

    /// Whole numbers from `first` to `last`, the ends exactly there.
    pub fn whole(first: u64, last: u64) -> Self {
        let (first, last) = (first as f64, last.max(first) as f64);
        let step = nice_step((last - first) / 6.0).max(1.0);
        let mut ticks = vec![first];
        let mut tick = (first / step).floor() * step + step;
        while tick <= last && ticks.len() < 20 {
            if tick - first > 0.4 * step {
                ticks.push(tick);
            }
            tick += step;
        }
        let room = if last > first { 0.0 } else { 0.5 };
        let ticks = ticks.into_iter().map(|tick| (tick, label(tick, step, last))).collect();
        Scale { low: first - room, high: last + room, logarithmic: false, ticks }
    }

    /// Places from 1 on with names, half a place of room at both ends.
    pub fn named(names: &[String]) -> Self {
        let ticks = names.iter().enumerate().map(|(at, name)| (at as f64 + 1.0, name.clone()));
        let high = names.len().max(1) as f64 + 0.5;
        Scale { low: 0.5, high, logarithmic: false, ticks: ticks.collect() }
    }

    /// A logarithmic axis around `values`, where they are above 0 and far enough apart to ask for
    /// one; none otherwise.
    pub fn logarithmic(values: impl Iterator<Item = f64>) -> Option<Self> {
        let (low, high) = extent(values)?;
        if low < 1e-290 || high / low < 50.0 {
            return None;
        }
        let decades = (high.log10() - low.log10()).ceil() as i32;
        let marks: &[f64] = if decades <= 2 { &[1.0, 2.0, 5.0] } else { &[1.0] };
        let stride = (decades / 6).max(1);
        let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
        let all = (first..=last)
            .filter(|power| (power - first) % stride == 0)
            .flat_map(|power| marks.iter().map(move |mark| mark * 10f64.powi(power)));
        let all: Vec<f64> = all.collect();
        let low_tick = all.iter().rev().find(|&&t| t <= low * 1.000_001).copied().unwrap_or(low);
        let high_tick = all.iter().find(|&&t| t >= high * 0.999_999).copied().unwrap_or(high);
        let ticks = all.into_iter().filter(|&t| t >= low_tick && t <= high_tick);
        let ticks = ticks.map(|tick| (tick, label(tick, tick, tick))).collect();
        Some(Scale { low: low_tick, high: high_tick, logarithmic: true, ticks })
    }

    /// Whether equal ratios are equally far apart.
    pub fn is_logarithmic(&self) -> bool {
        self.logarithmic
    }

    /// Where a number lies: 0 at the low end, 1 at the high one.
    pub fn position(&self, x: f64) -> f64 {
        let share = match self.logarithmic {
            true => (x.max(f64::MIN_POSITIVE) / self.low).log10() / (self.high / self.low).log10(),
            false => (x - self.low) / (self.high - self.low),
        };
        if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.5 }
    }

    /// The numbers to mark, with their labels.
    pub fn ticks(&self) -> &[(f64, String)] {
        &self.ticks
    }

    /// The ends of the axis.
    pub fn ends(&self) -> (f64, f64) {
        (self.low, self.high)
    }

    /// The distance between ticks of a linear axis.
    pub fn step(&self) -> f64 {
        (self.high - self.low) / (self.ticks.len().max(2) - 1) as f64
    }
}

/// Least and greatest of the numbers that can be shown.
fn extent(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.filter(|x| is_shown(*x)).fold(None, |extent, x| match extent {
        Some((low, high)) => Some((f64::min(low, x), f64::max(high, x))),
        None => Some((x, x)),
    })
}

/// The least of 1, 2, 5 × 10ⁿ that is not below `step`.
pub fn nice_step(step: f64) -> f64 {
    let step = step.max(1e-300);
    let power = 10f64.powi(step.log10().floor() as i32);
    let nice = [1.0, 2.0, 5.0, 10.0].into_iter().find(|n| n * power >= step * 0.999_999);
    nice.unwrap_or(10.0) * power
}

/// A tick's label: as many decimals as the step has, powers of ten where those are too many digits.
fn label(tick: f64, step: f64, largest: f64) -> String {
    if tick.abs() < step * 1e-6 {
        return "0".into();
    }
    let decimals = (-step.log10() - 1e-9).ceil().max(0.0) as usize;
    if largest >= 1e6 || decimals > 4 {
        let digits = (largest / step).log10().ceil().clamp(0.0, 3.0) as usize;
        return scientific(tick, digits);
    }
    fixed(tick, decimals)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(scale: &Scale) -> Vec<&str> {
        scale.ticks().iter().map(|(_, text)| text.as_str()).collect()
    }

    #[test]
    fn ticks_are_round_numbers_around_the_values() {
        let scale = Scale::linear([0.12, 0.93].into_iter(), None);
        assert_eq!(labels(&scale), ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        let scale = Scale::linear([-3.0, 41.0].into_iter(), None);
        assert_eq!(labels(&scale), ["−10", "0", "10", "20", "30", "40", "50"]);
    }

    #[test]
    fn whole_numbers_begin_with_the_first() {
        assert_eq!(labels(&Scale::whole(1, 50)), ["1", "10", "20", "30", "40", "50"]);
        assert_eq!(labels(&Scale::whole(1, 3)), ["1", "2", "3"]);
        assert_eq!(labels(&Scale::whole(1, 1)), ["1"]);
        assert_eq!(Scale::whole(1, 1).position(1.0), 0.5);
    }

    #[test]
    fn far_apart_positive_numbers_are_shown_by_their_ratios() {
        assert!(Scale::logarithmic([0.0, 9.0].into_iter()).is_none());
        assert!(Scale::logarithmic([1.0, 9.0].into_iter()).is_none());
        let scale = Scale::logarithmic([0.004, 2.3].into_iter()).unwrap();
        assert_eq!(scale.ends(), (0.001, 10.0));
        assert!((scale.position(0.1) - 0.5).abs() < 1e-12);
    }

    #[test]
    fn every_position_is_finite() {
        let hard = [0.0, 1.0, -1.0, 5e-324, 1e-310, 1e16, 1e300, -1e300, f64::MAX, f64::NAN];
        for a in hard {
            for b in hard {
                let mut scales = vec![
                    Scale::linear([a, b].into_iter(), None),
                    Scale::linear([a, b].into_iter(), Some((0.0, 1.0))),
                ];
                scales.extend(Scale::logarithmic([a, b].into_iter()));
                for scale in scales {
                    for x in hard {
                        let position = scale.position(x);
                        assert!((0.0..=1.0).contains(&position), "{scale:?} at {x}");
                    }
                    assert!(scale.ticks().len() <= 40, "{scale:?}");
                }
            }
        }
    }
}
