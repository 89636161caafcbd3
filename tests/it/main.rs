//! Sentences about behaviour, against a real Neovim and a scripted server.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    missing_docs
)]

#[cfg(target_os = "linux")]
mod canary;
mod errors;
mod fixtures_lua;
#[cfg(target_os = "linux")]
mod keys;
mod litellm;
#[cfg(target_os = "linux")]
mod redaction;
mod selection;
mod selection_random;
#[path = "../support/mod.rs"]
mod support;

mod actions;
mod aftermath;
mod any_layout;
mod any_size;
mod applied;
mod apply;
mod ask;
mod begin_and_end;
mod beside;
mod both_sides;
mod branches;
mod broken_off;
mod broken_prompts;
mod chat;
mod code;
mod colours;
mod columns;
#[cfg(target_os = "linux")]
mod commands_edges;
mod common;
mod completion;
mod content;
mod context;
mod context_edges;
mod documented;
mod earlier;
mod edges;
mod ends;
mod flood;
mod folding;
mod gate;
mod give_back;
#[cfg(target_os = "linux")]
mod health;
mod highlighting;
mod history;
mod history_asked;
mod history_beside;
#[cfg(target_os = "linux")]
mod history_crash;
#[cfg(target_os = "linux")]
mod history_faults;
mod history_kept;
#[cfg(target_os = "linux")]
mod history_late;
mod history_titles;
#[cfg(target_os = "linux")]
mod history_upkeep;
mod history_watched;
mod in_stream;
mod in_view;
#[cfg(unix)]
mod install;
#[cfg(unix)]
mod install_build;
#[cfg(unix)]
mod install_tools;
mod keys_in_chat;
mod killed;
mod layouts;
mod leaving;
mod library;
mod lifecycle;
mod long_names;
mod mark;
mod menus;
mod model_word;
mod models;
mod network;
mod notices;
mod numbers;
mod odd_text;
mod one_line;
mod opened;
mod parsers;
mod picture;
#[cfg(unix)]
mod plugin_managers;
mod prettier;
mod providers;
mod queue;
mod random;
mod read_again;
mod reasoning;
mod recalled;
#[cfg(unix)]
mod releases;
mod retries;
mod round_trips;
mod screens;
#[cfg(target_os = "linux")]
mod served;
mod streaming;
mod structure;
mod support_works;
mod switching;
mod trust;
mod typed;
mod typed_keys;
mod undo;
mod undo_queue;
mod undo_steps;
mod window;
mod windows;
mod words;

use support::nvim::{Builder, Nvim};

/// A Neovim with this project's plugin and the binary under test.
pub fn nvim() -> Builder {
    Nvim::builder().binary(env!("CARGO_BIN_EXE_gpt-nvim"))
}
