//! Lines of coloured words, measured in columns (Korean letters take two).

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The columns that a text takes.
pub fn width(text: &str) -> usize {
    text.width()
}

/// The text, cut to at most `columns` with `…` at the end where something is missing.
pub fn fit(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut left = columns.saturating_sub(1);
    let mut cut = String::new();
    for letter in text.chars() {
        let letter_width = letter.width().unwrap_or(0);
        if letter_width > left {
            break;
        }
        left -= letter_width;
        cut.push(letter);
    }
    if columns > 0 {
        cut.push('…');
    }
    cut
}

/// The text in lines of at most `columns`, broken between words.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if width(line) + 1 + width(word) <= columns => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(fit(word, columns)),
        }
    }
    lines
}

/// What a piece of a line is, which decides its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// As it comes.
    Plain,
    /// The name of things, less important than their values.
    Faint,
    /// What to look at.
    Strong,
    /// Progress, success.
    Good,
    /// Something to know.
    Warning,
    /// One of several things told apart by colour.
    Series(usize),
}

impl Tone {
    /// The terminal's code (ECMA-48 "select graphic rendition").
    fn code(self) -> &'static str {
        match self {
            Tone::Plain => "",
            Tone::Faint => "2",
            Tone::Strong => "1",
            Tone::Good => "36",
            Tone::Warning => "33",
            Tone::Series(index) => ["36", "33", "35", "32", "34", "31"][index % 6],
        }
    }
}

/// A line made of pieces.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Line(Vec<(Tone, String)>);

impl Line {
    /// An empty line.
    pub fn new() -> Self {
        Line::default()
    }

    /// The line with a piece more.
    #[must_use]
    pub fn with(mut self, tone: Tone, text: impl Into<String>) -> Self {
        self.0.push((tone, text.into()));
        self
    }

    /// The columns it takes.
    pub fn width(&self) -> usize {
        self.0.iter().map(|(_, text)| width(text)).sum()
    }

    /// The text, cut to `columns`, with colours where wanted.
    pub fn render(&self, columns: usize, colour: bool) -> String {
        let mut left = columns;
        let mut out = String::new();
        for (tone, text) in &self.0 {
            let cut = fit(text, left);
            match tone.code() {
                code if colour && !code.is_empty() => {
                    out.push_str(&format!("\x1b[{code}m{cut}\x1b[0m"));
                }
                _ => out.push_str(&cut),
            }
            if cut.len() != text.len() || width(&cut) >= left {
                break;
            }
            left -= width(&cut);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_by_columns_not_by_letters() {
        assert_eq!(fit("epoch", 5), "epoch");
        assert_eq!(fit("epoch", 4), "epo…");
        assert_eq!(width("에포크"), 6);
        assert_eq!(fit("에포크", 6), "에포크");
        assert_eq!(fit("에포크", 5), "에포…");
        assert_eq!(fit("에포크", 4), "에…", "half a letter is never drawn");
        assert_eq!(fit("에포크", 0), "");
    }

    #[test]
    fn a_line_never_takes_more_columns_than_it_may() {
        let line = Line::new().with(Tone::Strong, "에포크 1/2").with(Tone::Faint, " loss 0.5");
        for columns in 0..30 {
            assert!(width(&line.render(columns, false)) <= columns);
        }
        assert_eq!(line.render(80, true), "\x1b[1m에포크 1/2\x1b[0m\x1b[2m loss 0.5\x1b[0m");
        assert_eq!(line.render(80, false), "에포크 1/2 loss 0.5");
    }
}
