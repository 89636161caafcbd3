mod any_order;
mod branching;
mod chain;
mod cut_anywhere;
mod ends;
mod flood;
mod recalling;

use super::*;
use crate::provider::{ErrorClass, Why};
use crate::transcript::Citation;

fn send(text: &str) -> Event {
    Event::Sent {
        regions: Vec::new(),
        submission: submission(text),
        at: None,
    }
}

fn submission(text: &str) -> Submission {
    Submission {
        id: SubmissionId(1),
        text: text.into(),
        replaced: false,
    }
}

fn region(id: u64, role: Role, text: &str) -> Region {
    Region {
        id: MessageId(id),
        role,
        text: text.into(),
        label: String::new(),
        beside: false,
    }
}

fn place(id: u64, number: usize, of: usize) -> Place {
    let id = MessageId(id);
    Place { id, number, of }
}

fn answered(turn: u64, event: ProviderEvent) -> Event {
    Event::Answered {
        turn: TurnId(turn),
        event,
    }
}

fn text(turn: u64, text: &str) -> Event {
    answered(turn, ProviderEvent::Text(text.into()))
}

fn stop(turn: u64) -> Event {
    answered(turn, ProviderEvent::Finished(FinishReason::Stop))
}

fn texts(conversation: &Conversation) -> Vec<String> {
    conversation
        .messages()
        .iter()
        .map(|message| message.text().into_owned())
        .collect()
}

fn error(class: ErrorClass) -> ProviderError {
    ProviderError::new(class, "")
}

fn ended(effects: &[Effect]) -> Option<&Outcome> {
    effects.iter().find_map(|effect| match effect {
        Effect::EndTurn(_, ended) => Some(&ended.outcome),
        _ => None,
    })
}

#[test]
fn sending_shows_the_question_and_starts_a_turn() {
    let mut chat = Conversation::default();
    let effects = chat.step(send("\n  hello \n\n"));
    let question = Question {
        id: MessageId(1),
        text: "  hello".into(),
        submission: SubmissionId(1),
        replaced: false,
    };
    assert_eq!(
        effects,
        vec![
            Effect::ShowTurn {
                shape: Shape::default(),
                question: Some(question),
                answer: MessageId(2)
            },
            Effect::StartTurn(TurnId(1))
        ]
    );
    assert!(chat.is_answering());
}

#[test]
fn an_empty_prompt_is_refused() {
    let mut chat = Conversation::default();
    assert_eq!(chat.step(send(" \n\t\n")), vec![Effect::Refuse(Refusal::EmptyPrompt)]);
    assert!(chat.messages().is_empty());
}

#[test]
fn sending_while_an_answer_is_written_is_refused_and_changes_nothing() {
    let mut chat = Conversation::default();
    chat.step(send("one"));
    assert_eq!(chat.step(send("two")), vec![Effect::Refuse(Refusal::Answering)]);
    assert_eq!(texts(&chat), ["one", ""]);
}

#[test]
fn pieces_of_text_are_painted_and_kept_in_order() {
    let mut chat = Conversation::default();
    chat.step(send("q"));
    assert_eq!(
        chat.step(text(1, "\n\nHel")),
        vec![Effect::Paint(MessageId(2), Voice::Text, "Hel".into())]
    );
    assert_eq!(
        chat.step(text(1, "lo\r\n")),
        vec![Effect::Paint(MessageId(2), Voice::Text, "lo\n".into())]
    );
    let effects = chat.step(stop(1));
    assert!(matches!(ended(&effects), Some(Outcome::Done { empty: false, .. })));
    assert_eq!(texts(&chat), ["q", "Hello\n"]);
    assert!(!chat.is_answering());
}

#[test]
fn a_stop_drops_the_connection_and_keeps_the_partial_text() {
    let mut chat = Conversation::default();
    chat.step(send("q"));
    chat.step(text(1, "half an ans"));
    let effects = chat.step(Event::StopRequested);
    assert_eq!(effects.first(), Some(&Effect::AbortTurn));
    assert_eq!(ended(&effects), Some(&Outcome::Stopped { fallen: 0 }));
    assert_eq!(texts(&chat), ["q", "half an ans"]);
}

#[test]
fn late_delta_after_stop_is_ignored() {
    let mut chat = Conversation::default();
    chat.step(send("q"));
    chat.step(Event::StopRequested);
    assert_eq!(chat.step(text(1, "late")), vec![]);
    assert_eq!(chat.step(stop(1)), vec![]);
    chat.step(send("again"));
    assert_eq!(
        chat.step(text(1, "later still")),
        vec![],
        "an old turn does not write into a new one"
    );
}

#[test]
fn a_retry_is_shown_with_the_answer_that_waits_for_it_and_a_late_one_is_ignored() {
    let retrying = Retrying {
        wait: std::time::Duration::from_secs(7),
        attempt: 2,
        error: ProviderError::new(ErrorClass::Overloaded, ""),
    };
    let event = || Event::Answered {
        turn: TurnId(1),
        event: ProviderEvent::Retrying(retrying.clone()),
    };
    let mut chat = Conversation::default();
    chat.step(send("q"));
    assert_eq!(
        chat.step(event()),
        vec![Effect::ShowRetry(MessageId(2), retrying.clone())]
    );
    chat.step(Event::StopRequested);
    assert_eq!(chat.step(event()), vec![]);
}

#[test]
fn second_stop_is_harmless() {
    let mut chat = Conversation::default();
    chat.step(send("q"));
    chat.step(Event::StopRequested);
    assert_eq!(
        chat.step(Event::StopRequested),
        vec![Effect::Remark(Refusal::NothingToStop)]
    );
}

#[test]
fn a_failure_keeps_the_partial_text_and_adds_no_message() {
    let mut chat = Conversation::default();
    chat.step(send("q"));
    chat.step(text(1, "part"));
    let effects = chat.step(answered(1, ProviderEvent::Error(error(ErrorClass::Overloaded))));
    assert!(matches!(ended(&effects), Some(Outcome::Failed(e)) if e.class == ErrorClass::Overloaded));
    assert_eq!(texts(&chat), ["q", "part"]);
}

#[test]
fn a_turn_ends_exactly_once() {
    let mut chat = Conversation::default();
    chat.step(send("q"));
    let first = chat.step(answered(1, ProviderEvent::Error(error(ErrorClass::Server))));
    let second = chat.step(stop(1));
    assert!(ended(&first).is_some());
    assert_eq!(second, vec![]);
}

#[test]
fn an_end_without_a_finish_is_incomplete() {
    let mut chat = Conversation::default();
    chat.step(send("q"));
    chat.step(text(1, "part"));
    let effects = chat.step(answered(1, ProviderEvent::Finished(FinishReason::Incomplete)));
    let end = Outcome::Cut {
        cut: None,
        empty: false,
    };
    assert_eq!(ended(&effects), Some(&end));
}

#[test]
fn an_open_code_fence_is_closed_at_the_end() {
    let mut chat = Conversation::default();
    chat.step(send("q"));
    chat.step(text(1, "```lua\nx = 1"));
    let effects = chat.step(stop(1));
    assert_eq!(
        effects.first(),
        Some(&Effect::Paint(MessageId(2), Voice::Text, "\n```".into()))
    );
    assert_eq!(texts(&chat)[1], "```lua\nx = 1\n```");
}

#[test]
fn an_open_code_fence_is_closed_without_a_blank_line_where_its_last_line_has_ended() {
    let mut chat = Conversation::default();
    chat.step(send("q"));
    chat.step(text(1, "```lua\nx = 1\n"));
    let effects = chat.step(stop(1));
    assert_eq!(
        effects.first(),
        Some(&Effect::Paint(MessageId(2), Voice::Text, "```".into()))
    );
    assert_eq!(texts(&chat)[1], "```lua\nx = 1\n```");
}

#[test]
fn what_the_buffer_shows_wins_over_what_is_remembered() {
    let mut chat = Conversation::default();
    chat.step(send("q"));
    chat.step(text(1, "a"));
    chat.step(stop(1));
    let regions = vec![region(1, Role::User, "q, edited"), region(2, Role::Assistant, "a")];
    chat.step(Event::Sent {
        regions,
        submission: submission("next"),
        at: None,
    });
    assert_eq!(texts(&chat), ["q, edited", "a", "next", ""]);
}

#[test]
fn messages_of_a_process_that_died_are_taken_from_the_buffer() {
    let mut chat = Conversation::default();
    let regions = vec![region(7, Role::User, "q"), region(8, Role::Assistant, "a")];
    let effects = chat.step(Event::Sent {
        regions,
        submission: submission("next"),
        at: None,
    });
    assert_eq!(texts(&chat), ["q", "a", "next", ""]);
    assert!(
        matches!(
            effects.first(),
            Some(Effect::ShowTurn {
                answer: MessageId(10),
                ..
            })
        ),
        "numbers go on"
    );
}

#[test]
fn an_answer_without_a_word_is_removed_by_the_next_turn() {
    let mut chat = Conversation::default();
    chat.step(send("q"));
    chat.step(answered(1, ProviderEvent::Error(error(ErrorClass::WrongKey))));
    let regions = vec![region(1, Role::User, "q"), region(2, Role::Assistant, "")];
    let effects = chat.step(Event::Sent {
        regions,
        submission: submission("next"),
        at: None,
    });
    assert!(matches!(effects.first(), Some(Effect::ShowTurn { shape, .. }) if shape.removed == [MessageId(2)]));
    assert_eq!(texts(&chat), ["q", "next", ""]);
}

#[test]
fn regenerating_asks_the_last_question_again() {
    let mut chat = Conversation::default();
    chat.step(send("q"));
    chat.step(text(1, "a"));
    chat.step(stop(1));
    let regions = vec![region(1, Role::User, "q"), region(2, Role::Assistant, "a")];
    let effects = chat.step(Event::Regenerated { regions, at: None });
    let show = Effect::ShowTurn {
        shape: Shape {
            removed: vec![MessageId(2)],
            places: vec![place(3, 2, 2), place(2, 1, 2)],
            ..Shape::default()
        },
        question: None,
        answer: MessageId(3),
    };
    assert_eq!(effects, vec![show, Effect::StartTurn(TurnId(2))]);
    assert_eq!(texts(&chat), ["q", ""]);
}

#[test]
fn regenerating_an_empty_chat_is_refused() {
    let mut chat = Conversation::default();
    let effects = chat.step(Event::Regenerated {
        regions: Vec::new(),
        at: None,
    });
    assert_eq!(effects, vec![Effect::Refuse(Refusal::NothingToRegenerate)]);
}

fn thought(text: &str) -> Event {
    answered(1, ProviderEvent::Reasoning(text.into()))
}

#[test]
fn reasoning_is_shown_as_such_and_kept_apart_from_the_text() {
    let mut chat = Conversation::default();
    chat.step(send("q"));
    let shown = |text: &str| vec![Effect::Paint(MessageId(2), Voice::Reasoning, text.into())];
    assert_eq!(chat.step(thought("\n\nhm")), shown("hm"));
    assert_eq!(chat.step(thought("\r\nm")), shown("\nm"));
    chat.step(text(1, "answer"));
    assert_eq!(chat.messages()[1].reasoning(), "hm\nm");
    assert_eq!(chat.messages()[1].text(), "answer");
}

#[test]
fn of_long_reasoning_the_beginning_is_kept_and_shown() {
    let mut chat = Conversation::default();
    chat.step(send("q"));
    chat.step(thought("begin"));
    chat.step(thought(&"é".repeat(LONGEST_REASONING)));
    assert_eq!(chat.step(thought("end")), vec![]);
    let kept = chat.messages()[1].reasoning();
    assert!(kept.len() <= LONGEST_REASONING + '…'.len_utf8() && kept.len() >= LONGEST_REASONING);
    assert!(kept.starts_with("beginé") && kept.ends_with("é…"));
}

#[test]
fn a_source_that_is_named_twice_is_kept_once() {
    let mut chat = Conversation::default();
    chat.step(send("q"));
    for url in ["https://a.example", "https://b.example", "https://a.example"] {
        let (url, title) = (url.to_owned(), String::new());
        chat.step(answered(1, ProviderEvent::Citation(Citation { url, title })));
    }
    assert_eq!(chat.messages()[1].citations().count(), 2);
}

#[test]
fn usage_and_tools_come_with_the_end() {
    let mut chat = Conversation::default();
    chat.step(send("q"));
    let usage = Usage {
        input: 3,
        output: 5,
        ..Usage::default()
    };
    chat.step(answered(1, ProviderEvent::Usage(usage)));
    let call = ToolCall {
        id: "c1".into(),
        name: "get_capital".into(),
        arguments: "{}".into(),
        signature: None,
    };
    chat.step(answered(1, ProviderEvent::ToolCall(call)));
    let effects = chat.step(answered(1, ProviderEvent::Finished(FinishReason::ToolCalls)));
    let Some(Effect::EndTurn(_, ended)) = effects.last() else {
        panic!("no end: {effects:?}")
    };
    assert_eq!(ended.usage, Some(usage));
    assert!(matches!(&ended.outcome, Outcome::Done { tools, .. } if tools == &["get_capital"]));
}

#[test]
fn an_answer_that_its_provider_cut_is_not_done_and_remembers_the_word() {
    let mut chat = Conversation::default();
    chat.step(send("q"));
    chat.step(text(1, "half"));
    let cut = Cut::new(Why::Paused, "pause_turn", "");
    let reason = FinishReason::Cut(cut.clone());
    let effects = chat.step(answered(1, ProviderEvent::Finished(reason)));
    let end = Outcome::Cut {
        cut: Some(cut),
        empty: false,
    };
    assert_eq!(ended(&effects), Some(&end));
    assert_eq!(chat.messages()[1].cut.as_deref(), Some("pause_turn"));
    assert_eq!(chat.step(stop(1)), vec![], "it has ended");
}
