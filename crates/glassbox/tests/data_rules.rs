//! Rules of preparation, dates, weights and several targets.
#![allow(clippy::unwrap_used)] // In tests; clippy exempts only the test functions themselves.

use crate::support;

use glassbox::data::{
    DataError, Dataset, Impute, Method, Options, Preparation, RawTable, Rule, Targets, TargetsMut,
    from_csv,
};
use support::{csv, message};

fn rule(columns: &str, with: Option<Method>, impute: Option<Impute>) -> Rule {
    Rule { columns: columns.into(), with, impute, outliers: None }
}

/// All rows train, so that expected values can be worked out by hand.
fn load(text: &str, target: &str, rules: Vec<Rule>) -> Result<Dataset, DataError> {
    let target = Some(target.into());
    let (valid, test) = (Some(0.0), Some(0.0));
    from_csv(
        "t.csv",
        text.as_bytes(),
        &Options { target, valid, test, rules, ..Options::default() },
    )
}

fn apply(dataset: &Dataset, text: &str) -> Vec<f32> {
    let table = RawTable::from_bytes("new.csv", text.as_bytes()).unwrap();
    dataset.preparation.apply(&table).unwrap().matrix
}

const SMALL: &str =
    "x,size,y\n0,small,1.5\n1,large,2.5\n1,medium,3.5\n2,small,4.5\n96,small,5.5\n,,6.5\n";

#[test]
fn later_rules_win_and_say_only_what_they_say() {
    let rules = vec![
        rule("numeric", Some(Method::MinMax), Some(Impute::Mean)),
        rule("x", Some(Method::Robust), None),
    ];
    let dataset = load(SMALL, "y", rules).unwrap();
    // Median 1, quartiles 1 and 2, mean 20; categories large, medium, small and missing.
    let matrix = apply(&dataset, "x,size\n3,large\n,medium\n");
    assert_eq!(matrix[..6], [2.0, 0.0, 1.0, 0.0, 0.0, 0.0]);
    assert_eq!(matrix[6..], [19.0, 1.0, 0.0, 1.0, 0.0, 0.0]);
}

#[test]
fn constants_and_the_most_frequent_value_fill_gaps() {
    let rules = vec![
        rule("x", Some(Method::None), Some(Impute::Constant(-1.0))),
        rule("size", None, Some(Impute::MostFrequent)),
    ];
    let dataset = load(SMALL, "y", rules).unwrap();
    assert_eq!(
        dataset.input.features,
        ["x", "x_missing", "size=large", "size=medium", "size=small"]
    );
    assert_eq!(apply(&dataset, "x,size,other\n,,1\n"), [-1.0, 1.0, 0.0, 0.0, 1.0]);
}

#[test]
fn ordinal_categories_are_places_from_0_to_1() {
    let dataset = load(SMALL, "y", vec![rule("category", Some(Method::Ordinal), None)]).unwrap();
    assert_eq!(dataset.input.features, ["x", "x_missing", "size", "size_missing"]);
    let place = |text: &str| apply(&dataset, &format!("x,size\n0,{text}\n"))[2..].to_vec();
    assert_eq!((place("large"), place("medium")), (vec![0.0, 0.0], vec![0.5, 0.0]));
    // A missing one is the most frequent, an unknown one in the middle.
    assert_eq!((place(""), place("huge")), (vec![1.0, 1.0], vec![0.5, 0.0]));
}

#[test]
fn rows_without_a_value_are_dropped_where_a_rule_says_so() {
    let dataset = load(SMALL, "y", vec![rule("x", None, Some(Impute::Drop))]).unwrap();
    assert_eq!(dataset.train.source_rows(), [1, 2, 3, 4, 5]);
    assert_eq!(dataset.input.features[..2], ["x", "size=large"]);
    assert!(dataset.notices.iter().any(|n| n == "1 row without a value of `x` dropped"));
    let all = "x,z,y\n,1,1.5\n,2,2.5\n1,,3.5\n2,,4.5\n";
    let rules = vec![rule("numeric", None, Some(Impute::Drop))];
    assert!(message(load(all, "y", rules)).contains("no row is left"));
}

#[test]
fn rules_that_do_not_fit_are_all_named() {
    let rules = vec![
        rule("x", Some(Method::OneHot), None),
        rule("size", Some(Method::Robust), Some(Impute::Median)),
        rule("sise", None, None),
    ];
    let text = message(load(SMALL, "y", rules));
    for part in [
        "column `x`: `one_hot` does not suit a number",
        "column `size`: `robust` does not suit a category",
        "missing values of a category cannot become median",
        "there is no column `sise`",
        "did you mean `size`?",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn the_scale_of_the_target_can_be_asked_for() {
    let dataset = load(SMALL, "y", vec![rule("y", Some(Method::MinMax), None)]).unwrap();
    let Targets::Values(values) = dataset.train.targets() else { unreachable!() };
    assert_eq!(values, [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]);
    assert_eq!(
        dataset.train.values().unwrap()[1],
        dataset.preparation.target.unscale(f64::from(0.2f32))
    );
}

#[test]
fn dates_become_days_and_the_parts_that_come_round_again() {
    // Two months, all Mondays and Tuesdays, no times.
    let dates = ["2024-01-01", "2024-01-02", "2024-02-05", "2024-02-06"];
    let text = csv("when,y", 40, |row| format!("{},{row}.5", dates[row % 4]));
    let dataset = load(&text, "y", vec![rule("when", Some(Method::None), None)]).unwrap();
    let parts =
        ["when", "when_month_sin", "when_month_cos", "when_weekday_sin", "when_weekday_cos"];
    assert_eq!(dataset.input.features, parts);
    let row = apply(&dataset, "when\n2024-04-01 12:00\n");
    // 2024-04-01 is day 19,814; April is a quarter round; it was a Monday.
    assert_eq!((row[0], row[3], row[4]), (19_814.5, 0.0, 1.0));
    assert!((row[1] - 1.0).abs() < 1e-6 && row[2].abs() < 1e-6);
    let table = RawTable::from_bytes("new.csv", b"when\n01.02.2024\n").unwrap();
    let text = message(dataset.preparation.apply(&table));
    assert!(text.contains("row 1: `01.02.2024` is not a date as training had them"), "{text}");
    let json = serde_json::to_string(&dataset.preparation).unwrap();
    assert_eq!(serde_json::from_str::<Preparation>(&json).unwrap(), dataset.preparation);
}

#[test]
fn the_whole_column_decides_which_way_round_dates_are() {
    let column = |dates: [&str; 4]| {
        let text = csv("when,y", 40, |row| format!("{},{row}.5", dates[row % 4]));
        let dataset = load(&text, "y", vec![rule("when", Some(Method::None), None)]).unwrap();
        let (mut first, mut y) = (vec![0.0; dataset.train.width()], [0.0]);
        dataset.train.gather(&[0], &mut first, TargetsMut::Values(&mut y)).unwrap();
        let said = dataset.notices.iter().any(|n| n.contains("day and month could be either way"));
        (first[0], said)
    };
    // 1 February 2024 is day 19,754, 2 January day 19,724.
    assert_eq!(column(["01/02/2024", "13/02/2024", "02/02/2024", "03/02/2024"]), (19_754.0, false));
    assert_eq!(column(["01/02/2024", "01/13/2024", "02/02/2024", "03/02/2024"]), (19_724.0, false));
    assert_eq!(column(["01/02/2024", "01/03/2024", "02/02/2024", "03/02/2024"]), (19_754.0, true));
    assert_eq!(column(["01.02.2024", "01.03.2024", "02.02.2024", "03.02.2024"]), (19_754.0, false));
}

#[test]
fn several_numbers_can_be_told_at_once() {
    let text = csv("x,a,b", 40, |row| format!("{row},{}.5,{}.25", row * 2, 1000 - row));
    let dataset = load(&text, "a, b", vec![]).unwrap();
    assert_eq!(dataset.train.outputs(), 2);
    assert_eq!(dataset.input.features, ["x"]);
    let (mut x, mut y) = ([0.0; 2], [0.0; 4]);
    dataset.train.gather(&[3, 5], &mut x, TargetsMut::Values(&mut y)).unwrap();
    let target = &dataset.preparation.target;
    let told: Vec<f64> = (0..4).map(|i| target.unscale_output(i % 2, f64::from(y[i]))).collect();
    for (told, expected) in told.iter().zip([6.5, 997.25, 10.5, 995.25]) {
        assert!((told - expected).abs() < 1e-3, "{told} {expected}");
    }
    assert_eq!(dataset.train.values().unwrap().len(), 80);
    let short = dataset.train.gather(&[3, 5], &mut x, TargetsMut::Values(&mut y[..2]));
    assert!(message(short).contains("as many targets as rows"));
}

#[test]
fn targets_that_cannot_be_told_together_are_named() {
    let text = csv("x,a,kind", 40, |row| format!("{row},{row}.5,{}", ["u", "v"][row % 2]));
    let error = message(load(&text, "a,kind", vec![]));
    assert!(error.contains("column `kind`: one of several targets, but a category"), "{error}");
    let error = message(load(&text, "a, kin", vec![]));
    assert!(
        error.contains("there is no column `kin`") && error.contains("did you mean `kind`"),
        "{error}"
    );
    assert!(message(load(&text, "a, a", vec![])).contains("named twice"));
    // A column whose name has a comma is one column.
    let text = csv("x,\"a,b\"", 40, |row| format!("{row},{row}.5"));
    assert_eq!(load(&text, "a,b", vec![]).unwrap().train.outputs(), 1);
}

#[test]
fn a_column_can_say_how_much_each_row_counts() {
    let text = csv("x,w,y", 40, |row| format!("{row},{},{row}.5", row % 3));
    let options =
        Options { weight: Some("w".into()), target: Some("y".into()), ..Options::default() };
    let dataset = from_csv("t.csv", text.as_bytes(), &options).unwrap();
    assert_eq!(dataset.input.features, ["x"]);
    let weights = dataset.train.weights().unwrap();
    for (weight, row) in weights.iter().zip(dataset.train.source_rows()) {
        assert_eq!(*weight, ((row - 1) % 3) as f32);
    }
    let mut some = [0.0; 2];
    dataset.train.gather_weights(&[4, 1], &mut some).unwrap();
    assert_eq!(some, [weights[4], weights[1]]);
    let wrong = text.replace("7,1,7.5", "7,-1,7.5").replace("9,0,9.5", "9,,9.5");
    let error = message(from_csv("t.csv", wrong.as_bytes(), &options));
    assert!(error.contains("line 9, column `w`: `-1` is not a weight"), "{error}");
    assert!(error.contains("line 11, column `w`: `` is not a weight"), "{error}");
    let options = Options { weight: Some("v".into()), ..options };
    assert!(message(from_csv("t.csv", text.as_bytes(), &options)).contains("to be the weight"));
}

#[test]
fn a_number_in_pieces_stands_for_itself_and_for_the_parts_it_is_through() {
    let rows: String = (0..=32).map(|x| format!("{x},{}.5\n", x % 7)).collect();
    let text = format!("x,y\n{rows},0.5\n");
    let dataset = load(&text, "y", vec![rule("numeric", Some(Method::Piecewise), None)]).unwrap();
    // Of 0 to 32 each of the 16 parts is 2 wide.
    let features = &dataset.input.features;
    assert_eq!(features.len(), 18);
    assert_eq!(
        (&features[0][..], &features[1][..], &features[17][..]),
        ("x", "x 0 to 2", "x_missing")
    );
    let deviation = (f64::from(33 * 33 - 1) / 12.0).sqrt();
    let row = apply(&dataset, "x\n5\nNA\n99\n");
    let through = |parts: &[f32]| [parts, &vec![0.0; 16 - parts.len()]].concat();
    assert_eq!(row[0], (-11.0 / deviation) as f32);
    assert_eq!(row[1..17], through(&[1.0, 1.0, 0.5]));
    // A missing one is the median, and says so; beyond the edges nothing goes further.
    assert_eq!((row[18], row[35]), (0.0, 1.0));
    assert_eq!(row[19..35], through(&[1.0; 8]));
    assert_eq!((row[37..53].to_vec(), row[53]), (vec![1.0; 16], 0.0));
    // Two values have one part, one value too.
    let few = load(
        "x,z,y\n0,3,1.5\n1,3,2.5\n1,3,9.5\n",
        "y",
        vec![rule("x", Some(Method::Piecewise), None)],
    );
    assert_eq!(few.unwrap().input.features, ["x", "x 0 to 1"]);
    // A target is not told in pieces.
    let target = load(SMALL, "y", vec![rule("y", Some(Method::Piecewise), None)]);
    assert!(message(target).contains("`piecewise` does not suit a number"));
}

#[test]
fn a_category_is_told_by_the_target_and_no_row_by_its_own() {
    // Ten rows of `a` with the target 4, ten of `b` with 8: each is drawn to the mean 6 by ten rows.
    let rows: String = (0..20).map(|i| if i < 10 { "a,4.0\n" } else { "b,8.0\n" }).collect();
    let options = |rules, columns: &[(&str, glassbox::data::Kind)]| Options {
        target: Some("y".into()),
        columns: columns.iter().map(|(name, kind)| (name.to_string(), *kind)).collect(),
        valid: Some(0.0),
        test: Some(0.0),
        prepare: glassbox::data::Prepare::Raw,
        rules,
        ..Options::default()
    };
    let rules = vec![rule("category", Some(Method::Target), None)];
    let text = format!("c,y\n{rows}");
    let number = [("y", glassbox::data::Kind::Number)];
    let dataset = from_csv("t.csv", text.as_bytes(), &options(rules.clone(), &number)).unwrap();
    assert_eq!(dataset.input.features, ["c"]);
    assert_eq!(apply(&dataset, "c\na\nb\nzzz\n"), [5.0, 7.0, 6.0]);
    // A training row is told by the eight rows of its category in the other four parts.
    let mut told = vec![0.0; 20];
    dataset.train.gather_inputs(&(0..20).collect::<Vec<_>>(), &mut told).unwrap();
    let a = ((8.0 * 4.0 + 10.0 * 6.0) / 18.0) as f32;
    assert_eq!((told[0], told[9]), (a, a));
    // Of two classes the share of the second, of three each one's.
    let of = |classes: &[&str]| {
        let row = |i: usize| format!("{},{}\n", ["a", "b"][i % 2], classes[i % classes.len()]);
        let text: String = (0..60).map(row).collect();
        from_csv("t.csv", format!("c,y\n{text}").as_bytes(), &options(rules.clone(), &[])).unwrap()
    };
    let two = of(&["no", "yes"]);
    assert_eq!(apply(&two, "c\na\n"), [(10.0 * 0.5 / 40.0) as f32]);
    assert_eq!(of(&["x", "y", "z"]).input.features, ["c → x", "c → y", "c → z"]);
    // A stored preparation reads back the same.
    let json = serde_json::to_string(&two.preparation).unwrap();
    assert_eq!(serde_json::from_str::<Preparation>(&json).unwrap(), two.preparation);
}

#[test]
fn outlying_rows_leave_the_training_part_and_no_other() {
    let rows: String = (0..200).map(|i| format!("{},{}\n", i % 20, i)).collect();
    let text = format!("x,y\n{rows}500,1.5\n-300,2.5\n");
    let options = |outliers, valid| {
        let rule = Rule { columns: "x".into(), with: None, impute: None, outliers };
        let (target, rules) = (Some("y".into()), vec![rule]);
        Options { target, valid, test: Some(0.0), rules, ..Options::default() }
    };
    let of = |outliers, valid| from_csv("t.csv", text.as_bytes(), &options(outliers, valid));
    let all = of(None, Some(0.0)).unwrap();
    let kept = of(Some(1.5), Some(0.0)).unwrap();
    assert_eq!((all.train.len(), kept.train.len()), (202, 200));
    assert!(kept.notices.iter().any(|n| n.contains("`x`: 2 rows of the training part outside")));
    let half = of(Some(1.5), Some(0.5)).unwrap();
    assert_eq!(half.valid.len(), 101);
    assert!(half.train.source_rows().iter().all(|row| *row <= 200));
}

/// Whose neighbour a row is depends on the units of the columns (C4).
#[test]
fn the_neighbours_of_a_row_change_with_scaling() {
    // Height tells the class; the second column is noise in a smaller unit.
    let row = |i: usize| {
        let class = i % 2;
        let height = 1.6 + 0.2 * class as f64 + 0.001 * (i % 7) as f64;
        format!("{height},{},{}\n", (i * 7919) % 1000, ["short", "tall"][class])
    };
    let text: String = (0..120).map(row).collect();
    let right = |method| {
        let dataset = load(
            &format!("height,noise,y\n{text}"),
            "y",
            vec![rule("numeric", Some(method), None)],
        );
        let dataset = dataset.unwrap();
        let labels = dataset.train.labels().unwrap();
        let mut inputs = vec![0.0; labels.len() * 2];
        dataset.train.gather_inputs(&(0..labels.len()).collect::<Vec<_>>(), &mut inputs).unwrap();
        let one_hot: Vec<f64> =
            labels.iter().flat_map(|&l| [f64::from(l == 0), f64::from(l == 1)]).collect();
        let (rows, said) = glassbox::practice::leave_one_out(&inputs, 2, &one_hot, 2);
        let hits = rows.iter().zip(said.chunks_exact(2));
        hits.filter(|(row, said)| (said[1] > said[0]) == (labels[**row] == 1)).count()
    };
    assert!(right(Method::None) < 90, "{}", right(Method::None));
    assert_eq!((right(Method::Standardize), right(Method::MinMax)), (120, 120));
}
