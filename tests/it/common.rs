//! What the sentences about the chat share: an editor that knows a scripted provider, and what a reader would look at.

use rmpv::Value;
use serde_json::Value as Json;

use crate::support::answer::Answer;
use crate::support::nvim::{Builder, Client, Nvim};
use crate::support::server::{Request, Script, Server};

/// Keeps every `User` autocommand of the plugin in the Lua global `seen`.
const SEEN: &str = "_G.seen = {}
vim.api.nvim_create_autocmd('User', { pattern = 'GPT*', callback = function(event)
  seen[#seen + 1] = { name = event.match, data = event.data or vim.empty_dict() }
end })
function _G.ends()
  return #vim.tbl_filter(function(event) return event.name:find('^GPTAnswer[DFS][a-z]+$') and event.name ~= 'GPTAnswerStarted' end, seen)
end
function _G.chat_buffer(n)
  local found = vim.tbl_filter(function(b) return vim.startswith(vim.api.nvim_buf_get_name(b), 'gpt://chat/') end, vim.api.nvim_list_bufs())
  return found[n or #found]
end";

/// An editor whose `model` is `test/m1` at this server; `more` are further entries of `vim.g.gpt`.
pub fn configured(server: &Server, more: &str) -> Builder {
    let url = server.url();
    crate::nvim().init(SEEN).config(format!(
        "{{ model = 'test/m1', providers = {{ test = {{ base_url = '{url}/v1' }} }}, {more} }}"
    ))
}

/// An editor without a provider, and with its events kept.
pub fn unconfigured() -> Builder {
    crate::nvim().init(SEEN)
}

/// A server with this script, and an editor that knows it.
pub async fn start(script: impl Into<Script>) -> (Nvim, Server) {
    let server = Server::start(script).await;
    let nvim = configured(&server, "").start().await;
    (nvim, server)
}

/// A scripted answer of Chat Completions, one token for each word.
pub fn answer(text: &str) -> Answer {
    let tokens: Vec<&str> = text.split_inclusive(' ').collect();
    Answer::chat_tokens(&tokens)
}

/// What `:checkhealth gpt` reports.
pub async fn report(nvim: &Nvim) -> String {
    // Typed: a notice that comes meanwhile would be the error of a command by RPC.
    nvim.feed("<C-\\><C-n>:checkhealth gpt<CR>").await;
    nvim.wait_lua("return vim.bo.filetype == 'checkhealth' and vim.fn.search('gpt.nvim: configuration', 'nw') > 0")
        .await;
    nvim.lines(0).await.join("\n")
}

/// Opens the chat by `:GPTChat`, with the cursor in its prompt.
#[track_caller]
pub fn open(nvim: &Nvim) -> impl Future<Output = ()> {
    open_by(nvim, "GPTChat")
}

/// Opens the chat by a command.
#[track_caller]
pub fn open_by<'a>(nvim: &'a Nvim, command: &str) -> impl Future<Output = ()> + 'a {
    let keys = format!(":{command}<CR>");
    let shown = nvim.wait_lua("return vim.bo.filetype == 'gptchat' and vim.fn.mode() == 'i'");
    async move {
        nvim.feed(&keys).await;
        shown.await;
    }
}

/// Types into the prompt, where the cursor is in insert mode, and sends.
pub async fn say(nvim: &Nvim, text: &str) {
    let keys = text.replace('<', "<lt>").replace('\n', "<CR>");
    nvim.feed(&format!("{keys}<C-s>")).await;
}

/// Waits until `n` turns have ended on the screen.
#[track_caller]
pub fn ended(nvim: &Client, n: usize) -> impl Future<Output = ()> + use<'_> {
    wait(nvim, format!("return ends() >= {n}"))
}

/// Waits until this Lua is true; a failure names the caller's place.
#[track_caller]
pub fn wait(nvim: &Client, code: String) -> impl Future<Output = ()> + use<'_> {
    let at = std::panic::Location::caller();
    async move {
        nvim.wait_lua(&format!("{code} -- {at}")).await;
    }
}

/// Waits until normal mode is on.
pub async fn normal_mode(nvim: &Nvim) {
    nvim.feed("<Esc>").await;
    nvim.wait_lua("return vim.fn.mode() == 'n'").await;
}

/// The names of the events so far.
pub async fn events(nvim: &Client) -> Vec<String> {
    nvim.lua_lines("return vim.tbl_map(function(event) return event.name end, seen)", &[])
        .await
}

/// The buffer of the newest chat.
pub async fn chat_buffer(nvim: &Client) -> i64 {
    nvim.lua_i64("return chat_buffer()", &[]).await
}

/// The lines of the newest chat.
pub async fn chat_lines(nvim: &Client) -> Vec<String> {
    let buffer = chat_buffer(nvim).await;
    nvim.lines(buffer).await
}

/// Waits until the newest chat holds this text.
#[track_caller]
pub fn chat_holds<'a>(nvim: &'a Nvim, text: &str) -> impl Future<Output = ()> + use<'a> {
    let quoted = serde_json::to_string(text).expect("a string is JSON");
    let code = format!(
        "return table.concat(vim.api.nvim_buf_get_lines(chat_buffer(), 0, -1, true), '\\n'):find({quoted}, 1, true)"
    );
    wait(nvim, code)
}

/// The lines of a chat with these messages, by heading and text, and a prompt with this draft.
pub fn transcript_with(said: &[(&str, &str)], draft: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for (heading, text) in said {
        lines.push(format!("## {heading}"));
        lines.push(String::new());
        lines.extend(text.split('\n').map(str::to_owned));
        lines.push(String::new());
    }
    lines.extend(["## You".to_owned(), String::new()]);
    lines.extend(draft.split('\n').map(str::to_owned));
    lines
}

/// The lines of a chat with these messages and an empty prompt.
pub fn transcript(said: &[(&str, &str)]) -> Vec<String> {
    transcript_with(said, "")
}

/// Role and text of each message that a Chat Completions request holds, instructions left out.
#[track_caller]
pub fn conversation(request: &Request) -> Vec<(String, String)> {
    let body = request.json();
    let messages = body["messages"].as_array().expect("messages").iter();
    let text = |value: &Json| value.as_str().expect("a string").to_owned();
    messages
        .filter(|message| message["role"] != "system")
        .map(|message| (text(&message["role"]), text(&message["content"])))
        .collect()
}

/// `conversation`'s result, written shortly.
pub fn said(messages: &[(&str, &str)]) -> Vec<(String, String)> {
    messages
        .iter()
        .map(|(role, text)| ((*role).to_owned(), (*text).to_owned()))
        .collect()
}

/// Everything that `vim.notify` and errors have said; panics if there was an error of Lua or Vim script.
#[track_caller]
pub fn clean(nvim: &Nvim) -> impl Future<Output = String> + '_ {
    let at = std::panic::Location::caller();
    async move {
        let messages = nvim.messages().await;
        for sign in [
            "E5108",
            "stack traceback",
            "Error executing",
            "Error detected",
            "Lua callback",
        ] {
            assert!(!messages.contains(sign), "{at}: {sign} in\n{messages}");
            assert!(!nvim.screen().contains(sign), "{at}: {sign} on\n{}", nvim.screen());
        }
        messages.trim().to_owned()
    }
}

/// A Lua string as an argument.
pub fn text(value: &str) -> Value {
    Value::from(value)
}
