//! Lists chats, and loads them.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::record::push_part;
use super::{Chat, ChatInfo, HistoryError, Message, Notice, Result, Spent, State, Time, Totals, Usage};

/// Which chats to list.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// The root of the project whose chats come first.
    pub project: Option<String>,
    /// How many to leave out at the beginning.
    pub offset: u32,
    /// How many at most.
    pub limit: u32,
}

/// A chat in a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// Its beginning.
    pub info: ChatInfo,
    /// When it last changed.
    pub updated: Time,
    /// What it has taken.
    pub totals: Totals,
    /// How many messages it has.
    pub messages: u32,
    /// How many branches end somewhere; 1 for a chat that went straight on.
    pub branches: u32,
}

/// The newest first; those of the project before the others.
pub(super) fn list(connection: &Connection, wanted: &Listing) -> Result<Vec<Listed>> {
    // The inner query is answered by the index on times alone.
    let keys = "SELECT key FROM chats
                ORDER BY ifnull(project = (SELECT key FROM projects WHERE root = ?1), 0) DESC, updated DESC
                LIMIT ?2 OFFSET ?3";
    let mut keys = connection.prepare_cached(keys)?;
    let rows = keys.query_map(params![wanted.project, wanted.limit, wanted.offset], |row| row.get(0))?;
    let keys = rows.collect::<rusqlite::Result<Vec<i64>>>()?;
    let found = keys.into_iter().map(|key| listed(connection, key));
    found.filter_map(Result::transpose).collect()
}

/// A chat as it stands in lists; `None` if it has been deleted meanwhile.
pub(super) fn listed(connection: &Connection, key: i64) -> Result<Option<Listed>> {
    let select = "SELECT chats.id, title, root, provider, model, created, updated, input, output, cost,
                    (SELECT count(*) FROM messages WHERE chat = chats.key),
                    (SELECT count(*) FROM messages m WHERE chat = chats.key
                       AND NOT EXISTS (SELECT 1 FROM messages c WHERE c.chat = m.chat AND c.parent = m.id))
                  FROM chats LEFT JOIN projects ON projects.key = project WHERE chats.key = ?1";
    let mut select = connection.prepare_cached(select)?;
    let found = select.query_row([key], |row| {
        Ok(Listed {
            info: info(row)?,
            updated: row.get(6)?,
            totals: totals(row)?,
            messages: row.get(10)?,
            branches: row.get(11)?,
        })
    });
    Ok(found.optional()?)
}

fn info(row: &Row<'_>) -> rusqlite::Result<ChatInfo> {
    Ok(ChatInfo {
        id: row.get(0)?,
        title: row.get(1)?,
        project: row.get(2)?,
        provider: row.get(3)?,
        model: row.get(4)?,
        created: row.get(5)?,
    })
}

fn totals(row: &Row<'_>) -> rusqlite::Result<Totals> {
    Ok(Totals {
        input: row.get(7)?,
        output: row.get(8)?,
        cost: row.get(9)?,
    })
}

/// A chat with its messages from number `from` on.
pub(super) fn load(connection: &Connection, id: &str, from: u64) -> Result<Chat> {
    // One snapshot for all that follows, or a message might be there twice or not at all.
    let snapshot = connection.unchecked_transaction()?;
    let select = "SELECT chats.id, title, root, provider, model, created, updated, input, output, cost, head, chats.key
                  FROM chats LEFT JOIN projects ON projects.key = project WHERE chats.id = ?1";
    let found = snapshot.prepare_cached(select)?.query_row([id], |row| {
        let chat = Chat {
            info: info(row)?,
            updated: row.get(6)?,
            head: row.get(10)?,
            totals: totals(row)?,
            messages: Vec::new(),
        };
        Ok((chat, row.get::<_, i64>(11)?))
    });
    let (mut chat, key) = found.optional()?.ok_or_else(|| HistoryError::NoChat(id.to_owned()))?;
    chat.messages = messages(&snapshot, key, from)?;
    Ok(chat)
}

fn messages(connection: &Connection, chat: i64, from: u64) -> Result<Vec<Message>> {
    let mut messages = Vec::new();
    let mut places = HashMap::new();
    let select = "SELECT id, parent, role, state, created, provider, model, finish,
                    usage.message, input, cached, output, reasoning, cost
                  FROM messages LEFT JOIN usage ON usage.message = messages.key
                  WHERE chat = ?1 AND id >= ?2 ORDER BY id";
    let mut select = connection.prepare_cached(select)?;
    let mut rows = select.query(params![chat, from])?;
    while let Some(row) = rows.next()? {
        let message = message(row)?;
        places.insert(message.id, messages.len());
        messages.push(message);
    }
    add_parts(connection, chat, from, |id, row| {
        if let Some(message) = places.get(&id).and_then(|&place| messages.get_mut(place)) {
            push_part(
                &mut message.parts,
                row.get(1)?,
                row.get_ref(2)?.as_str().unwrap_or_default(),
            );
        }
        Ok(())
    })?;
    add_notices(connection, chat, from, |id, notice| {
        if let Some(message) = places.get(&id).and_then(|&place| messages.get_mut(place)) {
            message.notices.push(notice);
        }
    })?;
    Ok(messages)
}

fn message(row: &Row<'_>) -> rusqlite::Result<Message> {
    let usage = match row.get::<_, Option<i64>>(8)? {
        Some(_) => Some(Spent {
            usage: Usage {
                input: row.get(9)?,
                cached: row.get(10)?,
                output: row.get(11)?,
                reasoning: row.get(12)?,
            },
            cost: row.get(13)?,
        }),
        None => None,
    };
    let finish: Option<String> = row.get(7)?;
    Ok(Message {
        id: row.get(0)?,
        parent: row.get(1)?,
        role: row.get(2)?,
        state: State::of_kept(row.get(3)?, finish.as_deref()),
        created: row.get(4)?,
        provider: row.get(5)?,
        model: row.get(6)?,
        finish,
        parts: Vec::new(),
        usage,
        notices: Vec::new(),
    })
}

fn add_parts(
    connection: &Connection,
    chat: i64,
    from: u64,
    mut add: impl FnMut(u64, &Row<'_>) -> Result<()>,
) -> Result<()> {
    let select = "SELECT id, kind, content FROM messages JOIN parts ON parts.message = messages.key
                  WHERE chat = ?1 AND id >= ?2 ORDER BY id, position";
    let mut select = connection.prepare_cached(select)?;
    let mut rows = select.query(params![chat, from])?;
    while let Some(row) = rows.next()? {
        add(row.get(0)?, row)?;
    }
    Ok(())
}

fn add_notices(connection: &Connection, chat: i64, from: u64, mut add: impl FnMut(u64, Notice)) -> Result<()> {
    let select = "SELECT id, level, content FROM messages JOIN notices ON notices.message = messages.key
                  WHERE chat = ?1 AND id >= ?2 ORDER BY id, position";
    let mut select = connection.prepare_cached(select)?;
    let mut rows = select.query(params![chat, from])?;
    while let Some(row) = rows.next()? {
        let content: String = row.get(2)?;
        let content = serde_json::from_str(&content).unwrap_or_default();
        let level = row.get(1)?;
        add(row.get(0)?, Notice { level, content });
    }
    Ok(())
}

/// The highest number of a chat's messages.
pub(super) fn newest(connection: &Connection, chat: &str) -> Result<Option<u64>> {
    let select = "SELECT max(id) FROM messages WHERE chat = (SELECT key FROM chats WHERE id = ?1)";
    Ok(connection.prepare_cached(select)?.query_row([chat], |row| row.get(0))?)
}

/// The newest chat of a project, or of none.
pub(super) fn latest(connection: &Connection, project: Option<&str>) -> Result<Option<String>> {
    let select = "SELECT id FROM chats WHERE project IS (SELECT key FROM projects WHERE root = ?1)
                  ORDER BY updated DESC LIMIT 1";
    Ok(connection
        .prepare_cached(select)?
        .query_row([project], |row| row.get(0))
        .optional()?)
}

/// A number that changes whenever another connection, of this process or another, has written.
pub(super) fn version(connection: &Connection) -> Result<i64> {
    Ok(connection.pragma_query_value(None, "data_version", |row| row.get(0))?)
}
