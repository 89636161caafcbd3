use super::*;
use crate::provider::{Unshown, UnshownKind};

/// The events of a stream with these payloads and its end.
fn answered(payloads: &[&str]) -> Vec<Event> {
    chunks(&[payloads, &["[DONE]"]].concat())
}

fn image() -> Event {
    unshown(UnshownKind::Image, "")
}

fn unshown(kind: UnshownKind, name: &str) -> Event {
    Event::Unshown(Unshown {
        kind,
        name: name.into(),
    })
}

#[test]
fn a_message_or_a_text_where_a_delta_is_due_is_the_answer() {
    for choice in [
        r#""message":{"role":"assistant","content":"All of it."}"#,
        r#""message":"All of it.""#,
        r#""delta":"All of it.""#,
        r#""text":"All of it.""#,
        r#""delta":{},"message":{"content":[{"type":"text","text":"All of it."}]}"#,
    ] {
        let chunk = format!(r#"{{"choices":[{{{choice},"finish_reason":"stop"}}]}}"#);
        assert_eq!(answered(&[&chunk]), [text("All of it."), STOP], "{choice}");
    }
    for body in [
        r#"{"message":{"content":"Hello"}}"#,
        r#"{"response":"Hello"}"#,
        r#"{"content":"Hello"}"#,
    ] {
        assert_eq!(answered(&[body])[0], text("Hello"), "{body}");
    }
}

#[test]
fn a_message_beside_the_deltas_repeats_them_and_is_told_once() {
    let chunk = |delta: &str, message: &str| {
        json!({"choices": [{"delta": {"content": delta}, "message": {"content": message}}]}).to_string()
    };
    let (one, two, last) = (
        chunk("One.", "One."),
        chunk(" Two.", "One. Two."),
        chunk("", "One. Two. Three."),
    );
    assert_eq!(
        answered(&[&one, &two, &last]),
        [text("One."), text(" Two."), text(" Three."), STOP]
    );
    assert_eq!(answered(&[&one, &chunk("", "Something else.")]), [text("One."), STOP]);
    let message = |text: &str| json!({"choices": [{"message": {"content": text}}]}).to_string();
    let (one, two) = (message("One."), message("One. Two."));
    assert_eq!(answered(&[&one, &two, &two]), [text("One."), text(" Two."), STOP]);
    assert_eq!(
        answered(&[&message("One."), &message(" Two.")]),
        [text("One."), text(" Two."), STOP]
    );
}

#[test]
fn pictures_sounds_and_files_are_named() {
    let picture = r#"{"images":[{"type":"image_url","image_url":{"url":"data:image/png;base64,iVBO"}}]}"#;
    assert_eq!(deltas(&[picture]), [image(), STOP]);
    let parts = r#"{"content":[{"type":"text","text":"a"},{"type":"image_url","image_url":"x"},
        {"type":"tool_file","file_name":"a.csv"},{"type":"hologram"},{"type":"tool_reference","url":"https://a.example","title":"A"}]}"#;
    let (url, title) = ("https://a.example".to_owned(), "A".to_owned());
    assert_eq!(
        deltas(&[&parts.replace('\n', "")]),
        [
            text("a"),
            image(),
            unshown(UnshownKind::File, "a.csv"),
            unshown(UnshownKind::Other, "hologram"),
            Event::Citation(Citation { url, title }),
            STOP
        ]
    );
    let sound = [
        r#"{"audio":{"id":"a","transcript":"Hel"}}"#,
        r#"{"audio":{"data":"AAAA","transcript":"lo"}}"#,
    ];
    assert_eq!(
        deltas(&sound),
        [unshown(UnshownKind::Audio, ""), text("Hel"), text("lo"), STOP]
    );
    let ran = r#"{"executed_tools":[{"index":0,"type":"search","search_results":{"results":[{"url":"https://a.example"}]}}]}"#;
    let (url, title) = ("https://a.example".to_owned(), String::new());
    let search = [
        unshown(UnshownKind::Ran, "search"),
        Event::Citation(Citation { url, title }),
        STOP,
    ];
    assert_eq!(deltas(&[ran, ran]), search);
}

#[test]
fn a_custom_tools_call_is_a_call() {
    let pieces = [
        r#"{"tool_calls":[{"index":0,"id":"c1","type":"custom","custom":{"name":"write_sql","input":"SELECT"}}]}"#,
        r#"{"tool_calls":[{"index":0,"custom":{"input":" 1"}}]}"#,
        r#"{"tool_calls":[{"index":1,"id":"c2","type":"web_search_call"}]}"#,
    ];
    let expected = [
        unshown(UnshownKind::Ran, "web_search_call"),
        call("c1", "write_sql", "SELECT 1"),
        TOOLS,
    ];
    assert_eq!(deltas(&pieces), expected);
}

#[test]
fn sources_in_every_shape_are_told() {
    let cited = |url: &str, title: &str| {
        Event::Citation(Citation {
            url: url.into(),
            title: title.into(),
        })
    };
    let annotations = r#"{"annotations":[{"type":"url_citation","url_citation":{"url":"https://a.example","title":"A"}},
        {"type":"url_citation","url":"https://b.example","title":"B"},{"type":"file_citation","file_citation":{"file_id":"f1"}},
        {"type":"file","file":{"name":"x.pdf","hash":"h"}}],"context":{"citations":[{"filepath":"c.md"}]}}"#;
    let found = deltas(&[&annotations.replace('\n', "")]);
    let expected = [
        cited("https://a.example", "A"),
        cited("https://b.example", "B"),
        cited("", "f1"),
        cited("", "c.md"),
        STOP,
    ];
    assert_eq!(found, expected);
    let listed =
        r#"{"citations":["https://a.example",{"url":"https://b.example","title":"B"}],"choices":[{"delta":{}}]}"#;
    let expected = [cited("https://a.example", ""), cited("https://b.example", "B"), STOP];
    assert_eq!(answered(&[listed]), expected);
}

#[test]
fn one_json_text_per_line_where_a_stream_is_due_is_read() {
    let line = |text: &str| format!("{}\n", json!({"choices": [{"delta": {"content": text}}]}));
    let end = "{\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n";
    let body = format!("{}{}{end}", line("One."), line(" Two."));
    assert_eq!(decode(&[body.as_bytes()]), [text("One."), text(" Two."), STOP]);
}

#[test]
fn reasoning_that_is_sent_whole_each_time_or_in_objects_is_told_once() {
    let details = |text: &str| json!({"reasoning_details": [{"type": "reasoning.text", "text": text}]}).to_string();
    let (one, two, three) = (details("One."), details("One. Two."), details("One. Two. Three."));
    let content = r#"{"content":"Done."}"#;
    let expected = [
        reasoning("One."),
        reasoning(" Two."),
        reasoning(" Three."),
        text("Done."),
        STOP,
    ];
    assert_eq!(deltas(&[&one, &two, &three, &three, content]), expected);
    for thought in [
        r#"{"reasoning_content":{"text":"A thought."}}"#,
        r#"{"reasoning":[{"content":"A "},"thought."]}"#,
        r#"{"thinking_blocks":[{"type":"thinking","thinking":"A thought.","signature":"x"}]}"#,
        r#"{"reasoning_details":{"summary":"A thought."}}"#,
        r#"{"content":[{"type":"reasoning","text":"A thought."}]}"#,
    ] {
        assert_eq!(deltas(&[thought]), [reasoning("A thought."), STOP], "{thought}");
    }
}
