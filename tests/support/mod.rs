//! What the end-to-end tests and the benches stand on: a real Neovim with a screen, and a scripted HTTP server.
//!
//! Included by path (`#[path = "../support/mod.rs"] mod support;`), so it names nothing of the crate under test.
//!
//! - [`nvim`] starts an isolated Neovim in a [`home`]; [`client`] drives it; [`screen`] draws what a user would see of it.
//! - [`server`] plays the scripts of [`answer`] byte by byte, and records who asked what and when.
//! - [`tls`] puts a certificate before a server, [`proxy`] stands between.
//! - [`strict`] knows what each API insists on in a request.
//! - [`installation`] is a plugin without its program, and a release server.
//! - [`keyring`] is a Secret Service of its own, on a bus of its own.
//! - [`process`] looks at processes through `/proc`; [`wait`] holds the time limits; [`panics`] tells of a failure at once.
//!
//! Nothing sleeps for luck: a test waits for a redraw, a gate, a request or the end of a connection, and only what
//! has no event is asked for again every [`wait::POLL`]. Every wait has a limit, and says what it saw when it panics.
#![allow(dead_code)]

pub mod answer;
pub mod client;
pub mod home;
#[cfg(unix)]
pub mod installation;
#[cfg(target_os = "linux")]
pub mod keyring;
pub mod nvim;
pub mod panics;
pub mod process;
pub mod proxy;
pub mod screen;
pub mod server;
pub mod strict;
pub mod tls;
pub mod wait;
