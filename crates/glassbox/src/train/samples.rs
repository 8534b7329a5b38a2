//! What a model makes of the same codes while it learns.

use std::collections::BTreeMap;
use std::path::PathBuf;

use glassbox_engine::{Array, DType, Data, Graph, Mode, Options, Parameters, Session};

use crate::Error;
use crate::data::{Dataset, Preparation};
use crate::io::{FileError, safetensors};
use crate::metrics::{Modes, ModesCovered};
use crate::nn::{self, Module};
use crate::train::event::Metrics;
use crate::train::folder::RunFolder;
use crate::train::graphs::name;

/// Rows that are shown at a time.
const SHOWN: usize = 10;
/// Points that are drawn where it is measured which modes they are of.
const POINTS: usize = 2_048;
/// How often it is shown, beside the first epoch.
const TIMES: u64 = 8;
/// The file of what was made, in a run's folder, and its picture.
const FILE: &str = "samples/over-time.safetensors";
pub(crate) const PICTURE: &str = "samples/over-time.png";

/// Rows of the same codes, whenever they are asked for.
pub(crate) struct Samples {
    graph: Graph,
    inputs: Parameters,
    width: usize,
    #[cfg_attr(not(feature = "image"), allow(dead_code, reason = "only pictures need it"))]
    preparation: Preparation,
    modes: Option<Modes>,
    /// What was made in some epochs.
    kept: BTreeMap<u64, Vec<f32>>,
}

impl Samples {
    /// Of a model that makes new rows; none of another.
    pub fn of(model: &dyn Module, data: &Dataset, seed: u64) -> Result<Option<Self>, Error> {
        let Some(model) = model.generative().filter(|model| model.samples()) else {
            return Ok(None);
        };
        let modes = Modes::of(&data.train)?;
        let count = if modes.is_some() { POINTS } else { SHOWN };
        let graph = Graph::new();
        let at = graph.root(Mode::Eval);
        let codes = nn::normal(at.child("samples"), &[count, model.code()]);
        let number = |number: i64| Array::new([0usize; 0], vec![number]).map_err(Error::new);
        let mut inputs = Parameters::new();
        inputs.insert(name::SEED, number(seed as i64)?);
        inputs.insert(name::STEP, number(0)?);
        let classes = (model.classes() > 0).then(|| {
            let labels = graph.input(name::TARGETS, DType::I64, [count]);
            labels.one_hot(model.classes()).cast(DType::F32)
        });
        if classes.is_some() {
            let labels = (0..count).map(|row| (row % model.classes()) as i64);
            inputs.insert(name::TARGETS, Array::vector(labels.collect::<Vec<_>>()));
        }
        model.decode(at, codes, classes).named(name::PREDICTION);
        graph.check()?;
        let preparation = data.preparation.clone();
        let (width, kept) = (data.train.width(), BTreeMap::new());
        Ok(Some(Samples { graph, inputs, width, preparation, modes, kept }))
    }

    /// The rows, by the values that a session holds.
    pub fn make(&self, session: &mut Session) -> Result<Vec<f32>, Error> {
        let made = self.graph.named(name::PREDICTION).into_iter().collect::<Vec<_>>();
        let found = session.evaluate(&self.graph, &self.inputs, &made)?;
        match found.into_iter().next().map(|array| array.data().clone()) {
            Some(Data::F32(numbers)) => Ok(numbers),
            _ => Ok(Vec::new()),
        }
    }

    /// Which modes of the data the rows are of; none where the data has no such modes.
    pub fn covered(&self, made: &[f32]) -> Option<ModesCovered> {
        Some(self.modes.as_ref()?.covered(made))
    }

    /// As [`Modes::frequency_of_missing`].
    pub fn frequency_of_missing(&self, found: &ModesCovered) -> Option<f64> {
        self.modes.as_ref()?.frequency_of_missing(found)
    }

    /// The figures of a trained model by its values, where the data has modes.
    pub fn figures(&self, values: Parameters) -> Result<Metrics, Error> {
        if self.modes.is_none() {
            return Ok(Metrics::new());
        }
        let mut session = Session::new(Options::default())?;
        session.load(values);
        Ok(self.covered(&self.make(&mut session)?).map(|found| figures(&found)).unwrap_or_default())
    }

    /// Takes up what the folder of a run that goes on after `epoch` has of the epochs until then.
    pub fn resume(&mut self, folder: &RunFolder, epoch: u64) {
        let read = std::fs::read(folder.file(FILE)).ok();
        let Some((found, _)) = read.and_then(|bytes| safetensors::from_bytes(&bytes).ok()) else {
            return;
        };
        let of =
            |(path, array): (&str, &Array)| Some((path.parse().ok()?, array.as_f32()?.to_vec()));
        self.kept = found.iter().filter_map(of).filter(|(of, _)| *of <= epoch).collect();
    }

    /// Writes down what was made after an epoch, if that is one of those that are shown, and draws it.
    pub fn keep(
        &mut self,
        folder: &RunFolder,
        made: Vec<f32>,
        (epoch, epochs): (u64, u64),
    ) -> Result<(), Error> {
        let shown = |epoch: u64| epoch.saturating_mul(TIMES) / epochs.max(1);
        if epoch != 1 && shown(epoch) == shown(epoch.saturating_sub(1)) {
            return Ok(());
        }
        self.kept.insert(epoch, made);
        let path = folder.file(FILE);
        if let Some(samples) = path.parent() {
            std::fs::create_dir_all(samples)
                .map_err(|error| FileError::new(samples, format_args!("cannot create: {error}")))?;
        }
        let array = |(epoch, made): (&u64, &Vec<f32>)| {
            let rows = made.len() / self.width.max(1);
            let array = Array::new([rows, self.width], made.clone()).map_err(Error::new)?;
            Ok::<_, Error>((epoch.to_string(), array))
        };
        let kept: Parameters = self.kept.iter().map(array).collect::<Result<_, _>>()?;
        safetensors::write(&path, &kept, &Default::default())?;
        self.draw(folder.file(PICTURE))
    }

    #[cfg(not(feature = "image"))]
    fn draw(&self, _: PathBuf) -> Result<(), Error> {
        Ok(())
    }

    /// Epoch below epoch for images; points side by side.
    #[cfg(feature = "image")]
    fn draw(&self, path: PathBuf) -> Result<(), Error> {
        use crate::report::RowPictures;
        use crate::report::picture::{Sheet, points};
        let title = "What the same codes become";
        if let Some(pictures) = RowPictures::of(&self.preparation, SHOWN) {
            let rows: Vec<f32> = self.kept.values().flatten().copied().collect();
            let mut captions = vec![String::new(); self.kept.len() * SHOWN];
            for (line, epoch) in self.kept.keys().enumerate() {
                captions[line * SHOWN] = format!("epoch {epoch}");
            }
            return pictures.sheet(title, &rows, &captions, SHOWN)?.write(&path);
        }
        if self.width != 2 {
            return Ok(());
        }
        let mut sheet = Sheet::new(title);
        for (epoch, made) in &self.kept {
            let restored = self.preparation.restore(made);
            let number = |text: &String| text.parse().unwrap_or(f64::NAN);
            let point = |row: &Vec<String>| match &row[..] {
                [x, y] => ([number(x), number(y)], None),
                _ => ([f64::NAN; 2], None),
            };
            let made_points: Vec<_> = restored.rows.iter().map(point).collect();
            let caption = match self.covered(made) {
                Some(found) => format!(
                    "epoch {epoch}: {} of {} modes, {:.0} % good",
                    found.covered,
                    found.modes,
                    100.0 * found.good
                ),
                None => format!("epoch {epoch}"),
            };
            sheet.add(points("", &made_points, &[]).reduced_to(460), &caption);
        }
        sheet.columns(3).picture().write(&path)
    }
}

/// Figures of coverage by name.
pub(crate) fn figures(found: &ModesCovered) -> Metrics {
    let figures = [("modes_covered", found.covered as f64), ("good_samples", found.good)];
    figures.map(|(name, figure)| (name.to_owned(), figure)).into()
}
