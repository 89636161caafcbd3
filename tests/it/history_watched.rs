//! An answer that is written by one Neovim and watched in another one.

use gpt_nvim::history::{Chat, Limits, Message, PartKind, Role, State, Turn};
use gpt_nvim::history::{ChatInfo, End, History, MessageRef};

use crate::common::*;
use crate::history::*;
use crate::support::nvim::{Home, Nvim};
use crate::support::server::Server;

const CHAT: &str = "20261122-185500-00000001";

/// This test's own process as the one that writes an answer, and an editor that watches.
struct Watched {
    history: History,
    answer: MessageRef,
    nvim: Nvim,
    server: Server,
    _home: Home,
}

impl Watched {
    /// A chat whose answer has said so much when the editor opens it.
    async fn after(said: &[(PartKind, &str)]) -> Self {
        let (home, server) = (Home::new(), Server::start([answer("a2")]).await);
        let file = database(&home);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        let history = History::open(&file, Limits::default()).await.unwrap().history;
        let chat = ChatInfo {
            id: CHAT.to_owned(),
            title: "q1".to_owned(),
            project: None,
            provider: "test".to_owned(),
            model: "m1".to_owned(),
            created: 0,
        };
        let question = Message::new(1, None, Role::User, "q1", 0);
        let messages = vec![question, Message::awaited(2, Some(1), "test", "m1", 0)];
        let saved = history.save_turn(Turn { chat, messages, at: 0 }).await.unwrap();
        let (chat, id) = (CHAT.to_owned(), saved.ids[1]);
        let answer = MessageRef { chat, id };
        for (kind, text) in said {
            history.append(&answer, *kind, text);
        }
        history.flush(&answer).await.unwrap();
        let nvim = editor(&home, &server, "").await;
        nvim.command(&format!("edit gpt://chat/{CHAT}")).await;
        nvim.wait_screen_contains("q1").await;
        let _home = home;
        Self {
            history,
            answer,
            nvim,
            server,
            _home,
        }
    }

    /// The answer goes on, until the editor shows these words.
    async fn says(&self, text: &str, shown: &str) {
        self.history.append(&self.answer, PartKind::Text, text);
        self.history.flush(&self.answer).await.unwrap();
        self.nvim
            .wait_lines(0, |lines| lines.iter().any(|line| line.contains(shown)))
            .await;
    }

    async fn ends(&self, state: State) {
        let end = End {
            state,
            finish: None,
            usage: None,
            notices: Vec::new(),
            at: 0,
        };
        self.history.finish(&self.answer, end).await.unwrap();
    }

    /// What the next question's request has of the conversation, and the history after it.
    async fn goes_on(&self) -> (Vec<(String, String)>, Chat) {
        self.nvim.feed("GAq2<C-s>").await;
        ended(&self.nvim, 1).await;
        let asked = conversation(&self.server.requests()[0]);
        (asked, self.history.load(CHAT, 0).await.unwrap())
    }
}

/// The messages of the chat: their numbers, and how they ended.
fn messages(chat: &Chat) -> Vec<(u64, State)> {
    chat.messages
        .iter()
        .map(|message| (message.id, message.state))
        .collect()
}

const WHOLE: [(u64, State); 4] = [
    (1, State::Whole),
    (2, State::Whole),
    (3, State::Whole),
    (4, State::Whole),
];

#[tokio::test]
async fn paragraphs_that_come_one_by_one_stay_paragraphs_and_are_there_once() {
    let watched = Watched::after(&[(PartKind::Text, "\n\none \n\n")]).await;
    watched.says("two\n\n", "two").await;
    watched.says("three", "three").await;
    watched.ends(State::Whole).await;
    let text = "one \n\ntwo\n\nthree";
    let shown = transcript(&[("You", "q1"), ("test/m1", text)]);
    assert_eq!(
        watched.nvim.wait_lines(0, |lines| lines.len() >= shown.len()).await,
        shown
    );
    let (asked, chat) = watched.goes_on().await;
    assert_eq!(asked, said(&[("user", "q1"), ("assistant", text), ("user", "q2")]));
    assert_eq!(messages(&chat), WHOLE, "no branch");
}

#[tokio::test]
async fn an_answer_that_had_only_reasoned_when_it_was_opened_says_its_text_below_that() {
    let watched = Watched::after(&[(PartKind::Reasoning, "hm")]).await;
    watched.says("one\n\n", "one").await;
    watched.says("two", "two").await;
    watched.ends(State::Whole).await;
    let text = "> **Reasoning**\n>\n> hm\n\none\n\ntwo";
    let shown = transcript(&[("You", "q1"), ("test/m1", text)]);
    assert_eq!(
        watched.nvim.wait_lines(0, |lines| lines.len() >= shown.len()).await,
        shown
    );
    let (asked, chat) = watched.goes_on().await;
    assert_eq!(
        asked,
        said(&[("user", "q1"), ("assistant", "one\n\ntwo"), ("user", "q2")])
    );
    assert_eq!(messages(&chat), WHOLE, "no branch");
}

#[tokio::test]
async fn an_answer_that_is_broken_off_while_it_is_watched_is_said_to_be_interrupted() {
    let watched = Watched::after(&[(PartKind::Text, "one")]).await;
    watched.says(" two", "one two").await;
    watched.ends(State::Interrupted).await;
    watched.nvim.wait_screen_contains("This answer was interrupted").await;
    watched.nvim.wait_screen_contains(":GPT continue").await;
    let (asked, chat) = watched.goes_on().await;
    assert_eq!(asked, said(&[("user", "q1"), ("assistant", "one two"), ("user", "q2")]));
    assert_eq!(messages(&chat)[1], (2, State::Interrupted));
    assert_eq!(chat.messages.len(), 4, "no branch");
}
