//! Values on the host: arrays, and the named values of a model.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::graph::{DType, Shape};

/// The elements of an [`Array`], row-major.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Data {
    /// 32-bit floats.
    F32(Vec<f32>),
    /// 64-bit floats.
    F64(Vec<f64>),
    /// 64-bit integers.
    I64(Vec<i64>),
    /// Booleans.
    Bool(Vec<bool>),
}

impl Data {
    /// The number of elements.
    pub fn len(&self) -> usize {
        match self {
            Data::F32(v) => v.len(),
            Data::F64(v) => v.len(),
            Data::I64(v) => v.len(),
            Data::Bool(v) => v.len(),
        }
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The type of the elements.
    pub fn dtype(&self) -> DType {
        match self {
            Data::F32(_) => DType::F32,
            Data::F64(_) => DType::F64,
            Data::I64(_) => DType::I64,
            Data::Bool(_) => DType::Bool,
        }
    }
}

macro_rules! data_from {
    ($($element:ty => $variant:ident),*) => {$(
        impl From<Vec<$element>> for Data {
            fn from(elements: Vec<$element>) -> Self {
                Data::$variant(elements)
            }
        }
        impl From<&[$element]> for Data {
            fn from(elements: &[$element]) -> Self {
                Data::$variant(elements.to_vec())
            }
        }
        impl<const N: usize> From<[$element; N]> for Data {
            fn from(elements: [$element; N]) -> Self {
                Data::$variant(elements.to_vec())
            }
        }
    )*};
}
data_from!(f32 => F32, f64 => F64, i64 => I64, bool => Bool);

/// A tensor's value in host memory: a shape and its elements, row-major.
///
/// ```
/// use glassbox_engine::Array;
/// let a = Array::new([2, 3], vec![1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap();
/// assert_eq!(a.shape().sizes(), &[2, 3]);
/// assert_eq!(a.to_f64()[4], 5.0);
/// assert!(Array::new([2, 2], vec![1.0f32]).is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Array {
    shape: Shape,
    data: Data,
}

impl Array {
    /// An array of this shape; an error in words where the number of elements does not fit it.
    pub fn new(shape: impl Into<Shape>, data: impl Into<Data>) -> Result<Self, String> {
        let (shape, data) = (shape.into(), data.into());
        match shape.checked_elements() {
            Some(elements) if elements == data.len() => Ok(Array { shape, data }),
            _ => Err(format!("{} elements do not fill the shape {shape}", data.len())),
        }
    }

    /// A single number.
    pub fn scalar(value: f32) -> Self {
        Array { shape: Shape::scalar(), data: Data::F32(vec![value]) }
    }

    /// An array of `elements` in one axis.
    pub fn vector(elements: impl Into<Data>) -> Self {
        let data = elements.into();
        Array { shape: [data.len()].into(), data }
    }

    /// Zeros (false) of this shape and type.
    pub fn zeros(dtype: DType, shape: impl Into<Shape>) -> Self {
        let shape = shape.into();
        let n = shape.elements();
        let data = match dtype {
            DType::F32 => Data::F32(vec![0.0; n]),
            DType::F64 => Data::F64(vec![0.0; n]),
            DType::I64 => Data::I64(vec![0; n]),
            DType::Bool => Data::Bool(vec![false; n]),
        };
        Array { shape, data }
    }

    /// The sizes of its axes.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// The type of its elements.
    pub fn dtype(&self) -> DType {
        self.data.dtype()
    }

    /// Its elements, row-major.
    pub fn data(&self) -> &Data {
        &self.data
    }

    /// Its elements, row-major, to be changed in place.
    pub fn data_mut(&mut self) -> &mut Data {
        &mut self.data
    }

    /// Its elements as f32, where that is their type.
    pub fn as_f32(&self) -> Option<&[f32]> {
        match &self.data {
            Data::F32(v) => Some(v),
            _ => None,
        }
    }

    /// Its elements as i64, where that is their type.
    pub fn as_i64(&self) -> Option<&[i64]> {
        match &self.data {
            Data::I64(v) => Some(v),
            _ => None,
        }
    }

    /// Its elements converted to f64 (true is 1).
    pub fn to_f64(&self) -> Vec<f64> {
        match &self.data {
            Data::F32(v) => v.iter().map(|&x| f64::from(x)).collect(),
            Data::F64(v) => v.clone(),
            Data::I64(v) => v.iter().map(|&x| x as f64).collect(),
            Data::Bool(v) => v.iter().map(|&x| f64::from(u8::from(x))).collect(),
        }
    }

    /// An array of `dtype` from f64 values (rounded to nearest; integers truncate; not 0 is true).
    pub fn from_f64(dtype: DType, shape: impl Into<Shape>, values: &[f64]) -> Result<Self, String> {
        let data = match dtype {
            DType::F32 => Data::F32(values.iter().map(|&x| x as f32).collect()),
            DType::F64 => Data::F64(values.to_vec()),
            DType::I64 => Data::I64(values.iter().map(|&x| x as i64).collect()),
            DType::Bool => Data::Bool(values.iter().map(|&x| x != 0.0).collect()),
        };
        Array::new(shape, data)
    }
}

/// Named values: a model's parameters and states, keyed by path, e.g. `fc1/weight`.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Parameters(BTreeMap<String, Array>);

impl Parameters {
    /// No values yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The value at `path`.
    pub fn get(&self, path: &str) -> Option<&Array> {
        self.0.get(path)
    }

    /// Sets the value at `path`, and gives back the one that was there.
    pub fn insert(&mut self, path: impl Into<String>, value: Array) -> Option<Array> {
        self.0.insert(path.into(), value)
    }

    /// Removes and gives back the value at `path`.
    pub fn remove(&mut self, path: &str) -> Option<Array> {
        self.0.remove(path)
    }

    /// Paths and values, sorted by path.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Array)> {
        self.0.iter().map(|(path, value)| (path.as_str(), value))
    }

    /// The number of named arrays.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing is named.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The number of elements of all arrays together.
    pub fn elements(&self) -> usize {
        self.0.values().map(|array| array.data().len()).sum()
    }
}

impl Extend<(String, Array)> for Parameters {
    fn extend<I: IntoIterator<Item = (String, Array)>>(&mut self, values: I) {
        self.0.extend(values);
    }
}

impl IntoIterator for Parameters {
    type Item = (String, Array);
    type IntoIter = std::collections::btree_map::IntoIter<String, Array>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl FromIterator<(String, Array)> for Parameters {
    fn from_iter<I: IntoIterator<Item = (String, Array)>>(values: I) -> Self {
        Parameters(values.into_iter().collect())
    }
}
