//! Where the time of a step goes, as a picture.

use std::fmt::Write;

use crate::report::{cut, escape};
use crate::watch::profile::{Phase, StepProfile, Work};

/// Sizes in pixels.
const WIDTH: f64 = 1200.0;
const ROW: f64 = 20.0;
const MARGIN: f64 = 10.0;
const HEADING: f64 = 30.0;
/// The mean width of a letter at this size of type, and the narrowest box that is drawn.
const LETTER: f64 = 6.6;
const NARROWEST: f64 = 0.3;

/// A part of the step, and what it consists of.
struct Part<'a> {
    name: &'a str,
    seconds: f64,
    parts: Vec<Part<'a>>,
}

impl<'a> Part<'a> {
    fn new(name: &'a str) -> Self {
        Part { name, seconds: 0.0, parts: Vec::new() }
    }

    /// Adds time to this part and to the one that `path` leads to.
    fn add(&mut self, path: &[&'a str], seconds: f64) {
        self.seconds += seconds;
        let Some((name, rest)) = path.split_first() else { return };
        let known = self.parts.iter().position(|part| part.name == *name);
        let at = known.unwrap_or_else(|| {
            self.parts.push(Part::new(name));
            self.parts.len() - 1
        });
        self.parts[at].add(rest, seconds);
    }

    fn depth(&self) -> usize {
        1 + self.parts.iter().map(Part::depth).max().unwrap_or(0)
    }
}

fn word(phase: Phase) -> &'static str {
    match phase {
        Phase::Forward => "forward",
        Phase::Backward => "backward",
        Phase::Update => "update",
    }
}

fn colour(phase: Phase) -> [&'static str; 2] {
    match phase {
        Phase::Forward => ["#7fb3e6", "#a3c9ee"],
        Phase::Backward => ["#f0a868", "#f5c294"],
        Phase::Update => ["#8fc98f", "#b0dab0"],
    }
}

fn time(seconds: f64) -> String {
    match seconds {
        s if s < 1e-3 => format!("{:.1} µs", s * 1e6),
        s if s < 1.0 => format!("{:.2} ms", s * 1e3),
        s => format!("{s:.2} s"),
    }
}

impl StepProfile {
    /// A flame graph (Gregg 2016, "The flame graph", CACM 59) of a step, as an SVG image: each box is
    /// as wide as its time; phases stand on top, below them their scopes from the outermost in, and
    /// last the kinds of kernels. A box tells its time and share where the pointer rests on it. Nothing
    /// where nothing was measured.
    pub fn flame_graph(&self) -> Option<String> {
        let measured = self.measured.as_ref()?;
        let mut phases = Vec::new();
        for phase in Phase::ALL {
            let mut part = Part::new(word(phase));
            let mut work: Vec<&Work> = self.work.iter().filter(|w| w.phase == phase).collect();
            work.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
            for work in work {
                let scopes = work.scope.split('/').filter(|scope| !scope.is_empty());
                let path: Vec<&str> = scopes.chain([work.kernel]).collect();
                part.add(&path, work.seconds);
            }
            phases.push((phase, part));
        }
        let depth = phases.iter().map(|(_, part)| part.depth()).max().unwrap_or(0);
        let height = HEADING + ROW * depth as f64 + MARGIN;
        let (whole, middle) = (WIDTH + 2.0 * MARGIN, HEADING / 2.0 + 5.0);
        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {whole} {height}\" \
             width=\"{whole}\" height=\"{height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
             <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n\
             <text x=\"{MARGIN}\" y=\"{middle}\" fill=\"#333333\">a step of {} rows takes {} \
             ({}, threads: {}); each box is as wide as its time</text>\n",
            self.rows,
            time(measured.step),
            escape(&measured.instruction_set),
            measured.threads,
        );
        let scale = WIDTH / measured.step.max(f64::MIN_POSITIVE);
        let mut x = MARGIN;
        for (phase, part) in &phases {
            draw(part, colour(*phase), [x, HEADING], [scale, measured.step], &mut out);
            x += part.seconds * scale;
        }
        let between = measured.step - phases.iter().map(|(_, part)| part.seconds).sum::<f64>();
        let part = Part { name: "between kernels", seconds: between.max(0.0), parts: Vec::new() };
        draw(&part, ["#d0d0d0"; 2], [x, HEADING], [scale, measured.step], &mut out);
        Some(out + "</svg>\n")
    }
}

/// Draws a part with its top left corner at `x`, `y`, and below it what it consists of.
fn draw(
    part: &Part<'_>,
    colours: [&str; 2],
    [x, y]: [f64; 2],
    [scale, step]: [f64; 2],
    out: &mut String,
) {
    let width = part.seconds * scale;
    if width < NARROWEST {
        return;
    }
    let share = 100.0 * part.seconds / step.max(f64::MIN_POSITIVE);
    let _ = write!(
        out,
        "<g><title>{}: {}, {share:.1} %</title><rect x=\"{x:.2}\" y=\"{y}\" width=\"{width:.2}\" \
         height=\"{ROW}\" fill=\"{}\" stroke=\"#ffffff\" stroke-width=\"0.5\"/>",
        escape(part.name),
        time(part.seconds),
        colours[0],
    );
    let letters = ((width - 6.0) / LETTER) as usize;
    if letters >= 3 {
        let (left, base) = (x + 3.0, y + ROW - 6.0);
        let name = escape(&cut(part.name, letters));
        let _ = write!(out, "<text x=\"{left:.2}\" y=\"{base}\" fill=\"#222222\">{name}</text>");
    }
    out.push_str("</g>\n");
    let mut left = x;
    for inner in &part.parts {
        draw(inner, [colours[1], colours[0]], [left, y + ROW], [scale, step], out);
        left += inner.seconds * scale;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_adds_up_along_the_path() {
        let mut part = Part::new("forward");
        part.add(&["a", "b"], 1.0);
        part.add(&["a", "c"], 2.0);
        assert_eq!((part.seconds, part.depth(), part.parts.len()), (3.0, 3, 1));
        assert_eq!(part.parts[0].parts.iter().map(|p| p.seconds).sum::<f64>(), 3.0);
        let mut out = String::new();
        draw(&part, ["#000000"; 2], [0.0, 0.0], [100.0, 3.0], &mut out);
        assert_eq!(out.matches("<rect").count(), 4);
        assert!(out.contains("<title>c: 2.00 s, 66.7 %</title>"), "{out}");
    }
}
