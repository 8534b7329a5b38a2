//! Tables whose columns line up, in any script.

use super::line::{fit, width};

/// Where a column's texts stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// Rows of texts under a header.
#[derive(Clone, Debug)]
pub struct Table {
    aligns: Vec<Align>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these columns.
    pub fn new(columns: impl IntoIterator<Item = (impl Into<String>, Align)>) -> Self {
        let (header, aligns) =
            columns.into_iter().map(|(name, align)| (name.into(), align)).unzip();
        Table { aligns, rows: vec![header] }
    }

    /// Adds a row; what is missing is empty, what is too much is left out.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        let mut cells: Vec<String> = cells.into_iter().collect();
        cells.resize(self.aligns.len(), String::new());
        self.rows.push(cells);
    }

    /// The columns that the widest line takes.
    pub fn width(&self) -> usize {
        let widths = self.widths();
        widths.iter().sum::<usize>() + 2 * widths.len().saturating_sub(1)
    }

    fn widths(&self) -> Vec<usize> {
        let widest = |at: usize| self.rows.iter().map(|row| width(&row[at])).max().unwrap_or(0);
        (0..self.aligns.len()).map(widest).collect()
    }

    /// The lines, none wider than `columns`.
    pub fn render(&self, columns: usize) -> String {
        let widths = self.widths();
        let mut out = String::new();
        for row in &self.rows {
            let cell = |(at, text): (usize, &String)| {
                let space = " ".repeat(widths[at] - width(text));
                match self.aligns[at] {
                    Align::Left => format!("{text}{space}"),
                    Align::Right => format!("{space}{text}"),
                }
            };
            let line = row.iter().enumerate().map(cell).collect::<Vec<_>>().join("  ");
            out.push_str(&fit(line.trim_end(), columns));
            out.push('\n');
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_in_any_script() {
        let mut table = Table::new([("이름", Align::Left), ("n", Align::Right)]);
        table.row(["손실".into(), "0.110".into()]);
        table.row(["f1".into(), "1".into()]);
        table.row(["x".into()]);
        assert_eq!(table.width(), 11);
        assert_eq!(table.render(80), "이름      n\n손실  0.110\nf1        1\nx\n");
        assert_eq!(table.render(8), "이름   …\n손실  0…\nf1     …\nx\n");
    }
}
