//! The program behind the plugin: started, registered, spoken to, lost, replaced; and the configuration that it runs by.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::common::*;
use crate::support::nvim::{Builder, Home, Nvim};
use crate::support::server::Server;
use crate::support::{process, wait};

/// Keeps what `vim.notify` is told in the Lua global `told`, away from the screen.
const TOLD: &str = "_G.told = {}
vim.notify = function(text, level) told[#told + 1] = ('%d %s'):format(level or 2, text) end";

async fn told(nvim: &Nvim) -> Vec<String> {
    nvim.lua_lines("return told", &[]).await
}

/// The pid of the program behind an editor; waits for it.
async fn program(nvim: &Nvim) -> u32 {
    nvim.wait_lua("local r = package.loaded['gpt.client']; return r and r.channel()")
        .await;
    let pid = nvim
        .lua_i64("return vim.fn.jobpid(require('gpt.client').channel())", &[])
        .await;
    u32::try_from(pid).unwrap()
}

// Startup -------------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn nothing_is_loaded_or_started_with_the_editor() {
    let nvim = crate::nvim().start().await;
    let loaded =
        "return vim.tbl_filter(function(name) return name:find('^gpt') ~= nil end, vim.tbl_keys(package.loaded))";
    assert!(nvim.lua_lines(loaded, &[]).await.is_empty());
    assert!(nvim.children().is_empty());
    for command in ["GPTChat", "GPT"] {
        assert!(
            nvim.lua_bool("return vim.fn.exists(':' .. ...) == 2", &[text(command)])
                .await,
            "{command}"
        );
    }
    // Where maps can be looked at, all are there.
    nvim.feed(":<Esc>").await;
    for mode in ["n", "x"] {
        for plug in ["<Plug>(gpt-chat)", "<Plug>(gpt-stop)"] {
            let mapped = "local lhs, mode = ...; return vim.fn.maparg(lhs, mode, false, true).lhs ~= nil";
            assert!(
                nvim.lua_bool(mapped, &[text(plug), text(mode)]).await,
                "{plug} in mode {mode}"
            );
        }
    }
    let others = "return vim.tbl_filter(function(lhs) return lhs ~= '' end, vim.tbl_map(function(map)
        return (map.desc or ''):find('^GPT') and not map.lhs:find('^<Plug>') and map.lhs or ''
    end, vim.api.nvim_get_keymap('n')))";
    assert!(nvim.lua_lines(others, &[]).await.is_empty());
}

#[tokio::test]
async fn the_plug_map_and_the_prefix_open_the_chat() {
    let server = Server::start(Vec::new()).await;
    let nvim = configured(&server, "keymaps = { prefix = '<leader>a' }")
        .init("vim.g.mapleader = ' '; vim.keymap.set('n', '<F2>', '<Plug>(gpt-chat)')")
        .start()
        .await;
    for keys in ["<F2>", "<Space>ac"] {
        nvim.feed(keys).await;
        nvim.wait_lua("return vim.bo.filetype == 'gptchat' and vim.fn.mode() == 'i'")
            .await;
        normal_mode(&nvim).await;
        nvim.feed("q").await;
        nvim.wait_lua("return vim.bo.filetype ~= 'gptchat'").await;
    }
    nvim.command("call setline(1, ['one', 'two', 'three'])").await;
    nvim.feed("Vj<Space>ac").await;
    nvim.wait_lua("return vim.bo.filetype == 'gptchat'").await;
    chat_holds(&nvim, "```\none\ntwo\n```").await;
    clean(&nvim).await;
}

#[tokio::test]
async fn the_action_command_completes_and_names_what_it_knows() {
    let (nvim, _server) = start(Vec::new()).await;
    let all = nvim
        .lua_lines("return vim.fn.getcompletion('GPT ', 'cmdline')", &[])
        .await;
    assert!(
        all.contains(&"stop".to_owned()) && all.contains(&"log".to_owned()),
        "{all:?}"
    );
    assert!(all.is_sorted());
    assert_eq!(
        nvim.lua_lines("return vim.fn.getcompletion('GPT sto', 'cmdline')", &[])
            .await,
        ["stop"]
    );
    let abbreviated = "return vim.fn.getcompletion(\"vertical '<,'>GPT sto\", 'cmdline')";
    assert_eq!(nvim.lua_lines(abbreviated, &[]).await, ["stop"]);
    nvim.lua(TOLD, &[]).await;
    for (command, named) in [("GPT nonsense", "\"nonsense\""), ("GPT", "what to do")] {
        nvim.command(command).await;
        let told = told(&nvim).await;
        let last = told.last().expect("a message");
        assert!(
            last.contains(named) && last.contains("log") && last.contains("stop"),
            "{told:?}"
        );
    }
}

// Remote plugin -------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn the_program_is_a_registered_remote_plugin() {
    let (nvim, _server) = start(Vec::new()).await;
    open(&nvim).await;
    program(&nvim).await;
    if nvim
        .lua_bool("return vim.fn.exists(':UpdateRemotePlugins') == 2", &[])
        .await
    {
        assert_eq!(
            nvim.lua_i64("return vim.fn['remote#host#IsRunning']('gpt')", &[]).await,
            1
        );
        assert_eq!(nvim.lua_i64("return vim.fn.exists('*GPTEvent')", &[]).await, 1);
    }
    let specs = "return vim.iter(vim.rpcrequest(require('gpt.client').channel(), 'specs'))
        :map(function(s) return ('%s %s %s'):format(s.type, s.name, s.sync) end):totable()";
    assert_eq!(nvim.lua_lines(specs, &[]).await, ["function GPTEvent false"]);
    let version = nvim
        .lua_string("return vim.rpcrequest(require('gpt.client').channel(), 'version')", &[])
        .await;
    assert_eq!(version, env!("CARGO_PKG_VERSION"));
}

#[tokio::test]
async fn a_request_that_the_program_does_not_know_is_refused_and_harms_nothing() {
    let (nvim, _server) = start(answer("there")).await;
    open(&nvim).await;
    program(&nvim).await;
    let refused = nvim
        .try_lua(
            "return vim.rpcrequest(require('gpt.client').channel(), 'nonsense')",
            &[],
        )
        .await
        .unwrap_err();
    assert!(refused.contains("no method nonsense"), "{refused}");
    nvim.lua(
        "vim.rpcnotify(require('gpt.client').channel(), 'gpt_event', { event = 'nonsense' }, 1)",
        &[],
    )
    .await;
    nvim.lua("vim.rpcnotify(require('gpt.client').channel(), 'nonsense')", &[])
        .await;
    say(&nvim, "hi").await;
    ended(&nvim, 1).await;
}

#[tokio::test]
async fn remote_plugins_are_updated_without_an_error() {
    let (nvim, _server) = start(answer("there")).await;
    if !nvim
        .lua_bool("return vim.fn.exists(':UpdateRemotePlugins') == 2", &[])
        .await
    {
        return;
    }
    // Where Neovim writes its list of remote plugins; under --clean it does not say.
    let place = "vim.fn.mkdir(vim.fn.stdpath('data'), 'p')
        vim.g.loaded_remote_plugins = vim.fn.stdpath('data') .. '/rplugin.vim'";
    nvim.lua(place, &[]).await;
    let update = "return vim.api.nvim_exec2('UpdateRemotePlugins', { output = true }).output";
    for registered in [false, true] {
        let said = nvim.lua_string(update, &[]).await;
        assert!(
            said.contains("generated rplugin manifest") && !said.contains("Vim("),
            "{said}"
        );
        let written = nvim
            .lua_lines("return vim.fn.readfile(vim.g.loaded_remote_plugins)", &[])
            .await;
        assert_eq!(written.contains(&"\" gpt plugins".to_owned()), registered);
        open(&nvim).await;
        program(&nvim).await;
        normal_mode(&nvim).await;
    }
    nvim.feed("i").await;
    say(&nvim, "hi").await;
    ended(&nvim, 1).await;
}

// The program dies ----------------------------------------------------------------------------------------------------

#[tokio::test]
async fn a_program_killed_in_the_middle_of_an_answer_is_replaced_and_nothing_is_forgotten() {
    let server = Server::start([
        answer("first"),
        answer("one two").gate_before_token(1, "never"),
        answer("third"),
    ])
    .await;
    let nvim = configured(&server, "").init(TOLD).start().await;
    open(&nvim).await;
    say(&nvim, "a").await;
    ended(&nvim, 1).await;
    say(&nvim, "b").await;
    nvim.wait_screen_contains("one").await;
    nvim.feed("a draft").await;
    chat_holds(&nvim, "a draft").await;
    let killed = program(&nvim).await;
    process::kill9(killed);
    ended(&nvim, 2).await;
    nvim.wait_screen_contains("The program behind gpt.nvim ended in the middle of the answer.")
        .await;
    assert_eq!(events(&nvim).await.last().unwrap(), "GPTAnswerFailed");
    let kept = [("You", "a"), ("test/m1", "first"), ("You", "b"), ("test/m1", "one ")];
    assert_eq!(chat_lines(&nvim).await, transcript_with(&kept, "a draft"));
    nvim.wait_lua("return #told > 0").await;
    assert_eq!(
        told(&nvim).await,
        ["4 gpt-nvim ended (signal 9). Chats are kept; it starts again."]
    );
    assert_eq!(
        nvim.lua_string("return require('gpt').status().state", &[]).await,
        "off"
    );
    nvim.feed("<C-s>").await;
    ended(&nvim, 3).await;
    assert_ne!(program(&nvim).await, killed);
    assert_eq!(
        conversation(&server.requests()[2]),
        said(&[
            ("user", "a"),
            ("assistant", "first"),
            ("user", "b"),
            ("assistant", "one"),
            ("user", "a draft")
        ])
    );
    chat_holds(&nvim, "## test/m1\n\nthird").await;
    assert_eq!(told(&nvim).await.len(), 1);
    clean(&nvim).await;
}

#[tokio::test]
async fn a_program_killed_while_idle_is_replaced_at_the_next_question() {
    let (nvim, server) = start([answer("first"), answer("second")]).await;
    open(&nvim).await;
    say(&nvim, "a").await;
    ended(&nvim, 1).await;
    process::kill9(program(&nvim).await);
    nvim.wait_screen_contains("ended (signal 9)").await;
    nvim.feed("<CR>").await;
    nvim.wait_lua("return not require('gpt.client').is_running() and vim.fn.mode() == 'i'")
        .await;
    say(&nvim, "b").await;
    ended(&nvim, 2).await;
    assert_eq!(
        conversation(&server.requests()[1]),
        said(&[("user", "a"), ("assistant", "first"), ("user", "b")])
    );
}

/// Lua for the notice that stands in the chat, as one line of text; empty if there is none.
const PLACED: &str = "(function()
  local marks = vim.api.nvim_buf_get_extmarks(chat_buffer(), vim.api.nvim_create_namespace('gpt.notice'), 0, -1, { details = true })
  local words = {}
  for _, mark in ipairs(marks) do
    for _, line in ipairs(mark[4].virt_lines or {}) do
      words[#words + 1] = vim.trim(line[1][1])
    end
  end
  return vim.trim(table.concat(words, ' '))
end)()";

fn signal(pid: u32, signal: Signal) {
    let pid = Pid::from_raw(pid.cast_signed()).unwrap();
    kill_process(pid, signal).unwrap();
}

#[tokio::test]
async fn a_question_by_command_that_a_dying_program_did_not_take_comes_back_into_the_prompt() {
    let (nvim, _server) = start(Vec::new()).await;
    open(&nvim).await;
    nvim.wait_lua("return require('gpt').status().model").await;
    let stopped = program(&nvim).await;
    signal(stopped, Signal::STOP);
    normal_mode(&nvim).await;
    nvim.feed(":GPTChat a long question<CR>").await;
    nvim.wait_lua("return vim.fn.mode() == 'n'").await;
    process::kill9(stopped);
    nvim.wait_screen_contains("Your question is back in the prompt").await;
    assert_eq!(chat_lines(&nvim).await, transcript_with(&[], "a long question"));
    clean(&nvim).await;
}

#[tokio::test]
async fn a_question_is_shown_as_it_was_sent_and_what_is_typed_meanwhile_stays_in_the_prompt() {
    let (nvim, server) = start(answer("there")).await;
    open(&nvim).await;
    nvim.wait_lua("return require('gpt').status().model").await;
    let stopped = program(&nvim).await;
    signal(stopped, Signal::STOP);
    say(&nvim, "first").await;
    nvim.feed(" more").await;
    chat_holds(&nvim, "first\n\n## You\n\n more").await;
    signal(stopped, Signal::CONT);
    ended(&nvim, 1).await;
    let shown = [("You", "first"), ("test/m1", "there")];
    assert_eq!(chat_lines(&nvim).await, transcript_with(&shown, " more"));
    assert_eq!(conversation(&server.requests()[0]), said(&[("user", "first")]));
    nvim.feed("!").await;
    chat_holds(&nvim, "more!").await;
    clean(&nvim).await;
}

/// What is said when this is the program; the prompt must stay as it was typed.
async fn said_about(binary: &Path) -> Vec<String> {
    let nvim = unconfigured().binary(binary).start().await;
    open(&nvim).await;
    nvim.wait_lua(&format!("return {PLACED} ~= ''")).await;
    let first = nvim.lua_string(&format!("return {PLACED}"), &[]).await;
    nvim.wait_screen_contains(&first.chars().take(16).collect::<String>())
        .await;
    nvim.feed("a question").await;
    chat_holds(&nvim, "a question").await;
    nvim.lua(
        "vim.api.nvim_buf_clear_namespace(chat_buffer(), vim.api.nvim_create_namespace('gpt.notice'), 0, -1)",
        &[],
    )
    .await;
    nvim.feed("<C-s>").await;
    nvim.wait_lua(&format!("return {PLACED} ~= ''")).await;
    let second = nvim.lua_string(&format!("return {PLACED}"), &[]).await;
    assert_eq!(chat_lines(&nvim).await, transcript_with(&[], "a question"));
    assert!(
        nvim.lua_bool("return not require('gpt.client').is_running()", &[])
            .await
    );
    clean(&nvim).await;
    vec![first, second]
}

fn script(home: &Home, name: &str, content: &str, mode: u32) -> std::path::PathBuf {
    let path = home.write(name, content);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    path
}

#[tokio::test]
async fn a_missing_program_is_named_with_what_to_do() {
    let told = said_about(Path::new("/nonexistent/gpt-nvim")).await;
    assert_eq!(
        told[0],
        "✗ There is no program at /nonexistent/gpt-nvim. Correct `binary` in the configuration, or leave it out."
    );
    assert_eq!(told[0], told[1]);
}

#[tokio::test]
async fn a_program_that_is_not_there_is_named_with_the_command_that_installs_it() {
    let home = Home::new();
    let plugin = crate::support::installation::plugin(&home);
    let nvim = Builder::default().home(&home).plugin(&plugin).start().await;
    open(&nvim).await;
    nvim.wait_screen_contains("✗ gpt.nvim's program is not installed yet.")
        .await;
    nvim.wait_screen_contains("Run: :GPT install").await;
}

#[tokio::test]
async fn a_program_that_may_not_be_run_is_named_with_what_to_do() {
    let home = Home::new();
    let told = said_about(&script(&home, "gpt-nvim", "#!/bin/sh\n", 0o600)).await;
    assert!(
        told[0].contains("is not a program that may be run. Run: chmod +x '/"),
        "{told:?}"
    );
}

#[tokio::test]
async fn a_program_that_ends_at_once_is_named_with_its_last_words_and_what_to_do() {
    let home = Home::new();
    let told = said_about(&script(
        &home,
        "gpt-nvim",
        "#!/bin/sh\necho no libfoo.so >&2\nexit 3\n",
        0o700,
    ))
    .await;
    for words in [
        "ended (exit code 3): no libfoo.so.",
        "Is it built for this machine? Run: :GPT install",
    ] {
        assert!(told[0].contains(words) && told[1].contains(words), "{told:?}");
    }
}

#[tokio::test]
async fn a_program_for_another_machine_is_named_with_what_to_do() {
    let home = Home::new();
    let told = said_about(&script(&home, "gpt-nvim", "\u{7f}ELF and nothing more", 0o700)).await;
    assert!(
        told[0].contains("Is it built for this machine? Run: :GPT install"),
        "{told:?}"
    );
}

// Configuration -------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn the_first_mistake_in_the_configuration_is_told_in_one_line_and_all_are_named_with_their_paths() {
    let nvim = unconfigured()
        .init(TOLD)
        .config(
            "{ modle = 'x', model = 7, chat = { widht = 1, layout = 'round', memory = 1.5, keymaps = { send = 3, sned = 'x' } },
               providers = { mine = { base_url = {}, urll = 'x', key = 'sk-1' }, other = 'x' }, network = 5 }",
        )
        .start()
        .await;
    open(&nvim).await;
    nvim.wait_lua("return require('gpt').status().state == 'idle' and require('gpt').status().model")
        .await;
    let told = told(&nvim).await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].starts_with("3 gpt.nvim: chat.keymaps.send: expected"),
        "{told:?}"
    );
    assert!(told[0].ends_with(" and 11 more: :checkhealth gpt"), "{told:?}");
    assert!(!told[0].contains('\n') && told[0].chars().count() < 80, "{told:?}");
    let problems = "return select(2, require('gpt.config.check').check(vim.g.gpt))";
    let problems = nvim.lua_lines(problems, &[]).await;
    assert_eq!(
        problems
            .iter()
            .filter(|problem| !problem.starts_with("binary"))
            .collect::<Vec<_>>(),
        [
            "chat.keymaps.send: expected string or list of strings or false, got 3",
            "chat.keymaps.sned: no such option",
            "chat.layout: expected one of \"float\", \"vertical\", \"horizontal\", \"tab\", \"current\", got \"round\"",
            "chat.memory: expected a whole number, got 1.5",
            "chat.widht: no such option",
            "model: expected string, got 7",
            "modle: no such option",
            "network: expected a table, got 5",
            "providers.mine.base_url: expected string, got a table",
            "providers.mine.key: expected { env = \"NAME\" }, { cmd = { … } } or false, got a string",
            "providers.mine.urll: no such option",
            "providers.other: expected a table, got a string",
        ]
    );
    clean(&nvim).await;
}

#[tokio::test]
async fn a_chat_opens_though_the_mistakes_in_the_configuration_cannot_be_shown() {
    let nvim = unconfigured()
        .init("vim.notify = function() error('wrapped') end")
        .config("{ modle = 'x' }")
        .start()
        .await;
    open(&nvim).await;
}

#[tokio::test]
async fn what_may_be_a_key_in_the_wrong_place_of_the_configuration_is_not_shown() {
    let nvim = unconfigured().start().await;
    let check = "local _, problems = require('gpt.config.check').check({
            model = { 'sk-hidden' }, binary = 1 / 0, chat = { layout = 'sk-hidden', temperature = 0 / 0 },
            network = { idle_timeout = math.huge }, providers = {
                ['a/b'] = {}, one = { key = { env = 'sk-hidden' }, params = { 1 } }, two = { key = { env = 'A_1' } },
            },
        })
        return problems";
    assert_eq!(
        nvim.lua_lines(check, &[]).await,
        [
            "binary: expected string, got inf",
            "chat.layout: expected one of \"float\", \"vertical\", \"horizontal\", \"tab\", \"current\", got a string",
            "chat.temperature: expected number, got NaN",
            "model: expected string, got a table",
            "network.idle_timeout: expected number, got inf",
            "providers.one.key: expected { env = \"NAME\" }, { cmd = { … } } or false, got a table",
            "providers.one.params: expected a map, got a table",
            "providers: a provider's name is a word without \"/\"",
        ]
    );
}

#[tokio::test]
async fn a_key_typed_behind_a_command_does_not_stay_in_the_history() {
    let nvim = unconfigured().start().await;
    for command in [
        "GPTSetKey",
        "GPTSetKey!",
        "GPTRemoveKey",
        "GPTRemoveKey!",
        "GPT key",
        "GPT",
    ] {
        nvim.feed(&format!(":{command} sk-0123456789abcdefghij<CR>")).await;
        nvim.feed(":let g:after = 1<CR>").await;
        nvim.wait_lua("return vim.g.after").await;
        let history = nvim.lua_string("return vim.fn.execute('history cmd')", &[]).await;
        assert!(
            history.contains("g:after") && !history.contains("sk-0"),
            "{command}: {history}"
        );
        nvim.lua("vim.g.after = nil", &[]).await;
    }
}

#[tokio::test]
async fn a_model_of_an_unknown_provider_is_told_with_the_known_ones() {
    let nvim = unconfigured().init(TOLD).config("{ model = 'opnai/x' }").start().await;
    open(&nvim).await;
    nvim.wait_lua("return #told == 1").await;
    let told = told(&nvim).await;
    assert!(
        told[0].contains("There is no provider \"opnai\"") && told[0].contains("openai"),
        "{told:?}"
    );
    say(&nvim, "hi").await;
    ended(&nvim, 1).await;
    assert_eq!(events(&nvim).await.last().unwrap(), "GPTAnswerFailed");
    nvim.wait_screen_contains("There is no provider").await;
}

#[tokio::test]
async fn setup_reaches_the_program_that_runs() {
    let (nvim, first) = start(answer("from the first")).await;
    let second = Server::start(answer("from the second")).await;
    open(&nvim).await;
    say(&nvim, "a").await;
    ended(&nvim, 1).await;
    let pid = program(&nvim).await;
    nvim.lua(
        "require('gpt').setup({ model = 'other/m2', providers = { other = { base_url = ... .. '/v1' } } })",
        &[text(&second.url())],
    )
    .await;
    nvim.wait_screen_contains(" other/m2 ").await;
    say(&nvim, "b").await;
    ended(&nvim, 2).await;
    let shown = [
        ("You", "a"),
        ("test/m1", "from the first"),
        ("You", "b"),
        ("other/m2", "from the second"),
    ];
    assert_eq!(chat_lines(&nvim).await, transcript(&shown));
    assert_eq!((first.requests().len(), second.requests().len()), (1, 1));
    assert_eq!(program(&nvim).await, pid);
    assert_eq!(
        events(&nvim)
            .await
            .iter()
            .filter(|name| *name == "GPTModelChanged")
            .count(),
        1
    );
    clean(&nvim).await;
}

#[tokio::test]
async fn a_copy_that_does_not_fit_is_not_said_to_be_saved() {
    let nvim = unconfigured().init(TOLD).start().await;
    open(&nvim).await;
    normal_mode(&nvim).await;
    nvim.lua("told = {}; vim.cmd('w! /dev/full')", &[]).await;
    assert_eq!(
        told(&nvim).await,
        ["3 Not saved to /dev/full: No space left on device."]
    );
}

#[tokio::test]
async fn mistaken_calls_are_answered_in_a_sentence() {
    let nvim = unconfigured().init(TOLD).start().await;
    nvim.lua("require('gpt').setup('openai')", &[]).await;
    nvim.feed("q:").await;
    nvim.wait_lua("return vim.fn.getcmdwintype() ~= ''").await;
    nvim.feed(":GPTChat hello<CR>").await;
    nvim.wait_lua("return #told == 2").await;
    assert_eq!(
        told(&nvim).await,
        [
            "3 gpt.nvim: setup() expects a table, got a string.",
            "3 Close the command-line window first."
        ]
    );
    let block = "return require('gpt.code.selection').block({ path = 'a\\n`b', filetype = '', first = 1, last = 1, lines = {} })";
    assert_eq!(nvim.lua_lines(block, &[]).await[0], "From ``` a?`b ```, line 1:");
    clean(&nvim).await;
}

// Logs ----------------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn the_log_command_shows_the_notices_of_this_session() {
    let problem = serde_json::json!({ "error": { "message": "no such thing", "type": "invalid_request_error" } });
    let (nvim, _server) = start(crate::support::answer::Answer::json(400, &problem)).await;
    nvim.command("GPT log").await;
    nvim.wait_screen_contains("None so far.").await;
    nvim.feed("q").await;
    nvim.wait_screen_lacks("None so far.").await;
    open(&nvim).await;
    say(&nvim, "hi").await;
    ended(&nvim, 1).await;
    normal_mode(&nvim).await;
    nvim.feed(":GPT log<CR>").await;
    let log = nvim.home().log();
    nvim.wait_lua("return vim.bo.buftype == 'nofile'").await;
    let lines = nvim.lines(0).await.join("\n");
    for part in [
        "test/m1  error",
        "refused the request.",
        "no such thing",
        "HTTP 400",
        log.to_str().unwrap(),
    ] {
        assert!(lines.contains(part), "no {part:?} in\n{lines}");
    }
    clean(&nvim).await;
}

#[tokio::test]
async fn the_log_command_shows_notices_of_any_text() {
    let nvim = unconfigured().init(TOLD).start().await;
    let long = "local notice = require('gpt.ui.notice')
        notice.inform({ level = 'info', title = 'one\\ntwo\\0three', advice = ('ä'):rep(100000) })
        local begun = vim.uv.hrtime()
        local lines = notice.wrap(('ä'):rep(100000), 60)
        vim.cmd('GPT log')
        return #lines < 100 and vim.str_utf_start(lines[1], #lines[1]) == -1 and vim.uv.hrtime() - begun < 1e9";
    assert!(nvim.lua_bool(long, &[]).await);
    let lines = nvim.lines(0).await;
    assert!(lines.contains(&"two?three".to_owned()), "{lines:?}");
}

#[tokio::test]
async fn the_log_file_is_for_its_owner_only() {
    let (nvim, _server) = start(answer("there")).await;
    open(&nvim).await;
    say(&nvim, "hi").await;
    ended(&nvim, 1).await;
    let mode = std::fs::metadata(nvim.home().log()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

// The program by itself -----------------------------------------------------------------------------------------------

/// Runs the program with these arguments and this standard input, which is then closed.
async fn run(arguments: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_gpt-nvim"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input).await.ok();
    drop(stdin);
    wait::within(wait::LIMIT, "the program's end", child.wait_with_output())
        .await
        .unwrap()
}

#[tokio::test]
async fn the_program_tells_its_version_and_its_use() {
    for argument in ["--version", "-V"] {
        let output = run(&[argument], b"").await;
        assert!(output.status.success());
        let expected = concat!("gpt-nvim ", env!("CARGO_PKG_VERSION"), "\n");
        assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
    }
    for argument in ["--help", "-h"] {
        let output = run(&[argument], b"").await;
        assert!(output.status.success() && output.stderr.is_empty());
        assert!(String::from_utf8_lossy(&output.stdout).contains("Usage: gpt-nvim"));
    }
}

#[tokio::test]
async fn an_unknown_argument_is_refused_on_standard_error() {
    for arguments in [&["--nonsense"][..], &["--version", "more"], &[""]] {
        let output = run(arguments, b"").await;
        assert_eq!(output.status.code(), Some(2));
        assert!(output.stdout.is_empty());
        assert!(String::from_utf8_lossy(&output.stderr).contains("Usage: gpt-nvim"));
    }
}

#[tokio::test]
async fn the_program_ends_with_its_input_and_prints_nothing() {
    for input in [
        &b""[..],
        b"hello there\n",
        b"\xc1\xc1\xc1",
        b"\x93\x02",
        &[0xff; 4096],
        b"\x94\x00\x01\xa5specs",
    ] {
        let output = run(&[], input).await;
        assert!(output.stdout.is_empty(), "{input:?}: {output:?}");
    }
}

#[tokio::test]
async fn the_program_does_not_hang_without_an_editor() {
    let null = Command::new(env!("CARGO_BIN_EXE_gpt-nvim"))
        .stdin(Stdio::null())
        .output();
    let output = wait::within(wait::LIMIT, "the program's end", null).await.unwrap();
    assert!(output.stdout.is_empty());
    let home = Home::new();
    let file = std::fs::File::open(home.write("file", "text\n")).unwrap();
    let from_file = Command::new(env!("CARGO_BIN_EXE_gpt-nvim")).stdin(file).output();
    let output = wait::within(wait::LIMIT, "the program's end", from_file).await.unwrap();
    assert!(output.stdout.is_empty());
}

#[tokio::test]
async fn wrong_types_to_the_lua_api_get_a_sentence_and_change_nothing() {
    for (call, told) in [
        ("chat('hi')", "gpt.chat(): expected table, got a string."),
        ("chat({ prompt = 5 })", "chat: prompt: expected string, got a number."),
        ("chat({ layout = 'left' })", "chat: layout: expected one of"),
        (
            "chat({ selection = { lines = { 'a' } } })",
            "chat: selection: expected boolean or gpt.Selection",
        ),
        ("chat({ selection = 'x' })", "chat: selection: expected"),
        ("chat({ new = 1 })", "chat: new: expected boolean, got a number."),
        ("chat({ mods = true })", "chat: mods: expected table"),
        ("action()", "action: name: expected string, got a nil."),
        ("action({})", "action: name: expected string"),
        ("action('fix', 'words')", "gpt.action(): expected table"),
        ("action('fix', { words = {} })", "action: words: expected string"),
    ] {
        let nvim = crate::nvim().size(160, 24).start().await;
        nvim.lua(&format!("require('gpt').{call}"), &[]).await;
        let said = clean(&nvim).await;
        assert!(said.contains(told), "{call}: {said}");
        assert!(said.contains(":help gpt-lua"), "{call}: {said}");
        let chats = "return #vim.fn.getbufinfo({ buflisted = 0 }) == 1 and vim.bo.filetype == ''";
        assert!(nvim.lua_bool(chats, &[]).await, "{call}");
    }
}
