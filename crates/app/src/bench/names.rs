//! PyTorch's names of parameters and states.

/// A path with points between its parts: `layer1.0/bn1/weight` is `layer1.0.bn1.weight`. Those of
/// recurrent layers are `weight_ih_l0` and their like: `rnn/layer1/input/weight` is
/// `rnn.weight_ih_l0`.
pub fn dotted(path: &str) -> String {
    let parts: Vec<&str> = path.split('/').collect();
    if let [before @ .., layer, side @ ("input" | "recurrent"), kind] = &parts[..]
        && let Some(number) = numbered(layer, "layer")
    {
        let side = if *side == "input" { "ih" } else { "hh" };
        return format!("{}.{kind}_{side}_l{}", before.join("."), number - 1);
    }
    parts.join(".")
}

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
        assert_eq!(dotted("layer1.0/bn1/weight"), "layer1.0.bn1.weight");
        assert_eq!(dotted("enc/layer2/recurrent/bias"), "enc.bias_hh_l1");
        let block = |name: &str| numbered(name, "block").map(|number| (number + 2).to_string());
        assert_eq!(renamed("block1/conv1/weight", block), "3.conv1.weight");
        assert_eq!(renamed("fc/bias", block), "fc.bias");
    }
}
