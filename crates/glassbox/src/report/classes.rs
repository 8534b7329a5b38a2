//! The section on classes: which are taken for which, how well each is found, and the mistakes that
//! the model was surest of.

use crate::Error;
use crate::metrics::{ClassFigures, Confusion, EntityFigures, Ranking};
use crate::report::chart::{self, Labels};
use crate::report::facts::ToldClass;
use crate::report::html::{Head, count, cut, escape, name, number, percent, table};
use crate::report::page::figure;
use crate::report::words::Words;
use crate::train::EntityResult;

/// More classes than this have no table of all pairs.
const MOST_IN_MATRIX: usize = 30;
/// More classes than this are not all listed.
const MOST_LISTED: usize = 100;
const MOST_PAIRS: usize = 20;
const MOST_MISTAKES: usize = 15;
/// Letters of a class's name that are shown in a list, and above a column.
const NAME: usize = 40;
const COLUMN: usize = 24;

/// The section's HTML.
pub(crate) fn section(
    w: Words,
    told: &[ToldClass],
    classes: &[String],
    part: &str,
    positive: Option<usize>,
) -> Result<String, Error> {
    let observed: Vec<usize> = told.iter().map(|row| row.observed).collect();
    let predicted: Vec<usize> = told.iter().map(|row| row.predicted).collect();
    let confusion = Confusion::of(&observed, &predicted, classes.len())?;
    let mut out = format!("<section>\n<h2>{}</h2>\n", w.classes());
    if classes.len() <= MOST_IN_MATRIX {
        out += &format!("<p>{}</p>\n", w.confusion(part, &count(told.len())));
        out += &matrix(w, &confusion, classes);
    } else {
        out += &pairs(w, &confusion, classes);
    }
    out += &by_class(w, &confusion, classes);
    if let (2, Some(class)) = (classes.len(), positive) {
        out += &thresholds(w, told, class, &classes[class])?;
    }
    out += &mistakes(w, told, classes);
    Ok(out + "</section>\n")
}

/// How well names of each kind are found, where tags are of names.
pub(crate) fn entities(w: Words, found: &[EntityResult]) -> String {
    if found.is_empty() {
        return String::new();
    }
    let row = |kind: &EntityResult| {
        let EntityFigures { precision, recall, f1, entities } = kind.figures;
        let shares = [precision, recall, f1].map(|share| format!("{share:.3}"));
        [vec![name(&kind.name, NAME)], shares.to_vec(), vec![count(entities)]].concat()
    };
    let rows: Vec<Vec<String>> = found.iter().map(row).collect();
    let heads = [
        Head::text(w.kind_of_name()),
        Head::number(w.precision()),
        Head::number(w.recall()),
        Head::number(w.f1()),
        Head::number(w.names()),
    ];
    format!(
        "<section>\n<h2>{}</h2>\n{}<p class=\"note\">{}</p>\n</section>\n",
        w.names_found(),
        table(&heads, &rows),
        w.names_found_note()
    )
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
        let rows = confusion.observed(observed);
        for predicted in 0..classes.len() {
            let times = confusion.times(observed, predicted);
            // Small shares are still to be seen.
            let share = (times / rows.max(1.0)).sqrt();
            let right = observed == predicted;
            out += &match (times as usize, right) {
                (0, false) => "<td class=\"zero\">·</td>".to_owned(),
                (0, true) => "<td class=\"hit\">0</td>".to_owned(),
                (times, _) => format!(
                    "<td class=\"{}\" style=\"--s:{share:.2}\">{}</td>",
                    if right { "hit" } else { "miss" },
                    count(times)
                ),
            };
        }
        out += &format!("<td class=\"sum\">{}</td></tr>\n", count(rows as usize));
    }
    out + "</tbody></table></div>\n"
}

/// The wrong pairs that come most often.
fn pairs(w: Words, confusion: &Confusion, classes: &[String]) -> String {
    let rows: Vec<Vec<String>> = confusion
        .confused()
        .into_iter()
        .take(MOST_PAIRS)
        .map(|(observed, predicted, times)| {
            let share = percent(times / confusion.observed(observed));
            vec![
                name(&classes[observed], NAME),
                name(&classes[predicted], NAME),
                count(times as usize),
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
        (0..classes.len()).map(|class| (class, confusion.class(class))).collect();
    let mut heading = w.by_class();
    if classes.len() > MOST_LISTED {
        let worst = |f: &ClassFigures| f.f1.unwrap_or(-1.0);
        listed.sort_by(|(_, a), (_, b)| worst(a).total_cmp(&worst(b)));
        listed.truncate(MOST_LISTED);
        heading = w.by_class_cut(&count(MOST_LISTED), &count(classes.len()));
    }
    let share = |x: Option<f64>| x.map_or("–".into(), |x| format!("{x:.3}"));
    let rows: Vec<Vec<String>> = listed
        .into_iter()
        .map(|(class, figures)| {
            let ClassFigures { rows, precision, recall, f1 } = figures;
            vec![
                name(&classes[class], NAME),
                share(precision),
                share(recall),
                share(f1),
                count(rows as usize),
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

/// ROC and precision–recall curve of one of two classes.
fn thresholds(w: Words, told: &[ToldClass], class: usize, name: &str) -> Result<String, Error> {
    // Of what cannot be ranked there are no curves.
    if told.iter().any(|row| !row.probability.is_finite()) {
        return Ok(String::new());
    }
    let positive: Vec<bool> = told.iter().map(|row| row.observed == class).collect();
    let of_class = |row: &ToldClass| match row.predicted == class {
        true => row.probability,
        false => 1.0 - row.probability,
    };
    let scores: Vec<f64> = told.iter().map(of_class).collect();
    let ranking = Ranking::of(&positive, &scores)?;
    let (Some(roc), Some(area)) = (ranking.roc(), ranking.roc_auc()) else {
        return Ok(String::new());
    };
    let (Some(precision_recall), Some(average)) =
        (ranking.precision_recall(), ranking.average_precision())
    else {
        return Ok(String::new());
    };
    let name = cut(name, COLUMN);
    let share = ranking.positives() / told.len() as f64;
    let (area, average) = (number(area), number(average));
    let first = precision_recall.first().map(|(_, precision)| (0.0, *precision));
    let precision_recall: Vec<_> = first.into_iter().chain(precision_recall).collect();
    let chart = |heading: &str, x: String, y: String, curve: &[(f64, f64)], nothing: [f64; 2]| {
        let labels = Labels { description: heading.to_owned(), x, y };
        chart::shares(&labels, curve, nothing, [&name, &w.no_better()])
    };
    let roc_heading = w.roc_curve(&area);
    let pr_heading = w.precision_recall_curve(&average);
    let roc = chart(&roc_heading, w.fallout(), w.recall(), &roc, [0.0, 1.0]);
    let pr = chart(&pr_heading, w.recall(), w.precision(), &precision_recall, [share, share]);
    Ok(format!(
        "<div class=\"charts\">\n{}{}</div>\n",
        figure(&roc_heading, &roc, &w.roc_note(&escape(&name))),
        figure(&pr_heading, &pr, &w.precision_recall_note(&escape(&name)))
    ))
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
