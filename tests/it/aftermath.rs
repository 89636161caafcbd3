//! What a chat shows after `:e!`, an undo or a broken message in the middle of things.

use crate::common::*;
use crate::reasoning::thoughtful;
use crate::support::nvim::Nvim;

#[tokio::test]
async fn a_question_that_waits_says_so_after_the_buffer_was_read_again_in_mid_stream() {
    let (nvim, server) = start([answer("one two").gate_before_token(1, "on"), answer("three")]).await;
    open(&nvim).await;
    say(&nvim, "hi").await;
    nvim.wait_screen_contains("one").await;
    say(&nvim, "and then?").await;
    nvim.wait_screen_contains("queued").await;
    normal_mode(&nvim).await;
    nvim.feed(":e!<CR>").await;
    nvim.wait_screen_contains("queued").await;
    server.open("on");
    ended(&nvim, 2).await;
    let sent = [("user", "hi"), ("assistant", "one two"), ("user", "and then?")];
    assert_eq!(conversation(&server.requests()[1]), said(&sent));
    assert!(!nvim.screen().contains("queued"), "{}", nvim.screen());
    clean(&nvim).await;
}

/// What stands at the right edge of the second heading.
async fn edge(nvim: &Nvim) -> String {
    let code = "local chat = require('gpt.chat.chats').current()
      local mark = require('gpt.chat.headings').all(chat)[2].mark
      local at = vim.api.nvim_buf_get_extmark_by_id(chat.buf, require('gpt.chat.headings').SPACE, mark, { details = true })
      return at[3].virt_text and at[3].virt_text[1][1] or ''";
    nvim.lua_string(code, &[]).await
}

async fn title(nvim: &Nvim) -> String {
    nvim.lua_string(
        "return require('gpt.chat.title').of(require('gpt.chat.chats').current(), 200)",
        &[],
    )
    .await
}

#[tokio::test]
async fn an_undone_branch_shows_its_number_and_its_gauge_again() {
    let server = crate::support::server::Server::start([answer("a"), answer("b is a longer answer than that")]).await;
    let more = "models = { ['test/m1'] = { window = 8000 } }";
    let nvim = configured(&server, more).start().await;
    open(&nvim).await;
    say(&nvim, "q").await;
    ended(&nvim, 1).await;
    normal_mode(&nvim).await;
    let before = title(&nvim).await;
    assert!(before.contains("11 of"), "{before}");
    nvim.feed("gr").await;
    ended(&nvim, 2).await;
    let after = title(&nvim).await;
    assert!(edge(&nvim).await.contains("2/2"));
    nvim.feed("uu").await;
    nvim.wait_lines(0, |lines| lines == transcript(&[("You", "q"), ("test/m1", "a")]))
        .await;
    nvim.wait_screen_contains("1/2").await;
    assert!(edge(&nvim).await.contains("1/2"));
    assert_eq!(title(&nvim).await, before);
    nvim.feed("<C-r><C-r>").await;
    nvim.wait_screen_contains("2/2").await;
    assert!(edge(&nvim).await.contains("2/2"));
    assert_eq!(title(&nvim).await, after);
    clean(&nvim).await;
}

#[tokio::test]
async fn a_question_that_the_program_cannot_read_stays_and_the_next_one_goes_out() {
    let (nvim, server) = start([answer("one")]).await;
    open(&nvim).await;
    let garbled = "local remote = require('gpt.client')
      local notify = remote.notify
      remote.notify = function(event)
        if event.event == 'sent' then
          event.prompt, remote.notify = { 1 }, notify
        end
        return notify(event)
      end
      return true";
    nvim.lua(garbled, &[]).await;
    say(&nvim, "hi").await;
    nvim.wait_screen_contains("✗").await;
    assert!(chat_lines(&nvim).await.contains(&"hi".to_owned()));
    nvim.feed("<C-s>").await;
    ended(&nvim, 1).await;
    assert_eq!(conversation(&server.requests()[0]), said(&[("user", "hi")]));
    clean(&nvim).await;
}

#[tokio::test]
async fn an_answer_of_reasoning_alone_stays_where_it_is_until_the_user_takes_it_away() {
    let first = thoughtful(&["hm"], &["never"]).gate_before_token(1, "never");
    let (nvim, server) = start([first, answer("one"), answer("two")]).await;
    open(&nvim).await;
    say(&nvim, "hi").await;
    chat_holds(&nvim, "> hm").await;
    normal_mode(&nvim).await;
    nvim.feed("<C-c>").await;
    ended(&nvim, 1).await;
    nvim.feed("GAgo on<Esc><CR>").await;
    ended(&nvim, 2).await;
    let thought = "> **Reasoning**\n>\n> hm";
    let lines = chat_lines(&nvim).await;
    let shown = lines.join("\n");
    assert!(
        shown.contains(thought) && shown.contains("go on\n\n## test/m1\n\none"),
        "{shown}"
    );
    assert_eq!(
        conversation(&server.requests()[1])
            .last()
            .unwrap()
            .1
            .split_whitespace()
            .last(),
        Some("on")
    );
    assert!(!server.requests()[1].json().to_string().contains("hm"));
    nvim.feed("zR/Reasoning<CR>0d}GAmore<Esc><CR>").await;
    ended(&nvim, 3).await;
    let shown = chat_lines(&nvim).await.join("\n");
    assert!(
        !shown.contains("Reasoning") && shown.matches("## test/m1").count() == 2,
        "{shown}"
    );
    clean(&nvim).await;
}
