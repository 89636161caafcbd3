//! What stands beside the text of an answer: facts in its heading, tools, sources, refusals; and folds.

use serde_json::json;

use crate::common::*;
use crate::reasoning::chunk;
use crate::support::answer::Answer;
use crate::support::nvim::Nvim;
use crate::support::server::Server;

fn sse(payloads: &[String]) -> Answer {
    Answer::sse(&payloads.iter().map(String::as_str).collect::<Vec<_>>())
}

fn finish(reason: &str) -> [String; 2] {
    let end = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}],
        "usage": {"prompt_tokens": 1200, "completion_tokens": 34}});
    [end.to_string(), "[DONE]".to_owned()]
}

/// An answer with a call of a tool, and one with sources; each is cut by the gate `on` after its first word.
fn with_tool() -> Answer {
    let call = json!({"tool_calls": [{"index": 0, "id": "c1", "type": "function",
        "function": {"name": "search", "arguments": "{\"q\":\"x\"}"}}]});
    let mut payloads = vec![chunk(&json!({"content": "Wait"})), chunk(&call)];
    payloads.extend(finish("tool_calls"));
    sse(&payloads).gate_before_token(1, "on")
}

fn with_sources() -> Answer {
    let mut first: serde_json::Value = serde_json::from_str(&chunk(&json!({"content": "It is so [1]"}))).unwrap();
    first["search_results"] = json!([{"title": "A page", "url": "https://a.example/page"}]);
    let mut payloads = vec![first.to_string(), chunk(&json!({"content": "."}))];
    payloads.extend(finish("stop"));
    sse(&payloads).gate_before_token(1, "on")
}

fn refusing() -> Answer {
    let mut payloads = vec![
        chunk(&json!({"refusal": "I cannot"})),
        chunk(&json!({"refusal": " help."})),
    ];
    payloads.extend(finish("stop"));
    sse(&payloads).gate_before_token(1, "on")
}

async fn asked(first: Answer) -> (Nvim, Server) {
    let (nvim, server) = start([first, answer("again"), answer("third")]).await;
    open(&nvim).await;
    say(&nvim, "hi").await;
    (nvim, server)
}

async fn groups_at(nvim: &Nvim, text: &str) -> Vec<String> {
    nvim.lua_lines(
        "local text = ...
        for row, line in ipairs(vim.api.nvim_buf_get_lines(chat_buffer(), 0, -1, true)) do
          local col = line:find(text, 1, true)
          if col then
            return vim.tbl_map(function(mark) return mark.opts.hl_group or '' end,
              vim.inspect_pos(chat_buffer(), row - 1, col, { treesitter = false, syntax = false }).extmarks)
          end
        end
        return { 'not there' }",
        &[crate::common::text(text)],
    )
    .await
}

#[tokio::test]
async fn a_tool_that_the_model_asks_for_is_shown_below_its_words_and_not_sent() {
    let (nvim, server) = asked(with_tool()).await;
    chat_holds(&nvim, "Wait").await;
    server.open("on");
    ended(&nvim, 1).await;
    let shown = "Wait\n\n**Tool call: search**\n\n```json\n{\n  \"q\": \"x\"\n}\n```";
    assert_eq!(
        chat_lines(&nvim).await,
        transcript(&[("You", "hi"), ("test/m1", shown)])
    );
    assert!(groups_at(&nvim, "\"q\"").await.contains(&"GPTToolCall".to_owned()));
    say(&nvim, "go on").await;
    ended(&nvim, 2).await;
    let sent = [("user", "hi"), ("assistant", "Wait"), ("user", "go on")];
    assert_eq!(conversation(&server.requests()[1]), said(&sent));
    clean(&nvim).await;
}

#[tokio::test]
async fn sources_are_links_below_the_answer_that_are_not_sent() {
    let (nvim, server) = asked(with_sources()).await;
    chat_holds(&nvim, "It is so").await;
    server.open("on");
    ended(&nvim, 1).await;
    let shown = "It is so [1].\n\n**Sources**\n\n- [A page](https://a.example/page)";
    assert_eq!(
        chat_lines(&nvim).await,
        transcript(&[("You", "hi"), ("test/m1", shown)])
    );
    assert!(groups_at(&nvim, "A page").await.contains(&"GPTLink".to_owned()));
    let urls = "return vim.tbl_map(function(mark) return mark[4].url or '' end, vim.api.nvim_buf_get_extmarks(
        chat_buffer(), vim.api.nvim_get_namespaces()['gpt.links'], 0, -1, { details = true }))";
    assert_eq!(nvim.lua_lines(urls, &[]).await, ["https://a.example/page"]);
    say(&nvim, "go on").await;
    ended(&nvim, 2).await;
    let sent = [("user", "hi"), ("assistant", "It is so [1]."), ("user", "go on")];
    assert_eq!(conversation(&server.requests()[1]), said(&sent));
    clean(&nvim).await;
}

#[tokio::test]
async fn one_undo_takes_an_answer_with_its_sources_and_redo_leaves_them_unsent() {
    let (nvim, server) = asked(with_sources()).await;
    chat_holds(&nvim, "It is so").await;
    server.open("on");
    ended(&nvim, 1).await;
    normal_mode(&nvim).await;
    nvim.feed("u").await;
    nvim.wait_lines(0, |lines| lines == transcript(&[("You", "hi")])).await;
    nvim.feed("<C-r>").await;
    chat_holds(&nvim, "**Sources**").await;
    nvim.feed("GAgo on<Esc><CR>").await;
    ended(&nvim, 2).await;
    let sent = [("user", "hi"), ("assistant", "It is so [1]."), ("user", "go on")];
    assert_eq!(conversation(&server.requests()[1]), said(&sent));
    clean(&nvim).await;
}

#[tokio::test]
async fn sources_come_back_with_their_branch() {
    let (nvim, server) = asked(with_sources()).await;
    chat_holds(&nvim, "It is so").await;
    server.open("on");
    ended(&nvim, 1).await;
    normal_mode(&nvim).await;
    nvim.feed("gr").await;
    ended(&nvim, 2).await;
    nvim.feed("[b").await;
    chat_holds(&nvim, "**Sources**").await;
    nvim.feed("GAgo on<Esc><CR>").await;
    ended(&nvim, 3).await;
    let sent = [("user", "hi"), ("assistant", "It is so [1]."), ("user", "go on")];
    assert_eq!(conversation(&server.requests()[2]), said(&sent));
    clean(&nvim).await;
}

#[tokio::test]
async fn a_refusal_has_its_own_colour_while_it_streams_and_is_part_of_the_conversation() {
    let (nvim, server) = asked(refusing()).await;
    chat_holds(&nvim, "I cannot").await;
    assert!(groups_at(&nvim, "I cannot").await.contains(&"GPTRefusal".to_owned()));
    server.open("on");
    ended(&nvim, 1).await;
    assert!(groups_at(&nvim, "help.").await.contains(&"GPTRefusal".to_owned()));
    say(&nvim, "go on").await;
    ended(&nvim, 2).await;
    let sent = [("user", "hi"), ("assistant", "I cannot help."), ("user", "go on")];
    assert_eq!(conversation(&server.requests()[1]), said(&sent));
    clean(&nvim).await;
}

#[tokio::test]
async fn a_heading_says_time_tokens_and_cost_at_its_right_edge() {
    let server = Server::start([refusing()]).await;
    let more = "models = { ['test/m1'] = { input = 1, output = 10 } }";
    let nvim = configured(&server, more).start().await;
    open(&nvim).await;
    say(&nvim, "hi").await;
    chat_holds(&nvim, "I cannot").await;
    server.open("on");
    ended(&nvim, 1).await;
    let screen = nvim.wait_screen_contains("1.2k tokens · $0.0015").await;
    let heading = screen.lines().find(|line| line.contains("## test/m1")).unwrap();
    let time = heading.split(" · ").next().unwrap().trim_end();
    assert!(time[time.len() - 3..].starts_with(':'), "{heading}");
}

#[tokio::test]
async fn facts_give_way_to_the_heading_in_a_narrow_window_and_come_back_in_a_wide_one() {
    let server = Server::start([refusing()]).await;
    let more = "models = { ['test/m1'] = { input = 1, output = 10 } }, chat = { width = 30 }";
    let nvim = configured(&server, more).start().await;
    open(&nvim).await;
    say(&nvim, "hi").await;
    chat_holds(&nvim, "I cannot").await;
    server.open("on");
    ended(&nvim, 1).await;
    let screen = nvim.wait_screen_contains("## test/m1").await;
    assert!(!screen.contains('$'), "{screen}");
    nvim.feed("<Esc>:vertical GPTChat<CR><Esc>:only<CR>").await;
    nvim.wait_screen_contains("1.2k tokens · $0.0015").await;
}

#[tokio::test]
async fn zc_folds_a_message_to_its_first_words_while_an_answer_streams() {
    let (nvim, server) = start([answer("one two"), answer("three four").gate_before_token(1, "on")]).await;
    open(&nvim).await;
    say(&nvim, "what is it").await;
    ended(&nvim, 1).await;
    say(&nvim, "and then").await;
    chat_holds(&nvim, "three").await;
    normal_mode(&nvim).await;
    nvim.feed("ggzcjzc").await;
    nvim.wait_screen_contains("You · what is it").await;
    nvim.wait_screen_contains("test/m1 · one two").await;
    nvim.feed("G2[[zc").await;
    nvim.wait_screen_contains("test/m1 · three").await;
    server.open("on");
    ended(&nvim, 2).await;
    nvim.feed("G2[[zc").await;
    nvim.wait_screen_contains("test/m1 · three four").await;
    nvim.feed("zR").await;
    nvim.wait_screen_contains("what is it").await;
    clean(&nvim).await;
}

#[tokio::test]
async fn folds_are_there_in_a_second_window_and_after_undo_and_redo() {
    let (nvim, _server) = start([answer("one two")]).await;
    open(&nvim).await;
    say(&nvim, "what is it").await;
    ended(&nvim, 1).await;
    normal_mode(&nvim).await;
    nvim.feed("uu<C-r><C-r>").await;
    chat_holds(&nvim, "one two").await;
    nvim.feed("ggzc").await;
    nvim.wait_screen_contains("You · what is it").await;
    nvim.feed("q:vertical GPTChat<CR><Esc>ggjjjjzc").await;
    nvim.wait_screen_contains("test/m1 · one two").await;
    clean(&nvim).await;
}
