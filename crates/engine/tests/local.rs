//! Local derivatives of single nodes: every op's column is what a small change of one element does.

#![allow(clippy::unwrap_used)] // A test fails by panicking.

use glassbox_engine::op::{Attention, Convolution, Pooling};
use glassbox_engine::reference::Evaluation;
use glassbox_engine::{Array, DType, Graph, Op, Parameters, Tensor};

/// Records every kind of op that derivatives flow through, of `x` `[2, 3, 4]` and `y` `[2, 4, 3]`.
fn all_kinds<'g>(x: Tensor<'g>, y: Tensor<'g>, table: Tensor<'g>, rows: Tensor<'g>) {
    let graph = x.graph();
    let _ = x.tanh();
    let _ = x.square().sqrt();
    let _ = x / y.permute(&[0, 2, 1]);
    let _ = x.pow(x.full_like(2.0));
    let _ = x.max_with(y.permute(&[0, 2, 1]));
    let _ = x.greater(x.full_like(0.5)).select(x, y.permute(&[0, 2, 1]));
    let _ = x.cast(DType::F64);
    let _ = x.sum_axis(1);
    let _ = x.sum();
    let _ = x.max_axis(-1);
    let _ = x.min_axis(0);
    let _ = x.max_with_index(1);
    let _ = x.reshape([6, 4]);
    let _ = x.slice(1, 1..2).broadcast_to([5, 2, 3, 4]);
    let _ = x.permute(&[2, 0, 1]);
    let _ = x.slice_to(&[0, 0, 1], &[1, 2, 2], [2, 2, 2].into());
    let _ = x.embed(&[1, 0, 1], &[2, 1, 1], [4, 3, 6]);
    let _ = x.concatenate(&[y.permute(&[0, 2, 1]), x], 1);
    let _ = x.matmul(y);
    let _ = table.gather(rows).scatter_add(rows, 6);
    let _ = table.scatter(rows, table.gather(rows).square());
    let _ = x.sort(1);
    let _ = x.cumulative_sum(2);
    let at = graph.constant(DType::I64, 1.0);
    let _ = x.update_slice(y.permute(&[0, 2, 1]).slice_at(at, 2, 2), at, 2);
    let (images, filter) = (x.reshape([1, 2, 3, 4]), y.reshape([3, 2, 2, 2]));
    let choices = Convolution::default().padding([1, 1]).stride([1, 2]).groups(2);
    let filter = filter.concatenate(&[filter], 3);
    let z = images.conv2d(filter, choices);
    let _ = z.conv_transpose2d(filter, choices, [0, 0]);
    let _ = glassbox_engine::grad((z * 0.1).square().sum(), &[filter]);
    let _ = images.max_pool2d(Pooling::new([2, 2]).stride([1, 1]));
    let (k, choices) = (y.permute(&[0, 2, 1]), Attention { heads: 2, scale: 0.4, causal: true });
    let seen = k.greater(k.full_like(0.6)).slice(2, 0..1).reshape([2, 1, 1, 3]);
    let z = x.attention(k, k * x, Some(seen), choices);
    let _ = glassbox_engine::grad((z * 0.1).square().sum(), &[x]);
    assert!(graph.check().is_ok());
}

#[test]
fn every_column_is_what_a_small_change_does() {
    let graph = Graph::new();
    let x = graph.input("x", DType::F32, [2, 3, 4]);
    let y = graph.input("y", DType::F32, [2, 4, 3]);
    let table = graph.input("table", DType::F32, [5, 2]);
    let rows = graph.input("rows", DType::I64, [3]);
    all_kinds(x, y, table, rows);
    let number = |i: usize| (0.37 * (i as f32 + 1.0)).sin() + 1.3;
    let numbers = |n: usize, from: usize| (0..n).map(|i| number(i + from)).collect::<Vec<f32>>();
    let mut inputs = Parameters::new();
    inputs.insert("x", Array::new([2, 3, 4], numbers(24, 0)).unwrap());
    inputs.insert("y", Array::new([2, 4, 3], numbers(24, 50)).unwrap());
    inputs.insert("table", Array::new([5, 2], numbers(10, 9)).unwrap());
    inputs.insert("rows", Array::vector([4i64, 0, 4]));
    let value = |node: usize| graph.node(node).map(|n| n.outputs[0].clone()).unwrap();
    let tensor = |node: usize| {
        graph.tensor(glassbox_engine::Value { node: node as u32, output: 0 }).unwrap()
    };
    let every: Vec<Tensor<'_>> = (0..graph.len()).map(tensor).collect();
    let run = Evaluation::new(&graph, &inputs, &Parameters::new(), &every).unwrap();
    let (mut checked, mut kinds) = (0, std::collections::BTreeSet::new());
    for index in 0..graph.len() {
        let node = graph.node(index).unwrap();
        for (argument, &arg) in node.args.iter().enumerate() {
            let compared = matches!(node.op, Op::Compare(_)) || !value(index).dtype.is_float();
            if compared || !graph.tensor(arg).unwrap().dtype().is_float() {
                continue;
            }
            kinds.insert(node.op.name());
            let length = run.at(arg).unwrap().len();
            let given: Vec<Vec<f64>> =
                node.args.iter().map(|&v| run.at(v).unwrap().to_vec()).collect();
            let apply = |element: usize, change: f64| {
                let mut args = given.clone();
                args[argument][element] += change;
                let args: Vec<&[f64]> = args.iter().map(Vec::as_slice).collect();
                run.apply(index, &args).unwrap()
            };
            for element in (0..length).step_by(length.div_ceil(7)) {
                let mut column = vec![0.0; value(index).shape.elements()];
                for (_, to, slope) in run.local_column(index, argument, element).unwrap() {
                    column[to] += slope;
                }
                let mut unit = vec![0.0; length];
                unit[element] = 1.0;
                let pushed = run.push_forward(index, argument, &unit).unwrap();
                let (up, down) = (apply(element, 1e-6), apply(element, -1e-6));
                for to in 0..column.len() {
                    let difference = (up[to] - down[to]) / 2e-6;
                    let of = format!("{} by argument {argument}, {element} → {to}", node.op);
                    let close = |a: f64, b: f64, by: f64| (a - b).abs() <= by * b.abs().max(1.0);
                    assert!(close(column[to], pushed[to], 1e-12), "{of}: {column:?} {pushed:?}");
                    assert!(close(column[to], difference, 1e-7), "{of}: {column:?} {difference}");
                    checked += 1;
                }
            }
        }
    }
    assert!(checked > 3000 && kinds.len() >= 30, "{checked} numbers of {kinds:?}");
}

#[test]
fn what_does_not_exist_is_refused() {
    let graph = Graph::new();
    let x = graph.input("x", DType::F32, [2]);
    let y = x.exp();
    let mut inputs = Parameters::new();
    inputs.insert("x", Array::vector([0.0f32, 1.0]));
    let run = Evaluation::new(&graph, &inputs, &Parameters::new(), &[y]).unwrap();
    assert!(run.local_column(1, 0, 2).is_err());
    assert!(run.local_column(1, 1, 0).is_err());
    assert!(run.local_column(9, 0, 0).is_err());
    assert!(run.push_forward(1, 0, &[1.0]).is_err());
    assert!(run.apply(1, &[&[1.0]]).is_err());
    assert!(run.with_value(x.value(), vec![1.0], y.value()).is_err());
}
