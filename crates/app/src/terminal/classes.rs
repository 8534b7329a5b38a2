//! Which classes are taken for which, and how well each is told.

use glassbox::train::{ClassDetail, ClassResult};

use super::format::grouped;
use super::line::{fit, width};
use super::table::{Align, Table};
use super::verdict::lines;
use crate::text::Text;

/// More classes than this have no table of all pairs.
const MOST_IN_MATRIX: usize = 12;
/// How many of the pairs that are confused most, and of the classes told worst, are shown then.
const SHOWN: usize = 10;
/// A class's name is not cut below this.
const SHORTEST: usize = 4;

/// What a row of the table holds.
#[derive(Clone, Copy)]
struct Parts {
    counts: bool,
    figures: bool,
}

/// The confusion matrix with the figures of each class; of many classes, the most confused pairs and
/// the classes that are told worst.
pub fn classes(detail: &ClassDetail, text: Text, columns: usize) -> String {
    let matrix = detail.confusion.as_ref().filter(|m| m.len() <= MOST_IN_MATRIX);
    let out = match matrix {
        Some(matrix) => {
            let one = fitting(detail, matrix, Parts { counts: true, figures: true }, text, columns);
            let two = || {
                let table = |counts| {
                    let parts = Parts { counts, figures: !counts };
                    let fits = fitting(detail, matrix, parts, text, columns);
                    fits.unwrap_or_else(|| table(detail, matrix, parts, SHORTEST, text))
                };
                table(true).render(columns) + "\n" + &table(false).render(columns)
            };
            let heading = fit(&text.confusion_heading(), columns);
            heading + "\n" + &one.map_or_else(two, |table| table.render(columns))
        }
        None => pairs(detail, text, columns) + "\n" + &worst(detail, text, columns),
    };
    let gaps = |class: &ClassResult| class.precision.is_none() || class.recall.is_none();
    let note = match detail.classes.iter().any(gaps) {
        true => lines(&text.nothing_to_divide_by(), columns),
        false => String::new(),
    };
    out + &note
}

/// The table with names as long as the columns allow; none where they do not even allow short ones.
fn fitting(
    detail: &ClassDetail,
    matrix: &[Vec<usize>],
    parts: Parts,
    text: Text,
    columns: usize,
) -> Option<Table> {
    let longest = detail.classes.iter().map(|class| width(&class.name)).max().unwrap_or(SHORTEST);
    let tables =
        (SHORTEST..=longest.max(SHORTEST)).rev().map(|w| table(detail, matrix, parts, w, text));
    tables.into_iter().find(|table| table.width() <= columns)
}

fn table(
    detail: &ClassDetail,
    matrix: &[Vec<usize>],
    parts: Parts,
    longest: usize,
    text: Text,
) -> Table {
    let mut headers = vec![(text.column_class(), Align::Left)];
    let counts = counts(detail, matrix, longest);
    if parts.counts {
        headers.push((counts[0].clone(), Align::Left));
    }
    if parts.figures {
        headers.extend(figure_headers(text).map(|name| (name, Align::Right)));
    }
    let mut table = Table::new(headers);
    for (class, counts) in detail.classes.iter().zip(&counts[1..]) {
        let mut cells = vec![fit(&class.name, longest)];
        if parts.counts {
            cells.push(counts.clone());
        }
        if parts.figures {
            cells.extend(figures(class));
        }
        table.row(cells);
    }
    table
}

/// The columns of counts, their names above them, each row as one text.
fn counts(detail: &ClassDetail, matrix: &[Vec<usize>], longest: usize) -> Vec<String> {
    let mut lines = vec![String::new(); matrix.len() + 1];
    for (at, class) in detail.classes.iter().enumerate() {
        // The mark behind a count has a column of its own.
        let count = |(class, row): (&ClassResult, &Vec<usize>)| {
            shaded(row.get(at).copied().unwrap_or(0), class.rows)
        };
        let mut cells = vec![fit(&class.name, longest) + " "];
        cells.extend(detail.classes.iter().zip(matrix).map(count));
        let widest = cells.iter().map(|cell| width(cell)).max().unwrap_or(0) + usize::from(at > 0);
        for (line, cell) in lines.iter_mut().zip(cells) {
            line.push_str(&(" ".repeat(widest - width(&cell)) + &cell));
        }
    }
    lines
}

/// A count, and behind it a block as dark as its share of the row.
fn shaded(count: usize, rows: usize) -> String {
    match 4 * count / rows.max(1) {
        _ if count == 0 => "· ".into(),
        0 => format!("{count}░"),
        1 => format!("{count}▒"),
        2 => format!("{count}▓"),
        _ => format!("{count}█"),
    }
}

fn figure_headers(text: Text) -> [String; 4] {
    [text.column_precision(), text.column_recall(), text.column_f1(), text.column_rows()]
}

fn figures(class: &ClassResult) -> [String; 4] {
    let share = |x: Option<f64>| x.map_or("–".into(), |x| format!("{x:.3}"));
    let rows = grouped(class.rows as u64);
    [share(class.precision), share(class.recall), share(class.f1), rows]
}

fn pairs(detail: &ClassDetail, text: Text, columns: usize) -> String {
    let mut table = Table::new([
        (text.column_observed_class(), Align::Left),
        (text.column_taken_for(), Align::Left),
        (text.column_rows(), Align::Right),
        (text.column_share(), Align::Right),
    ]);
    for pair in detail.confused.iter().take(SHOWN) {
        let share = format!("{:.1} %", 100.0 * pair.share);
        let rows = grouped(pair.rows as u64);
        table.row([pair.observed.clone(), pair.predicted.clone(), rows, share]);
    }
    let heading = text.most_confused(grouped(detail.classes.len() as u64));
    fit(&heading, columns) + "\n" + &table.render(columns)
}

fn worst(detail: &ClassDetail, text: Text, columns: usize) -> String {
    let right = figure_headers(text).map(|name| (name, Align::Right));
    let mut table = Table::new(std::iter::once((text.column_class(), Align::Left)).chain(right));
    let mut classes: Vec<&ClassResult> = detail.classes.iter().collect();
    classes.sort_by(|a, b| a.f1.unwrap_or(-1.0).total_cmp(&b.f1.unwrap_or(-1.0)));
    for class in classes.into_iter().take(SHOWN) {
        table.row(std::iter::once(class.name.clone()).chain(figures(class)));
    }
    fit(&text.told_worst(), columns) + "\n" + &table.render(columns)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Lang;

    fn detail(names: &[&str], matrix: &[&[usize]]) -> ClassDetail {
        let class = |(name, row): (&&str, &&[usize])| ClassResult {
            name: (*name).into(),
            precision: None,
            recall: Some(0.5),
            f1: Some(0.5),
            rows: row.iter().sum(),
            roc_auc: None,
            average_precision: None,
        };
        ClassDetail {
            classes: names.iter().zip(matrix).map(class).collect(),
            confusion: Some(matrix.iter().map(|row| row.to_vec()).collect()),
            ..ClassDetail::default()
        }
    }

    #[test]
    fn counts_and_figures_share_a_table_where_they_fit_and_names_are_cut_where_not() {
        let detail = detail(&["setosa", "a very long name of a class"], &[&[7, 1], &[0, 4]]);
        let text = Text::new(Lang::English);
        let shown = classes(&detail, text, usize::MAX);
        assert!(
            shown.contains("class                        setosa  a very long name of a class   precision  recall     F1  rows\nsetosa                            7█                           1░          –   0.500  0.500     8\n"),
            "{shown}"
        );
        let shown = classes(&detail, text, 60);
        assert!(shown.contains("setosa         7█        1░  "), "{shown}");
        assert!(shown.lines().all(|line| width(line) <= 60), "{shown}");
        // Too narrow for both: one below the other.
        let shown = classes(&detail, text, 38);
        assert_eq!(shown.matches("setosa").count(), 3, "{shown}");
    }

    #[test]
    fn many_classes_are_told_by_the_pairs_that_are_confused() {
        let names: Vec<String> = (0..13).map(|i| format!("class {i}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let rows = vec![vec![1usize; 13]; 13];
        let rows: Vec<&[usize]> = rows.iter().map(Vec::as_slice).collect();
        let mut detail = detail(&names, &rows);
        detail.confused.push(glassbox::train::Confused {
            observed: "class 1".into(),
            predicted: "class 2".into(),
            rows: 3,
            share: 0.25,
        });
        let shown = classes(&detail, Text::new(Lang::Korean), 80);
        assert!(shown.contains("class 1  class 2   3  25.0 %"), "{shown}");
        assert!(!shown.contains('█'), "{shown}");
    }
}
