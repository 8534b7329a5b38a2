//! A graph as text, one node a line; what a loop repeats stands further in.

use std::fmt;

use crate::graph::{Graph, Inner, Value};
use crate::op::Op;

/// How values are called in printed graphs and plans: inputs and states by name, the rest `%n`.
pub(crate) fn value_name(inner: &Inner, value: Value) -> String {
    match inner.nodes.get(value.index()).map(|n| &n.op) {
        Some(Op::Input { name }) => name.clone(),
        Some(Op::State { path }) => path.clone(),
        Some(Op::Constant(c)) => format!("{c}"),
        _ if value.output == 0 => format!("%{}", value.node),
        _ => format!("%{}.{}", value.node, value.output),
    }
}

impl fmt::Display for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = self.inner.borrow();
        let mut scope = u32::MAX;
        for (index, node) in inner.nodes.iter().enumerate() {
            if node.origin.scope != scope {
                scope = node.origin.scope;
                let path = &inner.scopes[scope as usize].path;
                writeln!(f, "{}:", if path.is_empty() { "(root)" } else { path })?;
            }
            let args: Vec<_> = node.args.iter().map(|&a| value_name(&inner, a)).collect();
            let outputs: Vec<_> =
                node.outputs.iter().map(|o| format!("{} {}", o.dtype, o.shape)).collect();
            let name = value_name(&inner, Value::first(index));
            let margin = "  ".repeat(inner.regions.depth(inner.regions.node(index)));
            writeln!(
                f,
                "  {margin}{name} = {} {} -> {}",
                node.op,
                args.join(", "),
                outputs.join(", ")
            )?;
        }
        for (path, declared) in &inner.declarations {
            if declared.current.node != declared.node {
                writeln!(f, "{path} := {}", value_name(&inner, declared.current))?;
            }
        }
        Ok(())
    }
}
