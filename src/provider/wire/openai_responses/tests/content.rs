use super::*;
use crate::provider::Unshown;

fn done(index: u64, item: &Value) -> Value {
    json!({"type": "response.output_item.done", "output_index": index, "item": item})
}

fn unshown(kind: UnshownKind, name: &str) -> Event {
    Event::Unshown(Unshown {
        kind,
        name: name.into(),
    })
}

fn cited(url: &str, title: &str) -> Event {
    Event::Citation(Citation {
        url: url.into(),
        title: title.into(),
    })
}

/// Calls of every kind, and what of each is shown.
fn asked() -> Vec<(Value, Event)> {
    vec![
        (
            json!({"type": "custom_tool_call", "call_id": "c1", "name": "sql", "input": "SELECT 1"}),
            call("c1", "sql", "SELECT 1"),
        ),
        (
            json!({"type": "apply_patch_call", "call_id": "c2", "operation": {"type": "delete_file"}}),
            call("c2", "apply_patch", r#"{"type":"delete_file"}"#),
        ),
        (
            json!({"type": "shell_call", "call_id": "c3", "action": {"commands": ["ls"]}}),
            call("c3", "shell", r#"{"commands":["ls"]}"#),
        ),
        (
            json!({"type": "local_shell_call", "call_id": "c4", "action": {"command": ["ls"]}}),
            call("c4", "local_shell", r#"{"command":["ls"]}"#),
        ),
        (
            json!({"type": "computer_call", "call_id": "c5", "action": {"type": "click"}}),
            call("c5", "computer", r#"{"type":"click"}"#),
        ),
        (
            json!({"type": "mcp_approval_request", "id": "m1", "server_label": "files", "name": "rm", "arguments": "{}"}),
            call("m1", "mcp_approval_request files.rm", "{}"),
        ),
    ]
}

#[test]
fn calls_of_every_kind_are_calls_streamed_and_whole() {
    for (item, expected) in asked() {
        assert_eq!(
            frames(&[done(0, &item), completed()]),
            [expected.clone(), USAGE, TOOLS],
            "{item}"
        );
        let whole = json!({"status": "completed", "output": [item]});
        assert_eq!(
            decode(&[whole.to_string().as_bytes()]),
            [expected.clone(), TOOLS],
            "{item}"
        );
        // The finished answer itself in a frame.
        assert_eq!(frames(&[whole]), [expected, TOOLS], "{item}");
    }
}

#[test]
fn a_custom_tools_input_comes_in_pieces_and_a_cut_one_is_none() {
    let item = json!({"type": "custom_tool_call", "call_id": "c1", "name": "sql", "input": ""});
    let added = json!({"type": "response.output_item.added", "output_index": 0, "item": item});
    let pieces = [
        delta("custom_tool_call_input", 0, "SELECT"),
        delta("custom_tool_call_input", 0, " 1"),
    ];
    let [one, two] = pieces;
    let told = frames(&[added.clone(), one.clone(), two, completed()]);
    assert_eq!(told, [call("c1", "sql", "SELECT 1"), USAGE, TOOLS]);
    assert_eq!(frames(&[added, one]), [INCOMPLETE]);
}

#[test]
fn what_the_provider_ran_and_what_nobody_knows_is_named_once() {
    let items = [
        json!({"type": "web_search_call", "id": "w1"}),
        json!({"type": "file_search_call", "id": "f1"}),
        json!({"type": "mcp_call", "id": "m1", "server_label": "files", "name": "open"}),
        json!({"type": "code_interpreter_call", "id": "i1", "outputs": [{"type": "logs"}, {"type": "image", "url": "x"}]}),
        json!({"type": "image_generation_call", "id": "g1", "result": "iVBO"}),
        json!({"type": "hologram", "id": "h1"}),
        json!({"type": "reasoning", "id": "r1"}),
        json!({"type": "message", "id": "t1", "content": [{"type": "output_image", "url": "x"}]}),
    ];
    let expected = vec![
        unshown(UnshownKind::Ran, "web_search"),
        unshown(UnshownKind::Ran, "file_search"),
        unshown(UnshownKind::Ran, "files.open"),
        unshown(UnshownKind::Ran, "code_interpreter"),
        unshown(UnshownKind::Image, ""),
        unshown(UnshownKind::Image, ""),
        unshown(UnshownKind::Other, "hologram"),
        unshown(UnshownKind::Image, ""),
        STOP,
    ];
    let mut payloads: Vec<Value> = items
        .iter()
        .enumerate()
        .map(|(at, item)| done(at as u64, item))
        .collect();
    payloads.push(json!({"type": "response.completed", "response": {"status": "completed", "output": items}}));
    assert_eq!(frames(&payloads), expected);
    assert_eq!(frames(&payloads[items.len()..]), expected);
}

#[test]
fn sources_are_told_once_though_they_stand_in_four_places() {
    let file = json!({"type": "file_citation", "file_id": "f1", "filename": "ai.pdf", "index": 3});
    let made = json!({"type": "container_file_citation", "container_id": "c", "file_id": "f2", "filename": "out.csv"});
    let page = json!({"type": "url_citation", "url": "https://a.example", "title": "A"});
    let part = json!({"type": "output_text", "text": "So.", "annotations": [file, made, page]});
    let item = json!({"type": "message", "id": "m", "content": [part]});
    let added = json!({"type": "response.output_text.annotation.added", "annotation": file});
    let part = json!({"type": "response.content_part.done", "output_index": 0, "content_index": 0, "part": part});
    let end = json!({"type": "response.completed", "response": {"status": "completed", "output": [item]}});
    let told = frames(&[delta("output_text", 0, "So."), added, part, done(0, &item), end.clone()]);
    let sources = [
        cited("", "ai.pdf"),
        cited("", "out.csv"),
        cited("https://a.example", "A"),
    ];
    assert_eq!(told, [&[text("So.")], &sources[..], &[STOP]].concat());
    assert_eq!(frames(&[end]), [&[text("So.")], &sources[..], &[STOP]].concat());
}
