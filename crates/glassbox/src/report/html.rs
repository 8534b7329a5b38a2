//! Text and numbers as HTML shows them.

/// A text with every character that HTML (or SVG) would take for its own replaced.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// A name of somebody else's, escaped and cut to `most` characters; its own direction of writing
/// does not turn the text around it.
pub fn name(text: &str, most: usize) -> String {
    match text.trim() {
        "" => format!("<bdi>“{}”</bdi>", escape(&cut(text, most))),
        _ => format!("<bdi>{}</bdi>", escape(&cut(text, most))),
    }
}

/// At most `most` characters, the last of them `…` where some are left out.
pub fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some(_) => text.chars().take(most.saturating_sub(1)).chain(['…']).collect(),
        None => text.to_owned(),
    }
}

/// A number for people: four significant digits, thousands apart, powers of ten where it is very
/// large or small, `–` where it is none.
pub fn number(x: f64) -> String {
    let size = x.abs();
    if !x.is_finite() {
        "–".into()
    } else if x == 0.0 {
        "0".into()
    } else if !(1e-3..1e7).contains(&size) {
        scientific(x, 3)
    } else if x == x.trunc() {
        fixed(x, 0)
    } else {
        fixed(x, (3 - size.log10().floor() as i32).max(0) as usize)
    }
}

/// A number as short as four digits allow, e.g. a setting: `0.001`, `24.8`.
pub fn plain(x: f64) -> String {
    let text = number(x);
    match text.contains('.') && !text.contains('×') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// `decimals` decimals, thousands apart by commas, a true minus sign.
pub fn fixed(x: f64, decimals: usize) -> String {
    let digits = format!("{:.decimals$}", x.abs());
    let (whole, fraction) = digits.split_once('.').unwrap_or((&digits, ""));
    let mut out = String::new();
    if x < 0.0 && digits.contains(|c: char| ('1'..='9').contains(&c)) {
        out.push('−');
    }
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if !fraction.is_empty() {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

/// `2.5×10⁶`, of at most `decimals` decimals.
pub fn scientific(x: f64, decimals: usize) -> String {
    let text = format!("{x:.decimals$e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let mantissa = match mantissa.contains('.') {
        true => mantissa.trim_end_matches('0').trim_end_matches('.'),
        false => mantissa,
    };
    let raised = exponent.chars().map(|c| match c {
        '-' => '⁻',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        '0'..='9' => char::from_u32('⁰' as u32 + c as u32 - '0' as u32).unwrap_or(c),
        c => c,
    });
    let raised: String = raised.collect();
    match mantissa {
        "1" => format!("10{raised}"),
        "-1" => format!("−10{raised}"),
        mantissa => format!("{}×10{raised}", mantissa.replace('-', "−")),
    }
}

/// A count, thousands apart.
pub fn count(n: usize) -> String {
    fixed(n as f64, 0)
}

/// A share in [0, 1] as a percentage, as HTML; what is not quite everything is not shown as 100 %.
pub fn percent(share: f64) -> String {
    match share {
        share if !share.is_finite() => "–".into(),
        share if (0.999_95..1.0).contains(&share) => "&gt; 99.99 %".into(),
        share if (0.999..1.0).contains(&share) => format!("{} %", fixed(share * 100.0, 2)),
        share => format!("{} %", fixed(share * 100.0, 1)),
    }
}

/// A duration, as HTML: `4.2 s`, `3 min 12 s`, `2 h 5 min`.
pub fn duration(seconds: f64) -> String {
    match seconds {
        s if !s.is_finite() || s < 0.0 => "–".into(),
        s if s < 0.05 => "&lt; 0.1 s".into(),
        s if s < 9.95 => format!("{} s", fixed(s, 1)),
        s if s < 59.5 => format!("{} s", fixed(s, 0)),
        s if s < 3_570.0 => {
            let whole = s.round() as u64;
            format!("{} min {} s", whole / 60, whole % 60)
        }
        s => {
            let minutes = (s / 60.0).round() as u64;
            format!("{} h {} min", count((minutes / 60) as usize), minutes % 60)
        }
    }
}

/// The head of a table's column.
pub struct Head {
    /// What it says, as HTML.
    pub html: String,
    /// Whether its cells are numbers, to be set to the right.
    pub number: bool,
}

impl Head {
    /// Words, as HTML.
    pub fn text(html: impl Into<String>) -> Self {
        Head { html: html.into(), number: false }
    }

    /// Numbers, under a heading of HTML.
    pub fn number(html: impl Into<String>) -> Self {
        Head { html: html.into(), number: true }
    }
}

/// A table of HTML cells; the first cell of a row is its heading. It scrolls by itself where the
/// page is too narrow for it.
pub fn table(heads: &[Head], rows: &[Vec<String>]) -> String {
    let class = |head: Option<&Head>| match head {
        Some(head) if head.number => " class=\"n\"",
        _ => "",
    };
    let mut out = String::from("<div class=\"scroll\" tabindex=\"0\"><table>\n<thead><tr>");
    for head in heads {
        out += &format!("<th scope=\"col\"{}>{}</th>", class(Some(head)), head.html);
    }
    out += "</tr></thead>\n<tbody>\n";
    for row in rows {
        out += "<tr>";
        for (column, cell) in row.iter().enumerate() {
            let class = class(heads.get(column));
            out += &match column {
                0 => format!("<th scope=\"row\"{class}>{cell}</th>"),
                _ => format!("<td{class}>{cell}</td>"),
            };
        }
        out += "</tr>\n";
    }
    out + "</tbody></table></div>\n"
}

/// Terms and what they are, as HTML; those that are empty are left out.
pub fn list_of_facts(facts: &[(String, String)]) -> String {
    let mut out = String::from("<dl>\n");
    for (term, what) in facts.iter().filter(|(_, what)| !what.is_empty()) {
        out += &format!("<div><dt>{term}</dt><dd>{what}</dd></div>\n");
    }
    out + "</dl>\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        let shown =
            [0.0, 1.0, -1234567.0, 0.97768, 12.345, 1234.56, 1e7, -2.5e-4, 1e-12, 1.0 / 0.0];
        let wanted =
            ["0", "1", "−1,234,567", "0.9777", "12.35", "1,235", "10⁷", "−2.5×10⁻⁴", "10⁻¹²", "–"];
        // 12.345 lies a little above its decimals in binary.
        assert_eq!(shown.map(number), wanted);
        assert_eq!(number(f64::NAN), "–");
        assert_eq!([0.001, 24.8, 0.0, 1e-5, 50.0].map(plain), ["0.001", "24.8", "0", "10⁻⁵", "50"]);
        assert_eq!(fixed(-0.004, 2), "0.00");
    }

    #[test]
    fn almost_everything_is_not_all() {
        assert_eq!(percent(1.0), "100.0 %");
        assert_eq!(percent(0.9999999), "&gt; 99.99 %");
        assert_eq!(percent(0.9991), "99.91 %");
        assert_eq!(percent(0.5), "50.0 %");
    }

    #[test]
    fn durations_are_in_the_units_people_use() {
        let shown = [0.04, 12.4, 59.9, 192.0, 7_500.0, f64::NAN].map(duration);
        assert_eq!(shown, ["&lt; 0.1 s", "12 s", "1 min 0 s", "3 min 12 s", "2 h 5 min", "–"]);
    }

    #[test]
    fn nothing_of_a_text_is_taken_for_markup() {
        assert_eq!(escape("<a b=\"c\">'&\u{0}"), "&lt;a b=&quot;c&quot;&gt;&#39;&amp;\u{fffd}");
        assert_eq!(name(" ", 9), "<bdi>“ ”</bdi>");
        assert_eq!(cut("붓꽃의 종류", 4), "붓꽃의…");
    }
}
