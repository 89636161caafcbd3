//! A chat finds a window whatever the user's windows and options are, and leaves these as they were.

use crate::common::*;
use crate::support::answer::Answer;
use crate::support::nvim::Nvim;
use crate::support::server::Server;

const LONG: &str = "openrouter/anthropic/claude-sonnet-5:free";

/// An editor whose model has a long name.
async fn with_long_name(size: (u16, u16)) -> (Nvim, Server) {
    let server = Server::start(answer("The answer.")).await;
    let builder = configured(&server, "");
    let url = server.url();
    let config = format!("{{ model = 'test/{LONG}', providers = {{ test = {{ base_url = '{url}/v1' }} }} }}");
    (builder.config(config).size(size.0, size.1).start().await, server)
}

async fn with_layout(layout: &str) -> (Nvim, Server) {
    let server = Server::start([answer("The answer."), answer("Another.")]).await;
    let nvim = configured(
        &server,
        &format!("chat = {{ layout = '{layout}', start_insert = false }}"),
    )
    .start()
    .await;
    (nvim, server)
}

async fn shows_chat(nvim: &Nvim) {
    nvim.wait_lua("return vim.bo.filetype == 'gptchat'").await;
}

const IS_FLOAT: &str = "return vim.api.nvim_win_get_config(0).relative ~= ''";
/// The sizes of all windows.
const SIZES: &str = "return table.concat(vim.tbl_map(function(win)
  return vim.api.nvim_win_get_width(win) .. 'x' .. vim.api.nvim_win_get_height(win)
end, vim.api.nvim_tabpage_list_wins(0)), ' ')";

#[tokio::test]
async fn a_name_longer_than_the_split_is_cut_and_the_keys_give_way() {
    let (nvim, _server) = with_long_name((80, 24)).await;
    nvim.feed(":vertical GPTChat<CR>").await;
    let screen = nvim.wait_screen_contains("test/openrouter/anthropic/claude-sonn").await;
    assert!(screen.contains('…'), "{screen}");
    nvim.feed("<Esc>:vertical resize 15<CR>").await;
    nvim.wait_screen_contains(" test/openrou…").await;
    nvim.feed(":vertical resize 1<CR>:vertical resize 40<CR>").await;
    nvim.feed("Ahi<Esc><CR>").await;
    ended(&nvim, 1).await;
    clean(&nvim).await;
}

#[tokio::test]
async fn a_long_name_fits_tabs_and_splits_of_small_screens() {
    for command in ["tab GPTChat", "horizontal GPTChat", "GPTChat", "vertical GPTChat"] {
        for size in [(44, 24), (12, 3)] {
            let (nvim, _server) = with_long_name(size).await;
            nvim.command(command).await;
            assert_eq!(
                nvim.lua_string("return vim.bo.filetype", &[]).await,
                "gptchat",
                "{command} {size:?}"
            );
            clean(&nvim).await;
        }
    }
}

#[tokio::test]
async fn a_long_name_that_comes_into_an_open_split_or_a_narrowed_terminal_is_cut() {
    let (nvim, _server) = with_layout("vertical").await;
    nvim.command("GPTChat").await;
    nvim.wait_screen_contains("test/m1").await;
    nvim.feed(&format!(":GPTModel test/{LONG}<CR>")).await;
    nvim.wait_screen(|screen| screen.contains("test/openrouter/") && screen.contains('…'))
        .await;
    nvim.call("nvim_ui_try_resize", &[20.into(), 6.into()]).await;
    nvim.wait_screen_contains("…").await;
    clean(&nvim).await;
}

#[tokio::test]
async fn a_chat_floats_and_says_why_where_its_window_cannot_be_had() {
    let reasons = [
        ("set winfixbuf", "This window is fixed ('winfixbuf'): the chat floats."),
        (
            "set nohidden | call setline(1, 'x')",
            "The file is not saved ('nohidden'): the chat floats.",
        ),
    ];
    for (prepare, reason) in reasons {
        let (nvim, server) = with_layout("current").await;
        nvim.feed(&format!(":{prepare}<CR>:GPTChat why<CR>")).await;
        shows_chat(&nvim).await;
        assert!(nvim.lua_bool(IS_FLOAT, &[]).await, "{prepare}");
        ended(&nvim, 1).await;
        let said = clean(&nvim).await;
        assert!(said.contains(reason), "{said}");
        assert_eq!(conversation(&server.requests()[0]), said_one("why"));
    }
}

fn said_one(question: &str) -> Vec<(String, String)> {
    said(&[("user", question)])
}

#[tokio::test]
async fn a_chat_floats_where_there_is_no_room_to_split() {
    let (nvim, server) = with_layout("vertical").await;
    nvim.command("set winwidth=50 winminwidth=50").await;
    nvim.feed(":aboveleft vertical GPTChat why<CR>").await;
    ended(&nvim, 1).await;
    assert!(nvim.lua_bool(IS_FLOAT, &[]).await);
    assert!(
        clean(&nvim)
            .await
            .contains("There is no room for a split: the chat floats.")
    );
    assert_eq!(conversation(&server.requests()[0]), said_one("why"));
}

#[tokio::test]
async fn a_winfixbuf_window_splits_for_a_chat_beside_it() {
    let (nvim, _server) = with_layout("vertical").await;
    nvim.feed(":set winfixbuf<CR>:GPTChat<CR>").await;
    shows_chat(&nvim).await;
    assert!(!nvim.lua_bool(IS_FLOAT, &[]).await);
    clean(&nvim).await;
}

#[tokio::test]
async fn where_the_text_is_locked_a_question_goes_out_a_moment_later() {
    let (nvim, server) = with_layout("float").await;
    let map = "vim.keymap.set('n', 'X', function()
      require('gpt').chat({ prompt = 'locked?' })
      return ''
    end, { expr = true })";
    nvim.lua(map, &[]).await;
    nvim.feed("X").await;
    ended(&nvim, 1).await;
    assert_eq!(conversation(&server.requests()[0]), said_one("locked?"));
    shows_chat(&nvim).await;
    clean(&nvim).await;
}

#[tokio::test]
async fn where_the_text_is_locked_every_command_is_run_a_moment_later() {
    let (nvim, _server) = with_layout("float").await;
    let map = "vim.keymap.set('n', 'X', function()
      vim.cmd('GPT log')
      return ''
    end, { expr = true })";
    nvim.lua(map, &[]).await;
    nvim.feed("X").await;
    let shown = "return vim.api.nvim_buf_get_lines(0, 0, 1, false)[1]:find('^# ') ~= nil";
    nvim.wait_lua(shown).await;
    clean(&nvim).await;
}

#[tokio::test]
async fn files_opened_from_the_float_are_shown_in_the_window_below() {
    let (nvim, _server) = with_layout("float").await;
    let home = nvim.home().path().join("home");
    std::fs::write(home.join("a.lua"), "local a\n").unwrap();
    std::fs::write(home.join("b.lua"), "one\ntwo\nthree b\n").unwrap();
    std::fs::write(home.join("tags"), "mark\tb.lua\t/^three/\n").unwrap();
    nvim.feed(":edit a.lua<CR>:edit b.lua<CR>:edit a.lua<CR>").await;
    let ways = [
        ("gf", "b.lua", 0),
        ("gF", "b.lua", 3),
        (":edit +2 b.lua<CR>", "b.lua", 2),
        (":buffer b.lua<CR>", "b.lua", 0),
        (":tag mark<CR>", "b.lua", 3),
        (":drop b.lua<CR>", "b.lua", 0),
        ("<C-^>", "a.lua", 0),
        ("<C-o>", "a.lua", 0),
        (":enew<CR>", "", 0),
        (":split b.lua<CR>", "b.lua", 0),
    ];
    for (keys, name, line) in ways {
        nvim.command("only | edit a.lua | GPTChat").await;
        nvim.lua(
            "local last = vim.api.nvim_buf_line_count(0)
            vim.api.nvim_buf_set_lines(0, -2, -1, false, { 'see b.lua:3' }) vim.api.nvim_win_set_cursor(0, { last, 5 })",
            &[],
        )
        .await;
        nvim.feed(keys).await;
        let there = format!(
            "return vim.fn.expand('%:t') == '{name}' and vim.api.nvim_win_get_config(0).relative == '' and vim.bo.filetype ~= 'gptchat'
              and ({line} == 0 or vim.fn.line('.') == {line})"
        );
        nvim.wait_lua(&format!("{there} -- {}", keys.replace('\n', ""))).await;
        let floats = "return #vim.tbl_filter(function(w) return vim.api.nvim_win_get_config(w).relative ~= '' end, vim.api.nvim_list_wins()) == 0";
        nvim.wait_lua(floats).await;
    }
    clean(&nvim).await;
}

#[tokio::test]
async fn hiding_the_last_window_comes_back_to_the_file_that_was_there() {
    for layout in ["vertical", "horizontal", "current", "tab"] {
        let (nvim, _server) = with_layout(layout).await;
        nvim.feed(":edit file.txt<CR>:GPTChat<CR>").await;
        shows_chat(&nvim).await;
        nvim.feed(":silent! tabonly<CR>:silent! only<CR>:set winfixbuf<CR>q")
            .await;
        nvim.wait_lua("return vim.fn.expand('%:t') == 'file.txt'").await;
        assert_eq!(nvim.lua_string("return vim.wo.winbar", &[]).await, "", "{layout}");
        clean(&nvim).await;
    }
}

#[tokio::test]
async fn a_width_in_the_configuration_counts_in_splits_and_half_does_without() {
    let server = Server::start(Vec::<Answer>::new()).await;
    for (options, command, size) in [
        ("layout = 'vertical', width = 0.4", "GPTChat", "width(0) == 32"),
        ("layout = 'vertical', width = 30", "GPTChat", "width(0) == 30"),
        ("width = 0.4", "vertical GPTChat", "width(0) == 32"),
        ("layout = 'vertical'", "GPTChat", "width(0) == 40"),
        ("layout = 'horizontal', height = 12", "GPTChat", "height(0) == 12"),
        ("layout = 'float', width = 0.5", "GPTChat", "width(0) == 40"),
        ("layout = 'float'", "GPTChat", "width(0) == 64"),
        ("layout = 'vertical', width = 400", "GPTChat", "width(0) == 78"),
    ] {
        let nvim = configured(&server, &format!("chat = {{ {options} }}")).start().await;
        nvim.command(command).await;
        assert!(
            nvim.lua_bool(&format!("return vim.api.nvim_win_get_{size}"), &[]).await,
            "{options} {}",
            nvim.screen()
        );
    }
}

#[tokio::test]
async fn hiding_leaves_the_other_windows_as_they_were_and_a_resized_chat_keeps_its_size() {
    for (layout, resize, got) in [
        ("vertical", "vertical resize 30", "width(0) == 30"),
        ("horizontal", "resize 5", "height(0) == 5"),
    ] {
        for hide in ["q", ":q<CR>", "<C-w>c"] {
            let (nvim, _server) = with_layout(layout).await;
            nvim.command("vsplit | vertical resize 20 | split | resize 4").await;
            let before = nvim.lua_string(SIZES, &[]).await;
            nvim.feed(&format!(":GPTChat<CR>:{resize}<CR>")).await;
            let resized = format!("return vim.bo.filetype == 'gptchat' and vim.api.nvim_win_get_{got}");
            nvim.wait_lua(&resized).await;
            nvim.feed(hide).await;
            nvim.wait_lua(&format!(
                "return (function() {SIZES} end)() == '{before}' -- {layout} {hide}"
            ))
            .await;
            nvim.feed(":GPTChat<CR>").await;
            nvim.wait_lua(&resized).await;
            clean(&nvim).await;
        }
    }
}

#[tokio::test]
async fn options_that_bind_windows_to_each_other_do_not_bind_the_chat() {
    for layout in ["float", "vertical", "horizontal", "tab", "current"] {
        let (nvim, _server) = with_layout(layout).await;
        nvim.command("set scrollbind cursorbind | setglobal previewwindow | setglobal diff")
            .await;
        nvim.command("GPTChat").await;
        let bound = nvim
            .lua_bool(
                "return vim.wo.scrollbind or vim.wo.cursorbind or vim.wo.diff or vim.wo.previewwindow",
                &[],
            )
            .await;
        assert!(!bound, "{layout}");
        nvim.command("GPTChat!").await;
        assert!(
            !nvim
                .lua_bool("return vim.wo.scrollbind or vim.wo.cursorbind", &[])
                .await,
            "{layout}"
        );
        clean(&nvim).await;
    }
}

#[tokio::test]
async fn the_code_stays_where_it_is_while_an_answer_scrolls_a_scrollbound_editor() {
    let lines: Vec<String> = (0..200).map(|n| format!("line {n}\n\n")).collect();
    let server = Server::start(answer(&lines.concat())).await;
    let nvim = configured(&server, "").start().await;
    nvim.command("call setline(1, range(1, 500)) | set scrollbind cursorbind")
        .await;
    nvim.feed(":vertical GPTChat long<CR>").await;
    ended(&nvim, 1).await;
    nvim.wait_screen_contains("line 199").await;
    let top = nvim.lua_i64("return vim.fn.line('w0', vim.fn.bufwinid(1))", &[]).await;
    assert_eq!(top, 1, "{}", nvim.screen());
    clean(&nvim).await;
}

#[tokio::test]
async fn a_file_has_one_name_under_autochdir_lcd_and_tcd() {
    let changes = ["set autochdir", "lcd src/deep", "tcd src", "lcd /", "set noautochdir"];
    for change in changes {
        let (nvim, server) = with_layout("float").await;
        let home = nvim.home().path().join("home");
        std::fs::create_dir_all(home.join("src/deep")).unwrap();
        std::fs::create_dir_all(home.join(".git")).unwrap();
        std::fs::write(home.join("src/deep/a.lua"), "local a = 1\n").unwrap();
        nvim.command("edit src/deep/a.lua").await;
        nvim.command(change).await;
        nvim.feed(":1GPTChat why #buffer<CR>").await;
        ended(&nvim, 1).await;
        let sent = conversation(&server.requests()[0]);
        let (_, question) = sent.last().unwrap();
        assert!(
            question.contains("From `src/deep/a.lua`, line 1:"),
            "{change}: {question}"
        );
        assert!(question.contains("#buffer src/deep/a.lua"), "{change}: {question}");
        clean(&nvim).await;
    }
}

#[tokio::test]
async fn a_file_outside_of_the_project_is_called_by_its_last_part() {
    let (nvim, server) = with_layout("float").await;
    let outside = nvim.home().path().join("outside");
    std::fs::create_dir_all(&outside).unwrap();
    std::fs::create_dir_all(nvim.home().path().join("home/.git")).unwrap();
    std::fs::write(outside.join("b.lua"), "local b = 1\n").unwrap();
    nvim.command(&format!("edit {}", outside.join("b.lua").display())).await;
    nvim.feed(":1GPTChat why #buffer<CR>").await;
    ended(&nvim, 1).await;
    let sent = conversation(&server.requests()[0]);
    let question = &sent.last().unwrap().1;
    assert!(
        question.contains("From `b.lua`, line 1:") && question.contains("#buffer b.lua"),
        "{question}"
    );
    assert!(!question.contains("outside"), "{question}");
    clean(&nvim).await;
}

/// What `:Lazy reload` does.
const RELOAD: &str = "for name in pairs(package.loaded) do
  if name:match('^gpt') then package.loaded[name] = nil end
end
vim.g.loaded_gpt = nil
vim.cmd.source(... .. '/plugin/gpt.lua')";

#[tokio::test]
async fn after_a_reload_an_open_chat_goes_on() {
    let first = answer("one two three").gate_before_token(1, "on");
    let server = Server::start([first, answer("The second."), answer("The third.")]).await;
    let nvim = configured(&server, "").start().await;
    nvim.set_limit(std::time::Duration::from_secs(60));
    open(&nvim).await;
    say(&nvim, "hi").await;
    chat_holds(&nvim, "one").await;
    normal_mode(&nvim).await;
    nvim.lua(RELOAD, &[text(env!("CARGO_MANIFEST_DIR"))]).await;
    server.open("on");
    ended(&nvim, 1).await;
    nvim.feed("GAand then?<Esc><CR>").await;
    ended(&nvim, 2).await;
    let shown = [
        ("You", "hi"),
        ("test/m1", "one two three"),
        ("You", "and then?"),
        ("test/m1", "The second."),
    ];
    assert_eq!(chat_lines(&nvim).await, transcript(&shown));
    nvim.lua(RELOAD, &[text(env!("CARGO_MANIFEST_DIR"))]).await;
    nvim.feed(":GPTChat last<CR>").await;
    ended(&nvim, 3).await;
    chat_holds(&nvim, "The third.").await;
    assert_eq!(nvim.lua_i64("return chat_buffer(2) or 0", &[]).await, 0);
    assert_eq!(conversation(&server.requests()[2]).len(), 5);
    clean(&nvim).await;
}

#[tokio::test]
async fn chats_of_modules_that_new_ones_do_not_understand_are_told_to_be_closed() {
    let (nvim, _server) = with_layout("float").await;
    nvim.command("GPTChat").await;
    nvim.lua("_G.gpt_nvim_session.version = 0", &[]).await;
    nvim.lua(RELOAD, &[text(env!("CARGO_MANIFEST_DIR"))]).await;
    nvim.feed(":GPTChat!<CR>").await;
    nvim.wait_lua("return vim.api.nvim_exec2('messages', { output = true }).output:find('close older chats', 1, true)")
        .await;
}
