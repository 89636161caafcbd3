//! Searches all that was said.
//!
//! A common word has a hundred thousand hits, and nobody reads them: the newest are taken, which the index yields in
//! that order without looking at the others. The project stands in the index beside the text, so that its hits are
//! found first even where they are old.
//!
//! Of a word's beginning the index would collect every place where such a word stands before it yields the first: tenths
//! of a second, where many do. So the words that begin so are looked up first, and searched for as words.

use std::collections::HashSet;

use rusqlite::{Connection, params};

use super::read::{self, Listed};
use super::{Result, signs};

/// What encloses a match in a [`Found::snippet`]: characters that no text of ours keeps.
pub const MARKS: (char, char) = ('\u{2}', '\u{3}');

/// The newest hits that are looked at, in and outside the project.
const HITS: u32 = 400;
/// How much of a message is looked at for its snippet, in bytes.
const LOOKED_AT: usize = 32 * 1024;
/// How many words a snippet has.
const SNIPPET_WORDS: u32 = 24;

/// Of how many letters a beginning may be that the index of messages has lists of its own for (`prefix`, `schema.rs`).
const INDEXED_BEGINNING: usize = 3;
/// The most words with the same beginning that are searched for one by one.
const MOST_ENDINGS: usize = 200;

/// What to search for.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// Words, all of which have to be there; of the last one the beginning is enough.
    pub words: String,
    /// The root of the project whose chats come first.
    pub project: Option<String>,
    /// How many chats at most.
    pub limit: usize,
}

/// A chat that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The chat.
    pub chat: Listed,
    /// Its newest message that has the words; `None` where the title has them.
    pub message: Option<u64>,
    /// Some words around the match, in one line, the matches between [`MARKS`].
    pub snippet: String,
}

/// The chats that have the words: the project's first, and of these and the others the newest first.
pub(super) fn search(connection: &Connection, snippets: &Connection, wanted: &Search) -> Result<Vec<Found>> {
    // Titles are indexed by the file's own triggers, as they are.
    let (Some(said), Some(called)) = (query(&wanted.words, signs::apart), query(&wanted.words, str::to_owned)) else {
        return Ok(Vec::new());
    };
    let snapshot = connection.unchecked_transaction()?;
    let project = match &wanted.project {
        Some(root) => project_word(&snapshot, root)?,
        None => None,
    };
    let scope = project.map_or_else(String::new, |word| format!(" AND project : {word}"));
    let mut hits = Hits {
        connection: &snapshot,
        seen: HashSet::new(),
        hits: Vec::new(),
        limit: wanted.limit,
    };
    let endings =
        |index, words: &str, indexed: fn(&str) -> String| spelled_out(&snapshot, snippets, index, words, indexed);
    let every_said = endings(Index::Messages, &wanted.words, signs::apart)?.unwrap_or_else(|| said.clone());
    let every_called = endings(Index::Titles, &wanted.words, str::to_owned)?.unwrap_or_else(|| called.clone());
    let everywhere = (!scope.is_empty()).then(String::new);
    for scope in [Some(scope), everywhere].into_iter().flatten() {
        hits.add(IN_TITLES, &format!("({every_called}){scope}"))?;
        hits.add(IN_MESSAGES, &format!("({every_said}){scope}"))?;
    }
    let hits = hits.hits;
    let mut found = Vec::new();
    for hit in hits {
        if let Some(chat) = read::listed(&snapshot, hit.chat)? {
            let query = if hit.message.is_some() { &said } else { &called };
            let snippet = snippet(&snapshot, snippets, &hit, query, &chat)?;
            let message = hit.message.map(|(_, id)| id);
            found.push(Found { chat, message, snippet });
        }
    }
    Ok(found)
}

/// The words as FTS5's query language has them: each one quoted, so that none is an operator, and in the form that
/// `indexed` gives to a text.
fn query(words: &str, indexed: impl Fn(&str) -> String) -> Option<String> {
    let words = parts(words);
    let quote = |word: &str| quoted(&indexed(word));
    let star = if words.last().is_some_and(|word| may_go_on(word)) {
        "*"
    } else {
        ""
    };
    let words: Vec<String> = words.into_iter().map(quote).collect();
    (!words.is_empty()).then(|| format!("text : ({}{star})", words.join(" AND ")))
}

/// The words that have letters.
fn parts(words: &str) -> Vec<&str> {
    let has_letters = |word: &&str| word.chars().any(char::is_alphanumeric);
    words.split_whitespace().filter(has_letters).collect()
}

fn quoted(words: &str) -> String {
    format!("\"{}\"", words.replace('"', "\"\""))
}

/// An index, by the table of its words.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Index {
    Messages,
    Titles,
}

/// The query with all words that begin as the last one does in its place; `None` where it is as well left as it is: it is
/// short, nothing begins so, or too much does.
fn spelled_out(
    connection: &Connection,
    snippets: &Connection,
    index: Index,
    words: &str,
    indexed: impl Fn(&str) -> String,
) -> Result<Option<String>> {
    let mut words = parts(words);
    let Some(last) = words.pop().filter(|word| may_go_on(word)) else {
        return Ok(None);
    };
    let mut tokens = tokens(snippets, &indexed(last))?;
    let Some(beginning) = tokens.pop() else { return Ok(None) };
    if index == Index::Messages && beginning.chars().count() <= INDEXED_BEGINNING {
        return Ok(None);
    }
    let endings = beginning_with(connection, index, &beginning)?;
    if endings.is_empty() || endings.len() > MOST_ENDINGS {
        return Ok(None);
    }
    let phrase = |ending: String| {
        let whole: Vec<&str> = tokens.iter().map(String::as_str).chain([ending.as_str()]).collect();
        quoted(&whole.join(" "))
    };
    let endings: Vec<String> = endings.into_iter().map(phrase).collect();
    let endings = format!("({})", endings.join(" OR "));
    let words = words.into_iter().map(|word| quoted(&indexed(word)));
    let words: Vec<String> = words.chain([endings]).collect();
    Ok(Some(format!("text : ({})", words.join(" AND "))))
}

/// The words of a text as the index has them: in small letters, without accents.
fn tokens(snippets: &Connection, text: &str) -> Result<Vec<String>> {
    snippets
        .prepare_cached("INSERT INTO snippets(rowid, text) VALUES (1, ?1)")?
        .execute([text])?;
    let mut select = snippets.prepare_cached("SELECT term FROM snippet_words ORDER BY offset")?;
    let tokens = select.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>();
    drop(select);
    snippets.prepare_cached("DELETE FROM snippets")?.execute([])?;
    Ok(tokens?)
}

/// The words of an index that begin so, one more than is wanted at most. Each is sought anew: going from a word to the
/// next one would lead through every place where it stands.
fn beginning_with(connection: &Connection, index: Index, beginning: &str) -> Result<Vec<String>> {
    let (name, table) = match index {
        Index::Messages => ("message_words", "words"),
        Index::Titles => ("title_words", "titles"),
    };
    // Kept in memory, where a connection may write that only reads (<https://sqlite.org/fts5.html#the_fts5vocab_virtual_table_module>).
    connection
        .prepare_cached(&format!(
            "CREATE VIRTUAL TABLE IF NOT EXISTS temp.{name} USING fts5vocab('main', '{table}', 'instance')"
        ))?
        .execute([])?;
    let mut select = connection.prepare_cached(&format!("SELECT term FROM temp.{name} WHERE term >= ?1 LIMIT 1"))?;
    let (mut found, mut from) = (Vec::new(), beginning.to_owned());
    while found.len() <= MOST_ENDINGS {
        let mut rows = select.query([&from])?;
        let Some(row) = rows.next()? else { break };
        let term: String = row.get(0)?;
        if !term.starts_with(beginning) {
            break;
        }
        from = format!("{term}\0");
        found.push(term);
    }
    Ok(found)
}

/// Whether a word may be the beginning of one: with a letter, half of all that was ever said begins, which the index
/// has to collect first. A sign of Chinese or Japanese is as much as a word.
fn may_go_on(word: &str) -> bool {
    word.chars().filter(|c| c.is_alphanumeric()).count() > 1 || word.chars().any(signs::is_sign)
}

fn project_word(connection: &Connection, root: &str) -> Result<Option<String>> {
    let mut select = connection.prepare_cached("SELECT 'p' || key FROM projects WHERE root = ?1")?;
    let mut rows = select.query([root])?;
    Ok(rows.next()?.map(|row| row.get(0)).transpose()?)
}

const IN_TITLES: &str = "SELECT rowid, NULL, NULL FROM titles WHERE titles MATCH ?1 ORDER BY rowid DESC LIMIT ?2";
const IN_MESSAGES: &str = "SELECT chat, key, id FROM
                             (SELECT rowid AS hit FROM words WHERE words MATCH ?1 ORDER BY rowid DESC LIMIT ?2)
                           JOIN messages ON messages.key = hit";

struct Hit {
    chat: i64,
    message: Option<(i64, u64)>,
}

struct Hits<'a> {
    connection: &'a Connection,
    seen: HashSet<i64>,
    hits: Vec<Hit>,
    limit: usize,
}

impl Hits<'_> {
    /// Adds the chats that are not there yet.
    fn add(&mut self, select: &str, query: &str) -> Result<()> {
        if self.hits.len() >= self.limit {
            return Ok(());
        }
        let mut select = self.connection.prepare_cached(select)?;
        let mut rows = select.query(params![query, HITS])?;
        while let Some(row) = rows.next()? {
            let chat = row.get(0)?;
            let message = row.get::<_, Option<i64>>(1)?.zip(row.get(2)?);
            if self.hits.len() < self.limit && self.seen.insert(chat) {
                self.hits.push(Hit { chat, message });
            }
        }
        Ok(())
    }
}

/// The index holds no text; so the one text is indexed for a moment, in memory, by the same rules.
fn snippet(connection: &Connection, snippets: &Connection, hit: &Hit, query: &str, chat: &Listed) -> Result<String> {
    let text = match hit.message {
        Some((key, _)) => signs::apart(&one_line(&said(connection, key)?)),
        None => one_line(&chat.info.title),
    };
    snippets
        .prepare_cached("INSERT INTO snippets(rowid, text) VALUES (1, ?1)")?
        .execute([&text])?;
    let select = "SELECT snippet(snippets, 0, ?2, ?3, '…', ?4) FROM snippets WHERE snippets MATCH ?1";
    let mut select = snippets.prepare_cached(select)?;
    let (open, close) = (MARKS.0.to_string(), MARKS.1.to_string());
    let mut rows = select.query(params![query, open, close, SNIPPET_WORDS])?;
    let snippet = rows.next()?.map(|row| row.get(0)).transpose()?;
    drop(rows);
    snippets.prepare_cached("DELETE FROM snippets")?.execute([])?;
    let snippet: String = snippet.unwrap_or_else(|| text.chars().take(120).collect());
    Ok(signs::together(&snippet))
}

fn said(connection: &Connection, message: i64) -> Result<String> {
    let select = "SELECT substr(content, 1, ?2) FROM parts WHERE message = ?1 AND kind = 'text' ORDER BY position";
    let mut select = connection.prepare_cached(select)?;
    let rows = select.query_map(params![message, LOOKED_AT], |row| row.get::<_, String>(0))?;
    Ok(rows.collect::<rusqlite::Result<String>>()?)
}

fn one_line(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The table that snippets are cut with.
pub(super) fn snippets() -> Result<Connection> {
    let connection = Connection::open_in_memory()?;
    connection.execute_batch(
        "CREATE VIRTUAL TABLE snippets USING fts5(text, tokenize = 'unicode61 remove_diacritics 2');
         CREATE VIRTUAL TABLE snippet_words USING fts5vocab(snippets, instance)",
    )?;
    Ok(connection)
}

#[cfg(test)]
mod tests {
    fn query(words: &str) -> Option<String> {
        super::query(words, str::to_owned)
    }

    #[test]
    fn no_word_is_an_operator() {
        assert_eq!(query("a OR bc").unwrap(), r#"text : ("a" AND "OR" AND "bc"*)"#);
        assert_eq!(query(r#"say "hi"#).unwrap(), r#"text : ("say" AND """hi"*)"#);
        assert_eq!(query("-> cc++").unwrap(), r#"text : ("cc++"*)"#);
    }

    #[test]
    fn a_letter_is_a_word_and_no_beginning_but_a_chinese_sign_is() {
        assert_eq!(query("vitamin C").unwrap(), r#"text : ("vitamin" AND "C")"#);
        assert_eq!(query("心").unwrap(), r#"text : ("心"*)"#);
    }

    #[test]
    fn nothing_is_searched_for_where_there_is_no_letter() {
        assert_eq!(query(" -> * \""), None);
    }
}
