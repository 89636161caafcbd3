//! Forgets what is old, gives space back, and checks: all in small steps, so that nobody waits for them.

use rusqlite::{Connection, Transaction, params};

use super::{Result, Time};

/// How many chats are deleted in one transaction.
const AT_ONCE: u32 = 20;
/// How many pages are given back in one step.
const PAGES_AT_ONCE: u32 = 256;
/// How many pages of the index are merged in one step.
const INDEX_PAGES_AT_ONCE: u32 = 500;
/// A day in milliseconds.
const DAY: i64 = 86_400_000;
/// The least time without a chat that may be a clock that has jumped, in days.
const LEAST_JUMP: u32 = 7;

/// How much is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Retention {
    /// Chats that have not changed for so many days are deleted; not by a clock that has jumped.
    pub days: Option<u32>,
    /// The oldest chats are deleted until the file needs no more than so many bytes.
    pub bytes: Option<u64>,
}

/// How large the history is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Size {
    /// Its chats.
    pub chats: u64,
    /// The bytes in use.
    pub used: u64,
    /// The bytes of the file that are free.
    pub free: u64,
}

/// Deletes a few of the chats that are too old or too much; chats that a process has open stay. Returns how many were
/// deleted: with 0 it is done.
pub(super) fn prune(transaction: &Transaction<'_>, retention: Retention, now: Time) -> Result<usize> {
    let mut deleted = 0;
    if let Some(days) = retention.days {
        let now = believed(transaction, days, now)?;
        deleted += delete_oldest(transaction, now.saturating_sub(i64::from(days) * DAY), AT_ONCE)?;
    }
    if retention
        .bytes
        .is_some_and(|most| size(transaction).is_ok_and(|size| size.used > most))
    {
        deleted += delete_oldest(transaction, Time::MAX, AT_ONCE / 4)?;
    }
    Ok(deleted)
}

/// The time that is believed: a clock that has jumped must not make everything old. After a pause that is long enough to
/// make everything old, the clock is only believed once a day has gone by with it, or it has been followed by two more
/// pauses; until then it counts as the time of the last chat before the pause.
fn believed(connection: &Connection, days: u32, now: Time) -> Result<Time> {
    let jump = i64::from(days.max(LEAST_JUMP)) * DAY;
    let mut select =
        connection.prepare_cached("SELECT updated FROM chats WHERE updated <= ?1 ORDER BY updated DESC")?;
    let mut times = select.query([now])?;
    let (mut newest, mut last, mut pauses) = (now, now, 0);
    while let Some(row) = times.next()? {
        let time: Time = row.get(0)?;
        if last.saturating_sub(time) > jump {
            pauses += 1;
            newest = time;
            if pauses == 2 {
                break;
            }
        }
        last = time;
        if newest.saturating_sub(last) >= DAY {
            break;
        }
    }
    Ok(newest)
}

/// Deletes a few chats, whoever has them open. Returns how many: with 0 it is done.
pub(super) fn clear(transaction: &Transaction<'_>) -> Result<usize> {
    Ok(transaction.execute(
        "DELETE FROM chats WHERE key IN (SELECT key FROM chats LIMIT ?1)",
        [AT_ONCE],
    )?)
}

fn delete_oldest(transaction: &Transaction<'_>, before: Time, most: u32) -> Result<usize> {
    let delete = "DELETE FROM chats WHERE key IN (
                    SELECT key FROM chats WHERE updated < ?1 AND key NOT IN (SELECT chat FROM claims)
                    ORDER BY updated LIMIT ?2)";
    Ok(transaction.execute(delete, params![before, most])?)
}

/// Takes a step of tidying the index: what is deleted gives its pages back only when its part of the index is merged
/// with others. Returns whether there is more to do.
pub(super) fn merge(connection: &Connection) -> Result<bool> {
    let before = connection.total_changes();
    connection.execute(
        "INSERT INTO words(words, rank) VALUES ('merge', ?1)",
        [INDEX_PAGES_AT_ONCE],
    )?;
    // One change is the statement's own (<https://sqlite.org/fts5.html#the_merge_command>).
    Ok(connection.total_changes().saturating_sub(before) > 1)
}

/// How large the history is.
pub(super) fn size(connection: &Connection) -> Result<Size> {
    let pragma = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, u64>(0));
    let (page, pages, free) = (pragma("page_size")?, pragma("page_count")?, pragma("freelist_count")?);
    let chats = connection.query_row("SELECT count(*) FROM chats", [], |row| row.get(0))?;
    Ok(Size {
        chats,
        used: page * pages.saturating_sub(free),
        free: page * free,
    })
}

/// Gives some free pages back to the system. Returns whether there are more.
pub(super) fn shrink(connection: &Connection) -> Result<bool> {
    let mut statement = connection.prepare(&format!("PRAGMA incremental_vacuum({PAGES_AT_ONCE})"))?;
    let mut rows = statement.query([])?;
    while rows.next()?.is_some() {}
    Ok(size(connection)?.free > 0)
}

/// Brings the journal into the file: only then is that as small as it may be. Waits for nobody.
pub(super) fn optimize(connection: &Connection) -> Result<()> {
    connection.execute_batch("PRAGMA optimize; PRAGMA wal_checkpoint(PASSIVE)")?;
    Ok(())
}

/// Writes the file anew without its free pages, so that nothing deleted is left in it, and empties the journal.
pub(super) fn vacuum(connection: &Connection) -> Result<()> {
    for index in ["words", "titles"] {
        connection.execute_batch(&format!("INSERT INTO {index}({index}) VALUES ('optimize')"))?;
    }
    connection.execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE)")?;
    Ok(())
}
