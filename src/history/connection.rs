//! Opens the file: its mode, its pragmas, its version, and a first look at whether it can be read.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::{Aside, HistoryError, Result, aside, migrate, place, rescue, schema};

/// What the history may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How long to wait for another process that writes.
    pub busy: Duration,
    /// The most pages of 4 KB that the file may have; `None`: SQLite's own limit.
    pub pages: Option<u32>,
    /// The steps that bring a file up to this program's version: [`schema::STEPS`], but for tests.
    pub steps: &'static [&'static str],
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            busy: Duration::from_secs(5),
            pages: None,
            steps: schema::STEPS,
        }
    }
}

/// A connection, and the file that it has open.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) connection: Connection,
    identity: Option<(u64, u64)>,
}

impl Opened {
    /// Whether another file stands in the place of the one that is open.
    pub(super) fn is_replaced(&self, path: &Path) -> bool {
        self.identity != place::identity(path)
    }
}

/// Opens the file for writing. A damaged one is put aside, and a new one begun; returns where it went.
pub(super) fn open_or_replace(path: &Path, limits: Limits) -> Result<(Opened, Option<Aside>)> {
    if let Some(folder) = path.parent() {
        place::make_folder(folder)?;
    }
    open_alone(path, limits).map_err(|error| place::judged(error, path))
}

fn open_alone(path: &Path, limits: Limits) -> Result<(Opened, Option<Aside>)> {
    // One at a time: making a file, changing its journal's mode and putting it aside bear no second process.
    let _alone = place::lock(&path.with_extension("lock"), limits.busy)?;
    match open(path, limits) {
        Err(HistoryError::Corrupt { reason, .. }) => {
            tracing::error!(%reason, "the history is damaged: it is put aside");
            let moved = replace(path, limits)?;
            Ok((open(path, limits)?, Some(moved)))
        }
        opened => Ok((opened?, None)),
    }
}

/// Puts the file aside if it is still the one that `damaged` has open; whoever comes later only opens the new one.
pub(super) fn put_aside(path: &Path, damaged: Opened, limits: Limits) -> Result<Option<Aside>> {
    let _alone = place::lock(&path.with_extension("lock"), limits.busy)?;
    if damaged.is_replaced(path) {
        return Ok(None);
    }
    drop(damaged);
    replace(path, limits).map(Some)
}

/// Puts a damaged file aside. In its place comes a new one with what can be read of it, in one step: whoever opens it
/// meanwhile waits for that. Where nothing comes of it (no room, say), nothing stands there.
fn replace(path: &Path, limits: Limits) -> Result<Aside> {
    let new = aside::with_suffix(path, ".rescued");
    aside::remove(&new);
    let rescued = open(&new, limits).and_then(|opened| {
        let mut connection = opened.connection;
        let chats = rescue::copy(path, &mut connection)?;
        connection.close().map_err(|(_, error)| error)?;
        Ok(chats)
    });
    let file = aside::put(path, super::now())?;
    match &rescued {
        Ok(_) => std::fs::rename(&new, path)?,
        Err(error) => tracing::error!(%error, "nothing could be taken over from the damaged history"),
    }
    aside::remove(&new);
    let chats = rescued.unwrap_or_default();
    Ok(Aside { file, chats })
}

fn open(path: &Path, limits: Limits) -> Result<Opened> {
    place::make_private(path)?;
    let identity = place::identity(path);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(limits.busy)?;
    // Before anything is read: that would leave files beside it which nobody may write either.
    if connection.is_readonly("main")? {
        let reason = format!("{} is read-only", path.display());
        return Err(HistoryError::ReadOnly { reason });
    }
    refuse_newer(&connection, limits)?;
    prepare(&connection, limits)?;
    migrate::apply(&mut connection, limits.steps)?;
    look(&connection)?;
    Ok(Opened { connection, identity })
}

fn refuse_newer(connection: &Connection, limits: Limits) -> Result<()> {
    let known = u32::try_from(limits.steps.len()).unwrap_or(u32::MAX);
    match migrate::version(connection)? {
        found if found > known => Err(HistoryError::Newer { found, known }),
        // Tables and no step: the version was lost. No step is ever taken twice.
        0 if connection.table_exists(None, "chats")? => Err(HistoryError::corrupt("its version is lost".to_owned())),
        _ => Ok(()),
    }
}

fn prepare(connection: &Connection, limits: Limits) -> Result<()> {
    connection.set_prepared_statement_cache_capacity(64);
    // Before the first table, or it has no effect: pages that are free can be given back without writing all anew.
    // Only then: it takes the lock that writers take.
    if connection.pragma_query_value(None, "page_count", |row| row.get::<_, i64>(0))? == 0 {
        connection.pragma_update(None, "auto_vacuum", "incremental")?;
    }
    connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "normal")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // What is deleted is gone from the file too, where that costs no write of its own.
    connection.pragma_update_and_check(None, "secure_delete", "fast", |_| Ok(()))?;
    connection.pragma_update_and_check(None, "journal_size_limit", 8 << 20, |_| Ok(()))?;
    if let Some(pages) = limits.pages {
        connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))?;
    }
    Ok(())
}

/// A first look at each table: a file that was cut or overwritten shows it here. A whole check takes seconds, and is for
/// [`super::History::check`].
fn look(connection: &Connection) -> Result<()> {
    for table in [
        "projects",
        "chats",
        "processes",
        "claims",
        "messages",
        "parts",
        "usage",
        "notices",
        "words",
        "titles",
    ] {
        let mut first = connection.prepare(&format!("SELECT 1 FROM {table} LIMIT 1"))?;
        first.exists([])?;
    }
    Ok(())
}

/// Opens the file for reading.
pub(super) fn open_reader(path: &Path, limits: Limits) -> Result<Opened> {
    let identity = place::identity(path);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(limits.busy)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(Opened { connection, identity })
}

/// Reads all of the file; returns what is wrong with it.
pub(super) fn check(connection: &Connection) -> Result<Option<String>> {
    let verdict: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    Ok((verdict != "ok").then_some(verdict))
}
