//! Answers the questions that the editor waits for: completion and `:checkhealth`. Beside all else.

use tokio::sync::oneshot;

use super::keys::set_up;
use super::{App, environment};
use crate::editor::event::Question;
use crate::editor::protocol::PROTOCOL;

impl App {
    /// Answers a question.
    pub(super) fn answer(&self, question: Question, answer: oneshot::Sender<serde_json::Value>) {
        match question {
            Question::KeyProviders => {
                let able = self.registry.providers().filter(|provider| provider.takes_stored_key());
                answer.send(able.map(|provider| provider.name.clone()).collect()).ok();
            }
            Question::Models => {
                let picking = self.picking();
                tokio::spawn(async move { answer.send(picking.names().await.into()) });
            }
            Question::Files(wanted) => {
                let files = self.files.clone();
                tokio::spawn(async move {
                    let found = files.find(wanted).await;
                    answer.send(serde_json::to_value(found).unwrap_or_default())
                });
            }
            Question::Health => {
                let (registry, vault) = (self.registry.clone(), self.vault.clone());
                let (locale, reason) = (self.locale(), self.reason());
                tokio::spawn(async move {
                    let mut health = set_up::health(&registry, &vault, &environment, locale).await;
                    if let Some(health) = health.as_object_mut() {
                        health.insert("reason".into(), reason.into());
                        health.insert("protocol".into(), PROTOCOL.into());
                    }
                    answer.send(health)
                });
            }
        }
    }
}
