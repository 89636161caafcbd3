//! Sends a chat to the screen: the turn that begins, another branch, what the history had.

use super::Task;
use crate::chat::conversation::{Place, Question, Shape};
use crate::chat::painter::{self, Stroke};
use crate::chat::recall::{self, Recalled};
use crate::chat::{Message, MessageId, notice, parts};
use crate::editor::{ShownBranch, ShownMessage, ShownQuestion, ShownRetry, ShownShape, ShownTurn};
use crate::provider::transport::retry::Retrying;

impl Task {
    /// Shows what the history has, in a chat that the editor has just opened.
    pub(super) fn show_recalled(&self, recalled: &Result<Recalled, ()>) {
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
            ..self.branch(self.unchanged(), self.conversation.messages().to_vec())
        }));
        if let Some(holder) = holders.first() {
            self.inform(notice::held(holder.pid, locale));
        }
    }

    /// The shape of the branch that is shown, where nothing of it changes.
    pub(super) fn unchanged(&self) -> Shape {
        Shape {
            places: self.conversation.places(),
            ..Shape::default()
        }
    }

    /// These messages as another branch of the chat, to which a case adds what it has of its own.
    pub(super) fn branch(&self, shape: Shape, messages: Vec<Message>) -> ShownBranch {
        let locale = self.settings.borrow().locale;
        let shown = |message: Message| ShownMessage {
            id: message.id,
            role: message.role,
            label: message.label.clone(),
            lines: painter::lines(&message.text()),
            reasoning: Some(message.reasoning())
                .filter(|text| !text.is_empty())
                .map_or_else(Vec::new, |text| painter::lines(&text)),
            refused: message.is_refusal(),
            parts: parts::below(&message, locale),
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
            revision: self.conversation.revision(),
            notice: None,
            recalled: false,
            others: false,
        }
    }

    /// Moves a question up, and makes room for its answer.
    pub(super) fn show_turn(&mut self, shape: Shape, question: Option<Question>, answer: MessageId) {
        if let (Some(question), Some(done)) = (&question, self.follow_up.take().and_then(|follow_up| follow_up.done)) {
            self.follow_ups.insert(question.id, done);
        }
        let question = question.map(|question: Question| ShownQuestion {
            id: question.id,
            submission: question.submission,
            lines: painter::lines(&question.text),
            replaced: question.replaced,
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
            revision: self.conversation.revision(),
        }));
    }

    /// Counts down to the next try.
    pub(super) fn show_retry(&self, answer: MessageId, retrying: &Retrying) {
        let Some(turn) = &self.turn else { return };
        self.canvas.add(Stroke::Retry(ShownRetry {
            chat: self.chat.clone(),
            answer,
            text: notice::of_retry(&retrying.error, &turn.target.provider, self.settings.borrow().locale),
            wait: u64::try_from(retrying.wait.as_millis()).unwrap_or(u64::MAX),
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
