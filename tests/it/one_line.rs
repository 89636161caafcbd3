//! Sentences about notices in the command line: one line, whose next step can be read.

use crate::common::*;
use crate::support::nvim::Nvim;

/// What a user can do next, as a table of messages names it.
const LOOK: &str = "
local one_line = require('gpt.ui.one_line')
_G.table_of = vim.json.decode(table.concat(vim.fn.readfile(...), '\\n'))
local long = { path = ('some/folder/'):rep(7) .. 'file.lua', provider = 'A provider with a long name', status = '404' }
local function fill(key)
  local message = table_of[key] and table_of[key][require('gpt.locale').get()] or ''
  return (message:gsub('{([%l_]+)}', function(name) return long[name] or ('a long ' .. name .. ' '):rep(5) end))
end
local COMMANDS = { ':GPT%u%l+', ':GPT %l+', ':checkhealth gpt', ':help gpt%-%l+' }
function _G.told(key)
  local title, advice = fill(key), fill(key .. '_advice') .. fill(key .. '_fix')
  local room = vim.o.columns - 19
  local step
  for _, command in ipairs(COMMANDS) do
    step = step or advice:match(command)
  end
  if vim.api.nvim_strwidth(title .. ' ' .. advice) > room then
    -- A name may be too long for the command that has it.
    step = step or #advice > 0 and ':GPT log' or ''
  else
    step = advice
  end
  require('gpt.ui.notice').inform({ level = 'warning', title = title, advice = advice })
  local text = vim.fn.execute('1messages'):gsub('^\\n', '')
  local has = step == '' or text:find(step, 1, true) or advice ~= '' and text:find(advice, 1, true) or text:find(':GPT log', 1, true)
  local fits = vim.api.nvim_strwidth(text) <= room and not text:find('\\n')
  return { text, has and fits and 'ok' or ('%s: no %q, or too long: %s'):format(key, step, text) }
end
return vim.tbl_filter(function(key) return not key:find('_advice$') and not key:find('_fix$') end, vim.tbl_keys(table_of))";

/// The screen's last line.
fn last_line(screen: &str) -> &str {
    screen.lines().last().unwrap_or_default()
}

async fn is_blocked(nvim: &Nvim) -> bool {
    let mode = nvim.call("nvim_get_mode", &[]).await;
    let pairs = mode.as_map().expect("a map");
    pairs
        .iter()
        .any(|(name, value)| name.as_str() == Some("blocking") && value.as_bool() == Some(true))
}

/// Waits until the last line holds this text, with the float's ruler behind it where there is room.
async fn stands_there(nvim: &Nvim, part: &str) {
    nvim.wait_screen(|screen| last_line(screen).contains(part)).await;
    assert!(!is_blocked(nvim).await, "{}", nvim.screen());
}

#[tokio::test]
async fn every_notice_is_one_line_over_the_float_and_keeps_its_next_step() {
    let file = format!("{}/data/messages.json", env!("CARGO_MANIFEST_DIR"));
    for locale in ["en", "pt", "es"] {
        let nvim = unconfigured()
            .config(format!("{{ locale = '{locale}', chat = {{ start_insert = false }} }}"))
            .start()
            .await;
        nvim.feed(":GPTChat<CR>").await;
        nvim.wait_lua("return vim.bo.filetype == 'gptchat' and require('gpt').status().model")
            .await;
        let keys = nvim.lua_lines(LOOK, &[text(&file)]).await;
        assert!(keys.len() > 300, "{}", keys.len());
        let mut bad = Vec::new();
        for key in &keys {
            let told = nvim.lua_lines("return told(...)", &[text(key)]).await;
            if told[1] != "ok" {
                bad.push(told[1].clone());
            }
            nvim.wait_screen(|screen| last_line(screen).starts_with(told[0].trim_end()))
                .await;
            assert!(!is_blocked(&nvim).await, "{}", nvim.screen());
        }
        assert_eq!(bad, [""; 0], "{locale}\n{}", bad.join("\n"));
    }
}

#[tokio::test]
async fn a_notice_knows_the_room_whatever_shows_itself_in_the_last_line() {
    for (columns, options) in [
        (80, ""),
        (120, ""),
        (80, "vim.o.showcmd = false"),
        (80, "vim.o.ruler = false"),
        (80, "vim.o.laststatus = 3"),
        (80, "vim.o.laststatus = 0"),
        (80, "vim.o.cmdheight = 0"),
        (80, "vim.o.rulerformat = '%30(%l %L and more words of ours%)'"),
        (80, "vim.o.statusline = 'mine'"),
    ] {
        for layout in ["float", "vertical", "current"] {
            let nvim = unconfigured()
                .init(options)
                .config(format!("{{ chat = {{ start_insert = false, layout = '{layout}' }} }}"))
                .size(columns, 24)
                .start()
                .await;
            nvim.feed(":GPTChat<CR>").await;
            nvim.wait_lua("return vim.bo.filetype == 'gptchat' and require('gpt').status().model")
                .await;
            let inform = "require('gpt.ui.notice').inform({ level = 'error',
                title = ('word '):rep(60), advice = 'Do :GPT this.' })";
            nvim.lua(inform, &[]).await;
            stands_there(&nvim, "Do :GPT this.").await;
            nvim.feed("l").await;
            nvim.wait_lua("return true").await;
            assert!(
                !is_blocked(&nvim).await,
                "{columns} {options} {layout}\n{}",
                nvim.screen()
            );
        }
    }
}

#[tokio::test]
async fn several_notices_at_once_ask_for_no_enter() {
    for keys in ["", "i", "v"] {
        let nvim = unconfigured().start().await;
        open(&nvim).await;
        normal_mode(&nvim).await;
        nvim.feed(keys).await;
        let many = "for n = 1, 5 do
            require('gpt.ui.notice').inform({ level = 'error', title = ('word '):rep(30), advice = 'Look: :GPTChat' .. n })
        end";
        nvim.lua(many, &[]).await;
        assert!(!is_blocked(&nvim).await, "{}", nvim.screen());
        match keys {
            "" => stands_there(&nvim, "Look: :GPTChat5").await,
            "i" => {
                nvim.feed("<Esc>").await;
                stands_there(&nvim, "Look: :GPTChat5").await;
            }
            _ => {}
        }
    }
}

#[tokio::test]
async fn a_notice_waits_until_the_command_is_typed() {
    let nvim = unconfigured().start().await;
    nvim.feed(":echo 'mi").await;
    nvim.wait_screen_contains(":echo 'mi").await;
    let inform = "require('gpt.ui.notice').inform({ level = 'error', title = 'It broke.', advice = '' })";
    nvim.lua(inform, &[]).await;
    nvim.feed("ne").await;
    nvim.wait_screen(|screen| last_line(screen).contains(":echo 'mine"))
        .await;
    nvim.feed("<Esc>").await;
    stands_there(&nvim, "It broke.").await;
}

#[tokio::test]
async fn a_mistake_in_the_configuration_is_there_after_insert_mode_and_in_the_log() {
    for columns in [80, 120] {
        let nvim = unconfigured()
            .config("{ chta = {}, chat = { layout = 'flaot' }, model = 7 }")
            .size(columns, 24)
            .start()
            .await;
        nvim.feed(":GPTChat<CR>").await;
        nvim.wait_screen_contains("-- INSERT --").await;
        nvim.feed("<Esc>").await;
        stands_there(&nvim, "chat.layout: ").await;
        stands_there(&nvim, "and 2 more: :checkhealth gpt").await;
        nvim.feed(":GPT log<CR>").await;
        nvim.wait_screen_contains("chta: no such option").await;
    }
}

#[tokio::test]
async fn a_single_mistake_that_is_cut_names_where_it_stands_whole() {
    let nvim = unconfigured()
        .config("{ chat = { layout = 'flaot', start_insert = false } }")
        .start()
        .await;
    nvim.feed(":GPTChat<CR>").await;
    stands_there(&nvim, "gpt.nvim: chat.layout: expected").await;
    stands_there(&nvim, ":checkhealth gpt").await;
}

#[tokio::test]
async fn a_border_that_is_none_is_named_and_the_chat_opens_with_a_round_one() {
    for border in [
        "'nonsense'",
        "{}",
        "{ 'a', 'b', 'c' }",
        "{ 'ab' }",
        "{ 1 }",
        "{ { 'a', 'b', 'c' } }",
        "{ '', '-', '-', '|', '-', '-', '-', '|' }",
        "{ a = 'b' }",
    ] {
        let nvim = unconfigured()
            .config(format!("{{ chat = {{ border = {border} }} }}"))
            .start()
            .await;
        open(&nvim).await;
        let corner = "return vim.iter(vim.api.nvim_win_get_config(0).border):flatten():find('╭')";
        assert_eq!(nvim.lua_string(corner, &[]).await, "╭", "{border}");
        nvim.feed("<Esc>").await;
        stands_there(&nvim, "chat.border: expected a border").await;
    }
    for border in [
        "'none'",
        "'shadow'",
        "'double'",
        "{ '+' }",
        "{ '+', '-' }",
        "{ '+', { '-', 'Comment' }, '+', '|' }",
        "{ '', '-', '', '', '', '-', '', '' }",
    ] {
        let nvim = unconfigured()
            .config(format!("{{ chat = {{ border = {border} }} }}"))
            .start()
            .await;
        open(&nvim).await;
        let mistakes = nvim.lua_lines("return require('gpt.config').mistakes()", &[]).await;
        assert_eq!(mistakes, [""; 0], "{border}");
    }
}

#[tokio::test]
async fn a_border_that_neovim_refuses_is_named_and_a_round_one_is_taken() {
    let refusing = "local made = vim.api.nvim_open_win
        vim.api.nvim_open_win = function(buf, enter, config)
          if config.border == 'double' then error('invalid border style') end
          return made(buf, enter, config)
        end";
    let nvim = unconfigured()
        .init(refusing)
        .config("{ chat = { border = 'double' } }")
        .start()
        .await;
    open(&nvim).await;
    nvim.feed("<Esc>").await;
    stands_there(&nvim, "chat.border: expected a border").await;
}

#[tokio::test]
async fn keys_that_no_map_can_have_are_mistakes() {
    let check = "return select(2, require('gpt.config.check').check({ keymaps = { prefix = '' },
        chat = { max_tokens = 1e300, keymaps = { send = '', stop = { '<C-x>', ('x'):rep(51) }, hide = 'gq' } } }))";
    let nvim = unconfigured().start().await;
    assert_eq!(
        nvim.lua_lines(check, &[]).await,
        [
            "chat.keymaps.send: expected string or list of strings or false, got \"\"",
            "chat.keymaps.stop: expected string or list of strings or false, got a table",
            "chat.max_tokens: expected a whole number, got 1e+300",
            "keymaps.prefix: expected string, got \"\"",
        ]
    );
}

#[tokio::test]
async fn the_health_report_has_the_mistakes_of_setup_too() {
    let nvim = unconfigured().config("{ modle = 'x' }").start().await;
    nvim.lua("require('gpt').setup({ chta = {} })", &[]).await;
    stands_there(&nvim, "gpt.nvim: chta: no such option").await;
    nvim.command("checkhealth gpt").await;
    let report = nvim.lines(0).await.join("\n");
    for mistake in ["chta: no such option", "modle: no such option"] {
        assert!(report.contains(mistake), "{report}");
    }
}

#[tokio::test]
async fn the_health_report_names_a_program_of_another_version_and_what_to_do() {
    let nvim = unconfigured().start().await;
    nvim.lua("require('gpt.client.version').plugin = '9.9.9'", &[]).await;
    nvim.command("checkhealth gpt").await;
    let report = nvim.lines(0).await.join("\n");
    assert!(report.contains("older than the plugin (9.9.9)"), "{report}");
    assert!(report.contains("Correct `binary` in the configuration"), "{report}");
}

#[tokio::test]
async fn a_hint_in_insert_mode_shows_its_next_step() {
    let nvim = unconfigured()
        .init("package.preload['gpt.client.version'] = function() return { plugin = '0.1.0', protocol = 99 } end")
        .start()
        .await;
    open(&nvim).await;
    let hint = |screen: &str| {
        screen
            .lines()
            .any(|line| line.contains("## You") && line.contains(":GPT install, then restart Neovim."))
    };
    nvim.wait_screen(hint).await;
    nvim.feed("<Esc>").await;
    stands_there(&nvim, ":GPT install, then restart Neovim.").await;
}

#[tokio::test]
async fn a_mistyped_action_gets_the_name_that_is_near() {
    let nvim = unconfigured().start().await;
    nvim.feed(":GPT explian<CR>").await;
    stands_there(&nvim, ":GPT knows no \"explian\". Did you mean \"explain\"?").await;
}
