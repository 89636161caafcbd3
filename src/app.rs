//! The program: one ordered inbox. Events of the editor come in, and go to the chat that they concern.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use crate::chat::ChatId;
use crate::chat::conversation::Event;
use crate::chat::notice::{self, Notice};
use crate::chat::session::{Session, Settings};
use crate::config::Config;
use crate::editor::event::EditorEvent;
use crate::editor::{Editor, ShownModel};
use crate::logging;
use crate::provider::http::Http;
use crate::provider::registry::{Registry, Target, Wire};

/// How many events of the editor may wait.
pub const INBOX_SIZE: usize = 1024;

/// Serves the editor until its events end.
pub async fn run(mut inbox: mpsc::Receiver<EditorEvent>, editor: Arc<dyn Editor>) {
    let mut app = App::new(editor);
    while let Some(event) = inbox.recv().await {
        app.take(event).await;
    }
}

struct App {
    editor: Arc<dyn Editor>,
    settings: watch::Sender<Arc<Settings>>,
    chats: HashMap<ChatId, Session>,
}

impl App {
    fn new(editor: Arc<dyn Editor>) -> Self {
        let (settings, _) = watch::channel(Arc::new(resolve(&Config::default())));
        Self {
            editor,
            settings,
            chats: HashMap::new(),
        }
    }

    async fn take(&mut self, event: EditorEvent) {
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
        }
    }

    fn session(&mut self, chat: ChatId) -> &Session {
        let (settings, editor) = (&self.settings, &self.editor);
        let start = || Session::start(chat.clone(), settings.subscribe(), editor.clone());
        self.chats.entry(chat.clone()).or_insert_with(start)
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
        let settings = resolve(config);
        if let Some(problem) = &settings.problem {
            self.inform(notice::of_error(
                problem,
                &settings.target.provider,
                &settings.target.model,
            ));
        }
        let model = shown(&settings.target);
        tracing::info!(version = env!("CARGO_PKG_VERSION"), model = %settings.target.label(), "configured");
        self.settings.send_replace(Arc::new(settings));
        let editor = self.editor.clone();
        tokio::spawn(async move { editor.show_model(&model).await });
    }

    fn inform(&self, notice: Notice) {
        let editor = self.editor.clone();
        tokio::spawn(async move { editor.inform(&notice).await });
    }
}

/// Makes settings of a configuration. A model that cannot be asked is a problem that each turn reports.
fn resolve(config: &Config) -> Settings {
    let registry = Registry::new(config, &|name| std::env::var(name).ok());
    let (target, problem) = match registry.default_target() {
        Ok(target) => (target, None),
        Err(problem) => (
            Target::unknown(config.model.as_deref().unwrap_or_default()),
            Some(problem),
        ),
    };
    Settings {
        target,
        problem,
        chat: config.chat.clone(),
        http: Http::new(config.network.clone()),
    }
}

fn shown(target: &Target) -> ShownModel {
    let remark = match target.provider.wire {
        Wire::Guide => "offline manual, no language model",
        Wire::Responses | Wire::Chat => "",
    };
    ShownModel {
        provider: target.provider.name.clone(),
        model: target.model.clone(),
        remark: remark.into(),
    }
}
