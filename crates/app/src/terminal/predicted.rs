//! Predictions as a table to read and as a table to keep.

use glassbox::data::RawTable;
use glassbox::train::{Agreement, Prediction, Predictions};

use super::format::{figure, grouped};
use super::line::fit;
use super::table::{Align, Table};
use crate::text::Text;

/// How many rows a person is shown.
const SHOWN: usize = 20;
/// Columns of a text that a person is shown.
const TEXT: usize = 40;
/// How many lines of a series.
const SHOWN_OF_SERIES: usize = 48;

/// Predictions beside what they were made from.
pub struct Predicted<'a> {
    /// What the model says.
    pub predictions: &'a Predictions,
    /// The table that was predicted; none for images.
    pub table: Option<&'a RawTable>,
    /// The files that were predicted, where rows are files.
    pub files: Option<&'a [String]>,
    /// The texts that were predicted, where rows are texts.
    pub texts: Option<&'a [String]>,
    /// What the table says of the target, where it has that column.
    pub observed: Option<&'a [Option<String>]>,
    /// How many classes are told of a row.
    pub top: usize,
}

impl Predicted<'_> {
    /// The first rows, and how many more there are.
    pub fn lines(&self, text: Text, columns: usize) -> String {
        if !self.predictions.stretches.is_empty() {
            return self.stretches(text, columns);
        }
        let (target, classes) = (&self.predictions.target, !self.predictions.classes.is_empty());
        let numbers = if classes { Align::Left } else { Align::Right };
        let mut headers = vec![match (self.files, self.texts) {
            (Some(_), _) => (text.column_file(), Align::Left),
            (_, Some(_)) => (text.column_text(), Align::Left),
            (None, None) => (text.column_row(), Align::Right),
        }];
        if self.observed.is_some() {
            headers.push((text.column_observed(target), numbers));
        }
        headers.push((text.column_predicted(target), numbers));
        if classes {
            headers.push((text.column_probability(), Align::Right));
            if self.top > 1 {
                headers.push((text.column_next_best(), Align::Left));
            }
        } else if self.sure() {
            headers.push((text.column_deviation(), Align::Right));
        }
        let mut table = Table::new(headers);
        for (index, row) in self.predictions.rows.iter().take(SHOWN).enumerate() {
            let of = |all: Option<&[String]>| all.and_then(|all| all.get(index)).cloned();
            let file = of(self.files).map(|file| end_of(&file));
            let own = file.or_else(|| Some(fit(&of(self.texts)?, TEXT)));
            let mut cells = vec![own.unwrap_or_else(|| grouped(index as u64 + 1))];
            if let Some(observed) = self.observed {
                cells.push(observed.get(index).cloned().flatten().unwrap_or_else(|| "–".into()));
            }
            let number = || row.text().parse().map_or(row.text(), figure);
            match (row.probability(), row.deviation()) {
                (Some(probability), _) => {
                    let next = self.next_best(row);
                    let next = next.map(|(class, p)| format!("{class} {p:.3}"));
                    let next = next.collect::<Vec<_>>().join(", ");
                    cells.extend([row.text(), format!("{probability:.3}"), next]);
                }
                (None, Some(deviation)) => {
                    cells.extend([number(), format!("± {}", figure(deviation))])
                }
                (None, None) => cells.push(number()),
            }
            table.row(cells);
        }
        let more = self.predictions.rows.len().saturating_sub(SHOWN) as u64;
        let end = match more {
            0 => String::new(),
            more => fit(&text.and_more_rows(grouped(more)), columns) + "\n",
        };
        table.render(columns) + &end
    }

    /// Of a series: each time that is forecast, or each window that has a class.
    fn stretches(&self, text: Text, columns: usize) -> String {
        let several = self.predictions.stretches.iter().any(|stretch| stretch.group.is_some());
        let group = several.then(|| (text.column_series(), Align::Left));
        let mut headers: Vec<(String, Align)> = group.into_iter().collect();
        let (lines, names) = self.lines_of_stretches();
        match self.predictions.classes.is_empty() {
            true => {
                headers.push((text.column_moment(), Align::Left));
                let predicted = |name: &String| (text.column_predicted(name), Align::Right);
                headers.extend(names.iter().map(predicted));
            }
            false => {
                headers
                    .extend([(text.column_from(), Align::Left), (text.column_to(), Align::Left)]);
                headers.push((text.column_predicted(&self.predictions.target), Align::Left));
                headers.push((text.column_probability(), Align::Right));
            }
        }
        let mut table = Table::new(headers);
        for line in lines.iter().take(SHOWN_OF_SERIES) {
            let number = |cell: &String| match cell.parse::<f64>() {
                Ok(number) if cell.contains('.') => figure(number),
                _ => cell.clone(),
            };
            let fixed =
                line.len() - if self.predictions.classes.is_empty() { names.len() } else { 1 };
            let cells = line.iter().enumerate();
            table.row(cells.map(|(at, cell)| if at < fixed { cell.clone() } else { number(cell) }));
        }
        let end = match lines.len().saturating_sub(SHOWN_OF_SERIES) as u64 {
            0 => String::new(),
            more => fit(&text.and_more_rows(grouped(more)), columns) + "\n",
        };
        table.render(columns) + &end
    }

    /// The lines of [`stretches`](Self::stretches) and of its CSV, and the names of the numbers that are
    /// forecast.
    fn lines_of_stretches(&self) -> (Vec<Vec<String>>, Vec<String>) {
        let names: Vec<String> = self.predictions.target.split(", ").map(str::to_owned).collect();
        let mut lines = Vec::new();
        for (stretch, row) in self.predictions.stretches.iter().zip(&self.predictions.rows) {
            let group: Vec<String> = stretch.group.iter().cloned().collect();
            let values = match row {
                Prediction::Numbers { values } => values.clone(),
                Prediction::Number { value, .. } => vec![*value],
                Prediction::Class { class, probability, .. } => {
                    let what = [class.clone(), probability.to_string()];
                    lines.push([group, stretch.times.clone(), what.to_vec()].concat());
                    continue;
                }
            };
            for (time, values) in stretch.times.iter().zip(values.chunks(names.len().max(1))) {
                let values = values.iter().map(f64::to_string).collect();
                lines.push([group.clone(), vec![time.clone()], values].concat());
            }
        }
        (lines, names)
    }

    fn csv_of_stretches(&self) -> String {
        let (lines, names) = self.lines_of_stretches();
        let mut out = Csv::new(self.table.map_or(',', RawTable::separator));
        let several = self.predictions.stretches.iter().any(|stretch| stretch.group.is_some());
        let mut header: Vec<String> = several.then(|| "series".to_owned()).into_iter().collect();
        match self.predictions.classes.is_empty() {
            true => {
                header.push("time".into());
                header.extend(names.iter().map(|name| format!("predicted_{name}")));
            }
            false => {
                let predicted = format!("predicted_{}", self.predictions.target);
                header.extend(["from".into(), "to".into(), predicted, "probability".into()]);
            }
        }
        out.line(header.iter().map(String::as_str));
        lines.iter().for_each(|line| out.line(line.iter().map(String::as_str)));
        out.text
    }

    /// The classes after the most probable one, as many as are told.
    fn next_best<'r>(&'r self, row: &'r Prediction) -> impl Iterator<Item = (&'r str, f64)> {
        row.top(self.top, &self.predictions.classes).into_iter().skip(1)
    }

    /// Whether the model tells how sure it is of its numbers.
    fn sure(&self) -> bool {
        self.predictions.rows.iter().any(|row| row.deviation().is_some())
    }

    /// Every row as CSV: the table's own columns (the file, or the row's number, for images), what is
    /// predicted and, of classes, how probable it is, and the next best ones; of numbers their
    /// deviation, where the model tells it.
    pub fn csv(&self) -> String {
        if !self.predictions.stretches.is_empty() {
            return self.csv_of_stretches();
        }
        let separator = self.table.map_or(',', RawTable::separator);
        let own: Vec<String> = match (self.table, self.files, self.texts) {
            (Some(table), ..) => table.names().to_vec(),
            (None, Some(_), _) => vec!["file".into()],
            (None, None, Some(_)) => vec!["text".into()],
            (None, None, None) => vec!["row".into()],
        };
        let mut out = Csv::new(separator);
        let mut header = own.clone();
        let target = std::slice::from_ref(&self.predictions.target);
        let outputs = match self.predictions.outputs.is_empty() {
            true => target,
            false => &self.predictions.outputs,
        };
        header.extend(outputs.iter().map(|name| free_name(format!("predicted_{name}"), &own)));
        if !self.predictions.classes.is_empty() {
            header.push(free_name("probability".into(), &own));
            let told = self.top.min(self.predictions.classes.len());
            for place in 2..=told {
                let name = format!("{}_{place}", self.predictions.target);
                header.push(free_name(name, &own));
                header.push(free_name(format!("probability_{place}"), &own));
            }
        } else if self.sure() {
            header.push(free_name("deviation".into(), &own));
        }
        out.line(header.iter().map(String::as_str));
        for (index, row) in self.predictions.rows.iter().enumerate() {
            let mut cells: Vec<String> = match self.table {
                Some(table) => (0..table.columns())
                    .map(|column| table.cell(index, column).into_owned())
                    .collect(),
                None => match self.files.or(self.texts).and_then(|own| own.get(index)) {
                    Some(own) => vec![own.clone()],
                    None => vec![(index + 1).to_string()],
                },
            };
            match row {
                Prediction::Numbers { values } => cells.extend(values.iter().map(f64::to_string)),
                row => cells.push(row.text()),
            }
            cells.extend(row.probability().or(row.deviation()).map(|sure| sure.to_string()));
            for (class, probability) in self.next_best(row) {
                cells.extend([class.to_owned(), probability.to_string()]);
            }
            out.line(cells.iter().map(String::as_str));
        }
        out.text
    }
}

/// The end of a long file name, which tells more than its beginning.
fn end_of(file: &str) -> String {
    /// Letters of a file that are shown.
    const LONGEST: usize = 40;
    match file.chars().count().checked_sub(LONGEST) {
        None | Some(0) => file.to_owned(),
        Some(more) => format!("…{}", file.chars().skip(more + 1).collect::<String>()),
    }
}

/// The name, with a number behind it where a column has it already.
fn free_name(name: String, taken: &[String]) -> String {
    let numbered = (2..).map(|number| format!("{name}_{number}"));
    let mut names = std::iter::once(name.clone()).chain(numbered);
    names.find(|name| !taken.contains(name)).unwrap_or(name)
}

/// Lines of cells, quoted where they must be (RFC 4180).
pub(crate) struct Csv {
    separator: char,
    pub(crate) text: String,
}

impl Csv {
    pub(crate) fn new(separator: char) -> Self {
        Csv { separator, text: String::new() }
    }

    pub(crate) fn line<'a>(&mut self, cells: impl IntoIterator<Item = &'a str>) {
        for (index, cell) in cells.into_iter().enumerate() {
            if index > 0 {
                self.text.push(self.separator);
            }
            match cell.contains([self.separator, '"', '\n', '\r']) {
                true => self.text.push_str(&format!("\"{}\"", cell.replace('"', "\"\""))),
                false => self.text.push_str(cell),
            }
        }
        self.text.push('\n');
    }
}

/// How many rows were right, or how far off the numbers are.
pub fn agreement(agreement: Agreement, text: Text) -> String {
    match agreement {
        Agreement::Classes { rows, right } => {
            let percent = format!("{:.1}", 100.0 * right as f64 / rows as f64);
            text.right_of(grouped(right as u64), grouped(rows as u64), percent)
        }
        Agreement::Numbers { rows, rmse } => text.rmse_over(figure(rmse), grouped(rows as u64)),
    }
}

#[cfg(test)]
mod tests {
    use glassbox::train::Prediction;

    use super::*;
    use crate::text::Lang;

    fn predictions(classes: bool, rows: usize) -> Predictions {
        let row = |row: usize| match classes {
            true => Prediction::Class {
                class: "a, \"b\"".into(),
                probability: 0.75,
                probabilities: vec![0.75, 0.25],
            },
            false => Prediction::Number { value: row as f64 + 0.5, deviation: None },
        };
        Predictions {
            target: "kind".into(),
            classes: if classes { vec!["a, \"b\"".into(), "c".into()] } else { vec![] },
            outputs: Vec::new(),
            rows: (0..rows).map(row).collect(),
            warnings: vec![],
            stretches: Vec::new(),
        }
    }

    #[test]
    fn a_table_keeps_its_columns_and_never_has_a_name_twice() {
        let text = b"probability,kind,note\n1,c,\"x, y\"\n2,,plain\n";
        let table = RawTable::from_bytes("t.csv", text).unwrap();
        let predictions = predictions(true, 2);
        let predicted = Predicted {
            predictions: &predictions,
            table: Some(&table),
            files: None,
            texts: None,
            observed: None,
            top: 1,
        };
        assert_eq!(
            predicted.csv(),
            "probability,kind,note,predicted_kind,probability_2\n\
             1,c,\"x, y\",\"a, \"\"b\"\"\",0.75\n2,,plain,\"a, \"\"b\"\"\",0.75\n"
        );
        assert_eq!(RawTable::from_bytes("t.csv", predicted.csv().as_bytes()).unwrap().columns(), 5);
    }

    #[test]
    fn decimal_commas_are_still_read_as_numbers_when_written_again() {
        let table = RawTable::from_bytes("t.csv", b"x;kind\n1,5;2\n").unwrap();
        let predictions = predictions(false, 1);
        let predicted = Predicted {
            predictions: &predictions,
            table: Some(&table),
            files: None,
            texts: None,
            observed: None,
            top: 1,
        };
        assert_eq!(predicted.csv(), "x;kind;predicted_kind\n1,5;2;0.5\n");
    }

    #[test]
    fn a_deviation_stands_beside_its_number() {
        let mut predictions = predictions(false, 2);
        predictions.rows = vec![Prediction::Number { value: 18.25, deviation: Some(2.125) }; 2];
        let predicted = Predicted {
            predictions: &predictions,
            table: None,
            files: None,
            texts: None,
            observed: None,
            top: 1,
        };
        assert_eq!(
            predicted.lines(Text::new(Lang::English), 80).lines().collect::<Vec<_>>(),
            [
                "row  predicted kind     std",
                "  1            18.2  ± 2.12",
                "  2            18.2  ± 2.12"
            ]
        );
        assert!(predicted.csv().starts_with("row,predicted_kind,deviation\n1,18.25,2.125\n"));
    }

    #[test]
    fn files_have_their_next_best_classes_beside_them() {
        let predictions = predictions(true, 1);
        let files = [format!("{}/cat.jpg", "long".repeat(12))];
        let predicted = Predicted {
            predictions: &predictions,
            table: None,
            files: Some(&files),
            texts: None,
            observed: None,
            top: 3,
        };
        let text = predicted.lines(Text::new(Lang::English), 120);
        let line = text.lines().nth(1).unwrap();
        assert!(line.starts_with("…onglong") && line.contains("/cat.jpg  a, \"b\""), "{line}");
        assert!(line.ends_with("0.750  c 0.250"), "{line}");
        let csv = predicted.csv();
        assert!(csv.starts_with("file,predicted_kind,probability,kind_2,probability_2\n"), "{csv}");
        assert!(csv.ends_with(",0.75,c,0.25\n"), "{csv}");
    }

    #[test]
    fn a_person_sees_twenty_rows_and_how_many_there_are() {
        let predictions = predictions(false, 1_023);
        let observed: Vec<_> = (0..1_023).map(|row| (row > 0).then(|| row.to_string())).collect();
        let predicted = Predicted {
            predictions: &predictions,
            table: None,
            files: None,
            texts: None,
            observed: Some(&observed),
            top: 1,
        };
        let text = predicted.lines(Text::new(Lang::English), 80);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 22);
        assert_eq!(
            lines[..3],
            ["row  kind  predicted kind", "  1     –           0.500", "  2     1            1.50",]
        );
        assert!(lines[21].starts_with("… and 1,003 more"), "{text}");
    }
}
