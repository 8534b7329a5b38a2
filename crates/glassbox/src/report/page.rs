//! The page: its sections in order.

use std::collections::BTreeSet;

use crate::Error;
use crate::data::{ColumnSchema, Kind, Role, Schema};
use crate::report::chart::{self, Labels, Line, Mark};
use crate::report::facts::{EpochFigures, Facts, Told};
use crate::report::html::{
    Head, count, duration, escape, list_of_facts, name, number, percent, plain, table,
};
use crate::report::words::Words;
use crate::report::{choices, classes, forecast, numbers};
use crate::train::config::{Amount, Loss, ModelKind};
use crate::train::folder::Environment;
use crate::train::{Detail, Undefined};

const STYLE: &str = include_str!("style.css");
/// Nothing is fetched and nothing runs, whatever a name in the data may hold.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";
/// More columns than this are not all listed.
const MOST_COLUMNS: usize = 200;
/// More epochs than this are sampled for the table of figures.
const MOST_EPOCHS: usize = 100;
const MOST_ALERTS: usize = 20;

/// The whole page.
pub(crate) fn page(w: Words, facts: &Facts) -> Result<String, Error> {
    let target = name(&facts.data.preparation.target.name, 60);
    let mut out = outcome(w, facts);
    out += &training(w, facts);
    let part = part(w, &facts.outcome.split);
    out += &match (&facts.predictions, facts.classes(), &facts.outcome.detail) {
        (.., Detail::Forecast { forecast }) => forecast::section(w, forecast),
        (Some(Told::Classes(told)), Some(names), _) if !told.is_empty() => {
            let positive = match &facts.outcome.detail {
                Detail::Classes(detail) => detail.positive.as_deref(),
                _ => None,
            };
            let positive = names.iter().position(|name| Some(name.as_str()) == positive);
            let of_names = match &facts.outcome.detail {
                Detail::Classes(detail) => &detail.entities[..],
                _ => &[],
            };
            classes::section(w, told, names, &part, positive)? + &classes::entities(w, of_names)
        }
        (Some(Told::Numbers(told)), ..) => {
            let several = told.len() > 1;
            told.iter().map(|(name, told)| numbers::section(w, told, name, several)).collect()
        }
        _ if facts.written.is_some() => String::new(),
        _ => format!("<p class=\"note\">{}</p>\n", w.no_predictions()),
    };
    out += &made(w, facts);
    if let Some(written) = &facts.written {
        out += &format!(
            "<section class=\"written\">\n<h2>{}</h2>\n<p class=\"note\">{}</p>\n<pre>{}</pre>\n\
             </section>\n",
            w.written(),
            w.written_how(),
            escape(written)
        );
    }
    out += &seeing(w, facts);
    out += &data(w, facts);
    out += &model(w, facts);
    out += &settings(w, &facts.settings, &facts.environment);
    let kind = facts.config.model.kind.word();
    let (time, run) = (&facts.status.updated, &facts.run);
    Ok(document(w, [&facts.data.source, kind], [&w.told(&target), time, run], &out))
}

/// The page around its sections: of what source and kind of model, what it tells (HTML), when it ended
/// and in which run.
pub(crate) fn document(
    w: Words,
    [source, kind]: [&str; 2],
    [told, time, run]: [&str; 3],
    sections: &str,
) -> String {
    let title = w.title(&escape(file_name(source)), kind);
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\"/>\n\
         <meta name=\"color-scheme\" content=\"light dark\"/>\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n",
        w.code()
    );
    let lines = [told.to_owned(), w.finished(&minute(time)), w.folder(&name(run, 80))];
    let lines = lines.map(|line| format!("<span>{line}</span>")).join(" ");
    out += &format!(
        "<header>\n<p class=\"kicker\">{}</p>\n<h1>{title}</h1>\n<p class=\"facts\">{lines}</p>\n\
         </header>\n",
        w.kicker()
    );
    out += sections;
    out + &format!("<footer>{}</footer>\n</main>\n</body>\n</html>\n", w.footer())
}

/// Pictures of what a model makes that learns the rows themselves.
fn made(w: Words, facts: &Facts) -> String {
    let picture = |(heading, uri): &(String, String)| {
        let image = format!("<img class=\"sheet\" alt=\"{}\" src=\"{uri}\"/>\n", escape(heading));
        figure(&escape(heading), &image, "")
    };
    let figures: String = facts.made.iter().map(picture).collect();
    match figures.is_empty() {
        true => figures,
        false => format!("<section class=\"seen\">\n<h2>{}</h2>\n{figures}</section>\n", w.made()),
    }
}

/// Pictures of what a model of images sees.
fn seeing(w: Words, facts: &Facts) -> String {
    let Some(seen) = &facts.seen else { return String::new() };
    let picture = |alt: &str, uri: &str| {
        format!("<img class=\"sheet\" alt=\"{}\" src=\"{uri}\"/>\n", escape(alt))
    };
    let mut figures = String::new();
    if let Some((wrong, uri)) = &seen.mistakes {
        figures +=
            &figure(&w.surest_mistakes(), &picture(&w.mistakes_alt(&wrong.to_string()), uri), "");
    }
    if let Some((layer, uri)) = &seen.filters {
        let heading = w.filters(&name(layer, 60));
        figures += &figure(&heading, &picture(&w.filters_alt(layer), uri), "");
    }
    match figures.is_empty() {
        true => figures,
        false => {
            format!("<section class=\"seen\">\n<h2>{}</h2>\n{figures}</section>\n", w.seeing())
        }
    }
}

/// The gradient norm by layer at some steps.
fn by_depth(w: Words, facts: &Facts) -> String {
    let Some(depth) = &facts.depth else { return String::new() };
    let lines: Vec<(String, Vec<f64>)> = depth
        .steps
        .iter()
        .zip(&depth.norms)
        .map(|(step, norms)| (w.step_named(&count(*step as usize)), norms.clone()))
        .collect();
    let ends = [depth.steps.first(), depth.steps.last()].map(|s| s.map_or(0, |s| *s).to_string());
    let labels = |logarithmic: bool| Labels {
        description: w.depth_described(&ends[0], &ends[1]),
        x: w.depth_layers(),
        y: if logarithmic { w.depth_axis_log() } else { w.depth_axis() },
    };
    let (chart, logarithmic) = chart::over_places(labels, &depth.layers, &lines);
    let heading = if logarithmic { w.depth_log() } else { w.depth() };
    let layers: Vec<String> = depth.layers.iter().map(|layer| escape(layer)).collect();
    figure(&heading, &chart, &w.depth_note(&layers.join(", ")))
}

/// A chart with its heading, and a note where there is one. Heading and note are HTML.
pub(crate) fn figure(heading: &str, chart: &str, note: &str) -> String {
    let note = match note {
        "" => String::new(),
        note => format!("<p class=\"note\">{note}</p>\n"),
    };
    format!("<figure>\n<figcaption>{heading}</figcaption>\n{chart}{note}</figure>\n")
}

/// The last part of a path; of one that ends in nothing, all of it.
fn file_name(path: &str) -> &str {
    path.trim_end_matches(['/', '\\'])
        .rsplit(['/', '\\'])
        .next()
        .filter(|name| !name.is_empty())
        .unwrap_or(path)
}

/// `2026-11-20 14:12` of an RFC 3339 time in UTC.
fn minute(time: &str) -> String {
    match time.get(..16).filter(|start| start.as_bytes()[10] == b'T') {
        Some(start) => escape(&start.replace('T', " ")),
        None => escape(time),
    }
}

fn part(w: Words, split: &str) -> String {
    match split {
        "train" => w.part_train(),
        "valid" => w.part_valid(),
        "test" => w.part_test(),
        other => escape(other),
    }
}

/// What a figure is called, and what it means.
fn metric(w: Words, metric: &str, loss: Loss) -> (String, String) {
    match metric {
        "accuracy" => (w.name_accuracy(), w.meaning_accuracy()),
        "perplexity" => (w.name_perplexity(), w.meaning_perplexity()),
        "mae" => (w.name_mae(), w.meaning_mae()),
        "rmse" => (w.name_rmse(), w.meaning_rmse()),
        "r2" => (w.name_r2(), w.meaning_r2()),
        "balanced_accuracy" => (w.name_balanced_accuracy(), w.meaning_balanced_accuracy()),
        "f1_macro" => (w.name_f1_macro(), w.meaning_f1_macro()),
        "roc_auc" => (w.name_roc_auc(), w.meaning_roc_auc()),
        "average_precision" => (w.name_average_precision(), w.meaning_average_precision()),
        "top_5_accuracy" => (w.name_top_5_accuracy(), w.meaning_top_5_accuracy()),
        "median_ae" => (w.name_median_ae(), w.meaning_median_ae()),
        "mse" => (w.name_mse(), w.meaning_mse()),
        "discriminator_loss" => (w.name_discriminator_loss(), w.meaning_discriminator_loss()),
        "real_accuracy" => (w.name_real_accuracy(), w.meaning_real_accuracy()),
        "fake_accuracy" => (w.name_fake_accuracy(), w.meaning_fake_accuracy()),
        "distance" => (w.name_distance(), w.meaning_distance()),
        "slope" => (w.name_slope(), w.meaning_slope()),
        "modes_covered" => (w.name_modes_covered(), w.meaning_modes_covered()),
        "good_samples" => (w.name_good_samples(), w.meaning_good_samples()),
        "reconstruction" => (w.name_reconstruction(), w.meaning_reconstruction()),
        "kl" => (w.name_kl(), w.meaning_kl()),
        "squared_error" => (w.name_squared_error(), w.meaning_squared_error()),
        "absolute_error" => (w.name_absolute_error(), w.meaning_absolute_error()),
        "loss" => (w.name_loss(), choices::meaning_of_loss(w, loss)),
        other => (escape(other), String::new()),
    }
}

fn outcome(w: Words, facts: &Facts) -> String {
    let outcome = &facts.outcome;
    let (rows, split) = (count(outcome.rows), part(w, &outcome.split));
    let figure = |name: &str| outcome.metrics.get(name).copied();
    let baseline = |name: &str| outcome.baseline.get(name).copied();
    let mut lead = Vec::new();
    if let (Some(share), Some(among)) = (figure("accuracy"), figure("perplexity")) {
        lead.push(w.right_tokens(&percent(share), &split, &number(among)));
        lead.extend(baseline("perplexity").map(|among| w.baseline_tokens(&number(among))));
    } else if let Some(share) = figure("accuracy") {
        let right = count((share * outcome.rows as f64).round() as usize);
        lead.push(w.right_classes(&right, &rows, &split, &percent(share)));
        lead.extend(baseline("accuracy").map(|share| w.baseline_classes(&percent(share))));
    } else if let Detail::Numbers { outputs } = &outcome.detail
        && outputs.len() > 1
    {
        lead.push(w.several_numbers(&count(outputs.len()), &rows, &split));
    } else if let Detail::Forecast { forecast } = &outcome.detail {
        lead.push(forecast::lead(w, forecast, &rows, &split));
    } else if let Some(error) = figure("mae") {
        lead.push(w.off_numbers(&number(error), &rows, &split));
        lead.extend(baseline("mae").map(|error| w.baseline_numbers(&number(error))));
    }
    let mut out = format!("<section>\n<h2>{}</h2>\n", w.outcome());
    out += &format!("<p class=\"lead\">{}</p>\n", lead.join(" "));
    let caution = match outcome.split.as_str() {
        "train" => w.caution_train(),
        "valid" => w.caution_valid(),
        _ => String::new(),
    };
    if !caution.is_empty() {
        out += &format!("<p class=\"caution\">{caution}</p>\n");
    }
    if let Detail::Numbers { outputs } = &outcome.detail {
        out += &numbers::by_target(w, outputs);
    }
    // The figures of the target's own unit first, the loss last.
    let names: BTreeSet<&String> = outcome.metrics.keys().chain(outcome.baseline.keys()).collect();
    let (losses, others): (Vec<&String>, Vec<&String>) =
        names.into_iter().partition(|name| *name == "loss");
    let cell = |value: Option<f64>| value.map(number).unwrap_or_else(|| "–".into());
    let row = |name: &&String| {
        let (called, meaning) = metric(w, name, facts.config.train.loss);
        let called = format!("{called}<span class=\"note\">{meaning}</span>");
        vec![called, cell(figure(name)), cell(baseline(name))]
    };
    let table_rows: Vec<Vec<String>> = others.iter().chain(&losses).map(row).collect();
    let heads = [
        Head::text(w.outcome_rows(&split, &rows)),
        Head::number(w.model()),
        Head::number(w.baseline()),
    ];
    out += &table(&heads, &table_rows);
    let undefined: Vec<String> =
        outcome.undefined.keys().map(|name| metric(w, name, facts.config.train.loss).0).collect();
    let names = undefined.join(", ");
    match outcome.undefined.values().next() {
        Some(Undefined::OneClass) => {
            out += &format!("<p class=\"note\">{}</p>\n", w.undefined_one_class(&names));
        }
        Some(Undefined::Constant) => {
            out += &format!("<p class=\"note\">{}</p>\n", w.undefined_constant(&names));
        }
        None => {}
    }
    if let Some(verdict) = &outcome.verdict {
        out += &format!("<h3>{}</h3>\n{}", w.verdict(), verdict_panel(&verdict.to_string()));
        let judged = match facts.config.train.loss {
            Loss::Auto | Loss::CrossEntropy | Loss::BinaryCrossEntropy | Loss::SquaredError => {
                String::new()
            }
            _ => format!("<p class=\"note\">{}</p>\n", w.verdict_by_squares()),
        };
        out += &judged;
    }
    out + "</section>\n"
}

/// `kind: reason. Try cures. …` as a panel: the kind first and bold, each sentence on its own line.
fn verdict_panel(said: &str) -> String {
    let (kind, rest) = said.split_once(": ").unwrap_or((said, ""));
    let capital = |text: &str| -> String {
        let mut letters = text.chars();
        letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
    };
    // A number and its sign are not parted at the end of a line.
    let rest = escape(rest).replace(" %", "\u{a0}%").replace(" ± ", "\u{a0}±\u{a0}");
    let line = |line: &str| format!("<span>{}.</span>", capital(line));
    let lines: String = rest.split(". ").map(line).collect();
    let (kind, heading) = (escape(kind), escape(&capital(kind)));
    format!("<div class=\"verdict {kind}\"><b>{heading}</b>{lines}</div>\n")
}

fn training(w: Words, facts: &Facts) -> String {
    let mut out = format!("<section>\n<h2>{}</h2>\n", w.training());
    if facts.epochs.is_empty() {
        out += &format!("<p>{}</p>\n", w.no_epochs());
    } else {
        out += "<div class=\"charts\">\n";
        out += &curves(w, facts);
        out += &by_depth(w, facts);
        out += "</div>\n";
    }
    out += &how_it_went(w, facts);
    if !facts.alerts.is_empty() {
        out += &alerts(w, &facts.alerts);
    }
    if !facts.epochs.is_empty() {
        out += &epochs_table(w, facts);
    }
    out + "</section>\n"
}

/// The alarms in their order: what is the matter, and below it what to try.
fn alerts(w: Words, alerts: &[(u64, String)]) -> String {
    let row = |(step, message): &(u64, String)| {
        let (matter, cure) = message.split_once(". ").unwrap_or((message, ""));
        let matter = escape(matter.trim_end_matches('.'));
        let told = match cure {
            "" => matter,
            cure => choices::noted(matter, &escape(cure)),
        };
        vec![count(*step as usize), told]
    };
    let rows: Vec<Vec<String>> = alerts.iter().take(MOST_ALERTS).map(row).collect();
    let heads = [Head::number(w.step()), Head::text(w.matter())];
    let mut out = format!("<h3>{}</h3>\n{}", w.alerts(), table(&heads, &rows));
    let more = alerts.len() - rows.len();
    if more > 0 {
        out += &format!("<p class=\"note\">{}</p>\n", w.alerts_more(&count(more)));
    }
    out
}

/// The figure that is shown by epoch: the one that was watched, else the task's usual one.
fn main_metric(facts: &Facts) -> &str {
    let stop = facts.config.train.stop.as_ref();
    let watched = stop.map(|stop| stop.metric.trim_start_matches("valid_"));
    match watched {
        Some(metric) if metric != "loss" => metric,
        _ if facts.classes().is_some() => "accuracy",
        _ => "rmse",
    }
}

fn figure_of(epoch: &EpochFigures, name: &str) -> f64 {
    epoch.figures.get(name).copied().unwrap_or(f64::NAN)
}

/// Loss and main figure by epoch.
fn curves(w: Words, facts: &Facts) -> String {
    let points = |value: &dyn Fn(&EpochFigures) -> f64| -> Vec<(f64, f64)> {
        facts.epochs.iter().map(|epoch| (epoch.epoch as f64, value(epoch))).collect()
    };
    let validated = facts.data.rows.valid > 0;
    let best = facts.best_epoch();
    let mark = |value: &dyn Fn(&EpochFigures) -> f64| {
        let name = |epoch: &EpochFigures| w.best_epoch(&epoch.epoch.to_string());
        best.map(|epoch| Mark { name: name(epoch), x: epoch.epoch as f64, y: Some(value(epoch)) })
    };
    let train = points(&|epoch| epoch.train_loss);
    let from_to = |points: &[(f64, f64)]| {
        let end = |point: Option<&(f64, f64)>| number(point.map_or(f64::NAN, |(_, y)| *y));
        (end(points.first()), end(points.last()))
    };
    let (from, to) = from_to(&train);
    let valid_loss = |epoch: &EpochFigures| figure_of(epoch, "loss");
    let mut lines = vec![Line { name: w.part_train(), class: "first", points: train }];
    if validated {
        let points = points(&valid_loss);
        lines.push(Line { name: w.part_valid(), class: "second", points });
    }
    let labels = |logarithmic: bool| Labels {
        description: w.curve_from_to(&w.loss_curve(), &from, &to),
        x: w.epoch(),
        y: if logarithmic { w.loss_axis_log() } else { w.name_loss() },
    };
    let (loss, logarithmic) = chart::lines(labels, &lines, mark(&valid_loss).as_ref(), None);
    let heading = if logarithmic { w.loss_curve_log() } else { w.loss_curve() };
    let mut out = figure(&heading, &loss, "");

    let of_rows = facts.config.model.learns_rows();
    let mains: Vec<&str> = match of_rows {
        true => own_figures(facts),
        false => vec![main_metric(facts)],
    };
    for main in mains {
        let value = |epoch: &EpochFigures| figure_of(epoch, main);
        let shown = points(&value);
        if shown.iter().any(|(_, y)| y.is_finite()) {
            let (called, meaning) = metric(w, main, facts.config.train.loss);
            let (part, class) = match validated {
                true => (w.part_valid(), "second"),
                false => (w.part_train(), "first"),
            };
            let heading = w.metric_curve(&called, &part);
            let (from, to) = from_to(&shown);
            let labels = |_| Labels {
                description: w.curve_from_to(&heading, &from, &to),
                x: w.epoch(),
                y: called.clone(),
            };
            let within = match main {
                "accuracy" | "real_accuracy" | "fake_accuracy" | "good_samples" => Some((0.0, 1.0)),
                // R² has no lower bound.
                "r2" => Some((-1e300, 1.0)),
                _ if of_rows => None,
                _ => Some((0.0, 1e300)),
            };
            let lines = [Line { name: part, class, points: shown }];
            let (curve, _) = chart::lines(labels, &lines, mark(&value).as_ref(), within);
            out += &figure(&heading, &curve, &meaning);
        }
    }
    out
}

/// What a model that learns the rows themselves measures beside its loss.
fn own_figures(facts: &Facts) -> Vec<&str> {
    let figures = facts.epochs.iter().flat_map(|epoch| epoch.figures.keys().map(String::as_str));
    let names: BTreeSet<&str> = figures.filter(|name| *name != "loss").collect();
    names.into_iter().collect()
}

/// Epochs, steps, time, and by what.
fn how_it_went(w: Words, facts: &Facts) -> String {
    let train = &facts.config.train;
    let last = facts.epochs.last();
    let run = last.map_or(0, |epoch| epoch.epoch);
    let mut epochs = w.epochs_run(&count(run as usize), &count(train.epochs as usize));
    if run < train.epochs {
        epochs = format!("{epochs}, {}", w.stopped_early());
    }
    let watched = train.stop.as_ref().map_or("loss", |s| s.metric.trim_start_matches("valid_"));
    let best = match facts.best_epoch() {
        Some(epoch) => {
            let called = metric(w, watched, train.loss).0;
            let value = number(figure_of(epoch, watched));
            w.best_is(&count(epoch.epoch as usize), &called, &value)
        }
        None => w.last_is(),
    };
    let seconds = facts.epochs.iter().map(|epoch| epoch.seconds).filter(|s| s.is_finite()).sum();
    let batch = match train.batch {
        Amount::All => w.all_rows(),
        Amount::Exactly(rows) => count(rows),
    };
    let mut facts_of_training = vec![
        (w.epochs(), epochs),
        (w.best(), best),
        (w.steps(), count(last.map_or(0, |epoch| epoch.step) as usize)),
        (w.time(), duration(seconds)),
        (w.batch(), batch),
        (w.seed(), train.seed.to_string()),
    ];
    facts_of_training.extend(choices::of_training(w, train));
    let weight = facts.config.data.weight.as_deref();
    facts_of_training.extend(choices::of_care(w, train, &facts.config.model, weight));
    list_of_facts(&facts_of_training)
}

fn epochs_table(w: Words, facts: &Facts) -> String {
    let all = facts.epochs.len();
    let best = facts.best_epoch().map(|epoch| epoch.step);
    let even: BTreeSet<usize> = match all {
        0..=MOST_EPOCHS => (0..all).collect(),
        _ => (0..MOST_EPOCHS).map(|k| k * (all - 1) / (MOST_EPOCHS - 1)).collect(),
    };
    let is_shown =
        |(index, epoch): &(usize, &EpochFigures)| even.contains(index) || Some(epoch.step) == best;
    let validated = facts.data.rows.valid > 0;
    let mut names: BTreeSet<&str> =
        facts.epochs.iter().flat_map(|epoch| epoch.figures.keys().map(String::as_str)).collect();
    names.remove("loss");
    let mut heads = vec![Head::number(w.epoch()), Head::number(w.train_loss())];
    if validated {
        heads.push(Head::number(w.valid_loss()));
    }
    heads.extend(names.iter().map(|n| Head::number(metric(w, n, facts.config.train.loss).0)));
    heads.push(Head::number(w.seconds()));
    let row = |(_, epoch): (usize, &EpochFigures)| {
        let marked = if Some(epoch.step) == best { "◆ " } else { "" };
        let mut row = vec![format!("{marked}{}", epoch.epoch), number(epoch.train_loss)];
        if validated {
            row.push(number(figure_of(epoch, "loss")));
        }
        row.extend(names.iter().map(|name| number(figure_of(epoch, name))));
        row.push(number(epoch.seconds));
        row
    };
    let rows: Vec<Vec<String>> =
        facts.epochs.iter().enumerate().filter(is_shown).map(row).collect();
    let heading = match rows.len() == all {
        true => w.epochs_table(),
        false => w.epochs_sampled(&count(rows.len()), &count(all)),
    };
    format!("<details>\n<summary>{heading}</summary>\n{}</details>\n", table(&heads, &rows))
}

fn data(w: Words, facts: &Facts) -> String {
    let data = &facts.data;
    let target = name(&data.preparation.target.name, 60);
    let what = match facts.classes() {
        Some(classes) => w.target_classes(&count(classes.len())),
        None if data.preparation.target.outputs() > 1 => w.target_numbers(),
        None => w.target_number(),
    };
    let shape: Vec<String> =
        data.preparation.input_shape().iter().map(|size| count(*size)).collect();
    let rows = &data.rows;
    let mut out = format!("<section>\n<h2>{}</h2>\n", w.data());
    out += &list_of_facts(&[
        (w.source(), name(&data.source, 300)),
        (w.target(), format!("{target}, {what}")),
        (w.parts(), w.parts_are(&count(rows.train), &count(rows.valid), &count(rows.test))),
        (w.input(), shape.join(" × ")),
        (w.fingerprint(), format!("<code>{}</code>", escape(&data.fingerprint))),
    ]);
    if !data.notices.is_empty() {
        out += &format!("<h3>{}</h3>\n<ul>\n", w.notices());
        for notice in &data.notices {
            out += &format!("<li>{}</li>\n", escape(notice));
        }
        out += "</ul>\n";
    }
    if let Some(schema) = &data.schema {
        out += &columns(w, schema);
    }
    out + "</section>\n"
}

fn columns(w: Words, schema: &Schema) -> String {
    let row = |column: &ColumnSchema| {
        let range = match column.numbers {
            Some(range) => w.range_of(&plain(range.min), &plain(range.max)),
            None => String::new(),
        };
        let kind = match column.kind {
            Kind::Number => w.kind_number(),
            Kind::Boolean => w.kind_boolean(),
            Kind::Date => w.kind_date(),
            Kind::Category => w.kind_category(),
            Kind::Text => w.kind_text(),
            Kind::Constant => w.kind_constant(),
            Kind::Empty => w.kind_empty(),
        };
        let role = match &column.role {
            Role::Input => w.role_input(),
            Role::Target => w.role_target(),
            Role::Weight => w.role_weight(),
            Role::Dropped(reason) => w.role_dropped(&escape(reason)),
        };
        let called = name(&column.name, 60);
        vec![called, kind, role, count(column.missing), count(column.distinct), range]
    };
    let rows: Vec<Vec<String>> = schema.columns.iter().take(MOST_COLUMNS).map(row).collect();
    let heads = [
        Head::text(w.column()),
        Head::text(w.kind()),
        Head::text(w.role()),
        Head::number(w.missing()),
        Head::number(w.distinct()),
        Head::number(w.range()),
    ];
    let heading = w.columns(&count(schema.columns.len()), &count(schema.rows));
    let mut out = format!("<h3>{heading}</h3>\n{}", table(&heads, &rows));
    let more = schema.columns.len() - rows.len();
    if more > 0 {
        out += &format!("<p class=\"note\">{}</p>\n", w.columns_more(&count(more)));
    }
    out
}

fn model(w: Words, facts: &Facts) -> String {
    let elements = |shape: &[usize]| shape.iter().product::<usize>();
    let all: usize = facts.parameters.iter().map(|(_, shape)| elements(shape)).sum();
    // Parameters of one scope are one layer; in the order of their declaration.
    let mut layers: Vec<(&str, Vec<String>, usize)> = Vec::new();
    for (path, shape) in &facts.parameters {
        let (layer, called) = path.rsplit_once('/').unwrap_or(("", path));
        let sizes: Vec<String> = shape.iter().map(|size| count(*size)).collect();
        let sizes = if sizes.is_empty() { w.scalar() } else { sizes.join(" × ") };
        let text = w.shape_of(&name(called, 60), &sizes);
        match layers.last_mut().filter(|(last, ..)| *last == layer) {
            Some((_, texts, sum)) => {
                texts.push(text);
                *sum += elements(shape);
            }
            None => layers.push((layer, vec![text], elements(shape))),
        }
    }
    let share = |n: usize| percent(n as f64 / all.max(1) as f64);
    let mut rows: Vec<Vec<String>> = layers
        .into_iter()
        .map(|(layer, texts, sum)| vec![name(layer, 60), texts.join(", "), count(sum), share(sum)])
        .collect();
    rows.push(vec![w.total(), String::new(), count(all), share(all)]);
    let heads = [
        Head::text(w.layer()),
        Head::text(w.parameters()),
        Head::number(w.number_of()),
        Head::number(w.share()),
    ];
    let model = &facts.config.model;
    let hidden: Vec<String> = model.hidden.iter().map(|units| count(*units)).collect();
    let hidden = if hidden.is_empty() { w.none() } else { hidden.join(", ") };
    let mut of_mlp = vec![(w.hidden(), hidden)];
    of_mlp.extend(choices::of_units(w, model));
    // What others are made of stands in the table alone.
    let facts_of_model = match model.kind {
        ModelKind::Mlp => list_of_facts(&of_mlp),
        ModelKind::Network | ModelKind::Named(_) => String::new(),
    };
    format!(
        "<section>\n<h2>{}</h2>\n<p>{}</p>\n{}{}</section>\n",
        w.model_heading(),
        w.model_is(model.kind.word(), &count(all)),
        facts_of_model,
        table(&heads, &rows)
    )
}

/// The settings and by what the run was computed.
pub(crate) fn settings(w: Words, settings: &str, environment: &Environment) -> String {
    let facts_of_environment = list_of_facts(&[
        (w.version(), escape(&environment.version)),
        (w.system(), escape(&environment.os)),
        (w.processor(), escape(&environment.cpu)),
        (w.instructions(), escape(&environment.instruction_set)),
        (w.threads(), count(environment.threads)),
    ]);
    format!(
        "<section>\n<h2>{}</h2>\n<details>\n<summary>{}</summary>\n<pre>{}</pre>\n</details>\n\
         </section>\n<section>\n<h2>{}</h2>\n{facts_of_environment}</section>\n",
        w.settings(),
        w.settings_summary(),
        escape(settings),
        w.environment()
    )
}
