//! Answers of the scripted [`server`](super::server): lists of steps, and the usual ones ready-made.

use std::time::Duration;

use serde_json::{Value, json};

/// One thing that the server does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Begins the head. The head goes out, as one write, before the first step that is no `Status` or `Header`.
    Status(u16),
    /// A line of the head.
    Header(String, String),
    /// These bytes as they are, in one write; without a `Status` before them they are the whole truth on the wire.
    Bytes(Vec<u8>),
    /// These bytes as one chunk of a chunked body (RFC 9112 §7.1), in one write. An empty one ends the body.
    Chunk(Vec<u8>),
    /// Nothing for a while.
    Pause(Duration),
    /// Nothing until the test opens the gate ([`Server::open`](super::server::Server::open)).
    WaitFor(String),
    /// Nothing any more; the connection stays open until the client closes it.
    Stall,
    /// The connection dies with an RST.
    Reset,
    /// The connection ends with a FIN, whatever the framing promised.
    Close,
}

impl Step {
    pub fn header(name: &str, value: &str) -> Step {
        Step::Header(name.to_owned(), value.to_owned())
    }

    pub fn bytes(bytes: impl AsRef<[u8]>) -> Step {
        Step::Bytes(bytes.as_ref().to_vec())
    }

    pub fn chunk(bytes: impl AsRef<[u8]>) -> Step {
        Step::Chunk(bytes.as_ref().to_vec())
    }

    pub fn wait_for(gate: &str) -> Step {
        Step::WaitFor(gate.to_owned())
    }
}

/// What the server does for one request.
///
/// A body of `Chunk`s without a `Transfer-Encoding` header gets one, and its last chunk at the end of the list; a
/// `Status` without any body gets `Content-Length: 0`; one with `Bytes` of no declared length gets
/// `Connection: close`. Whoever sets these headers has them untouched.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answer {
    pub steps: Vec<Step>,
    /// Says `Connection: close` and closes after the answer; otherwise the connection is kept if the framing allows.
    pub close: bool,
    /// The index of the step that sends token n; one more at the end, for what follows the last token.
    tokens: Vec<usize>,
}

impl Answer {
    pub fn new(steps: impl Into<Vec<Step>>) -> Answer {
        Answer {
            steps: steps.into(),
            ..Answer::default()
        }
    }

    /// A chunked `text/event-stream`: each payload is one event, and one chunk, and counts as one token.
    pub fn sse(payloads: &[&str]) -> Answer {
        let events = payloads.iter().map(|payload| format!("{}\n\n", data_lines(payload)));
        Answer::stream(Vec::new(), events.collect(), Vec::new())
    }

    pub fn json(status: u16, value: &Value) -> Answer {
        Answer::whole(status, "application/json", &value.to_string())
    }

    pub fn html(status: u16, text: &str) -> Answer {
        Answer::whole(status, "text/html; charset=utf-8", text)
    }

    /// A body of known length in one write.
    pub fn whole(status: u16, content_type: &str, body: &str) -> Answer {
        Answer::new([
            Step::Status(status),
            Step::header("Content-Type", content_type),
            Step::header("Content-Length", &body.len().to_string()),
            Step::bytes(body),
        ])
    }

    /// A whole stream of Chat Completions: role, one delta for each token, finish reason, usage, `[DONE]`.
    /// Usage counts 10 tokens in, and one out for each token.
    /// <https://platform.openai.com/docs/api-reference/chat-streaming>
    pub fn chat_tokens(tokens: &[&str]) -> Answer {
        let chunk = |choices: Value, usage: Value| {
            let id = "chatcmpl-test";
            let object = "chat.completion.chunk";
            let (created, model) = (1_700_000_000, "test-model");
            let body = json!({ "id": id, "object": object, "created": created, "model": model, "choices": choices, "usage": usage });
            format!("data: {body}\n\n")
        };
        let choice = |delta: Value, reason: Value| json!([{ "index": 0, "delta": delta, "finish_reason": reason }]);
        let usage =
            json!({ "prompt_tokens": 10, "completion_tokens": tokens.len(), "total_tokens": 10 + tokens.len() });
        let first = choice(json!({ "role": "assistant", "content": "" }), Value::Null);
        let delta = |token: &&str| chunk(choice(json!({ "content": token }), Value::Null), Value::Null);
        let end = vec![
            chunk(choice(json!({}), json!("stop")), Value::Null),
            chunk(json!([]), usage),
            "data: [DONE]\n\n".to_owned(),
        ];
        Answer::stream(vec![chunk(first, Value::Null)], tokens.iter().map(delta).collect(), end)
    }

    /// The same of the Responses API, from `response.created` to `response.completed` with usage.
    /// <https://platform.openai.com/docs/api-reference/responses-streaming>
    pub fn responses_tokens(tokens: &[&str]) -> Answer {
        let mut sequence = 0;
        let mut event = |kind: &str, mut fields: Value| {
            fields["type"] = json!(kind);
            fields["sequence_number"] = json!(sequence);
            sequence += 1;
            format!("event: {kind}\ndata: {fields}\n\n")
        };
        let whole = tokens.concat();
        let part = |text: &str| json!({ "type": "output_text", "text": text, "annotations": [] });
        let item = |status: &str, content: Value| json!({ "id": "msg_test", "type": "message", "role": "assistant", "status": status, "content": content });
        let response = |status: &str, output: Value, usage: Value| {
            json!({ "response": { "id": "resp_test", "object": "response", "created_at": 1_700_000_000, "status": status,
                "error": null, "incomplete_details": null, "model": "test-model", "output": output, "usage": usage } })
        };
        let place = |mut fields: Value| {
            fields["item_id"] = json!("msg_test");
            fields["output_index"] = json!(0);
            fields["content_index"] = json!(0);
            fields
        };
        let usage = json!({ "input_tokens": 10, "input_tokens_details": { "cached_tokens": 0 }, "output_tokens": tokens.len(),
            "output_tokens_details": { "reasoning_tokens": 0 }, "total_tokens": 10 + tokens.len() });
        let done = item("completed", json!([part(&whole)]));
        let start = vec![
            event("response.created", response("in_progress", json!([]), Value::Null)),
            event("response.in_progress", response("in_progress", json!([]), Value::Null)),
            event(
                "response.output_item.added",
                json!({ "output_index": 0, "item": item("in_progress", json!([])) }),
            ),
            event("response.content_part.added", place(json!({ "part": part("") }))),
        ];
        let deltas = tokens
            .iter()
            .map(|token| event("response.output_text.delta", place(json!({ "delta": token }))))
            .collect();
        let end = vec![
            event("response.output_text.done", place(json!({ "text": whole }))),
            event("response.content_part.done", place(json!({ "part": part(&whole) }))),
            event("response.output_item.done", json!({ "output_index": 0, "item": done })),
            event("response.completed", response("completed", json!([done]), usage)),
        ];
        Answer::stream(start, deltas, end)
    }

    fn stream(start: Vec<String>, tokens: Vec<String>, end: Vec<String>) -> Answer {
        let mut steps = vec![
            Step::Status(200),
            Step::header("Content-Type", "text/event-stream; charset=utf-8"),
        ];
        steps.extend(start.iter().map(Step::chunk));
        let first = steps.len();
        let positions = (first..=first + tokens.len()).collect();
        steps.extend(tokens.iter().chain(&end).map(Step::chunk));
        Answer {
            steps,
            close: false,
            tokens: positions,
        }
    }

    /// Closes the connection after the answer, and says so in its head.
    pub fn closing(mut self) -> Answer {
        self.close = true;
        self
    }

    /// Adds a line to the head.
    pub fn with_header(mut self, name: &str, value: &str) -> Answer {
        let status = self.steps.iter().position(|step| matches!(step, Step::Status(_)));
        self.insert(status.map_or(0, |index| index + 1), Step::header(name, value));
        self
    }

    /// Does `step` before token `n`, counted from 0; with `n` the number of tokens, after the last one.
    #[track_caller]
    pub fn before_token(mut self, n: usize, step: Step) -> Answer {
        let index = *self
            .tokens
            .get(n)
            .unwrap_or_else(|| panic!("this answer has no token {n}"));
        self.insert(index, step);
        self
    }

    /// Waits for `gate` before token `n`; see [`Answer::before_token`].
    #[track_caller]
    pub fn gate_before_token(self, n: usize, gate: &str) -> Answer {
        self.before_token(n, Step::wait_for(gate))
    }

    /// Pauses between each two tokens.
    pub fn pausing_between_tokens(self, pause: Duration) -> Answer {
        let count = self.tokens.len().saturating_sub(1);
        (1..count).fold(self, |answer, n| answer.before_token(n, Step::Pause(pause)))
    }

    /// Sends `n` tokens and then nothing of the rest but `step`: `Stall`, `Reset`, `Close`…
    #[track_caller]
    pub fn cut_after_tokens(mut self, n: usize, step: Step) -> Answer {
        let index = *self
            .tokens
            .get(n)
            .unwrap_or_else(|| panic!("this answer has no {n} tokens"));
        self.steps.truncate(index);
        self.tokens.truncate(n + 1);
        self.steps.push(step);
        self
    }

    /// Does `step` before everything else, the head included.
    pub fn after(mut self, step: Step) -> Answer {
        self.insert(0, step);
        self
    }

    /// Does `step` after everything else.
    pub fn then(mut self, step: Step) -> Answer {
        self.steps.push(step);
        self
    }

    fn insert(&mut self, index: usize, step: Step) {
        self.steps.insert(index, step);
        self.tokens
            .iter_mut()
            .filter(|token| **token >= index)
            .for_each(|token| *token += 1);
    }
}

fn data_lines(payload: &str) -> String {
    payload
        .split('\n')
        .map(|line| format!("data: {line}"))
        .collect::<Vec<_>>()
        .join("\n")
}
