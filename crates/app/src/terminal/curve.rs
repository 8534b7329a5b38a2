//! A curve in one line of blocks.

const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The values from left to right in at most `columns` blocks, on a scale from `low` to `high`; a
/// value that is no number is `×`. Where there are more values than columns, each block is the mean
/// of its share.
pub fn curve(values: &[f64], columns: usize, low: f64, high: f64) -> String {
    let count = columns.min(values.len());
    let share = |at: usize| {
        let (begin, end) = (at * values.len() / count, (at + 1) * values.len() / count);
        let part = &values[begin..end];
        part.iter().sum::<f64>() / part.len() as f64
    };
    let block = |value: f64| {
        let height = if high > low { (value - low) / (high - low) } else { 0.0 };
        match height.is_finite() {
            true => BLOCKS[((height.clamp(0.0, 1.0) * 7.0).round() as usize).min(7)],
            false => '×',
        }
    };
    (0..count).map(|at| block(share(at))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_goes_from_high_to_low_and_marks_what_is_no_number() {
        assert_eq!(curve(&[7.0, 4.0, 0.0], 10, 0.0, 7.0), "█▅▁");
        assert_eq!(curve(&[1.0, 3.0, 7.0, 7.0], 2, 0.0, 7.0), "▃█");
        assert_eq!(curve(&[1.0, f64::NAN, f64::INFINITY], 3, 0.0, 7.0), "▂××");
        assert_eq!(curve(&[2.0, 2.0], 8, 2.0, 2.0), "▁▁");
        assert_eq!(curve(&[], 8, 0.0, 1.0), "");
    }
}
