//! Applies a configuration to the app: providers, settings, history, prompts, the model in use.

use std::sync::Arc;

use super::models::choice;
use super::models::default_model::Because;
use super::models::lists::Lists;
use super::{App, environment, gate};
use crate::chat::archive::Archive;
use crate::chat::budget::Calibration;
use crate::chat::notice::{self, Level, Notice};
use crate::chat::rules::Told;
use crate::chat::session::Settings;
use crate::config::{Config, ProxyConfig};
use crate::editor::protocol::PROTOCOL;
use crate::history::{self, Retention};
use crate::keys::userinfo;
use crate::keys::vault::Vault;
use crate::logging;
use crate::provider::catalogue::{self, Catalogue};
use crate::provider::registry::{Registry, Target};
use crate::provider::transport::Http;
use crate::words::{Locale, say};

impl App {
    /// Takes in a configuration: the first one, or another.
    pub(super) fn configure(&mut self, config: &Config) {
        if let Some(file) = &config.log_file
            && let Err(error) = logging::start(file, config.log_level.as_deref(), self.vault.redactor())
        {
            let (file, reason) = (file.display().to_string(), error.to_string());
            let title = say!(config.locale, "log.none", file = file, reason = reason);
            self.inform(Notice::new(Level::Warning, title, ""));
        }
        tracing::info!(version = env!("CARGO_PKG_VERSION"), "configured");
        self.open_archive(config);
        self.prompts = self.prompts.configured(config);
        self.registry = Arc::new(Registry::new(config, &environment));
        self.learn_addresses(config);
        gate::learn_variables(self.vault.redactor(), &self.registry, &environment);
        self.state_dir.clone_from(&config.state_dir);
        self.lists = Lists::new(config.cache_dir.clone());
        self.configured = Arc::new(config.providers.keys().cloned().collect());
        let earlier = || config.state_dir.as_deref().and_then(choice::read);
        let chosen = self.chosen.take().or_else(earlier);
        self.chosen = chosen.clone().filter(|name| self.registry.target(name).is_ok());
        let mut settings = settings_of(config, &self.registry, &self.vault, self.chosen.as_deref());
        settings.calibration = self.settings.borrow().calibration.clone();
        settings.told_rules = self.settings.borrow().told_rules.clone();
        if let Some(lost) = chosen.filter(|_| self.chosen.is_none()) {
            self.inform(choice::lost(&lost, config.locale));
        }
        if let Some(problem) = &settings.problem {
            self.inform(notice::of_error(
                problem,
                &settings.target.provider,
                &settings.target.model,
                config.locale,
            ));
        }
        self.settings.send_replace(Arc::new(settings));
        let (prompts, project) = (self.prompts.clone(), config.project.clone());
        tokio::spawn(async move { prompts.list(project).await });
        (self.because, self.here) = (Because::Named, None);
        if self.is_named() {
            self.show_model(false);
        } else {
            self.find_default();
        }
    }

    /// Tells where the plugin's Lua side is older or newer than this program, which happens after an update of one of
    /// them. A side that does not say its version is older than all versions that do not fit.
    pub(super) fn compare_protocols(&self, theirs: Option<u32>, locale: Locale) {
        if theirs.is_some_and(|theirs| theirs != PROTOCOL) {
            let title = say!(locale, "program.protocol", version = env!("CARGO_PKG_VERSION"));
            self.inform(Notice::new(
                Level::Error,
                title,
                say!(locale, "program.protocol_advice"),
            ));
        }
    }

    /// Takes names and passwords in addresses for the secrets that they are: of base URLs and of proxies.
    fn learn_addresses(&self, config: &Config) {
        self.learn_models(config);
        let bases = self.registry.providers().map(|provider| provider.base_url.clone());
        let proxy = match &config.network.proxy {
            Some(ProxyConfig::Address(address)) => Some(address.clone()),
            _ => None,
        };
        let variables = userinfo::PROXY_VARIABLES.iter().filter_map(|name| environment(name));
        for address in bases.chain(proxy).chain(variables) {
            let secrets = userinfo::secrets(&address);
            secrets.iter().for_each(|secret| self.vault.redactor().learn(secret));
        }
    }

    /// The names of models that the catalogue and the configuration have are no keys, also where they look so.
    fn learn_models(&self, config: &Config) {
        let redactor = self.vault.redactor();
        redactor.know_names(catalogue::ids());
        for name in config.models.keys().chain(&config.model) {
            let id = name.split_once('/').map_or("", |(_, id)| id);
            redactor.know_names([name.as_str(), id]);
        }
    }

    /// Opens the history that the configuration names, unless it is open.
    fn open_archive(&mut self, config: &Config) {
        let place = config.data_dir.as_ref().filter(|_| config.history.enabled);
        let kept = place.map(|place| (place.join(history::FILE_NAME), config.history.clone()));
        if self.kept == kept {
            return;
        }
        self.archive = match &kept {
            Some((file, options)) => {
                let retention = Retention {
                    days: options.days,
                    bytes: options.megabytes.map(|megabytes| megabytes.saturating_mul(1_000_000)),
                };
                Archive::open(file.clone(), retention, self.editor.clone(), config.locale)
            }
            None => Archive::none(),
        };
        self.kept = kept;
    }
}

/// Makes settings of a configuration. A model that cannot be asked is a problem that each turn reports; where none is
/// named, the guide stands in until another is found.
pub(super) fn settings_of(config: &Config, registry: &Registry, vault: &Vault, chosen: Option<&str>) -> Settings {
    let chosen = chosen.map(|name| registry.target(name));
    let (target, problem) = match chosen.or_else(|| registry.configured_target()) {
        Some(Ok(target)) => (target, None),
        Some(Err(problem)) => (
            Target::unknown(config.model.as_deref().unwrap_or_default()),
            Some(problem),
        ),
        None => (registry.offline().unwrap_or_else(|| Target::unknown("guide")), None),
    };
    let http = Arc::new(Http::new(config.network.clone()));
    Settings {
        target,
        problem,
        catalogue: Catalogue::new(config.models.clone()),
        chat: config.chat.clone(),
        http,
        vault: vault.clone(),
        calibration: Calibration::default(),
        told_rules: Told::default(),
        titles: config.history.titles,
        locale: config.locale,
    }
}
