//! Products of looked-up rows. Where rows of a table are looked up more often than it has rows, what
//! would be done with each row that was found is done with each row of the table once, and looked up
//! then; and what is sent back to the rows is summed up before it is multiplied.
//!
//! A rule that takes sums of gradients in another order looks at what stands in the graph at one place,
//! never at who else reads it, so that results do not depend on what else a plan is asked for. The others
//! (products of rows, turned products, the same sum taken once) keep every bit.

use std::collections::{HashMap, HashSet};

use crate::graph::region::Regions;
use crate::graph::{DType, Node, Output, Value};
use crate::op::{Op, Reduction};
use crate::plan::key;
use crate::plan::simplify::{Program, alive};

/// Rows are looked up at least so often for each row of the table.
const OFTEN: usize = 2;

/// What a node becomes: its op, its arguments, and the number in the graph of what it stands for.
type New = (Op, Vec<Value>, u32);

/// A program with some nodes put another way, and others put in before them.
struct Rewriter<'a> {
    old: &'a Program,
    nodes: Vec<Node>,
    origin: Vec<u32>,
    /// Where each node of the old program went.
    to: Vec<u32>,
    /// Nodes that were put in, by what they are made of.
    put_in: HashMap<Vec<Value>, Vec<u32>>,
    /// Look-ups in tables that were made here.
    made: HashSet<Value>,
    /// How many nodes and results read each value of the old program.
    readers: HashMap<Value, usize>,
    /// Sums of columns, of a value's elements as `[rows, columns]`.
    sums: HashMap<(Value, usize, usize), Value>,
}

/// Rows `[rows, width]` of a table by `numbers`, in the shape they have been moved to.
struct Looked {
    gather: Value,
    table: Value,
    numbers: Value,
}

/// Puts products of looked-up rows, and sums of sums, another way.
pub(super) fn rewrite(program: Program) -> Program {
    let mut rewriter = Rewriter {
        old: &program,
        nodes: Vec::with_capacity(program.nodes.len()),
        origin: Vec::with_capacity(program.nodes.len()),
        to: Vec::with_capacity(program.nodes.len()),
        put_in: HashMap::new(),
        made: HashSet::new(),
        readers: readers(&program),
        sums: HashMap::new(),
    };
    for index in 0..program.nodes.len() {
        rewriter.node(index);
    }
    let Rewriter { nodes, origin, to, .. } = rewriter;
    let moved = |value: &Value| Value { node: to[value.index()], ..*value };
    let regions = Regions::new(&nodes);
    let mut program = Program {
        outputs: program.outputs.iter().map(moved).collect(),
        updates: program.updates.iter().map(|(old, new)| (moved(old), moved(new))).collect(),
        nodes,
        origin,
        regions,
        ..program
    };
    (program.alive, program.used) = alive(&program);
    program
}

impl Rewriter<'_> {
    fn node(&mut self, index: usize) {
        let mut node = self.old.nodes[index].clone();
        for arg in &mut node.args {
            arg.node = self.to[arg.index()];
        }
        let rewritten = self.old.alive[index].then(|| match &node.op {
            Op::Matmul => self.product(&node, index).or_else(|| self.weights(&node, index)),
            Op::ScatterAdd { rows } => self.table(&node, *rows, index),
            Op::Binary(_) => self.pointwise(&node, index),
            Op::Each => self.row(&node, index),
            Op::Reduce { reduction: Reduction::Sum, .. } => self.sum(&node, index),
            Op::Permute { order } if order[..] == [1, 0] => self.turned(&node, index),
            _ => None,
        });
        let (here, mut origin) = (self.nodes.len(), index as u32);
        if let Some((op, args, of)) = rewritten.flatten() {
            if op == Op::Gather {
                self.made.insert(Value::first(here));
            }
            (node.op, node.args, origin) = (op, args, of);
        }
        self.to.push(here as u32);
        self.nodes.push(node);
        self.origin.push(origin);
    }

    fn output(&self, value: Value) -> &Output {
        &self.nodes[value.index()].outputs[usize::from(value.output)]
    }

    fn sizes(&self, value: Value) -> &[usize] {
        self.output(value).shape.sizes()
    }

    fn of(&self, value: Value) -> &Node {
        &self.nodes[value.index()]
    }

    /// A node that is put in for node `index`, or one like it that was put in before.
    fn put(
        &mut self,
        op: Op,
        args: &[Value],
        dtype: DType,
        sizes: &[usize],
        index: usize,
    ) -> Value {
        let outputs = vec![Output::new(dtype, sizes)];
        let alike = self.put_in.entry(args.to_vec()).or_default();
        let same = |&&at: &&u32| {
            let other: &Node = &self.nodes[at as usize];
            key::same_op(&other.op, &op) && other.outputs == outputs
        };
        if let Some(&at) = alike.iter().find(same) {
            return Value::first(at as usize);
        }
        let here = self.nodes.len();
        alike.push(here as u32);
        let origin = self.old.nodes[index].origin.clone();
        self.nodes.push(Node { op, args: args.to_vec(), outputs, origin });
        self.origin.push(index as u32);
        Value::first(here)
    }

    /// The value in another shape.
    fn reshaped(&mut self, value: Value, sizes: &[usize], index: usize) -> Value {
        if self.sizes(value) == sizes {
            return value;
        }
        let dtype = self.output(value).dtype;
        self.put(Op::Reshape, &[value], dtype, sizes, index)
    }

    fn permuted(&mut self, value: Value, order: Vec<usize>, index: usize) -> Value {
        if order.iter().enumerate().all(|(i, &axis)| i == axis) {
            return value;
        }
        let sizes: Vec<usize> = order.iter().map(|&axis| self.sizes(value)[axis]).collect();
        let dtype = self.output(value).dtype;
        self.put(Op::Permute { order }, &[value], dtype, &sizes, index)
    }

    /// The values through which `value` became of rows what it is, whole rows being moved: from the
    /// value itself to the first that is no movement.
    fn way(&self, value: Value) -> Option<Vec<Value>> {
        let (mut way, mut here) = (vec![value], value);
        let width = *self.sizes(value).last()?;
        loop {
            let node = self.of(here);
            let moves = match &node.op {
                Op::Reshape => true,
                Op::Permute { order } => order.last() == Some(&(order.len() - 1)),
                _ => return Some(way),
            };
            here = *node.args.first().filter(|_| moves)?;
            (self.sizes(here).last() == Some(&width)).then_some(())?;
            way.push(here);
        }
    }

    /// Numbers of rows, moved as whole rows were from the last value of the way to its first.
    fn along(&mut self, way: &[Value], mut numbers: Value, index: usize) -> Value {
        for &value in way.iter().rev().skip(1) {
            numbers = match self.of(value).op.clone() {
                Op::Permute { mut order } => {
                    order.pop();
                    self.permuted(numbers, order, index)
                }
                _ => {
                    let sizes = self.sizes(value).to_vec();
                    self.reshaped(numbers, &sizes[..sizes.len() - 1], index)
                }
            };
        }
        numbers
    }

    /// Numbers of rows of the first value of the way, moved back to those of its last.
    fn back(&mut self, way: &[Value], mut numbers: Value, index: usize) -> Value {
        for pair in way.windows(2) {
            numbers = match self.of(pair[0]).op.clone() {
                Op::Permute { mut order } => {
                    order.pop();
                    let inverse =
                        |axis| order.iter().position(|&from| from == axis).unwrap_or(axis);
                    let order = (0..order.len()).map(inverse).collect();
                    self.permuted(numbers, order, index)
                }
                _ => {
                    let sizes = self.sizes(pair[1]).to_vec();
                    self.reshaped(numbers, &sizes[..sizes.len() - 1], index)
                }
            };
        }
        numbers
    }

    /// A product that is only needed turned: the product of the turned factors the other way around.
    /// Each element is the same sum of the same terms.
    fn turned(&mut self, node: &Node, index: usize) -> Option<New> {
        let product = self.of(*node.args.first()?);
        let (Op::Matmul, &[left, right]) = (&product.op, &product.args[..]) else { return None };
        let alone = self.readers.get(&self.old.nodes[index].args[0]) == Some(&1);
        alone.then_some(())?;
        let (left, right) = (self.turn(left, index), self.turn(right, index));
        Some((Op::Matmul, vec![right, left], index as u32))
    }

    /// A matrix with its axes exchanged.
    fn turn(&mut self, matrix: Value, index: usize) -> Value {
        match (&self.of(matrix).op, &self.of(matrix).args[..]) {
            (Op::Permute { order }, &[from]) if order[..] == [1, 0] => from,
            _ => self.permuted(matrix, vec![1, 0], index),
        }
    }

    /// What `value` is if it is rows of a table, looked up so often that the table is smaller.
    fn looked_up(&mut self, value: Value, index: usize) -> Option<Looked> {
        let way = self.way(value)?;
        let gather = *way.last()?;
        let node = self.of(gather);
        let (Op::Gather, &[table, numbers]) = (&node.op, &node.args[..]) else { return None };
        let &[rows, width] = self.sizes(table) else { return None };
        let count = self.output(numbers).shape.elements();
        let fits = self.sizes(value).last() == Some(&width) && self.output(table).dtype.is_float();
        (fits && rows > 0 && is_often(rows, count)).then_some(())?;
        let numbers = self.along(&way, numbers, index);
        Some(Looked { gather, table, numbers })
    }

    /// A product of looked-up rows: rows of the table's product.
    fn product(&mut self, node: &Node, index: usize) -> Option<New> {
        let &[left, right] = &node.args[..] else { return None };
        let (&[_, _], &[_, n]) = (self.sizes(left), self.sizes(right)) else { return None };
        let Looked { gather, table, numbers } = self.looked_up(left, index)?;
        let rows = self.sizes(table)[0];
        let dtype = self.output(table).dtype;
        let product = self.put(Op::Matmul, &[table, right], dtype, &[rows, n], index);
        Some((Op::Gather, vec![product, numbers], self.origin[gather.index()]))
    }

    /// Looked-up rows, turned, times what was sent back to them: the table's rows, times the sums of
    /// what was sent back to each.
    fn weights(&mut self, node: &Node, index: usize) -> Option<New> {
        let &[left, right] = &node.args[..] else { return None };
        let (Op::Permute { order }, &[rows]) = (&self.of(left).op, &self.of(left).args[..]) else {
            return None;
        };
        (order[..] == [1, 0]).then_some(())?;
        let Looked { table, numbers, .. } = self.looked_up(rows, index)?;
        let turned = self.turn(table, index);
        let sums = self.scattered(right, numbers, self.sizes(table)[0], index)?;
        Some((Op::Matmul, vec![turned, sums], index as u32))
    }

    /// Products summed up by the numbers of a table's rows: the product of the sums.
    fn table(&mut self, node: &Node, rows: usize, index: usize) -> Option<New> {
        let &[values, numbers] = &node.args[..] else { return None };
        let way = self.way(values)?;
        let product = self.of(*way.last()?);
        let (Op::Matmul, &[left, right]) = (&product.op, &product.args[..]) else { return None };
        let count = self.output(numbers).shape.elements();
        let matrices = self.sizes(left).len() == 2
            && self.sizes(numbers).len() + 1 == self.sizes(values).len();
        (matrices && rows > 0 && is_often(rows, count)).then_some(())?;
        let numbers = self.back(&way, numbers, index);
        let sums = self.scattered(left, numbers, rows, index)?;
        Some((Op::Matmul, vec![sums, right], index as u32))
    }

    /// Rows `[count, n]` summed up by their numbers `[count]`.
    fn scattered(
        &mut self,
        values: Value,
        numbers: Value,
        rows: usize,
        index: usize,
    ) -> Option<Value> {
        let &[count, n] = self.sizes(values) else { return None };
        (self.sizes(numbers) == [count]).then_some(())?;
        let dtype = self.output(values).dtype;
        Some(self.put(Op::ScatterAdd { rows }, &[values, numbers], dtype, &[rows, n], index))
    }

    /// What is done with each looked-up row and with one row for all: done with the table.
    fn pointwise(&mut self, node: &Node, index: usize) -> Option<New> {
        let &[a, b] = &node.args[..] else { return None };
        let one_row = |value: Value| {
            let node = self.of(value);
            let from = *node.args.first().filter(|_| node.op == Op::Broadcast)?;
            let (&columns, rows) = self.sizes(from).split_last()?;
            let fits = self.sizes(value).last() == Some(&columns);
            (fits && rows.iter().all(|&size| size == 1)).then_some(from)
        };
        let (found, repeated, first) = match (one_row(a), one_row(b)) {
            (None, Some(row)) => (a, row, true),
            (Some(row), None) => (b, row, false),
            _ => return None,
        };
        let Looked { gather, table, numbers } = self.looked_up(found, index)?;
        self.made.contains(&gather).then_some(())?;
        let (sizes, dtype) = (self.sizes(table).to_vec(), self.output(table).dtype);
        let row = self.reshaped(repeated, &[1, sizes[1]], index);
        let row = self.put(Op::Broadcast, &[row], dtype, &sizes, index);
        let args = if first { [table, row] } else { [row, table] };
        let table = self.put(node.op.clone(), &args, node.outputs[0].dtype, &sizes, index);
        Some((Op::Gather, vec![table, numbers], self.origin[gather.index()]))
    }

    /// A step's part of what was looked up for all steps: looked up when it is needed.
    fn row(&mut self, node: &Node, index: usize) -> Option<New> {
        let &[time, all] = &node.args[..] else { return None };
        let Looked { gather, table, numbers } = self.looked_up(all, index)?;
        self.made.contains(&gather).then_some(())?;
        let sizes = self.sizes(numbers).get(1..)?.to_vec();
        let numbers = self.put(Op::Each, &[time, numbers], DType::I64, &sizes, index);
        Some((Op::Gather, vec![table, numbers], self.origin[gather.index()]))
    }

    /// A sum of columns of sums of columns, as one; and one that was made that way already.
    fn sum(&mut self, node: &Node, index: usize) -> Option<New> {
        let (rows, columns) = self.column_sum(node)?;
        let from = self.root(node.args[0]);
        let inner = self.of(from);
        let further = match inner.op {
            Op::Reduce { reduction: Reduction::Sum, .. } => self.column_sum(inner),
            _ => None,
        };
        let (whole, count) = match further {
            Some((above, wide)) if rows.checked_mul(columns) == Some(wide) => {
                (self.root(inner.args[0]), above.checked_mul(rows)?)
            }
            _ => {
                let known = *self.sums.get(&(from, rows, columns))?;
                return Some((Op::Reshape, vec![known], index as u32));
            }
        };
        let matrix = self.reshaped(whole, &[count, columns], index);
        let (op, dtype) =
            (Op::Reduce { reduction: Reduction::Sum, axes: vec![0] }, node.outputs[0].dtype);
        let sum = self.put(op, &[matrix], dtype, &[1, columns], index);
        self.sums.insert((whole, count, columns), sum);
        Some((Op::Reshape, vec![sum], index as u32))
    }

    /// The rows and columns of what a node sums the columns of, if it does.
    fn column_sum(&self, node: &Node) -> Option<(usize, usize)> {
        let Op::Reduce { axes, .. } = &node.op else { return None };
        let sizes = self.sizes(*node.args.first()?);
        let last = axes.iter().copied().filter(|&axis| sizes[axis] != 1).max()?;
        let first = (0..=last).all(|axis| sizes[axis] == 1 || axes.contains(&axis));
        let (rows, columns) = sizes.split_at(last + 1);
        let (rows, columns) = (rows.iter().product(), columns.iter().product());
        (first && columns > 1 && node.outputs[0].dtype.is_float()).then_some((rows, columns))
    }

    /// The value through reshapes.
    fn root(&self, mut value: Value) -> Value {
        while self.of(value).op == Op::Reshape {
            value = self.of(value).args[0];
        }
        value
    }
}

fn readers(program: &Program) -> HashMap<Value, usize> {
    let mut readers = HashMap::new();
    let alive = (0..program.nodes.len()).filter(|&index| program.alive[index]);
    let results =
        program.updates.iter().map(|(_, new)| *new).chain(program.outputs.iter().copied());
    for value in alive.flat_map(|index| program.read_by(index)).chain(results) {
        *readers.entry(value).or_default() += 1;
    }
    readers
}

fn is_often(rows: usize, count: usize) -> bool {
    rows.checked_mul(OFTEN).is_some_and(|rows| rows <= count)
}
