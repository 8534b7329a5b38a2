//! A window along one axis whose position is known when the plan runs.

use crate::graph::{DType, Output, Shape, Tensor};
use crate::op::{Inferred, Op};

/// `whole` with `size` elements along `axis`, where it has that axis.
fn resized(whole: &Output, axis: usize, size: usize) -> Output {
    let mut sizes = whole.shape.sizes().to_vec();
    let mut assumed = whole.assumed;
    if let Some(held) = sizes.get_mut(axis) {
        *held = size;
        assumed &= !(1u64 << axis.min(63));
    }
    Output { shape: sizes.into(), dtype: whole.dtype, assumed }
}

fn no_position(position: &Output) -> Option<String> {
    (position.dtype != DType::I64 || position.shape.rank() != 0).then(|| {
        format!("the position is an i64 scalar, not {} {}", position.dtype, position.shape)
    })
}

pub(super) fn infer_slice_at(axis: usize, size: usize, x: &Output, position: &Output) -> Inferred {
    const ROLES: &[&str] = &["of", "position"];
    let output = resized(x, axis, size);
    if let Some(what) = no_position(position) {
        return Inferred::unless(output, "type", Some(what), ROLES);
    }
    let wrong = match x.shape.sizes().get(axis) {
        None => Some(format!("the shape {} has no axis {axis}", x.shape)),
        Some(&whole) if size > whole && !x.is_assumed(axis) => {
            Some(format!("axis {axis} of {} has {whole} elements, not {size}", x.shape))
        }
        Some(_) => None,
    };
    Inferred::unless(output, "shape", wrong, ROLES).guessing()
}

pub(super) fn infer_update_slice(
    axis: usize,
    target: &Output,
    value: &Output,
    position: &Output,
) -> Inferred {
    const ROLES: &[&str] = &["target", "value", "position"];
    let output = target.clone();
    if target.dtype != value.dtype {
        let what = format!(
            "{} and {} do not mix: cast one of them, nothing is promoted",
            target.dtype, value.dtype
        );
        return Inferred::unless(output, "type", Some(what), ROLES);
    }
    if let Some(what) = no_position(position) {
        return Inferred::unless(output, "type", Some(what), ROLES);
    }
    let (whole, part) = (target.shape.sizes(), value.shape.sizes());
    let wrong = if axis >= whole.len() {
        Some(format!("the shape {} has no axis {axis}", target.shape))
    } else {
        let fits = whole.len() == part.len()
            && (0..whole.len()).all(|a| {
                let fine = if a == axis { part[a] <= whole[a] } else { part[a] == whole[a] };
                fine || target.is_assumed(a) || value.is_assumed(a)
            });
        (!fits).then(|| {
            format!(
                "a window {} does not fit {}: along axis {axis} it may be shorter, the other axes \
                 are equal",
                value.shape, target.shape
            )
        })
    };
    Inferred::unless(output, "shape", wrong, ROLES)
}

pub(super) fn derive_slice_at<'g>(
    axis: usize,
    up: Tensor<'g>,
    x: Tensor<'g>,
    position: Tensor<'g>,
) -> Vec<Option<Tensor<'g>>> {
    vec![Some(update(x.full_like(0.0), up, position, axis)), None]
}

pub(super) fn derive_update_slice<'g>(
    axis: usize,
    up: Tensor<'g>,
    value: Tensor<'g>,
    position: Tensor<'g>,
) -> Vec<Option<Tensor<'g>>> {
    let size = value.shape().sizes()[axis];
    let read = up.graph.record(Op::SliceAt { axis, size }, &[up, position], None);
    vec![Some(update(up, value.full_like(0.0), position, axis)), Some(read), None]
}

#[track_caller]
fn update<'g>(
    target: Tensor<'g>,
    value: Tensor<'g>,
    position: Tensor<'g>,
    axis: usize,
) -> Tensor<'g> {
    target.graph.record(Op::UpdateSlice { axis }, &[target, value, position], None)
}

/// A window along one axis as a kernel sees it: of each of `outer` blocks `[whole, inner]` the part
/// `[part, inner]`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Window {
    pub outer: usize,
    pub whole: usize,
    pub part: usize,
    pub inner: usize,
}

impl Window {
    /// `part` elements along `axis` of an array of this shape, which has that axis.
    pub fn of(shape: &Shape, axis: usize, part: usize) -> Self {
        let sizes = shape.sizes();
        Window {
            outer: sizes[..axis].iter().product(),
            whole: sizes[axis],
            part,
            inner: sizes[axis + 1..].iter().product(),
        }
    }

    /// The position as an index, or in words why the window would leave its axis there.
    pub fn start(&self, position: i64) -> Result<usize, String> {
        let last = self.whole.saturating_sub(self.part);
        usize::try_from(position).ok().filter(|&start| start <= last).ok_or_else(|| {
            format!(
                "position {position} is outside 0 to {last}: a window of {} would leave the axis \
                 of {}",
                self.part, self.whole
            )
        })
    }
}

/// Windows at a position that is known when the plan runs. Axes are counted from the end where they
/// are negative.
impl<'g> Tensor<'g> {
    /// The `size` elements along `axis` from `position` on, an i64 scalar that may be another at every
    /// run. A window that would leave the axis is an error of the run. Where the position is known
    /// beforehand, [`slice`](Self::slice) is the method.
    #[track_caller]
    #[doc(alias = "dynamic_slice")]
    pub fn slice_at(self, position: Self, size: usize, axis: isize) -> Self {
        let axis = self.axis(axis);
        self.graph.record(Op::SliceAt { axis, size }, &[self, position], None)
    }

    /// This tensor with `value` written over the elements along `axis` from `position` on, an i64
    /// scalar that may be another at every run; `value` has this shape, but for its size along `axis`.
    /// A window that would leave the axis is an error of the run: nothing is moved to fit silently.
    ///
    /// A state that is assigned its own update, such as a cache of keys and values, is written in
    /// place, so a step costs the window and not the cache.
    ///
    /// ```
    /// # use glassbox_engine::{Array, DType, Graph, Mode, Options, Parameters, Session};
    /// let graph = Graph::new();
    /// let at = graph.root(Mode::Eval);
    /// let cache = at.state("cache", DType::F32, [4, 2], 0.0);        // [time, features]
    /// let step = at.state("step", DType::I64, [], 0.0);
    /// let row = graph.input("row", DType::F32, [1, 2]);
    /// at.assign("cache", cache.update_slice(row, step, 0));
    /// at.assign("step", step + 1.0);
    /// let last = graph.current("cache").unwrap().slice_at(step, 1, 0);
    ///
    /// let mut session = Session::new(Options::default())?;
    /// session.load(graph.initial_values(0));
    /// for number in [1.0f32, 2.0] {
    ///     let mut given = Parameters::new();
    ///     given.insert("row", Array::new([1, 2], [number, -number])?);
    ///     let results = session.evaluate(&graph, &given, &[last])?;
    ///     assert_eq!(results[0].as_f32().unwrap(), [number, -number]);
    /// }
    /// let cache = session.value("cache").unwrap();
    /// assert_eq!(cache.as_f32().unwrap(), [1.0, -1.0, 2.0, -2.0, 0.0, 0.0, 0.0, 0.0]);
    /// # Ok::<(), glassbox_engine::Error>(())
    /// ```
    #[track_caller]
    #[doc(alias = "dynamic_update_slice")]
    pub fn update_slice(self, value: Self, position: Self, axis: isize) -> Self {
        update(self, value, position, self.axis(axis))
    }
}
