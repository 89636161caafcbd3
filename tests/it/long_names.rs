//! Names that are longer than the screen is wide: each entry of a list stays on one line.

use crate::common::*;
use crate::support::answer::Answer;
use crate::support::server::{Request, Server};

/// A provider that lists models with ids of thousands of letters.
fn lists(request: &Request) -> Answer {
    let ids = [
        "m1".to_owned(),
        "x".repeat(5000),
        "日本".repeat(2000),
        format!("b/{}", "y".repeat(300)),
    ];
    let data: Vec<_> = ids.iter().map(|id| serde_json::json!({ "id": id })).collect();
    match request.method.as_str() {
        "GET" => Answer::json(200, &serde_json::json!({ "data": data })),
        _ => answer("ok"),
    }
}

#[tokio::test]
async fn a_model_with_a_name_of_thousands_of_letters_takes_one_line_of_the_list() {
    for columns in [80, 40] {
        let server = Server::start(lists).await;
        let nvim = configured(&server, "").size(columns, 24).start().await;
        nvim.feed(":GPTModel!<CR>").await;
        let screen = nvim.wait_screen_contains("Type number").await;
        let rows: Vec<&str> = screen.lines().skip_while(|row| !row.starts_with("1: ")).collect();
        for (number, row) in rows.iter().take(5).enumerate() {
            assert!(row.starts_with(&format!("{}: ", number + 1)), "{screen}");
        }
        assert!(rows[5].starts_with("Type number"), "{screen}");
        assert!(
            columns < 80 || rows[0].contains("price"),
            "what is known of the others is in sight: {screen}"
        );
        nvim.feed("<CR>").await;
        clean(&nvim).await;
    }
}

#[tokio::test]
async fn a_chat_whose_model_has_a_long_name_takes_one_line_of_the_lists() {
    let server = Server::start(lists).await;
    let long = "y".repeat(300);
    let nvim = configured(&server, &format!("model = 'test/b/{long}'")).start().await;
    open(&nvim).await;
    say(&nvim, &"long words of a question ".repeat(20)).await;
    ended(&nvim, 1).await;
    normal_mode(&nvim).await;
    for list in ["GPT chats", "GPT history"] {
        nvim.feed(&format!(":{list}<CR>")).await;
        let screen = nvim.wait_screen_contains("Type number").await;
        let rows: Vec<&str> = screen.lines().skip_while(|row| !row.starts_with("1: ")).collect();
        assert!(
            rows[0].ends_with('…') && rows[1].starts_with("Type number"),
            "{list}\n{screen}"
        );
        nvim.feed("<CR>").await;
        nvim.wait_screen_lacks("Type number").await;
    }
    clean(&nvim).await;
}
