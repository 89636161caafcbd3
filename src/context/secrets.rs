//! What looks as if it held secrets: by its name, or by what stands in it.

use crate::keys::Redactor;
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

/// Names of files that hold secrets.
const NAMES: [&str; 19] = [
    ".envrc",
    ".git-credentials",
    ".htpasswd",
    ".netrc",
    ".npmrc",
    ".pgpass",
    ".pypirc",
    "_netrc",
    "credentials",
    "credentials.json",
    "id_dsa",
    "id_ecdsa",
    "id_ed25519",
    "id_rsa",
    "kubeconfig",
    "secrets.json",
    "secrets.toml",
    "secrets.yaml",
    "secrets.yml",
];
/// What the names of such files end in.
const ENDINGS: [&str; 9] = [
    ".jks",
    ".kdbx",
    ".key",
    ".keystore",
    ".p12",
    ".pem",
    ".pfx",
    ".ppk",
    ".tfvars",
];
/// Copies of a `.env` that are made to be shared.
const SHARED: [&str; 5] = ["dist", "example", "sample", "schema", "template"];
/// How the keys of services begin that are no providers of models, and how many letters and digits follow at least.
const TOKENS: [(&str, usize); 9] = [
    ("AKIA", 16),
    ("ASIA", 16),
    ("ghp_", 30),
    ("gho_", 30),
    ("ghs_", 30),
    ("github_pat_", 30),
    ("glpat-", 20),
    ("xoxb-", 20),
    ("xoxp-", 20),
];

/// Whether a text looks as if it held secrets; `names` are those of the files that it is of.
pub fn sign<'a>(names: impl IntoIterator<Item = &'a str>, text: &str, redactor: &Redactor) -> Option<Sign> {
    if names.into_iter().any(is_secret_name) {
        return Some(Sign::Name);
    }
    if has_private_key(text) {
        return Some(Sign::PrivateKey);
    }
    let has_token = TOKENS.iter().any(|(prefix, least)| has_token(text, prefix, *least));
    (has_token || redactor.holds_key(text)).then_some(Sign::Key)
}

/// The files that a diff is of, by their paths.
pub fn files_of_diff(diff: &str) -> impl Iterator<Item = &str> {
    diff.lines().filter_map(|line| {
        let path = line.strip_prefix("+++ b/").or_else(|| line.strip_prefix("--- a/"))?;
        Some(path.trim_end_matches('\t'))
    })
}

fn is_secret_name(path: &str) -> bool {
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path).to_lowercase();
    if let Some(rest) = name.strip_prefix(".env") {
        let shared = |kind: &str| SHARED.contains(&kind);
        return rest.is_empty() || rest.strip_prefix('.').is_some_and(|kind| !kind.split('.').any(shared));
    }
    NAMES.contains(&name.as_str()) || ENDINGS.iter().any(|ending| name.ends_with(ending))
}

/// By RFC 7468 and OpenPGP's armor: `-----BEGIN … PRIVATE KEY-----`. Also within a diff, and as a string.
fn has_private_key(text: &str) -> bool {
    text.match_indices("-----BEGIN ").any(|(at, begin)| {
        let label = text.get(at + begin.len()..).and_then(|rest| rest.split_once("-----"));
        label.is_some_and(|(label, _)| label.len() < 60 && label.contains("PRIVATE KEY"))
    })
}

fn has_token(text: &str, prefix: &str, least: usize) -> bool {
    text.match_indices(prefix).any(|(at, _)| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        let behind = text.get(at + prefix.len()..).unwrap_or_default();
        let length = behind
            .bytes()
            .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
            .count();
        length >= least && before.is_none_or(|c| !c.is_alphanumeric())
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
