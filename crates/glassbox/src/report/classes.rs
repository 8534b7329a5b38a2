//! The section on classes: which are taken for which, how well each is found, and the mistakes that
//! the model was surest of.

use std::collections::HashMap;

use crate::report::facts::ToldClass;
use crate::report::html::{Head, count, name, number, percent, table};
use crate::report::words::Words;

/// More classes than this have no table of all pairs.
const MOST_IN_MATRIX: usize = 30;
/// More classes than this are not all listed.
const MOST_LISTED: usize = 100;
const MOST_PAIRS: usize = 20;
const MOST_MISTAKES: usize = 15;
/// Letters of a class's name that are shown in a list, and above a column.
const NAME: usize = 40;
const COLUMN: usize = 24;

/// How well one class is found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ClassFigures {
    /// Rows of the class.
    pub rows: usize,
    /// Of the rows predicted as the class, the share that is; NaN where there are none.
    pub precision: f64,
    /// Of the rows of the class, the share that is found; NaN where there are none.
    pub recall: f64,
    /// 2PR / (P + R); NaN where that cannot be divided.
    pub f1: f64,
}

/// How often each class (first index) is taken for each (second).
struct Confusion {
    pairs: HashMap<(usize, usize), usize>,
    observed: Vec<usize>,
    predicted: Vec<usize>,
}

impl Confusion {
    fn of(told: &[ToldClass], classes: usize) -> Self {
        let mut confusion = Confusion {
            pairs: HashMap::new(),
            observed: vec![0; classes],
            predicted: vec![0; classes],
        };
        for row in told {
            *confusion.pairs.entry((row.observed, row.predicted)).or_default() += 1;
            confusion.observed[row.observed] += 1;
            confusion.predicted[row.predicted] += 1;
        }
        confusion
    }

    fn times(&self, observed: usize, predicted: usize) -> usize {
        self.pairs.get(&(observed, predicted)).copied().unwrap_or(0)
    }

    fn figures(&self, class: usize) -> ClassFigures {
        let right = self.times(class, class) as f64;
        let rows = self.observed[class];
        let (precision, recall) = (right / self.predicted[class] as f64, right / rows as f64);
        let f1 = 2.0 * precision * recall / (precision + recall);
        ClassFigures { rows, precision, recall, f1 }
    }
}

/// The section's HTML.
pub(crate) fn section(w: Words, told: &[ToldClass], classes: &[String], part: &str) -> String {
    let confusion = Confusion::of(told, classes.len());
    let mut out = format!("<section>\n<h2>{}</h2>\n", w.classes());
    if classes.len() <= MOST_IN_MATRIX {
        out += &format!("<p>{}</p>\n", w.confusion(part, &count(told.len())));
        out += &matrix(w, &confusion, classes);
    } else {
        out += &pairs(w, &confusion, classes);
    }
    out += &by_class(w, &confusion, classes);
    out += &mistakes(w, told, classes);
    out + "</section>\n"
}

fn matrix(w: Words, confusion: &Confusion, classes: &[String]) -> String {
    let long = classes.iter().any(|class| class.chars().count() > 4);
    let turned = if long { " class=\"turned\"" } else { "" };
    let mut out = format!(
        "<div class=\"scroll\" tabindex=\"0\"><table class=\"matrix\">\n<thead><tr><th>{}</th>",
        w.observed_predicted()
    );
    for class in classes {
        out += &format!("<th scope=\"col\"{turned}><span>{}</span></th>", name(class, COLUMN));
    }
    out += &format!("<th scope=\"col\"{turned}><span>{}</span></th>", w.rows());
    out += "</tr></thead>\n<tbody>\n";
    for (observed, class) in classes.iter().enumerate() {
        out += &format!("<tr><th scope=\"row\">{}</th>", name(class, COLUMN));
        let rows = confusion.observed[observed];
        for predicted in 0..classes.len() {
            let times = confusion.times(observed, predicted);
            // Small shares are still to be seen.
            let share = (times as f64 / rows.max(1) as f64).sqrt();
            let right = observed == predicted;
            out += &match (times, right) {
                (0, false) => "<td class=\"zero\">·</td>".to_owned(),
                (0, true) => "<td class=\"hit\">0</td>".to_owned(),
                _ => format!(
                    "<td class=\"{}\" style=\"--s:{share:.2}\">{}</td>",
                    if right { "hit" } else { "miss" },
                    count(times)
                ),
            };
        }
        out += &format!("<td class=\"sum\">{}</td></tr>\n", count(rows));
    }
    out + "</tbody></table></div>\n"
}

/// The wrong pairs that come most often.
fn pairs(w: Words, confusion: &Confusion, classes: &[String]) -> String {
    let mut wrong: Vec<_> = confusion.pairs.iter().filter(|((o, p), _)| o != p).collect();
    wrong.sort_by_key(|(pair, times)| (std::cmp::Reverse(**times), **pair));
    let rows: Vec<Vec<String>> = wrong
        .into_iter()
        .take(MOST_PAIRS)
        .map(|((observed, predicted), times)| {
            let share = percent(*times as f64 / confusion.observed[*observed] as f64);
            vec![
                name(&classes[*observed], NAME),
                name(&classes[*predicted], NAME),
                count(*times),
                share,
            ]
        })
        .collect();
    let heads = [
        Head::text(w.observed()),
        Head::text(w.predicted()),
        Head::number(w.rows()),
        Head::number(w.share()),
    ];
    let note = w.many_classes(&count(classes.len()));
    format!("<h3>{}</h3>\n<p class=\"note\">{note}</p>\n{}", w.pairs(), table(&heads, &rows))
}

fn by_class(w: Words, confusion: &Confusion, classes: &[String]) -> String {
    let mut listed: Vec<(usize, ClassFigures)> =
        (0..classes.len()).map(|class| (class, confusion.figures(class))).collect();
    let mut heading = w.by_class();
    if classes.len() > MOST_LISTED {
        let worst = |f: &ClassFigures| if f.f1.is_finite() { f.f1 } else { -1.0 };
        listed.sort_by(|(_, a), (_, b)| worst(a).total_cmp(&worst(b)));
        listed.truncate(MOST_LISTED);
        heading = w.by_class_cut(&count(MOST_LISTED), &count(classes.len()));
    }
    let share = |x: f64| if x.is_finite() { format!("{x:.3}") } else { number(x) };
    let rows: Vec<Vec<String>> = listed
        .into_iter()
        .map(|(class, figures)| {
            let ClassFigures { rows, precision, recall, f1 } = figures;
            vec![
                name(&classes[class], NAME),
                share(precision),
                share(recall),
                share(f1),
                count(rows),
            ]
        })
        .collect();
    let heads = [
        Head::text(w.class()),
        Head::number(w.precision()),
        Head::number(w.recall()),
        Head::number(w.f1()),
        Head::number(w.rows()),
    ];
    let note = w.by_class_note();
    format!("<h3>{heading}</h3>\n{}<p class=\"note\">{note}</p>\n", table(&heads, &rows))
}

fn mistakes(w: Words, told: &[ToldClass], classes: &[String]) -> String {
    let mut wrong: Vec<&ToldClass> = told.iter().filter(|r| r.observed != r.predicted).collect();
    let all = wrong.len();
    if all == 0 {
        return format!("<h3>{}</h3>\n<p>{}</p>\n", w.mistakes(), w.no_mistakes());
    }
    let sure = |row: &ToldClass| if row.probability.is_finite() { row.probability } else { -1.0 };
    wrong.sort_by(|a, b| sure(b).total_cmp(&sure(a)));
    wrong.truncate(MOST_MISTAKES);
    let rows: Vec<Vec<String>> = wrong
        .iter()
        .map(|mistake| {
            let class = |class: usize| name(&classes[class], NAME);
            let probability = percent(mistake.probability);
            vec![
                mistake.row.to_string(),
                class(mistake.observed),
                class(mistake.predicted),
                probability,
            ]
        })
        .collect();
    let heads = [
        Head::number(w.row()),
        Head::text(w.observed()),
        Head::text(w.predicted()),
        Head::number(w.probability()),
    ];
    let note = w.mistakes_note(&count(rows.len()), &count(all));
    format!(
        "<h3>{}</h3>\n<p class=\"note\">{note}</p>\n{}<p class=\"note\">{}</p>\n",
        w.mistakes(),
        table(&heads, &rows),
        w.rows_note()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_a_class_are_those_of_the_definitions() {
        // By hand: class 0 has 4 rows, 3 found, and is said of 5; class 1 is never said; class 2
        // has no rows.
        let pairs = [(0, 0), (0, 0), (0, 0), (0, 2), (1, 0), (1, 0)];
        let told: Vec<ToldClass> = pairs
            .iter()
            .map(|&(observed, predicted)| ToldClass {
                row: 1,
                observed,
                predicted,
                probability: 1.0,
            })
            .collect();
        let confusion = Confusion::of(&told, 3);
        let f = confusion.figures(0);
        assert_eq!((f.rows, f.precision, f.recall), (4, 3.0 / 5.0, 3.0 / 4.0));
        assert!((f.f1 - 2.0 * 0.6 * 0.75 / 1.35).abs() < 1e-12);
        let f = confusion.figures(1);
        assert!(f.precision.is_nan() && f.recall == 0.0 && f.f1.is_nan());
        let f = confusion.figures(2);
        assert!(f.precision == 0.0 && f.recall.is_nan() && f.f1.is_nan());
    }
}
