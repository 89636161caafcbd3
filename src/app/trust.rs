//! Which projects' folders of prompts the user has allowed. What a project brings along is nobody's word until then.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::disk;

/// What the user has said of a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Word {
    /// Its prompts may be used.
    Allowed,
    /// They may not, and nobody asks again.
    Refused,
}

/// The file: folders by their real paths.
#[derive(Default, Serialize, Deserialize)]
struct Kept {
    folders: BTreeMap<PathBuf, Word>,
}

/// What the user has said. Clones share what was said in this session.
#[derive(Clone, Default)]
pub struct Trust {
    state: Option<PathBuf>,
    /// Folders that the user did not want to decide about now.
    put_off: Arc<Mutex<HashSet<PathBuf>>>,
}

impl Trust {
    /// Kept in this folder, over restarts; without one for this session only.
    pub fn kept_in(&self, state: Option<PathBuf>) -> Self {
        let put_off = self.put_off.clone();
        Self { state, put_off }
    }

    fn file(&self) -> Option<PathBuf> {
        self.state.as_ref().map(|state| state.join("prompts.json"))
    }

    fn kept(&self) -> Kept {
        self.file().and_then(|file| disk::read(&file)).unwrap_or_default()
    }

    /// What the user has said of this folder, if anything.
    pub fn word(&self, folder: &Path) -> Option<Word> {
        let folder = real(folder);
        let kept = self.kept().folders.get(&folder).copied();
        let put_off = || {
            self.put_off
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .contains(&folder)
        };
        kept.or_else(|| put_off().then_some(Word::Refused))
    }

    /// Does not ask again in this session.
    pub fn put_off(&self, folder: &Path) {
        self.put_off
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(real(folder));
    }

    /// Keeps what the user has said of this folder.
    pub fn keep(&self, folder: &Path, word: Word) {
        let mut kept = self.kept();
        kept.folders.insert(real(folder), word);
        if let Some(file) = self.file()
            && let Err(error) = disk::write(&file, &kept)
        {
            tracing::warn!(%error, "what was said of a folder of prompts is not kept");
        }
    }
}

fn real(folder: &Path) -> PathBuf {
    folder.canonicalize().unwrap_or_else(|_| folder.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_of_a_folder_is_kept_and_putting_off_is_not() {
        let state = tempfile::tempdir().unwrap();
        let new = || Trust::default().kept_in(Some(state.path().to_owned()));
        let (one, other) = (Path::new("/a/.gpt/prompts"), Path::new("/b/.gpt/prompts"));
        let trust = new();
        trust.keep(one, Word::Allowed);
        trust.put_off(other);
        assert_eq!(
            (trust.word(one), trust.word(other)),
            (Some(Word::Allowed), Some(Word::Refused))
        );
        assert_eq!((new().word(one), new().word(other)), (Some(Word::Allowed), None));
    }
}
