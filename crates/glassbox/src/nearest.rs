//! The known name nearest to a mistyped one.

/// The candidate nearest to `word` by Damerau–Levenshtein distance, ignoring case, or `None` where
/// nothing is near enough to be worth offering (more than a third of the longer word would change,
/// and at least two letters).
///
/// ```
/// use glassbox::nearest::nearest;
/// assert_eq!(nearest("epoch", ["batch", "epochs"]), Some("epochs"));
/// assert_eq!(nearest("bacth", ["batch", "epochs"]), Some("batch"));
/// assert_eq!(nearest("zebra", ["batch", "epochs"]), None);
/// ```
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let letters = |text: &str| text.to_lowercase().chars().collect::<Vec<char>>();
    let wanted = letters(word);
    candidates
        .into_iter()
        .map(|candidate| {
            let other = letters(candidate);
            let longer = wanted.len().max(other.len());
            let allowed = (longer / 3).max(2).min(longer.saturating_sub(1));
            (distance(&wanted, &other), allowed, candidate)
        })
        .filter(|&(distance, allowed, _)| distance <= allowed)
        .min_by_key(|&(distance, _, _)| distance)
        .map(|(_, _, candidate)| candidate)
}

/// Insertions, deletions, substitutions and swaps of neighbours that turn `a` into `b` (the
/// "optimal string alignment" form: no part is edited twice).
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let change = above[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = change.min(above[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(before[j - 2] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_swap_of_neighbours_is_one_mistake() {
        let letters = |text: &str| text.chars().collect::<Vec<char>>();
        assert_eq!(distance(&letters("bacth"), &letters("batch")), 1);
        assert_eq!(distance(&letters(""), &letters("abc")), 3);
        assert_eq!(distance(&letters("kitten"), &letters("sitting")), 3);
    }

    #[test]
    fn short_words_are_not_matched_with_everything() {
        assert_eq!(nearest("x", ["y"]), None);
        assert_eq!(nearest("", ["a"]), None);
        assert_eq!(nearest("LR", ["lr", "seed"]), Some("lr"));
    }
}
