//! The history on its own: real files, real processes that die, no editor.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test"
)]

mod child;
mod crash;
mod damage;
mod keeping;
mod processes;
mod rescue;
mod searching;
mod support;
mod versions;
mod writing;
