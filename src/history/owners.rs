//! Records which processes have which chats open, and tells which of them still live.
//!
//! A process that writes holds a lock on a file of its own, `running/{name}.lock`, for as long as it lives: the system
//! lets go of it however the process ends. So nobody has to guess from process ids, which come again, or from beats,
//! which a machine that sleeps misses.

use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use super::place::{self, Lock};
use super::{Result, State, Time, clock, write};

/// A process that has a chat open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holder {
    /// Its process id.
    pub pid: u32,
    /// When it began.
    pub since: Time,
}

/// This process, as others see it.
#[derive(Debug)]
pub(super) struct Process {
    name: String,
    folder: PathBuf,
    lock: Option<Lock>,
    started: Time,
}

impl Process {
    /// Nothing is written before [`Self::announce`].
    pub(super) fn new(history: &Path) -> Self {
        let chance = RandomState::new().hash_one(std::process::id());
        Self {
            name: format!("{}-{chance:016x}", std::process::id()),
            folder: history.with_file_name("running"),
            lock: None,
            started: clock::now(),
        }
    }

    /// Takes the lock that says that this process lives; anew where somebody has deleted its file, since others would
    /// take this process for dead.
    pub(super) fn announce(&mut self) -> Result<()> {
        if self.lock.is_none() || !self.file(&self.name).exists() {
            place::make_folder(&self.folder)?;
            self.lock = place::try_lock(&self.file(&self.name), true)?;
        }
        Ok(())
    }

    /// This process's number in the database.
    pub(super) fn key(&self, transaction: &Transaction<'_>) -> Result<i64> {
        let find = "SELECT key FROM processes WHERE name = ?1";
        let found = transaction
            .prepare_cached(find)?
            .query_row([&self.name], |row| row.get(0))
            .optional()?;
        if let Some(key) = found {
            return Ok(key);
        }
        let insert = "INSERT INTO processes(name, pid, started) VALUES (?1, ?2, ?3)";
        transaction.execute(insert, params![self.name, std::process::id(), self.started])?;
        Ok(transaction.last_insert_rowid())
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.lock"))
    }

    /// A dead process's lock; `None` for one that lives. Whoever has it is alone in burying the dead.
    fn dead(&self, name: &str) -> Option<Option<Lock>> {
        match place::try_lock(&self.file(name), false) {
            Ok(Some(lock)) => Some(Some(lock)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Some(None),
            Ok(None) | Err(_) => None,
        }
    }

    /// The other processes that live and have the chat open.
    pub(super) fn holders(&self, connection: &Connection, chat: i64) -> Result<Vec<Holder>> {
        let others = "SELECT name, pid, started FROM claims JOIN processes ON processes.key = claims.process
                      WHERE chat = ?1 AND name <> ?2 ORDER BY started";
        let mut statement = connection.prepare_cached(others)?;
        let mut rows = statement.query(params![chat, self.name])?;
        let mut holders = Vec::new();
        while let Some(row) = rows.next()? {
            let name: String = row.get(0)?;
            if self.dead(&name).is_none() {
                let (pid, since) = (row.get(1)?, row.get(2)?);
                holders.push(Holder { pid, since });
            }
        }
        Ok(holders)
    }

    /// Marks what dead processes were writing as interrupted, and forgets them. Returns the number of messages.
    pub(super) fn sweep(&self, connection: &mut Connection) -> Result<usize> {
        let names = names(connection)?;
        let others = names.iter().filter(|(_, name)| *name != self.name);
        let dead: Vec<_> = others
            .filter_map(|(key, name)| Some((*key, name, self.dead(name)?)))
            .collect();
        if dead.is_empty() && !has_orphans(connection)? {
            return Ok(0);
        }
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for (key, ..) in &dead {
            transaction.execute("DELETE FROM processes WHERE key = ?1", [key])?;
        }
        let interrupted = interrupt(&transaction)?;
        transaction.commit()?;
        for (_, name, lock) in dead {
            fs::remove_file(self.file(name)).ok();
            drop(lock);
        }
        Ok(interrupted)
    }

    /// Says goodbye: what this process was writing is interrupted.
    pub(super) fn leave(&self, transaction: &Transaction<'_>) -> Result<()> {
        transaction.execute("DELETE FROM processes WHERE name = ?1", [&self.name])?;
        interrupt(transaction)?;
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.lock.is_some() {
            fs::remove_file(self.file(&self.name)).ok();
        }
    }
}

fn names(connection: &Connection) -> Result<Vec<(i64, String)>> {
    let mut statement = connection.prepare("SELECT key, name FROM processes")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Those whose process is known no more.
const ORPHANS: &str = "SELECT key FROM messages WHERE state = 'streaming'
                       AND (owner IS NULL OR owner NOT IN (SELECT key FROM processes))";

fn has_orphans(connection: &Connection) -> Result<bool> {
    Ok(connection.prepare(ORPHANS)?.exists([])?)
}

fn interrupt(transaction: &Transaction<'_>) -> Result<usize> {
    let mut statement = transaction.prepare(ORPHANS)?;
    let keys: Vec<i64> = statement
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for &key in &keys {
        write::settle(transaction, key, State::Interrupted)?;
    }
    Ok(keys.len())
}
