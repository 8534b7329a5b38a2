//! Convolutions and pooling: plans equal the f64 reference over random sizes, strides, paddings,
//! dilations and groups, to the same bits whatever the threads; mistakes are told in words.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use glassbox_engine::op::{Convolution, Pooling};
use glassbox_engine::random::Stream;
use glassbox_engine::reference::Evaluation;
use glassbox_engine::{Array, DType, Graph, Isa, Options, Parameters, Session, Tensor, grad};

/// Random choices, one after another.
struct Dice {
    stream: Stream,
    at: u64,
}

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.at += 1;
        self.stream.bits(self.at) as usize % n
    }

    fn array(&mut self, dtype: DType, sizes: &[usize]) -> Array {
        let n: usize = sizes.iter().product();
        let values: Vec<f64> = (0..n)
            .map(|_| {
                self.at += 1;
                self.stream.uniform(self.at) * 2.0 - 1.0
            })
            .collect();
        Array::from_f64(dtype, sizes.to_vec(), &values).unwrap()
    }
}

/// Sizes of input and filter, and how they go together.
#[derive(Debug)]
struct Case {
    input: [usize; 4],
    filter: [usize; 4],
    choices: Convolution,
}

fn random_case(dice: &mut Dice) -> Case {
    let groups = [1, 1, 1, 2, 3, 5][dice.below(6)];
    let depth = [1, 1, 2, 3, 7, 16, 20][dice.below(7)];
    let filters = [1, 1, 2, 3, 16, 33, 40][dice.below(7)];
    let mut choices = Convolution::default().groups(groups);
    let (mut size, mut taps) = ([1; 2], [1; 2]);
    for axis in 0..2 {
        taps[axis] = 1 + dice.below(5);
        choices.stride[axis] = 1 + dice.below(3);
        choices.dilation[axis] = 1 + dice.below(3);
        choices.padding[axis] = [dice.below(4), dice.below(4)];
        let extent = (taps[axis] - 1) * choices.dilation[axis] + 1;
        let padding: usize = choices.padding[axis].iter().sum();
        size[axis] = (extent.saturating_sub(padding)).max(1) + dice.below(9);
    }
    Case {
        input: [1 + dice.below(4), size[0], size[1], depth * groups],
        filter: [taps[0], taps[1], depth, filters * groups],
        choices,
    }
}

/// Runs on every instruction set, exactly and not: equal to the reference, and to the same bits on 1, 2
/// and 3 threads.
fn check(name: &str, graph: &Graph, given: &Parameters, asked: &[Tensor<'_>], dtype: DType) {
    graph.check().unwrap_or_else(|e| panic!("{name}: {e}"));
    let truth = Evaluation::new(graph, given, &Parameters::new(), asked).unwrap();
    for (isa, exact) in Isa::available().into_iter().flat_map(|isa| [(isa, true), (isa, false)]) {
        let mut first: Option<Vec<Array>> = None;
        for threads in 1..4 {
            let options = Options { threads, isa: Some(isa), exact, ..Options::default() };
            let mut session = Session::new(options).unwrap();
            let results = session.evaluate(graph, given, asked).unwrap();
            for (which, (result, tensor)) in results.iter().zip(asked).enumerate() {
                let truth = truth.value(*tensor).unwrap();
                let scale = truth.iter().fold(1.0f64, |m, x| m.max(x.abs()));
                let tolerance = match dtype {
                    DType::F32 if exact => 1e-5,
                    DType::F32 => 2e-5,
                    _ => 1e-13,
                };
                for (i, (got, want)) in result.to_f64().iter().zip(truth).enumerate() {
                    assert!(
                        (got - want).abs() <= tolerance * scale,
                        "{name} on {isa}, {threads} threads: result {which}[{i}] is {got}, not {want}"
                    );
                }
            }
            let bits = |arrays: &[Array]| -> Vec<Vec<u64>> {
                let of = |a: &Array| a.to_f64().iter().map(|x| x.to_bits()).collect();
                arrays.iter().map(of).collect()
            };
            let held = first.get_or_insert_with(|| results.clone());
            assert!(bits(held) == bits(&results), "{name} on {isa}: {threads} threads, other bits");
        }
    }
}

/// A convolution, both its derivatives, and derivatives of those.
fn convolution(case: &Case, dtype: DType, dice: &mut Dice) {
    let graph = Graph::new();
    let mut given = Parameters::new();
    let mut input = |name: &str, sizes: &[usize]| {
        given.insert(name, dice.array(dtype, sizes));
        graph.input(name, dtype, sizes.to_vec())
    };
    let (x, w) = (input("x", &case.input), input("w", &case.filter));
    let y = x.conv2d(w, case.choices);
    let weights = input("weights", y.shape().sizes());
    let slopes = grad((y * weights).sum(), &[x, w]);
    let again = grad(slopes[0].square().sum() + slopes[1].square().sum(), &[x, w, weights]);
    let asked = [&[y][..], &slopes, &again].concat();
    check(&format!("{case:?}"), &graph, &given, &asked, dtype);
}

#[test]
fn random_convolutions_and_their_derivatives_equal_the_reference() {
    let mut dice = Dice { stream: Stream::new(5, "convolutions", 0), at: 0 };
    for index in 0..120 {
        let case = random_case(&mut dice);
        convolution(&case, if index % 4 == 0 { DType::F64 } else { DType::F32 }, &mut dice);
    }
}

#[test]
fn convolutions_that_are_cut_in_blocks_and_slices_equal_the_reference() {
    let mut dice = Dice { stream: Stream::new(6, "convolutions", 0), at: 0 };
    let plain = Convolution::default();
    for (input, filter, choices) in [
        // More depth than a block takes, in taps and in channels.
        ([1, 5, 5, 96], [3, 3, 96, 40], plain.padding([1, 1])),
        ([2, 3, 4, 500], [2, 2, 500, 33], plain),
        ([1, 4, 4, 512], [1, 1, 512, 17], plain.stride([2, 2])),
        // More pixels than a slice takes.
        ([3, 40, 33, 2], [3, 3, 2, 5], plain.padding([1, 1])),
        ([4, 41, 40, 1], [5, 5, 1, 32], plain.padding([2, 2])),
        ([2, 33, 65, 3], [3, 3, 1, 6], plain.groups(3).stride([1, 2])),
        // Depthwise, also with more channels than are taken at a time.
        ([2, 9, 9, 70], [3, 3, 1, 70], plain.groups(70).padding([1, 1])),
        ([2, 9, 8, 150], [2, 3, 1, 150], plain.groups(150).stride([2, 2]).dilation([2, 1])),
        // Each pixel by itself.
        ([2, 6, 7, 20], [1, 1, 20, 30], plain),
        // Sequences.
        ([3, 1, 50, 8], [1, 5, 8, 12], plain.padding([0, 2])),
        // Filters that miss inputs, and strides beyond the image.
        ([1, 9, 9, 4], [2, 2, 4, 3], plain.stride([4, 5])),
        ([1, 2, 3, 4], [1, 1, 4, 3], plain.stride([9, 7])),
        // A single window, which sees padding alone.
        ([1, 1, 5, 2], [1, 1, 2, 3], plain.stride([3, 1]).padding([1, 0])),
        // Fewer lines than slices.
        ([1, 1, 8193, 1], [1, 1, 1, 3], plain.stride([1, 3])),
        ([3, 1, 5000, 2], [1, 5, 2, 4], plain.padding([0, 2])),
        // In tiles, whole and cut off, with paddings that leave more than the image or less.
        ([2, 12, 8, 16], [3, 3, 16, 16], plain.padding([1, 1])),
        ([3, 7, 7, 64], [3, 3, 64, 32], plain.padding([1, 1])),
        ([1, 13, 30, 32], [3, 3, 32, 48], plain),
        ([9, 17, 6, 16], [3, 3, 16, 80], plain.padding([2, 3])),
        ([8, 32, 33, 16], [3, 3, 16, 16], plain.padding([1, 1])),
        // Tiles of other filters, and of the phases of images under filters that go over every second pixel.
        ([3, 14, 13, 32], [5, 5, 32, 16], plain.padding([2, 2])),
        ([2, 9, 12, 16], [5, 5, 16, 48], plain.padding([1, 3])),
        ([2, 11, 10, 32], [2, 2, 32, 32], plain.padding([1, 0])),
        ([3, 14, 14, 32], [4, 4, 32, 48], plain.padding([1, 1]).stride([2, 2])),
        ([9, 13, 8, 16], [4, 4, 16, 64], plain.padding([1, 2]).stride([2, 2])),
        ([2, 15, 15, 32], [3, 3, 32, 64], plain.padding([1, 1]).stride([2, 2])),
        ([2, 17, 16, 16], [6, 6, 16, 32], plain.padding([2, 1]).stride([2, 2])),
        ([1, 24, 23, 16], [10, 10, 16, 32], plain.padding([4, 5]).stride([2, 2])),
        // To few channels, and from all pixels to one.
        ([3, 12, 13, 1], [5, 5, 1, 32], plain.padding([2, 2])),
        ([2, 15, 14, 3], [7, 7, 3, 20], plain.padding([3, 3]).stride([2, 2])),
        ([5, 7, 7, 6], [7, 7, 6, 10], plain),
        ([3, 14, 9, 2], [4, 3, 2, 33], plain.padding([1, 0]).stride([2, 3]).dilation([2, 1])),
        // Nothing in the batch, no channels.
        ([0, 5, 5, 2], [3, 3, 2, 4], plain),
        ([1, 5, 5, 0], [3, 3, 0, 4], plain),
        ([1, 5, 5, 3], [3, 3, 3, 0], plain),
        // Nothing but padding.
        ([1, 0, 0, 2], [2, 2, 2, 3], plain.padding([1, 2])),
    ] {
        convolution(&Case { input, filter, choices }, DType::F32, &mut dice);
    }
}

#[test]
fn tiles_are_off_by_a_few_units_in_the_sixth_place_and_exact_sums_are_not() {
    let mut dice = Dice { stream: Stream::new(8, "convolutions", 0), at: 0 };
    // Filters of 3×3, and of 5×5 and 4×4, whose sums have more terms.
    for (taps, stride) in [(3, 1), (5, 1), (4, 2)] {
        let graph = Graph::new();
        let mut given = Parameters::new();
        let mut input = |name: &str, sizes: [usize; 4]| {
            given.insert(name, dice.array(DType::F32, &sizes));
            graph.input(name, DType::F32, sizes)
        };
        let (x, w) = (input("x", [8, 16, 16, 64]), input("w", [taps, taps, 64, 64]));
        let choices = Convolution::default().padding([taps / 2; 2]).stride([stride; 2]);
        let y = x.conv2d(w, choices);
        let sizes = [8, y.dim(1), y.dim(2), 64];
        let up = input("up", sizes);
        let slopes = grad((y * up).sum(), &[x, w]);
        let asked = [y, slopes[0], slopes[1]];
        let truth = Evaluation::new(&graph, &given, &Parameters::new(), &asked).unwrap();
        for (exact, most) in [(true, 2e-6), (false, 1e-5)] {
            let mut session = Session::new(Options { exact, ..Options::default() }).unwrap();
            let results = session.evaluate(&graph, &given, &asked).unwrap();
            for (name, (result, tensor)) in
                ["output", "input", "filter"].iter().zip(results.iter().zip(&asked))
            {
                let truth = truth.value(*tensor).unwrap();
                let largest = truth.iter().fold(0.0f64, |most, x| most.max(x.abs()));
                let result = result.to_f64();
                let errors = result.iter().zip(truth).map(|(got, want)| (got - want).abs());
                let error = errors.fold(0.0, f64::max) / largest;
                println!("{name} by {taps}×{taps}, exact {exact}: {error:.1e} of the largest");
                assert!(error < most, "{name}, {taps}, exact {exact}: {error:e} of the largest");
            }
        }
    }
}

#[test]
fn random_pooling_and_its_derivatives_equal_the_reference() {
    let mut dice = Dice { stream: Stream::new(7, "pooling", 0), at: 0 };
    for index in 0..60 {
        let dtype = if index % 3 == 0 { DType::F64 } else { DType::F32 };
        let window = [1 + dice.below(4), 1 + dice.below(4)];
        let mut choices = Pooling::new(window).stride([1 + dice.below(3), 1 + dice.below(3)]);
        choices.padding = window.map(|size| [dice.below(size), dice.below(size)]);
        let sizes = [
            1 + dice.below(3),
            window[0] + dice.below(6),
            window[1] + dice.below(6),
            [1, 3, 16, 40][dice.below(4)],
        ];
        let graph = Graph::new();
        let mut given = Parameters::new();
        given.insert("x", dice.array(dtype, &sizes));
        let x = graph.input("x", dtype, sizes);
        let (largest, places) = x.max_pool2d(choices);
        let adaptive = x.adaptive_average_pool2d([1 + dice.below(7), 1 + dice.below(7)]);
        let mut asked = vec![largest, places];
        for y in [
            largest,
            x.average_pool2d(choices, true),
            x.average_pool2d(choices, false),
            adaptive,
            x.global_average_pool(),
        ] {
            let slope = grad(y.square().sum(), &[x])[0];
            asked.extend([y, slope, grad((slope * x.sin()).sum(), &[x])[0]]);
        }
        check(&format!("{sizes:?} {choices:?}"), &graph, &given, &asked, dtype);
    }
}

#[test]
fn max_pooling_takes_the_first_of_equals_and_not_a_number_above_all() {
    let graph = Graph::new();
    let x = graph.input("x", DType::F32, [1, 2, 6, 1]);
    let (largest, places) = x.max_pool2d(Pooling::new([2, 2]));
    let mut given = Parameters::new();
    let (nan, low) = (f32::NAN, f32::NEG_INFINITY);
    let numbers = [1.0, 2.0, 0.0, nan, low, low, 2.0, 2.0, nan, f32::INFINITY, low, low];
    given.insert("x", Array::new([1, 2, 6, 1], numbers).unwrap());
    let mut session = Session::new(Options::default()).unwrap();
    let results = session.evaluate(&graph, &given, &[largest, places]).unwrap();
    let values = results[0].as_f32().unwrap();
    assert!(values[0] == 2.0 && values[1].is_nan() && values[2] == low, "{values:?}");
    assert_eq!(results[1].as_i64().unwrap(), [1, 3, 4]);
    let asked = [largest, places];
    let truth = Evaluation::new(&graph, &given, &Parameters::new(), &asked).unwrap();
    assert_eq!(truth.value(places).unwrap(), [1.0, 3.0, 4.0]);
}

/// The words of the one mistake that recording makes.
fn mistake(record: impl for<'g> Fn(Tensor<'g>, Tensor<'g>) -> Tensor<'g>) -> String {
    let graph = Graph::new();
    let images = graph.input("images", DType::F32, [2, 8, 9, 6]);
    let filter = graph.input("filter", DType::F32, [3, 3, 6, 4]);
    // What follows a mistake is not told.
    let _ = record(images, filter).square().sum();
    let mistakes = graph.check().expect_err("a mistake");
    assert_eq!(mistakes.0.len(), 1, "{mistakes}");
    mistakes.to_string()
}

#[test]
fn mistakes_are_told_in_words() {
    let plain = Convolution::default();
    let of = |choices: Convolution| mistake(move |x, w| x.conv2d(w, choices));
    let tell = |text: String, words: &[&str]| {
        for word in words {
            assert!(text.contains(word), "“{word}” is not in: {text}");
        }
    };
    tell(of(plain.groups(4)), &["6 channels cannot be cut into 4 equal groups", "input `images`"]);
    tell(of(plain.groups(2)), &["6 channels", "takes 6 in each of 2 groups"]);
    tell(of(plain.groups(0)), &["1 group at least"]);
    tell(of(plain.stride([0, 1])), &["height", "stride 0", "at least 1"]);
    tell(of(plain.dilation([1, 0])), &["width", "dilation 0"]);
    tell(of(plain.dilation([1, 9])), &["a filter of width 3, spread over 19", "images of width 9"]);
    tell(
        of(plain.dilation([9, 1]).padding([2, 0])),
        &["does not fit", "height 8 with padding 2 + 2"],
    );
    for huge in [usize::MAX, usize::MAX / 2, 1 << 40] {
        tell(of(plain.stride([huge, 1])), &["too large"]);
        tell(of(plain.padding([1, huge])), &["too large"]);
        tell(of(plain.dilation([huge, 1])), &["too large"]);
    }
    tell(mistake(|x, w| x.slice(3, 0..5).conv2d(w, plain)), &["5 channels", "takes 6"]);
    tell(mistake(|x, w| x.conv2d(w.sum(), plain)), &["takes images [batch, height", "and filters"]);
    tell(mistake(|x, w| x.conv2d(w.cast(DType::F64), plain)), &["not f32 and f64"]);
    tell(
        mistake(|x, w| x.conv2d(w.slice(2, 0..3).slice(3, 0..3), plain.groups(2))),
        &["3 outputs cannot be cut into 2 equal groups"],
    );
    let spread = |choices, more| mistake(move |x, w| x.conv_transpose2d(w, choices, more));
    tell(spread(plain, [0, 0]), &["there are 6 channels, the filter gives 4"]);
    let spread =
        |choices, more| mistake(move |x, w| x.slice(3, 0..4).conv_transpose2d(w, choices, more));
    tell(spread(plain, [1, 0]), &["would be convolved to 9 × 9, not 8 × 9"]);
    tell(spread(plain.padding([9, 0]), [0, 0]), &["padding of 18 leaves nothing"]);
    let pool = |choices| mistake(move |x, _| x.max_pool2d(choices).0);
    tell(pool(Pooling::new([2, 10])), &["a window of width 10", "does not fit images of width 9"]);
    tell(pool(Pooling::new([2, 2]).padding([2, 0])), &["not below the window"]);
    tell(pool(Pooling::new([0, 2])), &["at least 1"]);
    tell(
        mistake(|x, _| x.greater(0.0 * x).max_pool2d(Pooling::new([2, 2])).0.cast(DType::F32)),
        &["bool"],
    );
    tell(mistake(|x, _| x.sum().average_pool2d(Pooling::new([2, 2]), true)), &["takes images"]);
    tell(mistake(|x, _| x.sum().global_average_pool()), &["takes images"]);
    tell(mistake(|x, _| x.adaptive_average_pool2d([0, 3])), &["at least 1"]);
}
