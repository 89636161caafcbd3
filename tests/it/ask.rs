//! Sentences about `require("gpt").ask`: a question of another plugin, without a chat.

use serde_json::json;

use crate::common::*;
use crate::support::answer::{Answer, Step};
use crate::support::nvim::Nvim;
use crate::support::server::Server;

/// `ask_it(name, messages, options)` keeps the events in `heard[name]`, and the handle in `handles[name]`.
const ASK: &str = "_G.heard, _G.handles = {}, {}
function _G.ask_it(name, messages, options)
  heard[name] = {}
  if type(messages) == 'string' then messages = { { role = 'user', content = messages } } end
  handles[name] = require('gpt').ask(messages, options, function(event)
    table.insert(heard[name], event)
  end)
end
function _G.text_of(name)
  return vim.iter(heard[name]):map(function(event) return event.type == 'text' and event.text or '' end):join('')
end
function _G.last_of(name)
  local last = heard[name][#heard[name]]
  return last and vim.list_contains({ 'done', 'failed', 'cut', 'stopped' }, last.type) and last
end";

async fn asking(server: &Server) -> Nvim {
    configured(server, "").init(ASK).start().await
}

/// Waits for the end; its type, and a field of it.
async fn end(nvim: &Nvim, name: &str, field: &str) -> (String, String) {
    nvim.wait_lua(&format!("return last_of('{name}')")).await;
    let code = format!("local last = last_of('{name}') return {{ last.type, tostring(last.{field}) }}");
    let told = nvim.lua_lines(&code, &[]).await;
    (told[0].clone(), told[1].clone())
}

#[tokio::test]
async fn an_answer_comes_in_pieces_and_ends_once_without_a_chat() {
    let server = Server::start([answer("one two three")]).await;
    let nvim = asking(&server).await;
    let messages = "{ { role = 'user', content = 'q1' }, { role = 'assistant', content = 'a1' },
        { role = 'user', content = 'q2' } }";
    let code = format!("ask_it('x', {messages}, {{ system = 'Be brief.', temperature = 0.5, max_tokens = 7 }})");
    nvim.lua(&code, &[]).await;
    assert_eq!(end(&nvim, "x", "finish").await, ("done".into(), "stop".into()));
    assert_eq!(nvim.lua_string("return text_of('x')", &[]).await, "one two three");
    assert_eq!(end(&nvim, "x", "model").await.1, "m1");
    assert_eq!(end(&nvim, "x", "provider").await.1, "test");
    let lasts = "return #vim.tbl_filter(function(e) return e.type ~= 'text' end, heard.x)";
    assert_eq!(nvim.lua_i64(lasts, &[]).await, 1);
    let body = server.next_request().await.json();
    assert_eq!(
        body["messages"],
        json!([
            { "role": "system", "content": "Be brief." },
            { "role": "user", "content": "q1" },
            { "role": "assistant", "content": "a1" },
            { "role": "user", "content": "q2" },
        ])
    );
    assert_eq!(body["temperature"], json!(0.5));
    assert!(body.to_string().contains(":7"), "{body}");
    let chats = "return #vim.tbl_filter(function(b)
        return vim.api.nvim_buf_get_name(b):find('gpt://', 1, true) end, vim.api.nvim_list_bufs())";
    assert_eq!(nvim.lua_i64(chats, &[]).await, 0);
    assert_eq!(events(&nvim).await, [""; 0]);
    assert_eq!(clean(&nvim).await, "");
}

#[tokio::test]
async fn a_failure_is_told_in_our_sentence() {
    let refused = Answer::json(
        401,
        &json!({ "error": { "message": "Incorrect API key", "code": "invalid_api_key" } }),
    );
    let server = Server::start([refused]).await;
    let nvim = asking(&server).await;
    nvim.lua("ask_it('x', 'why?')", &[]).await;
    let (how, error) = end(&nvim, "x", "error").await;
    assert_eq!(how, "failed");
    assert!(error.contains("Incorrect API key"), "{error}");
}

#[tokio::test]
async fn a_model_that_there_is_not_and_a_missing_key_fail_before_anything_is_sent() {
    let server = Server::start([answer("unasked")]).await;
    let nvim = asking(&server).await;
    nvim.lua("ask_it('x', 'why?', { model = 'tset/m1' })", &[]).await;
    let (how, error) = end(&nvim, "x", "error").await;
    assert_eq!(
        (how.as_str(), error.contains("There is no provider \"tset\".")),
        ("failed", true),
        "{error}"
    );
    assert!(error.contains("Did you mean \"test\"?"), "{error}");
    nvim.lua("ask_it('y', 'why?', { model = 'openai/gpt-6.1-sol' })", &[])
        .await;
    let (how, error) = end(&nvim, "y", "error").await;
    assert_eq!(
        (how.as_str(), error.contains(":GPTSetKey openai")),
        ("failed", true),
        "{error}"
    );
    assert!(server.requests().iter().all(|request| request.method != "POST"));
}

#[tokio::test]
async fn an_answer_that_is_stopped_closes_its_connection_and_nothing_more_comes() {
    let server = Server::start([answer("one two three").gate_before_token(1, "never")]).await;
    let nvim = asking(&server).await;
    nvim.lua("ask_it('x', 'why?')", &[]).await;
    nvim.wait_lua("return text_of('x') == 'one '").await;
    nvim.lua("handles.x:stop() handles.x:stop()", &[]).await;
    assert_eq!(end(&nvim, "x", "finish").await.0, "stopped");
    server.closed(0).await;
    assert_eq!(nvim.lua_i64("return #heard.x", &[]).await, 2);
}

#[tokio::test]
async fn an_answer_that_is_cut_says_so_with_the_providers_word() {
    let cut = Answer::sse(&[
        r#"{"choices":[{"index":0,"delta":{"content":"half"}}]}"#,
        r#"{"choices":[{"index":0,"delta":{},"finish_reason":"length"}]}"#,
        "[DONE]",
    ]);
    let broken = answer("one two three").cut_after_tokens(1, Step::Close);
    let server = Server::start([cut, broken]).await;
    let nvim = asking(&server).await;
    nvim.lua("ask_it('x', 'why?')", &[]).await;
    assert_eq!(end(&nvim, "x", "finish").await, ("cut".into(), "length".into()));
    assert!(end(&nvim, "x", "error").await.1.contains("limit of tokens"));
    nvim.lua("ask_it('y', 'why?')", &[]).await;
    let (how, _) = end(&nvim, "y", "error").await;
    assert!(how == "cut" || how == "failed", "{how}");
}

#[tokio::test]
async fn an_answer_ends_in_failed_when_the_program_is_killed() {
    let server = Server::start([answer("one two three").gate_before_token(1, "never"), answer("again")]).await;
    let nvim = asking(&server).await;
    nvim.lua("ask_it('x', 'why?')", &[]).await;
    nvim.wait_lua("return text_of('x') == 'one '").await;
    nvim.lua("vim.fn.jobstop(require('gpt.client').channel())", &[]).await;
    let (how, error) = end(&nvim, "x", "error").await;
    assert_eq!(how, "failed");
    assert!(error.contains("ended"), "{error}");
    nvim.lua("ask_it('y', 'and now?')", &[]).await;
    assert_eq!(end(&nvim, "y", "finish").await.0, "done");
}

#[tokio::test]
async fn two_are_asked_at_once_and_neither_waits_for_the_other() {
    let server = Server::start([answer("one two").gate_before_token(1, "first"), answer("three four")]).await;
    let nvim = asking(&server).await;
    nvim.lua("ask_it('x', 'why?')", &[]).await;
    nvim.wait_lua("return text_of('x') == 'one '").await;
    nvim.lua("ask_it('y', 'and?')", &[]).await;
    assert_eq!(end(&nvim, "y", "finish").await.0, "done");
    assert!(!nvim.lua_bool("return last_of('x') and true or false", &[]).await);
    server.open("first");
    assert_eq!(end(&nvim, "x", "finish").await.0, "done");
    assert_eq!(
        nvim.lua_string("return text_of('x') .. text_of('y')", &[]).await,
        "one twothree four"
    );
}

#[tokio::test]
async fn what_a_callback_raises_is_told_once_and_the_answer_goes_on() {
    let server = Server::start([answer("one two three")]).await;
    let nvim = asking(&server).await;
    let code = "_G.count = 0
        require('gpt').ask({ { role = 'user', content = 'why?' } }, {}, function(event)
          count = count + 1
          _G.ended = _G.ended or event.type == 'done'
          error('callback broke')
        end)";
    nvim.lua(code, &[]).await;
    nvim.wait_lua("return ended and count > 1").await;
    let told = nvim.messages().await;
    assert_eq!(told.matches("A plugin that asks").count(), 1, "{told}");
}

#[tokio::test]
async fn a_key_in_what_is_asked_is_asked_about_first() {
    let server = Server::start([answer("unasked")]).await;
    let nvim = asking(&server).await;
    let choosing = "vim.ui.select = function(items, options, choose) _G.asked = options.prompt choose(items[1], 1) end";
    nvim.lua(choosing, &[]).await;
    let key = format!("ghp_{}", "a1B2c3D4e5F6".repeat(3));
    nvim.lua("ask_it('x', 'What is ' .. ...)", &[text(&key)]).await;
    let (how, error) = end(&nvim, "x", "error").await;
    assert_eq!(
        (how.as_str(), error.contains("Nothing was sent")),
        ("failed", true),
        "{error}"
    );
    assert!(nvim.lua_bool("return asked ~= nil", &[]).await);
    assert!(server.requests().iter().all(|request| request.method != "POST"));
}

#[tokio::test]
async fn wrong_arguments_get_a_sentence_and_unknown_fields_the_name_that_is_near() {
    for (call, sentence) in [
        ("ask('why', {}, print)", "gpt.ask: messages: expected a list of"),
        ("ask({}, {}, print)", "gpt.ask: messages: expected a list of"),
        (
            "ask({ { role = 'robot', content = 'x' } }, {}, print)",
            "gpt.ask: messages: expected a list of",
        ),
        (
            "ask({ { role = 'user', content = 'x' } }, { modle = 'a/b' }, print)",
            "gpt.ask: modle: no such option.",
        ),
        (
            "ask({ { role = 'user', content = 'x' } }, { max_tokens = 1.5 }, print)",
            "gpt.ask: max_tokens: expected",
        ),
        (
            "ask({ { role = 'user', content = 'x' } }, {})",
            "gpt.ask: on_event: expected function",
        ),
        (
            "chat({ promtp = 'x' })",
            "gpt.chat: promtp: no such option. Did you mean \"prompt\"?",
        ),
        (
            "action('explain', { word = 'x' })",
            "gpt.action: word: no such option. Did you mean \"words\"?",
        ),
    ] {
        let nvim = unconfigured().start().await;
        nvim.lua(&format!("return require('gpt').{call}"), &[]).await;
        nvim.wait_screen_contains(sentence).await;
    }
}
