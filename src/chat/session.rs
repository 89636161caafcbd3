//! The task behind one chat: it feeds its [`Conversation`] with what the user does and the provider answers, and carries
//! out the effects. Dropping the running turn's task closes its connection: that is all that stopping is.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::chat::budget::Calibration;
use crate::chat::conversation::{
    Conversation, Effect, Ended, Event, Message, Outcome, Place, Question, Refusal, Shape,
};
use crate::chat::painter::{self, Canvas, Stroke};
use crate::chat::prompt::Prompt;
use crate::chat::{ChatId, MessageId, TurnId, notice, parts};
use crate::config::ChatConfig;
use crate::editor::{
    Editor, ShownBranch, ShownEnd, ShownMessage, ShownOutcome, ShownQuestion, ShownRetry, ShownShape, ShownTurn,
};
use crate::keys::vault::Vault;
use crate::provider::catalogue::Catalogue;
use crate::provider::http::Http;
use crate::provider::models;
use crate::provider::registry::{Target, Wire};
use crate::provider::retry::Retrying;
use crate::provider::{self, Event as ProviderEvent, FinishReason, ProviderError, Request};
use crate::words::{Locale, say};

mod window;

pub use window::limits;

/// How many batches of a provider's events may wait for the session.
const ANSWERS_WAITING: usize = 64;
/// How many of the user's events may wait for the session.
const EVENTS_WAITING: usize = 64;

/// What every chat shares.
#[derive(Debug)]
pub struct Settings {
    /// Whom to ask.
    pub target: Target,
    /// Why nobody can be asked, if the configuration is at fault.
    pub problem: Option<ProviderError>,
    /// What is known of models.
    pub catalogue: Catalogue,
    /// What is sent, and how.
    pub chat: ChatConfig,
    /// The network.
    pub http: Arc<Http>,
    /// Where keys are.
    pub vault: Vault,
    /// How the providers' counts of tokens compare to our estimates.
    pub calibration: Calibration,
    /// The language of what is said.
    pub locale: Locale,
}

/// A running chat. Dropping it ends the chat's tasks, and with them its connection.
#[derive(Debug)]
pub struct Session {
    events: mpsc::Sender<Event>,
    _tasks: [Running; 2],
}

impl Session {
    /// Starts the tasks of a chat.
    pub fn start(chat: ChatId, settings: watch::Receiver<Arc<Settings>>, editor: Arc<dyn Editor>) -> Self {
        let (events, inbox) = mpsc::channel(EVENTS_WAITING);
        let canvas = Canvas::default();
        let painting = Running(tokio::spawn(painter::paint(
            chat.clone(),
            canvas.clone(),
            editor.clone(),
        )));
        let task = Task {
            chat,
            settings,
            editor,
            canvas,
            conversation: Conversation::default(),
            prompt: Prompt::default(),
            turn: None,
        };
        Self {
            events,
            _tasks: [Running(tokio::spawn(task.run(inbox))), painting],
        }
    }

    /// Hands over what the user did.
    pub async fn tell(&self, event: Event) {
        self.events.send(event).await.ok();
    }
}

/// A task that ends when this is dropped.
#[derive(Debug)]
struct Running(JoinHandle<()>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The turn in progress.
struct RunningTurn {
    id: TurnId,
    target: Target,
    /// The tokens of its request, estimated, before calibration.
    tokens: u64,
    answers: mpsc::Receiver<Vec<ProviderEvent>>,
    /// The fields that the server refused, and was asked without.
    left_out: Vec<String>,
    _task: Running,
}

struct Task {
    chat: ChatId,
    settings: watch::Receiver<Arc<Settings>>,
    editor: Arc<dyn Editor>,
    canvas: Canvas,
    conversation: Conversation,
    /// What the turn that is about to start sends.
    prompt: Prompt,
    turn: Option<RunningTurn>,
}

impl Task {
    async fn run(mut self, mut inbox: mpsc::Receiver<Event>) {
        loop {
            tokio::select! {
                biased;
                event = inbox.recv() => match event {
                    Some(event) => {
                        let label = self.settings.borrow().target.label();
                        self.step(Event::ModelNamed(label));
                        self.step(event);
                    }
                    None => return,
                },
                (turn, answers) = next_answers(&mut self.turn) => {
                    for event in answers {
                        self.step(Event::Answered { turn, event });
                    }
                }
            }
        }
    }

    fn step(&mut self, event: Event) {
        if let Some(refused) = self.too_long(&event) {
            return self.refuse(refused);
        }
        for effect in self.conversation.step(event) {
            self.carry_out(effect);
        }
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::ShowTurn {
                shape,
                question,
                answer,
            } => self.show_turn(shape, question, answer),
            Effect::ShowBranch { shape, messages } => self.show_branch(shape, messages),
            Effect::StartTurn(turn) => self.start_turn(turn),
            Effect::AbortTurn => self.abort_turn(),
            Effect::ShowRetry(answer, retrying) => self.show_retry(answer, &retrying),
            Effect::NoteLeftOut(fields) => {
                if let Some(turn) = &mut self.turn {
                    turn.left_out = fields;
                }
            }
            Effect::Paint(answer, voice, text) => self.canvas.add(Stroke::Text(answer, voice, text)),
            Effect::EndTurn(answer, ended) => self.show_end(answer, &ended),
            Effect::Refuse(refusal) if refusal != Refusal::NothingToStop => {
                let locale = self.settings.borrow().locale;
                self.canvas.add(Stroke::Refused(notice::of_refusal(refusal, locale)));
            }
            Effect::Refuse(refusal) => {
                let (editor, locale) = (self.editor.clone(), self.settings.borrow().locale);
                tokio::spawn(async move { editor.inform(&notice::of_refusal(refusal, locale)).await });
            }
        }
    }

    fn show_branch(&self, shape: Shape, messages: Vec<Message>) {
        let locale = self.settings.borrow().locale;
        let shown = |message: Message| ShownMessage {
            id: message.id,
            role: message.role,
            label: message.label,
            lines: painter::lines(&message.text),
            reasoning: Some(message.reasoning.as_str())
                .filter(|text| !text.is_empty())
                .map_or_else(Vec::new, painter::lines),
            refused: message.refused,
            parts: parts::below(&message.tool_calls, &message.citations, locale),
        };
        let (estimate, cut) = self.measure();
        self.canvas.add(Stroke::Branch(ShownBranch {
            chat: self.chat.clone(),
            shape: shape.into(),
            messages: messages.into_iter().map(shown).collect(),
            estimate,
            cut,
        }));
    }

    fn show_turn(&mut self, shape: Shape, question: Option<Question>, answer: MessageId) {
        let question = question.map(|Question { id, text, origin }| ShownQuestion {
            id,
            lines: painter::lines(&text),
            origin,
        });
        let label = self.settings.borrow().target.label();
        let (estimate, cut) = self.prepare();
        self.canvas.add(Stroke::Turn(ShownTurn {
            chat: self.chat.clone(),
            shape: shape.into(),
            question,
            answer,
            label,
            estimate,
            cut,
        }));
    }

    fn start_turn(&mut self, id: TurnId) {
        let settings = self.settings.borrow().clone();
        let target = settings.target.clone();
        let prompt = std::mem::take(&mut self.prompt);
        let request = request(&settings, prompt.messages);
        let (events, answers) = mpsc::channel(ANSWERS_WAITING);
        let (editor, locale) = (self.editor.clone(), settings.locale);
        let remind = move || {
            tokio::spawn(async move { editor.inform(&notice::keyring_waits(locale)).await });
        };
        let task = Running(tokio::spawn(ask(settings, request, events, remind)));
        self.turn = Some(RunningTurn {
            id,
            target,
            tokens: prompt.tokens,
            answers,
            left_out: Vec::new(),
            _task: task,
        });
    }

    /// Drops the connection. The turn's target stays known until its end is shown.
    fn abort_turn(&mut self) {
        if let Some(turn) = &mut self.turn {
            turn._task.0.abort();
        }
    }

    fn show_retry(&self, answer: MessageId, retrying: &Retrying) {
        let Some(turn) = &self.turn else { return };
        self.canvas.add(Stroke::Retry(ShownRetry {
            chat: self.chat.clone(),
            answer,
            text: notice::of_retry(&retrying.error, &turn.target.provider, self.settings.borrow().locale),
            wait: u64::try_from(retrying.wait.as_millis()).unwrap_or(u64::MAX),
        }));
    }

    fn show_end(&mut self, answer: MessageId, ended: &Ended) {
        let (target, left_out) = match self.turn.take() {
            Some(turn) => {
                self.learn(&turn, ended.usage);
                (turn.target, turn.left_out)
            }
            None => (self.settings.borrow().target.clone(), Vec::new()),
        };
        let outcome = match ended.outcome {
            Outcome::Done { .. } => ShownOutcome::Done,
            Outcome::Stopped => ShownOutcome::Stopped,
            Outcome::Failed(_) | Outcome::Incomplete => ShownOutcome::Failed,
        };
        let settings = self.settings.borrow().clone();
        let (locale, model) = (settings.locale, target.model.as_str());
        let facts = settings.catalogue.facts(&target.provider, model);
        let notice = notice::of_outcome(&ended.outcome, &left_out, &target.provider, model, locale)
            .map(|notice| notice::naming_end(notice, &ended.outcome, model, &facts, &models::today(), locale));
        self.canvas.add(Stroke::End(ShownEnd {
            chat: self.chat.clone(),
            answer,
            outcome,
            notice,
            provider: target.provider.name,
            model: target.model,
            usage: ended.usage.map(Into::into),
            cost: ended.usage.and_then(|usage| facts.cost(&usage)),
            parts: parts::below(&ended.tool_calls, &ended.citations, settings.locale),
        }));
    }
}

impl From<Shape> for ShownShape {
    fn from(shape: Shape) -> Self {
        let place = |place: Place| (place.id, format!("{}/{}", place.number, place.of));
        Self {
            renamed: shape.renamed,
            removed: shape.removed,
            branches: shape.places.into_iter().map(place).collect(),
        }
    }
}

/// The next events of the turn in progress; waits for ever while there is none. A turn whose task ended without a
/// terminal event gets one.
async fn next_answers(turn: &mut Option<RunningTurn>) -> (TurnId, Vec<ProviderEvent>) {
    match turn {
        Some(turn) => {
            let lost = || vec![ProviderEvent::Finished(FinishReason::Incomplete)];
            (turn.id, turn.answers.recv().await.unwrap_or_else(lost))
        }
        None => std::future::pending().await,
    }
}

/// The request that asks the model of these settings with these messages.
fn request(settings: &Settings, messages: Vec<provider::Message>) -> Request {
    let target = &settings.target;
    Request {
        model: target.model.clone(),
        messages,
        temperature: settings.chat.temperature,
        max_tokens: settings.chat.max_tokens,
        answer_room: limits(settings).answer,
        params: target.provider.params.clone(),
    }
}

/// What would go over the network for these messages, as lines, without the key.
///
/// # Errors
/// Where nothing can be sent: nobody to ask, no key, an address that is none.
pub async fn preview(settings: &Settings, messages: &[Message]) -> Result<Vec<String>, ProviderError> {
    if let Some(problem) = &settings.problem {
        return Err(problem.clone());
    }
    let provider = &settings.target.provider;
    if provider.wire == Wire::Guide {
        return Ok(vec![say!(settings.locale, "request.guide")]);
    }
    let environment = |name: &str| std::env::var(name).ok();
    let found = settings
        .vault
        .credentials(&provider.name, &provider.key, &environment, || {})
        .await;
    // Without a key everything but its header can be shown.
    let credentials = found.unwrap_or_default();
    let request = request(settings, window::messages(settings, messages));
    settings.http.preview(provider, &credentials, &request)
}

/// Asks the provider; everything that happens goes into `events`.
async fn ask(
    settings: Arc<Settings>,
    request: Request,
    events: mpsc::Sender<Vec<ProviderEvent>>,
    remind: impl FnOnce() + Send,
) {
    let provider = &settings.target.provider;
    let credentials = match &settings.problem {
        Some(problem) => Err(problem.clone()),
        None => {
            let environment = |name: &str| std::env::var(name).ok();
            let found = settings
                .vault
                .credentials(&provider.name, &provider.key, &environment, remind)
                .await;
            found.map_err(ProviderError::from)
        }
    };
    match credentials {
        Ok(credentials) => provider::ask(&settings.http, provider, &credentials, &request, &events).await,
        Err(error) => drop(events.send(vec![ProviderEvent::Error(error)]).await),
    }
}
