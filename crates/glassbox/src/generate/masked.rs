use glassbox_engine::{Array, DType, Graph, Mode, Options, Parameters, Session};

use super::Sampling;
use crate::Error;
use crate::nn::Module;

/// What may stand at a place whose token is hidden.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidates {
    /// The place.
    pub place: usize,
    /// Tokens and their probabilities, the most probable first.
    pub tokens: Vec<(i64, f64)>,
}

/// For each place of a text where the token `mask` stands, what a model of masked tokens ([`Bert`] with
/// [`BertHead::Tokens`]) takes to be there: so many candidates. `options` are the session's.
///
/// ```
/// use glassbox::engine::{DType, Graph, Mode, Options};
/// use glassbox::generate::fill;
/// use glassbox::nn::Module;
/// use glassbox::zoo::{Bert, BertHead};
/// let model = Bert::new(30, BertHead::Tokens).layers(1).heads(2).units(8);
/// let graph = Graph::new();
/// model.forward(graph.root(Mode::Eval), graph.input("ids", DType::I64, [1, 4]));
/// let values = graph.initial_values(1);
/// let mask = 29;
/// let found = fill(&model, values, &[7, mask, 9, mask], mask, 5, Options::default())?;
/// assert_eq!((found[0].place, found[1].place, found[0].tokens.len()), (1, 3, 5));
/// # Ok::<(), glassbox::Error>(())
/// ```
///
/// # Errors
/// A text in which nothing is hidden or that is longer than the model's context; values that do not fit
/// the model; a model that does not score tokens at every place.
///
/// [`Bert`]: crate::zoo::Bert
/// [`BertHead::Tokens`]: crate::zoo::BertHead::Tokens
pub fn fill(
    model: &dyn Module,
    values: Parameters,
    ids: &[i64],
    mask: i64,
    most: usize,
    options: Options,
) -> Result<Vec<Candidates>, Error> {
    let hidden: Vec<usize> =
        (0..ids.len()).filter(|&place| ids.get(place) == Some(&mask)).collect();
    if hidden.is_empty() {
        return Err(Error::new(format!("no place has the token {mask}, which hides one")));
    }
    let graph = Graph::new();
    let scores =
        model.forward(graph.root(Mode::Eval), graph.input("ids", DType::I64, [1, ids.len()]));
    graph.check()?;
    let &[1, places, vocabulary] = scores.shape().sizes() else {
        let shape = scores.shape();
        return Err(Error::new(format!("the model gives {shape}, no scores of tokens by place")));
    };
    if places != ids.len() {
        return Err(Error::new("the model does not score every place"));
    }
    let mut session = Session::new(options)?;
    session.load(values);
    let mut given = Parameters::new();
    given.insert("ids", Array::new([1, ids.len()], ids.to_vec()).map_err(Error::new)?);
    let found = session.evaluate(&graph, &given, &[scores])?;
    let scores = found.first().and_then(Array::as_f32).unwrap_or_default();
    let candidates = |place: usize| {
        let row = scores.get(place * vocabulary..(place + 1) * vocabulary).unwrap_or_default();
        let mut tokens = Sampling::default().probabilities(row, &[]);
        tokens.truncate(most);
        Candidates { place, tokens }
    };
    Ok(hidden.into_iter().map(candidates).collect())
}
