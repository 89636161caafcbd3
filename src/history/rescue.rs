//! Gets out of a damaged file what can still be read of it, into a new one. The damaged file is only read: nothing is
//! mended in its place, so that it stays what it was for whoever knows more.
//!
//! Tables are read in the order of their keys, without any index; where a page cannot be read, the rows on it are left
//! out and the next ones taken. Where the first page is damaged, which says where the tables begin, all pages are looked
//! at ([`salvage`]). Indexes are not copied but made anew: damage of these alone loses nothing.

use std::path::Path;

use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags, Transaction, params_from_iter};

use super::{Result, migrate, salvage, schema, write};

/// A table: its name, what its rows are ordered by, and its columns.
struct Table {
    name: &'static str,
    key: &'static str,
    columns: &'static [&'static str],
}

/// What is copied, parents first. Who had which chat open is not: whoever lives says so again.
const TABLES: [Table; 6] = [
    Table {
        name: "projects",
        key: "key",
        columns: &["key", "root"],
    },
    Table {
        name: "chats",
        key: "key",
        columns: &[
            "key", "id", "created", "updated", "title", "project", "provider", "model", "head", "input", "output",
            "cost",
        ],
    },
    Table {
        name: "messages",
        key: "key",
        columns: &[
            "key", "chat", "id", "parent", "role", "state", "created", "provider", "model", "finish",
        ],
    },
    Table {
        name: "parts",
        key: "rowid",
        columns: &["rowid", "message", "position", "kind", "content"],
    },
    Table {
        name: "usage",
        key: "message",
        columns: &["message", "input", "cached", "output", "reasoning", "cost"],
    },
    Table {
        name: "notices",
        key: "message",
        columns: &["message", "position", "level", "content"],
    },
];

/// The column of `messages` that is not copied.
const OWNER: usize = 6;
/// How many keys in a row may be unreadable before a table counts as read to its end, where that is unknown.
const MOST_SKIPPED: i64 = 100_000;

/// Sets right what refers to something that could not be read: no message is lost for the sake of another.
const MEND: &str = "
DELETE FROM messages WHERE role NOT IN ('system', 'user', 'assistant');
UPDATE messages SET state = 'interrupted' WHERE state NOT IN ('whole', 'stopped', 'failed');
DELETE FROM parts WHERE message NOT IN (SELECT key FROM messages)
  OR kind NOT IN ('text', 'reasoning', 'tool_call', 'context', 'citation');
DELETE FROM usage WHERE message NOT IN (SELECT key FROM messages);
DELETE FROM notices WHERE message NOT IN (SELECT key FROM messages);
INSERT INTO chats(key, id, created, updated, title, provider, model)
  SELECT chat, 'rescued-' || chat, min(created), max(created), '…', ifnull(max(provider), ''), ifnull(max(model), '')
  FROM messages WHERE chat NOT IN (SELECT key FROM chats) GROUP BY chat;
UPDATE chats SET project = NULL WHERE project NOT IN (SELECT key FROM projects);
UPDATE messages SET parent =
    (SELECT max(id) FROM messages AS before WHERE before.chat = messages.chat AND before.id < messages.id)
  WHERE parent IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM messages AS before WHERE before.chat = messages.chat AND before.id = messages.parent);
UPDATE chats SET head = (SELECT max(id) FROM messages WHERE chat = chats.key)
  WHERE NOT EXISTS (SELECT 1 FROM messages WHERE chat = chats.key AND id = chats.head);
";

/// Copies what can be read of a damaged file into a new one, which is open. Returns the number of chats.
///
/// # Errors
/// Of the new file. Of a damaged one that cannot be read at all, nothing comes.
pub(super) fn copy(damaged: &Path, new: &mut Connection) -> Result<u64> {
    new.pragma_update(None, "foreign_keys", false)?;
    let transaction = new.transaction()?;
    if let Ok(damaged) = open(damaged) {
        for table in &TABLES {
            copy_table(&damaged, &transaction, table)?;
        }
    }
    if lacks_a_table(&transaction)? {
        salvage::rows(damaged, |row| insert(&transaction, row))?;
    }
    transaction.execute_batch(MEND)?;
    write::index_all(&transaction)?;
    let chats = transaction.query_row("SELECT count(*) FROM chats", [], |row| row.get(0))?;
    transaction.commit()?;
    Ok(chats)
}

/// Whether nothing of a table has come: the first page, which says where they begin, may be damaged.
fn lacks_a_table(new: &Transaction<'_>) -> Result<bool> {
    let select = "SELECT NOT (EXISTS (SELECT 1 FROM chats) AND EXISTS (SELECT 1 FROM messages)
                              AND EXISTS (SELECT 1 FROM parts))";
    Ok(new.query_row(select, [], |row| row.get(0))?)
}

/// Takes over a row that was found without its table. The ones that are there stay.
fn insert(new: &Transaction<'_>, row: salvage::Row) -> Result<()> {
    let Some(table) = TABLES.iter().find(|table| table.name == row.table) else {
        return Ok(());
    };
    let mut values = row.values;
    match table.name {
        "notices" => {}
        "parts" => values.insert(0, Value::Integer(row.number)),
        name => {
            // A key is the row's number; who was streaming a message is not copied.
            if let Some(key) = values.first_mut() {
                *key = Value::Integer(row.number);
            }
            if name == "messages" && values.len() > OWNER {
                values.remove(OWNER);
            }
        }
    }
    let marks = vec!["?"; table.columns.len()].join(", ");
    let insert = format!(
        "INSERT OR IGNORE INTO {}({}) VALUES ({marks})",
        table.name,
        table.columns.join(", ")
    );
    match new.prepare_cached(&insert)?.execute(params_from_iter(values)) {
        Ok(_) => Ok(()),
        Err(error) => refuse_unless_odd(error),
    }
}

/// Opens a damaged file to read it. One of an earlier version has other tables, and is left as it is.
fn open(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    // Lets a file be read that is shorter than it says. Nothing is written.
    connection.pragma_update(None, "writable_schema", true)?;
    let version = migrate::version(&connection)?;
    if usize::try_from(version).ok() != Some(schema::STEPS.len()) {
        let reason = format!("version {version}");
        return Err(super::HistoryError::Failed { reason });
    }
    Ok(connection)
}

fn copy_table(damaged: &Connection, new: &Transaction<'_>, table: &Table) -> Result<()> {
    let Table { name, key, columns } = table;
    let last = format!("SELECT max({key}) FROM {name} NOT INDEXED");
    let last: Option<i64> = damaged.query_row(&last, [], |row| row.get(0)).ok().flatten();
    let (mut after, mut skipped) = (0, 0);
    while last.is_none_or(|last| after < last) && skipped < MOST_SKIPPED {
        let before = after;
        match copy_rows(damaged, new, table, &mut after)? {
            Copied::All => return Ok(()),
            Copied::UpToDamage => {
                skipped = if after == before { skipped + 1 } else { 1 };
                after += 1;
            }
        }
    }
    tracing::warn!(
        table = name,
        columns = columns.len(),
        "the end of a table could not be read"
    );
    Ok(())
}

enum Copied {
    All,
    UpToDamage,
}

/// Copies the rows with keys above `after`, up to the first one that cannot be read; `after` goes along.
fn copy_rows(damaged: &Connection, new: &Transaction<'_>, table: &Table, after: &mut i64) -> Result<Copied> {
    let Table { name, key, columns } = table;
    let listed = columns.join(", ");
    let select = format!("SELECT {key}, {listed} FROM {name} NOT INDEXED WHERE {key} > ?1 ORDER BY {key}");
    let marks = vec!["?"; columns.len()].join(", ");
    let insert = format!("INSERT OR IGNORE INTO {name}({listed}) VALUES ({marks})");
    let mut insert = new.prepare_cached(&insert)?;
    let Ok(mut select) = damaged.prepare_cached(&select) else {
        return Ok(Copied::All); // its place in the schema is lost, and with it every row
    };
    let Ok(mut rows) = select.query([*after]) else {
        return Ok(Copied::UpToDamage);
    };
    loop {
        match rows.next() {
            Ok(Some(row)) => {
                *after = row.get(0)?;
                let values = (1..=columns.len()).map(|column| readable(row, column));
                let values = values.collect::<rusqlite::Result<Vec<Value>>>()?;
                // What breaks a rule of the table is no row of ours.
                if let Err(error) = insert.execute(params_from_iter(values)) {
                    refuse_unless_odd(error)?;
                }
            }
            Ok(None) => return Ok(Copied::All),
            Err(_) => return Ok(Copied::UpToDamage),
        }
    }
}

/// A value; text that is none any more as far as it is.
fn readable(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<Value> {
    use rusqlite::types::ValueRef;
    Ok(match row.get_ref(column)? {
        ValueRef::Text(bytes) => Value::Text(String::from_utf8_lossy(bytes).into_owned()),
        ValueRef::Null => Value::Null,
        ValueRef::Integer(value) => Value::Integer(value),
        ValueRef::Real(value) => Value::Real(value),
        ValueRef::Blob(value) => Value::Blob(value.to_vec()),
    })
}

fn refuse_unless_odd(error: rusqlite::Error) -> Result<()> {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::ConstraintViolation | rusqlite::ErrorCode::TypeMismatch) => Ok(()),
        _ => Err(error.into()),
    }
}
