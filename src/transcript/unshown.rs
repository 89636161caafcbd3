//! Parts of an answer beside text, calls and sources: images, files, tools that the provider ran. Named, not shown yet.

/// What kind of thing is named instead of shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UnshownKind {
    /// A picture.
    Image,
    /// Sound.
    Audio,
    /// A film.
    Video,
    /// Another file.
    File,
    /// A tool that the provider ran; its result is in the answer already.
    Ran,
    /// What the provider calls by the name.
    Other,
}

/// Something in an answer that is named and not shown.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Unshown {
    /// What it is.
    pub kind: UnshownKind,
    /// What it is called, short and on one line; may be empty.
    pub name: String,
}

impl UnshownKind {
    /// All of them with their words in the history.
    const WORDS: [(Self, &'static str); 6] = [
        (Self::Image, "image"),
        (Self::Audio, "audio"),
        (Self::Video, "video"),
        (Self::File, "file"),
        (Self::Ran, "ran"),
        (Self::Other, "other"),
    ];

    /// The word that stands for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        let own = Self::WORDS.iter().find(|(kind, _)| *kind == self);
        own.map_or("other", |(_, word)| word)
    }

    /// The kind that a word stands for.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::WORDS
            .iter()
            .find(|(_, known)| *known == word)
            .map(|(kind, _)| *kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_comes_back_from_its_word() {
        for (kind, word) in UnshownKind::WORDS {
            assert_eq!((kind.word(), UnshownKind::of_word(word)), (word, Some(kind)));
        }
        assert_eq!(UnshownKind::of_word("x"), None);
    }
}
