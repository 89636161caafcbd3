//! What comes back with a chat beside its text, and copies of chats.

use gpt_nvim::history::{Chat, ChatInfo, History, Limits, Message, Role, Totals};
use serde_json::json;

use crate::common::*;
use crate::history::*;
use crate::support::answer::Answer;
use crate::support::nvim::Home;
use crate::support::server::Server;
use crate::support::wait;

/// An answer of Chat Completions that names a source, twice (<https://docs.litellm.ai/docs/completion/web_search>).
fn with_source() -> Answer {
    let chunk = |delta: serde_json::Value, reason: serde_json::Value| {
        json!({ "id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m",
            "choices": [{ "index": 0, "delta": delta, "finish_reason": reason }] })
        .to_string()
    };
    let source = json!([{ "type": "url_citation", "url_citation": { "url": "https://a.example/x", "title": "A" } }]);
    let said = chunk(json!({ "content": "so it is", "annotations": source }), json!(null));
    let again = chunk(json!({ "content": ".", "annotations": source }), json!(null));
    Answer::sse(&[&said, &again, &chunk(json!({}), json!("stop")), "[DONE]"])
}

#[tokio::test]
async fn the_sources_of_an_answer_come_back_with_the_chat() {
    let (home, server, nvim) = home_with([with_source()]).await;
    exchanges(&nvim, &["q1"]).await;
    let shown = chat_lines(&nvim).await;
    assert!(shown.contains(&"- [A](https://a.example/x)".to_owned()), "{shown:?}");
    let chat = name(&nvim).await;
    nvim.quit().await;
    gone(&nvim).await;
    let later = editor(&home, &server, "").await;
    later.command(&format!("edit {chat}")).await;
    chat_holds(&later, "https://a.example/x").await;
    assert_eq!(chat_lines(&later).await, shown);
}

fn chat(id: &str, said: &[&str]) -> Chat {
    let message = |(index, text): (usize, &&str)| {
        let id = u64::try_from(index).unwrap() + 1;
        let role = if id % 2 == 1 { Role::User } else { Role::Assistant };
        Message::new(id, id.checked_sub(1).filter(|id| *id > 0), role, text, 0)
    };
    Chat {
        info: ChatInfo {
            id: id.into(),
            title: id.into(),
            project: None,
            provider: "test".into(),
            model: "m1".into(),
            created: 0,
        },
        updated: 0,
        head: Some(said.len() as u64),
        totals: Totals::default(),
        messages: said.iter().enumerate().map(message).collect(),
    }
}

#[tokio::test]
async fn a_copy_whose_name_is_taken_gets_another_one() {
    let (home, server) = (Home::new(), Server::start(Vec::new()).await);
    let opened = History::open(&database(&home), Limits::default()).await.unwrap();
    for chat in [chat("one", &["q1", "a1"]), chat("taken", &["other", "other"])] {
        assert!(opened.history.import(chat).await.unwrap());
    }
    let nvim = editor(&home, &server, "").await;
    nvim.lua("require('gpt.chat.chats').new_id = function() return 'taken' end", &[])
        .await;
    nvim.command("edit gpt://chat/one").await;
    chat_holds(&nvim, "a1").await;
    nvim.feed(":GPT fork<CR>").await;
    nvim.wait_lua("return vim.api.nvim_buf_get_name(0) == 'gpt://chat/taken-2'")
        .await;
    chat_holds(&nvim, "a1").await;
    assert_eq!(
        opened.history.load("taken", 0).await.unwrap().messages[0].text(),
        "other"
    );
}

#[tokio::test]
async fn a_copy_goes_up_to_the_message_under_the_cursor_whatever_its_number_is_in_the_history() {
    let (home, _server, nvim) = home_with([answer("a1"), answer("a2"), answer("a3")]).await;
    exchanges(&nvim, &["q1"]).await;
    let id = name(&nvim).await.trim_start_matches("gpt://chat/").to_owned();
    // Somebody else takes the numbers that come next.
    let opened = History::open(&database(&home), Limits::default()).await.unwrap();
    let other = opened.history;
    let mut theirs = other.load(&id, 0).await.unwrap();
    let turn = gpt_nvim::history::Turn {
        chat: theirs.info.clone(),
        messages: vec![
            Message::new(3, Some(2), Role::User, "theirs", 1),
            Message::new(4, Some(3), Role::Assistant, "also theirs", 1),
        ],
        at: 1,
    };
    other.save_turn(turn).await.unwrap();
    for (index, question) in ["q2", "q3"].iter().enumerate() {
        nvim.feed("<Esc>GA").await;
        say(&nvim, question).await;
        ended(&nvim, index + 2).await;
    }
    normal_mode(&nvim).await;
    nvim.feed("gg/a2<CR>:GPT fork<CR>").await;
    nvim.wait_lua(&format!("return vim.api.nvim_buf_get_name(0) ~= 'gpt://chat/{id}'"))
        .await;
    nvim.wait_lines(0, |lines| {
        lines == transcript(&[("You", "q1"), ("test/m1", "a1"), ("You", "q2"), ("test/m1", "a2")])
    })
    .await;
    theirs = other.load(&id, 0).await.unwrap();
    assert!(theirs.messages.iter().any(|message| message.text() == "also theirs"));
}

#[tokio::test]
async fn a_question_whose_answer_has_no_word_yet_comes_back_without_it_and_so_does_what_follows_it() {
    let (home, server) = (Home::new(), Server::start(answer("a2")).await);
    let history = History::open(&database(&home), Limits::default())
        .await
        .unwrap()
        .history;
    assert!(history.import(chat("last", &["q1", ""])).await.unwrap());
    assert!(history.import(chat("followed", &["q1", "", "q2", "a2"])).await.unwrap());
    let nvim = editor(&home, &server, "").await;
    nvim.command("edit gpt://chat/last").await;
    chat_holds(&nvim, "q1").await;
    nvim.command("edit gpt://chat/followed").await;
    chat_holds(&nvim, "a2").await;
    chat_holds(&nvim, "q1").await;
    clean(&nvim).await;
}

/// The minute is another number here; that it is a minute says the source.
#[tokio::test]
async fn a_program_whose_answer_does_not_end_ends_when_its_time_is_over() {
    let (home, server) = (
        Home::new(),
        Server::start([answer("one two").gate_before_token(1, "never")]).await,
    );
    let builder = configured(&server, "").env("GPT_NVIM_TEST_OUTLIVING_MS", "300");
    let nvim = builder.home(&home).start().await;
    open(&nvim).await;
    say(&nvim, "q1").await;
    nvim.wait_screen_contains("one").await;
    let chat = name(&nvim).await;
    nvim.quit().await;
    gone(&nvim).await;
    server.closed(0).await;
    let later = editor(&home, &server, "").await;
    later.command(&format!("edit {chat}")).await;
    later.wait_screen_contains("This answer was interrupted").await;
    assert_eq!(
        chat_lines(&later).await,
        transcript(&[("You", "q1"), ("test/m1", "one")])
    );
    wait::until("nothing of the first is left", || nvim.processes().is_empty()).await;
}
