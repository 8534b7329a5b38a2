//! Live progress: a header, one line that is redrawn in place, warnings, and the curves at the end.

use std::io::Write;
use std::time::{Duration, Instant};

use glassbox::train::event::{Alert, Ending, Epoch, Event, Finished, Metrics, Started, Step};

use super::Screen;
use super::choices::choices;
use super::curve::curve;
use super::format::{bytes, clock, figure, grouped, rate};
use super::line::{Line, Tone, width, wrap};
use super::words;
use crate::text::Text;

/// Between two drawings of the live line.
const REDRAW: Duration = Duration::from_millis(50);
const LONGEST_BAR: usize = 21;
const SHORTEST_BAR: usize = 6;
const LONGEST_CURVE: usize = 60;
/// From this share of the time on, waiting for rows is worth a word.
const SLOW: f64 = 0.1;

/// Shows events as they come: `trainer.fit(…, &mut |event| progress.handle(event))`.
pub struct Progress<W: Write> {
    out: W,
    screen: Screen,
    text: Text,
    /// The live line stands on the screen, without a line break.
    drawn: bool,
    last_drawn: Option<Instant>,
    /// The figures of the last whole epoch, shown until the next.
    valid_loss: Option<f64>,
    metrics: Metrics,
    /// The last epoch, where it came too soon after a drawing to be drawn.
    not_drawn: Option<Epoch>,
    /// Words are counted, not rows.
    words: bool,
    train_curve: Vec<f64>,
    valid_curve: Vec<f64>,
}

/// The live line's contents.
struct Status<'a> {
    epoch: u64,
    epochs: u64,
    fraction: f64,
    loss: f64,
    valid_loss: Option<f64>,
    metrics: &'a Metrics,
    rows_per_second: f64,
    /// Whether these are words.
    words: bool,
    remaining: Option<f64>,
}

impl<'a> Status<'a> {
    /// An epoch that is over.
    fn of(epoch: &'a Epoch, words: bool) -> Self {
        Status {
            epoch: epoch.epoch,
            epochs: epoch.epochs,
            fraction: 1.0,
            loss: epoch.train_loss,
            valid_loss: epoch.valid_loss,
            metrics: &epoch.metrics,
            rows_per_second: epoch.rows_per_second,
            words,
            remaining: epoch.remaining.filter(|_| epoch.epoch < epoch.epochs),
        }
    }
}

impl<W: Write> Progress<W> {
    /// Progress that is written to `out`.
    pub fn new(out: W, screen: Screen, text: Text) -> Self {
        Progress {
            out,
            screen,
            text,
            drawn: false,
            last_drawn: None,
            valid_loss: None,
            metrics: Metrics::new(),
            not_drawn: None,
            words: false,
            train_curve: Vec::new(),
            valid_curve: Vec::new(),
        }
    }

    /// Shows an event.
    pub fn handle(&mut self, event: &Event) {
        self.handle_at(event, Instant::now());
    }

    /// Says something in a line of its own, in place of the live line.
    pub fn say(&mut self, words: &str) {
        self.clear();
        self.line(&Line::new().with(Tone::Plain, words));
        let _ = self.out.flush(); // A closed pipe must not stop the training.
    }

    /// Whether a person sees steps as they are taken.
    pub fn is_live(&self) -> bool {
        self.screen.live
    }

    /// What it was written to.
    pub fn into_inner(self) -> W {
        self.out
    }

    fn handle_at(&mut self, event: &Event, now: Instant) {
        match event {
            Event::Started(started) => self.started(started),
            Event::Step(step) => self.step(step, now),
            Event::Epoch(epoch) => self.epoch(epoch, now),
            Event::Alert(alert) => self.alert(alert),
            Event::Watched(_) | Event::Checkpoint { .. } => {}
            Event::Finished(finished) => self.finished(finished),
        }
        // A closed pipe must not stop the training.
        let _ = self.out.flush();
    }

    fn started(&mut self, started: &Started) {
        let text = self.text;
        let threads = match started.threads {
            1 => text.one_thread(),
            count => text.threads(count),
        };
        let parts = [
            started.model.clone(),
            text.parameters(grouped(started.parameters)),
            bytes(started.bytes),
            format!("{}, {threads}", started.device),
            text.seed(started.seed),
        ];
        let mut line = Line::new().with(Tone::Strong, "glassbox");
        for part in parts {
            line = line.with(Tone::Faint, " · ").with(Tone::Plain, part);
        }
        self.line(&line);
        for choice in started.choices.iter().flat_map(|c| choices(c, started.epochs, text)) {
            self.wrapped("", "  ", Tone::Faint, &choice);
        }
        for line in started.words.iter().flat_map(|w| words::facts(w, started.epochs, text)) {
            self.wrapped("", "  ", Tone::Faint, &line);
        }
        self.words = started.words.is_some();
        for notice in &started.notices {
            self.wrapped("", "  ", Tone::Faint, notice);
        }
    }

    fn step(&mut self, step: &Step, now: Instant) {
        let soon = self.last_drawn.is_some_and(|last| now.duration_since(last) < REDRAW);
        if !self.screen.live || soon {
            return;
        }
        let metrics = std::mem::take(&mut self.metrics);
        let status = Status {
            epoch: step.epoch,
            epochs: step.epochs,
            fraction: step.fraction,
            loss: step.loss,
            valid_loss: self.valid_loss,
            metrics: &metrics,
            rows_per_second: step.rows_per_second,
            words: self.words,
            remaining: step.remaining,
        };
        self.draw(&status, now);
        self.metrics = metrics;
    }

    fn epoch(&mut self, epoch: &Epoch, now: Instant) {
        self.train_curve.push(epoch.train_loss);
        self.valid_curve.extend(epoch.valid_loss);
        self.valid_loss = epoch.valid_loss;
        self.metrics = epoch.metrics.clone();
        let status = Status::of(epoch, self.words);
        self.not_drawn = None;
        let soon = self.last_drawn.is_some_and(|last| now.duration_since(last) < REDRAW);
        match self.screen.live {
            true if soon && epoch.epoch < epoch.epochs => self.not_drawn = Some(epoch.clone()),
            true => self.draw(&status, now),
            false => {
                let line = plain(&status, self.text);
                self.line(&line);
            }
        }
    }

    fn alert(&mut self, alert: &Alert) {
        let place = match alert.place.as_str() {
            "" => String::new(),
            place => format!("{place}: "),
        };
        let words = alert.alarm.as_ref().map(|alarm| self.text.alarm(alarm));
        let words = words.unwrap_or_else(|| alert.message.clone());
        self.clear();
        self.wrapped("! ", "  ", Tone::Plain, &format!("{place}{words}"));
    }

    /// Words that are worth their whole length: they wrap at spaces instead of being cut.
    fn wrapped(&mut self, first: &str, next: &str, tone: Tone, words: &str) {
        let room = self.columns().saturating_sub(next.len());
        for (index, part) in wrap(words, room).into_iter().enumerate() {
            let mark = if index == 0 { first } else { next };
            self.line(&Line::new().with(Tone::Warning, mark).with(tone, part));
        }
    }

    fn finished(&mut self, finished: &Finished) {
        if let Some(epoch) = self.not_drawn.take().filter(|epoch| epoch.epoch == finished.epoch) {
            self.draw(
                &Status { remaining: None, ..Status::of(&epoch, self.words) },
                Instant::now(),
            );
        }
        if self.drawn {
            let _ = writeln!(self.out);
            self.drawn = false;
        }
        self.curves();
        if finished.ending == Ending::StoppedEarly {
            let words = self.text.stopped_early(finished.epoch);
            self.line(&Line::new().with(Tone::Plain, words));
        }
        let loading = finished.loading;
        if loading.threads > 0 {
            let waited = format!("{:.1}", 100.0 * loading.waited);
            let rate = rate(loading.rows_per_second);
            let words = self.text.loading(rate, loading.threads, waited);
            self.wrapped("", "  ", Tone::Faint, &words);
        }
        if loading.threads > 0 && loading.waited > SLOW {
            self.wrapped("! ", "  ", Tone::Plain, &self.text.loading_is_slow());
        }
        if let Some(step) = finished.best_step {
            self.line(&Line::new().with(Tone::Faint, self.text.best_at(step)));
        }
    }

    /// Loss and validation loss on one scale.
    fn curves(&mut self) {
        let (train, valid) =
            (std::mem::take(&mut self.train_curve), std::mem::take(&mut self.valid_curve));
        if train.len() < 2 {
            return;
        }
        let finite = || train.iter().chain(&valid).copied().filter(|value| value.is_finite());
        let (low, high) =
            finite().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
        // A loss that fell far is drawn by its logarithm, as its end would be flat.
        let scale = match low > 0.0 && high > 20.0 * low {
            true => f64::ln,
            false => |value| value,
        };
        let (low, high) = (scale(low), scale(high));
        let names = [self.text.metric_loss(), self.text.valid_loss()];
        let longest = names.iter().map(|name| width(name)).max().unwrap_or(0);
        for (name, values) in names.iter().zip([train, valid]) {
            let (Some(&first), Some(&last)) = (values.first(), values.last()) else { continue };
            let space = " ".repeat(longest - width(name));
            let (first, last) = (format!("{:>8} ", figure(first)), format!(" {}", figure(last)));
            let taken = longest + 1 + width(&first) + width(&last);
            let columns = self.columns().saturating_sub(taken).min(LONGEST_CURVE);
            let heights: Vec<f64> = values.iter().map(|&value| scale(value)).collect();
            let line = Line::new()
                .with(Tone::Faint, format!("{name}{space} "))
                .with(Tone::Plain, first)
                .with(Tone::Good, curve(&heights, columns, low, high))
                .with(Tone::Strong, last);
            self.line(&line);
        }
    }

    /// One column is left free: a full line would make some terminals wrap.
    fn columns(&self) -> usize {
        self.screen.columns().saturating_sub(1)
    }

    fn draw(&mut self, status: &Status, now: Instant) {
        let columns = self.columns();
        let text = live(status, self.text, columns).render(columns, self.screen.colour);
        let _ = write!(self.out, "\r\x1b[2K{text}");
        self.drawn = true;
        self.last_drawn = Some(now);
    }

    /// Takes the live line away, so that something else can be printed above the next one.
    fn clear(&mut self) {
        if self.drawn {
            let _ = write!(self.out, "\r\x1b[2K");
            self.drawn = false;
            self.last_drawn = None;
        }
    }

    fn line(&mut self, line: &Line) {
        let _ = writeln!(self.out, "{}", line.render(self.columns(), self.screen.colour));
    }
}

/// Name and value of each figure.
fn figures(status: &Status, text: Text) -> Vec<(String, String)> {
    let mut figures = vec![(text.metric_loss(), figure(status.loss))];
    figures.extend(status.valid_loss.map(|loss| (text.valid_loss(), figure(loss))));
    let others = status.metrics.iter().filter(|(name, _)| *name != "loss");
    figures.extend(others.map(|(name, value)| (text.metric(name), figure(*value))));
    figures
}

fn with_figures(mut line: Line, figures: &[(String, String)]) -> Line {
    for (name, value) in figures {
        line = line.with(Tone::Faint, format!("  {name} ")).with(Tone::Strong, value.as_str());
    }
    line
}

fn speed(status: &Status, text: Text) -> String {
    let rate = rate(status.rows_per_second);
    if status.words { text.words_per_second(rate) } else { text.rows_per_second(rate) }
}

/// One line an epoch, for files and pipes.
fn plain(status: &Status, text: Text) -> Line {
    let line = Line::new().with(Tone::Plain, text.epoch(status.epoch, status.epochs));
    let speed = speed(status, text);
    with_figures(line, &figures(status, text)).with(Tone::Faint, format!("  {speed}"))
}

/// The live line: what matters least goes first where there is not room for all.
fn live(status: &Status, text: Text, columns: usize) -> Line {
    let head = format!("{} ", text.epoch(status.epoch, status.epochs));
    let percent = format!(" {:>2.0} %", status.fraction * 100.0);
    let figures = figures(status, text);
    let speed = format!("  {}", speed(status, text));
    let left = status.remaining.map(|time| format!("  {}", text.time_left(clock(time))));
    let build = |bar: usize, speed: &str, left: &str| {
        let (done, rest) = bar_pieces(status.fraction, bar);
        let line = Line::new()
            .with(Tone::Plain, head.as_str())
            .with(Tone::Good, done)
            .with(Tone::Faint, rest)
            .with(Tone::Plain, percent.as_str());
        with_figures(line, &figures).with(Tone::Faint, speed).with(Tone::Plain, left)
    };
    let left = left.unwrap_or_default();
    for speed in [speed.as_str(), ""] {
        let bare = build(0, speed, &left).width();
        if bare + SHORTEST_BAR <= columns {
            return build((columns - bare).min(LONGEST_BAR), speed, &left);
        }
    }
    build(0, "", "")
}

/// The bar's done part with its tip, and the rest: `━━━╸`, `────`.
fn bar_pieces(fraction: f64, columns: usize) -> (String, String) {
    let halves = (fraction.clamp(0.0, 1.0) * 2.0 * columns as f64).round() as usize;
    let mut done = "━".repeat(halves / 2);
    if halves % 2 == 1 {
        done.push('╸');
    }
    (done, "─".repeat(columns - halves.div_ceil(2)))
}

#[cfg(test)]
#[path = "progress_tests.rs"]
mod tests;
