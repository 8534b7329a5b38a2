//! Movements, tensors and attributions as text.

use std::fmt;

use crate::train::graphs::name::GRADIENT_SUM;
use crate::watch::board::figure;
use crate::watch::explain::slope;
use crate::watch::{Attribution, Factor, Figures, Movement, RowShare, TensorView};

/// Rows and inputs that are shown of many.
const SHOWN: usize = 12;
/// Nodes that are shown of many.
const NODES: usize = 40;

/// Writes lines of cells with their columns aligned: the first `left` to the left, the others to the
/// right. Gives the columns' widths.
pub(crate) fn aligned(
    f: &mut fmt::Formatter<'_>,
    lines: &[Vec<String>],
    left: usize,
) -> Result<Vec<usize>, fmt::Error> {
    let columns = lines.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = lines.iter().filter_map(|line| line.get(column));
        cells.map(|text| text.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    for line in lines {
        let cell = |(column, (text, width)): (usize, (&String, &usize))| match column < left {
            true => format!("{text:<width$}"),
            false => format!("{text:>width$}"),
        };
        let cells: Vec<String> = line.iter().zip(&widths).enumerate().map(cell).collect();
        writeln!(f, "  {}", cells.join("  ").trim_end())?;
    }
    Ok(widths)
}

fn mark(right: bool) -> &'static str {
    if right { "✓" } else { "✗" }
}

/// A share and its sign: `+0.5`.
fn signed(value: f64) -> String {
    let sign = if value > 0.0 { "+" } else { "" };
    format!("{sign}{}", figure(value + 0.0))
}

impl fmt::Display for Factor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.divides { "÷" } else { "·" };
        write!(f, "{sign} {}", figure(self.value))?;
        match self.of.is_empty() {
            true => Ok(()),
            false => write!(f, " ({})", self.of.join(", ").replace('_', " ")),
        }
    }
}

/// What a summand is called.
fn words(of: &str, several: bool) -> String {
    match of {
        "gradient" if several => "gradient of the last batch".to_string(),
        "gradient" => "gradient of this step".to_string(),
        GRADIENT_SUM => "gradients of the batches before".to_string(),
        "value" => "weight decay".to_string(),
        state => state.replace('_', " "),
    }
}

impl fmt::Display for Movement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (before, after) = (figure(self.before), figure(self.after));
        let change = signed(self.change);
        writeln!(f, "{}: {} moves by {change}", self.at, self.of)?;
        writeln!(f, "{before} → {after}, {} at rate {}", self.optimizer, figure(self.rate))?;
        writeln!(f)?;
        let mut lines = vec![["what", "value", "factors", "share"].map(String::from).to_vec()];
        let several = self.summands.iter().any(|part| part.of == GRADIENT_SUM);
        for part in &self.summands {
            let factors = part.factors.iter().flatten().map(Factor::to_string);
            lines.push(vec![
                words(&part.of, several),
                part.value.map(figure).unwrap_or_default(),
                factors.collect::<Vec<_>>().join(" "),
                signed(part.share),
            ]);
        }
        let sum: f64 = self.summands.iter().map(|part| part.share).sum();
        let total = format!("{} {}", signed(sum), mark(self.adds_up));
        // The mark stands beside the column.
        lines.iter_mut().for_each(|line| line[3] += "  ");
        lines.push(vec!["sum".into(), String::new(), String::new(), total]);
        aligned(f, &lines, 1)?;
        writeln!(f)?;
        self.by_rows(f)?;
        if let Some(announced) = &self.announced {
            writeln!(f, "{announced}")?;
        }
        if let Some(scope) = &self.coupled {
            writeln!(
                f,
                "rows act on each other in {scope}: a row's share is what goes through its own \
                 numbers"
            )?;
        }
        Ok(())
    }
}

impl Movement {
    fn by_rows(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = vec![["row", "gradient", "share"].map(String::from).to_vec()];
        let name = |share: &RowShare| match (share.row, &share.through) {
            (Some(row), _) => row.to_string(),
            (None, through) => through.clone().unwrap_or_default(),
        };
        // Those that are 0 tell nothing.
        let tells = |share: &&RowShare| share.gradient != 0.0 || self.rows.len() <= SHOWN;
        let shown = self.rows.iter().take(SHOWN).take_while(tells).count();
        for share in self.rows.iter().take(shown) {
            lines.push(vec![name(share), figure(share.gradient), signed(share.share) + "  "]);
        }
        let rest = self.rows.get(shown..).unwrap_or_default();
        let sum = |shares: &[RowShare]| -> (f64, f64) {
            (shares.iter().map(|s| s.gradient).sum(), shares.iter().map(|s| s.share).sum())
        };
        if !rest.is_empty() {
            let (gradient, share) = sum(rest);
            let words = format!("{} smaller", rest.len());
            lines.push(vec![words, figure(gradient), signed(share) + "  "]);
        }
        let (gradient, share) = sum(&self.rows);
        let total = format!("{} {}", signed(share), mark(self.rows_add_up));
        lines[0][2] += "  ";
        lines.push(vec!["sum".into(), figure(gradient), total]);
        writeln!(f, "the gradient's share by rows")?;
        aligned(f, &lines, 0).map(drop)
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} ‖{}‖", self.shape, figure(self.norm))
    }
}

impl fmt::Display for TensorView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (loss, loss_value) = (&self.loss, figure(self.loss_value));
        writeln!(f, "{}: {loss} = {loss_value}", self.at)?;
        writeln!(f, "{} = {}", self.of, self.value)?;
        writeln!(f, "{} = {}", slope(&self.of, loss), self.gradient)?;
        for figures in [&self.value, &self.gradient] {
            if let Some(numbers) = &figures.numbers {
                let told: Vec<String> = numbers.iter().map(|&x| figure(x)).collect();
                writeln!(f, "  {}", told.join("  "))?;
            }
        }
        writeln!(f)?;
        writeln!(f, "downstream = upstream × local, from {loss} to {}", self.of)?;
        let head = ["node", "upstream", "local", "", "downstream", "by", ""];
        let mut lines = vec![head.map(String::from).to_vec()];
        let hidden = self.links.len().saturating_sub(NODES);
        // The nearest to the tensor are the last.
        for link in self.links.iter().skip(hidden) {
            let node = match link.node.rsplit('/').next() == Some(link.op.as_str()) {
                true => link.node.clone(),
                false => format!("{} ({})", link.node, link.op),
            };
            lines.push(vec![
                node,
                link.upstream.to_string(),
                link.words.clone(),
                link.local.as_ref().map(Figures::to_string).unwrap_or_default(),
                link.downstream.to_string(),
                link.argument.clone(),
                link.agrees.map(mark).unwrap_or_default().to_string(),
            ]);
        }
        aligned(f, &lines, head.len())?;
        if hidden > 0 {
            writeln!(f, "  {hidden} nodes nearer to {loss} are not shown; --json has all")?;
        }
        writeln!(f)?;
        let mut lines = vec![["largest", "value", "derivative"].map(String::from).to_vec()];
        for largest in &self.largest {
            lines.push(vec![largest.of.clone(), figure(largest.value), figure(largest.gradient)]);
        }
        aligned(f, &lines, 1)?;
        if let Some(announced) = &self.announced {
            writeln!(f, "{announced}")?;
        }
        if let Some(difference) = self.difference {
            writeln!(
                f,
                "finite difference along the derivative {} {} (its norm {})",
                figure(difference.value),
                difference.mark(),
                figure(self.gradient.norm)
            )?;
        }
        writeln!(f, "in training's f32 within {}", figure(self.f32_error))
    }
}

impl fmt::Display for Attribution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let observed = self.observed.as_ref().map(|class| format!(", observed {class}"));
        writeln!(f, "{}", self.row)?;
        writeln!(f, "predicted {}{}", self.predicted, observed.unwrap_or_default())?;
        let (result, mean) = (figure(self.result), figure(self.at_the_mean));
        writeln!(f, "{} = {result}; {mean} for the mean row of training", self.of)?;
        writeln!(f)?;
        let slope = slope("value", &self.of);
        let head = ["input", "value", "mean", &slope, "· (value − mean)", "share", ""];
        let mut lines = vec![head.map(String::from).to_vec()];
        let most = self.inputs.iter().map(|input| input.share.abs()).fold(0.0, f64::max);
        let bar = |share: f64| match most > 0.0 {
            true => "█".repeat((share.abs() / most * 16.0).round() as usize),
            false => String::new(),
        };
        for input in self.inputs.iter().take(SHOWN) {
            lines.push(vec![
                input.input.clone(),
                input.value.clone(),
                figure(input.mean),
                input.slope.map(figure).unwrap_or_default(),
                signed(input.at_the_row),
                signed(input.share),
                bar(input.share),
            ]);
        }
        let rest = self.inputs.get(SHOWN..).unwrap_or_default();
        let blank = String::new;
        if !rest.is_empty() {
            let sum = |of: fn(&crate::watch::InputShare) -> f64| rest.iter().map(of).sum::<f64>();
            lines.push(vec![
                format!("{} smaller", rest.len()),
                blank(),
                blank(),
                blank(),
                signed(sum(|input| input.at_the_row)),
                signed(sum(|input| input.share)),
            ]);
        }
        let at_the_row = signed(self.sum_at_the_row);
        let sum = signed(self.sum);
        lines.push(vec!["sum".into(), blank(), blank(), blank(), at_the_row, sum]);
        aligned(f, &lines, 1)?;
        let difference = self.result - self.at_the_mean;
        writeln!(
            f,
            "{result} − {} = {} {} (integrated gradients, {} points)",
            if self.at_the_mean < 0.0 { format!("({mean})") } else { mean },
            signed(difference),
            mark(self.complete),
            self.points
        )
    }
}
