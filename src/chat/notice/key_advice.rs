//! Writes the advice how to give a provider its key, or another one, by where its key comes from.

use super::{Level, Notice};
use crate::keys::KeySource;
use crate::provider::registry::Provider;
use crate::words::{Locale, Text, say, text};

/// How to give a provider its first key.
pub(super) fn no_key(provider: &Provider) -> Text {
    let name = &provider.name;
    match &provider.key {
        KeySource::Usual { variables, .. } if !variables.is_empty() => {
            text!("key.set_or_variable", name = name, variable = any_of(variables))
        }
        KeySource::Variable(variable) if variable.is_empty() => no_variable(provider),
        KeySource::Variable(variable) => text!("key.set_variable", variable = variable),
        KeySource::None => text!("key.switched_off", name = name),
        KeySource::Command(_) | KeySource::Usual { .. } => text!("key.set", name = name),
    }
}

/// Names of which any one will do: `A or B`.
pub fn any_of(names: &[String]) -> Text {
    let joined = |first: Text, second: &String| text!("view.or", first = first, second = second);
    match names.split_first() {
        Some((first, others)) => others.iter().fold(first.into(), joined),
        None => "".into(),
    }
}

/// The configuration names a variable by what is no name; it may be the key itself.
pub fn no_variable(provider: &Provider) -> Text {
    text!("key.no_variable", name = &provider.name)
}

/// How to give a provider another key.
pub(super) fn new_key(provider: &Provider) -> Text {
    let name = &provider.name;
    let correct = match &provider.key {
        KeySource::Variable(variable) => text!("key.correct_variable", variable = variable),
        KeySource::Command(_) => text!("key.correct_command"),
        KeySource::Usual { variables, .. } => match variables.iter().find(|name| std::env::var_os(name).is_some()) {
            Some(variable) => text!("key.came_from", variable = variable),
            None => text!("key.set_another", name = name),
        },
        KeySource::None => text!("key.set_another", name = name),
    };
    match provider.keys_page {
        Some(page) => text!("key.and_page", correct = correct, page = page),
        None => correct,
    }
}

pub(super) fn wrong_organization(provider: &Provider) -> Text {
    let name = &provider.name;
    match provider.has_organizations {
        true => text!("key.organization", name = name),
        false => text!("key.organization_configured", name = name),
    }
}

/// The keyring takes so long that it must be waiting for a person.
pub fn keyring_waits(locale: Locale) -> Notice {
    Notice::new(
        Level::Info,
        say!(locale, "keyring.waits"),
        say!(locale, "keyring.waits_advice"),
    )
}
