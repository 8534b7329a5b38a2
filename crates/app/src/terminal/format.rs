//! Numbers as people read them.

/// Three significant digits: `0.214`, `12.3`, `1.20e-7`.
pub fn figure(value: f64) -> String {
    let size = value.abs();
    match () {
        () if !value.is_finite() => value.to_string(),
        () if size == 0.0 => "0.000".into(),
        () if !(1e-3..1e5).contains(&size) => format!("{value:.2e}"),
        () if size >= 99.95 => format!("{value:.0}"),
        () if size >= 9.995 => format!("{value:.1}"),
        () if size >= 0.9995 => format!("{value:.2}"),
        () => format!("{value:.3}"),
    }
}

/// A count with its thousands apart: `109,386`.
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Bytes in decimal units: `41.6 MB`.
pub fn bytes(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}

/// A rate in short: `234k`, `1.2M`.
pub fn rate(per_second: f64) -> String {
    match per_second {
        rate if !rate.is_finite() => "–".into(),
        rate if rate < 999.5 => format!("{rate:.0}"),
        rate if rate < 9_950.0 => format!("{:.1}k", rate / 1e3),
        rate if rate < 999_500.0 => format!("{:.0}k", rate / 1e3),
        rate => format!("{:.1}M", rate / 1e6),
    }
}

/// Seconds as a clock: `0:19`, `1:02:03`.
pub fn clock(seconds: f64) -> String {
    let seconds = seconds.max(0.0).round() as u64;
    match seconds / 3600 {
        0 => format!("{}:{:02}", seconds / 60, seconds % 60),
        hours => format!("{hours}:{:02}:{:02}", seconds / 60 % 60, seconds % 60),
    }
}

/// A word as a shell reads it back.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-+:@%,".contains(c);
    match word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

/// A share in percent: `12 %`.
pub fn percent(share: f64) -> String {
    format!("{:.0} %", 100.0 * share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_exact_enough() {
        let figures = [0.2139, 2.296, 12.34, 123.4, 1e-7, -0.5, 9.999, 0.99999, 123456.0];
        let texts = figures.map(figure);
        assert_eq!(
            texts,
            ["0.214", "2.30", "12.3", "123", "1.00e-7", "-0.500", "10.0", "1.00", "1.23e5"]
        );
        assert_eq!(figure(f64::NAN), "NaN");
        assert_eq!(
            ["a/b.csv", "my data.csv", "it's"].map(quoted),
            ["a/b.csv", "'my data.csv'", r"'it'\''s'"]
        );
        assert_eq!(
            [0, 999, 1000, 109_386, 1_234_567].map(grouped),
            ["0", "999", "1,000", "109,386", "1,234,567"]
        );
        assert_eq!([12, 41_600_000].map(bytes), ["12 B", "41.6 MB"]);
        assert_eq!([12.0, 234_000.0, 1.23e6, 4_200.0].map(rate), ["12", "234k", "1.2M", "4.2k"]);
        assert_eq!([19.2, 61.0, 3723.0].map(clock), ["0:19", "1:01", "1:02:03"]);
    }
}
