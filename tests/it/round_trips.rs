//! What a question costs between editor and program: how many notifications one way, and requests the other way, until its
//! answer begins. No key waits for any of them.

use crate::common::*;
use crate::support::nvim::Nvim;
use crate::support::server::Server;
use crate::undo_steps::with_file;

/// Keeps what the program is told (`told`), which operations it asks for (`asked`), and whatever waits (`waited`). The
/// pieces of answers and what has nothing to do with a question are left out.
const COUNTED: &str = "
local client, operations = require('gpt.client'), require('gpt.client.operations')
_G.told, _G.asked, _G.waited = {}, {}, {}
local notify, apply, ask = client.notify, operations.apply, client.ask
client.notify = function(event)
  local beside = { looked = true, prompts_wanted = true }
  if not beside[event.event] then told[#told + 1] = event.event end
  return notify(event)
end
operations.apply = function(name, data)
  local beside = { append = true, end_turn = true, show_model = true, answered = true, inform = true }
  if not beside[name] and data.act ~= 'prompts' then asked[#asked + 1] = name end
  return apply(name, data)
end
client.ask = function(...)
  waited[#waited + 1] = 'ask'
  return ask(...)
end
for _, name in ipairs({ 'rpcrequest', 'wait' }) do
  local waits = vim[name]
  vim[name] = function(...)
    waited[#waited + 1] = name
    return waits(...)
  end
end
return true";

/// A chat with one answer, whose editor counts from now on.
async fn counted(answers: usize) -> (Nvim, Server, crate::support::nvim::Home) {
    let script = (0..answers).map(|n| answer(&format!("answer {n}"))).collect();
    let (nvim, server, home) = with_file("alpha\n", script).await;
    say(&nvim, "first").await;
    ended(&nvim, 1).await;
    nvim.lua(COUNTED, &[]).await;
    (nvim, server, home)
}

/// What was counted until `n` turns had ended.
async fn cost(nvim: &Nvim, n: usize) -> (Vec<String>, Vec<String>) {
    ended(nvim, n).await;
    assert_eq!(nvim.lua_lines("return waited", &[]).await, Vec::<String>::new());
    let (told, asked) = (
        nvim.lua_lines("return told", &[]).await,
        nvim.lua_lines("return asked", &[]).await,
    );
    nvim.lua(
        "for _, list in ipairs({ told, asked }) do for n = #list, 1, -1 do list[n] = nil end end",
        &[],
    )
    .await;
    (told, asked)
}

fn names(list: &[&str]) -> Vec<String> {
    list.iter().map(|name| (*name).to_owned()).collect()
}

#[tokio::test]
async fn a_question_costs_one_notification_and_one_request() {
    let (nvim, _server, _home) = counted(3).await;
    say(&nvim, "second").await;
    assert_eq!(cost(&nvim, 2).await, (names(&["sent"]), names(&["begin_turn"])));
    normal_mode(&nvim).await;
    nvim.feed(":GPTChat third<CR>").await;
    assert_eq!(cost(&nvim, 3).await, (names(&["sent"]), names(&["begin_turn"])));
    clean(&nvim).await;
}

#[tokio::test]
async fn a_question_with_context_words_costs_one_notification_and_two_requests() {
    let (nvim, _server, _home) = counted(3).await;
    say(&nvim, "see #file:a.txt").await;
    let found = (names(&["context_wanted"]), names(&["context_found", "begin_turn"]));
    assert_eq!(cost(&nvim, 2).await, found);
    // An earlier one that was changed, too.
    normal_mode(&nvim).await;
    nvim.feed("gg/see<CR>A again<Esc><CR>").await;
    assert_eq!(cost(&nvim, 3).await, found);
    clean(&nvim).await;
}

#[tokio::test]
async fn an_action_costs_one_notification_and_two_requests() {
    let (nvim, _server, _home) = counted(2).await;
    normal_mode(&nvim).await;
    nvim.feed(":GPT explain what alpha is<CR>").await;
    let (told, asked) = cost(&nvim, 2).await;
    assert_eq!(told, names(&["action_requested"]));
    assert_eq!(asked, names(&["act", "begin_turn"]));
    clean(&nvim).await;
}

#[tokio::test]
async fn a_question_that_waits_costs_no_more_than_another() {
    let gated = answer("one two").gate_before_token(1, "on");
    let (nvim, server, _home) = with_file("alpha\n", vec![gated, answer("three"), answer("four")]).await;
    say(&nvim, "first").await;
    chat_holds(&nvim, "one").await;
    nvim.lua(COUNTED, &[]).await;
    say(&nvim, "second").await;
    say(&nvim, "third").await;
    server.open("on");
    let twice = (names(&["sent", "sent"]), names(&["begin_turn", "begin_turn"]));
    assert_eq!(cost(&nvim, 3).await, twice);
    clean(&nvim).await;
}

#[tokio::test]
async fn a_question_sent_before_another_branch_is_shown_is_asked_for_anew_once() {
    let (nvim, server, _home) = counted(3).await;
    normal_mode(&nvim).await;
    nvim.feed("gr").await;
    cost(&nvim, 2).await;
    nvim.lua(
        "local chat = require('gpt.chat.chats').current()
        require('gpt.chat.sending').switch_branch(chat, -1)
        require('gpt.chat.sending').ask(chat, 'and then?')",
        &[],
    )
    .await;
    let (told, asked) = cost(&nvim, 3).await;
    assert_eq!(told, names(&["branch_switched", "sent"]));
    assert_eq!(asked, names(&["show_branch", "ask_anew", "begin_turn"]));
    let sent = [("user", "first"), ("assistant", "answer 0"), ("user", "and then?")];
    assert_eq!(conversation(&server.requests()[2]), said(&sent));
    clean(&nvim).await;
}
