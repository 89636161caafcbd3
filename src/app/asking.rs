//! Headless questions of other plugins (`require("gpt").ask`): asked beside all chats, kept nowhere, and each ended by
//! exactly one last event.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;

use super::gate::Gate;
use super::models::choice;
use super::shared::Shared;
use crate::chat::conversation::Outcome;
use crate::chat::notice::{self, Notice};
use crate::chat::session::{self, Settings};
use crate::editor::event::{Asked, AskedRole, AskerEvent};
use crate::editor::{AskEnd, AskEvent, Editor};
use crate::provider::registry::Target;
use crate::provider::{Event, FinishReason, Message, Request, Role, Usage};

/// How many batches of a provider's events may wait for the editor.
const ANSWERS_WAITING: usize = 64;
/// What ends an answer that says not how.
const INCOMPLETE: &str = "incomplete";

/// What one question takes.
struct Asker {
    ticket: u64,
    editor: Arc<dyn Editor>,
    settings: Arc<Settings>,
    gate: Gate,
}

/// The questions that are being asked, by the numbers that other plugins have for them.
#[derive(Default)]
pub struct Askers(Vec<(u64, AbortHandle)>);

impl Askers {
    /// Asks, or stops asking. A question does not wait for others, nor they for it.
    pub fn handle(&mut self, event: AskerEvent, shared: &Shared) {
        match event {
            AskerEvent::Asked { ticket, asked } => self.ask(ticket, asked, shared),
            AskerEvent::AskStopped { ticket } => {
                // Drops the question, and with it its connection.
                let stopped = self.0.iter().filter(|(asking, _)| *asking == ticket);
                stopped.for_each(|(_, task)| task.abort());
            }
        }
    }

    fn ask(&mut self, ticket: u64, asked: Asked, shared: &Shared) {
        let mut settings = Settings::clone(&shared.settings);
        let named = asked.model.as_deref().map(|name| {
            let redactor = shared.vault.redactor();
            choice::understand(&shared.registry, name, redactor, settings.locale)
        });
        let refused = match named {
            Some(Ok(target)) => {
                (settings.target, settings.problem) = (target, None);
                None
            }
            Some(Err(refusal)) => Some(refusal),
            None => None,
        };
        let asker = Asker {
            ticket,
            editor: shared.editor.clone(),
            settings: Arc::new(settings),
            gate: shared.gate(),
        };
        self.0.retain(|(_, task)| !task.is_finished());
        let task = tokio::spawn(async move {
            let end = match refused {
                Some(refusal) => asker.failed(&refusal),
                None => asker.run(asked).await,
            };
            asker.tell(vec![end]).await;
        });
        self.0.push((ticket, task.abort_handle()));
    }

    /// Stops all of them: nobody hears the answers any more.
    pub fn stop(&self) {
        self.0.iter().for_each(|(_, task)| task.abort());
    }
}

impl Asker {
    /// Asks, and tells what comes; returns how it ended.
    async fn run(&self, asked: Asked) -> AskEvent {
        let texts: Vec<String> = asked
            .messages
            .iter()
            .map(|message| message.content.clone())
            .chain(asked.system.clone())
            .collect();
        let provider = &self.settings.target.provider;
        if !self.gate.passes_at_once(&texts) && !self.gate.lets_out(texts, None, provider).await {
            return self.failed(&notice::of_taken_back(self.settings.locale));
        }
        let (events, answers) = mpsc::channel(ANSWERS_WAITING);
        let (asking, _) = watch::channel(false);
        let (editor, locale) = (self.editor.clone(), self.settings.locale);
        let remind = move || {
            tokio::spawn(async move { editor.inform(&notice::keyring_waits(locale)).await });
        };
        let request = request(&self.settings, asked);
        let asked = session::ask(self.settings.clone(), request, events, asking, remind);
        tokio::join!(asked, self.hear(answers)).1
    }

    async fn hear(&self, mut answers: mpsc::Receiver<Vec<Event>>) -> AskEvent {
        let (mut usage, mut target, mut empty) = (None, self.settings.target.clone(), true);
        while let Some(batch) = answers.recv().await {
            let mut told = Vec::new();
            let mut ended = None;
            for event in batch {
                match event {
                    Event::Text(text) | Event::Refusal(text) => {
                        empty = false;
                        add(&mut told, AskEvent::Text { text });
                    }
                    Event::Reasoning(text) => add(&mut told, AskEvent::Reasoning { text }),
                    Event::Usage(counted) => usage = Some(counted),
                    Event::AnsweredBy(model) => target.model = model,
                    Event::Finished(reason) => ended = Some(outcome(reason, empty)),
                    Event::Error(error) => ended = Some((Outcome::Failed(error), None)),
                    _ => {}
                }
            }
            if !told.is_empty() && !self.tell(told).await {
                break;
            }
            if let Some((outcome, finish)) = ended {
                return self.end(&outcome, finish, usage, &target);
            }
        }
        let (outcome, finish) = outcome(FinishReason::Incomplete, empty);
        self.end(&outcome, finish, usage, &target)
    }

    /// Tells the editor; whether it is still there.
    async fn tell(&self, events: Vec<AskEvent>) -> bool {
        let redactor = self.settings.vault.redactor();
        let events = events.into_iter().map(|event| event.redacted(redactor)).collect();
        self.editor.tell_asker(self.ticket, events).await.is_ok()
    }

    fn end(&self, outcome: &Outcome, finish: Option<String>, usage: Option<Usage>, target: &Target) -> AskEvent {
        let Target { provider, model } = target;
        let said = notice::of_outcome(outcome, &[], provider, model, self.settings.locale);
        let end = AskEnd {
            usage,
            error: None,
            finish,
            provider: provider.name.clone(),
            model: model.clone(),
        };
        let error = said.as_ref().map(sentences);
        match outcome {
            Outcome::Failed(_) => AskEvent::Failed(AskEnd { error, ..end }),
            Outcome::Cut { .. } => AskEvent::Cut(AskEnd { error, ..end }),
            Outcome::Done { .. } | Outcome::Stopped { .. } => AskEvent::Done(end),
        }
    }

    /// The end of a question that was not asked.
    fn failed(&self, why: &Notice) -> AskEvent {
        let target = &self.settings.target;
        AskEvent::Failed(AskEnd {
            usage: None,
            error: Some(sentences(why)),
            finish: None,
            provider: target.provider.name.clone(),
            model: target.model.clone(),
        })
    }
}

/// Adds a piece; text joins text.
fn add(told: &mut Vec<AskEvent>, piece: AskEvent) {
    match (told.last_mut(), piece) {
        (Some(AskEvent::Text { text }), AskEvent::Text { text: more })
        | (Some(AskEvent::Reasoning { text }), AskEvent::Reasoning { text: more }) => text.push_str(&more),
        (_, piece) => told.push(piece),
    }
}

/// How an answer ended, and its word for that.
fn outcome(reason: FinishReason, empty: bool) -> (Outcome, Option<String>) {
    let done = |word: &str| {
        let tools = Vec::new();
        (Outcome::Done { tools, empty: false }, Some(word.to_owned()))
    };
    match reason {
        FinishReason::Stop => done("stop"),
        FinishReason::ToolCalls => done("tool_calls"),
        FinishReason::Incomplete => (Outcome::Cut { cut: None, empty }, Some(INCOMPLETE.to_owned())),
        FinishReason::Cut(cut) => {
            let word = if cut.word.is_empty() { INCOMPLETE } else { &cut.word };
            let finish = Some(word.to_owned());
            (Outcome::Cut { cut: Some(cut), empty }, finish)
        }
    }
}

/// A notice as one text: what happened and what to do, then the provider's own words.
fn sentences(notice: &Notice) -> String {
    let said = format!("{} {}", notice.title, notice.advice);
    let lines: Vec<&str> = std::iter::once(said.trim())
        .chain(notice.details.iter().map(String::as_str))
        .collect();
    lines.join("\n")
}

fn request(settings: &Settings, asked: Asked) -> Request {
    let system = asked.system.filter(|text| !text.is_empty());
    let system = system.map(|text| Message::said(Role::System, &text));
    let said = asked.messages.into_iter().map(|message| {
        let role = match message.role {
            AskedRole::System => Role::System,
            AskedRole::User => Role::User,
            AskedRole::Assistant => Role::Assistant,
        };
        Message::said(role, &message.content)
    });
    Request {
        temperature: asked.temperature,
        max_tokens: asked.max_tokens,
        ..session::request(settings, system.into_iter().chain(said).collect())
    }
}
