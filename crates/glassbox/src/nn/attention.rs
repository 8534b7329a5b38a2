use glassbox_engine::op::Attention;
use glassbox_engine::{Initial, Scope, Tensor};

/// Which keys a query may look at.
///
/// ```
/// use glassbox::engine::{DType, Graph};
/// use glassbox::nn::{self, Mask};
/// let graph = Graph::new();
/// let lengths = graph.input("lengths", DType::I64, [8]);
/// // Nothing ahead, and nothing after the end of a sequence.
/// let mask = Mask { allowed: Some(nn::padding_mask(lengths, 20)), ..Mask::CAUSAL };
/// assert!(mask.causal && !Mask::ALL.causal);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Mask<'g> {
    /// Whether query i sees keys 0 to i alone. Where there are more keys than queries, the first of
    /// both stand at the same place, as in PyTorch.
    pub causal: bool,
    /// True where a query may look, broadcast to `[…, queries, keys]`.
    pub allowed: Option<Tensor<'g>>,
}

impl Mask<'_> {
    /// Every query sees every key.
    pub const ALL: Self = Mask { causal: false, allowed: None };
    /// A query sees what came before it, and itself.
    pub const CAUSAL: Self = Mask { causal: true, allowed: None };
}

/// For sequences of `lengths` (i64 `[batch]`) the keys that are real, booleans `[batch, 1, 1, keys]`:
/// a [`Mask`] for `[batch, heads, queries, keys]`.
#[track_caller]
pub fn padding_mask(lengths: Tensor<'_>, keys: usize) -> Tensor<'_> {
    let ends = lengths.reshape([lengths.dim(0), 1, 1, 1]);
    lengths.graph().iota([keys], 0).less(ends)
}

/// Scaled dot-product attention (Vaswani et al. 2017): `softmax(q·kᵀ / √width) · v`, with queries
/// `[…, queries, width]`, keys `[…, keys, width]` and values `[…, keys, features]` →
/// `[…, queries, features]`. The shares, `[…, queries, keys]`, are called `attention`: they are computed
/// for those who ask for them, attention itself never holds them all.
///
/// The scores of keys that `mask` hides are −∞, their shares 0. A query that sees no key at all gives
/// zeros, and no gradient flows through it, as in PyTorch's `scaled_dot_product_attention`.
///
/// ```
/// use glassbox::engine::{DType, Graph, Mode};
/// use glassbox::nn::{self, Mask};
/// let graph = Graph::new();
/// let [q, k, v] = ["q", "k", "v"].map(|name| graph.input(name, DType::F32, [8, 4, 20, 16]));
/// let found = nn::attention(q, k, v, Mask::CAUSAL);
/// assert_eq!(found.shape().sizes(), &[8, 4, 20, 16]);
/// assert!(graph.check().is_ok());
/// ```
#[track_caller]
pub fn attention<'g>(q: Tensor<'g>, k: Tensor<'g>, v: Tensor<'g>, mask: Mask<'g>) -> Tensor<'g> {
    // One head, which has an axis in masks.
    let allowed = mask.allowed.map(|allowed| {
        let mut sizes = allowed.shape().sizes().to_vec();
        if sizes.len() > 2 {
            sizes.insert(sizes.len() - 2, 1);
        }
        allowed.reshape(sizes)
    });
    let (found, shares) = attended([q, k, v], 1, Mask { allowed, ..mask });
    if let Some(shares) = shares {
        let mut sizes = shares.shape().sizes().to_vec();
        sizes.remove(sizes.len().saturating_sub(3));
        shares.reshape(sizes).named("attention");
    }
    found
}

/// [`attention`] of several heads that lie side by side: queries `[…, queries, heads · width]`, keys
/// `[…, keys, heads · width]` and values `[…, keys, heads · features]` → `[…, queries, heads ·
/// features]`, each head by itself; masks broadcast to `[…, heads, queries, keys]`, which is the shape of
/// `attention`. To split and join heads is then not needed.
///
/// ```
/// use glassbox::engine::{DType, Graph, Mode};
/// use glassbox::nn::{self, Mask};
/// let graph = Graph::new();
/// let [q, k, v] = ["q", "k", "v"].map(|name| graph.input(name, DType::F32, [8, 20, 64]));
/// let found = nn::attention_of_heads(q, k, v, 4, Mask::CAUSAL);
/// assert_eq!(found.shape().sizes(), &[8, 20, 64]);
/// assert!(graph.check().is_ok());
/// ```
#[track_caller]
pub fn attention_of_heads<'g>(
    q: Tensor<'g>,
    k: Tensor<'g>,
    v: Tensor<'g>,
    heads: usize,
    mask: Mask<'g>,
) -> Tensor<'g> {
    let (found, shares) = attended([q, k, v], heads, mask);
    if let Some(shares) = shares {
        shares.named("attention");
    }
    found
}

/// What is found, and the shares; these only where the model has no mistake so far, which they would
/// repeat.
#[track_caller]
fn attended<'g>(
    [q, k, v]: [Tensor<'g>; 3],
    heads: usize,
    Mask { causal, allowed }: Mask<'g>,
) -> (Tensor<'g>, Option<Tensor<'g>>) {
    let width = q.dim(-1) / heads.max(1);
    let scale = 1.0 / (width.max(1) as f64).sqrt();
    let choices = Attention { heads, scale, causal };
    let found = q.attention(k, v, allowed, choices);
    let fine = q.graph().check().is_ok();
    (found, fine.then(|| q.attention_shares(k, allowed, choices)))
}

/// Attention by several heads (Vaswani et al. 2017), each in a subspace of its own: `x [batch, queries,
/// width]` looks at `memory [batch, keys, width]` → `[batch, queries, width]`. Self-attention is where
/// both are the same tensor; then queries, keys and values come of one product.
///
/// Parameters: `input/weight [width, 3 · width]`, whose columns are those of queries, keys and values,
/// drawn by Xavier's rule for that shape; `input/bias [3 · width]` (0); `output/weight [width, width]`,
/// uniform in ±1/√width; `output/bias [width]` (0). That is PyTorch's `nn.MultiheadAttention`. The
/// shares of all heads, `[batch, heads, queries, keys]`, are called `attention` within the scope. Heads
/// must divide the width. There is no dropout of shares.
///
/// ```
/// use glassbox::engine::{DType, Graph, Mode};
/// use glassbox::nn::{self, Mask};
/// let graph = Graph::new();
/// let x = graph.input("x", DType::F32, [8, 20, 64]);
/// let at = graph.root(Mode::Train).child("heads");
/// let y = nn::multi_head_attention(at, x, x, 4, Mask::CAUSAL);
/// assert_eq!(y.shape(), x.shape());
/// assert_eq!(graph.named("heads/attention").unwrap().shape().sizes(), &[8, 4, 20, 20]);
/// assert!(graph.check().is_ok());
/// ```
#[track_caller]
pub fn multi_head_attention<'g>(
    at: Scope<'g>,
    x: Tensor<'g>,
    memory: Tensor<'g>,
    heads: usize,
    mask: Mask<'g>,
) -> Tensor<'g> {
    let _inside = at.enter();
    let width = x.dim(-1);
    let uniform = |bound: f64| Initial::Uniform { low: -bound, high: bound };
    let (input, output) = (at.child("input"), at.child("output"));
    let xavier = uniform((6.0 / (4 * width).max(1) as f64).sqrt());
    let weight = input.parameter("weight", [width, 3 * width], xavier);
    let bias = input.parameter("bias", [3 * width], 0.0);
    let [q, k, v] = projections(x, memory, weight, bias);
    let found = attention_of_heads(q, k, v, heads, mask);
    let out = uniform(1.0 / (width.max(1) as f64).sqrt());
    let weight = output.parameter("weight", [width, width], out);
    found.matmul(weight) + output.parameter("bias", [width], 0.0)
}

/// Queries of `x`, keys and values of `memory`: of one product where both are the same.
#[track_caller]
fn projections<'g>(
    x: Tensor<'g>,
    memory: Tensor<'g>,
    weight: Tensor<'g>,
    bias: Tensor<'g>,
) -> [Tensor<'g>; 3] {
    let width = x.dim(-1);
    let (first, second, third) = (0..width, width..2 * width, 2 * width..3 * width);
    if x.value() == memory.value() {
        let all = x.matmul(weight) + bias;
        return [all.slice(-1, first), all.slice(-1, second), all.slice(-1, third)];
    }
    let rest = width..3 * width;
    let q = x.matmul(weight.slice(-1, first.clone())) + bias.slice(-1, first.clone());
    let both = memory.matmul(weight.slice(-1, rest.clone())) + bias.slice(-1, rest);
    [q, both.slice(-1, first), both.slice(-1, second)]
}

/// `[batch, time, width]` → `[batch, heads, time, width / heads]`.
#[track_caller]
pub fn split_heads(x: Tensor<'_>, heads: usize) -> Tensor<'_> {
    let [batch, time, width] = [0, 1, 2].map(|axis| x.dim(axis));
    x.reshape([batch, time, heads, width / heads.max(1)]).permute(&[0, 2, 1, 3])
}

/// `[batch, heads, time, features]` → `[batch, time, heads · features]`.
#[track_caller]
pub fn join_heads(x: Tensor<'_>) -> Tensor<'_> {
    let [batch, heads, time, features] = [0, 1, 2, 3].map(|axis| x.dim(axis));
    x.permute(&[0, 2, 1, 3]).reshape([batch, time, heads * features])
}
