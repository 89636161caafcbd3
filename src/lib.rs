//! gpt.nvim's binary: Neovim is the screen, this process is the program.
//!
//! The floors of the program, the highest first: a module calls those that stand below its own floor. `tests/floors.rs`
//! checks it, and `tests/floors.txt` lists what does not hold yet.
//!
//! ```text
//! main
//! app
//! chat
//! editor
//! actions context
//! provider
//! config guide history logging terms
//! keys
//! disk git
//! bounded visible fence numbers calendar process model_facts
//! transcript words
//! ```
//!
//! The floors of the editor's side, in `lua/gpt`, in the same way; within a folder no files call each other in a circle:
//!
//! ```text
//! health plug commands
//! init
//! keymaps
//! arguments lsp
//! actions
//! ask chat
//! ui
//! context
//! code library
//! client
//! gate config slash textlock
//! border bounded cells fence front_matter near numbers project refusal
//! words
//! locale
//! messages tables
//! ```
//!
//! Who does what:
//!
//! ```text
//! main → app → chat (session → conversation, prompt → budget, painter) → provider (registry, wire, transport, catalogue)
//!                                                             → keys (secrets and their sources)
//!      app::{events, questions}: what the editor tells and asks, handed to whoever does something about it, with what
//!      handlers share (app::shared)
//!      app::{setup, chats, tasks}: what a configuration makes of the app, the chats that run, what is done beside
//!      app::keys, app::dialog: keys set and removed → keys, provider::transport
//!      app::models: which model answers, by choice or by the keys there are → provider (catalogue), keys, disk
//!      app::asking: headless questions of other plugins, beside all chats → provider
//!      app::context::lookup: context words → context (paths, reading, git, tree, secrets) → keys::Redactor
//!      app::gate: all that is sent for a user passes here → context (quoted, secrets), keys::vault
//!      app::actions, app::follow_ups: actions by command, map and in a prompt → actions (files, placeholders, git, answers)
//!      chat::session::{turn, asking}: a request goes out, and its answers come in → provider
//!      chat::session::{showing, ending}, painter: what that comes to on the screen → editor
//!      chat::{archive, journal, recall, session::{keeping, others}}, app::history: what is kept, brought back and handled → history
//!      chat::session::titles: a title, by the model where that is wanted → provider, history
//! actions: the built-in prompts and the user's; calls fence and git only
//! history: what is kept of chats, in SQLite; calls nobody
//! context::files: a project's files, for completion; calls nobody, asked by the app
//! editor: called through its trait `Editor` only; calls nobody: it puts events into the app's inbox
//! transcript: the message model: roles, ordered blocks, usage, ids; called by chat, wires and history, calls nobody
//! terms: what editor and chat both speak of (a region of a buffer, a notice), below both
//! fence: markdown's code fences; calls nobody
//! calendar: the days of history and provider; calls nobody
//! guide: the offline model, which answers from the manual; called by provider, calls fence and transcript
//! git: repositories read through a git directory of ours, for actions::git and context::git; calls process
//! process: children with a small environment, a time limit and bounded output; calls nobody
//! chat::conversation, prompt, budget: pure; they call nothing that waits · config, logging, disk: read and written at the edges
//! bounded: files are looked at before they are read, and read with a limit; called by all that reads files
//! visible: what a name can hide is shown; calls nobody
//! model_facts: windows, prices and ends of models; called by config, catalogue and all who show them, calls transcript
//! numbers: token counts and money in few signs, as data/numbers.json shows; lua/gpt/numbers.lua is the same
//! words: what a user reads, in their language, from one table; called by all of them, calls nobody
//! ```
//!
//! A request's way: `provider::transport` makes a call of it → `transport::retry` sends it again while that may help, without
//! what `transport::refused_fields` finds in a refusal → `transport::client` knows proxy and certificates.
//!
//! A token's way: `provider::transport` reads bytes → a wire's `Decoder` makes events → `chat::session` steps the
//! `chat::conversation` → its `Paint` effect joins the `chat::painter`'s canvas → one frame goes through
//! `editor::nvim` to `lua/gpt/chat`, which appends it to the buffer.

// Tests read what they wrote themselves.
#![cfg_attr(test, allow(clippy::disallowed_methods))]

pub mod actions;
pub mod app;
pub mod bounded;
pub mod calendar;
pub mod chat;
pub mod config;
pub mod context;
pub mod disk;
pub mod editor;
pub mod fence;
pub mod git;
pub mod guide;
pub mod history;
pub mod keys;
pub mod logging;
pub mod model_facts;
pub mod numbers;
pub mod process;
pub mod provider;
pub mod terms;
pub mod transcript;
pub mod visible;
pub mod words;
