use super::*;
use crate::provider::{ErrorClass, ProviderError, Why};

/// The reasoning and the text of an answer that comes in these pieces and ends so.
fn split(pieces: &[&str], end: Event) -> (String, String) {
    let mut thinking = Thinking::default();
    let mut out = Vec::new();
    for piece in pieces.iter().filter(|piece| !piece.is_empty()) {
        let from = out.len();
        out.push(Event::Text((*piece).to_owned()));
        thinking.sort(from, &mut out);
    }
    let from = out.len();
    out.push(end.clone());
    thinking.sort(from, &mut out);
    assert_eq!(out.last(), Some(&end));
    let (mut reasoning, mut text) = (String::new(), String::new());
    for event in out {
        match event {
            Event::Reasoning(piece) => {
                assert!(!piece.is_empty());
                reasoning.push_str(&piece);
            }
            Event::Text(piece) => {
                assert!(!piece.is_empty());
                text.push_str(&piece);
            }
            _ => {}
        }
    }
    (reasoning, text)
}

fn stop() -> Event {
    Event::Finished(FinishReason::Stop)
}

/// Cut anywhere, and sign by sign, the result is the same.
fn same_however_cut(answer: &str, reasoning: &str, text: &str) {
    let expected = (reasoning.to_owned(), text.to_owned());
    for cut in (0..=answer.len()).filter(|&cut| answer.is_char_boundary(cut)) {
        let (left, right) = answer.split_at(cut);
        assert_eq!(split(&[left, right], stop()), expected, "{answer:?} cut at {cut}");
    }
    let mut buffers = vec![[0; 4]; answer.chars().count()];
    let signs: Vec<&str> = answer
        .chars()
        .zip(&mut buffers)
        .map(|(sign, room)| &*sign.encode_utf8(room))
        .collect();
    assert_eq!(split(&signs, stop()), expected, "{answer:?} sign by sign");
}

#[test]
fn an_answer_that_begins_with_think_tags_has_reasoning_and_text() {
    for (open, close) in TAGS {
        let answer = format!(" \n{open}\nHm,\n\n so. \n{close}\n\nHello!");
        same_however_cut(&answer, "Hm,\n\n so.", "\n\nHello!");
    }
    same_however_cut("<Thought>a</THOUGHT>b", "a", "b");
    same_however_cut("[THINK]a[/THINK]b", "a", "b");
    same_however_cut("<think>\n\n</think>\n\nHello", "", "\n\nHello");
    same_however_cut("<think></think>", "", "");
    same_however_cut(
        "<think>größer < kleiner </thin</think>🦀",
        "größer < kleiner </thin",
        "🦀",
    );
}

#[test]
fn tags_in_code_and_in_later_text_are_text() {
    for answer in [
        "Use <think>x</think>.",
        "`<think>` opens it",
        "```html\n<think>x</think>\n```\n",
        "<thinker>x</thinker>",
        "<thin",
        "  <",
        "</think>\n\nHello",
        " \n ",
        "<div>",
        "[think about it]",
    ] {
        same_however_cut(answer, "", answer);
    }
    same_however_cut("<think>a</think><think>b</think>", "a", "<think>b</think>");
}

#[test]
fn a_closing_tag_within_code_does_not_end_the_reasoning() {
    same_however_cut("<think>no `</think>` yet</think>Hello", "no `</think>` yet", "Hello");
    same_however_cut("<think>a `</think>Hello", "a `", "Hello");
    let fenced = "```html\n</think>\n```\nso";
    same_however_cut(&format!("<think>{fenced}</think>Hello"), fenced, "Hello");
}

#[test]
fn a_tag_that_is_never_closed_loses_no_text() {
    same_however_cut("<think>All of it is here.", "All of it is here.", "All of it is here.");
    let cut = Event::Finished(FinishReason::cut(Why::Length, "length"));
    assert_eq!(split(&["<think>So far"], cut.clone()), ("So far".into(), String::new()));
    assert_eq!(
        split(&["<think>So far </th"], cut.clone()),
        ("So far </th".into(), String::new())
    );
    assert_eq!(split(&[" <thi"], cut), (String::new(), " <thi".into()));
    let failed = Event::Error(ProviderError::new(ErrorClass::Server, "x"));
    assert_eq!(
        split(&["<think>So far"], failed.clone()),
        ("So far".into(), String::new())
    );
    assert_eq!(split(&["<th"], failed), (String::new(), "<th".into()));
}

#[test]
fn an_answer_behind_a_fence_that_the_reasoning_left_open_is_text_in_the_end() {
    let (_, text) = split(&["<think>```\nx </think>", "The answer."], stop());
    assert_eq!(text, "The answer.");
}

#[test]
fn a_flood_of_closing_tags_within_code_costs_no_time() {
    let answer = format!("<think>```\n{}", "</think>\n".repeat(100_000));
    let (reasoning, text) = split(&[&answer], stop());
    assert!(reasoning.len() + text.len() >= 100_000);
}
