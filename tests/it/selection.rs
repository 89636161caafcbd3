//! What of a buffer goes into the prompt: exactly what the user selected, however they said so.

use crate::code::ten;
use crate::fixtures_lua::{chat_lines, is_calm, recording, said, work};
use crate::nvim;
use crate::support::answer::{Answer, Step};
use crate::support::nvim::{Builder, Nvim};
use crate::support::server::Server;

/// Three ways from a visual selection to the chat, as a user would map or type them.
const MAPS: &str = "
vim.keymap.set('x', 'gc', '<Cmd>GPTChat<CR>')
vim.keymap.set('x', 'gp', '<Plug>(gpt-chat)')
vim.keymap.set('x', 'gk', ':GPTChat<CR>')
vim.keymap.set('n', 'gp', '<Plug>(gpt-chat)')";

const WAYS: [&str; 4] = [":GPTChat<CR>", "gc", "gp", "gk"];

fn editor() -> Builder {
    nvim().init(MAPS)
}

/// An editor that shows a file of this name and content.
async fn showing(name: &str, content: impl AsRef<[u8]>) -> Nvim {
    let home = crate::support::nvim::Home::new();
    let path = home.write(name, content);
    editor().home(&home).arg(path).start().await
}

/// The prompt of the chat that the keys open, once the user is in it: all its lines.
async fn prompt(nvim: &Nvim, keys: &str) -> Vec<String> {
    nvim.feed(keys).await;
    nvim.wait_lua("return vim.bo.filetype == 'gptchat' and vim.fn.mode() == 'i'")
        .await;
    let lines = chat_lines(nvim).await;
    is_calm(&nvim.screen());
    lines
}

/// What the prompt of an empty chat is with this selection in it.
fn with_block(place: &str, language: &str, lines: &[&str]) -> Vec<String> {
    let opening = format!("```{language}");
    let mut all = vec!["## You", "", place, "", &opening];
    all.extend(lines);
    all.extend(["```", "", ""]);
    all.into_iter().map(str::to_owned).collect()
}

/// Selects by these keys in a file `f.txt` of this content, goes to the chat in each of the four ways, and finds
/// exactly these lines.
async fn takes(content: &str, keys: &str, place: &str, lines: &[&str]) {
    takes_with("", content, keys, place, lines).await;
}

async fn takes_with(setup: &str, content: &str, keys: &str, place: &str, lines: &[&str]) {
    for way in WAYS {
        let nvim = showing("f.txt", content).await;
        nvim.command("set filetype=").await;
        if !setup.is_empty() {
            nvim.command(setup).await;
        }
        let taken = prompt(&nvim, &format!("{keys}{way}")).await;
        assert_eq!(taken, with_block(place, "", lines), "{keys}{way}");
    }
}

// Ranges ---------------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn a_range_takes_its_lines_though_older_marks_say_otherwise() {
    for marks in ["", "2GVjj<Esc>", "5G2lvl10G<Esc>", "5Gl<C-v>10Gl<Esc>"] {
        let nvim = showing("f.txt", ten()).await;
        let taken = prompt(&nvim, &format!("{marks}G:5,10GPTChat<CR>")).await;
        let lines = ["line 5", "line 6", "line 7", "line 8", "line 9", "line 10"];
        assert_eq!(
            taken,
            with_block("From `f.txt`, lines 5-10:", "text", &lines),
            "{marks}"
        );
    }
}

#[tokio::test]
async fn a_range_from_a_program_takes_its_lines() {
    let nvim = showing("f.txt", ten()).await;
    nvim.command("5,6GPTChat").await;
    let taken = prompt(&nvim, "").await;
    assert_eq!(
        taken,
        with_block("From `f.txt`, lines 5-6:", "text", &["line 5", "line 6"])
    );
}

#[tokio::test]
async fn without_a_range_nothing_is_taken() {
    for marks in ["", "2GVjj<Esc>"] {
        let nvim = showing("f.txt", ten()).await;
        assert_eq!(prompt(&nvim, &format!("{marks}:GPTChat<CR>")).await, ["## You", "", ""]);
        let nvim = showing("f.txt", ten()).await;
        assert_eq!(prompt(&nvim, &format!("{marks}gp")).await, ["## You", "", ""]);
    }
}

#[tokio::test]
async fn percent_takes_the_whole_buffer() {
    let nvim = showing("f.txt", "a\n\nb\n").await;
    let taken = prompt(&nvim, ":%GPTChat<CR>").await;
    assert_eq!(taken, with_block("From `f.txt`, lines 1-3:", "text", &["a", "", "b"]));
}

#[tokio::test]
async fn a_count_takes_as_many_lines() {
    let nvim = showing("f.txt", ten()).await;
    let taken = prompt(&nvim, "4G2:GPTChat<CR>").await;
    assert_eq!(
        taken,
        with_block("From `f.txt`, lines 4-5:", "text", &["line 4", "line 5"])
    );
}

#[tokio::test]
async fn a_mapped_selection_is_exact_after_a_typed_range() {
    let nvim = showing("f.txt", ten()).await;
    prompt(&nvim, ":2,3GPTChat<CR>").await;
    nvim.feed("<Esc>q").await;
    nvim.wait_lua("return vim.bo.filetype == 'text'").await;
    let taken = prompt(&nvim, "2G0lv3lgk").await;
    assert_eq!(taken[taken.len() - 5..], ["```text", "ine ", "```", "", ""]);
}

#[tokio::test]
async fn a_range_that_is_typed_twice_takes_its_lines_twice() {
    let nvim = showing("f.txt", ten()).await;
    nvim.feed("5G2lvjl<Esc>").await;
    prompt(&nvim, ":5,6GPTChat<CR>").await;
    nvim.feed("<Esc>q").await;
    nvim.wait_lua("return vim.bo.filetype == 'text'").await;
    let taken = prompt(&nvim, ":5,6GPTChat<CR>").await;
    let lines = ["```text", "line 5", "line 6", "```", "", ""];
    assert_eq!(taken[taken.len() - 6..], lines);
    assert_eq!(taken[4..8], lines[..4]);
}

// Shapes ---------------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn a_characterwise_selection_is_exact() {
    let place = "From `f.txt`, lines 1-2:";
    takes("one two\nthree four\n", "wvj", place, &["two", "three"]).await;
    takes("one two\nthree four\n", "j0elvk0w", place, &["two", "three "]).await;
    takes("one two\n", "wvl", "From `f.txt`, line 1:", &["tw"]).await;
    takes("one two\nthree four\n", "v$", "From `f.txt`, line 1:", &["one two"]).await;
}

#[tokio::test]
async fn the_last_character_is_whole_whatever_its_bytes() {
    let place = "From `f.txt`, line 1:";
    takes("uma canção boa\n", "wve", place, &["canção"]).await;
    takes("ação\n", "lvl", place, &["çã"]).await;
    takes("日本語です\n", "lvl", place, &["本語"]).await;
    takes("日本語です\n", "$vhh", place, &["語です"]).await;
    // One character from Neovim 0.11 on, seven before: to the space it is the same.
    takes("a 👩‍👩‍👧‍👦 b\n", "wvt ", place, &["👩‍👩‍👧‍👦"]).await;
    takes("a 👍🏽 e\u{301}a\n", "wvw", place, &["👍🏽 e\u{301}"]).await;
}

#[tokio::test]
async fn a_linewise_selection_takes_whole_lines() {
    takes("  a\n\tb\nc\n", "Vj", "From `f.txt`, lines 1-2:", &["  a", "\tb"]).await;
    takes("a\n  b\nc\n", "GVk", "From `f.txt`, lines 2-3:", &["  b", "c"]).await;
    takes("a\n\nc\n", "jV", "From `f.txt`, line 2:", &[""]).await;
    takes("a\n\nc\n", "jv", "From `f.txt`, line 2:", &[""]).await;
}

#[tokio::test]
async fn a_blockwise_selection_takes_its_columns() {
    let place = "From `f.txt`, lines 1-3:";
    takes("abcdef\nab\nabcd\n", "l<C-v>jjll", place, &["bcd", "b", "bcd"]).await;
    takes("abcdef\nabcdef\nabcd\n", "l<C-v>jjll", place, &["bcd", "bcd", "bcd"]).await;
    takes("abcdef\nabcdef\nabcd\n", "jj3l<C-v>kkhh", place, &["bcd", "bcd", "bcd"]).await;
    takes("ações\ncoração\nção\n", "l<C-v>jjl", place, &["çõ", "or", "ão"]).await;
    takes("日本語\nabcdef\n日本語\n", "l<C-v>jj", place, &["本", "cd", "本"]).await;
}

#[tokio::test]
async fn a_block_to_the_end_of_lines_takes_each_to_its_end() {
    let place = "From `f.txt`, lines 1-3:";
    takes("ab\nabcdef\nabcd\n", "l<C-v>jj$", place, &["b", "bcdef", "bcd"]).await;
    takes("abcdef\n\nação\n", "l<C-v>jj$", place, &["bcdef", "", "ção"]).await;
    takes("\tab\n\tabc\n\td\n", "0l<C-v>jj$", place, &["ab", "abc", "d"]).await;
}

#[tokio::test]
async fn tabs_stay_tabs() {
    takes("\ta\tb\n\tc\n", "0v$h", "From `f.txt`, line 1:", &["\ta\tb"]).await;
    takes("\ta\n\tb\n", "0<C-v>jl", "From `f.txt`, lines 1-2:", &["\ta", "\tb"]).await;
}

#[tokio::test]
async fn an_exclusive_selection_leaves_its_last_character_out() {
    let place = "From `f.txt`, line 1:";
    takes_with("set selection=exclusive", "uma canção boa\n", "wve", place, &["canção"]).await;
    takes_with("set selection=exclusive", "abcdef\n", "vll", place, &["ab"]).await;
    takes_with("set selection=exclusive", "日本語\n", "v$", place, &["日本語"]).await;
    takes_with(
        "set selection=exclusive",
        "abcd\nabcd\n",
        "l<C-v>jll",
        "From `f.txt`, lines 1-2:",
        &["bc", "bc"],
    )
    .await;
}

#[tokio::test]
async fn bytes_that_are_no_text_do_no_harm() {
    for keys in [":%GPTChat<CR>", "VG:GPTChat<CR>", "vG$gp", "<C-v>G$gc"] {
        let nvim = showing("f.bin", b"a\0b\nc\xffd\n".as_slice()).await;
        nvim.command("edit ++enc=latin1").await;
        let taken = prompt(&nvim, keys).await;
        assert!(
            taken.iter().any(|line| line.starts_with('a') && line.ends_with('b')),
            "{keys}: {taken:?}"
        );
    }
}

// The block ------------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn the_block_names_path_lines_and_language() {
    let home = crate::support::nvim::Home::new();
    home.write("src/deep/a file.lua", "local x = 1\nreturn x\n");
    let nvim = editor().home(&home).start().await;
    nvim.command("edit src/deep/a\\ file.lua").await;
    let taken = prompt(&nvim, ":1,2GPTChat<CR>").await;
    let lines = ["local x = 1", "return x"];
    assert_eq!(
        taken,
        with_block("From `src/deep/a file.lua`, lines 1-2:", "lua", &lines)
    );
}

#[tokio::test]
async fn a_file_outside_of_the_project_is_named_by_its_last_part() {
    let home = crate::support::nvim::Home::new();
    let path = home.write("elsewhere/f.txt", "x\n");
    home.write("here/y", "");
    let nvim = editor()
        .home(&home)
        .directory(home.path().join("home/here"))
        .arg(&path)
        .start()
        .await;
    let taken = prompt(&nvim, "Vgp").await;
    assert_eq!(taken[2], "From `f.txt`, line 1:");
}

#[tokio::test]
async fn a_buffer_without_a_name_is_called_so() {
    let nvim = editor().start().await;
    nvim.feed("ihello<Esc>").await;
    nvim.wait_screen_contains("hello").await;
    let taken = prompt(&nvim, "Vgp").await;
    assert_eq!(
        taken,
        with_block("From a buffer without a name, line 1:", "", &["hello"])
    );
}

#[tokio::test]
async fn the_fence_is_longer_than_any_within() {
    let nvim = showing("f.md", "````md\n```lua\nx\n```\n````\n").await;
    let taken = prompt(&nvim, ":%GPTChat<CR>").await;
    assert_eq!(taken[4], "`````markdown");
    assert_eq!(taken[10], "`````");
}

#[tokio::test]
async fn a_file_with_dos_line_ends_gives_clean_lines() {
    for keys in [":%GPTChat<CR>", "VGgp", "vG$hgp", "<C-v>G$gp"] {
        let nvim = showing("f.txt", "one\r\ntwo\r\n").await;
        assert_eq!(nvim.lua_string("return vim.bo.fileformat", &[]).await, "dos");
        let taken = prompt(&nvim, keys).await;
        assert_eq!(
            taken,
            with_block("From `f.txt`, lines 1-2:", "text", &["one", "two"]),
            "{keys}"
        );
    }
}

// What becomes of it ---------------------------------------------------------------------------------------------------

#[tokio::test]
async fn a_disabled_buffer_is_refused_and_nothing_of_it_goes_into_the_prompt() {
    for keys in [
        ":%GPTChat<CR>",
        ":1GPTChat why<CR>",
        "Vgp",
        "Vgc",
        "Vgk",
        "V:GPTChat why<CR>",
        "V:lua require('gpt').chat({ selection = true, prompt = 'why' })<CR>",
    ] {
        let nvim = showing("f.txt", "confidential\n").await;
        nvim.command("lua vim.b.gpt_disable = true").await;
        nvim.feed(keys).await;
        let screen = nvim.wait_screen_contains("never sent (vim.b.gpt_disable).").await;
        is_calm(&screen);
        assert_eq!(nvim.lua_string("return vim.bo.filetype", &[]).await, "text", "{keys}");
        let leaked = nvim
            .lua_bool(
                "local chats = package.loaded['gpt.chat.chats']
                 local chat = chats and chats.current()
                 local lines = chat and vim.api.nvim_buf_get_lines(chat.buf, 0, -1, true) or {}
                 return table.concat(lines, '\\n'):find('confidential') ~= nil",
                &[],
            )
            .await;
        assert!(!leaked, "{keys}");
    }
}

#[tokio::test]
async fn a_selection_with_a_prompt_is_sent_at_once() {
    let server = Server::start([Answer::chat_tokens(&["fine"]), Answer::chat_tokens(&["fine"])]).await;
    let home = crate::support::nvim::Home::new();
    let path = home.write("f.txt", "uma canção boa\n");
    let start = recording().init(MAPS).home(&home).arg(path);
    let nvim = start.config(work(&server.url(), "chat", "")).start().await;
    nvim.feed("wve:GPTChat o que é isto?<CR>").await;
    let request = server.next_request().await;
    let expected = "o que é isto?\n\nFrom `f.txt`, line 1:\n\n```text\ncanção\n```";
    assert_eq!(said(&request), [expected]);
    let screen = nvim.wait_screen_contains("fine").await;
    is_calm(&screen);
    assert_eq!(
        nvim.lua_string("return vim.bo.filetype .. vim.fn.mode()", &[]).await,
        "gptchatn"
    );
}

#[tokio::test]
async fn a_draft_in_the_prompt_is_kept_when_a_selection_is_added() {
    let nvim = showing("f.txt", "one\ntwo\n").await;
    prompt(&nvim, ":GPTChat<CR>").await;
    nvim.feed("my draft<Esc>q").await;
    nvim.wait_lua("return vim.bo.filetype == 'text'").await;
    let first = prompt(&nvim, "Vgp").await;
    let expected = [
        "## You",
        "",
        "my draft",
        "",
        "From `f.txt`, line 1:",
        "",
        "```text",
        "one",
        "```",
        "",
        "",
    ];
    assert_eq!(first, expected);
    nvim.feed("and this<Esc>q").await;
    nvim.wait_lua("return vim.bo.filetype == 'text'").await;
    let second = prompt(&nvim, "jVgp").await;
    let expected = [
        "and this",
        "",
        "From `f.txt`, line 2:",
        "",
        "```text",
        "two",
        "```",
        "",
        "",
    ];
    assert_eq!(second[10..], expected);
}

#[tokio::test]
async fn a_selection_that_is_sent_while_an_answer_comes_waits_above_the_prompt() {
    let server = Server::start(Answer::chat_tokens(&["slow", "ly"]).before_token(1, Step::wait_for("go"))).await;
    let home = crate::support::nvim::Home::new();
    let path = home.write("f.txt", "one\n");
    let nvim = recording()
        .init(MAPS)
        .home(&home)
        .arg(path)
        .config(work(&server.url(), "chat", ""))
        .start()
        .await;
    nvim.feed(":GPTChat why<CR>").await;
    nvim.wait_screen_contains("slow").await;
    nvim.feed("q").await;
    nvim.wait_lua("return vim.bo.filetype == 'text'").await;
    nvim.feed("V:GPTChat and this?<CR>").await;
    let screen = nvim.wait_screen_contains("queued").await;
    is_calm(&screen);
    assert_eq!(server.requests().len(), 1);
    server.open("go");
    server.next_request().await;
    let request = server.next_request().await;
    let (_, asked) = crate::common::conversation(&request).pop().unwrap();
    assert_eq!(asked, "and this?\n\nFrom `f.txt`, line 1:\n\n```text\none\n```");
}

#[tokio::test]
async fn the_source_stays_as_it_was_and_the_user_is_in_the_chat() {
    const STATE: &str = "
        local buf = vim.fn.bufnr('f.txt')
        local registers = {}
        for name in ('\"0-*+/az'):gmatch('.') do registers[name] = vim.fn.getreginfo(name) end
        return vim.inspect({
          vim.api.nvim_buf_get_lines(buf, 0, -1, true), vim.api.nvim_buf_get_changedtick(buf), vim.bo[buf].modified, registers,
          vim.api.nvim_buf_get_mark(buf, '<'), vim.api.nvim_buf_get_mark(buf, '>'), vim.api.nvim_buf_get_mark(buf, '['),
          vim.api.nvim_buf_get_mark(buf, ']'), vim.api.nvim_buf_get_mark(buf, 'a'),
        })";
    for shape in ["wvj", "Vj", "l<C-v>jl", "l<C-v>j$"] {
        for way in WAYS {
            let nvim = showing("f.txt", "one two\nthree four\nfive\n").await;
            // The selection is made, left and made again, so that its marks stand before.
            nvim.feed(&format!("yymaw\"zyegg0{shape}<Esc>gg0")).await;
            nvim.wait_lua("return vim.fn.getpos(\"'>\")[2] == 2 and vim.fn.mode() == 'n'")
                .await;
            let before = nvim.lua_string(STATE, &[]).await;
            nvim.feed(&format!("{shape}{way}")).await;
            nvim.wait_lua("return vim.bo.filetype == 'gptchat' and vim.fn.mode() == 'i'")
                .await;
            let after = nvim.lua_string(STATE, &[]).await;
            assert_eq!(before, after, "{shape}{way}");
            nvim.feed("my question").await;
            nvim.wait_screen_contains("my question").await;
            assert_eq!(chat_lines(&nvim).await.last().map(String::as_str), Some("my question"));
        }
    }
}

#[tokio::test]
async fn the_marks_are_those_of_the_selection_just_made() {
    for way in WAYS {
        let nvim = showing("f.txt", ten()).await;
        nvim.feed("2GVj<Esc>5Glv2l").await;
        nvim.wait_lua("return vim.fn.mode() == 'v' and vim.fn.col('.') == 4")
            .await;
        prompt(&nvim, way).await;
        let marks = nvim
            .lua_string(
                "local buf = vim.fn.bufnr('f.txt')
                 return vim.inspect({ vim.api.nvim_buf_get_mark(buf, '<'), vim.api.nvim_buf_get_mark(buf, '>') })",
                &[],
            )
            .await;
        assert_eq!(marks.split_whitespace().collect::<String>(), "{{5,1},{5,3}}", "{way}");
    }
}
