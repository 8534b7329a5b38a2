//! Charts as SVG text: lines, points and bars between two axes.
//!
//! A chart is 420 × 280 units and grows with its place on the page; colours are the style's, and
//! each series also differs by its dashes or its marks.

use crate::report::html::{count, escape};
use crate::report::scale::{Scale, is_shown};

const WIDTH: f64 = 420.0;
const HEIGHT: f64 = 280.0;
const RIGHT: f64 = 14.0;
const BOTTOM: f64 = 44.0;
/// Room for a row of the legend.
const TOP: f64 = 30.0;
/// The width of a letter, about.
const LETTER: f64 = 6.3;
/// More points than this are thinned out: no screen shows them apart.
const MOST_POINTS: usize = 600;

/// A series of points joined by a line.
pub struct Line {
    /// What the legend says.
    pub name: String,
    /// The style's class: `first` or `second`.
    pub class: &'static str,
    /// Ascending in x; points that are not finite leave a gap.
    pub points: Vec<(f64, f64)>,
}

/// A marked place on a line chart.
pub struct Mark {
    /// What the legend says.
    pub name: String,
    /// Where it is along the x axis.
    pub x: f64,
    /// Where it is on its line, if it is on one.
    pub y: Option<f64>,
}

/// What a chart is called and what its axes measure.
pub struct Labels {
    /// What the chart shows, for those who cannot see it.
    pub description: String,
    /// The x axis.
    pub x: String,
    /// The y axis.
    pub y: String,
}

/// The area between the axes.
struct Frame {
    left: f64,
    x: Scale,
    y: Scale,
}

impl Frame {
    fn new(x: Scale, y: Scale) -> Self {
        let longest = y.ticks().iter().map(|(_, text)| text.chars().count()).max().unwrap_or(1);
        Frame { left: 26.0 + LETTER * longest as f64, x, y }
    }

    fn at_x(&self, x: f64) -> f64 {
        self.left + self.x.position(x) * (WIDTH - RIGHT - self.left)
    }

    fn at_y(&self, y: f64) -> f64 {
        HEIGHT - BOTTOM - self.y.position(y) * (HEIGHT - BOTTOM - TOP)
    }

    /// The chart around what is drawn inside it.
    fn draw(&self, labels: &Labels, legend: &[(String, String)], inside: &str) -> String {
        let description = escape(&labels.description);
        let mut out = format!(
            "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{description}\">\n\
             <title>{description}</title>\n"
        );
        let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
        out += "<g class=\"grid\">";
        for (tick, _) in self.y.ticks() {
            let y = at(self.at_y(*tick));
            out += &format!("<path d=\"M{} {y}H{right}\"/>", at(self.left));
        }
        out += "</g>\n<g class=\"ticks\">";
        for (tick, text) in self.y.ticks() {
            let (x, y) = (at(self.left - 6.0), at(self.at_y(*tick) + 4.0));
            out +=
                &format!("<text x=\"{x}\" y=\"{y}\" text-anchor=\"end\">{}</text>", escape(text));
        }
        for (tick, text) in self.x.ticks() {
            let x = at(self.at_x(*tick));
            out += &format!("<path d=\"M{x} {bottom}v4\"/>");
            let y = bottom + 17.0;
            let text = escape(text);
            out += &format!("<text x=\"{x}\" y=\"{y}\" text-anchor=\"middle\">{text}</text>");
        }
        out += &format!("<path d=\"M{} {bottom}H{right}\"/></g>\n", at(self.left));
        let (x, y) = (at((self.left + right) / 2.0), at((TOP + bottom) / 2.0));
        let (name_x, name_y) = (escape(&labels.x), escape(&labels.y));
        out += &format!(
            "<text x=\"{x}\" y=\"{}\" text-anchor=\"middle\">{name_x}</text>\n\
             <text transform=\"translate(13 {y}) rotate(-90)\" text-anchor=\"middle\">{name_y}\
             </text>\n",
            HEIGHT - 8.0
        );
        out += inside;
        let mut x = self.left;
        for (sample, name) in legend {
            out += &format!(
                "<g transform=\"translate({} 14)\">{sample}<text x=\"28\" y=\"4\">{}</text></g>\n",
                at(x),
                escape(name)
            );
            x += 42.0 + LETTER * name.chars().count() as f64;
        }
        out + "</svg>\n"
    }
}

/// Lines over whole numbers such as epochs. A loss whose range asks for it is shown on a
/// logarithmic axis; the answer says whether it is.
pub fn lines(
    labels: impl Fn(bool) -> Labels,
    lines: &[Line],
    mark: Option<&Mark>,
    within: Option<(f64, f64)>,
) -> (String, bool) {
    let points = || lines.iter().flat_map(|line| &line.points);
    let epochs = points().map(|(x, _)| *x as u64);
    let (first, last) = (epochs.clone().min().unwrap_or(1), epochs.max().unwrap_or(1));
    let values = || points().map(|(_, y)| *y);
    let positive = values().all(|y| y > 0.0 || !is_shown(y));
    let logarithmic = match within {
        None if positive => Scale::logarithmic(values()),
        _ => None,
    };
    let y = logarithmic.unwrap_or_else(|| Scale::linear(values(), within));
    let logarithmic = y.is_logarithmic();
    let labels = labels(logarithmic);
    let frame = Frame::new(Scale::whole(first, last), y);
    let mut inside = String::new();
    let mut legend = Vec::new();
    if let Some(mark) = mark.filter(|mark| is_shown(mark.x)) {
        let x = at(frame.at_x(mark.x));
        inside += &format!("<path class=\"best\" d=\"M{x} {}V{TOP}\"/>\n", HEIGHT - BOTTOM);
    }
    for line in lines {
        let class = line.class;
        inside += &format!("<path class=\"line {class}\" d=\"{}\"/>\n", path(&frame, &line.points));
        if line.points.len() <= 20 {
            for (x, y) in line.points.iter().filter(|(_, y)| is_shown(*y)) {
                inside += &dot(class, frame.at_x(*x), frame.at_y(*y), 2.5);
            }
        }
        let sample = format!("<path class=\"line {class}\" d=\"M0 0H22\"/>");
        legend.push((sample, line.name.clone()));
    }
    if let Some(mark) = mark.filter(|mark| is_shown(mark.x)) {
        if let Some(y) = mark.y.filter(|y| is_shown(*y)) {
            inside += &diamond(frame.at_x(mark.x), frame.at_y(y));
        }
        legend.push((diamond(16.0, 0.0), mark.name.clone()));
    }
    (frame.draw(&labels, &legend, &inside), logarithmic)
}

/// Lines over named places such as layers, from the first line (faint) to the last (full); the axis is
/// logarithmic where the numbers ask for it. The answer says whether it is.
pub fn over_places(
    labels: impl Fn(bool) -> Labels,
    places: &[String],
    lines: &[(String, Vec<f64>)],
) -> (String, bool) {
    let values = || lines.iter().flat_map(|(_, values)| values.iter().copied());
    let positive = values().all(|y| y > 0.0 || !is_shown(y));
    let y = if positive { Scale::logarithmic(values()) } else { None };
    let y = y.unwrap_or_else(|| Scale::linear(values(), None));
    let logarithmic = y.is_logarithmic();
    let labels = labels(logarithmic);
    // Names stand below the axis where there is room for them; else their numbers do.
    let width = (WIDTH - RIGHT - 60.0) / places.len().max(1) as f64;
    let fits = places.iter().all(|place| LETTER * (place.chars().count() + 1) as f64 <= width);
    let x = match fits {
        true => Scale::named(places),
        false => Scale::whole(1, places.len() as u64),
    };
    let frame = Frame::new(x, y);
    let mut inside = String::new();
    let mut legend = Vec::new();
    let all = lines.len().max(1) as f64;
    for (index, (name, values)) in lines.iter().enumerate() {
        let opacity = at(0.25 + 0.75 * (index + 1) as f64 / all);
        let points: Vec<(f64, f64)> =
            values.iter().enumerate().map(|(place, y)| (place as f64 + 1.0, *y)).collect();
        let d = path(&frame, &points);
        let line = |d: &str| {
            format!("<path class=\"line first\" stroke-opacity=\"{opacity}\" d=\"{d}\"/>")
        };
        inside += &line(&d);
        inside.push('\n');
        if points.len() <= 20 {
            for (x, y) in points.iter().filter(|(_, y)| is_shown(*y)) {
                inside += &dot("first", frame.at_x(*x), frame.at_y(*y), 2.5);
            }
        }
        // Only the ends are named: those between follow from their shade.
        if index == 0 || index + 1 == lines.len() {
            legend.push((line("M0 0H22"), name.clone()));
        }
    }
    (frame.draw(&labels, &legend, &inside), logarithmic)
}

/// The path through points; long lines keep the least and the greatest value of every stretch, so
/// that no spike is lost.
fn path(frame: &Frame, points: &[(f64, f64)]) -> String {
    let mut out = String::new();
    let mut joined = false;
    let mut draw = |(x, y): (f64, f64)| {
        if is_shown(y) {
            let pen = if joined { 'L' } else { 'M' };
            out += &format!("{pen}{} {}", at(frame.at_x(x)), at(frame.at_y(y)));
        }
        joined = is_shown(y);
    };
    if points.len() <= MOST_POINTS {
        points.iter().copied().for_each(draw);
        return out;
    }
    for stretch in points.chunks(points.len().div_ceil(MOST_POINTS / 2)) {
        let shown = || stretch.iter().enumerate().filter(|(_, (_, y))| is_shown(*y));
        let least = shown().min_by(|a, b| a.1.1.total_cmp(&b.1.1)).map(|(i, _)| i);
        let most = shown().max_by(|a, b| a.1.1.total_cmp(&b.1.1)).map(|(i, _)| i);
        match (least, most) {
            (Some(least), Some(most)) => {
                draw(stretch[least.min(most)]);
                draw(stretch[least.max(most)]);
            }
            _ => draw((0.0, f64::NAN)),
        }
    }
    out
}

/// A curve of shares, both axes from 0 to 1, with what scores that say nothing would give.
pub fn shares(
    labels: &Labels,
    curve: &[(f64, f64)],
    nothing: [f64; 2],
    names: [&str; 2],
) -> String {
    let scale = Scale::linear([0.0, 1.0].into_iter(), Some((0.0, 1.0)));
    let frame = Frame::new(scale.clone(), scale);
    let [from, to] = nothing.map(|y| at(frame.at_y(y)));
    let inside = format!(
        "<path class=\"diagonal\" d=\"M{} {from}L{} {to}\"/>\n<path class=\"line first\" \
         d=\"{}\"/>\n",
        at(frame.at_x(0.0)),
        at(frame.at_x(1.0)),
        path(&frame, curve)
    );
    let sample = |class: &str| format!("<path class=\"{class}\" d=\"M0 0H22\"/>");
    let legend =
        [(sample("line first"), names[0].to_owned()), (sample("diagonal"), names[1].to_owned())];
    frame.draw(labels, &legend, &inside)
}

/// What was predicted over what was observed, with the diagonal on which both agree.
pub fn scatter(labels: &Labels, points: &[(f64, f64)], diagonal: &str, rows: &str) -> String {
    let shown = || points.iter().filter(|(x, y)| is_shown(*x) && is_shown(*y));
    let scale = Scale::linear(shown().flat_map(|(x, y)| [*x, *y]), None);
    let (low, high) = scale.ends();
    let frame = Frame::new(scale.clone(), scale);
    let mut inside = format!(
        "<path class=\"diagonal\" d=\"M{} {}L{} {}\"/>\n<g>",
        at(frame.at_x(low)),
        at(frame.at_y(low)),
        at(frame.at_x(high)),
        at(frame.at_y(high))
    );
    for (x, y) in shown() {
        inside += &dot("point", frame.at_x(*x), frame.at_y(*y), 3.0);
    }
    inside += "</g>\n";
    let legend = [
        (dot("point", 16.0, 0.0, 3.0), rows.to_owned()),
        ("<path class=\"diagonal\" d=\"M0 0H22\"/>".to_owned(), diagonal.to_owned()),
    ];
    frame.draw(labels, &legend, &inside)
}

/// Names at their points; both axes go around `within`, so that charts of the same numbers compare.
pub fn places(
    labels: &Labels,
    names: &[String],
    points: &[[f64; 2]],
    within: &[[f64; 2]],
) -> String {
    let scale = |axis: usize| Scale::linear(within.iter().map(|point| point[axis]), None);
    let frame = Frame::new(scale(0), scale(1));
    let mut inside = String::new();
    for (name, [x, y]) in names.iter().zip(points).filter(|(_, p)| p.iter().all(|x| is_shown(*x))) {
        let (x, y) = (frame.at_x(*x), frame.at_y(*y));
        inside += &dot("point", x, y, 2.0);
        let name = escape(name);
        // Beyond the middle names stand on the left, where there is room.
        let (at_x, anchor) = if x > 0.75 * WIDTH { (x - 4.0, "end") } else { (x + 4.0, "start") };
        inside += &format!(
            "<text class=\"place\" x=\"{}\" y=\"{}\" text-anchor=\"{anchor}\">{name}</text>\n",
            at(at_x),
            at(y + 3.0)
        );
    }
    frame.draw(labels, &[], &inside)
}

/// How many numbers fall into each of some equally wide ranges; zero is marked.
pub fn histogram(labels: &Labels, values: &[f64], zero: &str, rows: &str) -> String {
    let shown = || values.iter().copied().filter(|x| is_shown(*x));
    let x = Scale::linear(shown().chain([0.0]), None);
    let (low, high) = x.ends();
    // Whole numbers of bins between ticks: 2√n of them, within reason.
    let ticks = (x.ticks().len().max(2) - 1) as f64;
    let wanted = (2.0 * (shown().count() as f64).sqrt()).clamp(ticks, 40.0);
    let a_tick = [1.0, 2.0, 4.0, 5.0, 10.0].into_iter().rfind(|n| n * ticks <= wanted);
    let width = x.step() / a_tick.unwrap_or(1.0);
    let bins = ((high - low) / width).round().clamp(1.0, 400.0) as usize;
    let mut counts = vec![0usize; bins];
    for value in shown() {
        let bin = ((value - low) / width).floor().clamp(0.0, (bins - 1) as f64);
        counts[bin as usize] += 1;
    }
    let most = counts.iter().max().copied().unwrap_or(0);
    let y = counting(most);
    let frame = Frame::new(x, y);
    let mut inside = String::from("<g class=\"bars\">");
    for (bin, rows) in counts.iter().enumerate().filter(|(_, rows)| **rows > 0) {
        let from = low + bin as f64 * width;
        let (left, right) = (frame.at_x(from), frame.at_x(from + width));
        let (top, bottom) = (frame.at_y(*rows as f64), frame.at_y(0.0));
        inside += &format!(
            "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"><title>{}</title></rect>",
            at(left + 0.5),
            at(top),
            at((right - left - 1.0).max(0.5)),
            at(bottom - top),
            count(*rows)
        );
    }
    inside += "</g>\n";
    let x = at(frame.at_x(0.0));
    inside += &format!("<path class=\"best\" d=\"M{x} {}V{TOP}\"/>\n", HEIGHT - BOTTOM);
    let legend = [
        (
            "<g class=\"bars\"><rect x=\"8\" y=\"-5\" width=\"14\" height=\"10\"/></g>".to_owned(),
            rows.to_owned(),
        ),
        ("<path class=\"best\" d=\"M16 -7V7\"/>".to_owned(), zero.to_owned()),
    ];
    frame.draw(labels, &legend, &inside)
}

/// An axis of counts from 0.
fn counting(most: usize) -> Scale {
    match most {
        0..=5 => Scale::whole(0, most.max(1) as u64),
        _ => Scale::linear([0.0, most as f64].into_iter(), None),
    }
}

fn dot(class: &str, x: f64, y: f64, radius: f64) -> String {
    format!("<circle class=\"{class}\" cx=\"{}\" cy=\"{}\" r=\"{radius}\"/>", at(x), at(y))
}

fn diamond(x: f64, y: f64) -> String {
    format!("<path class=\"mark\" d=\"M{} {}l5 6l-5 6l-5 -6z\"/>", at(x), at(y - 6.0))
}

/// A coordinate, to a tenth of a unit.
fn at(x: f64) -> String {
    let text = format!("{x:.1}");
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}
