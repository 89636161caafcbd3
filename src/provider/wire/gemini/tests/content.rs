use super::*;
use crate::provider::{Citation, Unshown};

fn of_parts(parts: Value) -> String {
    json!({"candidates": [{"content": {"parts": parts}}]}).to_string()
}

fn streamed(chunks: &[&str]) -> Vec<Event> {
    let end = json!({"candidates": [{"finishReason": "STOP"}]}).to_string();
    let chunks = chunks.iter().copied().chain([end.as_str()]);
    decode(&chunks.map(|chunk| format!("data: {chunk}\n\n")).collect::<String>())
}

fn called(name: &str, arguments: &str) -> Event {
    let (name, arguments) = (name.into(), arguments.into());
    Event::ToolCall(ToolCall {
        id: String::new(),
        name,
        arguments,
        signature: None,
    })
}

#[test]
fn arguments_that_come_in_pieces_are_put_together() {
    let begin = of_parts(json!([{"functionCall": {"name": "f", "willContinue": true}}]));
    let piece = |pieces: Value| of_parts(json!([{"functionCall": {"partialArgs": pieces, "willContinue": true}}]));
    let text = |path: &str, text: &str| json!({"jsonPath": path, "stringValue": text, "willContinue": true});
    let all = [
        piece(json!([text("$.a", "Bos"), {"jsonPath": "$.n", "numberValue": 2}])),
        piece(json!([text("$.a", "ton"), {"jsonPath": "$.list[1].x", "boolValue": true}])),
        piece(json!([{"jsonPath": "$['b c']", "nullValue": "NULL_VALUE"}])),
    ];
    let end = of_parts(json!([{"functionCall": {}}]));
    let whole = r#"{"a":"Boston","b c":null,"list":[null,{"x":true}],"n":2}"#;
    let tools = finished(FinishReason::ToolCalls);
    let told = streamed(&[&begin, &all[0], &all[1], &all[2], &end]);
    assert_eq!(told, [called("f", whole), tools.clone()]);
    let two = streamed(&[&begin, &begin, &all[0], &end]);
    assert_eq!(
        two,
        [called("f", "{}"), called("f", r#"{"a":"Bos","n":2}"#), tools.clone()]
    );
    // Without its end the answer's end closes it; where the answer is cut it is none.
    assert_eq!(
        streamed(&[&begin, &all[0]]),
        [called("f", r#"{"a":"Bos","n":2}"#), tools]
    );
    assert_eq!(
        decode(&format!("data: {begin}\n\n")),
        [finished(FinishReason::Incomplete)]
    );
}

#[test]
fn hostile_places_of_arguments_do_no_harm() {
    let begin = of_parts(json!([{"functionCall": {"name": "f", "willContinue": true}}]));
    let deep = format!("${}", ".a".repeat(100_000));
    let paths = [
        "",
        "$",
        "a",
        "$.a[999999999]",
        "$[",
        "$['a",
        "$.a[-1]",
        "$a",
        deep.as_str(),
        "$.s.x",
        "$.s",
    ];
    let pieces: Vec<Value> = paths
        .iter()
        .map(|path| json!({"jsonPath": path, "stringValue": "v"}))
        .collect();
    let piece = of_parts(json!([{"functionCall": {"partialArgs": pieces, "willContinue": true}}]));
    let many = of_parts(
        json!([{"functionCall": {"partialArgs": vec![json!({"jsonPath": "$.s", "stringValue": "x".repeat(100_000)}); 30],
        "willContinue": true}}]),
    );
    let told = streamed(&[&begin, &piece, &many]);
    let Some(Event::ToolCall(call)) = told.first() else {
        panic!("{told:?}")
    };
    assert!(call.arguments.len() < 3 * 1024 * 1024);
}

#[test]
fn pictures_files_code_and_unknown_parts_are_named() {
    let unshown = |kind, name: &str| {
        Event::Unshown(Unshown {
            kind,
            name: name.into(),
        })
    };
    let mut told = streamed(&[&of_parts(json!([
        {"inlineData": {"mimeType": "image/png", "data": "AAAA"}, "thoughtSignature": "x"},
        {"inlineData": {"mimeType": "audio/L16;rate=24000", "data": "AAAA"}},
        {"fileData": {"mimeType": "application/pdf", "fileUri": "gs://b/x.pdf"}},
        {"executableCode": {"language": "PYTHON", "code": "1"}, "thought": true},
        {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}},
        {"hologram": {"x": 1}},
        {"thoughtSignature": "x"},
        {"text": "", "thoughtSignature": "x"},
    ]))]);
    told.retain(|event| !matches!(event, Event::Signature(_)));
    assert_eq!(
        told,
        [
            unshown(UnshownKind::Image, ""),
            unshown(UnshownKind::Audio, ""),
            unshown(UnshownKind::File, "application/pdf"),
            unshown(UnshownKind::Ran, "code_execution"),
            unshown(UnshownKind::Other, "hologram"),
            finished(FinishReason::Stop)
        ]
    );
}

#[test]
fn what_a_search_found_and_what_was_read_are_sources() {
    let cited = |url: &str, title: &str| {
        Event::Citation(Citation {
            url: url.into(),
            title: title.into(),
        })
    };
    let chunk = json!({"candidates": [{
        "groundingMetadata": {"groundingChunks": [{"web": {"uri": "https://a.example", "title": "A"}},
            {"retrievedContext": {"uri": "gs://bucket/b.txt", "title": "B"}}, {"maps": {"uri": "https://maps.example"}}]},
        "urlContextMetadata": {"urlMetadata": [
            {"retrievedUrl": "https://c.example", "urlRetrievalStatus": "URL_RETRIEVAL_STATUS_SUCCESS"},
            {"retrievedUrl": "https://d.example", "urlRetrievalStatus": "URL_RETRIEVAL_STATUS_ERROR"}]},
        "citationMetadata": {"citationSources": [{"startIndex": 1, "uri": "https://e.example"}]}}]})
    .to_string();
    let expected = [
        cited("https://a.example", "A"),
        cited("", "B"),
        cited("https://maps.example", ""),
        cited("https://c.example", ""),
        cited("https://e.example", ""),
        finished(FinishReason::Stop),
    ];
    assert_eq!(streamed(&[&chunk, &chunk]), expected);
}
