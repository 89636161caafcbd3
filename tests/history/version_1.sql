PRAGMA auto_vacuum = incremental;
PRAGMA journal_mode = wal;
BEGIN;
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

INSERT INTO projects VALUES (1, '/home/me/p');
INSERT INTO chats VALUES (1, '20261122-185500-1a2b3c4d', 1795373700000, 1795373705000, 'Onde fica o coração?', 1,
  'openai', 'gpt-6', 2, 12, 4, 0.5);
INSERT INTO messages VALUES (1, 1, 1, NULL, 'user', 'whole', NULL, 1795373700000, NULL, NULL, NULL);
INSERT INTO messages VALUES (2, 1, 2, 1, 'assistant', 'whole', NULL, 1795373700000, 'openai', 'gpt-6', 'stop');
INSERT INTO parts VALUES (1, 0, 'text', 'Onde fica o coração?');
INSERT INTO parts VALUES (2, 0, 'text', 'No peito.');
INSERT INTO usage VALUES (2, 12, 0, 4, 0, 0.5);
INSERT INTO notices VALUES (2, 0, 'info', '{"title":"Stopped."}');
INSERT INTO words(rowid, text, project) VALUES (1, 'Onde fica o coração?', 'p1');
INSERT INTO words(rowid, text, project) VALUES (2, 'No peito.', 'p1');
PRAGMA user_version = 1;
COMMIT;
