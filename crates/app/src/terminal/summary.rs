//! What a run is and where it stands, on a page.

use glassbox::data::Task;
use glassbox::train::summary::{Spread, Summary};

use super::format::{bytes, figure, grouped};
use super::line::{fit, width};
use super::table::{Align, Table};
use crate::text::Text;

/// Parameters, outputs, the plan of a step, the data and the state of training.
pub fn summary(summary: &Summary, text: Text, columns: usize) -> String {
    let total = &summary.total;
    let head = [
        summary.model.clone(),
        text.parameters(grouped(total.count as u64)),
        bytes(total.bytes as u64),
        summary.run.clone(),
    ];
    let parts = [
        vec![fit(&head.join(" · "), columns)],
        parameters(summary, text, columns),
        outputs(summary, text, columns),
        layers(summary, text, columns),
        facts(summary, text, columns),
    ];
    parts.map(|lines| lines.join("\n") + "\n").join("\n")
}

fn parameters(summary: &Summary, text: Text, columns: usize) -> Vec<String> {
    use Align::{Left, Right};
    let mut headers = vec![
        (text.column_parameter(), Left),
        (text.column_shape(), Left),
        (text.column_numbers(), Right),
    ];
    if summary.weights_of_step.is_some() {
        headers.extend([
            (text.column_mean(), Right),
            (text.column_deviation(), Right),
            (text.column_least(), Right),
            (text.column_greatest(), Right),
        ]);
    }
    let mut table = Table::new(headers);
    for parameter in &summary.parameters {
        let shape = format!("{:?}", parameter.shape);
        let path = match parameter.frozen {
            true => text.frozen_parameter(&parameter.path),
            false => parameter.path.clone(),
        };
        let mut cells = vec![path, shape, grouped(parameter.count as u64)];
        if let Some(Spread { mean, std, min, max }) = parameter.values {
            cells.extend([mean, std, min, max].map(figure));
        }
        table.row(cells);
    }
    let note = match summary.weights_of_step {
        Some(step) => text.weights_of_step(grouped(step)),
        None => text.no_checkpoint_yet(),
    };
    let mut lines: Vec<String> = table.render(columns).lines().map(str::to_owned).collect();
    lines.push(fit(&note, columns));
    lines
}

fn outputs(summary: &Summary, text: Text, columns: usize) -> Vec<String> {
    let headers = [(text.column_output(), Align::Left), (text.column_shape_of_row(), Align::Left)];
    let mut table = Table::new(headers);
    for output in &summary.outputs {
        table.row([output.name.clone(), format!("{:?}", output.shape)]);
    }
    table.render(columns).lines().map(str::to_owned).collect()
}

/// What each layer costs, and all of them.
fn layers(summary: &Summary, text: Text, columns: usize) -> Vec<String> {
    use Align::{Left, Right};
    let mut table = Table::new([
        (text.column_layer(), Left),
        (text.column_numbers_learned(), Right),
        (text.column_multiply_adds(), Right),
    ]);
    for layer in &summary.layers {
        let name = if layer.name.is_empty() { text.no_layer() } else { layer.name.clone() };
        let (numbers, costs) = (grouped(layer.parameters as u64), grouped(layer.multiply_adds));
        table.row([name, numbers, costs]);
    }
    let all = summary.layers.iter().map(|layer| layer.multiply_adds).sum();
    let mut lines: Vec<String> = table.render(columns).lines().map(str::to_owned).collect();
    lines.push(fit(&text.multiply_adds_a_row(grouped(all)), columns));
    lines
}

/// A line for each subject, its name first.
fn facts(summary: &Summary, text: Text, columns: usize) -> Vec<String> {
    let (step, data, training) = (&summary.step, &summary.data, &summary.training);
    let count = |number: usize| grouped(number as u64);
    let mflop = text.mflop(figure(step.mflop));
    let plan = [
        text.rows(count(step.rows)),
        text.kernels(count(step.kernels)),
        text.arena(bytes(step.arena_bytes as u64)),
        mflop,
    ];
    let parts = [("train", data.train), ("valid", data.valid), ("test", data.test)];
    let parts = parts.map(|(part, rows)| format!("{} {}", text.split(part), count(rows)));
    let target = match &data.task {
        Task::Classification { classes } => text.target_of_classes(&data.target, classes.len()),
        Task::Tags { tags } => text.target_of_tags(&data.target, tags.len()),
        Task::Regression => text.target_number(&data.target),
        Task::Language { vocabulary } => text.target_tokens(count(*vocabulary)),
        Task::Rows { .. } => text.target_rows(),
    };
    let mut stands = vec![
        text.state(training.state),
        text.epoch(training.epoch, training.epochs),
        text.step_number(grouped(training.step)),
    ];
    if let Some(best) = &training.best {
        let value = figure(best.metric.0);
        stands.push(text.best_figure(&training.metric, value, grouped(best.step)));
    }
    let mut facts = vec![
        (text.fact_step(), plan.join(", ")),
        (text.fact_data(), format!("{}: {}", data.source, parts.join(", "))),
        (text.fact_target(), target),
    ];
    if !data.dropped.is_empty() {
        let dropped: Vec<String> =
            data.dropped.iter().map(|(column, why)| format!("{column} ({why})")).collect();
        facts.push((text.fact_dropped(), dropped.join(", ")));
    }
    facts.push((text.fact_training(), stands.join(", ")));
    facts.extend(training.message.clone().map(|message| (text.fact_problem(), message)));
    let longest = facts.iter().map(|(name, _)| width(name)).max().unwrap_or(0);
    let room = columns.saturating_sub(longest + 2).max(20);
    let mut lines = Vec::new();
    for (name, fact) in facts {
        for (index, part) in super::line::wrap(&fact, room).into_iter().enumerate() {
            let name = if index == 0 { name.as_str() } else { "" };
            let space = " ".repeat(longest - width(name));
            lines.push(format!("{name}{space}  {part}"));
        }
    }
    lines
}
