//! The program: one ordered inbox. What the editor says comes in, and goes to the chat or the task that it concerns.

mod choice;
mod connecting;
mod dialog;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use crate::chat::ChatId;
use crate::chat::conversation::Event;
use crate::chat::notice::{self, Notice};
use crate::chat::session::{Session, Settings};
use crate::config::Config;
use crate::editor::event::{EditorEvent, Inbound, Question};
use crate::editor::{Editor, ShownModel};
use crate::keys::vault::Vault;
use crate::logging;
use crate::provider::http::Http;
use crate::provider::registry::{Registry, Target, Wire};
use connecting::{Connecting, Entered};
use dialog::Dialog;

/// How many messages of the editor may wait.
pub const INBOX_SIZE: usize = 1024;

/// Serves the editor until its events end.
pub async fn run(mut inbox: mpsc::Receiver<Inbound>, editor: Arc<dyn Editor>) {
    let (news, mut heard) = mpsc::channel(16);
    let mut app = App::new(editor, news);
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
                None => return,
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
}

struct App {
    editor: Arc<dyn Editor>,
    news: mpsc::Sender<News>,
    dialog: Dialog,
    registry: Arc<Registry>,
    vault: Vault,
    settings: watch::Sender<Arc<Settings>>,
    chats: HashMap<ChatId, Session>,
    /// The model that the user chose, in this session or an earlier one.
    chosen: Option<String>,
    /// Where the choice is kept.
    state_dir: Option<PathBuf>,
    /// The model that the editor shows; the last one wins.
    model: watch::Sender<Option<ShownModel>>,
    /// What waits until it is known whom to ask; `None` once it is.
    waiting: Option<Vec<EditorEvent>>,
}

impl App {
    fn new(editor: Arc<dyn Editor>, news: mpsc::Sender<News>) -> Self {
        let config = Config::default();
        let registry = Arc::new(Registry::new(&config, &environment));
        let vault = Vault::default();
        let (settings, _) = watch::channel(Arc::new(settings_of(&config, &registry, &vault, None)));
        let model = follow_model(editor.clone());
        let dialog = Dialog::new(editor.clone());
        Self {
            editor,
            news,
            dialog,
            registry,
            vault,
            settings,
            chats: HashMap::new(),
            chosen: None,
            state_dir: None,
            model,
            waiting: None,
        }
    }

    async fn take(&mut self, event: EditorEvent) {
        let asks = matches!(event, EditorEvent::Sent { .. } | EditorEvent::Regenerated { .. });
        if let Some(waiting) = self.waiting.as_mut().filter(|_| asks) {
            waiting.push(event);
            return;
        }
        match event {
            EditorEvent::Started { config } => self.configure(&config),
            EditorEvent::Sent {
                chat,
                regions,
                prompt,
                from_prompt,
            } => {
                self.session(chat)
                    .tell(Event::Sent {
                        regions,
                        prompt,
                        from_prompt,
                    })
                    .await;
            }
            EditorEvent::Regenerated { chat, regions } => self.session(chat).tell(Event::Regenerated { regions }).await,
            EditorEvent::StopRequested { chat } => self.session(chat).tell(Event::StopRequested).await,
            EditorEvent::Closed { chat } => drop(self.chats.remove(&chat)),
            EditorEvent::ModelRequested { model, .. } => self.change_model(model).await,
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
                self.spawn_key_change(async move { connecting.take_key(entered).await });
            }
            EditorEvent::KeyRemovalRequested { provider, force } => {
                let connecting = self.connecting();
                self.spawn_key_change(async move { connecting.remove_key(provider, force).await });
            }
        }
    }

    async fn hear(&mut self, news: News) {
        match news {
            News::KeysChanged => self.find_default(),
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

    /// Whether the user has named the model, so that no key decides about it.
    fn is_named(&self) -> bool {
        self.chosen.is_some() || self.registry.configured_target().is_some()
    }

    async fn change_model(&mut self, name: Option<String>) {
        let Some(name) = name else {
            let label = self.settings.borrow().target.label();
            return self.inform(Notice::new(notice::Level::Info, format!("{label} answers."), ""));
        };
        match choice::understand(&self.registry, &name) {
            Ok(target) => self.choose_model(target).await,
            Err(refusal) => self.inform(refusal),
        }
    }

    async fn choose_model(&mut self, target: Target) {
        let label = target.label();
        self.chosen = Some(label.clone());
        self.use_target(target, true);
        self.inform(Notice::new(
            notice::Level::Info,
            format!("{label} answers from now on."),
            "",
        ));
        if let Some(state) = self.state_dir.clone() {
            choice::keep(state, label).await;
        }
        self.go_on().await;
    }

    fn answer(&self, question: Question, answer: tokio::sync::oneshot::Sender<serde_json::Value>) {
        match question {
            Question::KeyProviders => {
                let able = self.registry.providers().filter(|provider| provider.takes_stored_key());
                answer.send(able.map(|provider| provider.name.clone()).collect()).ok();
            }
            Question::Health => {
                let (registry, vault) = (self.registry.clone(), self.vault.clone());
                tokio::spawn(async move { answer.send(connecting::health(&registry, &vault, &environment).await) });
            }
        }
    }

    fn session(&mut self, chat: ChatId) -> &Session {
        let (settings, editor) = (&self.settings, &self.editor);
        let start = || Session::start(chat.clone(), settings.subscribe(), editor.clone());
        self.chats.entry(chat.clone()).or_insert_with(start)
    }

    fn connecting(&self) -> Connecting {
        Connecting {
            editor: self.editor.clone(),
            dialog: self.dialog.clone(),
            registry: self.registry.clone(),
            http: self.settings.borrow().http.clone(),
            vault: self.vault.clone(),
        }
    }

    fn spawn_key_change(&self, change: impl Future<Output = bool> + Send + 'static) {
        let news = self.news.clone();
        tokio::spawn(async move {
            if change.await {
                news.send(News::KeysChanged).await.ok();
            }
        });
    }

    fn configure(&mut self, config: &Config) {
        if let Some(file) = &config.log_file
            && let Err(error) = logging::start(file, config.log_level.as_deref())
        {
            let notice = Notice::new(
                notice::Level::Warning,
                format!("No log in {}: {error}.", file.display()),
                "",
            );
            self.inform(notice);
        }
        tracing::info!(version = env!("CARGO_PKG_VERSION"), "configured");
        self.registry = Arc::new(Registry::new(config, &environment));
        self.state_dir.clone_from(&config.state_dir);
        let earlier = || config.state_dir.as_deref().and_then(choice::read);
        let chosen = self.chosen.take().or_else(earlier);
        self.chosen = chosen.clone().filter(|name| self.registry.target(name).is_ok());
        let settings = settings_of(config, &self.registry, &self.vault, self.chosen.as_deref());
        if let Some(lost) = chosen.filter(|_| self.chosen.is_none()) {
            self.inform(choice::lost(&lost, &settings.target));
        }
        if let Some(problem) = &settings.problem {
            self.inform(notice::of_error(
                problem,
                &settings.target.provider,
                &settings.target.model,
            ));
        }
        self.settings.send_replace(Arc::new(settings));
        if self.is_named() {
            self.show_model(false);
        } else {
            self.waiting.get_or_insert_default();
            self.find_default();
        }
    }

    /// Finds out whom to ask when the configuration names nobody: the first provider with a key, else the guide. Looking
    /// into the keyring takes time, so this is done beside.
    fn find_default(&self) {
        if self.is_named() {
            return;
        }
        let (registry, vault, news) = (self.registry.clone(), self.vault.clone(), self.news.clone());
        tokio::spawn(async move {
            let connected = match registry.provider("openai") {
                Some(openai) => vault.look(&openai.name, &openai.key, &environment).await,
                None => Ok(None),
            };
            let name = if matches!(connected, Ok(Some(_))) {
                "openai"
            } else {
                "guide"
            };
            if let Ok(target) = registry.target(name) {
                news.send(News::DefaultFound(Box::new(target))).await.ok();
            }
        });
    }

    fn use_target(&self, target: Target, chosen: bool) {
        let before = self.settings.borrow().clone();
        let settings = Settings {
            target,
            problem: None,
            chat: before.chat.clone(),
            http: before.http.clone(),
            vault: before.vault.clone(),
        };
        self.settings.send_replace(Arc::new(settings));
        self.show_model(chosen);
    }

    fn show_model(&self, chosen: bool) {
        let shown = shown(&self.settings.borrow().target, chosen);
        self.model.send_replace(Some(shown));
    }

    fn inform(&self, notice: Notice) {
        let editor = self.editor.clone();
        tokio::spawn(async move { editor.inform(&notice).await });
    }
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
        chat: config.chat.clone(),
        http,
        vault: vault.clone(),
    }
}

fn shown(target: &Target, chosen: bool) -> ShownModel {
    let remark = match target.provider.wire {
        Wire::Guide => "offline manual, no language model",
        Wire::Responses | Wire::Chat => "",
    };
    ShownModel {
        provider: target.provider.name.clone(),
        model: target.model.clone(),
        remark: remark.into(),
        chosen,
    }
}

/// Keeps the editor's idea of the model up to date, in order.
fn follow_model(editor: Arc<dyn Editor>) -> watch::Sender<Option<ShownModel>> {
    let (sender, mut models) = watch::channel(None::<ShownModel>);
    tokio::spawn(async move {
        while models.changed().await.is_ok() {
            let model = models.borrow_and_update().clone();
            if let Some(model) = model {
                editor.show_model(&model).await.ok();
            }
        }
    });
    sender
}
