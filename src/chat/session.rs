//! The task behind one chat: it feeds its [`Conversation`] with what the user does and the provider answers, and carries
//! out the effects.

mod asking;
mod ending;
mod follow_up;
mod keeping;
mod others;
mod settings;
mod showing;
mod titles;
mod turn;
mod window;

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::chat::archive::Archive;
use crate::chat::conversation::{CallEvent, Conversation, Effect, Event, Verdict};
use crate::chat::journal::Known;
use crate::chat::painter::{self, Canvas, Stroke};
use crate::chat::prompt::Prompt;
use crate::chat::rules::Rules;
use crate::chat::{About, ChatId, MessageId, Revision, TurnId, notice};
use crate::editor::{Editor, ShownFacts, ShownWish, Wish};
use crate::history::{Time, now};
use crate::provider::Event as ProviderEvent;
use crate::provider::registry::Target;

pub use asking::{ask, preview, request};
pub use follow_up::{Done, FollowUp};
use keeping::Kept;
use others::{News, next_news};
pub use settings::Settings;
use turn::{RunningTurn, next_answers};
pub use window::limits;

/// How many of the user's events may wait for the session.
const EVENTS_WAITING: usize = 64;

/// What a chat is told.
#[derive(Debug)]
pub enum Told {
    /// The user wants something of the messages that the editor shows.
    Wanted(Box<Wanted>),
    /// The user wants the answer that is being written stopped.
    Stop,
    /// The editor shows it, empty: show what the history has of it.
    Opened,
    /// The user looks at it: somebody else may have written into it.
    Looked,
    /// The editor has closed it.
    Closed,
    /// The editor is gone: an answer under way is finished into the history.
    Left,
}

/// What the user wants of the messages that the editor shows.
#[derive(Debug)]
pub struct Wanted {
    /// What is wanted.
    pub event: Event,
    /// Which state of what is shown it names.
    pub revision: Revision,
    /// What belongs to what is sent, beside its text.
    pub follow_up: Option<FollowUp>,
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
            left: None,
            kept: None,
            facts: HashMap::new(),
            created: now(),
            rules: Rules::default(),
            asked: None,
            follow_up: None,
            follow_ups: HashMap::new(),
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
    /// Who was asked in the last turn, and the fields that were refused.
    left: Option<(Target, Vec<String>)>,
    kept: Option<Kept>,
    /// What is known of answers that the history had.
    facts: HashMap<MessageId, ShownFacts>,
    /// The project's rules, as they were when last looked at.
    rules: Rules,
    /// Who is asked in place of the model in use: for the question that was sent last.
    asked: Option<Box<Target>>,
    /// What belongs to the question that is being sent.
    follow_up: Option<FollowUp>,
    /// What is to be done with the answers to these questions.
    follow_ups: HashMap<MessageId, Done>,
    /// What of the chat the history has.
    known: Known,
    created: Time,
    /// A title is being asked for.
    titling: Option<Running>,
}

impl Task {
    async fn run(mut self, mut inbox: mpsc::Receiver<Told>) {
        let recalled = self.recall().await;
        let canvas = self.canvas.clone();
        loop {
            tokio::select! {
                biased;
                told = inbox.recv() => match told {
                    Some(Told::Wanted(wanted)) => self.hear(*wanted).await,
                    Some(Told::Stop) => self.stop(),
                    Some(Told::Looked) => self.look(),
                    Some(Told::Opened) => self.show_recalled(&recalled),
                    Some(Told::Closed) => {
                        if self.conversation.is_answering() {
                            self.stop();
                        }
                        break;
                    }
                    Some(Told::Left) => {
                        self.answer_out().await;
                        break;
                    }
                    None => break,
                },
                // What is not painted yet is bounded: no more is read until there is room.
                () = canvas.room(), if canvas.is_full() => {}
                answers = next_answers(&mut self.turn), if !canvas.is_full() => self.take(answers),
                news = next_news(&mut self.kept) => match news {
                    News::Changed(chat) => drop(self.take_in(&chat)),
                    News::Looked(looked) => self.take_look(&looked),
                },
            }
        }
        self.turn = None;
        self.keep_rest().await;
    }

    /// Takes in what the user wants; before anything that is sent, what the project's rules are by now.
    async fn hear(&mut self, wanted: Wanted) {
        if let Some(wish) = self.anew(&wanted) {
            return self.canvas.add(Stroke::Anew(wish));
        }
        let Wanted { event, follow_up, .. } = wanted;
        self.renew_rules().await;
        self.asked = follow_up.as_ref().and_then(|follow_up| follow_up.target.clone());
        self.follow_up = follow_up;
        self.take_up(&event).await;
        let settings = self.settings();
        self.step(Event::ModelNamed(settings.target.label()));
        self.step(Event::AnswersLimited(settings.chat.max_answer));
        self.step(event);
        self.follow_up = None;
        self.look();
    }

    /// What is to be asked anew, since the messages were shown otherwise when it was wanted. While an answer is written
    /// only what goes out can wait for its end; the rest is refused.
    fn anew(&self, wanted: &Wanted) -> Option<ShownWish> {
        let wish = match &wanted.event {
            Event::Sent { submission, .. } => Wish::Sent { id: submission.id },
            _ if self.conversation.is_answering() => return None,
            Event::Regenerated { .. } => Wish::Regenerated,
            Event::BranchSwitched { by, .. } => Wish::BranchSwitched { by: *by },
            _ => return None,
        };
        let revision = self.conversation.revision();
        (wanted.revision != revision).then(|| ShownWish {
            chat: self.chat.clone(),
            revision,
            wish,
        })
    }

    fn take(&mut self, (turn, answers): (TurnId, Vec<ProviderEvent>)) {
        for event in answers {
            let is_end = matches!(event, ProviderEvent::Finished(_) | ProviderEvent::Error(_));
            if let Some(running) = self.turn.as_mut().filter(|running| running.id == turn) {
                running.is_over |= is_end;
            }
            self.step(Event::Answered { turn, event });
        }
    }

    fn inform(&self, notice: notice::Notice) {
        let editor = self.editor.clone();
        tokio::spawn(async move { editor.inform(&notice).await });
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
            Effect::ShowBranch { shape, messages } => {
                self.canvas.add(Stroke::Branch(self.branch(shape, messages)));
                self.keep_head();
            }
            Effect::StartTurn(turn) => self.start_turn(turn),
            Effect::StartStep(turn) => self.start_step(turn),
            // No tool is there yet, and the conversation knows of none: nothing asks for these.
            Effect::Judge(turn, call) => {
                let denied = Verdict::Denied("There is no tool of this name.".to_owned());
                let (call, event) = (call.id, CallEvent::Judged(denied));
                self.step(Event::CallWentOn { turn, call, event });
            }
            Effect::Run(..) => {}
            Effect::Keep(answer, block) => self.keep_block(answer, &block),
            Effect::AbortTurn => self.abort_turn(),
            Effect::ShowRetry(answer, retrying) => self.show_retry(answer, &retrying),
            Effect::NoteLeftOut(fields) => {
                if let Some(turn) = &mut self.turn {
                    turn.left_out = fields;
                }
            }
            Effect::Paint(answer, voice, text) => {
                self.keep_text(answer, voice, &text);
                self.canvas.add(Stroke::Text(answer, voice, text));
            }
            Effect::EndTurn(answer, ended) => self.end_turn(answer, &ended),
            Effect::Refuse(refusal) => {
                let locale = self.settings.borrow().locale;
                self.canvas.add(Stroke::Refused(notice::of_refusal(refusal, locale)));
            }
            Effect::Remark(refusal) => {
                let locale = self.settings.borrow().locale;
                self.inform(notice::of_refusal(refusal, locale));
            }
        }
    }
}
