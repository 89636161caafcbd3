//! Dispatches the editor's events to what handles them.

use super::App;
use super::connecting::Entered;
use super::lookup::Order;
use crate::chat::conversation::Event;
use crate::chat::session::{Told, Wanted};
use crate::chat::{MessageId, Submission};
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
            EditorEvent::HistoryRequested { words, project } => {
                self.shelve(|shelf| async move { shelf.pick(words, project).await })
            }
            EditorEvent::ResumeOffered { project } => {
                self.shelve(|shelf| async move { shelf.offer_last(project).await })
            }
            EditorEvent::HistoryClearRequested => self.shelve(|shelf| async move { shelf.clear().await }),
            EditorEvent::ChatRenamed { chat, title } => {
                self.shelve(|shelf| async move { shelf.rename(chat, title).await })
            }
            EditorEvent::ChatDeletionRequested { chat } => self.shelve(|shelf| async move { shelf.delete(chat).await }),
            EditorEvent::ChatForked { chat, new, at } => {
                // A message that others' messages took the number of has another one in the history.
                let stored = |at: MessageId| self.chats.get(&chat)?.stored(at);
                let at = at.map(|at| stored(at).unwrap_or(at.0));
                self.shelve(|shelf| async move { shelf.fork(chat, new, at).await });
            }
            EditorEvent::ChatExported { chat, path } => {
                self.shelve(|shelf| async move { shelf.export(chat, path).await })
            }
            EditorEvent::ContextWanted {
                chat,
                lookup,
                project: root,
                wanted,
                disabled,
                open,
            } => self.look_up(Order {
                chat,
                lookup,
                root,
                wanted,
                disabled,
                open,
            }),
            EditorEvent::ContextDropped { chat } => self.drop_lookups(&chat),
            EditorEvent::ActionRequested { wanted } => {
                let acting = self.acting();
                tokio::spawn(async move { acting.run(wanted).await });
            }
            EditorEvent::PromptsWanted { project } => self.list_prompts(project),
            EditorEvent::TrustRequested { project } => {
                let prompts = self.prompts.clone();
                tokio::spawn(async move { prompts.ask_anew(project).await });
            }
            EditorEvent::RequestWanted {
                chat,
                about,
                regions,
                prompt,
            } => self.show_request(chat, about, regions, prompt),
            EditorEvent::ModelRequested { model: Some(name), .. } => self.change_model(&name).await,
            EditorEvent::ModelRequested { refresh, .. } => self.pick_model(refresh),
            EditorEvent::Chosen { question, choice } => self.dialog.answered(question, choice),
            EditorEvent::Asked { ticket, asked } => self.ask_headless(ticket, asked),
            EditorEvent::AskStopped { ticket } => self.stop_asking(ticket),
            EditorEvent::KeySettingRequested { provider } => {
                self.connect(|connecting| async move { connecting.ask_for_key(provider).await })
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
                self.connect(|connecting| async move { connecting.take_key(entered).await });
            }
            EditorEvent::KeyRemovalRequested { provider, force } => {
                self.connect(|connecting| async move { connecting.remove_key(provider, force).await })
            }
        }
    }
}
