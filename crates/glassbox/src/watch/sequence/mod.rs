//! What a network of sequences computes on its way: gates and states of recurrent layers by step, and
//! whom attention looks at, by layer and head.
//!
//! Everything is read off the graph of the model as it is used, which a run stores as data, by the names
//! that layers give: [`nn::lstm`](crate::nn::lstm) and its kin name their gates, attention its shares.

mod attention;
mod scatter;
mod steps;

pub use attention::{Grid, Looks};
pub use scatter::Scatter;
pub use steps::{Gate, Layer};

use std::sync::Mutex;

use glassbox_engine::{Array, DType, Graph, Op, Options, Parameters, Session, Tensor};

use crate::Error;
use crate::data::{Arrangement, InputPreparation, Preparation, Rows, TextPreparation, Tokenizer};
use crate::train::DataRecord;
use crate::train::folder::{GraphKind, RunFolder};
use crate::train::graphs::name;
use crate::train::job::inference_of;

/// A trained network of sequences, to be looked into.
///
/// ```no_run
/// use glassbox::train::folder::RunFolder;
/// use glassbox::watch::sequence::Sequences;
/// let net = Sequences::of_run(&RunFolder::view("runs/last".as_ref())?)?;
/// let row = net.text("To be, or not to be")?;
/// for grid in net.attention(&row)? {
///     println!("{} head {}: {:?}", grid.layer, grid.head, grid.looks());
/// }
/// # Ok::<(), glassbox::Error>(())
/// ```
pub struct Sequences {
    graph: Graph,
    weights: Parameters,
    preparation: Preparation,
    /// Steps of a row.
    time: usize,
    session: Mutex<Session>,
    warnings: Vec<String>,
}

/// A sequence as a network takes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Ids, or numbers `[time, features]`, row-major.
    pub numbers: Vec<f32>,
    /// What stands at each place, of as many places as are real: tokens, or numbers of steps.
    pub places: Vec<String>,
}

impl Sequences {
    /// The model of a run with its best weights. Neither the data nor the model's code is needed.
    ///
    /// # Errors
    /// A run whose inputs are no sequences; one without a checkpoint; corrupt files.
    pub fn of_run(folder: &RunFolder) -> Result<Self, Error> {
        let record = DataRecord::read(folder)?;
        let Some((checkpoint, warnings)) = folder.checkpoints().best()? else {
            return Err(Error::new(format!(
                "{} has no checkpoint yet: let it train until its first one",
                folder.path().display()
            )));
        };
        // On one row where this build knows the model.
        let recorded = || {
            let graph = inference_of(&folder.config().ok()?, &record.preparation, 1).ok()?;
            let expected = graph.initial_values(0);
            crate::train::checkpoint::check_same_model(&expected, &checkpoint.model).ok()?;
            Some(graph)
        };
        let graph = match recorded() {
            Some(graph) => graph,
            None => folder.graph(GraphKind::Infer)?,
        };
        crate::train::checkpoint::check_same_model(&graph.initial_values(0), &checkpoint.model)?;
        let net = Sequences::new(graph, checkpoint.weights(), record.preparation)?;
        Ok(Sequences { warnings, ..net })
    }

    /// Whether a run's inputs are sequences: of tokens, or of rows of numbers.
    ///
    /// # Errors
    /// Files that are corrupt.
    pub fn are_read_by(folder: &RunFolder) -> Result<bool, Error> {
        let preparation = DataRecord::read(folder)?.preparation;
        Ok(preparation.inputs.text().is_some() || preparation.input_shape().len() == 2)
    }

    /// A model of one's own as it is used: its graph, which takes `inputs` `[rows, time]` or
    /// `[rows, time, features]`; its weights; and what its inputs are.
    ///
    /// ```
    /// use glassbox::data::{self, Dataset, Targets};
    /// use glassbox::engine::{Array, DType, Graph, Mode};
    /// use glassbox::nn::{self, Recurrence};
    /// use glassbox::watch::sequence::Sequences;
    /// let graph = Graph::new();
    /// let x = graph.input("inputs", DType::F32, [1, 5, 2]);
    /// nn::lstm(graph.root(Mode::Eval).child("lstm"), x, 3, Recurrence::default());
    /// let weights = graph.initial_values(7);
    /// let rows = Array::new([8, 5, 2], vec![0.5f32; 80]).unwrap();
    /// let numbers = Targets::Values((0..8).map(|i| i as f32).collect());
    /// let data = Dataset::from_arrays(rows, numbers, &data::Options::default())?;
    /// let net = Sequences::new(graph, weights, data.preparation.clone())?;
    /// let layers = net.layers(&net.row(&data.train, 0)?)?;
    /// assert_eq!((layers[0].name.as_str(), layers[0].gates.len()), ("lstm/layer1", 6));
    /// let forget = &layers[0].gates[0];
    /// assert_eq!((forget.name.as_str(), forget.steps, forget.units), ("forget_gate", 5, 3));
    /// assert!(forget.numbers.iter().all(|share| (0.0..1.0).contains(share)));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    ///
    /// # Errors
    /// Inputs that are no sequences; a graph without `inputs`; weights that do not fit it.
    pub fn new(graph: Graph, weights: Parameters, preparation: Preparation) -> Result<Self, Error> {
        graph.check()?;
        let missing = || Error::new(format!("the inference graph has no `{}`", name::INPUTS));
        let inputs = graph.find_input(name::INPUTS).ok_or_else(missing)?;
        let sequences = match &preparation.inputs {
            InputPreparation::Text(_) => true,
            InputPreparation::Pixels { .. } => false,
            _ => inputs.rank() == 3,
        };
        if !sequences {
            let found = inputs.shape();
            return Err(Error::new(format!(
                "the model takes rows of {found}, not sequences: there is nothing to see by steps"
            )));
        }
        let time = inputs.dim(1);
        let mut session = Session::new(Options::default())?;
        session.load(weights.clone());
        let session = Mutex::new(session);
        Ok(Sequences { graph, weights, preparation, time, session, warnings: Vec::new() })
    }

    /// Checkpoints that could not be read, one of the others being taken in their place.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Steps of a row.
    pub fn time(&self) -> usize {
        self.time
    }

    /// How the model's text becomes tokens; none where it reads numbers.
    pub fn text_preparation(&self) -> Option<&TextPreparation> {
        self.preparation.inputs.text()
    }

    /// A text as a row: its first tokens, as many as fit; what is left of the row is padding. Of a
    /// model of pairs, source and target stand on two sides of a tab.
    ///
    /// # Errors
    /// A model that reads numbers; a text without tokens.
    pub fn text(&self, text: &str) -> Result<Row, Error> {
        let Some(prepared) = self.text_preparation() else {
            return Err(Error::new(
                "the model reads numbers, not text: name a row of its data in place of a text",
            ));
        };
        let tokens = |tokenizer: &Tokenizer, text: &str, most: usize| {
            let mut ids = tokenizer.encode(text);
            ids.truncate(most);
            ids
        };
        let mut ids = match prepared.arrangement {
            Arrangement::Pairs => {
                let (source, target) = text.split_once('\t').unwrap_or((text, ""));
                let mut ids = tokens(&prepared.tokenizer, source, prepared.source);
                ids.resize(prepared.source, 0);
                ids.extend(prepared.start().and_then(|id| u32::try_from(id).ok()));
                let left = self.time.saturating_sub(ids.len());
                ids.extend(tokens(prepared.written(), target, left));
                ids
            }
            _ => tokens(&prepared.tokenizer, text, self.time),
        };
        if ids.is_empty() {
            return Err(Error::new(format!("\"{text}\" has no token that the model knows")));
        }
        let places = ids.iter().enumerate();
        let places = places.map(|(place, id)| prepared.token(place, *id).into_owned()).collect();
        ids.resize(self.time, 0);
        Ok(Row { numbers: ids.into_iter().map(|id| id as f32).collect(), places })
    }

    /// One row of a part as the network takes it.
    ///
    /// # Errors
    /// A row beyond the last.
    pub fn row(&self, rows: &Rows, row: usize) -> Result<Row, Error> {
        if row >= rows.len() {
            return Err(Error::new(match rows.len() {
                0 => "the part is empty".to_owned(),
                n => format!("row {row}: the part has rows 0 to {}", n - 1),
            }));
        }
        let mut numbers = vec![0.0; rows.width()];
        rows.gather_inputs(&[row], &mut numbers)?;
        let places = match self.text_preparation() {
            Some(text) => {
                let ids = numbers.iter().enumerate();
                ids.map(|(place, id)| text.token(place, *id as u32).into_owned()).collect()
            }
            None => (0..self.time).map(|step| step.to_string()).collect(),
        };
        Ok(Row { numbers, places })
    }

    /// Of each recurrent layer everything that it computes at each step: gates and states.
    ///
    /// # Errors
    /// A row of another length.
    pub fn layers(&self, row: &Row) -> Result<Vec<Layer>, Error> {
        steps::layers(self, row)
    }

    /// The shares of every attention of the model, one grid a head.
    ///
    /// # Errors
    /// A row of another length.
    pub fn attention(&self, row: &Row) -> Result<Vec<Grid>, Error> {
        attention::grids(self, row)
    }

    /// The table of the tokens' vectors, `[tokens, numbers]`, and its path: the first table in which
    /// rows are looked up by number. None where there is none.
    pub fn embedding(&self) -> Option<(String, &Array)> {
        let parameters = self.graph.parameters();
        let looked_up = (0..self.graph.len()).find_map(|index| {
            let node = self.graph.node(index).filter(|node| matches!(node.op, Op::Gather))?;
            let table = node.args.first()?;
            let (path, _) = parameters.iter().find(|(_, tensor)| tensor.value() == *table)?;
            Some(path.clone())
        })?;
        let table = self.weights.get(&looked_up)?;
        Some((looked_up, table))
    }

    /// What these tensors are for a row, each of a graph `graph` that this one's is a part of.
    fn values(&self, graph: &Graph, row: &Row, asked: &[Tensor<'_>]) -> Result<Vec<Array>, Error> {
        let missing = || Error::new(format!("the inference graph has no `{}`", name::INPUTS));
        let inputs = graph.find_input(name::INPUTS).ok_or_else(missing)?;
        let shape = inputs.shape();
        let rows = inputs.dim(0).max(1);
        if row.numbers.len() * rows != shape.elements() {
            return Err(Error::new(format!(
                "a row of {} numbers, but the model takes {}",
                row.numbers.len(),
                shape.elements() / rows
            )));
        }
        // Where the graph is of several rows, all of them are this one.
        let numbers = row.numbers.repeat(rows);
        let array = Array::new(shape, numbers).map_err(Error::new)?;
        let mut given = Parameters::new();
        given.insert(name::INPUTS, array);
        // What is to be told stands beside the model, and nothing that is asked for needs it.
        if let Some(targets) = graph.find_input(name::TARGETS) {
            given.insert(name::TARGETS, Array::zeros(DType::I64, targets.shape()));
        }
        let mut session = self.session.lock().map_err(|_| Error::new("a look was cut short"))?;
        Ok(session.evaluate(graph, &given, asked)?)
    }
}
