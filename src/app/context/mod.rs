//! Looks up what context words (`#file:…`, `#diff`, `#tree`) stand for.

pub mod lookup;

use lookup::{Lookup, Order};
use tokio::task::AbortHandle;

use super::shared::Shared;
use crate::chat::ChatId;
use crate::editor::event::ContextEvent;

/// The context words that are being looked up, by the chats that wait for them.
#[derive(Default)]
pub struct Lookups(Vec<(ChatId, AbortHandle)>);

impl Lookups {
    /// Looks up the words of a question, or gives that up.
    pub fn handle(&mut self, event: ContextEvent, shared: &Shared) {
        match event {
            ContextEvent::ContextWanted {
                chat,
                lookup,
                text,
                project: root,
                wanted,
                disabled,
                open,
            } => self.begin(
                Order {
                    chat,
                    lookup,
                    text,
                    root,
                    wanted,
                    disabled,
                    open,
                },
                shared,
            ),
            ContextEvent::ContextDropped { chat } => self.give_up(&chat),
        }
    }

    fn begin(&mut self, order: Order, shared: &Shared) {
        let lookup = Lookup {
            editor: shared.editor.clone(),
            gate: shared.gate(),
            asked: shared.settings.target.provider.clone(),
            locale: shared.locale(),
        };
        self.0.retain(|(_, task)| !task.is_finished());
        let chat = order.chat.clone();
        let task = tokio::spawn(async move { lookup.look_up(order).await });
        self.0.push((chat, task.abort_handle()));
    }

    /// Gives up what is being looked up for a chat.
    pub fn give_up(&mut self, chat: &ChatId) {
        let of_chat = self.0.iter().filter(|(of, _)| of == chat);
        of_chat.for_each(|(_, task)| task.abort());
        self.0.retain(|(of, task)| of != chat && !task.is_finished());
    }
}
