//! What a classifier takes rows for that another model made.

use serde::Serialize;

use crate::Error;
use crate::data::{InputPreparation, Preparation};
use crate::train::latent::Latent;
use crate::train::trained::Model;

/// How often each class comes among rows, as a classifier sees them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassesMade {
    /// The classifier's classes.
    pub classes: Vec<String>,
    /// Rows of each.
    pub rows: Vec<usize>,
    /// The entropy of their shares, in nats: ln of the number of classes where all are as frequent, 0 where
    /// there is but one.
    pub entropy: f64,
}

impl ClassesMade {
    fn of(classes: Vec<String>, labels: impl Iterator<Item = usize>) -> Self {
        let mut rows = vec![0; classes.len()];
        labels.filter_map(|label| rows.get_mut(label).map(|n| *n += 1)).for_each(drop);
        let all = rows.iter().sum::<usize>().max(1) as f64;
        let shares = rows.iter().map(|n| *n as f64 / all).filter(|share| *share > 0.0);
        let entropy = shares.map(|share| -share * share.ln()).sum::<f64>() + 0.0;
        ClassesMade { classes, rows, entropy }
    }

    /// The largest entropy that so many classes can have.
    pub fn most(&self) -> f64 {
        (self.classes.len().max(1) as f64).ln()
    }
}

impl Latent {
    /// What a classifier takes rows `[rows, …]` for: of a generator that has not collapsed, about what it
    /// takes rows of the data for. Rows are rescaled as the classifier was trained on them.
    ///
    /// # Errors
    /// A model that tells no classes, or reads rows of another shape or kind.
    ///
    /// ```
    /// use glassbox::prelude::*;
    /// use glassbox::zoo::Gan;
    /// let digits = data::digits();
    /// let classifier = Trainer::new(Mlp::new([64, 32, 10])).epochs(3).fit(&digits)?.into_model();
    /// let gan = Gan::new(&[8, 8, 1], 16).discriminator(&[64]).bounded(true);
    /// let run = Trainer::new(gan.clone()).epochs(1).fit(&digits.into_rows::<&str>(&[])?)?;
    /// let latent = run.latent(gan);
    /// let made = latent.classify(&latent.sample(100, None, 42)?, &classifier)?;
    /// assert_eq!(made.rows.iter().sum::<usize>(), 100);
    /// assert!(made.entropy <= made.most());
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn classify(&self, rows: &[f32], classifier: &Model) -> Result<ClassesMade, Error> {
        let (here, there) = (self.preparation(), classifier.preparation());
        let classes = there.target.classes().unwrap_or_default().to_vec();
        if classes.is_empty() {
            return Err(Error::new("the other run tells no classes: give one that does"));
        }
        let shapes = [here.input_shape(), there.input_shape()];
        if shapes[0] != shapes[1] {
            return Err(Error::new(format!(
                "rows that are made have the shape {:?}, and the classifier reads {:?}: train it on the same \
                 data",
                shapes[0], shapes[1]
            )));
        }
        let results = match (scale(here), scale(there)) {
            (Some(here), Some(there)) => {
                let rescaled = |(at, x): (usize, &f32)| {
                    let of = |all: &[f64], other| match all.len() {
                        0 => other,
                        channels => all[at % channels],
                    };
                    let own = f64::from(*x) * of(here.1, 1.0) + of(here.0, 0.0);
                    ((own - of(there.0, 0.0)) / of(there.1, 1.0)) as f32
                };
                classifier.results_of(&rows.iter().enumerate().map(rescaled).collect::<Vec<_>>())?
            }
            _ => {
                let restored = here.restore(rows);
                let table = crate::data::RawTable::from_rows(&restored.names, &restored.rows)?;
                classifier.results_of(&there.apply(&table)?.matrix)?
            }
        };
        let labels = results.chunks_exact(classes.len()).map(crate::train::evaluate::largest);
        Ok(ClassesMade::of(classes.clone(), labels))
    }
}

/// Mean and standard deviation of each channel of images and arrays; none of tables.
fn scale(preparation: &Preparation) -> Option<(&[f64], &[f64])> {
    match &preparation.inputs {
        InputPreparation::Pixels { mean, std, .. } | InputPreparation::Array { mean, std, .. } => {
            Some((mean, std))
        }
        _ => None,
    }
}
