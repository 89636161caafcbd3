//! The tables, as the steps that made them. A step that has been released is never changed: a new one is added.

/// The steps, oldest first; a file's `user_version` says how many of them it has seen.
pub const STEPS: &[&str] = &[BEGINNING];

/// The steps as they may look when there are more: of tests, which need some to die in. Each of them writes every text
/// anew, and counts itself.
pub const LATER: &[&str] = &[
    BEGINNING, REWRITTEN, REWRITTEN, REWRITTEN, REWRITTEN, REWRITTEN, REWRITTEN, REWRITTEN, REWRITTEN, REWRITTEN,
    REWRITTEN,
];

const REWRITTEN: &str = "
CREATE TABLE IF NOT EXISTS steps (step INTEGER PRIMARY KEY);
INSERT INTO steps DEFAULT VALUES;
UPDATE parts SET content = content || '.';
UPDATE parts SET content = substr(content, 1, length(content) - 1);
";

/// - A chat's project is a number, so that the full-text index can hold it as a word (`p7`) beside the text.
/// - A stream adds a row to `parts` for each piece: the cost of a piece does not grow with the answer. Its end makes
///   one row of them, and only then is it searched.
/// - `words` and `titles` hold no text (`content=''`): the index is all that there is to them, a third of the text.
const BEGINNING: &str = "
CREATE TABLE projects (
  key INTEGER PRIMARY KEY,
  root TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE chats (
  key INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  created INTEGER NOT NULL,
  updated INTEGER NOT NULL,
  title TEXT NOT NULL,
  project INTEGER REFERENCES projects,
  provider TEXT NOT NULL,
  model TEXT NOT NULL,
  head INTEGER,
  input INTEGER NOT NULL DEFAULT 0,
  output INTEGER NOT NULL DEFAULT 0,
  cost REAL NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX chats_by_time ON chats(updated, project);

CREATE TABLE processes (
  key INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  pid INTEGER NOT NULL,
  started INTEGER NOT NULL
) STRICT;

CREATE TABLE claims (
  chat INTEGER NOT NULL REFERENCES chats ON DELETE CASCADE,
  process INTEGER NOT NULL REFERENCES processes ON DELETE CASCADE,
  PRIMARY KEY (chat, process)
) STRICT, WITHOUT ROWID;
CREATE INDEX claims_by_process ON claims(process);

CREATE TABLE messages (
  key INTEGER PRIMARY KEY,
  chat INTEGER NOT NULL REFERENCES chats ON DELETE CASCADE,
  id INTEGER NOT NULL,
  parent INTEGER,
  role TEXT NOT NULL,
  state TEXT NOT NULL,
  owner INTEGER,
  created INTEGER NOT NULL,
  provider TEXT,
  model TEXT,
  finish TEXT,
  UNIQUE (chat, id)
) STRICT;
CREATE INDEX messages_by_parent ON messages(chat, parent);
CREATE INDEX messages_streaming ON messages(owner) WHERE state = 'streaming';

CREATE TABLE parts (
  message INTEGER NOT NULL REFERENCES messages ON DELETE CASCADE,
  position INTEGER NOT NULL,
  kind TEXT NOT NULL,
  content TEXT NOT NULL,
  PRIMARY KEY (message, position)
) STRICT;

CREATE TABLE usage (
  message INTEGER PRIMARY KEY REFERENCES messages ON DELETE CASCADE,
  input INTEGER NOT NULL,
  cached INTEGER NOT NULL,
  output INTEGER NOT NULL,
  reasoning INTEGER NOT NULL,
  cost REAL
) STRICT;

CREATE TABLE notices (
  message INTEGER NOT NULL REFERENCES messages ON DELETE CASCADE,
  position INTEGER NOT NULL,
  level TEXT NOT NULL,
  content TEXT NOT NULL,
  PRIMARY KEY (message, position)
) STRICT, WITHOUT ROWID;

CREATE VIRTUAL TABLE words USING fts5(
  text, project,
  content = '', contentless_delete = 1, tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3'
);
CREATE TRIGGER messages_deleted AFTER DELETE ON messages BEGIN
  DELETE FROM words WHERE rowid = old.key;
END;

CREATE VIRTUAL TABLE titles USING fts5(
  text, project,
  content = '', contentless_delete = 1, tokenize = 'unicode61 remove_diacritics 2'
);
CREATE TRIGGER chats_inserted AFTER INSERT ON chats BEGIN
  INSERT INTO titles(rowid, text, project) VALUES (new.key, new.title, 'p' || ifnull(new.project, 0));
END;
CREATE TRIGGER chats_renamed AFTER UPDATE OF title ON chats BEGIN
  INSERT OR REPLACE INTO titles(rowid, text, project) VALUES (new.key, new.title, 'p' || ifnull(new.project, 0));
END;
CREATE TRIGGER chats_deleted AFTER DELETE ON chats BEGIN
  DELETE FROM titles WHERE rowid = old.key;
END;
";
