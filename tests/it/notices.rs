//! Notices and the log: that they can be read whole, are told once, and leave nothing behind.

use crate::common::*;
use crate::support::nvim::Nvim;

/// An editor with an open chat.
async fn chat() -> Nvim {
    let (nvim, _server) = start([answer("unasked")]).await;
    open(&nvim).await;
    normal_mode(&nvim).await;
    nvim
}

/// Places a notice beside the prompt of the chat.
async fn place(nvim: &Nvim, notice: &str) {
    let code = format!(
        "require('gpt.chat.notices').place(require('gpt.chat.chats').current(), 0, vim.json.decode([[{notice}]]))"
    );
    nvim.lua(&code, &[]).await;
}

#[tokio::test]
async fn a_word_longer_than_the_window_is_shown_to_its_end() {
    let nvim = chat().await;
    let address = format!("https://a.example/{}END", "日x".repeat(80));
    place(
        &nvim,
        &format!(r#"{{"level": "error", "title": "Not found: {address}", "advice": ""}}"#),
    )
    .await;
    nvim.wait_screen_contains("END").await;
}

#[tokio::test]
async fn what_the_title_says_is_not_said_again_by_the_details() {
    let nvim = chat().await;
    let notice =
        r#"{"level": "error", "title": "It broke. Again.", "advice": "Mend it.", "details": ["It broke.", "More"]}"#;
    place(&nvim, notice).await;
    let screen = nvim.wait_screen_contains("More").await;
    assert_eq!(screen.matches("It broke").count(), 1, "{screen}");
}

#[tokio::test]
async fn a_notice_is_wrapped_anew_when_the_window_gets_narrower() {
    let nvim = chat().await;
    let words: Vec<String> = (1..=12).map(|n| format!("word{n}")).collect();
    let notice = format!(
        r#"{{"level": "warning", "title": "{}", "advice": ""}}"#,
        words.join(" ")
    );
    place(&nvim, &notice).await;
    nvim.wait_screen_contains("word12").await;
    nvim.call("nvim_ui_try_resize", &[50.into(), 24.into()]).await;
    nvim.wait_lua("return vim.o.columns == 50 and vim.api.nvim_win_get_width(0) < 50")
        .await;
    nvim.wait_screen(|screen| words.iter().all(|word| screen.contains(word)))
        .await;
}

#[tokio::test]
async fn what_is_told_in_insert_mode_is_there_after_it() {
    let nvim = chat().await;
    nvim.feed("A<C-s>").await;
    let told = "return select(2, vim.fn.execute('messages'):gsub('Nothing to send%.', ''))";
    wait(&nvim, format!("{told} == 1")).await;
    nvim.wait_screen_contains("-- INSERT --").await;
    nvim.feed("<Esc>").await;
    let is_there = |screen: &str| {
        screen
            .lines()
            .last()
            .is_some_and(|line| line.contains("Nothing to send."))
    };
    nvim.wait_screen(is_there).await;
    assert!(nvim.lua_bool(&format!("{told} == 1"), &[]).await, "it was told once");
}

#[tokio::test]
async fn the_log_holds_the_last_200_notices_and_is_shown_from_its_end() {
    let nvim = chat().await;
    let many = "for n = 1, 250 do
      require('gpt.ui.notice').inform({ level = 'info', title = 'notice' .. n .. '\\n\\0', advice = '' })
    end";
    nvim.lua("vim.notify = function() end", &[]).await;
    nvim.lua(many, &[]).await;
    nvim.feed(":GPT log<CR>").await;
    nvim.wait_screen_contains("notice250").await;
    assert!(
        nvim.lua_bool("return vim.fn.line('.') == vim.fn.line('$')", &[]).await,
        "{}",
        nvim.screen()
    );
    let lines = nvim.lines(0).await;
    let told = lines.iter().filter(|line| line.starts_with("notice")).count();
    assert_eq!((told, lines.contains(&"notice51".to_owned())), (200, true));
    assert!(!lines.contains(&"notice50".to_owned()));
    assert_eq!(clean(&nvim).await, "");
}

#[tokio::test]
async fn a_file_can_be_opened_from_the_log_in_its_window_with_the_options_of_a_file() {
    for layout in ["", "vertical "] {
        let (nvim, _server) = start([answer("unasked")]).await;
        nvim.feed(&format!(":{layout}GPTChat<CR><Esc>")).await;
        nvim.wait_lua("return vim.bo.filetype == 'gptchat' and vim.fn.mode() == 'n'")
            .await;
        nvim.feed(":GPT log<CR>").await;
        nvim.wait_screen_contains("own log:").await;
        let method = nvim.lua_string("return vim.wo.foldmethod", &[]).await;
        assert_eq!(method, "manual", "Neovim's default");
        assert!(!nvim.lua_bool("return vim.wo.winfixbuf", &[]).await);
        nvim.feed(":edit some-file<CR>").await;
        nvim.wait_lua("return vim.fn.expand('%') == 'some-file'").await;
        clean(&nvim).await;
    }
}
