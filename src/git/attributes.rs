//! Lets git show files that have a filter as binary: without the filter (git-lfs, git-crypt), which is never run, what git
//! holds and what lies in the folder are not comparable (<https://git-scm.com/docs/gitattributes#_filter>).

use super::{GitError, MOST_PRINTED, Repository};

/// The longest line of attributes that git reads, in bytes, with room for quotes.
const LONGEST_PATTERN: usize = 2000;

impl Repository {
    /// Has the filtered ones of these files shown as binary. What is staged is compared as it is held, and needs no filter;
    /// there only git-lfs's files are left out, which are a few words about files that are elsewhere.
    pub(super) async fn hide_filtered(&self, names: &[u8], is_staged: bool) -> Result<(), GitError> {
        if names.is_empty() {
            return Ok(());
        }
        let mut args = vec!["check-attr", "-z", "--stdin"];
        args.extend(is_staged.then_some("--cached"));
        args.push("filter");
        let printed = self.feed(&args, names.to_vec(), MOST_PRINTED).await?;
        let mut fields = printed.split(|byte| *byte == 0);
        let mut lines = Vec::new();
        while let (Some(name), Some(_), Some(filter)) = (fields.next(), fields.next(), fields.next()) {
            let is_filtered = match filter {
                b"unspecified" | b"unset" | b"set" | b"" => false,
                filter => !is_staged || filter == b"lfs",
            };
            if is_filtered {
                lines.extend(pattern(name));
                lines.extend_from_slice(b" -diff\n");
            }
        }
        let file = self.ours.path("info/attributes");
        std::fs::write(file, lines).map_err(|error| GitError::Failed(error.to_string()))
    }
}

/// The pattern that this path alone matches, quoted; one that is too long for git matches more.
fn pattern(name: &[u8]) -> Vec<u8> {
    let mut quoted = b"\"/".to_vec();
    for byte in name {
        match byte {
            b'*' | b'?' | b'[' | b'\\' => quoted.extend_from_slice(&[b'\\', b'\\', *byte]),
            b'"' => quoted.extend_from_slice(b"\\\""),
            0..=0x1f | 0x7f => quoted.extend_from_slice(format!("\\{byte:03o}").as_bytes()),
            byte => quoted.push(*byte),
        }
        if *byte == b'\\' {
            quoted.push(b'\\');
        }
    }
    quoted.push(b'"');
    match quoted.len() > LONGEST_PATTERN {
        true => b"*".to_vec(),
        false => quoted,
    }
}
