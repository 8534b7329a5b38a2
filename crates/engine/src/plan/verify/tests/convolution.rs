//! What is kept of states, and loops behind convolutions.

use super::{plan, refused, verify};
use crate::graph::{DType, Graph, Mode, Tensor};
use crate::op::{Convolution, Convolved};
use crate::plan::kept::Form;
use crate::plan::kernel::{Kernel, Made, Memory};

fn used(graph: &Graph) -> Vec<Tensor<'_>> {
    let at = graph.root(Mode::Eval);
    let x = graph.input("x", DType::F32, [1, 6, 6, 32]);
    let filters = ["a", "b"].map(|name| at.parameter(name, [3, 3, 32, 32], 0.1));
    let filtered = filters.map(|w| x.conv2d(w, Convolution::default().padding([1, 1])).relu());
    let rows = (filtered[0] + filtered[1]).reshape([6, 192]);
    vec![rows.matmul(at.parameter("w", [192, 70], 0.1))]
}

#[test]
fn what_is_kept_of_something_else_or_of_what_is_written_is_refused() {
    let good = plan(used);
    verify(&good).unwrap();
    assert_eq!(good.kept.len(), 3, "{good}");
    let steps: Vec<usize> =
        (0..good.steps.len()).filter(|&step| good.steps[step].kept.is_some()).collect();
    assert_eq!(steps.len(), 3, "{good}");
    for &step in &steps {
        let held = good.steps[step].kept.unwrap();
        for other in 0..=good.kept.len() {
            let mut bad = good.clone();
            bad.steps[step].kept = Some(other);
            if other != held {
                refused(&bad, "what was kept for another step, or not at all");
            }
        }
        let mut bad = good.clone();
        bad.kept[held].len -= 1;
        refused(&bad, "less memory than what is kept takes");
        let mut bad = good.clone();
        bad.kept[held].form = match bad.kept[held].form {
            Form::Right { n, k, transposed } => Form::Right { n, k, transposed: !transposed },
            Form::Filter { stencil, .. } => Form::Filter { gives: Convolved::Input, stencil },
        };
        refused(&bad, "another form");
        let mut bad = good.clone();
        let Memory::State(state) = bad.steps[step].reads[1].memory else { panic!("{good}") };
        bad.states[state].written = true;
        refused(&bad, "a state that is said to be written");
    }
}

fn filtered(graph: &Graph) -> Vec<Tensor<'_>> {
    let x = graph.input("x", DType::F32, [2, 6, 8, 5]);
    let w = graph.input("w", DType::F32, [3, 3, 5, 7]);
    let y = x.conv2d(w, Convolution::default().padding([1, 1]));
    vec![(y + graph.input("bias", DType::F32, [7])).relu()]
}

#[test]
fn loops_that_do_not_fit_behind_a_convolution_are_refused() {
    let good = plan(filtered);
    verify(&good).unwrap();
    let corrupt = |how: &str, change: &dyn Fn(&mut crate::plan::Step)| {
        let mut bad = good.clone();
        let step = bad.steps.iter_mut().find(|step| step.kernel.then().is_some());
        change(step.expect("a loop behind a convolution"));
        refused(&bad, how);
    };
    fn behind(step: &mut crate::plan::Step) -> &mut crate::plan::kernel::Then {
        step.kernel.then_mut().unwrap().as_mut().unwrap()
    }
    corrupt("pixels that have no place", &|step| behind(step).made = Made::Apart);
    corrupt("fewer pixels", &|step| behind(step).body.rows -= 1);
    corrupt("rows and columns exchanged", &|step| {
        let l = &mut behind(step).body;
        (l.rows, l.columns) = (l.columns, l.rows);
    });
    corrupt("no loop", &|step| *step.kernel.then_mut().unwrap() = None);
    corrupt("behind a filter's gradient", &|step| {
        if let Kernel::Convolution { gives, .. } = &mut step.kernel {
            *gives = Convolved::Filter;
        }
    });
    corrupt("behind pixels in several phases", &|step| {
        if let Kernel::Convolution { gives, stencil, .. } = &mut step.kernel {
            *gives = Convolved::Input;
            stencil.sliding[0].stride = 2;
        }
    });
    corrupt("a product elsewhere", &|step| step.reads[2].offset += 64);
}
