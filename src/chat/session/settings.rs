//! Settings that every chat shares: whom to ask, by which rules, with what keys; and what of that is another for one
//! chat.

use std::sync::Arc;

use crate::chat::budget::Calibration;
use crate::chat::rules::{Rules, Told};
use crate::config::{ChatConfig, Titles};
use crate::keys::vault::Vault;
use crate::provider::ProviderError;
use crate::provider::catalogue::Catalogue;
use crate::provider::registry::Target;
use crate::provider::transport::Http;
use crate::words::Locale;

/// What every chat shares.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Whom to ask.
    pub target: Target,
    /// Why nobody can be asked, if the configuration is at fault.
    pub problem: Option<ProviderError>,
    /// What is known of models.
    pub catalogue: Catalogue,
    /// What is sent, and how.
    pub chat: ChatConfig,
    /// The network.
    pub http: Arc<Http>,
    /// Where keys are.
    pub vault: Vault,
    /// How the providers' counts of tokens compare to our estimates.
    pub calibration: Calibration,
    /// Which files of rules users were told of, not being sent.
    pub told_rules: Told,
    /// What chats are called.
    pub titles: Titles,
    /// The language of what is said.
    pub locale: Locale,
}

impl Settings {
    /// The settings of a chat with these rules, whose question goes to `asked`.
    pub fn of_chat(&self, asked: Option<&Target>, rules: &Rules) -> Self {
        let mut settings = self.clone();
        if let Some(target) = asked {
            settings.target = target.clone();
            settings.problem = None;
        }
        settings.chat.project_rules = rules.text();
        settings
    }
}
