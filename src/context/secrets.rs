//! Detects files and texts that look as if they held secrets: by a name, or by what stands in it.

use super::secret_names;
use crate::keys::Redactor;
use crate::keys::formats::Kind;
use crate::words::{Text, text};

/// Why something looks as if it held secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// Its name: `.env`, say.
    Name,
    /// A private key stands in it.
    PrivateKey,
    /// A key of some service stands in it.
    Key,
}

impl Sign {
    /// The sign, as a user reads it in brackets.
    pub fn said(self) -> Text {
        match self {
            Self::Name => text!("context.sign_name"),
            Self::PrivateKey => text!("context.sign_private_key"),
            Self::Key => text!("context.sign_key"),
        }
    }
}

/// Whether a text looks as if it held secrets; `names` are those of the files that it is of.
pub fn sign<'a>(names: impl IntoIterator<Item = &'a str>, text: &str, redactor: &Redactor) -> Option<Sign> {
    if names.into_iter().any(secret_names::is_secret) {
        return Some(Sign::Name);
    }
    if redactor.knows_key_in(text) {
        return Some(Sign::Key);
    }
    redactor.keys_in(text).next().map(|kind| match kind {
        Kind::PrivateKey => Sign::PrivateKey,
        Kind::Key => Sign::Key,
    })
}

/// The files that a diff is of, by their paths.
pub fn files_of_diff(diff: &str) -> impl Iterator<Item = &str> {
    diff.lines().filter_map(|line| {
        let path = line.strip_prefix("+++ b/").or_else(|| line.strip_prefix("--- a/"))?;
        Some(path.trim_end_matches('\t'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::Secret;

    fn named(name: &str) -> Option<Sign> {
        sign([name], "plain", &Redactor::default())
    }

    fn said(text: &str) -> Option<Sign> {
        let live = Secret::new("canary-key-of-ours".into()).unwrap();
        sign(["a.txt"], text, &Redactor::new(vec![live]))
    }

    #[test]
    fn a_file_that_is_made_for_secrets_is_known_by_its_name() {
        for name in [
            ".env",
            "a/.ENV.local",
            "deploy/id_rsa",
            "tls/server.key",
            "x.pem",
            ".netrc",
        ] {
            assert_eq!(named(name), Some(Sign::Name), "{name}");
        }
        for name in [
            ".env.example",
            "environment.rs",
            "id_rsa.pub",
            "keys.rs",
            "src/secrets.rs",
            ".envoy",
        ] {
            assert_eq!(named(name), None, "{name}");
        }
    }

    #[test]
    fn a_key_is_known_wherever_it_stands() {
        let token = format!("t = \"ghp_{}\"", "a1B2".repeat(9));
        for text in [
            "x = canary-key-of-ours;",
            "OPENAI_API_KEY=sk-proj-abcDEF123456",
            token.as_str(),
            "id AKIAIOSFODNN7EXAMPLE",
        ] {
            assert_eq!(said(text), Some(Sign::Key), "{text}");
        }
        assert_eq!(
            said("+-----BEGIN OPENSSH PRIVATE KEY-----\n+b3Bl"),
            Some(Sign::PrivateKey)
        );
    }

    #[test]
    fn what_only_looks_a_little_like_a_key_is_not_asked_about() {
        for text in [
            "class=\"sk-folding-cube\"",
            "task-management and disk-encryption",
            "a *** b",
            "abcd***wxyz",
            "-----BEGIN CERTIFICATE-----",
            "ghp_short",
        ] {
            assert_eq!(said(text), None, "{text}");
        }
    }

    #[test]
    fn a_diff_is_of_the_files_on_both_sides() {
        let diff = "diff --git a/.env b/.env\n--- a/.env\n+++ /dev/null\n@@ -1 +0,0 @@\n-A=b\n";
        assert_eq!(files_of_diff(diff).collect::<Vec<_>>(), [".env"]);
    }
}
