//! The wires against recorded answers, which lie beside the project. Where they are absent, the trials are ignored.
//!
//! Each answer is fed whole, byte by byte, and cut in two at every position: the result must be the same.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use gpt_nvim::provider::error::AnswerHeaders;
use gpt_nvim::provider::wire::anthropic::AnthropicDecoder;
use gpt_nvim::provider::wire::gemini::GeminiDecoder;
use gpt_nvim::provider::wire::ollama::OllamaDecoder;
use gpt_nvim::provider::wire::openai_chat::ChatDecoder;
use gpt_nvim::provider::wire::openai_responses::ResponsesDecoder;
use gpt_nvim::provider::wire::sse::SseDecoder;
use gpt_nvim::provider::{
    Citation, Cut, Decoder, ErrorClass, Event, FinishReason, ProviderError, ToolCall, Unshown, UnshownKind, Usage, Why,
};
use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::Value;

type Make = fn() -> Box<dyn Decoder>;

fn chat() -> Box<dyn Decoder> {
    Box::new(ChatDecoder::new())
}

fn responses() -> Box<dyn Decoder> {
    Box::new(ResponsesDecoder::new())
}

fn anthropic() -> Box<dyn Decoder> {
    Box::new(AnthropicDecoder::new())
}

fn gemini() -> Box<dyn Decoder> {
    Box::new(GeminiDecoder::new())
}

fn ollama() -> Box<dyn Decoder> {
    Box::new(OllamaDecoder::new())
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials: Vec<Trial> = recorded().into_iter().map(Recorded::trial).collect();
    trials.extend(recorded().into_iter().map(Recorded::damaged_trial));
    trials.extend(recorded().into_iter().filter_map(Recorded::cut_trial));
    trials.push(trial(GROUNDED, what_a_search_found_is_told));
    trials.extend(sse_trials());
    trials.extend(error_trials());
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn shared() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared")
}

/// A trial that is ignored where the recorded answers are absent.
fn trial(name: impl Into<String>, run: impl FnOnce() -> Result<(), Failed> + Send + 'static) -> Trial {
    Trial::test(name, run).with_ignored_flag(!shared().join("fixtures").is_dir())
}

/// The cases of a JSON file; none where it is absent.
fn cases(path: &str, key: Option<&str>) -> Vec<Value> {
    let Ok(text) = fs::read_to_string(shared().join(path)) else {
        return Vec::new();
    };
    let value: Value = serde_json::from_str(&text).expect(path);
    key.map_or(&value, |key| &value[key]).as_array().expect(path).clone()
}

fn same<T: PartialEq + std::fmt::Debug>(got: &T, expected: &T, how: &str) -> Result<(), Failed> {
    if got == expected {
        return Ok(());
    }
    Err(format!("{how}:\n     got {got:?}\nexpected {expected:?}").into())
}

// --- recorded answers ---------------------------------------------------------------------------------------------

struct Recorded {
    file: &'static str,
    make: Make,
    expected: Vec<Event>,
}

impl Recorded {
    fn trial(self) -> Trial {
        trial(self.file, move || {
            let bytes = read(self.file)?;
            fed_in_every_way(self.make, &bytes, &self.expected)
        })
    }
}

impl Recorded {
    /// Whatever bytes come: one terminal event, at the end; no empty texts; the same however the bytes are cut.
    fn damaged_trial(self) -> Trial {
        trial(format!("{}, damaged", self.file), move || {
            let bytes = read(self.file)?;
            let mut dice = Dice(bytes.len() as u64);
            for round in 0..200 {
                let bytes = damaged(&bytes, &mut dice);
                let whole = decode(self.make, &[&bytes]);
                well_formed(&whole).map_err(|error| format!("round {round}: {error}"))?;
                let pieces: Vec<_> = bytes.chunks(1 + dice.below(40)).collect();
                same(&decode(self.make, &pieces), &whole, &format!("round {round}"))?;
            }
            Ok(())
        })
    }
}

/// The stop words of the recorded answers, as they stand there, and others that no documentation calls a normal end.
const STOP_WORDS: [(&str, &str); 10] = [
    (r#""finishReason":"STOP""#, r#""finishReason":"strange""#),
    (r#""stop_reason": "end_turn""#, r#""stop_reason": "strange""#),
    (r#""finish_reason":"stop""#, r#""finish_reason":"strange""#),
    (r#""finish_reason": "stop""#, r#""finish_reason": "strange""#),
    (r#""finish_reason":"tool_calls""#, r#""finish_reason":"strange""#),
    (r#""stop_reason":"end_turn""#, r#""stop_reason":"strange""#),
    (r#""stop_reason":"tool_use""#, r#""stop_reason":"strange""#),
    (r#""finishReason": "STOP""#, r#""finishReason": "strange""#),
    (r#""status":"completed""#, r#""status":"strange""#),
    (r#""done_reason":"stop""#, r#""done_reason":"strange""#),
];

impl Recorded {
    /// The same answer with another stop word is cut, says so with the word, and loses none of its text. `None`: it has
    /// no stop word that is known here.
    fn cut_trial(self) -> Option<Trial> {
        let ends_well = match self.expected.last() {
            Some(Event::Finished(reason)) => !reason.is_cut(),
            _ => false,
        };
        ends_well.then(|| {
            trial(format!("{}, cut", self.file), move || {
                let bytes = read(self.file)?;
                let mut body = String::from_utf8(bytes)?;
                for (normal, strange) in STOP_WORDS {
                    body = body.replace(normal, strange);
                }
                let mut expected = self.expected.clone();
                expected.pop();
                // OpenRouter has the word of the provider behind it too.
                let said = match self.file.starts_with("openrouter") {
                    true => "native_finish_reason: stop",
                    false => "",
                };
                expected.push(Event::Finished(FinishReason::Cut(Cut::new(
                    Why::Unknown,
                    "strange",
                    said,
                ))));
                same(&decode(self.make, &[body.as_bytes()]), &expected, "whole")?;
                let mut dice = Dice(7);
                for _ in 0..40 {
                    let pieces: Vec<_> = body.as_bytes().chunks(1 + dice.below(90)).collect();
                    same(&decode(self.make, &pieces), &expected, "in pieces")?;
                }
                Ok(())
            })
        })
    }
}

/// The body of a recorded answer, of one of the small cases where the name says so.
fn read(file: &str) -> std::io::Result<Vec<u8>> {
    let folder = if file.contains("cases/") { "" } else { "fixtures" };
    let bytes = fs::read(shared().join(folder).join(file))?;
    if file.ends_with(".jsonl") {
        return Ok(framed(&bytes));
    }
    let head = bytes.windows(4).position(|four| four == b"\r\n\r\n");
    match head.filter(|_| file.ends_with(".http")) {
        Some(head) => Ok(bytes[head + 4..].to_vec()),
        None => Ok(bytes),
    }
}

/// Numbers that look random and are the same at each run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit.max(1)
    }
}

/// The bytes with a few of them replaced, doubled or taken out.
fn damaged(bytes: &[u8], dice: &mut Dice) -> Vec<u8> {
    const SPITEFUL: &[u8] = b"\0\r\n\n\"\\{}[]:, \xEF\xFF\xC3<0-e";
    let mut bytes = bytes.to_vec();
    for _ in 0..=dice.below(6) {
        let from = dice.below(bytes.len());
        let to = (from + dice.below(30)).min(bytes.len());
        match dice.below(4) {
            0 => bytes[from] = SPITEFUL[dice.below(SPITEFUL.len())],
            1 => bytes.insert(from, SPITEFUL[dice.below(SPITEFUL.len())]),
            2 => drop(bytes.drain(from..to)),
            _ => bytes.extend_from_within(from..to),
        }
    }
    bytes
}

fn well_formed(events: &[Event]) -> Result<(), String> {
    let terminal = |event: &Event| matches!(event, Event::Finished(_) | Event::Error(_));
    let empty = |event: &Event| match event {
        Event::Text(text) | Event::Reasoning(text) | Event::Refusal(text) => text.is_empty(),
        _ => false,
    };
    let ends = events.iter().filter(|event| terminal(event)).count();
    if ends != 1 || !events.last().is_some_and(terminal) || events.iter().any(empty) {
        return Err(format!("{events:?}"));
    }
    Ok(())
}

/// Payloads, one a line, as an event stream.
fn framed(lines: &[u8]) -> Vec<u8> {
    let lines = std::str::from_utf8(lines).unwrap().lines();
    lines
        .map(|line| format!("data: {line}\n\n"))
        .collect::<String>()
        .into_bytes()
}

fn fed_in_every_way(make: Make, bytes: &[u8], expected: &Vec<Event>) -> Result<(), Failed> {
    same(&decode(make, &[bytes]), expected, "whole")?;
    same(
        &decode(make, &bytes.chunks(1).collect::<Vec<_>>()),
        expected,
        "byte by byte",
    )?;
    let step = if bytes.len() > 17_000 { 11 } else { 1 };
    for cut in (0..=bytes.len()).step_by(step) {
        let (left, right) = bytes.split_at(cut);
        same(&decode(make, &[left, right]), expected, &format!("cut at {cut}"))?;
    }
    Ok(())
}

fn decode(make: Make, pieces: &[&[u8]]) -> Vec<Event> {
    let mut decoder = make();
    let mut out = Vec::new();
    for piece in pieces {
        decoder.feed(piece, &mut out);
    }
    decoder.end(&mut out);
    merged(out)
}

/// The events, with those texts put together that follow one another.
fn merged(events: Vec<Event>) -> Vec<Event> {
    let mut out: Vec<Event> = Vec::new();
    for event in events {
        match (out.last_mut(), event) {
            // What is to be sent back is compared apart; where the counts of tokens stand among calls says nothing.
            (_, Event::Signature(_)) => {}
            (Some(Event::ToolCall(_)), Event::Usage(usage)) => {
                let calls = out.iter().rev().take_while(|event| matches!(event, Event::ToolCall(_)));
                let before = out.len() - calls.count();
                out.insert(before, Event::Usage(usage));
            }
            (_, Event::ToolCall(call)) => out.push(Event::ToolCall(ToolCall {
                signature: None,
                ..call
            })),
            (Some(Event::Text(all)), Event::Text(more)) => all.push_str(&more),
            (Some(Event::Reasoning(all)), Event::Reasoning(more)) => all.push_str(&more),
            (_, event) => out.push(event),
        }
    }
    out
}

fn text(text: &str) -> Event {
    Event::Text(text.into())
}

fn reasoning(text: &str) -> Event {
    Event::Reasoning(text.into())
}

fn call(id: &str, name: &str, arguments: &str) -> Event {
    Event::ToolCall(ToolCall {
        id: id.into(),
        name: name.into(),
        arguments: arguments.into(),
        signature: None,
    })
}

fn cited(url: &str, title: &str) -> Event {
    Event::Citation(Citation {
        url: url.into(),
        title: title.into(),
    })
}

fn named(kind: UnshownKind, name: &str) -> Event {
    Event::Unshown(Unshown {
        kind,
        name: name.into(),
    })
}

fn usage(input: u64, cached: u64, output: u64, reasoning: u64) -> Event {
    Event::Usage(Usage {
        input,
        cached,
        output,
        reasoning,
    })
}

fn error(class: ErrorClass, status: Option<u16>, code: &str, message: &str) -> Event {
    Event::Error(ProviderError {
        status,
        code: Some(code.into()),
        ..ProviderError::new(class, message)
    })
}

const QUOTA: &str = "You exceeded your current quota, please check your plan and billing details. For more information on this \
    error, read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors.";

const REFUSED: &str = "This request triggered restrictions on violative cyber content and was blocked under Anthropic's Usage \
    Policy.\ncategory: cyber\nrecommended_model: claude-fable-5";

const THINKING: &str = "This is a straightforward question about pedestrian safety. I should provide clear, helpful advice about how \
    to safely cross a street. This is basic safety information that could help prevent accidents.";

const CROSSING: &str = "Here are the basic steps for safely crossing the street:\n\n**At intersections with traffic lights:**\n- Wait \
    for the pedestrian \"Walk\" signal\n- Look both ways before stepping into the street\n- Make eye contact with \
    drivers when possible\n- Stay alert for turning vehicles\n\n**At intersections without signals:**\n- Use \
    crosswalks when available\n- Stop at the curb and look left, right, then left again\n- Wait for a clear gap in \
    traffic\n- Walk briskly but don't run\n- Keep looking for traffic as you cross\n\n**General safety tips:**\n- \
    Put away phones and remove headphones\n- Wear bright or reflective clothing in low light\n- Never assume \
    drivers see you\n- Avoid crossing between parked cars\n- Walk facing traffic when there's no sidewalk\n\n**In \
    busy urban areas:**\n- Follow pedestrian signals strictly\n- Be extra cautious of cyclists in bike lanes\n- \
    Watch for buses and large vehicles with blind spots\n\nThe key is to be visible, alert, and predictable in \
    your movements. Always prioritize safety over speed when crossing streets.";

const PATCH: &str = "{\"diff\":\"+## Shopping Checklist\\n+\\n+- [ ] Milk\\n+- [ ] Bread\\n+- [ ] Eggs\\n+- [ ] Fresh fruit\\n+- [ ] \
    Coffee\\n\",\"path\":\"shopping-checklist.md\",\"type\":\"create_file\"}";

const EMBEDDING: (&str, &str) = (
    "According to the document, an embedding model converts complex data (e.g., words or images) into a dense vector \
     — a list of numbers — called an embedding ",
    ". Unlike generative models, embedding models do not generate new text or data; instead they produce vector \
     representations that capture semantic and syntactic relationships and can be used as input for other models or \
     NLP tasks .",
);

fn recorded() -> Vec<Recorded> {
    let stop = || Event::Finished(FinishReason::Stop);
    let tools = || Event::Finished(FinishReason::ToolCalls);
    let of = |file, make, expected| Recorded { file, make, expected };
    vec![
        of(
            "openai_chat_text.sse",
            chat,
            vec![text("The capital of the UK is London."), usage(78, 0, 9, 0), stop()],
        ),
        of(
            "openai_chat_tool_call.sse",
            chat,
            vec![
                usage(53, 0, 15, 0),
                call("call_ZR5UUuTt3pf61kjwAJIYdVMj", "get_capital", "{\"country\":\"UK\"}"),
                tools(),
            ],
        ),
        of(
            "openrouter_midstream_error.sse",
            chat,
            vec![
                reasoning("We need to respond to a greeting. The user"),
                usage(43, 0, 10, 11),
                error(ErrorClass::BadRequest, Some(400), "400", "Token limit reached"),
            ],
        ),
        of(
            "openrouter_reasoning.sse",
            chat,
            vec![
                reasoning("This is a simple arithmetic question. 2+2 equals 4."),
                text("2 + 2 = 4"),
                usage(43, 0, 36, 13),
                stop(),
            ],
        ),
        of(
            "chat_tool_index_starts_at_1.sse",
            chat,
            vec![
                text("Reading it."),
                call("toolu_sanitized", "read_file", "{\"path\": \"a.txt\"}"),
                tools(),
            ],
        ),
        of(
            "azure_chat_filter_results.jsonl",
            chat,
            vec![text("Capital of Denmark."), usage(15, 0, 78, 64), stop()],
        ),
        of(
            "mistral_content_array.jsonl",
            chat,
            vec![
                reasoning("The user is asking for 2+2. This is basic arithmetic. 2+2=4."),
                text("2 + 2 = 4"),
                usage(10, 0, 46, 0),
                stop(),
            ],
        ),
        of(
            "xai_chat_reasoning_content.jsonl",
            chat,
            vec![
                reasoning("First, the user said"),
                text("Hello"),
                usage(12, 11, 1, 290),
                stop(),
            ],
        ),
        of(
            "openai_responses_text.sse",
            responses,
            vec![text("The capital of France is Paris."), usage(278, 0, 9, 0), stop()],
        ),
        of(
            "openai_responses_stateless_gpt55.sse",
            responses,
            vec![text("pong"), usage(11, 0, 5, 0), stop()],
        ),
        of(
            "openai_responses_tool_call.sse",
            responses,
            vec![
                usage(255, 0, 16, 0),
                call(
                    "call_kL0PCQV7M2WMoVX8V8OtYSAL",
                    "get_capital",
                    "{\"country\":\"France\"}",
                ),
                tools(),
            ],
        ),
        of(
            "openai_responses_quota_error.jsonl",
            responses,
            vec![error(ErrorClass::Quota, None, "insufficient_quota", QUOTA)],
        ),
        of(
            "anthropic_thinking.sse",
            anthropic,
            vec![
                usage(43, 0, 1, 0),
                reasoning(THINKING),
                text(CROSSING),
                usage(43, 0, 282, 0),
                stop(),
            ],
        ),
        of(
            "anthropic_tool_use.sse",
            anthropic,
            vec![
                usage(377, 0, 1, 0),
                text("I'll check the current weather in Paris for you."),
                usage(377, 0, 65, 0),
                call(
                    "toolu_01NRLabsLyVHZPKxbKvkfSMn",
                    "get_weather",
                    "{\"location\": \"Paris\"}",
                ),
                tools(),
            ],
        ),
        of(
            "anthropic_fallback_model.jsonl",
            anthropic,
            vec![
                usage(408, 0, 1, 0),
                Event::AnsweredBy("claude-opus-4-8".into()),
                text("The printing press was invented by Johannes Gutenberg around 1440."),
                usage(820, 0, 264, 0),
                stop(),
            ],
        ),
        of(
            "anthropic_refusal_stop_details.jsonl",
            anthropic,
            vec![
                usage(18, 0, 1, 0),
                usage(18, 0, 5, 0),
                Event::Finished(FinishReason::Cut(Cut::new(Why::Filter, "refusal", REFUSED))),
            ],
        ),
        of(
            "gemini_text.sse",
            gemini,
            vec![
                text("The"),
                usage(15, 0, 0, 0),
                text(" capital of France is Paris.\n"),
                usage(13, 0, 8, 0),
                stop(),
            ],
        ),
        of(
            "ollama_native_tools.ndjson",
            ollama,
            vec![
                usage(577, 0, 90, 0),
                call("", "weather", "{\"location\":\"London, UK\",\"units\":\"celsius\"}"),
                call("", "weather", "{\"location\":\"Paris, FR\",\"units\":\"fahrenheit\"}"),
                tools(),
            ],
        ),
        of(
            "openai_responses_custom_tool.jsonl",
            responses,
            vec![
                usage(50, 0, 20, 0),
                call("call_custom_sql_001", "write_sql", "SELECT * FROM users WHERE age > 25"),
                tools(),
            ],
        ),
        of(
            "openai_responses_apply_patch.jsonl",
            responses,
            vec![
                usage(642, 0, 67, 0),
                call("call_kA46f91ZwocQyMCKyyZqRyC5", "apply_patch", PATCH),
                tools(),
            ],
        ),
        of(
            "openai_responses_local_shell.jsonl",
            responses,
            vec![
                usage(407, 0, 151, 128),
                call(
                    "call_h3nm8hUG0KO9tVNuRACkL1ri",
                    "local_shell",
                    r#"{"command":["ls","-a","~"],"env":{},"type":"exec"}"#,
                ),
                tools(),
            ],
        ),
        of(
            "openai_responses_mcp_approval.jsonl",
            responses,
            vec![
                named(UnshownKind::Ran, "mcp_list_tools"),
                usage(422, 0, 48, 0),
                call(
                    "mcpr_04a97b4fce127879006949a83ac9308195a7f7b69ea82e91fe",
                    "mcp_approval_request zip1.create_short_url",
                    "{\"alias\":\"\",\"description\":\"Shortened link for ai-sdk.dev\",\"max_clicks\":100,\"password\":\"\",\"url\":\"https://ai-sdk.dev/\"}",
                ),
                tools(),
            ],
        ),
        of(
            "openai_responses_file_search.jsonl",
            responses,
            vec![
                named(UnshownKind::Ran, "file_search"),
                text(EMBEDDING.0),
                cited("", "ai.pdf"),
                text(EMBEDDING.1),
                usage(3737, 2304, 621, 512),
                stop(),
            ],
        ),
        of(
            "openai_responses_image_generation.jsonl",
            responses,
            vec![named(UnshownKind::Image, ""), usage(2941, 1920, 1249, 1024), stop()],
        ),
        of(
            "gemini_streamed_tool_arguments.jsonl",
            gemini,
            vec![
                usage(26, 0, 155, 132),
                call("", "getWeather", "{\"location\":\"Boston\"}"),
                call("", "getWeather", "{\"location\":\"San Francisco\"}"),
                tools(),
            ],
        ),
        of(
            "cases/04-message-instead-of-delta.http",
            chat,
            vec![text("The whole answer in one event."), stop()],
        ),
        of(
            "cases/06-think-tags.http",
            chat,
            vec![reasoning("The user greets me."), text("\n\nHello!"), stop()],
        ),
        of(
            "cases/07-cumulative-reasoning.http",
            chat,
            vec![reasoning("One. Two. Three."), text("Done."), stop()],
        ),
        of(
            "cases/07-reasoning-object.http",
            chat,
            vec![reasoning("A thought."), text("The answer."), stop()],
        ),
        of(
            "cases/h__anth-doc-citations.sse",
            anthropic,
            vec![
                usage(9, 0, 1, 0),
                text("The grass is green."),
                cited("", "My Document"),
                usage(9, 0, 9, 0),
                stop(),
            ],
        ),
        of(
            "cases/h__gemini-image.sse",
            gemini,
            vec![
                text("Here is your picture: "),
                named(UnshownKind::Image, ""),
                usage(5, 0, 1290, 0),
                stop(),
            ],
        ),
        of(
            "cases/h__openrouter-image.sse",
            chat,
            vec![named(UnshownKind::Image, ""), stop()],
        ),
    ]
}

const GROUNDED: &str = "gemini_web_search_grounding.sse";

/// Its text is long, and its counts change with each chunk: what matters is the five sources.
fn what_a_search_found_is_told() -> Result<(), Failed> {
    let bytes = read(GROUNDED)?;
    let whole = decode(gemini, &[&bytes]);
    let titles = whole.iter().filter_map(|event| match event {
        Event::Citation(citation) if citation.url.starts_with("https://") => Some(citation.title.as_str()),
        _ => None,
    });
    let expected = [
        "Weather information for San Francisco, CA, US",
        "timeanddate.com",
        "weather.gov",
        "wunderground.com",
        "accuweather.com",
    ];
    same(&titles.collect::<Vec<_>>(), &expected.to_vec(), "sources")?;
    fed_in_every_way(gemini, &bytes, &whole)
}

// --- server-sent events -------------------------------------------------------------------------------------------

#[derive(Debug, Default, PartialEq)]
struct Seen {
    events: Vec<(String, String, String)>,
    retry: Option<u64>,
    last_event_id: String,
}

fn sse_trials() -> Vec<Trial> {
    let cases = cases("reference/sse_cases.json", Some("cases"));
    if cases.is_empty() {
        return vec![trial("sse", || Err("no cases".into()))];
    }
    let named = |case: Value| {
        trial(format!("sse: {}", case["name"].as_str().unwrap()), move || {
            sse_case(&case)
        })
    };
    cases.into_iter().map(named).collect()
}

fn sse_case(case: &Value) -> Result<(), Failed> {
    let string = |value: &Value| value.as_str().unwrap().to_owned();
    let event = |event: &Value| (string(&event["event"]), string(&event["data"]), string(&event["id"]));
    let events: Vec<_> = case["events"].as_array().unwrap().iter().map(event).collect();
    let last_event_id = match &case["last_event_id_at_eof"] {
        Value::String(id) => id.clone(),
        _ => events.last().map(|event| event.2.clone()).unwrap_or_default(),
    };
    let expected = Seen {
        events,
        retry: case["retry"].as_u64(),
        last_event_id,
    };
    let chunks: Vec<Vec<u8>> = case["chunks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|hex| unhex(hex.as_str().unwrap()))
        .collect();
    same(&sse(chunks.iter().map(Vec::as_slice)), &expected, "as given")?;
    let bytes = chunks.concat();
    same(&sse([bytes.as_slice()].into_iter()), &expected, "whole")?;
    same(&sse(bytes.chunks(1)), &expected, "byte by byte")?;
    for cut in 0..=bytes.len() {
        let (left, right) = bytes.split_at(cut);
        same(&sse([left, right].into_iter()), &expected, &format!("cut at {cut}"))?;
    }
    Ok(())
}

fn sse<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Seen {
    let mut decoder = SseDecoder::new();
    let mut events = Vec::new();
    for piece in pieces {
        let take = |event: gpt_nvim::provider::wire::sse::SseEvent<'_>| {
            events.push((event.event.to_owned(), event.data.to_owned(), event.id.to_owned()));
        };
        decoder.feed(piece, take).unwrap();
    }
    Seen {
        events,
        retry: decoder.retry(),
        last_event_id: decoder.last_event_id().to_owned(),
    }
}

fn unhex(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.chars().map(|digit| digit.to_digit(16).unwrap() as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

// --- error bodies -------------------------------------------------------------------------------------------------

/// Class, code, whether it may be asked again, the wait in milliseconds: in the order of `error_bodies.json`.
const ERRORS: [(ErrorClass, &str, bool, u64); 29] = {
    use ErrorClass::*;
    [
        (ModelNotFound, "model_not_found", false, 0),
        (ModelNotFound, "model_not_found", false, 0),
        (ModelNotFound, "not_found_error", false, 0),
        (ModelNotFound, "NOT_FOUND", false, 0),
        (ModelNotFound, "model_not_found", false, 0),
        (RefusedParameter, "unsupported_value", false, 0),
        (RefusedParameter, "invalid_request_error", false, 0),
        (RefusedParameter, "decimal_below_min_value", false, 0),
        (BadRequest, "invalid_request_error", false, 0),
        (BadRequest, "invalid_request_error", false, 0),
        (RateLimit, "429", true, 0),
        (BadRequest, "tool_use_failed", false, 0),
        (RefusedParameter, "unsupported_parameter", false, 0),
        (RefusedParameter, "invalid_request_error", false, 0),
        (Quota, "insufficient_quota", false, 0),
        (RateLimit, "RESOURCE_EXHAUSTED", true, 34_400),
        (WrongKey, "invalid_api_key", false, 0),
        (WrongOrganization, "mismatched_organization", false, 0),
        (WrongOrganization, "invalid_organization", false, 0),
        (WrongOrganization, "no_organization", false, 0),
        (Region, "unsupported_country_region_territory", false, 0),
        (ModelNotFound, "model_not_found", false, 0),
        (RateLimit, "rate_limit_exceeded", false, 0),
        (RateLimit, "rate_limit_exceeded", true, 18_642),
        (Quota, "project_spend_limit_exceeded", false, 0),
        (ContextTooLong, "context_length_exceeded", false, 0),
        (ContentFilter, "content_filter", false, 0),
        (WrongKey, "API_KEY_INVALID", false, 0),
        (Forbidden, "server_error", false, 0),
    ]
};

fn error_trials() -> Vec<Trial> {
    let entries = cases("fixtures/error_bodies.json", None);
    if entries.is_empty() {
        return vec![trial("errors", || Err("no entries".into()))];
    }
    let count = entries.len();
    let mut trials = vec![trial("errors: each has its expectation", move || {
        same(&count, &ERRORS.len(), "entries")
    })];
    for (at, (entry, expected)) in entries.into_iter().zip(ERRORS).enumerate() {
        trials.push(trial(format!("errors: {at} {}", expected.1), move || {
            error_case(&entry, expected)
        }));
    }
    trials
}

fn error_case(entry: &Value, (class, code, retryable, wait): (ErrorClass, &str, bool, u64)) -> Result<(), Failed> {
    let status = entry["status"].as_u64().unwrap() as u16;
    let body = entry["body"].to_string();
    let error = ProviderError::from_response(status, &AnswerHeaders::default(), body.as_bytes());
    let got = (
        error.class,
        error.code.as_deref().unwrap_or_default(),
        error.is_retryable(),
    );
    same(&got, &(class, code, retryable), "from the response")?;
    same(&error.status, &Some(status), "status")?;
    same(
        &error.retry_after,
        &(wait > 0).then(|| Duration::from_millis(wait)),
        "wait",
    )?;
    let message = entry["body"]["error"]["message"].as_str().unwrap();
    if code == "invalid_api_key" {
        let redacted = "Incorrect API key provided: [redacted]. You can find your API key at https://platform.openai.com/account/api-keys.";
        same(&error.message.as_str(), &redacted, "message")?;
    } else {
        same(&error.message.starts_with(message), &true, "message")?;
    }
    let makes: [(Make, bool); 5] = [
        (chat, true),
        (responses, true),
        (anthropic, true),
        (gemini, true),
        (ollama, false),
    ];
    for (make, is_sse) in makes {
        // The same body with status 200: exactly one error, with the same words, however it is cut.
        let events = decode(make, &[body.as_bytes()]);
        let [Event::Error(streamed)] = events.as_slice() else {
            return Err(format!("{events:?}").into());
        };
        same(
            &(&streamed.message, &streamed.code),
            &(&error.message, &error.code),
            "with status 200",
        )?;
        fed_in_every_way(make, body.as_bytes(), &events)?;
        if is_sse {
            fed_in_every_way(make, format!("data: {body}\r\n\r\n").as_bytes(), &events)?;
        }
    }
    Ok(())
}
