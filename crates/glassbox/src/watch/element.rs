//! The name of one number or array of a model: `fc2/bias[3]`.

use std::fmt;

/// A path and the indices of one of its elements; no indices mean the whole array (or a scalar).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Element {
    /// The path, e.g. `fc2/bias`.
    pub path: String,
    /// One index an axis, outermost first.
    pub indices: Vec<usize>,
}

impl Element {
    /// Reads `fc2/bias[3]` or `fc1/weight[0, 3]`.
    pub fn parse(text: &str) -> Option<Self> {
        let (path, indices) = match text.strip_suffix(']') {
            None => (text, Vec::new()),
            Some(rest) => {
                let (path, inside) = rest.split_once('[')?;
                let index = |part: &str| part.trim().parse().ok();
                (path, inside.split(',').map(index).collect::<Option<_>>()?)
            }
        };
        let valid = !path.is_empty() && !path.contains(['[', ']', ' ']);
        valid.then(|| Element { path: path.to_owned(), indices })
    }
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.indices.is_empty() {
            true => f.write_str(&self.path),
            false => write!(f, "{}{:?}", self.path, self.indices),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_is_a_path_and_indices() {
        let element = |path: &str, indices: &[usize]| {
            Some(Element { path: path.into(), indices: indices.to_vec() })
        };
        assert_eq!(Element::parse("fc2/bias[3]"), element("fc2/bias", &[3]));
        assert_eq!(Element::parse("fc1/weight[0, 3]"), element("fc1/weight", &[0, 3]));
        assert_eq!(Element::parse("b3"), element("b3", &[]));
        for wrong in ["", "[3]", "fc2/bias[", "fc2/bias[]", "fc2/bias[x]", "fc2/bias[-1]", "a]b"] {
            assert_eq!(Element::parse(wrong), None, "{wrong}");
        }
        assert_eq!(Element::parse("w[1,2]").map(|e| e.to_string()), Some("w[1, 2]".into()));
    }
}
