//! Whom attention looks at.

use glassbox_engine::Tensor;
use serde::Serialize;

use super::{Row, Sequences};
use crate::Error;

/// The name that attention gives its shares.
const ATTENTION: &str = "attention";

/// The shares of one head: how much each place that looks takes of each that is looked at.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Grid {
    /// The path of the attention, e.g. `h/0/attn`.
    pub layer: String,
    /// The head, from 1.
    pub head: usize,
    /// What stands at the places that look.
    pub queries: Vec<String>,
    /// What stands at the places that are looked at.
    pub keys: Vec<String>,
    /// `[queries, keys]`, row-major; a row sums up to 1 over all keys, those behind the end included.
    #[serde(skip)]
    pub shares: Vec<f32>,
}

/// In what way a head looks, on average over the places that look.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Looks {
    /// −Σ share · ln share over the largest that it can be: 0 at one place, 1 at all alike.
    pub spread: f64,
    /// The share of the place itself.
    pub itself: f64,
    /// The share of the place before.
    pub before: f64,
    /// The share of the first place.
    pub first: f64,
}

impl Grid {
    /// The row of a place that looks.
    pub fn of(&self, query: usize) -> &[f32] {
        let wide = self.keys.len();
        self.shares.get(query * wide..(query + 1) * wide).unwrap_or_default()
    }

    /// The places that a place looks at most, with their shares, the largest first.
    pub fn most(&self, query: usize, count: usize) -> Vec<(usize, f32)> {
        let mut shares: Vec<(usize, f32)> = self.of(query).iter().copied().enumerate().collect();
        shares.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        shares.truncate(count);
        shares
    }

    /// In what way it looks, over the places from the second on.
    pub fn looks(&self) -> Looks {
        let queries: Vec<usize> = (1..self.queries.len()).collect();
        let mean = |of: &dyn Fn(usize, &[f32]) -> f64| {
            let sum: f64 = queries.iter().map(|&query| of(query, self.of(query))).sum();
            sum / queries.len().max(1) as f64
        };
        let at = |shares: &[f32], place: usize| shares.get(place).map_or(0.0, |x| f64::from(*x));
        let spread = |_: usize, shares: &[f32]| {
            let seen = shares.iter().filter(|share| **share > 0.0);
            let entropy: f64 =
                seen.clone().map(|share| f64::from(*share)).map(|x| -x * x.ln()).sum();
            let most = (seen.count() as f64).ln();
            if most > 0.0 { entropy / most } else { 0.0 }
        };
        Looks {
            spread: mean(&spread),
            itself: mean(&|query, shares| at(shares, query)),
            before: mean(&|query, shares| at(shares, query - 1)),
            first: mean(&|_, shares| at(shares, 0)),
        }
    }

    /// Its shares as a heat map: who looks down, who is looked at across.
    ///
    /// # Errors
    /// A grid without places.
    #[cfg(feature = "image")]
    pub fn picture(&self) -> Result<crate::report::picture::Picture, Error> {
        use crate::report::picture::{ColorMap, heat_map};
        let shape = [self.queries.len(), self.keys.len()];
        let names = [&self.queries[..], &self.keys[..]];
        heat_map(&self.shares, shape, names, ColorMap::Magma, (0.0, 1.0))
    }
}

#[cfg(feature = "image")]
impl Sequences {
    /// The grids of one attention beside each other, a head each.
    ///
    /// # Errors
    /// Grids without places.
    pub fn sheet(grids: &[Grid]) -> Result<crate::report::picture::Picture, Error> {
        let layer = grids.first().map_or("", |grid| grid.layer.as_str());
        let mut sheet = crate::report::picture::Sheet::new(&format!("Attention of {layer}"));
        sheet.note("a row looks, a column is looked at; black 0, light 1");
        for grid in grids {
            sheet.add(grid.picture()?, &format!("head {}", grid.head));
        }
        Ok(sheet.picture())
    }
}

pub(super) fn grids(net: &Sequences, row: &Row) -> Result<Vec<Grid>, Error> {
    let graph = net.graph.clone();
    let mut names = graph.names();
    names.retain(|(name, _)| name.rsplit('/').next() == Some(ATTENTION));
    names.sort_by_key(|(_, tensor)| tensor.value());
    let rows = graph.find_input(crate::train::graphs::name::INPUTS).map_or(1, |x| x.dim(0).max(1));
    let mut found: Vec<(String, Tensor<'_>, [usize; 3])> = Vec::new();
    for (name, tensor) in names {
        // One of a loop is a query a step: `[steps, rows, …, keys]` → `[rows, …, steps, keys]`.
        let tensor = match tensor.is_inside_loop() {
            false => tensor,
            true => {
                let all = tensor.every_step();
                let keys = all.dim(-1);
                let heads = all.elements() / (all.dim(0) * rows * keys).max(1);
                all.reshape([all.dim(0), rows, heads, keys]).permute(&[1, 2, 0, 3])
            }
        };
        let (queries, keys) = (tensor.dim(-2), tensor.dim(-1));
        let heads = tensor.elements() / (rows * queries * keys).max(1);
        if tensor.rank() >= 3 && tensor.dim(0) == rows {
            let layer = name.strip_suffix(ATTENTION).unwrap_or(&name).trim_end_matches('/');
            found.push((layer.to_owned(), tensor, [heads, queries, keys]));
        }
    }
    let asked: Vec<Tensor<'_>> = found.iter().map(|(_, tensor, _)| *tensor).collect();
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    let values = net.values(&graph, row, &asked)?;
    let source = net.text_preparation().map_or(0, |text| text.source);
    let mut grids = Vec::new();
    for ((layer, _, [heads, queries, keys]), value) in found.into_iter().zip(&values) {
        let numbers = value.as_f32().unwrap_or_default();
        let (down, across) =
            (places(row, net.time, source, queries), places(row, net.time, source, keys));
        for head in 0..heads {
            let of_head = numbers.chunks((queries * keys).max(1)).nth(head).unwrap_or_default();
            let rows = of_head.chunks(keys.max(1)).take(down.len());
            grids.push(Grid {
                layer: layer.clone(),
                head: head + 1,
                shares: rows.flat_map(|row| row.iter().take(across.len())).copied().collect(),
                queries: down.clone(),
                keys: across.clone(),
            });
        }
    }
    Ok(grids)
}

/// What stands at so many places of a row: at all of them, at the source's, or at those behind it.
fn places(row: &Row, time: usize, source: usize, count: usize) -> Vec<String> {
    let all = &row.places;
    let of = |from: usize, to: usize| {
        all.get(from.min(all.len())..to.min(all.len())).unwrap_or_default().to_vec()
    };
    match count {
        _ if count == time => all.clone(),
        _ if count == source => of(0, source),
        _ if source > 0 && count == time - source => of(source, time),
        _ => (0..count).map(|place| place.to_string()).collect(),
    }
}
