//! Two versions of the program on one file at the same time: the one that is here, and the first one, whose statements
//! stand here as they were.

use gpt_nvim::history::blocks::{of_block, to_block};
use gpt_nvim::history::{History, Message, Part};
use gpt_nvim::transcript::{self, Block, Role, Signature, ToolCall, ToolResult};
use rusqlite::{Connection, params};
use serde_json::json;

use crate::support::{Home, at, end, info, raw, turn};

const VERSION_1: &str = include_str!("version_1.sql");

/// The first version, as far as it reads and writes messages. It knows five kinds of parts, and fails at any other.
struct Older(Connection);

impl Older {
    fn parts(&self, chat: &str, id: u64) -> Vec<(String, String)> {
        let select = "SELECT kind, content FROM messages JOIN parts ON parts.message = messages.key
                      JOIN chats ON chats.key = messages.chat WHERE chats.id = ?1 AND messages.id = ?2 ORDER BY position";
        let mut select = self.0.prepare(select).unwrap();
        let rows = select.query_map(params![chat, id], |row| Ok((row.get(0)?, row.get(1)?)));
        let parts: Vec<(String, String)> = rows.unwrap().collect::<Result<_, _>>().unwrap();
        let known = ["text", "reasoning", "tool_call", "context", "citation"];
        let unknown = parts.iter().find(|(kind, _)| !known.contains(&kind.as_str()));
        assert_eq!(unknown, None, "the whole chat could not be loaded");
        parts
    }

    /// The names of the tools that it shows, as it reads them.
    fn calls(&self, chat: &str, id: u64) -> Vec<String> {
        let name = |content: &str| {
            let json: serde_json::Value = serde_json::from_str(content).ok()?;
            let field = |name: &str| json.get(name).and_then(|value| value.as_str()).map(str::to_owned);
            field("id")?;
            field("arguments")?;
            field("name")
        };
        let parts = self.parts(chat, id).into_iter();
        let calls = parts.filter(|(kind, _)| kind == "tool_call");
        calls.filter_map(|(_, content)| name(&content)).collect()
    }

    fn key(&self, chat: &str, id: u64) -> i64 {
        let select =
            "SELECT messages.key FROM messages JOIN chats ON chats.key = chat WHERE chats.id = ?1 AND messages.id = ?2";
        self.0.query_row(select, params![chat, id], |row| row.get(0)).unwrap()
    }

    /// Asks, and begins an answer.
    fn begin(&self, chat: &str, id: u64, parent: u64, question: &str) {
        let insert = "INSERT INTO messages(chat, id, parent, role, state, created, provider, model)
                      VALUES ((SELECT key FROM chats WHERE id = ?1), ?2, ?3, ?4, ?5, 1, 'openai', 'gpt-6')";
        self.0
            .execute(insert, params![chat, id, parent, "user", "whole"])
            .unwrap();
        self.0
            .execute(insert, params![chat, id + 1, id, "assistant", "streaming"])
            .unwrap();
        self.piece(chat, id, "text", question);
        let head = "UPDATE chats SET head = ?2 WHERE id = ?1";
        self.0.execute(head, params![chat, id + 1]).unwrap();
    }

    fn piece(&self, chat: &str, id: u64, kind: &str, content: &str) {
        let insert = "INSERT INTO parts(message, position, kind, content) VALUES
                      (?1, (SELECT ifnull(max(position) + 1, 0) FROM parts WHERE message = ?1), ?2, ?3)";
        self.0
            .execute(insert, params![self.key(chat, id), kind, content])
            .unwrap();
    }

    /// Ends an answer, or one whose process has died: one row of pieces that follow one another.
    fn settle(&self, chat: &str, id: u64, state: &str) {
        let mut whole: Vec<(String, String)> = Vec::new();
        for (kind, content) in self.parts(chat, id) {
            match whole.last_mut() {
                Some(last) if last.0 == kind && matches!(kind.as_str(), "text" | "reasoning") => {
                    last.1.push_str(&content)
                }
                _ => whole.push((kind, content)),
            }
        }
        let key = self.key(chat, id);
        self.0.execute("DELETE FROM parts WHERE message = ?1", [key]).unwrap();
        for (kind, content) in whole {
            self.piece(chat, id, &kind, &content);
        }
        let update = "UPDATE messages SET state = ?2, owner = NULL WHERE key = ?1";
        self.0.execute(update, params![key, state]).unwrap();
    }
}

/// A file of the first version, which that has open, and this one too.
async fn both(home: &Home) -> (Older, History) {
    std::fs::create_dir(home.folder()).unwrap();
    raw(&home.file()).execute_batch(VERSION_1).unwrap();
    let older = Older(raw(&home.file()));
    (older, home.open().await)
}

fn answer() -> Vec<Block> {
    let signature = |sealed| {
        let by = "openai/gpt-6".to_owned();
        Some(Signature { by, sealed })
    };
    vec![
        Block::Reasoning {
            text: "hm".into(),
            signature: signature(json!({"encrypted_content": "xyz"})),
        },
        Block::Text("I look.".into()),
        Block::ToolCall(ToolCall {
            id: "a".into(),
            name: "read".into(),
            arguments: "{}".into(),
            signature: signature(json!({"thoughtSignature": "x"})),
        }),
        Block::ToolResult(ToolResult {
            call: "a".into(),
            content: "found".into(),
            is_error: false,
        }),
        Block::Text("There.".into()),
    ]
}

fn blocks(message: &Message) -> Vec<Block> {
    let mut read = transcript::Message::said(Role::Assistant, "");
    message
        .parts
        .iter()
        .filter_map(to_block)
        .for_each(|block| read.push(block));
    read.blocks
}

fn stream(history: &History, chat: &str, id: u64) {
    for Part { kind, content } in answer().iter().flat_map(of_block) {
        history.append(&at(chat, id), kind, &content);
    }
}

#[tokio::test]
async fn two_versions_write_into_one_chat_at_the_same_time_and_each_goes_on() {
    let home = Home::new();
    let (older, history) = both(&home).await;
    history.save_turn(turn(&info("a"), 1, None, "q1")).await.unwrap();
    stream(&history, "a", 2);
    history.finish(&at("a", 2), end(3_000)).await.unwrap();
    assert_eq!(older.calls("a", 2), ["read"], "what it does not know it passes by");

    older.begin("a", 3, 2, "q2");
    older.piece("a", 4, "reasoning", "mm");
    older.piece("a", 4, "text", "an");
    history.save_turn(turn(&info("a"), 5, Some(2), "q3")).await.unwrap();
    stream(&history, "a", 6);
    older.piece("a", 4, "text", "swer");
    older.settle("a", 4, "whole");
    history.finish(&at("a", 6), end(4_000)).await.unwrap();

    let chat = history.load("a", 0).await.unwrap();
    let message = |id: u64| chat.message(id).unwrap();
    assert_eq!((blocks(message(2)), blocks(message(6))), (answer(), answer()));
    assert_eq!(message(4).text(), "answer");
    assert_eq!(older.calls("a", 6), ["read"]);
}

#[tokio::test]
async fn an_answer_of_this_version_that_an_older_one_settles_keeps_its_blocks() {
    let home = Home::new();
    let (older, history) = both(&home).await;
    history.save_turn(turn(&info("a"), 1, None, "q")).await.unwrap();
    stream(&history, "a", 2);
    history.close().await.unwrap();
    older.settle("a", 2, "interrupted");
    let history = home.open().await;
    let chat = history.load("a", 0).await.unwrap();
    assert_eq!(blocks(chat.message(2).unwrap()), answer());
}

#[tokio::test]
async fn an_older_version_that_is_started_later_opens_the_file_too() {
    let home = Home::new();
    let (older, history) = both(&home).await;
    history.save_turn(turn(&info("a"), 1, None, "q")).await.unwrap();
    let seen: u32 = older
        .0
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap();
    assert_eq!(seen, 1, "it refuses a file that has seen more steps than it knows");
}
