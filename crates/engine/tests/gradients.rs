//! Every primitive's derivative equals finite differences, in first and second order, on random
//! shapes; checked in f64 by the reference interpreter.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use glassbox_engine::op::{Attention, Binary, Convolution, Pooling, Unary};
use glassbox_engine::random::Stream;
use glassbox_engine::reference::Evaluation;
use glassbox_engine::{Array, DType, Graph, Parameters, Tensor, grad};

/// Compares the gradient of a number, and of the gradient's own projection, with central differences
/// along random directions.
fn check(
    name: &str,
    seed: u64,
    shapes: &[Vec<usize>],
    range: (f64, f64),
    f: impl for<'g> Fn(&'g Graph, &[Tensor<'g>]) -> Tensor<'g>,
) {
    let stream = Stream::new(seed, name, 0);
    let mut at = 0;
    let mut draw = |low: f64, high: f64| {
        at += 1;
        low + (high - low) * stream.uniform(at)
    };
    let graph = Graph::new();
    let mut inputs = Parameters::new();
    let mut arguments = Vec::new();
    for (i, shape) in shapes.iter().enumerate() {
        let n: usize = shape.iter().product();
        let values: Vec<f64> = (0..n).map(|_| draw(range.0, range.1)).collect();
        arguments.push(graph.input(&format!("x{i}"), DType::F64, shape.clone()));
        inputs.insert(format!("x{i}"), Array::new(shape.clone(), values).unwrap());
    }
    let y = f(&graph, &arguments);
    // A random weight for each element, so that no error cancels.
    let constant = |name: &str,
                    shape: &[usize],
                    inputs: &mut Parameters,
                    draw: &mut dyn FnMut(f64, f64) -> f64| {
        let n: usize = shape.iter().product();
        let values: Vec<f64> = (0..n).map(|_| draw(-1.0, 1.0)).collect();
        inputs.insert(name.to_string(), Array::new(shape.to_vec(), values).unwrap());
        graph.input(name, DType::F64, shape.to_vec())
    };
    let weights = constant("weights", y.shape().sizes(), &mut inputs, &mut draw);
    let loss = (y * weights).sum();
    let first = grad(loss, &arguments);
    let mut projected = graph.constant(DType::F64, 0.0);
    for (i, slope) in first.iter().enumerate() {
        let shape = slope.shape();
        let direction = constant(&format!("v{i}"), shape.sizes(), &mut inputs, &mut draw);
        projected = projected + (*slope * direction).sum();
    }
    let second = grad(projected, &arguments);
    graph.check().unwrap_or_else(|e| panic!("{name}: {e}"));
    let mut asked = vec![loss, projected];
    asked.extend(&first);
    asked.extend(&second);
    let run = Evaluation::new(&graph, &inputs, &Parameters::new(), &asked).unwrap();
    for (order, (number, slopes)) in [(loss, &first), (projected, &second)].into_iter().enumerate()
    {
        for (i, slope) in slopes.iter().enumerate() {
            let x = inputs.get(&format!("x{i}")).unwrap().to_f64();
            for (element, &here) in x.iter().enumerate().take(12) {
                let at = |step: f64| {
                    let to = here + step;
                    run.with_element(arguments[i].value(), element, to, number.value()).unwrap()[0]
                };
                let difference = |h: f64| (at(h) - at(-h)) / (2.0 * h);
                // Richardson's extrapolation: the error falls with h⁴.
                let numeric = (4.0 * difference(1e-4) - difference(2e-4)) / 3.0;
                let symbolic = run.value(*slope).unwrap()[element];
                let scale = 1.0 + symbolic.abs().max(numeric.abs());
                assert!(
                    (numeric - symbolic).abs() < 2e-6 * scale,
                    "{name}, order {}, argument {i}[{element}]: {symbolic} against {numeric}",
                    order + 1
                );
            }
        }
    }
}

fn sizes(seed: u64, rank: usize) -> Vec<usize> {
    let stream = Stream::new(seed, "sizes", 0);
    (0..rank as u64).map(|i| 1 + stream.bits(i) as usize % 4).collect()
}

#[test]
fn functions_of_one_number() {
    for &op in Unary::ALL {
        for seed in 0..4 {
            // Away from kinks and poles: both signs where the function allows it.
            let ranges: &[(f64, f64)] = match op {
                Unary::Sqrt | Unary::Log | Unary::Recip => &[(0.3, 2.0)],
                Unary::Log1p => &[(-0.6, 2.0)],
                Unary::Abs | Unary::Sign | Unary::Relu => &[(0.1, 2.0), (-2.0, -0.1)],
                Unary::Floor => &[(0.1, 0.9), (-1.9, -1.1)],
                _ => &[(-2.0, 2.0)],
            };
            for &range in ranges {
                check(op.name(), seed, &[sizes(seed, 2)], range, |graph, x| {
                    let _ = graph;
                    op.of(x[0])
                });
            }
        }
    }
}

#[test]
fn functions_of_two_numbers_with_broadcasting() {
    for &op in Binary::ALL {
        for seed in 0..4 {
            let shape = sizes(seed, 3);
            let others = [shape.clone(), vec![shape[2]], vec![shape[0], 1, shape[2]], vec![]];
            for other in others {
                check(op.name(), seed, &[shape.clone(), other], (0.4, 2.0), |_, x| {
                    op.of(x[0], x[1])
                });
            }
        }
    }
}

#[test]
fn reductions() {
    for seed in 0..6 {
        let shape = sizes(seed, 3);
        for axis in [0, 1, 2, -1] {
            check("sum_axis", seed, std::slice::from_ref(&shape), (-2.0, 2.0), |_, x| {
                x[0].square().sum_axis(axis)
            });
            check("max_axis", seed, std::slice::from_ref(&shape), (-2.0, 2.0), |_, x| {
                x[0].square().max_axis(axis)
            });
            check("max_with_index", seed, std::slice::from_ref(&shape), (-2.0, 2.0), |_, x| {
                x[0].square().max_with_index(axis).0
            });
        }
        check("min_axis", seed, std::slice::from_ref(&shape), (-2.0, 2.0), |_, x| {
            x[0].square().min_axis(-2)
        });
        check("min", seed, std::slice::from_ref(&shape), (-2.0, 2.0), |_, x| x[0].square().min());
        check("sum", seed, std::slice::from_ref(&shape), (-2.0, 2.0), |_, x| x[0].square().sum());
        check("max", seed, std::slice::from_ref(&shape), (-2.0, 2.0), |_, x| x[0].square().max());
        check("mean", seed, &[shape], (-2.0, 2.0), |_, x| x[0].square().mean());
    }
}

#[test]
fn movement() {
    for seed in 0..6 {
        let shape = sizes(seed, 3);
        let n: usize = shape.iter().product();
        let s = [shape.clone()];
        check("reshape", seed, &s, (-2.0, 2.0), |_, x| x[0].square().reshape([n]));
        check("permute", seed, &s, (-2.0, 2.0), |_, x| x[0].square().permute(&[2, 0, 1]));
        check("transpose", seed, &s, (-2.0, 2.0), |_, x| x[0].square().transpose());
        check("broadcast", seed, &s, (-2.0, 2.0), |_, x| {
            x[0].square().broadcast_to([&[2], x[0].shape().sizes()].concat())
        });
        check("slice", seed, &s, (-2.0, 2.0), |_, x| {
            let middle = x[0].dim(1);
            x[0].square().slice(1, middle / 2..middle)
        });
        check("slice by step", seed, &s, (-2.0, 2.0), |_, x| {
            let sizes: Vec<usize> = x[0].shape().sizes().iter().map(|s| s.div_ceil(2)).collect();
            x[0].square().slice_to(&[0, 0, 0], &[2, 2, 2], sizes.into())
        });
        check("embed", seed, &s, (-2.0, 2.0), |_, x| {
            let sizes: Vec<usize> = x[0].shape().sizes().iter().map(|s| 2 * s + 1).collect();
            x[0].square().embed(&[1, 0, 1], &[2, 2, 2], sizes)
        });
        check("concatenate", seed, &[shape.clone(), shape], (-2.0, 2.0), |_, x| {
            x[0].square().concatenate(&[x[1].sin(), x[0] * x[1]], 1)
        });
    }
}

#[test]
fn matrix_products() {
    for seed in 0..6 {
        let s = sizes(seed, 4);
        let (m, k, n, batch) = (s[0], s[1], s[2], s[3]);
        let range = (-2.0, 2.0);
        check("matmul", seed, &[vec![m, k], vec![k, n]], range, |_, x| x[0].matmul(x[1]));
        check("matmul transposed", seed, &[vec![k, m], vec![n, k]], range, |_, x| {
            x[0].transpose().matmul(x[1].transpose())
        });
        let batched = [vec![batch, m, k], vec![batch, k, n]];
        check("batched matmul", seed, &batched, range, |_, x| x[0].matmul(x[1]));
        let shared = [vec![batch, m, k], vec![k, n]];
        check("matmul of a batch by a matrix", seed, &shared, range, |_, x| x[0].matmul(x[1]));
    }
}

#[test]
fn matrix_products_whose_batches_broadcast() {
    for seed in 0..4 {
        let s = sizes(seed, 5);
        let (m, k, n, b, h) = (s[0], s[1], s[2], s[3], s[4]);
        for (left, right) in [
            (vec![b, h, m, k], vec![k, n]),
            (vec![m, k], vec![b, k, n]),
            (vec![b, h, m, k], vec![b, 1, k, n]),
            (vec![b, h, m, k], vec![h, k, n]),
            (vec![b, 1, m, k], vec![1, h, k, n]),
            (vec![1, h, m, k], vec![b, h, k, n]),
        ] {
            let name = format!("matmul {left:?} {right:?}");
            check(&name, seed, &[left, right], (-2.0, 2.0), |_, x| {
                let y = x[0].matmul(x[1]);
                assert_eq!(y.shape().sizes()[y.rank() - 2..], [m, n]);
                y
            });
        }
    }
}

#[test]
fn order_along_an_axis() {
    for seed in 0..6 {
        let shape = sizes(seed, 3);
        for axis in [0, 1, 2, -1] {
            let s = std::slice::from_ref(&shape);
            check("sort", seed, s, (-2.0, 2.0), |_, x| x[0].square().sort(axis).0);
            check("top_k", seed, s, (-2.0, 2.0), |_, x| {
                let k = x[0].dim(axis).div_ceil(2);
                x[0].square().top_k(k, axis).0
            });
            check("min_with_index", seed, s, (-2.0, 2.0), |_, x| {
                x[0].square().min_with_index(axis).0
            });
        }
    }
}

#[test]
fn sums_up_to_each_element() {
    for seed in 0..6 {
        let shape = sizes(seed, 3);
        for axis in [0, 1, 2, -1] {
            let s = std::slice::from_ref(&shape);
            check("cumulative_sum", seed, s, (-2.0, 2.0), |_, x| {
                x[0].square().cumulative_sum(axis).sin()
            });
        }
    }
}

#[test]
fn windows_at_a_position() {
    for seed in 0..6 {
        let shape = sizes(seed, 3);
        for axis in 0..3usize {
            let whole = shape[axis];
            let part = whole.div_ceil(2);
            let mut window = shape.clone();
            window[axis] = part;
            let last = (whole - part) as f64;
            let a = axis as isize;
            check("slice_at", seed, std::slice::from_ref(&shape), (-2.0, 2.0), |graph, x| {
                x[0].square().slice_at(graph.constant(DType::I64, last), part, a)
            });
            check("update_slice", seed, &[shape.clone(), window], (-2.0, 2.0), |graph, x| {
                let y = x[0].square().update_slice(x[1].sin(), graph.constant(DType::I64, last), a);
                y * x[0]
            });
        }
    }
}

#[test]
fn rows_by_number() {
    for seed in 0..4 {
        check("gather", seed, &[vec![4, 3]], (-2.0, 2.0), |graph, x| {
            let ids = graph.iota([6], 0).cast(DType::F64) * 0.6; // 0, 0, 1, 1, 2, 3
            x[0].square().gather(ids.cast(DType::I64))
        });
        check("scatter_add", seed, &[vec![6, 3]], (-2.0, 2.0), |graph, x| {
            let ids = graph.iota([6], 0).cast(DType::F64) * 0.6;
            x[0].square().scatter_add(ids.cast(DType::I64), 5)
        });
        // Rows 0 and 1 are written twice: the first values for them are lost.
        check("scatter", seed, &[vec![5, 3], vec![6, 3]], (-2.0, 2.0), |graph, x| {
            let ids = graph.iota([6], 0).cast(DType::F64) * 0.6;
            let table = x[0].square().scatter(ids.cast(DType::I64), x[1].square() * x[0].sum());
            table * x[0]
        });
    }
}

#[test]
fn choice_and_conversion() {
    for seed in 0..4 {
        let s = [vec![3, 4], vec![4]];
        check("select", seed, &s, (-2.0, 2.0), |_, x| {
            x[0].greater(x[1]).select(x[0].square(), x[1] * x[0])
        });
        check("clamp", seed, &[vec![3, 4]], (-2.0, 2.0), |_, x| x[0].square().clamp(0.5, 1.5));
        // Through f32 and back: the values round, so only the slope of the linear part is checked.
        check("cast", seed, &[vec![5]], (-2.0, 2.0), |_, x| x[0].square().cast(DType::F64) + x[0]);
    }
}

#[test]
fn nothing_flows_through_detach_indices_or_labels() {
    let graph = Graph::new();
    let x = graph.input("x", DType::F64, [3]);
    let order = (x.argsort(0) + x.top_k(3, 0).1 + x.argmax(0) + x.argmin(0)).cast(DType::F64);
    let labels = x.cast(DType::I64).one_hot(6).cast(DType::F64);
    let y = (x.detach() * x).sum() + order.sum() + labels.sum();
    let slope = grad(y, &[x])[0];
    let mut inputs = Parameters::new();
    inputs.insert("x", Array::vector([2.0f64, 5.0, 3.0]));
    let run = Evaluation::new(&graph, &inputs, &Parameters::new(), &[slope]).unwrap();
    assert_eq!(run.value(slope).unwrap(), [2.0, 5.0, 3.0]);
}

#[test]
fn at_either_end_a_clamp_passes_half_of_the_gradient() {
    let graph = Graph::new();
    let x = graph.input("x", DType::F64, [5]);
    let slope = grad(x.clamp(-1.0, 1.0).sum(), &[x])[0];
    let mut inputs = Parameters::new();
    inputs.insert("x", Array::vector([-2.0f64, -1.0, 0.5, 1.0, 2.0]));
    let run = Evaluation::new(&graph, &inputs, &Parameters::new(), &[slope]).unwrap();
    assert_eq!(run.value(slope).unwrap(), [0.0, 0.5, 1.0, 0.5, 0.0]);
}

#[test]
fn convolutions() {
    let stream = Stream::new(11, "convolutions", 0);
    let mut at = 0;
    let mut below = |n: usize| {
        at += 1;
        stream.bits(at) as usize % n
    };
    for seed in 0..24 {
        let groups = [1, 1, 2, 3][below(4)];
        let mut choices = Convolution::default().groups(groups);
        let (mut size, mut small, mut taps) = ([0; 2], [0; 2], [0; 2]);
        let mut more = [0; 2];
        for axis in 0..2 {
            taps[axis] = 1 + below(3);
            choices.stride[axis] = 1 + below(3);
            choices.dilation[axis] = 1 + below(2);
            let extent = (taps[axis] - 1) * choices.dilation[axis] + 1;
            choices.padding[axis] = [below(extent), below(extent)];
            size[axis] = extent + below(3);
            small[axis] = 2 + below(2);
            more[axis] = below(choices.stride[axis]);
        }
        // A transposed convolution needs something to be left of it.
        let whole = |axis: usize| {
            let padding: usize = choices.padding[axis].iter().sum();
            (small[axis] - 1) * choices.stride[axis] + (taps[axis] - 1) * choices.dilation[axis] + 1
                > padding
        };
        let (depth, filters) = (1 + below(2), 1 + below(2));
        let images = vec![1 + below(2), size[0], size[1], depth * groups];
        let filter = vec![taps[0], taps[1], depth, filters * groups];
        let name = format!("conv2d {choices:?}");
        check(&name, seed, &[images, filter.clone()], (-1.0, 1.0), |_, x| {
            x[0].square().conv2d(x[1], choices)
        });
        if whole(0) && whole(1) {
            let images = vec![1 + below(2), small[0], small[1], filters * groups];
            let name = format!("conv_transpose2d {choices:?}");
            check(&name, seed, &[images, filter], (-1.0, 1.0), |_, x| {
                x[0].square().conv_transpose2d(x[1], choices, more)
            });
        }
    }
}

#[test]
fn pooling() {
    for seed in 0..8 {
        let stream = Stream::new(seed, "pooling", 0);
        let below = |at: u64, n: usize| stream.bits(at) as usize % n;
        let window = [1 + below(0, 3), 1 + below(1, 3)];
        let mut choices = Pooling::new(window).stride([1 + below(2, 2), 1 + below(3, 3)]);
        choices.padding[0] = [below(4, window[0]), below(5, window[0])];
        choices.padding[1] = [below(6, window[1]), below(7, window[1])];
        let sizes = vec![1 + below(8, 2), window[0] + 2, window[1] + below(9, 3), 2];
        let shapes = std::slice::from_ref(&sizes);
        check("max_pool2d", seed, shapes, (-2.0, 2.0), |_, x| x[0].square().max_pool2d(choices).0);
        for counted in [true, false] {
            check("average_pool2d", seed, shapes, (-2.0, 2.0), |_, x| {
                x[0].square().average_pool2d(choices, counted)
            });
        }
        check("adaptive_average_pool2d", seed, shapes, (-2.0, 2.0), |_, x| {
            x[0].square().adaptive_average_pool2d([2, 3])
        });
        check("global_average_pool", seed, shapes, (-2.0, 2.0), |_, x| {
            x[0].square().global_average_pool()
        });
    }
}

#[test]
fn attention() {
    for seed in 0..12 {
        let stream = Stream::new(seed, "attention", 0);
        let pick = |i: u64, most: usize| 1 + stream.bits(i) as usize % most;
        let (batch, heads, queries, keys) = (pick(0, 2), pick(1, 2), pick(2, 4), pick(3, 4));
        let (width, features) = (pick(4, 3), pick(5, 3));
        let shapes = [
            vec![batch, queries, heads * width],
            vec![batch, keys, heads * width],
            vec![batch, keys, heads * features],
        ];
        let choices = Attention { heads, scale: 0.7, causal: seed % 2 == 0 };
        check("attention", seed, &shapes, (-1.5, 1.5), |graph, x| {
            // The last key is hidden in every other case: of a single one, all is.
            let lengths = graph.iota([batch, 1, 1, keys], 3);
            let last = lengths.full_like(keys as f64 - 1.0);
            let mask = (seed % 4 > 1).then(|| lengths.less(last));
            x[0].attention(x[1], x[2], mask, choices)
        });
    }
}
