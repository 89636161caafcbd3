//! Resolves HEAD to a commit without git: from loose and packed refs
//! (<https://git-scm.com/docs/gitrepository-layout>, <https://git-scm.com/docs/git-pack-refs>).

use std::io::{BufRead, BufReader, Read};

use super::GitError;
use super::layout::Layout;
use crate::bounded;

/// The most of a ref that is read, in bytes.
const MOST_REF: u64 = 4096;
/// The most of the packed refs that is read, in bytes.
const MOST_PACKED: u64 = 256 << 20;
/// How many refs may name one another.
const MOST_STEPS: usize = 5;
/// The refs that each work tree has of its own.
const PER_WORK_TREE: [&str; 3] = ["refs/bisect/", "refs/worktree/", "refs/rewritten/"];

/// The commit that HEAD names; `None` before the first one.
pub(super) fn resolve(layout: &Layout) -> Result<Option<String>, GitError> {
    let mut name = "HEAD".to_owned();
    for _ in 0..MOST_STEPS {
        let is_own = name == "HEAD" || PER_WORK_TREE.iter().any(|own| name.starts_with(own));
        let folder = if is_own { &layout.git_dir } else { &layout.common };
        let loose = layout.read(&folder.join(&name), MOST_REF).ok();
        let Some(text) = loose.and_then(|bytes| String::from_utf8(bytes).ok()) else {
            return match name == "HEAD" {
                true => Err(GitError::no_repository(&layout.work_tree)),
                false => packed(layout, &name),
            };
        };
        match text.strip_prefix("ref:") {
            Some(named) => named.trim().clone_into(&mut name),
            None => return Ok(Some(text.trim().to_owned()).filter(|id| is_id(layout, id))),
        }
        if !is_name(&name) {
            break;
        }
    }
    Err(GitError::Failed(format!("HEAD names no branch: {name:.60}")))
}

/// Looks for a ref's line in `packed-refs`: `{id} {name}`.
fn packed(layout: &Layout, name: &str) -> Result<Option<String>, GitError> {
    let Ok(file) = layout.own(&layout.common.join("packed-refs")) else {
        return Ok(None);
    };
    let unreadable = |error: std::io::Error| GitError::Failed(format!("packed-refs: {error}"));
    let (opened, _) = bounded::open(&file).map_err(|error| GitError::Failed(format!("packed-refs: {error}")))?;
    let mut lines = BufReader::new(opened.take(MOST_PACKED));
    let mut line = Vec::new();
    loop {
        line.clear();
        if lines.read_until(b'\n', &mut line).map_err(unreadable)? == 0 {
            return Ok(None);
        }
        let text = str::from_utf8(&line).unwrap_or_default();
        if let Some((id, found)) = text.trim_end().split_once(' ')
            && found == name
        {
            return Ok(Some(id.to_owned()).filter(|id| is_id(layout, id)));
        }
    }
}

/// Whether it may be the name of a ref, and stays within the folder of refs.
fn is_name(name: &str) -> bool {
    let is_part = |part: &str| !part.is_empty() && !part.starts_with('.');
    let is_odd = |c: char| c.is_control() || "\\:?*[~^ ".contains(c);
    name.starts_with("refs/") && name.split('/').all(is_part) && !name.contains(is_odd)
}

/// Whether it is the name of an object.
pub(super) fn is_id(layout: &Layout, id: &str) -> bool {
    let length = if layout.settings.is_sha256 { 64 } else { 40 };
    id.len() == length && id.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The tree without files.
pub(super) fn empty_tree(layout: &Layout) -> &'static str {
    match layout.settings.is_sha256 {
        true => "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
        false => "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    }
}
