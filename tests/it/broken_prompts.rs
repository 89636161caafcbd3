//! Prompts of the user's library whose files are broken: each is named, and whoever wants one is told why it is none.

use std::fs;

use crate::common::*;
use crate::support::nvim::{Builder, Home, Nvim};
use crate::support::server::Server;

async fn with_prompts(files: &[(&str, &str)]) -> (Builder, Server, Home) {
    let (server, home) = (Server::start(vec![answer("x")]).await, Home::new());
    let folder = home.path().join("config/nvim/gpt/prompts");
    fs::create_dir_all(&folder).expect("a folder");
    for (name, content) in files {
        fs::write(folder.join(name), content).expect("a file");
    }
    let builder = configured(&server, "").home(&home);
    (builder, server, home)
}

const UNCLOSED: (&str, &str) = ("unclosed.md", "---\nname: unclosed\ndescription: x\n");

async fn said(nvim: &Nvim, words: &str) {
    nvim.wait_lua(&format!(
        "return vim.fn.execute('messages'):find({words:?}, 1, true) ~= nil"
    ))
    .await;
}

#[tokio::test]
async fn a_command_of_a_broken_prompt_says_what_is_wrong_with_its_file_each_time() {
    let (builder, server, _home) = with_prompts(&[UNCLOSED]).await;
    let nvim = builder.start().await;
    for time in 1..=3 {
        nvim.feed(":GPT unclosed<CR>").await;
        let count = "return select(2, vim.fn.execute('messages'):gsub('unclosed.md, line', ''))";
        nvim.wait_lua(&format!("return (function() {count} end)() >= {time}"))
            .await;
    }
    assert!(!nvim.messages().await.contains("no action"));
    assert_eq!(server.requests().len(), 0);
    clean(&nvim).await;
}

#[tokio::test]
async fn a_broken_prompt_that_is_named_in_a_chat_is_not_sent_as_text() {
    let (builder, server, _home) = with_prompts(&[UNCLOSED]).await;
    let nvim = builder.start().await;
    open(&nvim).await;
    nvim.feed("/unclosed this<C-s>").await;
    nvim.wait_screen_contains("unclosed.md, line").await;
    chat_holds(&nvim, "/unclosed this").await;
    assert_eq!(server.requests().len(), 0);
    clean(&nvim).await;
}

#[tokio::test]
async fn several_broken_prompts_are_told_in_one_message_and_whole_in_the_log() {
    let files = [
        UNCLOSED,
        ("other.md", "---\nnmae: a\n---\nx"),
        ("good.md", "---\n---\nGood."),
    ];
    let (builder, _server, _home) = with_prompts(&files).await;
    let nvim = builder.start().await;
    nvim.feed(":GPT good<CR>").await;
    ended(&nvim, 1).await;
    said(&nvim, "2 prompts are broken: other.md:2, unclosed.md:").await;
    nvim.feed(":GPT log<CR>").await;
    nvim.wait_screen_contains("other.md, line 2: there is no key nmae")
        .await;
    nvim.wait_screen_contains("unclosed.md, line").await;
    clean(&nvim).await;
}
