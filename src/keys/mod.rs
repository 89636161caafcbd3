//! Keys: secrets that cannot be printed, and the redactor that keeps them out of every text.

pub mod redact;
pub mod secret;
pub mod source;

pub use redact::Redactor;
pub use secret::{Secret, SecretError};
