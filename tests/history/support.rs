//! What the tests share: a home for a file, and short words for turns.

use std::path::{Path, PathBuf};

use gpt_nvim::history::{
    ChatInfo, End, FILE_NAME, History, Limits, Message, MessageRef, Notice, PartKind, Role, Spent, State, Turn, Usage,
};
use tempfile::TempDir;

/// A folder for one history; gone at the end.
pub struct Home(TempDir);

impl Home {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn folder(&self) -> PathBuf {
        self.0.path().join("gpt")
    }

    pub fn file(&self) -> PathBuf {
        self.folder().join(FILE_NAME)
    }

    pub async fn open(&self) -> History {
        open(&self.file()).await
    }

    /// The files whose names contain `part`, sorted.
    pub fn files(&self, part: &str) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.folder()).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        let mut paths: Vec<_> = paths.filter(|path| path.to_string_lossy().contains(part)).collect();
        paths.sort();
        paths
    }
}

pub async fn open(path: &Path) -> History {
    History::open(path, Limits::default()).await.unwrap().history
}

/// A connection of nobody's, to look behind the history's back.
pub fn raw(path: &Path) -> rusqlite::Connection {
    let connection = rusqlite::Connection::open(path).unwrap();
    connection.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
    connection
}

pub fn info(id: &str) -> ChatInfo {
    ChatInfo {
        id: id.to_owned(),
        title: format!("title of {id}"),
        project: None,
        provider: "openai".into(),
        model: "gpt-6".into(),
        created: 1_000,
    }
}

/// A question with number `id` and the answer that is awaited, `id + 1`.
pub fn turn(chat: &ChatInfo, id: u64, parent: Option<u64>, question: &str) -> Turn {
    let question = Message::new(id, parent, Role::User, question, 2_000);
    let answer = Message::awaited(id + 1, Some(id), "openai", "gpt-6", 2_000);
    Turn {
        chat: chat.clone(),
        messages: vec![question, answer],
        at: 2_000,
    }
}

pub fn at(chat: &str, id: u64) -> MessageRef {
    MessageRef {
        chat: chat.to_owned(),
        id,
    }
}

pub fn end(at: i64) -> End {
    End {
        state: State::Whole,
        finish: Some("stop".into()),
        usage: Some(Spent {
            usage: Usage {
                input: 10,
                cached: 4,
                output: 5,
                reasoning: 1,
            },
            cost: Some(0.25),
        }),
        notices: Vec::new(),
        at,
    }
}

pub fn notice() -> Notice {
    Notice {
        level: "warning".into(),
        content: serde_json::json!({ "title": "Cut." }),
    }
}

/// Saves a whole exchange as numbers 1 and 2.
pub async fn exchange(history: &History, chat: &ChatInfo, question: &str, answer: &str, when: i64) {
    history.save_turn(turn(chat, 1, None, question)).await.unwrap();
    let message = at(&chat.id, 2);
    history.append(&message, PartKind::Text, answer);
    history.finish(&message, end(when)).await.unwrap();
}
