//! Reads the error out of an event stream that came with the status of an error.

use crate::provider::wire::sse::SseDecoder;

/// The data of the first event that says something; `None` where the body is no event stream.
pub(super) fn data(body: &str) -> Option<String> {
    let is_field = |line: &str| {
        ["data:", "event:", "id:", "retry:", ":"]
            .iter()
            .any(|name| line.starts_with(name))
    };
    if !body.lines().next().is_some_and(is_field) || !body.contains("data:") {
        return None;
    }
    let (mut decoder, mut found) = (SseDecoder::new(), None::<String>);
    let mut take = |data: &str| {
        let data = data.trim();
        if found.is_none() && !data.is_empty() && !data.starts_with("[DONE]") {
            found = Some(data.to_owned());
        }
    };
    decoder.feed(body.as_bytes(), |event| take(event.data)).ok()?;
    decoder.finish_leniently(|event| take(event.data));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_of_the_first_event_that_says_something_is_the_error() {
        let read = |body: &str| data(body);
        assert_eq!(
            read("event: error\ndata: {\"error\":1}\n\ndata: [DONE]\n\n").as_deref(),
            Some("{\"error\":1}")
        );
        assert_eq!(read(": hello\r\n\r\ndata:\r\n\r\ndata: oops").as_deref(), Some("oops"));
        assert_eq!(read("{\"error\":\"data: x\"}"), None);
        assert_eq!(read("Internal error\ndata: x"), None);
        assert_eq!(read("data: [DONE]"), None);
    }
}
