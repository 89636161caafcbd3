//! What a user asks of the history in other ways than the shortest: pickers that answer later or not at all, offers that
//! are turned down, a history that cannot be used just then.

use gpt_nvim::history::{Chat, ChatInfo, History, Limits, Message, Role, Totals, now};

use crate::common::*;
use crate::history::*;
use crate::support::nvim::{Builder, Home, Nvim};
use crate::support::process;
use crate::support::server::Server;
use crate::support::wait;

/// A picker such as telescope: it returns at once, and its answer comes when `pick` is called, with nothing for a
/// picker that was closed.
const LATER: &str = "_G.asked = {}
vim.ui.select = function(items, options, done)
  asked[#asked + 1] = { items = items, prompt = options.prompt, done = done, kind = options.kind,
    shown = vim.tbl_map(options.format_item or tostring, items) }
end
_G.pick = function(ask, choice)
  vim.schedule(function() asked[ask].done(choice and asked[ask].items[choice], choice) end)
end";

async fn asked(nvim: &Nvim, count: usize) {
    nvim.wait_lua(&format!("return #asked == {count}")).await;
}

async fn pick(nvim: &Nvim, ask: usize, choice: Option<usize>) {
    let choice = choice.map_or("nil".to_owned(), |choice| choice.to_string());
    nvim.lua(&format!("pick({ask}, {choice})"), &[]).await;
}

/// What the n-th list shows.
async fn shown(nvim: &Nvim, ask: usize) -> Vec<String> {
    nvim.lua_lines(&format!("return asked[{ask}].shown"), &[]).await
}

/// A chat of one question and its answer, so many hours old.
pub fn chat(id: &str, project: Option<&str>, hours: i64) -> Chat {
    let at = now() - hours * 3_600_000;
    let mut answer = Message::new(2, Some(1), Role::Assistant, &format!("answer {id}"), at);
    (answer.provider, answer.model) = (Some("test".into()), Some("m1".into()));
    Chat {
        info: ChatInfo {
            id: id.into(),
            title: format!("title {id}"),
            project: project.map(str::to_owned),
            provider: "test".into(),
            model: "m1".into(),
            created: at,
        },
        updated: at,
        head: Some(2),
        totals: Totals::default(),
        messages: vec![Message::new(1, None, Role::User, &format!("question {id}"), at), answer],
    }
}

/// A chat of so many messages.
pub fn long(messages: u64) -> Chat {
    let mut long = chat("long", None, 1);
    for number in 3..=messages {
        let mut message = long.messages[usize::from(number % 2 == 0)].clone();
        (message.id, message.parent) = (number, Some(number - 1));
        long.messages.push(message);
    }
    long.head = Some(messages);
    long
}

/// A home with these chats, closed.
pub async fn home_of(chats: impl IntoIterator<Item = Chat>) -> Home {
    let home = Home::new();
    let opened = History::open(&database(&home), Limits::default()).await;
    let history = opened.unwrap().history;
    for chat in chats {
        assert!(history.import(chat).await.unwrap());
    }
    history.close().await.unwrap();
    home
}

pub fn patient(server: &Server, home: &Home, more: &str) -> Builder {
    configured(server, more).home(home).init(TOLD).init(LATER)
}

/// The project of an editor that starts in a home.
fn project(home: &Home) -> String {
    home.path().join("home").display().to_string()
}

#[tokio::test]
async fn a_picker_may_answer_later_and_one_that_is_closed_changes_nothing() {
    let home = home_of([chat("a", None, 1), chat("b", None, 2)]).await;
    let server = Server::start(Vec::new()).await;
    let nvim = patient(&server, &home, "").start().await;
    nvim.feed(":GPT history<CR>").await;
    asked(&nvim, 1).await;
    pick(&nvim, 1, None).await;
    nvim.feed(":GPT history<CR>").await;
    asked(&nvim, 2).await;
    assert_eq!(told(&nvim).await, Vec::<String>::new());
    assert_eq!(nvim.lua_string("return vim.bo.filetype", &[]).await, "");
    // Meanwhile somebody else asks, and the older list is answered after the newer one.
    nvim.feed(":GPT history question b<CR>").await;
    asked(&nvim, 3).await;
    assert_eq!(shown(&nvim, 3).await.len(), 1);
    pick(&nvim, 3, Some(1)).await;
    nvim.wait_lua("return chat_buffer() ~= nil").await;
    chat_holds(&nvim, "answer b").await;
    pick(&nvim, 2, Some(1)).await;
    chat_holds(&nvim, "answer a").await;
    nvim.wait_lua("return vim.api.nvim_buf_get_name(0) == 'gpt://chat/a'")
        .await;
    clean(&nvim).await;
}

#[tokio::test]
async fn chats_of_this_project_come_first_and_others_say_whose_they_are() {
    let home = Home::new();
    let here = project(&home);
    let opened = History::open(&database(&home), Limits::default()).await;
    let history = opened.unwrap().history;
    for chat in [
        chat("other", Some("/home/me/elsewhere"), 1),
        chat("old", Some(&here), 50),
        chat("mine", Some(&here), 2),
    ] {
        assert!(history.import(chat).await.unwrap());
    }
    let server = Server::start(Vec::new()).await;
    let nvim = patient(&server, &home, "").start().await;
    for (ask, words) in [(1, ""), (2, " question")] {
        nvim.feed(&format!(":GPT history{words}<CR>")).await;
        asked(&nvim, ask).await;
        let shown = shown(&nvim, ask).await;
        let places: Vec<Option<usize>> = ["title mine", "title old", "title other"]
            .iter()
            .map(|title| shown.iter().position(|row| row.contains(title)))
            .collect();
        assert_eq!(places, [Some(0), Some(1), Some(2)], "{shown:?}");
        assert!(shown[2].contains("elsewhere") && shown[0].contains("2 h"), "{shown:?}");
    }
    clean(&nvim).await;
}

#[tokio::test]
async fn an_offer_to_go_on_that_is_turned_down_leaves_a_new_chat_and_does_not_come_again() {
    for choice in [Some(2), None] {
        let home = Home::new();
        let here = project(&home);
        let opened = History::open(&database(&home), Limits::default()).await;
        let last = chat("last", Some(&here), 1);
        assert!(opened.unwrap().history.import(last).await.unwrap());
        let server = Server::start([answer("a1")]).await;
        let nvim = patient(&server, &home, "history = { resume = true }").start().await;
        nvim.feed(":GPTChat<CR>").await;
        asked(&nvim, 1).await;
        pick(&nvim, 1, choice).await;
        // Nothing waits for the answer: the chat is there to be used.
        nvim.wait_lua("return vim.fn.mode() == 'i'").await;
        say(&nvim, "q1").await;
        ended(&nvim, 1).await;
        normal_mode(&nvim).await;
        assert_eq!(chat_lines(&nvim).await, transcript(&[("You", "q1"), ("test/m1", "a1")]));
        nvim.feed("q").await;
        open(&nvim).await;
        assert_eq!(nvim.lua_i64("return #asked", &[]).await, 1);
        clean(&nvim).await;
    }
}

#[tokio::test]
async fn nothing_is_offered_that_belongs_to_another_project_nor_where_something_is_asked_at_once() {
    let home = home_of([chat("other", Some("/home/me/elsewhere"), 1)]).await;
    let server = Server::start([answer("a1")]).await;
    let nvim = patient(&server, &home, "history = { resume = true }").start().await;
    open(&nvim).await;
    nvim.feed("q1<C-s>").await;
    ended(&nvim, 1).await;
    assert_eq!(nvim.lua_i64("return #asked", &[]).await, 0);
    nvim.quit().await;
    gone(&nvim).await;
    let server = Server::start([answer("a2")]).await;
    let later = patient(&server, &home, "history = { resume = true }").start().await;
    later.feed(":GPTChat why?<CR>").await;
    ended(&later, 1).await;
    assert_eq!(later.lua_i64("return #asked", &[]).await, 0);
    clean(&later).await;
}

#[tokio::test]
async fn a_chat_is_not_deleted_where_that_is_not_meant() {
    let home = home_of([chat("a", None, 1)]).await;
    let server = Server::start(Vec::new()).await;
    let nvim = patient(&server, &home, "").start().await;
    nvim.command("edit gpt://chat/a").await;
    chat_holds(&nvim, "answer a").await;
    for (ask, choice) in [(1, Some(1)), (2, None)] {
        nvim.feed(":GPT delete<CR>").await;
        asked(&nvim, ask).await;
        pick(&nvim, ask, choice).await;
        nvim.wait_lua(&format!("return #told == {ask}")).await;
        assert!(told(&nvim).await[ask - 1].contains("Nothing was changed"));
    }
    assert_eq!(
        chat_lines(&nvim).await,
        transcript(&[("You", "question a"), ("test/m1", "answer a")])
    );
    clean(&nvim).await;
}

#[tokio::test]
async fn a_copy_has_a_title_of_its_own_and_says_that_it_is_one() {
    let home = home_of([chat("a", None, 1)]).await;
    let server = Server::start(Vec::new()).await;
    let nvim = patient(&server, &home, "").start().await;
    nvim.command("edit gpt://chat/a").await;
    chat_holds(&nvim, "answer a").await;
    nvim.feed(":GPT fork<CR>").await;
    was_told(&nvim, "This is a copy, \"title a (2)\"; the first chat is as it was.").await;
    nvim.feed(":GPT history<CR>").await;
    asked(&nvim, 1).await;
    let rows = shown(&nvim, 1).await.concat();
    assert!(rows.contains("title a (2)") && rows.contains("title a  "), "{rows}");
    clean(&nvim).await;
}

#[tokio::test]
async fn who_asks_for_a_history_that_cannot_be_used_is_told_why_and_what_to_do() {
    let (home, server) = (Home::new(), Server::start([answer("a1")]).await);
    let made = home_of([chat("a", None, 1)]).await;
    std::fs::create_dir_all(database(&home).parent().unwrap()).unwrap();
    std::fs::copy(database(&made), database(&home)).unwrap();
    let connection = rusqlite::Connection::open(database(&home)).unwrap();
    connection.pragma_update(None, "user_version", 4711).unwrap();
    let nvim = patient(&server, &home, "")
        .env("GPT_NVIM_TEST_READS_AT_ONCE", "1")
        .start()
        .await;
    exchanges(&nvim, &["q1"]).await;
    was_told(&nvim, "Update gpt.nvim: its history is newer.").await;
    for command in ["history", "rename x", "export x.md", "fork", "history clear"] {
        nvim.lua("told = {}", &[]).await;
        nvim.feed(&format!("<Esc>:GPT {command}<CR>")).await;
        was_told(&nvim, "A newer version has written it. Or move").await;
        let said = told(&nvim).await.concat();
        assert!(!said.contains("There is no history"), "{command}: {said}");
    }
}

#[tokio::test]
async fn what_a_lock_keeps_from_being_done_says_what_to_do() {
    let home = home_of([chat("a", None, 1)]).await;
    let server = Server::start(Vec::new()).await;
    let nvim = patient(&server, &home, "").start().await;
    nvim.command("edit gpt://chat/a").await;
    chat_holds(&nvim, "answer a").await;
    let other = rusqlite::Connection::open(database(&home)).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    nvim.feed(":GPT rename another<CR>").await;
    was_told(&nvim, "End the program that locks the history. It has").await;
    other.execute_batch("ROLLBACK").unwrap();
    nvim.feed(":GPT rename another<CR>").await;
    was_told(&nvim, "The chat is called \"another\" now.").await;
}

/// An answer that never pauses is written as well: no piece waits for the end of it.
#[tokio::test]
async fn of_an_answer_that_never_pauses_only_its_last_words_go_with_a_killed_program() {
    let tokens: Vec<String> = (0..4_000).map(|number| format!("word{number} ")).collect();
    let tokens: Vec<&str> = tokens.iter().map(String::as_str).collect();
    let pause = std::time::Duration::from_millis(8);
    let endless = crate::support::answer::Answer::chat_tokens(&tokens).pausing_between_tokens(pause);
    let (home, server, nvim) = home_with(endless).await;
    open(&nvim).await;
    say(&nvim, "q1").await;
    let id = name(&nvim).await.trim_start_matches("gpt://chat/").to_owned();
    let written = || {
        let wal = std::fs::read(database(&home).with_file_name("history.db-wal")).unwrap_or_default();
        wal.windows(7).any(|part| part == b"word60 ")
    };
    wait::until("a word is written", written).await;
    let words = |writes: &[crate::support::server::Write]| {
        let has_word = |write: &&crate::support::server::Write| write.bytes.windows(4).any(|part| part == b"word");
        writes.iter().filter(has_word).count()
    };
    assert!(words(&server.writes()) < 4_000, "it is written before the answer ends");
    let died = std::time::Instant::now();
    process::kill9(program(&nvim).await);
    nvim.quit().await;
    gone(&nvim).await;
    let opened = History::open(&database(&home), Limits::default()).await;
    let chat = opened.unwrap().history.load(&id, 0).await.unwrap();
    let kept = chat.messages[1].text();
    let whole: String = tokens.concat();
    assert!(whole.starts_with(&kept), "{kept}");
    let count = kept.split_whitespace().count();
    assert!(count > 60, "{count}");
    let sent = server.writes();
    let missing = sent
        .iter()
        .filter(|write| write.at < died)
        .skip(count + 1)
        .find(|write| {
            // What came in the last quarter of a second, and what a busy machine was late with.
            died.duration_since(write.at) > std::time::Duration::from_millis(250 + 1_500)
        });
    assert!(missing.is_none(), "{missing:?}");
}

/// Colours come bit by bit, and may find a buffer that has been emptied and filled again since.
#[tokio::test]
async fn a_long_chat_that_is_read_again_while_it_gets_its_colours_stays_as_it_is() {
    let (home, server) = (home_of([long(400)]).await, Server::start(Vec::new()).await);
    let nvim = patient(&server, &home, "").start().await;
    nvim.command("edit gpt://chat/long").await;
    chat_holds(&nvim, "answer long").await;
    let shown = chat_lines(&nvim).await;
    for _ in 0..5 {
        nvim.command("silent edit").await;
        assert_eq!(chat_lines(&nvim).await, shown);
    }
    clean(&nvim).await;
}
