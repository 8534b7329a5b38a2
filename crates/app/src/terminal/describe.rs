//! What a table holds, a line for each column; what there is to learn, and what to look out for.

use glassbox::data::{
    ColumnDescription, Description, Frequent, ImageFacts, Kind, Leak, LeakKind, Role,
    TargetDescription, Task,
};

use super::Screen;
use super::curve::curve;
use super::format::{figure, grouped, quoted, rate};
use super::line::{fit, width, wrap};
use super::table::{Align, Table};
use super::verdict::lines;
use crate::commands::data::{Described, Other, Training, What, leaks};
use crate::text::Text;

/// Where the width of the screen is not known.
const PAGE: usize = 100;
const LONGEST_NAME: usize = 20;
/// Columns of the longest bar of a class, and of what a column tells.
const BAR: usize = 24;
const TELLS: usize = 5;
/// More classes than this are not all shown.
const CLASSES: usize = 12;
/// From so many rows of the largest class for one of the smallest on, classes need care.
const IMBALANCED: f64 = 3.0;

/// Everything, none of it wider than the screen.
pub fn describe(found: &Described, text: Text, screen: Screen) -> String {
    let columns = match screen.columns() {
        usize::MAX => PAGE,
        columns => columns,
    };
    let mut parts = Vec::new();
    match &found.what {
        What::Table(table) => {
            let size = text.rows_and_columns(count(table.rows), count(table.columns.len()));
            parts.push(lines(&format!("{} · {size}", table.source), columns));
            parts.push(column_table(table, text, columns));
            parts.extend(table.target.as_ref().map(|target| goal(target, table, text, columns)));
            let found = warnings(table, text, columns);
            parts.extend((!found.is_empty()).then_some(found));
        }
        What::Other(other) => parts.extend(images(other, text, columns)),
    }
    parts.push(match (&found.training, &found.problem) {
        (Some(training), _) => learned_from(training, found, text, columns),
        (None, problem) => {
            let problem = problem.clone().unwrap_or_default();
            let words: String = problem.lines().map(|line| hanging(line, columns)).collect();
            lines(&text.cannot_be_learned(), columns) + &words
        }
    });
    parts.join("\n")
}

fn count(number: usize) -> String {
    grouped(number as u64)
}

/// Whole numbers as such.
fn short(value: f64) -> String {
    match value.fract() == 0.0 && value.abs() < 1e6 {
        true => format!("{}", value + 0.0), // Turns −0 into 0.
        false => figure(value),
    }
}

fn percent(share: f64) -> String {
    match 100.0 * share {
        p if p > 0.0 && p < 1.0 => "<1 %".into(),
        p if p > 99.0 && p < 100.0 => ">99 %".into(),
        p => format!("{p:.0} %"),
    }
}

/// Wrapped words, the first line's beginning standing out.
fn hanging(words: &str, columns: usize) -> String {
    let parts = wrap(words, columns.saturating_sub(2));
    let line = |(index, part): (usize, &String)| match index {
        0 => format!("{part}\n"),
        _ => format!("  {part}\n"),
    };
    parts.iter().enumerate().map(line).collect()
}

fn column_table(table: &Description, text: Text, columns: usize) -> String {
    use Align::{Left, Right};
    let mut headers = vec![
        (text.column_column(), Left),
        (text.column_kind(), Left),
        (text.column_missing(), Right),
        (text.column_values(), Left),
    ];
    let tells = table.columns.iter().any(|column| column.tells.is_some());
    if tells {
        headers.push((text.column_tells(), Left));
    }
    let bounds = |of: fn(&glassbox::data::Numbers) -> f64| {
        let numbers = table.columns.iter().filter_map(|column| column.numbers.as_ref());
        numbers.map(|numbers| width(&short(of(numbers)))).max().unwrap_or(0)
    };
    let (least, greatest) = (bounds(|n| n.min), bounds(|n| n.max));
    let cells = |column: &ColumnDescription, room: usize| {
        let missing = match column.missing {
            0 => "–".to_owned(),
            missing => percent(missing as f64 / table.rows.max(1) as f64),
        };
        let mut cells = vec![
            fit(&column.name, LONGEST_NAME),
            kind(column.kind, text),
            missing,
            fit(&values(column, least, greatest, text), room),
        ];
        if tells {
            cells.push(match (&column.role, column.tells) {
                (Role::Target, _) => text.the_target(),
                (_, Some(share)) => told(share),
                _ => String::new(),
            });
        }
        cells
    };
    let build = |room: usize| {
        let mut built = Table::new(headers.clone());
        table.columns.iter().for_each(|column| built.row(cells(column, room)));
        built
    };
    // What the other columns leave.
    let heading = width(&text.column_values());
    let taken = build(heading).width().saturating_sub(heading);
    let room = columns.saturating_sub(taken).max(heading);
    let note = match tells {
        true => lines(&text.tells_means(), columns),
        false => String::new(),
    };
    build(room).render(columns) + &note
}

/// The range of numbers around their histogram, or the most frequent values.
fn values(column: &ColumnDescription, least: usize, greatest: usize, text: Text) -> String {
    if let Some(numbers) = &column.numbers {
        let bins: Vec<f64> = column.histogram.iter().map(|bin| bin.rows as f64).collect();
        let highest = bins.iter().copied().fold(0.0, f64::max);
        let drawn = curve(&bins, bins.len(), 0.0, highest);
        let (min, max) = (short(numbers.min), short(numbers.max));
        let space = |longest: usize, of: &str| " ".repeat(longest.saturating_sub(width(of)));
        return format!("{}{min} {drawn} {max}{}", space(least, &min), space(greatest, &max));
    }
    match (column.kind, &column.example) {
        (Kind::Empty, _) => String::new(),
        (Kind::Text, Some(example)) => {
            text.values_such_as(count(column.distinct), example.replace(['\n', '\r'], " "))
        }
        _ => {
            let value = |frequent: &Frequent| {
                let value = frequent.value.replace(['\n', '\r'], " ");
                format!("{value} {}", percent(frequent.share))
            };
            let listed: Vec<String> = column.top.iter().map(value).collect();
            listed.join(", ")
        }
    }
}

fn kind(kind: Kind, text: Text) -> String {
    match kind {
        Kind::Number => text.kind_number(),
        Kind::Boolean => text.kind_boolean(),
        Kind::Date => text.kind_date(),
        Kind::Category => text.kind_category(),
        Kind::Text => text.kind_text(),
        Kind::Constant => text.kind_constant(),
        Kind::Empty => text.kind_empty(),
    }
}

fn told(share: f64) -> String {
    let long = (share * TELLS as f64).round() as usize;
    format!("{}{} {:>5}", "━".repeat(long), " ".repeat(TELLS - long.min(TELLS)), percent(share))
}

/// What there is to learn.
fn goal(target: &TargetDescription, table: &Description, text: Text, columns: usize) -> String {
    let mut out = match &target.task {
        Task::Classification { classes } => {
            let heading = text.target_is_class(&target.name, count(classes.len()));
            lines(&heading, columns) + &classes_drawn(&target.classes, text, columns)
        }
        // Of tables as they are described.
        Task::Tags { .. } | Task::Language { .. } | Task::Rows { .. } => String::new(),
        Task::Regression => {
            let heading = text.target_is_number(&target.name);
            let column = table.columns.iter().find(|column| column.name == target.name);
            let spread = column.and_then(|column| column.numbers).map(|numbers| {
                let [mean, std, median] = [numbers.mean, numbers.std, numbers.median].map(figure);
                text.target_spread(mean, std, median)
            });
            lines(&heading, columns) + &spread.map_or(String::new(), |s| lines(&s, columns))
        }
    };
    if target.missing > 0 {
        out += &lines(&text.target_missing(count(target.missing)), columns);
    }
    out
}

/// A bar for each class: all in their order, or the largest of many.
fn classes_drawn(classes: &[Frequent], text: Text, columns: usize) -> String {
    let mut shown: Vec<&Frequent> = classes.iter().collect();
    if shown.len() > CLASSES {
        shown.sort_by_key(|class| std::cmp::Reverse(class.rows));
        shown.truncate(CLASSES);
    }
    let most = shown.iter().map(|class| class.rows).max().unwrap_or(0).max(1);
    let mut table = Table::new([
        (String::new(), Align::Left),
        (String::new(), Align::Left),
        (String::new(), Align::Right),
        (String::new(), Align::Right),
    ]);
    for class in &shown {
        let long = (class.rows as f64 / most as f64 * BAR as f64).round() as usize;
        let bar = if class.rows > 0 { "━".repeat(long.max(1)) } else { String::new() };
        let name = format!("  {}", fit(&class.value, LONGEST_NAME));
        table.row([name, bar, count(class.rows), percent(class.share)]);
    }
    // Without the header, which is empty.
    let drawn = table.render(columns);
    let mut out: String = drawn.split_inclusive('\n').skip(1).collect();
    if classes.len() > shown.len() {
        out += &lines(&text.and_more_classes(count(classes.len() - shown.len())), columns);
    }
    let rows = || classes.iter().map(|class| class.rows);
    let ratio = rows().max().unwrap_or(0) as f64 / rows().min().unwrap_or(0).max(1) as f64;
    if ratio >= IMBALANCED {
        let imbalance = text.imbalanced(figure(ratio));
        out += &hanging(&format!("! {imbalance} {}", text.cure_class_weights()), columns);
    }
    out
}

/// Likely leaks and rows that come again.
fn warnings(table: &Description, text: Text, columns: usize) -> String {
    let leak = |leak: &Leak| match leak.kind {
        LeakKind::Equal => text.leak_equal(&leak.column),
        LeakKind::CountsRows => text.leak_counts(&leak.column),
        LeakKind::TellsAlone => {
            let column = table.columns.iter().find(|column| column.name == leak.column);
            let tells = column.and_then(|column| column.tells).unwrap_or(1.0);
            text.leak_tells(&leak.column, percent(tells))
        }
    };
    let mut found: Vec<String> = leaks(table).map(leak).collect();
    if table.duplicates.rows > 0 {
        found.push(text.duplicate_rows(count(table.duplicates.rows)));
    }
    if table.duplicates.contradictory > 0 {
        found.push(text.contradictory_rows(count(table.duplicates.contradictory)));
    }
    found.iter().map(|words| hanging(&format!("! {words}"), columns)).collect()
}

/// What would be trained on, and how.
fn learned_from(training: &Training, found: &Described, text: Text, columns: usize) -> String {
    let [train, valid, test] = [training.train, training.valid, training.test].map(count);
    let mut out = lines(&text.chosen_rows(train, valid, test), columns);
    let shape = training.shape.iter().map(usize::to_string).collect::<Vec<_>>().join(" × ");
    out += &hanging(
        &match training.columns.is_empty() {
            true => text.chosen_shape(shape),
            false => text.chosen_inputs(training.columns.join(", "), shape),
        },
        columns,
    );
    for notice in &training.notices {
        out += &hanging(notice, columns);
    }
    let words: Vec<String> = found.next.iter().map(|word| quoted(word)).collect();
    // A command is not broken: it is there to be copied.
    out + &text.train_on_it(words.join(" ")) + "\n"
}

/// What is no table.
fn images(other: &Other, text: Text, columns: usize) -> Vec<String> {
    let shape = other.shape.iter().map(usize::to_string).collect::<Vec<_>>().join(" × ");
    let rows = count(other.rows);
    let what = match (other.images, other.tokens) {
        (_, Some(tokens)) => text.texts_of(&other.source, rows, shape, count(tokens)),
        (true, _) => text.images_of(&other.source, rows, shape),
        (false, _) => text.arrays_of(&other.source, rows, shape),
    };
    let mut parts = vec![lines(&what, columns)];
    if !other.classes.is_empty() {
        let heading = lines(&text.classes_of(count(other.classes.len())), columns);
        parts.push(heading + &classes_drawn(&other.classes, text, columns));
    }
    if let Some(files) = &other.files {
        parts.push(files_of(files, text, columns));
        let found = odd_files(files, text, columns);
        parts.extend((!found.is_empty()).then_some(found));
    }
    parts
}

/// Sizes, formats and colours of images, and how fast they were read.
fn files_of(files: &ImageFacts, text: Text, columns: usize) -> String {
    let three = |of: [usize; 3]| of.map(count).join(" / ");
    let ([low, ..], [narrow, ..]) = (files.heights, files.widths);
    let sizes = match files.sizes {
        0 | 1 => text.one_size_of_images(format!("{} × {}", count(low), count(narrow))),
        sizes => text.sizes_of_images(count(sizes), three(files.heights), three(files.widths)),
    };
    let formats = files.formats.iter().map(|(name, images)| format!("{name} {}", count(*images)));
    let colours = [
        (
            files.images - files.grey.min(files.images),
            text.colour_images(count(files.images - files.grey)),
        ),
        (files.grey, text.grey_images(count(files.grey))),
        (files.transparent, text.transparent_images(count(files.transparent))),
        (files.deep, text.deep_images(count(files.deep))),
    ];
    let colours = colours.into_iter().filter(|(images, _)| *images > 0).map(|(_, words)| words);
    let speed = text.decoding_speed(
        count(files.images),
        figure(files.seconds),
        rate(files.images as f64 / files.seconds.max(1e-9)),
        files.threads,
    );
    let formats = text.formats_of_images(formats.collect::<Vec<_>>().join(", "));
    let all = [sizes, formats, colours.collect::<Vec<_>>().join(", "), speed];
    all.iter().map(|words| hanging(words, columns)).collect()
}

/// What was left out, and images that come again.
fn odd_files(files: &ImageFacts, text: Text, columns: usize) -> String {
    let mut out = String::new();
    if !files.skipped.is_empty() {
        out += &lines(&text.left_out_images(count(files.skipped.len())), columns);
        for skipped in files.skipped.iter().take(CLASSES) {
            let words = format!("{}: {}", skipped.file, skipped.problem);
            let words = hanging(&words, columns.saturating_sub(2));
            out += &words.lines().map(|line| format!("  {line}\n")).collect::<String>();
        }
        let more = files.skipped.len().saturating_sub(CLASSES);
        if more > 0 {
            out += &lines(&format!("  {}", text.and_more_files(count(more))), columns);
        }
    }
    let pair = |pairs: &[[String; 2]]| {
        pairs.first().map(|[one, other]| format!("{one} = {other}")).unwrap_or_default()
    };
    let found = [
        (files.duplicates, text.duplicate_images(count(files.duplicates), pair(&files.duplicated))),
        (files.contradictory, text.contradictory_images(count(files.contradictory))),
        (files.leaked, text.leaked_images(count(files.leaked), pair(&files.leaks))),
    ];
    let found = found.into_iter().filter(|(images, _)| *images > 0);
    out + &found.map(|(_, words)| hanging(&format!("! {words}"), columns)).collect::<String>()
}
