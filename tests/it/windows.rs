//! Where a chat is shown, and what the view does: sentences that a new user would write.

use crate::common::{answer, clean, configured, ended, normal_mode, open, open_by, say, start, unconfigured};
use crate::support::answer::Answer;
use crate::support::server::Server;

const FLOATS: &str = "return #vim.tbl_filter(function(win)
  return vim.api.nvim_win_get_config(win).relative ~= ''
end, vim.api.nvim_list_wins())";

#[tokio::test]
async fn a_paragraph_higher_than_the_window_stays_in_view_to_its_end() {
    let words: Vec<String> = (0..600).map(|n| format!("word{n} ")).collect();
    let server = Server::start(answer(&format!("Short intro.\n\n{}end.", words.concat()))).await;
    let nvim = configured(&server, "").start().await;
    nvim.command("vertical GPTChat why").await;
    ended(&nvim, 1).await;
    let screen = nvim.wait_screen(|screen| screen.contains("end.")).await;
    assert!(screen.contains("word599") && screen.contains("## You"), "{screen}");
    clean(&nvim).await;
}

#[tokio::test]
async fn edit_does_not_empty_a_chat() {
    let (nvim, server) = start([answer("The answer."), answer("Another.")]).await;
    open(&nvim).await;
    say(&nvim, "Question").await;
    ended(&nvim, 1).await;
    normal_mode(&nvim).await;
    nvim.command("edit").await;
    nvim.wait_screen_contains("The answer.").await;
    nvim.command("edit!").await;
    nvim.wait_screen_contains("The answer.").await;
    // Its messages are still messages.
    nvim.feed("GA").await;
    say(&nvim, "Next").await;
    ended(&nvim, 2).await;
    let sent = server.requests()[1].json().to_string();
    assert!(
        sent.contains("Question") && sent.contains("The answer.") && sent.contains("Next"),
        "{sent}"
    );
    clean(&nvim).await;
}

#[tokio::test]
async fn a_new_chat_takes_the_float_of_the_one_that_it_was_opened_from() {
    let (nvim, _server) = start(Vec::<Answer>::new()).await;
    open(&nvim).await;
    for _ in 0..3 {
        open_by(&nvim, "GPTChat!").await;
    }
    assert_eq!(nvim.lua_i64(FLOATS, &[]).await, 1);
    normal_mode(&nvim).await;
    nvim.feed("q").await;
    nvim.wait_lua(&format!("return (function() {FLOATS} end)() == 0")).await;
    clean(&nvim).await;
}

#[tokio::test]
async fn a_layout_that_is_asked_for_moves_the_chat_there() {
    let (nvim, _server) = start(Vec::<Answer>::new()).await;
    open(&nvim).await;
    nvim.command("vertical GPTChat").await;
    assert_eq!(nvim.lua_i64(FLOATS, &[]).await, 0);
    assert_eq!(nvim.lua_i64("return vim.fn.winnr('$')", &[]).await, 2);
    // Back in a float, the bar of the split does not come along.
    normal_mode(&nvim).await;
    nvim.feed("q").await;
    nvim.wait_lua("return vim.fn.winnr('$') == 1").await;
    nvim.command("GPTChat").await;
    assert_eq!(nvim.lua_string("return vim.wo.winbar", &[]).await, "");
    clean(&nvim).await;
}

#[tokio::test]
async fn the_help_is_not_opened_below_the_float() {
    let (nvim, _server) = start(Vec::<Answer>::new()).await;
    open(&nvim).await;
    normal_mode(&nvim).await;
    nvim.command("help help").await;
    nvim.wait_lua(&format!("return (function() {FLOATS} end)() == 0")).await;
    assert_eq!(nvim.lua_string("return vim.bo.filetype", &[]).await, "help");
    clean(&nvim).await;
}

#[tokio::test]
async fn a_missing_program_is_seen_on_the_screen() {
    let nvim = unconfigured().config("{ binary = '/nowhere/gpt-nvim' }").start().await;
    nvim.feed(":GPTChat<CR>").await;
    nvim.wait_screen_contains("✗ There is no program at /nowhere/gpt-nvim.")
        .await;
    let nvim = unconfigured().config("{ binary = '/nowhere/gpt-nvim' }").start().await;
    nvim.feed(":GPTSetKey openai<CR>").await;
    nvim.wait_screen_contains("There is no program at /nowhere/gpt-nvim.")
        .await;
}

#[tokio::test]
async fn the_keys_that_go_to_messages_are_motions_for_operators_too() {
    let (nvim, _server) = start(answer("The answer.")).await;
    open(&nvim).await;
    say(&nvim, "Question").await;
    ended(&nvim, 1).await;
    normal_mode(&nvim).await;
    nvim.feed("\"ay[[").await;
    nvim.wait_lua("return vim.fn.getreg('a'):find('## You', 1, true) ~= nil")
        .await;
    let yanked = nvim.lua_string("return vim.fn.getreg('a')", &[]).await;
    assert!(!yanked.contains("The answer."), "{yanked}");
    clean(&nvim).await;
}

#[tokio::test]
async fn a_narrow_window_has_a_shorter_footer_and_not_a_mangled_one() {
    let (nvim, _server) = {
        let server = Server::start(Vec::<Answer>::new()).await;
        (configured(&server, "").size(50, 16).start().await, server)
    };
    open(&nvim).await;
    let screen = nvim.wait_screen_contains("g? keys").await;
    assert!(screen.contains("<C-s> send"), "{screen}");
    clean(&nvim).await;
}

#[tokio::test]
async fn a_stop_in_a_hidden_chat_does_not_say_that_the_answer_is_there() {
    let (nvim, _server) = start(Answer::chat_tokens(&["one ", "two"]).gate_before_token(1, "more")).await;
    open(&nvim).await;
    say(&nvim, "Question").await;
    nvim.wait_screen_contains("one").await;
    normal_mode(&nvim).await;
    nvim.feed("q").await;
    nvim.feed(":GPT stop<CR>").await;
    ended(&nvim, 1).await;
    let said = clean(&nvim).await;
    assert!(!said.contains("The answer is there."), "{said}");
}
