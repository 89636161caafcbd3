//! Answers the questions that the editor waits for: completion and `:checkhealth`. Beside all else.

use tokio::sync::oneshot;

use super::environment;
use super::keys::health::health;
use super::models::picker::Picking;
use crate::context::files::FileIndex;
use crate::editor::event::Question;
use crate::keys::vault::Vault;

/// What answers are made of.
pub struct Answering {
    pub picking: Picking,
    pub files: FileIndex,
    pub vault: Vault,
    /// Why the model in use answers, in words, once that is known.
    pub reason: oneshot::Receiver<String>,
}

/// Answers a question.
pub fn answer(question: Question, answering: Answering, answer: oneshot::Sender<serde_json::Value>) {
    let Answering {
        picking,
        files,
        vault,
        reason,
    } = answering;
    match question {
        Question::KeyProviders => {
            let able = picking
                .registry
                .providers()
                .filter(|provider| provider.takes_stored_key());
            answer.send(able.map(|provider| provider.name.clone()).collect()).ok();
        }
        Question::Models => {
            tokio::spawn(async move { answer.send(picking.names().await.into()) });
        }
        Question::Files(wanted) => {
            tokio::spawn(async move {
                let found = files.find(wanted).await;
                answer.send(serde_json::to_value(found).unwrap_or_default())
            });
        }
        Question::Health => {
            tokio::spawn(async move {
                let mut health = health(&picking.registry, &vault, &environment, picking.settings.locale).await;
                if let Some(health) = health.as_object_mut() {
                    health.insert("reason".into(), reason.await.unwrap_or_default().into());
                }
                answer.send(health)
            });
        }
    }
}
