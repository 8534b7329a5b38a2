//! How long the steps of a plan take.

/// How long each step of a plan took, summed over the runs that
/// [`run_profiled`](crate::Session::run_profiled) made.
///
/// ```
/// use glassbox_engine::{DType, Graph, Options, Session};
/// let graph = Graph::new();
/// let a = graph.input("a", DType::F32, [64, 64]);
/// let mut session = Session::new(Options::default())?;
/// let step = session.prepare(&graph, &[a.matmul(a).tanh().sum_all()])?;
/// let (mut inputs, mut outputs, mut profile) = (step.inputs(), step.outputs(), step.profile());
/// for _ in 0..3 {
///     session.run_profiled(&step, &mut inputs, &mut outputs, &mut profile)?;
/// }
/// let steps = step.plan().steps(&graph);
/// assert_eq!((profile.runs(), profile.nanoseconds().len()), (3, steps.len()));
/// assert!(profile.nanoseconds().iter().sum::<u64>() as f64 <= profile.seconds() * 1e9);
/// # Ok::<(), glassbox_engine::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Profile {
    pub(super) runs: u64,
    pub(super) seconds: f64,
    pub(super) nanoseconds: Vec<u64>,
}

impl Profile {
    pub(super) fn of(steps: usize) -> Self {
        Profile { runs: 0, seconds: 0.0, nanoseconds: vec![0; steps] }
    }

    /// How many runs it has seen.
    pub fn runs(&self) -> u64 {
        self.runs
    }

    /// Seconds of all runs together, what lies between the steps included.
    pub fn seconds(&self) -> f64 {
        self.seconds
    }

    /// Nanoseconds of each step, over all runs: in the order of [`Plan::steps`](crate::Plan::steps),
    /// where a loop stands before the steps of its body and its own time includes theirs.
    pub fn nanoseconds(&self) -> &[u64] {
        &self.nanoseconds
    }
}
