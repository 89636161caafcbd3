//! One request: made of the settings and what is said, shown without its key, or sent, with what happens put into a
//! channel. It knows nothing of the chat that waits for it.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use super::{Settings, limits, window};
use crate::chat::Message;
use crate::provider::{self, Event, ProviderError, Request};
use crate::words::say;

/// How many batches of a provider's events may wait for the session.
pub(super) const ANSWERS_WAITING: usize = 64;

/// The request that asks the model of these settings with these messages: every request is made here.
pub fn request(settings: &Settings, messages: Vec<Message>) -> Request {
    let target = &settings.target;
    Request {
        model: target.model.clone(),
        label: target.label(),
        messages,
        tools: Vec::new(),
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
    if provider.offline {
        return Ok(vec![say!(settings.locale, "request.guide")]);
    }
    let environment = |name: &str| std::env::var(name).ok();
    let found = settings
        .vault
        .credentials(&provider.name, &provider.key, &environment, || {})
        .await;
    // Without a key everything but its header can be shown.
    let credentials = found.unwrap_or_default();
    let credentials = settings
        .vault
        .with_headers(&provider.name, credentials, &provider.headers, &environment)
        .await?;
    let request = request(settings, window::messages(settings, messages));
    settings.http.preview(provider, &credentials, &request)
}

/// Asks the provider; everything that happens goes into `events`.
pub async fn ask(
    settings: Arc<Settings>,
    request: Request,
    events: mpsc::Sender<Vec<Event>>,
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
            match found {
                Ok(found) => {
                    let headers = &provider.headers;
                    let all = settings
                        .vault
                        .with_headers(&provider.name, found, headers, &environment);
                    all.await.map_err(ProviderError::from)
                }
                Err(error) => Err(ProviderError::from(error)),
            }
        }
    };
    match credentials {
        Ok(credentials) => {
            asking.send_replace(true);
            provider::ask(&settings.http, provider, &credentials, &request, &events).await;
        }
        Err(error) => drop(events.send(vec![Event::Error(error)]).await),
    }
}
