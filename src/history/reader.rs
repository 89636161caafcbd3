//! The reading thread: a connection that only reads, so that a long search holds no write up.

use std::path::PathBuf;

use rusqlite::Connection;

use super::connection::{self, Opened};
use super::{Limits, Result, search};

#[derive(Debug)]
pub(super) struct Reader {
    path: PathBuf,
    limits: Limits,
    opened: Option<Opened>,
    snippets: Option<Connection>,
}

impl Reader {
    /// Opens nothing yet.
    pub(super) fn new(path: PathBuf, limits: Limits) -> Self {
        Self {
            path,
            limits,
            opened: None,
            snippets: None,
        }
    }

    /// The connection to the file that stands in its place now.
    pub(super) fn connection(&mut self) -> Result<&Connection> {
        let current = self.opened.take().filter(|opened| !opened.is_replaced(&self.path));
        let current = match current {
            Some(current) => current,
            None => connection::open_reader(&self.path, self.limits)?,
        };
        Ok(&self.opened.insert(current).connection)
    }

    /// Closes the file.
    #[allow(clippy::unnecessary_wraps, reason = "a job's shape")]
    pub(super) fn close(&mut self) -> Result<()> {
        self.opened = None;
        Ok(())
    }

    /// The connection, and the one that cuts snippets.
    pub(super) fn connections(&mut self) -> Result<(&Connection, &Connection)> {
        self.connection()?;
        let snippets = match self.snippets.take() {
            Some(snippets) => snippets,
            None => search::snippets()?,
        };
        let snippets = &*self.snippets.insert(snippets);
        let Some(opened) = &self.opened else {
            return Err(super::HistoryError::Closed);
        };
        Ok((&opened.connection, snippets))
    }
}
