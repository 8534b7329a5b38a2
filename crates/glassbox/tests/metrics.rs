//! The figures are scikit-learn's, on random cases with ties and weights, and what is undefined is
//! none.

#![allow(clippy::unwrap_used)] // A test fails by panicking.

use glassbox::metrics::{Average, Averaged, Classification, Confusion, Regression, softmax};
use serde_json::Value;

fn cases(kind: &str) -> Vec<Value> {
    let all: Value = serde_json::from_str(include_str!("fixtures/scikit_learn.json")).unwrap();
    all[kind].as_array().unwrap().clone()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

fn optional(value: &Value) -> Vec<Option<f64>> {
    value.as_array().unwrap().iter().map(Value::as_f64).collect()
}

fn labels(value: &Value) -> Vec<usize> {
    value.as_array().unwrap().iter().map(|x| x.as_u64().unwrap() as usize).collect()
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-12 * b.abs().max(1.0)
}

#[track_caller]
fn assert_near(a: f64, b: f64) {
    assert!(near(a, b), "{a} is not {b}");
}

#[track_caller]
fn assert_all_near(a: &[Option<f64>], b: &[Option<f64>]) {
    let same = |(a, b): (&Option<f64>, &Option<f64>)| match (a, b) {
        (Some(a), Some(b)) => near(*a, *b),
        (a, b) => a == b,
    };
    assert!(a.len() == b.len() && a.iter().zip(b).all(same), "{a:?} is not {b:?}");
}

#[test]
fn figures_of_classes_are_scikit_learns() {
    for case in cases("classification") {
        let (labels, p) = (labels(&case["labels"]), numbers(&case["probabilities"]));
        let found = match &case["weights"] {
            Value::Null => Classification::of(&labels, &p),
            weights => Classification::weighted(&labels, &p, &numbers(weights)),
        };
        let found = found.unwrap();
        let confusion = &found.confusion;
        let matrix: Vec<Vec<f64>> =
            case["confusion"].as_array().unwrap().iter().map(numbers).collect();
        assert_eq!(confusion.matrix(), matrix);
        assert_near(confusion.accuracy(), case["accuracy"].as_f64().unwrap());
        let balanced = case["balanced_accuracy"].as_f64().unwrap();
        assert_near(confusion.balanced_accuracy(), balanced);
        let classes: Vec<_> = (0..matrix.len()).map(|class| confusion.class(class)).collect();
        let of = |figure: fn(&glassbox::metrics::ClassFigures) -> Option<f64>| -> Vec<_> {
            classes.iter().map(figure).collect()
        };
        assert_all_near(&of(|f| f.precision), &optional(&case["precision"]));
        assert_all_near(&of(|f| f.recall), &optional(&case["recall"]));
        assert_all_near(&of(|f| f.f1), &optional(&case["f1"]));
        assert_all_near(&of(|f| Some(f.rows)), &optional(&case["support"]));
        for (name, average) in
            [("macro", Average::Macro), ("weighted", Average::Weighted), ("micro", Average::Micro)]
        {
            let Averaged { precision, recall, f1 } = confusion.average(average);
            let wanted = numbers(&case["averages"][name]);
            for (found, wanted) in [precision, recall, f1].into_iter().zip(wanted) {
                assert_near(found, wanted);
            }
        }
        assert_near(found.log_loss, case["log_loss"].as_f64().unwrap());
        assert_near(found.brier, case["brier"].as_f64().unwrap());
        let areas: Vec<_> = found.rankings.iter().map(|ranking| ranking.roc_auc()).collect();
        assert_all_near(&areas, &optional(&case["roc_auc"]));
        let areas: Vec<_> = found.rankings.iter().map(|r| r.average_precision()).collect();
        assert_all_near(&areas, &optional(&case["average_precision"]));
        for (ranking, curve) in found.rankings.iter().zip(case["roc"].as_array().unwrap()) {
            let Some(curve) = curve.as_array() else {
                assert_eq!(ranking.roc(), None);
                continue;
            };
            let points = ranking.roc().unwrap();
            let (x, y) = (numbers(&curve[0]), numbers(&curve[1]));
            assert_eq!(points.len(), x.len(), "a point for each different score");
            for ((point, x), y) in points.iter().zip(x).zip(y) {
                assert!(near(point.0, x) && near(point.1, y), "{point:?}");
            }
            let thresholds: Vec<f64> = ranking.cuts().iter().map(|cut| cut.threshold).collect();
            assert_eq!(thresholds, numbers(&curve[2]));
        }
    }
}

#[test]
fn the_share_among_the_most_probable_classes_is_scikit_learns() {
    for case in cases("top_k") {
        let found = Classification::of(&labels(&case["labels"]), &numbers(&case["probabilities"]));
        for (k, share) in case["top_k"].as_object().unwrap() {
            assert_near(found.as_ref().unwrap().top_k(k.parse().unwrap()), share.as_f64().unwrap());
        }
    }
}

#[test]
fn figures_of_numbers_are_scikit_learns_for_one_output_and_several() {
    for case in cases("regression") {
        let (observed, predicted) = (numbers(&case["observed"]), numbers(&case["predicted"]));
        let outputs = case["outputs"].as_u64().unwrap() as usize;
        let found = match &case["weights"] {
            Value::Null => Regression::of(&observed, &predicted, outputs),
            weights => Regression::weighted(&observed, &predicted, outputs, &numbers(weights)),
        };
        let found = found.unwrap();
        let mean = found.mean();
        let one = &case["uniform_average"];
        for (name, value) in [
            ("mse", mean.mse),
            ("rmse", mean.rmse),
            ("mae", mean.mae),
            ("median_ae", mean.median_ae),
            ("r2", mean.r2.unwrap()),
        ] {
            assert_near(value, one[name].as_f64().unwrap());
        }
        for (output, figures) in found.outputs.iter().enumerate() {
            let wanted = |name: &str| case["raw_values"][name][output].as_f64().unwrap();
            assert_near(figures.rmse, wanted("rmse"));
            assert_near(figures.median_ae, wanted("median_ae"));
            assert_near(figures.r2.unwrap(), wanted("r2"));
        }
    }
}

#[test]
fn what_is_not_defined_is_none_and_no_figure_is_nan() {
    // Every row is of class 0, class 1 is said once, class 2 never comes.
    let p = [0.8, 0.1, 0.1, 0.2, 0.7, 0.1];
    let found = Classification::of(&[0, 0], &p).unwrap();
    assert_eq!((found.roc_auc(), found.average_precision()), (None, Some(1.0)));
    let classes: Vec<_> = (0..3).map(|class| found.confusion.class(class)).collect();
    let shown: Vec<_> = classes.iter().map(|c| (c.precision, c.recall, c.f1)).collect();
    assert_eq!(
        shown,
        [(Some(1.0), Some(0.5), Some(2.0 / 3.0)), (Some(0.0), None, Some(0.0)), (None, None, None)]
    );
    assert_eq!(found.confusion.balanced_accuracy(), 0.5);
    let averaged = found.confusion.average(Average::Macro);
    assert_eq!((averaged.precision, averaged.recall), (0.5, 0.25));
    // A probability of 0 for what was observed is very bad, and finite.
    assert_near(Classification::of(&[0], &[0.0, 1.0]).unwrap().log_loss, -f64::EPSILON.ln());
    let constant = Regression::of(&[0.1; 3], &[0.1, 0.2, 0.3], 1).unwrap().mean();
    assert_eq!(constant.r2, None);
    assert_near(constant.mae, 0.1);
}

#[test]
fn wrong_arrays_are_refused_with_the_row_and_the_cure() {
    let says = |error: glassbox::Error, what: &str| {
        let text = error.to_string();
        assert!(text.contains(what), "{text}");
    };
    says(Classification::of(&[], &[]).unwrap_err(), "no rows");
    says(Classification::of(&[0], &[1.0]).unwrap_err(), "two classes at least");
    says(Classification::of(&[0, 1], &[0.5, 0.5, 1.0]).unwrap_err(), "3 probabilities for 2 rows");
    says(Classification::of(&[2], &[0.5, 0.5]).unwrap_err(), "row 0: the label is 2");
    says(Classification::of(&[0, 1], &[0.5, 0.5, 2.1, -1.1]).unwrap_err(), "row 1: 2.1 is not");
    says(Classification::of(&[0], &[0.5, f64::NAN]).unwrap_err(), "softmax");
    says(Classification::of(&[0], &[0.5, 0.6]).unwrap_err(), "sum to 1.1");
    let weighted = |weights: &[f64]| Confusion::weighted(&[0, 1], &[0, 1], 2, weights).unwrap_err();
    says(weighted(&[1.0]), "1 weights for 2 rows");
    says(weighted(&[1.0, -1.0]), "row 1: the weight is -1");
    says(weighted(&[0.0, 0.0]), "every weight is 0");
    says(Confusion::of(&[0], &[1], 1).unwrap_err(), "the label is 1");
    says(Regression::of(&[1.0; 3], &[1.0; 3], 2).unwrap_err(), "give 2 of both");
    says(Regression::of(&[1.0], &[f64::INFINITY], 1).unwrap_err(), "not finite");
}

#[test]
fn raw_scores_of_any_size_become_probabilities() {
    for scores in [&[1e300, -1e300][..], &[-745.0, -746.0, 0.0], &[3.0]] {
        let p = softmax(scores);
        assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-12 && p.iter().all(|p| p.is_finite()));
    }
}
