use super::*;
use crate::keys::{Redactor, Secret};
use crate::provider::wire::anthropic::STOP_WORDS as ANTHROPIC;
use crate::provider::wire::gemini::STOP_WORDS as GEMINI;
use crate::provider::wire::ollama::STOP_WORDS as OLLAMA;
use crate::provider::wire::openai_chat::STOP_WORDS as CHAT;
use crate::provider::wire::openai_responses::STOP_WORDS as RESPONSES;

/// A word, and what it says; `None`: the answer is whole.
type Meaning = (&'static str, Option<Why>);

/// The stop words that each provider documents, with what they say; read on 2026-11-28.
const DOCUMENTED: &[(&str, &Words, &[Meaning])] = &[
    (
        // https://platform.openai.com/docs/api-reference/chat/object
        "OpenAI",
        &CHAT,
        &[
            ("stop", None),
            ("length", Some(Why::Length)),
            ("content_filter", Some(Why::Filter)),
        ],
    ),
    // https://openrouter.ai/docs/api-reference/overview
    ("OpenRouter", &CHAT, &[("error", Some(Why::Unknown))]),
    // https://api-docs.deepseek.com/api/create-chat-completion
    (
        "DeepSeek",
        &CHAT,
        &[("insufficient_system_resource", Some(Why::Unknown))],
    ),
    (
        // https://docs.mistral.ai/api
        "Mistral",
        &CHAT,
        &[
            ("stop", None),
            ("model_length", Some(Why::Length)),
            ("error", Some(Why::Unknown)),
        ],
    ),
    // https://docs.together.ai/reference/chat-completions-1
    ("Together", &CHAT, &[("stop", None), ("eos", None)]),
    // https://huggingface.co/docs/text-generation-inference
    (
        "Hugging Face's TGI",
        &CHAT,
        &[
            ("eos_token", None),
            ("stop_sequence", None),
            ("length", Some(Why::Length)),
        ],
    ),
    // https://docs.x.ai/docs/api-reference
    ("xAI", &CHAT, &[("end_turn", None)]),
    (
        // https://docs.z.ai/api-reference/llm/chat-completion
        "Z.ai",
        &CHAT,
        &[
            ("sensitive", Some(Why::Filter)),
            ("model_context_window_exceeded", Some(Why::Length)),
            ("network_error", Some(Why::Unknown)),
        ],
    ),
    (
        // https://docs.vllm.ai/en/latest/api/vllm/v1/engine
        "vLLM",
        &CHAT,
        &[("abort", Some(Why::Unknown)), ("error", Some(Why::Unknown))],
    ),
    (
        // https://cloud.ibm.com/apidocs/watsonx-ai
        "watsonx",
        &CHAT,
        &[("time_limit", Some(Why::Unknown)), ("cancelled", Some(Why::Unknown))],
    ),
    (
        // https://platform.openai.com/docs/api-reference/responses/object
        "OpenAI's Responses",
        &RESPONSES,
        &[
            ("completed", None),
            ("cancelled", Some(Why::Unknown)),
            ("in_progress", Some(Why::Unknown)),
            ("max_output_tokens", Some(Why::Length)),
            ("content_filter", Some(Why::Filter)),
        ],
    ),
    (
        // https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons
        "Anthropic",
        &ANTHROPIC,
        &[
            ("end_turn", None),
            ("stop_sequence", None),
            ("max_tokens", Some(Why::Length)),
            ("model_context_window_exceeded", Some(Why::Length)),
            ("refusal", Some(Why::Filter)),
            ("pause_turn", Some(Why::Paused)),
        ],
    ),
    (
        // https://ai.google.dev/api/generate-content#FinishReason
        "Gemini",
        &GEMINI,
        &[
            ("STOP", None),
            ("MAX_TOKENS", Some(Why::Length)),
            ("SAFETY", Some(Why::Filter)),
            ("RECITATION", Some(Why::Filter)),
            ("LANGUAGE", Some(Why::Unknown)),
            ("OTHER", Some(Why::Unknown)),
            ("BLOCKLIST", Some(Why::Filter)),
            ("PROHIBITED_CONTENT", Some(Why::Filter)),
            ("SPII", Some(Why::Filter)),
            ("MALFORMED_FUNCTION_CALL", Some(Why::Unknown)),
            ("IMAGE_SAFETY", Some(Why::Filter)),
            ("UNEXPECTED_TOOL_CALL", Some(Why::Unknown)),
            ("TOO_MANY_TOOL_CALLS", Some(Why::Unknown)),
            ("NO_IMAGE", Some(Why::Unknown)),
        ],
    ),
    (
        // https://github.com/ollama/ollama/blob/main/docs/api.md
        "Ollama",
        &OLLAMA,
        &[
            ("stop", None),
            ("length", Some(Why::Length)),
            ("load", Some(Why::Unknown)),
            ("unload", Some(Why::Unknown)),
        ],
    ),
];

fn settled(words: &Words, heard: &[&str], called: bool) -> FinishReason {
    let mut ending = Ending::default();
    for word in heard {
        ending.hear(words, &StopWord::from(*word), "");
    }
    ending.settle(FinishReason::Incomplete, called)
}

#[test]
fn each_documented_word_says_what_its_documentation_says() {
    for (provider, words, table) in DOCUMENTED {
        for (word, why) in *table {
            let expected = why.map_or(FinishReason::Stop, |why| FinishReason::cut(why, word));
            assert_eq!(settled(words, &[word], false), expected, "{provider}: {word}");
        }
    }
}

#[test]
fn a_word_that_nobody_documents_cuts_and_is_told() {
    for words in [&CHAT, &RESPONSES, &ANTHROPIC, &GEMINI, &OLLAMA] {
        for word in ["strange", "Stop", "stopped", "42", "ok", "done"] {
            assert_eq!(
                settled(words, &[word], false),
                FinishReason::cut(Why::Unknown, word),
                "{word}"
            );
        }
    }
}

#[test]
fn a_word_for_calls_is_a_normal_end_only_with_a_call() {
    for (words, word) in [
        (&CHAT, "tool_calls"),
        (&CHAT, "function_call"),
        (&ANTHROPIC, "tool_use"),
    ] {
        assert_eq!(settled(words, &[word], true), FinishReason::ToolCalls, "{word}");
        assert_eq!(
            settled(words, &[word], false),
            FinishReason::cut(Why::Unknown, word),
            "{word}"
        );
    }
}

#[test]
fn of_two_words_the_one_counts_that_cuts() {
    let length = FinishReason::cut(Why::Length, "length");
    assert_eq!(settled(&CHAT, &["stop", "length"], false), length);
    assert_eq!(settled(&CHAT, &["length", "stop"], false), length);
    assert_eq!(settled(&CHAT, &["length", "error"], false), length);
    assert_eq!(settled(&CHAT, &["stop", "stop"], false), FinishReason::Stop);
    assert_eq!(settled(&CHAT, &["tool_calls", "stop"], true), FinishReason::ToolCalls);
    let lost = FinishReason::cut(Why::Unknown, "tool_calls");
    assert_eq!(settled(&CHAT, &["tool_calls", "stop"], false), lost);
}

#[test]
fn what_is_no_word_says_nothing() {
    assert_eq!(settled(&CHAT, &["", " ", "null"], false), FinishReason::Incomplete);
    assert_eq!(settled(&CHAT, &["null", " stop "], false), FinishReason::Stop);
}

#[test]
fn words_of_a_server_are_cut_and_cleaned_and_hold_no_key() {
    let said = format!("a\u{1b}[31m sk-{} {}", "a".repeat(30), "x".repeat(100_000));
    let FinishReason::Cut(cut) = CHAT.read(&"strange\n\u{7}word".repeat(1_000), &said) else {
        panic!("it is whole");
    };
    assert!(cut.word.len() < 1_000 && !cut.word.contains(['\n', '\u{7}']));
    assert!(
        cut.said.starts_with("a[31m [redacted]") && cut.said.len() < 10_000,
        "{}",
        cut.said
    );
    let live = Redactor::new(vec![Secret::new("hunter2-hunter2-hunter2".into()).unwrap()]);
    let told = CHAT
        .read("odd hunter2-hunter2-hunter2", "hunter2-hunter2-hunter2")
        .redacted(&live);
    assert_eq!(
        told,
        FinishReason::Cut(Cut::new(Why::Unknown, "odd [redacted]", "[redacted]"))
    );
}

#[test]
fn a_stop_word_in_an_object_or_a_list_is_read_on_every_wire() {
    use crate::provider::wire::anthropic::AnthropicDecoder;
    use crate::provider::wire::gemini::GeminiDecoder;
    use crate::provider::wire::ollama::OllamaDecoder;
    use crate::provider::wire::openai_chat::ChatDecoder;
    use crate::provider::wire::openai_responses::ResponsesDecoder;
    use crate::provider::{Decoder, Event};
    /// A decoder, its word for a whole answer and for one that is too long, and a stream with a place for a word.
    type Wire = (fn() -> Box<dyn Decoder>, &'static str, &'static str, &'static str);
    let wires: [Wire; 5] = [
        (
            || Box::new(ChatDecoder::new()),
            "stop",
            "length",
            "data: {\"choices\":[{\"delta\":{},\"finish_reason\":WORD}]}\n\ndata: [DONE]\n\n",
        ),
        (
            || Box::new(ResponsesDecoder::new()),
            "",
            "max_output_tokens",
            "data: {\"type\":\"response.incomplete\",\"response\":{\"status\":\"incomplete\",\"incomplete_details\":WORD}}\n\n",
        ),
        (
            || Box::new(AnthropicDecoder::new()),
            "end_turn",
            "max_tokens",
            "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":WORD}}\n\ndata: {\"type\":\"message_stop\"}\n\n",
        ),
        (
            || Box::new(GeminiDecoder::new()),
            "STOP",
            "MAX_TOKENS",
            "data: {\"candidates\":[{\"finishReason\":WORD}]}\n\n",
        ),
        (
            || Box::new(OllamaDecoder::new()),
            "stop",
            "length",
            "{\"message\":{},\"done\":true,\"done_reason\":WORD}\n",
        ),
    ];
    for (decoder, whole, length, stream) in wires {
        let end = |word: String| {
            let (mut decoder, mut events) = (decoder(), Vec::new());
            decoder.feed(stream.replace("WORD", &word).as_bytes(), &mut events);
            decoder.end(&mut events);
            match events.pop() {
                Some(Event::Finished(reason)) => reason,
                other => panic!("{stream}: {other:?}"),
            }
        };
        for shape in [
            "{\"type\":\"X\"}",
            "{\"reason\":\"X\"}",
            "{\"value\":\"X\"}",
            "[\"X\"]",
            "\"X\"",
        ] {
            assert_eq!(
                end(shape.replace('X', length)),
                FinishReason::cut(Why::Length, length),
                "{stream}: {shape}"
            );
            if !whole.is_empty() {
                assert_eq!(end(shape.replace('X', whole)), FinishReason::Stop, "{stream}: {shape}");
            }
        }
        for (odd, word) in [
            ("{\"type\":\"odd\"}", "odd"),
            ("[\"odd\"]", "odd"),
            ("{\"code\":7}", "{\"code\":7}"),
        ] {
            assert_eq!(end(odd.into()), FinishReason::cut(Why::Unknown, word), "{stream}");
        }
    }
}

#[test]
fn an_answer_of_anthropics_that_ends_without_a_stop_reason_was_cut() {
    use crate::provider::wire::anthropic::AnthropicDecoder;
    use crate::provider::{Decoder, Event};
    for body in [
        "data: {\"type\":\"content_block_delta\",\"delta\":{\"text\":\"half\"}}\n\ndata: {\"type\":\"message_stop\"}\n\n",
        "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":null}}\n\ndata: {\"type\":\"message_stop\"}\n\n",
        "{\"type\":\"message\",\"content\":[{\"type\":\"text\",\"text\":\"half\"}],\"stop_reason\":null}",
    ] {
        let (mut decoder, mut events) = (AnthropicDecoder::new(), Vec::new());
        decoder.feed(body.as_bytes(), &mut events);
        decoder.end(&mut events);
        assert_eq!(
            events.last(),
            Some(&Event::Finished(FinishReason::Incomplete)),
            "{body}"
        );
    }
}
