//! The one place that all text passes on its way out: a question is looked over for secrets, whatever put it together (context
//! words, a selection, an action, what was pasted), and the user is asked about what looks as if it held some. What they have
//! let pass once, passes.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};
use tokio::task::spawn_blocking;

use super::dialog::Dialog;
use super::environment;
use crate::context::quoted::{self, Part};
use crate::context::secrets::{self, Sign};
use crate::keys::vault::Vault;
use crate::keys::{KeySource, Redactor, Secret};
use crate::provider::registry::{Provider, Registry};
use crate::visible;
use crate::words::{Locale, Text, say, text};

/// How many names are shown in a sentence.
const NAMES_SHOWN: usize = 5;
/// A question of at most so many bytes, without code in it, is looked over at once.
const SHORT: usize = 64 * 1024;
/// How many texts are remembered that were let pass.
const MOST_PASSED: usize = 10_000;

/// The texts that were let pass, by their hashes. Clones share them.
#[derive(Clone, Default)]
pub struct Passed(Arc<Mutex<HashSet<[u8; 32]>>>);

impl Passed {
    fn has(&self, text: &str) -> bool {
        let passed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        passed.contains(&hash(text))
    }

    /// Lets a text pass from now on.
    pub fn add(&self, text: &str) {
        let mut passed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if passed.len() >= MOST_PASSED {
            passed.clear();
        }
        passed.insert(hash(text));
    }
}

/// Blank lines at either end do not make another text.
fn hash(text: &str) -> [u8; 32] {
    Sha256::digest(text.trim()).into()
}

/// Looks texts over, and asks. Cheap to clone.
#[derive(Clone)]
pub struct Gate {
    pub dialog: Dialog,
    pub vault: Vault,
    pub registry: Arc<Registry>,
    pub passed: Passed,
    pub locale: Locale,
}

impl Gate {
    /// Whether texts may leave without being looked over any further: they are short, quote no code, and show no sign.
    pub fn passes_at_once(&self, texts: &[String]) -> bool {
        let length: usize = texts.iter().map(String::len).sum();
        let redactor = self.vault.redactor();
        let is_plain = |text: &String| !text.contains("```") && !text.contains("~~~");
        length <= SHORT
            && texts.iter().all(is_plain)
            && texts.iter().all(|text| secrets::sign([], text, redactor).is_none())
    }

    /// Whether these texts of a user's may go to a provider: asks about those that look as if they held secrets.
    pub async fn lets_out(&self, texts: Vec<String>, root: Option<PathBuf>, provider: &Provider) -> bool {
        self.know_keys(Some(provider)).await;
        let (passed, redactor) = (self.passed.clone(), self.vault.redactor().clone());
        let looked = spawn_blocking(move || {
            let untold = texts.into_iter().filter(|text| !passed.has(text));
            untold
                .map(|text| (suspects(&text, root.as_deref(), &passed, &redactor), text))
                .collect::<Vec<_>>()
        });
        let Ok(looked) = looked.await else { return false };
        let suspects: Vec<&(Part, Sign)> = looked.iter().flat_map(|(suspects, _)| suspects).collect();
        if !suspects.is_empty() {
            let names = self.listed(suspects.iter().map(|(part, sign)| suspect(&part.name, *sign)));
            let question = say!(self.locale, "gate.question", files = names);
            if self.ask(question, &[text!("context.send_it")]).await.is_none() {
                return false;
            }
            suspects.iter().for_each(|(part, _)| self.passed.add(&part.text));
        }
        looked.iter().for_each(|(_, text)| self.passed.add(text));
        true
    }

    /// Makes known what keys there are: those in the variables of the providers, those that the keyring gives without a
    /// password, and of the provider that is asked also what its command prints, which is run for the request anyway.
    pub async fn know_keys(&self, asked: Option<&Provider>) {
        learn_variables(self.vault.redactor(), &self.registry, &environment);
        let stored = |provider: &&Provider| matches!(provider.key, KeySource::Usual { .. });
        let names = self
            .registry
            .providers()
            .filter(stored)
            .map(|provider| provider.name.clone());
        self.vault.learn_stored(names.collect()).await;
        if let Some(provider) = asked.filter(|provider| matches!(provider.key, KeySource::Command(_))) {
            let found = self
                .vault
                .credentials(&provider.name, &provider.key, &environment, || {});
            found.await.ok();
        }
    }

    /// Asks the user; the first choice is always to send nothing. Returns which of the others they chose.
    pub async fn ask(&self, question: String, answers: &[Text]) -> Option<usize> {
        let mut choices = vec![say!(self.locale, "context.send_nothing")];
        choices.extend(answers.iter().map(|answer| answer.said(self.locale)));
        let choices: Vec<&str> = choices.iter().map(String::as_str).collect();
        self.dialog.choose(question, &choices).await?.checked_sub(1)
    }

    /// A list, cut where it is long.
    pub fn listed(&self, names: impl ExactSizeIterator<Item = Text>) -> String {
        let more = names.len().saturating_sub(NAMES_SHOWN);
        let shown: Vec<String> = names.take(NAMES_SHOWN).map(|name| name.said(self.locale)).collect();
        let shown = shown.join(", ");
        match more {
            0 => shown,
            more => say!(self.locale, "context.and_more", names = shown, count = more),
        }
    }
}

/// What looks as if it held secrets, in words: `a.pem (by its name)`, or for what has no name `a key`.
pub fn suspect(name: &str, sign: Sign) -> Text {
    match name {
        "" => sign.said(),
        name => text!("context.suspect", name = visible::name(name), sign = sign.said()),
    }
}

/// Takes the keys in the providers' variables out of texts from now on: they may not have been used yet.
pub fn learn_variables(redactor: &Redactor, registry: &Registry, environment: &dyn Fn(&str) -> Option<String>) {
    let variables = registry.providers().flat_map(|provider| match &provider.key {
        KeySource::Variable(name) => vec![name],
        KeySource::Usual { variables, .. } => variables.iter().collect(),
        KeySource::None | KeySource::Command(_) => Vec::new(),
    });
    for secret in variables.filter_map(|name| Secret::new(environment(name)?).ok()) {
        redactor.learn(&secret);
    }
}

/// The parts of a question that look as if they held secrets, and were not let pass. Links are looked at by both names.
fn suspects(question: &str, root: Option<&Path>, passed: &Passed, redactor: &Redactor) -> Vec<(Part, Sign)> {
    let suspicious = |part: Part| {
        let real = part
            .names
            .iter()
            .filter_map(|name| root?.join(name).canonicalize().ok());
        let real: Vec<String> = real.map(|path| path.to_string_lossy().into_owned()).collect();
        let names = part.names.iter().chain(&real).map(String::as_str);
        let sign = secrets::sign(names, &part.text, redactor)?;
        (!passed.has(&part.text)).then_some((part, sign))
    };
    quoted::parts(question).into_iter().filter_map(suspicious).collect()
}
