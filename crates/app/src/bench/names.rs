//! PyTorch's names of parameters and states.

pub use glassbox::io::pytorch::name as dotted;

/// As [`dotted`], with the first part renamed.
pub fn renamed(path: &str, to: impl Fn(&str) -> Option<String>) -> String {
    let (first, rest) = path.split_once('/').unwrap_or((path, ""));
    match to(first) {
        Some(first) => dotted(&format!("{first}/{rest}")),
        None => dotted(path),
    }
}

/// The number, from 1, that follows `word`.
pub fn numbered(name: &str, word: &str) -> Option<usize> {
    name.strip_prefix(word)?.parse().ok().filter(|&number| number > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_the_names_of_pytorchs_modules() {
        let block = |name: &str| numbered(name, "block").map(|number| (number + 2).to_string());
        assert_eq!(renamed("block1/conv1/weight", block), "3.conv1.weight");
        assert_eq!(renamed("fc/bias", block), "fc.bias");
    }
}
