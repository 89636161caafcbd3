//! What the sentences about errors and selections have in common: configurations, recorded events, typed commands.

use std::fmt::Write as _;

use serde_json::Value as Json;

use crate::support::nvim::{Builder, Nvim};
use crate::support::server::Request;

/// Keeps every `User GPTAnswer…` event in a table.
const RECORD_EVENTS: &str = "
_G.answer_events = {}
vim.api.nvim_create_autocmd('User', { pattern = 'GPTAnswer*', callback = function(args)
  table.insert(_G.answer_events, args.match .. ' ' .. ((args.data or {}).error or ''))
end })";

/// The configuration of one provider, `work`, and its model `m`; `more` are further options of Lua.
pub fn work(base_url: &str, wire: &str, more: &str) -> String {
    format!(
        "{{ model = 'work/m', providers = {{ work = {{ base_url = '{base_url}', wire = '{wire}', key = false }} }}, {more} }}"
    )
}

/// A Neovim that records the events of answers.
pub fn recording() -> Builder {
    crate::nvim().init(RECORD_EVENTS)
}

/// The recorded events of this name, each with its error.
pub async fn events(nvim: &Nvim, name: &str) -> Vec<String> {
    let all = nvim.lua_lines("return _G.answer_events", &[]).await;
    all.into_iter()
        .filter_map(|event| Some(event.strip_prefix(name)?.trim_start().to_owned()))
        .collect()
}

/// What the screen says, without borders and without the line breaks that wrapping makes.
pub fn flat(screen: &str) -> String {
    let mut text = String::new();
    for row in screen.lines() {
        let row = row.trim_matches(|c: char| c.is_whitespace() || c == '│' || c == '~');
        if !row.is_empty() {
            write!(text, "{row} ").unwrap();
        }
    }
    text
}

/// Waits until the screen says this, across wrapped lines; the screen.
pub async fn says(nvim: &Nvim, words: &str) -> String {
    nvim.wait_screen(|screen| flat(screen).contains(words)).await
}

/// No error of Lua or Vim, and nothing that waits for a key, stands on this screen.
#[track_caller]
pub fn is_calm(screen: &str) {
    for mishap in [
        "E5108",
        "Press ENTER",
        "-- More --",
        "stack traceback",
        "Error executing",
    ] {
        assert!(!screen.contains(mishap), "{mishap} on the screen:\n{screen}");
    }
}

/// The lines of the last chat.
pub async fn chat_lines(nvim: &Nvim) -> Vec<String> {
    nvim.lua_lines(
        "return vim.api.nvim_buf_get_lines(require('gpt.chat.chats').current().buf, 0, -1, true)",
        &[],
    )
    .await
}

/// What was said in the request, oldest first, without the instructions.
pub fn said(request: &Request) -> Vec<String> {
    let body = request.json();
    let spoken = body.get("messages").or(body.get("input")).and_then(Json::as_array);
    spoken
        .unwrap_or_else(|| panic!("neither messages nor input: {body}"))
        .iter()
        .filter(|message| message["role"] != "system")
        .map(|message| message["content"].as_str().unwrap_or_default().to_owned())
        .collect()
}
