//! What most programs need: `use glassbox::prelude::*;`.

pub use crate::data::{self, Dataset, RawTable};
pub use crate::engine::{Graph, Mode, Scope, Session, Tensor, grad};
pub use crate::nn::{
    self, Activation, Clip, Initial, Loss, Module, Objective, Optimizer, Schedule,
};
pub use crate::train::{Model, Run, Trainer};
pub use crate::zoo::{self, Mlp, Network};
