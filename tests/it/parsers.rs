//! What is handed to Neovim's parsers is bounded: no text of an answer, a question or a file crashes or stalls the editor.

use std::fmt::Write as _;
use std::time::Duration;

use crate::common::*;
use crate::history::{gone, name};
use crate::support::answer::Answer;
use crate::support::nvim::{Builder, Home, Nvim};
use crate::support::server::Server;

/// Keeps the most of what was handed to a parser at once, counted by other rules than the gate's.
const COUNTING: &str = r#"
_G.handed = { bytes = 0, runs = 0, marks = 0, depth = 0, calls = 0 }
local get = vim.treesitter.get_string_parser
vim.treesitter.get_string_parser = function(text, ...)
  local function most(name, count) handed[name] = math.max(handed[name], count) end
  most("bytes", #text)
  local _, runs = text:gsub("[*~]+", "")
  if not text:find("```", 1, true) then most("runs", runs) end
  local _, marks = text:gsub("[%[%]!<>()$`|\"':{}]", "")
  most("marks", marks)
  for line in text:gmatch("[^\r\n]+") do
    local _, quotes = line:match("^[%s>*+%-%d.)]*"):gsub(">", "")
    local _, items = line:match("^[%s>*+%-%d.)]*"):gsub("[*+.)-]%s", "")
    most("depth", quotes + items)
  end
  handed.calls = handed.calls + 1
  return get(text, ...)
end"#;

/// What a user may have: Neovim's own highlighter over the whole chat, and a plugin that parses it at each change.
const WHOLE: &str = "
vim.treesitter.language.register('markdown', 'gptchat')
_G.parsed = 0
vim.api.nvim_create_autocmd('FileType', { pattern = 'gptchat', callback = function(event)
  vim.treesitter.start(event.buf)
  vim.api.nvim_create_autocmd({ 'TextChanged', 'TextChangedI', 'CursorMoved' }, { buffer = event.buf, callback = function()
    local tree = vim.treesitter.get_parser(event.buf):parse()[1]
    parsed = parsed + tree:root():named_child_count()
  end })
end })
function _G.is_held() return require('gpt.chat.chats').of_buffer(chat_buffer()).guard.held ~= nil end
function _G.highlighter() return vim.treesitter.highlighter.active[chat_buffer()] ~= nil end";

/// Says which input it was if the test fails: an editor that has crashed cannot.
struct Input(String);

impl Drop for Input {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the input was {:?}", self.0);
        }
    }
}

/// Waits until the editor has drawn, parsed and highlighted what it has; it has ended if that crashed it.
async fn lives(nvim: &Nvim, whole: bool) {
    nvim.lua("vim.cmd('redraw!')", &[]).await;
    if whole {
        nvim.lua(
            "vim.api.nvim_exec_autocmds('TextChanged', { buffer = chat_buffer() })",
            &[],
        )
        .await;
    }
    let idle = "local chat = require('gpt.chat.chats').of_buffer(chat_buffer())
        return not chat.highlighting or not chat.highlighting.timer and chat.highlighting.over == nil";
    nvim.wait_lua(idle).await;
    assert!(nvim.is_running());
}

/// Nothing larger than the bounds was handed to a parser.
async fn was_bounded(nvim: &Nvim) {
    let handed = nvim.lua_string("return vim.json.encode(handed)", &[]).await;
    let handed: serde_json::Value = serde_json::from_str(&handed).unwrap();
    let most = |name: &str| handed[name].as_u64().unwrap();
    assert!(most("calls") > 0, "{handed}");
    assert!(most("bytes") < 50_000, "{handed}");
    assert!(most("runs") < 150, "{handed}");
    assert!(most("marks") < 1_700, "{handed}");
    assert!(most("depth") <= 120, "{handed}");
}

fn chat(server: &Server, whole: bool) -> Builder {
    let init = if whole { WHOLE } else { "" };
    configured(server, "").init(COUNTING).init(init)
}

/// Opens a chat in an editor that has time: there is much to draw.
async fn opened(builder: Builder) -> Nvim {
    let nvim = builder.start().await;
    nvim.set_limit(Duration::from_secs(90));
    open(&nvim).await;
    nvim
}

/// Asks from Lua, so that no key is taken for a command.
async fn ask(nvim: &Nvim, question: &str) {
    nvim.lua("require('gpt').chat({ prompt = ... })", &[text(question)])
        .await;
}

/// Lines that open blocks in one another until Neovim's own parser would crash, which it does at some 250.
fn deep() -> Vec<String> {
    let many = |mark: &str| format!("{}x", mark.repeat(300));
    let nested = |indent: &str| (0..290).fold(String::new(), |all, n| all + &indent.repeat(n) + "- x\n");
    vec![
        many(">"),
        many("> "),
        many("- "),
        many("+ "),
        many("* "),
        many("1. "),
        many("7) "),
        many(">- "),
        many("> - "),
        many(">\t- "),
        many("-\t"),
        many("* > + 1. "),
        format!("   {}", many("> ")),
        format!("text\r{}", many(">")),
        (1..300).fold(String::new(), |all, n| all + &">".repeat(n) + " x\n"),
        nested("  "),
        nested("\t"),
        nested("  ").replace('\n', "\n\n"),
        nested("  ").replace('\n', "\r"),
        (0..30).fold(String::new(), |all, n| {
            all + &"  ".repeat(n * 10) + &"- ".repeat(10) + "x\n"
        }),
    ]
}

/// Lines that took the parsers seconds.
fn dense() -> Vec<String> {
    let marks = [
        "*a _b ", "~~a", "![", "[a](", "**a __b", "[![", " <a *_", "`*a", "***a ",
    ];
    let mut lines: Vec<String> = marks.iter().map(|mark| mark.repeat(3000)).collect();
    for code in ["(((", "{{{", "{\"a\":", "a ", "if ", "function ", "[["] {
        for language in ["lua", "markdown"] {
            lines.push(format!("```{language}\n{}\n```", code.repeat(3000)));
        }
    }
    // As much in one paragraph of many lines.
    lines.push("**a __b *c ~~d\n".repeat(400));
    lines
}

#[tokio::test]
async fn no_number_of_block_marks_in_an_answer_or_a_question_crashes_the_editor() {
    for whole in [false, true] {
        let (server, deep) = (Server::start(answer).await, deep());
        let nvim = opened(chat(&server, whole)).await;
        for (index, line) in deep.iter().enumerate() {
            let _input = Input(line.clone());
            ask(&nvim, line).await;
            ended(&nvim, index + 1).await;
            lives(&nvim, whole).await;
        }
        was_bounded(&nvim).await;
        clean(&nvim).await;
    }
    fn answer(request: &crate::support::server::Request) -> Answer {
        let (_, asked) = conversation(request).pop().unwrap();
        let pieces: Vec<char> = asked.chars().collect();
        let mut pieces: Vec<String> = pieces.chunks(97).map(|piece| piece.iter().collect()).collect();
        pieces.insert(0, "so:\n\n".to_owned());
        pieces.push(format!("\n\n```markdown\n{asked}\n```\n\nthe **end**"));
        Answer::chat_tokens(&pieces.iter().map(String::as_str).collect::<Vec<_>>())
    }
}

#[tokio::test]
async fn a_line_that_grows_by_a_mark_at_a_time_does_not_crash_the_editor() {
    for mark in ["> ", "- ", "1. "] {
        for fence in ["", "```markdown\n"] {
            let _input = Input(format!("{fence}{mark} each for itself"));
            let mut tokens = vec![fence];
            tokens.extend([mark; 300]);
            tokens.push("x\n\nthe **end**");
            let server = Server::start([Answer::chat_tokens(&tokens)]).await;
            let nvim = opened(chat(&server, true)).await;
            say(&nvim, "hi").await;
            ended(&nvim, 1).await;
            lives(&nvim, true).await;
            was_bounded(&nvim).await;
        }
    }
}

#[tokio::test]
async fn dense_markup_and_code_are_handed_to_no_parser() {
    for whole in [false, true] {
        let (server, dense) = (
            Server::start(|_: &crate::support::server::Request| answer("so **it** is")).await,
            dense(),
        );
        let nvim = opened(chat(&server, whole)).await;
        for (index, line) in dense.iter().enumerate() {
            let _input = Input(format!("{}…", line.chars().take(60).collect::<String>()));
            ask(&nvim, line).await;
            ended(&nvim, index + 1).await;
            lives(&nvim, whole).await;
        }
        was_bounded(&nvim).await;
        clean(&nvim).await;
    }
}

#[tokio::test]
async fn a_file_in_a_question_and_the_chat_out_of_the_history_crash_nothing_either() {
    let (home, server) = (
        Home::new(),
        Server::start(|_: &crate::support::server::Request| answer("so **it** is")).await,
    );
    let nvim = chat(&server, true).home(&home).start().await;
    for (index, line) in deep().iter().chain(&dense()).enumerate() {
        home.write(&format!("f{index}.md"), line);
    }
    open(&nvim).await;
    let files = deep().len() + dense().len();
    let words: String = (0..files).filter(|n| n % 3 == 0).fold(String::new(), |mut all, n| {
        let _ = write!(all, "#file:f{n}.md ");
        all
    });
    say(&nvim, &words).await;
    ended(&nvim, 1).await;
    lives(&nvim, true).await;
    nvim.feed("<Esc>:e!<CR>").await;
    lives(&nvim, true).await;
    let chat_name = name(&nvim).await;
    nvim.quit().await;
    gone(&nvim).await;
    let later = chat(&server, true).home(&home).start().await;
    later.command(&format!("edit {chat_name}")).await;
    chat_holds(&later, "so **it** is").await;
    lives(&later, true).await;
    was_bounded(&later).await;
    clean(&later).await;
}

/// A text cut at spaces, into at most that many pieces.
fn at_spaces(text: &str, most: usize) -> Vec<&str> {
    let least = text.len() / most + 1;
    let (mut pieces, mut begin) = (Vec::new(), 0);
    for (index, _) in text.match_indices(' ') {
        if index + 1 - begin >= least {
            pieces.push(&text[begin..=index]);
            begin = index + 1;
        }
    }
    pieces.push(&text[begin..]);
    pieces
}

/// Marsaglia's xorshift.
fn below(state: &mut u64, n: usize) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    usize::try_from((*state >> 11) % (n as u64)).unwrap()
}

/// Lines out of block marks and dense markup, some within a fence.
fn random_text(state: &mut u64) -> String {
    const PIECES: [&str; 26] = [
        ">", "> ", "- ", "-", "+ ", "* ", "1. ", "12) ", " ", "\t", "  ", "*", "**a ", "_b ", "~~", "![", "[a](", "]",
        "(((", "`", "```", "x", "{\"a\":", "\r", "<b ", "$a ",
    ];
    let mut made = String::new();
    for _ in 0..4 + below(state, 20) {
        match below(state, 8) {
            0 => made.push_str(["```lua", "```markdown", "```", "~~~vim", ""][below(state, 5)]),
            1 => made.push_str(&"  ".repeat(below(state, 200))),
            _ => {}
        }
        for _ in 0..=below(state, 3) {
            let piece = PIECES[below(state, PIECES.len())];
            let times = [1, 3, 40, 130, 260, 1200][below(state, 6)];
            made.push_str(&piece.repeat(times));
        }
        made.push('\n');
    }
    made
}

#[tokio::test]
async fn random_lines_of_marks_never_crash_the_editor_and_never_reach_a_parser_beyond_its_bounds() {
    let seeds = std::env::var("GPT_SEQUENCES")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(20);
    let server = Server::start(|request: &crate::support::server::Request| {
        let (_, asked) = conversation(request).pop().unwrap();
        Answer::chat_tokens(&at_spaces(&asked, 200))
    })
    .await;
    let nvim = opened(chat(&server, true)).await;
    for seed in 1..=seeds {
        let mut state = 0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(seed) | 1;
        let made = random_text(&mut state);
        let _input = Input(made.clone());
        nvim.lua(
            "require('gpt').chat({ prompt = ..., new = true })",
            &[text(&format!("q\n{made}"))],
        )
        .await;
        ended(&nvim, usize::try_from(seed).unwrap()).await;
        lives(&nvim, true).await;
    }
    was_bounded(&nvim).await;
}

#[tokio::test]
async fn text_around_a_line_that_is_too_deep_keeps_its_colours() {
    let deep = format!("an **odd** one\n\n{} x\n\n```lua\nlocal x = 1\n```\n", ">".repeat(300));
    let (nvim, _server) = start([answer(&deep)]).await;
    open(&nvim).await;
    say(&nvim, "hi").await;
    ended(&nvim, 1).await;
    crate::highlighting::coloured(&nvim, "**odd**", "@markup.strong").await;
    crate::highlighting::coloured(&nvim, "local x", "@keyword.lua").await;
    clean(&nvim).await;
}

#[tokio::test]
async fn plugins_that_parse_a_whole_chat_are_off_while_it_holds_such_a_line_and_that_is_told_once() {
    let line = format!("{} x", "> ".repeat(300));
    let server = Server::start([answer("one"), answer(&line), answer(&line)]).await;
    let nvim = chat(&server, true).start().await;
    open(&nvim).await;
    say(&nvim, "hi").await;
    ended(&nvim, 1).await;
    nvim.wait_lua("return highlighter() and not is_held() and parsed > 0")
        .await;
    say(&nvim, "again").await;
    ended(&nvim, 2).await;
    nvim.wait_lua("return not highlighter() and is_held()").await;
    normal_mode(&nvim).await;
    nvim.lua("parsed = 0 vim.treesitter.start(chat_buffer())", &[]).await;
    nvim.feed("ggjk").await;
    lives(&nvim, true).await;
    assert_eq!(nvim.lua_i64("return parsed", &[]).await, 0, "nothing is parsed");
    nvim.lua("vim.treesitter.stop(chat_buffer())", &[]).await;
    nvim.feed(":g/> > > >/d<CR>").await;
    nvim.wait_lua("return highlighter() and not is_held() and parsed > 0")
        .await;
    nvim.feed("Gi").await;
    say(&nvim, "and again").await;
    ended(&nvim, 3).await;
    nvim.wait_lua("return not highlighter() and is_held()").await;
    let told = nvim.messages().await;
    assert_eq!(told.matches("Plugins that draw this chat are off").count(), 1, "{told}");
}

#[tokio::test]
async fn a_question_typed_or_pasted_with_such_a_line_switches_them_off_before_they_see_it() {
    let server = Server::start([answer("one")]).await;
    let nvim = chat(&server, true).start().await;
    open(&nvim).await;
    nvim.lua("vim.api.nvim_paste(('- '):rep(300) .. 'x', true, -1)", &[])
        .await;
    nvim.wait_lua("return not highlighter() and is_held()").await;
    nvim.feed("<Esc>u").await;
    nvim.wait_lua("return highlighter() and not is_held()").await;
    nvim.feed("300i> <Esc>").await;
    nvim.wait_lua("return not highlighter() and is_held()").await;
    nvim.feed(":e!<CR>").await;
    lives(&nvim, true).await;
    nvim.wait_lua("return is_held()").await;
}

#[tokio::test]
async fn only_the_gate_hands_text_to_a_parser() {
    let nvim = unconfigured().start().await;
    let found = nvim
        .lua_lines(
            "local found = {}
            for _, file in ipairs(vim.fn.globpath(..., 'lua/**/*.lua', true, true)) do
              local text = table.concat(vim.fn.readfile(file), '\\n')
              for _, name in ipairs({ 'get_parser', 'get_string_parser', 'treesitter.start', 'stylize_markdown', 'open_floating_preview', 'filetype = \"markdown' }) do
                if text:find(name, 1, true) then
                  found[#found + 1] = file:match('lua/gpt/.*$') .. ' ' .. name
                end
              end
            end
            table.sort(found)
            return found",
            &[text(env!("CARGO_MANIFEST_DIR"))],
        )
        .await;
    // The guard makes one without parsing, and an empty one, to keep others from parsing.
    let known = [
        "lua/gpt/chat/parser_guard.lua get_parser",
        "lua/gpt/chat/parser_guard.lua get_string_parser",
        "lua/gpt/chat/parser_guard.lua treesitter.start",
        "lua/gpt/gate.lua get_parser",
        "lua/gpt/gate.lua get_string_parser",
        "lua/gpt/gate.lua treesitter.start",
    ];
    assert_eq!(found, known);
}

#[tokio::test]
async fn depth_is_counted_by_what_a_line_opens_and_what_it_goes_on_with() {
    let nvim = unconfigured().start().await;
    for (line, is_beyond) in [
        ("> ".repeat(60), false),
        ("> ".repeat(100), true),
        (format!("{}- x", "\t".repeat(61)), true),
        (format!("{}- x", "  ".repeat(130)), true),
        (format!("{}foo()", "  ".repeat(200)), false),
        ("-".repeat(300), false),
        (format!("|{}", "---|".repeat(100)), false),
        (format!("a\r{}", ">".repeat(200)), true),
        (format!("\u{feff}{}", ">".repeat(200)), true),
        (format!("see {}", ">".repeat(200)), false),
        ("a word of prose. ".repeat(300), false),
    ] {
        let found = nvim
            .lua_bool(
                "local gate = require('gpt.gate') return gate.depth(...) > gate.MOST.depth",
                &[text(&line)],
            )
            .await;
        assert_eq!(found, is_beyond, "{line}");
    }
}
