//! What a classifier takes rows for that another model made, and what it finds in them.

use serde::Serialize;

use crate::Error;
use crate::data::{InputPreparation, Preparation};
use crate::metrics::Features;
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
        let classes = classifier.preparation().target.classes().unwrap_or_default().to_vec();
        if classes.is_empty() {
            return Err(Error::new("the other run tells no classes: give one that does"));
        }
        let results = classifier.results_of(&self.rows_for(rows, classifier)?)?;
        let labels = results.chunks_exact(classes.len()).map(crate::train::evaluate::largest);
        Ok(ClassesMade::of(classes, labels))
    }

    /// The features that a classifier finds in rows `[rows, …]`: what its last layer reads (of maps and
    /// tokens the mean over the places), by which rows that were made are compared with rows of the data.
    /// Rows are rescaled as the classifier was trained on them.
    ///
    /// # Errors
    /// A model that reads rows of another shape or kind.
    ///
    /// ```
    /// use glassbox::metrics::Likeness;
    /// use glassbox::prelude::*;
    /// use glassbox::zoo::{Autoencoder, Likelihood};
    /// let digits = data::digits();
    /// let classifier = Trainer::new(Mlp::new([64, 32, 10])).epochs(3).fit(&digits)?.into_model();
    /// let vae = Autoencoder::new(&[8, 8, 1], 4).likelihood(Likelihood::Bernoulli).variational(1.0);
    /// let rows = digits.into_rows::<&str>(&[])?;
    /// let latent = Trainer::new(vae.clone()).epochs(5).fit(&rows)?.latent(vae);
    /// let features = |rows: &[f32]| latent.features(rows, &classifier);
    /// let all: Vec<usize> = (0..rows.test.len()).collect();
    /// let data = features(&latent.gather(&rows.test, &all)?.0)?;
    /// assert_eq!(data.width, 32);
    /// let made = Likeness::of(&data, &features(&latent.sample(200, None, 42)?)?)?;
    /// // Rows of the training part are as like as can be hoped for.
    /// let some: Vec<usize> = (0..200).collect();
    /// let known = Likeness::of(&data, &features(&latent.gather(&rows.train, &some)?.0)?)?;
    /// assert!(known.frechet_distance.unwrap() < made.frechet_distance.unwrap());
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn features(&self, rows: &[f32], classifier: &Model) -> Result<Features, Error> {
        classifier.features_of(&self.rows_for(rows, classifier)?)
    }

    /// Rows `[rows, …]` as another model reads them, which was trained on the same data.
    fn rows_for(&self, rows: &[f32], other: &Model) -> Result<Vec<f32>, Error> {
        let (here, there) = (self.preparation(), other.preparation());
        let shapes = [here.input_shape(), there.input_shape()];
        if shapes[0] != shapes[1] {
            return Err(Error::new(format!(
                "rows that are made have the shape {:?}, and the classifier reads {:?}: train it on the same \
                 data",
                shapes[0], shapes[1]
            )));
        }
        match (scale(here), scale(there)) {
            (Some(here), Some(there)) => {
                let rescaled = |(at, x): (usize, &f32)| {
                    let of = |all: &[f64], other| match all.len() {
                        0 => other,
                        channels => all[at % channels],
                    };
                    let own = f64::from(*x) * of(here.1, 1.0) + of(here.0, 0.0);
                    ((own - of(there.0, 0.0)) / of(there.1, 1.0)) as f32
                };
                Ok(rows.iter().enumerate().map(rescaled).collect())
            }
            _ => {
                let restored = here.restore(rows);
                let table = crate::data::RawTable::from_rows(&restored.names, &restored.rows)?;
                Ok(there.apply(&table)?.matrix)
            }
        }
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
