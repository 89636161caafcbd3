//! A secret that cannot be printed.

use std::fmt;

use zeroize::{Zeroize, Zeroizing};

use crate::words::{Text, text};

/// A key. Its memory is overwritten when it is dropped; `Debug` prints `[redacted]`; there is no `Display`.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

/// Why a text is no key.
///
/// Nothing more than this is refused: servers that call themselves compatible accept keys of any form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.text())]
pub enum SecretError {
    /// Nothing but white space.
    Empty,
    /// A line end or another control character is in it: it could not be sent in a header.
    ControlCharacter,
}

impl SecretError {
    /// Why, for the user.
    #[must_use]
    pub fn text(self) -> Text {
        match self {
            Self::Empty => text!("key.empty"),
            Self::ControlCharacter => text!("key.control_character"),
        }
    }
}

impl Secret {
    /// Takes a key, without the white space around it. The text that was handed in is overwritten.
    ///
    /// # Errors
    /// The key is empty, or has control characters in it.
    pub fn new(mut text: String) -> Result<Self, SecretError> {
        let trimmed = Zeroizing::new(text.trim().to_owned());
        text.zeroize();
        if trimmed.is_empty() {
            return Err(SecretError::Empty);
        }
        if trimmed.chars().any(char::is_control) {
            return Err(SecretError::ControlCharacter);
        }
        Ok(Self(trimmed))
    }

    /// The key itself. To be called where it is sent, and nowhere else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_print_itself() {
        let secret = Secret::new("sk-123".into()).unwrap();
        assert_eq!(format!("{secret:?} {:?}", Some(&secret)), "[redacted] Some([redacted])");
    }

    #[test]
    fn the_white_space_around_a_key_is_dropped() {
        assert_eq!(Secret::new(" \tsk-123\r\n".into()).unwrap().expose(), "sk-123");
    }

    #[test]
    fn what_cannot_be_a_key_is_refused_with_its_reason() {
        assert_eq!(Secret::new(" \n".into()).unwrap_err(), SecretError::Empty);
        assert_eq!(
            Secret::new("sk-1\nsk-2".into()).unwrap_err(),
            SecretError::ControlCharacter
        );
        assert_eq!(
            Secret::new("sk-1\u{7f}".into()).unwrap_err(),
            SecretError::ControlCharacter
        );
    }
}
