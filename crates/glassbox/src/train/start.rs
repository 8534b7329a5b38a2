//! What parameters start with, where they are not drawn.

use std::path::Path;

use glassbox_engine::{Graph, Parameters};

use crate::Error;
use crate::io::{FileError, published, safetensors};
use crate::train::encoder;
use crate::train::event::Weights;
use crate::train::folder::RunFolder;

/// Values by path, and the file or run that they are from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Start {
    pub values: Parameters,
    pub weights: Option<Weights>,
}

impl Start {
    /// The weights of a file or run for the model in use, and after them those `given`.
    /// A published classifier of the same `classes` is brought into their order.
    pub fn of(
        path: Option<&Path>,
        inference: &Graph,
        given: &Parameters,
        classes: &[String],
    ) -> Result<Self, Error> {
        let mut start = Start::default();
        if let Some(path) = path {
            let mut file = encoder::as_named_by(inference, path, weights(path)?);
            if published::is_published(path) {
                published::reorder(path, &mut file, classes);
            }
            let read = published::values_of(inference, &mut file).map_err(|problems| {
                FileError::new(path, format!("does not fit the model: {}", problems.join("\n  ")))
            })?;
            start.weights = Some(Weights {
                from: path.display().to_string(),
                taken: read.values.len(),
                drawn: read.drawn,
                unused: read.unused,
            });
            start.values = read.values;
        }
        start.values.extend(given.clone());
        Ok(start)
    }
}

/// The arrays of a file of safetensors, or the best weights of a run.
fn weights(path: &Path) -> Result<Parameters, Error> {
    if path.join("run.toml").is_file() {
        let Some((checkpoint, _)) = RunFolder::view(path)?.checkpoints().best()? else {
            return Err(FileError::new(path, "has no checkpoint yet: let it train first").into());
        };
        return Ok(checkpoint.weights());
    }
    if published::is_published(path) {
        return Ok(published::arrays(path)?);
    }
    let read = safetensors::read(path).map(|(arrays, _)| arrays);
    let pickled = ["pt", "pth", "bin", "ckpt", "pkl"];
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
    match read {
        Err(_) if path.is_dir() => {
            let what = "is a folder, but neither a run (it has no run.toml) nor a published model (it has \
                        no config.json): name one of these, or a file of safetensors";
            Err(FileError::new(path, what).into())
        }
        Err(error) if path.is_file() && extension.is_some_and(|e| pickled.contains(&&*e)) => {
            let cure = "a pickled file can run code when it is read, so none is: save it in Python \
                        by `from safetensors.torch import save_file; \
                        save_file(model.state_dict(), \"weights.safetensors\")`";
            Err(FileError::new(path, format!("{}; {cure}", error.problem)).into())
        }
        read => Ok(read?),
    }
}
