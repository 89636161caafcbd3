//! Remembers providers over restarts: whose keys were stored in the keyring, and whom the user does not want asked by
//! default. Never a key.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::disk;

/// The providers that something is remembered of, by their names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Remembered {
    /// Those whose key we have stored.
    pub stored: BTreeSet<String>,
    /// Those that the user refused to use unless they choose them.
    pub refused: BTreeSet<String>,
}

fn file(state: &Path) -> PathBuf {
    state.join("keys.json")
}

/// What earlier sessions, and other editors, have remembered.
pub fn read(state: &Path) -> Remembered {
    disk::read(&file(state)).unwrap_or_default()
}

/// What is remembered, read beside.
pub async fn look(state: Option<PathBuf>) -> Remembered {
    let Some(state) = state else {
        return Remembered::default();
    };
    let read = tokio::task::spawn_blocking(move || read(&state));
    read.await.unwrap_or_default()
}

/// Changes what is remembered: that of other editors stays. What cannot be kept is forgotten with this session.
pub async fn change(state: Option<PathBuf>, change: impl FnOnce(&mut Remembered) + Send + 'static) {
    static TURN: Mutex<()> = Mutex::new(());
    let Some(state) = state else { return };
    let write = move || {
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let before = read(&state);
        let mut after = before.clone();
        change(&mut after);
        match after == before {
            true => Ok(()),
            false => disk::write(&file(&state), &after),
        }
    };
    if let Ok(Err(error)) = tokio::task::spawn_blocking(write).await {
        tracing::warn!(%error, "which keys are stored is not kept");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_remembered_is_read_again_and_a_broken_file_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let state = || Some(folder.path().to_owned());
        assert_eq!(look(state()).await, Remembered::default());
        for name in ["openai", "mistral"] {
            change(state(), move |remembered| {
                remembered.stored.insert(name.into());
            })
            .await;
        }
        assert_eq!(look(state()).await.stored.len(), 2);
        std::fs::write(file(folder.path()), "{ half").unwrap();
        assert_eq!(look(state()).await, Remembered::default());
        assert_eq!(look(None).await, Remembered::default());
    }
}
