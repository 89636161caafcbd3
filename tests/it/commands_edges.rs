//! Commands, maps and the program at their edges: keys that must not be seen, sub-folders, a program that is killed.

use crate::common::*;
use crate::history::{TOLD, exchanges, program, was_told};
use crate::support::nvim::Home;
use crate::support::server::Server;
use crate::support::{process, wait};

const KEY: &str = "sk-proj-abcdefghijklmnopqrstuvwx";

#[tokio::test]
async fn a_key_typed_where_an_action_belongs_is_not_repeated() {
    let (nvim, _server) = start(Vec::<crate::support::answer::Answer>::new()).await;
    nvim.feed(&format!(":GPT {KEY}<CR>")).await;
    nvim.wait_screen_contains(":GPT does not know that.").await;
    let traces = "return vim.inspect({ vim.fn.execute('messages'), vim.fn.execute('history all') })";
    let traces = nvim.lua_string(traces, &[]).await;
    assert!(!traces.contains(KEY) && !nvim.screen().contains(KEY), "{traces}");
}

#[tokio::test]
async fn a_typed_key_is_not_in_the_file_that_verbose_writes() {
    let home = Home::new();
    let server = Server::start(Vec::new()).await;
    let nvim = configured(&server, "").home(&home).start().await;
    let file = home.path().join("verbose.txt");
    nvim.feed(":GPT log<CR>q").await;
    nvim.lua("require('gpt.client').warm()", &[]).await;
    nvim.command(&format!("set verbosefile={} verbose=15", file.display()))
        .await;
    // What the dialog does with what was typed; short, since Vim cuts what is long.
    let short = "sk-0123456789";
    let entered =
        "require('gpt.client').notify({ event = 'key_entered', provider = 'openai', ticket = 99, key = ... })";
    nvim.lua(entered, &[text(short)]).await;
    nvim.lua(
        "require('gpt.client').notify({ event = 'looked', chat = 'a-chat' })",
        &[],
    )
    .await;
    nvim.command("set verbose=0 verbosefile=").await;
    let written = std::fs::read_to_string(&file).unwrap();
    assert!(written.contains("a-chat"), "other events are written:\n{written}");
    assert!(!written.contains(short), "{written}");
}

#[tokio::test]
async fn who_asks_a_program_that_is_killed_is_told_so() {
    let (nvim, _server) = start([answer("one")]).await;
    exchanges(&nvim, &["hi"]).await;
    let pid = program(&nvim).await;
    // SIGSTOP: what is asked now is not answered any more.
    let stopped = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    rustix::process::kill_process(stopped, rustix::process::Signal::STOP).unwrap();
    let ask = "require('gpt.client').question('models', {}, function(answer) _G.replied = answer == nil end)";
    nvim.lua(ask, &[]).await;
    assert!(nvim.lua_bool("return replied == nil", &[]).await);
    process::kill9(pid);
    nvim.wait_lua("return replied == true").await;
}

#[tokio::test]
async fn the_project_of_a_folder_within_a_repository_is_the_repository() {
    let home = Home::new();
    let root = home.path().join("home/project");
    let below = root.join("src/deep");
    std::fs::create_dir_all(&below).unwrap();
    std::fs::create_dir_all(root.join(".git")).unwrap();
    let server = Server::start(Vec::new()).await;
    let nvim = configured(&server, "").home(&home).directory(&below).start().await;
    let project = nvim.lua_string("return require('gpt.project').root()", &[]).await;
    assert_eq!(
        std::fs::canonicalize(project).unwrap(),
        std::fs::canonicalize(&root).unwrap()
    );
}

#[tokio::test]
async fn without_a_name_a_chat_is_exported_to_a_file_of_its_own_name() {
    let (home, server) = (Home::new(), Server::start([answer("one")]).await);
    let nvim = configured(&server, "").home(&home).init(TOLD).start().await;
    exchanges(&nvim, &["hi"]).await;
    let id = nvim
        .lua_string("return require('gpt.chat.chats').current().id", &[])
        .await;
    nvim.feed(":GPT export<CR>").await;
    was_told(&nvim, "Written to").await;
    let file = home.path().join(format!("home/{id}.md"));
    wait::until("the file is there", || file.exists()).await;
    assert!(std::fs::read_to_string(file).unwrap().contains("one"));
}

#[tokio::test]
async fn a_plug_map_that_the_user_has_made_is_left_alone() {
    let server = Server::start(Vec::new()).await;
    let maps = "vim.keymap.set('n', '<Plug>(gpt-model)', '<Cmd>let g:mine = 1<CR>')
      vim.keymap.set({ 'n', 'x' }, '<Plug>(gpt-explain)', '<Cmd>let g:mine = 2<CR>')
      vim.keymap.set('n', 'gc', '<Plug>(gpt-chat)') vim.keymap.set('n', 'gm', '<Plug>(gpt-model)')
      vim.keymap.set({ 'n', 'x' }, 'ge', '<Plug>(gpt-explain)')";
    let nvim = configured(&server, "").init(maps).start().await;
    nvim.feed("gc").await;
    nvim.wait_lua("return vim.bo.filetype == 'gptchat'").await;
    nvim.feed("<Esc>:wincmd p<CR>").await;
    nvim.wait_lua("return vim.bo.filetype ~= 'gptchat' and vim.fn.mode() == 'n'")
        .await;
    nvim.feed("gm").await;
    nvim.wait_lua("return vim.g.mine == 1").await;
    nvim.feed("Vge<Esc>").await;
    nvim.wait_lua("return vim.g.mine == 2").await;
    clean(&nvim).await;
}

#[tokio::test]
async fn an_interrupt_in_another_window_stops_no_answer() {
    let server = Server::start([answer("one two").gate_before_token(1, "on")]).await;
    let nvim = configured(&server, "chat = { layout = 'vertical' }").start().await;
    open(&nvim).await;
    say(&nvim, "hi").await;
    chat_holds(&nvim, "one").await;
    nvim.feed("<Esc><C-w>p").await;
    nvim.wait_lua("return vim.bo.filetype ~= 'gptchat' and vim.fn.mode() == 'n'")
        .await;
    nvim.lua("vim.api.nvim_feedkeys('\\3', 'nt', false)", &[]).await;
    nvim.feed("ix<Esc>").await;
    nvim.wait_lua("return vim.api.nvim_get_current_line() == 'x'").await;
    server.open("on");
    ended(&nvim, 1).await;
    assert_eq!(events(&nvim).await, ["GPTAnswerStarted", "GPTAnswerDone"]);
    clean(&nvim).await;
}

#[tokio::test]
async fn who_waits_for_an_answer_sees_for_how_long() {
    let (nvim, server) = start([answer("one").gate_before_token(0, "on")]).await;
    open(&nvim).await;
    say(&nvim, "hi").await;
    nvim.wait_screen_contains("waiting 1 s").await;
    server.open("on");
    ended(&nvim, 1).await;
}
