//! Plans that were made, kept under a bound of bytes; the one unused for longest goes first.

use std::sync::Arc;

use crate::plan::{Key, Plan};

pub(crate) struct PlanCache {
    limit: usize,
    bytes: usize,
    /// Least recently used first.
    plans: Vec<Arc<Plan>>,
}

impl PlanCache {
    pub fn new(limit: usize) -> Self {
        PlanCache { limit, bytes: 0, plans: Vec::new() }
    }

    pub fn get(&mut self, key: Key) -> Option<Arc<Plan>> {
        let index = self.plans.iter().position(|p| p.key == key)?;
        let plan = self.plans.remove(index);
        self.plans.push(Arc::clone(&plan));
        Some(plan)
    }

    pub fn insert(&mut self, plan: Arc<Plan>) {
        self.bytes += plan.own_bytes();
        self.plans.push(plan);
        while self.bytes > self.limit && self.plans.len() > 1 {
            let oldest = self.plans.remove(0);
            self.bytes -= oldest.own_bytes();
        }
    }

    pub fn plans(&self) -> impl Iterator<Item = &Plan> {
        self.plans.iter().map(Arc::as_ref)
    }

    pub fn len(&self) -> usize {
        self.plans.len()
    }
}
