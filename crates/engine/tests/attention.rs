//! Attention equals the reference and the products of whole matrices that it stands for, forwards, backwards
//! and twice, on every instruction set, to the same bits on any number of threads.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use glassbox_engine::op::Attention;
use glassbox_engine::random::Stream;
use glassbox_engine::reference::Evaluation;
use glassbox_engine::{
    Array, DType, Graph, Isa, Options, Parameters, Session, Shape, Tensor, grad,
};

/// An attention and the mask that is given to it.
#[derive(Clone, Debug)]
struct Case {
    batch: Vec<usize>,
    times: [usize; 2],
    /// Of a query and a value of one head.
    widths: [usize; 2],
    choices: Attention,
    mask: Option<Vec<usize>>,
}

impl Case {
    fn shape(&self, time: usize, width: usize) -> Shape {
        Shape::from([&self.batch[..], &[time, self.choices.heads * width]].concat())
    }

    fn arguments<'g>(&self, graph: &'g Graph, dtype: DType) -> [Tensor<'g>; 4] {
        let ([queries, keys], [width, features]) = (self.times, self.widths);
        let input = |name: &str, time, width| graph.input(name, dtype, self.shape(time, width));
        [
            input("q", queries, width),
            input("k", keys, width),
            input("v", keys, features),
            input("up", queries, features),
        ]
    }

    fn mask<'g>(&self, graph: &'g Graph) -> Option<Tensor<'g>> {
        self.mask.as_ref().map(|sizes| graph.input("mask", DType::Bool, sizes.clone()))
    }

    /// Numbers for everything; of the mask's rows the first hides every key.
    fn numbers(&self, graph: &Graph, seed: u64) -> Parameters {
        let mut given = Parameters::new();
        for name in ["q", "k", "v", "up", "mask"] {
            let Some(input) = graph.find_input(name) else { continue };
            let stream = Stream::new(seed, name, 0);
            let uniform = (0..input.elements() as u64).map(|i| stream.uniform(i));
            let numbers: Vec<f64> = match name {
                "mask" => {
                    let row = input.shape().sizes().last().copied().unwrap_or(1);
                    uniform
                        .enumerate()
                        .map(|(i, x)| f64::from(u8::from(i >= row && x > 0.3)))
                        .collect()
                }
                _ => uniform.map(|x| 4.0 * x - 2.0).collect(),
            };
            given.insert(name, Array::from_f64(input.dtype(), input.shape(), &numbers).unwrap());
        }
        given
    }
}

/// What is found, its derivatives, and derivatives of these.
fn asked<'g>(found: Tensor<'g>, of: [Tensor<'g>; 4], twice: bool) -> Vec<Tensor<'g>> {
    let [q, k, v, up] = of;
    let slopes = grad((found * up).sum(), &[q, k, v]);
    let mut all = [&[found][..], &slopes].concat();
    if twice {
        let sum = slopes[0].square().sum() + slopes[1].square().sum() + slopes[2].sin().sum();
        all.extend(grad(sum, &of));
    }
    all
}

fn close(what: &str, got: &[f64], want: &[f64], tolerance: f64) {
    assert_eq!(got.len(), want.len(), "{what}");
    let scale = want.iter().fold(1.0f64, |m, x| m.max(x.abs()));
    for (i, (got, want)) in got.iter().zip(want).enumerate() {
        assert!((got - want).abs() <= tolerance * scale, "{what}[{i}] is {got}, not {want}");
    }
}

fn check(case: &Case, seed: u64, dtype: DType, twice: bool) {
    let graph = Graph::new();
    let (of, mask) = (case.arguments(&graph, dtype), case.mask(&graph));
    let [q, k, v, _] = of;
    let own = asked(q.attention(k, v, mask, case.choices), of, twice);
    // The same by products of whole matrices.
    let given = case.numbers(&graph, seed);
    let plain = asked(by_matrices(q, k, v, mask, case.choices), of, twice);
    let all = [&own[..], &plain].concat();
    graph.check().unwrap_or_else(|e| panic!("{case:?}: {e}"));
    let truth = Evaluation::new(&graph, &given, &Parameters::new(), &all).unwrap();
    for (which, (own, plain)) in own.iter().zip(&plain).enumerate() {
        let what = format!("{case:?}: reference of result {which}");
        close(&what, truth.value(*own).unwrap(), truth.value(*plain).unwrap(), 1e-12);
    }
    for isa in Isa::available() {
        let mut first: Option<Vec<Array>> = None;
        for threads in [1, 2, 3, 5] {
            let options = Options { threads, isa: Some(isa), ..Options::default() };
            let results = Session::new(options).unwrap().evaluate(&graph, &given, &own).unwrap();
            for (which, (result, tensor)) in results.iter().zip(&own).enumerate() {
                let what = format!("{case:?} on {isa}, {threads} threads: result {which}");
                let tolerance = if dtype == DType::F32 { 1e-5 } else { 1e-13 };
                close(&what, &result.to_f64(), truth.value(*tensor).unwrap(), tolerance);
            }
            let bits = |all: &[Array]| -> Vec<Vec<u64>> {
                all.iter().map(|a| a.to_f64().iter().map(|x| x.to_bits()).collect()).collect()
            };
            let held = first.get_or_insert_with(|| results.clone());
            assert!(
                bits(held) == bits(&results),
                "{case:?} on {isa}: {threads} threads, other bits"
            );
        }
    }
}

/// Attention as products of the shares.
fn by_matrices<'g>(
    q: Tensor<'g>,
    k: Tensor<'g>,
    v: Tensor<'g>,
    mask: Option<Tensor<'g>>,
    choices: Attention,
) -> Tensor<'g> {
    let shares = q.attention_shares(k, mask, choices);
    let shape = v.shape();
    let (lead, [time, features]) = shape.sizes().split_last_chunk::<2>().unwrap();
    let heads = choices.heads;
    let order: Vec<usize> =
        (0..lead.len()).chain([lead.len() + 1, lead.len(), lead.len() + 2]).collect();
    let v = v.reshape([lead, &[*time, heads, features / heads]].concat()).permute(&order);
    let found = shares.matmul(v).permute(&order);
    found.reshape([lead, &[q.dim(-2), *features]].concat())
}

fn case(batch: &[usize], times: [usize; 2], widths: [usize; 2], heads: usize) -> Case {
    let choices = Attention { heads, scale: 1.0 / (widths[0].max(1) as f64).sqrt(), causal: false };
    Case { batch: batch.to_vec(), times, widths, choices, mask: None }
}

impl Case {
    fn causal(mut self) -> Case {
        self.choices.causal = true;
        self
    }

    fn masked(mut self, sizes: &[usize]) -> Case {
        self.mask = Some(sizes.to_vec());
        self
    }
}

#[test]
fn random_sizes_equal_the_reference_and_whole_matrices() {
    for seed in 0..40u64 {
        let stream = Stream::new(seed, "cases", 0);
        let pick = |i: u64, from: &[usize]| from[stream.bits(i) as usize % from.len()];
        let batch = match pick(0, &[0, 1, 2]) {
            0 => vec![],
            1 => vec![2],
            _ => vec![2, 1],
        };
        let times = [pick(1, &[1, 2, 5, 17, 40]), pick(2, &[1, 3, 5, 18, 33])];
        let widths = [pick(3, &[1, 3, 8, 17]), pick(4, &[1, 4, 7, 16])];
        let mut case = case(&batch, times, widths, pick(5, &[1, 2, 3]));
        case.choices.causal = pick(6, &[0, 1]) == 1;
        let heads = case.choices.heads;
        case.mask = match pick(7, &[0, 1, 2, 3, 4]) {
            0 => Some(vec![times[1]]),
            1 => Some([&batch[..], &[1, 1, times[1]]].concat()),
            2 => Some([&batch[..], &[heads, times[0], times[1]]].concat()),
            3 => Some(vec![times[0], 1]),
            _ => None,
        };
        check(&case, seed, DType::F32, true);
        check(&case, seed, DType::F64, true);
    }
}

#[test]
fn many_blocks_equal_the_reference_and_whole_matrices() {
    let long = [
        case(&[1], [300, 300], [16, 16], 2).causal(),
        case(&[1], [300, 300], [16, 8], 1),
        case(&[], [130, 257], [20, 33], 1).causal(),
        case(&[2], [257, 128], [7, 64], 1).causal(),
        case(&[3], [128, 129], [64, 64], 2),
        case(&[2], [200, 270], [5, 6], 1).masked(&[2, 1, 1, 270]),
        case(&[1], [270, 270], [5, 6], 2).causal().masked(&[2, 270, 270]),
    ];
    for (seed, case) in long.iter().enumerate() {
        check(case, seed as u64, DType::F32, false);
    }
    check(&long[0], 9, DType::F64, false);
}

#[test]
fn nothing_to_look_at_or_to_look_with_gives_zeros() {
    for [queries, keys] in [[0, 3], [3, 0], [0, 0], [3, 2]] {
        for widths in [[0, 2], [2, 0], [2, 2]] {
            for heads in [1, 2] {
                let case = case(&[2], [queries, keys], widths, heads);
                check(&case, 1, DType::F32, true);
                check(&case.causal(), 1, DType::F64, true);
            }
        }
    }
}

#[test]
fn parts_of_wider_rows_are_read_where_they_lie() {
    let graph = Graph::new();
    let all = graph.input("all", DType::F32, [2, 150, 3 * 8]);
    let [q, k, v] = [0, 1, 2].map(|i| all.slice(-1, 8 * i..8 * (i + 1)));
    let choices = Attention { heads: 2, scale: 0.5, causal: true };
    let found = q.attention(k, v, None, choices);
    let slope = grad(found.square().sum(), &[all])[0];
    let mut given = Parameters::new();
    let numbers: Vec<f32> = (0..2 * 150 * 24).map(|i| (0.37 * i as f32).sin()).collect();
    given.insert("all", Array::new([2, 150, 24], numbers).unwrap());
    let truth = Evaluation::new(&graph, &given, &Parameters::new(), &[found, slope]).unwrap();
    let mut session = Session::new(Options::default()).unwrap();
    let results = session.evaluate(&graph, &given, &[found, slope]).unwrap();
    for (result, tensor) in results.iter().zip([found, slope]) {
        close("parts", &result.to_f64(), truth.value(tensor).unwrap(), 1e-5);
    }
    let plan = session.prepare(&graph, &[found]).unwrap().plan().to_string();
    assert!(plan.contains("attention 2 × 2 heads") && !plan.contains("move"), "{plan}");
}

#[test]
fn memory_grows_with_time_and_not_with_its_square() {
    let arena = |time: usize| {
        let graph = Graph::new();
        let case = case(&[1], [time, time], [16, 16], 2).causal();
        let of = case.arguments(&graph, DType::F32);
        let asked = asked(of[0].attention(of[1], of[2], None, case.choices), of, false);
        let mut session = Session::new(Options::default()).unwrap();
        session.prepare(&graph, &asked).unwrap().plan().arena_bytes()
    };
    assert!(arena(4096) <= 3 * arena(2048), "{} and {}", arena(2048), arena(4096));
}

/// The words of the one mistake that recording makes.
fn mistake(record: impl for<'g> Fn([Tensor<'g>; 3]) -> Tensor<'g>) -> String {
    let graph = Graph::new();
    let [q, k, v] = ["q", "k", "v"].map(|name| graph.input(name, DType::F32, [2, 8, 12]));
    let _ = record([q, k, v]).square().sum();
    let mistakes = graph.check().expect_err("a mistake");
    assert_eq!(mistakes.0.len(), 1, "{mistakes}");
    mistakes.to_string()
}

#[test]
fn mistakes_are_told_in_words() {
    let choices = Attention { heads: 2, scale: 1.0, causal: false };
    let tell = |text: String, words: &[&str]| {
        for word in words {
            assert!(text.contains(word), "“{word}” is not in: {text}");
        }
    };
    let heads =
        |heads| mistake(move |[q, k, v]| q.attention(k, v, None, Attention { heads, ..choices }));
    tell(heads(5), &["12 numbers of queries cannot be cut into 5 equal heads", "input `q`"]);
    tell(heads(0), &["into 0 equal heads"]);
    let of = |change: fn([Tensor<'_>; 3]) -> Tensor<'_>| mistake(change);
    tell(
        of(|[q, k, v]| {
            q.attention(
                k.slice(2, 0..6),
                v,
                None,
                Attention { heads: 2, scale: 1.0, causal: false },
            )
        }),
        &["queries have 12 numbers, keys 6"],
    );
    tell(
        of(|[q, k, v]| {
            q.attention(
                k.slice(1, 0..6),
                v,
                None,
                Attention { heads: 2, scale: 1.0, causal: false },
            )
        }),
        &["6 keys, but 8 values"],
    );
    tell(
        of(|[q, k, v]| {
            q.attention(
                k,
                v.cast(DType::F64),
                None,
                Attention { heads: 2, scale: 1.0, causal: false },
            )
        }),
        &["f32 or f64 three times"],
    );
    tell(
        of(|[q, k, v]| {
            let mask = q.greater(k).slice(2, 0..7).reshape([2, 8, 1, 7]);
            q.attention(k, v, Some(mask), Attention { heads: 2, scale: 1.0, causal: false })
        }),
        &["does not broadcast to [2, 2, 8, 8]"],
    );
    tell(
        of(|[q, k, v]| {
            q.sum().attention(k, v, None, Attention { heads: 2, scale: 1.0, causal: false })
        }),
        &["takes [batch…, time, features] three times"],
    );
}
