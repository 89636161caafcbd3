//! A request as a person reads it: exactly what would be sent, without secrets.

use std::sync::PoisonError;

use super::call::Call;
use super::{Http, address};
use crate::keys::Credentials;
use crate::provider::registry::Provider;
use crate::provider::{ProviderError, Request};

impl Http {
    /// What would go over the network for this request, as lines: secrets are `[redacted]`, and fields that the server is
    /// known to refuse are left out, as they would be.
    ///
    /// # Errors
    /// Where nothing can be sent.
    pub fn preview(
        &self,
        provider: &Provider,
        credentials: &Credentials,
        request: &Request,
    ) -> Result<Vec<String>, ProviderError> {
        let known = {
            let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
            refused.get(&(provider.name.clone(), request.model.clone())).cloned()
        };
        let call = Call::new(provider, credentials, request, &known.unwrap_or_default())?;
        let redactor = credentials.redactor();
        let mut lines = vec![format!("POST {}", redactor.redact(&address::shown(&call.url)))];
        for (name, value) in &call.headers {
            let shown = value.to_str().unwrap_or_default();
            let shown = if value.is_sensitive() {
                "[redacted]".into()
            } else {
                redactor.redact(shown)
            };
            lines.push(format!("{name}: {shown}"));
        }
        lines.push(String::new());
        let body: serde_json::Value = serde_json::from_slice(&call.body).unwrap_or_default();
        lines.extend(redactor.redact(&format!("{body:#}")).lines().map(str::to_owned));
        Ok(lines)
    }
}
