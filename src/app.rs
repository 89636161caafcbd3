//! The program: one ordered inbox. What the editor says comes in, and goes to the chat or the task that it concerns.

mod acting;
mod choice;
mod connecting;
mod dialog;
mod lists;
mod lookup;
mod model;
mod picker;
mod rows;
mod shelf;
mod trust;

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::timeout;

use crate::actions::library::Library;
use crate::actions::slash;
use crate::chat::archive::Archive;
use crate::chat::budget::Calibration;
use crate::chat::conversation::Event;
use crate::chat::notice::{self, Notice};
use crate::chat::prompt;
use crate::chat::rules::Rules;
use crate::chat::session::{self, Errand, Session, Settings, Told};
use crate::chat::{About, ChatId, MessageId, Region};
use crate::config::{Config, HistoryConfig};
use crate::context::files::FileIndex;
use crate::editor::event::{EditorEvent, Inbound, Question};
use crate::editor::{Editor, ShownModel};
use crate::history::{self, Retention};
use crate::keys::Redactor;
use crate::keys::vault::Vault;
use crate::logging;
use crate::provider::catalogue::Catalogue;
use crate::provider::http::Http;
use crate::provider::registry::{Registry, Target};
use crate::words::{Locale, say};
use acting::{Acting, Errands};
use connecting::{Connecting, Entered};
use dialog::Dialog;
use lists::Lists;
use lookup::{Lookup, Order};
use shelf::Shelf;
use trust::Trust;

/// How many messages of the editor may wait.
pub const INBOX_SIZE: usize = 1024;
/// How long answers may go on when the editor is gone.
const OUTLIVING: Duration = Duration::from_secs(60);

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
                Some(Inbound::Question(question, answer)) => app.answer(question, answer),
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
    /// Whom to ask, when the configuration names nobody.
    DefaultFound(Box<Target>),
    /// A key was set or removed: the default may be another one now.
    KeysChanged,
    /// The user picked a model from the list.
    ModelPicked(String),
    /// What a chat's prompt is sent as.
    Expanded(ChatId, About, Box<Event>, Option<Errand>),
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
    /// The context words that are being looked up.
    lookups: Vec<(ChatId, AbortHandle)>,
    /// What waits until it is known whom to ask; `None` once it is.
    waiting: Option<Vec<EditorEvent>>,
    /// Prompts, and which of them may be used.
    library: Library,
    prompts_dir: Option<PathBuf>,
    trust: Trust,
    /// What is to be done with the answers to questions that actions ask.
    errands: Errands,
}

impl App {
    fn new(editor: Arc<dyn Editor>, news: mpsc::Sender<News>, redactor: Redactor) -> Self {
        let config = Config::default();
        let registry = Arc::new(Registry::new(&config, &environment));
        let vault = Vault::new(redactor);
        let (settings, _) = watch::channel(Arc::new(settings_of(&config, &registry, &vault, None)));
        let model = model::follow(editor.clone());
        let dialog = Dialog::new(editor.clone());
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
            configured: Arc::default(),
            lists: Lists::default(),
            files: FileIndex::default(),
            state_dir: None,
            model,
            lookups: Vec::new(),
            waiting: None,
            library: Library::default(),
            prompts_dir: None,
            trust: Trust::default(),
            errands: Errands::default(),
        }
    }

    async fn take(&mut self, event: EditorEvent) {
        if let Some(waiting) = &mut self.waiting {
            if event.needs_model() {
                return waiting.push(event);
            }
            let before = waiting.len();
            waiting.retain(|waits| !event.takes_back(waits));
            if let EditorEvent::StopRequested { chat, .. } = &event
                && waiting.len() < before
            {
                return self.give_back(chat.clone());
            }
        }
        match event {
            EditorEvent::Started { config } => self.configure(&config),
            EditorEvent::Sent {
                chat,
                about,
                regions,
                prompt,
                origin,
                at,
            } => {
                let sent = Event::Sent {
                    regions,
                    prompt,
                    origin,
                    at,
                };
                self.send(chat, about, sent).await;
            }
            EditorEvent::Regenerated {
                chat,
                about,
                regions,
                at,
            } => self.tell(chat, about, Event::Regenerated { regions, at }).await,
            EditorEvent::BranchSwitched {
                chat,
                about,
                regions,
                at,
                by,
            } => self.tell(chat, about, Event::BranchSwitched { regions, at, by }).await,
            EditorEvent::StopRequested { chat, about } => self.tell(chat, about, Event::StopRequested).await,
            EditorEvent::Opened { chat, about } => self.session(chat, about).tell(Told::Opened).await,
            EditorEvent::Looked { chat } => {
                if let Some(session) = self.chats.get(&chat) {
                    session.tell(Told::Looked).await;
                }
            }
            EditorEvent::Closed { chat } => self.close(&chat),
            EditorEvent::HistoryRequested { words, project } => {
                let shelf = self.shelf();
                tokio::spawn(async move { shelf.pick(words, project).await });
            }
            EditorEvent::ResumeOffered { project } => {
                let shelf = self.shelf();
                tokio::spawn(async move { shelf.offer_last(project).await });
            }
            EditorEvent::HistoryClearRequested => {
                let shelf = self.shelf();
                tokio::spawn(async move { shelf.clear().await });
            }
            EditorEvent::ChatRenamed { chat, title } => {
                let shelf = self.shelf();
                tokio::spawn(async move { shelf.rename(chat, title).await });
            }
            EditorEvent::ChatDeletionRequested { chat } => {
                let shelf = self.shelf();
                tokio::spawn(async move { shelf.delete(chat).await });
            }
            EditorEvent::ChatForked { chat, new, at } => {
                // A message that others' messages took the number of has another one in the history.
                let stored = |at: MessageId| self.chats.get(&chat)?.stored(at);
                let at = at.map(|at| stored(at).unwrap_or(at.0));
                let shelf = self.shelf();
                tokio::spawn(async move { shelf.fork(chat, new, at).await });
            }
            EditorEvent::ChatExported { chat, path } => {
                let shelf = self.shelf();
                tokio::spawn(async move { shelf.export(chat, path).await });
            }
            EditorEvent::ContextWanted {
                chat,
                lookup,
                project: root,
                wanted,
                disabled,
            } => self.look_up(Order {
                chat,
                lookup,
                root,
                wanted,
                disabled,
            }),
            EditorEvent::ContextDropped { chat } => self.drop_lookups(&chat),
            EditorEvent::ActionRequested { wanted } => {
                let acting = self.acting();
                tokio::spawn(async move { acting.run(wanted).await });
            }
            EditorEvent::PromptsWanted { project } => self.list_prompts(project),
            EditorEvent::RequestWanted {
                chat,
                about,
                regions,
                prompt,
            } => self.show_request(chat, about, regions, prompt),
            EditorEvent::ModelRequested { model: Some(name), .. } => self.change_model(&name).await,
            EditorEvent::ModelRequested { refresh, .. } => self.pick_model(refresh),
            EditorEvent::Chosen { question, choice } => self.dialog.answered(question, choice),
            EditorEvent::KeySettingRequested { provider } => {
                let connecting = self.connecting();
                tokio::spawn(async move { connecting.ask_for_key(provider).await });
            }
            EditorEvent::KeyEntered {
                provider,
                key,
                organization,
                project,
            } => {
                let entered = Entered {
                    provider,
                    key: key.0,
                    organization,
                    project,
                };
                let connecting = self.connecting();
                tokio::spawn(async move { connecting.take_key(entered).await });
            }
            EditorEvent::KeyRemovalRequested { provider, force } => {
                let connecting = self.connecting();
                tokio::spawn(async move { connecting.remove_key(provider, force).await });
            }
        }
    }

    async fn hear(&mut self, news: News) {
        match news {
            News::ModelPicked(name) => self.change_model(&name).await,
            // Not into a chat that was closed meanwhile.
            News::Expanded(chat, about, sent, errand) if self.chats.contains_key(&chat) => {
                self.ask(chat, about, *sent, errand).await;
            }
            News::Expanded(..) => {}
            News::KeysChanged => {
                self.lists = self.lists.anew();
                self.find_default();
            }
            News::DefaultFound(target) => {
                if !self.is_named() {
                    self.use_target(*target, false);
                }
                self.go_on().await;
            }
        }
    }

    /// Does what has waited until it was known whom to ask.
    async fn go_on(&mut self) {
        for event in self.waiting.take().unwrap_or_default() {
            Box::pin(self.take(event)).await;
        }
    }

    fn answer(&self, question: Question, answer: tokio::sync::oneshot::Sender<serde_json::Value>) {
        match question {
            Question::KeyProviders => {
                let able = self.registry.providers().filter(|provider| provider.takes_stored_key());
                answer.send(able.map(|provider| provider.name.clone()).collect()).ok();
            }
            Question::Models => {
                let picking = self.picking();
                tokio::spawn(async move { answer.send(picking.names().await.into()) });
            }
            Question::Files(wanted) => {
                let files = self.files.clone();
                tokio::spawn(async move {
                    let found = files.find(wanted).await;
                    answer.send(serde_json::to_value(found).unwrap_or_default())
                });
            }
            Question::Health => {
                let (registry, vault) = (self.registry.clone(), self.vault.clone());
                let locale = self.locale();
                tokio::spawn(
                    async move { answer.send(connecting::health(&registry, &vault, &environment, locale).await) },
                );
            }
        }
    }

    fn session(&mut self, chat: ChatId, about: About) -> &Session {
        let (settings, editor) = (&self.settings, &self.editor);
        let archive = match about.private {
            true => Archive::none(),
            false => self.archive.clone(),
        };
        let start = || Session::start(chat.clone(), about, settings.subscribe(), editor.clone(), archive);
        self.chats.entry(chat.clone()).or_insert_with(start)
    }

    async fn tell(&mut self, chat: ChatId, about: About, event: Event) {
        self.session(chat, about).tell(Told::Event(event)).await;
    }

    fn look_up(&mut self, order: Order) {
        let lookup = Lookup {
            editor: self.editor.clone(),
            dialog: self.dialog.clone(),
            redactor: lookup::with_variables(self.vault.redactor(), &self.registry, &environment),
            locale: self.locale(),
        };
        self.lookups.retain(|(_, task)| !task.is_finished());
        let chat = order.chat.clone();
        let task = tokio::spawn(async move { lookup.look_up(order).await });
        self.lookups.push((chat, task.abort_handle()));
    }

    fn drop_lookups(&mut self, chat: &ChatId) {
        let of_chat = |(of, task): &(ChatId, AbortHandle)| of != chat || task.is_finished();
        self.lookups
            .iter()
            .filter(|one| !of_chat(one))
            .for_each(|(_, task)| task.abort());
        self.lookups.retain(of_chat);
    }

    /// Sends a chat's prompt; an action that it names is put in its place first.
    async fn send(&mut self, chat: ChatId, about: About, sent: Event) {
        let prompt = match &sent {
            Event::Sent { prompt, .. } => prompt.clone(),
            _ => String::new(),
        };
        let errand = self.errands.of(&prompt);
        if errand.is_some() || slash::find(&prompt).is_none() {
            return self.ask(chat, about, sent, errand).await;
        }
        self.session(chat.clone(), about.clone());
        let (acting, news) = (self.acting(), self.news.clone());
        tokio::spawn(async move {
            match acting.expand(&prompt, about.project.as_deref()).await {
                Ok(expanded) => {
                    let (sent, errand) = match expanded {
                        Some((text, errand)) => (with_prompt(sent, text), Some(errand)),
                        None => (sent, None),
                    };
                    let sent = Box::new(sent);
                    news.send(News::Expanded(chat, about, sent, errand)).await.ok();
                }
                Err(notice) => drop(acting.editor.refuse_question(&chat, &notice).await),
            }
        });
    }

    async fn ask(&mut self, chat: ChatId, about: About, sent: Event, errand: Option<Errand>) {
        let told = match errand {
            Some(errand) => Told::Asked(sent, errand),
            None => Told::Event(sent),
        };
        self.session(chat, about).tell(told).await;
    }

    /// Tells the editor which prompts there are.
    fn list_prompts(&self, project: Option<String>) {
        let acting = self.acting();
        tokio::spawn(async move { acting.list(project).await });
    }

    fn acting(&self) -> Acting {
        Acting {
            editor: self.editor.clone(),
            dialog: self.dialog.clone(),
            registry: self.registry.clone(),
            library: self.library.clone(),
            trust: self.trust.clone(),
            errands: self.errands.clone(),
            redactor: self.vault.redactor().clone(),
            folder: self.prompts_dir.clone(),
            locale: self.locale(),
        }
    }

    fn close(&mut self, chat: &ChatId) {
        self.drop_lookups(chat);
        while self.closing.try_join_next().is_some() {}
        if let Some(session) = self.chats.remove(chat) {
            self.closing.spawn(session.end(Told::Closed));
        }
    }

    /// The editor is gone: ends when the answers under way have, and all is written.
    async fn leave(mut self) {
        for (_, session) in self.chats.drain() {
            self.closing.spawn(session.end(Told::Left));
        }
        let closed = async { while self.closing.join_next().await.is_some() {} };
        timeout(outliving(), closed).await.ok();
        self.archive.close().await;
    }

    fn shelf(&self) -> Shelf {
        Shelf {
            archive: self.archive.clone(),
            dialog: self.dialog.clone(),
            editor: self.editor.clone(),
            locale: self.settings.borrow().locale,
        }
    }

    /// Opens the history that the configuration names, unless it is open.
    fn open_archive(&mut self, config: &Config) {
        let place = config.data_dir.as_ref().filter(|_| config.history.enabled);
        let kept = place.map(|place| (place.join(history::FILE_NAME), config.history.clone()));
        if self.kept == kept {
            return;
        }
        self.archive = match &kept {
            Some((file, options)) => {
                let retention = Retention {
                    days: options.days,
                    bytes: options.megabytes.map(|megabytes| megabytes.saturating_mul(1_000_000)),
                };
                Archive::open(file.clone(), retention, self.editor.clone(), config.locale)
            }
            None => Archive::none(),
        };
        self.kept = kept;
    }

    /// Shows the request that a chat would send now, without the key.
    fn show_request(&self, chat: ChatId, about: About, regions: Vec<Region>, prompt: String) {
        let (editor, settings, acting) = (self.editor.clone(), self.settings.borrow().clone(), self.acting());
        tokio::spawn(async move {
            let project = about.project.as_deref();
            let (prompt, errand) = match acting.expand(&prompt, project).await {
                Ok(expanded) => expanded.unwrap_or((prompt, Errand::default())),
                Err(notice) => return editor.inform(&notice).await,
            };
            let root = project.filter(|_| settings.chat.rules != Some(false));
            let rules = Rules::default().renewed(root).await;
            let settings = settings.of_chat(errand.target.as_deref(), &rules);
            let messages = prompt::spoken(&regions, &prompt);
            match session::preview(&settings, &messages).await {
                Ok(lines) => editor.show_request(&chat, lines).await,
                Err(problem) => {
                    let Target { provider, model } = &settings.target;
                    editor
                        .inform(&notice::of_error(&problem, provider, model, settings.locale))
                        .await
                }
            }
        });
    }

    fn connecting(&self) -> Connecting {
        Connecting {
            editor: self.editor.clone(),
            dialog: self.dialog.clone(),
            registry: self.registry.clone(),
            http: self.settings.borrow().http.clone(),
            vault: self.vault.clone(),
            news: self.news.clone(),
            locale: self.locale(),
        }
    }

    fn configure(&mut self, config: &Config) {
        if let Some(file) = &config.log_file
            && let Err(error) = logging::start(file, config.log_level.as_deref(), self.vault.redactor())
        {
            let (file, reason) = (file.display().to_string(), error.to_string());
            let title = say!(config.locale, "log.none", file = file, reason = reason);
            self.inform(Notice::new(notice::Level::Warning, title, ""));
        }
        tracing::info!(version = env!("CARGO_PKG_VERSION"), "configured");
        self.open_archive(config);
        self.prompts_dir.clone_from(&config.prompts_dir);
        self.trust = self.trust.kept_in(config.state_dir.clone());
        self.registry = Arc::new(Registry::new(config, &environment));
        self.state_dir.clone_from(&config.state_dir);
        self.lists = Lists::new(config.cache_dir.clone());
        self.configured = Arc::new(config.providers.keys().cloned().collect());
        let earlier = || config.state_dir.as_deref().and_then(choice::read);
        let chosen = self.chosen.take().or_else(earlier);
        self.chosen = chosen.clone().filter(|name| self.registry.target(name).is_ok());
        let mut settings = settings_of(config, &self.registry, &self.vault, self.chosen.as_deref());
        settings.calibration = self.settings.borrow().calibration.clone();
        if let Some(lost) = chosen.filter(|_| self.chosen.is_none()) {
            self.inform(choice::lost(&lost, config.locale));
        }
        if let Some(problem) = &settings.problem {
            self.inform(notice::of_error(
                problem,
                &settings.target.provider,
                &settings.target.model,
                config.locale,
            ));
        }
        self.settings.send_replace(Arc::new(settings));
        self.list_prompts(config.project.clone());
        if self.is_named() {
            self.show_model(false);
        } else {
            self.find_default();
        }
    }

    /// A question that waited is not asked.
    fn give_back(&self, chat: ChatId) {
        let (editor, told) = (self.editor.clone(), notice::of_taken_back(self.locale()));
        tokio::spawn(async move {
            editor.give_back(&chat).await.ok();
            editor.inform(&told).await
        });
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

/// The event with another question.
fn with_prompt(sent: Event, text: String) -> Event {
    match sent {
        Event::Sent {
            regions, origin, at, ..
        } => Event::Sent {
            regions,
            prompt: text,
            origin,
            at,
        },
        other => other,
    }
}

/// How long answers may go on when the editor is gone. Only a program that is built for tests can be told otherwise.
fn outliving() -> Duration {
    let told = cfg!(debug_assertions).then(|| environment("GPT_NVIM_TEST_OUTLIVING_MS"));
    let told = told.flatten().and_then(|millis| millis.parse().ok());
    told.map_or(OUTLIVING, Duration::from_millis)
}

fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Makes settings of a configuration. A model that cannot be asked is a problem that each turn reports; where none is
/// named, the guide stands in until another is found.
fn settings_of(config: &Config, registry: &Registry, vault: &Vault, chosen: Option<&str>) -> Settings {
    let chosen = chosen.map(|name| registry.target(name));
    let (target, problem) = match chosen.or_else(|| registry.configured_target()) {
        Some(Ok(target)) => (target, None),
        Some(Err(problem)) => (
            Target::unknown(config.model.as_deref().unwrap_or_default()),
            Some(problem),
        ),
        None => (
            registry.target("guide").unwrap_or_else(|_| Target::unknown("guide")),
            None,
        ),
    };
    let http = Arc::new(Http::new(config.network.clone()));
    Settings {
        target,
        problem,
        catalogue: Catalogue::new(config.models.clone()),
        chat: config.chat.clone(),
        http,
        vault: vault.clone(),
        calibration: Calibration::default(),
        titles: config.history.titles,
        locale: config.locale,
    }
}
