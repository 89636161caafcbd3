//! The program: one ordered inbox. What the editor says comes in, and goes to the chat or the task that it concerns.

mod connecting;
mod dialog;

use std::collections::HashMap;
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
    /// What waits until it is known whom to ask; `None` once it is.
    waiting: Option<Vec<EditorEvent>>,
}

impl App {
    fn new(editor: Arc<dyn Editor>, news: mpsc::Sender<News>) -> Self {
        let config = Config::default();
        let registry = Arc::new(Registry::new(&config, &environment));
        let vault = Vault::default();
        let (settings, _) = watch::channel(Arc::new(settings_of(&config, &registry, &vault)));
        let dialog = Dialog::new(editor.clone());
        Self {
            editor,
            news,
            dialog,
            registry,
            vault,
            settings,
            chats: HashMap::new(),
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
            News::KeysChanged => self.find_default(),
            News::DefaultFound(target) => {
                self.use_target(*target);
                for event in self.waiting.take().unwrap_or_default() {
                    Box::pin(self.take(event)).await;
                }
            }
        }
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
            news: self.news.clone(),
        }
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
        let settings = settings_of(config, &self.registry, &self.vault);
        if let Some(problem) = &settings.problem {
            self.inform(notice::of_error(
                problem,
                &settings.target.provider,
                &settings.target.model,
            ));
        }
        let known = self.registry.configured_target().is_some();
        self.settings.send_replace(Arc::new(settings));
        if known {
            self.show_model();
        } else {
            self.find_default();
        }
    }

    /// Finds out whom to ask when the configuration names nobody: the first provider with a key, else the guide. Looking
    /// into the keyring takes time, so this is done beside; what is asked meanwhile waits.
    fn find_default(&mut self) {
        if self.registry.configured_target().is_some() {
            return;
        }
        self.waiting.get_or_insert_default();
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

    fn use_target(&self, target: Target) {
        let before = self.settings.borrow().clone();
        let settings = Settings {
            target,
            problem: None,
            chat: before.chat.clone(),
            http: before.http.clone(),
            vault: before.vault.clone(),
        };
        self.settings.send_replace(Arc::new(settings));
        self.show_model();
    }

    fn show_model(&self) {
        let model = shown(&self.settings.borrow().target);
        let editor = self.editor.clone();
        tokio::spawn(async move { editor.show_model(&model).await });
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
fn settings_of(config: &Config, registry: &Registry, vault: &Vault) -> Settings {
    let (target, problem) = match registry.configured_target() {
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

fn shown(target: &Target) -> ShownModel {
    let remark = match target.provider.wire {
        Wire::Guide => "offline manual, no language model",
        _ => "",
    };
    ShownModel {
        provider: target.provider.name.clone(),
        model: target.model.clone(),
        remark: remark.into(),
    }
}
