//! The history: what is said stays, whoever dies; and what a user does with earlier chats.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use gpt_nvim::history::{Chat, ChatInfo, History, Limits, Message, Role, Totals};
use rustix::process::{Pid, Signal, kill_process};

use crate::common::*;
use crate::support::nvim::{Home, Nvim};
use crate::support::server::{Script, Server};
use crate::support::{process, wait};

pub fn database(home: &Home) -> PathBuf {
    home.path().join("data/nvim/gpt/history.db")
}

/// An editor in this home that knows this server.
pub async fn editor(home: &Home, server: &Server, more: &str) -> Nvim {
    configured(server, more).home(home).start().await
}

pub async fn home_with(script: impl Into<Script>) -> (Home, Server, Nvim) {
    let (home, server) = (Home::new(), Server::start(script).await);
    let nvim = editor(&home, &server, "").await;
    (home, server, nvim)
}

/// The name of the newest chat's buffer.
pub async fn name(nvim: &Nvim) -> String {
    nvim.lua_string("return vim.api.nvim_buf_get_name(chat_buffer())", &[])
        .await
}

/// The pid of the program behind an editor.
pub async fn program(nvim: &Nvim) -> u32 {
    let pid = nvim
        .lua_i64("return vim.fn.jobpid(require('gpt.client').channel())", &[])
        .await;
    u32::try_from(pid).unwrap()
}

/// Asks `n` questions, each answered by the script's next answer.
pub async fn exchanges(nvim: &Nvim, questions: &[&str]) {
    open(nvim).await;
    for (index, question) in questions.iter().enumerate() {
        say(nvim, question).await;
        ended(nvim, index + 1).await;
    }
    normal_mode(nvim).await;
}

/// Waits until nothing of an editor runs any more.
pub async fn gone(nvim: &Nvim) {
    wait::until("the program has ended", || nvim.processes().is_empty()).await;
}

/// Answers the lists that `vim.ui.select` shows by the n-th choice each; keeps what they show in `lists`.
pub fn choosing(choices: &[usize]) -> String {
    let choices: Vec<String> = choices.iter().map(usize::to_string).collect();
    format!(
        "_G.lists, _G.choices = {{}}, {{ {} }}
        vim.ui.select = function(items, options, done)
          lists[#lists + 1] = options.prompt .. '\\n' .. table.concat(items, '\\n')
          local index = table.remove(choices, 1)
          done(index and items[index] or nil, index)
        end",
        choices.join(", ")
    )
}

pub async fn lists(nvim: &Nvim) -> Vec<String> {
    nvim.lua_lines("return lists", &[]).await
}

pub const TOLD: &str = "_G.told = {}
vim.notify = function(text, level) told[#told + 1] = text end";

pub async fn told(nvim: &Nvim) -> Vec<String> {
    nvim.lua_lines("return told or {}", &[]).await
}

pub async fn was_told(nvim: &Nvim, words: &str) {
    let quoted = serde_json::to_string(words).unwrap();
    nvim.wait_lua(&format!("return table.concat(told, '\\n'):find({quoted}, 1, true)"))
        .await;
}

// Reopening -----------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn a_chat_comes_back_by_its_name_and_goes_on() {
    let (home, server, nvim) = home_with([answer("a1"), answer("a2"), answer("a3")]).await;
    exchanges(&nvim, &["q1", "q2"]).await;
    let chat = name(&nvim).await;
    nvim.quit().await;
    gone(&nvim).await;
    let later = editor(&home, &server, "").await;
    later.command(&format!("edit {chat}")).await;
    chat_holds(&later, "a2").await;
    let shown = [("You", "q1"), ("test/m1", "a1"), ("You", "q2"), ("test/m1", "a2")];
    assert_eq!(chat_lines(&later).await, transcript(&shown));
    later.feed("u").await;
    assert_eq!(chat_lines(&later).await, transcript(&shown), "no undo takes it away");
    later.feed("GAq3<C-s>").await;
    ended(&later, 1).await;
    let asked = [
        ("user", "q1"),
        ("assistant", "a1"),
        ("user", "q2"),
        ("assistant", "a2"),
        ("user", "q3"),
    ];
    assert_eq!(conversation(&server.requests()[2]), said(&asked));
    clean(&later).await;
    let mode = fs::metadata(database(&home)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn branches_come_back_with_the_chat() {
    let (home, server, nvim) = home_with([answer("a1"), answer("b1")]).await;
    exchanges(&nvim, &["q1"]).await;
    nvim.feed("gr").await;
    ended(&nvim, 2).await;
    nvim.feed("[b").await;
    chat_holds(&nvim, "a1").await;
    let chat = name(&nvim).await;
    nvim.quit().await;
    gone(&nvim).await;
    let later = editor(&home, &server, "").await;
    later.command(&format!("edit {chat}")).await;
    later.wait_screen_contains("1/2").await;
    assert_eq!(
        chat_lines(&later).await,
        transcript(&[("You", "q1"), ("test/m1", "a1")])
    );
    later.feed("]b").await;
    later.wait_screen_contains("2/2").await;
    assert_eq!(
        chat_lines(&later).await,
        transcript(&[("You", "q1"), ("test/m1", "b1")])
    );
    clean(&later).await;
}

#[tokio::test]
async fn a_session_brings_a_chat_back_in_its_window() {
    let (home, server, nvim) = home_with([answer("a1"), answer("a2")]).await;
    open_by(&nvim, "vertical GPTChat").await;
    say(&nvim, "q1").await;
    ended(&nvim, 1).await;
    normal_mode(&nvim).await;
    nvim.command("mksession! Session.vim").await;
    nvim.quit().await;
    gone(&nvim).await;
    let later = configured(&server, "")
        .home(&home)
        .arg("-S")
        .arg("Session.vim")
        .start()
        .await;
    chat_holds(&later, "a1").await;
    assert_eq!(
        chat_lines(&later).await,
        transcript(&[("You", "q1"), ("test/m1", "a1")])
    );
    assert_eq!(later.lua_i64("return #vim.fn.win_findbuf(chat_buffer())", &[]).await, 1);
    later
        .lua(
            "vim.api.nvim_set_current_win(vim.fn.win_findbuf(chat_buffer())[1])",
            &[],
        )
        .await;
    later.feed("GAq2<C-s>").await;
    ended(&later, 1).await;
    clean(&later).await;
}

#[tokio::test]
async fn a_name_that_the_history_does_not_have_gives_an_empty_chat_and_is_told() {
    let (nvim, _server) = start(answer("a1")).await;
    nvim.lua(TOLD, &[]).await;
    nvim.command("edit gpt://chat/20200101-000000-00000000").await;
    was_told(&nvim, "The history has no chat 20200101-000000-00000000.").await;
    assert_eq!(chat_lines(&nvim).await, transcript(&[]));
    nvim.feed("GAq1<C-s>").await;
    ended(&nvim, 1).await;
    assert_eq!(chat_lines(&nvim).await, transcript(&[("You", "q1"), ("test/m1", "a1")]));
}

#[tokio::test]
async fn a_chat_of_a_thousand_messages_comes_back_whole() {
    let (home, server) = (Home::new(), Server::start(Vec::new()).await);
    let said = "Some **words** of markdown, and `code`.\n\n- a list\n- of two\n\nThe end of it.";
    let role = |id| if id % 2 == 1 { Role::User } else { Role::Assistant };
    let message = |id: u64| {
        let mut message = Message::new(id, id.checked_sub(1).filter(|id| *id > 0), role(id), said, 0);
        message.provider = Some("test".into());
        message.model = Some("m1".into());
        message
    };
    let chat = Chat {
        info: ChatInfo {
            id: "long".into(),
            title: "long".into(),
            project: None,
            provider: "test".into(),
            model: "m1".into(),
            created: 0,
        },
        updated: 0,
        head: Some(1_000),
        totals: Totals::default(),
        messages: (1..=1_000).map(message).collect(),
    };
    let opened = History::open(&database(&home), Limits::default()).await.unwrap();
    assert!(opened.history.import(chat).await.unwrap());
    opened.history.close().await.unwrap();
    let nvim = editor(&home, &server, "").await;
    open(&nvim).await;
    nvim.wait_lua("return require('gpt').status().model").await;
    normal_mode(&nvim).await;
    nvim.feed("q").await;
    nvim.command("edit gpt://chat/long").await;
    let begun = std::time::Instant::now();
    nvim.wait_screen_contains("The end of it.").await;
    println!("shown after {:?}", begun.elapsed());
    let lines = nvim
        .lua_lines("return vim.api.nvim_buf_get_lines(0, 0, -1, false)", &[])
        .await;
    let exchange = [("You", said), ("test/m1", said)];
    assert_eq!(lines, transcript(&exchange.repeat(500)));
    clean(&nvim).await;
}

// Deaths --------------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn an_answer_whose_editor_is_killed_is_finished_into_the_history_and_then_nothing_runs() {
    let (home, server, nvim) = home_with(answer("one two three").gate_before_token(1, "on")).await;
    open(&nvim).await;
    say(&nvim, "q1").await;
    nvim.wait_screen_contains("one").await;
    let chat = name(&nvim).await;
    nvim.kill9().await;
    assert!(!nvim.processes().is_empty(), "the program goes on");
    server.open("on");
    gone(&nvim).await;
    let later = editor(&home, &server, "").await;
    later.command(&format!("edit {chat}")).await;
    chat_holds(&later, "one two three").await;
    later.wait_screen_lacks("interrupted").await;
}

#[tokio::test]
async fn quitting_does_not_wait_for_an_answer_that_goes_on_into_the_history() {
    let (home, server, nvim) = home_with(answer("one two three").gate_before_token(1, "on")).await;
    open(&nvim).await;
    say(&nvim, "q1").await;
    nvim.wait_screen_contains("one").await;
    let chat = name(&nvim).await;
    assert!(nvim.quit().await.success());
    assert!(!nvim.processes().is_empty(), "the program goes on");
    server.open("on");
    gone(&nvim).await;
    let later = editor(&home, &server, "").await;
    later.command(&format!("edit {chat}")).await;
    chat_holds(&later, "one two three").await;
}

#[tokio::test]
async fn where_nothing_is_kept_an_answer_ends_with_its_editor() {
    for (config, command) in [("history = { enabled = false }", "GPTChat"), ("", "GPT private")] {
        let server = Server::start(answer("one two").gate_before_token(1, "never")).await;
        let nvim = editor(&Home::new(), &server, config).await;
        open_by(&nvim, command).await;
        say(&nvim, "q1").await;
        nvim.wait_screen_contains("one").await;
        nvim.quit().await;
        gone(&nvim).await;
        server.closed(0).await;
    }
}

#[tokio::test]
async fn a_program_that_outlives_its_editor_ends_when_it_is_told_to() {
    let (_home, _server, nvim) = home_with(answer("one two").gate_before_token(1, "never")).await;
    open(&nvim).await;
    say(&nvim, "q1").await;
    nvim.wait_screen_contains("one").await;
    let pid = program(&nvim).await;
    nvim.quit().await;
    let pid = Pid::from_raw(pid.cast_signed()).unwrap();
    kill_process(pid, Signal::TERM).unwrap();
    gone(&nvim).await;
}

#[tokio::test]
async fn an_answer_whose_program_is_killed_with_its_editor_is_marked_as_interrupted() {
    let (home, server, nvim) = home_with([answer("one two").gate_before_token(1, "never"), answer("again")]).await;
    open(&nvim).await;
    say(&nvim, "q1").await;
    nvim.wait_screen_contains("one").await;
    let (chat, pid) = (name(&nvim).await, program(&nvim).await);
    // The piece is written within 250 ms; the file shows when.
    let written = || contains(&home, "one ");
    wait::until("the piece is written", written).await;
    process::kill9(pid);
    nvim.kill9().await;
    gone(&nvim).await;
    let later = editor(&home, &server, "").await;
    later.command(&format!("edit {chat}")).await;
    later.wait_screen_contains("This answer was interrupted").await;
    later.wait_screen_contains("gr asks again").await;
    assert_eq!(
        chat_lines(&later).await,
        transcript(&[("You", "q1"), ("test/m1", "one")])
    );
    later.feed("gr").await;
    ended(&later, 1).await;
    assert_eq!(
        chat_lines(&later).await,
        transcript(&[("You", "q1"), ("test/m1", "again")])
    );
    later.wait_screen_contains("2/2").await;
}

#[tokio::test]
async fn an_answer_whose_program_is_killed_is_kept_and_the_chat_goes_on() {
    let (home, server, nvim) = home_with([answer("one two").gate_before_token(1, "never"), answer("a2")]).await;
    open(&nvim).await;
    say(&nvim, "q1").await;
    nvim.wait_screen_contains("one").await;
    wait::until("the piece is written", || contains(&home, "one ")).await;
    let chat = name(&nvim).await;
    process::kill9(program(&nvim).await);
    ended(&nvim, 1).await;
    nvim.feed("<Esc>GAq2<C-s>").await;
    ended(&nvim, 2).await;
    let shown = chat_lines(&nvim).await;
    nvim.quit().await;
    gone(&nvim).await;
    let later = editor(&home, &server, "").await;
    later.command(&format!("edit {chat}")).await;
    chat_holds(&later, "a2").await;
    assert_eq!(chat_lines(&later).await.len(), shown.len());
    assert_eq!(
        conversation(&server.requests()[1]),
        said(&[("user", "q1"), ("assistant", "one"), ("user", "q2")])
    );
    assert!(!later.screen().contains("1/2"), "nothing is there twice");
}

#[tokio::test]
async fn a_broken_answer_can_be_continued() {
    let (_home, server, nvim) = home_with([answer("one two").gate_before_token(1, "never"), answer("and two")]).await;
    open(&nvim).await;
    say(&nvim, "q1").await;
    nvim.wait_screen_contains("one").await;
    normal_mode(&nvim).await;
    nvim.feed(":GPT stop<CR>").await;
    ended(&nvim, 1).await;
    nvim.feed(":GPT continue<CR>").await;
    ended(&nvim, 2).await;
    let asked = "Go on exactly where you stopped, without repeating anything.";
    assert_eq!(
        conversation(&server.requests()[1]),
        said(&[("user", "q1"), ("assistant", "one "), ("user", asked)])
    );
}

/// Whether the history's files hold these bytes.
fn contains(home: &Home, text: &str) -> bool {
    ["history.db", "history.db-wal"].iter().any(|name| {
        let bytes = fs::read(database(home).with_file_name(name)).unwrap_or_default();
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    })
}

#[tokio::test]
async fn a_question_is_on_the_disk_before_its_request_leaves() {
    let (home, server, nvim) = home_with(answer("one").gate_before_token(0, "never")).await;
    open(&nvim).await;
    say(&nvim, "a question of its own").await;
    server.reached("never").await;
    assert!(contains(&home, "a question of its own"));
}

#[tokio::test]
async fn a_program_that_is_replaced_goes_on_in_the_same_chat() {
    let (home, server, nvim) = home_with([answer("a1"), answer("a2")]).await;
    exchanges(&nvim, &["q1"]).await;
    let chat = name(&nvim).await;
    process::kill9(program(&nvim).await);
    nvim.wait_lua("return not require('gpt.client').is_running()").await;
    nvim.feed("<Esc>GAq2<C-s>").await;
    ended(&nvim, 2).await;
    nvim.quit().await;
    gone(&nvim).await;
    let later = editor(&home, &server, "").await;
    later.command(&format!("edit {chat}")).await;
    chat_holds(&later, "a2").await;
    let shown = [("You", "q1"), ("test/m1", "a1"), ("You", "q2"), ("test/m1", "a2")];
    assert_eq!(chat_lines(&later).await, transcript(&shown));
    assert!(!later.screen().contains("1/2"), "nothing is there twice");
}

// What a user does with chats -----------------------------------------------------------------------------------------

#[tokio::test]
async fn the_history_lists_chats_and_shows_the_chosen_one() {
    let (home, server, nvim) = home_with([answer("a1"), answer("a2")]).await;
    exchanges(&nvim, &["the first question"]).await;
    nvim.feed(":GPTChat! the second question<CR>").await;
    ended(&nvim, 2).await;
    nvim.quit().await;
    gone(&nvim).await;
    let later = configured(&server, "").home(&home).init(&choosing(&[2])).start().await;
    later.feed(":GPT history<CR>").await;
    later.wait_screen_contains("a1").await;
    let shown = lists(&later).await.concat();
    let (newest, oldest) = (shown.find("the second question"), shown.find("the first question"));
    assert!(newest.is_some() && newest < oldest, "{shown}");
    assert!(shown.contains("0 min") && shown.contains("m1"), "{shown}");
    assert_eq!(
        chat_lines(&later).await,
        transcript(&[("You", "the first question"), ("test/m1", "a1")])
    );
    clean(&later).await;
}

#[tokio::test]
async fn a_search_finds_chats_by_what_was_said_and_the_key_opens_the_list() {
    let (home, server, nvim) = home_with([answer("the coração beats"), answer("nothing")]).await;
    exchanges(&nvim, &["q1"]).await;
    nvim.feed(":GPTChat! q2<CR>").await;
    ended(&nvim, 2).await;
    nvim.quit().await;
    gone(&nvim).await;
    let later = configured(&server, "").home(&home).init(&choosing(&[1])).start().await;
    later.feed(":GPT history coracao<CR>").await;
    later.wait_screen_contains("the coração beats").await;
    let shown = lists(&later).await.concat();
    assert!(
        shown.contains("\"the coração beats\"") && !shown.contains("q2"),
        "{shown}"
    );
    later.feed("gh").await;
    later.wait_lua("return #lists == 2").await;
    assert!(lists(&later).await.concat().contains("q2"));
    clean(&later).await;
}

#[tokio::test]
async fn a_chat_that_is_open_is_shown_and_not_loaded_twice() {
    let (_home, _server, nvim) = home_with([answer("a1")]).await;
    nvim.lua(&choosing(&[1]), &[]).await;
    exchanges(&nvim, &["q1"]).await;
    nvim.feed("q").await;
    nvim.wait_lua("return vim.bo.filetype ~= 'gptchat'").await;
    nvim.feed(":GPT history<CR>").await;
    nvim.wait_lua("return vim.bo.filetype == 'gptchat'").await;
    let chats = "return #vim.tbl_filter(function(b) return vim.api.nvim_buf_get_name(b):find('^gpt://') end,
        vim.api.nvim_list_bufs())";
    assert_eq!(nvim.lua_i64(chats, &[]).await, 1);
    assert_eq!(chat_lines(&nvim).await, transcript(&[("You", "q1"), ("test/m1", "a1")]));
}

#[tokio::test]
async fn a_chat_is_renamed_copied_written_to_files_and_deleted() {
    let (home, _server, nvim) = home_with([answer("a1"), answer("a2")]).await;
    nvim.lua(TOLD, &[]).await;
    nvim.lua(&choosing(&[2]), &[]).await;
    exchanges(&nvim, &["q1", "q2"]).await;
    let first = name(&nvim).await;
    nvim.feed(":GPT rename Another title<CR>").await;
    was_told(&nvim, "Another title").await;
    nvim.feed(":GPT export out.md<CR>").await;
    was_told(&nvim, "Written to").await;
    let markdown = fs::read_to_string(home.path().join("home/out.md")).unwrap();
    assert!(
        markdown.starts_with("# Another title\n") && markdown.contains("\n## You\n\nq2\n\n## m1\n\na2\n"),
        "{markdown}"
    );
    nvim.feed(":GPT export out.md<CR>").await;
    was_told(&nvim, "is there already").await;
    nvim.feed(":GPT export out.json<CR>").await;
    wait::until("the JSON is written", || home.path().join("home/out.json").exists()).await;
    let json = || serde_json::from_slice::<serde_json::Value>(&fs::read(home.path().join("home/out.json")).unwrap());
    wait::until("the JSON is whole", || json().is_ok()).await;
    assert_eq!(json().unwrap()["messages"].as_array().unwrap().len(), 4);
    nvim.feed("gg/a1<CR>:GPT fork<CR>").await;
    nvim.wait_lua(&format!("return vim.api.nvim_buf_get_name(0) ~= '{first}'"))
        .await;
    nvim.wait_lines(0, |lines| lines == transcript(&[("You", "q1"), ("test/m1", "a1")]))
        .await;
    nvim.feed(":GPT delete<CR>").await;
    was_told(&nvim, "is deleted").await;
    nvim.wait_lua("return vim.bo.filetype ~= 'gptchat'").await;
    nvim.lua(&choosing(&[]), &[]).await;
    nvim.feed(":GPT history<CR>").await;
    nvim.wait_lua("return #lists == 1").await;
    assert_eq!(lists(&nvim).await.concat().matches("Another title").count(), 1);
}

#[tokio::test]
async fn the_history_is_emptied_when_that_was_asked_for_twice() {
    let (home, _server, nvim) = home_with([answer("a certain answer")]).await;
    nvim.lua(TOLD, &[]).await;
    nvim.lua(&choosing(&[2, 1, 2, 2]), &[]).await;
    exchanges(&nvim, &["q1"]).await;
    nvim.feed(":GPT history clear<CR>").await;
    was_told(&nvim, "Nothing was changed").await;
    assert_eq!(lists(&nvim).await.len(), 2);
    assert!(contains(&home, "a certain answer"));
    nvim.feed(":GPT history clear<CR>").await;
    was_told(&nvim, "The history is empty now").await;
    assert!(!contains(&home, "a certain answer"));
}

#[tokio::test]
async fn of_a_private_chat_nothing_is_written() {
    let (home, server, nvim) = home_with([answer("a secret answer"), answer("another one"), answer("a third")]).await;
    open_by(&nvim, "GPT private").await;
    nvim.wait_screen_contains("private").await;
    say(&nvim, "a secret question").await;
    ended(&nvim, 1).await;
    // Nor when the program is another one.
    process::kill9(program(&nvim).await);
    nvim.wait_lua("return not require('gpt.client').is_running()").await;
    nvim.feed("<Esc>GAmore secrets<C-s>").await;
    ended(&nvim, 2).await;
    // What is written later is in the file, and nothing of this.
    nvim.feed("<Esc>:GPTChat! a common question<CR>").await;
    ended(&nvim, 3).await;
    assert_eq!(server.requests().len(), 3);
    assert!(contains(&home, "a common question"));
    for text in ["a secret", "more secrets", "another one"] {
        assert!(!contains(&home, text), "{text}");
    }
}

#[tokio::test]
async fn where_nothing_is_kept_write_does_not_say_that_chats_are() {
    for (config, command) in [("history = { enabled = false }", "GPTChat"), ("", "GPT private")] {
        let home = Home::new();
        let server = Server::start(Vec::new()).await;
        let nvim = editor(&home, &server, config).await;
        open_by(&nvim, command).await;
        nvim.feed("<Esc>:w<CR>").await;
        nvim.wait_screen_contains("This chat is not kept; :write name.md saves a copy.")
            .await;
    }
}

#[tokio::test]
async fn the_last_chat_of_the_project_is_offered_where_that_is_wanted() {
    let (home, server, nvim) = home_with([answer("a1")]).await;
    exchanges(&nvim, &["q1"]).await;
    nvim.quit().await;
    gone(&nvim).await;
    let builder = configured(&server, "history = { resume = true }").home(&home);
    let later = builder.init(&choosing(&[1])).start().await;
    later.feed(":GPTChat<CR>").await;
    later.wait_screen_contains("a1").await;
    assert!(lists(&later).await.concat().contains("Go on with \"q1\" (0 min)?"));
    clean(&later).await;
}

#[tokio::test]
async fn nothing_is_kept_where_that_is_switched_off() {
    let home = Home::new();
    let server = Server::start([answer("a1")]).await;
    let nvim = editor(&home, &server, "history = { enabled = false }").await;
    nvim.lua(TOLD, &[]).await;
    exchanges(&nvim, &["q1"]).await;
    nvim.feed(":GPT history<CR>").await;
    was_told(&nvim, "There is no history.").await;
    assert!(!database(&home).exists());
}

// A history that cannot be used ---------------------------------------------------------------------------------------

/// What is said when the history is like that; the chat has to work nevertheless.
async fn said_of(spoil: impl FnOnce(&Home)) -> (Home, String) {
    let home = Home::new();
    let server = Server::start([answer("a1"), answer("a2")]).await;
    fs::create_dir_all(database(&home).parent().unwrap()).unwrap();
    spoil(&home);
    let nvim = configured(&server, "").home(&home).init(TOLD).start().await;
    exchanges(&nvim, &["q1", "q2"]).await;
    let shown = [("You", "q1"), ("test/m1", "a1"), ("You", "q2"), ("test/m1", "a2")];
    assert_eq!(chat_lines(&nvim).await, transcript(&shown));
    nvim.wait_lua("return #told > 0").await;
    let told = told(&nvim).await;
    assert_eq!(told.len(), 1, "{told:?}");
    (home, told.concat())
}

#[tokio::test]
async fn a_damaged_history_is_put_aside_and_named() {
    let (home, told) = said_of(|home| fs::write(database(home), "no database at all ".repeat(500)).unwrap()).await;
    assert!(
        told.contains("The history was damaged; a new one has been begun."),
        "{told}"
    );
    let folder = fs::read_dir(database(&home).parent().unwrap()).unwrap().flatten();
    let names: Vec<String> = folder
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    let aside = names.iter().find(|name| name.contains("20") && !name.contains("wal"));
    assert!(told.contains(aside.unwrap().as_str()), "{told} {names:?}");
}

#[tokio::test]
async fn a_history_that_cannot_be_written_is_told_once_and_chats_work_in_memory() {
    let (_home, told) = said_of(|home| fs::create_dir(database(home)).unwrap()).await;
    assert!(told.contains("The history cannot be opened: look at it."), "{told}");
    assert!(told.contains("Chats go on, but are not kept until then."), "{told}");
}

#[tokio::test]
async fn a_history_of_a_newer_version_is_left_alone_and_told() {
    let bytes = std::cell::OnceCell::new();
    let (home, told) = said_of(|home| {
        let connection = rusqlite::Connection::open(database(home)).unwrap();
        connection
            .execute_batch("PRAGMA user_version = 4711; CREATE TABLE x(y)")
            .unwrap();
        drop(connection);
        bytes.set(fs::read(database(home)).unwrap()).unwrap();
    })
    .await;
    assert!(told.contains("Update gpt.nvim: its history is newer."), "{told}");
    assert_eq!(Some(&fs::read(database(&home)).unwrap()), bytes.get());
}

// Two editors ---------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn a_second_editor_is_told_sees_the_chat_grow_and_makes_a_branch() {
    let script = [
        answer("a1"),
        answer("one two three")
            .gate_before_token(1, "a")
            .gate_before_token(2, "b"),
        answer("other"),
        answer("a3"),
    ];
    let (home, server, first) = home_with(script).await;
    exchanges(&first, &["q1"]).await;
    let chat = name(&first).await;
    let second = configured(&server, "").home(&home).init(TOLD).start().await;
    second.command(&format!("edit {chat}")).await;
    was_told(&second, "Another Neovim has this chat open").await;
    second.wait_screen_contains("a1").await;
    first.feed("GAq2<C-s>").await;
    first.wait_screen_contains("one").await;
    second.wait_screen_contains("one").await;
    server.open("a");
    second.wait_screen_contains("one two").await;
    server.open("b");
    ended(&first, 2).await;
    let shown = [
        ("You", "q1"),
        ("test/m1", "a1"),
        ("You", "q2"),
        ("test/m1", "one two three"),
    ];
    second.wait_lines(0, |lines| lines == transcript(&shown)).await;
    // From an earlier message on: a branch.
    second.feed("gg/q2<CR>A, but<Esc><CR>").await;
    ended(&second, 1).await;
    assert_eq!(
        conversation(&server.requests()[2]),
        said(&[("user", "q1"), ("assistant", "a1"), ("user", "q2, but")])
    );
    second.wait_screen_contains("2/2").await;
    // The first goes on as if it were alone, whatever numbers are taken by now.
    first.feed("<Esc>GAq3<C-s>").await;
    ended(&first, 3).await;
    let whole = [&shown[..], &[("You", "q3"), ("test/m1", "a3")]].concat();
    assert_eq!(chat_lines(&first).await, transcript(&whole));
    clean(&second).await;
    clean(&first).await;
    for nvim in [&first, &second] {
        nvim.quit().await;
        gone(nvim).await;
    }
    let later = editor(&home, &server, "").await;
    later.command(&format!("edit {chat}")).await;
    chat_holds(&later, "a3").await;
    assert_eq!(chat_lines(&later).await, transcript(&whole));
    later.feed("gg/q2<CR>]b").await;
    chat_holds(&later, "other").await;
    let branch = [
        ("You", "q1"),
        ("test/m1", "a1"),
        ("You", "q2, but"),
        ("test/m1", "other"),
    ];
    assert_eq!(chat_lines(&later).await, transcript(&branch));
}
