//! Dropping what changes nothing. Only rules that keep every bit: a plan with and without them
//! gives the same numbers.

use std::collections::hash_map::DefaultHasher;
use std::collections::{HashMap, HashSet};
use std::hash::{Hash, Hasher};

use crate::Error;
use crate::graph::region::{Regions, ScanArgs};
use crate::graph::{DType, Inner, Node, Role, Value};
use crate::op::{Binary, Op, Unary};
use crate::plan::{Request, key, lookup, updates};

/// The nodes that are left.
pub(crate) struct Program {
    pub nodes: Vec<Node>,
    /// The number in the graph of what each node stands for.
    pub origin: Vec<u32>,
    pub alive: Vec<bool>,
    pub outputs: Vec<Value>,
    /// Source (input or state) and the value that it holds after the run.
    pub updates: Vec<(Value, Value)>,
    /// Which loop each node is repeated by.
    pub regions: Regions,
    /// The values that somebody reads.
    pub used: HashSet<Value>,
    /// How many workers will run it.
    pub threads: usize,
}

impl Program {
    pub fn node(&self, value: Value) -> &Node {
        &self.nodes[value.index()]
    }

    pub fn elements(&self, value: Value) -> usize {
        self.node(value).outputs[usize::from(value.output)].shape.elements()
    }

    pub fn dtype(&self, value: Value) -> DType {
        self.node(value).outputs[usize::from(value.output)].dtype
    }

    /// The value through reshapes: the one whose memory it is.
    pub fn root(&self, mut value: Value) -> Value {
        while crate::plan::is_alias(&self.node(value).op) {
            value = self.node(value).args[0];
        }
        value
    }

    /// What a node reads: a loop does not compute what it would give out to nobody.
    pub fn read_by(&self, index: usize) -> Vec<Value> {
        read_by(index, &self.nodes[index], &self.used)
    }

    /// The number, if the value is one number everywhere.
    pub fn constant(&self, value: Value) -> Option<f64> {
        let mut value = self.root(value);
        while let Op::Broadcast = self.node(value).op {
            value = self.root(self.node(value).args[0]);
        }
        match self.node(value).op {
            Op::Constant(number) => Some(number),
            _ => None,
        }
    }
}

pub(crate) fn simplify(inner: &Inner, request: &Request) -> Result<Program, Error> {
    let mut program = Program {
        nodes: Vec::with_capacity(inner.nodes.len()),
        origin: (0..inner.nodes.len() as u32).collect(),
        alive: Vec::new(),
        outputs: Vec::new(),
        updates: Vec::new(),
        regions: Regions::default(),
        used: HashSet::new(),
        threads: request.threads,
    };
    // Where each node's first output went; further outputs are replaced with it, but for those of
    // loops that became one.
    let mut united: HashMap<Value, Value> = HashMap::new();
    let mut moved: Vec<Value> = Vec::with_capacity(inner.nodes.len());
    let mut known: HashMap<u64, Vec<usize>> = HashMap::new();
    let mut loops: Vec<usize> = Vec::new();
    let now = |moved: &[Value], united: &HashMap<Value, Value>, value: Value| {
        let moved = moved[value.index()];
        match (united.get(&value), value.output) {
            (Some(&result), _) => result,
            (None, 0) => moved,
            (None, output) => Value { output, ..moved },
        }
    };
    for (index, node) in inner.nodes.iter().enumerate() {
        let mut node = node.clone();
        for arg in &mut node.args {
            *arg = now(&moved, &united, *arg);
        }
        rewrite(&program, &mut node);
        let mut to = Value::first(index);
        if let Some(same) = replaced(&program, &node) {
            to = same;
        } else if let Some(earlier) = same_loop(&program, &loops, &node) {
            to = Value::first(earlier);
            for (output, result) in unite(&mut program, earlier, &node).into_iter().enumerate() {
                united.insert(Value { node: index as u32, output: output as u16 }, result);
            }
        } else if !matches!(node.origin.role, Role::Recompute { .. }) {
            let twins = known.entry(structure(&node)).or_default();
            let twin = twins.iter().copied().find(|&t| {
                let other = &program.nodes[t];
                key::same_op(&other.op, &node.op)
                    && other.args == node.args
                    && other.outputs == node.outputs
            });
            match twin {
                Some(twin) => to = Value::first(twin),
                None => twins.push(index),
            }
        }
        moved.push(to);
        if let (Op::Scan { .. }, true) = (&node.op, to == Value::first(index)) {
            loops.push(index);
        }
        program.nodes.push(node);
    }
    program.outputs = request.outputs.iter().map(|&v| now(&moved, &united, v)).collect();
    program.updates =
        updates(inner).into_iter().map(|(_, old, new)| (old, now(&moved, &united, new))).collect();
    for &(input, result) in &request.donated {
        let result = now(&moved, &united, result);
        if !matches!(program.node(input).op, Op::Input { .. })
            || program.elements(input) != program.elements(result)
            || program.dtype(input) != program.dtype(result)
        {
            return Err(Error::new(
                "only an input can be donated, to a result of the same type and size",
            ));
        }
        if program.updates.iter().any(|&(old, _)| old == input) {
            return Err(Error::new("an input is donated twice: it can hold one result"));
        }
        program.updates.push((input, result));
    }
    // An update to the value it already has is none.
    program.updates.retain(|&(old, new)| old != new);
    program.regions = Regions::new(&program.nodes);
    if program.outputs.iter().any(|&value| program.regions.of(value).is_some()) {
        return Err(Error::new(
            "a value inside `scan` is asked for, which has one at every step: let the body give it out",
        ));
    }
    (program.alive, program.used) = alive(&program);
    Ok(lookup::rewrite(program))
}

/// An earlier scan of the same loop, which might as well give out what this one does: it carries the
/// same, and what this one gives out was recorded before it.
fn same_loop(program: &Program, loops: &[usize], node: &Node) -> Option<usize> {
    let scan = ScanArgs::of(node)?;
    let recompute = |node: &Node| matches!(node.origin.role, Role::Recompute { .. });
    loops.iter().copied().find(|&earlier| {
        let other = &program.nodes[earlier];
        ScanArgs::of(other).is_some_and(|held| {
            (held.time, held.carries, held.next) == (scan.time, scan.carries, scan.next)
        }) && scan.outs.iter().all(|out| out.index() < earlier)
            && !recompute(node)
            && !recompute(other)
    })
}

/// Has an earlier scan give out what `node` does, and says where.
fn unite(program: &mut Program, earlier: usize, node: &Node) -> Vec<Value> {
    let Some(scan) = ScanArgs::of(node) else { return Vec::new() };
    let held = &mut program.nodes[earlier];
    let carries = scan.carries.len();
    let result = |output: usize| Value { node: earlier as u32, output: output as u16 };
    let mut results: Vec<Value> = (0..carries).map(result).collect();
    for (out, output) in scan.outs.iter().zip(&node.outputs[carries..]) {
        let position = held.args[1 + 2 * carries..].iter().position(|arg| arg == out);
        results.push(result(position.map_or(held.outputs.len(), |at| carries + at)));
        if position.is_none() {
            held.args.push(*out);
            held.outputs.push(output.clone());
        }
    }
    results
}

fn structure(node: &Node) -> u64 {
    let mut hasher = DefaultHasher::new();
    key::hash_op(&node.op, &mut hasher);
    node.args.hash(&mut hasher);
    node.outputs.hash(&mut hasher);
    hasher.finish()
}

/// Changes a node into a simpler one of the same value.
fn rewrite(program: &Program, node: &mut Node) {
    // Movement of movement is one movement.
    if let [arg] = node.args[..] {
        let inner = program.node(arg);
        match (&node.op, &inner.op) {
            (Op::Reshape, Op::Reshape) | (Op::Broadcast, Op::Broadcast) => {
                node.args[0] = inner.args[0];
            }
            (Op::Permute { order }, Op::Permute { order: before }) => {
                let order = order.iter().map(|&axis| before[axis]).collect();
                node.args[0] = inner.args[0];
                node.op = Op::Permute { order };
            }
            _ => {}
        }
    }
    if let Some((axis, parts)) = side_by_side(program, node) {
        (node.op, node.args) = (Op::Concatenate { axis }, parts);
    }
    // Arithmetic of scalar constants happens now, in the type it would happen in.
    let folded = match (&node.op, &node.args[..]) {
        (Op::Binary(op), &[a, b]) => match (scalar(program, a), scalar(program, b)) {
            (Some(a), Some(b)) => fold(*op, a, b, node.outputs[0].dtype),
            _ => None,
        },
        (Op::Unary(Unary::Neg), &[a]) if node.outputs[0].dtype.is_float() => {
            scalar(program, a).map(|a| -a)
        }
        _ => None,
    };
    if let Some(value) = folded {
        node.op = Op::Constant(value);
        node.args.clear();
    }
}

/// Most parts of a sum that are looked at.
const MOST_PARTS: usize = 64;

/// The axis and the parts of a sum of parts that lie side by side among zeros and fill the whole, as
/// the derivatives of slices do. Adding zeros would change no bit but the sign of a zero.
fn side_by_side(program: &Program, node: &Node) -> Option<(usize, Vec<Value>)> {
    let is_sum = |node: &Node| node.op == Op::Binary(Binary::Add);
    let (mut terms, mut parts) = (node.args.clone(), Vec::new());
    if !is_sum(node) {
        return None;
    }
    while let Some(term) = terms.pop() {
        if parts.len() == MOST_PARTS {
            return None;
        }
        let inner = program.node(term);
        match &inner.op {
            Op::Embed { start, step } if step.iter().all(|&step| step == 1) => {
                parts.push((start, inner.args[0]));
            }
            Op::Binary(Binary::Add) => terms.extend(&inner.args),
            _ => return None,
        }
    }
    parts.sort_by_key(|(start, _)| *start);
    let sizes = node.outputs[0].shape.sizes();
    let axis = (0..sizes.len()).find(|&axis| parts.iter().any(|(start, _)| start[axis] > 0))?;
    let mut end = 0;
    for (start, value) in &parts {
        let size = program.node(*value).outputs[usize::from(value.output)].shape.sizes();
        let fits = |i: usize| match i == axis {
            true => start[i] == end,
            false => start[i] == 0 && size[i] == sizes[i],
        };
        (0..sizes.len()).all(fits).then_some(())?;
        end += size[axis];
    }
    let parts = parts.into_iter().map(|(_, value)| value).collect();
    (end == sizes[axis]).then_some((axis, parts))
}

fn scalar(program: &Program, value: Value) -> Option<f64> {
    match program.node(value).op {
        Op::Constant(number) => Some(number),
        _ => None,
    }
}

fn fold(op: Binary, a: f64, b: f64, dtype: DType) -> Option<f64> {
    if !matches!(op, Binary::Add | Binary::Sub | Binary::Mul | Binary::Div) {
        return None;
    }
    match dtype {
        DType::F64 => Some(op.evaluate(a, b)),
        // One rounding of the exact f32 operands' f64 result is the f32 result (53 ≥ 2·24 + 2).
        DType::F32 => Some(f64::from(op.evaluate(f64::from(a as f32), f64::from(b as f32)) as f32)),
        DType::I64 | DType::Bool => None,
    }
}

/// The earlier value that a node merely repeats.
fn replaced(program: &Program, node: &Node) -> Option<Value> {
    let arg = *node.args.first()?;
    let unchanged = program.node(arg).outputs[usize::from(arg.output)] == node.outputs[0];
    let is_one = |value: Value| program.constant(value) == Some(1.0);
    let same = match &node.op {
        Op::Detach => true,
        Op::Cast(_) | Op::Reshape | Op::Broadcast | Op::Slice { .. } | Op::Embed { .. } => {
            unchanged
        }
        Op::Concatenate { .. } => node.args.len() == 1,
        Op::Permute { order } => order.iter().enumerate().all(|(i, &axis)| i == axis),
        Op::Reduce { axes, .. } => {
            unchanged && axes.iter().all(|&a| node.outputs[0].shape.sizes()[a] == 1)
        }
        Op::Binary(Binary::Div) => is_one(node.args[1]),
        Op::Binary(Binary::Mul) if is_one(node.args[1]) => true,
        Op::Binary(Binary::Mul) if is_one(arg) => return Some(node.args[1]),
        Op::Unary(Unary::Neg) => {
            let inner = program.node(arg);
            return (inner.op == Op::Unary(Unary::Neg)).then(|| inner.args[0]);
        }
        _ => false,
    };
    same.then_some(arg)
}

fn read_by(index: usize, node: &Node, used: &HashSet<Value>) -> Vec<Value> {
    let Some(scan) = ScanArgs::of(node) else { return node.args.clone() };
    let carries = scan.carries.len();
    let result = |out: usize| Value { node: index as u32, output: (carries + out) as u16 };
    let outs = scan.outs.iter().enumerate().filter(|(out, _)| used.contains(&result(*out)));
    let always = node.args[..1 + 2 * carries].iter().copied();
    always.chain(outs.map(|(_, value)| *value)).collect()
}

/// The nodes that results need, and the results of loops among them: what a loop gives out to nobody
/// is not computed for that.
pub(super) fn alive(program: &Program) -> (Vec<bool>, HashSet<Value>) {
    let mut alive = vec![false; program.nodes.len()];
    let mut used = HashSet::new();
    let sources = program.updates.iter().flat_map(|&(old, new)| [old, new]);
    for value in program.outputs.iter().copied().chain(sources) {
        alive[value.index()] = true;
        used.insert(value);
    }
    for index in (0..program.nodes.len()).rev() {
        let node = &program.nodes[index];
        if !alive[index] {
            continue;
        }
        for arg in read_by(index, node, &used) {
            alive[arg.index()] = true;
            used.insert(arg);
        }
    }
    (alive, used)
}
