//! The nearest of the names that exist, to offer where somebody mistyped one.

/// Names longer than this are compared for equality only: the distance costs length × length.
const LONGEST: usize = 80;

/// The candidate nearest to `word`, where one is near enough to have been meant.
///
/// Nearness is the distance of Damerau (1964) and Levenshtein (1966), neighbours swapped counting
/// as one edit, letters compared without case; near enough is a third of the longer word's letters
/// (at least one). Of equally near candidates the first wins.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = letters(word);
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        let other = letters(candidate);
        let longer = word.len().max(other.len());
        let limit = (longer / 3).max(1);
        if longer == 0 || word.len().abs_diff(other.len()) > limit {
            continue;
        }
        let distance = match longer {
            _ if word == other => 0,
            0..=LONGEST => distance(&word, &other),
            _ => continue,
        };
        if distance <= limit && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// What to add to a message about an unknown name: `did you mean …?`, or all names where they are
/// few, or as many as fit in a line.
pub(crate) fn suggestion(word: &str, noun: &str, candidates: &[&str]) -> String {
    match nearest(word, candidates.iter().copied()) {
        Some(name) => format!("did you mean `{name}`? The {noun}: {}", listed(candidates)),
        None => format!("the {noun}: {}", listed(candidates)),
    }
}

/// Names in a row, the first dozen of them.
pub(crate) fn listed(names: &[&str]) -> String {
    const SHOWN: usize = 12;
    let mut text =
        names.iter().take(SHOWN).map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN {
        text.push_str(&format!(" and {} more", names.len() - SHOWN));
    }
    text
}

fn letters(word: &str) -> Vec<char> {
    word.trim().to_lowercase().chars().collect()
}

/// Edits from `a` to `b`: insertions, deletions, substitutions, swaps of neighbours (the optimal
/// string alignment of the three last rows of the usual table).
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before_last = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    let mut row = vec![0; b.len() + 1];
    for i in 1..=a.len() {
        row[0] = i;
        for j in 1..=b.len() {
            let substituted = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = substituted.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before_last[j - 2] + 1);
            }
        }
        std::mem::swap(&mut before_last, &mut last);
        std::mem::swap(&mut last, &mut row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn between(a: &str, b: &str) -> usize {
        distance(&letters(a), &letters(b))
    }

    #[test]
    fn distances_are_those_of_the_textbook_examples() {
        assert_eq!(between("kitten", "sitting"), 3);
        assert_eq!(between("saturday", "sunday"), 3);
        assert_eq!(between("speceis", "species"), 1, "a swap of neighbours is one edit");
        assert_eq!(between("", "abc"), 3);
        assert_eq!(between("Straße", "strasse"), 2);
    }

    #[test]
    fn the_name_that_was_meant_is_found_and_others_are_not() {
        let names = ["sepal_length", "sepal_width", "species"];
        assert_eq!(nearest("speces", names), Some("species"));
        assert_eq!(nearest("SPECIES", names), Some("species"));
        assert_eq!(nearest("sepal_lenght", names), Some("sepal_length"));
        assert_eq!(nearest("price", names), None);
        assert_eq!(nearest("x", []), None);
        assert_eq!(nearest("", [""]), None);
    }

    #[test]
    fn very_long_names_cost_little() {
        let long = "x".repeat(1_000_000);
        let other = format!("{long}y");
        assert_eq!(nearest(&long, [other.as_str()]), None);
        assert_eq!(nearest(&long, [long.as_str()]), Some(long.as_str()));
    }
}
