//! Every number of a run can be asked where it came from, and the answer is right.

#![allow(clippy::unwrap_used)] // A test fails by panicking.

use glassbox::engine::{Array, Parameters};
use glassbox::prelude::*;
use glassbox::watch::{Element, Explanation, Moment, Movement};

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
    let others = explanation.others.map_or(0.0, |others| others.product);
    let difference = explanation.difference.unwrap();
    assert!(
        difference.agrees || difference.kink,
        "{}: {} against {difference:?}\n{explanation}",
        explanation.of,
        explanation.gradient
    );
    let sum: f64 = explanation.terms.iter().map(|term| term.product).sum();
    assert_eq!(sum + others, explanation.gradient);
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

fn element(text: &str) -> Element {
    Element::parse(text).unwrap()
}

/// A model that is a function of its input, and of parameters that it declares.
struct Function<F>(F);

impl<F: for<'g> Fn(Scope<'g>, Tensor<'g>) -> Tensor<'g> + Send + Sync> Module for Function<F> {
    fn name(&self) -> &str {
        "function"
    }

    fn forward<'g>(&self, at: Scope<'g>, x: Tensor<'g>) -> Tensor<'g> {
        (self.0)(at, x)
    }
}

fn function<F>(f: F) -> Function<F>
where
    F: for<'g> Fn(Scope<'g>, Tensor<'g>) -> Tensor<'g> + Send + Sync,
{
    Function(f)
}

/// A training's first step, all rows in one batch, no rows left out, nothing scaled.
fn first_step(model: impl Module, width: usize, inputs: &[f32], targets: data::Targets) -> Moment {
    let rows = inputs.len() / width;
    let inputs = Array::new([rows, width], inputs.to_vec()).unwrap();
    let options = data::Options { valid: Some(0.0), test: Some(0.0), ..Default::default() };
    let data = Dataset::from_arrays(inputs, targets, &options).unwrap();
    let still = Optimizer::GRADIENT_DESCENT.with_lr(1e-30);
    let run = Trainer::new(model).optimizer(still).batch(0).epochs(1).fit(&data).unwrap();
    run.moment().unwrap()
}

#[test]
fn n2_slopes_multiply_along_a_chain() {
    let shoe = function(|at, weight| {
        let height = (weight * at.parameter("per_weight", [1], 2.0)).named("height");
        height * at.parameter("per_height", [1], 0.25)
    });
    let moment = first_step(shoe, 1, &[70.0, 50.0], data::Targets::Values(vec![40.0, 35.0]));
    let asked = moment.explain_from(Some(&element("prediction[0]")), &element("inputs[0]"), None);
    let explanation = asked.unwrap();
    assert_eq!(explanation.factors.len(), 3);
    assert_eq!(explanation.terms[0].factors, [1.0, 0.25, 2.0]);
    assert_eq!(explanation.gradient, 0.5);
    assert!(explanation.difference.unwrap().agrees);
}

#[test]
fn n3_the_outer_and_the_inner_factor_stand_apart() {
    let nested = function(|at, t| {
        let inside = (t.square() + 0.5).named("inside");
        inside.sqrt().named("root") * at.parameter("scale", [1], 1.0)
    });
    let times = [2.0f32, 0.0, -1.0, 5.0];
    let moment = first_step(nested, 1, &times, data::Targets::Values(vec![1.0; 4]));
    for (row, &source) in moment.source_rows().iter().enumerate() {
        let t = f64::from(times[source - 1]);
        let from = element("prediction[0]");
        let explanation =
            moment.explain_from(Some(&from), &element("inputs[0]"), Some(row)).unwrap();
        let expected = t / (t * t + 0.5).sqrt();
        assert!((explanation.gradient - expected).abs() < 1e-12, "{t}: {explanation}");
        if t == 2.0 {
            assert!((explanation.gradient - 0.9428).abs() < 5e-5);
            let of = |name: &str| {
                let index = explanation.factors.iter().position(|f| f == name);
                explanation.terms[0].factors[index.unwrap()]
            };
            assert!((of("droot/dinside") - 0.5 / 4.5f64.sqrt()).abs() < 1e-12, "1/(2√(t² + ½))");
            assert_eq!(of(&format!("dinside/dinputs[{row}, 0]")), 4.0, "2t");
        }
    }
}

#[test]
fn n4_the_chain_and_the_expanded_square_agree() {
    let (x, observed) = ([0.5f32, 2.3, 2.9], vec![1.4f32, 1.9, 3.2]);
    let line = |intercept: f64| {
        function(move |at, x| {
            x * at.parameter("slope", [1], 0.64) + at.parameter("intercept", [1], intercept)
        })
    };
    for intercept in [0.0, 0.57, 1.5] {
        let moment = first_step(line(intercept), 1, &x, data::Targets::Values(observed.clone()));
        let explanation = moment.explain(&element("intercept[0]"), None).unwrap();
        for term in &explanation.terms {
            let at = term.row.unwrap() - 1;
            let (x, observed) = (f64::from(x[at]), f64::from(observed[at]));
            // The parameters are f32.
            let (slope, intercept) = (f64::from(0.64f32), f64::from(intercept as f32));
            let residual = observed - (intercept + slope * x);
            let minus_one = -1.0; // d(observed − predicted)/d(intercept)
            let chain = 2.0 * residual * minus_one;
            // (o − i − sx)² = i² + 2i(sx − o) + (sx − o)², whose slope by i is 2i + 2(sx − o).
            let expanded = 2.0 * intercept + 2.0 * (slope * x - observed);
            assert!((chain - expanded).abs() < 1e-12);
            // The mean over three rows.
            assert!((term.product - chain / 3.0).abs() < 1e-12, "{explanation}");
        }
    }
    // The slope is 0 where the intercept is the mean of what the line leaves over.
    let left = x.iter().zip(&observed).map(|(x, o)| f64::from(*o) - f64::from(0.64f32 * x));
    let best = left.sum::<f64>() / 3.0;
    let moment = first_step(line(best), 1, &x, data::Targets::Values(observed));
    let explanation = moment.explain(&element("intercept[0]"), None).unwrap();
    assert!(explanation.gradient.abs() < 1e-6, "{explanation}");
    assert!(explanation.terms.iter().any(|term| term.product.abs() > 0.1));
}

#[test]
fn n15_the_jacobian_of_softmax_entry_by_entry() {
    let scores = function(|at, x| {
        let raw = (x * at.parameter("one", [3], 1.0)).named("raw");
        nn::softmax(raw).named("p");
        raw
    });
    let rows = [[1.43f32, -0.4, 0.23], [0.0, 1.0, 0.0], [0.5, 0.5, 0.5]].repeat(2).concat();
    let moment = first_step(scores, 3, &rows, data::Targets::Classes(vec![0, 1, 2, 0, 1, 2]));
    let row = moment.row_of(1).unwrap();
    let printed = [[0.216, -0.075, -0.141], [-0.075, 0.098, -0.023], [-0.141, -0.023, 0.164]];
    for (i, printed) in printed.iter().enumerate() {
        for (j, printed) in printed.iter().enumerate() {
            let from = element(&format!("p[{i}]"));
            let entry = moment.explain_from(Some(&from), &element(&format!("raw[{j}]")), Some(row));
            let entry = entry.unwrap();
            assert!((entry.gradient - printed).abs() < 6e-4, "∂p{i}/∂x{j}: {entry}");
            assert!(entry.difference.unwrap().agrees, "{entry}");
        }
    }
    // The loss does not go through p, and p does not go through the loss.
    let error = moment.explain(&element("p[0]"), None).unwrap_err().to_string();
    assert!(error.contains("the loss does not depend on `p`"), "{error}");
    let from = element("prediction[0]");
    let error = moment.explain_from(Some(&from), &element("p[0]"), None).unwrap_err().to_string();
    assert!(error.contains("`prediction[0, 0]` does not depend on `p`"), "{error}");
}

/// Skips and branches: from each block three ways lead to the next, so that all ways together are
/// three to the power of the depth.
struct Residual {
    depth: usize,
}

impl Module for Residual {
    fn name(&self) -> &str {
        "residual"
    }

    fn forward<'g>(&self, at: Scope<'g>, x: Tensor<'g>) -> Tensor<'g> {
        let mut h = nn::linear(at.child("in"), x, 6, Initial::Xavier);
        for block in 0..self.depth {
            let at = at.index("block", block);
            let one = nn::linear(at.child("one"), h, 6, Initial::Xavier).tanh();
            let other = nn::linear(at.child("other"), h, 6, Initial::Xavier).sigmoid();
            h = (h + one * 0.3 + other * 0.3).named(&format!("sum{block}"));
        }
        nn::linear(at.child("out"), h, 3, Initial::Xavier)
    }
}

#[test]
fn ways_through_skips_and_branches_do_not_multiply() {
    let run = Trainer::new(Residual { depth: 24 }).epochs(1).batch(16).fit(&data::iris()).unwrap();
    let explanations = all(&run.moment().unwrap(), 2);
    assert!(explanations.len() > 100);
    for explanation in &explanations {
        assert_right(explanation);
        assert!(explanation.terms.len() <= 64, "{}", explanation.of);
    }
    assert_eq!(kinks(&explanations), 0);
}

/// A table's rows by number, statistics of the batch, the largest of some numbers.
fn unusual<'g>(at: Scope<'g>, x: Tensor<'g>) -> Tensor<'g> {
    let rows = x.dim(0);
    let table = at.parameter("table", [4, 3], Initial::He.weights(1, 1));
    let chosen = table.gather(x.slice(-1, 0..1).reshape([rows]).cast(glassbox::engine::DType::I64));
    let h = nn::linear(at.child("fc1"), x, 3, Initial::Xavier) + chosen.named("chosen");
    let centred = h - h.mean_axis(0);
    let normal = centred / (centred.square().mean_axis(0) + 1e-3).sqrt();
    let largest = normal.named("normal").max_axis(-1);
    let both = normal.concatenate(&[largest.named("largest"), normal.slice(-1, 0..2)], -1);
    nn::linear(at.child("fc2"), both, 2, Initial::Xavier)
}

#[test]
fn embeddings_statistics_of_the_batch_and_the_largest_are_explained() {
    let mut inputs = Vec::new();
    for i in 0..20 {
        let t = i as f32 / 7.0;
        inputs.extend([(i % 4) as f32, t.sin(), (1.7 * t).cos()]);
    }
    let labels = (0..20).map(|i| i64::from(i % 3 == 0)).collect();
    let moment = first_step(function(unusual), 3, &inputs, data::Targets::Classes(labels));
    let explanations = all(&moment, 12);
    for explanation in &explanations {
        // What becomes a whole number has no slope, and the difference meets its corner or nothing.
        if !explanation.of.ends_with(", 0]") || !explanation.of.starts_with("inputs") {
            assert_right(explanation);
        }
        assert_eq!(explanation.coupled.as_deref(), Some("the model"));
    }
    assert!(explanations.iter().any(|e| e.of.starts_with("table") && e.gradient != 0.0));
    assert!(explanations[0].to_string().contains("rows act on each other"));
    // In a plain net they do not.
    assert_eq!(board().explain(&element("b3"), None).unwrap().coupled, None);
}

#[test]
fn of_very_many_terms_the_largest_are_followed_and_all_are_summed() {
    let inputs: Vec<f32> = (0..1400).map(|i| (i as f32 * 0.61).sin()).collect();
    let targets = inputs.chunks(2).map(|x| x[0] * x[1]).collect();
    let net = Mlp::new([2, 4, 1]).activation(Activation::Tanh);
    let moment = first_step(net, 2, &inputs, data::Targets::Values(targets));
    let explanation = moment.explain(&element("fc1/weight[1, 2]"), None).unwrap();
    assert_eq!(explanation.terms.len() + explanation.others.unwrap().terms, 700);
    let least = explanation.terms.iter().map(|t| t.product.abs()).fold(f64::INFINITY, f64::min);
    let others = explanation.others.unwrap();
    assert!(others.product.abs() <= least * others.terms as f64);
    assert_right(&explanation);
    let what = element("fc1/weight[1, 2]");
    let by_row: f64 = (0..700).map(|r| moment.explain(&what, Some(r)).unwrap().gradient).sum();
    assert!((by_row - explanation.gradient).abs() < 1e-12, "{by_row}: {explanation}");
    let movement = moment.why(&what).unwrap();
    assert!(movement.rows_add_up, "{movement}");
}

#[test]
fn what_takes_too_long_in_64_bits_is_told_with_the_training_s_own_numbers() {
    let run = Trainer::new(Mlp::new([4, 16, 3])).epochs(2).fit(&data::iris()).unwrap();
    let (exact, quick) = (run.moment().unwrap(), run.moment().unwrap().limited_to(1000));
    for name in ["fc1/weight[2, 7]", "fc2/bias[1]", "fc1/relu[3, 4]", "inputs[5, 2]"] {
        let exact = exact.explain(&element(name), None).unwrap();
        let quick = quick.explain(&element(name), None).unwrap();
        assert!(exact.announced.is_none());
        assert!(quick.announced.as_ref().unwrap().contains("64 bits"), "{quick}");
        assert!(quick.difference.is_none());
        let size: f64 = exact.terms.iter().map(|term| term.product.abs()).sum();
        assert!((exact.gradient - quick.gradient).abs() <= 1e-5 * size, "{exact}{quick}");
    }
    let view = quick.tensor(None, "fc1/weight", None).unwrap();
    assert!(view.links.iter().all(|link| link.agrees == Some(true)), "{view}");
    assert!(quick.why(&element("fc2/bias[1]")).unwrap().adds_up);
}

#[test]
fn at_each_node_of_a_tensor_s_way_downstream_is_upstream_times_local() {
    let run = Trainer::new(Mlp::new([4, 8, 3])).epochs(2).fit(&data::iris()).unwrap();
    let moment = run.moment().unwrap();
    for (name, sizes) in moment.things() {
        let view = moment.tensor(None, &name, None).unwrap();
        assert!(view.links.iter().all(|link| link.agrees == Some(true)), "{view}");
        let difference = view.difference.unwrap();
        assert!(difference.agrees || difference.kink, "{view}");
        assert!(view.f32_error < 1e-4, "{view}");
        assert_eq!(view.gradient.shape, sizes);
        if name != "prediction" {
            assert!(view.links.len() > 8, "{name}");
        }
        // Its largest element, asked alone.
        let largest = &view.largest[0];
        let alone = moment.explain(&element(&largest.of.replace(' ', "")), None).unwrap();
        let by_unit = alone.unit.as_ref().map_or(1.0, |unit| unit.scale);
        let asked = alone.gradient * by_unit;
        assert!((asked - largest.gradient).abs() < 1e-10, "{asked}: {view}");
    }
    // The local factor of a product is its other side, transposed: a tensor with its numbers.
    let link = board().tensor(None, "fc1/weight", None).unwrap().links.pop().unwrap();
    assert_eq!((link.op.as_str(), link.words.as_str()), ("matmul", "leftᵀ ·"));
    assert_eq!(link.local.unwrap().numbers.unwrap(), [0.0, 0.5, 1.0]);
}

/// Where every row's and every summand's share of a step adds up.
fn assert_adds_up(movement: &Movement) {
    assert!(movement.adds_up && movement.rows_add_up, "{movement}");
    let shares: f64 = movement.summands.iter().map(|summand| summand.share).sum();
    let size: f64 = movement.summands.iter().map(|summand| summand.share.abs()).sum();
    assert!((shares - movement.change).abs() <= 1e-9 * size + 1e-15, "{movement}");
    for summand in &movement.summands {
        // Where the factors are known they give the share.
        let (Some(value), Some(factors)) = (summand.value, &summand.factors) else { continue };
        let product = factors.iter().fold(value, |product, factor| match factor.divides {
            true => product / factor.value,
            false => product * factor.value,
        });
        let size = summand.share.abs().max(1e-12);
        assert!((product - summand.share).abs() <= 1e-9 * size, "{summand:?}\n{movement}");
    }
}

#[test]
fn a_step_is_the_sum_of_its_summands_for_every_optimiser() {
    let nesterov =
        Optimizer::Momentum { lr: 0.01, momentum: 0.8, nesterov: true, weight_decay: 0.0 };
    let mut seen = std::collections::BTreeSet::new();
    for (case, plain) in Optimizer::ALL.iter().copied().chain([nesterov]).enumerate() {
        for (seed, hidden) in [(1, 3), (2, 7), (3, 12)] {
            let optimizer = if seed == 2 { plain.with_weight_decay(0.1) } else { plain };
            let sloped = [Activation::Relu, Activation::Tanh, Activation::Softplus];
            let activation = sloped[(case + seed as usize) % sloped.len()];
            let net = Mlp::new([4, hidden, 3]).activation(activation);
            let trainer = Trainer::new(net).optimizer(optimizer).seed(seed).epochs(2).batch(20);
            let trainer = match seed {
                1 => trainer.clip(nn::Clip::Norm(1e-2)),
                3 => trainer.clip(nn::Clip::Value(1e-3)).l1(0.01).l2(0.02),
                _ => trainer,
            };
            let moment = trainer.fit(&data::iris()).unwrap().moment().unwrap();
            for (path, _) in moment.graph().parameters() {
                let sizes = moment.graph().state(&path).unwrap().shape();
                let last: Vec<usize> = sizes.sizes().iter().map(|size| size - 1).collect();
                for indices in [vec![0; last.len()], last] {
                    let what = Element { path: path.clone(), indices };
                    let movement = moment.why(&what).unwrap();
                    assert_adds_up(&movement);
                    seen.extend(movement.summands.into_iter().map(|summand| summand.of));
                    seen.extend(movement.rows.into_iter().filter_map(|row| row.through));
                }
            }
        }
    }
    println!("{seen:?}");
    for name in ["gradient", "value", "velocity", "first_moment", "clipping"] {
        assert!(seen.contains(name), "{name} is not among {seen:?}");
    }
}

#[test]
fn the_first_step_of_descent_by_rows_is_the_board_s() {
    let moment = board();
    let movement = moment.why(&element("b3")).unwrap();
    assert_adds_up(&movement);
    // Fixture F2: the rows' shares of the slope −15.655.
    let mut by_row: Vec<_> = movement.rows.iter().map(|s| (s.row.unwrap(), s.gradient)).collect();
    by_row.sort_by_key(|(row, _)| *row);
    for ((row, gradient), (expected, slope)) in
        by_row.into_iter().zip([(1, -5.207), (2, -5.218), (3, -5.230)])
    {
        assert_eq!(row, expected);
        assert!((gradient - slope).abs() < 5e-4);
    }
    let error = moment.why(&element("fc1/softplus[0, 0]")).unwrap_err().to_string();
    assert!(error.contains("is no parameter"), "{error}");
}

#[test]
fn an_input_is_explained_in_its_own_unit() {
    let iris = data::iris();
    let model = Mlp::new([4, 6, 3]).activation(Activation::Tanh);
    let moment = Trainer::new(model).epochs(3).batch(16).fit(&iris).unwrap().moment().unwrap();
    for row in [0, 7, 15] {
        for (column, name) in iris.input.features.iter().enumerate() {
            let what = moment.input(name, row).unwrap();
            assert_eq!(what.indices, [row, column]);
            let explanation = moment.explain(&what, None).unwrap();
            assert_right(&explanation);
            assert_eq!(explanation.of_row, Some(moment.source_rows()[row]));
            let unit = explanation.unit.as_ref().unwrap();
            assert!((unit.raw - (explanation.value * unit.scale + unit.offset)).abs() < 1e-12);
            // The preparation itself, asked what one centimetre more is to the net.
            let cells = |centimetres: f64| {
                iris.input
                    .features
                    .iter()
                    .map(move |f| (if f == name { centimetres } else { 1.0 }).to_string())
            };
            let names: Vec<&str> = iris.input.features.iter().map(String::as_str).collect();
            let rows: Vec<Vec<String>> = [2.0, 3.0].map(|x| cells(x).collect()).to_vec();
            let rows: Vec<Vec<&str>> =
                rows.iter().map(|row| row.iter().map(String::as_str).collect()).collect();
            let prepared = iris.preparation.apply(&RawTable::from_rows(&names, &rows).unwrap());
            let matrix = prepared.unwrap().matrix;
            let one_more = f64::from(matrix[4 + column] - matrix[column]);
            let last = *explanation.terms[0].factors.last().unwrap();
            assert!((last - one_more).abs() < 1e-5 * last, "{name}: {last} {one_more}");
        }
    }
    let error = moment.input("petal_widht", 0).unwrap_err().to_string();
    assert!(error.contains("did you mean `petal_width`?"), "{error}");
    let error = moment.input("4", 0).unwrap_err().to_string();
    assert!(error.contains("its last input is [3]"), "{error}");
    assert_eq!(moment.input("[2]", 1).unwrap(), moment.input("petal_length", 1).unwrap());
}

#[test]
fn rows_of_the_source_are_found_in_the_batch_or_told() {
    let moment = Trainer::new(Mlp::new([4, 3])).epochs(1).batch(8).fit(&data::iris()).unwrap();
    let moment = moment.moment().unwrap();
    for (index, &source) in moment.source_rows().iter().enumerate() {
        assert_eq!(moment.row_of(source).unwrap(), index);
    }
    let missing = (1..200).find(|row| !moment.source_rows().contains(row)).unwrap();
    let error = moment.row_of(missing).unwrap_err().to_string();
    assert!(error.contains(&format!("row {missing} of the source is not in the batch")));
    assert!(moment.source_rows().iter().all(|row| error.contains(&row.to_string())), "{error}");
}
