//! Reads an error that is written in XML, as storage services and gateways of Amazon and Azure do:
//! `<Error><Code>…</Code><Message>…</Message></Error>`
//! (<https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>,
//! <https://learn.microsoft.com/en-us/rest/api/storageservices/status-and-error-codes2>), SOAP's `faultstring`, and problem
//! details ([RFC 9457, appendix B](https://www.rfc-editor.org/rfc/rfc9457#appendix-B)).

use serde_json::{Map, Value};

/// Elements that hold a reason or a word for programs, in lower case, and the JSON field that means the same.
const FIELDS: &[(&str, &str)] = &[
    ("message", "message"),
    ("errormessage", "message"),
    ("faultstring", "message"),
    ("text", "message"),
    ("reason", "message"),
    ("detail", "detail"),
    ("description", "detail"),
    ("authenticationerrordetail", "detail"),
    ("title", "title"),
    ("error", "error"),
    ("code", "code"),
    ("errorcode", "code"),
    ("faultcode", "code"),
    ("statuscode", "status"),
    ("status", "status"),
    ("requestid", "request_id"),
];

/// The most elements that are looked at.
const MOST: usize = 2_000;

/// The error in a text that is XML and no web page, as the JSON that means the same; `None` if there is none.
pub(super) fn value(text: &str) -> Option<Value> {
    let text = text.trim_start_matches('\u{feff}').trim_start();
    if !text.starts_with('<') || is_web_page(text) {
        return None;
    }
    let mut fields = Map::new();
    let (mut rest, mut open) = (text, String::new());
    let mut said = String::new();
    for _ in 0..MOST {
        let Some((before, behind)) = rest.split_once('<') else {
            said.push_str(&unescaped(rest));
            break;
        };
        said.push_str(&unescaped(before));
        if let Some(data) = behind.strip_prefix("![CDATA[") {
            let (data, after) = data.split_once("]]>").unwrap_or((data, ""));
            said.push_str(data);
            rest = after;
            continue;
        }
        let end = if behind.starts_with("!--") { "-->" } else { ">" };
        let Some((tag, after)) = behind.split_once(end) else {
            break;
        };
        rest = after;
        if tag.starts_with(['!', '?']) {
            continue;
        }
        match tag.strip_prefix('/') {
            Some(name) if local(name) == open => take(&open, said.trim(), &mut fields),
            Some(_) => {}
            None => open = local(tag),
        }
        if tag.starts_with('/') {
            open.clear();
        }
        said.clear();
    }
    // One that the end of what was read cuts.
    take(&open, said.trim(), &mut fields);
    let has_reason = ["message", "detail", "error", "title", "code"]
        .iter()
        .any(|name| fields.contains_key(*name));
    has_reason.then_some(Value::Object(fields))
}

/// The first element of a name counts, the outermost one.
fn take(name: &str, said: &str, fields: &mut Map<String, Value>) {
    let field = FIELDS.iter().find(|(known, _)| *known == name);
    if let Some((_, field)) = field.filter(|_| !said.is_empty())
        && !fields.contains_key(*field)
    {
        fields.insert((*field).to_owned(), said.into());
    }
}

/// A name without its namespace and attributes, in lower case.
fn local(tag: &str) -> String {
    let name = tag
        .split(|c: char| c.is_whitespace() || c == '/')
        .next()
        .unwrap_or_default();
    name.rsplit(':').next().unwrap_or_default().to_ascii_lowercase()
}

/// Whether a text is HTML, by what its beginning holds.
fn is_web_page(text: &str) -> bool {
    let beginning: String = text.chars().take(2_000).collect::<String>().to_ascii_lowercase();
    ["<!doctype html", "<html", "<head", "<body", "<title>"]
        .iter()
        .any(|mark| {
            let is_title = *mark == "<title>";
            // Problem details have a title, too.
            beginning.contains(mark) && !(is_title && beginning.contains("<problem"))
        })
}

/// The five entities of XML, and numbers ([XML 1.0, 4.6](https://www.w3.org/TR/xml/#sec-predefined-ent)).
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('&') {
        out.push_str(before);
        let entity = behind.split_once(';').filter(|(name, _)| name.len() <= 8);
        let c = entity.and_then(|(name, _)| match name {
            "amp" => Some('&'),
            "lt" => Some('<'),
            "gt" => Some('>'),
            "quot" => Some('"'),
            "apos" => Some('\''),
            name => {
                let digits = name.strip_prefix('#')?;
                let code = match digits.strip_prefix(['x', 'X']) {
                    Some(digits) => u32::from_str_radix(digits, 16).ok(),
                    None => digits.parse().ok(),
                };
                code.and_then(char::from_u32)
            }
        });
        match (c, entity) {
            (Some(c), Some((_, after))) => {
                out.push(c);
                rest = after;
            }
            _ => {
                out.push('&');
                rest = behind;
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_message_and_the_code_of_an_error_in_xml_are_read() {
        for (text, expected) in [
            (
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>AccessDenied</Code><Message>Access Denied</Message>\
                 <RequestId>R1</RequestId><HostId>x</HostId></Error>",
                json!({"code": "AccessDenied", "message": "Access Denied", "request_id": "R1"}),
            ),
            (
                "\u{feff}<?xml version=\"1.0\"?><Error><Code>AuthenticationFailed</Code><Message>Failed.\nRequestId:1</Message>\
                 <AuthenticationErrorDetail>Signature &lt;off&gt; &#38; old</AuthenticationErrorDetail></Error>",
                json!({"code": "AuthenticationFailed", "message": "Failed.\nRequestId:1", "detail": "Signature <off> & old"}),
            ),
            (
                "<ErrorResponse xmlns=\"http://x\"><Error><Type>Sender</Type><Code>Throttling</Code>\
                 <Message><![CDATA[Rate <exceeded>]]></Message></Error><RequestId>r</RequestId></ErrorResponse>",
                json!({"code": "Throttling", "message": "Rate <exceeded>", "request_id": "r"}),
            ),
            (
                "<s:Envelope><s:Body><s:Fault><faultcode>s:Client</faultcode><faultstring lang=\"en\">No</faultstring></s:Fault>\
                 </s:Body></s:Envelope>",
                json!({"code": "s:Client", "message": "No"}),
            ),
            (
                "<problem xmlns=\"urn:ietf:rfc:7807\"><title>Out of credit</title><detail>Top up.</detail><status>402</status></problem>",
                json!({"title": "Out of credit", "detail": "Top up.", "status": "402"}),
            ),
            (
                "<Map><status>500</status><error>Internal Server Error</error></Map>",
                json!({"status": "500", "error": "Internal Server Error"}),
            ),
            ("<error>Plain</error>", json!({"error": "Plain"})),
            ("<Error><Message>it was cut he", json!({"message": "it was cut he"})),
        ] {
            assert_eq!(value(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn a_web_page_and_what_is_no_error_are_none() {
        for text in [
            "<html><head><title>502</title></head><body><message>x</message></body></html>",
            "<!DOCTYPE html><error>x</error>",
            "<a><b>c</b></a>",
            "<",
            "<Error",
            "<Error></Error>",
            "<!--",
            "plain",
        ] {
            assert_eq!(value(text), None, "{text}");
        }
        let deep = format!("<Error>{}<Message>x</Message>", "<a>".repeat(100_000));
        assert_eq!(value(&deep), None);
    }
}
