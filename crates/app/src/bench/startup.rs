//! The program from its start to its end.

use super::{Kind, Workload};

pub fn all() -> Vec<Workload> {
    vec![Workload { name: "startup", unit: "s", items: 1.0, kind: Kind::Processes }]
}
