//! Choosing a model from a list: the models of all connected providers, as far as they are known now. Newer lists are
//! fetched beside, for the next time.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::lists::{self, Lists, State};
use super::table::{self, Row};
use crate::app::dialog::Dialog;
use crate::chat::session::Settings;
use crate::keys::KeySource;
use crate::provider::catalogue::models::{self, Listed};
use crate::provider::catalogue::{Catalogue, has_ended};
use crate::provider::registry::{Provider, Registry};
use crate::words::{Locale, say};

/// How long a server on this machine has to say that it is there.
const PROBE_LIMIT: Duration = Duration::from_millis(200);
/// How long the keyring has to say whether there is a key, before its provider counts as not connected.
const LOOK_LIMIT: Duration = Duration::from_millis(500);
/// How long completion looks for connected providers before it takes all of them.
const COMPLETION_LIMIT: Duration = Duration::from_millis(200);

/// All that choosing a model takes. Cheap to clone.
#[derive(Clone)]
pub struct Picking {
    pub dialog: Dialog,
    pub registry: Arc<Registry>,
    pub settings: Arc<Settings>,
    pub lists: Lists,
    /// The providers that the user configured.
    pub configured: Arc<BTreeSet<String>>,
}

/// A line of the list.
enum Entry<'a> {
    /// A model.
    Model(Box<Row>),
    /// What is to be said about a provider's list; to choose it is to fetch the list.
    Remark(&'a Provider, String),
}

impl Picking {
    /// Lets the user choose; `None` if they choose nothing.
    pub async fn pick(&self, refresh: bool) -> Option<String> {
        let connected = self.connected().await;
        if refresh {
            join_all(connected.iter().map(|provider| self.fetch(provider))).await;
        } else {
            self.fetch_old(&connected);
        }
        let locale = self.settings.locale;
        loop {
            let entries = self.entries(&connected).await;
            let lines = lines(&entries, locale);
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            let prompt = say!(locale, "model.prompt", day = Catalogue::date());
            match entries.get(self.dialog.choose(prompt, &lines).await?)? {
                Entry::Model(row) => return Some(row.name.clone()),
                Entry::Remark(provider, _) if self.lists.is_old(provider).await || self.has_failed(provider) => {
                    self.fetch(provider).await;
                }
                Entry::Remark(..) => {}
            }
        }
    }

    /// The names of the models, for completion: at once, from what is known.
    pub async fn names(&self) -> Vec<String> {
        let connected = timeout(COMPLETION_LIMIT, self.connected()).await;
        let connected = connected.unwrap_or_else(|_| self.registry.providers().collect());
        self.fetch_old(&connected);
        let entries = self.entries(&connected).await;
        let name = |entry| match entry {
            Entry::Model(row) => Some(row.name),
            Entry::Remark(..) => None,
        };
        entries.into_iter().filter_map(name).collect()
    }

    fn has_failed(&self, provider: &Provider) -> bool {
        self.lists.known(provider).is_some_and(|state| state.failure.is_some())
    }

    async fn fetch(&self, provider: &Provider) {
        if !provider.offline {
            self.lists
                .fetch(provider, &self.settings.http, &self.settings.vault)
                .await;
        }
    }

    /// Fetches, beside, the lists that are old.
    fn fetch_old(&self, providers: &[&Provider]) {
        for provider in providers {
            let (picking, provider) = (self.clone(), (*provider).clone());
            tokio::spawn(async move {
                if picking.lists.is_old(&provider).await {
                    picking.fetch(&provider).await;
                }
            });
        }
    }

    /// The providers that can be asked: the one in use first, the guide last.
    async fn connected(&self) -> Vec<&Provider> {
        let providers: Vec<&Provider> = self.registry.providers().collect();
        let able = join_all(providers.iter().map(|provider| self.is_connected(provider))).await;
        let mut connected: Vec<&Provider> = providers
            .into_iter()
            .zip(able)
            .filter_map(|(provider, able)| able.then_some(provider))
            .collect();
        connected.sort_by_key(|provider| (provider.offline, !self.is_current(provider)));
        connected
    }

    async fn is_connected(&self, provider: &Provider) -> bool {
        if provider.offline || self.is_current(provider) {
            return true;
        }
        let needs_no_key = matches!(provider.key, KeySource::None | KeySource::Usual { required: false, .. });
        if needs_no_key && self.configured.contains(&provider.name) {
            return true;
        }
        if needs_no_key && is_here(&provider.host()) {
            return answers(&provider.host()).await;
        }
        let environment = |name: &str| std::env::var(name).ok();
        let look = self.settings.vault.look(&provider.name, &provider.key, &environment);
        matches!(timeout(LOOK_LIMIT, look).await, Ok(Ok(Some(_))))
    }

    fn is_current(&self, provider: &Provider) -> bool {
        self.settings.target.provider.name == provider.name
    }

    async fn entries<'a>(&self, providers: &[&'a Provider]) -> Vec<Entry<'a>> {
        let today = models::today();
        let mut entries = Vec::new();
        for provider in providers {
            let state = self.lists.state(provider).await;
            let mut rows = self.rows(provider, &state, &today);
            rows.sort_by_key(|row| has_ended(row.facts.ends.as_deref(), &today));
            entries.extend(rows.into_iter().map(|row| Entry::Model(Box::new(row))));
            let remark = remark(provider, &state, self.settings.locale);
            entries.extend(remark.map(|text| Entry::Remark(provider, text)));
        }
        entries
    }

    /// The models of a provider: its own list, else the catalogue's; with the one in use, and those that stay
    /// selectable.
    fn rows(&self, provider: &Provider, state: &State, today: &str) -> Vec<Row> {
        let plain = |id: String| Listed {
            id,
            ..Listed::default()
        };
        let catalogue = &self.settings.catalogue;
        let (mut listed, more) = match &state.kept {
            _ if provider.offline => (Vec::new(), provider.default_model.clone().into_iter().collect()),
            Some(kept) => (
                models::for_chat(provider, kept.models.clone()),
                catalogue.kept(provider),
            ),
            None => (Vec::new(), catalogue.models(provider, today)),
        };
        let current = self.is_current(provider).then(|| self.settings.target.model.clone());
        let mut seen: BTreeSet<String> = listed.iter().map(|model| model.id.clone()).collect();
        let more = more.into_iter().chain(current).filter(|id| seen.insert(id.clone()));
        listed.extend(more.map(plain));
        listed.into_iter().map(|model| self.row(provider, model)).collect()
    }

    fn row(&self, provider: &Provider, model: Listed) -> Row {
        let mut facts = self.settings.catalogue.facts(provider, &model.id);
        // What the server says of its own model's end comes before our table.
        facts.ends = model.ends.or(facts.ends);
        Row {
            name: format!("{}/{}", provider.name, model.id),
            current: self.is_current(provider) && self.settings.target.model == model.id,
            facts,
            offline: provider.offline,
        }
    }
}

/// What is to be said about a provider's list: that it failed, or that it has yet to come.
fn remark(provider: &Provider, state: &State, locale: Locale) -> Option<String> {
    let name = &provider.name;
    let said = match (&state.failure, &state.kept) {
        _ if provider.offline => return None,
        (Some(error), _) => {
            let reason = lists::reason(error, locale);
            say!(locale, "model.list_failed", provider = name, reason = reason)
        }
        (None, None) => say!(locale, "model.list_coming", provider = name),
        (None, Some(_)) => return None,
    };
    Some(format!("  {said}"))
}

/// The entries as texts; the columns of the models in line.
fn lines(entries: &[Entry<'_>], locale: Locale) -> Vec<String> {
    let rows: Vec<Row> = entries
        .iter()
        .filter_map(|entry| match entry {
            Entry::Model(row) => Some(Row::clone(row)),
            Entry::Remark(..) => None,
        })
        .collect();
    let mut texts = table::texts(&rows, &models::today(), locale).into_iter();
    let line = |entry: &Entry<'_>| match entry {
        Entry::Model(_) => texts.next().unwrap_or_default(),
        Entry::Remark(_, text) => text.clone(),
    };
    entries.iter().map(line).collect()
}

/// Whether a host, perhaps with a port, is this machine.
pub(super) fn is_here(host: &str) -> bool {
    ["localhost:", "127.0.0.1:", "[::1]:"]
        .iter()
        .any(|here| host.starts_with(here))
}

/// Whether somebody listens there.
async fn answers(host: &str) -> bool {
    matches!(timeout(PROBE_LIMIT, TcpStream::connect(host)).await, Ok(Ok(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_server_on_this_machine_is_found_when_it_listens() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        assert!(is_here(&host) && answers(&host).await);
        drop(listener);
        assert!(!answers(&host).await);
        assert!(!is_here("127.0.0.1.example.com:80"));
    }
}
