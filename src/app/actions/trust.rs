//! Stores which projects' prompts the user has allowed. What a project brings along is nobody's word until then, and
//! again once it has changed.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::actions::project;
use crate::disk;

/// What the user has said of a project's prompts, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Word {
    /// Those with this hash may be used.
    Allowed(String),
    /// None may, whatever becomes of them, and nobody asks again.
    Refused,
}

/// What that means for the prompts that there are now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// They may be used.
    Allowed,
    /// They may not, and nobody asks.
    Refused,
    /// They may not, and nobody asks in this session.
    PutOff,
    /// Nobody was asked about these.
    Unknown {
        /// Whether others were allowed before.
        changed: bool,
    },
}

/// The file: by project, what was said. What cannot be read of it, an earlier version's say, was not said.
#[derive(Default, Serialize, Deserialize)]
struct Kept {
    folders: BTreeMap<String, Value>,
}

/// What the user has said. Clones share what was said in this session.
#[derive(Clone, Default)]
pub struct Trust {
    state: Option<PathBuf>,
    session: Arc<Mutex<Session>>,
}

/// What is said for this session alone.
#[derive(Default)]
struct Session {
    /// Projects that the user did not want to decide about now.
    put_off: HashSet<String>,
    /// What could not be kept.
    said: BTreeMap<String, Word>,
}

impl Trust {
    /// Kept in this folder, over restarts; without one for this session only.
    pub fn kept_in(&self, state: Option<PathBuf>) -> Self {
        let session = self.session.clone();
        Self { state, session }
    }

    fn file(&self) -> Option<PathBuf> {
        self.state.as_ref().map(|state| state.join("prompts.json"))
    }

    fn kept(&self) -> Kept {
        self.file().and_then(|file| disk::read(&file)).unwrap_or_default()
    }

    fn session(&self) -> MutexGuard<'_, Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn word(&self, project: &str) -> Option<Word> {
        let said = self.session().said.get(project).cloned();
        said.or_else(|| serde_json::from_value(self.kept().folders.remove(project)?).ok())
    }

    /// How the prompts with this hash stand, of the project with this root.
    pub fn standing(&self, root: &Path, digest: &str) -> Standing {
        let project = name(root);
        match self.word(&project) {
            Some(Word::Refused) => Standing::Refused,
            Some(Word::Allowed(allowed)) if allowed == digest => Standing::Allowed,
            _ if self.session().put_off.contains(&project) => Standing::PutOff,
            word => Standing::Unknown {
                changed: word.is_some(),
            },
        }
    }

    /// Does not ask again in this session.
    pub fn put_off(&self, root: &Path) {
        self.session().put_off.insert(name(root));
    }

    /// Keeps what the user has said of the project with this root.
    pub fn keep(&self, root: &Path, word: &Word) {
        self.change(root, Some(word));
    }

    /// Forgets what the user has said of the project with this root: they are asked again.
    pub fn forget(&self, root: &Path) {
        self.change(root, None);
    }

    fn change(&self, root: &Path, word: Option<&Word>) {
        let project = name(root);
        let mut kept = self.kept();
        match word.and_then(|word| serde_json::to_value(word).ok()) {
            Some(value) => kept.folders.insert(project.clone(), value),
            None => kept.folders.remove(&project),
        };
        let written = self.file().map(|file| disk::write(&file, &kept));
        let mut session = self.session();
        session.put_off.remove(&project);
        session.said.remove(&project);
        if let Some(Err(error)) = &written {
            tracing::warn!(%error, "what was said of a project's prompts is not kept");
        }
        if let Some(word) = word.filter(|_| !matches!(written, Some(Ok(())))) {
            session.said.insert(project, word.clone());
        }
    }
}

/// What a project is called in the file: the path of its prompts, without links up to its root. What links there are below
/// it is the project's own doing.
fn name(root: &Path) -> String {
    let root = root.canonicalize().unwrap_or_else(|_| root.to_owned());
    let folder = root.join(project::FOLDER);
    // A path that is no text is told by its bytes: no other one looks so, since a path begins with no quotation mark.
    folder.to_str().map_or_else(|| format!("{folder:?}"), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNKNOWN: Standing = Standing::Unknown { changed: false };

    fn allowed(digest: &str) -> Word {
        Word::Allowed(digest.to_owned())
    }

    #[test]
    fn what_was_said_of_a_project_is_kept_and_putting_off_is_not() {
        let state = tempfile::tempdir().unwrap();
        let new = || Trust::default().kept_in(Some(state.path().to_owned()));
        let (one, other) = (Path::new("/a"), Path::new("/b"));
        let trust = new();
        trust.keep(one, &allowed("1"));
        trust.put_off(other);
        let standings = |trust: &Trust| (trust.standing(one, "1"), trust.standing(other, "1"));
        assert_eq!(standings(&trust), (Standing::Allowed, Standing::PutOff));
        assert_eq!(standings(&new()), (Standing::Allowed, UNKNOWN));
    }

    #[test]
    fn what_changes_is_asked_about_again_and_never_is_never_until_it_is_taken_back() {
        let state = tempfile::tempdir().unwrap();
        let trust = Trust::default().kept_in(Some(state.path().to_owned()));
        let root = Path::new("/a");
        trust.keep(root, &allowed("1"));
        assert_eq!(trust.standing(root, "2"), Standing::Unknown { changed: true });
        trust.keep(root, &Word::Refused);
        assert_eq!(trust.standing(root, "3"), Standing::Refused);
        trust.forget(root);
        assert_eq!(trust.standing(root, "1"), UNKNOWN);
    }

    #[test]
    fn what_cannot_be_kept_is_said_for_this_session() {
        let trust = Trust::default();
        trust.keep(Path::new("/a"), &Word::Refused);
        assert_eq!(trust.standing(Path::new("/a"), "1"), Standing::Refused);
    }

    #[test]
    fn of_an_earlier_versions_file_a_refusal_counts_and_an_allowance_is_asked_for_again() {
        let state = tempfile::tempdir().unwrap();
        let file = serde_json::json!({"folders": {"/a/.gpt/prompts": "allowed", "/b/.gpt/prompts": "refused"}});
        disk::write(&state.path().join("prompts.json"), &file).unwrap();
        let trust = Trust::default().kept_in(Some(state.path().to_owned()));
        assert_eq!(trust.standing(Path::new("/a"), "1"), UNKNOWN);
        assert_eq!(trust.standing(Path::new("/b"), "1"), Standing::Refused);
    }
}
