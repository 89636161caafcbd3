//! Finds what lets us in within a configured address: `https://name:password@host`, for base URLs and proxies.

use super::encoded::Unescaped;
use super::secret::Secret;

/// The variables that name proxies, in either case; curl's manual tells of them.
pub const PROXY_VARIABLES: [&str; 6] = [
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
];

/// Name and password of an address, the password, or the token that stands in their place: as they are written, and without
/// percent signs. An address without a scheme is one, too: proxies are named so.
pub fn secrets(address: &str) -> Vec<Secret> {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let Some((userinfo, _)) = authority.rsplit_once('@') else {
        return Vec::new();
    };
    let password = userinfo.split_once(':').map_or(userinfo, |(_, password)| password);
    let mut found = Vec::new();
    for text in [userinfo, password] {
        let plain = Unescaped::readings(text).into_iter().next();
        let plain = plain.map(|plain| plain.text().to_owned());
        found.extend([Some(text.to_owned()), plain].into_iter().flatten());
    }
    found.dedup();
    found.into_iter().filter_map(|text| Secret::new(text).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_and_password_of_an_address_are_secrets_as_written_and_without_percent_signs() {
        for (address, expected) in [
            (
                "https://me:pass%40word@host/v1",
                &["me:pass%40word", "me:pass@word", "pass%40word", "pass@word"][..],
            ),
            ("http://token-of-mine@proxy:3128", &["token-of-mine"]),
            ("me:p@ss@proxy:3128", &["me:p@ss", "p@ss"]),
            ("https://host/a@b", &[]),
            ("https://host", &[]),
            ("", &[]),
        ] {
            let found = secrets(address);
            let found: Vec<&str> = found.iter().map(Secret::expose).collect();
            assert_eq!(found, expected, "{address}");
        }
    }
}
