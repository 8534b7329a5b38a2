//! `report.html`: well-formed, complete, safe with hostile names, the same for the same files.

#![allow(clippy::unwrap_used, clippy::panic)] // A test fails by panicking.

use crate::support;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use glassbox::nn::{Chosen, Optimizer};
use glassbox::report::{self, Words};
use glassbox::train::config::{ConfigError, RunConfig};
use glassbox::train::event::Outcome;
use glassbox::train::folder::RunFolder;
use glassbox::train::{Ended, Job};
use serde_json::json;
use support::csv;

/// The tags of a page are balanced, attributes quoted, entities known, and no tag holds a number
/// that is none; gives the text between the tags.
fn text_of(page: &str) -> String {
    let page = without_pictures(page);
    let page = page.strip_prefix("<!DOCTYPE html>").expect("a document type");
    let (mut open, mut text, mut rest): (Vec<&str>, String, &str) =
        (Vec::new(), String::new(), page);
    while let Some(start) = rest.find('<') {
        let (before, tag) = rest.split_at(start);
        assert!(!before.contains('>'), "a stray > in {before}");
        text += before;
        let end = tag.find('>').expect("an end of the tag");
        let inside = &tag[1..end];
        rest = &tag[end + 1..];
        assert_eq!(inside.matches('"').count() % 2, 0, "quotes in <{inside}>");
        assert!(!inside.contains("NaN") && !inside.contains("inf"), "<{inside}>");
        let fetches = [" src=", " href=", " onerror="].iter().any(|word| inside.contains(word));
        assert!(!fetches, "<{inside}>");
        if let Some(closed) = inside.strip_prefix('/') {
            assert_eq!(open.pop(), Some(closed), "closed in another order near {before:.80}");
        } else if !inside.ends_with('/') {
            let name = inside.split([' ', '\n']).next().unwrap();
            if name == "style" {
                rest = &rest[rest.find("</style>").unwrap()..];
            }
            open.push(name);
        }
    }
    assert!(open.is_empty(), "never closed: {open:?}");
    for (at, _) in text.match_indices('&') {
        let known = ["&amp;", "&lt;", "&gt;", "&quot;", "&#39;"];
        assert!(known.iter().any(|entity| text[at..].starts_with(entity)), "{}", &text[at..]);
    }
    text
}

/// The page without its images, which it holds itself.
fn without_pictures(page: &str) -> String {
    let (mut out, mut rest) = (String::new(), page);
    while let Some(start) = rest.find("<img ") {
        let tag = &rest[start..start + rest[start..].find("/>").expect("an end of the tag") + 2];
        let (_, source) = tag.split_once(" src=\"").expect("a source");
        let digits = source.strip_prefix("data:image/png;base64,").expect("of its own");
        let digits = digits.strip_suffix("\"/>").expect("the last attribute");
        assert!(digits.chars().all(|c| c.is_ascii_alphanumeric() || "+/=".contains(c)));
        out += &rest[..start];
        rest = &rest[start + tag.len()..];
    }
    out + rest
}

/// Nothing runs and nothing is fetched.
fn assert_offline(page: &str) {
    let page = without_pictures(page);
    for forbidden in ["<script", "<img", "<link", "<iframe", "<a ", "://", "url(", "@import"] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
}

struct Trained {
    _root: tempfile::TempDir,
    folder: RunFolder,
    outcome: Outcome,
}

impl Trained {
    fn page(&self) -> String {
        let page = report::page(&self.folder, &self.outcome, Words::English).unwrap();
        text_of(&page);
        assert_offline(&page);
        page
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.file(name)
    }
}

fn job(path: &Path, change: impl Fn(&mut RunConfig)) -> Job {
    let configure = |config: &RunConfig| -> Result<RunConfig, ConfigError> {
        let mut config = config.clone();
        config.model.hidden = vec![8];
        config.train.epochs = 4;
        change(&mut config);
        Ok(config)
    };
    Job::new(path.to_str().unwrap(), configure).unwrap()
}

fn train(name: &str, table: &str, change: impl Fn(&mut RunConfig)) -> Trained {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join(name);
    fs::write(&path, table).unwrap();
    let job = job(&path, change);
    let folder = RunFolder::create_at(&root.path().join("run"), &job.config).unwrap();
    let Ended { outcome, .. } = job.train(&folder, &mut |_| {}, &AtomicBool::new(false)).unwrap();
    Trained { _root: root, folder, outcome }
}

/// Three kinds that overlap, so that some rows are mistaken.
fn kinds() -> String {
    csv("size,weight,kind", 120, |i| {
        let kind = i % 3;
        let noise = (i * 7919 % 13) as f64 / 6.0;
        format!("{},{},{}", kind as f64 + noise, i % 5, ["ash", "birch", "cedar"][kind])
    })
}

#[test]
fn parameters_that_move_in_their_own_way_are_told() {
    let own = || vec![Chosen::new("fc1/*", Optimizer::MOMENTUM.with_lr(0.5))];
    let page = train("trees.csv", &kinds(), |config| config.train.optimizers = own()).page();
    assert!(page.contains("optimiser of fc1/*"), "no word of the chosen");
}

fn lengths() -> String {
    csv("width,height,length", 90, |i| {
        format!("{},{},{}", i % 10, i % 7, 3 * (i % 10) + i % 7 + i * 31 % 5 + 100)
    })
}

fn classes() -> Trained {
    train("trees.csv", &kinds(), |_| {})
}

fn numbers() -> Trained {
    train("boards.csv", &lengths(), |c| c.data.target = Some("length".into()))
}

#[test]
fn a_run_of_classes_ends_with_a_report_of_its_figures() {
    let run = classes();
    let page = fs::read_to_string(run.file("report.html")).unwrap();
    assert_eq!(page, run.page());
    let text = text_of(&page);
    assert!(text.contains("trees.csv · mlp") && text.contains("tells kind"), "{text}");

    // The same figures, counted here from predictions.csv.
    let table = fs::read_to_string(run.file("predictions.csv")).unwrap();
    let rows: Vec<Vec<&str>> =
        table.lines().skip(1).map(|line| line.split(',').collect()).collect();
    let right = rows.iter().filter(|row| row[1] == row[2]).count();
    assert!(text.contains(&format!("{right} of {}", rows.len())), "{text}");
    for (place, class) in ["ash", "birch", "cedar"].into_iter().enumerate() {
        let count = |f: &dyn Fn(&Vec<&str>) -> bool| rows.iter().filter(|r| f(r)).count() as f64;
        let hit = count(&|r| r[1] == class && r[2] == class);
        let (said, real) = (count(&|r| r[2] == class), count(&|r| r[1] == class));
        let share = |a: f64, b: f64| if b > 0.0 { format!("{:.3}", a / b) } else { "–".into() };
        let line = format!(
            "<th scope=\"row\"><bdi>{class}</bdi></th><td class=\"n\">{}</td><td class=\"n\">{}</td>",
            share(hit, said),
            share(hit, real)
        );
        assert!(page.contains(&line), "class {place}: {line}");
    }
    if let Some(wrong) = rows.iter().find(|row| row[1] != row[2]) {
        assert!(page.contains(&format!("<th scope=\"row\" class=\"n\">{}</th>", wrong[0])));
    }
    for part in ["fc1", "weight 2 × 8, bias 8", "hidden = [8]", "category", "seed"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!(page.matches("<svg").count(), 3, "loss, accuracy, gradients by layer");
}

#[test]
fn two_classes_have_their_curves_with_the_areas_of_the_figures() {
    let pair = csv("size,weight,kind", 160, |i| {
        let noise = (i * 7919 % 13) as f64 / 6.0;
        format!("{},{},{}", (i % 2) as f64 + noise, i % 5, ["ash", "birch"][i % 2])
    });
    let run = train("trees.csv", &pair, |_| {});
    let page = run.page();
    assert_eq!(page.matches("<svg").count(), 5, "loss, accuracy, gradients, ROC, precision–recall");
    for (name, figure) in [("area", "roc_auc"), ("average precision", "average_precision")] {
        let figure = run.outcome.metrics[figure];
        assert!(page.contains(&format!("{name} {figure:.4}")), "{name} {figure}");
    }
    // The verdict's kind is its heading, and each of its sentences stands on the page.
    let verdict = run.outcome.verdict.as_ref().unwrap().to_string().to_lowercase();
    let text = text_of(&page).replace('\u{a0}', " ").to_lowercase();
    let (kind, said) = verdict.split_once(": ").unwrap();
    assert!(page.contains(&format!("class=\"verdict {kind}\"")), "{kind}");
    assert!(said.split(". ").all(|sentence| text.contains(sentence)), "{said}");
}

#[test]
fn a_run_of_numbers_shows_predictions_and_residuals() {
    let run = numbers();
    let page = run.page();
    let text = text_of(&page);
    let mae = run.outcome.metrics["mae"];
    let digits = (3 - mae.log10().floor() as i32).max(0) as usize;
    assert!(text.contains(&format!("{mae:.digits$}")), "{mae}: {text}");
    assert!(text.contains("observed length") && text.contains("predicted = observed"), "{text}");
    let points = page.matches("<circle class=\"point\"").count();
    assert_eq!(points, run.outcome.rows + 1, "each row, and the legend's");
    assert_eq!(page.matches("<svg").count(), 5);
}

#[test]
fn the_same_files_give_the_same_bytes() {
    let run = classes();
    let first = fs::read(run.file("report.html")).unwrap();
    let outcome = Job::evaluate(&run.folder).unwrap();
    let path = report::write(&run.folder, &outcome).unwrap();
    assert_eq!(path, run.file("report.html"));
    assert!(fs::read(path).unwrap() == first, "the seconds of an evaluation are not in it");
}

#[test]
fn hostile_names_stay_text() {
    let table = csv("\"</title><script>alert(1)</script>\",\"a\"\"&b\",<b>kind", 90, |i| {
        let class = ["\"><img src=x onerror=alert(1)>", "{{7*7}} & 'x'", "\u{202e}right"][i % 3];
        format!("{},{},\"{}\"", i % 3 * 10 + i % 4, i % 5, class.replace('"', "\"\""))
    });
    let run = train("a&b'.csv", &table, |config| config.data.target = Some("<b>kind".into()));
    let page = run.page();
    assert!(page.contains("&lt;/title&gt;&lt;script&gt;alert(1)&lt;/script&gt;"));
    assert!(page.contains("&quot;&gt;&lt;img src=x"));
    assert!(page.contains("a&amp;b&#39;.csv · mlp"));
    assert!(!page.contains("<b>kind"));
}

#[test]
fn a_report_of_very_many_rows_stays_small() {
    let run = classes();
    let names = ["ash", "birch", "cedar"];
    let line =
        |i: usize| format!("{i},{},{},0.{}", names[i % 3], names[i * i % 7 % 3], i % 90 + 10);
    fs::write(run.file("predictions.csv"), csv("row,observed,predicted,probability", 10_000, line))
        .unwrap();
    assert!(run.page().len() < 100_000);

    let run = numbers();
    let line = |i: usize| format!("{i},{}.5,{},", i * 7919 % 1000, i * 104_729 % 1000);
    fs::write(run.file("predictions.csv"), csv("row,observed,predicted,probability", 60_000, line))
        .unwrap();
    let page = run.page();
    assert!(page.len() < 500_000, "{}", page.len());
    assert!(text_of(&page).contains("of 60,000 rows"));

    // And of 1,000 classes and 20,000 epochs.
    let run = classes();
    let classes: Vec<String> = (0..1_000).map(|i| format!("class {i}")).collect();
    let mut data = run.folder.data().unwrap();
    data["task"]["classes"] = json!(classes);
    run.folder.set_data(&data).unwrap();
    let line = |i: usize| format!("{i},class {},class {},0.5", i % 1000, i * i % 1000);
    fs::write(run.file("predictions.csv"), csv("row,observed,predicted,probability", 10_000, line))
        .unwrap();
    let epoch = |i: usize| {
        let loss = 1.0 / (1.0 + i as f64);
        json!({"epoch": i + 1, "step": i + 1, "train_loss": loss, "seconds": 0.1,
            "valid": {"loss": loss, "accuracy": 0.5}})
        .to_string()
    };
    let log: String = (0..20_000).map(|i| epoch(i) + "\n").collect();
    fs::write(run.file("metrics.jsonl"), log).unwrap();
    let page = run.page();
    assert!(page.len() < 200_000, "{}", page.len());
    assert!(text_of(&page).contains("1,000 classes are too many"));
}

#[test]
fn without_a_validation_part_the_curves_are_the_training_parts() {
    let run = train("trees.csv", &kinds(), |config| config.data.split.valid = Some(0.0));
    let text = text_of(&run.page());
    assert!(text.contains("accuracy by epoch, training part"), "{text}");
    assert!(!text.contains("validation loss") && !text.contains("best: epoch"), "{text}");

    let run = train("trees.csv", &kinds(), |config| {
        (config.data.split.valid, config.data.split.test) = (Some(0.0), Some(0.0));
    });
    assert!(text_of(&run.page()).contains("No rows were held out"));
}

#[test]
fn one_epoch_is_a_point() {
    let run = train("trees.csv", &kinds(), |config| config.train.epochs = 1);
    let page = run.page();
    assert!(page.contains("<circle class=\"first\"") && page.contains("<circle class=\"second\""));
}

#[test]
fn curves_that_are_constant_zero_or_not_finite_are_drawn() {
    let run = classes();
    let values = [json!(0.5), json!(0.0), json!(1e300), json!("NaN"), json!("inf"), json!(5e-324)];
    for first in &values {
        for then in &values {
            let line = |(epoch, loss): (usize, &serde_json::Value)| {
                json!({"epoch": epoch + 1, "step": epoch + 1, "train_loss": loss, "seconds": null,
                    "valid": {"loss": loss, "accuracy": if loss.is_string() { json!(null) } else { json!(1.0) }}})
                .to_string() + "\n"
            };
            let log: String = [first, then, then].into_iter().enumerate().map(line).collect();
            fs::write(run.file("metrics.jsonl"), log).unwrap();
            run.page();
        }
    }
    fs::write(run.file("metrics.jsonl"), "").unwrap();
    assert!(text_of(&run.page()).contains("No epoch was finished"));
}

#[test]
fn predictions_that_are_all_alike_or_not_finite_are_drawn() {
    let run = numbers();
    for rows in [
        "1,3,3,\n2,3,3,\n",
        "1,0,0,\n",
        "1,1e300,-1e300,\n",
        "1,NaN,2,\n2,3,inf,\n",
        "1,1e-320,2e-320,\n",
        "",
    ] {
        let table = format!("row,observed,predicted,probability\n{rows}");
        fs::write(run.file("predictions.csv"), table).unwrap();
        run.page();
    }
    let trees = classes();
    fs::write(trees.file("predictions.csv"), "row,observed,predicted,probability\n1,ash,ash,NaN\n")
        .unwrap();
    assert!(text_of(&trees.page()).contains("None: every row is right."));
}

#[test]
fn what_cannot_be_read_or_written_is_named() {
    let run = classes();
    let table = "row,observed,predicted,probability\n1,ash,oak,0.5\n";
    fs::write(run.file("predictions.csv"), table).unwrap();
    let error = report::write(&run.folder, &run.outcome).unwrap_err().to_string();
    assert!(error.contains("predictions.csv: prediction 1: there is no class `oak`"), "{error}");
    fs::remove_file(run.file("predictions.csv")).unwrap();
    assert!(text_of(&run.page()).contains("no predictions.csv"));

    fs::remove_file(run.file("report.html")).unwrap();
    fs::create_dir(run.file("report.html")).unwrap();
    let error = report::write(&run.folder, &run.outcome).unwrap_err().to_string();
    assert!(error.contains("report.html: cannot write"), "{error}");
}

#[test]
fn an_interrupted_run_has_no_report_yet() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("trees.csv");
    fs::write(&path, kinds()).unwrap();
    let job = job(&path, |_| {});
    let folder = RunFolder::create_at(&root.path().join("run"), &job.config).unwrap();
    job.train(&folder, &mut |_| {}, &AtomicBool::new(true)).unwrap();
    assert!(!folder.file("report.html").exists());
    drop(folder);
    let folder = RunFolder::resume(&root.path().join("run")).unwrap();
    Job::resume(&folder, &mut |_| {}, &AtomicBool::new(false)).unwrap();
    text_of(&fs::read_to_string(folder.file("report.html")).unwrap());
}

#[test]
fn several_targets_have_a_section_and_figures_each() {
    let table = csv("x,height,weight", 90, |row| {
        let x = (row * 37 % 90) as f64 / 10.0;
        format!("{x},{},{}", 3.0 * x + 7.0, 500.0 - 40.0 * x)
    });
    let run = train("trees.csv", &table, |config| {
        config.data.target = Some("height, weight".into());
        config.train.l2 = 0.001;
    });
    let page = run.page();
    for heading in ["Predictions of height", "Predictions of weight"] {
        assert_eq!(page.matches(&format!("<h2>{heading}</h2>")).count(), 1, "{heading}");
    }
    let text = text_of(&page);
    assert!(text.contains("height, weight, numbers"), "{text}");
    assert!(text.contains("times Σw², added to the loss"));
    assert!(text.contains("Below, each figure is the mean over the targets"));
}
