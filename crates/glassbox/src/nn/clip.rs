use glassbox_engine::Tensor;
use serde::Serialize;

/// How large a gradient may be: the cure for exploding gradients (Pascanu, Mikolov and Bengio 2013).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Clip {
    /// All gradients together are scaled down until their norm √Σg² is at most this; their direction
    /// stays. As PyTorch's `clip_grad_norm_`: the factor is norm / (√Σg² + 1e-6), at most 1.
    Norm(f64),
    /// Each number is cut to −value..value; the direction may change.
    Value(f64),
}

impl Clip {
    /// The clipped gradients, in the same order. The norm before clipping is called
    /// `gradient_norm` within the scope that is entered.
    #[track_caller]
    pub fn of<'g>(self, gradients: &[Tensor<'g>]) -> Vec<Tensor<'g>> {
        match self {
            Clip::Value(most) => gradients
                .iter()
                .map(|&g| g.max_with(g.full_like(-most)).min_with(g.full_like(most)))
                .collect(),
            Clip::Norm(most) => {
                let squares = gradients.iter().map(|g| g.square().sum());
                let Some(sum) = squares.reduce(|sum, square| sum + square) else {
                    return Vec::new();
                };
                let norm = sum.sqrt().named("gradient_norm");
                let factor = norm.scalar(most) / (norm + 1e-6);
                let factor = factor.min_with(factor.full_like(1.0));
                gradients.iter().map(|&g| g * factor).collect()
            }
        }
    }
}
