//! What the editor asks, and waits for: completion and `:checkhealth`. Answered beside all else.

use tokio::sync::oneshot;

use super::{App, connecting, environment};
use crate::editor::event::{PROTOCOL, Question};

impl App {
    /// Answers a question.
    pub(super) fn answer(&mut self, question: Question, answer: oneshot::Sender<serde_json::Value>) {
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
                let (locale, reason) = (self.locale(), self.wait_for_reason());
                tokio::spawn(async move {
                    let mut health = connecting::health(&registry, &vault, &environment, locale).await;
                    if let Some(health) = health.as_object_mut() {
                        health.insert("reason".into(), reason.await.unwrap_or_default().into());
                        health.insert("protocol".into(), PROTOCOL.into());
                    }
                    answer.send(health)
                });
            }
        }
    }
}
