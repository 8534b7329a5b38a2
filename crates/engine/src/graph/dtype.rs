use std::fmt;

use serde::{Deserialize, Serialize};

/// The type of a tensor's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DType {
    /// 32-bit IEEE 754 floating point.
    F32,
    /// 64-bit IEEE 754 floating point.
    F64,
    /// 64-bit signed integer: class labels, row numbers, steps, seeds.
    I64,
    /// True or false, one byte.
    Bool,
}

impl DType {
    /// Bytes of one element.
    pub fn size(self) -> usize {
        match self {
            DType::F32 => 4,
            DType::F64 | DType::I64 => 8,
            DType::Bool => 1,
        }
    }

    /// Whether a number means something as this type: integers are whole and in range, booleans 0
    /// or 1.
    pub(crate) fn holds(self, value: f64) -> bool {
        match self {
            DType::F32 | DType::F64 => true,
            DType::I64 => value.fract() == 0.0 && value.abs() <= i64::MAX as f64,
            DType::Bool => value == 0.0 || value == 1.0,
        }
    }

    /// Whether a derivative can flow through values of this type.
    pub fn is_float(self) -> bool {
        matches!(self, DType::F32 | DType::F64)
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DType::F32 => "f32",
            DType::F64 => "f64",
            DType::I64 => "i64",
            DType::Bool => "bool",
        })
    }
}
