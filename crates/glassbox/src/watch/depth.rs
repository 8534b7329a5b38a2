//! The gradient by depth: whether what is learned reaches the first layers.

use serde::Serialize;

use glassbox_engine::Graph;

use crate::Error;
use crate::train::folder::{GraphKind, RunFolder};
use crate::watch::Statistics;

/// Lines on a picture at most: the first and the last look and some between.
const LINES: usize = 6;

/// The norm of the loss's gradient with respect to each layer's weights, from the first layer to the
/// last, at some of the steps that were looked at. In a deep network without skips it falls by orders
/// of magnitude towards the first layers (He et al. 2016).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GradientsByDepth {
    /// The layers with weights (arrays of two axes or more), in the order in which they are used.
    pub layers: Vec<String>,
    /// The steps, ascending.
    pub steps: Vec<u64>,
    /// For each step a norm for each layer; NaN where it was not looked at.
    pub norms: Vec<Vec<f64>>,
}

impl GradientsByDepth {
    /// Of the steps that a run looked at (`watch.every`), at most six of them; none where it looked
    /// at none, or has fewer than two layers.
    ///
    /// ```no_run
    /// use glassbox::train::folder::RunFolder;
    /// use glassbox::watch::GradientsByDepth;
    /// let folder = RunFolder::view("runs/last".as_ref())?;
    /// if let Some(found) = GradientsByDepth::of_run(&folder)? {
    ///     println!("{}: {:?}", found.layers[0], found.norms[0][0]);
    /// }
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    ///
    /// # Errors
    /// Files that are corrupt.
    pub fn of_run(folder: &RunFolder) -> Result<Option<Self>, Error> {
        let graph: Graph = folder.graph(GraphKind::Infer)?;
        Ok(GradientsByDepth::of(&graph, &Statistics::read(folder)?))
    }

    /// Of the layers of a graph and looks at steps of it.
    pub fn of(graph: &Graph, looks: &[Statistics]) -> Option<Self> {
        let mut weights = graph.parameters();
        weights.retain(|(_, tensor)| tensor.rank() >= 2);
        weights.sort_by_key(|(_, tensor)| tensor.value());
        let watched =
            |path: &str| looks.iter().any(|look| look.parameters.iter().any(|p| p.path == path));
        weights.retain(|(path, _)| watched(path));
        let last = looks.len().checked_sub(1)?;
        let lines = looks.len().min(LINES);
        let mut chosen: Vec<usize> =
            (0..lines).map(|line| line * last / (lines - 1).max(1)).collect();
        chosen.dedup();
        let chosen: Vec<&Statistics> = chosen.into_iter().filter_map(|at| looks.get(at)).collect();
        let norm = |look: &Statistics, path: &str| {
            let found = look.parameters.iter().find(|parameter| parameter.path == path);
            found.map_or(f64::NAN, |parameter| parameter.gradient_norm)
        };
        let norms = |look: &&Statistics| weights.iter().map(|(path, _)| norm(look, path)).collect();
        let found = GradientsByDepth {
            steps: chosen.iter().map(|look| look.step).collect(),
            norms: chosen.iter().map(norms).collect(),
            layers: weights.into_iter().map(|(path, _)| short(&path)).collect(),
        };
        (found.layers.len() > 1).then_some(found)
    }

    /// The norms as a plot, a line for each step.
    #[cfg(feature = "image")]
    pub fn picture(&self) -> crate::report::picture::Picture {
        use crate::report::picture::{Series, plot};
        let line = |(step, values): (&u64, &Vec<f64>)| Series {
            name: format!("step {step}"),
            values: values.clone(),
        };
        let series: Vec<Series> = self.steps.iter().zip(&self.norms).map(line).collect();
        plot("Gradient norm by layer", &self.layers, &series)
    }
}

/// `conv1` of `conv1/weight`.
fn short(path: &str) -> String {
    path.strip_suffix("/weight").unwrap_or(path).to_owned()
}
