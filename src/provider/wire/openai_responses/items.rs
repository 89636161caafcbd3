//! Classifies output items: a call that we are to answer, or something that is named.
//!
//! Facts: OpenAI's [API reference](https://platform.openai.com/docs/api-reference/responses/object) and recorded answers
//! (2025-09 to 2026-04).

use std::borrow::Cow;

use super::frame::Item;
use crate::provider::wire::unshown::Named;
use crate::provider::{Event, UnshownKind};

/// The name and the arguments of a call that whoever asked is to run, or to allow.
pub(super) fn asked<'a>(item: &'a Item<'_>) -> Option<(Cow<'a, str>, &'a str)> {
    let called = |name: &'static str, arguments: &'a str| Some((Cow::Borrowed(name), arguments));
    match item.kind.as_str() {
        "function_call" => Some((Cow::Borrowed(item.name.as_str()), &item.arguments.0)),
        "custom_tool_call" => Some((Cow::Borrowed(item.name.as_str()), &item.input.0)),
        "apply_patch_call" => called("apply_patch", &item.operation.0),
        "shell_call" => called("shell", &item.action.0),
        "local_shell_call" => called("local_shell", &item.action.0),
        "computer_call" if item.action.0.is_empty() => called("computer", &item.actions.0),
        "computer_call" => called("computer", &item.action.0),
        "mcp_approval_request" => {
            let name = format!("mcp_approval_request {}", of_server(item));
            Some((Cow::Owned(name), &item.arguments.0))
        }
        _ => None,
    }
}

/// Which of its ids a result must name.
pub(super) fn id<'a>(item: &'a Item<'_>) -> &'a str {
    match item.call_id.as_str() {
        "" if item.kind.as_str() != "function_call" => item.id.as_str(),
        id => id,
    }
}

/// Names what is neither said nor a call of ours.
pub(super) fn name(index: u64, item: &Item<'_>, named: &mut Named, out: &mut Vec<Event>) {
    let kind = item.kind.as_str();
    let key = match item.id.as_str() {
        "" => format!("{kind} {index}"),
        id => id.to_owned(),
    };
    match kind {
        "" | "message" | "reasoning" | "compaction" => {}
        // The results of calls, and of the question whether one is allowed: ours, or part of what the provider ran.
        _ if kind.ends_with("_output") || kind.ends_with("_response") => {}
        _ if asked(item).is_some() => {}
        "image_generation_call" => named.add(&key, UnshownKind::Image, "", out),
        "mcp_call" => named.add(&key, UnshownKind::Ran, &of_server(item), out),
        _ => match kind.strip_suffix("_call") {
            Some(tool) => named.add(&key, UnshownKind::Ran, tool, out),
            None if kind.starts_with("mcp_") => named.add(&key, UnshownKind::Ran, kind, out),
            None => named.add_type(&key, kind, "", out),
        },
    }
    let images = item.outputs.0.iter().filter(|output| output.0.kind.as_str() == "image");
    for (at, _) in images.enumerate() {
        named.add(&format!("{key} {at}"), UnshownKind::Image, "", out);
    }
}

fn of_server(item: &Item<'_>) -> String {
    match item.server_label.as_str() {
        "" => item.name.as_str().to_owned(),
        server => format!("{server}.{}", item.name.as_str()),
    }
}
