//! Paths of URLs: a model's name as one percent-encoded segment, and segments that are versions.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::provider::registry::Provider;
use crate::provider::{ErrorClass, ProviderError};
use crate::words::text;

/// All but what is unreserved ([RFC 3986, 2.3](https://www.rfc-editor.org/rfc/rfc3986#section-2.3)).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The model's name as a segment.
///
/// # Errors
/// The name would be no segment: it is empty, or dots.
pub(crate) fn segment(provider: &Provider, model: &str) -> Result<String, ProviderError> {
    if matches!(model, "" | "." | "..") {
        let reason = text!("provider.no_such_model", model = model, provider = &provider.label);
        return Err(ProviderError::ours(ErrorClass::Configuration, reason));
    }
    Ok(utf8_percent_encode(model, RESERVED).to_string())
}

/// Whether a segment of a path is a version: `v1`, `v1beta`, `v4`.
#[must_use]
pub fn has_version(path: &str) -> bool {
    path.split('/').any(|segment| {
        let rest = segment.strip_prefix('v').unwrap_or_default();
        rest.starts_with(|c: char| c.is_ascii_digit())
    })
}
