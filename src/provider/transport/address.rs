//! Writes an address so that it may be shown: without the name and password in it.

use reqwest::Url;

/// The address, with `[redacted]` in place of what lets us in.
pub fn shown(url: &Url) -> String {
    if url.username().is_empty() && url.password().is_none() {
        return url.to_string();
    }
    let mut bare = url.clone();
    // Both fail only where an address has no host, and then it has no password either.
    bare.set_username("").ok();
    bare.set_password(None).ok();
    bare.as_str().replacen("://", "://[redacted]@", 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lets_us_in_is_not_shown_and_all_else_is() {
        for (address, expected) in [
            ("https://me:pw@host:1/v1?a=b", "https://[redacted]@host:1/v1?a=b"),
            ("https://token@host/v1", "https://[redacted]@host/v1"),
            ("https://host/v1@x", "https://host/v1@x"),
        ] {
            assert_eq!(shown(&Url::parse(address).unwrap()), expected);
        }
    }
}
