//! What an answer holds: reasoning between tags, sources, pictures and calls, seen in the chat.

use serde_json::{Value, json};

use crate::common::*;
use crate::reasoning::chunk;
use crate::support::answer::Answer;
use crate::support::nvim::Home;
use crate::support::server::Server;

/// An answer of these deltas, each a chunk, that ends well.
fn of(deltas: &[Value]) -> Answer {
    let end = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}).to_string();
    let payloads: Vec<String> = deltas.iter().map(chunk).chain([end, "[DONE]".to_owned()]).collect();
    Answer::sse(&payloads.iter().map(String::as_str).collect::<Vec<_>>())
}

fn words(pieces: &[&str]) -> Answer {
    of(&pieces.iter().map(|piece| json!({"content": piece})).collect::<Vec<_>>())
}

#[tokio::test]
async fn reasoning_between_tags_is_folded_and_not_sent_back() {
    let (nvim, server) = start([
        words(&["<th", "ink>hm", "\nwell</thi", "nk>\n\none two"]),
        answer("more"),
    ])
    .await;
    open(&nvim).await;
    say(&nvim, "hi").await;
    ended(&nvim, 1).await;
    let shown = "> **Reasoning**\n>\n> hm\n> well\n\none two";
    assert_eq!(
        chat_lines(&nvim).await,
        transcript(&[("You", "hi"), ("test/m1", shown)])
    );
    say(&nvim, "go on").await;
    ended(&nvim, 2).await;
    let sent = [("user", "hi"), ("assistant", "one two"), ("user", "go on")];
    assert_eq!(conversation(&server.requests()[1]), said(&sent));
    clean(&nvim).await;
}

#[tokio::test]
async fn a_picture_and_what_the_provider_ran_stand_below_the_answer_and_are_not_sent() {
    let picture = json!({"images": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBO"}}]});
    let ran = json!({"executed_tools": [{"index": 0, "type": "search"}]});
    let source = json!({"annotations": [
        {"type": "url_citation", "url_citation": {"url": "https://a.example/x", "title": format!("A\n\u{202e}{}", "x".repeat(10_000))}},
        {"type": "file_citation", "file_citation": {"file_id": "f1", "filename": "ai.pdf"}},
        {"type": "url_citation", "url_citation": {"url": "javascript:alert(1)", "title": "Bad"}}]});
    let (nvim, server) = start([of(&[picture, ran, source]), answer("more")]).await;
    open(&nvim).await;
    say(&nvim, "draw").await;
    ended(&nvim, 1).await;
    let lines = chat_lines(&nvim).await;
    let shown = lines.join("\n");
    assert!(shown.contains("**Run by the provider:** `search`"), "{shown}");
    assert!(shown.contains("**1 image, not shown yet**"), "{shown}");
    assert!(shown.contains("\n- ai.pdf\n- Bad\n"), "{shown}");
    assert!(lines.iter().all(|line| line.chars().count() < 200), "{shown}");
    assert!(!nvim.screen().contains("without a word"), "{}", nvim.screen());
    say(&nvim, "go on").await;
    ended(&nvim, 2).await;
    let sent = server.requests()[1].json().to_string();
    assert!(!sent.contains("not shown yet") && !sent.contains("ai.pdf"), "{sent}");
    clean(&nvim).await;
}

#[tokio::test]
async fn a_compressed_answer_is_named_and_an_event_stream_with_an_errors_status_is_read() {
    let compressed = Answer::whole(200, "text/event-stream", "\u{1}\u{2}").with_header("content-encoding", "br");
    let streamed =
        "event: error\ndata: {\"error\":{\"message\":\"The third shelf is full.\",\"code\":\"shelf_full\"}}\n\n";
    let failed = Answer::whole(400, "text/event-stream", streamed);
    let (nvim, _server) = start([compressed, failed]).await;
    open(&nvim).await;
    say(&nvim, "hi").await;
    ended(&nvim, 1).await;
    nvim.wait_screen_contains("sent its answer compressed").await;
    nvim.wait_screen_contains("(br)").await;
    nvim.feed("<Esc>gr").await;
    ended(&nvim, 2).await;
    nvim.wait_screen_contains("The third shelf is full.").await;
    clean(&nvim).await;
}

#[tokio::test]
async fn a_large_selection_is_asked_about_before_it_is_read() {
    let home = Home::new();
    home.write("big.txt", "0123456789abcdef\n".repeat(100_000));
    let server = Server::start([answer("ok")]).await;
    let init = "_G.asked = {} vim.fn.confirm = function(question) asked[#asked + 1] = question return 1 end";
    let file = home.path().join("home/big.txt");
    let nvim = configured(&server, "").init(init).home(&home).arg(file).start().await;
    nvim.feed(":%GPTChat<CR>").await;
    nvim.wait_lua("return #asked == 1").await;
    assert_eq!(
        nvim.lua_lines("return asked", &[]).await,
        ["This is 1.7 MB of text. Put it into the prompt?"]
    );
    nvim.feed("ggVG:GPT explain<CR>").await;
    nvim.wait_lua("return #asked == 2").await;
    nvim.feed(":1,3GPTChat<CR>").await;
    chat_holds(&nvim, "0123456789abcdef").await;
    assert_eq!(nvim.lua_i64("return #asked", &[]).await, 2);
    assert!(server.requests().is_empty());
    clean(&nvim).await;
}

#[tokio::test]
async fn a_file_in_utf_16_and_one_in_another_encoding_that_is_open_are_sent_as_text() {
    let home = Home::new();
    let little: Vec<u8> = "\u{feff}fn grün() {}\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    home.write("wide.txt", &little);
    // Without a mark: only the editor knows what it is.
    home.write("bare.txt", &little[2..]);
    let server = Server::start([answer("ok"), answer("ok")]).await;
    let nvim = configured(&server, "").home(&home).start().await;
    let bare = home.path().join("home/bare.txt");
    nvim.feed(&format!(":edit ++enc=utf-16le {}<CR>", bare.display())).await;
    nvim.wait_lua("return vim.fn.getline(1) == 'fn grün() {}'").await;
    open(&nvim).await;
    for (turn, file) in [(1, "wide.txt"), (2, "bare.txt")] {
        say(&nvim, &format!("what is #file:{file}")).await;
        ended(&nvim, turn).await;
        let sent = server.requests()[turn - 1].json().to_string();
        assert!(sent.contains("fn grün() {}"), "{file}: {sent}");
    }
    clean(&nvim).await;
}
