//! Right factors and filters that a plan only reads are packed once and kept until the state changes: the
//! results are the same bits as without, and what is stale is never used.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use glassbox_engine::op::Convolution;
use glassbox_engine::{Array, DType, Graph, Isa, Mode, Options, Session, Shape, Tensor};

/// What is done with a parameter, of which sizes.
struct Case {
    name: &'static str,
    input: Vec<usize>,
    parameter: Vec<usize>,
    apply: for<'g> fn(Tensor<'g>, Tensor<'g>) -> Tensor<'g>,
}

fn cases() -> Vec<Case> {
    let case = |name, input: &[usize], parameter: &[usize], apply| Case {
        name,
        input: input.to_vec(),
        parameter: parameter.to_vec(),
        apply,
    };
    vec![
        case("a product", &[5, 70], &[70, 90], |x, w| x.matmul(w)),
        case("a product with a loop behind", &[64, 400], &[400, 50], |x, w| x.matmul(w).tanh()),
        case("a row by a transposed matrix", &[1, 70], &[90, 70], |x, w| x.matmul(w.transpose())),
        case("lines read in place", &[1, 9, 12, 16], &[3, 3, 16, 40], |x, w| {
            x.conv2d(w, Convolution::default().stride([1, 2]).padding([1, 1]))
        }),
        case("gathered patches in groups", &[1, 6, 6, 64], &[3, 3, 32, 64], |x, w| {
            x.conv2d(w, Convolution::default().padding([1, 1]).groups(2))
        }),
        case("tiles", &[1, 14, 14, 64], &[3, 3, 64, 64], |x, w| {
            x.conv2d(w, Convolution::default().padding([1, 1]))
        }),
        case("few patches", &[1, 5, 5, 128], &[3, 3, 128, 160], |x, w| {
            x.conv2d(w, Convolution::default().padding([1, 1]))
        }),
        case("phases", &[1, 5, 5, 32], &[4, 4, 48, 32], |x, w| {
            x.conv_transpose2d(w, Convolution::default().stride([2, 2]).padding([1, 1]), [0, 0])
        }),
        case("spread", &[1, 6, 6, 128], &[4, 4, 3, 128], |x, w| {
            x.conv_transpose2d(w, Convolution::default().stride([2, 2]).padding([1, 1]), [0, 0])
        }),
    ]
}

fn numbers(sizes: &[usize], seed: usize) -> Array {
    let count: usize = sizes.iter().product();
    let number = |i: usize| ((i * 7919 + seed * 104_729) % 1009) as f32 / 512.0 - 1.0;
    Array::new(sizes.to_vec(), (0..count).map(number).collect::<Vec<_>>()).unwrap()
}

fn session(isa: Isa, threads: usize, exact: bool) -> Session {
    let options = Options { threads, isa: Some(isa), exact, ..Options::default() };
    Session::new(options).unwrap()
}

/// The op with its parameter as an input: nothing is kept.
fn without(case: &Case, isa: Isa, exact: bool, x: &Array, w: &Array) -> Array {
    let graph = Graph::new();
    let y = (case.apply)(
        graph.input("x", DType::F32, x.shape().clone()),
        graph.input("w", DType::F32, w.shape().clone()),
    );
    let mut session = session(isa, 1, exact);
    let plan = session.prepare(&graph, &[y]).unwrap();
    assert_eq!(plan.plan().kept_bytes(), 0);
    let (mut inputs, mut outputs) = (plan.inputs(), plan.outputs());
    inputs[0].write(x).unwrap();
    inputs[1].write(w).unwrap();
    session.run(&plan, &mut inputs, &mut outputs).unwrap();
    outputs[0].read()
}

#[test]
fn what_is_kept_gives_the_same_bits_and_is_made_again_when_the_state_changes() {
    for case in cases() {
        for isa in Isa::available() {
            for (threads, exact) in [(1, false), (2, false), (2, true)] {
                check(&case, isa, threads, exact);
            }
        }
    }
}

fn check(case: &Case, isa: Isa, threads: usize, exact: bool) {
    let (x, sizes) = (numbers(&case.input, 1), Shape::from(case.parameter.clone()));
    let infer = Graph::new();
    let y = (case.apply)(
        infer.input("x", DType::F32, case.input.clone()),
        infer.root(Mode::Eval).parameter("w", sizes.clone(), 0.0),
    );
    // Two other plans write the parameter: with an input, and with what they make of it themselves.
    let train = Graph::new();
    let new = train.input("new", DType::F32, sizes.clone());
    let old = train.root(Mode::Train).parameter("w", sizes.clone(), 0.0);
    train.assign("w", old * 0.5 + new);
    let before = (case.apply)(train.input("x", DType::F32, case.input.clone()), old);

    let mut session = session(isa, threads, exact);
    session.load(infer.initial_values(0));
    let plan = session.prepare(&infer, &[y]).unwrap();
    assert!(plan.plan().kept_bytes() > 0, "{} keeps nothing", case.name);
    let text = plan.plan().to_string();
    assert!(text.contains("kept   w, packed once"), "{text}");
    let writing = session.prepare(&train, &[before]).unwrap();
    assert_eq!(writing.plan().kept_bytes(), 0, "{} keeps what it writes", case.name);
    let (mut inputs, mut outputs) = (plan.inputs(), plan.outputs());
    inputs[0].write(&x).unwrap();
    let mut agree = |session: &mut Session, when: &str| {
        let want = without(case, isa, exact, &x, &session.value("w").unwrap());
        for _ in 0..2 {
            session.run(&plan, &mut inputs, &mut outputs).unwrap();
            assert!(outputs[0].read() == want, "{} on {isa}, {when}", case.name);
        }
    };
    agree(&mut session, "at first");
    session.set("w", &numbers(&case.parameter, 2));
    agree(&mut session, "after a state was set");
    let (mut given, mut asked) = (writing.inputs(), writing.outputs());
    let place = writing.input("new").unwrap();
    given[place].write(&numbers(&case.parameter, 3)).unwrap();
    for round in 0..2 {
        session.run(&writing, &mut given, &mut asked).unwrap();
        agree(&mut session, &format!("after another plan wrote it, round {round}"));
    }
    let mut values = session.values();
    values.insert("w", numbers(&case.parameter, 4));
    session.load(values);
    agree(&mut session, "after values were loaded");
}

fn product(graph: &Graph, rows: usize) -> Tensor<'_> {
    let x = graph.input("x", DType::F32, [rows, 80]);
    x.matmul(graph.root(Mode::Eval).parameter("w", [80, 96], 0.0))
}

#[test]
fn plans_share_what_they_keep_and_leave_it_to_others_when_they_are_gone() {
    let (few, more, transposed) = (Graph::new(), Graph::new(), Graph::new());
    let (a, b) = (product(&few, 3), product(&more, 40));
    let w = transposed.root(Mode::Eval).parameter("w", [80, 96], 0.0);
    let c = transposed.input("x", DType::F32, [3, 96]).matmul(w.transpose());
    let mut session = session(Isa::detect(), 1, false);
    session.load(few.initial_values(0));
    let first = session.prepare(&few, &[a]).unwrap();
    let kept = first.plan().kept_bytes();
    assert!(kept >= 80 * 96 * 4, "{kept}");
    let before = session.bytes();
    let second = session.prepare(&more, &[b]).unwrap();
    assert_eq!(second.plan().kept_bytes(), kept);
    assert!(session.bytes() - before < kept, "the factor is packed twice");
    drop((first, second));
    let before = session.bytes();
    let third = session.prepare(&transposed, &[c]).unwrap();
    assert!(session.bytes() <= before, "memory that nobody used was not taken");
    assert!(third.plan().kept_bytes() > 0);
}

#[test]
fn products_of_many_rows_and_memory_limits_keep_nothing() {
    let graph = Graph::new();
    let y = product(&graph, 500);
    let mut session = session(Isa::detect(), 1, false);
    session.load(graph.initial_values(0));
    assert_eq!(session.prepare(&graph, &[y]).unwrap().plan().kept_bytes(), 0);
    // A plan that fits its limit without what it would keep runs without it.
    let graph = Graph::new();
    let y = product(&graph, 3);
    let limit = 4 * 3 * (80 + 96);
    let options = Options { memory_limit: limit, ..Options::default() };
    let mut small = Session::new(options).unwrap();
    small.load(graph.initial_values(0));
    assert_eq!(small.prepare(&graph, &[y]).unwrap().plan().kept_bytes(), 0);
}
