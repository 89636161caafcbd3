//! Finds name and password in an address: `scheme://user:password@host`,
//! [RFC 3986, 3.2.1](https://www.rfc-editor.org/rfc/rfc3986#section-3.2.1).

use std::ops::Range;

use serde::Deserialize;

use super::Look;

/// What stands in the addresses of manuals.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Placeholders {
    passwords: Vec<String>,
    hosts: Vec<String>,
}

/// Where name and password stand in the address whose `://` is from `start` to `behind`, if it has a password.
pub fn password(
    text: &str,
    start: usize,
    behind: usize,
    look: Look,
    placeholders: &Placeholders,
) -> Option<Range<usize>> {
    let scheme = text.as_bytes().get(start.checked_sub(1)?)?;
    if !scheme.is_ascii_alphanumeric() {
        return None;
    }
    let rest = text.get(behind..)?;
    let ends = |c: char| {
        c.is_whitespace() || c.is_control() || matches!(c, '/' | '?' | '#' | '"' | '\'' | '<' | '`' | '\\' | '|')
    };
    let authority = rest.get(..rest.find(ends).unwrap_or(rest.len()))?;
    let (userinfo, host) = authority.rsplit_once('@')?;
    let (user, password) = userinfo.split_once(':')?;
    let template = password.starts_with(['$', '[', '*', '%']) && !is_percent(password) || password.contains('{');
    let hidden = password.is_empty() || password == "[redacted]" || userinfo == "[redacted]";
    let is_said = look == Look::Sent && (template || placeholders.holds(user, password, host));
    // What our own advice writes.
    let is_advice = host.starts_with("host") && userinfo == "name:password";
    (!hidden && !is_said && !is_advice).then(|| behind..behind + userinfo.len())
}

fn is_percent(text: &str) -> bool {
    matches!(text.as_bytes(), [b'%', first, second, ..] if first.is_ascii_hexdigit() && second.is_ascii_hexdigit())
}

impl Placeholders {
    fn holds(&self, user: &str, password: &str, host: &str) -> bool {
        let is = |list: &[String], word: &str| list.iter().any(|one| one.eq_ignore_ascii_case(word));
        let name = match host.strip_prefix('[') {
            Some(rest) => rest.split(']').next(),
            None => host.split(':').next(),
        };
        let name = name.unwrap_or(host).trim_end_matches([',', ';', '.', ')', '>']);
        (password == user || is(&self.passwords, password)) && is(&self.hosts, name)
    }
}
