//! The page of a run of word vectors.

use crate::Error;
use crate::io::FileError;
use crate::report::chart::{self, Labels, Line};
use crate::report::facts;
use crate::report::html::{
    Head, count, duration, escape, list_of_facts, name, number, plain, table,
};
use crate::report::page::{document, figure, settings};
use crate::report::words::Words;
use crate::train::event::Outcome;
use crate::train::folder::RunFolder;
use crate::word2vec::{self, Architecture, Plane, Settings, Touched, WordVectors};

/// Words whose nearest are listed, and how many of these.
const LISTED: usize = 16;
const NEAR: usize = 6;

/// The whole page.
pub(crate) fn page(w: Words, folder: &RunFolder, outcome: &Outcome) -> Result<String, Error> {
    let path = folder.file("run.toml");
    let text = std::fs::read_to_string(&path).map_err(FileError::at(&path, "cannot read"))?;
    let record = word2vec::record(folder)?;
    let config = folder.config()?;
    let asked = Settings::from_config(&config);
    let (plane, vectors) = (Plane::of_run(folder)?, WordVectors::of_run(folder)?);
    let figure_of = |of: &std::collections::BTreeMap<String, f64>| {
        of.get("loss").map_or_else(|| "–".to_owned(), |loss| number(*loss))
    };
    let vocabulary = count(record.vocabulary as usize);
    let lead = w.words_lead(
        &vocabulary,
        &count(asked.dimensions),
        &figure_of(&outcome.metrics),
        &figure_of(&outcome.baseline),
    );
    let mut out =
        format!("<section>\n<h2>{}</h2>\n<p class=\"lead\">{lead}</p>\n</section>\n", w.outcome());
    out += &in_the_plane(w, &plane);
    out += &nearest(w, &plane, &vectors)?;
    out += &training(w, folder, &asked, &record)?;
    out += &settings(w, &text, &folder.environment()?);
    let (time, run) = (folder.status()?.updated, facts::name_of(folder));
    let kind = config.model.kind.word();
    Ok(document(w, [&record.source, kind], [&w.learns_words(), &time, &run], &out))
}

fn in_the_plane(w: Words, plane: &Plane) -> String {
    let all: Vec<[f64; 2]> = plane.before.iter().chain(&plane.after).copied().collect();
    let share = |axis: usize| format!("{:.1} %", 100.0 * plane.explained[axis]);
    let panel = |heading: String, description: String, points: &[[f64; 2]]| {
        let labels = Labels {
            description,
            x: w.words_axis("1", &share(0)),
            y: w.words_axis("2", &share(1)),
        };
        figure(&heading, &chart::places(&labels, &plane.words, points, &all), "")
    };
    format!(
        "<section>\n<h2>{}</h2>\n<div class=\"charts\">\n{}{}</div>\n<p class=\"note\">{}</p>\n\
         </section>\n",
        w.words_plane(),
        panel(w.words_before(), w.words_before_alt(), &plane.before),
        panel(w.words_after(), w.words_after_alt(), &plane.after),
        w.words_plane_note()
    )
}

fn nearest(w: Words, plane: &Plane, vectors: &WordVectors) -> Result<String, Error> {
    let vocabulary = vectors.vocabulary();
    let row = |word: &String| -> Result<Vec<String>, Error> {
        let near = vectors.nearest(&[word], NEAR)?;
        let near = near.iter().map(|near| {
            format!("{} <span class=\"kicker\">{:.2}</span>", name(&near.word, 30), near.cosine)
        });
        let often = vocabulary.counts()[vocabulary.get(word)?];
        let near = near.collect::<Vec<_>>().join(", ");
        Ok(vec![name(word, 30), count(often as usize), near])
    };
    let rows = plane.words.iter().take(LISTED).map(row).collect::<Result<Vec<_>, _>>()?;
    let heads = [
        Head::text(w.words_word()),
        Head::number(w.words_often()),
        Head::text(w.words_near_note()),
    ];
    Ok(format!("<section>\n<h2>{}</h2>\n{}</section>\n", w.words_near(), table(&heads, &rows)))
}

fn training(
    w: Words,
    folder: &RunFolder,
    asked: &Settings,
    record: &word2vec::TextRecord,
) -> Result<String, Error> {
    let epochs = facts::epochs(&folder.file("metrics.jsonl"))?;
    let points: Vec<(f64, f64)> =
        epochs.iter().map(|epoch| (epoch.epoch as f64, epoch.train_loss)).collect();
    let end = |point: Option<&(f64, f64)>| number(point.map_or(f64::NAN, |(_, y)| *y));
    let (from, to) = (end(points.first()), end(points.last()));
    let labels = |logarithmic: bool| Labels {
        description: w.curve_from_to(&w.loss_curve(), &from, &to),
        x: w.epoch(),
        y: if logarithmic { w.loss_axis_log() } else { w.name_loss() },
    };
    let line = Line { name: w.part_train(), class: "first", points };
    let (curve, logarithmic) = chart::lines(labels, &[line], None, None);
    let heading = if logarithmic { w.loss_curve_log() } else { w.loss_curve() };
    let how = match asked.architecture {
        Architecture::SkipGram => w.words_skip_gram(),
        Architecture::Cbow => w.words_cbow(),
    };
    let words = [record.words, record.sentences, record.kept].map(|n| count(n as usize));
    let touched = Touched::of(record.vocabulary, asked.dimensions as u64, asked.negative as u64);
    let [all, one] = [touched.weights, touched.by_guess].map(|n| count(n as usize));
    let seconds = epochs.iter().map(|epoch| epoch.seconds).filter(|s| s.is_finite()).sum();
    let last = epochs.last();
    let facts = [
        (w.words_text(), w.words_text_is(&words[0], &words[1], &words[2])),
        (w.source(), escape(&record.source)),
        (w.fingerprint(), escape(&record.fingerprint)),
        (w.words_how(), how),
        (w.words_window(), w.words_window_is(&count(asked.window))),
        (w.words_negative(), count(asked.negative)),
        (w.words_rate(), w.words_rate_is(&plain(asked.rate))),
        (w.words_touched(), w.words_touched_is(&all, &one)),
        (w.epochs(), count(asked.epochs as usize)),
        (w.steps(), count(last.map_or(0, |epoch| epoch.step) as usize)),
        (w.time(), duration(seconds)),
        (w.seed(), asked.seed.to_string()),
    ];
    Ok(format!(
        "<section>\n<h2>{}</h2>\n<div class=\"charts\">\n{}</div>\n{}</section>\n",
        w.training(),
        figure(&heading, &curve, ""),
        list_of_facts(&facts)
    ))
}
