//! Attention: means of values, by how well queries and keys agree.
//!
//! The scores are never held for more than a block of queries and keys (Dao et al. 2022,
//! "FlashAttention"); the way back computes them again from what is kept of each query: the logarithm of
//! the sum of its powers.

use std::hash::{Hash, Hasher};

use serde::{Deserialize, Serialize};

use crate::graph::{DType, Output, Shape, Tensor, Value};
use crate::op::{Inferred, Mistake, Op, number};

/// How queries look at keys.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attention {
    /// Features are cut in so many equal parts, each of which looks for itself; at least 1.
    pub heads: usize,
    /// What products of queries and keys are multiplied with; for products of `width` numbers usually
    /// `1 / √width`.
    #[serde(with = "number")]
    pub scale: f64,
    /// Whether query i sees keys 0 to i alone.
    pub causal: bool,
}

impl Hash for Attention {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        (self.heads, self.scale.to_bits(), self.causal).hash(hasher);
    }
}

/// The sizes of an attention.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Heads {
    pub batch: usize,
    pub heads: usize,
    pub queries: usize,
    pub keys: usize,
    /// Numbers of a query or a key, of one head.
    pub width: usize,
    /// Numbers of a value, of one head.
    pub features: usize,
    pub scale: f64,
    pub causal: bool,
    /// Along which of `[batch, heads, queries, keys]` the mask differs, if there is one; along the others
    /// its size is 1.
    pub mask: Option<[bool; 4]>,
}

/// How many numbers the arrays of an attention have.
pub(crate) struct Lengths {
    pub queries: usize,
    pub keys: usize,
    pub values: usize,
    pub outputs: usize,
    /// Of queries and heads.
    pub rows: usize,
    pub mask: usize,
}

impl Heads {
    fn axes(&self) -> [usize; 4] {
        [self.batch, self.heads, self.queries, self.keys]
    }

    /// How long the arrays are, if that can be counted.
    pub fn lengths(&self) -> Option<Lengths> {
        let product =
            |sizes: &[usize]| sizes.iter().try_fold(1usize, |all, &size| all.checked_mul(size));
        let Heads { batch, heads, queries, keys, width, features, .. } = *self;
        let mask = self.mask.unwrap_or_default();
        let masked = self.axes().into_iter().zip(mask).filter(|(_, differs)| *differs);
        Some(Lengths {
            queries: product(&[batch, queries, heads, width])?,
            keys: product(&[batch, keys, heads, width])?,
            values: product(&[batch, keys, heads, features])?,
            outputs: product(&[batch, queries, heads, features])?,
            rows: product(&[batch, heads, queries])?,
            mask: product(&masked.map(|(size, _)| size).collect::<Vec<_>>())?,
        })
    }

    /// How many keys a query sees, apart from the mask: always the first.
    pub fn seen(&self, query: usize) -> usize {
        if self.causal { self.keys.min(query + 1) } else { self.keys }
    }

    /// Pairs of a query and a key that it sees, of all heads.
    pub fn pairs(&self) -> usize {
        let Heads { batch, heads, queries, keys, causal, .. } = *self;
        let each = if causal {
            let corner = queries.min(keys) as u128;
            let pairs = corner * (corner + 1) / 2 + (queries as u128 - corner) * keys as u128;
            usize::try_from(pairs).unwrap_or(usize::MAX)
        } else {
            queries.saturating_mul(keys)
        };
        batch.saturating_mul(heads).saturating_mul(each)
    }

    /// Multiply-adds: of the way there two products, of the way back five.
    pub fn multiply_adds(&self, back: bool) -> usize {
        let each = if back {
            self.width.saturating_mul(3).saturating_add(self.features.saturating_mul(2))
        } else {
            self.width.saturating_add(self.features)
        };
        self.pairs().saturating_mul(each)
    }

    /// Where the mask of a query's first key is, and the distance to the next key's.
    pub fn mask_at(&self, [batch, head, query]: [usize; 3]) -> (usize, usize) {
        let differs = self.mask.unwrap_or_default();
        let at = [batch, head, query, 0].into_iter().zip(self.axes()).zip(differs);
        let first =
            at.fold(0, |at, ((index, size), differs)| if differs { at * size + index } else { at });
        (first, usize::from(differs[3]))
    }
}

const ROLES: &[&str] = &["queries", "keys", "values", "mask"];

/// The sizes of an attention, or what is wrong with them.
pub(crate) fn heads(
    choices: &Attention,
    [q, k, v]: [&Shape; 3],
    mask: Option<&Shape>,
) -> Result<Heads, String> {
    let split = |shape: &Shape| {
        let (lead, last) = shape.sizes().split_last_chunk::<2>()?;
        Some((lead.to_vec(), *last))
    };
    let (Some((lead, [queries, all])), Some((lead_k, [keys, all_k])), Some((lead_v, last_v))) =
        (split(q), split(k), split(v))
    else {
        return Err(format!("takes [batch…, time, features] three times, not {q}, {k} and {v}"));
    };
    let Attention { heads, scale, causal } = *choices;
    if lead != lead_k || lead != lead_v {
        return Err(format!("the batches differ: {lead:?}, {lead_k:?} and {lead_v:?}"));
    }
    if all != all_k {
        return Err(format!("queries have {all} numbers, keys {all_k}"));
    }
    if keys != last_v[0] {
        return Err(format!("there are {keys} keys, but {} values", last_v[0]));
    }
    for (size, what) in [(all, "queries"), (last_v[1], "values")] {
        if heads == 0 || !size.is_multiple_of(heads) {
            return Err(format!("{size} numbers of {what} cannot be cut into {heads} equal heads"));
        }
    }
    let whole: Vec<usize> = lead.iter().copied().chain([heads, queries, keys]).collect();
    let mask = match mask {
        None => None,
        Some(mask) => {
            let sizes = mask.sizes();
            let fits = sizes.len() == whole.len()
                && sizes.iter().zip(&whole).all(|(&size, &all)| size == all || size == 1);
            let of_batch = sizes.get(..lead.len()).unwrap_or_default();
            let alike = of_batch == lead || of_batch.iter().all(|&size| size == 1);
            if !fits || !alike {
                return Err(format!("a mask {mask} does not broadcast to {}", Shape::from(whole)));
            }
            let at = |axis: usize| sizes[lead.len() + axis] != 1;
            Some([of_batch.iter().any(|&size| size != 1), at(0), at(1), at(2)])
        }
    };
    let batch = lead.iter().fold(1usize, |all, &size| all.saturating_mul(size));
    let (width, features) = (all / heads, last_v[1] / heads);
    Ok(Heads { batch, heads, queries, keys, width, features, scale, causal, mask })
}

/// The sizes where they have passed [`infer`].
pub(crate) fn sizes(choices: &Attention, args: [&Shape; 3], mask: Option<&Shape>) -> Heads {
    let Attention { heads, scale, causal } = *choices;
    let (batch, queries, keys, width, features) = (0, 0, 0, 0, 0);
    let nothing = Heads { batch, heads, queries, keys, width, features, scale, causal, mask: None };
    self::heads(choices, args, mask).unwrap_or(nothing)
}

pub(super) fn infer(choices: &Attention, args: &[&Output]) -> Inferred {
    let [q, k, v, mask @ ..] = args else { return nothing(args) };
    let assumed = args.iter().any(|arg| arg.assumed != 0);
    let shapes = [&q.shape, &k.shape, &v.shape];
    let found = heads(choices, shapes, mask.first().map(|mask| &mask.shape));
    let mut wrong = found.err().filter(|_| !assumed);
    let (Some((_, rest)), Some(&features)) = (q.shape.sizes().split_last(), v.shape.sizes().last())
    else {
        let output = Output::stand_in(q.dtype, 2);
        return Inferred::unless(output, "shape", wrong, ROLES).with((*q).clone()).guessing();
    };
    let guess = if assumed { u64::MAX } else { 0 };
    let found = Output::new(q.dtype, [rest, &[features]].concat()).assuming(guess);
    let (lead, queries) = rest.split_at(rest.len().saturating_sub(1));
    let logs = Output::new(q.dtype, [lead, &[choices.heads], queries].concat()).assuming(guess);
    let mut kind = "shape";
    if wrong.is_none() {
        let floats = q.dtype.is_float() && q.dtype == k.dtype && q.dtype == v.dtype;
        let flags = mask.first().is_none_or(|mask| mask.dtype == DType::Bool);
        (kind, wrong) = match (floats, flags) {
            (true, true) => ("shape", None),
            (false, _) => {
                let types = format!("{}, {} and {}", q.dtype, k.dtype, v.dtype);
                ("type", Some(format!("takes f32 or f64 three times, not {types}")))
            }
            (_, false) => ("type", Some("a mask is made of booleans".to_string())),
        };
    }
    Inferred::unless(found, kind, wrong, ROLES).with(logs).guessing()
}

/// The rule of the derivative: it gives what the first three arguments are. Only the derivative rule
/// records it, and whoever reads a stored graph.
pub(super) fn infer_gradient(choices: &Attention, args: &[&Output]) -> Inferred {
    let [q, k, v, o, logs, up, mask @ ..] = args else { return nothing(args) };
    let forward: Vec<&Output> = [*q, *k, *v].into_iter().chain(mask.iter().copied()).collect();
    let mut inferred = infer(choices, &forward);
    let fits = inferred.outputs[..] == [(*o).clone(), (*logs).clone()] && o == up;
    if inferred.mistake.is_none() && !fits && args.iter().all(|arg| arg.assumed == 0) {
        let what = "what attention gave, and its gradient, do not fit its arguments".to_string();
        inferred.mistake = Some(Mistake { kind: "shape", what, roles: ROLES });
    }
    inferred.outputs = [q, k, v].map(|&arg| arg.clone()).to_vec();
    inferred
}

/// Of too few arguments.
fn nothing(args: &[&Output]) -> Inferred {
    let dtype = args.first().map_or(DType::F32, |arg| arg.dtype);
    let wrong = Some("takes queries, keys and values".to_string());
    Inferred::unless(Output::stand_in(dtype, 2), "shape", wrong, ROLES)
}

pub(super) fn derive<'g>(
    choices: Attention,
    up: Tensor<'g>,
    args: &[Tensor<'g>],
    outputs: &[Tensor<'g>],
) -> Vec<Option<Tensor<'g>>> {
    let (graph, mask) = (up.graph, &args[3..]);
    let all = [&args[..3], &[outputs[0], outputs[1], up], mask].concat();
    let first = graph.record(Op::AttentionGradient { choices }, &all, None);
    let result = |output: u16| Some(Tensor::of(graph, Value { output, ..first.value }));
    let mut slopes = vec![result(0), result(1), result(2)];
    slopes.extend(mask.iter().map(|_| None));
    slopes
}

/// The derivative of the derivative, by products of whole matrices, which can be differentiated again.
///
/// With scores `S`, shares `P`, `dP = dO Vᵀ` and `dS = P ∘ (dP − rows(P ∘ dP))` the derivatives are
/// `s dS K`, `s dSᵀ Q` and `Pᵀ dO`. What attention itself gave counts as a function of the queries,
/// keys and values here, so no adjoint goes to it.
pub(super) fn derive_gradient<'g>(
    choices: Attention,
    upstream: &[Option<Tensor<'g>>],
    args: &[Tensor<'g>],
) -> Vec<Option<Tensor<'g>>> {
    let (heads, scale, mask) = (choices.heads, choices.scale, args.get(6).copied());
    let split = |x: Tensor<'g>| split(x, heads);
    let [q, k, v, up] = [args[0], args[1], args[2], args[5]].map(split);
    let [of_q, of_k, of_v] =
        [0, 1, 2].map(|i| upstream[i].unwrap_or_else(|| args[i].full_like(0.0))).map(split);
    let rows = |x: Tensor<'g>| x.sum_axis(-1);
    let p = args[0].attention_shares(args[1], mask, choices);
    let dp = up.matmul(v.transpose());
    let d = rows(p * dp);
    let ds = p * (dp - d);
    // Adjoints: of dS, of dP, of P, of S.
    let of_ds = (of_q.matmul(k.transpose()) + q.matmul(of_k.transpose())) * scale;
    let r = rows(of_ds * p);
    let of_dp = p * (of_ds - r);
    let of_p = of_ds * (dp - d) - r * dp + up.matmul(of_v.transpose());
    let of_s = p * (of_p - rows(of_p * p));
    let to_q = (of_s.matmul(k) + ds.matmul(of_k)) * scale;
    let to_k = (of_s.transpose().matmul(q) + ds.transpose().matmul(of_q)) * scale;
    let to_v = of_dp.transpose().matmul(up);
    let to_up = p.matmul(of_v) + of_dp.matmul(v);
    let [to_q, to_k, to_v, to_up] = [to_q, to_k, to_v, to_up].map(join);
    let mut slopes = vec![Some(to_q), Some(to_k), Some(to_v), None, None, Some(to_up)];
    slopes.extend(mask.map(|_| None));
    slopes
}

/// `[batch…, time, features]` → `[batch…, heads, time, features / heads]`.
#[track_caller]
fn split(x: Tensor<'_>, heads: usize) -> Tensor<'_> {
    let shape = x.shape();
    let Some((lead, [time, features])) = shape.sizes().split_last_chunk::<2>() else { return x };
    let parts = [lead, &[*time, heads, features / heads.max(1)]].concat();
    x.reshape(parts).permute(&swapped(lead.len()))
}

/// Undoes [`split`].
#[track_caller]
fn join(x: Tensor<'_>) -> Tensor<'_> {
    let shape = x.shape();
    let Some((lead, [heads, time, width])) = shape.sizes().split_last_chunk::<3>() else {
        return x;
    };
    x.permute(&swapped(lead.len())).reshape([lead, &[*time, heads * width]].concat())
}

/// The order of axes with the two after `lead` exchanged.
fn swapped(lead: usize) -> Vec<usize> {
    (0..lead).chain([lead + 1, lead, lead + 2]).collect()
}

/// A mask with an axis for each of `[batch…, heads, queries, keys]`, where it broadcasts to that.
#[track_caller]
fn whole_mask<'g>(mask: Tensor<'g>, q: &Shape, k: &Shape, heads: usize) -> Tensor<'g> {
    let (Some((lead, last)), Some(keys)) =
        (q.sizes().split_last_chunk::<2>(), k.sizes().iter().nth_back(1))
    else {
        return mask;
    };
    let whole = [lead, &[heads, last[0], *keys]].concat();
    let held = mask.shape();
    let Some(missing) = whole.len().checked_sub(held.rank()) else { return mask };
    let sizes = [&vec![1; missing], held.sizes()].concat();
    let of_batch = &sizes[..lead.len()];
    let fits = sizes.iter().zip(&whole).all(|(&size, &all)| size == all || size == 1);
    let some = of_batch != lead && of_batch.iter().any(|&size| size != 1);
    let mask = mask.reshape(sizes.clone());
    if fits && some {
        return mask.broadcast_to([lead, &sizes[lead.len()..]].concat());
    }
    mask
}

/// Attention.
impl<'g> Tensor<'g> {
    /// Scaled dot-product attention (Vaswani et al. 2017) of these queries `[batch…, queries, heads ·
    /// width]` to `keys [batch…, keys, heads · width]` and `values [batch…, keys, heads · features]` →
    /// `[batch…, queries, heads · features]`: for each head `softmax(scale · q·kᵀ) · v`. Batches
    /// broadcast.
    ///
    /// `mask`, of booleans that broadcast to `[batch…, heads, queries, keys]`, says which keys a query may
    /// look at; hidden ones have a share of 0. A query that sees no key at all gives zeros, and no
    /// gradient flows through it, as in PyTorch's `scaled_dot_product_attention`.
    ///
    /// Neither this nor its gradient holds the shares of all queries (Dao et al. 2022): memory grows with
    /// the number of queries and keys, not with their product. Derivatives of higher order do hold
    /// them. Blocks of keys that `causal` hides cost nothing.
    ///
    /// ```
    /// # use glassbox_engine::{op::Attention, Array, DType, Graph, Options, Parameters, Session};
    /// let graph = Graph::new();
    /// let [q, k, v] = ["q", "k", "v"].map(|name| graph.input(name, DType::F32, [2, 1]));
    /// let mean = q.attention(k, v, None, Attention { heads: 1, scale: 0.0, causal: false });
    /// let causal = q.attention(k, v, None, Attention { heads: 1, scale: 0.0, causal: true });
    /// let mut given = Parameters::new();
    /// for name in ["q", "k", "v"] {
    ///     given.insert(name, Array::new([2, 1], [1.0f32, 3.0])?);
    /// }
    /// let results = Session::new(Options::default())?.evaluate(&graph, &given, &[mean, causal])?;
    /// assert_eq!(results[0].as_f32().unwrap(), [2.0, 2.0]);
    /// assert_eq!(results[1].as_f32().unwrap(), [1.0, 2.0]);
    /// # Ok::<(), glassbox_engine::Error>(())
    /// ```
    #[track_caller]
    #[doc(alias = "scaled_dot_product_attention")]
    pub fn attention(
        self,
        keys: Self,
        values: Self,
        mask: Option<Self>,
        choices: Attention,
    ) -> Self {
        let [q, k, v] = one_batch([self, keys, values]);
        let mut args = vec![q, k, v];
        args.extend(mask.map(|mask| whole_mask(mask, &q.shape(), &k.shape(), choices.heads)));
        self.graph.record(Op::Attention { choices }, &args, None)
    }

    /// The shares that [`attention`](Self::attention) gives the keys, `[batch…, heads, queries, keys]`:
    /// held as a whole, to be looked at.
    ///
    /// ```
    /// # use glassbox_engine::{op::Attention, DType, Graph};
    /// let graph = Graph::new();
    /// let [q, k] = ["q", "k"].map(|name| graph.input(name, DType::F32, [8, 20, 64]));
    /// let choices = Attention { heads: 4, scale: 0.25, causal: true };
    /// assert_eq!(q.attention_shares(k, None, choices).shape().sizes(), &[8, 4, 20, 20]);
    /// # assert!(graph.check().is_ok());
    /// ```
    #[track_caller]
    pub fn attention_shares(self, keys: Self, mask: Option<Self>, choices: Attention) -> Self {
        let Attention { heads, scale, causal } = choices;
        let graph = self.graph;
        let [q, k] = one_batch([self, keys]);
        let scores = split(q, heads).matmul(split(k, heads).transpose()) * scale;
        let behind = causal.then(|| {
            let shape = [scores.dim(-2), scores.dim(-1)];
            graph.iota(shape, 1).less_equal(graph.iota(shape, 0))
        });
        let seen = match (mask, behind) {
            (Some(mask), Some(behind)) => Some(mask.and(behind)),
            (mask, behind) => mask.or(behind),
        };
        let x = seen.map_or(scores, |seen| seen.select(scores, scores.scalar(f64::NEG_INFINITY)));
        // Where all is −∞ the largest is taken as finite: −∞ less −∞ would be no number.
        let largest = x.max_axis(-1).detach();
        let powers = (x - largest.max_with(largest.scalar(f64::from(f32::MIN)))).exp();
        let sum = powers.sum_axis(-1);
        powers / sum.equal(sum.full_like(0.0)).select(sum.full_like(1.0), sum)
    }
}

/// The same with batches repeated where they broadcast.
#[track_caller]
fn one_batch<'g, const N: usize>(all: [Tensor<'g>; N]) -> [Tensor<'g>; N] {
    let shapes = all.map(|x| x.shape());
    let leads: Option<Vec<&[usize]>> =
        shapes.iter().map(|shape| Some(shape.sizes().split_last_chunk::<2>()?.0)).collect();
    let batch = leads.and_then(|leads| Shape::broadcast(leads.into_iter()));
    let Some(batch) = batch else { return all };
    std::array::from_fn(|i| {
        let sizes = shapes[i].sizes();
        let wanted = [batch.sizes(), &sizes[sizes.len() - 2..]].concat();
        if wanted == sizes { all[i] } else { all[i].broadcast_to(wanted) }
    })
}
