//! Streams of every wire, put together of texts, stop words, errors and what cannot be read, in each order, cut into pieces
//! anywhere: a turn ends once, and is only done if nothing says otherwise.

use std::collections::BTreeMap;

use super::*;
use crate::provider::wire::anthropic::AnthropicDecoder;
use crate::provider::wire::gemini::GeminiDecoder;
use crate::provider::wire::ollama::OllamaDecoder;
use crate::provider::wire::openai_chat::ChatDecoder;
use crate::provider::wire::openai_responses::ResponsesDecoder;
use crate::provider::{Decoder, FinishReason};

/// A piece of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece {
    Text,
    /// A stop word that the documentation calls a normal end.
    Whole(&'static str),
    /// Any other one.
    Cut(&'static str),
    Error(&'static str),
    /// What is no JSON.
    Broken,
    /// What the wire ends with after the stop word, if anything.
    Close,
    /// Counts of tokens that cannot be.
    Usage,
}

use Piece::{Broken, Close, Error, Text, Usage as Counts, Whole};

/// A wire: how it writes a piece, and which pieces end the stream.
pub(super) struct Wire {
    pub(super) name: &'static str,
    pub(super) decoder: fn() -> Box<dyn Decoder>,
    pub(super) write: fn(Piece) -> String,
    pub(super) pieces: &'static [Piece],
    is_last: fn(Piece) -> bool,
    /// Whether the answer is whole if nothing but `Close` ends it.
    pub(super) close_is_whole: bool,
}

fn data(payload: &str) -> String {
    format!("data: {payload}\n\n")
}

fn chat(piece: Piece) -> String {
    match piece {
        Text => data(r#"{"choices":[{"delta":{"content":"half"}}]}"#),
        Whole(word) | Piece::Cut(word) => {
            data(&format!(r#"{{"choices":[{{"delta":{{}},"finish_reason":"{word}"}}]}}"#))
        }
        Error(payload) => data(payload),
        Broken => data("{\"choices\":[{"),
        Close => data("[DONE]"),
        Counts => data(r#"{"choices":[],"usage":{"prompt_tokens":18446744073709551615,"completion_tokens":-1}}"#),
    }
}

fn responses(piece: Piece) -> String {
    match piece {
        Text => data(
            r#"{"type":"response.output_text.delta","item_id":"i","output_index":0,"content_index":0,"delta":"half"}"#,
        ),
        Whole(_) => data(r#"{"type":"response.completed","response":{"status":"completed"}}"#),
        Piece::Cut("incomplete") => data(r#"{"type":"response.incomplete","response":{"status":"incomplete"}}"#),
        Piece::Cut("cancelled") => data(r#"{"type":"response.completed","response":{"status":"cancelled"}}"#),
        Piece::Cut(word) => data(&format!(
            r#"{{"type":"response.incomplete","response":{{"incomplete_details":{{"reason":"{word}"}}}}}}"#
        )),
        Error(payload) => data(payload),
        Broken => data("{\"type\":\"resp"),
        Close => data("[DONE]"),
        Counts => data(r#"{"type":"response.in_progress","response":{"usage":{"input_tokens":1e300}}}"#),
    }
}

fn anthropic(piece: Piece) -> String {
    match piece {
        Text => data(r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"half"}}"#),
        Whole(word) | Piece::Cut(word) => data(&format!(
            r#"{{"type":"message_delta","delta":{{"stop_reason":"{word}"}}}}"#
        )),
        Error(payload) => data(payload),
        Broken => data("{\"type\":\"con"),
        Close => data(r#"{"type":"message_stop"}"#),
        Counts => data(r#"{"type":"message_start","message":{"usage":{"input_tokens":"99999999999999999999"}}}"#),
    }
}

fn gemini(piece: Piece) -> String {
    match piece {
        Text => data(r#"{"candidates":[{"content":{"parts":[{"text":"half"}]}}]}"#),
        Whole(word) | Piece::Cut(word) => data(&format!(r#"{{"candidates":[{{"finishReason":"{word}"}}]}}"#)),
        Error(payload) => data(payload),
        Broken => data("{\"candidates\":[{"),
        Close => String::new(),
        Counts => data(
            r#"{"usageMetadata":{"promptTokenCount":18446744073709551615,"toolUsePromptTokenCount":18446744073709551615}}"#,
        ),
    }
}

fn ollama(piece: Piece) -> String {
    let line = match piece {
        Text => r#"{"message":{"content":"half"},"done":false}"#.to_owned(),
        Whole(word) | Piece::Cut(word) => {
            format!(r#"{{"message":{{"content":""}},"done":true,"done_reason":"{word}","eval_count":1e40}}"#)
        }
        Error(payload) => payload.to_owned(),
        Broken => "{\"message\":{".to_owned(),
        Close | Counts => String::new(),
    };
    line + "\n"
}

pub(super) const WIRES: &[Wire] = &[
    Wire {
        name: "Chat Completions",
        decoder: || Box::new(ChatDecoder::new()),
        write: chat,
        pieces: &[
            Text,
            Whole("stop"),
            Whole("eos"),
            Piece::Cut("length"),
            Piece::Cut("error"),
            Piece::Cut("tool_calls"),
            Error(r#"{"error":{"message":"m"}}"#),
            Error(r#"{"choices":[{"delta":{},"finish_reason":"stop","error":{"message":"m"}}]}"#),
            Broken,
            Close,
            Counts,
        ],
        is_last: |piece| matches!(piece, Close),
        close_is_whole: true,
    },
    Wire {
        name: "Responses",
        decoder: || Box::new(ResponsesDecoder::new()),
        write: responses,
        pieces: &[
            Text,
            Whole("completed"),
            Piece::Cut("max_output_tokens"),
            Piece::Cut("steered"),
            Piece::Cut("incomplete"),
            Piece::Cut("cancelled"),
            Error(r#"{"type":"error","message":"m"}"#),
            Error(r#"{"type":"response.failed","response":{"error":{"message":"m"}}}"#),
            Broken,
            Close,
            Counts,
        ],
        is_last: |piece| matches!(piece, Whole(_) | Piece::Cut(_) | Close),
        close_is_whole: false,
    },
    Wire {
        name: "Anthropic",
        decoder: || Box::new(AnthropicDecoder::new()),
        write: anthropic,
        pieces: &[
            Text,
            Whole("end_turn"),
            Whole("stop_sequence"),
            Piece::Cut("max_tokens"),
            Piece::Cut("pause_turn"),
            Piece::Cut("strange"),
            Error(r#"{"type":"error","error":{"type":"api_error","message":"m"}}"#),
            Broken,
            Close,
            Counts,
        ],
        is_last: |piece| matches!(piece, Close),
        close_is_whole: false,
    },
    Wire {
        name: "Gemini",
        decoder: || Box::new(GeminiDecoder::new()),
        write: gemini,
        pieces: &[
            Text,
            Whole("STOP"),
            Piece::Cut("MAX_TOKENS"),
            Piece::Cut("OTHER"),
            Error(r#"{"error":{"code":503,"message":"m"}}"#),
            Error(r#"{"promptFeedback":{"blockReason":"SAFETY"}}"#),
            Broken,
            Counts,
        ],
        is_last: |_| false,
        close_is_whole: false,
    },
    Wire {
        name: "Ollama",
        decoder: || Box::new(OllamaDecoder::new()),
        write: ollama,
        pieces: &[
            Text,
            Whole("stop"),
            Piece::Cut("length"),
            Piece::Cut("unload"),
            Error(r#"{"error":"m"}"#),
            Broken,
        ],
        is_last: |piece| matches!(piece, Whole(_) | Piece::Cut(_)),
        close_is_whole: false,
    },
];

/// How a chat's turn ends with these pieces of a body; panics unless that is once.
fn ended_by(wire: &Wire, body: &[&[u8]]) -> Ended {
    let mut decoder = (wire.decoder)();
    let mut events = Vec::new();
    for bytes in body {
        decoder.feed(bytes, &mut events);
    }
    decoder.end(&mut events);
    let mut chat = Conversation::default();
    chat.step(send("q"));
    let mut ends = Vec::new();
    for event in events {
        for effect in chat.step(answered(1, event)) {
            if let Effect::EndTurn(_, ended) = effect {
                ends.push(ended);
            }
        }
    }
    assert!(!chat.is_answering());
    assert_eq!(ends.len(), 1, "{}: {ends:?}", wire.name);
    ends.remove(0)
}

/// What the pieces before the stream's end say.
fn judge(wire: &Wire, pieces: &[Piece], ended: &Ended) -> Result<(), String> {
    let last = pieces.iter().position(|piece| (wire.is_last)(*piece));
    let heard = pieces.get(..=last.unwrap_or(pieces.len())).unwrap_or(pieces);
    let failed = heard.iter().any(|piece| matches!(piece, Error(_) | Broken));
    let cuts = |word: &str| {
        heard
            .iter()
            .any(|piece| matches!(piece, Piece::Cut(cut) if *cut == word))
    };
    let cut = heard.iter().any(|piece| matches!(piece, Piece::Cut(_)));
    let closed = wire.close_is_whole && heard.contains(&Close);
    let whole = closed || heard.iter().any(|piece| matches!(piece, Whole(_)));
    let fits = match &ended.outcome {
        Outcome::Done { .. } => whole && !failed && !cut,
        Outcome::Cut { cut: Some(told), .. } => !failed && cuts(&told.word),
        Outcome::Cut { cut: None, .. } => !failed && !cut && !whole,
        Outcome::Failed(_) => failed,
        Outcome::Stopped { .. } => false,
    };
    let most = 1_000_000_000;
    let counts = ended.usage.unwrap_or_default();
    if fits && counts.input < most && counts.output < most {
        return Ok(());
    }
    Err(format!("{}: {pieces:?} ended as {ended:?}", wire.name))
}

/// Each sequence of up to three pieces.
fn sequences(pieces: &[Piece]) -> Vec<Vec<Piece>> {
    let mut all: Vec<Vec<Piece>> = vec![Vec::new()];
    let mut from = 0;
    for _ in 0..3 {
        let until = all.len();
        for at in from..until {
            for piece in pieces {
                let longer = [all[at].as_slice(), &[*piece]].concat();
                all.push(longer);
            }
        }
        from = until;
    }
    all
}

#[test]
fn a_stream_ends_once_and_is_whole_only_if_nothing_says_otherwise() {
    for wire in WIRES {
        let mut seen = BTreeMap::new();
        for pieces in sequences(wire.pieces) {
            let body: String = pieces.iter().map(|piece| (wire.write)(*piece)).collect();
            let ended = ended_by(wire, &[body.as_bytes()]);
            if let Err(wrong) = judge(wire, &pieces, &ended) {
                panic!("{wrong}\n{body}");
            }
            let kind = std::mem::discriminant(&ended.outcome);
            *seen.entry(format!("{kind:?}")).or_insert(0) += 1;
        }
        assert_eq!(seen.len(), 3, "done, cut and failed: {}", wire.name);
    }
}

#[test]
fn where_a_stream_is_split_does_not_change_its_end() {
    for wire in WIRES {
        for (number, pieces) in sequences(wire.pieces).into_iter().enumerate() {
            let body: String = pieces.iter().map(|piece| (wire.write)(*piece)).collect();
            let body = body.as_bytes();
            let whole = ended_by(wire, &[body]);
            // Each sequence at other places, so that all of them are tried.
            let cuts = [number * 7, number * 13 + 5].map(|cut| if body.is_empty() { 0 } else { cut % body.len() });
            for cut in cuts {
                let (left, right) = body.split_at(cut);
                assert_eq!(
                    ended_by(wire, &[left, right]),
                    whole,
                    "{}: {pieces:?} at {cut}",
                    wire.name
                );
            }
            if number % 10 == 0 {
                let bytes: Vec<&[u8]> = body.chunks(1).collect();
                assert_eq!(ended_by(wire, &bytes), whole, "{}: {pieces:?} by bytes", wire.name);
            }
        }
    }
}

#[test]
fn the_guide_ends_once() {
    let mut chat = Conversation::default();
    chat.step(send("q"));
    chat.step(text(1, "a"));
    let effects = chat.step(answered(1, ProviderEvent::Finished(FinishReason::Stop)));
    assert!(matches!(ended(&effects), Some(Outcome::Done { empty: false, .. })));
}
