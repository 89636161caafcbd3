//! What a user sees when a turn fails, and what does not become of it.

use std::fs;

use serde_json::json;

use crate::fixtures_lua::{chat_lines, events, flat, is_calm, recording, said, says, work};
use crate::support::answer::{Answer, Step};
use crate::support::nvim::Nvim;
use crate::support::server::{Refusing, Server};

const QUOTA: &str = "You exceeded your current quota, please check your plan and billing details.";

/// An answer in OpenAI's envelope.
fn refusal(status: u16, code: &str, kind: &str, message: &str) -> Answer {
    Answer::json(
        status,
        &json!({ "error": { "message": message, "type": kind, "param": null, "code": code } }),
    )
}

fn invalid(status: u16, code: &str, message: &str) -> Answer {
    refusal(status, code, "invalid_request_error", message)
}

/// A turn that fails.
struct Failing {
    wire: &'static str,
    answer: Answer,
    /// What came of the answer before.
    partial: Option<&'static str>,
    options: &'static str,
    /// How often it is asked in vain.
    tries: usize,
}

fn chat(answer: Answer) -> Failing {
    Failing {
        wire: "chat",
        answer,
        partial: None,
        options: "",
        tries: 1,
    }
}

fn responses(answer: Answer) -> Failing {
    Failing {
        wire: "responses",
        ..chat(answer)
    }
}

impl Failing {
    fn keeping(mut self, partial: &'static str) -> Failing {
        self.partial = Some(partial);
        self
    }

    fn with(mut self, options: &'static str) -> Failing {
        self.options = options;
        self
    }

    /// The failure passes, perhaps: it is asked again, at once, and fails as often.
    fn tried(mut self, times: usize) -> Failing {
        self.tries = times;
        if self.answer.steps.iter().any(|step| matches!(step, Step::Status(_))) {
            self.answer = self.answer.with_header("retry-after-ms", "1");
        }
        self
    }

    /// Asks, and sees these sentences, in this order; then, that they are beside the conversation and not in it, that
    /// one event tells of the failure, that `:GPT log` keeps them, and that nobody was asked more often than that.
    async fn tells(self, sentences: &[&str]) {
        let next = match self.wire {
            "responses" => Answer::responses_tokens(&["all ", "well"]),
            _ => Answer::chat_tokens(&["all ", "well"]),
        };
        let mut answers = vec![self.answer; self.tries];
        answers.push(next);
        let server = Server::start(answers).await;
        let config = work(&format!("{}/v1", server.url()), self.wire, self.options);
        let nvim = recording().config(config).start().await;
        nvim.feed(":GPTChat why<CR>").await;
        is_told(&nvim, sentences).await;
        let screen = nvim.screen();
        if let Some(partial) = self.partial {
            assert!(screen.contains(partial), "{partial:?} is lost:\n{screen}");
        }
        assert_eq!(server.requests().len(), self.tries, "{sentences:?}");

        nvim.feed(":GPTChat again<CR>").await;
        says(&nvim, "all well").await;
        let mut expected = vec!["why"];
        expected.extend(self.partial);
        expected.push("again");
        // Where a wire insists on user and assistant in turn, two questions become one.
        assert_eq!(said(&server.requests()[self.tries]).join("\n\n"), expected.join("\n\n"));
        let screen = nvim.wait_screen(|screen| !flat(screen).contains(sentences[0])).await;
        is_calm(&screen);
        assert_eq!(events(&nvim, "GPTAnswerFailed").await.len(), 1);
    }
}

/// The sentences stand on the screen in this order, and in `:GPT log`; none of them stands in the chat's text, and one
/// event told of the failure.
async fn is_told(nvim: &Nvim, sentences: &[&str]) {
    for sentence in sentences {
        is_calm(&says(nvim, sentence).await);
    }
    let screen = flat(&nvim.screen());
    let places: Vec<usize> = sentences.iter().filter_map(|sentence| screen.find(sentence)).collect();
    assert!(
        places.is_sorted() && places.len() == sentences.len(),
        "{places:?} in {screen}"
    );
    let text = chat_lines(nvim).await.join(" ");
    for sentence in sentences {
        assert!(!text.contains(sentence), "{sentence:?} became text of the chat: {text}");
    }
    let told = events(nvim, "GPTAnswerFailed").await;
    assert!(told.len() == 1 && told[0].contains(sentences[0]), "{told:?}");
    let log = log(nvim).await;
    for sentence in sentences {
        assert!(log.contains(sentence), "{sentence:?} is not in :GPT log:\n{log}");
    }
}

/// What `:GPT log` shows; it is closed again.
async fn log(nvim: &Nvim) -> String {
    nvim.lua_string(
        "vim.cmd('GPT log')
         local text = table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, true), '\\n')
         vim.cmd.close()
         return text",
        &[],
    )
    .await
}

// The account ----------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn without_a_key_the_variable_to_set_is_named_and_nothing_is_sent() {
    let server = Server::start(Vec::new()).await;
    let nvim = recording()
        .config("{ model = 'openai/gpt-6.1-sol' }")
        .env("OPENAI_BASE_URL", server.url())
        .start()
        .await;
    nvim.feed(":GPTChat why<CR>").await;
    is_told(
        &nvim,
        &["No key for OpenAI.", "Run :GPTSetKey openai, or set OPENAI_API_KEY"],
    )
    .await;
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_variable_that_is_only_white_space_is_no_key() {
    let server = Server::start(Vec::new()).await;
    let nvim = recording()
        .config("{ model = 'openai/gpt-6.1-sol' }")
        .env("OPENAI_BASE_URL", server.url())
        .env("OPENAI_API_KEY", "  ")
        .start()
        .await;
    nvim.feed(":GPTChat why<CR>").await;
    is_told(&nvim, &["No key for OpenAI."]).await;
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_wrong_key_is_told_without_the_ends_of_it_that_the_provider_quotes() {
    let message = "Incorrect API key provided: sk-5f6ce***********************acdb. You can find your API key at \
                   https://platform.openai.com/account/api-keys.";
    let server = Server::start(invalid(401, "invalid_api_key", message)).await;
    let nvim = recording()
        .env("OPENAI_BASE_URL", server.url())
        .env("OPENAI_API_KEY", "sk-5f6ceZZZZZZZZZZZZZZZZZZZZacdb")
        .start()
        .await;
    nvim.feed(":GPTChat why<CR>").await;
    is_told(
        &nvim,
        &[
            "OpenAI does not accept the key.",
            "It came from OPENAI_API_KEY",
            "Your keys: https://platform.openai.com/api-keys",
            "Incorrect API key provided: [redacted].",
            "HTTP 401 · invalid_api_key",
        ],
    )
    .await;
    for text in [nvim.screen(), log(&nvim).await, nvim.messages().await, log_file(&nvim)] {
        assert!(!text.contains("5f6ce") && !text.contains("acdb"), "{text}");
    }
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_key_refused_by_a_provider_that_was_given_none_tells_where_to_set_one() {
    chat(invalid(401, "invalid_api_key", "Missing bearer token."))
        .tells(&["No key for work.", ":GPTSetKey work", "Missing bearer token."])
        .await;
}

#[tokio::test]
async fn a_wrong_organization_is_told_with_where_to_look() {
    let message = "OpenAI-Organization header should match organization for API key";
    chat(invalid(401, "mismatched_organization", message))
        .tells(&[
            "work does not accept the key for this organization or project.",
            "Check organization and project of providers.work",
            message,
        ])
        .await;
}

#[tokio::test]
async fn an_exceeded_quota_is_told_with_the_page_to_look_at_and_asked_only_once() {
    let message = format!("{QUOTA} For more information on this error, read the docs.");
    let server = Server::start([
        refusal(429, "insufficient_quota", "insufficient_quota", &message).with_header("retry-after", "1"),
        Answer::responses_tokens(&["never"]),
    ])
    .await;
    let nvim = recording()
        .env("OPENAI_BASE_URL", server.url())
        .env("OPENAI_API_KEY", "sk-aaaaaaaaaaaaaaaa")
        .start()
        .await;
    nvim.feed(":GPTChat why<CR>").await;
    is_told(
        &nvim,
        &[
            QUOTA,
            "See https://platform.openai.com/settings/organization/billing.",
            "A ChatGPT subscription is no API credit.",
            "HTTP 429 · insufficient_quota",
        ],
    )
    .await;
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn an_exceeded_quota_is_told_also_when_it_comes_as_http_200() {
    let error = json!({ "type": "insufficient_quota", "code": "insufficient_quota", "message": QUOTA, "param": null });
    let failed = json!({ "type": "response.failed", "sequence_number": 3, "response": { "id": "resp_1", "status": "failed",
        "error": { "code": "insufficient_quota", "message": QUOTA }, "output": [], "usage": null } });
    let created = json!({ "type": "response.created", "sequence_number": 0, "response": { "id": "resp_1", "status": "in_progress",
        "output": [] } });
    let event = json!({ "type": "error", "sequence_number": 2, "error": error });
    let frames = [created, event, failed].map(|frame| frame.to_string());
    responses(Answer::sse(&frames.each_ref().map(String::as_str)))
        .tells(&[QUOTA, "See the billing page of work.", "insufficient_quota"])
        .await;
}

#[tokio::test]
async fn a_rate_limit_is_told_with_the_wait_that_its_message_names() {
    let message = "Rate limit reached for m in organization org-x on tokens per min (TPM): Limit 30000, Used 14567, \
                   Requested 24754. Please try again in 2m18.642s.";
    chat(refusal(429, "rate_limit_exceeded", "tokens", message))
        .tells(&[
            "The rate limit of work is reached.",
            "Wait 3 minutes, then press gr.",
            "Please try again in 2m18.642s.",
            "HTTP 429 · rate_limit_exceeded",
        ])
        .await;
}

#[tokio::test]
async fn a_rate_limit_is_told_with_the_wait_of_the_retry_after_header() {
    chat(refusal(429, "rate_limit_exceeded", "requests", "Too many requests.").with_header("Retry-After", "150"))
        .tells(&["The rate limit of work is reached.", "Wait 3 minutes, then press gr."])
        .await;
}

#[tokio::test]
async fn a_request_that_alone_is_over_the_rate_limit_is_not_told_to_wait() {
    let message = "Request too large for m on tokens per min (TPM): Limit 30000, Requested 31538.";
    chat(refusal(429, "rate_limit_exceeded", "tokens", message))
        .tells(&[
            "This request is larger than work allows in a minute.",
            "Start a new chat",
            "Request too large",
        ])
        .await;
}

#[tokio::test]
async fn a_refused_country_is_told() {
    let message = "Country, region, or territory not supported";
    chat(refusal(
        403,
        "unsupported_country_region_territory",
        "request_forbidden",
        message,
    ))
    .tells(&[
        "work does not serve the country you are in.",
        "another provider",
        message,
    ])
    .await;
}

// The request ----------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn a_model_that_chat_completions_does_not_know_is_named() {
    let message = "The model `m` does not exist or you do not have access to it.";
    chat(invalid(404, "model_not_found", message))
        .tells(&[
            "work has no model m, or not for this key.",
            "Choose another one with :GPTModel.",
            message,
            "HTTP 404",
        ])
        .await;
}

#[tokio::test]
async fn a_model_that_the_responses_api_does_not_know_is_named() {
    let message = "The requested model 'm' does not exist.";
    responses(invalid(400, "model_not_found", message))
        .tells(&["work has no model m, or not for this key.", message, "HTTP 400"])
        .await;
}

#[tokio::test]
async fn a_conversation_that_is_too_long_is_told_with_three_ways_out() {
    let message = "This model's maximum context length is 8192 tokens. However, your messages resulted in 8227 tokens.";
    chat(invalid(400, "context_length_exceeded", message))
        .tells(&[
            "The conversation is longer than m can read.",
            ":GPTChat!",
            "chat.memory",
            "maximum context length is 8192 tokens",
        ])
        .await;
}

#[tokio::test]
async fn a_content_filter_that_refuses_the_question_is_told() {
    let message = "The response was filtered due to the prompt triggering the content management policy.";
    chat(invalid(400, "content_filter", message))
        .tells(&[
            "The content filter of work refused the question.",
            "Put it in other words.",
            message,
        ])
        .await;
}

#[tokio::test]
async fn an_address_with_nothing_at_it_is_told_with_what_is_wrong_with_it() {
    for (base, wire, path, advice) in [
        ("", "chat", "/chat/completions", "most servers want /v1."),
        (
            "/v1/chat/completions",
            "chat",
            "/v1/chat/completions/chat/completions",
            "Take /chat/completions out of providers.work.base_url",
        ),
        (
            "/v1",
            "responses",
            "/v1/responses",
            "set providers.work.wire = \"chat\".",
        ),
        (
            "/anthropic/v1",
            "chat",
            "/anthropic/v1/chat/completions",
            "wire = \"anthropic\"",
        ),
        (
            "/v1?api-version=1&code=opensesame",
            "chat",
            "/v1/chat/completions?api-version=1&code=[redacted]",
            "Check base_url and wire",
        ),
    ] {
        let server = Server::start(Answer::json(404, &json!({ "detail": "Not Found" }))).await;
        let config = work(&format!("{}{base}", server.url()), wire, "");
        let nvim = recording().config(config).start().await;
        nvim.feed(":GPTChat why<CR>").await;
        let asked = format!("No API answers at {}{path}.", server.url());
        let close = |text: &str| text.replace([' ', '\n'], "");
        let holds = |screen: &str| close(&flat(screen)).contains(&close(&asked));
        let screen = nvim.wait_screen(holds).await;
        for sentence in [advice, "See :help gpt-wire.", "Not Found", "HTTP 404"] {
            assert!(close(&flat(&screen)).contains(&close(sentence)), "{sentence}: {screen}");
        }
        assert!(!screen.contains("opensesame"), "{screen}");
        assert_eq!(server.requests()[0].path, path.replace("[redacted]", "opensesame"));
    }
}

#[tokio::test]
async fn a_plan_that_does_not_cover_the_model_is_no_wrong_key() {
    let body = json!({ "type": "about:blank", "title": "Forbidden", "status": 403, "detail": "Your plan does not include this model." });
    chat(Answer::json(403, &body))
        .tells(&[
            "work knows the key, but does not allow this.",
            "Choose another model with :GPTModel",
            "Your plan does not include this model.",
            "HTTP 403",
        ])
        .await;
}

#[tokio::test]
async fn a_page_that_says_413_is_told_as_a_conversation_that_is_too_long() {
    let page = "<html><head><title>413 Request Entity Too Large</title></head></html>";
    chat(Answer::html(413, page))
        .tells(&[
            "The conversation is longer than m can read.",
            "413 Request Entity Too Large",
        ])
        .await;
}

#[tokio::test]
async fn a_refused_parameter_is_named() {
    let error = json!({ "error": { "message": "Unsupported parameter: 'temperature' is not supported with this model.",
        "type": "invalid_request_error", "param": "temperature", "code": "unsupported_parameter" } });
    responses(Answer::json(400, &error))
        .with("chat = { temperature = 0.3 }")
        .tried(2)
        .tells(&[
            "work refuses temperature for m.",
            "Take it out of",
            "Unsupported parameter: 'temperature'",
        ])
        .await;
}

#[tokio::test]
async fn a_request_refused_for_another_reason_is_told_in_the_providers_words() {
    let error = json!({ "error": { "message": "Invalid value for 'metadata'.", "type": "invalid_request_error" } });
    chat(Answer::json(400, &error).with_header("x-request-id", "req_77"))
        .tells(&[
            "work refused the request.",
            "Invalid value for 'metadata'.",
            "HTTP 400",
            "request req_77",
        ])
        .await;
}

// The server -----------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn a_failing_server_is_told_with_the_id_to_report() {
    chat(
        refusal(500, "server_error", "server_error", "The server had an error.").with_header("x-request-id", "req_42"),
    )
    .tried(3)
    .tells(&[
        "work failed.",
        "Tried 3 times.",
        "Wait a little, then press gr.",
        "The server had an error.",
        "HTTP 500 · server_error · request req_42",
    ])
    .await;
}

#[tokio::test]
async fn an_overloaded_server_is_told() {
    chat(refusal(
        503,
        "server_is_overloaded",
        "server_error",
        "The engine is currently overloaded.",
    ))
    .tried(3)
    .tells(&[
        "work is overloaded.",
        "Tried 3 times.",
        "Wait a little, then press gr.",
        "The engine is currently overloaded.",
        "HTTP 503",
    ])
    .await;
}

#[tokio::test]
async fn the_page_of_a_proxy_is_told_by_its_title_without_tags() {
    let page = "<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body><h1>nginx</h1></body></html>";
    for (status, times) in [(502, 3), (200, 1)] {
        chat(Answer::html(status, page))
            .tried(times)
            .tells(&[
                "A web page came from 127.0.0.1:",
                "proxy, captive portal, login",
                "502 Bad Gateway",
            ])
            .await;
    }
}

#[tokio::test]
async fn a_refused_connection_is_told_with_the_host() {
    let refusing = Refusing::start();
    let nvim = recording().config(work(&refusing.url(), "chat", "")).start().await;
    nvim.feed(":GPTChat why<CR>").await;
    let title = format!("No connection to {}.", refusing.address());
    is_told(
        &nvim,
        &[
            &title,
            "Tried 3 times.",
            "Check that the server is running",
            "Connection refused",
        ],
    )
    .await;
}

#[tokio::test]
async fn a_connection_that_is_reset_before_the_answer_is_told() {
    chat(Answer::new([Step::Reset]))
        .tried(3)
        .tells(&["No connection to 127.0.0.1:", "then press gr."])
        .await;
}

#[tokio::test]
async fn an_answer_that_is_reset_keeps_what_came() {
    for (wire, answer) in [
        (chat as fn(Answer) -> Failing, Answer::chat_tokens(&["half of", "it"])),
        (responses, Answer::responses_tokens(&["half of", "it"])),
    ] {
        wire(answer.cut_after_tokens(1, Step::Reset))
            .keeping("half of")
            .tells(&[
                "The answer broke off.",
                "What came so far is kept. Press gr to ask again, or :GPT continue to go on.",
            ])
            .await;
    }
}

#[tokio::test]
async fn an_answer_without_an_end_is_told_to_be_incomplete() {
    let body = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"half of\"}}]}\n\n";
    chat(Answer::whole(200, "text/event-stream", body))
        .keeping("half of")
        .tells(&[
            "work ended the answer without a word on why:",
            "What came so far is kept. Press gr to ask again, or :GPT continue to go on.",
        ])
        .await;
}

#[tokio::test]
async fn an_answer_without_anything_in_it_is_said_to_be_empty() {
    for answer in [
        Answer::whole(200, "text/event-stream", ""),
        Answer::whole(200, "application/json", "  \n"),
        Answer::whole(204, "application/json", ""),
    ] {
        chat(answer)
            .tells(&["The answer of work was empty.", "Press gr to ask again."])
            .await;
    }
}

#[tokio::test]
async fn a_body_that_is_called_gzip_and_is_none_is_said_to_be_damaged() {
    let half: &[u8] = &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xff, 0xff, 0xff, 0xff];
    for body in [b"data: {}\n\n".as_slice(), half] {
        let answer = Answer::new([
            Step::Status(200),
            Step::header("Content-Type", "text/event-stream"),
            Step::header("Content-Encoding", "gzip"),
            Step::header("Content-Length", &body.len().to_string()),
            Step::bytes(body),
        ]);
        chat(answer)
            .tells(&["sent its answer compressed: it cannot be read.", "damaged"])
            .await;
    }
}

#[tokio::test]
async fn an_error_in_xml_is_told_by_its_message() {
    let body = "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code><Message>Not your bucket.</Message></Error>";
    chat(Answer::whole(403, "application/xml", body))
        .tells(&[
            "work knows the key, but does not allow this.",
            "Not your bucket.",
            "HTTP 403 · AccessDenied",
        ])
        .await;
}

#[tokio::test]
async fn a_chunk_that_is_no_json_is_told_and_what_came_is_kept() {
    let good = r#"{"choices":[{"index":0,"delta":{"content":"half of"}}]}"#;
    chat(Answer::sse(&[good, "{\"choices\":[{\"ind", "[DONE]"]))
        .keeping("half of")
        .tells(&[
            "The answer broke off.",
            "What came so far is kept.",
            "not JSON: {\"choices\":[{\"ind",
        ])
        .await;
}

#[tokio::test]
async fn an_error_in_mid_answer_keeps_what_came() {
    let good = r#"{"choices":[{"index":0,"delta":{"content":"half of"}}]}"#;
    let error = r#"{"error":{"message":"The server had an error.","type":"server_error","code":null,"param":null}}"#;
    chat(Answer::sse(&[good, error]))
        .keeping("half of")
        .tells(&["work failed.", "The server had an error."])
        .await;
}

#[tokio::test]
async fn a_code_fence_that_an_error_left_open_is_closed() {
    let fence = r#"{"choices":[{"index":0,"delta":{"content":"```lua\nlocal x"}}]}"#;
    let error = r#"{"error":{"message":"The server had an error.","type":"server_error"}}"#;
    let server = Server::start(Answer::sse(&[fence, error])).await;
    let nvim = recording().config(work(&server.url(), "chat", "")).start().await;
    nvim.feed(":GPTChat why<CR>").await;
    is_told(&nvim, &["work failed."]).await;
    let lines = chat_lines(&nvim).await;
    let at = lines.iter().position(|line| line == "```lua").unwrap();
    assert_eq!(lines[at + 1..at + 3], ["local x", "```"]);
}

#[tokio::test]
async fn silence_before_the_answer_is_told() {
    chat(Answer::new([Step::Stall]))
        .tried(3)
        .with("network = { idle_timeout = 0.3, connect_timeout = 0.3 }")
        .tells(&[
            "Nothing came from 127.0.0.1:",
            "raise network.idle_timeout in the configuration.",
            "no byte for 0.6 seconds",
        ])
        .await;
}

#[tokio::test]
async fn silence_in_mid_answer_is_told_and_what_came_is_kept() {
    chat(Answer::chat_tokens(&["half of", "it"]).cut_after_tokens(1, Step::Stall))
        .with("network = { idle_timeout = 0.3 }")
        .keeping("half of")
        .tells(&[
            "Nothing came from 127.0.0.1:",
            "raise network.idle_timeout in the configuration.",
            "no byte for 0.3 seconds",
        ])
        .await;
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_the_key_goes_nowhere_else() {
    for status in [302, 307, 308] {
        let other = Server::start(Answer::chat_tokens(&["stolen"])).await;
        let to = format!("{}/elsewhere", other.url());
        let server = Server::start(Answer::new([Step::Status(status), Step::header("Location", &to)])).await;
        let nvim = recording()
            .env("OPENAI_BASE_URL", server.url())
            .env("OPENAI_API_KEY", "sk-aaaaaaaaaaaaaaaa")
            .start()
            .await;
        nvim.feed(":GPTChat why<CR>").await;
        let title = format!("The server redirects to {to}: set base_url to where it really is.");
        is_told(&nvim, &[&title, "Correct the configuration"]).await;
        assert_eq!((server.requests().len(), other.connections()), (1, 0));
    }
}

// The configuration ----------------------------------------------------------------------------------------------------

#[tokio::test]
async fn http_without_tls_is_refused_off_this_machine_before_anything_is_sent() {
    let nvim = recording()
        .config(work("http://llm.example.com/v1", "chat", ""))
        .start()
        .await;
    nvim.feed(":GPTChat why<CR>").await;
    is_told(
        &nvim,
        &[
            "http without TLS would show your key to the network between here and llm.example.com.",
            "Use https, or set providers.work.insecure = true.",
        ],
    )
    .await;
}

#[tokio::test]
async fn a_base_url_that_is_missing_or_no_url_is_named() {
    for (url, sentence) in [
        ("", "providers.work.base_url is not set."),
        ("llm example", "providers.work.base_url is no URL (llm example)"),
        (
            "ftp://llm.example.com",
            "providers.work.base_url must begin with https:// or http://",
        ),
    ] {
        let nvim = recording().config(work(url, "chat", "")).start().await;
        nvim.feed(":GPTChat why<CR>").await;
        is_told(
            &nvim,
            &[sentence, "Correct the configuration (:help gpt-configuration)."],
        )
        .await;
    }
}

#[tokio::test]
async fn an_unknown_provider_is_told_with_where_those_are_that_there_are() {
    let nvim = recording().config("{ model = 'nosuch/m' }").start().await;
    nvim.feed(":GPTChat why<CR>").await;
    is_told(&nvim, &["There is no provider \"nosuch\"", ":help gpt-providers"]).await;
}

#[tokio::test]
async fn an_unknown_provider_is_told_in_one_line_when_the_chat_is_opened() {
    let nvim = recording().config("{ model = 'nosuch/m' }").start().await;
    nvim.feed(":GPTChat<CR>").await;
    let screen = nvim.wait_screen_contains("There is no provider \"nosuch\"").await;
    is_calm(&screen);
    nvim.feed("still typing").await;
    nvim.wait_screen_contains("still typing").await;
}

// Secrets --------------------------------------------------------------------------------------------------------------

fn log_file(nvim: &Nvim) -> String {
    fs::read_to_string(nvim.home().log()).unwrap_or_default()
}

/// The command lines of all processes of this editor.
fn command_lines(nvim: &Nvim) -> Vec<String> {
    let read = |pid: u32| fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let lines = nvim.processes().into_iter().map(read);
    lines
        .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
        .collect()
}

/// Asks a server that answers so with a key of no known form, and looks for that key wherever a user could.
async fn no_key_is_shown(key: &str, echo: Answer, sentences: &[&str]) {
    let server = Server::start(echo).await;
    let nvim = recording()
        .config("{ log_level = 'trace' }")
        .env("OPENAI_BASE_URL", server.url())
        .env("OPENAI_API_KEY", key)
        .start()
        .await;
    nvim.feed(":GPTChat why<CR>").await;
    is_told(&nvim, sentences).await;
    let bearer = format!("Bearer {key}");
    assert_eq!(server.requests()[0].header("Authorization"), Some(bearer.as_str()));
    nvim.wait_lua("return vim.fn.filereadable(vim.fn.stdpath('log') .. '/gpt.log') == 1")
        .await;
    let lines = command_lines(&nvim);
    assert!(lines.iter().any(|line| line.contains("gpt-nvim")), "{lines:?}");
    let places = [
        ("the screen", nvim.screen()),
        (":GPT log", log(&nvim).await),
        (":messages", nvim.messages().await),
        ("the log file", log_file(&nvim)),
        ("a command line", lines.join("\n")),
        ("the event", events(&nvim, "GPTAnswerFailed").await.join("\n")),
    ];
    let hint = &key[..key.len().min(8)];
    for (place, text) in places {
        assert!(!text.contains(hint), "the key is in {place}:\n{text}");
    }
    assert!(log_file(&nvim).contains("a turn failed"));
}

const CANARY: &str = "canary-9f8e7d";

#[tokio::test]
async fn a_key_that_a_server_echoes_is_redacted_wherever_it_could_be_read() {
    let message = format!("The token '{CANARY}' is unknown ({CANARY}).");
    no_key_is_shown(
        CANARY,
        invalid(401, "invalid_api_key", &message),
        &["OpenAI does not accept the key.", "The token '[redacted]' is unknown"],
    )
    .await;
}

#[tokio::test]
async fn a_key_that_a_server_echoes_in_code_parameter_and_request_id_is_redacted() {
    let error =
        json!({ "error": { "message": "No.", "type": "invalid_request_error", "param": CANARY, "code": CANARY } });
    let answer = Answer::json(400, &error).with_header("x-request-id", CANARY);
    no_key_is_shown(
        CANARY,
        answer,
        &[
            "OpenAI refuses [redacted]",
            "HTTP 400 · [redacted] · request [redacted]",
        ],
    )
    .await;
}

#[tokio::test]
async fn the_ends_of_a_key_of_no_known_form_are_redacted() {
    let message = "Incorrect API key provided: canary-9*****9f8e7d.";
    let key = "canary-9-aaaa-bbbb-9f8e7d";
    let sentences = [
        "OpenAI does not accept the key.",
        "Incorrect API key provided: [redacted].",
    ];
    no_key_is_shown(key, invalid(401, "invalid_api_key", message), &sentences).await;
}

#[tokio::test]
async fn a_key_that_is_cut_by_the_length_of_a_message_is_redacted() {
    let long = "canary-9f8e7d6c5b4a39281706f5e4d3c2b1a0";
    let message = format!("{}{long}", "x ".repeat(992));
    no_key_is_shown(
        long,
        invalid(400, "other", &message),
        &["OpenAI refused the request.", ":GPT log keeps it."],
    )
    .await;
    let broken = format!("{{\"error\": {}{long}", "x".repeat(50));
    no_key_is_shown(long, Answer::sse(&[&broken]), &["The answer broke off.", "not JSON: "]).await;
}

#[tokio::test]
async fn a_key_in_a_redirect_or_on_a_page_is_redacted() {
    let to = format!("https://llm.example.com/?key={CANARY}");
    let redirect = Answer::new([Step::Status(302), Step::header("Location", &to)]);
    no_key_is_shown(
        CANARY,
        redirect,
        &["The server redirects to https://llm.example.com/?key=[redacted]"],
    )
    .await;
    let page = Answer::html(403, &format!("<html><title>Blocked: {CANARY}</title></html>"));
    no_key_is_shown(CANARY, page, &["A web page came from", "Blocked: [redacted]"]).await;
}

// Elsewhere ------------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn the_failure_of_a_hidden_chat_is_told_in_one_line() {
    let quota = refusal(429, "insufficient_quota", "insufficient_quota", QUOTA).after(Step::wait_for("refuse"));
    let server = Server::start(quota).await;
    let nvim = recording().config(work(&server.url(), "chat", "")).start().await;
    nvim.feed(":GPTChat why<CR>").await;
    nvim.wait_screen_contains("## work/m").await;
    server.reached("refuse").await;
    nvim.feed("q").await;
    nvim.wait_screen_lacks("## work/m").await;
    server.open("refuse");
    let screen = nvim.wait_screen_contains("You exceeded your current quota").await;
    is_calm(&screen);
    let last = screen.lines().last().unwrap_or_default();
    assert!(
        last.contains("You exceeded your current quota") && last.contains(":GPTChat shows it."),
        "{screen}"
    );
    assert_eq!(events(&nvim, "GPTAnswerFailed").await.len(), 1);
    assert!(log(&nvim).await.contains(QUOTA));
    nvim.feed(":GPTChat<CR>").await;
    says(&nvim, QUOTA).await;
}

#[tokio::test]
async fn asking_again_takes_the_notice_away() {
    let server = Server::start([
        refusal(503, "server_is_overloaded", "server_error", "Busy.").with_header("x-should-retry", "false"),
        Answer::chat_tokens(&["all ", "well"]),
    ])
    .await;
    let nvim = recording().config(work(&server.url(), "chat", "")).start().await;
    nvim.feed(":GPTChat why<CR>").await;
    is_told(&nvim, &["work is overloaded."]).await;
    nvim.feed("gr").await;
    let screen = nvim.wait_screen_contains("all well").await;
    assert!(!screen.contains("overloaded"), "{screen}");
    assert_eq!(said(&server.requests()[1]), ["why"]);
    let headings = chat_lines(&nvim).await.into_iter().filter(|line| line == "## work/m");
    assert_eq!(headings.count(), 1);
}

#[tokio::test]
async fn a_long_error_is_wrapped_within_the_window() {
    let words: Vec<String> = (1..=60).map(|n| format!("word{n}")).collect();
    let server = Server::start(invalid(400, "other", &words.join(" "))).await;
    let nvim = recording().config(work(&server.url(), "chat", "")).start().await;
    nvim.feed(":GPTChat why<CR>").await;
    let screen = says(&nvim, &words.join(" ")).await;
    is_calm(&screen);
    assert!(screen.contains("work refused the request."), "{screen}");
}

#[tokio::test]
async fn an_error_too_long_for_the_window_leaves_its_beginning_on_the_screen() {
    let words: Vec<String> = (1..=200).map(|n| format!("word{n}")).collect();
    let server = Server::start(invalid(400, "other", &words.join(" "))).await;
    let nvim = recording().config(work(&server.url(), "chat", "")).start().await;
    nvim.feed(":GPTChat why<CR>").await;
    let screen = nvim.wait_screen_contains(":GPT log has the rest.").await;
    for part in ["✗ work refused the request.", "word1 word2", "## You"] {
        assert!(screen.contains(part), "no {part:?} in\n{screen}");
    }
    assert!(log(&nvim).await.contains(&words.join(" ")));
}

#[tokio::test]
async fn the_log_lies_above_the_chat_and_leads_back_to_it() {
    let server = Server::start(invalid(400, "other", "Because.").with_header("x-request-id", "req_9")).await;
    for layout in ["float", "vertical"] {
        let config = work(&server.url(), "chat", &format!("chat = {{ layout = '{layout}' }}"));
        let nvim = recording().config(config).start().await;
        nvim.feed(":GPTChat why<CR>").await;
        nvim.wait_screen_contains("✗ work").await;
        let chat = nvim.lua_i64("return vim.api.nvim_get_current_win()", &[]).await;
        nvim.feed(":GPT log<CR>").await;
        let screen = nvim.wait_screen_contains("The program's own log:").await;
        is_calm(&screen);
        assert!(screen.contains("work/m  error"), "{screen}");
        nvim.feed("q").await;
        nvim.wait_screen_lacks("The program's own log:").await;
        assert_eq!(nvim.lua_i64("return vim.api.nvim_get_current_win()", &[]).await, chat);
    }
}

#[tokio::test]
async fn a_provider_named_like_the_built_in_kind_has_a_name_in_sentences() {
    let server = Server::start(refusal(500, "server_error", "server_error", "Oh.")).await;
    let config = format!(
        "{{ model = 'openai-compatible/m', providers = {{ ['openai-compatible'] = {{ base_url = '{}' }} }} }}",
        server.url()
    );
    let nvim = recording().config(config).start().await;
    nvim.feed(":GPTChat why<CR>").await;
    is_told(&nvim, &["openai-compatible failed."]).await;
}
