//! The writing thread: the only connection of this process that writes.

use std::path::PathBuf;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::connection::{self, Opened};
use super::owners::Process;
use super::{Aside, HistoryError, Holder, Limits, Result, place, write};

/// What a write outlives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Safety {
    /// The death of any process.
    Written,
    /// A power cut as well: it is synced to the disk, which takes some milliseconds.
    Synced,
}

#[derive(Debug)]
pub(super) struct Writer {
    path: PathBuf,
    limits: Limits,
    opened: Option<Opened>,
    process: Process,
}

impl Writer {
    /// Opens the file; returns also where a damaged one went, and how many answers were found broken off.
    pub(super) fn open(path: PathBuf, limits: Limits) -> Result<(Self, Option<Aside>, usize)> {
        let (mut opened, mut set_aside) = connection::open_or_replace(&path, limits)?;
        let process = Process::new(&path);
        let interrupted = match process.sweep(&mut opened.connection) {
            Err(HistoryError::Corrupt { .. }) => {
                set_aside = connection::put_aside(&path, opened, limits)?;
                opened = connection::open_or_replace(&path, limits)?.0;
                0
            }
            swept => swept?,
        };
        let writer = Self {
            path,
            limits,
            opened: Some(opened),
            process,
        };
        Ok((writer, set_aside, interrupted))
    }

    /// The connection to the file that stands in its place now.
    pub(super) fn connection(&mut self) -> Result<&mut Connection> {
        connect(&mut self.opened, &self.path, self.limits)
    }

    /// Does some work in a transaction; `work` also gets this process's number.
    ///
    /// # Errors
    /// Those of `work`. A damaged file is put aside, and the error says where.
    pub(super) fn run<T>(
        &mut self,
        safety: Safety,
        work: impl FnOnce(&Transaction<'_>, i64) -> Result<T>,
    ) -> Result<T> {
        let outcome = self.attempt(safety, work);
        self.after(outcome)
    }

    fn attempt<T>(&mut self, safety: Safety, work: impl FnOnce(&Transaction<'_>, i64) -> Result<T>) -> Result<T> {
        self.process.announce()?;
        let connection = connect(&mut self.opened, &self.path, self.limits)?;
        let level = if safety == Safety::Synced { "full" } else { "normal" };
        connection.pragma_update(None, "synchronous", level)?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let owner = self.process.key(&transaction)?;
        let value = work(&transaction, owner)?;
        transaction.commit()?;
        Ok(value)
    }

    /// Notes that this process has a chat open; returns the others that live and have.
    pub(super) fn claim(&mut self, chat: &str) -> Result<Vec<Holder>> {
        let swept = self.connection().map(drop).and_then(|()| self.sweep());
        self.after(swept)?;
        let key = self.run(Safety::Written, |tx, owner| {
            let chat = write::chat_key(tx, chat)?;
            write::claim(tx, owner, chat)?;
            Ok(chat)
        })?;
        let connection = connect(&mut self.opened, &self.path, self.limits)?;
        self.process.holders(connection, key)
    }

    fn sweep(&mut self) -> Result<usize> {
        let connection = connect(&mut self.opened, &self.path, self.limits)?;
        self.process.sweep(connection)
    }

    /// Says goodbye to the others, and closes the file.
    pub(super) fn close(&mut self) -> Result<()> {
        let connection = connect(&mut self.opened, &self.path, self.limits)?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        self.process.leave(&transaction)?;
        transaction.commit()?;
        self.opened = None;
        Ok(())
    }

    /// Takes the file for damaged, as somebody who read it has found.
    pub(super) fn damaged(&mut self, reason: String) -> Result<()> {
        self.connection()?;
        self.after(Err(HistoryError::Corrupt {
            reason,
            set_aside: None,
        }))
    }

    /// Reads all of the file.
    pub(super) fn check(&mut self) -> Result<()> {
        let checked = self.connection().and_then(|connection| connection::check(connection));
        let verdict = match checked {
            Ok(None) => Ok(()),
            Ok(Some(reason)) => Err(HistoryError::Corrupt {
                reason,
                set_aside: None,
            }),
            Err(error) => Err(error),
        };
        self.after(verdict)
    }

    /// Puts the file aside if it turned out to be damaged; the next write begins a new one.
    fn after<T>(&mut self, outcome: Result<T>) -> Result<T> {
        let Err(HistoryError::Corrupt {
            reason,
            set_aside: None,
        }) = outcome
        else {
            return outcome.map_err(|error| place::judged(error, &self.path));
        };
        tracing::error!(%reason, "the history is damaged: it is put aside");
        let set_aside = match self.opened.take() {
            Some(opened) => connection::put_aside(&self.path, opened, self.limits)?,
            None => None,
        };
        Err(HistoryError::Corrupt { reason, set_aside })
    }
}

/// Opens the file if it is not open, or is another one by now: it was put aside or deleted, and what is written into
/// that would be lost.
fn connect<'a>(opened: &'a mut Option<Opened>, path: &std::path::Path, limits: Limits) -> Result<&'a mut Connection> {
    if opened.as_ref().is_some_and(|opened| opened.is_replaced(path)) {
        *opened = None;
    }
    let current = match opened.take() {
        Some(current) => current,
        None => {
            let (current, set_aside) = connection::open_or_replace(path, limits)?;
            if set_aside.is_some() {
                *opened = Some(current);
                let reason = "found when it was opened again".to_owned();
                return Err(HistoryError::Corrupt { reason, set_aside });
            }
            current
        }
    };
    Ok(&mut opened.insert(current).connection)
}
