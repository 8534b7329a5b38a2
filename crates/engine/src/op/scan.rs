//! Recurrence: a body that is recorded once and repeated, each step from what the one before left.
//!
//! A loop is four primitives. [`Op::Time`] is its index; whatever depends on it is the body, a region
//! of the same graph, and whatever does not is computed once, wherever it was recorded.
//! [`Op::Carry`] is what goes from step to step, [`Op::Each`] a sequence's row at the index, and
//! [`Op::Scan`] runs the loop and gives its results. Products of rows with what the loop does not
//! change leave it as one product as they are recorded ([`hoisted`]).

use crate::graph::{Graph, Output, SourceLine, Tensor, Value};
use crate::op::{Inferred, Mistake, Op};

pub(crate) mod derivative;

/// How often a [`Graph::scan`] steps and in which order.
///
/// ```
/// use glassbox_engine::op::Steps;
/// let forward: Steps = 5.into();          // 0, 1, 2, 3, 4
/// let backward = Steps::reversed(5);      // 4, 3, 2, 1, 0
/// assert_ne!(forward, backward);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Steps {
    number: usize,
    reverse: bool,
}

impl Steps {
    /// From the last index to the first. Sequences are read and results laid down at the index, so
    /// that results of both directions lie side by side.
    pub fn reversed(number: usize) -> Self {
        Steps { number, reverse: true }
    }
}

impl From<usize> for Steps {
    fn from(number: usize) -> Self {
        Steps { number, reverse: false }
    }
}

/// Tensors that belong together: one, none, a tuple, an array or a vector of bundles. What
/// [`Graph::scan`] carries, reads and gives out.
pub trait Bundle<'g>: Clone {
    /// Its tensors, in order.
    fn tensors(&self) -> Vec<Tensor<'g>>;

    /// A bundle of the same form, of the next tensors of `from`; where they run out, its own.
    fn of(&self, from: &mut dyn Iterator<Item = Tensor<'g>>) -> Self;
}

impl<'g> Bundle<'g> for Tensor<'g> {
    fn tensors(&self) -> Vec<Tensor<'g>> {
        vec![*self]
    }
    fn of(&self, from: &mut dyn Iterator<Item = Tensor<'g>>) -> Self {
        from.next().unwrap_or(*self)
    }
}

impl<'g, B: Bundle<'g>> Bundle<'g> for Vec<B> {
    fn tensors(&self) -> Vec<Tensor<'g>> {
        self.iter().flat_map(B::tensors).collect()
    }
    fn of(&self, from: &mut dyn Iterator<Item = Tensor<'g>>) -> Self {
        self.iter().map(|bundle| bundle.of(from)).collect()
    }
}

impl<'g, B: Bundle<'g>, const N: usize> Bundle<'g> for [B; N] {
    fn tensors(&self) -> Vec<Tensor<'g>> {
        self.iter().flat_map(B::tensors).collect()
    }
    fn of(&self, from: &mut dyn Iterator<Item = Tensor<'g>>) -> Self {
        self.each_ref().map(|bundle| bundle.of(from))
    }
}

macro_rules! bundle_of_tuple {
    ($($name:ident $index:tt),*) => {
        impl<'g, $($name: Bundle<'g>),*> Bundle<'g> for ($($name,)*) {
            fn tensors(&self) -> Vec<Tensor<'g>> {
                [$(self.$index.tensors()),*].concat()
            }
            fn of(&self, from: &mut dyn Iterator<Item = Tensor<'g>>) -> Self {
                ($(self.$index.of(from),)*)
            }
        }
    };
}
bundle_of_tuple!(A 0);
bundle_of_tuple!(A 0, B 1);
bundle_of_tuple!(A 0, B 1, C 2);
bundle_of_tuple!(A 0, B 1, C 2, D 3);

impl<'g> Bundle<'g> for () {
    fn tensors(&self) -> Vec<Tensor<'g>> {
        Vec::new()
    }
    fn of(&self, _: &mut dyn Iterator<Item = Tensor<'g>>) -> Self {}
}

pub(super) fn infer_each(xs: &Output) -> Inferred {
    let sizes = xs.shape.sizes().get(1..).unwrap_or_default().to_vec();
    let wrong = xs.shape.rank() == 0 && !xs.is_guess();
    let output = Output { shape: sizes.into(), dtype: xs.dtype, assumed: xs.assumed >> 1 };
    Inferred::unless(output, "shape", wrong.then(|| "a scalar has no rows".into()), &[]).guessing()
}

pub(super) fn infer(steps: usize, carries: usize, args: &[&Output]) -> Inferred {
    let (before, rest) = args.get(1..).unwrap_or_default().split_at(carries.min(args.len() - 1));
    let (next, outs) = rest.split_at(carries.min(rest.len()));
    let wrong = (before.len() != next.len() || before != next)
        .then(|| "what is carried changes its shape or type".to_string());
    let mistake = wrong.map(|what| Mistake { kind: "shape", what, roles: &[] });
    let mut outputs: Vec<Output> = before.iter().map(|&o| o.clone()).collect();
    outputs.extend(outs.iter().map(|out| stacked(steps, out)));
    Inferred { outputs, mistake }
}

/// An output once a step, along a new first axis.
fn stacked(steps: usize, out: &Output) -> Output {
    let mut sizes = vec![steps];
    sizes.extend(out.shape.sizes());
    let assumed = if out.assumed == 0 { 0 } else { out.assumed << 1 | out.assumed & 1 << 63 };
    Output { shape: sizes.into(), dtype: out.dtype, assumed }
}

/// The same node outside the loop, for all steps at once, where that is worth it: products of a
/// sequence's rows with a matrix that the loop does not change, and rows of a table by number. What
/// is left in the loop is a row of that result; the numbers are the same.
#[track_caller]
pub(crate) fn hoisted<'g>(op: &Op, args: &[Tensor<'g>], output: &Output) -> Option<Tensor<'g>> {
    let graph = args.first()?.graph;
    let each = match op {
        Op::Matmul | Op::Reshape => args[0],
        Op::Gather => args[1],
        _ => return None,
    };
    let (time, xs) = graph.row_of(each)?;
    let changes = |tensor: &Tensor<'g>| graph.region_of(tensor.value) >= Some(time.value.node);
    let steps = xs.dim(0);
    let all = match op {
        Op::Gather if !changes(&args[0]) => args[0].gather(xs),
        Op::Reshape => xs.reshape(stacked(steps, output).shape),
        Op::Matmul if each.rank() == 2 && !changes(&args[1]) => xs.matmul(args[1]),
        _ => return None,
    };
    Some(graph.record(Op::Each, &[time, all], None))
}

impl Graph {
    /// Recurrence (Elman 1990): repeats `body`, which is recorded once. It is given what is carried,
    /// the row of each of the `sequences` (`[steps, …]` → `[…]`) and the step's index (i64 scalar);
    /// it gives what is carried on, of the same shapes and types, and what comes out, which is
    /// stacked along a new first axis (`[…]` → `[steps, …]`). Gives what is carried after the last
    /// step and what came out. Of no steps, that is the first value and nothing.
    ///
    /// The body is part of this graph: it uses what was recorded before as it is, declares
    /// parameters, may draw random numbers (each step has its own) and may hold another scan. What it
    /// does not carry or give out stays inside; assigning to a state inside is a mistake.
    ///
    /// [`grad`](crate::grad) goes through it: its derivative is a loop back over the steps, which
    /// reads what the first is made to stack, so that it can be differentiated again. Products of
    /// rows with matrices that stay the same, and the gradients of these matrices, are computed for
    /// all steps at once.
    ///
    /// ```
    /// use glassbox_engine::{Array, DType, Graph, Initial, Mode, Options, Parameters, Session, grad};
    /// let graph = Graph::new();
    /// let at = graph.root(Mode::Train).child("rnn");
    /// let x = graph.input("x", DType::F32, [20, 8, 3]);                  // [time, batch, features]
    /// let first = graph.constant(DType::F32, 0.0).broadcast_to([8, 16]);
    /// let initial = Initial::Normal { mean: 0.0, deviation: 0.2 };
    /// let (last, all) = graph.scan(20, first, x, |h, x, _step| {
    ///     let inner = x.matmul(at.parameter("input", [3, 16], initial));
    ///     let h = (inner + h.matmul(at.parameter("recurrent", [16, 16], initial))).tanh();
    ///     (h, h)                                                         // carried on, given out
    /// });
    /// assert_eq!(last.shape().sizes(), &[8, 16]);
    /// assert_eq!(all.shape().sizes(), &[20, 8, 16]);
    /// let slopes = grad(last.square().mean(), &[x, graph.current("rnn/recurrent").unwrap()]);
    /// assert_eq!(slopes[0].shape().sizes(), &[20, 8, 3]);
    /// assert!(graph.check().is_ok());
    ///
    /// // 1 · 2 · 3 · 4 · 5 and all products on the way, the step's index being 0, 1, 2, 3, 4.
    /// let one = graph.constant(DType::I64, 1.0);
    /// let (_, factorials) = graph.scan(5, one, (), |product, (), step| {
    ///     let product = product * (step + 1.0);
    ///     (product, product)
    /// });
    /// let mut given = Parameters::new();
    /// given.insert("x", Array::zeros(DType::F32, [20, 8, 3]));
    /// let results = Session::new(Options::default())?.evaluate(&graph, &given, &[factorials])?;
    /// assert_eq!(results[0].as_i64().unwrap(), [1, 2, 6, 24, 120]);
    /// # Ok::<(), glassbox_engine::Error>(())
    /// ```
    #[track_caller]
    pub fn scan<'g, C: Bundle<'g>, S: Bundle<'g>, O: Bundle<'g>>(
        &'g self,
        steps: impl Into<Steps>,
        carries: C,
        sequences: S,
        body: impl FnOnce(C, S, Tensor<'g>) -> (C, O),
    ) -> (C, O) {
        let at = SourceLine::caller();
        let Steps { number, reverse } = steps.into();
        let time = self.begin_loop(number, reverse);
        let (mut before, mut rows) = (Vec::new(), Vec::new());
        for (slot, first) in carries.tensors().into_iter().enumerate() {
            before.push(self.carry(time, slot, first));
        }
        for xs in sequences.tensors() {
            rows.push(self.each(time, number, xs, &at));
        }
        let (next, outs) = body(
            carries.of(&mut before.iter().copied()),
            sequences.of(&mut rows.iter().copied()),
            time,
        );
        let next = self.carried_on(&before, &next.tensors(), &at);
        let results = self.end_loop(time, &before, &next, &outs.tensors());
        let mut results = results.into_iter();
        (carries.of(&mut results), outs.of(&mut results))
    }

    #[track_caller]
    pub(crate) fn carry<'g>(
        &'g self,
        time: Tensor<'g>,
        slot: usize,
        first: Tensor<'g>,
    ) -> Tensor<'g> {
        self.record(Op::Carry { slot: slot as u32 }, &[time, first], None)
    }

    #[track_caller]
    fn each<'g>(
        &'g self,
        time: Tensor<'g>,
        steps: usize,
        xs: Tensor<'g>,
        at: &SourceLine,
    ) -> Tensor<'g> {
        let output = xs.output();
        let same = std::ptr::eq(xs.graph, self);
        if same && output.shape.sizes().first() != Some(&steps) && !output.is_assumed(0) {
            let what = format!(
                "scan: a sequence has one row for each of the {steps} steps along its first axis, \
                 not the shape {}",
                output.shape
            );
            self.mistake("shape", what, &[("sequence", xs.value)], at.clone(), None);
            let sizes = output.shape.sizes().get(1..).unwrap_or_default();
            let row = Output::new(output.dtype, sizes).assuming(u64::MAX);
            return self.source(Op::Constant(0.0), row, at.clone(), None);
        }
        self.record(Op::Each, &[time, xs], None)
    }

    /// What is carried on, or a stand-in for what does not fit what was carried before.
    fn carried_on<'g>(
        &'g self,
        before: &[Tensor<'g>],
        next: &[Tensor<'g>],
        at: &SourceLine,
    ) -> Vec<Tensor<'g>> {
        if before.len() != next.len() {
            let (given, back) = (before.len(), next.len());
            let what = format!("scan: the body is given {given} carries and carries {back} on");
            self.mistake("shape", what, &[], at.clone(), None);
        }
        let mut all = Vec::with_capacity(before.len());
        for (slot, &held) in before.iter().enumerate() {
            let Some(&next) = next.get(slot) else {
                all.push(held);
                continue;
            };
            let (a, b) = (held.output(), next.output());
            if (&a.shape, a.dtype) == (&b.shape, b.dtype) || !std::ptr::eq(next.graph, self) {
                all.push(next);
                continue;
            }
            if a.assumed == 0 && b.assumed == 0 {
                let kind = if a.dtype == b.dtype { "shape" } else { "type" };
                let what = format!(
                    "scan: carry {slot} is {} {} before a step and {} {} after it: a step leaves \
                     it with the shape and type it found",
                    a.dtype, a.shape, b.dtype, b.shape
                );
                let parties = [("before", held.value), ("after", next.value)];
                self.mistake(kind, what, &parties, at.clone(), None);
            }
            all.push(held);
        }
        all
    }

    /// Opens a loop: nodes that depend on its index may be recorded until it ends.
    #[track_caller]
    pub(crate) fn begin_loop(&self, steps: usize, reverse: bool) -> Tensor<'_> {
        let around: Vec<Tensor<'_>> = self.open_loops().pop().into_iter().collect();
        let time = self.record(Op::Time { steps, reverse }, &around, None);
        let too_many = {
            let inner = self.inner.borrow();
            inner.regions.checked_repeats(inner.regions.of(time.value)).is_none()
        };
        if too_many {
            let what = "scan: loops within each other have too many steps together".to_string();
            self.mistake("shape", what, &[], SourceLine::caller(), None);
        }
        self.inner.borrow_mut().open.push(time.value);
        time
    }

    /// Closes the innermost loop and runs it: the carries after the last step, and the outs stacked.
    #[track_caller]
    pub(crate) fn end_loop<'g>(
        &'g self,
        time: Tensor<'g>,
        before: &[Tensor<'g>],
        next: &[Tensor<'g>],
        outs: &[Tensor<'g>],
    ) -> Vec<Tensor<'g>> {
        let args = [&[time], before, next, outs].concat();
        let steps = self.steps_of(time);
        if before.is_empty() && outs.is_empty() {
            self.inner.borrow_mut().open.retain(|&open| open != time.value);
            return Vec::new();
        }
        let scan = self.record(Op::Scan { steps, carries: before.len() }, &args, None);
        self.inner.borrow_mut().open.retain(|&open| open != time.value);
        (0..before.len() + outs.len())
            .map(|output| Tensor::of(self, Value { node: scan.value.node, output: output as u16 }))
            .collect()
    }

    /// The indices of the loops that are being recorded, outermost first.
    pub(crate) fn open_loops(&self) -> Vec<Tensor<'_>> {
        let open = self.inner.borrow().open.clone();
        open.into_iter().map(|time| Tensor::of(self, time)).collect()
    }

    fn steps_of(&self, time: Tensor<'_>) -> usize {
        match self.inner.borrow().nodes.get(time.value.index()).map(|node| &node.op) {
            Some(Op::Time { steps, .. }) => *steps,
            _ => 0,
        }
    }

    pub(crate) fn region_of(&self, value: Value) -> Option<u32> {
        self.inner.borrow().regions.of(value)
    }

    /// The index and the sequence whose row a tensor is.
    pub(crate) fn row_of<'g>(&'g self, tensor: Tensor<'g>) -> Option<(Tensor<'g>, Tensor<'g>)> {
        let inner = self.inner.borrow();
        let node = inner.nodes.get(tensor.value.index())?;
        match (&node.op, &node.args[..]) {
            (Op::Each, &[time, xs]) => Some((Tensor::of(self, time), Tensor::of(self, xs))),
            _ => None,
        }
    }
}

impl<'g> Tensor<'g> {
    /// What a value of a [`scan`](Graph::scan)'s body is at each step, stacked along a new first axis:
    /// `[…]` → `[steps, …]`, for loops within loops an axis each, the outermost first. So what a body
    /// computes on its way (a gate, say) can be looked at from outside, though the body does not give
    /// it out; a plan still runs the loop once. A value outside of loops is itself, and so is one of a
    /// loop that is still being recorded.
    ///
    /// ```
    /// use glassbox_engine::{DType, Graph, Options, Parameters, Session};
    /// let graph = Graph::new();
    /// let one = graph.constant(DType::I64, 1.0);
    /// let (last, ()) = graph.scan(4, one, (), |product, (), step| {
    ///     ((product * (step + 1.0)).named("product"), ())
    /// });
    /// let all = graph.named("product").unwrap().every_step();
    /// let found = Session::new(Options::default())?.evaluate(&graph, &Parameters::new(), &[last, all])?;
    /// assert_eq!(found[0].as_i64(), Some(&[24][..]));
    /// assert_eq!(found[1].as_i64(), Some(&[1, 2, 6, 24][..]));
    /// # Ok::<(), glassbox_engine::Error>(())
    /// ```
    #[must_use]
    pub fn every_step(self) -> Self {
        let graph = self.graph;
        let Some(region) = graph.region_of(self.value) else { return self };
        let is_its_scan = |node: &crate::graph::Node| {
            matches!(node.op, Op::Scan { .. })
                && node.args.first().is_some_and(|t| t.node == region)
        };
        let scan = graph.inner.borrow().nodes.iter().position(is_its_scan);
        let stack = scan
            .and_then(|scan| graph.repeat(scan as u32))
            .and_then(|wider| graph.given_out(wider, self.value));
        stack.map_or(self, |stack| Tensor::of(graph, stack).every_step())
    }
}
