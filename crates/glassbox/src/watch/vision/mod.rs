//! What a network of images looks at: filters, feature maps, slopes, attributions, class activation
//! maps, occlusion, weights of channels, mistakes.
//!
//! Everything is read off the graph of the model as it is used, which a run stores as data: slopes are
//! recorded on it by [`grad`], so no model needs code of its own. What is explained is always the raw
//! score of a class (before the softmax), as in the papers.

mod filters;
mod gradients;
mod look;
mod mistakes;
mod occlusion;
#[cfg(feature = "image")]
mod sheets;

pub use filters::{ChannelWeights, FeatureMaps, Filters};
pub use gradients::{ActivationMap, IntegratedGradients};
pub use look::Map;
pub use mistakes::{Mistake, mistakes};
pub use occlusion::{Occluded, Occlusion};
#[cfg(feature = "image")]
pub use sheets::{Drawn, percent};

use std::path::PathBuf;
use std::sync::Mutex;

use glassbox_engine::{Array, DType, Graph, Options, Parameters, Session, Tensor, grad};
use serde::Serialize;

use crate::Error;
use crate::data::{Dataset, Idx, InputPreparation, Photos, Preparation, Rows, Skipped};
use crate::nearest::suggestion;
use crate::train::DataRecord;
use crate::train::Job;
use crate::train::evaluate::{largest, probabilities};
use crate::train::folder::{GraphKind, RunFolder};
use crate::train::graphs::name;
use crate::train::job::inference_of;
use crate::train::photos::class_of;

/// The input that says which scores are differentiated: `[batch, classes]`.
const CHOSEN: &str = "chosen_scores";
/// Numbers of all nodes of a batch, about: more rows are not computed at once.
const NUMBERS: usize = 64_000_000;
/// Rows of a batch at most.
const ROWS: usize = 64;

/// A trained network of images, to be looked into. Images are numbers `[height, width, channels]`,
/// row-major, as the network takes them.
///
/// ```no_run
/// use glassbox::train::folder::RunFolder;
/// use glassbox::watch::vision::Vision;
/// let vision = Vision::of_run(&RunFolder::view("runs/mnist".as_ref())?)?;
/// let image = vision.prepared(&[0; 28 * 28])?;
/// let said = &vision.said(&image)?[0];
/// println!("{} with probability {:.3}", said.class, said.probability.unwrap_or(f64::NAN));
/// let map = vision.grad_cam(&image, said.index, None)?;
/// println!("{}: most at {:?}", map.layer, map.map.strongest());
/// # Ok::<(), glassbox::Error>(())
/// ```
pub struct Vision {
    graph: Graph,
    session: Mutex<Session>,
    weights: Parameters,
    preparation: Preparation,
    shape: [usize; 3],
    warnings: Vec<String>,
}

/// What a network says of an image.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Said {
    /// The position of the class with the highest score; 0 where numbers are predicted.
    pub index: usize,
    /// Its name; of a number the target's.
    pub class: String,
    /// Its probability; none of a number.
    pub probability: Option<f64>,
    /// The raw score of every class.
    pub scores: Vec<f32>,
}

/// The data of a run, as it was split for training.
///
/// # Errors
/// Data that is gone or has changed since.
pub fn data_of_run(folder: &RunFolder) -> Result<Dataset, Error> {
    let (job, _) = Job::without_model(folder)?;
    job.check_data(folder)?;
    Ok(job.data)
}

/// A photo as a network takes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Photo {
    /// Its file, in an archive `archive/file`.
    pub file: String,
    /// The class that a folder of the file is called after.
    pub observed: Option<String>,
    /// `[height, width, channels]`, row-major.
    pub numbers: Vec<f32>,
}

impl Vision {
    /// The model of a run with its best weights. Neither the data nor the model's code is needed.
    ///
    /// # Errors
    /// A run whose inputs are no images; one without a checkpoint; corrupt files.
    pub fn of_run(folder: &RunFolder) -> Result<Self, Error> {
        let record = DataRecord::read(folder)?;
        let Some((checkpoint, warnings)) = folder.checkpoints().best()? else {
            return Err(Error::new(format!(
                "{} has no checkpoint yet: let it train until its first one",
                folder.path().display()
            )));
        };
        let stored = || -> Result<Graph, Error> { Ok(folder.graph(GraphKind::Infer)?) };
        // A batch of few rows where this build knows the model: slopes take the memory of all layers.
        let recorded = |rows| {
            let graph = inference_of(&folder.config().ok()?, &record.preparation, rows).ok()?;
            let expected = graph.initial_values(0);
            crate::train::checkpoint::check_same_model(&expected, &checkpoint.model).ok()?;
            Some(graph)
        };
        let graph = match recorded(1) {
            Some(one) => {
                let rows = (NUMBERS / numbers_of(&one).max(1)).clamp(1, ROWS);
                recorded(rows).unwrap_or(one)
            }
            None => stored()?,
        };
        crate::train::checkpoint::check_same_model(&graph.initial_values(0), &checkpoint.model)?;
        let vision = Vision::new(graph, checkpoint.weights(), record.preparation)?;
        Ok(Vision { warnings, ..vision })
    }

    /// A model of one's own as it is used: its graph, which takes `inputs`
    /// `[batch, height, width, channels]` and names a `prediction` `[batch, scores]`; its weights; and
    /// what its inputs and classes are.
    ///
    /// ```
    /// use glassbox::data;
    /// use glassbox::engine::{Array, DType, Graph, Mode};
    /// use glassbox::nn;
    /// use glassbox::watch::vision::Vision;
    /// // Ten scores of an 8 × 8 image, each a weighted sum of its pixels.
    /// let graph = Graph::new();
    /// let images = graph.input("inputs", DType::F32, [4, 8, 8, 1]);
    /// let flat = images.reshape([4, 64]);
    /// nn::linear(graph.root(Mode::Eval).child("fc"), flat, 10, nn::Initial::He).named("prediction");
    /// let weights = graph.initial_values(7);
    /// let vision = Vision::new(graph, weights.clone(), data::digits().preparation)?;
    /// // The slope of a weighted sum is its weight.
    /// let slopes = vision.saliency(&vec![0.5; 64], 3)?;
    /// let weight = weights.get("fc/weight").and_then(Array::as_f32).unwrap();
    /// assert_eq!(slopes.numbers[5], weight[5 * 10 + 3].abs());
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    ///
    /// # Errors
    /// Inputs that are no images; a graph without these names; weights that do not fit it.
    pub fn new(graph: Graph, weights: Parameters, preparation: Preparation) -> Result<Self, Error> {
        graph.check()?;
        let no_images = |what: String| {
            Error::new(format!("the model takes {what}, not images: there is nothing to see"))
        };
        let missing = |name: &str| Error::new(format!("the inference graph has no `{name}`"));
        let shape = match preparation.inputs {
            InputPreparation::Table { .. } => return Err(no_images("columns of a table".into())),
            _ => preparation.input_shape(),
        };
        let &[height, width, channels] = &shape[..] else {
            return Err(no_images(format!("arrays of shape {shape:?}")));
        };
        let inputs = graph.find_input(name::INPUTS).ok_or_else(|| missing(name::INPUTS))?;
        graph.named(name::PREDICTION).ok_or_else(|| missing(name::PREDICTION))?;
        if inputs.shape().sizes().get(1..) != Some(&shape[..]) {
            let found = inputs.shape();
            return Err(Error::new(format!("the model takes {found}, the data has {shape:?}")));
        }
        let mut session = Session::new(Options::default())?;
        session.load(weights.clone());
        Ok(Vision {
            graph,
            session: Mutex::new(session),
            weights,
            preparation,
            shape: [height, width, channels],
            warnings: Vec::new(),
        })
    }

    /// Checkpoints that could not be read, one of the others being taken in their place.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Height, width and channels of an image.
    pub fn shape(&self) -> [usize; 3] {
        self.shape
    }

    /// The classes; of numbers the names of what is told.
    pub fn classes(&self) -> Vec<String> {
        match self.preparation.target.classes() {
            Some(classes) => classes.to_vec(),
            None => {
                let names = self.preparation.target.output_names();
                names.iter().map(ToString::to_string).collect()
            }
        }
    }

    /// The position of a class.
    ///
    /// # Errors
    /// No such class; the nearest name is offered.
    pub fn class(&self, name: &str) -> Result<usize, Error> {
        let classes = self.classes();
        classes.iter().position(|class| class == name).ok_or_else(|| {
            let names: Vec<&str> = classes.iter().map(String::as_str).collect();
            let hint = suggestion(name, "classes", &names);
            Error::new(format!("there is no class `{name}`: {hint}"))
        })
    }

    /// The activations that are maps, `[height, width, channels]`, in the order in which they are
    /// computed; the last of them with more than one place is what [`grad_cam`](Vision::grad_cam)
    /// takes by itself.
    pub fn layers(&self) -> Vec<(String, [usize; 3])> {
        let mut named = self.graph.names();
        named.retain(|(_, tensor)| !tensor.is_inside_loop() && tensor.dtype() == DType::F32);
        named.sort_by_key(|(_, tensor)| tensor.value());
        let batch = self.batch();
        let map = |(name, tensor): (String, Tensor<'_>)| match tensor.shape().sizes() {
            &[rows, height, width, channels] if rows == batch => {
                Some((name, [height, width, channels]))
            }
            _ => None,
        };
        named.into_iter().filter_map(map).collect()
    }

    /// The name and shape of the map of a name, or of the last one of a scope.
    ///
    /// # Errors
    /// No such layer; the nearest name is offered.
    pub fn find_layer(&self, wanted: &str) -> Result<(String, [usize; 3]), Error> {
        let layers = self.layers();
        let inside = |name: &str| name.rsplit_once('/').is_some_and(|(scope, _)| scope == wanted);
        let exact = layers.iter().find(|(name, _)| name == wanted);
        let found = exact.or_else(|| layers.iter().rev().find(|(name, _)| inside(name)));
        found.cloned().ok_or_else(|| {
            let names: Vec<&str> = layers.iter().map(|(name, _)| name.as_str()).collect();
            let hint = match names.is_empty() {
                true => "this model has no maps of channels".to_owned(),
                false => suggestion(wanted, "layers", &names),
            };
            Error::new(format!("there is no layer `{wanted}` that gives maps: {hint}"))
        })
    }

    /// Rows of a batch.
    fn batch(&self) -> usize {
        self.graph.find_input(name::INPUTS).map_or(1, |inputs| inputs.dim(0).max(1))
    }

    fn width(&self) -> usize {
        self.shape.iter().product::<usize>().max(1)
    }

    fn check(&self, images: &[f32]) -> Result<(), Error> {
        let [height, width, channels] = self.shape;
        match images.is_empty() || !images.len().is_multiple_of(self.width()) {
            false => Ok(()),
            true => Err(Error::new(format!(
                "{} numbers are no images of {height} × {width} × {channels}",
                images.len()
            ))),
        }
    }

    /// Bytes of pixels `[images, height, width, channels]` as the network takes them.
    ///
    /// # Errors
    /// A number of bytes that is not whole images; a model that was trained on arrays.
    pub fn prepared(&self, bytes: &[u8]) -> Result<Vec<f32>, Error> {
        Ok(self.preparation.apply_pixels(bytes)?.matrix)
    }

    /// The images of an IDX file as the network takes them.
    ///
    /// # Errors
    /// Images of another size.
    pub fn of_idx(&self, images: &Idx) -> Result<Vec<f32>, Error> {
        let size = images.shape.get(1..).unwrap_or_default();
        let [height, width, channels] = self.shape;
        if size != self.shape && !(size == [height, width] && channels == 1) {
            return Err(Error::new(format!(
                "the images are {size:?}, but the model was trained on images of {height} × {width} × \
                 {channels}: scale them to that size first"
            )));
        }
        self.prepared(&images.bytes)
    }

    /// Photos of files, folders and archives, each with its file and the class that its folder is
    /// called after (where it is one), as the network takes them; and what could not be read.
    ///
    /// # Errors
    /// Paths that are not there, a model that takes no images, a damaged archive.
    pub fn photos(&self, paths: &[PathBuf]) -> Result<(Vec<Photo>, Vec<Skipped>), Error> {
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
        let read = Photos::read(paths, &self.preparation.inputs, threads)?;
        let classes = self.classes();
        let photo = |(index, file): (usize, &String)| {
            let mut numbers = vec![0.0; self.width()];
            read.gather(index, &mut numbers)?;
            Ok(Photo { file: file.clone(), observed: class_of(file, &classes), numbers })
        };
        let photos = read.files.iter().enumerate().map(photo).collect::<Result<_, Error>>()?;
        Ok((photos, read.skipped))
    }

    /// One row of a part as the network takes it.
    ///
    /// # Errors
    /// A row beyond the last; rows of another width.
    pub fn row(&self, rows: &Rows, row: usize) -> Result<Vec<f32>, Error> {
        if row >= rows.len() {
            return Err(Error::new(match rows.len() {
                0 => "the part is empty".to_owned(),
                n => format!("row {row}: the part has rows 0 to {}", n - 1),
            }));
        }
        let mut image = vec![0.0; rows.width()];
        rows.gather_inputs(&[row], &mut image)?;
        self.check(&image)?;
        Ok(image)
    }

    /// What a pixel of no light is as the network takes it, for each channel; 0 for arrays.
    pub fn black(&self) -> Vec<f32> {
        self.pixel(0).unwrap_or_else(|| vec![0.0; self.shape[2]])
    }

    /// What a pixel of a byte is for each channel; none where the inputs are no bytes.
    fn pixel(&self, byte: u8) -> Option<Vec<f32>> {
        let prepared = self.preparation.apply_pixels(&vec![byte; self.width()]).ok()?;
        Some(prepared.matrix.get(..self.shape[2])?.to_vec())
    }

    /// An image as it looks: numbers in [0, 1], preparation undone. An array's numbers are laid out
    /// from their least to their greatest.
    pub fn shown(&self, image: &[f32]) -> Vec<f32> {
        let InputPreparation::Pixels { scale, .. } = &self.preparation.inputs else {
            let (least, greatest) = look::extent(image);
            let range = if greatest > least { greatest - least } else { 1.0 };
            return image.iter().map(|x| (x - least) / range).collect();
        };
        // Brightest is 255, or less where pixels are counted otherwise (16 in the built-in digits).
        let brightest = (1.0 / scale).round().clamp(1.0, 255.0) as u8;
        let (black, white) = (self.black(), self.pixel(brightest).unwrap_or_default());
        let channels = self.shape[2].max(1);
        let undo = |(at, x): (usize, &f32)| {
            let (low, high) = (black[at % channels], white[at % channels]);
            ((x - low) / (high - low)).clamp(0.0, 1.0)
        };
        image.iter().enumerate().map(undo).collect()
    }

    /// What the network says of images `[images, height, width, channels]`.
    ///
    /// # Errors
    /// Numbers that are not whole images.
    pub fn said(&self, images: &[f32]) -> Result<Vec<Said>, Error> {
        let scores = self.scores(images)?;
        let names = self.classes();
        let classes = self.preparation.target.classes().is_some();
        let said = |scores: Vec<f32>| {
            let index = if classes { largest(&scores) } else { 0 };
            let probability = classes.then(|| probabilities(&scores)[index]);
            Said {
                index,
                class: names.get(index).cloned().unwrap_or_default(),
                probability,
                scores,
            }
        };
        Ok(scores.into_iter().map(said).collect())
    }

    /// The raw scores of each image.
    fn scores(&self, images: &[f32]) -> Result<Vec<Vec<f32>>, Error> {
        let prediction = self.prediction(&self.graph)?;
        let width = prediction.elements() / self.batch();
        let found = self.run(&self.graph, images, None, &[prediction])?;
        Ok(found.concat().chunks_exact(width.max(1)).map(<[f32]>::to_vec).collect())
    }

    fn prediction<'g>(&self, graph: &'g Graph) -> Result<Tensor<'g>, Error> {
        graph.named(name::PREDICTION).ok_or_else(|| Error::new("there is no prediction"))
    }

    /// The slope of the chosen scores by a value, recorded on `graph`.
    fn slope<'g>(&self, graph: &'g Graph, of: Tensor<'g>) -> Result<Tensor<'g>, Error> {
        let prediction = self.prediction(graph)?;
        let chosen = graph.input(CHOSEN, DType::F32, prediction.shape());
        // Rows do not touch each other in use: the slope of the sum holds every row's own.
        let slope = grad((prediction * chosen).sum(), &[of])[0];
        graph.check()?;
        Ok(slope)
    }

    /// The values of `wanted` (their first axis is the batch) for some images, batch by batch; `class`
    /// is whose score is differentiated, where something is.
    fn run(
        &self,
        graph: &Graph,
        images: &[f32],
        class: Option<usize>,
        wanted: &[Tensor<'_>],
    ) -> Result<Vec<Vec<f32>>, Error> {
        self.check(images)?;
        let (batch, width) = (self.batch(), self.width());
        let mut session = self.session.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let mut found: Vec<Vec<f32>> = vec![Vec::new(); wanted.len()];
        let shape = [&[batch], &self.shape[..]].concat();
        for some in images.chunks(batch * width) {
            let rows = some.len() / width;
            let mut numbers = some.to_vec();
            numbers.resize(batch * width, 0.0);
            let mut given = Parameters::new();
            given.insert(name::INPUTS, Array::new(shape.clone(), numbers).map_err(Error::new)?);
            if let (Some(class), Some(chosen)) = (class, graph.find_input(CHOSEN)) {
                let scores = chosen.elements() / batch;
                if class >= scores {
                    return Err(Error::new(format!("class {class} of {scores}: count from 0")));
                }
                let one = |at: usize| if at % scores == class { 1.0f32 } else { 0.0 };
                let ones: Vec<f32> = (0..chosen.elements()).map(one).collect();
                given.insert(CHOSEN, Array::new(chosen.shape(), ones).map_err(Error::new)?);
            }
            for (all, array) in found.iter_mut().zip(session.evaluate(graph, &given, wanted)?) {
                let values = array.as_f32().ok_or_else(|| Error::new("a value is not f32"))?;
                all.extend_from_slice(&values[..values.len() / batch * rows]);
            }
        }
        Ok(found)
    }
}

/// Numbers of all nodes, about.
fn numbers_of(graph: &Graph) -> usize {
    let nodes = (0..graph.len()).filter_map(|index| graph.node(index));
    nodes.flat_map(|node| node.outputs).map(|output| output.shape.elements()).sum()
}
