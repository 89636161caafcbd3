//! Suggests names for a mistyped one.

/// The name that differs least, if it differs by at most two letters.
pub(super) fn nearest<'a>(typed: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let near = names.map(|name| match is_swapped(typed, name) {
        true => (1, name),
        false => (distance(typed, name), name),
    });
    let (_, name) = near
        .filter(|(distance, name)| *distance <= 2 && *distance < name.len())
        .min()?;
    Some(name)
}

/// Whether two neighbouring letters have changed places.
fn is_swapped(a: &str, b: &str) -> bool {
    let differ: Vec<(usize, (char, char))> = a
        .chars()
        .zip(b.chars())
        .enumerate()
        .filter(|(_, (a, b))| a != b)
        .collect();
    a.chars().count() == b.chars().count()
        && matches!(differ[..], [(i, (a, b)), (j, (c, d))] if j == i + 1 && a == d && b == c)
}

/// The number of letters to put in, take out or replace (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (above, letter) in a.chars().enumerate() {
        let mut left = above + 1;
        let mut diagonal = above;
        for (cell, other) in row.iter_mut().skip(1).zip(b.chars()) {
            let replaced = diagonal + usize::from(letter != other);
            diagonal = *cell;
            left = replaced.min(*cell + 1).min(left + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = above + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_of_letters() {
        for (a, b, letters) in [
            ("", "", 0),
            ("", "ab", 2),
            ("opnai", "openai", 1),
            ("kitten", "sitting", 3),
            ("ção", "cao", 2),
        ] {
            assert_eq!((distance(a, b), distance(b, a)), (letters, letters), "{a} {b}");
        }
    }

    #[test]
    fn only_a_near_name_is_meant() {
        let nearest = |typed| nearest(typed, ["openai", "xai", "work"].into_iter());
        assert_eq!(nearest("opnai"), Some("openai"));
        assert_eq!(nearest("xia"), Some("xai"));
        // Two letters that changed places are one mistake.
        let nearest_of = |typed| super::nearest(typed, ["groq", "work"].into_iter());
        assert_eq!(nearest_of("wrok"), Some("work"));
        assert_eq!(nearest("nosuch"), None);
    }
}
