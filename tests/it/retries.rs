//! What a user sees of a request that is sent again: after a failure that may pass, or without a refused parameter.

use serde_json::json;

use crate::common::clean;
use crate::fixtures_lua::{chat_lines, events, flat, is_calm, recording, says, work};
use crate::support::answer::{Answer, Step};
use crate::support::nvim::Nvim;
use crate::support::server::{Script, Server};

/// A refusal in OpenAI's envelope, with this wait.
fn busy(status: u16, code: &str, milliseconds: u32) -> Answer {
    let error = json!({ "error": { "message": "Not now.", "type": "requests", "param": null, "code": code } });
    Answer::json(status, &error).with_header("retry-after-ms", &milliseconds.to_string())
}

fn well() -> Answer {
    Answer::chat_tokens(&["all ", "well"])
}

/// A server with this script, and an editor that asks it on this wire; `why` has been asked.
async fn asked(script: impl Into<Script>, wire: &str, options: &str) -> (Nvim, Server) {
    let server = Server::start(script).await;
    let nvim = recording().config(work(&server.url(), wire, options)).start().await;
    nvim.feed(":GPTChat why<CR>").await;
    (nvim, server)
}

/// The chat's text, without what stands beside it.
async fn text(nvim: &Nvim) -> String {
    chat_lines(nvim).await.join("\n")
}

/// Waits until so many answers are whole.
async fn done(nvim: &Nvim, count: usize) {
    let whole = "#vim.tbl_filter(function(event) return event:find('GPTAnswerDone') end, answer_events)";
    nvim.wait_lua(&format!("return {whole} == {count}")).await;
}

const ANSWERED: &str = "## You\n\nwhy\n\n## work/m\n\nall well\n\n## You\n\n";

#[tokio::test]
async fn a_request_that_comes_too_early_is_sent_again_and_answered_once() {
    for status in [408, 409, 429, 500, 503] {
        let (nvim, server) = asked([busy(status, "slow_down", 1), well()], "chat", "").await;
        says(&nvim, "all well").await;
        let requests = server.requests();
        assert_eq!(requests.len(), 2, "{status}");
        assert_eq!(requests[0].body, requests[1].body);
        done(&nvim, 1).await;
        assert_eq!(text(&nvim).await, ANSWERED);
        assert!(!flat(&nvim.screen()).contains("Tried"), "{}", nvim.screen());
    }
}

#[tokio::test]
async fn a_connection_that_is_reset_before_the_answer_is_asked_again() {
    let begun = Answer::new([
        Step::Status(200),
        Step::header("Transfer-Encoding", "chunked"),
        Step::Reset,
    ]);
    for reset in [Answer::new([Step::Reset]), begun] {
        let (nvim, server) = asked([reset, well()], "chat", "").await;
        says(&nvim, "No connection to 127.0.0.1:").await;
        says(&nvim, "all well").await;
        done(&nvim, 1).await;
        assert_eq!(server.requests().len(), 2);
        assert_eq!(text(&nvim).await, ANSWERED);
    }
}

#[tokio::test]
async fn an_answer_that_has_begun_is_not_asked_for_again() {
    let error = r#"{"error":{"message":"Busy.","type":"server_error","code":"server_is_overloaded"}}"#;
    let piece = r#"{"choices":[{"index":0,"delta":{"content":"half of"}}]}"#;
    for (answer, sentence) in [
        (well().cut_after_tokens(0, Step::Reset), "The answer broke off."),
        (Answer::sse(&[piece, error]), "work is overloaded. Wait a little"),
    ] {
        let (nvim, server) = asked([answer, well()], "chat", "").await;
        is_calm(&says(&nvim, sentence).await);
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn a_server_that_says_in_the_stream_that_it_is_busy_before_anything_else_is_asked_again() {
    let begun = r#"{"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}"#;
    for (wire, busy) in [
        (
            "chat",
            vec![
                begun,
                r#"{"error":{"message":"Busy. Try again in 1ms.","type":"server_error","code":"server_is_overloaded"}}"#,
            ],
        ),
        (
            "chat",
            vec![r#"{"object":"error","message":"Slow down. Try again in 1ms.","code":429}"#],
        ),
        (
            "responses",
            vec![
                r#"{"type":"response.created","response":{"status":"in_progress"}}"#,
                r#"{"type":"error","code":"rate_limit_exceeded","message":"Try again in 1ms."}"#,
            ],
        ),
        (
            "anthropic",
            vec![
                r#"{"type":"message_start","message":{"usage":{"input_tokens":3}}}"#,
                r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded, try again in 1ms."}}"#,
            ],
        ),
        (
            "gemini",
            vec![
                r#"{"error":{"code":503,"message":"The model is overloaded. Try again in 1ms.","status":"UNAVAILABLE"}}"#,
            ],
        ),
    ] {
        let next = match wire {
            "responses" => Answer::responses_tokens(&["all ", "well"]),
            "anthropic" => Answer::sse(&[
                r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"all well"}}"#,
                r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"}}"#,
                r#"{"type":"message_stop"}"#,
            ]),
            "gemini" => {
                Answer::sse(&[r#"{"candidates":[{"content":{"parts":[{"text":"all well"}]},"finishReason":"STOP"}]}"#])
            }
            _ => well(),
        };
        let (nvim, server) = asked([Answer::sse(&busy), next], wire, "").await;
        says(&nvim, "all well").await;
        done(&nvim, 1).await;
        assert_eq!(server.requests().len(), 2, "{wire}");
        assert_eq!(text(&nvim).await, ANSWERED, "{wire}");
    }
}

#[tokio::test]
async fn an_error_in_the_stream_that_asking_again_does_not_help_is_told_at_once() {
    for (error, sentence) in [
        (
            r#"{"error":{"type":"permission_error","message":"Not for you."}}"#,
            "does not allow this.",
        ),
        (
            r#"{"error":{"type":"not_found_error","message":"model: m"}}"#,
            "work has no model m",
        ),
        (
            r#"{"error":{"type":"billing_error","message":"No card."}}"#,
            "You exceeded your current quota",
        ),
        (r#"{"error":"what it is nobody knows"}"#, "what it is nobody knows"),
    ] {
        let (nvim, server) = asked([Answer::sse(&[error]), well()], "chat", "").await;
        is_calm(&says(&nvim, sentence).await);
        assert!(!flat(&nvim.screen()).contains("not your mistake"), "{}", nvim.screen());
        assert_eq!(server.requests().len(), 1, "{error}");
    }
}

#[tokio::test]
async fn a_used_up_quota_is_asked_only_once_whatever_the_server_wishes() {
    let quota = busy(429, "insufficient_quota", 1).with_header("x-should-retry", "true");
    let (nvim, server) = asked([quota, well()], "chat", "").await;
    says(&nvim, "You exceeded your current quota").await;
    assert_eq!(server.requests().len(), 1);
    assert!(!flat(&nvim.screen()).contains("Tried"), "{}", nvim.screen());
}

#[tokio::test]
async fn a_server_that_does_not_want_to_be_asked_again_is_not() {
    let server_says = |no: &str| busy(503, "slow_down", 1).with_header("x-should-retry", no);
    let (nvim, server) = asked([server_says("false"), well()], "chat", "").await;
    says(&nvim, "work is overloaded.").await;
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn the_wait_is_counted_down_in_the_users_language() {
    let script = [busy(429, "rate_limit_exceeded", 2_100), well()];
    let (nvim, _server) = asked(script, "chat", "locale = 'pt'").await;
    let countdown = "work está com muita demanda (HTTP 429) · nova tentativa em 3 s · <C-c> interrompe";
    is_calm(&says(&nvim, countdown).await);
    says(&nvim, "nova tentativa em 1 s").await;
    says(&nvim, "all well").await;
}

#[tokio::test]
async fn the_wait_is_counted_down_with_its_reason_and_the_key_that_stops_it() {
    let (nvim, server) = asked([busy(429, "rate_limit_exceeded", 2_100), well()], "chat", "").await;
    let screen = says(&nvim, "work is busy (HTTP 429) · asks again in 3 s · <C-c> stops").await;
    is_calm(&screen);
    says(&nvim, "asks again in 2 s").await;
    says(&nvim, "asks again in 1 s").await;
    says(&nvim, "all well").await;
    done(&nvim, 1).await;
    assert!(!nvim.screen().contains("asks again"), "{}", nvim.screen());
    assert_eq!(text(&nvim).await, ANSWERED);
    assert_eq!(server.requests().len(), 2);
    assert_eq!(clean(&nvim).await, "");
}

#[tokio::test]
async fn the_key_that_the_user_chose_for_stopping_is_named() {
    for (keys, named) in [("'<C-x>'", "<C-x> stops"), ("false", ":GPT stop stops")] {
        let options = format!("chat = {{ keymaps = {{ stop = {keys} }} }}");
        let (nvim, _server) = asked([busy(503, "slow_down", 60_000)], "chat", &options).await;
        says(&nvim, &format!("asks again in 60 s · {named}")).await;
    }
}

#[tokio::test]
async fn stopping_ends_the_wait_and_nothing_is_sent_again() {
    for how in ["<C-c>", ":GPT stop<CR>"] {
        let (nvim, server) = asked([busy(429, "rate_limit_exceeded", 60_000), well()], "chat", "").await;
        says(&nvim, "asks again in").await;
        nvim.feed("<Esc>").await;
        nvim.wait_lua("return vim.fn.mode() == 'n'").await;
        nvim.feed(how).await;
        let screen = says(&nvim, "Stopped.").await;
        assert!(!screen.contains("asks again"), "{screen}");
        assert_eq!(events(&nvim, "GPTAnswerStopped").await.len(), 1);
        nvim.feed(":GPTChat again<CR>").await;
        says(&nvim, "all well").await;
        assert_eq!(server.requests().len(), 2, "{how}");
    }
}

#[tokio::test]
async fn once_it_is_asked_again_the_spinner_waits_as_before() {
    let (nvim, server) = asked(
        [busy(503, "slow_down", 300), well().after(Step::wait_for("go"))],
        "chat",
        "",
    )
    .await;
    says(&nvim, "asks again in 1 s").await;
    nvim.wait_screen(|screen| screen.contains("waiting") && !screen.contains("asks again"))
        .await;
    server.open("go");
    says(&nvim, "all well").await;
}

// Refused parameters ---------------------------------------------------------------------------------------------------

/// The refusal of a parameter.
fn refusing(code: &str, param: &str) -> Answer {
    let message = format!("Unsupported parameter: '{param}' is not supported with this model.");
    let error =
        json!({ "error": { "message": message, "type": "invalid_request_error", "param": param, "code": code } });
    Answer::json(400, &error)
}

#[tokio::test]
async fn a_refused_parameter_is_left_out_with_a_notice_and_for_the_rest_of_the_session() {
    let script = [refusing("unsupported_parameter", "temperature"), well(), well()];
    let (nvim, server) = asked(script, "chat", "chat = { temperature = 0.3 }").await;
    for sentence in [
        "work refuses temperature for m: it was asked without.",
        "To leave it out for good: providers.work.params = { temperature = vim.NIL }, or no chat.temperature.",
    ] {
        is_calm(&says(&nvim, sentence).await);
    }
    done(&nvim, 1).await;
    assert_eq!(text(&nvim).await, ANSWERED);
    nvim.feed(":GPTChat again<CR>").await;
    done(&nvim, 2).await;
    assert!(!flat(&nvim.screen()).contains("refuses"), "{}", nvim.screen());
    let temperatures: Vec<_> = server
        .requests()
        .iter()
        .map(|request| request.json().get("temperature").cloned())
        .collect();
    assert_eq!(temperatures, [Some(json!(0.3)), None, None]);
}

#[tokio::test]
async fn what_the_notice_says_to_set_leaves_the_parameter_out() {
    let options = "chat = { temperature = 0.3 }";
    let server = Server::start(well()).await;
    let config =
        work(&server.url(), "chat", options).replace("key = false", "key = false, params = { temperature = vim.NIL }");
    let nvim = recording().config(config).start().await;
    nvim.feed(":GPTChat why<CR>").await;
    says(&nvim, "all well").await;
    assert_eq!(server.requests()[0].json().get("temperature"), None);
}

#[tokio::test]
async fn a_refused_parameter_within_an_object_of_params_is_left_out() {
    let server = Server::start([
        refusing("unsupported_value", "reasoning.effort"),
        Answer::responses_tokens(&["all ", "well"]),
    ])
    .await;
    let params = "key = false, params = { reasoning = { effort = 'low' }, verbosity = 'low' }";
    let config = work(&server.url(), "responses", "").replace("key = false", params);
    let nvim = recording().config(config).start().await;
    nvim.feed(":GPTChat why<CR>").await;
    says(&nvim, "work refuses reasoning.effort for m: it was asked without.").await;
    says(&nvim, "take it out of providers.work.params.").await;
    let body = server.requests()[1].json();
    assert_eq!((body.get("reasoning"), body["verbosity"].as_str()), (None, Some("low")));
}

#[tokio::test]
async fn fields_that_fastapi_and_mistral_forbid_are_left_out() {
    let forbidden = |field: &str| json!({ "type": "extra_forbidden", "loc": ["body", field], "msg": "Extra inputs are not permitted" });
    let detail = json!({ "detail": [forbidden("stream_options"), forbidden("temperature")] });
    let mistral =
        json!({ "object": "error", "message": detail, "type": "invalid_request_error", "param": null, "code": null });
    for body in [detail.clone(), mistral] {
        let script = [Answer::json(422, &body), well()];
        let (nvim, server) = asked(script, "chat", "chat = { temperature = 0.3 }").await;
        says(&nvim, "all well").await;
        says(
            &nvim,
            "work refuses stream_options, temperature for m: it was asked without.",
        )
        .await;
        let sent = server.requests()[1].json();
        assert_eq!((sent.get("stream_options"), sent.get("temperature")), (None, None));
    }
}

#[tokio::test]
async fn a_second_refused_parameter_is_told_and_not_tried() {
    let script = [
        refusing("unsupported_parameter", "temperature"),
        refusing("unsupported_parameter", "max_tokens"),
        well(),
    ];
    let (nvim, server) = asked(script, "chat", "chat = { temperature = 0.3, max_tokens = 9 }").await;
    says(&nvim, "work refuses max_tokens for m.").await;
    says(&nvim, "work refuses temperature for m: it was asked without.").await;
    assert_eq!(server.requests().len(), 2);
    assert_eq!(events(&nvim, "GPTAnswerFailed").await.len(), 1);
}

#[tokio::test]
async fn a_server_that_will_not_stream_is_asked_for_the_whole_answer() {
    let whole = json!({ "choices": [{ "index": 0, "finish_reason": "stop", "message": { "role": "assistant", "content": "all well" } }] });
    let (nvim, server) = asked(
        [refusing("unsupported_value", "stream"), Answer::json(200, &whole)],
        "chat",
        "",
    )
    .await;
    says(&nvim, "work refuses stream").await;
    assert_eq!(text(&nvim).await, ANSWERED);
    let body = server.requests()[1].json();
    assert_eq!((body.get("stream"), body.get("stream_options")), (None, None));
}

#[tokio::test]
async fn a_parameter_that_the_request_does_not_hold_or_needs_is_told_and_not_asked_again() {
    for param in ["top_p", "messages"] {
        let (nvim, server) = asked([refusing("unsupported_parameter", param), well()], "chat", "").await;
        says(&nvim, &format!("work refuses {param} for m.")).await;
        assert_eq!(server.requests().len(), 1);
    }
}
