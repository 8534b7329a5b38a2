//! S4 and S15: windows of a table, divided in time or by persons, beside the simplest forecasts.
#![allow(clippy::unwrap_used, clippy::panic)] // In tests; clippy exempts only the test functions themselves.

use std::fmt::Write;

use glassbox::data::{
    Dataset, Label, Options, Past, RawTable, SeriesOptions, TargetsMut, activity, from_csv,
};
use glassbox::nn::{Activation, Module};
use glassbox::train::config::RunConfig;
use glassbox::train::{Detail, Guess, Job};

fn options(target: &str, series: SeriesOptions) -> Options {
    Options { target: Some(target.into()), series, ..Options::default() }
}

fn forecast(horizon: usize, window: usize) -> SeriesOptions {
    SeriesOptions {
        time: Some("t".into()),
        horizon: Some(horizon),
        window: Some(window),
        ..SeriesOptions::default()
    }
}

/// `t,y`, y = t for 20 rows.
fn counted(rows: usize) -> String {
    (0..rows).fold("t,y\n".to_owned(), |text, t| text + &format!("{t},{}\n", 10 * t))
}

/// The inputs and targets of a row, in their own units.
fn row(data: &Dataset, part: &glassbox::data::Rows, row: usize) -> (Vec<f64>, Vec<f64>) {
    let mut inputs = vec![0.0; part.width()];
    let mut targets = vec![0.0; part.outputs()];
    part.gather(&[row], &mut inputs, TargetsMut::Values(&mut targets)).unwrap();
    let target = &data.preparation.target;
    let own = |x: &f32| target.unscale_output(0, f64::from(*x)).round();
    (inputs.iter().map(own).collect(), targets.iter().map(own).collect())
}

#[test]
fn windows_and_what_comes_next_by_hand() {
    // 20 rows: 14 to train on, 3, 3.
    let data = from_csv("a.csv", counted(20).as_bytes(), &options("y", forecast(2, 3))).unwrap();
    assert_eq!(data.input.shape, [3, 1]);
    // Windows begin at rows 0 to 9: the last is 9, 10, 11 and what comes next 12, 13.
    assert_eq!(data.train.len(), 10);
    assert_eq!(row(&data, &data.train, 0), (vec![0.0, 10.0, 20.0], vec![30.0, 40.0]));
    assert_eq!(row(&data, &data.train, 9), (vec![90.0, 100.0, 110.0], vec![120.0, 130.0]));
    // What is told of the later parts lies in them; what they are told from may lie before.
    assert_eq!((data.valid.len(), data.test.len()), (2, 2));
    assert_eq!(row(&data, &data.valid, 0), (vec![110.0, 120.0, 130.0], vec![140.0, 150.0]));
    assert_eq!(row(&data, &data.test, 1), (vec![150.0, 160.0, 170.0], vec![180.0, 190.0]));
    // A row is known by its last one.
    assert_eq!(data.train.source_row(0), Some(3));
    assert_eq!(data.preparation.target.output_names(), ["y +1", "y +2"]);
    // Scaled by the training part alone: mean of 0, 10 … 130.
    assert!((data.preparation.target.unscale(0.0) - 65.0).abs() < 1e-9);
}

#[test]
fn nothing_that_comes_later_is_known_while_training() {
    let mut changed = String::from("t,y\n");
    for t in 0..40 {
        // Beyond the training part everything is other.
        let y = if t < 28 { 10 * t } else { 1_000_000 - 77 * t };
        let _ = writeln!(changed, "{t},{y}");
    }
    let options = options("y", forecast(3, 5));
    let a = from_csv("a.csv", counted(40).as_bytes(), &options).unwrap();
    let b = from_csv("b.csv", changed.as_bytes(), &options).unwrap();
    assert_eq!(a.preparation, b.preparation);
    assert_eq!(a.train.len(), b.train.len());
    for at in 0..a.train.len() {
        assert_eq!(row(&a, &a.train, at), row(&b, &b.train, at));
    }
    let ends = |data: &Dataset| row(data, &data.train, data.train.len() - 1).1;
    assert_eq!(ends(&a), [250.0, 260.0, 270.0]);
}

#[test]
fn several_columns_are_read_where_asked_for() {
    let text = (0..60).fold("t,y,x,name\n".to_owned(), |text, t| {
        text + &format!("{t},{},{}.5,{}\n", t * t, t % 7, ["a", "b"][t % 2])
    });
    let own = from_csv("a.csv", text.as_bytes(), &options("y", forecast(1, 4))).unwrap();
    assert_eq!(own.input.shape, [4, 1]);
    let notice = "only the past of what is forecast is read: data.series.past = \"all\" reads `x`, `name`, too";
    assert!(own.notices.iter().any(|n| n.starts_with(notice)), "{:?}", own.notices);
    let all = SeriesOptions { past: Some(Past::All), ..forecast(2, 4) };
    let all = from_csv("a.csv", text.as_bytes(), &options("y", all)).unwrap();
    // y, x, name=a, name=b.
    assert_eq!(all.input.shape, [4, 4]);
    // Several targets: many to many, step by step.
    let both = from_csv("a.csv", text.as_bytes(), &options("y, x", forecast(2, 4))).unwrap();
    assert_eq!(both.preparation.target.output_names(), ["y +1", "x +1", "y +2", "x +2"]);
    let (last, _) = both.train.simplest_forecasts().unwrap();
    let near = |a: f64, b: f64| (a - b).abs() < 1e-3;
    // Row 3: 9 and 3.5.
    assert!(near(last[0], 9.0) && near(last[1], 3.5) && near(last[2], 9.0), "{:?}", &last[..4]);
}

#[test]
fn what_is_missing_keeps_the_value_before_but_is_not_to_be_told() {
    let text = "t,y\n0,1\n1,2\n2,\n3,4\n4,5\n5,6\n6,7\n7,8\n8,9\n9,10\n";
    let mut all = options("y", forecast(1, 2));
    (all.valid, all.test) = (Some(0.0), Some(0.0));
    let data = from_csv("a.csv", text.as_bytes(), &all).unwrap();
    // Windows that would tell row 2 are left out: 0–1.
    assert_eq!(data.train.len(), 7);
    let first: Vec<f64> = {
        let mut inputs = vec![0.0; data.train.width()];
        data.train.gather_inputs(&[0], &mut inputs).unwrap();
        let own = |x: &f32| data.preparation.target.unscale(f64::from(*x)).round();
        // y and its mark, twice.
        vec![own(&inputs[0]), own(&inputs[2])]
    };
    assert_eq!(first, [2.0, 2.0]);
    let kept = "column `y`: 1 row without a value keep the one before";
    assert!(data.notices.iter().any(|n| n == kept), "{:?}", data.notices);
}

#[test]
fn no_window_reaches_across_a_gap() {
    let mut text = String::from("t,y\n");
    for t in (0..10).chain(20..30) {
        let _ = writeln!(text, "{t},{t}");
    }
    let mut all = options("y", forecast(1, 3));
    (all.valid, all.test) = (Some(0.0), Some(0.0));
    let data = from_csv("a.csv", text.as_bytes(), &all).unwrap();
    assert_eq!(data.train.len(), 2 * 7);
    assert!(
        data.notices.iter().any(|n| n.contains("1 gap (10 rows before 20)")),
        "{:?}",
        data.notices
    );
}

#[test]
fn the_simplest_forecasts_by_hand() {
    // 0 1 2 3 again and again, 4 more each time.
    let text =
        (0..40).fold("t,y\n".to_owned(), |text, t| text + &format!("{t},{}\n", t % 4 + t / 4));
    let series = SeriesOptions { season: Some(4), ..forecast(3, 8) };
    let data = from_csv("a.csv", text.as_bytes(), &options("y", series)).unwrap();
    let (last, seasonal) = data.train.simplest_forecasts().unwrap();
    let round = |numbers: &[f64]| numbers.iter().map(|x| x.round()).collect::<Vec<_>>();
    // Window 0–7: … 1 2 3 4; what comes next is 2 3 4.
    assert_eq!(round(&last[..3]), [4.0, 4.0, 4.0]);
    assert_eq!(round(&seasonal.unwrap()[..3]), [1.0, 2.0, 3.0]);
    assert_eq!(round(&data.train.values().unwrap()[..3]), [2.0, 3.0, 4.0]);
}

#[test]
fn a_season_is_found_in_the_training_part() {
    let text = (0..200).fold("t,y\n".to_owned(), |text, t| {
        text + &format!("{t},{}\n", [3, 9, 4, 1, 0, 2][t % 6] + t / 10)
    });
    let series = SeriesOptions { window: None, ..forecast(2, 0) };
    let data = from_csv("a.csv", text.as_bytes(), &options("y", series)).unwrap();
    let series = data.preparation.inputs.series().unwrap();
    assert_eq!(series.season, Some(6));
    // An eighth of the training part.
    assert_eq!(series.window, 17);
}

#[test]
fn a_window_has_a_class_and_a_person_is_in_one_part() {
    let mut text = String::from("who,x,does\n");
    for who in 0..6 {
        for t in 0..20 {
            let _ = writeln!(
                text,
                "p{who},{}.5,{}",
                (t * 7 + who) % 5,
                if t < 9 { "sit" } else { "go" }
            );
        }
    }
    let series = SeriesOptions {
        group: Some("who".into()),
        window: Some(4),
        stride: Some(4),
        ..SeriesOptions::default()
    };
    let with = |label| SeriesOptions { label: Some(label), ..series.clone() };
    let data = from_csv("a.csv", text.as_bytes(), &options("does", with(Label::Majority))).unwrap();
    assert_eq!(data.input.shape, [4, 1]);
    // Windows 0–3, 4–7: sit; 8–11: one of four; 12 …: go. `go` is class 0.
    let labels = data.train.labels().unwrap();
    assert_eq!(labels[..5], [1, 1, 0, 0, 0]);
    let person = |rows: &glassbox::data::Rows| {
        let mut people: Vec<usize> = rows.source_rows().iter().map(|row| (row - 1) / 20).collect();
        people.dedup();
        people
    };
    let parts = [&data.train, &data.valid, &data.test].map(person);
    assert_eq!(parts.iter().map(Vec::len).collect::<Vec<_>>(), [4, 1, 1]);
    let mut all = parts.concat();
    all.sort_unstable();
    assert_eq!(all, [0, 1, 2, 3, 4, 5]);
    // The window 4–7 … 8: with stride 5 the third one ends in `go` and begins in `sit`.
    let last = SeriesOptions { stride: Some(3), ..with(Label::Last) };
    let data = from_csv("a.csv", text.as_bytes(), &options("does", last)).unwrap();
    // Windows end at 3, 6, 9, 12, 15, 18.
    assert_eq!(data.train.labels().unwrap()[..6], [1, 1, 0, 0, 0, 0]);
}

#[test]
fn what_cannot_be_a_series_says_why() {
    let error = |text: &str, target: &str, series: SeriesOptions| {
        from_csv("a.csv", text.as_bytes(), &options(target, series)).unwrap_err().to_string()
    };
    let table = counted(30);
    let at = |time: &str| SeriesOptions { time: Some(time.into()), ..forecast(1, 3) };
    let found = error(&table, "y", at("tt"));
    assert!(found.contains("no column `tt` to tell the time") && found.contains("`t`"), "{found}");
    let found = error(&table, "t", forecast(1, 3));
    assert!(found.contains("cannot be the target"), "{found}");
    let found = error(&table, "y", forecast(5, 40));
    assert!(found.contains("more than the 30 rows"), "{found}");
    let found = error(&table, "y", forecast(8, 18));
    assert!(found.contains("fewer than a window of 18 and a horizon of 8"), "{found}");
    let found = error("t,y\n1,1\n2,2\n2,3\n3,4\n", "y", forecast(1, 1));
    assert!(found.contains("line 4") && found.contains("line 3, too"), "{found}");
    let classes =
        (0..30).fold("t,y\n".to_owned(), |text, t| text + &format!("{t},{}\n", ["a", "b"][t / 15]));
    let found = error(&classes, "y", forecast(1, 3));
    assert!(found.contains("a class has no horizon"), "{found}");
    let label = SeriesOptions { label: Some(Label::Last), ..at("t") };
    let found = error(&table, "y", SeriesOptions { horizon: None, ..label });
    assert!(found.contains("leave --label out"), "{found}");
    let group =
        SeriesOptions { group: Some("y".into()), window: Some(3), ..SeriesOptions::default() };
    let two = (0..30).fold("x,y,c\n".to_owned(), |text, t| {
        text + &format!("{t},{},{}\n", ["a", "b"][t / 15], ["u", "v"][t % 2])
    });
    let found = error(&two, "c", group);
    assert!(found.contains("2 groups") && found.contains("3 parts"), "{found}");
}

#[test]
fn settings_of_a_series_are_written_and_read() {
    let text = "[data]\npath = \"a.csv\"\n[data.series]\ntime = [\"year\", \"month\"]\nhorizon = 12\n\
                window = 24\nlabel = \"last\"\npast = \"all\"\nfrom_last = false\ncalendar = true\n";
    let config = RunConfig::from_toml(text, &["season=7".into(), "group=who".into()]).unwrap();
    let series = &config.data.series;
    assert_eq!(series.time.as_deref(), Some("year, month"));
    assert_eq!((series.horizon, series.window, series.season), (Some(12), Some(24), Some(7)));
    assert_eq!((series.label, series.past), (Some(Label::Last), Some(Past::All)));
    assert_eq!(RunConfig::from_toml(&config.to_toml(), &[]).unwrap(), config);
    let plain = RunConfig::new("iris");
    assert_eq!(RunConfig::from_toml(&plain.to_toml(), &[]).unwrap(), plain);
    let error = RunConfig::from_toml(text, &["data.series.horizon=0".into(), "label=most".into()]);
    let error = error.unwrap_err().to_string();
    assert!(error.contains("at least 1") && error.contains("majority, last"), "{error}");
}

/// A wave on a trend, with months as time.
fn wave() -> String {
    (0..180).fold("month,sales\n".to_owned(), |text, t| {
        let season = (f64::from(t) / 12.0 * std::f64::consts::TAU).sin();
        text + &format!(
            "{}-{:02},{:.3}\n",
            2000 + t / 12,
            t % 12 + 1,
            100.0 + f64::from(t) + 20.0 * season
        )
    })
}

#[test]
fn a_forecast_beats_the_guesses_and_goes_on_after_the_end() {
    let folder = std::env::temp_dir().join(format!("glassbox-series-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("sales.csv");
    std::fs::write(&file, wave()).unwrap();
    let settings =
        ["data.series.time=month", "horizon=6", "target=sales", "threads=1", "watch.every=0"]
            .map(String::from);
    let job = Job::new(file.to_str().unwrap(), |base| base.set(&settings)).unwrap();
    assert_eq!(job.data.preparation.inputs.series().unwrap().season, Some(12));
    assert!(job.config.model.hidden.is_empty());
    let run = folder.join("run");
    let run = glassbox::train::folder::RunFolder::create_at(&run, &job.config).unwrap();
    let stop = std::sync::atomic::AtomicBool::new(false);
    let ended = job.train(&run, &mut |_| {}, &stop).unwrap();
    let Detail::Forecast { forecast } = &ended.outcome.detail else { panic!("no forecast") };
    assert_eq!(
        (forecast.horizon, forecast.season, forecast.better),
        (6, Some(12), Guess::Seasonal)
    );
    // A season before is 12 less: the trend.
    assert!((forecast.seasonal.unwrap().mae - 12.0).abs() < 0.01, "{forecast:?}");
    assert!(forecast.gain() > 0.5, "{forecast:?}");
    let baseline = ended.outcome.baseline["mae"];
    assert!((baseline - forecast.seasonal.unwrap().mae).abs() < 1e-3);
    assert_eq!(forecast.steps.len(), 6);
    // The rolling forecast has each time once, the last row of the file last.
    let (name, rolled) = &forecast.rolling[0];
    assert_eq!((name.as_str(), rolled.last().unwrap().time.as_str()), ("sales", "2014-12"));
    assert_eq!(rolled.len() % 6, 0);
    let times: std::collections::BTreeSet<&str> =
        rolled.iter().map(|row| row.time.as_str()).collect();
    assert_eq!(times.len(), rolled.len());
    let page = std::fs::read_to_string(run.file("report.html")).unwrap();
    assert!(page.contains("Rolling forecast of sales") && page.contains("12 rows before"));
    assert!(run.file("forecast.csv").exists());
    // After the end.
    let model = glassbox::Model::load(run.path()).unwrap();
    let told = model.predict(&RawTable::from_path(&file).unwrap()).unwrap();
    assert_eq!((told.rows.len(), told.stretches.len()), (1, 1));
    let times = ["2015-01", "2015-02", "2015-03", "2015-04", "2015-05", "2015-06"];
    assert_eq!(told.stretches[0].times, times);
    let glassbox::train::Prediction::Numbers { values } = &told.rows[0] else { panic!() };
    for (step, value) in values.iter().enumerate() {
        let t = 180.0 + step as f64;
        let truth = 100.0 + t + 20.0 * (t / 12.0 * std::f64::consts::TAU).sin();
        assert!((value - truth).abs() < 6.0, "step {step}: {value} for {truth}");
    }
    // Too few rows, and another column's name.
    let few: String = wave().lines().take(5).map(|line| format!("{line}\n")).collect();
    let error =
        model.predict(&RawTable::from_bytes("few.csv", few.as_bytes()).unwrap()).unwrap_err();
    assert!(error.to_string().contains("no window of"), "{error}");
    let other = wave().replace("sales", "sale");
    let error =
        model.predict(&RawTable::from_bytes("b.csv", other.as_bytes()).unwrap()).unwrap_err();
    assert!(error.to_string().contains("no column `sales`"), "{error}");
    std::fs::remove_dir_all(&folder).ok();
}

#[test]
fn every_kind_of_model_reads_windows() {
    let folder = std::env::temp_dir().join(format!("glassbox-kinds-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("sales.csv");
    std::fs::write(&file, wave()).unwrap();
    for (kind, parameters) in
        [("rnn", 32 + 32 * 32 + 64 + 32 * 2 + 2), ("gru", 3 * (32 + 32 * 32 + 64) + 66)]
    {
        let settings = [
            "data.series.time=month".to_owned(),
            "horizon=2".into(),
            "target=sales".into(),
            format!("model.kind={kind}"),
        ];
        let job = Job::new(file.to_str().unwrap(), |base| base.set(&settings)).unwrap();
        let found =
            glassbox::lesson::count(&job.data.input.shape, |at, x| job.model.forward(at, x));
        assert_eq!(found.unwrap().parameters, parameters, "{kind}");
    }
    for kind in ["lstm", "convolution", "attention", "mlp"] {
        let settings = [
            "data.series.time=month".to_owned(),
            "horizon=2".into(),
            "target=sales".into(),
            format!("model.kind={kind}"),
        ];
        let job = Job::new(file.to_str().unwrap(), |base| base.set(&settings)).unwrap();
        assert_eq!(job.model.name(), kind);
    }
    std::fs::remove_dir_all(&folder).ok();
}

#[test]
fn made_up_sensors_are_the_same_each_time_and_divided_by_person() {
    let (a, b) = (activity(6, 7).unwrap(), activity(6, 7).unwrap());
    assert_eq!(a.fingerprint, b.fingerprint);
    assert_ne!(a.fingerprint, activity(6, 8).unwrap().fingerprint);
    // 1,200 rows a person.
    let people = |rows: &glassbox::data::Rows| {
        let mut people: Vec<usize> =
            rows.source_rows().iter().map(|row| (row - 1) / 1200).collect();
        people.dedup();
        people
    };
    let mut all = [&a.train, &a.valid, &a.test].map(people).concat();
    all.sort_unstable();
    assert_eq!(all, [0, 1, 2, 3, 4, 5]);
    assert!(activity(2, 7).is_err());
    // Nobody said which model: filters over time.
    let job = Job::new("activity", |base| Ok(base.clone())).unwrap();
    assert_eq!(job.model.name(), "convolution");
    let job = Job::new("activity", |base| base.set(&["model.kind=mlp".into()])).unwrap();
    assert_eq!((job.model.name(), &job.config.model.hidden[..]), ("mlp", &[64, 32][..]));
    assert_eq!(job.config.model.activation, Activation::Relu);
}
