//! Titles that the model makes, where that is switched on.

use gpt_nvim::history::{History, Limits, Listing};

use crate::common::*;
use crate::history::*;
use crate::support::answer::Answer;
use crate::support::nvim::Home;
use crate::support::server::{Script, Server};
use crate::support::wait;

const MODEL: &str = "history = { titles = 'model' }";

async fn with(script: impl Into<Script>, config: &str) -> (Home, Server, crate::support::nvim::Nvim) {
    let (home, server) = (Home::new(), Server::start(script).await);
    let nvim = editor(&home, &server, config).await;
    (home, server, nvim)
}

async fn titles(home: &Home) -> Vec<String> {
    let opened = History::open(&database(home), Limits::default()).await.unwrap();
    let listing = Listing {
        limit: 10,
        ..Listing::default()
    };
    let chats = opened.history.list(listing).await.unwrap();
    chats.into_iter().map(|chat| chat.info.title).collect()
}

async fn becomes(home: &Home, title: &str) {
    for _ in 0..200 {
        if titles(home).await == [title] {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("{:?} does not become {title:?}", titles(home).await);
}

#[tokio::test]
async fn a_title_is_the_first_words_and_nobody_is_asked_for_another_one() {
    let (home, server, nvim) = with([answer("a1"), answer("a2")], "").await;
    exchanges(&nvim, &["why is it so?", "q2"]).await;
    assert_eq!(titles(&home).await, ["why is it so?"]);
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn a_title_is_made_by_the_model_after_the_first_answer_where_that_is_wanted() {
    let script = [answer("because"), answer("\"The Why of It\""), answer("a2")];
    let (home, server, nvim) = with(script, MODEL).await;
    exchanges(&nvim, &["why is it so?"]).await;
    becomes(&home, "The Why of It").await;
    let asked = conversation(&server.requests()[1]);
    assert_eq!(asked.len(), 1);
    assert!(
        asked[0].1.contains("why is it so?") && asked[0].1.contains("because"),
        "{asked:?}"
    );
    nvim.feed("GAq2<C-s>").await;
    ended(&nvim, 2).await;
    assert_eq!(server.requests().len(), 3, "once for each chat");
    let shown = [
        ("You", "why is it so?"),
        ("test/m1", "because"),
        ("You", "q2"),
        ("test/m1", "a2"),
    ];
    assert_eq!(chat_lines(&nvim).await, transcript(&shown));
    clean(&nvim).await;
}

#[tokio::test]
async fn a_title_that_does_not_come_delays_nothing_and_is_not_told() {
    for failure in [
        answer("slow title").gate_before_token(0, "never"),
        Answer::html(500, "no"),
    ] {
        let (home, server, nvim) = with([answer("a1"), failure, answer("a2")], MODEL).await;
        nvim.lua(TOLD, &[]).await;
        exchanges(&nvim, &["why is it so?"]).await;
        wait::until("the title is asked for", || server.requests().len() == 2).await;
        nvim.feed("GAq2<C-s>").await;
        ended(&nvim, 2).await;
        assert_eq!(told(&nvim).await, Vec::<String>::new());
        assert_eq!(titles(&home).await, ["why is it so?"]);
        nvim.quit().await;
        gone(&nvim).await;
    }
}

#[tokio::test]
async fn a_chat_that_was_renamed_meanwhile_keeps_its_name() {
    let script = [
        answer("a1"),
        answer("The model's").gate_before_token(0, "title"),
        answer("a2"),
    ];
    let (home, server, nvim) = with(script, MODEL).await;
    nvim.lua(TOLD, &[]).await;
    exchanges(&nvim, &["q1"]).await;
    server.reached("title").await;
    nvim.feed(":GPT rename Mine<CR>").await;
    was_told(&nvim, "Mine").await;
    server.open("title");
    nvim.feed("GAq2<C-s>").await;
    ended(&nvim, 2).await;
    assert_eq!(titles(&home).await, ["Mine"]);
}

#[tokio::test]
async fn of_a_private_chat_no_title_is_asked_for() {
    let (_home, server, nvim) = with([answer("a1"), answer("a2")], MODEL).await;
    open_by(&nvim, "GPT private").await;
    say(&nvim, "q1").await;
    ended(&nvim, 1).await;
    nvim.feed("<Esc>GAq2<C-s>").await;
    ended(&nvim, 2).await;
    let asked: Vec<_> = server.requests().iter().map(conversation).collect();
    assert_eq!(
        asked,
        [
            said(&[("user", "q1")]),
            said(&[("user", "q1"), ("assistant", "a1"), ("user", "q2")])
        ]
    );
}
