//! What a network has: filters; and what it makes of an image: maps and weights of channels.

use serde::Serialize;

use super::{Map, Vision};
use crate::Error;
use crate::nearest::suggestion;

/// What a module of squeeze and excitation calls its result.
const CHANNEL_WEIGHTS: &str = "channel_weights";

/// The filters of a convolution.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Filters {
    /// The parameter, e.g. `conv1/weight`.
    pub path: String,
    /// Height, width, channels that each filter reads, and how many filters there are.
    pub shape: [usize; 4],
    /// `[height, width, channels, filters]`, row-major.
    #[serde(skip)]
    pub numbers: Vec<f32>,
}

/// The maps that a layer makes of an image.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FeatureMaps {
    /// The layer, e.g. `conv1/relu`.
    pub layer: String,
    /// One for each channel.
    #[serde(skip)]
    pub maps: Vec<Map>,
    /// Channels that are the same number everywhere: they say nothing of this image.
    pub constant: usize,
}

/// The weights that a squeeze-and-excitation module gives the channels for an image (Hu, Shen and Sun
/// 2018).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ChannelWeights {
    /// The activation, e.g. `layer1/0/se/channel_weights`.
    pub layer: String,
    /// One for each channel, from 0 (left out) to 1 (kept).
    pub weights: Vec<f32>,
}

impl Filters {
    /// One filter's numbers for one channel that it reads.
    pub fn map(&self, filter: usize, channel: usize) -> Result<Map, Error> {
        let [height, width, channels, filters] = self.shape;
        let start = channel * filters + filter;
        let all = self.numbers.iter().skip(start).step_by((channels * filters).max(1));
        Map::new([height, width], all.copied().collect())
    }
}

impl Vision {
    /// The convolutions' filters, in the order in which they are used.
    pub fn convolutions(&self) -> Vec<String> {
        let mut parameters = self.graph.parameters();
        parameters.retain(|(_, tensor)| tensor.rank() == 4);
        parameters.sort_by_key(|(_, tensor)| tensor.value());
        parameters.into_iter().map(|(path, _)| path).collect()
    }

    /// The filters of a convolution: of this path, of the first one in this scope, and of no name
    /// (`None`) of the first one of the network.
    ///
    /// # Errors
    /// No such convolution; the nearest name is offered.
    pub fn filters(&self, layer: Option<&str>) -> Result<Filters, Error> {
        let all = self.convolutions();
        let scope = |path: &str| path.rsplit_once('/').map_or("", |(scope, _)| scope).to_owned();
        let wanted = |path: &&String| match layer {
            None => true,
            Some(layer) => *path == layer || scope(path) == scope(&format!("{layer}/")),
        };
        // An activation's name means the convolution of its scope.
        let beside = |path: &&String| layer.is_some_and(|layer| scope(path) == scope(layer));
        let found = all.iter().find(wanted).or_else(|| all.iter().find(beside));
        let Some(path) = found else {
            let names: Vec<&str> = all.iter().map(String::as_str).collect();
            return Err(Error::new(match (layer, names.is_empty()) {
                (Some(layer), false) => format!(
                    "there is no convolution `{layer}`: {}",
                    suggestion(layer, "filters", &names)
                ),
                _ => "this model has no convolution: there are no filters to see".to_owned(),
            }));
        };
        let array = self.weights.get(path).ok_or_else(|| Error::new("its weights are missing"))?;
        let &[height, width, channels, filters] = array.shape().sizes() else {
            return Err(Error::new(format!("`{path}` is no array of filters")));
        };
        let numbers = array.to_f64().iter().map(|&x| x as f32).collect();
        Ok(Filters { path: path.clone(), shape: [height, width, channels, filters], numbers })
    }

    /// The maps that a layer makes of an image; of a scope its last ones, and of no name (`None`) the
    /// first maps of the network.
    ///
    /// # Errors
    /// A layer that does not exist or gives no maps, the nearest name offered; numbers that are not
    /// one image.
    pub fn feature_maps(&self, image: &[f32], layer: Option<&str>) -> Result<FeatureMaps, Error> {
        let image = self.one(image)?;
        let layer = match layer {
            Some(wanted) => self.find_layer(wanted)?,
            None => {
                let layers = self.layers();
                let first = layers.first().map(|(name, _)| name.clone());
                let first = first.ok_or_else(|| {
                    Error::new("this model has no maps of channels: it has no convolution")
                })?;
                // Not the convolution alone: what its scope makes of it in the end.
                let scope = first.rsplit_once('/').map_or("", |(scope, _)| scope);
                self.find_layer(scope).or_else(|_| self.find_layer(&first))?
            }
        };
        let (layer, [height, width, channels]) = layer;
        let tensor = self.graph.named(&layer).ok_or_else(|| Error::new("no such layer"))?;
        let found = self.run(&self.graph, image, None, &[tensor])?.concat();
        let map = |channel: usize| {
            let numbers = found.iter().skip(channel).step_by(channels.max(1));
            Map::new([height, width], numbers.copied().collect())
        };
        let maps = (0..channels).map(map).collect::<Result<Vec<Map>, Error>>()?;
        let same = |map: &&Map| map.extent().0 == map.extent().1;
        let constant = maps.iter().filter(same).count();
        Ok(FeatureMaps { layer, maps, constant })
    }

    /// The weights of channels that the network's modules of squeeze and excitation give for an image,
    /// in order; none where it has no such module.
    ///
    /// # Errors
    /// Numbers that are not one image.
    pub fn channel_weights(&self, image: &[f32]) -> Result<Vec<ChannelWeights>, Error> {
        let image = self.one(image)?;
        let mut named = self.graph.names();
        named.retain(|(name, tensor)| {
            let last = name.rsplit('/').next() == Some(CHANNEL_WEIGHTS);
            last && tensor.dim(0) == self.batch() && !tensor.is_inside_loop()
        });
        named.sort_by_key(|(_, tensor)| tensor.value());
        let tensors: Vec<_> = named.iter().map(|(_, tensor)| *tensor).collect();
        if tensors.is_empty() {
            return Ok(Vec::new());
        }
        let found = self.run(&self.graph, image, None, &tensors)?;
        let of = |((layer, _), weights): ((String, _), Vec<f32>)| ChannelWeights { layer, weights };
        Ok(named.into_iter().zip(found).map(of).collect())
    }
}
