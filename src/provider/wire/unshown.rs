//! Names what an answer holds beside text, calls and sources: images, files, tools that the provider ran by itself.
//! Nothing of that is shown yet, and nothing is dropped without a word.

use crate::provider::Event;
use crate::provider::error::word;
use crate::transcript::{Unshown, UnshownKind};

/// The most things that are named of one answer.
const MOST: usize = 200;
/// The longest name, in characters.
const LONGEST_NAME: usize = 80;

/// The kind of a file, by its media type or by the type of a part that holds it; none for other types.
pub(crate) fn kind_of_type(name: &str) -> Option<UnshownKind> {
    let name = name.to_ascii_lowercase();
    let any = |words: &[&str]| words.iter().any(|word| name.contains(word));
    if any(&["image"]) {
        Some(UnshownKind::Image)
    } else if any(&["audio"]) {
        Some(UnshownKind::Audio)
    } else if any(&["video"]) {
        Some(UnshownKind::Video)
    } else if any(&["file", "document", "application/"]) {
        Some(UnshownKind::File)
    } else {
        None
    }
}

/// What has been named of one answer: many wires bring the same thing several times.
#[derive(Debug, Default)]
pub(crate) struct Named {
    keys: Vec<String>,
    count: usize,
}

impl Named {
    /// Names a thing, once under the same key; an empty key is none.
    pub(crate) fn add(&mut self, key: &str, kind: UnshownKind, name: &str, out: &mut Vec<Event>) {
        if self.count >= MOST || (!key.is_empty() && self.keys.iter().any(|known| known == key)) {
            return;
        }
        self.count += 1;
        if !key.is_empty() && key.len() <= 1024 {
            self.keys.push(key.to_owned());
        }
        let name = word(name).chars().take(LONGEST_NAME).collect();
        out.push(Event::Unshown(Unshown { kind, name }));
    }

    /// Names a part of an answer by its type: a picture, a file, or what the provider calls it.
    pub(crate) fn add_type(&mut self, key: &str, kind: &str, name: &str, out: &mut Vec<Event>) {
        match kind_of_type(kind) {
            Some(known) => self.add(key, known, name, out),
            None => self.add(key, UnshownKind::Other, kind, out),
        }
    }

    /// Whether nothing has been named.
    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thing_is_named_once_under_its_key_and_never_without_end() {
        let (mut named, mut out) = (Named::default(), Vec::new());
        named.add("a", UnshownKind::Image, "", &mut out);
        named.add("a", UnshownKind::Image, "", &mut out);
        named.add_type("", "strange\u{1b}[31m\nthing", "", &mut out);
        let thing = |kind, name: &str| {
            Event::Unshown(Unshown {
                kind,
                name: name.into(),
            })
        };
        assert_eq!(
            out,
            [
                thing(UnshownKind::Image, ""),
                thing(UnshownKind::Other, "strange[31mthing")
            ]
        );
        (0..10_000).for_each(|_| named.add_type("", &"x".repeat(10_000), "", &mut out));
        assert_eq!(out.len(), MOST);
        assert!(matches!(out.last(), Some(Event::Unshown(last)) if last.name.len() == LONGEST_NAME));
    }
}
