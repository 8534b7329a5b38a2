//! What a step of training consists of, and how long its parts take.

use glassbox::watch::{Measured, Phase, StepProfile, Work};

use super::format::{bytes, figure, grouped, percent};
use super::table::{Align, Table};
use super::verdict::lines;
use crate::commands::plan::Planned;
use crate::commands::profile::Profiled;
use crate::text::Text;

/// The most lines of a table of work; the others are summed up.
const MOST: usize = 24;
/// Columns of the longest bar.
const BAR: f64 = 16.0;

/// What a step consists of and costs.
pub fn plan(found: &Planned, text: Text, columns: usize) -> String {
    use Align::{Left, Right};
    let mut table = Table::new([
        (text.column_layer(), Left),
        (text.column_phase(), Left),
        (text.column_kernel(), Left),
        (text.column_operations(), Right),
        (text.column_bytes(), Right),
    ]);
    for work in &found.step.work {
        table.row([
            layer(work, text),
            phase(work.phase, text),
            work.kernel.to_owned(),
            operations(work.operations),
            bytes(work.bytes as u64),
        ]);
    }
    let heading = text.plan_of(&found.what, &found.model, grouped(found.step.rows as u64)) + "\n\n";
    heading + &table.render(columns) + "\n" + &lines(&costs(&found.step, text), columns)
}

/// How long a step's parts take, the longest first.
pub fn profile(found: &Profiled, text: Text, columns: usize) -> String {
    use Align::{Left, Right};
    let Some(measured) = &found.step.measured else { return String::new() };
    let mut table = Table::new([
        (text.column_layer(), Left),
        (text.column_phase(), Left),
        (text.column_kernel(), Left),
        (text.column_time(), Right),
        (text.column_share(), Right),
        (String::new(), Left),
        (text.column_speed(), Right),
        (text.column_of_limit(), Right),
    ]);
    let mut work: Vec<&Work> = found.step.work.iter().collect();
    work.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
    let (shown, rest) = work.split_at(work.len().min(MOST));
    let longest = shown.first().map_or(0.0, |work| work.seconds);
    for work in shown {
        let bar = (BAR * work.seconds / longest.max(f64::MIN_POSITIVE)).round() as usize;
        table.row([
            layer(work, text),
            phase(work.phase, text),
            work.kernel.to_owned(),
            time(work.seconds),
            percent(work.seconds / measured.step),
            "━".repeat(bar),
            speed(work),
            work.fraction(&measured.limits).map_or_else(String::new, percent),
        ]);
    }
    let mut row = |name: String, seconds: f64| {
        table.row([
            name,
            String::new(),
            String::new(),
            time(seconds),
            percent(seconds / measured.step),
        ]);
    };
    if !rest.is_empty() {
        row(text.so_many_more(grouped(rest.len() as u64)), rest.iter().map(|w| w.seconds).sum());
    }
    row(text.between_kernels(), (measured.step - inside(&found.step)).max(0.0));
    let rate = found.step.rows as f64 / measured.step;
    let heading = text.profile_of(
        &found.run,
        grouped(found.step.rows as u64),
        time(measured.step),
        super::rate(rate),
    );
    let mut out = lines(&heading, columns) + "\n" + &table.render(columns) + "\n";
    out += &lines(&phases(&found.step, measured, text), columns);
    out += &lines(&costs(&found.step, text), columns);
    out += &lines(&limits(measured, text), columns);
    if let Some(file) = &found.trace {
        out += &lines(&text.trace_written(file), columns);
    }
    if let Some(file) = &found.flame {
        out += &lines(&text.flame_written(file), columns);
    }
    out
}

/// Seconds of a step in kernels.
fn inside(step: &StepProfile) -> f64 {
    step.work.iter().map(|work| work.seconds).sum()
}

fn phases(step: &StepProfile, measured: &Measured, text: Text) -> String {
    let of = |wanted: Phase| {
        let work = step.work.iter().filter(|work| work.phase == wanted);
        let seconds: f64 = work.map(|work| work.seconds).sum();
        format!("{} {} ({})", phase(wanted, text), time(seconds), percent(seconds / measured.step))
    };
    Phase::ALL.map(of).join(" · ")
}

fn costs(step: &StepProfile, text: Text) -> String {
    let cost = &step.cost;
    text.step_costs(
        grouped(cost.steps as u64),
        operations(cost.operations as f64),
        bytes(cost.bytes_read as u64),
        bytes(cost.bytes_written as u64),
        bytes((cost.arena_bytes + cost.kept_bytes) as u64),
        bytes(step.state_bytes as u64),
    )
}

fn limits(measured: &Measured, text: Text) -> String {
    let (gflops, gigabytes) = (measured.limits.gflops, measured.limits.gigabytes);
    text.limits(
        &measured.instruction_set,
        measured.threads,
        format!("{gflops:.0}"),
        format!("{gigabytes:.1}"),
        grouped(measured.steps),
    )
}

fn layer(work: &Work, text: Text) -> String {
    if work.scope.is_empty() { text.no_layer() } else { work.scope.clone() }
}

fn phase(phase: Phase, text: Text) -> String {
    match phase {
        Phase::Forward => text.phase_forward(),
        Phase::Backward => text.phase_backward(),
        Phase::Update => text.phase_update(),
    }
}

fn speed(work: &Work) -> String {
    let rate = |rate: Option<f64>, unit: &str| {
        rate.filter(|rate| *rate > 0.0).map_or_else(String::new, |rate| format!("{rate:.1} {unit}"))
    };
    match work.is_product() {
        true => rate(work.gflops(), "GFLOP/s"),
        false => rate(work.gigabytes(), "GB/s"),
    }
}

fn operations(number: f64) -> String {
    match number {
        n if n < 1e3 => format!("{n:.0} FLOP"),
        n if n < 1e6 => format!("{:.1} kFLOP", n / 1e3),
        n if n < 1e9 => format!("{:.1} MFLOP", n / 1e6),
        n => format!("{:.1} GFLOP", n / 1e9),
    }
}

fn time(seconds: f64) -> String {
    match seconds {
        s if s < 1e-3 => format!("{:.1} µs", s * 1e6),
        s if s < 1.0 => format!("{:.2} ms", s * 1e3),
        s => format!("{} s", figure(s)),
    }
}
