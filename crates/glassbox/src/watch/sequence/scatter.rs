//! The tokens' vectors in the plane.

use serde::Serialize;

use super::Sequences;
use crate::Error;
use crate::watch::plane::Plane;

/// Tokens at most: those of the lowest numbers.
const MOST: usize = 200;

/// Where tokens lie in the plane of the two directions in which their vectors differ most (their first
/// two principal components, Hotelling 1933).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Scatter {
    /// The table's path.
    pub table: String,
    /// How many tokens the table has, and how many numbers each.
    pub shape: [usize; 2],
    /// The tokens that are shown.
    pub tokens: Vec<String>,
    /// Where each of them lies.
    pub points: Vec<[f64; 2]>,
    /// The share of the variance that each axis holds.
    pub explained: [f64; 2],
}

impl Sequences {
    /// The table of tokens as points; none where the model has no table of its tokens.
    ///
    /// # Errors
    /// A table of another shape than its tokenizer's vocabulary.
    pub fn scatter(&self) -> Result<Option<Scatter>, Error> {
        let (Some(text), Some((path, table))) = (self.text_preparation(), self.embedding()) else {
            return Ok(None);
        };
        let (&[rows, width], Some(numbers)) = (table.shape().sizes(), table.as_f32()) else {
            return Ok(None);
        };
        let shown = rows.min(MOST).min(text.tokenizer.vocabulary());
        let tokens = (0..shown).map(|id| text.tokenizer.token(id as u32).into_owned()).collect();
        let numbers = &numbers[..shown * width];
        let plane = Plane::of(numbers, width);
        let points = numbers.chunks(width.max(1)).map(|row| plane.place(row)).collect();
        let explained = plane.explained;
        Ok(Some(Scatter { table: path, shape: [rows, width], tokens, points, explained }))
    }
}

#[cfg(feature = "image")]
impl Scatter {
    /// The tokens as they lie, each written at its place.
    pub fn picture(&self) -> crate::report::picture::Picture {
        use crate::report::picture::{ends, scatter};
        let [first, second] = self.explained.map(|share| 100.0 * share);
        let note =
            format!("first two principal components: {first:.1} % and {second:.1} % of variance");
        let shown = |token: &String| match token.replace('\n', "|").as_str() {
            " " => "_".to_owned(),
            shown => shown.to_owned(),
        };
        let names: Vec<String> = self.tokens.iter().map(shown).collect();
        let title = format!("Tokens of {}", self.table);
        scatter(&title, &note, &names, &self.points, ends(self.points.iter().copied()))
    }
}
