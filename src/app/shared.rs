//! Gives the app's handlers what they share: the editor, providers, keys, settings and the history.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::News;
use super::dialog::Dialog;
use super::gate::{Gate, Passed};
use crate::chat::archive::Archive;
use crate::chat::session::Settings;
use crate::editor::Editor;
use crate::keys::vault::Vault;
use crate::provider::registry::Registry;
use crate::words::Locale;

/// What handlers share, as it is now. Cheap to clone.
#[derive(Clone)]
pub struct Shared {
    pub editor: Arc<dyn Editor>,
    pub news: mpsc::Sender<News>,
    pub dialog: Dialog,
    pub registry: Arc<Registry>,
    pub vault: Vault,
    pub settings: Arc<Settings>,
    pub archive: Archive,
    /// The texts that were let out, having been asked about.
    pub passed: Passed,
    /// Where what outlives the session is kept.
    pub state_dir: Option<PathBuf>,
}

impl Shared {
    /// The language of what is said.
    pub fn locale(&self) -> Locale {
        self.settings.locale
    }

    /// What all that is sent passes.
    pub fn gate(&self) -> Gate {
        Gate {
            dialog: self.dialog.clone(),
            vault: self.vault.clone(),
            registry: self.registry.clone(),
            passed: self.passed.clone(),
            locale: self.locale(),
        }
    }
}
