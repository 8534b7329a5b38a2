//! Which columns a model goes by, as bars.

use glassbox::train::Importances;

use super::format::{figure, grouped};
use super::line::{fit, width};
use super::verdict::lines;
use crate::text::Text;

/// Columns of the longest bar and of the longest name.
const BAR: usize = 24;
const NAME: usize = 30;
/// More columns than this are not all shown.
const SHOWN: usize = 30;

/// A bar for each column of the table, the most important one first.
pub fn importance(found: &Importances, text: Text, columns: usize) -> String {
    let split = text.rows_of_split(text.split(&found.split), grouped(found.rows as u64));
    let name = text.metric_in_full(found.figure);
    let heading =
        text.importance_heading(split, name, figure(found.whole), grouped(found.repeats as u64));
    let mut out = lines(&heading, columns);
    let shown = &found.columns[..found.columns.len().min(SHOWN)];
    let named = shown.iter().map(|column| width(&column.column)).max().unwrap_or(0).min(NAME);
    let most = shown.iter().map(|column| column.drop).fold(0.0, f64::max);
    for column in shown {
        let name = fit(&column.column, named);
        let space = " ".repeat(named - width(&name));
        let share = if most > 0.0 { (column.drop / most).max(0.0) } else { 0.0 };
        let long = (share * BAR as f64).round() as usize;
        let bar = "━".repeat(long) + &" ".repeat(BAR - long);
        let line = format!("{name}{space}  {bar}  {:6.3} ± {:.3}", column.drop, column.deviation);
        out += &(fit(&line, columns) + "\n");
    }
    let more = found.columns.len() - shown.len();
    if more > 0 {
        out += &(fit(&text.and_more_columns(grouped(more as u64)), columns) + "\n");
    }
    out + &lines(&text.importance_note(), columns)
}

#[cfg(test)]
mod tests {
    use glassbox::practice::Importance;

    use super::*;
    use crate::text::Lang;

    #[test]
    fn the_most_important_column_has_the_longest_bar_and_none_is_drawn_backwards() {
        let column =
            |column: &str, drop| Importance { column: column.into(), drop, deviation: 0.01 };
        let found = Importances {
            split: "test".into(),
            rows: 40,
            figure: "accuracy",
            whole: 0.9,
            repeats: 10,
            columns: vec![column("꽃잎", 0.4), column("width", 0.1), column("noise", -0.02)],
        };
        let shown = importance(&found, Text::new(Lang::English), 80);
        let lines: Vec<&str> = shown.lines().filter(|line| line.ends_with("± 0.010")).collect();
        assert_eq!(
            lines.iter().map(|line| line.matches('━').count()).collect::<Vec<_>>(),
            [24, 6, 0]
        );
        assert!(lines[2].ends_with("-0.020 ± 0.010"), "{shown}");
        assert!(lines.iter().all(|line| width(line) == width(lines[0])), "{shown}");
    }
}
