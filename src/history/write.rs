//! Every change of chats and messages, each within the transaction of its caller.

use std::collections::HashMap;

use rusqlite::{OptionalExtension, ToSql, Transaction, params};

use super::record::push_part;
use super::{
    Chat, ChatInfo, End, HistoryError, Message, MessageRef, Notice, Part, Result, Spent, State, Time, Turn, Usage,
    signs,
};

/// What became of a turn's beginning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// The numbers of the new messages: those asked for, unless another process had taken them.
    pub ids: Vec<u64>,
    /// Whether the first of them stands beside another answer to the same message.
    pub is_branch: bool,
}

/// Saves the beginning of a turn; makes the chat if there is none.
pub(super) fn save_turn(transaction: &Transaction<'_>, owner: i64, turn: &Turn) -> Result<Saved> {
    let chat = match chat_key(transaction, &turn.chat.id) {
        Err(HistoryError::NoChat(_)) => insert_chat(transaction, &turn.chat, turn.at)?,
        key => key?,
    };
    let mut saved = Saved {
        ids: Vec::new(),
        is_branch: false,
    };
    let mut numbers = HashMap::new();
    for message in &turn.messages {
        let parent = message
            .parent
            .map(|parent| numbers.get(&parent).copied().unwrap_or(parent));
        if saved.ids.is_empty() {
            check_parent(transaction, chat, parent, &turn.chat.id)?;
            saved.is_branch = has_child(transaction, chat, parent)?;
        }
        let id = free_number(transaction, chat, message.id)?;
        numbers.insert(message.id, id);
        insert_message(
            transaction,
            Place {
                chat,
                id,
                parent,
                owner,
            },
            message,
        )?;
        saved.ids.push(id);
    }
    let update = "UPDATE chats SET updated = max(updated, ?2), provider = ?3, model = ?4, head = ifnull(?5, head)
                  WHERE key = ?1";
    let head = saved.ids.last();
    transaction
        .prepare_cached(update)?
        .execute(params![chat, turn.at, turn.chat.provider, turn.chat.model, head])?;
    claim(transaction, owner, chat)?;
    Ok(saved)
}

fn check_parent(transaction: &Transaction<'_>, chat: i64, parent: Option<u64>, id: &str) -> Result<()> {
    if let Some(parent) = parent {
        message_key(transaction, chat, parent)?.ok_or_else(|| HistoryError::NoMessage {
            chat: id.to_owned(),
            id: parent,
        })?;
    }
    Ok(())
}

fn has_child(transaction: &Transaction<'_>, chat: i64, parent: Option<u64>) -> Result<bool> {
    let mut find = transaction.prepare_cached("SELECT 1 FROM messages WHERE chat = ?1 AND parent IS ?2")?;
    Ok(find.exists(params![chat, parent])?)
}

fn free_number(transaction: &Transaction<'_>, chat: i64, wanted: u64) -> Result<u64> {
    if message_key(transaction, chat, wanted)?.is_none() {
        return Ok(wanted);
    }
    let mut next = transaction.prepare_cached("SELECT max(id) + 1 FROM messages WHERE chat = ?1")?;
    Ok(next.query_row([chat], |row| row.get(0))?)
}

/// The chat's row.
pub(super) fn chat_key(connection: &rusqlite::Connection, id: &str) -> Result<i64> {
    let mut find = connection.prepare_cached("SELECT key FROM chats WHERE id = ?1")?;
    let found = find.query_row([id], |row| row.get(0)).optional()?;
    found.ok_or_else(|| HistoryError::NoChat(id.to_owned()))
}

fn message_key(transaction: &Transaction<'_>, chat: i64, id: u64) -> Result<Option<i64>> {
    let mut find = transaction.prepare_cached("SELECT key FROM messages WHERE chat = ?1 AND id = ?2")?;
    Ok(find.query_row(params![chat, id], |row| row.get(0)).optional()?)
}

fn find_message(transaction: &Transaction<'_>, message: &MessageRef) -> Result<i64> {
    let missing = || HistoryError::NoMessage {
        chat: message.chat.clone(),
        id: message.id,
    };
    let chat = chat_key(transaction, &message.chat).map_err(|error| match error {
        HistoryError::NoChat(_) => missing(),
        error => error,
    })?;
    message_key(transaction, chat, message.id)?.ok_or_else(missing)
}

fn insert_chat(transaction: &Transaction<'_>, chat: &ChatInfo, updated: Time) -> Result<i64> {
    let project = chat
        .project
        .as_deref()
        .map(|root| project_key(transaction, root))
        .transpose()?;
    let insert = "INSERT INTO chats(id, created, updated, title, project, provider, model)
                  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let row = params![
        chat.id,
        chat.created,
        updated,
        chat.title,
        project,
        chat.provider,
        chat.model
    ];
    Ok(transaction.prepare_cached(insert)?.insert(row)?)
}

fn project_key(transaction: &Transaction<'_>, root: &str) -> Result<i64> {
    transaction.execute("INSERT OR IGNORE INTO projects(root) VALUES (?1)", [root])?;
    Ok(transaction.query_row("SELECT key FROM projects WHERE root = ?1", [root], |row| row.get(0))?)
}

/// Where a message goes, and whose it is.
struct Place {
    chat: i64,
    id: u64,
    parent: Option<u64>,
    owner: i64,
}

fn insert_message(transaction: &Transaction<'_>, at: Place, message: &Message) -> Result<()> {
    let insert = "INSERT INTO messages(chat, id, parent, role, state, owner, created, provider, model, finish)
                  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    let is_streaming = message.state == State::Streaming;
    let key = transaction.prepare_cached(insert)?.insert(params![
        at.chat,
        at.id,
        at.parent,
        message.role,
        message.state.kept(),
        is_streaming.then_some(at.owner),
        message.created,
        message.provider,
        message.model,
        message.finish,
    ])?;
    insert_parts(transaction, key, 0, &message.parts)?;
    insert_usage(transaction, key, message.usage)?;
    insert_notices(transaction, key, &message.notices)?;
    if is_streaming { Ok(()) } else { index(transaction, key) }
}

fn insert_parts(transaction: &Transaction<'_>, message: i64, first: i64, parts: &[Part]) -> Result<()> {
    let insert = "INSERT INTO parts(message, position, kind, content) VALUES (?1, ?2, ?3, ?4)";
    let mut insert = transaction.prepare_cached(insert)?;
    for (position, part) in (first..).zip(parts) {
        insert.execute(params![message, position, part.kind, part.content])?;
    }
    Ok(())
}

fn insert_usage(transaction: &Transaction<'_>, message: i64, usage: Option<Spent>) -> Result<()> {
    let Some(Spent { usage, cost }) = usage else {
        return Ok(());
    };
    let Usage {
        input,
        cached,
        output,
        reasoning,
    } = usage;
    let insert = "INSERT OR REPLACE INTO usage(message, input, cached, output, reasoning, cost)
                  VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let cost = cost.filter(|cost| cost.is_finite());
    transaction
        .prepare_cached(insert)?
        .execute(params![message, input, cached, output, reasoning, cost])?;
    Ok(())
}

fn insert_notices(transaction: &Transaction<'_>, message: i64, notices: &[Notice]) -> Result<()> {
    let insert = "INSERT OR REPLACE INTO notices(message, position, level, content) VALUES (?1, ?2, ?3, ?4)";
    for (position, notice) in (0i64..).zip(notices) {
        let content = notice.content.to_string();
        transaction
            .prepare_cached(insert)?
            .execute(params![message, position, notice.level, content])?;
    }
    Ok(())
}

/// What messages say; which ones is to be added.
const SAID: &str = "SELECT messages.key, group_concat(parts.content, '' ORDER BY parts.position),
                           'p' || ifnull(chats.project, 0)
                    FROM messages JOIN chats ON chats.key = messages.chat JOIN parts ON parts.message = messages.key
                    WHERE parts.kind = 'text'";

/// Lets a message be found by its text.
fn index(transaction: &Transaction<'_>, message: i64) -> Result<()> {
    let select = format!("{SAID} AND messages.key = ?1 GROUP BY messages.key");
    index_said(transaction, &select, &[&message])
}

/// Lets every message be found by its text.
pub(super) fn index_all(transaction: &Transaction<'_>) -> Result<()> {
    index_said(transaction, &format!("{SAID} GROUP BY messages.key"), &[])
}

fn index_said(transaction: &Transaction<'_>, select: &str, which: &[&dyn ToSql]) -> Result<()> {
    let mut select = transaction.prepare_cached(select)?;
    let insert = "INSERT OR REPLACE INTO words(rowid, text, project) VALUES (?1, ?2, ?3)";
    let mut insert = transaction.prepare_cached(insert)?;
    let mut rows = select.query(which)?;
    while let Some(row) = rows.next()? {
        let said = signs::apart(row.get_ref(1)?.as_str().unwrap_or_default());
        insert.execute(params![row.get::<_, i64>(0)?, said, row.get::<_, String>(2)?])?;
    }
    Ok(())
}

/// Adds to an answer what it has said since the last time, in rows of their own.
pub(super) fn append(transaction: &Transaction<'_>, message: &MessageRef, parts: &[Part]) -> Result<()> {
    let key = find_message(transaction, message)?;
    append_to(transaction, key, parts)
}

fn append_to(transaction: &Transaction<'_>, key: i64, parts: &[Part]) -> Result<()> {
    let next = "SELECT ifnull(max(position) + 1, 0) FROM parts WHERE message = ?1";
    let next = transaction.prepare_cached(next)?.query_row([key], |row| row.get(0))?;
    insert_parts(transaction, key, next, parts)
}

/// Lets an answer consist of these parts, and of nothing that was appended before.
pub(super) fn rewrite(transaction: &Transaction<'_>, message: &MessageRef, parts: &[Part]) -> Result<()> {
    let key = find_message(transaction, message)?;
    transaction.execute("DELETE FROM parts WHERE message = ?1", [key])?;
    insert_parts(transaction, key, 0, parts)
}

/// Ends an answer: all that it said, how it ended and what it took.
pub(super) fn finish(transaction: &Transaction<'_>, message: &MessageRef, rest: &[Part], end: &End) -> Result<()> {
    let key = find_message(transaction, message)?;
    append_to(transaction, key, rest)?;
    settle(transaction, key, end.state)?;
    transaction.execute(
        "UPDATE messages SET finish = ?2 WHERE key = ?1",
        params![key, end.finish],
    )?;
    insert_usage(transaction, key, end.usage)?;
    transaction.execute("DELETE FROM notices WHERE message = ?1", [key])?;
    insert_notices(transaction, key, &end.notices)?;
    let chat = chat_key(transaction, &message.chat)?;
    transaction.execute(
        "UPDATE chats SET updated = max(updated, ?2) WHERE key = ?1",
        params![chat, end.at],
    )?;
    count(transaction, chat)
}

/// Makes one row of a stream's pieces, and lets it be found.
pub(super) fn settle(transaction: &Transaction<'_>, message: i64, state: State) -> Result<()> {
    let mut parts = Vec::new();
    let pieces = each_piece(transaction, message, &mut parts)?;
    if pieces > parts.len() {
        transaction.execute("DELETE FROM parts WHERE message = ?1", [message])?;
        insert_parts(transaction, message, 0, &parts)?;
    }
    let update = "UPDATE messages SET state = ?2, owner = NULL WHERE key = ?1";
    transaction
        .prepare_cached(update)?
        .execute(params![message, state.kept()])?;
    index(transaction, message)
}

fn each_piece(transaction: &Transaction<'_>, message: i64, parts: &mut Vec<Part>) -> Result<usize> {
    let all = "SELECT kind, content FROM parts WHERE message = ?1 ORDER BY position";
    let mut all = transaction.prepare_cached(all)?;
    let mut rows = all.query([message])?;
    let mut pieces = 0;
    while let Some(row) = rows.next()? {
        push_part(parts, row.get(0)?, row.get_ref(1)?.as_str().unwrap_or_default());
        pieces += 1;
    }
    Ok(pieces)
}

/// Adds up what a chat has taken.
fn count(transaction: &Transaction<'_>, chat: i64) -> Result<()> {
    let update = "UPDATE chats SET (input, output, cost) = (
                    SELECT ifnull(sum(usage.input), 0), ifnull(sum(usage.output), 0), ifnull(sum(usage.cost), 0.0)
                    FROM messages JOIN usage ON usage.message = messages.key WHERE messages.chat = ?1
                  ) WHERE key = ?1";
    transaction.prepare_cached(update)?.execute([chat])?;
    Ok(())
}

/// Notes that a process has a chat open.
pub(super) fn claim(transaction: &Transaction<'_>, owner: i64, chat: i64) -> Result<()> {
    let insert = "INSERT OR IGNORE INTO claims(chat, process) VALUES (?1, ?2)";
    transaction.prepare_cached(insert)?.execute([chat, owner])?;
    Ok(())
}

/// Notes that a process has closed a chat.
pub(super) fn release(transaction: &Transaction<'_>, owner: i64, chat: &str) -> Result<()> {
    let delete = "DELETE FROM claims WHERE process = ?2 AND chat = (SELECT key FROM chats WHERE id = ?1)";
    transaction.execute(delete, params![chat, owner])?;
    Ok(())
}

/// Shows another branch, if the one that is shown is still `expected`. `false`: it is not, and nothing changed.
pub(super) fn set_head(transaction: &Transaction<'_>, chat: &str, expected: Option<u64>, head: u64) -> Result<bool> {
    let key = chat_key(transaction, chat)?;
    check_parent(transaction, key, Some(head), chat)?;
    let update = "UPDATE chats SET head = ?3 WHERE key = ?1 AND head IS ?2";
    Ok(transaction.execute(update, params![key, expected, head])? == 1)
}

/// Gives a chat another title.
pub(super) fn rename(transaction: &Transaction<'_>, chat: &str, title: &str) -> Result<()> {
    one(
        transaction.execute("UPDATE chats SET title = ?2 WHERE id = ?1", [chat, title])?,
        chat,
    )
}

/// Gives a chat another title if it still has `from`.
pub(super) fn retitle(transaction: &Transaction<'_>, chat: &str, from: &str, to: &str) -> Result<()> {
    transaction.execute(
        "UPDATE chats SET title = ?3 WHERE id = ?1 AND title = ?2",
        [chat, from, to],
    )?;
    Ok(())
}

/// Deletes a chat with all that belongs to it.
pub(super) fn delete(transaction: &Transaction<'_>, chat: &str) -> Result<()> {
    one(transaction.execute("DELETE FROM chats WHERE id = ?1", [chat])?, chat)
}

fn one(changed: usize, chat: &str) -> Result<()> {
    if changed == 0 {
        Err(HistoryError::NoChat(chat.to_owned()))
    } else {
        Ok(())
    }
}

/// Saves a whole chat. `false`: there is one of that id, and nothing changed.
pub(super) fn import(transaction: &Transaction<'_>, owner: i64, chat: &Chat) -> Result<bool> {
    match chat_key(transaction, &chat.info.id) {
        Ok(_) => return Ok(false),
        Err(HistoryError::NoChat(_)) => {}
        Err(error) => return Err(error),
    }
    let key = insert_chat(transaction, &chat.info, chat.updated)?;
    for message in &chat.messages {
        let (id, parent) = (message.id, message.parent);
        insert_message(
            transaction,
            Place {
                chat: key,
                id,
                parent,
                owner,
            },
            message,
        )?;
    }
    transaction.execute("UPDATE chats SET head = ?2 WHERE key = ?1", params![key, chat.head])?;
    count(transaction, key)?;
    Ok(true)
}
