//! After how many rows a series comes round.

/// Numbers at the end of a series that are looked at.
const MOST: usize = 20_000;
/// The longest season that is looked for.
const LONGEST: usize = 2_000;
/// The least correlation of a season.
const LEAST: f64 = 0.1;

/// The lag at which the changes of a series from row to row are most like themselves: the first peak of
/// their autocorrelation that is nearly as high as the highest one. None where no peak stands out: it must
/// reach 0.1, and five standard errors of what chance gives, 5/√n.
///
/// Changes are taken since a trend would make all lags alike.
pub(super) fn season(series: &[f64]) -> Option<usize> {
    let series = &series[series.len().saturating_sub(MOST)..];
    let changes: Vec<f64> = series.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let n = changes.len();
    let mean = changes.iter().sum::<f64>() / n.max(1) as f64;
    let centred: Vec<f64> = changes.iter().map(|change| change - mean).collect();
    let power: f64 = centred.iter().map(|x| x * x).sum();
    if n < 8 || power <= 0.0 {
        return None;
    }
    let at = |lag: usize| -> f64 {
        let pairs = centred.iter().zip(centred.get(lag..).unwrap_or_default());
        // Fewer pairs at long lags: as if there were as many.
        pairs.map(|(a, b)| a * b).sum::<f64>() / power * n as f64 / (n - lag).max(1) as f64
    };
    let longest = (n / 2).min(LONGEST);
    let correlation: Vec<f64> = (0..=longest).map(at).collect();
    let is_peak = |lag: &usize| {
        let next = correlation.get(lag + 1).copied().unwrap_or(f64::NEG_INFINITY);
        correlation[*lag] > correlation[lag - 1] && correlation[*lag] >= next
    };
    let peaks: Vec<usize> = (2..longest).filter(is_peak).collect();
    let highest = peaks.iter().map(|lag| correlation[*lag]).fold(f64::NEG_INFINITY, f64::max);
    if highest < LEAST.max(5.0 / (n as f64).sqrt()) {
        return None;
    }
    peaks.into_iter().find(|lag| correlation[*lag] >= 0.9 * highest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_season_is_found_below_a_trend() {
        let wave = |t: usize| [5.0, 9.0, 4.0, 1.0, 0.0, 2.0, 3.0][t % 7] + 0.5 * t as f64;
        assert_eq!(season(&(0..70).map(wave).collect::<Vec<_>>()), Some(7));
    }

    #[test]
    fn without_one_there_is_none() {
        assert_eq!(season(&(0..100).map(|t| t as f64).collect::<Vec<_>>()), None);
        assert_eq!(season(&[1.0; 50]), None);
        assert_eq!(season(&[]), None);
        let stream = glassbox_engine::random::Stream::new(7, "noise", 0);
        let noise: Vec<f64> = (0..500).map(|i| stream.uniform(i)).collect();
        assert_eq!(season(&noise), None);
    }
}
