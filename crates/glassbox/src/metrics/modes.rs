//! Which clouds of points are made, and how well.

use serde::Serialize;

use crate::Error;
use crate::data::Rows;

/// Clouds of points in the plane, one for each class of some rows: where their middles are, and how wide they
/// are.
#[derive(Clone, Debug, PartialEq)]
pub struct Modes {
    middles: Vec<[f64; 2]>,
    /// The standard deviation along each axis.
    deviations: Vec<[f64; 2]>,
    /// Which part of the rows each mode has.
    shares: Vec<f64>,
}

/// Which modes points are of.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModesCovered {
    /// How many modes there are.
    pub modes: usize,
    /// How many of them have a point.
    pub covered: usize,
    /// The share of points that lie in a mode: within [`REACH`] standard deviations of its middle.
    pub good: f64,
    /// The points of each mode.
    pub points: Vec<usize>,
}

/// How many standard deviations from its middle a mode reaches (Metz et al. 2017).
pub const REACH: f64 = 3.0;

impl Modes {
    /// The modes of rows that are points in the plane and whose classes are known, two rows of each at least;
    /// none of other rows.
    ///
    /// # Errors
    /// Rows that cannot be read.
    ///
    /// ```
    /// use glassbox::data;
    /// use glassbox::metrics::Modes;
    /// let ring = data::ring(800, 0.02, 7)?.into_rows::<&str>(&[])?;
    /// let modes = Modes::of(&ring.train)?.ok_or("no modes")?;
    /// let mut points = vec![0.0; 2 * ring.test.len()];
    /// ring.test.gather_inputs(&(0..ring.test.len()).collect::<Vec<_>>(), &mut points)?;
    /// assert_eq!(modes.covered(&points).covered, 8);
    /// assert_eq!(modes.covered(&points[..2]).covered, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn of(rows: &Rows) -> Result<Option<Self>, Error> {
        let Some(labels) = rows.labels().filter(|_| rows.width() == 2) else { return Ok(None) };
        let mut points = vec![0.0; 2 * rows.len()];
        rows.gather_inputs(&(0..rows.len()).collect::<Vec<_>>(), &mut points)?;
        let classes = labels.iter().max().map_or(0, |most| most + 1);
        let mut modes = Modes { middles: Vec::new(), deviations: Vec::new(), shares: Vec::new() };
        for class in 0..classes {
            let own = || points.chunks_exact(2).zip(&labels).filter(|(_, label)| **label == class);
            let count = own().count() as f64;
            if count < 2.0 {
                return Ok(None);
            }
            let mean = |of: &dyn Fn(f64, usize) -> f64| {
                [0, 1].map(|axis| {
                    own().map(|(point, _)| of(f64::from(point[axis]), axis)).sum::<f64>() / count
                })
            };
            let middle = mean(&|x, _| x);
            modes.middles.push(middle);
            modes.deviations.push(mean(&|x, axis| (x - middle[axis]).powi(2)).map(f64::sqrt));
            modes.shares.push(count / labels.len() as f64);
        }
        Ok(Some(modes).filter(|modes| modes.middles.len() > 1))
    }

    /// Which modes the points `[points, 2]` are of; each is of the one that is nearest, in standard
    /// deviations.
    pub fn covered(&self, points: &[f32]) -> ModesCovered {
        let mut found = vec![0; self.middles.len()];
        for point in points.chunks_exact(2) {
            let far = |(mode, middle): (usize, &[f64; 2])| {
                let along = |axis: usize| {
                    let deviation = self.deviations[mode][axis].max(f64::MIN_POSITIVE);
                    ((f64::from(point[axis]) - middle[axis]) / deviation).powi(2)
                };
                (mode, (along(0) + along(1)).sqrt())
            };
            let nearest =
                self.middles.iter().enumerate().map(far).min_by(|a, b| a.1.total_cmp(&b.1));
            if let Some((mode, _)) = nearest.filter(|(_, far)| *far <= REACH) {
                found[mode] += 1;
            }
        }
        ModesCovered {
            modes: found.len(),
            covered: found.iter().filter(|points| **points > 0).count(),
            good: found.iter().sum::<usize>() as f64 / (points.len() / 2).max(1) as f64,
            points: found,
        }
    }

    /// How many rows the modes that are not covered have in the mean, against as many for each mode: 1 where
    /// they are as frequent as others; none where all are covered.
    pub fn frequency_of_missing(&self, found: &ModesCovered) -> Option<f64> {
        let missing = self.shares.iter().zip(&found.points).filter(|(_, points)| **points == 0);
        let shares: Vec<f64> = missing.map(|(share, _)| *share).collect();
        let mean = shares.iter().sum::<f64>() / shares.len().max(1) as f64;
        (!shares.is_empty()).then_some(mean * self.shares.len() as f64)
    }
}
