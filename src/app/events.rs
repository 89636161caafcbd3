//! Dispatches the editor's events to what handles them.

use super::{App, actions, history, keys};
use crate::chat::Submission;
use crate::chat::conversation::Event;
use crate::chat::session::{Told, Wanted};
use crate::editor::event::EditorEvent;

impl App {
    /// Takes in an event, in the order in which the user caused it.
    pub(super) async fn take(&mut self, event: EditorEvent) {
        if let Some(event) = self.hold_back(event) {
            self.hand_out(event).await;
        }
    }

    /// The event, unless it has to wait until it is known whom to ask, or has taken back what waits for that.
    fn hold_back(&mut self, event: EditorEvent) -> Option<EditorEvent> {
        let Some(waiting) = &mut self.waiting else {
            return Some(event);
        };
        let is_choice = matches!(event, EditorEvent::ModelRequested { .. });
        if event.needs_model() && !(is_choice && self.here.is_some()) {
            waiting.push(event);
            self.ask_about_here();
            return None;
        }
        let before = waiting.len();
        waiting.retain(|waits| !event.takes_back(waits));
        match event {
            EditorEvent::StopRequested { chat, .. } if waiting.len() < before => {
                self.give_back(chat);
                None
            }
            event => Some(event),
        }
    }

    /// Hands an event to whoever does something about it.
    async fn hand_out(&mut self, event: EditorEvent) {
        match event {
            EditorEvent::Started { config, protocol } => {
                self.configure(&config);
                self.compare_protocols(protocol, config.locale);
            }
            EditorEvent::ModelRequested { model: Some(name), .. } => self.change_model(&name).await,
            EditorEvent::ModelRequested { refresh, .. } => self.pick_model(refresh),
            EditorEvent::Chosen { question, choice } => self.dialog.answered(question, choice),
            EditorEvent::Context(event) => self.lookups.handle(event, &self.shared()),
            EditorEvent::Key(event) => keys::handle(event, &self.shared()),
            EditorEvent::History(event) => history::handle(event, &self.shared(), &self.chats),
            EditorEvent::Action(event) => actions::handle(event, self.acting()),
            EditorEvent::Asker(event) => self.askers.handle(event, &self.shared()),
            event => self.hand_to_chat(event).await,
        }
    }

    /// Hands an event to the chat that it concerns.
    async fn hand_to_chat(&mut self, event: EditorEvent) {
        match event {
            EditorEvent::Sent {
                chat,
                about,
                id,
                regions,
                revision,
                prompt,
                at,
            } => {
                let submission = Submission {
                    id,
                    text: prompt,
                    replaced: false,
                };
                let sent = Event::Sent {
                    regions,
                    submission,
                    at,
                };
                self.send(chat, about, sent, revision).await;
            }
            EditorEvent::Regenerated {
                chat,
                about,
                regions,
                revision,
                at,
            } => {
                let again = Event::Regenerated { regions, at };
                self.send(chat, about, again, revision).await;
            }
            EditorEvent::BranchSwitched {
                chat,
                about,
                regions,
                revision,
                at,
                by,
            } => {
                let wanted = Wanted {
                    event: Event::BranchSwitched { regions, at, by },
                    revision,
                    follow_up: None,
                };
                self.tell(chat, about, wanted).await;
            }
            EditorEvent::Withdrawn { chat, id } => drop(self.drop_sending(&chat, Some(id))),
            EditorEvent::StopRequested { chat, .. } if self.drop_sending(&chat, None) => self.give_back(chat),
            EditorEvent::StopRequested { chat, about } => self.session(chat, about).tell(Told::Stop).await,
            EditorEvent::Opened { chat, about } => self.session(chat, about).tell(Told::Opened).await,
            EditorEvent::Looked { chat } => {
                if let Some(session) = self.chats.get(&chat) {
                    session.tell(Told::Looked).await;
                }
            }
            EditorEvent::Closed { chat } => self.close(&chat),
            EditorEvent::RequestWanted {
                chat,
                about,
                regions,
                prompt,
            } => self.show_request(chat, about, regions, prompt),
            // All others are nobody's chat's, and handed out before.
            _ => {}
        }
    }
}
