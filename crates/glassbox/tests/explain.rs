//! Every number of a run can be asked where it came from, and the answer is right.

#![allow(clippy::unwrap_used)] // A test fails by panicking.

use glassbox::engine::{Array, Parameters};
use glassbox::prelude::*;
use glassbox::watch::{Element, Explanation, Moment};

/// Every element of every parameter and activation of a step, explained.
fn all(moment: &Moment, at_most: usize) -> Vec<Explanation> {
    let mut explanations = Vec::new();
    for (name, shape) in moment.things() {
        let elements: usize = shape.iter().product();
        let stride = elements.div_ceil(at_most).max(1);
        for element in (0..elements).step_by(stride) {
            let mut rest = element;
            let mut indices = vec![0; shape.len()];
            for axis in (0..shape.len()).rev() {
                indices[axis] = rest % shape[axis];
                rest /= shape[axis];
            }
            let what = Element { path: name.clone(), indices };
            explanations.push(moment.explain(&what, None).unwrap());
        }
    }
    explanations
}

fn assert_right(explanation: &Explanation) {
    let difference = explanation.difference.unwrap();
    assert!(
        difference.agrees || difference.kink,
        "{}: {} against {difference:?}\n{explanation}",
        explanation.of,
        explanation.gradient
    );
    let sum: f64 = explanation.terms.iter().map(|term| term.product).sum();
    assert_eq!(sum, explanation.gradient);
    for term in &explanation.terms {
        let product: f64 = term.factors.iter().product();
        let scale = term.product.abs().max(1e-12);
        assert!((product - term.product).abs() <= 1e-9 * scale, "{}: {term:?}", explanation.of);
    }
    let size: f64 = explanation.terms.iter().map(|t| t.product.abs()).sum();
    assert!(
        (explanation.gradient_f32 - explanation.gradient).abs() <= 1e-4 * size + 1e-7,
        "{}: f32 says {}, f64 {}",
        explanation.of,
        explanation.gradient_f32,
        explanation.gradient
    );
}

fn kinks(explanations: &[Explanation]) -> usize {
    explanations.iter().filter(|e| e.difference.unwrap().kink).count()
}

#[test]
fn every_number_of_a_classifier_is_the_sum_of_its_terms() {
    let iris = data::iris();
    // Nothing flows back through a step.
    for activation in Activation::ALL.iter().filter(|a| **a != Activation::Step) {
        let model = Mlp::new([4, 5, 3]).activation(*activation);
        let run = Trainer::new(model).epochs(3).batch(16).fit(&iris).unwrap();
        let explanations = all(&run.moment().unwrap(), 40);
        assert!(explanations.len() > 150);
        explanations.iter().for_each(assert_right);
        assert!(kinks(&explanations) * 20 < explanations.len(), "{activation}: too many corners");
    }
}

#[test]
fn every_number_of_a_regression_is_the_sum_of_its_terms() {
    let (mut x, mut y) = (Vec::new(), Vec::new());
    for i in 0..40 {
        let t = i as f32 / 20.0 - 1.0;
        x.extend([t, t * t]);
        y.push(t.sin());
    }
    let inputs = Array::new([40, 2], x).unwrap();
    let options = data::Options { valid: Some(0.0), test: Some(0.0), ..Default::default() };
    let data = Dataset::from_arrays(inputs, data::Targets::Values(y), &options).unwrap();
    for loss in [Loss::SquaredError, Loss::SumOfSquares] {
        let run = Trainer::new(Mlp::new([2, 6, 4, 1]).activation(Activation::Tanh))
            .loss(loss)
            .optimizer(Optimizer::MOMENTUM)
            .epochs(2)
            .fit(&data)
            .unwrap();
        let explanations = all(&run.moment().unwrap(), 30);
        explanations.iter().for_each(assert_right);
        assert_eq!(kinks(&explanations), 0, "tanh has no corners");
    }
}

/// Fixture F2 of the syllabus: the net of the board, before its first step.
fn board() -> Moment {
    let mut given = Parameters::new();
    given.insert("fc1/weight", Array::new([1, 2], vec![3.34f32, -3.53]).unwrap());
    given.insert("fc1/bias", Array::vector([-1.43f32, 0.57]));
    given.insert("fc2/weight", Array::new([2, 1], vec![-1.22f32, -2.30]).unwrap());
    // An epoch at a rate so small that no f32 changes.
    let run = Trainer::new(Mlp::new([1, 2, 1]).activation(Activation::Softplus))
        .loss(Loss::SumOfSquares)
        .optimizer(Optimizer::GRADIENT_DESCENT.with_lr(1e-30))
        .batch(0)
        .epochs(1)
        .start_with(given)
        .fit(&data::dosage())
        .unwrap();
    run.moment().unwrap()
}

#[test]
fn the_dosage_net_is_written_as_on_the_board() {
    let explanation = board().explain(&Element::parse("b3").unwrap(), None).unwrap();
    assert_eq!(explanation.of, "fc2/bias[0]");
    assert!((explanation.gradient - -15.655).abs() < 5e-4, "{}", explanation.gradient);
    let text = explanation.to_string();
    for line in [
        "dSSR/db3 = Σ  dSSR/dpred · dpred/db3",
        "  row    dose  observed  predicted  −2(obs − pred)  · dpred/db3       =",
        "    1       0         0     -2.604          -5.207            1  -5.207",
        "    2  0.5000         1     -1.609          -5.218            1  -5.218",
        "    3       1         0     -2.615          -5.230            1  -5.230",
        "finite difference -15.655 ✓",
    ] {
        assert!(text.contains(line), "{line}\nis not in\n{text}");
    }
}

#[test]
fn the_four_factors_of_w1_are_named_and_valued() {
    let explanation = board().explain(&Element::parse("w1").unwrap(), None).unwrap();
    assert_eq!(explanation.factors, ["dSSR/dpred", "dpred/dy1", "dy1/dx1", "dx1/dw1"]);
    assert_eq!(explanation.formulas, ["dy1/dx1 = eˣ/(1 + eˣ)"]);
    assert_eq!(explanation.terms.len(), 3);
    // dpred/dy1 is w3, dx1/dw1 the dose: F2's and the data's own numbers.
    for (term, dose) in explanation.terms.iter().zip([0.0, 0.5, 1.0]) {
        assert!((term.factors[1] - -1.22).abs() < 1e-6);
        assert_eq!(term.factors[3], dose);
    }
    assert_right(&explanation);
}

#[test]
fn one_row_of_a_parameter_is_its_share() {
    let moment = board();
    let element = Element::parse("b3").unwrap();
    let whole = moment.explain(&element, None).unwrap();
    let parts: f64 = (0..3).map(|r| moment.explain(&element, Some(r)).unwrap().gradient).sum();
    assert!((parts - whole.gradient).abs() < 1e-12);
    let error = moment.explain(&element, Some(3)).unwrap_err().to_string();
    assert!(error.contains("rows 0 to 2"), "{error}");
}

#[test]
fn a_wrong_name_or_index_is_told_with_the_cure() {
    let moment = board();
    let ask =
        |what: &str| moment.explain(&Element::parse(what).unwrap(), None).unwrap_err().to_string();
    assert!(ask("fc2/biass[0]").contains("did you mean `fc2/bias`?"));
    assert!(ask("fc1/weight[1, 0]").contains("its last number is fc1/weight[0, 1]"));
    assert!(ask("fc1/weight").contains("does not fit"));
    assert!(ask("w9").contains("there is no `w9`"));
}
