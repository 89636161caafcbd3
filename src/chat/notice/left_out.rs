//! Writes the notice about fields of a request that the server refused, and how to leave them out for good.

use super::{Level, Notice};
use crate::provider::registry::Provider;
use crate::words::{Locale, Text, text};

/// A server refused parameters, and was asked without.
pub(super) fn of_left_out(fields: &[String], provider: &Provider, model: &str, locale: Locale) -> Notice {
    let title = text!(
        "left_out.title",
        provider = &provider.label,
        fields = fields.join(", "),
        model = model,
    );
    let advice = leaving_out(fields, provider);
    Notice::new(Level::Warning, title.said(locale), advice.said(locale))
}

/// How to leave fields of the request out for good.
fn leaving_out(fields: &[String], provider: &Provider) -> Text {
    let name = &provider.name;
    let is_configured = |field: &String| {
        let top = field.split('.').next().unwrap_or(field);
        provider.params.contains_key(top)
    };
    if fields.iter().all(is_configured) {
        return text!("left_out.configured", name = name);
    }
    let nothing: Vec<String> = fields.iter().map(|field| assignment(field)).collect();
    let nothing = nothing.join(", ");
    match fields.iter().find_map(|field| option_of(field)) {
        Some(option) => text!("left_out.by_option", name = name, nothing = nothing, option = option),
        None => text!("left_out.by_params", name = name, nothing = nothing),
    }
}

/// The option that a field of the request's body comes from.
fn option_of(field: &str) -> Option<&'static str> {
    match field.rsplit('.').next().unwrap_or(field) {
        "temperature" => Some("chat.temperature"),
        "max_tokens" | "max_completion_tokens" | "max_output_tokens" | "maxOutputTokens" | "num_predict" => {
            Some("chat.max_tokens")
        }
        _ => None,
    }
}

/// The Lua that sets a field, given as a path with dots, to nothing.
fn assignment(field: &str) -> String {
    match field.split_once('.') {
        Some((outer, inner)) => format!("{outer} = {{ {} }}", assignment(inner)),
        None => format!("{field} = vim.NIL"),
    }
}
