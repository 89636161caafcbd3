//! How many bytes per second the framing and the wires read, on one core: `cargo bench --bench wires`.
#![allow(clippy::print_stdout, reason = "the numbers are the point")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use gpt_nvim::provider::wire::anthropic::AnthropicDecoder;
use gpt_nvim::provider::wire::gemini::GeminiDecoder;
use gpt_nvim::provider::wire::ollama::OllamaDecoder;
use gpt_nvim::provider::wire::openai_chat::ChatDecoder;
use gpt_nvim::provider::wire::openai_responses::ResponsesDecoder;
use gpt_nvim::provider::wire::sse::SseDecoder;
use gpt_nvim::provider::{Decoder, Event};

/// As much as a read of a socket yields at a time.
const PIECE: usize = 16 * 1024;
const LINES: usize = 20_000;
const FOR: Duration = Duration::from_secs(1);

fn main() {
    let chat = chat_stream();
    let responses = responses_stream();
    report("framing, chat", &chat, frame);
    report("framing, responses", &responses, frame);
    report("whole wire, chat", &chat, |stream| decode(ChatDecoder::new(), stream));
    report("whole wire, responses", &responses, |stream| {
        decode(ResponsesDecoder::new(), stream)
    });
    report("whole wire, anthropic", &anthropic_stream(), |stream| {
        decode(AnthropicDecoder::new(), stream)
    });
    report("whole wire, gemini", &gemini_stream(), |stream| {
        decode(GeminiDecoder::new(), stream)
    });
    report("whole wire, ollama", &ollama_stream(), |stream| {
        decode(OllamaDecoder::new(), stream)
    });
}

fn report(name: &str, stream: &str, read: impl Fn(&[u8]) -> usize) {
    let expected = read(stream.as_bytes());
    let start = Instant::now();
    let mut rounds = 0_u32;
    while start.elapsed() < FOR {
        assert_eq!(black_box(read(black_box(stream.as_bytes()))), expected);
        rounds += 1;
    }
    let bytes = f64::from(rounds) * stream.len() as f64;
    println!("{name:<24}{:>8.0} MB/s", bytes / start.elapsed().as_secs_f64() / 1e6);
}

fn frame(stream: &[u8]) -> usize {
    let mut decoder = SseDecoder::new();
    let mut seen = 0;
    for piece in stream.chunks(PIECE) {
        assert!(decoder.feed(piece, |event| seen += black_box(event).data.len()).is_ok());
    }
    seen
}

fn decode(mut decoder: impl Decoder, stream: &[u8]) -> usize {
    let mut seen = 0;
    let mut out = Vec::new();
    for piece in stream.chunks(PIECE) {
        decoder.feed(piece, &mut out);
        seen += out.drain(..).map(weight).sum::<usize>();
    }
    decoder.end(&mut out);
    seen + out.drain(..).map(weight).sum::<usize>()
}

fn weight(event: Event) -> usize {
    match black_box(event) {
        Event::Text(text) => text.len(),
        _ => 1,
    }
}

/// As OpenAI writes it: one token in some 330 bytes.
fn chat_stream() -> String {
    let chunk = |delta: &str, finish: &str| {
        format!(
            "data: {{\"id\":\"chatcmpl-Dx0Xq5Xx9rHB2ehcHZCRDsnuymUXc\",\"object\":\"chat.completion.chunk\",\"created\":1782955818,\
             \"model\":\"gpt-4o-mini-2024-07-18\",\"service_tier\":\"default\",\"system_fingerprint\":\"fp_d0469e1700\",\"choices\":\
             [{{\"index\":0,\"delta\":{delta},\"logprobs\":null,\"finish_reason\":{finish}}}],\"usage\":null,\"obfuscation\":\"CduGPpSo\"}}\n\n"
        )
    };
    let text = chunk("{\"content\":\" capital\"}", "null").repeat(LINES);
    format!("{text}{}data: [DONE]\n\n", chunk("{}", "\"stop\""))
}

fn responses_stream() -> String {
    let delta = "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"content_index\":0,\"delta\":\" capital\",\
         \"item_id\":\"msg_00592e63e61b66660169fab1bada8481a28ef92eb62c168ead\",\"logprobs\":[],\"obfuscation\":\"mZhSFjZXJr0X\",\
         \"output_index\":0,\"sequence_number\":4}\n\n";
    let end = "event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"status\":\"completed\",\"output\":[]}}\n\n";
    format!("{}{end}", delta.repeat(LINES))
}

fn anthropic_stream() -> String {
    let delta = "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"text_delta\",\
         \"text\":\" capital\"}          }\n\n";
    let end = "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
    format!("{}{end}", delta.repeat(LINES))
}

fn gemini_stream() -> String {
    let chunk = "data: {\"candidates\": [{\"content\": {\"parts\": [{\"text\": \" capital of France\"}],\"role\": \"model\"}}],\
         \"usageMetadata\": {\"promptTokenCount\": 15,\"totalTokenCount\": 15,\"promptTokensDetails\": [{\"modality\": \"TEXT\",\
         \"tokenCount\": 15}]},\"modelVersion\": \"gemini-2.0-flash-exp\",\"responseId\": \"w1peaMz6INOvnvgPgYfPiQY\"}\r\n\r\n";
    chunk.repeat(LINES)
}

fn ollama_stream() -> String {
    let line = "{\"model\":\"llama3.1:latest\",\"created_at\":\"2025-03-31T18:36:18.58469Z\",\"message\":{\"role\":\"assistant\",\
         \"content\":\" capital\"},\"done\":false}\n";
    format!("{}{{\"done\":true,\"done_reason\":\"stop\"}}\n", line.repeat(LINES))
}
