//! What the words of a prompt (`#file:` and the like) stand for.

pub mod files;
