//! The task behind one chat: it feeds its [`Conversation`] with what the user does and the provider answers, and carries
//! out the effects. Dropping the running turn's task closes its connection: that is all that stopping is.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::chat::archive::Archive;
use crate::chat::budget::Calibration;
use crate::chat::conversation::{
    Conversation, Effect, Ended, Event, Message, Outcome, Place, Question, Refusal, Shape,
};
use crate::chat::journal::{self, Journal, Known, Snapshot};
use crate::chat::painter::{self, Canvas, Stroke};
use crate::chat::prompt::Prompt;
use crate::chat::recall::{self, Recalled};
use crate::chat::rules::Rules;
use crate::chat::{About, ChatId, MessageId, RegionRole, TurnId, Voice, notice, parts};
use crate::config::{ChatConfig, Titles};
use crate::editor::{
    Editor, ShownBranch, ShownEnd, ShownFacts, ShownMessage, ShownOutcome, ShownQuestion, ShownRetry, ShownShape,
    ShownTurn,
};
use crate::history::{self, Chat, ChatInfo, End, History, PartKind, State, Time, now};
use crate::keys::vault::Vault;
use crate::provider::catalogue::Catalogue;
use crate::provider::http::Http;
use crate::provider::models;
use crate::provider::registry::{Target, Wire};
use crate::provider::retry::Retrying;
use crate::provider::{self, Citation, Event as ProviderEvent, FinishReason, ProviderError, Request};
use crate::words::{Locale, say};

mod errand;
mod others;
mod titles;
mod window;

pub use errand::{Done, Errand};
use others::{Looked, News, next_news};
pub use window::limits;

/// How many batches of a provider's events may wait for the session.
const ANSWERS_WAITING: usize = 64;
/// How many of the user's events may wait for the session.
const EVENTS_WAITING: usize = 64;
/// How long a request waits for its question to be on the disk.
const SAVING: Duration = Duration::from_secs(2);
/// How long a chat is looked for in the history before it goes on without.
const RECALLING: Duration = Duration::from_secs(8);
/// How long a question waits for a history that could not be opened before.
const TAKING_UP: Duration = Duration::from_secs(1);
/// How long a key may take to be found when the editor is gone.
const KEY_LIMIT: Duration = Duration::from_secs(5);
/// The longest title, in characters.
const LONGEST_TITLE: usize = 60;

/// What every chat shares.
#[derive(Debug, Clone)]
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
    /// What chats are called.
    pub titles: Titles,
    /// The language of what is said.
    pub locale: Locale,
}

/// What a chat is told.
#[derive(Debug)]
pub enum Told {
    /// Something happened.
    Event(Event),
    /// A question was sent, and with its answer something is to be done.
    Asked(Event, Errand),
    /// The editor shows it, empty: show what the history has of it.
    Opened,
    /// The user looks at it: somebody else may have written into it.
    Looked,
    /// The editor has closed it.
    Closed,
    /// The editor is gone: an answer under way is finished into the history.
    Left,
}

/// A running chat. Dropping it ends the chat's tasks, and with them its connection.
#[derive(Debug)]
pub struct Session {
    told: mpsc::Sender<Told>,
    known: Known,
    task: Running,
    _painting: Running,
}

impl Session {
    /// Starts the tasks of a chat.
    pub fn start(
        chat: ChatId,
        about: About,
        settings: watch::Receiver<Arc<Settings>>,
        editor: Arc<dyn Editor>,
        archive: Archive,
    ) -> Self {
        let (told, inbox) = mpsc::channel(EVENTS_WAITING);
        let canvas = Canvas::default();
        let painting = Running(tokio::spawn(painter::paint(
            chat.clone(),
            canvas.clone(),
            editor.clone(),
        )));
        let known = Known::default();
        let task = Task {
            known: known.clone(),
            chat,
            about,
            settings,
            editor,
            archive,
            canvas,
            conversation: Conversation::default(),
            prompt: Prompt::default(),
            turn: None,
            kept: None,
            facts: HashMap::new(),
            created: now(),
            rules: Rules::default(),
            asked: None,
            errand: None,
            errands: HashMap::new(),
            titling: None,
        };
        Self {
            told,
            known,
            task: Running(tokio::spawn(task.run(inbox))),
            _painting: painting,
        }
    }

    /// Hands over what happened.
    pub async fn tell(&self, told: Told) {
        self.told.send(told).await.ok();
    }

    /// A message's number in the history.
    pub fn stored(&self, message: MessageId) -> Option<u64> {
        self.known.stored(message)
    }

    /// Ends the chat, and waits until all of it is written.
    pub async fn end(mut self, told: Told) {
        self.tell(told).await;
        (&mut self.task.0).await.ok();
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
    answer: MessageId,
    target: Target,
    /// The tokens of its request, estimated, before calibration.
    tokens: u64,
    answers: mpsc::Receiver<Vec<ProviderEvent>>,
    /// Whether its key is there, and the request leaves.
    asked: watch::Receiver<bool>,
    /// The fields that the server refused, and was asked without.
    left_out: Vec<String>,
    _task: Running,
}

/// The chat's place in the history.
struct Kept {
    history: History,
    journal: Journal,
    writing: JoinHandle<()>,
    known: Known,
    /// The chat, whenever another process has written into it.
    changes: (mpsc::Sender<Chat>, mpsc::Receiver<Chat>),
    /// Where another process has the chat open.
    following: Option<Running>,
    /// What looks have shown.
    looked: (mpsc::Sender<Looked>, mpsc::Receiver<Looked>),
    looking: Option<Running>,
}

struct Task {
    chat: ChatId,
    about: About,
    settings: watch::Receiver<Arc<Settings>>,
    editor: Arc<dyn Editor>,
    archive: Archive,
    canvas: Canvas,
    conversation: Conversation,
    /// What the turn that is about to start sends.
    prompt: Prompt,
    turn: Option<RunningTurn>,
    kept: Option<Kept>,
    /// What is known of answers that the history had.
    facts: HashMap<MessageId, ShownFacts>,
    /// The project's rules, as they were when last looked at.
    rules: Rules,
    /// Who is asked in place of the model in use: for the question that was sent last.
    asked: Option<Box<Target>>,
    /// What belongs to the question that is being sent.
    errand: Option<Errand>,
    /// What is to be done with the answers to these questions.
    errands: HashMap<MessageId, Done>,
    /// What of the chat the history has.
    known: Known,
    created: Time,
    /// A title is being asked for.
    titling: Option<Running>,
}

impl Task {
    async fn run(mut self, mut inbox: mpsc::Receiver<Told>) {
        let recalled = self.recall().await;
        loop {
            tokio::select! {
                biased;
                told = inbox.recv() => match told {
                    Some(Told::Event(event)) => self.hear(event, None).await,
                    Some(Told::Asked(event, errand)) => self.hear(event, Some(errand)).await,
                    Some(Told::Looked) => self.look(),
                    Some(Told::Opened) => self.show_recalled(&recalled),
                    Some(Told::Closed) => {
                        if self.conversation.is_answering() {
                            self.step(Event::StopRequested);
                        }
                        break;
                    }
                    Some(Told::Left) => {
                        self.answer_out().await;
                        break;
                    }
                    None => break,
                },
                answers = next_answers(&mut self.turn) => self.take(answers),
                news = next_news(&mut self.kept) => match news {
                    News::Changed(chat) => drop(self.take_in(&chat)),
                    News::Looked(looked) => self.take_look(&looked),
                },
            }
        }
        self.turn = None;
        self.keep_late().await;
        if let Some(kept) = self.kept.take() {
            drop(kept.journal);
            kept.writing.await.ok();
        }
    }

    /// Takes in what the user did; before anything that is sent, what the project's rules are by now.
    async fn hear(&mut self, event: Event, errand: Option<Errand>) {
        if event != Event::StopRequested {
            self.renew_rules().await;
            self.asked = errand.as_ref().and_then(|errand| errand.target.clone());
        }
        self.errand = errand;
        self.take_up(&event).await;
        self.step(Event::ModelNamed(self.settings().target.label()));
        self.step(event);
        self.errand = None;
        self.look();
    }

    fn take(&mut self, (turn, answers): (TurnId, Vec<ProviderEvent>)) {
        for event in answers {
            self.note(turn, &event);
            self.step(Event::Answered { turn, event });
        }
    }

    /// Goes on with the answer under way, for the history alone. One whose key has still to be given by somebody is
    /// none.
    async fn answer_out(&mut self) {
        if let Some(turn) = &mut self.turn {
            let asked = turn.asked.wait_for(|asked| *asked);
            if timeout(KEY_LIMIT, asked).await.is_err() {
                return;
            }
        }
        while self.kept.is_some() && self.conversation.is_answering() {
            let answers = next_answers(&mut self.turn).await;
            self.take(answers);
        }
    }

    // The history ----------------------------------------------------------------------------------------------------

    /// Looks what the history has of this chat, and starts to write into it.
    async fn recall(&mut self) -> Result<Recalled, ()> {
        let Ok(Some(history)) = timeout(RECALLING, self.archive.history()).await else {
            return Err(());
        };
        let recalled = match timeout(RECALLING, recall::recall(&history, &self.chat.0)).await {
            Ok(Ok(recalled)) => recalled,
            Ok(Err(error)) => {
                self.archive.complain(&error);
                Recalled::default()
            }
            Err(_) => Recalled::default(),
        };
        let mut head = None;
        if let Some(chat) = &recalled.chat {
            recall::fill(&mut self.conversation, &self.known, chat);
            self.facts = recall::facts(chat, |id| Some(MessageId(id)));
            head = chat.head;
        }
        self.keep(history, head);
        if let (Some(kept), false) = (&mut self.kept, recalled.holders.is_empty()) {
            kept.follow(&self.chat.0);
        }
        Ok(recalled)
    }

    /// Begins to write into a history that could not be opened until now. All of the chat goes into it.
    async fn take_up(&mut self, event: &Event) {
        let asks = matches!(event, Event::Sent { .. } | Event::Regenerated { .. });
        if self.kept.is_none()
            && asks
            && let Ok(Some(history)) = timeout(TAKING_UP, self.archive.history()).await
        {
            self.keep(history, None);
        }
    }

    /// The last chance of a chat that nobody could keep while it was spoken in.
    async fn keep_late(&mut self) {
        if self.kept.is_some() || self.conversation.messages().is_empty() {
            return;
        }
        let Ok(Some(history)) = timeout(RECALLING, self.archive.history()).await else {
            return;
        };
        self.keep(history, None);
        let target = self.settings.borrow().target.clone();
        let snapshot = self.conversation.all();
        if let Some(kept) = &self.kept {
            kept.journal.all(self.info(&snapshot, &target), snapshot);
        }
    }

    /// Begins to write into the history, which shows this message last.
    fn keep(&mut self, history: History, head: Option<u64>) {
        let (journal, writing) = Journal::start(
            self.chat.clone(),
            self.archive.clone(),
            history.clone(),
            self.known.clone(),
            head,
        );
        self.kept = Some(Kept {
            history,
            journal,
            writing,
            known: self.known.clone(),
            changes: mpsc::channel(1),
            following: None,
            looked: mpsc::channel(1),
            looking: None,
        });
    }

    /// Shows what the history has, in a chat that the editor has just opened.
    fn show_recalled(&self, recalled: &Result<Recalled, ()>) {
        let locale = self.settings.borrow().locale;
        let Ok(Recalled { chat, holders }) = recalled else {
            return self.inform(notice::not_kept(&self.chat, self.about.private, locale));
        };
        let Some(chat) = chat else {
            return self.inform(notice::no_chat(&self.chat, locale));
        };
        self.canvas.add(Stroke::Branch(ShownBranch {
            recalled: true,
            notice: recall::last_state(chat).and_then(|(state, notices)| notice::of_state(state, notices, locale)),
            ..self.branch(
                Shape {
                    places: self.conversation.places(),
                    ..Shape::default()
                },
                self.conversation.messages().to_vec(),
            )
        }));
        if let Some(holder) = holders.first() {
            self.inform(notice::held(holder.pid, locale));
        }
    }

    /// Hands on to the history what the conversation keeps only as a whole.
    fn note(&self, turn: TurnId, event: &ProviderEvent) {
        let answer = self
            .turn
            .as_ref()
            .filter(|running| running.id == turn)
            .map(|turn| turn.answer);
        let (Some(answer), Some(kept)) = (answer, &self.kept) else {
            return;
        };
        match event {
            ProviderEvent::Reasoning(text) => kept.journal.piece(answer, PartKind::Reasoning, text.clone()),
            ProviderEvent::ToolCall(call) => kept.journal.piece(answer, PartKind::ToolCall, journal::of_call(call)),
            ProviderEvent::Citation(citation) if self.takes(citation) => {
                kept.journal
                    .piece(answer, PartKind::Citation, journal::of_citation(citation));
            }
            _ => {}
        }
    }

    fn takes(&self, citation: &Citation) -> bool {
        let answer = self.conversation.messages().last();
        answer.is_some_and(|answer| answer.takes(citation))
    }

    /// The chat as the history has it from its start.
    fn info(&self, snapshot: &Snapshot, target: &Target) -> ChatInfo {
        let question = snapshot.iter().find(|(message, _)| message.role == RegionRole::User);
        ChatInfo {
            id: self.chat.0.clone(),
            title: title(question.map_or("", |(message, _)| message.text.as_str())),
            project: self.about.project.clone(),
            provider: target.provider.name.clone(),
            model: target.model.clone(),
            created: self.created,
        }
    }

    fn inform(&self, notice: notice::Notice) {
        let editor = self.editor.clone();
        tokio::spawn(async move { editor.inform(&notice).await });
    }

    // Effects --------------------------------------------------------------------------------------------------------

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
            Effect::ShowBranch { shape, messages } => {
                self.canvas.add(Stroke::Branch(self.branch(shape, messages)));
                if let (Some(kept), Some(last)) = (&self.kept, self.conversation.messages().last()) {
                    kept.journal.head(last.id);
                }
            }
            Effect::StartTurn(turn) => self.start_turn(turn),
            Effect::AbortTurn => self.abort_turn(),
            Effect::ShowRetry(answer, retrying) => self.show_retry(answer, &retrying),
            Effect::NoteLeftOut(fields) => {
                if let Some(turn) = &mut self.turn {
                    turn.left_out = fields;
                }
            }
            Effect::Paint(answer, voice, text) => {
                // Reasoning has been noted as what it is.
                if let Some(kept) = self.kept.as_ref().filter(|_| voice != Voice::Reasoning) {
                    kept.journal.piece(answer, PartKind::Text, text.clone());
                }
                self.canvas.add(Stroke::Text(answer, voice, text));
            }
            Effect::EndTurn(answer, ended) => self.show_end(answer, &ended),
            Effect::Refuse(refusal) if refusal != Refusal::NothingToStop => {
                let locale = self.settings.borrow().locale;
                self.canvas.add(Stroke::Refused(notice::of_refusal(refusal, locale)));
            }
            Effect::Refuse(refusal) => {
                let locale = self.settings.borrow().locale;
                self.inform(notice::of_refusal(refusal, locale));
            }
        }
    }

    fn branch(&self, shape: Shape, messages: Vec<Message>) -> ShownBranch {
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
            facts: self.facts.get(&message.id).copied(),
        };
        let (estimate, cut) = self.measure();
        let rules = self.shown_rules();
        ShownBranch {
            chat: self.chat.clone(),
            shape: shape.into(),
            messages: messages.into_iter().map(shown).collect(),
            estimate,
            cut,
            rules,
            longer: Vec::new(),
            notice: None,
            recalled: false,
            others: false,
        }
    }

    fn show_turn(&mut self, shape: Shape, question: Option<Question>, answer: MessageId) {
        if let (Some(question), Some(done)) = (&question, self.errand.take().and_then(|errand| errand.done)) {
            self.errands.insert(question.id, done);
        }
        let question = question.map(|Question { id, text, origin }| ShownQuestion {
            id,
            lines: painter::lines(&text),
            origin,
        });
        let label = self.settings().target.label();
        let (estimate, cut) = self.prepare();
        let rules = self.shown_rules();
        self.canvas.add(Stroke::Turn(ShownTurn {
            chat: self.chat.clone(),
            shape: shape.into(),
            question,
            answer,
            label,
            estimate,
            cut,
            rules,
        }));
    }

    fn start_turn(&mut self, id: TurnId) {
        let settings = self.settings();
        let target = settings.target.clone();
        let prompt = std::mem::take(&mut self.prompt);
        let request = request(&settings, prompt.messages);
        let (events, answers) = mpsc::channel(ANSWERS_WAITING);
        let (asking, asked) = watch::channel(false);
        let (editor, locale) = (self.editor.clone(), settings.locale);
        let remind = move || {
            tokio::spawn(async move { editor.inform(&notice::keyring_waits(locale)).await });
        };
        let answer = self
            .conversation
            .messages()
            .last()
            .map_or(MessageId(0), |answer| answer.id);
        let saved = self.kept.as_ref().map(|kept| {
            let snapshot = self.conversation.all();
            kept.journal.begin(self.info(&snapshot, &target), snapshot)
        });
        let task = Running(tokio::spawn(async move {
            wait_for(saved).await;
            ask(settings, request, events, asking, remind).await;
        }));
        self.turn = Some(RunningTurn {
            id,
            answer,
            target,
            tokens: prompt.tokens,
            answers,
            asked,
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
        let cost = ended.usage.and_then(|usage| facts.cost(&usage));
        let notice = notice::of_outcome(&ended.outcome, &left_out, &target.provider, model, locale)
            .map(|notice| notice::naming_end(notice, &ended.outcome, model, &facts, &models::today(), locale));
        if let Some(kept) = &self.kept {
            let snapshot = self.conversation.all();
            let record = notice.as_ref().map(|notice| notice.record(settings.vault.redactor()));
            let end = end(ended, record, cost);
            kept.journal.end(self.info(&snapshot, &target), snapshot, answer, end);
        }
        if outcome == ShownOutcome::Done {
            self.run_errand(answer);
        }
        self.look();
        self.ask_for_title(ended, &target);
        self.canvas.add(Stroke::End(ShownEnd {
            chat: self.chat.clone(),
            answer,
            outcome,
            notice,
            provider: target.provider.name,
            model: target.model,
            usage: ended.usage.map(Into::into),
            cost,
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

/// Waits until the question is on the disk, or that takes too long.
async fn wait_for(saved: Option<oneshot::Receiver<()>>) {
    if let Some(saved) = saved {
        timeout(SAVING, saved).await.ok();
    }
}

/// The end of a turn as the history keeps it.
fn end(ended: &Ended, notice: Option<history::Notice>, cost: Option<f64>) -> End {
    let (state, finish) = match &ended.outcome {
        Outcome::Done { reason, .. } => (State::Whole, Some(word(reason).to_owned())),
        Outcome::Stopped => (State::Stopped, None),
        Outcome::Failed(_) | Outcome::Incomplete => (State::Failed, None),
    };
    let usage = ended.usage.map(|usage| history::Usage {
        input: usage.input,
        cached: usage.cached,
        output: usage.output,
        reasoning: usage.reasoning,
        cost,
    });
    End {
        state,
        finish,
        usage,
        notices: notice.into_iter().collect(),
        at: now(),
    }
}

fn word(reason: &FinishReason) -> &str {
    match reason {
        FinishReason::Stop => "stop",
        FinishReason::Length => "length",
        FinishReason::ToolCalls => "tool_calls",
        FinishReason::ContentFilter => "content_filter",
        FinishReason::Incomplete => "incomplete",
        FinishReason::Other(word) => word,
    }
}

/// What a chat is called: the first words of its first question, of its prose if it has any.
fn title(question: &str) -> String {
    let mut in_fence = false;
    let is_prose = |line: &&str| {
        let is_fence = line.trim_start().starts_with("```");
        in_fence ^= is_fence;
        !in_fence && !is_fence && !line.trim().is_empty()
    };
    let prose = question.lines().find(is_prose);
    let line = prose.or_else(|| question.lines().find(|line| !line.trim().is_empty()));
    let line: String = line.unwrap_or_default().replace(|c: char| c.is_control(), " ");
    let mut title = String::new();
    for word in line.split_whitespace() {
        if title.chars().count() + word.chars().count() > LONGEST_TITLE && !title.is_empty() {
            return title + " …";
        }
        if !title.is_empty() {
            title.push(' ');
        }
        title.extend(word.chars().take(LONGEST_TITLE));
    }
    title
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
    asking: watch::Sender<bool>,
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
        Ok(credentials) => {
            asking.send_replace(true);
            provider::ask(&settings.http, provider, &credentials, &request, &events).await;
        }
        Err(error) => drop(events.send(vec![ProviderEvent::Error(error)]).await),
    }
}

#[cfg(test)]
mod tests {
    use super::title;

    #[test]
    fn a_title_is_the_first_line_of_prose() {
        assert_eq!(title("\n  Why  is it\tso?\nAnd more"), "Why is it so?");
        assert_eq!(
            title("`a.rs`, lines 1 to 2:\n\n```rust\nfn a()\n```"),
            "`a.rs`, lines 1 to 2:"
        );
        assert_eq!(title("```rust\nfn a()\n```\nWhat is this?"), "What is this?");
        assert_eq!(title("```rust\nfn a()\n```"), "```rust");
        assert_eq!(title(""), "");
    }

    #[test]
    fn a_long_title_is_cut_between_words() {
        let cut = title(&"word ".repeat(40));
        assert!(cut.ends_with("word …") && cut.chars().count() <= 62 + 12, "{cut}");
        assert_eq!(title(&"x".repeat(100)).chars().count(), 60);
    }
}
