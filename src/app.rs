//! The program: one ordered inbox. What the editor says comes in, and goes to the chat or the task that it concerns.

mod actions;
mod asking;
mod chats;
mod context;
mod dialog;
mod events;
mod follow_ups;
mod gate;
mod history;
mod keys;
mod models;
mod questions;
mod setup;
mod shared;
mod tasks;

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{AbortHandle, JoinSet};

use crate::chat::archive::Archive;
use crate::chat::notice::{self, Notice};
use crate::chat::session::{Session, Settings, Wanted};
use crate::chat::{About, ChatId, SubmissionId};
use crate::config::{Config, HistoryConfig};
use crate::context::files::FileIndex;
use crate::editor::event::{EditorEvent, Inbound};
use crate::editor::{Editor, ShownModel};
use crate::keys::Redactor;
use crate::keys::vault::Vault;
use crate::provider::registry::Registry;
use crate::words::Locale;
use actions::prompts::Prompts;
use asking::Askers;
use context::Lookups;
use dialog::Dialog;
use follow_ups::FollowUps;
use models::default_model::{Because, Found};
use models::in_use::{Agreed, Here};
use models::lists::Lists;
use questions::Answering;

/// How many messages of the editor may wait.
pub const INBOX_SIZE: usize = 1024;

/// Serves the editor until its events end; then finishes the answers under way into the history, if it has one.
/// `redactor` is told of every key.
pub async fn run(mut inbox: mpsc::Receiver<Inbound>, editor: Arc<dyn Editor>, redactor: Redactor) {
    let (news, mut heard) = mpsc::channel(16);
    let mut app = App::new(editor, news, redactor);
    loop {
        tokio::select! {
            biased;
            news = heard.recv() => match news {
                Some(news) => app.hear(news).await,
                None => return,
            },
            inbound = inbox.recv() => match inbound {
                Some(Inbound::Event(event)) => app.take(event).await,
                Some(Inbound::Question(question, answer)) => questions::answer(question, app.answering(), answer),
                Some(Inbound::Unreadable { event, chat, expected }) => {
                    app.tell_unreadable(chat, notice::of_unreadable(event.as_deref(), expected, app.locale()));
                }
                None => return app.leave().await,
            },
        }
    }
}

/// What the app's own tasks find out.
enum News {
    /// Whom to ask, when the configuration names nobody; and which search has found it.
    DefaultFound(u64, Option<Box<Found>>),
    /// What the user says about the server on this machine.
    Agreed(Agreed),
    /// A key was set or removed: another key may see other models.
    ListsChanged,
    /// A key was set or removed: the default may be another one now.
    KeysChanged,
    /// The user picked a model from the list.
    ModelPicked(String),
    /// What may be sent, and as what.
    Passed(ChatId, About, Box<Wanted>),
}

struct App {
    editor: Arc<dyn Editor>,
    news: mpsc::Sender<News>,
    dialog: Dialog,
    registry: Arc<Registry>,
    vault: Vault,
    settings: watch::Sender<Arc<Settings>>,
    chats: HashMap<ChatId, Session>,
    /// Chats that are closed, and still write what they have to.
    closing: JoinSet<()>,
    archive: Archive,
    /// What the archive was opened with.
    kept: Option<(PathBuf, HistoryConfig)>,
    /// The model that the user chose, in this session or an earlier one.
    chosen: Option<String>,
    /// Why the model in use answers.
    because: Because,
    /// The server on this machine that the user is to be asked about.
    here: Option<Here>,
    /// How often a default was looked for; an older search says nothing any more.
    searches: u64,
    /// The providers that the user configured.
    configured: Arc<BTreeSet<String>>,
    /// The providers' lists of models.
    lists: Lists,
    /// The files of the projects that were completed in.
    files: FileIndex,
    /// Where the choice is kept.
    state_dir: Option<PathBuf>,
    /// The model that the editor shows; the last one wins.
    model: watch::Sender<Option<ShownModel>>,
    lookups: Lookups,
    askers: Askers,
    /// The questions that are on their way out.
    sending: Vec<(ChatId, Option<SubmissionId>, AbortHandle)>,
    /// The texts that were let out, having been asked about.
    passed: gate::Passed,
    /// What waits until it is known whom to ask; `None` once it is.
    waiting: Option<Vec<EditorEvent>>,
    /// Who wants to know why the model in use answers, once it is known whom to ask.
    curious: Vec<oneshot::Sender<String>>,
    /// Prompts, and which of them may be used.
    prompts: Prompts,
    /// What is to be done with the answers to questions that actions ask.
    follow_ups: FollowUps,
}

impl App {
    fn new(editor: Arc<dyn Editor>, news: mpsc::Sender<News>, redactor: Redactor) -> Self {
        let config = Config::default();
        let registry = Arc::new(Registry::new(&config, &environment));
        let vault = Vault::new(redactor);
        let (settings, _) = watch::channel(Arc::new(setup::settings_of(&config, &registry, &vault, None)));
        let model = models::in_use::follow(editor.clone());
        let dialog = Dialog::new(editor.clone());
        let prompts = Prompts::new(editor.clone(), dialog.clone());
        Self {
            editor,
            news,
            dialog,
            registry,
            vault,
            settings,
            chats: HashMap::new(),
            closing: JoinSet::new(),
            archive: Archive::none(),
            kept: None,
            chosen: None,
            because: Because::default(),
            here: None,
            searches: 0,
            configured: Arc::default(),
            lists: Lists::default(),
            files: FileIndex::default(),
            state_dir: None,
            model,
            lookups: Lookups::default(),
            askers: Askers::default(),
            sending: Vec::new(),
            passed: gate::Passed::default(),
            waiting: None,
            curious: Vec::new(),
            prompts,
            follow_ups: FollowUps::default(),
        }
    }

    async fn hear(&mut self, news: News) {
        match news {
            News::ModelPicked(name) => self.change_model(&name).await,
            // Not into a chat that was closed meanwhile.
            News::Passed(chat, about, wanted) if self.chats.contains_key(&chat) => {
                self.tell(chat, about, *wanted).await;
            }
            News::Passed(..) => {}
            News::ListsChanged => self.lists = self.lists.anew(),
            News::KeysChanged => {
                self.lists = self.lists.anew();
                self.find_default();
            }
            News::DefaultFound(search, found) if search == self.searches => self.take_default(found).await,
            News::DefaultFound(..) => {}
            News::Agreed(agreed) => self.hear_agreed(agreed).await,
        }
    }

    /// Does what has waited until it was known whom to ask.
    async fn go_on(&mut self) {
        self.tell_reason();
        for event in self.waiting.take().unwrap_or_default() {
            Box::pin(self.take(event)).await;
        }
    }

    /// What the answers to the editor's questions are made of.
    fn answering(&mut self) -> Answering {
        Answering {
            picking: self.picking(),
            files: self.files.clone(),
            vault: self.vault.clone(),
            reason: self.wait_for_reason(),
        }
    }

    fn locale(&self) -> Locale {
        self.settings.borrow().locale
    }

    /// Says that an event cannot be read; a chat that waits for what comes of it waits no longer.
    fn tell_unreadable(&self, chat: Option<ChatId>, notice: Notice) {
        let Some(chat) = chat else {
            return self.inform(notice);
        };
        let editor = self.editor.clone();
        tokio::spawn(async move { editor.refuse_question(&chat, &notice).await });
    }

    fn inform(&self, notice: Notice) {
        let editor = self.editor.clone();
        tokio::spawn(async move { editor.inform(&notice).await });
    }
}

fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
