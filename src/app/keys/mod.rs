//! Sets and removes keys: `:GPTSetKey`, `:GPTRemoveKey`, and what `:checkhealth` says of them.

pub mod health;
pub mod set_up;

use set_up::{Entered, KeySetUp};

use super::shared::Shared;
use crate::editor::event::KeyEvent;

/// Does what the user wants of their keys, beside all else.
pub fn handle(event: KeyEvent, shared: &Shared) {
    let set_up = KeySetUp {
        editor: shared.editor.clone(),
        dialog: shared.dialog.clone(),
        registry: shared.registry.clone(),
        http: shared.settings.http.clone(),
        vault: shared.vault.clone(),
        news: shared.news.clone(),
        current: shared.settings.target.provider.name.clone(),
        state: shared.state_dir.clone(),
        locale: shared.locale(),
    };
    match event {
        KeyEvent::KeySettingRequested { provider } => {
            tokio::spawn(async move { set_up.ask_for_key(provider).await });
        }
        KeyEvent::KeyEntered {
            provider,
            key,
            organization,
            project,
        } => {
            let entered = Entered {
                provider,
                key: key.0,
                organization,
                project,
            };
            tokio::spawn(async move { set_up.take_key(entered).await });
        }
        KeyEvent::KeyRemovalRequested { provider, force } => {
            tokio::spawn(async move { set_up.remove_key(provider, force).await });
        }
    }
}
